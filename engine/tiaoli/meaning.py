"""What expressions and rules mean: values worked out one node at a time, on exact ratios, straight from the model.

This is the reference that explanations show and that every back end must equal. A value that cannot be determined because facts are
missing is `Unknown` and says which; it does not spread where it is not needed: 否 且 unknown is 否.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Protocol, TypeAlias, assert_never

from tiaoli import model as m
from tiaoli.operators import row
from tiaoli.show_value import show_value
from tiaoli.source import Span
from tiaoli.values import Kind, Value, round_to


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that needs facts not given: (fact, year), the year 0 for facts of the person."""

    needs: frozenset[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Trouble(Exception):
    """A rule cannot be computed for this person and year; ``code`` is a diagnostic's.

    ``span`` is what fails, ``clause`` the legal clause in which it stands, ``others`` what it clashes with.
    """

    code: str
    arguments: tuple[tuple[str, object], ...]
    span: Span | None = field(default=None, compare=False)
    clause: str | None = field(default=None, compare=False)
    others: tuple[Span, ...] = field(default=(), compare=False)

    def under(self, basis: tuple[m.Basis, ...]) -> Trouble:
        """Return the same with its legal clause, unless that is known already."""
        return self if self.clause or self.span is None or not basis else replace(self, clause=str(basis[0]))


Result: TypeAlias = Value | Unknown


class Environment(Protocol):
    """Where the values of names come from."""

    @property
    def year(self) -> int: ...

    def parameter(self, ref: m.ParameterRef, key: Value) -> Result: ...

    def fact(self, ref: m.FactRef) -> Result: ...

    def rule(self, ref: m.RuleRef) -> Result: ...

    def question(self, ref: m.QuestionRef) -> Result: ...

    def linked(self, ref: m.Through, ident: str) -> Environment:
        """The same year of the record that a link names. Raises Trouble where there is none."""

    def aggregate(self, aggregate: m.Aggregate) -> Result:
        """The figure over the records that point here."""


Watch: TypeAlias = Callable[[m.Expression, Result], None]


def _ignore(_: m.Expression, __: Result) -> None:
    pass


def evaluate(expression: m.Expression, env: Environment, watch: Watch = _ignore) -> Result:
    """Return the value of ``expression``; ``watch`` is told the value of every node that was computed."""
    value = _evaluate(expression, env, watch)
    watch(expression, value)
    return value


def _evaluate(expression: m.Expression, env: Environment, watch: Watch) -> Result:
    match expression:
        case m.Constant():
            return expression.value
        case m.ParameterRef():
            key = evaluate(expression.key, env, watch) if expression.key else None
            return key if isinstance(key, Unknown) else env.parameter(expression, key)
        case m.FactRef():
            return env.fact(expression)
        case m.RuleRef():
            return env.rule(expression)
        case m.QuestionRef():
            return env.question(expression)
        case m.CurrentYear():
            return Fraction(env.year)
        case m.Present():
            value = evaluate(expression.operand, env, watch)
            return value if isinstance(value, Unknown) else value is not None
        case m.Choose():
            return _choose(expression, env, watch)
        case m.Round():
            value = evaluate(expression.operand, env, watch)
            if isinstance(value, Unknown):
                return value
            return round_to(number(value), expression.unit, expression.mode)
        case m.Apply():
            return _apply(expression, env, watch)
        case m.Through():
            link = evaluate(expression.link, env, watch)
            return evaluate(expression.value, env.linked(expression, link)) if isinstance(link, str) else link
        case m.Aggregate():
            return env.aggregate(expression)
        case _:
            assert_never(expression)


def figure(parameter: m.Parameter, year: int, key: Value, place: str = "") -> Value:
    """Return the value of a parameter in ``year``, None where it is 可空 and has none. Raises Trouble where it must have one."""
    value = parameter.at(year, key)
    if value is not None:
        return value.value
    if parameter.type.nullable:
        return None
    raise Trouble("E411", (("name", parameter.name), ("year", year), ("key", key), ("place", place)))


def number(value: Value) -> Fraction:
    """Return a numeric value as a Fraction; anything else is a bug of the checker."""
    assert isinstance(value, int | Fraction) and not isinstance(value, bool), value
    return Fraction(value)


@dataclass(frozen=True, slots=True)
class Gathered:
    """An aggregate worked out: how many members there are, for how many the condition holds, and its value.

    ``left_out``: members whose condition or value cannot be computed; they count nowhere else. ``held``: of a 占比, how many of the
    counted hold; ``sum``: of a 平均, what is divided by their number.
    """

    members: int
    counted: int
    left_out: int
    value: Value
    held: int | None = None
    sum: Fraction | None = None


def gather(aggregate: m.Aggregate, members: Iterable[Environment]) -> Gathered:
    """Return the figure of ``aggregate`` over ``members``. Who cannot be computed is left out, and counted as such."""
    values: list[Result] = []
    present = left_out = 0
    for member in members:
        present += 1
        holds, value = taken_in(aggregate, member)
        if isinstance(holds, Unknown) or isinstance(value, Unknown):
            left_out += 1
        elif holds:
            values.append(value)
    held = sum(value is True for value in values) if aggregate.form == "占比" else None
    total = sum(map(number, values), Fraction(0)) if aggregate.form == "平均" else None  # type: ignore[arg-type]
    return Gathered(present, len(values), left_out, _figure(aggregate.form, values), held, total)


def taken_in(aggregate: m.Aggregate, member: Environment) -> tuple[Result, Result]:
    """Return whether a member counts, and what it brings in; Unknown where that cannot be computed."""
    try:
        holds = True if aggregate.condition is None else evaluate(aggregate.condition, member)
        return holds, evaluate(aggregate.value, member) if aggregate.value is not None and holds is True else None
    except Trouble:
        return Unknown(frozenset()), None


def _figure(form: str, values: list[Result]) -> Value:
    if form == "计数":
        return Fraction(len(values))
    if form == "合计":
        return sum(map(number, values), Fraction(0))  # type: ignore[arg-type]
    if not values:
        return None
    match form:
        case "占比":
            return Fraction(sum(value is True for value in values), len(values))
        case "平均":
            return sum(map(number, values), Fraction(0)) / len(values)  # type: ignore[arg-type]
        case "最大":
            return max(values)  # type: ignore[type-var, return-value]
    return min(values)  # type: ignore[type-var, return-value]


def _choose(expression: m.Choose, env: Environment, watch: Watch) -> Result:
    condition = evaluate(expression.condition, env, watch)
    if isinstance(condition, Unknown):
        return condition
    return evaluate(expression.then if condition else expression.otherwise, env, watch)


def _apply(expression: m.Apply, env: Environment, watch: Watch) -> Result:
    if expression.operator in ("且", "或"):
        return _connect(expression, env, watch)
    values = [evaluate(operand, env, watch) for operand in expression.operands]
    unknown = [v for v in values if isinstance(v, Unknown)]
    if unknown:
        return Unknown(frozenset().union(*(u.needs for u in unknown)))
    if expression.operator == "÷" and values[1] == 0:
        raise Trouble("E801", (("text", expression.span.text),), expression.span)
    compute = row(expression.operator).compute
    try:
        if expression.operands[0].type.kind is Kind.DATE and expression.operator[0] in "+-":
            kind = expression.operands[1].type.kind
            return compute(*values, kind, expression.operator.endswith("进位"))  # type: ignore[no-any-return]
        return compute(*values)  # type: ignore[no-any-return]
    except (OverflowError, ValueError):
        raise Trouble("E802", (("text", expression.span.text),), expression.span) from None


def _connect(expression: m.Apply, env: Environment, watch: Watch) -> Result:
    """且 and 或: from left to right, ending at the first operand that settles it."""
    settles = expression.operator == "或"
    needs: frozenset[tuple[str, int]] = frozenset()
    for operand in expression.operands:
        value = evaluate(operand, env, watch)
        if isinstance(value, Unknown):
            needs |= value.needs
        elif value is settles:
            return settles
    return Unknown(needs) if needs else not settles


@dataclass(frozen=True, slots=True)
class Decision:
    """The value of a rule and what decided it: a clause, row or exception, or the bands that counted."""

    value: Result
    unrounded: Result
    decided: tuple[m.Clause | m.Row | m.Band, ...]


def decide(rule: m.Rule, env: Environment, watch: Watch = _ignore) -> Decision:
    """Return the rule's value in the year of ``env``. Raises Trouble where it has none."""
    try:
        unrounded, decided = _decide(rule, env, watch)
    except Trouble as trouble:
        raise trouble.under(rule.basis) from None
    if isinstance(unrounded, Unknown) or unrounded is None or not rule.type.kind.is_number:
        return Decision(unrounded, unrounded, decided)
    return Decision(round_to(number(unrounded), rule.unit, rule.mode), unrounded, decided)


def _decide(rule: m.Rule, env: Environment, watch: Watch) -> tuple[Result, tuple[m.Clause | m.Row | m.Band, ...]]:
    match rule.body:
        case m.Cases(exceptions, clauses):
            for group in exceptions:
                settled = _exception(rule, group, env, watch)
                if settled:
                    return settled
            return _first(clauses, env, watch)
        case m.DecisionTable() as table:
            closing = (table.otherwise,) if table.otherwise else ()
            return _first((*table.rows, *closing), env, watch)
        case m.MarginalScale() as scale:
            base = evaluate(scale.base, env, watch)
            value = evaluate(scale.total, env)
            if isinstance(base, Unknown):
                return value, ()
            return value, tuple(b for b in scale.bands if _reaches(b, number(base), env, watch))
        case _:
            assert_never(rule.body)


def _reaches(band: m.Band, base: Fraction, env: Environment, watch: Watch) -> bool:
    if band.low is None:
        return _watched(band, env, watch)
    low = evaluate(band.low, env, watch)
    reached = not isinstance(low, Unknown) and base > number(low)
    return reached and _watched(band, env, watch)


def _watched(band: m.Band, env: Environment, watch: Watch) -> bool:
    evaluate(band.rate, env, watch)
    if band.high is not None:
        evaluate(band.high, env, watch)
    return True


def _first(
    clauses: tuple[m.Clause | m.Row, ...], env: Environment, watch: Watch
) -> tuple[Result, tuple[m.Clause | m.Row, ...]]:
    for clause in clauses:
        try:
            holds = True if clause.condition is None else evaluate(clause.condition, env, watch)
            if isinstance(holds, Unknown):
                return holds, ()
            if holds:
                return evaluate(clause.value, env, watch), (clause,)
        except Trouble as trouble:
            raise trouble.under(clause.basis) from None
    raise AssertionError("the checker requires a last clause")


def _exception(
    rule: m.Rule, group: tuple[m.Clause, ...], env: Environment, watch: Watch
) -> tuple[Result, tuple[m.Clause, ...]] | None:
    held: list[tuple[Result, m.Clause]] = []
    for clause in group:
        assert clause.condition is not None
        try:
            holds = evaluate(clause.condition, env, watch)
            if isinstance(holds, Unknown):
                return holds, ()
            if holds:
                held.append((evaluate(clause.value, env, watch), clause))
        except Trouble as trouble:
            raise trouble.under(clause.basis) from None
    if not held:
        return None
    if any(value != held[0][0] for value, _ in held):
        arguments = (("rule", rule.name), ("clauses", "，".join(_claim(rule, *one) for one in held)))
        (_, first), *others = held
        raise Trouble("E803", arguments, first.span, None, tuple(c.span for _, c in others)).under(first.basis)
    return held[0][0], (held[0][1],)


def _claim(rule: m.Rule, value: Result, clause: m.Clause) -> str:
    """What an exception gives, and where it stands in the law."""
    worth = "?" if isinstance(value, Unknown) else show_value(value, rule.type)
    return f"{'、'.join(map(str, clause.basis)) or clause.span} → {worth}"
