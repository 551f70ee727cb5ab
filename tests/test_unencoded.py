"""Figures that a place lacks: rules that need one are left out there with all that rests on them; 可空 parameters are asked for."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiaoli.api import Rules, UsageError
from tiaoli.pipeline import check_library, read_library
from tiaoli.source import Source

NATION = """
文件 《国家》 地区 CN 施行 2025年度
条文 一 编码 参保, 每年奖励, 类别, 按类奖励, 奖励, 累计奖励, 双倍, 另一项, 上年奖励, 已奖年数, 上限, 封顶奖励
每年 事实 参保: 是否 默认 否 依据 一
每年 事实 类别: 甲类 | 乙类 默认 甲类 依据 一
参数 每年奖励: 金额 依据 一
参数 按类奖励: 金额 可空 按 类别 依据 一
参数 上限: 金额 按 地区
  行 CN-AA = 250元 依据 一
结果 规则 奖励: 金额 初值 0元 = 若 参保 则 每年奖励 否则 0元 依据 一
结果 规则 累计奖励: 金额 = 累计(奖励) 依据 一
结果 规则 双倍: 金额 = 奖励 × 2 依据 一
结果 规则 上年奖励: 金额 = 上年 奖励 依据 一
结果 规则 封顶奖励: 金额 = 取小(上限, 累计奖励) 依据 一
结果 规则 已奖年数: 整数 初值 0 = 上年 已奖年数 + (若 有 按类奖励 则 1 否则 0) 依据 一
结果 规则 另一项: 整数 = 7 依据 一
要求 每年奖励 ≥ 10元 依据 一
条文 二 编码 要求
要求 双倍 ≤ 1000元 依据 二
""".replace("上限, 封顶奖励\n", "上限, 封顶奖励, 要求\n")
PROVINCE = """
文件 《甲省》 地区 CN-AA 施行 2025年度
条文 一 编码 每年奖励, 按类奖励
修改 参数 每年奖励: 金额
  2026年度 = 100元 依据 一
修改 参数 按类奖励: 金额 可空 按 类别
  行 乙类 = 5元 依据 一
"""
OTHER = """
文件 《乙省》 地区 CN-BB 施行 2025年度
条文 一 编码 按类奖励
修改 参数 按类奖励: 金额 可空 按 类别
  行 甲类 = 5元 依据 一
"""
YEARS = range(2025, 2028)


def rules(place: str, *more: str) -> Rules:
    library = read_library(Source(f"{i}.tiaoli", text) for i, text in enumerate((NATION, PROVINCE, OTHER, *more)))
    return Rules(library, place)


def person(**facts: object) -> dict[str, object]:
    return {"编号": "1", "年度": {year: {"参保": True, **facts} for year in YEARS}}


def test_rules_without_a_figure_are_left_out_with_all_that_rests_on_them() -> None:
    other = rules("CN-BB")
    assert other.diagnostics == ()
    assert set(other.evaluate(person(), 2026)[2026]) == {"已奖年数", "另一项"}
    assert other.program(2026).unencoded == {
        "奖励": ("每年奖励",),
        "累计奖励": ("每年奖励",),
        "双倍": ("每年奖励",),
        "上年奖励": ("每年奖励",),
        "封顶奖励": ("上限", "每年奖励"),
        "累计(奖励)": ("每年奖励",),
    }


@pytest.mark.parametrize("rule", ["奖励", "双倍", "上年奖励", "封顶奖励"])
def test_asking_for_one_says_which_figure_is_missing(rule: str) -> None:
    with pytest.raises(UsageError) as caught:
        rules("CN-BB").evaluate(person(), 2026, rules=[rule])
    [said] = caught.value.diagnostics
    assert said.code == "E840"
    assert "CN-BB" in str(caught.value) and "每年奖励" in str(caught.value)


def test_a_figure_from_a_later_year_on_encodes_the_rule_from_that_year_on() -> None:
    result = rules("CN-AA").evaluate(person(), YEARS)
    assert [result[y]["奖励"] for y in YEARS] == [None, 100, 100]
    assert [result[y]["累计奖励"] for y in YEARS] == [None, 100, 200]
    assert [result[y]["上年奖励"] for y in YEARS] == [None, 0, 100]
    assert [result[y]["封顶奖励"] for y in YEARS] == [None, 100, 200]
    with pytest.raises(UsageError, match=r"E840"):
        rules("CN-AA").evaluate(person(), 2025, rules=["奖励"])


@given(st.lists(st.sampled_from(["甲类", "乙类"]), min_size=3, max_size=3), st.sampled_from(["CN-AA", "CN-BB"]))
def test_an_optional_figure_by_key_is_asked_for_key_by_key(classes: list[str], place: str) -> None:
    record = {"编号": "1", "年度": dict(zip(YEARS, ({"类别": c} for c in classes), strict=True))}
    given_to = "乙类" if place == "CN-AA" else "甲类"
    result = rules(place).evaluate(record, YEARS)
    assert result[2027]["已奖年数"] == classes.count(given_to)


def test_a_mandate_on_a_rule_that_rests_on_figures_alone_is_decided_by_the_check() -> None:
    nation = """
文件 《国家》 地区 CN 施行 2025年度
条文 一 编码 标准, 补助, 要求
参数 标准 = 600元 依据 一
结果 规则 补助: 金额 = 标准 + 50元 依据 一
要求 补助 ≥ 650元 依据 一
"""
    lower = """
文件 《甲省》 地区 CN-AA 施行 2025年度
条文 一 编码 标准
修改 参数 标准 = 599元 自 2027年度 依据 一
"""
    library = read_library([Source("a.tiaoli", nation), Source("b.tiaoli", lower)])
    [said] = check_library(library)
    assert (said.code, said.arguments["year"], said.arguments["place"]) == ("E602", 2027, "CN-AA")
    assert str(said.span) == "b.tiaoli:4:10"


def test_a_place_with_its_figure_gives_exact_values() -> None:
    result = rules("CN-AA").evaluate(person(类别="乙类"), 2027)
    assert result[2027]["双倍"] == Decimal(200)


def test_a_rule_that_may_be_absent_is_absent_where_it_is_not_encoded() -> None:
    """Those that ask whether it has a value are encoded all the same."""
    more = """
文件 《国家二》 地区 CN 施行 2025年度
条文 一 编码 或有, 有奖, 去年有奖, 有奖年数
规则 或有: 金额 可空 初值 无 = 每年奖励 依据 一
结果 规则 有奖: 是否 = 有 或有 且 或有 > 1元 依据 一
结果 规则 去年有奖: 是否 = 有 上年 或有 依据 一
结果 规则 有奖年数: 年数 = 连续年数(有 或有) 依据 一
"""
    other = rules("CN-BB", more).evaluate(person(), YEARS)
    assert [other[y]["有奖"] for y in YEARS] == [False] * 3
    assert [other[y]["去年有奖"] for y in YEARS] == [False] * 3
    with pytest.raises(UsageError, match="E840"):
        rules("CN-BB", more).evaluate(person(), 2026, rules=["或有"])
    given_here = rules("CN-AA", more).evaluate(person(), YEARS)
    assert [given_here[y]["有奖"] for y in YEARS] == [False, True, True]
    assert [given_here[y]["去年有奖"] for y in YEARS] == [False, False, True]
    assert [given_here[y]["有奖年数"] for y in YEARS] == [0, 1, 2]
    assert "2026" in str(given_here.explain("去年有奖", 2027))
