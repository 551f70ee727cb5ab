"""The README tells the truth: its ruleset checks clean and gives the figures shown, its Python runs, its files exist."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path

import tiaoli
from tiaoli.api import Rules
from tiaoli.pipeline import check_library, read_library
from tiaoli.pipeline import load as load_library
from tiaoli.source import Source

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def fence(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_ten_lines_are_the_example_file() -> None:
    library = load_library([ROOT / "examples"])
    (shown,) = (read_library([Source("README.md", text)]) for text in fence("tiaoli"))
    (own,) = (d for d in library.documents if d.source.path.endswith("甲省.tiaoli"))
    assert shown.documents[0].declarations == own.declarations
    assert check_library(library) == []


def test_the_table_shows_what_comes_out() -> None:
    rules = tiaoli.load("CN-XX", rulesets=ROOT / "examples")
    assert isinstance(rules, Rules)
    command = [sys.executable, "-m", "tiaoli", "run", "CN-XX", "examples/江西.yaml", "--year", "2028..2030"]
    done = subprocess.run(
        [*command, "--rulesets", "examples", "--rule", "提高额度"],
        cwd=ROOT, capture_output=True, text=True, check=True, encoding="utf-8",
    )  # fmt: skip
    shown = next(line for line in fence("console")[0].splitlines() if line.startswith("│ 提高额度"))
    assert shown in done.stdout.splitlines()


def test_the_message_is_what_check_says(tmp_path: Path) -> None:
    (wrong,) = fence("tiaoli")
    (tmp_path / "甲省.tiaoli").write_text(
        wrong.replace("参数 每年提高 = 3000元", "参数 每年提高: 金额 = 3000"), "utf-8"
    )
    command = [sys.executable, "-m", "tiaoli", "check", "甲省.tiaoli"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, encoding="utf-8")
    assert done.returncode == 1
    assert fence("text")[0].strip() in done.stderr


def test_its_python_runs() -> None:
    (text,) = fence("python")
    failed, tried = doctest.testmod(m=_module(text))
    assert tried > 0
    assert failed == 0


def _module(text: str) -> object:
    import types

    module = types.ModuleType("readme")
    module.__doc__ = text
    return module


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []
