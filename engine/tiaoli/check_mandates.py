"""Mandates: decided where parameters alone decide them, kept for the run where they do not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tiaoli import model as m
from tiaoli import syntax as s
from tiaoli.bounds import Reach
from tiaoli.check_desk import Constants, Desk, bases, clause_text, require_basis
from tiaoli.consolidate import entity_named
from tiaoli.diagnostic import Diagnostic, Related, errors
from tiaoli.elaborate_context import Context
from tiaoli.meaning import Trouble, evaluate
from tiaoli.show_value import show_value
from tiaoli.symbols import MandateText, ParameterSymbol
from tiaoli.values import INSURED


def check_mandates(desk: Desk, segments: list[m.Segment], ranges: Reach) -> list[m.Segment]:
    live = [mandate for text in desk.in_force.mandates for mandate in _mandate(desk, text, ranges)]
    names = [{r.name for r in segment.rules} for segment in segments]
    result: list[m.Segment] = []
    for segment, active in zip(segments, names, strict=True):
        own = tuple(
            mandate
            for mandate in live
            if mandate.first <= segment.last and mandate.last >= segment.first
            and all(n.name in active for n in m.walk(mandate.condition) if isinstance(n, m.RuleRef) and not n.lag)
        )  # fmt: skip
        result.append(replace(segment, mandates=own))
    return result


def _mandate(desk: Desk, text: MandateText, ranges: Reach) -> list[m.Mandate]:
    written = text.declaration
    entity = _entity(desk, written.condition)
    context = Context(text.document.number, clause_text(written.modifiers), entity)
    if text.document.place == desk.in_force.place:
        require_basis(desk, written.modifiers, written.span, context)
    if _elsewhere(desk, written.condition):
        return []
    before = len(desk.found)
    if _without_owner(desk, written.condition, entity, context):
        return []
    node = desk.elaborator.condition(written.condition, context)
    if node is None:
        if text.document.place != desk.in_force.place:
            _misfit(desk, text, before)
        return []
    first = max(text.first, desk.in_force.first)
    last = desk.in_force.last if text.last is None else min(text.last, desk.in_force.last)
    decided = not any(isinstance(n, m.FactRef | m.RuleRef | m.Aggregate) for n in m.walk(node))
    basis = bases(written.modifiers, text.document)
    mandate = m.Mandate(
        ranges.marked(node), written.in_principle, decided, first, last, basis, text.document.number, written.span,
        entity,
    )  # fmt: skip
    if decided and not errors(desk.found):
        _decide(desk, mandate)
    return [mandate]


def _misfit(desk: Desk, text: MandateText, before: int) -> None:
    """A higher mandate that does not fit what this place defines is said where this place defines it."""
    mandate = text.declaration
    for name in sorted(_names(mandate.condition)):
        symbol = desk.in_force.symbols.get(name)
        own = symbol.document if isinstance(symbol, ParameterSymbol) else None
        if isinstance(symbol, ParameterSymbol) and own is not None and own.place != text.document.place:
            del desk.found[before:]
            value = symbol.values[0].row.value.span if symbol.values else symbol.declaration.span
            arguments = {
                "name": name,
                "mandate": mandate.condition.span.text,
                "found": desk.scope.signatures[name].type,
            }
            desk.say("E610", value, None, Related(mandate.span, "mandate"), **arguments)
            return


def _elsewhere(desk: Desk, condition: s.Expression) -> bool:
    """Whether the condition names something that other places define and this one does not."""
    names = _names(condition)
    own = (*desk.in_force.symbols, *desk.in_force.entities)
    return any(n not in own and n in desk.in_force.known for n in names)


def _decide(desk: Desk, mandate: m.Mandate) -> None:
    for year in range(mandate.first, mandate.last + 1):
        try:
            holds = evaluate(mandate.condition, Constants(year, desk.parameters, desk.questions))
        except Trouble:
            continue
        if holds is False:
            _say_mandate(desk, mandate, year)
            return


def _say_mandate(desk: Desk, mandate: m.Mandate, year: int) -> None:
    refs = [n for n in m.walk(mandate.condition) if isinstance(n, m.ParameterRef)]
    values = [(n, v) for n in refs if (v := desk.parameters[n.name].at(year - n.lag)) is not None]
    culprit = max(values, key=lambda v: v[1].span.source is not mandate.span.source, default=None)
    span = culprit[1].span if culprit else mandate.span
    figures = "，".join(f"{n.name} = {show_value(v.value, n.type)}" for n, v in values)
    arguments = {
        "mandate": mandate.condition.span.text,
        "basis": "、".join(map(str, mandate.basis)),
        "figures": figures,
        "year": year,
        "place": desk.in_force.place,
    }
    code = "W602" if mandate.in_principle else "E602"
    clause = str(culprit[1].basis[0]) if culprit and culprit[1].basis else None
    desk.found.append(Diagnostic(code, arguments, span, clause, (Related(mandate.span, "mandate"),)))


def _entity(desk: Desk, condition: s.Expression) -> str:
    """The kind of record that a mandate is about: the one before 的 in it (`统筹地区 的 参保率 ≥ 99%`), else 参保人."""
    heads = (_head(n) for n in _paths(condition))
    return next((entity_named(h) for h in heads if h is not None and h in desk.in_force.entities), INSURED)


def _without_owner(desk: Desk, condition: s.Expression, entity: str, context: Context) -> bool:
    """Say which name of another kind of record stands in a mandate without its owner."""
    if entity != INSURED:
        return False
    for path in _paths(condition, inside=False):
        signature = desk.scope.signatures.get(path.name) if isinstance(path, s.Reference) else None
        owner = signature.owner if signature else None
        if owner not in (None, INSURED):
            way = f"{owner} 的 {path.span.text}"
            desk.say("E218", path.span, context.clause, name=path.span.text, owner=owner, here=INSURED, way=way)
            return True
    return False


def _head(path: s.Path) -> str | None:
    """The name that a path of several steps begins with."""
    if isinstance(path, s.Reference):
        return None
    return path.link.name if isinstance(path.link, s.Reference) else _head(path.link)


def _names(expression: s.Expression) -> set[str]:
    return {name for path in _paths(expression) for name in _steps(path)}


def _steps(path: s.Path) -> set[str]:
    return {path.name} if isinstance(path, s.Reference) else {*_steps(path.link), path.value.name}


def _paths(expression: s.Expression, inside: bool = True) -> Iterator[s.Path]:
    """Yield every name, or names joined by 的, that an expression reads, also ``inside`` aggregates."""
    match expression:
        case s.Reference() | s.Through():
            yield expression
        case s.Has(reference, _):
            yield reference
        case s.Literal():
            pass
        case s.Aggregate() if not inside:
            pass
        case _:
            for below in _below(expression):
                yield from _paths(below, inside)


def _below(
    expression: s.Operation | s.Within | s.Conditional | s.Rounded | s.Call | s.Aggregate,
) -> tuple[s.Expression, ...]:
    match expression:
        case s.Operation(_, operands):
            return operands
        case s.Within(value, choices):
            return (value, *choices)
        case s.Conditional(condition, then, otherwise):
            return (condition, then, otherwise)
        case s.Rounded(value, _):
            return (value,)
        case s.Call(_, arguments, _):
            return arguments
        case s.Aggregate(condition=condition, arguments=arguments):
            return arguments if condition is None else (condition, *arguments)
