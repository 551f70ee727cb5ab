"""A run over records of several kinds that need each other: persons as a table, the other kinds in memory, all in one pass by steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tiaoli.api import Rules
from tiaoli.backends import columns as c
from tiaoli.backends.lower import Wishes, lower
from tiaoli.backends.stages import Staged
from tiaoli.batch.computing import Query, Table, read, set_aside, states_lost, states_read
from tiaoli.batch.headings import read_headings
from tiaoli.batch.kinds import Links, Steps, columns_given, frame_of, with_results
from tiaoli.batch.layout import ID, Shape, shape_of
from tiaoli.batch.rejecting import Judge, as_rows, in_portions, reject
from tiaoli.batch.running import Count, Heard, Run, Wish, lengthened, sink
from tiaoli.batch.sources import TABLES, files_of, open_table, read_file, whole
from tiaoli.batch.states import HAS_STATE, check_states, common_year, read_states
from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import UsageError
from tiaoli.people import no_state, uncomputed
from tiaoli.record_files import SUFFIXES
from tiaoli.record_links import dangling
from tiaoli.records import Fault, Person, RecordReader
from tiaoli.results import output_of, whole_file
from tiaoli.values import INSURED

if TYPE_CHECKING:
    import polars as pl

    from tiaoli.outcome import Opening, Result


@dataclass
class Together:
    """A run over the tables ``sources`` by kind of record. Raises UsageError for what is wrong with columns.

    ``openings``: tables of states to go on from, by kind of record.
    """

    rules: Rules
    sources: Mapping[str, Any]
    wish: Wish
    persons: Any = None
    openings: Mapping[str, Any] = field(default_factory=dict)
    folder: Path = field(default_factory=Path)
    run: Run | None = None
    faults: list[Fault] = field(default_factory=list)
    read: dict[str, int] = field(default_factory=dict)
    counted: dict[str, Count] = field(default_factory=dict)
    table: Table | None = None

    def __post_init__(self) -> None:
        self.kinds = tuple(self.sources)
        wanted = self.rules.wanted(self.wish.years, self.wish.rules, self.wish.readings, self.kinds)
        self.program, self.names, self.lasting = wanted
        if INSURED in self.sources:
            alone = replace(self.wish, rules=None)
            opening = self.openings.get(INSURED)
            source = self.sources[INSURED]
            if isinstance(source, str | Path) and Path(source).is_dir() and len(files_of(Path(source))) > 1:
                source = whole(open_table(source, heard=True))
            lost = self.staged.kinds[INSURED].lost(self.kinds)
            self.run = Run(self.rules, source, alone, self.persons, opening, self.folder, lost=lost)
        self.states = {
            k: read_states(s, self.program, self.wish.years) for k, s in self.openings.items() if k in self.kinds
        }
        self.opened = common_year((s.year, bool(s.names)) for s in self.states.values())

    @cached_property
    def staged(self) -> Staged:
        """The same rules for the interpreter: its reader judges the records."""
        return self.rules.staged(self.wish.years, self.wish.rules, self.wish.readings, self.kinds)

    @property
    def layout(self) -> Shape:
        """How the results are laid out."""
        return self.wish.layout or (self.run.shape if self.run is not None else Shape.LONG)

    @property
    def with_results(self) -> list[str]:
        """The kinds of which results are written."""
        return with_results(self.program, self.names, self.kinds)

    @property
    def reader(self) -> RecordReader:
        return self.rules.reader_of(self.staged, self.opened is not None)

    # ── reading ──
    def others(self, plan: c.Plan) -> dict[str, dict[str, Person]]:
        """The sound records of the kinds in memory, by kind and id; faulty ones, and those without the state they need, go to ``faults``."""
        found: dict[str, dict[str, Person]] = {}
        for kind, source in self.sources.items():
            if kind == INSURED:
                continue
            own = found.setdefault(kind, {})
            self.read[kind] = 0
            for item in self._read(kind, source):
                self.read[kind] += not (isinstance(item, Fault) and item.whole)
                if isinstance(item, Person):
                    own[item.id] = item
                else:
                    self.faults.append(replace(item, entity=item.entity or kind))
            for ident in self._stateless(plan, kind, own):
                del own[ident]
                self.faults.append(Fault(ident, (no_state(ident),), kind))
        return found

    def _stateless(self, plan: c.Plan, kind: str, people: Mapping[str, Person]) -> list[str]:
        """Who of a kind has no state, or not all of one, where one is needed."""
        import polars as pl

        if not plan.kinds[kind].opened:
            return []
        beside = self.states[kind].beside(pl.LazyFrame({ID: list(people)}, schema={ID: pl.String}), ID)
        lost = states_lost(self.program, plan.kinds[kind], beside.collect_schema())
        return beside.filter(pl.any_horizontal(~pl.col(HAS_STATE), *lost)).collect(engine="streaming")[ID].to_list()

    def _read(self, kind: str, source: Any) -> Iterator[Person | Fault]:
        reader = self.reader
        path = Path(source) if isinstance(source, str | Path) else None
        texts = path is not None and path.suffix.lower() in SUFFIXES
        if texts and path is not None and not (path.suffix.lower() in TABLES and _wide(path)):
            yield from reader.read(path, kind)
            return
        for part in open_table(source):
            names = part.frame.collect_schema().names()
            where = None if path is None else str(path)
            read = frozenset[str]().union(*self.staged.kinds[kind].needed_facts.values())
            headings = read_headings(self.program, kind, names, where, (), lambda: read)  # noqa: B023
            rows = part.frame.collect(engine="streaming")
            yield from self._of_table(kind, rows, headings)

    def _of_table(self, kind: str, rows: pl.DataFrame, headings: Any) -> Iterator[Person | Fault]:
        """The records of a table held in memory: wide ones row by row, long ones all together."""
        reader = self.reader
        if headings.shape is Shape.LONG:
            names = rows.columns
            facts = {g.name: g.fact for g in headings.columns}
            from tiaoli.batch.rejecting import plain

            cells = [
                (n, tuple(plain(v, facts.get(name), self.wish.units) for name, v in zip(names, row, strict=True)))
                for n, row in enumerate(rows.iter_rows(), 2)
            ]
            yield from reader.read_cells(tuple(names), cells, Path(), from_text=True, kind=kind)
            return
        import polars as pl

        ids = rows[headings.ident].cast(pl.String).str.strip_chars()
        twice = set(ids.filter(ids.is_duplicated() & ids.is_not_null()).to_list())
        for row in rows.iter_rows(named=True):
            header, written = as_rows(headings, row, self.wish.units)
            item = next(reader.read_cells(header, written, Path(), from_text=True, kind=kind))
            if isinstance(item, Person) and item.id in twice:
                said = Diagnostic("E857", {"person": item.id, "where": item.id})
                item = Fault(item.id, (said,), kind)
            yield item

    # ── computing ──
    def go(
        self, output: Path | None, closing: Path | None, heard: Heard
    ) -> tuple[dict[str, Count], dict[str, pl.DataFrame]]:
        """Compute everything: write a file for each kind with results (or return frames), tell ``heard`` of rejects."""
        with TemporaryDirectory(dir=self.folder, prefix=".tiaoli-") as held:
            made = self._made(Path(held), closing is not None)
            counts, frames = {}, {}
            for kind, query in made.items():
                counts[kind], frame = self._out(kind, query, output, closing)
                if frame is not None:
                    frames[kind] = frame
            self._reject(made, counts, heard)
        self.counted = counts
        return counts, frames

    def _made(self, folder: Path, closing: bool) -> dict[str, Query]:
        years = range(self.program.first, self.wish.years.stop)
        have = {kind: columns_given(self.program, kind, years) for kind in self.kinds if kind != INSURED}
        table = self.table = None if self.run is None else self.run.table(self.run.parts[0], folder)
        if table is not None:
            have[INSURED] = table.have
        wishes = Wishes(
            self.names, have, self.wish.readings, self.lasting, self.opened, self.wish.reasons, closing, sharing=True
        )
        plan = lower(self.program, self.wish.years, wishes)
        self._check_states(plan)
        others = self.others(plan)
        if self.run is not None and table is not None and table.read:
            table = self.run.table(self.run.parts[0], folder, plan.kinds[INSURED])
        if self.run is not None and table is not None:
            table = self.table = self.run.demanding(table, plan)
        persons = None if table is None else self._sound(plan.kinds[INSURED], table)
        lost = frozenset(name for kind in self.kinds for name in self.staged.kinds[kind].lost(self.kinds))
        links = Links(self.program, plan, others, persons, self._ids(table), lost, self.faults)
        persons = links.follow()
        self.faults += links.found
        frames = {
            k: self._opened(plan, k, frame_of(self.program, plan.kinds[k], p.values())) for k, p in others.items()
        }
        if persons is not None:
            frames[INSURED] = persons
        first = next(iter(frames.values()))
        done = Steps(plan, frames, folder).run()
        headings = None if table is None else table.headings
        empty = Table(first, headings, self.wish.units)  # type: ignore[arg-type]
        return {
            k: Query(self.program, plan.kinds[k], table if k == INSURED and table else empty, done[k])
            for k in self.kinds
        }

    @staticmethod
    def _ids(table: Table | None) -> pl.LazyFrame | None:
        """The ids of all persons, sound or not."""
        import polars as pl

        return None if table is None else table.frame.select(pl.col(table.headings.ident).cast(pl.String).alias(ID))

    def _check_states(self, plan: c.Plan) -> None:
        for kind in self.kinds if self.opened is not None else ():
            states = self.states.get(kind)
            check_states(plan, None if states is None else states.names, kind)

    def _opened(self, plan: c.Plan, kind: str, records: pl.DataFrame) -> pl.LazyFrame:
        """The records with what the plan reads of their states."""
        if not plan.kinds[kind].opened:
            return records.lazy()
        beside = self.states[kind].beside(records.lazy(), ID)
        values = states_read(self.program, plan.kinds[kind], beside.collect_schema())
        return beside.select(*records.columns, *values)

    def _sound(self, own: c.KindPlan, table: Table) -> pl.LazyFrame:
        """The persons that are sound; faulty ones must be in no figure."""
        frame, unsound = read(self.program, own, table)
        return frame.filter(~unsound)

    def _out(
        self, kind: str, made: Query, output: Path | None, closing: Path | None
    ) -> tuple[Count, pl.DataFrame | None]:
        results = made.results()
        if self.layout is Shape.LONG:
            results = lengthened(results, made, self.wish.years)
        count, frame = Count(), None
        if made.plan.breaches:
            row = made.breaches().collect(engine="streaming").row(0, named=True)
            count.breaches = {name: number for name, number in row.items() if number}
        count.computed = made.done.select(_len()).collect(engine="streaming").item()
        if made.plan.outputs and output is not None:
            _write(results, output_of(output, kind))
        elif made.plan.outputs:
            frame = results.collect(engine="streaming")
        if closing is not None and made.plan.closing:
            _write(made.closing(), output_of(closing, kind))
        return count, frame

    # ── what was set aside ──
    def _reject(self, made: Mapping[str, Query], counts: Mapping[str, Count], heard: Heard) -> None:
        for fault in self.faults:
            counts[fault.entity or INSURED].rejected += not fault.whole
            counts[fault.entity or INSURED].faults += len(fault.diagnostics)
            for diagnostic in fault.diagnostics:
                heard(reject(diagnostic, fault.person, self.wish.lang))
        for kind, query in made.items():
            if kind == INSURED and self.run is not None:
                self._of_persons(query, counts[kind], heard)
            failed = None if query.failed is None else query.failed.collect(engine="streaming")
            for (ident,) in () if failed is None else failed.iter_rows():
                counts[kind].rejected += 1
                counts[kind].faults += 1
                heard(reject(self._failed(query.plan, ident), ident, self.wish.lang))
            counts[kind].records = self._read_of(kind)
            if counts[kind].records != counts[kind].computed + counts[kind].rejected:
                raise AssertionError((kind, counts[kind]))

    def _read_of(self, kind: str) -> int:
        """How many records of a kind were read."""
        if kind != INSURED:
            return self.read[kind]
        assert self.table is not None
        return int(self.table.frame.select(_len()).collect(engine="streaming").item())

    @property
    def warnings(self) -> Iterator[Diagnostic]:
        """What figures lack: members that were not computed, and kinds of which there is no record at all."""
        return lacking(self.staged, {k: (c.records, c.rejected) for k, c in self.counted.items()})

    def _failed(self, plan: c.KindPlan, ident: str) -> Diagnostic:
        from tiaoli.meaning import Trouble

        check = plan.failures[0]
        why = Trouble("E802", (("text", check.name),))
        return uncomputed(why, ident, check.year or 0, check.name)

    def _of_persons(self, made: Query, count: Count, heard: Heard) -> None:
        assert self.run is not None
        bad = set_aside(self.program, made.plan, made.table)
        judge = Judge(
            self.reader, made.table.headings, self.wish.units, self.run.twice, self.wish.lang, self._moves,
        )  # fmt: skip
        for rows in in_portions(bad):
            for outcome in self.run._outcomes(judge, made, rows):
                count.rejected += 1
                for one in outcome if isinstance(outcome, list) else ():
                    count.faults += 1
                    heard(one)

    def _moves(self, person: Person, opening: Opening | None) -> Result:
        """Who is sound and yet set aside has no state, or moves between places and cannot be computed with other records."""
        if self.opened is not None and opening is None:
            raise UsageError([no_state(person.id)])
        for _, fact, slot in self.staged.kinds[INSURED].pointers:
            rows = person.years.items() if fact.yearly else [(None, person.facts)]
            for year, row in rows if fact.type.target not in self.kinds else ():
                if row[slot] is not None:
                    raise UsageError([dangling(person.id, year, fact.name, fact.type.target, str(row[slot]), "")])
        year, place = next(iter(person.places.items()), (self.wish.years.start, ""))
        reason = "与其他记录一起计算的人不能转移 / who is computed with other records cannot move"
        arguments = {"person": person.id, "year": year, "own": self.rules.place, "place": place, "reason": reason}
        raise UsageError([Diagnostic("E806", arguments)])


def lacking(staged: Staged, counted: Mapping[str, tuple[int, int]]) -> Iterator[Diagnostic]:
    """Yield what figures over other records lack; ``counted``: of each kind how many records were read, and how many of them rejected."""
    readers: dict[str, list[str]] = {}
    for aggregate, owners in staged.aggregates:
        readers.setdefault(aggregate.members, []).extend(owners)
    for members, names in readers.items():
        rules = "、".join(dict.fromkeys(names))
        people, rejected = counted.get(members, (0, 0))
        if not people:
            yield Diagnostic("W807", {"members": members, "rules": rules})
        elif rejected:
            yield Diagnostic("W806", {"count": rejected, "members": members, "rules": rules})


def _wide(path: Path) -> bool:
    names = read_file(path).collect_schema().names()
    return shape_of(names) is Shape.WIDE and any("@" in n for n in names)


def _write(frame: pl.LazyFrame, path: Path) -> None:
    with whole_file(path) as partial:
        typed = partial.with_name(partial.name + path.suffix)
        sink(frame, typed).collect(engine="streaming")
        typed.replace(partial)


def _len() -> pl.Expr:
    import polars as pl

    return pl.len()
