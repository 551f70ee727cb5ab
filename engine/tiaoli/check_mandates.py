"""Mandates: decided where parameters alone decide them, kept for the run where they do not."""

from __future__ import annotations

from dataclasses import replace

from tiaoli import model as m
from tiaoli import syntax as s
from tiaoli.bounds import Reach
from tiaoli.check_desk import Constants, Desk, bases, clause_text, require_basis
from tiaoli.diagnostic import Diagnostic, Related, errors
from tiaoli.elaborate import Context
from tiaoli.meaning import Trouble, evaluate
from tiaoli.show_value import show_value
from tiaoli.symbols import MandateText, ParameterSymbol


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
    context = Context(text.document.number, clause_text(written.modifiers))
    if text.document.place == desk.in_force.place:
        require_basis(desk, written.modifiers, written.span, context)
    if _elsewhere(desk, written.condition):
        return []
    before = len(desk.found)
    node = desk.elaborator.condition(written.condition, context)
    if node is None:
        if text.document.place != desk.in_force.place:
            _misfit(desk, text, before)
        return []
    first = max(text.first, desk.in_force.first)
    last = desk.in_force.last if text.last is None else min(text.last, desk.in_force.last)
    decided = not any(isinstance(n, m.FactRef | m.RuleRef) for n in m.walk(node))
    basis = bases(written.modifiers, text.document)
    mandate = m.Mandate(
        ranges.marked(node), written.in_principle, decided, first, last, basis, text.document.number, written.span
    )
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
    return any(n not in desk.in_force.symbols and n in desk.in_force.known for n in names)


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


def _names(expression: s.Expression) -> set[str]:
    match expression:
        case s.Reference(name, _):
            return {name}
        case s.Has(reference, _):
            return {reference.name}
        case s.Operation(_, operands):
            return set().union(*(_names(o) for o in operands))
        case s.Within(value, choices):
            return set().union(_names(value), *(_names(c) for c in choices))
        case s.Conditional(condition, then, otherwise):
            return _names(condition) | _names(then) | _names(otherwise)
        case s.Rounded(value, _):
            return _names(value)
        case s.Call(_, arguments, _):
            return set().union(*(_names(a) for a in arguments)) if arguments else set()
        case s.Literal():
            return set()
