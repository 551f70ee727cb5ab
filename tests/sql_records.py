"""Records as wide tables for SQL engines, and results of SQL as the API gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tiaoli import model as m
from tiaoli.backends import columns as c
from tiaoli.backends import sql, sql_code
from tiaoli.backends.columns import Sort
from tiaoli.backends.lower import Wishes, lower
from tiaoli.backends.sql_tables import ID, content_of
from tiaoli.batch.layout import Shape, columns_of
from tiaoli.record_facts import Person, digits_of
from tiaoli.values import INSURED, Kind


@dataclass(frozen=True)
class Wide:
    """Records of one kind as a table: types of columns by name (sqlglot's), and rows."""

    columns: Mapping[str, str]
    rows: tuple[tuple[Any, ...], ...]

    def typed(self, dialect: sql_code.Dialect) -> tuple[dict[str, str], tuple[tuple[Any, ...], ...]]:
        from sqlglot import exp

        return {n: exp.DataType.build(k).sql(dialect=dialect) for n, k in self.columns.items()}, self.rows


def wide(program: m.Program, kind: str, people: Iterable[Person], years: range, whole: bool) -> Wide:
    """Return persons (or other records) of one kind as a table. A fact that no record gives is no column."""
    facts = program.facts_of(kind)
    person = [f for f in facts if not f.yearly]
    yearly = [f for f in facts if f.yearly]
    listed = list(columns_of(program, kind, Shape.WIDE, years))
    rows = []
    for one in people:
        held = {f.name: v for f, v in zip(person, one.facts, strict=True)}
        for year, row in one.years.items():
            held |= {f"{f.name}@{year}": v for f, v in zip(yearly, row, strict=True)}
        rows.append((one.id, *(_cell(held.get(x.name), x.fact, whole) for x in listed)))
    kinds = {ID: "TEXT"} | {x.name: _kind(x.fact, whole) for x in listed}
    return Wide(kinds, tuple(rows))


def _kind(fact: m.Fact, whole: bool) -> str:
    places = digits_of(fact)
    match fact.type.kind:
        case Kind.BOOL:
            return "BOOLEAN"
        case Kind.DATE:
            return "DATE"
        case Kind.ENUM | Kind.TEXT | Kind.PLACE | Kind.LINK:
            return "TEXT"
    return f"DECIMAL(30, {places})" if places and not whole else "BIGINT"


def _cell(value: Any, fact: m.Fact, whole: bool) -> Any:
    places = digits_of(fact)
    if isinstance(value, int) and not isinstance(value, bool) and places and not whole:
        return Decimal(value).scaleb(-places)
    return value


def planned(
    program: m.Program, years: range, outputs: Sequence[str], tables: Mapping[str, Wide], **more: Any
) -> c.Plan:
    """Return the plan for tables of records."""
    have = {kind: frozenset(table.columns) - {ID} for kind, table in tables.items()}
    return lower(program, years, Wishes(tuple(outputs), have, **more))


def setting(tables: Mapping[str, Wide], dialect: sql_code.Dialect, whole: bool) -> sql.Setting:
    """Return the setting in which the table of each kind has the kind's name, with 表 behind it."""
    sources = {kind: sql_code.column(f"{kind}表").sql(dialect=dialect) for kind in tables}
    have = {kind: frozenset(table.columns) - {ID} for kind, table in tables.items()}
    return sql.Setting(sources, dialect, whole, have)


def external(program: m.Program, output: c.Output, value: Any, whole: bool) -> Any:
    """Return a value of a results table as the API gives it."""
    held = content_of(program, output.rule)
    if value is None or held.sort is not Sort.WHOLE:
        return value
    if held.type.kind in (Kind.MONEY, Kind.RATE):
        return Decimal(value).scaleb(-held.digits) if whole else Decimal(value)
    return int(value)


def results(
    plan: c.Plan, program: m.Program, rows: Iterable[Sequence[Any]], whole: bool, entity: str = INSURED
) -> dict[str, dict[int, dict[str, Any]]]:
    """Return {id: {year: {rule: value}}} of the rows of a results query."""
    outputs = plan.kinds[entity].outputs
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for ident, *values in rows:
        table: dict[int, dict[str, Any]] = {year: {} for year in plan.years}
        for output, value in zip(outputs, values[: len(outputs)], strict=True):
            table[output.year][output.rule] = external(program, output, value, whole)
        found[ident] = table
    return found


def parsed(text: str, node: c.Expression) -> Any:
    """Return a text of PostgreSQL as a value."""
    if text == "":
        return None
    match node.sort:
        case Sort.TRUTH:
            return text == "t"
        case Sort.DAY:
            return date.fromisoformat(text)
        case Sort.TEXT:
            return text
    return Decimal(text)
