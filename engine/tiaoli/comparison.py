"""Two inventories compared by meaning: what was added, removed or changed, figure by figure, row by row, clause by clause.

Items are matched by name. Lines of a rule are matched first where they mean the same, then where they ask the same, then by likeness, so
that a changed cell is said as such. A different citation or 说明 alone is marked apart: it means the same, on another basis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from tiaoli import model as m
from tiaoli.inventory import (
    SHAPE_NAMES,
    Amount,
    DocumentItem,
    FactItem,
    Inventory,
    Item,
    Line,
    MandateItem,
    ParameterItem,
    Phrase,
    QuestionItem,
    RuleItem,
    Said,
    aspects,
    grid,
    item_json,
    key_text,
    line_text,
    plain,
    say,
    sections,
    tell,
)
from tiaoli.show_value import show_value
from tiaoli.values import Kind, Mode, Type, decimal_text, round_to, to_decimal

if TYPE_CHECKING:
    from rich.console import Group

Sort: TypeAlias = Literal["added", "removed", "changed", "recited"]
_SOURCES = ("basis", "note", "reason")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs in an item. ``aspect`` says what of it, ``at`` in which line or key, ``column`` in which cell.

    ``old`` or ``new`` is None where that side has no such thing.
    """

    aspect: str
    old: Said
    new: Said
    at: Line | str | None = None
    column: str | None = None

    @property
    def source_only(self) -> bool:
        """Whether the meaning is the same, only its citation or explanation is another."""
        return self.aspect in _SOURCES


@dataclass(frozen=True, slots=True)
class Delta:
    """New less old, in the units of ``type``; ``ratio`` is the difference in parts of the old (money and rates, old not zero)."""

    value: Fraction
    type: Type
    ratio: Fraction | None


@dataclass(frozen=True, slots=True)
class Difference:
    """An item that is not the same on both sides; ``changes`` are empty where it is on one side only."""

    section: str
    name: str
    left: Item | None
    right: Item | None
    changes: tuple[Change, ...]

    @property
    def sort(self) -> Sort:
        """``recited`` where both sides mean the same and only citations or explanations differ."""
        if self.left is None:
            return "added"
        if self.right is None:
            return "removed"
        return "recited" if all(c.source_only for c in self.changes) else "changed"


@dataclass(frozen=True, slots=True)
class Comparison:
    """All differences of two inventories, in the order of their sections."""

    left: Inventory
    right: Inventory
    differences: tuple[Difference, ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs at all."""
        return not self.differences

    @property
    def same_meaning(self) -> bool:
        """Whether at most citations and explanations differ."""
        return all(d.sort == "recited" for d in self.differences)


def compare(left: Inventory, right: Inventory) -> Comparison:
    """Return what differs between two places or years."""
    found: list[Difference] = []
    for (section, old), (_, new) in zip(sections(left), sections(right), strict=True):
        pairs = _mandate_pairs(old, new) if section == "mandates" else _named_pairs(old, new)
        for one, other in pairs:
            changes = tuple(_changes(one, other)) if one is not None and other is not None else ()
            if changes or one is None or other is None:
                found.append(Difference(section, _name(one, other), one, other, changes))
    return Comparison(left, right, tuple(found))


def delta(change: Change) -> Delta | None:
    """Return the difference of two numbers or dates of one type, or None where there is none to tell."""
    old, new = _amount(change.old), _amount(change.new)
    if old is None or new is None or old.type.present != new.type.present:
        return None
    if isinstance(old.value, date) and isinstance(new.value, date):
        return Delta(Fraction((new.value - old.value).days), Type(Kind.DAYS), None)
    if not old.type.kind.is_number or old.value is None or new.value is None:
        return None
    before, after = Fraction(old.value), Fraction(new.value)  # type: ignore[arg-type]
    relative = old.type.kind in (Kind.MONEY, Kind.RATE) and before != 0
    return Delta(after - before, old.type.present, (after - before) / abs(before) if relative else None)


def _amount(said: Said) -> Amount | None:
    if isinstance(said, Phrase) and isinstance(said.meaning, m.Constant):
        return Amount(said.meaning.value, said.meaning.type)
    return said if isinstance(said, Amount) else None


# ── matching items ───────────────────────────────────────────────────────────

_Pair: TypeAlias = tuple[Item | None, Item | None]


def _name(left: Item | None, right: Item | None) -> str:
    item = left if left is not None else right
    assert item is not None
    return item.name


def _named_pairs(left: Sequence[Item], right: Sequence[Item]) -> Iterator[_Pair]:
    others = {item.name: item for item in right}
    for item in left:
        yield item, others.pop(item.name, None)
    for item in others.values():
        yield None, item


def _mandate_pairs(left: Sequence[Item], right: Sequence[Item]) -> Iterator[_Pair]:
    """Mandates have no names: matched by the same condition, then by the same names spoken of and the same basis or form."""
    rest = [g for g in right if isinstance(g, MandateItem)]
    partners: dict[int, MandateItem] = {}
    for alike in (_same_condition, _same_clause, _same_subject):
        for index, item in enumerate(left):
            if index not in partners and isinstance(item, MandateItem):
                other = next((g for g in rest if alike(item, g)), None)
                if other is not None:
                    partners[index] = other
                    rest.remove(other)
    for index, item in enumerate(left):
        yield item, partners.get(index)
    for other in rest:
        yield None, other


def _same_condition(one: MandateItem, other: MandateItem) -> bool:
    return one.condition == other.condition


def _same_clause(one: MandateItem, other: MandateItem) -> bool:
    return _same_subject(one, other) and one.basis == other.basis


def _same_subject(one: MandateItem, other: MandateItem) -> bool:
    return bool(one.names) and set(one.names) == set(other.names)


# ── what differs in an item ──────────────────────────────────────────────────


def _changes(left: Item, right: Item) -> Iterator[Change]:
    old, new = aspects(left), aspects(right)
    order = [a for a in dict.fromkeys((*old, *new)) if a not in _SOURCES]
    yield from _aspect_changes(old, new, order)
    match left, right:
        case ParameterItem(), ParameterItem():
            yield from _value_changes(left, right)
        case RuleItem(), RuleItem():
            yield from _line_changes(left, right)
            yield from _figure_changes(left, right)
        case QuestionItem(), QuestionItem():
            yield from _option_changes(left.question, right.question)
        case MandateItem(), MandateItem() if left.condition != right.condition:
            yield Change("condition", left.condition, right.condition)
        case ((DocumentItem() | FactItem() | MandateItem()), _):
            pass
        case _:
            raise AssertionError(left, right)
    yield from _aspect_changes(old, new, [a for a in _SOURCES if a in old or a in new])


def _aspect_changes(old: dict[str, Said], new: dict[str, Said], order: Iterable[str]) -> Iterator[Change]:
    for aspect in order:
        if old.get(aspect) != new.get(aspect):
            yield Change(aspect, old.get(aspect), new.get(aspect))


def _value_changes(left: ParameterItem, right: ParameterItem) -> Iterator[Change]:
    old, new = {v.key: v for v in left.values}, {v.key: v for v in right.values}
    for key in dict.fromkeys((*old, *new)):
        one, other = old.get(key), new.get(key)
        item, value = (left, one) if one is not None else (right, other)
        assert value is not None
        at = key_text(item, value, "zh") or None
        before, after = _worth(left, one), _worth(right, other)
        if before != after:
            yield Change("value", before, after, at)
        if one is not None and other is not None:
            yield from _source_changes(one.basis, other.basis, one.note, other.note, at)


def _worth(item: ParameterItem, value: m.ParameterValue | None) -> Amount | None:
    return None if value is None else Amount(value.value, item.type)


def _figure_changes(left: RuleItem, right: RuleItem) -> Iterator[Change]:
    """A rule may read the same and come out otherwise, because of the parameters it reads. Dates move by themselves, so numbers only."""
    old, new = left.figure, right.figure
    if old is not None and new is not None and old != new and new.type.kind.is_number:
        yield Change("figure", old, new)


def _source_changes(
    old: tuple[m.Basis, ...],
    new: tuple[m.Basis, ...],
    old_note: str | None,
    new_note: str | None,
    at: Line | str | None,
) -> Iterator[Change]:
    if old != new:
        yield Change("basis", old, new, at)
    if old_note != new_note:
        yield Change("note", old_note, new_note, at)


def _option_changes(left: m.Question, right: m.Question) -> Iterator[Change]:
    old, new = dict(left.options), dict(right.options)
    for name in dict.fromkeys((*old, *new)):
        if (name in old) != (name in new):
            yield Change("option", name if name in old else None, name if name in new else None)
        elif old[name] != new[name]:
            yield Change("reason", old[name], new[name], name)


# ── lines of rules ───────────────────────────────────────────────────────────

_ANY_CELL = Phrase("-", (frozenset(), frozenset(), False))


def _line_changes(left: RuleItem, right: RuleItem) -> Iterator[Change]:
    if left.shape != right.shape:
        yield Change("shape", left.shape, right.shape)
        yield from (Change("line", line, None) for line in left.lines)
        yield from (Change("line", None, line) for line in right.lines)
        return
    columns = left.columns
    old, new = left.lines, right.lines
    if left.shape == "table" and left.columns != right.columns:
        columns = tuple(dict.fromkeys((*left.columns, *right.columns)))
        old, new = (tuple(_laid_out(rule, columns)) for rule in (left, right))
        if set(left.columns) != set(right.columns):
            yield Change("columns", _joined(left.columns), _joined(right.columns))
    pairs = _line_pairs(old, new)
    for i, j in pairs:
        one, other = None if i is None else old[i], None if j is None else new[j]
        yield from _pair_changes(one, other, columns, {left.note, right.note})
    if _reordered(old, new, pairs, left.shape == "cases" or (left.first_hit and right.first_hit)):
        yield Change("order", _listed(left.lines), _listed(right.lines))


def _joined(columns: Sequence[Phrase]) -> str:
    return " | ".join(c.text for c in columns)


def _listed(lines: Sequence[Line]) -> str:
    return "；".join(line_text(line, "zh") for line in lines)


def _laid_out(rule: RuleItem, columns: Sequence[Phrase]) -> Iterator[Line]:
    """The rows of a table over ``columns``; a column it lacks asks nothing."""
    for line in rule.lines:
        own = dict(zip(rule.columns, line.cells, strict=True)) if line.kind == "row" else {}
        yield replace(line, cells=tuple(own.get(c, _ANY_CELL) for c in columns)) if own else line


def _pair_changes(
    one: Line | None, other: Line | None, columns: Sequence[Phrase], said: set[str | None]
) -> Iterator[Change]:
    if one is None or other is None:
        yield Change("line", one, other)
        return
    if one.kind == "row":
        cells = zip(one.cells, other.cells, columns, strict=True)
        yield from (Change("cell", a, b, one, c.text) for a, b, c in cells if a != b)
    elif one.kind == "band" and one.cells != other.cells:
        yield Change("interval", one.heading, other.heading, one)
    elif one.cells != other.cells:
        yield Change("condition", one.cells[0], other.cells[0], one)
    if one.value != other.value:
        yield Change("result", one.value, other.value, one)
    old, new = (None if line.note in said else line.note for line in (one, other))
    yield from _source_changes(one.basis, other.basis, old, new, one)


_LinePair: TypeAlias = tuple[int | None, int | None]


def _line_pairs(left: Sequence[Line], right: Sequence[Line]) -> list[_LinePair]:
    """The lines matched, by index; None where a line has no partner."""
    partners: dict[int, int] = {}
    _match(left, right, partners, lambda line: (_group(line), line.cells, line.value))
    _match(left, right, partners, lambda line: (_group(line), line.cells))
    _match_alike(left, right, partners)
    taken = set(partners.values())
    return [(i, partners.get(i)) for i in range(len(left))] + [(None, j) for j in range(len(right)) if j not in taken]


def _group(line: Line) -> str:
    """Lines of one group may be matched: what stands last is matched with what stands last."""
    return "last" if line.kind in ("otherwise", "formula") else line.kind


def _match(
    left: Sequence[Line], right: Sequence[Line], partners: dict[int, int], key: Callable[[Line], object]
) -> None:
    """Match lines of equal ``key`` that have no partner yet, in order."""
    taken = set(partners.values())
    open_lines: dict[object, list[int]] = {}
    for j, line in enumerate(right):
        if j not in taken:
            open_lines.setdefault(key(line), []).append(j)
    for i, line in enumerate(left):
        fitting = open_lines.get(key(line)) if i not in partners else None
        if fitting:
            partners[i] = fitting.pop(0)


def _match_alike(left: Sequence[Line], right: Sequence[Line], partners: dict[int, int]) -> None:
    """Match the remaining lines, the most alike first."""
    taken = set(partners.values())
    candidates = [
        (-likeness, abs(i - j), i, j)
        for i, one in enumerate(left)
        if i not in partners
        for j, other in enumerate(right)
        if j not in taken and (likeness := _likeness(one, other))
    ]
    for _, _, i, j in sorted(candidates):
        if i not in partners and j not in taken:
            partners[i] = j
            taken.add(j)


def _likeness(one: Line, other: Line) -> int:
    """How alike two lines are; 0 where they are not to be matched.

    Rows and bands share at least half of what they say, or a cell that asks something; clauses share their value or a name.
    """
    if _group(one) != _group(other):
        return 0
    same_value = one.value == other.value
    if one.kind in ("row", "band"):
        equal = [a for a, b in zip(one.cells, other.cells, strict=True) if a == b]
        score = len(equal) + same_value
        return score if 2 * score >= len(one.cells) + 1 or any(a != _ANY_CELL for a in equal) else 0
    return 1000 * same_value + len(_names(one) & _names(other))


def _names(line: Line) -> set[str]:
    meanings = [cast("m.Expression", c.meaning) for c in line.cells if isinstance(c.meaning, m.Node)]
    return {n.name for e in meanings for n in m.walk(e) if isinstance(n, m.RuleRef)}


def _reordered(old: Sequence[Line], new: Sequence[Line], pairs: Sequence[_LinePair], ordered: bool) -> bool:
    """Whether matched lines stand in another order, where order matters: exceptions by rank, others as written."""
    both = [(i, j) for i, j in pairs if i is not None and j is not None]
    ranks = [(old[i].rank, new[j].rank) for i, j in both if old[i].kind == "exception"]
    places = [(i, j) for i, j in both if old[i].kind in ("when", "row")]
    return _inverted(ranks) or (ordered and _inverted(places))


def _inverted(places: list[tuple[int, int]]) -> bool:
    highest = None
    for _, group in groupby(sorted(places), key=lambda p: p[0]):
        others = [other for _, other in group]
        if highest is not None and min(others) < highest:
            return True
        highest = max(others) if highest is None else max(highest, *others)
    return False


# ── in words ─────────────────────────────────────────────────────────────────

_WORDS = {
    "zh": {
        "head": "{left} → {right}", "side": "{place} {year}年度", "same": "没有差别。", "same_meaning": "含义没有差别，只有依据或说明不同。",
        "documents": "文件", "facts": "事实", "parameters": "参数", "rules": "规则", "questions": "存疑", "mandates": "要求",
        "added": "新增", "removed": "取消", "only": "只有{}有", "changed": "改变", "recited": "仅依据或说明",
        "recited_head": "含义相同，依据或说明不同", "unchanged": "没有差别的部分：{}", "from_to": "由 {} 改为 {}", "join": "、",
        "stop": "：", "points": "{}个百分点", "times": "（{}处）", "open": "（", "close": "）", "comma": "，", "amount": "差额",
    },
    "en": {
        "head": "{left} → {right}", "side": "{place} {year}", "same": "nothing differs.",
        "same_meaning": "the meaning is the same; only citations or notes differ.",
        "documents": "documents", "facts": "facts", "parameters": "parameters", "rules": "rules", "questions": "open questions",
        "mandates": "mandates", "added": "added", "removed": "removed", "only": "only in {}", "changed": "changed",
        "recited": "citation or note only", "recited_head": "same meaning, other citation or note", "unchanged": "without difference: {}",
        "from_to": "{} → {}", "join": ", ", "stop": ": ", "points": "{} percentage points", "times": " (in {} places)",
        "open": " (", "close": ")", "comma": ", ", "amount": "difference",
    },
}  # fmt: skip
_ASPECTS = {
    "title": ("标题", "title"), "issuer": ("机关", "issuer"), "issued": ("日期", "date"), "place": ("地区", "place"),
    "effective": ("施行", "effective"), "website": ("网址", "website"), "yearly": ("每年", "yearly"), "type": ("类型", "type"),
    "default": ("默认", "default"), "required": ("必填", "required"), "required_when": ("必填条件", "required when"),
    "range": ("范围", "range"), "question": ("问", "question"), "key": ("按", "key"), "output": ("结果", "output"),
    "rounding": ("舍入", "rounding"), "initial": ("初值", "initial value"), "base": ("底数", "base"), "hit": ("命中首个", "first hit"),
    "shape": ("写法", "form"), "columns": ("列", "columns"), "line": ("条目", "line"), "order": ("次序", "order"),
    "condition": ("条件", "condition"), "cell": ("格", "cell"), "interval": ("区间", "interval"), "result": ("得", "value"),
    "value": ("值", "value"), "figure": ("本年度的值", "value in the year"), "option": ("选项", "option"), "reason": ("理由", "reason"), "in_principle": ("原则上", "in principle"),
    "basis": ("依据", "basis"), "note": ("说明", "note"),
}  # fmt: skip


def as_text(comparison: Comparison, lang: str = "zh") -> str:
    """Return the differences as lines for a reader; says so where nothing differs."""
    words = _WORDS[lang]
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
    return _WORDS[lang]["head"].format(left=left, right=right)


def _sides(comparison: Comparison, lang: str) -> tuple[str, str]:
    side = _WORDS[lang]["side"]
    left, right = comparison.left, comparison.right
    return side.format(place=left.place, year=left.year), side.format(place=right.place, year=right.year)


def _by_section(comparison: Comparison) -> Iterator[tuple[str, list[Difference]]]:
    for section, group in groupby(comparison.differences, key=lambda d: d.section):
        yield section, list(group)


def _unchanged(comparison: Comparison) -> list[str]:
    touched = {d.section for d in comparison.differences}
    return [section for section, _ in sections(comparison.left) if section not in touched]


def _section_lines(comparison: Comparison, differences: Sequence[Difference], lang: str) -> Iterator[str]:
    for difference in differences:
        if difference.sort != "recited":
            yield from _difference_lines(comparison, difference, lang)
    recited = [d for d in differences if d.sort == "recited"]
    if recited:
        yield _WORDS[lang]["recited_head"]
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
    words = _WORDS[lang]
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
    words, change = _WORDS[lang], changes[0]
    label = _ASPECTS[change.aspect][0 if lang == "zh" else 1] if change.column is None else change.column
    old, new = _shown(change, change.old, lang), _shown(change, change.new, lang)
    if len(changes) > 1:
        return f"{label}{words['times'].format(len(changes))} {words['from_to'].format(old, new)}"
    at = f"{_at_text(change, lang)}{words['stop']}" if change.at is not None else ""
    if change.old is None or change.new is None:
        verb = _verb(comparison, change.old is None, lang)
        shown = new if change.old is None else old
        return f"{at}{verb} {shown}" if change.aspect == "line" else f"{at}{label} {verb} {shown}"
    return f"{at}{label} {words['from_to'].format(old, new)}{_delta_note(change, lang)}"


def _at_text(change: Change, lang: str) -> str:
    return line_text(change.at, lang) if isinstance(change.at, Line) else change.at or ""


def _shown(change: Change, said: Said, lang: str) -> str:
    if change.aspect == "shape" and isinstance(said, str):
        return {name: words[0 if lang == "zh" else 1] for name, words in SHAPE_NAMES.items()}[said]  # type: ignore[index]
    return say(said, lang)


def _delta_note(change: Change, lang: str) -> str:
    words = _WORDS[lang]
    found = delta(change)
    text = _delta_text(found, lang) if found is not None else ""
    return f"{words['open']}{text}{words['close']}" if text else ""


def _delta_text(found: Delta, lang: str) -> str:
    """Such as +24元，+3.43% or -5个百分点，-20%; empty where only the type changed."""
    if found.value == 0:
        return ""
    sign = "+" if found.value > 0 else ""
    if found.type.kind is Kind.RATE:
        text = _WORDS[lang]["points"].format(sign + _decimal(found.value * 100))
    else:
        text = sign + show_value(found.value, found.type, lang)
    percent = "" if found.ratio is None else f"{_WORDS[lang]['comma']}{sign}{_decimal(_percent(found.ratio))}%"
    return text + percent


def _decimal(value: Fraction) -> str:
    try:
        return decimal_text(value)
    except ValueError:
        return f"{value.numerator}/{value.denominator}"


def _percent(ratio: Fraction) -> Fraction:
    """In percent, rounded half up to two decimals."""
    return round_to(ratio * 100, Fraction(1, 100), Mode.HALF_UP)


# ── to Rich ──────────────────────────────────────────────────────────────────


def as_rich(comparison: Comparison, lang: str = "zh") -> Group:
    """Return the same as tables for a terminal."""
    from rich.console import Group
    from rich.text import Text

    words = _WORDS[lang]
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
    words = _WORDS[lang]
    sides = [("\n".join(tell(i, lang)) if i is not None else "") for i in (difference.left, difference.right)]
    if difference.sort in ("added", "removed"):
        yield [difference.name, words[difference.sort], *sides, ""]
        return
    for index, changes in enumerate(_gathered(difference.changes)):
        change = changes[0]
        label = change.column or _ASPECTS[change.aspect][0 if lang == "zh" else 1]
        at = _at_text(change, lang) if len(changes) == 1 else words["times"].format(len(changes)).strip()
        found = delta(change)
        yield [
            difference.name if index == 0 else "",
            f"{label}\n{at}" if at else label,
            *("" if side is None else _shown(change, side, lang) for side in (change.old, change.new)),
            _delta_text(found, lang) if found is not None else "",
        ]


# ── to JSON ──────────────────────────────────────────────────────────────────


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as plain data, as grammar/comparison.schema.json describes it; money and rates as Decimal."""
    return {
        "左": _side_json(comparison.left),
        "右": _side_json(comparison.right),
        "相同": comparison.same,
        "含义相同": comparison.same_meaning,
        "差别": [_difference_json(d) for d in comparison.differences],
    }


def _side_json(side: Inventory) -> dict[str, Any]:
    return {"地区": side.place, "年度": side.year, "规则集": side.fingerprint}


def _difference_json(difference: Difference) -> dict[str, Any]:
    sides = [None if difference.changes or i is None else item_json(i) for i in (difference.left, difference.right)]
    return {
        "部分": _WORDS["zh"][difference.section],
        "名称": difference.name,
        "种类": _WORDS["zh"][difference.sort],
        "左": sides[0],
        "右": sides[1],
        "变化": [_change_json(c) for c in difference.changes],
    }


def _change_json(change: Change) -> dict[str, Any]:
    found = delta(change)
    sides = (change.old, change.new)
    shown = [None if side is None else _shown(change, side, "zh") for side in sides]
    old, new = (_plain(side) for side in sides)
    return {
        "方面": _ASPECTS[change.aspect][0],
        "位置": None if change.at is None else _at_text(change, "zh"),
        "列": change.column,
        "原": shown[0],
        "新": shown[1],
        "原值": old,
        "新值": new,
        "差额": None if found is None else plain(found.value, found.type),
        "差额显示": (_delta_text(found, "zh") or None) if found is not None else None,
        "百分比": None if found is None or found.ratio is None else to_decimal(_percent(found.ratio)),
        "仅依据": change.source_only,
    }


def _plain(said: Said) -> Any:
    amount = _amount(said)
    return None if amount is None else plain(amount.value, amount.type)
