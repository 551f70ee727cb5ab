"""Tables for the tests: random records as wide, long or text frames, runs over them, and what the interpreter says of the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

import tiaoli
from tiaoli import model as m
from tiaoli.backends import columns as c
from tiaoli.batch.layout import ID, YEAR, YEAR_SIGN, Shape, Units, columns_of, dtype_of
from tiaoli.batch.rejecting import Reject
from tiaoli.batch.running import Count, Run, Wish
from tiaoli.record_facts import digits_of
from tiaoli.trace import Tracer
from tiaoli.values import INSURED, Kind

Records = Sequence[Mapping[str, Any]]
TEXT = "text"


# ── records → tables ─────────────────────────────────────────────────────────


def held(value: Any, fact: m.Fact, form: Units | str) -> Any:
    """A value of a record as a table of ``form`` (yuan, fen, or all texts) holds it."""
    if value is None:
        return None
    kind = fact.type.kind
    if form == TEXT:
        return {True: "是", False: "否"}.get(value) or value if kind is Kind.BOOL else _as_text(value)
    if kind in (Kind.MONEY, Kind.RATE):
        number = Decimal(value)
        return int(number.scaleb(digits_of(fact))) if form is Units.FEN else number
    if kind is Kind.DATE and isinstance(value, str):
        return date.fromisoformat(value)
    return value


def _as_text(value: Any) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def dtype(fact: m.Fact, form: Units | str) -> pl.DataType:
    """The type of a fact's column in a table of ``form``."""
    return pl.String() if form == TEXT else dtype_of(fact, form)  # type: ignore[arg-type]


def wide(
    program: m.Program, records: Records, years: Iterable[int], form: Units | str, kind: str = INSURED
) -> pl.DataFrame:
    """One row a record. A column that nobody has a value for is left out, unless it must be there."""
    columns = [pl.Series(ID, [r["编号"] for r in records], dtype=pl.String)]
    for given in columns_of(program, kind, Shape.WIDE, range(min(years), max(years) + 1)):
        rows = [r if given.year is None else (r.get("年度") or {}).get(given.year, {}) for r in records]
        values = [held(row.get(given.fact.name), given.fact, form) for row in rows]
        if given.fact.required or any(v is not None for v in values):
            columns.append(pl.Series(given.name, values, dtype=dtype(given.fact, form)))
    return pl.DataFrame(columns)


def long(program: m.Program, records: Records, form: Units | str, kind: str = INSURED) -> pl.DataFrame:
    """One row a record and year, what belongs to the record in each of them; a record without years has one row, without a year."""
    facts = list(program.facts_of(kind))
    rows: list[tuple[Any, ...]] = []
    for record in records:
        for year, own in (record.get("年度") or {None: {}}).items():
            cells = [held((own if f.yearly else record).get(f.name), f, form) for f in facts]
            rows.append((record["编号"], year, *cells))
    schema = {ID: pl.String(), YEAR: pl.Int32()} | {f.name: dtype(f, form) for f in facts}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    idle = [f.name for f in facts if not f.required and frame[f.name].is_null().all()]
    return frame.drop(idle)


# ── running ──────────────────────────────────────────────────────────────────


@dataclass
class Ran:
    """What became of a run: the results by id, rule and year; who was set aside, and why."""

    frame: pl.DataFrame
    count: Count
    rejects: list[Reject]
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rows = {row[ID]: row for row in self.frame.to_dicts()} if YEAR not in self.frame.columns else {}

    @property
    def codes(self) -> dict[str | None, set[str]]:
        """The codes of rejects by id."""
        found: dict[str | None, set[str]] = {}
        for one in self.rejects:
            found.setdefault(one.ident, set()).add(one.code)
        return found


def ran(rules: tiaoli.Rules, source: Any, wish: Wish, folder: Path, **more: Any) -> Ran:
    """Run over a table in memory; everyone read is computed or set aside."""
    run = Run(rules, source, wish, folder=folder, **more)
    rejects: list[Reject] = []
    count, frame = run.part(run.parts[0], None, None, rejects.append, folder)
    assert frame is not None
    assert count.records == count.computed + count.rejected, count
    assert count.rejected == len({r.ident for r in rejects}) or any(r.ident is None for r in rejects)
    return Ran(frame, count, rejects)


def outside(value: Any, units: Units, fact_like: tuple[Kind, int]) -> Any:
    """A value of the API as a table of results in ``units`` holds it; ``fact_like``: its kind and decimals."""
    kind, digits = fact_like
    if value is not None and units is Units.FEN and kind in (Kind.MONEY, Kind.RATE):
        return int(Decimal(value).scaleb(digits))
    return value


def code_of(tracer: Tracer, name: str, year: int) -> int:
    """The number of the clause, row or highest band that decided, as the reference says."""
    step = tracer.step(name, year)
    if step is None or step.decision is None or not step.decision.decided:
        return 0
    spans = [decider.span for decider in m.deciders(step.rule.body)]
    numbers = [spans.index(one.span) + 1 for one in step.decision.decided]
    return max(numbers) if isinstance(step.rule.body, m.MarginalScale) else numbers[0]


def by_year(column: str) -> tuple[str, int]:
    """The name and year of a column of results."""
    name, _, year = column.rpartition(YEAR_SIGN)
    return name, int(year)


# ── expressions over columns ─────────────────────────────────────────────────


def worth(node: c.Expression, row: Mapping[str, Any]) -> Any:
    """The value of an expression for a row of columns, by definition: null in, null out, and three-valued 且 and 或."""
    match node:
        case c.Literal(value=value):
            return value
        case c.Read(name=name):
            return row[name]
        case c.Lookup(key=key, table=table):
            return dict(table).get(worth(key, row))
        case c.Call(operation="若", operands=(condition, then, otherwise)):
            return worth(then if worth(condition, row) else otherwise, row)
    assert isinstance(node, c.Call)
    return applied(node.operation, [worth(o, row) for o in node.operands])


def applied(operation: str, values: Sequence[Any]) -> Any:
    """What an operation gives for values."""
    match operation:
        case "无":
            return values[0] is None
        case "有":
            return values[0] is not None
        case "且":
            return False if False in values else None if None in values else True
        case "或":
            return True if True in values else None if None in values else False
        case "若":
            return values[1] if values[0] else values[2]
    return None if None in values else c._COMPUTE[operation](*values)
