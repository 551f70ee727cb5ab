"""No step of a table run needs a whole column at once: the engine can work on batches from one end to the other, whatever the size of the input."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import tiaoli
from columns_support import TEXT, dtype
from support import own
from tiaoli.batch.layout import ID, YEAR, Shape, Units, columns_of
from tiaoli.batch.passing import Tally, sink
from tiaoli.batch.running import LinkedError, Run, Wish
from tiaoli.pipeline import load
from tiaoli.values import INSURED

YEARS = range(2025, 2027)
PLACES = load().places
GATHERED = 'fillcolor="0.0 0.3 1.0"'
"""How Polars paints a step that falls back to its engine for whole columns."""


def gathering(frame: pl.LazyFrame) -> list[str]:
    """The steps that need their whole input at once, without those of a few constants."""
    drawn = frame.show_graph(plan_stage="physical", engine="streaming", raw_output=True, show=False)
    assert drawn is not None
    steps = [line for line in drawn.splitlines() if GATHERED in line]
    return [line for line in steps if "Legend" not in line and "label=<" not in line]


def empty(rules: tiaoli.Rules, shape: Shape, form: Units | str) -> pl.DataFrame:
    program = rules.program(max(YEARS))
    columns = columns_of(program, INSURED, shape, YEARS)
    kinds = {c.name: dtype(c.fact, form) for c in columns if c.fact is not None}
    return pl.DataFrame(schema={ID: pl.String(), **({YEAR: pl.Int32()} if shape is Shape.LONG else {}), **kinds})


@pytest.mark.parametrize(("place", "form"), [("CN-JX", Units.YUAN), *((place, TEXT) for place in PLACES)])
def test_wide_tables_of_every_place_stream(place: str, form: Units | str, tmp_path: Path) -> None:
    rules = tiaoli.load(place)
    run = Run(rules, empty(rules, Shape.WIDE, form), Wish(YEARS, reasons=True), folder=tmp_path)
    try:
        made = run.query(run.parts[0], tmp_path, True)
    except LinkedError:
        pytest.fail("figures over other records in the results of a place: compute them here, too")
    passed = made.passing(Tally(tmp_path / "state.parquet", {}))
    assert gathering(sink(passed, tmp_path / "o.parquet")) == []


@pytest.mark.parametrize("form", (Units.YUAN, TEXT))
def test_rows_of_long_tables_stream(form: Units | str, tmp_path: Path) -> None:
    rules = tiaoli.load("CN-JX")
    run = Run(rules, empty(rules, Shape.LONG, form), Wish(YEARS), folder=tmp_path)
    assert gathering(run._long(run.parts[0]).frame) == []


def test_large_tables_of_keys_and_rows_misread_stream(tmp_path: Path) -> None:
    keys = [f"县{n}" for n in range(40)]
    rows = "\n".join(f"  行 {key} = {n}元" for n, key in enumerate(keys))
    own(
        tmp_path,
        f"""
每年 事实 县: {" | ".join(keys)}
参数 线: 金额 按 县
{rows}
结果 规则 起付: 金额 = 线
""",
    )
    rules = tiaoli.load("CN-ZZ", rulesets=tmp_path)
    file = tmp_path / "表.csv"
    file.write_text("编号,县@2025,县@2026\n甲,县1,县2\n乙,县1,县2,多\n", encoding="utf-8")
    run = Run(rules, file, Wish(YEARS), folder=tmp_path)
    made = run.query(run.parts[0], tmp_path, False)
    assert gathering(made.passing(Tally(None, {}))) == []


def test_what_gathers_is_seen() -> None:
    frame = pl.LazyFrame({"a": ["x"] * 20})
    assert gathering(frame.select(pl.col("a").replace_strict(["x"], [1], default=None)))
