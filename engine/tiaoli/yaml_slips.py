"""What YAML's parser cannot read, in the words of those who write records: the sign or the indentation that is wrong, and where it stands.

The parser tells where it gave up, often a line after the slip; the lines around that place tell the slip itself. A reason holds both
languages, divided by NUL, as `render` takes it. What is not known here keeps the parser's words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from ruamel.yaml.error import MarkedYAMLError

Place: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Slip:
    """Why a text cannot be read on, in both languages, and where: line and column from 1."""

    reason: str
    line: int
    column: int


_TAB = "这里有制表符（Tab）；缩进和间隔只能用空格\0there is a tab here; indent and divide with blanks only"
_WIDE_COLON = (
    "“：”是全角的；名称后面用半角冒号“: ”，再空一格\0'：' is full-width; write ': ' with a blank behind a name"
)
_NO_BLANK = "冒号后面要空一格：{name}: …\0a blank is missing behind the colon: {name}: …"
_NO_COLON = "这一行没有“: ”；应写成 名称: 值\0this line has no ': '; write name: value"
_INDENT = "缩进与上面的行不一致；同一层的各行要对齐\0the indentation does not fit the lines above; lines of one level begin in one column"
_TWO_COLONS = (
    "一行里有两个“: ”；值里有冒号时给值加引号\0two ': ' in one line; put quotes round a value that holds a colon"
)
_QUOTE = "引号没有结束；在值的末尾补上 {quote}\0the quotation does not end; add {quote} behind the value"
_BEHIND_QUOTE = (
    "引号后面还有文字；把整个值放进引号\0there is text behind the closing quote; put all of the value into quotes"
)
_OPEN = "第 {line} 行的“{opens}”没有结束；补上“{closes}”或逗号\0'{opens}' of line {line} does not end; add '{closes}' or a comma"
_NO_COMMA = "这里之前缺逗号\0a comma is missing before this"
_WIDE_COMMA = "“，”是全角的；各项之间用半角逗号“, ”\0'，' is full-width; divide items by ', '"
_MISMATCH = "“{opens}”要用“{closes}”结束，不是“{found}”\0'{opens}' ends with '{closes}', not with '{found}'"
_EXTRA = "多了一个“{found}”\0one '{found}' too many"
_DASH = "这里不能有“- ”；列表要单独成行，并与同层的行对齐\0'- ' cannot stand here; items of a list have lines of their own, in one column"
_SIGN = "值不能以“{found}”开头；给值加引号\0a value cannot begin with '{found}'; put quotes round it"
_ESCAPE = "双引号里的“\\”另有含义；改用单引号\0'\\' has a meaning of its own between double quotes; use single quotes"
_EMPTY_ITEM = "两个逗号之间没有内容\0there is nothing between two commas"

_CLOSING = {"{": "}", "[": "]"}


def slip(error: MarkedYAMLError, text: str) -> Slip | None:
    """Return the slip behind an error of the parser; None where it has no place."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return None
    lines = text.splitlines() or [""]
    problem, here = str(error.problem or error.context), (mark.line + 1, mark.column + 1)
    began = error.context_mark
    start = here if began is None else (began.line + 1, began.column + 1)
    reason, (line, column) = _named(problem, str(error.context or ""), here, start, lines) or (problem, here)
    return Slip(reason, line, column)


def _named(problem: str, context: str, here: Place, start: Place, lines: list[str]) -> tuple[str, Place] | None:
    if "cannot start any token" in problem:
        sign = _sign(here, lines)
        return (_TAB if sign == "\t" else _SIGN.format(found=sign)), here
    if problem.startswith("expected alphabetic"):
        return _SIGN.format(found=_sign(start, lines)), start
    if "could not find expected ':'" in problem:
        return _colon(start, lines) or (_NO_COLON, start)
    if "mapping values are not allowed" in problem:
        return _second(here, lines)
    if "sequence entries are not allowed" in problem:
        return _DASH, here
    if "quoted scalar" in context:
        return _quoted(problem, here, start, lines)
    if "expected ',' or" in problem:
        return _enclosed(here, start, lines)
    if "expected the node content" in problem and _sign(here, lines) == ",":
        return _EMPTY_ITEM, here
    if "<block end>" in problem or "<document start>" in problem:
        return _ended(problem, here)
    return None


def _sign(at: Place, lines: list[str]) -> str:
    line, column = at
    return lines[line - 1][column - 1 : column] if line <= len(lines) else ""


def _colon(at: Place, lines: list[str]) -> tuple[str, Place] | None:
    """What is wrong with the colon behind the name that begins at or behind a place of a line."""
    line, column = at
    rest = lines[line - 1][column - 1 :] if line <= len(lines) else ""
    if found := re.match(r"[^\s:：\"'{\[]+(：|:(?=[^\s/]))", rest):
        name = found[0][:-1]
        place = (line, column + len(name))
        return (_WIDE_COLON if found[1] == "：" else _NO_BLANK.format(name=name)), place
    return None


def _second(here: Place, lines: list[str]) -> tuple[str, Place]:
    """A colon where none can be: the second of its line, or that of a line which the one above drew in."""
    line, column = here
    before = lines[line - 1][: column - 1]
    if ":" in before:
        return _TWO_COLONS, here
    indent = len(before) - len(before.lstrip(" -"))
    above = next((n for n in range(line - 1, 0, -1) if lines[n - 1].strip()), 0)
    if above:
        began = len(lines[above - 1]) - len(lines[above - 1].lstrip(" -"))
        if found := _colon((above, began + 1), lines):
            return found
    return _INDENT, (line, indent + 1)


def _quoted(problem: str, here: Place, start: Place, lines: list[str]) -> tuple[str, Place] | None:
    if "unexpected" in problem:
        return _QUOTE.format(quote=_sign(start, lines)), start
    return (_ESCAPE, here) if "escape" in problem else None


def _enclosed(here: Place, start: Place, lines: list[str]) -> tuple[str, Place]:
    """Between brackets: an item that does not end, or the brackets do not."""
    opens, found = _sign(start, lines), _sign(here, lines)
    closes = _CLOSING.get(opens, "")
    if start[0] == here[0] or not opens:
        inside = lines[here[0] - 1][start[1] - 1 : here[1] - 1] if here[0] <= len(lines) else ""
        if "，" in inside:
            return _WIDE_COMMA, (here[0], start[1] + inside.rindex("，"))
        if found in _CLOSING.values():
            return _MISMATCH.format(opens=opens, closes=closes, found=found), here
        if found:
            return _NO_COMMA, here
    return _OPEN.format(line=start[0], opens=opens, closes=closes), start


def _ended(problem: str, here: Place) -> tuple[str, Place] | None:
    if "<block mapping start>" in problem or "<block sequence start>" in problem:
        return _INDENT, here
    found = re.search(r"but found '([^']+)'", problem)
    if found and found[1] in "}],":
        return _EXTRA.format(found=found[1]), here
    if found and found[1] == "-":
        return _DASH, here
    return (_BEHIND_QUOTE, here) if found and found[1] == "<scalar>" else None
