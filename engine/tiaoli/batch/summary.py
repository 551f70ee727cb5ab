"""What results look like as a whole: for each result and year how many people, the total, the mean, quantiles, and the share that is not zero.

Figures of money are in yuan and exact, but for the mean, which is rounded to six decimals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tiaoli import model as m
from tiaoli.backends.columns import Sort
from tiaoli.backends.lower import sort_of
from tiaoli.batch.computing import held_as
from tiaoli.batch.layout import YEAR, YEAR_SIGN, Shape, Units
from tiaoli.values import Kind, Mode, decimal_text, round_to

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Line:
    """One result in one year, of one group. ``absent``: people without a value. Figures are None where no value is a number.

    ``quantiles``: least, quarters and greatest; each is a value that someone has (the nearest rank from below).
    """

    rule: str
    year: int
    group: tuple[str, ...]
    people: int
    absent: int
    total: Decimal | None
    mean: Decimal | None
    quantiles: tuple[Any, ...]
    nonzero: Decimal | None


def summarise(
    program: m.Program,
    results: pl.LazyFrame,
    rules: Sequence[str],
    years: range,
    layout: Shape,
    units: Units,
    by: Sequence[str] = (),
) -> Iterator[Line]:
    """Yield the lines of a table of results, one column in memory at a time.

    ``by``: columns to group by (in a wide table also names without their year).
    """
    maker = _Lines(program, results, layout, units, tuple(by), frozenset(results.collect_schema().names()))
    for year in years:
        for rule in rules:
            yield from maker.of(rule, year)


@dataclass(frozen=True)
class _Lines:
    program: m.Program
    results: pl.LazyFrame
    layout: Shape
    units: Units
    by: tuple[str, ...]
    there: frozenset[str]

    def of(self, rule: str, year: int) -> Iterator[Line]:
        """Yield the lines of one result in one year: one, or one a group."""
        import polars as pl

        wide = self.layout is Shape.WIDE
        frame = self.results if wide else self.results.filter(pl.col(YEAR) == year)
        names = [n if n in self.there else f"{n}{YEAR_SIGN}{year}" for n in self.by]
        column = f"{rule}{YEAR_SIGN}{year}" if wide else rule
        held = frame.select(*names, pl.col(column).alias("\0v")).collect(engine="streaming")
        if not self.by:
            yield self._line(rule, year, (), held["\0v"])
            return
        for key, part in sorted(
            held.partition_by(names, as_dict=True).items(), key=lambda item: tuple(map(str, item[0]))
        ):
            yield self._line(rule, year, tuple(map(_group, key)), part["\0v"])

    def _line(self, rule: str, year: int, group: tuple[str, ...], values: pl.Series) -> Line:
        present = values.drop_nulls()
        people, counted = len(values), len(present)
        match sort_of(self.program.rules[rule][0].type):
            case Sort.TRUTH:
                share = _rounded(Fraction(int(present.sum() or 0), counted)) if counted else None
                return Line(rule, year, group, people, people - counted, None, None, (None,) * 5, share)
            case Sort.TEXT:
                return Line(rule, year, group, people, people - counted, None, None, (None,) * 5, None)
            case Sort.DAY:
                ends = (present.min(), None, None, None, present.max())
                return Line(rule, year, group, people, people - counted, None, None, ends, None)
        if not counted:
            return Line(rule, year, group, people, people, None, None, (None,) * 5, None)
        return self._of_numbers(rule, year, group, people, present)

    def _of_numbers(self, rule: str, year: int, group: tuple[str, ...], people: int, present: pl.Series) -> Line:
        import numpy as np
        import polars as pl

        digits = present.dtype.scale if isinstance(present.dtype, pl.Decimal) else self._digits(rule)
        whole = present.to_physical()
        total, nonzero = int(whole.cast(pl.Int128).sum()), int((whole != 0).sum())
        ranks = [(len(whole) - 1) * quarter // 4 for quarter in range(5)]
        sorted_in = np.partition(whole.cast(pl.Int64).to_numpy(), ranks)
        quantiles = tuple(_decimal(int(sorted_in[rank]), digits) for rank in ranks)
        mean = _rounded(Fraction(total, len(whole) * 10**digits))
        share = _rounded(Fraction(nonzero, len(whole)))
        return Line(rule, year, group, people, people - len(whole), _decimal(total, digits), mean, quantiles, share)

    def _digits(self, rule: str) -> int:
        """The decimals that whole numbers of a table of the smallest units stand for."""
        kind, digits, _ = held_as(self.program, rule)
        return digits if self.units is Units.FEN and kind.kind in (Kind.MONEY, Kind.RATE) else 0


def _group(value: Any) -> str:
    return "" if value is None else {True: "是", False: "否"}[value] if isinstance(value, bool) else str(value)


def _decimal(whole: int, digits: int) -> Decimal:
    return Decimal(decimal_text(Fraction(whole, 10**digits)))


def _rounded(value: Fraction) -> Decimal:
    return Decimal(decimal_text(round_to(value, Fraction(1, 10**6), Mode.HALF_EVEN)))


HEADINGS = ("结果", "年度", "人数", "无值", "合计", "平均", "最小", "四分之一", "中位", "四分之三", "最大", "非零占比")


def table(lines: Sequence[Line], by: Sequence[str]) -> pl.DataFrame:
    """Return the lines as a table of texts, one row a line, the groups behind the year."""
    import polars as pl

    names = (*HEADINGS[:2], *by, *HEADINGS[2:])
    rows = [
        (
            line.rule, str(line.year), *line.group, str(line.people), str(line.absent), _text(line.total), _text(line.mean),
            *(_text(q) for q in line.quantiles), _text(line.nonzero),
        )
        for line in lines
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return decimal_text(Fraction(value))
    return "" if value is None else str(value)
