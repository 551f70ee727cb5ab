"""What an engine of SQL is asked to do: rules and tables with their columns → a plan, and the queries for results and rejects.

The tables are wide (a row a record), of columns whose types hold values exactly; they are looked at before a query is written.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tiaoli import model as m
from tiaoli.api import Rules
from tiaoli.backends import columns as c
from tiaoli.backends import sql
from tiaoli.backends.columns import Sort
from tiaoli.backends.lower import Wishes, column, lower, sort_of
from tiaoli.backends.sql_code import Dialect
from tiaoli.batch.headings import Given, Headings, read_headings
from tiaoli.batch.layout import ID, Shape, Units
from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import UsageError
from tiaoli.values import INSURED


@dataclass(frozen=True)
class Wish:
    """What is asked for. ``rules`` None: all 结果 rules. ``unique``: ids are known to be unique, and not looked through."""

    years: range
    rules: Sequence[str] | None = None
    readings: Mapping[str, str] = field(default_factory=dict)
    units: Units = Units.YUAN
    reasons: bool = False
    unique: bool = False
    lang: str = "zh"


@dataclass(frozen=True)
class Relation:
    """A table: how it is named in a query, and the types of its columns by name, as the engine spells them."""

    name: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Job:
    """Rules over tables by kind of record, in a dialect. ``homes``: places whose rules are those of ``rules``."""

    rules: Rules
    tables: Mapping[str, Relation]
    wish: Wish
    dialect: Dialect
    homes: tuple[str, ...] = ()

    @cached_property
    def _wanted(self) -> tuple[m.Program, tuple[str, ...], tuple[str, ...]]:
        return self.rules.wanted(self.wish.years, self.wish.rules, self.wish.readings, tuple(self.tables))

    @property
    def program(self) -> m.Program:
        return self._wanted[0]

    @cached_property
    def headings(self) -> Mapping[str, Headings]:
        """What the columns are, by kind. Raises UsageError with all that is wrong."""
        found = {k: read_headings(self.program, k, list(t.columns), t.name) for k, t in self.tables.items()}
        wrong = [d for kind, own in found.items() for d in _misfits(self.tables[kind], own, self.wish.units)]
        if wrong:
            raise UsageError(wrong)
        return found

    @cached_property
    def plan(self) -> c.Plan:
        """The plan over the columns that the tables have."""
        have = {kind: frozenset(_named(g) for g in own.facts.values()) for kind, own in self.headings.items()}
        _, names, lasting = self._wanted
        return lower(
            self.program, self.wish.years, Wishes(names, have, self.wish.readings, lasting, None, self.wish.reasons)
        )

    @cached_property
    def setting(self) -> sql.Setting:
        sources = {kind: self._source(self.tables[kind], own) for kind, own in self.headings.items()}
        have = {kind: [_named(g) for g in own.facts.values()] for kind, own in self.headings.items()}
        places = {kind: _places(own) for kind, own in self.headings.items()}
        whole = self.wish.units is Units.FEN
        homes = (self.rules.place, *self.homes)
        return sql.Setting(sources, self.dialect, whole, have, self.wish.unique, places, homes, lang=self.wish.lang)

    def _source(self, table: Relation, headings: Headings) -> str:
        """The table, with the column of ids under its Chinese name."""
        if headings.ident == ID:
            return table.name
        from sqlglot import exp

        ident = exp.column(exp.to_identifier(headings.ident, quoted=True)).as_(exp.to_identifier(ID, quoted=True))
        select = exp.select("*", ident).from_(exp.maybe_parse(table.name, into=exp.Table, dialect=self.dialect))
        return f"({select.sql(dialect=self.dialect)})"

    def query(self, entity: str = INSURED) -> str:
        """Return the query for the results of one kind of record."""
        return sql.query(self.plan, self.program, self.setting, entity)

    def rejects(self, entity: str = INSURED) -> str:
        """Return the query for the faults of one kind of record."""
        return sql.rejects(self.plan, self.program, self.setting, entity)


def _named(given: Given) -> str:
    assert given.fact is not None
    return column(given.fact.name, given.year)


def _places(headings: Headings) -> list[str]:
    return [g.name for g in headings.columns if g.fact is None]


# ── types of columns ─────────────────────────────────────────────────────────

_HOLD: Mapping[Sort, re.Pattern[str]] = {
    Sort.TRUTH: re.compile(r"bool(ean)?"),
    Sort.DAY: re.compile(r"date"),
    Sort.TEXT: re.compile(r"varchar|string|text|enum\(.*|(var)?char\(\d+\)"),
    Sort.WHOLE: re.compile(r"u?(tiny|small|big|huge)?int(eger)?|decimal.*|numeric.*"),
}
_NOTHING = ('"null"', "null", "void")
_FLOATS = ("float", "double", "real")


def _misfits(table: Relation, headings: Headings, units: Units) -> Iterator[Diagnostic]:
    """What is wrong with the types of columns, and with a table that is not wide."""
    if headings.shape is Shape.LONG:
        reason = "这里只读宽表（一人一行，列名如 参保@2025）\0only wide tables are read here: a row a person, columns such as 参保@2025"
        yield Diagnostic("E704", {"path": table.name, "reason": reason})
        return
    for given in headings.columns:
        kind = table.columns[given.name].lower()
        if given.fact is None or kind in _NOTHING or _HOLD[sort_of(given.fact.type)].fullmatch(kind):
            continue
        plain = given.fact.type.present
        types = {"type": plain.name("zh"), "type_en": plain.name("en")}
        yield Diagnostic("E852" if kind in _FLOATS else "E851", {"name": given.name, "found": kind, **types})


def homes_among(rules: Rules, places: Collection[str]) -> tuple[str, ...]:
    """Return those of some places in which the rules are the same."""
    from tiaoli.record_facts import PLACE

    return tuple(sorted(p for p in places if PLACE.fullmatch(p) is not None and rules.same_rules(p)))
