"""The years of a record worked out by `meaning`, every step kept: what explanations and answers to «which fact is missing» are made of.

Years go forward from the first that matters; each rule of each year is decided in dependency order. Slow and complete, where the
interpreter is fast and silent; the two give the same values. What rules read of other records they ask of a `World`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol

from tiaoli import model as m
from tiaoli.meaning import Decision, Environment, Gathered, Result, Trouble, Unknown, decide, evaluate, figure, gather
from tiaoli.values import INSURED, Kind, Type, Value


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


class World(Protocol):
    """The other records of a run, as one record sees them."""

    def linked(self, entity: str, ident: str, year: int) -> Environment:
        """The year of a record. Raises Trouble where there is none."""

    def members(self, aggregate: m.Aggregate, ident: str, year: int) -> Iterable[Moment]:
        """The year of each record whose link points to the record ``ident``."""

    def tracer(self, entity: str, ident: str) -> Tracer:
        """The years of a record that is there."""


@dataclass(slots=True)
class Tracer:
    """The years of one record. ``person`` and ``years`` are facts as `records.Person` holds them; ``opening`` values by name.

    Rules are worked out in the order of the model, and only as far as asked: a record may ask others, which ask it again for what
    stands before. ``wanted`` names the rules that may be asked (all where it is None). ``lean``: what decided is kept, not the values of
    all nodes.
    """

    program: m.Program
    person: tuple[Any, ...]
    years: Mapping[int, tuple[Any, ...]]
    readings: Mapping[str, str]
    opening: tuple[int, Mapping[str, Any]] | None = None
    entity: str = INSURED
    ident: str = ""
    world: World | None = None
    wanted: frozenset[str] | None = None
    steps: dict[tuple[str, int], Step] = field(default_factory=dict)
    index: Mapping[str, int] = field(default_factory=dict)
    lean: bool = False
    _year: int = 0
    _rules: Iterator[m.Rule] | None = None

    def __post_init__(self) -> None:
        self.index = self.index or fact_index(self.program, self.entity)
        self._year = self.program.first if self.opening is None else self.opening[0] + 1

    def step(self, name: str, year: int) -> Step | None:
        """Return the step of a rule in a year, or None where the rule is not in force; with no rule's name, the whole year is worked out."""
        while (known := self.steps.get((name, year))) is None and self._year <= year:
            if self._rules is None:
                self._rules = self._own(self._year)
            rule = next(self._rules, None)
            if rule is None:
                self._rules = None
                self._year += 1
            else:
                self._work_out(rule, self._year)
        return known

    def _own(self, year: int) -> Iterator[m.Rule]:
        wanted = self.wanted
        for rule in self.program.segment(year).rules:
            if rule.entity == self.entity and (wanted is None or rule.name in wanted):
                yield rule

    def _work_out(self, rule: m.Rule, year: int) -> None:
        nodes: dict[int, tuple[m.Expression, Result]] = {}

        def watch(e: m.Expression, value: Result) -> None:
            nodes[id(e)] = (e, value)

        try:
            decision, trouble = decide(rule, self.at(year), *(() if self.lean else (watch,))), None
        except Trouble as error:
            decision, trouble = None, error
        self.steps[rule.name, year] = Step(rule, year, decision, trouble, nodes)

    def at(self, year: int) -> Moment:
        """The record in one year, as `meaning` asks for it."""
        return Moment(self, year)

    def rule_value(self, name: str, year: int) -> Result:
        """Return the value of a rule in a year, the 初值 where it is not in force. Raises Trouble."""
        if self.opening is not None and year == self.opening[0]:
            return self._opened(name)
        step = self.step(name, year)
        if step is None:
            return self.program.rules[name][0].initial
        if step.trouble is not None:
            raise step.trouble
        assert step.decision is not None
        return step.decision.value

    def _opened(self, name: str) -> Result:
        assert self.opening is not None
        if name in self.opening[1]:
            return in_units(self.opening[1][name], self.program.rules[name][0].scale)
        return self.program.rules[name][0].initial

    def fact_value(self, name: str, year: int) -> Result:
        """Return a fact (of the record where ``year`` is 0), Unknown where it is needed and was not given."""
        fact = self.program.facts[name]
        value: Any = None
        if not fact.yearly:
            value = self.person[self.index[name]]
        elif self.opening is not None and year == self.opening[0] and name in self.opening[1]:
            value = self.opening[1][name]
        elif year in self.years:
            value = self.years[year][self.index[name]]
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
        return evaluate(fact.required_when, self.at(year)) is True


@dataclass(frozen=True, slots=True)
class Moment:
    """One record in one year: the environment of its rules."""

    tracer: Tracer
    year: int

    def parameter(self, ref: m.ParameterRef, key: Value) -> Result:
        program = self.tracer.program
        return figure(program.parameters[ref.name], self.year - ref.lag, key, program.place)

    def question(self, ref: m.QuestionRef) -> Result:
        return self.tracer.readings.get(ref.name, self.tracer.program.questions[ref.name].default)

    def rule(self, ref: m.RuleRef) -> Result:
        return self.tracer.rule_value(ref.name, self.year - ref.lag)

    def fact(self, ref: m.FactRef) -> Result:
        return self.tracer.fact_value(ref.name, self.year - ref.lag if ref.yearly else 0)

    def linked(self, ref: m.Through, ident: str) -> Environment:
        if self.tracer.world is None:
            raise Trouble("E836", (("entity", ref.entity), ("record", ident)))
        return self.tracer.world.linked(ref.entity, ident, self.year)

    def aggregate(self, aggregate: m.Aggregate) -> Result:
        return self.gathered(aggregate).value

    def gathered(self, aggregate: m.Aggregate) -> Gathered:
        """An aggregate over the records that point here, with the count of its members."""
        world = self.tracer.world
        return gather(aggregate, () if world is None else world.members(aggregate, self.tracer.ident, self.year))


def fact_index(program: m.Program, entity: str) -> dict[str, int]:
    """Return where the facts of a kind of record stand: among those of the record, or among those of a year."""
    facts = program.facts_of(entity)
    return {f.name: i for yearly in (False, True) for i, f in enumerate(f for f in facts if f.yearly is yearly)}


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
        case Kind.PLACE | Kind.TEXT | Kind.LINK:
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
