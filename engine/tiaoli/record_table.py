"""Long tables, CSV and XLSX: one row for each record and year, put together into records. All records of a table are of one kind."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, time
from decimal import Decimal
from functools import partial
from pathlib import Path as FilePath
from typing import Any, TypeAlias

from tiaoli.model import Fact
from tiaoli.nearness import nearest
from tiaoli.record_facts import BOOLS, ID_KEYS, KIND_KEYS, PLACE_KEYS, YEARS_KEYS, Odd, Shape, kind_named, number
from tiaoli.record_places import BrokenError, Item, Located, Path, Raw, Spot, Trouble, calendar_date, shown
from tiaoli.values import INSURED, Kind

Cells: TypeAlias = tuple[object, ...]
Row: TypeAlias = tuple[int, Cells]
Shapes: TypeAlias = Mapping[str, Shape]
_YEAR_COLUMN = (*YEARS_KEYS, "year")


def read_csv(text: str, shapes: Shapes, kind: str | None = None) -> Iterator[Item]:
    """Yield the records of a table; ``kind`` is that of its records where no column says it."""
    head = text.split("\n", 1)[0]
    delimiter = max(",\t;", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        rows = list(_csv_rows(reader))
    except csv.Error as error:
        raise BrokenError("E707", reader.line_num, None, format="CSV", reason=str(error)) from None
    yield from _items(rows, shapes, kind, from_text=True)


def _csv_rows(reader: Any) -> Iterator[Row]:
    """Yield each row with its first line. Equal cells are kept once: a long table repeats itself."""
    kept: dict[str, str] = {}
    line = 1
    for cells in reader:
        yield line, tuple([kept.setdefault(cell, cell) for cell in (raw.strip() for raw in cells)])
        line = reader.line_num + 1


def read_xlsx(path: FilePath, shapes: Shapes, kind: str | None = None) -> Iterator[Item]:
    """Yield the records of the first sheet, and of each sheet that is named after a kind of record."""
    from openpyxl import load_workbook

    try:
        book = load_workbook(path, read_only=True, data_only=True)
        try:
            titles = [sheet.title for sheet in book.worksheets]
            sheets = [
                (titles[index], _with_formulas(path, index, _rows(book.worksheets[index])), own)
                for index, own in _sheets(titles, shapes, kind)
            ]
        finally:
            book.close()
    except OSError:
        raise
    except Exception as error:  # a damaged workbook fails in many ways inside the library
        raise BrokenError("E747", None, None, format="XLSX", reason=f"{type(error).__name__}: {error}") from None
    found = False
    for title, rows, own in sheets:
        for item in _items(rows, shapes, own, from_text=False):
            found = True
            yield replace(item, sheet=title)
    if not found:
        yield Trouble("E706", (), 1, 1, sheet=titles[0])


def cells_of_workbook(path: FilePath) -> Iterator[tuple[object, ...]]:
    """Yield the rows of the first sheet as plain values. Raises OSError, and BrokenError for what is no workbook."""
    from openpyxl import load_workbook

    try:
        book = load_workbook(path, read_only=True, data_only=True)
        try:
            rows = _with_formulas(path, 0, _rows(book.worksheets[0]))
        finally:
            book.close()
    except OSError:
        raise
    except Exception as error:  # a damaged workbook fails in many ways inside the library
        raise BrokenError(
            "E747", None, None, format="XLSX", path=str(path), reason=f"{type(error).__name__}: {error}"
        ) from None
    for _, cells in rows:
        if any(not _blank(cell) for cell in cells):
            yield cells


def _sheets(titles: list[str], shapes: Shapes, kind: str | None) -> Iterator[tuple[int, str | None]]:
    """Yield the sheets to read by number, each with the kind of its records where it is known."""
    for index, title in enumerate(titles):
        own = _kind_of(shapes, title)
        if own is not None and len(shapes) > 1:
            yield index, own
        elif index == 0:
            yield index, kind


def _rows(sheet: Any) -> list[Row]:
    sheet.reset_dimensions()
    return [
        (count, tuple(map(_sheet_value, cells))) for count, cells in enumerate(sheet.iter_rows(values_only=True), 1)
    ]


def _with_formulas(path: FilePath, index: int, rows: list[Row]) -> list[Row]:
    """A formula whose result was never stored reads as empty; it is handed on as an odd number, so that it is a fault of its cell."""
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True, data_only=False)
    try:
        sheet = book.worksheets[index]
        sheet.reset_dimensions()
        written = sheet.iter_rows(values_only=True)
        return [
            (count, tuple(_formula_or(value, formula) for value, formula in zip(cells, row, strict=False)))
            for (count, cells), row in zip(rows, written, strict=False)
        ]
    finally:
        book.close()


def _formula_or(value: object, written: object) -> object:
    return Odd(written) if value is None and isinstance(written, str) and written.startswith("=") else value


def _sheet_value(cell: object) -> object:
    match cell:
        case float():
            return _shortest(cell)
        case datetime() if cell.time() == time():
            return cell.date()
        case str():
            return cell.strip()
    return cell


def _shortest(value: float) -> object:
    """Return what the sheet shows: the shortest decimal that stands for the float. Of whole numbers with more than 15 digits the last are lost."""
    exact = Decimal(repr(value))
    whole = exact.is_finite() and exact == exact.to_integral_value()
    if not exact.is_finite() or (whole and abs(exact) >= 10**15):
        return Odd(repr(value))
    return int(exact) if whole else exact


def _kind_of(shapes: Shapes, name: object) -> str | None:
    return kind_named(next(iter(shapes.values())).program, name)


def _items(rows: list[Row], shapes: Shapes, kind: str | None, *, from_text: bool) -> Iterator[Item]:
    """Yield the records of a table, having found of which kind they are."""
    rows = [row for row in rows if any(not _blank(cell) for cell in row[1])]
    if not rows:
        return
    column = _find(["" if _blank(cell) else str(cell) for cell in rows[0][1]], KIND_KEYS) if len(shapes) > 1 else -1
    said: dict[str, int] = {}
    for line, cells in rows[1:] if column >= 0 else ():
        if column < len(cells) and not _blank(cells[column]):
            said.setdefault(str(cells[column]), line)
    known = {name: _kind_of(shapes, name) for name in said}
    for name, line in said.items():
        if known[name] is None:
            yield Trouble("E742", (), line, column + 1, {"where": KIND_KEYS[0], **unknown_kind(name, shapes)})
            return
    kinds = list(dict.fromkeys(known.values()))
    if len(kinds) > 1:
        line = next(line for name, line in said.items() if known[name] == kinds[1])
        yield Trouble("E746", (), line, column + 1, {"kinds": "、".join(str(k) for k in kinds)})
        return
    entity = kinds[0] if kinds else kind
    yield from _Table(shapes[entity or INSURED], from_text=from_text, kind=entity).items(rows)


def read_table(rows: list[Row], shape: Shape, kind: str, *, from_text: bool) -> Iterator[Item]:
    """Yield the records of rows of cells of which the first are names of columns; all are of one kind."""
    yield from _Table(shape, from_text=from_text, kind=kind).items(rows)


def unknown_kind(name: str, shapes: Shapes) -> dict[str, object]:
    """Return what is said of a name that is no kind of record."""
    return {"name": name, "known": "、".join(shapes), "near": nearest(name, shapes) or ""}


class _Table:
    """Turns the rows of a long table (one for each person and year) into records."""

    def __init__(self, shape: Shape, *, from_text: bool, kind: str | None) -> None:
        self.shape = shape
        self.kind = kind
        self.from_text = from_text
        self.facts = {fact.name: fact for fact in (*shape.person, *shape.yearly)}
        self.columns: list[str] = []
        self.id_column = -1
        self.year_column = -1

    def items(self, rows: list[Row]) -> Iterator[Item]:
        troubles = list(self._head(*rows[0]))
        yield from troubles
        if not troubles:
            for group in self._people(rows[1:]):
                record = self._record(group)
                yield Raw(record.value, not record.troubles, group[0][0], partial(_same, record), self.kind)

    # ── the first row ──

    def _head(self, line: int, cells: Cells) -> Iterator[Trouble]:
        self.columns = ["" if _blank(cell) else str(cell) for cell in cells]
        known = {*self.facts, *ID_KEYS, *_YEAR_COLUMN, *PLACE_KEYS, *self.shape.kind_keys}
        for index, name in enumerate(self.columns):
            if name and name in self.columns[:index]:
                yield Trouble("E725", (), line, index + 1, {"where": name, "name": name, "first": line})
            elif name and name not in known:
                yield self._stranger(name, line, index + 1)
        self.id_column = _find(self.columns, ID_KEYS)
        self.year_column = _find(self.columns, _YEAR_COLUMN)
        yield from self._missing_columns(line)

    def _stranger(self, name: str, line: int, column: int) -> Trouble:
        names = [ID_KEYS[0], YEARS_KEYS[0], PLACE_KEYS[0], *self.facts]
        if close := nearest(name, names):
            return Trouble("E718", (), line, column, {"where": name, "name": name, "nearest": close})
        return Trouble("E719", (), line, column, {"where": name, "name": name, "known": "、".join(names)})

    def _missing_columns(self, line: int) -> Iterator[Trouble]:
        needed = [] if self.id_column >= 0 else [ID_KEYS[0]]
        yearly = any(not self._personal(name) for name in self.columns if name in self.facts or name in PLACE_KEYS)
        if self.year_column < 0 and (yearly or self.shape.required_yearly):
            needed.append(YEARS_KEYS[0])
        needed += [name for name, fact in self.facts.items() if fact.required and name not in self.columns]
        columns = "、".join(name for name in self.columns if name)
        for name in needed:
            yield Trouble("E708", (), line, 1, {"name": name, "columns": columns})

    def _personal(self, name: str) -> bool:
        return name in self.facts and not self.facts[name].yearly

    # ── the rows ──

    def _people(self, rows: list[Row]) -> Iterator[list[Row]]:
        """Yield the rows of each person, in the order of first mention; rows without an id stand alone."""
        groups: dict[object, list[Row]] = {}
        for row in rows:
            cell = self._cell(row[1], self.id_column)
            key = ("", row[0]) if _blank(cell) else str(cell)
            groups.setdefault(key, []).append(row)
        yield from groups.values()

    def _record(self, rows: list[Row]) -> Located:
        draft = _Draft(rows[0][0])
        for line, cells in rows:
            self._row(draft, line, cells)
        return draft.located()

    def _row(self, draft: _Draft, line: int, cells: Cells) -> None:
        at = self._year(draft, line, cells)
        for index, cell in enumerate(cells):
            name = self.columns[index] if index < len(self.columns) else ""
            if _blank(cell) or index == self.year_column or name in self.shape.kind_keys:
                continue
            spot = (line, index + 1)
            if not name:
                draft.trouble("E731", at, spot, column=index + 1, found=shown(cell))
            elif index == self.id_column:
                draft.put_id(cell, spot)
            elif self._personal(name):
                draft.put((name,), self._value(self.facts[name], cell), spot)
            else:
                fact = self.facts.get(name)
                draft.put((*at, name), cell if fact is None else self._value(fact, cell), spot)

    def _year(self, draft: _Draft, line: int, cells: Cells) -> Path:
        """Return the path of the row's year. A row without a year may give what belongs to the person."""
        cell = self._cell(cells, self.year_column)
        if _blank(cell) and not self._has_yearly(cells):
            return ()
        at = (YEARS_KEYS[0], "" if _blank(cell) else re.sub(r"(?<=^\d{4})\.0+$", "", str(cell)))
        if not self._torn(draft, at, line, cells):
            draft.open_year(at, (line, max(self.year_column, 0) + 1))
        return at

    def _torn(self, draft: _Draft, at: Path, line: int, cells: Cells) -> bool:
        """Whether a second row of a year points elsewhere than the first; then that is what is said."""
        for index, cell in enumerate(cells[: len(self.columns)]):
            fact = self.facts.get(self.columns[index])
            path = (*at, self.columns[index])
            if fact is not None and fact.is_link and path in draft.values and not _blank(cell):
                other = draft.years[at[1]][fact.name]
                if str(other) != str(cell):
                    said = {
                        "name": fact.name,
                        "entity": fact.type.target,
                        "found": shown(other),
                        "other": f"、{shown(cell)}",
                    }
                    draft.trouble("E744", path, (line, index + 1), **said)
                    return True
        return False

    def _has_yearly(self, cells: Cells) -> bool:
        named = zip(self.columns, cells, strict=False)
        own = (*ID_KEYS, *_YEAR_COLUMN, *self.shape.kind_keys, "")
        return any(not _blank(cell) and name not in own and not self._personal(name) for name, cell in named)

    @staticmethod
    def _cell(cells: Cells, index: int) -> object:
        return cells[index] if 0 <= index < len(cells) else None

    def _value(self, fact: Fact, cell: object) -> object:
        """Read a cell of text as its fact asks; what does not fit stays text, and is a fault later."""
        if not isinstance(cell, str):
            return cell
        match fact.type.kind:
            case Kind.BOOL:
                return BOOLS.get(cell, {"true": True, "false": False}.get(cell.lower(), cell))
            case Kind.DATE:
                return calendar_date(cell) or cell if re.fullmatch(r"\d{4}([-/])\d{1,2}\1\d{1,2}", cell) else cell
            case Kind.ENUM | Kind.PLACE | Kind.TEXT | Kind.LINK:
                return cell
        value = number(cell) if self.from_text else None
        return cell if value is None else value


class _Draft:
    """A record growing row by row."""

    def __init__(self, line: int) -> None:
        self.years: dict[str, dict[str, object]] = {}
        self.value: dict[str, object] = {}
        self.keys: dict[Path, Spot] = {}
        self.values: dict[Path, Spot] = {(): (line, 1)}
        self.troubles: list[Trouble] = []

    def trouble(self, code: str, at: Path, spot: Spot, **arguments: object) -> None:
        self.troubles.append(Trouble(code, at, *spot, arguments))

    def open_year(self, at: Path, spot: Spot) -> None:
        if at[1] in self.years:
            self.trouble("E723", at, spot, first=self.keys[at][0])
        self.years.setdefault(at[1], {})
        self.keys.setdefault(at, spot)
        self.values.setdefault(at, spot)

    def put(self, path: Path, value: object, spot: Spot) -> None:
        data = self.value if len(path) == 1 else self.years[path[1]]
        if path not in self.values:
            data[path[-1]] = value
            self.values[path] = spot
        elif len(path) == 1 and data[path[-1]] != value:
            first, other = self.values[path][0], shown(data[path[-1]])
            self.trouble("E709", path, spot, name=path[-1], found=shown(value), other=other, first=first)

    def put_id(self, value: object, spot: Spot) -> None:
        if (ID_KEYS[0],) not in self.values:
            self.put((ID_KEYS[0],), value, spot)

    def located(self) -> Located:
        if self.years:
            self.value[YEARS_KEYS[0]] = self.years
        return Located(self.value, self.keys, self.values, tuple(self.troubles))


def _blank(cell: object) -> bool:
    return cell is None or cell == ""


def _find(columns: list[str], names: tuple[str, ...]) -> int:
    return next((index for index, name in enumerate(columns) if name in names), -1)


def _same(record: Located) -> Located:
    return record
