"""`tiaoli run --engine duckdb|spark`: long tables, states to go on from, mandates, faults, summaries; the same as on Polars."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import columns_support as tables
import sql_engines as engines
import tiaoli
from support import Said, own
from tiaoli.batch import duck, spark
from tiaoli.batch.layout import ID, YEAR, Shape, Units
from tiaoli.batch.wish import Wish
from tiaoli.values import INSURED

Command = Callable[..., Said]
needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs java")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory, jiangxi: tiaoli.Rules, histories: Any) -> dict[str, Path]:
    """The same people as a wide and as a long table, the rows of the long one in no order and some of them missing."""
    folder, program = tmp_path_factory.mktemp("people"), jiangxi.program(2031)
    frames = {
        "wide": tables.wide(program, histories, range(2016, 2031), Units.YUAN),
        "long": tables.long(program, histories, Units.YUAN).sample(fraction=1, shuffle=True, seed=5),
    }
    for name, frame in frames.items():
        frame.write_parquet(folder / f"{name}.parquet")
    return {name: folder / f"{name}.parquet" for name in frames}


def ordered(path: Path) -> pl.DataFrame:
    """A table of results, whatever the order of its rows and the width of its numbers."""
    frame = pl.read_parquet(path / "*.parquet" if path.is_dir() else path)
    frame = frame.with_columns(pl.col(pl.Decimal).cast(pl.Decimal(38, 6)), pl.col(pl.Int32, pl.Int64).cast(pl.Int128))
    return frame.sort([ID, *([YEAR] if YEAR in frame.columns else [])]).select(ID, pl.exclude(ID))


def same(one: Path, other: Path) -> None:
    first, second = ordered(one), ordered(other)
    assert first.columns == second.columns
    assert first.equals(second)


def breaches(text: str) -> list[str]:
    return sorted(re.findall(r"^E805 .*$|^W805 .*$", text, re.MULTILINE))


@pytest.mark.parametrize("layout", ("wide", "long"))
@pytest.mark.parametrize(("shape", "persons"), [("wide", 3), ("long", 3), ("long", duck.PERSONS)])
def test_duckdb_computes_what_polars_does(
    command: Command, tmp_path: Path, people: dict[str, Path], monkeypatch: Any, shape: str, persons: int, layout: str
) -> None:
    monkeypatch.setattr(duck, "PERSONS", persons)
    said = {}
    for engine in ("polars", "duckdb"):
        said[engine] = command(
            "run", "CN-JX", people[shape], "--year", "2025..2030", "--engine", engine, "--layout", layout, "--reasons",
            "-o", tmp_path / f"{engine}.parquet", "--summary", tmp_path / f"{engine}.csv",
        )  # fmt: skip
    same(tmp_path / "duckdb.parquet", tmp_path / "polars.parquet")
    assert said["duckdb"].code == said["polars"].code
    assert breaches(said["duckdb"].err) == breaches(said["polars"].err)
    read_in = [re.search(r"读入 ([\d,]+) 人 = 算出 ([\d,]+) 人", one.err) for one in said.values()]
    assert read_in[0] is not None and read_in[1] is not None and read_in[0].groups() == read_in[1].groups()
    assert (tmp_path / "duckdb.csv").read_text() == (tmp_path / "polars.csv").read_text()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".") and p.is_file()]


@pytest.mark.parametrize("shape", ("wide", "long"))
def test_duckdb_goes_on_from_a_state(command: Command, tmp_path: Path, people: dict[str, Path], shape: str) -> None:
    def run(engine: str, years: str, name: str, *more: object) -> None:
        said = command(
            "run", "CN-JX", people[shape], "--year", years, "--engine", engine, "--layout", "wide", "-o", tmp_path / name, *more
        )  # fmt: skip
        assert said.code == 0, said.err

    run("polars", "2025..2027", "a.parquet", "--closing", tmp_path / "state.parquet")
    run("duckdb", "2025..2027", "b.parquet", "--closing", tmp_path / "own.parquet")
    same(tmp_path / "own.parquet", tmp_path / "state.parquet")
    run("polars", "2028..2030", "c.parquet", "--opening", tmp_path / "state.parquet")
    run(
        "duckdb",
        "2028..2030",
        "d.parquet",
        "--opening",
        tmp_path / "own.parquet",
        "--closing",
        tmp_path / "next.parquet",
    )
    same(tmp_path / "d.parquet", tmp_path / "c.parquet")
    run("polars", "2025..2030", "e.parquet", "--closing", tmp_path / "last.parquet")
    same(tmp_path / "next.parquet", tmp_path / "last.parquet")


def two_tables(tmp_path: Path, program: Any, table: Path) -> tuple[Path, Path]:
    """A table with a column of towns, and what belongs to the persons in a second one: one person there twice, one row of nobody, one without id."""
    frame = pl.read_parquet(table)
    ids = frame[ID].unique().sort()
    towns = pl.DataFrame({ID: ids, "乡镇": ["东镇" if n % 3 else "西镇" for n in range(len(ids))]})
    lasting = [f.name for f in program.facts_of(INSURED) if not f.yearly and f.name in frame.columns]
    persons = frame.select(ID, *lasting).unique(maintain_order=True)
    odd = [persons.head(1), persons.tail(2).with_columns(pl.Series(ID, ["没有的人", None]))]
    places = tmp_path / "表.parquet", tmp_path / "本人.parquet"
    frame.drop(lasting).join(towns, on=ID, how="left", maintain_order="left").write_parquet(places[0])
    pl.concat([persons, *odd]).sample(fraction=1, shuffle=True, seed=1).write_parquet(places[1])
    return places


@pytest.mark.parametrize(
    ("engine", "shape", "layout"),
    [
        *(("duckdb", shape, layout) for shape in ("wide", "long") for layout in ("wide", "long")),
        pytest.param("spark", "long", "wide", marks=needs_java),
        pytest.param("spark", "wide", "long", marks=needs_java),
    ],
)
def test_a_second_table_and_groups_are_the_same_on_every_engine(
    command: Command,
    tmp_path: Path,
    jiangxi: tiaoli.Rules,
    people: dict[str, Path],
    engine: str,
    shape: str,
    layout: str,
) -> None:
    table, persons = two_tables(tmp_path, jiangxi.program(2031), people[shape])
    said = {}
    for one in ("polars", engine):
        output = tmp_path / (one if one == "spark" else f"{one}.parquet")
        said[one] = command(
            "run", "CN-JX", table, "--year", "2026..2027", "--engine", one, "--layout", layout, "--persons", persons, "-o", output,
            "--rule", "大病保险最高支付限额", "--rule", "待遇开始日", "--by", "乡镇", "--by", "参保", "--by", "免等待人群",
            "--summary", tmp_path / f"{one}.csv", "--rejects", tmp_path / f"{one}.rejects.{'csv' if one == 'polars' else 'parquet'}",
        )  # fmt: skip
        assert said[one].code == 1, said[one].err
    same(tmp_path / ("spark" if engine == "spark" else "duckdb.parquet"), tmp_path / "polars.parquet")
    assert (tmp_path / f"{engine}.csv").read_text() == (tmp_path / "polars.csv").read_text()
    assert "东镇" in (tmp_path / "polars.csv").read_text()
    known = [re.findall(r"算出 [\d,]+ 人|退回 [\d,]+ 人|\d+ 人不在|\d+ 行没有编号", one.err) for one in said.values()]
    assert known[0] == known[1]
    assert len(known[0]) == 4 and "1 人不在" in known[0] and "1 行没有编号" in known[0] and "退回 1 人" in known[0]
    rejects = tmp_path / f"{engine}.rejects.parquet"
    found = pl.read_parquet(rejects / "*.parquet" if rejects.is_dir() else rejects)
    expected = pl.read_csv(tmp_path / "polars.rejects.csv", infer_schema=False)
    assert found["编号"].to_list() == expected["编号"].to_list()
    assert found["代码"].to_list() == expected["代码"].to_list() == ["E857"]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--by", "乡村"), "E718"), (("--by", "编号"), "E825"), (("--by", "参保@2026"), "E718"), (("--persons", "年.parquet"), "E855"),
        (("--persons", "没有.parquet"), "E817"), (("--persons", "本人.csv"), "E825"), (("--resume",), "E870"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_second_table_or_groups_is_said_before_anything_runs(
    command: Command, tmp_path: Path, jiangxi: tiaoli.Rules, people: dict[str, Path], more: tuple[str, ...], code: str
) -> None:
    table, persons = two_tables(tmp_path, jiangxi.program(2031), people["long"])
    (tmp_path / "本人.csv").write_text("编号\n甲\n", encoding="utf-8")
    pl.read_parquet(persons).with_columns(年度=pl.lit(2026)).write_parquet(tmp_path / "年.parquet")
    more = tuple(str(tmp_path / m) if "." in m else m for m in more)
    own = () if more[0] == "--persons" else ("--persons", persons)
    asked = (
        "--year",
        "2026",
        "--engine",
        "duckdb",
        "--rule",
        "待遇开始日",
        "-o",
        tmp_path / "o.parquet",
        "--by",
        "乡镇",
        *own,
    )
    said = command("run", "CN-JX", table, *asked, *more)
    assert code in said.err and said.code == 2, said
    assert not (tmp_path / "o.parquet").exists()


def test_a_result_has_the_same_type_in_every_year(command: Command, tmp_path: Path) -> None:
    own(tmp_path, "结果 规则 次数: 整数 初值 0 = 上年 次数 + 600000000\n")
    table, output = tmp_path / "表.parquet", tmp_path / "o.parquet"
    pl.DataFrame({ID: ["甲"]}).write_parquet(table)
    for engine in ("polars", "duckdb"):
        asked = ("--year", "2025..2030", "--rule", "次数", "--rulesets", tmp_path, "--engine", engine, "-o", output)
        said = command("run", "CN-ZZ", table, *asked)
        assert said.code == 0, said.err
        found = pl.read_parquet(output).drop(ID)
        assert set(found.dtypes) == {pl.Int64()}, (engine, found.schema)
        assert list(found.row(0)) == [600_000_000 * n for n in range(1, 7)]


def test_who_has_no_state_is_rejected_by_duckdb(command: Command, tmp_path: Path, people: dict[str, Path]) -> None:
    state = tmp_path / "state.parquet"
    assert (
        command("run", "CN-JX", people["wide"], "--year", "2025", "-o", tmp_path / "a.parquet", "--closing", state).code
        == 0
    )
    held = pl.read_parquet(state)
    held.tail(held.height - 2).write_parquet(state)
    said = command(
        "run", "CN-JX", people["wide"], "--year", "2026", "--engine", "duckdb", "--opening", state, "-o", tmp_path / "b.parquet",
        "--rejects", tmp_path / "r.csv",
    )  # fmt: skip
    assert said.code == 1 and "退回 2 人" in said.err
    found = list(csv.DictReader(io.StringIO((tmp_path / "r.csv").read_text(encoding="utf-8-sig"))))
    assert {(r[ID], r["代码"]) for r in found} == {(name, "E822") for name in held[ID].head(2)}


# ── faults ───────────────────────────────────────────────────────────────────

SMALL = """
事实 类别: 居民 | 职工 默认 居民
事实 备注: 甲 | 乙 默认 甲
每年 事实 在册: 是否 默认 否
每年 事实 花费: 金额 默认 0元 范围 0元..100万元
每年 事实 杂费: 金额 默认 0元 范围 0元..10元
每年 事实 档次: 一档 | 二档 默认 一档
结果 规则 报销: 金额 舍入 四舍五入 到 分 = 若 在册 则 花费 × 60% 否则 0元
"""
GOOD = {
    ID: "好",
    YEAR: 2025,
    "类别": "职工",
    "备注": "甲",
    "在册": True,
    "花费": Decimal("100.50"),
    "杂费": Decimal(1),
    "档次": "一档",
}
FAULTS: dict[str, tuple[list[dict[str, Any]], set[tuple[str, str]]]] = {
    "twice": ([{}, {}], {("E723", YEAR)}),
    "contradiction": ([{}, {YEAR: 2026, "类别": "居民"}], {("E709", "类别")}),
    "no year": ([{}, {YEAR: None}], {("E722", YEAR)}),
    "early": ([{}, {YEAR: 2001}], {("E724", YEAR)}),
    "range": ([{"花费": Decimal(-1)}], {("E735", "花费")}),
    "range of what nothing reads": ([{"杂费": Decimal(11)}], {("E735", "杂费")}),
    "no member": ([{"类别": "村民"}], {("E739", "类别")}),
    "no member of what nothing reads": ([{"备注": "丙"}], {("E739", "备注")}),
    "range in a year after the last": ([{}, {YEAR: 2031, "花费": Decimal(-1)}], {("E735", "花费")}),
    "no member in a year after the last": ([{}, {YEAR: 2031, "档次": "三档"}], {("E739", "档次")}),
    "no id": ([{ID: None}], {("E715", ID)}),
}


@pytest.fixture
def small(tmp_path: Path, command: Command) -> Callable[..., Said]:
    own(tmp_path, SMALL)

    def call(file: Path, *more: object) -> Said:
        return command("run", "CN-ZZ", file, "--year", "2025..2026", "--rulesets", tmp_path, "--rule", "报销", *more)

    return call


@pytest.mark.parametrize("persons", (1, duck.PERSONS))
@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_rows_of_long_tables_in_duckdb(
    small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, persons: int
) -> None:
    monkeypatch.setattr(duck, "PERSONS", persons)
    changes, wanted = FAULTS[fault]
    rows = [GOOD, *({**GOOD, ID: "坏'", **change} for change in changes), {**GOOD, YEAR: 2026}, {**GOOD, ID: "空", YEAR: None, "在册": None, "花费": None, "杂费": None, "档次": None}]  # fmt: skip
    kinds = {YEAR: pl.Int32, "在册": pl.Boolean, "花费": pl.Decimal(18, 2), "杂费": pl.Decimal(18, 2)}
    file, rejects = tmp_path / "表.parquet", tmp_path / "r.csv"
    pl.DataFrame(rows, schema_overrides=kinds).write_parquet(file)
    said = small(file, "--engine", "duckdb", "--layout", "wide", "-o", tmp_path / "o.parquet", "--rejects", rejects)
    assert said.code == 1, said.err
    assert "退回 1 人" in said.err and "算出 2 人" in said.err
    assert rejects.read_bytes().startswith("\ufeff编号,".encode())
    found = list(csv.DictReader(io.StringIO(rejects.read_text(encoding="utf-8-sig"))))
    assert {(r["代码"], r["事实"]) for r in found} == wanted
    assert all(r["原因"] and r["改法"] for r in found)
    results = pl.read_parquet(tmp_path / "o.parquet").sort(ID)
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".")) == []
    assert results[ID].to_list() == ["好", "空"] and results["报销@2026"].to_list() == [Decimal("60.30"), Decimal(0)]


@pytest.mark.parametrize("engine", ("polars", "duckdb"))
def test_blanks_around_texts_mean_nothing_in_any_engine(small: Any, tmp_path: Path, engine: str) -> None:
    rows = [
        GOOD | {ID: name, "类别": kind, "备注": kind and "甲 ", "档次": kind}
        for name, kind in (("甲", " 职工"), ("乙", ""), ("丙", None))
    ]
    frame = pl.DataFrame(rows).with_columns(
        pl.when(pl.col("档次") == " 职工").then(pl.lit(" 二档 ")).otherwise("档次").alias("档次")
    )
    frame.write_parquet(tmp_path / "表.parquet")
    said = small(tmp_path / "表.parquet", "--engine", engine, "-o", tmp_path / "o.parquet")
    assert said.code == 0, said.err
    assert (
        pl.read_parquet(tmp_path / "o.parquet").filter(pl.col(YEAR) == 2025)["报销"].to_list() == [Decimal("60.30")] * 3
    )


@pytest.mark.parametrize("engine", ("polars", "duckdb", pytest.param("spark", marks=needs_java)))
def test_a_year_is_a_whole_number_in_every_engine(command: Command, tmp_path: Path, engine: str) -> None:
    own(tmp_path, "每年 事实 花费: 金额\n结果 规则 补贴: 金额 = 花费 × 2\n")
    forms = {
        "小数": pl.Series([Decimal("2025"), Decimal("2025.5")], dtype=pl.Decimal(6, 1)),
        "浮点": pl.Series([2025.0, 2025.5]),
        "文本": pl.Series(["2025", "2025年度", " 2025 ", "2025.0", "02025", "+2025", "2025.5", "2.025e3", "2025 年度", "2025年", "x"]),
    }  # fmt: skip
    sound = {"小数": 1, "浮点": 1, "文本": 4}
    for name, years in forms.items():
        if engine == "spark" and name == "小数":
            continue  # as floats there
        table, output = tmp_path / f"{name}.parquet", tmp_path / f"{name}-o{'' if engine == 'spark' else '.parquet'}"
        ids = [f"{n:02}" for n in range(len(years))]
        pl.DataFrame({ID: ids, YEAR: years, "花费": [Decimal(3)] * len(ids)}).write_parquet(table)
        asked = ("--year", "2025", "--rule", "补贴", "--rulesets", tmp_path, "--engine", engine, "-o", output)
        said = command("run", "CN-ZZ", table, *asked, "--rejects", tmp_path / f"{name}-r.parquet")
        assert said.code == 1, said.err
        assert ordered(output)[ID].to_list() == ids[: sound[name]], name


def test_a_clean_long_table_has_no_faults(small: Any, tmp_path: Path) -> None:
    frame = pl.DataFrame([GOOD, {**GOOD, YEAR: 2026}]).with_columns(pl.col(YEAR).cast(pl.String) + "年度")
    frame.write_parquet(tmp_path / "表.parquet")
    said = small(
        tmp_path / "表.parquet", "--engine", "duckdb", "-o", tmp_path / "o.parquet", "--rejects", tmp_path / "r.csv"
    )
    assert said.code == 0, said.err
    assert "长表" in said.err and "读入 1 人 = 算出 1 人" in said.err and "共 2 行" in said.err
    assert pl.read_parquet(tmp_path / "o.parquet").sort(YEAR).rows() == [
        ("好", 2025, Decimal("60.30")), ("好", 2026, Decimal("60.30")),
    ]  # fmt: skip


# ── Spark ────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    with engines.spark_session() as made:
        yield made


@needs_java
def test_spark_goes_on_from_a_state_over_a_long_table(
    session: Any, command: Command, jiangxi: tiaoli.Rules, tmp_path: Path, people: dict[str, Path]
) -> None:
    rules = ("连续参保年数", "累计提高额度", "待遇等待期")
    asked = [option for name in rules for option in ("--rule", name)]
    source = str(people["long"])
    first = spark.evaluate(jiangxi, source, Wish(range(2025, 2027), rules), session=session, closing=True)
    assert first.closing is not None
    first.closing.write.parquet(str(tmp_path / "state"))
    wish = Wish(range(2027, 2029), rules, layout=Shape.LONG)
    then = spark.evaluate(jiangxi, source, wish, session=session, opening=str(tmp_path / "state"))
    then.results.write.parquet(str(tmp_path / "spark"))
    state = tmp_path / "state.parquet"
    for years, option in (("2025..2026", "--closing"), ("2027..2028", "--opening")):
        said = command(
            "run", "CN-JX", people["long"], "--year", years, *asked, "--layout", "long", "-o", tmp_path / "polars.parquet", option, state
        )  # fmt: skip
        assert said.code == 0, said.err
    same(tmp_path / "state", state)
    same(tmp_path / "spark", tmp_path / "polars.parquet")
    assert then.rejects.count() == 0
    assert set(then.broken) == {o.column for o in then.job.plan.kinds[INSURED].breaches}


@needs_java
def test_spark_by_the_command(command: Command, small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session of its own, in which mandates are counted while results are written, and faults go to their folder; nothing else is left."""
    monkeypatch.chdir(tmp_path)
    bad = {**GOOD, ID: "坏", "花费": Decimal(-1)}
    pl.DataFrame([GOOD, {**GOOD, YEAR: 2026}, bad], schema_overrides={"花费": pl.Decimal(18, 2)}).write_parquet(
        tmp_path / "表.parquet"
    )
    said = small(
        tmp_path / "表.parquet", "--engine", "spark", "-o", tmp_path / "o", "--rejects", tmp_path / "r", "--closing", tmp_path / "c",
    )  # fmt: skip
    assert said.code == 1, said.err
    assert "读入 2 人 = 算出 1 人" in said.err and "退回 1 人" in said.err
    assert ordered(tmp_path / "o").rows() == [("好", 2025, Decimal("60.3")), ("好", 2026, Decimal("60.3"))]
    assert pl.read_parquet(tmp_path / "r" / "*.parquet")["代码"].to_list() == ["E735"]
    assert pl.read_parquet(tmp_path / "c" / "*.parquet")[ID].to_list() == ["好"]
    assert {p.name for p in tmp_path.iterdir() if p.is_dir()} == {"o", "r", "c"}


def test_a_signal_ends_a_query_of_duckdb_at_once() -> None:
    import _thread
    from threading import Timer

    import duckdb

    with duckdb.connect() as connection:
        Timer(1, _thread.interrupt_main).start()
        with pytest.raises(KeyboardInterrupt):  # this would take hours
            duck._executed(connection, "SELECT SUM(a.range * b.range) FROM range(1000000) a, range(10000000) b")
        assert connection.execute("SELECT 1").fetchone() == (1,)
