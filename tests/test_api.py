"""The Python API as documented: loading, evaluating, explaining, and what it raises."""

from __future__ import annotations

import ast
import doctest
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

import tiaoli
import tiaoli.api
from support import python
from tiaoli.render import as_json, render_text

RECORD = {
    "编号": "P001",
    "原封顶线": 400000,
    "年度": {2025: {"参保": True, "缴费日期": "2024-11-02"}, 2026: {"参保": True, "缴费日期": "2026-03-01"}},
}
SMALL = """
文件 试行办法  地区 CN-ZZ  施行 2025年度
条文 一 编码 费用, 报销比例, 报销, 起算, 累计报销, 倒数
每年 事实 费用: 金额 依据 一
参数 报销比例: 比例
  2025年度 = 60% 依据 一
  2027年度 = 70% 依据 一
存疑 起算 "首年算不算？"
  选项 算 默认 "文字如此"
  选项 不算 "也说得通"
  依据 一
结果 规则 报销: 金额 舍入 四舍五入 到 元 = 费用 × 报销比例 依据 一
结果 规则 累计报销: 金额 初值 0元 依据 一
  当 起算 为 算 得 上年 累计报销 + 报销 依据 一
  否则 上年 累计报销 依据 一
规则 倒数: 比例 舍入 四舍五入 到 0.0001 = 1元 ÷ 费用 依据 一
"""


@pytest.fixture(scope="module")
def small() -> tiaoli.Rules:
    return tiaoli.loads(SMALL)


def spent(*yuan: object, first: int = 2025) -> dict[str, object]:
    return {"编号": "P1", "年度": {first + i: {"费用": y} for i, y in enumerate(yuan)}}


def codes(error: pytest.ExceptionInfo[tiaoli.TiaoliError]) -> list[str]:
    return [d.code for d in error.value.diagnostics]


# ── what it says of itself ───────────────────────────────────────────────────


def test_the_examples_of_the_documentation_are_true() -> None:
    found = doctest.testmod(tiaoli.api)
    assert found.attempted >= 4
    assert found.failed == 0


def test_every_public_name_can_be_imported() -> None:
    assert {name for name in tiaoli.__all__ if getattr(tiaoli, name) is not None} == set(tiaoli.__all__)


def test_an_unknown_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        tiaoli.nothing  # noqa: B018


def test_importing_the_package_is_light() -> None:
    code = "import sys, tiaoli; print(sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = set(ast.literal_eval(python(code)))
    assert "tiaoli" in loaded
    assert loaded.isdisjoint({"lark", "ruamel", "jsonschema", "typer", "rich", "openpyxl", "decimal", "fractions"})


def test_evaluating_python_records_needs_no_reader_of_files() -> None:
    code = f"import sys, tiaoli; tiaoli.load('CN-JX').evaluate({RECORD!r}, 2025); print(sorted(sys.modules))"
    assert {"ruamel.yaml", "openpyxl", "typer", "rich"}.isdisjoint(ast.literal_eval(python(code)))


# ── values ───────────────────────────────────────────────────────────────────


def test_values_are_decimal_int_date_or_none(jiangxi: tiaoli.Rules) -> None:
    result = jiangxi.evaluate(RECORD, range(2025, 2028))
    assert result[2025]["大病保险最高支付限额"] == Decimal(400000)
    assert isinstance(result[2025]["中央财政补助"], Decimal)
    assert result[2026]["待遇等待期"] == 3
    assert result[2026]["待遇开始日"] == date(2026, 6, 1)
    assert result[2027]["待遇开始日"] is None


def test_a_result_is_a_mapping_of_years_to_mappings_of_rules(jiangxi: tiaoli.Rules) -> None:
    result = jiangxi.evaluate(RECORD, range(2025, 2028))
    assert list(result) == [2025, 2026, 2027]
    assert len(result) == 3
    persons = [n for n in jiangxi.outputs if jiangxi.rules[n][0].entity == "参保人"]
    assert list(result[2026]) == persons
    assert 2024 not in result
    with pytest.raises(KeyError):
        result[2024]


def test_one_year_may_be_asked_as_a_number(jiangxi: tiaoli.Rules) -> None:
    assert list(jiangxi.evaluate(RECORD, 2026)) == [2026]


def test_a_year_gives_the_same_alone_and_in_a_run(jiangxi: tiaoli.Rules) -> None:
    together = jiangxi.evaluate(RECORD, range(2025, 2031))
    assert {year: jiangxi.evaluate(RECORD, year)[year] for year in together} == dict(together)


def test_a_rule_not_in_force_is_none(jiangxi: tiaoli.Rules) -> None:
    result = jiangxi.evaluate(RECORD, range(2024, 2026))
    assert result[2024]["累计提高额度"] is None
    assert result[2025]["累计提高额度"] == 0


def test_rules_asked_for_are_given_and_no_others(jiangxi: tiaoli.Rules) -> None:
    result = jiangxi.evaluate(RECORD, 2026, rules=["待遇等待期", "逾期参保"])
    assert dict(result[2026]) == {"待遇等待期": 3, "逾期参保": True}


def test_rounding_is_that_of_the_rule(small: tiaoli.Rules) -> None:
    assert small.evaluate(spent(Decimal("10.83"), Decimal("10.84")), range(2025, 2027))[2025]["报销"] == 6
    assert small.evaluate(spent(Decimal("10.83"), Decimal("10.84")), range(2025, 2027))[2026]["报销"] == 7


def test_keys_of_years_and_values_come_in_the_ways_people_write(jiangxi: tiaoli.Rules) -> None:
    written = {
        "编号": "P001",
        "原封顶线": Decimal("400000.00"),
        "年度": {
            "2025": {"参保": "是", "缴费日期": date(2024, 11, 2)},
            "2026年度": {"参保": True, "缴费日期": "2026-03-01"},
        },
    }
    assert dict(jiangxi.evaluate(written, 2026)) == dict(jiangxi.evaluate(RECORD, 2026))


def test_evaluating_leaves_the_record_as_it_was(small: tiaoli.Rules) -> None:
    record = spent(10, 20)
    small.evaluate(record, range(2025, 2027))
    assert record == spent(10, 20)


# ── readings, opening and closing ────────────────────────────────────────────


def test_a_reading_changes_the_result(small: tiaoli.Rules) -> None:
    assert small.evaluate(spent(100, 100), 2026)[2026]["累计报销"] == 120
    assert small.evaluate(spent(100, 100), 2026, readings={"起算": "不算"})[2026]["累计报销"] == 0


def test_going_on_from_a_closing_state_gives_the_same(small: tiaoli.Rules) -> None:
    whole = small.evaluate(spent(100, 200, 300), range(2025, 2028))
    state = small.evaluate(spent(100, 200), range(2025, 2027)).closing()
    later = small.evaluate(spent(300, first=2027), 2027, opening=state)
    assert later[2027] == whole[2027]
    assert later[2027]["累计报销"] == 60 + 120 + 210


def test_the_state_of_any_year_of_a_run_can_be_handed_over(small: tiaoli.Rules) -> None:
    whole = small.evaluate(spent(100, 200, 300), range(2025, 2028))
    for year in (2025, 2026):
        later = small.evaluate(spent(100, 200, 300), range(year + 1, 2028), opening=whole.closing(year))
        assert {y: later[y] for y in later} == {y: whole[y] for y in later}


def test_a_state_that_lacks_a_value_or_comes_too_late_is_refused(small: tiaoli.Rules) -> None:
    year, values = small.evaluate(spent(100, 200), range(2025, 2027)).closing()
    with pytest.raises(tiaoli.UsageError) as missing:
        small.evaluate(spent(3, first=2027), 2027, opening=(year, {}))
    with pytest.raises(tiaoli.UsageError) as late:
        small.evaluate(spent(100, 200), 2026, opening=(year, values))
    assert codes(missing) == codes(late) == ["E822"]


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"累计报消": 1}, "累计报销"),
        ({"累计报销": "一千"}, "累计报销"),
        ({"累计报销": Decimal("0.001")}, "累计报销"),
        ({"累计报销": True}, "累计报销"),
    ],
)
def test_a_state_is_judged_like_a_record(small: tiaoli.Rules, values: dict[str, object], word: str) -> None:
    with pytest.raises(tiaoli.UsageError, match=word) as error:
        small.evaluate(spent(3, first=2027), 2027, opening=(2026, values))
    assert codes(error) == ["E822"]


def test_a_state_holds_values_as_people_write_them(jiangxi: tiaoli.Rules) -> None:
    year, values = jiangxi.evaluate(RECORD, range(2025, 2027)).closing()
    assert year == 2026
    assert values["零报销激励额度"] == Decimal(3000)
    assert values["断保年数"] == 0


def test_a_mandate_that_a_value_breaks_is_found(small: tiaoli.Rules) -> None:
    rules = tiaoli.loads(SMALL.replace("倒数\n", "倒数, 要求\n") + "要求 报销 ≤ 100元 依据 一\n")
    result = rules.evaluate(spent(100, 900, 100), range(2025, 2028))
    assert [d.code for d in rules.breaches(result)] == ["E805"]
    assert rules.breaches(result)[0].arguments["year"] == 2026
    assert rules.breaches(rules.evaluate(spent(100), 2025)) == []


def test_a_place_written_in_a_record_may_be_the_own_one(jiangxi: tiaoli.Rules) -> None:
    assert jiangxi.evaluate({**RECORD, "年度": {2025: {"地区": "CN-JX"}}}, 2025)[2025]["断保年数"] == 0


# ── many ─────────────────────────────────────────────────────────────────────


def test_faulty_records_do_not_stop_the_others(small: tiaoli.Rules) -> None:
    records = [spent(100), {"编号": "P2", "年度": {2025: {"费用": -1}}}, spent(100, 200), "no record", {}]
    found = list(small.evaluate_many(records, 2025))  # type: ignore[arg-type]
    assert [type(f) for f in found] == [tiaoli.Result, tiaoli.Fault, tiaoli.Result, tiaoli.Fault, tiaoli.Fault]
    assert [f.person for f in found if isinstance(f, tiaoli.Fault)] == ["P2", None, None]
    assert all(f.diagnostics for f in found if isinstance(f, tiaoli.Fault))


def test_many_gives_what_one_by_one_gives(small: tiaoli.Rules) -> None:
    records = [spent(i, 2 * i) for i in range(1, 20)]
    many = [dict(r) for r in small.evaluate_many(records, range(2025, 2027)) if isinstance(r, tiaoli.Result)]
    assert many == [dict(small.evaluate(r, range(2025, 2027))) for r in records]


# ── what is in force ─────────────────────────────────────────────────────────


def test_facts_parameters_rules_and_questions_are_listed(jiangxi: tiaoli.Rules) -> None:
    assert {"原封顶线", "参保", "缴费日期"} <= set(jiangxi.facts)
    assert "固定等待期月数" in jiangxi.parameters
    assert set(jiangxi.outputs) <= set(jiangxi.rules)
    assert "首年断保" in jiangxi.questions
    assert jiangxi.first_year == 2003
    assert jiangxi.diagnostics == ()


def test_hidden_helpers_are_not_listed(jiangxi: tiaoli.Rules) -> None:
    assert not [name for name in jiangxi.rules if "(" in name]


def test_diagnostics_are_data_and_not_exceptions(tmp_path: Path) -> None:
    (tmp_path / "甲.tiaoli").write_text(
        SMALL.replace("文件 试行办法", "文件 甲") + "规则 未引: 是否 = 是\n", encoding="utf-8"
    )
    rules = tiaoli.load("CN-ZZ", tmp_path)
    assert {d.code for d in rules.diagnostics} == {"W601"}
    assert rules.evaluate(spent(100), 2025)[2025]["报销"] == 60


def test_a_folder_of_ones_own_stands_beside_the_built_in_rulesets_or_alone(tmp_path: Path) -> None:
    file = tmp_path / "甲.tiaoli"
    file.write_text(SMALL, encoding="utf-8")
    assert {"CN", "CN-JX", "CN-ZZ"} < set(tiaoli.load("CN-ZZ", str(file)).library.places)
    assert tiaoli.load("CN-ZZ", [tmp_path], built_in=False).library.places == ["CN-ZZ"]


# ── what it raises ───────────────────────────────────────────────────────────


def test_an_unknown_place_is_a_usage_error_with_the_nearest() -> None:
    with pytest.raises(tiaoli.UsageError) as error:
        tiaoli.load("江西省")
    assert codes(error) == ["E810"]
    assert "CN-JX" in str(error.value)


def test_a_place_below_one_with_documents_has_its_rules(jiangxi: tiaoli.Rules) -> None:
    assert dict(tiaoli.load("CN-JX-南昌").evaluate(RECORD, 2026)) == dict(jiangxi.evaluate(RECORD, 2026))


@pytest.mark.parametrize(
    ("wishes", "code"),
    [
        ({"rules": ["报消"]}, "E811"),
        ({"readings": {"起": "算"}}, "E812"),
        ({"readings": {"起算": "随便"}}, "E813"),
        ({"years": range(2026, 2026)}, "E814"),
        ({"years": range(2025, 2029, 2)}, "E814"),
        ({"years": 2002}, "E815"),
    ],
)
def test_what_does_not_exist_is_a_usage_error(small: tiaoli.Rules, wishes: dict[str, object], code: str) -> None:
    with pytest.raises(tiaoli.UsageError) as error:
        small.evaluate(spent(100), **({"years": 2025} | wishes))  # type: ignore[arg-type]
    assert codes(error) == [code]


def test_a_faulty_record_names_all_its_faults(small: tiaoli.Rules) -> None:
    with pytest.raises(tiaoli.RecordError) as error:
        small.evaluate({"编号": "P1", "年度": {2025: {"费用": -1, "用费": 3}}}, 2025)
    assert len(codes(error)) == 2
    assert "费用" in str(error.value)


def test_a_missing_fact_is_a_record_error(small: tiaoli.Rules) -> None:
    with pytest.raises(tiaoli.RecordError, match="费用"):
        small.evaluate({"编号": "P1"}, 2025)


def test_binary_floats_are_refused(small: tiaoli.Rules) -> None:
    with pytest.raises(tiaoli.RecordError):
        small.evaluate(spent(0.1), 2025)


def test_a_division_by_zero_is_an_evaluation_error(small: tiaoli.Rules) -> None:
    with pytest.raises(tiaoli.EvaluationError) as error:
        small.evaluate(spent(0), 2025, rules=["倒数"])
    assert codes(error) == ["E804"]


TROUBLES = """文件 甲  地区 CN  施行 2025年度
条文 一 编码 费用, 人数, 日, 人均, 到期, 补助, 合计
条文 一(二) 编码 人均, 补助
每年 事实 费用: 金额 依据 一
事实 人数: 整数 默认 0 依据 一
事实 日: 日期 默认 2025-01-01 依据 一
结果 规则 人均: 金额 舍入 四舍五入 到 分
  当 费用 > 0元 得 费用 ÷ 人数 依据 一(二)
  否则 0元 依据 一
规则 到期: 日期 = 日 + 9999年 依据 一
结果 规则 合计: 金额 = 若 人数 > 5 则 补助 否则 人均 + 补助 依据 一
规则 补助: 金额 = 1元 依据 一
例外 规则 补助 当 费用 > 5元 得 2元 依据 一(二)
例外 规则 补助 当 费用 > 6元 得 3元 依据 一
"""


@pytest.mark.parametrize(
    ("rule", "cost", "place", "cause", "words"),
    [
        ("人均", 3, ("<text>", 8, 15), "E801", ("甲 一(二)", "费用 ÷ 人数", "division by zero: 费用 ÷ 人数")),
        ("到期", 3, ("<text>", 10, 13), "E802", ("甲 一", "日 + 9999年", "leaves the years 1 to 9999")),
        ("补助", 7, ("<text>", 13, 10), "E803", ("甲 一(二) → 2元，甲 一 → 3元", "与这一例外冲突: <text>:14:10")),
        ("合计", 3, ("<text>", 8, 15), "E801", ("P 2025年度 合计：除数为零", "条款: 甲 一(二)")),
    ],
)
def test_what_cannot_be_computed_is_said_at_the_place_of_the_rule(
    rule: str, cost: int, place: tuple[str, int, int], cause: str, words: tuple[str, ...]
) -> None:
    with pytest.raises(tiaoli.EvaluationError) as error:
        tiaoli.loads(TROUBLES).evaluate({"编号": "P", "年度": {2025: {"费用": cost}}}, 2025, rules=[rule])
    (said,) = error.value.diagnostics
    assert (said.code, said.arguments["cause"], said.place) == ("E804", cause, place)
    text = render_text(said, "zh") + render_text(said, "en")
    assert [w for w in words if w not in text] == []
    data = as_json(said, "en")
    assert (data["file"], data["line"], data["clause"]) == (place[0], place[1], said.clause)


def test_rules_not_asked_for_do_no_harm(small: tiaoli.Rules) -> None:
    assert small.evaluate(spent(0), 2025, rules=["报销"])[2025]["报销"] == 0


def test_faulty_rulesets_raise_with_their_errors() -> None:
    with pytest.raises(tiaoli.RulesetError) as error:
        tiaoli.loads(SMALL + "规则 错: 金额 = 未写的 依据 一\n").evaluate(spent(100), 2025)
    assert "E204" in codes(error)


def test_text_that_is_no_ruleset_raises() -> None:
    with pytest.raises(tiaoli.RulesetError):
        tiaoli.loads("这不是规则集")


def test_missing_and_unreadable_files_raise(tmp_path: Path) -> None:
    (tmp_path / "甲.tiaoli").write_bytes(b"\xff\xfe\x00\x01")
    for path in (tmp_path / "没有", tmp_path / "甲.tiaoli"):
        with pytest.raises(tiaoli.TiaoliError):
            tiaoli.load("CN-JX", path)


def test_all_errors_share_one_base() -> None:
    for error in (tiaoli.UsageError, tiaoli.RulesetError, tiaoli.EvaluationError, tiaoli.RecordError):
        assert issubclass(error, tiaoli.TiaoliError)


# ── explaining ───────────────────────────────────────────────────────────────


def test_a_result_explains_itself(small: tiaoli.Rules) -> None:
    explanation = small.evaluate(spent(100, 200), range(2025, 2027)).explain("累计报销", 2026)
    assert explanation.asked.formula == "上年 累计报销 + 报销"
    assert explanation.account("报销", 2025) is not None
    assert explanation.readings == (("起算", "算"),)


def test_explaining_what_does_not_exist_is_a_usage_error(jiangxi: tiaoli.Rules) -> None:
    result = jiangxi.evaluate(RECORD, range(2024, 2027))
    with pytest.raises(tiaoli.UsageError) as unknown:
        result.explain("累计提高", 2026)
    with pytest.raises(tiaoli.UsageError) as not_in_force:
        result.explain("累计提高额度", 2024)
    assert (codes(unknown), codes(not_in_force)) == (["E811"], ["E820"])
