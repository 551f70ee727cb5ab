"""Expressions and whole programs in SQL give the values of the reference, on edges and on random rulesets."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

import sql_engines as engines
import tiaoli
from sql_records import Wide, parsed, planned, results, setting, wide
from strategies import FIRST, LAST, Ruleset, records, rulesets, sampled
from strategies_entities import populations, worlds
from tiaoli import model as m
from tiaoli.api import Population
from tiaoli.backends import columns as c
from tiaoli.backends import sql, sql_code
from tiaoli.backends.columns import Sort
from tiaoli.batch.spark import stepwise
from tiaoli.values import INSURED

pytestmark = pytest.mark.no_cover  # what they run, others cover: being traced would only double their time

YEARS = range(FIRST, LAST + 1)

# ── what an expression is worth ──────────────────────────────────────────────


def worth(node: c.Expression, row: dict[str, Any]) -> Any:
    """Return the value of an expression for a row of columns, by definition."""
    match node:
        case c.Literal(value=value):
            return value
        case c.Read(name=name):
            return row[name]
        case c.Lookup(key=key, table=table):
            return dict(table).get(worth(key, row))
        case c.Call(operation="若", operands=(condition, then, otherwise)):
            return worth(then if worth(condition, row) else otherwise, row)
    values = [worth(o, row) for o in node.operands]
    match node.operation:
        case "无":
            return values[0] is None
        case "有":
            return values[0] is not None
        case "且":
            return False if False in values else None if None in values else True
        case "或":
            return True if True in values else None if None in values else False
    return None if None in values else c._COMPUTE[node.operation](*values)


# ── operations on edges ──────────────────────────────────────────────────────

WIDE = 10**37
RANGES = (
    (0, 100), (-7, 13), (-(2**31), 2**31 - 1), (2**31 - 10, 2**31 + 10), (0, 2**63 - 1), (-(2**63), 2**63 - 1),
    (-(10**12), 10**12), (-WIDE, WIDE), (0, WIDE), (2**63 - 3, 2**64),
)  # fmt: skip
DIVISORS = (
    (1, 1),
    (2, 2),
    (7, 7),
    (100, 100),
    (10**6, 10**6),
    (10**18, 10**18),
    (1, 50),
    (1, 2**31),
    (1, 10**12),
    (0, 9),
)
SIGNS = ("+", "-", "×", "整除", "取小", "取大", "=", "≠", "<", "≤", ">", "≥")
EDGES = [
    date(1, 1, 1), date(1, 2, 28), date(4, 2, 29), date(1582, 10, 4), date(1582, 10, 15), date(1899, 12, 31), date(1900, 2, 28),
    date(1900, 3, 1), date(1969, 12, 31), date(1970, 1, 1), date(2000, 2, 29), date(2023, 1, 30), date(2024, 1, 31), date(2024, 2, 29),
    date(2024, 3, 31), date(2024, 12, 31), date(2100, 2, 28), date(2199, 12, 31), date(9999, 2, 28), date(9999, 12, 1), date(9999, 12, 31),
]  # fmt: skip


class Bench:
    """A table of edges, and expressions over it: an engine works all of them out in one query."""

    def __init__(self, widest: int, height: int = 150) -> None:
        self.dice = random.Random(11)
        self.widest = widest
        self.height = height
        self.reads: dict[str, c.Read] = {}
        self.held: dict[str, list[Any]] = {}
        self.nodes: list[c.Expression] = []

    def column(self, sort: Sort, values: Sequence[Any], low: int = 0, high: int = 0) -> c.Read:
        """A column of values, in the order given where they are as many as there are rows."""
        name = f"列{len(self.reads)}"
        own = list(values)
        while len(own) < self.height:
            own += self.dice.sample(list(values), len(values))
        self.held[name] = own[: self.height]
        self.reads[name] = c.Read(sort, low, high, None in values, name)
        return self.reads[name]

    def whole(self, low: int, high: int) -> c.Read:
        near = {
            low,
            low + 1,
            high,
            high - 1,
            -1,
            0,
            1,
            (low + high) // 2,
            *(self.dice.randint(low, high) for _ in range(6)),
        }
        return self.column(Sort.WHOLE, sorted(v for v in near if low <= v <= high), low, high)

    def day(self, values: Sequence[date] = EDGES) -> c.Read:
        return self.column(Sort.DAY, values, 1, date.max.toordinal())

    # ── expressions ──
    def numbers(self) -> None:
        left = [self.whole(low, high) for low, high in RANGES]
        right = [self.whole(low, high) for low, high in RANGES]
        divisors = [c.literal(low) if low == high else self.whole(low, high) for low, high in DIVISORS]
        for a in left:
            self.nodes += [c.negative(a), c.absolute(a)]
            for sign in SIGNS:
                self._all(sign, a, divisors if sign == "整除" else right)

    def _all(self, sign: str, a: c.Expression, others: Sequence[c.Expression]) -> None:
        for b in others:
            for first in (a, c.subtract(a, c.literal(3))) if sign == "整除" else (a,):
                node = c.compare(sign, first, b) if sign in "=≠<≤>≥" else c._BUILD[sign](first, b)
                if max(-node.low, node.high, -first.low, first.high) <= self.widest:
                    self.nodes.append(node)

    def days(self) -> None:
        a, b = self.day(), self.day()
        self.nodes += [c._BUILD[name](a) for name in ("年", "月", "日", "星期", "月初", "月末")]
        self.nodes += [c.days_between(a, b), c.least(a, b), c.greatest(a, b)]
        self.nodes += [c.compare(sign, a, b) for sign in "=≠<≤>≥"]
        steps = (-1200, -13, -12, -1, 0, 1, 2, 11, 12, 13, 1199, 97_000)
        on = [(d, n) for d in EDGES for n in steps if 12 <= d.year * 12 + d.month - 1 + n < 120_000]
        self.nodes.append(c.plus_months(*self._pairs(on)))
        steps = (-400, -1, 0, 1, 31, 365, 3_000_000)
        self.nodes.append(
            c.plus_days(*self._pairs([(d, n) for d in EDGES for n in steps if 1 <= d.toordinal() + n <= 3_652_059]))
        )
        early, late = self.day(EDGES[1:]), self.day(EDGES[:-2])
        self.nodes += [c.plus_months(late, c.literal(1)), c.plus_days(early, c.literal(-1))]

    def _pairs(self, pairs: Sequence[tuple[date, int]]) -> tuple[c.Read, c.Read]:
        chosen = self.dice.choices(pairs, k=self.height)
        return self.day([d for d, _ in chosen]), self.column(Sort.WHOLE, [n for _, n in chosen], -4_000_000, 4_000_000)

    def made(self) -> None:
        year = self.column(Sort.WHOLE, (1, 4, 1900, 2000, 2023, 2024, 9999), 1, 9999)
        month, day = self.column(Sort.WHOLE, range(1, 13), 1, 12), self.column(Sort.WHOLE, (1, 28, 29, 30, 31), 1, 40)
        for n, d in (
            (month, day),
            (c.literal(2), c.literal(29)),
            (c.literal(12), c.literal(31)),
            (month, c.literal(3)),
        ):
            self.nodes.append(c.make_date(year, n, d))

    def logic(self) -> None:
        odd = "a'b\\c\""
        truth = [None, True, False]
        a, b = self.column(Sort.TRUTH, truth), self.column(Sort.TRUTH, truth)
        t = self.column(Sort.TEXT, [None, "甲", odd, "乙", ""])
        n = self.column(Sort.WHOLE, [None, -5, 0, 2**40], -5, 2**40)
        rest = c.choose(c.compare("=", t, c.literal(odd)), c.literal(7), c.absent(Sort.WHOLE))
        self.nodes += [c.both(a, b), c.either(a, b), c.negate(a), c.is_absent(a), c.is_there(a)]
        self.nodes += [c.both(c.negate(c.either(a, b)), a), c.compare("=", a, b), c.compare("≠", t, c.literal("甲"))]
        self.nodes += [
            c.choose(a, n, rest),
            c.choose(c.is_there(n), t, c.literal("无")),
            c.with_default(n, c.literal(3)),
        ]
        self.nodes += [
            c.lookup(t, {"甲": 1, odd: 2**33, "乙": None}, Sort.WHOLE),
            c.lookup(a, {True: "x", False: "y'"}, Sort.TEXT),
        ]

    # ── as a table ──
    def table(self, dialect: sql_code.Dialect) -> tuple[dict[str, str], list[list[Any]]]:
        kinds = {name: _spelled(sql_code.type_of(read, dialect), dialect) for name, read in self.reads.items()}
        return kinds, [[own[i] for own in self.held.values()] for i in range(self.height)]

    def query(self, dialect: sql_code.Dialect) -> str:
        from sqlglot import exp

        written = [exp.alias_(sql_code.expression(node, dialect), f"值{i}") for i, node in enumerate(self.nodes)]
        return exp.select(*written).from_("t").sql(dialect=dialect)

    def compare(self, found: Sequence[Sequence[Any]], shown: Callable[[Any], Any] = lambda v: v) -> None:
        """Compare with what is found, and name the first expression that differs."""
        for i, got in enumerate(found):
            row = {name: own[i] for name, own in self.held.items()}
            for node, other in zip(self.nodes, got, strict=True):
                assert shown(worth(node, row)) == other, (
                    node,
                    {n: row[n] for n in c.reads(node)},
                    worth(node, row),
                    other,
                )
        assert len(found) == self.height


def _spelled(kind: str, dialect: sql_code.Dialect) -> str:
    from sqlglot import exp

    return exp.DataType.build(kind).sql(dialect=dialect)


def bench(dialect: sql_code.Dialect) -> Bench:
    """All expressions that the dialect can hold."""
    made = Bench(10**38 - 1 if dialect == "spark" else 2**127 - 1)
    made.numbers()
    made.days()
    made.made()
    made.logic()
    return made


def test_operations_on_edges_in_duckdb() -> None:
    made = bench("duckdb")
    made.compare(engines.duckdb_rows({"t": made.table("duckdb")}, made.query("duckdb")))


needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs java")


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    with engines.spark_session() as session:
        yield session


needs_postgres = pytest.mark.skipif(not engines.postgres_is_there(), reason="no PostgreSQL server is installed")


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with engines.postgres_server() as folder:
        yield folder


@needs_java
def test_operations_on_edges_in_spark(spark: Any) -> None:
    made = bench("spark")
    made.compare(engines.spark_rows(spark, {"t": made.table("spark")}, made.query("spark")))


@needs_postgres
def test_operations_on_edges_in_postgres(postgres: str) -> None:
    made = bench("postgres")
    made.compare(
        engines.postgres_rows(postgres, {"t": made.table("postgres")}, made.query("postgres")), engines.as_text
    )


# ── whole programs ───────────────────────────────────────────────────────────

examples = partial(
    sampled,
    suppressed=(
        HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much, HealthCheck.large_base_example,
        HealthCheck.function_scoped_fixture,
    ),
)  # fmt: skip


def load(ruleset: Ruleset) -> tiaoli.Rules:
    """Return the rules; passes over rulesets with errors (values that could leave 64 bits)."""
    try:
        rules = tiaoli.loads(*ruleset.texts, place=ruleset.place)
        rules.program(LAST)
    except tiaoli.RulesetError as error:
        assert {d.code for d in error.diagnostics} <= {"E307", "E337"}, error
        assume(False)
    return rules


@dataclass(frozen=True)
class Drawn:
    """Random rules with records of persons, and what evaluation makes of each; None where it cannot be computed."""

    program: m.Program
    plan: c.Plan
    tables: Mapping[str, Wide]
    values: Mapping[str, Any]


def drawn(data: st.DataObject, whole: bool) -> Drawn:
    rules = load(data.draw(rulesets()))
    wanted = [n for n, texts in rules.program(LAST).rules.items() if not texts[0].hidden]
    compiled = rules.compiled(YEARS, wanted)
    given = [data.draw(records(rules.program(LAST), YEARS)) | {"编号": f"P{i}"} for i in range(3)]
    values: dict[str, Any] = {}
    for record in given:
        try:
            result = rules.evaluate(record, YEARS, rules=wanted)
            values[record["编号"]] = {year: dict(result[year]) for year in result}
        except tiaoli.EvaluationError:
            values[record["编号"]] = None
    people = [rules.reader(compiled).convert(record) for record in given]
    tables = {INSURED: wide(compiled.program, INSURED, people, YEARS, whole)}
    try:
        return Drawn(compiled.program, planned(compiled.program, YEARS, wanted, tables), tables, values)
    except tiaoli.UsageError as error:
        assert {d.code for d in error.diagnostics} == {"E860"}
        assume(False)
        raise


def matches(made: Drawn, found: Any) -> None:
    assert found == {ident: table for ident, table in made.values.items() if table is not None}


@examples(45)
@given(st.data())
def test_random_rulesets_in_duckdb(data: st.DataObject) -> None:
    whole = data.draw(st.booleans())
    made = drawn(data, whole)
    held = {f"{kind}表": table.typed("duckdb") for kind, table in made.tables.items()}
    own = setting(made.tables, "duckdb", whole)
    rows = engines.duckdb_rows(held, sql.query(made.plan, made.program, own))
    matches(made, results(made.plan, made.program, rows, whole))
    left_out = {row[0] for row in engines.duckdb_rows(held, sql.rejects(made.plan, made.program, own))}
    assert left_out == {ident for ident, table in made.values.items() if table is None}


def drawn_world(data: st.DataObject, whole: bool) -> tuple[Drawn, Population]:
    rules = load(data.draw(worlds()))
    given = data.draw(populations(rules.program(LAST), YEARS))
    kinds = {record.get("对象", INSURED) for record in given}
    every = rules.program(LAST).rules
    wanted = [n for n, texts in every.items() if not texts[0].hidden and texts[0].entity in kinds]
    assume(wanted)
    population = rules.population(given, YEARS, rules=wanted)
    program, people = population.gathering.staged.program, population.gathering.people
    tables = {kind: wide(program, kind, own.values(), YEARS, whole) for kind, own in people.items()}
    try:
        plan = planned(program, YEARS, wanted, tables)
    except tiaoli.UsageError as error:
        assert {d.code for d in error.diagnostics} <= {"E860", "E861"}
        assume(False)
    return Drawn(program, plan, tables, {}), population


@examples(30)
@given(st.data())
def test_random_worlds_in_duckdb(data: st.DataObject) -> None:
    whole = data.draw(st.booleans())
    made, population = drawn_world(data, whole)
    held = {f"{kind}表": table.typed("duckdb") for kind, table in made.tables.items()}
    own = setting(made.tables, "duckdb", whole)
    for kind in made.tables:
        rows = engines.duckdb_rows(held, sql.query(made.plan, made.program, own, kind))
        expected = {r.person.id: {y: dict(r[y]) for y in r} for r in population if r.person.entity == kind}
        assert results(made.plan, made.program, rows, whole, kind) == expected
        undone = {row[0] for row in engines.duckdb_rows(held, sql.rejects(made.plan, made.program, own, kind))}
        assert undone == {fault.person for fault in population.faults if fault.entity == kind}


# ── PostgreSQL and Spark ─────────────────────────────────────────────────────

few = partial(settings, deadline=None, suppress_health_check=list(HealthCheck))
Tables = dict[str, tuple[dict[str, str], tuple[tuple[Any, ...], ...]]]


def read_back(plan: c.Plan, kind: str, rows: Sequence[Sequence[str]]) -> list[list[Any]]:
    outputs = plan.kinds[kind].outputs
    return [[row[0], *(parsed(v, o.expression) for v, o in zip(row[1:], outputs, strict=True))] for row in rows]


def in_postgres(folder: str, made: Drawn, whole: bool, kind: str) -> tuple[Any, set[str]]:
    """Results of a kind, and the ids of those left out."""
    held = {f"{k}表": table.typed("postgres") for k, table in made.tables.items()}
    own = setting(made.tables, "postgres", whole)
    rows = engines.postgres_rows(folder, held, sql.query(made.plan, made.program, own, kind))
    faults = engines.postgres_rows(folder, held, sql.rejects(made.plan, made.program, own, kind))
    return results(made.plan, made.program, read_back(made.plan, kind, rows), whole, kind), {row[0] for row in faults}


def in_spark(session: Any, made: Drawn, whole: bool, kind: str) -> tuple[Any, set[str]]:
    held: Tables = {f"{k}表": table.typed("spark") for k, table in made.tables.items()}
    own = setting(made.tables, "spark", whole)
    found = []
    for parts in (sql.parts, sql.reject_parts):
        engines.spark_tables(session, held)
        frame = stepwise(session, parts(made.plan, made.program, own, kind))
        found.append([tuple(row) for row in frame.collect()])
    return results(made.plan, made.program, found[0], whole, kind), {row[0] for row in found[1]}


def agree_on_rules(made: Drawn, found: tuple[Any, set[str]]) -> None:
    matches(made, found[0])
    assert found[1] == {ident for ident, table in made.values.items() if table is None}


def agree_on_kind(population: Population, kind: str, found: tuple[Any, set[str]]) -> None:
    assert found[0] == {r.person.id: {y: dict(r[y]) for y in r} for r in population if r.person.entity == kind}
    assert found[1] == {fault.person for fault in population.faults if fault.entity == kind}


@needs_postgres
@few(max_examples=10)
@given(st.data())
def test_random_rulesets_in_postgres(postgres: str, data: st.DataObject) -> None:
    whole = data.draw(st.booleans())
    made = drawn(data, whole)
    agree_on_rules(made, in_postgres(postgres, made, whole, INSURED))


@needs_postgres
@few(max_examples=5)
@given(st.data())
def test_random_worlds_in_postgres(postgres: str, data: st.DataObject) -> None:
    whole = data.draw(st.booleans())
    made, population = drawn_world(data, whole)
    for kind in made.tables:
        agree_on_kind(population, kind, in_postgres(postgres, made, whole, kind))


@needs_java
@few(max_examples=4, phases=[Phase.generate])
@given(st.data())
def test_random_rulesets_in_spark(spark: Any, data: st.DataObject) -> None:
    whole = data.draw(st.booleans())
    made = drawn(data, whole)
    agree_on_rules(made, in_spark(spark, made, whole, INSURED))


@needs_java
@few(max_examples=2, phases=[Phase.generate])
@given(st.data())
def test_random_worlds_in_spark(spark: Any, data: st.DataObject) -> None:
    whole = data.draw(st.booleans())
    made, population = drawn_world(data, whole)
    kind = data.draw(st.sampled_from(sorted(made.tables)))
    agree_on_kind(population, kind, in_spark(spark, made, whole, kind))
