"""One person's years worked out by `meaning`, every step kept: what explanations and answers to «which fact is missing» are made of.

Years go forward from the first that matters; each rule of each year is decided in dependency order. Slow and complete, where the
interpreter is fast and silent; the two give the same values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tiaoli import model as m
from tiaoli.meaning import Decision, Result, Trouble, Unknown, decide, evaluate, figure
from tiaoli.values import Kind, Type, Value


@dataclass(frozen=True, slots=True)
class Step:
    """One rule in one year: what decided it, and the value of every node that was computed on the way.

    ``trouble`` is set where the rule has no value; then ``decision`` is None.
    """

    rule: m.Rule
    year: int
    decision: Decision | None
    trouble: Trouble | None
    nodes: Mapping[int, tuple[m.Expression, Result]]

    def value_of(self, expression: m.Expression) -> Result:
        """Return the value a node of this rule had. Raises KeyError when it was not computed."""
        return self.nodes[id(expression)][1]


@dataclass(slots=True)
class Tracer:
    """The years of one person. ``person`` and ``years`` are facts as `records.Person` holds them; ``opening`` values by name."""

    program: m.Program
    person: tuple[Any, ...]
    years: Mapping[int, tuple[Any, ...]]
    readings: Mapping[str, str]
    opening: tuple[int, Mapping[str, Any]] | None = None
    year: int = 0
    steps: dict[tuple[str, int], Step] = field(default_factory=dict)
    _next: int | None = None
    _person_index: dict[str, int] = field(default_factory=dict)
    _yearly_index: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        facts = self.program.facts.values()
        self._person_index = {f.name: i for i, f in enumerate(f for f in facts if not f.yearly)}
        self._yearly_index = {f.name: i for i, f in enumerate(f for f in facts if f.yearly)}
        self._next = self.program.first if self.opening is None else self.opening[0] + 1

    def step(self, name: str, year: int) -> Step | None:
        """Return the step of a rule in a year, or None where the rule is not in force."""
        while self._next is not None and self._next <= year:
            self._work_out(self._next)
            self._next += 1
        return self.steps.get((name, year))

    def _work_out(self, year: int) -> None:
        self.year = year
        for rule in self.program.segment(year).rules:
            nodes: dict[int, tuple[m.Expression, Result]] = {}

            def watch(e: m.Expression, value: Result, kept: dict[int, tuple[m.Expression, Result]] = nodes) -> None:
                kept[id(e)] = (e, value)

            try:
                decision, trouble = decide(rule, self, watch), None
            except Trouble as error:
                decision, trouble = None, error
            self.steps[rule.name, year] = Step(rule, year, decision, trouble, nodes)

    # ── what `meaning` asks ──────────────────────────────────────────────────
    def parameter(self, ref: m.ParameterRef, key: Value) -> Result:
        return figure(self.program.parameters[ref.name], self.year - ref.lag, key, self.program.place)

    def question(self, ref: m.QuestionRef) -> Result:
        return self.readings.get(ref.name, self.program.questions[ref.name].default)

    def rule(self, ref: m.RuleRef) -> Result:
        year = self.year - ref.lag
        if self.opening is not None and year == self.opening[0]:
            return self._opened(ref.name)
        step = self.steps.get((ref.name, year))
        if step is None:
            return self.program.rules[ref.name][0].initial
        if step.trouble is not None:
            raise step.trouble
        assert step.decision is not None
        return step.decision.value

    def _opened(self, name: str) -> Result:
        assert self.opening is not None
        if name in self.opening[1]:
            return in_units(self.opening[1][name], self.program.rules[name][0].scale)
        return self.program.rules[name][0].initial

    def fact(self, ref: m.FactRef) -> Result:
        return self.fact_value(ref.name, self.year - ref.lag if ref.yearly else 0)

    def fact_value(self, name: str, year: int) -> Result:
        """Return a fact (of the person where ``year`` is 0), Unknown where it is needed and was not given."""
        fact = self.program.facts[name]
        value: Any = None
        if not fact.yearly:
            value = self.person[self._person_index[name]]
        elif self.opening is not None and year == self.opening[0] and name in self.opening[1]:
            value = self.opening[1][name]
        elif year in self.years:
            value = self.years[year][self._yearly_index[name]]
        else:
            return fact.default if fact.has_default or fact.type.nullable else Unknown(frozenset({(name, year)}))
        if value is None and (not fact.type.nullable or self._demanded(fact, year)):
            return Unknown(frozenset({(name, year)}))
        return in_units(value, fact.digits)

    def _demanded(self, fact: m.Fact, year: int) -> bool:
        if fact.required_when is None or year not in self.years:
            return False
        if (fact.required_first or year) > year or (fact.required_last or year) < year:
            return False
        now, self.year = self.year, year
        holds = evaluate(fact.required_when, self)
        self.year = now
        return holds is True


def in_units(value: Any, scale: int) -> Value:
    """Return a value as the model counts it: whole numbers of 10**-scale become ratios."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Fraction(value, 10**scale)
    return value  # type: ignore[no-any-return]


def inward(value: Any, kind: Type, digits: int) -> Any:
    """Return a value as records write it (money in yuan, dates ISO) in the form the interpreter holds.

    ``digits`` are the decimals of a rate. Raises ValueError where the value does not fit the type.
    """
    held = None if value is None else _held(value, kind, 2 if kind.kind is Kind.MONEY else digits)
    if held is None and not (value is None and kind.nullable):
        raise ValueError(f"{value} ≠ {kind.present}")
    return held


def _held(value: Any, kind: Type, digits: int) -> Any:
    match kind.kind:
        case Kind.BOOL:
            return {"是": True, "否": False}.get(value, value if isinstance(value, bool) else None)
        case Kind.ENUM:
            return value if value in kind.members else None
        case Kind.DATE:
            return value if isinstance(value, date) else _day(str(value))
        case Kind.PLACE | Kind.TEXT:
            return value if isinstance(value, str) else None
        case _:
            number = isinstance(value, int | Decimal) and not isinstance(value, bool)
            scaled = Fraction(value) * 10**digits if number else Fraction(1, 2)
            return int(scaled) if scaled.denominator == 1 else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def outward(value: Any, kind: Kind) -> Any:
    """Return a value of the model as people and programs outside want it: yuan and rates as Decimal, counts as int."""
    from tiaoli.values import to_decimal

    if isinstance(value, Fraction):
        if kind is Kind.MONEY:
            return to_decimal(value / 100)
        return to_decimal(value) if kind is Kind.RATE else int(value)
    return value
