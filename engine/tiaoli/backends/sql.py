"""A plan → one query in SQL, for DuckDB, Spark and PostgreSQL: what an auditor reads is what the engine runs.

The query is a chain of named tables in the order of the steps, one a kind of record and year (and one more for each layer of a year in
which a column reads another): ``参保人2025``, ``参保人2025_2``. Columns have the names of rules, ``连续参保年数@2025``, and above each stands
the clause on which it rests. First come the tables as records bring them, in whole units and with faulty rows left out.

`query` gives the results, `rejects` one row for each fault of a row that is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from zlib import crc32

from tiaoli import model as m
from tiaoli.backends import columns as c
from tiaoli.backends import sql_code as code
from tiaoli.backends.low import reach
from tiaoli.backends.sql_code import Dialect, Sql
from tiaoli.backends.sql_compact import compacted
from tiaoli.backends.sql_tables import (
    ID,
    KEPT,
    Fault,
    Mark,
    Table,
    aliased,
    cell_faults,
    check_fault,
    content_of,
    nameless,
    outward,
)
from tiaoli.values import INSURED

if TYPE_CHECKING:
    from sqlglot import exp

    Select = exp.Select | exp.Union

FAULT_COLUMNS = (ID, "年度", "事实", "值", "代码", "原因", "改法")
"""The columns of `rejects`."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How a query is to be written.

    ``sources`` names the table of each kind (or, in DuckDB, a call such as ``read_parquet('…')``), ``have`` the columns that it has (those
    that the plan reads, unless given). ``whole``: money stands in 分 and rates in 10**-digits, in tables and results; otherwise both are
    decimals, money in yuan. ``unique``: the ids are known to be unique and not looked through. ``places``: columns (by kind) of places, which
    must be null or one of ``homes``. ``marks`` and ``present``: what else the tables bring, see `Table`; so do values of an opening state, in
    columns whose names begin with `OPENED`, money in yuan. ``kept``: columns (by kind) that go into the results as they are.
    """

    sources: Mapping[str, str]
    dialect: Dialect
    whole: bool = False
    have: Mapping[str, Collection[str]] = field(default_factory=dict)
    unique: bool = False
    places: Mapping[str, Sequence[str]] = field(default_factory=dict)
    homes: tuple[str, ...] = ()
    lang: str = "zh"
    marks: Mapping[str, Sequence[Mark]] = field(default_factory=dict)
    present: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    kept: Mapping[str, Sequence[str]] = field(default_factory=dict)


def query(plan: c.Plan, program: m.Program, setting: Setting, entity: str = INSURED) -> str:
    """Return the query for the results of one kind of record: ids, a column for each rule and year, then codes of clauses if planned.

    Spark resolves a long query slowly (and only with a greater ``spark.sql.analyzer.maxIterations``), and works out anew what is read twice:
    there `parts` is better.
    """
    own = plan.kinds[entity]
    return _Query(plan, program, setting).text(entity, (*own.outputs, *own.reasons))


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a query, to be made a view; the last has no name. ``shared``: several others read it, so it should be worked out once."""

    name: str
    query: str
    shared: bool


def parts(plan: c.Plan, program: m.Program, setting: Setting, entity: str = INSURED) -> list[Part]:
    """Return the same as `query` piece by piece, in order."""
    own = plan.kinds[entity]
    made = _Query(plan, program, setting)
    return made.pieces(made.results(entity, (*own.outputs, *own.reasons)))


def reject_parts(plan: c.Plan, program: m.Program, setting: Setting, entity: str = INSURED) -> list[Part]:
    """Return the same as `rejects` piece by piece."""
    made = _Query(plan, program, setting)
    return made.pieces(made.faults(entity))


def closing(plan: c.Plan, program: m.Program, setting: Setting, entity: str = INSURED) -> str:
    """Return the query for the state of each record after the last year, money in yuan."""
    made = _Query(plan, program, setting)
    return made.printed(made.state(entity))


def breaches(plan: c.Plan, program: m.Program, setting: Setting, entity: str = INSURED) -> str:
    """Return the query for one row: how many records break each mandate."""
    made = _Query(plan, program, setting)
    return made.printed(made.broken(entity))


CLOSING, BREACH = "期末 ", "违 "
"""What stands before the names of columns of the closing state, and of mandates, where they stand beside results."""


def everything(plan: c.Plan, program: m.Program, setting: Setting, entity: str = INSURED) -> str:
    """Return the query for results as `query` gives them, and beside them each record's state after the last year (money in yuan), in columns that
    begin with `CLOSING`, and whether it breaks each mandate, in columns that begin with `BREACH`."""
    made = _Query(plan, program, setting)
    return made.printed(made.all_of(entity))


def everything_parts(plan: c.Plan, program: m.Program, setting: Setting, entity: str = INSURED) -> list[Part]:
    """Return the same as `everything` piece by piece."""
    made = _Query(plan, program, setting)
    return made.pieces(made.all_of(entity))


def lengthened(
    table: str, names: Sequence[str], years: Sequence[int], dialect: Dialect, once: Sequence[str] = ()
) -> str:
    """Return the query that makes of a wide table of results, with columns ``names`` of all ``years`` and ``once`` without years, one with a row a
    record and year."""
    rows = []
    for year in years:
        cells = [("年度", code.number(year)), *((name, code.column(f"{name}@{year}")) for name in names)]
        rows.append(_row(cells, dialect))
    own = [code.column(name) for name in (ID, *once)]
    inner = _select(*own, aliased(_spread(rows, dialect), "行")).from_(source_of(table, dialect))
    parts = [aliased(code.column(part, "行"), part) for part in ("年度", *names)]
    written: str = _printer(dialect).generate(
        _select(*(column.copy() for column in own), *parts).from_(inner.subquery("t"))
    )
    return written


def rejects(plan: c.Plan, program: m.Program, setting: Setting, entity: str = INSURED) -> str:
    """Return the query for the faults of one kind of record: `FAULT_COLUMNS`, a row for each fault, the year null where it has none."""
    made = _Query(plan, program, setting)
    return made.printed(made.faults(entity))


# ── names ────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Names:
    """Names of columns as the dialect can tell them apart: SQL takes upper and lower case as one, PostgreSQL reads 63 bytes."""

    longest: int
    given: dict[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def __call__(self, name: str) -> str:
        found = self.given.get(name)
        if found is None:
            found = name
            if len(name.encode()) > self.longest or name.casefold() in self.taken:
                mark = f"~{crc32(name.encode()):08x}"
                found = name.encode()[: self.longest - len(mark)].decode(errors="ignore") + mark
            self.given[name] = found
            self.taken.add(found.casefold())
        return found


# ── the whole ────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Link:
    """Columns to take over from another table where its id is what ``link`` holds; an empty ``link`` is the record's own id."""

    table: str
    link: str
    columns: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Chain:
    """The tables of one kind so far: the last one, and what is to be added to it."""

    last: str
    year: int = 0
    layers: list[list[c.Definition]] = field(default_factory=list)
    depth: dict[str, int] = field(default_factory=dict)
    links: list[_Link] = field(default_factory=list)


class _Query:
    """The work on one query: ``tables`` are its parts by name, ``chains`` how far each kind is."""

    def __init__(self, plan: c.Plan, program: m.Program, setting: Setting) -> None:
        self.plan = compacted(plan) if setting.dialect == "spark" else plan
        self.program = program
        self.setting = setting
        self.names = Names(63 if setting.dialect == "postgres" else 1_000)
        self.tables: dict[str, Select] = {}
        self.needs: dict[str, tuple[str, ...]] = {}
        self.chains: dict[str, _Chain] = {}
        self.bases: dict[str, str] = {}
        self.taken = {name.casefold() for name in setting.sources.values()}
        self.names(ID)

    def text(self, entity: str, outputs: Sequence[c.Output]) -> str:
        """Return the query for some outputs of a kind."""
        return self.printed(self.results(entity, outputs))

    # ── tables ──
    def _table(self, name: str, select: Select, *needs: str) -> str:
        """Add a table; its name gets a number where it is taken."""
        chosen = next(
            n for i in range(1, 10_000) if (n := name if i == 1 else f"{name}_{i}").casefold() not in self.taken
        )
        self.taken.add(chosen.casefold())
        self.tables[chosen] = select
        self.needs[chosen] = needs
        return chosen

    def table_of(self, kind: str) -> Table:
        own = self.plan.kinds[kind]
        have = self.setting.have.get(kind) or [g.column for g in own.inputs if g.name]
        places = tuple(self.setting.places.get(kind, ()))
        marks, present = tuple(self.setting.marks.get(kind, ())), self.setting.present.get(kind, {})
        return Table(
            self.program,
            own,
            have,
            self.setting.dialect,
            self.setting.whole,
            places,
            self.setting.homes,
            marks,
            present,
            tuple(self.setting.kept.get(kind, ())),
        )

    def source(self, kind: str) -> Sql:
        """The table that records of a kind come from, to be read as ``t``."""
        return source_of(self.setting.sources[kind], self.setting.dialect)

    def base(self, kind: str) -> str:
        """The table of the sound records of a kind."""
        if kind not in self.bases:
            table = self.table_of(kind)
            select = (
                _select(*table.selected(self.names)).from_(self.source(kind)).where(*table.conditions(), copy=False)
            )
            self.bases[kind] = read = self._table(f"{kind}读入", select)
            self.bases[kind] = self._sound(kind, table, read)
        return self.bases[kind]

    def _sound(self, kind: str, table: Table, read: str) -> str:
        """The records read without those that checks, double ids or links leave out."""
        conditions, needs = [], [read]
        for check in table.checks():
            fails = code.expression(check.fails, self.setting.dialect, self.names)
            conditions.append(_passes(fails, check.fails))
        if not self.unique(kind):
            needs.append(self._twice(kind))
            conditions.append(code.negated(_exists(needs[-1], code.column(ID, "t"))))
        for link in table.plan.links:
            held = code.column(self.names(link.column), "t")
            if link.target not in self.plan.kinds:
                conditions.append(code.is_null(held))
                continue
            needs.append(self.base(link.target))
            conditions.append(code.either(code.is_null(held), _exists(needs[-1], held.copy())))
        select = _select("*").from_(_named(read, "t"))
        return self._table(kind, select.where(*conditions, copy=False), *needs) if conditions else read

    def unique(self, kind: str) -> bool:
        """Whether ids are known to be unique; a table that was long is grouped by them."""
        return self.setting.unique or kind in self.setting.present

    def _twice(self, kind: str) -> str:
        """The ids that more than one row has."""
        from sqlglot import exp

        ident = code.cast(code.column(ID, "t"), "TEXT")
        select = _select(aliased(ident, ID)).from_(self.source(kind)).group_by(ident.copy())
        many = code.binary(">", exp.Count(this=exp.Star()), code.number(1))
        return self._table(f"{kind}重号", select.having(many))

    # ── steps ──
    def _steps(self) -> None:
        for step in self.plan.steps:
            match step:
                case c.Compute():
                    self._compute(step)
                case c.Join():
                    self._link(step.entity, _Link(self.last(step.target), step.link, step.columns))
                case c.Gather():
                    self._gather(step)

    def chain(self, kind: str) -> _Chain:
        if kind not in self.chains:
            self.chains[kind] = _Chain(self.base(kind))
        return self.chains[kind]

    def last(self, kind: str) -> str:
        """The table of a kind with all its columns so far."""
        chain = self.chain(kind)
        self._add_links(kind, chain)
        for layer in chain.layers:
            columns = [self._defined(d) for d in layer]
            chain.last = self._table(
                f"{kind}{chain.year}", _select("*", *columns).from_(_named(chain.last)), chain.last
            )
        chain.layers, chain.depth = [], {}
        return chain.last

    def _compute(self, step: c.Compute) -> None:
        """Put definitions into the first layer in which all that they read is there."""
        chain = self.chain(step.entity)
        if chain.links or (step.year != chain.year and self.setting.dialect != "spark"):
            self.last(step.entity)
            chain.year = step.year
        for definition in step.definitions:
            read = (chain.depth[r] + 1 for r in c.reads(definition.expression) if r in chain.depth)
            depth = max(read, default=0)
            chain.depth[definition.column] = depth
            chain.layers += [[]] * (depth + 1 - len(chain.layers))
            chain.layers[depth] = [*chain.layers[depth], definition]

    def _defined(self, definition: c.Definition) -> Sql:
        value = code.expression(definition.expression, self.setting.dialect, self.names)
        return aliased(value, self.names(definition.column), definition.citation)

    def _link(self, kind: str, link: _Link) -> None:
        chain = self.chain(kind)
        if chain.layers or any(link.link == ours for other in chain.links for _, ours in other.columns):
            self.last(kind)
        chain.links.append(link)

    def _add_links(self, kind: str, chain: _Chain) -> None:
        """Take over the columns of other tables by left joins."""
        if not chain.links:
            return
        links, chain.links = chain.links, []
        taken = [
            aliased(code.column(self.names(theirs), f"j{i}"), self.names(ours))
            for i, link in enumerate(links, 1)
            for theirs, ours in link.columns
        ]
        select = _select(_all_of("t"), *taken).from_(_named(chain.last, "t"))
        for i, link in enumerate(links, 1):
            on = code.binary("=", code.column(ID, f"j{i}"), code.column(self.names(link.link or ID), "t"))
            select = select.join(_named(link.table, f"j{i}"), on=on, join_type="left", copy=False)
        chain.last = self._table(f"{kind}关联", select, chain.last, *(link.table for link in links))

    def _gather(self, step: c.Gather) -> None:
        members = self.last(step.members)
        link = code.column(self.names(step.link))
        figures = [aliased(self._figure(f), self.names(f.column.name)) for f in step.figures]
        select = _select(aliased(link, ID), *figures).from_(_named(members))
        select = select.where(code.is_there(link.copy())).group_by(link.copy())
        name = self._table(f"{step.members}汇总", select, members)
        self._link(step.entity, _Link(name, "", tuple((f.column.name, f.column.name) for f in step.figures)))

    def _figure(self, figure: c.Figure) -> Sql:
        """One figure of a group-by, null where no member counts."""
        value = (
            code.number(1) if figure.value is None else code.expression(figure.value, self.setting.dialect, self.names)
        )
        if figure.form in ("计数", "合计") and figure.value is not None:
            value = code.cast(value, code.type_name(c.Sort.WHOLE, 128, self.setting.dialect))
        counts = code.expression(figure.condition, self.setting.dialect, self.names)
        kept = value if figure.condition is c.TRUE else code.case([(counts, value)])
        form = {"最大": "MAX", "最小": "MIN"}.get(figure.form, "SUM")
        return code.cast(code.call(form, kept), code.type_of(figure.column, self.setting.dialect))

    # ── results ──
    def results(self, entity: str, outputs: Sequence[c.Output]) -> Select:
        """The results of a kind, after all steps."""
        self._steps()
        values = [aliased(self._outward(o), self.names(o.column), o.citation) for o in outputs]
        return self._done(entity, [code.column(ID), *self._kept(entity), *values])

    def _kept(self, entity: str) -> list[Sql]:
        """The columns that stand in the results as they are."""
        return [aliased(code.column(self.names(KEPT + n)), self.names(n)) for n in self.setting.kept.get(entity, ())]

    def _done(self, entity: str, columns: Sequence[Sql]) -> Select:
        """Some columns of the records all of whose results could be computed."""
        failures = self.plan.kinds[entity].failures
        fence = self._fence(entity)
        select = _select(*columns).from_(_named(self.last(entity))).where(*fence, copy=False)
        for check in failures:
            fails = code.expression(check.fails, self.setting.dialect, self.names)
            select = select.where(_passes(fails, check.fails), copy=False)
        return select

    def _fence(self, entity: str) -> list[Sql]:
        """A condition of every row that keeps Spark from working out conditions on the last table down at the first, over and over."""
        if self.setting.dialect != "spark":
            return []
        number = aliased(code.call("MONOTONICALLY_INCREASING_ID"), "!行")
        last = self.last(entity)
        self.chains[entity].last = self._table(f"{entity}算毕", _select("*", number).from_(_named(last)), last)
        return [code.binary("≥", code.column("!行"), code.number(0))]

    def _outward(self, output: c.Output) -> Sql:
        value = code.expression(output.expression, self.setting.dialect, self.names)
        if output.column != f"{output.rule}@{output.year}":  # the code of a clause
            return value
        held, node = content_of(self.program, output.rule), output.expression
        if held.sort is c.Sort.WHOLE and not held.places(self.setting.whole):
            bits = min(64, code.width(*reach(self.program, output.rule)))
            if code.width(node.low, node.high) < bits:  # the same type in every year
                return code.cast(value, code.type_name(held.sort, bits, self.setting.dialect))
        return outward(value, node, held, self.setting.whole)

    def all_of(self, entity: str) -> Select:
        """The results of a kind, with the closing state and the mandates beside them."""
        self._steps()
        own = self.plan.kinds[entity]
        columns = self._kept(entity)
        columns += [aliased(self._outward(o), self.names(o.column)) for o in (*own.outputs, *own.reasons)]
        columns += [aliased(self._state(o), CLOSING + o.column) for o in own.closing]
        for output in own.breaches:
            held = code.expression(output.expression, self.setting.dialect, self.names)
            columns.append(aliased(held, BREACH + output.column))
        return self._done(entity, [code.column(ID), *columns])

    def state(self, entity: str) -> Select:
        """The state of each record after the last year."""
        self._steps()
        values = [aliased(self._state(o), self.names(o.column)) for o in self.plan.kinds[entity].closing]
        return self._done(entity, [code.column(ID), *values])

    def broken(self, entity: str) -> Select:
        """How many records break each mandate."""
        self._steps()
        counts = []
        for output in self.plan.kinds[entity].breaches:
            held = code.expression(output.expression, self.setting.dialect, self.names)
            broken = code.call("SUM", code.case([(held, code.number(1))], code.number(0)))
            counts.append(aliased(broken, self.names(output.column)))
        return self._done(entity, counts or [code.number(0)])

    def _state(self, output: c.Output) -> Sql:
        value = code.expression(output.expression, self.setting.dialect, self.names)
        return outward(value, output.expression, content_of(self.program, output.rule), whole=False)

    # ── faults ──
    def faults(self, entity: str) -> Select:
        """One row for each fault."""
        lang = self.setting.lang
        table = self.table_of(entity)
        raw = _select(*table.selected(self.names), *table.raw(self.names)).from_(self.source(entity))
        read = self._table(f"{entity}原始", raw)
        found = [*self._identities(entity), *cell_faults(table, lang, self.names)]
        found += [check_fault(table, check, lang, self.names) for check in table.checks()]
        marked = self._marked(entity, table, read, found)
        parts = [self._listed(marked, found)]
        failures = self.plan.kinds[entity].failures
        if failures:
            self._steps()
            undone = [check_fault(table, check, lang, self.names) for check in failures]
            fence = self._fence(entity)
            parts.append(self._listed(self.last(entity), undone, fence))
        return _stacked(parts)

    def _identities(self, kind: str) -> Iterator[Fault]:
        lang = self.setting.lang
        yield Fault("E715", ID, None, nameless(code.column(ID)), None, lang)
        if not self.unique(kind):
            twice = code.is_there(code.column("!重号"))
            yield Fault("E717", ID, None, twice, code.column(ID), lang)

    def _marked(self, kind: str, table: Table, read: str, found: list[Fault]) -> str:
        """The rows with marks for double ids and links that lead nowhere; adds the faults of links."""
        marks: list[Sql] = []
        joined: list[tuple[str, str, Sql]] = []
        if not self.unique(kind):
            joined.append((self._twice(kind), "d", code.column(ID, "t")))
            marks.append(aliased(code.column(ID, "d"), "!重号"))
        for i, link in enumerate(table.plan.links):
            there, given = f"!有{i}", f"!给{i}"
            held = code.column(self.names(link.column), "t")
            for name, mark, of in ((there, f"l{i}", self.base), (given, f"g{i}", self._given)):
                if link.target in self.plan.kinds:
                    joined.append((of(link.target), mark, held.copy()))
                marks.append(
                    aliased(
                        code.column(ID, mark)
                        if link.target in self.plan.kinds
                        else code.cast(code.fixed(None), "TEXT"),
                        name,
                    )
                )
            found += self._dangling(link, there, given)
        if not marks:
            return read
        select = _select(_all_of("t"), *marks).from_(_named(read, "t"))
        for name, mark, key in joined:
            on = code.binary("=", code.column(ID, mark), key)
            select = select.join(_named(name, mark), on=on, join_type="left", copy=False)
        return self._table(f"{kind}标记", select, read, *(name for name, _, _ in joined))

    def _given(self, kind: str) -> str:
        """The ids of all records of a kind, sound or not."""
        name = f"{kind}编号"
        if name not in self.tables:
            ident = aliased(code.cast(code.column(ID, "t"), "TEXT"), ID)
            self._table(name, _select(ident).distinct().from_(self.source(kind)))
        return name

    def _dangling(self, link: c.Link, there: str, given: str) -> Iterator[Fault]:
        for number, known in (("E740", code.is_null), ("E741", code.is_there)):
            held = code.column(self.names(link.column))
            lost = code.both(code.is_there(held), code.is_null(code.column(there)), known(code.column(given)))
            yield Fault(number, link.name, link.year, lost, held.copy(), self.setting.lang, {"target": link.target})

    def _listed(self, name: str, found: Sequence[Fault], fence: Sequence[Sql] = ()) -> Select:
        """The faults of the rows of a table, a row for each."""
        if self.setting.dialect == "postgres":
            return _stacked([self._one_by_one(name, fault) for fault in found])
        rows = [code.case([(f.condition.copy(), _record(f, self.setting.dialect))]) for f in found]
        wrong = code.either(*(f.condition.copy() for f in found))
        spread = aliased(_spread(rows, self.setting.dialect), "误")
        each = self._table(
            f"{name}之误", _select(code.column(ID), spread).from_(_named(name)).where(*fence, wrong), name
        )
        parts = [aliased(code.column(part, "误"), part) for part in FAULT_COLUMNS[1:]]
        return _select(code.column(ID), *parts).from_(_named(each)).where(code.is_there(code.column("误")))

    @staticmethod
    def _one_by_one(name: str, fault: Fault) -> Select:
        parts = [aliased(value, part) for part, value in _parts(fault)]
        return _select(code.column(ID), *parts).from_(_named(name)).where(fault.condition)

    # ── in print ──
    def printed(self, select: Select) -> str:
        """Return the query as text, with the tables that it needs before it."""
        from sqlglot import exp

        wanted = self._wanted(t.name for t in select.find_all(exp.Table))
        kept = True if self.setting.dialect == "postgres" else None
        parts = [
            exp.CTE(this=part, alias=exp.TableAlias(this=exp.to_identifier(name, quoted=True)), materialized=kept)
            for name, part in self.tables.items()
            if name in wanted
        ]
        select.set("with_", exp.With(expressions=parts))
        written: str = _printer(self.setting.dialect).generate(select)
        return f"/* {self.plan.place} {self.plan.years.start}..{self.plan.years.stop - 1} */\n{written}\n"

    def pieces(self, select: Select) -> list[Part]:
        """The same as `printed`, table by table."""
        from sqlglot import exp

        named = [t.name for t in select.find_all(exp.Table)]
        wanted = self._wanted(named)
        reads = Counter([*named, *(need for name in wanted for need in self.needs[name])])
        printer = _printer(self.setting.dialect)
        found = [Part(n, printer.generate(part), reads[n] > 1) for n, part in self.tables.items() if n in wanted]
        return [*found, Part("", printer.generate(select), False)]

    def _wanted(self, names: Iterable[str]) -> set[str]:
        pending, wanted = list(names), set()
        while pending:
            name = pending.pop()
            if name in self.tables and name not in wanted:
                wanted.add(name)
                pending += self.needs[name]
        return wanted


# ── pieces ───────────────────────────────────────────────────────────────────


def _select(*columns: Any) -> exp.Select:
    from sqlglot import exp

    return exp.select(*columns, copy=False)


def source_of(table: str, dialect: Dialect) -> Sql:
    """A table, or a query in brackets, to be read as ``t``."""
    from sqlglot import exp, parse_one

    found = parse_one(f"SELECT * FROM {table}", read=dialect).args["from_"].this
    found.set("alias", exp.TableAlias(this=exp.to_identifier("t")))
    return found  # type: ignore[no-any-return]


def _named(table: str, alias: str | None = None) -> exp.Table:
    from sqlglot import exp

    made = exp.to_identifier(table, quoted=True)
    return exp.Table(this=made, alias=None if alias is None else exp.TableAlias(this=exp.to_identifier(alias)))


def _all_of(table: str) -> Sql:
    from sqlglot import exp

    return exp.Column(this=exp.Star(), table=exp.to_identifier(table))


def _passes(fails: Sql, node: c.Expression) -> Sql:
    """Whether a condition does not hold, also where it is null."""
    from sqlglot import exp

    passes = code.negated(fails)
    return exp.Coalesce(this=passes, expressions=[exp.true()]) if node.nullable else passes


def _exists(table: str, key: Sql) -> Sql:
    """Whether a table has a record of that id."""
    from sqlglot import exp

    same = code.binary("=", code.column(ID, "e"), key)
    return exp.Exists(this=_select(code.number(1)).from_(_named(table, "e")).where(same))


def _parts(fault: Fault) -> Iterator[tuple[str, Sql]]:
    """The columns of a fault beside the id."""
    shown = code.fixed(None) if fault.shown is None else fault.shown
    year = code.cast(code.fixed(None), "INT") if fault.year is None else code.number(fault.year)
    said = (fault.code, fault.reason, fault.advice)
    values = (year, code.text(fault.name), code.cast(shown, "TEXT"), *map(code.text, said))
    yield from zip(FAULT_COLUMNS[1:], values, strict=True)


def _record(fault: Fault, dialect: Dialect) -> Sql:
    """A fault as one value of several parts."""
    return _row(_parts(fault), dialect)


def _row(cells: Iterable[tuple[str, Sql]], dialect: Dialect) -> Sql:
    """Several values as one, each under its name."""
    from sqlglot import exp

    if dialect == "spark":
        return code.call("NAMED_STRUCT", *(x for name, value in cells for x in (code.text(name), value)))
    parts = [exp.PropertyEQ(this=exp.to_identifier(name, quoted=True), expression=v) for name, v in cells]
    return exp.Struct(expressions=parts)


def _spread(values: Sequence[Sql], dialect: Dialect) -> Sql:
    """A row for each value."""
    from sqlglot import exp

    return code.call("EXPLODE" if dialect == "spark" else "UNNEST", exp.Array(expressions=list(values)))


def _stacked(parts: Sequence[Select]) -> Select:
    from sqlglot import exp

    return parts[0] if len(parts) == 1 else exp.union(*parts, distinct=False, copy=False)


@cache
def _printer(dialect: Dialect) -> Any:
    """A generator that writes comments above columns."""
    from sqlglot.dialects import Dialect as Dialects

    base = Dialects.get_or_raise(dialect).generator_class

    def alias_sql(self: Any, expression: exp.Alias) -> str:
        above = expression.meta.get("above")
        written: str = base.alias_sql(self, expression)
        return written if not above else f"/* {self.sanitize_comment(above).strip()} */{self.sep()}{written}"

    made: Callable[..., Any] = type("Printer", (base,), {"alias_sql": alias_sql})
    return made(dialect=dialect, pretty=True, max_text_width=110)
