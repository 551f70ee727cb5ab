"""Links between records of tables: to kinds that are not there, to faulty records, from person to person."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import tiaoli
from support import Said, own
from tiaoli.batch.frames import evaluate
from tiaoli.batch.layout import ID, Shape
from tiaoli.batch.wish import Wish

Command = Callable[..., Said]
RULES = """
对象 区
每年 事实 住: 区 可空
每年 事实 区 的 入: 金额 默认 0元 范围 0元..100万元
事实 区 的 主: 参保人 可空
每年 事实 付: 参保人 可空
每年 事实 额: 金额 默认 0元 范围 0元..100元
事实 首: 日期 可空 必填 当 参保
结果 规则 起付: 金额 可空
  当 没有 住 得 无
  否则 住 的 入
结果 规则 代付: 金额 可空
  当 没有 付 得 无
  否则 付 的 额
结果 规则 人数: 整数 = 计数(参保人 按 付 当 额 > 0元)
结果 规则 区 的 主额: 金额 可空
  当 没有 主 得 无
  否则 主 的 额
"""


@pytest.fixture
def asked(tmp_path: Path) -> tuple[Any, ...]:
    (tmp_path / "rules").mkdir()
    own(tmp_path / "rules", RULES)
    return "--year", 2025, "--rulesets", tmp_path / "rules"


def table(path: Path, **columns: Any) -> Path:
    pl.DataFrame(columns).write_parquet(path)
    return path


def people(path: Path, second: Any = 5) -> Path:
    """甲 points to 乙, 丙 to 甲, 丁 to nobody; what ``second`` says of 乙."""
    return table(
        path, 编号=["甲", "乙", "丙", "丁"], **{"付@2025": ["乙", None, "甲", None], "额@2025": [1, second, 3, 4]}
    )


@pytest.mark.parametrize("engine", ("polars", "duckdb"))
def test_rules_go_from_person_to_person(command: Command, tmp_path: Path, asked: tuple[Any, ...], engine: str) -> None:
    file, output = people(tmp_path / "人.parquet"), tmp_path / "o.parquet"
    said = command("run", "CN-ZZ", file, *asked, "--rule", "代付", "--rule", "人数", "-o", output, "--engine", engine)
    assert said.code == 0, said.err
    found = pl.read_parquet(output).sort(ID).select(ID, "代付@2025", "人数@2025").rows()
    assert found == [("丁", None, 0), ("丙", Decimal(1), 0), ("乙", None, 1), ("甲", Decimal(5), 1)]


def test_rules_go_from_person_to_person_in_frames(tmp_path: Path, asked: tuple[Any, ...]) -> None:
    rules = tiaoli.load("CN-ZZ", asked[-1])
    frame = pl.read_parquet(people(tmp_path / "人.parquet", 500))
    made = evaluate(rules, frame, Wish(range(2025, 2026), ("代付",), layout=Shape.WIDE), closing=True)
    assert (made.people, made.computed, made.results[ID].to_list()) == (4, 1, ["丁"])
    assert sorted(made.rejects.select(ID, "代码").rows()) == [("丙", "E741"), ("乙", "E735"), ("甲", "E741")]
    assert made.closing is not None


def test_faults_spread_along_links_or_nothing_is_computed(
    command: Command, tmp_path: Path, asked: tuple[Any, ...]
) -> None:
    file, output, rejects = people(tmp_path / "人.parquet", 500), tmp_path / "o.parquet", tmp_path / "r.csv"
    said = command("run", "CN-ZZ", file, *asked, "--rule", "代付", "-o", output, "--rejects", rejects)
    assert said.code == 1 and "读入 4 人 = 算出 1 人" in said.err, said.err
    assert sorted(pl.read_csv(rejects).select(ID, "代码").rows()) == [("丙", "E741"), ("乙", "E735"), ("甲", "E741")]
    assert pl.read_parquet(output)[ID].to_list() == ["丁"]
    output.unlink()
    said = command("run", "CN-ZZ", file, *asked, "--rule", "代付", "-o", output, "--engine", "duckdb")
    assert said.code == 1 and "E872" in said.err and not output.exists(), said.err


@pytest.mark.parametrize("shape", ("wide", "long"))
def test_a_link_to_a_kind_that_is_not_there_is_never_no_link(
    command: Command, tmp_path: Path, asked: tuple[Any, ...], shape: str
) -> None:
    file, output = tmp_path / "人.csv", tmp_path / "o.parquet"
    wide = "编号,住@2025\n甲,x\n乙,\n"
    file.write_text(wide if shape == "wide" else "编号,年度,住\n甲,2025,x\n乙,2025,\n", "utf-8")
    rule = ("--rule", "起付", "--engine", "polars")
    said = command("run", "CN-ZZ", file, *asked, *rule, "-o", output)
    assert said.code == 1 and "E832" in said.err and "读入 2 人 = 算出 1 人" in said.err, said.err
    assert pl.read_parquet(output)[ID].to_list() == ["乙"]
    said = command("run", "CN-ZZ", file, *asked, "--rule", "代付", "--engine", "polars", "-o", output)
    assert said.code == 0, said.err  # what is not gone through does not matter


def test_a_link_to_a_kind_that_is_not_there_is_refused_by_duckdb(
    command: Command, tmp_path: Path, asked: tuple[Any, ...]
) -> None:
    file = table(tmp_path / "人.parquet", 编号=["甲", "乙"], **{"住@2025": ["x", None]})
    said = command("run", "CN-ZZ", file, *asked, "--rule", "起付", "-o", tmp_path / "o.parquet", "--engine", "duckdb")
    assert said.code == 2 and "E832" in said.err and "住@2025 → 区" in said.err, said.err


def test_copies_of_a_record_of_another_kind_are_all_left_out(
    command: Command, tmp_path: Path, asked: tuple[Any, ...]
) -> None:
    persons = table(tmp_path / "人.parquet", 编号=["甲", "乙"], **{"住@2025": ["x", "y"]})
    places = table(tmp_path / "区.parquet", 编号=["x", "x", "y"], **{"入@2025": [1, 2, 3]})
    for engine in ("polars", "duckdb"):
        output = tmp_path / f"{engine}.parquet"
        said = command(
            "run", "CN-ZZ", persons, f"区={places}", *asked, "--rule", "起付", "-o", output, "--engine", engine
        )
        assert said.code == 1, said.err
        assert pl.read_parquet(output).select(ID, "起付@2025").rows() == [("乙", Decimal(3))], engine


def test_a_link_to_a_faulty_person_says_so(command: Command, tmp_path: Path, asked: tuple[Any, ...]) -> None:
    persons = table(tmp_path / "人.parquet", 编号=["甲", "乙"], **{"额@2025": [1, 500]})
    places = table(tmp_path / "区.parquet", 编号=["x", "y", "z"], 主=["乙", "甲", "己"])
    said = command(
        "run",
        "CN-ZZ",
        persons,
        f"区={places}",
        *asked,
        "--rule",
        "主额",
        "-o",
        tmp_path / "o.parquet",
        "--rejects",
        tmp_path / "r.csv",
    )
    assert said.code == 1, said.err
    found = sorted(pl.read_csv(tmp_path / "r.csv").select(ID, "代码").rows())
    assert found == [("x", "E741"), ("z", "E740"), ("乙", "E735")]


@pytest.mark.parametrize("engine", ("polars", "duckdb"))
def test_figures_without_members_are_warned_of(
    command: Command, tmp_path: Path, asked: tuple[Any, ...], engine: str
) -> None:
    own(tmp_path / "rules", RULES + "结果 规则 区 的 住户: 整数 = 计数(参保人 按 住)\n")
    places = table(tmp_path / "区.parquet", 编号=["x"])
    said = command(
        "run", "CN-ZZ", f"区={places}", *asked, "--rule", "住户", "-o", tmp_path / "o.parquet", "--engine", engine
    )
    assert "W807" in said.err, said.err


def test_what_is_demanded_is_listed_and_made(command: Command, tmp_path: Path, asked: tuple[Any, ...]) -> None:
    own(tmp_path / "rules", RULES + "结果 规则 记: 整数\n  当 参保 得 1\n  否则 0\n")
    said = command("schema", "CN-ZZ", "--table", *asked)
    assert "首\tDate" in said.out, said.out
    output = tmp_path / "合成.parquet"
    assert command("synth", "CN-ZZ", "--people", 50, *asked, "--output", output).code == 0
    said = command("run", "CN-ZZ", output, *asked, "--rule", "记", "-o", tmp_path / "o.parquet")
    assert said.code == 0, said.err


def test_reasons_of_other_kinds_are_listed(command: Command, asked: tuple[Any, ...]) -> None:
    said = command("reasons", "CN-ZZ", *asked, "--rule", "主额")
    assert said.code == 0 and "主额\t2" in said.out, said.err


def test_persons_of_a_folder_that_point_to_each_other_go_to_one_file(
    command: Command, tmp_path: Path, asked: tuple[Any, ...]
) -> None:
    folder = tmp_path / "全省"
    folder.mkdir()
    every = pl.read_parquet(people(tmp_path / "人.parquet"))
    for number in range(2):
        every[number * 2 : number * 2 + 2].write_parquet(folder / f"{number}.parquet")
    said = command("run", "CN-ZZ", folder, *asked, "--rule", "代付", "-o", tmp_path / "结果")
    assert said.code == 2 and "E825" in said.err and not (tmp_path / "结果").exists(), said.err
    said = command("run", "CN-ZZ", folder, *asked, "--rule", "代付", "-o", tmp_path / "o.parquet")
    assert said.code == 0 and pl.read_parquet(tmp_path / "o.parquet").height == 4, said.err
