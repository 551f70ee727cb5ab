"""Columns: what a program computes, as expressions over whole columns. Polars and SQL are written from this, and from nothing else.

An expression is a literal, a column read, a call of one of the few operations below, or a look-up in a short table. Numbers are whole:
money in 分, rates in 10**-scale; ratios never come here, `tiaoli.backends.lower` works with numerator and denominator apart. Every
expression of numbers or dates knows how far it can reach, so that a back end picks the width of its integers, and so that what is
already decided is folded as it is built.

Absent is null. An operation on null gives null, except that 且 and 或 follow three-valued logic and that a condition which is null does
not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum
from typing import TypeAlias

from tiaoli.values import add_months, month_end
from tiaoli.values import make_date as make_day

Scalar: TypeAlias = int | bool | date | str | None


class Sort(Enum):
    """What a column holds: whole numbers, truth values, days of the calendar, texts."""

    WHOLE = "whole"
    TRUTH = "truth"
    DAY = "day"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Node:
    """What every expression has. ``low``..``high``: how far a number (or a date, by its ordinal) can reach; 0..0 for others.

    What tells expressions apart is mostly what they do, so that alone is hashed.
    """

    sort: Sort = field(hash=False)
    low: int = field(hash=False)
    high: int = field(hash=False)
    nullable: bool = field(hash=False)


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A fixed value."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class Read(Node):
    """A column by name."""

    name: str


@dataclass(frozen=True, slots=True)
class Call(Node):
    """An operation of `OPERATIONS` on expressions."""

    operation: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Lookup(Node):
    """The value that ``table`` has for a key; null where it has none."""

    key: Expression
    table: tuple[tuple[Scalar, Scalar], ...]


Expression: TypeAlias = Literal | Read | Call | Lookup

OPERATIONS = (
    "+", "-", "×", "负", "绝对值", "整除",  # 整除: down to whole numbers, the divisor above zero
    "取小", "取大",
    "=", "≠", "<", "≤", ">", "≥",
    "且", "或", "非", "若", "无", "有",
    "年", "月", "日", "星期", "月初", "月末", "成日期", "加月", "加天", "相差天数",
)  # fmt: skip
"""成日期 takes year, month and day, all of them within the calendar; 加月 clips the day to the month's end; 相差天数 is first minus second."""


def literal(value: Scalar) -> Literal:
    """Return a fixed value as an expression."""
    match value:
        case bool():
            return TRUE if value else FALSE
        case None:
            return Literal(Sort.TRUTH, 0, 0, True, None)
        case int():
            return Literal(Sort.WHOLE, value, value, False, value)
        case date():
            return Literal(Sort.DAY, value.toordinal(), value.toordinal(), False, value)
    return Literal(Sort.TEXT, 0, 0, False, value)


def absent(sort: Sort) -> Literal:
    """Return null of a sort."""
    return Literal(sort, 0, 0, True, None)


TRUE = Literal(Sort.TRUTH, 0, 0, False, True)
FALSE = Literal(Sort.TRUTH, 0, 0, False, False)


def reads(expression: Expression) -> Iterator[str]:
    """Yield the names of the columns that an expression reads."""
    match expression:
        case Read(name=name):
            yield name
        case Call(operands=operands):
            for operand in operands:
                yield from reads(operand)
        case Lookup(key=key):
            yield from reads(key)


# ── building, folding what is decided ────────────────────────────────────────


def _number(operation: str, low: int, high: int, *operands: Expression) -> Expression:
    return _folded(Call(Sort.WHOLE, low, high, any(o.nullable for o in operands), operation, operands))


def _day(operation: str, low: int, high: int, *operands: Expression) -> Expression:
    low, high = max(low, 1), min(high, date.max.toordinal())
    return _folded(Call(Sort.DAY, low, high, any(o.nullable for o in operands), operation, operands))


def _folded(call: Call) -> Expression:
    values = [o.value for o in call.operands if isinstance(o, Literal)]
    if None in values:
        return absent(call.sort)
    if len(values) < len(call.operands):
        return call
    return literal(_COMPUTE[call.operation](*values))


def add(a: Expression, b: Expression) -> Expression:
    """Return a + b; a fixed addend stands last, once."""
    if isinstance(a, Literal) and not isinstance(b, Literal):
        a, b = b, a
    if isinstance(b, Literal) and b.value == 0:
        return a
    if isinstance(b, Literal) and isinstance(a, Call) and a.operation == "+" and isinstance(a.operands[1], Literal):
        return add(a.operands[0], add(a.operands[1], b))
    return _number("+", a.low + b.low, a.high + b.high, a, b)


def subtract(a: Expression, b: Expression) -> Expression:
    """Return a - b."""
    if isinstance(b, Literal) and b.value == 0:
        return a
    if isinstance(b, Literal) and isinstance(b.value, int):
        return add(a, literal(-b.value))
    return _number("-", a.low - b.high, a.high - b.low, a, b)


def multiply(a: Expression, b: Expression) -> Expression:
    """Return a × b; a fixed factor stands last, once."""
    if isinstance(a, Literal) and not isinstance(b, Literal):
        a, b = b, a
    if isinstance(b, Literal) and isinstance(a, Call) and a.operation == "×" and isinstance(a.operands[1], Literal):
        return multiply(a.operands[0], multiply(a.operands[1], b))
    for one, other in ((a, b), (b, a)):
        if isinstance(one, Literal) and one.value == 1:
            return other
        if isinstance(one, Literal) and one.value == 0 and not other.nullable:
            return one
    edges = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    return _number("×", min(edges), max(edges), a, b)


def negative(a: Expression) -> Expression:
    """Return -a."""
    if isinstance(a, Call) and a.operation == "负":
        return a.operands[0]
    return _number("负", -a.high, -a.low, a)


def absolute(a: Expression) -> Expression:
    """Return the amount of a without its sign."""
    if a.low >= 0:
        return a
    return negative(a) if a.high <= 0 else _number("绝对值", 0, max(-a.low, a.high), a)


def floor_divide(a: Expression, b: Expression) -> Expression:
    """Return a ÷ b down to a whole number; b is above zero wherever the value counts."""
    if isinstance(b, Literal) and b.value == 1:
        return a
    least, most = max(b.low, 1), max(b.high, 1)
    edges = [x // y for x in (a.low, a.high) for y in (least, most)]
    return _number("整除", min(edges), max(edges), a, b)


def least(a: Expression, b: Expression) -> Expression:
    """Return the smaller of two numbers or dates."""
    if not (a.nullable or b.nullable):
        if a.high <= b.low:
            return a
        if b.high <= a.low:
            return b
    make = _day if a.sort is Sort.DAY else _number
    return make("取小", min(a.low, b.low), min(a.high, b.high), a, b)


def greatest(a: Expression, b: Expression) -> Expression:
    """Return the greater of two numbers or dates."""
    if not (a.nullable or b.nullable):
        if a.low >= b.high:
            return a
        if b.low >= a.high:
            return b
    make = _day if a.sort is Sort.DAY else _number
    return make("取大", max(a.low, b.low), max(a.high, b.high), a, b)


def compare(sign: str, a: Expression, b: Expression) -> Expression:
    """Return a truth value; ``sign`` is one of = ≠ < ≤ > ≥."""
    if a.sort in (Sort.WHOLE, Sort.DAY) and not (a.nullable or b.nullable):
        decided = _decided(sign, a, b)
        if decided is not None:
            return literal(decided)
    if isinstance(a, Literal) and not isinstance(b, Literal):
        return compare(_TURNED.get(sign, sign), b, a)
    if isinstance(b, Literal) and isinstance(a, Call) and b.value is not None:
        easier = _easier(sign, a, b)
        if easier is not None:
            return easier
    if a.sort is Sort.TRUTH and isinstance(b, Literal) and b.value is not None:
        return a if (b.value is True) == (sign == "=") else negate(a)
    return _truth(sign, a, b)


_TURNED = {"<": ">", ">": "<", "≤": "≥", "≥": "≤"}


def _easier(sign: str, a: Call, b: Literal) -> Expression | None:
    """A comparison with a fixed number, without the fixed addend; of a year, as one of dates."""
    assert b.value is not None
    if a.operation == "+" and isinstance(a.operands[1], Literal) and isinstance(b.value, int):
        return compare(sign, a.operands[0], subtract(b, a.operands[1]))
    if a.operation == "年" and isinstance(b.value, int) and 1 <= b.value < 9999 and sign not in ("=", "≠"):
        year = b.value + (sign in (">", "≤"))
        return compare("≥" if sign in (">", "≥") else "<", a.operands[0], literal(date(year, 1, 1)))
    return None


def _decided(sign: str, a: Expression, b: Expression) -> bool | None:
    match sign:
        case "<" if a.high < b.low or a.low >= b.high:
            return a.high < b.low
        case "≤" if a.high <= b.low or a.low > b.high:
            return a.high <= b.low
        case ">" | "≥":
            return _decided({">": "<", "≥": "≤"}[sign], b, a)
        case "=" | "≠" if a.high < b.low or b.high < a.low:
            return sign == "≠"
    return None


def _truth(operation: str, *operands: Expression) -> Expression:
    return _folded(Call(Sort.TRUTH, 0, 0, any(o.nullable for o in operands), operation, operands))


def both(*conditions: Expression) -> Expression:
    """Return whether all hold."""
    return _joined("且", False, conditions)


def either(*conditions: Expression) -> Expression:
    """Return whether one holds."""
    return _joined("或", True, conditions)


def _joined(word: str, settles: bool, conditions: Sequence[Expression]) -> Expression:
    kept: list[Expression] = []
    for condition in conditions:
        parts = condition.operands if isinstance(condition, Call) and condition.operation == word else (condition,)
        for part in parts:
            if isinstance(part, Literal) and part.value is settles:
                return literal(settles)
            if not (isinstance(part, Literal) and part.value is not None) and part not in kept:
                kept.append(part)
    if not kept:
        return literal(not settles)
    if len(kept) == 1:
        return kept[0]
    kept = _each_knowing(kept, "有" if word == "且" else "无")
    return Call(Sort.TRUTH, 0, 0, any(k.nullable for k in kept), word, tuple(kept))


def _each_knowing(conditions: list[Expression], word: str) -> list[Expression]:
    """Conditions joined: each counts only where the tests among the others say that a value is there."""
    told = {
        c.operands[0].name
        for c in conditions
        if isinstance(c, Call) and c.operation == word and isinstance(c.operands[0], Read)
    }
    there = frozenset(told)
    return (
        [c if isinstance(c, Call) and c.operation == word else knowing(c, there) for c in conditions]
        if there
        else conditions
    )


_OPPOSITE = {"=": "≠", "≠": "=", "<": "≥", "≥": "<", ">": "≤", "≤": ">", "无": "有", "有": "无"}


def negate(condition: Expression) -> Expression:
    """Return whether a condition does not hold."""
    if isinstance(condition, Call):
        if condition.operation == "非":
            return condition.operands[0]
        if condition.operation in _OPPOSITE:
            return Call(Sort.TRUTH, 0, 0, condition.nullable, _OPPOSITE[condition.operation], condition.operands)
    return _truth("非", condition)


def choose(condition: Expression, then: Expression, otherwise: Expression) -> Expression:
    """Return ``then`` where the condition holds, else ``otherwise``; each is written knowing what the condition says is there."""
    if isinstance(condition, Literal):
        return then if condition.value else otherwise
    then = knowing(then, _told(condition, "且", "有"))
    otherwise = knowing(otherwise, _told(condition, "或", "无"))
    if then == otherwise:
        return then
    if _is_null(then) and _is_null(otherwise):
        return then
    if _is_null(otherwise) and (same := _tested(condition, "有", then)) is not None:
        return same
    if _is_null(then) and (same := _tested(condition, "无", otherwise)) is not None:
        return same
    sort = otherwise.sort if _is_null(then) else then.sort
    nullable = then.nullable or otherwise.nullable
    if sort is Sort.TRUTH and not nullable and not condition.nullable:
        return _truth_of(condition, then, otherwise)
    if isinstance(condition, Call) and condition.operation == "非":
        return choose(condition.operands[0], otherwise, then)
    if _alike(then, otherwise):
        assert isinstance(then, Call) and isinstance(otherwise, Call)
        return choose(then.operands[0], then.operands[1], choose(condition, then.operands[2], otherwise.operands[2]))
    there = [o for o in (then, otherwise) if not _is_null(o)]
    low, high = min(o.low for o in there), max(o.high for o in there)
    if isinstance(otherwise, Call) and otherwise.operation == "若" and otherwise.operands[1] == then:
        return choose(either(condition, otherwise.operands[0]), then, otherwise.operands[2])
    if isinstance(otherwise, Call) and otherwise.operation == "若" and otherwise.operands[2] == then:
        return choose(both(negate(condition), otherwise.operands[0]), otherwise.operands[1], then)
    return Call(sort, low, high, nullable, "若", (condition, then, otherwise))


def _told(condition: Expression, joint: str, word: str) -> frozenset[str]:
    """The columns that are there where a condition holds (且, 有), or where it does not (或, 无)."""
    parts = condition.operands if isinstance(condition, Call) and condition.operation == joint else (condition,)
    tests = (p.operands[0] for p in parts if isinstance(p, Call) and p.operation == word)
    return frozenset(o.name for o in tests if isinstance(o, Read))


def knowing(expression: Expression, there: frozenset[str]) -> Expression:
    """Return the expression where the columns ``there`` are known not to be null, folded."""
    if not there:
        return expression
    match expression:
        case Read():
            return present(expression) if expression.nullable and expression.name in there else expression
        case Lookup():
            return lookup(knowing(expression.key, there), dict(expression.table), expression.sort)
        case Call():
            return _rebuilt(expression, tuple(knowing(o, there) for o in expression.operands))
        case Literal():
            return expression


def _rebuilt(call: Call, operands: tuple[Expression, ...]) -> Expression:
    """The call with other operands, folded."""
    if operands == call.operands:
        return call
    if call.operation in ("=", "≠", "<", "≤", ">", "≥"):
        return compare(call.operation, *operands)
    return _BUILD[call.operation](*operands)


def _is_null(node: Node) -> bool:
    return isinstance(node, Literal) and node.value is None


def _tested(condition: Expression, word: str, value: Expression) -> Expression | None:
    """What a condition tests for presence, if that is ``value`` (known by now to be there)."""
    if not (isinstance(condition, Call) and condition.operation == word):
        return None
    tested = condition.operands[0]
    return tested if value in (tested, present(tested)) else None


def _alike(a: Expression, b: Expression) -> bool:
    """Whether two choices give the same where the same condition holds, so that it can be asked once for both."""
    chosen = all(isinstance(x, Call) and x.operation == "若" for x in (a, b))
    return chosen and a.operands[:2] == b.operands[:2]  # type: ignore[union-attr]


def _truth_of(condition: Expression, then: Expression, otherwise: Expression) -> Expression:
    """A choice between truth values as 且 and 或."""
    if isinstance(then, Literal):
        return either(condition, otherwise) if then.value else both(negate(condition), otherwise)
    if isinstance(otherwise, Literal):
        return either(negate(condition), then) if otherwise.value else both(condition, then)
    return Call(Sort.TRUTH, 0, 0, False, "若", (condition, then, otherwise))


def is_absent(a: Expression) -> Expression:
    """Return whether a is null."""
    if isinstance(a, Literal):
        return literal(a.value is None)
    if not a.nullable:
        return FALSE
    if isinstance(a, Call) and a.operation == "若":
        condition, then, otherwise = a.operands
        return choose(_holds(condition), is_absent(then), is_absent(otherwise))
    return Call(Sort.TRUTH, 0, 0, False, "无", (a,))


def _holds(condition: Expression) -> Expression:
    """The condition, false where it is null."""
    return both(is_there(condition), condition) if condition.nullable else condition


def is_there(a: Expression) -> Expression:
    """Return whether a is not null."""
    return negate(is_absent(a))


def with_default(a: Expression, value: Expression) -> Expression:
    """Return a, or ``value`` where a is null."""
    return choose(is_absent(a), value, present(a)) if a.nullable else a


def present(a: Expression) -> Expression:
    """Return the same expression, known to be there."""
    match a:
        case Read():
            return Read(a.sort, a.low, a.high, False, a.name)
        case Call() if a.operation == "若":
            return Call(a.sort, a.low, a.high, False, a.operation, a.operands)
        case _:
            return a


def lookup(key: Expression, table: Mapping[Scalar, Scalar], sort: Sort) -> Expression:
    """Return the value of ``table`` for a key, null where it has none or no value."""
    if isinstance(key, Literal):
        found = table.get(key.value)
        return absent(sort) if found is None else literal(found)
    values = [literal(v) for v in table.values() if v is not None]
    if not values:
        return absent(sort)
    low, high = min(v.low for v in values), max(v.high for v in values)
    return Lookup(sort, low, high, True, key, tuple((k, v) for k, v in table.items() if v is not None))


# ── the calendar ─────────────────────────────────────────────────────────────


def _date(ordinal: int) -> date:
    return date.fromordinal(min(max(ordinal, 1), date.max.toordinal()))


def year_of(a: Expression) -> Expression:
    """Return the year of a date."""
    return _number("年", _date(a.low).year, _date(a.high).year, a)


def month_of(a: Expression) -> Expression:
    """Return the month of a date, 1..12."""
    return _number("月", 1, 12, a)


def day_of(a: Expression) -> Expression:
    """Return the day of the month, 1..31."""
    return _number("日", 1, 31, a)


def weekday(a: Expression) -> Expression:
    """Return the day of the week, Monday 1 to Sunday 7."""
    return _number("星期", 1, 7, a)


def month_first(a: Expression) -> Expression:
    """Return the first of the month."""
    return _day("月初", a.low - 30, a.high, a)


def month_last(a: Expression) -> Expression:
    """Return the last day of the month."""
    return _day("月末", a.low, a.high + 30, a)


def make_date(year: Expression, month: Expression, day: Expression) -> Expression:
    """Return the date; the day, 1 or more, is clipped to the month's last. Year and month must be those of the calendar."""
    low, high = min(max(year.low, 1), 9999), max(min(year.high, 9999), 1)
    return _day("成日期", date(low, 1, 1).toordinal(), date(high, 12, 31).toordinal(), year, month, day)


def plus_months(a: Expression, months: Expression) -> Expression:
    """Return the same day so many months on, clipped to the month's end. The result must be within the calendar."""
    if isinstance(months, Literal) and months.value == 0:
        return a
    low = a.low + (months.low * 28 if months.low >= 0 else months.low * 31)
    high = a.high + (months.high * 31 if months.high >= 0 else months.high * 28)
    return _day("加月", low, high, a, months)


def plus_days(a: Expression, days: Expression) -> Expression:
    """Return the date so many days on. It must be within the calendar."""
    if isinstance(days, Literal) and days.value == 0:
        return a
    return _day("加天", a.low + days.low, a.high + days.high, a, days)


def days_between(a: Expression, b: Expression) -> Expression:
    """Return the days from b to a."""
    return _number("相差天数", a.low - b.high, a.high - b.low, a, b)


# ── building again ───────────────────────────────────────────────────────────

_BUILD: dict[str, Callable[..., Expression]] = {
    "+": add, "-": subtract, "×": multiply, "负": negative, "绝对值": absolute, "整除": floor_divide, "取小": least, "取大": greatest,
    "且": both, "或": either, "非": negate, "若": choose, "无": is_absent, "有": is_there,
    "年": year_of, "月": month_of, "日": day_of, "星期": weekday, "月初": month_first, "月末": month_last, "成日期": make_date,
    "加月": plus_months, "加天": plus_days, "相差天数": days_between,
}  # fmt: skip


def substitute(expression: Expression, name: str, value: Literal) -> Expression:
    """Return the expression with a fixed value in place of a column, folded."""
    match expression:
        case Read():
            return value if expression.name == name else expression
        case Lookup():
            return lookup(substitute(expression.key, name, value), dict(expression.table), expression.sort)
        case Call():
            return _rebuilt(expression, tuple(substitute(o, name, value) for o in expression.operands))
        case Literal():
            return expression


def leaves(expression: Expression) -> list[Literal] | None:
    """Return the fixed values that a choice is between; None where it is not only between such."""
    if isinstance(expression, Literal):
        return [expression]
    if isinstance(expression, Call) and expression.operation == "若":
        found: list[Literal] = []
        for branch in expression.operands[1:]:
            below = leaves(branch)
            if below is None:
                return None
            found += below
        return found
    return None


def by_leaf(tree: Expression, change: Callable[[Literal], Expression]) -> Expression:
    """Return a choice between fixed values with each of them changed."""
    if isinstance(tree, Literal):
        return change(tree)
    assert isinstance(tree, Call), tree
    condition, then, otherwise = tree.operands
    return choose(condition, by_leaf(then, change), by_leaf(otherwise, change))


def _floor_divided(a: int, b: int) -> int | None:
    return a // b if b else None


_COMPUTE: dict[str, Callable[..., Scalar]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "×": lambda a, b: a * b,
    "负": lambda a: -a,
    "绝对值": abs,
    "整除": _floor_divided,
    "取小": min,
    "取大": max,
    "=": lambda a, b: a == b,
    "≠": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "≤": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "≥": lambda a, b: a >= b,
    "非": lambda a: not a,
    "年": lambda d: d.year,
    "月": lambda d: d.month,
    "日": lambda d: d.day,
    "星期": lambda d: d.isoweekday(),
    "月初": lambda d: d.replace(day=1),
    "月末": month_end,
    "成日期": lambda y, m, d: make_day(y, m, min(d, 31)),
    "加月": add_months,
    "加天": lambda d, n: d + timedelta(n),
    "相差天数": lambda a, b: (a - b).days,
}  # fmt: skip
