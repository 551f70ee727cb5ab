"""Tables that are damaged, untidy or contradict themselves, and files that must not be written over."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped,unused-ignore]
import pytest
from openpyxl import Workbook
from pyarrow import parquet

from support import Said, own
from tiaoli.batch.layout import ID, YEAR
from tiaoli.batch.sources import damage

Command = Callable[..., Said]
ASKED = ("--year", "2025..2026", "--rule", "大病保险最高支付限额")
HEAD = "编号,原封顶线,参保@2025,缴费日期@2025,参保@2026,缴费日期@2026\n"
GOOD = "甲,4,是,2024-11-02,是,2025-11-02\n"
LONG = "编号,年度,原封顶线,参保,缴费日期,县\n甲,2025,4,是,2024-11-02,南昌县\n甲,2026,4,否,,新建区\n"


def csv_file(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def run_own(command: Command, rulesets: Path, table: Path, rule: str, years: str, *more: object) -> Said:
    """Run one rule of the ruleset that `own` wrote."""
    return command("run", "CN-ZZ", table, "--year", years, "--rule", rule, "--rulesets", rulesets, *more)


# ── files that are read are never written ────────────────────────────────────


@pytest.mark.parametrize("engine", ("polars", "duckdb"))
@pytest.mark.parametrize(
    ("before", "after"),
    [("190000", "200000"), ("300000", "200000"), ("-0.05", "49999.95"), ("21474836", "200000"), ("90000000000000", "200000"), ("0", "50000")],
)  # fmt: skip
def test_a_state_beyond_what_the_rules_give_is_gone_on_from_as_it_is(
    command: Command, tmp_path: Path, before: str, after: str, engine: str
) -> None:
    """Nothing that the plan leaves out since no value of the rules could need it is left out for such a state; DuckDB sets it aside."""
    own(
        tmp_path,
        "每年 事实 花费: 金额 默认 0元 范围 0元..5万元\n结果 规则 余额: 金额 初值 0元 = 取小(上年 余额 + 花费, 20万元)\n",
    )
    table, state, output = (tmp_path / name for name in ("表.parquet", "期初.parquet", "o.parquet"))
    pl.DataFrame({ID: ["甲"], "花费@2026": [50000]}).write_parquet(table)
    pl.DataFrame({ID: ["甲"], "余额@2025": [Decimal(before).quantize(Decimal("0.01"))]}).write_parquet(state)
    said = run_own(command, tmp_path, table, "余额", "2026", "--engine", engine, "--opening", state, "-o", output)
    found = [row[1] for row in pl.read_parquet(output).rows()]
    aside = engine == "duckdb" and before != "0"  # in so few years it grows no further than 150,000
    assert found == ([] if aside else [Decimal(after)]), said.err
    assert said.code == (1 if aside else 0)


@pytest.mark.parametrize("engine", ("polars", "duckdb"))
@pytest.mark.parametrize(("decimals", "units"), [(20, "元"), (27, "元"), (30, "元"), (36, "元"), (30, "分")])
def test_no_decimal_is_too_small_to_be_seen(
    command: Command, tmp_path: Path, decimals: int, units: str, engine: str
) -> None:
    own(tmp_path, "事实 底数: 金额\n结果 规则 补贴: 金额 = 底数\n")
    a_little = Decimal(f"2.{'0' * (decimals - 1)}1")
    values = pl.Series([Decimal(2), a_little], dtype=pl.Decimal(38, decimals))
    table, output, rejects = (tmp_path / name for name in ("表.parquet", "o.parquet", "r.csv"))
    pl.DataFrame({ID: ["甲", "乙"], "底数": values}).write_parquet(table)
    asked = ("--units", units, "--engine", engine, "-o", output, "--rejects", rejects)
    said = run_own(command, tmp_path, table, "补贴", "2025", *asked)
    if engine == "duckdb" and decimals > 27:  # beside so many decimals it has no room for the limits of an amount
        assert said.code == 2 and "E851" in said.err
        return
    assert said.code == 1, said.err
    assert pl.read_parquet(output)[ID].to_list() == ["甲"]
    found = pl.read_csv(rejects, infer_schema=False).row(0, named=True)
    code = "E734" if engine == "duckdb" and units == "分" else "E733"
    assert (found["编号"], found["代码"], Decimal(found["值"])) == ("乙", code, a_little)


@pytest.mark.parametrize("engine", ("polars", "duckdb"))
@pytest.mark.parametrize(
    ("option", "target"),
    [
        ("--rejects", "表"), ("--summary", "表"), ("--output", "表"), ("--closing", "表"), ("--rejects", "结果"),
        ("--summary", "结果"), ("--closing", "结果"), ("--rejects", "本人"), ("--summary", "期初"),
    ],
)  # fmt: skip
def test_what_is_read_or_written_is_never_written_over(
    command: Command, tmp_path: Path, engine: str, option: str, target: str
) -> None:
    names = {name: tmp_path / f"{name}.parquet" for name in ("表", "结果", "本人", "期初")}
    for name in ("表", "本人", "期初"):
        pl.DataFrame({ID: ["甲"], "原封顶线": [Decimal(4)]}).write_parquet(names[name])
    before = names["表"].read_bytes()
    output = () if option == "--output" else ("--output", names["结果"])
    read = {"本人": ("--persons", names["本人"]), "期初": ("--opening", names["期初"])}.get(target, ())
    said = command("run", "CN-JX", names["表"], *ASKED, *output, *read, option, names[target], "--engine", engine)
    assert said.code == 2 and "E826" in said.err, said.err
    assert names["表"].read_bytes() == before and not names["结果"].exists()


def test_nothing_is_written_into_a_folder_that_is_read(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "全省"
    folder.mkdir()
    csv_file(folder / "一.csv", HEAD + GOOD)
    said = command("run", "CN-JX", folder, *ASKED, "-o", tmp_path / "结果", "--rejects", folder / "退回.csv")
    assert said.code == 2 and "E826" in said.err
    assert [f.name for f in folder.iterdir()] == ["一.csv"]


# ── damaged CSV ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rows", "code", "line"),
    [
        (GOOD + '乙,"4,是,2024-11-02,是,2025-11-02\n', "E707", 3),
        (GOOD.encode() + b"\xff,4,\n", "E707", 3),
    ],
)
def test_a_damaged_line_is_named(command: Command, tmp_path: Path, rows: str | bytes, code: str, line: int) -> None:
    text = HEAD.encode() + (rows if isinstance(rows, bytes) else rows.encode())
    file, output = csv_file(tmp_path / "表.csv", text), tmp_path / "o.csv"
    said = command("run", "CN-JX", file, *ASKED, "-o", output)
    assert said.code == 2 and f"错误[{code}]" in said.err and f"表.csv:{line}:1" in said.err, said.err
    assert not output.exists() and list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("encoding", ("utf-8", "utf-8-sig", "gb18030"))
@pytest.mark.parametrize("shape", ("wide", "long"))
def test_a_row_with_too_many_cells_is_a_fault_of_its_own(
    command: Command, tmp_path: Path, shape: str, encoding: str
) -> None:
    if shape == "wide":
        head, *sound = HEAD, GOOD, '"乙, 丙","4\n",' + GOOD.split(",", 2)[2]
        bad = "丁,1,000,是,2024-11-02,是,2025-11-02\n", GOOD.replace("甲", "戊").replace("4", "4,")
    else:
        head, sound = LONG.splitlines()[0].replace(",县", "") + "\n", ["甲,2025,4,是,2024-11-02\n", "甲,2026,4,否,\n"]
        bad = "丁,2025,1,000,是,2024-11-02\n", "戊,2026,4,否,,\n"
    text = head + bad[0] + ",,,,,,,,\n\n" + "".join(sound) + bad[1]
    file, output, rejects = (tmp_path / name for name in ("表.csv", "o.csv", "r.csv"))
    file.write_text(text, encoding=encoding)
    said = command("run", "CN-JX", file, *ASKED, "-o", output, "--rejects", rejects, "--engine", "polars")
    assert said.code == 1, said.err
    told = pl.read_csv(rejects)
    line = text.count("\n")
    assert told[ID].to_list() == ["丁", "戊"] and set(told["代码"]) == {"E731"}
    assert "第 2 行" in told["原因"][0] and f"第 {line} 行" in told["原因"][1], told["原因"].to_list()
    csv_file(file, head + "".join(sound))
    command("run", "CN-JX", file, *ASKED, "-o", tmp_path / "sound.csv", "--engine", "polars")
    assert (tmp_path / "sound.csv").read_bytes() == output.read_bytes()


def test_one_file_of_a_folder_with_a_row_too_long(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "全省"
    folder.mkdir()
    csv_file(folder / "一.csv", HEAD + GOOD)
    csv_file(folder / "二.csv", HEAD + GOOD.replace("甲", "乙") + GOOD.replace("甲", "丙").replace("4", "1,000"))
    said = command("run", "CN-JX", folder, *ASKED, "-o", tmp_path / "结果", "--rejects", tmp_path / "r.csv")
    assert said.code == 1 and "读入 3 人 = 算出 2 人" in said.err, said.err
    assert pl.read_csv(tmp_path / "r.csv").select(ID, "代码").rows() == [("丙", "E731")]


def test_a_row_too_long_in_a_second_table_stops_the_run(command: Command, tmp_path: Path) -> None:
    file = csv_file(tmp_path / "表.csv", "编号,参保@2025,参保@2026\n甲,是,是\n")
    beside = csv_file(tmp_path / "本人.csv", "编号,原封顶线\n甲,1,000\n")
    said = command("run", "CN-JX", file, *ASKED, "--persons", beside, "-o", tmp_path / "o.csv")
    assert said.code == 2 and "E731" in said.err and "本人.csv:2:1" in said.err, said.err
    assert not (tmp_path / "o.csv").exists()


def test_a_sound_file_has_no_damage(tmp_path: Path) -> None:
    assert damage(csv_file(tmp_path / "表.csv", "\ufeff" + HEAD + GOOD + '"乙\n丙",4\n')) is None


def test_a_column_that_stands_twice_is_refused(command: Command, tmp_path: Path) -> None:
    file = csv_file(tmp_path / "表.csv", HEAD.replace("参保@2026", "参保@2025") + GOOD)
    said = command("run", "CN-JX", file, *ASKED)
    assert said.code == 2 and "E725" in said.err and "参保@2025" in said.err


def test_blanks_around_names_and_ids_mean_nothing(command: Command, tmp_path: Path) -> None:
    file = csv_file(tmp_path / "表.csv", HEAD.replace(",", " , ") + " 乙 ,4,是,2024-11-02,是,2025-11-02\n" + GOOD)
    said = command("run", "CN-JX", file, *ASKED, "-o", tmp_path / "o.parquet")
    assert said.code == 0, said.err
    assert pl.read_parquet(tmp_path / "o.parquet")[ID].to_list() == ["乙", "甲"]
    csv_file(file, HEAD + GOOD + " " + GOOD)
    said = command("run", "CN-JX", file, *ASKED, "-o", tmp_path / "o.parquet")
    assert said.code == 1 and "E857" in said.err


def test_a_name_with_blanks_in_parquet_is_told_with_its_year(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "表.parquet"
    pl.DataFrame({ID: ["甲"], "参保@ 2025 ": [True]}).write_parquet(file)
    said = command("run", "CN-JX", file, *ASKED)
    assert said.code == 2 and "是不是“参保@2025”" in said.err, said.err


@pytest.mark.parametrize("shape", ("wide", "long"))
def test_empty_lines_are_nobody(command: Command, tmp_path: Path, shape: str) -> None:
    text = (
        HEAD + GOOD + "\n,,,,,\n\n"
        if shape == "wide"
        else LONG.replace(",县", ",农村居民").replace("南昌县", "是").replace("新建区", "否")
    )
    text = text if shape == "wide" else text.replace("\n", "\n\n") + ",,,,,\n"
    file = csv_file(tmp_path / "表.csv", text)
    said = command("run", "CN-JX", file, *ASKED, "--engine", "polars", "-o", tmp_path / "o.csv")
    assert said.code == 0 and "读入 1 人 = 算出 1 人" in said.err, said.err


def test_empty_lines_may_stand_before_the_names(command: Command, tmp_path: Path) -> None:
    for text in (f"\n \n{HEAD}{GOOD}".encode(), f"\ufeff\n{HEAD}{GOOD}".encode(), f"\n{HEAD}{GOOD}".encode("gb18030")):
        said = command("run", "CN-JX", csv_file(tmp_path / "表.csv", text), *ASKED, "-o", tmp_path / "o.csv")
        assert said.code == 0 and "读入 1 人 = 算出 1 人" in said.err, said.err


# ── cells and ids ────────────────────────────────────────────────────────────


@pytest.mark.parametrize("units", ("元", "分"))
@pytest.mark.parametrize("amount", ("9999999999999999.99", "10000000000000000", "360102199001011234", "1" + "0" * 29))
def test_an_amount_beyond_everything_sets_one_person_aside(
    command: Command, tmp_path: Path, amount: str, units: str
) -> None:
    file = csv_file(tmp_path / "表.csv", HEAD + GOOD + GOOD.replace("甲,4", f"乙,{amount}"))
    said = command("run", "CN-JX", file, *ASKED, "-o", tmp_path / "o.parquet", "--units", units)
    assert said.code == 1 and "读入 2 人 = 算出 1 人" in said.err, said.err
    whole = tmp_path / "表.parquet"
    number = min(int(Decimal(amount)), 10**18)
    pl.DataFrame({ID: ["甲", "乙"], "原封顶线": [400, number], "参保@2025": [False, False]}).write_parquet(
        whole, statistics=False
    )
    said = command("run", "CN-JX", whole, *ASKED, "-o", tmp_path / "o.parquet", "--units", units)
    assert said.code == 1 and "读入 2 人 = 算出 1 人" in said.err, said.err


@pytest.mark.parametrize("engine", ("polars", "duckdb"))
def test_ids_that_are_floats_or_empty(command: Command, tmp_path: Path, engine: str) -> None:
    file, asked = tmp_path / "表.parquet", ("run", "CN-JX", tmp_path / "表.parquet", *ASKED, "--engine", engine)
    pl.DataFrame({ID: [3.6e17, 1.0], "原封顶线": [4, 4]}).write_parquet(file)
    said = command(*asked, "-o", tmp_path / "o.parquet")
    assert said.code == 2 and "E852" in said.err, said.err
    pl.DataFrame({ID: ["甲", "", None], "原封顶线": [4, 4, 4]}).write_parquet(file)
    said = command(*asked, "-o", tmp_path / "o.parquet")
    assert said.code == 1 and "读入 3 人 = 算出 1 人" in said.err, said.err
    assert pl.read_parquet(tmp_path / "o.parquet")[ID].to_list() == ["甲"]


def test_what_is_said_of_a_table_in_fen_names_what_stands_there(command: Command, tmp_path: Path) -> None:
    file, rejects = (
        csv_file(tmp_path / "表.csv", HEAD + GOOD.replace(",4,", ",1.5,") + GOOD.replace("甲,4,", "乙,20000000000,")),
        tmp_path / "r.csv",
    )
    said = command("run", "CN-JX", file, *ASKED, "--units", "分", "-o", tmp_path / "o.csv", "--rejects", rejects)
    assert said.code == 1, said.err
    found = pl.read_csv(rejects, infer_schema=False).select(ID, "值", "代码", "原因").rows()
    assert [row[:3] for row in found] == [("甲", "1.5", "E733"), ("乙", "20000000000", "E735")]
    assert all(f"表中写的是 {row[1]}" in row[3] for row in found)


def test_whom_a_fault_is_of_is_always_said(command: Command, tmp_path: Path) -> None:
    file = csv_file(tmp_path / "表.csv", HEAD.strip() + ",地区@2026\n" + GOOD.strip() + ",CN-QQ\n")
    said = command("run", "CN-JX", file, *ASKED, "-o", tmp_path / "o.csv")
    assert said.code == 1 and "甲：" in said.err and "CN-QQ" in said.err, said.err


# ── the second table ─────────────────────────────────────────────────────────


def test_the_second_table_has_nothing_of_years_and_nothing_twice(command: Command, tmp_path: Path) -> None:
    table = csv_file(tmp_path / "表.csv", "编号,年度,参保,缴费日期\n甲,2025,是,2024-11-02\n")
    persons, asked = tmp_path / "本人.csv", ("run", "CN-JX", table, *ASKED, "--persons", tmp_path / "本人.csv")
    csv_file(persons, "编号,年度,原封顶线\n甲,2025,4\n")
    said = command(*asked)
    assert said.code == 2 and "E855" in said.err and "年度" in said.err
    csv_file(persons, "编号,原封顶线\n甲,4\n")
    csv_file(table, LONG.replace(",县", "").replace(",南昌县", "").replace(",新建区", ""))
    said = command(*asked)
    assert said.code == 2 and "E855" in said.err and "原封顶线" in said.err


@pytest.mark.parametrize("shape", ("wide", "long"))
def test_a_nameless_row_of_the_second_table_is_told(command: Command, tmp_path: Path, shape: str) -> None:
    text = "编号,年度,参保,缴费日期\n甲,2025,是,2024-11-02\n"
    text = text if shape == "long" else "编号,参保@2025,缴费日期@2025\n甲,是,2024-11-02\n"
    table = csv_file(tmp_path / "表.csv", text)
    persons = csv_file(tmp_path / "本人.csv", "编号,原封顶线\n甲,4\n,5\n乙,6\n")
    said = command("run", "CN-JX", table, *ASKED, "--persons", persons, "-o", tmp_path / "o.csv", "--engine", "polars")
    assert said.code == 0 and "读入 1 人 = 算出 1 人" in said.err, said.err
    assert "中有 1 行没有编号" in said.err and "中有 1 人不在" in said.err, said.err


# ── groups ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("shape", ("wide", "long"))
def test_types_of_every_file_are_looked_at_before_anything_is_written(
    command: Command, tmp_path: Path, shape: str
) -> None:
    own(tmp_path, "每年 事实 花费: 金额\n结果 规则 补贴: 金额 = 花费 × 2\n")
    folder, output = tmp_path / "表", tmp_path / "果"
    folder.mkdir()
    name = "花费@2025" if shape == "wide" else "花费"
    for number, value in enumerate((1, 2, 2.5)):
        columns = {ID: [f"甲{number}"], name: [value]} | ({} if shape == "wide" else {YEAR: [2025]})
        pl.DataFrame(columns).write_parquet(folder / f"{number}.parquet")
    said = run_own(command, tmp_path, folder, "补贴", "2025", "-o", output)
    assert said.code == 2 and "E852" in said.err, said.err
    assert not output.exists()


@pytest.mark.parametrize("engine", ("polars", "duckdb"))
@pytest.mark.parametrize("more", ({"id": ["乙"]}, {YEAR: [2025], "year": [2026]}), ids=("ids", "years"))
def test_two_columns_for_one_thing_are_refused(
    command: Command, tmp_path: Path, more: dict[str, Any], engine: str
) -> None:
    own(tmp_path, "每年 事实 花费: 金额\n结果 规则 补贴: 金额 = 花费 × 2\n")
    table = tmp_path / "表.parquet"
    pl.DataFrame({ID: ["甲"], ("花费" if YEAR in more else "花费@2025"): [3], **more}).write_parquet(table)
    said = run_own(command, tmp_path, table, "补贴", "2025", "--engine", engine, "-o", tmp_path / "o.parquet")
    assert said.code == 2 and f"E719]: {[*more][-1]}" in said.err, said.err


def test_what_polars_cannot_read_on_is_told_with_its_file(command: Command, tmp_path: Path) -> None:
    own(tmp_path, "每年 事实 花费: 金额\n结果 规则 补贴: 金额 = 花费 × 2\n")
    broad, harmed, sound = (tmp_path / f"{name}.parquet" for name in ("宽", "损", "好"))
    asked = ("补贴", "2025", "-o", tmp_path / "o.parquet")
    wide = pa.array([Decimal("3.00")], pa.decimal256(50, 2))
    parquet.write_table(pa.table({ID: ["甲"], "花费@2025": wide}), broad)
    said = run_own(command, tmp_path, broad, *asked)
    assert said.code == 2 and "E851" in said.err and "decimal256(50, 2)" in said.err, said.err
    pl.DataFrame({ID: [f"{n:06}" for n in range(20_000)], "花费@2025": range(20_000)}).write_parquet(sound)
    held = sound.read_bytes()
    harmed.write_bytes(held[:3000] + b"\0" * 2000 + held[5000:])
    said = run_own(command, tmp_path, harmed, *asked)
    assert said.code == 2 and "E747" in said.err and str(harmed) in said.err, said.err
    assert run_own(command, tmp_path, sound, *asked).code == 0


def test_who_has_a_state_and_no_row_is_told(command: Command, tmp_path: Path) -> None:
    own(
        tmp_path,
        "每年 事实 花费: 金额\n结果 规则 累计: 金额 初值 0元 = 取小(上年 累计 + 花费, 100万元)\n",
    )
    table, state = tmp_path / "表.parquet", tmp_path / "期初.parquet"
    pl.DataFrame({ID: ["甲"], "花费@2026": [3]}).write_parquet(table)
    pl.DataFrame({ID: ["甲", "乙", "丙"], "累计@2025": [1, 2, 3]}).write_parquet(state)
    said = run_own(command, tmp_path, table, "累计", "2026", "--opening", state, "-o", tmp_path / "o.parquet")
    assert said.code == 0 and f"{state} 中有 2 人不在 {table} 里" in said.err, said.err


@pytest.mark.parametrize("shape", ("wide", "long"))
@pytest.mark.parametrize("second", ("4", "5"))
def test_whom_the_second_table_has_twice_is_set_aside(
    command: Command, tmp_path: Path, shape: str, second: str
) -> None:
    own(tmp_path, "事实 底数: 金额\n每年 事实 在册: 是否\n结果 规则 补贴: 金额\n  当 在册 得 底数  否则 0元\n")
    texts = {
        "wide": "编号,在册@2025,在册@2026\n甲,是,是\n乙,是,是\n",
        "long": "编号,年度,在册\n乙,2025,是\n甲,2025,是\n乙,2026,是\n甲,2026,是\n",
    }
    table = csv_file(tmp_path / "表.csv", texts[shape])
    persons = csv_file(tmp_path / "本人.csv", f"编号,底数\n甲,4\n乙,6\n甲,{second}\n")
    output, rejects = tmp_path / "o.csv", tmp_path / "r.csv"
    asked = ("--layout", "wide", "--engine", "polars", "--persons", persons, "-o", output, "--rejects", rejects)
    said = run_own(command, tmp_path, table, "补贴", "2025..2026", *asked)
    assert said.code == 1
    assert "读入 2 人 = 算出 1 人" in said.err and "退回 1 人（1 处错误）" in said.err
    assert pl.read_csv(output).rows() == [("乙", 6.0, 6.0)]
    assert pl.read_csv(rejects).select("编号", "代码").rows() == [("甲", "E857")]
    assert f"{persons}：编号“甲”在表中不止一行" in pl.read_csv(rejects)["原因"][0]


@pytest.mark.parametrize("layout", ("wide", "long"))
def test_groups_of_a_long_table_are_those_of_the_year(command: Command, tmp_path: Path, layout: str) -> None:
    file = csv_file(tmp_path / "表.csv", LONG)
    said = command(
        "run", "CN-JX", file, *ASKED, "-o", tmp_path / "o.parquet", "--by", "参保", "--by", "原封顶线", "--by", "县",
        "--by", "参保", "--layout", layout, "--summary", tmp_path / "s.csv",
    )  # fmt: skip
    assert said.code == 0, said.err
    lines = [line.split(",")[1:5] for line in (tmp_path / "s.csv").read_text("utf-8-sig").splitlines()[1:]]
    assert lines == [["2025", "是", "4.00", "南昌县"], ["2026", "否", "4.00", "新建区"]]
    rows = pl.read_parquet(tmp_path / "o.parquet").to_dicts()
    if layout == "long":
        assert [(r[YEAR], r["参保"], r["县"], r["原封顶线"]) for r in rows] == [
            (2025, True, "南昌县", Decimal(4)), (2026, False, "新建区", Decimal(4)),
        ]  # fmt: skip


def test_groups_are_columns_of_the_table(command: Command, tmp_path: Path) -> None:
    file = csv_file(tmp_path / "表.csv", LONG.replace(",县", "").replace(",南昌县", "").replace(",新建区", ""))
    for name, code in ((ID, "E825"), (YEAR, "E825"), ("免等待人群", "E718"), ("县", "E718")):
        said = command("run", "CN-JX", file, *ASKED, "-o", tmp_path / "o.csv", "--by", name)
        assert said.code == 2 and code in said.err, (name, said.err)


# ── states ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("engine", ("polars", "duckdb"))
@pytest.mark.parametrize("column", ("零报销激励额度@2026", "断保年数@2026", "累计降低额度@2026"))
def test_a_value_that_a_state_lacks_is_not_nothing(command: Command, tmp_path: Path, engine: str, column: str) -> None:
    earlier, later, state = tmp_path / "前.csv", tmp_path / "后.parquet", tmp_path / "期末.parquet"
    csv_file(earlier, HEAD + GOOD + GOOD.replace("甲", "乙"))
    assert command("run", "CN-JX", earlier, *ASKED, "-o", tmp_path / "o.parquet", "--closing", state).code == 0
    held = pl.read_parquet(state)
    held.with_columns(pl.when(pl.col(ID) == "乙").then(pl.col(column)).alias(column)).write_parquet(state)
    pl.DataFrame({ID: ["甲", "乙"], "原封顶线": [Decimal(4)] * 2, "参保@2027": [False] * 2}).write_parquet(later)
    said = command(
        "run", "CN-JX", later, "--year", "2027", *ASKED[2:], "--opening", state, "-o", tmp_path / "o.parquet",
        "--engine", engine, "--rejects", tmp_path / "r.parquet",
    )  # fmt: skip
    assert said.code == 1 and "读入 2 人 = 算出 1 人" in said.err, said.err
    assert pl.read_parquet(tmp_path / "r.parquet").select(ID, "代码").rows() == [("甲", "E822")]


# ── folders ──────────────────────────────────────────────────────────────────


def test_a_folder_with_one_file_goes_to_a_new_folder(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "全省"
    folder.mkdir()
    csv_file(folder / "一.csv", HEAD + GOOD)
    said = command("run", "CN-JX", folder, *ASKED, "-o", tmp_path / "结果", "--closing", tmp_path / "期末")
    assert said.code == 0, said.err
    assert (tmp_path / "结果" / "一.csv").exists() and (tmp_path / "期末" / "一.csv").exists()


def test_what_is_no_table_in_a_folder_is_named(command: Command, tmp_path: Path, folder: Path) -> None:
    (folder / "说明.doc").write_text("")
    (folder / "旧").mkdir()
    said = command("run", "CN-JX", folder, *ASKED, "-o", tmp_path / "结果")
    assert "中没有读：旧、说明.doc" in said.err, said.err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "全省"
    path.mkdir()
    csv_file(path / "一.csv", HEAD + GOOD + GOOD.replace("甲", "乙"))
    csv_file(path / "二.csv", HEAD + GOOD + GOOD.replace("甲", "丙"))
    return path


def test_parts_are_computed_again_when_ids_are_no_longer_given_twice(
    command: Command, tmp_path: Path, folder: Path
) -> None:
    asked = ("run", "CN-JX", folder, *ASKED, "-o", tmp_path / "结果")
    said = command(*asked)
    assert said.code == 1 and "读入 4 人 = 算出 2 人" in said.err
    csv_file(folder / "二.csv", HEAD + GOOD.replace("甲", "丙"))
    said = command(*asked, "--resume")
    assert said.code == 0 and "读入 3 人 = 算出 3 人" in said.err, said.err
    csv_file(folder / "三.csv", HEAD + GOOD.replace("甲", "丙"))
    said = command(*asked, "--resume")
    assert said.code == 1 and "读入 4 人 = 算出 2 人" in said.err, said.err


def test_results_that_changed_or_are_of_no_part_are_told_of(command: Command, tmp_path: Path, folder: Path) -> None:
    csv_file(folder / "二.csv", HEAD + GOOD.replace("甲", "丙"))
    output = tmp_path / "结果"
    asked = ("run", "CN-JX", folder, *ASKED, "-o", output, "--resume")
    assert command(*asked).code == 0
    whole = (output / "一.csv").read_bytes()
    (output / "一.csv").write_text("x")
    said = command(*asked)
    assert said.code == 0 and said.err.count("没有重算") == 1, said.err
    assert (output / "一.csv").read_bytes() == whole
    (folder / "二.csv").unlink()
    said = command(*asked)
    assert said.code == 1 and "二.csv：是以前的结果" in said.err, said.err


@pytest.mark.parametrize("engine", ("polars", "duckdb"))
def test_no_year_may_lack_between_the_states_and_the_first_year(command: Command, tmp_path: Path, engine: str) -> None:
    table, states, output = (tmp_path / f"{n}.parquet" for n in ("表", "期初", "o"))
    full = pl.DataFrame({ID: ["甲"], **{f"参保@{y}": [True] for y in range(2024, 2029)}})
    full = full.with_columns(pl.lit(date(y - 1, 11, 2)).alias(f"缴费日期@{y}") for y in range(2024, 2029))
    full.write_parquet(table)
    asked = ("--rule", "连续参保年数", "--engine", engine)
    command("run", "CN-JX", table, "--year", "2025", *asked, "-o", output, "--closing", states)
    command("run", "CN-JX", table, "--year", "2027..2028", *asked, "-o", output)
    whole = pl.read_parquet(output)
    said = command("run", "CN-JX", table, "--year", "2027..2028", *asked, "-o", output, "--opening", states)
    assert said.code == 0 and pl.read_parquet(output).equals(whole), said.err
    full.drop("参保@2026", "缴费日期@2026").write_parquet(table)
    said = command("run", "CN-JX", table, "--year", "2027..2028", *asked, "-o", output, "--opening", states)
    assert said.code == 2 and "E822" in said.err and "2026" in said.err, said.err


FINE = """
每年 事实 费用: 金额 默认 0元 范围 0元..100万元
结果 规则 累计费: 金额 = 累计(费用 × 1.5%)
"""


def test_a_state_with_more_decimals_than_fen_is_the_same_in_every_form(command: Command, tmp_path: Path) -> None:
    own(tmp_path, FINE)
    table, output = tmp_path / "表.parquet", tmp_path / "o.parquet"
    pl.DataFrame({ID: ["甲"], "费用@2025": [Decimal("1000.10")], "费用@2026": [Decimal("1000.00")]}).write_parquet(
        table
    )
    records = csv_file(tmp_path / "人.csv", "编号,年度,费用\n甲,2025,1000.10\n甲,2026,1000\n")
    for made, suffix in itertools.product(("polars", "duckdb", "interpreter"), ("parquet", "csv", "jsonl")):
        if (made == "interpreter") != (suffix == "jsonl"):
            continue
        state, source = tmp_path / f"{made}.{suffix}", records if made == "interpreter" else table
        first = ("run", "CN-ZZ", source, "--year", "2025", "--rulesets", tmp_path, "--engine", made)
        said = command(*first, "-o", tmp_path / f"o.{suffix}", "--closing", state)
        assert said.code == 0 and "15.0015" in (state.read_text("utf-8-sig") if suffix != "parquet" else "15.0015"), (
            said
        )
        for engine in ("polars", "duckdb"):
            if engine == "duckdb" and suffix != "parquet":
                continue
            then = ("run", "CN-ZZ", table, "--year", "2026", "--rulesets", tmp_path, "--engine", engine)
            said = command(*then, "-o", output, "--opening", state)
            assert said.code == 0 and pl.read_parquet(output)["累计费@2026"].to_list() == [Decimal("30.00")], said.err


def test_a_state_that_is_not_exact_is_refused(command: Command, tmp_path: Path) -> None:
    own(tmp_path, FINE)
    table, state, output = (tmp_path / f"{name}.parquet" for name in ("表", "期初", "o"))
    pl.DataFrame({ID: ["甲"], "费用@2026": [Decimal("1000.00")]}).write_parquet(table)
    asked = (
        "run",
        "CN-ZZ",
        table,
        "--year",
        "2026",
        "--rulesets",
        tmp_path,
        "--opening",
        state,
        "-o",
        output,
        "--rule",
        "累计费",
    )
    name = "累计(费用 × 1.5%)@2025"
    for value, code, number in ((15.0, 2, "E852"), (Decimal("15.0000001"), 1, "E822"), (Decimal("15.0000000"), 0, "")):
        pl.DataFrame({ID: ["甲"], name: [value]}).write_parquet(state)
        for engine in ("polars", "duckdb"):
            said = command(*asked, "--engine", engine, "--rejects", tmp_path / "r.csv")
            told = said.err + ((tmp_path / "r.csv").read_text("utf-8-sig") if said.code == 1 else "")
            assert (said.code, engine) == (code, engine) and number in told, said.err


# ── workbooks ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("shape", ("wide", "long"))
def test_columns_without_a_name_and_ids_that_lost_digits(command: Command, tmp_path: Path, shape: str) -> None:
    book = Workbook()
    yearly = ["年度"] if shape == "long" else []
    at = "" if shape == "long" else "@2025"
    book.active.append(["编号", None, *yearly, f"参保{at}", f"缴费日期{at}"])
    year = [2025] if shape == "long" else []
    for ident, unnamed, *more in (
        ("甲", None), ("乙", "x"), ("丙", None, "y"), (360102199001011234.0, None), (0.5, None), (17, None), (17.0 * 2, None),
    ):  # fmt: skip
        book.active.append([ident, unnamed, *year, "是", "2024-11-02", *more])
    file, output, rejects = tmp_path / "表.xlsx", tmp_path / "o.csv", tmp_path / "r.csv"
    book.save(file)
    asked = ("--year", "2025", "--rule", "连续参保年数", "--engine", "polars")
    said = command("run", "CN-JX", file, *asked, "-o", output, "--rejects", rejects)
    assert said.code == 1 and "算出 3 人" in said.err, said.err
    assert sorted(pl.read_csv(output, infer_schema=False)[ID].to_list()) == ["17", "34", "甲"]
    assert sorted(pl.read_csv(rejects)["代码"].to_list()) == ["E716", "E716", "E731", "E731"]


# ── years, texts, files ──────────────────────────────────────────────────────

EARLIER = """
文件 《小办法》 地区 WW 施行 2025年度 计算自 2022年度
条文 一 编码 参保, 类别, 连续, 身份
每年 事实 参保: 是否 默认 否 依据 一
事实 类别: 居民 | 职工 可空 依据 一
结果 规则 连续: 年数 = 连续年数(参保) 依据 一
结果 规则 身份: 居民 | 职工 可空 = 类别 依据 一
"""


def test_a_compiled_query_reads_the_years_before_the_document_is_in_force(command: Command, tmp_path: Path) -> None:
    (tmp_path / "小.tiaoli").write_text(EARLIER, encoding="utf-8")
    table, output = tmp_path / "表.parquet", tmp_path / "o.parquet"
    held = {ID: ["甲", "乙"], **{f"参保@{y}": [True, y > 2023] for y in range(2022, 2027)}}
    pl.DataFrame(held).write_parquet(table)
    asked = ("WW", "--year", "2025..2026", "--rulesets", tmp_path, "--rule", "连续")
    said = command("compile", *asked, "--source", table)
    assert said.code == 0 and said.out.count("/* 《小办法》 一 */") == 2, said.out
    found = duckdb.sql(said.out).pl().sort(ID)
    command("run", *asked[:1], table, *asked[1:], "-o", output)
    assert found.rows() == pl.read_parquet(output).sort(ID).rows() == [("乙", 2, 3), ("甲", 4, 5)]


@pytest.mark.parametrize("engine", ("polars", "duckdb"))
def test_rows_before_the_first_year_are_faults(command: Command, tmp_path: Path, engine: str) -> None:
    (tmp_path / "小.tiaoli").write_text(EARLIER, encoding="utf-8")
    table, rejects = tmp_path / "表.parquet", tmp_path / "r.csv"
    pl.DataFrame({ID: ["甲", "乙", "乙"], YEAR: [2025, 2021, 2025], "参保": [True] * 3}).write_parquet(table)
    asked = ("--year", "2025", "--rulesets", tmp_path, "--rule", "连续", "--engine", engine, "--rejects", rejects)
    said = command("run", "WW", table, *asked, "-o", tmp_path / "o.parquet")
    assert said.code == 1 and "算出 1 人" in said.err, said.err
    assert pl.read_csv(rejects).select(ID, "代码").rows() == [("乙", "E724")]


def test_a_summary_counts_who_has_a_text(command: Command, tmp_path: Path) -> None:
    (tmp_path / "小.tiaoli").write_text(EARLIER, encoding="utf-8")
    table, summary = tmp_path / "表.parquet", tmp_path / "s.csv"
    pl.DataFrame({ID: ["甲", "乙", "丙"], "类别": ["居民", None, "职工"]}).write_parquet(table)
    asked = ("--year", "2025", "--rulesets", tmp_path, "--rule", "身份", "--summary", summary)
    said = command("run", "WW", table, *asked, "-o", tmp_path / "o.parquet")
    assert said.code == 0, said.err
    rows = pl.read_csv(summary, infer_schema=False).select("结果", "年度", "人数", "无值", "合计").rows()
    assert rows == [("身份", "2025", "3", "1", "")]


@pytest.mark.parametrize("engine", ("polars", "duckdb"))
def test_what_a_place_has_not_encoded_is_named_after_a_run_over_tables(
    command: Command, tmp_path: Path, engine: str
) -> None:
    table = tmp_path / "表.parquet"
    pl.DataFrame({ID: ["甲"], "原封顶线": [Decimal(4)], "参保@2025": [False]}).write_parquet(table)
    for more, there in (((), True), (("--rule", "连续参保年数"), False)):
        said = command(
            "run", "CN-SD-青岛", table, "--year", "2025", *more, "--engine", engine, "-o", tmp_path / "o.parquet"
        )
        assert ("未编码的结果" in said.err) is there, said.err


@pytest.mark.parametrize(
    ("name", "code"), [("坏.parquet", "E747"), ("坏.arrow", "E747"), ("坏.csv", "E705"), ("坏.xlsx", "E747")]
)
def test_a_file_that_is_not_what_its_suffix_says(command: Command, tmp_path: Path, name: str, code: str) -> None:
    file = csv_file(tmp_path / name, bytes(range(128, 256)) * 3)
    said = command("run", "CN-JX", file, *ASKED, "--engine", "polars", "-o", tmp_path / "o.csv")
    assert said.code == 2 and f"错误[{code}]" in said.err, said.err


def test_a_state_in_a_table_makes_a_small_table_one_too(command: Command, tmp_path: Path) -> None:
    (tmp_path / "小.tiaoli").write_text(EARLIER, encoding="utf-8")
    state, output = tmp_path / "期末.parquet", tmp_path / "o.csv"
    small = csv_file(tmp_path / "表.csv", "编号,年度,参保\n甲,2025,是\n甲,2026,是\n")
    asked = ("--rulesets", tmp_path, "--rule", "连续", "-o", output)
    command("run", "WW", small, "--year", "2025", *asked, "--closing", state, "--engine", "polars")
    said = command("run", "WW", small, "--year", "2026", *asked, "--opening", state)
    assert said.code == 0 and "引擎 polars" in said.err and output.read_text("utf-8-sig").endswith("甲,2026,2\n"), said
    said = command(
        "run", "WW", csv_file(tmp_path / "人.yaml", "编号: 甲\n"), "--year", "2026", *asked, "--opening", state
    )
    assert said.code == 2 and "计算表时才能用" in said.err, said.err


REMEMBERED = """
文件 《小办法》 地区 WW 施行 2025年度
条文 一 编码 费用, 去年费用
每年 事实 费用: 金额 默认 0元 范围 0元..100万元 依据 一
结果 规则 去年费用: 金额 = 上年 费用 依据 一
"""


@pytest.mark.parametrize("engine", ("polars", "duckdb"))
@pytest.mark.parametrize("value", (Decimal("5.00"), Decimal("6.00")))
def test_a_fact_that_the_state_holds_is_read_from_it_though_the_table_has_it(
    command: Command, tmp_path: Path, engine: str, value: Decimal
) -> None:
    (tmp_path / "小.tiaoli").write_text(REMEMBERED, encoding="utf-8")
    table, state, output = (tmp_path / f"{name}.parquet" for name in ("表", "期初", "o"))
    pl.DataFrame({ID: ["甲"], "费用@2025": [Decimal("5.00")], "费用@2026": [Decimal("7.00")]}).write_parquet(table)
    pl.DataFrame({ID: ["甲"], "费用@2025": [value]}).write_parquet(state)
    asked = ("--year", "2026..2027", "--rulesets", tmp_path, "--engine", engine, "--opening", state, "-o", output)
    said = command("run", "WW", table, *asked)
    assert said.code == 0, said.err
    assert pl.read_parquet(output).row(0) == ("甲", value, Decimal("7.00"))


@pytest.mark.parametrize("engine", ("polars", "duckdb"))
@pytest.mark.parametrize("name", ("表[1]?{甲}*.parquet", "表[1]?{甲}*.csv", "表[1]?{甲}*.arrow"))
@pytest.mark.parametrize("inside", (False, True))
def test_names_that_look_like_patterns(command: Command, tmp_path: Path, engine: str, name: str, inside: bool) -> None:
    if engine == "duckdb" and not name.endswith(".parquet"):
        name = "长表[1].parquet"
    folder = tmp_path / "全省[2026]*"
    folder.mkdir()
    frame = pl.DataFrame({
        ID: ["甲", "甲"], YEAR: [2025, 2026], "原封顶线": [Decimal(4)] * 2, "参保": [True] * 2,
        "缴费日期": [date(2024, 11, 2), date(2025, 11, 2)],
    })  # fmt: skip
    {"parquet": frame.write_parquet, "csv": frame.write_csv, "arrow": frame.write_ipc}[name.rpartition(".")[2]](
        folder / name
    )
    asked = folder if inside else folder / name
    output = tmp_path / "果[1]" / ("o" if inside and engine == "polars" else "o.parquet")
    output.parent.mkdir()
    more = ("--rejects", output.parent / "r.csv", "--summary", output.parent / "s.csv", "--layout", "wide")
    said = command("run", "CN-JX", asked, *ASKED, "-o", output, *more, "--engine", engine)
    assert said.code == 0 and "读入 1 人 = 算出 1 人" in said.err, said.err


@pytest.mark.parametrize("engine", ("polars", "duckdb"))
def test_a_full_disk_is_told_with_the_file(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    def full(*_: object, **__: object) -> None:
        if engine == "polars":
            raise OSError(errno.ENOSPC, "No space left on device")
        raise duckdb.IOException("IO Error: Could not write file: No space left on device")

    monkeypatch.setattr("tiaoli.batch.parts.run_files", full)
    monkeypatch.setattr("tiaoli.batch.duck.run", full)
    file, output = tmp_path / "表.parquet", tmp_path / "o.parquet"
    pl.DataFrame({ID: ["甲"], "原封顶线": [Decimal(4)]}).write_parquet(file)
    said = command("run", "CN-JX", file, *ASKED, "-o", output, "--engine", engine)
    assert said.code != 0 and "E824" in said.err and str(output) in said.err, said.err
