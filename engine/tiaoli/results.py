"""Results → files and tables: JSON Lines, JSON, CSV, XLSX, and a table for the terminal. Figures stay exact: no float is ever made.

A file appears whole or not at all: it is written under another name and renamed at the end.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO, TypeAlias

from tiaoli import exact_json
from tiaoli.backends.interpreter import Compiled
from tiaoli.model import Program
from tiaoli.show_value import show_value
from tiaoli.trace import in_units, outward
from tiaoli.values import INSURED, Kind, Type

SUFFIXES = (".jsonl", ".json", ".csv", ".xlsx")
Row: TypeAlias = tuple[Any, ...]
Rows: TypeAlias = Mapping[int, Row]


def provenance(program: Program, readings: Mapping[str, str]) -> dict[str, Any]:
    """Return what a result rests on: engine, hash of the rulesets, place, and the reading of every open question."""
    from tiaoli import __version__

    taken = {name: readings.get(name, q.default) for name, q in program.questions.items()}
    return {"引擎": f"tiaoli {__version__}", "规则集": program.fingerprint, "地区": program.place, "读法": taken}


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

    Of other kinds than persons, 对象 comes first. Generated once a run: money as a number in yuan, dates ISO, a rule not in force null.
    """
    space: dict[str, Any] = {"money": money_text, "scaled": _scaled_text, "day": _date_text, "dumps": _dumps}
    lines = ["def write(ident, rows):", "    who = dumps(ident)", "    out = []"]
    kind = "" if compiled.entity == INSURED else f'"对象":{_dumps(compiled.entity)},'
    for year in compiled.asked:
        pieces = [f'{{{{{kind}"编号":{{who}},"年度":{year}']
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
    return f'{{"null" if {slot} is None else {text}}}'  # 无, or a year under rules of a place that has no such rule


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
    """Where results go. `add` takes one record; `close` ends the file. ``kinds``: what is computed of each kind of record, persons first."""

    def add(self, ident: str, rows: Rows, entity: str = INSURED) -> None:
        raise NotImplementedError

    def close(self) -> None:
        pass


class JsonLines(Sink):
    """One object a record and year; with ``header`` a first line that says what the results rest on."""

    def __init__(self, kinds: Sequence[Compiled], stream: TextIO, header: bool) -> None:
        self._write, self._lines = stream.write, {c.entity: json_writer(c) for c in kinds}
        if header:
            stream.write(json.dumps(provenance(kinds[0].program, kinds[0].readings), ensure_ascii=False) + "\n")

    def add(self, ident: str, rows: Rows, entity: str = INSURED) -> None:
        self._write(self._lines[entity](ident, rows))


class JsonFile(Sink):
    """One object: 引擎, 规则集, 地区, 读法, and 结果 with one object a record and year."""

    def __init__(self, kinds: Sequence[Compiled], stream: TextIO) -> None:
        self._stream, self._lines, self._first = stream, {c.entity: json_writer(c) for c in kinds}, True
        stream.write(
            json.dumps(provenance(kinds[0].program, kinds[0].readings), ensure_ascii=False, indent=1)[:-2]
            + ',\n "结果": ['
        )

    def add(self, ident: str, rows: Rows, entity: str = INSURED) -> None:
        for line in self._lines[entity](ident, rows).splitlines():
            self._stream.write(("\n  " if self._first else ",\n  ") + line)
            self._first = False

    def close(self) -> None:
        self._stream.write("\n ]\n}\n")


class CsvFile(Sink):
    """One row a record and year of one kind, and what the results rest on in the last four columns. Starts with a mark so that Excel
    reads UTF-8."""

    def __init__(self, compiled: Compiled, stream: TextIO) -> None:
        self._compiled = compiled
        self._writer = csv.writer(stream, lineterminator="\r\n")
        origin = provenance(compiled.program, compiled.readings)
        readings = "；".join(f"{k}={v}" for k, v in origin["读法"].items())
        self._origin = [origin["引擎"], origin["规则集"], origin["地区"], readings]
        stream.write("\ufeff")
        self._writer.writerow(["编号", "年度", *compiled.outputs, "引擎", "规则集", "地区", "读法"])

    def add(self, ident: str, rows: Rows, entity: str = INSURED) -> None:
        for year, row in rows.items():
            values = [csv_text(v) for v in cells(self._compiled, row, year)]
            self._writer.writerow([safe_text(ident), year, *values, *self._origin])


class CsvFiles(Sink):
    """A file for each kind of record."""

    def __init__(self, sinks: Mapping[str, CsvFile]) -> None:
        self._sinks = sinks

    def add(self, ident: str, rows: Rows, entity: str = INSURED) -> None:
        self._sinks[entity].add(ident, rows)


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
    """A sheet 结果 with one row a person-year, one for each other kind of record, and a sheet 说明 with what the results rest on."""

    def __init__(self, kinds: Sequence[Compiled], path: Path) -> None:
        from openpyxl import Workbook

        self._path = path
        self._book = Workbook(write_only=True)
        self._kinds = {compiled.entity: (compiled, *self._begun(compiled)) for compiled in kinds}

    def _begun(self, compiled: Compiled) -> tuple[Any, list[str]]:
        """A sheet with its first row, and the formats of its columns."""
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.styles import Font

        sheet = self._book.create_sheet("结果" if compiled.entity == INSURED else compiled.entity[:31])
        sheet.freeze_panes = "C2"
        head = [WriteOnlyCell(sheet, value=text) for text in ("编号", "年度", *compiled.outputs)]
        for cell in head:
            cell.font = Font(bold=True)
        sheet.append(head)
        return sheet, [FORMATS.get(kind.kind, "General") for kind in kinds(compiled)]

    def add(self, ident: str, rows: Rows, entity: str = INSURED) -> None:
        from openpyxl.cell import WriteOnlyCell

        compiled, sheet, formats = self._kinds[entity]
        for year, row in rows.items():
            line: list[Any] = [_text_cell(sheet, ident), year]
            for value, form in zip(cells(compiled, row, year), formats, strict=True):
                shown = ("是" if value else "否") if isinstance(value, bool) else value
                cell = _text_cell(sheet, shown) if isinstance(shown, str) else WriteOnlyCell(sheet, value=shown)
                cell.number_format = form
                line.append(cell)
            sheet.append(line)

    def close(self) -> None:
        notes = self._book.create_sheet("说明")
        first = next(iter(self._kinds.values()))[0]
        for key, value in provenance(first.program, first.readings).items():
            text = "；".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else value
            notes.append([key, text])
        self._book.save(self._path)


def _text_cell(sheet: Any, text: str) -> Any:
    """A cell that is text whatever it begins with."""
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=text)
    cell.data_type = "s"
    return cell


FORMATS = {Kind.MONEY: "#,##0.00", Kind.RATE: "0.00##%", Kind.DATE: "yyyy-mm-dd"}


def open_sink(stack: ExitStack, kinds: Sequence[Compiled], output: Path, header: bool) -> Sink:
    """Return the sink for the suffix of ``output``; its files become visible when ``stack`` ends well.

    A table has one kind of record: results of other kinds than persons go to sheets of their own, or to `out.<kind>.csv`.
    """
    suffix = output.suffix.lower()
    if suffix == ".csv":
        files = {c.entity: _stream(stack, output_of(output, c.entity)) for c in kinds}
        return CsvFiles({c.entity: CsvFile(c, files[c.entity]) for c in kinds})
    if suffix == ".xlsx":
        return XlsxFile(kinds, stack.enter_context(whole_file(output)))
    stream = _stream(stack, output)
    return JsonLines(kinds, stream, header) if suffix == ".jsonl" else JsonFile(kinds, stream)


def output_of(output: Path, entity: str) -> Path:
    """Return the file for results of a kind of record in a form that has one file for each."""
    return output if entity == INSURED else output.with_name(f"{output.stem}.{entity}{output.suffix}")


def _stream(stack: ExitStack, path: Path) -> TextIO:
    partial = stack.enter_context(whole_file(path))
    return stack.enter_context(partial.open("w", encoding="utf-8", newline=""))


# ── opening states ───────────────────────────────────────────────────────────


def closing_line(ident: str, year: int, state: Mapping[str, Any], entity: str = INSURED) -> str:
    """Return one line of a file of states: kind (but of persons), id, year, and each value as a record would write it."""
    kind = {} if entity == INSURED else {"对象": entity}
    plain = {name: value.isoformat() if isinstance(value, date) else value for name, value in state.items()}
    return exact_json.dumps({**kind, "编号": ident, "年度": year, "期初": plain}, indent=None) + "\n"


def read_openings(path: Path) -> dict[tuple[str, str], tuple[int, dict[str, Any]]]:
    """Return the states of a file that `closing_line` wrote, by kind and id, their values as written. Raises ValueError(reason in both
    languages, line)."""
    found: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                key, year, state = _opening(line, number)
                if key in found:
                    raise ValueError(f"{key[1]} 的状态写了两次\0the state of {key[1]} is given twice", number)
                found[key] = (year, state)
    return found


def state_key(line: str) -> tuple[str, str]:
    """Return the kind and id of a state that `closing_line` wrote."""
    return _opening(line, 0)[0]


def _opening(line: str, number: int) -> tuple[tuple[str, str], int, dict[str, Any]]:
    try:
        data = json.loads(line, parse_float=Decimal)
        ident, year, state = data["编号"], data["年度"], data["期初"]
        return (str(data.get("对象", INSURED)), str(ident)), int(year), dict(state.items())
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError("这一行不是期初状态\0this line is no opening state", number) from None
