"""Results → files and tables: JSON Lines, JSON, CSV, XLSX, and a table for the terminal. Figures stay exact: no float is ever made.

A file appears whole or not at all: it is written under another name and renamed at the end.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO, TypeAlias

from tiaoli import exact_json
from tiaoli.backends.interpreter import Compiled
from tiaoli.show_value import show_value
from tiaoli.trace import in_units, outward
from tiaoli.values import Kind, Type

SUFFIXES = (".jsonl", ".json", ".csv", ".xlsx")
Row: TypeAlias = tuple[Any, ...]
Rows: TypeAlias = Mapping[int, Row]


def provenance(compiled: Compiled) -> dict[str, Any]:
    """Return what a result rests on: engine, hash of the rulesets, place and readings."""
    from tiaoli import __version__

    program = compiled.program
    readings = {name: compiled.readings.get(name, q.default) for name, q in program.questions.items()}
    return {"引擎": f"tiaoli {__version__}", "规则集": program.fingerprint, "地区": program.place, "读法": readings}


# ── JSON texts ───────────────────────────────────────────────────────────────


@lru_cache(100_000)
def money_text(cents: int) -> str:
    """Return 分 as yuan in plain decimals: 120050 as 1200.5."""
    yuan, rest = divmod(abs(cents), 100)
    text = f"{yuan}.{rest:02d}".rstrip("0").rstrip(".") if rest else str(yuan)
    return "-" + text if cents < 0 else text


@lru_cache(100_000)
def _scaled_text(value: int, scale: int) -> str:
    from tiaoli.values import decimal_text

    return decimal_text(Fraction(value, 10**scale))


@lru_cache(100_000)
def _date_text(value: date) -> str:
    return f'"{value.isoformat()}"'


def json_writer(compiled: Compiled) -> Callable[[str, Rows], str]:
    """Return a function from (id, rows) to JSON Lines: one object a year, keys 编号, 年度 and the rules asked for.

    Generated once a run: money as a number in yuan, dates ISO, a rule not in force null.
    """
    space: dict[str, Any] = {"money": money_text, "scaled": _scaled_text, "day": _date_text, "dumps": _dumps}
    lines = ["def write(ident, rows):", "    who = dumps(ident)", "    out = []"]
    for year in compiled.asked:
        pieces = [f'{{{{"编号":{{who}},"年度":{year}']
        for index, name in enumerate(compiled.outputs):
            key = f"N{index}"
            space[key] = _dumps(name)
            pieces.append(f",{{{key}}}:{_json_piece(compiled, name, year)}")
        lines += [f"    v = rows[{year}]", f"    out.append(f'''{''.join(pieces)}}}}}\n''')".replace("\n'''", "\\n'''")]
    lines.append("    return ''.join(out)")
    exec(compile("\n".join(lines), "<tiaoli results>", "exec"), space)
    return space["write"]  # type: ignore[no-any-return]


def _dumps(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _json_piece(compiled: Compiled, name: str, year: int) -> str:
    if name not in compiled.computed.get(year, ()):
        return "null"
    rule = compiled.program.rules[name][0]
    slot = f"v[{compiled.slots[name]}]"
    match rule.type.kind:
        case Kind.MONEY:
            text = f"money({slot})"
        case Kind.RATE:
            text = f"scaled({slot}, {rule.scale})"
        case Kind.DATE:
            text = f"day({slot})"
        case Kind.BOOL:
            text = f'("true" if {slot} else "false")'
        case Kind.ENUM | Kind.PLACE | Kind.TEXT:
            text = f"dumps({slot})"
        case _:
            text = slot
    return f'{{"null" if {slot} is None else {text}}}' if rule.type.nullable else f"{{{text}}}"


# ── cells ────────────────────────────────────────────────────────────────────


def cells(compiled: Compiled, row: Row, year: int) -> list[Any]:
    """Return the values of a year as plain Python: Decimal, int, date, bool, str, None."""
    found: list[Any] = []
    for name in compiled.outputs:
        if name not in compiled.computed.get(year, ()):
            found.append(None)
            continue
        rule = compiled.program.rules[name][0]
        found.append(outward(in_units(row[compiled.slots[name]], rule.scale), rule.type.kind))
    return found


def shown_cells(compiled: Compiled, row: Row, year: int, lang: str = "zh") -> list[str]:
    """Return the values of a year as people write them; a dash where a rule is not in force."""
    found: list[str] = []
    for name in compiled.outputs:
        if name not in compiled.computed.get(year, ()):
            found.append("—")
            continue
        rule = compiled.program.rules[name][0]
        found.append(show_value(in_units(row[compiled.slots[name]], rule.scale), rule.type, lang))
    return found


def kinds(compiled: Compiled) -> list[Type]:
    return [compiled.program.rules[name][0].type for name in compiled.outputs]


# ── files ────────────────────────────────────────────────────────────────────


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a name beside ``path`` to write to; it becomes ``path`` when all went well and is removed otherwise."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


class Sink:
    """Where results go. `add` takes one person; `close` ends the file."""

    def add(self, ident: str, rows: Rows) -> None:
        raise NotImplementedError

    def close(self) -> None:
        pass


class JsonLines(Sink):
    """One object a person-year; with ``header`` a first line that says what the results rest on."""

    def __init__(self, compiled: Compiled, stream: TextIO, header: bool) -> None:
        self._write, self._line = stream.write, json_writer(compiled)
        if header:
            stream.write(json.dumps(provenance(compiled), ensure_ascii=False) + "\n")

    def add(self, ident: str, rows: Rows) -> None:
        self._write(self._line(ident, rows))


class JsonFile(Sink):
    """One object: 引擎, 规则集, 地区, 读法, and 结果 with one object a person-year."""

    def __init__(self, compiled: Compiled, stream: TextIO) -> None:
        self._stream, self._line, self._first = stream, json_writer(compiled), True
        stream.write(json.dumps(provenance(compiled), ensure_ascii=False, indent=1)[:-2] + ',\n "结果": [')

    def add(self, ident: str, rows: Rows) -> None:
        for line in self._line(ident, rows).splitlines():
            self._stream.write(("\n  " if self._first else ",\n  ") + line)
            self._first = False

    def close(self) -> None:
        self._stream.write("\n ]\n}\n")


class CsvFile(Sink):
    """One row a person-year, and what the results rest on in the last four columns. Starts with a mark so that Excel reads UTF-8."""

    def __init__(self, compiled: Compiled, stream: TextIO) -> None:
        self._compiled = compiled
        self._writer = csv.writer(stream, lineterminator="\r\n")
        origin = provenance(compiled)
        readings = "；".join(f"{k}={v}" for k, v in origin["读法"].items())
        self._origin = [origin["引擎"], origin["规则集"], origin["地区"], readings]
        stream.write("\ufeff")
        self._writer.writerow(["编号", "年度", *compiled.outputs, "引擎", "规则集", "地区", "读法"])

    def add(self, ident: str, rows: Rows) -> None:
        for year, row in rows.items():
            values = [csv_text(v) for v in cells(self._compiled, row, year)]
            self._writer.writerow([safe_text(ident), year, *values, *self._origin])


def csv_text(value: Any) -> str:
    """Return a value as a cell of CSV."""
    match value:
        case None:
            return ""
        case bool():
            return "是" if value else "否"
        case date():
            return value.isoformat()
        case str():
            return safe_text(value)
        case _:
            return f"{value:f}" if hasattr(value, "as_tuple") else str(value)


def safe_text(text: str) -> str:
    """A text that a spreadsheet would take for a formula is marked as text."""
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


class XlsxFile(Sink):
    """A sheet 结果 with one row a person-year, and a sheet 说明 with what the results rest on."""

    def __init__(self, compiled: Compiled, path: Path) -> None:
        from openpyxl import Workbook
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.styles import Font

        self._compiled, self._path = compiled, path
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet("结果")
        self._sheet.freeze_panes = "C2"
        head = [WriteOnlyCell(self._sheet, value=text) for text in ("编号", "年度", *compiled.outputs)]
        for cell in head:
            cell.font = Font(bold=True)
        self._sheet.append(head)
        self._formats = [FORMATS.get(kind.kind, "General") for kind in kinds(compiled)]

    def add(self, ident: str, rows: Rows) -> None:
        from openpyxl.cell import WriteOnlyCell

        for year, row in rows.items():
            line: list[Any] = [self._text(ident), year]
            for value, form in zip(cells(self._compiled, row, year), self._formats, strict=True):
                shown = ("是" if value else "否") if isinstance(value, bool) else value
                cell = self._text(shown) if isinstance(shown, str) else WriteOnlyCell(self._sheet, value=shown)
                cell.number_format = form
                line.append(cell)
            self._sheet.append(line)

    def _text(self, text: str) -> Any:
        """A cell that is text whatever it begins with."""
        from openpyxl.cell import WriteOnlyCell

        cell = WriteOnlyCell(self._sheet, value=text)
        cell.data_type = "s"
        return cell

    def close(self) -> None:
        notes = self._book.create_sheet("说明")
        for key, value in provenance(self._compiled).items():
            text = "；".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else value
            notes.append([key, text])
        self._book.save(self._path)


FORMATS = {Kind.MONEY: "#,##0.00", Kind.RATE: "0.00##%", Kind.DATE: "yyyy-mm-dd"}


def open_sink(compiled: Compiled, path: Path, suffix: str, header: bool) -> tuple[Sink, TextIO | None]:
    """Return the sink for a suffix of `SUFFIXES`, and the stream to close behind it."""
    if suffix == ".xlsx":
        return XlsxFile(compiled, path), None
    stream = path.open("w", encoding="utf-8", newline="")
    match suffix:
        case ".jsonl":
            return JsonLines(compiled, stream, header), stream
        case ".json":
            return JsonFile(compiled, stream), stream
        case _:
            return CsvFile(compiled, stream), stream


# ── opening states ───────────────────────────────────────────────────────────


def closing_line(ident: str, year: int, state: Mapping[str, Any]) -> str:
    """Return one line of a file of states: id, year, and each value as a record would write it."""
    plain = {name: value.isoformat() if isinstance(value, date) else value for name, value in state.items()}
    return exact_json.dumps({"编号": ident, "年度": year, "期初": plain}, indent=None) + "\n"


def read_openings(path: Path) -> dict[str, tuple[int, dict[str, Any]]]:
    """Return the states of a file that `closing_line` wrote, by id, their values as written. Raises ValueError naming the line."""
    found: dict[str, tuple[int, dict[str, Any]]] = {}
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                ident, year, state = _opening(line, path, number)
                if ident in found:
                    raise ValueError(f"{path}:{number}: {ident} 重复 / given twice")
                found[ident] = (year, state)
    return found


def _opening(line: str, path: Path, number: int) -> tuple[str, int, dict[str, Any]]:
    try:
        data = json.loads(line, parse_float=Decimal)
        ident, year, state = data["编号"], data["年度"], data["期初"]
        return str(ident), int(year), dict(state.items())
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{path}:{number}: 不是一行期初状态 / no opening state") from None
