"""Jiangxi's incentives, restraints and waits in plain Python, written from the text of 赣府厅发〔2024〕34号 and its readings alone.

It shares nothing with the engine: money is counted in 分, months by hand. Tests compare the engine with it, benchmarks measure against it.
"""

from __future__ import annotations

import random
from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

START = 2025
STEP = 300_000
CONTRIBUTION = {2025: 400_00, 2026: 400_00}
SUBSIDY = {2025: 670_00, 2026: 700_00}
LATER_CONTRIBUTION, LATER_SUBSIDY = 400_00, 724_00


def by_hand(
    record: Mapping[str, Any], last: int, *, earlier_years_count: bool = False, first_lapsed_year_waits: bool = False
) -> dict[int, dict[str, Any]]:
    """Return the results of the years from 2025 to ``last``: money in 分, durations as int, dates as date or None."""
    years: Mapping[int, Mapping[str, Any]] = record.get("年度", {})
    ceiling = cents(record["原封顶线"])
    limit = (ceiling * 20 + 50) // 100
    exempt = bool(record.get("免等待人群", False))
    ever = any(year.get("参保") for y, year in years.items() if y < START)
    row = _row_before(years) if earlier_years_count else 0
    steady = free = lapsed = reduction = 0
    results = {}
    for y in range(START, last + 1):
        now, before = years.get(y, {}), years.get(y - 1, {}) if y > START else {}
        enrolled = bool(now.get("参保", False))
        missed = lapsed
        row = row + 1 if enrolled else 0
        if row > 4:
            steady += STEP
        if before.get("使用奖励额度", False):
            free = 0
        elif enrolled and before.get("参保", False) and cents(before.get("基金支付", 0)) == 0:
            free += STEP
        lapsed = 0 if enrolled or not ever else lapsed + 1
        ever = ever or enrolled
        back = enrolled and missed > 0
        if back:
            reduction = min(reduction + STEP * missed, limit)
        fixed, variable = _waits(now, y, back, missed, exempt, first_lapsed_year_waits)
        raised = min(steady + free, limit)
        price = CONTRIBUTION.get(y, LATER_CONTRIBUTION)
        subsidy = SUBSIDY.get(y, LATER_SUBSIDY)
        bought = min(now.get("补缴年数", 0), missed - (0 if first_lapsed_year_waits else 1)) if back and fixed else 0
        results[y] = {
            "连续参保年数": row,
            "连续参保激励额度": steady,
            "零报销激励额度": free,
            "累计提高额度": raised,
            "断保年数": lapsed,
            "累计降低额度": reduction,
            "大病保险最高支付限额": ceiling + raised - reduction,
            "固定等待期": fixed,
            "变动等待期": variable,
            "待遇等待期": fixed + variable,
            "补缴金额": bought * price,
            "待遇开始日": _begins(now, y, fixed + variable),
            "个人缴费标准": price,
            "财政补助标准": subsidy,
            "中央财政补助": (subsidy * 60 + 50) // 100,
        }
    return results


def cents(yuan: Any) -> int:
    """Return yuan, given exactly, in 分."""
    return int(Decimal(str(yuan)) * 100)


def _row_before(years: Mapping[int, Mapping[str, Any]]) -> int:
    y = START - 1
    while years.get(y, {}).get("参保", False):
        y -= 1
    return START - 1 - y


def _waits(
    now: Mapping[str, Any], y: int, back: bool, missed: int, exempt: bool, first_lapsed_year_waits: bool
) -> tuple[int, int]:
    if exempt or not now.get("参保", False):
        return 0, 0
    late = day(now["缴费日期"]) > date(y, 2, monthrange(y, 2)[1])
    if not back:
        return (3 if late else 0), 0
    variable = max(0, missed - (0 if first_lapsed_year_waits else 1) - now.get("补缴年数", 0))
    return 3, max(variable, 3) if missed >= 4 else variable


def _begins(now: Mapping[str, Any], y: int, wait: int) -> date | None:
    if not now.get("参保", False):
        return None
    paid = day(now["缴费日期"])
    if wait == 0:
        return date(y, 1, 1) if paid < date(y, 1, 1) else paid + timedelta(days=1)
    start = max(paid, date(y, 1, 1))
    year, month = divmod(start.year * 12 + start.month - 1 + wait, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def day(written: str | date) -> date:
    return written if isinstance(written, date) else date.fromisoformat(written)


# ── histories ────────────────────────────────────────────────────────────────

CEILINGS: tuple[Any, ...] = (100_000, 250_000, 400_000, 400_000, 600_000, 30_000, 45_000.5, 333_333.33, 123_456.78, 0)
HABITS = (0.97, 0.85, 0.6, 0.35, 0.1)


def history(dice: random.Random, ident: str, first: int = 2019, last: int = 2034) -> dict[str, Any]:
    """Return a made-up record: all sorts of enrolment habits, payments at and around every edge, ceilings where the limits bite."""
    ceiling = dice.choice(CEILINGS)
    record: dict[str, Any] = {
        "编号": ident,
        "原封顶线": Decimal(str(ceiling)) if isinstance(ceiling, float) else ceiling,
    }
    if dice.random() < 0.15:
        record["免等待人群"] = True
    if dice.random() < 0.3:
        record["出生日期"] = f"{dice.randint(1940, 2018)}-{dice.randint(1, 12):02d}-{dice.randint(1, 28):02d}"
    begins = dice.choice((first, first, START, dice.randint(first, last)))
    keen, healthy = dice.choice(HABITS), dice.choice(HABITS)
    years: dict[int, dict[str, Any]] = {}
    enrolled = True
    for y in range(begins, last + 1):
        enrolled = dice.random() < (keen if enrolled else 0.4)
        if enrolled:
            years[y] = _enrolled(dice, y, healthy)
        elif dice.random() < 0.3:
            years[y] = {"参保": False}
    record["年度"] = years
    return record


def _enrolled(dice: random.Random, y: int, healthy: float) -> dict[str, Any]:
    year: dict[str, Any] = {"参保": True}
    if y >= START or dice.random() < 0.5:
        year["缴费日期"] = _payday(dice, y).isoformat()
    if dice.random() > healthy:
        year["基金支付"] = dice.choice((0, 1, Decimal("0.01"), Decimal("1200.5"), 98_765))
    if dice.random() < 0.06:
        year["使用奖励额度"] = True
    if dice.random() < 0.4:
        year["补缴年数"] = dice.randint(0, 8)
    return year


def _payday(dice: random.Random, y: int) -> date:
    end = date(y, 2, monthrange(y, 2)[1])
    edges = (
        date(y - 1, 12, 31),
        date(y, 1, 1),
        date(y, 1, 31),
        end,
        end + timedelta(days=1),
        date(y, 8, 31),
        date(y, 12, 31),
    )
    if dice.random() < 0.5:
        return date(y - 1, 9, 15) + timedelta(days=dice.randint(0, 107))
    return dice.choice(edges) if dice.random() < 0.5 else date(y, 1, 1) + timedelta(days=dice.randint(0, 364))
