"""Files of records by suffix: YAML, JSON, JSON Lines, CSV and XLSX, each handed on as plain values.

Numbers are exact from the first: decimals are never read as floats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tiaoli.record_json import read_json, read_json_lines
from tiaoli.record_places import BrokenError, Item, Trouble
from tiaoli.record_table import Shapes, read_csv, read_xlsx
from tiaoli.record_yaml import read_yaml

SUFFIXES = (".yaml", ".yml", ".json", ".jsonl", ".csv", ".xlsx")


def read_items(path: Path, shapes: Shapes, kind: str | None = None) -> Iterator[Item]:
    """Yield the records of a file, and what is wrong with the file as a whole. JSON Lines are read line by line, the others at once.

    ``kind``: that of the records of a table which does not say it itself.
    """
    suffix = path.suffix.lower()
    if trouble := _unfit(path, suffix):
        yield trouble
        return
    try:
        match suffix:
            case ".jsonl":
                yield from read_json_lines(path)
            case ".json":
                yield from read_json(decode(path.read_bytes()))
            case ".csv":
                yield from read_csv(decode(path.read_bytes()), shapes, kind)
            case ".xlsx":
                yield from read_xlsx(path, shapes, kind)
            case _:
                yield from read_yaml(decode(path.read_bytes()))
    except OSError as error:
        yield Trouble("E704", (), None, None, {"reason": error.strerror or str(error)})
    except BrokenError as broken:
        yield broken.trouble


def _unfit(path: Path, suffix: str) -> Trouble | None:
    if path.is_dir():
        return Trouble("E702", (), None, None)
    if not path.exists():
        return Trouble("E701", (), None, None)
    if suffix not in SUFFIXES:
        return Trouble("E703", (), None, None, {"suffix": path.suffix, "known": " ".join(SUFFIXES)})
    return None


def decode(data: bytes) -> str:
    """Return the text of a file in UTF-8 (with or without mark) or GB18030. Raises BrokenError."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        try:
            return data.decode("gb18030")
        except UnicodeDecodeError:
            raise BrokenError("E705", data.count(b"\n", 0, error.start) + 1, None) from None


_REACH = 2_000
"""Lines of a record in which a field is looked for."""
_HEAD = re.compile(r"""^[-\s{"']*(?:编号|id)\b""")


def field_place(path: Path, line: int, year: int | None, fact: str, value: str) -> tuple[int, int] | None:
    """Return line and column of the ``value`` of a ``fact`` (of a ``year``) in the record that begins at ``line``, None where it is not seen.

    Looked for by eye: a table has the value in a row with the year, other forms behind the names of year and fact.
    """
    if path.suffix.lower() not in (".yaml", ".yml", ".json", ".jsonl", ".csv"):
        return None
    names = [str(year)] * (year is not None) + [fact] * (path.suffix.lower() != ".csv")
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        for number, text in enumerate(islice(stream, line - 1, line + _REACH), line):
            if number > line and _HEAD.match(text) and value not in text:
                return None
            at = 0
            while names and (found := text.find(names[0], at)) >= 0:
                at = found + len(names.pop(0))
            if not names and (found := text.find(value, at)) >= 0:
                return number, found + 1
            if path.suffix.lower() == ".csv":
                names = [str(year)] * (year is not None)
    return None
