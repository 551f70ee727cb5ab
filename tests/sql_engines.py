"""Engines that run SQL for the tests: DuckDB in this process, one Spark session for all, PostgreSQL where it is installed."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

Row: TypeAlias = Sequence[Any]


# ── DuckDB ───────────────────────────────────────────────────────────────────


def duckdb_rows(tables: Mapping[str, tuple[Mapping[str, str], Sequence[Row]]], query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query over tables given as (types of columns by name, rows)."""
    import duckdb

    with duckdb.connect() as connection:
        for name, (columns, rows) in tables.items():
            listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            connection.execute(f'create table "{name}" ({listed})')
            if rows:
                marks = ", ".join("?" for _ in columns)
                connection.executemany(f'insert into "{name}" values ({marks})', [list(row) for row in rows])
        return connection.execute(query).fetchall()


# ── Spark ────────────────────────────────────────────────────────────────────


@contextmanager
def spark_session() -> Iterator[Any]:
    """A small session on one core of this machine."""
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[1]")
        .appName("tiaoli tests")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.constraintPropagation.enabled", "false")
        .config("spark.sql.analyzer.maxIterations", "1000")
        .config("spark.driver.memory", "2g")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.log.level", "ERROR")
        .getOrCreate()
    )
    try:
        yield session
    finally:
        session.stop()


def spark_rows(
    session: Any, tables: Mapping[str, tuple[Mapping[str, str], Sequence[Row]]], query: str
) -> list[tuple[Any, ...]]:
    """Return the rows of a query over tables given as (types of columns by name, rows)."""
    spark_tables(session, tables)
    return [tuple(row) for row in session.sql(query).collect()]


def spark_tables(session: Any, tables: Mapping[str, tuple[Mapping[str, str], Sequence[Row]]]) -> None:
    """Make tables known to a session."""
    for name, (columns, rows) in tables.items():
        schema = ", ".join(f"`{column}` {kind}" for column, kind in columns.items())
        listed = [tuple(_decimal(v, k) for v, k in zip(row, columns.values(), strict=True)) for row in rows]
        session.createDataFrame(listed, schema).createOrReplaceTempView(f"`{name}`")


def _decimal(value: Any, kind: str) -> Any:
    return Decimal(value) if isinstance(value, int) and kind.lower().startswith("decimal") else value


# ── PostgreSQL ───────────────────────────────────────────────────────────────


def postgres_is_there() -> bool:
    """Whether a server can be started here."""
    return bool(shutil.which("postgres") and shutil.which("initdb") and shutil.which("psql"))


@contextmanager
def postgres_server() -> Iterator[str]:
    """A server of one's own, that listens on a socket in a temporary folder; yields the folder."""
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        data = Path(folder) / "data"
        _as_server("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale")
        options = f"-k {folder} -c listen_addresses= -c fsync=off"
        _as_server("pg_ctl", "-D", data, "-w", "-l", Path(folder) / "log", "-o", options, "start")
        try:
            yield folder
        finally:
            _as_server("pg_ctl", "-D", data, "-m", "immediate", "stop")


def _as_server(*command: object) -> None:
    """Run a command as a user who may run the server: it refuses to run for root."""
    before = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    folder = str(command[2])
    subprocess.run([*before, *map(str, command)], check=True, stdout=subprocess.DEVNULL, cwd=Path(folder).parent)


def postgres_rows(
    folder: str, tables: Mapping[str, tuple[Mapping[str, str], Sequence[Row]]], query: str
) -> list[list[str]]:
    """Return the rows of a query as texts; an empty text is null."""
    script = ["\\set ON_ERROR_STOP on", "begin;"]
    for name, (columns, rows) in tables.items():
        listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        script.append(f'create temp table "{name}" ({listed});')
        values = ",\n".join("(" + ", ".join(map(_literal, row)) + ")" for row in rows)
        if values:
            script.append(f'insert into "{name}" values {values};')
    script += [query.rstrip(";") + ";", "rollback;"]
    ran = subprocess.run(
        ["psql", "-h", folder, "-U", "postgres", "-q", "--csv", "-t", "-f", "-"],
        input="\n".join(script), text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[:2000]
    return list(csv.reader(ran.stdout.splitlines()))


def _literal(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case date():
            return f"date '{value.isoformat()}'"
        case int() | Decimal():
            return f"({value})"
    return "'" + str(value).replace("'", "''") + "'"


def as_text(value: Any) -> str:
    """Return a value as `postgres_rows` gives it."""
    match value:
        case None:
            return ""
        case bool():
            return "t" if value else "f"
        case date():
            return value.isoformat()
    return str(value)
