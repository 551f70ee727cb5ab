"""What the steps of `check` share: the names in force, what has been made of them so far, and what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction

from tiaoli import model as m
from tiaoli import syntax as s
from tiaoli.diagnostic import Diagnostic, Related, errors
from tiaoli.elaborate import Elaborator
from tiaoli.elaborate_context import Context
from tiaoli.meaning import Environment, Result, Trouble, evaluate, figure
from tiaoli.resolve import Scope
from tiaoli.source import Span
from tiaoli.symbols import (
    InForce,
)
from tiaoli.values import Kind, Type, Value
from tiaoli.workshop import Workshop


@dataclass(slots=True)
class Desk:
    """The work on one place. ``broken`` are names whose definitions have mistakes, which later steps do not miss."""

    in_force: InForce
    scope: Scope
    elaborator: Elaborator
    found: list[Diagnostic]
    workshop: Workshop
    to_run: bool
    entities: dict[str, m.Entity] = field(default_factory=dict)
    facts: dict[str, m.Fact] = field(default_factory=dict)
    parameters: dict[str, m.Parameter] = field(default_factory=dict)
    questions: dict[str, m.Question] = field(default_factory=dict)
    rules: dict[str, list[m.Rule]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    unencoded: dict[str, tuple[str, ...]] = field(default_factory=dict)
    idle: list[m.IdleMandate] = field(default_factory=list)

    @property
    def spoiled(self) -> bool:
        """Whether something is missing, so that what rests on it cannot be judged."""
        return bool(self.broken or self.in_force.broken or errors(self.found))

    def say(self, code: str, span: Span, clause: str | None = None, *related: Related, **arguments: object) -> None:
        """Note a diagnostic."""
        self.found.append(Diagnostic(code, arguments, span, clause, related))


@dataclass(slots=True)
class Constants:
    """An environment in which only parameters, questions and the year have values."""

    year: int
    parameters: dict[str, m.Parameter]
    questions: dict[str, m.Question]

    def parameter(self, ref: m.ParameterRef, key: Value) -> Result:
        return figure(self.parameters[ref.name], self.year - ref.lag, key)

    def question(self, ref: m.QuestionRef) -> Result:
        return self.questions[ref.name].default

    def fact(self, ref: m.FactRef) -> Result:
        raise AssertionError(ref)

    def rule(self, ref: m.RuleRef) -> Result:
        raise AssertionError(ref)

    def linked(self, ref: m.Through, ident: str) -> Environment:
        raise AssertionError(ref)

    def aggregate(self, aggregate: m.Aggregate) -> Result:
        raise AssertionError(aggregate)


def bases(modifiers: s.Modifiers, document: m.Document) -> tuple[m.Basis, ...]:
    letter = modifiers.reliability or document.reliability
    return tuple(m.Basis(c.document or document.number, c.clause, letter) for c in modifiers.citations)


def inherit(own: s.Modifiers, head: s.Modifiers) -> s.Modifiers:
    """What a clause, row or band does not say of its basis, the head of its rule says."""
    return replace(own, citations=own.citations or head.citations, reliability=own.reliability or head.reliability)


def clause_text(modifiers: s.Modifiers) -> str | None:
    return str(modifiers.citations[0]) if modifiers.citations else None


def require_basis(desk: Desk, modifiers: s.Modifiers, span: Span, context: Context) -> None:
    if not modifiers.citations:
        desk.found.append(Diagnostic("W601", {}, span, context.clause))


def constant_value(desk: Desk, expression: s.Expression, context: Context, wanted: Type) -> Value:
    """Return the value of an expression over literals alone."""
    node = desk.elaborator.of_type(expression, context, wanted)
    if node is None:
        return None
    if any(not isinstance(e, m.Constant | m.Apply | m.Round | m.Choose) for e in m.walk(node)):
        desk.say("E329", expression.span, context.clause)
        return None
    if node.scale is None:
        desk.say("E306", expression.span, context.clause, name=expression.span.text)
        return None
    try:
        value = evaluate(node, Constants(desk.in_force.first, {}, {}))
    except Trouble as trouble:
        desk.say(trouble.code, expression.span, context.clause, **dict(trouble.arguments))
        return None
    whole = wanted.kind.is_number and wanted.kind is not Kind.RATE
    if whole and isinstance(value, Fraction) and value.denominator != 1:
        desk.say("E330", expression.span, context.clause, type=wanted)
    return value  # type: ignore[return-value]
