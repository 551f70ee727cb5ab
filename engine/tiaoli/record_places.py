"""Where things stand in a file of records: what readers hand to the judge.

Paths are keys from the record down, as written; the path ``()`` is the record itself. Lines and columns count from 1, in characters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from tiaoli.record_facts import YEARS_KEYS, Odd

MAX_DEPTH = 32
DATE = re.compile(
    r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})|([0-9]{4})年([0-9]{1,2})月([0-9]{1,2})日|([0-9]{4})([0-9]{2})([0-9]{2})"
)

Path: TypeAlias = tuple[str, ...]
Spot: TypeAlias = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault found while reading a file, before the record was judged; ``path`` is empty for the file as a whole."""

    code: str
    path: Path
    line: int | None
    column: int | None
    arguments: Mapping[str, object] = field(default_factory=dict)
    sheet: str | None = None


@dataclass(frozen=True, slots=True)
class Located:
    """A record with the lines and columns of its keys and values (the path ``()`` is the record), and what reading it found."""

    value: object
    keys: Mapping[Path, Spot] = field(default_factory=dict)
    values: Mapping[Path, Spot] = field(default_factory=dict)
    troubles: tuple[Trouble, ...] = ()

    def key(self, path: Path) -> Spot:
        return self.keys[path] if path in self.keys else self.at(path)

    def at(self, path: Path) -> Spot:
        """Return where the value at ``path`` stands, or what is nearest around it."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, (None, None))


def shown(raw: object) -> str:
    """Return a plain value as a record would write it, shortened."""
    match raw:
        case Odd():
            text = raw.text
        case Decimal():
            text = str(raw)
        case date():
            text = raw.isoformat()
        case Mapping():
            text = "{…}" if raw else "{}"
        case list():
            text = "[…]" if raw else "[]"
        case None | bool() | int() | float() | str():
            text = json.dumps(raw, ensure_ascii=False)
        case _:
            text = repr(raw)
    return printable(text if len(text) <= 60 else text[:59] + "…")


def printable(text: str) -> str:
    """Return ``text`` with control characters and the like escaped, fit to be shown."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


class BrokenError(Exception):
    """The text cannot be read on from a place."""

    def __init__(self, code: str, line: int | None, column: int | None, **arguments: object) -> None:
        super().__init__(code)
        self.trouble = Trouble(code, (), line, column, arguments)


@dataclass(frozen=True, slots=True)
class Raw:
    """A record as read; ``sound`` where nothing stands against taking it quickly. ``locate`` reads it again with places (may raise BrokenError).

    ``kind``: the kind of record, where the table it stands in says so; ``sheet``: where the table is one of a workbook.
    """

    value: object
    sound: bool
    line: int | None
    locate: Callable[[], Located]
    kind: str | None = None
    sheet: str | None = None


Item: TypeAlias = Raw | Trouble


@dataclass(slots=True)
class Node:
    """A value of YAML or JSON with its place. ``value``: a scalar, ``Entries``, or a list of nodes."""

    value: object
    line: int
    column: int


@dataclass(slots=True)
class Entries:
    """A mapping as written, doubled keys and all."""

    pairs: list[tuple[Node, Node]]


def located(node: Node) -> Located:
    """Flatten a record into plain values and places; of a doubled key the first counts, the second is a fault.

    What is nested deeper than a record can be is kept only as being there.
    """
    keys: dict[Path, Spot] = {}
    values: dict[Path, Spot] = {}
    troubles: list[Trouble] = []
    plain = _flatten(node, (), keys, values, troubles)
    return Located(plain, keys, values, tuple(troubles))


def _flatten(node: Node, at: Path, keys: dict[Path, Spot], values: dict[Path, Spot], troubles: list[Trouble]) -> object:
    values[at] = (node.line, node.column)
    if isinstance(node.value, list):
        return [None] * len(node.value)
    if not isinstance(node.value, Entries):
        return node.value
    if at and (at[0] not in YEARS_KEYS or len(at) > 2):
        return dict.fromkeys(range(len(node.value.pairs)))
    found: dict[str, object] = {}
    for key, value in node.value.pairs:
        name = key.value if isinstance(key.value, str) else shown(key.value)
        path = (*at, name)
        if name in found:
            year = len(at) == 1 and at[0] in YEARS_KEYS
            arguments = {"first": keys[path][0]} | ({} if year else {"name": name})
            troubles.append(Trouble("E723" if year else "E725", path, key.line, key.column, arguments))
        else:
            keys[path] = (key.line, key.column)
            found[name] = _flatten(value, path, keys, values, troubles)
    return found


def from_node(node: Node) -> Raw:
    record = located(node)
    return Raw(record.value, not record.troubles, node.line, lambda: record)


def calendar_date(text: str) -> date | None:
    """Read a date written in any usual way (2024-11-02, 2024/11/2, 2024年11月2日), or None where there is no such day."""
    match = DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day = (int(part) for part in match.groups() if part and part.isdigit())
    try:
        return date(year, month, day)
    except ValueError:
        return None
