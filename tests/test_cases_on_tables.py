"""The built-in cases on tables: what a document demands of a person comes out of the columnar back ends too, many people at a time.

The people of a place are computed together, over all years of which one of them expects something; who lacks facts of years that only others
ask for is computed again over the years of the own case. Cases of several records, and those that expect an error, are about
how records are read and joined, and are left to the tests of those.

Spark takes minutes for all of them, most of it for planning: it has the places with few cases, and with TIAOLI_EVERY_CASE=1 every place.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from columns_support import ran
from sql_engines import spark_session
from support import ROOT
from tiaoli.api import Rules
from tiaoli.backends.lower import column
from tiaoli.batch import duck, spark
from tiaoli.batch.computing import held_as
from tiaoli.batch.layout import ID, PLACE, YEAR_SIGN, Shape, Units, columns_of, dtype_of
from tiaoli.batch.running import Wish
from tiaoli.cases import Case, read_cases, same
from tiaoli.pipeline import load
from tiaoli.record_places import from_node
from tiaoli.records import Person
from tiaoli.values import INSURED, Kind

pytestmark = pytest.mark.no_cover  # what they run, others cover: being traced would only double their time

Told = tuple[Case, Person]
Rows = dict[str, dict[str, Any] | None]
"""Results by id, None of who moves where the engine does not follow."""
Engine = Callable[[Rules, pl.DataFrame, Wish, Path, "pl.DataFrame | None"], Rows]


def by_place() -> dict[str, list[Case]]:
    """The cases of one person that expect values, by place."""
    found: dict[str, list[Case]] = defaultdict(list)
    for path in sorted((ROOT / "rulesets").rglob("*.cases.yaml")):
        for case in read_cases(path)[0]:
            if not case.together and case.fault is None:
                found[case.place].append(case)
    return found


CASES = by_place()


@cache
def library() -> Any:
    return load()


@pytest.mark.parametrize("engine", ("polars", "duckdb"))
@pytest.mark.parametrize("place", CASES)
def test_cases_of_a_place(place: str, engine: str, tmp_path: Path) -> None:
    held_by(place, {"polars": on_polars, "duckdb": on_duckdb}[engine], tmp_path)


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    with spark_session() as made:
        yield made


@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs java")
@pytest.mark.parametrize(
    "place", [p for p, cases in CASES.items() if len(cases) < 5 or os.environ.get("TIAOLI_EVERY_CASE")]
)
def test_cases_of_a_place_on_spark(place: str, session: Any, tmp_path: Path) -> None:
    held_by(place, partial(on_spark, session), tmp_path)


def held_by(place: str, engine: Engine, folder: Path) -> None:
    """Hold an engine to all cases of a place."""
    rules = Rules(library(), place)
    rules.reaching(max(y for case in CASES[place] for y in case.years) + 1)
    for cases in grouped(CASES[place]):
        again = held(rules, cases, folder, engine)
        for few in by_years(again):
            assert not held(rules, few, folder, engine), [case.name for case in few]


def on_polars(rules: Rules, people: pl.DataFrame, wish: Wish, folder: Path, states: pl.DataFrame | None) -> Rows:
    return ran(rules, people, wish, folder, opening=states).rows


def on_duckdb(rules: Rules, people: pl.DataFrame, wish: Wish, folder: Path, states: pl.DataFrame | None) -> Rows:
    """The same of DuckDB; of who moves between places it says so, and gives no values."""
    people.write_parquet(folder / "people.parquet")
    if states is not None:
        states.write_parquet(folder / "states.parquet")
    duck.run(
        rules, folder / "people.parquet", folder / "out.parquet", wish, rejects=folder / "rejects.parquet",
        opening=None if states is None else folder / "states.parquet",
    )  # fmt: skip
    rows: Rows = {row[ID]: row for row in pl.read_parquet(folder / "out.parquet").to_dicts()}
    moved = pl.read_parquet(folder / "rejects.parquet").filter(pl.col("代码") == "E806")[ID].to_list()
    return rows | dict.fromkeys(moved)


def on_spark(
    session: Any, rules: Rules, people: pl.DataFrame, wish: Wish, folder: Path, states: pl.DataFrame | None
) -> Rows:
    people.write_parquet(folder / "people.parquet")
    if states is not None:
        states.write_parquet(folder / "states.parquet")
    before = None if states is None else folder / "states.parquet"
    made = spark.evaluate(rules, folder / "people.parquet", wish, session=session, opening=before)
    for frame, name in ((made.results, "out"), (made.rejects, "rejects")):
        frame.write.mode("overwrite").parquet(str(folder / name))
    rows: Rows = {row[ID]: row for row in pl.read_parquet(folder / "out" / "*.parquet").to_dicts()}
    moved = pl.read_parquet(folder / "rejects" / "*.parquet").filter(pl.col("代码") == "E806")[ID].to_list()
    return rows | dict.fromkeys(moved)


def grouped(cases: Sequence[Case]) -> Iterator[list[Case]]:
    """Cases that one run can answer: of the same readings, and alone where they begin from a state."""
    found: dict[Any, list[Case]] = defaultdict(list)
    for number, case in enumerate(cases):
        found[tuple(sorted(case.readings.items())), number if case.opening else None].append(case)
    yield from found.values()


def by_years(cases: Sequence[Case]) -> Iterator[list[Case]]:
    found: dict[Any, list[Case]] = defaultdict(list)
    for case in cases:
        found[min(case.years), max(case.years), tuple(sorted(asked([case])))].append(case)
    yield from found.values()


def asked(cases: Sequence[Case]) -> set[str]:
    return {name for case in cases for wanted in case.expected.values() for name in wanted}


def held(rules: Rules, cases: Sequence[Case], folder: Path, engine: Engine) -> list[Case]:
    """Hold the results of a run to what the cases expect; return the cases whose people were set aside."""
    years = range(min(min(c.years) for c in cases), max(max(c.years) for c in cases) + 1)
    program = rules.reaching(years.stop)
    live = {r.name for y in years for r in program.segment(y).rules}
    names = tuple(n for n in program.rules if n in asked(cases) and n in live)
    compiled = rules.compiled(years, names, cases[0].readings)
    reader = rules.reader(compiled, partial=True)
    people: list[Told] = []
    for number, case in enumerate(cases):
        person = reader.one(from_node(case.record), case.path)
        assert isinstance(person, Person), (case.name, person)
        people.append((case, replace(person, id=f"{number}")))
    wish = Wish(years, names, cases[0].readings, Units.FEN, Shape.WIDE)
    rows = engine(rules, table(compiled.program, [p for _, p in people]), wish, folder, opening(cases[0]))
    return [case for case, person in people if not compared(case, rows, person.id, compiled.program)]


def table(program: Any, people: Sequence[Person]) -> pl.DataFrame:
    """People as a wide table in whole numbers, with their places where they move."""
    every = sorted({y for p in people for y in (*p.years, *p.places)})
    facts = list(program.facts_of(INSURED))
    at = {f.name: i for yearly in (False, True) for i, f in enumerate(f for f in facts if f.yearly is yearly)}
    columns = [pl.Series(ID, [p.id for p in people], dtype=pl.String)]
    for given in columns_of(program, INSURED, Shape.WIDE, range(every[0], every[-1] + 1) if every else range(0)):
        index = at[given.fact.name]
        if given.year is None:
            values = [p.facts[index] for p in people]
        else:
            values = [p.years[given.year][index] if given.year in p.years else None for p in people]
        if given.fact.required or any(v is not None for v in values):
            columns.append(pl.Series(given.name, values, dtype=dtype_of(given.fact, Units.FEN)))
    for year in every:
        if any(year in p.places for p in people):
            columns.append(
                pl.Series(f"{PLACE}{YEAR_SIGN}{year}", [p.places.get(year) for p in people], dtype=pl.String)
            )
    return pl.DataFrame(columns)


def opening(case: Case) -> pl.DataFrame | None:
    if case.opening is None:
        return None
    year, values = case.opening
    truth = {"是": True, "否": False}
    return pl.DataFrame({ID: ["0"]} | {f"{n}@{year}": [truth.get(v, v)] for n, v in values.items()})


def compared(case: Case, rows: Rows, ident: str, program: Any) -> bool:
    """Compare what a case expects; False where the person was set aside."""
    if ident not in rows:
        return False
    found = rows[ident]
    if found is None:
        return True
    for year, wanted in case.expected.items():
        for name, (expected, line, _) in wanted.items():
            kind, digits, _ = held_as(program, name)
            value = found.get(column(name, year))
            if value is not None and kind.kind in (Kind.MONEY, Kind.RATE):
                value = Decimal(value).scaleb(-digits)
            assert same(expected, value), (case.path.name, line, case.name, name, year, expected, value)
    return True


def test_there_are_cases() -> None:
    assert sum(map(len, CASES.values())) > 400
