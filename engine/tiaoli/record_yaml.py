"""YAML, from its events: scalars are read from their own text, so nothing becomes a float or a timestamp on the way."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

from tiaoli.record_facts import ID_KEYS, number
from tiaoli.record_places import MAX_DEPTH, BrokenError, Entries, Item, Node, from_node
from tiaoli.source import Source
from tiaoli.yaml_slips import slip

MAX_ALIASED = 100_000
"""Values that may come from aliases, each counted as often as it is named: small texts must not unfold without end."""

_CONTROL = "这里有看不见的控制字符；删去它\0there is an invisible control character; delete it"
_UNDEFINED = "“*{0}”引用的内容没有定义；是文字时给它加引号\0*{0} refers to nothing; put quotes round it if it is text"
_NULLS = ("", "~", "null", "Null", "NULL")
_TRUE = ("true", "True", "TRUE")
_FALSE = ("false", "False", "FALSE")


def read_yaml(text: str) -> Iterator[Item]:
    """Yield the records of all documents of a YAML text: mappings, or lists of them."""
    for node in yaml_nodes(text):
        yield from_node(node)


def yaml_nodes(text: str) -> list[Node]:
    """Return the items of all documents of a YAML text, each with its place. Raises BrokenError."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    nodes: list[Node] = []
    try:
        events = YAML(typ="safe", pure=True).parse(io.StringIO(text))
        nodes.extend(_YamlBuilder(events).records())
    except MarkedYAMLError as error:
        found = slip(error, text)
        place = (None, None) if found is None else (found.line, found.column)
        reason = str(error.problem or error.context) if found is None else found.reason
        raise BrokenError("E707", *place, format="YAML", reason=reason) from None
    except ReaderError as error:
        place = Source("", text).position(min(error.position, len(text)))
        raise BrokenError("E707", *place, format="YAML", reason=_CONTROL) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise BrokenError("E707", None, None, format="YAML", reason=str(error).splitlines()[0]) from None
    return nodes


class _YamlBuilder:
    """Builds nodes from the events of a YAML text. Scalars are read from their own text: nothing becomes a float or a timestamp."""

    def __init__(self, events: Iterator[Any]) -> None:
        self.events = events
        self.anchors: dict[str, Node] = {}
        self.sizes: dict[str, int] = {}
        self.built = 0
        self.aliased = 0

    def records(self) -> Iterator[Node]:
        from ruamel.yaml.events import DocumentStartEvent

        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                self.anchors.clear()
                node = self.node(next(self.events), 0)
                if isinstance(node.value, list):
                    yield from node.value
                elif node.value is not None:
                    yield node

    def node(self, event: Any, depth: int, *, raw: bool = False) -> Node:
        """Return the node that begins with ``event``; with ``raw``, a plain whole number stays text."""
        from ruamel.yaml.events import AliasEvent, MappingStartEvent, ScalarEvent

        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if depth > MAX_DEPTH:
            raise BrokenError("E710", line, column, limit=MAX_DEPTH)
        if isinstance(event, AliasEvent):
            return self.alias(event, line, column)
        before = self.built
        self.built += 1
        if isinstance(event, ScalarEvent):
            node = Node(_yaml_scalar(event, raw), line, column)
        elif isinstance(event, MappingStartEvent):
            node = Node(self.entries(depth), line, column)
        else:
            node = Node(self.sequence(depth), line, column)
        if event.anchor:
            self.anchors[event.anchor] = node
            self.sizes[event.anchor] = self.built - before
        return node

    def alias(self, event: Any, line: int, column: int) -> Node:
        if event.anchor not in self.anchors:
            raise BrokenError("E707", line, column, format="YAML", reason=_UNDEFINED.format(event.anchor))
        self.built += self.sizes[event.anchor]
        self.aliased += self.sizes[event.anchor]
        if self.aliased > MAX_ALIASED:
            raise BrokenError("E710", line, column, limit=MAX_ALIASED)
        return Node(self.anchors[event.anchor].value, line, column)

    def entries(self, depth: int) -> Entries:
        from ruamel.yaml.events import MappingEndEvent, ScalarEvent

        pairs: list[tuple[Node, Node]] = []
        while not isinstance(event := next(self.events), MappingEndEvent):
            key = self.node(event, depth + 1)
            if isinstance(event, ScalarEvent):
                key.value = event.value
            following = next(self.events)
            value = self.node(following, depth + 1, raw=key.value in ID_KEYS)
            if getattr(following, "value", None) == "":
                # What is not written has no place of its own.
                value.line, value.column = key.line, key.column
            pairs.append((key, value))
        return Entries(pairs)

    def sequence(self, depth: int) -> list[Node]:
        from ruamel.yaml.events import SequenceEndEvent

        nodes: list[Node] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            nodes.append(self.node(event, depth + 1))
        return nodes


def _yaml_scalar(event: Any, raw: bool) -> object:
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text in _NULLS:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if raw and re.fullmatch(r"[-+]?[0-9]+", text):
        return text
    value = number(text)
    return text if value is None else value
