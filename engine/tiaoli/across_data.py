"""A line-up of places as plain data for JSON, and as a table for CSV and XLSX: money in yuan and rates as Decimal."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from tiaoli.across import Lineup, Need, Outcome, Standing
from tiaoli.across_text import needs_text, outcome_text, reason_text
from tiaoli.divisions import place_name
from tiaoli.inventory import Amount
from tiaoli.inventory_json import basis_json, plain
from tiaoli.inventory_words import say
from tiaoli.results import FORMATS, csv_text, safe_text, whole_file
from tiaoli.trace import outward

SHEETS = (".csv", ".xlsx")
"""The forms of tables."""


def lineup_json(found: Lineup) -> dict[str, Any]:
    """Return a line-up as plain data ready to be written as JSON."""
    kind = found.type.name("zh") if found.type else None
    standings = [_standing_json(s, found) for s in found.standings]
    return {"名称": found.name, "年度": found.year, "类型": kind, "人": list(found.people), "地区": standings}


def _standing_json(standing: Standing, found: Lineup) -> dict[str, Any]:
    return {
        "代码": standing.place, "名称": place_name(standing.place), "编码": standing.reason is None,
        "理由": None if standing.reason is None else reason_text(standing.reason),
        "种类": {"parameter": "参数", "rule": "规则", None: None}[standing.kind],
        "键": _plain(standing.key), "值": _plain(standing.value), "显示": _shown(standing.value),
        "自": standing.first, "至": standing.last, "文件": list(standing.documents), "当地": standing.own,
        "依据": basis_json(standing.basis), "说明": standing.note, "参数": [_need_json(n) for n in standing.needs],
        "结果": {person: _outcome_json(o) for person, o in standing.outcomes.items()},
        "规则集": found.fingerprints.get(standing.place),
    }  # fmt: skip


def _need_json(need: Need) -> dict[str, Any]:
    return {"名称": need.name, "键": _plain(need.key), "值": _plain(need.value), "显示": _shown(need.value)}


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    trouble = None if outcome.trouble is None else outcome_text(outcome)
    return {"值": _plain(outcome.value), "显示": _shown(outcome.value), "不能计算": trouble}


def _plain(amount: Amount | None) -> Any:
    return None if amount is None else plain(amount.value, amount.type)


def _shown(amount: Amount | None) -> str | None:
    return None if amount is None else say(amount, "zh")


# ── tables ───────────────────────────────────────────────────────────────────


def write_lineup(found: Lineup, path: Path) -> None:
    """Write a line-up to a file of one of `SHEETS`, whole or not at all."""
    heads, rows = _table(found)
    with whole_file(path) as partial:
        (_write_xlsx if path.suffix.lower() == ".xlsx" else _write_csv)(partial, heads, rows)


def _table(found: Lineup) -> tuple[list[str], list[list[Amount | str | int | None]]]:
    from tiaoli import __version__

    figures = found.people or ("值",)
    heads = [
        "地区", "名称", "键", *figures, "自", "至", "文件", "依据", "说明", "参数", "未编码", "引擎", "规则集",
    ]  # fmt: skip
    rows: list[list[Amount | str | int | None]] = []
    for s in found.standings:
        own = [_outcome_cell(s, person) for person in found.people] or [s.value]
        reason = None if s.reason is None else reason_text(s.reason)
        rows.append([
            s.place, place_name(s.place), s.key, *own, s.first, s.last, "、".join(s.documents) or None,
            say(s.basis, "zh") if s.basis else None, s.note, needs_text(s) or None, reason, f"tiaoli {__version__}",
            found.fingerprints.get(s.place),
        ])  # fmt: skip
    return heads, rows


def _outcome_cell(standing: Standing, person: str) -> Amount | str | None:
    outcome = standing.outcomes.get(person)
    if outcome is None or outcome.trouble is None:
        return None if outcome is None else outcome.value
    return outcome_text(outcome)


def _outside(cell: Amount | str | int | None) -> Any:
    return outward(cell.value, cell.type.kind) if isinstance(cell, Amount) else cell


def _write_csv(path: Path, heads: list[str], rows: list[list[Amount | str | int | None]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\r\n")
        writer.writerow(map(safe_text, heads))
        writer.writerows([csv_text(_outside(cell)) for cell in row] for row in rows)


def _write_xlsx(path: Path, heads: list[str], rows: list[list[Amount | str | int | None]]) -> None:
    from openpyxl import Workbook
    from openpyxl.styles import Font

    book = Workbook()
    sheet: Any = book.worksheets[0]
    sheet.title = "比较"
    sheet.freeze_panes = "C2"
    table: list[list[Any]] = [list(heads), *rows]
    for row, cells in enumerate(table, 1):
        for column, cell in enumerate(cells, 1):
            _fill(sheet.cell(row, column), cell)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    book.save(path)


def _fill(target: Any, cell: Amount | str | int | None) -> None:
    value = _outside(cell)
    target.value = ("是" if value else "否") if isinstance(value, bool) else value
    if isinstance(value, str):
        target.data_type = "s"
    if isinstance(cell, Amount):
        target.number_format = FORMATS.get(cell.type.kind, "General")
