"""Tables in memory: a Polars frame, an Arrow table or a file in, frames out. For files that do not fit in memory see `tiaoli.batch.parts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tiaoli.api import Rules
from tiaoli.batch.layout import ID, YEAR
from tiaoli.batch.passing import Count
from tiaoli.batch.rejecting import REJECTS, Reject
from tiaoli.batch.running import LinkedError, Run
from tiaoli.batch.wish import Wish
from tiaoli.values import INSURED

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Evaluated:
    """What became of a table of insured persons.

    ``results``: a row a person (or a person and year), columns as `Wish` asks. ``closing``: the states at the end of the last year, None where
    not asked for. ``rejects``: a row a fault of who was left out, with 编号, 年度, 事实, 值, 代码, 原因 and 改法. ``broken``: how many persons break
    each mandate, by its place in the ruleset and the year.
    """

    results: pl.DataFrame
    closing: pl.DataFrame | None
    rejects: pl.DataFrame
    people: int
    computed: int
    broken: Mapping[str, int]


def evaluate(
    rules: Rules, table: Any, wish: Wish, *, persons: Any = None, opening: Any = None, closing: bool = False
) -> Evaluated:
    """Return the results of a table of insured persons: a Polars frame (lazy or not), an Arrow table (or what has its interface), or the path of a
    file or folder.

    ``persons``: facts of whole records in a second table; ``opening``: states to go on from, as ``closing`` gives them. What is wrong with
    single rows is in the rejects, and everyone else is computed. Raises UsageError for what is wrong with columns, RulesetError for
    rules with errors, TypeError for what is no table.
    """
    import polars as pl

    count, rejects, results, states = Count(), list[Reject](), list[pl.DataFrame](), list[pl.DataFrame]()
    with TemporaryDirectory(prefix="tiaoli-") as held:
        run = Run(rules, table, wish, persons, opening, Path(held))
        try:
            run.ready(closing)
        except LinkedError:
            return _together(rules, table, wish, persons, opening, Path(held) / "closing.parquet" if closing else None)
        for part in run.parts:
            state = Path(held) / "closing.parquet" if closing else None
            own, frame = run.part(part, None, state, rejects.append, Path(held))
            assert frame is not None
            count.add(own)
            results.append(frame)
            if state is not None:
                states.append(pl.read_parquet(state, memory_map=False, glob=False))
    return Evaluated(
        pl.concat(results), pl.concat(states) if closing else None, _table(rejects), count.records, count.computed,
        dict(count.breaches),
    )  # fmt: skip


def _together(rules: Rules, table: Any, wish: Wish, persons: Any, opening: Any, closing: Path | None) -> Evaluated:
    """The same where rules go from person to person."""
    import polars as pl

    from tiaoli.batch.together import Together

    rejects: list[Reject] = []
    openings = {} if opening is None else {INSURED: opening}
    with TemporaryDirectory(prefix="tiaoli-") as held:
        run = Together(rules, {INSURED: table}, wish, persons, openings, Path(held))
        counts, frames = run.go(None, closing, rejects.append)
    count = counts[INSURED]
    states = None
    if closing is not None:  # where nothing is carried on, none is written
        ids = frames[INSURED].select(ID).unique(maintain_order=True)
        states = pl.read_parquet(closing, memory_map=False, glob=False) if closing.exists() else ids
    return Evaluated(frames[INSURED], states, _table(rejects), count.records, count.computed, dict(count.breaches))


def _table(rejects: Sequence[Reject]) -> pl.DataFrame:
    import polars as pl

    schema = {name: pl.Int32 if name == YEAR else pl.String for name in REJECTS}
    return pl.DataFrame([one.row for one in rejects], schema=schema, orient="row")


__all__ = ["Evaluated", "evaluate"]
