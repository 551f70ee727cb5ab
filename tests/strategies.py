"""Hypothesis strategies: random rulesets over the whole language, and random records for any program.

`rulesets()` draws a `Ruleset`: facts of all types, parameters by year and key, open questions, rules with clauses, tables, scales, memory of past years,
and often a later document of a lower place that amends, excepts or repeals. Expressions are drawn by the type wanted, over the names at hand, so that nearly
all rulesets check clean; what still does not (a value that could leave 64 bits) is for the caller to pass over. `records(program, years)` draws what the
records of any program may hold, so it serves built-in rulesets too. Back ends are compared on these two.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tiaoli import model as m
from tiaoli.values import Kind

MORE = int(os.environ.get("TIAOLI_EXAMPLES", "1"))


def sampled(count: int, suppressed: Collection[HealthCheck]) -> settings:
    """A third of ``count`` examples, times TIAOLI_EXAMPLES, and at least five."""
    return settings(max_examples=max(5, count * MORE // 3), deadline=None, suppress_health_check=suppressed)


FIRST, LAST = 2021, 2026
"""The years of random rulesets: the first is 计算自 and 施行 of the first document."""
AMENDED = 2024
"""The year in which the second document takes effect."""

MODES = ("四舍五入", "四舍六入", "向下", "向上", "去尾", "进一")
OPTIONS = ("甲类", "乙类", "丙类")
NUMBERS = ("金额", "比例", "整数", "年数", "月数", "天数")
ORDERED = (*NUMBERS, "日期", "年度")
KINDS = (*ORDERED, "是否", "选项")
RANGES = {
    "金额": ("-3000元", "8万元"),
    "比例": ("-0.5", "2.5"),
    "整数": ("-9", "12"),
    "年数": ("0年", "20年"),
    "月数": ("0个月", "40个月"),
    "天数": ("0天", "400天"),
    "日期": ("1990-01-01", "2030-12-31"),
    "年度": ("2000年度", "2030年度"),
}
UNITS = {
    "金额": ("分", "角", "元", "十元", "百元", "0.3元"),
    "比例": ("0.01", "0.0001", "1%", "0.5", "0.000001"),
    "整数": ("整数",),
    "年数": ("年", "2年"),
    "月数": ("月", "3个月"),
    "天数": ("天", "7天"),
}
FINE_UNITS = {"比例": ("0.0001", "0.000001")}
"""Units of which every 初值 is a multiple; of other kinds the first of UNITS."""
TYPES = {kind: kind if kind != "选项" else " | ".join(OPTIONS) for kind in KINDS}


@dataclass(frozen=True)
class Ruleset:
    """Texts of documents: a head and declarations each; ``texts`` joins them."""

    heads: tuple[str, ...]
    declarations: tuple[tuple[str, ...], ...]

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(
            "\n".join([head, *parts]) + "\n" for head, parts in zip(self.heads, self.declarations, strict=True)
        )

    @property
    def place(self) -> str:
        return "CN-JX" if len(self.heads) > 1 else "CN"


@dataclass(frozen=True)
class Name:
    """A name that expressions may use. ``nullable``: only where it is known to be there. ``remembered``: 上年 may stand before it."""

    text: str
    kind: str
    nullable: bool = False
    remembered: bool = False
    direct: bool = True


@dataclass
class Writer:
    """Draws expressions of a kind over ``names``, of which those in ``there`` are known to have a value.

    ``used`` collects the names written, ``divides`` is not empty once a value that may be no finite decimal was written; both are shared with the
    writers of inner expressions.
    """

    draw: st.DrawFn
    names: list[Name]
    there: frozenset[str] = frozenset()
    used: set[str] = field(default_factory=set)
    divides: set[str] = field(default_factory=set)

    # ── drawing ──────────────────────────────────────────────────────────────
    def below(self, n: int) -> int:
        return self.draw(st.integers(0, n - 1))

    def one(self, items: Sequence[Any]) -> Any:
        return items[self.below(len(items))]

    def chance(self, percent: int) -> bool:
        return self.below(100) >= 100 - percent

    # ── expressions ──────────────────────────────────────────────────────────
    def expression(self, kind: str, depth: int) -> str:
        """Return an expression of ``kind``; brackets make it stand anywhere."""
        if depth <= 0 or self.chance(20):
            return self.leaf(kind)
        form: Form = self.one((*_FORMS.get(kind, ()), _conditional, _conditional))
        written = form(self, kind, depth - 1)
        return self.leaf(kind) if written is None else written

    def leaf(self, kind: str) -> str:
        known = [n for n in self.names if n.kind == kind and (not n.nullable or n.text in self.there) and n.direct]
        before = [n for n in self.names if n.kind == kind and n.remembered and not n.nullable]
        choice = self.below(4)
        if known and choice < 2:
            return self.use(self.one(known).text)
        if before and choice == 2:
            return f"上年 {self.one(before).text}"
        return self.literal(kind)

    def use(self, name: str) -> str:
        self.used.add(name)
        return name

    def literal(self, kind: str) -> str:
        match kind:
            case "金额":
                return self.one(("0元", "1元", "0.01元", "12.5元", "99.99元", "3000元", "2万元", "0.5百元"))
            case "比例":
                return self.one(("0%", "50%", "33.3%", "1.25", "0.0001", "100%", "7‰", "5个百分点"))
            case "整数":
                return str(self.below(9))
            case "年数" | "月数" | "天数":
                return f"{self.below(14)}{ {'年数': '年', '月数': '个月', '天数': '天'}[kind] }"
            case "日期":
                return self.one(("2020-02-29", "2021-12-31", "2023-01-31", "1999-08-30", "2024年2月29日"))
            case "年度":
                return f"{2015 + self.below(14)}年度"
            case "选项":
                return self.one(OPTIONS)
            case _:
                return self.one(("是", "否"))

    def condition(self, depth: int) -> tuple[str, frozenset[str], frozenset[str]]:
        """Return a condition and the names it establishes where it holds and where it does not."""
        absent = [n for n in self.names if n.nullable and n.text not in self.there and n.direct]
        if absent and self.chance(35):
            name = self.use(self.one(absent).text)
            more = frozenset({name})
            if self.chance(40):
                return f"没有 {name}", frozenset(), more
            rest = self.knowing(more).expression("是否", depth - 1) if self.chance(50) else None
            return (f"有 {name}", more, frozenset()) if rest is None else (f"有 {name} 且 {rest}", more, frozenset())
        return self.expression("是否", depth), frozenset(), frozenset()

    def knowing(self, there: frozenset[str]) -> Writer:
        return replace(self, there=self.there | there)

    def apart(self) -> Writer:
        """A writer for what is rounded or compared: a division there does not reach the value outside."""
        return replace(self, divides=set())

    def bare(self) -> Writer:
        """A writer where no optional name is known to have a value."""
        return replace(self, there=frozenset(), divides=set())


Form = Callable[[Writer, str, int], "str | None"]


def _conditional(w: Writer, kind: str, depth: int) -> str:
    condition, there, absent = w.condition(depth)
    then = w.knowing(there).expression(kind, depth)
    otherwise = w.knowing(absent).expression(kind, depth)
    return f"(若 {condition} 则 {then} 否则 {otherwise})"


def _sum(w: Writer, kind: str, depth: int) -> str:
    return f"({w.expression(kind, depth)} {w.one('+-')} {w.expression(kind, depth)})"


def _negative(w: Writer, kind: str, depth: int) -> str:
    return f"(-{w.expression(kind, depth)})"


def _pick(w: Writer, kind: str, depth: int) -> str:
    parts = [w.expression(kind, depth) for _ in range(1 + w.below(3))]
    return f"{w.one(('取小', '取大'))}({', '.join(parts)})"


def _limited(w: Writer, kind: str, depth: int) -> str:
    return f"限于({w.expression(kind, depth)}, {w.literal(kind)}, {w.expression(kind, depth)})"


def _absolute(w: Writer, kind: str, depth: int) -> str:
    return f"绝对值({w.expression(kind, depth)})"


def _times(w: Writer, kind: str, depth: int) -> str:
    factor = w.one({"金额": ("比例", "整数", "年数"), "比例": ("比例", "整数")}.get(kind, ("整数",)))
    parts = [w.expression(kind, depth), w.expression(factor, min(depth, 1))]
    return f"({parts[0]} × {parts[1]})" if w.chance(70) else f"({parts[1]} × {parts[0]})"


def _quotient(w: Writer, kind: str, depth: int) -> str:
    """A division: by a literal, by what was asked not to be zero, or (seldom) by anything."""
    top, under = w.one(
        {
            "金额": (("金额", "整数"), ("金额", "比例"), ("金额", "年数")),
            "比例": (("金额", "金额"), ("整数", "整数"), ("比例", "整数"), ("天数", "天数")),
        }[kind]
    )
    w.divides.add(kind)
    above = w.expression(top, depth)
    match w.below(8):
        case 0:
            return f"({above} ÷ {w.expression(under, depth)})"
        case 1 | 2:
            divisor = w.leaf(under)
            return f"(若 {divisor} ≠ {_ZERO[under]} 则 {above} ÷ {divisor} 否则 {w.literal(kind)})"
        case _:
            return f"({above} ÷ {_NOT_ZERO[under]})"


_ZERO = {"金额": "0元", "整数": "0", "比例": "0%", "年数": "0年", "天数": "0天"}
_NOT_ZERO = {"金额": "7元", "整数": "3", "比例": "60%", "年数": "12年", "天数": "365天"}


def _rounded(w: Writer, kind: str, depth: int) -> str:
    inner = w.apart()
    value = (
        _quotient(inner, kind, depth) if kind in ("金额", "比例") and w.chance(60) else inner.expression(kind, depth)
    )
    return f"舍入({value}, {w.one(MODES)}, {w.one(UNITS[kind])})"


def _whole(w: Writer, _: str, depth: int) -> str:
    inner = w.apart()
    value = _quotient(inner, "比例", depth) if w.chance(50) else inner.expression("比例", depth)
    return f"舍入({value}, {w.one(MODES)}, 整数)"


def _number_of(w: Writer, _: str, depth: int) -> str:
    return f"数值({w.expression(w.one(('年数', '月数', '天数')), depth)})"


def _part_of_date(w: Writer, _: str, depth: int) -> str:
    return f"{w.one(('月份', '日', '星期'))}({w.expression('日期', depth)})"


def _with_unit(w: Writer, kind: str, depth: int) -> str:
    return f"{kind}({w.expression('整数', depth)})"


def _between(w: Writer, kind: str, depth: int) -> str:
    first, second = w.expression("日期", depth), w.expression("日期", depth)
    return {"年数": f"周岁({first}, {second})", "月数": f"整月数({first}, {second})", "天数": f"({first} - {second})"}[
        kind
    ]


def _years_apart(w: Writer, _: str, depth: int) -> str:
    return f"({w.expression('年度', depth)} - {w.expression('年度', depth)})"


def _in_a_row(w: Writer, _: str, depth: int) -> str:
    since = f", 自 {FIRST + w.below(5)}年度" if w.chance(40) else ""
    return f"连续年数({w.bare().expression('是否', min(depth, 1))}{since})"


def _total(w: Writer, kind: str, depth: int) -> str:
    inner = replace(w.bare(), names=[n for n in w.names if not n.remembered or n.direct])
    since = f", 自 {FIRST + w.below(5)}年度" if w.chance(40) else ""
    return f"累计({inner.leaf(kind)}{since})"


def _moved(w: Writer, _: str, depth: int) -> str:
    unit = w.one(("天数", "月数", "年数"))
    carry = " 进位" if unit != "天数" and w.chance(40) else ""
    return f"({w.expression('日期', depth)} {w.one('+-')} {w.expression(unit, min(depth, 1))}{carry})"


def _of_year(w: Writer, _: str, depth: int) -> str:
    year = w.expression("年度", min(depth, 1))
    return w.one((f"年度首日({year})", f"年度末日({year})", f"日期({year}, {1 + w.below(12)}, {1 + w.below(31)})"))


def _edge_of_month(w: Writer, _: str, depth: int) -> str:
    return f"{w.one(('月初', '月末'))}({w.expression('日期', depth)})"


def _this_year(_: Writer, __: str, ___: int) -> str:
    return "本年度"


def _year_of(w: Writer, _: str, depth: int) -> str:
    return f"年度于({w.expression('日期', depth)})"


def _year_moved(w: Writer, _: str, depth: int) -> str:
    return f"({w.expression('年度', depth)} {w.one('+-')} {w.literal('年数')})"


def _compared(w: Writer, _: str, depth: int) -> str:
    kind = w.one(ORDERED)
    sign = w.one(("=", "≠", "<", ">", "≤", "≥", "不低于", "不超过", "超过", "低于"))
    left, right = w.apart(), w.apart()
    first = _quotient(left, kind, depth) if kind in ("金额", "比例") and w.chance(20) else left.expression(kind, depth)
    return f"({first} {sign} {right.expression(kind, depth)})"


def _is_option(w: Writer, _: str, __: int) -> str | None:
    known = [n for n in w.names if n.kind == "选项" and (not n.nullable or n.text in w.there) and n.direct]
    if not known:
        return None
    name = w.use(w.one(known).text)
    return f"({name} {w.one(('为', '不为'))} {w.one(OPTIONS)})"


def _among(w: Writer, _: str, depth: int) -> str:
    kind = w.one((*ORDERED, "选项"))
    value = w.leaf(kind)
    if kind == "选项" and value in OPTIONS:
        return "是"
    return f"({value} 属于 ({', '.join(w.literal(kind) for _ in range(1 + w.below(3)))}))"


def _joined(w: Writer, _: str, depth: int) -> str:
    word = w.one(("且", "或"))
    first, there, absent = w.condition(depth)
    inner = w.knowing(there if word == "且" else absent)
    brackets = f"({first})" if " 且 " in first else first
    return f"({brackets} {word} {inner.expression('是否', depth)})"


def _negated(w: Writer, _: str, depth: int) -> str:
    return f"(非 {w.expression('是否', depth)})"


def _has(w: Writer, _: str, __: int) -> str | None:
    absent = [n for n in w.names if n.nullable and n.direct]
    return f"({w.one(('有', '没有'))} {w.use(w.one(absent).text)})" if absent else None


def _ever(w: Writer, _: str, depth: int) -> str:
    return f"曾经({w.bare().expression('是否', min(depth, 1))})"


_NUMERIC: tuple[Form, ...] = (_sum, _sum, _pick, _limited, _absolute, _negative)
_FORMS: dict[str, tuple[Form, ...]] = {
    "金额": (*_NUMERIC, _times, _times, _quotient, _rounded, _total),
    "比例": (*_NUMERIC, _times, _quotient, _rounded),
    "整数": (*_NUMERIC, _times, _whole, _number_of, _part_of_date, _total),
    "年数": (*_NUMERIC, _times, _with_unit, _between, _years_apart, _in_a_row, _in_a_row),
    "月数": (*_NUMERIC, _times, _with_unit, _between),
    "天数": (*_NUMERIC, _with_unit, _between),
    "日期": (_moved, _moved, _of_year, _edge_of_month, _pick),
    "年度": (_this_year, _this_year, _year_of, _year_moved, _pick),
    "是否": (_compared, _compared, _compared, _is_option, _among, _joined, _joined, _negated, _has, _ever),
}


# ── declarations ─────────────────────────────────────────────────────────────


@dataclass
class Author:
    """Draws the declarations of a ruleset one after the other."""

    draw: st.DrawFn
    names: list[Name] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    rules: list[tuple[str, str, str]] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    parameters: list[tuple[str, str]] = field(default_factory=list)

    @property
    def w(self) -> Writer:
        return Writer(self.draw, self.names, used=self.used)

    def facts(self) -> None:
        for index, kind in enumerate(
            ("是否", "金额", "日期", *(self.w.one(KINDS) for _ in range(2 + self.w.below(5))))
        ):
            self.fact(f"{kind}事实{index}", kind)

    def fact(self, name: str, kind: str) -> None:
        w = self.w
        yearly = w.chance(65)
        end = ""
        nullable = False
        match w.below(4):
            case 0:
                nullable, end = True, " 可空"
            case 1:
                end = f" 默认 {self.inside(kind)}"
        if kind in RANGES and (kind != "日期" or w.chance(50)):
            end += f" 范围 {RANGES[kind][0]}..{RANGES[kind][1]}"
        demand = next((n.text for n in self.names if n.kind == "是否" and not n.nullable and n.remembered), None)
        if nullable and yearly and demand and w.chance(30):
            end += f" 必填 当 {demand}"
        self.lines.append(f"{'每年 ' if yearly else ''}事实 {name}: {TYPES[kind]}{end}")
        self.names.append(Name(name, kind, nullable, remembered=yearly and " 默认" in end))

    def inside(self, kind: str) -> str:
        """A literal inside the range of facts of ``kind``."""
        inner = {"日期": "2020-06-30", "年度": "2020年度"}
        return inner.get(kind) or self.w.literal(kind)

    def questions(self) -> None:
        if self.w.chance(40):
            self.lines.append(f'存疑 读法 "如何？"\n  选项 {OPTIONS[0]} 默认\n  选项 {OPTIONS[1]}\n  选项 {OPTIONS[2]}')
            self.names.append(Name("读法", "选项"))

    def params(self) -> None:
        for index in range(1 + self.w.below(4)):
            kind = self.w.one((*ORDERED, "是否"))
            name = f"{kind}参数{index}"
            self.lines.append(f"参数 {name}: {kind}{self.values(kind)}")
            self.names.append(Name(name, kind))
            self.parameters.append((name, kind))

    def values(self, kind: str) -> str:
        w = self.w
        keyed = [n for n in self.names if n.kind in ("选项", "是否") and not n.nullable]
        match w.below(4):
            case 0:
                later = f"\n  {FIRST + 1 + w.below(4)}年度 = {w.literal(kind)}" if w.chance(70) else ""
                return f"\n  {FIRST}年度 = {w.literal(kind)}{later}"
            case 1 if keyed:
                key = w.one(keyed)
                self.used.add(key.text)
                members = OPTIONS if key.kind == "选项" else ("是", "否")
                split = w.one((1, len(members) - 1))
                rows = [members[:split], members[split:]]
                return f" 按 {key.text}" + "".join(f"\n  行 {', '.join(r)} = {w.literal(kind)}" for r in rows if r)
            case _:
                return f" = {w.literal(kind)}"

    def definitions(self) -> None:
        count = 3 + self.w.below(8)
        kinds = [self.w.one(KINDS) for _ in range(count)]
        ahead = [Name(f"{kind}规则{i}", kind, False, True, False) for i, kind in enumerate(kinds) if self.w.chance(40)]
        self.names.extend(ahead)
        initial = {n.text for n in ahead}
        for index, kind in enumerate(kinds):
            self.definition(f"{kind}规则{index}", kind, f"{kind}规则{index}" in initial)

    def definition(self, name: str, kind: str, initial: bool) -> None:
        w = self.w
        nullable = not initial and w.chance(15)
        shape = w.one(("clauses", "clauses", "clauses", "formula", "table", "scale"))
        if shape == "scale" and kind != "金额":
            shape = "clauses"
        memory = f" 初值 {w.literal(kind)}" if initial else ""
        body, ratio = getattr(self, f"_{shape}")(w, kind, nullable)
        units = UNITS.get(kind, ()) if not initial or kind not in UNITS else FINE_UNITS.get(kind, UNITS[kind][:1])
        rounding = f" 舍入 {w.one(MODES)} 到 {w.one(units)}" if units and (ratio or w.chance(30)) else ""
        word = {"table": "表", "scale": "分段"}.get(shape, "规则")
        null = " 可空" if nullable else ""
        self.lines.append(f"结果 {word} {name}: {TYPES[kind]}{null}{memory}{rounding}{body}")
        self.names = [n for n in self.names if n.text != name]
        self.names.append(Name(name, kind, nullable, initial))
        self.order.append(name)
        if shape != "scale":
            self.rules.append((name, kind, f"{null}{memory}{rounding or _exact(kind)}"))

    def _formula(self, w: Writer, kind: str, nullable: bool) -> tuple[str, bool]:
        return f"\n  = {w.expression(kind, 3)}", bool(w.divides)

    def _clauses(self, w: Writer, kind: str, nullable: bool) -> tuple[str, bool]:
        lines = []
        known: frozenset[str] = frozenset()
        for _ in range(1 + w.below(3)):
            inner = w.knowing(known)
            condition, there, absent = inner.condition(2)
            value = "无" if nullable and w.chance(30) else inner.knowing(there).expression(kind, 2)
            lines.append(f"\n  当 {condition} 得 {value}")
            known |= absent
        last = "无" if nullable and w.chance(50) else w.knowing(known).expression(kind, 2)
        return "".join([*lines, f"\n  否则 {last}"]), bool(w.divides)

    def _table(self, w: Writer, kind: str, nullable: bool) -> tuple[str, bool]:
        columns = [self.column(w) for _ in range(1 + w.below(2))]
        first = w.chance(30)
        rows = [""]
        for _, cells in columns:
            rows = [f"{row} | {cell}" for row in rows for cell in cells]
        if first:
            rows = [" | -" + " | -" * (len(columns) - 1) if w.chance(20) else row for row in rows]
        lines = [f"\n  行{row} | {w.expression(kind, 1)}" for row in rows]
        drop = w.below(len(lines)) if w.chance(40) else len(lines)
        kept = [line for index, line in enumerate(lines) if index != drop]
        otherwise = f"\n  否则 {w.expression(kind, 1)}" if drop < len(lines) or w.chance(20) else ""
        head = "".join(f" | {text}" for text, _ in columns)
        return f"\n  列{head} | 得" + ("\n  命中 首个" if first else "") + "".join(kept or lines) + otherwise, bool(
            w.divides
        )

    def column(self, w: Writer) -> tuple[str, list[str]]:
        """A column and cells that share out its values."""
        kind = w.one(("选项", "是否", "金额", "整数", "日期", "年数", "空"))
        nullable = [n for n in self.names if n.nullable and n.direct and n.kind in ("金额", "整数", "日期", "年数")]
        if kind == "空" and nullable:
            name = w.one(nullable)
            self.used.add(name.text)
            return name.text, ["无", *_cuts(w, name.kind)]
        if kind in ("选项", "空"):
            known = [n for n in self.names if n.kind == "选项" and not n.nullable and n.direct]
            if not known:
                return w.leaf("是否"), ["是", "否"]
            return w.use(w.one(known).text), [OPTIONS[0], " 或 ".join(OPTIONS[1:])]
        if kind == "是否":
            return w.expression("是否", 1), ["是", "否"]
        return w.expression(kind, 1), _cuts(w, kind)

    def _scale(self, w: Writer, kind: str, nullable: bool) -> tuple[str, bool]:
        base = f"取大(0元, {w.expression('金额', 1)})"
        edges = ["100元", "5000元", "3万元"][: 1 + w.below(3)]
        lines, low = [], "0元(含)"
        rates = [p for p, k in self.parameters if k == "比例"]
        for edge in edges:
            inside = w.chance(50)
            rate = w.use(w.one(rates)) if rates and w.chance(40) else w.literal("比例")
            lines.append(f"\n  段 {low}..{edge}({'含' if inside else '不含'}) 得 {rate}")
            low = f"{edge}({'不含' if inside else '含'})"
        return f" 按 {base}" + "".join(lines) + f"\n  段 {low}以上 得 {w.leaf('比例')}", bool(w.divides)

    def amendments(self) -> list[str]:
        """The declarations of a later document of a lower place."""
        w = self.w
        lines: list[str] = []
        for name, kind in self.parameters:
            if w.chance(30) and any(line.startswith(f"参数 {name}: {kind} =") for line in self.lines):
                lines.append(f"修改 参数 {name} = {w.literal(kind)}")
        for name, kind, rest in self.rules:
            following = set(self.order[self.order.index(name) :])
            inner = replace(
                w.bare(), names=[n if n.text not in following else replace(n, direct=False) for n in self.names]
            )
            match w.below(8):
                case 0 if " 可空" not in rest and f"结果 规则 {name}:" in "\n".join(self.lines):
                    lines.append(f"例外 规则 {name}\n  当 {inner.expression('是否', 2)} 得 {_finite(inner, kind)}")
                case 1:
                    lines.append(f"修改 规则 {name}: {TYPES[kind]}{rest}\n  = {_finite(inner, kind)}")
        for name, _, rest in self.rules:
            if name not in self.used and "初值" in rest and w.chance(20):
                lines.append(f"废止 规则 {name} 自 {AMENDED + w.below(2)}年度")
        return lines


def _exact(kind: str) -> str:
    return f" 舍入 四舍五入 到 {UNITS[kind][0]}" if kind in UNITS and kind != "比例" else ""


def _finite(w: Writer, kind: str) -> str:
    """An expression without a bare division: for rules whose rounding is already settled."""
    written = w.expression(kind, 2)
    return w.leaf(kind) if w.divides else written


def _cuts(w: Writer, kind: str) -> list[str]:
    points = {
        "金额": ("0元", "99.99元", "5000元"),
        "整数": ("0", "3", "7"),
        "日期": ("2000-01-01", "2020-02-29", "2024-12-31"),
        "年数": ("1年", "4年", "9年"),
    }[kind]
    chosen = points[: 1 + w.below(3)]
    inside = [w.chance(50) for _ in chosen]
    word = {True: "含", False: "不含"}
    cells = [f"{chosen[0]}({word[inside[0]]})以下"]
    for index in range(1, len(chosen)):
        cells.append(f"{chosen[index - 1]}({word[not inside[index - 1]]})..{chosen[index]}({word[inside[index]]})")
    return [*cells, f"{chosen[-1]}({word[not inside[-1]]})以上"]


@st.composite
def rulesets(draw: st.DrawFn) -> Ruleset:
    """Rulesets for the years FIRST to LAST; nearly all check clean."""
    author = Author(draw)
    author.facts()
    author.questions()
    author.params()
    author.definitions()
    heads = [f"文件 第一号  地区 CN  施行 {FIRST}年度"]
    declarations = [tuple(author.lines)]
    if author.w.chance(50) and (later := author.amendments()):
        heads.append(f"文件 第二号  地区 CN-JX  施行 {AMENDED}年度")
        declarations.append(tuple(later))
    return Ruleset(tuple(heads), tuple(declarations))


# ── records ──────────────────────────────────────────────────────────────────

_FAR: Mapping[Kind, tuple[int, int]] = {
    Kind.MONEY: (-(10**7), 10**8),
    Kind.INT: (-100, 100),
    Kind.RATE: (-2, 3),
    Kind.YEARS: (0, 40),
    Kind.MONTHS: (0, 100),
    Kind.DAYS: (0, 1000),
    Kind.YEAR: (1990, 2035),
    Kind.DATE: (date(1930, 1, 1).toordinal(), date(2060, 12, 31).toordinal()),
}


def values(fact: m.Fact) -> st.SearchStrategy[Any]:
    """Values that a record may hold for ``fact``: inside its range, not too far out."""
    kind = fact.type.kind
    if kind is Kind.BOOL:
        return st.booleans()
    if kind is Kind.ENUM:
        return st.sampled_from(fact.type.members)
    if kind is Kind.PLACE:
        return st.sampled_from(("CN", "CN-JX", "CN-GD"))
    low, high = _FAR[kind]
    low = low if fact.range[0] is None else max(low, ceil(fact.range[0]))
    high = high if fact.range[1] is None else min(high, floor(fact.range[1]))
    if low > high:
        low = high = ceil(fact.range[0] or 0)
    if kind is Kind.DATE:
        return st.integers(low, high).map(date.fromordinal)
    if kind is Kind.MONEY:
        return st.one_of(st.integers(low, high), st.sampled_from((low, high, 0 if low <= 0 <= high else low))).map(
            lambda n: Decimal(n) / 100
        )
    if kind is Kind.RATE:
        return _rates(fact.range)
    return st.integers(low, high)


def _rates(bounds: m.Range) -> st.SearchStrategy[Decimal]:
    low, high = (
        (Fraction(-2) if bounds[0] is None else Fraction(bounds[0])),
        (Fraction(3) if bounds[1] is None else min(Fraction(bounds[1]), Fraction(3))),
    )
    return st.sampled_from((100, 10_000, 1_000_000)).flatmap(
        lambda d: st.integers(ceil(low * d), floor(high * d)).map(lambda n: Decimal(n) / d)
    )


@st.composite
def records(draw: st.DrawFn, program: m.Program, years: range) -> dict[str, Any]:
    """A record with all of ``years`` that the facts of ``program`` accept; what may be left out sometimes is."""
    record: dict[str, Any] = {"编号": "P1"}
    for fact in program.facts.values():
        if not fact.yearly and _given(draw, fact, False):
            record[fact.name] = draw(values(fact))
    record["年度"] = {year: _year(draw, program, year) for year in years}
    return record


def _year(draw: st.DrawFn, program: m.Program, year: int) -> dict[str, Any]:
    row: dict[str, Any] = {}
    yearly = [f for f in program.facts.values() if f.yearly]
    for fact in sorted(yearly, key=lambda f: f.required_when is not None):
        if _given(draw, fact, fact.required_when is not None and _demanded(fact.required_when, row, program)):
            row[fact.name] = draw(values(fact))
    return row


def _given(draw: st.DrawFn, fact: m.Fact, demanded: bool) -> bool:
    may_lack = fact.has_default or fact.type.nullable
    return demanded or not may_lack or draw(st.integers(0, 3)) > 0


def _demanded(condition: m.Expression, row: Mapping[str, Any], program: m.Program) -> bool:
    """Whether 必填 当 asks for the fact; conditions other than a single fact are taken to ask."""
    if not isinstance(condition, m.FactRef):
        return True
    fact = program.facts[condition.name]
    return bool(row.get(fact.name, fact.default))
