"""What the checks say of typical mistakes, word for word.

Each file of golden/diagnostics holds one idea: rulesets (fenced `tiaoli`, one document each, in order `1.tiaoli`, `2.tiaoli`, …) and what is said
of them in Chinese (`zh`) and English (`en`). The words behind `tiaoli` in the fence ask for `crlf` line ends or a `bom`. A file's name begins with the
codes it must bring forth, in order and no others (`E204-…`, `E102+E501-…`, `E102x3-…`), or with `ok`: a mistake is said once, without sequels.

`pytest --force-regen` (or TIAOLI_REGEN=1) writes what is said now; read the difference line by line.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from tiaoli.diagnostic import Diagnostic
from tiaoli.messages import MESSAGES
from tiaoli.pipeline import check_library, read_library
from tiaoli.render import render_text
from tiaoli.source import Source

FOLDER = Path(__file__).parent / "golden" / "diagnostics"
FILES = sorted(FOLDER.glob("*.md"))
_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

WITHOUT_RULESET = {
    "E7": "faults of records: tests/test_records.py",
    "W7": "faults of records: tests/test_records.py",
    "E8": "running, cases and the command line",
    "W8": "running, cases and the command line",
}
"""Groups of codes that no ruleset text brings forth, and where they are tested."""


@dataclass(frozen=True)
class Golden:
    """A golden file: the rulesets in it and the texts expected, by language."""

    path: Path
    text: str
    sources: tuple[Source, ...]
    expected: dict[str, str]

    @property
    def diagnostics(self) -> list[Diagnostic]:
        return check_library(read_library(self.sources))

    @property
    def codes(self) -> Counter[str]:
        """The codes named by the file's name."""
        prefix = self.path.stem.split("-")[0]
        pairs = [part.partition("x") for part in prefix.split("+")] if prefix != "ok" else []
        return Counter({code: int(times or 1) for code, _, times in pairs})


def read(path: Path) -> Golden:
    text = path.read_text("utf-8")
    sources: list[Source] = []
    expected: dict[str, str] = {}
    for kind, marks, body in _FENCE.findall(text):
        if kind == "tiaoli":
            sources.append(Source(f"{len(sources) + 1}.tiaoli", _marked(body, marks.split())))
        else:
            expected[kind] = body
    return Golden(path, text, tuple(sources), expected)


def _marked(body: str, marks: list[str]) -> str:
    if "crlf" in marks:
        body = body.replace("\n", "\r\n")
    return "\ufeff" + body if "bom" in marks else body


def rendered(diagnostics: list[Diagnostic], lang: str) -> str:
    return "".join(render_text(d, lang).rstrip() + "\n" for d in diagnostics)


def regenerated(golden: Golden, said: dict[str, str]) -> str:
    """The file with what is said now in place of what was said."""
    kept = re.sub(r"\n*^```(zh|en)\n.*?^```$", "", golden.text, flags=re.MULTILINE | re.DOTALL).rstrip("\n")
    return kept + "".join(f"\n\n```{lang}\n{text}```" for lang, text in said.items()) + "\n"


def wants_regeneration(request: pytest.FixtureRequest) -> bool:
    asked = os.environ.get("TIAOLI_REGEN") == "1"
    return asked or bool(request.config.getoption("--force-regen", default=False))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_said_word_for_word(path: Path, request: pytest.FixtureRequest) -> None:
    golden = read(path)
    said = {lang: rendered(golden.diagnostics, lang) for lang in ("zh", "en")}
    if wants_regeneration(request):
        path.write_text(regenerated(golden, said), "utf-8")
        return
    assert said == golden.expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_mistake_is_said_once(path: Path) -> None:
    golden = read(path)
    assert Counter(d.code for d in golden.diagnostics) == golden.codes


def test_every_code_has_a_golden_case() -> None:
    shown = {code for path in FILES for code in read(path).codes}
    wanted = {code for code in MESSAGES if code[:2] not in WITHOUT_RULESET}
    assert wanted - shown == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_is_left_open_in_a_text(path: Path) -> None:
    """Every placeholder of a message is filled, in both languages, and a span lies in its text."""
    for diagnostic in read(path).diagnostics:
        for lang in ("zh", "en"):
            text = render_text(diagnostic, lang)
            assert "“?”" not in text and "'?'" not in text and "None" not in text
        if diagnostic.span is not None:
            assert 0 <= diagnostic.span.start < diagnostic.span.end <= len(diagnostic.span.source.text)
