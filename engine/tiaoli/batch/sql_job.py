"""What an engine of SQL is asked to do: rules and tables with their columns → a plan, and the queries for results and rejects.

The columns are of types that hold values exactly; they are looked at before a query is written. A long table (a row a record and year) is
made wide within the query; an opening state is joined to the records.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeVar

from tiaoli import model as m
from tiaoli.api import Rules
from tiaoli.backends import columns as c
from tiaoli.backends import sql
from tiaoli.backends import sql_code as code
from tiaoli.backends.columns import Sort
from tiaoli.backends.lower import Wishes, column, lower, sort_of
from tiaoli.backends.sql_code import Dialect, Sql
from tiaoli.backends.sql_tables import OPENED, Mark, aliased, content_of, even, faults_of, nameless, within, written
from tiaoli.batch.computing import demanded
from tiaoli.batch.headings import (
    Given,
    Headings,
    columns_kept,
    no_exact_ids,
    no_ids_to_group_by,
    read_beside,
    read_headings,
    read_second,
)
from tiaoli.batch.layout import ID, YEAR_SIGN, Shape, Units, year_of_column
from tiaoli.batch.states import check_exact, check_states, check_years, common_year, year_of_states
from tiaoli.batch.wish import Wish
from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import EvaluationError, UsageError
from tiaoli.record_facts import ID_KEYS, digits_of, limits_of
from tiaoli.values import INSURED

if TYPE_CHECKING:
    from sqlglot import exp


T = TypeVar("T")


@dataclass(frozen=True)
class Relation:
    """A table: how it is named in a query, and the types of its columns by name, as the engine spells them; ``path`` is for messages."""

    name: str
    columns: Mapping[str, str]
    path: str | None = None


@dataclass(frozen=True)
class Job:
    """Rules over tables by kind of record, in a dialect.

    ``homes``: places whose rules are those of ``rules``; ``unique``: ids are known to be unique, and not looked through; ``openings``: states
    to go on from, by kind; ``closing``: the states after the last year are wanted too; ``persons``: facts of whole records of insured persons.
    """

    rules: Rules
    tables: Mapping[str, Relation]
    wish: Wish
    dialect: Dialect
    homes: tuple[str, ...] = ()
    unique: bool = False
    openings: Mapping[str, Relation] = field(default_factory=dict)
    closing: bool = False
    persons: Relation | None = None

    @cached_property
    def _wanted(self) -> tuple[m.Program, tuple[str, ...], tuple[str, ...]]:
        return self.rules.wanted(self.wish.years, self.wish.rules, self.wish.readings, tuple(self.tables))

    @property
    def program(self) -> m.Program:
        return self._wanted[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The rules that are asked for."""
        return self._wanted[1]

    @cached_property
    def given(self) -> Mapping[str, Headings]:
        """What the columns of the tables are, by kind. Raises UsageError with all that is wrong."""
        no_ids_to_group_by(self.wish.by)
        found = {kind: self._headings(kind, table) for kind, table in self.tables.items()}
        wrong = [d for kind, own in found.items() for d in _misfits(self.tables[kind], own)]
        if self.persons is not None and self.second is not None and INSURED in found:
            wrong += _misfits(self.persons, self.second)
        if wrong:
            raise UsageError(wrong)
        return found

    def _headings(self, kind: str, table: Relation) -> Headings:
        names = list(table.columns)
        if kind != INSURED:
            return read_headings(self.program, kind, names, table.path)
        where = None if self.persons is None else self.persons.path
        return read_beside(self.program, names, table.path, self.wish.by, self._facts_read, self.second, where)

    @cached_property
    def second(self) -> Headings | None:
        """What the columns of the second table are. Raises UsageError."""
        return (
            None if self.persons is None else read_second(self.program, list(self.persons.columns), self.persons.path)
        )

    def _kept_of(self, kind: str) -> tuple[str, ...]:
        return self.kept if kind == INSURED else ()

    @cached_property
    def kept(self) -> tuple[str, ...]:
        """The columns of insured persons, once every table is wide, that results are grouped by. Raises UsageError."""
        if not self.wish.by or INSURED not in self.tables:
            return ()
        given, names = self.given[INSURED], list(self.tables[INSURED].columns)
        if given.shape is Shape.LONG:
            lasting = [g.name for g in _of_records(given)]
            names = [*lasting, *(f"{n}{YEAR_SIGN}{y}" for n in names if n not in lasting for y in self.wish.years)]
        return columns_kept(self.wish.by, [*names, *self._of_second], self.wish.years, self.layout(INSURED))

    @property
    def _of_second(self) -> list[str]:
        return [] if self.second is None else [g.name for g in self.second.columns]

    def _facts_read(self) -> frozenset[str]:
        wished = (self.wish.years, self.wish.rules, self.wish.readings)
        alone = set(self.tables) == {INSURED}
        own = self.rules.compiled(*wished) if alone else self.rules.staged(*wished, tuple(self.tables)).kinds[INSURED]
        return frozenset[str]().union(*own.needed_facts.values())

    @cached_property
    def headings(self) -> Mapping[str, Headings]:
        """What the columns are once every table is wide, by kind."""
        found = {kind: self._widened(own) if own.shape is Shape.LONG else own for kind, own in self.given.items()}
        if self.second is not None and INSURED in found:
            own = found[INSURED]
            found[INSURED] = replace(own, columns=(*own.columns, *self.second.columns))
        return found

    def _widened(self, own: Headings) -> Headings:
        columns: list[Given] = []
        for given in own.columns:
            if given.fact is not None and not given.fact.yearly:
                columns.append(given)
            else:
                columns += [replace(given, name=f"{given.name}{YEAR_SIGN}{y}", year=y) for y in self._span]
        return replace(own, shape=Shape.WIDE, ident=ID, year=None, columns=tuple(columns))

    @property
    def _span(self) -> range:
        """The years that are read of a long table."""
        return range(self.program.first, self.wish.years.stop)

    @cached_property
    def opened(self) -> int | None:
        """The year at whose end the opening states are. Raises UsageError."""
        years = self.wish.years
        for states in self.openings.values():
            floats = {n: kind for n, kind in states.columns.items() if kind.lower() in _FLOATS}
            check_exact(floats, next((n for n in states.columns if n in ID_KEYS), ID))
        found = {
            k: (year_of_states(o.columns, self.program, years), len(o.columns) > 1) for k, o in self.openings.items()
        }
        return common_year(found.values())

    @cached_property
    def plan(self) -> c.Plan:
        """The plan over the columns that the tables have."""
        have = {kind: frozenset(_named(g) for g in own.facts.values()) for kind, own in self.headings.items()}
        _, names, lasting = self._wanted
        wishes = Wishes(names, have, self.wish.readings, lasting, self.opened, self.wish.reasons, self.closing)
        plan = lower(self.program, self.wish.years, wishes)
        self._whole_links()
        _ = self.kept  # what is wrong with groups is said now
        if self.opened is not None and INSURED in self.given:
            check_years(self.opened, self.given[INSURED], self.wish.years)
        for kind in self.tables if self.openings else ():
            states = self.openings.get(kind)
            check_states(plan, None if states is None else states.columns, kind)
        return plan

    def _whole_links(self) -> None:
        """Refuse links that rules go through to kinds of which there is no table. Raises UsageError."""
        for kind, own in self.headings.items():
            if not own.links:
                continue
            staged = self.rules.staged(self.wish.years, self.wish.rules, self.wish.readings, tuple(self.tables))
            lost = staged.kinds[kind].lost(self.tables)
            for given in own.links:
                if given.fact is not None and given.fact.name in lost:
                    needs = f"{given.name} → {given.fact.type.target}"
                    told = {"rule": lost[given.fact.name], "needs": needs}
                    raise UsageError([Diagnostic("E832", told, path=self.tables[kind].path)])

    @property
    def chained(self) -> bool:
        """Whether what is wrong with a record can spread to others by more than one link, or to and from persons: the queries follow one."""
        links = [(kind, link.target) for kind, own in self.plan.kinds.items() for link in own.links]
        linking = {kind for kind, target in links if target in self.tables}
        return any(target in self.tables and (target == INSURED or target in linking) for _, target in links)

    @cached_property
    def setting(self) -> sql.Setting:
        sources = {kind: self._source(kind) for kind in self.tables}
        have = {kind: [_named(g) for g in own.facts.values()] for kind, own in self.headings.items()}
        places = {kind: [g.name for g in own.columns if g.fact is None] for kind, own in self.headings.items()}
        longs = [kind for kind, own in self.given.items() if own.shape is Shape.LONG]
        present = {kind: {year: f"{_PRESENT}{year}" for year in self._span} for kind in longs}
        marks = {kind: self._marks(kind) for kind in self.tables}
        whole = self.wish.units is Units.FEN
        homes = (self.rules.place, *self.homes)
        kept = {kind: self._kept_of(kind) for kind in self.tables}
        return sql.Setting(
            sources, self.dialect, whole, have, self.unique, places, homes, self.wish.lang, marks, present, kept
        )

    # ── tables as queries read them ──
    def _marks(self, kind: str) -> list[Mark]:
        given = self.given[kind]
        found = []
        if given.shape is Shape.LONG:
            found = [Mark(f"{_ODD}{number}", number, str(given.year)) for number in ("E722", "E723", "E724")]
            found += [Mark(f"{_ODD}{g.name}", "E709", g.name) for g in _of_records(given)]
            found += [Mark(f"{_ODD}{number} {name}", number, name) for name, number, _ in self._later_faults(given)]
        if self.persons is not None and kind == INSURED:
            found.append(Mark(_SECONDS, "E857", ID))
        if self._goes_on(kind):
            found += [Mark(_STATELESS, "E822", ID), Mark(_STATES, "E717", "期初")]
        return found

    def _goes_on(self, kind: str) -> bool:
        """Whether anything is read from the opening states of a kind."""
        return kind in self.openings and bool(self.plan.kinds[kind].opened)

    def _source(self, kind: str) -> str:
        """The table of a kind: wide, its ids in a column of the Chinese name, opening states beside."""
        given, table = self.given[kind], self.tables[kind]
        select = self._wide(given, table) if given.shape is Shape.LONG else None
        if select is None and given.ident != ID:
            select = _select("*", aliased(code.column(given.ident), ID)).from_(self._read(table.name))
        if self.persons is not None and kind == INSURED:
            select = self._with_second(select, table, self.persons)
        if self._goes_on(kind):
            select = self._with_states(select, table, self.openings[kind], list(self._unfit(kind)))
        return table.name if select is None else f"({select.sql(dialect=self.dialect)})"

    def _read(self, name: str) -> Sql:
        return sql.source_of(name, self.dialect)

    def _with_second(self, records: exp.Select | None, table: Relation, persons: Relation) -> exp.Select:
        """The records with what a second table says of the persons, and whether it has several rows of one."""
        assert self.second is not None
        named = {n: n for n in self._of_second}
        return self._joined(records, table, persons, self.second.ident, named, _SECOND_ID, _SECONDS)

    def _joined(
        self,
        records: exp.Select | None,
        table: Relation,
        other: Relation,
        ident: str,
        named: Mapping[str, str],
        key: str,
        several: str,
        *more: Sql,
    ) -> exp.Select:
        """The records with columns of another table, ``named`` anew, of the same ids, which are in its column ``ident`` and come to ``key``; whether it
        has ``several`` rows of one; and ``more`` over both, t and s."""
        from sqlglot import exp

        same_id = _text(code.column(ident, "t"))
        taken = [aliased(_most(code.column(n, "t")), new) for n, new in named.items()]
        many = aliased(code.binary(">", exp.Count(this=exp.Star()), code.number(1)), several)
        own = _select(aliased(same_id, key), *taken, many).from_(self._read(other.name)).group_by(same_id.copy())
        source = self._read(table.name) if records is None else records.subquery("t")
        every = exp.Column(this=exp.Star(), table=exp.to_identifier("t"))
        columns = [aliased(code.column(new, "s"), new) for new in named.values()]
        again = aliased(_true(code.column(several, "s")), several)
        same = code.binary("=", _text(code.column(ID, "t")), code.column(key, "s"))
        found = _select(every, *columns, again, *more).from_(source)
        return found.join(own.subquery("s"), on=same, join_type="left", copy=False)

    def alone(self) -> str:
        """Return the query for how many rows of the second table are of nobody in the first, and how many have no id."""
        from sqlglot import exp

        assert self.persons is not None and self.second is not None
        table, ident = self.tables[INSURED], self.given[INSURED].ident
        known = _select(aliased(_text(code.column(ident, "t")), _SECOND_ID)).distinct().from_(self._read(table.name))
        named = code.column(self.second.ident, "t")
        missing = nameless(named)
        alone = code.both(code.negated(missing.copy()), code.is_null(code.column(_SECOND_ID, "s")))
        counts = [exp.Count(this=code.case([(found, code.number(1))])) for found in (alone, missing)]
        same = code.binary("=", _text(named.copy()), code.column(_SECOND_ID, "s"))
        found = _select(*counts).from_(self._read(self.persons.name))
        return found.join(known.subquery("s"), on=same, join_type="left", copy=False).sql(dialect=self.dialect)

    def _unfit(self, kind: str) -> Iterator[Sql]:
        """Yield what keeps a state from being gone on from: no value where there must be one, decimals that would be cut off."""
        for given in self.plan.kinds[kind].opened:
            value = partial(code.column, OPENED + given.column, "s")
            held = content_of(self.program, given.name)
            if demanded(self.program, given):
                yield code.is_null(value())
            if held.sort is Sort.WHOLE:
                yield code.negated(even(value, held, False))
            fits = within(value, held, given.low, given.high)
            if fits is not None:
                yield code.negated(fits)

    def _with_states(
        self, records: exp.Select | None, table: Relation, opening: Relation, unfit: Sequence[Sql]
    ) -> exp.Select:
        """The records with their states beside them, and whether one has none (or one that is ``unfit``), or several."""
        ident = next((n for n in opening.columns if n in ID_KEYS), ID)
        named = {n: OPENED + n for n in opening.columns if n != ident}
        stateless = aliased(_true(code.either(code.is_null(code.column(_STATE_ID, "s")), *unfit)), _STATELESS)
        return self._joined(records, table, opening, ident, named, _STATE_ID, _STATES, stateless)

    def _wide(self, given: Headings, table: Relation) -> exp.Select:
        """A row a record: each cell of a year under the name of the year, what belongs to the record once, and what is wrong with its rows."""
        from sqlglot import exp

        year = code.column(_YEAR)
        of_records = [g.name for g in _of_records(given)]
        ident = aliased(_text(code.column(given.ident, "t")), ID)
        rows = _select("*", ident, aliased(self._year(given, table), _YEAR)) if given.ident != ID else None
        if rows is None:
            others = [aliased(code.column(n, "t"), n) for n in table.columns if n != ID]
            rows = _select(ident, *others, aliased(self._year(given, table), _YEAR))
        columns: list[Sql] = [code.column(ID)]
        for name in of_records:
            columns.append(aliased(_most(code.column(name)), name))
            several = code.binary("≠", _least(code.column(name)), _most(code.column(name)))
            columns.append(aliased(_true(several), f"{_ODD}{name}"))
        cells = [(g.name, y) for g in given.columns if g.name not in of_records for y in self._span]
        cells += [cell for name in self._kept_of(given.entity) if (cell := year_of_column(name)) is not None]
        for name, y in dict.fromkeys(cells):
            own = code.case([(code.binary("=", year.copy(), code.number(y)), code.column(name))])
            columns.append(aliased(_most(own), f"{name}{YEAR_SIGN}{y}"))
        for y in self._span:
            there = code.case([(code.binary("=", year.copy(), code.number(y)), code.number(1))], code.number(0))
            columns.append(aliased(code.binary("=", _most(there), code.number(1)), f"{_PRESENT}{y}"))
        yearly = [code.is_there(code.column(g.name)) for g in given.columns if g.name not in of_records]
        empty = code.is_null(code.column(str(given.year), None))
        lost = code.both(code.is_null(year.copy()), code.either(code.negated(empty), *yearly))
        early = code.binary("<", year.copy(), code.number(self.program.first))
        twice = code.binary(">", exp.Count(this=year.copy()), exp.Count(this=exp.Distinct(expressions=[year.copy()])))
        columns += [aliased(_any(lost), f"{_ODD}E722"), aliased(twice, f"{_ODD}E723")]
        columns.append(aliased(_any(early), f"{_ODD}E724"))
        late = code.binary("≥", year.copy(), code.number(self._span.stop))
        columns += [
            aliased(_any(code.both(late.copy(), wrong)), f"{_ODD}{number} {name}")
            for name, number, wrong in self._later_faults(given)
        ]
        return _select(*columns).from_(rows.from_(self._read(table.name)).subquery("r")).group_by(code.column(ID))

    def _later_faults(self, given: Headings) -> Iterator[tuple[str, str, Sql]]:
        """Yield what can be wrong with cells of years after those that are read, which have no columns of their own: fact, code, condition."""
        for g in given.columns:
            if g.fact is None or not g.fact.yearly:
                continue
            held = content_of(self.program, g.fact.name)
            raw = partial(code.column, g.name)
            for number, wrong in faults_of(raw, held, self.wish.units is Units.FEN):
                yield g.fact.name, number, wrong
            if held.sort is Sort.TEXT and g.fact.type.options:
                yield (
                    g.fact.name,
                    "E739",
                    code.negated(code.one_of(written(raw()), [code.text(o) for o in g.fact.type.options])),
                )

    def _year(self, given: Headings, table: Relation) -> Sql:
        """The year of a row, null where it is none."""
        held = code.column(str(given.year), "t")
        kind = table.columns[str(given.year)].lower()
        if kind in _FLOATS or _HOLD[Sort.WHOLE].fullmatch(kind):
            number = code.cast(held, "INT", trying=True)
            return code.case([(code.binary("=", held.copy(), number.copy()), number)])
        plain = code.call("REPLACE", code.call("TRIM", _text(held)), code.text("年度"), code.text(""))
        number = code.cast(code.call("REPLACE", plain, code.text(".0"), code.text("")), "INT", trying=True)
        # As it is written, or with the .0 that programs for tables leave behind, and no other spelling of a number.
        own = _text(number.copy())
        spelt = (own, code.call("CONCAT", own.copy(), code.text(".0")))
        return code.case([(code.either(*(code.binary("=", plain.copy(), text) for text in spelt)), number)])

    # ── queries ──
    def query(self, entity: str = INSURED) -> str:
        """Return the query for the results of one kind of record."""
        return sql.query(self.plan, self.program, self.setting, entity)

    def rejects(self, entity: str = INSURED) -> str:
        """Return the query for the faults of one kind of record."""
        return sql.rejects(self.plan, self.program, self.setting, entity)

    def result_columns(self, entity: str = INSURED) -> list[str]:
        """Return the columns of the table of results, laid out wide, but for ids."""
        own = self.plan.kinds[entity]
        return [*self._kept_of(entity), *(o.column for o in (*own.outputs, *own.reasons))]

    def long_columns(self, entity: str = INSURED) -> tuple[list[str], list[str]]:
        """Return the columns of the table of results, laid out long, but for ids and years: those that say the same in all years, and the others."""
        columns = self.result_columns(entity)
        once = [n for n in columns if year_of_column(n) is None]
        yearly = dict.fromkeys(n.rpartition(YEAR_SIGN)[0] for n in columns if n not in once)
        return once, list(yearly)

    def layout(self, entity: str = INSURED) -> Shape:
        """Return how the results are laid out."""
        return self.wish.layout or self.given[entity].shape

    def divided(self, table: str, entity: str = INSURED) -> tuple[str, str]:
        """Return the queries for results and closing state over a table with everything, see `sql.everything`."""
        if self.layout(entity) is Shape.LONG:
            once, names = self.long_columns(entity)
            first = sql.lengthened(table, names, self.wish.years, self.dialect, once)
        else:
            columns = [code.column(n) for n in (ID, *self.result_columns(entity))]
            first = _select(*columns).from_(self._read(table)).sql(dialect=self.dialect)
        state = [aliased(code.column(sql.CLOSING + o.column), o.column) for o in self.plan.kinds[entity].closing]
        second = _select(code.column(ID), *state).from_(self._read(table)).sql(dialect=self.dialect)
        return first, second


_YEAR, _PRESENT, _ODD = "!年度", "!有 ", "!误 "
_SECOND_ID, _SECONDS = "!本人编号", "!本人重复"
_STATE_ID, _STATELESS, _STATES = "!期初编号", "!无期初", "!期初重复"


def _of_records(given: Headings) -> list[Given]:
    """The columns of a long table that belong to the whole record."""
    return [g for g in given.columns if g.fact is not None and not g.fact.yearly]


def _named(given: Given) -> str:
    assert given.fact is not None
    return column(given.fact.name, given.year)


def _select(*columns: object) -> exp.Select:
    from sqlglot import exp

    return exp.select(*columns, copy=False)  # type: ignore[arg-type]


def _text(value: Sql) -> Sql:
    return code.cast(value, "TEXT")


def _most(value: Sql) -> Sql:
    return code.call("MAX", value)


def _least(value: Sql) -> Sql:
    return code.call("MIN", value)


def _true(condition: Sql) -> Sql:
    """Whether a condition holds; one that is null does not."""
    return code.case([(condition, code.fixed(True))], code.fixed(False))


def _any(condition: Sql) -> Sql:
    """Whether a condition holds of one row of a group."""
    return code.binary("=", _most(code.case([(condition, code.number(1))], code.number(0))), code.number(1))


# ── types of columns ─────────────────────────────────────────────────────────

_HOLD: Mapping[Sort, re.Pattern[str]] = {
    Sort.TRUTH: re.compile(r"bool(ean)?"),
    Sort.DAY: re.compile(r"date"),
    Sort.TEXT: re.compile(r"varchar|string|text|enum\(.*|(var)?char\(\d+\)"),
    Sort.WHOLE: re.compile(r"u?(tiny|small|big|huge)?int(eger)?|decimal.*|numeric.*"),
}
_NOTHING = ('"null"', "null", "void")
_FLOATS = ("float", "double", "real")


def _misfits(table: Relation, headings: Headings) -> Iterator[Diagnostic]:
    """What is wrong with the types of columns."""
    if table.columns.get(headings.ident, "").lower() in _FLOATS:
        yield no_exact_ids(headings.ident, table.columns[headings.ident])
    for given in headings.columns:
        kind = table.columns[given.name].lower()
        if given.fact is None or kind in _NOTHING:
            continue
        if _HOLD[sort_of(given.fact.type)].fullmatch(kind) and _compares(kind, given.fact):
            continue
        plain = given.fact.type.present
        types = {"type": plain.name("zh"), "type_en": plain.name("en")}
        yield Diagnostic("E852" if kind in _FLOATS else "E851", {"name": given.name, "found": kind, **types})


def _compares(kind: str, fact: m.Fact) -> bool:
    """Whether the limits of a fact have room beside the decimals of its column: engines of SQL bring both to one type of 38 digits."""
    decimals = re.fullmatch(r"(?:decimal|numeric)\(\d+, ?(\d+)\)", kind)
    if decimals is None:
        return True
    most = max(map(abs, limits_of(fact))) // 10 ** digits_of(fact)
    return len(str(most)) + int(decimals[1]) <= _DIGITS


_DIGITS = 38


def by_kind(given: Mapping[str, T] | T | None) -> Mapping[str, T]:
    """Return what is given by kind of record, or for insured persons alone, by kind."""
    return given if isinstance(given, Mapping) else {} if given is None else {INSURED: given}


def spreads(engine: str, kind: str, number: int) -> EvaluationError:
    """Return what is raised where faults would spread along links, see `Job.chained`."""
    return EvaluationError([Diagnostic("E872", {"engine": engine, "kind": kind, "number": number})])


def homes_among(rules: Rules, places: Collection[str]) -> tuple[str, ...]:
    """Return those of some places in which the rules are the same."""
    from tiaoli.record_facts import PLACE

    return tuple(sorted(p for p in places if PLACE.fullmatch(p) is not None and rules.same_rules(p)))


__all__ = ["Job", "Relation", "by_kind", "homes_among", "spreads"]
