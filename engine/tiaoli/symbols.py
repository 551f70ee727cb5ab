"""What is in force: the definitions of a place over a run of years, still as written, each with its document and years."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from tiaoli import syntax as s
from tiaoli.model import Document
from tiaoli.values import INSURED


@dataclass(frozen=True, slots=True)
class Version:
    """One text of a rule, table or scale, in force in the years ``first``..``last`` (open where ``None``)."""

    declaration: s.Rule | s.Table | s.Scale
    document: Document
    first: int
    last: int | None


@dataclass(frozen=True, slots=True)
class ExceptionText:
    """例外 to a rule and the years in which it holds; ``rank`` orders documents, higher first."""

    declaration: s.RuleException
    document: Document
    rank: int
    first: int
    last: int | None


@dataclass(frozen=True, slots=True)
class RuleSymbol:
    """A rule's texts, not overlapping, in order of years, and the exceptions to it."""

    name: str
    versions: tuple[Version, ...]
    exceptions: tuple[ExceptionText, ...]
    output: bool
    entity: str = INSURED

    def at(self, year: int) -> Version | None:
        """Return the text in force in ``year``."""
        return next((v for v in self.versions if v.first <= year and (v.last is None or year <= v.last)), None)


@dataclass(frozen=True, slots=True)
class ValueText:
    """One row of a parameter in the years ``first``..``last``; ``key`` as written."""

    row: s.ParameterRow
    key: s.Expression | None
    document: Document
    first: int
    last: int | None


@dataclass(frozen=True, slots=True)
class ParameterSymbol:
    """A parameter: the declaration that defines it, and the rows of it and of its amendments, later ones winning."""

    name: str
    declaration: s.Parameter
    document: Document
    values: tuple[ValueText, ...]


@dataclass(frozen=True, slots=True)
class FactSymbol:
    """An input, as last amended; ``entity``, here and in rules: the kind of record that has it."""

    name: str
    declaration: s.Fact
    document: Document
    entity: str = INSURED


@dataclass(frozen=True, slots=True)
class QuestionSymbol:
    """An open question, and the document that settles it here, if any."""

    name: str
    declaration: s.Question
    document: Document
    settled: tuple[s.Settlement, Document] | None = None


@dataclass(frozen=True, slots=True)
class EntitySymbol:
    """A kind of record besides the insured person."""

    name: str
    declaration: s.Entity
    document: Document


@dataclass(frozen=True, slots=True)
class MandateText:
    """A mandate of this place or of one above it."""

    declaration: s.Mandate
    document: Document
    first: int
    last: int | None


Symbol: TypeAlias = RuleSymbol | ParameterSymbol | FactSymbol | QuestionSymbol


@dataclass(frozen=True, slots=True)
class InForce:
    """All that holds in ``place`` over the years ``first``..``last``.

    ``entities`` are the kinds of record declared, by name. ``known`` are all names of the library, for mandates; ``broken`` those whose
    declarations have mistakes already said.
    """

    place: str
    first: int
    last: int
    symbols: Mapping[str, Symbol]
    mandates: tuple[MandateText, ...]
    documents: Mapping[str, Document]
    known: frozenset[str]
    broken: frozenset[str]
    fingerprint: str
    entities: Mapping[str, EntitySymbol] = field(default_factory=dict)
