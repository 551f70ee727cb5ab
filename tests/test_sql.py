"""SQL as an auditor reads it, what becomes of faulty rows, and runs on DuckDB and Spark."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import polars as pl
import pytest

import sql_engines as engines
import tiaoli
from population import record
from sql_records import Wide, planned, results, setting, wide
from tiaoli.backends import columns as c
from tiaoli.backends import sql, sql_code
from tiaoli.backends.sql_code import Dialect
from tiaoli.backends.sql_tables import ID
from tiaoli.batch import duck, spark
from tiaoli.batch.layout import Units
from tiaoli.batch.passing import Count
from tiaoli.batch.sql_job import Job, Relation
from tiaoli.batch.wish import Wish
from tiaoli.values import INSURED

DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
SMALL = """
文件 《示例办法》  地区 CN  施行 2024年度
条文 第二条 "待遇" 编码 参保, 费用, 缴费日期, 类别, 出生日期, 支付比例, 连续, 报销, 生效日, 差额
每年 事实 参保: 是否 默认 否 依据 第二条
每年 事实 费用: 金额 默认 0元 范围 0元..100万元 依据 第二条
每年 事实 缴费日期: 日期 可空 必填 当 参保 依据 第二条
事实 类别: 甲类 | 乙类 依据 第二条
事实 出生日期: 日期 可空 依据 第二条
参数 支付比例 按 类别 依据 第二条第二款
  行 甲类 = 33.33%
  行 乙类 = 50%
规则 连续: 年数 = 连续年数(参保) 依据 第二条第一款
结果 规则 生效日: 日期 可空 = 若 有 缴费日期 则 缴费日期 + 3个月 否则 无 依据 第二条
结果 规则 差额: 金额 舍入 向下 到 元 = 费用 × 支付比例 - 100元 依据 第二条
结果 规则 报销: 金额 舍入 四舍五入 到 分
  当 参保 且 有 出生日期 得 费用 × 支付比例 + 1元 × 数值(连续) 依据 第二条第三款
  否则 0元 依据 第二条第四款
"""
YEARS = range(2024, 2026)
COLUMNS = {
    ID: "varchar", "类别": "varchar", "出生日期": "date",
    **{f"{name}@{year}": kind for year in YEARS for name, kind in (("参保", "boolean"), ("费用", "decimal(18, 4)"), ("缴费日期", "date"))},
}  # fmt: skip


@pytest.fixture(scope="module")
def small() -> tiaoli.Rules:
    return tiaoli.loads(SMALL)


def job(rules: tiaoli.Rules, dialect: Dialect, **more: Any) -> Job:
    return Job(rules, {INSURED: Relation("people", COLUMNS)}, Wish(YEARS, reasons=True, **more), dialect)


# ── in print ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dialect", DIALECTS)
def test_printed(dialect: Dialect, small: tiaoli.Rules, file_regression: Any) -> None:
    made = job(small, dialect)
    file_regression.check(made.query() + "\n" + made.rejects(), extension=".sql", encoding="utf-8")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_printed_is_sql_of_the_dialect(dialect: Dialect, small: tiaoli.Rules) -> None:
    import sqlglot

    made = job(small, dialect)
    for text in (made.query(), made.rejects()):
        assert sqlglot.parse_one(text, read=dialect).sql(dialect=dialect)


def test_operations_are_all_written() -> None:
    """Every operation of columns has a row in SQL."""
    written = {*sql_code._PLAIN, *sql_code._DATES, *sql_code._signs(), "若", "或", "整除", "成日期"}
    assert set(c.OPERATIONS) <= written


# ── faulty rows ──────────────────────────────────────────────────────────────

GOOD = {
    ID: "好",
    "类别": "甲类",
    "参保@2024": True,
    "费用@2024": Decimal("100.10"),
    "缴费日期@2024": date(2023, 11, 30),
}
FAULTS = [
    ({ID: None}, (None, "编号", "E715")),
    ({"类别": "丙类"}, (None, "类别", "E739")),
    ({"类别": None}, (None, "类别", "E726")),
    ({"缴费日期@2024": None}, (2024, "缴费日期", "E727")),
    ({"费用@2025": Decimal("0.001")}, (2025, "费用", "E733")),
    ({"费用@2025": Decimal(-1)}, (2025, "费用", "E735")),
    ({"费用@2025": Decimal("1000000.01")}, (2025, "费用", "E735")),
    ({"出生日期": date(1799, 1, 1)}, (None, "出生日期", "E735")),
]


def rows_with_faults() -> list[dict[str, Any]]:
    wrong = [GOOD | {ID: f"错{i}"} | change for i, (change, _) in enumerate(FAULTS)]
    return [GOOD, *wrong, GOOD | {ID: "双"}, GOOD | {ID: "双"}]


def listed(rows: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    return [[row.get(name) for name in COLUMNS] for row in rows]


def expected_faults() -> list[tuple[Any, ...]]:
    own = [(None if change.get(ID, "") is None else f"错{i}", *what) for i, (change, what) in enumerate(FAULTS)]
    return sorted([*own, ("双", None, "编号", "E717"), ("双", None, "编号", "E717")], key=str)


def found_faults(rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Faults without what stands there and the words."""
    assert all(reason and advice for *_, reason, advice in rows)
    return sorted(((a or None, int(b) if b else None, f, code) for a, b, f, _, code, *_ in rows), key=str)


def test_faulty_rows_in_duckdb(small: tiaoli.Rules) -> None:
    made = job(small, "duckdb")
    tables = {"people": (COLUMNS, listed(rows_with_faults()))}
    assert found_faults(engines.duckdb_rows(tables, made.rejects())) == expected_faults()
    [row] = engines.duckdb_rows(tables, made.query())
    assert row[:7] == ("好", date(2024, 2, 29), None, Decimal(-67), Decimal(-100), Decimal(0), Decimal(0))


@pytest.mark.skipif(not engines.postgres_is_there(), reason="no PostgreSQL server is installed")
def test_faulty_rows_in_postgres(small: tiaoli.Rules) -> None:
    made = job(small, "postgres")
    tables = {"people": (COLUMNS, listed(rows_with_faults()))}
    with engines.postgres_server() as folder:
        assert found_faults(engines.postgres_rows(folder, tables, made.rejects())) == expected_faults()
        [row] = engines.postgres_rows(folder, tables, made.query())
    assert row[:4] == ["好", "2024-02-29", "", "-67.00"]


def test_names_that_the_dialect_cannot_tell_apart() -> None:
    names = sql.Names(63)
    long = ["很长的名称" * 5 + f"{i}@2025" for i in range(3)]
    assert len({names(n) for n in [*long, "A@2025", "a@2025"]}) == 5
    assert all(len(names(n).encode()) <= 63 for n in long)
    assert names(long[0]) == names(long[0])


REGIONS = """
文件 《分区办法》  地区 CN  施行 2024年度
对象 区
事实 区 的 系数: 比例 范围 0%..200%
事实 所在区: 区 可空
结果 规则 区 的 人数: 整数 = 计数(参保人 按 所在区)
结果 规则 份额: 比例 可空 舍入 四舍五入 到 1% = 若 有 所在区 则 所在区 的 系数 否则 无
"""


def regional(rows: Mapping[str, Sequence[Sequence[Any]]], entity: str) -> tuple[list[Any], list[Any]]:
    """Results and faults of persons or regions, whose tables have an English column of ids."""
    columns = {INSURED: {"id": "varchar", "所在区": "varchar"}, "区": {"id": "varchar", "系数": "decimal(9, 2)"}}
    made = Job(
        tiaoli.loads(REGIONS),
        {kind: Relation(f'"{kind}表"', own) for kind, own in columns.items()},
        Wish(range(2024, 2025)),
        "duckdb",
    )
    tables = {f"{kind}表": (own, rows[kind]) for kind, own in columns.items()}
    found = engines.duckdb_rows(tables, made.query(entity))
    faults = engines.duckdb_rows(tables, made.rejects(entity))
    return sorted(found), sorted((row[0], row[3], row[4][:4]) for row in faults)


def test_links_to_what_is_not_there() -> None:
    rows = {
        INSURED: [("甲", "一"), ("乙", "二"), ("丙", "三"), ("丁", None), ("戊", "一")],
        "区": [("一", Decimal("0.5")), ("二", Decimal(3))],
    }
    found, faults = regional(rows, INSURED)
    assert found == [("丁", None), ("戊", Decimal("0.5")), ("甲", Decimal("0.5"))]
    assert faults == [("丙", "三", "E740"), ("乙", "二", "E741")]
    assert regional(rows, "区") == ([("一", 2)], [("二", "3.00", "E735")])


def test_who_lives_under_other_rules_is_left_out(small: tiaoli.Rules) -> None:
    columns = COLUMNS | {"地区@2025": "varchar"}
    made = Job(small, {INSURED: Relation("people", columns)}, Wish(YEARS), "duckdb", ("CN-XX",))
    rows = [GOOD | {ID: str(i), "地区@2025": place} for i, place in enumerate(("CN", "CN-XX", None, "CN-YY"))]
    tables = {"people": (columns, [[row.get(name) for name in columns] for row in rows])}
    assert len(engines.duckdb_rows(tables, made.query())) == 3
    [fault] = engines.duckdb_rows(tables, made.rejects())
    assert fault[:6] == ("3", 2025, "地区", "CN-YY", "E806", "该年度在别的地区")


# ── the rules of Jiangxi ─────────────────────────────────────────────────────


class Province:
    """Two hundred people of Jiangxi as a table, and what the interpreter makes of them."""

    def __init__(self, rules: tiaoli.Rules, years: range, people: int, whole: bool) -> None:
        self.rules, self.years, self.whole = rules, years, whole
        compiled = rules.compiled(years)
        self.program = compiled.program
        self.records = [record(self.program, i) for i in range(people)]
        read = [rules.reader(compiled).convert(r) for r in self.records]
        table = wide(self.program, INSURED, read, range(2016, 2028), whole)
        links = {f.name for f in self.program.facts_of(INSURED) if f.is_link}
        kept = [i for i, name in enumerate(table.columns) if name.partition("@")[0] not in links]
        names = list(table.columns)
        rows = tuple(tuple(row[i] for i in kept) for row in table.rows)
        self.table = Wide({names[i]: table.columns[names[i]] for i in kept}, rows)
        self.plan = planned(self.program, years, rules.wanted(years, None, {}, (INSURED,))[1], {INSURED: self.table})

    def values(self) -> dict[str, Any]:
        made = {r["编号"]: self.rules.evaluate(r, self.years) for r in self.records}
        return {ident: {year: dict(result[year]) for year in result} for ident, result in made.items()}

    def to_parquet(self, path: Path) -> Path:
        import duckdb

        kinds, rows = self.table.typed("duckdb")
        with duckdb.connect() as connection:
            columns = ", ".join(f'"{name}" {kind}' for name, kind in kinds.items())
            connection.execute(f"create table t ({columns})")
            connection.executemany(f"insert into t values ({', '.join('?' * len(kinds))})", [list(r) for r in rows])
            connection.execute(f"copy t to '{path}' (format parquet)")
        return path


@pytest.mark.parametrize("whole", [True, False], ids=["分", "元"])
def test_jiangxi_in_duckdb(jiangxi: tiaoli.Rules, whole: bool) -> None:
    made = Province(jiangxi, range(2025, 2031), 200, whole)
    own = setting({INSURED: made.table}, "duckdb", whole)
    tables = {f"{INSURED}表": made.table.typed("duckdb")}
    rows = engines.duckdb_rows(tables, sql.query(made.plan, made.program, own))
    assert results(made.plan, made.program, rows, whole) == made.values()


def test_run_on_duckdb(jiangxi: tiaoli.Rules, tmp_path: Path) -> None:
    import duckdb

    made = Province(jiangxi, range(2025, 2027), 30, True)
    people = made.to_parquet(tmp_path / "people.parquet")
    out, rejects = tmp_path / "out.parquet", tmp_path / "rejects.csv"
    wish = Wish(made.years, units=Units.FEN)
    _, count = duck.run(jiangxi, people, out, wish, rejects=rejects, memory="1GB", threads=1)
    assert count == Count(30, 30, 30, breaches=count.breaches)
    rows = duckdb.sql(f"select * from '{out}'").fetchall()
    assert results(made.plan, made.program, rows, True) == made.values()
    assert rejects.read_text(encoding="utf-8-sig") == "编号,年度,事实,值,代码,原因,改法\n"
    assert {p.name for p in tmp_path.iterdir()} == {"people.parquet", "out.parquet", "rejects.csv"}


def test_a_float_is_refused(small: tiaoli.Rules) -> None:
    made = Job(small, {INSURED: Relation("people", COLUMNS | {"费用@2024": "double"})}, Wish(YEARS), "duckdb")
    with pytest.raises(tiaoli.UsageError) as error:
        made.query()
    assert [d.code for d in error.value.diagnostics] == ["E852"]


# ── Spark ────────────────────────────────────────────────────────────────────

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs java")


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    with engines.spark_session() as made:
        yield made


@needs_java
def test_faulty_rows_in_spark(session: Any, small: tiaoli.Rules) -> None:
    schema = ", ".join(f"`{name}` {kind.replace('varchar', 'string')}" for name, kind in COLUMNS.items())
    frame = session.createDataFrame([tuple(r) for r in listed(rows_with_faults())], schema)
    made = spark.evaluate(small, frame, Wish(YEARS, reasons=True), session=session)
    assert found_faults([tuple(r) for r in made.rejects.collect()]) == expected_faults()
    [row] = made.results.collect()
    assert tuple(row)[:4] == ("好", date(2024, 2, 29), None, Decimal(-67))
    assert not session.catalog.listTables("global_temp")


@needs_java
def test_jiangxi_in_spark(session: Any, jiangxi: tiaoli.Rules, tmp_path: Path) -> None:
    made = Province(jiangxi, range(2025, 2027), 60, True)
    path = made.to_parquet(tmp_path / "people.parquet")
    found = spark.evaluate(jiangxi, str(path), Wish(made.years, units=Units.FEN), session=session)
    for frame in (found.results, found.rejects):
        plan = frame._jdf.queryExecution().executedPlan().toString()
        assert not [word for word in ("Python", "BatchEval", "CollectLimit", "Arrow") if word in plan]
    rows = [tuple(row) for row in found.results.collect()]
    assert results(made.plan, made.program, rows, True) == made.values()
    assert found.rejects.count() == 0


def test_a_query_over_a_file_reads_the_columns_that_it_has(command: Any, tmp_path: Path) -> None:
    import duckdb

    file = tmp_path / "人.parquet"
    assert command("synth", "CN-JX", "--people", 30, "--year", "2025..2026", "--seed", 1, "-o", file).code == 0
    asked = ("CN-JX", "--year", "2025..2026")
    said = command("compile", *asked, "--source", file)
    assert said.code == 0, said.err
    found = duckdb.sql(said.out).pl().sort("编号")
    command("run", asked[0], file, *asked[1:], "-o", tmp_path / "o.parquet")
    expected = pl.read_parquet(tmp_path / "o.parquet").sort("编号")
    assert (
        found.select("编号", "大病保险最高支付限额@2026").rows()
        == expected.select("编号", "大病保险最高支付限额@2026").rows()
    )
