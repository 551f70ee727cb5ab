"""The rules of Jiangxi as an expert would write them in NumPy: chunk by chunk, year by year, on whole numbers.

What concerns everyone (enrolment, rewards, contributions) is dense arithmetic. What concerns few (waits after a lapse, bills, what the funds pay) is worked
out for those few alone and put back: most people have no bill in most years. Absent figures are ``-1``, which no fact and no result can be. Chunks are small
enough for the caches; several are computed at a time, as NumPy lets go of the interpreter.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
import pyarrow as pa
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
    PAID,
    QUOTA,
    QUOTA_YEAR,
    REGIONAL,
    RESULTS,
    STEP,
    STUDENT_QUOTA,
    SUBSIDY,
    YEARS,
    input_columns,
    result_columns,
)
from polars.io.plugins import register_io_source

FIRST = YEARS.start
CHUNK = 65_536
ABSENT = -1
UNLIMITED = 1 << 60
POOREST = ("特困人员", "低保对象")
TILTED = (*POOREST, "返贫致贫人口")
AIDED = (*TILTED, "监测对象", "低保边缘家庭成员", "因病致贫重病患者")
SUBSIDISED = tuple(name for name in GROUPS if name != "特困人员")
UNUSED = "统筹地区上年人均收入"
OF_THE_FEW = (*COSTS, *PAID, "住院起付标准合计", "享受门诊慢特病待遇", *AIDED, *(n for n in REGIONAL if n != UNUSED))
SCHEMA = pl.Schema(
    {
        name: pl.String if name == "编号" else pl.Date if RESULTS[name.split("@")[0]] == "date" else pl.Int64
        for name in result_columns()
    }
)
READ = [name for name in input_columns() if not name.startswith(UNUSED)]

Array = np.ndarray[Any, Any]
Facts = Callable[[str], Array]
Columns = dict[str, pa.Array]


@dataclass(frozen=True, slots=True)
class People:
    """What stays the same through the years."""

    born: Array
    exempt: Array
    ceiling: Array
    limit: Array


@dataclass(slots=True)
class State:
    """What a year hands on to the next."""

    ever: Array
    streak: Array
    lapsed: Array
    steady: Array
    free: Array
    reduced: Array
    gains: Array
    used: Array


# ── a chunk, a year ──────────────────────────────────────────────────────────


def results(table: pl.DataFrame) -> pl.DataFrame:
    """Return the results of all years of the people in ``table``."""
    ceiling = table["原封顶线"].to_numpy()
    born = table["出生日期"].dt.year().fill_null(ABSENT).to_numpy()
    people = People(born, table["免等待人群"].to_numpy(), ceiling, (ceiling + 2) // 5)
    state = _beginning(table)
    columns: Columns = {"编号": table["编号"].to_arrow()}
    for y in YEARS:
        columns |= {f"{name}@{y}": column for name, column in _year(table, y, people, state).items()}
    return pl.DataFrame(pl.from_arrow(pa.table({name: columns[name] for name in result_columns()})))


def _beginning(table: pl.DataFrame) -> State:
    zero, no = np.zeros(table.height, np.int64), np.zeros(table.height, bool)
    ever = np.logical_or.reduce([table[f"参保@{y}"].to_numpy() for y in HISTORY])
    return State(ever, zero, zero, zero, zero, zero, no, no)


def _year(table: pl.DataFrame, y: int, people: People, state: State) -> Columns:
    def fact(name: str) -> Array:
        return table[f"{name}@{y}"].to_numpy()

    now = fact("参保")
    missed = _enrol(state, now, y)
    _reduce(state, people, missed)
    wait, columns = _waits(fact, y, people, now, missed, table[f"缴费日期@{y}"])
    start = _start(table[f"缴费日期@{y}"], y, wait)
    covered = now & (start <= _day(y, 12, 31))
    _reward(state, now)
    raised = np.minimum(state.steady + state.free, people.limit)
    floor = people.ceiling - state.reduced
    highest = floor + raised
    state.gains = now & (fact("基金支付") == 0)
    state.used = fact("使用奖励额度").copy()
    columns |= {
        "连续参保年数": pa.array(state.streak),
        "连续参保激励额度": pa.array(state.steady),
        "零报销激励额度": pa.array(state.free),
        "累计提高额度": pa.array(raised),
        "断保年数": pa.array(state.lapsed),
        "累计降低额度": pa.array(state.reduced),
        "大病保险最高支付限额": pa.array(highest),
        "待遇等待期": pa.array(wait),
        "待遇开始日": _with_nulls(pa.date32(), start, now),
        "财政补助标准": _constant(SUBSIDY[y], now.size),
        "个人缴费标准": _constant(CONTRIBUTION, now.size),
        "中央财政补助": _constant(CENTRAL[y], now.size),
        "个人应缴金额": _maybe(_due(fact, y, people.born, now)),
    }
    return columns | _settle(table, y, state, covered, floor, highest, raised > 0)


# ── enrolment, rewards, waits ────────────────────────────────────────────────


def _enrol(state: State, now: Array, y: int) -> Array:
    """Go on to the year; return how many years those who come back were away."""
    missed = state.lapsed * now
    state.streak = (state.streak + 1) * now
    state.lapsed = (state.lapsed + 1) * (state.ever & ~now)
    state.ever = state.ever | now
    if y >= FIRST + 4:
        state.steady = state.steady + STEP * (state.streak > 4)
    return missed


def _reduce(state: State, people: People, missed: Array) -> None:
    back = np.flatnonzero(missed)
    if back.size:
        state.reduced = state.reduced.copy()
        state.reduced[back] = np.minimum(state.reduced[back] + STEP * missed[back], people.limit[back])


def _reward(state: State, now: Array) -> None:
    state.free = state.free + STEP * (state.gains & now)
    state.free[state.used] = 0


def _waits(fact: Facts, y: int, people: People, now: Array, missed: Array, paid: pl.Series) -> tuple[Array, Columns]:
    late = (_days(paid) >= _day(y, 3, 1)) & now & ~people.exempt
    fixed = late * np.int64(LEAST_WAIT)
    variable = np.zeros(now.size, np.int64)
    price = np.zeros(now.size, np.int64)
    back = np.flatnonzero((missed > 0) & ~people.exempt)
    fixed[back] = LEAST_WAIT
    more = missed[back] - 1
    left = np.maximum(more - fact("补缴年数")[back], 0)
    price[back] = (more - left) * CONTRIBUTION
    variable[back] = np.where(more >= LONG_LAPSE - 1, np.maximum(left, LEAST_WAIT), left)
    columns = {"固定等待期": pa.array(fixed), "变动等待期": pa.array(variable), "补缴金额": pa.array(price)}
    return fixed + variable, columns


def _start(paid: pl.Series, y: int, wait: Array) -> Array:
    start = np.maximum(_days(paid), _day(y - 1, 12, 31)) + np.int32(1)
    waiting = np.flatnonzero(wait)
    base = np.maximum(start[waiting] - 1, _day(y, 1, 1)).astype("M8[D]")
    month = base.astype("M8[M]")
    moved = month + wait[waiting]
    same_day = moved.astype("M8[D]") + (base - month.astype("M8[D]"))
    last_day = (moved + 1).astype("M8[D]") - 1
    start[waiting] = np.minimum(same_day, last_day).astype(np.int64)
    return start


def _days(dates: pl.Series) -> Array:
    return dates.to_physical().fill_null(0).to_numpy()


def _day(year: int, month: int, day: int) -> np.int32:
    return np.int32(np.datetime64(f"{year}-{month:02}-{day:02}", "D").astype(int))


def _due(fact: Facts, y: int, born: Array, now: Array) -> Array:
    due = np.full(now.size, CONTRIBUTION)
    if y == QUOTA_YEAR:
        due[fact("高校学生")] = CONTRIBUTION - STUDENT_QUOTA
        due[_any(fact, (n for n in SUBSIDISED if n not in ("孤儿", "低保对象", "返贫致贫人口", "高校学生")))] = ABSENT
        due[_any(fact, ("低保对象", "返贫致贫人口"))] = CONTRIBUTION - QUOTA
        due[fact("孤儿")] = ABSENT
    else:
        due[_any(fact, SUBSIDISED)] = ABSENT
    nothing = ~now | fact("特困人员")
    if y >= QUOTA_YEAR:
        nothing |= born >= max(FREE_FROM_BIRTH_YEAR, y - FREE_YEARS + 1)
    due[nothing] = 0
    return due


def _any(fact: Facts, names: Iterator[str] | tuple[str, ...]) -> Array:
    return reduce(np.logical_or, map(fact, names))


# ── bills: those who have any ────────────────────────────────────────────────


def _settle(
    table: pl.DataFrame, y: int, state: State, covered: Array, floor: Array, highest: Array, rewarded: Array
) -> Columns:
    costs = reduce(np.add, (table[f"{name}@{y}"].to_numpy() for name in COSTS))
    known = reduce(np.logical_or, (table[f"{name}@{y}"].is_not_null().to_numpy() for name in PAID))
    few = np.flatnonzero(known | (costs > 0))
    part = table.select(f"{name}@{y}" for name in OF_THE_FEW)[few].fill_null(ABSENT)

    def fact(name: str) -> Array:
        return part[f"{name}@{y}"].to_numpy()

    here, tilted = covered[few], _any(fact, TILTED)
    ward = (fact("政策范围内住院费用") + fact("住院分娩费用")) * here
    clinic = (fact("政策范围内门诊费用") + fact("产前检查费用")) * here
    basic = _limited(ward, fact, "住院起付标准合计", "统筹地区住院支付比例", "统筹地区基本医保封顶线")
    basic = _known(fact("住院基金实付"), basic) * here
    outpatient = _limited(clinic, fact, "统筹地区门诊起付线", "统筹地区门诊支付比例", "统筹地区门诊年度限额")
    drugs = np.minimum((fact("两病用药费用") + 1) // 2, _unlimited(fact("统筹地区两病用药年度限额")))
    drugs *= here & ~fact("享受门诊慢特病待遇")
    own = np.where(basic < 0, ABSENT, np.maximum(ward - basic, 0))
    owed = _critical(fact, ward, own, tilted)
    settled = fact("大病保险实付")
    critical = _known(settled, owed) * here
    heavy = ~tilted & rewarded[few] & (critical > floor[few])
    paid = (basic > 0) | (outpatient > 0) | (drugs > 0) | (owed > 0) | (here & (settled > 0))
    state.gains[few[paid]] = False
    state.used[few[heavy]] = True
    critical = np.where(tilted | (settled >= 0), critical, np.minimum(critical, highest[few]))
    aid = _aid(fact, own, critical)
    rest = np.maximum(costs[few] - basic - critical - aid - outpatient - drugs, 0)
    rest[(basic < 0) | (critical < 0) | (aid < 0) | (outpatient < 0)] = ABSENT
    put = _putter(few, covered.size)
    return {
        "基本医保住院支付": put(basic),
        "门诊统筹支付": put(outpatient),
        "两病用药支付": put(drugs),
        "大病保险支付": put(critical),
        "医疗救助支付": put(aid),
        "个人负担费用": put(rest),
    }


def _share(amount: Array, rate: Array) -> Array:
    return (amount * rate + 500_000) // 1_000_000


def _known(known: Array, otherwise: Array) -> Array:
    return np.where(known >= 0, known, otherwise)


def _unlimited(limit: Array) -> Array:
    return np.where(limit < 0, UNLIMITED, limit)


def _limited(amount: Array, fact: Facts, deducted: str, rate: str, limit: str) -> Array:
    line, share, most = fact(deducted), fact(rate), fact(limit)
    owed = np.minimum(_share(np.maximum(amount - line, 0), share), most)
    owed[(line < 0) | (share < 0) | (most < 0)] = ABSENT
    owed[amount == 0] = 0
    return owed


def _critical(fact: Facts, ward: Array, own: Array, tilted: Array) -> Array:
    line, share = fact("统筹地区大病保险起付线"), fact("统筹地区大病保险比例")
    above = np.maximum(own - np.where(tilted, (line + 1) // 2, line), 0)
    owed = _share(above, share + 50_000 * tilted)
    owed[(own < 0) | (line < 0) | ((share < 0) & (above > 0))] = ABSENT
    owed[ward == 0] = 0
    return owed


def _aid(fact: Facts, own: Array, critical: Array) -> Array:
    poorest = _any(fact, POOREST)
    share = _known(fact("统筹地区医疗救助比例"), np.where(poorest, 700_000, ABSENT))
    line = _known(fact("统筹地区医疗救助起付线"), np.where(poorest, 0, ABSENT))
    rest = np.maximum(own - critical, 0)
    owed = np.minimum(_share(np.maximum(rest - line, 0), share), _unlimited(fact("统筹地区医疗救助年度限额")))
    owed[(share < 0) | (line < 0)] = ABSENT
    owed[rest == 0] = 0
    owed[(own < 0) | (critical < 0)] = ABSENT
    owed[~_any(fact, AIDED)] = 0
    return _known(fact("医疗救助实付"), owed)


# ── columns ──────────────────────────────────────────────────────────────────


def _putter(few: Array, n: int) -> Callable[[Array], pa.Array]:
    def put(values: Array) -> pa.Array:
        everyone = np.zeros(n, np.int64)
        everyone[few] = values
        return _maybe(everyone) if values.size and values.min() < 0 else pa.array(everyone)

    return put


def _maybe(values: Array) -> pa.Array:
    return _with_nulls(pa.int64(), values, values >= 0)


def _with_nulls(kind: pa.DataType, values: Array, there: Array) -> pa.Array:
    bits = pa.py_buffer(np.packbits(there, bitorder="little"))
    return pa.Array.from_buffers(kind, values.size, [bits, pa.py_buffer(values)])


def _constant(value: int, n: int) -> pa.Array:
    return pa.array(np.full(n, value))


# ── files ────────────────────────────────────────────────────────────────────


def run(
    source: Path, target: Path, compression: Literal["zstd", "snappy", "lz4"] = "zstd", workers: int | None = None
) -> None:
    """Read the people of ``source``, write their results to ``target``; Polars reads and writes."""

    def computed(columns: object, predicate: object, rows: object, size: object) -> Iterator[pl.DataFrame]:
        chunks = pl.scan_parquet(source).select(READ).collect_batches(chunk_size=CHUNK, maintain_order=True)
        return _in_order(chunks, workers or os.cpu_count() or 1)

    register_io_source(computed, schema=SCHEMA).sink_parquet(target, compression=compression, engine="streaming")


def compute(people: pl.DataFrame, workers: int | None = None) -> pl.DataFrame:
    """Return the results of all years of ``people``, in memory."""
    chunks = people.select(READ).iter_slices(CHUNK)
    return pl.concat(_in_order(chunks, workers or os.cpu_count() or 1), rechunk=False)


def _in_order(chunks: Iterator[pl.DataFrame], workers: int) -> Iterator[pl.DataFrame]:
    """The results of the chunks, some chunks ahead of the one asked for."""
    waiting: deque[Future[pl.DataFrame]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for chunk in chunks:
            waiting.append(pool.submit(results, chunk))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
