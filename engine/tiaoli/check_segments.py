"""Rules → segments of years with one set of rules, in dependency order; references to what is not in force, and cycles."""

from __future__ import annotations

from dataclasses import replace

from tiaoli import model as m
from tiaoli.check_desk import Desk
from tiaoli.check_unencoded import without_unencoded
from tiaoli.diagnostic import Diagnostic, Related
from tiaoli.model import ANY
from tiaoli.operators import BOOL
from tiaoli.source import Span
from tiaoli.values import Kind, Type, Value


def into_segments(desk: Desk) -> list[m.Segment]:
    first, last = desk.in_force.first, desk.in_force.last
    cuts = {first} | {r.first for rs in desk.rules.values() for r in rs}
    cuts |= {r.last + 1 for rs in desk.rules.values() for r in rs}
    starts = sorted(c for c in cuts if first <= c <= last)
    segments: list[m.Segment] = []
    said: set[tuple[str, int, str]] = set()
    needs: dict[str, list[str]] = {}
    order: list[str] = []
    for index, start in enumerate(starts):
        end = starts[index + 1] - 1 if index + 1 < len(starts) else last
        active = {n: r for n, rs in desk.rules.items() for r in rs if r.first <= start <= r.last}
        active = {n: without_unencoded(desk, r, active) for n, r in active.items()}
        active = {n: _in_years(desk, r, active, said) if r.hidden else r for n, r in active.items()}
        for rule in active.values():
            _check_references(desk, rule, active, start, end, said)
        before, needs = needs, {n: _reads(desk, r, active) for n, r in active.items()}
        if needs != before:
            order = _ordered(desk, active, needs)
        segments.append(m.Segment(start, end, tuple(active[name] for name in order), ()))
    return segments


def _in_years(desk: Desk, rule: m.Rule, active: dict[str, m.Rule], said: set[tuple[str, int, str]]) -> m.Rule:
    """A hidden rule reads the 初值 of rules that are not in force."""
    if desk.workshop.reading(rule).now <= active.keys():
        return rule

    def change(expression: m.Expression) -> m.Expression:
        if isinstance(expression, m.Through) and not expression.value.lag and _gone(expression.value, active):
            initial = _initial_of(desk, expression.value, said)  # type: ignore[arg-type]
            return _where_linked(replace(expression, link=change(expression.link)), initial)
        if isinstance(expression, m.RuleRef) and not expression.lag and expression.name not in active:
            return _initial_of(desk, expression, said)
        return m.with_operands(expression, tuple(change(o) for o in m.operands(expression)))

    return replace(rule, body=m.map_body(rule.body, change))


def _gone(value: m.FactRef | m.RuleRef, active: dict[str, m.Rule]) -> bool:
    return isinstance(value, m.RuleRef) and value.name not in active


def _where_linked(through: m.Through, initial: m.Expression) -> m.Expression:
    """The 初值 of a rule of another record, absent where the link is."""
    if not through.link.type.nullable:
        return initial
    absent = m.Constant(replace(initial.type, nullable=True), 0, ANY, through.span, None)
    there = m.Present(BOOL, 0, ANY, through.span, through.link)
    return m.Choose(through.type, through.scale, ANY, through.span, there, initial, absent)


def _initial_of(desk: Desk, ref: m.RuleRef, said: set[tuple[str, int, str]]) -> m.Expression:
    texts = desk.rules.get(ref.name)
    if texts and not texts[0].has_initial and (ref.name, 0, "initial") not in said:
        said.add((ref.name, 0, "initial"))
        desk.say("E212", ref.span, None, name=ref.name, type=ref.type)
    initial = texts[0].initial if texts else None
    return m.Constant(ref.type, ref.scale, ANY, ref.span, initial)


def _check_references(
    desk: Desk, rule: m.Rule, active: dict[str, m.Rule], start: int, end: int, said: set[tuple[str, int, str]]
) -> None:
    reading = desk.workshop.reading(rule)
    here = reading.now <= active.keys() and start != desk.in_force.first
    if here and all(_always(desk, name, lag, start, end) for name, lag in reading.parameters):
        return
    for node in reading.nodes:
        if isinstance(node, m.FactRef) and node.lag and start == desk.in_force.first:
            _has_past(desk, rule, node, said)
        elif isinstance(node, m.RuleRef) and not node.lag and node.name not in active:
            _not_in_force(desk, rule, node, start, said)
        elif isinstance(node, m.ParameterRef):
            _has_values(desk, rule, node, start, end, said)


def _always(desk: Desk, name: str, lag: int, start: int, end: int) -> bool:
    """Whether a parameter plainly has a value in all years asked: one without key that one row covers, or a 可空 one."""
    parameter = desk.parameters.get(name)
    if parameter is None or parameter.type.nullable:
        return True
    covers = (v.first <= start - lag and (v.last is None or end - lag <= v.last) for v in parameter.values)
    return parameter.key_type is None and any(covers)


def _has_past(desk: Desk, rule: m.Rule, node: m.FactRef, said: set[tuple[str, int, str]]) -> None:
    """In the first year computed there is no year before, so a fact read from it must be able to be missing."""
    fact = desk.facts.get(node.name)
    key = (node.name, node.span.start, rule.name)
    if fact is None or fact.has_default or fact.type.nullable or key in said:
        return
    said.add(key)
    first = desk.in_force.first
    arguments = {"name": node.name, "year": first, "before": first - 1}
    desk.say("E417", node.span, _clause_at(rule, node.span), Related(fact.span, "defined_here"), **arguments)


def _not_in_force(desk: Desk, rule: m.Rule, node: m.RuleRef, start: int, said: set[tuple[str, int, str]]) -> None:
    key = (node.name, node.span.start, rule.name)
    if node.name in desk.broken or key in said:
        return
    said.add(key)
    texts = desk.rules.get(node.name, ())
    years = "、".join(f"{t.first}—" if t.last == desk.in_force.last else f"{t.first}—{t.last}" for t in texts)
    desk.say("E410", node.span, _clause_at(rule, node.span), name=node.name, year=start, years=years)


def _clause_at(rule: m.Rule, span: Span) -> str | None:
    """The legal clause of the part of a rule that holds ``span``."""
    parts: list[m.Clause | m.Row | m.Band] = []
    match rule.body:
        case m.Cases(exceptions, clauses):
            parts = [*(c for g in exceptions for c in g), *clauses]
        case m.DecisionTable() as table:
            parts = list(table.rows)
        case m.MarginalScale() as scale:
            parts = list(scale.bands)
    around = [p for p in parts if p.span.source is span.source and p.span.start <= span.start < p.span.end]
    basis = next((p.basis for p in around if p.basis), rule.basis)
    return str(basis[0]) if basis else None


def _has_values(
    desk: Desk, rule: m.Rule, node: m.ParameterRef, start: int, end: int, said: set[tuple[str, int, str]]
) -> None:
    parameter = desk.parameters.get(node.name)
    key = (node.name, node.span.start, rule.name)
    if parameter is None or parameter.type.nullable or key in said:
        return
    for year in range(start - node.lag, end - node.lag + 1):
        missing = [k for k in _keys(parameter.key_type) if parameter.at(year, k) is None]
        if missing:
            said.add(key)
            related = (Related(parameter.span, "defined_here"),)
            shown = "" if missing[0] is None else f"({missing[0]})"
            arguments = {"name": node.name, "year": year, "key": shown, "place": desk.in_force.place}
            desk.found.append(Diagnostic("E411", arguments, node.span, _clause_at(rule, node.span), related))
            return


def _ordered(desk: Desk, active: dict[str, m.Rule], needs: dict[str, list[str]]) -> list[str]:
    """Rules so that each stands behind those it reads in the same year; a cycle is said with its path."""
    order: list[str] = []
    state: dict[str, int] = {}
    for name in active:
        if name not in state:
            _visit(desk, name, active, needs, state, order)
    return order


def _visit(
    desk: Desk,
    root: str,
    active: dict[str, m.Rule],
    needs: dict[str, list[str]],
    state: dict[str, int],
    order: list[str],
) -> None:
    path: list[str] = [root]
    pending = [iter(needs[root])]
    state[root] = 1
    while pending:
        following = next(pending[-1], None)
        if following is None:
            pending.pop()
            done = path.pop()
            state[done] = 2
            order.append(done)
        elif following not in state:
            state[following] = 1
            path.append(following)
            pending.append(iter(needs[following]))
        elif state[following] == 1:
            _cycle(desk, [*path[path.index(following) :], following], active)


def _cycle(desk: Desk, path: list[str], active: dict[str, m.Rule]) -> None:
    rules = [active[name] for name in path[:-1]]
    head = min(rules, key=lambda r: (r.span.source.path, r.span.start))
    if any(d.code == "E409" and d.span == head.span for d in desk.found):
        return
    related = tuple(Related(r.span, "on_the_way") for r in rules if r is not head)
    desk.found.append(Diagnostic("E409", {"path": " → ".join(path)}, head.span, None, related))


def _reads(desk: Desk, rule: m.Rule, active: dict[str, m.Rule]) -> list[str]:
    return [name for name in desk.workshop.reading(rule).in_order if name in active]


def _keys(key_type: Type | None) -> tuple[Value, ...]:
    if key_type is None:
        return (None,)
    if key_type.kind is Kind.ENUM:
        return key_type.members
    return (True, False) if key_type.kind is Kind.BOOL else ()
