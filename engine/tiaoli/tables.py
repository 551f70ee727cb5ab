"""Decision tables and scales: every input fits a row, no input fits two, and bands meet edge to edge.

Each column is cut at the bounds its cells name into pieces inside which all cells answer alike; a walk over the pieces, column by
column with the rows still open, finds a gap or an overlap and an example of it. The walk stops only where one of the open rows begins
or ends, so that a long table of distinct values or ranges takes little longer than reading it. Exact: bounds are ratios, never floats.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from tiaoli import model as m
from tiaoli.elaborate import as_units
from tiaoli.meaning import Environment, evaluate
from tiaoli.values import Kind, Type, Value


@dataclass(frozen=True, slots=True)
class Finding:
    """A gap (``rows`` empty) or an overlap, with an example value for each column."""

    example: tuple[Value, ...]
    rows: tuple[int, ...]


def examine(table: m.DecisionTable, env: Environment) -> tuple[list[Finding], set[int]]:
    """Return gaps and overlaps in the year of ``env`` (the first of each sort of rows), and the rows that never decide."""
    columns = [
        _column(column, [_concrete(row.tests[i], env) for row in table.rows]) for i, column in enumerate(table.columns)
    ]
    findings: list[Finding] = []
    seen: set[frozenset[int]] = set()
    deciding: set[int] = set()
    everything = frozenset(range(len(table.rows)))
    for example, rows in _walk(columns, everything, ()):
        if rows:
            deciding.add(min(rows))
        if rows in seen:
            continue
        seen.add(rows)
        if not rows and table.otherwise is None:
            findings.append(Finding(example, ()))
        if len(rows) > 1 and not table.first_hit:
            findings.append(Finding(example, tuple(sorted(rows))[:2]))
    return findings, set(everything) - deciding


@dataclass(frozen=True, slots=True)
class _Column:
    """A column in pieces, values in which every cell answers alike: a sample of each, and for each row the runs of pieces that fit it.

    A run is (first, end), the end not included. All that takes long with many rows goes over runs, never over all pieces of all rows.
    """

    samples: list[Value]
    runs: list[list[tuple[int, int]]]

    def stretches(self, rows: frozenset[int]) -> Iterator[tuple[Value, frozenset[int]]]:
        """Yield, in order, a sample of each stretch of pieces along which the same of ``rows`` fit, with those."""
        changes: dict[int, list[tuple[int, int]]] = {0: []}
        for row in rows:
            for first, end in self.runs[row]:
                changes.setdefault(first, []).append((row, 1))
                changes.setdefault(end, []).append((row, -1))
        fitting: dict[int, int] = {}
        for at in sorted(changes):
            if at == len(self.samples):
                return
            for row, step in changes[at]:
                fitting[row] = fitting.get(row, 0) + step
                if not fitting[row]:
                    del fitting[row]
            yield self.samples[at], frozenset(fitting)


def _walk(
    columns: list[_Column],
    rows: frozenset[int],
    chosen: tuple[Value, ...],
    visited: set[tuple[int, frozenset[int]]] | None = None,
) -> Iterator[tuple[tuple[Value, ...], frozenset[int]]]:
    visited = set() if visited is None else visited
    depth = len(chosen)
    if depth == len(columns):
        yield chosen, rows
        return
    for sample, left in columns[depth].stretches(rows):
        if (depth, left) in visited:
            continue
        visited.add((depth, left))
        yield from _walk(columns, left, (*chosen, sample), visited)


@dataclass(frozen=True, slots=True)
class _Test:
    """A cell with its bounds worked out."""

    values: tuple[Value, ...]
    bounds: tuple[tuple[Fraction | None, bool, Fraction | None, bool], ...]
    absent: bool
    any: bool


def _concrete(test: m.Test, env: Environment) -> _Test:
    def units(expression: m.Expression | None) -> Fraction | None:
        value = None if expression is None else as_units(evaluate(expression, env))  # type: ignore[arg-type]
        return None if value is None else Fraction(value)

    bounds = tuple((units(low), a, units(high), b) for low, a, high, b in test.bounds)
    values = tuple(evaluate(v, env) for v in test.values)
    return _Test(values, bounds, test.absent, test.any)  # type: ignore[arg-type]


def _column(column: m.Expression, tests: list[_Test]) -> _Column:
    kind = column.type.kind
    if kind in (Kind.BOOL, Kind.ENUM, Kind.PLACE, Kind.TEXT):
        named = dict.fromkeys((True, False) if kind is Kind.BOOL else column.type.members or _texts(tests))
        samples: list[Value] = list(named)
        index = {value: at for at, value in enumerate(samples)}
        runs = [[(index[v], index[v] + 1) for v in test.values if v in index] for test in tests]
    else:
        places = list(_places(column, tests))
        samples = [_value(place, column.type) for place in places]
        runs = [list(_ordered_runs(test, places)) for test in tests]
    if column.type.nullable:
        samples.append(None)
    absent, every = (len(samples) - 1, len(samples)), (0, len(samples))
    for own, test in zip(runs, tests, strict=True):
        if test.any:
            own[:] = [every]
        elif test.absent and column.type.nullable:
            own.append(absent)
    return _Column(samples, runs)


def _texts(tests: list[_Test]) -> Iterator[Value]:
    """The texts or places named, and one that is not."""
    yield from (value for test in tests for value in test.values)
    yield ""


def _ordered_runs(test: _Test, places: list[Fraction]) -> Iterator[tuple[int, int]]:
    """The runs of places in order that fit a cell."""
    for value in test.values:
        place = as_units(value)
        at = len(places) if place is None else bisect_left(places, place)
        if at < len(places) and places[at] == place:
            yield at, at + 1
    for low, with_low, high, with_high in test.bounds:
        first = 0 if low is None else (bisect_left if with_low else bisect_right)(places, low)
        end = len(places) if high is None else (bisect_right if with_high else bisect_left)(places, high)
        if first < end:
            yield first, end


def _places(column: m.Expression, tests: list[_Test]) -> Iterator[Fraction]:
    """The cuts themselves and one place between each two, inside the column's range."""
    cuts = {Fraction(p) for t in tests for v in t.values if (p := as_units(v)) is not None}
    cuts |= {edge for t in tests for low, _, high, _ in t.bounds for edge in (low, high) if edge is not None}
    low, high = column.range
    step = None if column.scale is None else Fraction(1, 10**column.scale)
    ordered = sorted(cuts)
    far = step or Fraction(1)
    bottom = Fraction(low) if low is not None else (ordered[0] - far if ordered else Fraction(0))
    top = Fraction(high) if high is not None else (ordered[-1] + far if ordered else Fraction(0))
    marks = sorted({bottom, top, *(c for c in ordered if bottom <= c <= top)})
    for index, mark in enumerate(marks):
        if step is None or mark % step == 0:
            yield mark
        if index + 1 < len(marks):
            between = _between(mark, marks[index + 1], step)
            if between is not None:
                yield between


def _between(low: Fraction, high: Fraction, step: Fraction | None) -> Fraction | None:
    if step is None:
        return (low + high) / 2
    first = (low // step + 1) * step
    return first if first < high else None


def _value(place: Fraction, kind: Type) -> Value:
    return date.fromordinal(int(place)) if kind.kind is Kind.DATE else place


@dataclass(frozen=True, slots=True)
class BandFinding:
    """Bands ``first`` and ``second`` (indices) leave a gap or overlap at ``value``; ``second`` is None for the end of the scale."""

    value: Fraction
    first: int | None
    second: int | None
    gap: bool


Edges = list[tuple[Fraction | None, bool, Fraction | None, bool]]


def examine_bands(edges: Edges, base: m.Range, step: Fraction) -> list[BandFinding]:
    """Return gaps and overlaps between bands given in rising order as (low, included, high, included).

    ``base`` is what the base can reach and ``step`` the distance of two neighbouring values of it.
    """
    found: list[BandFinding] = []
    first_low = edges[0][0]
    if first_low is not None and (base[0] is None or base[0] < first_low):
        found.append(BandFinding(Fraction(base[0]) if base[0] is not None else first_low - step, None, 0, True))
    for index in range(len(edges) - 1):
        _, _, high, with_high = edges[index]
        low, with_low, _, _ = edges[index + 1]
        if high is None or low is None or low < high or (low == high and with_low and with_high):
            at = low if low is not None else (high if high is not None else Fraction(0))
            found.append(BandFinding(at, index, index + 1, False))
        elif low > high or not (with_low or with_high):
            found.append(
                BandFinding(
                    high if not with_high else high + step if high + step < low else low, index, index + 1, True
                )
            )
    last = edges[-1][2]
    if last is not None and (base[1] is None or base[1] > last):
        found.append(BandFinding(last + step, len(edges) - 1, None, True))
    return found
