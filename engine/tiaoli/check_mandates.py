"""Mandates: decided where parameters alone decide them, kept for the run where they do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tiaoli import model as m
from tiaoli import syntax as s
from tiaoli.bounds import Reach
from tiaoli.check_desk import Desk, bases, clause_text, require_basis
from tiaoli.consolidate import entity_named
from tiaoli.diagnostic import Diagnostic, Related, errors
from tiaoli.elaborate_context import Context
from tiaoli.meaning import Environment, Result, Trouble, decide, evaluate, figure
from tiaoli.show_value import show_value
from tiaoli.symbols import MandateText, ParameterSymbol
from tiaoli.values import INSURED, Value


def check_mandates(desk: Desk, segments: list[m.Segment], ranges: Reach) -> list[m.Segment]:
    figures = _Figures(desk, segments)
    live = [mandate for text in desk.in_force.mandates for mandate in _mandate(desk, text, ranges, figures)]
    names = [{r.name for r in segment.rules} for segment in segments]
    desk.idle += (idle for mandate in live if (idle := _idle(mandate, names)) is not None)
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


def _mandate(desk: Desk, text: MandateText, ranges: Reach, figures: _Figures) -> list[m.Mandate]:
    written = text.declaration
    entity = _entity(desk, written.condition)
    context = Context(text.document.number, clause_text(written.modifiers), entity)
    if text.document.place == desk.in_force.place:
        require_basis(desk, written.modifiers, written.span, context)
    first = max(text.first, desk.in_force.first)
    last = desk.in_force.last if text.last is None else min(text.last, desk.in_force.last)
    basis = bases(written.modifiers, text.document)
    lacking = _elsewhere(desk, written.condition)
    if lacking:
        desk.idle.append(
            m.IdleMandate(
                written.condition.span.text, lacking, written.in_principle, first, last, basis,
                text.document.number, written.span,
            )
        )  # fmt: skip
        return []
    before = len(desk.found)
    if _without_owner(desk, written.condition, entity, context):
        return []
    node = desk.elaborator.condition(written.condition, context)
    if node is None:
        if text.document.place != desk.in_force.place:
            _misfit(desk, text, before)
        return []
    decided = figures.alone(node)
    mandate = m.Mandate(
        ranges.marked(node) if desk.to_run else node, written.in_principle, decided, first, last, basis, text.document.number, written.span,
        entity,
    )  # fmt: skip
    if decided and not errors(desk.found):
        _decide(desk, mandate, figures)
    return [mandate]


def _idle(mandate: m.Mandate, names: list[set[str]]) -> m.IdleMandate | None:
    """The mandate as one that is not checked while rules that it names are not in force or not encoded here."""
    read = {n.name for n in m.walk(mandate.condition) if isinstance(n, m.RuleRef) and not n.lag}
    needs = tuple(sorted(n for n in read if any(n not in active for active in names)))
    if not needs:
        return None
    return m.IdleMandate(
        mandate.condition.span.text, needs, mandate.in_principle, mandate.first, mandate.last, mandate.basis,
        mandate.document, mandate.span,
    )  # fmt: skip


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


def _elsewhere(desk: Desk, condition: s.Expression) -> tuple[str, ...]:
    """The names in the condition that other places define and this one does not."""
    own = {*desk.in_force.symbols, *desk.in_force.entities}
    return tuple(sorted(n for n in _names(condition) if n not in own and n in desk.in_force.known))


class _Figures:
    """The values of rules that rest on parameters alone, the same for everyone; ``year`` is set before each evaluation."""

    def __init__(self, desk: Desk, segments: list[m.Segment]) -> None:
        self._desk = desk
        self._known: dict[tuple[str, int], Result] = {}
        self._personal = _spread(desk, segments, lambda n: isinstance(n, m.FactRef | m.QuestionRef | m.Aggregate))
        self._remembering = _spread(
            desk, segments, lambda n: isinstance(n, m.CurrentYear) or (isinstance(n, m.RuleRef) and n.lag == 1)
        )
        spans = [(r.first, r.last) for texts in desk.rules.values() for r in texts]
        spans += [(v.first, v.last or v.first) for p in desk.parameters.values() for v in p.values]
        self._changes = {year for first, last in spans for year in (first, last + 1)}
        self.year = 0

    def alone(self, node: m.Expression) -> bool:
        """Whether parameters alone decide ``node``."""
        return not any(
            isinstance(n, m.FactRef | m.Aggregate) or (isinstance(n, m.RuleRef) and n.name in self._personal)
            for n in m.walk(node)
        )

    def holds(self, mandate: m.Mandate, year: int) -> bool | None:
        """Whether the mandate holds in ``year``; None where it does not apply."""
        rules = [n.name for n in m.walk(mandate.condition) if isinstance(n, m.RuleRef) and not n.lag]
        if any(self.text(name, year) is None for name in rules):
            return None
        self.year = year
        try:
            return evaluate(mandate.condition, self) is True
        except Trouble:
            return None

    def turns(self, mandate: m.Mandate) -> Iterator[int]:
        """Yield the years in which a decided mandate may turn: those in which a figure or a text changes, and the one after."""
        refs = [n for n in m.walk(mandate.condition) if not isinstance(n, m.Constant)]
        plain = not any(isinstance(n, m.RuleRef) and n.lag for n in refs) and not self._remembering & {
            n.name for n in refs if isinstance(n, m.RuleRef)
        }
        for year in range(mandate.first, mandate.last + 1):
            if not plain or year == mandate.first or self._changes & {year, year - 1}:
                yield year

    def parameter(self, ref: m.ParameterRef, key: Value) -> Result:
        return figure(self._desk.parameters[ref.name], self.year - ref.lag, key)

    def question(self, ref: m.QuestionRef) -> Result:
        return self._desk.questions[ref.name].default

    def fact(self, ref: m.FactRef) -> Result:
        raise AssertionError(ref)

    def rule(self, ref: m.RuleRef) -> Result:
        now, self.year = self.year, self.year - ref.lag
        if (ref.name, self.year) not in self._known:
            text = self.text(ref.name, self.year)
            initial = self._desk.rules[ref.name][0].initial
            self._known[ref.name, self.year] = decide(text, self).value if text else initial
        value, self.year = self._known[ref.name, self.year], now
        return value

    def linked(self, ref: m.Through, ident: str) -> Environment:
        raise AssertionError(ref)

    def aggregate(self, aggregate: m.Aggregate) -> Result:
        raise AssertionError(aggregate)

    def text(self, name: str, year: int) -> m.Rule | None:
        """Return the text of a rule in force in ``year``."""
        return next((r for r in self._desk.rules.get(name, ()) if r.first <= year <= r.last), None)


def _spread(desk: Desk, segments: list[m.Segment], marks: Callable[[m.Expression], bool]) -> set[str]:
    """The rules whose texts hold a node so marked, and all that read them."""
    reads: dict[str, set[str]] = {}
    found: set[str] = set()
    for rule in {id(r): r for segment in segments for r in segment.rules}.values():
        reading = desk.workshop.reading(rule)
        if any(map(marks, reading.nodes)):
            found.add(rule.name)
        for name in reading.rules:
            reads.setdefault(name, set()).add(rule.name)
    pending = list(found)
    while pending:
        readers = reads.get(pending.pop(), set()) - found
        found |= readers
        pending += readers
    return found


def _decide(desk: Desk, mandate: m.Mandate, figures: _Figures) -> None:
    for year in figures.turns(mandate):
        if figures.holds(mandate, year) is False:
            _say_mandate(desk, mandate, year, figures)
            return


def _say_mandate(desk: Desk, mandate: m.Mandate, year: int, known: _Figures) -> None:
    values = list(_values_in(desk, mandate.condition, year, known))
    culprit = max(values, key=lambda v: v[1].span.source is not mandate.span.source, default=None)
    span = culprit[1].span if culprit else mandate.span
    figures = "，".join(dict.fromkeys(f"{n.name} = {show_value(v.value, n.type)}" for n, v in values))
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


def _values_in(
    desk: Desk, condition: m.Expression, year: int, known: _Figures
) -> Iterator[tuple[m.ParameterRef, m.ParameterValue]]:
    """The figures behind a condition, those that rules read included."""
    pending, seen = [(condition, year)], set()
    while pending:
        expression, at = pending.pop(0)
        for node in m.walk(expression):
            if isinstance(node, m.ParameterRef):
                value = desk.parameters[node.name].at(at - node.lag)
                if value is not None:
                    yield node, value
            elif isinstance(node, m.RuleRef) and (node.name, at - node.lag) not in seen:
                seen.add((node.name, at - node.lag))
                text = known.text(node.name, at - node.lag)
                pending += [(e, at - node.lag) for e in m.expressions(text.body)] if text else []


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
