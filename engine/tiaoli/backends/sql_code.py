"""Expressions over columns → SQL, as trees of sqlglot, for DuckDB, Spark and PostgreSQL.

Whole numbers take 32, 64 or 128 bits (in Spark and PostgreSQL decimals without a fraction), as few as what they can reach allows: an
operand is cast before an operation whose result needs more. Every form gives exact values, and nothing raises an error, also in branches
that are not taken: a division by zero gives null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from tiaoli.backends import columns as c
from tiaoli.backends.columns import Sort
from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import UsageError

if TYPE_CHECKING:
    from sqlglot import exp

Dialect: TypeAlias = Literal["duckdb", "spark", "postgres"]
Sql: TypeAlias = "exp.Expr"

_WHOLE: Mapping[Dialect, Mapping[int, str]] = {
    "duckdb": {32: "INT", 64: "BIGINT", 128: "INT128"},
    "spark": {32: "INT", 64: "BIGINT", 128: "DECIMAL(38, 0)"},
    "postgres": {32: "INT", 64: "BIGINT", 128: "DECIMAL"},
}
_OTHERS = {Sort.TRUTH: "BOOLEAN", Sort.DAY: "DATE", Sort.TEXT: "TEXT"}
_WIDEST: Mapping[Dialect, int] = {"duckdb": 2**127 - 1, "spark": 10**38 - 1, "postgres": 2**127 - 1}


def width(low: int, high: int) -> int:
    """Return the bits that whole numbers of a range take: 32, 64 or 128."""
    for bits in (32, 64):
        if -(2 ** (bits - 1)) <= low and high < 2 ** (bits - 1):
            return bits
    return 128


def type_name(sort: Sort, bits: int, dialect: Dialect) -> str:
    """Return the SQL type of a column, as sqlglot reads it; ``bits`` counts for whole numbers."""
    return _WHOLE[dialect][bits] if sort is Sort.WHOLE else _OTHERS[sort]


def type_of(node: c.Node, dialect: Dialect) -> str:
    """Return the SQL type that holds the values of an expression."""
    return type_name(node.sort, width(node.low, node.high), dialect)


def expression(node: c.Expression, dialect: Dialect, name: Callable[[str], str] = str) -> Sql:
    """Return an expression of columns as one of SQL; ``name`` gives the names that columns have there.

    Raises UsageError where the dialect has no type wide enough.
    """
    return Writer(dialect, name).narrow(node)


# ── pieces of SQL ────────────────────────────────────────────────────────────


def column(name: str, table: str | None = None) -> Sql:
    """Return a quoted name of a column."""
    from sqlglot import exp

    return exp.column(exp.to_identifier(name, quoted=True), table and exp.to_identifier(table, quoted=True))


def cast(value: Sql, kind: str, *, trying: bool = False) -> Sql:
    """Return a cast; ``trying``: null where it cannot be, in dialects that can."""
    from sqlglot import exp

    to = exp.DataType.build(kind)
    return exp.TryCast(this=value, to=to, safe=True) if trying else exp.Cast(this=value, to=to)


def number(value: int) -> Sql:
    """Return a fixed whole number."""
    from sqlglot import exp

    plain = exp.Literal.number(str(abs(value)))
    written = exp.Neg(this=plain) if value < 0 else plain
    return cast(written, "BIGINT") if value == -(2**63) else written


def text(value: str) -> Sql:
    """Return a fixed text."""
    from sqlglot import exp

    return exp.Literal.string(value)


def fixed(value: c.Scalar) -> Sql:
    """Return any fixed value."""
    from sqlglot import exp

    match value:
        case None:
            return exp.Null()
        case bool():
            return exp.Boolean(this=value)
        case int():
            return number(value)
        case date():
            return cast(text(value.isoformat()), "DATE")
    return text(value)


def call(function: str, *operands: Sql) -> Sql:
    """Return a call of a function that is the same in SQL as here."""
    from sqlglot import exp

    return exp.Anonymous(this=function, expressions=list(operands))


def case(whens: Sequence[tuple[Sql, Sql]], otherwise: Sql | None = None, key: Sql | None = None) -> Sql:
    """Return CASE …; without ``otherwise`` null where nothing fits."""
    from sqlglot import exp

    return exp.Case(this=key, ifs=[exp.If(this=when, true=then) for when, then in whens], default=otherwise)


def grouped(value: Sql, least: int = 9) -> Sql:
    """Return the same, in brackets where it binds less tightly than ``least`` (`_TIGHT`)."""
    from sqlglot import exp

    loose = isinstance(value, exp.Not | exp.Between | exp.In | exp.Connector | exp.Is)
    rank = 0 if loose else _TIGHT.get(value.key, 9)
    return exp.Paren(this=value) if rank < least else value


_TIGHT = dict.fromkeys(("eq", "neq", "lt", "lte", "gt", "gte"), 1) | dict.fromkeys(("add", "sub"), 2)
_TIGHT |= dict.fromkeys(("mul", "div", "intdiv", "mod"), 3) | {"neg": 3}


def both(*conditions: Sql) -> Sql:
    """Return whether all hold."""
    from sqlglot import exp

    return exp.and_(*conditions, copy=False) if conditions else exp.true()


def either(*conditions: Sql) -> Sql:
    """Return whether one holds."""
    from sqlglot import exp

    return exp.or_(*conditions, copy=False) if conditions else exp.false()


def negated(condition: Sql) -> Sql:
    """Return whether a condition does not hold; null where it is null."""
    from sqlglot import exp

    if isinstance(condition, exp.Not):
        return condition.this.unnest()  # type: ignore[no-any-return]
    if isinstance(condition, exp.Is):
        return (is_there if isinstance(condition.expression, exp.Null) else is_null)(condition.this)
    if (opposite := _opposites().get(type(condition))) is not None:
        return opposite(this=condition.this, expression=condition.expression)
    return exp.Not(this=exp.Paren(this=condition) if isinstance(condition, exp.Connector) else condition)


@cache
def _opposites() -> Mapping[type, type[exp.Binary]]:
    from sqlglot import exp

    pairs: tuple[tuple[type[exp.Binary], type[exp.Binary]], ...]
    pairs = ((exp.EQ, exp.NEQ), (exp.LT, exp.GTE), (exp.GT, exp.LTE))
    return {one: other for a, b in pairs for one, other in ((a, b), (b, a))}


def is_null(value: Sql) -> Sql:
    """Return whether a value is null."""
    from sqlglot import exp

    return exp.Is(this=grouped(value), expression=exp.Null())


def is_there(value: Sql) -> Sql:
    """Return whether a value is not null."""
    from sqlglot import exp

    return exp.Is(this=grouped(value), expression=exp.Not(this=exp.Null()))


def one_of(value: Sql, options: Sequence[Sql]) -> Sql:
    """Return whether a value is one of several."""
    from sqlglot import exp

    return exp.In(this=value, expressions=list(options)) if len(options) > 1 else binary("=", value, options[0])


def binary(sign: str, left: Sql, right: Sql) -> Sql:
    """Return an operation of two operands by its sign."""
    made = _signs()[sign](this=left, expression=right)
    rank = _TIGHT[made.key]
    made.set("this", grouped(left, rank if rank > 1 else 2))
    made.set("expression", grouped(right, rank + 1))
    return made


@cache
def _signs() -> Mapping[str, type[exp.Binary]]:
    from sqlglot import exp

    return {
        "+": exp.Add, "-": exp.Sub, "×": exp.Mul, "%": exp.Mod, "//": exp.IntDiv,
        "=": exp.EQ, "≠": exp.NEQ, "<": exp.LT, "≤": exp.LTE, ">": exp.GT, "≥": exp.GTE,
    }  # fmt: skip


# ── expressions ──────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Written:
    """An expression in SQL. ``bits``: of a whole number, at least; 128 where its type is exactly that."""

    sql: Sql
    bits: int = 0


@dataclass(slots=True)
class Writer:
    """Writes expressions in a dialect."""

    dialect: Dialect
    name: Callable[[str], str] = str

    def narrow(self, node: c.Expression) -> Sql:
        """Return an expression in a type no wider than 64 bits where that is enough; a bare null gets a type."""
        if _is_null(node):
            return cast(fixed(None), type_of(node, self.dialect))
        return self._held(self.write(node), node).sql

    def write(self, node: c.Expression) -> Written:
        """Return an expression, in whatever width it comes."""
        bits = self._width(node) if node.sort is Sort.WHOLE else 0
        match node:
            case c.Literal(value=value):
                return Written(fixed(value), 0 if value is None else bits)
            case c.Read(name=name):
                return Written(column(self.name(name)), bits)
            case c.Lookup(key=key, table=table):
                whens = [(fixed(k), fixed(v)) for k, v in table]
                return Written(case(whens, key=self.write(key).sql), bits)
            case c.Call(operation="若"):
                return self._choice(node)
            case c.Call(operation="整除", operands=(above, below)):
                return self._held(self._divided(above, below), node)
            case c.Call(operation=operation) if operation in _DATES or operation == "成日期":
                return self._dated(node, bits)
            case c.Call(operation="或", operands=operands):
                return Written(either(*self._options(operands)))
            case c.Call():
                return self._plain(node, bits)

    def _width(self, node: c.Node) -> int:
        widest = _WIDEST[self.dialect]
        if not -widest <= node.low <= node.high <= widest:
            raise _too_wide(self.dialect)
        return width(node.low, node.high)

    def _held(self, written: Written, node: c.Expression) -> Written:
        if written.bits == 128 and (bits := width(node.low, node.high)) < 128:
            return Written(cast(written.sql, _WHOLE[self.dialect][bits]), bits)
        return written

    # ── forms ──
    def _choice(self, node: c.Call) -> Written:
        whens: list[tuple[Sql, Sql]] = []
        bits = 0
        rest: c.Expression = node
        while isinstance(rest, c.Call) and rest.operation == "若":
            condition, then, rest = rest.operands
            value = self.write(then)
            whens.append((self.write(condition).sql, value.sql))
            bits = max(bits, value.bits)
        last = self.write(rest)
        return Written(case(whens, None if _is_null(rest) else last.sql), max(bits, last.bits))

    def _options(self, conditions: Sequence[c.Expression]) -> Iterator[Sql]:
        """Conditions of which one must hold: those that a column is one of several values as one."""
        options: dict[c.Expression, list[Sql]] = {}
        for condition in conditions:
            match condition:
                case c.Call(operation="=", operands=(c.Read() as read, c.Literal(value=value))):
                    options.setdefault(read, []).append(fixed(value))
                case _:
                    options[condition] = []
        for node, values in options.items():
            yield one_of(self.write(node).sql, values) if values else self.write(node).sql

    def _plain(self, node: c.Call, bits: int) -> Written:
        parts = [self.write(o) for o in node.operands]
        held = max(p.bits for p in parts)
        if bits > held:
            parts = self._widened(parts, node.operands, bits)
        operands = [p.sql for p in parts]
        make = _PLAIN.get(node.operation)
        if self.dialect == "spark" and max(bits, held) == 128:
            make = _SPARK_DECIMALS.get(node.operation, make)
        written = make(*operands) if make else binary(node.operation, *operands)
        return Written(written, max(bits, held) if node.sort is Sort.WHOLE else 0)

    def _widened(self, parts: Sequence[Written], nodes: Sequence[c.Expression], bits: int) -> list[Written]:
        """The operands, one of them wide enough that so is the result."""
        chosen = next((i for i, n in enumerate(nodes) if not isinstance(n, c.Literal)), 0)
        wide = Written(cast(parts[chosen].sql, _WHOLE[self.dialect][bits]), bits)
        return [wide if i == chosen else part for i, part in enumerate(parts)]

    # ── division ──
    def _divided(self, above: c.Expression, below: c.Expression) -> Written:
        """A quotient down to a whole number: engines cut towards zero."""
        divisor = self._divisor(below)
        if above.low >= 0:
            return self._quotient(self.write(above), above, below, divisor)
        shift = _shift(above, below, _WIDEST[self.dialect])
        if shift is not None and not isinstance(above, c.Read):
            lifted = c.add(above, c.literal(shift[0]))
            quotient = self._quotient(self.write(lifted), lifted, below, divisor)
            return Written(binary("-", quotient.sql, number(shift[1])), quotient.bits)
        written = self.write(above)
        down = self._quotient(written, above, below, divisor)
        rest = binary("%", written.sql.copy(), divisor.sql.copy())
        less = case([(binary("<", rest, number(0)), number(1))], number(0))
        return Written(binary("-", down.sql, less), down.bits)

    def _divisor(self, below: c.Expression) -> Written:
        from sqlglot import exp

        written = self.write(below)
        return written if below.low >= 1 else Written(exp.Nullif(this=written.sql, expression=number(0)), written.bits)

    def _quotient(self, above: Written, node: c.Expression, below: c.Expression, divisor: Written) -> Written:
        """The quotient down to zero."""
        from sqlglot import exp

        bits = max(above.bits, divisor.bits)
        if self.dialect == "postgres" and bits == 128:
            return Written(call("DIV", above.sql, divisor.sql), 128)
        if self.dialect == "postgres":
            return Written(exp.Div(this=grouped(above.sql, 3), expression=grouped(divisor.sql, 4), typed=True), bits)
        if self.dialect == "spark":
            most = max(-node.low, node.high) // max(below.low, 1)
            return Written(self._long(above.sql, divisor.sql, most, below.high), 128 if most >= 2**63 else 64)
        return Written(binary("//", above.sql, divisor.sql), bits)

    def _long(self, above: Sql, below: Sql, most: int, divisor: int) -> Sql:
        """Spark's division, whose quotient has no more than 64 bits: done by parts where ``most`` is more."""
        if most < 2**63:
            return binary("//", above, below)
        digits = next((n for n in range(18, 0, -1) if divisor * 10**n < 10**38), 0)
        if not digits:
            raise _too_wide(self.dialect)
        unit = cast(number(10**digits), _WHOLE["spark"][128])
        large = binary("×", unit, below)
        upper = cast(self._long(above, large, most // 10**digits, divisor * 10**digits), _WHOLE["spark"][128])
        lower = binary("//", binary("%", above.copy(), large.copy()), below.copy())
        return binary("+", binary("×", upper, unit.copy()), lower)

    # ── dates ──
    def _dated(self, node: c.Call, bits: int) -> Written:
        parts = [self._small(o) if o.sort is Sort.WHOLE else self.write(o).sql for o in node.operands]
        if node.operation == "成日期":
            return Written(self._made(node.operands, parts))
        return Written(_DATES[node.operation][self.dialect](*parts), bits)

    def _small(self, node: c.Expression) -> Sql:
        """A whole number as functions of dates take it."""
        from sqlglot import exp

        written = self.write(node).sql
        return written if isinstance(written, exp.Literal | exp.Neg | exp.Cast) else cast(written, "INT")

    def _made(self, operands: Sequence[c.Expression], parts: Sequence[Sql]) -> Sql:
        year, month, day = parts
        if operands[2].high <= 28 or _day_is_there(operands[1], operands[2]):
            return call("MAKE_DATE", year, month, day)
        first = call("MAKE_DATE", year, month, number(1))
        on = binary("-", call("LEAST", day, number(31)), number(1))
        last = _DATES["月末"][self.dialect](first.copy())
        return call("LEAST", _DATES["加天"][self.dialect](first, on), last)


def _too_wide(dialect: Dialect) -> UsageError:
    return UsageError([Diagnostic("E860", {"rule": dialect, "year": ""})])


def _is_null(node: c.Expression) -> bool:
    return isinstance(node, c.Literal) and node.value is None


def _shift(above: c.Expression, below: c.Expression, widest: int) -> tuple[int, int] | None:
    """A multiple of a fixed divisor that lifts a number above zero, and how often it goes in; None where it leads too far."""
    if not (isinstance(below, c.Literal) and isinstance(below.value, int) and below.value > 0):
        return None
    times = -(above.low // below.value)
    lift = times * below.value
    fits = above.high + lift <= widest and width(0, above.high + lift) <= max(width(above.low, above.high), 64)
    return (lift, times) if fits else None


def _day_is_there(month: c.Expression, day: c.Expression) -> bool:
    """Whether a fixed month has a fixed day in every year."""
    if not (isinstance(month, c.Literal) and isinstance(day, c.Literal)):
        return False
    assert isinstance(month.value, int) and isinstance(day.value, int)
    return day.value <= (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month.value - 1]


# ── operations ───────────────────────────────────────────────────────────────


def _negative(value: Sql) -> Sql:
    from sqlglot import exp

    return exp.Neg(this=grouped(value))


def _sum(left: Sql, right: Sql) -> Sql:
    from sqlglot import exp

    return binary("-", left, right.this) if isinstance(right, exp.Neg) else binary("+", left, right)


_PLAIN: Mapping[str, Callable[..., Sql]] = {
    "+": _sum,
    "负": _negative,
    "绝对值": lambda a: call("ABS", a),
    "取小": lambda a, b: call("LEAST", a, b),
    "取大": lambda a, b: call("GREATEST", a, b),
    "且": both,
    "非": negated,
    "无": is_null,
    "有": is_there,
}
"""With the signs of `binary`, 或, 若, 整除 and the operations on dates these are all of `tiaoli.backends.columns`, as a test says."""


_SPARK_DECIMALS: Mapping[str, Callable[..., Sql]] = {
    "负": lambda a: binary("-", number(0), a),
    "绝对值": lambda a: call("GREATEST", a, binary("-", number(0), a.copy())),
}
"""Spark rounds decimals to 34 digits where it changes their sign."""


def _as_date(value: Sql) -> Sql:
    return cast(value, "DATE")


def _part(name: str) -> Callable[[Sql], Sql]:
    return lambda day: call(name, day)


def _extracted(name: str) -> Callable[[Sql], Sql]:
    def part(day: Sql) -> Sql:
        from sqlglot import exp

        return cast(exp.Extract(this=exp.Var(this=name), expression=day), "INT")

    return part


def _month_of_time(day: Sql) -> Sql:
    """The first of the month, in PostgreSQL a point of time without a zone."""
    return call("DATE_TRUNC", text("month"), cast(day, "TIMESTAMP"))


def _interval(count: str, unit: str) -> Sql:
    from sqlglot import exp

    return exp.Interval(this=text(count), unit=exp.Var(this=unit))


def _postgres_month_end(day: Sql) -> Sql:
    following = binary("+", _month_of_time(day), _interval("1", "MONTH"))
    return _as_date(binary("-", following, _interval("1", "DAY")))


def _plus(day: Sql, days: Sql) -> Sql:
    return binary("+", day, days)


_DATES: Mapping[str, Mapping[Dialect, Callable[..., Sql]]] = {
    "年": {"duckdb": _part("YEAR"), "spark": _part("YEAR"), "postgres": _extracted("YEAR")},
    "月": {"duckdb": _part("MONTH"), "spark": _part("MONTH"), "postgres": _extracted("MONTH")},
    "日": {"duckdb": _part("DAY"), "spark": _part("DAY"), "postgres": _extracted("DAY")},
    "星期": {
        "duckdb": _part("ISODOW"),
        "spark": lambda day: binary("+", call("WEEKDAY", day), number(1)),
        "postgres": _extracted("ISODOW"),
    },
    "月初": {
        "duckdb": lambda day: _as_date(call("DATE_TRUNC", text("month"), day)),
        "spark": lambda day: call("TRUNC", day, text("MM")),
        "postgres": lambda day: _as_date(_month_of_time(day)),
    },
    "月末": {"duckdb": _part("LAST_DAY"), "spark": _part("LAST_DAY"), "postgres": _postgres_month_end},
    "加月": {
        "duckdb": lambda day, months: _as_date(binary("+", day, call("TO_MONTHS", months))),
        "spark": lambda day, months: call("ADD_MONTHS", day, months),
        "postgres": lambda day, months: _as_date(binary("+", day, binary("×", months, _interval("1", "MONTH")))),
    },
    "加天": {"duckdb": _plus, "spark": lambda day, days: call("DATE_ADD", day, days), "postgres": _plus},
    "相差天数": {
        "duckdb": lambda a, b: binary("-", a, b),
        "spark": lambda a, b: call("DATEDIFF", a, b),
        "postgres": lambda a, b: binary("-", a, b),
    },
}
