"""Facts, parameters and open questions → the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from tiaoli import model as m
from tiaoli import syntax as s
from tiaoli.bounds import point
from tiaoli.check_desk import Desk, bases, clause_text, constant_value, require_basis
from tiaoli.elaborate_context import Context
from tiaoli.model import ANY
from tiaoli.resolve import DEFAULT_RANGES, Signature
from tiaoli.symbols import (
    EntitySymbol,
    FactSymbol,
    ParameterSymbol,
    QuestionSymbol,
    RuleSymbol,
    ValueText,
)
from tiaoli.values import Kind, Type, Value


def define(desk: Desk) -> None:
    for name, entity in desk.in_force.entities.items():
        desk.entities[name] = _entity(entity)
    for name, signature in desk.scope.signatures.items():
        match signature.symbol:
            case FactSymbol() as symbol:
                desk.facts[name] = _fact(desk, symbol, signature)
            case ParameterSymbol() as symbol:
                desk.parameters[name] = _parameter(desk, symbol, signature)
            case QuestionSymbol() as symbol:
                desk.questions[name] = _question(desk, symbol)
            case RuleSymbol():
                pass
    for name, fact in desk.facts.items():
        desk.facts[name] = replace(fact, required_when=_demand(desk, name))


def _entity(symbol: EntitySymbol) -> m.Entity:
    written = symbol.declaration
    basis = bases(written.modifiers, symbol.document)
    return m.Entity(symbol.name, written.modifiers.note, basis, symbol.document.number, written.name.span)


def _fact(desk: Desk, symbol: FactSymbol, signature: Signature) -> m.Fact:
    written = symbol.declaration
    context = Context(symbol.document.number, clause_text(written.modifiers), symbol.entity)
    default: Value = None
    has_default = written.default is not None
    if written.default is not None:
        default = constant_value(desk, written.default, context, signature.type.present)
    marks = (has_default, written.optional, written.required)
    if sum(marks) > 1 or (written.required_when is not None and not written.optional):
        desk.say("E323" if sum(marks) <= 1 else "E324", written.span, context.clause, name=symbol.name)
    bounds = _fact_range(desk, written, signature, context)
    place = point(default)
    if has_default and place[0] is not None and not _within(place[0], bounds):
        desk.say("E325", written.default.span if written.default else written.span, context.clause, name=symbol.name)
    return m.Fact(
        symbol.name, written.yearly, signature.type, default, has_default, False, None,
        written.modifiers.first, written.modifiers.last, bounds, signature.scale,
        written.question, written.modifiers.note, bases(written.modifiers, symbol.document), written.span,
        symbol.entity,
    )  # fmt: skip


def _fact_range(desk: Desk, written: s.Fact, signature: Signature, context: Context) -> m.Range:
    default = DEFAULT_RANGES.get(signature.type.kind, ANY)
    if written.range is None:
        return default
    if not signature.type.kind.is_ordered:
        desk.say("E326", written.range.span, context.clause, type=signature.type.present)
        return default
    low = _edge(desk, written.range.low, context, signature.type.present)
    high = _edge(desk, written.range.high, context, signature.type.present)
    step = Fraction(1, 10**signature.scale)
    if low is not None and written.range.low_included is False:
        low += step
    if high is not None and written.range.high_included is False:
        high -= step
    bounds = (default[0] if low is None else low, default[1] if high is None else high)
    if bounds[0] is not None and bounds[1] is not None and bounds[0] > bounds[1]:
        desk.say("E327", written.range.span, context.clause)
    return bounds


def _edge(desk: Desk, edge: s.Expression | None, context: Context, wanted: Type) -> Fraction | int | None:
    return None if edge is None else point(constant_value(desk, edge, context, wanted))[0]


def _demand(desk: Desk, name: str) -> m.Expression | None:
    symbol = desk.in_force.symbols[name]
    assert isinstance(symbol, FactSymbol)
    written = symbol.declaration
    if written.required_when is None:
        return None
    context = Context(symbol.document.number, clause_text(written.modifiers), symbol.entity)
    node = desk.elaborator.condition(written.required_when, context)
    if node is not None and any(_beyond_facts(e) for e in m.walk(node)):
        desk.say("E328", written.required_when.span, context.clause)
    return node


def _parameter(desk: Desk, symbol: ParameterSymbol, signature: Signature) -> m.Parameter:
    written = symbol.declaration
    key_type = _key_type(desk, written)
    texts: Sequence[ValueText] = symbol.values
    if key_type is not None and key_type.kind is Kind.PLACE:
        texts = _of_place(desk, texts)
    values = [_value(desk, text, signature, key_type) for text in texts]
    by_place = key_type is not None and key_type.kind is Kind.PLACE
    return m.Parameter(
        symbol.name, signature.type, signature.scale, None if by_place else key_type,
        tuple(replace(v, key=None) if by_place else v for v in values), by_place or not written.rows,
        bases(written.modifiers, symbol.document), written.modifiers.note, written.span,
    )  # fmt: skip


def _key_type(desk: Desk, written: s.Parameter) -> Type | None:
    if written.key is None:
        return None
    if written.key.text in ("地区", "place"):
        return Type(Kind.PLACE)
    signature = desk.scope.signatures.get(written.key.text)
    if signature is None:
        desk.scope.unknown(written.key.text, written.key.span, None)
        return None
    if signature.type.kind not in (Kind.ENUM, Kind.BOOL, Kind.INT) or signature.type.nullable:
        desk.say("E331", written.key.span, None, name=written.key.text, type=signature.type)
        return None
    kind: Type = signature.type
    return kind


def _of_place(desk: Desk, texts: Sequence[ValueText]) -> list[ValueText]:
    """Return the rows of the nearest of this place and the places above it that has any."""
    place = desk.in_force.place
    while place:
        own = [t for t in texts if _place_of(t.key) == place]
        if own:
            return own
        place = place.rpartition("-")[0]
    return []


def _place_of(key: s.Expression | None) -> object:
    return key.value if isinstance(key, s.Literal) else key.name if isinstance(key, s.Reference) else None


def _value(desk: Desk, text: ValueText, signature: Signature, key_type: Type | None) -> m.ParameterValue:
    row = text.row
    made_of = (row, text.key, text.first, text.last, text.document.number, signature.type, key_type)
    known = desk.workshop.figures.get(tuple(map(id, made_of[:2])) + made_of[2:])
    if known is not None:
        return known[1]
    before = len(desk.found)
    value = _worked_out(desk, text, signature, key_type)
    if len(desk.found) == before:
        desk.workshop.figures[tuple(map(id, made_of[:2])) + made_of[2:]] = (made_of, value)
    return value


def _worked_out(desk: Desk, text: ValueText, signature: Signature, key_type: Type | None) -> m.ParameterValue:
    row = text.row
    context = Context(text.document.number, clause_text(row.modifiers))
    require_basis(desk, row.modifiers, row.span, context)
    key: Value = None
    if text.key is not None and key_type is not None:
        key = constant_value(desk, text.key, context, key_type)
    value = constant_value(desk, row.value, context, signature.type)
    return m.ParameterValue(
        key, text.first, text.last, value, bases(row.modifiers, text.document), row.modifiers.note, row.span
    )


def _question(desk: Desk, symbol: QuestionSymbol) -> m.Question:
    written = symbol.declaration
    options = tuple((o.name.text, o.reason) for o in written.options)
    default = next((o.name.text for o in written.options if o.default), options[0][0])
    settled: tuple[m.Basis, ...] = ()
    if symbol.settled is not None:
        settlement, document = symbol.settled
        default = settlement.option.text
        settled = bases(settlement.modifiers, document) or (m.Basis(document.number, None),)
        if document.place == desk.in_force.place:
            require_basis(desk, settlement.modifiers, settlement.span, Context(document.number))
    basis = bases(written.modifiers, symbol.document)
    return m.Question(symbol.name, written.text, options, default, basis, written.span, settled)


def _beyond_facts(node: m.Expression) -> bool:
    return isinstance(node, m.RuleRef | m.ParameterRef | m.QuestionRef | m.Through | m.Aggregate) or (
        isinstance(node, m.FactRef) and node.lag == 1
    )


def _within(place: Fraction | int, bounds: m.Range) -> bool:
    return (bounds[0] is None or place >= bounds[0]) and (bounds[1] is None or place <= bounds[1])
