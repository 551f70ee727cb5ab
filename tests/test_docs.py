"""The documentation is true: every example is run, every generated table and page is what the engine says.

Fenced blocks say by the words behind their language what they are:

    tiaoli                  a whole document; checks without any diagnostic
    tiaoli also             another document of the same library as the (correct) blocks before it
    tiaoli prelude          facts that the fragments of the file may use
    tiaoli loose            a whole document in which outline and 依据 may lack
    tiaoli fragment         declarations without header, outline and 依据
    yaml record, yaml result    a record (also json, jsonl, csv) and what the rules above it give
    yaml population, yaml figures    records of several kinds run together; results by kind, id and year
    … file=NAME             also written to NAME in the folder in which the page's commands run
    yaml cases              cases for the document above of the same place
    sh, text output         commands and what they print; … stands for anything left out, in a line or of lines
    python here             a session in the folder of the page's commands, at its place among them
    … shows=NAME            the file NAME, as a command left it
    text says               what is said of the tiaoli block before it
    … E302                  the codes that the block must give, and no others

The pages of docs/places are made as a whole. Blocks between `<!-- begin generated: NAME -->` and `<!-- end generated -->` are made from the engine, as are the heads of the pages in
docs/errors. `TIAOLI_WRITE_DOCS=1 pytest tests/test_docs.py` writes them anew.
"""

from __future__ import annotations

import ast
import doctest
import io
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.main import get_command

import tiaoli
from tiaoli import syntax as s
from tiaoli.apps import cli, speech
from tiaoli.cases import run_cases
from tiaoli.consolidate import applies
from tiaoli.diagnostic import Diagnostic
from tiaoli.messages import MESSAGES
from tiaoli.operators import FUNCTIONS, MEMORY_FORMS, OPERATORS
from tiaoli.parse import keywords
from tiaoli.pipeline import Library, check_library, load, read_library
from tiaoli.place_page import place_pages
from tiaoli.record_facts import Person
from tiaoli.render import help_text, message, render_text
from tiaoli.resolve import DEFAULT_RANGES
from tiaoli.show_value import show_value
from tiaoli.source import Source
from tiaoli.values import KIND_NAMES, ROUNDING_UNITS, Kind, Mode, Type

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
WRITE = bool(os.environ.get("TIAOLI_WRITE_DOCS"))
_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"[EW]\d{3}")
_LEFT_OUT = {"W601", "W605"}


@dataclass(frozen=True)
class Block:
    """A fenced block; ``words`` are those behind its language."""

    page: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    @property
    def codes(self) -> set[str]:
        return {word for word in self.words if _CODE.fullmatch(word)}

    @property
    def files(self) -> list[str]:
        return [word.removeprefix("file=") for word in self.words if word.startswith("file=")]

    def __str__(self) -> str:
        return f"{self.page.relative_to(DOCS)}:{self.line}"


@dataclass(frozen=True)
class Example:
    """A library of texts, the records under it, and what each must give."""

    block: Block
    texts: tuple[str, ...]
    loose: bool
    records: tuple[tuple[Block, Block | None], ...]


def blocks(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    return [
        Block(page, text.count("\n", 0, m.start()) + 1, m[1], tuple(m[2].split()), m[3]) for m in _FENCE.finditer(text)
    ]


def examples(page: Path) -> Iterator[Example]:
    """Yield each tiaoli block with the records and results that follow it."""
    prelude = ""
    texts: tuple[str, ...] = ()
    found = blocks(page)
    for index, block in enumerate(found):
        if block.language != "tiaoli":
            continue
        if "prelude" in block.words:
            prelude = block.text
        fragment = "fragment" in block.words
        own = _without(prelude or _PRELUDE, block.text) + "\n" + block.text if fragment else block.text
        joined = (*texts, own) if "also" in block.words else (own,)
        texts = texts if block.codes else joined
        yield Example(
            block,
            joined,
            not {"fragment", "prelude", "loose"}.isdisjoint(block.words),
            tuple(_records(found[index + 1 :])),
        )


_PRELUDE = next(b.text for b in blocks(DOCS / "language.md") if "prelude" in b.words)


def _records(rest: Sequence[Block]) -> Iterator[tuple[Block, Block | None]]:
    """Pair each record up to the next tiaoli block with the result behind it, or else with the last one."""
    end = next((i for i, b in enumerate(rest) if b.language == "tiaoli"), len(rest))
    result: Block | None = None
    for index, block in enumerate(rest[:end]):
        if "result" in block.words:
            result = block
        if "record" in block.words:
            following = rest[index + 1] if index + 1 < end else block
            yield block, following if "result" in following.words else result


def _without(prelude: str, fragment: str) -> str:
    """The prelude without the facts that the fragment declares itself."""
    named = set(re.findall(r"(?:事实|参数|规则|表|分段|存疑|fact|param|rule|table|scale)\s+(\w+)", fragment))
    lines = [line for line in prelude.split("\n") if not any(re.search(rf"事实 {name}:", line) for name in named)]
    return "\n".join(lines)


ALL = [example for page in PAGES for example in examples(page)]


def said_of(example: Example) -> list[Diagnostic]:
    """What is said of the texts alone, or, where they are files for commands, beside the built-in rulesets."""
    sources = [Source(f"{i}.tiaoli", text) for i, text in enumerate(example.texts)]
    if not example.block.files:
        library = read_library(sources)
    else:
        with TemporaryDirectory() as folder:
            for source in sources:
                Path(folder, source.path).write_text(source.text, encoding="utf-8")
            library = _about(load([Path(folder)]), folder)
    found = check_library(library)
    return [d for d in found if not (example.loose and d.code in _LEFT_OUT)]


def _about(library: Library, folder: str) -> Library:
    """The library without the documents of other places than those under ``folder`` are about: nothing there changes for them."""
    own = {
        d.header.place.text
        for d in library.documents
        if d.source.path.startswith(folder) and d.header and d.header.place
    }
    wanted = [d for d in library.documents if any(applies(d, place) or _is_in(d, place) for place in own)]
    return replace(library, documents=tuple(wanted))


def _is_in(document: s.Document, place: str) -> bool:
    return (
        document.header is not None
        and document.header.place is not None
        and document.header.place.text.startswith(place + "-")
    )


@pytest.mark.no_cover
@pytest.mark.parametrize("example", ALL, ids=lambda e: str(e.block))
def test_example_checks(example: Example) -> None:
    found = said_of(example)
    said = "\n".join(render_text(d, "zh") for d in found)
    assert {d.code for d in found} == example.block.codes, said


@pytest.mark.parametrize(
    ("example", "record", "result"),
    [(e, *pair) for e in ALL for pair in e.records],
    ids=lambda x: str(x) if isinstance(x, Block) else "",
)
def test_record_gives_result(example: Example, record: Block, result: Block | None, tmp_path: Path) -> None:
    expected = _yaml(result.text) if result else {}
    rules = tiaoli.loads(*example.texts)
    years = range(min(expected, default=2025), max(expected, default=2025) + 1)
    names = list(dict.fromkeys(name for row in expected.values() for name in row))
    compiled = rules.compiled(years, names or None)
    file = tmp_path / f"record.{record.language}"
    file.write_text(record.text, "utf-8")
    *_, read = rules.reader(compiled).read(file)
    if not isinstance(read, Person):
        assert {d.code for d in read.diagnostics} == record.codes, "\n".join(
            render_text(d, "zh") for d in read.diagnostics
        )
        return
    assert not record.codes
    values = rules.run(compiled, read)
    assert {y: {n: values[y][n] for n in row} for y, row in expected.items()} == expected


def _after(block: Block, first: str, second: str) -> list[tuple[Block, Block | None]]:
    """Blocks marked ``first`` up to the next tiaoli block, each with the block marked ``second`` right behind it."""
    page = blocks(block.page)
    rest = page[page.index(block) + 1 :]
    end = next((i for i, b in enumerate(rest) if b.language == "tiaoli"), len(rest))
    found = []
    for index, own in enumerate(rest[:end]):
        if first in own.words:
            following = rest[index + 1] if index + 1 < end and second in rest[index + 1].words else None
            found.append((own, following))
    return found


@pytest.mark.parametrize(
    ("example", "records", "figures"),
    [(e, b, following) for e in ALL for b, following in _after(e.block, "population", "figures")],
    ids=lambda b: str(b) if isinstance(b, Block) else "",
)
def test_population_gives_figures(example: Example, records: Block, figures: Block | None) -> None:
    expected = _yaml(figures.text) if figures else {}
    years = {year for own in expected.values() for row in own.values() for year in row} or {2025}
    population = tiaoli.loads(*example.texts).population(_yaml(records.text), range(min(years), max(years) + 1))
    found = [d for fault in population.faults for d in fault.diagnostics] + list(population.diagnostics)
    assert {d.code for d in found} == records.codes, [render_text(d, "zh") for d in found]
    for kind, own in expected.items():
        for ident, rows in own.items():
            result = population.result(ident, kind)
            assert {y: {n: result[y][n] for n in row} for y, row in rows.items()} == rows


@pytest.mark.parametrize("block", [b for p in PAGES for b in blocks(p) if "cases" in b.words], ids=str)
def test_cases_pass(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "document.cases.yaml"
    file.write_text(block.text, "utf-8")
    place = _yaml(block.text)["地区"]
    texts = next(e.texts for e in examples(block.page) if re.search(rf"^\s*地区 {place}$", e.block.text, re.MULTILINE))
    report = run_cases([file], lambda _: tiaoli.loads(*texts))
    assert report.passed and not report.failures


def _yaml(text: str) -> Any:
    """Read YAML with exact decimals, 是/否 as bool and values of results as the engine gives them."""
    return _plain(YAML(typ="safe", pure=True).load(text))


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case float():
            return Decimal(str(value))
        case "是" | "否":
            return value == "是"
    return value


@pytest.mark.parametrize("page", [p for p in PAGES if "```python" in p.read_text("utf-8")], ids=lambda p: p.name)
def test_python_blocks(page: Path) -> None:
    _session("\n".join(b.text for b in blocks(page) if b.language == "python" and "here" not in b.words), page)


def _session(text: str, page: Path) -> None:
    """Run a session as it is shown."""
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0


# ── commands ─────────────────────────────────────────────────────────────────

_STABLE = [(re.compile(r"[0-9a-f]{16}"), "0123456789abcdef"), (re.compile(r"[ \t]+$", re.MULTILINE), "")]


def _told(block: Block) -> str:
    """What is said of a fragment: message and help of each diagnostic."""
    example = next(e for e in ALL if e.block == block)
    lines = []
    for d in said_of(example):
        lines.append(f"{'错误' if d.code[0] == 'E' else '警告'}[{d.code}]: {message(d, 'zh')}")
        lines += [f"  = 改法: {text}" for text in [help_text(d, "zh")] if text]
    return "\n".join(lines) + "\n"


def _printed(commands: str) -> str:
    output = ""
    for line in commands.splitlines():
        program, *arguments = shlex.split(line, comments=True)
        assert program == "tiaoli"
        speech._state["lang"] = "zh"
        heard = io.StringIO()
        with redirect_stdout(heard), redirect_stderr(heard), suppress(SystemExit):
            cli.main(arguments)
        output += heard.getvalue()
    for pattern, stable in _STABLE:
        output = pattern.sub(stable, output)
    return output.rstrip("\n") + "\n"


def _fits(shown: str, printed: str) -> bool:
    """Whether ``printed`` is ``shown``, with anything where that says …"""
    return re.fullmatch(re.escape(shown).replace("…", r"[\s\S]*?"), printed) is not None


def _acted_out(page: Path) -> str:
    """The page with every command run, in the working folder, and its output put in place."""
    pieces: list[str] = []
    end, output, last = 0, "", None
    text = page.read_text("utf-8")
    for block, match in zip(blocks(page), _FENCE.finditer(text), strict=True):
        new = block.text
        for name in block.files:
            Path(name).parent.mkdir(exist_ok=True)
            Path(name).write_text(block.text, "utf-8")
        match block.language, block.words:
            case "sh", _:
                output = _printed(block.text)
            case "text", ("output",) if not _fits(new, output):
                new = output
            case "text", ("says",):
                new = _told(last) if last else ""
            case "python", ("here",):
                _session(new, page)
            case "tiaoli", _:
                last = block
            case _, (*_, name) if name.startswith("shows="):
                new = Path(name.removeprefix("shows=")).read_text("utf-8-sig")
        pieces += [text[end : match.start(3)], new]
        end = match.end(3)
    return "".join([*pieces, text[end:]])


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "page",
    [p for p in PAGES if re.search(r"^```text (output|says)", p.read_text("utf-8"), re.MULTILINE)],
    ids=lambda p: p.name,
)
def test_commands_print_what_is_shown(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TIAOLI_DEBUG", "1")
    new = _acted_out(page)
    if WRITE:
        page.write_text(new, "utf-8")
    else:
        assert new == page.read_text("utf-8"), "run with TIAOLI_WRITE_DOCS=1 and read the difference"


# ── functions ────────────────────────────────────────────────────────────────


def _function_rows() -> list[tuple[str, str, str]]:
    """(signature, English name, example) of the table of functions."""
    text = (DOCS / "language.md").read_text("utf-8").split("<!-- functions:", 1)[1].split("\n\n")[1]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]
    return [(row[0], row[1], row[-1]) for row in rows]


@pytest.mark.parametrize(("signature", "example"), [(s, x) for s, _, x in _function_rows()], ids=lambda x: x)
def test_function_example(signature: str, example: str) -> None:
    left, right = re.findall(r"`([^`]+)`", example)
    rules = tiaoli.loads(f"文件 甲 地区 CN 施行 2025年度\n结果 规则 同: 是否 = ({left}) = {right}")
    assert rules.evaluate({"编号": "1"}, 2025)[2025]["同"] is True, signature


def test_every_function_has_its_row() -> None:
    rows = {signature.split("(")[0]: english for signature, english, _ in _function_rows()}
    assert rows == {zh: row.en for zh, row in FUNCTIONS.items()} | {"舍入": "round"}
    text = (DOCS / "language.md").read_text("utf-8")
    assert all(f"`{zh}(" in text and en in text for zh, en in MEMORY_FORMS.items())


# ── generated blocks ─────────────────────────────────────────────────────────


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _operator_table(sign: str) -> str:
    kinds = [k for k in Kind if k not in (Kind.BOOL, Kind.PLACE, Kind.TEXT, Kind.ENUM)]

    def cell(left: Kind, right: Kind) -> str:
        result = OPERATORS[sign].typing((Type(left), Type(right)))
        return result.kind.zh if result else ""

    cells = {left: [cell(left, right) for right in kinds] for left in kinds}
    columns = [i for i, _ in enumerate(kinds) if any(row[i] for row in cells.values())]
    rows = [[f"**{left.zh}**", *(cells[left][i] for i in columns)] for left in kinds if any(cells[left])]
    return _rows([sign, *(kinds[i].zh for i in columns)], rows)


def _ranges() -> str:
    def shown(kind: Kind, bound: Any) -> str:
        return show_value(date.fromordinal(bound) if kind is Kind.DATE else bound, Type(kind))

    rows = [[kind.zh, shown(kind, low), shown(kind, high)] for kind, (low, high) in DEFAULT_RANGES.items()]
    return _rows(["type", "from", "to"], rows)


_MODES = {
    Mode.HALF_UP: ("to the nearest, halves away from zero", "3, -3, 2"),
    Mode.HALF_EVEN: ("to the nearest, halves to the even neighbour", "2, -2, 2"),
    Mode.DOWN: ("towards minus infinity", "2, -3, 2"),
    Mode.UP: ("towards plus infinity", "3, -2, 3"),
    Mode.TRUNCATE: ("towards zero", "2, -2, 2"),
    Mode.AWAY: ("away from zero", "3, -3, 3"),
}


def _rounding() -> str:
    modes = [[*mode.value, *_MODES[mode]] for mode in Mode]
    sizes: dict[tuple[Kind, Any], list[str]] = {}
    for name, unit in ROUNDING_UNITS.items():
        sizes.setdefault(unit, []).append(f"`{name}`")
    units = [[" ".join(names), kind.zh, show_value(size, Type(kind))] for (kind, size), names in sizes.items()]
    head = ["mode", "English", "meaning", "2.5, -2.5, 2.3 become"]
    return _rows(head, modes) + "\n\n" + _rows(["unit", "type", "size"], units)


def _keywords() -> str:
    every = {keyword.terminal: keyword for keyword in keywords().values()}
    rows = [[" ".join(f"`{s}`" for s in k.spellings[:-1]), f"`{k.en}`"] for k in every.values()]
    half = -(-len(rows) // 2)
    paired = [[*left, *(rows[half + i] if half + i < len(rows) else ["", ""])] for i, left in enumerate(rows[:half])]
    return _rows(["中文", "English", "中文", "English"], paired)


_FAMILIES = {
    "1": "写法 / syntax",
    "2": "名称 / names",
    "3": "类型和单位 / types and units",
    "4": "年度和文件 / years and documents",
    "5": "分支和表 / clauses and tables",
    "6": "依据和要求 / legal basis and mandates",
    "7": "记录 / records",
    "8": "运行 / running",
}


def _index() -> str:
    parts = []
    for digit, title in _FAMILIES.items():
        codes = sorted((c for c in MESSAGES if c[1] == digit), key=lambda c: c[1:])
        rows = [[f"[{c}]({c}.md)", _cell(MESSAGES[c].zh), _cell(MESSAGES[c].en)] for c in codes]
        parts.append(f"## {title}\n\n" + _rows(["", "中文", "English"], rows))
    return "\n\n".join(parts)


def _cell(text: str) -> str:
    """A template as Markdown shows it: arguments stand out."""
    shown = re.sub(r"\{(\w+)\}", r"*\1*", text.replace("{{", "\0").replace("}}", "\1").replace("|", "\\|"))
    return shown.replace("\0", "{").replace("\1", "}").replace("<", "&lt;")


def _message(code: str) -> str:
    said = MESSAGES[code]
    severity = ("错误", "error") if code[0] == "E" else ("警告", "warning")
    rows = [
        [severity[0], _cell(said.zh)],
        ["改法", _cell(said.help_zh)],
        [severity[1], _cell(said.en)],
        ["help", _cell(said.help_en)],
    ]
    return _rows(["", code], rows)


def _modules() -> str:
    package = Path(tiaoli.__file__).parent
    rows = []
    for file in sorted(package.rglob("*.py")):
        idea = ast.get_docstring(ast.parse(file.read_text("utf-8")))
        if idea:
            rows.append([f"`{file.relative_to(package)}`", _cell(idea.split("\n")[0])])
    return _rows(["module", "what it is"], rows)


def generated(name: str) -> str:
    if name in MESSAGES:
        return _message(name)
    match name:
        case "index":
            return _index()
        case "modules":
            return _modules()
        case "ranges":
            return _ranges()
        case "rounding":
            return _rounding()
        case "keywords":
            return _keywords()
        case "+" | "-" | "×" | "÷":
            return _operator_table(name)
    raise KeyError(name)


_GENERATED = re.compile(r"(<!-- begin generated: (\S+) -->\n)(.*?)(<!-- end generated -->)", re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_generated_blocks(page: Path) -> None:
    text = page.read_text("utf-8")
    new = _GENERATED.sub(lambda m: f"{m[1]}{generated(m[2])}\n{m[4]}", text)
    if WRITE:
        page.write_text(new, "utf-8")
    assert new == text or WRITE, "run with TIAOLI_WRITE_DOCS=1"


def test_every_code_has_its_page() -> None:
    pages = {page.stem for page in (DOCS / "errors").glob("[EW]*.md")}
    if WRITE:
        for code in MESSAGES.keys() - pages:
            head = f"# {code}\n\n<!-- begin generated: {code} -->\n{_message(code)}\n<!-- end generated -->\n"
            (DOCS / "errors" / f"{code}.md").write_text(head, "utf-8")
    assert pages == set(MESSAGES) or WRITE, "run with TIAOLI_WRITE_DOCS=1 and describe the new codes"


def test_rounding_modes_do_what_the_table_says() -> None:
    for mode, (_, shown) in _MODES.items():
        rule = "结果 规则 {}: 整数 = 舍入({}, {}, 整数)\n"
        text = "".join(rule.format(n, x, mode.value[0]) for n, x in (("甲", "2.5"), ("乙", "-2.5"), ("丙", "2.3")))
        row = tiaoli.loads("文件 甲 地区 CN 施行 2025年度\n" + text).evaluate({"编号": "1"}, 2025)[2025]
        assert ", ".join(str(row[n]) for n in "甲乙丙") == shown


def test_every_type_is_described() -> None:
    text = (DOCS / "language.md").read_text("utf-8")
    assert all(f"| {kind.zh} | {kind.en} |" in text for kind in set(KIND_NAMES.values()))


# ── the command line ─────────────────────────────────────────────────────────


def _sections() -> dict[str, str]:
    parts = re.split(r"^## ", (DOCS / "cli.md").read_text("utf-8"), flags=re.MULTILINE)
    return {part.split("\n", 1)[0]: part for part in parts}


def test_every_command_and_option_is_described() -> None:
    sections = _sections()
    common = next(iter(sections.values()))
    commands = get_command(cli.app).commands  # type: ignore[attr-defined]
    for name, command in commands.items():
        assert name in sections, name
        options = {option for parameter in command.params for option in parameter.opts if option.startswith("-")}
        missing = [o for o in options if f"{o}" not in sections[name] and o not in ("--lang", "--help")]
        assert not missing, (name, missing)
        assert not set(re.findall(r"`(--[a-z]+(?:-[a-z]+)*)", sections[name])) - options, name
    assert set(commands) == set(sections) - {next(iter(sections))}
    assert "--lang" in common


# ── pages of places ──────────────────────────────────────────────────────────

PLACES = DOCS / "places"


@pytest.mark.no_cover
def test_every_place_has_its_page_as_the_rulesets_say() -> None:
    pages = place_pages(load())
    if WRITE:
        for page in PLACES.glob("*.md"):
            page.unlink()
        for name, text in pages.items():
            (PLACES / name).write_text(text, "utf-8")
    written = {page.name: page.read_text("utf-8") for page in PLACES.glob("*.md")}
    assert sorted(written) == sorted(pages), "run with TIAOLI_WRITE_DOCS=1"
    assert [name for name in pages if written[name] != pages[name]] == [], "run with TIAOLI_WRITE_DOCS=1"


# ── links ────────────────────────────────────────────────────────────────────


def _anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", _FENCE.sub("", page.read_text("utf-8"))):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.is_file(), link
        assert not anchor or anchor in _anchors(target), link
