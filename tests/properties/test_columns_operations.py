"""Operations on columns: Polars gives what they mean, on edges; and folding an expression as it is built changes no value."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from columns_support import applied, worth
from strategies import sampled
from tiaoli.backends import columnar, sharing
from tiaoli.backends import columns as c
from tiaoli.backends.columns import Sort
from tiaoli.values import add_months

examples = partial(sampled, suppressed=list(HealthCheck))
Row = dict[str, Any]


def test_every_operation_has_its_rows() -> None:
    apart = {"若", "加月"}
    assert set(columnar._OPERATIONS) | set(columnar._PARTS) | apart | {"取小", "取大"} == set(c.OPERATIONS)
    comparisons = {"=", "≠", "<", "≤", ">", "≥"}
    assert set(c._BUILD) | comparisons == set(c.OPERATIONS)
    assert set(c._COMPUTE) | {"且", "或", "若", "无", "有"} == set(c.OPERATIONS)


# ── edges ────────────────────────────────────────────────────────────────────


def column(name: str, sort: Sort, values: Sequence[Any], low: int = 0, high: int = 0) -> tuple[c.Read, pl.Series]:
    read = c.Read(sort, low, high, None in values, name)
    return read, pl.Series(name, values, dtype=columnar.dtype(read))


def agree(nodes: Sequence[c.Expression], series: Sequence[pl.Series]) -> None:
    """Hold Polars to the meaning of expressions, row by row, and to the type that the expression promises."""
    frame = pl.DataFrame(series)
    found = frame.lazy().select(columnar.expression(n).alias(str(i)) for i, n in enumerate(nodes)).collect()
    for i, node in enumerate(nodes):
        own = found[str(i)]
        if own.len() == 1 and frame.height != 1:
            own = pl.Series([own[0]] * frame.height, dtype=own.dtype)
        if node.sort is Sort.WHOLE:
            assert own.dtype == columnar.dtype(node), (node, own.dtype)
        for row, found_value in zip(frame.to_dicts(), own.to_list(), strict=True):
            wanted = worth(node, row)
            assert found_value == wanted and type(found_value) is type(wanted), (node, row, found_value, wanted)


RANGES = (
    (-(2**31), 2**31 - 1), (-(2**31) - 1, 2**31), (-(2**63), 2**63 - 1), (0, 2**63), (-(10**37), 10**37), (0, 100), (-9, 9),
)  # fmt: skip
WIDEST = 2**127 - 1
SIGNS = ("=", "≠", "<", "≤", ">", "≥")
TWO = {
    "+": c.add, "-": c.subtract, "×": c.multiply, "取小": c.least, "取大": c.greatest,
    **{sign: partial(c.compare, sign) for sign in SIGNS},
}  # fmt: skip


def edges(low: int, high: int) -> list[int]:
    near = {low, low + 1, -1, 0, 1, 7, high - 1, high}
    return sorted(n for n in near if low <= n <= high)


def holds(node: c.Expression) -> bool:
    return node.sort is not Sort.WHOLE or -WIDEST <= node.low <= node.high <= WIDEST


@pytest.mark.parametrize("first", RANGES)
def test_arithmetic_on_edges(first: tuple[int, int]) -> None:
    for second in RANGES:
        pairs = [(a, b) for a in edges(*first) for b in edges(*second)]
        a, left = column("a", Sort.WHOLE, [x for x, _ in pairs], *first)
        b, right = column("b", Sort.WHOLE, [y for _, y in pairs], *second)
        nodes = [make(a, b) for make in TWO.values()]
        agree([n for n in nodes if holds(n)], [left, right])


@pytest.mark.parametrize("bounds", RANGES)
def test_signs_and_division_on_edges(bounds: tuple[int, int]) -> None:
    values = [*edges(*bounds), *(random.Random(3).randint(*bounds) for _ in range(20)), None]
    a, series = column("a", Sort.WHOLE, values, *bounds)
    nodes = [
        c.negative(a),
        c.absolute(a),
        c.is_absent(a),
        c.is_there(a),
        c.add(a, c.literal(0)),
        c.multiply(a, c.literal(0)),
    ]
    nodes += [c.floor_divide(a, c.literal(n)) for n in (1, 2, 3, 7, 100, 10**6, 2**31, 10**18, 10**30)]
    nodes += [c.multiply(c.floor_divide(a, c.literal(3)), c.literal(5)), c.subtract(c.literal(1), a)]
    for n in (bounds[0] - 1, bounds[0], -1, 0, 1, bounds[1], bounds[1] + 1):
        nodes += [c.compare(sign, a, c.literal(n)) for sign in SIGNS]
    agree([n for n in nodes if holds(n)], [series])


def test_division_by_columns() -> None:
    pairs = [(a, b) for a in (-(2**63), -8, -7, -1, 0, 1, 7, 2**63 - 1) for b in (1, 2, 7, 2**31, 2**40)]
    a, left = column("a", Sort.WHOLE, [x for x, _ in pairs], -(2**63), 2**63 - 1)
    b, right = column("b", Sort.WHOLE, [y for _, y in pairs], 1, 2**40)
    agree([c.floor_divide(a, b), c.subtract(a, c.multiply(c.floor_divide(a, b), b))], [left, right])


DAYS = [
    date(1, 1, 1), date(1, 1, 31), date(4, 2, 29), date(1582, 10, 5), date(1889, 12, 31), date(1890, 1, 1), date(1900, 2, 28), date(1900, 3, 1),
    date(1969, 12, 31), date(1970, 1, 1), date(2000, 2, 29), date(2023, 1, 30), date(2024, 1, 31), date(2024, 2, 29), date(2024, 12, 31),
    date(2100, 2, 28), date(2210, 12, 31), date(2211, 1, 1), date(9999, 2, 28), date(9999, 12, 1), date(9999, 12, 31), None,
]  # fmt: skip
PARTS = (c.year_of, c.month_of, c.day_of, c.weekday, c.month_first, c.month_last)
NARROW = (date(1890, 1, 1), date(2210, 12, 31))


def every_day(first: date, count: int) -> list[date]:
    return [first + timedelta(n) for n in range(count)]


@pytest.mark.parametrize(
    ("days", "low", "high"),
    [
        (DAYS, date.min, date.max),
        ([d for d in DAYS if d is None or NARROW[0] <= d <= NARROW[1]], *NARROW),
        (every_day(date(1899, 1, 1), 900), date(1895, 1, 1), date(1905, 1, 1)),
        (every_day(date(1999, 6, 1), 900), date.min, date.max),
    ],
)
def test_what_a_day_tells(days: list[date | None], low: date, high: date) -> None:
    day, series = column("d", Sort.DAY, days, low.toordinal(), high.toordinal())
    nodes: list[c.Expression] = [part(day) for part in PARTS]
    nodes += [c.compare(sign, c.year_of(day), c.literal(y)) for sign in SIGNS for y in (0, 1, 1970, 2024, 9999, 10_000)]
    nodes += [c.compare(sign, day, c.literal(date(2024, 2, 29))) for sign in SIGNS]
    nodes += [
        c.days_between(day, c.literal(date(2000, 2, 29))),
        c.days_between(c.literal(date.max), day),
        c.is_absent(day),
    ]
    agree(nodes, [series])


@pytest.mark.parametrize("bounds", [(date.min, date.max), NARROW, (date(1995, 1, 1), date(2035, 1, 1))])
@pytest.mark.parametrize("step", [range(-30, 31), range(-11, 12), range(12), range(-12, 0), range(-119_988, 119_988)])
def test_months_on(bounds: tuple[date, date], step: range) -> None:
    dice = random.Random(5)
    pairs = []
    pool = [d for d in (*DAYS, *every_day(date(2019, 12, 25), 70)) if d is not None and bounds[0] <= d <= bounds[1]]
    for _ in range(400):
        day, months = dice.choice(pool), dice.choice(step)
        if 12 <= day.year * 12 + day.month - 1 + months <= 9999 * 12 + 11:
            pairs.append((day, months))
    day_read, days = column("d", Sort.DAY, [d for d, _ in pairs], bounds[0].toordinal(), bounds[1].toordinal())
    count, counts = column("n", Sort.WHOLE, [n for _, n in pairs], step[0], step[-1])
    agree([c.plus_months(day_read, count)], [days, counts])
    for months in (-13, -1, 0, 1, 12, 25):
        kept = [d for d in pool if 12 <= d.year * 12 + d.month - 1 + months <= 9999 * 12 + 11]
        read, series = column("d", Sort.DAY, kept, bounds[0].toordinal(), bounds[1].toordinal())
        agree([c.plus_months(read, c.literal(months))], [series])


def test_days_on_and_days_made() -> None:
    pairs = [(d, n) for d in DAYS if d for n in (-800, -1, 0, 1, 59, 3_652_058) if 1 <= d.toordinal() + n <= 3_652_059]
    day, days = column("d", Sort.DAY, [d for d, _ in pairs], 1, date.max.toordinal())
    count, counts = column("n", Sort.WHOLE, [n for _, n in pairs], -800, 3_652_058)
    agree([c.plus_days(day, count), c.days_between(c.plus_days(day, count), day)], [days, counts])
    made = [(y, m, d) for y in (1, 4, 1900, 2000, 2023, 2024, 9999) for m in range(1, 13) for d in (1, 28, 29, 30, 31)]
    reads = [
        column(n, Sort.WHOLE, [one[i] for one in made], 1, top)
        for i, (n, top) in enumerate((("y", 9999), ("m", 12), ("t", 31)))
    ]
    agree([c.make_date(*(r for r, _ in reads))], [s for _, s in reads])


def test_truth_in_three_values() -> None:
    three = [None, True, False]
    rows = [(x, y, z) for x in three for y in three for z in three]
    (a, one), (b, two), (d, three_) = (column(n, Sort.TRUTH, [r[i] for r in rows]) for i, n in enumerate("abd"))
    nodes = [
        c.both(a, b), c.both(a, b, d), c.either(a, b), c.either(a, b, d), c.negate(a), c.is_absent(a), c.is_there(a), c.both(c.either(a, b), d),
        c.negate(c.both(a, c.negate(b))), c.with_default(a, c.TRUE), c.with_default(a, c.FALSE), c.compare("=", a, b), c.compare("≠", a, c.TRUE),
        c.both(a, a), c.either(a, c.FALSE), c.both(a, c.TRUE), c.either(a, c.TRUE), c.both(a, c.FALSE),
    ]  # fmt: skip
    agree(nodes, [one, two, three_])


def test_texts_and_lookups() -> None:
    text, series = column("t", Sort.TEXT, ["甲", "乙", "", "甲 ", None, "丙"])
    key, keys = column("k", Sort.WHOLE, [0, 1, 2, -1, None, 3], -5, 5)
    table: dict[c.Scalar, c.Scalar] = {"甲": 1, "乙": 2**40, "丙": None}
    by_number: dict[c.Scalar, c.Scalar] = {0: date(2024, 2, 29), 1: date(1, 1, 1), 2: None}
    nodes = [
        c.lookup(text, table, Sort.WHOLE), c.lookup(key, by_number, Sort.DAY), c.lookup(key, {0: "零", 3: ""}, Sort.TEXT),
        c.lookup(key, {0: True, 1: False}, Sort.TRUTH), c.compare("=", text, c.literal("甲")), c.compare("≠", text, c.literal("甲")),
        c.choose(c.is_there(text), text, c.literal("无")), c.with_default(c.lookup(text, table, Sort.WHOLE), c.literal(-1)),
        c.lookup(key, {}, Sort.WHOLE),
    ]  # fmt: skip
    agree(nodes, [series, keys])


# ── folding ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Tree:
    """An expression as the constructors fold it, and what it means, worked out from the same choices without folding."""

    node: c.Expression
    means: Callable[[Row], Any]


COLUMNS: dict[str, tuple[Sort, int, int, list[Any]]] = {
    "小": (Sort.WHOLE, -100, 100, [-100, -1, 0, 3, 100]),
    "小空": (Sort.WHOLE, -5, 50, [None, -5, 0, 7, 50]),
    "大": (Sort.WHOLE, 0, 2**31 - 1, [0, 1, 60_000, 2**31 - 2, 2**31 - 1]),
    "宽": (Sort.WHOLE, -(2**40), 2**40, [-(2**40), -3, 0, 2**33, 2**40]),
    "真": (Sort.TRUTH, 0, 0, [True, False, True, False, True]),
    "真空": (Sort.TRUTH, 0, 0, [None, True, False, None, True]),
    "日": (Sort.DAY, date(1930, 1, 1).toordinal(), date(2060, 12, 31).toordinal(), [date(1930, 1, 1), date(2000, 2, 29), date(2024, 1, 31), date(2023, 12, 31), date(2060, 12, 31)]),
    "日空": (Sort.DAY, date(1950, 1, 1).toordinal(), date(2050, 12, 31).toordinal(), [None, date(2023, 2, 28), date(2024, 3, 31), None, date(1950, 1, 1)]),
    "文": (Sort.TEXT, 0, 0, ["甲", "乙", "丙", "甲", "乙"]),
    "文空": (Sort.TEXT, 0, 0, [None, "乙", "丙", "甲", None]),
}  # fmt: skip
READS = {n: c.Read(sort, low, high, None in values, n) for n, (sort, low, high, values) in COLUMNS.items()}
ROWS = 40


def table(seed: int) -> list[Row]:
    dice = random.Random(seed)
    return [{n: dice.choice(values) for n, (_, _, _, values) in COLUMNS.items()} for _ in range(ROWS)]


def call(operation: str, make: Callable[..., c.Expression], *trees: Tree) -> Tree:
    return Tree(make(*(t.node for t in trees)), lambda row: applied(operation, [t.means(row) for t in trees]))


def constant(value: c.Scalar) -> Tree:
    return Tree(c.literal(value), lambda _: value)


def there(tree: Tree, instead: Tree) -> Tree:
    """The tree, made to be there."""
    if not tree.node.nullable:
        return tree

    def means(row: Row) -> Any:
        value = tree.means(row)
        return instead.means(row) if value is None else value

    return Tree(c.with_default(tree.node, instead.node), means)


PLAIN = {Sort.WHOLE: 1, Sort.TRUTH: False, Sort.DAY: date(2000, 2, 29), Sort.TEXT: "乙"}


@st.composite
def trees(draw: st.DrawFn, sort: Sort, depth: int, sure: bool = False) -> Tree:
    """Trees of a sort; ``sure``: never null."""
    found = draw(_leaf(sort)) if depth <= 0 or draw(st.integers(0, 5)) == 0 else draw(_inner(sort, depth - 1))
    return there(found, constant(PLAIN[sort])) if sure else found


@st.composite
def _leaf(draw: st.DrawFn, sort: Sort) -> Tree:
    names = [n for n, (own, *_) in COLUMNS.items() if own is sort]
    name = draw(st.sampled_from([*names, *names, ""]))
    if name:
        return Tree(READS[name], lambda row: row[name])
    match sort:
        case Sort.WHOLE:
            return constant(draw(st.sampled_from((0, 1, -1, 2, 7, 100, -50, 2**31, 10**6))))
        case Sort.TRUTH:
            return constant(draw(st.booleans()))
        case Sort.DAY:
            return constant(draw(st.sampled_from((date(2024, 2, 29), date(2023, 12, 31), date(2000, 1, 1)))))
    return constant(draw(st.sampled_from(("甲", "乙", "丁"))))


@st.composite
def _inner(draw: st.DrawFn, sort: Sort, depth: int) -> Tree:
    def sub(own: Sort = sort, sure: bool = False) -> Tree:
        return draw(trees(own, depth, sure))

    if draw(st.integers(0, 3)) == 0:
        return _chosen(sub(Sort.TRUTH, True), sub(), sub())
    match sort:
        case Sort.WHOLE:
            form = draw(
                st.sampled_from(
                    ("+", "-", "×", "负", "绝对值", "整除", "取小", "取大", "年", "月", "日", "星期", "相差天数", "表")
                )
            )
            made = _number(form, draw, sub)
        case Sort.TRUTH:
            made = _truth(draw, sub)
        case Sort.DAY:
            form = draw(st.sampled_from(("月初", "月末", "加月", "加天", "取小", "取大")))
            if form in ("月初", "月末"):
                made = call(form, {"月初": c.month_first, "月末": c.month_last}[form], sub())
            elif form in ("取小", "取大"):
                made = call(form, {"取小": c.least, "取大": c.greatest}[form], sub(sure=True), sub(sure=True))
            else:
                step = constant(draw(st.sampled_from((-25, -12, -1, 0, 1, 11, 30))))
                made = call(form, {"加月": c.plus_months, "加天": c.plus_days}[form], sub(), step)
        case _:
            key = sub(Sort.TEXT)
            held: dict[c.Scalar, c.Scalar] = {"甲": "乙", "乙": "丁"}
            made = Tree(c.lookup(key.node, held, Sort.TEXT), lambda row: held.get(key.means(row)))
    return made if holds(made.node) and _in_calendar(made.node) else draw(_leaf(sort))


def _in_calendar(node: c.Expression) -> bool:
    return (
        node.sort is not Sort.DAY or date(1800, 1, 1).toordinal() < node.low <= node.high < date(2300, 1, 1).toordinal()
    )


def _chosen(condition: Tree, then: Tree, otherwise: Tree) -> Tree:
    return Tree(
        c.choose(condition.node, then.node, otherwise.node),
        lambda row: then.means(row) if condition.means(row) else otherwise.means(row),
    )


def _number(form: str, draw: st.DrawFn, sub: Callable[..., Tree]) -> Tree:
    one = {"年": c.year_of, "月": c.month_of, "日": c.day_of, "星期": c.weekday}
    if form in one:
        return call(form, one[form], sub(Sort.DAY))
    if form == "相差天数":
        return call(form, c.days_between, sub(Sort.DAY), sub(Sort.DAY))
    if form in ("负", "绝对值"):
        return call(form, {"负": c.negative, "绝对值": c.absolute}[form], sub())
    if form == "整除":
        return call(form, c.floor_divide, sub(), constant(draw(st.sampled_from((1, 2, 3, 100)))))
    if form == "表":
        key = sub(Sort.TEXT)
        held: dict[c.Scalar, c.Scalar] = {"甲": 5, "乙": -(2**35), "丙": 0}
        return Tree(c.lookup(key.node, held, Sort.WHOLE), lambda row: held.get(key.means(row)))
    sure = form in ("取小", "取大")
    make = {"+": c.add, "-": c.subtract, "×": c.multiply, "取小": c.least, "取大": c.greatest}[form]
    return call(form, make, sub(sure=sure), sub(sure=sure))


def _truth(draw: st.DrawFn, sub: Callable[..., Tree]) -> Tree:
    form = draw(st.sampled_from(("比", "比", "且", "或", "非", "无", "有", "文")))
    match form:
        case "比":
            sign, own = draw(st.sampled_from(SIGNS)), draw(st.sampled_from((Sort.WHOLE, Sort.DAY)))
            return call(sign, partial(c.compare, sign), sub(own), sub(own))
        case "文":
            sign, own = draw(st.sampled_from(("=", "≠"))), draw(st.sampled_from((Sort.TEXT, Sort.TRUTH)))
            return call(sign, partial(c.compare, sign), sub(own), sub(own))
        case "且" | "或":
            several = [sub() for _ in range(draw(st.integers(2, 3)))]
            return call(form, c.both if form == "且" else c.either, *several)
        case "非":
            return call(form, c.negate, sub())
    own = sub(draw(st.sampled_from(list(Sort))))
    return call(form, c.is_absent if form == "无" else c.is_there, own)


def any_tree(depth: int = 3) -> st.SearchStrategy[Tree]:
    return st.sampled_from(list(Sort)).flatmap(lambda sort: trees(sort, depth))


def within(node: c.Expression, value: Any) -> bool:
    """Whether a value lies in the range that an expression promises."""
    if value is None:
        return node.nullable
    if node.sort is Sort.WHOLE:
        return node.low <= value <= node.high
    return node.sort is not Sort.DAY or node.low <= value.toordinal() <= node.high


@examples(150)
@given(any_tree(4), st.integers(0, 5))
def test_folding_changes_no_value(tree: Tree, seed: int) -> None:
    for row in table(seed):
        value = tree.means(row)
        assert worth(tree.node, row) == value, (tree.node, row)
        assert within(tree.node, value), (tree.node, value)


@examples(90)
@given(st.lists(any_tree(), min_size=8, max_size=12), st.integers(0, 5))
def test_polars_gives_what_trees_mean(listed: list[Tree], seed: int) -> None:
    rows = table(seed)
    series = [pl.Series(n, [row[n] for row in rows], dtype=columnar.dtype(READS[n])) for n in COLUMNS]
    agree([t.node for t in listed], series)


@examples(210)
@given(any_tree(), st.sampled_from(list(COLUMNS)), st.data())
def test_a_value_in_place_of_a_column(tree: Tree, name: str, data: st.DataObject) -> None:
    value = data.draw(st.sampled_from(COLUMNS[name][3]))
    own = c.absent(READS[name].sort) if value is None else c.literal(value)
    changed = c.substitute(tree.node, name, own)
    assert name not in set(c.reads(changed))
    for row in table(1):
        assert worth(changed, row) == tree.means(row | {name: value}), (tree.node, changed, row)


@st.composite
def choices(draw: st.DrawFn, depth: int = 3) -> Tree:
    """A choice between fixed values."""
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return constant(draw(st.sampled_from(("甲", "乙", "丁"))))
    return _chosen(draw(trees(Sort.TRUTH, 1, True)), draw(choices(depth - 1)), draw(choices(depth - 1)))


@examples(150)
@given(choices(), any_tree(2))
def test_case_by_case(choice: Tree, tree: Tree) -> None:
    """What reads a choice between fixed values may be written case by case."""
    if c.leaves(choice.node) is None:
        return
    cases = c.by_leaf(choice.node, lambda leaf: c.substitute(tree.node, "文", leaf))
    for row in table(2):
        assert worth(cases, row) == tree.means(row | {"文": choice.means(row)})


@examples(210)
@given(any_tree(), st.frozensets(st.sampled_from([n for n, r in READS.items() if r.nullable])))
def test_what_is_known_to_be_there_is_so(tree: Tree, known: frozenset[str]) -> None:
    told = c.knowing(tree.node, known)
    for row in table(3):
        if all(row[n] is not None for n in known):
            assert worth(told, row) == tree.means(row)


def test_the_end_of_a_month_in_every_year() -> None:
    """2024-01-31 and a month is 2024-02-29; and so in leap years of all kinds."""
    for year in (1896, 1900, 2000, 2023, 2024, 2100):
        day, series = column(
            "d", Sort.DAY, [date(year, 1, 31)], date(1890, 1, 1).toordinal(), date(2210, 1, 1).toordinal()
        )
        agree([c.plus_months(day, c.literal(1)), c.plus_months(day, c.literal(-11))], [series])
        assert worth(c.plus_months(day, c.literal(1)), {"d": date(year, 1, 31)}) == add_months(date(year, 1, 31), 1)


# ── what is shared ───────────────────────────────────────────────────────────


def test_what_several_columns_share_is_computed_once() -> None:
    a, left = column("a", Sort.WHOLE, [1, -7, 40, None], -9, 99)
    b, right = column("b", Sort.WHOLE, [3, 4, None, 9], -9, 99)
    third = c.floor_divide(c.add(a, c.literal(1)), c.literal(3))
    table = {n: n * n for n in range(0, 40)}
    least = c.least(c.greatest(third, b), c.subtract(b, a))
    named = {
        "x": c.add(third, b), "y": c.choose(c.compare(">", a, b), third, b), "z": least,
        "u": c.lookup(a, table, Sort.WHOLE), "v": c.add(c.lookup(a, table, Sort.WHOLE), b), "w": c.greatest(least, third),
    }  # fmt: skip
    definitions = [c.Definition(name, node, "", 0) for name, node in named.items()]
    every = list(sharing.shared(definitions))
    written = [x for d in every for x in sharing._nodes(d.expression)]
    assert written.count(third) == written.count(named["u"]) == 1
    assert [x.operation for x in written if isinstance(x, c.Call)].count("取大") == 2
    assert [d.column for d in every if d.column in named] == list(named)
    found = columnar.compute(pl.DataFrame([left, right]).lazy(), definitions).collect()
    for row in found.to_dicts():
        assert {name: row[name] for name in named} == {name: worth(node, row) for name, node in named.items()}


@pytest.mark.parametrize("count", (3, columnar.MANY, columnar.MANY + 1, 40))
def test_short_and_long_tables_are_looked_up_alike(count: int) -> None:
    keys = [*map(str, range(count)), "", "nobody", None]
    key, series = column("k", Sort.TEXT, keys)
    some, same = {str(n): n % 3 for n in range(count)}, {str(n): 5 for n in range(count)}
    dates = {str(n): date(2020, 1 + n % 12, 1) for n in range(count)}
    agree([c.lookup(key, some, Sort.WHOLE), c.lookup(key, same, Sort.WHOLE), c.lookup(key, dates, Sort.DAY)], [series])
