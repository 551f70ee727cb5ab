"""Two inventories compared by meaning: what was added, removed or changed, figure by figure, row by row, clause by clause.

Items are matched by name, lines of a rule by `comparison_lines`, so that a changed cell is said as such. A different citation or 说明
alone is marked apart: it means the same, on another basis.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Literal, TypeAlias

from tiaoli import model as m
from tiaoli.comparison_lines import ANY_CELL, line_pairs, reordered
from tiaoli.inventory import (
    Amount,
    DocumentItem,
    EntityItem,
    FactItem,
    Inventory,
    Item,
    Line,
    MandateItem,
    ParameterItem,
    QuestionItem,
    RuleItem,
    Said,
    sections,
)
from tiaoli.inventory_phrases import Phrase
from tiaoli.inventory_words import aspects, key_text, line_text
from tiaoli.values import Kind, Type

Sort: TypeAlias = Literal["added", "removed", "changed", "recited"]
_SOURCES = ("basis", "reliability", "note", "reason")


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
    old, new = amount(change.old), amount(change.new)
    if old is None or new is None or old.type.present != new.type.present:
        return None
    if isinstance(old.value, date) and isinstance(new.value, date):
        return Delta(Fraction((new.value - old.value).days), Type(Kind.DAYS), None)
    if not old.type.kind.is_number or old.value is None or new.value is None:
        return None
    before, after = Fraction(old.value), Fraction(new.value)  # type: ignore[arg-type]
    relative = old.type.kind in (Kind.MONEY, Kind.RATE) and before != 0
    return Delta(after - before, old.type.present, (after - before) / abs(before) if relative else None)


def amount(said: Said) -> Amount | None:
    """Return the value that something said stands for, or None where it is no single value."""
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
    for alike in (_same_condition, _same_text, _same_clause, _same_subject):
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


def _same_text(one: MandateItem, other: MandateItem) -> bool:
    """A mandate that one side checks and the other does not, for want of what it names."""
    return bool(one.missing) != bool(other.missing) and one.name == other.name and one.document == other.document


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
        case MandateItem(), MandateItem() if left.condition != right.condition and not _same_text(left, right):
            yield Change("condition", left.condition, right.condition)
        case ((DocumentItem() | EntityItem() | FactItem() | MandateItem()), _):
            pass
        case _:
            raise AssertionError(left, right)
    yield from _aspect_changes(old, new, [a for a in _SOURCES if a in old or a in new])


def _aspect_changes(old: dict[str, Said], new: dict[str, Said], order: Iterable[str]) -> Iterator[Change]:
    for aspect in order:
        if old.get(aspect) != new.get(aspect):
            yield _told_apart(Change(aspect, old.get(aspect), new.get(aspect)))


def _told_apart(change: Change) -> Change:
    """A change of citations that are the same but for how well they are known is one of reliability."""
    if not (isinstance(change.old, tuple) and isinstance(change.new, tuple)):
        return change
    cited = [[(b.document, b.clause) for b in basis] for basis in (change.old, change.new)]
    old, new = (next((b.reliability for b in basis), None) for basis in (change.old, change.new))
    return Change("reliability", old, new, change.at) if cited[0] == cited[1] else change


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
        yield _told_apart(Change("basis", old, new, at))
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
    pairs = line_pairs(old, new)
    for i, j in pairs:
        one, other = None if i is None else old[i], None if j is None else new[j]
        yield from _pair_changes(one, other, columns, {left.note, right.note})
    if reordered(old, new, pairs, left.shape == "cases" or (left.first_hit and right.first_hit)):
        yield Change("order", _listed(left.lines), _listed(right.lines))


def _joined(columns: Sequence[Phrase]) -> str:
    return " | ".join(c.text for c in columns)


def _listed(lines: Sequence[Line]) -> str:
    return "；".join(line_text(line, "zh") for line in lines)


def _laid_out(rule: RuleItem, columns: Sequence[Phrase]) -> Iterator[Line]:
    """The rows of a table over ``columns``; a column it lacks asks nothing."""
    for line in rule.lines:
        own = dict(zip(rule.columns, line.cells, strict=True)) if line.kind == "row" else {}
        yield replace(line, cells=tuple(own.get(c, ANY_CELL) for c in columns)) if own else line


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
