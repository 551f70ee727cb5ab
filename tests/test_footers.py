"""What the footer of a Parquet file is believed to say of its columns."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import polars as pl
from pyarrow import parquet

from tiaoli.batch.sources import Span, spans

COLUMNS = {
    "small": pl.Series([1, -2, 3], dtype=pl.Int8),
    "large": pl.Series([2**40, None, -(2**40)], dtype=pl.Int64),
    "unsigned": pl.Series([1, 2**63 + 5, 3], dtype=pl.UInt64),
    "day": [date(1960, 1, 1), date(2020, 2, 29), date(1999, 12, 31)],
    "truth": [True, False, True],
    "text": ["a", "b", "c"],
    "float": [1.5, 2.0, 3.0],
    "moment": [datetime(2020, 1, 1)] * 3,
    "time": pl.Series([1, 2, 3]).cast(pl.Time),
    "decimal": pl.Series(["1.5", "2", "3"]).cast(pl.Decimal(10, 2)),
    "absent": pl.Series([None, None, None], dtype=pl.Int64),
}


def test_whole_numbers_days_and_truth_values_are_told_of(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame(COLUMNS).write_parquet(path, row_group_size=2)
    assert spans(path) == {
        "small": Span(-2, 3, False),
        "large": Span(-(2**40), 2**40, True),
        "day": Span(date(1960, 1, 1).toordinal(), date(2020, 2, 29).toordinal(), False),
        "truth": Span(0, 1, False),
    }


def test_without_statistics_of_every_group_nothing_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    table = pl.DataFrame({"n": [1, 2, 3]}).to_arrow()
    parquet.write_table(table, path, write_statistics=False)
    assert spans(path) == {}


def test_groups_of_rows_without_a_value_say_nothing_of_the_others(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    cells = {"n": pl.Series([1, 2, None, None], dtype=pl.Int64), "空": pl.Series([None] * 4, dtype=pl.Int64)}
    pl.DataFrame(cells).write_parquet(path, row_group_size=2)
    assert spans(path) == {"n": Span(1, 2, True)}


def test_other_files_tell_nothing(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_text("no Parquet")
    assert spans(tmp_path / "t.parquet") == spans(tmp_path / "t.csv") == spans(None) == {}
