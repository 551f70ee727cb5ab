"""Jiangxi's results against arithmetic written from the text alone, on hundreds of made-up histories, and pinned for a fixed population."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from pytest_regressions.file_regression import FileRegressionFixture

import tiaoli
from jiangxi_by_hand import START, by_hand, history

LAST = 2034
YEARS = range(START, LAST + 1)
MECHANISM = tuple(by_hand({"编号": "P", "原封顶线": 400000}, START)[START])
DURATIONS = {"连续参保年数", "断保年数", "固定等待期", "变动等待期", "待遇等待期"}


def in_yuan(expected: Mapping[str, Any]) -> dict[str, Any]:
    """Return the results of a year as the API gives them: money in yuan."""
    return {n: v if n in DURATIONS or isinstance(v, date | None) else Decimal(v) / 100 for n, v in expected.items()}


def differences(
    rules: tiaoli.Rules, record: Mapping[str, Any], readings: Mapping[str, str] | None = None, **by: bool
) -> list[str]:
    result = dict(rules.evaluate(record, YEARS, readings=readings))
    return [
        f"{record} {year} {name}: engine {result[year][name]}, by hand {value}"
        for year, expected in by_hand(record, LAST, **by).items()
        for name, value in in_yuan(expected).items()
        if result[year][name] != value
    ]


@pytest.mark.parametrize("seed", range(8))
def test_hundred_histories_agree_with_arithmetic_by_hand(jiangxi: tiaoli.Rules, seed: int) -> None:
    dice = random.Random(seed)
    found = [d for i in range(100) for d in differences(jiangxi, history(dice, f"P{i}"))]
    assert found == []


def test_arithmetic_by_hand_covers_all_results(jiangxi: tiaoli.Rules) -> None:
    record = {"编号": "P", "原封顶线": 400000}
    own = {t[0].name for t in jiangxi.rules.values() if t[0].output and t[0].document == "赣府厅发〔2024〕34号"}
    assert own < set(by_hand(record, START)[START]) <= set(jiangxi.outputs)


def test_counting_earlier_years_agrees_with_arithmetic_by_hand(jiangxi: tiaoli.Rules) -> None:
    dice = random.Random(100)
    records = [history(dice, f"P{i}") for i in range(100)]
    found = [d for r in records for d in differences(jiangxi, r, {"连续年数起算": "计入"}, earlier_years_count=True)]
    assert found == []


def test_a_waiting_month_for_the_first_lapsed_year_agrees_with_arithmetic_by_hand(jiangxi: tiaoli.Rules) -> None:
    dice = random.Random(200)
    records = [history(dice, f"P{i}") for i in range(100)]
    found = [d for r in records for d in differences(jiangxi, r, {"首年断保": "包括"}, first_lapsed_year_waits=True)]
    assert found == []


SITUATIONS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any], Decimal], object]] = {
    "raised": lambda record, now, row, limit: row["累计提高额度"] > 0,
    "raised to the limit": lambda record, now, row, limit: (
        0 < limit == row["累计提高额度"] < row["连续参保激励额度"] + row["零报销激励额度"]
    ),
    "lowered": lambda record, now, row, limit: row["累计降低额度"] > 0,
    "lowered to the limit": lambda record, now, row, limit: 0 < limit == row["累计降低额度"],
    "a limit rounded to 分": lambda record, now, row, limit: Decimal(record["原封顶线"]) * 20 != limit * 100,
    "credit cleared by use": lambda record, now, row, limit: now.get("使用奖励额度") and row["零报销激励额度"] > 0,
    "lapsed": lambda record, now, row, limit: row["断保年数"] > 0,
    "waits for paying late": lambda record, now, row, limit: row["固定等待期"] > row["变动等待期"] == 0,
    "waits for a lapse": lambda record, now, row, limit: 0 < row["变动等待期"] < 3,
    "waits the least for four lapsed years": lambda record, now, row, limit: row["待遇等待期"] == 6,
    "waits longer": lambda record, now, row, limit: row["待遇等待期"] > 6,
    "buys years back": lambda record, now, row, limit: row["补缴金额"] > 0,
    "begins on the day after payment": lambda record, now, row, limit: (
        now.get("缴费日期", "").endswith("-01-31") and row["待遇等待期"] == 0
    ),
    "begins on the last of February": lambda record, now, row, limit: (
        row["待遇开始日"] is not None and f"{row['待遇开始日']:%m-%d}" in ("02-28", "02-29")
    ),
    "never enrolled": lambda record, now, row, limit: not any(y.get("参保") for y in record["年度"].values()),
    "of a special group and back": lambda record, now, row, limit: record.get("免等待人群") and row["累计降低额度"] > 0,
}


def test_the_histories_meet_every_situation() -> None:
    dice = random.Random(0)
    unseen = set(SITUATIONS)
    for i in range(400):
        record = history(dice, f"P{i}")
        limit = (Decimal(record["原封顶线"]) * 20).quantize(Decimal(1), ROUND_HALF_UP)
        for year, row in by_hand(record, LAST).items():
            now = record["年度"].get(year, {})
            unseen -= {name for name in unseen if SITUATIONS[name](record, now, row, limit)}
    assert unseen == set()


def test_results_of_a_fixed_population_stay_as_they_are(
    jiangxi: tiaoli.Rules, file_regression: FileRegressionFixture
) -> None:
    dice = random.Random(20250101)
    names = sorted(MECHANISM)
    lines = [",".join(("编号", "年度", *names))]
    for i in range(200):
        result = jiangxi.evaluate(history(dice, f"P{i:03d}"), YEARS, rules=names)
        lines += [",".join((f"P{i:03d}", str(y), *(plain(row[n]) for n in names))) for y, row in result.items()]
    file_regression.check("\n".join(lines) + "\n", extension=".csv", encoding="utf-8")


def plain(value: Decimal | int | date | None) -> str:
    return "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)


@pytest.mark.parametrize(
    ("question", "option"),
    [
        ("连续年数起算", "计入"),
        ("零报销次年未参保", "保留"),
        ("达到上限后", "停止累计"),
        ("断保后零报销额度", "清零"),
        ("降低额度延续", "仅再参保当年"),
        ("首年断保", "包括"),
    ],
)
def test_each_reading_changes_only_what_it_is_about(jiangxi: tiaoli.Rules, question: str, option: str) -> None:
    about = {
        "连续年数起算": {"连续参保年数", "连续参保激励额度"},
        "零报销次年未参保": {"零报销激励额度"},
        "达到上限后": {"连续参保激励额度", "零报销激励额度"},
        "断保后零报销额度": {"零报销激励额度"},
        "降低额度延续": {"累计降低额度"},
        "首年断保": {"变动等待期", "待遇等待期", "补缴金额", "待遇开始日"},
    }[question]
    follows = {"累计提高额度", "大病保险最高支付限额"} if question != "首年断保" else set()
    dice = random.Random(300)
    changed: set[str] = set()
    for i in range(150):
        record = history(dice, f"P{i}")
        usual, other = (dict(jiangxi.evaluate(record, YEARS, readings=r)) for r in ({}, {question: option}))
        changed |= {name for year in YEARS for name in MECHANISM if usual[year][name] != other[year][name]}
    assert changed & about
    assert changed <= about | follows


def test_every_open_question_is_tried(jiangxi: tiaoli.Rules) -> None:
    marks = test_each_reading_changes_only_what_it_is_about.pytestmark  # type: ignore[attr-defined]
    own = {n: q for n, q in jiangxi.questions.items() if "赣府厅发-2024-34" in q.span.source.path}
    assert {(name, option) for name, option in marks[0].args[1]} == {
        (name, option) for name, q in own.items() for option, _ in q.options if option != q.default
    }
