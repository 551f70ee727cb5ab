"""Records of several kinds, run year by year and stage by stage: values of each, and what could not be computed.

Where a generated function fails on a record, that record's stage is worked out again by `meaning`, rule by rule: what can be computed is,
what cannot becomes a `Failed` value that says why. Failing is no value: whoever reads it fails in turn, and an aggregate leaves the member
out and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tiaoli import model as m
from tiaoli.backends.interpreter import Compiled, Values
from tiaoli.backends.python_code import external, internal
from tiaoli.backends.stages import Group, Stage, Staged
from tiaoli.meaning import Environment, Result, Trouble, Unknown, decide, evaluate
from tiaoli.record_facts import Person
from tiaoli.values import Value

Opened = tuple[int, Values, Values]
"""The end of a year: the year, values by slot, facts of the year."""


@dataclass(frozen=True, slots=True, eq=False)
class Failed:
    """In place of a value that cannot be computed."""

    why: Trouble | Unknown


@dataclass(slots=True)
class Table:
    """All records of one kind in the year at hand: a list each, by position. ``tainted``: positions that hold failed values."""

    compiled: Compiled
    people: Sequence[Person]
    openings: Mapping[str, Opened]
    index: Mapping[str, int] = field(default_factory=dict)
    idents: list[str] = field(default_factory=list)
    facts: list[Values] = field(default_factory=list)
    year: list[Values] = field(default_factory=list)
    last_year: list[Values] = field(default_factory=list)
    before: list[Values] = field(default_factory=list)
    now: list[Values] = field(default_factory=list)
    rows: dict[int, list[Values]] = field(default_factory=dict)
    begun: list[int] = field(default_factory=list)
    alike: bool = True
    tainted: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.idents = [person.id for person in self.people]
        self.index = {ident: n for n, ident in enumerate(self.idents)}
        self.facts = [person.facts for person in self.people]
        self.alike = not self.openings
        known, initial = self.openings, self.compiled.initial
        self.before = [known[i][1] if i in known else initial for i in self.idents]
        self.now = self.before

    def begin(self, year: int) -> None:
        """Turn to ``year``."""
        default = self.compiled.default_year
        self.last_year = self.year or [self._facts_before(person, year - 1) for person in self.people]
        self.year = [person.years.get(year, default) for person in self.people]
        self.before, self.now = self.now, [self.compiled.initial] * len(self.people)
        if self.alike:
            self.begun = [n for n, person in enumerate(self.people) if person.years and min(person.years) <= year]

    def _facts_before(self, person: Person, year: int) -> Values:
        if person.id in self.openings:
            return self.openings[person.id][2]
        return person.years.get(year, self.compiled.default_year)


@dataclass(slots=True)
class Population:
    """A run over the records of all kinds. ``left_out``: by rule and kind of member, the positions that an aggregate of the rule lacks."""

    staged: Staged
    tables: Mapping[str, Table]
    begin: int
    left_out: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    keep: int = 0
    _figures: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _keys: dict[m.Aggregate, str] = field(default_factory=dict)

    def run(self) -> None:
        """Compute every year; the values of those from ``keep`` on stay in ``rows`` of each table."""
        for year in range(self.begin, self.staged.asked.stop):
            for table in self.tables.values():
                table.begin(year)
            self._figures, self._keys = {}, {}
            for step in self.staged.years[year]:
                if isinstance(step, Group):
                    self._gather(step, year)
                else:
                    self._compute(step, year)
            if year >= self.keep:
                for table in self.tables.values():
                    table.rows[year] = table.now

    # ── one stage ──
    def _compute(self, stage: Stage, year: int) -> None:
        table = self.tables[stage.entity]
        if table.alike and stage.shared and len(table.begun) < len(table.people):
            self._some(stage, year, table)
            return
        table.alike = table.alike and stage.shared
        table.now = self._values(stage, year, table, range(len(table.people)))

    def _some(self, stage: Stage, year: int, table: Table) -> None:
        """Those of whom nothing is recorded yet all have the values of the first of them."""
        begun = set(table.begun)
        first = next(n for n in range(len(table.people)) if n not in begun)
        *own, common = self._values(stage, year, table, [*table.begun, first])
        table.now = [common] * len(table.people)
        for n, row in zip(table.begun, own, strict=True):
            table.now[n] = row
        if first in table.tainted:
            table.tainted.update(n for n in range(len(table.people)) if n not in begun)

    def _values(self, stage: Stage, year: int, table: Table, positions: Sequence[int]) -> list[Values]:
        def slow(n: int) -> Values:
            return self._slowly(stage, year, table, n)

        return stage.function(*_lists(table, positions), self.tables, self._figures, self._doubtful(stage, table), slow)

    def _slowly(self, stage: Stage, year: int, table: Table, n: int) -> Values:
        """The values of a record's stage by their meaning, those that cannot be computed as `Failed`."""
        moment = Recorded(self, table, n, year)
        row = list(table.now[n])
        for rule in stage.rules:
            slot = table.compiled.slots[rule.name]
            try:
                value = decide(rule, moment).value
                row[slot] = Failed(value) if isinstance(value, Unknown) else internal(value, rule.scale)
            except Trouble as trouble:
                row[slot] = Failed(trouble)
            moment.own[rule.name] = row[slot]
            if isinstance(row[slot], Failed):
                table.tainted.add(n)
        return tuple(row)

    def _doubtful(self, step: Stage | Group, table: Table) -> set[int]:
        """The positions that must be worked out by meaning: they hold failed values, or read a record that does."""
        others = [t for t in step.throughs if self.tables[t.entity].tainted]
        if not others:
            return table.tainted
        return table.tainted | {n for n in range(len(table.people)) if any(self._fails(t, table, n) for t in others)}

    def _fails(self, through: m.Through, table: Table, n: int) -> bool:
        found = self._follow(through.link, table, n)
        return found is not None and found[1] in found[0].tainted

    def _follow(self, link: m.Expression, table: Table, n: int) -> tuple[Table, int] | None:
        """The record that a link points to, or None."""
        if isinstance(link, m.Through):
            found = self._follow(link.link, table, n)
            return None if found is None else self._follow(link.value, *found)
        assert isinstance(link, m.FactRef)
        ident = Recorded(self, table, n, 0).held(link)
        target = self.tables[link.type.target]
        return (target, target.index[ident]) if ident in target.index else None

    # ── one group-by ──
    def _gather(self, group: Group, year: int) -> None:
        aggregate = group.aggregate
        table = self.tables[aggregate.members]

        def slow(n: int) -> tuple[str | None, Any]:
            return self._member(group, year, table, n)

        lists = _lists(table, range(len(table.people)))
        sums, counts = group.function(*lists, self.tables, self._figures, self._doubtful(group, table), slow)
        self._figures[group.key] = group.figures(sums, counts)
        self._keys[aggregate] = group.key

    def _member(self, group: Group, year: int, table: Table, n: int) -> tuple[str | None, Any]:
        """The group and measure of one member by their meaning; (None, None) where it does not count, or cannot."""
        aggregate = group.aggregate
        moment = Recorded(self, table, n, year)
        fact = self.staged.program.facts[aggregate.link]
        key = moment.held(m.FactRef(fact.type, None, m.ANY, fact.span, fact.name, fact.yearly, 0, fact.entity))
        if key is None:
            return None, None
        try:
            holds = True if aggregate.condition is None else evaluate(aggregate.condition, moment)
            value: Result = True if aggregate.value is None else evaluate(aggregate.value, moment) if holds else None
        except Trouble as trouble:
            holds, value = True, Unknown(frozenset({(trouble.code, year)}))
        if isinstance(holds, Unknown) or isinstance(value, Unknown):
            for rule in group.owners:
                self.left_out.setdefault((rule, aggregate.members), set()).add(n)
            return None, None
        scale = aggregate.value.scale if aggregate.value is not None else 0
        return (key, internal(value, scale or 0)) if holds else (None, None)

    def figure(self, aggregate: m.Aggregate, ident: str) -> Value:
        """Return an aggregate of the year at hand for one record."""
        found = self._figures[self._keys[aggregate]].get(ident, 0 if aggregate.form in ("计数", "合计") else None)
        value: Value = found if aggregate.scale is None else external(found, aggregate.scale)
        return value


def _lists(table: Table, positions: Sequence[int]) -> Iterator[Sequence[Any]]:
    """The lists of a table, or of some of its positions (all are a range), in the order of the generated functions."""
    lists = (table.idents, table.facts, table.year, table.last_year, table.before, table.now)
    yield positions
    for part in lists:
        yield part if isinstance(positions, range) else [part[n] for n in positions]


@dataclass(slots=True)
class Recorded:
    """A record in the year at hand as `meaning` asks for it: values that generated code computed. ``own``: rules of the stage so far."""

    run: Population
    table: Table
    n: int
    year: int
    own: dict[str, Any] = field(default_factory=dict)

    def parameter(self, ref: m.ParameterRef, key: Value) -> Result:
        program, year = self.run.staged.program, self.year - ref.lag
        value = program.parameters[ref.name].at(year, key)
        if value is None:
            raise Trouble("E411", (("name", ref.name), ("year", year), ("key", key), ("place", program.place)))
        return value.value

    def question(self, ref: m.QuestionRef) -> Result:
        staged = self.run.staged
        return staged.readings.get(ref.name, staged.program.questions[ref.name].default)

    def rule(self, ref: m.RuleRef) -> Result:
        row = (self.table.before if ref.lag else self.table.now)[self.n]
        value = row[self.table.compiled.slots[ref.name]]
        if not ref.lag:
            value = self.own.get(ref.name, value)
        if isinstance(value, Failed):
            if isinstance(value.why, Trouble):
                raise value.why
            return value.why
        told: Value = external(value, self.run.staged.program.rules[ref.name][0].scale)
        return told

    def held(self, ref: m.FactRef) -> Any:
        """The fact as records hold it."""
        facts = self.run.staged.program.facts_of(ref.entity)
        slot = [f.name for f in facts if f.yearly is ref.yearly].index(ref.name)
        if not ref.yearly:
            return self.table.facts[self.n][slot]
        return (self.table.last_year if ref.lag else self.table.year)[self.n][slot]

    def fact(self, ref: m.FactRef) -> Result:
        value = self.held(ref)
        fact = self.run.staged.program.facts[ref.name]
        if value is None and not fact.type.nullable:
            return Unknown(frozenset({(ref.name, self.year - ref.lag if ref.yearly else 0)}))
        told: Value = external(value, fact.digits)
        return told

    def linked(self, ref: m.Through, ident: str) -> Environment:
        table = self.run.tables[ref.entity]
        if ident not in table.index:
            raise Trouble("E836", (("entity", ref.entity), ("record", ident)))
        return Recorded(self.run, table, table.index[ident], self.year)

    def aggregate(self, aggregate: m.Aggregate) -> Result:
        return self.run.figure(aggregate, self.table.idents[self.n])


def run_population(
    staged: Staged,
    people: Mapping[str, Sequence[Person]],
    openings: Mapping[str, Mapping[str, Opened]] | None = None,
    keep: int | None = None,
) -> Population:
    """Return the values of all records. ``openings``: for each kind by id the end of one and the same year; they begin behind it.

    ``keep``: the first year whose values are kept, the first asked unless given.
    """
    held = openings or {}
    tables = {
        entity: Table(compiled, people.get(entity, ()), held.get(entity, {}))
        for entity, compiled in staged.kinds.items()
    }
    years = {opened[0] for kind in held.values() for opened in kind.values()}
    begin = max(years) + 1 if years else staged.begin
    population = Population(staged, tables, begin, keep=staged.asked.start if keep is None else keep)
    population.run()
    return population
