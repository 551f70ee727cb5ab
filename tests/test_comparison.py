"""What differs between two years or places: by meaning, in words, as data."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pytest_regressions.data_regression import DataRegressionFixture
from pytest_regressions.file_regression import FileRegressionFixture

import tiaoli
from tiaoli.comparison import Change, Comparison, compare, delta
from tiaoli.comparison_json import as_json
from tiaoli.comparison_text import as_rich, as_text
from tiaoli.inventory import Inventory, inventory

SCHEMA = json.loads((Path(__file__).parent.parent / "grammar" / "comparison.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

TEXT = """文件 试〔2025〕1号
  标题 "试行办法"
  地区 CN
  施行 2025年度
条文 一 "缴费" 编码 档次, 收入, 参保, 缴费比例, 封顶, 截止
条文 二 "待遇" 编码 待遇, 补助, 缴费, 实缴, 连续, 口径, 要求
条文 三 "另一处" 不可计算 "备用"
事实 档次: 高 | 中 | 低 依据 一
事实 收入: 金额 默认 0元 范围 0元..50万元 依据 一
每年 事实 参保: 是否 默认 否 依据 一
参数 缴费比例: 比例 按 档次
  行 高, 中 = 50% 依据 一
  行 低 = 40% 依据 一
参数 封顶 = 3000元 依据 一
参数 截止 = 2025-02-28 依据 一
存疑 口径 "是否计入以前年度？"
  选项 计入 默认 "没有排除"
  选项 不计入
  依据 二
规则 连续: 年数
  当 口径 为 计入 得 连续年数(参保) 依据 二
  否则 连续年数(参保, 自 2025年度) 依据 二
结果 表 待遇: 金额
  列 | 连续 | 档次 | 得 命中 首个
  行 | 0年(含)..2年(不含) | - | 1000元 依据 二
  行 | ≥ 2年 | 高 或 中 | 2000元 依据 二
  行 | - | - | 1500元 依据 二
结果 分段 补助: 金额 舍入 向下 到 元 按 收入
  段 0元(含)..1万元(含) 得 10% 依据 二
  段 1万元(不含)以上 得 5% 依据 二
规则 缴费: 金额 = 封顶 × 50% 依据 二
结果 规则 实缴: 金额 初值 0元
  当 参保 且 档次 为 低 得 100元 依据 二
  当 收入 > 1000元 得 取小(收入 × 缴费比例, 封顶) 依据 二
  否则 缴费 依据 二
要求 缴费 ≥ 1000元 原则上 依据 二
"""


def held(text: str = TEXT, year: int = 2025, *more: str, place: str | None = None) -> Inventory:
    return inventory(tiaoli.loads(text, *more, place=place).program(2030), year)


def edited(*edits: tuple[str, str]) -> Comparison:
    """The text compared with the same after replacements."""
    other = TEXT
    for old, new in edits:
        assert old in other, old
        other = other.replace(old, new)
    return compare(held(), held(other))


def said(comparison: Comparison, lang: str = "zh") -> list[str]:
    """The lines that tell differences, without head, section names and what is the same."""
    return [line.strip() for line in as_text(comparison, lang).splitlines()[2:] if line.startswith("  ")]


def jiangxi(year: int) -> Inventory:
    return inventory(tiaoli.load("CN-JX").program(2030), year)


def plain(data: Any) -> Any:
    return json.loads(json.dumps(data, ensure_ascii=False, default=str))


# ── nothing ──────────────────────────────────────────────────────────────────


def test_nothing_differs() -> None:
    same = compare(held(), held())
    assert same.same and same.same_meaning
    assert as_text(same).endswith("没有差别。")
    assert as_text(same, "en").endswith("nothing differs.")
    assert as_json(same)["差别"] == []


@pytest.mark.parametrize(
    "edit",
    [
        ("封顶 × 50%", "0.5  *  ( 封顶 )  # 一半\n "),
        ("连续年数(参保) 依据", "consecutive_years( 参保 ) 依据"),
        ("参保 且 档次 为 低", "档次 = 低 且 参保"),
        ("收入 > 1000元", "1000.00元 < 收入"),
        ("高 或 中", "中 或 高"),
        ("≥ 2年", "2年(含)以上"),
        ("行 高, 中 = 50% 依据 一", "行 高 = 50.0% 依据 一\n  行 中 = 0.5 依据 一"),
        ("缴费 ≥ 1000元", "1000元 ≤ 缴费"),
        ("舍入 向下 到 元", "舍入 down 到 1元"),
        ("参数 封顶 = 3000元", "参数 封顶: 金额 = 0.3万元"),
    ],
)
def test_other_words_for_the_same_are_no_difference(edit: tuple[str, str]) -> None:
    assert said(edited(edit)) == []


def test_later_years_without_news() -> None:
    assert compare(jiangxi(2027), jiangxi(2028)).same


# ── parameters ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (("封顶 = 3000元", "封顶 = 3100元"), "值 由 3,000元 改为 3,100元（+100元，+3.33%）"),
        (("封顶 = 3000元", "封顶 = 2000元"), "值 由 3,000元 改为 2,000元（-1,000元，-33.33%）"),
        (("低 = 40%", "低 = 35%"), "低：值 由 40% 改为 35%（-5个百分点，-12.5%）"),
        (("截止 = 2025-02-28", "截止 = 2025-03-31"), "值 由 2025-02-28 改为 2025-03-31（+31天）"),
    ],
)
def test_changed_values(edit: tuple[str, str], expected: str) -> None:
    assert expected in said(edited(edit))


def test_a_parameter_changes_what_rules_come_to() -> None:
    lines = said(edited(("封顶 = 3000元", "封顶 = 3100元")))
    assert lines == [
        "封顶", "值 由 3,000元 改为 3,100元（+100元，+3.33%）",
        "缴费", "本年度的值 由 1,500元 改为 1,550元（+50元，+3.33%）",
    ]  # fmt: skip


def test_percentage_of_nothing_is_not_told() -> None:
    (change,) = (c for c in edited(("封顶 = 3000元", "封顶 = 0元")).differences[0].changes if c.aspect == "value")
    found = delta(change)
    assert found is not None and found.ratio == -1
    back = delta(Change("value", change.new, change.old))
    assert back is not None and (back.value, back.ratio) == (300_000, None)


def test_keys_that_come_and_go() -> None:
    lines = said(
        edited(
            ("事实 档次: 高 | 中 | 低", "事实 档次: 高 | 中 | 低 | 特"),
            ("行 低 = 40%", "行 低 = 40% 依据 一\n  行 特 = 60%"),
        )
    )
    assert "类型 由 高 | 中 | 低 改为 高 | 中 | 低 | 特" in lines
    assert "特：值 新增 60%" in lines


# ── rules ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (
            ("收入 > 1000元 得", "收入 > 2000元 得"),
            ["当 收入 > 1000元 得 取小(收入 × 缴费比例, 封顶)：条件 由 收入 > 1000元 改为 收入 > 2000元"],
        ),
        (("得 100元", "得 150元"), ["当 参保 且 档次 为 低 得 100元：得 由 100元 改为 150元（+50元，+50%）"]),
        (("否则 缴费", "否则 封顶"), ["否则 缴费：得 由 缴费 改为 封顶"]),
        (
            ("  当 参保 且 档次 为 低 得 100元 依据 二\n", ""),
            ["取消 当 参保 且 档次 为 低 得 100元  依据 试〔2025〕1号 二"],
        ),
        (
            ("  否则 缴费 依据 二", "  当 连续 > 3年 得 50元 依据 二\n  否则 缴费 依据 二"),
            ["新增 当 连续 > 3年 得 50元  依据 试〔2025〕1号 二"],
        ),
        (
            ("实缴: 金额 初值 0元", "实缴: 金额 舍入 进一 到 角"),
            ["舍入 由 四舍五入 → 分 改为 进一 → 角", "初值 取消 0元"],
        ),
        (("结果 规则 实缴", "规则 实缴"), ["结果 由 是 改为 否"]),
    ],
)
def test_changed_clauses(edit: tuple[str, str], expected: list[str]) -> None:
    lines = said(edited(edit))
    assert lines == ["实缴", *expected]


def test_clauses_in_another_order() -> None:
    first, second = (
        "  当 参保 且 档次 为 低 得 100元 依据 二\n",
        "  当 收入 > 1000元 得 取小(收入 × 缴费比例, 封顶) 依据 二\n",
    )
    (_, line) = said(edited((first + second, second + first)))
    assert line.startswith("次序 由 当 参保 且 档次 为 低 得 100元；当 收入 > 1000元")


def test_exceptions_added() -> None:
    lines = said(edited(("要求 缴费", "例外 规则 实缴 当 连续 > 5年 得 0元 依据 二\n要求 缴费")))
    assert lines == ["实缴", "新增 例外 当 连续 > 5年 得 0元  依据 试〔2025〕1号 二"]


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([("| 2000元", "| 2500元")], ["行 ≥ 2年 | 高 或 中 | 2000元：得 由 2000元 改为 2500元（+500元，+25%）"]),
        ([("| 高 或 中 |", "| 高 |")], ["行 ≥ 2年 | 高 或 中 | 2000元：档次 由 高 或 中 改为 高"]),
        (
            [("  行 | ≥ 2年 | 高 或 中 | 2000元 依据 二\n", "")],
            ["取消 行 ≥ 2年 | 高 或 中 | 2000元  依据 试〔2025〕1号 二"],
        ),
        (
            [("  行 | - | - | 1500元", "  行 | 5年(含)以上 | 低 | 9000元 依据 二\n  行 | - | - | 1500元")],
            ["新增 行 ≥ 5年 | 低 | 9000元  依据 试〔2025〕1号 二"],
        ),
        (
            [("0年(含)..2年(不含) |", "0年(含)..3年(不含) |")],
            ["行 0年(含)..2年(不含) | - | 1000元：连续 由 0年(含)..2年(不含) 改为 0年(含)..3年(不含)"],
        ),
    ],
)
def test_changed_rows(edits: list[tuple[str, str]], expected: list[str]) -> None:
    assert said(edited(*edits)) == ["待遇", *expected]


def test_columns_in_another_order_are_no_difference() -> None:
    moved = [
        ("列 | 连续 | 档次", "列 | 档次 | 连续"), ("| 0年(含)..2年(不含) | - |", "| - | 0年(含)..2年(不含) |"),
        ("| ≥ 2年 | 高 或 中 |", "| 高 或 中 | ≥ 2年 |"),
    ]  # fmt: skip
    assert said(edited(*moved)) == []


def test_a_column_more() -> None:
    more = [
        ("列 | 连续 | 档次", "列 | 连续 | 档次 | 参保"), ("(不含) | - |", "(不含) | - | - |"), ("高 或 中 |", "高 或 中 | 是 |"),
        ("行 | - | - |", "行 | - | - | - |"),
    ]  # fmt: skip
    assert said(edited(*more)) == [
        "待遇", "列 由 连续 | 档次 改为 连续 | 档次 | 参保", "行 ≥ 2年 | 高 或 中 | 2000元：参保 由 - 改为 是",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([("得 5%", "得 6%")], ["段 1万元(不含)以上 得 5%：得 由 5% 改为 6%（+1个百分点，+20%）"]),
        (
            [("1万元(含)", "2万元(含)"), ("1万元(不含)", "2万元(不含)")],
            [
                "段 0元(含)..1万元(含) 得 10%：区间 由 0元(含)..1万元(含) 改为 0元(含)..2万元(含)",
                "段 1万元(不含)以上 得 5%：区间 由 1万元(不含)以上 改为 2万元(不含)以上",
            ],
        ),
        (
            [("段 1万元(不含)以上", "段 1万元(不含)..9万元(含) 得 7% 依据 二\n  段 9万元(不含)以上")],
            [
                "段 1万元(不含)以上 得 5%：区间 由 1万元(不含)以上 改为 9万元(不含)以上",
                "新增 段 1万元(不含)..9万元(含) 得 7%  依据 试〔2025〕1号 二",
            ],
        ),
        ([("按 收入", "按 实缴")], ["底数 由 收入 改为 实缴"]),
    ],
)
def test_changed_bands(edits: list[tuple[str, str]], expected: list[str]) -> None:
    assert said(edited(*edits)) == ["补助", *expected]


def test_another_form() -> None:
    old = TEXT[TEXT.index("结果 分段 补助") : TEXT.index("规则 缴费")]
    lines = said(edited((old, "结果 规则 补助: 金额 舍入 向下 到 元 = 收入 × 5% 依据 二\n")))
    assert lines == [
        "补助", "底数 取消 收入", "写法 由 分段 改为 规则", "取消 段 0元(含)..1万元(含) 得 10%  依据 试〔2025〕1号 二",
        "取消 段 1万元(不含)以上 得 5%  依据 试〔2025〕1号 二", "新增 = 收入 × 5%  依据 试〔2025〕1号 二",
    ]  # fmt: skip


# ── facts, questions, mandates, citations ────────────────────────────────────


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (("收入: 金额 默认 0元", "收入: 金额 默认 1元"), ["收入", "默认 由 0元 改为 1元（+1元）"]),
        (("0元..50万元", "0元..60万元"), ["收入", "范围 由 0元..500,000元 改为 0元..600,000元"]),
        (
            ('选项 计入 默认 "没有排除"\n  选项 不计入', '选项 计入 "没有排除"\n  选项 不计入 默认'),
            ["口径", "默认 由 计入 改为 不计入"],
        ),
        (("选项 不计入\n", "选项 不计入\n  选项 另议\n"), ["口径", "选项 新增 另议"]),
        (("缴费 ≥ 1000元", "缴费 ≥ 1200元"), ["缴费 ≥ 1000元", "条件 由 缴费 ≥ 1000元 改为 缴费 ≥ 1200元"]),
        ((" 原则上", ""), ["缴费 ≥ 1000元", "原则上 由 是 改为 否"]),
    ],
)
def test_other_changes(edit: tuple[str, str], expected: list[str]) -> None:
    assert said(edited(edit)) == expected


def test_another_citation_means_the_same() -> None:
    moved = [
        ("条文 三 \"另一处\" 不可计算 \"备用\"", "条文 三 \"另一处\" 编码 实缴, 封顶"),
        ("3000元 依据 一", "3000元 依据 三"), ("编码 档次, 收入, 参保, 缴费比例, 封顶, 截止", "编码 档次, 收入, 参保, 缴费比例, 截止"),
        ("得 100元 依据 二", "得 100元 依据 二、三"),
    ]  # fmt: skip
    comparison = edited(*moved)
    assert not comparison.same and comparison.same_meaning
    assert {d.sort for d in comparison.differences} == {"recited"}
    assert "含义没有差别，只有依据或说明不同。" in as_text(comparison)
    assert said(comparison) == [
        "含义相同，依据或说明不同", "封顶", "依据 由 试〔2025〕1号 一 改为 试〔2025〕1号 三",
        "含义相同，依据或说明不同", "实缴", "当 参保 且 档次 为 低 得 100元：依据 由 试〔2025〕1号 二 改为 试〔2025〕1号 二、三",
    ]  # fmt: skip


def test_the_same_citation_changed_in_several_lines_is_told_once() -> None:
    clause = '条文 三 "另一处" 不可计算 "备用"'
    edits = [
        (clause, '条文 三 "另一处" 编码 补助'),
        ("编码 待遇, 补助,", "编码 待遇,"),
        ("得 10% 依据 二", "得 10% 依据 三"),
        ("得 5% 依据 二", "得 5% 依据 三"),
    ]
    assert said(edited(*edits))[1:] == ["补助", "依据（2处） 由 试〔2025〕1号 二 改为 试〔2025〕1号 三"]


# ── golden: the built-in rules, and two places ───────────────────────────────

LOWER = """文件 {name}
  地区 {place}
  施行 2025年度
条文 一 "补充" 编码 {listed}
{text}"""


def lower(place: str, name: str, listed: str, text: str) -> Inventory:
    return held(TEXT, 2025, LOWER.format(name=name, place=place, listed=listed, text=text), place=place)


def two_places() -> Comparison:
    left = lower(
        "CN-AA",
        "甲〔2025〕1号",
        "封顶, 补贴",
        "修改 参数 封顶 = 4000元 依据 一\n规则 补贴: 金额 = 封顶 × 10% 依据 一\n",
    )
    right = lower(
        "CN-BB", "乙〔2025〕1号", "封顶, 待遇, 基数, 免缴", "修改 参数 封顶 = 4500元 依据 一\n参数 基数 = 1万元 依据 一\n"
        "每年 事实 免缴: 是否 默认 否 依据 一\n"
        "修改 表 待遇: 金额\n  列 | 连续 | 档次 | 得 命中 首个\n  行 | ≥ 2年 | 高 | 2600元 依据 一\n  行 | - | - | 1500元 依据 一\n",
    )  # fmt: skip
    return compare(left, right)


BUILT: dict[str, Callable[[], Comparison]] = {
    "jiangxi_2025_2026": lambda: compare(jiangxi(2025), jiangxi(2026)),
    "jiangxi_2024_2025": lambda: compare(jiangxi(2024), jiangxi(2025)),
    "two_places": two_places,
}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", ["jiangxi_2025_2026", "two_places"])
def test_in_words(name: str, lang: str, file_regression: FileRegressionFixture) -> None:
    file_regression.check(as_text(BUILT[name](), lang) + "\n", encoding="utf-8")


@pytest.mark.parametrize("name", ["jiangxi_2025_2026", "two_places"])
def test_as_data(name: str, data_regression: DataRegressionFixture) -> None:
    data_regression.check({k: v for k, v in plain(as_json(BUILT[name]())).items() if k not in ("左", "右")})


@pytest.mark.parametrize("name", BUILT)
def test_data_fit_the_published_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    VALIDATOR.validate(as_json(BUILT[name]()))


def test_the_schema_is_strict() -> None:
    data = as_json(two_places())
    data["差别"][0]["种类"] = "改名"
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(data)


def test_numbers_in_data_are_exact() -> None:
    changes = [c for d in as_json(BUILT["jiangxi_2025_2026"]())["差别"] for c in d["变化"] if c["方面"] == "值"]
    figures = [(c["原值"], c["新值"], c["差额"], c["百分比"]) for c in changes]
    assert (Decimal(700), Decimal(724), Decimal(24), Decimal("3.43")) in figures
    assert all(isinstance(f, Decimal | int | str | None) for row in figures for f in row)


@pytest.mark.parametrize("name", BUILT)
def test_the_other_way_round(name: str) -> None:
    there = BUILT[name]()
    back = compare(there.right, there.left)
    assert {(d.section, d.name) for d in there.differences if d.sort == "added"} == {
        (d.section, d.name) for d in back.differences if d.sort == "removed"
    }
    assert sum(len(d.changes) for d in there.differences) == sum(len(d.changes) for d in back.differences)


@pytest.mark.parametrize("name", BUILT)
def test_rich_names_every_difference(name: str) -> None:
    from rich.console import Console

    comparison = BUILT[name]()
    console = Console(width=1000, record=True, file=StringIO())
    console.print(as_rich(comparison))
    shown = console.export_text()
    assert all(d.name in shown for d in comparison.differences)
