"""The outline of a document with what encodes each clause: coverage that a reader can follow to file and line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tiaoli import syntax as s
from tiaoli.consolidate import name_of
from tiaoli.nearness import nearest
from tiaoli.outline import citations, covers, outlines
from tiaoli.source import Span, half_width

Kind: TypeAlias = Literal[
    "entity", "fact", "parameter", "rule", "table", "scale", "question", "mandate", "exception", "repeal",
    "amendment", "settlement"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Encoding:
    """A definition that encodes a clause. An ``amended`` one changes what another document defines; mandates are named by their condition."""

    name: str
    kind: Kind
    amended: bool
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ClauseItem:
    """One line of an outline: what encodes the clause, or the reason why nothing can; with neither it is open."""

    clause: str
    subject: str | None
    encodings: tuple[Encoding, ...]
    reason: str | None
    span: Span = field(compare=False, repr=False)

    @property
    def encoded(self) -> bool:
        return bool(self.encodings)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many clauses are encoded, how many cannot be computed, of how many in all."""

    encoded: int
    uncomputable: int
    every: int

    @property
    def open(self) -> int:
        return self.every - self.encoded - self.uncomputable

    def __add__(self, other: Coverage) -> Coverage:
        return Coverage(
            self.encoded + other.encoded, self.uncomputable + other.uncomputable, self.every + other.every
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class OutlinedDocument:
    """A document and its clauses in the order in which its outline states them."""

    header: s.Header
    place: str
    path: str
    clauses: tuple[ClauseItem, ...]

    @property
    def number(self) -> str:
        return self.header.document

    @property
    def coverage(self) -> Coverage:
        encoded = sum(c.encoded for c in self.clauses)
        return Coverage(encoded, sum(not c.encoded and c.reason is not None for c in self.clauses), len(self.clauses))


def outlined(documents: Iterable[s.Document]) -> tuple[OutlinedDocument, ...]:
    """Return the documents with their clauses, those of higher places and of earlier years first."""
    found = [_outlined(text) for text in documents if text.header is not None and text.header.place is not None]
    return tuple(sorted(found, key=lambda d: (d.place.count("-"), d.place, d.header.effective or 0, d.number)))


def find_document(documents: Sequence[OutlinedDocument], wanted: str) -> OutlinedDocument | None:
    """Return the document with this number or title, whatever brackets and blanks it is written with."""
    names = {_plain(name): d for d in reversed(documents) for name in (d.header.title, d.number) if name}
    return names.get(_plain(wanted))


def nearest_document(documents: Sequence[OutlinedDocument], wanted: str) -> str | None:
    """Return the number of the document whose number or title is most like ``wanted``."""
    names = {_plain(name): d.number for d in reversed(documents) for name in (d.header.title, d.number) if name}
    near = nearest(_plain(wanted), names)
    return None if near is None else names[near]


def _plain(name: str) -> str:
    """A number or title without what typing habits change: kinds of brackets, quotation marks, blanks, 第 before the number."""
    return re.sub(r"[\s\[\]()〔〕【】《》〈〉<>“”\"'「」]|第(?=\d+号)", "", half_width(name)).lower()


def _outlined(text: s.Document) -> OutlinedDocument:
    assert text.header is not None and text.header.place is not None
    definitions = [(d, _cited(d, text.header.document)) for d in text.declarations]
    clauses = tuple(
        ClauseItem(entry.clause.text, entry.subject, tuple(_encodings(entry, definitions)), entry.reason, entry.span)
        for entry in outlines(text)
    )
    return OutlinedDocument(text.header, text.header.place.text, text.source.path, clauses)


def _cited(declaration: s.Declaration, own: str) -> list[str]:
    return [c.clause for c in citations(declaration) if c.clause and c.document in (None, own)]


def _encodings(entry: s.Outline, definitions: Sequence[tuple[s.Declaration, list[str]]]) -> Iterator[Encoding]:
    """What the outline lists for a clause, in its order; all mandates that cite the clause for 要求."""
    for word in entry.encoded:
        for declaration, cited in definitions:
            found = _encoding(declaration)
            if found is None or not any(covers(entry.clause.text, clause) for clause in cited):
                continue
            if found.name == word.text or (found.kind == "mandate" and word.text in ("要求", "mandate")):
                yield found


def _encoding(declaration: s.Declaration) -> Encoding | None:
    match declaration:
        case s.Header() | s.Outline():
            return None
        case s.Mandate(condition=condition):
            return Encoding(" ".join(condition.span.text.split()), "mandate", False, declaration.span)
        case s.Amendment(target):
            return Encoding(name_of(target).text, _kind(target), True, name_of(target).span)
        case s.RuleException(name):
            return Encoding(name.text, "exception", True, name.span)
        case s.Settlement(name):
            return Encoding(name.text, "settlement", True, name.span)
        case s.Repeal(name):
            return Encoding(name.text, "repeal", True, name.span)
        case _:
            return Encoding(name_of(declaration).text, _kind(declaration), False, name_of(declaration).span)


def _kind(definition: s.Definition) -> Kind:
    match definition:
        case s.Entity():
            return "entity"
        case s.Fact():
            return "fact"
        case s.Parameter():
            return "parameter"
        case s.Rule():
            return "rule"
        case s.Table():
            return "table"
        case s.Scale():
            return "scale"
        case s.Question():
            return "question"
