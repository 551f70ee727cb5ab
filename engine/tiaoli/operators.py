"""Operators and functions: one row each, with what it takes and gives, its range, its scale and its exact meaning.

``typing`` returns the result for operands that fit and None for those that do not. ``compute`` is the meaning, on exact values:
numbers as Fraction, dates as date. ``scale`` and ``bound`` say how the result is held and how far it can reach. Back ends have
one row for each of these; a test keeps the two in step.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, TypeAlias

from tiaoli.values import (
    Kind,
    Type,
    add_months,
    make_date,
    month_end,
    months_between,
)

Range: TypeAlias = tuple[Fraction | int | None, Fraction | int | None]
Scale: TypeAlias = int | None
ANY: Range = (None, None)

BOOL, INT, MONEY, RATE = Type(Kind.BOOL), Type(Kind.INT), Type(Kind.MONEY), Type(Kind.RATE)
YEARS, MONTHS, DAYS = Type(Kind.YEARS), Type(Kind.MONTHS), Type(Kind.DAYS)
DATE, YEAR = Type(Kind.DATE), Type(Kind.YEAR)


@dataclass(frozen=True, slots=True)
class Operator:
    """A row of the table; ``zh`` is its name in the model, ``arity`` (least, most) how many operands it takes, ``takes`` the kinds it fits where they can be listed."""

    zh: str
    en: str
    arity: tuple[int, int | None]
    typing: Callable[[tuple[Type, ...]], Type | None]
    scale: Callable[[tuple[Scale, ...]], Scale]
    bound: Callable[[tuple[Range, ...]], Range]
    compute: Callable[..., Any]
    takes: tuple[tuple[Kind, ...], ...]


# ── typing ───────────────────────────────────────────────────────────────────

Signatures: TypeAlias = dict[tuple[Kind, ...], Kind]
_DURATIONS = (Kind.YEARS, Kind.MONTHS, Kind.DAYS)
_NUMBERS = (Kind.INT, Kind.MONEY, Kind.RATE, *_DURATIONS)


def _table(signatures: Signatures) -> Callable[[tuple[Type, ...]], Type | None]:
    def typing(types: tuple[Type, ...]) -> Type | None:
        kind = signatures.get(tuple(t.kind for t in types))
        return Type(kind) if kind else None

    typing.signatures = tuple(signatures)  # type: ignore[attr-defined]
    return typing


def _same(*kinds: Kind) -> Callable[[tuple[Type, ...]], Type | None]:
    def typing(types: tuple[Type, ...]) -> Type | None:
        fits = len({t.kind for t in types}) == 1 and types[0].kind in kinds
        return types[0] if fits else None

    return typing


def _equality(types: tuple[Type, ...]) -> Type | None:
    left, right = types
    if left.kind is Kind.ENUM and right.kind is Kind.ENUM:
        return BOOL if set(left.members) & set(right.members) else None
    if left.kind is Kind.LINK and right.kind is Kind.LINK:
        return BOOL if left.target == right.target else None
    return BOOL if left.kind is right.kind else None


def _ordering(types: tuple[Type, ...]) -> Type | None:
    return BOOL if types[0].kind is types[1].kind and types[0].kind.is_ordered else None


def _paired(kinds: tuple[Kind, ...]) -> Signatures:
    """Two operands of one kind give that kind."""
    pairs: Signatures = {}
    for kind in kinds:
        pairs[kind, kind] = kind
    return pairs


_ADD: Signatures = _paired(_NUMBERS)
_ADD |= {(Kind.INT, Kind.RATE): Kind.RATE, (Kind.RATE, Kind.INT): Kind.RATE, (Kind.YEAR, Kind.YEARS): Kind.YEAR}
_ADD |= {(Kind.DATE, d): Kind.DATE for d in _DURATIONS}
_SUBTRACT = _ADD | {(Kind.DATE, Kind.DATE): Kind.DAYS, (Kind.YEAR, Kind.YEAR): Kind.YEARS}
_MULTIPLY: Signatures = {(Kind.INT, k): k for k in _NUMBERS}
_MULTIPLY |= {(k, Kind.INT): k for k in _NUMBERS}
_MULTIPLY |= {(Kind.MONEY, k): Kind.MONEY for k in (Kind.RATE, *_DURATIONS)}
_MULTIPLY |= {(k, Kind.MONEY): Kind.MONEY for k in (Kind.RATE, *_DURATIONS)}
_MULTIPLY |= {(Kind.RATE, Kind.RATE): Kind.RATE}
_DIVIDE: Signatures = {(k, k): Kind.RATE for k in _NUMBERS}
_DIVIDE |= {(Kind.MONEY, k): Kind.MONEY for k in (Kind.INT, Kind.RATE, *_DURATIONS)}
_DIVIDE |= {(Kind.RATE, Kind.INT): Kind.RATE, (Kind.INT, Kind.RATE): Kind.RATE}


# ── scales ───────────────────────────────────────────────────────────────────


def _widest(scales: tuple[Scale, ...]) -> Scale:
    return None if None in scales else max(s for s in scales if s is not None)


def _product(scales: tuple[Scale, ...]) -> Scale:
    return None if None in scales else sum(s for s in scales if s is not None)


def _ratio(_: tuple[Scale, ...]) -> Scale:
    return None


def _whole(_: tuple[Scale, ...]) -> Scale:
    return 0


# ── ranges ───────────────────────────────────────────────────────────────────


def _plus(a: Any, b: Any) -> Any:
    return None if a is None or b is None else a + b


def _bound_add(r: tuple[Range, ...]) -> Range:
    return _plus(r[0][0], r[1][0]), _plus(r[0][1], r[1][1])


def _bound_negative(r: tuple[Range, ...]) -> Range:
    low, high = r[0]
    return (None if high is None else -high), (None if low is None else -low)


def _bound_subtract(r: tuple[Range, ...]) -> Range:
    return _bound_add((r[0], _bound_negative((r[1],))))


def _bound_multiply(r: tuple[Range, ...]) -> Range:
    edges = [*r[0], *r[1]]
    if None in edges:
        if all(low is not None and low >= 0 for low, _ in r):
            return (r[0][0] or 0) * (r[1][0] or 0), None
        return ANY
    products = [a * b for a, b in itertools.product(r[0], r[1]) if a is not None and b is not None]
    return min(products), max(products)


def _bound_divide(r: tuple[Range, ...]) -> Range:
    low, high = r[1]
    if low is None or high is None or low <= 0 <= high or None in r[0]:
        return ANY
    quotients = [Fraction(a) / b for a, b in itertools.product(r[0], r[1]) if a is not None and b is not None]
    return min(quotients), max(quotients)


def _bound_least(r: tuple[Range, ...]) -> Range:
    lows, highs = [x[0] for x in r], [x[1] for x in r if x[1] is not None]
    return (None if None in lows else min(x for x in lows if x is not None)), (min(highs) if highs else None)


def _bound_most(r: tuple[Range, ...]) -> Range:
    lows, highs = [x[0] for x in r if x[0] is not None], [x[1] for x in r]
    return (max(lows) if lows else None), (None if None in highs else max(x for x in highs if x is not None))


def _bound_limit(r: tuple[Range, ...]) -> Range:
    return _bound_least((_bound_most((r[0], r[1])), r[2]))


def _bound_absolute(r: tuple[Range, ...]) -> Range:
    low, high = r[0]
    top = None if low is None or high is None else max(abs(Fraction(low)), abs(Fraction(high)))
    bottom = low if low is not None and low >= 0 else -high if high is not None and high <= 0 else 0
    return bottom, top


def _bound_none(_: tuple[Range, ...]) -> Range:
    return ANY


def _bound_first(r: tuple[Range, ...]) -> Range:
    return r[0]


def _bounds(low: int, high: int) -> Callable[[tuple[Range, ...]], Range]:
    return lambda _: (low, high)


DATE_RANGE: Range = (date(1900, 1, 1).toordinal(), date(2199, 12, 31).toordinal())


# ── meanings ─────────────────────────────────────────────────────────────────


def add(left: Any, right: Any, kind: Kind = Kind.INT, carry: bool = False) -> Any:
    """Return ``left`` + ``right``; on a date ``right`` counts ``kind``."""
    if not isinstance(left, date):
        return left + right
    if kind is Kind.DAYS:
        return left + timedelta(int(right))
    return add_months(left, int(right) * (12 if kind is Kind.YEARS else 1), carry)


def subtract(left: Any, right: Any, kind: Kind = Kind.INT, carry: bool = False) -> Any:
    """Return ``left`` - ``right``; two dates give days."""
    if isinstance(right, date):
        return Fraction((left - right).days)
    return add(left, -right, kind, carry)


def whole_years(birth: date, day: date) -> int:
    """Return the age in whole years on ``day``; born on 29 February counts from 28 February in common years."""
    return months_between(birth, day) // 12


def _limit(value: Any, low: Any, high: Any) -> Any:
    return min(max(value, low), high)


def _least(*values: Any) -> Any:
    return min(values)


def _most(*values: Any) -> Any:
    return max(values)


# ── the table ────────────────────────────────────────────────────────────────


def _operator(zh: str, en: str, arity: tuple[int, int | None], typing: Any, compute: Any, **more: Any) -> Operator:
    return Operator(
        zh,
        en,
        arity,
        typing,
        more.get("scale", _whole),
        more.get("bound", _bound_none),
        compute,
        getattr(typing, "signatures", ()),
    )


_TWO = (2, 2)
_BOOLS = _same(Kind.BOOL)
_ORDERED = _same(*_NUMBERS, Kind.DATE, Kind.YEAR)

OPERATORS: dict[str, Operator] = {
    row.zh: row
    for row in (
        _operator("或", "or", (2, None), _BOOLS, lambda *v: any(v)),
        _operator("且", "and", (2, None), _BOOLS, lambda *v: all(v)),
        _operator("非", "not", (1, 1), _BOOLS, lambda v: not v),
        _operator("=", "=", _TWO, _equality, lambda a, b: a == b),
        _operator("≠", "≠", _TWO, _equality, lambda a, b: a != b),
        _operator("<", "<", _TWO, _ordering, lambda a, b: a < b),
        _operator(">", ">", _TWO, _ordering, lambda a, b: a > b),
        _operator("≤", "≤", _TWO, _ordering, lambda a, b: a <= b),
        _operator("≥", "≥", _TWO, _ordering, lambda a, b: a >= b),
        _operator("+", "+", _TWO, _table(_ADD), add, scale=_widest, bound=_bound_add),
        _operator("-", "-", _TWO, _table(_SUBTRACT), subtract, scale=_widest, bound=_bound_subtract),
        _operator("×", "×", _TWO, _table(_MULTIPLY), lambda a, b: a * b, scale=_product, bound=_bound_multiply),
        _operator("÷", "÷", _TWO, _table(_DIVIDE), lambda a, b: Fraction(a) / b, scale=_ratio, bound=_bound_divide),
        _operator("负", "-", (1, 1), _same(*_NUMBERS), lambda v: -v, scale=_widest, bound=_bound_negative),
    )
}
"""Operators by sign. `+` and `-` on a date also need the unit of the duration and whether 进位 was written: see `add`."""

CARRY_OPERATORS = {"+进位": OPERATORS["+"], "-进位": OPERATORS["-"]}
"""Addition of months or years to a date that goes to the first of the next month where the day does not exist."""

FUNCTIONS: dict[str, Operator] = {
    row.zh: row
    for row in (
        _operator("取小", "min", (1, None), _ORDERED, _least, scale=_widest, bound=_bound_least),
        _operator("取大", "max", (1, None), _ORDERED, _most, scale=_widest, bound=_bound_most),
        _operator("限于", "clamp", (3, 3), _ORDERED, _limit, scale=_widest, bound=_bound_limit),
        _operator("绝对值", "abs", (1, 1), _same(*_NUMBERS), abs, scale=_widest, bound=_bound_absolute),
        _operator("年度首日", "year_start", (1, 1), _table({(Kind.YEAR,): Kind.DATE}), lambda y: date(int(y), 1, 1)),
        _operator("年度末日", "year_end", (1, 1), _table({(Kind.YEAR,): Kind.DATE}), lambda y: date(int(y), 12, 31)),
        _operator("月初", "month_start", (1, 1), _table({(Kind.DATE,): Kind.DATE}), lambda d: d.replace(day=1)),
        _operator("月末", "month_end", (1, 1), _table({(Kind.DATE,): Kind.DATE}), month_end),
        _operator(
            "日期", "date", (3, 3), _table({(Kind.YEAR, Kind.INT, Kind.INT): Kind.DATE}),
            lambda y, m, d: make_date(int(y), int(m), int(d)),
        ),
        _operator("年度于", "year_of", (1, 1), _table({(Kind.DATE,): Kind.YEAR}), lambda d: Fraction(d.year), bound=_bounds(1, 9999)),
        _operator("月份", "month_of", (1, 1), _table({(Kind.DATE,): Kind.INT}), lambda d: Fraction(d.month), bound=_bounds(1, 12)),
        _operator("日", "day_of", (1, 1), _table({(Kind.DATE,): Kind.INT}), lambda d: Fraction(d.day), bound=_bounds(1, 31)),
        _operator("星期", "weekday", (1, 1), _table({(Kind.DATE,): Kind.INT}), lambda d: Fraction(d.isoweekday()), bound=_bounds(1, 7)),
        _operator(
            "周岁", "age", _TWO, _table({(Kind.DATE, Kind.DATE): Kind.YEARS}),
            lambda b, d: Fraction(whole_years(b, d)), bound=_bounds(-300, 300),
        ),
        _operator(
            "整月数", "months_between", _TWO, _table({(Kind.DATE, Kind.DATE): Kind.MONTHS}),
            lambda a, b: Fraction(months_between(a, b)), bound=_bounds(-3600, 3600),
        ),
        _operator("数值", "number", (1, 1), _table({(d,): Kind.INT for d in _DURATIONS}), lambda v: v, bound=_bound_first),
        _operator("年数", "years", (1, 1), _table({(Kind.INT,): Kind.YEARS}), lambda v: v, bound=_bound_first),
        _operator("月数", "months", (1, 1), _table({(Kind.INT,): Kind.MONTHS}), lambda v: v, bound=_bound_first),
        _operator("天数", "days", (1, 1), _table({(Kind.INT,): Kind.DAYS}), lambda v: v, bound=_bound_first),
    )
}  # fmt: skip
"""Functions by Chinese name."""


@dataclass(frozen=True, slots=True)
class AggregateForm:
    """A figure over members: how many values stand behind them, what kind the figure has, whether it is absent without members."""

    zh: str
    en: str
    values: int
    kinds: Mapping[Kind, Kind]
    absent: bool
    ratio: bool


_THEMSELVES = {kind: kind for kind in _NUMBERS}
_MEANS = {Kind.INT: Kind.RATE, Kind.MONEY: Kind.MONEY, Kind.RATE: Kind.RATE}
_ANY_ORDER = {kind: kind for kind in Kind if kind.is_ordered}

AGGREGATES: dict[str, AggregateForm] = {
    form.zh: form
    for form in (
        AggregateForm("计数", "count", 0, {}, False, False),
        AggregateForm("合计", "total", 1, _THEMSELVES, False, False),
        AggregateForm("占比", "share", 1, {Kind.BOOL: Kind.RATE}, True, True),
        AggregateForm("最大", "greatest", 1, _ANY_ORDER, True, False),
        AggregateForm("最小", "least", 1, _ANY_ORDER, True, False),
        AggregateForm("平均", "mean", 1, _MEANS, True, True),
    )
}
"""Figures over the records that point to one record. ``kinds``: kind of the members' value → kind of the figure."""

AGGREGATE_NAMES = {name: form.zh for form in AGGREGATES.values() for name in (form.zh, form.en)}

AGGREGATES_MEANT = {
    "求和": "合计", "总和": "合计", "总计": "合计", "总额": "合计", "人数": "计数", "个数": "计数", "户数": "计数", "条数": "计数", "比率": "占比", "份额": "占比",
    "最高": "最大", "最多": "最大", "最低": "最小", "最少": "最小", "平均数": "平均", "均值": "平均", "人均": "平均",
    "sum": "total", "average": "mean", "maximum": "greatest", "minimum": "least",
}  # fmt: skip
"""What people call figures over records, and what they are called here."""

MOST_MEMBERS = 1_500_000_000
"""More records than any kind has in one run."""

MEMORY_FORMS = {"连续年数": "consecutive_years", "累计": "running_total", "曾经": "ever_before"}
"""Library forms over the years so far: they become hidden rules that read themselves through 上年."""

FUNCTION_NAMES = {name: zh for zh, row in FUNCTIONS.items() for name in (zh, row.en)}
MEMORY_NAMES = {name: zh for zh, en in MEMORY_FORMS.items() for name in (zh, en)}


def row(name: str) -> Operator:
    """Return the row of an operator or function by its name in the model."""
    return OPERATORS.get(name) or CARRY_OPERATORS.get(name) or FUNCTIONS[name]
