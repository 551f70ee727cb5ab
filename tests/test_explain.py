"""Explanations: true to the published schema for every result, and pinned as text where a clerk reads them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pytest_regressions.file_regression import FileRegressionFixture

import tiaoli
from jiangxi_by_hand import history
from support import ROOT, Said, json_text, write_records
from tiaoli.api import Rules
from tiaoli.explain import Explanation, as_json
from tiaoli.explain_text import as_text, as_tree
from tiaoli.model import Aggregate, Program, Rule, RuleRef, Through, expressions, walk
from tiaoli.values import INSURED

YEARS = range(2025, 2031)
EVERYTHING = """
文件 试行办法  地区 CN-ZZ  施行 2025年度
条文 一 "全部" 编码 基数, 类别, 生日, 人数, 减半, 比例, 起付, 分摊, 分段额, 查表率, 应付, 人均, 年龄, 到期, 是大额, 等级, 迟付, 累计应付
每年 事实 基数: 金额 范围 0元..100万元 依据 一
事实 类别: 居民 | 职工 默认 居民 依据 一
事实 生日: 日期 可空 依据 一
每年 事实 人数: 整数 默认 1 依据 一
每年 事实 减半: 是否 默认 否 依据 一
参数 比例: 比例 按 类别
  行 居民 = 60% 依据 一
  行 职工 = 75.5% 自 2026年度 依据 一
  行 职工 = 70% 依据 一
参数 起付: 金额
  2025年度 = 100元 依据 一
  2027年度 = 120.5元 依据 一 说明 "提高"
存疑 分摊 "怎样分摊？"
  选项 均摊 默认 "文字如此"
  选项 不摊 "也说得通"
  依据 一
结果 分段 分段额: 金额 按 基数
  段 0元(含)..5万元(含) 得 60% 依据 一
  段 5万元(不含)以上 得 70% 依据 一
结果 表 查表率: 比例
  列 | 类别 | 基数 | 得
  行 | 居民 | 0元(含)..1万元(不含) | 50% 依据 一
  行 | 居民 | 1万元(含)以上 | 55% 依据 一
  行 | 职工 | - | 65% 依据 一
结果 规则 应付: 金额 舍入 向下 到 元 = 取大(0元, 基数 - 起付) × 比例 依据 一 说明 "扣除起付后"
例外 规则 应付 当 减半 得 基数 × 30.5% 依据 一
结果 规则 人均: 金额 舍入 四舍六入 到 角
  当 分摊 为 均摊 得 应付 ÷ 人数 依据 一
  否则 应付 依据 一
结果 规则 年龄: 年数 可空
  当 有 生日 得 周岁(生日, 年度末日(本年度)) 依据 一
  否则 无 依据 一
结果 规则 到期: 日期 可空
  当 没有 生日 得 无 依据 一
  否则 生日 + 3个月 依据 一
结果 规则 是大额: 是否 = 基数 > 5万元 依据 一
结果 规则 等级: 年度 = 年度于(年度首日(本年度)) 依据 一
结果 规则 迟付: 月数 = 若 是大额 则 3个月 否则 0个月 依据 一
结果 规则 累计应付: 金额 = 累计(应付) 依据 一
"""


@pytest.fixture(scope="module")
def everything() -> Rules:
    return tiaoli.loads(EVERYTHING)


@pytest.fixture(scope="module")
def judge() -> Draft202012Validator:
    schema = json.loads((ROOT / "grammar" / "explanation.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def person(**facts: Any) -> dict[str, Any]:
    years = {y: {"基数": Decimal("61234.57") + y, "人数": y - 2024, "减半": y == 2028} for y in YEARS}
    return {"编号": "P1", "年度": years, **facts}


PEOPLE = {"nothing optional": person(), "all facts": person(类别="职工", 生日="2001-11-30")}


def explanations(rules: Rules, record: Mapping[str, Any], **wishes: Any) -> Iterator[tuple[Explanation, Any]]:
    """All rules of persons in force in all years, each with the value that the interpreter gave."""
    program = rules.program(YEARS.stop)
    alone = set(program.rules) - dependent(
        {n for n, ts in program.rules.items() if any(map(reaches_others, ts))}, program
    )
    standing = [{r.name for r in program.segment(year).rules} for year in YEARS]
    names = [n for n in rules.rules if n in alone and all(n in names for names in standing)]
    result = rules.evaluate(record, YEARS, rules=names, **wishes)
    for year in YEARS:
        row = result[year]
        yield from ((result.explain(name, year), row[name]) for name in names)


def dependent(names: set[str], program: Program) -> set[str]:
    """Return ``names`` and all rules that rest on them."""
    reads = {
        n: {r.name for t in ts for e in expressions(t.body) for r in walk(e) if isinstance(r, RuleRef)}
        for n, ts in program.rules.items()
    }
    while more := {n for n, read in reads.items() if read & names} - names:
        names = names | more
    return names


def reaches_others(text: Rule) -> bool:
    """Whether a rule is of another kind of record, or reads one."""
    nodes = (n for e in expressions(text.body) for n in walk(e))
    return text.entity != INSURED or any(isinstance(n, Through | Aggregate) for n in nodes)


def faults(judge: Draft202012Validator, explanation: Explanation) -> list[str]:
    return [
        f"{explanation.asked.rule} {explanation.asked.year}: {e.message}"
        for e in judge.iter_errors(as_json(explanation))
    ]


# ── data ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("record", PEOPLE.values(), ids=PEOPLE)
def test_every_kind_of_result_is_explained_as_the_schema_says(
    everything: Rules, judge: Draft202012Validator, record: Mapping[str, Any]
) -> None:
    found = [f for x, _ in explanations(everything, record) for f in faults(judge, x)]
    assert found == []


@pytest.mark.parametrize("record", PEOPLE.values(), ids=PEOPLE)
def test_an_explanation_gives_the_value_that_was_computed(everything: Rules, record: Mapping[str, Any]) -> None:
    for explanation, value in explanations(everything, record):
        told = as_json(explanation)["结果"][0]["值"]
        assert told == (value.isoformat() if hasattr(value, "isoformat") else value)


@pytest.mark.no_cover
def test_all_results_of_jiangxi_are_explained_as_the_schema_says(jiangxi: Rules, judge: Draft202012Validator) -> None:
    dice = random.Random(11)
    for i in range(3):
        for explanation, value in explanations(jiangxi, history(dice, f"P{i}")):
            assert faults(judge, explanation) == []
            told = as_json(explanation)["结果"][0]["值"]
            assert told == (value.isoformat() if hasattr(value, "isoformat") else value)


def test_each_account_names_what_the_others_rest_on(everything: Rules) -> None:
    for explanation, _ in explanations(everything, PEOPLE["all facts"]):
        told = {(a.rule, a.year) for a in explanation.accounts}
        read = {(i.name, i.year) for a in explanation.accounts for i in a.inputs if i.kind == "rule" and i.year >= 2025}
        assert read <= told
        assert told <= read | {(explanation.asked.rule, explanation.asked.year)}


def test_every_deciding_text_is_cited(jiangxi: Rules) -> None:
    dice = random.Random(12)
    for explanation, _ in explanations(jiangxi, history(dice, "P")):
        assert [a.rule for a in explanation.accounts if not a.hidden and not a.basis] == []


def test_the_schema_refuses_what_is_no_explanation(everything: Rules, judge: Draft202012Validator) -> None:
    told = as_json(everything.evaluate(person(), YEARS).explain("应付", 2026))
    assert judge.is_valid(told)
    first = told["结果"][0]
    spoilt = [
        {**told, "多余": 1},
        {**told, "结果": []},
        {k: v for k, v in told.items() if k != "规则集"},
        {**told, "结果": [{**first, "值": "36000"}]},
        {**told, "结果": [{**first, "年度": "2026"}]},
        {**told, "结果": [{**first, "缺少": [{"事实": "基数", "年度": 2026}]}]},
    ]
    assert [s for s in spoilt if judge.is_valid(s)] == []


def test_the_command_prints_what_the_schema_says(
    command: Callable[..., Said], judge: Draft202012Validator, tmp_path: Any
) -> None:
    file = write_records(tmp_path / "r.jsonl", [history(random.Random(13), "P1")])
    for rule in ("中央财政补助", "待遇开始日", "累计提高额度"):
        said = command("explain", "CN-JX", file, "--person", "P1", "--year", 2030, "--rule", rule, "--format", "json")
        told = json.loads(said.out, parse_float=Decimal)
        assert [e.message for e in judge.iter_errors(told)] == []


def test_figures_in_the_printed_json_are_exact(command: Callable[..., Said], tmp_path: Any) -> None:
    file = write_records(tmp_path / "r.jsonl", [{"编号": "P1", "原封顶线": Decimal("333333.33")}])
    said = command(
        "explain", "CN-JX", file, "--person", "P1", "--year", 2026, "--rule", "大病保险最高支付限额", "--format", "json"
    )
    assert json.loads(said.out, parse_float=Decimal)["结果"][0]["值"] == Decimal("333333.33")


# ── what cannot be determined ────────────────────────────────────────────────


@pytest.fixture(scope="module")
def unknown(everything: Rules) -> Callable[..., Explanation]:
    """The explanation for a record that lacks facts."""
    from tiaoli.api import explain_rule
    from tiaoli.trace import Tracer

    def explained(rule: str, year: int, record: Mapping[str, Any]) -> Explanation:
        compiled = everything.compiled(year, [rule])
        found = everything.reader(compiled, partial=True).convert(record)
        return explain_rule(everything, Tracer(compiled.program, found.facts, found.years, {}), "P1", rule, year)

    return explained


@pytest.mark.parametrize("rule", ("应付", "人均", "分段额", "查表率", "是大额", "迟付", "累计应付"))
def test_missing_facts_are_named_and_no_value_is_given(
    unknown: Callable[..., Explanation], judge: Draft202012Validator, rule: str
) -> None:
    explanation = unknown(rule, 2025, {"编号": "P1"})
    assert faults(judge, explanation) == []
    assert as_json(explanation)["结果"][0]["缺少"] == [{"事实": "基数", "年度": 2025}]
    assert "还缺少: 基数（2025年度）" in as_text(explanation)


def test_a_condition_that_decides_alone_needs_no_other_fact(unknown: Callable[..., Explanation]) -> None:
    assert unknown("查表率", 2025, {"编号": "P1", "类别": "职工"}).asked.needs == ()
    assert unknown("年龄", 2025, {"编号": "P1"}).asked.needs == ()


def test_only_what_is_still_missing_is_asked(unknown: Callable[..., Explanation]) -> None:
    record = {"编号": "P1", "年度": {2025: {"基数": 3}, 2027: {"基数": 3}}}
    assert unknown("累计应付", 2027, record).asked.needs == (("基数", 2026),)


def test_a_result_that_cannot_be_computed_says_why(
    unknown: Callable[..., Explanation], judge: Draft202012Validator
) -> None:
    explanation = unknown("人均", 2025, {"编号": "P1", "年度": {2025: {"基数": 1000, "人数": 0}}})
    assert faults(judge, explanation) == []
    assert "除" in (explanation.asked.trouble or "")
    assert explanation.asked.trouble in as_text(explanation)


# ── text and tree ────────────────────────────────────────────────────────────

LAPSED = {
    "编号": "李四",
    "原封顶线": 250000,
    "年度": {
        2025: {"参保": True, "缴费日期": "2024-12-20"},
        2030: {"参保": True, "缴费日期": "2030-03-01", "补缴年数": 1},
    },
}
STEADY = {
    "编号": "张三",
    "原封顶线": Decimal("66666.66"),
    "年度": {y: {"参保": True, "缴费日期": f"{y - 1}-11-02"} for y in YEARS},
}


@pytest.mark.parametrize("lang", ("zh", "en"))
@pytest.mark.parametrize(
    ("record", "rule"),
    [(LAPSED, "待遇开始日"), (STEADY, "累计提高额度"), (STEADY, "中央财政补助")],
    ids=("wait", "raise", "share"),
)
def test_the_text_for_a_clerk(
    jiangxi: Rules, file_regression: FileRegressionFixture, record: Mapping[str, Any], rule: str, lang: str
) -> None:
    text = as_text(jiangxi.evaluate(record, YEARS).explain(rule, 2030), lang)
    file_regression.check(text + "\n", extension=".txt", encoding="utf-8")


@pytest.mark.parametrize("lang", ("zh", "en"))
def test_the_text_of_every_kind_of_rule(everything: Rules, file_regression: FileRegressionFixture, lang: str) -> None:
    result = everything.evaluate(PEOPLE["all facts"], YEARS)
    told = [as_text(result.explain(name, year), lang) for name in everything.outputs for year in (2026, 2028)]
    file_regression.check("\n\n".join(told) + "\n", extension=".txt", encoding="utf-8")


def test_the_tree_says_the_same_as_the_text(everything: Rules) -> None:
    from rich.console import Console

    for explanation, _ in explanations(everything, PEOPLE["all facts"]):
        console = Console(width=10_000, no_color=True)
        with console.capture() as drawn:
            console.print(as_tree(explanation))
        lines = [line.lstrip("│├└─ \xa0").rstrip() for line in drawn.get().splitlines()]
        assert lines == [line.strip() for line in as_text(explanation).splitlines()]


def test_an_explanation_prints_exact_figures(everything: Rules) -> None:
    told = as_json(everything.evaluate(PEOPLE["all facts"], YEARS).explain("应付", 2027))["结果"][0]
    assert told["代入"] == "取大(0元, 63,261.57元 - 120.5元) × 75.5%"
    assert told["舍入"] == {"前": "47,671.50785元", "方式": "向下", "单位": "1元"}
    assert json_text(told["值"]) == "47671"


@pytest.mark.parametrize(("levels", "cut"), [(60, False), (61, False), (62, True), (90, True)])
def test_a_drawing_that_is_cut_says_so(levels: int, cut: bool) -> None:
    chain = "\n".join(f"规则 级{n}: 整数 = 级{n - 1} + 1 依据 一" for n in range(1, levels))
    names = ", ".join(f"级{n}" for n in range(levels))
    text = f"文件 甲 地区 CN 施行 2025年度\n条文 一 编码 {names}\n规则 级0: 整数 = 1 依据 一\n{chain}\n"
    found = tiaoli.loads(text).evaluate({"编号": "P"}, 2025, rules=[f"级{levels - 1}"]).explain(f"级{levels - 1}", 2025)
    assert len(found.accounts) == levels
    assert ("只列到第 60 层；--format json 有全部" in as_text(found)) is cut
    assert ("没有往下列" in as_text(found)) is cut
    assert ("cut at level 60" in as_text(found, "en")) is cut
