"""The columns that a table of records has: their names, types, ranges, what may be left out, and the question each answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tiaoli import model as m
from tiaoli.batch.layout import ID, YEAR, YEAR_SIGN, Shape, Units, dtype_of
from tiaoli.batch.synth import Plan
from tiaoli.batch.synth_tables import YEAR_TYPE
from tiaoli.record_facts import default_of, digits_of, limits_of, outward, range_text
from tiaoli.values import Kind


@dataclass(frozen=True, slots=True)
class Told:
    """A column, or those of a yearly fact in a wide table: one a year of ``years``. ``fact``: None for ids and years."""

    name: str
    type: str
    fact: m.Fact | None
    years: tuple[int, ...]
    units: Units


def columns(plan: Plan, shape: Shape, units: Units) -> list[Told]:
    """Return the columns of a table with the facts of a plan."""
    found = [Told(ID, "String", None, (), units)]
    if shape is Shape.LONG:
        found.append(Told(YEAR, YEAR_TYPE, None, tuple(plan.years), units))
    for fact, years in plan.facts:
        kind = str(dtype_of(fact, units)).replace("precision=", "").replace("scale=", "").replace(", ", ",")
        name = f"{fact.name}{YEAR_SIGN}{runs(years)}" if years and shape is Shape.WIDE else fact.name
        found.append(Told(name, kind, fact, years, units))
    return found


def unread(plan: Plan) -> list[str]:
    """Return the facts that records may hold and a plan leaves out."""
    held = {fact.name for fact, _ in plan.facts}
    return [fact.name for fact in plan.program.facts_of(plan.entity) if fact.name not in held]


def runs(years: Sequence[int]) -> str:
    """Return years in order as 2016..2020,2023."""
    parts: list[list[int]] = []
    for year in years:
        if parts and year == parts[-1][1] + 1:
            parts[-1][1] = year
        else:
            parts.append([year, year])
    return ",".join(str(a) if a == b else f"{a}..{b}" for a, b in parts)


# ── words ────────────────────────────────────────────────────────────────────


def _unit(told: Told, lang: str) -> str:
    """The unit of a column, where it has one."""
    if told.fact is None:
        return ""
    fen = told.units is Units.FEN
    match told.fact.type.kind:
        case Kind.MONEY:
            return {"zh": "分" if fen else "元", "en": "fen" if fen else "yuan"}[lang]
        case Kind.RATE:
            return f"10^-{told.fact.digits}" if fen else ""
    return ""


def _range(told: Told) -> str:
    """The range of a column in its own units; the options of an enumeration; what a link points to."""
    fact = told.fact
    if fact is None or fact.type.kind in (Kind.BOOL, Kind.TEXT, Kind.PLACE):
        return ""
    if fact.type.kind in (Kind.ENUM, Kind.LINK):
        return " | ".join(fact.type.members)
    if fact.range == (None, None):
        return ""
    if told.units is Units.FEN and digits_of(fact):
        return "..".join(map(str, limits_of(fact)))
    return range_text(fact)


def _default(told: Told) -> object:
    """The default as the column would hold it, None where there is none."""
    fact = told.fact
    value = None if fact is None else default_of(fact)
    if fact is None or value is None or isinstance(value, bool | str):
        return value
    if told.units is Units.FEN and isinstance(value, int):
        return value
    return outward(fact, value.toordinal() if isinstance(value, date) else value)


def _demand(told: Told, lang: str) -> str:
    """Whether a column may be left out or hold nulls, and what stands for them."""
    zh = lang == "zh"
    fact = told.fact
    if fact is None or fact.required:
        return "必填" if zh else "required"
    if fact.required_when is not None:
        text = fact.required_when.span.source.text[fact.required_when.span.start : fact.required_when.span.end]
        return f"必填 当 {text}" if zh else f"required when {text}"
    default = _default(told)
    if default is None:
        return "可空" if zh else "optional"
    shown = (
        {True: "是" if zh else "true", False: "否" if zh else "false"}[default]
        if isinstance(default, bool)
        else default
    )
    return f"默认 {shown}" if zh else f"default {shown}"


_HEADS = {"zh": ("列", "类型", "范围", "要求", "问题"), "en": ("column", "type", "range", "demanded", "question")}


def _cells(told: Told, lang: str) -> tuple[str, ...]:
    kind = f"{told.type} {_unit(told, lang)}".rstrip()
    return (told.name, kind, _range(told), _demand(told, lang), (told.fact.question if told.fact else None) or "")


def as_text(found: Sequence[Told], lang: str) -> str:
    """Return the columns as lines, what belongs to one separated by tabs."""
    return "\n".join("\t".join(row) for row in (_HEADS[lang], *(_cells(told, lang) for told in found)))


def as_rich(found: Sequence[Told], lang: str) -> Any:
    """Return the columns as a table for a terminal."""
    from rich.table import Table

    table = Table(*_HEADS[lang], header_style="bold")
    for told in found:
        table.add_row(*_cells(told, lang))
    return table


def as_json(found: Sequence[Told]) -> list[dict[str, object]]:
    """Return the columns as plain data: keys in Chinese, values as a table holds them."""
    return [
        {
            "列": told.name,
            "类型": told.type,
            "单位": _unit(told, "zh") or None,
            "事实": told.fact.name if told.fact else None,
            "年度": list(told.years),
            "范围": _range(told) or None,
            "选项": list(told.fact.type.options) if told.fact else [],
            "默认": _default(told),
            "必填": told.fact is None or told.fact.required,
            "可空": told.fact is not None and told.fact.type.nullable,
            "问题": told.fact.question if told.fact else None,
        }
        for told in found
    ]
