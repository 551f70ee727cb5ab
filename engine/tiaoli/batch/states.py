"""Opening states as tables: what their texts write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tiaoli import model as m
from tiaoli.backends import columns as c
from tiaoli.backends.low import sort_of
from tiaoli.batch.computing import held_as, state_column
from tiaoli.batch.headings import Headings, no_exact_ids
from tiaoli.batch.layout import ID, YEAR_SIGN, Shape, year_of_column
from tiaoli.batch.passing import given_twice
from tiaoli.batch.sources import open_table, whole
from tiaoli.batch.texts import truth_of
from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import UsageError
from tiaoli.record_facts import ID_KEYS
from tiaoli.values import INSURED

if TYPE_CHECKING:
    import polars as pl


HAS_STATE = "\0有期初"
"""The column that says whether a record has a state."""


@dataclass(frozen=True)
class States:
    """The states of the records of one kind at the end of a year, as a table of values: ``frame``, with their ids in ``ident``."""

    year: int
    frame: pl.LazyFrame
    ident: str

    @cached_property
    def names(self) -> list[str]:
        """The columns of values, such as 连续参保年数@2026."""
        return [n for n in self.frame.collect_schema().names() if n != self.ident]

    def beside(self, records: pl.LazyFrame, ident: str) -> pl.LazyFrame:
        """Return records with their states beside them, see `state_column`, and `HAS_STATE`."""
        import polars as pl

        held = self.frame.select(
            pl.col(self.ident).cast(pl.String).alias(ident),
            *(pl.col(n).alias(state_column(n)) for n in self.names),
            pl.lit(True).alias(HAS_STATE),
        )
        named = records.with_columns(pl.col(ident).cast(pl.String))
        joined = named.join(held, on=ident, how="left", maintain_order="left")
        return joined.with_columns(pl.col(HAS_STATE).fill_null(False))


def read_states(source: Any, program: m.Program, years: range) -> States:
    """Return the states of a table. Raises UsageError for what is wrong with its columns, its values or its ids."""
    frame = whole(open_table(source))
    names = frame.collect_schema().names()
    ident = next((n for n in names if n in ID_KEYS), ID)
    if ident not in names:
        reason = f"期初里没有“{ID}”一列\0the states have no column '{ID}'"
        raise UsageError([Diagnostic("E822", {"reason": reason})])
    check_exact({n: str(kind) for n, kind in frame.collect_schema().items() if kind.is_float()}, ident)
    states = States(year_of_states(names, program, years), as_values(frame, program), ident)
    twice = given_twice([states.frame.select(ident)], ident)
    if twice:
        listed = "、".join(sorted(twice)[:5])
        reason = f"同一编号的状态有几个：{listed}\0there are several states of the same record: {listed}"
        raise UsageError([Diagnostic("E822", {"reason": reason})])
    return states


def check_exact(floats: Mapping[str, str], ident: str) -> None:
    """Raise UsageError for a column of binary floats (of such a type) in a table of states."""
    for name, kind in floats.items():
        own = Diagnostic("E852", {"name": name, "found": kind, "type": "数", "type_en": "numbers"})
        raise UsageError([no_exact_ids(name, kind) if name == ident else own])


def common_year(found: Iterable[tuple[int, bool]]) -> int | None:
    """Return the year at whose end all states are, None where there are none. Raises UsageError where it is not one.

    ``found``: of each kind the year, and whether its states hold anything.
    """
    held = list(found)
    years = sorted({year for year, full in held if full} or {year for year, _ in held})
    if len(years) > 1:
        listed = "、".join(map(str, years))
        reason = f"各类对象的状态是不同年度末的（{listed}），须是同一年度末的\0the states are of the end of several years ({listed}); they must be of one"
        raise UsageError([Diagnostic("E822", {"reason": reason})])
    return years[0] if years else None


def year_of_states(names: Iterable[str], program: m.Program, years: range) -> int:
    """Return the year at whose end the states in columns ``names`` are. Raises UsageError where a run of ``years`` cannot begin with them."""
    own = [n for n in names if n not in ID_KEYS]
    found = {parts[1] for n in own if (parts := year_of_column(n)) is not None}
    if not own:  # nothing is carried on: a state of any year
        return years.start - 1
    if len(found) != 1:
        listed = "、".join(map(str, sorted(found))) or "—"
        reason = f"期初须是同一年度末的状态，列名如“参保@2026”；这里的年度是 {listed}\0an opening is the state of the end of one year, its columns named like '参保@2026'; found the years {listed}"
        raise UsageError([Diagnostic("E822", {"reason": reason})])
    year = found.pop()
    if not program.first <= year < years.start:
        wanted = years.start - 1
        reason = f"状态是{year}年度末的，这次计算要的是{wanted}年度末的\0the state is of the end of {year}; this run needs that of {wanted}"
        raise UsageError([Diagnostic("E822", {"reason": reason})])
    return year


def check_years(year: int, headings: Headings, years: range) -> None:
    """Raise UsageError where a wide table has no column of a year between ``year``, that of the states, and the first one asked: nobody would be enrolled in it."""
    between = [y for y in range(year + 1, years.start) if y not in headings.years]
    if between and headings.shape is Shape.WIDE:
        told = "、".join(map(str, between))
        reason = (
            f"状态是{year}年度末的，其后的 {told} 年度表里没有列；请给出这些年度的列，或{years.start - 1}年度末的状态"
            f"\0the state is of the end of {year}, and the table has no columns of {told}; give them, or the state of the end of {years.start - 1}"
        )
        raise UsageError([Diagnostic("E822", {"reason": reason})])


def check_states(plan: c.Plan, names: Iterable[str] | None, kind: str = INSURED) -> None:
    """Raise UsageError where states of a kind, in columns ``names`` (None: there are none), lack what a plan goes on from."""
    wanted = plan.kinds[kind].opened
    if wanted and names is None:
        reason = f"没有{kind}的期初状态\0there are no opening states of {kind}"
        raise UsageError([Diagnostic("E822", {"reason": reason})])
    there = set(names or ())
    lacking = [i.name for i in wanted if i.column not in there]
    if lacking:
        reason = f"状态里缺少 {'、'.join(lacking)}\0the state lacks {', '.join(lacking)}"
        raise UsageError([Diagnostic("E822", {"reason": reason})])


def as_values(frame: pl.LazyFrame, program: m.Program) -> pl.LazyFrame:
    """Return a table of states with texts (of a CSV) as the values they write. Raises UsageError for what is none."""
    import polars as pl

    texts = [n for n, kind in frame.collect_schema().items() if kind == pl.String and n not in ID_KEYS]
    held = {n: _of_text(pl.col(n), program, n.rpartition(YEAR_SIGN)[0]) for n in texts}
    odd = [(pl.col(n).is_not_null() & (pl.col(n) != "") & value.is_null()).any().alias(n) for n, value in held.items()]
    found = frame.select(odd).collect(engine="streaming").row(0, named=True) if odd else {}
    for name in (n for n, broken in found.items() if broken):
        reason = f"“{name}”一列里有读不懂的值\0the column '{name}' has values that cannot be read"
        raise UsageError([Diagnostic("E822", {"reason": reason})])
    return frame.with_columns(value.alias(n) for n, value in held.items())


def _of_text(text: pl.Expr, program: m.Program, name: str) -> pl.Expr:
    """The value of a rule or fact that a text writes; null where it writes none."""
    import polars as pl

    if name not in program.rules and name not in program.facts:
        return text
    kind, digits, _ = held_as(program, name)
    match sort_of(kind):
        case c.Sort.TRUTH:
            return truth_of(text)
        case c.Sort.DAY:
            return text.str.to_date("%Y-%m-%d", strict=False)
        case c.Sort.WHOLE:
            return text.cast(pl.Decimal(38, digits), strict=False)
    return pl.when(text != "").then(text)
