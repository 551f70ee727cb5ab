"""A run over tables: from files to files, in one streaming pass, with what is wrong set aside and everything counted.

For each part of the input (a file; all of one, or those of a folder) one query writes the results, the closing state and the count of
broken mandates at once. Only where rows are missing from the results are the faulty ones looked for, in a second pass. Files appear whole
or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiaoli.api import Rules
from tiaoli.backends import columns as c
from tiaoli.backends.interpreter import Compiled
from tiaoli.backends.lower import Wishes, lower
from tiaoli.batch import long
from tiaoli.batch.computing import Query, Table, held_as, query, set_aside, state_column, states_lost
from tiaoli.batch.headings import (
    Given,
    Headings,
    columns_kept,
    no_exact_ids,
    no_ids_to_group_by,
    read_beside,
    read_second,
)
from tiaoli.batch.later import Later
from tiaoli.batch.layout import ID, YEAR, YEAR_SIGN, Shape, Units, year_of_column
from tiaoli.batch.passing import (
    Count,
    Rejects,
    Tally,
    append,
    given_alone,
    given_twice,
    lengthened,
    scan,
    sink,
    watched,
)
from tiaoli.batch.reasons import code_of
from tiaoli.batch.rejecting import Judge, Reject, in_portions, reject
from tiaoli.batch.sources import MISREAD, Part, misread, open_table, spans, whole, written_out
from tiaoli.batch.states import HAS_STATE, States, check_states, check_years, read_states
from tiaoli.batch.wish import Wish
from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import UsageError
from tiaoli.outcome import Opening, Result
from tiaoli.people import no_state
from tiaoli.record_facts import ID_KEYS, Person
from tiaoli.uncollected import uncollected
from tiaoli.values import INSURED

if TYPE_CHECKING:
    import polars as pl


Heard = Callable[[Reject], None]


class LinkedError(Exception):
    """Rules go from person to person: all of them have to be known before one can be computed, as `Together` does it."""


class Run:
    """A run over one table of insured persons.

    ``watch`` is told of the people as they are read (progress). ``persons``: facts of whole records in a second table; ``opening``: a
    table of states to go on from; ``lost``: links that rules go through and that lead to kinds of which there is no record, where others than
    the insured persons are known. Raises UsageError for what is wrong with columns, before a row is read.
    """

    @uncollected()
    def __init__(
        self,
        rules: Rules,
        source: Any,
        wish: Wish,
        persons: Any = None,
        opening: Any = None,
        folder: Path | None = None,
        watch: Callable[[int], None] | None = None,
        lost: Container[str] | None = None,
    ) -> None:
        self.rules, self.wish, self.watch, self.lost = rules, wish, watch, lost
        self.folder = folder or Path()
        self.beside = [x for x in (persons, opening) if x is not None]
        self._plans: dict[Any, c.Plan] = {}
        self._longs: dict[str, long.Long] = {}
        self._made: dict[tuple[str, bool], Query] = {}
        self.results_schema: pl.Schema | None = None
        self.parts = open_table(source, heard=True)
        self.program, self.names, self.lasting = rules.wanted(wish.years, wish.rules, wish.readings, (INSURED,))
        self.persons = None if persons is None else whole(open_table(persons))
        self._second = str(persons) if isinstance(persons, str | Path) else None
        names = [n for n in self.parts[0].frame.collect_schema().names() if n != MISREAD]
        self.persons_headings = None
        if self.persons is not None:
            self.persons_headings = read_second(self.program, self.persons.collect_schema().names(), self._second)
        path = self.parts[0].path
        where = None if path is None else str(path)
        no_ids_to_group_by(wish.by)
        self.headings = read_beside(
            self.program, names, where, wish.by, self._facts_read, self.persons_headings, self._second
        )
        kind = self.parts[0].frame.collect_schema().get(self.headings.ident)
        if kind is not None and kind.is_float():
            raise UsageError([replace(no_exact_ids(self.headings.ident, str(kind)), path=where)])
        self._twice = Later(self._given_twice)  # rows are looked through while Python is busy with rules
        self.states: States | None = None if opening is None else read_states(opening, self.program, wish.years)
        if self.states is not None:
            check_years(self.states.year, self.headings, wish.years)
        self.elsewhere = self._elsewhere()

    # ── what there is ──
    @property
    def shape(self) -> Shape:
        """How the input is laid out."""
        return self.headings.shape

    @property
    def layout(self) -> Shape:
        """How the results are laid out."""
        return self.wish.layout or self.shape

    @property
    def twice(self) -> Mapping[str, str]:
        """Ids that several rows have (in a long table, several files), and those that the second table has several times; of each, where that is said."""
        return self._twice.get()

    def _pointing(self, headings: Headings) -> list[Given]:
        """The columns of links through which rules go to kinds of which there is no record: who has one cannot be computed."""
        links = [g for g in headings.links if (g.year or 0) < self.wish.years.stop]
        if not links:
            return []
        lost = self.compiled.lost((INSURED,)) if self.lost is None else self.lost
        return [g for g in links if g.fact is not None and g.fact.name in lost]

    @cached_property
    def compiled(self) -> Compiled:
        """The same rules for the interpreter, which hears what is set aside."""
        return self.rules.compiled(self.wish.years, self.wish.rules, self.wish.readings)

    def _facts_read(self) -> frozenset[str]:
        return frozenset[str]().union(*self.compiled.needed_facts.values())

    def _given_twice(self) -> dict[str, str]:
        found: dict[str, str] = {}
        if self.persons is not None and self.persons_headings is not None:
            ident = self.persons_headings.ident
            found = dict.fromkeys(given_twice([self.persons.select(ident)], ident), self._second or "--persons")
        if self.shape is Shape.LONG and len(self.parts) == 1:
            return found
        ident = self.headings.ident
        frames = [p.frame.select(ident) for p in self.parts]
        if self.shape is Shape.LONG:
            frames = [f.unique() for f in frames]
        return found | {name: name for name in given_twice(frames, ident)}

    def _elsewhere(self) -> tuple[str, ...]:
        """The places named in the table where other rules hold."""
        import polars as pl

        columns = [g.name for g in self.headings.columns if g.fact is None]
        found: set[str] = set()
        for part in self.parts if columns else ():
            named = [part.frame.select(pl.col(n).cast(pl.String).unique().alias("p")) for n in columns]
            for frame in pl.collect_all(named, engine="streaming"):
                found |= {p for p in frame["p"].to_list() if p}
        return tuple(sorted(p for p in found if not self._same(p)))

    def _same(self, place: str) -> bool:
        from tiaoli.record_facts import PLACE

        return PLACE.fullmatch(place) is not None and self.rules.same_rules(place)

    # ── what is computed ──
    @uncollected()
    def ready(self, closing: bool) -> c.Plan:
        """Return the plan, having found nothing wrong with the columns and their types. Raises UsageError."""
        first = self.parts[0]
        table = self.table(first, self.folder)
        plan = self.plan_of(table, closing)
        if not table.read:
            self._made[first.name, closing] = self._query(table, plan)
        for part in self.parts[1:]:
            if part.frame.collect_schema() != first.frame.collect_schema():  # its types are its own
                other = self.table(part, self.folder)
                if not other.read:
                    self._query(other, self.plan_of(other, closing))
        return plan

    def plan_of(self, table: Table, closing: bool) -> c.Plan:
        """The plan over the columns of a table; kept for the parts that have the same."""
        key = (table.have, closing)
        if key not in self._plans:
            self._plans[key] = self._planned(table, closing)
        return self._plans[key]

    def _planned(self, table: Table, closing: bool) -> c.Plan:
        wishes = Wishes(
            self.names, {INSURED: table.have}, self.wish.readings, self.lasting,
            None if self.states is None else self.states.year, self.wish.reasons, closing, sharing=True,
        )  # fmt: skip
        plan = lower(self.program, self.wish.years, wishes)
        if not plan.alone:
            raise LinkedError
        if self.states is not None:
            check_states(plan, self.states.names)
        return plan

    def table(self, part: Part, folder: Path, plan: c.KindPlan | None = None) -> Table:
        """A part as a wide table, with the state of each record beside it; of a long one, with what ``plan`` reads."""
        import polars as pl

        if self.shape is Shape.LONG:
            return self._widened(part, plan, folder)
        known = spans(part.path)
        path = None if part.path is None else str(part.path)
        frame = part.frame if self.watch is None else watched(part.frame, self.watch)
        headings = self.headings
        if self.persons is not None:
            frame, headings = self._with_persons(frame, headings)
        if self.states is not None:
            frame = self.states.beside(frame, headings.ident)
        kept = columns_kept(self.wish.by, frame.collect_schema().names(), self.wish.years, self.layout)
        pointing = tuple(pl.col(g.name).cast(pl.String).str.strip_chars() != "" for g in self._pointing(headings))
        return Table(
            frame,
            headings,
            self.wish.units,
            {},
            self.twice,
            self.elsewhere,
            path,
            (*pointing, *misread(frame)),
            kept,
            spans=known,
        )

    def _long(self, part: Part) -> long.Long:
        """A part of a long table, its cells read; kept while the part is worked on."""
        if part.name not in self._longs:
            by = [n for n in self.wish.by if n in part.frame.collect_schema()]
            read = long.read_long(
                part.frame, self.headings, self.wish.units, self.elsewhere, by, part.path, self.program.first
            )
            second = None
            if self.persons is not None and self.persons_headings is not None:
                second = long.read_persons(self.persons, self.persons_headings, self.wish.units)
            self._longs = {
                part.name: long.Long(*read, self.headings, part.cuts(long.WINDOW), second, self.persons_headings)
            }
        return self._longs[part.name]

    def _widened(self, part: Part, plan: c.KindPlan | None, folder: Path) -> Table:
        """A long part as a wide table with the columns that ``plan`` reads (without a plan, none)."""
        import polars as pl

        held = self._long(part)
        headings = held.wide
        lasting = [g.name for g in headings.columns if g.fact is not None and not g.fact.yearly]
        changing = [n for n in held.frame.collect_schema().names() if n not in lasting]
        yearly = (f"{n}{YEAR_SIGN}{y}" for n in changing for y in self.wish.years)
        kept = columns_kept(self.wish.by, [*lasting, *yearly], self.wish.years, self.layout)
        needed = [i for i in plan.inputs if i.name and not i.opening] if plan is not None else []
        wanted = [long.Wanted(i.column, i.name, i.year) for i in needed]
        there = {w.column for w in wanted}
        own = [
            g.name for g in self.headings.columns if g.fact is not None and not g.fact.yearly and g.name not in there
        ]
        wanted += [long.Wanted(name, name, None) for name in own if plan is not None]
        there.update(own)
        pointing = [g.name for g in self._pointing(headings)] if plan is not None else []
        for name in (*kept, *pointing):
            parts = year_of_column(name)
            if name not in there:
                wanted.append(long.Wanted(name, *((name, None) if parts is None else parts)))
                there.add(name)
        present = [i.year for i in plan.inputs if not i.name and i.year is not None] if plan is not None else []
        frame = long.widen(held, wanted, present, folder) if plan is not None else held.frame.head(0).select(ID)
        if self.watch is not None:
            frame = watched(frame, self.watch)
        if self.states is not None:
            frame = self.states.beside(frame, headings.ident)
        columns = {year: f"{long.PRESENT}{year}" for year in present}
        path = None if part.path is None else str(part.path)
        return Table(
            frame,
            headings,
            self.wish.units,
            columns,
            self.twice,
            (),
            path,
            (pl.col(long.ODD), *(pl.col(name).is_not_null() for name in pointing)),
            kept,
            read=True,
        )

    def alone(self) -> tuple[int, int]:
        """Return how many persons stand in the second table alone, and how many of its rows have no id: they have no results."""
        if self.persons is None or self.persons_headings is None:
            return 0, 0
        frames = [part.frame for part in self.parts]
        return given_alone(self.persons, self.persons_headings.ident, frames, self.headings.ident)

    def left_out(self) -> int:
        """Return how many persons have an opening state and no row: they have no results, and no state afterwards."""
        if self.states is None:
            return 0
        frames = [part.frame for part in self.parts]
        return given_alone(self.states.frame, self.states.ident, frames, self.headings.ident)[0]

    def _persons(self) -> pl.LazyFrame | None:
        import polars as pl

        if self.persons is None or self.persons_headings is None:
            return None
        ident = self.persons_headings.ident
        return self.persons.with_columns(pl.col(ident).cast(pl.String)).rename({ident: self.headings.ident})

    def _with_persons(self, frame: pl.LazyFrame, headings: Headings) -> tuple[pl.LazyFrame, Headings]:
        """A wide table with a second one of facts of the whole record."""
        import polars as pl

        beside, own = self._persons(), self.persons_headings
        assert beside is not None and own is not None
        if self.twice:
            beside = beside.filter(~pl.col(headings.ident).is_in(list(self.twice)))  # a join would double the person
        frame = frame.with_columns(pl.col(headings.ident).cast(pl.String))
        joined = frame.join(beside, on=headings.ident, how="left", maintain_order="left")
        return joined, replace(headings, columns=(*headings.columns, *own.columns))

    def query(self, part: Part, folder: Path, closing: bool) -> Query:
        """What is computed of a part, lazily."""
        made = self._made.pop((part.name, closing), None)
        if made is not None:
            return made
        table = self.table(part, folder)
        plan = self.plan_of(table, closing)
        if self.shape is Shape.LONG:
            table = self.table(part, folder, plan.kinds[INSURED])
        return self._query(table, plan)

    def _query(self, table: Table, plan: c.Plan) -> Query:
        return query(self.program, plan, self.demanding(table, plan))

    def demanding(self, table: Table, plan: c.Plan) -> Table:
        """The table, of which who has no state, or not all of one, is set aside where a plan goes on from states."""
        import polars as pl

        if self.states is None or not plan.kinds[INSURED].opened:
            return table
        lost = states_lost(self.program, plan.kinds[INSURED], table.schema)
        return replace(table, flagged=(*table.flagged, ~pl.col(HAS_STATE), *lost))

    @cached_property
    def origin(self) -> dict[str, str]:
        """What results rest on: engine, rulesets, place, readings, years, units; texts, readings as JSON."""
        from tiaoli.results import provenance

        told = {
            **provenance(self.program, self.wish.readings),
            "年度": f"{self.wish.years.start}..{self.wish.years.stop - 1}",
            "金额单位": self.wish.units.value,
        }
        return {k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for k, v in told.items()}

    # ── running ──
    def part(
        self, part: Part, output: Path | None, closing: Path | None, heard: Heard, folder: Path
    ) -> tuple[Count, pl.DataFrame | None]:
        """Compute one part: write its results (or return them, without ``output``) and its closing state; tell ``heard`` of rejects."""
        import polars as pl

        made = self.query(part, folder, closing is not None)
        tally = Tally(closing, self.origin)
        with tally:
            results = made.passing(tally)
            results = results if self.layout is Shape.WIDE else lengthened(results, made, self.wish.years)
            wanted = results if output is None else sink(results, output, self.origin)
            found = wanted.collect(engine="streaming")
        frame = found if output is None else None
        rows = tally.read if self.shape is Shape.WIDE else self._gathered(part)
        breaches = {name: number for name, number in tally.breaches.items() if number}
        count = Count(rows, tally.read, tally.taken, breaches=breaches)
        if count.computed < count.records:
            extra = self._hear(made, heard, count, closing)
            if extra is not None and output is not None:
                append(output, extra, self.origin)
            elif extra is not None and frame is not None:
                frame = pl.concat([frame, extra])
        if count.records != count.computed + count.rejected:
            raise AssertionError(f"{count.records} read, {count.computed} computed, {count.rejected} rejected")
        self.results_schema = results.collect_schema()
        return count, frame

    def _gathered(self, part: Part) -> int:
        """How many rows of a long table went to persons: all that there were when they were counted. Raises UsageError."""
        held = self._long(part)
        counted, *_ = held.survey
        if held.gathered != counted:
            told = {"path": str(part.path or ""), "counted": f"{counted:,}", "found": f"{held.gathered:,}"}
            raise UsageError([Diagnostic("E748", told)])
        return counted

    # ── what was set aside ──
    def _hear(self, made: Query, heard: Heard, count: Count, closing: Path | None) -> pl.DataFrame | None:
        """Hear the rows set aside; return the results of those that are sound after all, whose states go to ``closing``."""
        import polars as pl

        bad = set_aside(self.program, made.plan, made.table)
        frames = [bad]
        if made.failed is not None:
            failed = made.failed.collect(engine="streaming")[ID]
            frames.append(
                made.table.frame.filter(pl.col(made.table.headings.ident).cast(pl.String).is_in(failed.implode()))
            )
        judge = Judge(
            self.rules.reader(self.compiled, self.states is not None), made.table.headings, self.wish.units,
            self.twice, self.wish.lang, self._computed,
        )  # fmt: skip
        taken: list[Result] = []
        cells: dict[str, dict[str, Any]] = {}
        for frame in frames:
            for portion in in_portions(frame):
                rows = self._without_empty(portion, made, count)
                cells |= {
                    str(row.pop(ID)): row
                    for row in rows.select(pl.col(judge.headings.ident).alias(ID), *made.table.kept).to_dicts()
                }
                for outcome in self._outcomes(judge, made, rows):
                    if isinstance(outcome, Result) and (closing is None or self._stays_ours(outcome, made)):
                        taken.append(outcome)
                        continue
                    count.rejected += 1
                    for one in outcome if isinstance(outcome, list) else self._moves(outcome):
                        count.faults += 1
                        heard(one)
        count.computed += len(taken)
        if taken and closing is not None:
            append(closing, self._states_of(taken, made), self.origin)
        return self._frame_of(taken, made, cells) if taken else None

    def _without_empty(self, rows: pl.DataFrame, made: Query, count: Count) -> pl.DataFrame:
        """The rows without those of a CSV or XLSX file in which nothing is written: they are nobody, and not counted."""
        import polars as pl

        if not written_out(made.table.path):
            return rows
        if self.shape is Shape.LONG:
            empty = pl.Series(
                [n is None and n not in self._rows_of(rows[ID][i : i + 1]) for i, n in enumerate(rows[ID])]
            )
        else:
            texts = [pl.col(n) for n, kind in rows.schema.items() if kind == pl.String]
            empty = rows.select(pl.all_horizontal(t.is_null() | (t.str.strip_chars() == "") for t in texts)).to_series()
        count.records -= int(empty.sum() or 0)
        count.rows -= int(empty.sum() or 0) if self.shape is Shape.WIDE else 0
        return rows.filter(~empty.cast(pl.Boolean))

    def _states_of(self, results: Sequence[Result], made: Query) -> pl.DataFrame:
        """The states that results of the interpreter leave behind."""
        import polars as pl

        schema = made.closing().collect_schema()
        rows = []
        for result in results:
            state = result.closing()[1]
            values = {o.column: state.get(o.rule) for o in made.plan.closing}
            rows.append({name: {ID: result.person.id, **values}[name] for name in schema})
        return pl.DataFrame(rows, schema=schema, orient="row")

    def _computed(self, person: Person, opening: Opening | None) -> Result:
        """The results of one person, by the interpreter."""
        if self.states is not None and opening is None:
            raise UsageError([no_state(person.id)])
        return self.rules.run(self.compiled, person, self.rules.opened(opening, self.compiled.program))

    @staticmethod
    def _stays_ours(result: Result, made: Query) -> bool:
        """Whether the state in which a person leaves the last year is one of these rules."""
        return not result.stays or result.closing()[1].keys() == {o.rule for o in made.plan.closing}

    def _moves(self, result: Result) -> list[Reject]:
        """Of who ends under other rules no closing state of these can be kept."""
        year, place = max((y, p) for y, p in result.person.places.items() if y < self.wish.years.stop)
        reason = "年末在那里，期末状态不是本地区的，要在那里计算 / the person ends there, with a state that is not of this place: to be computed there"
        arguments = {
            "person": result.person.id,
            "year": year,
            "own": self.rules.place,
            "place": place,
            "reason": reason,
        }
        return [reject(Diagnostic("E806", arguments), result.person.id, self.wish.lang)]

    def _outcomes(self, judge: Judge, made: Query, rows: pl.DataFrame) -> Iterator[list[Reject] | Result]:
        import polars as pl

        if self.shape is Shape.WIDE:
            yield from judge.hear(rows.select(pl.exclude("^期初 .*$")), self._openings(made, rows))
            return
        ident = made.table.headings.ident
        ids = rows[ident]
        openings = self._openings(made, rows)
        said = self._misread_in(ids)
        for name, own in self._rows_of(ids).items():
            if name in said:
                yield judge.misread(name, said[name])
                continue
            if name is not None and name in judge.twice:
                yield judge.repeated(name)
                continue
            header, cells = own
            yield judge.judged(header, cells, openings)

    def _misread_in(self, ids: pl.Series) -> dict[str | None, str]:
        """Who of a long table has a row that could not be read as it stands, and what is said of the first."""
        import polars as pl

        found: dict[str | None, str] = {}
        ident = pl.col(self.headings.ident)
        for part in self.parts:
            for odd in misread(part.frame):
                bad = part.frame.filter(odd & ident.is_in(ids.implode(), nulls_equal=True))
                for name, told in bad.select(ident, MISREAD).collect(engine="streaming").iter_rows():
                    found.setdefault(name, told)
        return found

    def _rows_of(
        self, ids: pl.Series
    ) -> dict[str | None, tuple[tuple[str, ...], list[tuple[int, tuple[object, ...]]]]]:
        """The rows of a long table (with those of its second table) of some persons, with their numbers in the file."""
        import polars as pl

        from tiaoli.batch.rejecting import plain

        ident, year = self.headings.ident, self.headings.year
        facts = {g.name: g.fact for g in self.headings.columns}
        names = [ident, str(year), *(g.name for g in self.headings.columns)]
        header = (ID_KEYS[0], YEAR, *names[2:])
        found: dict[str | None, tuple[tuple[str, ...], list[tuple[int, tuple[object, ...]]]]] = {}
        wanted = ids.implode()
        for part in self.parts:
            frame = part.frame.with_row_index("\0n", offset=2).with_columns(pl.col(ident).cast(pl.String))
            rows = (
                frame.filter(pl.col(ident).is_in(wanted, nulls_equal=True))
                .select("\0n", *names)
                .collect(engine="streaming")
            )
            texts = written_out(part.path)
            for number, *cells in rows.iter_rows():
                if texts and not any(isinstance(v, str) and v.strip() for v in cells):
                    continue
                own = found.setdefault(cells[0], (header, []))
                values = [plain(v, facts.get(n), self.wish.units) for n, v in zip(names, cells, strict=True)]
                own[1].append((number, tuple(values)))
        return self._with_second(found, ids) if self.persons is not None else found

    def _with_second(self, found: dict[str | None, Any], ids: pl.Series) -> dict[str | None, Any]:
        """The rows with those of the second table before them, which give what belongs to the person."""
        import polars as pl

        from tiaoli.batch.rejecting import plain

        persons = self._persons()
        assert persons is not None and self.persons_headings is not None
        facts = {g.name: g.fact for g in self.persons_headings.columns}
        named = pl.col(self.headings.ident).is_in(ids.implode(), nulls_equal=True)
        own = persons.filter(named).collect(engine="streaming")
        given = [dict(row) for row in own.iter_rows(named=True)]
        alone = found.keys() - {row[self.headings.ident] for row in given}
        for row in [*given, *({self.headings.ident: name} for name in alone)]:
            name = row.pop(self.headings.ident)
            header, rows = found.get(name, ((ID_KEYS[0], YEAR), []))
            extra = tuple(facts)
            values = tuple(plain(row.get(n), facts[n], self.wish.units) for n in extra)
            widened = [(number, (*cells, *(None for _ in extra))) for number, cells in rows]
            blank = (name, None, *(None for _ in header[2:]), *values)
            found[name] = ((*header, *extra), [(1, blank), *widened])
        return found

    def _openings(self, made: Query, rows: pl.DataFrame) -> dict[str, Opening]:
        if self.states is None:
            return {}
        year = self.states.year
        ident = made.table.headings.ident
        prefix = state_column("")
        names = [n for n in rows.columns if n.startswith(prefix)]
        found: dict[str, Opening] = {}
        for row in rows.filter(HAS_STATE).select(ident, *names).iter_rows(named=True):
            values = {n.removeprefix(prefix).rpartition(YEAR_SIGN)[0]: row[n] for n in names}
            found[str(row[ident])] = (year, values)
        return found

    def _frame_of(self, results: Sequence[Result], made: Query, cells: Mapping[str, Mapping[str, Any]]) -> pl.DataFrame:
        """Results of the interpreter as a table of results."""
        import polars as pl

        schema = made.results().collect_schema()
        rows = []
        for result in results:
            row: dict[str, Any] = {ID: result.person.id, **cells[result.person.id]}
            for output in made.plan.outputs:
                row[output.column] = self._held(output.rule, result[output.year][output.rule])
            for code in made.plan.reasons:
                row[code.column] = self._code(result, code.rule, code.year)
            rows.append({name: row.get(name) for name in schema})
        frame = pl.DataFrame(rows, schema=schema, orient="row")
        return frame if self.layout is Shape.WIDE else lengthened(frame.lazy(), made, self.wish.years).collect()

    def _code(self, result: Result, rule: str, year: int) -> int | None:
        """The clause that decided; a year under other rules has no code here."""
        own = next((stay for stay in result.stays if year in stay), result)
        return code_of(own, rule, year) if self._same(own.place) else None

    def _held(self, name: str, value: Any) -> Any:
        """A value of the interpreter as the table of results holds it."""
        from decimal import Decimal

        if self.wish.units is Units.FEN and isinstance(value, Decimal):
            return int(value.scaleb(held_as(self.program, name)[1]))
        return value


__all__ = ["Count", "Heard", "Reject", "Rejects", "Run", "Wish", "given_twice", "lengthened", "scan", "sink"]
