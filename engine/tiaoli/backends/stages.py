"""Rules of several kinds of records → the steps of a year: stages of one kind each, and group-bys between them.

A rule that reads a rule of another record, through a link or in an aggregate, stands one level above it. The rules of one kind on one
level are a stage: one generated function that runs over all records of the kind. Values of other records reach it by joins (the link is
a key into the other kind's records) and as group-bys (one pass over the members fills a dict from record to figure). Both forms are
those of columns and of SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

from tiaoli import model as m
from tiaoli.backends.interpreter import Compiled, Plan, describe, nodes, plan
from tiaoli.backends.python_code import HELPERS, Writer, rule_lines
from tiaoli.values import INSURED, Kind

ERRORS = (ArithmeticError, LookupError, ValueError, TypeError, AttributeError)
"""What generated code raises where a value cannot be computed."""

StageFunction: TypeAlias = Callable[..., list[tuple[Any, ...]]]
GroupFunction: TypeAlias = Callable[..., tuple[dict[str, Any], dict[str, int]]]


@dataclass(frozen=True, slots=True)
class Stage:
    """The rules of one kind of records on one level. ``shared``: the values of a record of which nothing is known yet are those of all such."""

    entity: str
    rules: tuple[m.Rule, ...]
    throughs: tuple[m.Through, ...]
    function: StageFunction
    shared: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A group-by: an aggregate over all records of its members' kind, ``key`` its name in the year. ``owners``: the rules that read it."""

    key: str
    aggregate: m.Aggregate
    owners: tuple[str, ...]
    throughs: tuple[m.Through, ...]
    function: GroupFunction

    def figures(self, sums: Mapping[str, Any], counts: Mapping[str, int]) -> Mapping[str, Any]:
        """Return the figure of each record from what the pass over the members gave."""
        form, value = self.aggregate.form, self.aggregate.value
        if form not in ("占比", "平均"):
            return sums
        unit = 10 ** (value.scale or 0) if form == "平均" and value is not None else 1
        return {key: Fraction(total, counts[key] * unit) for key, total in sums.items()}


Step: TypeAlias = Stage | Group


@dataclass(frozen=True)
class Staged:
    """Rules of several kinds of records, ready to run: what is computed of each kind, and the steps of each year."""

    program: m.Program
    asked: range
    begin: int
    kinds: Mapping[str, Compiled]
    years: Mapping[int, tuple[Step, ...]]
    readings: Mapping[str, str]

    @property
    def aggregates(self) -> Iterator[tuple[m.Aggregate, tuple[str, ...]]]:
        """Yield each aggregate of each year with the rules that read it."""
        for steps in self.years.values():
            yield from ((s.aggregate, s.owners) for s in steps if isinstance(s, Group))

    @property
    def persons_only_read(self) -> bool:
        """Whether no record needs an insured person, so that these may come in portions behind all others."""
        gathered = any(aggregate.members == INSURED for aggregate, _ in self.aggregates)
        return not gathered and all(self.program.facts[name].type.target != INSURED for name in self.links)

    @property
    def links(self) -> frozenset[str]:
        """The link facts that rules go through or gather members by."""
        found: set[str] = set()
        for steps in self.years.values():
            for step in steps:
                found |= {
                    n.name
                    for t in step.throughs
                    for n in m.walk(t)
                    if isinstance(n, m.FactRef) and n.type.kind is Kind.LINK
                }
                if isinstance(step, Group):
                    found.add(step.aggregate.link)
        return frozenset(found)


def stage_program(
    program: m.Program,
    asked: range,
    outputs: tuple[str, ...],
    readings: Mapping[str, str],
    lasting: Sequence[str],
    present: Sequence[str],
) -> Staged:
    """Return the rules ``outputs`` and all they need, of whatever kind of record, for the years ``asked``.

    ``present``: the kinds of records there are; their mandates are watched.
    """
    made = plan(program, asked, outputs, readings, lasting, m.walk, present)
    kinds = {
        entity: describe(program, asked, outputs, readings, made, entity) for entity in (INSURED, *program.entities)
    }
    cache: dict[str, Any] = {}
    years = {year: tuple(_steps(program, year, made, kinds, cache)) for year in sorted(made.years)}
    return Staged(program, asked, made.begin, kinds, years, readings)


# ── levels ───────────────────────────────────────────────────────────────────


def _steps(
    program: m.Program, year: int, made: Plan, kinds: Mapping[str, Compiled], cache: dict[str, Any]
) -> Iterator[Step]:
    rules = made.years[year]
    levels = levels_of(rules)
    groups = gathered_in(rules, levels)
    keys = {aggregate: f"A{i}" for i, aggregate in enumerate(groups)}
    done: dict[str, set[str]] = {entity: set() for entity in kinds}
    for level in range(max(levels.values(), default=-1) + 1):
        for aggregate, (at, owners) in groups.items():
            if at == level:
                yield _group(program, year, kinds, keys[aggregate], aggregate, owners, cache)
        for entity in kinds:
            own = [r for r in rules if r.entity == entity and levels[r.name] == level]
            if own:
                yield _stage(program, year, kinds, entity, own, done[entity], keys, cache)
                done[entity] |= {r.name for r in own}


def levels_of(rules: Sequence[m.Rule]) -> dict[str, int]:
    """How many other records lie at most between a rule and what it rests on in the year; ``rules`` stand in dependency order."""
    levels: dict[str, int] = {}
    for rule in rules:
        own = {id(n) for n in nodes(rule, m.walk_own)}
        read = [n for n in nodes(rule, m.walk) if isinstance(n, m.RuleRef) and not n.lag]
        levels[rule.name] = max((levels[n.name] + (id(n) not in own) for n in read), default=0)
    return levels


def gathered_in(rules: Sequence[m.Rule], levels: Mapping[str, int]) -> dict[m.Aggregate, tuple[int, tuple[str, ...]]]:
    """The aggregates of the year, equal ones once, each with the level before which it is needed and the rules that read it."""
    found: dict[m.Aggregate, tuple[int, tuple[str, ...]]] = {}
    for rule in rules:
        for node in nodes(rule, m.walk_own):
            if isinstance(node, m.Aggregate):
                level, owners = found.get(node, (levels[rule.name], ()))
                found[node] = (min(level, levels[rule.name]), (*owners, rule.name))
    return found


# ── generated code ───────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Joined(Writer):
    """Writes code over one record of many: what it reads of others are joins and group-bys.

    ``tables``: the lists it needs of other kinds. ``earlier``: the rules of the record worked out in stages before (None: all).
    """

    kinds: Mapping[str, Compiled] = field(default_factory=dict)
    earlier: set[str] | None = None
    keys: Mapping[m.Aggregate, str] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    throughs: list[m.Through] = field(default_factory=list)
    temporary: int = 0

    def rule(self, e: m.RuleRef) -> str:
        slot = self.slots[e.name]
        if e.lag:
            return self.input(f"s{slot}", f"S[{slot}]")
        done = self.earlier is None or e.name in self.earlier
        return self.input(f"v{slot}", f"V[{slot}]") if done else f"v{slot}"

    def through(self, e: m.Through) -> str:
        self.throughs.append(e)
        link = self.write(e.link)
        number = list(self.kinds).index(e.entity)
        index = self.table(f"I{number}", e.entity, "index")
        source, slot = self._source(e.value, number)
        if not e.link.type.nullable:
            return f"{source}[{index}[{link}]][{slot}]"
        if link.isidentifier():
            return f"(None if {link} is None else {source}[{index}[{link}]][{slot}])"
        self.temporary += 1
        held = f"t{self.temporary}"
        return f"(None if ({held} := {link}) is None else {source}[{index}[{held}]][{slot}])"

    def _source(self, value: m.FactRef | m.RuleRef, number: int) -> tuple[str, int]:
        entity = value.entity
        if isinstance(value, m.RuleRef):
            letter, name = ("S", "before") if value.lag else ("V", "now")
            return self.table(f"{letter}{number}", entity, name), self.kinds[entity].slots[value.name]
        slot = _slot(self.program, entity, value.name)
        if not value.yearly:
            return self.table(f"P{number}", entity, "facts"), slot
        letter, name = ("G", "last_year") if value.lag else ("F", "year")
        return self.table(f"{letter}{number}", entity, name), slot

    def table(self, name: str, entity: str, part: str) -> str:
        self.tables[name] = f"T[{entity!r}].{part}"
        return name

    def aggregate(self, e: m.Aggregate) -> str:
        key = self.keys[e]
        self.tables[key] = f"R[{key!r}]"
        self.inputs["ident"] = ""
        return f"{key}.get(ident, 0)" if e.form in ("计数", "合计") else f"{key}.get(ident)"


def _slot(program: m.Program, entity: str, name: str) -> int:
    yearly = program.facts[name].yearly
    return [f.name for f in program.facts_of(entity) if f.yearly is yearly].index(name)


def _writer(
    program: m.Program,
    year: int,
    kinds: Mapping[str, Compiled],
    entity: str,
    done: set[str] | None,
    keys: Mapping[m.Aggregate, str],
) -> _Joined:
    facts = program.facts_of(entity)
    person = {f.name: i for i, f in enumerate(f for f in facts if not f.yearly)}
    yearly = {f.name: i for i, f in enumerate(f for f in facts if f.yearly)}
    return _Joined(program, year, kinds[entity].slots, person, yearly, kinds=kinds, earlier=done, keys=keys)


_LISTS = {"n": "N", "ident": "I", "P": "P", "F": "F", "G": "G", "S": "S", "V": "V"}


def _loop(w: _Joined, more: set[str]) -> tuple[str, list[str]]:
    """The head of the loop over the records, and the lines that take each one's inputs apart."""
    unpack = [f"{name} = {source}" for name, source in sorted(w.inputs.items()) if source]
    used = {"n", *more} | {source[0] for source in w.inputs.values() if source}
    used |= {"ident"} & w.inputs.keys()
    names = [name for name in _LISTS if name in used]
    return f"for {', '.join(names)} in zip({', '.join(f'{_LISTS[x]}' for x in names)}):", unpack


def _made(source: str, constants: Mapping[str, Any], name: str, cache: dict[str, Any]) -> Any:
    key = source + repr(constants)
    function = cache.get(key)
    if function is None:
        space = {**HELPERS, **constants, "ERRORS": ERRORS}
        exec(compile(source, "<tiaoli>", "exec"), space)
        function = cache[key] = space[name]
    return function


def _stage(
    program: m.Program,
    year: int,
    kinds: Mapping[str, Compiled],
    entity: str,
    rules: list[m.Rule],
    done: set[str],
    keys: Mapping[m.Aggregate, str],
    cache: dict[str, Any],
) -> Stage:
    kept = kinds[entity]
    w = _writer(program, year, kinds, entity, done, keys)
    lines: list[str] = []
    for rule in rules:
        lines += rule_lines(w, rule)
    own = {r.name for r in rules}
    values = [_value(w, i, n, n in own, n in done, kept) for i, n in enumerate(kept.names)]
    head, unpack = _loop(w, {"V"} if done else set())
    body = [*unpack, *lines, f"add(({', '.join(values)}{',' if len(values) == 1 else ''}))"]
    source = "\n".join(
        [
            "def stage(N, I, P, F, G, S, V, T, R, bad, slow):",
            *(f"    {name} = {origin}" for name, origin in w.tables.items()),
            "    out = []",
            "    add = out.append",
            f"    {head}",
            "        if bad and n in bad:",
            "            add(slow(n))",
            "            continue",
            "        try:",
            *(f"            {line}" for line in body),
            "        except ERRORS:",
            "            add(slow(n))",
            "    return out",
        ]
    )
    shared = "ident" not in w.inputs and not any(s.startswith("P") for s in w.inputs.values())
    return Stage(entity, tuple(rules), tuple(w.throughs), _made(source, w.constants, "stage", cache), shared)


def _value(w: _Joined, index: int, name: str, own: bool, done: bool, kept: Compiled) -> str:
    if own:
        return f"v{index}"
    return f"V[{index}]" if done else w.constant(kept.initial[index])


def _group(
    program: m.Program,
    year: int,
    kinds: Mapping[str, Compiled],
    key: str,
    aggregate: m.Aggregate,
    owners: tuple[str, ...],
    cache: dict[str, Any],
) -> Group:
    w = _writer(program, year, kinds, aggregate.members, None, {})
    fact = program.facts[aggregate.link]
    link = m.FactRef(fact.type, None, m.ANY, aggregate.span, fact.name, fact.yearly, 0, aggregate.members)
    inner = [f"k = {w.write(link)}", "if k is None: continue"]
    if aggregate.condition is not None:
        inner.append(f"if not {w.write(aggregate.condition)}: continue")
    inner.append(f"x = {'1' if aggregate.value is None else w.write(aggregate.value)}")
    head, unpack = _loop(w, set())
    source = "\n".join(
        [
            "def group(N, I, P, F, G, S, V, T, R, bad, slow):",
            *(f"    {name} = {origin}" for name, origin in w.tables.items()),
            "    sums, counts = {}, {}",
            "    total, count = sums.get, counts.get",
            f"    {head}",
            "        if bad and n in bad:",
            "            k, x = slow(n)",
            "            if k is None: continue",
            "        else:",
            "            try:",
            *(f"                {line}" for line in [*_lazily(unpack, inner)]),
            "            except ERRORS:",
            "                k, x = slow(n)",
            "                if k is None: continue",
            *(f"        {line}" for line in _ADD[aggregate.form]),
            "    return sums, counts",
        ]
    )
    return Group(key, aggregate, owners, tuple(w.throughs), _made(source, w.constants, "group", cache))


def _lazily(unpack: list[str], inner: list[str]) -> Iterator[str]:
    """The link comes first: who is in no group need not be looked at."""
    link = inner[0].removeprefix("k = ")
    yield from (line for line in unpack if line.startswith(f"{link} ="))
    yield from inner[:2]
    yield from (line for line in unpack if not line.startswith(f"{link} ="))
    yield from inner[2:]


_SUM = ["sums[k] = total(k, 0) + x"]
_MEAN = [*_SUM, "counts[k] = count(k, 0) + 1"]
_ADD: dict[str, list[str]] = {
    "计数": _SUM,
    "合计": _SUM,
    "占比": _MEAN,
    "平均": _MEAN,
    "最大": ["y = total(k)", "if y is None or x > y: sums[k] = x"],
    "最小": ["y = total(k)", "if y is None or x < y: sums[k] = x"],
}
