"""Where tables come from: Parquet, CSV, Arrow and XLSX files, folders of them, and frames."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiaoli.backends.columnar import UNIX, looked_up
from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import UsageError
from tiaoli.record_facts import ID_KEYS, Odd

if TYPE_CHECKING:
    import polars as pl

TABLES = (".parquet", ".csv", ".arrow", ".feather", ".ipc", ".xlsx")
"""Suffixes of files that are tables."""

MISREAD = "\0误"
"""A column beside those of a file of texts: of a row that cannot be read as it stands (it has more cells than there are columns, or an id that
is no text), what is wrong, as a code and its arguments in JSON."""
_NUMBER = "\0n"

OUTPUTS = (".parquet", ".csv", ".arrow")
"""Suffixes of tables that a run writes."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a table, or a frame (``path`` None); ``name`` is that of its results in a folder."""

    name: str
    path: Path | None
    frame: pl.LazyFrame

    def cuts(self, size: int) -> list[tuple[int, int]] | None:
        """Return where the table is best cut into pieces of about ``size`` rows (at least one): the first row of each and how many it has.

        None where rows cannot be read without those before them, as in CSV. Of Parquet, pieces are whole groups of rows.
        """
        import polars as pl

        if self.path is not None and self.path.suffix.lower() == ".parquet":
            from pyarrow import parquet  # type: ignore[import-untyped]

            footer = parquet.read_metadata(self.path)
            groups = [footer.row_group(i).num_rows for i in range(footer.num_row_groups)]
        elif self.path is None:
            rows = int(self.frame.select(pl.len()).collect(engine="streaming").item())
            groups = [min(size, rows - start) for start in range(0, rows, size)]
        else:
            return None
        found: list[tuple[int, int]] = []
        for rows in groups:
            start, held = found[-1] if found else (0, size)
            if held + rows > size and held:
                found.append((start + held if found else 0, rows))
            else:
                found[-1] = (start, held + rows)
        return found


@dataclass(frozen=True, slots=True)
class Span:
    """What the statistics of a file say of a column: from where to where its values reach (days as ordinals), and whether cells are empty."""

    low: int
    high: int
    nulls: bool


def spans(path: Path | None) -> dict[str, Span]:
    """Return what the footer of a Parquet file says of its columns of whole numbers and days; nothing where it does not say it of all rows."""
    if path is None or path.suffix.lower() != ".parquet":
        return {}
    from pyarrow import ArrowException, parquet

    try:
        footer = parquet.read_metadata(path)
    except (ArrowException, OSError):
        return {}
    schema = footer.schema
    offsets = {i: offset for i in range(len(schema)) if (offset := _offset(schema.column(i))) is not None}
    groups = [footer.row_group(i) for i in range(footer.num_row_groups)]
    found: dict[str, Span] = {}
    for i, offset in offsets.items():
        own = [(group.column(i).statistics, group.column(i).num_values) for group in groups]
        if any(s is None or not s.has_null_count or not (s.has_min_max or s.null_count == cells) for s, cells in own):
            continue
        filled = [s for s, cells in own if s.null_count < cells]
        if filled:
            low, high = min(s.min_raw for s in filled), max(s.max_raw for s in filled)
            found[schema.column(i).path] = Span(low + offset, high + offset, any(s.null_count for s, _ in own))
    return found


def _offset(column: Any) -> int | None:
    """What is added to the whole number that a column of Parquet holds to have its value, days as ordinals; None for other columns."""
    match column.physical_type, column.logical_type.type:
        case "INT32", "DATE":
            return UNIX
        case ("INT32" | "INT64", "NONE") | ("BOOLEAN", "NONE"):
            return 0
        case (("INT32" | "INT64"), "INT"):
            return 0 if json.loads(column.logical_type.to_json())["isSigned"] else None
    return None


def open_table(source: Any, heard: bool = False) -> list[Part]:
    """Return the parts of a table: a file, a folder of files, a Polars frame or an Arrow table (all that has its interface, also a frame of
    pandas). Raises UsageError, and TypeError for what is none of these.

    Rows of CSV and XLSX files that cannot be read as they stand are told in `MISREAD` where single rows are ``heard``; else they are faults of the file.
    """
    import polars as pl

    if isinstance(source, pl.LazyFrame | pl.DataFrame):
        return [Part("", None, source.lazy())]
    if isinstance(source, str | Path):
        path = Path(source)
        files = files_of(path) if path.is_dir() else [path]
        parts = [Part(file.stem, file, read_file(file)) for file in files]
        _alike(parts)
        return _with_misread(parts, heard)
    if not (hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__")):
        raise TypeError(f"a table is a Polars frame, an Arrow table or a path, not {type(source).__name__}")
    return [Part("", None, pl.DataFrame(source).lazy())]


def files_of(folder: Path) -> list[Path]:
    """Return the tables in a folder, but for hidden ones. Raises UsageError where there is none."""
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in TABLES and not p.name.startswith((".", "_")))
    if not files:
        raise UsageError([Diagnostic("E706", {"path": str(folder)})])
    return files


def _alike(parts: Sequence[Part]) -> None:
    """The files of a folder have the same columns."""
    first = set(parts[0].frame.collect_schema().names())
    for part in parts[1:]:
        other = set(part.frame.collect_schema().names())
        if other != first:
            differing = "、".join(sorted(first ^ other)[:10])
            raise UsageError(
                [Diagnostic("E858", {"path": str(part.path), "first": str(parts[0].path), "names": differing})]
            )


def whole(parts: Sequence[Part]) -> pl.LazyFrame:
    """Return all parts of a table as one frame."""
    import polars as pl

    return parts[0].frame if len(parts) == 1 else pl.concat([part.frame for part in parts])


def written_out(path: Path | str | None) -> bool:
    """Whether the cells of a table are texts, and rows of it may be empty."""
    return path is not None and Path(path).suffix.lower() in (".csv", ".xlsx")


_FORMATS = {".parquet": "Parquet", ".arrow": "Arrow", ".feather": "Arrow", ".ipc": "Arrow"}


def read_file(path: Path) -> pl.LazyFrame:
    """Return a file as a lazy frame; texts (CSV, XLSX) come as texts, whatever they look like. Raises UsageError."""
    import polars as pl

    if not path.is_file():
        raise UsageError([Diagnostic("E817", {"path": str(path)})])
    suffix = path.suffix.lower()
    try:
        match suffix:
            case ".parquet":
                frame = pl.scan_parquet(path, glob=False)
            case ".arrow" | ".feather" | ".ipc":
                frame = pl.scan_ipc(path, glob=False)
            case ".csv":
                frame = _csv(path)
            case ".xlsx":
                frame = _xlsx(path)
            case _:
                known = " ".join(TABLES)
                raise UsageError([Diagnostic("E703", {"suffix": path.suffix, "known": known}, path=str(path))])
        frame.collect_schema()
    except UnicodeDecodeError:
        raise UsageError([Diagnostic("E705", {"path": str(path)})]) from None
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        told = {"path": str(path), "reason": reason}
        if isinstance(error, pl.exceptions.PolarsError) and suffix in _FORMATS:
            raise UsageError([Diagnostic("E747", {**told, "format": _FORMATS[suffix]})]) from None
        raise UsageError([Diagnostic("E704", told)]) from None
    return frame


def _csv(path: Path) -> pl.LazyFrame:
    import polars as pl

    with path.open("rb") as stream:
        before, head = first_line(stream)
    if not head.strip():
        raise UsageError([Diagnostic("E706", {"path": str(path)})])
    encoding = _encoding(head)
    text = head.decode(encoding)
    form: dict[str, Any] = {"separator": _separator(text), "skip_lines": before, "truncate_ragged_lines": True}
    if encoding != "utf-8-sig":
        recoded = path.read_text(encoding=encoding).encode()
        return _tidy(pl.read_csv(recoded, infer_schema=False, **form).lazy(), text, path)
    return _tidy(pl.scan_csv(path, infer_schema=False, glob=False, **form), text, path)


def first_line(stream: Iterable[bytes]) -> tuple[int, bytes]:
    """Return the first line on which something is written, the names of columns, and how many stand before it."""
    lines = enumerate(stream)
    return next(((n, line) for n, line in lines if line.removeprefix(b"\xef\xbb\xbf").strip()), (0, b""))


def _tidy(frame: pl.LazyFrame, head: str, path: Path) -> pl.LazyFrame:
    """A CSV table without blanks around the names of its columns and its ids. Raises UsageError for a name that stands twice."""
    import polars as pl

    names = [name.strip() for name in next(csv.reader([head.rstrip("\r\n")], delimiter=_separator(head)), [])]
    found = frame.collect_schema().names()
    if len(names) != len(found):  # a name over several lines
        return frame
    _once(names, path)
    renamed = {old: new for old, new in zip(found, names, strict=True) if old != new}
    ids = [pl.col(n).str.strip_chars() for n in names if n in ID_KEYS]
    return frame.rename(renamed).with_columns(ids) if renamed else frame.with_columns(ids)


def _once(names: Sequence[str], path: Path) -> None:
    twice = [name for n, name in enumerate(names) if name and name in names[:n]]
    if twice:
        where = "表头 / the head"
        raise UsageError(
            [Diagnostic("E725", {"where": where, "name": twice[0], "first": 1}, path=str(path), line=1, column=1)]
        )


def _with_misread(parts: list[Part], heard: bool) -> list[Part]:
    """The parts, with `MISREAD` where a row cannot be read as it stands. Raises UsageError."""
    import polars as pl

    found = [_misread(part) for part in parts]
    if not any(found):
        return parts
    aligned = all(_same_rows(part, told) for part, told in zip(parts, found, strict=True))
    if not heard or not aligned:
        path, told = next((part.path, told) for part, told in zip(parts, found, strict=True) if told)
        raise UsageError([replace(next(iter(told.values())).diagnostic, path=str(path))])
    mended = []
    for part, told in zip(parts, found, strict=True):
        texts = {row: _as_json(own.diagnostic) for row, own in told.items()}
        said = looked_up(pl.col(_NUMBER), texts, pl.String()).alias(MISREAD)
        mended.append(replace(part, frame=part.frame.with_row_index(_NUMBER).with_columns(said).drop(_NUMBER)))
    return mended


def misread(frame: pl.LazyFrame) -> list[pl.Expr]:
    """Return whether a row could not be read as it stands; nothing where all could."""
    import polars as pl

    return [pl.col(MISREAD).is_not_null()] if MISREAD in frame.collect_schema() else []


def _as_json(said: Diagnostic) -> str:
    return json.dumps([said.code, said.arguments], ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class _Misread:
    """A row that cannot be read as it stands: its first cell, and what is said of it."""

    first: str
    diagnostic: Diagnostic


def _misread(part: Part) -> dict[int, _Misread]:
    """The rows of a file that cannot be read as they stand, by their number from 0."""
    match None if part.path is None else part.path.suffix.lower():
        case ".csv":
            return _beyond(part)
        case ".xlsx":
            assert part.path is not None
            columns, rows = _sheet(part.path)
            told = ((n, _odd(columns, row)) for n, row in enumerate(rows))
            first = next(iter(columns))
            return {n: _Misread(_cell(rows[n], first) or "", said) for n, said in told if said is not None}
    return {}


def _beyond(part: Part) -> dict[int, _Misread]:
    """The rows of a CSV file that have cells beyond its columns, by their number from 0. Raises UsageError.

    Even empty ones count: a separator too many may have shifted every value. Polars does not see them where it does not read the last columns,
    and else stops at the first. Only where separators without quotes are more than a row has are the rows read one by one.
    """
    import polars as pl

    assert part.path is not None
    width = len(part.frame.collect_schema())
    try:
        with part.path.open("rb") as stream:
            head = first_line(stream)[1]
        encoding = _encoding(head)
        separator = _separator(head.decode(encoding))
        if encoding == "utf-8-sig":
            line = pl.col("line")
            many = pl.scan_lines(part.path).filter(line.str.count_matches(separator, literal=True) >= width)
            bare = many.select(line.str.replace_all('"[^"]*"', "").str.count_matches(separator, literal=True).max())
            if (bare.collect(engine="streaming").item() or 0) < width:
                return {}
        found: dict[int, _Misread] = {}
        with part.path.open(encoding=encoding, newline="") as text:
            reader = csv.reader(text, delimiter=separator)
            next(cells for cells in reader if any(cell.strip() for cell in cells))
            at = reader.line_num + 1
            for row, cells in enumerate(reader):
                if len(cells) > width and any(cell.strip() for cell in cells):
                    column = next((n for n in range(width, len(cells)) if cells[n].strip()), width)
                    where = f"{cells[0].strip() or '—'}（第 {at} 行 / line {at}）"
                    told = {"where": where, "column": column + 1, "found": f'"{cells[column].strip()}"'}
                    found[row] = _Misread(cells[0], Diagnostic("E731", told, line=at, column=1))
                at = reader.line_num + 1
    except (pl.exceptions.PolarsError, UnicodeDecodeError, csv.Error):
        said = damage(part.path)
        if said is None:
            raise
        raise UsageError([said]) from None
    return found


def _same_rows(part: Part, told: Mapping[int, _Misread]) -> bool:
    """Whether Polars counts the rows of a file as they were counted to find those."""
    import polars as pl

    if not told:
        return True
    rows = part.frame.select(pl.nth(0)).with_row_index(_NUMBER).filter(pl.col(_NUMBER).is_in(list(told)))
    seen = dict(rows.collect(engine="streaming").iter_rows())
    return {n: (c or "").strip() for n, c in seen.items()} == {n: b.first.strip() for n, b in told.items()}


def _encoding(head: bytes) -> str:
    try:
        head.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8-sig"


def harm(path: Path) -> Diagnostic | None:
    """Return what keeps a Parquet or Arrow file from being read to its end: damage, or decimals of more than 38 digits; None for nothing."""
    import pyarrow as pa
    from pyarrow import ipc, parquet

    form = "Parquet" if path.suffix.lower() == ".parquet" else "Arrow"
    try:
        if form == "Parquet":
            file = parquet.ParquetFile(path)
            schema, pieces, read = file.schema_arrow, file.num_row_groups, file.read_row_group
        else:
            file = ipc.open_file(pa.memory_map(str(path)))
            schema, pieces, read = file.schema, file.num_record_batches, file.get_batch
        for field in schema:
            if pa.types.is_decimal256(field.type):
                told = {"name": field.name, "found": str(field.type), "type": "数", "type_en": "numbers"}
                return Diagnostic("E851", told, path=str(path))
        for piece in range(pieces):
            read(piece)
    except (pa.ArrowException, OSError) as error:
        return Diagnostic("E747", {"path": str(path), "format": form, "reason": str(error).splitlines()[0]})
    return None


def damage(path: Path) -> Diagnostic | None:
    """Return what keeps a CSV file from being read, with its line: bytes that are no text, a quote left open."""
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, 1):
            try:
                raw.decode()
            except UnicodeDecodeError:
                reason = "不是 UTF-8 文本\0it is no text in UTF-8"
                return Diagnostic("E707", {"format": "CSV", "reason": reason}, path=str(path), line=number, column=1)
    with path.open(encoding="utf-8-sig", newline="") as text:
        head = next((line for line in text if line.strip()), "")
        text.seek(0)
        reader = csv.reader(text, delimiter=_separator(head), strict=True)
        line = 1
        try:
            for _ in reader:
                line = reader.line_num + 1
        except csv.Error as error:
            return Diagnostic("E707", {"format": "CSV", "reason": str(error)}, path=str(path), line=line, column=1)
    return None


def _separator(head: str) -> str:
    return max(",\t;", key=head.count)


def _xlsx(path: Path) -> pl.LazyFrame:
    """The first sheet of a small workbook, every cell as its text."""
    import polars as pl

    columns, rows = _sheet(path)
    texts = {name: [_cell(row, at) for row in rows] for at, name in columns.items()}
    return pl.DataFrame(texts, schema=dict.fromkeys(columns.values(), pl.String)).lazy()


def _sheet(path: Path) -> tuple[dict[int, str], list[tuple[object, ...]]]:
    """The first sheet of a workbook: where its columns stand and what they are called; its rows. Raises UsageError."""
    from tiaoli.record_places import BrokenError
    from tiaoli.record_table import cells_of_workbook

    try:
        rows = list(cells_of_workbook(path))
    except BrokenError as broken:
        raise UsageError([Diagnostic(broken.trouble.code, dict(broken.trouble.arguments))]) from None
    if not rows:
        raise UsageError([Diagnostic("E706", {"path": str(path)})])
    columns = {at: str(cell).strip() for at, cell in enumerate(rows[0]) if cell not in (None, "")}
    _once(list(columns.values()), path)
    return columns, rows[1:]


def _odd(columns: Mapping[int, str], row: Sequence[object]) -> Diagnostic | None:
    """What keeps a row of a sheet from being read: a value under no name, an id that is a number of which digits are lost."""
    ident = next((at for at, name in columns.items() if name in ID_KEYS), None)
    where = "—" if ident is None else _cell(row, ident) or "—"
    for at, cell in enumerate(row):
        if at not in columns and cell not in (None, ""):
            return Diagnostic("E731", {"where": where, "column": at + 1, "found": f'"{_text(cell).strip()}"'})
    held = None if ident is None or ident >= len(row) else row[ident]
    if held in (None, "") or (isinstance(held, str | int) and not isinstance(held, bool)):
        return None
    return Diagnostic("E716", {"where": where, "name": columns[ident or 0], "found": _text(held)})


def _cell(row: Sequence[object], at: int) -> str | None:
    """The text of a cell, None where it is empty."""
    return None if at >= len(row) or row[at] in (None, "") else _text(row[at]).strip()


def _text(cell: object) -> str:
    return f"{cell:f}" if isinstance(cell, Decimal) else cell.text if isinstance(cell, Odd) else str(cell)


def rows_of(source: Path) -> int | None:
    """Return how many rows a file or folder of Parquet has, None where counting them would take reading all."""
    import polars as pl

    try:
        files = files_of(source) if source.is_dir() else [source]
        if any(file.suffix.lower() != ".parquet" for file in files):
            return None
        return sum(int(pl.scan_parquet(file, glob=False).select(pl.len()).collect().item()) for file in files)
    except (UsageError, pl.exceptions.PolarsError, OSError):
        return None
