"""How far values can reach: ranges of facts carried through every rule, year by year, as the rules themselves are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from tiaoli import model as m
from tiaoli.model import ANY, Range
from tiaoli.operators import row
from tiaoli.values import Kind, Mode, round_to

DATES: Range = (1, 3_652_059)
_DAYS_IN = {Kind.DAYS: (1, 1), Kind.MONTHS: (28, 31), Kind.YEARS: (365, 366)}


@dataclass(slots=True)
class Reach:
    """Ranges by name: of facts, parameters and, in the year at hand and the one before, of rules."""

    years: Range
    facts: Mapping[str, Range]
    parameters: Mapping[str, Range]
    now: dict[str, Range] = field(default_factory=dict)
    before: dict[str, Range] = field(default_factory=dict)

    def of(self, expression: m.Expression) -> Range:
        """Return the range of ``expression``; dates by their ordinals."""
        match expression:
            case m.Constant(value=None):
                return (0, 0)  # whatever computes with 无 is never reached
            case m.Constant(value=value):
                return point(value)
            case m.ParameterRef(name=name):
                return self.parameters.get(name, ANY)
            case m.FactRef(name=name):
                return self.facts.get(name, ANY)
            case m.RuleRef(name=name, lag=lag):
                return (self.before if lag else self.now).get(name, ANY)
            case m.CurrentYear():
                return self.years
            case m.Choose():
                return self._hull([expression.then, expression.otherwise])
            case m.Round(operand=operand, mode=mode, unit=unit):
                return _rounded(self.of(operand), unit, mode)
            case m.Apply():
                return self._apply(expression)
            case _:
                return ANY

    def _apply(self, expression: m.Apply) -> Range:
        ranges = tuple(self.of(o) for o in expression.operands)
        if expression.type.kind is Kind.BOOL:
            return ANY
        if expression.operator == "÷":
            return _quotient(ranges, expression.operands[1].scale)
        if expression.type.kind is Kind.DATE and expression.operator[0] in "+-":
            return _moved(ranges, expression)
        if expression.type.kind is Kind.DATE and expression.operator not in ("取小", "取大", "限于"):
            return DATES
        return row(expression.operator).bound(ranges)

    def body(self, rule: m.Rule) -> Range:
        """Return the range of the rule's rounded value."""
        if not rule.type.kind.is_ordered:
            return ANY
        bounds = self._hull(m.values_of(rule.body))
        return _rounded(bounds, rule.unit, rule.mode) if rule.type.kind.is_number else bounds

    def _hull(self, values: Iterable[m.Expression]) -> Range:
        """The range of one of ``values``; 无 has none."""
        ranges = [self.of(value) for value in values if not _absent(value)]
        return hull(*ranges) if ranges else (0, 0)

    def marked(self, expression: m.Expression) -> m.Expression:
        """Return ``expression`` with the range of every node written in."""
        below = tuple(self.marked(o) for o in m.operands(expression))
        return replace(m.with_operands(expression, below), range=self.of(expression))


def point(value: object) -> Range:
    """Return the range that holds just ``value``."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return ANY
    if isinstance(value, int | Fraction):
        number = _plain(value)
        return number, number
    ordinal = value.toordinal()  # type: ignore[attr-defined]
    return ordinal, ordinal


def _plain(number: Fraction | int) -> Fraction | int:
    """A whole number as an int, with which arithmetic is much quicker."""
    return number.numerator if number.denominator == 1 else number


def _rounded(bounds: Range, unit: Fraction, mode: Mode) -> Range:
    low, high = bounds
    if unit == 1 and isinstance(low, int) and isinstance(high, int):
        return bounds
    return (
        None if low is None else _plain(round_to(low, unit, mode)),
        None if high is None else _plain(round_to(high, unit, mode)),
    )


def _absent(expression: m.Expression) -> bool:
    return isinstance(expression, m.Constant) and expression.value is None


def hull(*ranges: Range) -> Range:
    """Return the least range that holds all of ``ranges``."""
    lows, highs = [r[0] for r in ranges], [r[1] for r in ranges]
    return (
        None if None in lows else min(x for x in lows if x is not None),
        None if None in highs else max(x for x in highs if x is not None),
    )


def _quotient(ranges: tuple[Range, ...], scale: int | None) -> Range:
    """A quotient; a divisor held in whole steps is at least one step from zero, for division by zero has no value."""
    (low, high), divisor = ranges
    if low is None or high is None or scale is None:
        return ANY
    step = Fraction(1, 10**scale)
    top = max(abs(Fraction(low)), abs(Fraction(high))) / step
    if divisor[0] is not None and divisor[0] >= 0:
        return row("÷").bound(((low, high), (max(divisor[0], step), divisor[1]))) if divisor[1] else (-top, top)
    return -top, top


def _moved(ranges: tuple[Range, ...], expression: m.Apply) -> Range:
    day, amount = ranges
    shortest, longest = _DAYS_IN.get(expression.operands[1].type.kind, (1, 1))
    low, high = amount if expression.operator[0] == "+" else row("负").bound((amount,))
    first = None if low is None or day[0] is None else day[0] + low * (shortest if low >= 0 else longest)
    last = None if high is None or day[1] is None else day[1] + high * (longest if high >= 0 else shortest)
    lowest, highest = DATES
    return row("限于").bound(((first, last), (lowest, lowest), (highest, highest)))


_FAR = 10**40


def _capped(bounds: Range) -> Range:
    """A bound far beyond 64 bits is as good as none: values that square every year would grow without end here."""
    low, high = bounds
    return (low if low is not None and -_FAR < low < _FAR else None), (
        high if high is not None and -_FAR < high < _FAR else None
    )


def reach(
    program_years: Range, segments: list[m.Segment], facts: Mapping[str, m.Fact], parameters: Mapping[str, m.Parameter]
) -> tuple[Reach, dict[str, Range]]:
    """Return the reach with the hull over all years, and the hull of each rule by name.

    A rule that reads its own past is followed year by year; a rule that no longer changes keeps its range.
    """
    state = Reach(
        program_years,
        {name: fact.range for name, fact in facts.items()},
        {name: hull(*(point(v.value) for v in p.values)) if p.values else (0, 0) for name, p in parameters.items()},
    )
    total: dict[str, Range] = {}
    initial = {r.name: point(r.initial) for s in segments for r in s.rules if r.has_initial}
    state.before = dict(initial)
    reads: dict[int, tuple[frozenset[str], frozenset[str]]] = {}
    for segment in segments:
        for rule in segment.rules:
            if id(rule) not in reads:
                reads[id(rule)] = _reads(rule)
        _follow(state, segment, initial, total, reads)
    state.now = dict(total)
    state.before = {name: hull(r, initial[name]) if name in initial else r for name, r in total.items()}
    return state, total


def _follow(
    state: Reach,
    segment: m.Segment,
    initial: Mapping[str, Range],
    total: dict[str, Range],
    reads: Mapping[int, tuple[frozenset[str], frozenset[str]]],
) -> None:
    """Carry ranges through the years of one segment; after its first year only rules that read what moved are worked out again."""
    older: Mapping[str, Range] | None = None
    for _ in range(segment.first, segment.last + 1):
        past = None if older is None else _moved_names(state.before, older)
        if past is not None and not past:
            return
        now, moved = dict(initial if past is None else state.before), set[str]()
        state.now = now
        for rule in segment.rules:
            if past is not None and not (reads[id(rule)][0] & moved or reads[id(rule)][1] & past):
                continue
            reached = _capped(state.body(rule))
            if past is None or now[rule.name] != reached:
                moved.add(rule.name)
                now[rule.name] = reached
                total[rule.name] = hull(total.get(rule.name, reached), reached)
        older, state.before = state.before, now


def _moved_names(now: Mapping[str, Range], before: Mapping[str, Range]) -> set[str]:
    return {name for name, bounds in now.items() if before.get(name) != bounds}


def _reads(rule: m.Rule) -> tuple[frozenset[str], frozenset[str]]:
    """The rules that a rule reads: of the same year, and of the year before."""
    refs = [n for e in m.expressions(rule.body) for n in m.walk(e) if isinstance(n, m.RuleRef)]
    return frozenset(r.name for r in refs if not r.lag), frozenset(r.name for r in refs if r.lag)
