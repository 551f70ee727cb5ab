"""Synthetic records as tables: the columns of a chunk as a data frame, wide or long, and data frames as one file.

A frame holds `CHUNK` records (wide: a row each; long: a row a year). Files are written as frames come; memory does not grow with their
number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from queue import Full, Queue
from threading import Thread
from typing import TYPE_CHECKING, Any

from tiaoli import model as m
from tiaoli.batch.layout import ID, YEAR, YEAR_SIGN, Shape, Units, dtype_of
from tiaoli.batch.synth import CHUNK, EPOCH, Chunk, Drawn, Plan, ident_prefix
from tiaoli.values import Kind

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

SUFFIXES = (".parquet", ".csv")
ROWS = 100_000
"""Rows in a row group of a Parquet file."""

YEAR_TYPE = "Int16"


def frames(plan: Plan, people: int, shape: Shape, units: Units) -> Iterator[pl.DataFrame]:
    """Yield the first ``people`` records of a plan, chunk by chunk. The frames of one chunk are the same whatever their number."""
    build = wide_frame if shape is Shape.WIDE else long_frame
    for number in range(-(-people // CHUNK)):
        frame = build(Chunk(plan, number), units)
        rows = (people - number * CHUNK) * (1 if shape is Shape.WIDE else len(plan.years))
        yield frame.head(rows)


def schema_of(plan: Plan, shape: Shape, units: Units) -> Mapping[str, pl.DataType]:
    """Return the columns of the frames and their types."""
    import polars as pl

    found: dict[str, pl.DataType] = {ID: pl.String()}
    if shape is Shape.LONG:
        found[YEAR] = getattr(pl, YEAR_TYPE)()
    for fact, years in plan.facts:
        kind = dtype_of(fact, units)
        wide = fact.yearly and shape is Shape.WIDE
        found |= dict.fromkeys((f"{fact.name}{YEAR_SIGN}{y}" for y in years) if wide else (fact.name,), kind)
    return found


def wide_frame(chunk: Chunk, units: Units) -> pl.DataFrame:
    """Return the records of a chunk, a row each."""
    import polars as pl

    columns = {ID: idents(chunk)}
    for fact, years in chunk.plan.facts:
        before: tuple[Drawn, pl.Series] | None = None
        for year in years or (0,):
            drawn = chunk.column(fact, year)
            if before is None or drawn is not before[0]:  # what is the same in all years is made once
                before = drawn, series(drawn, fact, units)
            columns[f"{fact.name}{YEAR_SIGN}{year}" if year else fact.name] = before[1]
    return pl.DataFrame([column.alias(name) for name, column in columns.items()])


def long_frame(chunk: Chunk, units: Units) -> pl.DataFrame:
    """Return the records of a chunk, a row a record and year, the years of a record together."""
    import numpy as np
    import polars as pl

    years = list(chunk.plan.years)
    which = np.repeat(np.arange(CHUNK), len(years))
    columns = [idents(chunk).gather(which).alias(ID), pl.Series(YEAR, years * CHUNK, dtype=getattr(pl, YEAR_TYPE)())]
    for fact, own in chunk.plan.facts:
        if fact.yearly:
            columns.append(series(_over(chunk, fact, years, own), fact, units).alias(fact.name))
        else:
            columns.append(series(chunk.column(fact, 0), fact, units).gather(which).alias(fact.name))
    return pl.DataFrame(columns)


def _over(chunk: Chunk, fact: m.Fact, years: list[int], own: tuple[int, ...]) -> Drawn:
    """The values of a fact in all years, those of a record together; none in years in which no rule reads the fact."""
    import numpy as np

    parts = {year: chunk.column(fact, year) for year in own}
    first = parts[own[0]]
    values: NDArray[Any] = np.zeros((CHUNK, len(years)), dtype=first.values.dtype)
    there = np.zeros((CHUNK, len(years)), dtype=np.bool_)
    for place, year in enumerate(years):
        if year in parts:
            values[:, place] = parts[year].values
            there[:, place] = True if parts[year].there is None else parts[year].there
    return Drawn(values.ravel(), None if there.all() else there.ravel(), first.labels)


# ── columns ──────────────────────────────────────────────────────────────────


def idents(chunk: Chunk) -> pl.Series:
    """Return the ids of a chunk: P00000001 and so on."""
    import numpy as np
    import polars as pl

    numbers = pl.Series(ID, np.arange(chunk.first + 1, chunk.first + CHUNK + 1))
    return ident_prefix(chunk.plan.entity) + numbers.cast(pl.String).str.zfill(8)


def series(drawn: Drawn, fact: m.Fact, units: Units) -> pl.Series:
    """Return a column as a table holds it: `dtype_of` the fact, null where there is no value."""
    import polars as pl

    kind = dtype_of(fact, units)
    if drawn.labels is not None:
        found = pl.Series(list(drawn.labels), dtype=pl.String()).gather(drawn.values)
        return found if drawn.there is None else found.zip_with(pl.Series(drawn.there), pl.Series([None], dtype=kind))
    made = pl.from_arrow(_arrow(drawn, fact.type.kind, kind))
    assert isinstance(made, pl.Series)
    return made


def _arrow(drawn: Drawn, kind: Kind, wanted: pl.DataType) -> Any:
    """The numbers, truth values or days as an Arrow array: its buffers are made at once, without a look at single values."""
    import numpy as np
    import polars as pl
    import pyarrow as pa  # type: ignore[import-untyped,unused-ignore]

    held: Any
    data: NDArray[Any]
    if kind is Kind.BOOL:
        held, data = pa.bool_(), np.packbits(drawn.values, bitorder="little")
    elif kind is Kind.DATE:
        held, data = pa.date32(), (drawn.values - EPOCH).astype(np.int32)
    elif isinstance(wanted, pl.Decimal):
        held, data = pa.decimal128(wanted.precision, wanted.scale), _wide(drawn.values)
    else:
        narrow = isinstance(wanted, pl.Int32)
        held, data = (pa.int32(), drawn.values.astype(np.int32)) if narrow else (pa.int64(), drawn.values)
    valid = None if drawn.there is None else pa.py_buffer(np.packbits(drawn.there, bitorder="little"))
    return pa.Array.from_buffers(held, len(drawn.values), [valid, pa.py_buffer(np.ascontiguousarray(data))])


def _wide(values: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers as those of 128 bits: shape (n, 2), the low half first."""
    import numpy as np

    found = np.empty((len(values), 2), dtype=np.int64)
    found[:, 0] = values
    found[:, 1] = values >> 63
    return found


# ── files ────────────────────────────────────────────────────────────────────


def write_frames(
    found: Iterator[pl.DataFrame],
    schema: Mapping[str, pl.DataType],
    path: Path,
    suffix: str,
    told: Callable[[int], None],
) -> None:
    """Write frames to ``path`` as ``suffix`` says; ``told`` hears how many rows each had. Raises OSError."""
    if suffix == ".csv":
        _write_csv(found, path, told)
        return
    with_parquet = _Parquet(schema, path)
    try:
        for frame in found:
            with_parquet.add(frame)
            told(frame.height)
    except BaseException:
        with_parquet.abandon()
        raise
    with_parquet.close()


def _write_csv(found: Iterator[pl.DataFrame], path: Path, told: Callable[[int], None]) -> None:
    with path.open("wb") as stream:
        for number, frame in enumerate(found):
            frame.write_csv(stream, include_header=number == 0, include_bom=False)
            told(frame.height)


class _AbandonedError(Exception):
    """Nothing more comes; what was written is not wanted."""


class _Parquet:
    """A Parquet file, written by a thread of its own while the next frame is drawn."""

    def __init__(self, schema: Mapping[str, pl.DataType], path: Path) -> None:
        self.schema = schema
        self.path = path
        self.frames: Queue[pl.DataFrame | BaseException | None] = Queue(1)
        self.fault: BaseException | None = None
        self.thread = Thread(target=self._write, daemon=True)
        self.thread.start()

    def add(self, frame: pl.DataFrame) -> None:
        """Hand on a frame. Raises what went wrong in writing."""
        self._put(frame)
        self._raise()

    def close(self) -> None:
        """End the file. Raises what went wrong in writing."""
        self._put(None)
        self.thread.join()
        self._raise()

    def abandon(self) -> None:
        """Stop writing."""
        self._put(_AbandonedError())
        self.thread.join()

    def _put(self, item: pl.DataFrame | BaseException | None) -> None:
        """Hand something to the thread, as long as it lives."""
        while self.thread.is_alive():
            with suppress(Full):
                self.frames.put(item, timeout=1)
                return

    def _raise(self) -> None:
        if self.fault is not None:
            raise self.fault

    def _source(
        self, columns: Any = None, predicate: Any = None, rows: Any = None, size: Any = None
    ) -> Iterator[pl.DataFrame]:
        while (frame := self.frames.get()) is not None:
            if isinstance(frame, BaseException):
                raise frame
            yield frame

    def _write(self) -> None:
        from polars.io.plugins import register_io_source

        try:
            source = register_io_source(self._source, schema=dict(self.schema))
            source.sink_parquet(
                self.path, compression="zstd", compression_level=1, statistics=False, row_group_size=ROWS
            )
        except BaseException as error:
            self.fault = error
