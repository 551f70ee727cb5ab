"""Opening states as tables: what their texts write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiaoli import model as m
from tiaoli.backends import columns as c
from tiaoli.backends.low import sort_of
from tiaoli.batch.computing import held_as
from tiaoli.batch.layout import YEAR_SIGN
from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import UsageError
from tiaoli.record_facts import ID_KEYS

if TYPE_CHECKING:
    import polars as pl


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
