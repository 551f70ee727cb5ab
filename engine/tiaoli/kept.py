"""What earlier processes made of texts, kept in the folder for that, if any (`lexicon.cache_folder`).

It counts while all that it rests on, the engine included, is to the byte what it was; else it is made again. Only what took a while is kept.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import cache
from hashlib import sha256
from importlib.resources import files
from io import BytesIO
from itertools import chain
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Generic, TypeVar

from tiaoli.lexicon import cache_folder
from tiaoli.source import Source
from tiaoli.uncollected import uncollected

T = TypeVar("T")

QUICK = 50
"""Milliseconds within which a thing is made that nobody need keep."""

_VALUES = (("builtins", "frozenset"), ("builtins", "range"), ("datetime", "date"), ("fractions", "Fraction"))
_DIGEST = sha256().digest_size


@dataclass(frozen=True)
class Shelf(Generic[T]):
    """Where things of one kind are kept: the folder ``name``. ``kind``: their class; ``modules``: those whose classes they are made of;
    ``most``: how many are kept, beyond which the oldest go; ``quick``: what is made within so many milliseconds is not kept."""

    name: str
    kind: type[T]
    modules: tuple[str, ...]
    most: int
    quick: int = QUICK

    def get(
        self,
        known_by: Iterable[str],
        rests_on: Iterable[str],
        make: Callable[[], T],
        sources: Iterable[Source] = (),
        lasting: Callable[[T], bool] = lambda _: True,
    ) -> T:
        """Return what an earlier process made, or else ``make``.

        ``known_by`` says what it is: a newer one takes the place of an older. ``rests_on`` has all that it was made from, beside the engine.
        ``sources`` are texts that it speaks of, which are not kept with it. Only what is ``lasting`` is kept.
        """
        folder = cache_folder()
        if folder is None:
            return make()
        named = list(known_by)
        file = folder / self.name / _digest(named).hex()[:32]
        ground = _digest(chain(named, ("",), rests_on))
        texts = {source.path: source for source in sources}
        found = self._taken(file, ground, texts)
        if found is None:
            begin = perf_counter_ns()
            found = make()
            if perf_counter_ns() - begin > self.quick * 1_000_000 and lasting(found):
                self._put(file, ground, texts, found)
        return found

    @uncollected()
    def _taken(self, file: Path, ground: bytes, texts: dict[str, Source]) -> T | None:
        try:
            held = file.read_bytes()
        except OSError:
            return None
        body = held[_DIGEST:]
        if held[:_DIGEST] != _sum(ground, body):
            return None
        try:
            found = _Taking(body, self.modules, texts).load()
        except pickle.UnpicklingError:
            return None
        return found if isinstance(found, self.kind) else None

    def _put(self, file: Path, ground: bytes, texts: dict[str, Source], made: T) -> None:
        """Write it, whole or not at all; a folder that cannot be written is no fault."""
        held = BytesIO()
        _Putting(held, texts).dump(made)
        body = held.getvalue()
        partial = file.with_name(f"{file.name}.{os.getpid()}")
        with suppress(OSError):
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial.write_bytes(_sum(ground, body) + body)
            partial.replace(file)
            there = list(file.parent.iterdir())
            if len(there) > self.most:
                for old in sorted(there, key=lambda f: f.stat().st_mtime)[: -self.most]:
                    old.unlink()


def _digest(texts: Iterable[str]) -> bytes:
    """A digest that tells lists of texts apart, and engines."""
    found = sha256(_engine())
    for text in texts:
        found.update(sha256(text.encode()).digest())
    return found.digest()


def _sum(ground: bytes, body: bytes) -> bytes:
    return sha256(ground + body).digest()


@cache
def _engine() -> bytes:
    """A digest of the engine, its grammar and Python."""
    found = sha256(sys.version.encode())
    folders = [files("tiaoli"), files("tiaoli.backends"), files("tiaoli.grammar")]
    for folder in folders:
        for file in sorted(folder.iterdir(), key=lambda f: f.name):
            if file.name.endswith((".py", ".lark")):
                found.update(file.read_bytes())
    return found.digest()


class _Putting(pickle.Pickler):
    """Leaves out the texts; members of enumerations are kept by their value, which versions of Python do differently."""

    def __init__(self, held: BytesIO, texts: dict[str, Source]) -> None:
        super().__init__(held, protocol=5)
        self._texts = texts

    def reducer_override(self, obj: Any) -> Any:
        return (type(obj), (obj.value,)) if isinstance(obj, Enum) else NotImplemented

    def persistent_id(self, obj: Any) -> str | None:
        return obj.path if isinstance(obj, Source) and self._texts.get(obj.path) is obj else None


class _Taking(pickle.Unpickler):
    """Makes what is of these modules, and nothing else."""

    def __init__(self, body: bytes, modules: tuple[str, ...], texts: dict[str, Source]) -> None:
        super().__init__(BytesIO(body))
        self._modules, self._texts = modules, texts

    def persistent_load(self, pid: Any) -> Source:
        return self._texts[pid]

    def find_class(self, module_name: str, global_name: str) -> Any:
        if module_name in self._modules or (module_name, global_name) in _VALUES:
            return super().find_class(module_name, global_name)
        raise pickle.UnpicklingError(f"{module_name}.{global_name}")


__all__ = ["Shelf"]
