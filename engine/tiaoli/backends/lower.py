"""The model → columns: each rule of each year becomes a column over columns that stand before it.

Years go forward; a value that is fixed (a parameter, a fact the table does not have, a 初值) is no column but a literal in those that read
it, and folds there. Ratios are carried as numerator and denominator until a rounding makes them whole. Beside its value an expression may
have a condition under which it *fails* (division by zero, exceptions in conflict, a key without a value, a date off the calendar) and one
under which it *lacks* a fact; both are false nearly always and then cost nothing. They follow `tiaoli.meaning`: what is not computed
cannot fail, and a lacking operand of 且 or 或 does no harm where another one settles it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import reduce
from math import gcd
from typing import Any

from tiaoli import model as m
from tiaoli.backends import columns as c
from tiaoli.backends.columns import FALSE, TRUE, Expression, Sort
from tiaoli.backends.interpreter import Plan, facts_needed, nodes, plan
from tiaoli.backends.python_code import internal
from tiaoli.backends.stages import gathered_in, levels_of
from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import UsageError
from tiaoli.record_facts import default_of, limits_of
from tiaoli.simplify import Fixed, scaled, simplify
from tiaoli.values import INSURED, Kind, Mode, Type

WIDEST = 2**127 - 1
"""The largest whole number that every columnar engine computes with."""

_SORTS = {Kind.BOOL: Sort.TRUTH, Kind.DATE: Sort.DAY} | dict.fromkeys(
    (Kind.ENUM, Kind.TEXT, Kind.PLACE, Kind.LINK), Sort.TEXT
)


def sort_of(kind: Type) -> Sort:
    """Return what a column of a type holds."""
    return _SORTS.get(kind.kind, Sort.WHOLE)


@dataclass(frozen=True, slots=True)
class Low:
    """A lowered expression: ``value``, over ``over`` (above zero) where it is a ratio, and the conditions under which it has none."""

    value: Expression
    over: Expression | None = None
    fails: Expression = FALSE
    lacks: Expression = FALSE

    @property
    def undone(self) -> Expression:
        """Whether there is no value."""
        return c.either(self.fails, self.lacks)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a table run is to compute: rules by kind, clause codes beside them, a closing state.

    ``have``: the columns of each kind's table, by kind; a fact without a column has its default. ``opening``: the year at whose end the
    run begins, None for a run from the start.
    """

    outputs: tuple[str, ...]
    have: Mapping[str, frozenset[str]]
    readings: Mapping[str, str] = field(default_factory=dict)
    lasting: tuple[str, ...] = ()
    opening: int | None = None
    reasons: bool = False
    closing: bool = False


def column(name: str, year: int | None) -> str:
    """Return the name of a column: of a fact or a rule, in a year where it has one."""
    return name if year is None else f"{name}@{year}"


def present_column(year: int) -> str:
    """Return the name of the column that says whether a record has a year."""
    return f"有记录@{year}"


def lower(program: m.Program, asked: range, wishes: Wishes) -> c.Plan:
    """Return the plan for the years ``asked``. Raises UsageError where a value cannot be held in columns."""
    kinds = tuple(e for e in (INSURED, *program.entities) if e in wishes.have)
    alone = kinds == (INSURED,) and not _linked(program, wishes)
    walk: Callable[[m.Expression], Iterable[m.Expression]] = m.walk_own if alone else m.walk
    made = plan(program, asked, wishes.outputs, wishes.readings, wishes.lasting, walk, kinds)
    return _Lowering(program, asked, wishes, kinds, made, alone).plan()


def _linked(program: m.Program, wishes: Wishes) -> bool:
    """Whether the table of persons has a column that points to other records."""
    return any(
        f.is_link and any(n == f.name or n.startswith(f.name + "@") for n in wishes.have[INSURED])
        for f in program.facts_of(INSURED)
    )


@dataclass
class _Lowering:
    """The work on one program. ``known``: the value of each rule in each year so far; ``made``: columns that exist, by kind."""

    program: m.Program
    asked: range
    wishes: Wishes
    kinds: tuple[str, ...]
    source: Plan
    alone: bool
    known: dict[tuple[str, int], Low] = field(default_factory=dict)
    codes: dict[tuple[str, int], Expression] = field(default_factory=dict)
    steps: list[c.Step] = field(default_factory=list)
    inputs: dict[str, dict[str, c.Input]] = field(default_factory=dict)
    joined: dict[tuple[str, str], Low] = field(default_factory=dict)
    figures: dict[tuple[int, m.Aggregate], Low] = field(default_factory=dict)
    trees: dict[str, Expression] = field(default_factory=dict)

    # ── the whole ──
    def plan(self) -> c.Plan:
        self.inputs = {kind: {} for kind in self.kinds}
        begin = self.source.begin if self.wishes.opening is None else self.wishes.opening + 1
        for year in range(begin, self.asked.stop):
            self._year(year)
        kinds = {kind: self._kind(kind) for kind in self.kinds}
        return pruned(c.Plan(self.program.place, self.asked, begin, kinds, tuple(self.steps)))

    def _year(self, year: int) -> None:
        rules = self.source.years.get(year, [])
        levels = dict.fromkeys((r.name for r in rules), 0) if self.alone else levels_of(rules)
        groups = {} if self.alone else gathered_in(rules, levels)
        for level in range(max(levels.values(), default=-1) + 1):
            self._gather(year, [a for a, (at, _) in groups.items() if at == level])
            for entity in (INSURED, *self.program.entities):
                own = [r for r in rules if r.entity == entity and levels[r.name] == level]
                if entity in self.kinds:
                    self._compute(entity, year, own)

    # ── rules ──
    def _compute(self, entity: str, year: int, rules: Sequence[m.Rule]) -> None:
        """Work rules out in dependency order, into layers that read only what stands before them."""
        layers: list[list[c.Definition]] = []
        depth: dict[str, int] = {}
        for rule in rules:
            low = _Writer(self, entity, year).rule(rule)
            low = replace(low, value=self._spread(low.value))
            parts = {"": low.value, "!失败": low.fails, "!缺少": low.lacks}
            held: dict[str, Expression] = {}
            for suffix, expression in parts.items():
                name = column(rule.name, year) + suffix
                self._fits(expression, rule, year)
                if isinstance(expression, c.Literal | c.Read):
                    held[suffix] = expression
                    continue
                layer = max((depth[r] + 1 for r in c.reads(expression) if r in depth), default=0)
                depth[name] = layer
                while len(layers) <= layer:
                    layers.append([])
                citation = _citation(rule) if not suffix else ""
                if not suffix and len(c.leaves(expression) or ()) in range(1, 17):
                    self.trees[name] = expression
                layers[layer].append(c.Definition(name, expression, rule.name, year, citation))
                held[suffix] = c.Read(expression.sort, expression.low, expression.high, expression.nullable, name)
            self.known[rule.name, year] = Low(held[""], None, held["!失败"], held["!缺少"])
        self.steps += [c.Compute(entity, year, tuple(layer)) for layer in layers if layer]

    def _spread(self, expression: Expression) -> Expression:
        """The same, case by case, where it reads a choice between fixed values and that is cheaper: a look-up by class becomes conditions."""
        for name in dict.fromkeys(c.reads(expression)):
            tree = self.trees.get(name)
            if tree is not None:
                whole = expression
                cases = c.by_leaf(tree, lambda leaf: c.substitute(whole, name, leaf))  # noqa: B023
                if _cost(cases) < _cost(expression):
                    expression = cases
        return expression

    def _fits(self, expression: Expression, rule: m.Rule, year: int) -> None:
        """Refuse what no engine can hold exactly."""
        for node in _walk(expression):
            if node.sort is Sort.WHOLE and not -WIDEST <= node.low <= node.high <= WIDEST:
                raise UsageError([Diagnostic("E860", {"rule": rule.name, "year": year}, rule.span)])

    def value(self, name: str, year: int) -> Low:
        """A rule's value in a year: the 初值 where it is not computed."""
        found = self.known.get((name, year))
        if found is None:
            rule = self.source.every.get(name) or self.program.rules[name][0]
            if year == self.wishes.opening and rule.entity in self.kinds:
                found = Low(self._opened(rule, year))
            else:
                found = Low(_fixed(internal(rule.initial, rule.scale), rule.type))
            self.known[name, year] = found
        return found

    def _opened(self, rule: m.Rule, year: int) -> Expression:
        name = column(rule.name, year)
        self.inputs[rule.entity][name] = c.Input(name, rule.name, year, None, True)
        low, high = _whole_range(rule.range, rule.type, rule.scale)
        return c.Read(sort_of(rule.type), low, high, rule.type.nullable, name)

    # ── facts ──
    def fact(self, name: str, year: int | None) -> Low:
        """A fact of a record, or of its year: a column where the table has one, else its default."""
        fact = self.program.facts[name]
        own = column(name, year)
        opened = year is not None and year == self.wishes.opening
        default: Any = default_of(fact)
        if fact.entity not in self.kinds or not (opened or own in self.wishes.have[fact.entity]):
            lacking = default is None and not fact.type.nullable
            return Low(_fixed(default, fact.type), None, FALSE, TRUE if lacking else FALSE)
        self.inputs[fact.entity].setdefault(own, c.Input(own, name, year, None if opened else default, opened))
        low, high = limits_of(fact) if sort_of(fact.type) in (Sort.WHOLE, Sort.DAY) else (0, 0)
        sure = default is not None or (fact.required and not opened)
        read = c.Read(sort_of(fact.type), low, high, not sure, own)
        return Low(read, None, FALSE, FALSE if sure or fact.type.nullable else c.is_absent(read))

    # ── other records ──
    def through(self, entity: str, link: Expression, target: str, value: Low, name: str) -> Low:
        """The value of another record, by a join on a column of ids."""
        if isinstance(link, c.Literal) or target not in self.kinds:
            return Low(c.absent(value.value.sort))
        assert isinstance(link, c.Read), link
        parts = {"": value.value, "!失败": value.fails, "!缺少": value.lacks}
        held: dict[str, Expression] = {}
        wanted: list[tuple[str, str]] = []
        for suffix, expression in parts.items():
            if isinstance(expression, c.Literal):
                held[suffix] = _where_there(link, expression)
                continue
            assert isinstance(expression, c.Read), expression
            ours = f"{link.name}→{expression.name}"
            wanted.append((expression.name, ours))
            nullable = expression.nullable or link.nullable
            held[suffix] = c.Read(expression.sort, expression.low, expression.high, nullable, ours)
        self._join(entity, link.name, target, wanted)
        fails, lacks = (c.with_default(held[s], FALSE) for s in ("!失败", "!缺少"))
        return Low(held[""], None, fails, lacks)

    def _join(self, entity: str, link: str, target: str, wanted: list[tuple[str, str]]) -> None:
        fresh = tuple((theirs, ours) for theirs, ours in wanted if (entity, ours) not in self.joined)
        if fresh:
            self.joined.update({(entity, ours): Low(TRUE) for _, ours in fresh})
            self.steps.append(c.Join(entity, link, target, fresh))

    def _gather(self, year: int, aggregates: Sequence[m.Aggregate]) -> None:
        """Work out the aggregates needed next; those over one link of one kind are one group-by."""
        grouped: dict[tuple[str, str, str], list[c.Figure]] = {}
        for number, aggregate in enumerate(aggregates):
            if aggregate.entity not in self.kinds:
                continue
            link = self.link_column(aggregate, year)
            if link is None:
                self.figures[year, aggregate] = _without_members(aggregate)
                continue
            key = (aggregate.entity, aggregate.members, link)
            prefix = f"{aggregate.form}{len(self.figures)}.{number}@{year}"
            self.figures[year, aggregate] = self._figure(year, aggregate, prefix, grouped.setdefault(key, []))
        self.steps += [c.Gather(*key, tuple(figures)) for key, figures in grouped.items()]

    def link_column(self, aggregate: m.Aggregate, year: int) -> str | None:
        """The column by which members point, None where there are none."""
        fact = self.program.facts[aggregate.link]
        if aggregate.members not in self.kinds:
            return None
        link = self.fact(fact.name, year if fact.yearly else None).value
        return link.name if isinstance(link, c.Read) else None

    def _figure(self, year: int, aggregate: m.Aggregate, prefix: str, figures: list[c.Figure]) -> Low:
        writer = _Writer(self, aggregate.members, year)
        holds = Low(TRUE) if aggregate.condition is None else writer.write(aggregate.condition)
        value = Low(c.literal(1)) if aggregate.value is None else writer.write(aggregate.value)
        done = c.both(c.negate(holds.undone), c.either(c.negate(holds.value), c.negate(value.undone)))
        counts = c.both(done, holds.value)
        if value.over is not None and not isinstance(value.over, c.Literal):
            raise AssertionError(f"the checker allows no ratios in figures: {aggregate.form}")

        def figure(suffix: str, form: str, measure: Expression | None, low: int, high: int, sort: Sort) -> Expression:
            read = c.Read(sort, low, high, True, prefix + suffix)
            figures.append(c.Figure(read, form, counts, measure))
            return read

        most = _MOST
        if aggregate.form == "计数":
            count = figure("", "计数", None, 0, most, Sort.WHOLE)
            return Low(c.with_default(count, c.literal(0)))
        measure = value.value
        if aggregate.form == "占比":
            measure = c.choose(measure, c.literal(1), c.literal(0))
        if aggregate.form in ("最大", "最小"):
            found = figure("", aggregate.form, measure, measure.low, measure.high, measure.sort)
            return Low(found, value.over)
        low, high = _sum_range(aggregate, measure)
        total = figure("", "合计", measure, low, high, Sort.WHOLE)
        if aggregate.form == "合计":
            return Low(c.with_default(total, c.literal(0)), value.over)
        count = figure("÷", "计数", None, 0, most, Sort.WHOLE)
        unit = 10 ** (aggregate.value.scale or 0) if aggregate.form == "平均" and aggregate.value is not None else 1
        over = c.multiply(count, c.literal(unit))
        if value.over is not None:
            over = c.multiply(count, value.over)
        return Low(total, over)

    # ── what a kind brings and gives ──
    def _kind(self, kind: str) -> c.KindPlan:
        outputs, reasons, failures = [], [], []
        for name in self.wishes.outputs:
            rule = self.program.rules[name][0]
            if rule.entity != kind:
                continue
            for year in self.asked:
                computed = any(r.name == name for r in self.source.years.get(year, []))
                low = self.value(name, year) if computed else Low(c.absent(sort_of(rule.type)))
                outputs.append(c.Output(column(name, year), low.value, name, year))
                code = self.codes.get((name, year), c.literal(0))
                reasons.append(c.Output(column(f"{name}.理由", year), code if computed else c.literal(0), name, year))
                if low.undone is not FALSE:
                    failures.append(c.Check("E804", name, year, low.undone))
        closing = tuple(self._closing(kind)) if self.wishes.closing else ()
        checks = tuple(self._checks(kind))
        links = tuple(
            c.Link(g.column, g.name, g.year, self.program.facts[g.name].type.target)
            for g in self.inputs[kind].values()
            if g.name in self.program.facts and self.program.facts[g.name].is_link
        )
        return c.KindPlan(
            kind, tuple(self.inputs[kind].values()), links, checks, tuple(outputs),
            tuple(reasons) if self.wishes.reasons else (), closing,
            tuple(failures), tuple(self._breaches(kind)),
        )  # fmt: skip

    def _closing(self, kind: str) -> Iterator[c.Output]:
        last = self.asked.stop - 1
        for name, rule in self.source.every.items():
            if name in self.source.memory and rule.entity == kind:
                yield c.Output(column(name, last), self.value(name, last).value, name, last)
        for name in sorted(self.source.memory_facts):
            if self.program.facts[name].entity == kind:
                yield c.Output(column(name, last), self.fact(name, last).value, name, last)

    def _breaches(self, kind: str) -> Iterator[c.Output]:
        for year in self.asked:
            for rule in self.source.years.get(year, []):
                if rule.name.startswith("要求 ") and rule.entity == kind:
                    low = self.value(rule.name, year)
                    broken = c.both(c.negate(low.undone), c.negate(low.value))
                    if broken is not FALSE:
                        yield c.Output(column(rule.name, year), broken, rule.name, year)

    def _checks(self, kind: str) -> Iterator[c.Check]:
        """What makes a row faulty: values out of range, no member of their enumeration, required and missing."""
        for given in list(self.inputs[kind].values()):
            if not given.opening:
                yield from _input_checks(self.program.facts[given.name], given)
        yield from self._required(kind)
        asked = {f.name for f in self.program.facts_of(kind) if f.required_when is not None}
        read = set().union(*facts_needed(self.source, asked).values())
        for name in (f.name for f in self.program.facts_of(kind) if f.name in read):
            yield from self._demanded(self.program.facts[name])

    def _required(self, kind: str) -> Iterator[c.Check]:
        """Facts that must be there, as the reader of records demands them: in all years in which rules read one, also where folding left none."""
        own = {f.name: f for f in self.program.facts_of(kind) if f.required}
        needed = facts_needed(self.source, set(own))
        read = set().union(*needed.values())
        start = self.source.begin if self.wishes.opening is None else self.asked.start
        years = [y for y, names in needed.items() if y >= start and any(own[n].yearly for n in names)]
        span = range(min(years), max(years) + 1) if years else range(0)
        for name, fact in own.items():
            for year in () if name not in read else span if fact.yearly else (None,):
                self.fact(name, year)
                given = column(name, year)
                there = given in self.inputs[kind]
                read_it = c.Read(sort_of(fact.type), -(2**63), 2**63 - 1, True, given)
                yield c.Check("E726", name, year, c.is_absent(read_it) if there else TRUE)

    def _demanded(self, fact: m.Fact) -> Iterator[c.Check]:
        """A fact that must be there under a condition, in whatever year a record has."""
        parts = (name.rpartition("@") for name in self.wishes.have[fact.entity])
        for year in sorted({int(tail) for _, sign, tail in parts if sign}):
            if (fact.required_first or year) > year or (fact.required_last or year) < year:
                continue
            if year == self.wishes.opening:  # what the state holds of it is enough
                continue
            fixed = Fixed(self.program, year, {})
            condition = _Writer(self, fact.entity, year).write(simplify(fact.required_when, fixed))  # type: ignore[arg-type]
            value = self.fact(fact.name, year if fact.yearly else None).value
            name = present_column(year)
            self.inputs[fact.entity].setdefault(name, c.Input(name, "", year))
            there = c.Read(Sort.TRUTH, 0, 0, False, name)
            fails = c.both(there, condition.value, c.is_absent(value))
            if fails is not FALSE:
                yield c.Check("E727", fact.name, year, fails)


# ── what nobody reads ────────────────────────────────────────────────────────


def pruned(plan: c.Plan) -> c.Plan:
    """Return the plan without columns, joins, figures and inputs that nothing given out rests on."""
    needed = {kind: set(_given_out(own)) for kind, own in plan.kinds.items()}
    steps: list[c.Step] = []
    for step in reversed(plan.steps):
        kept = _kept(step, needed)
        if kept is not None:
            steps.append(kept)
    kinds = {kind: _with_inputs(own, needed[kind]) for kind, own in plan.kinds.items()}
    return replace(plan, kinds=kinds, steps=tuple(reversed(steps)))


def _given_out(own: c.KindPlan) -> Iterator[str]:
    for given in (*own.outputs, *own.reasons, *own.closing, *own.breaches):
        yield from c.reads(given.expression)
    for check in own.failures:
        yield from c.reads(check.fails)


def _kept(step: c.Step, needed: dict[str, set[str]]) -> c.Step | None:
    """What of a step is needed; what that reads is needed in turn."""
    match step:
        case c.Compute():
            definitions = tuple(d for d in step.definitions if d.column in needed[step.entity])
            for definition in definitions:
                needed[step.entity].update(c.reads(definition.expression))
            return replace(step, definitions=definitions) if definitions else None
        case c.Join():
            columns = tuple((theirs, ours) for theirs, ours in step.columns if ours in needed[step.entity])
            needed[step.target].update(theirs for theirs, _ in columns)
            needed[step.entity].update([step.link] if columns else [])
            return replace(step, columns=columns) if columns else None
        case c.Gather():
            figures = tuple(f for f in step.figures if f.column.name in needed[step.entity])
            for figure in figures:
                needed[step.members].update(c.reads(figure.condition))
                needed[step.members].update(c.reads(figure.value) if figure.value is not None else ())
            needed[step.members].update([step.link] if figures else [])
            return replace(step, figures=figures) if figures else None


def _with_inputs(own: c.KindPlan, needed: set[str]) -> c.KindPlan:
    """The inputs that are read, also by a check whose fact is; and the checks and links among those."""
    read = set(needed)
    facts = {i.name for i in own.inputs if i.column in needed}
    checks = tuple(x for x in own.checks if x.name in facts or x.code in ("E726", "E727"))
    for check in checks:
        read.update(c.reads(check.fails))
    inputs = tuple(i for i in own.inputs if i.column in read)
    there = {i.column for i in inputs}
    checks = tuple(x for x in checks if set(c.reads(x.fails)) <= there)
    return replace(own, inputs=inputs, links=tuple(x for x in own.links if x.column in there), checks=checks)


_MOST = 1_500_000_000

_COSTS = {"整除": 4, "加月": 60, "成日期": 60, "月末": 60, "月初": 40, "年": 25, "月": 25, "日": 25, "星期": 8}
"""What operations take, in units of a plain one. On texts everything takes longer."""


def _cost(expression: Expression) -> int:
    """About what an expression takes to compute."""
    match expression:
        case c.Literal():
            return 0
        case c.Read():
            return 12 if expression.sort is Sort.TEXT else 0
        case c.Lookup(key=key):
            return 60 + _cost(key)
        case c.Call():
            own = _COSTS.get(expression.operation, 1) if expression.sort is not Sort.TEXT else 25
            return own + sum(map(_cost, expression.operands))


def _without_members(aggregate: m.Aggregate) -> Low:
    if aggregate.form in ("计数", "合计"):
        return Low(c.literal(0))
    sort = sort_of(aggregate.type)
    return Low(c.absent(sort), c.literal(1) if aggregate.scale is None and sort is Sort.WHOLE else None)


def _sum_range(aggregate: m.Aggregate, measure: Expression) -> tuple[int, int]:
    low, high = min(measure.low, 0) * _MOST, max(measure.high, 0) * _MOST
    if aggregate.form == "合计" and aggregate.scale is not None:
        known = _whole_range(aggregate.range, aggregate.type, aggregate.scale)
        low, high = max(low, known[0]), min(high, known[1])
    return low, high


def _whole_range(bounds: m.Range, kind: Type, scale: int | None) -> tuple[int, int]:
    """A range in units as one of whole numbers at a scale; dates by their ordinals."""
    sort = sort_of(kind)
    if sort not in (Sort.WHOLE, Sort.DAY):
        return 0, 0
    factor = 10 ** (scale or 0) if sort is Sort.WHOLE else 1
    low, high = bounds
    lowest, highest = (-(2**63), 2**63 - 1) if sort is Sort.WHOLE else (1, 3_652_059)
    return (
        lowest if low is None else max(lowest, -int(-Fraction(low) * factor // 1)),
        highest if high is None else min(highest, int(Fraction(high) * factor // 1)),
    )


def _input_checks(fact: m.Fact, given: c.Input) -> Iterator[c.Check]:
    sort = sort_of(fact.type)
    read = c.Read(sort, -(2**63), 2**63 - 1, True, given.column)
    low, high = limits_of(fact)
    if sort is Sort.WHOLE:
        outside = c.either(c.compare("<", read, c.literal(low)), c.compare(">", read, c.literal(high)))
        yield c.Check("E735", fact.name, given.year, outside, read)
    if sort is Sort.DAY:
        from datetime import date

        days = [c.literal(date.fromordinal(max(1, min(x, date.max.toordinal())))) for x in (low, high)]
        outside = c.either(c.compare("<", read, days[0]), c.compare(">", read, days[1]))
        yield c.Check("E735", fact.name, given.year, outside, read)
    if fact.type.kind is Kind.ENUM:
        known = c.either(*(c.compare("=", read, c.literal(name)) for name in fact.type.members))
        yield c.Check("E739", fact.name, given.year, c.negate(known), read)


def _fixed(value: Any, kind: Type) -> c.Literal:
    return c.absent(sort_of(kind)) if value is None else c.literal(value)


def _where_there(link: c.Read, value: c.Literal) -> Expression:
    return c.choose(c.is_there(link), value, c.absent(value.sort)) if link.nullable else value


def _walk(expression: Expression) -> Iterator[Expression]:
    yield expression
    match expression:
        case c.Call(operands=operands):
            for operand in operands:
                yield from _walk(operand)
        case c.Lookup(key=key):
            yield from _walk(key)


def _citation(rule: m.Rule) -> str:
    bases = [b for decider in m.deciders(rule.body) for b in decider.basis] or rule.basis
    return "；".join(dict.fromkeys(map(str, bases)))


# ── expressions ──────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Writer:
    """Lowers expressions of one kind of record in one year."""

    of: _Lowering
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
            c.both(a.value, b.value, c.negate(x.undone), c.negate(y.undone), _differ(x.value, y.value))
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
                reached = _compared(">", *self._common([base, simplify(band.low, fixed)]))
                code = c.choose(reached, c.literal(number), code)
        return code

    def _given(self, rule: m.Rule, value: m.Expression) -> Low:
        """A clause's value, rounded once as the rule says."""
        low = self.write(value)
        if not rule.type.kind.is_number or _is_absent(low):
            return replace(low, value=c.absent(sort_of(rule.type))) if _is_absent(low) else low
        return self.rounded(low, value.scale, rule.mode, rule.unit, rule.scale)

    def rounded(self, low: Low, scale: int | None, mode: Mode, unit: Fraction, target: int) -> Low:
        """``low``, held at ``scale`` or a ratio, rounded to ``unit`` and held at ``target``."""
        if low.over is not None:
            above = c.multiply(low.value, c.literal(unit.denominator))
            below = c.multiply(low.over, c.literal(unit.numerator))
            above, below = _reduced(above, below)
        else:
            assert scale is not None
            if scale <= target and unit == Fraction(1, 10**target):
                return replace(low, value=c.multiply(low.value, c.literal(10 ** (target - scale))))
            width = max(scale, target)
            above = c.multiply(low.value, c.literal(10 ** (width - scale)))
            above, below = _reduced(above, c.literal(scaled(unit, width)))
        whole = quotient(above, below, mode)
        return Low(c.multiply(whole, c.literal(scaled(unit, target))), None, low.fails, low.lacks)

    # ── expressions ──
    def write(self, e: m.Expression) -> Low:
        """Return ``e`` lowered: a whole number at ``e.scale``, or a ratio where that is None."""
        match e:
            case m.Constant():
                return _constant(e)
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
                return self.of.figures.get((self.year, e)) or _without_members(e)
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
            if _covers(key, table):
                fails, found = FALSE, replace(found, nullable=False)
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
        if e.operator in _ON_DATES or operands[0].type.kind is Kind.DATE:
            return self._dated(e, [self.write(o) for o in operands])
        if e.operator == "×":
            return self._product(e, operands)
        if e.operator == "÷":
            return self._divided(operands)
        lows = self._common(operands)
        return _with(_PLAIN[e.operator](lows), lows)

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
            return _with(Low(c.multiply(lows[0].value, lows[1].value), over), lows)
        return _with(Low(c.multiply(lows[0].value, lows[1].value)), lows)

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
        low = _with(Low(*_reduced(above, below)), lows)
        return replace(low, fails=c.either(low.fails, c.both(c.negate(low.lacks), zero)))

    def _dated(self, e: m.Apply, lows: Sequence[Low]) -> Low:
        kinds = [o.type.kind for o in e.operands]
        values = [low.value for low in lows]
        if e.operator[0] in "+-" and kinds[0] is Kind.DATE:
            if kinds[1] is Kind.DATE:
                return _with(Low(c.days_between(*values)), lows)
            amount = values[1] if e.operator[0] == "+" else c.negative(values[1])
            if kinds[1] is Kind.DAYS:
                return _with(_days_on(values[0], amount), lows)
            months = c.multiply(amount, c.literal(12)) if kinds[1] is Kind.YEARS else amount
            return _with(_months_on(values[0], months, e.operator.endswith("进位")), lows)
        if e.operator in _ON_DATES:
            return _with(_ON_DATES[e.operator](*values), lows)
        return _with(_PLAIN[e.operator](list(lows)), lows)


def _with(low: Low, operands: Sequence[Low]) -> Low:
    """``low`` with the trouble of its operands, all of which are computed."""
    fails = c.either(low.fails, *(o.fails for o in operands))
    lacks = c.either(*(o.lacks for o in operands))
    return Low(low.value, low.over, fails, c.both(c.negate(fails), lacks) if lacks is not FALSE else FALSE)


def _constant(e: m.Constant) -> Low:
    value = e.value
    if value is None:
        return Low(
            c.absent(sort_of(e.type)), c.literal(1) if e.scale is None and sort_of(e.type) is Sort.WHOLE else None
        )
    if isinstance(value, Fraction | int) and not isinstance(value, bool):
        number = Fraction(value)
        if e.scale is None:
            return Low(c.literal(number.numerator), c.literal(number.denominator))
        return Low(c.literal(scaled(number, e.scale)))
    return Low(c.literal(value))


def _is_absent(low: Low) -> bool:
    return isinstance(low.value, c.Literal) and low.value.value is None


def _covers(key: m.Expression, table: Mapping[Any, Any]) -> bool:
    """Whether a key surely has a value: an enumeration, all of whose members have one."""
    return key.type.kind is Kind.ENUM and not key.type.nullable and set(key.type.members) <= table.keys()


def _differ(a: Expression, b: Expression) -> Expression:
    """Whether two values are not the same, absent ones being alike."""
    if not (a.nullable or b.nullable):
        return c.compare("≠", a, b)
    one = c.both(c.is_absent(a), c.is_there(b))
    other = c.both(c.is_there(a), c.is_absent(b))
    return c.either(one, other, c.both(c.is_there(a), c.is_there(b), c.compare("≠", a, b)))


def _reduced(above: Expression, below: Expression) -> tuple[Expression, Expression]:
    """A ratio with what both have as a fixed factor taken out."""
    if not (isinstance(below, c.Literal) and isinstance(below.value, int)):
        return above, below
    if isinstance(above, c.Literal) and isinstance(above.value, int):
        shared = gcd(above.value, below.value) or 1
        return c.literal(above.value // shared), c.literal(below.value // shared)
    if isinstance(above, c.Call) and above.operation == "×":
        factor = next((o for o in above.operands if isinstance(o, c.Literal)), None)
        if factor is not None and isinstance(factor.value, int):
            shared = gcd(factor.value, below.value)
            others = [o for o in above.operands if o is not factor]
            return c.multiply(others[0], c.literal(factor.value // shared)), c.literal(below.value // shared)
    return above, below


def quotient(n: Expression, d: Expression, mode: Mode) -> Expression:
    """Return n ÷ d (d above zero) as a whole number, rounded by ``mode``."""
    sure = n.low >= 0
    sides = _apart(n, d) if sure else None
    if sides is not None:
        pick, one, other = sides
        return pick(quotient(one, d, mode), other)
    down = c.floor_divide(n, d)
    match mode:
        case Mode.DOWN:
            return down
        case Mode.UP:
            return _up(n, d)
        case Mode.TRUNCATE:
            return down if sure else _by_sign(n, down, _up(n, d))
        case Mode.AWAY:
            return _up(n, d) if sure else _by_sign(n, _up(n, d), down)
        case Mode.HALF_UP:
            return _half_up(n, d) if sure else _by_sign(n, _half_up(n, d), c.negative(_half_up(c.negative(n), d)))
        case Mode.HALF_EVEN:
            twice = c.multiply(c.subtract(n, c.multiply(down, d)), c.literal(2))
            odd = c.compare(
                "=", c.subtract(down, c.multiply(c.floor_divide(down, c.literal(2)), c.literal(2))), c.literal(1)
            )
            more = c.either(c.compare(">", twice, d), c.both(c.compare("=", twice, d), odd))
            return c.choose(more, c.add(down, c.literal(1)), down)


def _apart(n: Expression, d: Expression) -> tuple[Callable[..., Expression], Expression, Expression] | None:
    """The lesser (or greater) of two where one is a multiple of a fixed d: only the other needs dividing, for rounding keeps the order."""
    if not (
        isinstance(n, c.Call)
        and n.operation in ("取小", "取大")
        and isinstance(d, c.Literal)
        and isinstance(d.value, int)
    ):
        return None
    pick = c.least if n.operation == "取小" else c.greatest
    for one, other in (n.operands, n.operands[::-1]):
        factor = other.operands[1] if isinstance(other, c.Call) and other.operation == "×" else None
        if (
            isinstance(other, c.Call)
            and isinstance(factor, c.Literal)
            and isinstance(factor.value, int)
            and factor.value % d.value == 0
        ):
            return pick, one, c.multiply(other.operands[0], c.literal(factor.value // d.value))
    return None


def _up(n: Expression, d: Expression) -> Expression:
    if n.low >= 0:
        return c.floor_divide(c.add(n, c.subtract(d, c.literal(1))), d)
    return c.negative(c.floor_divide(c.negative(n), d))


def _half_up(n: Expression, d: Expression) -> Expression:
    if isinstance(d, c.Literal) and isinstance(d.value, int):
        return c.floor_divide(c.add(n, c.literal(d.value // 2)), d)
    two = c.literal(2)
    return c.floor_divide(c.add(c.multiply(n, two), d), c.multiply(d, two))


def _by_sign(n: Expression, upper: Expression, lower: Expression) -> Expression:
    return c.choose(c.compare("≥", n, c.literal(0)), upper, lower)


# ── operators on plain values ────────────────────────────────────────────────


def _compared(sign: str, a: Low, b: Low) -> Expression:
    if a.over is None or b.over is None or a.over == b.over:
        return c.compare(sign, a.value, b.value)
    return c.compare(sign, c.multiply(a.value, b.over), c.multiply(b.value, a.over))


def _comparison(sign: str) -> Callable[[list[Low]], Low]:
    return lambda lows: Low(_compared(sign, *lows))


def _sum(operation: Callable[[Expression, Expression], Expression]) -> Callable[[list[Low]], Low]:
    def row(lows: list[Low]) -> Low:
        a, b = lows
        if a.over is None or b.over is None:
            return Low(operation(a.value, b.value))
        if a.over == b.over:
            return Low(operation(a.value, b.value), a.over)
        above = operation(c.multiply(a.value, b.over), c.multiply(b.value, a.over))
        return Low(above, c.multiply(a.over, b.over))

    return row


def _extreme(sign: str, pick: Callable[[Expression, Expression], Expression]) -> Callable[[list[Low]], Low]:
    def two(a: Low, b: Low) -> Low:
        if a.over is None or b.over is None:
            return Low(pick(a.value, b.value))
        first = _compared(sign, a, b)
        return Low(c.choose(first, a.value, b.value), c.choose(first, a.over, b.over))

    return lambda lows: reduce(two, lows)


_LEAST, _MOST_OF = _extreme("≤", c.least), _extreme("≥", c.greatest)


def _limited(lows: list[Low]) -> Low:
    return _LEAST([_MOST_OF(lows[:2]), lows[2]])


def _absolute(lows: list[Low]) -> Low:
    return Low(c.absolute(lows[0].value), lows[0].over)


_PLAIN: dict[str, Callable[[list[Low]], Low]] = {
    "非": lambda lows: Low(c.negate(lows[0].value)),
    "=": _comparison("="),
    "≠": _comparison("≠"),
    "<": _comparison("<"),
    ">": _comparison(">"),
    "≤": _comparison("≤"),
    "≥": _comparison("≥"),
    "+": _sum(c.add),
    "-": _sum(c.subtract),
    "负": lambda lows: Low(c.negative(lows[0].value), lows[0].over),
    "取小": _LEAST,
    "取大": _MOST_OF,
    "限于": _limited,
    "绝对值": _absolute,
    "数值": lambda lows: Low(lows[0].value, lows[0].over),
    "年数": lambda lows: Low(lows[0].value, lows[0].over),
    "月数": lambda lows: Low(lows[0].value, lows[0].over),
    "天数": lambda lows: Low(lows[0].value, lows[0].over),
}


# ── operators on dates ───────────────────────────────────────────────────────

_FIRST_DAY, _LAST_DAY = 1, 3_652_059
_FIRST_MONTH, _LAST_MONTH = 12, 9999 * 12 + 11


def _outside(value: Expression, low: int, high: int) -> tuple[Expression, Expression]:
    """The value held within bounds, and whether it was outside."""
    out = c.either(c.compare("<", value, c.literal(low)), c.compare(">", value, c.literal(high)))
    return c.least(c.greatest(value, c.literal(low)), c.literal(high)), out


def _days_on(day: Expression, days: Expression) -> Low:
    if day.low + days.low >= _FIRST_DAY and day.high + days.high <= _LAST_DAY:
        return Low(c.plus_days(day, days))
    from datetime import date

    number = c.add(c.days_between(day, c.literal(date.min)), days)
    held, out = _outside(number, 0, _LAST_DAY - 1)
    return Low(c.plus_days(c.literal(date.min), held), None, out)


def _months_on(day: Expression, months: Expression, carry: bool) -> Low:
    number = c.add(c.add(c.multiply(c.year_of(day), c.literal(12)), c.subtract(c.month_of(day), c.literal(1))), months)
    out: Expression = FALSE
    if number.low < _FIRST_MONTH or number.high > _LAST_MONTH:
        held, out = _outside(number, _FIRST_MONTH, _LAST_MONTH)
        months = c.add(months, c.subtract(held, number))
    moved = c.plus_months(day, months)
    if carry and not (isinstance(months, c.Literal) and months.value == 0):
        clipped = c.compare("≠", c.day_of(moved), c.day_of(day))
        moved = c.choose(clipped, c.plus_days(moved, c.literal(1)), moved)
    return Low(moved, None, out)


def _of_year(year: Expression, month: int, day: int) -> Low:
    held, out = _outside(year, 1, 9999)
    return Low(c.make_date(held, c.literal(month), c.literal(day)), None, out)


def _made(year: Expression, month: Expression, day: Expression) -> Low:
    y, no_year = _outside(year, 1, 9999)
    n, no_month = _outside(month, 1, 12)
    d, no_day = _outside(day, 1, max(day.high, 1))
    return Low(c.make_date(y, n, d), None, c.either(no_year, no_month, no_day))


def _months_between(start: Expression, end: Expression) -> Low:
    """Whole months: one less than the calendar says where the day of the month is not reached yet, the month's end counting as any later day."""
    years = c.subtract(c.year_of(end), c.year_of(start))
    months = c.add(c.multiply(years, c.literal(12)), c.subtract(c.month_of(end), c.month_of(start)))
    late = c.both(
        c.compare(">", c.day_of(start), c.day_of(end)),
        c.compare("≠", end, c.month_last(end)),
    )  # fmt: skip
    return Low(c.choose(late, c.subtract(months, c.literal(1)), months))


def _age(birth: Expression, day: Expression) -> Low:
    return Low(c.floor_divide(_months_between(birth, day).value, c.literal(12)))


_ON_DATES: dict[str, Callable[..., Low]] = {
    "年度首日": lambda y: _of_year(y, 1, 1),
    "年度末日": lambda y: _of_year(y, 12, 31),
    "月初": lambda d: Low(c.month_first(d)),
    "月末": lambda d: Low(c.month_last(d)),
    "日期": _made,
    "年度于": lambda d: Low(c.year_of(d)),
    "月份": lambda d: Low(c.month_of(d)),
    "日": lambda d: Low(c.day_of(d)),
    "星期": lambda d: Low(c.weekday(d)),
    "周岁": _age,
    "整月数": _months_between,
}
"""Functions of dates; with `_PLAIN`, 且 或 × ÷ and the sums on dates these are all of `tiaoli.operators`, as a test says."""

__all__ = ["Low", "Wishes", "column", "lower", "nodes", "present_column", "quotient", "sort_of"]
