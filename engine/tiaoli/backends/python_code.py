"""Expressions and rules of the model → Python source over whole numbers.

Money is a whole number of 分, a rate of 10**-scale; ratios appear only below a division. A `Writer` writes the code of one year: what it
reads becomes an input, what is no literal a constant of the function.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, TypeAlias

from tiaoli import model as m
from tiaoli.operators import whole_years
from tiaoli.simplify import scaled
from tiaoli.values import Kind, Mode, add_months, make_date, month_end, months_between, round_to


class ConflictError(ArithmeticError):
    """Two exceptions of one rank hold with different values."""


# ── the functions that generated code calls ──────────────────────────────────


def _half_up(n: int, u: int) -> int:
    return (2 * n + u) // (2 * u) if n >= 0 else -((-2 * n + u) // (2 * u))


def _half_even(n: int, u: int) -> int:
    quotient, rest = divmod(n, u)
    return quotient + (2 * rest > u or (2 * rest == u and quotient % 2 == 1))


def _truncate(n: int, u: int) -> int:
    return n // u if n >= 0 else -(-n // u)


def _away(n: int, u: int) -> int:
    return -(-n // u) if n >= 0 else n // u


def _ratio_to(value: Fraction, unit: Fraction, mode: Mode, factor: int) -> int:
    return int(round_to(value, unit, mode) * factor)


def _agree(values: list[Any]) -> Any:
    if any(value != values[0] for value in values):
        raise ConflictError
    return values[0]


def _plus_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    number = day.day
    if number > 28:
        number = min(number, monthrange(year, month + 1)[1])
    return date(year, month + 1, number)


def _alone(link: str | None) -> None:
    if link is not None:
        raise LookupError(link)


HELPERS: dict[str, Any] = {
    "Fraction": Fraction,
    "timedelta": timedelta,
    "date": date,
    "_half_up": _half_up,
    "_half_even": _half_even,
    "_truncate": _truncate,
    "_away": _away,
    "_ratio_to": _ratio_to,
    "_agree": _agree,
    "_alone": _alone,
    "_months": _plus_months,
    "_months_carry": lambda day, months: add_months(day, months, True),
    "_month_end": month_end,
    "_make_date": make_date,
    "_age": whole_years,
    "_months_between": months_between,
    "Mode": Mode,
}


# ── expressions → Python ─────────────────────────────────────────────────────


@dataclass(slots=True)
class Writer:
    """Writes one year's function: source, constants, and which inputs it reads."""

    program: m.Program
    year: int
    slots: Mapping[str, int]
    person: Mapping[str, int]
    yearly: Mapping[str, int]
    constants: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    local: set[str] = field(default_factory=set)

    def constant(self, value: object) -> str:
        name = f"K{len(self.constants)}"
        for known, other in self.constants.items():
            if other is value or (type(other) is type(value) and other == value):
                return known
        self.constants[name] = value
        return name

    def input(self, name: str, source: str) -> str:
        self.inputs.setdefault(name, source)
        return name

    def write(self, e: m.Expression) -> str:
        """Return Python for ``e``: numbers as whole numbers at ``e.scale``, or Fractions where that is None."""
        match e:
            case m.Constant():
                return self._constant(e)
            case m.FactRef(name=name, yearly=True, lag=lag):
                letter = "G" if lag else "F"
                return self.input(f"{letter.lower()}{self.yearly[name]}", f"{letter}[{self.yearly[name]}]")
            case m.FactRef(name=name):
                return self.input(f"p{self.person[name]}", f"P[{self.person[name]}]")
            case m.RuleRef():
                return self.rule(e)
            case m.Present(operand=operand):
                return f"({self.write(operand)} is not None)"
            case m.Choose():
                then, otherwise = self.at(e.then, e.scale), self.at(e.otherwise, e.scale)
                return f"({then} if {self.write(e.condition)} else {otherwise})"
            case m.Round():
                return self.rounded(e.operand, e.mode, e.unit, e.scale or 0)
            case m.Apply():
                return ROWS[e.operator](self, e)
            case m.ParameterRef(key=key) if key is not None:
                values, index = self.constant(self._by_key(e)), self.write(key)
                return (
                    f"{values}.get({index})" if self.program.parameters[e.name].type.nullable else f"{values}[{index}]"
                )
            case m.Through():
                return self.through(e)
            case m.Aggregate():
                return self.aggregate(e)
            case m.ParameterRef() | m.QuestionRef() | m.CurrentYear():
                raise AssertionError(f"not folded: {e}")

    def rule(self, e: m.RuleRef) -> str:
        """A value of the same record: of the year before, or worked out further up."""
        slot = self.slots[e.name]
        return self.input(f"s{slot}", f"S[{slot}]") if e.lag else f"v{slot}"

    def through(self, e: m.Through) -> str:
        """A value of another record. Where a record stands alone there is none: it must not point to any."""
        return f"_alone({self.write(e.link)})"

    def aggregate(self, e: m.Aggregate) -> str:
        """A figure over other records: where a record stands alone, that of no members."""
        return "0" if e.form in ("计数", "合计") else "None"

    def _by_key(self, ref: m.ParameterRef) -> dict[Any, Any]:
        """The values of a keyed parameter in the year; a key without one is a LookupError when it is met."""
        parameter = self.program.parameters[ref.name]
        held = [(v.key, parameter.at(self.year - ref.lag, v.key)) for v in parameter.values]
        return {internal(k, 0): internal(v.value, ref.scale or 0) for k, v in held if v is not None}

    def _constant(self, e: m.Constant) -> str:
        value = e.value
        if value is None or isinstance(value, bool | str):
            return repr(value)
        if isinstance(value, date):
            return self.constant(value)
        if e.scale is None:
            return self.constant(Fraction(value))
        number = scaled(value, e.scale)
        return f"({number})" if number < 0 else str(number)

    def at(self, e: m.Expression, scale: int | None) -> str:
        """Return Python for ``e`` held at ``scale`` (as a Fraction where None)."""
        if not (e.type.kind.is_number or e.type.kind is Kind.YEAR) or e.scale == scale:
            return self.write(e)
        if isinstance(e, m.Constant) and e.value is None:
            return "None"
        if scale is None:
            return f"Fraction({self.write(e)}, {10 ** (e.scale or 0)})"
        if isinstance(e, m.Constant):
            return self._constant(replace(e, scale=scale))
        assert e.scale is not None and e.scale < scale, (e, scale)
        return f"{self.write(e)} * {10 ** (scale - e.scale)}"

    def rounded(self, e: m.Expression, mode: Mode, unit: Fraction, scale: int) -> str:
        """Return Python for ``e`` rounded to ``unit``, held at ``scale``."""
        if isinstance(e, m.Constant) and isinstance(e.value, Fraction | int) and not isinstance(e.value, bool):
            return str(scaled(round_to(e.value, unit, mode), scale))
        if e.scale is None:
            return f"_ratio_to({self.write(e)}, {self.constant(unit)}, {self.constant(mode)}, {10**scale})"
        if e.scale <= scale and unit == Fraction(1, 10**scale):
            return self.at(e, scale)
        width = max(e.scale, scale)
        step = scaled(unit, width)
        factor = scaled(unit, scale)
        quotient = _quotient(self.at(e, width), step, mode, e.range[0] is not None and e.range[0] >= 0)
        return quotient if factor == 1 else f"{quotient} * {factor}"


def _quotient(n: str, u: int, mode: Mode, positive: bool) -> str:
    if mode is Mode.DOWN or (mode is Mode.TRUNCATE and positive):
        return f"(({n}) // {u})"
    if mode is Mode.UP or (mode is Mode.AWAY and positive):
        return f"(-(-({n}) // {u}))"
    if mode is Mode.HALF_UP and positive:
        return f"(({n} + {u // 2}) // {u})" if u % 2 == 0 else f"((2 * ({n}) + {u}) // {2 * u})"
    name = {Mode.HALF_UP: "_half_up", Mode.HALF_EVEN: "_half_even", Mode.TRUNCATE: "_truncate", Mode.AWAY: "_away"}[
        mode
    ]
    return f"{name}({n}, {u})"


_Row: TypeAlias = Callable[[Writer, m.Apply], str]


def _joined(word: str) -> _Row:
    return lambda w, e: "(" + f" {word} ".join(w.write(o) for o in e.operands) + ")"


def _common(w: Writer, e: m.Apply) -> list[str]:
    scales = [o.scale for o in e.operands]
    scale = None if None in scales else max(x for x in scales if x is not None)
    return [w.at(o, scale) for o in e.operands]


def _compared(sign: str) -> _Row:
    def row(w: Writer, e: m.Apply) -> str:
        left, right = _common(w, e)
        return f"({left} {sign} {right})"

    return row


def _moved(sign: str, carry: bool) -> _Row:
    def row(w: Writer, e: m.Apply) -> str:
        left, right = e.operands
        if left.type.kind is Kind.DATE and right.type.kind is Kind.DATE:
            return f"({w.write(left)} - {w.write(right)}).days"
        if left.type.kind is Kind.DATE:
            return _date_moved(w, left, right, sign, carry)
        a, b = w.at(left, e.scale), w.at(right, e.scale)
        return f"({a} {sign} {b})"

    return row


def _date_moved(w: Writer, day: m.Expression, amount: m.Expression, sign: str, carry: bool) -> str:
    count = f"{sign if sign == '-' else ''}({w.write(amount)})"
    if amount.type.kind is Kind.DAYS:
        return f"({w.write(day)} + timedelta({count}))"
    months = f"{count} * 12" if amount.type.kind is Kind.YEARS else count
    return f"{'_months_carry' if carry else '_months'}({w.write(day)}, {months})"


def _times(w: Writer, e: m.Apply) -> str:
    if e.scale is None:
        return "(" + " * ".join(w.at(o, None) for o in e.operands) + ")"
    return "(" + " * ".join(w.write(o) for o in e.operands) + ")"


def _divided(w: Writer, e: m.Apply) -> str:
    left, right = e.operands
    if left.scale is None or right.scale is None:
        return f"({w.at(left, None)} / {w.at(right, None)})"
    a, b = _common(w, e)
    return f"Fraction({a}, {b})"


def _called(name: str) -> _Row:
    return lambda w, e: f"{name}({', '.join(_common(w, e))})"


def _plain(name: str) -> _Row:
    return lambda w, e: f"{name}({', '.join(w.write(o) for o in e.operands)})"


def _limited(w: Writer, e: m.Apply) -> str:
    value, low, high = _common(w, e)
    return f"min(max({value}, {low}), {high})"


def _two(word: str) -> _Row:
    """min and max of two, as a comparison where both are cheap to repeat."""

    def row(w: Writer, e: m.Apply) -> str:
        parts = _common(w, e)
        if len(parts) == 2 and all(part.isalnum() for part in parts):
            a, b = parts
            return f"({a} if {a} {'<=' if word == 'min' else '>='} {b} else {b})"
        return f"{word}({', '.join(parts)})" if len(parts) > 1 else parts[0]

    return row


def _same(w: Writer, e: m.Apply) -> str:
    return w.write(e.operands[0])


ROWS: dict[str, _Row] = {
    "或": _joined("or"),
    "且": _joined("and"),
    "非": lambda w, e: f"(not {w.write(e.operands[0])})",
    "=": _compared("=="),
    "≠": _compared("!="),
    "<": _compared("<"),
    ">": _compared(">"),
    "≤": _compared("<="),
    "≥": _compared(">="),
    "+": _moved("+", False),
    "-": _moved("-", False),
    "+进位": _moved("+", True),
    "-进位": _moved("-", True),
    "×": _times,
    "÷": _divided,
    "负": lambda w, e: f"(-{w.write(e.operands[0])})",
    "取小": _two("min"),
    "取大": _two("max"),
    "限于": _limited,
    "绝对值": _plain("abs"),
    "年度首日": lambda w, e: f"date({w.write(e.operands[0])}, 1, 1)",
    "年度末日": lambda w, e: f"date({w.write(e.operands[0])}, 12, 31)",
    "月初": lambda w, e: f"{w.write(e.operands[0])}.replace(day=1)",
    "月末": _plain("_month_end"),
    "日期": _plain("_make_date"),
    "年度于": lambda w, e: f"{w.write(e.operands[0])}.year",
    "月份": lambda w, e: f"{w.write(e.operands[0])}.month",
    "日": lambda w, e: f"{w.write(e.operands[0])}.day",
    "星期": lambda w, e: f"{w.write(e.operands[0])}.isoweekday()",
    "周岁": _plain("_age"),
    "整月数": _plain("_months_between"),
    "数值": _same,
    "年数": _same,
    "月数": _same,
    "天数": _same,
}
"""One row an operator; `tests` compare its keys with `tiaoli.operators`."""


# ── rules → lines ────────────────────────────────────────────────


def rule_lines(w: Writer, rule: m.Rule) -> list[str]:
    target = f"v{w.slots[rule.name]}"

    def give(value: m.Expression) -> str:
        plain = w.write(value)
        if not rule.type.kind.is_number or (isinstance(value, m.Constant) and value.value is None):
            return f"{target} = {plain}"
        rounded = w.rounded(value, rule.mode, rule.unit, rule.scale)
        absent = f"None if {plain} is None else " if value.type.nullable and rounded != plain else ""
        return f"{target} = {absent}{rounded}"

    match rule.body:
        case m.Cases(exceptions, clauses):
            lines = _chain([(c.condition, c.value) for c in clauses], w, give)
            for group in reversed(exceptions):
                lines = _group_lines(w, group, target, give, lines)
            return lines
        case m.DecisionTable() as table:
            rows: list[tuple[m.Expression | None, m.Expression]] = [(r.condition, r.value) for r in table.rows]
            rows = [(c, v) for c, v in rows if not (isinstance(c, m.Constant) and c.value is False)]
            if table.otherwise is not None:
                rows.append((None, table.otherwise.value))
            elif rows:
                rows[-1] = (None, rows[-1][1])
            return _chain(rows, w, give)
        case m.MarginalScale() as scale:
            return [give(scale.total)]


def _chain(
    clauses: Sequence[tuple[m.Expression | None, m.Expression]], w: Writer, give: Callable[[m.Expression], str]
) -> list[str]:
    lines: list[str] = []
    for index, (condition, value) in enumerate(clauses):
        sure = condition is None or (isinstance(condition, m.Constant) and condition.value is True)
        if sure and index == 0:
            return [give(value)]
        head = "else:" if sure else f"{'elif' if index else 'if'} {w.write(condition)}:"  # type: ignore[arg-type]
        lines += [head, "    " + give(value)]
        if sure:
            break
    return lines


def _group_lines(
    w: Writer, group: tuple[m.Clause, ...], target: str, give: Callable[[m.Expression], str], rest: list[str]
) -> list[str]:
    lines = ["held = []"]
    for clause in group:
        assert clause.condition is not None
        lines += [f"if {w.write(clause.condition)}:", "    " + give(clause.value), f"    held.append({target})"]
    return [*lines, "if held:", f"    {target} = _agree(held)", "else:", *("    " + line for line in rest)]


def internal(value: Any, scale: int) -> Any:
    """Return a value of the model as the interpreter holds it."""
    if isinstance(value, Fraction):
        return scaled(value, scale)
    return value


def external(value: Any, scale: int) -> Any:
    """Return a value of the interpreter as the model counts it."""
    return Fraction(value, 10**scale) if isinstance(value, int) and not isinstance(value, bool) else value
