"""Made-up people in the wide table of the benchmark: most insured in most years, few ill, fewer in special groups.

``make_people(n, seed)`` is plausible; its shares can be raised where every branch of the rules is to be met (``EVERYTHING``).
``record`` turns a row into the record that the engine reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
from layout import COSTS, GROUPS, HISTORY, OPTIONAL, PAID, PERSON, REGIONAL, YEARLY, YEARS, Kind

EPOCH = date(1970, 1, 1)
CEILINGS = np.array([250_000_00, 300_000_00, 400_000_00, 500_000_00])
ODD_CEILINGS = np.array([0, 30_000_00, 45_000_50, 123_456_78, 333_333_33])
REGIONS: dict[str, list[int]] = {
    "统筹地区住院支付比例": [600_000, 650_000, 700_000, 725_000, 750_000],
    "统筹地区基本医保封顶线": [80_000_00, 100_000_00, 120_000_00, 150_000_00, 100_000_00],
    "统筹地区上年人均收入": [28_000_00, 31_500_00, 33_215_00, 36_001_50, 41_777_00],
    "统筹地区大病保险起付线": [13_000_00, 15_750_01, 16_000_00, 18_000_33, 20_888_00],
    "统筹地区大病保险比例": [600_000, 600_000, 650_000, 612_345, 700_000],
    "统筹地区门诊支付比例": [500_000, 500_000, 550_000, 600_000, 650_000],
    "统筹地区门诊起付线": [0, 0, 50_00, 100_00, 0],
    "统筹地区门诊年度限额": [200_00, 300_00, 400_00, 420_00, 600_00],
    "统筹地区两病用药年度限额": [300_00, 400_00, 500_00, 600_00, 600_00],
    "统筹地区医疗救助比例": [700_000, 700_000, 750_000, 800_000, 655_555],
    "统筹地区医疗救助起付线": [0, 0, 1_500_00, 3_000_00, 4_000_55],
    "统筹地区医疗救助年度限额": [20_000_00, 30_000_00, 50_000_00, 60_000_00, 100_000_00],
}
OFTEN_UNKNOWN = {
    "统筹地区两病用药年度限额",
    "统筹地区医疗救助比例",
    "统筹地区医疗救助起付线",
    "统筹地区医疗救助年度限额",
}


@dataclass(frozen=True)
class Shares:
    """How common things are among people: yearly shares unless said otherwise."""

    leave: float = 0.03
    come_back: float = 0.35
    newcomers: float = 0.08  # of all people: first insured after 2016, or never
    late: float = 0.05
    claims: float = 0.15
    settled: float = 0.2  # of the claims: what was paid is known
    group: float = 0.01  # in each special group
    exempt: float = 0.02  # of all people
    repaired: float = 0.02
    rewarded: float = 0.004
    unknown: float = 0.02  # of each regional figure
    odd: float = 0.001  # of all people: unusual ceilings and costs


EVERYTHING = Shares(
    leave=0.2,
    come_back=0.4,
    newcomers=0.3,
    late=0.2,
    claims=0.5,
    settled=0.3,
    group=0.07,
    exempt=0.1,
    repaired=0.3,
    rewarded=0.08,
    unknown=0.12,
    odd=0.4,
)

Values = np.ndarray[Any, Any]


def make_people(n: int, seed: int, shares: Shares = Shares(), first: int = 0) -> pl.DataFrame:
    """Return ``n`` people numbered from ``first``; the same for the same arguments."""
    dice = np.random.default_rng(seed)
    columns: dict[str, pl.Series] = {"编号": pl.Series([f"P{first + i:09d}" for i in range(n)])}
    born = _day(1940, 1, 1) + dice.integers(0, 90 * 365, n)
    odd = dice.random(n) < shares.odd
    columns["出生日期"] = _dates(born, dice.random(n) < 0.7)
    columns["免等待人群"] = pl.Series(dice.random(n) < shares.exempt)
    columns["原封顶线"] = pl.Series(np.where(odd, dice.choice(ODD_CEILINGS, n), dice.choice(CEILINGS, n)))
    region = dice.integers(0, 5, n)
    groups = {name: dice.random(n) < shares.group for name in (*GROUPS, "因病致贫重病患者")}
    insured = _enrolments(dice, n, shares)
    columns |= {f"参保@{y}": pl.Series(insured[y]) for y in HISTORY}
    for y in YEARS:
        year = _year(dice, n, y, insured[y], shares, odd) | _regional(dice, n, region, shares)
        year |= {name: pl.Series(flag & (dice.random(n) < 0.9)) for name, flag in groups.items()}
        columns |= {f"{name}@{y}": year[name] for name in YEARLY}
    return pl.DataFrame(columns)


def _day(year: int, month: int, day: int) -> int:
    return (date(year, month, day) - EPOCH).days


def _dates(days: Values, there: Values) -> pl.Series:
    return pl.Series(days.astype(np.int32)).cast(pl.Date).set(pl.Series(~there), None)


def _optional(values: Values, there: Values) -> pl.Series:
    return pl.Series(values.astype(np.int64)).set(pl.Series(~there), None)


def _enrolments(dice: np.random.Generator, n: int, shares: Shares) -> dict[int, Values]:
    starts = np.where(dice.random(n) < shares.newcomers, dice.integers(HISTORY.start, YEARS.stop + 2, n), HISTORY.start)
    insured: dict[int, Values] = {}
    now = np.ones(n, dtype=bool)
    for y in (*HISTORY, *YEARS):
        roll = dice.random(n)
        now = np.where(y == starts, True, np.where(now, roll >= shares.leave, roll < shares.come_back))
        now &= y >= starts
        insured[y] = now
    return insured


def _paydays(dice: np.random.Generator, n: int, y: int, shares: Shares) -> Values:
    march = _day(y, 3, 1)
    edges = np.array(
        [_day(y, 1, 1) - 1, _day(y, 1, 1), _day(y, 1, 31), march - 1, march, _day(y, 5, 31), _day(y, 11, 30)]
    )
    autumn = _day(y - 1, 9, 15) + dice.integers(0, 108, n)
    winter = _day(y, 1, 1) + dice.integers(0, 58, n)
    late = march + dice.integers(0, 306, n)
    days = np.where(dice.random(n) < 0.8, autumn, winter)
    days = np.where(dice.random(n) < shares.late, late, days)
    return np.where(dice.random(n) < shares.late / 2, dice.choice(edges, n), days)


def _amounts(dice: np.random.Generator, n: int, there: Values, scale: float, spread: float = 1.2) -> Values:
    return np.where(there, dice.lognormal(np.log(scale), spread, n) * 100, 0).clip(0, 9e9).astype(np.int64)


def _year(
    dice: np.random.Generator, n: int, y: int, insured: Values, shares: Shares, odd: Values
) -> dict[str, pl.Series]:
    ill = insured & (dice.random(n) < shares.claims)
    ward = ill & (dice.random(n) < 0.45)
    settled = ward & (dice.random(n) < shares.settled)
    birth = insured & (dice.random(n) < shares.claims * 0.05)
    chronic = ill & (dice.random(n) < 0.2)
    bills = {
        "政策范围内住院费用": _amounts(dice, n, ward, 12_000) * np.where(odd, 40, 1),
        "跨等待期住院费用": _amounts(dice, n, ward & (dice.random(n) < 0.03), 6_000),
        "政策范围外费用": _amounts(dice, n, ill & (dice.random(n) < 0.4), 900),
        "住院分娩费用": _amounts(dice, n, birth, 5_000, 0.4),
        "政策范围内门诊费用": _amounts(dice, n, ill & (dice.random(n) < 0.8), 350),
        "产前检查费用": _amounts(dice, n, birth, 800, 0.4),
        "两病用药费用": _amounts(dice, n, chronic, 450),
    }
    stay = bills["政策范围内住院费用"]
    paid = dict(zip(PAID, (stay * 6 // 10, stay * 2 // 10, stay // 20), strict=True))
    fund = np.where(ward | (dice.random(n) < shares.claims / 2), _amounts(dice, n, ill, 3_000), 0)
    return {
        "参保": pl.Series(insured),
        "缴费日期": _dates(_paydays(dice, n, y, shares), insured),
        "基金支付": pl.Series(fund),
        "使用奖励额度": pl.Series(insured & (dice.random(n) < shares.rewarded)),
        "补缴年数": pl.Series(np.where(dice.random(n) < shares.repaired, dice.integers(1, 7, n), 0)),
        **{name: pl.Series(bills[name]) for name in COSTS},
        "住院起付标准合计": pl.Series(np.where(ward, dice.choice([0, 300_00, 600_00, 1_000_00], n), 0)),
        **{
            name: _optional(np.where(dice.random(n) < 0.3, 0, paid[name]), settled & (dice.random(n) < 0.7))
            for name in PAID
        },
        "享受门诊慢特病待遇": pl.Series(chronic & (dice.random(n) < 0.3)),
    }


def _regional(dice: np.random.Generator, n: int, region: Values, shares: Shares) -> dict[str, pl.Series]:
    unknown = {name: 0.5 if name in OFTEN_UNKNOWN else shares.unknown for name in REGIONAL}
    return {
        name: _optional(
            np.array(REGIONS[name])[region],
            (dice.random(n) if name not in OFTEN_UNKNOWN else dice.random(5)[region]) >= unknown[name],
        )
        for name in REGIONAL
    }


# ── rows as records ──────────────────────────────────────────────────────────


def record(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row as a record of the engine: yuan and shares exact, what is null left out."""
    person: dict[str, Any] = {"编号": row["编号"], **_facts(PERSON, {name: row[name] for name in PERSON})}
    years: dict[int, dict[str, Any]] = {y: {"参保": row[f"参保@{y}"]} for y in HISTORY}
    for y in YEARS:
        years[y] = _facts(YEARLY, {name: row[f"{name}@{y}"] for name in YEARLY})
    return {**person, "年度": years}


def _facts(kinds: Mapping[str, Kind], values: Mapping[str, Any]) -> dict[str, Any]:
    missing = [name for name, value in values.items() if value is None and name not in OPTIONAL]
    if missing:
        raise ValueError(f"facts that may not be null: {missing}")
    return {name: _outer(kinds[name], value) for name, value in values.items() if value is not None}


def _outer(kind: Kind, value: Any) -> Any:
    if kind == "money":
        return Decimal(value).scaleb(-2)
    if kind == "rate":
        return Decimal(value).scaleb(-6)
    return value


def inner(kind: Kind, value: Any) -> Any:
    """Return a value as the engine gives it in the units of the table."""
    return int(value.scaleb(2)) if kind == "money" and value is not None else value
