"""Records of persons: from Python values and from files to `Person`, with every fault at its place.

A record goes the quick way (`record_fast`); what does not pass there is heard by the judge (`record_judge`), who either takes it after
all or names its faults. Faulty records never stop the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import TiaoliError
from tiaoli.model import Program
from tiaoli.record_facts import ID_KEYS, KIND_KEYS, Condition, Person, Shape, kind_named
from tiaoli.record_fast import compile_quick
from tiaoli.record_files import field_place, read_items
from tiaoli.record_judge import Judge
from tiaoli.record_places import BrokenError, Located, Raw, Trouble
from tiaoli.record_schema import record_schema, schema_text
from tiaoli.record_table import read_table, unknown_kind
from tiaoli.values import INSURED, Value

_MOST_LOOKED_FOR = 100
"""Faulty links whose place in the file is looked for; to read on for each of many would take long."""

__all__ = ["Condition", "Fault", "Person", "RecordError", "RecordReader", "record_schema", "schema_text"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A record left out, or a file that cannot be read (``whole``); ``person`` is None where no id can be told, ``entity`` where no kind can."""

    person: str | None
    diagnostics: tuple[Diagnostic, ...]
    entity: str | None = None
    whole: bool = False


class RecordError(TiaoliError):
    """The faults of one record."""


class RecordReader:
    """Reads records for the rules of ``program`` when ``years`` are to be evaluated.

    ``conditions`` holds, for facts required under a condition, whether year, the record's facts and the year's facts call for them.
    ``others``: the years in which facts of other kinds of records are needed.
    """

    def __init__(
        self,
        program: Program,
        years: range,
        conditions: Mapping[str, Condition] | None = None,
        others: Mapping[str, range] | None = None,
    ) -> None:
        demands = {entity: (others or {}).get(entity, range(0)) for entity in program.entities}
        self._program = program
        self._shapes = {
            entity: Shape(program, asked, conditions or {}, entity)
            for entity, asked in {INSURED: years, **demands}.items()
        }
        self._quick = {entity: compile_quick(shape) for entity, shape in self._shapes.items()}
        self._lines: list[tuple[Path, dict[str, dict[str, int | None]]]] = []
        self._looked_for = 0
        self._sheets: dict[tuple[Path, str | None, str], str] = {}
        self._alone = None if program.entities else self._quick[INSURED]
        self._judges = {entity: Judge(shape) for entity, shape in self._shapes.items()}

    @property
    def default_year(self) -> tuple[Value, ...] | None:
        """The yearly facts of a year that is not in a record, in units; None where some fact must be given in every year."""
        return self._shapes[INSURED].default_year

    def kind(self, record: object, kind: str | None = None) -> str | None:
        """Return the kind of a record: as it says, else ``kind``, else the insured person. None where there is no such kind."""
        if not self._program.entities or not isinstance(record, Mapping):
            return kind or INSURED
        said = next((record[key] for key in KIND_KEYS if key in record), None)
        return (kind or INSURED) if said is None else kind_named(self._program, said)

    def kinds_in(self, path: Path, kind: str | None = None) -> set[str]:
        """Return the kinds of the records of a file, read no further than needed; what cannot be read counts as the insured person."""
        if not self._program.entities or (path.suffix.lower() in _TEXTS and not _speaks_of_kinds(path)):
            return {kind or INSURED}
        items = read_items(path, self._shapes, kind)
        return {
            INSURED if isinstance(item, Trouble) else self.kind(item.value, item.kind or kind) or INSURED
            for item in items
        }

    def convert(self, record: Mapping[str, object]) -> Person:
        """Return the person (or other record) of a record of Python values. Raises RecordError with all its faults.

        Years are keyed 2025, "2025" or "2025年度"; money and rates are int or Decimal, dates text or `datetime.date`.
        """
        person = self._alone(record) if self._alone is not None else None
        if person is not None:
            return person
        kind = self.kind(record)
        if kind is None:
            raise RecordError(self._nameless(Located(record), None, 1).diagnostics)
        person = self._quick[kind](record)
        if person is None:
            person, _, faults = self._judges[kind].judge(Located(record))
            if person is None:
                raise RecordError(faults)
        return person

    def read(self, path: Path, kind: str | None = None) -> Iterator[Person | Fault]:
        """Yield the records of a file (.yaml .yml .json .jsonl .csv .xlsx), and a fault for each record that is none.

        JSON Lines are read as they are yielded: beyond the line at hand only the ids seen are kept (some 150 bytes each), to find a
        record given twice. The other forms are read whole first, so that a broken file yields its fault alone. XLSX: the first sheet,
        and those named after a kind of record. ``kind``: that of records which do not say theirs.
        """
        first_lines: dict[str, dict[str, int | None]] = {entity: {} for entity in self._shapes}
        self._lines = [*((p, lines) for p, lines in self._lines if p != path), (path, first_lines)]
        count = 0
        for count, item in enumerate(read_items(path, self._shapes, kind), 1):
            if isinstance(item, Trouble):
                yield replace(_whole(item, path), whole=True)
            elif item.sheet is None:
                yield self._one(item, path, count, first_lines, kind)
            else:
                yield self._of_sheet(self._one(item, path, count, first_lines, kind), path, item.sheet)
        if count == 0:
            yield replace(_whole(Trouble("E706", (), 1, 1), path), whole=True)

    def read_all(self, files: Iterable[tuple[str | None, Path]]) -> Iterator[Person | Fault]:
        """Yield the records of several files, each with the kind of its records where they do not say it.

        A record of one kind may be given once in all files together.
        """
        listed = list(files)
        self._lines.clear()
        if len(listed) == 1:
            yield from self.read(listed[0][1], listed[0][0])
            return
        homes: dict[tuple[str, str], Path] = {}
        for kind, path in listed:
            for item in self.read(path, kind):
                if isinstance(item, Person):
                    first = homes.setdefault((item.entity, item.id), path)
                    if first is not path:
                        arguments = {"person": item.id, "entity": item.entity, "first": str(first)}
                        sheet = self._sheets.get((path, item.entity, item.id))
                        yield Fault(item.id, (Diagnostic("E743", arguments, path=str(path), sheet=sheet),), item.entity)
                        continue
                yield item

    def _of_sheet(self, item: Person | Fault, path: Path, sheet: str) -> Person | Fault:
        """The same, said of its sheet, which is kept for what is found later."""
        if isinstance(item, Person):
            self._sheets.setdefault((path, item.entity, item.id), sheet)
            return item
        return replace(item, diagnostics=tuple(replace(d, sheet=sheet) for d in item.diagnostics))

    def placed(self, fault: Fault) -> Fault:
        """Return a fault found between records, with the place of its record among the files read last."""
        for path, lines in self._lines:
            if fault.entity in lines and fault.person in lines[fault.entity]:
                line = lines[fault.entity][fault.person]
                sheet = self._sheets.get((path, fault.entity, fault.person or ""))
                said = [replace(d, path=str(path), line=line, column=1, sheet=sheet) for d in fault.diagnostics]
                return replace(fault, diagnostics=tuple(map(self._at_field, said)))
        return fault

    def _at_field(self, diagnostic: Diagnostic) -> Diagnostic:
        """What is wrong with a link points to its value, as far as that is seen; of the first few, for each is looked for in the file."""
        if diagnostic.code not in ("E740", "E741") or self._looked_for >= _MOST_LOOKED_FOR:
            return diagnostic
        self._looked_for += 1
        said, path, line = diagnostic.arguments, Path(diagnostic.path or ""), diagnostic.line or 1
        year = said["year"] if isinstance(said["year"], int) else None
        place = field_place(path, line, year, str(said["fact"]), str(said["found"]))
        return diagnostic if place is None else replace(diagnostic, line=place[0], column=place[1])

    def read_raws(self, raws: Iterable[Raw], path: Path) -> Iterator[Person | Fault]:
        """Yield the records read elsewhere (those of a case), or their faults."""
        seen: dict[str, dict[str, int | None]] = {entity: {} for entity in self._shapes}
        for count, raw in enumerate(raws, 1):
            yield self._one(raw, path, count, seen, None)

    def read_cells(
        self,
        header: tuple[str, ...],
        rows: Iterable[tuple[int, tuple[object, ...]]],
        path: Path,
        *,
        from_text: bool,
        kind: str = INSURED,
    ) -> Iterator[Person | Fault]:
        """Yield the records of rows of cells, each with its line: one row a record and year, under the columns ``header``."""
        seen: dict[str, dict[str, int | None]] = {entity: {} for entity in self._shapes}
        for count, item in enumerate(
            read_table([(1, header), *rows], self._shapes[kind], kind, from_text=from_text), 1
        ):
            yield (
                replace(_whole(item, path), whole=True)
                if isinstance(item, Trouble)
                else self._one(item, path, count, seen, kind)
            )

    def one(self, raw: Raw, path: Path) -> Person | Fault:
        """Return the person of one record read elsewhere (a case's), or its fault."""
        return self._one(raw, path, 1, {entity: {} for entity in self._shapes}, None)

    def _one(
        self, raw: Raw, path: Path, count: int, first_lines: dict[str, dict[str, int | None]], given: str | None
    ) -> Person | Fault:
        kind = self.kind(raw.value, raw.kind or given)
        if kind is None:
            return self._nameless(raw.locate(), path, count)
        seen = first_lines[kind]
        person = self._quick[kind](raw.value) if raw.sound else None
        if person is not None and person.id not in seen:
            seen[person.id] = raw.line
            return person
        try:
            person, ident, faults = self._judges[kind].judge(raw.locate(), str(path), count, seen)
        except BrokenError as broken:
            return _whole(broken.trouble, path)
        if ident is not None:
            seen.setdefault(ident, raw.line)
        return Fault(ident, tuple(faults), kind) if person is None else person

    def _nameless(self, record: Located, path: Path | None, count: int) -> Fault:
        """A record of a kind that there is not."""
        assert isinstance(record.value, Mapping)
        key = next(key for key in KIND_KEYS if key in record.value)
        ident = next((str(record.value[k]) for k in ID_KEYS if k in record.value), None)
        line, column = record.at((key,))
        arguments = {"where": ident or f"#{count}", **unknown_kind(str(record.value[key]), self._shapes)}
        spot = None if path is None else str(path)
        return Fault(ident, (Diagnostic("E742", arguments, path=spot, line=line, column=column),), None)


_TEXTS = (".jsonl", ".json", ".yaml", ".yml", ".csv")


def _speaks_of_kinds(path: Path) -> bool:
    """Whether one of the keys for the kind of a record stands anywhere in a file."""
    words = [spelt for key in KIND_KEYS for spelt in (key.encode(), key.encode("gb18030"), ascii(key)[1:-1].encode())]
    try:
        with path.open("rb") as file:
            rest = b""
            while piece := file.read(1 << 20):
                if any(word in rest + piece for word in words):
                    return True
                rest = piece[-32:]
    except OSError:
        return False
    return False


def _whole(trouble: Trouble, path: Path) -> Fault:
    arguments = {"path": str(path)} | dict(trouble.arguments)
    place = {"path": str(path), "line": trouble.line, "column": trouble.column, "sheet": trouble.sheet}
    return Fault(None, (Diagnostic(trouble.code, arguments, **place),))  # type: ignore[arg-type]
