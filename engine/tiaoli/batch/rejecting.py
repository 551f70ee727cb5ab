"""Rows set aside, heard one by one: what is wrong with each, in the words of every other reader of records.

The query sets a row aside where it may be faulty; the judge of records has the last word. Who turns out to be sound after all (someone who
moves between places, say, for whom columns are not made) is computed by the interpreter, and belongs to the results.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiaoli.api import Rules
from tiaoli.backends.interpreter import Compiled
from tiaoli.batch.headings import Headings
from tiaoli.batch.layout import ID, YEAR, Shape, Units
from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import EvaluationError, UsageError
from tiaoli.outcome import Opening, Result
from tiaoli.record_facts import ID_KEYS, digits_of
from tiaoli.records import Fault, RecordReader
from tiaoli.render import message
from tiaoli.values import Kind

if TYPE_CHECKING:
    import polars as pl

REJECTS = (ID, YEAR, "事实", "值", "代码", "原因")
"""The columns of a table of rejects."""


@dataclass(frozen=True, slots=True)
class Reject:
    """Why a record was not computed: one line of the table of rejects. ``fact`` is a fact, or a rule that fails."""

    ident: str | None
    year: int | None
    fact: str | None
    value: str | None
    code: str
    reason: str

    @property
    def row(self) -> tuple[str | int | None, ...]:
        """The values under `REJECTS`."""
        return self.ident, self.year, self.fact, self.value, self.code, self.reason


def reject(diagnostic: Diagnostic, ident: str | None, lang: str) -> Reject:
    """Return the line of a diagnostic."""
    said = diagnostic.arguments
    year, fact = said.get("year"), said.get("fact") or said.get("rule")
    value = said.get("found")
    return Reject(
        ident,
        year if isinstance(year, int) else None,
        None if fact is None else str(fact),
        None if value is None else str(value),
        diagnostic.code,
        message(diagnostic, lang),
    )


@dataclass(frozen=True)
class Judge:
    """Hears rows of persons. ``twice`` are ids given more than once; ``openings`` finds the opening state of an id."""

    rules: Rules
    compiled: Compiled
    headings: Headings
    units: Units
    twice: frozenset[str]
    lang: str
    opened: bool = False
    computing: bool = True

    @property
    def reader(self) -> RecordReader:
        return self.rules.reader(self.compiled, self.opened)

    def hear(
        self, rows: pl.DataFrame, openings: dict[str, Opening] | None = None
    ) -> Iterator[list[Reject] | Result]:
        """Yield what is wrong with each row of a wide table, or the results of a record that is sound."""
        names = rows.columns
        for values in rows.iter_rows():
            yield self._one(dict(zip(names, values, strict=True)), openings or {})

    def _one(self, cells: dict[str, Any], openings: dict[str, Opening]) -> list[Reject] | Result:
        ident = cells.get(self.headings.ident)
        name = None if ident is None else str(ident)
        if name in self.twice:
            return [reject(Diagnostic("E857", {"person": name, "where": name}), name, self.lang)]
        header, written = self._written(cells)
        return self.judged(header, written, openings)

    def judged(
        self, header: tuple[str, ...], rows: Sequence[tuple[int, tuple[object, ...]]], openings: dict[str, Opening]
    ) -> list[Reject] | Result:
        """Hear the rows of one person, one a year."""
        ident = str(rows[0][1][0]) if rows and rows[0][1][0] is not None else None
        item = next(self.reader.read_cells(header, rows, Path(), from_text=True), None)
        if item is None:
            return [reject(Diagnostic("E715", {"where": "—"}), ident, self.lang)]
        if isinstance(item, Fault):
            return [reject(d, item.person or ident, self.lang) for d in item.diagnostics]
        try:
            opening = openings.get(item.id)
            return self.rules.run(self.compiled, item, opening and self.rules.opened(opening, self.compiled.program))
        except (EvaluationError, UsageError) as error:
            return [reject(d, item.id, self.lang) for d in error.diagnostics]

    def _written(self, cells: dict[str, Any]) -> tuple[tuple[str, ...], list[tuple[int, tuple[object, ...]]]]:
        """A row of a wide table as rows a year, with names without years."""
        ident = cells.get(self.headings.ident)
        own = [g for g in self.headings.columns if g.year is None]
        by_year: dict[int, dict[str, object]] = {}
        for given in self.headings.columns:
            if given.year is not None and cells[given.name] is not None:
                head = given.name.rpartition("@")[0]
                by_year.setdefault(given.year, {})[head] = plain(cells[given.name], given.fact, self.units)
        yearly = tuple(dict.fromkeys(n for row in by_year.values() for n in row))
        header = (ID_KEYS[0], YEAR, *(g.name for g in own), *yearly)
        facts = tuple(plain(cells[g.name], g.fact, self.units) for g in own)
        rows = [(2, (ident, y, *facts, *(row.get(n) for n in yearly))) for y, row in sorted(by_year.items())]
        return header, rows or [(2, (ident, None, *facts, *(None for _ in yearly)))]


def plain(value: object, fact: Any, units: Units) -> object:
    """Return a cell as records have it: money in yuan, rates as parts of one."""
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    if whole and fact is not None and units is Units.FEN and fact.type.kind in (Kind.MONEY, Kind.RATE):
        scaled = Decimal(value).scaleb(-digits_of(fact))  # type: ignore[arg-type]
        return int(scaled) if scaled == scaled.to_integral_value() else scaled.normalize()
    if isinstance(value, Decimal):
        return value.normalize()
    return value


def in_portions(frame: pl.LazyFrame, size: int = 5_000) -> Iterable[pl.DataFrame]:
    """Yield the rows of a lazy frame, some at a time."""
    return frame.collect_batches(chunk_size=size, maintain_order=True, engine="streaming")


def shape_of_rejects(shape: Shape) -> str:
    """Return what a row of the input is called in the count."""
    return "person" if shape is Shape.WIDE else "person-year"


__all__ = ["REJECTS", "Judge", "Reject", "date", "in_portions", "plain", "reject"]
