"""Lowered values: whole numbers and ratios over columns, with the conditions under which there is no value; rounding, and a row an operator.

Ratios are numerator and denominator apart, the denominator above zero; they become whole when they are rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import reduce
from math import gcd
from typing import Any

from tiaoli import model as m
from tiaoli.backends import columns as c
from tiaoli.backends.columns import FALSE, Expression, Sort
from tiaoli.simplify import scaled
from tiaoli.values import Kind, Mode, Type

_SORTS = {Kind.BOOL: Sort.TRUTH, Kind.DATE: Sort.DAY} | dict.fromkeys(
    (Kind.ENUM, Kind.TEXT, Kind.PLACE, Kind.LINK), Sort.TEXT
)


def sort_of(kind: Type) -> Sort:
    """Return what a column of a type holds."""
    return _SORTS.get(kind.kind, Sort.WHOLE)


def reach(program: m.Program, name: str) -> tuple[int, int]:
    """Return from where to where the values of a rule reach in whatever year, in whole units; as far as 64 bits where it is not known."""
    rules = program.rules[name]
    lows, highs = ([r.range[side] for r in rules] for side in (0, 1))
    factor = 10 ** rules[0].scale
    low = -(2**63) if None in lows else int(min(x for x in lows if x is not None) * factor)
    high = 2**63 - 1 if None in highs else int(max(x for x in highs if x is not None) * factor)
    return low, high


@dataclass(frozen=True, slots=True)
class Low:
    """A lowered expression: ``value``, over ``over`` (above zero) where it is a ratio, and the conditions under which it has none."""

    value: Expression
    over: Expression | None = None
    fails: Expression = FALSE
    lacks: Expression = FALSE

    @property
    def undone(self) -> Expression:
        """Whether there is no value."""
        return c.either(self.fails, self.lacks)


def without_members(aggregate: m.Aggregate) -> Low:
    """Return the figure of an aggregate that has no members."""
    if aggregate.form in ("计数", "合计"):
        return Low(c.literal(0))
    sort = sort_of(aggregate.type)
    return Low(c.absent(sort), c.literal(1) if aggregate.scale is None and sort is Sort.WHOLE else None)


def with_operands(low: Low, operands: Sequence[Low]) -> Low:
    """``low`` with the trouble of its operands, all of which are computed."""
    fails = c.either(low.fails, *(o.fails for o in operands))
    lacks = c.either(*(o.lacks for o in operands))
    return Low(low.value, low.over, fails, c.both(c.negate(fails), lacks) if lacks is not FALSE else FALSE)


def constant(e: m.Constant) -> Low:
    value = e.value
    if value is None:
        return Low(
            c.absent(sort_of(e.type)), c.literal(1) if e.scale is None and sort_of(e.type) is Sort.WHOLE else None
        )
    if isinstance(value, Fraction | int) and not isinstance(value, bool):
        number = Fraction(value)
        if e.scale is None:
            return Low(c.literal(number.numerator), c.literal(number.denominator))
        return Low(c.literal(scaled(number, e.scale)))
    return Low(c.literal(value))


def is_absent_value(low: Low) -> bool:
    return isinstance(low.value, c.Literal) and low.value.value is None


def covers(key: m.Expression, table: Mapping[Any, Any]) -> bool:
    """Whether a key surely has a value: an enumeration, all of whose members have one."""
    return key.type.kind is Kind.ENUM and not key.type.nullable and set(key.type.members) <= table.keys()


def differ(a: Expression, b: Expression) -> Expression:
    """Whether two values are not the same, absent ones being alike."""
    if not (a.nullable or b.nullable):
        return c.compare("≠", a, b)
    one = c.both(c.is_absent(a), c.is_there(b))
    other = c.both(c.is_there(a), c.is_absent(b))
    return c.either(one, other, c.both(c.is_there(a), c.is_there(b), c.compare("≠", a, b)))


def reduced(above: Expression, below: Expression) -> tuple[Expression, Expression]:
    """A ratio with what both have as a fixed factor taken out."""
    if not (isinstance(below, c.Literal) and isinstance(below.value, int)):
        return above, below
    if isinstance(above, c.Literal) and isinstance(above.value, int):
        shared = gcd(above.value, below.value) or 1
        return c.literal(above.value // shared), c.literal(below.value // shared)
    if isinstance(above, c.Call) and above.operation == "×":
        factor = next((o for o in above.operands if isinstance(o, c.Literal)), None)
        if factor is not None and isinstance(factor.value, int):
            shared = gcd(factor.value, below.value)
            others = [o for o in above.operands if o is not factor]
            return c.multiply(others[0], c.literal(factor.value // shared)), c.literal(below.value // shared)
    return above, below


def quotient(n: Expression, d: Expression, mode: Mode) -> Expression:
    """Return n ÷ d (d above zero) as a whole number, rounded by ``mode``."""
    n, d = reduced(n, d)
    sure = n.low >= 0
    sides = _apart(n, d) if sure else None
    if sides is not None:
        pick, one, other = sides
        return pick(quotient(one, d, mode), other)
    down = c.floor_divide(n, d)
    match mode:
        case Mode.DOWN:
            return down
        case Mode.UP:
            return _up(n, d)
        case Mode.TRUNCATE:
            return down if sure else _by_sign(n, down, _up(n, d))
        case Mode.AWAY:
            return _up(n, d) if sure else _by_sign(n, _up(n, d), down)
        case Mode.HALF_UP:
            return _half_up(n, d) if sure else _by_sign(n, _half_up(n, d), c.negative(_half_up(c.negative(n), d)))
        case Mode.HALF_EVEN:
            twice = c.multiply(c.subtract(n, c.multiply(down, d)), c.literal(2))
            odd = c.compare(
                "=", c.subtract(down, c.multiply(c.floor_divide(down, c.literal(2)), c.literal(2))), c.literal(1)
            )
            more = c.either(c.compare(">", twice, d), c.both(c.compare("=", twice, d), odd))
            return c.choose(more, c.add(down, c.literal(1)), down)


def _apart(n: Expression, d: Expression) -> tuple[Callable[..., Expression], Expression, Expression] | None:
    """The lesser (or greater) of two where one is a multiple of a fixed d: only the other needs dividing, for rounding keeps the order."""
    if not (
        isinstance(n, c.Call)
        and n.operation in ("取小", "取大")
        and isinstance(d, c.Literal)
        and isinstance(d.value, int)
    ):
        return None
    pick = c.least if n.operation == "取小" else c.greatest
    for one, other in (n.operands, n.operands[::-1]):
        factor = other.operands[1] if isinstance(other, c.Call) and other.operation == "×" else None
        if (
            isinstance(other, c.Call)
            and isinstance(factor, c.Literal)
            and isinstance(factor.value, int)
            and factor.value % d.value == 0
        ):
            return pick, one, c.multiply(other.operands[0], c.literal(factor.value // d.value))
    return None


def _up(n: Expression, d: Expression) -> Expression:
    if n.low >= 0:
        return c.floor_divide(c.add(n, c.subtract(d, c.literal(1))), d)
    return c.negative(c.floor_divide(c.negative(n), d))


def _half_up(n: Expression, d: Expression) -> Expression:
    if isinstance(d, c.Literal) and isinstance(d.value, int):
        return c.floor_divide(c.add(n, c.literal(d.value // 2)), d)
    two = c.literal(2)
    return c.floor_divide(c.add(c.multiply(n, two), d), c.multiply(d, two))


def _by_sign(n: Expression, upper: Expression, lower: Expression) -> Expression:
    return c.choose(c.compare("≥", n, c.literal(0)), upper, lower)


# ── operators on plain values ────────────────────────────────────────────────


def compared(sign: str, a: Low, b: Low) -> Expression:
    if a.over is None or b.over is None or a.over == b.over:
        return c.compare(sign, a.value, b.value)
    return c.compare(sign, c.multiply(a.value, b.over), c.multiply(b.value, a.over))


def _comparison(sign: str) -> Callable[[list[Low]], Low]:
    return lambda lows: Low(compared(sign, *lows))


def _sum(operation: Callable[[Expression, Expression], Expression]) -> Callable[[list[Low]], Low]:
    def row(lows: list[Low]) -> Low:
        a, b = lows
        if a.over is None or b.over is None:
            return Low(operation(a.value, b.value))
        if a.over == b.over:
            return Low(operation(a.value, b.value), a.over)
        above = operation(c.multiply(a.value, b.over), c.multiply(b.value, a.over))
        return Low(above, c.multiply(a.over, b.over))

    return row


def _extreme(sign: str, pick: Callable[[Expression, Expression], Expression]) -> Callable[[list[Low]], Low]:
    def two(a: Low, b: Low) -> Low:
        if a.over is None or b.over is None:
            return Low(pick(a.value, b.value))
        first = compared(sign, a, b)
        return Low(c.choose(first, a.value, b.value), c.choose(first, a.over, b.over))

    return lambda lows: reduce(two, lows)


_LEAST, _MOST_OF = _extreme("≤", c.least), _extreme("≥", c.greatest)


def _limited(lows: list[Low]) -> Low:
    return _LEAST([_MOST_OF(lows[:2]), lows[2]])


def _absolute(lows: list[Low]) -> Low:
    return Low(c.absolute(lows[0].value), lows[0].over)


PLAIN: dict[str, Callable[[list[Low]], Low]] = {
    "非": lambda lows: Low(c.negate(lows[0].value)),
    "=": _comparison("="),
    "≠": _comparison("≠"),
    "<": _comparison("<"),
    ">": _comparison(">"),
    "≤": _comparison("≤"),
    "≥": _comparison("≥"),
    "+": _sum(c.add),
    "-": _sum(c.subtract),
    "负": lambda lows: Low(c.negative(lows[0].value), lows[0].over),
    "取小": _LEAST,
    "取大": _MOST_OF,
    "限于": _limited,
    "绝对值": _absolute,
    "数值": lambda lows: Low(lows[0].value, lows[0].over),
    "年数": lambda lows: Low(lows[0].value, lows[0].over),
    "月数": lambda lows: Low(lows[0].value, lows[0].over),
    "天数": lambda lows: Low(lows[0].value, lows[0].over),
}


# ── operators on dates ───────────────────────────────────────────────────────

_FIRST_DAY, _LAST_DAY = 1, 3_652_059
_FIRST_MONTH, _LAST_MONTH = 12, 9999 * 12 + 11


def _outside(value: Expression, low: int, high: int) -> tuple[Expression, Expression]:
    """The value held within bounds, and whether it was outside."""
    out = c.either(c.compare("<", value, c.literal(low)), c.compare(">", value, c.literal(high)))
    return c.least(c.greatest(value, c.literal(low)), c.literal(high)), out


def days_on(day: Expression, days: Expression) -> Low:
    if day.low + days.low >= _FIRST_DAY and day.high + days.high <= _LAST_DAY:
        return Low(c.plus_days(day, days))
    number = c.add(c.days_between(day, c.literal(date.min)), days)
    held, out = _outside(number, 0, _LAST_DAY - 1)
    return Low(c.plus_days(c.literal(date.min), held), None, out)


def months_on(day: Expression, months: Expression, carry: bool) -> Low:
    number = c.add(c.add(c.multiply(c.year_of(day), c.literal(12)), c.subtract(c.month_of(day), c.literal(1))), months)
    out: Expression = FALSE
    if number.low < _FIRST_MONTH or number.high > _LAST_MONTH:
        held, out = _outside(number, _FIRST_MONTH, _LAST_MONTH)
        months = c.add(months, c.subtract(held, number))
    moved = c.plus_months(day, months)
    if carry and not (isinstance(months, c.Literal) and months.value == 0):
        clipped = c.compare("≠", c.day_of(moved), c.day_of(day))
        moved = c.choose(clipped, c.plus_days(moved, c.literal(1)), moved)
    return Low(moved, None, out)


def _of_year(year: Expression, month: int, day: int) -> Low:
    held, out = _outside(year, 1, 9999)
    return Low(c.make_date(held, c.literal(month), c.literal(day)), None, out)


def _made(year: Expression, month: Expression, day: Expression) -> Low:
    y, no_year = _outside(year, 1, 9999)
    n, no_month = _outside(month, 1, 12)
    d, no_day = _outside(day, 1, max(day.high, 1))
    return Low(c.make_date(y, n, d), None, c.either(no_year, no_month, no_day))


def _months_between(start: Expression, end: Expression) -> Low:
    """Whole months: one less than the calendar says where the day of the month is not reached yet, the month's end counting as any later day."""
    years = c.subtract(c.year_of(end), c.year_of(start))
    months = c.add(c.multiply(years, c.literal(12)), c.subtract(c.month_of(end), c.month_of(start)))
    late = c.both(
        c.compare(">", c.day_of(start), c.day_of(end)),
        c.compare("≠", end, c.month_last(end)),
    )  # fmt: skip
    return Low(c.choose(late, c.subtract(months, c.literal(1)), months))


def _age(birth: Expression, day: Expression) -> Low:
    return Low(c.floor_divide(_months_between(birth, day).value, c.literal(12)))


ON_DATES: dict[str, Callable[..., Low]] = {
    "年度首日": lambda y: _of_year(y, 1, 1),
    "年度末日": lambda y: _of_year(y, 12, 31),
    "月初": lambda d: Low(c.month_first(d)),
    "月末": lambda d: Low(c.month_last(d)),
    "日期": _made,
    "年度于": lambda d: Low(c.year_of(d)),
    "月份": lambda d: Low(c.month_of(d)),
    "日": lambda d: Low(c.day_of(d)),
    "星期": lambda d: Low(c.weekday(d)),
    "周岁": _age,
    "整月数": _months_between,
}
"""Functions of dates; with `PLAIN`, 且 或 × ÷ and the sums on dates these are all of `tiaoli.operators`, as a test says."""
