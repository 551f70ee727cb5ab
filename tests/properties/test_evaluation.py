"""What evaluation promises, on random rulesets and records: all ways of asking give the values of the reference.

The reference is `tiaoli.trace` (the meaning worked out step by step). Where it finds that a value cannot be computed (division by zero, exceptions in conflict,
a date beyond the calendar), evaluation must refuse as well, and only there. TIAOLI_EXAMPLES multiplies the number of examples.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import strategies as st

import tiaoli
from population import record
from strategies import FIRST, LAST, Ruleset, records, rulesets, sampled
from tiaoli import model as m
from tiaoli.api import Result
from tiaoli.trace import Tracer, outward
from tiaoli.values import INSURED

examples = partial(
    sampled,
    suppressed=(
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
        HealthCheck.large_base_example,
    ),
)
YEARS = range(FIRST, LAST + 1)
UNDONE = "cannot be computed"


def load(ruleset: Ruleset) -> tiaoli.Rules:
    """Return the rules; passes over rulesets with errors (values that could leave 64 bits)."""
    try:
        rules = tiaoli.loads(*ruleset.texts, place=ruleset.place)
        rules.program(LAST)
    except tiaoli.RulesetError as error:
        assert {d.code for d in error.diagnostics} <= {"E307"}, error
        assume(False)
    return rules


def names(rules: tiaoli.Rules) -> list[str]:
    return [name for name, texts in rules.program(LAST).rules.items() if not texts[0].hidden]


def in_force(rules: tiaoli.Rules, wanted: list[str], years: range) -> list[str]:
    """Return those of ``wanted`` that are in force in one of ``years``; the others may not be asked for."""
    live = {rule.name for year in years for rule in rules.program(LAST).segment(year).rules}
    return [name for name in wanted if name in live]


def values(rules: tiaoli.Rules, record: dict[str, Any], years: range, wanted: list[str], **more: Any) -> Any:
    """Return {year: {rule: value}}, or UNDONE."""
    try:
        return plain(rules.evaluate(record, years, rules=wanted, **more))
    except tiaoli.EvaluationError:
        return UNDONE


def plain(result: Result) -> dict[int, dict[str, Any]]:
    return {year: dict(result[year]) for year in result}


def reference(rules: tiaoli.Rules, record: dict[str, Any], years: range, wanted: list[str]) -> Any:
    """Return what `values` must be, from the reference."""
    compiled = rules.compiled(years, wanted)
    person = rules.reader(compiled).convert(record)
    tracer = Tracer(compiled.program, person.facts, person.years, compiled.readings)
    table: dict[int, dict[str, Any]] = {}
    for year in years:
        table[year] = row = {}
        for name in wanted:
            step = tracer.step(name, year)
            if step is not None and step.trouble is not None:
                return UNDONE
            row[name] = (
                None if step is None or step.decision is None else outward(step.decision.value, step.rule.type.kind)
            )
    return table


@examples(120)
@given(st.data())
def test_interpreter_equals_reference(data: st.DataObject) -> None:
    rules = load(data.draw(rulesets()))
    record = data.draw(records(rules.program(LAST), YEARS))
    assert values(rules, record, YEARS, names(rules)) == reference(rules, record, YEARS, names(rules))


@examples(40)
@given(st.data())
def test_order_of_declarations_changes_no_value(data: st.DataObject) -> None:
    ruleset = data.draw(rulesets())
    rules = load(ruleset)
    record = data.draw(records(rules.program(LAST), YEARS))
    shuffled = replace(
        ruleset, declarations=tuple(tuple(data.draw(st.permutations(part))) for part in ruleset.declarations)
    )
    wanted = names(rules)
    assert values(load(shuffled), record, YEARS, wanted) == values(rules, record, YEARS, wanted)


@examples(40)
@given(st.data())
def test_state_handed_over_at_any_year_changes_no_later_value(data: st.DataObject) -> None:
    rules = load(data.draw(rulesets()))
    record = data.draw(records(rules.program(LAST), YEARS))
    wanted = names(rules)
    whole = values(rules, record, YEARS, wanted)
    assume(whole != UNDONE)
    opening = None
    for year in YEARS:
        own = record | {"年度": {y: facts for y, facts in record["年度"].items() if y == year}}
        live = in_force(rules, wanted, range(year, year + 1))
        result = rules.evaluate(own, year, rules=live, opening=opening)
        assert plain(result) == {year: {name: whole[year][name] for name in live}}
        opening = result.closing()


def test_a_state_holds_what_only_later_years_read() -> None:
    text = """
    文件 甲  地区 CN  施行 2021年度
    每年 事实 参保: 是否
    结果 规则 乙: 是否 初值 否 = 参保
    结果 规则 丙: 年数 = 连续年数(上年 乙, 自 2024年度)
    """
    rules = tiaoli.loads(text)
    record = {"编号": "1", "年度": {year: {"参保": True} for year in YEARS}}
    opening = None
    for year in YEARS:
        result = rules.evaluate(record, year, opening=opening)
        assert result[year]["丙"] == max(0, year - 2023)
        opening = result.closing()


@examples(40)
@given(st.data())
def test_what_else_is_asked_changes_no_value(data: st.DataObject) -> None:
    rules = load(data.draw(rulesets()))
    record = data.draw(records(rules.program(LAST), YEARS))
    wanted = names(rules)
    whole = values(rules, record, YEARS, wanted)
    assume(whole != UNDONE)
    first = data.draw(st.integers(FIRST, LAST))
    last = data.draw(st.integers(first, LAST))
    live = in_force(rules, wanted, range(first, last + 1))
    few = data.draw(st.lists(st.sampled_from(live), min_size=1, max_size=3, unique=True))
    found = values(rules, record, range(first, last + 1), few)
    assert found == {year: {name: whole[year][name] for name in few} for year in range(first, last + 1)}


@examples(25)
@given(st.data())
def test_order_of_years_in_a_record_changes_no_value(data: st.DataObject) -> None:
    rules = load(data.draw(rulesets()))
    record = data.draw(records(rules.program(LAST), YEARS))
    wanted = names(rules)
    order = data.draw(st.permutations(list(YEARS)))
    spelt = {data.draw(st.sampled_from((year, str(year), f"{year}年度"))): record["年度"][year] for year in order}
    shuffled = dict(reversed([("年度", spelt), *((k, v) for k, v in record.items() if k != "年度")]))
    assert values(rules, shuffled, YEARS, wanted) == values(rules, record, YEARS, wanted)


@examples(60)
@given(st.data())
def test_values_lie_in_the_ranges_of_the_model(data: st.DataObject) -> None:
    rules = load(data.draw(rulesets()))
    program = rules.program(LAST)
    record = data.draw(records(program, YEARS))
    compiled = rules.compiled(YEARS, names(rules))
    person = rules.reader(compiled).convert(record)
    tracer = Tracer(program, person.facts, person.years, compiled.readings)
    for segment in program.segments:
        for rule in segment.rules:
            for year in range(segment.first, segment.last + 1):
                step = tracer.step(rule.name, year)
                if step is None or step.decision is None:
                    continue
                assert inside(step.decision.value, rule.range), (rule.name, year)
                for node, value in step.nodes.values():
                    assert inside(value, node.range), (node.span.text, year)


def inside(value: object, bounds: tuple[Fraction | int | None, Fraction | int | None]) -> bool:
    if isinstance(value, date):
        value = value.toordinal()
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        return True
    low, high = bounds
    return (low is None or value >= low) and (high is None or value <= high)


@examples(40)
@given(st.data())
def test_missing_is_never_a_value(data: st.DataObject) -> None:
    """With facts left out, a record is refused or everything asked can be told from what is left."""
    rules = load(data.draw(rulesets()))
    record = data.draw(records(rules.program(LAST), YEARS))
    wanted = names(rules)
    for row in (record, *record["年度"].values()):
        for name in [key for key in row if key not in ("编号", "年度")]:
            if data.draw(st.integers(0, 9)) == 0:
                del row[name]
    if data.draw(st.booleans()):
        del record["年度"][data.draw(st.sampled_from(YEARS))]
    try:
        found = values(rules, record, YEARS, wanted)
    except tiaoli.RecordError:
        return
    assert found == reference(rules, record, YEARS, wanted)


def test_a_required_fact_of_the_year_before_the_first_is_not_taken_as_absent() -> None:
    text = """
    文件 甲  地区 CN  施行 2021年度
    每年 事实 参保: 是否
    结果 规则 乙: 整数 = 若 上年 参保 则 1 否则 2
    """
    with pytest.raises(tiaoli.TiaoliError):
        tiaoli.loads(text).evaluate({"编号": "1", "年度": {2021: {"参保": True}}}, 2021)


def test_decimals_of_a_parameter_may_differ_by_year() -> None:
    text = """
    文件 甲  地区 CN  施行 2021年度
    每年 事实 费用: 金额
    参数 比例
      2021年度 = 33.33%
      2022年度 = 50%
    结果 规则 报销: 金额 = 费用 × 比例
    """
    record = {"编号": "1", "年度": {2021: {"费用": 100}, 2022: {"费用": 100}}}
    found = tiaoli.loads(text).evaluate(record, range(2021, 2023))
    assert [found[year]["报销"] for year in found] == [Decimal("33.33"), Decimal("50")]


# ── the built-in rulesets ────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def jiangxi() -> tiaoli.Rules:
    return tiaoli.load("CN-JX")


BUILT_IN_YEARS = range(2022, 2032)


def alone(program: m.Program, years: range) -> list[str]:
    """The rules of persons, in force in all years, that reach no other record."""
    nodes = {n: [x for t in ts for e in m.expressions(t.body) for x in m.walk(e)] for n, ts in program.rules.items()}
    reaching = {n for n, found in nodes.items() if any(isinstance(x, m.Through | m.Aggregate) for x in found)}
    while (
        more := {n for n, found in nodes.items() if any(isinstance(x, m.RuleRef) and x.name in reaching for x in found)}
        - reaching
    ):
        reaching |= more
    standing = set.intersection(*({r.name for r in program.segment(y).rules} for y in years))
    plain_rules = {n for n, ts in program.rules.items() if ts[0].entity == INSURED and not ts[0].hidden}
    return sorted(plain_rules & standing - reaching)


@pytest.mark.parametrize("place", ["CN-JX", "CN-FJ", "CN-YN", "CN-HB-咸宁", "CN-SN-西安", "CN-LN-阜新", "CN-CQ"])
def test_interpreter_equals_reference_on_built_in_rules(place: str) -> None:
    rules = tiaoli.load(place)
    program = rules.program(BUILT_IN_YEARS.stop)
    asked = range(2025, BUILT_IN_YEARS.stop)
    wanted = alone(program, asked)
    done = 0
    for person in range(5000, 5025):
        made = record(program, person)
        found = values(rules, made, asked, wanted)
        assert found == reference(rules, made, asked, wanted), made
        done += found is not UNDONE
    assert done > 20


def test_state_handed_over_changes_no_later_value_of_built_in_rules(jiangxi: tiaoli.Rules) -> None:
    program = jiangxi.program(BUILT_IN_YEARS.stop)
    asked = range(2025, BUILT_IN_YEARS.stop)
    for person in range(6000, 6040):
        made = record(program, person)
        whole = plain(jiangxi.evaluate(made, asked))
        cut = 2025 + person % (len(asked) - 1)
        before = jiangxi.evaluate(made, range(2025, cut + 1))
        later = made | {"年度": {y: facts for y, facts in made["年度"].items() if y > cut}}
        after = jiangxi.evaluate(later, range(cut + 1, asked.stop), opening=before.closing())
        assert plain(before) | plain(after) == whole
