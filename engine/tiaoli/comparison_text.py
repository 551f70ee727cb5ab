"""A comparison for a reader: as lines of text, and as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from typing import TYPE_CHECKING

from tiaoli.comparison import Change, Comparison, Delta, Difference, delta
from tiaoli.inventory import Line, Said, sections
from tiaoli.inventory_text import grid, tell
from tiaoli.inventory_words import SHAPE_NAMES, line_text, say
from tiaoli.show_value import show_value
from tiaoli.values import Kind, Mode, decimal_text, round_to

if TYPE_CHECKING:
    from rich.console import Group

WORDS = {
    "zh": {
        "head": "{left} → {right}", "side": "{place} {year}年度", "same": "没有差别。", "same_meaning": "含义没有差别，只有依据或说明不同。",
        "documents": "文件", "entities": "对象", "facts": "事实", "parameters": "参数", "rules": "规则", "questions": "存疑", "mandates": "要求",
        "added": "新增", "removed": "取消", "only": "只有{}有", "changed": "改变", "recited": "仅依据或说明",
        "recited_head": "含义相同，依据或说明不同", "unchanged": "没有差别的部分：{}", "from_to": "由 {} 改为 {}", "join": "、",
        "stop": "：", "points": "{}个百分点", "times": "（{}处）", "open": "（", "close": "）", "comma": "，", "amount": "差额",
    },
    "en": {
        "head": "{left} → {right}", "side": "{place} {year}", "same": "nothing differs.",
        "same_meaning": "the meaning is the same; only citations or notes differ.",
        "documents": "documents", "entities": "entities", "facts": "facts", "parameters": "parameters", "rules": "rules", "questions": "open questions",
        "mandates": "mandates", "added": "added", "removed": "removed", "only": "only in {}", "changed": "changed",
        "recited": "citation or note only", "recited_head": "same meaning, other citation or note", "unchanged": "without difference: {}",
        "from_to": "{} → {}", "join": ", ", "stop": ": ", "points": "{} percentage points", "times": " (in {} places)",
        "open": " (", "close": ")", "comma": ", ", "amount": "difference",
    },
}  # fmt: skip
ASPECTS = {
    "title": ("标题", "title"), "issuer": ("机关", "issuer"), "issued": ("日期", "date"), "place": ("地区", "place"),
    "effective": ("施行", "effective"), "website": ("网址", "website"), "reliability": ("可靠性", "reliability"), "entity": ("对象", "entity"), "yearly": ("每年", "yearly"), "type": ("类型", "type"),
    "default": ("默认", "default"), "required": ("必填", "required"), "required_when": ("必填条件", "required when"),
    "range": ("范围", "range"), "question": ("问", "question"), "settled": ("确定", "settled"), "key": ("按", "key"), "output": ("结果", "output"),
    "rounding": ("舍入", "rounding"), "initial": ("初值", "initial value"), "base": ("底数", "base"), "hit": ("命中首个", "first hit"),
    "shape": ("写法", "form"), "columns": ("列", "columns"), "line": ("条目", "line"), "order": ("次序", "order"),
    "condition": ("条件", "condition"), "cell": ("格", "cell"), "interval": ("区间", "interval"), "result": ("得", "value"),
    "value": ("值", "value"), "figure": ("本年度的值", "value in the year"), "option": ("选项", "option"), "reason": ("理由", "reason"), "in_principle": ("原则上", "in principle"), "missing": ("本地没有", "not defined here"),
    "basis": ("依据", "basis"), "note": ("说明", "note"),
}  # fmt: skip


def as_text(comparison: Comparison, lang: str = "zh") -> str:
    """Return the differences as lines for a reader; says so where nothing differs."""
    words = WORDS[lang]
    lines = [_head(comparison, lang)]
    if comparison.same:
        return f"{lines[0]}\n\n{words['same']}"
    if comparison.same_meaning:
        lines += ["", words["same_meaning"]]
    for section, differences in _by_section(comparison):
        lines += ["", words[section]]
        lines += [f"  {line}" for line in _section_lines(comparison, differences, lang)]
    unchanged = _unchanged(comparison)
    if unchanged:
        lines += ["", words["unchanged"].format(words["join"].join(words[s] for s in unchanged))]
    return "\n".join(lines)


def _head(comparison: Comparison, lang: str) -> str:
    left, right = _sides(comparison, lang)
    return WORDS[lang]["head"].format(left=left, right=right)


def _sides(comparison: Comparison, lang: str) -> tuple[str, str]:
    side = WORDS[lang]["side"]
    left, right = comparison.left, comparison.right
    return side.format(place=left.place, year=left.year), side.format(place=right.place, year=right.year)


def _by_section(comparison: Comparison) -> Iterator[tuple[str, list[Difference]]]:
    for section, group in groupby(comparison.differences, key=lambda d: d.section):
        yield section, list(group)


def _unchanged(comparison: Comparison) -> list[str]:
    touched = {d.section for d in comparison.differences}
    return [
        section
        for section, items in sections(comparison.left)
        if section not in touched and (items or section != "entities")
    ]


def _section_lines(comparison: Comparison, differences: Sequence[Difference], lang: str) -> Iterator[str]:
    for difference in differences:
        if difference.sort != "recited":
            yield from _difference_lines(comparison, difference, lang)
    recited = [d for d in differences if d.sort == "recited"]
    if recited:
        yield WORDS[lang]["recited_head"]
    for difference in recited:
        yield from (f"  {line}" for line in _difference_lines(comparison, difference, lang))


def _difference_lines(comparison: Comparison, difference: Difference, lang: str) -> Iterator[str]:
    item = difference.right if difference.left is None else difference.left if difference.right is None else None
    if item is not None:
        first, *more = tell(item, lang)
        yield f"{_verb(comparison, difference.left is None, lang)} {first}"
        yield from ("  " + line for line in more)
        return
    yield difference.name
    for changes in _gathered(difference.changes):
        yield "  " + _change_text(comparison, changes, lang)


def _verb(comparison: Comparison, added: bool, lang: str) -> str:
    """新增 and 取消 between years of one place; between places, which of them has it."""
    words = WORDS[lang]
    left, right = comparison.left, comparison.right
    if left.place == right.place:
        return words["added" if added else "removed"]
    place = right.place if added else left.place
    return words["only"].format(f" {place} " if lang == "zh" else place)


def _gathered(changes: Iterable[Change]) -> list[list[Change]]:
    """Changes of citation that are the same in several lines come together."""
    gathered: dict[object, list[Change]] = {}
    for index, change in enumerate(changes):
        key = (change.aspect, change.old, change.new) if change.aspect == "basis" else index
        gathered.setdefault(key, []).append(change)
    return list(gathered.values())


def _change_text(comparison: Comparison, changes: Sequence[Change], lang: str) -> str:
    words, change = WORDS[lang], changes[0]
    label = ASPECTS[change.aspect][0 if lang == "zh" else 1] if change.column is None else change.column
    old, new = shown(change, change.old, lang), shown(change, change.new, lang)
    if len(changes) > 1:
        return f"{label}{words['times'].format(len(changes))} {words['from_to'].format(old, new)}"
    at = f"{at_text(change, lang)}{words['stop']}" if change.at is not None else ""
    if change.old is None or change.new is None:
        verb = _verb(comparison, change.old is None, lang)
        side = new if change.old is None else old
        return f"{at}{verb} {side}" if change.aspect == "line" else f"{at}{label} {verb} {side}"
    return f"{at}{label} {words['from_to'].format(old, new)}{_delta_note(change, lang)}"


def at_text(change: Change, lang: str) -> str:
    """Return the line or key in which something changed, or an empty text."""
    return line_text(change.at, lang) if isinstance(change.at, Line) else change.at or ""


def shown(change: Change, said: Said, lang: str) -> str:
    """Return one side of a change in words."""
    if change.aspect == "shape" and isinstance(said, str):
        return {name: words[0 if lang == "zh" else 1] for name, words in SHAPE_NAMES.items()}[said]  # type: ignore[index]
    return say(said, lang)


def _delta_note(change: Change, lang: str) -> str:
    words = WORDS[lang]
    found = delta(change)
    text = delta_text(found, lang) if found is not None else ""
    return f"{words['open']}{text}{words['close']}" if text else ""


def delta_text(found: Delta, lang: str) -> str:
    """Return the words, such as +24元，+3.43% or -5个百分点，-20%; empty where only the type changed."""
    if found.value == 0:
        return ""
    sign = "+" if found.value > 0 else ""
    if found.type.kind is Kind.RATE:
        text = WORDS[lang]["points"].format(sign + _decimal(found.value * 100))
    else:
        text = sign + show_value(found.value, found.type, lang)
    if found.ratio is None:
        return text
    return f"{text}{WORDS[lang]['comma']}{sign}{_decimal(percent(found.ratio))}%"


def _decimal(value: Fraction) -> str:
    try:
        return decimal_text(value)
    except ValueError:
        return f"{value.numerator}/{value.denominator}"


def percent(ratio: Fraction) -> Fraction:
    """Return ``ratio`` in percent, rounded half up to two decimals."""
    return round_to(ratio * 100, Fraction(1, 100), Mode.HALF_UP)


# ── to Rich ──────────────────────────────────────────────────────────────────


def as_rich(comparison: Comparison, lang: str = "zh") -> Group:
    """Return the same as tables for a terminal."""
    from rich.console import Group
    from rich.text import Text

    words = WORDS[lang]
    head = Text(_head(comparison, lang), style="bold")
    if comparison.same:
        return Group(head, Text(words["same"], style="green"))
    sides = _sides(comparison, lang)
    tables = [
        grid("", [words[section], "", *sides, words["amount"]], [r for d in differences for r in _rich_rows(d, lang)])
        for section, differences in _by_section(comparison)
    ]
    unchanged = words["join"].join(words[s] for s in _unchanged(comparison))
    closing = [Text(words["unchanged"].format(unchanged), style="dim")] if unchanged else []
    meaning = [Text(words["same_meaning"], style="green")] if comparison.same_meaning else []
    return Group(head, *meaning, *tables, *closing)


def _rich_rows(difference: Difference, lang: str) -> Iterator[list[str]]:
    words = WORDS[lang]
    sides = [("\n".join(tell(i, lang)) if i is not None else "") for i in (difference.left, difference.right)]
    if difference.sort in ("added", "removed"):
        yield [difference.name, words[difference.sort], *sides, ""]
        return
    for index, changes in enumerate(_gathered(difference.changes)):
        change = changes[0]
        label = change.column or ASPECTS[change.aspect][0 if lang == "zh" else 1]
        at = at_text(change, lang) if len(changes) == 1 else words["times"].format(len(changes)).strip()
        found = delta(change)
        yield [
            difference.name if index == 0 else "",
            f"{label}\n{at}" if at else label,
            *("" if side is None else shown(change, side, lang) for side in (change.old, change.new)),
            delta_text(found, lang) if found is not None else "",
        ]
