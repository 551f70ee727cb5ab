"""What the two peers share: the small rule's figures, the people read from Parquet, and the report.

Money is 分 in the file and yuan in the peers, whose numbers are float32: about seven digits. 20% of a ceiling that is not a whole number of yuan may therefore
round to a 分 beside the exact one, of millions of yuan to several; whole thousands come out exact. The report sums what each result is when rounded to 分.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

HISTORY = range(2016, 2035)
YEARS = range(2025, 2035)
PROVINCES = ("JX", "AH", "HB", "NM", "GS", "QH")
RAISES = {"JX": 3000, "AH": 3000, "HB": 3000, "NM": 1000, "GS": 1000, "QH": 1000}
THRESHOLD = 4
LIMIT = 0.2

Array = np.ndarray[Any, Any]


def parameters() -> dict[str, Any]:
    """The figures of the law, as both peers read them."""

    def since_2025(value: float) -> dict[str, Any]:
        return {"values": {"2025-01-01": {"value": value}}}

    return {
        "raise_a_year": {code: since_2025(raised) for code, raised in RAISES.items()},
        "threshold": {code: since_2025(THRESHOLD) for code in PROVINCES},
        "limit": since_2025(LIMIT),
    }


def read(source: Path) -> dict[str, Array]:
    """The columns of the people: codes of provinces, ceilings in 分, enrolments."""
    table = pq.read_table(source, columns=["省", "封顶线", *(f"参保@{y}" for y in HISTORY)])
    return {name: table[name].to_numpy() for name in table.column_names}


def main(simulate: Callable[[Mapping[str, Array]], Callable[[int], Array]]) -> None:
    """Measure ``simulate``, which builds a simulation of people and returns what computes the raises of a year in it."""
    source, target = map(Path, sys.argv[1:3])
    read_from = time.perf_counter()
    people = read(source)
    built_from = time.perf_counter()
    compute = simulate(people)
    computed_from = time.perf_counter()
    raises = {y: compute(y) for y in YEARS}
    end = time.perf_counter()
    count = len(people["封顶线"])
    report = {
        "people": count,
        "seconds_reading": built_from - read_from,
        "seconds_building": computed_from - built_from,
        "seconds_computing": end - computed_from,
        "people_per_second": count / (end - computed_from),
        "people_per_second_built_and_computed": count / (end - built_from),
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "dtype": str(raises[YEARS[0]].dtype),
        "sums": {str(y): int(np.rint(raised.astype(np.float64) * 100).sum()) for y, raised in raises.items()},
    }
    target.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report))
