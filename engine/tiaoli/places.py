"""The places of a library as a tree: each with its own documents, the years they cover and the questions they leave open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tiaoli import syntax as s


@dataclass(frozen=True, slots=True)
class PlaceNode:
    """A place. ``headers`` and ``questions`` are of its own documents alone; a place that only has places below it has none."""

    code: str
    headers: tuple[s.Header, ...]
    questions: int
    below: tuple[PlaceNode, ...]

    @property
    def first(self) -> int | None:
        """The year in which its first document takes effect."""
        return min((h.effective for h in self.headers if h.effective), default=None)

    @property
    def newest(self) -> int | None:
        """The year in which its newest document takes effect."""
        return max((h.effective for h in self.headers if h.effective), default=None)


def place_tree(documents: Sequence[s.Document]) -> tuple[PlaceNode, ...]:
    """Return the highest places, with the places below them in order of their codes."""
    own: dict[str, list[s.Document]] = {}
    for text in documents:
        if text.header is not None and text.header.place is not None:
            own.setdefault(text.header.place.text, []).append(text)
    codes = sorted({above for code in own for above in _upward(code)}, key=lambda c: (c.count("-"), c))
    return tuple(_node(code, codes, own) for code in codes if "-" not in code)


def _upward(code: str) -> list[str]:
    parts = code.split("-")
    return ["-".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _node(code: str, codes: Sequence[str], own: dict[str, list[s.Document]]) -> PlaceNode:
    texts = own.get(code, [])
    headers = sorted((t.header for t in texts if t.header), key=lambda h: (h.effective or 0, h.document))
    questions = sum(isinstance(d, s.Question) for t in texts for d in t.declarations)
    below = tuple(_node(c, codes, own) for c in codes if c.rpartition("-")[0] == code)
    return PlaceNode(code, tuple(headers), questions, below)
