"""The benchmarks run: everything once, tiny. No time is asserted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_the_benchmarks_print_every_figure_at_tiny_sizes() -> None:
    line = [
        sys.executable,
        str(Path(__file__).with_name("run.py")),
        "--people",
        "5",
        "10",
        "--sample",
        "3",
        "--repeat",
        "1",
    ]
    done = subprocess.run(line, capture_output=True, check=True, timeout=120)
    printed = done.stdout.decode()
    for name in (
        "import tiaoli",
        "tiaoli check",
        "prepared",
        "validated",
        "plain Python",
        "explain",
        "10 people",
        "linear",
        "flat",
        "20 regions",
    ):
        assert name in printed
    assert len(printed.splitlines()) == 14
