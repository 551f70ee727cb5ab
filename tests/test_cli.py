"""The command line: every command and option, every exit code, wrong usage of everything. `run` has a file of its own."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import tiaoli
from support import ROOT, WARNED, WRONG, Said, json_text, lines, own, write_records
from tiaoli.apps import cli

Command = Callable[..., Said]
GARBAGE = bytes(range(255, 0, -1)) * 9


# ── wrong usage ──────────────────────────────────────────────────────────────

USAGE: dict[str, tuple[str, ...]] = {
    "no command": (),
    "an unknown command": ("compute",),
    "an unknown language": ("--lang", "fr", "check"),
    "an unknown language of a command": ("check", "--lang", "fr"),
    "check, a path that is not there": ("check", "没有.tiaoli"),
    "check, an unknown form": ("check", "--format", "xml"),
    "check, a folder without rulesets": ("check", "{folder}"),
    "check, bytes that are no text": ("check", "{garbage}.tiaoli"),
    "run, no year": ("run", "CN-JX", "{records}"),
    "run, an unknown place": ("run", "CN-JY", "{records}", "--year", "2025"),
    "run, records that are not there": ("run", "CN-JX", "没有.yaml", "--year", "2025"),
    "run, a folder as records": ("run", "CN-JX", "{folder}", "--year", "2025"),
    "run, records of an unknown form": ("run", "CN-JX", "{garbage}.bin", "--year", "2025"),
    "run, a word as year": ("run", "CN-JX", "{records}", "--year", "今年"),
    "run, years backwards": ("run", "CN-JX", "{records}", "--year", "2030..2025"),
    "run, an open range of years": ("run", "CN-JX", "{records}", "--year", "2025.."),
    "run, a negative year": ("run", "CN-JX", "{records}", "--year", "-5"),
    "run, a year of five digits": ("run", "CN-JX", "{records}", "--year", "20255"),
    "run, a year before the first": ("run", "CN-JX", "{records}", "--year", "1999"),
    "run, an unknown rule": ("run", "CN-JX", "{records}", "--year", "2025", "--rule", "累计提高"),
    "run, a reading without option": ("run", "CN-JX", "{records}", "--year", "2025", "--reading", "首年断保"),
    "run, an unknown question": ("run", "CN-JX", "{records}", "--year", "2025", "--reading", "首年=包括"),
    "run, an unknown option of a question": ("run", "CN-JX", "{records}", "--year", "2025", "--reading", "首年断保=也许"),
    "run, an output of an unknown form": ("run", "CN-JX", "{records}", "--year", "2025", "--output", "o.txt"),
    "run, an output without form": ("run", "CN-JX", "{records}", "--year", "2025", "--output", "o"),
    "run, an output in a folder that is not there": ("run", "CN-JX", "{records}", "--year", "2025", "-o", "没有/o.jsonl"),
    "run, a folder as output": ("run", "CN-JX", "{records}", "--year", "2025", "-o", "{folder}.jsonl"),
    "run, a folder as closing": ("run", "CN-JX", "{records}", "--year", "2025", "--closing", "{folder}"),
    "run, one file as output and closing": (
        "run", "CN-JX", "{records}", "--year", "2025", "-o", "c.jsonl", "--closing", "c.jsonl",
    ),
    "run, the records as output": ("run", "CN-JX", "{records}", "--year", "2025", "--output", "{records}"),
    "run, an opening that is not there": ("run", "CN-JX", "{records}", "--year", "2026", "--opening", "没有"),
    "run, an opening of bytes": ("run", "CN-JX", "{records}", "--year", "2026", "--opening", "{garbage}.bin"),
    "run, records as an opening": ("run", "CN-JX", "{records}", "--year", "2026", "--opening", "{records}"),
    "run, rulesets that are not there": ("run", "CN-JX", "{records}", "--year", "2025", "--rulesets", "没有"),
    "explain, no rule": ("explain", "CN-JX", "{records}", "--person", "甲00", "--year", "2025"),
    "explain, an unknown person": ("explain", "CN-JX", "{records}", "--person", "甲", "--year", "2025", "--rule", "累计提高额度"),
    "explain, an unknown rule": ("explain", "CN-JX", "{records}", "--person", "甲00", "--year", "2025", "--rule", "累计提高"),
    "explain, a rule before its time": (
        "explain", "CN-JX", "{records}", "--person", "甲00", "--year", "2024", "--rule", "累计提高额度",
    ),
    "explain, a word as year": ("explain", "CN-JX", "{records}", "--person", "甲00", "--year", "今年", "--rule", "累计提高额度"),
    "explain, an unknown form": (
        "explain", "CN-JX", "{records}", "--person", "甲00", "--year", "2025", "--rule", "累计提高额度", "--format", "xml",
    ),
    "show, an unknown place": ("show", "CN-JY"),
    "show, an unknown name": ("show", "CN-JX", "累计提高", "--year", "2025"),
    "show, a year before the first": ("show", "CN-JX", "--year", "1900"),
    "show, an unknown form": ("show", "CN-JX", "--format", "xml"),
    "schema, an unknown place": ("schema", "CN-JY"),
    "test, a path that is not there": ("test", "没有.cases.yaml"),
    "test, a folder without cases": ("test", "{folder}"),
    "fmt, no path": ("fmt",),
    "fmt, a path that is not there": ("fmt", "没有.tiaoli"),
    "fmt, a folder without rulesets": ("fmt", "{folder}"),
    "fmt, bytes that are no text": ("fmt", "{garbage}.tiaoli"),
    "fmt, keywords of an unknown language": ("fmt", "{folder}", "--keywords", "fr"),
    "diff, a place without year": ("diff", "CN-JX", "CN-JX@2026"),
    "diff, an unknown place": ("diff", "CN-JX@2025", "CN-JY@2025"),
    "diff, a year before the first": ("diff", "CN-JX@2025", "CN-JX@1900"),
    "diff, an unknown form": ("diff", "CN-JX@2025", "CN-JX@2026", "--format", "xml"),
    "new, a file that is there": ("new", "{garbage}.tiaoli"),
    "new, a folder that is not there": ("new", "没有/甲"),
    "new, a place that is no code": ("new", "甲", "--place", "江西"),
    "new, a year of five digits": ("new", "甲", "--year", "20255"),
}  # fmt: skip


@pytest.mark.parametrize("arguments", USAGE.values(), ids=USAGE)
def test_wrong_usage_gives_a_message_and_code_2(
    command: Command, records: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    folder, garbage = records.parent / "空", records.parent / "杂"
    folder.mkdir()
    folder.with_suffix(".jsonl").mkdir()
    for suffix in (".tiaoli", ".bin"):
        garbage.with_suffix(suffix).write_bytes(GARBAGE)
    monkeypatch.chdir(records.parent)
    before = snapshot(records.parent)
    result = command(*(a.format(folder=folder, garbage=garbage, records=records) for a in arguments))
    assert result.code == 2
    assert result.err.strip() and not result.out.strip()
    assert "内部错误" not in result.err and "Errno" not in result.err and ".partial" not in result.err
    assert snapshot(records.parent) == before


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"" for p in folder.rglob("*")}


@pytest.mark.parametrize("suffix", (".yaml", ".json", ".jsonl", ".csv", ".xlsx"))
@pytest.mark.parametrize(
    "content", (b"", GARBAGE, b"\xef\xbb\xbf\n \n", b"[[[{"), ids=("empty", "bytes", "blank", "broken")
)
def test_a_file_that_cannot_be_read_as_records_is_a_finding(
    command: Command, tmp_path: Path, suffix: str, content: bytes
) -> None:
    file = tmp_path / f"r{suffix}"
    file.write_bytes(content)
    output = tmp_path / "o.jsonl"
    output.write_text("从前的结果", encoding="utf-8")
    result = command("run", "CN-JX", file, "--year", 2025, "--output", output)
    assert result.code == 1
    assert f"r{suffix}" in result.err
    assert output.read_text(encoding="utf-8") == "从前的结果"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["o.jsonl", f"r{suffix}"]


@pytest.mark.parametrize("name", ["check", "run", "explain", "show", "schema", "test", "fmt", "diff", "new"])
def test_each_command_explains_itself(command: Command, name: str) -> None:
    result = command(name, "--help")
    assert result.code == 0
    assert name in result.out and "--lang" in result.out


# ── check ────────────────────────────────────────────────────────────────────


def test_check_of_the_built_in_rulesets_finds_nothing(command: Command) -> None:
    result = command("check", "--strict")
    assert (result.code, result.err) == (0, "")
    assert "0 个错误，0 个警告" in result.out


def test_check_names_file_line_and_column(command: Command, tmp_path: Path) -> None:
    result = command("check", own(tmp_path, WRONG))
    assert result.code == 1
    assert "E204" in result.err and "自拟.tiaoli:2:16" in result.err


def test_warnings_fail_with_strict_only(command: Command, tmp_path: Path) -> None:
    file = own(tmp_path, WARNED)
    assert [command("check", file).code, command("check", file, "--strict").code] == [0, 1]
    assert "W601" in command("check", file).err


def test_check_takes_files_folders_and_rulesets_together(command: Command, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    own(tmp_path / "a", WRONG, "甲文"), own(tmp_path / "b", WRONG, "乙文")
    result = command("check", tmp_path / "a", "--rulesets", tmp_path / "b")
    assert "甲文.tiaoli:2" in result.err and "乙文.tiaoli:2" in result.err


def test_check_as_json_is_data(command: Command, tmp_path: Path) -> None:
    result = command("check", own(tmp_path, WRONG), "--format", "json")
    found = json.loads(result.out)
    assert result.code == 1
    assert [(d["code"], d["line"], d["column"]) for d in found if d["severity"] == "error"] == [("E204", 2, 16)]
    assert json.loads(command("check", "--format", "json").out) == []


def test_messages_come_in_english_when_asked(command: Command, tmp_path: Path) -> None:
    file = own(tmp_path, WRONG)
    for arguments in (("--lang", "en", "check", file), ("check", file, "--lang", "en")):
        assert "error[E204]: unknown name" in command(*arguments).err


def test_the_language_may_be_set_in_the_environment(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIAOLI_LANG", "en")
    assert "error[E204]" in command("check", own(tmp_path, WRONG)).err


# ── explain ──────────────────────────────────────────────────────────────────


def explain(command: Command, file: Path, *options: object, person: str = "李四", rule: str = "待遇开始日") -> Said:
    return command("explain", "CN-JX", file, "--person", person, "--year", 2030, "--rule", rule, *options)


def test_an_explanation_comes_as_text_tree_and_json(command: Command, example: Path) -> None:
    text, tree, data = (explain(command, example, "--format", form) for form in ("text", "tree", "json"))
    assert [text.code, tree.code, data.code] == [0, 0, 0]
    assert text.out.startswith("李四 2030年度 待遇开始日 = 2030-09-01")
    assert "├── " in tree.out
    assert json.loads(data.out)["结果"][0]["值"] == "2030-09-01"


def test_text_is_the_default_form(command: Command, example: Path) -> None:
    assert explain(command, example).out == explain(command, example, "--format", "text").out


def test_missing_facts_are_named_with_code_1(command: Command, tmp_path: Path) -> None:
    file = write_records(tmp_path / "r.jsonl", [{"编号": "P1", "年度": {"2030": {"参保": True}}}])
    result = explain(command, file, person="P1", rule="大病保险最高支付限额")
    assert result.code == 1
    assert "还缺少: 原封顶线" in result.out
    late = explain(command, file, person="P1", rule="待遇开始日")
    assert late.code == 1
    assert "还缺少: 缴费日期（2030年度）" in late.out


def test_what_the_missing_facts_do_not_touch_is_explained(command: Command, tmp_path: Path) -> None:
    file = write_records(tmp_path / "r.jsonl", [{"编号": "P1", "年度": {"2030": {"参保": True}}}])
    result = explain(command, file, person="P1", rule="连续参保年数")
    assert (result.code, result.out.splitlines()[0]) == (0, "P1 2030年度 连续参保年数 = 1年")


def test_explain_takes_readings_and_opening_states(command: Command, records: Path) -> None:
    state = records.parent / "期初.jsonl"
    lines(command, records, "--year", "2025..2028", "--closing", state)
    rows = {r["编号"]: r for r in lines(command, records, "--year", 2030, "--reading", "首年断保=包括")}
    found = explain(
        command,
        records,
        "--opening",
        state,
        "--reading",
        "首年断保=包括",
        "--format",
        "json",
        person="甲03",
        rule="变动等待期",
    )
    assert found.code == 0
    assert json.loads(found.out)["结果"][0]["值"] == rows["甲03"]["变动等待期"]


def test_faults_of_others_do_not_stop_an_explanation(command: Command, flawed: Path) -> None:
    assert explain(command, flawed, person="P3", rule="断保年数").code == 0
    faulty = explain(command, flawed, person="P2", rule="断保年数")
    assert faulty.code == 1
    assert "参堡" in faulty.err


# ── show, schema, diff ───────────────────────────────────────────────────────


def test_show_lists_what_is_in_force_with_document_and_clause(command: Command) -> None:
    result = command("show", "CN-JX", "--year", 2026)
    assert result.code == 0
    for text in ("赣府厅发〔2024〕34号", "二(四)", "累计提高额度", "固定等待期月数", "首年断保"):
        assert text in result.out


def test_show_of_one_name_says_no_more(command: Command) -> None:
    result = command("show", "CN-JX", "参保", "--year", 2026)
    assert result.code == 0
    assert "国办发〔2024〕38号" in result.out and "累计提高额度" not in result.out


def test_show_and_diff_as_json_are_data(command: Command) -> None:
    shown = json.loads(command("show", "CN-JX", "--year", 2026, "--format", "json").out)
    compared = json.loads(command("diff", "CN-JX@2025", "CN-JX@2026", "--format", "json").out)
    assert shown and compared


def test_diff_tells_old_and_new_values(command: Command) -> None:
    result = command("diff", "CN-JX@2025", "CN-JX@2026")
    assert result.code == 0
    assert "670元" in result.out and "700元" in result.out


def test_diff_of_a_side_with_itself_finds_nothing(command: Command) -> None:
    result = command("diff", "CN-JX@2025", "CN-JX@2025")
    assert result.code == 0
    assert "二(四)" not in result.out


def test_the_schema_is_valid_and_plain_jsonschema_judges_alike(
    command: Command, histories: list[dict[str, Any]], jiangxi: tiaoli.Rules
) -> None:
    schema = json.loads(command("schema", "CN-JX").out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)
    judge = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    sound = [*histories, *({"编号": "P", "原封顶线": Decimal(n) / 100} for n in range(0, 100_000, 37))]
    assert [r for r in sound if not judge.is_valid(json.loads(json_text(r)))] == []
    assert [r for r in spoilt() if judge.is_valid(r)] == []
    for record in spoilt():
        with pytest.raises(tiaoli.RecordError):
            jiangxi.evaluate(record, 2025)


def spoilt() -> Iterator[dict[str, Any]]:
    """Records of which each has one fault that a schema can see."""
    sound: dict[str, Any] = {"编号": "P", "原封顶线": 1, "年度": {"2025": {"参保": True, "缴费日期": "2024-11-02"}}}
    for key, values in {
        "编号": (None, "", [1]),
        "原封顶线": (-1, "1", None, True, [1]),
        "免等待人群": ("对", 1, None),
        "多余": (1,),
    }.items():
        yield from ({**sound, key: value} for value in values)
    yield from ({k: v for k, v in sound.items() if k != gone} for gone in ("编号", "原封顶线"))
    year = sound["年度"]["2025"]
    for key, faults in {
        "参保": ("yes", 0),
        "缴费日期": ("2024-02-30", 2024, "昨天"),
        "基金支付": (-1, "0"),
        "补缴年数": (-1, 1),
    }.items():
        wrong = faults if key != "补缴年数" else (-1, Decimal("0.5"), "1")
        yield from (
            {**sound, "年度": {"2025": {**year, key: float(v) if isinstance(v, Decimal) else v}}} for v in wrong
        )
    yield {**sound, "年度": {"今年": year}}
    yield {**sound, "年度": [year]}


# ── test ─────────────────────────────────────────────────────────────────────


@pytest.mark.no_cover
def test_the_built_in_cases_pass_and_reach_every_branch() -> None:
    done = subprocess.run([sys.executable, "-m", "tiaoli", "test"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert re.search(r"4[0-9][0-9] 个通过，0 个不符", done.stdout) and "未到达" not in done.stdout


def test_a_failing_case_shows_expected_actual_and_why(command: Command, tmp_path: Path) -> None:
    own(tmp_path, WARNED + "要求 报销 ≤ 1万元\n")
    cases = tmp_path / "自拟.cases.yaml"
    cases.write_text(
        "地区: CN-ZZ\n用例:\n  - 名称: 算错的\n    记录: {编号: P, 年度: {2025: {费用: 100}}}\n    期望: {2025: {报销: 70}}\n",
        encoding="utf-8",
    )
    for arguments in ((cases,), (tmp_path,)):
        result = command("test", *arguments)
        assert result.code == 1
        assert "自拟.cases.yaml:5" in result.err
        assert "70" in result.err and "60元" in result.err and "费用 × 60%" in result.err
        assert "0 个通过，1 个不符" in result.out


LOWER = """文件 试行  地区 CN-ZZ-乙  施行 2025年度
例外 规则 报销 当 费用 > 5万元 得 费用 × 70%
例外 规则 报销 当 费用 > 9万元 得 费用 × 80%
"""


def test_what_no_case_reached_is_listed_of_ones_own_documents_alone(command: Command, tmp_path: Path) -> None:
    lower = tmp_path / "乙"
    lower.mkdir()
    own(tmp_path, WARNED)
    (lower / "试行.tiaoli").write_text(LOWER, encoding="utf-8")
    (lower / "补充.tiaoli").write_text("文件 补充  地区 CN-ZZ-乙  施行 2025年度\n参数 数: 整数 = 1\n", encoding="utf-8")
    record = "{编号: P, 年度: {2025: {费用: 60000}}}"
    case = f"地区: CN-ZZ-乙\n用例:\n  - {{名称: 甲, 记录: {record}, 期望: {{2025: {{报销: 42000}}}}}}\n"
    (lower / "试行.cases.yaml").write_text(case, encoding="utf-8")
    whole, lone = command("test", tmp_path), command("test", lower, "--rulesets", tmp_path / "自拟.tiaoli")
    assert "试行: 用例到达 1/2 处分支" in whole.out and "自拟: 用例到达 0/1 处分支" in whole.out
    for said in (whole, lone):
        assert said.code == 0
        assert "补充: 没有分支" in said.out and "试行.tiaoli:3" in said.out and "国办发" not in said.out
        assert "1 个通过，0 个不符" in said.out
    assert whole.out.count("未到达") == 2 and lone.out.count("未到达") == 1
    assert "其他" in lone.out and "自拟" not in lone.out


# ── fmt and new ──────────────────────────────────────────────────────────────

UNTIDY = "# 头\n文件 自拟   地区 CN-ZZ 施行 2025年度\n规则   甲:金额=1元   # 尾\n"


def test_fmt_lays_out_once_and_for_all(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "自拟.tiaoli"
    file.write_text(UNTIDY, encoding="utf-8")
    assert command("fmt", "--check", file).code == 1
    assert file.read_text(encoding="utf-8") == UNTIDY
    assert "已排版" in command("fmt", tmp_path).out
    tidy = file.read_text(encoding="utf-8")
    assert "# 头" in tidy and "# 尾" in tidy and tidy != UNTIDY
    assert (command("fmt", "--check", file), command("fmt", file).out) == (Said(0, "", ""), "")
    assert file.read_text(encoding="utf-8") == tidy


def test_fmt_spells_keywords_in_either_language(command: Command, tmp_path: Path) -> None:
    file = own(tmp_path, WARNED)
    command("fmt", file)
    before = file.read_text(encoding="utf-8")
    assert command("fmt", file, "--keywords", "en").code == 0
    assert "output rule 报销: money" in file.read_text(encoding="utf-8")
    assert command("fmt", file, "--keywords", "zh").code == 0
    assert file.read_text(encoding="utf-8") == before


def test_fmt_leaves_what_it_cannot_parse(command: Command, tmp_path: Path) -> None:
    file = own(tmp_path, "规则 甲 金额 = = 1元\n")
    before = file.read_bytes()
    assert command("fmt", file).code == 1
    assert file.read_bytes() == before


def test_the_built_in_rulesets_are_laid_out(command: Command) -> None:
    assert command("fmt", "--check", ROOT / "rulesets") == Said(0, "", "")


@pytest.mark.parametrize(
    "name", ("甲省2026", "甲省2026.tiaoli", "a b", "2026", "《文件》", '引"号', "x" * 60, "文件", "规则")
)
def test_a_new_ruleset_checks_clean_and_runs(command: Command, tmp_path: Path, name: str) -> None:
    made = command("new", tmp_path / name, "--place", "CN-ZZ", "--year", 2026)
    assert made.code == 0
    file = next(tmp_path.glob("*.tiaoli"))
    checked = command("check", file, "--strict")
    assert (checked.code, checked.err) == (0, "")
    assert command("fmt", "--check", file).code == 0
    people = write_records(tmp_path / "r.jsonl", [{"编号": "P", "年度": {"2026": {"示例困难群众": True}}}])
    ran = command("run", "CN-ZZ", people, "--year", 2026, "--rulesets", tmp_path, "-o", tmp_path / "o.jsonl")
    assert ran.code == 0
    assert json.loads((tmp_path / "o.jsonl").read_text(encoding="utf-8"))["示例应缴金额"] == 160


# ── processes ────────────────────────────────────────────────────────────────


def test_a_full_disk_is_said_and_is_no_bug(capsys: pytest.CaptureFixture[str]) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(SystemExit) as left:
        cli._guard(full)
    assert left.value.code == 1
    assert "内部错误" not in (told := capsys.readouterr().err) and "E824" in told


def test_the_module_runs_like_the_command(process: Command) -> None:
    assert process("check").code == 0
    assert process("check", "没有.tiaoli").code == 2


def test_a_bug_is_said_in_one_line_with_a_code_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.delenv("TIAOLI_DEBUG", raising=False)
    with pytest.raises(SystemExit) as left:
        cli._guard(broken)
    told = capsys.readouterr().err
    assert left.value.code == 3
    assert "ZeroDivisionError: oops" in told and len(told.splitlines()) == 1
    monkeypatch.setitem(os.environ, "TIAOLI_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        cli._guard(broken)
