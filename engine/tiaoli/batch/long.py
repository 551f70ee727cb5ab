"""Long tables → wide ones, in bounded memory: rows of a person, wherever they stand, become one row with a column a fact and year.

Where the rows of each person stand together and the ids rise, a window moves over the file. Where they do not, the rows are first dealt
into files by a hash of the id, so that all rows of a person are in one of them; each file is then a window. In a window the rows are not
sorted: for each year an index says where in the window each person's row is, and every fact is gathered by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeAlias

from tiaoli.batch.headings import Given, Headings
from tiaoli.batch.layout import YEAR_SIGN, Shape

if TYPE_CHECKING:
    import polars as pl

Windows: TypeAlias = "Callable[[], Iterator[pl.DataFrame]]"

WINDOW = 1_000_000
"""Rows in a window, about."""

PRESENT = "\0有"
ODD = "\0疑"
"""Columns of a widened table: whether the person has a row of the year; whether its rows contradict each other."""

_ROW, _PID, _AT = "\0行", "\0人", "\0年"


@dataclass(frozen=True, slots=True)
class Widened:
    """A long table made wide: a lazy frame, its headings, and the columns that say whether a record has a year."""

    frame: pl.LazyFrame
    headings: Headings
    present: dict[int, str]
    rows: int
    in_order: bool


def widen(frame: pl.LazyFrame, headings: Headings, folder: Path, persons: pl.LazyFrame | None = None) -> Widened:
    """Return a long table as a wide one. ``folder``: where temporary files may be; they are gone when the process ends.

    ``persons``: facts of the whole record, in a second table with the same column of ids.
    """
    import polars as pl

    assert headings.year is not None
    ident = headings.ident
    frame = frame.with_columns(pl.col(ident).cast(pl.String), _year(headings.year).alias(_AT))
    rows, first, last, rising = _survey(frame, ident)
    years = range(first, last + 1) if rows and first is not None else range(0)
    wide = tuple(_wide_columns(headings, years))
    present = {year: f"{PRESENT}{year}" for year in years}
    shape = replace(headings, shape=Shape.WIDE, year=None, columns=wide)
    plan = _Widening(frame, headings, years, persons)
    windows = plan.windows_in_order if rising and persons is None else plan.windows_by_hash(folder, rows)
    return Widened(_source(windows, plan.schema()), shape, present, rows, rising)


def _year(name: str) -> pl.Expr:
    """The year of a row; null where it is none."""
    import polars as pl

    text = pl.col(name).cast(pl.String).str.strip_chars().str.strip_suffix("年度").str.replace(r"^(\d{4})\.0+$", "${1}")
    return pl.when(text.str.contains(r"^[1-9]\d{3}$")).then(text).cast(pl.Int32, strict=False)


def _survey(frame: pl.LazyFrame, ident: str) -> tuple[int, int, int, bool]:
    """Rows, first and last year, and whether ids rise: equal ones next to each other."""
    import polars as pl

    rising = (pl.col(ident) < pl.col(ident).shift(1)).any() | pl.col(ident).is_null().any()
    found = frame.select(pl.len(), pl.col(_AT).min().alias("a"), pl.col(_AT).max().alias("b"), rising.alias("c"))
    rows, first, last, falls = found.collect(engine="streaming").row(0)
    return rows, first, last, not falls


def _wide_columns(headings: Headings, years: Sequence[int]) -> Iterator[Given]:
    for given in headings.columns:
        if given.fact is not None and not given.fact.yearly:
            yield given
        else:
            yield from (Given(f"{given.name}{YEAR_SIGN}{year}", given.fact, year) for year in years)


@dataclass(frozen=True)
class _Widening:
    """The work on one table."""

    frame: pl.LazyFrame
    headings: Headings
    years: Sequence[int]
    persons: pl.LazyFrame | None

    def schema(self) -> dict[str, pl.DataType]:
        import polars as pl

        held = self.frame.collect_schema()
        found: dict[str, pl.DataType] = {self.headings.ident: pl.String()}
        for given in self.headings.columns:
            if given.fact is not None and not given.fact.yearly:
                found[given.name] = held[given.name]
            else:
                found |= {f"{given.name}{YEAR_SIGN}{year}": held[given.name] for year in self.years}
        found |= {f"{PRESENT}{year}": pl.Boolean() for year in self.years}
        found[ODD] = pl.Boolean()
        if self.persons is not None:
            beside = self.persons.collect_schema()
            found |= {name: kind for name, kind in beside.items() if name != self.headings.ident}
        return found

    # ── windows ──
    def windows_in_order(self) -> Iterator[pl.DataFrame]:
        """Yield wide frames while a window moves over rows in order of ids; the last person of each waits for the next."""
        import polars as pl

        rest: pl.DataFrame | None = None
        for batch in self.frame.collect_batches(chunk_size=WINDOW, maintain_order=True, engine="streaming"):
            held = batch if rest is None else pl.concat([rest, batch])
            if held.height < WINDOW:
                rest = held
                continue
            last = held[self.headings.ident][-1]
            cut = int(held[self.headings.ident].search_sorted(last, side="left"))
            if cut:
                yield self.window(held[:cut])
            rest = held[cut:]
        if rest is not None and rest.height:
            yield self.window(rest)

    def windows_by_hash(self, folder: Path, rows: int) -> Windows:
        """Return the generator of windows over files into which the rows are dealt by a hash of the id."""

        def windows() -> Iterator[pl.DataFrame]:
            import polars as pl

            with TemporaryDirectory(dir=folder, prefix=".tiaoli-") as held:
                parts = max(1, -(-rows // WINDOW))
                deal(self.frame, self.headings.ident, parts, Path(held) / "rows")
                if self.persons is not None:
                    deal(self.persons, self.headings.ident, parts, Path(held) / "persons")
                for part in range(parts):
                    path = Path(held) / "rows" / f"{part}.parquet"
                    beside = Path(held) / "persons" / f"{part}.parquet"
                    if path.exists():
                        wide = self.window(pl.read_parquet(path))
                    else:
                        wide = pl.DataFrame(schema={k: v for k, v in self.schema().items() if k != ODD}).with_columns(
                            pl.lit(False).alias(ODD)
                        )
                    if self.persons is not None:
                        extra = pl.read_parquet(beside) if beside.exists() else self.persons.head(0).collect()
                        wide = self._beside(wide, extra)
                    if wide.height:
                        yield wide.select(self.schema().keys())

        return windows

    def _beside(self, wide: pl.DataFrame, extra: pl.DataFrame) -> pl.DataFrame:
        """A window with the facts of the second table; who is only there has no years."""
        import polars as pl

        ident = self.headings.ident
        twice = extra.filter(pl.col(ident).is_duplicated())[ident].unique()
        own = wide.drop([n for n in extra.columns if n != ident and n in wide.columns])
        joined = own.join(extra.unique(ident, keep="first"), on=ident, how="full", coalesce=True)
        flags = [pl.col(f"{PRESENT}{year}").fill_null(False) for year in self.years]
        odd = pl.col(ODD).fill_null(False) | pl.col(ident).is_in(twice.implode())
        return joined.with_columns(*flags, odd.alias(ODD))

    def window(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of whole persons as one row a person."""
        import numpy as np
        import polars as pl

        ident = self.headings.ident
        order = rows.select(ident, _AT).with_row_index(_ROW).sort(ident, maintain_order=True, nulls_last=True)
        pid = order[ident].rle_id().to_numpy()
        row, at = order[_ROW].to_numpy(), order[_AT].fill_null(0).to_numpy()
        people = int(pid[-1]) + 1 if len(pid) else 0
        firsts = np.searchsorted(pid, np.arange(people))
        columns = [rows[ident].gather(row[firsts])]
        odd = np.zeros(people, dtype=bool)
        odd[pid[at == 0]] = True
        index: dict[int, pl.Series] = {}
        for year in self.years:
            mine = at == year
            where = np.full(people, -1, dtype=np.int64)
            where[pid[mine]] = row[mine]
            odd |= np.bincount(pid[mine], minlength=people) > 1
            index[year] = _nullable(where)
        for given in self.headings.columns:
            if given.fact is not None and not given.fact.yearly:
                values, conflict = self._of_person(rows[given.name], index)
                columns.append(values.alias(given.name))
                odd |= conflict
            else:
                columns += [rows[given.name].gather(index[y]).alias(f"{given.name}{YEAR_SIGN}{y}") for y in self.years]
        columns += [index[year].is_not_null().alias(f"{PRESENT}{year}") for year in self.years]
        return pl.DataFrame([*columns, pl.Series(ODD, odd)])

    def _of_person(self, values: pl.Series, index: dict[int, pl.Series]) -> tuple[pl.Series, object]:
        """What the rows of each person say of a fact of the person, and whether they contradict each other."""
        import polars as pl

        said = pl.DataFrame([values.gather(where).alias(str(year)) for year, where in index.items()])
        value = said.select(pl.coalesce(pl.all()).alias("v"))["v"] if said.width else values.clear()
        clash = [said[name] != value for name in said.columns]
        conflict = pl.DataFrame([c.fill_null(False).alias(str(i)) for i, c in enumerate(clash)])
        return value, conflict.select(pl.any_horizontal(pl.all()).alias("c"))["c"].to_numpy()


def _nullable(where: Any) -> pl.Series:
    import polars as pl

    index = pl.Series(where)
    return index.set(index < 0, None) if (index < 0).any() else index


def deal(frame: pl.LazyFrame, ident: str, parts: int, folder: Path) -> None:
    """Write a table into ``parts`` files of ``folder`` by a hash of its ids, all rows of an id to one file ``<part>.parquet``."""
    import polars as pl

    folder.mkdir(parents=True)
    part = (pl.col(ident).cast(pl.String).fill_null("").hash(seed=1) % parts).cast(pl.UInt32)
    target = pl.PartitionBy(
        folder, key=part.alias("\0part"), include_key=False,
        file_path_provider=lambda given: f"{given.partition_keys.item()}.parquet",
    )  # fmt: skip
    frame.sink_parquet(target, row_group_size=20_000, compression="lz4", statistics=False, mkdir=True)


def _source(windows: Windows, schema: dict[str, pl.DataType]) -> pl.LazyFrame:
    """A lazy frame over what ``windows`` yields."""
    from polars.io.plugins import register_io_source

    def generate(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        left = n_rows
        for window in windows():
            frame = window if with_columns is None else window.select(with_columns)
            frame = frame if predicate is None else frame.filter(predicate)
            if left is not None:
                frame, left = frame.head(left), max(0, left - frame.height)
            yield frame

    return register_io_source(generate, schema=schema)
