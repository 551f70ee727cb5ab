"""Records of several kinds: the staged interpreter gives the values of the reference, for random rulesets with 对象 and random populations.

The reference is `tiaoli.world`: the meaning worked out rule by rule, each record asking the others. A record that cannot be computed is a
fault in both, and nothing else is.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from hypothesis import HealthCheck, assume, given
from hypothesis import strategies as st

import tiaoli
from strategies import FIRST, LAST, Ruleset, sampled
from strategies_entities import populations, worlds
from tiaoli.api import Population
from tiaoli.backends.population import Failed
from tiaoli.backends.python_code import external
from tiaoli.meaning import Unknown
from tiaoli.trace import outward
from tiaoli.world import World

examples = partial(sampled, suppressed=(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much))
YEARS = range(FIRST, LAST + 1)


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


def drawn(data: st.DataObject) -> tuple[tiaoli.Rules, list[dict[str, Any]], list[str]]:
    """Random rules, records of their kinds, and what may be asked for."""
    rules = load(data.draw(worlds()))
    records = data.draw(populations(rules.program(LAST), YEARS))
    wanted = names(rules, records)
    assume(wanted)
    return rules, records, wanted


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
    rules, records, wanted = drawn(data)
    population = rules.population(records, YEARS, rules=wanted)
    values, undone = reference(population, wanted)
    assert computed(population) == values
    assert {(fault.entity, fault.person) for fault in population.faults} == undone


@examples(30)
@given(st.data())
def test_order_of_records_changes_no_value(data: st.DataObject) -> None:
    rules, records, wanted = drawn(data)
    shuffled = data.draw(st.permutations(records))
    one, other = (computed(rules.population(listed, YEARS, rules=wanted)) for listed in (records, shuffled))
    assert one == other


@examples(30)
@given(st.data())
def test_states_of_all_kinds_handed_over_change_no_later_value(data: st.DataObject) -> None:
    rules, records, wanted = drawn(data)
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
    rules, records, wanted = drawn(data)
    population = rules.population(records, YEARS, rules=wanted)
    for result in population:
        for name in result.compiled.outputs[:3]:
            if name in result.compiled.computed[LAST]:
                told = result.explain(name, LAST).asked
                assert outward(told.value, told.type.kind) == result[LAST][name]


# ── what cannot be computed ──────────────────────────────────────────────────

BRITTLE = """
文件 甲  地区 CN  施行 2021年度
对象 区域
每年 事实 甲数: 整数 默认 0 范围 0..2
每年 事实 所在: 区域 可空
每年 事实 区域 的 乙数: 整数 默认 0 范围 0..2
事实 区域 的 上级: 区域 可空
规则 商: 比例 初值 0% 舍入 四舍五入 到 0.01 = 1 ÷ 甲数
规则 可商: 比例 可空 舍入 四舍五入 到 0.01
  当 甲数 = 2 得 无
  否则 1 ÷ 甲数
规则 不急: 比例 = 若 甲数 = 0 则 0% 否则 商
规则 记下: 比例 初值 0% = 若 甲数 = 1 则 上年 商 否则 上年 记下
规则 区域 的 商合: 比例 = 合计(参保人, 商)
规则 区域 的 人数: 整数 = 计数(参保人 当 甲数 < 2)
规则 区域 的 有商: 比例 可空 舍入 四舍五入 到 0.0001 = 占比(参保人 当 不急 ≥ 0%, 有 可商)
规则 区域 的 最高: 比例 可空 = 最大(参保人 当 有 可商, 可商)
规则 区域 的 区商: 比例 初值 0% 舍入 四舍五入 到 0.01 = 取小(商合 ÷ 乙数, 900%)
规则 区域 的 上级商: 比例 可空
  当 没有 上级 得 无
  否则 上级 的 区商
规则 区域 的 下级商: 比例 = 合计(区域, 区商)
规则 用区: 比例 可空
  当 没有 所在 得 无
  否则 所在 的 区商
规则 有用: 是否 = 有 用区
规则 去年用: 比例 可空 = 所在 的 上年 区商
规则 有上级: 是否 = 有 所在 的 上级商
规则 区域 的 有用数: 整数 = 计数(参保人 当 有用 且 有 去年用)
"""

NUMBERS = st.sampled_from([0, 1, 1, 2, 2])
REGIONS = ["R0", "R1", "R2"]


@st.composite
def brittle(draw: st.DrawFn) -> list[dict[str, Any]]:
    """People of whom many cannot be computed, in regions of which some cannot either."""
    years = st.lists(st.sampled_from(range(2021, 2024)), unique=True)
    people = [
        {
            "编号": f"P{i}",
            "年度": {y: {"甲数": draw(NUMBERS), "所在": draw(st.sampled_from([None, *REGIONS]))} for y in draw(years)},
        }
        for i in range(draw(st.integers(1, 6)))
    ]
    above = {"R0": None, "R1": draw(st.sampled_from([None, "R0"])), "R2": draw(st.sampled_from([None, "R0", "R1"]))}
    regions = [
        {"对象": "区域", "编号": r, "上级": above[r], "年度": {y: {"乙数": draw(NUMBERS)} for y in draw(years)}}
        for r in REGIONS
    ]
    return [*people, *regions]


FAILED = "failed"


@examples(300)
@given(brittle())
def test_what_cannot_be_computed_is_the_same_by_every_rule(records: list[dict[str, Any]]) -> None:
    rules = _brittle_rules()
    years = range(2021, 2024)
    wanted = names(rules, records)
    population = rules.population(records, years, rules=wanted)
    gathering = population.gathering
    program = gathering.staged.program
    world = World(program, gathering.people, {})
    undone = set()
    for kind, table in gathering.run.tables.items():
        for n, ident in enumerate(table.idents):
            for year in years:
                row = table.rows[year][n]
                for name in table.compiled.outputs:
                    step = world.tracer(kind, ident).step(name, year)
                    assert step is not None
                    value = row[table.compiled.slots[name]]
                    found = FAILED if isinstance(value, Failed) else external(value, step.rule.scale)
                    meant = (
                        FAILED
                        if step.decision is None or isinstance(step.decision.value, Unknown)
                        else step.decision.value
                    )
                    assert found == meant, (kind, ident, year, name)
                    undone |= {(kind, ident)} if meant == FAILED else set()
    assert {(fault.entity, fault.person) for fault in population.faults} == undone


@cache
def _brittle_rules() -> tiaoli.Rules:
    return tiaoli.loads(BRITTLE)
