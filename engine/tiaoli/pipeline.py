"""Read this first: text → source → syntax → what is in force → model → results, one call a pass.

    parse        text of one file            → syntax.Document
    check_*      headers, outlines           → diagnostics
    consolidate  documents, place, years     → symbols.InForce
    check        what is in force            → model.Program
    backends     program                     → values

A `Library` is the set of documents; all else is worked out from it. `load` is the only function here that touches files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path

from tiaoli import syntax as s
from tiaoli.check import check
from tiaoli.consolidate import applies, by_rank, consolidate, places
from tiaoli.diagnostic import Diagnostic, errors
from tiaoli.errors import TiaoliError
from tiaoli.kept import Shelf
from tiaoli.model import Program
from tiaoli.outline import check_headers, check_outlines
from tiaoli.shelf import Shelved, cited, glance
from tiaoli.source import Source
from tiaoli.uncollected import uncollected
from tiaoli.workshop import Workshop

_TEXTS: Shelf[tuple[s.Document, tuple[Diagnostic, ...]]] = Shelf(
    "texts", tuple, ("tiaoli.syntax", "tiaoli.source", "tiaoli.values"), most=500, quick=0
)
_PROGRAMS: Shelf[tuple[Program | None, tuple[Diagnostic, ...]]] = Shelf(
    "programs", tuple, ("tiaoli.model", "tiaoli.source", "tiaoli.values"), most=100
)

HORIZON = 30
"""How many years behind the newest document `check` looks."""


@dataclass(frozen=True, slots=True)
class Library:
    """Parsed documents and everything wrong with them one by one; ``shelf`` has those of other places that were not read."""

    documents: tuple[s.Document, ...]
    diagnostics: tuple[Diagnostic, ...]
    shelf: tuple[Shelved, ...] = field(default=(), repr=False)
    workshop: Workshop = field(default_factory=Workshop, repr=False, compare=False)

    @property
    def places(self) -> list[str]:
        """The places that have documents, higher ones first."""
        return by_rank({*places(self.documents), *(d.place for d in self.shelf)})

    def about(self, place: str) -> Library:
        """Return the library with all documents read that apply to ``place``."""
        wanted = [d for d in self.shelf if d.applies(place)]
        if not wanted:
            return self
        more = tuple(_parsed(d.source)[0] for d in wanted)
        rest = tuple(d for d in self.shelf if d not in wanted)
        return Library((*more, *self.documents), self.diagnostics, rest, self.workshop)

    def concerning(self, place: str) -> list[str]:
        """Return the numbers of the documents that apply to ``place``, read or not."""
        read = [d.header.document for d in self.documents if d.header and applies(d, place)]
        return sorted([*read, *(d.number for d in self.shelf if d.applies(place))])

    @property
    def first_year(self) -> int:
        """The year from which all places are computed: the earliest 计算自, or else 施行."""
        headers = [d.header for d in self.documents if d.header]
        stated = [h.computed_from for h in headers if h.computed_from]
        return min(stated or [h.effective for h in headers if h.effective] or [2000])


def read_library(sources: Iterable[Source]) -> Library:
    """Parse every source and check headers and outlines."""
    return _library([_parsed_own(source) for source in sources])


def _library(parsed: Sequence[tuple[s.Document, list[Diagnostic]]]) -> Library:
    documents = [document for document, _ in parsed]
    found = [diagnostic for _, mistakes in parsed for diagnostic in mistakes]
    found.extend(check_headers(documents))
    found.extend(check_outlines(documents))
    usable = tuple(d for d in documents if d.header and d.header.place and d.header.effective)
    return Library(usable, tuple(found))


def build(library: Library, place: str, last: int, to_run: bool = True) -> tuple[Program | None, list[Diagnostic]]:
    """Return the program of ``place`` up to the year ``last``, or None where errors leave none, and all diagnostics of the two passes."""
    first = first_year_of(library, place)
    elsewhere = frozenset(name for d in library.shelf for name in d.names)
    in_force, found = consolidate(library.documents, place, first, max(first, last), elsewhere)
    program, more = check(in_force, library.workshop, to_run)
    diagnostics = found + more
    return (None if errors(diagnostics) else program), diagnostics


def program_of(library: Library, place: str, last: int) -> tuple[Program | None, tuple[Diagnostic, ...]]:
    """Return what `build` does, to run; a program of which there is nothing to say may be one that an earlier process built."""
    sources = [d.source for d in library.documents]
    known = sorted({name for d in library.shelf for name in d.names})
    return _PROGRAMS.get(
        [place, str(last), *(s.path for s in sources)],
        [*(s.text for s in sources), *known],
        lambda: _built(library, place, last),
        sources,
        lambda made: made[0] is not None and not made[1],
    )


def _built(library: Library, place: str, last: int) -> tuple[Program | None, tuple[Diagnostic, ...]]:
    program, found = build(library, place, last)
    return program, tuple(found)


def first_year_of(library: Library, place: str) -> int:
    """Return 计算自 of the documents that apply to ``place``, or else their earliest 施行."""
    return Library(tuple(d for d in library.documents if applies(d, place)), ()).first_year


@uncollected()
def check_library(library: Library) -> list[Diagnostic]:
    """Return everything wrong with the documents, alone and together, for every place; each mistake once."""
    found = list(library.diagnostics)
    newest = max((d.header.effective or 0 for d in library.documents if d.header), default=0)
    for place in library.places:
        found.extend(build(library, place, newest + HORIZON, to_run=False)[1])
    unique = {(d.code, d.span, str(sorted(map(str, d.arguments.items()))) if d.span is None else ""): d for d in found}
    return sorted(unique.values(), key=lambda d: d.place)


@uncollected()
def load(paths: Sequence[Path] = (), built_in: bool = True, place: str | None = None) -> Library:
    """Read the built-in rulesets and those under ``paths`` (files or folders). A document found in ``paths`` replaces the built-in one.

    With ``place``, built-in documents that do not apply there stay on the shelf. Raises TiaoliError when a path does not exist, holds no
    ruleset or cannot be read.
    """
    own = [_parsed_own(source) for path in paths for source in _sources(path)]
    if not built_in:
        return _library(own)
    numbers = {document.header.document for document, _ in own if document.header}
    with as_file(files("tiaoli.rulesets")) as folder:
        sources = _shipped(folder, tuple(map(_stamp, sorted(folder.rglob("*.tiaoli")))))
    if place is not None:
        return _about(place, sources, own, numbers)
    shipped = [(document, list(found)) for document, found in map(_parsed, sources)]
    kept = [p for p in shipped if p[0].header is None or p[0].header.document not in numbers]
    return _library([*kept, *own])


@lru_cache(maxsize=1)
def _shipped(folder: Path, _stamps: tuple[tuple[str, int, int], ...]) -> tuple[Source, ...]:
    """The built-in texts; read again only when a file has changed."""
    return tuple(_sources(folder, prefix="tiaoli:"))


def _stamp(file: Path) -> tuple[str, int, int]:
    """What tells a file from another one of the same name."""
    stat = file.stat()
    return str(file), stat.st_mtime_ns, stat.st_size


@lru_cache(maxsize=256)
def _parsed(source: Source) -> tuple[s.Document, tuple[Diagnostic, ...]]:
    """A built-in text, parsed or taken as an earlier process parsed it, once a process."""
    return _TEXTS.get([source.path], [source.text], lambda: _afresh(source), [source], lambda made: not made[1])


def _afresh(source: Source) -> tuple[s.Document, tuple[Diagnostic, ...]]:
    document, found = _parsed_own(source)
    return document, tuple(found)


def _parsed_own(source: Source) -> tuple[s.Document, list[Diagnostic]]:
    from tiaoli.parse import parse  # where all texts are kept, nothing needs the parser

    return parse(source)


_glanced = lru_cache(maxsize=256)(glance)


def _about(
    place: str, sources: Sequence[Source], own: Sequence[tuple[s.Document, list[Diagnostic]]], numbers: set[str]
) -> Library:
    """The documents of ``place`` and those that one's own cite; the shipped ones are known to be sound one by one."""
    glances = [(source, _glanced(source)) for source in sources]
    shelved = [d for _, d in glances if d is not None and d.number not in numbers]
    named = cited(shelved, [document.source.text for document, _ in own])
    wanted = [d for d in shelved if d.applies(place) or d in named]
    shipped = [_parsed(d.source)[0] for d in wanted] + [_parsed(source)[0] for source, d in glances if d is None]
    shipped = [d for d in shipped if d.header is not None and d.header.document not in numbers]
    found = [diagnostic for _, mistakes in own for diagnostic in mistakes]
    documents = [*shipped, *(document for document, _ in own)]
    found += check_headers(documents)
    found += check_outlines(documents, [document for document, _ in own])
    rest = tuple(d for d in shelved if d not in wanted)
    return Library(
        tuple(d for d in documents if d.header and d.header.place and d.header.effective), tuple(found), rest
    )


def _sources(path: Path, prefix: str = "") -> list[Source]:
    if not path.exists():
        raise TiaoliError([Diagnostic("E817", {"path": str(path)})])
    found = sorted(path.rglob("*.tiaoli")) if path.is_dir() else [path]
    if not found:
        raise TiaoliError([Diagnostic("E821", {"path": str(path)})])
    return [_read(file, prefix + str(file.relative_to(path)) if prefix else str(file)) for file in found]


def _read(file: Path, name: str) -> Source:
    try:
        return Source(name, file.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise TiaoliError([Diagnostic("E850", {"path": str(file)})]) from None
    except OSError as error:
        raise TiaoliError([Diagnostic("E818", {"path": str(file), "reason": error.strerror or ""})]) from None


__all__ = ["Library", "build", "check_library", "load", "program_of", "read_library"]
