"""The documentation is true: every example is run, every generated table and page is what the engine says.

Fenced blocks say by the words behind their language what they are:

    tiaoli                  a whole document; checks without any diagnostic
    tiaoli also             another document of the same library as the blocks before it
    tiaoli prelude          facts that the fragments of the file may use
    tiaoli fragment         declarations without header, outline and 依据
    yaml record, yaml result    a record (also json, jsonl, csv) and what the rules above it give
    sh, text output         a command and what it prints
    … E302                  the codes that the block must give, and no others

Blocks between `<!-- begin generated: NAME -->` and `<!-- end generated -->` are made from the engine, as are the heads of the pages in
docs/errors. `TIAOLI_WRITE_DOCS=1 pytest tests/test_docs.py` writes them anew.
"""

from __future__ import annotations

import doctest
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import tiaoli
from tiaoli.messages import MESSAGES
from tiaoli.operators import FUNCTIONS, MEMORY_FORMS, OPERATORS
from tiaoli.parse import keywords
from tiaoli.pipeline import check_library, read_library
from tiaoli.record_facts import Person
from tiaoli.render import render_text
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

    def __str__(self) -> str:
        return f"{self.page.relative_to(DOCS)}:{self.line}"


@dataclass(frozen=True)
class Example:
    """A library of texts, the records under it, and what each must give."""

    block: Block
    texts: tuple[str, ...]
    fragment: bool
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
        texts = (*texts, own) if "also" in block.words else (own,)
        yield Example(block, texts, fragment or "prelude" in block.words, tuple(_records(found[index + 1 :])))


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


@pytest.mark.parametrize("example", ALL, ids=lambda e: str(e.block))
def test_example_checks(example: Example) -> None:
    sources = [Source(f"{i}.tiaoli", text) for i, text in enumerate(example.texts)]
    found = check_library(read_library(sources))
    if example.fragment:
        found = [d for d in found if d.code not in _LEFT_OUT]
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
    (read,) = rules.reader(compiled).read(file)
    if not isinstance(read, Person):
        assert {d.code for d in read.diagnostics} == record.codes, "\n".join(render_text(d, "zh") for d in read.diagnostics)
        return
    assert not record.codes
    values = rules.run(compiled, read)
    assert {y: {n: values[y][n] for n in row} for y, row in expected.items()} == expected


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
    text = "\n".join(b.text for b in blocks(page) if b.language == "python")
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0


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
    units = [f"`{name}`" for name in ROUNDING_UNITS]
    return _rows(["mode", "English", "meaning", "2.5, -2.5, 2.3 become"], modes) + "\n\nUnits: " + " ".join(units) + "."


def _keywords() -> str:
    every = {keyword.terminal: keyword for keyword in keywords().values()}
    rows = [[" ".join(f"`{s}`" for s in k.spellings[:-1]), f"`{k.en}`"] for k in every.values()]
    half = -(-len(rows) // 2)
    paired = [[*left, *(rows[half + i] if half + i < len(rows) else ["", ""])] for i, left in enumerate(rows[:half])]
    return _rows(["中文", "English", "中文", "English"], paired)


def generated(name: str) -> str:
    match name:
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


@pytest.mark.parametrize("page", [p for p in PAGES if "errors" not in p.parts], ids=lambda p: p.name)
def test_generated_blocks(page: Path) -> None:
    text = page.read_text("utf-8")
    new = _GENERATED.sub(lambda m: f"{m[1]}{generated(m[2])}\n{m[4]}", text)
    if WRITE:
        page.write_text(new, "utf-8")
    assert new == text or WRITE, "run with TIAOLI_WRITE_DOCS=1"


def test_rounding_modes_do_what_the_table_says() -> None:
    for mode, (_, shown) in _MODES.items():
        rule = "结果 规则 {}: 整数 = 舍入({}, {}, 整数)\n"
        text = "".join(rule.format(n, x, mode.value[0]) for n, x in (("甲", "2.5"), ("乙", "-2.5"), ("丙", "2.3")))
        row = tiaoli.loads("文件 甲 地区 CN 施行 2025年度\n" + text).evaluate({"编号": "1"}, 2025)[2025]
        assert ", ".join(str(row[n]) for n in "甲乙丙") == shown


def test_every_type_is_described() -> None:
    text = (DOCS / "language.md").read_text("utf-8")
    assert all(f"| {kind.zh} | {kind.en} |" in text for kind in set(KIND_NAMES.values()))
