"""What is in force in a place in a year, as data: documents, facts, parameters, rules, open questions, mandates.

A rule is laid out as `Line`s: a clause, a table row or a band each become cells that are asked, a value that is given, and a basis.
What was written is kept as a `Phrase`: its text, and its meaning as a model node freed of spelling, types and scales. Two phrases
are equal when they mean the same; `tiaoli.comparison` rests on that. Hidden rules appear only inside the meaning of what reads them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, assert_never

from tiaoli import model as m
from tiaoli.resolve import DEFAULT_RANGES
from tiaoli.show_value import show_value
from tiaoli.source import Span, display_width
from tiaoli.trace import outward
from tiaoli.values import ROUNDING_UNITS, Kind, Mode, Type, Value

if TYPE_CHECKING:
    from rich.console import Group

LineKind: TypeAlias = Literal["exception", "when", "otherwise", "formula", "row", "band"]
Shape: TypeAlias = Literal["cases", "table", "scale"]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A piece of a rule as written. Two are equal when they mean the same, however they are written."""

    text: str = field(compare=False)
    meaning: object


@dataclass(frozen=True, slots=True)
class Line:
    """A clause, row or band. ``heading`` is the condition, the cells or the interval as written; ``cells`` what they ask.

    Shape: a clause has one cell, or none where it has no condition; a row one for each column; a band two, its edges. ``rank`` orders
    exceptions: those of one rank are tried together.
    """

    kind: LineKind
    heading: str
    cells: tuple[Phrase, ...]
    value: Phrase
    basis: tuple[m.Basis, ...]
    document: str
    note: str | None
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Rounding:
    """How a value of ``type`` is rounded: to whole multiples of ``unit``. ``named`` where the rule says so itself."""

    mode: Mode
    unit: Fraction
    type: Type
    named: bool = field(compare=False)


@dataclass(frozen=True, slots=True)
class DocumentItem:
    """A document in force and the names of what it states in this year (要求 for its mandates)."""

    document: m.Document
    states: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FactItem:
    """An input of the records. Facts belong to no year."""

    fact: m.Fact
    document: str

    @property
    def name(self) -> str:
        return self.fact.name


@dataclass(frozen=True, slots=True)
class ParameterItem:
    """A parameter with its value in the year, or one for each key; none where no document gives one for this year."""

    name: str
    type: Type
    key_type: Type | None
    values: tuple[m.ParameterValue, ...]
    document: str


@dataclass(frozen=True, slots=True)
class RuleItem:
    """A rule as it stands. ``columns`` are those of a table or the base of a scale; ``last`` is None where no end is known."""

    name: str
    type: Type
    output: bool
    shape: Shape
    columns: tuple[Phrase, ...]
    first_hit: bool
    lines: tuple[Line, ...]
    rounding: Rounding | None
    initial: Value
    has_initial: bool
    first: int
    last: int | None
    document: str
    basis: tuple[m.Basis, ...]
    note: str | None


@dataclass(frozen=True, slots=True)
class QuestionItem:
    """An open question of the text."""

    question: m.Question
    document: str

    @property
    def name(self) -> str:
        return self.question.name


@dataclass(frozen=True, slots=True)
class MandateItem:
    """A condition that must hold; ``names`` are those it speaks of, ``last`` is None where no end is known."""

    condition: Phrase
    names: tuple[str, ...]
    in_principle: bool
    first: int
    last: int | None
    basis: tuple[m.Basis, ...]
    document: str

    @property
    def name(self) -> str:
        return self.condition.text


Item: TypeAlias = DocumentItem | FactItem | ParameterItem | RuleItem | QuestionItem | MandateItem


@dataclass(frozen=True, slots=True)
class Inventory:
    """All that is in force in ``place`` in ``year``, each sort in the order in which the documents state it."""

    place: str
    year: int
    fingerprint: str
    documents: tuple[DocumentItem, ...]
    facts: tuple[FactItem, ...]
    parameters: tuple[ParameterItem, ...]
    rules: tuple[RuleItem, ...]
    questions: tuple[QuestionItem, ...]
    mandates: tuple[MandateItem, ...]
    program: m.Program = field(compare=False, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that `entry` knows: definitions of any year, and document numbers."""
        rules = (n for n, texts in self.program.rules.items() if not texts[0].hidden)
        program = self.program
        return tuple(dict.fromkeys((*program.facts, *program.parameters, *rules, *program.questions, *program.documents)))


@dataclass(frozen=True, slots=True)
class Entry:
    """One definition: as it stands in the year (None where it does not), and through all years of the program.

    Shape: the history of a rule is its texts in order of years, that of a parameter one item holding the values of every year.
    """

    name: str
    item: Item | None
    history: tuple[Item, ...]


# ── from the program ─────────────────────────────────────────────────────────


def inventory(program: m.Program, year: int) -> Inventory:
    """Return what is in force in ``year``. Raises KeyError outside the program's years."""
    segment = program.segment(year)
    reader = _Reader(program)
    rules = [reader.rule(r, year) for r in reader.ordered(segment.rules) if not r.hidden]
    mandates = [reader.mandate(g, year) for g in reader.ordered(segment.mandates) if g.first <= year <= g.last]
    parameters = [reader.parameter(p, year) for p in reader.ordered(program.parameters.values())]
    read = _questions_read(segment)
    items = (
        tuple(FactItem(f, reader.document(f.span)) for f in reader.ordered(program.facts.values())),
        tuple(p for p in parameters if p.values or reader.effective(p.document, year)),
        tuple(rules),
        tuple(
            QuestionItem(q, document)
            for q in reader.ordered(program.questions.values())
            if reader.effective(document := reader.document(q.span), year) or q.name in read
        ),
        tuple(mandates),
    )
    stated = _stated(reader, *items)
    documents = tuple(
        DocumentItem(d, tuple(stated.get(d.number, ()))) for d in program.documents.values() if d.effective <= year
    )
    return Inventory(program.place, year, program.fingerprint, documents, *items, program)


def entry(found: Inventory, name: str) -> Entry:
    """Return the definition or document ``name``. Raises KeyError for a name that no document of the place defines."""
    program = found.program
    reader = _Reader(program)
    items = (*found.facts, *found.parameters, *found.rules, *found.questions)
    item: Item | None = next((i for i in items if i.name == name), None)
    if name in program.documents:
        item = next((d for d in found.documents if d.document.number == name), None)
        return Entry(name, item, (DocumentItem(program.documents[name], item.states if item else ()),))
    if name in program.facts or name in program.questions:
        return Entry(name, item, (item,) if item else _question_history(reader, name))
    if name in program.parameters:
        return Entry(name, item, (reader.parameter(program.parameters[name], None),))
    texts = program.rules[name]
    if texts[0].hidden:
        raise KeyError(name)
    return Entry(name, item, tuple(reader.rule(t, t.first) for t in texts))


def _question_history(reader: _Reader, name: str) -> tuple[Item, ...]:
    question = reader.program.questions[name]
    return (QuestionItem(question, reader.document(question.span)),)


def _questions_read(segment: m.Segment) -> set[str]:
    texts = (e for r in segment.rules for e in m.expressions(r.body))
    return {n.name for e in texts for n in m.walk(e) if isinstance(n, m.QuestionRef)}


def _stated(
    reader: _Reader,
    facts: Iterable[FactItem],
    parameters: Iterable[ParameterItem],
    rules: Iterable[RuleItem],
    questions: Iterable[QuestionItem],
    mandates: Iterable[MandateItem],
) -> dict[str, dict[str, None]]:
    """The names that each document states: defines, or gives a value or an exception to."""
    stated: dict[str, dict[str, None]] = {}

    def note(document: str, name: str) -> None:
        stated.setdefault(document, {})[name] = None

    for item in (*facts, *questions):
        note(item.document, item.name)
    for parameter in parameters:
        for document in [reader.document(v.span) for v in parameter.values] or [parameter.document]:
            note(document, parameter.name)
    for rule in rules:
        for document in (rule.document, *(line.document for line in rule.lines)):
            note(document, rule.name)
    for mandate in mandates:
        note(mandate.document, "要求")
    return stated


class _Reader:
    """Reads definitions of a program as items."""

    def __init__(self, program: m.Program) -> None:
        self.program = program
        self.paths = {d.path: (rank, d.number) for rank, d in enumerate(program.documents.values())}

    def document(self, span: Span) -> str:
        return self.paths[span.source.path][1]

    def effective(self, document: str, year: int) -> bool:
        return self.program.documents[document].effective <= year

    def ordered(self, definitions: Iterable[_Definition]) -> list[_Definition]:
        """Definitions by the rank of their document, then as written."""
        return sorted(definitions, key=lambda d: (self.paths[d.span.source.path][0], d.span.start))

    def parameter(self, parameter: m.Parameter, year: int | None) -> ParameterItem:
        """The parameter with its values in ``year``, or of all years."""
        values = tuple(v for v in parameter.values if year is None or parameter.at(year, v.key) is v)
        return ParameterItem(parameter.name, parameter.type, parameter.key_type, values, self.document(parameter.span))

    def mandate(self, mandate: m.Mandate, year: int) -> MandateItem:
        condition = self.phrase(mandate.condition, year)
        return MandateItem(
            condition, _names(mandate.condition), mandate.in_principle, mandate.first, self.end(mandate.last),
            mandate.basis, mandate.document,
        )  # fmt: skip

    def rule(self, rule: m.Rule, year: int) -> RuleItem:
        columns, first_hit = self.columns(rule.body, year)
        rounding = None
        if rule.type.kind.is_number and (rule.names_rounding or rule.type.kind in (Kind.MONEY, Kind.RATE)):
            rounding = Rounding(rule.mode, rule.unit, rule.type.present, rule.names_rounding)
        return RuleItem(
            rule.name, rule.type, rule.output, _shape(rule.body), columns, first_hit, tuple(self.lines(rule, year)),
            rounding, rule.initial, rule.has_initial, rule.first, self.end(rule.last), rule.document, rule.basis, rule.note,
        )  # fmt: skip

    def end(self, last: int) -> int | None:
        return None if last == self.program.last else last

    def columns(self, body: m.Body, year: int) -> tuple[tuple[Phrase, ...], bool]:
        match body:
            case m.Cases():
                return (), False
            case m.DecisionTable():
                return tuple(self.phrase(c, year) for c in body.columns), body.first_hit
            case m.MarginalScale():
                return (self.phrase(body.base, year),), False
            case _:
                assert_never(body)

    def lines(self, rule: m.Rule, year: int) -> Iterator[Line]:
        match rule.body:
            case m.Cases(exceptions, clauses):
                for rank, group in enumerate(exceptions):
                    yield from (self.clause(c, "exception", year, rank) for c in group)
                yield from (self.clause(c, "when", year) for c in clauses[:-1])
                yield self.clause(clauses[-1], "otherwise" if len(clauses) > 1 or exceptions else "formula", year)
            case m.DecisionTable(rows=rows, otherwise=otherwise):
                yield from (self.row(r, rule.document, year) for r in rows)
                if otherwise is not None:
                    yield self.clause(otherwise, "otherwise", year)
            case m.MarginalScale(bands=bands):
                yield from (self.band(b, rule.document, year) for b in bands)
            case _:
                assert_never(rule.body)

    def clause(self, clause: m.Clause, kind: LineKind, year: int, rank: int = 0) -> Line:
        cells = () if clause.condition is None else (self.phrase(clause.condition, year),)
        heading = cells[0].text if cells else ""
        value = self.phrase(clause.value, year)
        return Line(kind, heading, cells, value, clause.basis, clause.document, _note(clause.value.span, clause.span), rank)

    def row(self, row: m.Row, document: str, year: int) -> Line:
        cells = tuple(self.cell(t, year) for t in row.tests)
        value = self.phrase(row.value, year)
        heading = " | ".join(c.text for c in cells)
        return Line("row", heading, cells, value, row.basis, document, _note(row.value.span, row.span))

    def cell(self, test: m.Test, year: int) -> Phrase:
        def edge(expression: m.Expression | None) -> object:
            return None if expression is None else self.meaning(expression, year)

        values = frozenset(self.meaning(v, year) for v in test.values)
        bounds = frozenset((edge(low), with_low, edge(high), with_high) for low, with_low, high, with_high in test.bounds)
        return Phrase(_cell_text(test), (values, bounds, test.absent))

    def band(self, band: m.Band, document: str, year: int) -> Line:
        edges = tuple(Phrase("", None) if e is None else self.phrase(e, year) for e in (band.low, band.high))
        return Line(
            "band", _interval_text(band), edges, self.phrase(band.rate, year), band.basis, document,
            _note(band.rate.span, band.span),
        )  # fmt: skip

    def phrase(self, expression: m.Expression, year: int) -> Phrase:
        return Phrase(_squeeze(expression.span.text), self.meaning(expression, year))

    # ── meaning ──────────────────────────────────────────────────────────────
    def meaning(self, expression: m.Expression, year: int, inside: tuple[str, ...] = ()) -> m.Expression:
        """The expression without types, scales and the order of operands where it does not matter; memory forms spelt out."""
        if isinstance(expression, m.RuleRef) and self.hidden(expression.name):
            return self.memory(expression, year, inside)
        below = tuple(self.meaning(o, year, inside) for o in m.operands(expression))
        node = m.with_operands(expression, below)
        match node:
            case m.Constant():
                return replace(node, type=Type(node.type.kind), scale=None, range=m.ANY)
            case m.FactRef(name=name, lag=lag) | m.RuleRef(name=name, lag=lag) | m.ParameterRef(name=name, lag=lag, key=None):
                return m.RuleRef(_PLAIN, None, m.ANY, node.span, name, lag)
            case m.Apply():
                return _straightened(replace(node, type=_PLAIN, scale=None, range=m.ANY))
            case _:
                return replace(node, type=_PLAIN, scale=None, range=m.ANY)

    def hidden(self, name: str) -> bool:
        texts = self.program.rules.get(name)
        return texts is not None and texts[0].hidden

    def memory(self, ref: m.RuleRef, year: int, inside: tuple[str, ...]) -> m.Expression:
        """What a library form such as 连续年数(…) remembers, as one node; where it reads itself it has no name."""
        rule = self.program.rule_at(ref.name, year)
        if ref.name in inside or rule is None:
            return m.RuleRef(_PLAIN, None, m.ANY, ref.span, "" if ref.name in inside else ref.name, ref.lag)
        texts = tuple(self.meaning(e, year, (*inside, ref.name)) for e in m.expressions(rule.body))
        return m.Apply(_PLAIN, None, m.ANY, ref.span, f"记忆{ref.lag}", texts)


_Definition = m.Fact | m.Parameter | m.Rule | m.Question | m.Mandate
_PLAIN = Type(Kind.BOOL)
_COMMUTATIVE = ("且", "或", "+", "×", "=", "≠", "取小", "取大")
_MIRRORED = {">": "<", "≥": "≤"}
