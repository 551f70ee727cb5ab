"""Records of several kinds: how they are read, run together, handed over, explained, and what is said when they do not fit."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openpyxl import Workbook, load_workbook

import tiaoli
from support import ROOT, Said
from tiaoli.apps import running
from tiaoli.cases import run_cases
from tiaoli.explain import as_json
from tiaoli.explain_text import as_text, as_tree
from tiaoli.record_schema import record_schema
from tiaoli.render import render_text

TEXT = """
文件 《示例》  地区 XX  施行 2025年度
对象 统筹地区
对象 共济申请
每年 事实 参保: 是否 默认 否
每年 事实 费用: 金额 默认 0元 范围 0元..100万元
每年 事实 人数: 整数 默认 1 范围 0..9
每年 事实 所在统筹地区: 统筹地区 可空
事实 统筹地区 的 上级: 统筹地区 可空
每年 事实 统筹地区 的 人均收入: 金额
事实 共济申请 的 付款人: 参保人
事实 共济申请 的 使用人: 参保人
每年 事实 共济申请 的 金额额: 金额 默认 0元 范围 0元..1万元
结果 规则 起付线: 金额
  当 没有 所在统筹地区 得 0元
  否则 所在统筹地区 的 人均收入 × 50%
结果 规则 人均费用: 金额 舍入 四舍五入 到 分 = 费用 ÷ 人数
规则 共济支出: 金额 = 合计(共济申请 按 付款人, 金额额)
结果 规则 统筹地区 的 参保数: 整数 = 计数(参保人 当 参保)
结果 规则 统筹地区 的 参保率: 比例 可空 舍入 四舍五入 到 0.01% = 占比(参保人, 参保)
规则 统筹地区 的 费用数: 金额 = 合计(参保人, 人均费用)
规则 统筹地区 的 上级收入: 金额 可空 = 上级 的 人均收入
规则 统筹地区 的 总数: 整数 初值 0 = 上年 总数 + 参保数
"""

RECORDS: list[dict[str, Any]] = [
    {"编号": "P1", "年度": {2025: {"参保": True, "费用": 100, "所在统筹地区": "A市"}}},
    {"编号": "P2", "年度": {2025: {"所在统筹地区": "A市", "费用": 50}, 2026: {"参保": True, "所在统筹地区": "B县"}}},
    {"对象": "参保人", "编号": "P3"},
    {"对象": "统筹地区", "编号": "A市", "年度": {2025: {"人均收入": 40000}, 2026: {"人均收入": 42000}}},
    {"entity": "统筹地区", "编号": "B县", "年度": {2025: {"人均收入": 20000}, 2026: {"人均收入": 22000}}},
]


@pytest.fixture(scope="module")
def rules() -> tiaoli.Rules:
    return tiaoli.loads(TEXT)


@pytest.fixture
def ruleset(tmp_path: Path) -> Path:
    file = tmp_path / "示例.tiaoli"
    file.write_text(TEXT, encoding="utf-8")
    return file


def codes(population: Any) -> list[str]:
    for diagnostic in population.diagnostics:
        assert render_text(diagnostic, "zh") and render_text(diagnostic, "en")
    return [d.code for d in population.diagnostics]


def changed(ident: str, **facts: Any) -> list[dict[str, Any]]:
    """The records, with facts of one of them changed."""
    return [r | facts if r["编号"] == ident else r for r in RECORDS]


# ── run together ─────────────────────────────────────────────────────────────


def test_records_of_all_kinds_give_results(rules: tiaoli.Rules) -> None:
    population = rules.population(RECORDS, range(2025, 2027))
    assert codes(population) == []
    assert dict(population.result("P1")[2025]) == {"起付线": Decimal(20000), "人均费用": Decimal(100)}
    assert dict(population.result("P2")[2026]) == {"起付线": Decimal(11000), "人均费用": Decimal(0)}
    assert dict(population.result("A市", "统筹地区")[2025]) == {"参保数": 1, "参保率": Decimal("0.5")}
    assert dict(population.result("A市", "统筹地区")[2026]) == {"参保数": 0, "参保率": None}
    assert len(population) == len(RECORDS) == len(list(population))


def test_only_outputs_of_kinds_that_are_there_are_asked_for(rules: tiaoli.Rules) -> None:
    population = rules.population([r for r in RECORDS if "统筹地区" not in r.values()][2:], 2025)
    assert list(population.result("P3")[2025]) == ["起付线", "人均费用"]
    with pytest.raises(tiaoli.UsageError, match="E833"):
        rules.population([{"编号": "P3"}], 2025, rules=["参保数"])


def test_a_missing_kind_of_members_is_no_silent_zero(rules: tiaoli.Rules) -> None:
    population = rules.population([{"编号": "P3"}], 2025, rules=["共济支出"])
    assert population.result("P3")[2025]["共济支出"] == 0
    assert codes(population) == ["W807"]


def test_one_record_alone_is_refused_where_it_needs_others(rules: tiaoli.Rules) -> None:
    assert rules.evaluate({"编号": "P3"}, 2025)[2025]["起付线"] == 0
    with pytest.raises(tiaoli.UsageError, match="E832"):
        rules.evaluate(RECORDS[0], 2025)
    with pytest.raises(tiaoli.UsageError, match="E832"):
        rules.evaluate({"编号": "P3"}, 2025, rules=["共济支出"])
    with pytest.raises(tiaoli.UsageError, match="E832"):
        rules.evaluate(RECORDS[3], 2025)
    with pytest.raises(tiaoli.UsageError, match="E834"):
        rules.evaluate({"对象": "统筹区", "编号": "1"}, 2025)
    assert rules.evaluate(RECORDS[3], 2025, rules=["上级收入"])[2025]["上级收入"] is None


def test_rules_for_persons_alone_need_no_other_records(rules: tiaoli.Rules) -> None:
    found = rules.evaluate(RECORDS[0], 2025, rules=["人均费用"])
    assert found[2025]["人均费用"] == 100
    told = list(rules.evaluate_many([RECORDS[0], {"编号": "P3"}], 2025))
    assert isinstance(told[0], tiaoli.Fault) and isinstance(told[1], tiaoli.Result)


def test_a_member_that_cannot_be_computed_is_left_out_and_said(rules: tiaoli.Rules) -> None:
    records = changed("P1", 年度={2025: {"费用": 100, "人数": 0, "参保": True, "所在统筹地区": "A市"}})
    population = rules.population(records, 2025, rules=["人均费用", "参保数", "费用数"])
    assert codes(population) == ["E804", "W806"]
    assert population.diagnostics[1].arguments == {"count": 1, "members": "参保人", "rules": "费用数"}
    region = population.result("A市", "统筹地区")[2025]
    assert (region["参保数"], region["费用数"]) == (1, 50)
    with pytest.raises(tiaoli.EvaluationError):
        population.result("P1")
    assert population.result("P2")[2025]["人均费用"] == 50


def test_a_faulty_record_is_missed_by_those_that_need_it(rules: tiaoli.Rules) -> None:
    population = rules.population(changed("A市", 年度={2025: {"人均收入": -1}}), 2025)
    assert sorted(codes(population)) == ["E735", "E741", "E741", "W806"]
    assert {f.person for f in population.faults} == {"A市", "P1", "P2"}
    assert population.result("B县", "统筹地区")[2025]["参保数"] == 0


def test_nobody_fails_for_a_link_that_no_rule_follows(rules: tiaoli.Rules) -> None:
    population = rules.population(RECORDS[:3], 2025, rules=["人均费用"])
    assert codes(population) == []


@pytest.mark.parametrize(
    ("ident", "facts", "code"),
    [
        ("P1", {"年度": {2025: {"所在统筹地区": "A县"}}}, "E740"),
        ("P1", {"年度": {2025: {"所在统筹地区": ["A市", "B县"]}}}, "E744"),
        ("P1", {"年度": {2025: {"所在统筹地区": True}}}, "E716"),
        ("A市", {"上级": "A市"}, "E745"),
        ("A市", {"对象": "统筹区"}, "E742"),
        ("A市", {"年度": {2025: {"参保": True}}}, "E719"),
        ("B县", {"编号": "A市"}, "E743"),
        ("A市", {"年度": {2026: {"人均收入": 1}}}, "E726"),
    ],
)
def test_bad_input_is_named(rules: tiaoli.Rules, ident: str, facts: Mapping[str, Any], code: str) -> None:
    wanted = ["起付线", "参保数", "上级收入"]
    assert code in codes(rules.population(changed(ident, **facts), 2025, rules=wanted))


def test_the_nearest_record_is_proposed(rules: tiaoli.Rules) -> None:
    population = rules.population(changed("P1", 年度={2025: {"所在统筹地区": "A 市"}}), 2025)
    assert population.diagnostics[0].arguments["near"] == "A市"


def test_a_longer_circle_is_told_with_its_path(rules: tiaoli.Rules) -> None:
    records = [
        {**r, "上级": {"A市": "B县", "B县": "A市"}[r["编号"]]} if len(r) == 3 and "年度" in r else r for r in RECORDS
    ]
    population = rules.population(records, 2025, rules=["上级收入", "起付线"])
    assert codes(population) == ["E745", "E745", "E741", "E741"]
    assert "A市 → B县 → A市" in render_text(population.diagnostics[0], "zh")


def test_ids_may_be_numbers_on_both_sides(rules: tiaoli.Rules) -> None:
    records = [
        {"编号": 1, "年度": {2025: {"参保": True, "所在统筹地区": 360100}}},
        {"对象": "统筹地区", "编号": "360100", "年度": {2025: {"人均收入": 1}}},
    ]
    assert rules.population(records, 2025).result("360100", "统筹地区")[2025]["参保数"] == 1


def test_state_is_handed_over_by_kind(rules: tiaoli.Rules) -> None:
    wanted = ["总数", "起付线"]
    whole = rules.population(RECORDS, range(2025, 2027), rules=wanted)
    first = rules.population(RECORDS, 2025, rules=wanted)
    openings = {(r.person.entity, r.person.id): r.closing() for r in first}
    later = [r | {"年度": {y: f for y, f in r.get("年度", {}).items() if y > 2025}} for r in RECORDS]
    second = rules.population(later, 2026, rules=wanted, openings=openings)
    assert codes(second) == []
    for ident in ("A市", "B县"):
        assert dict(second.result(ident, "统筹地区")[2026]) == dict(whole.result(ident, "统筹地区")[2026])
    lacking = {key: state for key, state in openings.items() if key[1] != "B县"}
    assert "E822" in codes(rules.population(later, 2026, rules=wanted, openings=lacking))


# ── why ──────────────────────────────────────────────────────────────────────


def test_explanations_go_through_links_and_count_members(rules: tiaoli.Rules) -> None:
    population = rules.population(RECORDS, 2025)
    text = as_text(population.result("P1").explain("起付线", 2025))
    assert "记录 2025年度: 所在统筹地区 = A市" in text and "统筹地区 A市 2025年度: 人均收入 = 40,000元" in text
    share = population.result("A市", "统筹地区").explain("参保率", 2025)
    assert as_text(share).startswith("统筹地区 A市 2025年度 参保率 = 50%")
    assert "占比(参保人, 参保) = 50%（参保人 2 条，计入 2 条，其中 1 条成立）" in as_text(share)
    assert "参保人: 2 records, 2 counted" in as_text(share, "en")
    with pytest.raises(tiaoli.UsageError, match="E835"):
        population.result("P1").explain("参保率", 2025)


def test_few_members_of_a_figure_are_listed_and_their_rules_followed_one_level(rules: tiaoli.Rules) -> None:
    from rich.console import Console

    population = rules.population(RECORDS, 2025, rules=["费用数", "参保率"])
    cost = population.result("A市", "统筹地区").explain("费用数", 2025)
    assert as_text(cost).endswith("（参保人 2 条，计入 2 条）\n    参保人 P1: 100元\n    参保人 P2: 50元")
    console = Console(width=200, record=True, file=StringIO())
    console.print(as_tree(cost))
    assert "参保人 P1 2025年度 人均费用 = 100元" in console.export_text()
    data = as_json(cost)
    assert [(a["规则"], a.get("编号")) for a in data["结果"]] == [
        ("费用数", None),
        ("人均费用", "P1"),
        ("人均费用", "P2"),
    ]
    (figure,) = data["结果"][0]["取用"]
    assert figure["各成员"][1] == {"编号": "P2", "计入": True, "值": Decimal(50), "显示": "50元"}
    share = as_json(population.result("A市", "统筹地区").explain("参保率", 2025))["结果"][0]["取用"][0]
    assert (share["成立"], [one["值"] for one in share["各成员"]]) == (1, [True, False])


def test_many_members_are_counted_alone_and_a_share_stays_a_ratio(rules: tiaoli.Rules) -> None:
    people = [{"编号": f"P{i}", "年度": {2025: {"参保": i % 3 == 0, "所在统筹地区": "A市"}}} for i in range(12)]
    regions = [r for r in RECORDS if r["编号"] == "A市"]
    for count, shown in ((3, "1/3"), (12, "1/3"), (11, "4/11")):
        population = rules.population([*people[:count], *regions], 2025, rules=["参保率"])
        text = as_text(population.result("A市", "统筹地区").explain("参保率", 2025))
        assert f"占比(参保人, 参保) = {shown}（参保人 {count} 条" in text and "/3%" not in text
        assert text.count("参保人 P") == (count if count <= 10 else 0)


def test_a_link_that_leads_nowhere_is_pointed_at(command: Callable[..., Said], ruleset: Path, tmp_path: Path) -> None:
    people, regions = tmp_path / "人.yaml", tmp_path / "区.yaml"
    regions.write_text("- {对象: 统筹地区, 编号: A市, 年度: {2025: {人均收入: 1}, 2026: {人均收入: 1}}}\n", "utf-8")
    people.write_text(
        "- 编号: P1\n  年度:\n    2025: {所在统筹地区: A市}\n    2026:\n      参保: 是\n      所在统筹地区: X市\n",
        "utf-8",
    )
    asked = ("--rule", "起付线", "--year", "2025..2026", "--rulesets", ruleset)
    assert "人.yaml:6:15" in command("run", "XX", people, regions, *asked).err
    table = tmp_path / "人.csv"
    table.write_text("编号,年度,所在统筹地区\nP1,2025,A市\nP2,2025,X市\n", "utf-8")
    assert "人.csv:3:9" in command("run", "XX", table, regions, *asked).err


def test_two_ids_of_a_link_are_both_said(rules: tiaoli.Rules) -> None:
    records = [{"编号": "P1", "年度": {2025: {"所在统筹地区": ["A市", "B县"]}}}, *RECORDS[3:]]
    (said,) = (d for d in rules.population(records, 2025).diagnostics if d.code == "E744")
    assert '"A市"、"B县"' in render_text(said, "zh")


def test_explanations_as_data_keep_to_the_schema(rules: tiaoli.Rules) -> None:
    schema = json.loads((ROOT / "grammar" / "explanation.schema.json").read_text(encoding="utf-8"))
    judge = Draft202012Validator(schema)
    wanted = ["起付线", "共济支出", "参保率", "费用数", "总数", "上级收入"]
    population = rules.population(RECORDS, range(2025, 2027), rules=wanted)
    for result in population:
        for name in result.compiled.outputs:
            told = json.loads(tiaoli.exact_json.dumps(as_json(result.explain(name, 2026))), parse_float=Decimal)
            assert [e.message for e in judge.iter_errors(told)] == []


# ── files and commands ───────────────────────────────────────────────────────


def write(folder: Path) -> tuple[Path, Path]:
    people = folder / "人.jsonl"
    people.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in RECORDS[:3]), encoding="utf-8")
    regions = folder / "地区.csv"
    regions.write_text("编号,年度,人均收入\nA市,2025,40000\nA市,2026,42000\nB县,2025,20000\nB县,2026,22000\n", "utf-8")
    return people, regions


def test_a_run_over_several_files(command: Callable[..., Said], ruleset: Path, tmp_path: Path) -> None:
    people, regions = write(tmp_path)
    output = tmp_path / "果.jsonl"
    said = command(
        "run", "XX", people, f"统筹地区={regions}", "--year", "2025", "--rulesets", ruleset, "--output", output
    )
    assert said.code == 0 and "计算了 3 人、统筹地区 2" in said.err
    rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert rows[0] == {"编号": "P1", "年度": 2025, "起付线": 20000, "人均费用": 100}
    assert rows[-1] == {"对象": "统筹地区", "编号": "B县", "年度": 2025, "参保数": 0, "参保率": None}


@pytest.mark.parametrize("suffix", (".csv", ".xlsx", ".json"))
def test_each_kind_has_its_own_table(command: Callable[..., Said], ruleset: Path, tmp_path: Path, suffix: str) -> None:
    people, regions = write(tmp_path)
    output = tmp_path / f"果{suffix}"
    said = command("run", "XX", people, f"统筹地区={regions}", "--year", "2025", "--rulesets", ruleset, "-o", output)
    assert said.code == 0, said.err
    if suffix == ".csv":
        assert len(output.read_text("utf-8-sig").splitlines()) == 4
        assert (tmp_path / "果.统筹地区.csv").read_text("utf-8-sig").startswith("编号,年度,参保数,参保率")
    elif suffix == ".xlsx":
        assert load_workbook(output).sheetnames == ["结果", "统筹地区", "说明"]
    else:
        assert [r.get("对象") for r in json.loads(output.read_text("utf-8"))["结果"]] == [None] * 3 + ["统筹地区"] * 2


def test_kinds_in_one_file_and_in_sheets(command: Callable[..., Said], ruleset: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "全.json"
    mixed.write_text(json.dumps(RECORDS[::-1], ensure_ascii=False), encoding="utf-8")
    book = Workbook()
    book.worksheets[0].append(["编号", "年度", "参保", "所在统筹地区"])
    book.worksheets[0].append(["P1", 2025, "是", "A市"])
    sheet = book.create_sheet("统筹地区")
    sheet.append(["编号", "年度", "人均收入"])
    sheet.append(["A市", 2025, 40000])
    book.create_sheet("别的").append(["随便"])
    book.save(tmp_path / "全.xlsx")
    column = tmp_path / "列.csv"
    column.write_text("对象,编号,年度,人均收入\n统筹地区,A市,2025,40000\n,B县,2025,1\n", encoding="utf-8")
    for files in ([mixed], [tmp_path / "全.xlsx"], [column, write(tmp_path)[0]]):
        said = command("run", "XX", *files, "--year", "2025", "--rulesets", ruleset)
        assert said.code == 0, said.err
        assert "统筹地区 A市" in said.out and "20,000元" in said.out


def test_tables_of_mixed_kinds_and_records_given_twice(
    command: Callable[..., Said], ruleset: Path, tmp_path: Path
) -> None:
    people, _ = write(tmp_path)
    mixed = tmp_path / "混.csv"
    mixed.write_text("对象,编号,年度\n统筹地区,A市,2025\n参保人,P9,2025\n", encoding="utf-8")
    assert "E746" in command("run", "XX", mixed, "--year", "2025", "--rulesets", ruleset).err
    again = tmp_path / "又.yaml"
    again.write_text("编号: P3\n", encoding="utf-8")
    said = command("run", "XX", people, again, "--year", "2025", "--rulesets", ruleset, "--rule", "人均费用")
    assert said.code == 1 and "E743" in said.err and "计算了 3 人" in said.err
    torn = tmp_path / "裂.csv"
    torn.write_text("编号,年度,所在统筹地区\nP1,2025,A市\nP1,2025,B县\n", encoding="utf-8")
    said = command("run", "XX", torn, "--year", "2025", "--rulesets", ruleset)
    assert "E744" in said.err and "E723" not in said.err
    unknown = tmp_path / "不知.csv"
    unknown.write_text("对象,编号\n统筹区,A市\n", encoding="utf-8")
    assert "E742" in command("run", "XX", unknown, "--year", "2025", "--rulesets", ruleset).err


def test_persons_alone_are_streamed_and_told_what_they_need(
    command: Callable[..., Said], ruleset: Path, tmp_path: Path
) -> None:
    people, _ = write(tmp_path)
    said = command("run", "XX", people, "--year", "2025", "--rulesets", ruleset)
    assert said.code == 1 and said.err.count("E832") == 2 and "计算了 1 人" in said.err
    said = command("run", "XX", people, "--year", "2025", "--rulesets", ruleset, "--rule", "共济支出")
    assert said.code == 0 and "W807" in said.err


def test_states_written_and_read_by_kind(command: Callable[..., Said], ruleset: Path, tmp_path: Path) -> None:
    people, regions = write(tmp_path)
    common = ("--rulesets", ruleset, "--rule", "总数", "--rule", "起付线")
    state, output = tmp_path / "末.jsonl", tmp_path / "果.jsonl"
    files = (people, f"统筹地区={regions}")
    assert command("run", "XX", *files, "--year", "2025", "--closing", state, *common).code == 0
    assert [json.loads(line)["对象"] for line in state.read_text("utf-8").splitlines()] == ["统筹地区"] * 2
    said = command("run", "XX", *files, "--year", "2026", "--opening", state, "-o", output, *common)
    assert said.code == 0, said.err
    rows = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
    assert [r["总数"] for r in rows if r.get("对象")] == [1, 1]


def test_persons_in_portions_give_the_same(
    command: Callable[..., Said], ruleset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody needs a person, persons are computed in portions; the others are told once."""
    people, regions = write(tmp_path)
    lost = {"编号": "P4", "年度": {2025: {"所在统筹地区": "C市"}}}
    people.write_text(people.read_text("utf-8") + json.dumps(lost, ensure_ascii=False), encoding="utf-8")
    asked = ("--rule", "起付线", "--rule", "上级收入", "--year", "2025", "--rulesets", ruleset)
    found = []
    for portion in (1, 2, 20_000):
        monkeypatch.setattr(running.Run, "PORTION", portion)
        output = tmp_path / "果.jsonl"
        said = command("run", "XX", people, f"统筹地区={regions}", "-o", output, *asked)
        assert said.code == 1 and "计算了 3 人、统筹地区 2" in said.err and said.err.count("E740") == 1
        assert f"人.jsonl:4:{json.dumps(lost, ensure_ascii=False).index('C市') + 1}" in said.err
        found.append(output.read_text("utf-8"))
    assert found[0] == found[1] == found[2]
    assert [json.loads(line).get("对象", "参保人") for line in found[0].splitlines()] == ["参保人"] * 3 + [
        "统筹地区"
    ] * 2


def test_explain_and_schema_of_a_kind(command: Callable[..., Said], ruleset: Path, tmp_path: Path) -> None:
    people, regions = write(tmp_path)
    files = (people, f"统筹地区={regions}")
    common = ("--year", 2025, "--rulesets", ruleset)
    said = command(
        "explain",
        "XX",
        *files,
        *common,
        "--entity",
        "统筹地区",
        "--person",
        "A市",
        "--rule",
        "参保率",
        "--format",
        "json",
    )
    assert said.code == 0, said.err
    told = json.loads(said.out)
    assert (told["对象"], told["编号"], told["结果"][0]["值"]) == ("统筹地区", "A市", 0.5)
    assert (
        "A市 2025年度: 人均收入" in command("explain", "XX", *files, *common, "--person", "P1", "--rule", "起付线").out
    )
    wrong = command("explain", "XX", *files, *common, "--entity", "地区", "--person", "A市", "--rule", "参保率")
    assert wrong.code == 2 and "E834" in wrong.err
    one = json.loads(command("schema", "XX", "--rulesets", ruleset, "--entity", "统筹地区").out)
    every = json.loads(command("schema", "XX", "--rulesets", ruleset).out)
    assert "人均收入" in json.dumps(one, ensure_ascii=False)
    judge = Draft202012Validator(every)
    for record in json.loads(json.dumps(RECORDS)):
        assert [e.message for e in judge.iter_errors(record)] == []
    assert not judge.is_valid({"编号": "1", "年度": {"2025": {"人均收入": 1}}})


def test_the_schema_is_unchanged_where_there_is_one_kind(jiangxi: tiaoli.Rules) -> None:
    schema = record_schema(jiangxi.newest)
    if not jiangxi.newest.entities:
        assert "对象" not in schema["properties"]  # type: ignore[operator]


def test_an_incomplete_record_is_explained_among_others(
    command: Callable[..., Said], ruleset: Path, tmp_path: Path
) -> None:
    regions = tmp_path / "地区.yaml"
    regions.write_text(
        "- {对象: 统筹地区, 编号: A市}\n- {对象: 统筹地区, 编号: B县, 年度: {2025: {人均收入: 1}}}\n", "utf-8"
    )
    people = tmp_path / "人.yaml"
    people.write_text("- {编号: P1, 年度: {2025: {所在统筹地区: B县}}}\n", "utf-8")
    common = ("--year", 2025, "--rulesets", ruleset)
    said = command("explain", "XX", people, regions, *common, "--person", "P1", "--rule", "起付线")
    assert (said.code == 0 and "0.50元" in said.out) or "0.5元" in said.out
    said = command(
        "explain", "XX", people, regions, *common, "--entity", "统筹地区", "--person", "A市", "--rule", "参保数"
    )
    assert said.code == 0 and "参保数 = 0" in said.out


# ── cases ────────────────────────────────────────────────────────────────────

CASES = """
地区: XX
用例:
  - 名称: 两个地区
    记录:
      - {编号: P1, 年度: {2025: {参保: 是, 所在统筹地区: A市}}}
      - {编号: P2, 年度: {2025: {所在统筹地区: A市}}}
      - {对象: 统筹地区, 编号: A市, 年度: {2025: {人均收入: 40000}}}
    期望:
      参保人: {P1: {2025: {起付线: 20000}}, P2: {2025: {起付线: 20000}}}
      统筹地区: {A市: {2025: {参保数: 1, 参保率: 0.5}}}
  - 名称: 一个人
    记录:
      - {编号: P1, 年度: {2025: {参保: 是, 所在统筹地区: A市}}}
      - {对象: 统筹地区, 编号: A市, 年度: {2025: {人均收入: 40000}}}
    期望: {2025: {起付线: 20000}}
  - 名称: 没有这个地区
    记录: [{编号: P1, 年度: {2025: {参保: 是, 所在统筹地区: A市}}}]
    期望错误: E740
"""


@pytest.mark.parametrize(
    ("old", "new", "codes"),
    [
        ("", "", []),
        ("参保率: 0.5", "参保率: 0.6", ["E831"]),
        ("A市: {2025: {参保数", "B市: {2025: {参保数", ["E816"]),
        ("{起付线: 20000}}, P2", "{参保数: 20000}}, P2", ["E835"]),
        ("      统筹地区: {A市", "      统筹区: {A市", ["E834"]),
        ("参保人: {P1: {2025: {起付线: 20000}}, P2: {2025: {起付线: 20000}}}", "2025: {起付线: 20000}", ["E830"]),
    ],
)
def test_cases_of_several_records(rules: tiaoli.Rules, tmp_path: Path, old: str, new: str, codes: list[str]) -> None:
    file = tmp_path / "示例.cases.yaml"
    file.write_text(CASES.replace(old, new, 1) if old else CASES, encoding="utf-8")
    report = run_cases([file], lambda _: rules)
    assert [f.diagnostic.code for f in report.failures] == codes, [str(f.diagnostic) for f in report.failures]
    assert report.passed == 3 - bool(codes)
