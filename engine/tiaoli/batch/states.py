"""Opening states as tables: what their texts write."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tiaoli import model as m
from tiaoli.backends import columns as c
from tiaoli.backends.low import sort_of
from tiaoli.batch.computing import held_as
from tiaoli.batch.layout import YEAR_SIGN, year_of_column
from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import UsageError
from tiaoli.record_facts import ID_KEYS
from tiaoli.values import INSURED

if TYPE_CHECKING:
    import polars as pl


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


def check_states(plan: c.Plan, names: Iterable[str]) -> None:
    """Raise UsageError where states in columns ``names`` lack what a plan goes on from."""
    there = set(names)
    lacking = [i.name for i in plan.kinds[INSURED].inputs if i.opening and i.column not in there]
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
            words = {"true": True, "false": False, "是": True, "否": False}
            return text.replace_strict(list(words), list(words.values()), default=None, return_dtype=pl.Boolean)
        case c.Sort.DAY:
            return text.str.to_date("%Y-%m-%d", strict=False)
        case c.Sort.WHOLE:
            return text.cast(pl.Decimal(38, digits), strict=False)
    return pl.when(text != "").then(text)
