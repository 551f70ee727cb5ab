"""Cells that are texts, as in CSV, read as truths, days and numbers.

In rounds: what nearly every cell is (plain digits, a day of ten characters) is read at once, and only what is left over is looked at closely. A round
is a step of its own, since what several columns rest on would else be computed for each of them. Columns are read a few at a time, so that little of
what lies between is held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, TypeAlias

from tiaoli import model as m
from tiaoli.backends.columnar import UNIX, is_one_of
from tiaoli.backends.columns import Sort
from tiaoli.backends.low import sort_of
from tiaoli.batch.layout import Units
from tiaoli.record_facts import BOOLS, digits_of, limits_of
from tiaoli.values import Kind

if TYPE_CHECKING:
    import polars as pl

GROUP = 16
"""Columns that are read together."""

WORDS = {**BOOLS, "true": True, "false": False, "True": True, "False": False, "TRUE": True, "FALSE": False}
"""What cells of truths may say."""

_VALUE, _ODD = "\0值", "\0错"


@dataclass(frozen=True)
class Texts:
    """A table with columns of texts read: ``values`` names the columns that hold their values, null where there is none or the cell is broken;
    ``broken`` are conditions, one of which holds where a cell of the row is.
    """

    frame: pl.LazyFrame
    values: Mapping[str, str]
    broken: tuple[pl.Expr, ...]


@dataclass(frozen=True)
class _Reading:
    """How a column is read: what each round computes, from those before it (see `_after`); then its values, and which cells are broken."""

    rounds: tuple[pl.Expr, ...]
    values: pl.Expr
    broken: pl.Expr


def is_written(kind: pl.DataType, fact: m.Fact) -> bool:
    """Return whether a column of the Polars type ``kind`` holds texts that must be read as values of another sort."""
    import polars as pl

    return isinstance(kind, pl.String | pl.Categorical | pl.Enum) and sort_of(fact.type) in _READERS


def read_texts(frame: pl.LazyFrame, given: Sequence[tuple[str, m.Fact]], units: Units) -> Texts:
    """Return a table with the columns ``given`` (see `is_written`) read as values of their facts, beside all that it has."""
    import polars as pl

    broken: list[pl.Expr] = []
    for group in _groups(given):
        readings = {
            name: _READERS[sort_of(fact.type)](pl.col(name).cast(pl.String), name, fact, units) for name, fact in group
        }
        between = [
            [reading.rounds[n].alias(_after(n, name)) for name, reading in readings.items() if n < len(reading.rounds)]
            for n in range(max(len(reading.rounds) for reading in readings.values()))
        ]
        for now in between:
            frame = frame.with_columns(now)
        frame = frame.with_columns(reading.broken.alias(_ODD + name) for name, reading in readings.items())
        odd = {name: pl.col(_ODD + name).fill_null(False) for name in readings}
        values = [pl.when(~odd[name]).then(reading.values).alias(_VALUE + name) for name, reading in readings.items()]
        flag = f"{_ODD}{len(broken)}"
        frame = frame.with_columns(*values, reduce(or_, odd.values()).alias(flag))
        frame = frame.drop(*(e.meta.output_name() for now in between for e in now), *(_ODD + name for name in readings))
        broken.append(pl.col(flag))
    return Texts(frame, {name: _VALUE + name for name, _ in given}, tuple(broken))


def truth_of(text: pl.Expr) -> pl.Expr:
    """Return what a word of `WORDS` says, null for others."""
    import polars as pl

    yes, no = ([word for word, said in WORDS.items() if said is wanted] for wanted in (True, False))
    return pl.when(is_one_of(text, yes)).then(pl.lit(True)).when(is_one_of(text, no)).then(pl.lit(False))


def filled(column: pl.Expr) -> pl.Expr:
    """Return texts without blanks around them; an empty cell is no value."""
    import polars as pl

    text = column.str.strip_chars()
    return pl.when(text != "").then(text)


def _groups(given: Sequence[tuple[str, m.Fact]]) -> Iterator[Sequence[tuple[str, m.Fact]]]:
    for at in range(0, len(given), GROUP):
        yield given[at : at + GROUP]


def _after(number: int, name: str) -> str:
    """What a round, counted from 0, makes of a column."""
    return f"\0{number}{name}"


def _truth(cell: pl.Expr, name: str, _fact: m.Fact, _units: Units) -> _Reading:
    import polars as pl

    plain, rest, other = (pl.col(_after(n, name)) for n in range(3))
    rounds = (truth_of(cell), filled(pl.when(plain.is_null()).then(cell)), truth_of(rest))
    return _Reading(rounds, pl.coalesce(plain, other), rest.is_not_null() & other.is_null())


def _day(cell: pl.Expr, name: str, fact: m.Fact, _units: Units) -> _Reading:
    import polars as pl

    form = "%Y-%m-%d"
    plain, rest, other, day = (pl.col(_after(n, name)) for n in range(4))
    usual = cell.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    written = r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}$|^[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}$"
    dashed = pl.when(rest.str.contains(written)).then(rest).str.replace_all("/", "-", literal=True)
    rounds = (
        pl.when(usual).then(cell).str.to_date(form, strict=False),
        filled(pl.when(plain.is_null()).then(cell)),
        dashed.str.to_date(form, strict=False),
        pl.coalesce(plain, other),
    )
    low, high = limits_of(fact)
    days = day.to_physical() + UNIX
    return _Reading(rounds, day, (rest.is_not_null() & other.is_null()) | (days < low) | (days > high))


def _number(cell: pl.Expr, name: str, fact: m.Fact, units: Units) -> _Reading:
    """Digits written out, with no more decimals than the fact has; ``plain`` are those without a sign, a point and blanks."""
    import polars as pl

    digits = 0 if units is Units.FEN else digits_of(fact)
    whole = r"(\.0+)?"
    if fact.type.kind is Kind.YEAR:
        cell, whole = cell.str.replace("^([0-9]+)年度$", "$1"), ""
    plain, rest, fits, exact = (pl.col(_after(n, name)) for n in range(4))
    begins = ((cell >= "1") & (cell < ":")) | (cell == "0")
    decimals = rf"(\.[0-9]{{1,{digits}}}0*)?" if digits else whole
    rounds = (
        pl.when(begins).then(cell).cast(pl.Int64, strict=False),
        filled(pl.when(plain.is_null()).then(cell)),
        rest.str.contains(rf"^[-+]?(0|[1-9][0-9]{{0,17}}){decimals}$"),
        pl.when(fits).then(rest).str.strip_prefix("+").cast(pl.Decimal(38, digits), strict=False).to_physical(),
    )
    low, high = limits_of(fact)
    factor = 10**digits
    beyond = (plain < -(-low // factor)) | (plain > high // factor)
    odd = rest.is_not_null() & (exact.is_null() | (exact < low) | (exact > high))
    value = pl.when(plain.is_not_null()).then(plain * factor).otherwise(exact.cast(pl.Int64, wrap_numerical=True))
    return _Reading(rounds, value, beyond.fill_null(False) | odd)


_Reader: TypeAlias = "Callable[[pl.Expr, str, m.Fact, Units], _Reading]"
_READERS: dict[Sort, _Reader] = {Sort.TRUTH: _truth, Sort.DAY: _day, Sort.WHOLE: _number}


__all__ = ["WORDS", "Texts", "filled", "is_written", "read_texts", "truth_of"]
