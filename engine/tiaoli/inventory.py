"""What is in force in a place in a year, as data: documents, facts, parameters, rules, open questions, mandates.

A rule is laid out as `Line`s: a clause, a table row or a band each become cells that are asked, a value that is given, and a basis.
What was written is kept as a `Phrase`: its text, and its meaning as a model node freed of spelling, types and scales. Two phrases
are equal when they mean the same; `tiaoli.comparison` rests on that. Hidden rules appear only inside the meaning of what reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, assert_never

from tiaoli import model as m
from tiaoli.meaning import Result, Trouble, Unknown, decide
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
    """A rule as it stands. ``columns`` are those of a table or the base of a scale; ``last`` is None where no end is known.

    ``figure`` is its value in the year where the documents alone decide it, whoever the person and whatever the readings.
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
        return tuple(
            dict.fromkeys((*program.facts, *program.parameters, *rules, *program.questions, *program.documents))
        )


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
    facts = tuple(FactItem(f, reader.document(f.span)) for f in reader.ordered(program.facts.values()))
    parameters = tuple(
        p
        for p in (reader.parameter(p, year) for p in reader.ordered(program.parameters.values()))
        if p.values or reader.effective(p.document, year)
    )
    known = _figures(program, year)
    rules = tuple(
        replace(reader.rule(r, year), figure=known.get(r.name)) for r in reader.ordered(segment.rules) if not r.hidden
    )
    questions = tuple(reader.questions(segment, year))
    mandates = tuple(reader.mandate(g, year) for g in reader.ordered(segment.mandates) if g.first <= year <= g.last)
    stated = _stated(reader, (*facts, *parameters, *rules, *questions, *mandates))
    documents = tuple(
        DocumentItem(d, tuple(stated.get(d.number, ()))) for d in program.documents.values() if d.effective <= year
    )
    return Inventory(
        program.place, year, program.fingerprint, documents, facts, parameters, rules, questions, mandates, program
    )


def entry(found: Inventory, name: str) -> Entry:
    """Return the definition or document ``name``. Raises KeyError for a name that no document of the place defines."""
    program = found.program
    reader = _Reader(program)
    items: tuple[Item, ...] = (*found.documents, *found.facts, *found.parameters, *found.rules, *found.questions)
    item = next((i for i in items if i.name == name), None)
    if name in program.documents:
        return Entry(name, item, (item or DocumentItem(program.documents[name], ()),))
    if name in program.facts and item is not None:
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
        value = self.program.parameters[ref.name].at(self.year - ref.lag, key)
        return _unknown(ref.name) if value is None else value.value

    def fact(self, ref: m.FactRef) -> Result:
        return _unknown(ref.name)

    def question(self, ref: m.QuestionRef) -> Result:
        return _unknown(ref.name)

    def rule(self, ref: m.RuleRef) -> Result:
        initial = self.program.rules[ref.name][0].initial if ref.name in self.program.rules else None
        return self.values.get((ref.name, self.year - ref.lag), initial)


def _unknown(name: str) -> Unknown:
    return Unknown(frozenset({(name, 0)}))


def _figures(program: m.Program, year: int) -> dict[str, Amount]:
    """The values that rules have in ``year`` whoever the person, from the first year on, since rules may read 上年."""
    values: dict[tuple[str, int], Result] = {}
    for now in range(program.first, year + 1):
        env = _Documents(program, now, values)
        for rule in program.segment(now).rules:
            try:
                values[rule.name, now] = decide(rule, env).value
            except Trouble:
                values[rule.name, now] = _unknown(rule.name)
    rules = program.segment(year).rules
    found = ((r.name, values[r.name, year], r.type.present) for r in rules)
    return {name: Amount(value, kind) for name, value, kind in found if not isinstance(value, Unknown)}


def _stated(reader: _Reader, items: Iterable[Item]) -> dict[str, dict[str, None]]:
    """The names that each document states: defines, or gives a value or an exception to."""
    stated: dict[str, dict[str, None]] = {}
    for item in items:
        for document in _stating(reader, item):
            stated.setdefault(document, {})["要求" if isinstance(item, MandateItem) else item.name] = None
    return stated


def _stating(reader: _Reader, item: Item) -> Iterator[str]:
    match item:
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


_Definition = TypeVar("_Definition", m.Fact, m.Parameter, m.Rule, m.Question, m.Mandate)


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

    def questions(self, segment: m.Segment, year: int) -> Iterator[QuestionItem]:
        """Questions of documents in force, and those that a rule of the year asks."""
        texts = (e for r in segment.rules for e in m.expressions(r.body))
        asked = {n.name for e in texts for n in m.walk(e) if isinstance(n, m.QuestionRef)}
        for question in self.ordered(self.program.questions.values()):
            document = self.document(question.span)
            if question.name in asked or self.effective(document, year):
                yield QuestionItem(question, document)

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
        return Line(
            kind, heading, cells, value, clause.basis, clause.document, _note(clause.value.span, clause.span), rank
        )

    def row(self, row: m.Row, document: str, year: int) -> Line:
        cells = tuple(self.cell(t, year) for t in row.tests)
        value = self.phrase(row.value, year)
        heading = " | ".join(c.text for c in cells)
        return Line("row", heading, cells, value, row.basis, document, _note(row.value.span, row.span))

    def cell(self, test: m.Test, year: int) -> Phrase:
        def edge(expression: m.Expression | None) -> object:
            return None if expression is None else self.meaning(expression, year)

        values = frozenset(self.meaning(v, year) for v in test.values)
        bounds = frozenset(
            (edge(low), with_low, edge(high), with_high) for low, with_low, high, with_high in test.bounds
        )
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
            case (
                m.FactRef(name=name, lag=lag)
                | m.RuleRef(name=name, lag=lag)
                | m.ParameterRef(name=name, lag=lag, key=None)
            ):
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


_PLAIN = Type(Kind.BOOL)
_COMMUTATIVE = ("且", "或", "+", "×", "=", "≠", "取小", "取大")
_MIRRORED = {">": "<", "≥": "≤"}


def _straightened(node: m.Apply) -> m.Apply:
    """The same with > and ≥ turned round, and operands sorted where their order does not matter."""
    if node.operator in _MIRRORED:
        return replace(node, operator=_MIRRORED[node.operator], operands=node.operands[::-1])
    if node.operator in _COMMUTATIVE:
        return replace(node, operands=tuple(sorted(node.operands, key=repr)))
    return node


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


# ── texts as written ─────────────────────────────────────────────────────────


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"#[^\n]*", "", text)).strip()


def _note(value: Span, whole: Span) -> str | None:
    """The 说明 written behind a value."""
    found = re.search(r"(?:说明|\bnote)\s*[\"“]([^\"”\n]*)[\"”]", whole.source.text[value.end : whole.end])
    return found[1] if found else None


def _cell_text(test: m.Test) -> str:
    if test.any:
        return "-"
    texts = ["无"] if test.absent else []
    texts += [_squeeze(v.span.text) for v in test.values]
    texts += [_bound_text(*bound) for bound in test.bounds]
    return " 或 ".join(dict.fromkeys(texts))


def _bound_text(low: m.Expression | None, with_low: bool, high: m.Expression | None, with_high: bool) -> str:
    if low is not None and high is not None:
        marks = ["(含)" if included else "(不含)" for included in (with_low, with_high)]
        return f"{_squeeze(low.span.text)}{marks[0]}..{_squeeze(high.span.text)}{marks[1]}"
    if low is not None:
        return f"{'≥' if with_low else '>'} {_squeeze(low.span.text)}"
    return f"{'≤' if with_high else '<'} {_squeeze(high.span.text) if high is not None else ''}".strip()


def _interval_text(band: m.Band) -> str:
    written = _squeeze(band.span.source.text[band.span.start : band.rate.span.start])
    return re.sub(r"^(段|band)\s*|\s*(得|give)[\s（(]*$", "", written)


# ── in words ─────────────────────────────────────────────────────────────────

_BOOL = Type(Kind.BOOL)
_DATE = Type(Kind.DATE)
_WORDS = {
    "zh": {
        "head": "{place} {year}年度适用的规则", "documents": "文件", "facts": "事实", "parameters": "参数", "rules": "规则",
        "questions": "存疑", "mandates": "要求", "none": "（没有）", "basis": "依据 {}", "note": "说明: {}", "ask": "问: {}",
        "since": "自{first}年度起", "between": "{first}—{last}年度", "effective": "自{}年度施行", "silent": "本年度没有由它规定的内容",
        "yearly": "每年 ", "default": "默认 {}", "required": "必填", "required_when": "必填 当 {}", "range": "范围 {}",
        "no_value": "本年度没有值", "output": "结果 ", "rule": "规则", "initial": "初值 {}", "rounding": "舍入 {} 到 {}",
        "figure": "本年度的值 {}", "columns": "列 {} | 得", "hit": "命中 首个", "base": "按 {}", "exception": "例外 当 {} 得 {}", "when": "当 {} 得 {}",
        "otherwise": "否则 {}", "formula": "= {}", "row": "行 {} | {}", "band": "段 {} 得 {}", "is_default": "（默认）",
        "in_principle": "原则上", "absent": "本年度不适用", "history": "沿革", "source": "见 {}", "states": "规定: {}",
        "uncited": "没有注明", "key": "按 {}", "join": "、", "stop": "：",
    },
    "en": {
        "head": "rules of {place} in {year}", "documents": "documents", "facts": "facts", "parameters": "parameters", "rules": "rules",
        "questions": "open questions", "mandates": "mandates", "none": "(none)", "basis": "basis {}", "note": "note: {}", "ask": "asks: {}",
        "since": "since {first}", "between": "{first}–{last}", "effective": "effective {}", "silent": "states nothing for this year",
        "yearly": "yearly ", "default": "default {}", "required": "required", "required_when": "required when {}", "range": "range {}",
        "no_value": "no value in this year", "output": "output ", "rule": "rule", "initial": "initial {}", "rounding": "round {} to {}",
        "figure": "value in this year {}", "columns": "columns {} | give", "hit": "hit first", "base": "by {}", "exception": "exception when {} give {}",
        "when": "when {} give {}", "otherwise": "otherwise {}", "formula": "= {}", "row": "row {} | {}", "band": "band {} give {}",
        "is_default": " (default)", "in_principle": "in principle", "absent": "not in force in this year", "history": "history",
        "source": "in {}", "states": "states: {}", "uncited": "none stated", "key": "by {}", "join": ", ", "stop": ": ",
    },
}  # fmt: skip
SHAPE_NAMES: dict[Shape, tuple[str, str]] = {
    "cases": ("规则", "rule"),
    "table": ("表", "table"),
    "scale": ("分段", "scale"),
}


def say(said: Said, lang: str) -> str:
    """Return the words for something said of an item."""
    words = _WORDS[lang]
    match said:
        case None:
            return words["none"]
        case str():
            return said
        case Amount(value, kind):
            return show_value(value, kind, lang)
        case Reach():
            return _reach_text(said, lang)
        case Type():
            return said.name(lang)
        case Rounding():
            return f"{said.mode.value[0 if lang == 'zh' else 1]} → {_unit_text(said, lang)}"
        case Phrase():
            return said.text
        case Line():
            return f"{line_text(said, lang)}  {_basis_text(said.basis, lang)}"
        case tuple():
            return words["join"].join(_citations(said)) or words["uncited"]
        case _:
            assert_never(said)


def _citations(basis: tuple[m.Basis, ...]) -> Iterator[str]:
    """Citations in words; a document cited several times in a row is named once."""
    before = None
    for one in basis:
        yield one.clause if one.document == before and one.clause else str(one)
        before = one.document


def line_text(line: Line, lang: str) -> str:
    """Return a clause, row or band as a ruleset writes it, without its basis."""
    texts = (line.heading, line.value.text) if line.kind not in ("otherwise", "formula") else (line.value.text,)
    return _WORDS[lang][line.kind].format(*texts)


def key_text(item: ParameterItem, value: m.ParameterValue, lang: str) -> str:
    """Return the key a value is for, or an empty text."""
    return "" if item.key_type is None else show_value(value.key, item.key_type, lang)


def _reach_text(reach: Reach, lang: str) -> str:
    def edge(place: Fraction | int | None) -> str:
        if place is None:
            return ""
        return show_value(
            date.fromordinal(int(place)) if reach.type.kind is Kind.DATE else Fraction(place), reach.type, lang
        )

    return f"{edge(reach.low)}..{edge(reach.high)}"


def _unit_text(rounding: Rounding, lang: str) -> str:
    names = [n for n, (kind, unit) in ROUNDING_UNITS.items() if kind is rounding.type.kind and unit == rounding.unit]
    own = [n for n in names if n.isascii() is (lang == "en")]
    return own[0] if own else show_value(rounding.unit, rounding.type, lang)


def _basis_text(basis: tuple[m.Basis, ...], lang: str) -> str:
    return _WORDS[lang]["basis"].format(say(basis, lang))


def _years(first: int, last: int | None, lang: str) -> str:
    if first == last:
        return f"{first}年度" if lang == "zh" else str(first)
    return _WORDS[lang]["since" if last is None else "between"].format(first=first, last=last)


def aspects(item: Item) -> dict[str, Said]:
    """Return what can be said of an item apart from its values, lines and options, by aspect; absent aspects are left out."""
    match item:
        case DocumentItem(document=d):
            found: dict[str, Said] = {
                "title": d.title, "issuer": d.issuer, "issued": Amount(d.issued, _DATE) if d.issued else None,
                "place": d.place, "effective": Amount(Fraction(d.effective), Type(Kind.YEAR)), "website": d.website,
            }  # fmt: skip
        case FactItem(fact=fact):
            found = _fact_aspects(fact)
        case ParameterItem():
            found = {"type": item.type, "key": item.key_type}
        case RuleItem():
            found = _rule_aspects(item)
        case QuestionItem(question=q):
            found = {"question": q.text, "default": q.default, "basis": q.basis}
        case MandateItem():
            found = {"in_principle": Amount(item.in_principle, _BOOL), "basis": item.basis}
        case _:
            assert_never(item)
    return {aspect: said for aspect, said in found.items() if said is not None}


def _fact_aspects(fact: m.Fact) -> dict[str, Said]:
    demand = fact.required_when
    return {
        "yearly": Amount(fact.yearly, _BOOL),
        "type": fact.type,
        "default": Amount(fact.default, fact.type.present) if fact.has_default else None,
        "required": Amount(fact.required, _BOOL),
        "required_when": _demand(demand, fact) if demand is not None else None,
        "range": _range(fact),
        "question": fact.question,
        "note": fact.note,
        "basis": fact.basis,
    }


def _demand(condition: m.Expression, fact: m.Fact) -> Phrase:
    years = _years(fact.required_first, fact.required_last, "zh") if fact.required_first is not None else ""
    return Phrase(
        f"{_squeeze(condition.span.text)} {years}".strip(), (condition, fact.required_first, fact.required_last)
    )


def _range(fact: m.Fact) -> Reach | None:
    """The range of a fact where it was written."""
    usual = DEFAULT_RANGES.get(fact.type.kind, m.ANY)
    return None if fact.range == usual else Reach(*fact.range, fact.type.present)


def _rule_aspects(rule: RuleItem) -> dict[str, Said]:
    return {
        "type": rule.type,
        "output": Amount(rule.output, _BOOL),
        "rounding": rule.rounding,
        "initial": Amount(rule.initial, rule.type.present) if rule.has_initial else None,
        "base": rule.columns[0] if rule.shape == "scale" else None,
        "hit": Amount(rule.first_hit, _BOOL) if rule.shape == "table" else None,
        "basis": rule.basis,
        "note": rule.note,
    }


# ── to text ──────────────────────────────────────────────────────────────────


def as_text(found: Inventory, lang: str = "zh", name: str | None = None) -> str:
    """Return what is in force as lines for a reader; with ``name`` that definition alone, with its history. Raises KeyError."""
    if name is not None:
        return "\n".join(_entry_lines(found, entry(found, name), lang))
    words = _WORDS[lang]
    lines = [words["head"].format(place=found.place, year=found.year)]
    for section, items in sections(found):
        lines += ["", f"{words[section]} ({len(items)})"]
        lines += [f"  {line}" for item in items for line in tell(item, lang)]
    return "\n".join(lines)


def sections(found: Inventory) -> tuple[tuple[str, tuple[Item, ...]], ...]:
    """Return the sorts of items in the order in which they are shown."""
    return (
        ("documents", found.documents), ("facts", found.facts), ("parameters", found.parameters),
        ("rules", found.rules), ("questions", found.questions), ("mandates", found.mandates),
    )  # fmt: skip


def tell(item: Item, lang: str) -> list[str]:
    """Return an item in full as lines, what belongs to it indented below its head."""
    match item:
        case DocumentItem():
            return _document_lines(item, lang)
        case FactItem():
            return _fact_lines(item.fact, lang)
        case ParameterItem():
            return _parameter_lines(item, lang)
        case RuleItem():
            return list(_rule_lines(item, lang))
        case QuestionItem():
            return _question_lines(item.question, lang)
        case MandateItem():
            return [_mandate_line(item, lang)]
        case _:
            assert_never(item)


def _document_lines(item: DocumentItem, lang: str) -> list[str]:
    words, document = _WORDS[lang], item.document
    title = document.title if document.title and document.title not in document.number else None
    parts = [
        document.number, f"《{title}》" if title else None, document.issuer,
        document.issued.isoformat() if document.issued else None, words["effective"].format(document.effective),
        None if item.states else words["silent"],
    ]  # fmt: skip
    return ["  ".join(p for p in parts if p)]


def _fact_lines(fact: m.Fact, lang: str) -> list[str]:
    words, said = _WORDS[lang], _fact_aspects(fact)
    parts = [f"{words['yearly'] if fact.yearly else ''}{fact.name}: {fact.type.name(lang)}"]
    parts += [words["required"]] if fact.required else []
    shown = ((words[aspect], said[aspect]) for aspect in ("default", "required_when", "range"))
    parts += [form.format(say(one, lang)) for form, one in shown if one is not None]
    parts += [_basis_text(fact.basis, lang)] if fact.basis else []
    below = [words["ask"].format(fact.question)] if fact.question else []
    below += [words["note"].format(fact.note)] if fact.note else []
    return ["  ".join(parts), *("  " + line for line in below)]


def _parameter_lines(item: ParameterItem, lang: str) -> list[str]:
    words = _WORDS[lang]
    head = f"{item.name}: {item.type.name(lang)}"
    if item.key_type is None and len(item.values) == 1:
        first, *more = _value_lines(item, item.values[0], lang)
        return [f"{head} {first}", *more]
    if not item.values:
        return [f"{head}  {words['no_value']}  {words['source'].format(item.document)}"]
    return [head, *("  " + line for value in item.values for line in _value_lines(item, value, lang))]


def _value_lines(item: ParameterItem, value: m.ParameterValue, lang: str) -> list[str]:
    worth = f"{key_text(item, value, lang)} = {show_value(value.value, item.type, lang)}".strip()
    line = "  ".join((worth, _years(value.first, value.last, lang), _basis_text(value.basis, lang)))
    return [line, *(["  " + _WORDS[lang]["note"].format(value.note)] if value.note else [])]


def _rule_head(rule: RuleItem, lang: str) -> str:
    words = _WORDS[lang]
    shape = SHAPE_NAMES[rule.shape][0 if lang == "zh" else 1]
    parts = [f"{words['output'] if rule.output else ''}{shape} {rule.name}: {rule.type.name(lang)}"]
    if rule.has_initial:
        parts.append(words["initial"].format(show_value(rule.initial, rule.type, lang)))
    if rule.rounding is not None and rule.rounding.named:
        parts.append(words["rounding"].format(*say(rule.rounding, lang).split(" → ")))
    parts.append(_years(rule.first, rule.last, lang))
    if rule.figure is not None:
        parts.append(words["figure"].format(say(rule.figure, lang)))
    return "  ".join(parts)


def _rule_lines(rule: RuleItem, lang: str) -> Iterator[str]:
    words = _WORDS[lang]
    yield _rule_head(rule, lang)
    if rule.basis:
        yield "  " + _basis_text(rule.basis, lang)
    if rule.note:
        yield "  " + words["note"].format(rule.note)
    if rule.shape == "scale":
        yield "  " + words["base"].format(rule.columns[0].text)
    if rule.first_hit:
        yield "  " + words["hit"]
    rows = [line for line in rule.lines if line.kind == "row"]
    widths = _widths([*([c.text for c in row.cells] for row in rows), [c.text for c in rule.columns]])
    if rule.shape == "table":
        yield "  " + words["columns"].format(_padded([c.text for c in rule.columns], widths))
    for line in rule.lines:
        padded = replace(line, heading=_padded([c.text for c in line.cells], widths)) if line.kind == "row" else line
        text = (
            ("行 " if lang == "zh" else "row ") + line_text(padded, lang)
            if line.kind == "row"
            else line_text(line, lang)
        )
        yield f"  {text}  {_basis_text(line.basis, lang)}"
        if line.note and line.note != rule.note:
            yield "    " + words["note"].format(line.note)


def _widths(rows: list[list[str]]) -> list[int]:
    return [max(map(display_width, column)) for column in zip(*rows, strict=True)] if rows else []


def _padded(texts: list[str], widths: list[int]) -> str:
    return " | ".join(text + " " * (width - display_width(text)) for text, width in zip(texts, widths, strict=True))


def _question_lines(question: m.Question, lang: str) -> list[str]:
    words = _WORDS[lang]
    lines = [f"{question.name}  {question.text}  {_basis_text(question.basis, lang)}"]
    for option, reason in question.options:
        mark = words["is_default"] if option == question.default else ""
        lines.append(f"  {option}{mark}{words['stop'] + reason if reason else ''}")
    return lines


def _mandate_line(item: MandateItem, lang: str) -> str:
    parts = [
        item.condition.text,
        _WORDS[lang]["in_principle"] if item.in_principle else "",
        _years(item.first, item.last, lang),
    ]
    return "  ".join(p for p in (*parts, _basis_text(item.basis, lang)) if p)


def _has_history(one: Entry) -> bool:
    """Whether the history says more than the item as it stands."""
    item = replace(one.item, figure=None) if isinstance(one.item, RuleItem) else one.item
    return one.history != (item,)


def _entry_lines(found: Inventory, one: Entry, lang: str) -> list[str]:
    words = _WORDS[lang]
    lines = [f"{found.place} {found.year}{'年度' if lang == 'zh' else ''}", ""]
    lines += tell(one.item, lang) if one.item is not None else [f"{one.name}  {words['absent']}"]
    if isinstance(one.item, DocumentItem) and one.item.states:
        lines.append("  " + words["states"].format(words["join"].join(one.item.states)))
    if _has_history(one):
        lines += ["", words["history"]]
        lines += [f"  {line}" for item in one.history for line in tell(item, lang)]
    return lines


# ── to Rich ──────────────────────────────────────────────────────────────────


def as_rich(found: Inventory, lang: str = "zh", name: str | None = None) -> Group:
    """Return the same as tables for a terminal. Raises KeyError for an unknown ``name``."""
    from rich.console import Group
    from rich.text import Text

    if name is not None:
        one = entry(found, name)
        shown = [*([one.item] if one.item is not None else []), *(one.history if _has_history(one) else ())]
        absent = [] if one.item is not None else [Text(f"{name}  {_WORDS[lang]['absent']}", style="yellow")]
        return Group(*absent, *(table for item in shown for table in rich_tables([item], lang)))
    head = Text(_WORDS[lang]["head"].format(place=found.place, year=found.year), style="bold")
    return Group(head, *(table for _, items in sections(found) for table in rich_tables(items, lang)))


_HEADERS: dict[type[Item], tuple[tuple[str, str], ...]] = {
    DocumentItem: (
        ("文件", "document"),
        ("标题", "title"),
        ("机关", "issuer"),
        ("日期", "date"),
        ("施行", "effective"),
    ),
    FactItem: (
        ("事实", "fact"),
        ("类型", "type"),
        ("填写", "given"),
        ("范围", "range"),
        ("问", "asks"),
        ("依据", "basis"),
    ),
    ParameterItem: (
        ("参数", "parameter"),
        ("按", "by"),
        ("值", "value"),
        ("年度", "years"),
        ("依据", "basis"),
        ("说明", "note"),
    ),
    QuestionItem: (("存疑", "open question"), ("选项", "option"), ("理由", "reason"), ("依据", "basis")),
    MandateItem: (("要求", "mandate"), ("原则上", "in principle"), ("年度", "years"), ("依据", "basis")),
}


def rich_tables(items: Iterable[Item], lang: str) -> Iterator[Any]:
    """Yield a Rich table for each sort of items, and one for each rule."""
    kept = list(items)
    for sort, headers in _HEADERS.items():
        own = [item for item in kept if isinstance(item, sort)]
        if own:
            yield grid("", [h[0 if lang == "zh" else 1] for h in headers], [r for i in own for r in _cells(i, lang)])
    for item in kept:
        if isinstance(item, RuleItem):
            yield _rule_table(item, lang)


def grid(title: str, headers: list[str], rows: list[list[str]]) -> Any:
    """Return a Rich table of plain texts."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title=escape(title) or None, title_justify="left", title_style="bold")
    for header in headers:
        table.add_column(escape(header), overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def _cells(item: Item, lang: str) -> list[list[str]]:
    """The rows of an item in the table of its sort."""
    said = {aspect: say(one, lang) for aspect, one in aspects(item).items()}
    match item:
        case DocumentItem(document=d):
            return [[d.number, *(said.get(a, "") for a in ("title", "issuer", "issued", "effective"))]]
        case FactItem(fact=fact):
            return [
                [
                    item.name,
                    _fact_type(fact, lang),
                    _given(fact, lang),
                    *(said.get(a, "") for a in ("range", "question", "basis")),
                ]
            ]
        case ParameterItem():
            return _parameter_cells(item, lang)
        case QuestionItem(question=q):
            return _question_cells(q, lang)
        case MandateItem():
            principle = said["in_principle"] if item.in_principle else ""
            return [[item.name, principle, _years(item.first, item.last, lang), said["basis"]]]
        case RuleItem():
            return []
        case _:
            assert_never(item)


def _fact_type(fact: m.Fact, lang: str) -> str:
    return (_WORDS[lang]["yearly"] if fact.yearly else "") + fact.type.name(lang)


def _given(fact: m.Fact, lang: str) -> str:
    words, said = _WORDS[lang], _fact_aspects(fact)
    if fact.required:
        return words["required"]
    for aspect in ("default", "required_when"):
        if said[aspect] is not None:
            return words[aspect].format(say(said[aspect], lang))
    return ""


def _parameter_cells(item: ParameterItem, lang: str) -> list[list[str]]:
    if not item.values:
        return [[item.name, "", _WORDS[lang]["no_value"], "", item.document, ""]]
    return [
        [
            item.name if index == 0 else "", key_text(item, v, lang), show_value(v.value, item.type, lang),
            _years(v.first, v.last, lang), say(v.basis, lang), v.note or "",
        ]
        for index, v in enumerate(item.values)
    ]  # fmt: skip


def _question_cells(question: m.Question, lang: str) -> list[list[str]]:
    rows = [[f"{question.name}\n{question.text}", "", "", say(question.basis, lang)]]
    for option, reason in question.options:
        mark = _WORDS[lang]["is_default"] if option == question.default else ""
        rows.append(["", option + mark, reason or "", ""])
    return rows


def _rule_table(rule: RuleItem, lang: str) -> Any:
    zh = lang == "zh"
    gives, basis, when = ("得", "依据", "当") if zh else ("give", "basis", "when")
    columns = (
        [c.text for c in rule.columns] if rule.shape == "table" else [rule.columns[0].text if rule.columns else when]
    )
    rows = [[*_asked(line, len(columns), lang), line.value.text, say(line.basis, lang)] for line in rule.lines]
    notes = dict.fromkeys(n for n in (rule.note, *(line.note for line in rule.lines)) if n)
    title = "\n".join([_rule_head(rule, lang), *(_WORDS[lang]["note"].format(n) for n in notes)])
    return grid(title, [*columns, gives, basis], rows)


def _asked(line: Line, columns: int, lang: str) -> list[str]:
    """The left cells of a line in the table of its rule."""
    if line.kind == "row":
        return [c.text for c in line.cells]
    marks = {"otherwise": ("否则", "otherwise"), "formula": ("=", "="), "exception": ("例外 ", "exception ")}
    mark = marks.get(line.kind, ("", ""))[0 if lang == "zh" else 1]
    return [mark + line.heading] + [""] * (columns - 1)


# ── to JSON ──────────────────────────────────────────────────────────────────


def as_json(found: Inventory, name: str | None = None) -> dict[str, Any]:
    """Return the same as plain data: money in yuan and rates as Decimal, dates as ISO text. Raises KeyError for an unknown ``name``."""
    head: dict[str, Any] = {"地区": found.place, "年度": found.year, "规则集": found.fingerprint}
    if name is not None:
        one = entry(found, name)
        current = None if one.item is None else item_json(one.item)
        return head | {"名称": name, "现行": current, "沿革": [item_json(i) for i in one.history]}
    return head | {_WORDS["zh"][section]: [item_json(i) for i in items] for section, items in sections(found)}


def item_json(item: Item) -> dict[str, Any]:
    """Return an item as plain data."""
    match item:
        case DocumentItem(document=d):
            issued = d.issued.isoformat() if d.issued else None
            return {
                "文号": d.number, "标题": d.title, "机关": d.issuer, "日期": issued, "地区": d.place, "施行": d.effective,
                "网址": d.website, "规定": list(item.states),
            }  # fmt: skip
        case FactItem():
            return _fact_json(item)
        case ParameterItem():
            key = item.key_type.name("zh") if item.key_type else None
            values = [_value_json(item, v) for v in item.values]
            return {"名称": item.name, "类型": item.type.name("zh"), "按": key, "文件": item.document, "值": values}
        case RuleItem():
            return _rule_json(item)
        case QuestionItem(question=q):
            options = [{"名称": n, "默认": n == q.default, "理由": reason} for n, reason in q.options]
            return {"名称": q.name, "问题": q.text, "文件": item.document, "选项": options, "依据": basis_json(q.basis)}
        case MandateItem():
            return {
                "条件": item.condition.text, "原则上": item.in_principle, "自": item.first, "至": item.last,
                "文件": item.document, "依据": basis_json(item.basis),
            }  # fmt: skip
        case _:
            assert_never(item)


def basis_json(basis: tuple[m.Basis, ...]) -> list[dict[str, Any]]:
    """Return citations as plain data."""
    return [{"文件": b.document, "条款": b.clause} for b in basis]


def plain(value: Value, kind: Type) -> Any:
    """Return a value of the model as JSON holds it."""
    outside = outward(Fraction(value) if isinstance(value, int) and not isinstance(value, bool) else value, kind.kind)
    return outside.isoformat() if isinstance(outside, date) else outside


def _fact_json(item: FactItem) -> dict[str, Any]:
    fact, said = item.fact, _fact_aspects(item.fact)
    demand, reach = said["required_when"], said["range"]
    return {
        "名称": fact.name, "类型": fact.type.present.name("zh"), "每年": fact.yearly, "可空": fact.type.nullable,
        "有默认": fact.has_default, "默认": plain(fact.default, fact.type), "必填": fact.required,
        "必填条件": say(demand, "zh") if demand else None, "范围": say(reach, "zh") if reach else None,
        "问": fact.question, "说明": fact.note, "文件": item.document, "依据": basis_json(fact.basis),
    }  # fmt: skip


def _value_json(item: ParameterItem, value: m.ParameterValue) -> dict[str, Any]:
    return {
        "键": None if item.key_type is None else plain(value.key, item.key_type),
        "值": plain(value.value, item.type),
        "显示": show_value(value.value, item.type),
        "自": value.first,
        "至": value.last,
        "依据": basis_json(value.basis),
        "说明": value.note,
    }


def _rule_json(rule: RuleItem) -> dict[str, Any]:
    rounding = rule.rounding
    return {
        "名称": rule.name, "种类": SHAPE_NAMES[rule.shape][0], "类型": rule.type.name("zh"), "结果": rule.output,
        "自": rule.first, "至": rule.last, "文件": rule.document,
        "舍入": None if rounding is None else {
            "方式": rounding.mode.value[0], "单位": show_value(rounding.unit, rounding.type), "写明": rounding.named,
        },
        "有初值": rule.has_initial, "初值": plain(rule.initial, rule.type), "列": [c.text for c in rule.columns],
        "命中首个": rule.first_hit, "条目": [line_json(line) for line in rule.lines], "依据": basis_json(rule.basis), "说明": rule.note,
        "本年度的值": None if rule.figure is None else plain(rule.figure.value, rule.figure.type),
    }  # fmt: skip


_LINE_KINDS = {"exception": "例外", "when": "当", "otherwise": "否则", "formula": "式", "row": "行", "band": "段"}


def line_json(line: Line) -> dict[str, Any]:
    """Return a clause, row or band as plain data."""
    asked = [c.text for c in line.cells] if line.kind == "row" else [line.heading] if line.heading else []
    return {
        "种类": _LINE_KINDS[line.kind], "条件": asked, "得": line.value.text, "文件": line.document,
        "依据": basis_json(line.basis), "说明": line.note,
    }  # fmt: skip
