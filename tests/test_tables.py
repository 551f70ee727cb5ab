"""Gaps and overlaps of tables against trying every input, and how long tables of thousands of rows take."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import product

import pytest

from tiaoli import model as m
from tiaoli.check_desk import Constants
from tiaoli.pipeline import check_library, read_library
from tiaoli.source import Source, Span
from tiaoli.tables import examine
from tiaoli.values import Kind, Type, Value

SPAN = Span(Source("", ""), 0, 0)
ENV = Constants(2025, {}, {})
LETTERS = ("甲", "乙", "丙")
NUMBER, CHOICE, YES = Type(Kind.INT), Type(Kind.ENUM, LETTERS), Type(Kind.BOOL)


def constant(value: Value, kind: Type) -> m.Constant:
    return m.Constant(kind, 0, m.ANY, SPAN, value)


def column(kind: Type, nullable: bool) -> m.FactRef:
    reach = (Fraction(0), Fraction(9)) if kind is NUMBER else m.ANY
    return m.FactRef(Type(kind.kind, kind.members, nullable), 0, reach, SPAN, "列", False, 0)


def inputs(of: m.FactRef) -> list[Value]:
    values: list[Value] = {Kind.INT: [*map(Fraction, range(10))], Kind.ENUM: [*LETTERS]}.get(
        of.type.kind, [True, False]
    )
    return [*values, None] if of.type.nullable else values


def random_test(choose: random.Random, of: m.FactRef) -> m.Test:
    kind = of.type.present
    absent = of.type.nullable and choose.random() < 0.3
    if choose.random() < 0.2:
        return m.Test()
    if kind != NUMBER or choose.random() < 0.4:
        some = choose.sample(inputs(column(kind, False)), choose.randint(1, 2))
        return m.Test(tuple(constant(v, kind) for v in some), (), absent)
    low, high = sorted(choose.choices(range(-1, 12), k=2))
    edges = (None if low < 0 else constant(Fraction(low), kind), None if high > 10 else constant(Fraction(high), kind))
    bound = (edges[0], choose.random() < 0.5, edges[1], choose.random() < 0.5)
    return m.Test((), (bound,), absent)


def fits(test: m.Test, value: Value) -> bool:
    if test.any:
        return True
    if value is None:
        return test.absent
    return any(v.value == value for v in test.values if isinstance(v, m.Constant)) or any(
        inside(bound, value) for bound in test.bounds
    )


def inside(bound: tuple[m.Expression | None, bool, m.Expression | None, bool], value: Value) -> bool:
    low, with_low, high, with_high = bound
    assert isinstance(value, Fraction)
    above = low is None or value > edge(low) or (with_low and value == edge(low))
    return above and (high is None or value < edge(high) or (with_high and value == edge(high)))


def edge(one: m.Expression) -> Fraction:
    assert isinstance(one, m.Constant) and isinstance(one.value, Fraction)
    return one.value


def random_table(choose: random.Random) -> m.DecisionTable:
    columns = tuple(
        column(choose.choice((NUMBER, NUMBER, CHOICE, YES)), choose.random() < 0.3) for _ in range(choose.randint(1, 3))
    )
    one = constant(Fraction(1), NUMBER)
    rows = tuple(
        m.Row(tuple(random_test(choose, of) for of in columns), constant(True, YES), one, (), None, SPAN)
        for _ in range(choose.randint(1, 7))
    )
    return m.DecisionTable(columns, rows, choose.random() < 0.3, None)


def tried(table: m.DecisionTable) -> Iterator[tuple[tuple[Value, ...], frozenset[int]]]:
    """Every input with the rows that it fits."""
    for given in product(*(inputs(of) for of in table.columns if isinstance(of, m.FactRef))):
        rows = enumerate(table.rows)
        yield given, frozenset(n for n, row in rows if all(map(fits, row.tests, given)))


@pytest.mark.parametrize("seed", range(400))
def test_what_is_found_is_what_trying_every_input_finds(seed: int) -> None:
    table = random_table(random.Random(seed))
    findings, idle = examine(table, ENV)
    every = dict(tried(table))
    sorts = set(every.values())
    assert idle == set(range(len(table.rows))) - {min(rows) for rows in sorts if rows}
    for found in findings:
        rows = every[found.example]
        assert found.rows == tuple(sorted(rows))[:2] and (not rows or not table.first_hit)
    doubled = [] if table.first_hit else [rows for rows in sorts if len(rows) > 1]
    assert len(findings) == len(doubled) + (frozenset() in sorts)
    assert {every[f.example] for f in findings} == {*doubled, *({frozenset()} & sorts)}


HEAD = "文件 甲 地区 CN 施行 2025年度\n条文 一 编码 码, 额, 标准\n事实 额: 整数 范围 0..1000000 依据 一\n"
ROWS = {
    "ranges": ("额", "{n}00(含)..{n}99(含)"),
    "values": ("额", "{n}"),
    "codes and ranges": ("码 | 额", "码{code} | {part}00(含)..{part}99(含)"),
    "first hit": ("额", "≤ {n}"),
}


@pytest.mark.parametrize("sort", ROWS)
def test_tables_of_thousands_of_rows_are_checked_in_a_moment(sort: str) -> None:
    columns, cells = ROWS[sort]
    codes = " | ".join(f"码{n}" for n in range(150))
    rows = "\n".join(f"  行 | {cells.format(n=n, code=n // 20, part=n % 20)} | {n}元 依据 一" for n in range(3_000))
    hit = " 命中 首个" if sort == "first hit" else ""
    text = f"{HEAD}事实 码: {codes} 依据 一\n表 标准: 金额\n  列 | {columns} | 得{hit}\n{rows}\n  否则 0元 依据 一\n"
    library = read_library([Source("甲.tiaoli", text)])
    began = time.process_time()
    assert check_library(library) == []
    assert time.process_time() - began < 3, "quadratic again: 3,000 rows took some 9 s before"
