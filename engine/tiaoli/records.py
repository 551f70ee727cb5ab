"""Records of persons: from Python values and from files to `Person`, with every fault at its place.

A record goes the quick way (`record_fast`); what does not pass there is heard by the judge (`record_judge`), who either takes it after
all or names its faults. Faulty records never stop the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import TiaoliError
from tiaoli.model import Program
from tiaoli.record_facts import Condition, Person, Shape
from tiaoli.record_fast import compile_quick
from tiaoli.record_files import read_items
from tiaoli.record_judge import Judge
from tiaoli.record_places import BrokenError, Located, Raw, Trouble
from tiaoli.record_schema import record_schema, schema_text
from tiaoli.values import Value

__all__ = ["Condition", "Fault", "Person", "RecordError", "RecordReader", "record_schema", "schema_text"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A record left out, or a file that cannot be read; ``person`` is None where no id can be told."""

    person: str | None
    diagnostics: tuple[Diagnostic, ...]


class RecordError(TiaoliError):
    """The faults of one record."""


class RecordReader:
    """Reads records for the rules of ``program`` when ``years`` are to be evaluated.

    ``conditions`` holds, for facts required under a condition, whether year, person's facts and year's facts call for them.
    """

    def __init__(self, program: Program, years: range, conditions: Mapping[str, Condition] | None = None) -> None:
        self._shape = Shape(program, years, conditions or {})
        self._quick = compile_quick(self._shape)
        self._judge = Judge(self._shape)

    @property
    def default_year(self) -> tuple[Value, ...] | None:
        """The yearly facts of a year that is not in a record, in units; None where some fact must be given in every year."""
        return self._shape.default_year

    def convert(self, record: Mapping[str, object]) -> Person:
        """Return the person of a record of Python values. Raises RecordError with all its faults.

        Years are keyed 2025, "2025" or "2025年度"; money and rates are int or Decimal, dates text or `datetime.date`.
        """
        person = self._quick(record)
        if person is None:
            person, _, faults = self._judge.judge(Located(record))
            if person is None:
                raise RecordError(faults)
        return person

    def read(self, path: Path) -> Iterator[Person | Fault]:
        """Yield the persons of a file (.yaml .yml .json .jsonl .csv .xlsx), and a fault for each record that is none.

        JSON Lines are read as they are yielded: beyond the line at hand only the ids seen are kept (some 150 bytes each), to find a
        person given twice. The other forms are read whole first, so that a broken file yields its fault alone. XLSX: the first sheet.
        """
        first_lines: dict[str, int | None] = {}
        count = 0
        for count, item in enumerate(read_items(path, self._shape), 1):
            if isinstance(item, Trouble):
                yield _whole(item, path)
            else:
                yield self._one(item, path, count, first_lines)
        if count == 0:
            yield _whole(Trouble("E706", (), 1, 1), path)

    def one(self, raw: Raw, path: Path) -> Person | Fault:
        """Return the person of one record read elsewhere (a case's), or its fault."""
        return self._one(raw, path, 1, {})

    def _one(self, raw: Raw, path: Path, count: int, first_lines: dict[str, int | None]) -> Person | Fault:
        person = self._quick(raw.value) if raw.sound else None
        if person is not None and person.id not in first_lines:
            first_lines[person.id] = raw.line
            return person
        try:
            person, ident, faults = self._judge.judge(raw.locate(), str(path), count, first_lines)
        except BrokenError as broken:
            return _whole(broken.trouble, path)
        if ident is not None:
            first_lines.setdefault(ident, raw.line)
        return Fault(ident, tuple(faults)) if person is None else person


def _whole(trouble: Trouble, path: Path) -> Fault:
    arguments = {"path": str(path)} | dict(trouble.arguments)
    return Fault(None, (Diagnostic(trouble.code, arguments, path=str(path), line=trouble.line, column=trouble.column),))
