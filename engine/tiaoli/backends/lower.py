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
from typing import Any

from tiaoli import model as m
from tiaoli.backends import columns as c
from tiaoli.backends.columns import FALSE, TRUE, Expression, Sort
from tiaoli.backends.interpreter import Plan, facts_needed, plan
from tiaoli.backends.low import Low, reach, sort_of, without_members
from tiaoli.backends.lower_code import Writer
from tiaoli.backends.pruning import pruned
from tiaoli.backends.python_code import internal
from tiaoli.backends.sharing import sharing
from tiaoli.backends.stages import gathered_in, levels_of
from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import UsageError
from tiaoli.kept import Shelf
from tiaoli.operators import MOST_MEMBERS
from tiaoli.record_facts import default_of, limits_of
from tiaoli.simplify import Fixed, simplify
from tiaoli.uncollected import uncollected
from tiaoli.values import INSURED, Kind, Type

WIDEST = 2**127 - 1
"""The largest whole number that every columnar engine computes with."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a table run is to compute: rules by kind, clause codes beside them, a closing state.

    ``have``: the columns of each kind's table, by kind; a fact without a column has its default. ``opening``: the year at whose end the
    run begins, None for a run from the start. ``sharing``: what is computed for several columns is a column of its own, for an engine that
    would compute it for each.
    """

    outputs: tuple[str, ...]
    have: Mapping[str, frozenset[str]]
    readings: Mapping[str, str] = field(default_factory=dict)
    lasting: tuple[str, ...] = ()
    opening: int | None = None
    reasons: bool = False
    closing: bool = False
    sharing: bool = False

    @property
    def told(self) -> str:
        """The same as a text."""
        have = {kind: sorted(names) for kind, names in self.have.items()}
        readings = sorted(self.readings.items())
        return repr(
            (self.outputs, have, readings, self.lasting, self.opening, self.reasons, self.closing, self.sharing)
        )


def column(name: str, year: int | None) -> str:
    """Return the name of a column: of a fact or a rule, in a year where it has one."""
    return name if year is None else f"{name}@{year}"


def present_column(year: int) -> str:
    """Return the name of the column that says whether a record has a year."""
    return f"有记录@{year}"


_PLANS = Shelf("plans", c.Plan, ("tiaoli.backends.columns", "tiaoli.backends.expressions"), most=50)


def lower(program: m.Program, asked: range, wishes: Wishes) -> c.Plan:
    """Return the plan for the years ``asked``. Raises UsageError where a value cannot be held in columns."""
    paths = [d.path for d in program.documents.values()]
    span = f"{program.place} {program.first} {program.last} {asked}"
    facts = [f"{f.name} {f.required}" for f in program.facts.values()]
    return _PLANS.get(
        [span, wishes.told, *paths], [program.fingerprint, *facts], lambda: _lowered(program, asked, wishes)
    )


@uncollected()
def _lowered(program: m.Program, asked: range, wishes: Wishes) -> c.Plan:
    kinds = tuple(e for e in (INSURED, *program.entities) if e in wishes.have)
    alone = kinds == (INSURED,) and not _linked(program, wishes)
    walk: Callable[[m.Expression], Iterable[m.Expression]] = m.walk_own if alone else m.walk
    made = plan(program, asked, wishes.outputs, wishes.readings, wishes.lasting, walk, kinds)
    found = Lowering(program, asked, wishes, kinds, made, alone).plan()
    return sharing(found) if wishes.sharing else found


def _linked(program: m.Program, wishes: Wishes) -> bool:
    """Whether the table of persons has a column that points to other records."""
    return any(
        f.is_link and any(n == f.name or n.startswith(f.name + "@") for n in wishes.have[INSURED])
        for f in program.facts_of(INSURED)
    )


@dataclass
class Lowering:
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
            low = Writer(self, entity, year).rule(rule)
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
        whole = sort_of(rule.type) is Sort.WHOLE  # a state may be of any year's rules
        low, high = reach(self.program, rule.name) if whole else _whole_range(rule.range, rule.type, rule.scale)
        self.inputs[rule.entity][name] = c.Input(name, rule.name, year, None, True, low, high)
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
        low, high = limits_of(fact) if sort_of(fact.type) in (Sort.WHOLE, Sort.DAY) else (0, 0)
        given = c.Input(own, name, year, None, True, low, high) if opened else c.Input(own, name, year, default)
        self.inputs[fact.entity].setdefault(own, given)
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
                self.figures[year, aggregate] = without_members(aggregate)
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
        writer = Writer(self, aggregate.members, year)
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

        most = MOST_MEMBERS
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
                own = next((r for r in self.source.years.get(year, []) if r.name == name), None)
                computed = own is not None
                low = self.value(name, year) if computed else Low(c.absent(sort_of(rule.type)))
                direct = isinstance(low.value, c.Read) and low.value.name == column(name, year)
                citation = "" if own is None or direct else _citation(own)
                outputs.append(c.Output(column(name, year), low.value, name, year, citation))
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
        for fact in self.program.facts_of(kind):
            if fact.required_when is not None:
                yield from self._demanded(fact)

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
            condition = Writer(self, fact.entity, year).write(simplify(fact.required_when, fixed))  # type: ignore[arg-type]
            value = self.fact(fact.name, year if fact.yearly else None).value
            name = present_column(year)
            self.inputs[fact.entity].setdefault(name, c.Input(name, "", year))
            there = c.Read(Sort.TRUTH, 0, 0, False, name)
            asked = (
                condition.value if self._shows(fact.entity, condition.value, year) else c.both(there, condition.value)
            )
            fails = c.both(asked, c.is_absent(value))
            if fails is not FALSE:
                yield c.Check("E727", fact.name, year, fails)

    def _shows(self, kind: str, condition: Expression, year: int) -> bool:
        """Whether a condition holds only where the record has the year: a truth value of that year that stands is one that was given."""
        parts = condition.operands if isinstance(condition, c.Call) and condition.operation == "且" else (condition,)
        reads = (p.name for p in parts if isinstance(p, c.Read) and p.sort is Sort.TRUTH)
        given = (self.inputs[kind].get(name) for name in reads)
        return any(i is not None and i.year == year and i.default is not True for i in given)


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


def _sum_range(aggregate: m.Aggregate, measure: Expression) -> tuple[int, int]:
    low, high = min(measure.low, 0) * MOST_MEMBERS, max(measure.high, 0) * MOST_MEMBERS
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


__all__ = ["Low", "Wishes", "column", "lower", "present_column", "sort_of"]
