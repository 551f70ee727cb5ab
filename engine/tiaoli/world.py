"""All records of a run, each with its `Tracer`: where the meaning of a rule looks for what it reads of other records.

The reference that the interpreter must equal, and what explanations stand on. For these, ``known`` gives the values of members that the
interpreter computed, so that a figure over a million members is told without working them out again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tiaoli import model as m
from tiaoli.meaning import Environment, Result, Trouble
from tiaoli.record_facts import Person
from tiaoli.trace import Moment, Tracer, fact_index

Known: TypeAlias = Callable[[str, str, str, int], tuple[Result] | None]
"""The value of a rule: of (kind, id, rule, year), None where it was not kept. Raises Trouble."""


@dataclass(frozen=True, slots=True)
class _Told(Moment):
    """A record in one year, the values of its rules told by others."""

    known: Known

    def rule(self, ref: m.RuleRef) -> Result:
        year = self.year - ref.lag
        told = self.known(self.tracer.entity, self.tracer.ident, ref.name, year)
        return self.tracer.rule_value(ref.name, year) if told is None else told[0]


@dataclass(slots=True)
class World:
    """The records of a run by kind and id. ``openings`` by kind and id: a year, and values by name as the interpreter holds them."""

    program: m.Program
    people: Mapping[str, Mapping[str, Person]]
    readings: Mapping[str, str]
    openings: Mapping[str, Mapping[str, tuple[int, Mapping[str, Any]]]] = field(default_factory=dict)
    wanted: frozenset[str] | None = None
    known: Known | None = None
    _tracers: dict[tuple[str, str], Tracer] = field(default_factory=dict)
    _indices: dict[str, Mapping[str, int]] = field(default_factory=dict)
    _groups: dict[tuple[str, str, int], dict[Any, list[str]]] = field(default_factory=dict)

    def tracer(self, entity: str, ident: str) -> Tracer:
        """Return the tracer of a record. Raises KeyError."""
        if (entity, ident) not in self._tracers:
            self._tracers[entity, ident] = self.tracer_of(entity, self.people[entity][ident])
        return self._tracers[entity, ident]

    def tracer_of(self, entity: str, person: Person) -> Tracer:
        """Return a tracer of a record that need not be among those of the run, as which others see it."""
        if entity not in self._indices:
            self._indices[entity] = fact_index(self.program, entity)
        made = Tracer(
            self.program, person.facts, person.years, self.readings, self.openings.get(entity, {}).get(person.id),
            entity, person.id, self, self.wanted, index=self._indices[entity],
        )  # fmt: skip
        self._tracers[entity, person.id] = made
        return made

    def linked(self, entity: str, ident: str, year: int) -> Environment:
        if ident not in self.people.get(entity, {}):
            raise Trouble("E836", (("entity", entity), ("record", ident)))
        return self.tracer(entity, ident).at(year)

    def members(self, aggregate: m.Aggregate, ident: str, year: int) -> Iterator[Moment]:
        for member in self._grouped(aggregate, year).get(ident, ()):
            tracer = self.tracer(aggregate.members, member)
            yield tracer.at(year) if self.known is None else _Told(tracer, year, self.known)

    def _grouped(self, aggregate: m.Aggregate, year: int) -> dict[Any, list[str]]:
        key = (aggregate.members, aggregate.link, year)
        if key not in self._groups:
            found: dict[Any, list[str]] = {}
            self._groups[key] = found
            yearly = self.program.facts[aggregate.link].yearly
            for ident in self.people.get(aggregate.members, {}):
                value = self.tracer(aggregate.members, ident).fact_value(aggregate.link, year if yearly else 0)
                if isinstance(value, str):
                    found.setdefault(value, []).append(ident)
        return self._groups[key]


def needed(program: m.Program, names: Iterable[str]) -> frozenset[str]:
    """Return the rules that ``names`` rest on in any year, themselves included."""
    found: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name in found:
            continue
        found.add(name)
        nodes = (n for r in program.rules.get(name, ()) for e in m.expressions(r.body) for n in m.walk(e))
        pending += [n.name for n in nodes if isinstance(n, m.RuleRef)]
    return frozenset(found)
