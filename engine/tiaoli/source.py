"""A text and the places in it. Every later stage speaks of a place by its Span; lines and columns are worked out only when said."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field

# Full-width signs mean the same as half-width ones; the map is one to one, so offsets stay true.
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    0x3000: " ",
    0x3001: ",",
    0xFF1B: ",",
    ord(";"): ",",
    0xFE63: "-",
    0x2212: "-",
    0x2013: "-",
    0x2014: "-",
    0xA0: " ",
    0xFEFF: " ",
}


def half_width(text: str) -> str:
    """Return ``text`` of the same length with full-width signs, digits and letters made half-width."""
    return text.translate(_HALF_WIDTH)


def display_width(text: str) -> int:
    """Return the columns ``text`` takes on a terminal: two for wide characters, none for combining ones."""
    return sum(_width(char) for char in text)


def _width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A named text. ``path`` is what messages show; it need not exist as a file."""

    path: str
    text: str
    _line_starts: list[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        starts = [0] + [i + 1 for i, char in enumerate(self.text) if char == "\n"]
        object.__setattr__(self, "_line_starts", starts)

    def position(self, offset: int) -> tuple[int, int]:
        """Return the 1-based line and column (in characters) of ``offset``."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """Return the text of the 1-based line ``number`` without its end."""
        start = self._line_starts[number - 1]
        end = self._line_starts[number] - 1 if number < len(self._line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a source: ``start`` inclusive, ``end`` exclusive, in characters."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.position(self.start)[1]

    def __str__(self) -> str:
        return f"{self.source.path}:{self.line}:{self.column}"
