"""A line-up of places for a reader: as lines of text, and as a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tiaoli.across import Lineup, Need, Outcome, Reason, Standing
from tiaoli.divisions import place_text
from tiaoli.inventory import Amount
from tiaoli.inventory_text import grid
from tiaoli.inventory_words import say
from tiaoli.inventory_words import years_text as span_text
from tiaoli.library_text import aligned

if TYPE_CHECKING:
    from rich.console import Group

WORDS = {
    "zh": {
        "head": "{} {}年度", "unencoded": "未编码", "undefined": "没有文件定义它", "no_value": "没有文件给出数值", "lacks": "缺少 {}",
        "later": "自{}年度起才有", "ended": "到{}年度为止", "own": "当地文件", "above": "沿用 {}", "needs": "参数 {}", "fault": "记录有错",
        "trouble": "不能计算：{}", "absent": "—", "by_record": "随记录而定", "join": "，", "list": "、", "none": "没有值",
    },
    "en": {
        "head": "{} {}", "unencoded": "not encoded", "undefined": "no document defines it", "no_value": "no document gives a value",
        "lacks": "lacks {}", "later": "only since {}", "ended": "only until {}", "own": "own document", "above": "from {}",
        "needs": "parameters {}", "fault": "faulty record", "trouble": "cannot be computed: {}", "absent": "—",
        "by_record": "depends on the record", "join": ", ", "list": ", ", "none": "no value",
    },
}  # fmt: skip
HEADS = {
    "zh": {"place": "地区", "key": "键", "value": "值", "years": "年度", "text": "出处", "basis": "依据（未编码的理由）", "needs": "参数", "note": "说明"},
    "en": {
        "place": "place", "key": "key", "value": "value", "years": "years", "text": "source", "basis": "basis (or why not encoded)", "needs": "parameters",
        "note": "note",
    },
}  # fmt: skip


def lineup_text(found: Lineup, lang: str = "zh") -> str:
    """Return the places one below another, and for a rule that depends on records its parameters below each."""
    lines = [WORDS[lang]["head"].format(found.name, found.year), ""]
    wide = [[_cell(s, found, column, lang) for column in _columns(found, short=True)] for s in found.standings]
    heads = [_head(column, lang) for column in _columns(found, short=True)]
    head, *rows = aligned([heads, *wide])
    lines.append(head)
    for row, standing in zip(rows, found.standings, strict=True):
        lines.append(row)
        if _shows_needs(found) and standing.needs:
            lines.append("    " + WORDS[lang]["needs"].format(needs_text(standing, lang)))
        if standing.note:
            lines.append("    " + standing.note)
    return "\n".join(lines)


def lineup_rich(found: Lineup, lang: str = "zh") -> Group:
    """Return the same as a table for a terminal."""
    from rich.console import Group
    from rich.text import Text

    columns = _columns(found, short=False)
    rows = [[_cell(s, found, column, lang) for column in columns] for s in found.standings]
    title = Text(WORDS[lang]["head"].format(found.name, found.year), style="bold")
    return Group(title, grid("", [_head(column, lang) for column in columns], rows))


def reason_text(reason: Reason, lang: str = "zh") -> str:
    """Return why a place has nothing, in words."""
    words = WORDS[lang]
    filled = words["list"].join(reason.names) if reason.names else reason.year
    return words[reason.kind].format(filled)


def needs_text(standing: Standing, lang: str = "zh") -> str:
    """Return the parameters that a rule needs, with their values."""
    return WORDS[lang]["list"].join(_need(n, lang) for n in standing.needs)


def source_text(standing: Standing, lang: str = "zh") -> str:
    """Return whether the place's own document states it, or which document of a place above."""
    words = WORDS[lang]
    parts = [words["own"]] if standing.own else []
    parts += [words["above"].format(words["list"].join(standing.above))] if standing.above else []
    return words["join"].join(parts)


def outcome_text(outcome: Outcome | None, lang: str = "zh") -> str:
    """Return what a person has in a place."""
    words = WORDS[lang]
    if outcome is None:
        return words["absent"]
    if outcome.trouble is not None:
        return words["fault"] if outcome.trouble == "fault" else words["trouble"].format(outcome.trouble)
    return amount_text(outcome.value, lang)


def amount_text(amount: Amount | None, lang: str = "zh") -> str:
    return WORDS[lang]["none"] if amount is None else say(amount, lang)


def _need(need: Need, lang: str) -> str:
    key = "" if need.key is None else f"[{say(need.key, lang)}]"
    return f"{need.name}{key} = {amount_text(need.value, lang)}"


def _shows_needs(found: Lineup) -> bool:
    """Parameters stand in for values that are not known without records."""
    return found.of_records and not found.people


_PERSON = "person:"


def _columns(found: Lineup, short: bool) -> list[str]:
    return list(_column_names(found, short))


def _column_names(found: Lineup, short: bool) -> Iterator[str]:
    yield "place"
    if found.keyed:
        yield "key"
    if found.people:
        yield from (_PERSON + person for person in found.people)
    else:
        yield "value"
        yield "years"
    yield "text"
    yield "basis"
    if not short:
        if _shows_needs(found):
            yield "needs"
        yield "note"


def _head(column: str, lang: str) -> str:
    return column.removeprefix(_PERSON) if column.startswith(_PERSON) else HEADS[lang][column]


def _cell(standing: Standing, found: Lineup, column: str, lang: str) -> str:
    match column:
        case "place":
            return place_text(standing.place, lang)
        case "key":
            return "" if standing.key is None else say(standing.key, lang)
        case "value":
            return _value(standing, lang)
        case "years":
            return "" if standing.first is None else span_text(standing.first, standing.last, lang)
        case "text":
            return source_text(standing, lang)
        case "basis":
            return _basis_or_reason(standing, lang)
        case "needs":
            return needs_text(standing, lang)
        case "note":
            return standing.note or ""
    if standing.reason is not None:
        return WORDS[lang]["unencoded"]
    if standing.kind == "parameter":
        return _value(standing, lang)
    return outcome_text(standing.outcomes.get(column.removeprefix(_PERSON)), lang)


def _basis_or_reason(standing: Standing, lang: str) -> str:
    if standing.reason is not None:
        return reason_text(standing.reason, lang)
    return say(standing.basis, lang) if standing.basis else ""


def _value(standing: Standing, lang: str) -> str:
    if standing.reason is not None:
        return WORDS[lang]["unencoded"]
    return WORDS[lang]["by_record"] if standing.value is None else say(standing.value, lang)


__all__ = ["amount_text", "lineup_rich", "lineup_text", "needs_text", "outcome_text", "reason_text", "source_text"]
