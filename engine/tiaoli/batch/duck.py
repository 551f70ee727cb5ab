"""DuckDB: from Parquet files to a file of results, by the query that `tiaoli.backends.sql` writes.

What does not fit the memory allowed is laid off to disk. Files appear whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from tiaoli.api import Rules
from tiaoli.batch.sql_job import Job, Relation, Wish, homes_among
from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import UsageError
from tiaoli.results import whole_file
from tiaoli.values import INSURED

if TYPE_CHECKING:
    import duckdb

Tables: TypeAlias = "str | Path | Mapping[str, str | Path]"
"""A file, a pattern such as ``people/*.parquet``, or one of these for each kind of record."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows there were, how many records were computed, and how many faults were found."""

    rows: int
    computed: int
    faults: int


def run(
    rules: Rules,
    tables: Tables,
    output: Path,
    wish: Wish,
    *,
    rejects: Path | None = None,
    entity: str = INSURED,
    memory: str | None = None,
    threads: int | None = None,
) -> Count:
    """Compute the records of ``entity`` in Parquet files and write their results; ``rejects``: a file for the faults.

    ``output`` and ``rejects`` are Parquet, or CSV by their suffix. ``memory`` is DuckDB's limit, such as ``4GB``. Raises UsageError.
    """
    output, rejects = Path(output), None if rejects is None else Path(rejects)
    with _connected(memory, threads, output.parent) as connection:
        job = job_of(connection, rules, tables, wish)
        rows = _number(connection, f"SELECT COUNT(*) FROM {job.tables[entity].name}")
        computed = _write(connection, job.query(entity), output)
        return Count(rows, computed, _faults(connection, job, entity, rows == computed, rejects))


def _faults(connection: duckdb.DuckDBPyConnection, job: Job, entity: str, none: bool, path: Path | None) -> int:
    """Write the faults, and count them; a row without faults is never left out, so with ``none`` left out there are none."""
    query = f"SELECT * FROM ({job.rejects(entity)})" + (" LIMIT 0" if none else "")
    if path is not None:
        return _write(connection, query, path)
    return 0 if none else _number(connection, f"SELECT COUNT(*) FROM ({query})")


def _number(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0


def job_of(connection: duckdb.DuckDBPyConnection, rules: Rules, tables: Tables, wish: Wish) -> Job:
    """Return the job over Parquet files, whose columns are looked at. Raises UsageError."""
    named = tables if isinstance(tables, Mapping) else {INSURED: tables}
    relations = {kind: _relation(connection, str(path)) for kind, path in named.items()}
    job = Job(rules, relations, wish, "duckdb")
    places = {
        p for kind, own in job.setting.places.items() for c in own for p in _values(connection, relations[kind], c)
    }
    return Job(rules, relations, wish, "duckdb", homes_among(rules, places))


@contextmanager
def _connected(memory: str | None, threads: int | None, folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {"temp_directory": str(folder / ".tiaoli-duckdb")}
    settings |= {} if memory is None else {"memory_limit": memory}
    settings |= {} if threads is None else {"threads": threads}
    with duckdb.connect(config=settings) as connection:
        connection.execute("SET preserve_insertion_order = false")
        yield connection


def _relation(connection: duckdb.DuckDBPyConnection, path: str) -> Relation:
    import duckdb
    from sqlglot import exp

    name = exp.func("read_parquet", exp.Literal.string(path), dialect="duckdb").sql(dialect="duckdb")
    try:
        found = connection.execute(f"DESCRIBE SELECT * FROM {name}").fetchall()
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise UsageError([Diagnostic("E704", {"path": path, "reason": reason})]) from None
    return Relation(name, {row[0]: row[1] for row in found})


def _values(connection: duckdb.DuckDBPyConnection, table: Relation, name: str) -> Iterator[str]:
    """The different values of a column of texts."""
    from sqlglot import exp

    column = exp.to_identifier(name, quoted=True).sql(dialect="duckdb")
    found = connection.execute(f"SELECT DISTINCT {column} FROM {table.name} WHERE {column} IS NOT NULL").fetchall()
    yield from (str(row[0]) for row in found)


def _write(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    """Write what a query gives to a file, under another name until it is whole; returns the rows."""
    from sqlglot import exp

    form = "CSV, HEADER" if path.suffix.lower() == ".csv" else "PARQUET, COMPRESSION ZSTD"
    with whole_file(path) as partial:
        name = exp.Literal.string(str(partial)).sql(dialect="duckdb")
        written = connection.execute(f"COPY ({query}) TO {name} (FORMAT {form})").fetchone()
    return int(written[0]) if written else 0
