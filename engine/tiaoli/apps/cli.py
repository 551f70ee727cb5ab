"""The command line. Exit codes: 0 fine, 1 findings in the user's rules or data, 2 wrong usage; no traceback ever reaches the user."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from tiaoli.apps import batch_commands, library_commands, testing
from tiaoli.apps.options import Format, Lang, Rulesets, choice, readings_of, show_on_terminal, years_of
from tiaoli.apps.running import Run, files_of, keep_apart, read_states, readable, writable
from tiaoli.apps.speech import guarded, language, note, say, set_lang, words, wrong
from tiaoli.apps.table_running import Options, TableRun, engine_for
from tiaoli.apps.usage import Commands
from tiaoli.diagnostic import Diagnostic, errors
from tiaoli.exact_json import dumps

app = typer.Typer(
    name="tiaoli",
    help="条例：把居民医保的文件写成规则集，检查、计算、说明理由。 Rules of resident medical insurance as data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    cls=Commands,
)

Reading = Annotated[
    list[str] | None,
    typer.Option("--reading", metavar="NAME=OPTION", help="存疑的读法 / the reading of an open question"),
]
Records = Annotated[
    list[str],
    typer.Argument(
        metavar="RECORDS...",
        help="记录：.yaml .json .jsonl .csv .xlsx；可写多个，如 统筹地区=地区.csv / files of records",
    ),
]
Entity = Annotated[
    str | None,
    typer.Option("--entity", metavar="KIND", help="对象，不写为参保人 / the kind of record, persons by default"),
]


def _version(asked: bool) -> None:
    if asked:
        from tiaoli import __version__

        print(f"tiaoli {__version__}")
        raise typer.Exit


@app.callback()
def options(
    lang: Lang = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="版本 / the version")
    ] = False,
) -> None:
    """Options before the command."""
    set_lang(lang or os.environ.get("TIAOLI_LANG"))


# ── reading options ──────────────────────────────────────────────────────────


def _rules(place: str, rulesets: Sequence[Path] | None) -> Any:
    from tiaoli.api import load

    return load(place, list(rulesets or ()))


# ── check ────────────────────────────────────────────────────────────────────


@app.command()
def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="规则集文件或目录；不写则检查内置规则集 / files or folders")
    ] = None,
    rulesets: Rulesets = None,
    strict: Annotated[bool, typer.Option("--strict", help="警告也算错误 / warnings count as errors")] = False,
    form: Format = "text",
    lang: Lang = None,
) -> None:
    """检查规则集：语法、名称、单位、年度、表的空档和重叠、条文、上位要求。 Check rulesets."""
    from tiaoli.pipeline import check_library, load
    from tiaoli.render import as_json, summary

    set_lang(lang)
    choice(form, ("text", "json"), "--format")
    with guarded():
        library = load([*(paths or ()), *(rulesets or ())])
        _kept[:] = [library]
        found = check_library(library)
    if form == "json":
        print(dumps([as_json(d, language()) for d in found]))
    else:
        say(found)
        count, places = len(library.documents), len(library.places)
        text = summary(found, language())
        print(
            words(
                f"已检查 {count} 个文件、{places} 个地区：{text}", f"checked {count} documents, {places} places: {text}"
            )
        )
    if errors(found) or (strict and found):
        raise typer.Exit(1)


# ── run ──────────────────────────────────────────────────────────────────────


@app.command()
def run(
    place: Annotated[str, typer.Argument(help="地区代码，如 CN-JX / the place")],
    records: Records,
    year: Annotated[str, typer.Option("--year", metavar="2025..2030", help="年度 / insured years")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="写入 .jsonl .json .csv .xlsx / write to a file")
    ] = None,
    rule: Annotated[list[str] | None, typer.Option("--rule", help="只要这些规则 / these rules only")] = None,
    reading: Reading = None,
    opening: Annotated[
        Path | None, typer.Option("--opening", help="从这个文件的期初状态开始 / start from states")
    ] = None,
    closing: Annotated[
        Path | None, typer.Option("--closing", help="把最后一年末的状态写到这个文件 / write states")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="遇到第一条有错的记录就停止 / stop at the first fault")
    ] = False,
    provenance: Annotated[
        bool, typer.Option("--provenance", help="JSON Lines 第一行写明来源 / a first line on origin")
    ] = False,
    engine: Annotated[
        str,
        typer.Option(
            "--engine", metavar="auto|interpreter|polars|duckdb|spark", help="用什么计算；auto 按文件选 / what computes"
        ),
    ] = "auto",
    layout: Annotated[
        str | None,
        typer.Option("--layout", metavar="wide|long", help="结果表：一人一行，或一人一年一行；不写同输入 / results"),
    ] = None,
    units: Annotated[
        str | None,
        typer.Option("--units", metavar="元|分", help="表中金额以元（小数）或分（整数）计 / yuan or whole fen"),
    ] = None,
    persons: Annotated[
        Path | None,
        typer.Option("--persons", help="本人一级的事实在另一张表 / facts of whole persons, in a second table"),
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option("--rejects", help="有错而没有计算的人写到这个表 / who was not computed, and why")
    ] = None,
    reasons: Annotated[
        bool, typer.Option("--reasons", help="每个结果加一列：由哪一条决定 / a column with the clause that decided")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="输入是目录时，已算好的文件不重算 / keep finished parts of a folder")
    ] = False,
    summary: Annotated[
        Path | None, typer.Option("--summary", help="汇总写到 .csv 或 .parquet / a table of totals, means, quantiles")
    ] = None,
    by: Annotated[
        list[str] | None, typer.Option("--by", metavar="列名", help="汇总按这些列分组 / group the summary by columns")
    ] = None,
    rulesets: Rulesets = None,
    lang: Lang = None,
) -> None:
    """计算记录中每个人（以及其他对象）各年度的结果；记录是文件，或是表格（Parquet、CSV）。 Evaluate records or tables."""
    set_lang(lang)
    years = years_of(year)
    alone = [name for name, given in (("--strict", strict), ("--provenance", provenance)) if given]
    wishes = Options(engine, layout, units, persons, rejects, reasons, resume, summary, by or (), alone)
    with guarded():
        rules = _rules(place, rulesets)
        files = files_of(
            records, lambda name: rules.kind(name, years), lambda name: rules.kind_of(name, years), folders=True
        )
        keep_apart(files, (opening, persons), (output, closing, rejects, summary))
        chosen = engine_for(wishes, files, output, opening)
        if chosen != "interpreter":
            table = TableRun(rules, files, years, rule, readings_of(reading), wishes, chosen)
            if table.go(output, opening, closing):
                raise typer.Exit(1)
            return
        for _, path in files:
            readable(path)
        if output is not None and output.suffix.lower() not in _suffixes():
            wrong(Diagnostic("E819", {"suffix": output.suffix}))
        for target in (output, closing):
            writable(target)
        compiled, staged = rules.prepared(files, years, rule, readings_of(reading))
        openings = read_states(opening)
        faulty = Run(rules, compiled, openings, strict, staged, rule is None, opening).go(
            files, output, closing, provenance
        )
    if faulty:
        raise typer.Exit(1)


def _suffixes() -> tuple[str, ...]:
    from tiaoli.results import SUFFIXES

    return SUFFIXES


# ── explain ──────────────────────────────────────────────────────────────────


@app.command()
def explain(
    place: Annotated[str, typer.Argument(help="地区代码 / the place")],
    records: Records,
    person: Annotated[str, typer.Option("--person", help="编号 / id of the person")],
    year: Annotated[int, typer.Option("--year", help="年度 / insured year")],
    rule: Annotated[str, typer.Option("--rule", help="规则 / the rule")],
    form: Annotated[str, typer.Option("--format", metavar="text|tree|json", help="格式 / format")] = "text",
    entity: Entity = None,
    reading: Reading = None,
    opening: Annotated[Path | None, typer.Option("--opening", help="期初状态 / opening states")] = None,
    rulesets: Rulesets = None,
    lang: Lang = None,
) -> None:
    """说明一个结果的理由：依据的条款、代入的数字、舍入，逐年追溯；不能确定时列出还缺的事实。 Explain a result."""
    from tiaoli.api import explain_rule
    from tiaoli.apps.explaining import traced
    from tiaoli.explain import as_json
    from tiaoli.explain_text import as_text, as_tree

    set_lang(lang)
    choice(form, ("text", "tree", "json"), "--format")
    years = years_of(str(year))
    with guarded():
        rules = _rules(place, rulesets)
        kind = rules.kind_of(entity, years)
        files = files_of(records, lambda name: rules.kind(name, years), lambda name: rules.kind_of(name, years))
        tracer = traced(rules, files, years, kind, person, rule, readings_of(reading), read_states(opening))
        explanation = explain_rule(rules.place, tracer, person, rule, year)
    if form == "json":
        print(dumps(as_json(explanation)))
    elif form == "tree":
        from rich.console import Console

        Console(width=None if sys.stdout.isatty() else 10_000).print(as_tree(explanation, language()))
    else:
        print(as_text(explanation, language()))
    if explanation.asked.needs or explanation.asked.trouble:
        raise typer.Exit(1)


# ── show, schema, diff ───────────────────────────────────────────────────────


@app.command()
def show(
    place: Annotated[str, typer.Argument(help="地区代码 / the place")],
    name: Annotated[str | None, typer.Argument(help="只看这一个名称 / one name only")] = None,
    year: Annotated[int, typer.Option("--year", help="年度 / insured year")] = 0,
    form: Format = "text",
    rulesets: Rulesets = None,
    lang: Lang = None,
) -> None:
    """列出一个地区某年度施行的全部规定，每项写明文件和条款。 Show what is in force."""
    from tiaoli import inventory_json, inventory_text
    from tiaoli.api import UsageError
    from tiaoli.nearness import nearest
    from tiaoli.outcome import not_encoded

    set_lang(lang)
    choice(form, ("text", "json"), "--format")
    with guarded():
        rules = _rules(place, rulesets)
        held = _inventory(rules, year)
        if name is not None and name not in held.names and name in held.program.unencoded:
            raise UsageError([not_encoded(held.program, name)])
        if name is not None and name not in held.names:
            near = nearest(name, held.names)
            raise UsageError([Diagnostic("E811", {"place": place, "name": name, "near": near})])
        if form == "json":
            print(dumps(inventory_json.as_json(held, name)))
        else:
            show_on_terminal(inventory_text.as_text, inventory_text.as_rich, held, language(), name)


def _inventory(rules: Any, year: int) -> Any:
    from tiaoli.inventory import inventory

    asked = year or rules.newest_year
    if asked < rules.first_year or asked > 9999:
        wrong(Diagnostic("E815", {"year": asked, "first": rules.first_year}))
    return inventory(rules.program(max(asked, rules.newest_year) + 1), asked)


@app.command()
def diff(
    left: Annotated[str, typer.Argument(help="地区@年度，如 CN-JX@2025 / PLACE@YEAR")],
    right: Annotated[str, typer.Argument(help="地区@年度 / PLACE@YEAR")],
    form: Format = "text",
    rulesets: Rulesets = None,
    lang: Lang = None,
) -> None:
    """比较两个地区或两个年度施行的规定。 Compare what is in force on two sides."""
    from tiaoli import comparison_json, comparison_text
    from tiaoli.comparison import compare

    set_lang(lang)
    choice(form, ("text", "json"), "--format")
    with guarded():
        sides = [_side(text, rulesets) for text in (left, right)]
        compared = compare(*sides)
        if form == "json":
            print(dumps(comparison_json.as_json(compared)))
        else:
            show_on_terminal(comparison_text.as_text, comparison_text.as_rich, compared, language())


def _side(text: str, rulesets: Sequence[Path] | None) -> Any:
    place, sign, year = text.partition("@")
    if not sign or not year.isdigit():
        wrong(Diagnostic("E825", {"text": text, "form": "地区@年度，例如 CN-JX@2025"}))
    return _inventory(_rules(place, rulesets), int(year))


app.command()(batch_commands.schema)
app.command()(library_commands.clauses)
app.command()(library_commands.places)
app.command()(library_commands.compare)
app.command()(testing.test)
app.command()(batch_commands.synth)
app.command()(batch_commands.reasons)
app.command("compile")(batch_commands.compiled_query)


# ── fmt and new ──────────────────────────────────────────────────────────────


@app.command()
def fmt(
    paths: Annotated[list[Path], typer.Argument(help="规则集文件或目录 / files or folders")],
    check_only: Annotated[bool, typer.Option("--check", help="只检查，不改写 / only say what would change")] = False,
    keywords: Annotated[
        str | None, typer.Option("--keywords", metavar="zh|en", help="统一关键词的语言 / spell keywords in")
    ] = None,
    lang: Lang = None,
) -> None:
    """统一排版：空格、对齐、换行；注释不动。 Lay out rulesets."""
    from tiaoli.format import format_source
    from tiaoli.results import whole_file

    set_lang(lang)
    if keywords is not None:
        choice(keywords, ("zh", "en"), "--keywords")
    changed: list[Path] = []
    faulty = False
    with guarded():
        for file, source in _files(paths):
            text, found = format_source(source, keywords)  # type: ignore[arg-type]
            if found:
                say(found)
                faulty = True
            elif text != source.text:
                changed.append(file)
                if not check_only:
                    with whole_file(file) as partial:
                        partial.write_bytes(text.encode())
    for file in changed:
        print(
            words("需要排版 " if check_only else "已排版 ", "would change " if check_only else "changed ") + str(file)
        )
    if faulty or (check_only and changed):
        raise typer.Exit(1)


def _files(paths: Sequence[Path]) -> Iterator[tuple[Path, Any]]:
    from tiaoli.source import Source

    for path in paths:
        if not path.exists():
            wrong(Diagnostic("E817", {"path": str(path)}))
        listed = sorted(path.rglob("*.tiaoli")) if path.is_dir() else [path]
        if not listed:
            wrong(Diagnostic("E821", {"path": str(path)}))
        for file in listed:
            try:
                yield file, Source(str(file), file.read_bytes().decode("utf-8-sig"))
            except UnicodeDecodeError:
                wrong(Diagnostic("E850", {"path": str(file)}))
            except OSError as error:
                wrong(Diagnostic("E818", {"path": str(file), "reason": error.strerror or ""}))


@app.command()
def new(
    path: Annotated[Path, typer.Argument(help="新文件，如 甲省2026.tiaoli / the new file")],
    place: Annotated[str, typer.Option("--place", help="地区代码，如 CN-XX / the place")] = "CN-XX",
    year: Annotated[int, typer.Option("--year", help="施行年度 / effective year")] = 2026,
    lang: Lang = None,
) -> None:
    """写一个带注释的规则集开头，可以直接通过检查。 Write a commented starter ruleset."""
    from tiaoli.starter import starter

    set_lang(lang)
    if not re.fullmatch(r"[A-Z]{2}(-[^\W_]+)*", place):
        wrong(Diagnostic("E119", {"found": place}))
    if not 1900 <= year <= 2199:
        wrong(Diagnostic("E814", {"text": str(year)}))
    file = path if path.suffix == ".tiaoli" else path.with_name(path.name + ".tiaoli")
    if file.exists():
        wrong(Diagnostic("E823", {"path": str(file)}))
    try:
        file.write_text(starter(file.stem, place, year), encoding="utf-8")
    except OSError as error:
        wrong(Diagnostic("E824", {"path": str(file), "reason": error.strerror or ""}))
    print(words(f"已写好 {file}；接着：tiaoli check {file}", f"wrote {file}; next: tiaoli check {file}"))


# ── main ─────────────────────────────────────────────────────────────────────


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a bug is said in one line (all of it with TIAOLI_DEBUG=1)."""
    _guard(lambda: app(args=None if arguments is None else list(arguments), prog_name="tiaoli"))


_kept: list[object] = []  # what lives until the process ends


def _guard(command: Callable[[], None]) -> None:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        try:
            with _ended_in_order():
                command()
        finally:
            sys.stdout.flush()
    except _EndedError as ended:
        note("运行被终止；没有写出不完整的文件。", "ended from outside; no partial file was left.")
        sys.exit(128 + ended.number)
    except KeyboardInterrupt:
        note("已中断；没有写出不完整的文件。", "interrupted; no partial file was left.")
        sys.exit(130)
    except BrokenPipeError:
        _hush()
        sys.exit(1)
    except OSError as error:
        path = words("标准输出", "standard output")
        say([Diagnostic("E824", {"path": path, "reason": error.strerror or ""})])
        _hush()
        sys.exit(1)
    except BaseException as error:
        panic = type(error).__name__ == "PanicException"  # what Rust calls a bug: no Exception to Python
        if os.environ.get("TIAOLI_DEBUG") or not (panic or isinstance(error, Exception)):
            raise
        note(
            f"内部错误（{type(error).__name__}: {error}）。这是程序的缺陷，请报告；设 TIAOLI_DEBUG=1 可看到细节。",
            f"internal error ({type(error).__name__}: {error}). This is a bug, please report it; TIAOLI_DEBUG=1 shows more.",
        )
        sys.exit(3)


class _EndedError(BaseException):
    """Someone ended the process by a signal; what is being written is cleared away on the way out."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Turn the signals that end a process into `_EndedError`, so that unfinished files are removed."""
    import signal
    from threading import current_thread, main_thread

    names = ("SIGTERM", "SIGHUP", "SIGQUIT") if current_thread() is main_thread() else ()
    ending = [getattr(signal, name) for name in names if hasattr(signal, name)]

    def end(number: int, frame: object) -> None:
        for one in before:
            signal.signal(one, signal.SIG_IGN)
        raise _EndedError(number)

    before = {one: signal.getsignal(one) for one in ending if signal.getsignal(one) is signal.SIG_DFL}
    for one in before:
        signal.signal(one, end)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _hush() -> None:
    """Send what is still to be printed nowhere, so that nothing more fails when the process ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
