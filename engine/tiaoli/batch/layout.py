"""How tables of records look: which columns there are, of which type, and whether a row is a person or a person's year.

*Wide*: one row a record; facts of a year are columns like ``参保@2025``. *Long*: one row a record and year, the year in a column ``年度``;
facts of the whole record stand in each row, or in a second table. Results are laid out as the records were.

Money stands in yuan, as decimals, and rates as parts of one (`Units.YUAN`); or all in whole numbers of the smallest unit, money in 分 and
a rate in 10**-digits (`Units.FEN`), which is quicker to read. Never as binary floats. Results stand as records do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from tiaoli import model as m
from tiaoli.record_facts import digits_of, limits_of
from tiaoli.values import Kind, Type

if TYPE_CHECKING:
    import polars as pl

ID = "编号"
YEAR = "年度"
PLACE = "地区"
YEAR_SIGN = "@"


class Units(Enum):
    """How money and rates stand in a table: 元 (decimals) or 分 (whole numbers of the smallest unit)."""

    YUAN = "元"
    FEN = "分"


class Shape(Enum):
    """Whether a row is a record or a record's year."""

    WIDE = "wide"
    LONG = "long"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: of a fact, in ``year`` where the table is wide and the fact yearly."""

    name: str
    fact: m.Fact
    year: int | None
    required: bool


def columns_of(program: m.Program, entity: str, shape: Shape, years: range) -> Iterator[Column]:
    """Yield the columns that a table of records of ``entity`` may have for ``years``, beside those of ids, years and places."""
    for fact in program.facts_of(entity):
        if fact.yearly and shape is Shape.WIDE:
            for year in years:
                yield Column(f"{fact.name}{YEAR_SIGN}{year}", fact, year, fact.required)
        else:
            yield Column(fact.name, fact, None, fact.required)


def dtype_of(fact: m.Fact, units: Units) -> pl.DataType:
    """Return the Polars type in which a table holds a fact."""
    return dtype_of_type(fact.type, digits_of(fact), units, limits_of(fact))


def dtype_of_type(kind: Type, digits: int, units: Units, limits: tuple[int, int]) -> pl.DataType:
    """Return the Polars type for values of a kind; ``digits`` are the decimals of money in yuan or of a rate, ``limits`` its range in units."""
    import polars as pl

    match kind.kind:
        case Kind.BOOL:
            return pl.Boolean()
        case Kind.DATE:
            return pl.Date()
        case Kind.ENUM | Kind.TEXT | Kind.PLACE | Kind.LINK:
            return pl.String()
        case Kind.MONEY | Kind.RATE if units is Units.YUAN:
            return pl.Decimal(18 if digits <= 6 else 38, digits)
    low, high = limits
    return pl.Int32() if low >= -(2**31) and high < 2**31 else pl.Int64()


def year_of_column(name: str) -> tuple[str, int] | None:
    """Return the name and the year of a column like ``参保@2025``, None for others."""
    head, sign, tail = name.rpartition(YEAR_SIGN)
    return (head, int(tail)) if sign and head and tail.isascii() and tail.isdigit() and len(tail) == 4 else None


def shape_of(names: Sequence[str]) -> Shape:
    """Return how a table is laid out: long where it has a column of years, else wide."""
    return Shape.LONG if any(name in (YEAR, "year") for name in names) else Shape.WIDE
