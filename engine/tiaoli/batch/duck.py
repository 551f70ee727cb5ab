"""DuckDB: from Parquet files to a file of results, by the query that `tiaoli.backends.sql` writes.

What does not fit the memory allowed is laid off to disk, but for what is grouped: of a long table, so many persons are computed at a time. Files appear
whole or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeAlias

from tiaoli.api import Rules
from tiaoli.backends import sql
from tiaoli.batch.layout import ID, Shape
from tiaoli.batch.passing import Count
from tiaoli.batch.sql_job import Job, Relation, by_kind, homes_among, spreads
from tiaoli.batch.wish import Wish
from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import UsageError
from tiaoli.results import whole_file
from tiaoli.values import INSURED

if TYPE_CHECKING:
    import duckdb

PERSONS = 80_000
"""Persons of a long table that are computed at a time: of each, every year is gathered in memory."""

_ROWS = "tiaoli_rows"
"""The view of a long table that shows the rows of so many persons."""

Tables: TypeAlias = "str | Path | Mapping[str, str | Path]"
"""A file, a pattern such as ``people/*.parquet``, or one of these for each kind of record."""


def run(
    rules: Rules,
    tables: Tables,
    output: Path,
    wish: Wish,
    *,
    rejects: Path | None = None,
    persons: str | Path | None = None,
    opening: str | Path | Mapping[str, str | Path] | None = None,
    closing: Path | None = None,
    entity: str = INSURED,
    unique: bool = False,
    memory: str | None = None,
    threads: int | None = None,
    watch: Callable[[int], None] | None = None,
) -> tuple[Job, Count]:
    """Compute the records of ``entity`` in Parquet files and write their results; ``rejects``: a file for the faults.

    ``persons``: a second table, of facts of whole records of insured persons; ``opening``: states to go on from, of insured persons, or by kind;
    ``closing``: those of ``entity`` after the last year. ``output``, ``closing`` and ``rejects`` are Parquet, or CSV by their suffix. ``unique``: ids are known to be, and are not looked through. ``memory`` is DuckDB's limit, such as ``4GB``;
    ``watch`` is told every second how much of the query is done, in percent. Returns what was asked of DuckDB, and what became of the records. Raises UsageError.
    """
    output, rejects = Path(output), None if rejects is None else Path(rejects)
    stage = _Stage()
    with _connected(memory, threads, output.parent) as connection, _watched(connection, watch, stage):
        job = job_of(connection, rules, tables, wish, opening, closing is not None, unique, persons)
        for kind in job.tables if job.chained else ():
            if number := _number(connection, f"SELECT COUNT(*) FROM ({job.rejects(kind)})"):
                raise spreads("DuckDB", kind, number)
        count = Count(*_numbers(connection, job, entity))
        if job.persons is not None and entity == INSURED:
            alone = _executed(connection, job.alone()).fetchone() or (0, 0)
            count.alone, count.nameless = int(alone[0]), int(alone[1])
        job = _in_portions(connection, job, stage, count.records)
        count.computed, count.breaches = _computed(connection, job, stage, entity, output, closing)
        count.rejected = count.records - count.computed
        count.faults = _faults(connection, job, stage, entity, not count.rejected, rejects)
        return job, count


@dataclass
class _Stage:
    """How far the work is: of ``portions``, conditions on the rows of ``source`` (none: all at once), the one that is ``at``."""

    source: str = ""
    portions: list[str] = field(default_factory=list)
    at: int = 0

    def each(self, connection: duckdb.DuckDBPyConnection) -> Iterator[int]:
        """Yield the number of each portion, while the view shows its rows."""
        for at, condition in enumerate(self.portions):
            self.at = at
            connection.execute(f"CREATE OR REPLACE TEMP VIEW {_ROWS} AS SELECT * FROM {self.source} WHERE {condition}")
            yield at
        if not self.portions:
            yield 0


def _in_portions(connection: duckdb.DuckDBPyConnection, job: Job, stage: _Stage, records: int) -> Job:
    """Return the job over a view that shows a portion of persons at a time, where a long table has many and each is computed alone."""
    from sqlglot import exp

    if (
        set(job.tables) != {INSURED}
        or not job.plan.alone
        or job.given[INSURED].shape is not Shape.LONG
        or records <= PERSONS
    ):
        return job
    table, ident = job.tables[INSURED], quoted(job.given[INSURED].ident)
    ids = f"SELECT DISTINCT {ident} AS i FROM {table.name} WHERE {ident} IS NOT NULL"
    rising = f"SELECT i, ROW_NUMBER() OVER (ORDER BY i) AS n FROM ({ids})"
    found = _executed(connection, f"SELECT i FROM ({rising}) WHERE n % {PERSONS} = 0 ORDER BY i").fetchall()
    bounds = [exp.convert(row[0]).sql(dialect="duckdb") for row in found]
    stage.source = table.name
    stage.portions = [f"{ident} > {a} AND {ident} <= {b}" for a, b in pairwise(bounds)]
    stage.portions = [f"{ident} <= {bounds[0]} OR {ident} IS NULL", *stage.portions, f"{ident} > {bounds[-1]}"]
    return replace(job, tables={INSURED: replace(table, name=_ROWS)})


def _numbers(connection: duckdb.DuckDBPyConnection, job: Job, entity: str) -> tuple[int, int]:
    """The rows of a table, and the records that they are of."""
    table = job.tables[entity].name
    rows = _number(connection, f"SELECT COUNT(*) FROM {table}")
    if job.given[entity].shape is Shape.WIDE:
        return rows, rows
    ident = quoted(job.given[entity].ident)
    return rows, _number(connection, f"SELECT COUNT(*) FROM (SELECT DISTINCT {ident} FROM {table})")


def _computed(
    connection: duckdb.DuckDBPyConnection, job: Job, stage: _Stage, entity: str, output: Path, closing: Path | None
) -> tuple[int, dict[str, int]]:
    """Write results and closing states; return how many records were computed, and how many of them break each mandate."""
    own = job.plan.kinds[entity]
    if not own.breaches and closing is None and job.layout(entity) is Shape.WIDE and not stage.portions:
        return _write(connection, job.query(entity), output), {}
    # Everything in one go, to be divided afterwards.
    with whole_file(output) as partial, TemporaryDirectory(dir=output.parent, prefix=".tiaoli-") as held:
        whole = sql.everything(job.plan, job.program, job.setting, entity)
        computed = sum(_write(connection, whole, Path(held) / f"{n}.parquet") for n in stage.each(connection))
        table = _parquet(all_of(Path(held)))
        results, states = job.divided(table, entity)
        _copy(connection, results, partial, output.suffix)
        if closing is not None:
            _write(connection, states, Path(closing))
        sums = ", ".join(f"COUNT(*) FILTER ({quoted(sql.BREACH + o.column)})" for o in own.breaches)
        found = connection.execute(f"SELECT {sums} FROM {table}").fetchone() if sums else ()
    breaches = {o.column: int(n) for o, n in zip(own.breaches, found or (), strict=True) if n}
    return computed, breaches


def _faults(
    connection: duckdb.DuckDBPyConnection, job: Job, stage: _Stage, entity: str, none: bool, path: Path | None
) -> int:
    """Write the faults, and count them; a row without faults is never left out, so with ``none`` left out there are none."""
    query = job.rejects(entity)
    if none:
        return 0 if path is None else _write(connection, f"SELECT * FROM ({query}) LIMIT 0", path)
    if path is None:
        return sum(_number(connection, f"SELECT COUNT(*) FROM ({query})") for _ in stage.each(connection))
    if not stage.portions:
        return _write(connection, query, path)
    with TemporaryDirectory(dir=path.parent, prefix=".tiaoli-") as held:
        for number in stage.each(connection):
            _write(connection, query, Path(held) / f"{number}.parquet")
        return _write(connection, f"SELECT * FROM {_parquet(all_of(Path(held)))}", path)


def _number(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    found = _executed(connection, query).fetchone()
    return int(found[0]) if found else 0


def job_of(
    connection: duckdb.DuckDBPyConnection,
    rules: Rules,
    tables: Tables,
    wish: Wish,
    opening: str | Path | Mapping[str, str | Path] | None = None,
    closing: bool = False,
    unique: bool = False,
    persons: str | Path | None = None,
) -> Job:
    """Return the job over Parquet files, whose columns are looked at. Raises UsageError."""
    relations = {kind: _relation(connection, str(path)) for kind, path in by_kind(tables).items()}
    states = {kind: _relation(connection, str(path)) for kind, path in by_kind(opening).items()}
    second = None if persons is None else _relation(connection, str(persons))
    job = Job(rules, relations, wish, "duckdb", (), unique, states, closing, second)
    columns = [(relations[kind], g.name) for kind, own in job.given.items() for g in own.columns if g.fact is None]
    places = {value for table, name in columns for value in _values(connection, table, name)}
    return replace(job, homes=homes_among(rules, places))


@contextmanager
def _connected(memory: str | None, threads: int | None, folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {"temp_directory": str(folder / ".tiaoli-duckdb")}
    settings |= {} if memory is None else {"memory_limit": memory}
    settings |= {} if threads is None else {"threads": threads}
    with duckdb.connect(config=settings) as connection:
        connection.execute("SET preserve_insertion_order = false")
        yield connection


@contextmanager
def _watched(
    connection: duckdb.DuckDBPyConnection, watch: Callable[[int], None] | None, stage: _Stage
) -> Iterator[None]:
    """Tell ``watch`` how far the work is."""
    if watch is None:
        yield
        return
    from threading import Event, Thread

    ended = Event()

    def look() -> None:
        while not ended.wait(1):
            watch((100 * stage.at + max(0, int(connection.query_progress()))) // max(1, len(stage.portions)))

    connection.execute("SET enable_progress_bar = true")
    connection.execute("SET enable_progress_bar_print = false")
    thread = Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _relation(connection: duckdb.DuckDBPyConnection, path: str) -> Relation:
    import duckdb

    name = _parquet(path)
    try:
        found = connection.execute(f"DESCRIBE SELECT * FROM {name}").fetchall()
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise UsageError([Diagnostic("E704", {"path": path, "reason": reason})]) from None
    return Relation(name, {row[0]: row[1] for row in found}, path)


def all_of(folder: Path) -> str:
    """Return the pattern of the Parquet files in a folder."""
    exactly = re.sub(r"[*?[]", r"[\g<0>]", str(folder))
    return f"{exactly}/*.parquet"


def _parquet(path: str) -> str:
    """A file, or a pattern of files, as a table of a query."""
    from sqlglot import exp

    return exp.func("read_parquet", exp.Literal.string(path), dialect="duckdb").sql(dialect="duckdb")


def quoted(name: str) -> str:
    """Return the name of a column as a query has it."""
    from sqlglot import exp

    return exp.to_identifier(name, quoted=True).sql(dialect="duckdb")


def _values(connection: duckdb.DuckDBPyConnection, table: Relation, name: str) -> Iterator[str]:
    """The different values of a column of texts."""
    column = quoted(name)
    found = connection.execute(f"SELECT DISTINCT {column} FROM {table.name} WHERE {column} IS NOT NULL").fetchall()
    yield from (str(row[0]) for row in found)


def _write(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    """Write what a query gives to a file, under another name until it is whole; returns the rows."""
    with whole_file(path) as partial:
        return _copy(connection, query, partial, path.suffix)


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path, suffix: str) -> int:
    from sqlglot import exp

    form = "PARQUET, COMPRESSION ZSTD"
    if suffix.lower() == ".csv":
        form = "CSV, HEADER"
        # A mark before the first name, as in every CSV file that is written here: programs for tables know by it that the text is UTF-8.
        query = f"SELECT * FROM ({query}) AS t({quoted(chr(0xFEFF) + ID)})"
    name = exp.Literal.string(str(path)).sql(dialect="duckdb")
    written = _executed(connection, f"COPY ({query}) TO {name} (FORMAT {form})").fetchone()
    return int(written[0]) if written else 0


def _executed(connection: duckdb.DuckDBPyConnection, query: str) -> duckdb.DuckDBPyConnection:
    """Run a query in a thread of its own: while DuckDB works, this one hears signals, and what they raise ends the query at once."""
    from concurrent.futures import ThreadPoolExecutor
    from threading import Event

    ended = Event()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(connection.execute, query)
        running.add_done_callback(lambda _: ended.set())
        try:
            while not ended.wait(1):
                pass
        except BaseException:
            connection.interrupt()
            while not ended.wait(1):  # one that came before the query began was lost
                connection.interrupt()
            raise
    return running.result()
