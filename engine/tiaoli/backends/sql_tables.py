"""Tables of records in SQL: what their columns hold becomes whole units, and rows that cannot be computed are told from those that can.

A table has one row a record, numbers in numeric columns (never binary floats), dates in columns of dates. ``whole`` says that money
stands in 分 and rates in 10**-digits; otherwise money stands in yuan and rates as parts of one, as decimals.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from tiaoli import model as m
from tiaoli.backends import columns as c
from tiaoli.backends import sql_code as code
from tiaoli.backends.columns import Sort
from tiaoli.backends.lower import sort_of
from tiaoli.backends.sql_code import Dialect, Sql
from tiaoli.record_facts import digits_of, limits_of, range_text
from tiaoli.values import Kind, Type, decimal_text

ID = "编号"
OPENED = "期初 "
"""What stands before the name of a column for the value that an opening state has."""
KEPT = "!留 "
"""What stands before the name of a column that goes into the results as it is."""
RAW = "!原"
"""What stands behind the name of a column for the cell as the table has it."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a column of a table holds: a type, the decimals of a money or a rate, its limits in units."""

    type: Type
    digits: int
    low: int
    high: int

    @property
    def sort(self) -> Sort:
        return sort_of(self.type)

    def places(self, whole: bool) -> int:
        """The decimals with which values stand in a table."""
        return self.digits if not whole and self.type.kind in (Kind.MONEY, Kind.RATE) else 0


def content_of(program: m.Program, name: str) -> Content:
    """Return what the column of a fact or a rule holds."""
    fact = program.facts.get(name)
    if fact is not None:
        low, high = limits_of(fact) if sort_of(fact.type) in (Sort.WHOLE, Sort.DAY) else (0, 0)
        return Content(fact.type, digits_of(fact), low, high)
    rule = program.rules[name][0]
    if sort_of(rule.type) is Sort.DAY:
        return Content(rule.type, 0, 1, date.max.toordinal())
    digits = rule.scale + (2 if rule.type.kind is Kind.MONEY else 0)
    return Content(rule.type, digits, -(2**63) + 1, 2**63 - 1)


# ── from the table to units, and back ────────────────────────────────────────


def units(raw: Sql, held: Content, dialect: Dialect, whole: bool) -> Sql:
    """Return a cell in units: whole numbers, truth values, dates or texts; null where it cannot be."""
    kind = code.type_name(held.sort, code.width(held.low, held.high), dialect)
    places = held.places(whole)
    if held.sort is Sort.WHOLE and places:
        exact = code.cast(raw, _decimal(held, places), trying=True)
        return code.cast(code.binary("×", exact, code.number(10**places)), kind, trying=True)
    if held.sort is Sort.TEXT:
        return written(raw)
    return code.cast(raw, kind, trying=held.sort in (Sort.WHOLE, Sort.DAY))


def written(raw: Sql) -> Sql:
    """Return a text without blanks around it; an empty one is no value."""
    return code.call("NULLIF", code.call("TRIM", code.cast(raw, "TEXT")), code.text(""))


def _decimal(held: Content, places: int) -> str:
    """The type of decimals, just wide enough."""
    return f"DECIMAL({max(len(str(max(-held.low, held.high))), places + 1)}, {places})"


def outward(value: Sql, node: c.Node, held: Content, whole: bool) -> Sql:
    """Return a value in units as results have it: money in yuan and rates as parts of one, unless in ``whole`` units."""
    from sqlglot import exp

    places = held.places(whole)
    if not places or held.sort is not Sort.WHOLE:
        return value
    part = exp.Literal.number("0." + "1".rjust(places, "0"))
    narrow = max(-node.low, node.high) < 10**18 and places <= 6
    return code.cast(code.binary("×", value, part), f"DECIMAL({18 if narrow else 38}, {places})")


def sound(raw: Callable[[], Sql], held: Content, whole: bool) -> Sql | None:
    """Return whether a cell is null or within its limits and without further decimals; None where there is nothing to check."""
    if held.sort is Sort.DAY:
        low, high = (code.fixed(date.fromordinal(edge)) for edge in (held.low, held.high))
        return code.either(code.is_null(raw()), _between(raw(), low, high))
    if held.sort is not Sort.WHOLE:
        return None
    low, high = (_edge(edge, held.places(whole)) for edge in (held.low, held.high))
    return code.either(code.is_null(raw()), code.both(_between(raw(), low, high), even(raw, held, whole)))


def even(raw: Callable[[], Sql], held: Content, whole: bool) -> Sql:
    """Return whether a number has no more decimals than it may."""
    places = held.places(whole)
    return code.binary("=", raw(), code.cast(raw(), _decimal(held, places) if places else "BIGINT", trying=True))


def within(raw: Callable[[], Sql], held: Content, low: int, high: int) -> Sql | None:
    """Return whether a value of an opening state is as far as the plan reckons with; None where that is all that can be."""
    if held.sort is Sort.DAY:
        return _between(raw(), code.fixed(date.fromordinal(low)), code.fixed(date.fromordinal(high)))
    if held.sort is not Sort.WHOLE or (low <= -(2**63) + 1 and high >= 2**63 - 1):
        return None
    places = held.places(False)
    return _between(raw(), _edge(low, places), _edge(high, places))


def _between(value: Sql, low: Sql, high: Sql) -> Sql:
    from sqlglot import exp

    return exp.Between(this=value, low=low, high=high)


def _edge(value: int, places: int) -> Sql:
    from sqlglot import exp

    if not places:
        return code.number(value)
    plain = exp.Literal.number(decimal_text(Fraction(abs(value), 10**places)))
    return exp.Neg(this=plain) if value < 0 else plain


# ── columns ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Mark:
    """A column of truth values that a table brings beside those of records: where it is true, the row is faulty, as ``code`` says of ``name``."""

    column: str
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Table:
    """The table of a kind of record. ``have`` are the columns that it has, of which some may not be read.

    ``places`` are columns of places, which must be null or one of ``homes``. ``marks`` tell faulty rows; ``present``: columns, by year, that
    say whether a record has the year, where its cells do not show it. ``kept``: columns that go into the results as they are.
    """

    program: m.Program
    plan: c.KindPlan
    have: Collection[str]
    dialect: Dialect
    whole: bool
    places: tuple[str, ...] = ()
    homes: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    present: Mapping[int, str] = field(default_factory=dict)
    kept: tuple[str, ...] = ()

    def content(self, given: c.Input) -> Content:
        return content_of(self.program, given.name)

    def cells(self) -> Iterator[c.Input]:
        """Yield the columns of facts that the table has, those that nothing reads too."""
        read = [g for g in self.plan.inputs if g.name and not g.opening]
        yield from read
        for name in sorted(set(self.have) - {g.column for g in read}):
            head, sign, tail = name.rpartition("@")
            yield c.Input(name, head, int(tail)) if sign else c.Input(name, name, None)

    def unread_texts(self) -> Iterator[tuple[c.Input, tuple[str, ...]]]:
        """Yield the columns of enumerations that nothing reads, with the members; of those read the plan has checks."""
        read = {g.column for g in self.plan.inputs}
        for given in self.cells():
            fact = self.program.facts[given.name]
            if given.column not in read and sort_of(fact.type) is Sort.TEXT and fact.type.options:
                yield given, tuple(fact.type.options)

    def selected(self, name: Callable[[str], str]) -> Iterator[Sql]:
        """Yield the columns in units, with defaults where cells are null."""
        from sqlglot import exp

        yield aliased(code.cast(code.column(ID, "t"), "TEXT"), ID)
        for kept in self.kept:
            yield aliased(code.column(kept, "t"), name(KEPT + kept))
        for given in self.plan.inputs:
            if not given.name:
                yield aliased(self._year_is_there(given.year), name(given.column))
                continue
            own = code.column(OPENED + given.column if given.opening else given.column, "t")
            value = units(own, self.content(given), self.dialect, self.whole and not given.opening)
            if given.default is not None:
                value = exp.Coalesce(this=value, expressions=[code.fixed(given.default)])
            yield aliased(value, name(given.column))

    def _year_is_there(self, year: int | None) -> Sql:
        if year is not None and year in self.present:
            return code.column(self.present[year], "t")
        cells = sorted(n for n in self.have if n.endswith(f"@{year}"))
        return code.either(*(code.is_there(code.column(cell, "t")) for cell in cells))

    def raw(self, name: Callable[[str], str]) -> Iterator[Sql]:
        """Yield the cells as they are, for what is said of faulty ones."""
        for given in self.cells():
            yield aliased(code.column(given.column, "t"), name(given.column + RAW))
        for place in self.places:
            yield aliased(code.column(place, "t"), name(place + RAW))
        for mark in self.marks:
            yield aliased(code.column(mark.column, "t"), name(mark.column))

    def conditions(self) -> Iterator[Sql]:
        """Yield what holds of the cells of every sound row."""
        yield code.negated(nameless(code.column(ID, "t")))
        for place in self.places:
            yield code.either(code.is_null(code.column(place, "t")), self.at_home(code.column(place, "t")))
        for mark in self.marks:
            yield code.negated(code.column(mark.column, "t"))
        for given in self.cells():
            held = sound(_reader(given.column, "t"), self.content(given), self.whole)
            if held is not None:
                yield held
        for given, members in self.unread_texts():
            cell = written(code.column(given.column, "t"))
            yield code.either(code.is_null(cell), code.one_of(cell.copy(), [code.text(name) for name in members]))

    def at_home(self, place: Sql) -> Sql:
        """Whether the rules of a place are these."""
        return code.one_of(place, [code.text(home) for home in self.homes or (self.program.place,)])

    def checks(self) -> Iterator[c.Check]:
        """Yield the checks of the plan that `conditions` do not hold already."""
        for check in self.plan.checks:
            if check.code != "E735":
                yield check


def aliased(value: Sql, name: str, above: str = "") -> Sql:
    """Return a value with the name of its column; ``above`` is said in a comment above it."""
    from sqlglot import exp

    if isinstance(value, exp.Column) and value.name == name and not above:
        return value
    made = exp.alias_(value, name, quoted=True, copy=False)
    if above:
        made.meta["above"] = above
    return made


# ── faults ───────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row where ``condition`` holds: a code, the fact or rule and its year, what stands there, and words in ``lang``."""

    code: str
    name: str
    year: int | None
    condition: Sql
    shown: Sql | None
    lang: str
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """What is wrong, in a short sentence."""
        return self._words(0).format(**self.facts)

    @property
    def advice(self) -> str:
        """What to do about it."""
        return self._words(2)

    def _words(self, first: int) -> str:
        return _WORDS[self.code][first if self.lang == "zh" else first + 1]


def nameless(ident: Sql) -> Sql:
    """Return whether an id is missing: null, or nothing but blanks."""
    blank = code.binary("=", code.call("TRIM", code.cast(ident.copy(), "TEXT")), code.text(""))
    return code.either(code.is_null(ident), blank)


def cell_faults(table: Table, lang: str, name: Callable[[str], str]) -> Iterator[Fault]:
    """Yield the faults of cells, over the columns of `Table.raw`."""
    for place in table.places:
        raw = _reader(name(place + RAW))
        year = int(place.rpartition("@")[2])
        yield Fault("E806", place.partition("@")[0], year, code.negated(table.at_home(raw())), raw(), lang)
    for mark in table.marks:
        fact = table.program.facts.get(mark.name)
        facts = {} if fact is None else _told_of(fact, table.whole)
        yield Fault(mark.code, mark.name, None, code.column(name(mark.column)), None, lang, facts)
    for given, members in table.unread_texts():
        cell = code.column(name(given.column + RAW))
        other = code.negated(code.one_of(written(cell), [code.text(member) for member in members]))
        facts = _told_of(table.program.facts[given.name], table.whole)
        yield Fault("E739", given.name, given.year, other, cell.copy(), lang, facts)
    for given in table.cells():
        held = table.content(given)
        raw = _reader(name(given.column + RAW))
        fact = table.program.facts.get(given.name)
        facts = {"range": "", "digits": held.places(table.whole)} if fact is None else _told_of(fact, table.whole)
        for number, wrong in faults_of(raw, held, table.whole):
            yield Fault(number, given.name, given.year, wrong, raw(), lang, facts)


def faults_of(raw: Callable[[], Sql], held: Content, whole: bool) -> Iterator[tuple[str, Sql]]:
    """Yield what can be wrong with a cell that holds a number or a day: the code, and the condition."""
    if held.sort not in (Sort.WHOLE, Sort.DAY):
        return
    within = _between(raw(), *_limits(held, whole))
    yield "E735", code.negated(within)
    if held.sort is Sort.WHOLE:
        yield "E733" if held.places(whole) else "E734", code.both(within.copy(), code.negated(even(raw, held, whole)))


def _told_of(fact: m.Fact, whole: bool) -> dict[str, object]:
    """What is said of a fact where a cell of it is faulty."""
    return {
        "range": range_text(fact),
        "digits": digits_of(fact) if not whole and fact.type.kind in (Kind.MONEY, Kind.RATE) else 0,
        "choices": "、".join(fact.type.options),
    }


def _reader(name: str, table: str | None = None) -> Callable[[], Sql]:
    return lambda: code.column(name, table)


def _limits(held: Content, whole: bool) -> tuple[Sql, Sql]:
    if held.sort is Sort.DAY:
        return code.fixed(date.fromordinal(held.low)), code.fixed(date.fromordinal(held.high))
    places = held.places(whole)
    return _edge(held.low, places), _edge(held.high, places)


def check_fault(table: Table, check: c.Check, lang: str, name: Callable[[str], str]) -> Fault:
    """Return a check of the plan as a fault."""
    shown = None if check.shown is None else code.expression(check.shown, table.dialect, name)
    condition = code.expression(check.fails, table.dialect, name)
    fact = table.program.facts.get(check.name)
    choices = "、".join(fact.type.options) if fact is not None else ""
    return Fault(check.code, check.name, check.year, condition, shown, lang, {"choices": choices})


_WORDS = {
    "E709": ("各行写的不一样", "the rows say different things", "属于本人的事实各行要一致", "write the same in every row of the person"),
    "E715": ("缺少编号", "the id is missing", "给每一行写上编号", "give every row an id"),
    "E717": ("编号重复", "the id occurs again", "一人只留一行", "keep one row a person"),
    "E722": ("年度不是年份", "the year is none", "写成四位数的年度", "write the year in four digits"),
    "E723": ("同一年度有几行", "several rows of one year", "一人一年只留一行", "keep one row a person and year"),
    "E724": ("早于规则集的第一个年度", "before the first year of the rules", "去掉更早的年度", "leave earlier years out"),
    "E726": ("缺少必填的事实", "the fact is required and missing", "补上这个事实", "fill it in"),
    "E727": ("按该年度的其他事实必填，却没有", "required by the other facts of the year, and missing", "补上这个事实", "fill it in"),
    "E733": ("小数超过 {digits} 位", "more than {digits} decimals", "核对金额和比例的小数", "check the decimals"),
    "E734": ("应为整数", "not a whole number", "写成整数", "write a whole number"),
    "E735": ("超出范围，应为 {range}", "out of range; expected {range}", "核对这个值", "check the value"),
    "E739": ("不在可选之列：{choices}", "not one of {choices}", "改成其中之一", "write one of them"),
    "E740": ("所指的{target}不存在", "there is no such {target}", "核对所指的编号", "check the id that is named"),
    "E741": ("所指的{target}记录有误，已剔除", "the {target} that it names is faulty and left out", "先改正所指的记录", "mend that record first"),
    "E804": ("不能计算", "cannot be computed", "用 tiaoli explain 看这个人", "see this person with tiaoli explain"),
    "E806": ("该年度在别的地区", "in another place in that year", "用 --engine polars 计算转移的人", "compute who moves with --engine polars"),
    "E857": ("编号在第二个表中不止一行", "the id has more than one row in the second table", "第二个表一人一行", "keep one row a person in the second table"),
    "E822": ("期初文件里没有此人的状态，缺少要用的值，或值超出规则能得出的范围", "there is no opening state of this record, or a value of it is missing or beyond what the rules can give", "补上或核对上一年度末的状态；范围以外的用 --engine polars 计算", "add or check the state of the end of the year before; compute what is beyond with --engine polars"),
}  # fmt: skip
"""What is said of a fault, in Chinese and in English, then what to do about it."""
