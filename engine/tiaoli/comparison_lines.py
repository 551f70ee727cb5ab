"""The lines of two rules, matched: first those that mean the same, then those that ask the same, then by likeness."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TypeAlias, cast

from tiaoli import model as m
from tiaoli.inventory import Line
from tiaoli.inventory_phrases import Phrase

ANY_CELL = Phrase("-", (frozenset(), frozenset(), False))
LinePair: TypeAlias = tuple[int | None, int | None]


def line_pairs(left: Sequence[Line], right: Sequence[Line]) -> list[LinePair]:
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
        return score if 2 * score >= len(one.cells) + 1 or any(a != ANY_CELL for a in equal) else 0
    return 1000 * same_value + len(_names(one) & _names(other))


def _names(line: Line) -> set[str]:
    meanings = [cast("m.Expression", c.meaning) for c in line.cells if isinstance(c.meaning, m.Node)]
    return {n.name for e in meanings for n in m.walk(e) if isinstance(n, m.RuleRef)}


def reordered(old: Sequence[Line], new: Sequence[Line], pairs: Sequence[LinePair], ordered: bool) -> bool:
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
