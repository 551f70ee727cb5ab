"""对象 in texts: what the checker makes of kinds of record, links and figures over members, and what show and diff say of them."""

from __future__ import annotations

import pytest

import tiaoli
from tiaoli import inventory_json, inventory_text
from tiaoli import model as m
from tiaoli.comparison import compare
from tiaoli.comparison_text import as_text
from tiaoli.diagnostic import errors
from tiaoli.inventory import Inventory, inventory
from tiaoli.operators import AGGREGATES, MOST_MEMBERS
from tiaoli.pipeline import check_library, read_library
from tiaoli.source import Source
from tiaoli.values import INSURED, Kind, Type

HEAD = "文件 《试行》  地区 CN-XX  施行 2025年度\n"
COMMON = """
对象 统筹地区  说明 "同一基金"
对象 省
每年 事实 参保: 是否 默认 否
每年 事实 费用: 金额 默认 0元 范围 0元..1000万元
每年 事实 所在统筹地区: 统筹地区 可空
事实 统筹地区 的 所属省: 省
每年 事实 统筹地区 的 人均收入: 金额 默认 0元
"""


def program(*texts: str) -> m.Program:
    return tiaoli.loads(*(HEAD + COMMON + text for text in texts)).program(2026)


def rule(text: str, name: str) -> m.Rule:
    return program(text).rules[name][0]


def value(found: m.Rule) -> m.Expression:
    assert isinstance(found.body, m.Cases)
    return found.body.clauses[-1].value


def shown(text: str) -> Inventory:
    return inventory(program(text), 2025)


def codes(text: str) -> list[str]:
    found = check_library(read_library([Source("1.tiaoli", HEAD + COMMON + text)]))
    return [d.code for d in errors(found)]


# ── the model ────────────────────────────────────────────────────────────────


def test_facts_and_rules_belong_to_kinds_of_record() -> None:
    found = program("规则 统筹地区 的 线: 金额 = 人均收入\n规则 参保人 的 甲: 金额 = 费用\n规则 乙: 金额 = 费用\n")
    assert list(found.entities) == ["统筹地区", "省"]
    assert found.entities["统筹地区"].note == "同一基金"
    assert {name: fact.entity for name, fact in found.facts.items()} == {
        "参保": INSURED, "费用": INSURED, "所在统筹地区": INSURED, "所属省": "统筹地区", "人均收入": "统筹地区",
    }  # fmt: skip
    assert found.facts["所在统筹地区"].type == Type(Kind.LINK, ("统筹地区",), True)
    assert [found.rules[n][0].entity for n in ("线", "甲", "乙")] == ["统筹地区", INSURED, INSURED]


def test_a_path_of_links() -> None:
    node = value(rule("事实 省 的 线: 金额\n规则 甲: 金额 可空 = 所在统筹地区 的 所属省 的 线\n", "甲"))
    assert isinstance(node, m.Through) and isinstance(node.link, m.Through)
    assert (node.entity, node.value.name, node.type.nullable) == ("省", "线", True)
    assert (node.link.entity, node.link.value.name) == ("统筹地区", "所属省")
    assert isinstance(node.link.link, m.FactRef) and node.link.link.entity == INSURED


def test_previous_stands_before_the_link_or_before_the_value() -> None:
    there = value(rule("规则 甲: 金额 可空 = 所在统筹地区 的 上年 人均收入\n", "甲"))
    then = value(rule("规则 甲: 金额 可空 = 上年 所在统筹地区 的 人均收入\n", "甲"))
    assert (
        isinstance(there, m.Through)
        and isinstance(there.link, m.FactRef)
        and (there.link.lag, there.value.lag) == (0, 1)
    )
    assert (
        isinstance(then, m.Through) and isinstance(then.link, m.FactRef) and (then.link.lag, then.value.lag) == (1, 0)
    )


@pytest.mark.parametrize(
    "condition",
    [
        "有 所在统筹地区",
        "有 所在统筹地区 的 人均收入",
        "非 (没有 所在统筹地区)",
        "参保 且 有 所在统筹地区 且 费用 > 0元",
    ],
)
def test_what_is_asked_for_is_there(condition: str) -> None:
    text = f"规则 甲: 金额\n  当 {condition} 得 所在统筹地区 的 人均收入\n  否则 0元\n"
    assert codes(text) == []


@pytest.mark.parametrize(
    "condition", ["没有 所在统筹地区", "没有 所在统筹地区 的 人均收入", "没有 所在统筹地区 或 非 参保"]
)
def test_after_a_clause_for_what_is_absent_it_is_there(condition: str) -> None:
    text = f"规则 甲: 金额\n  当 {condition} 得 0元\n  否则 所在统筹地区 的 人均收入\n规则 乙: 是否\n  当 {condition} 得 否\n  否则 所在统筹地区 = 所在统筹地区\n"
    assert codes(text) == []


@pytest.mark.parametrize("condition", ["参保", "有 上年 所在统筹地区", "没有 所在统筹地区"])
def test_what_is_not_asked_for_may_be_absent(condition: str) -> None:
    assert codes(f"规则 甲: 金额\n  当 {condition} 得 所在统筹地区 的 人均收入\n  否则 0元\n") == ["E315"]


def test_the_name_of_the_own_kind_is_the_record_itself() -> None:
    own = rule("规则 统筹地区 的 线: 金额 = 统筹地区 的 人均收入\n", "线")
    assert isinstance(value(own), m.FactRef)
    text = "每年 事实 统筹地区 的 人口: 整数 可空\n规则 统筹地区 的 线: 整数\n  当 有 {} 得 {}\n  否则 0\n"
    for asked in ("人口", "统筹地区 的 人口"):
        for used in ("人口", "统筹地区 的 人口"):
            assert codes(text.format(asked, used)) == []


@pytest.mark.parametrize("form", sorted(AGGREGATES))
def test_figures_over_members(form: str) -> None:
    row = AGGREGATES[form]
    measure = {"计数": "", "占比": ", 参保"}.get(form, ", 费用")
    kind = "整数" if form == "计数" else "比例" if form == "占比" else "金额"
    null = " 可空" if row.absent else ""
    rounding = " 舍入 四舍五入 到 " + {"占比": "0.01%", "平均": "分"}[form] if row.ratio else ""
    for name in (form, row.en):
        found = rule(f"规则 统筹地区 的 甲: {kind}{null}{rounding} = {name}(参保人 当 参保{measure})\n", "甲")
        node = value(found)
        assert isinstance(node, m.Aggregate)
        assert (node.form, node.entity, node.members, node.link) == (form, "统筹地区", INSURED, "所在统筹地区")
        assert node.type.nullable is row.absent and (node.scale is None) is row.ratio


def test_figures_that_may_be_absent_need_an_optional_rule() -> None:
    assert codes("规则 统筹地区 的 甲: 金额 = 最大(参保人, 费用)\n") == ["E336"]
    assert codes("规则 统筹地区 的 甲: 比例 可空 = 占比(参保人, 参保)\n") == ["E306"]


def test_memory_of_two_kinds_of_record_is_kept_apart() -> None:
    found = program("规则 甲: 整数 = 累计(1)\n规则 统筹地区 的 乙: 整数 = 累计(1)\n")
    hidden = {name: texts[0].entity for name, texts in found.rules.items() if texts[0].hidden}
    assert hidden == {"累计(1)": INSURED, "统筹地区 的 累计(1)": "统筹地区"}


def test_memory_of_members_belongs_to_them() -> None:
    found = program("规则 统筹地区 的 乙: 整数 = 计数(参保人 当 连续年数(参保) > 1年)\n")
    assert {name: texts[0].entity for name, texts in found.rules.items()} == {
        "连续年数(参保)": INSURED,
        "乙": "统筹地区",
    }


def test_rules_of_all_kinds_stand_in_one_order() -> None:
    found = program(
        "规则 甲: 金额 可空 = 所在统筹地区 的 乙\n规则 统筹地区 的 乙: 金额 = 合计(参保人, 丙)\n规则 丙: 金额 = 费用 × 50%\n"
    )
    assert [r.name for r in found.segment(2025).rules] == ["丙", "乙", "甲"]


def test_a_link_that_is_only_counted_by_is_required() -> None:
    text = "对象 村\n事实 所在村: 村\n"
    assert not program(text).facts["所在村"].required
    assert program(text + "规则 村 的 人口: 整数 = 计数(参保人)\n").facts["所在村"].required


def test_a_mandate_is_about_the_kind_of_record_it_names() -> None:
    text = "规则 统筹地区 的 人数: 整数 = 计数(参保人 当 参保)\n要求 统筹地区 的 人数 ≥ 1\n要求 费用 ≥ 0元\n"
    assert [g.entity for g in program(text).segment(2025).mandates] == ["统筹地区", INSURED]


def test_a_rule_of_another_record_that_is_not_in_force_gives_its_initial_value_to_memory() -> None:
    text = "规则 统筹地区 的 乙: 整数 初值 0 自 2026年度 = 1\n规则 甲: 年数 = 连续年数(有 所在统筹地区 的 乙 且 所在统筹地区 的 乙 = 0)\n"
    assert codes(text) == []


# ── how far values reach ─────────────────────────────────────────────────────


def test_a_total_of_totals_counts_each_member_once() -> None:
    found = program(
        "规则 统筹地区 的 甲: 金额 = 合计(参保人, 费用)\n规则 省 的 乙: 金额 = 合计(统筹地区 当 甲 > 0元, 甲)\n"
    )
    assert {found.rules[n][0].range for n in ("甲", "乙")} == {(0, MOST_MEMBERS * 10**9)}


def test_a_count_of_members_reaches_their_number() -> None:
    assert rule("规则 统筹地区 的 甲: 整数 = 计数(参保人)\n", "甲").range == (0, MOST_MEMBERS)


def test_a_share_is_between_nothing_and_all() -> None:
    text = "规则 统筹地区 的 甲: 比例 可空 舍入 四舍五入 到 1% = 占比(参保人, 参保)\n"
    assert rule(text, "甲").range == (0, 1)


def test_the_greatest_and_the_mean_reach_as_far_as_members() -> None:
    text = "规则 统筹地区 的 甲: 金额 可空 = 最大(参保人, 费用)\n规则 统筹地区 的 乙: 金额 可空 舍入 向下 到 元 = 平均(参保人, 费用)\n"
    assert {program(text).rules[n][0].range for n in ("甲", "乙")} == {(0, 10**9)}


# ── show and diff ────────────────────────────────────────────────────────────


def test_show_names_the_owner() -> None:
    text = inventory_text.as_text(shown("规则 统筹地区 的 线: 金额 = 人均收入\n规则 甲: 金额 = 费用\n"))
    assert "对象 (2)" in text
    assert "每年 统筹地区 的 人均收入: 金额" in text
    assert "规则 统筹地区 的 线: 金额" in text and "规则 甲: 金额" in text
    english = inventory_text.as_text(shown("规则 统筹地区 的 线: 金额 = 人均收入\n"), "en")
    assert "rule 统筹地区.线: money" in english


def test_show_one_kind_of_record() -> None:
    found = shown("规则 统筹地区 的 线: 金额 = 人均收入\n")
    assert inventory_text.as_text(found, name="统筹地区").splitlines()[2:] == [
        "统筹地区",
        "  说明: 同一基金",
        "  事实：所属省、人均收入",
        "  规则：线",
        "  指向它的链接：所在统筹地区",
    ]
    assert [item["名称"] for item in inventory_json.as_json(found)["对象"]] == ["统筹地区", "省"]


def test_diff_sees_another_link_another_condition_and_another_owner() -> None:
    left = shown(
        "事实 参保地: 统筹地区 可空\n规则 统筹地区 的 甲: 整数 = 计数(参保人 按 所在统筹地区)\n规则 乙: 整数 = 1\n"
    )
    right = shown(
        "事实 参保地: 统筹地区 可空\n规则 统筹地区 的 甲: 整数 = 计数(参保人 按 参保地 当 参保)\n规则 省 的 乙: 整数 = 1\n"
    )
    text = as_text(compare(left, right))
    assert "由 计数(参保人 按 所在统筹地区) 改为 计数(参保人 按 参保地 当 参保)" in text
    assert "对象 由 参保人 改为 省" in text


def test_the_same_figure_written_in_another_way_is_no_difference() -> None:
    left = shown(
        "规则 统筹地区 的 甲: 整数 = 计数(参保人 当 费用 > 3000元)\n规则 乙: 金额 可空 = 所在统筹地区 的 人均收入\n"
    )
    right = shown(
        "规则 统筹地区.甲: 整数 = count(insured by 所在统筹地区 when 0.3万元 < 费用)\n规则 乙: 金额 可空 = 所在统筹地区.人均收入\n"
    )
    assert compare(left, right).same
