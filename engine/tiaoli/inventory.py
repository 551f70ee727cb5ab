"""What is in force in a place in a year, as data: documents, 对象, facts, parameters, rules, open questions, mandates.

A rule is laid out as `Line`s: a clause, a table row or a band each become cells that are asked, a value that is given, and a basis.
What was written is kept as a `Phrase`: its text, and its meaning. Two phrases are equal when they mean the same; `tiaoli.comparison`
rests on that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal, TypeAlias, TypeVar, assert_never

from tiaoli import model as m
from tiaoli.inventory_phrases import Phrase, Phrases, interval_text, squeeze
from tiaoli.meaning import Environment, Result, Trouble, Unknown, decide
from tiaoli.source import Span
from tiaoli.values import Kind, Mode, Type, Value

LineKind: TypeAlias = Literal["exception", "when", "otherwise", "formula", "row", "band"]
Shape: TypeAlias = Literal["cases", "table", "scale"]


@dataclass(frozen=True, slots=True)
class Line:
    """A clause, row or band. ``heading`` is the condition, the cells or the interval as written; ``cells`` what they ask.

    Shape: a clause has one cell, or none where it has no condition; a row one for each column; a band two, its edges. ``rank`` orders
    exceptions: those of one rank are tried together.
    """

    kind: LineKind
    heading: str = field(compare=False)
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
class Amount:
    """A value and the type that says how to write it."""

    value: Value
    type: Type


@dataclass(frozen=True, slots=True)
class Reach:
    """The least and greatest value of a fact (dates as ordinals); either may be open."""

    low: Fraction | int | None
    high: Fraction | int | None
    type: Type


Said: TypeAlias = str | Amount | Reach | Type | Rounding | Phrase | Line | tuple[m.Basis, ...] | None
"""Something that can be said of an item, not yet put into words; `say` does that."""


@dataclass(frozen=True, slots=True)
class DocumentItem:
    """A document in force and the names of what it states in this year (要求 for its mandates)."""

    document: m.Document
    states: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.document.number


@dataclass(frozen=True, slots=True)
class EntityItem:
    """A kind of record besides the insured person. ``facts`` and ``rules`` are its own by name, ``links`` the facts that point to it."""

    entity: m.Entity
    facts: tuple[str, ...]
    rules: tuple[str, ...]
    links: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.entity.name


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
    """A parameter with its value in the year, or one for each key; none where no document gives one for this year.

    ``basis`` and ``note`` are its own; each value has those of its row.
    """

    name: str
    type: Type
    key_type: Type | None
    values: tuple[m.ParameterValue, ...]
    document: str
    basis: tuple[m.Basis, ...]
    note: str | None


@dataclass(frozen=True, slots=True)
class RuleItem:
    """A rule as it stands. ``columns`` are those of a table or the base of a scale; ``last`` is None where no end is known.

    ``figure`` is its value in the year where the documents alone decide it, whatever the record and the readings. ``entity``: the kind of
    record it is a value of.
    """

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
    entity: str
    figure: Amount | None = None


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
    """A condition that must hold; ``names`` are those it speaks of, ``last`` is None where no end is known.

    ``missing`` are those that the place does not define in this year: then it is checked only in places that do.
    """

    condition: Phrase
    names: tuple[str, ...]
    in_principle: bool
    first: int
    last: int | None
    basis: tuple[m.Basis, ...]
    document: str
    missing: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.condition.text


Item: TypeAlias = DocumentItem | EntityItem | FactItem | ParameterItem | RuleItem | QuestionItem | MandateItem


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
    entities: tuple[EntityItem, ...] = ()

    @property
    def unencoded(self) -> dict[str, tuple[str, ...]]:
        """The rules that this place lacks in this year for want of figures, each with the parameters that have no value here."""
        active = {rule.name for rule in self.program.segment(self.year).rules}
        return {n: p for n, p in self.program.unencoded.items() if n not in active and n.isidentifier()}

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that `entry` knows: definitions of any year, and document numbers."""
        rules = (n for n, texts in self.program.rules.items() if not texts[0].hidden)
        program = self.program
        return tuple(
            dict.fromkeys(
                (*program.facts, *program.parameters, *rules, *program.questions, *program.documents, *program.entities)
            )
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One definition: as it stands in the year (None where it does not), and through all years of the program.

    Shape: the history of a rule is its texts in order of years, that of a parameter one item holding the values of every year.
    """

    name: str
    item: Item | None
    history: tuple[Item, ...]


def sections(found: Inventory) -> tuple[tuple[str, tuple[Item, ...]], ...]:
    """Return the sorts of items in the order in which they are shown."""
    return (
        ("documents", found.documents), ("entities", found.entities), ("facts", found.facts), ("parameters", found.parameters),
        ("rules", found.rules), ("questions", found.questions), ("mandates", found.mandates),
    )  # fmt: skip


# ── from the program ─────────────────────────────────────────────────────────


def inventory(program: m.Program, year: int) -> Inventory:
    """Return what is in force in ``year``. Raises KeyError outside the program's years."""
    segment = program.segment(year)
    reader = _Reader(program)
    facts = tuple(FactItem(f, reader.document(f.span)) for f in reader.ordered(program.facts.values()))
    parameters = tuple(
        p
        for p in (reader.parameter(p, year) for p in reader.ordered(program.parameters.values()))
        if p.values or reader.effective(p.document, year)
    )
    known = figures(program, year)
    rules = tuple(
        replace(reader.rule(r, year), figure=known.get(r.name)) for r in reader.ordered(segment.rules) if not r.hidden
    )
    questions = tuple(reader.questions(segment, year))
    mandates = tuple(reader.mandates(segment, year))
    entities = tuple(map(reader.entity, reader.ordered(program.entities.values())))
    stated = _stated(reader, (*entities, *facts, *parameters, *rules, *questions, *mandates))
    documents = tuple(
        DocumentItem(d, tuple(stated.get(d.number, ()))) for d in program.documents.values() if d.effective <= year
    )
    return Inventory(
        program.place, year, program.fingerprint, documents, facts, parameters, rules, questions, mandates, program, entities
    )  # fmt: skip


def entry(found: Inventory, name: str) -> Entry:
    """Return the definition or document ``name``. Raises KeyError for a name that no document of the place defines."""
    program = found.program
    reader = _Reader(program)
    items: tuple[Item, ...] = (
        *found.documents,
        *found.entities,
        *found.facts,
        *found.parameters,
        *found.rules,
        *found.questions,
    )
    item = next((i for i in items if i.name == name), None)
    if name in program.documents:
        return Entry(name, item, (item or DocumentItem(program.documents[name], ()),))
    if (name in program.facts or name in program.entities) and item is not None:
        return Entry(name, item, (item,))
    if name in program.questions:
        question = program.questions[name]
        return Entry(name, item, (QuestionItem(question, reader.document(question.span)),))
    if name in program.parameters:
        return Entry(name, item, (reader.parameter(program.parameters[name], None),))
    texts = program.rules[name]
    if texts[0].hidden:
        raise KeyError(name)
    return Entry(name, item, tuple(reader.rule(t, t.first) for t in texts))


@dataclass(slots=True)
class _Documents:
    """An environment in which documents alone have values: of persons and readings nothing is known."""

    program: m.Program
    year: int
    values: dict[tuple[str, int], Result]

    def parameter(self, ref: m.ParameterRef, key: Value) -> Result:
        parameter = self.program.parameters[ref.name]
        value = parameter.at(self.year - ref.lag, key)
        if value is None:
            return None if parameter.type.nullable else _unknown(ref.name)
        return value.value

    def fact(self, ref: m.FactRef) -> Result:
        return _unknown(ref.name)

    def question(self, ref: m.QuestionRef) -> Result:
        return _unknown(ref.name)

    def rule(self, ref: m.RuleRef) -> Result:
        initial = self.program.rules[ref.name][0].initial if ref.name in self.program.rules else None
        return self.values.get((ref.name, self.year - ref.lag), initial)

    def linked(self, ref: m.Through, ident: str) -> Environment:
        raise AssertionError(ref)

    def aggregate(self, aggregate: m.Aggregate) -> Result:
        return _unknown(aggregate.members)


def _unknown(name: str) -> Unknown:
    return Unknown(frozenset({(name, 0)}))


def figures(program: m.Program, year: int, name: str | None = None) -> dict[str, Amount]:
    """Return the values that rules have in ``year`` whoever the person; with ``name`` that rule's and those it rests on alone.

    They are worked out from the first year on, since rules may read 上年.
    """
    wanted = frozenset(program.rules) if name is None else frozenset(_rests_on(program, name))
    values = _worked_out(program, year, wanted)
    rules = [r for r in program.segment(year).rules if r.name in wanted]
    found = ((r.name, values[r.name, year], r.type.present) for r in rules)
    return {name: Amount(value, kind) for name, value, kind in found if not isinstance(value, Unknown)}


def deciding(program: m.Program, year: int, name: str) -> tuple[tuple[m.ParameterValue, ...], tuple[Decided, ...]]:
    """Return what decides the value of a rule that is the same for everyone: the figures it comes from, and the clauses on the way."""
    values = _worked_out(program, year, frozenset(_rests_on(program, name)))
    stated: dict[int, m.ParameterValue] = {}
    clauses: dict[int, Decided] = {}
    pending, seen = [(name, year)], set[tuple[str, int]]()
    while pending:
        current = pending.pop(0)
        rule = program.rule_at(*current) if current not in seen and current[1] >= program.first else None
        seen.add(current)
        if rule is None:
            continue
        decided, read = _put_in(rule, _Documents(program, current[1], values))
        clauses |= {id(d): d for d in decided}
        for node, key in read:
            if isinstance(node, m.RuleRef):
                pending.append((node.name, current[1] - node.lag))
            elif (value := program.parameters[node.name].at(current[1] - node.lag, key)) is not None:
                stated[id(value)] = value
    return tuple(stated.values()), tuple(clauses.values())


def _put_in(
    rule: m.Rule, env: _Documents
) -> tuple[tuple[Decided, ...], list[tuple[m.ParameterRef | m.RuleRef, Value]]]:
    """What decides a rule, and the parameters (each with its key) and rules that its value was made of."""
    nodes: dict[int, tuple[m.Expression, Result]] = {}

    def watch(expression: m.Expression, value: Result) -> None:
        nodes[id(expression)] = (expression, value)

    decided = decide(rule, env, watch).decided
    told = {id(n) for d in decided for e in _telling(rule.body, d) for n in m.walk_own(e)}
    read: list[tuple[m.ParameterRef | m.RuleRef, Value]] = []
    for node in (node for at, (node, _) in nodes.items() if at in told):
        if isinstance(node, m.RuleRef):
            read.append((node, None))
        elif isinstance(node, m.ParameterRef):
            key = None if node.key is None else nodes[id(node.key)][1]
            if not isinstance(key, Unknown):
                read.append((node, key))
    return decided, read


Decided: TypeAlias = m.Clause | m.Row | m.Band


def _telling(body: m.Body, decided: Decided) -> Iterator[m.Expression]:
    """The expressions that give the value where ``decided`` decides."""
    if isinstance(decided, m.Band):
        yield decided.rate
        if isinstance(body, m.MarginalScale):
            yield body.base
    else:
        yield decided.value


def _worked_out(program: m.Program, year: int, wanted: frozenset[str]) -> dict[tuple[str, int], Result]:
    """The values of the rules ``wanted`` by name and year, from the first year on."""
    values: dict[tuple[str, int], Result] = {}
    for now in range(program.first, year + 1):
        env = _Documents(program, now, values)
        for rule in (r for r in program.segment(now).rules if r.name in wanted):
            try:
                values[rule.name, now] = decide(rule, env).value
            except Trouble:
                values[rule.name, now] = _unknown(rule.name)
    return values


def _rests_on(program: m.Program, name: str) -> set[str]:
    """The rule ``name`` and all that any text of it reads, directly or not."""
    found: set[str] = set()
    pending = [name]
    while pending:
        current = pending.pop()
        if current not in found:
            found.add(current)
            nodes = (n for r in program.rules.get(current, ()) for e in m.expressions(r.body) for n in m.walk(e))
            pending += [n.name for n in nodes if isinstance(n, m.RuleRef)]
    return found


def _stated(reader: _Reader, items: Iterable[Item]) -> dict[str, dict[str, None]]:
    """The names that each document states: defines, or gives a value or an exception to."""
    stated: dict[str, dict[str, None]] = {}
    for item in items:
        for document in _stating(reader, item):
            stated.setdefault(document, {})["要求" if isinstance(item, MandateItem) else item.name] = None
    return stated


def _stating(reader: _Reader, item: Item) -> Iterator[str]:
    match item:
        case EntityItem(entity=entity):
            yield entity.document
        case FactItem(document=document) | QuestionItem(document=document) | MandateItem(document=document):
            yield document
        case ParameterItem():
            yield from [reader.document(v.span) for v in item.values] or [item.document]
        case RuleItem():
            yield from (item.document, *(line.document for line in item.lines))
        case DocumentItem():
            pass
        case _:
            assert_never(item)


_Definition = TypeVar("_Definition", m.Entity, m.Fact, m.Parameter, m.Rule, m.Question, m.Mandate | m.IdleMandate)


class _Reader:
    """Reads definitions of a program as items."""

    def __init__(self, program: m.Program) -> None:
        self.program = program
        self.phrases = Phrases(program)
        self.paths = {d.path: (rank, d.number) for rank, d in enumerate(program.documents.values())}

    def document(self, span: Span) -> str:
        return self.paths[span.source.path][1]

    def effective(self, document: str, year: int) -> bool:
        return self.program.documents[document].effective <= year

    def ordered(self, definitions: Iterable[_Definition]) -> list[_Definition]:
        """Definitions by the rank of their document, then as written."""
        return sorted(definitions, key=lambda d: (self.paths[d.span.source.path][0], d.span.start))

    def entity(self, entity: m.Entity) -> EntityItem:
        own = entity.name
        facts = tuple(f.name for f in self.program.facts.values() if f.entity == own)
        rules = tuple(n for n, texts in self.program.rules.items() if texts[0].entity == own and not texts[0].hidden)
        links = tuple(f.name for f in self.program.facts.values() if f.is_link and f.type.target == own)
        return EntityItem(entity, facts, rules, links)

    def parameter(self, parameter: m.Parameter, year: int | None) -> ParameterItem:
        """The parameter with its values in ``year``, or of all years."""
        values = tuple(v for v in parameter.values if year is None or parameter.at(year, v.key) is v)
        return ParameterItem(
            parameter.name, parameter.type, parameter.key_type, values, self.document(parameter.span), parameter.basis, parameter.note
        )  # fmt: skip

    def questions(self, segment: m.Segment, year: int) -> Iterator[QuestionItem]:
        """Questions of documents in force, and those that a rule of the year asks."""
        texts = (e for r in segment.rules for e in m.expressions(r.body))
        asked = {n.name for e in texts for n in m.walk(e) if isinstance(n, m.QuestionRef)}
        for question in self.ordered(self.program.questions.values()):
            document = self.document(question.span)
            if question.name in asked or self.effective(document, year):
                yield QuestionItem(question, document)

    def mandates(self, segment: m.Segment, year: int) -> Iterator[MandateItem]:
        """Mandates of the year, those included that are not checked here."""
        checked = {id(g.span) for g in segment.mandates}
        here = {r.name for r in segment.rules} | self.program.facts.keys() | self.program.parameters.keys()
        idle = (g for g in self.program.idle if id(g.span) not in checked)
        every: tuple[m.Mandate | m.IdleMandate, ...] = (*segment.mandates, *idle)
        for mandate in self.ordered(every):
            if not mandate.first <= year <= mandate.last:
                continue
            if isinstance(mandate, m.Mandate):
                yield self.mandate(mandate, year)
            else:
                yield self.idle(mandate, tuple(n for n in mandate.needs if n not in here))

    def idle(self, mandate: m.IdleMandate, missing: tuple[str, ...]) -> MandateItem:
        text = squeeze(mandate.condition)
        return MandateItem(
            Phrase(text, (text,)), mandate.needs, mandate.in_principle, mandate.first, self.end(mandate.last), mandate.basis,
            mandate.document, missing,
        )  # fmt: skip

    def mandate(self, mandate: m.Mandate, year: int) -> MandateItem:
        condition = self.phrases.of(mandate.condition, year)
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
            rule.entity,
        )  # fmt: skip

    def end(self, last: int) -> int | None:
        return None if last == self.program.last else last

    def columns(self, body: m.Body, year: int) -> tuple[tuple[Phrase, ...], bool]:
        match body:
            case m.Cases():
                return (), False
            case m.DecisionTable():
                return tuple(self.phrases.of(c, year) for c in body.columns), body.first_hit
            case m.MarginalScale():
                return (self.phrases.of(body.base, year),), False
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
        cells = () if clause.condition is None else (self.phrases.of(clause.condition, year),)
        heading = cells[0].text if cells else ""
        value = self.phrases.of(clause.value, year)
        return Line(kind, heading, cells, value, clause.basis, clause.document, clause.note, rank)

    def row(self, row: m.Row, document: str, year: int) -> Line:
        cells = tuple(self.phrases.cell(t, year) for t in row.tests)
        value = self.phrases.of(row.value, year)
        heading = " | ".join(c.text for c in cells)
        return Line("row", heading, cells, value, row.basis, document, row.note)

    def band(self, band: m.Band, document: str, year: int) -> Line:
        edges, rate = self.phrases.edges(band, year), self.phrases.of(band.rate, year)
        return Line("band", interval_text(band), edges, rate, band.basis, document, band.note)


def _names(expression: m.Expression) -> tuple[str, ...]:
    refs = (n.name for n in m.walk(expression) if isinstance(n, m.FactRef | m.RuleRef | m.ParameterRef | m.QuestionRef))
    return tuple(dict.fromkeys(refs))


def _shape(body: m.Body) -> Shape:
    match body:
        case m.Cases():
            return "cases"
        case m.DecisionTable():
            return "table"
        case m.MarginalScale():
            return "scale"
        case _:
            assert_never(body)
