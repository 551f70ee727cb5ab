"""The rules of Jiangxi as an expert would write them in SQL for DuckDB: one query from Parquet to Parquet, on whole numbers.

Each step is a SELECT over the step before, so that each figure is computed once; DuckDB drops the columns no later step reads. CASE computes a branch only
for the rows that take it, so bills cost nothing for those who have none. Absent figures are NULLs; as LEAST and GREATEST pass over them, CASE compares
wherever a figure may be absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import duckdb
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
POOREST = ("特困人员", "低保对象")
TILTED = (*POOREST, "返贫致贫人口")
AIDED = (*TILTED, "监测对象", "低保边缘家庭成员", "因病致贫重病患者")
SUBSIDISED = tuple(name for name in GROUPS if name != "特困人员")

Columns = dict[str, str]


def run(source: Path, target: Path, compression: Literal["zstd", "snappy", "lz4"] = "zstd") -> None:
    """Read the people of ``source``, write their results to ``target``."""
    with duckdb.connect() as base:
        sql = query(f"read_parquet('{source}')")
        base.execute(f"COPY ({sql}) TO '{target}' (FORMAT parquet, COMPRESSION {compression})")


def query(people: str) -> str:
    """Return the SELECT that works out the results of all years of the table ``people``."""
    early = (_enrolment, _lapses, _waits, _start, _cover, _bills, _owed, _own, _critical, _uncapped)
    late = (_ceiling, _paid, _aid, _rest, _burden)
    steps = [
        _person(),
        *(_merged(step(y) for y in YEARS) for step in early),
        *(_reward(y) for y in YEARS),
        *(_merged(step(y) for y in YEARS) for step in late),
    ]
    table = people
    for step in steps:
        table = f"(SELECT *, {', '.join(f'{sql} AS {_quoted(name)}' for name, sql in step.items())} FROM {table})"
    return f"SELECT {', '.join(map(_quoted, result_columns()))} FROM {table}"


def _merged(steps: Iterable[Columns]) -> Columns:
    return {name: sql for step in steps for name, sql in step.items()}


def _quoted(name: str) -> str:
    return f'"{name}"'


def _for(y: int, columns: Columns) -> Columns:
    """Fill in the year: ``[name]`` is a column of the year, ``[name-]`` one of the year before."""
    return {f"{name}@{y}": _filled(sql, y) for name, sql in columns.items()}


def _filled(sql: str, y: int) -> str:
    return sql.replace("-]", f'@{y - 1}"').replace("[", '"').replace("]", f'@{y}"')


def _any(names: Sequence[str]) -> str:
    return "(" + " OR ".join(f"[{name}]" for name in names) + ")"


def _sum(names: Sequence[str]) -> str:
    return "(" + " + ".join(f"[{name}]" for name in names) + ")"


def _share(amount: str, rate: str) -> str:
    return f"(({amount}) * {rate} + 500000) // 1000000"


# ── enrolment and waits ──────────────────────────────────────────────────────


def _person() -> Columns:
    return {
        "_ever": " OR ".join(f'"参保@{y}"' for y in HISTORY),
        "_limit": '("原封顶线" + 2) // 5',
        "_born": 'year("出生日期")',
    }


def _enrolment(y: int) -> Columns:
    streak, lapsed = "0::BIGINT", "0::BIGINT"
    for v in range(FIRST, y + 1):
        ever = " OR ".join(('"_ever"', *(f'"参保@{u}"' for u in range(FIRST, v))))
        streak = f'({streak} + 1) * "参保@{v}"::BIGINT'
        lapsed = f'({lapsed} + 1) * (NOT "参保@{v}" AND ({ever}))::BIGINT'
    return _for(y, {"连续参保年数": streak, "断保年数": lapsed})


def _lapses(y: int) -> Columns:
    steady = " + ".join(f'("连续参保年数@{v}" > 4)::BIGINT' for v in range(FIRST + 4, y + 1))
    missed = [f'"断保年数@{v - 1}" * "参保@{v}"::BIGINT' for v in range(FIRST + 1, y + 1)] or ["0::BIGINT"]
    return _for(
        y,
        {
            "连续参保激励额度": f"({steady}) * {STEP}" if steady else "0::BIGINT",
            "累计降低额度": f'least(({" + ".join(missed)}) * {STEP}, "_limit")',
            "_late": f"""[参保] AND NOT "免等待人群" AND [缴费日期] >= DATE '{y}-03-01'""",
            "_missed": f'CASE WHEN "免等待人群" THEN 0 ELSE {missed[-1]} END',
        },
    )


def _waits(y: int) -> Columns:
    more = "greatest([_missed] - 1, 0)"
    left = f"greatest({more} - [补缴年数], 0)"
    return _for(
        y,
        {
            "_floor": '"原封顶线" - [累计降低额度]',
            "固定等待期": f"CASE WHEN [_late] OR [_missed] > 0 THEN {LEAST_WAIT}::BIGINT ELSE 0 END",
            "变动等待期": f"CASE WHEN [_missed] >= {LONG_LAPSE} THEN greatest({left}, {LEAST_WAIT}) ELSE {left} END",
            "补缴金额": f"least({more}, [补缴年数]) * {CONTRIBUTION}",
        },
    )


def _start(y: int) -> Columns:
    wait, new_year, eve = "[固定等待期] + [变动等待期]", f"DATE '{y}-01-01'", f"DATE '{y - 1}-12-31'"
    waited = f"(greatest([缴费日期], {new_year}) + to_months(({wait})::INTEGER))::DATE"
    at_once = f"greatest([缴费日期], {eve}) + 1"
    start = f"CASE WHEN NOT [参保] THEN NULL WHEN [固定等待期] > 0 THEN {waited} ELSE {at_once} END"
    return _for(y, {"待遇等待期": wait, "待遇开始日": start})


def _cover(y: int) -> Columns:
    return _for(
        y,
        {
            "_covered": f"[参保] AND [待遇开始日] <= DATE '{y}-12-31'",
            "_tilted": _any(TILTED),
        },
    )


# ── what the funds owe ───────────────────────────────────────────────────────


def _bills(y: int) -> Columns:
    return _for(
        y,
        {
            "_ward": "CASE WHEN [_covered] THEN [政策范围内住院费用] + [住院分娩费用] ELSE 0 END",
            "_clinic": "CASE WHEN [_covered] THEN [政策范围内门诊费用] + [产前检查费用] ELSE 0 END",
            "_settled": "CASE WHEN [_covered] THEN [住院基金实付] ELSE 0 END",
        },
    )


def _owed(y: int) -> Columns:
    basic = _limited("[_ward]", "住院起付标准合计", "统筹地区住院支付比例", "统筹地区基本医保封顶线")
    drugs = "least(([两病用药费用] + 1) // 2, [统筹地区两病用药年度限额])"
    return _for(
        y,
        {
            "基本医保住院支付": f"coalesce([_settled], {basic})",
            "门诊统筹支付": _limited("[_clinic]", "统筹地区门诊起付线", "统筹地区门诊支付比例", "统筹地区门诊年度限额"),
            "两病用药支付": f"CASE WHEN [两病用药费用] = 0 OR [享受门诊慢特病待遇] THEN 0 WHEN [_covered] THEN {drugs} ELSE 0 END",
        },
    )


def _limited(amount: str, deducted: str, rate: str, limit: str) -> str:
    owed = _share(f"greatest({amount} - [{deducted}], 0)", f"[{rate}]")
    unknown = f"[{deducted}] IS NULL OR [{rate}] IS NULL OR [{limit}] IS NULL"
    return f"CASE WHEN {amount} = 0 THEN 0 WHEN {unknown} THEN NULL ELSE least({owed}, [{limit}]) END"


def _own(y: int) -> Columns:
    line = "[统筹地区大病保险起付线]"
    return _for(
        y,
        {
            "_own": "CASE WHEN [_ward] <= [基本医保住院支付] THEN 0 ELSE [_ward] - [基本医保住院支付] END",
            "_line": f"CASE WHEN [_ward] = 0 THEN 0 WHEN [_tilted] THEN ({line} + 1) // 2 ELSE {line} END",
        },
    )


def _critical(y: int) -> Columns:
    owed = _share("[_own] - [_line]", "([统筹地区大病保险比例] + CASE WHEN [_tilted] THEN 50000 ELSE 0 END)")
    return _for(y, {"_critical": f"CASE WHEN [_own] <= [_line] THEN 0 ELSE {owed} END"})


def _uncapped(y: int) -> Columns:
    settled = "[_covered] AND [大病保险实付] IS NOT NULL"
    paid = " OR ".join(f"[{name}] > 0" for name in ("基本医保住院支付", "门诊统筹支付", "两病用药支付", "_critical"))
    return _for(
        y,
        {
            "_uncapped": f"CASE WHEN {settled} THEN [大病保险实付] ELSE [_critical] END",
            "_spent": f"NOT [参保] OR [基金支付] > 0 OR {paid} OR ([_covered] AND [大病保险实付] > 0)",
        },
    )


# ── rewards, the ceiling and what is left ────────────────────────────────────


def _reward(y: int) -> Columns:
    if y == FIRST:
        return {f"零报销激励额度@{y}": "0::BIGINT"}
    gained = f"CASE WHEN [_spent-] OR NOT [参保] THEN 0 ELSE {STEP} END"
    rewarded = "[零报销激励额度-] + [连续参保激励额度-] > 0"
    used = f'[使用奖励额度-] OR ([_uncapped-] > [_floor-] AND NOT [_tilted-] AND "_limit" > 0 AND {rewarded})'
    return _for(y, {"零报销激励额度": f"CASE WHEN {used} THEN 0 ELSE [零报销激励额度-] + {gained} END"})


def _ceiling(y: int) -> Columns:
    raised = 'least([连续参保激励额度] + [零报销激励额度], "_limit")'
    return _for(y, {"累计提高额度": raised, "大病保险最高支付限额": f"[_floor] + {raised}"})


def _paid(y: int) -> Columns:
    capped = "NOT [_tilted] AND [大病保险实付] IS NULL AND [_uncapped] > [大病保险最高支付限额]"
    return _for(y, {"大病保险支付": f"CASE WHEN {capped} THEN [大病保险最高支付限额] ELSE [_uncapped] END"})


def _aid(y: int) -> Columns:
    poorest = _any(POOREST)
    rate = f"coalesce([统筹地区医疗救助比例], CASE WHEN {poorest} THEN 700000 END)"
    line = f"coalesce([统筹地区医疗救助起付线], CASE WHEN {poorest} THEN 0 END)"
    rest = f"[_own] - [大病保险支付] - {line}"
    owed = _share(f"CASE WHEN {rest} < 0 THEN 0 ELSE {rest} END", rate)
    return _for(
        y,
        {
            "医疗救助支付": "CASE WHEN [医疗救助实付] IS NOT NULL THEN [医疗救助实付]"
            f" WHEN [_own] <= [大病保险支付] THEN 0 WHEN NOT {_any(AIDED)} THEN 0"
            f" WHEN {owed} > [统筹地区医疗救助年度限额] THEN [统筹地区医疗救助年度限额] ELSE {owed} END"
        },
    )


def _rest(y: int) -> Columns:
    payers = ("基本医保住院支付", "大病保险支付", "医疗救助支付", "门诊统筹支付", "两病用药支付")
    return _for(y, {"_rest": f"{_sum(COSTS)} - {_sum(payers)}"})


def _burden(y: int) -> Columns:
    return _for(
        y,
        {
            "个人负担费用": "CASE WHEN [_rest] < 0 THEN 0 ELSE [_rest] END",
            "个人应缴金额": _due(y),
            "财政补助标准": f"{SUBSIDY[y]}::BIGINT",
            "个人缴费标准": f"{CONTRIBUTION}::BIGINT",
            "中央财政补助": f"{CENTRAL[y]}::BIGINT",
        },
    )


def _due(y: int) -> str:
    nothing = "NOT [参保] OR [特困人员]"
    if y >= QUOTA_YEAR:
        nothing += f' OR "_born" >= {max(FREE_FROM_BIRTH_YEAR, y - FREE_YEARS + 1)}'
    if y != QUOTA_YEAR:
        return f"CASE WHEN {nothing} THEN 0 WHEN {_any(SUBSIDISED)} THEN NULL ELSE {CONTRIBUTION}::BIGINT END"
    unknown = [name for name in SUBSIDISED if name not in ("孤儿", "低保对象", "返贫致贫人口", "高校学生")]
    return (
        f"CASE WHEN {nothing} THEN 0 WHEN [孤儿] THEN NULL"
        f" WHEN {_any(('低保对象', '返贫致贫人口'))} THEN {CONTRIBUTION - QUOTA} WHEN {_any(unknown)} THEN NULL"
        f" WHEN [高校学生] THEN {CONTRIBUTION - STUDENT_QUOTA} ELSE {CONTRIBUTION}::BIGINT END"
    )
