"""JSON and JSON Lines. Records are parsed at full speed; only what does not read cleanly is read again by a scanner that keeps places."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import NoReturn

from tiaoli.record_facts import Odd
from tiaoli.record_places import MAX_DEPTH, BrokenError, Entries, Item, Located, Node, Raw, from_node, located, shown
from tiaoli.source import Source


def _strict_pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("doubled key")
    return found


_JSON = json.JSONDecoder(parse_float=Decimal, parse_constant=Odd)
_STRICT_JSON = json.JSONDecoder(parse_float=Decimal, parse_constant=Odd, object_pairs_hook=_strict_pairs)
_JSON_FAULTS = (ValueError, ArithmeticError, RecursionError)
_BLANK = re.compile(r"[ \t\r\n]*")


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def read_json_lines(path: Path) -> Iterator[Item]:
    """Yield a record for each line that is not blank. A broken line is a record that cannot be located."""
    encoding, settled = "utf-8", False
    with path.open("rb") as file:
        for count, line in enumerate(file, 1):
            data = line.removeprefix(b"\xef\xbb\xbf") if count == 1 else line
            try:
                text = data.decode(encoding)
                settled = settled or not data.isascii()
            except UnicodeDecodeError:
                # The first line beyond ASCII settles the encoding of the file.
                try:
                    text = data.decode("gb18030" if not settled else encoding)
                    encoding, settled = "gb18030", True
                except UnicodeDecodeError:
                    yield Raw(None, False, count, partial(_undecodable, count))
                    continue
            text = text.rstrip()
            if text:
                yield _json_record(text, count)


def _undecodable(line: int) -> NoReturn:
    raise BrokenError("E705", line, None)


def _json_record(text: str, line: int) -> Raw:
    locate = partial(_locate_line, text, line)
    try:
        value, end = _JSON.raw_decode(text, _skip(text, 0))
        sound = end == len(text) and _keys_are_single(text, value)
    except _JSON_FAULTS:
        return Raw(None, False, line, locate)
    return Raw(value, sound, line, locate)


def _keys_are_single(text: str, value: object) -> bool:
    """Tell whether no key of the object ``text`` is doubled.

    Every key has its colon, so as many colons as keys kept means that none was lost. Colons inside strings call for a second reading.
    """
    colons = text.count(":")
    if value.__class__ is not dict:
        return True
    count = 0
    for item in value.values():
        count += 1
        if item.__class__ is dict:
            count += len(item) + sum([len(inner) for inner in item.values() if inner.__class__ is dict])
    if count == colons:
        return True
    try:
        _STRICT_JSON.decode(text)
    except _JSON_FAULTS:
        return False
    return True


def _locate_line(text: str, line: int) -> Located:
    return located(_JsonScanner(text, line).document())


def read_json(text: str) -> Iterator[Item]:
    """Yield the record of a JSON object, or those of an array of them."""
    start = _skip(text, 0)
    if start == len(text):
        return
    try:
        spans = list(_json_spans(text, start))
    except _JSON_FAULTS:
        node = _JsonScanner(text).document()
        for record in node.value if isinstance(node.value, list) else [node]:
            yield from_node(record)
        return
    source = Source("", text)
    for value, first, end in spans:
        piece = text[first:end]
        line = source.position(first)[0]
        yield Raw(value, _keys_are_single(piece, value), line, partial(_locate_in, text, source, first))


def _json_spans(text: str, start: int) -> Iterator[tuple[object, int, int]]:
    if text[start] != "[":
        value, end = _JSON.raw_decode(text, start)
        yield value, start, end
    else:
        end = _skip(text, start + 1)
        more = text[end : end + 1] != "]"
        while more:
            value, after = _JSON.raw_decode(text, end)
            yield value, end, after
            after = _skip(text, after)
            more = text[after : after + 1] == ","
            end = _skip(text, after + 1) if more else after
        if text[end : end + 1] != "]":
            raise ValueError("unfinished array")
        end += 1
    if _skip(text, end) != len(text):
        raise ValueError("more than one document")


def _locate_in(text: str, source: Source, first: int) -> Located:
    return located(_JsonScanner(text, source=source).value(first, 0)[0])


class _JsonScanner:
    """Reads JSON slowly, keeping places. Raises BrokenError at the first thing that is no JSON."""

    _NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
    _WORDS = (
        ("true", True),
        ("false", False),
        ("null", None),
        *((w, Odd(w)) for w in ("NaN", "Infinity", "-Infinity")),
    )

    def __init__(self, text: str, line: int = 1, source: Source | None = None) -> None:
        self.text = text
        self.first_line = line
        self.source = source or Source("", text)

    def document(self) -> Node:
        node, end = self.value(self.skip(0), 0)
        if self.skip(end) != len(self.text):
            self.fail(self.skip(end), "expected the end")
        return node

    def skip(self, at: int) -> int:
        return _skip(self.text, at)

    def place(self, at: int) -> tuple[int, int]:
        line, column = self.source.position(at)
        return line + self.first_line - 1, column

    def fail(self, at: int, reason: str) -> NoReturn:
        found = shown(self.text[at : at + 12]) if at < len(self.text) else "the end"
        raise BrokenError("E707", *self.place(at), format="JSON", reason=f"{reason}, found {found}")

    def value(self, at: int, depth: int) -> tuple[Node, int]:
        if depth > MAX_DEPTH:
            raise BrokenError("E710", *self.place(at), limit=MAX_DEPTH)
        match self.text[at : at + 1]:
            case "{":
                value, end = self.mapping(at, depth)
            case "[":
                value, end = self.sequence(at, depth)
            case '"':
                value, end = self.string(at)
            case _:
                value, end = self.scalar(at)
        return Node(value, *self.place(at)), end

    def string(self, at: int) -> tuple[str, int]:
        try:
            text, end = _JSON.raw_decode(self.text, at)
        except json.JSONDecodeError as error:
            raise BrokenError("E707", *self.place(error.pos), format="JSON", reason=error.msg.lower()) from None
        return text, end

    def scalar(self, at: int) -> tuple[object, int]:
        for word, value in self._WORDS:
            if self.text.startswith(word, at):
                return value, at + len(word)
        match = self._NUMBER.match(self.text, at)
        if match is None:
            self.fail(at, "expected a value")
        return _json_number(match), match.end()

    def mapping(self, at: int, depth: int) -> tuple[object, int]:
        pairs: list[tuple[Node, Node]] = []
        at = self.skip(at + 1)
        while self.text[at : at + 1] != "}" or pairs:
            if self.text[at : at + 1] != '"':
                self.fail(at, "expected a name in double quotes")
            name, end = self.string(at)
            key = Node(name, *self.place(at))
            end = self.skip(end)
            if self.text[end : end + 1] != ":":
                self.fail(end, "expected :")
            value, end = self.value(self.skip(end + 1), depth + 1)
            pairs.append((key, value))
            at = self.skip(end)
            if self.text[at : at + 1] == "}":
                break
            at = self.comma(at, "}")
        return Entries(pairs), at + 1

    def sequence(self, at: int, depth: int) -> tuple[object, int]:
        nodes: list[Node] = []
        at = self.skip(at + 1)
        while self.text[at : at + 1] != "]" or nodes:
            node, end = self.value(at, depth + 1)
            nodes.append(node)
            at = self.skip(end)
            if self.text[at : at + 1] == "]":
                break
            at = self.comma(at, "]")
        return nodes, at + 1

    def comma(self, at: int, closing: str) -> int:
        if self.text[at : at + 1] != ",":
            self.fail(at, f"expected , or {closing}")
        return self.skip(at + 1)


def _json_number(match: re.Match[str]) -> object:
    text = match[0]
    if match[1] is None and match[2] is None:
        return int(text) if len(text) < 4000 else Odd(text)
    try:
        return Decimal(text)
    except InvalidOperation:
        return Odd(text)
