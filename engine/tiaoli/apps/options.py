"""Options that several commands share, and how what they say is read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from tiaoli.apps.speech import wrong
from tiaoli.diagnostic import Diagnostic

Rulesets = Annotated[
    list[Path] | None,
    typer.Option(
        "--rulesets",
        metavar="DIR",
        help="自己的规则集目录，与内置的一起用 / a folder of rulesets beside the built-in ones",
    ),
]
Lang = Annotated[str | None, typer.Option("--lang", metavar="zh|en", help="消息的语言 / language of messages")]
Format = Annotated[str, typer.Option("--format", metavar="text|json", help="输出格式 / output format")]


def years_of(text: str) -> range:
    """Return the years of ``2025`` or ``2025..2030``; anything else is wrong usage."""
    first, dots, last = text.partition("..")
    if (
        not first.isdigit()
        or (dots and not last.isdigit())
        or (dots and int(last) < int(first))
        or int(last or first) > 9999
    ):
        wrong(Diagnostic("E814", {"text": text}))
    return range(int(first), int(last or first) + 1)


def readings_of(written: Sequence[str] | None) -> dict[str, str]:
    """Return the readings written as NAME=OPTION; anything else is wrong usage."""
    found: dict[str, str] = {}
    for text in written or ():
        name, sign, option = text.partition("=")
        if not sign or not name or not option:
            wrong(Diagnostic("E825", {"text": f"--reading {text}", "form": "--reading 名称=选项"}))
        found[name.strip()] = option.strip()
    return found


def choice(value: str, known: Sequence[str], option: str) -> str:
    """Return ``value`` where it is one of those known; anything else is wrong usage."""
    if value not in known:
        wrong(Diagnostic("E825", {"text": f"{option} {value}", "form": f"{option} {'|'.join(known)}"}))
    return value


def show_on_terminal(as_text: Callable[..., str], as_rich: Callable[..., Any], *arguments: Any) -> None:
    """Tables on a terminal, plain text elsewhere."""
    if not sys.stdout.isatty():
        print(as_text(*arguments))
        return
    from rich.console import Console

    Console().print(as_rich(*arguments))
