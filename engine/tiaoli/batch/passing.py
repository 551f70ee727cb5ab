"""What a run reads and writes: people counted as they pass, tables of results, states and rejects written, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from tiaoli.batch.computing import Passed, Query
from tiaoli.batch.layout import ID, YEAR, YEAR_SIGN, year_of_column
from tiaoli.batch.reading import is_blank
from tiaoli.batch.rejecting import REJECTS, Reject
from tiaoli.results import whole_file

if TYPE_CHECKING:
    import polars as pl

ROW_GROUP = 100_000
"""Rows of a group in the Parquet files written: what is held in memory at a time."""


@dataclass
class Count:
    """What became of the records of a table: rows and ``records`` read; records computed, rejected; faults found in these; how many
    break a mandate, by its text and year. Of a second table: rows of nobody here (``alone``), rows without id."""

    rows: int = 0
    records: int = 0
    computed: int = 0
    rejected: int = 0
    faults: int = 0
    breaches: dict[str, int] = field(default_factory=dict)
    alone: int = 0
    nameless: int = 0

    def add(self, other: Count) -> None:
        """Add the counts of another part."""
        self.rows += other.rows
        self.records += other.records
        self.computed += other.computed
        self.rejected += other.rejected
        self.faults += other.faults
        for mandate, count in other.breaches.items():
            self.breaches[mandate] = self.breaches.get(mandate, 0) + count


@dataclass
class Tally:
    """What passes on its way to the results: people counted, breaches added up, the closing state written to ``path``."""

    path: Path | None
    origin: Mapping[str, str]
    read: int = 0
    taken: int = 0
    breaches: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._writer: Any = None

    def __enter__(self) -> Tally:
        return self

    def __exit__(self, *_: Any) -> None:
        if self._writer is not None:
            self._writer.close()

    def __call__(self, passed: Passed) -> None:
        with self._lock:
            self.read += passed.read
            self.taken += passed.good.height
            for name, number in passed.breaches().items():
                self.breaches[name] = self.breaches.get(name, 0) + number
            if self.path is not None:
                self._write(passed.state())

    def _write(self, state: pl.DataFrame) -> None:
        from pyarrow import ipc, parquet  # type: ignore[import-untyped]

        assert self.path is not None
        if self.path.suffix.lower() == ".csv":
            first = self._writer is None
            self._writer = self._writer or self.path.open("wb")
            state.write_csv(self._writer, include_header=first, include_bom=first)
            return
        table = state.to_arrow().replace_schema_metadata({k.encode(): v.encode() for k, v in self.origin.items()})
        if self._writer is None:
            arrow = self.path.suffix.lower() == ".arrow"
            self._writer = (
                ipc.new_file(self.path, table.schema)
                if arrow
                else parquet.ParquetWriter(self.path, table.schema, compression="zstd")
            )
        self._writer.write_table(table)


def watched(frame: pl.LazyFrame, watch: Callable[[int], None]) -> pl.LazyFrame:
    """The same frame, telling of each batch that passes."""

    def count(batch: pl.DataFrame) -> pl.DataFrame:
        watch(batch.height)
        return batch

    return frame.map_batches(count, streamable=True, validate_output_schema=False)


def given_twice(frames: Sequence[pl.LazyFrame], ident: str) -> tuple[str, ...]:
    """Return the ids that occur more than once among all frames. 64-bit hashes are held of all ids, and nothing else."""
    import polars as pl

    column = pl.col(ident).cast(pl.String)
    if len(frames) == 1:
        falls = frames[0].select((column <= column.shift(1)).any()).collect(engine="streaming").item()
        if not falls:
            return ()
    import numpy as np

    every = np.concatenate([_hashes(f, column) for f in frames])
    every.sort()
    again = np.unique(every[1:][every[1:] == every[:-1]])
    if not len(again):
        return ()
    suspects = pl.Series(again)
    named = [f.filter(column.hash(seed=7).is_in(suspects.implode())).select(column.alias("i")) for f in frames]
    counted = pl.concat(named).group_by("i").len().filter((pl.col("len") > 1) & pl.col("i").is_not_null())
    return tuple(sorted(counted.collect(engine="streaming")["i"].to_list()))


def given_alone(beside: pl.LazyFrame, own: str, frames: Sequence[pl.LazyFrame], ident: str) -> tuple[int, int]:
    """Return how many rows of a second table have an id, in its column ``own``, that none of the frames has, and how many have none at all.

    64-bit hashes are held of all ids.
    """
    import numpy as np
    import polars as pl

    known = np.concatenate([_hashes(f.select(ident).unique(), pl.col(ident).cast(pl.String)) for f in frames])
    named = pl.col(own).cast(pl.String)
    nameless = named.is_null() | is_blank(named).fill_null(False)
    without = beside.select(nameless.sum()).collect(engine="streaming").item()
    return int((~np.isin(_hashes(beside.filter(~nameless), named), known)).sum()), int(without or 0)


def _hashes(frame: pl.LazyFrame, ids: pl.Expr) -> Any:
    """The hashes of the ids of a table, as an array of NumPy."""
    return frame.select(ids.hash(seed=7).alias("h")).collect(engine="streaming")["h"].to_numpy()


def lengthened(results: pl.LazyFrame, made: Query, years: range) -> pl.LazyFrame:
    """Return wide results with one row a record and year."""
    import polars as pl

    kept = made.table.kept
    plain = [name for name in kept if year_of_column(name) is None]
    columns = [*(n for n in kept if n not in plain), *(o.column for o in (*made.plan.outputs, *made.plan.reasons))]
    names = dict.fromkeys(name.rpartition(YEAR_SIGN)[0] for name in columns)
    lists = [pl.concat_arr([f"{name}{YEAR_SIGN}{year}" for year in years]).alias(name) for name in names]
    numbers = pl.lit(pl.Series([list(years)], dtype=pl.Array(pl.Int32, len(years)))).alias(YEAR)
    return results.select(ID, *plain, numbers, *lists).explode(YEAR, *names, empty_as_null=True, keep_nulls=True)


def sink(frame: pl.LazyFrame, path: Path, origin: Mapping[str, str] | None = None) -> pl.LazyFrame:
    """Return the query that writes a frame to a file, by its suffix; Parquet takes along what the results rest on, ``origin``."""
    match path.suffix.lower():
        case ".csv":
            return frame.sink_csv(path, include_bom=True, lazy=True)
        case ".arrow":
            return frame.sink_ipc(path, lazy=True)
    return frame.sink_parquet(
        path,
        compression="zstd",
        compression_level=1,
        row_group_size=ROW_GROUP,
        statistics=False,
        lazy=True,
        metadata=dict(origin or {}),
    )


def scan(path: Path, schema: pl.Schema | None = None) -> pl.LazyFrame:
    """Return a table of results; texts of a CSV as the types of ``schema``."""
    import polars as pl

    match path.suffix.lower():
        case ".csv":
            texts = pl.scan_csv(path, infer_schema=False, glob=False)
            return texts if schema is None else texts.select(_typed(n, kind) for n, kind in schema.items())
        case ".arrow":
            return pl.scan_ipc(path, glob=False)
    return pl.scan_parquet(path, glob=False)


def _typed(name: str, kind: pl.DataType) -> pl.Expr:
    import polars as pl

    return (pl.col(name) == "true").alias(name) if kind == pl.Boolean else pl.col(name).cast(kind)


def append(path: Path, extra: pl.DataFrame, origin: Mapping[str, str]) -> None:
    """Write more rows behind those of a file."""
    import polars as pl

    if path.suffix.lower() == ".csv":
        with path.open("ab") as stream:
            extra.write_csv(stream, include_header=False)
        return
    longer = path.with_name(f"{path.stem}+{path.suffix}")
    try:
        sink(pl.concat([scan(path), extra.lazy()]), longer, origin).collect(engine="streaming")
        longer.replace(path)
    finally:
        longer.unlink(missing_ok=True)


@dataclass
class Rejects:
    """The table of rejects as it is written: CSV or Parquet; None writes nothing, but counts."""

    path: Path | None
    shown: list[Reject] = field(default_factory=list)
    lines: int = 0
    codes: dict[str, int] = field(default_factory=dict)

    SHOWN = 10
    """Rejects kept to be shown; the rest are counted by code."""

    PORTION = 50_000
    """Lines written at a time."""

    def __post_init__(self) -> None:
        self._rows: list[tuple[Any, ...]] = []
        self._writer: Any = None
        self._stack = ExitStack()

    def __enter__(self) -> Rejects:
        if self.path is not None:
            self._partial = self._stack.enter_context(whole_file(self.path))
        return self

    def __exit__(self, *error: Any) -> bool | None:
        if error[0] is None:
            self._flush(last=True)
        elif self._writer is not None:
            self._writer.close()
        return self._stack.__exit__(*error)

    def __call__(self, one: Reject) -> None:
        self.lines += 1
        self.codes[one.code] = self.codes.get(one.code, 0) + 1
        if len(self.shown) < self.SHOWN:
            self.shown.append(one)
        if self.path is not None:
            self._rows.append(one.row)
            if len(self._rows) >= self.PORTION:
                self._flush()

    def _flush(self, last: bool = False) -> None:
        """Write what waits; at the end, the file even where it has no line."""
        if self.path is None:
            return
        import polars as pl

        kinds = (pl.String, pl.Int32, pl.String, pl.String, pl.String, pl.String, pl.String)
        frame = pl.DataFrame(self._rows, schema=dict(zip(REJECTS, kinds, strict=True)), orient="row")
        self._rows = []
        if self.path.suffix.lower() == ".parquet":
            self._to_parquet(frame, last)
            return
        first = self._writer is None
        if first:
            self._writer = self._partial.open("wb")
        frame.write_csv(self._writer, include_header=first, include_bom=first)
        if last:
            self._writer.close()

    def _to_parquet(self, frame: pl.DataFrame, last: bool) -> None:
        from pyarrow import parquet

        table = frame.to_arrow()
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._partial, table.schema)
        self._writer.write_table(table)
        if last:
            self._writer.close()
