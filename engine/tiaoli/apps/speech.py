"""How the commands speak: messages to the reader, their language, and what mistakes of users end in."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from tiaoli.diagnostic import Diagnostic, Severity
from tiaoli.errors import TiaoliError

_state: dict[str, str] = {"lang": "zh"}


def set_lang(lang: str | None) -> str:
    if lang is not None:
        if lang not in ("zh", "en"):
            wrong(Diagnostic("E825", {"text": f"--lang {lang}", "form": "--lang zh 或 --lang en"}))
        _state["lang"] = lang
    return language()


def language() -> str:
    """Return the language of messages: zh or en."""
    return _state["lang"]


def say(diagnostics: Iterable[Diagnostic]) -> None:
    from rich.console import Console
    from rich.text import Text

    from tiaoli.render import render_text

    console = Console(stderr=True, soft_wrap=True, highlight=False)
    for diagnostic in diagnostics:
        text = Text(render_text(diagnostic, language()))
        color = "red" if diagnostic.severity is Severity.ERROR else "yellow"
        text.stylize(f"bold {color}", 0, len(text.plain.split("]", 1)[0]) + 1)
        console.print(text)


def wrong(*diagnostics: Diagnostic) -> NoReturn:
    """Wrong usage."""
    say(diagnostics)
    raise typer.Exit(2)


def words(zh: str, en: str) -> str:
    return zh if language() == "zh" else en


def note(zh: str, en: str) -> None:
    """A line for the reader, beside the output proper."""
    print(words(zh, en), file=sys.stderr)


@contextmanager
def guarded() -> Iterator[None]:
    """Turn what users can get wrong into messages and exit codes."""
    from tiaoli.api import UsageError

    try:
        yield
    except KeyboardInterrupt:
        note("已中断；没有写出不完整的文件。", "interrupted; no partial file was left.")
        raise typer.Exit(130) from None
    except UsageError as error:
        say(error.diagnostics)
        raise typer.Exit(2) from None
    except TiaoliError as error:
        say(error.diagnostics)
        usage = all(d.code in ("E817", "E818", "E821", "E822", "E850") for d in error.diagnostics)
        raise typer.Exit(2 if usage else 1) from None
