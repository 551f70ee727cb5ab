"""Public test data of other projects, run through the engine; see README.md for its origin and how each operation is written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from operations import OPERATIONS, Unsupported

FOLDER = Path(__file__).parent


@dataclass
class Tally:
    """What became of the cases; printed at the end of the run."""

    counts: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, str] = field(default_factory=dict)


def groups() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield (file and operation, its cases)."""
    for path in sorted(FOLDER.glob("*.json")):
        data = json.loads(path.read_text("utf-8"))
        found: dict[str, list[dict[str, Any]]] = {}
        for cases in (data.get(key, []) for key in ("cases", "published_cases", "derived_cases")):
            for case in cases:
                found.setdefault(case.get("kind") or case["input"]["op"], []).append(case)
        for operation, cases in found.items():
            yield f"{path.stem}:{operation}", cases


GROUPS = dict(groups())


def exact(outcome: dict[str, Any]) -> dict[str, Any]:
    return {key: Decimal(v) if key == "decimal" else v for key, v in outcome.items()}


@pytest.mark.parametrize("group", GROUPS)
def test_conformance(group: str, conformance: Tally) -> None:
    operation = OPERATIONS[group.partition(":")[2]]
    wrong: dict[str, Any] = {}
    for case in GROUPS[group]:
        if "disputed" in case:
            conformance.counts["disputed"] += 1
            continue
        try:
            found = operation(case["input"])
        except Unsupported as unsupported:
            conformance.counts["unsupported"] += 1
            conformance.reasons[group] = str(unsupported)
            continue
        conformance.counts["supported"] += 1
        if found == exact(case["expected"]):
            conformance.counts["passed"] += 1
        else:
            wrong[case["id"]] = (found, case["expected"])
    assert wrong == {}
