"""The command line as a process of its own: begun, and ended, at once."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress

SELDOM = 100_000
"""Objects made between two looks for garbage: nearly all that a command makes lives as long as it does."""


def script() -> None:
    """Run the command line. Taking a library apart node by node at the end would be waited for, so nothing is."""
    gc.set_threshold(SELDOM)
    code: object = 0
    try:
        from tiaoli.apps.cli import main  # it takes a while, in which someone may change their mind

        main()
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt:
        code = 130
        print("已中断。 / interrupted.", file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


__all__ = ["script"]
