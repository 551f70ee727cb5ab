"""Records of several kinds: the staged interpreter gives the values of the reference, for random rulesets with 对象 and random populations.

The reference is `tiaoli.world`: the meaning worked out rule by rule, each record asking the others. A record that cannot be computed is a
fault in both, and nothing else is.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import tiaoli
from strategies import FIRST, LAST, Ruleset
from strategies_entities import populations, worlds
from tiaoli.api import Population
from tiaoli.trace import outward
from tiaoli.world import World

MORE = int(os.environ.get("TIAOLI_EXAMPLES", "1"))
YEARS = range(FIRST, LAST + 1)


def examples(count: int) -> settings:
    health = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    return settings(max_examples=max(5, count * MORE // 3), deadline=None, suppress_health_check=health)


def load(ruleset: Ruleset) -> tiaoli.Rules:
    """Return the rules; passes over rulesets with values that could leave 64 bits."""
    try:
        rules = tiaoli.loads(*ruleset.texts, place=ruleset.place)
        rules.program(LAST)
    except tiaoli.RulesetError as error:
        assert {d.code for d in error.diagnostics} <= {"E307", "E337"}, error
        assume(False)
    return rules


def names(rules: tiaoli.Rules, records: list[dict[str, Any]]) -> list[str]:
    """The rules of the kinds of which there are records."""
    kinds = {record.get("对象", "参保人") for record in records}
    every = rules.program(LAST).rules
    return [name for name, texts in every.items() if not texts[0].hidden and texts[0].entity in kinds]


def computed(population: Population) -> dict[tuple[str, str], dict[int, dict[str, Any]]]:
    return {(r.person.entity, r.person.id): {year: dict(r[year]) for year in r} for r in population}


def reference(
    population: Population, wanted: list[str], years: range = YEARS
) -> tuple[dict[tuple[str, str], dict[int, dict[str, Any]]], set[tuple[str, str]]]:
    """The values of every record by their meaning, and the records that have no result."""
    gathering = population.gathering
    program = gathering.staged.program
    world = World(program, gathering.people, gathering.staged.readings)
    values: dict[tuple[str, str], dict[int, dict[str, Any]]] = {}
    undone: set[tuple[str, str]] = set()
    for kind, people in gathering.people.items():
        own = [name for name in wanted if program.rules[name][0].entity == kind]
        for ident in people:
            table: dict[int, dict[str, Any]] = {}
            for year in years:
                table[year] = row = {}
                for name in own:
                    step = world.tracer(kind, ident).step(name, year)
                    if step is not None and step.decision is None:
                        undone.add((kind, ident))
                        continue
                    row[name] = None if step is None else outward(step.decision.value, step.rule.type.kind)
            values[kind, ident] = table
    return {key: table for key, table in values.items() if key not in undone}, undone


@examples(60)
@given(st.data())
def test_staged_interpreter_equals_reference(data: st.DataObject) -> None:
    rules = load(data.draw(worlds()))
    records = data.draw(populations(rules.program(LAST), YEARS))
    wanted = names(rules, records)
    assume(wanted)
    population = rules.population(records, YEARS, rules=wanted)
    values, undone = reference(population, wanted)
    assert computed(population) == values
    assert {(fault.entity, fault.person) for fault in population.faults} == undone


@examples(30)
@given(st.data())
def test_order_of_records_changes_no_value(data: st.DataObject) -> None:
    rules = load(data.draw(worlds()))
    records = data.draw(populations(rules.program(LAST), YEARS))
    wanted = names(rules, records)
    assume(wanted)
    shuffled = data.draw(st.permutations(records))
    one, other = (computed(rules.population(listed, YEARS, rules=wanted)) for listed in (records, shuffled))
    assert one == other


@examples(30)
@given(st.data())
def test_states_of_all_kinds_handed_over_change_no_later_value(data: st.DataObject) -> None:
    rules = load(data.draw(worlds()))
    records = data.draw(populations(rules.program(LAST), YEARS))
    wanted = names(rules, records)
    assume(wanted)
    whole = rules.population(records, YEARS, rules=wanted)
    assume(not whole.faults)
    openings = None
    for year in YEARS:
        own = [r | {"年度": {y: facts for y, facts in r.get("年度", {}).items() if y == year}} for r in records]
        live = {rule.name for rule in rules.program(LAST).segment(year).rules}
        few = [name for name in wanted if name in live]
        if not few:
            return
        part = rules.population(own, year, rules=few, openings=openings)
        assert not part.diagnostics or {d.code for d in part.diagnostics} <= {"W807"}
        for result in part:
            full = whole.result(result.person.id, result.person.entity)
            assert dict(result[year]) == {name: full[year][name] for name in result.compiled.outputs}
        openings = {(r.person.entity, r.person.id): r.closing() for r in part}


@examples(30)
@given(st.data())
def test_explanations_tell_the_value_that_was_computed(data: st.DataObject) -> None:
    rules = load(data.draw(worlds()))
    records = data.draw(populations(rules.program(LAST), YEARS))
    wanted = names(rules, records)
    assume(wanted)
    population = rules.population(records, YEARS, rules=wanted)
    for result in population:
        for name in result.compiled.outputs[:3]:
            if name in result.compiled.computed[LAST]:
                told = result.explain(name, LAST).asked
                assert outward(told.value, told.type.kind) == result[LAST][name]
