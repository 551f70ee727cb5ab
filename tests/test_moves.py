"""A person who moves: each year by the rules of its place, the state goes along; the same as handing it over by hand."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import tiaoli
from jiangxi_by_hand import history
from support import Said
from tiaoli.api import EvaluationError, Rules
from tiaoli.explain_text import as_text
from tiaoli.pipeline import load, read_library
from tiaoli.source import Source

LIBRARY = load()
YEARS = range(2025, 2034)


def rules(place: str) -> Rules:
    return Rules(LIBRARY, place)


def moved(record: dict[str, Any], place: str, *years: int) -> dict[str, Any]:
    own = {y: dict(record["年度"].get(y, {})) for y in {*record["年度"], *years}}
    for year in years:
        own[year]["地区"] = place
    return {**record, "年度": own}


@pytest.mark.parametrize("there", ["CN-YN", "CN-HB", "CN-HL"])
def test_moving_is_handing_the_state_over(there: str) -> None:
    """Both places remember what both compute; years before and after come out as in runs of their own joined by the state."""
    home, away, dice = rules("CN-FJ" if there != "CN-FJ" else "CN-YN"), rules(there), random.Random(3)
    for i in range(12):
        record = history(dice, f"P{i}")
        turn = dice.randrange(2027, 2031)
        result = home.evaluate(moved(record, there, *range(turn, YEARS.stop)), YEARS)
        before = home.evaluate(record, range(2025, turn))
        assert {y: result[y] for y in range(2025, turn)} == dict(before)
        first, second = result.stays[0], result.stays[-1]
        assert (first.place, second.place) == (home.place, there)
        names = [n for n in home.outputs if n in second.compiled.outputs]
        assert names
        for year in range(turn, YEARS.stop):
            assert {n: result[year][n] for n in names} == {n: second[year][n] for n in names}
        alone = away.evaluate(record, range(turn, YEARS.stop), opening=_known(away, turn, second))
        assert {y: {n: alone[y][n] for n in names} for y in alone} == {
            y: {n: second[y][n] for n in names} for y in alone
        }


def _known(away: Rules, turn: int, second: Any) -> Any:
    """The state that the second stay began with, as records write it, filled up with what only a wider run remembers."""
    compiled = away.compiled(range(turn, YEARS.stop))
    held = second.opening[1]
    usual = away.evaluate({"编号": "0", "原封顶线": 400000}, turn - 1).closing()[1] if compiled.memory else {}
    from tiaoli.trace import in_units, outward

    values = dict(usual)
    for name, value in held.items():
        if name in compiled.program.rules:
            rule = compiled.program.rules[name][0]
            values[name] = outward(in_units(value, rule.scale), rule.type.kind)
        else:
            fact = compiled.program.facts[name]
            values[name] = outward(in_units(value, fact.digits), fact.type.kind)
    return turn - 1, values


def test_credits_are_kept_and_years_go_on_in_the_new_place() -> None:
    record: dict[str, Any] = {
        "编号": "P1",
        "原封顶线": 400000,
        "年度": {y: {"参保": True, "缴费日期": f"{y - 1}-11-01", "基金支付": 1} for y in range(2025, 2034)},
    }
    here = rules("CN-FJ").evaluate(record, YEARS)
    assert [here[y]["连续参保激励额度"] for y in (2028, 2029, 2030, 2031)] == [0, 3000, 6000, 9000]
    gone = rules("CN-FJ").evaluate(moved(record, "CN-YN", *range(2031, 2034)), YEARS)
    assert [gone[y]["连续参保年数"] for y in (2030, 2031, 2032)] == [6, 7, 8]
    assert [gone[y]["连续参保激励额度"] for y in (2030, 2031, 2032)] == [6000, 10000, 14000]
    back = rules("CN-FJ").evaluate(moved(record, "CN-YN", 2031), YEARS)
    assert [back[y]["连续参保激励额度"] for y in (2031, 2032, 2033)] == [10000, 13000, 16000]


def test_what_the_new_place_alone_counts_looks_back_over_all_years() -> None:
    """Jiangxi counts 连续年数(参保), the nation 连续年数(计为参保): the count does not begin anew at the border."""
    years = {y: {"参保": True, "缴费日期": f"{y - 1}-11-01"} for y in range(2025, 2030)}
    record: dict[str, Any] = {"编号": "P1", "原封顶线": 400000, "年度": years}
    gone = rules("CN-JX").evaluate(moved(record, "CN-GD", 2028, 2029), range(2025, 2030))
    assert [gone[y]["连续参保年数"] for y in range(2025, 2030)] == [1, 2, 3, 4, 5]
    assert gone[2029]["连续参保激励额度"] == 3800


def test_explanations_and_states_are_those_of_the_place_of_the_year() -> None:
    years = {y: {"参保": True, "缴费日期": f"{y - 1}-11-01"} for y in range(2025, 2031)}
    record: dict[str, Any] = {"编号": "P1", "原封顶线": 400000, "年度": years}
    gone = rules("CN-JX").evaluate(moved(record, "CN-YN", 2030), range(2025, 2031))
    text = as_text(gone.explain("连续参保激励额度", 2030), "zh")
    assert "云南" in text and "4,000" in text
    assert "赣府厅发" in as_text(gone.explain("连续参保激励额度", 2029), "zh")
    year, state = gone.closing()
    assert year == 2030 and state["连续参保激励额度"] == Decimal(7000)


def test_a_place_without_a_rule_gives_no_value_in_its_years() -> None:
    years = {y: {"参保": True, "缴费日期": f"{y - 1}-11-01"} for y in range(2025, 2028)}
    record: dict[str, Any] = {"编号": "P1", "原封顶线": 400000, "年度": years}
    gone = rules("CN-JX").evaluate(moved(record, "CN-HL", 2026), range(2025, 2028))
    assert [gone[y]["连续参保激励额度"] for y in (2025, 2026, 2027)] == [0, None, 0]
    assert gone[2026]["待遇开始日"] == date(2026, 1, 1)


LOCAL = """
文件 《甲》 地区 XX-AA 施行 2025年度 计算自 2024年度
条文 一 编码 收入, 存量
每年 事实 收入: 金额 默认 0元 依据 一
结果 规则 存量: 金额 初值 0元 = 上年 存量 + 收入 依据 一
"""
OTHER = """
文件 《乙》 地区 XX-BB 施行 2025年度 计算自 2024年度
条文 一 编码 收入, 存量, 户数
每年 事实 收入: 金额 默认 0元 依据 一
每年 事实 户数: 整数 范围 0..20 依据 一
结果 规则 存量: 金额 初值 0元 = 上年 存量 + 收入 × 2 × 户数 依据 一
"""


def test_a_fact_that_only_the_new_place_knows_and_needs_is_said() -> None:
    library = read_library([Source("a", LOCAL), Source("b", OTHER)])
    record = {"编号": "1", "年度": {2025: {"收入": 5}, 2026: {"收入": 5, "地区": "XX-BB"}}}
    with pytest.raises(EvaluationError) as caught:
        Rules(library, "XX-AA").evaluate(record, range(2025, 2027))
    [said] = caught.value.diagnostics
    assert said.code == "E806" and "户数" in str(said.arguments["reason"])
    home = Rules(library, "XX-BB").evaluate(
        {"编号": "1", "年度": {2025: {"收入": 5, "户数": 1, "地区": "XX-AA"}, 2026: {"收入": 5, "户数": 3}}},
        range(2025, 2027),
    )
    assert [home[y]["存量"] for y in home] == [5, 35]


def test_an_unknown_place_is_said_for_the_person() -> None:
    record = {"编号": "1", "原封顶线": 400000, "年度": {2025: {"地区": "CN-QQ"}}}
    with pytest.raises(tiaoli.UsageError, match="CN-QQ"):
        rules("CN-JX").evaluate(record, 2025)


def test_run_and_explain_on_the_command_line(command: Callable[..., Said], tmp_path: Path) -> None:
    file = tmp_path / "迁移.yaml"
    file.write_text(
        """
编号: P1
原封顶线: 400000
年度:
  2025: {参保: 是, 缴费日期: 2024-11-02}
  2026: {参保: 是, 缴费日期: 2025-11-02, 地区: CN-GD}
""",
        "utf-8",
    )
    ran = command("run", "CN-JX", str(file), "--year", "2025..2026", "--rule", "零报销激励额度")
    assert ran.code == 0 and "3,800元" in ran.out
    why = command("explain", "CN-JX", str(file), "--person", "P1", "--year", "2026", "--rule", "零报销激励额度")
    assert why.code == 0 and "3,800元" in why.out


ABSENT = """
文件 《甲地》 地区 XX-AA 施行 2025年度
每年 事实 收入: 金额 默认 0元 范围 0元..100万元
结果 规则 存量: 金额 初值 7元 = 上年 存量 + 收入 依据 第一条
"""
NOWHERE = """
文件 《乙地》 地区 XX-BB 施行 2025年度
每年 事实 收入: 金额 默认 0元 范围 0元..100万元
结果 规则 存量: 金额 可空 = 若 收入 > 50元 则 收入 否则 无 依据 第一条
"""


@pytest.mark.parametrize("suffix", (".yaml", ".csv"))
def test_who_comes_home_without_a_value_begins_anew(command: Callable[..., Said], tmp_path: Path, suffix: str) -> None:
    for name, text in (("a", ABSENT), ("b", NOWHERE)):
        (tmp_path / f"{name}.tiaoli").write_text(text, "utf-8")
    years = {
        2025: {"收入": 5},
        2026: {"地区": "XX-BB"},
        2027: {"收入": 1},
        2028: {"地区": "XX-BB", "收入": 60},
        2029: {"收入": 1},
    }
    home = Rules(read_library([Source("a", ABSENT), Source("b", NOWHERE)]), "XX-AA")
    result = home.evaluate({"编号": "1", "年度": years}, range(2025, 2030))
    wanted = [12, None, 8, 60, 61]
    assert [result[y]["存量"] for y in result] == wanted
    file = tmp_path / f"人{suffix}"
    if suffix == ".yaml":
        file.write_text(
            "编号: 1\n年度:\n" + "".join(f"  {y}: {own}\n" for y, own in years.items()).replace("'", ""), "utf-8"
        )
    else:
        cells = ["1", *(str(own.get(n, "")) for own in years.values() for n in ("收入", "地区"))]
        names = ["编号", *(f"{n}@{y}" for y in years for n in ("收入", "地区"))]
        file.write_text(",".join(names) + "\n" + ",".join(cells) + "\n", "utf-8")
    for kind in (".jsonl", ".json", ".csv") if suffix == ".yaml" else (".csv", ".parquet"):
        said = command(
            "run", "XX-AA", file, "--year", "2025..2029", "--rulesets", tmp_path, "-o", tmp_path / f"o{kind}"
        )
        assert said.code == 0, said.err
    if suffix == ".yaml":
        lines = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text("utf-8").splitlines()]
        assert [line["存量"] for line in lines if "存量" in line] == wanted
    else:
        assert list(pl.read_parquet(tmp_path / "o.parquet").drop("编号").row(0)) == wanted
