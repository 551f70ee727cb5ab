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


def test_the_batch_benchmark_finds_all_results_equal_at_a_tiny_size(tmp_path: Path) -> None:
    script = str(Path(__file__).with_name("batch.py"))
    line = [sys.executable, script, "--people", "60", "--small", "20", "--repeat", "1", "--folder", str(tmp_path)]
    line += ["--without", "ours: Spark, local", "by hand: NumPy", "by hand: DuckDB SQL"]
    done = subprocess.run(line, capture_output=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr.decode()
    printed = done.stdout.decode()
    for name in (
        "ours: Polars, wide",
        "ours: Polars, long",
        "ours: DuckDB",
        "by hand: Polars",
        "results equal",
        "in memory",
    ):
        assert name in printed
