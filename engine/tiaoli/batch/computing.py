"""One query from a table of records to a table of results: cells read and checked, faulty rows set aside, every column computed.

All of it is lazy: nothing here reads a row. The streaming engine runs what comes out, file to file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from tiaoli import model as m
from tiaoli.backends import columnar
from tiaoli.backends import columns as c
from tiaoli.backends.low import reach
from tiaoli.backends.lower import column, present_column, sort_of
from tiaoli.batch.headings import Headings
from tiaoli.batch.layout import ID, YEAR_SIGN, Units, dtype_of_type
from tiaoli.batch.reading import internal, is_blank, read_columns
from tiaoli.batch.sources import Span
from tiaoli.uncollected import uncollected
from tiaoli.values import INSURED, Kind, Type

if TYPE_CHECKING:
    import polars as pl

RAW = "\0raw"
BROKEN = "\0broken"
STATE, BREACH = "\0state ", "\0breach "
ROW = "\0行"
"""The column that numbers the rows of a table, the first under the names of columns being 2."""
KEPT = "\0kept "


@dataclass(frozen=True)
class Table:
    """Records of one kind as a lazy table, wide: ``frame`` with the columns ``headings`` and the money ``units``.

    ``states``: the opening state of each record, joined already, as columns named like those of the plan. ``present``: columns (by
    year) that say whether a record has the year at all, where the table does not show it by its cells. ``twice``: ids given twice;
    ``elsewhere``: places, among those of the records, where other rules hold. ``path`` is for messages; ``flagged``: more conditions under
    which a row is set aside; ``kept``: columns that go into the results as they are.
    ``read``: the cells are values already, under the names of the plan. ``spans``: what is known of columns before they are read.
    """

    frame: pl.LazyFrame
    headings: Headings
    units: Units
    present: Mapping[int, str] = field(default_factory=dict)
    twice: Collection[str] = ()
    elsewhere: Sequence[str] = ()
    path: str | None = None
    flagged: Sequence[pl.Expr] = ()
    kept: Sequence[str] = ()
    read: bool = False
    spans: Mapping[str, Span] = field(default_factory=dict)

    @cached_property
    def schema(self) -> pl.Schema:
        return self.frame.collect_schema()

    @property
    def have(self) -> frozenset[str]:
        """The columns of facts, as plans name them."""
        return frozenset(column(g.fact.name, g.year) for g in self.headings.columns if g.fact is not None)

    @cached_property
    def full(self) -> frozenset[str]:
        """The columns of facts that are known to have no empty cell, as plans name them."""
        known = {name for name, span in self.spans.items() if not span.nulls}
        given = [g for g in self.headings.columns if g.name in known]
        return frozenset(column(g.fact.name, g.year) for g in given if g.fact is not None)


@dataclass(frozen=True, slots=True)
class Passed:
    """A batch on its way to the results: how many rows were read, and those that are taken, with state and breaches beside the results."""

    read: int
    good: pl.DataFrame

    def breaches(self) -> dict[str, int]:
        """Return how many of the rows break each mandate, by column."""
        names = [n for n in self.good.columns if n.startswith(BREACH)]
        return {n.removeprefix(BREACH): int(self.good[n].sum() or 0) for n in names}

    def state(self) -> pl.DataFrame:
        """Return the state of the rows at the end of the last year."""
        names = [n for n in self.good.columns if n.startswith(STATE)]
        return self.good[[ID, *names]].rename({n: n.removeprefix(STATE) for n in names})


Tap: TypeAlias = "Callable[[Passed], None]"


@dataclass(frozen=True)
class Query:
    """What is computed of the records of one kind, lazily: ``computed`` has every column of the plan.

    ``unsound``: where it holds, a row must not be taken, whatever was computed of it; None where faulty rows are gone already.
    """

    program: m.Program
    plan: c.KindPlan
    table: Table
    computed: pl.LazyFrame
    unsound: pl.Expr | None = None

    @cached_property
    def done(self) -> pl.LazyFrame:
        """The sound records all of whose results could be computed."""
        left_out = [e for e in (self.unsound, self._undone()) if e is not None]
        return self.computed.filter(~any_of(left_out)) if left_out else self.computed

    @cached_property
    def failed(self) -> pl.LazyFrame | None:
        """The ids of those of whom one could not; None where that cannot be."""
        undone = self._undone()
        if undone is None:
            return None
        failed = undone if self.unsound is None else undone & ~self.unsound
        return self.computed.filter(failed).select(ID)

    def _undone(self) -> pl.Expr | None:
        fails = [columnar.expression(check.fails).fill_null(False) for check in self.plan.failures]
        return any_of(fails) if fails else None

    def results(self) -> pl.LazyFrame:
        """Return the table of results, wide: ids, then each rule and year in the units of the table, then the clause codes."""
        return self._given(*self._columns())

    def _columns(self) -> list[pl.Expr]:
        """The columns of the table of results."""
        import polars as pl

        values = [self._outward(o, self.table.units) for o in self.plan.outputs]
        codes = [columnar.expression(o.expression).cast(pl.Int16).alias(o.column) for o in self.plan.reasons]
        kept = [pl.col(f"{KEPT}{name}").alias(name) for name in self.table.kept]
        return [pl.col(ID), *kept, *values, *codes]

    def passing(self, tap: Tap) -> pl.LazyFrame:
        """Return the table of results, of which every batch passes ``tap`` with what else is computed of its rows; see `Passed`."""
        import polars as pl

        left_out = [e for e in (self.unsound, self._undone()) if e is not None]
        results = self.results().collect_schema()
        names = results.names()
        state = [self._outward(o, Units.YUAN).alias(f"{STATE}{o.column}") for o in self.plan.closing]
        broken = [columnar.expression(o.expression).alias(f"{BREACH}{o.column}") for o in self.plan.breaches]
        bad = (any_of(left_out) if left_out else pl.lit(False)).alias(BROKEN)
        frame = self.computed.select(*self._columns(), *state, *broken, bad)

        def passed(batch: pl.DataFrame) -> pl.DataFrame:
            good = batch.filter(~pl.col(BROKEN)) if batch[BROKEN].any() else batch
            tap(Passed(batch.height, good))
            return good[names]  # picked, not selected: a query of its own would copy them

        return frame.map_batches(passed, schema=results, streamable=True, validate_output_schema=False)

    def closing(self) -> pl.LazyFrame:
        """Return the state at the end of the last year: ids, and each value, money in yuan."""
        return self._given(ID, *(self._outward(o, Units.YUAN) for o in self.plan.closing))

    def _given(self, *columns: str | pl.Expr) -> pl.LazyFrame:
        """Columns of the records that are done; rows are left out last, when there are fewest columns."""
        import polars as pl

        left_out = [e for e in (self.unsound, self._undone()) if e is not None]
        if not left_out:
            return self.computed.select(*columns)
        marked = self.computed.select(*columns, any_of(left_out).alias(BROKEN))
        return marked.filter(~pl.col(BROKEN)).drop(BROKEN)

    def breaches(self) -> pl.LazyFrame:
        """Return one row: how many records break each mandate, by column."""
        return self.done.select(columnar.expression(o.expression).sum().alias(o.column) for o in self.plan.breaches)

    def _outward(self, output: c.Output, units: Units) -> pl.Expr:
        kind, digits, limits = held_as(self.program, output.rule)
        value = columnar.expression(output.expression)
        return outward(value, output.expression.sort, dtype_of_type(kind, digits, units, limits)).alias(output.column)


def held_as(program: m.Program, name: str) -> tuple[Type, int, tuple[int, int]]:
    """Return the type, the decimals and the range (in whole units) of a rule or a fact, as tables hold its values."""
    from tiaoli.record_facts import digits_of, limits_of

    if name in program.facts:
        fact = program.facts[name]
        return fact.type, digits_of(fact), limits_of(fact)
    rule = program.rules[name][0]
    digits = rule.scale + (2 if rule.type.kind is Kind.MONEY else 0)
    return rule.type, digits, reach(program, name)


def outward(value: pl.Expr, sort: c.Sort, wanted: pl.DataType) -> pl.Expr:
    """Return a computed column in the type of a table: whole numbers as decimals without arithmetic."""
    import polars as pl

    if sort is not c.Sort.WHOLE:
        return value.cast(wanted)
    if isinstance(wanted, pl.Decimal):
        return value.cast(pl.Int128).reinterpret(dtype=wanted)
    return value.cast(wanted)


def any_of(conditions: Sequence[pl.Expr]) -> pl.Expr:
    """Return whether one of several holds; null does not."""
    import polars as pl

    return pl.any_horizontal(conditions)


# ── from a table to sound records ────────────────────────────────────────────


def read(program: m.Program, plan: c.KindPlan, table: Table) -> tuple[pl.LazyFrame, pl.Expr]:
    """Return the records with the columns that ``plan`` reads, and the condition under which a row must not be taken."""
    import polars as pl

    frame, wanted, broken = _columns(program, plan, table, table.frame)
    marked = frame.select(_ident(table), *wanted, _suspect(table, broken).alias(BROKEN))
    return marked, any_of([pl.col(BROKEN), *_row_checks(plan, table)])


def set_aside(program: m.Program, plan: c.KindPlan, table: Table) -> pl.LazyFrame:
    """Return the rows of the table that are not taken, as they stand."""
    import polars as pl

    numbered = table.frame.with_row_index(ROW, offset=2)
    frame, wanted, broken = _columns(program, plan, table, numbered)
    raw = frame.select(pl.struct(ROW, *table.schema).alias(RAW), *wanted, _suspect(table, broken).alias(BROKEN))
    return raw.filter(any_of([pl.col(BROKEN), *_row_checks(plan, table)])).select(RAW).unnest(RAW)


def _row_checks(plan: c.KindPlan, table: Table) -> list[pl.Expr]:
    """The checks that look at values together; single cells were judged as they were read."""
    own = [check for check in plan.checks if check.code not in ("E735", "E739") and not _ruled_out(check, table)]
    return [columnar.expression(check.fails).fill_null(False) for check in own]


def _ruled_out(check: c.Check, table: Table) -> bool:
    """Whether no row can fail: nothing is missing in a column without empty cells."""
    tests = (
        check.fails.operands if isinstance(check.fails, c.Call) and check.fails.operation == "且" else (check.fails,)
    )
    missing = [t.operands[0] for t in tests if isinstance(t, c.Call) and t.operation == "无"]
    return any(isinstance(read, c.Read) and read.name in table.full for read in missing)


def _ident(table: Table) -> pl.Expr:
    import polars as pl

    return pl.col(table.headings.ident).cast(pl.String).alias(ID)


def _columns(
    program: m.Program, plan: c.KindPlan, table: Table, frame: pl.LazyFrame
) -> tuple[pl.LazyFrame, list[pl.Expr], Sequence[pl.Expr]]:
    """The table with its texts read; of it the columns that the plan reads, and for every column which cells are broken."""
    import polars as pl

    given = [(g.name, g.fact) for g in table.headings.columns if g.fact is not None and not table.read]
    cells = read_columns(frame, table.schema, given, table.units, table.spans, table.path)
    wanted: list[pl.Expr] = []
    needed = {i.column: i for i in plan.inputs}
    for own in table.headings.columns:
        if own.fact is None:
            continue
        name = column(own.fact.name, own.year)
        if name in needed and not needed[name].opening:
            values = pl.col(name) if table.read else cells.values[own.name]
            wanted.append(values.alias(name) if name in table.full else _with_default(values, needed[name], own.fact))
    wanted += [_as_given(program, table, name).alias(f"{KEPT}{name}") for name in table.kept]
    wanted += [_presence(table, i).alias(i.column) for i in plan.inputs if not i.name and i.year is not None]
    wanted += states_read(program, plan, table.schema)
    return cells.frame, wanted, cells.broken


def _as_given(program: m.Program, table: Table, name: str) -> pl.Expr:
    """A column that goes into the results; where cells are values already, as the table would hold them."""
    import polars as pl

    fact = program.facts.get(name.partition(YEAR_SIGN)[0])
    if not table.read or fact is None:
        return pl.col(name)
    kind, digits, limits = held_as(program, fact.name)
    return outward(pl.col(name), sort_of(kind), dtype_of_type(kind, digits, table.units, limits))


def _with_default(values: pl.Expr, given: c.Input, fact: m.Fact) -> pl.Expr:
    import polars as pl

    if given.default is not None:
        values = values.fill_null(pl.lit(given.default, dtype=internal(fact)))
    return values.alias(given.column)


def _presence(table: Table, given: c.Input) -> pl.Expr:
    import polars as pl

    assert given.year is not None
    if given.year in table.present:
        return pl.col(table.present[given.year])
    cells = [pl.col(g.name).is_not_null() for g in table.headings.columns if g.year == given.year]
    return any_of(cells) if cells else pl.lit(False)


def state_column(name: str) -> str:
    """Return the name under which a value of an opening state is joined to the records."""
    return f"期初 {name}"


def states_read(program: m.Program, plan: c.KindPlan, schema: pl.Schema) -> list[pl.Expr]:
    """Return the values of opening states that a plan reads, as it holds them; ``schema`` is of a table with states joined to it."""
    return [_state(program, i, schema) for i in plan.opened]


def _state(program: m.Program, given: c.Input, schema: pl.Schema) -> pl.Expr:
    import polars as pl

    kind, digits, limits = held_as(program, given.name)
    held = pl.col(state_column(given.column))
    own = schema[state_column(given.column)]
    if sort_of(kind) is c.Sort.WHOLE:
        scale = own.scale if isinstance(own, pl.Decimal) else 0
        held, finer = held.to_physical() * 10 ** max(0, digits - scale), 10 ** max(0, scale - digits)
        held = held if finer == 1 else pl.when(held % finer == 0).then(held // finer)  # none that would be cut off
    low, high = limits
    bits = columnar.whole(columnar.width(low, high))
    return (held.cast(bits, strict=False) if sort_of(kind) is c.Sort.WHOLE else held).alias(given.column)


def states_lost(program: m.Program, plan: c.KindPlan, schema: pl.Schema) -> list[pl.Expr]:
    """Return of each value of an opening state whether it cannot be gone on from: none where there must be one, or beyond what the plan reckons with."""
    import polars as pl

    found = []
    for given in plan.opened:
        value = _state(program, given, schema)
        there = pl.col(state_column(given.column)).is_not_null()
        found.append(value.is_null() if demanded(program, given) else value.is_null() & there)
        sort = sort_of(held_as(program, given.name)[0])
        if sort in (c.Sort.WHOLE, c.Sort.DAY):
            number = value if sort is c.Sort.WHOLE else value.cast(pl.Date).to_physical() + columnar.UNIX
            found.append((number < given.low) | (number > given.high))
    return found


def demanded(program: m.Program, given: c.Input) -> bool:
    """Whether a state must have a value: nothing that is not 可空 can be absent."""
    return not held_as(program, given.name)[0].nullable


def _suspect(table: Table, broken: Sequence[pl.Expr]) -> pl.Expr:
    """Whether a row cannot be taken as it is: no id, an id given twice, a broken cell, a year under other rules."""
    import polars as pl

    ident = _ident(table)
    conditions = [ident.is_null() | is_blank(ident), *broken, *table.flagged]
    if table.twice:
        conditions.append(ident.is_in(list(table.twice)))
    if table.elsewhere:
        places = [pl.col(g.name) for g in table.headings.columns if g.fact is None]
        conditions += [place.is_in(list(table.elsewhere)) for place in places]
    return any_of([condition.fill_null(False) for condition in conditions])


# ── steps ────────────────────────────────────────────────────────────────────


@uncollected()
def query(program: m.Program, plan: c.Plan, table: Table) -> Query:
    """Return what is computed of insured persons, each by itself, lazily."""
    own = plan.kinds[INSURED]
    frame, unsound = read(program, own, table)
    full = table.full.union(i.column for i in own.inputs if i.default is not None)
    for step in plan.steps:
        assert isinstance(step, c.Compute), step
        frame = columnar.compute(frame, step.definitions, full)
    return Query(program, own, table, frame, unsound)


__all__ = [
    "INSURED",
    "Query",
    "Table",
    "demanded",
    "held_as",
    "outward",
    "present_column",
    "query",
    "read",
    "set_aside",
    "state_column",
    "states_lost",
    "states_read",
]
