"""Commands about large tables of records: `synth` makes one, `schema` says what its columns are."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from tiaoli.apps.options import Format, Lang, Rulesets, choice, readings_of, show_on_terminal, years_of
from tiaoli.apps.running import readable, writable
from tiaoli.apps.speech import guarded, language, note, set_lang, words, wrong
from tiaoli.diagnostic import Diagnostic
from tiaoli.exact_json import dumps

PACKAGES = ("polars", "numpy", "pyarrow")
"""What large tables need beside the engine itself."""

MOST = 99_999_999

Entity = Annotated[
    str | None,
    typer.Option("--entity", metavar="KIND", help="对象，不写为参保人 / the kind of record, persons by default"),
]
Layout = Annotated[
    str,
    typer.Option(
        "--layout", metavar="wide|long", help="一人一行，或一人一年一行 / a row a record, or a record and year"
    ),
]
UnitsOption = Annotated[
    str, typer.Option("--units", metavar="元|分", help="金额用元（小数）或分（整数） / yuan as decimals or whole fen")
]
Years = Annotated[
    str | None,
    typer.Option(
        "--year",
        metavar="2016..2034",
        help="年度；不写则从第一份文件到最新的 / insured years, else all that rules read",
    ),
]


def synth(
    place: Annotated[str | None, typer.Argument(help="地区代码，如 CN-JX / the place")] = None,
    people: Annotated[int | None, typer.Option("--people", metavar="N", help="多少人 / how many people")] = None,
    seed: Annotated[
        int, typer.Option("--seed", metavar="S", help="种子：同一种子得同样的人 / the same seed, the same people")
    ] = 1,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="写入 .parquet 或 .csv / write to a file")
    ] = None,
    year: Years = None,
    layout: Layout = "wide",
    units: UnitsOption = "元",
    profile: Annotated[
        Path | None,
        typer.Option("--profile", metavar="FILE", help="概况（YAML）：参保率、就医率、金额等 / rates and amounts"),
    ] = None,
    print_profile: Annotated[
        bool, typer.Option("--print-profile", help="打印内置的概况 / print the built-in profile")
    ] = False,
    entity: Entity = None,
    rulesets: Rulesets = None,
    lang: Lang = None,
) -> None:
    """按事实的范围编造记录，用来试算和测速度；不含任何真人。 Make up records to try rules and machines with."""
    set_lang(lang)
    if print_profile:
        from tiaoli.batch.synth_profile import PROFILE

        print(PROFILE, end="")
        return
    if place is None:
        _missing("PLACE")
    if people is None:
        _missing("--people")
    if output is None:
        _missing("--output")
    _sensible(people, seed, output)
    shape, unit = layout_of(layout, units)
    needs_packages()
    writable(output)
    if profile is not None:
        readable(profile)
    with guarded():
        plan = _plan(place, rulesets, year, entity, profile, seed)
        _make(plan, people, shape, unit, output)


def schema(
    place: Annotated[str, typer.Argument(help="地区代码 / the place")],
    entity: Entity = None,
    table: Annotated[
        bool, typer.Option("--table", help="表格（Parquet、CSV）的列 / the columns of a table of records")
    ] = False,
    year: Years = None,
    layout: Layout = "wide",
    units: UnitsOption = "元",
    form: Format = "text",
    rulesets: Rulesets = None,
    lang: Lang = None,
) -> None:
    """输出记录的 JSON Schema (2020-12)，或（--table）记录表格的列。 Print the JSON Schema of a record, or the columns of a table."""
    from tiaoli.records import schema_text

    set_lang(lang)
    choice(form, ("text", "json"), "--format")
    shape, unit = layout_of(layout, units)
    with guarded():
        if table:
            needs_packages()
            _show_columns(_plan(place, rulesets, year, entity, None, 0), shape, unit, form)
            return
        rules = _rules(place, rulesets)
        kind = None if entity is None else rules.kind_of(entity, rules.newest_year)
        print(schema_text(rules.program(rules.newest_year), kind))


def _show_columns(plan: Any, shape: Any, units: Any, form: str) -> None:
    from tiaoli.batch.schema_table import as_json, as_rich, as_text, columns, unread

    found = columns(plan, shape, units)
    if form == "json":
        print(dumps(as_json(found)))
        return
    show_on_terminal(as_text, as_rich, found, language())
    if left := unread(plan):
        names = "、".join(left)
        note(f"这些年度的结果不用的事实：{names}", f"facts that no result of these years reads: {names}")


# ── what is asked for ────────────────────────────────────────────────────────


def needs_packages(*more: str, extra: str = "batch") -> None:
    """End as wrong usage where a package is missing that large tables need, or one of ``more``."""
    missing = [name for name in (*PACKAGES, *more) if not _found(name)]
    if missing:
        named = "、".join(missing) if language() == "zh" else ", ".join(missing)
        wrong(Diagnostic("E862", {"packages": named, "extra": extra}))


def _found(name: str) -> bool:
    return sys.modules[name] is not None if name in sys.modules else find_spec(name) is not None


def _missing(name: str) -> NoReturn:
    kind = ("选项", "option") if name.startswith("-") else ("参数", "argument")
    reason = f"缺少{kind[0]} {name}\0missing {kind[1]} '{name}'"
    wrong(Diagnostic("E848", {"reason": reason, "near": None, "command": "tiaoli synth"}))


def _sensible(people: int, seed: int, output: Path) -> None:
    if not 1 <= people <= MOST:
        wrong(Diagnostic("E825", {"text": f"--people {people}", "form": f"--people 1..{MOST}"}))
    if seed < 0:
        wrong(Diagnostic("E825", {"text": f"--seed {seed}", "form": "--seed 7"}))
    if output.suffix.lower() not in (".parquet", ".csv"):
        wrong(Diagnostic("E825", {"text": f"--output {output}", "form": "--output *.parquet|*.csv"}))


def layout_of(layout: str, units: str) -> tuple[Any, Any]:
    """The layout and the units as named, in either language."""
    from tiaoli.batch.layout import Shape, Units

    choice(layout, ("wide", "long"), "--layout")
    named = {"元": Units.YUAN, "yuan": Units.YUAN, "分": Units.FEN, "fen": Units.FEN}
    choice(units, tuple(named), "--units")
    return Shape(layout), named[units]


def _rules(place: str, rulesets: Sequence[Path] | None) -> Any:
    from tiaoli.api import load

    return load(place, list(rulesets or ()))


def _plan(
    place: str, rulesets: Sequence[Path] | None, year: str | None, entity: str | None, profile: Path | None, seed: int
) -> Any:
    """What is to be drawn: the facts that the results of the years read, as the profile says."""
    from tiaoli.batch.synth import plan_of
    from tiaoli.batch.synth_profile import profile_of

    rules = _rules(place, rulesets)
    years = _usual_years(rules) if year is None else years_of(year)
    kind = rules.kind_of(entity, years)
    program, needed = _read(rules, years, kind)
    text = None if profile is None else _text(profile)
    return plan_of(program, kind, years, needed, profile_of(program, text, str(profile)), seed)


def _usual_years(rules: Any) -> range:
    """From the first year in which a document is in force to the newest."""
    first = min(document.effective for document in rules.newest.documents.values())
    return range(max(first, rules.first_year), rules.newest_year + 1)


def _read(rules: Any, years: range, kind: str) -> tuple[Any, Mapping[int, set[str]]]:
    """The model and, by year, the facts of records of a kind that results read."""
    from tiaoli.values import INSURED

    if kind == INSURED:
        compiled = rules.compiled(years)
        return compiled.program, _asked_for(compiled.program, kind, compiled.needed_facts, years)
    staged = rules.staged(years, None, None, (INSURED, kind))
    return staged.program, _asked_for(staged.program, kind, staged.kinds[kind].needed_facts, years)


def _asked_for(program: Any, kind: str, needed: Mapping[int, set[str]], years: range) -> Mapping[int, set[str]]:
    """The facts that results read, and those that must be there, read or not, under a condition on what they read."""
    from tiaoli import model as m

    read = set().union(*needed.values())

    def rests_on(condition: m.Expression) -> set[str]:
        return {node.name for node in m.walk(condition) if isinstance(node, m.FactRef)}

    every = [fact for fact in program.facts_of(kind) if fact.required_when is not None]
    demanded = [fact for fact in every if rests_on(fact.required_when) & read]

    def of(year: int) -> set[str]:
        own = (f for f in demanded if (f.required_first or year) <= year <= (f.required_last or year))
        return {f.name for f in own if f.yearly}

    lasting = {f.name for f in demanded if not f.yearly}
    found = {year: {*needed.get(year, ()), *of(year)} for year in (*needed, *years) if year}
    return {**found, 0: {*needed.get(0, ()), *lasting}}


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        wrong(Diagnostic("E850", {"path": str(path)}))
    except OSError as error:
        wrong(Diagnostic("E818", {"path": str(path), "reason": error.strerror or ""}))


# ── making it ────────────────────────────────────────────────────────────────


def _make(plan: Any, people: int, shape: Any, units: Any, output: Path) -> None:
    from tiaoli.batch.synth_tables import frames, schema_of, write_frames
    from tiaoli.results import whole_file

    kinds = schema_of(plan, shape, units)
    rows = 1 if shape.value == "wide" else len(plan.years)
    try:
        with whole_file(output) as partial, _shown(people, rows) as told:
            write_frames(frames(plan, people, shape, units), kinds, partial, output.suffix.lower(), told)
    except OSError as error:
        wrong(Diagnostic("E824", {"path": str(output), "reason": error.strerror or str(error)}))
    first, last = plan.years.start, plan.years.stop - 1
    note(
        f"写好 {output}：{people:,} 条记录，{first}..{last}年度，{len(kinds)} 列。",
        f"wrote {output}: {people:,} records, {first}..{last}, {len(kinds)} columns.",
    )


@contextmanager
def _shown(people: int, rows: int) -> Iterator[Callable[[int], None]]:
    """Yield what hears of rows that are done (``rows`` a person); on a terminal it moves a bar."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from time import monotonic

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    started, made = monotonic(), 0
    columns = (BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn(compact=True))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=people)

        def told(done: int) -> None:
            nonlocal made
            made += done // rows
            speed = made / max(monotonic() - started, 1)
            text = words(f"{made:,} 人，每秒 {speed:,.0f} 人", f"{made:,} people, {speed:,.0f}/s")
            bar.update(task, completed=made, description=text)

        yield told


# ── reasons and queries ──────────────────────────────────────────────────────


def reasons(
    place: Annotated[str, typer.Argument(help="地区代码 / the place")],
    year: Annotated[str, typer.Option("--year", metavar="2025..2030", help="年度 / insured years")],
    rule: Annotated[list[str] | None, typer.Option("--rule", help="只要这些规则 / these rules only")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="写入 .csv / write to a file")] = None,
    form: Format = "text",
    rulesets: Rulesets = None,
    lang: Lang = None,
) -> None:
    """列出 run --reasons 写的代码：每个数对应哪条规则的哪一条、什么条件、什么依据。 What the codes of reasons stand for."""
    from tiaoli.batch import reasons as told
    from tiaoli.values import INSURED

    set_lang(lang)
    choice(form, ("text", "json"), "--format")
    years = years_of(year)
    if output is not None and output.suffix.lower() != ".csv":
        wrong(Diagnostic("E825", {"text": f"--output {output}", "form": "--output *.csv"}))
    writable(output)
    with guarded():
        rules = _rules(place, rulesets)
        program, names, _ = rules.wanted(years, rule, {}, (INSURED, *rules.newest.entities))
        found = [(y, r) for y in years for r in told.reasons_of(program, y, names)]
        if output is not None:
            told.write_csv(found, output)
        elif form == "json":
            print(dumps(told.as_json(found)))
        else:
            show_on_terminal(told.as_text, told.as_rich, found, language())


def compiled_query(
    place: Annotated[str, typer.Argument(help="地区代码 / the place")],
    year: Annotated[str, typer.Option("--year", metavar="2025..2030", help="年度 / insured years")],
    target: Annotated[str, typer.Option("--to", metavar="sql", help="译成什么 / what to compile to")] = "sql",
    dialect: Annotated[
        str, typer.Option("--dialect", metavar="duckdb|spark|postgres", help="哪种 SQL / the dialect")
    ] = "duckdb",
    rule: Annotated[list[str] | None, typer.Option("--rule", help="只要这些规则 / these rules only")] = None,
    reading: Annotated[
        list[str] | None,
        typer.Option("--reading", metavar="NAME=OPTION", help="存疑的读法 / the reading of an open question"),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", metavar="TABLE", help="记录所在的表或 .parquet 文件 / the table of records"),
    ] = None,
    units: UnitsOption = "元",
    what: Annotated[
        str, typer.Option("--query", metavar="results|rejects|closing|breaches", help="哪个查询 / which query")
    ] = "results",
    reasons: Annotated[
        bool, typer.Option("--reasons", help="每个结果加一列：由哪一条决定 / a column with the clause that decided")
    ] = False,
    rulesets: Rulesets = None,
    lang: Lang = None,
) -> None:
    """把规则译成一条 SQL 查询，每年一段，附依据。 Compile the rules into one SQL query, a part a year, with citations."""
    from tiaoli.values import INSURED

    set_lang(lang)
    choice(target, ("sql",), "--to")
    choice(dialect, ("duckdb", "spark", "postgres"), "--dialect")
    choice(what, ("results", "rejects", "closing", "breaches"), "--query")
    unit = layout_of("wide", units)[1]
    years = years_of(year)
    needs_packages("sqlglot")
    there = _columns_of(source)
    table = source or "records"
    if source is not None:
        table = source if there is None else _file_as_table(source, dialect)
        _is_source(table, dialect)
    with guarded():
        from tiaoli.backends import sql
        from tiaoli.backends.lower import Wishes, lower
        from tiaoli.batch.layout import Units, columns_of

        rules = _rules(place, rulesets)
        readings = readings_of(reading)
        program, names, lasting = rules.wanted(years, rule, readings, (INSURED,))
        every = range(program.first, years.stop)
        read = _asked_for(program, INSURED, rules.compiled(years, rule, readings).needed_facts, every)
        have = frozenset(
            c.name
            for c in columns_of(program, INSURED, layout_of("wide", units)[0], every)
            if (c.fact.name in read.get(c.year or 0, ()) if there is None else c.name in there)
        )
        plan = lower(
            program, years, Wishes(names, {INSURED: have}, readings, lasting, None, reasons, what == "closing")
        )
        setting = sql.Setting(
            {INSURED: table},
            dialect,  # type: ignore[arg-type]
            unit is Units.FEN,
            lang=language(),
        )
        written = {"results": sql.query, "rejects": sql.rejects, "closing": sql.closing, "breaches": sql.breaches}[what]
        print(written(plan, program, setting))


def _columns_of(source: str | None) -> frozenset[str] | None:
    """The columns of a Parquet file that is there; None of a table that only the query will see."""
    if source is None or not Path(source).is_file() or Path(source).suffix.lower() != ".parquet":
        return None
    needs_packages(extra="batch")
    from tiaoli.batch.sources import read_file

    return frozenset(read_file(Path(source)).collect_schema().names())


def _file_as_table(path: str, dialect: str) -> str:
    """A Parquet file as it stands behind FROM."""
    from sqlglot import exp

    if dialect == "duckdb":
        return exp.func("read_parquet", exp.Literal.string(path), dialect="duckdb").sql(dialect="duckdb")
    if dialect == "spark":
        return exp.Table(this=exp.to_identifier(path, quoted=True), db=exp.to_identifier("parquet")).sql(
            dialect="spark"
        )
    return path


def _is_source(text: str, dialect: str) -> None:
    """Say so where a text cannot stand behind FROM."""
    from sqlglot.errors import SqlglotError

    from tiaoli.backends import sql

    try:
        sql.source_of(text, dialect)  # type: ignore[arg-type]
    except (SqlglotError, KeyError):
        form = words("表名，或 read_parquet('…') 这样的写法", "a table, or such as read_parquet('…')")
        wrong(Diagnostic("E825", {"text": f"--source {text}", "form": f"--source {form}"}))
