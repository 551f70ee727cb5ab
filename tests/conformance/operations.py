"""The operations of the conformance data as rulesets, each run on one record.

`run` returns what the engine makes of a case in the shape of the case's own `expected`, or raises Unsupported with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import tiaoli
from tiaoli.explain import explain
from tiaoli.trace import Tracer, outward

YEAR = 2025
HEAD = "文件 一致性数据  地区 CN  施行 2025年度\n"
Outcome = dict[str, Any]

MODES = {
    "half_away_from_zero": "四舍五入",
    "toward_zero": "去尾",
    "toward_plus_infinity": "向上",
    "toward_minus_infinity": "向下",
    "away_from_zero": "进一",
}
MONEY_UNITS = {2: "分", 1: "角", 0: "元", -1: "十元", -2: "百元"}
RATE_UNITS = {2: "0.01", 1: "0.1", 0: "1", -1: "10", -2: "100"}


class Unsupported(Exception):
    """The language has no such operation."""


@cache
def rules_of(text: str) -> tiaoli.Rules:
    return tiaoli.loads(HEAD + text)


def value(text: str, rule: str, facts: Mapping[str, object]) -> Any:
    """Return the value of ``rule`` for a record of ``facts``; facts that are None are left out."""
    record = {"编号": "甲"} | {name: fact for name, fact in facts.items() if fact is not None}
    return rules_of(text).evaluate(record, YEAR, rules=[rule])[YEAR][rule]


def partly(text: str, rule: str, facts: Mapping[str, object]) -> tuple[Any, set[str]]:
    """Return what an explanation says of ``rule`` when some facts are missing: its value, or the facts it still needs."""
    rules = rules_of(text)
    compiled = rules.compiled(YEAR, [rule])
    record = {"编号": "甲"} | {name: fact for name, fact in facts.items() if fact is not None}
    person = rules.reader(compiled, partial=True).convert(record)
    tracer = Tracer(compiled.program, person.facts, person.years, compiled.readings)
    account = explain(tracer, person.id, rule, YEAR).asked
    needed = {name for name, _ in account.needs}
    return None if needed else outward(account.value, account.type.kind), needed


def decimal(number: Any) -> Outcome:
    return {"decimal": Decimal(number)}


# ── rounding and money ───────────────────────────────────────────────────────


def _named(mode: str, decimals: int) -> str:
    return f"{MODES[mode]}{'负' if decimals < 0 else ''}{abs(decimals)}位"


def _rounding_rules() -> str:
    lines = [
        "事实 数: 比例 范围 -100000.0..100000.0",
        "事实 款: 金额 范围 -100000元..100000元",
        "事实 子: 整数 范围 -1000..1000",
        "事实 母: 整数 范围 1..1000",
        "事实 次: 整数 范围 1..1000",
    ]
    for mode, zh in MODES.items():
        for places, unit in RATE_UNITS.items():
            name = _named(mode, places)
            lines += [
                f"规则 数{name}: 比例 舍入 {zh} 到 {unit} = 数",
                f"规则 款{name}: 金额 舍入 {zh} 到 {MONEY_UNITS[places]} = 款",
                f"规则 商{name}: 比例 舍入 {zh} 到 {unit} = 子 ÷ 母 × 次",
            ]
    return "\n".join(lines)


def round_(case: Mapping[str, Any]) -> Outcome:
    number, name = Decimal(case["value"]), _named(case["mode"], case["decimals"])
    found = {value(_rounding_rules(), "数" + name, {"数": number, "款": 0, "子": 0, "母": 1, "次": 1})}
    if number == number.quantize(Decimal("0.01")):
        found.add(value(_rounding_rules(), "款" + name, {"款": number, "数": 0, "子": 0, "母": 1, "次": 1}))
    assert len(found) == 1, found
    return decimal(found.pop())


def round_quotient(case: Mapping[str, Any]) -> Outcome:
    facts = {"子": int(case["numerator"]), "母": int(case["denominator"]), "次": int(case["times"]), "数": 0, "款": 0}
    return decimal(value(_rounding_rules(), "商" + _named(case["mode"], case["decimals"]), facts))


MONEY = """
事实 款: 金额 范围 -1亿元..1亿元
事实 率: 比例 默认 1.0 范围 -100.0..100.0
事实 限: 金额 默认 0元
规则 乘: 金额 舍入 四舍五入 到 分 = 款 × 率
规则 封顶: 金额 = 取小(款, 限)
规则 保底: 金额 = 取大(款, 限)
规则 超过部分: 金额 = 取大(0元, 款 - 限)
规则 不足部分: 金额 = 取大(0元, 限 - 款)
事实 总额: 金额 默认 0元 范围 0元..10亿元
事实 工资: 金额 默认 0元 范围 0元..1万元
事实 工资总额: 金额 默认 1万元 范围 1万元..1亿元
规则 分摊: 金额 舍入 四舍五入 到 分 = 总额 × (工资 ÷ 工资总额 × 率)
"""


def multiply_money(case: Mapping[str, Any]) -> Outcome:
    assert (case["decimals"], case["mode"]) == (2, "half_away_from_zero")
    return decimal(value(MONEY, "乘", {"款": Decimal(case["money"]), "率": Decimal(case["rate"])}))


def _limited(rule: str) -> Callable[[Mapping[str, Any]], Outcome]:
    return lambda case: decimal(value(MONEY, rule, {"款": Decimal(case["value"]), "限": Decimal(case["limit"])}))


def exact_chain(case: Mapping[str, Any]) -> Outcome:
    assert case["formula"] == "round_to_cents(250000000 * ((123.54 / 8548650.96) * 0.002))"
    numbers = ("250000000", "123.54", "8548650.96", "0.002")
    facts = dict(zip(("总额", "工资", "工资总额", "率"), map(Decimal, numbers), strict=True))
    return decimal(value(MONEY, "分摊", facts | {"款": 0}))


# ── dates ────────────────────────────────────────────────────────────────────

DATES = """
事实 起: 日期
事实 止: 日期 默认 2000-01-01
事实 年: 年数 默认 0年 范围 -200年..200年
事实 月: 月数 默认 0个月 范围 -2400个月..2400个月
事实 天: 天数 默认 0天 范围 -1000天..1000天
规则 加月: 月数 = 月数(数值(年) × 12) + 月
规则 加_down: 日期 = 起 + 加月 + 天
规则 加_up: 日期 = 起 + 加月 进位 + 天
规则 加_error: 日期 可空
  当 起 + 加月 = 起 + 加月 进位 得 加_down
  否则 无
规则 满_down: 是否 = 加_down ≤ 止
规则 满_up: 是否 = 加_up ≤ 止
规则 满_error: 整数
  当 没有 加_error 得 -1
  当 加_down ≤ 止 得 1
  否则 0
规则 未满_down: 是否 = 加_down > 止
规则 未满_up: 是否 = 加_up > 止
规则 first_day_of_month: 日期 = 月初(起)
规则 last_day_of_month: 日期 = 月末(起)
规则 first_day_of_year: 日期 = 年度首日(年度于(起))
规则 last_day_of_year: 日期 = 年度末日(年度于(起))
规则 day_of_week: 整数 = 星期(起)
规则 相差天数: 天数 = 止 - 起
规则 相差年数: 年数 = 周岁(起, 止)
规则 起季: 整数 = 舍入((月份(起) - 1) ÷ 3, 向下, 整数)
规则 止季: 整数 = 舍入((月份(止) - 1) ÷ 3, 向下, 整数)
规则 经过季度: 整数 = 数值(年度于(止) - 年度于(起)) × 4 + 止季 - 起季 + 1
"""


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _moving(case: Mapping[str, Any], start: str) -> dict[str, object]:
    return {"起": _day(case[start]), "年": case["years"], "月": case["months"], "天": case["days"]}


def _date(found: date | None) -> Outcome:
    return {"error": "ambiguous"} if found is None else {"date": found.isoformat()}


def add(case: Mapping[str, Any]) -> Outcome:
    if "rounding" in case:
        return _date(value(DATES, f"加_{case['rounding']}", _moving(case, "date")))
    facts = _moving(case, "date")
    return {rounding: _date(value(DATES, f"加_{rounding}", facts)) for rounding in ("up", "down", "error")}


def at_least_age(case: Mapping[str, Any]) -> Outcome:
    found = value(DATES, f"满_{case['rounding']}", _moving(case, "birth") | {"止": _day(case["at"])})
    return {"error": "ambiguous"} if found == -1 else {"boolean": bool(found)}


def younger_than_age(case: Mapping[str, Any]) -> Outcome:
    found = value(DATES, f"未满_{case['rounding']}", _moving(case, "birth") | {"止": _day(case["at"])})
    return {"boolean": found}


def _of_date(rule: str, key: str) -> Callable[[Mapping[str, Any]], Outcome]:
    def run(case: Mapping[str, Any]) -> Outcome:
        found = value(DATES, rule, {"起": _day(case["date"])})
        return {key: found.isoformat() if isinstance(found, date) else found}

    return run


def days_between(case: Mapping[str, Any]) -> Outcome:
    return {"days": value(DATES, "相差天数", {"起": _day(case["from"]), "止": _day(case["to"])})}


def duration(case: Mapping[str, Any]) -> Outcome:
    rule = {"day": "相差天数", "year": "相差年数", "calendar_quarters_touched": "经过季度"}[case["unit"]]
    return {"integer": value(DATES, rule, {"起": _day(case["from"]), "止": _day(case["to"])})}


def compare_durations(case: Mapping[str, Any]) -> Outcome:
    units = {"years": "年", "months": "个月", "days": "天"}
    left, right = ("".join(f"{n}{units[u]}" for u, n in case[side].items()) for side in ("left", "right"))
    try:
        rules_of(f"规则 比较: 是否 = {left} {case['operator']} {right}").program(YEAR)
    except tiaoli.RulesetError as error:
        codes = {d.code for d in error.diagnostics}
        return {"error": "incomparable_units"} if codes == {"E301"} else {"error": codes}
    return {"boolean": value(f"规则 比较: 是否 = {left} {case['operator']} {right}", "比较", {})}


def split_period(_: Mapping[str, Any]) -> Outcome:
    raise Unsupported("a rule gives a single value, no list of periods")


# ── brackets, steps, missing data ────────────────────────────────────────────

Steps = Sequence[Mapping[str, Any]]


def _unknown_edge(steps: Steps) -> bool:
    return any(isinstance(step["up_to"], dict) for step in steps)


def _answer(text: str, rule: str, facts: Mapping[str, object], names: Mapping[str, str]) -> Outcome:
    """The value, or the missing facts by the names that the data give them; a whole record is run by the interpreter too."""
    found, needed = partly(text, rule, facts)
    if needed:
        return {"unknown": True, "missing": sorted(names[fact] for fact in needed)}
    if all(facts.get(name) is not None for name in names):
        assert value(text, rule, facts) == found
    return {"not_applicable": True} if found is None else decimal(found)


def _edges(steps: Steps) -> tuple[list[str], list[str], dict[str, str]]:
    """The upper edges as written in rules, declarations of those that are facts, and the data's names of these."""
    kind = "bracket" if "rate" in steps[0] else "step"
    edges, facts, names = [], [], {}
    for number, step in enumerate(steps, 1):
        if isinstance(step["up_to"], dict):
            facts.append(f"事实 界{number}: 金额")
            names[f"界{number}"] = f"up_to of {kind} {number}"
            edges.append(f"界{number}")
        elif step["up_to"] is not None:
            edges.append(f"{step['up_to']}元")
    return edges, facts, names


def marginal_brackets(case: Mapping[str, Any]) -> Outcome:
    brackets: Steps = case["brackets"]
    edges, lines, names = _edges(brackets)
    rates = []
    for number, bracket in enumerate(brackets, 1):
        if bracket["rate"] is None:
            lines.append(f"事实 率{number}: 比例")
            names[f"率{number}"] = f"rate of bracket {number}"
        rates.append(bracket["rate"] or f"率{number}")
    lines.append("事实 基数: 金额")
    body = _by_clauses(edges, rates) if _unknown_edge(brackets) else _by_bands(edges, rates)
    base = None if case["base"] is None else Decimal(case["base"])
    return _answer("\n".join([*lines, *body]), "结果额", {"基数": base}, names | {"基数": "base"})


def _by_bands(edges: list[str], rates: list[str]) -> list[str]:
    lines = ["分段 结果额: 金额 按 基数"]
    low = "0元(含)"
    for index, rate in enumerate(rates):
        if index < len(edges):
            lines.append(f"  段 {low}..{edges[index]}(含) 得 {rate}")
            low = f"{edges[index]}(不含)"
        else:
            lines.append(f"  段 {low}以上 得 {rate}")
    if len(edges) == len(rates):
        lines.append(f"  段 {low}以上 得 0%")
    return lines


def _by_clauses(edges: list[str], rates: list[str]) -> list[str]:
    lines, full, low = ["规则 结果额: 金额"], "0元", "0元"
    for edge, rate in zip(edges, rates, strict=False):
        lines.append(f"  当 基数 ≤ {edge} 得 {full} + (基数 - {low}) × {rate}")
        full, low = f"{full} + ({edge} - {low}) × {rate}", edge
    open_end = len(rates) > len(edges)
    return [*lines, f"  否则 {full} + (基数 - {low}) × {rates[-1]}" if open_end else f"  否则 {full}"]


def step_table(case: Mapping[str, Any]) -> Outcome:
    steps: Steps = case["steps"]
    edges, lines, names = _edges(steps)
    amounts = [f"{step['amount']}元" for step in steps]
    lines.append("事实 基数: 金额")
    body = _steps_by_clauses(edges, amounts) if _unknown_edge(steps) else _steps_by_table(edges, amounts)
    return _answer("\n".join([*lines, *body]), "结果额", {"基数": Decimal(case["base"])}, names | {"基数": "base"})


def _steps_by_table(edges: list[str], amounts: list[str]) -> list[str]:
    lines, low = ["表 结果额: 金额", "  列 | 基数 | 得"], "0元(含)"
    for index, amount in enumerate(amounts):
        cell = f"{low}..{edges[index]}(含)" if index < len(edges) else f"{low}以上"
        low = f"{edges[index]}(不含)" if index < len(edges) else low
        lines.append(f"  行 | {cell} | {amount}")
    return lines


def _steps_by_clauses(edges: list[str], amounts: list[str]) -> list[str]:
    lines = ["规则 结果额: 金额 可空"]
    for index in reversed(range(len(edges))):
        above = f"基数 > {edges[index - 1]} 且 " if index else ""
        lines.append(f"  当 {above}基数 ≤ {edges[index]} 得 {amounts[index]}")
    return [*lines, "  否则 无"]


def interpolated_rate(case: Mapping[str, Any]) -> Outcome:
    (low, start), (high, end) = ((p["at"], Decimal(p["rate"])) for p in case["points"])
    text = f"""
事实 基数: 金额
规则 插值: 比例 舍入 四舍五入 到 0.01
  当 基数 ≤ {low}元 得 {start}.0
  当 基数 ≥ {high}元 得 {end}.0
  否则 {start}.0 + (基数 - {low}元) ÷ ({high}元 - {low}元) × ({end}.0 - {start}.0)
"""
    return decimal(value(text, "插值", {"基数": Decimal(case["base"])}))


CLAMP = """
事实 款: 金额
事实 上限: 金额 可空
事实 下限: 金额 可空
规则 保底后: 金额
  当 有 下限 得 取大(款, 下限)
  否则 款
规则 限后: 金额
  当 有 上限 得 取小(保底后, 上限)
  否则 保底后
"""


def clamp(case: Mapping[str, Any]) -> Outcome:
    numbers = {"款": case["value"], "上限": case.get("cap"), "下限": case.get("floor")}
    return decimal(value(CLAMP, "限后", {k: None if n is None else Decimal(n) for k, n in numbers.items()}))


def cases(case: Mapping[str, Any]) -> Outcome:
    conditions = {"flag is yes": "标志", "flag is not yes": "非 标志", "never": "否"}
    clauses = [f"  当 {conditions[c['if']]} 得 {c['value']}元" for c in case["cases"]]
    flag = ["事实 标志: 是否"] if "flag" in case else []
    text = "\n".join([*flag, "规则 结果额: 金额 可空", *clauses, "  否则 无"])
    names = {"标志": "flag"} if "flag" in case else {}
    return _answer(text, "结果额", {"标志": case.get("flag")} if names else {}, names)


OPERATIONS: dict[str, Callable[[Mapping[str, Any]], Outcome]] = {
    "round": round_,
    "round_quotient": round_quotient,
    "multiply_money": multiply_money,
    "cap": _limited("封顶"),
    "floor": _limited("保底"),
    "excess_over": _limited("超过部分"),
    "shortfall_below": _limited("不足部分"),
    "exact_chain": exact_chain,
    "add": add,
    "at_least_age": at_least_age,
    "younger_than_age": younger_than_age,
    "first_day_of_month": _of_date("first_day_of_month", "date"),
    "last_day_of_month": _of_date("last_day_of_month", "date"),
    "first_day_of_year": _of_date("first_day_of_year", "date"),
    "last_day_of_year": _of_date("last_day_of_year", "date"),
    "day_of_week": _of_date("day_of_week", "iso_weekday"),
    "days_between": days_between,
    "compare_durations": compare_durations,
    "split_period_by_month": split_period,
    "split_period_by_year": split_period,
    "marginal_brackets": marginal_brackets,
    "step_table": step_table,
    "interpolated_rate": interpolated_rate,
    "clamp": clamp,
    "duration": duration,
    "cases": cases,
}
