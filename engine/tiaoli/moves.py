"""A person who moves: each year is computed with the rules of that year's place, and the state goes along.

The years fall into stays, runs of years under the same rules. A stay begins with the state in which the one before it ended, by name:
what the new place remembers under a name that the old one computes as well goes on from there; a rule that the old place does not have,
or that has no value there (无) though it must have one here, begins with its 初值. Library forms (连续年数, 累计, 曾经) that only the new place
uses look back over the person's facts of all years.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tiaoli import model as m
from tiaoli.backends.interpreter import Compiled
from tiaoli.backends.python_code import external, internal
from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import EvaluationError
from tiaoli.outcome import Opening, Result
from tiaoli.record_facts import default_of
from tiaoli.records import Person
from tiaoli.values import INSURED


@dataclass(frozen=True, slots=True)
class Stay:
    """The years ``first``..``last`` under the rules of ``place``."""

    place: str
    first: int
    last: int


def stays(person: Person, years: range, home: str, same: Callable[[str], bool]) -> list[Stay]:
    """Return the stays of a person over ``years``; a year that names no place, or one with the same rules, is spent at ``home``."""
    found: list[Stay] = []
    for year in years:
        named = person.places.get(year, home)
        place = home if same(named) else named
        if found and found[-1].place == place:
            found[-1] = Stay(place, found[-1].first, year)
        else:
            found.append(Stay(place, year, year))
    return found


def taken_along(person: Person, home: m.Program, kept: Compiled, stay: Stay) -> Person:
    """Return the record as the rules of a stay read it. Raises EvaluationError where they need what it cannot hold."""
    if kept.program is home:
        return person
    own, yearly = (_order(person, home, kept, stay, flag) for flag in (False, True))

    def arranged(values: tuple[Any, ...], order: list[tuple[int | None, Any]]) -> tuple[Any, ...]:
        return tuple(default if index is None else values[index] for index, default in order)

    years = {year: arranged(values, yearly) for year, values in person.years.items()}
    return Person(person.id, arranged(person.facts, own), years, {}, person.entity)


def _order(person: Person, home: m.Program, kept: Compiled, stay: Stay, yearly: bool) -> list[tuple[int | None, Any]]:
    """For each fact of the other place where it stands among those of home, or its default."""
    known = {f.name: (i, f) for i, f in enumerate(f for f in home.facts_of(INSURED) if f.yearly is yearly)}
    read = set().union(*kept.needed_facts.values())
    order: list[tuple[int | None, Any]] = []
    for fact in (f for f in kept.program.facts_of(INSURED) if f.yearly is yearly):
        index, own = known.get(fact.name, (None, None))
        fits = own is not None and own.type.present == fact.type.present and own.digits == fact.digits
        if not fits and fact.required and fact.name in read:
            raise _cannot(person, stay, home, f"缺少事实 / missing {fact.name}")
        order.append((index if fits else None, default_of(fact)))
    return order


def handed_over(result: Result, year: int, person: Person, kept: Compiled, past: Callable[[str], Any]) -> Opening:
    """Return the state at the end of ``year`` as the next place's rules need it; ``past`` works out a library form of theirs."""
    values: dict[str, Any] = {}
    before, row = result.compiled, result.rows[year]
    for name in kept.memory:
        rule = kept.program.rules[name][0]
        computed, value = name in before.computed.get(year, ()), None
        if computed:
            old = before.program.rules[name][0]
            if old.type.present != rule.type.present:
                stay = Stay(kept.program.place, year + 1, year + 1)
                raise _cannot(person, stay, before.program, f"{name}: {old.type} ≠ {rule.type}")
            value = rescaled(row[before.slots[name]], old.scale, rule.scale)
        if value is None and not (computed and rule.type.nullable):
            value = past(name) if rule.hidden else internal(rule.initial, rule.scale)
        values[name] = value
    yearly = [f.name for f in kept.program.facts_of(INSURED) if f.yearly]
    facts = dict(zip(yearly, person.years.get(year, kept.default_year), strict=True))
    values |= {name: facts[name] for name in kept.memory_facts}
    return year, values


def rescaled(value: Any, scale: int, wanted: int) -> Any:
    """Return a held value at another scale."""
    return value if scale == wanted or value is None else internal(external(value, scale), wanted)


def at_home(compiled: Compiled, results: Mapping[int, Result]) -> dict[int, tuple[Any, ...]]:
    """Return the values of the years asked in the order of ``compiled``; what a year's place does not compute is None."""
    rows: dict[int, tuple[Any, ...]] = {}
    for year in compiled.asked:
        result = results[year]
        kept, row = result.compiled, result.rows[year]
        computed = kept.computed.get(year, frozenset())
        rows[year] = tuple(
            _value(compiled, kept, row, name) if name in computed else None for name in compiled.names
        )  # fmt: skip
    return rows


def _value(home: Compiled, kept: Compiled, row: tuple[Any, ...], name: str) -> Any:
    if name not in kept.program.rules or name not in home.program.rules:
        return row[kept.slots[name]]
    there, here = kept.program.rules[name][0], home.program.rules[name][0]
    if there.type.present != here.type.present:
        return None
    return rescaled(row[kept.slots[name]], there.scale, here.scale)


def _cannot(person: Person, stay: Stay, home: m.Program, reason: str) -> EvaluationError:
    arguments = {"person": person.id, "year": stay.first, "place": stay.place, "own": home.place, "reason": reason}
    return EvaluationError([Diagnostic("E806", arguments)])
