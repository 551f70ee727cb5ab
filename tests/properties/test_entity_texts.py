"""Random rulesets with several kinds of record: they check clean, and neither their layout nor their language changes what they mean."""

from __future__ import annotations

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import tiaoli
from strategies import LAST, Ruleset
from strategies_entities import worlds
from tiaoli import model as m
from tiaoli.comparison import compare
from tiaoli.diagnostic import errors
from tiaoli.format import format_text
from tiaoli.inventory import Inventory, inventory
from tiaoli.pipeline import check_library, read_library
from tiaoli.source import Source

TOO_LARGE = {"E307", "E337"}


def examples(count: int) -> settings:
    return settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck))


def in_force(*texts: str) -> Inventory:
    try:
        return inventory(tiaoli.loads(*texts, place="CN").program(LAST), LAST)
    except tiaoli.RulesetError as error:
        assert {d.code for d in error.diagnostics} <= TOO_LARGE, error
        assume(False)
        raise


@examples(40)
@given(worlds())
def test_worlds_check_clean(world: Ruleset) -> None:
    found = check_library(read_library(Source("1.tiaoli", text) for text in world.texts))
    assert {d.code for d in errors(found)} <= TOO_LARGE


@examples(20)
@given(worlds(), st.sampled_from([None, "zh", "en"]))
def test_layout_and_language_do_not_change_the_meaning(world: Ruleset, language: str | None) -> None:
    (text,) = world.texts
    written = format_text(Source("1.tiaoli", text), language)  # type: ignore[arg-type]
    assert format_text(Source("1.tiaoli", written), language) == written  # type: ignore[arg-type]
    assert compare(in_force(text), in_force(written)).same_meaning


@examples(30)
@given(worlds())
def test_each_name_is_read_where_it_belongs(world: Ruleset) -> None:
    """Plain names in a rule are those of its own kind of record; a link leads to the kind of record whose value is taken."""
    program = in_force(*world.texts).program
    owners = {f.name: f.entity for f in program.facts.values()} | {n: t[0].entity for n, t in program.rules.items()}
    for texts in program.rules.values():
        for rule in texts:
            for expression in m.expressions(rule.body):
                for node, entity in _nodes(expression, rule.entity):
                    if isinstance(node, m.FactRef | m.RuleRef):
                        assert node.entity == entity == owners[node.name]
                    if isinstance(node, m.Through):
                        assert node.link.type.target == node.entity
                    if isinstance(node, m.Aggregate):
                        link = program.facts[node.link]
                        assert (link.entity, link.type.target, node.entity) == (node.members, entity, entity)


def _nodes(expression: m.Expression, entity: str) -> list[tuple[m.Expression, str]]:
    """Every node with the kind of record it speaks of."""
    found = [(expression, entity)]
    for below in m.own_operands(expression):
        found += _nodes(below, entity)
    match expression:
        case m.Through(value=value):
            found += _nodes(value, value.entity)
        case m.Aggregate(members=members):
            for below in m.operands(expression):
                found += _nodes(below, members)
    return found
