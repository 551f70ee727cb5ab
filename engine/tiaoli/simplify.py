"""Folding: what is fixed in a year (its number, parameters, readings) is worked out once, branches that cannot be taken go.

The result means the same; it is what back ends compile. Folding uses `meaning` itself, so there is one arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from tiaoli import model as m
from tiaoli.bounds import point
from tiaoli.meaning import Environment, Result, Trouble, evaluate, figure
from tiaoli.operators import row
from tiaoli.values import Kind, Value, decimal_text


@dataclass(frozen=True, slots=True)
class Fixed:
    """What is fixed in one year of a run. ``readings`` name the options chosen; others take their default."""

    program: m.Program
    year: int
    readings: Mapping[str, str]

    def parameter(self, ref: m.ParameterRef, key: Value) -> Result:
        return figure(self.program.parameters[ref.name], self.year - ref.lag, key)

    def question(self, ref: m.QuestionRef) -> Result:
        return self.readings.get(ref.name, self.program.questions[ref.name].default)

    def fact(self, ref: m.FactRef) -> Result:
        raise AssertionError(ref)

    def rule(self, ref: m.RuleRef) -> Result:
        raise AssertionError(ref)

    def linked(self, ref: m.Through, ident: str) -> Environment:
        raise AssertionError(ref)

    def aggregate(self, aggregate: m.Aggregate) -> Result:
        raise AssertionError(aggregate)


def simplify(expression: m.Expression, fixed: Fixed) -> m.Expression:
    """Return an expression of the same value in the year of ``fixed``."""
    below = tuple(simplify(o, fixed) for o in m.operands(expression))
    node = _rescaled(m.with_operands(expression, below))
    match node:
        case m.Constant() | m.FactRef() | m.RuleRef() | m.Through() | m.Aggregate():
            return node
        case m.Choose(condition=m.Constant(value=value)):
            return node.then if value else node.otherwise
        case m.Apply(operator="且" | "或"):
            return _connective(node)
        case m.Present() if not node.operand.type.nullable:
            return constant(node, True)
        case m.ParameterRef() if below and not isinstance(below[0], m.Constant):
            return node
        case _ if all(isinstance(o, m.Constant) for o in below):
            return _folded(node, fixed)
        case _:
            return node


def _rescaled(node: m.Expression) -> m.Expression:
    """A node whose operands were folded, held at the scale that they now give."""
    match node:
        case m.Apply():
            return replace(node, scale=row(node.operator).scale(tuple(o.scale for o in node.operands)))
        case m.Choose():
            scales = (node.then.scale, node.otherwise.scale)
            return replace(node, scale=None if None in scales else max(x for x in scales if x is not None))
        case m.Aggregate(scale=scale, value=value) if scale is not None and value is not None:
            return replace(node, scale=value.scale)
        case _:
            return node


def _folded(node: m.Expression, fixed: Fixed) -> m.Expression:
    if isinstance(node, m.Apply | m.Round) and any(
        isinstance(o, m.Constant) and o.value is None for o in m.operands(node)
    ):
        return node  # where a 可空 parameter has no value; what asks for it first is folded away
    try:
        value = evaluate(node, fixed)
    except Trouble:
        return node
    return constant(node, value)  # type: ignore[arg-type]


def constant(node: m.Expression, value: Value) -> m.Constant:
    """Return ``value`` in place of ``node``."""
    scale = node.scale
    if isinstance(value, Fraction) and node.type.kind is not Kind.YEAR:
        try:
            scale = len(decimal_text(value).partition(".")[2])
        except ValueError:
            scale = None
    return m.Constant(node.type, scale, point(value), node.span, value)


def _connective(node: m.Apply) -> m.Expression:
    settles = node.operator == "或"
    kept: list[m.Expression] = []
    for operand in node.operands:
        if isinstance(operand, m.Constant):
            if operand.value is settles:
                if not kept:
                    return operand
                kept.append(operand)
                break
            continue
        kept.append(operand)
    if not kept:
        return constant(node, not settles)
    return kept[0] if len(kept) == 1 else replace(node, operands=tuple(kept))


def simplify_rule(rule: m.Rule, fixed: Fixed) -> m.Rule:
    """Return the rule with folded expressions and without clauses that cannot decide; the same object in years in which the same is fixed."""
    key = (id(rule), *_fixed_in(rule, fixed))
    known = fixed.program.kept.get(key)
    if known is None or known[0] is not rule:
        known = fixed.program.kept[key] = (rule, _simplified(rule, fixed))
    return known[1]


def _fixed_in(rule: m.Rule, fixed: Fixed) -> Iterator[object]:
    """All that is fixed in a year among what the rule reads."""
    known = fixed.program.kept.get(id(rule))
    if known is None or known[0] is not rule:
        nodes = [n for e in m.expressions(rule.body) for n in m.walk(e)]
        read = sorted({(n.name, n.lag) for n in nodes if isinstance(n, m.ParameterRef)})
        questions = sorted({n.name for n in nodes if isinstance(n, m.QuestionRef)})
        dated = any(isinstance(n, m.CurrentYear) for n in nodes)
        known = fixed.program.kept[id(rule)] = (rule, read, questions, dated)
    _, refs, questions, dated = known
    yield fixed.year if dated else None
    for name in questions:
        yield fixed.readings.get(name)
    for name, lag in refs:
        year = fixed.year - lag
        for value in fixed.program.parameters[name].values:
            if value.first <= year and (value.last is None or year <= value.last):
                yield id(value)
        yield None


def _simplified(rule: m.Rule, fixed: Fixed) -> m.Rule:
    body = m.map_body(rule.body, lambda e: simplify(e, fixed))
    if isinstance(body, m.Cases):
        groups = tuple(tuple(c for c in g if not _never(c.condition)) for g in body.exceptions)
        body = m.Cases(tuple(g for g in groups if g), _reachable(body.clauses))
    return replace(rule, body=body)


def _reachable(clauses: tuple[m.Clause, ...]) -> tuple[m.Clause, ...]:
    kept: list[m.Clause] = []
    for clause in clauses:
        if _never(clause.condition):
            continue
        if clause.condition is None or (isinstance(clause.condition, m.Constant) and clause.condition.value is True):
            kept.append(replace(clause, condition=None))
            break
        kept.append(clause)
    return tuple(kept)


def _never(condition: m.Expression | None) -> bool:
    return isinstance(condition, m.Constant) and condition.value is False


def scaled(value: Fraction | int, scale: int) -> int:
    """Return ``value`` as a whole number of 10**-scale; a bug when it is none."""
    number = Fraction(value) * 10**scale
    assert number.denominator == 1, (value, scale)
    return int(number)
