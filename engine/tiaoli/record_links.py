"""Links between records: each must lead to a record that is there and sound, and among other kinds than persons none may run in a circle."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tiaoli.diagnostic import Diagnostic
from tiaoli.model import Fact, Program
from tiaoli.nearness import nearest
from tiaoli.record_facts import Person, kinds_of
from tiaoli.records import Fault
from tiaoli.values import INSURED

_SEARCHED = 5_000
"""Among so many ids at most the nearest one is looked for."""


def check_links(
    program: Program,
    links: Iterable[str],
    people: Mapping[str, dict[str, Person]],
    years: range,
    faulty: Iterable[Fault],
) -> list[Fault]:
    """Take out of ``people`` (by kind and id) the records whose ``links`` lead nowhere in ``years``, or in a circle; return their faults.

    A record taken out is missed by those that point to it, and so on. ``faulty`` are records left out before.
    """
    checked = _Check(program, people, years, {(f.entity, f.person) for f in faulty})
    for entity in kinds_of(program):
        facts = program.facts_of(entity)
        for yearly in (False, True):
            own = enumerate(f for f in facts if f.yearly is yearly)
            checked.facts.extend((index, fact) for index, fact in own if fact.name in set(links))
    for fault in list(checked.circles()):
        checked.take(fault)
    pending: set[str] | None = None
    while pending is None or pending:
        found = list(checked.dangling(pending))
        for fault in found:
            checked.take(fault)
        pending = {fault.entity for fault in found if fault.entity is not None}
    return checked.found


@dataclass(slots=True)
class _Check:
    program: Program
    people: Mapping[str, dict[str, Person]]
    years: range
    left_out: set[tuple[str | None, str | None]]
    facts: list[tuple[int, Fact]] = field(default_factory=list)
    found: list[Fault] = field(default_factory=list)
    nearest: dict[tuple[str, str], str] = field(default_factory=dict)

    def take(self, fault: Fault) -> None:
        assert fault.entity is not None and fault.person is not None
        if self.people[fault.entity].pop(fault.person, None) is not None:
            self.found.append(fault)
            self.left_out.add((fault.entity, fault.person))

    # ── links that lead nowhere ──
    def dangling(self, targets: set[str] | None) -> Iterator[Fault]:
        """Yield a fault for each record with a link to a record that is not there; looking only at links to ``targets``, if given."""
        for entity in kinds_of(self.program):
            own = [
                (index, fact)
                for index, fact in self.facts
                if fact.entity == entity and (targets is None or fact.type.target in targets)
            ]
            for person in list(self.people.get(entity, {}).values()) if own else ():
                said = [d for index, fact in own for d in self._dangles(person, index, fact)]
                if said:
                    yield Fault(person.id, tuple(said), entity)

    def _dangles(self, person: Person, index: int, fact: Fact) -> Iterator[Diagnostic]:
        there = self.people.get(fact.type.target, {})
        if not fact.yearly:
            ident = person.facts[index]
            if ident is not None and ident not in there:
                yield self._say(person, None, fact, str(ident))
            return
        for year, row in person.years.items():
            ident = row[index]
            if ident is not None and ident not in there and year in self.years:
                yield self._say(person, year, fact, str(ident))

    def _say(self, person: Person, year: int | None, fact: Fact, ident: str) -> Diagnostic:
        target = fact.type.target
        if (target, ident) in self.left_out:
            return dangling(person.id, year, fact.name, target, ident)
        if (target, ident) not in self.nearest:
            known = self.people.get(target, {})
            self.nearest[target, ident] = near_among(ident, known)
        return dangling(person.id, year, fact.name, target, ident, self.nearest[target, ident])

    # ── circles ──
    def circles(self) -> Iterator[Fault]:
        """Yield a fault for each record on a circle of links among other kinds than the insured person."""
        inner = [(i, f) for i, f in self.facts if INSURED not in (f.entity, f.type.target)]
        said: set[tuple[str, str]] = set()
        for year in self.years if any(f.yearly for _, f in inner) else self.years[:1]:
            for circle, fact in self._circles(inner, year):
                path = " → ".join(ident for _, ident in (*circle, circle[0]))
                for entity, ident in circle:
                    if (entity, ident) not in said:
                        said.add((entity, ident))
                        where = _where(ident, year if fact.yearly else None, fact.name)
                        yield Fault(ident, (Diagnostic("E745", where | {"path": path}),), entity)

    def _circles(self, facts: list[tuple[int, Fact]], year: int) -> Iterator[tuple[tuple[tuple[str, str], ...], Fact]]:
        """Yield each circle met while following links depth first, with one of its links."""
        state: dict[tuple[str, str], int] = {}
        for root in [(e, i) for e in self.people if any(f.entity == e for _, f in facts) for i in self.people[e]]:
            path: list[tuple[str, str]] = []
            pending = [(root, self._next(root, facts, year))] if root not in state else []
            while pending:
                node, following = pending[-1]
                if node not in state:
                    state[node] = 1
                    path.append(node)
                step = next(following, None)
                if step is None:
                    state[node] = 2
                    path.pop()
                    pending.pop()
                elif state.get(step[0]) == 1:
                    yield tuple(path[path.index(step[0]) :]), step[1]
                elif step[0] not in state:
                    pending.append((step[0], self._next(step[0], facts, year)))

    def _next(
        self, node: tuple[str, str], facts: list[tuple[int, Fact]], year: int
    ) -> Iterator[tuple[tuple[str, str], Fact]]:
        person = self.people[node[0]][node[1]]
        for index, fact in facts:
            if fact.entity == node[0]:
                row = person.years.get(year, ()) if fact.yearly else person.facts
                ident = row[index] if row else None
                if isinstance(ident, str) and ident in self.people.get(fact.type.target, {}):
                    yield (fact.type.target, ident), fact


def near_among(ident: str, known: Collection[str]) -> str:
    """Return the nearest of some ids, or nothing: among many it is not looked for."""
    return (nearest(ident, known) or "") if len(known) <= _SEARCHED else ""


def dangling(ident: str, year: int | None, fact: str, target: str, found: str, near: str | None = None) -> Diagnostic:
    """Return what is said of a link to a record that is not there, ``near`` being the nearest id; with None it is there and was left out."""
    arguments = _where(ident, year, fact) | {"entity": target, "found": found}
    return Diagnostic("E741", arguments) if near is None else Diagnostic("E740", arguments | {"near": near})


def _where(ident: str, year: int | None, fact: str) -> dict[str, object]:
    parts = [ident, *([str(year)] if year is not None else []), fact]
    return {"where": " · ".join(parts), "person": ident, "year": year, "fact": fact}
