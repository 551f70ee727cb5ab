"""Records of several kinds in a table run: persons as a table of any size, the other kinds in memory.

Steps go forward as the plan says. A figure over members needs all of them worked out so far: the members' table is then written to a
temporary file, columns that nobody reads any more left out, and read again for what follows. Joins take their few records along.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiaoli import model as m
from tiaoli.backends import columnar
from tiaoli.backends import columns as c
from tiaoli.backends.lower import column, sort_of
from tiaoli.batch.computing import KEPT
from tiaoli.batch.layout import ID
from tiaoli.batch.reading import internal
from tiaoli.diagnostic import Diagnostic
from tiaoli.record_facts import Person, default_of
from tiaoli.record_links import check_links, dangling, near_among
from tiaoli.records import Fault
from tiaoli.values import INSURED

if TYPE_CHECKING:
    import polars as pl


def frame_of(program: m.Program, plan: c.KindPlan, people: Iterable[Person]) -> pl.DataFrame:
    """Return validated records of one kind with the columns that a plan reads."""
    import polars as pl

    listed = list(people)
    place = places_of(program, plan.entity)
    columns = [pl.Series(ID, [p.id for p in listed], dtype=pl.String)]
    for given in plan.inputs:
        if not given.name:
            columns.append(pl.Series(given.column, [given.year in p.years for p in listed], dtype=pl.Boolean))
        elif not given.opening:
            fact = program.facts[given.name]
            values = [_value(p, fact, given.year, place[fact.name]) for p in listed]
            columns.append(pl.Series(given.column, values, dtype=internal(fact)))
    return pl.DataFrame(columns)


def places_of(program: m.Program, kind: str) -> dict[str, int]:
    """Return where each fact of a kind stands among those of its records, or of their years."""
    facts = program.facts_of(kind)
    return {f.name: i for yearly in (False, True) for i, f in enumerate(f for f in facts if f.yearly is yearly)}


def _value(person: Person, fact: m.Fact, year: int | None, place: int) -> Any:
    if year is None:
        return person.facts[place]
    row = person.years.get(year)
    return default_of(fact) if row is None else row[place]


def columns_given(program: m.Program, kind: str, years: range) -> frozenset[str]:
    """Return the columns of a kind held in memory: every fact, of every year."""
    return frozenset(column(f.name, y) for f in program.facts_of(kind) for y in (years if f.yearly else (None,)))


def with_results(program: m.Program, names: Sequence[str], kinds: Iterable[str]) -> list[str]:
    """Return the kinds of which one of the rules ``names`` is."""
    return [kind for kind in kinds if any(program.rules[name][0].entity == kind for name in names)]


# ── links ────────────────────────────────────────────────────────────────────


@dataclass
class Links:
    """The links of a run, followed to records that are there and sound: who points nowhere is left out, and who points to them.

    ``persons`` are the sound ones, ``ids`` those of all; ``lost``: links to kinds of which there is no record.
    """

    program: m.Program
    plan: c.Plan
    others: dict[str, dict[str, Person]]
    persons: pl.LazyFrame | None
    ids: pl.LazyFrame | None
    lost: frozenset[str]
    faulty: list[Fault]
    found: list[Fault] = field(default_factory=list)

    def follow(self) -> pl.LazyFrame | None:
        """Return the persons that stay; ``others`` keeps the records that do, ``found`` tells of the rest."""
        while True:
            before = len(self.found)
            self._among_others()
            self._of_persons()
            if len(self.found) == before:
                return self.persons

    def _links(self, kind: str) -> list[c.Link]:
        """The links that records of a kind bring; those that an opening state holds were followed when it was made."""
        if kind not in self.plan.kinds:
            return []
        own = self.plan.kinds[kind]
        opened = {i.column for i in own.opened}
        return [link for link in own.links if link.column not in opened]

    def _among_others(self) -> None:
        """The links of the kinds in memory, also those to persons."""
        wanted = {link.name for kind in self.others for link in self._links(kind)} | self.lost
        named = {ident for kind in self.others for ident in self._persons_named(kind)}
        sound = self._among(self.persons, named)
        people = {**self.others, INSURED: {i: Person(i, (), {}, {}) for i in sound}}
        left_out = [Fault(i, (), INSURED) for i in self._among(self.ids, named) - sound]
        years = range(self.plan.begin - 1, self.plan.years.stop)
        self.found += check_links(self.program, wanted, people, years, [*self.faulty, *self.found, *left_out])

    @staticmethod
    def _among(frame: pl.LazyFrame | None, named: set[str]) -> set[str]:
        """Those of some ids that a table of persons has."""
        import polars as pl

        if frame is None or not named:
            return set()
        there = frame.select(ID).filter(pl.col(ID).is_in(pl.Series(sorted(named)).implode()))
        return set(there.collect(engine="streaming")[ID].to_list())

    def _persons_named(self, kind: str) -> Iterator[str]:
        """The ids of persons that records of a kind name in a link, in whatever year."""
        place = places_of(self.program, kind)
        for name in {link.name for link in self._links(kind) if link.target == INSURED}:
            yearly, at = self.program.facts[name].yearly, place[name]
            for person in self.others[kind].values():
                rows = person.years.values() if yearly else (person.facts,)
                yield from (str(row[at]) for row in rows if row[at] is not None)

    def _of_persons(self) -> None:
        import polars as pl

        if self.persons is None:
            return
        bad: dict[str, list[Diagnostic]] = {}
        for link in self._links(INSURED):
            ids = pl.Series(list(self.others.get(link.target, {})), dtype=pl.String)
            if link.target == INSURED:
                every = self.persons.select(ID)
                lost = self.persons.filter(pl.col(link.column).is_not_null()).join(
                    every, left_on=link.column, right_on=ID, how="anti"
                )
            else:
                lost = self.persons.filter(
                    pl.col(link.column).is_not_null() & ~pl.col(link.column).is_in(ids.implode())
                )
            away = lost.select(ID, link.column).collect(engine="streaming")
            given = self._among(self.ids, set(away[link.column].to_list())) if link.target == INSURED else set[str]()
            for ident, found in away.iter_rows():
                bad.setdefault(ident, []).append(self._dangles(ident, link, found, found in given))
        self.found += [Fault(ident, tuple(said), INSURED) for ident, said in bad.items()]
        if bad:
            self.persons = self.persons.filter(~pl.col(ID).is_in(pl.Series(sorted(bad)).implode()))

    def _dangles(self, ident: str, link: c.Link, found: str, given: bool) -> Diagnostic:
        if given or any(f.entity == link.target and f.person == found for f in (*self.faulty, *self.found)):
            return dangling(ident, link.year, link.name, link.target, found)
        near = near_among(found, self.others.get(link.target, {}))
        return dangling(ident, link.year, link.name, link.target, found, near)


# ── steps ────────────────────────────────────────────────────────────────────


@dataclass
class Steps:
    """The steps of a plan over frames by kind; ``folder`` takes the temporary files of persons."""

    plan: c.Plan
    frames: dict[str, pl.LazyFrame]
    folder: Path
    written: int = 0

    def run(self) -> dict[str, pl.LazyFrame]:
        """Return the frames with every column of the plan that results read."""
        for number, step in enumerate(self.plan.steps):
            match step:
                case c.Compute():
                    self.frames[step.entity] = columnar.compute(self.frames[step.entity], step.definitions)
                case c.Join():
                    target = self._known(step.target, number)
                    self.frames[step.entity] = columnar.join(self.frames[step.entity], target, step, ID)
                case c.Gather():
                    self._gather(step, number)
        return self.frames

    def _gather(self, step: c.Gather, number: int) -> None:
        members = self._known(step.members, number)
        figures = columnar.gather(members, step, ID).collect(engine="streaming").lazy()
        self.frames[step.entity] = self.frames[step.entity].join(figures, on=ID, how="left", maintain_order="left")

    def _known(self, kind: str, number: int) -> pl.LazyFrame:
        """The frame of a kind worked out: persons in a file, others in memory."""
        import polars as pl

        frame = self.frames[kind].select(ID, *sorted(self._needed(kind, number)))
        if kind != INSURED:
            self.frames[kind] = frame.collect().lazy()
            return self.frames[kind]
        self.written += 1
        path = self.folder / f"{self.written}.parquet"
        frame.sink_parquet(path, compression="lz4", row_group_size=100_000, statistics=False)
        self.frames = {k: f if k == INSURED else f.collect(engine="streaming").lazy() for k, f in self.frames.items()}
        (self.folder / f"{self.written - 1}.parquet").unlink(missing_ok=True)
        self.frames[kind] = pl.scan_parquet(path, glob=False)
        return self.frames[kind]

    def _needed(self, kind: str, number: int) -> set[str]:
        """The columns of a kind, there now, that the step ``number`` or a later one, or what is given out, reads."""
        there = set(self.frames[kind].collect_schema().names())
        own = self.plan.kinds[kind]
        read: set[str] = set()
        for given in (*own.outputs, *own.reasons, *own.closing, *own.breaches):
            read |= set(c.reads(given.expression))
        for check in own.failures:
            read |= set(c.reads(check.fails))
        read |= {name for name in there if name.startswith(KEPT)}
        for step in self.plan.steps[number:]:
            read |= set(_read(step, kind))
        return read & there


def _read(step: c.Step, kind: str) -> Iterator[str]:
    match step:
        case c.Compute() if step.entity == kind:
            for definition in step.definitions:
                yield from c.reads(definition.expression)
        case c.Join():
            if step.entity == kind:
                yield step.link
            if step.target == kind:
                yield from (theirs for theirs, _ in step.columns)
        case c.Gather() if step.members == kind:
            yield step.link
            for figure in step.figures:
                yield from c.reads(figure.condition)
                yield from c.reads(figure.value) if figure.value is not None else ()
        case _:
            pass


__all__ = ["Links", "Steps", "columns_given", "frame_of", "sort_of", "with_results"]
