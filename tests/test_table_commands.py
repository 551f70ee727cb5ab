"""What goes with a run over tables: folders and --resume, states, reasons, summaries, other kinds of record, moves, mandates."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import columns_support as tables
import tiaoli
from support import Said, own
from tiaoli.batch import running
from tiaoli.batch.layout import ID, YEAR, Units
from tiaoli.trace import Tracer
from tiaoli.values import INSURED

Command = Callable[..., Said]
YEARS = "2025..2030"
SPAN = range(2025, 2031)
ALL = range(2016, 2031)


@pytest.fixture(scope="module")
def program(jiangxi: tiaoli.Rules) -> Any:
    return jiangxi.program(2031)


@pytest.fixture(scope="module")
def everyone(program: Any, histories: Any) -> pl.DataFrame:
    """The forty people of Jiangxi as a wide table."""
    return tables.wide(program, histories, ALL, Units.YUAN)


def sorted_rows(path: Path) -> list[dict[str, Any]]:
    return pl.read_parquet(path).sort(ID, *([YEAR] if YEAR in pl.read_parquet_schema(path) else [])).to_dicts()


# ── folders ──────────────────────────────────────────────────────────────────


@pytest.fixture
def folder(tmp_path: Path, everyone: pl.DataFrame) -> Path:
    """The same people in four files."""
    path = tmp_path / "全省"
    path.mkdir()
    for number in range(4):
        everyone[number * 10 : number * 10 + 10].write_parquet(path / f"部分{number}.parquet")
    return path


def results(path: Path) -> list[dict[str, Any]]:
    frames = [pl.read_parquet(file) for file in sorted(path.glob("*.parquet"))]
    return pl.concat(frames).sort(ID).to_dicts()


def stamps(path: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mtime_ns for file in path.glob("*.parquet")}


def test_a_folder_of_parts_gives_a_folder_of_results(
    command: Command, tmp_path: Path, folder: Path, everyone: pl.DataFrame
) -> None:
    everyone.write_parquet(tmp_path / "全部.parquet")
    said = command("run", "CN-JX", folder, "--year", YEARS, "-o", tmp_path / "结果")
    assert said.code == 0 and "读入 40 人 = 算出 40 人" in said.err, said.err
    assert command("run", "CN-JX", tmp_path / "全部.parquet", "--year", YEARS, "-o", tmp_path / "一.parquet").code == 0
    assert results(tmp_path / "结果") == sorted_rows(tmp_path / "一.parquet")
    assert sorted(p.name for p in (tmp_path / "结果").glob("*.parquet")) == [f"部分{n}.parquet" for n in range(4)]


def test_finished_parts_are_kept_and_changed_ones_computed_again(
    command: Command, tmp_path: Path, folder: Path, everyone: pl.DataFrame
) -> None:
    output = tmp_path / "结果"
    asked = ("run", "CN-JX", folder, "--year", YEARS, "-o", output, "--resume")
    first = command(*asked)
    assert first.code == 0, first.err
    before = stamps(output)
    again = command(*asked)
    assert again.code == 0 and again.err.count("没有重算") == 4
    assert "读入 40 人 = 算出 40 人" in again.err
    assert stamps(output) == before
    bad = everyone[10:20].with_columns(原封顶线=pl.lit(-1).cast(pl.Decimal(18, 2)))
    bad.write_parquet(folder / "部分1.parquet")
    third = command(*asked, "--rejects", tmp_path / "r.csv")
    assert third.code == 1 and third.err.count("没有重算") == 3
    assert "读入 40 人 = 算出 30 人" in third.err and "退回 10 人" in third.err
    changed = {name for name, stamp in stamps(output).items() if stamp != before[name]}
    assert changed == {"部分1.parquet"}
    fourth = command(*asked, "--rejects", tmp_path / "r2.csv")
    assert fourth.code == 1 and fourth.err.count("没有重算") == 4
    assert (tmp_path / "r.csv").read_bytes() == (tmp_path / "r2.csv").read_bytes()


@pytest.mark.parametrize(
    "other",
    [("--year", "2025..2026"), ("--reading", "首年断保=包括"), ("--reasons",)],
)
def test_parts_computed_otherwise_are_not_kept(
    command: Command, tmp_path: Path, folder: Path, other: tuple[str, ...]
) -> None:
    output = tmp_path / "结果"
    asked = ("run", "CN-JX", folder, "-o", output, "--resume")
    assert command(*asked, "--year", YEARS).code == 0
    said = command(*asked, *(other if "--year" in other else ("--year", YEARS, *other)))
    assert said.code == 0, said.err
    assert "没有重算" not in said.err


def test_a_missing_result_is_made_again(command: Command, tmp_path: Path, folder: Path) -> None:
    output = tmp_path / "结果"
    asked = ("run", "CN-JX", folder, "--year", YEARS, "-o", output, "--resume")
    assert command(*asked).code == 0
    whole = results(output)
    (output / "部分2.parquet").unlink()
    assert command(*asked).err.count("没有重算") == 3
    assert results(output) == whole


def test_an_interrupted_run_leaves_whole_files_only_and_can_go_on(
    command: Command, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, closing = tmp_path / "结果", tmp_path / "期末"
    whole = running.Run.part
    done: list[str] = []

    def part(self: Any, part: Any, *more: Any) -> Any:
        made = whole(self, part, *more)
        done.append(part.name)
        if len(done) == 3:
            raise KeyboardInterrupt
        return made

    asked = ("run", "CN-JX", folder, "--year", YEARS, "-o", output, "--closing", closing, "--resume")
    monkeypatch.setattr(running.Run, "part", part)
    with pytest.raises(BaseException):  # noqa: B017
        said = command(*asked)
        raise KeyboardInterrupt(said.code)
    monkeypatch.undo()
    for place in (output, closing):
        assert sorted(p.name for p in place.glob("*.parquet*")) == ["部分0.parquet", "部分1.parquet"]
    after = command(*asked)
    assert after.code == 0 and after.err.count("没有重算") == 2
    assert len(results(output)) == len(results(closing)) == 40


def test_who_stands_in_two_parts_is_set_aside(command: Command, tmp_path: Path, folder: Path, everyone: Any) -> None:
    everyone[:1].write_parquet(folder / "部分9.parquet")
    said = command("run", "CN-JX", folder, "--year", YEARS, "-o", tmp_path / "结果", "--rejects", tmp_path / "r.csv")
    assert said.code == 1 and "读入 41 人 = 算出 39 人" in said.err and "退回 2 人" in said.err
    rows = list(csv.DictReader(io.StringIO((tmp_path / "r.csv").read_text(encoding="utf-8-sig"))))
    assert [(r["编号"], r["代码"]) for r in rows] == [(everyone[ID][0], "E857")] * 2


# ── states ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("units", ("元", "分"))
@pytest.mark.parametrize("shape", ("wide", "long"))
def test_a_run_goes_on_from_a_state(
    command: Command, tmp_path: Path, program: Any, histories: Any, units: str, shape: str
) -> None:
    held = Units(units)
    steady = [r for r in histories if any(int(y) < 2028 for y in r["年度"])]

    def table(name: str, years: range) -> Path:
        people = [r | {"年度": {y: f for y, f in r["年度"].items() if int(y) in years}} for r in steady]
        frame = tables.wide(program, people, years, held) if shape == "wide" else tables.long(program, people, held)
        frame.write_parquet(tmp_path / name)
        return tmp_path / name

    more = ("--units", units, "--layout", "wide")
    whole, first, second, state = (tmp_path / f"{n}.parquet" for n in ("全", "前", "后", "期末"))
    early, late = table("早.parquet", range(2016, 2028)), table("晚.parquet", range(2028, 2031))
    assert command("run", "CN-JX", table("表.parquet", ALL), "--year", YEARS, "-o", whole, *more).code == 0
    said = command("run", "CN-JX", early, "--year", "2025..2027", "-o", first, "--closing", state, *more)
    assert said.code == 0, said.err
    said = command("run", "CN-JX", late, "--year", "2028..2030", "-o", second, "--opening", state, *more)
    assert said.code == 0, said.err
    expected = sorted_rows(whole)
    for path in (first, second):
        for row, every in zip(sorted_rows(path), expected, strict=True):
            assert row == {name: every[name] for name in row}


def test_a_person_without_years_has_a_state(command: Command, tmp_path: Path, program: Any) -> None:
    people = [{"编号": "P1", "原封顶线": 400_000}, {"编号": "P2", "原封顶线": 1, "年度": {2025: {"参保": False}}}]
    tables.long(program, people, Units.YUAN).write_parquet(tmp_path / "表.parquet")
    state = tmp_path / "期末.parquet"
    asked = ("run", "CN-JX", tmp_path / "表.parquet", "--year", "2025..2026", "-o", tmp_path / "o.parquet")
    assert command(*asked).code == 0
    said = command(*asked, "--closing", state)
    assert said.code == 0, said.err
    assert sorted(pl.read_parquet(state)[ID]) == ["P1", "P2"]


def test_a_state_may_be_csv(command: Command, tmp_path: Path, everyone: pl.DataFrame) -> None:
    file, state, whole, second = (tmp_path / n for n in ("表.parquet", "期末.csv", "全.parquet", "后.parquet"))
    everyone.write_parquet(file)
    assert command("run", "CN-JX", file, "--year", YEARS, "-o", whole).code == 0
    assert command("run", "CN-JX", file, "--year", "2025..2027", "-o", tmp_path / "o.csv", "--closing", state).code == 0
    said = command("run", "CN-JX", file, "--year", "2028..2030", "-o", second, "--opening", state)
    assert said.code == 0, said.err
    for row, every in zip(sorted_rows(second), sorted_rows(whole), strict=True):
        assert row == {name: every[name] for name in row}


def test_who_has_no_state_is_set_aside(command: Command, tmp_path: Path, everyone: pl.DataFrame) -> None:
    file, state = tmp_path / "表.parquet", tmp_path / "期末.parquet"
    everyone.write_parquet(file)
    assert (
        command("run", "CN-JX", file, "--year", "2025..2027", "-o", tmp_path / "o.parquet", "--closing", state).code
        == 0
    )
    pl.read_parquet(state)[1:].write_parquet(state)
    late = tmp_path / "晚.parquet"
    everyone.select(pl.exclude(r"^.*@20(1\d|2[0-7])$")).write_parquet(late)
    said = command("run", "CN-JX", late, "--year", "2028", "-o", tmp_path / "p.parquet", "--opening", state)
    assert said.code == 1 and "读入 40 人 = 算出 39 人" in said.err and "E822" in said.err, said.err


@pytest.mark.parametrize("wrong", ("year", "column"))
def test_a_state_that_does_not_fit_is_refused(command: Command, tmp_path: Path, everyone: Any, wrong: str) -> None:
    file, state = tmp_path / "表.parquet", tmp_path / "期末.parquet"
    everyone.write_parquet(file)
    assert (
        command("run", "CN-JX", file, "--year", "2025..2027", "-o", tmp_path / "o.parquet", "--closing", state).code
        == 0
    )
    year = "2028"
    if wrong == "year":
        year = "2026"
    else:
        frame = pl.read_parquet(state)
        frame.drop(frame.columns[1:]).write_parquet(state)
    said = command("run", "CN-JX", file, "--year", year, "-o", tmp_path / "p.parquet", "--opening", state)
    assert said.code == 2 and "E822" in said.err, said.err
    assert not (tmp_path / "p.parquet").exists()


def test_states_of_the_interpreter_and_of_tables_are_the_same(
    command: Command, tmp_path: Path, everyone: Any, records: Path
) -> None:
    file, state = tmp_path / "表.parquet", tmp_path / "期末.jsonl"
    everyone.write_parquet(file)
    said = command("run", "CN-JX", records, "--year", "2025..2027", "-o", tmp_path / "o.jsonl", "--closing", state)
    assert said.code == 0, said.err
    whole, second = tmp_path / "全.parquet", tmp_path / "后.parquet"
    assert command("run", "CN-JX", file, "--year", YEARS, "-o", whole).code == 0
    said = command("run", "CN-JX", file, "--year", "2028..2030", "-o", second, "--opening", state)
    assert said.code == 0, said.err
    for row, every in zip(sorted_rows(second), sorted_rows(whole), strict=True):
        assert row == {name: every[name] for name in row}


# ── reasons ──────────────────────────────────────────────────────────────────


def test_reasons_can_be_looked_up(
    command: Command, tmp_path: Path, jiangxi: tiaoli.Rules, histories: Any, everyone: Any
) -> None:
    """Every code of a run stands in the list of codes, with the clause that the reference says decided."""
    file, output, codes = tmp_path / "表.parquet", tmp_path / "o.parquet", tmp_path / "理由.csv"
    everyone[:12].write_parquet(file)
    assert command("run", "CN-JX", file, "--year", YEARS, "-o", output, "--reasons", "--layout", "long").code == 0
    assert command("reasons", "CN-JX", "--year", YEARS, "-o", codes).code == 0
    told = {
        (int(r["年度"]), r["规则"], int(r["代码"])): r
        for r in csv.DictReader(io.StringIO(codes.read_text(encoding="utf-8-sig")))
    }
    compiled = jiangxi.compiled(SPAN)
    people = {r["编号"]: r for r in histories}
    used: Counter[tuple[int, str, int]] = Counter()
    for row in pl.read_parquet(output).to_dicts():
        person = jiangxi.reader(compiled).convert(people[row[ID]])
        tracer = Tracer(compiled.program, person.facts, person.years, compiled.readings)
        for name in compiled.outputs:
            code = row[f"{name}.理由"]
            assert code == tables.code_of(tracer, name, row[YEAR]), (row[ID], name, row[YEAR])
            if code:
                used[row[YEAR], name, code] += 1
                step = tracer.step(name, row[YEAR])
                assert step is not None and step.decision is not None
                decider = step.decision.decided[0]
                basis = "；".join(map(str, decider.basis or step.rule.basis))
                if len(step.decision.decided) == 1:
                    assert told[row[YEAR], name, code]["依据"] == basis
    assert set(used) <= set(told)
    assert len(used) > 20


def test_reasons_on_the_terminal(command: Command, jiangxi: tiaoli.Rules) -> None:
    found = json.loads(command("reasons", "CN-JX", "--year", "2026", "--format", "json").out)
    assert {"年度", "规则", "代码", "条件", "依据"} <= set(found[0])
    lines = command("reasons", "CN-JX", "--year", "2026").out.splitlines()
    assert len(lines) == len(found) + 1
    name = jiangxi.compiled(2026).outputs[0]
    few = command("reasons", "CN-JX", "--year", "2026", "--rule", name).out.splitlines()[1:]
    assert few and all(line.split("\t")[1] == name for line in few)


# ── a small ruleset: summaries, mandates ─────────────────────────────────────

SMALL = """
事实 区县: 东区 | 西区 默认 东区
每年 事实 花费: 金额 默认 0元 范围 0元..100万元
结果 规则 报销: 金额 舍入 四舍五入 到 分 = 花费 × 60%
结果 规则 有花费: 是否 = 花费 > 0元
结果 规则 大额: 金额 可空
  当 花费 > 50元 得 花费
  否则 无
要求 报销 ≤ 60元 依据 一
要求 报销 ≤ 30元 原则上 依据 一
"""
RULES = ("--rule", "报销", "--rule", "有花费", "--rule", "大额")


@pytest.fixture
def small(tmp_path: Path, command: Command) -> Callable[..., Said]:
    """Run the small rules over five people: 0, 10, 20, 30 and 200 yuan in 2025, nothing in 2026; two of them in the west."""
    own(tmp_path, SMALL)
    rows = [f"P{i},{'西区' if i in (1, 4) else ''},{cost}," for i, cost in enumerate((0, 10, 20, 30, 200))]
    file = tmp_path / "表.csv"
    file.write_text("\n".join(["编号,区县,花费@2025,花费@2026", *rows, ""]), encoding="utf-8")
    return lambda *more: command("run", "CN-ZZ", file, "--year", "2025..2026", "--rulesets", tmp_path, *RULES, *more)


def summary(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


@pytest.mark.parametrize("layout", ("wide", "long"))
@pytest.mark.parametrize("units", ("元",))
@pytest.mark.parametrize("suffix", (".parquet", ".csv"))
def test_a_summary_by_hand(small: Any, tmp_path: Path, layout: str, units: str, suffix: str) -> None:
    path = tmp_path / "汇总.csv"
    small("-o", tmp_path / f"o{suffix}", "--summary", path, "--layout", layout, "--units", units)
    found = {(r["结果"], r["年度"]): r for r in summary(path)}
    costs = found["报销", "2025"]
    named = ("人数", "无值", "合计", "平均", "最小", "四分之一", "中位", "四分之三", "最大", "非零占比")
    assert [costs[n] for n in named] == ["5", "0", "156", "31.2", "0", "6", "12", "18", "120", "0.8"]
    later = found["报销", "2026"]
    assert [later[n] for n in named] == ["5", "0", "0", "0", "0", "0", "0", "0", "0", "0"]
    large = found["大额", "2025"]
    assert [large[n] for n in named] == ["5", "4", "200", "200", "200", "200", "200", "200", "200", "1"]
    none = found["大额", "2026"]
    assert [none[n] for n in named] == ["5", "5", "", "", "", "", "", "", "", ""]
    truth = found["有花费", "2025"]
    assert (truth["人数"], truth["非零占比"]) == ("5", "0.8")


@pytest.mark.parametrize("layout", ("wide", "long"))
def test_a_summary_by_groups(small: Any, tmp_path: Path, layout: str) -> None:
    path = tmp_path / "汇总.csv"
    small("-o", tmp_path / "o.parquet", "--summary", path, "--by", "区县", "--layout", layout)
    found = {(r["结果"], r["年度"], r["区县"]): r for r in summary(path)}
    groups = {key[2] for key in found}
    east = (groups - {"西区"}).pop()
    west, rest = found["报销", "2025", "西区"], found["报销", "2025", east]
    assert (west["人数"], west["合计"], west["最大"]) == ("2", "126", "120")
    assert (rest["人数"], rest["合计"], rest["最大"]) == ("3", "30", "18")


def test_a_group_of_a_column_that_is_not_there(small: Any, tmp_path: Path) -> None:
    said = small("-o", tmp_path / "o.parquet", "--by", "区具")
    assert said.code == 2 and "E718" in said.err and "区县" in said.err
    assert not (tmp_path / "o.parquet").exists()


def test_mandates_are_counted(small: Any, tmp_path: Path) -> None:
    said = small("-o", tmp_path / "o.parquet")
    assert said.code == 1, said.err
    counted = dict(re.findall(r"(E805|W805) 2025年度：(\d+) 条记录", said.err))
    assert counted == {"E805": "1", "W805": "1"}, said.err
    assert "2026年度" not in said.err
    assert pl.read_parquet(tmp_path / "o.parquet").height == 5


def test_without_output_results_are_printed(small: Any) -> None:
    said = small()
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert [r["报销@2025"] for r in rows] == ["0.00", "6.00", "12.00", "18.00", "120.00"]


# ── moves ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("shape", ("wide", "long"))
@pytest.mark.parametrize("units", tuple(Units))
def test_people_who_move_are_computed(
    command: Command, tmp_path: Path, jiangxi: tiaoli.Rules, program: Any, histories: Any, shape: str, units: Units
) -> None:
    people = histories[:6]
    frame = tables.wide(program, people, ALL, units) if shape == "wide" else tables.long(program, people, units)
    mover = people[2]["编号"]
    moved = people[2] | {"年度": {y: dict(f) for y, f in people[2]["年度"].items()}}
    turn = 2028
    for year in range(turn, 2031):
        moved["年度"].setdefault(year, {})["地区"] = "CN-FJ"
    place = pl.lit("CN-FJ", dtype=pl.String)
    if shape == "wide":
        frame = frame.with_columns(
            pl.when(pl.col(ID) == mover).then(place).alias(f"地区@{y}") for y in range(turn, 2031)
        )
    else:
        rows = pl.DataFrame({ID: [mover] * 3, YEAR: list(range(turn, 2031))}, schema_overrides={YEAR: pl.Int32})
        lacking = rows.join(frame, on=[ID, YEAR], how="anti")
        persons = [f.name for f in program.facts.values() if not f.yearly and f.name in frame.columns]
        extra = lacking.join(frame.select(ID, *persons).unique(), on=ID, how="left")
        frame = pl.concat([frame, extra], how="diagonal")
        frame = frame.with_columns(pl.when((pl.col(ID) == mover) & (pl.col(YEAR) >= turn)).then(place).alias("地区"))
    file, output = tmp_path / "表.parquet", tmp_path / "o.parquet"
    frame.write_parquet(file)
    expected = jiangxi.evaluate(moved, SPAN)
    said = command("run", "CN-JX", file, "--year", YEARS, "-o", output, "--units", units.value, "--layout", "wide")
    assert said.code == 0, said.err
    assert "读入 6 人 = 算出 6 人" in said.err
    (row,) = pl.read_parquet(output).filter(pl.col(ID) == mover).to_dicts()
    for year in SPAN:
        for name, value in expected[year].items():
            if name in program.rules and f"{name}@{year}" in row:
                given = row[f"{name}@{year}"]
                if units is Units.FEN and isinstance(value, Decimal):
                    digits = 2 if program.rules[name][0].type.kind.name == "MONEY" else program.rules[name][0].scale
                    value = int(value.scaleb(digits))  # noqa: PLW2901
                assert given == value, (name, year)


@pytest.fixture
def travellers(tmp_path: Path, program: Any, histories: Any) -> tuple[Path, list[dict[str, Any]]]:
    """Six people; the second goes to Fujian for 2026 and 2027, the third for 2029 and 2030."""
    away = {histories[1]["编号"]: (2026, 2027), histories[2]["编号"]: (2029, 2030)}
    people = []
    for person in histories[:6]:
        years = {y: dict(facts) for y, facts in person["年度"].items()}
        for year in away.get(person["编号"], ()):
            years.setdefault(year, {})["地区"] = "CN-FJ"
        people.append(person | {"年度": years})
    frame = tables.wide(program, histories[:6], ALL, Units.YUAN)
    for year in SPAN:
        gone = [ident for ident, years in away.items() if year in years]
        place = pl.when(pl.col(ID).is_in(gone)).then(pl.lit("CN-FJ"))
        frame = frame.with_columns(place.alias(f"地区@{year}"))
    file = tmp_path / "表.parquet"
    frame.write_parquet(file)
    return file, people


def test_who_ends_at_home_leaves_a_state(
    command: Command, tmp_path: Path, jiangxi: tiaoli.Rules, travellers: tuple[Path, list[dict[str, Any]]]
) -> None:
    file, people = travellers
    output, state, rejects = tmp_path / "o.parquet", tmp_path / "s.parquet", tmp_path / "r.csv"
    said = command("run", "CN-JX", file, "--year", YEARS, "-o", output, "--closing", state, "--rejects", rejects)
    assert said.code == 1 and "读入 6 人 = 算出 5 人" in said.err, said.err
    assert [(r["编号"], r["代码"]) for r in summary(rejects)] == [(people[2]["编号"], "E806")]
    held = {row[ID]: row for row in pl.read_parquet(state).to_dicts()}
    assert held.keys() == {p["编号"] for p in people} - {people[2]["编号"]}
    year, expected = jiangxi.evaluate(people[1], SPAN).closing()
    assert {f"{name}@{year}": value for name, value in expected.items()} == {
        name: value for name, value in held[people[1]["编号"]].items() if name != ID
    }


def test_reasons_of_who_moves_are_given_where_the_rules_are_those_of_the_run(
    command: Command, tmp_path: Path, jiangxi: tiaoli.Rules, travellers: tuple[Path, list[dict[str, Any]]]
) -> None:
    file, people = travellers
    output = tmp_path / "o.parquet"
    said = command("run", "CN-JX", file, "--year", YEARS, "-o", output, "--reasons")
    assert said.code == 0, said.err
    (row,) = pl.read_parquet(output).filter(pl.col(ID) == people[1]["编号"]).to_dicts()
    result = jiangxi.evaluate(people[1], SPAN)
    names = {n.partition(".")[0] for n in row if ".理由@" in n}
    assert len(names) > 10
    for year in SPAN:
        own = next(stay for stay in result.stays if year in stay)
        for name in names:
            code = row[f"{name}.理由@{year}"]
            assert code == (None if own.place == "CN-FJ" else tables.code_of(own.tracer, name, year)), (name, year)


# ── other kinds of record ────────────────────────────────────────────────────

KINDS = """
对象 街区
事实 街区 的 名次: 整数 默认 0
每年 事实 街区 的 起付: 金额 默认 0元
每年 事实 住处: 街区 可空
每年 事实 花费: 金额 默认 0元 范围 0元..100万元
结果 规则 报销: 金额 可空 舍入 四舍五入 到 分
  当 没有 住处 得 无
  否则 取大(0元, 花费 - 住处 的 起付) × 60%
结果 规则 街区 的 人数: 整数 = 计数(参保人)
结果 规则 街区 的 总额: 金额 = 合计(参保人 当 有 报销, 报销)
结果 规则 街区 的 最多: 金额 可空 = 最大(参保人 当 有 报销, 报销)
结果 规则 占比: 比例 可空 舍入 四舍五入 到 0.0001
  当 没有 住处 得 无
  当 住处 的 总额 = 0元 得 无
  当 没有 报销 得 无
  否则 报销 ÷ 住处 的 总额
"""
WANTED = tuple(x for n in ("报销", "人数", "总额", "最多", "占比") for x in ("--rule", n))


@pytest.mark.parametrize("form", (".parquet", ".csv", ".xlsx"))
@pytest.mark.parametrize("layout", ("wide", "long"))
def test_persons_and_regions_as_tables_equal_the_interpreter(
    command: Command, tmp_path: Path, form: str, layout: str
) -> None:
    own(tmp_path, KINDS)
    rules = tiaoli.load("CN-ZZ", tmp_path)
    program = rules.program(2026)
    years = range(2025, 2027)
    people: list[dict[str, Any]] = [
        {
            "编号": f"P{i:02d}",
            "年度": {
                y: {"花费": Decimal(i * 37 % 211), "住处": None if i % 5 == 0 else f"S{i * y % 3}"} for y in years
            },
        }
        for i in range(30)
    ]
    regions = [
        {"对象": "街区", "编号": f"S{i}", "名次": i, "年度": {y: {"起付": Decimal(i * 10)} for y in years}}
        for i in range(4)
    ]
    form_of_table: Any = tables.TEXT if form == ".csv" else Units.YUAN
    files = {INSURED: tmp_path / f"人{form}", "街区": tmp_path / f"街{form}"}
    for kind, listed in ((INSURED, people), ("街区", regions)):
        frame = (
            tables.long(program, listed, form_of_table, kind)
            if layout == "long"
            else tables.wide(program, listed, years, form_of_table, kind)
        )
        _write(frame, files[kind])
    output = tmp_path / "o.parquet"
    wanted = WANTED[1::2]
    said = command(
        "run", "CN-ZZ", files[INSURED], f"街区={files['街区']}", "--year", "2025..2026", "--rulesets", tmp_path,
        "-o", output, "--layout", "long", *WANTED,
    )  # fmt: skip
    assert said.code == 0, said.err
    population = rules.population([*people, *regions], years, rules=wanted)
    found = {}
    for file in tmp_path.glob("o*.parquet"):
        for row in pl.read_parquet(file).to_dicts():
            ident, year = row.pop(ID), row.pop(YEAR)
            found[ident, year] = {n: v for n, v in row.items() if n in wanted}
    expected = {(r.person.id, y): dict(r[y]) for r in population for y in years}
    assert found == expected
    assert "参保人 30" in said.err and "街区 4" in said.err


@pytest.mark.parametrize("engine", ("polars", "duckdb"))
def test_a_second_table_and_groups_beside_another_kind(command: Command, tmp_path: Path, engine: str) -> None:
    """Facts that only the nation's rules demand need not be there where none of these is asked for, also not of several kinds."""
    own(
        tmp_path,
        "对象 街区\n事实 底数: 金额 范围 0元..1万元\n每年 事实 住处: 街区 可空\n每年 事实 街区 的 起付: 金额\n"
        "结果 规则 补贴: 金额 = 底数 × 2\n结果 规则 街区 的 合计底数: 金额 = 合计(参保人, 补贴)\n",
    )
    people, regions, persons = (tmp_path / f"{n}.parquet" for n in ("人", "街", "本人"))
    pl.DataFrame({ID: ["甲", "乙", "丙"], "住处@2025": ["S", "S", None], "镇": ["东", "西", "东"]}).write_parquet(
        people
    )
    pl.DataFrame({ID: ["S", "T"], "起付@2025": [1, 2]}).write_parquet(regions)
    pl.DataFrame({ID: ["丙", "乙", "甲", "无"], "底数": [3, 2, 1, 9]}).write_parquet(persons)
    asked = ("--year", "2025", "--rulesets", tmp_path, "--rule", "合计底数", "--persons", persons, "--engine", engine)
    output = tmp_path / "o.parquet"
    said = command("run", "CN-ZZ", people, f"街区={regions}", *asked, "--rule", "补贴", "--by", "镇", "-o", output)
    assert said.code == 0 and "1 人不在" in said.err, said.err
    assert sorted(pl.read_parquet(output).rows()) == [("丙", "东", 6), ("乙", "西", 4), ("甲", "东", 2)]
    assert sorted(pl.read_parquet(tmp_path / "o.街区.parquet").rows()) == [("S", 6), ("T", 0)]
    assert "补贴,2025,东,2,0,8" in said.out and "合计底数,2025,,2,0,6" in said.out.replace('""', "")
    said = command("run", "CN-ZZ", f"街区={regions}", *asked, "-o", output)
    assert said.code == 0 and "W807" in said.err


def _write(frame: pl.DataFrame, path: Path) -> None:
    from openpyxl import Workbook

    if path.suffix == ".parquet":
        frame.write_parquet(path)
    elif path.suffix == ".csv":
        frame.write_csv(path)
    else:
        book = Workbook()
        for row in (frame.columns, *frame.iter_rows()):
            book.worksheets[0].append(row)
        book.save(path)


def test_a_link_to_nothing_sets_a_person_aside(command: Command, tmp_path: Path) -> None:
    own(tmp_path, KINDS)
    (tmp_path / "人.csv").write_text("编号,花费@2025,住处@2025\nP1,100,S1\nP2,100,S9\nP3,50,S1\n", encoding="utf-8")
    (tmp_path / "街.csv").write_text("编号,年度,起付\nS1,2025,10\n", encoding="utf-8")
    said = command(
        "run", "CN-ZZ", tmp_path / "人.csv", f"街区={tmp_path / '街.csv'}", "--year", "2025", "--rulesets", tmp_path,
        "-o", tmp_path / "o.parquet", "--rejects", tmp_path / "r.csv", *WANTED,
    )  # fmt: skip
    assert said.code == 1, said.err
    (one,) = summary(tmp_path / "r.csv")
    assert (one["编号"], one["代码"], one["值"]) == ("P2", "E740", "S9")
    frames = {f.name: pl.read_parquet(f) for f in tmp_path.glob("o*.parquet")}
    totals = [f for f in frames.values() if any(n.startswith("总额") for n in f.columns)]
    assert [Decimal(v) for f in totals for v in f.select(pl.col("^总额.*$")).to_series()] == [Decimal("78.00")]


CARRIED = (
    KINDS
    + """
结果 规则 街区 的 累计: 金额 初值 0元 = 上年 累计 + 总额
结果 规则 连年花费: 金额 初值 0元 = 上年 连年花费 + 花费
"""
)


def _carried(folder: Path, years: range, kind: str, spread: bool = False) -> pl.DataFrame:
    """People, or the streets that they live in, with what they bring in some years."""
    if kind == "街区":
        columns = {f"起付@{y}": [Decimal(i * 10) for i in range(4)] for y in years}
        return pl.DataFrame({ID: [f"S{i}" for i in range(4)], **columns})
    costs = {f"花费@{y}": [Decimal(i * 37 * y % 211) for i in range(30)] for y in years}
    homes = {f"住处@{y}": [None if i % 5 == 0 else f"S{i * y % 3}" for i in range(30)] for y in years}
    groups = {"组": ["甲" if i % 3 else "乙" for i in range(30)]} if spread else {}
    return pl.DataFrame({ID: [f"P{i:02d}" for i in range(30)], **costs, **homes, **groups})


def _of_years(
    folder: Path, name: str, years: range, command: Command, *more: object
) -> dict[str, list[dict[str, Any]]]:
    """A run over people and streets; the tables of results by kind."""
    files = {}
    for kind in (INSURED, "街区"):
        files[kind] = folder / f"{name}{kind}.parquet"
        _carried(folder, years, kind).write_parquet(files[kind])
    output = folder / f"{name}.parquet"
    said = command(
        "run", "CN-ZZ", files[INSURED], f"街区={files['街区']}", "--year", f"{years[0]}..{years[-1]}", "--rulesets",
        folder / "rules", "-o", output, "--layout", "wide", *more,
    )  # fmt: skip
    assert said.code == 0, said.err
    return {k: sorted_rows(f) for k, f in ((INSURED, output), ("街区", folder / f"{name}.街区.parquet"))}


@pytest.mark.parametrize("engine", ("polars", "duckdb"))
def test_states_of_several_kinds_are_handed_over(command: Command, tmp_path: Path, engine: str) -> None:
    (tmp_path / "rules").mkdir()
    own(tmp_path / "rules", CARRIED)
    state = tmp_path / "期末.parquet"
    whole = _of_years(tmp_path, "全", range(2025, 2029), command)
    _of_years(tmp_path, "前", range(2025, 2027), command, "--closing", state, "--engine", engine)
    assert state.exists() and (tmp_path / "期末.街区.parquet").exists()
    after = _of_years(tmp_path, "后", range(2027, 2029), command, "--opening", state, "--engine", engine)
    for kind, rows in after.items():
        assert rows == [{n: w[n] for n in row} for row, w in zip(rows, whole[kind], strict=True)]
    assert any(row["累计@2028"] > row["总额@2028"] for row in after["街区"])


def test_who_of_another_kind_has_no_state_is_set_aside(command: Command, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    own(tmp_path / "rules", CARRIED)
    state = tmp_path / "期末.parquet"
    _of_years(tmp_path, "前", range(2025, 2027), command, "--closing", state)
    streets = tmp_path / "期末.街区.parquet"
    pl.read_parquet(streets).filter(pl.col(ID) != "S3").write_parquet(streets)
    files = (tmp_path / "后参保人.parquet", tmp_path / "后街区.parquet")
    for file, kind in zip(files, (INSURED, "街区"), strict=True):
        _carried(tmp_path, range(2027, 2028), kind).write_parquet(file)
    asked = (
        "run", "CN-ZZ", files[0], f"街区={files[1]}", "--year", "2027", "--rulesets", tmp_path / "rules", "-o", tmp_path / "o.parquet",
        "--opening", state,
    )  # fmt: skip
    said = command(*asked, "--rejects", tmp_path / "r.csv")
    assert said.code == 1, said.err
    assert [(r["编号"], r["代码"]) for r in summary(tmp_path / "r.csv")] == [("S3", "E822")]
    assert "读入 34 人 = 算出 33 人" in said.err and "街区 3" in said.err
    said = command(*asked, "--rejects", tmp_path / "d.parquet", "--engine", "duckdb")
    assert said.code == 1 and "读入 4 个街区 = 算出 3 个街区" in said.err, said.err
    left = pl.read_parquet(tmp_path / "d.街区.parquet")
    assert left["编号"].to_list() == ["S3"] and left["代码"].to_list() == ["E822"]
    streets.unlink()
    for engine in ("polars", "duckdb"):
        said = command(*asked, "--engine", engine)
        assert said.code == 2 and "E822" in said.err and "没有街区的期初状态" in said.err, said.err


def test_states_given_twice_are_never_taken(command: Command, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    own(tmp_path / "rules", CARRIED)
    state, people = tmp_path / "期末.parquet", tmp_path / "后.parquet"
    _of_years(tmp_path, "前", range(2025, 2027), command, "--closing", state)
    held = pl.read_parquet(state)
    pl.concat([held, held[3:4]]).write_parquet(state)
    _carried(tmp_path, range(2027, 2028), INSURED).drop("住处@2027").write_parquet(people)
    asked = (
        "run", "CN-ZZ", people, "--year", "2027", "--rulesets", tmp_path / "rules", "--rule", "连年花费", "-o", tmp_path / "o.parquet",
        "--opening", state, "--rejects", tmp_path / "r.parquet",
    )  # fmt: skip
    said = command(*asked)
    assert said.code == 2 and "E822" in said.err and held[ID][3] in said.err, said.err
    said = command(*asked, "--engine", "duckdb")
    assert said.code == 1 and "读入 30 人 = 算出 29 人" in said.err, said.err
    assert pl.read_parquet(tmp_path / "r.parquet")["编号"].to_list() == [held[ID][3]]


def test_several_kinds_are_summed_up_and_grouped(command: Command, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    own(tmp_path / "rules", KINDS)
    people, streets = tmp_path / "全省", tmp_path / "街.parquet"
    people.mkdir()
    frame = _carried(tmp_path, range(2025, 2026), INSURED, spread=True)
    frame[:11].write_parquet(people / "一.parquet")
    frame[11:].write_parquet(people / "二.parquet")
    _carried(tmp_path, range(2025, 2026), "街区").write_parquet(streets)
    output = tmp_path / "o.parquet"
    said = command(
        "run", "CN-ZZ", people, f"街区={streets}", "--year", "2025", "--rulesets", tmp_path / "rules", "-o", output,
        "--summary", tmp_path / "s.csv", "--by", "组",
    )  # fmt: skip
    assert said.code == 0, said.err
    lines = summary(tmp_path / "s.csv")
    results, regions = pl.read_parquet(output), pl.read_parquet(tmp_path / "o.街区.parquet")
    assert {ID, "组", "报销@2025", "占比@2025"} <= set(results.columns) and len(results) == 30
    found = {(r["结果"], r["组"]): (int(r["人数"]), Decimal(r["合计"] or 0)) for r in lines}
    for group in "甲乙":
        own_rows = results.filter(pl.col("组") == group)
        assert found["报销", group] == (len(own_rows), own_rows["报销@2025"].sum())
    assert found["总额", ""] == (4, regions["总额@2025"].sum())
    assert found["人数", ""] == (4, Decimal(regions["人数@2025"].sum()))


# ── queries ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dialect", ("duckdb", "spark", "postgres"))
@pytest.mark.parametrize("query", ("results", "rejects", "closing"))
def test_a_query_is_printed_in_each_dialect(command: Command, dialect: str, query: str) -> None:
    import sqlglot

    said = command("compile", "CN-JX", "--year", "2025..2026", "--to", "sql", "--dialect", dialect, "--query", query)
    assert said.code == 0, said.err
    assert sqlglot.parse_one(said.out, dialect=dialect) is not None
    if query == "results":
        assert "2026" in said.out and "〔2024〕" in said.out


def test_a_dialect_that_is_not_known(command: Command) -> None:
    assert command("compile", "CN-JX", "--year", "2026", "--dialect", "oracle").code == 2


@pytest.mark.parametrize("source", ("a b c (", ")", "", "people where"))
def test_a_source_that_is_no_table(command: Command, source: str) -> None:
    said = command("compile", "CN-JX", "--year", "2026", "--source", source)
    assert said.code == 2 and "E825" in said.err and "--source" in said.err, said.err
