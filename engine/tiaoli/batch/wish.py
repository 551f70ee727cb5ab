"""What a run over tables is asked for, on whatever engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tiaoli.batch.layout import Shape, Units


@dataclass(frozen=True)
class Wish:
    """What a run is asked for. ``rules`` None: all 结果 rules. ``layout`` None: as the input. ``by``: columns to group a summary by."""

    years: range
    rules: tuple[str, ...] | None = None
    readings: Mapping[str, str] = field(default_factory=dict)
    units: Units = Units.YUAN
    layout: Shape | None = None
    reasons: bool = False
    by: tuple[str, ...] = ()
    lang: str = "zh"


__all__ = ["Wish"]
