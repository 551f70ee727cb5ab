"""Rows of a table dealt into parts by a hash of their ids: all rows of an id come to one part, wherever they stand; in bounded memory.

Rows are taken a batch at a time and put in order of parts. One temporary file holds, batch after batch, a piece for each part; a part is read by
gathering its pieces.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tiaoli.batch.layout import ID

if TYPE_CHECKING:
    import polars as pl

BATCH = 1_000_000
"""Rows that are dealt at a time, about; the more, the longer the pieces."""


class Dealt:
    """The rows of a table in ``parts`` parts: written with `put` and `close`, then read with `part`. The file is gone after its context."""

    def __init__(self, path: Path, parts: int, schema: pl.Schema) -> None:
        import polars as pl

        self.path, self.parts = path, parts
        # Each batch may have other categories, which one file cannot hold.
        self._texts = [n for n, kind in schema.items() if isinstance(kind, pl.Categorical | pl.Enum)]
        self._empty = pl.DataFrame(schema=schema)
        self._waiting: list[pl.DataFrame] = []
        self._height = 0
        self._batches = 0
        self._writer: Any = None
        self._reader: Any = None

    def __enter__(self) -> Dealt:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = None
        self.path.unlink(missing_ok=True)

    def put(self, rows: pl.DataFrame) -> None:
        """Take rows, in any order. Raises OSError where they cannot be written."""
        self._waiting.append(rows)
        self._height += rows.height
        if self._height >= BATCH:
            self._deal()

    def close(self) -> None:
        """End what is written: all rows were put."""
        from pyarrow import OSFile, ipc  # type: ignore[import-untyped,unused-ignore]

        if self._height:
            self._deal()
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            self._reader = ipc.open_file(OSFile(str(self.path)))

    def part(self, number: int) -> pl.DataFrame:
        """Return the rows of a part, in no order that is promised."""
        import polars as pl
        import pyarrow as pa

        if self._reader is None:
            return self._empty
        pieces = [self._reader.get_batch(batch * self.parts + number) for batch in range(self._batches)]
        found = pl.from_arrow(pa.Table.from_batches(pieces), rechunk=True)
        assert isinstance(found, pl.DataFrame)
        found.columns = self._empty.columns
        return found.cast({name: self._empty.schema[name] for name in self._texts})

    def _deal(self) -> None:
        import numpy as np
        import polars as pl
        from pyarrow import ipc

        # In one piece: gathering from many is several times slower.
        rows = pl.concat(self._waiting, rechunk=True).with_columns(pl.col(self._texts).cast(pl.String))
        self._waiting, self._height = [], 0
        part = rows.select((pl.col(ID).fill_null("").hash(seed=1) % self.parts).cast(pl.UInt32)).to_series()
        lengths = np.bincount(part.to_numpy(), minlength=self.parts)
        dealt = rows.select(pl.all().gather(part.arg_sort()))
        dealt.columns = [str(i) for i in range(dealt.width)]  # Arrow takes no names with a zero byte in them
        table = dealt.to_arrow().combine_chunks()
        whole = table.to_batches()[0]
        if self._writer is None:
            self._writer = ipc.new_file(str(self.path), table.schema, options=ipc.IpcWriteOptions(compression="lz4"))
        at = 0
        for length in lengths.tolist():
            self._writer.write_batch(whole.slice(at, length))
            at += length
        self._batches += 1
