"""What is computed: kinds of value, exact rounding and calendar arithmetic.

Numbers are exact: money in whole 分, rates as parts of one, counts as whole numbers. Nothing here is a binary float.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import TypeAlias

Value: TypeAlias = Fraction | int | bool | date | str | None


class Kind(Enum):
    """A kind of value; its name in rulesets is (Chinese, English)."""

    BOOL = ("是否", "bool")
    INT = ("整数", "int")
    MONEY = ("金额", "money")
    RATE = ("比例", "rate")
    YEARS = ("年数", "years")
    MONTHS = ("月数", "months")
    DAYS = ("天数", "days")
    DATE = ("日期", "date")
    YEAR = ("年度", "insured_year")
    PLACE = ("地区", "place")
    TEXT = ("文本", "text")
    ENUM = ("选项", "enumeration")
    LINK = ("链接", "link")

    @property
    def zh(self) -> str:
        return self.value[0]

    @property
    def en(self) -> str:
        return self.value[1]

    @property
    def is_duration(self) -> bool:
        return self in (Kind.YEARS, Kind.MONTHS, Kind.DAYS)

    @property
    def is_number(self) -> bool:
        """Whether values of this kind are numbers that can be added and compared."""
        return self in (Kind.INT, Kind.MONEY, Kind.RATE) or self.is_duration

    @property
    def is_ordered(self) -> bool:
        return self.is_number or self in (Kind.DATE, Kind.YEAR)


KIND_NAMES = {name: kind for kind in Kind if kind not in (Kind.ENUM, Kind.LINK) for name in kind.value}

INSURED = "参保人"
"""The kind of record that is built in: the insured person."""

INSURED_NAMES = (INSURED, "insured")


@dataclass(frozen=True, slots=True)
class Type:
    """A kind, the members of an enumeration, and whether the value may be absent (可空).

    A link has one member: the kind of record (对象) it points to; its values are ids of such records.
    """

    kind: Kind
    members: tuple[str, ...] = ()
    nullable: bool = False

    def __str__(self) -> str:
        return self.name("zh")

    def name(self, lang: str) -> str:
        """Return the type as a ruleset writes it."""
        own = self.kind.zh if lang == "zh" else self.kind.en
        text = " | ".join(self.members) if self.kind in (Kind.ENUM, Kind.LINK) else own
        text = INSURED_NAMES[1] if lang == "en" and self.kind is Kind.LINK and self.target == INSURED else text
        return text + ({"zh": " 可空", "en": " optional"}[lang] if self.nullable else "")

    @property
    def options(self) -> tuple[str, ...]:
        """The options of an enumeration; other types have none."""
        return self.members if self.kind is Kind.ENUM else ()

    @property
    def target(self) -> str:
        """The kind of record that values of this type point to. Only of links."""
        return self.members[0]

    @property
    def present(self) -> Type:
        """The same type for a value known to be there."""
        return replace(self, nullable=False) if self.nullable else self


class Mode(Enum):
    """A way of rounding; its name in rulesets is (Chinese, English)."""

    HALF_UP = ("四舍五入", "half_up")
    HALF_EVEN = ("四舍六入", "half_even")
    DOWN = ("向下", "down")
    UP = ("向上", "up")
    TRUNCATE = ("去尾", "truncate")
    AWAY = ("进一", "away")


MODE_NAMES = {name: mode for mode in Mode for name in mode.value}

ROUNDING_UNITS: dict[str, tuple[Kind, Fraction]] = {
    "分": (Kind.MONEY, Fraction(1)),
    "角": (Kind.MONEY, Fraction(10)),
    "元": (Kind.MONEY, Fraction(100)),
    "十元": (Kind.MONEY, Fraction(1000)),
    "百元": (Kind.MONEY, Fraction(10_000)),
    "千元": (Kind.MONEY, Fraction(100_000)),
    "万元": (Kind.MONEY, Fraction(1_000_000)),
    "整数": (Kind.INT, Fraction(1)),
    "个": (Kind.INT, Fraction(1)),
    "年": (Kind.YEARS, Fraction(1)),
    "月": (Kind.MONTHS, Fraction(1)),
    "天": (Kind.DAYS, Fraction(1)),
    "cent": (Kind.MONEY, Fraction(1)),
    "yuan": (Kind.MONEY, Fraction(100)),
    "whole": (Kind.INT, Fraction(1)),
}

RATE_DIGITS = 6
"""Decimal digits of a computed rate that names no rounding of its own."""


def round_to(value: Fraction | int, unit: Fraction | int, mode: Mode) -> Fraction:
    """Return ``value`` rounded to a whole multiple of ``unit`` (positive).

    HALF_UP takes halves away from zero, UP and DOWN go to plus and minus infinity.
    """
    quotient = Fraction(value) / unit
    below = quotient.numerator // quotient.denominator
    rest = quotient - below
    if rest == 0:
        return Fraction(below) * unit
    negative = quotient < 0
    match mode:
        case Mode.DOWN:
            up = False
        case Mode.UP:
            up = True
        case Mode.TRUNCATE:
            up = negative
        case Mode.AWAY:
            up = not negative
        case Mode.HALF_UP:
            up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and not negative)
        case Mode.HALF_EVEN:
            up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and below % 2 == 1)
    return Fraction(below + up) * unit


def add_months(day: date, months: int, carry: bool = False) -> date:
    """Return the same day ``months`` on; where that month lacks the day, its last day, or with ``carry`` the first of the next.

    Raises OverflowError outside the years 1 to 9999.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    month += 1
    if not 1 <= year <= 9999:
        raise OverflowError("date out of range")
    if day.day <= 28 or day.day <= (last := monthrange(year, month)[1]):
        return date(year, month, day.day)
    if not carry:
        return date(year, month, last)
    return date(year + month // 12, month % 12 + 1, 1)


def month_end(day: date) -> date:
    """Return the last day of the month of ``day``."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def months_between(start: date, end: date, carry: bool = False) -> int:
    """Return the most whole months n with ``start`` + n months not after ``end``."""
    months = (end.year - start.year) * 12 + end.month - start.month
    return months if add_months(start, months, carry) <= end else months - 1


def make_date(year: int, month: int, day: int) -> date:
    """Return the date, the day clipped to the month's last; ``month`` is clipped to 1..12 and ``day`` to at least 1 by the checker."""
    return date(year, month, min(day, monthrange(year, month)[1]))


def decimal_text(value: Fraction | int, digits: int | None = None) -> str:
    """Return ``value`` as plain decimal text, with thousands not separated.

    Shape: exactly ``digits`` decimals when given, else as many as are needed. Raises ValueError when the value has no finite decimals.
    """
    value = Fraction(value)
    scale, denominator = 0, value.denominator
    while denominator != 1:
        factor = 10 if denominator % 10 == 0 else 5 if denominator % 5 == 0 else 2 if denominator % 2 == 0 else 0
        if not factor:
            raise ValueError(f"{value} has no finite decimal form")
        denominator //= factor
        scale += 1
    if digits is not None and scale < digits:
        scale = digits
    number = abs(value.numerator) * 10**scale // value.denominator
    text = str(number).rjust(scale + 1, "0")
    body = f"{text[:-scale]}.{text[-scale:]}" if scale else text
    return ("-" if value < 0 else "") + body


def to_decimal(value: Fraction | int) -> Decimal:
    """Return ``value`` as a Decimal, exactly."""
    return Decimal(decimal_text(value))
