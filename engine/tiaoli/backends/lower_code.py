"""Expressions and rules of one kind of record in one year → lowered values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tiaoli import model as m
from tiaoli.backends import columns as c
from tiaoli.backends.columns import FALSE, TRUE, Expression, Sort
from tiaoli.backends.low import (
    ON_DATES,
    PLAIN,
    Low,
    compared,
    constant,
    covers,
    days_on,
    differ,
    is_absent_value,
    months_on,
    quotient,
    reduced,
    sort_of,
    with_operands,
    without_members,
)
from tiaoli.backends.python_code import internal
from tiaoli.simplify import Fixed, scaled, simplify
from tiaoli.values import Kind, Mode

if TYPE_CHECKING:
    from tiaoli.backends.lower import Lowering


@dataclass(slots=True)
class Writer:
    """Lowers expressions of one kind of record in one year."""

    of: Lowering
    entity: str
    year: int

    # ── rules ──
    def rule(self, rule: m.Rule) -> Low:
        clauses: list[tuple[m.Expression | None, m.Expression, int]]
        groups: tuple[tuple[m.Clause, ...], ...] = ()
        match rule.body:
            case m.Cases(exceptions, own):
                numbers = self._numbers(rule)
                groups = exceptions
                clauses = [(x.condition, x.value, numbers[x.span]) for x in own]
            case m.DecisionTable() as table:
                numbers = self._numbers(rule)
                rows = [(r.condition, r.value, numbers[r.span]) for r in table.rows]
                clauses = [(a, b, n) for a, b, n in rows if not (isinstance(a, m.Constant) and a.value is False)]
                if table.otherwise is not None:
                    clauses.append((None, table.otherwise.value, numbers[table.otherwise.span]))
                elif clauses:
                    clauses[-1] = (None, clauses[-1][1], clauses[-1][2])
            case m.MarginalScale() as scale:
                clauses = [(None, scale.total, 1)]
        low, code = self._first(rule, clauses)
        for group in reversed(groups):
            low, code = self._group(rule, group, low, code)
        if isinstance(rule.body, m.MarginalScale):
            code = self._band(rule.body)
        if self.of.wishes.reasons:
            self.of.codes[rule.name, self.year] = code
        return low

    def _numbers(self, rule: m.Rule) -> dict[Any, int]:
        """The number of each clause in the text of the rule, before anything was folded away."""
        text = next(r for r in self.of.program.segment(self.year).rules if r.name == rule.name) if not (
            rule.name.startswith("要求 ")
        ) else rule  # fmt: skip
        return {decider.span: number for number, decider in enumerate(m.deciders(text.body), 1)}

    def _first(
        self, rule: m.Rule, clauses: Sequence[tuple[m.Expression | None, m.Expression, int]]
    ) -> tuple[Low, Expression]:
        """The value of the first clause whose condition holds."""
        *before, (_, last, number) = clauses
        low = self._given(rule, last)
        code: Expression = c.literal(number)
        for condition, value, number in reversed(before):
            assert condition is not None
            when, own = self.write(condition), self._given(rule, value)
            low = self._either(when, own, low)
            code = c.choose(when.value, c.literal(number), code)
        return low, code

    @staticmethod
    def _either(when: Low, own: Low, rest: Low) -> Low:
        holds = when.value
        known = c.negate(when.lacks)
        fails = c.either(
            when.fails, c.both(known, c.either(c.both(holds, own.fails), c.both(c.negate(holds), rest.fails)))
        )
        lacks = c.both(
            c.negate(when.fails),
            c.either(when.lacks, c.both(holds, own.lacks), c.both(c.negate(holds), rest.lacks)),
        )  # fmt: skip
        return Low(c.choose(holds, own.value, rest.value), None, fails, lacks)

    def _group(self, rule: m.Rule, group: tuple[m.Clause, ...], rest: Low, code: Expression) -> tuple[Low, Expression]:
        """Exceptions of one rank: all are tried, those that hold must agree."""
        tried: list[tuple[Low, Low]] = []
        numbers = self._numbers(rule)
        for clause in group:
            assert clause.condition is not None
            tried.append((self.write(clause.condition), self._given(rule, clause.value)))
        low = rest
        for clause, (when, own) in zip(reversed(group), reversed(tried), strict=True):
            low = self._either(when, own, low)
            code = c.choose(when.value, c.literal(numbers[clause.span]), code)
        clashes = [
            c.both(a.value, b.value, c.negate(x.undone), c.negate(y.undone), differ(x.value, y.value))
            for i, (a, x) in enumerate(tried)
            for b, y in tried[i + 1 :]
        ]
        late = [c.either(when.undone, c.both(when.value, own.undone)) for when, own in tried[1:]]
        return Low(low.value, None, c.either(low.fails, *clashes, *late), low.lacks), code

    def _band(self, scale: m.MarginalScale) -> Expression:
        """The number of the highest band that the base reaches."""
        fixed = Fixed(self.of.program, self.year, self.of.wishes.readings)
        base = simplify(scale.base, fixed)
        code: Expression = c.literal(0)
        for number, band in enumerate(scale.bands, 1):
            if band.low is None:
                code = c.literal(number)
            else:
                reached = compared(">", *self._common([base, simplify(band.low, fixed)]))
                code = c.choose(reached, c.literal(number), code)
        return code

    def _given(self, rule: m.Rule, value: m.Expression) -> Low:
        """A clause's value, rounded once as the rule says."""
        low = self.write(value)
        if not rule.type.kind.is_number or is_absent_value(low):
            return replace(low, value=c.absent(sort_of(rule.type))) if is_absent_value(low) else low
        return self.rounded(low, value.scale, rule.mode, rule.unit, rule.scale)

    def rounded(self, low: Low, scale: int | None, mode: Mode, unit: Fraction, target: int) -> Low:
        """``low``, held at ``scale`` or a ratio, rounded to ``unit`` and held at ``target``."""
        if low.over is not None:
            above = c.multiply(low.value, c.literal(unit.denominator))
            below = c.multiply(low.over, c.literal(unit.numerator))
            above, below = reduced(above, below)
        else:
            assert scale is not None
            if scale <= target and unit == Fraction(1, 10**target):
                return replace(low, value=c.multiply(low.value, c.literal(10 ** (target - scale))))
            width = max(scale, target)
            above = c.multiply(low.value, c.literal(10 ** (width - scale)))
            above, below = reduced(above, c.literal(scaled(unit, width)))
        whole = quotient(above, below, mode)
        return Low(c.multiply(whole, c.literal(scaled(unit, target))), None, low.fails, low.lacks)

    # ── expressions ──
    def write(self, e: m.Expression) -> Low:
        """Return ``e`` lowered: a whole number at ``e.scale``, or a ratio where that is None."""
        match e:
            case m.Constant():
                return constant(e)
            case m.FactRef():
                return self.of.fact(e.name, self.year - e.lag if e.yearly else None)
            case m.RuleRef():
                return self.of.value(e.name, self.year - e.lag)
            case m.Present(operand=operand):
                low = self.write(operand)
                return Low(c.is_there(low.value), None, low.fails, low.lacks)
            case m.Choose():
                return self._choice(e)
            case m.Round():
                return self.rounded(self.write(e.operand), e.operand.scale, e.mode, e.unit, e.scale or 0)
            case m.Apply():
                return self._apply(e)
            case m.ParameterRef(key=key) if key is not None:
                return self._by_key(e, key)
            case m.Through():
                return self._through(e)
            case m.Aggregate():
                return self.of.figures.get((self.year, e)) or without_members(e)
            case m.ParameterRef() | m.QuestionRef() | m.CurrentYear():
                raise AssertionError(f"not folded: {e}")

    def at(self, e: m.Expression, scale: int | None) -> Low:
        """``e`` held at ``scale``, or as a ratio where that is None."""
        low = self.write(e)
        if sort_of(e.type) is not Sort.WHOLE:
            return low
        return self.held(low, e.scale, scale)

    @staticmethod
    def held(low: Low, own: int | None, scale: int | None) -> Low:
        if scale is None:
            return low if low.over is not None else replace(low, over=c.literal(10 ** (own or 0)))
        if low.over is not None:
            assert isinstance(low.over, c.Literal) and isinstance(low.over.value, int), low
            return replace(low, value=c.multiply(low.value, c.literal(10**scale // low.over.value)), over=None)
        return replace(low, value=c.multiply(low.value, c.literal(10 ** (scale - (own or 0)))))

    def _choice(self, e: m.Choose) -> Low:
        when, then, otherwise = self.write(e.condition), self.at(e.then, e.scale), self.at(e.otherwise, e.scale)
        low = self._either(when, then, otherwise)
        if then.over is None and otherwise.over is None:
            return low
        one = c.literal(1)
        return replace(low, over=c.choose(when.value, then.over or one, otherwise.over or one))

    def _by_key(self, e: m.ParameterRef, key: m.Expression) -> Low:
        parameter = self.of.program.parameters[e.name]
        held = [(v.key, parameter.at(self.year - e.lag, v.key)) for v in parameter.values]
        table = {internal(k, 0): internal(v.value, e.scale or 0) for k, v in held if v is not None}
        low = self.write(key)
        found = c.lookup(low.value, table, sort_of(parameter.type))
        if parameter.type.nullable:
            return Low(found, None, low.fails, low.lacks)
        fails: Expression = TRUE if isinstance(found, c.Literal) and found.value is None else FALSE
        if isinstance(found, c.Lookup):
            fails = c.both(c.negate(low.undone), c.is_absent(found))
            if covers(key, table):
                same = set(table.values())
                fails, found = FALSE, c.literal(same.pop()) if len(same) == 1 else replace(found, nullable=False)
        return Low(found, None, c.either(low.fails, fails), low.lacks)

    def _through(self, e: m.Through) -> Low:
        link = self.write(e.link)
        lag = e.value.lag
        if isinstance(e.value, m.RuleRef):
            value = self.of.value(e.value.name, self.year - lag)
        else:
            value = self.of.fact(e.value.name, self.year - lag if e.value.yearly else None)
        low = self.of.through(self.entity, link.value, e.entity, value, e.value.name)
        return Low(low.value, None, c.either(link.fails, low.fails), c.either(link.lacks, low.lacks))

    # ── operators ──
    def _apply(self, e: m.Apply) -> Low:
        if e.operator in ("且", "或"):
            return self._connective(e)
        operands = list(e.operands)
        if e.operator in ON_DATES or operands[0].type.kind is Kind.DATE:
            return self._dated(e, [self.write(o) for o in operands])
        if e.operator == "×":
            return self._product(e, operands)
        if e.operator == "÷":
            return self._divided(operands)
        lows = self._common(operands)
        return with_operands(PLAIN[e.operator](lows), lows)

    def _common(self, operands: Sequence[m.Expression]) -> list[Low]:
        """The operands at one scale, or all as ratios."""
        lows = [self.write(o) for o in operands]
        if any(low.over is not None for low in lows):
            return [self.held(low, o.scale, None) for low, o in zip(lows, operands, strict=True)]
        if sort_of(operands[0].type) is not Sort.WHOLE:
            return lows
        scale = max(o.scale or 0 for o in operands)
        return [self.held(low, o.scale, scale) for low, o in zip(lows, operands, strict=True)]

    def _connective(self, e: m.Apply) -> Low:
        settles = e.operator == "或"
        lows = [self.write(o) for o in e.operands]
        value = (c.either if settles else c.both)(*(low.value for low in lows))
        if all(low.undone is FALSE for low in lows):
            return Low(value)
        reached: Expression = TRUE
        fails: list[Expression] = []
        for low in lows:
            fails.append(c.both(reached, low.fails))
            settled = c.both(c.negate(low.lacks), low.value if settles else c.negate(low.value))
            reached = c.both(reached, c.negate(settled))
        trouble = c.either(*fails)
        lacks = c.both(c.negate(trouble), reached, c.either(*(low.lacks for low in lows)))
        return Low(value, None, trouble, lacks)

    def _product(self, e: m.Apply, operands: Sequence[m.Expression]) -> Low:
        lows = [self.write(o) for o in operands]
        if any(low.over is not None for low in lows):
            lows = [self.held(low, o.scale, None) for low, o in zip(lows, operands, strict=True)]
            over = c.multiply(lows[0].over or TRUE, lows[1].over or TRUE)
            return with_operands(Low(c.multiply(lows[0].value, lows[1].value), over), lows)
        return with_operands(Low(c.multiply(lows[0].value, lows[1].value)), lows)

    def _divided(self, operands: Sequence[m.Expression]) -> Low:
        lows = self._common(operands)
        left, right = lows
        above, below = left.value, right.value
        if left.over is not None and right.over is not None:
            above, below = c.multiply(left.value, right.over), c.multiply(right.value, left.over)
        zero = c.compare("=", below, c.literal(0))
        if below.low < 0:
            above = c.choose(c.compare("<", below, c.literal(0)), c.negative(above), above)
            below = c.absolute(below)
        if isinstance(zero, c.Literal) and zero.value:
            below = c.literal(1)
        low = with_operands(Low(*reduced(above, below)), lows)
        return replace(low, fails=c.either(low.fails, c.both(c.negate(low.lacks), zero)))

    def _dated(self, e: m.Apply, lows: Sequence[Low]) -> Low:
        kinds = [o.type.kind for o in e.operands]
        values = [low.value for low in lows]
        if e.operator[0] in "+-" and kinds[0] is Kind.DATE:
            if kinds[1] is Kind.DATE:
                return with_operands(Low(c.days_between(*values)), lows)
            amount = values[1] if e.operator[0] == "+" else c.negative(values[1])
            if kinds[1] is Kind.DAYS:
                return with_operands(days_on(values[0], amount), lows)
            months = c.multiply(amount, c.literal(12)) if kinds[1] is Kind.YEARS else amount
            return with_operands(months_on(values[0], months, e.operator.endswith("进位")), lows)
        if e.operator in ON_DATES:
            return with_operands(ON_DATES[e.operator](*values), lows)
        return with_operands(PLAIN[e.operator](list(lows)), lows)
