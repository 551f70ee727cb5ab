"""Documents on the shelf: glanced at, not read. The built-in library holds many places, and most runs are about one of them.

A glance tells a document's number, its place and the names it defines, which is all that the rules of another place may ask of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tiaoli.lexicon import mask
from tiaoli.source import Source, half_width

_NUMBER = re.compile(r"(?:文件|document)\s+(《[^》\n]*》|\"[^\"\n]*\"|“[^”\n]*”|\S+)")
_PLACE = re.compile(r"(?<!\w)(?:地区|place)\s+([A-Z]{2}(?:-[^\W_]+)*)(?![\w-])")
_NAME = re.compile(
    r"(?<!\w)(?:事实|参数|规则|表|分段|存疑|对象|fact|param|rule|table|scale|question|entity)\s+"
    r"(?:[^\W\d]\w*\s*(?:(?<!\w)的(?!\w)|\.)\s*)?([^\W\d]\w*)"
)


@dataclass(frozen=True, slots=True)
class Shelved:
    """A document not read: its source, number, place, and the names it may define."""

    source: Source
    number: str
    place: str
    names: frozenset[str]

    def applies(self, place: str) -> bool:
        """Whether the document is of ``place`` or of a place above it."""
        return place == self.place or place.startswith(self.place + "-")


def glance(source: Source) -> Shelved | None:
    """Return what a glance tells of a document, or None where it must be read."""
    text = half_width(source.text)
    masked = mask(text)
    start = re.search(r"(?<!\w)(?:文件|document)\s", masked)
    number = _NUMBER.match(text, start.start()) if start else None
    place = _PLACE.search(masked, start.start()) if start else None
    if number is None or place is None:
        return None
    return Shelved(source, number[1].strip('"“”'), place[1], frozenset(_NAME.findall(masked)))


def cited(shelved: Sequence[Shelved], texts: Sequence[str]) -> list[Shelved]:
    """Return the documents whose number stands in one of ``texts``."""
    return [d for d in shelved if any(d.number in half_width(text) for text in texts)]
