"""Tables in memory, in Python: frames in, frames out."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import columns_support as tables
import tiaoli
from tiaoli.batch.frames import Evaluated, evaluate
from tiaoli.batch.layout import ID, Shape, Units
from tiaoli.batch.wish import Wish

SPAN = range(2025, 2031)


@pytest.fixture(scope="module")
def frame(jiangxi: tiaoli.Rules, histories: Any) -> pl.DataFrame:
    return tables.wide(jiangxi.program(2031), histories, range(2016, 2031), Units.YUAN)


def test_every_form_of_a_table_gives_the_values_of_the_interpreter(
    jiangxi: tiaoli.Rules, histories: Any, frame: pl.DataFrame, tmp_path: Path
) -> None:
    frame.write_parquet(tmp_path / "表.parquet")
    (batch,) = frame.to_arrow().to_batches()
    forms = (frame, frame.lazy(), frame.to_arrow(), batch, tmp_path / "表.parquet", str(tmp_path / "表.parquet"))
    made = [evaluate(jiangxi, form, Wish(SPAN)) for form in forms]
    assert all(one.results.equals(made[0].results) for one in made)
    expected = jiangxi.evaluate(histories[3], SPAN)
    (row,) = made[0].results.filter(pl.col(ID) == histories[3]["编号"]).to_dicts()
    assert row["大病保险最高支付限额@2030"] == expected[2030]["大病保险最高支付限额"]
    assert (made[0].people, made[0].computed, made[0].rejects.height, made[0].closing) == (40, 40, 0, None)


@pytest.mark.parametrize("table", (None, 7, {ID: ["甲"]}, b"x"), ids=type)
def test_what_is_no_table_is_an_error_of_the_program(jiangxi: tiaoli.Rules, table: Any) -> None:
    with pytest.raises(TypeError, match=f"not {type(table).__name__}$"):
        evaluate(jiangxi, table, Wish(SPAN))


def test_states_go_from_frame_to_frame(jiangxi: tiaoli.Rules, frame: pl.DataFrame) -> None:
    whole = evaluate(jiangxi, frame, Wish(SPAN)).results
    first = evaluate(jiangxi, frame, Wish(range(2025, 2028)), closing=True)
    assert first.closing is not None and first.closing.height == 40
    late = frame.select(
        ID, "^.*@20(28|29|30)$", "原封顶线", *(n for n in ("出生日期", "免等待人群") if n in frame.columns)
    )
    second = evaluate(jiangxi, late, Wish(range(2028, 2031)), opening=first.closing)
    assert second.results.equals(whole.select(second.results.columns))


def test_faults_are_rows_of_a_frame(jiangxi: tiaoli.Rules, frame: pl.DataFrame) -> None:
    bad = frame.with_columns(
        pl.when(pl.int_range(pl.len()) == 5).then(Decimal(-1)).otherwise(pl.col("原封顶线")).alias("原封顶线")
    )
    made: Evaluated = evaluate(jiangxi, bad, Wish(SPAN, layout=Shape.LONG))
    assert (made.people, made.computed, made.results.height) == (40, 39, 39 * 6)
    assert made.rejects.select(ID, "事实", "值", "代码").rows() == [(frame[ID][5], "原封顶线", "-1", "E735")]
    worse = bad.with_columns(pl.lit(None, dtype=frame.schema["缴费日期@2027"]).alias("缴费日期@2027"))
    years = evaluate(jiangxi, worse, Wish(SPAN)).rejects.filter(pl.col("代码") == "E727")["年度"]
    assert len(years) and set(years) == {2027}
    with pytest.raises(tiaoli.UsageError) as error:
        evaluate(jiangxi, frame.with_columns(pl.lit(1).alias("不认识")), Wish(SPAN))
    assert [d.code for d in error.value.diagnostics] == ["E719"]


def test_two_tables_and_persons_beside(
    jiangxi: tiaoli.Rules, histories: Any, frame: pl.DataFrame, tmp_path: Path
) -> None:
    yearly = frame.drop("原封顶线")
    made = evaluate(jiangxi, yearly, Wish(SPAN), persons=frame.select(ID, "原封顶线"))
    assert made.results.equals(evaluate(jiangxi, frame, Wish(SPAN)).results)
    for number in range(2):
        frame[number * 20 : number * 20 + 20].write_parquet(tmp_path / f"{number}.parquet")
    folder = evaluate(jiangxi, tmp_path, Wish(SPAN), closing=True)
    assert folder.people == 40 and folder.closing is not None and folder.closing.height == 40
