"""What the tests share: the rules of Jiangxi, and the command line called in this process or in one of its own."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from typer.testing import CliRunner

import tiaoli
from tiaoli.apps import cli, speech

sys.path.insert(0, str(Path(__file__).parent))

from jiangxi_by_hand import history
from support import ROOT, Said, said, start, write_records

settings.register_profile("suite", deadline=None, database=None, derandomize=True)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def jiangxi() -> tiaoli.Rules:
    return tiaoli.load("CN-JX")


@pytest.fixture
def example() -> Path:
    """The records of the README."""
    return ROOT / "examples" / "江西.yaml"


@pytest.fixture(scope="session")
def histories() -> list[dict[str, Any]]:
    """Forty made-up records of Jiangxi."""
    dice = random.Random(7)
    return [history(dice, f"甲{i:02d}") for i in range(40)]


@pytest.fixture
def records(tmp_path: Path, histories: list[dict[str, Any]]) -> Path:
    """The same as JSON Lines."""
    return write_records(tmp_path / "记录.jsonl", histories)


@pytest.fixture
def flawed(tmp_path: Path) -> Path:
    """Three records: the second has two faults."""
    good = {"编号": "P1", "原封顶线": 400000}
    bad = {"编号": "P2", "原封顶线": -5, "年度": {"2025": {"参堡": True}}}
    return write_records(tmp_path / "flawed.jsonl", [good, bad, {**good, "编号": "P3"}])


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Call the command line in this process. An exception that would reach the user fails the test."""
    monkeypatch.delenv("TIAOLI_LANG", raising=False)
    monkeypatch.setitem(speech._state, "lang", "zh")

    def call(*arguments: object) -> Said:
        result = CliRunner().invoke(cli.app, [str(a) for a in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)

    return call


@pytest.fixture
def process() -> Callable[..., Said]:
    """Call the command line as users do, in a process of its own."""
    return lambda *arguments, **options: said(start(*arguments, **options))
