"""Words: the keywords of `keywords.lark`, the parser of `tiaoli.lark`, and where declarations begin.

A name that is a keyword becomes that keyword, so words are never split; `mask` blanks what is quoted.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lark import Lark, Token


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword's spellings: the first Chinese, the last English."""

    terminal: str
    spellings: tuple[str, ...]

    @property
    def zh(self) -> str:
        return self.spellings[0]

    @property
    def en(self) -> str:
        return self.spellings[-1]


def _grammar(name: str) -> str:
    return files("tiaoli.grammar").joinpath(name).read_text("utf-8")


@cache
def keywords() -> dict[str, Keyword]:
    """Return each spelling's keyword, as `keywords.lark` lists them."""
    text = _grammar("keywords.lark")
    table: dict[str, Keyword] = {}
    for match in re.finditer(r"^([A-Z_]+): (.+)$", text, re.MULTILINE):
        keyword = Keyword(match[1], tuple(re.findall(r'"([^"]+)"', match[2])))
        table.update(dict.fromkeys(keyword.spellings, keyword))
    return table


@cache
def by_terminal() -> dict[str, Keyword]:
    return {keyword.terminal: keyword for keyword in keywords().values()}


class _AlwaysNames:
    """Tells Lark's contextual lexer to try names, and the common slips, in every state."""

    always_accept = ("NAME", "BAD_GROUPING", "BAD_STRING", "BAD_UNIT", "BAD_NUMBER")

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


def _reserve(token: Token) -> Token:
    keyword = keywords().get(token.value)
    return type(token).new_borrow_pos(keyword.terminal, token.value, token) if keyword else token


def cache_folder() -> Path | None:
    """Return the folder in which processes keep what they made for the next ones: the one that TIAOLI_CACHE names (none where it is empty),
    else one of the user's own, where there can be one."""
    named = os.environ.get("TIAOLI_CACHE")
    if named is None:
        return _own_folder(os.environ.get("XDG_CACHE_HOME"))
    return Path(named) if named else None


@cache
def _own_folder(caches: str | None) -> Path | None:
    try:
        folder = (Path(caches) if caches else Path.home() / ".cache") / "tiaoli"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = getattr(os, "getuid", lambda: folder.stat().st_uid)()
        return folder if folder.stat().st_uid == owner and os.access(folder, os.W_OK) else None
    except (OSError, RuntimeError):
        return None  # without a folder all is made anew each time


@cache
def parser() -> Lark:
    """Return the parser of one declaration; its start is `declaration`. Its tables are kept from one process to the next in the folder
    for that, if any, and made anew when the grammar changes."""
    from lark import Lark

    kept = cache_folder()
    return Lark(
        _grammar("tiaoli.lark") + _grammar("keywords.lark"),
        parser="lalr",
        lexer="contextual",
        start="declaration",
        propagate_positions=True,
        postlex=_AlwaysNames(),
        lexer_callbacks={"NAME": _reserve},
        maybe_placeholders=False,
        cache=str(kept / f"parser-{sys.version_info[0]}{sys.version_info[1]}.tables") if kept else False,
    )


_COMMENT = re.compile(r'(?:"[^"\n]*"|“[^”\n]*”|《[^》\n]*》)|#[^\n]*')


_MASK = re.compile(r'"[^"\n]*"|“[^”\n]*”|#[^\n]*|《[^》\n]*》')


WORD = re.compile(r"[^\W\d]\w*")


def mask(text: str) -> str:
    """Return ``text`` of the same length with strings, titles and comments blanked out."""
    return _MASK.sub(lambda match: " " * len(match[0]), text)


MODIFIER_WORDS = ("YEARLY", "OUTPUT", "EXCEPTION", "AMEND", "REPEAL", "SETTLE")


STARTERS = (
    "DOCUMENT",
    "CLAUSE_OF",
    "FACT",
    "PARAM",
    "TABLE",
    "SCALE",
    "RULE",
    "MANDATE",
    "QUESTION",
    "ENTITY",
    *MODIFIER_WORDS,
)


_NAMING = ("FACT", "PARAM", "RULE", "TABLE", "SCALE", "QUESTION", "ENTITY")


_BEHIND_OF = re.compile(r"(?:(?<!\w)的|(?<=\w)\.)[ \t]*\Z")


def pieces(text: str) -> tuple[int, list[tuple[int, int]]]:
    """Return where the first declaration begins, and start and end of each, in a text made half-width."""
    masked = mask(text)
    visible = _COMMENT.sub(lambda m: " " * len(m[0]) if m[0].startswith("#") else m[0], text)
    starts: list[int] = []
    joined = False
    named = -1
    for match in WORD.finditer(masked):
        keyword = keywords().get(match[0])
        terminal = keyword.terminal if keyword else ""
        listed = terminal == "MANDATE" and _before(visible, match.start()) == ","
        as_name = named >= 0 and "\n" not in masked[named : match.start()] and not masked[named : match.start()].strip()
        as_name = as_name or _BEHIND_OF.search(masked[max(0, match.start() - 20) : match.start()]) is not None
        if terminal in STARTERS and not joined and not listed and not as_name:
            starts.append(match.start())
        named = match.end() if terminal in _NAMING and not as_name else -1
        joined = terminal in MODIFIER_WORDS or terminal == "ENCODED"
    ends = [*starts[1:], len(text)]
    return (starts[0] if starts else len(text)), list(zip(starts, ends, strict=False))


def _before(text: str, at: int) -> str:
    """The last character before ``at`` that is no white space, or an empty text."""
    while at and text[at - 1].isspace():
        at -= 1
    return text[at - 1 : at]


def glued_keyword(word: str) -> tuple[str, str] | None:
    """Return (keyword, rest) when ``word`` begins with a keyword that lacks a space behind it."""
    for spelling in sorted(keywords(), key=len, reverse=True):
        if len(spelling) > 1 and word.startswith(spelling) and len(word) > len(spelling):
            return spelling, word[len(spelling) :]
    single = [k for k in ("当", "得", "若", "则", "且", "或", "非", "有", "按", "自", "至", "的") if word.startswith(k)]
    return (single[0], word[1:]) if single and len(word) > 1 else None
