"""Spark: results and rejects as lazy DataFrames, by the query that `tiaoli.backends.sql` writes. Needs the extra ``tiaoli[spark]``.

Nothing is collected, and no Python runs on rows: every step is a view over the one before, in a session of its own beside the caller's,
whose settings stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeAlias

from tiaoli.api import Rules
from tiaoli.backends import sql
from tiaoli.batch.layout import ID, YEAR, YEAR_SIGN, Shape
from tiaoli.batch.passing import Count
from tiaoli.batch.sql_job import Job, Relation, by_kind, spreads
from tiaoli.batch.wish import Wish
from tiaoli.values import INSURED

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Table: TypeAlias = "DataFrame | str | Path"
"""A DataFrame, or a path of Parquet files."""

Tables: TypeAlias = "Table | Mapping[str, Table]"
"""A table, or one for each kind of record."""

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
    """The results of one kind of record, their states after the last year (None where not asked for), and the faults of those left out; all lazy.

    ``faults``: where what is wrong with a record spreads along links (`Job.chained`), the faults of every kind; unless there are none, the others
    do not leave out all that rests on them. ``broken`` says for each mandate and year, by column of ``everything``, which records break it. ``everything`` is what the others are taken from. ``alone``: one row, of a second table, see `Job.alone`.
    """

    results: DataFrame
    closing: DataFrame | None
    rejects: DataFrame
    everything: DataFrame
    job: Job
    entity: str
    faults: Mapping[str, DataFrame]
    alone: DataFrame | None

    @property
    def broken(self) -> dict[str, str]:
        """The columns of ``everything`` that are true where a mandate is broken, by mandate and year."""
        return {o.column: sql.BREACH + o.column for o in self.job.plan.kinds[self.entity].breaches}


def evaluate(
    rules: Rules,
    tables: Tables,
    wish: Wish,
    *,
    session: SparkSession | None = None,
    entity: str = INSURED,
    persons: Table | None = None,
    opening: Tables | None = None,
    closing: bool = False,
    unique: bool = False,
) -> Evaluated:
    """Return results and rejects for records in DataFrames or Parquet files. ``session``: the active one unless given.

    ``persons``: a second table, of facts of whole records of insured persons; ``opening``: states to go on from, of insured persons, or by kind;
    ``closing``: those of ``entity`` after the last year are wanted. ``unique``:
    ids are known to be, and are not looked through. Raises UsageError for what is wrong with columns.
    """
    from pyspark.sql import SparkSession

    outer = session or SparkSession.active()
    inner = outer.newSession()
    for name, value in SETTINGS.items():
        inner.conf.set(name, value)
    given: Mapping[str, Table] = by_kind(tables)
    held: Mapping[str, Table] = by_kind(opening)
    relations = {kind: _relation(outer, inner, table) for kind, table in given.items()}
    states = {kind: _relation(outer, inner, table) for kind, table in held.items()}
    second = None if persons is None else _relation(outer, inner, persons)
    try:
        job = Job(rules, relations, wish, "spark", (), unique, states, closing, second)
        every = stepwise(inner, sql.everything_parts(job.plan, job.program, job.setting, entity))
        rejects = stepwise(inner, sql.reject_parts(job.plan, job.program, job.setting, entity))
        faults = {
            kind: stepwise(inner, sql.reject_parts(job.plan, job.program, job.setting, kind))
            for kind in (job.tables if job.chained else ())
        }
        alone = None if second is None or entity != INSURED else inner.sql(job.alone())
        return Evaluated(
            _results(every, job, entity), _closing(every, job, entity), rejects, every, job, entity, faults, alone
        )
    finally:
        for relation in (*relations.values(), *states.values(), *([] if second is None else [second])):
            inner.catalog.dropGlobalTempView(relation.name.rpartition(".")[2])


def _results(every: DataFrame, job: Job, entity: str) -> DataFrame:
    """The table of results, wide or long, of a table with everything."""
    if job.layout(entity) is Shape.WIDE:
        return every.select(_quoted(ID), *map(_quoted, job.result_columns(entity)))
    from pyspark.sql import functions as f

    once, names = job.long_columns(entity)
    rows = [
        f.struct(f.lit(year).alias(YEAR), *(f.col(_quoted(f"{n}{YEAR_SIGN}{year}")).alias(n) for n in names))
        for year in job.wish.years
    ]
    return every.select(_quoted(ID), *map(_quoted, once), f.inline(f.array(*rows)))


def _closing(every: DataFrame, job: Job, entity: str) -> DataFrame | None:
    from pyspark.sql import functions as f

    if not job.closing:
        return None
    held = job.plan.kinds[entity].closing
    return every.select(_quoted(ID), *(f.col(_quoted(sql.CLOSING + o.column)).alias(o.column) for o in held))


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def run(
    rules: Rules,
    tables: str | Path | Mapping[str, str | Path],
    output: str | Path,
    wish: Wish,
    *,
    rejects: str | Path | None = None,
    persons: str | Path | None = None,
    opening: str | Path | Mapping[str, str | Path] | None = None,
    closing: str | Path | None = None,
    entity: str = INSURED,
    unique: bool = False,
    master: str = "local[*]",
    memory: str = "4g",
) -> tuple[Job, Count]:
    """Compute the records in Parquet files and write folders of Parquet files, in a Spark of this machine (or the session that there is).

    Broken mandates are counted while the results are written. With a closing state, which is written from the same, all is kept on disk meanwhile.
    """
    from pyspark.sql import SparkSession

    with TemporaryDirectory(prefix="tiaoli-spark-") as held:
        there = SparkSession.getActiveSession()
        session = there or _local(master, memory, Path(held))
        try:
            made = evaluate(
                rules, tables, wish, session=session, entity=entity, persons=persons, opening=opening,
                closing=closing is not None, unique=unique,
            )  # fmt: skip
            for kind, faults in made.faults.items():
                if number := faults.count():
                    raise spreads("Spark", kind, number)
            left, after = (None if path is None else str(path) for path in (rejects, closing))
            return made.job, _written(session, made, tables, str(output), left, after)
        finally:
            if there is None:
                session.stop()


_LOGGING = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %m%n
"""


def _local(master: str, memory: str, folder: Path) -> SparkSession:
    """A session of this machine that says nothing but errors, and leaves nothing behind outside ``folder``."""
    from pyspark.sql import SparkSession

    logging = folder / "log4j2.properties"
    logging.write_text(_LOGGING, encoding="utf-8")
    settings = {
        "spark.driver.memory": memory, "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR",
        "spark.sql.warehouse.dir": str(folder / "warehouse"), "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={logging.as_uri()}",
    }  # fmt: skip
    builder = SparkSession.builder.master(master).appName("tiaoli")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _written(
    session: SparkSession,
    made: Evaluated,
    tables: str | Path | Mapping[str, str | Path],
    output: str,
    rejects: str | None,
    closing: str | None,
) -> Count:
    from pyspark import StorageLevel
    from pyspark.sql import Observation
    from pyspark.sql import functions as f

    given = session.read.parquet(_exactly(str(by_kind(tables)[made.entity])))
    headings = made.job.given[made.entity]
    count = Count(given.count())
    if made.alone is not None:
        count.alone, count.nameless = map(int, made.alone.first() or (0, 0))
    count.records = (
        count.rows if headings.shape is Shape.WIDE else given.select(_quoted(headings.ident)).distinct().count()
    )
    seen = Observation()
    broken = [f.count_if(f.col(_quoted(c))).alias(str(i)) for i, c in enumerate(made.broken.values())]
    every = made.everything.observe(seen, f.count(f.lit(1)).alias("computed"), *broken)
    if closing is not None:
        every = every.persist(StorageLevel.DISK_ONLY)
    _results(every, made.job, made.entity).write.mode("overwrite").parquet(output)
    found = seen.get
    count.computed = int(found["computed"])
    count.rejected = count.records - count.computed
    count.breaches = {name: int(n) for i, name in enumerate(made.broken) if (n := found[str(i)])}
    states = _closing(every, made.job, made.entity)
    if states is not None and closing is not None:
        states.write.mode("overwrite").parquet(closing)
        every.unpersist()
    if rejects is not None:
        faults = made.rejects if count.rejected else made.rejects.limit(0)
        faults.write.mode("overwrite").parquet(rejects)
        count.faults = session.read.parquet(_exactly(rejects)).count()
    elif count.rejected:
        count.faults = made.rejects.count()
    return count


def _relation(outer: SparkSession, inner: SparkSession, table: Table) -> Relation:
    """A table under a name that both sessions know."""
    frame = outer.read.parquet(_exactly(table)) if isinstance(table, str | Path) else table
    name = f"tiaoli_{next(_numbers)}"
    frame.createOrReplaceGlobalTempView(name)
    database = inner.conf.get("spark.sql.globalTempDatabase", "global_temp")
    columns = {field.name: field.dataType.simpleString() for field in frame.schema.fields}
    return Relation(f"{database}.{name}", columns, str(table) if isinstance(table, str | Path) else None)


def _exactly(path: str | Path) -> str:
    """A path that is there, so that it is not taken for a pattern; a pattern stays one."""
    return re.sub(r"[][*?{}\\]", r"\\\g<0>", str(path)) if Path(path).exists() else str(path)


def stepwise(session: SparkSession, parts: Sequence[sql.Part]) -> DataFrame:
    """Return the last of several queries, the others made views in turn. What is read twice is kept once it is worked out."""
    for part in parts[:-1]:
        frame = session.sql(part.query)
        kept = frame.localCheckpoint(eager=False) if part.shared else frame
        kept.createOrReplaceTempView(f"`{part.name}`")
    return session.sql(parts[-1].query)
