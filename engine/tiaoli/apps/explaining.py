"""One record out of files of records, ready to be explained: also one that lacks facts, and with the other records that it needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tiaoli.apps.running import Files
from tiaoli.apps.speech import say
from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import TiaoliError, UsageError
from tiaoli.nearness import nearest
from tiaoli.records import Fault, Person
from tiaoli.trace import Tracer


def traced(
    rules: Any,
    files: Files,
    years: range,
    kind: str,
    ident: str,
    rule: str,
    readings: Mapping[str, str],
    openings: Mapping[tuple[str, str], Any] | None,
) -> Tracer:
    """Return the tracer of a record. Raises UsageError where there is none, TiaoliError where it cannot be read."""
    compiled, staged = rules.prepared(files, years, [rule], readings, kind)
    if staged is None:
        found = _found(rules.reader(compiled, partial=True).read_all(files), kind, ident)
        state = rules.opened((openings or {}).get((kind, ident)), compiled.program)
        if found.places:
            stays = rules.run(compiled, found, state).stays
            if (stay := next((s for s in stays if years.start in s), None)) is not None:
                return stay.tracer  # type: ignore[no-any-return]
        return Tracer(compiled.program, found.facts, found.years, compiled.readings, state)
    found = _found(rules.reader_of(staged, partial=True).read_all(files), kind, ident)
    items = rules.reader_of(staged, bool(openings)).read_all(files)
    population = rules.populate(staged, _without_faults_of(items, kind, ident), openings, staged.program.first)
    say(population.warnings)
    if (kind, ident) in population.gathering.failed or ident in population.gathering.people[kind]:
        return population.world.tracer(kind, ident)  # type: ignore[no-any-return]
    return population.world.tracer_of(kind, found)  # type: ignore[no-any-return]


def _found(items: Iterable[Person | Fault], kind: str, ident: str) -> Person:
    seen: list[str] = []
    for found in items:
        if isinstance(found, Fault):
            if found.person in (ident, None) and found.entity in (kind, None):
                raise TiaoliError(found.diagnostics)
        elif (found.entity, found.id) == (kind, ident):
            return found
        elif found.entity == kind:
            seen.append(found.id)
    raise UsageError([Diagnostic("E816", {"person": ident, "near": nearest(ident, seen[:10_000])})])


def _without_faults_of(items: Iterable[Person | Fault], kind: str, ident: str) -> Iterator[Person | Fault]:
    """The record asked for may lack facts; that is no fault here."""
    for item in items:
        if not (isinstance(item, Fault) and (item.entity, item.person) == (kind, ident)):
            yield item
