"""`tiaoli run`: all forms in and out, its options, faulty records, and what is left on disk when something goes wrong."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

import tiaoli
from support import WARNED, WRONG, Said, json_text, lines, own, read_results, said, start, write_records

Command = Callable[..., Said]
YEARS = "2025..2030"
OUTPUTS = (".jsonl", ".json", ".csv", ".xlsx")


# ── run: forms ───────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def expected(histories: list[dict[str, Any]], jiangxi: tiaoli.Rules) -> list[dict[str, Any]]:
    """One flat object a person-year, from the Python API."""
    return [
        {"编号": r["编号"], "年度": year, **row}
        for r in histories
        for year, row in jiangxi.evaluate(r, range(2025, 2031)).items()
    ]


@pytest.mark.parametrize("suffix", (".yaml", ".json", ".jsonl", ".csv", ".xlsx"))
def test_every_form_of_records_gives_the_same_results(
    command: Command, tmp_path: Path, histories: list[dict[str, Any]], expected: list[dict[str, Any]], suffix: str
) -> None:
    file = write_records(tmp_path / f"r{suffix}", histories)
    result = command("run", "CN-JX", file, "--year", YEARS, "--output", tmp_path / "o.jsonl")
    assert (result.code, result.err) == (0, f"计算了 40 人 → {tmp_path / 'o.jsonl'}；0 条记录有错，没有计算。\n")
    written = read_results((tmp_path / "o.jsonl").read_text(encoding="utf-8"))
    assert written == [{k: plain(v) for k, v in row.items()} for row in expected]


@pytest.mark.parametrize("suffix", OUTPUTS)
def test_every_form_of_results_holds_the_same_values(
    command: Command, records: Path, expected: list[dict[str, Any]], suffix: str
) -> None:
    output = records.parent / f"o{suffix}"
    assert command("run", "CN-JX", records, "--year", YEARS, "-o", output).code == 0
    rows = [{k: row[k] for k in expected[0]} for row in read(output)]
    assert rows == [{k: text(v) for k, v in row.items()} for row in expected]


def plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def text(value: Any) -> str:
    """Return a value as one text, however the form of file spells it."""
    match value:
        case None:
            return ""
        case datetime():
            return value.date().isoformat()
        case date():
            return value.isoformat()
        case Decimal() | float():
            return f"{Decimal(str(value)).normalize():f}"
        case _:
            return str(value)


def read(path: Path) -> Iterator[Mapping[str, str]]:
    match path.suffix:
        case ".jsonl":
            rows: Any = read_results(path.read_text(encoding="utf-8"))
        case ".json":
            rows = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)["结果"]
        case ".csv":
            rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")))
        case _:
            cells = list(load_workbook(path)["结果"].iter_rows(values_only=True))
            rows = [dict(zip(cells[0], line, strict=True)) for line in cells[1:]]
    for row in rows:
        yield {k: text(v) for k, v in row.items()}


KINDS = """每年 事实 费用: 金额 默认 0元
事实 类别: 居民 | 职工 默认 居民
事实 生日: 日期 可空
结果 规则 金额: 金额 可空
  当 费用 > 0元 得 费用 × 0.335
  否则 无
结果 规则 比例: 比例 舍入 四舍五入 到 0.000001 = 费用 ÷ 7元
结果 规则 是否项: 是否 = 费用 > 1元
结果 规则 天: 日期 可空
  当 没有 生日 得 无
  否则 生日
结果 规则 属年: 年度 = 本年度
结果 规则 几个月: 月数 = 3个月
结果 规则 类: 居民 | 职工 = 类别
结果 规则 负: 金额 = 0元 - 费用
结果 规则 迟来: 整数 自 2026年度 = 7
"""


@pytest.mark.parametrize("suffix", OUTPUTS)
def test_every_kind_of_value_is_written_exactly(command: Command, tmp_path: Path, suffix: str) -> None:
    own(tmp_path, KINDS)
    people = [
        {"编号": '引"号', "类别": "职工", "生日": "2000-02-29", "年度": {"2025": {"费用": Decimal("1234567.89")}}},
        {"编号": "P2", "年度": {"2026": {"费用": Decimal("0.01")}}},
    ]
    file, output = write_records(tmp_path / "r.jsonl", people), tmp_path / f"o{suffix}"
    result = command("run", "CN-ZZ", file, "--year", "2025..2026", "--rulesets", tmp_path, "-o", output)
    assert result.code == 0, result.err
    rules = tiaoli.load("CN-ZZ", tmp_path)
    expected = [
        {"编号": p["编号"], "年度": str(year), **{k: text(v) for k, v in row.items()}}
        for p in people
        for year, row in rules.evaluate(p, range(2025, 2027)).items()
    ]
    assert [{k: words(row[k]) for k in expected[0]} for row in read(output)] == [
        {k: words(v) for k, v in row.items()} for row in expected
    ]
    assert expected[0]["金额"] == "413580.24" and expected[0]["迟来"] == "" and expected[3]["迟来"] == "7"


def words(value: str) -> str:
    """Tables write 是 and 否 where JSON has true and false."""
    return {"是": "True", "否": "False"}.get(value, value)


def test_results_say_what_they_rest_on(command: Command, records: Path, jiangxi: tiaoli.Rules) -> None:
    place, reading = "CN-JX", "首年断保=包括"
    for suffix in OUTPUTS:
        command(
            "run",
            place,
            records,
            "--year",
            2025,
            "-o",
            records.parent / f"o{suffix}",
            "--reading",
            reading,
            "--provenance",
        )
    first = json.loads((records.parent / "o.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert first["引擎"] == f"tiaoli {tiaoli.__version__}"
    assert first["规则集"] == jiangxi.program(2025).fingerprint
    assert (first["地区"], first["读法"]["首年断保"]) == (place, "包括")
    whole = json.loads((records.parent / "o.json").read_text(encoding="utf-8"))
    assert {k: whole[k] for k in first} == first
    row = next(csv.DictReader(io.StringIO((records.parent / "o.csv").read_text(encoding="utf-8-sig"))))
    assert (row["规则集"], row["地区"]) == (first["规则集"], place)
    notes = dict(load_workbook(records.parent / "o.xlsx")["说明"].iter_rows(values_only=True))
    assert notes["规则集"] == first["规则集"] and reading in notes["读法"]


def test_json_lines_have_no_header_unless_asked(command: Command, records: Path) -> None:
    command("run", "CN-JX", records, "--year", 2025, "-o", records.parent / "o.jsonl")
    assert all("编号" in row for row in read_results((records.parent / "o.jsonl").read_text(encoding="utf-8")))


def test_without_output_a_table_a_person_is_printed(command: Command, example: Path) -> None:
    result = command("run", "CN-JX", example, "--year", YEARS)
    assert result.code == 0
    assert "张三" in result.out and "李四" in result.out
    assert "2030-09-01" in result.out and "403,000元" in result.out
    assert "CN-JX · tiaoli" in result.out
    assert "计算了 2 人；0 条记录有错" in result.err


def test_a_long_table_says_what_it_leaves_out(command: Command, records: Path) -> None:
    result = command("run", "CN-JX", records, "--year", "2025..2034")
    assert result.code == 0
    assert "行没有显示；用 --output" in result.err


def test_numbers_of_people_are_texts_that_spreadsheets_do_not_run(command: Command, tmp_path: Path) -> None:
    file = write_records(tmp_path / "r.jsonl", [{"编号": "=1+1", "原封顶线": 1}])
    command("run", "CN-JX", file, "--year", 2025, "-o", tmp_path / "o.csv")
    command("run", "CN-JX", file, "--year", 2025, "-o", tmp_path / "o.xlsx")
    assert "\n'=1+1,2025" in (tmp_path / "o.csv").read_text(encoding="utf-8-sig").replace("\r", "")
    assert load_workbook(tmp_path / "o.xlsx")["结果"]["A2"].data_type == "s"


# ── run: options ─────────────────────────────────────────────────────────────


def test_rule_picks_any_rules_in_the_order_asked(command: Command, records: Path) -> None:
    rows = lines(command, records, "--year", 2026, "--rule", "逾期参保", "--rule", "待遇等待期")
    assert {tuple(row) for row in rows} == {("编号", "年度", "逾期参保", "待遇等待期")}
    assert {row["逾期参保"] for row in rows} == {True, False}


def test_reading_changes_results(command: Command, records: Path) -> None:
    usual = lines(command, records, "--year", YEARS, "--rule", "变动等待期")
    other = lines(command, records, "--year", YEARS, "--rule", "变动等待期", "--reading", "首年断保=包括")
    assert sum(r["变动等待期"] for r in other) > sum(r["变动等待期"] for r in usual) > 0


@pytest.mark.parametrize("year", (2025, 2027, 2029))
def test_going_on_from_the_closing_of_any_year_equals_the_full_run(command: Command, records: Path, year: int) -> None:
    state = records.parent / "期初.jsonl"
    whole = lines(command, records, "--year", "2025..2032")
    early = lines(command, records, "--year", f"2025..{year}", "--closing", state)
    later = lines(command, records, "--year", f"{year + 1}..2032", "--opening", state)
    assert [r for r in whole if r["年度"] <= year] == early
    assert [r for r in whole if r["年度"] > year] == later


def test_opening_needs_no_facts_of_years_gone_by(
    command: Command, records: Path, histories: list[dict[str, Any]]
) -> None:
    state, late = records.parent / "期初.jsonl", records.parent / "以后.jsonl"
    whole = lines(command, records, "--year", "2025..2030")
    lines(command, records, "--year", "2025..2027", "--closing", state)
    write_records(late, [{**h, "年度": {y: f for y, f in h["年度"].items() if y > 2027}} for h in histories])
    assert lines(command, late, "--year", "2028..2030", "--opening", state) == [r for r in whole if r["年度"] > 2027]


def test_a_person_without_opening_state_is_left_out(command: Command, records: Path) -> None:
    state = records.parent / "期初.jsonl"
    lines(command, records, "--year", 2025, "--closing", state)
    kept = state.read_text(encoding="utf-8").splitlines()[1:]
    state.write_text("\n".join(kept), encoding="utf-8")
    result = command("run", "CN-JX", records, "--year", 2026, "--opening", state, "-o", records.parent / "o.jsonl")
    assert result.code == 1
    assert "甲00" in result.err and "39 人" in result.err


@pytest.mark.parametrize("line", ("不是", "{}", '{"编号":"甲00","年度":"去年","期初":{}}', "[1]"))
def test_a_line_that_is_no_state_is_named(command: Command, records: Path, line: str) -> None:
    state = records.parent / "期初.jsonl"
    state.write_text(f"\n{line}\n", encoding="utf-8")
    result = command("run", "CN-JX", records, "--year", 2026, "--opening", state)
    assert (result.code, result.out) == (2, "")
    assert "E822" in result.err and "期初.jsonl:2:" in result.err


def test_a_wrong_value_in_a_state_is_a_fault_of_that_person(command: Command, records: Path) -> None:
    state = records.parent / "期初.jsonl"
    lines(command, records, "--year", 2025, "--closing", state)
    states = [json.loads(line) for line in state.read_text(encoding="utf-8").splitlines()]
    states[3]["期初"]["断保年数"] = "三"
    write_records(state, states)
    result = command("run", "CN-JX", records, "--year", 2026, "--opening", state, "-o", records.parent / "o.jsonl")
    assert result.code == 1
    assert result.err.count("E822") == 1
    assert "甲03" in result.err and "断保年数" in result.err and "39 人" in result.err


def test_a_state_later_than_the_years_asked_is_refused(command: Command, records: Path) -> None:
    state = records.parent / "期初.jsonl"
    lines(command, records, "--year", 2027, "--closing", state)
    result = command("run", "CN-JX", records, "--year", 2026, "--opening", state)
    assert result.code in (1, 2)
    assert "E822" in result.err


def test_rulesets_of_ones_own_are_used(command: Command, tmp_path: Path) -> None:
    own(tmp_path, WARNED)
    file = write_records(tmp_path / "r.jsonl", [{"编号": "P1", "年度": {"2025": {"费用": Decimal("10.01")}}}])
    result = command("run", "CN-ZZ", file, "--year", 2025, "--rulesets", tmp_path, "-o", tmp_path / "o.jsonl")
    assert result.code == 0
    assert read_results((tmp_path / "o.jsonl").read_text(encoding="utf-8"))[0]["报销"] == Decimal("6.01")


def test_rulesets_with_errors_are_a_finding_and_nothing_is_computed(command: Command, tmp_path: Path) -> None:
    own(tmp_path, WRONG)
    file = write_records(tmp_path / "r.jsonl", [{"编号": "P1"}])
    result = command("run", "CN-ZZ", file, "--year", 2025, "--rulesets", tmp_path, "-o", tmp_path / "o.jsonl")
    assert result.code == 1
    assert "E204" in result.err
    assert not (tmp_path / "o.jsonl").exists()


def test_a_mandate_broken_by_a_persons_values_is_a_finding(command: Command, tmp_path: Path) -> None:
    own(tmp_path, WARNED + "要求 报销 ≤ 100元\n")
    good, bad = ({"编号": f"P{n}", "年度": {"2025": {"费用": n}}} for n in (100, 200))
    file = write_records(tmp_path / "r.jsonl", [good, bad])
    result = command("run", "CN-ZZ", file, "--year", 2025, "--rulesets", tmp_path, "-o", tmp_path / "o.jsonl")
    assert result.code == 1
    assert "E805" in result.err and "P200" in result.err and "P100" not in result.err


# ── run: faulty records ──────────────────────────────────────────────────────


@pytest.mark.parametrize("suffix", OUTPUTS)
def test_faulty_records_are_listed_counted_and_left_out(command: Command, flawed: Path, suffix: str) -> None:
    output = flawed.parent / f"o{suffix}"
    result = command("run", "CN-JX", flawed, "--year", 2025, "-o", output)
    assert result.code == 1
    assert result.err.count("flawed.jsonl:2") == 2
    assert "参堡" in result.err and "是不是“参保”" in result.err
    assert "计算了 2 人" in result.err and "1 条记录有错" in result.err
    assert [row["编号"] for row in read(output)] == ["P1", "P3"]


def test_strict_stops_at_the_first_fault_and_writes_nothing(command: Command, flawed: Path) -> None:
    output = flawed.parent / "o.jsonl"
    output.write_text("从前的结果", encoding="utf-8")
    result = command("run", "CN-JX", flawed, "--year", 2025, "-o", output, "--closing", flawed.parent / "c", "--strict")
    assert result.code == 1
    assert "已停止" in result.err
    assert output.read_text(encoding="utf-8") == "从前的结果"
    assert sorted(p.name for p in flawed.parent.iterdir()) == ["flawed.jsonl", "o.jsonl"]


def test_strict_without_faults_is_no_different(command: Command, records: Path) -> None:
    assert lines(command, records, "--year", 2025, "--strict") == lines(command, records, "--year", 2025)


def test_one_bad_cell_among_ten_thousand_is_found(command: Command, tmp_path: Path) -> None:
    rows = [json_text({"编号": f"P{i}", "原封顶线": 400000, "年度": {"2025": {"基金支付": 10}}}) for i in range(10_000)]
    rows[7_776] = rows[7_776].replace(":10}", ':"十"}')
    file = tmp_path / "r.jsonl"
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    result = command("run", "CN-JX", file, "--year", 2025, "-o", tmp_path / "o.jsonl", "--rule", "断保年数")
    assert result.code == 1
    assert "r.jsonl:7777:" in result.err and "P7776" in result.err and "基金支付" in result.err and "十" in result.err
    assert "计算了 9999 人" in result.err and "1 条记录有错" in result.err
    assert len((tmp_path / "o.jsonl").read_text(encoding="utf-8").splitlines()) == 9_999


def test_thousands_of_faults_are_counted_but_not_all_listed(command: Command, tmp_path: Path) -> None:
    file = write_records(tmp_path / "r.jsonl", [{"编号": f"P{i}"} for i in range(2_000)])
    result = command("run", "CN-JX", file, "--year", 2025)
    assert result.code == 1
    assert "2000 条记录有错" in result.err
    assert result.err.count("错误[") <= 100


def test_records_that_cannot_be_computed_are_listed_like_faulty_ones(command: Command, tmp_path: Path) -> None:
    own(tmp_path, "每年 事实 人数: 整数\n结果 规则 人均: 金额 舍入 向下 到 分 = 100元 ÷ 人数\n")
    file = write_records(tmp_path / "r.jsonl", [{"编号": f"P{n}", "年度": {"2025": {"人数": n}}} for n in (0, 4)])
    result = command("run", "CN-ZZ", file, "--year", 2025, "--rulesets", tmp_path, "-o", tmp_path / "o.jsonl")
    assert result.code == 1
    assert "P0" in result.err and "人均" in result.err
    assert [(r["编号"], r["人均"]) for r in read_results((tmp_path / "o.jsonl").read_text(encoding="utf-8"))] == [
        ("P4", 25)
    ]


# ── run: what is left on disk ────────────────────────────────────────────────


def test_on_a_terminal_a_table_is_drawn_and_progress_shown(records: Path) -> None:
    ours, theirs = pty.openpty()
    running = start("run", "CN-JX", records, "--year", YEARS, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b"".join(iter(lambda: read_terminal(ours), b"")).decode(errors="replace")
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert running.wait(timeout=60) == 0
    assert "┃ 年度" in shown and "计算了 40 人" in shown and "Traceback" not in shown


def read_terminal(ours: int) -> bytes:
    try:
        return os.read(ours, 65_536)
    except OSError:
        return b""


@pytest.mark.parametrize("suffix", OUTPUTS)
def test_an_existing_output_is_replaced_as_a_whole(command: Command, records: Path, suffix: str) -> None:
    output = records.parent / f"o{suffix}"
    output.write_bytes(b"old " * 100_000)
    held = output.open("rb")
    assert command("run", "CN-JX", records, "--year", 2025, "-o", output).code == 0
    with held:
        assert held.read(4) == b"old ", "the old file was written over in place"
    assert len(list(read(output))) == 40
    assert sorted(p.name for p in records.parent.iterdir()) == sorted([output.name, records.name])


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [
        (signal.SIGINT, 130, "已中断"),
        (signal.SIGTERM, 143, "运行被终止"),
        (signal.SIGHUP, 129, "运行被终止"),
        (signal.SIGQUIT, 131, "运行被终止"),
    ],
)
def test_an_interrupted_run_leaves_the_old_file_and_no_partial_one(
    records: Path, histories: list[dict[str, Any]], number: signal.Signals, code: int, word: str
) -> None:
    folder = records.parent
    big, output = folder / "big.jsonl", folder / "o.jsonl"
    write_records(big, [{**histories[i % 40], "编号": f"P{i}"} for i in range(40_000)])
    output.write_text("从前的结果", encoding="utf-8")
    running = start("run", "CN-JX", big, "--year", "2025..2034", "-o", output, "--closing", folder / "c.jsonl")
    wait_for(lambda: any(".partial" in p.name and p.stat().st_size for p in folder.iterdir()), running)
    running.send_signal(number)
    result = said(running)
    assert result.code == code
    assert "Traceback" not in result.err and word in result.err
    assert output.read_text(encoding="utf-8") == "从前的结果"
    assert sorted(p.name for p in folder.iterdir()) == sorted(["big.jsonl", "o.jsonl", records.name])


def wait_for(happened: Callable[[], bool], running: subprocess.Popen[bytes]) -> None:
    for _ in range(3_000):
        if happened():
            return
        assert running.poll() is None, "the run ended before it could be interrupted"
        time.sleep(0.01)
    raise AssertionError("nothing was written")


@pytest.mark.parametrize(
    "arguments", (("run", "CN-JX", "{records}", "--year", "2025..2034"), ("show", "CN-JX"), ("schema", "CN-JX"))
)
def test_a_reader_that_stops_early_is_no_error_of_ours(records: Path, arguments: tuple[str, ...]) -> None:
    running = start(*(a.format(records=records) for a in arguments))
    assert running.stdout is not None
    running.stdout.close()
    running.stdout = None
    result = said(running)
    assert result.code in (0, 1)
    assert result.err == ""
