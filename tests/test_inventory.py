"""What is in force: the built-in rules and small texts, as data and in words."""

from __future__ import annotations

import json
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from pytest_regressions.data_regression import DataRegressionFixture
from pytest_regressions.file_regression import FileRegressionFixture

import tiaoli
from tiaoli.comparison import compare
from tiaoli.inventory import Inventory, ParameterItem, RuleItem, entry, inventory
from tiaoli.inventory_json import as_json
from tiaoli.inventory_text import as_rich, as_text

TEXT = """文件 试〔2025〕1号
  标题 "试行办法"
  机关 "试行局"
  日期 2024-12-01
  地区 CN
  施行 2025年度
条文 一 "缴费" 编码 档次, 收入, 参保, 缴费日期, 缴费比例, 封顶, 未定, 起步
条文 二 "待遇" 编码 待遇, 补助, 缴费, 实缴, 连续, 口径, 要求
事实 档次: 高 | 中 | 低 必填 问 "缴费档次？" 依据 一
事实 收入: 金额 可空 范围 0元..50万元 依据 一
每年 事实 参保: 是否 默认 否 依据 一
每年 事实 缴费日期: 日期 可空 必填 当 参保 自 2025年度 依据 一
参数 缴费比例: 比例 按 档次
  行 高, 中 = 50% 依据 一
  行 低 = 40% 依据 一 说明 "低档从宽"
  行 低 = 45% 自 2027年度 依据 一
参数 封顶 = 3000元 依据 一
参数 未定: 金额 依据 一
参数 起步 = 2年 依据 一
存疑 口径 "是否计入以前年度？"
  选项 计入 默认 "没有排除"
  选项 不计入
  依据 二
规则 连续: 年数
  当 口径 为 计入 得 连续年数(参保) 依据 二
  否则 连续年数(参保, 自 2025年度) 依据 二
结果 表 待遇: 金额 初值 0元
  列 | 连续 | 档次 | 得 命中 首个
  行 | 0年(含)..2年(不含) | - | 1000元 依据 二
  行 | ≥ 起步 | 高 或 中 | 2000元 依据 二
  行 | - | - | 1500元 依据 二
结果 分段 补助: 金额 舍入 向下 到 元 按 实缴
  段 0元(含)..1万元(含) 得 10% 依据 二
  段 1万元(不含)以上 得 5% 依据 二
规则 缴费: 金额 = 封顶 × 50%  # 一半
  依据 二 说明 "按封顶的一半"
规则 实缴: 金额
  当 有 收入 得 取小(收入 × 缴费比例, 封顶) 依据 二
  否则 缴费 依据 二
例外 规则 实缴 当 参保 且 档次 为 低 得 100元 依据 二
要求 缴费 ≥ 1000元 原则上 依据 二
"""


def held(year: int = 2025, text: str = TEXT, last: int = 2030) -> Inventory:
    return inventory(tiaoli.loads(text).program(last), year)


def jiangxi(year: int = 2026) -> Inventory:
    return inventory(tiaoli.load("CN-JX").program(2030), year)


def plain(data: Any) -> Any:
    """Data as a golden file holds it: numbers exact, as JSON would write them."""
    return json.loads(json.dumps(data, ensure_ascii=False, default=str))


def rule(found: Inventory, name: str) -> RuleItem:
    return next(r for r in found.rules if r.name == name)


def parameter(found: Inventory, name: str) -> ParameterItem:
    return next(p for p in found.parameters if p.name == name)


# ── golden ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_small_text_in_words(lang: str, file_regression: FileRegressionFixture) -> None:
    file_regression.check(as_text(held(), lang) + "\n", encoding="utf-8")


def test_small_text_as_data(data_regression: DataRegressionFixture) -> None:
    data_regression.check(plain(as_json(held())))


def test_jiangxi_rule_in_words(file_regression: FileRegressionFixture) -> None:
    names = ("零报销激励额度", "中央财政补助", "筹资年度财政补助标准", "缴费日期", "首年断保", "赣府厅发〔2024〕34号")
    file_regression.check("\n\n".join(as_text(jiangxi(), name=n) for n in names) + "\n", encoding="utf-8")


def test_jiangxi_parameters(data_regression: DataRegressionFixture) -> None:
    data_regression.check({p["名称"]: p["值"] for p in plain(as_json(jiangxi()))["参数"]})


# ── what is listed ───────────────────────────────────────────────────────────


def test_every_definition_of_the_year_is_listed_and_hidden_ones_are_not() -> None:
    program = tiaoli.load("CN-JX").program(2030)
    found = inventory(program, 2026)
    assert {r.name for r in found.rules} == {r.name for r in program.segment(2026).rules if not r.hidden}
    assert {f.name for f in found.facts} == set(program.facts)
    assert [q.name for q in found.questions] == list(program.questions)
    assert not any("(" in name for name in found.names if name not in program.documents)


def test_documents_in_force_by_year() -> None:
    assert {d.name for d in jiangxi(2026).documents} - {d.name for d in jiangxi(2025).documents} == {
        "《2026年政府工作报告》",
        "《江西省2026年度居民医保参保缴费通知》",
    }
    states = {d.name: d.states for d in jiangxi(2026).documents}
    assert states["《2026年政府工作报告》"] == ("筹资年度财政补助标准",)
    assert "筹资年度财政补助标准" not in states["医保发〔2018〕2号"]


def test_values_of_the_year_by_key() -> None:
    assert [(v.key, v.value) for v in parameter(held(2026), "缴费比例").values] == [
        ("高", Decimal("0.5")), ("中", Decimal("0.5")), ("低", Decimal("0.4")),
    ]  # fmt: skip
    low = parameter(held(2027), "缴费比例").values[-1]
    assert (low.value, low.first, low.note) == (Decimal("0.45"), 2027, None)
    assert parameter(held(), "未定").values == ()


def test_figures_are_known_where_no_person_decides() -> None:
    figures = {r.name: r.figure.value for r in held().rules if r.figure is not None}
    assert figures == {"缴费": 150_000}
    known = {r.name for r in jiangxi().rules if r.figure}
    assert {"财政补助标准", "个人缴费标准", "集中参保期截止日", "中央财政补助"} <= known
    assert not known & {"连续参保年数", "大病保险最高支付限额", "待遇开始日"}


def test_nothing_of_a_later_document_is_in_force_before_it() -> None:
    found = jiangxi(2020)
    names = {r.name for r in found.rules}
    assert {"财政补助标准", "个人缴费标准", "大病保险支付"} <= names
    assert not names & {"连续参保激励额度", "待遇等待期", "个人应缴金额"}
    assert "赣府厅发〔2024〕34号" not in {r.document for r in found.rules}
    assert "最低缴费档次 ≥ 上年 筹资年度个人缴费标准" in [g.name for g in found.mandates if not g.missing]
    assert "累计提高上限" not in [p.name for p in found.parameters]


ABOVE = """文件 甲〔2025〕1号  地区 CN  施行 2025年度
条文 一 编码 起付线, 标准, 补助, 要求
参数 标准: 金额 依据 一
参数 起付线 = 100元 依据 一
规则 补助: 金额 = 标准 依据 一
要求 支付比例 ≥ 50% 原则上 依据 一
要求 补助 ≥ 5元 依据 一
要求 起付线 ≥ 5元 依据 一
"""
BELOW = """文件 乙〔2026〕1号  地区 CN-JX  施行 2026年度
条文 一 编码 支付比例, 标准
参数 支付比例 = 60% 依据 一
修改 参数 标准: 金额 = 10元 依据 一
"""


def test_mandates_that_name_what_a_place_does_not_define_are_listed() -> None:
    above = inventory(tiaoli.loads(ABOVE, BELOW, place="CN").program(2030), 2026)
    below = inventory(tiaoli.loads(ABOVE, BELOW, place="CN-JX").program(2030), 2026)
    names = ["支付比例 ≥ 50%", "补助 ≥ 5元", "起付线 ≥ 5元"]
    assert [g.name for g in above.mandates] == [g.name for g in below.mandates] == names
    assert [g.missing for g in above.mandates] == [("支付比例",), ("补助",), ()]
    assert [g.missing for g in below.mandates] == [(), (), ()]
    assert (
        "  支付比例 ≥ 50%  原则上  自2025年度起  依据 甲〔2025〕1号 一  本地没有 支付比例，只在有它的地区检查"
        in as_text(above)
    )
    assert "not defined here: 补助; checked only in places that define it" in as_text(above, "en")
    assert [g.get("本地没有") for g in as_json(above)["要求"]] == [["支付比例"], ["补助"], None]


def test_a_mandate_that_only_one_side_checks_differs_in_that_alone() -> None:
    sides = [inventory(tiaoli.loads(ABOVE, BELOW, place=p).program(2030), 2026) for p in ("CN", "CN-JX")]
    found = [d for d in compare(*sides).differences if d.section == "mandates"]
    assert [(d.name, d.sort, [c.aspect for c in d.changes]) for d in found] == [
        ("支付比例 ≥ 50%", "changed", ["missing"]), ("补助 ≥ 5元", "changed", ["missing"]),
    ]  # fmt: skip


def test_written_text_is_kept_without_comments_and_layout() -> None:
    line = rule(held(), "缴费").lines[0]
    assert (line.kind, line.value.text) == ("formula", "封顶 × 50%")
    assert line.note == "按封顶的一半"
    assert [c.text for c in rule(held(), "待遇").lines[1].cells] == ["≥ 起步", "高 或 中"]
    assert rule(held(), "补助").lines[1].heading == "1万元(不含)以上"
    assert [line.kind for line in rule(held(), "实缴").lines] == ["exception", "when", "otherwise"]


def test_years_outside_the_program() -> None:
    with pytest.raises(KeyError):
        held(2050)


# ── one name ─────────────────────────────────────────────────────────────────


def test_history_of_a_parameter() -> None:
    (item,) = entry(jiangxi(2024), "筹资年度财政补助标准").history
    assert isinstance(item, ParameterItem)
    assert [(v.first, v.value) for v in item.values][:2] == [(2016, 42_000), (2017, 45_000)]
    assert len(item.values) == 11


def test_a_name_that_is_not_in_force_shows_its_history() -> None:
    found = jiangxi(2024)
    assert entry(found, "累计提高额度").item is None
    assert "本年度不适用" in as_text(found, name="累计提高额度")
    assert "取小(连续参保激励额度 + 零报销激励额度, 原封顶线 × 累计提高上限)" in as_text(found, name="累计提高额度")


def test_history_of_a_rule_amended() -> None:
    later = """文件 试〔2027〕2号
  地区 CN
  施行 2027年度
条文 一 "x" 编码 缴费
修改 规则 缴费: 金额 = 封顶 × 60% 依据 一
"""
    found = inventory(tiaoli.loads(TEXT, later).program(2030), 2026)
    texts = entry(found, "缴费").history
    assert [(t.first, t.last, t.lines[0].value.text) for t in texts if isinstance(t, RuleItem)] == [
        (2025, 2026, "封顶 × 50%"), (2027, None, "封顶 × 60%"),
    ]  # fmt: skip
    assert "沿革" in as_text(found, name="缴费")
    assert "沿革" not in as_text(found, name="实缴")
    assert len(as_json(found, "缴费")["沿革"]) == 2


@pytest.mark.parametrize("name", ["没有的", "连续年数(参保)"])
def test_unknown_and_hidden_names(name: str) -> None:
    found = held()
    assert name not in found.names
    for show in (as_text, as_rich):
        with pytest.raises(KeyError):
            show(found, "zh", name)
    with pytest.raises(KeyError):
        as_json(found, name)


def test_every_name_can_be_shown() -> None:
    for found in (held(), jiangxi(2020), jiangxi(2026)):
        for name in found.names:
            assert as_text(found, name=name)
            assert as_text(found, "en", name)
            assert as_json(found, name)["名称"] == name


# ── on a terminal ────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", [None, "待遇", "缴费比例", "试〔2025〕1号"])
def test_rich_shows_what_the_text_says(name: str | None) -> None:
    from rich.console import Console

    console = Console(width=400, record=True, file=StringIO())
    console.print(as_rich(held(), "zh", name))
    shown = console.export_text()
    expected = {
        None: ("≥ 起步", "1万元(不含)以上", "低档从宽", "本年度没有值", "口径", "原则上", "例外 参保 且 档次 为 低"),
        "待遇": ("表 待遇", "高 或 中"),
        "缴费比例": ("45%", "自2027年度起"),
        "试〔2025〕1号": ("试行局",),
    }[name]
    for text in expected:
        assert text in shown


def test_the_same_words_for_the_same_meaning() -> None:
    """Spelling, brackets, the order of operands and keywords leave no trace in the meaning."""
    other = TEXT.replace("有 收入 得 取小(收入 × 缴费比例, 封顶)", "(有 收入) 得 min(封顶, 缴费比例 * 收入)")
    other = other.replace("封顶 × 50%", "0.50 × (封顶)").replace("连续年数(参保)", "consecutive_years( 参保 )")
    other = other.replace("参保 且 档次 为 低", "档次 = 低 and 参保").replace("缴费 ≥ 1000元", "1000.00元 <= 缴费")
    assert other != TEXT
    assert held().rules == held(text=other).rules
    assert held().mandates == held(text=other).mandates
