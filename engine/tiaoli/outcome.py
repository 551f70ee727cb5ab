"""What an evaluation gives: the values of a record or of many, why they are so, and the state they leave behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from tiaoli import explain as explaining
from tiaoli import model as m
from tiaoli.backends.interpreter import Compiled
from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import EvaluationError, UsageError
from tiaoli.explain import Explanation
from tiaoli.nearness import nearest
from tiaoli.people import Gathering
from tiaoli.records import Person
from tiaoli.show_value import show_value
from tiaoli.trace import Tracer, in_units, outward
from tiaoli.values import INSURED, INSURED_NAMES, Value
from tiaoli.world import World

Opening = tuple[int, Mapping[str, Any]]
"""A state at the end of a year: the year, and values by name."""


@dataclass(frozen=True)
class Result(Mapping[int, Mapping[str, Any]]):
    """The values of one person: ``result[year][rule]``. A rule not in force in a year is None there.

    ``stays``: where the person moved, the results of each place, whose rules gave the values of its years.
    """

    place: str
    compiled: Compiled = field(repr=False)
    person: Person
    rows: Mapping[int, tuple[Any, ...]]
    opening: Opening | None = None
    population: Population | None = field(default=None, repr=False, compare=False)
    stays: tuple[Result, ...] = field(default=(), repr=False, compare=False)
    _years: dict[int, Mapping[str, Any]] = field(default_factory=dict, repr=False, compare=False)

    def __getitem__(self, year: int) -> Mapping[str, Any]:
        known = self._years.get(year)
        if known is None:
            row = self.rows[year]
            known = self._years[year] = {name: self._outward(name, row, year) for name in self.compiled.outputs}
        return known

    def __iter__(self) -> Iterator[int]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def _outward(self, name: str, row: tuple[Any, ...], year: int) -> Decimal | int | str | bool | Any | None:
        if name not in self.compiled.computed.get(year, ()):
            return None
        rule = self.compiled.program.rules[name][0]
        return outward(in_units(row[self.compiled.slots[name]], rule.scale), rule.type.kind)

    @property
    def breaches(self) -> list[Diagnostic]:
        """The mandates that these values break, among those that parameters alone do not decide."""
        if self.stays:
            return [breach for stay in self.stays for breach in stay.breaches if breach.arguments["year"] in self.rows]
        return [
            self._breach(mandate, year)
            for year, watched in sorted(self.compiled.watched.items())
            for slot, mandate in watched
            if self.rows[year][slot] is False
        ]

    def _breach(self, mandate: m.Mandate, year: int) -> Diagnostic:
        who = self.person.id if self.person.entity == INSURED else f"{self.person.entity} {self.person.id}"
        shown = [
            "".join(f"，{n.name} = {show_value(v, n.type, lang)}" for n, v in self._behind(mandate, year))
            for lang in ("zh", "en")
        ]
        arguments = {
            "person": who, "year": year, "mandate": mandate.condition.span.text, "basis": "、".join(map(str, mandate.basis)),
            "reason": "\0".join(shown),
        }  # fmt: skip
        return Diagnostic("W805" if mandate.in_principle else "E805", arguments, mandate.span)

    def _behind(self, mandate: m.Mandate, year: int) -> Iterator[tuple[m.RuleRef | m.ParameterRef, Value]]:
        """The rules and parameters that a mandate speaks of, each once, with their values."""
        program, seen = self.compiled.program, set[tuple[str, int]]()
        for node in m.walk_own(mandate.condition):
            if not isinstance(node, m.RuleRef | m.ParameterRef) or (node.name, node.lag) in seen:
                continue
            seen.add((node.name, node.lag))
            at = year - node.lag
            if isinstance(node, m.RuleRef) and at in self.rows and node.name in self.compiled.computed.get(at, ()):
                value = self.rows[at][self.compiled.slots[node.name]]
                yield node, in_units(value, program.rules[node.name][0].scale)
            elif isinstance(node, m.ParameterRef) and node.key is None:
                entry = program.parameters[node.name].at(at)
                if entry is not None:
                    yield node, entry.value

    @cached_property
    def tracer(self) -> Tracer:
        """The steps behind the values, worked out when first asked for."""
        person = self.person
        if self.population is not None:
            return self.population.world.tracer(person.entity, person.id)
        return Tracer(self.compiled.program, person.facts, person.years, self.compiled.readings, self.opening)

    def explain(self, rule: str, year: int) -> Explanation:
        """Return why ``rule`` has its value in ``year``. Raises UsageError where it is not in force then."""
        for stay in self.stays:
            if year in stay:
                return stay.explain(rule, year)
        return explain_rule(self.place, self.tracer, self.person.id, rule, year)

    def closing(self, year: int | None = None) -> Opening:
        """Return the state at the end of ``year`` (the last one asked), what a later run needs as its opening: (year, values by name)."""
        last = max(self.rows) if year is None else year
        for stay in self.stays:
            if last in stay:
                return stay.closing(last)
        row = self.rows[last]
        facts = self.person.years.get(last, self.compiled.default_year)
        yearly = [f.name for f in self.compiled.program.facts_of(self.compiled.entity) if f.yearly]
        held = dict(zip(yearly, facts, strict=True))
        program = self.compiled.program
        state: dict[str, Any] = {}
        for name in self.compiled.memory:
            rule = program.rules[name][0]
            state[name] = outward(in_units(row[self.compiled.slots[name]], rule.scale), rule.type.kind)
        for name in self.compiled.memory_facts:
            fact = program.facts[name]
            state[name] = outward(in_units(held[name], fact.digits), fact.type.kind)
        return last, state


def not_encoded(program: m.Program, rule: str) -> Diagnostic:
    """Return the diagnostic for a rule that rests on figures this place does not give."""
    arguments = {"rule": rule, "place": program.place, "parameters": "、".join(program.unencoded[rule])}
    return Diagnostic("E840", arguments)


class Population(Iterable[Result]):
    """Records of several kinds and their values. Iterating gives a `Result` of each that could be computed.

    ``faults`` name the records left out, ``diagnostics`` all that is to be said, warnings on figures that lack members among it.
    """

    def __init__(self, place: str, gathering: Gathering) -> None:
        self.place, self.gathering = place, gathering
        self.faults = gathering.faults

    def __iter__(self) -> Iterator[Result]:
        failed = self.gathering.failed
        for entity, own in self.gathering.people.items():
            yield from (self._result(entity, n) for n, ident in enumerate(own) if (entity, ident) not in failed)

    def __len__(self) -> int:
        return sum(map(len, self.gathering.people.values())) - len(self.gathering.failed)

    def result(self, ident: str, entity: str = INSURED) -> Result:
        """Return the values of one record. Raises EvaluationError where it was left out, UsageError where it is not there."""
        entity = INSURED if entity in INSURED_NAMES else entity
        for fault in self.faults:
            if (fault.entity, fault.person) == (entity, ident):
                raise EvaluationError(fault.diagnostics)
        known = self.gathering.people.get(entity, {})
        if ident not in known:
            raise UsageError([Diagnostic("E816", {"person": ident, "near": nearest(ident, list(known)[:10_000])})])
        return self._result(entity, self.gathering.run.tables[entity].index[ident])

    def _result(self, entity: str, n: int) -> Result:
        table = self.gathering.run.tables[entity]
        person = table.people[n]
        state = self.gathering.states.get(entity, {}).get(person.id)
        return Result(self.place, table.compiled, person, self.gathering.rows(entity, n), state, self)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What figures lack: members that were not computed, and kinds of which there is no record at all."""
        return self.gathering.warnings

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All that is wrong: of records, and of figures that lack members."""
        return (*(d for fault in self.faults for d in fault.diagnostics), *self.warnings)

    @property
    def world(self) -> World:
        """The records as explanations see them."""
        return self.gathering.world


def explain_rule(place: str, tracer: Tracer, person: str, rule: str, year: int) -> Explanation:
    """Return the explanation of one value, or raise UsageError with the nearest name."""
    known = tracer.program.rules.get(rule)
    if known is not None and known[0].entity != tracer.entity:
        raise UsageError([Diagnostic("E835", {"rule": rule, "entity": known[0].entity, "kind": tracer.entity})])
    if known is None and rule in tracer.program.unencoded:
        raise UsageError([not_encoded(tracer.program, rule)])
    if known is None:
        near = nearest(rule, [n for n, texts in tracer.program.rules.items() if not texts[0].hidden])
        raise UsageError([Diagnostic("E811", {"place": place, "name": rule, "near": near})])
    try:
        return explaining.explain(tracer, person, rule, year)
    except KeyError:
        raise UsageError([Diagnostic("E820", {"rule": rule, "year": year})]) from None
