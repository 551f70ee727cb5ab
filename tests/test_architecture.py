"""The house is in order: tables that must agree do, nothing is left over, modules stay small, and no file names the machine it was made on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import ROOT
from tiaoli.backends import columnar, columns, low, python_code, sql_code
from tiaoli.message import Message
from tiaoli.messages import LABELS, MESSAGES
from tiaoli.operators import CARRY_OPERATORS, FUNCTIONS, OPERATORS

ENGINE = ROOT / "engine" / "tiaoli"
MODULES = sorted(ENGINE.rglob("*.py"))
SPEAKING = {"messages.py", "record_messages.py"}
LONGEST = 700
CODE = re.compile(r"[EW]\d{3}")
AWAY = {".git", ".venv", "venv", ".hypothesis", ".coverage", "build", "dist", "htmlcov", "__pycache__"}
TEXTS = {
    ".py",
    ".md",
    ".toml",
    ".lark",
    ".json",
    ".yaml",
    ".yml",
    ".tiaoli",
    ".txt",
    ".csv",
    ".jsonl",
    ".cfg",
    ".svg",
    ".html",
    "",
}


def strings(module: Path) -> Iterator[str]:
    """The string literals of a module, those inside f-strings too; docstrings are literals as well."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def own_files() -> Iterator[Path]:
    """The text files of the project: neither caches nor what a build makes."""
    for path in ROOT.rglob("*"):
        folders = path.relative_to(ROOT).parts[:-1]
        made = any(f in AWAY or f.endswith(("_cache", ".egg-info")) for f in folders)
        if not made and path.suffix in TEXTS and path.name not in AWAY and path.is_file():
            yield path


# ── tables that must agree ───────────────────────────────────────────────────


def test_the_interpreter_has_a_row_for_each_operator_and_no_other() -> None:
    assert set(python_code.ROWS) == {*OPERATORS, *CARRY_OPERATORS, *FUNCTIONS}


def test_columns_have_a_row_for_each_operator_and_no_other() -> None:
    apart = {"且", "或", "×", "÷"}
    assert {*low.PLAIN, *low.ON_DATES, *apart, *CARRY_OPERATORS} == {*OPERATORS, *CARRY_OPERATORS, *FUNCTIONS}


def test_polars_and_sql_have_a_row_for_each_operation_on_columns_and_no_other() -> None:
    every, signs = set(columns.OPERATIONS), set(sql_code._signs()) - {"%", "//"}
    assert {*columns._BUILD, *(signs - {"+", "-", "×"})} == every
    assert {*columnar._OPERATIONS, *columnar._PARTS, "若", "加月", "取小", "取大"} == every
    assert {*sql_code._PLAIN, *sql_code._DATES, *signs, "或", "若", "整除", "成日期"} == every


def test_each_operator_is_filed_under_its_own_name() -> None:
    assert {name: row.zh for name, row in (OPERATORS | FUNCTIONS).items() if row.zh != name} == {}


@pytest.mark.parametrize("lang", ("zh", "en"))
def test_no_two_functions_share_a_name(lang: str) -> None:
    names = [getattr(row, lang) for row in FUNCTIONS.values()]
    assert sorted(names) == sorted(set(names))


def test_each_keyword_is_used_in_the_grammar() -> None:
    listed = re.findall(
        r"^([A-Z_]+)(?:\.\d+)?:", (ROOT / "grammar" / "keywords.lark").read_text(encoding="utf-8"), re.MULTILINE
    )
    grammar = re.sub(
        r"//.*|^%import.*", "", (ROOT / "grammar" / "tiaoli.lark").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    rules = set(re.findall(r"\b[A-Z][A-Z_]+\b", grammar))
    assert len(listed) == len(set(listed)) > 50
    assert [name for name in listed if name not in rules and name != "ENTITY"] == [], "ENTITY is kept for 对象"


def test_no_two_keywords_have_a_spelling_in_common() -> None:
    text = re.sub(r"//.*", "", (ROOT / "grammar" / "keywords.lark").read_text(encoding="utf-8"))
    spellings = re.findall(r'"([^"]+)"', text)
    twice = {s for s in spellings if spellings.count(s) > 1}
    assert twice == set()


# ── what is said ─────────────────────────────────────────────────────────────


def test_each_code_in_the_engine_has_its_message_and_each_message_is_used() -> None:
    used = {s for module in MODULES if module.name not in SPEAKING for s in strings(module) if CODE.fullmatch(s)}
    assert used - set(MESSAGES) == set()
    assert set(MESSAGES) - used == set()


def test_each_label_is_used() -> None:
    used = {s for module in MODULES if module.name not in SPEAKING for s in strings(module)}
    assert set(LABELS) - used == set()


@pytest.mark.parametrize("code", sorted(MESSAGES))
def test_a_message_is_one_sentence_in_each_language_with_the_same_arguments(code: str) -> None:
    message = MESSAGES[code]
    zh, en = fields(message, "zh"), fields(message, "en")
    assert message.zh and message.en
    assert not message.zh.endswith(("。", "\n")) and not message.en.endswith((".", "\n"))
    assert zh == en


def fields(message: Message, lang: str) -> set[str]:
    """The arguments that a text names; one that differs by language (`type_en`) under its plain name."""
    return {name.removesuffix("_en") for name in re.findall(r"\{(\w+)", getattr(message, lang))}


def test_each_code_has_a_page() -> None:
    pages = {p.stem for p in (ROOT / "docs" / "errors").glob("*.md") if CODE.fullmatch(p.stem)}
    assert pages == set(MESSAGES)


# ── size and cleanliness ─────────────────────────────────────────────────────


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(ENGINE)))
def test_a_module_is_short_and_says_what_it_is(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST
    assert not text or ast.get_docstring(ast.parse(text))


def test_binary_floats_only_tell_how_near_two_names_are() -> None:
    found = {
        ast.unparse(node)
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if any(isinstance(c, ast.Constant) and isinstance(c.value, float) for c in ast.iter_child_nodes(node))
    }
    assert [
        text for text in found if not re.search(r"cutoff|nearest|get_close_matches|ratio|len\(|^0\.\d+ if", text)
    ] == []


def test_no_file_names_the_machine_it_was_made_on() -> None:
    places = re.compile(r"/(?:[r]oot|[h]ome|[U]sers|[w]ork|[t]mp)/[\w.]")
    assert naming(places) == []


def test_no_file_names_a_package_registry() -> None:
    registries = re.compile(
        r"[p]ypi\.|[p]ythonhosted|--[i]ndex-url|--[e]xtra-index|[r]egistry\.npm|PIP_[I]NDEX|[c]rates\.io|[p]roxy\.golang"
    )
    assert naming(registries) == []


def test_the_files_of_the_project_are_found() -> None:
    names = {str(path.relative_to(ROOT)) for path in own_files()}
    assert {"README.md", ".ci/run", "grammar/tiaoli.lark", "engine/tiaoli/api.py", "tests/support.py"} <= names


def naming(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {found.group()}"
        for path in own_files()
        for found in [pattern.search(path.read_text(encoding="utf-8", errors="replace"))]
        if found
    ]


def test_no_test_is_left_out() -> None:
    """But for those that need a program which is no Python package: Java for Spark, a PostgreSQL server."""
    marks = re.compile(r"pytest\.(mark\.)?([s]kip|[x]fail)|[i]mportorskip")
    found = {p.name: marks.findall(p.read_text(encoding="utf-8")) for p in (ROOT / "tests").rglob("*.py")}
    assert {name: len(several) for name, several in found.items() if several} == {
        "test_cases_on_tables.py": 1,
        "test_sql.py": 2,
        "test_sql_runs.py": 1,
        "test_sql_values.py": 2,
    }
