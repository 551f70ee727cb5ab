"""How far values can reach: ranges of facts carried through every rule, year by year, as the rules themselves are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from heapq import heappop, heappush
from itertools import chain

from tiaoli import model as m
from tiaoli.model import ANY, Range
from tiaoli.operators import MOST_MEMBERS, row
from tiaoli.values import Kind, Mode, round_to
from tiaoli.workshop import Reading, Workshop

DATES: Range = (1, 3_652_059)
_DAYS_IN = {Kind.DAYS: (1, 1), Kind.MONTHS: (28, 31), Kind.YEARS: (365, 366)}


@dataclass(slots=True)
class Reach:
    """Ranges by name: of facts, parameters and, in the year at hand and the one before, of rules.

    ``sums`` and ``sums_before`` hold for each rule how far the sum of its values over some of the records of its kind can reach: a sum of
    sums over groups counts each member once.
    """

    workshop: Workshop
    years: Range
    facts: Mapping[str, Range]
    parameters: Mapping[str, Range]
    now: dict[str, Range] = field(default_factory=dict)
    before: dict[str, Range] = field(default_factory=dict)
    sums: dict[str, Range] = field(default_factory=dict)
    sums_before: dict[str, Range] = field(default_factory=dict)

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
            case m.Through(value=value):
                return self.of(value)
            case m.Aggregate():
                return self._aggregate(expression)
            case _:
                return ANY

    def _aggregate(self, expression: m.Aggregate) -> Range:
        """A count or a sum over all records there can be; the others stay within the range of the members' value."""
        if expression.form == "占比":
            return 0, 1
        if expression.form == "计数" or expression.value is None:
            return 0, MOST_MEMBERS
        return self.sum(expression.value) if expression.form == "合计" else self.of(expression.value)

    def sum(self, expression: m.Expression) -> Range:
        """Return the range of the sum of ``expression`` over any of the records that have it."""
        parts = self._sum_of_parts(expression)
        whole = _many(self.of(expression))
        return whole if parts is None else _narrower(parts, whole)

    def _sum_of_parts(self, expression: m.Expression) -> Range | None:
        """The sum of an expression from the sums of its parts, or None where they tell nothing."""
        match expression:
            case m.Aggregate(form="计数"):
                return 0, MOST_MEMBERS
            case m.Aggregate(form="合计", value=value) if value is not None:
                return self.sum(value)
            case m.RuleRef(name=name, lag=lag):
                return (self.sums_before if lag else self.sums).get(name)
            case m.Apply(operator="+" | "-" | "负", operands=operands):
                return row(expression.operator).bound(tuple(self.sum(o) for o in operands))
            case m.Apply(operator="×", operands=(m.Constant() as factor, other) | (other, m.Constant() as factor)):
                return row("×").bound((self.of(factor), self.sum(other)))
            case m.Choose():
                return row("+").bound((self.sum(expression.then), self.sum(expression.otherwise)))
            case _:
                return None

    def sum_of_rule(self, rule: m.Rule) -> Range:
        """Return the range of the sum of a rule's values: what is not rounded adds up clause by clause."""
        values = [v for v in m.values_of(rule.body) if not _absent(v)]
        whole = _many(self.now.get(rule.name, ANY))
        exact = all(v.scale is not None and Fraction(1, 10**v.scale) % rule.unit == 0 for v in values)
        if not exact or not rule.type.kind.is_number:
            return whole
        parts: Range = (0, 0)
        for value in values:
            parts = row("+").bound((parts, self.sum(value)))
        return _narrower(parts, whole)

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

    def reached(self, rule: m.Rule) -> Range:
        """Return the range of the rule's value, without bounds where it is as good as endless."""
        return self.workshop.reached(rule, self._inputs, lambda: _capped(self.body(rule)))

    def with_ranges(self, rule: m.Rule, total: Range) -> m.Rule:
        """Return the rule with ``total`` as its range and the range of every node written in."""

        def work() -> m.Rule:
            return replace(rule, body=m.map_body(rule.body, self.marked), range=total)

        return self.workshop.marked(rule, lambda reading: chain((total,), self._inputs(reading)), work)

    def _inputs(self, reading: Reading) -> Iterator[Range]:
        """The ranges of all that a rule reads, always in the same order."""
        yield self.years
        yield from (self.facts.get(name, ANY) for name in reading.facts)
        yield from (self.parameters.get(name, ANY) for name, _ in reading.parameters)
        yield from (self.now.get(name, ANY) for name in reading.now)
        yield from (self.before.get(name, ANY) for name in reading.before)

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


def _many(value: Range) -> Range:
    """The sum of any number of values in a range."""
    low, high = value
    return None if low is None else min(low, 0) * MOST_MEMBERS, None if high is None else max(high, 0) * MOST_MEMBERS


def _narrower(one: Range, other: Range) -> Range:
    """What is in both ranges."""
    lows, highs = [r[0] for r in (one, other) if r[0] is not None], [r[1] for r in (one, other) if r[1] is not None]
    return max(lows, default=None), min(highs, default=None)


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
    program_years: Range,
    segments: list[m.Segment],
    facts: Mapping[str, m.Fact],
    parameters: Mapping[str, m.Parameter],
    workshop: Workshop,
) -> tuple[Reach, dict[str, Range]]:
    """Return the reach with the hull over all years, and the hull of each rule by name.

    A rule that reads its own past is followed year by year; a rule that no longer changes keeps its range.
    """
    state = Reach(
        workshop,
        program_years,
        {name: fact.range for name, fact in facts.items()},
        {name: hull(*(point(v.value) for v in p.values)) if p.values else (0, 0) for name, p in parameters.items()},
    )
    total: dict[str, Range] = {}
    initial = {r.name: point(r.initial) for s in segments for r in s.rules if r.has_initial}
    summed = _summed(segments, workshop)
    sums_initial = {name: _many(value) for name, value in initial.items() if name in summed}
    state.before, state.sums_before = dict(initial), dict(sums_initial)
    sums: dict[str, Range] = {}
    way = _Way(state, (initial, sums_initial), (total, sums), summed)
    for segment in segments:
        way.follow(segment)
    state.now, state.sums = dict(total), dict(sums)
    state.before, state.sums_before = _with_initial(total, initial), _with_initial(sums, sums_initial)
    return state, total


def _summed(segments: list[m.Segment], workshop: Workshop) -> frozenset[str]:
    """The rules whose values are added up somewhere, and those that such values are plainly made up of."""
    texts: dict[str, list[m.Rule]] = {}
    pending: list[m.Expression] = []
    for rule in {id(r): r for s in segments for r in s.rules}.values():
        texts.setdefault(rule.name, []).append(rule)
        totals = (n for n in workshop.reading(rule).nodes if isinstance(n, m.Aggregate) and n.form == "合计")
        pending += [n.value for n in totals if n.value is not None]
    found: set[str] = set()
    while pending:
        fresh = set(_addends(pending.pop())) - found
        found |= fresh
        pending += [v for name in fresh for rule in texts.get(name, ()) for v in m.values_of(rule.body)]
    return frozenset(found)


def _addends(expression: m.Expression) -> Iterator[str]:
    """The rules whose sums tell the sum of ``expression``; see `Reach.sum`."""
    match expression:
        case m.RuleRef(name=name):
            yield name
        case m.Apply(operator="+" | "-" | "负" | "×") | m.Choose():
            for below in m.operands(expression):
                yield from _addends(below)
        case m.Aggregate(form="合计", value=value) if value is not None:
            yield from _addends(value)
        case _:
            pass


@dataclass(slots=True)
class _Way:
    """Ranges on their way through the years: only rules that are new, or read what moved, are worked out again."""

    state: Reach
    initial: tuple[Mapping[str, Range], Mapping[str, Range]]
    totals: tuple[dict[str, Range], dict[str, Range]]
    summed: frozenset[str]
    running: dict[str, m.Rule] = field(default_factory=dict)
    past: set[str] = field(default_factory=set)

    def follow(self, segment: m.Segment) -> None:
        """Carry the ranges through the years of a segment."""
        active = {rule.name: rule for rule in segment.rules}
        gone = self.running.keys() - active.keys()
        fresh = [i for i, rule in enumerate(segment.rules) if self.running.get(rule.name) is not rule]
        self.running = active
        readers = _Readers(segment.rules, self.state.workshop)
        for _ in range(segment.first, segment.last + 1):
            if not (fresh or gone or self.past):
                return
            self._year(segment.rules, readers, fresh, gone)
            fresh, gone = [], set()

    def _year(self, rules: Sequence[m.Rule], readers: _Readers, fresh: list[int], gone: set[str]) -> None:
        state, moved = self.state, set(gone)
        state.now, state.sums = dict(state.before), dict(state.sums_before)
        for name in gone:
            _return(state.now, self.initial[0], name)
            _return(state.sums, self.initial[1], name)
        due = {*fresh, *(i for name in self.past for i in readers.next_year.get(name, ()))}
        due.update(i for name in gone for i in readers.same_year.get(name, ()))
        pending = sorted(due)
        while pending:
            index = heappop(pending)
            if self._moves(rules[index]):
                moved.add(rules[index].name)
                for reader in readers.same_year.get(rules[index].name, ()):
                    if reader not in due:
                        due.add(reader)
                        heappush(pending, reader)
        self.past = moved
        state.before, state.sums_before = state.now, state.sums

    def _moves(self, rule: m.Rule) -> bool:
        """Work out a rule; whether its range, or that of its sum, is not that of the year before."""
        state, name = self.state, rule.name
        known = state.now.get(name), state.sums.get(name)
        state.now[name] = state.reached(rule)
        _widen(self.totals[0], name, state.now)
        if name in self.summed:
            state.sums[name] = _capped(state.sum_of_rule(rule))
            _widen(self.totals[1], name, state.sums)
        return known != (state.now[name], state.sums.get(name))


class _Readers:
    """The places, in the order of a segment, of the rules that read a name in the same year or through 上年."""

    def __init__(self, rules: Iterable[m.Rule], workshop: Workshop) -> None:
        self.same_year: dict[str, list[int]] = {}
        self.next_year: dict[str, list[int]] = {}
        for index, rule in enumerate(rules):
            reading = workshop.reading(rule)
            for name in reading.now:
                self.same_year.setdefault(name, []).append(index)
            for name in reading.before:
                self.next_year.setdefault(name, []).append(index)


def _return(ranges: dict[str, Range], initial: Mapping[str, Range], name: str) -> None:
    """A rule no longer in force is its 初值 for those that look back."""
    ranges.pop(name, None)
    if name in initial:
        ranges[name] = initial[name]


def _widen(total: dict[str, Range], name: str, now: Mapping[str, Range]) -> None:
    total[name] = hull(total.get(name, now[name]), now[name])


def _with_initial(total: Mapping[str, Range], initial: Mapping[str, Range]) -> dict[str, Range]:
    return {name: hull(r, initial[name]) if name in initial else r for name, r in total.items()}
