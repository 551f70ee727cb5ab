"""The model: what back ends, explanations and editors work on. Checked, complete, and without a trace of spelling.

A `Program` holds the rules of one place over a run of years. Every expression has its type, scale, range and span; names are
references that resolve; the rules of each `Segment` stand in dependency order. No pass adds to a node later.

Units: money is counted in 分, a rate in parts of one, durations in years, months or days, a date as `datetime.date`, an insured year
as its number. `scale` says how a numeric expression is held: a whole number of 10**-scale units, or, where it is ``None``, an exact
ratio (only below a division). `range` is (low, high) in units, ``None`` where unbounded or not a number; dates use ordinals.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

from tiaoli.source import Span
from tiaoli.values import INSURED, Kind, Mode, Type, Value

Range: TypeAlias = tuple[Fraction | int | None, Fraction | int | None]
ANY: Range = (None, None)


@dataclass(frozen=True, slots=True)
class Document:
    """The head of a legal document."""

    number: str
    title: str | None
    issuer: str | None
    issued: date | None
    place: str
    effective: int
    website: str | None
    path: str
    reliability: str | None = None


def written_clause(clause: str) -> str:
    """Return a clause as a ruleset writes it: numbered ones plain, subjects in quotes."""
    numbered = re.fullmatch(
        r"[附件表录第编章节条款项目段句之零〇一二三四五六七八九十百\d().]+|(s|ss|sec|art|reg|para|sch|§)\.?\d[\w.()-]*",
        clause,
    )
    return clause if numbered else f'"{clause}"'


@dataclass(frozen=True, slots=True)
class Basis:
    """A legal basis: a document and the clause in it, as cited; ``reliability`` (A, B, C) says how well what rests on it is known."""

    document: str
    clause: str | None
    reliability: str | None = None

    def __str__(self) -> str:
        return f"{self.document} {written_clause(self.clause)}" if self.clause else self.document


def doubtful(basis: tuple[Basis, ...]) -> tuple[str, ...]:
    """Return the letters of citations that are not official (B, C), each once."""
    return tuple(dict.fromkeys(b.reliability for b in basis if b.reliability not in (None, "A")))


# ── expressions ──────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Node:
    """What every expression has."""

    type: Type
    scale: int | None
    range: Range = field(compare=False)
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A literal; the value in units (money in 分)."""

    value: Value


@dataclass(frozen=True, slots=True)
class ParameterRef(Node):
    """The value of a parameter in the current year, or the year before where ``lag`` is 1; by ``key`` where it has one."""

    name: str
    lag: int
    key: Expression | None


@dataclass(frozen=True, slots=True)
class FactRef(Node):
    """A fact of a record (``yearly`` false) or of the record's year ``lag`` years back (0 or 1). ``entity``: the kind of that record."""

    name: str
    yearly: bool
    lag: int
    entity: str = INSURED


@dataclass(frozen=True, slots=True)
class RuleRef(Node):
    """The value of a rule in the current year or (lag 1) the year before. ``entity``: the kind of record it is a value of."""

    name: str
    lag: int
    entity: str = INSURED


@dataclass(frozen=True, slots=True)
class QuestionRef(Node):
    """The reading chosen for an open question: the name of an option."""

    name: str


@dataclass(frozen=True, slots=True)
class CurrentYear(Node):
    """本年度."""


@dataclass(frozen=True, slots=True)
class Present(Node):
    """Whether a value that may be absent is there."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Apply(Node):
    """An operator or function of `tiaoli.operators`, by its name there, on operands in order."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Choose(Node):
    """``then`` where the condition holds, else ``otherwise``; only the one chosen is computed."""

    condition: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class Round(Node):
    """The operand rounded to whole multiples of ``unit``."""

    operand: Expression
    mode: Mode
    unit: Fraction


@dataclass(frozen=True, slots=True)
class Through(Node):
    """A value of the record that ``link`` points to: `所在统筹地区 的 起付线`.

    ``link`` has the type LINK; ``value`` is a fact or rule of that record, its lag counted from the year computed; in a chain of links,
    ``link`` is itself a Through. Absent where the link or the value is.
    """

    link: Expression
    value: FactRef | RuleRef

    @property
    def entity(self) -> str:
        """The kind of record the value is taken from."""
        return self.value.entity


@dataclass(frozen=True, slots=True)
class Aggregate(Node):
    """A figure over the records of the kind ``members`` whose fact ``link`` of the year points to the record of ``entity`` computed.

    ``form``: 计数 合计 占比 最大 最小 平均. Only members for which ``condition`` holds count (all, where it is ``None``). ``value``
    (``None`` for 计数; a condition for 占比) and ``condition`` are expressions of the member: their references are to its facts and rules.
    """

    form: str
    entity: str
    members: str
    link: str
    condition: Expression | None
    value: Expression | None


Expression: TypeAlias = (
    Constant
    | ParameterRef
    | FactRef
    | RuleRef
    | QuestionRef
    | CurrentYear
    | Present
    | Apply
    | Choose
    | Round
    | Through
    | Aggregate
)


def operands(expression: Expression) -> tuple[Expression, ...]:
    """Return the expressions directly below ``expression``."""
    match expression:
        case ParameterRef(key=key):
            return (key,) if key is not None else ()
        case Present(operand=operand) | Round(operand=operand):
            return (operand,)
        case Apply(operands=several):
            return several
        case Choose():
            return (expression.condition, expression.then, expression.otherwise)
        case Through(link=link, value=value):
            return (link, value)
        case Aggregate(condition=condition, value=measure):
            return tuple(e for e in (condition, measure) if e is not None)
        case _:
            return ()


def with_operands(expression: Expression, below: tuple[Expression, ...]) -> Expression:
    """Return ``expression`` with the expressions directly below it replaced by as many others."""
    match expression:
        case ParameterRef(key=key) if key is not None:
            return replace(expression, key=below[0])
        case Present() | Round():
            return replace(expression, operand=below[0])
        case Apply():
            return replace(expression, operands=below)
        case Choose():
            return replace(expression, condition=below[0], then=below[1], otherwise=below[2])
        case Through():
            assert isinstance(below[1], FactRef | RuleRef)
            return replace(expression, link=below[0], value=below[1])
        case Aggregate(condition=condition):
            rest = below if condition is None else below[1:]
            first = None if condition is None else below[0]
            return replace(expression, condition=first, value=rest[0] if rest else None)
        case _:
            return expression


def own_operands(expression: Expression) -> tuple[Expression, ...]:
    """Return the expressions directly below ``expression`` that speak of the same record: of a Through its link, of an Aggregate nothing."""
    match expression:
        case Through(link=link):
            return (link,)
        case Aggregate():
            return ()
        case _:
            return operands(expression)


def walk(expression: Expression) -> Iterator[Expression]:
    """Yield ``expression`` and all below it, also what speaks of other records."""
    yield expression
    for below in operands(expression):
        yield from walk(below)


def walk_own(expression: Expression) -> Iterator[Expression]:
    """Yield ``expression`` and all below it that speaks of the same record."""
    yield expression
    for below in own_operands(expression):
        yield from walk_own(below)


# ── definitions ──────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Entity:
    """A kind of record besides the insured person."""

    name: str
    note: str | None
    basis: tuple[Basis, ...]
    document: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Fact:
    """An input. ``required`` where a rule in force reads it and it has neither default nor 可空; ``required_when`` asks for it in the
    years ``required_first``..``required_last`` when the condition (over facts of the same year) holds."""

    name: str
    yearly: bool
    type: Type
    default: Value
    has_default: bool
    required: bool
    required_when: Expression | None
    required_first: int | None
    required_last: int | None
    range: Range
    digits: int
    question: str | None
    note: str | None
    basis: tuple[Basis, ...]
    span: Span = field(compare=False, repr=False)
    entity: str = INSURED

    @property
    def is_link(self) -> bool:
        """Whether the fact points to a record of another kind (or of its own)."""
        return self.type.kind is Kind.LINK


@dataclass(frozen=True, slots=True)
class ParameterValue:
    """One value: for ``key`` (``None`` where the parameter has no key), in the years ``first``..``last`` (inclusive; open where ``None``)."""

    key: Value
    first: int
    last: int | None
    value: Value
    basis: tuple[Basis, ...]
    note: str | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A figure of the law. ``values`` of one key do not overlap in time. ``scale``: decimal digits that hold every value.

    ``awaited``: declared without a value, or by place, so that a place may lack one; rules that need it are then not encoded there.
    """

    name: str
    type: Type
    scale: int
    key_type: Type | None
    values: tuple[ParameterValue, ...]
    awaited: bool
    basis: tuple[Basis, ...]
    note: str | None
    span: Span = field(compare=False, repr=False)

    def at(self, year: int, key: Value = None) -> ParameterValue | None:
        """Return the value in force in ``year`` for ``key``, or None."""
        for value in self.values:
            if value.key == key and value.first <= year and (value.last is None or year <= value.last):
                return value
        return None


@dataclass(frozen=True, slots=True)
class Question:
    """An open question of the text; ``options`` are (name, reason), ``default`` a name among them. Where a document of the place settles
    it, ``default`` is the reading it gives and ``settled`` says where.
    """

    name: str
    text: str
    options: tuple[tuple[str, str | None], ...]
    default: str
    basis: tuple[Basis, ...]
    span: Span = field(compare=False, repr=False)
    settled: tuple[Basis, ...] = ()


@dataclass(frozen=True, slots=True)
class Clause:
    """One guarded value; ``condition`` is ``None`` for the last. ``document`` is the number of the document that states it."""

    condition: Expression | None
    value: Expression
    basis: tuple[Basis, ...]
    note: str | None
    document: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Cases:
    """Clauses in order: the first whose condition holds decides. The last has no condition.

    ``exceptions`` come before, groups of higher rank first. Within a group all clauses are tried; when several hold they must agree,
    otherwise the year of that person is a conflict.
    """

    exceptions: tuple[tuple[Clause, ...], ...]
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Test:
    """What a cell asks of its column: ``low``/``high`` bounds with their inclusion, or one of ``values``. ``absent``: 无 fits.

    Shape: bounds are expressions over literals and parameters; a test with neither bounds nor values nor absent fits everything.
    """

    values: tuple[Expression, ...] = ()
    bounds: tuple[tuple[Expression | None, bool, Expression | None, bool], ...] = ()
    absent: bool = False

    @property
    def any(self) -> bool:
        return not self.values and not self.bounds and not self.absent


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a decision table: ``condition`` is its cells as one expression over the columns."""

    tests: tuple[Test, ...]
    condition: Expression
    value: Expression
    basis: tuple[Basis, ...]
    note: str | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class DecisionTable:
    """Rows over ``columns``. Checked: without ``first_hit`` no two rows overlap, and without ``otherwise`` every input fits a row."""

    columns: tuple[Expression, ...]
    rows: tuple[Row, ...]
    first_hit: bool
    otherwise: Clause | None


@dataclass(frozen=True, slots=True)
class Band:
    """The part of the base between ``low`` and ``high`` counts at ``rate``."""

    low: Expression | None
    high: Expression | None
    rate: Expression
    basis: tuple[Basis, ...]
    note: str | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class MarginalScale:
    """Bands in rising order without gap or overlap. The value is the sum over bands of rate × the part of ``base`` inside.

    ``total`` is that sum as one expression.
    """

    base: Expression
    bands: tuple[Band, ...]
    total: Expression


Body: TypeAlias = Cases | DecisionTable | MarginalScale


def expressions(body: Body) -> tuple[Expression, ...]:
    """Return every expression a body computes with, in order."""
    match body:
        case Cases(exceptions, clauses):
            every = [c for group in exceptions for c in group] + list(clauses)
            return tuple(e for c in every for e in (c.condition, c.value) if e is not None)
        case DecisionTable():
            closing = (body.otherwise.value,) if body.otherwise else ()
            rows = tuple(e for r in body.rows for e in (r.condition, r.value))
            return (*body.columns, *rows, *closing)
        case MarginalScale():
            bands = tuple(e for b in body.bands for e in (b.low, b.high, b.rate) if e is not None)
            return (body.base, *bands, body.total)


def values_of(body: Body) -> list[Expression]:
    """Return the expressions of which one becomes the value of a body."""
    match body:
        case Cases(exceptions, clauses):
            return [c.value for g in exceptions for c in g] + [c.value for c in clauses]
        case DecisionTable() as table:
            return [r.value for r in table.rows] + ([table.otherwise.value] if table.otherwise else [])
        case MarginalScale() as scale:
            return [scale.total]


def deciders(body: Body) -> tuple[Clause | Row | Band, ...]:
    """Return what can decide a body's value, in order: exceptions first, then clauses; rows and what closes them; bands."""
    match body:
        case Cases(exceptions, clauses):
            return (*(c for group in exceptions for c in group), *clauses)
        case DecisionTable() as table:
            return (*table.rows, *((table.otherwise,) if table.otherwise else ()))
        case MarginalScale() as scale:
            return scale.bands


def map_body(body: Body, change: Callable[[Expression], Expression]) -> Body:
    """Return the body with ``change`` made to each of its expressions."""

    def clause(c: Clause) -> Clause:
        return replace(c, condition=None if c.condition is None else change(c.condition), value=change(c.value))

    match body:
        case Cases(exceptions, clauses):
            return Cases(tuple(tuple(map(clause, g)) for g in exceptions), tuple(map(clause, clauses)))
        case DecisionTable():
            rows = tuple(replace(r, condition=change(r.condition), value=change(r.value)) for r in body.rows)
            otherwise = clause(body.otherwise) if body.otherwise else None
            return replace(body, columns=tuple(map(change, body.columns)), rows=rows, otherwise=otherwise)
        case MarginalScale():
            bands = tuple(
                replace(
                    b,
                    low=None if b.low is None else change(b.low),
                    high=None if b.high is None else change(b.high),
                    rate=change(b.rate),
                )
                for b in body.bands
            )
            return MarginalScale(change(body.base), bands, change(body.total))


@dataclass(frozen=True, slots=True)
class Rule:
    """A computed value as it stands in the years ``first``..``last`` of a program.

    The value of the body is rounded once by ``mode`` to ``unit`` where it could fall below it, and is then a whole number of
    10**-``scale`` units. ``initial`` is the value of the year before the first and of years without the rule (``has_initial``).
    ``hidden`` rules are the memory of library forms such as 连续年数(…) and are named by their text.
    """

    name: str
    type: Type
    scale: int
    output: bool
    hidden: bool
    first: int
    last: int
    body: Body
    mode: Mode
    unit: Fraction
    names_rounding: bool
    initial: Value
    has_initial: bool
    range: Range
    document: str
    basis: tuple[Basis, ...]
    note: str | None
    span: Span = field(compare=False, repr=False)
    entity: str = INSURED


@dataclass(frozen=True, slots=True)
class Mandate:
    """A condition that must hold in the years ``first``..``last`` for each record of ``entity``; ``decided`` where parameters alone decide
    it (then it was checked)."""

    condition: Expression
    in_principle: bool
    decided: bool
    first: int
    last: int
    basis: tuple[Basis, ...]
    document: str
    span: Span = field(compare=False, repr=False)
    entity: str = INSURED


@dataclass(frozen=True, slots=True)
class IdleMandate:
    """A mandate that this place does not check in all years ``first``..``last``: those in which a name of ``needs`` is not defined here."""

    condition: str
    needs: tuple[str, ...]
    in_principle: bool
    first: int
    last: int
    basis: tuple[Basis, ...]
    document: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Segment:
    """The years ``first``..``last`` share one set of rules; ``rules`` are in dependency order."""

    first: int
    last: int
    rules: tuple[Rule, ...]
    mandates: tuple[Mandate, ...]


@dataclass(frozen=True)
class Program:
    """The rules of ``place`` over the years ``first``..``last``, ready to evaluate.

    ``segments`` follow one another without gap. ``facts`` and ``parameters`` are by name, ``entities`` too (without the insured person).
    ``unencoded`` has the rules that some or all years lack here, each with the parameters to which this place gives no value;
    ``unencoded_outputs`` are the 结果 rules among them.
    ``fingerprint`` identifies the texts. ``idle`` are mandates that name what some or all years do not define here.
    """

    place: str
    first: int
    last: int
    segments: tuple[Segment, ...]
    facts: Mapping[str, Fact]
    parameters: Mapping[str, Parameter]
    questions: Mapping[str, Question]
    documents: Mapping[str, Document]
    fingerprint: str
    unencoded: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unencoded_outputs: tuple[str, ...] = ()
    entities: Mapping[str, Entity] = field(default_factory=dict)
    idle: tuple[IdleMandate, ...] = ()

    def segment(self, year: int) -> Segment:
        """Return the segment of ``year``. Raises KeyError outside the program's years."""
        for segment in self.segments:
            if segment.first <= year <= segment.last:
                return segment
        raise KeyError(year)

    @cached_property
    def kept(self) -> dict[object, Any]:
        """What is worked out from a program again and again, kept with it by those who work it out."""
        return {}

    @cached_property
    def rules(self) -> Mapping[str, tuple[Rule, ...]]:
        """Every rule by name: its texts in order of years."""
        found: dict[str, dict[int, Rule]] = {}
        for segment in self.segments:
            for rule in segment.rules:
                found.setdefault(rule.name, {})[id(rule)] = rule
        return {name: tuple(texts.values()) for name, texts in found.items()}

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """The names of the 结果 rules: those of the place itself first, each document's in its order."""
        named = [r for texts in self.rules.values() for r in texts if r.output]
        ordered = sorted(named, key=lambda r: (-len(self.documents[r.document].place), r.document, r.span.start))
        return tuple(dict.fromkeys(r.name for r in ordered))

    @cached_property
    def open_questions(self) -> Mapping[str, Question]:
        """The questions that bear on results here: neither settled by a document nor read by replaced texts alone."""
        roots = [g.condition for s in self.segments for g in s.mandates]
        for rule in (r for texts in self.rules.values() for r in texts):
            if rule.output or self.documents[rule.document].place == self.place:
                roots += expressions(rule.body)
        read: set[str] = set()
        while roots:
            names = {n.name for n in walk(roots.pop()) if isinstance(n, RuleRef | QuestionRef)} - read
            read |= names
            roots += [e for name in names for r in self.rules.get(name, ()) for e in expressions(r.body)]
        return {name: q for name, q in self.questions.items() if name in read and not q.settled}

    def facts_of(self, entity: str) -> list[Fact]:
        """Return the facts of one kind of record, in order: those of the record, and those of its years."""
        return [f for f in self.facts.values() if f.entity == entity]

    def rule_at(self, name: str, year: int) -> Rule | None:
        """Return the rule ``name`` as in force in ``year``, or None."""
        return next((r for r in self.segment(year).rules if r.name == name), None)
