"""The interpreter: one Python function a year, generated from the model, over whole numbers.

A person is a tuple of facts and a tuple a year; the function of a year takes those, the facts of the year before and the values of
the year before, and returns the values of the year, one slot a rule. Money is a whole number of 分, a rate of 10**-scale; ratios
appear only below a division. Rules that nothing asked for needs are left out, and years in which no rule reads a fact of the person
are worked out once for all who have no record yet.

When a function fails (division by zero, exceptions in conflict), `tiaoli.trace` works the year out again and says why.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, TypeAlias

from tiaoli import model as m
from tiaoli.operators import BOOL, whole_years
from tiaoli.simplify import Fixed, scaled, simplify, simplify_rule
from tiaoli.values import Kind, Mode, add_months, make_date, month_end, months_between, round_to

Values: TypeAlias = tuple[Any, ...]
YearFunction: TypeAlias = Callable[[Values, Values, Values, Values], Values]


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


_HELPERS: dict[str, Any] = {
    "Fraction": Fraction,
    "timedelta": timedelta,
    "date": date,
    "_half_up": _half_up,
    "_half_even": _half_even,
    "_truncate": _truncate,
    "_away": _away,
    "_ratio_to": _ratio_to,
    "_agree": _agree,
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
class _Writer:
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
            case m.RuleRef(name=name, lag=lag):
                slot = self.slots[name]
                return self.input(f"s{slot}", f"S[{slot}]") if lag else f"v{slot}"
            case m.Present(operand=operand):
                return f"({self.write(operand)} is not None)"
            case m.Choose():
                then, otherwise = self.at(e.then, e.scale), self.at(e.otherwise, e.scale)
                return f"({then} if {self.write(e.condition)} else {otherwise})"
            case m.Round():
                return self.rounded(e.operand, e.mode, e.unit, e.scale or 0)
            case m.Apply():
                return _ROWS[e.operator](self, e)
            case m.ParameterRef(key=key) if key is not None:
                values, index = self.constant(self._by_key(e)), self.write(key)
                return (
                    f"{values}.get({index})" if self.program.parameters[e.name].type.nullable else f"{values}[{index}]"
                )
            case m.ParameterRef() | m.QuestionRef() | m.CurrentYear():
                raise AssertionError(f"not folded: {e}")

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


_Row: TypeAlias = Callable[[_Writer, m.Apply], str]


def _joined(word: str) -> _Row:
    return lambda w, e: "(" + f" {word} ".join(w.write(o) for o in e.operands) + ")"


def _common(w: _Writer, e: m.Apply) -> list[str]:
    scales = [o.scale for o in e.operands]
    scale = None if None in scales else max(x for x in scales if x is not None)
    return [w.at(o, scale) for o in e.operands]


def _compared(sign: str) -> _Row:
    def row(w: _Writer, e: m.Apply) -> str:
        left, right = _common(w, e)
        return f"({left} {sign} {right})"

    return row


def _moved(sign: str, carry: bool) -> _Row:
    def row(w: _Writer, e: m.Apply) -> str:
        left, right = e.operands
        if left.type.kind is Kind.DATE and right.type.kind is Kind.DATE:
            return f"({w.write(left)} - {w.write(right)}).days"
        if left.type.kind is Kind.DATE:
            return _date_moved(w, left, right, sign, carry)
        a, b = w.at(left, e.scale), w.at(right, e.scale)
        return f"({a} {sign} {b})"

    return row


def _date_moved(w: _Writer, day: m.Expression, amount: m.Expression, sign: str, carry: bool) -> str:
    count = f"{sign if sign == '-' else ''}({w.write(amount)})"
    if amount.type.kind is Kind.DAYS:
        return f"({w.write(day)} + timedelta({count}))"
    months = f"{count} * 12" if amount.type.kind is Kind.YEARS else count
    return f"{'_months_carry' if carry else '_months'}({w.write(day)}, {months})"


def _times(w: _Writer, e: m.Apply) -> str:
    if e.scale is None:
        return "(" + " * ".join(w.at(o, None) for o in e.operands) + ")"
    return "(" + " * ".join(w.write(o) for o in e.operands) + ")"


def _divided(w: _Writer, e: m.Apply) -> str:
    left, right = e.operands
    if left.scale is None or right.scale is None:
        return f"({w.at(left, None)} / {w.at(right, None)})"
    a, b = _common(w, e)
    return f"Fraction({a}, {b})"


def _called(name: str) -> _Row:
    return lambda w, e: f"{name}({', '.join(_common(w, e))})"


def _plain(name: str) -> _Row:
    return lambda w, e: f"{name}({', '.join(w.write(o) for o in e.operands)})"


def _limited(w: _Writer, e: m.Apply) -> str:
    value, low, high = _common(w, e)
    return f"min(max({value}, {low}), {high})"


def _two(word: str) -> _Row:
    """min and max of two, as a comparison where both are cheap to repeat."""

    def row(w: _Writer, e: m.Apply) -> str:
        parts = _common(w, e)
        if len(parts) == 2 and all(part.isalnum() for part in parts):
            a, b = parts
            return f"({a} if {a} {'<=' if word == 'min' else '>='} {b} else {b})"
        return f"{word}({', '.join(parts)})" if len(parts) > 1 else parts[0]

    return row


def _same(w: _Writer, e: m.Apply) -> str:
    return w.write(e.operands[0])


_ROWS: dict[str, _Row] = {
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


# ── rules → a function a year ────────────────────────────────────────────────


def _rule_lines(w: _Writer, rule: m.Rule) -> list[str]:
    target = f"v{w.slots[rule.name]}"

    def give(value: m.Expression) -> str:
        if rule.type.kind.is_number and not (isinstance(value, m.Constant) and value.value is None):
            return f"{target} = {w.rounded(value, rule.mode, rule.unit, rule.scale)}"
        return f"{target} = {w.write(value)}"

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
    clauses: Sequence[tuple[m.Expression | None, m.Expression]], w: _Writer, give: Callable[[m.Expression], str]
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
    w: _Writer, group: tuple[m.Clause, ...], target: str, give: Callable[[m.Expression], str], rest: list[str]
) -> list[str]:
    lines = ["held = []"]
    for clause in group:
        assert clause.condition is not None
        lines += [f"if {w.write(clause.condition)}:", "    " + give(clause.value), f"    held.append({target})"]
    return [*lines, "if held:", f"    {target} = _agree(held)", "else:", *("    " + line for line in rest)]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A program ready to run for the years ``asked``.

    ``functions[y]`` gives the values of year y, one a slot; ``begin`` is the first year that must be computed;
    ``initial`` are the values before it. ``names`` are the rules by slot; ``watched`` the slots of mandates that only a person's values
    decide, false where they are broken. ``needed_facts`` are the facts read, by year; those of the person under 0. ``shared_until``: before this year no rule reads a fact of
    the person.
    """

    program: m.Program
    asked: range
    outputs: tuple[str, ...]
    begin: int
    names: tuple[str, ...]
    slots: Mapping[str, int]
    initial: Values
    functions: Mapping[int, YearFunction]
    computed: Mapping[int, frozenset[str]]
    needed_facts: Mapping[int, set[str]]
    default_year: Values
    shared_until: int
    readings: Mapping[str, str]
    memory: tuple[str, ...]
    memory_facts: tuple[str, ...]
    watched: Mapping[int, tuple[tuple[int, m.Mandate], ...]]
    _shared: dict[int, Values] = field(default_factory=dict, compare=False)

    def run(
        self,
        person: Values,
        years: Mapping[int, Values],
        opening: tuple[int, Values, Values] | None = None,
    ) -> dict[int, Values]:
        """Return the values of each asked year, by slot.

        ``person`` and ``years`` are facts in the program's order; ``opening`` is (year, values, facts) at the end of a year.
        """
        default = self.default_year
        if opening is None:
            start = self.begin
            if self.shared_until > start:
                first = min(years, default=self.shared_until)
                start = min(max(first, start), self.shared_until)
            state, before = self._until(start), years.get(start - 1, default)
        else:
            start, state, before = opening[0] + 1, opening[1], opening[2]
        results: dict[int, Values] = {}
        asked = self.asked
        functions = self.functions
        if opening is None:
            for year in range(asked.start, min(start, asked.stop)):
                results[year] = self._until(year + 1)
        for year in range(start, asked.stop):
            facts = years.get(year, default)
            state = functions[year](person, facts, before, state)
            before = facts
            if year in asked:
                results[year] = state
        return results

    def _until(self, year: int) -> Values:
        """The values of the year before ``year`` for someone of whom nothing is recorded before it."""
        known = self._shared.get(year)
        if known is None:
            if year <= self.begin:
                known = self.initial
            else:
                before = self._until(year - 1)
                known = self.functions[year - 1]((), self.default_year, self.default_year, before)
            self._shared[year] = known
        return known


def compile_program(
    program: m.Program,
    asked: range,
    outputs: Iterable[str],
    readings: Mapping[str, str] | None = None,
    lasting: Iterable[str] = (),
) -> Compiled:
    """Return the program compiled for the rules ``outputs`` in the years ``asked`` and the readings chosen.

    Years are generated back from the last: each holds the rules asked for and those that the year after reads through 上年.
    ``lasting`` are rules that later runs will ask for; a closing state remembers what they need.
    """
    readings = dict(readings or {})
    chosen = tuple(outputs)
    mandates = {year: _mandates(program, year) for year in asked}
    years: dict[int, list[m.Rule]] = {}
    every: dict[str, m.Rule] = {}
    carried, lagged = _remembered(program, asked.stop, {*chosen, *lasting})
    memory, previous_facts = set(carried), set(lagged)
    begin = asked.start
    for year in range(asked.stop - 1, program.first - 1, -1):
        own = mandates.get(year, {})
        wanted = carried | set(own) | (set(chosen) if year >= asked.start else set())
        if not wanted and not lagged and year < asked.start:
            break
        begin = year
        rules = _needed(program, year, tuple(own.values()), wanted, readings)
        every.update((r.name, r) for r in rules)
        years[year] = rules
        carried, lagged = _carried(rules)
        memory |= carried
        previous_facts |= lagged
    for own in mandates.values():
        for name, rule in own.items():
            every.setdefault(name, rule)
    for name in memory:
        every.setdefault(name, program.rules[name][0])
    names = tuple(every)
    slots = {name: i for i, name in enumerate(names)}
    return _assemble(program, asked, chosen, begin, names, slots, every, years, readings, memory, previous_facts)


def _remembered(program: m.Program, following: int, wanted: set[str]) -> tuple[set[str], set[str]]:
    """The rules and facts that years from ``following`` on may read through 上年: what a closing state must hold.

    Nothing is folded here, for what is fixed in one year is not in another. Years behind the program are taken to be like its last one.
    """
    ahead = [s for s in program.segments if s.last >= min(following, program.last)]
    bodies: dict[str, list[m.Rule]] = {}
    for segment in ahead:
        for rule in segment.rules:
            bodies.setdefault(rule.name, []).append(rule)
    carried: set[str] = set()
    lagged: set[str] = set()
    pending, seen = list(wanted), set(wanted)
    while pending:
        rules = bodies.get(pending.pop(), [])
        found, facts = _carried(rules)
        read = {n.name for r in rules for e in _live(r) for n in m.walk(e) if isinstance(n, m.RuleRef)}
        carried |= found
        lagged |= facts
        pending += read - seen
        seen |= read
    return carried, lagged


def _assemble(
    program: m.Program,
    asked: range,
    outputs: tuple[str, ...],
    begin: int,
    names: tuple[str, ...],
    slots: Mapping[str, int],
    every: Mapping[str, m.Rule],
    years: Mapping[int, list[m.Rule]],
    readings: Mapping[str, str],
    memory: set[str],
    previous_facts: set[str],
) -> Compiled:
    person = {f.name: i for i, f in enumerate(f for f in program.facts.values() if not f.yearly)}
    yearly = {f.name: i for i, f in enumerate(f for f in program.facts.values() if f.yearly)}
    initial = tuple(internal(every[n].initial, every[n].scale) for n in names)
    cache: dict[str, YearFunction] = {}
    functions: dict[int, YearFunction] = {}
    shared_until = begin
    still_shared = True
    needed: dict[int, set[str]] = {}
    for year in sorted(years):
        function, reads_person = _function(program, year, years[year], names, slots, person, yearly, initial, cache)
        functions[year] = function
        still_shared = still_shared and not reads_person
        for lag, name in _facts_of(years[year]):
            needed.setdefault(year - lag, set()).add(name)
        needed.setdefault(0, set()).update(_person_facts_of(years[year]))
        if still_shared:
            shared_until = year + 1
    default = tuple(internal(f.default, f.digits) for f in program.facts.values() if f.yearly)
    watched = {
        year: tuple(
            (slots[f"要求 {g.span}"], g) for g in program.segment(year).mandates if f"要求 {g.span}" in computed_in
        )
        for year, computed_in in ((y, {r.name for r in rules}) for y, rules in years.items() if y in asked)
    }
    computed = {year: frozenset(r.name for r in rules) for year, rules in years.items()}
    return Compiled(
        program, asked, outputs, begin, names, slots, initial, functions, computed, needed, default, shared_until, readings,
        tuple(n for n in names if n in memory), tuple(sorted(previous_facts)), watched,
    )  # fmt: skip


def internal(value: Any, scale: int) -> Any:
    """Return a value of the model as the interpreter holds it."""
    if isinstance(value, Fraction):
        return scaled(value, scale)
    return value


def _mandates(program: m.Program, year: int) -> dict[str, m.Rule]:
    """The mandates of the year that parameters do not decide, as hidden rules of type 是否."""
    found: dict[str, m.Rule] = {}
    for mandate in program.segment(year).mandates:
        if not mandate.decided and mandate.first <= year <= mandate.last:
            name = f"要求 {mandate.span}"
            clause = m.Clause(None, mandate.condition, mandate.basis, None, mandate.document, mandate.span)
            found[name] = m.Rule(
                name, BOOL, 0, False, True, year, year, m.Cases((), (clause,)), Mode.HALF_UP, Fraction(1), False, None, False,
                m.ANY, mandate.document, mandate.basis, None, mandate.span,
            )  # fmt: skip
    return found


def _needed(
    program: m.Program, year: int, mandates: tuple[m.Rule, ...], wanted: set[str], readings: Mapping[str, str]
) -> list[m.Rule]:
    """The rules of the year that ``wanted`` needs, simplified, in dependency order."""
    fixed = Fixed(program, year, readings)
    simple = {}
    need = set(wanted)
    for rule in reversed((*program.segment(year).rules, *mandates)):
        if rule.name in need:
            simple[rule.name] = simplify_rule(rule, fixed)
            need |= {
                n.name for e in _live(simple[rule.name]) for n in m.walk(e) if isinstance(n, m.RuleRef) and not n.lag
            }
    return list(reversed(simple.values()))


def _live(rule: m.Rule) -> tuple[m.Expression, ...]:
    """The expressions that the generated code of a rule reads."""
    match rule.body:
        case m.DecisionTable() as table:
            closing = (table.otherwise.value,) if table.otherwise else ()
            return (*(e for r in table.rows for e in (r.condition, r.value)), *closing)
        case m.MarginalScale() as scale:
            return (scale.total,)
        case m.Cases() as cases:
            return m.expressions(cases)


def _carried(rules: list[m.Rule]) -> tuple[set[str], set[str]]:
    nodes = [n for r in rules for e in _live(r) for n in m.walk(e)]
    return (
        {n.name for n in nodes if isinstance(n, m.RuleRef) and n.lag},
        {n.name for n in nodes if isinstance(n, m.FactRef) and n.lag},
    )


def _facts_of(rules: list[m.Rule]) -> set[tuple[int, str]]:
    return {
        (n.lag, n.name) for r in rules for e in _live(r) for n in m.walk(e) if isinstance(n, m.FactRef) and n.yearly
    }


def _person_facts_of(rules: list[m.Rule]) -> set[str]:
    nodes = (n for r in rules for e in _live(r) for n in m.walk(e))
    return {n.name for n in nodes if isinstance(n, m.FactRef) and not n.yearly}


def _function(
    program: m.Program,
    year: int,
    rules: list[m.Rule],
    names: tuple[str, ...],
    slots: Mapping[str, int],
    person: Mapping[str, int],
    yearly: Mapping[str, int],
    initial: Values,
    cache: dict[str, YearFunction],
) -> tuple[YearFunction, bool]:
    w = _Writer(program, year, slots, person, yearly)
    lines: list[str] = []
    for rule in rules:
        lines += _rule_lines(w, rule)
    own = {r.name for r in rules}
    values = [f"v{i}" if n in own else w.constant(initial[i]) for i, n in enumerate(names)]
    unpack = [f"{name} = {source}" for name, source in sorted(w.inputs.items())]
    body = [*unpack, *lines, f"return ({', '.join(values)}{',' if len(values) == 1 else ''})"]
    source = "def year(P, F, G, S):\n" + "\n".join("    " + line for line in body)
    key = source + repr(w.constants)
    function = cache.get(key)
    if function is None:
        space = {**_HELPERS, **w.constants}
        exec(compile(source, "<tiaoli>", "exec"), space)
        function = cache[key] = space["year"]
    return function, any(name.startswith("p") for name in w.inputs)


def condition_function(program: m.Program, fact: m.Fact) -> Callable[[int, Values, Values], bool]:
    """Return the condition of 必填 当 as a function of (year, facts of the person, facts of the year)."""
    assert fact.required_when is not None
    person = {f.name: i for i, f in enumerate(f for f in program.facts.values() if not f.yearly)}
    yearly = {f.name: i for i, f in enumerate(f for f in program.facts.values() if f.yearly)}
    written: dict[int, Callable[[Values, Values], bool]] = {}

    def at(year: int) -> Callable[[Values, Values], bool]:
        w = _Writer(program, year, {}, person, yearly)
        source = w.write(simplify(fact.required_when, Fixed(program, year, {})))  # type: ignore[arg-type]
        inputs = "".join(f"    {name} = {origin}\n" for name, origin in sorted(w.inputs.items()))
        space = {**_HELPERS, **w.constants}
        exec(compile(f"def holds(P, F):\n{inputs}    return {source}\n", "<tiaoli>", "exec"), space)
        return space["holds"]  # type: ignore[no-any-return]

    def holds(year: int, facts: Values, of_year: Values) -> bool:
        function = written.get(year)
        if function is None:
            function = written[year] = at(year)
        return function(facts, of_year)

    return holds
