"""Work that goes on in a thread of its own while something else is done."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Generic, TypeVar

T = TypeVar("T")


class Later(Generic[T]):
    """What ``work`` returns, begun at once. It ends with the process, whether it is asked for or not."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._found: list[T] = []
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[], T]) -> None:
        try:
            self._found.append(work())
        except BaseException as error:
            self._error = error

    def get(self) -> T:
        """Return it, once it is there; raises what the work raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._found[0]


__all__ = ["Later"]
