"""The columnar back end gives the values of the interpreter, on random rulesets and records, however the table is laid out."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import strategies as st

import columns_support as tables
import tiaoli
from columns_support import TEXT, Ran, ran
from strategies import FIRST, LAST, Ruleset, records, rulesets, sampled
from strategies_entities import populations, worlds
from tiaoli import model as m
from tiaoli.batch import dealing, long
from tiaoli.batch.computing import held_as
from tiaoli.batch.layout import ID, YEAR, Shape, Units
from tiaoli.batch.running import Run, Wish
from tiaoli.batch.together import Together
from tiaoli.results import output_of
from tiaoli.trace import Tracer
from tiaoli.values import INSURED

examples = partial(sampled, suppressed=list(HealthCheck))
YEARS = range(FIRST, LAST + 1)


# ── what a run must give ─────────────────────────────────────────────────────


def load(ruleset: Ruleset) -> tiaoli.Rules:
    """Return the rules; passes over rulesets with values that could leave 64 bits."""
    try:
        rules = tiaoli.loads(*ruleset.texts, place=ruleset.place)
        rules.program(LAST)
    except tiaoli.RulesetError as error:
        assert {d.code for d in error.diagnostics} <= {"E307", "E337"}, error
        assume(False)
    return rules


def in_force(rules: tiaoli.Rules, years: range, kinds: tuple[str, ...] = (INSURED,)) -> tuple[str, ...]:
    """The rules of some kinds that are in force in one of ``years``."""
    program = rules.program(LAST)
    live = {rule.name for year in years for rule in program.segment(year).rules}
    return tuple(n for n, t in program.rules.items() if not t[0].hidden and n in live and t[0].entity in kinds)


def readings_of(data: st.DataObject, rules: tiaoli.Rules) -> dict[str, str]:
    """A reading for some of the open questions."""
    found = {}
    for name, question in rules.program(LAST).open_questions.items():
        if not question.settled and data.draw(st.booleans()):
            found[name] = data.draw(st.sampled_from([option for option, _ in question.options]))
    return found


def people(data: st.DataObject, program: m.Program, most: int = 4) -> list[dict[str, Any]]:
    """Some random records; of some a year is missing."""
    found = []
    for number in range(data.draw(st.integers(1, most))):
        record = data.draw(records(program, YEARS)) | {"编号": f"P{number}"}
        if data.draw(st.integers(0, 3)) == 0:
            del record["年度"][data.draw(st.sampled_from(YEARS))]
        found.append(record)
    return found


def without_empty_years(record: dict[str, Any]) -> dict[str, Any]:
    """The record as a wide table can hold it: a year without facts is no year."""
    years = {y: facts for y, facts in record["年度"].items() if any(v is not None for v in facts.values())}
    return record | {"年度": years}


Told = dict[str, Any]


def interpreted(
    rules: tiaoli.Rules, listed: list[dict[str, Any]], years: range, wanted: tuple[str, ...], **more: Any
) -> dict[str, Told | set[str]]:
    """By id the values of the interpreter under the names of columns, or the codes of what is wrong."""
    found: dict[str, Told | set[str]] = {}
    for record in listed:
        try:
            result = rules.evaluate(record, years, rules=wanted, **more)
        except tiaoli.TiaoliError as error:
            found[record["编号"]] = {d.code for d in error.diagnostics}
            continue
        found[record["编号"]] = {f"{n}@{y}": result[y][n] for y in years for n in wanted}
    return found


def the_same(run: Ran, expected: dict[str, Told | set[str]], program: m.Program, units: Units = Units.YUAN) -> int:
    """Hold a run to what it must be, value for value and type for type; return how many values were compared."""
    compared = 0
    for ident, wanted in expected.items():
        if isinstance(wanted, set):
            assert ident not in run.rows, (ident, wanted)
            assert run.codes[ident] == wanted
            continue
        assert ident in run.rows, (ident, run.codes.get(ident))
        for column, value in wanted.items():
            name, _ = tables.by_year(column)
            kind, digits, _ = held_as(program, name)
            meant = tables.outside(value, units, (kind.kind, digits))
            given = run.rows[ident][column]
            assert given == meant and type(given) is type(meant), (ident, column, given, meant)
            compared += 1
    assert len(run.rows) == sum(not isinstance(w, set) for w in expected.values())
    return compared


def attempted(rules: tiaoli.Rules, source: Any, wish: Wish, folder: Path, **more: Any) -> Ran:
    """A run; passes over rulesets with values too great for columns."""
    try:
        return ran(rules, source, wish, folder, **more)
    except tiaoli.UsageError as error:
        assert {d.code for d in error.diagnostics} == {"E860"}, error
        assume(False)
        raise


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("columns")


# ── persons ──────────────────────────────────────────────────────────────────


@examples(30)
@given(st.data())
def test_wide_tables_give_the_values_of_the_interpreter(folder: Path, data: st.DataObject) -> None:
    rules = load(data.draw(rulesets()))
    wanted = in_force(rules, YEARS)
    assume(wanted)
    listed = [without_empty_years(r) for r in people(data, rules.program(LAST))]
    readings = readings_of(data, rules)
    form = data.draw(st.sampled_from([Units.YUAN, Units.FEN, TEXT]))
    units = Units.YUAN if form == TEXT else form
    frame = tables.wide(rules.program(LAST), listed, YEARS, form)
    run = attempted(rules, frame, Wish(YEARS, wanted, readings, units), folder)
    expected = interpreted(rules, listed, YEARS, wanted, readings=readings)
    the_same(run, expected, rules.program(LAST), units)


@examples(30)
@given(st.data())
def test_long_tables_in_any_order_give_the_same(folder: Path, data: st.DataObject) -> None:
    rules = load(data.draw(rulesets()))
    wanted = in_force(rules, YEARS)
    assume(wanted)
    listed = people(data, rules.program(LAST), 6)
    form = data.draw(st.sampled_from([Units.YUAN, Units.FEN, TEXT]))
    units = Units.YUAN if form == TEXT else form
    frame = tables.long(rules.program(LAST), listed, form)
    wish = Wish(YEARS, wanted, {}, units, Shape.WIDE)
    expected = interpreted(rules, listed, YEARS, wanted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long, "WINDOW", data.draw(st.sampled_from([1, 3, 7, 1_000_000])))
        patch.setattr(long, "RUNS", data.draw(st.sampled_from([1, 64])))
        patch.setattr(long, "AHEAD", data.draw(st.sampled_from([1, 4])))
        patch.setattr(dealing, "BATCH", data.draw(st.sampled_from([1, 5, 1_000_000])))
        if data.draw(st.booleans()):
            frame = frame.sort(YEAR, ID)
        elif data.draw(st.booleans()):
            frame = frame.sample(fraction=1, shuffle=True, seed=data.draw(st.integers(0, 99)))
        the_same(attempted(rules, frame, wish, folder), expected, rules.program(LAST), units)


@examples(30)
@given(st.data())
def test_codes_of_reasons_name_the_clause_that_decided(folder: Path, data: st.DataObject) -> None:
    rules = load(data.draw(rulesets()))
    wanted = in_force(rules, YEARS)
    assume(wanted)
    listed = [without_empty_years(r) for r in people(data, rules.program(LAST))]
    frame = tables.wide(rules.program(LAST), listed, YEARS, Units.YUAN)
    run = attempted(rules, frame, Wish(YEARS, wanted, {}, reasons=True), folder)
    compiled = rules.compiled(YEARS, wanted)
    for record in listed:
        if record["编号"] not in run.rows:
            continue
        person = rules.reader(compiled).convert(record)
        tracer = Tracer(compiled.program, person.facts, person.years, compiled.readings)
        for year in YEARS:
            for name in wanted:
                code = run.rows[record["编号"]][f"{name}.理由@{year}"]
                assert code == tables.code_of(tracer, name, year), (record, name, year)


@examples(30)
@given(st.data())
def test_a_state_handed_over_changes_no_later_value(folder: Path, data: st.DataObject) -> None:
    rules = load(data.draw(rulesets()))
    program = rules.program(LAST)
    cut = data.draw(st.integers(FIRST, LAST - 1))
    early, late = range(FIRST, cut + 1), range(cut + 1, LAST + 1)
    first, second = in_force(rules, early), in_force(rules, late)
    assume(first and second)
    listed = [without_empty_years(r) for r in people(data, program)]
    units = data.draw(st.sampled_from(Units))
    layout = data.draw(st.sampled_from([tables.wide, tables.long]))

    def table(years: range) -> pl.DataFrame:
        own = [r | {"年度": {y: f for y, f in r["年度"].items() if y in years}} for r in listed]
        return tables.wide(program, own, years, units) if layout is tables.wide else tables.long(program, own, units)

    whole = interpreted(rules, listed, YEARS, in_force(rules, YEARS))
    state, results = folder / "期末.parquet", folder / "结果.parquet"
    try:
        before = Run(rules, table(early), Wish(early, first, {}, units), folder=folder)
        before.part(before.parts[0], results, state, lambda _: None, folder)
        after = ran(rules, table(late), Wish(late, second, {}, units, Shape.WIDE), folder, opening=state)
    except tiaoli.UsageError as error:
        assert {d.code for d in error.diagnostics} == {"E860"}, error
        return
    for ident, values in whole.items():
        if isinstance(values, set):
            continue
        for column, value in values.items():
            name, year = tables.by_year(column)
            if year in late and name in second:
                kind, digits, _ = held_as(program, name)
                assert after.rows[ident][column] == tables.outside(value, units, (kind.kind, digits)), (ident, column)


# ── records of several kinds ─────────────────────────────────────────────────


@examples(30)
@given(st.data())
def test_worlds_give_the_values_of_the_interpreter(folder: Path, data: st.DataObject) -> None:
    rules = load(data.draw(worlds()))
    program = rules.program(LAST)
    listed = data.draw(populations(program, YEARS))
    kinds = (INSURED, *program.entities)
    wanted = in_force(rules, YEARS, kinds)
    assume(wanted)
    population = rules.population(listed, YEARS, rules=wanted)
    sources = {}
    for kind in kinds:
        own = [without_empty_years(r) for r in listed if r.get("对象", INSURED) == kind]
        spread = data.draw(st.booleans())
        sources[kind] = (
            tables.long(program, own, Units.YUAN, kind)
            if spread
            else tables.wide(program, own, YEARS, Units.YUAN, kind)
        )
    rejects: list[Any] = []
    try:
        run = Together(rules, sources, Wish(YEARS, wanted, layout=Shape.WIDE), folder=folder)
        counts, frames = run.go(None, None, rejects.append)
    except tiaoli.UsageError as error:
        assert {d.code for d in error.diagnostics} == {"E860"}, error
        return
    found = {(kind, row[ID]): row for kind, frame in frames.items() for row in frame.to_dicts()}
    expected = {(r.person.entity, r.person.id): r for r in population if r.compiled.outputs}
    assert set(found) == set(expected), (set(found) ^ set(expected), rejects)
    for (kind, ident), result in expected.items():
        for year in YEARS:
            for name in (n for n in wanted if program.rules[n][0].entity == kind):
                given, value = found[kind, ident][f"{name}@{year}"], result[year][name]
                assert given == value and type(given) is type(value), (kind, ident, name, year, given, value)
    assert {one.ident for one in rejects} == {fault.person for fault in population.faults}
    assert sum(c.rejected for c in counts.values()) == len({(f.entity, f.person) for f in population.faults})


@examples(30)
@given(st.data())
def test_states_of_several_kinds_change_no_later_value(folder: Path, data: st.DataObject) -> None:
    rules = load(data.draw(worlds()))
    program = rules.program(LAST)
    kinds = (INSURED, *program.entities)
    cut = data.draw(st.integers(FIRST, LAST - 1))
    early, late = range(FIRST, cut + 1), range(cut + 1, LAST + 1)
    first, second = in_force(rules, early, kinds), in_force(rules, late, kinds)
    assume(first and second)
    listed = [without_empty_years(r) for r in data.draw(populations(program, YEARS))]
    whole = rules.population(listed, YEARS, rules=in_force(rules, YEARS, kinds))
    assume(not whole.faults)

    def sources(years: range) -> dict[str, pl.DataFrame]:
        cut_off = [r | {"年度": {y: f for y, f in r["年度"].items() if y in years}} for r in listed]
        own = {kind: [r for r in cut_off if r.get("对象", INSURED) == kind] for kind in kinds}
        return {kind: tables.wide(program, found, years, Units.YUAN, kind) for kind, found in own.items()}

    state = folder / "期末.parquet"
    for kind in kinds:
        output_of(state, kind).unlink(missing_ok=True)
    rejects: list[Any] = []
    try:
        Together(rules, sources(early), Wish(early, first), folder=folder).go(None, state, rejects.append)
        openings = {kind: output_of(state, kind) for kind in kinds if output_of(state, kind).exists()}
        run = Together(rules, sources(late), Wish(late, second), openings=openings, folder=folder)
        _, frames = run.go(None, None, rejects.append)
    except tiaoli.UsageError as error:
        assert {d.code for d in error.diagnostics} == {"E860"}, error
        return
    assert not rejects
    found = {(kind, row[ID]): row for kind, frame in frames.items() for row in frame.to_dicts()}
    for result in whole:
        kind, ident = result.person.entity, result.person.id
        for year in late:
            for name in (n for n in second if program.rules[n][0].entity == kind):
                given, value = found[kind, ident][f"{name}@{year}"], result[year][name]
                assert given == value and type(given) is type(value), (kind, ident, name, year, given, value)
