"""What is said of wrong usage, in the language of the reader, and of what breaks mandates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import tiaoli
from support import WARNED, Said, own, write_records
from tiaoli.pipeline import check_library, read_library
from tiaoli.render import render_text
from tiaoli.source import Source

Command = Callable[..., Said]
WORDS: dict[str, tuple[str, str, str]] = {
    "compute": ("没有命令“compute”", "是不是“compile”？", "no such command 'compute'"),
    "run CN-JX": ("缺少参数 RECORDS", "tiaoli run --help", "missing argument 'RECORDS...'"),
    "run CN-JX r.yaml": ("缺少选项 --year", "tiaoli run --help", "missing option '--year'"),
    "run CN-JX r.yaml --year": ("选项 --year 后面要写值", "--help", "option '--year' requires an argument"),
    "show CN-JX --yaer 2026": ("没有选项 --yaer", "是不是“--year”？", "no such option: --yaer"),
    "show CN-JX --year now": ("选项 --year应是整数", "tiaoli show --help", "valid integer"),
    "places all": ("多出的内容：all", "tiaoli places --help", "unexpected extra argument"),
}


@pytest.mark.parametrize("line", WORDS)
def test_the_parser_of_the_command_line_speaks_the_readers_language(command: Command, line: str) -> None:
    chinese, help_text, english = WORDS[line]
    result = command(*line.split())
    assert result.code == 2 and "E848" in result.err
    assert chinese in result.err and help_text in result.err
    result = command("--lang", "en", *line.split())
    assert result.code == 2 and english in result.err and not any(sign >= "\u4e00" for sign in result.err)


def test_version(command: Command) -> None:
    result = command("--version")
    assert (result.code, result.out.strip()) == (0, f"tiaoli {tiaoli.__version__}")


def test_a_place_may_be_meant_by_its_name(command: Command) -> None:
    for text, code in (
        ("湖北", "CN-HB"),
        ("江西省", "CN-JX"),
        ("Guangdong", "CN-GD"),
        ("cn-jx", "CN-JX"),
        ("武汉市", "武汉"),
    ):
        result = command("show", text)
        assert result.code == 2 and f"{code}”？" in result.err and len(result.err) < 200
    unknown = command("show", "CN-XX").err
    assert "是不是" not in unknown and "--rulesets" in unknown and "tiaoli places" in unknown


def test_a_fact_or_a_question_is_not_compared(command: Command) -> None:
    for name, kind in (("参保", "事实"), ("首年断保", "存疑")):
        result = command("compare", name, "--year", 2026, "--places", "CN-JX")
        assert result.code == 2 and f"“{name}”是{kind}" in result.err


def test_a_misspelt_kind_on_the_command_line(command: Command, tmp_path: Path) -> None:
    own(tmp_path, "对象 县\n每年 事实 县 的 收入: 金额 默认 0元\n结果 规则 县 的 倍: 金额 = 收入 × 2\n")
    file = write_records(tmp_path / "r.jsonl", [{"编号": "甲", "年度": {"2025": {"收入": 1}}}])
    result = command("run", "CN-ZZ", f"县县={file}", "--year", 2025, "--rulesets", tmp_path)
    assert result.code == 2 and "E834" in result.err and "是不是“县”？" in result.err
    result = command("run", "CN-ZZ", f"县={file}", f"县={file}", "--year", 2025, "--rulesets", tmp_path)
    assert result.code == 2 and "E849" in result.err


REGIONS = """对象 区
对象 市
每年 事实 入保: 是否 默认 否
每年 事实 所在区: 区
事实 区 的 所属市: 市
规则 区 的 参保率: 比例 可空 舍入 四舍五入 到 0.01% = 占比(参保人, 入保)
规则 区 的 人数: 整数 = 计数(参保人)
规则 市 的 总数: 整数 = 计数(区)
要求 没有 区 的 参保率 或 区 的 参保率 ≥ 80% 原则上
"""


def test_breaches_name_kind_and_value_and_are_counted_by_mandate(command: Command, tmp_path: Path) -> None:
    own(tmp_path, REGIONS)
    years = ("2025", "2026", "2027")
    people = [
        {"编号": f"P{r}{i}", "年度": {y: {"入保": i < 2, "所在区": f"R{r}"} for y in years}}
        for r in range(4)
        for i in range(3)
    ]
    regions = [{"对象": "区", "编号": f"R{r}", "所属市": "S"} for r in range(4)]
    file = write_records(tmp_path / "r.jsonl", [*people, *regions, {"对象": "市", "编号": "S"}])
    result = command("run", "CN-ZZ", file, "--year", "2025..2027", "--rulesets", tmp_path, "--rule", "人数")
    assert result.code == 0 and result.err.count("[W805]") == 3
    assert result.err.index("区 R0 2025年度") < result.err.index("区 R0 2027年度")
    assert "参保率 = 66.67%" in result.err and "还有 9 处不符没有列出（W805；共 12 处，4 条记录）" in result.err


def test_figures_that_nobody_asked_for_are_not_said_to_lack_members() -> None:
    rules = tiaoli.loads("文件 甲 地区 CN-ZZ 施行 2025年度\n" + REGIONS)
    records = [
        {"编号": "P", "年度": {2025: {"所在区": "R"}}}, {"编号": "Q", "年度": {2025: {"所在区": 7.5}}},
        {"对象": "区", "编号": "R", "所属市": "S"}, {"对象": "市", "编号": "S"},
    ]  # fmt: skip
    (said,) = (d for d in rules.population(records, 2025, rules=["人数"]).warnings if d.code == "W806")
    assert said.arguments["rules"] == "人数"
    assert not rules.population(records, 2025, rules=["总数"]).warnings


def test_a_figure_behind_a_mandate_is_said_once() -> None:
    text = """文件 甲 地区 CN 施行 2025年度
参数 起付: 金额 = 100元
规则 大: 金额 = 起付
规则 小: 金额 = 起付
要求 大 > 小 + 1元
"""
    (said,) = (d for d in check_library(read_library([Source("1.tiaoli", text)])) if d.code == "E602")
    assert render_text(said, "zh").splitlines()[0].count("起付 = 100元") == 1


STATES = "\n".join((
    '{"编号": "乙", "年度": 2025, "期初": {"累计": 5}}',
    '{"编号": "甲", "年度": %s, "期初": %s}',
))  # fmt: skip


@pytest.mark.parametrize(
    ("year", "state", "said"),
    (
        ("2025", '{"累记": 5}', "没有名为“累记”的规则或事实，是不是“累计”？"),
        ("2025", '{"累计": "多"}', "“累计”的值应是金额，却是 多"),
        ("2025", "{}", "状态里缺少 累计"),
        ("2027", '{"累计": 5}', "状态是2027年度末的，这次计算要的是2025年度末的"),
        ("2025", "[]", "这一行不是期初状态"),
    ),
)
def test_faults_of_states_point_to_the_file_of_states(
    command: Command, tmp_path: Path, year: str, state: str, said: str
) -> None:
    own(tmp_path, WARNED + "结果 规则 累计: 金额 初值 0元 = 上年 累计 + 报销\n")
    file = write_records(tmp_path / "r.jsonl", [{"编号": "甲", "年度": {"2026": {"费用": 1}}}])
    states = tmp_path / "期初.jsonl"
    states.write_text(STATES % (year, state), encoding="utf-8")
    arguments = ("run", "CN-ZZ", file, "--year", 2026, "--rulesets", tmp_path, "--opening", states, "--rule", "累计")
    result = command(*arguments)
    assert result.code in (1, 2) and said in result.err and "期初.jsonl:2" in result.err and " / " not in said
    english = command(*arguments, "--lang", "en").err.splitlines()[0]
    assert english.startswith("error[E822]: opening state: ") and not set(english) & set("状态的应是没有却这")


def test_a_ruleset_that_is_no_utf8(command: Command, tmp_path: Path) -> None:
    (tmp_path / "甲.tiaoli").write_bytes("文件 甲".encode("gb18030"))
    for arguments in (("check", tmp_path), ("fmt", tmp_path)):
        result = command(*arguments)
        assert result.code == 2 and "E850" in result.err and "另存为 UTF-8" in result.err
