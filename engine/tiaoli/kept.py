"""What an earlier process parsed of the built-in texts, kept in the folder for that, if any (`lexicon.cache_folder`).

A text counts as parsed while it, and all that parsing rests on, is to the byte what it was; else it is parsed again. Only sound texts are kept.
"""

from __future__ import annotations

import os
import pickle
import sys
from contextlib import suppress
from enum import Enum
from functools import cache
from hashlib import sha256
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

from tiaoli import syntax as s
from tiaoli.diagnostic import Diagnostic
from tiaoli.lexicon import cache_folder
from tiaoli.source import Source

PARSING = ("build", "diagnostic", "everyday", "lexicon", "operators", "parse", "slips", "source", "syntax", "values")
"""The modules that parsing rests on."""

GRAMMAR = ("tiaoli.lark", "keywords.lark")

_NODES = ("tiaoli.syntax", "tiaoli.source", "tiaoli.values")
_VALUES = (("builtins", "frozenset"), ("datetime", "date"), ("fractions", "Fraction"))
_DIGEST = sha256().digest_size


def read(source: Source) -> tuple[s.Document, list[Diagnostic]]:
    """Return what `parse` makes of a text; parsed only where no earlier process did."""
    file = _file(source)
    document = None if file is None else _taken(file, source)
    if document is not None:
        return document, []
    from tiaoli.parse import parse

    document, found = parse(source)
    if file is not None and not found:
        _put(file, document)
    return document, found


def _file(source: Source) -> Path | None:
    kept = cache_folder()
    return None if kept is None else kept / "texts" / f"{sha256(source.path.encode()).hexdigest()[:32]}.parsed"


@cache
def _ground() -> bytes:
    """A digest of all that parsing rests on."""
    texts = [files("tiaoli").joinpath(f"{name}.py") for name in PARSING]
    texts += [files("tiaoli.grammar").joinpath(name) for name in GRAMMAR]
    found = sha256(sys.version.encode())
    for text in texts:
        found.update(text.read_bytes())
    return found.digest()


def _digest(source: Source, body: bytes) -> bytes:
    return sha256(_ground() + sha256(source.text.encode()).digest() + body).digest()


def _taken(file: Path, source: Source) -> s.Document | None:
    try:
        held = file.read_bytes()
    except OSError:
        return None
    body = held[_DIGEST:]
    if held[:_DIGEST] != _digest(source, body):
        return None
    try:
        document = _Taking(source, body).load()
    except pickle.UnpicklingError:
        return None
    return document if isinstance(document, s.Document) else None


def _put(file: Path, document: s.Document) -> None:
    """Write what was parsed, whole or not at all; a folder that cannot be written is no fault."""
    held = BytesIO()
    _Putting(held, protocol=5).dump(document)
    body = held.getvalue()
    kept = _digest(document.source, body) + body
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.write_bytes(kept)
        partial.replace(file)


class _Putting(pickle.Pickler):
    """Leaves out the text itself; members of enumerations are kept by their value, which versions of Python do differently."""

    def reducer_override(self, obj: Any) -> Any:
        return (type(obj), (obj.value,)) if isinstance(obj, Enum) else NotImplemented

    def persistent_id(self, obj: Any) -> str | None:
        return "source" if isinstance(obj, Source) else None


class _Taking(pickle.Unpickler):
    """Makes nodes of the syntax and nothing else."""

    def __init__(self, source: Source, body: bytes) -> None:
        super().__init__(BytesIO(body))
        self._source = source

    def persistent_load(self, pid: Any) -> Source:
        return self._source

    def find_class(self, module_name: str, global_name: str) -> Any:
        if module_name in _NODES or (module_name, global_name) in _VALUES:
            return super().find_class(module_name, global_name)
        raise pickle.UnpicklingError(f"{module_name}.{global_name}")


__all__ = ["PARSING", "read"]
