"""What the tests share: the rules of Jiangxi, and the command line called in this process or in one of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from typer.testing import CliRunner

import tiaoli
from tiaoli.apps import cli, speech

sys.path.insert(0, str(Path(__file__).parent))

from support import ROOT, Said, said, start

settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def jiangxi() -> tiaoli.Rules:
    return tiaoli.load("CN-JX")


@pytest.fixture
def example() -> Path:
    """The records of the README."""
    return ROOT / "examples" / "江西.yaml"


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
