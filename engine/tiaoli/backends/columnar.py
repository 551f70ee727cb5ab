"""Columns → Polars: expressions for the lazy, streaming engine.

Whole numbers take 32, 64 or 128 bits, as few as what they can reach allows; no expression is ever a float. A `Compute` step is one
`with_columns`, a `Join` a left join, a `Gather` a group-by joined to those it is for.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import date
from functools import cache, lru_cache, reduce
from typing import TYPE_CHECKING, Any, TypeAlias

from tiaoli.backends import columns as c
from tiaoli.backends.columns import Sort
from tiaoli.backends.sharing import EXTREMES

if TYPE_CHECKING:
    import polars as pl

Width: TypeAlias = int


def width(low: int, high: int) -> Width:
    """Return the bits that whole numbers of a range are held in: 32, 64 or 128."""
    for bits in (32, 64, 128):
        if -(2 ** (bits - 1)) <= low and high < 2 ** (bits - 1):
            return bits
    raise AssertionError((low, high))


def dtype(node: c.Node) -> pl.DataType:
    """Return the Polars type of a column that holds a node's values."""
    import polars as pl

    match node.sort:
        case Sort.WHOLE:
            return whole(width(node.low, node.high))
        case Sort.TRUTH:
            return pl.Boolean()
        case Sort.DAY:
            return pl.Date()
        case Sort.TEXT:
            return pl.String()


def whole(bits: Width) -> pl.DataType:
    """Return the integer type of so many bits."""
    import polars as pl

    return {32: pl.Int32(), 64: pl.Int64(), 128: pl.Int128()}[bits]


def expression(node: c.Expression, full: Container[str] = frozenset()) -> pl.Expr:
    """Return a Polars expression; whole numbers are of the type that `dtype` names. ``full``: columns known to hold no null."""
    writer = _Writer(full)
    written, bits = writer.write(node)
    if node.sort is not Sort.WHOLE or isinstance(node, c.Literal):
        return written
    return writer.at(written, bits, width(node.low, node.high), node).cast(dtype(node), wrap_numerical=True)


def _literal(node: c.Literal, bits: Width) -> pl.Expr:
    return _fixed(node.sort, node.value, whole(bits) if node.sort is Sort.WHOLE else dtype(node))


@lru_cache(maxsize=4096)
def _fixed(_sort: Sort, value: c.Scalar, held: pl.DataType) -> pl.Expr:
    """A fixed value: made once, for the engine takes its time to make one. The sort keeps 1 and true apart."""
    import polars as pl

    return pl.lit(value, dtype=held)


def _is_null(node: c.Node) -> bool:
    return isinstance(node, c.Literal) and node.value is None


MANY = 12
"""Keys from which a set is searched, not asked one by one."""


def is_one_of(column: pl.Expr, values: Sequence[c.Scalar]) -> pl.Expr:
    """Return whether a column has one of some values; null where it has none."""
    return column.is_in(list(values)) if len(values) > MANY else _any(*(column == v for v in values))


def looked_up(key: pl.Expr, table: Mapping[Any, Any], kind: pl.DataType) -> pl.Expr:
    """Return the value of ``table`` for a key, null for others. By batches of rows: the engine would gather the whole column first."""

    def values(keys: pl.Series) -> pl.Series:
        return keys.replace_strict(list(table), list(table.values()), default=None, return_dtype=kind)

    return key.map_batches(values, return_dtype=kind, is_elementwise=True)


class _Writer:
    """Writes expressions. A whole number may be in 64 bits where 32 would do (each cast is a pass over the column), never the other way."""

    def __init__(self, full: Container[str]) -> None:
        self.full = full

    def column(self, node: c.Expression) -> pl.Expr:
        """An expression as a column of a table under way."""
        written, bits = self.write(node)
        return self.at(written, bits, width(node.low, node.high), node) if node.sort is Sort.WHOLE else written

    def at(self, written: pl.Expr, bits: Width, wanted: Width, node: c.Expression) -> pl.Expr:
        """A whole number in so many bits, or in 64 instead of 32."""
        if isinstance(node, c.Literal):
            return _literal(node, wanted)
        return written if wanted <= bits < 128 else written.cast(whole(wanted), wrap_numerical=True)

    def write(self, node: c.Expression) -> tuple[pl.Expr, Width]:
        """An expression, and the width of its numbers."""
        import polars as pl

        bits = width(node.low, node.high) if node.sort is Sort.WHOLE else 0
        match node:
            case c.Literal():
                return _literal(node, bits), bits
            case c.Read(name=name):
                return pl.col(name), bits
            case c.Lookup():
                return self._lookup(node), bits
            case c.Call(operation="若"):
                return self._choice(node, bits)
            case c.Call():
                return self._call(node, bits)

    def _lookup(self, node: c.Lookup) -> pl.Expr:
        """The value for a key: of a short table by asking which keys have each value, which takes far less than the engine's own look-up."""
        import polars as pl

        key = expression(node.key, self.full)
        if len(node.table) > MANY:
            return looked_up(key, dict(node.table), dtype(node))
        keys: dict[c.Scalar, list[c.Scalar]] = {}
        for k, value in node.table:
            keys.setdefault(value, []).append(k)
        by_number = sorted(keys.items(), key=lambda item: len(item[1]))
        found = pl.lit(None, dtype=dtype(node))
        if not node.nullable:  # every key has one: the commonest needs no asking
            found = pl.lit(by_number.pop()[0], dtype=dtype(node))
        for value, own in by_number:
            found = pl.when(is_one_of(key, own)).then(pl.lit(value, dtype=dtype(node))).otherwise(found)
        return found

    def _choice(self, node: c.Call, bits: Width) -> tuple[pl.Expr, Width]:
        import polars as pl

        condition, *branches = node.operands
        if node.sort is Sort.WHOLE:
            held, bits = self._together(branches, bits)
        else:
            held = [pl.lit(None, dtype=dtype(node)) if _is_null(n) else self.write(n)[0] for n in branches]
        return pl.when(self.write(condition)[0]).then(held[0]).otherwise(held[1]), bits

    def _together(self, nodes: Sequence[c.Expression], bits: Width) -> tuple[list[pl.Expr], Width]:
        """Whole numbers in the bits of the widest of them, or ``bits``."""
        parts = [self.write(n) for n in nodes]
        bits = max([bits, 32, *(b for (_, b), n in zip(parts, nodes, strict=True) if not _is_null(n))])
        return [self.at(e, b, bits, n) for (e, b), n in zip(parts, nodes, strict=True)], bits

    def _call(self, node: c.Call, bits: Width) -> tuple[pl.Expr, Width]:
        operands = node.operands
        if node.operation in _PARTS or node.operation == "加月":
            return self._dated(node), bits
        if operands[0].sort is Sort.WHOLE:
            held, bits = self._together(operands, bits)
        else:
            held = [self.write(o)[0] if o.sort is not Sort.WHOLE else expression(o, self.full) for o in operands]
        if node.operation in EXTREMES:
            return self._extreme(node, held), bits
        return _OPERATIONS[node.operation](*held), bits

    # ── the lesser and the greater ──
    def _extreme(self, node: c.Call, held: Sequence[pl.Expr]) -> pl.Expr:
        """One of two. The engine's own functions pass over nulls, and are slow where there are any: they serve columns without."""
        import polars as pl

        a, b = held
        if all(map(self._surely_full, node.operands)):
            return pl.min_horizontal(a, b) if node.operation == "取小" else pl.max_horizontal(a, b)
        first, second = node.operands
        if second.nullable and not first.nullable:
            a, b, second = b, a, first
        better = b < a if node.operation == "取小" else b > a
        chosen = pl.when(better).then(b).otherwise(a)
        return pl.when(b.is_not_null()).then(chosen) if second.nullable else chosen

    def _surely_full(self, node: c.Expression) -> bool:
        """Whether a column surely holds no null, not even where nobody looks."""
        match node:
            case c.Literal():
                return node.value is not None
            case c.Read(name=name):
                return name in self.full
            case c.Call(operation="若", operands=(_, *branches)):
                return all(map(self._surely_full, branches))
            case c.Call(operation=operation) if operation in _TOTAL:
                return all(map(self._surely_full, node.operands))
        return False

    # ── days ──
    def _dated(self, node: c.Call) -> pl.Expr:
        """A function of a day, from its table where the day is on it."""
        import polars as pl

        day, *rest = node.operands
        number = _days(self.write(day)[0])
        if rest:
            return self._months_on(node, day, number, rest[0])
        if _on_table(day):
            return pl.lit(_table(node.operation)).gather(number + (UNIX - _CALENDAR[0]), null_on_oob=True)
        found = _PARTS[node.operation](number)
        return _on_day(found) if node.sort is Sort.DAY else found

    def _months_on(self, node: c.Call, day: c.Expression, number: pl.Expr, months: c.Expression) -> pl.Expr:
        import polars as pl

        moved = expression(months, self.full)
        shifts = range(months.low, months.high + 1)
        if not (_on_table(day) and _on_table(node) and len(shifts) <= _SHIFTS):
            return _on_day(_moved(number, moved))
        at = number + (UNIX - _CALENDAR[0])
        if len(shifts) > 1:
            at = at + (moved - shifts[0]) * (_CALENDAR[1] - _CALENDAR[0] + 1)
        return pl.lit(_table("加月", *shifts)).gather(at, null_on_oob=True)


_TOTAL = ("+", "-", "×", "负", "绝对值", "取小", "取大")
"""Operations on whole numbers that give one wherever they are given some."""


# ── operations ───────────────────────────────────────────────────────────────


def _all(*conditions: pl.Expr) -> pl.Expr:
    return reduce(lambda a, b: a & b, conditions)


def _any(*conditions: pl.Expr) -> pl.Expr:
    return reduce(lambda a, b: a | b, conditions)


def _least(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    import polars as pl

    return pl.when(b < a).then(b).otherwise(a)


def _days(day: pl.Expr) -> pl.Expr:
    """Days since 1970-01-01."""
    import polars as pl

    return day.cast(pl.Date).cast(pl.Int32)


def _on_day(number: pl.Expr) -> pl.Expr:
    import polars as pl

    return number.cast(pl.Int32).cast(pl.Date)


# The calendar is read from tables, one entry a day: a look-up takes a tenth of the time of the engine's own functions of dates. Days off
# the tables are worked out on whole numbers, in years that begin with March, so that the leap day comes last. After C. Neri and
# L. Schneider, Euclidean affine functions, 2023.
_EPOCH = 719_468
"""Days from 1 March of the year 0 to 1970-01-01."""

_CALENDAR = (date(1890, 1, 1).toordinal(), date(2210, 12, 31).toordinal())
"""The days that tables have."""

UNIX = date(1970, 1, 1).toordinal()
_SHIFTS = 24
"""The most different numbers of months for which there is a table."""


def _taken_apart(day: Any) -> tuple[Any, Any]:
    """The months since March of the year 0, and the days since the first of the month; of days since 1970-01-01."""
    quarters = (day + _EPOCH) * 4 + 3
    century = quarters // 146_097
    in_century = (quarters - century * 146_097) // 4 * 4 + 3
    year = in_century // 1461
    in_year = (in_century - year * 1461) // 4 * 2141 + 197_913
    month = in_year // 65_536
    return (century * 100 + year) * 12 + month - 3, (in_year - month * 65_536) // 2141


def _first_of(months: Any) -> Any:
    """The first day of a month counted from March of the year 0, in days since 1970-01-01."""
    year = months // 12
    leaps = year // 4 - year // 100 + year // 400
    return year * 365 + leaps + ((months - year * 12) * 153 + 2) // 5 - _EPOCH


def _moved(day: pl.Expr, months: pl.Expr) -> pl.Expr:
    """The same day so many months on, but no further than the month's last."""
    since, days = _taken_apart(day)
    return _least(_first_of(since + months) + days, _first_of(since + months + 1) - 1)


def _months(day: Any) -> Any:
    """Months since January of the year 0."""
    return _taken_apart(day)[0] + 2


_PARTS: dict[str, Callable[[Any], Any]] = {
    "年": lambda day: _months(day) // 12,
    "月": lambda day: _months(day) % 12 + 1,
    "日": lambda day: _taken_apart(day)[1] + 1,
    "星期": lambda day: (day + 3 + 7 * 200_000) % 7 + 1,
    "月初": lambda day: day - _taken_apart(day)[1],
    "月末": lambda day: _first_of(_taken_apart(day)[0] + 1) - 1,
}
"""What a day tells, of days since 1970-01-01 (and for 月初 and 月末 again such)."""


def _on_table(node: c.Node) -> bool:
    return _CALENDAR[0] <= node.low and node.high <= _CALENDAR[1]


@cache
def _table(part: str, *shifts: int) -> pl.Series:
    """What each day of the calendar tells, day by day; for 加月 one calendar after another, each moved on by one of ``shifts`` months."""
    import polars as pl

    if part == "加月":
        values = pl.concat([_calendar_moved(months) for months in shifts])
    else:
        values = pl.select(_PARTS[part](_calendar())).to_series()
    found = values.cast(pl.Int32)
    return found.cast(pl.Date) if part in ("加月", "月初", "月末") else found


def _calendar() -> pl.Expr:
    """The days that tables have, as days since 1970-01-01."""
    import polars as pl

    return pl.int_range(_CALENDAR[0] - UNIX, _CALENDAR[1] - UNIX + 1, dtype=pl.Int64)


@cache
def _months_of_calendar() -> pl.DataFrame:
    """Of each day of the calendar, the months since March of the year 0 and the days since the first of the month."""
    import polars as pl

    since, days = _taken_apart(_calendar())
    return pl.select(since=since, days=days)


@cache
def _calendar_moved(months: int) -> pl.Series:
    """The calendar, each day moved on by so many months."""
    import polars as pl

    own = _months_of_calendar()
    first, last = own["since"][0] + months, own["since"][-1] + months
    firsts = pl.lit(pl.select(_first_of(pl.int_range(first, last + 2, dtype=pl.Int64))).to_series())
    at = pl.col("since") + (months - first)
    return own.select(_least(firsts.gather(at) + pl.col("days"), firsts.gather(at + 1) - 1)).to_series()


def _made(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    months = year * 12 + month - 3
    return _on_day(_least(_first_of(months) + day - 1, _first_of(months + 1) - 1))


_OPERATIONS: dict[str, Callable[..., pl.Expr]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "×": lambda a, b: a * b,
    "负": lambda a: 0 - a,
    "绝对值": lambda a: a.abs(),
    "整除": lambda a, b: a // b,
    "=": lambda a, b: a == b,
    "≠": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "≤": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "≥": lambda a, b: a >= b,
    "且": _all,
    "或": _any,
    "非": lambda a: ~a,
    "无": lambda a: a.is_null(),
    "有": lambda a: a.is_not_null(),
    "成日期": _made,
    "加天": lambda day, days: _on_day(_days(day) + days),
    "相差天数": lambda a, b: _days(a) - _days(b),
}
"""One row an operation of `tiaoli.backends.columns`; with 若 加月 取小 取大 and `_PARTS`, which are written apart, these are all, as a test says."""


# ── steps ────────────────────────────────────────────────────────────────────


def compute(frame: pl.LazyFrame, definitions: Iterable[c.Definition], full: Iterable[str] = ()) -> pl.LazyFrame:
    """Return the frame with the columns of definitions, each of which reads what the frame has or an earlier one gives.

    ``full``: columns of the frame that surely hold no null.
    """
    every = tuple(definitions)
    writer = _Writer({*full, *(d.column for d in every if not d.expression.nullable)})
    for layer in _layers(every):
        frame = frame.with_columns([writer.column(d.expression).alias(d.column) for d in layer])
    return frame


def _layers(definitions: Iterable[c.Definition]) -> list[list[c.Definition]]:
    """Definitions side by side as far as they do not read each other, whatever their year: the fewer layers, the quicker a query is planned."""
    depth: dict[str, int] = {}
    layers: list[list[c.Definition]] = []
    for definition in definitions:
        own = max((depth[name] + 1 for name in c.reads(definition.expression) if name in depth), default=0)
        depth[definition.column] = own
        if own == len(layers):
            layers.append([])
        layers[own].append(definition)
    return layers


def join(frame: pl.LazyFrame, target: pl.LazyFrame, step: c.Join, ident: str) -> pl.LazyFrame:
    """Return the frame with columns of the records that its link names; ``ident`` is the column of ids of the target."""
    import polars as pl

    taken = target.select(
        pl.col(ident).alias(step.link), *(pl.col(theirs).alias(ours) for theirs, ours in step.columns)
    )
    return frame.join(taken, on=step.link, how="left", maintain_order="left")


def gather(members: pl.LazyFrame, step: c.Gather, ident: str) -> pl.LazyFrame:
    """Return the figures of a group-by, one row for each record that members point to, with its id in ``ident``."""
    import polars as pl

    there = members.filter(pl.col(step.link).is_not_null())
    measured = [m for number, figure in enumerate(step.figures) for m in _measures(figure, number)]
    figures = [_figure(figure, number) for number, figure in enumerate(step.figures)]
    return there.select(pl.col(step.link).alias(ident), *measured).group_by(ident).agg(figures)


def _measures(figure: c.Figure, number: int) -> tuple[pl.Expr, pl.Expr]:
    """Whether each member counts, and what it brings in."""
    import polars as pl

    counts = expression(figure.condition).fill_null(False)
    value = pl.lit(1) if figure.value is None else expression(figure.value)
    if figure.form in ("计数", "合计"):
        value = value.cast(pl.Int128)
    return counts.alias(f"\0c{number}"), pl.when(counts).then(value).alias(f"\0v{number}")


def _figure(figure: c.Figure, number: int) -> pl.Expr:
    import polars as pl

    counts, kept = pl.col(f"\0c{number}"), pl.col(f"\0v{number}")
    found = {"最大": kept.max(), "最小": kept.min()}.get(figure.form)
    if found is None:
        found = pl.when(counts.any()).then(kept.sum())
    return found.cast(dtype(figure.column)).alias(figure.column.name)


__all__: Sequence[str] = ("compute", "dtype", "expression", "gather", "join", "whole", "width")
