"""Synthetic records: the same for the same seed, valid in every place, plausible, and tables as `schema --table` says."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from pytest_regressions.file_regression import FileRegressionFixture

import tiaoli
from support import Said
from tiaoli.apps import batch_commands
from tiaoli.batch import synth, synth_tables
from tiaoli.batch.layout import ID, YEAR, Shape, Units, dtype_of, year_of_column
from tiaoli.batch.synth import Plan, plan_of
from tiaoli.batch.synth_profile import PROFILE, profile_of
from tiaoli.batch.synth_tables import frames, schema_of
from tiaoli.errors import UsageError
from tiaoli.record_facts import digits_of, kinds_of, limits_of
from tiaoli.values import INSURED, Kind

Command = Callable[..., Said]
YEARS = range(2023, 2028)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of a few hundred people."""
    for module in (synth, synth_tables):
        monkeypatch.setattr(module, "CHUNK", 300)


def plan(rules: tiaoli.Rules, years: range = YEARS, seed: int = 5, text: str | None = None) -> Plan:
    compiled = rules.compiled(years)
    profile = profile_of(compiled.program, text)
    return plan_of(compiled.program, INSURED, years, compiled.needed_facts, profile, seed)


def table(drawn: Plan, people: int = 300, shape: Shape = Shape.WIDE, units: Units = Units.YUAN) -> pl.DataFrame:
    return pl.concat(frames(drawn, people, shape, units))


def records(frame: pl.DataFrame, kind: str | None = None) -> Iterator[dict[str, Any]]:
    """The rows of a wide table as records."""
    for row in frame.iter_rows(named=True):
        record: dict[str, Any] = {ID: row.pop(ID), **({"对象": kind} if kind else {})}
        for name, value in row.items():
            if value is None:
                continue
            if found := year_of_column(name):
                record.setdefault(YEAR, {}).setdefault(found[1], {})[found[0]] = value
            else:
                record[name] = value
        yield record


# ── the same people ──────────────────────────────────────────────────────────


def test_the_same_seed_gives_the_same_people(jiangxi: tiaoli.Rules) -> None:
    assert_frame_equal(table(plan(jiangxi)), table(plan(jiangxi)))
    assert not table(plan(jiangxi)).equals(table(plan(jiangxi, seed=6)))


@pytest.mark.parametrize("shape", Shape)
def test_the_first_people_of_a_larger_draw_are_the_same(jiangxi: tiaoli.Rules, shape: Shape) -> None:
    large, rows = table(plan(jiangxi), 700, shape), 1 if shape is Shape.WIDE else len(YEARS)
    assert large.height == 700 * rows and large[ID].n_unique() == 700
    for people in (7, 300, 301):
        assert_frame_equal(table(plan(jiangxi), people, shape), large.head(people * rows))


def test_more_years_leave_those_before_as_they_were(jiangxi: tiaoli.Rules) -> None:
    short, long = table(plan(jiangxi, range(2023, 2026))), table(plan(jiangxi, YEARS))
    assert_frame_equal(short, long.select(short.columns))


def test_a_place_with_other_facts_has_the_same_people(jiangxi: tiaoli.Rules) -> None:
    here, there = table(plan(jiangxi)), table(plan(tiaoli.load("CN-GD")))
    shared = [name for name in here.columns if name in there.columns]
    assert len(shared) > 100
    assert_frame_equal(here.select(shared), there.select(shared))


# ── valid and plausible ──────────────────────────────────────────────────────


@pytest.mark.parametrize("place", ("CN", "CN-JX", "CN-GD", "CN-SH", "CN-HB-咸宁", "CN-XJ-兵团"))
def test_every_record_is_valid_and_can_be_computed(place: str) -> None:
    rules = tiaoli.load(place)
    for record in records(table(plan(rules))):
        rules.evaluate(record, YEARS)


EVERYTHING = """对象 区
事实 区 的 名: 文本
每年 事实 区 的 上级: 省所 可空
对象 省所
结果 规则 区 的 有名: 是否 = 名 = 名
事实 类别: 甲 | 乙 | 丙
事实 旧类: 丁 | 戊 默认 戊
事实 生日: 日期 范围 1990-01-01..1999-12-31
每年 事实 在册: 是否 默认 是
每年 事实 月数: 月数 默认 0个月 范围 0个月..12个月
每年 事实 缴额: 金额 可空 必填 当 月数 > 0个月 范围 10.50元..20.25元
每年 事实 日子: 日期 可空 必填 当 在册
每年 事实 盈亏: 金额 范围 -5元..5元
每年 事实 比: 比例 范围 20%..30%
每年 事实 次数: 整数 可空
每年 事实 年: 年度 可空
每年 事实 知道: 是否 可空
结果 规则 甲乙: 金额
  当 类别 = 甲 或 旧类 = 丁 得 盈亏
  否则 若 有 缴额 则 缴额 否则 0元
结果 规则 其他: 金额 舍入 四舍五入 到 分
  = 若 在册 且 生日 < 1995-01-01 则 盈亏 × 比 否则 若 有 次数 则 1元 × 次数 否则 0元
结果 规则 又: 是否 = (有 日子 且 月数 > 1个月) 或 (有 知道 且 知道) 或 (有 年 且 年 > 2020年度)
"""


@pytest.fixture
def everything(tmp_path: Path) -> tiaoli.Rules:
    text = f"文件 自拟  地区 ZZ  施行 2025年度\n{EVERYTHING}"
    (tmp_path / "自拟.tiaoli").write_text(text, encoding="utf-8")
    return tiaoli.load("ZZ", tmp_path)


def test_facts_of_every_kind_are_valid_without_a_word_in_the_profile(everything: tiaoli.Rules) -> None:
    years = range(2025, 2029)
    drawn = table(plan(everything, years))
    assert {"类别", "旧类", "生日", "缴额@2025", "盈亏@2028", "知道@2027"} <= set(drawn.columns)
    for record in records(drawn):
        everything.evaluate(record, years)
    assert drawn["类别"].value_counts().height == 3
    later = table(plan(everything, range(2027, 2029)))
    assert "盈亏@2027" in later.columns


@pytest.mark.parametrize("place", ("CN-JX",))
def test_records_of_other_kinds(place: str) -> None:
    rules, years = tiaoli.load(place), range(2025, 2027)
    for kind in kinds_of(rules.newest):
        program, needed = batch_commands._read(rules, years, kind)
        drawn = table(plan_of(program, kind, years, needed, profile_of(program), 1))
        assert drawn[ID][0] == ("P00000001" if kind == INSURED else f"{kind}00000001")
        if kind != INSURED:
            reader = rules.reader_of(rules.staged(years, None, None, (INSURED, kind)))
            for record in records(drawn, kind):
                reader.convert(record)


@pytest.mark.parametrize("units", Units)
def test_every_value_is_within_its_range_and_every_column_of_its_type(jiangxi: tiaoli.Rules, units: Units) -> None:
    drawn = plan(jiangxi)
    wide, long = (table(drawn, 300, shape, units) for shape in Shape)
    assert dict(wide.schema) == dict(schema_of(drawn, Shape.WIDE, units))
    assert dict(long.schema) == dict(schema_of(drawn, Shape.LONG, units))
    for fact, _ in drawn.facts:
        column = long[fact.name]
        assert column.dtype == dtype_of(fact, units)
        if fact.type.kind in (Kind.MONEY, Kind.RATE, Kind.YEARS) and column.drop_nulls().len():
            scale = 10 ** digits_of(fact) if units is Units.YUAN else 1
            low, high = limits_of(fact)
            assert low <= Decimal(column.min()) * scale <= Decimal(column.max()) * scale <= high


def test_both_layouts_and_both_units_hold_the_same(jiangxi: tiaoli.Rules) -> None:
    drawn = plan(jiangxi)
    wide, long = table(drawn), table(drawn, shape=Shape.LONG)
    fen = table(drawn, units=Units.FEN)
    for fact, years in drawn.facts:
        for year in years:
            name = f"{fact.name}@{year}"
            held = long.filter(pl.col(YEAR) == year)[fact.name]
            assert held.to_list() == wide[name].to_list()
            if fact.type.kind is Kind.MONEY:
                whole = [None if v is None else int(v * 100) for v in wide[name]]
                assert fen[name].to_list() == whole


def test_people_go_on_as_they_were_pay_around_the_window_and_claim_when_enrolled(
    jiangxi: tiaoli.Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (synth, synth_tables):
        monkeypatch.setattr(module, "CHUNK", 4000)
    drawn = table(plan(jiangxi), 4000, units=Units.FEN)
    for year in YEARS[1:]:
        before, now = drawn[f"参保@{year - 1}"], drawn[f"参保@{year}"]
        assert 0.95 < now.filter(before).mean() < 0.99 and 0.3 < now.filter(~before).mean() < 0.55
        paid = drawn[f"缴费日期@{year}"]
        assert paid.is_not_null().equals(now, check_names=False)
        early = (paid <= date(year, 2, 28)).mean()
        assert 0.9 < early < 0.97 and paid.min() >= date(year - 1, 9, 1) and paid.max() <= date(year, 12, 31)
        costs = drawn[f"政策范围内住院费用@{year}"]
        assert not (costs > 0).filter(~now).any() and 0.05 < (costs > 0).filter(now).mean() < 0.3
        part = drawn[f"住院基金实付@{year}"]
        assert (part.fill_null(0) <= costs).all() and part.is_not_null().any()
    born = drawn["出生日期"]
    unborn = (born > date(2023, 12, 31)).fill_null(False)
    assert unborn.any() and not drawn["参保@2023"].filter(unborn).any()


# ── the profile ──────────────────────────────────────────────────────────────


def test_what_the_profile_says_happens(jiangxi: tiaoli.Rules) -> None:
    text = "参保率: 1\nlapse_rate: 0\n集中期缴费: 0\nfacts:\n  原封顶线: {values: [300000, 400000.50]}\n"
    text += "  孤儿: {share: 1}\n  统筹地区大病保险比例: {share: 0}\n  政策范围内门诊费用: {among: all, share: 1, quantiles: [7]}\n"
    drawn = table(plan(jiangxi, text=text))
    assert set(drawn["原封顶线"]) == {Decimal(300000), Decimal("400000.50")}
    assert drawn["孤儿@2025"].mean() > 0.85 and drawn["统筹地区大病保险比例@2025"].is_null().all()
    assert set(drawn["政策范围内门诊费用@2026"]) == {Decimal(7)}
    born = drawn["出生日期"].fill_null(date(1990, 1, 1)) < date(2023, 1, 1)
    assert drawn["参保@2026"].filter(born).all()
    assert drawn["缴费日期@2026"].min() > date(2026, 2, 28)


FLAWS: Mapping[str, tuple[str, int, int]] = {
    "参保律: 0.5": ("没有这一项“参保律”；是不是“参保率”？", 1, 1),
    "enrolment_rat: 0.5": ("是不是“enrolment_rate”？", 1, 1),
    "参保率: 2": ("应是 0 到 1 的比例", 1, 6),
    "参保率: 0.5\n参保率: 0.5": ("“参保率”写了两次", 2, 1),
    "参保事实: 参堡": ("没有这个事实“参堡”；是不是“参保”？", 1, 7),
    "参保事实: 7": ("应是事实的名称", 1, 7),
    "集中参保期: [13-01, 02-28]": ("应写成 [09-01, 02-28]", 1, 8),
    "金额: [5, 3]": ("分位数要从小到大", 1, 5),
    "金额: [0.001]": ("应是金额", 1, 6),
    "金额: 5": ("应是列表", 1, 5),
    "对象个数: 0": ("应是 1 以上的整数", 1, 7),
    "事实: 5": ("应是映射（事实: {…}）", 1, 5),
    "事实: {原封顶: {}}": ("没有这个事实“原封顶”；是不是“原封顶线”？", 1, 6),
    "事实: {原封顶线: 5}": ("应是映射（键: 值）", 1, 12),
    "事实: {原封顶线: {取直: [5]}}": ("是不是“取值”？", 1, 13),
    "事实: {原封顶线: {取值: [多]}}": ("“原封顶线”的值应是金额", 1, 18),
    "事实: {原封顶线: {取值: [-1]}}": ("超出范围 0..100000000", 1, 18),
    "事实: {原封顶线: {分位: [5, 3]}}": ("分位数要从小到大", 1, 17),
    "事实: {原封顶线: {其中: 全}}": ("应是 全部、参保 或 就医", 1, 17),
    "事实: {原封顶线: {不变: 也许}}": ("应是 是 或 否", 1, 17),
    "事实: {原封顶线: {按: 参保}}": ("“按”只用于每年的金额", 1, 16),
    "事实: {基金支付: {按: 基金支付, 分位: [0.5]}}": ("不能按自己", 1, 16),
    "事实: {基金支付: {按: 住院基金实付, 分位: [0.5]}}": ("自己也是一部分", 1, 1),
    "事实: {参保: {取值: [是]}}": ("“参保”的值应是是否", 1, 16),
    "- 5\n- 6": ("", 0, 0),
    "参保率: [": ("", 0, 0),
}


@pytest.mark.parametrize("text", FLAWS)
def test_what_is_wrong_with_a_profile_is_said_at_its_place(jiangxi: tiaoli.Rules, text: str) -> None:
    said, line, column = FLAWS[text]
    with pytest.raises(UsageError) as caught:
        profile_of(jiangxi.newest, text, "概况.yaml")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E863" and diagnostic.path == "概况.yaml" and said in str(caught.value)
    assert not line or (diagnostic.line, diagnostic.column) == (line, column)


def test_the_printed_profile_is_the_built_in_one(command: Command, jiangxi: tiaoli.Rules) -> None:
    said = command("synth", "--print-profile")
    assert said.code == 0 and said.out == PROFILE
    for program in (jiangxi.newest, tiaoli.load("CN-SH").newest):
        assert profile_of(program, said.out) == profile_of(program)


# ── the command ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("layout", ("wide", "long"))
def test_a_parquet_file(command: Command, tmp_path: Path, jiangxi: tiaoli.Rules, layout: str) -> None:
    file = tmp_path / "人.parquet"
    arguments = (
        "synth",
        "CN-JX",
        "--people",
        650,
        "--seed",
        5,
        "--output",
        file,
        "--year",
        "2023..2027",
        "--units",
        "分",
    )
    said = command(*arguments, "--layout", layout)
    assert said.code == 0, said.err
    assert "650 条记录，2023..2027年度" in said.err and [p.name for p in tmp_path.iterdir()] == ["人.parquet"]
    assert_frame_equal(pl.read_parquet(file), table(plan(jiangxi), 650, Shape(layout), Units.FEN))


def test_a_long_csv_file_can_be_run(command: Command, tmp_path: Path) -> None:
    file, output = tmp_path / "人.csv", tmp_path / "r.csv"
    said = command("synth", "CN-JX", "--people", 320, "-o", file, "--layout", "long")
    assert said.code == 0 and "2016..2026年度" in said.err
    assert file.read_text("utf-8").count(ID) == 1
    said = command("run", "CN-JX", file, "--year", "2025..2026", "-o", output)
    assert said.code == 0 and "计算了 320 人" in said.err and "0 条记录有错" in said.err


def test_records_of_another_kind_are_written_too(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "室.csv"
    said = command("synth", "CN-JX", "--entity", "村卫生室", "--people", 3, "-o", file, "--year", 2026)
    assert said.code == 0, said.err
    assert "村卫生室00000003," in file.read_text("utf-8") and "行政村000" in file.read_text("utf-8")


def test_a_profile_of_ones_own(command: Command, tmp_path: Path) -> None:
    file, profile = tmp_path / "人.csv", tmp_path / "概况.yaml"
    profile.write_text("参保率: 0\n返回率: 0\n", "utf-8")
    line = ("synth", "CN-JX", "--people", 50, "-o", file, "--year", "2025..2026", "--profile", profile)
    assert command(*line).code == 0
    assert not pl.read_csv(file, infer_schema_length=None)["参保@2026"].any()
    profile.write_text("参保律: 0\n", "utf-8")
    said = command(*line)
    assert said.code == 2 and "E863" in said.err and "概况.yaml:1:1" in said.err
    profile.write_bytes(b"\xff\xfe")
    assert "E850" in command(*line).err


USAGE: Mapping[str, tuple[str, str]] = {
    "": ("E848", "缺少参数 PLACE"),
    "CN-JX": ("E848", "缺少选项 --people"),
    "CN-JX --people 5": ("E848", "缺少选项 --output"),
    "CN-JX --people 0 -o a.csv": ("E825", "--people 1.."),
    "CN-JX --people 5 --seed -1 -o a.csv": ("E825", "--seed"),
    "CN-JX --people 5 -o a.xlsx": ("E825", "*.parquet|*.csv"),
    "CN-JX --people 5 -o a.csv --layout broad": ("E825", "--layout wide|long"),
    "CN-JX --people 5 -o a.csv --units 角": ("E825", "--units"),
    "CN-JX --people 5 -o a.csv --year 今年": ("E814", "今年"),
    "CN-JX --people 5 -o a.csv --year 1990": ("E815", "1990"),
    "CN-JX --people 5 -o a.csv --entity 村室": ("E834", "村卫生室"),
    "CN-JX --people 5 -o a.csv --profile 没有.yaml": ("E817", "没有.yaml"),
    "CN-JX --people 5 -o 没有/a.csv": ("E824", "没有目录"),
    "江西 --people 5 -o a.csv": ("E810", "CN-JX"),
}


@pytest.mark.parametrize("line", USAGE)
def test_wrong_usage(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.chdir(tmp_path)
    code, words = USAGE[line]
    said = command("synth", *line.split())
    assert said.code == 2 and code in said.err and words in said.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("line", ("synth CN-JX --people 5 -o a.csv", "schema CN-JX --table"))
def test_a_missing_package_is_said(command: Command, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    said = command(*line.split())
    assert (
        said.code == 2 and "错误[E862]: 缺少软件包：pyarrow" in said.err and 'pip install "tiaoli[batch]"' in said.err
    )


@pytest.mark.parametrize("suffix", synth_tables.SUFFIXES)
@pytest.mark.parametrize("fault", (OSError(28, "no space left"), KeyboardInterrupt()))
def test_no_partial_file_is_left(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, fault: BaseException
) -> None:
    made = synth_tables.wide_frame

    def failing(chunk: Any, units: Units) -> pl.DataFrame:
        if chunk.number == 1:
            raise fault
        return made(chunk, units)

    monkeypatch.setattr(synth_tables, "wide_frame", failing)
    said = command("synth", "CN-JX", "--people", 900, "-o", tmp_path / f"人{suffix}")
    assert said.code == (2 if isinstance(fault, OSError) else 130) and not list(tmp_path.iterdir())


def test_a_writer_that_fails_says_so(tmp_path: Path, jiangxi: tiaoli.Rules) -> None:
    drawn = plan(jiangxi)
    kinds = schema_of(drawn, Shape.WIDE, Units.FEN)
    with pytest.raises(OSError):
        target = tmp_path / "没有" / "a.parquet"
        synth_tables.write_frames(frames(drawn, 1500, Shape.WIDE, Units.FEN), kinds, target, ".parquet", print)


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with batch_commands._shown(100, 5) as told:
        told(250)
        told(250)
    monkeypatch.undo()


# ── the columns of a table ───────────────────────────────────────────────────


@pytest.mark.parametrize("lang", ("zh", "en"))
@pytest.mark.parametrize("layout", ("wide", "long"))
def test_the_columns_of_a_table(
    command: Command,
    everything: tiaoli.Rules,
    tmp_path: Path,
    file_regression: FileRegressionFixture,
    layout: str,
    lang: str,
) -> None:
    units = "元" if layout == "wide" else "分"
    line = ("schema", "ZZ", "--table", "--year", "2025..2027", "--rulesets", tmp_path, "--lang", lang)
    said = command(*line, "--layout", layout, "--units", units)
    assert said.code == 0
    file_regression.check(said.out, encoding="utf-8")


def test_the_columns_are_those_that_synth_writes(command: Command, jiangxi: tiaoli.Rules) -> None:
    said = command("schema", "CN-JX", "--table", "--year", "2023..2027", "--format", "json", "--units", "fen")
    told = json.loads(said.out)
    names = {f"{c['事实']}@{y}" for c in told for y in c["年度"]} | {c["列"] for c in told if not c["年度"]}
    assert names == set(schema_of(plan(jiangxi), Shape.WIDE, Units.FEN))
    (ceiling,) = (c for c in told if c["列"] == "原封顶线")
    assert ceiling | {"问题": None} == {
        "列": "原封顶线", "类型": "Int64", "单位": "分", "事实": "原封顶线", "年度": [], "范围": "0..10000000000",
        "选项": [], "默认": None, "必填": True, "可空": False, "问题": None,
    }  # fmt: skip


def test_the_columns_of_another_kind_and_what_is_not_read(command: Command) -> None:
    said = command("schema", "CN-JX", "--table", "--entity", "村卫生室", "--year", 2026, "--layout", "long")
    assert said.code == 0 and "所在行政村\tString\t行政村\t必填" in said.out and "医保纳入方式\t" in said.out
    said = command("schema", "CN-JX", "--table")
    assert "参保@2016..2026\tBoolean" in said.out and "参加职工医保" in said.err


def test_the_table_for_a_terminal(everything: tiaoli.Rules) -> None:
    from rich.console import Console

    from tiaoli.batch.schema_table import as_rich, columns

    console = Console(width=200, record=True, file=StringIO())
    console.print(as_rich(columns(plan(everything, range(2025, 2027)), Shape.WIDE, Units.YUAN), "zh"))
    assert "盈亏@2025..2026" in console.export_text()
