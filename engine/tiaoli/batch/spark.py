"""Spark: results and rejects as lazy DataFrames, by the query that `tiaoli.backends.sql` writes. Needs the extra ``tiaoli[spark]``.

Nothing is collected, and no Python runs on rows: every step is a view over the one before, in a session of its own beside the caller's,
whose settings stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, TypeAlias

from tiaoli.api import Rules
from tiaoli.backends import sql
from tiaoli.batch.sql_job import Job, Relation, Wish
from tiaoli.values import INSURED

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Tables: TypeAlias = "DataFrame | str | Mapping[str, DataFrame | str]"
"""A DataFrame, a path of Parquet files, or one of these for each kind of record."""

SETTINGS = {
    "spark.sql.constraintPropagation.enabled": "false",
    "spark.sql.analyzer.maxIterations": "1000",
    "spark.sql.optimizer.maxIterations": "1000",
    "spark.sql.ansi.enabled": "true",
}
"""What the session of a run needs: constraints of hundreds of columns would be worked out against each other, without end."""

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The results of one kind of record, and the faults of those left out; both lazy."""

    results: DataFrame
    rejects: DataFrame
    job: Job


def evaluate(
    rules: Rules, tables: Tables, wish: Wish, *, session: SparkSession | None = None, entity: str = INSURED
) -> Evaluated:
    """Return results and rejects for records in DataFrames or Parquet files. ``session``: the active one unless given.

    Raises UsageError for what is wrong with columns.
    """
    from pyspark.sql import SparkSession

    outer = session or SparkSession.active()
    inner = outer.newSession()
    for name, value in SETTINGS.items():
        inner.conf.set(name, value)
    named = tables if isinstance(tables, Mapping) else {INSURED: tables}
    relations = {kind: _relation(outer, inner, table) for kind, table in named.items()}
    try:
        job = Job(rules, relations, wish, "spark")
        return Evaluated(
            stepwise(inner, sql.parts(job.plan, job.program, job.setting, entity)),
            stepwise(inner, sql.reject_parts(job.plan, job.program, job.setting, entity)),
            job,
        )
    finally:
        for relation in relations.values():
            inner.catalog.dropGlobalTempView(relation.name.rpartition(".")[2])


def run(
    rules: Rules,
    tables: str | Mapping[str, str],
    output: str,
    wish: Wish,
    *,
    rejects: str | None = None,
    entity: str = INSURED,
    master: str = "local[*]",
    memory: str = "4g",
) -> None:
    """Compute the records in Parquet files and write folders of Parquet files, in a Spark of this machine."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(master).appName("tiaoli").config("spark.driver.memory", memory)
    session = builder.config("spark.ui.enabled", "false").getOrCreate()
    try:
        made = evaluate(rules, tables, wish, session=session, entity=entity)
        made.results.write.mode("overwrite").parquet(output)
        if rejects is not None:
            made.rejects.write.mode("overwrite").parquet(rejects)
    finally:
        session.stop()


def _relation(outer: SparkSession, inner: SparkSession, table: DataFrame | str) -> Relation:
    """A table under a name that both sessions know."""
    frame = outer.read.parquet(table) if isinstance(table, str) else table
    name = f"tiaoli_{next(_numbers)}"
    frame.createOrReplaceGlobalTempView(name)
    database = inner.conf.get("spark.sql.globalTempDatabase", "global_temp")
    return Relation(f"{database}.{name}", {field.name: field.dataType.simpleString() for field in frame.schema.fields})


def stepwise(session: SparkSession, parts: Sequence[sql.Part]) -> DataFrame:
    """Return the last of several queries, the others made views in turn. What is read twice is kept once it is worked out."""
    for part in parts[:-1]:
        frame = session.sql(part.query)
        kept = frame.localCheckpoint(eager=False) if part.shared else frame
        kept.createOrReplaceTempView(f"`{part.name}`")
    return session.sql(parts[-1].query)
