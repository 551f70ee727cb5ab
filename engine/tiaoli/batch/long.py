"""Long tables → wide ones, in bounded memory: rows of a person, wherever they stand, become one row with a column a fact and year.

Cells are read as values first, a column a fact; only what a plan reads is then made wide. Where the rows of each person stand together and
the ids rise, a window moves over the file; where they rise in stretches (a year's rows behind the other's), one over each of these. Where
they do not, the rows are first dealt into parts by a hash of the id, so that all rows of a person are in one of them; each part is then a
window. In a window the rows are not sorted: for each year an index says where in the window each person's row is, and every fact is gathered
by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeAlias

from tiaoli.batch.dealing import BATCH, Dealt
from tiaoli.batch.headings import Given, Headings
from tiaoli.batch.layout import ID, YEAR_SIGN, Shape, Units
from tiaoli.batch.reading import internal, read_columns
from tiaoli.batch.sources import Span, misread, spans

if TYPE_CHECKING:
    import polars as pl

Windows: TypeAlias = "Callable[[], Iterator[pl.DataFrame]]"

WINDOW = 500_000
"""Rows in a window, about."""

RUNS = 64
"""Stretches in order of ids, at most, that are read side by side."""

AHEAD = 3
"""Windows that are read at a time where several stretches are: to read little of each takes longer."""

PRESENT = "\0有"
ODD = "\0疑"
"""Columns of a widened table: whether the person has a row of the year; whether a row of it is faulty, or they contradict each other."""

_ROW, _AT = "\0行", "\0年"
_NOWHERE = 2**32 - 1
"""No row of a window."""
_NO_YEAR = 0
"""In place of the year of a row that has neither a year nor yearly facts: it tells of the person alone."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A column of a widened table: of the column ``source`` of the long one, in ``year``, or (None) of the whole record."""

    column: str
    source: str
    year: int | None


@dataclass
class Long:
    """A long table whose cells were read as values: ids, years, a column a fact, and `ODD` where a cell is broken.

    ``ids`` are the ids and years alone, as they stand; ``cuts``: pieces in which the rows can be read,
    as first row and length, or None. ``persons``: facts of whole records in a second table, read the same way.
    ``gathered``: how many rows came into windows when it was last made wide.
    """

    frame: pl.LazyFrame
    ids: pl.LazyFrame
    headings: Headings
    cuts: Sequence[tuple[int, int]] | None
    persons: pl.LazyFrame | None = None
    persons_headings: Headings | None = None
    gathered: int = 0

    @cached_property
    def survey(self) -> tuple[int, int | None, int | None, int]:
        """Rows, first and last year, and how many rows have no id."""
        import polars as pl

        ident, year = pl.col(ID), pl.col(_AT)
        edges = self.ids.select(pl.len(), year.min().alias("a"), year.max().alias("b"), ident.null_count().alias("c"))
        rows, first, last, nameless = edges.collect(engine="streaming").row(0)
        return rows, first, last, nameless

    @cached_property
    def runs(self) -> list[tuple[int, int]]:
        """Stretches of rows along which ids rise, equal ones next to each other, as first row and length; none where there are too many."""
        import polars as pl

        rows, _, _, nameless = self.survey
        if nameless or not rows:
            return []
        ident = pl.col(ID)
        falls = self.ids.select(ident).with_row_index(_ROW).filter(ident < ident.shift(1)).select(_ROW).head(RUNS)
        starts = [0, *falls.collect(engine="streaming")[_ROW].to_list(), rows]
        return [(a, b - a) for a, b in pairwise(starts)] if len(starts) <= RUNS + 1 else []

    @property
    def years(self) -> range:
        """The years of which there are rows."""
        _, first, last, _ = self.survey
        return range(0) if first is None or last is None else range(first, last + 1)

    @property
    def wide(self) -> Headings:
        """The headings of the widened table, ids under `ID`."""
        columns: list[Given] = []
        for given in self.headings.columns:
            if given.fact is not None and not given.fact.yearly:
                columns.append(given)
            elif given.fact is not None:
                columns += (Given(f"{given.name}{YEAR_SIGN}{year}", given.fact, year) for year in self.years)
        columns += self.persons_headings.columns if self.persons_headings is not None else ()
        return replace(self.headings, shape=Shape.WIDE, ident=ID, year=None, columns=tuple(columns))


def read_long(
    frame: pl.LazyFrame,
    headings: Headings,
    units: Units,
    elsewhere: Sequence[str],
    kept: Sequence[str],
    path: Path | None,
    first: int,
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Return the rows of a long table with cells read as values, and the ids and years alone; rows under a place of ``elsewhere``, or of years
    before ``first``, count as broken, ``kept`` stay as they are.

    Raises UsageError for columns that can hold no value of their fact.
    """
    import polars as pl

    known = spans(path)
    frame, values, broken = _read(frame, headings, units, None if path is None else str(path), known)
    places = [pl.col(g.name).is_in(list(elsewhere)) for g in headings.columns if g.fact is None and elsewhere]
    conditions = [b.fill_null(False) for b in (*broken, *places, *misread(frame))] or [pl.lit(False)]
    assert headings.year is not None
    ident = pl.col(headings.ident).cast(pl.String).alias(ID)
    left = [name for name in kept if name not in {g.name for g in headings.columns if g.fact is not None}]
    yearly = [pl.col(g.name).is_not_null() for g in headings.columns if g.fact is None or g.fact.yearly]
    year, empty = _year(headings.year, frame.collect_schema()[headings.year])
    if headings.year not in known or known[headings.year].low < first:
        conditions.append((year < first).fill_null(False))
    at = year
    if headings.year not in known or known[headings.year].nulls:
        alone = empty & ~pl.any_horizontal(yearly) if yearly else empty
        at = pl.when(alone).then(pl.lit(_NO_YEAR, dtype=pl.Int32)).otherwise(year)
    rows = frame.select(ident, at.alias(_AT), *values, *left, pl.any_horizontal(conditions).alias(ODD))
    return rows, frame.select(ident, year.alias(_AT))


def read_persons(frame: pl.LazyFrame, headings: Headings, units: Units) -> pl.LazyFrame:
    """Return a second table, of facts of whole records, with cells read as values."""
    import polars as pl

    frame, values, broken = _read(frame, headings, units, None, {})
    conditions = [b.fill_null(False) for b in broken] or [pl.lit(False)]
    return frame.select(
        pl.col(headings.ident).cast(pl.String).alias(ID), *values, pl.any_horizontal(conditions).alias(ODD)
    )


def _read(
    frame: pl.LazyFrame, headings: Headings, units: Units, path: str | None, known: Mapping[str, Span]
) -> tuple[pl.LazyFrame, Sequence[pl.Expr], Sequence[pl.Expr]]:
    facts = [(g.name, g.fact) for g in headings.columns if g.fact is not None]
    read = read_columns(frame, frame.collect_schema(), facts, units, known, path)
    values = [read.values[n].cast(internal(fact), wrap_numerical=True).alias(n) for n, fact in facts]
    return read.frame, values, read.broken


def _year(name: str, kind: pl.DataType) -> tuple[pl.Expr, pl.Expr]:
    """The year of a row, null where it is none; and whether the cell is empty."""
    import polars as pl

    cell = pl.col(name)
    if kind.is_integer():
        return pl.when((cell >= 1000) & (cell <= 9999)).then(cell).cast(pl.Int32), cell.is_null()
    text = cell.cast(pl.String).str.strip_chars()
    plain = text.str.strip_suffix("年度").str.replace(r"^(\d{4})\.0+$", "${1}")
    year = pl.when(plain.str.contains(r"^[1-9]\d{3}$")).then(plain).cast(pl.Int32, strict=False)
    return year, text.fill_null("") == ""


def widen(held: Long, wanted: Sequence[Wanted], present: Sequence[int], folder: Path) -> pl.LazyFrame:
    """Return one row a record: `ID`, the columns wanted, `PRESENT` for the years asked, `ODD`.

    ``folder``: where temporary files may be; they are gone when all was read.
    """
    rows, *_ = held.survey
    own = set(held.frame.collect_schema().names())
    plan = _Widening(
        held,
        tuple(w for w in wanted if w.source in own),
        tuple(w for w in wanted if w.source not in own),
        tuple(present),
    )
    windows = plan.windows_by_hash(folder, rows)
    if held.persons is None and len(held.runs) == 1:
        windows = plan.windows_in_order
    elif held.persons is None and held.runs and held.cuts is not None:
        windows = plan.windows_of_runs
    return _source(held, windows, plan.schema())


@dataclass(frozen=True)
class _Widening:
    """The work on one table. ``beside``: what is wanted of the second one."""

    held: Long
    wanted: tuple[Wanted, ...]
    beside: tuple[Wanted, ...]
    present: tuple[int, ...]

    @cached_property
    def rows(self) -> pl.LazyFrame:
        """The rows with the columns that are read."""
        return self.held.frame.select(ID, _AT, *dict.fromkeys(w.source for w in self.wanted), ODD)

    @cached_property
    def by_source(self) -> list[Wanted]:
        """What is wanted, one column of the table after the other: each is still at hand when its next year is gathered."""
        return sorted(self.wanted, key=lambda w: w.source)

    @cached_property
    def persons(self) -> pl.LazyFrame | None:
        import polars as pl

        if self.held.persons is None:
            return None
        return self.held.persons.select(ID, *(pl.col(w.source).alias(w.column) for w in self.beside), ODD)

    def schema(self) -> dict[str, pl.DataType]:
        import polars as pl

        own = self.held.frame.collect_schema()
        found: dict[str, pl.DataType] = {ID: pl.String()}
        found |= {w.column: own[w.source] for w in self.wanted}
        if self.persons is not None:
            second = self.persons.collect_schema()
            found |= {w.column: second[w.column] for w in self.beside}
        found |= {f"{PRESENT}{year}": pl.Boolean() for year in self.present}
        return {**found, ODD: pl.Boolean()}

    # ── windows ──
    def windows_in_order(self) -> Iterator[pl.DataFrame]:
        """Yield wide frames while a window moves over rows in order of ids; the last person of each waits for the next."""
        import polars as pl

        waiting: list[pl.DataFrame] = []
        height = 0
        for batch in self._batches():
            waiting.append(batch)
            height += batch.height
            if height < WINDOW:
                continue
            held = pl.concat(waiting, rechunk=True)
            cut = int(held[ID].search_sorted(held[ID][-1], side="left"))
            if cut:
                yield self.window(held[:cut])
            waiting, height = [held[cut:]], held.height - cut
        if height:
            yield self.window(pl.concat(waiting, rechunk=True))

    def windows_of_runs(self) -> Iterator[pl.DataFrame]:
        """Yield wide frames while a window moves over each of several runs at once, as of files of one year after the other.

        A person is complete once every run has been read beyond it.
        """
        with ThreadPoolExecutor(1) as reader:
            yield from self._over_runs(reader)

    def _over_runs(self, reader: Executor) -> Iterator[pl.DataFrame]:
        import polars as pl

        step = -(-WINDOW // len(self.held.runs))
        runs = [_Moving(self.rows, start, start + length, reader, AHEAD * step) for start, length in self.held.runs]
        while runs:
            for run in runs:
                if run.held.height < step:
                    run.read()
            ends = [run.held[ID][-1] for run in runs if run.more]
            steps = [run.held[ID][step] for run in runs if run.held.height > step]
            taken = [run.take(min((*ends, *steps), default=None)) for run in runs]
            if not any(piece.height for piece in taken):  # rows of one person fill a step
                taken = [run.take(min(ends, default=None)) for run in runs]
            if any(piece.height for piece in taken):
                yield self.window(pl.concat(taken, rechunk=True))
            else:  # and all that is held
                for run in runs:
                    run.read()
            runs = [run for run in runs if run.more or run.held.height]

    def _batches(self) -> Iterator[pl.DataFrame]:
        """Yield the rows in order, about a window at a time."""
        if self.held.cuts is None:
            yield from self.rows.collect_batches(chunk_size=WINDOW, maintain_order=True, engine="streaming")
            return
        # Not the engine's own batches: of these it makes many more than are asked for, and holds them.
        for start, length in self.held.cuts:
            yield self.rows.slice(start, length).collect(engine="streaming")

    def windows_by_hash(self, folder: Path, rows: int) -> Windows:
        """Return the generator of windows over the parts into which the rows are dealt by a hash of the id."""

        def windows() -> Iterator[pl.DataFrame]:
            parts = max(1, -(-rows // WINDOW))
            with TemporaryDirectory(dir=folder, prefix=".tiaoli-") as held, ExitStack() as stack:
                own = stack.enter_context(Dealt(Path(held) / "rows.arrow", parts, self.rows.collect_schema()))
                if self.held.cuts is None:
                    self.rows.sink_batches(own.put, chunk_size=BATCH, maintain_order=False, engine="streaming")
                else:
                    for batch in self._batches():
                        own.put(batch)
                own.close()
                beside = None
                if self.persons is not None:
                    path = Path(held) / "persons.arrow"
                    beside = stack.enter_context(Dealt(path, parts, self.persons.collect_schema()))
                    self.persons.sink_batches(beside.put, chunk_size=BATCH, maintain_order=True, engine="streaming")
                    beside.close()
                for part in range(parts):
                    wide = self.window(own.part(part))
                    if wide.height:
                        yield wide if beside is None else self._beside(wide, beside.part(part)).select(*self.schema())

        return windows

    def _beside(self, wide: pl.DataFrame, extra: pl.DataFrame) -> pl.DataFrame:
        """A window with the facts of the second table; who is only there is nobody here."""
        import polars as pl

        twice = extra.filter(pl.col(ID).is_duplicated())[ID].unique()
        second = extra.unique(ID, keep="first").rename({ODD: "\0odd"})
        joined = wide.join(second, on=ID, how="left", maintain_order="left")
        odd = pl.col(ODD).fill_null(False) | pl.col("\0odd").fill_null(False) | pl.col(ID).is_in(twice.implode())
        return joined.with_columns(odd.alias(ODD))

    def window(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of whole persons as one row a person."""
        import numpy as np
        import polars as pl

        self.held.gathered += rows.height
        row, pid, firsts = _persons_of(rows[ID])
        people = len(firsts)
        at = rows[_AT].fill_null(-1).to_numpy()[row]
        odd = np.zeros(people, dtype=bool)
        odd[pid[rows[ODD].to_numpy()[row] | (at < 0)]] = True
        index = self._index(pid, row, at, people, odd)
        columns = [pl.col(ID).gather(pl.Series(row[firsts]))]
        columns += [pl.col(w.source).gather(index[w.year]).alias(w.column) for w in self.by_source if w.year in index]
        columns += [pl.lit(None).alias(w.column) for w in self.wanted if w.year is not None and w.year not in index]
        found = rows.select(columns)
        of_persons = [w for w in self.wanted if w.year is None]
        if of_persons:
            same = np.flatnonzero(np.diff(pid) == 0)
            sorted_rows = rows.select(w.source for w in of_persons)[pl.Series(row)]
            said = [self._of_person(sorted_rows[w.source].alias(w.column), firsts, pid, same, odd) for w in of_persons]
            found = found.with_columns(said)
        present = [
            (index[y].is_not_null() if y in index else pl.lit(False)).alias(f"{PRESENT}{y}") for y in self.present
        ]
        there = {ID, ODD, *found.columns}
        own = [name for name in self.schema() if name in there or name.startswith(PRESENT)]
        return found.with_columns(*present, pl.Series(ODD, odd)).select(own)

    def _index(self, pid: Any, row: Any, at: Any, people: int, odd: Any) -> dict[int, pl.Series]:
        """Where in the window each person's row of a year is, by year; marks in ``odd`` who has several of one."""
        import numpy as np

        years = self.held.years
        number = np.where(at == _NO_YEAR, len(years), at - years.start)
        own = at >= _NO_YEAR
        number, whose = number[own], pid[own]
        where = np.full((len(years) + 1, people), _NOWHERE, dtype=np.uint32)
        where[number, whose] = row[own]
        if np.count_nonzero(where != _NOWHERE) < len(whose):
            times = np.bincount(number * people + whose, minlength=where.size)
            odd |= (times.reshape(where.shape) > 1).any(axis=0)
        return {year: _nullable(where[i]) for i, year in enumerate((*years, _NO_YEAR))}

    @staticmethod
    def _of_person(said: pl.Series, firsts: Any, pid: Any, same: Any, odd: Any) -> pl.Series:
        """What the rows of each person say of a fact of the person: the first value. Marks in ``odd`` whom they contradict.

        ``said`` are the cells in order of persons; ``same``: the rows whose next is of the same person.
        """
        import polars as pl

        if said.null_count():
            there = said.is_not_null()
            rows = there.arg_true().to_numpy()
            value = _first_there(said, rows, pid, len(odd))
            clash = said.gather(pl.Series(rows)) != value.gather(pl.Series(pid[rows]))
            odd[pid[rows[clash.to_numpy()]]] = True
            return value
        differs = (said != said.shift(-1)).fill_null(False).to_numpy()
        odd[pid[same[differs[same]]]] = True
        return said.gather(pl.Series(firsts))


class _Moving:
    """A window that moves over some rows of a table, in order of their ids: from ``at`` on they are still to be read, ``size`` at a time.

    What comes next is read by ``reader`` while the rows at hand are worked on.
    """

    def __init__(self, rows: pl.LazyFrame, at: int, end: int, reader: Executor, size: int) -> None:
        self.rows, self.at, self.end = rows, at, end
        self.reader, self.size = reader, size
        self.held = rows.head(0).collect()
        self._next = reader.submit(self._read, at)

    @property
    def more(self) -> bool:
        return self.at < self.end

    def _read(self, at: int) -> pl.DataFrame:
        return self.rows.slice(at, min(self.size, self.end - at)).collect(engine="streaming")

    def read(self) -> None:
        """Read some rows more, if there are any."""
        import polars as pl

        if self.more:
            own = self._next.result()
            self.held, self.at = pl.concat([self.held, own]), min(self.at + self.size, self.end)
            if self.more:
                self._next = self.reader.submit(self._read, self.at)

    def take(self, edge: str | None) -> pl.DataFrame:
        """Take out the rows with ids before ``edge``; all, without one."""
        cut = self.held.height if edge is None else int(self.held[ID].search_sorted(edge, side="left"))
        taken, self.held = self.held[:cut], self.held[cut:]
        return taken


def _persons_of(ids: pl.Series) -> tuple[Any, Any, Any]:
    """Return rows in an order in which those of a person are next to each other; for each of these the number of its person, in order of ids; and
    where among them the first of each person is.
    """
    import numpy as np
    import polars as pl

    stretches = int((ids < ids.shift(1)).sum()) + ids.has_nulls()
    near = ids
    if not stretches:
        row = np.arange(len(ids), dtype=np.uint32)
    else:
        # A few stretches in order are sorted sooner than hashes; of other ids, the hashes.
        hashes = ids if stretches <= RUNS else ids.hash(seed=1)
        order = hashes.arg_sort()
        own, near = hashes.gather(order), ids.gather(order)
        if hashes is not ids and (near.ne_missing(near.shift(1)) & (own == own.shift(1))).any():  # two ids of one hash
            order = ids.arg_sort()
            near = ids.gather(order)
        row = order.to_numpy()
    begins = near.ne_missing(near.shift(1)).to_numpy().copy()
    begins[:1] = True
    firsts = np.flatnonzero(begins)
    by_id = near.gather(pl.Series(firsts, dtype=pl.UInt32)).arg_sort().to_numpy()
    rank = np.empty_like(by_id)
    rank[by_id] = np.arange(len(by_id), dtype=by_id.dtype)
    return row, rank[np.cumsum(begins) - 1], firsts[by_id]


def _first_there(said: pl.Series, rows: Any, pid: Any, people: int) -> pl.Series:
    """The first value of each person among ``rows``, in order; null where there is none."""
    import numpy as np
    import polars as pl

    where = np.full(people, _NOWHERE, dtype=np.uint32)
    where[pid[rows[::-1]]] = rows[::-1]
    return (
        said.gather(_nullable(where)).rename(said.name)
        if len(rows)
        else pl.Series(said.name, [None] * people, said.dtype)
    )


def _nullable(where: Any) -> pl.Series:
    import polars as pl

    index = pl.Series(where)
    nowhere = index == _NOWHERE
    return index.set(nowhere, None) if nowhere.any() else index


def _source(held: Long, windows: Windows, schema: dict[str, pl.DataType]) -> pl.LazyFrame:
    """A lazy frame over what ``windows`` yields."""
    import polars as pl
    from polars.io.plugins import register_io_source

    def generate(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        left = n_rows
        held.gathered = 0
        for window in windows():
            frame = window.select(
                pl.col(name).cast(kind) for name, kind in schema.items() if with_columns is None or name in with_columns
            )
            frame = frame if predicate is None else frame.filter(predicate)
            if left is not None:
                frame, left = frame.head(left), max(0, left - frame.height)
            yield frame

    return register_io_source(generate, schema=schema)
