"""Cells → values: each column of a table as the whole numbers, truth values, days and texts that plans compute with.

What a column's type already guarantees is not looked at again; where single cells can be wrong (texts to be read as numbers or dates, too
many decimals, a value out of range) a condition says which. A column that can hold no exact value at all (a binary float, a date where
money is wanted) is refused as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, reduce
from operator import or_
from typing import TYPE_CHECKING

from tiaoli import model as m
from tiaoli.backends.columnar import UNIX, is_one_of, whole, width
from tiaoli.backends.columns import Sort
from tiaoli.backends.lower import sort_of
from tiaoli.batch.layout import Units
from tiaoli.batch.sources import Span
from tiaoli.batch.texts import filled, is_written, read_texts
from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import UsageError
from tiaoli.record_facts import digits_of, limits_of

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Cells:
    """A column read: its values, null where there is none or where it is broken, and which cells are broken (None: none can be).

    Whole numbers are of the type `internal` names, or of 64 bits where that names 32.
    """

    values: pl.Expr
    broken: pl.Expr | None


@dataclass(frozen=True)
class Read:
    """A table with columns read: ``values`` by name; ``broken`` are conditions, one of which holds where a cell of the row is."""

    frame: pl.LazyFrame
    values: Mapping[str, pl.Expr]
    broken: Sequence[pl.Expr]


def read_columns(
    frame: pl.LazyFrame,
    schema: Mapping[str, pl.DataType],
    given: Sequence[tuple[str, m.Fact]],
    units: Units,
    known: Mapping[str, Span],
    path: str | None,
) -> Read:
    """Return the columns ``given`` of a table as values of their facts; ``known`` is what is known of them before they are read.

    Raises UsageError for every column whose type can hold no value of its fact.
    """
    import polars as pl

    texts = read_texts(frame, [(name, fact) for name, fact in given if is_written(schema[name], fact)], units)
    values = {name: pl.col(column) for name, column in texts.values.items()}
    broken = list(texts.broken)
    said: list[Diagnostic] = []
    for name, fact in given:
        if name in values:
            continue
        try:
            cells = read_cells(name, schema[name], fact, units, known.get(name))
        except Unreadable as error:
            said.append(replace(error.diagnostic, path=path))
            continue
        values[name] = cells.values
        broken += [] if cells.broken is None else [cells.broken]
    if said:
        raise UsageError(said)
    return Read(texts.frame, values, broken)


class Unreadable(Exception):
    """A column whose type can hold no value of its fact."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.code)
        self.diagnostic = diagnostic


def read_cells(name: str, kind: pl.DataType, fact: m.Fact, units: Units, span: Span | None = None) -> Cells:
    """Return the column ``name``, of the Polars type ``kind``, as values of ``fact``. Raises Unreadable.

    Texts that mean something else are for `tiaoli.batch.texts`. What ``span`` (of whole numbers, or of days) rules out is not looked for in the cells.
    """
    import polars as pl

    if kind == pl.Null:
        return Cells(pl.lit(None, dtype=_wanted(fact)), None)
    column = pl.col(name)
    if isinstance(kind, pl.Categorical | pl.Enum):
        column, kind = column.cast(pl.String), pl.String()
    reader = _READERS[sort_of(fact.type)]
    cells = reader(column, kind, fact, units, span)
    if cells is None:
        code = "E852" if kind.is_float() else "E851"
        types = {"type": fact.type.present.name("zh"), "type_en": fact.type.present.name("en")}
        raise Unreadable(Diagnostic(code, {"name": name, "found": str(kind), **types}))
    if cells.broken is None:
        return cells
    return Cells(pl.when(~cells.broken).then(cells.values), cells.broken)  # what is computed of them must fit, too


def _wanted(fact: m.Fact) -> pl.DataType:
    import polars as pl

    return {Sort.WHOLE: pl.Int64(), Sort.TRUTH: pl.Boolean(), Sort.DAY: pl.Date(), Sort.TEXT: pl.String()}[
        sort_of(fact.type)
    ]


def internal(fact: m.Fact) -> pl.DataType:
    """Return the type in which a plan reads a fact: its range decides."""
    low, high = limits_of(fact)
    return whole(width(low, high)) if sort_of(fact.type) is Sort.WHOLE else _wanted(fact)


# ── by what is wanted ────────────────────────────────────────────────────────


def _truth(column: pl.Expr, kind: pl.DataType, _fact: m.Fact, _units: Units, _span: Span | None) -> Cells | None:
    import polars as pl

    return Cells(column, None) if kind == pl.Boolean else None


def _text(column: pl.Expr, kind: pl.DataType, fact: m.Fact, _units: Units, _span: Span | None) -> Cells | None:
    import polars as pl

    if kind.is_integer():
        return Cells(column.cast(pl.String), None)
    if kind != pl.String:
        return None
    members = list(fact.type.options)
    if not members:
        return Cells(filled(column), None)
    text = _member(column)
    named = is_one_of(text, members)
    return Cells(pl.when(named).then(text), ~named & (text != ""))


def _member(column: pl.Expr) -> pl.Expr:
    """Texts without the blanks that are likely around them; with others they are no member, and their row is heard by itself."""
    import polars as pl

    padded = column.str.ends_with(" ") | (column < "!")
    return pl.when(padded).then(pl.when(padded).then(column).str.strip_chars()).otherwise(column)


def _day(column: pl.Expr, kind: pl.DataType, fact: m.Fact, _units: Units, span: Span | None) -> Cells | None:
    import polars as pl

    if kind != pl.Date:
        return None
    low, high = limits_of(fact)
    if span is not None and low <= span.low and span.high <= high:
        return Cells(column, None)
    days = column.to_physical() + UNIX
    return Cells(column, (days < low) | (days > high))


def _number(column: pl.Expr, kind: pl.DataType, fact: m.Fact, units: Units, span: Span | None) -> Cells | None:
    import polars as pl

    digits = digits_of(fact)
    if isinstance(kind, pl.Decimal):
        return _decimal(column, kind.scale, fact, 0 if units is Units.FEN else digits)
    if not kind.is_integer():
        return None
    return _integer(column, kind, fact, 1 if units is Units.FEN else 10**digits, span)


def _integer(column: pl.Expr, kind: pl.DataType, fact: m.Fact, factor: int, span: Span | None) -> Cells:
    import polars as pl

    low, high = limits_of(fact)
    least, most = -(-low // factor), high // factor
    lowest, highest = _bounds(kind) if span is None else (span.low, span.high)
    sides = []
    if lowest < least == 0 and highest > most:
        # One look for both: without its sign, a number below zero is beyond any other.
        sides.append(column.reinterpret(signed=False) > most)
    else:
        if lowest < least:
            sides.append(column < pl.lit(least, dtype=kind))
        if highest > most:
            sides.append(column > pl.lit(most, dtype=kind))
    if factor != 1:
        values = column.cast(pl.Int64, wrap_numerical=True) * factor
    else:
        as_it_is = kind == internal(fact) or kind == pl.Int64
        values = column if as_it_is else column.cast(internal(fact), wrap_numerical=True)
    return Cells(values, reduce(or_, sides) if sides else None)


@cache
def _bounds(kind: pl.DataType) -> tuple[int, int]:
    """The least and the greatest value of a type of whole numbers."""
    import polars as pl

    own = pl.DataFrame({"x": []}, schema={"x": kind})
    lowest, highest = own.select(a=pl.col("x").lower_bound(), b=pl.col("x").upper_bound()).row(0)
    return lowest, highest


def _decimal(column: pl.Expr, scale: int, fact: m.Fact, digits: int) -> Cells:
    """A decimal column: its whole number of 10**-scale, brought to 10**-digits."""
    import polars as pl

    units = column.to_physical()
    low, high = limits_of(fact)
    if scale <= digits:
        factor = 10 ** (digits - scale)
        broken = (units < -(-low // factor)) | (units > high // factor)
        return Cells(units.cast(pl.Int64, wrap_numerical=True) * factor, broken)
    factor = 10 ** (scale - digits)
    values = units // factor
    broken = (values * factor != units) | (values < low) | (values > high)
    return Cells(values.cast(pl.Int64, wrap_numerical=True), broken)


def is_blank(text: pl.Expr) -> pl.Expr:
    """Return whether a text is nothing but blanks. Only what begins with one, or with a letter in their neighbourhood, is looked at closely."""
    import polars as pl

    suspect = (text < "!") | ((text >= "\x80") & (text < "\u3001"))
    return pl.when(suspect).then(text).str.strip_chars() == ""


_READERS: dict[Sort, Callable[[pl.Expr, pl.DataType, m.Fact, Units, Span | None], Cells | None]] = {
    Sort.TRUTH: _truth,
    Sort.TEXT: _text,
    Sort.DAY: _day,
    Sort.WHOLE: _number,
}
