"""Cases: what passes, what fails and how it is said, every mistake in a cases file at its place, and coverage."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

import tiaoli
from tiaoli.cases import Report, run_cases, same
from tiaoli.render import render_text

RULES = """
文件 试行办法  地区 CN-ZZ  施行 2025年度
条文 一 编码 费用, 生日, 报销比例, 起算, 报销, 累计报销, 到期, 大额, 人均, 要求
每年 事实 费用: 金额 依据 一
事实 生日: 日期 可空 依据 一
参数 报销比例 = 60% 依据 一
存疑 起算 "首年算不算？"
  选项 算 默认 "文字如此"
  选项 不算 "也说得通"
  依据 一
结果 规则 报销: 金额 舍入 四舍五入 到 分
  当 费用 > 100元 得 费用 × 报销比例 依据 一
  否则 0元 依据 一
结果 规则 累计报销: 金额 初值 0元
  当 起算 为 算 得 上年 累计报销 + 报销 依据 一
  否则 上年 累计报销 依据 一
结果 规则 到期: 日期 可空
  当 没有 生日 得 无 依据 一
  否则 生日 + 3个月 依据 一
结果 规则 大额: 是否 = 费用 > 1万元 依据 一
规则 人均: 金额 舍入 向下 到 分 = 100元 ÷ 数值(整月数(年度首日(本年度), 年度首日(本年度))) 依据 一
要求 报销 ≤ 5万元 依据 一
"""
RECORD = "{编号: P1, 生日: 2020-11-30, 年度: {2025: {费用: 200}, 2026: {费用: 30000.5}}}"


@pytest.fixture(scope="module")
def rules() -> tiaoli.Rules:
    return tiaoli.loads(RULES)


@pytest.fixture
def run(rules: tiaoli.Rules, tmp_path: Path) -> Callable[..., Report]:
    """Run the cases of a text."""

    def run(text: str, known: str = "CN-ZZ") -> Report:
        file = tmp_path / "试行办法.cases.yaml"
        file.write_text(text, encoding="utf-8")

        def rules_of(place: str) -> tiaoli.Rules:
            return rules if place == known else tiaoli.load(place)

        return run_cases([file], rules_of)

    return run


def case(*lines: str, record: str = RECORD, name: str = "某例") -> str:
    body = "".join(f"    {line}\n" for line in (f"记录: {record}", *lines))
    return f"地区: CN-ZZ\n用例:\n  - 名称: {name}\n{body}"


def said(report: Report) -> list[tuple[str, int, int]]:
    return [(f.diagnostic.code, f.diagnostic.line or 0, f.diagnostic.column or 0) for f in report.failures]


def texts(report: Report) -> str:
    return "\n".join(render_text(f.diagnostic, "zh") for f in report.failures)


# ── what passes ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "expected",
    [
        "{2025: {报销: 120}}",
        "{2025: {报销: 120.00}, 2026: {报销: 18000.3}}",
        "{2026: {累计报销: 18120.3}}",
        "{2026年度: {大额: 是}, 2025: {大额: 否}}",
        "{2025: {大额: false}}",
        "{2025: {到期: 2021-02-28}}",
        "{2025: {到期: '2021-02-28'}}",
    ],
)
def test_a_true_case_passes(run: Callable[..., Report], expected: str) -> None:
    report = run(case(f"期望: {expected}"))
    assert (report.passed, said(report)) == (1, [])


def test_absence_is_expected_as_null_or_in_words(run: Callable[..., Report]) -> None:
    record = "{编号: P1, 年度: {2025: {费用: 1}}}"
    for word in ("null", "无", "~"):
        assert run(case(f"期望: {{2025: {{到期: {word}}}}}", record=record)).passed == 1


def test_a_case_chooses_readings(run: Callable[..., Report]) -> None:
    assert run(case("读法: {起算: 不算}", "期望: {2026: {累计报销: 0}}")).passed == 1


def test_a_case_may_begin_from_an_opening_state(run: Callable[..., Report]) -> None:
    opening = "期初: {年度: 2025, 值: {累计报销: 1000.05}}"
    assert said(run(case(opening, "期望: {2026: {累计报销: 19000.35}}"))) == []


def test_rules_that_are_no_results_can_be_expected(run: Callable[..., Report], jiangxi: tiaoli.Rules) -> None:
    text = (
        "地区: CN-JX\n用例:\n  - 名称: 逾期\n    记录: {编号: P, 原封顶线: 1, 年度: {2025: {参保: 是, 缴费日期: 2025-03-01}}}\n"
        "    期望: {2025: {逾期参保: 是}}\n"
    )
    assert run(text).passed == 1


def test_keys_may_be_english(run: Callable[..., Report]) -> None:
    text = (
        f"place: CN-ZZ\ncases:\n  - name: one\n    clauses: [一]\n    readings: {{起算: 不算}}\n    record: {RECORD}\n"
        "    expect: {2026: {累计报销: 0}}\n    note: in words\n"
    )
    assert run(text).passed == 1


def test_a_fault_can_be_what_is_expected(run: Callable[..., Report]) -> None:
    negative = "{编号: P1, 年度: {2025: {费用: -1}}}"
    other = run(case("期望错误: E999", record=negative))
    assert len(other.failures) == 1
    assert run(case(f"期望错误: {other.failures[0].diagnostic.code}", record=negative)).passed == 1


def test_a_broken_mandate_can_be_what_is_expected(run: Callable[..., Report]) -> None:
    record = "{编号: P1, 年度: {2025: {费用: 90000}}}"
    assert run(case("期望: {2025: {报销: 54000}}", "期望错误: E805", record=record)).passed == 1
    assert run(case("期望: {2025: {报销: 120}}", "期望错误: E805")).passed == 0


# ── what fails ───────────────────────────────────────────────────────────────


def test_a_failure_gives_expected_actual_place_and_reason(run: Callable[..., Report]) -> None:
    report = run(case("期望:", "  2025: {报销: 120, 大额: 是}", "  2026: {报销: 1}"))
    assert [(code, line) for code, line, _ in said(report)] == [("E831", 6), ("E831", 7)]
    assert "18,000.3元" in texts(report) and "某例" in texts(report)
    assert "费用 × 报销比例 = 30,000.5元 × 60%" in report.failures[1].explanation
    assert report.passed == 0


def test_a_rule_not_in_force_is_said_to_be_so(run: Callable[..., Report]) -> None:
    text = "地区: CN-JX\n用例:\n  - 名称: 早了\n    记录: {编号: P, 原封顶线: 1}\n    期望: {2024: {断保年数: 0}, 2025: {断保年数: 0}}\n"
    report = run(text)
    assert len(report.failures) == 1
    assert "没有施行" in texts(report)


def test_other_cases_go_on_after_a_failure(run: Callable[..., Report]) -> None:
    text = case("期望: {2025: {报销: 1}}") + case("期望: {2025: {报销: 120}}").split("用例:\n")[1]
    report = run(text)
    assert (report.passed, len(report.failures)) == (1, 1)


def test_a_malformed_case_does_not_stop_the_others(run: Callable[..., Report]) -> None:
    text = "地区: CN-ZZ\n用例:\n  - {名称: 甲}\n" + case("期望: {2025: {报销: 120}}").split("用例:\n")[1] + "  - 三\n"
    report = run(text)
    assert report.passed == 1
    assert [(code, line) for code, line, _ in said(report)] == [("E830", 3), ("E830", 7)]


def test_an_unknown_clause_of_a_case_is_named_and_the_case_is_run(run: Callable[..., Report]) -> None:
    report = run(case("条文: [一, 一(二), 九]", "期望: {2025: {报销: 1}}"))
    assert [(code, line) for code, line, _ in said(report)] == [("E846", 5), ("E831", 6)]
    assert "CN-ZZ 的文件没有条文“九”" in texts(report)
    assert run(case("条文: 一（二）", "期望: {2025: {报销: 120}}")).passed == 1


WHOLE = """文件 甲  地区 CN-ZZ  施行 2025年度
条文 一 编码 标准, 补助, 金额一, 起算
参数 标准: 金额 依据 一
规则 补助: 金额 = 标准 依据 一
规则 金额一: 金额 = 1元 自 2026年度 依据 一 说明 "后来"
存疑 起算 "?" 选项 算 默认 选项 不算 依据 一
"""


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("E840", ("期望: {2026: {补助: 无}}",)),
        ("E820", ("期望: {2025: {金额一: 无}}",)),
        ("E811", ("期望: {2026: {金额二: 无}}",)),
        ("E815", ("期望: {1999: {金额一: 无}}",)),
        ("E812", ("期望: {2026: {金额一: 1}}", "读法: {起: 算}")),
        ("E813", ("期望: {2026: {金额一: 1}}", "读法: {起算: 都行}")),
    ],
)
def test_what_stops_the_whole_run_can_be_what_is_expected(tmp_path: Path, code: str, lines: tuple[str, ...]) -> None:
    file = tmp_path / "甲.cases.yaml"
    for fault, passed in ((code, 1), ("E999", 0)):
        file.write_text(case(f"期望错误: {fault}", *lines, record="{编号: P}"), encoding="utf-8")
        report = run_cases([file], lambda _: tiaoli.loads(WHOLE))
        assert (report.passed, [f.diagnostic.code for f in report.failures]) == (passed, [] if passed else [code])


def test_a_place_that_is_not_there_can_be_what_is_expected(run: Callable[..., Report]) -> None:
    text = case("期望错误: E810", "期望: {2025: {报销: 1}}").replace("CN-ZZ", "CN-JY")
    assert run(text).passed == 1


def test_a_settled_reading_can_be_what_is_expected(tmp_path: Path) -> None:
    settling = """文件 乙  地区 CN-ZZ-甲  施行 2025年度
条文 一 编码 起算
确定 存疑 起算 为 不算 依据 一
"""
    file = tmp_path / "乙.cases.yaml"
    text = case("期望错误: E845", "期望: {2026: {金额一: 1}}", "读法: {起算: 算}", record="{编号: P}")
    file.write_text(text.replace("CN-ZZ", "CN-ZZ-甲"), encoding="utf-8")
    report = run_cases([file], lambda place: tiaoli.loads(WHOLE, settling, place=place))
    assert texts(report) == ""


def test_a_faulty_record_of_a_case_is_named_at_its_place(run: Callable[..., Report]) -> None:
    report = run(case("期望: {2025: {报销: 1}}", record="{编号: P1, 年度: {2025: {费用: -1}}}"))
    assert len(report.failures) == 1
    assert report.failures[0].diagnostic.line == 4
    assert "费用" in texts(report)


def test_a_value_that_cannot_be_computed_fails_the_case(run: Callable[..., Report]) -> None:
    report = run(case("期望: {2025: {人均: 1}}"))
    assert [c for c, _, _ in said(report)] == ["E804"]


@pytest.mark.parametrize(
    ("lines", "code", "word"),
    [
        (("期望: {2025: {报消: 1}}",), "E811", "是不是“报销”"),
        (("期望: {2025: {报销: 120}}", "读法: {起: 算}"), "E812", "起算"),
        (("期望: {2025: {报销: 120}}", "读法: {起算: 都行}"), "E813", "不算"),
        (("期望: {2026: {累计报销: 1}}", "期初: {年度: 2025, 值: {报消: 1}}"), "E822", "报消"),
        (("期望: {2026: {累计报销: 1}}", "期初: {年度: 2025, 值: {累计报销: 一千}}"), "E822", "累计报销"),
        (("期望: {2026: {累计报销: 1}}", "期初: {年度: 2025, 值: {累计报销: 0.001}}"), "E822", "累计报销"),
        (("期望: {2026: {累计报销: 1}}", "期初: {年度: 2025, 值: {}}"), "E822", "累计报销"),
        (("期望: {2026: {累计报销: 1}}", "期初: {年度: 2027, 值: {累计报销: 1}}"), "E822", ""),
        (("期望: {1999: {报销: 120}}",), "E815", "1999"),
    ],
)
def test_wrong_names_in_a_case_are_named(
    run: Callable[..., Report], lines: tuple[str, ...], code: str, word: str
) -> None:
    report = run(case(*lines))
    assert [c for c, _, _ in said(report)] == [code]
    assert word in texts(report)
    assert all(line >= 3 for _, line, _ in said(report))


# ── files ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("", 1, ""),
        ("- 一\n", 1, "映射"),
        ("地区: CN-ZZ\n", 1, "用例"),
        ("用例: []\n", 1, "地区"),
        ("地区: CN-ZZ\n用例: 一\n", 2, "列表"),
        ("地区: CN-ZZ\n用列: []\n", 2, "用例"),
        ("地区: CN-ZZ\n用例:\n  - 一\n", 3, "映射"),
        ("地区: CN-ZZ\n用例:\n  - {名称: 甲}\n", 3, "期望"),
        ("地区: CN-ZZ\n用例:\n  - {名称: 甲, 期望: {2025: {报销: 1}}}\n", 3, "记录"),
        (case("期望: {2025: {报销: 1}}", "期待: 1"), 6, "期望"),
        (case("期望: {今年: {报销: 1}}"), 5, "今年"),
        (case("期望: [1]"), 5, "年度"),
        (case("期望: {}"), 5, "空"),
        (case("期望: {2025: 120}"), 5, "映射"),
        (case("期望: {2025: {报销: 1}, 2025: {报销: 2}}"), 5, "2025"),
        (case("期望: {2025: {报销: 1, 报销: 2}}"), 5, "报销"),
        (case("读法: 一", "期望: {2025: {报销: 1}}"), 5, "映射"),
        ("地区: CN-ZZ\n用例:\n  - 名称: [\n", 3, ""),
    ],
)
def test_each_mistake_in_a_cases_file_is_named_at_its_line(
    run: Callable[..., Report], text: str, line: int, word: str
) -> None:
    report = run(text)
    assert report.passed == 0
    assert len(report.failures) == 1
    assert report.failures[0].diagnostic.code.startswith("E")
    assert abs((report.failures[0].diagnostic.line or 0) - line) <= (1 if "[\n" in text else 0)
    assert word in texts(report)


def test_a_file_that_is_no_text_is_a_failure(tmp_path: Path, rules: tiaoli.Rules) -> None:
    (tmp_path / "乱.cases.yaml").write_bytes(bytes(range(128, 256)))
    (tmp_path / "夹.cases.yaml").mkdir()
    for name in ("乱", "夹", "没有"):
        report = run_cases([tmp_path / f"{name}.cases.yaml"], lambda place: rules)
        assert (report.passed, len(report.failures)) == (0, 1)
        assert name in texts(report)


def test_an_unknown_place_is_a_failure(run: Callable[..., Report]) -> None:
    report = run(case("期望: {2025: {报销: 1}}").replace("CN-ZZ", "CN-JY"))
    assert [c for c, _, _ in said(report)] == ["E810"]


# ── coverage ─────────────────────────────────────────────────────────────────


def test_coverage_tells_the_branches_not_reached(run: Callable[..., Report]) -> None:
    reached, every, missed = run(case("期望: {2025: {报销: 120, 到期: 2021-02-28}}")).coverage["试行办法"]
    assert every == 8
    assert reached == every - len(missed)
    lines = {place.span.line: place.span.text for place in missed}
    assert "0元" in " ".join(lines.values())
    full = run(
        case("期望: {2025: {报销: 120, 累计报销: 120, 到期: 2021-02-28, 大额: 否}}")
        + case(
            "读法: {起算: 不算}",
            "期望: {2025: {报销: 0, 累计报销: 0, 到期: 无}}",
            record="{编号: P, 年度: {2025: {费用: 9}}}",
        ).split("用例:\n")[1]
    ).coverage["试行办法"]
    assert [place.span.text.split()[0] for place in full[2]] == ["="]


def test_every_document_with_rules_has_cases_beside_it() -> None:
    folder = Path(tiaoli.__file__).parents[2] / "rulesets"
    alone = [p.name for p in folder.rglob("*.tiaoli") if not p.with_suffix(".cases.yaml").exists()]
    assert alone == []


# ── comparing ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("expected", "actual", "agree"),
    [
        (1, Decimal("1.00"), True),
        (Decimal("0.5"), Decimal("0.50"), True),
        (1, True, False),
        (True, 1, False),
        ("是", True, True),
        ("否", True, False),
        (None, None, True),
        ("无", None, True),
        (0, None, False),
        (None, 0, False),
        (False, None, False),
        ("0", 0, False),
        ("甲", "甲", True),
        ("甲", "乙", False),
    ],
)
def test_values_agree_by_worth_and_kind(expected: object, actual: object, agree: bool) -> None:
    assert same(expected, actual) is agree
