"""The interpreter: one Python function a year, generated from the model, over whole numbers.

A person is a tuple of facts and a tuple a year; the function of a year takes those, the facts of the year before and the values of
the year before, and returns the values of the year, one slot a rule. Money is a whole number of 分, a rate of 10**-scale; ratios
appear only below a division. Rules that nothing asked for needs are left out, and years in which no rule reads a fact of the person
are worked out once for all who have no record yet.

When a function fails (division by zero, exceptions in conflict), `tiaoli.trace` works the year out again and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, TypeAlias

from tiaoli import model as m
from tiaoli.backends.python_code import HELPERS, Writer, internal, rule_lines
from tiaoli.operators import BOOL
from tiaoli.simplify import Fixed, simplify, simplify_rule
from tiaoli.values import INSURED, Kind, Mode

Values: TypeAlias = tuple[Any, ...]
YearFunction: TypeAlias = Callable[[Values, Values, Values, Values], Values]


@dataclass(frozen=True, slots=True)
class Compiled:
    """The rules of one kind of record, ready to run for the years ``asked``.

    ``functions[y]`` gives the values of year y, one a slot; ``begin`` is the first year that must be computed;
    ``initial`` are the values before it. ``names`` are the rules by slot; ``watched`` the slots of mandates that only a record's values
    decide, false where they are broken. ``shared_until``: before this year no rule reads a fact of
    the record. ``beyond`` is what the rules read of other records, each with the rule: a record that stands alone has no links and no
    members. ``pointers``: the link facts among that, with their places among the facts.
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
    entity: str = INSURED
    beyond: tuple[tuple[str, m.Through | m.Aggregate], ...] = ()
    pointers: tuple[tuple[str, m.Fact, int], ...] = ()
    _shared: dict[int, Values] = field(default_factory=dict, compare=False)

    @property
    def aggregates(self) -> list[tuple[str, m.Aggregate]]:
        """The aggregates computed, each with its rule."""
        return [(rule, node) for rule, node in self.beyond if isinstance(node, m.Aggregate)]

    @property
    def joined(self) -> bool:
        """Whether a record needs others of its own kind."""
        linked = any(fact.type.target == self.entity for _, fact, _ in self.pointers)
        return linked or any(node.members == self.entity for _, node in self.aggregates)

    def lost(self, kinds: Container[str]) -> dict[str, str]:
        """Return the links through which rules go to kinds other than ``kinds``, each with one of the rules."""
        return {fact.name: rule for rule, fact, _ in self.pointers if fact.type.target not in kinds}

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


Walk: TypeAlias = Callable[[m.Expression], Iterable[m.Expression]]
"""`model.walk`, or `model.walk_own` where a record stands alone."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What must be computed: the simplified rules of each year in dependency order, and what a closing state keeps.

    ``every`` holds each rule once, by name, also those that only have an initial value.
    """

    begin: int
    years: Mapping[int, list[m.Rule]]
    every: Mapping[str, m.Rule]
    memory: frozenset[str]
    memory_facts: frozenset[str]


def compile_program(
    program: m.Program,
    asked: range,
    outputs: Iterable[str],
    readings: Mapping[str, str] | None = None,
    lasting: Iterable[str] = (),
) -> Compiled:
    """Return the program compiled for the rules ``outputs`` of insured persons in the years ``asked`` and the readings chosen.

    ``lasting`` are rules that later runs will ask for; a closing state remembers what they need.
    """
    readings = dict(readings or {})
    chosen = tuple(outputs)
    made = plan(program, asked, chosen, readings, lasting, m.walk_own, (INSURED,))
    kept = describe(program, asked, chosen, readings, made, INSURED)
    functions, shared_until = _functions(made, kept)
    return replace(kept, functions=functions, shared_until=shared_until)


def plan(
    program: m.Program,
    asked: range,
    outputs: tuple[str, ...],
    readings: Mapping[str, str],
    lasting: Iterable[str],
    walk: Walk,
    kinds: Container[str],
) -> Plan:
    """Work back from the last year: each year holds the rules asked for and those that the year after reads through 上年.

    Mandates of the ``kinds`` of records go along.
    """
    mandates = {year: _mandates(program, year, kinds) for year in asked}
    years: dict[int, list[m.Rule]] = {}
    every: dict[str, m.Rule] = {}
    carried, lagged = _remembered(program, asked.stop, {*outputs, *lasting}, walk)
    memory, previous_facts = set(carried), set(lagged)
    begin = asked.start
    for year in range(asked.stop - 1, program.first - 1, -1):
        own = mandates.get(year, {})
        wanted = carried | set(own) | (set(outputs) if year >= asked.start else set())
        if not wanted and not lagged and year < asked.start:
            break
        begin = year
        rules = _needed(program, year, tuple(own.values()), wanted, readings, walk)
        every.update((r.name, r) for r in rules)
        years[year] = rules
        carried, lagged = _carried(rules, walk)
        memory |= carried
        previous_facts |= lagged
    for own in mandates.values():
        for name, rule in own.items():
            every.setdefault(name, rule)
    for name in memory:
        every.setdefault(name, program.rules[name][0])
    return Plan(begin, years, every, frozenset(memory), frozenset(previous_facts))


def _remembered(program: m.Program, following: int, wanted: set[str], walk: Walk) -> tuple[set[str], set[str]]:
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
        found, facts = _carried(rules, walk)
        read = {n.name for r in rules for n in nodes(r, walk) if isinstance(n, m.RuleRef)}
        carried |= found
        lagged |= facts
        pending += read - seen
        seen |= read
    return carried, lagged


def describe(
    program: m.Program,
    asked: range,
    outputs: tuple[str, ...],
    readings: Mapping[str, str],
    made: Plan,
    entity: str,
) -> Compiled:
    """Return what is compiled for one kind of record, all but the functions."""
    every = {name: rule for name, rule in made.every.items() if rule.entity == entity}
    names = tuple(every)
    slots = {name: i for i, name in enumerate(names)}
    own = {f.name for f in program.facts_of(entity)}
    needed = facts_needed(made, own)
    computed = {year: frozenset(r.name for r in rules if r.entity == entity) for year, rules in made.years.items()}
    beyond = [
        (r.name, n)
        for rules in made.years.values()
        for r in rules
        if r.entity == entity
        for n in nodes(r, m.walk_own)
        if isinstance(n, m.Through | m.Aggregate)
    ]
    return Compiled(
        program, asked, tuple(n for n in outputs if program.rules[n][0].entity == entity), made.begin, names, slots,
        tuple(internal(every[n].initial, every[n].scale) for n in names), {}, computed, needed,
        tuple(internal(f.default, f.digits) for f in program.facts_of(entity) if f.yearly), made.begin, readings,
        tuple(n for n in names if n in made.memory), tuple(sorted(n for n in made.memory_facts if n in own)),
        {y: _watched(program, y, computed[y], slots, entity) for y in made.years if y in asked},
        entity, tuple(dict.fromkeys(beyond)), tuple(_pointers(program, beyond, entity)),
    )  # fmt: skip


def facts_needed(made: Plan, own: set[str]) -> dict[int, set[str]]:
    """Return which of the facts ``own`` rules read, by year; those of the whole record under 0."""
    needed: dict[int, set[str]] = {}
    for year, rules in made.years.items():
        for lag, name in _facts_of(rules):
            if name in own:
                needed.setdefault(year - lag, set()).add(name)
        needed.setdefault(0, set()).update(_lasting_facts_of(rules) & own)
    return needed


def _pointers(
    program: m.Program, beyond: list[tuple[str, m.Through | m.Aggregate]], entity: str
) -> Iterator[tuple[str, m.Fact, int]]:
    """Yield each link fact of the record that a rule goes through, once, with the rule and its place among the facts."""
    seen: set[str] = set()
    for rule, node in beyond:
        for ref in m.walk_own(node):
            if isinstance(ref, m.FactRef) and ref.type.kind is Kind.LINK and ref.name not in seen:
                seen.add(ref.name)
                fact = program.facts[ref.name]
                own = [f.name for f in program.facts_of(entity) if f.yearly is fact.yearly]
                yield rule, fact, own.index(ref.name)


def _watched(
    program: m.Program, year: int, computed: Container[str], slots: Mapping[str, int], entity: str
) -> tuple[tuple[int, m.Mandate], ...]:
    own = ((f"要求 {g.span}", g) for g in program.segment(year).mandates if g.entity == entity)
    return tuple((slots[name], mandate) for name, mandate in own if name in computed)


def _functions(made: Plan, kept: Compiled) -> tuple[dict[int, YearFunction], int]:
    """The function of each year, and the first year in which a rule reads a fact of the person."""
    program = kept.program
    facts = program.facts_of(kept.entity)
    person = {f.name: i for i, f in enumerate(f for f in facts if not f.yearly)}
    yearly = {f.name: i for i, f in enumerate(f for f in facts if f.yearly)}
    cache: dict[str, YearFunction] = {}
    functions: dict[int, YearFunction] = {}
    shared_until = made.begin
    still_shared = True
    for year in sorted(made.years):
        w = Writer(program, year, kept.slots, person, yearly)
        functions[year] = _function(w, made.years[year], kept, cache)
        still_shared = still_shared and not any(name.startswith("p") for name in w.inputs)
        if still_shared:
            shared_until = year + 1
    return functions, shared_until


def _mandates(program: m.Program, year: int, kinds: Container[str]) -> dict[str, m.Rule]:
    """The mandates of the year that parameters do not decide, as hidden rules of type 是否."""
    found: dict[str, m.Rule] = {}
    for mandate in program.segment(year).mandates:
        if not mandate.decided and mandate.first <= year <= mandate.last and mandate.entity in kinds:
            name = f"要求 {mandate.span}"
            clause = m.Clause(None, mandate.condition, mandate.basis, None, mandate.document, mandate.span)
            found[name] = m.Rule(
                name, BOOL, 0, False, True, year, year, m.Cases((), (clause,)), Mode.HALF_UP, Fraction(1), False, None, False,
                m.ANY, mandate.document, mandate.basis, None, mandate.span, mandate.entity,
            )  # fmt: skip
    return found


def _needed(
    program: m.Program,
    year: int,
    mandates: tuple[m.Rule, ...],
    wanted: set[str],
    readings: Mapping[str, str],
    walk: Walk,
) -> list[m.Rule]:
    """The rules of the year that ``wanted`` needs, simplified, in dependency order."""
    fixed = Fixed(program, year, readings)
    simple = {}
    need = set(wanted)
    for rule in reversed((*program.segment(year).rules, *mandates)):
        if rule.name in need:
            simple[rule.name] = simplify_rule(rule, fixed)
            need |= {n.name for n in nodes(simple[rule.name], walk) if isinstance(n, m.RuleRef) and not n.lag}
    return list(reversed(simple.values()))


def nodes(rule: m.Rule, walk: Walk) -> Iterator[m.Expression]:
    """Yield the nodes that the generated code of a rule computes."""
    for expression in _live(rule):
        yield from walk(expression)


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


def _carried(rules: list[m.Rule], walk: Walk) -> tuple[set[str], set[str]]:
    read = [n for r in rules for n in nodes(r, walk)]
    return (
        {n.name for n in read if isinstance(n, m.RuleRef) and n.lag},
        {n.name for n in read if isinstance(n, m.FactRef) and n.lag},
    )


def _lasting_facts_of(rules: list[m.Rule]) -> set[str]:
    """The facts of whole records, not of their years, that rules read."""
    return {n.name for r in rules for n in nodes(r, m.walk) if isinstance(n, m.FactRef) and not n.yearly} | {
        n.link for r in rules for n in nodes(r, m.walk) if isinstance(n, m.Aggregate)
    }


def _facts_of(rules: list[m.Rule]) -> set[tuple[int, str]]:
    """The yearly facts that rules read, of whatever record, each with its lag."""
    read = [n for r in rules for n in nodes(r, m.walk)]
    plain = {(n.lag, n.name) for n in read if isinstance(n, m.FactRef) and n.yearly}
    return plain | {(0, n.link) for n in read if isinstance(n, m.Aggregate)}


def _function(w: Writer, rules: list[m.Rule], kept: Compiled, cache: dict[str, YearFunction]) -> YearFunction:
    lines: list[str] = []
    for rule in rules:
        lines += rule_lines(w, rule)
    own = {r.name for r in rules}
    values = [f"v{i}" if n in own else w.constant(kept.initial[i]) for i, n in enumerate(kept.names)]
    unpack = [f"{name} = {source}" for name, source in sorted(w.inputs.items())]
    body = [*unpack, *lines, f"return ({', '.join(values)}{',' if len(values) == 1 else ''})"]
    source = "def year(P, F, G, S):\n" + "\n".join("    " + line for line in body)
    key = source + repr(w.constants)
    function = cache.get(key)
    if function is None:
        space = {**HELPERS, **w.constants}
        exec(compile(source, "<tiaoli>", "exec"), space)
        function = cache[key] = space["year"]
    return function


def condition_function(program: m.Program, fact: m.Fact) -> Callable[[int, Values, Values], bool]:
    """Return the condition of 必填 当 as a function of (year, facts of the person, facts of the year)."""
    assert fact.required_when is not None
    facts = program.facts_of(fact.entity)
    person = {f.name: i for i, f in enumerate(f for f in facts if not f.yearly)}
    yearly = {f.name: i for i, f in enumerate(f for f in facts if f.yearly)}
    written: dict[int, Callable[[Values, Values], bool]] = {}

    def at(year: int) -> Callable[[Values, Values], bool]:
        w = Writer(program, year, {}, person, yearly)
        source = w.write(simplify(fact.required_when, Fixed(program, year, {})))  # type: ignore[arg-type]
        inputs = "".join(f"    {name} = {origin}\n" for name, origin in sorted(w.inputs.items()))
        space = {**HELPERS, **w.constants}
        exec(compile(f"def holds(P, F):\n{inputs}    return {source}\n", "<tiaoli>", "exec"), space)
        return space["holds"]  # type: ignore[no-any-return]

    def holds(year: int, facts: Values, of_year: Values) -> bool:
        function = written.get(year)
        if function is None:
            function = written[year] = at(year)
        return function(facts, of_year)

    return holds
