"""The rules of Jiangxi as an expert would write them in Polars: one lazy query on whole numbers, scan to sink.

Whatever does not depend on earlier claims (enrolment, waits, what the funds owe before the ceiling) is worked out for all years side by side, step by
step, so that each figure is computed once. Only the reward for years without claims goes forward year by year. Conditions that others imply are left
out: the upper bands of critical-illness insurance begin beyond any bill, fund payments imply costs, the ceiling is never negative. Absent figures are
nulls that arithmetic carries along, and a null condition takes the ``otherwise``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from functools import reduce
from operator import add, or_
from pathlib import Path
from typing import Literal

import polars as pl
from layout import (
    CENTRAL,
    CONTRIBUTION,
    COSTS,
    FREE_FROM_BIRTH_YEAR,
    FREE_YEARS,
    GROUPS,
    HISTORY,
    LEAST_WAIT,
    LONG_LAPSE,
    QUOTA,
    QUOTA_YEAR,
    STEP,
    STUDENT_QUOTA,
    SUBSIDY,
    YEARS,
    result_columns,
)

FIRST = YEARS.start
NOTHING = pl.lit(0, pl.Int64)
PRICE = pl.lit(CONTRIBUTION, pl.Int64)
POOREST = ("特困人员", "低保对象")
TILTED = (*POOREST, "返贫致贫人口")
AIDED = (*TILTED, "监测对象", "低保边缘家庭成员", "因病致贫重病患者")
SUBSIDISED = tuple(name for name in GROUPS if name != "特困人员")

DAYS = range((date(FIRST, 1, 1) - date(1970, 1, 1)).days, (date(2200, 1, 1) - date(1970, 1, 1)).days)
WAITS = range(LEAST_WAIT, LEAST_WAIT + len(YEARS))


def _after_waits() -> pl.Expr:
    """Every day from 2025 on, moved on by each wait there is, one after another: looking one up is far cheaper than reckoning it."""
    days = pl.Series(DAYS, dtype=pl.Int32).cast(pl.Date)
    return pl.lit(pl.concat([days.dt.offset_by(f"{months}mo") for months in WAITS]))


AFTER_WAIT = _after_waits()

Step = Callable[[int], list[pl.Expr]]


def run(source: Path, target: Path, compression: Literal["zstd", "snappy", "lz4"] = "zstd") -> None:
    """Read the people of ``source``, write their results to ``target``."""
    level = 1 if compression == "zstd" else None
    query(pl.scan_parquet(source)).sink_parquet(
        target, compression=compression, compression_level=level, row_group_size=100_000, statistics=False
    )


def query(people: pl.LazyFrame) -> pl.LazyFrame:
    """Return the results of all years of ``people``."""
    table = people.with_columns(
        pl.any_horizontal(f"参保@{y}" for y in HISTORY).alias(f"_ever@{FIRST - 1}"),
        ((pl.col("原封顶线") + 2) // 5).alias("_limit"),
        pl.col("出生日期").dt.year().alias("_born"),
    )
    for y in YEARS:
        table = table.with_columns(_enrolment(y))
    table = _side_by_side(table, _lapses, _waits, _start, _covered, _owed, _own_share, _critical, _claims)
    for y in YEARS:
        table = table.with_columns(_reward(y))
    return _side_by_side(table, _ceiling, _paid, _aid, _burden).select(result_columns())


def _side_by_side(table: pl.LazyFrame, *steps: Step) -> pl.LazyFrame:
    for step in steps:
        table = table.with_columns(e for y in YEARS for e in step(y))
    return table


def _any(names: Iterable[str], y: int) -> pl.Expr:
    return reduce(or_, (pl.col(f"{name}@{y}") for name in names))


def _at_least_zero(e: pl.Expr) -> pl.Expr:
    return e.clip(lower_bound=0)


def _lesser(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    """The lesser of the two; null where one is null, unlike ``min_horizontal``."""
    return pl.when(a <= b).then(a).when(a > b).then(b)


def _share(amount: pl.Expr, rate: pl.Expr) -> pl.Expr:
    return (amount * rate + 500_000) // 1_000_000


# ── enrolment and waits ──────────────────────────────────────────────────────


def _enrolment(y: int) -> list[pl.Expr]:
    now, ever = pl.col(f"参保@{y}"), pl.col(f"_ever@{y - 1}")
    if y == FIRST:
        return [
            now.cast(pl.Int64).alias(f"连续参保年数@{y}"),
            (ever & ~now).cast(pl.Int64).alias(f"断保年数@{y}"),
            (ever | now).alias(f"_ever@{y}"),
        ]
    lapsed = pl.col(f"断保年数@{y - 1}")
    return [
        pl.when(now).then(pl.col(f"连续参保年数@{y - 1}") + 1).otherwise(0).alias(f"连续参保年数@{y}"),
        pl.when(ever & ~now).then(lapsed + 1).otherwise(0).alias(f"断保年数@{y}"),
        pl.when(now).then(lapsed).otherwise(0).alias(f"_missed@{y}"),
        (ever | now).alias(f"_ever@{y}"),
    ]


def _lapses(y: int) -> list[pl.Expr]:
    exempt, feb_end = pl.col("免等待人群"), pl.date(y, 3, 1)
    late = pl.col(f"参保@{y}") & (pl.col(f"缴费日期@{y}") >= feb_end) & ~exempt
    steady = [(pl.col(f"连续参保年数@{v}") > 4).cast(pl.Int64) for v in range(FIRST + 4, y + 1)]
    rewards = [(reduce(add, steady) * STEP if steady else NOTHING).alias(f"连续参保激励额度@{y}")]
    if y == FIRST:
        nothing = ("累计降低额度", "_unwaived")
        return [*rewards, late.alias(f"_late@{y}"), *(NOTHING.alias(f"{name}@{y}") for name in nothing)]
    missed = [pl.col(f"_missed@{v}") for v in range(FIRST + 1, y + 1)]
    return [
        *rewards,
        late.alias(f"_late@{y}"),
        pl.min_horizontal(reduce(add, missed) * STEP, "_limit").alias(f"累计降低额度@{y}"),
        pl.when(exempt).then(0).otherwise(missed[-1]).alias(f"_unwaived@{y}"),
    ]


def _waits(y: int) -> list[pl.Expr]:
    missed = pl.col(f"_unwaived@{y}")
    late = pl.col(f"_late@{y}")
    fixed = (late if y == FIRST else late | (missed > 0)).cast(pl.Int64) * LEAST_WAIT
    floor = (pl.col("原封顶线") - pl.col(f"累计降低额度@{y}")).alias(f"_floor@{y}")
    if y < FIRST + 2:
        return [
            floor,
            fixed.alias(f"固定等待期@{y}"),
            NOTHING.alias(f"变动等待期@{y}"),
            fixed.alias(f"待遇等待期@{y}"),
            NOTHING.alias(f"补缴金额@{y}"),
        ]
    more = pl.max_horizontal(missed - 1, NOTHING)
    left = pl.max_horizontal(more - pl.col(f"补缴年数@{y}"), NOTHING)
    variable = left
    if y >= FIRST + LONG_LAPSE:
        variable = (
            pl.when(missed >= LONG_LAPSE).then(pl.max_horizontal(left, pl.lit(LEAST_WAIT, pl.Int64))).otherwise(left)
        )
    return [
        floor,
        fixed.alias(f"固定等待期@{y}"),
        variable.alias(f"变动等待期@{y}"),
        (fixed + variable).alias(f"待遇等待期@{y}"),
        ((more - left) * CONTRIBUTION).alias(f"补缴金额@{y}"),
    ]


def _start(y: int) -> list[pl.Expr]:
    paid, wait = pl.col(f"缴费日期@{y}"), pl.col(f"待遇等待期@{y}")
    new_year, next_day = pl.lit(date(y, 1, 1)), pl.lit(date(y - 1, 12, 31))
    row = (wait - LEAST_WAIT).cast(pl.Int32) * len(DAYS) - DAYS[0]
    waited = AFTER_WAIT.gather(row + pl.max_horizontal(paid, new_year).cast(pl.Int32))
    at_once = (pl.max_horizontal(paid, next_day).cast(pl.Int32) + 1).cast(pl.Date)
    start = pl.when(wait > 0).then(waited).otherwise(at_once)
    return [pl.when(pl.col(f"参保@{y}")).then(start).alias(f"待遇开始日@{y}")]


def _covered(y: int) -> list[pl.Expr]:
    covered = (pl.col(f"待遇开始日@{y}") <= pl.date(y, 12, 31)).fill_null(False)
    return [
        covered.alias(f"_covered@{y}"),
        _any(TILTED, y).alias(f"_tilted@{y}"),
    ]


# ── what the funds owe ───────────────────────────────────────────────────────


def _owed(y: int) -> list[pl.Expr]:
    covered = pl.col(f"_covered@{y}")

    def bill(*names: str) -> pl.Expr:
        return pl.when(covered).then(reduce(add, (pl.col(f"{name}@{y}") for name in names))).otherwise(0)

    def share(amount: pl.Expr, deducted: str, rate: str, limit: str) -> pl.Expr:
        over = _at_least_zero(amount - pl.col(f"{deducted}@{y}"))
        owed = _lesser(_share(over, pl.col(f"{rate}@{y}")), pl.col(f"{limit}@{y}"))
        return pl.when(amount == 0).then(0).otherwise(owed)

    ward = bill("政策范围内住院费用", "住院分娩费用")
    clinic = bill("政策范围内门诊费用", "产前检查费用")
    known = pl.when(covered).then(pl.col(f"住院基金实付@{y}")).otherwise(0)
    drugs, drug_limit = (pl.col(f"两病用药费用@{y}") + 1) // 2, pl.col(f"统筹地区两病用药年度限额@{y}")
    unpaid = ~covered | pl.col(f"享受门诊慢特病待遇@{y}")
    basic = share(ward, "住院起付标准合计", "统筹地区住院支付比例", "统筹地区基本医保封顶线")
    return [
        ward.alias(f"_ward@{y}"),
        pl.coalesce(known, basic).alias(f"基本医保住院支付@{y}"),
        share(clinic, "统筹地区门诊起付线", "统筹地区门诊支付比例", "统筹地区门诊年度限额").alias(f"门诊统筹支付@{y}"),
        pl.when(unpaid).then(0).when(drugs > drug_limit).then(drug_limit).otherwise(drugs).alias(f"两病用药支付@{y}"),
    ]


def _own_share(y: int) -> list[pl.Expr]:
    own = _at_least_zero(pl.col(f"_ward@{y}") - pl.col(f"基本医保住院支付@{y}"))
    line = pl.col(f"统筹地区大病保险起付线@{y}")
    above = own - pl.when(pl.col(f"_tilted@{y}")).then((line + 1) // 2).otherwise(line)
    return [own.alias(f"_own@{y}"), _at_least_zero(above).alias(f"_above@{y}")]


def _critical(y: int) -> list[pl.Expr]:
    above, tilt = pl.col(f"_above@{y}"), pl.col(f"_tilted@{y}").cast(pl.Int64) * 50_000
    owed = _share(above, pl.col(f"统筹地区大病保险比例@{y}") + tilt)
    nothing = (pl.col(f"_ward@{y}") == 0) | (above == 0)
    return [pl.when(nothing).then(0).otherwise(owed).alias(f"_critical@{y}")]


def _claims(y: int) -> list[pl.Expr]:
    covered, known, owed = pl.col(f"_covered@{y}"), pl.col(f"大病保险实付@{y}"), pl.col(f"_critical@{y}")
    uncapped = pl.when(covered).then(pl.coalesce(known, owed)).otherwise(0)
    tilted = pl.col(f"_tilted@{y}")
    paid = (pl.col(f"{name}@{y}") > 0 for name in ("基本医保住院支付", "门诊统筹支付", "两病用药支付", "_critical"))
    heavy = ~tilted & (pl.col("_limit") > 0) & (uncapped > pl.col(f"_floor@{y}"))
    spent = ~pl.col(f"参保@{y}") | (pl.col(f"基金支付@{y}") > 0) | reduce(or_, paid) | (covered & (known > 0))
    return [
        uncapped.alias(f"_uncapped@{y}"),
        (~tilted & known.is_null()).alias(f"_capped@{y}"),
        heavy.alias(f"_heavy@{y}"),
        spent.alias(f"_spent@{y}"),
    ]


# ── rewards, the ceiling and what is left ────────────────────────────────────


def _reward(y: int) -> list[pl.Expr]:
    if y == FIRST:
        return [NOTHING.alias(f"零报销激励额度@{y}")]
    before, steady = pl.col(f"零报销激励额度@{y - 1}"), pl.col(f"连续参保激励额度@{y - 1}")
    used = pl.col(f"使用奖励额度@{y - 1}") | (pl.col(f"_heavy@{y - 1}") & (before + steady > 0))
    gained = pl.when(pl.col(f"_spent@{y - 1}") | ~pl.col(f"参保@{y}")).then(NOTHING).otherwise(pl.lit(STEP, pl.Int64))
    return [pl.when(used).then(0).otherwise(before + gained).alias(f"零报销激励额度@{y}")]


def _ceiling(y: int) -> list[pl.Expr]:
    total = pl.col(f"连续参保激励额度@{y}") + pl.col(f"零报销激励额度@{y}")
    raised = pl.min_horizontal(total, "_limit")
    return [
        raised.alias(f"累计提高额度@{y}"),
        (pl.col(f"_floor@{y}") + raised).alias(f"大病保险最高支付限额@{y}"),
    ]


def _paid(y: int) -> list[pl.Expr]:
    owed, ceiling = pl.col(f"_uncapped@{y}"), pl.col(f"大病保险最高支付限额@{y}")
    paid = pl.when(pl.col(f"_capped@{y}") & (owed > ceiling)).then(ceiling).otherwise(owed)
    return [paid.alias(f"大病保险支付@{y}")]


def _aid(y: int) -> list[pl.Expr]:
    rest = _at_least_zero(pl.col(f"_own@{y}") - pl.col(f"大病保险支付@{y}"))
    poorest = _any(POOREST, y)
    rate = pl.coalesce(f"统筹地区医疗救助比例@{y}", pl.when(poorest).then(700_000))
    line = pl.coalesce(f"统筹地区医疗救助起付线@{y}", pl.when(poorest).then(0))
    limit = pl.col(f"统筹地区医疗救助年度限额@{y}")
    owed = _share(_at_least_zero(rest - line), rate)
    granted = pl.when(~_any(AIDED, y) | (rest == 0)).then(0).when(owed > limit).then(limit).otherwise(owed)
    return [pl.coalesce(f"医疗救助实付@{y}", granted).alias(f"医疗救助支付@{y}")]


def _burden(y: int) -> list[pl.Expr]:
    costs = reduce(add, (pl.col(f"{name}@{y}") for name in COSTS))
    payers = ("基本医保住院支付", "大病保险支付", "医疗救助支付", "门诊统筹支付", "两病用药支付")
    paid = reduce(add, (pl.col(f"{name}@{y}") for name in payers))
    return [
        _at_least_zero(costs - paid).alias(f"个人负担费用@{y}"),
        _due(y).alias(f"个人应缴金额@{y}"),
        pl.lit(SUBSIDY[y], pl.Int64).alias(f"财政补助标准@{y}"),
        pl.lit(CONTRIBUTION, pl.Int64).alias(f"个人缴费标准@{y}"),
        pl.lit(CENTRAL[y], pl.Int64).alias(f"中央财政补助@{y}"),
    ]


def _due(y: int) -> pl.Expr:
    nothing = ~pl.col(f"参保@{y}") | pl.col(f"特困人员@{y}")
    if y < QUOTA_YEAR:
        return pl.when(nothing).then(NOTHING).when(~_any(SUBSIDISED, y)).then(PRICE)
    nothing |= pl.col("_born") >= max(FREE_FROM_BIRTH_YEAR, y - FREE_YEARS + 1)
    if y > QUOTA_YEAR:
        return pl.when(nothing).then(NOTHING).when(~_any(SUBSIDISED, y)).then(PRICE)
    unknown = [name for name in SUBSIDISED if name not in ("孤儿", "低保对象", "返贫致贫人口", "高校学生")]
    return (
        pl.when(nothing)
        .then(NOTHING)
        .when(pl.col(f"孤儿@{y}"))
        .then(None)
        .when(_any(("低保对象", "返贫致贫人口"), y))
        .then(PRICE - QUOTA)
        .when(_any(unknown, y))
        .then(None)
        .when(pl.col(f"高校学生@{y}"))
        .then(PRICE - STUDENT_QUOTA)
        .otherwise(PRICE)
    )
