"""JSON text in which decimals stay decimals: a Decimal is written as a number with its own digits, never as a float or a string."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any


def dumps(value: Any, indent: int | None = 1) -> str:
    """Return ``value`` (mappings, lists, str, int, Decimal, bool, None) as JSON text, on one line where ``indent`` is None."""
    return "".join(_write(value, indent, 0))


def _write(value: Any, indent: int | None, depth: int) -> Iterator[str]:
    match value:
        case Mapping() if value:
            entries = [(json.dumps(str(key), ensure_ascii=False) + ": ", entry) for key, entry in value.items()]
            yield from _several("{", entries, "}", indent, depth)
        case list() | tuple() if value:
            yield from _several("[", [("", entry) for entry in value], "]", indent, depth)
        case Mapping():
            yield "{}"
        case Decimal():
            yield f"{value:f}"
        case _:
            yield json.dumps(value, ensure_ascii=False)


def _several(
    opening: str, entries: list[tuple[str, Any]], closing: str, indent: int | None, depth: int
) -> Iterator[str]:
    inside = "" if indent is None else "\n" + " " * (indent * (depth + 1))
    yield opening
    for index, (key, entry) in enumerate(entries):
        yield ("," + (" " if indent is None else "") if index else "") + inside + key
        yield from _write(entry, indent, depth + 1)
    yield closing if indent is None else "\n" + " " * (indent * depth) + closing
