"""Rows set aside, heard one by one: what is wrong with each, in the words of every other reader of records.

The query sets a row aside where it may be faulty; the judge of records has the last word. Who turns out to be sound after all (someone who
moves between places, say, for whom columns are not made) is computed by the interpreter, and belongs to the results.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiaoli.batch.computing import ROW
from tiaoli.batch.headings import Headings
from tiaoli.batch.layout import ID, YEAR, YEAR_SIGN, Units
from tiaoli.batch.sources import MISREAD
from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import EvaluationError, UsageError
from tiaoli.outcome import Opening, Result
from tiaoli.record_facts import ID_KEYS, Person, digits_of
from tiaoli.record_facts import number as number_in
from tiaoli.records import Fault, RecordReader
from tiaoli.render import help_text, message
from tiaoli.values import INSURED, Kind, decimal_text

if TYPE_CHECKING:
    import polars as pl

REJECTS = (ID, YEAR, "事实", "值", "代码", "原因", "改法")
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
    advice: str

    @property
    def row(self) -> tuple[str | int | None, ...]:
        """The values under `REJECTS`."""
        return self.ident, self.year, self.fact, self.value, self.code, self.reason, self.advice


def reject(diagnostic: Diagnostic, ident: str | None, lang: str) -> Reject:
    """Return the line of a diagnostic."""
    said = diagnostic.arguments
    year, fact = said.get("year"), said.get("fact") or said.get("rule")
    value = said.get("found")
    return Reject(
        ident,
        year if isinstance(year, int) else None,
        None if fact is None else str(fact),
        None if value is None else _bare(str(value)),
        diagnostic.code,
        message(diagnostic, lang),
        help_text(diagnostic, lang),
    )


def _bare(text: str) -> str:
    """A value as it stands in the table: messages put texts in quotes."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


Compute = Callable[[Person, "Opening | None"], Result]


@dataclass(frozen=True)
class Judge:
    """Hears rows of one kind of record. ``twice`` are ids given more than once, with where that is said; ``compute`` gives the results of who is sound."""

    reader: RecordReader
    headings: Headings
    units: Units
    twice: Mapping[str, str]
    lang: str
    compute: Compute
    entity: str = INSURED

    def hear(
        self, rows: pl.DataFrame, openings: Mapping[str, Opening] | None = None
    ) -> Iterator[list[Reject] | Result]:
        """Yield what is wrong with each row of a wide table, or the results of a record that is sound."""
        names = rows.columns
        for values in rows.iter_rows():
            yield self._one(dict(zip(names, values, strict=True)), openings or {})

    def _one(self, cells: dict[str, Any], openings: Mapping[str, Opening]) -> list[Reject] | Result:
        ident = cells.get(self.headings.ident)
        name = None if ident is None else str(ident)
        if cells.get(MISREAD) is not None:
            return self.misread(name, cells[MISREAD])
        if name is not None and name in self.twice:
            return self.repeated(name)
        if name is None or not name.strip():
            number = cells.get(ROW, "—")
            where = f"第 {number} 行" if self.lang == "zh" else f"row {number}"
            return [reject(Diagnostic("E715", {"where": where}), name, self.lang)]
        header, written = as_rows(self.headings, cells, self.units)
        return self.judged(header, written, openings)

    def repeated(self, ident: str) -> list[Reject]:
        """Return what is said of an id that is given more than once."""
        return [reject(Diagnostic("E857", {"person": ident, "where": self.twice[ident]}), ident, self.lang)]

    def misread(self, ident: str | None, told: str) -> list[Reject]:
        """Return what is said of a row that could not be read as it stands, see `MISREAD`."""
        code, arguments = json.loads(told)
        return [reject(Diagnostic(code, arguments), ident, self.lang)]

    def judged(
        self, header: tuple[str, ...], rows: Sequence[tuple[int, tuple[object, ...]]], openings: Mapping[str, Opening]
    ) -> list[Reject] | Result:
        """Hear the rows of one record, one a year."""
        ident = str(rows[0][1][0]) if rows and rows[0][1][0] is not None else None
        item = next(self.reader.read_cells(header, rows, Path(), from_text=True, kind=self.entity), None)
        if item is None:
            return [reject(Diagnostic("E715", {"where": "—"}), ident, self.lang)]
        if isinstance(item, Fault):
            return [self._as_written(reject(d, item.person or ident, self.lang)) for d in item.diagnostics]
        try:
            return self.compute(item, openings.get(item.id))
        except (EvaluationError, UsageError) as error:
            return [reject(d, item.id, self.lang) for d in error.diagnostics]

    def _as_written(self, one: Reject) -> Reject:
        """A fault of a table in the smallest units: records, and so what is said, count in yuan; the value is the one in the table."""
        fact = next((g.fact for g in self.headings.columns if g.fact is not None and g.fact.name == one.fact), None)
        if self.units is not Units.FEN or fact is None or fact.type.kind not in (Kind.MONEY, Kind.RATE):
            return one
        number = number_in(one.value or "")
        if not isinstance(number, int | Decimal):
            return one
        written = decimal_text(Fraction(number) * 10 ** digits_of(fact))
        yuan = ("以元计；", "counted in yuan; ") if fact.type.kind is Kind.MONEY else ("", "")
        said = f"（{yuan[0]}表中写的是 {written}）" if self.lang == "zh" else f" ({yuan[1]}{written} in the table)"
        return replace(one, value=written, reason=one.reason + said)


def as_rows(
    headings: Headings, cells: Mapping[str, Any], units: Units
) -> tuple[tuple[str, ...], list[tuple[int, tuple[object, ...]]]]:
    """Return a row of a wide table as rows a year, under names without years."""
    ident = cells.get(headings.ident)
    own = [g for g in headings.columns if g.year is None]
    by_year: dict[int, dict[str, object]] = {}
    for given in headings.columns:
        if given.year is not None and cells[given.name] is not None:
            head = given.name.rpartition(YEAR_SIGN)[0]
            by_year.setdefault(given.year, {})[head] = plain(cells[given.name], given.fact, units)
    yearly = tuple(dict.fromkeys(g.name.rpartition(YEAR_SIGN)[0] for g in headings.columns if g.year is not None))
    header = (ID_KEYS[0], YEAR, *(g.name for g in own), *yearly)
    facts = tuple(plain(cells[g.name], g.fact, units) for g in own)
    rows = [(2, (ident, y, *facts, *(row.get(n) for n in yearly))) for y, row in sorted(by_year.items())]
    return header, rows or [(2, (ident, None, *facts, *(None for _ in yearly)))]


def plain(value: object, fact: Any, units: Units) -> object:
    """Return a cell as records have it: money in yuan, rates as parts of one, texts without blanks around them."""
    if isinstance(value, str):
        value = value.strip()
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    if fact is not None and units is Units.FEN and fact.type.kind in (Kind.MONEY, Kind.RATE):
        value = _from_smallest(value, digits_of(fact))
    if isinstance(value, Decimal):
        return Decimal(decimal_text(Fraction(value)))  # all its digits: arithmetic on decimals keeps 28
    return value


def _from_smallest(value: object, digits: int) -> object:
    """A number of the smallest units, or its text, as records count; what is no number stays."""
    number = number_in(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | Decimal):
        return value
    scaled = Fraction(number) / 10**digits
    return int(scaled) if scaled.denominator == 1 else Decimal(decimal_text(scaled))


def in_portions(frame: pl.LazyFrame, size: int = 5_000) -> Iterable[pl.DataFrame]:
    """Yield the rows of a lazy frame, some at a time."""
    return frame.collect_batches(chunk_size=size, maintain_order=True, engine="streaming")


__all__ = ["REJECTS", "ROW", "Judge", "Reject", "as_rows", "in_portions", "plain", "reject"]
