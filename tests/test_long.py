"""Rows of long tables are gathered by person: none is lost, whatever their order and number."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import tiaoli
from strategies import sampled
from support import own
from tiaoli.batch import dealing, long
from tiaoli.batch.dealing import Dealt
from tiaoli.batch.frames import evaluate
from tiaoli.batch.layout import ID, YEAR, Shape
from tiaoli.batch.wish import Wish

RULES = """
每年 事实 在册: 是否 默认 否
每年 事实 花费: 金额 默认 0元 范围 0元..100万元
结果 规则 报销: 金额
  当 非 在册 得 0元
  否则 花费
结果 规则 累积: 金额 初值 0元 = 上年 累积 + 报销
"""

WISH = Wish(range(2025, 2028), ("累积",), layout=Shape.WIDE)

CELLS = {
    ID: st.one_of(st.none(), st.sampled_from(["", "P1", "P2", "P10", "甲", "乙"]), st.text("abc", max_size=3)),
    "\0标记": st.one_of(st.none(), st.booleans()),
    "金额": st.one_of(st.none(), st.decimals(-99, 99, places=2)),
    "日期": st.one_of(st.none(), st.dates(date(1900, 1, 1), date(2100, 1, 1))),
    "类别": st.one_of(st.none(), st.sampled_from(["居民", "职工"])),
    "地区": st.one_of(st.none(), st.text("东西南北", max_size=2)),
}
KINDS = {
    ID: pl.String(), "\0标记": pl.Boolean(), "金额": pl.Decimal(38, 2), "日期": pl.Date(),
    "类别": pl.Enum(["居民", "职工"]), "地区": pl.Categorical(),
}  # fmt: skip


@sampled(60, suppressed=[HealthCheck.too_slow])
@given(st.data())
def test_every_row_is_dealt_to_one_part_and_those_of_an_id_to_the_same(
    tmp_path_factory: Any, data: st.DataObject
) -> None:
    rows = data.draw(st.lists(st.fixed_dictionaries(CELLS), max_size=40))
    frame = pl.DataFrame(rows, schema=KINDS)
    parts = data.draw(st.integers(1, 300))
    path = tmp_path_factory.mktemp("dealt") / "rows.arrow"
    with pytest.MonkeyPatch.context() as patch, Dealt(path, parts, frame.schema) as dealt:
        patch.setattr(dealing, "BATCH", data.draw(st.sampled_from([1, 3, 1000])))
        for at in range(0, frame.height, 5):
            dealt.put(frame[at : at + 5])
        dealt.close()
        found = [dealt.part(number) for number in range(parts)]
    assert not path.exists()
    assert all(part.schema == frame.schema for part in found)
    whole = pl.concat(found)
    assert sorted(map(repr, whole.rows())) == sorted(map(repr, frame.rows()))
    where = [(ident or "", number) for number, part in enumerate(found) for ident in part[ID].unique()]
    assert len(set(where)) == len({ident for ident, _ in where})


def people(number: int) -> pl.DataFrame:
    """So many persons, of each year 2025 to 2027 a row, of some less; the amount says whose row it is."""
    rows = [
        (f"P{person:04}", year, True, Decimal(person * 10 + year - 2025))
        for person in range(number)
        for year in range(2025, 2028)
        if (person + year) % 7
    ]
    random.Random(1).shuffle(rows)
    return pl.DataFrame(rows, schema=[ID, YEAR, "在册", "花费"], orient="row").with_columns(
        pl.col("花费").cast(pl.Decimal(18, 2))
    )


def totals(rows: pl.DataFrame) -> dict[str, Decimal]:
    """What the rows add up to for each person."""
    return dict(rows.group_by(ID).agg(pl.col("花费").sum()).rows())


@pytest.mark.parametrize("suffix", (".parquet", ".csv", ".arrow"))
@pytest.mark.parametrize("window", (1, 50))
def test_no_row_is_lost_in_hundreds_of_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, window: int
) -> None:
    rows, file = people(400), tmp_path / f"长表{suffix}"
    {".parquet": rows.write_parquet, ".csv": rows.write_csv, ".arrow": rows.write_ipc}[suffix](file)
    monkeypatch.setattr(long, "WINDOW", window)
    monkeypatch.setattr(dealing, "BATCH", 100)
    found = evaluate(tiaoli.loads(f"文件 自拟  地区 CN-ZZ  施行 2025年度\n{RULES}"), file, WISH).results
    assert dict(found.select(ID, "累积@2027").rows()) == totals(rows)


@pytest.mark.parametrize("window", (1, 7, 100))
@pytest.mark.parametrize("ahead", (1, 4))
def test_stretches_of_different_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int, ahead: int
) -> None:
    rows = people(60).filter((pl.col(YEAR) != 2026) | (pl.col(ID) > "P0040")).sort(YEAR, ID)
    rows = pl.concat([rows, rows.filter(pl.col(ID) == "P0003").head(1)] + [rows.filter(pl.col(ID) == "P0007")] * 9)
    file = tmp_path / "长表.parquet"
    rows.write_parquet(file, row_group_size=10)
    monkeypatch.setattr(long, "WINDOW", window)
    monkeypatch.setattr(long, "AHEAD", ahead)
    table = evaluate(tiaoli.loads(f"文件 自拟  地区 CN-ZZ  施行 2025年度\n{RULES}"), file, WISH)
    twice = {"P0003", "P0007"}
    assert set(table.rejects[ID]) == twice
    expected = totals(rows.filter(~pl.col(ID).is_in(twice)))
    assert dict(table.results.select(ID, "累积@2027").rows()) == expected


def test_ids_of_one_hash_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = pl.Series(ID, ["b", "a", None, "b", "c", "a", None, "a"])
    monkeypatch.setattr(long, "RUNS", 0)
    for hashed in (None, lambda self, seed=0: pl.Series(np.zeros(len(self), dtype=np.uint64))):
        if hashed is not None:
            monkeypatch.setattr(pl.Series, "hash", hashed)
        row, person, first = long._persons_of(ids)
        assert [[ids[int(r)] for r in row[person == p]] for p in range(4)] == [[None] * 2, ["a"] * 3, ["b"] * 2, ["c"]]
        assert [ids[int(row[f])] for f in first] == [None, "a", "b", "c"]


def test_a_table_that_changes_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Any) -> None:
    own(tmp_path, RULES)
    file, output = tmp_path / "长表.parquet", tmp_path / "o.parquet"
    people(20).write_parquet(file)
    counted = long.Long.survey.func  # type: ignore[attr-defined]
    one_more = property(lambda self: (counted(self)[0] + 1, *counted(self)[1:]))
    monkeypatch.setattr(long.Long, "survey", one_more)
    said = command("run", "CN-ZZ", file, "--year", "2025..2027", "--rulesets", tmp_path, "--rule", "累积", "-o", output)
    assert said.code == 2 and "E748" in said.err, said.err
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix != ".tiaoli") == ["长表.parquet"]
