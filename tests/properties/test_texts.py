"""Cells of CSV mean the same to the columnar back end and to the interpreter, however they are written."""

from __future__ import annotations

import csv
from functools import cache
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import tiaoli
from strategies import sampled
from tiaoli.batch import computing
from tiaoli.batch.frames import evaluate
from tiaoli.batch.layout import ID
from tiaoli.batch.wish import Wish

RULES = """
每年 事实 在册: 是否 默认 否
每年 事实 花费: 金额 默认 1元 范围 0元..100万元
每年 事实 比例: 比例 默认 50% 范围 0%..200%
每年 事实 张数: 整数 默认 3 范围 -5..99
每年 事实 起始: 年度 默认 2020年度
每年 事实 缴费: 日期 默认 2025-01-01
每年 事实 类别: 居民 | 职工 默认 居民
结果 规则 甲: 金额 = 花费
结果 规则 乙: 比例 = 比例
结果 规则 丙: 整数 = 张数
结果 规则 丁: 整数
  当 在册 得 1
  否则 0
结果 规则 戊: 日期 = 缴费
结果 规则 己: 年度 = 起始
结果 规则 庚: 居民 | 职工 = 类别
"""
PIECES = {
    "在册": ["是", "否", "true", "FALSE", "True", "对", "是的", " ", "\u3000", "１"],
    "花费": [*list("0123456789"), "+", "-", ".", ".00", ".50", ",", " ", "e3", "1000000", "９", "元", "007", "92233720368547758"],
    "比例": [*list("0129"), "+", "-", ".", ".5000", ".00001", "%", " ", "2.0"],
    "张数": [*list("0123456789"), "+", "-", ".", ".0", " ", "99", "e1", "\u3000", "张"],
    "起始": ["2025", "2024", "年度", "年", " ", "1", "0", ".0", "02025", "2025.0"],
    "缴费": ["2025", "-", "/", "1", "01", "31", "2", "30", " ", "2024-12-05", "2025/1/5", "年", "12025", "T00:00:00", "٢"],
    "类别": ["居民", "职工", " ", "\u3000", "\t", "居", "學生"],
}  # fmt: skip


def cells(name: str) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(PIECES[name]), max_size=5).map("".join)


@sampled(25, suppressed=list(HealthCheck))
@given(rows=st.lists(st.fixed_dictionaries({}, optional={n: cells(n) for n in PIECES}), min_size=20, max_size=60))
def test_odd_cells_mean_the_same(tmp_path_factory: Any, rows: list[dict[str, str]]) -> None:
    file = tmp_path_factory.mktemp("texts") / "表.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([ID, *(f"{name}@2025" for name in PIECES)])
        writer.writerows([f"P{n}", *(row.get(name, "") for name in PIECES)] for n, row in enumerate(rows))
    read = evaluate(rules(), file, Wish(range(2025, 2026)))
    with pytest.MonkeyPatch.context() as patch:  # no row is taken as it is: the judge of all records hears each
        patch.setattr(computing, "_suspect", lambda table, broken: pl.lit(True))
        heard = evaluate(rules(), file, Wish(range(2025, 2026)))
    assert read.rejects.sort(pl.all()).rows() == heard.rejects.sort(pl.all()).rows()
    assert_frame_equal(read.results, heard.results, check_row_order=False)


@cache
def rules() -> tiaoli.Rules:
    return tiaoli.loads(f"文件 自拟  地区 CN-ZZ  施行 2025年度\n{RULES}")
