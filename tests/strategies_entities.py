"""Hypothesis strategies for rulesets with 对象, and for populations: records of all kinds that point to one another.

`worlds()` draws persons, regions, provinces and applications with links between them, some yearly, some 可空; rules of each kind read their own names, values
through links (`所在区 的 X`, also with 上年) and figures over the records that point to them. Definitions are drawn in one order over all kinds, each from those
before it, so no cycle comes about. `populations(program, years)` draws records with 编号 that fit, for any program.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from strategies import (
    FIRST,
    KINDS,
    MODES,
    NUMBERS,
    ORDERED,
    TYPES,
    UNITS,
    Author,
    Name,
    Ruleset,
    Writer,
    _demanded,
    values,
)
from tiaoli import model as m
from tiaoli.values import INSURED

KINDS_OF_RECORD = (INSURED, "区", "省", "申请")
LINKS = (
    (INSURED, "所在区", "区"),
    (INSURED, "户籍区", "区"),
    ("区", "所属省", "省"),
    ("申请", "付款人", INSURED),
    ("申请", "使用人", INSURED),
)


@dataclass(frozen=True)
class Link:
    """A fact that points from records of ``owner`` to those of ``target``."""

    owner: str
    name: str
    target: str
    yearly: bool
    nullable: bool

    @property
    def line(self) -> str:
        owner = "" if self.owner == INSURED else f"{self.owner} 的 "
        return (
            f"{'每年 ' if self.yearly else ''}事实 {owner}{self.name}: {self.target}{' 可空' if self.nullable else ''}"
        )


@dataclass
class Clerk(Author):
    """Draws the declarations of one kind of record."""

    owner: str = INSURED

    def fact(self, name: str, kind: str) -> None:
        super().fact(name, kind)
        self._owned(name)

    def definition(self, name: str, kind: str, initial: bool) -> None:
        super().definition(name, kind, initial)
        self._owned(name)

    def _owned(self, name: str) -> None:
        if self.owner != INSURED or self.w.chance(15):
            self.lines[-1] = self.lines[-1].replace(f" {name}:", f" {self.owner} 的 {name}:", 1)


@dataclass
class Registry:
    """All kinds of record, their clerks and links."""

    draw: st.DrawFn
    clerks: Mapping[str, Clerk]
    links: tuple[Link, ...]

    @property
    def w(self) -> Writer:
        return Writer(self.draw, [])

    def beyond(self, owner: str, depth: int = 2) -> Iterator[Name]:
        """Names of other records, reached through links."""
        for link in self.links:
            if link.owner == owner:
                lags = ("", "上年 ") if link.yearly and link.nullable else ("",)
                for lag in lags:
                    yield from self._through(lag + link.name, link, depth)

    def _through(self, way: str, link: Link, depth: int) -> Iterator[Name]:
        for name in self.clerks[link.target].names:
            if " " in name.text or "(" in name.text or name.text.endswith(("参数", "读法")) or "参数" in name.text:
                continue
            if name.direct:
                yield Name(f"{way} 的 {name.text}", name.kind, link.nullable or name.nullable)
            if name.remembered:
                yield Name(f"{way} 的 上年 {name.text}", name.kind, link.nullable or name.nullable)
        if depth > 1:
            for following in self.links:
                if following.owner == link.target:
                    nullable = replace(following, nullable=following.nullable or link.nullable)
                    yield from self._through(f"{way} 的 {following.name}", nullable, depth - 1)

    # ── figures over many records ────────────────────────────────────────────
    def members(self, owner: str) -> tuple[str, Writer] | None:
        """What stands first in a figure over records that point to ``owner``, and a writer for the value behind it."""
        pointing = [link for link in self.links if link.target == owner]
        if not pointing:
            return None
        w = self.w
        link = w.one(pointing)
        text = link.owner
        if sum(other.owner == link.owner for other in pointing) > 1 or w.chance(20):
            text += f" 按 {link.name}"
        own = [n for n in self.clerks[link.owner].names if "(" not in n.text]
        member = Writer(self.draw, [*own, *self.beyond(link.owner, 1)])
        if w.chance(60):
            condition, there, _ = member.condition(1)
            text += f" 当 {condition}"
            member = member.knowing(there)
        return text, member

    def plain_figure(self, owner: str) -> Name | None:
        """A 计数 or 合计 as a name that expressions may use."""
        found = self.members(owner)
        if found is None:
            return None
        text, member = found
        if member.chance(50):
            return Name(f"计数({text})", "整数")
        kind = member.one(NUMBERS)
        return Name(f"合计({text}, {_definite(member, kind)})", kind)

    def figure_rule(self, owner: str, name: str) -> str | None:
        """A rule that is one figure: of those that may be absent too."""
        found = self.members(owner)
        if found is None:
            return None
        text, member = found
        form = member.one(("占比", "最大", "最小", "平均", "合计", "计数"))
        kind = member.one({"占比": ("是否",), "平均": ("金额", "比例", "整数"), "合计": NUMBERS}.get(form, ORDERED))
        own = {"占比": "比例", "计数": "整数"}.get(form, "比例" if (form, kind) == ("平均", "整数") else kind)
        value = "" if form == "计数" else f", {_definite(member, kind)}"
        null = "" if form in ("合计", "计数") else " 可空"
        rounding = f" 舍入 {member.one(MODES)} 到 {member.one(UNITS[own])}" if form in ("占比", "平均") else ""
        clerk = self.clerks[owner]
        clerk.names.append(Name(name, own, bool(null)))
        whose = "" if owner == INSURED else f"{owner} 的 "
        return f"结果 规则 {whose}{name}: {TYPES[own]}{null}{rounding}\n  = {form}({text}{value})"


def _definite(member: Writer, kind: str) -> str:
    """An expression of ``kind`` without an unrounded division."""
    inner = replace(member, divides=set())
    written = inner.expression(kind, 1)
    return inner.leaf(kind) if inner.divides else written


@st.composite
def worlds(draw: st.DrawFn) -> Ruleset:
    """Rulesets with several kinds of record for the years FIRST to LAST; nearly all check clean."""
    lines: list[str] = [f"对象 {kind}" for kind in KINDS_OF_RECORD[1:]]
    used: set[str] = set()
    clerks = {kind: Clerk(draw, lines=lines, used=used, owner=kind) for kind in KINDS_OF_RECORD}
    w = clerks[INSURED].w
    links = tuple(
        Link(owner, name, target, w.chance(60), w.chance(50))
        for owner, name, target in LINKS
        if name != "户籍区" or w.chance(40)
    )
    lines += [link.line for link in links]
    for kind, clerk in clerks.items():
        for index, sort in enumerate(("金额", "是否", *(w.one(KINDS) for _ in range(w.below(3))))):
            clerk.fact(f"{kind}{sort}事实{index}", sort)
    registry = Registry(draw, clerks, links)
    clerks[INSURED].questions()
    clerks[INSURED].params()
    _share_figures(clerks)
    _definitions(registry)
    return Ruleset((f"文件 第一号  地区 CN  施行 {FIRST}年度",), (tuple(lines),))


def _share_figures(clerks: Mapping[str, Clerk]) -> None:
    """Parameters without a key and open questions belong to no kind of record."""
    lines = "\n".join(clerks[INSURED].lines)
    shared = [n for n in clerks[INSURED].names if n.text == "读法" or ("参数" in n.text and f" {n.text}: " in lines)]
    free = [n for n in shared if f"{n.text}: {n.kind} 按" not in lines]
    for kind, clerk in clerks.items():
        if kind != INSURED:
            clerk.names.extend(free)


def _definitions(registry: Registry) -> None:
    w = registry.w
    planned = [(w.one(KINDS_OF_RECORD), w.one(KINDS)) for _ in range(4 + w.below(8))]
    ahead = {i for i, _ in enumerate(planned) if w.chance(35)}
    for i in sorted(ahead):
        owner, kind = planned[i]
        registry.clerks[owner].names.append(Name(f"{owner}{kind}规则{i}", kind, False, True, False))
    for i, (owner, kind) in enumerate(planned):
        clerk = registry.clerks[owner]
        if w.chance(50) and (line := registry.figure_rule(owner, f"{owner}统计{i}")):
            clerk.lines.append(line)
        outside = list(registry.beyond(owner))
        if w.chance(50) and (figure := registry.plain_figure(owner)):
            outside += [figure] * 3
        texts = {n.text for n in outside}
        clerk.names = [*clerk.names, *outside]
        clerk.definition(f"{owner}{kind}规则{i}", kind, i in ahead)
        clerk.names = [n for n in clerk.names if n.text not in texts]


# ── populations ──────────────────────────────────────────────────────────────


@st.composite
def populations(draw: st.DrawFn, program: m.Program, years: range, most: int = 5) -> list[dict[str, Any]]:
    """Records of all kinds with all of ``years``; links point to records that are there. In any order."""
    kinds = (INSURED, *program.entities)
    counts = {kind: draw(st.integers(1, most)) for kind in kinds}
    idents = {kind: [f"{kind}{i}" for i in range(1, n + 1)] for kind, n in counts.items()}
    records = [draw(_record(program, years, kind, ident, idents)) for kind in kinds for ident in idents[kind]]
    return draw(st.permutations(records))


@st.composite
def _record(
    draw: st.DrawFn, program: m.Program, years: range, kind: str, ident: str, idents: Mapping[str, list[str]]
) -> dict[str, Any]:
    record: dict[str, Any] = {} if kind == INSURED and draw(st.booleans()) else {"对象": kind}
    record["编号"] = ident
    facts = [f for f in program.facts.values() if f.entity == kind]
    for fact in facts:
        if not fact.yearly and _given(draw, fact, False):
            record[fact.name] = draw(_value(fact, idents))
    record["年度"] = {}
    for year in years:
        row: dict[str, Any] = {}
        for fact in sorted((f for f in facts if f.yearly), key=lambda f: f.required_when is not None):
            if _given(draw, fact, fact.required_when is not None and _demanded(fact.required_when, row, program)):
                row[fact.name] = draw(_value(fact, idents))
        record["年度"][year] = row
    return record


def _given(draw: st.DrawFn, fact: m.Fact, demanded: bool) -> bool:
    return demanded or not (fact.has_default or fact.type.nullable) or draw(st.integers(0, 3)) > 0


def _value(fact: m.Fact, idents: Mapping[str, list[str]]) -> st.SearchStrategy[Any]:
    return st.sampled_from(idents[fact.type.target]) if fact.is_link else values(fact)
