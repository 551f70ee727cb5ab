"""The hand-written opponents of the benchmark compute what the interpreter computes: everyone, every year, every result, absent ones too."""

from __future__ import annotations

import sys
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import tiaoli

sys.path.insert(0, str(Path(__file__).parent))

from layout import REGIONAL, RESULTS, YEARLY, YEARS, result_columns

ODD_DAYS = ((2027, 12, 31), (2027, 11, 30), (2099, 11, 30), (2101, 1, 31), (2199, 12, 31), (1950, 1, 1))


@pytest.fixture(scope="module")
def people() -> Any:
    """Plausible people, people whom every rule concerns, days nobody pays on and the greatest bills a record may hold."""
    from people import EVERYTHING, make_people

    table = pl.concat([make_people(60, 1), make_people(240, 2, EVERYTHING, first=60)])
    odd = pl.Series([date(*ODD_DAYS[i % 6]) if i < 60 else None for i in range(table.height)])
    table = table.with_columns(
        pl.coalesce(pl.when(pl.col(f"参保@{y}")).then(odd), f"缴费日期@{y}").alias(f"缴费日期@{y}")
        for y in (2027, 2034)
    )
    greatest = {"money": 10**10, "rate": 10**6}
    return table.with_columns(
        pl.when(pl.int_range(pl.len()) % 30 == y % 3).then(greatest[kind]).otherwise(f"{name}@{y}").alias(f"{name}@{y}")
        for y in (2029, 2033)
        for name, kind in YEARLY.items()
        if kind in greatest and name not in ("统筹地区上年人均收入", "大病保险实付", "住院起付标准合计")
    )


@pytest.fixture(scope="module")
def expected(people: Any) -> Any:
    from people import inner, record

    rules = tiaoli.load("CN-JX")
    assert rules.compiled(YEARS).outputs == tuple(RESULTS)
    rows = []
    for row in people.iter_rows(named=True):
        found = rules.evaluate(record(row), YEARS)
        values = {f"{name}@{y}": inner(kind, found[y][name]) for y in YEARS for name, kind in RESULTS.items()}
        rows.append({"编号": row["编号"], **values})
    kinds = {name: pl.Date if RESULTS[name.split("@")[0]] == "date" else pl.Int64 for name in result_columns()[1:]}
    return pl.DataFrame(rows, schema={"编号": pl.String, **kinds})


def test_the_table_holds_every_fact_that_the_rules_read(people: Any) -> None:
    needed = tiaoli.load("CN-JX").compiled(YEARS).needed_facts
    columns = [
        name if y == 0 else f"{name}@{y}" for y, names in needed.items() for name in names if y not in range(1, 2016)
    ]
    assert sorted(columns) == sorted(set(people.columns) - {"编号"})
    assert set(REGIONAL) < set(YEARLY)


def test_these_people_meet_every_kind_of_result(expected: Any) -> None:
    for name in set(RESULTS) - {"财政补助标准", "个人缴费标准", "中央财政补助"}:
        values = {value for y in YEARS for value in expected[f"{name}@{y}"]}
        assert len(values) > (1 if name == "固定等待期" else 3), name


@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
def test_polars(people: Any, expected: Any, engine: Any) -> None:
    from polars_query import query

    same(query(people.lazy()).collect(engine=engine), expected)


def test_numpy(people: Any, expected: Any) -> None:
    from numpy_kernel import compute

    same(compute(people), expected)


def test_duckdb(people: Any, expected: Any) -> None:
    import duckdb
    from duckdb_query import query

    with duckdb.connect() as base:
        base.register("people", people.to_arrow())
        same(base.sql(query("people")).pl(), expected)


@pytest.mark.parametrize("way", ["polars_query", "numpy_kernel", "duckdb_query"])
def test_from_file_to_file(people: Any, expected: Any, tmp_path: Path, way: str) -> None:
    people.write_parquet(tmp_path / "people.parquet", row_group_size=100)
    import_module(way).run(tmp_path / "people.parquet", tmp_path / "results.parquet")
    same(pl.read_parquet(tmp_path / "results.parquet"), expected)


def same(found: Any, expected: Any) -> None:
    assert found.schema == expected.schema
    for name in expected.columns:
        assert found[name].to_list() == expected[name].to_list(), name
