"""Tiaoli (条例): rules of China's resident medical insurance as data, evaluated exactly and explained clause by clause.

The public names are `load`, `loads`, `Rules`, `Result`, `Population`, `Explanation` and the errors; see `tiaoli.api`. They are imported when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tiaoli.api import EvaluationError, Population, Result, Rules, RulesetError, UsageError, load, loads
    from tiaoli.diagnostic import Diagnostic
    from tiaoli.errors import TiaoliError
    from tiaoli.explain import Explanation
    from tiaoli.records import Fault, RecordError

__version__ = "0.1.0"

_HOMES = {
    "Diagnostic": "tiaoli.diagnostic",
    "EvaluationError": "tiaoli.api",
    "Explanation": "tiaoli.explain",
    "Fault": "tiaoli.records",
    "Population": "tiaoli.api",
    "RecordError": "tiaoli.records",
    "Result": "tiaoli.api",
    "Rules": "tiaoli.api",
    "RulesetError": "tiaoli.api",
    "TiaoliError": "tiaoli.errors",
    "UsageError": "tiaoli.api",
    "load": "tiaoli.api",
    "loads": "tiaoli.api",
}

__all__ = [
    "Diagnostic",
    "EvaluationError",
    "Explanation",
    "Fault",
    "Population",
    "RecordError",
    "Result",
    "Rules",
    "RulesetError",
    "TiaoliError",
    "UsageError",
    "__version__",
    "load",
    "loads",
]


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'tiaoli' has no attribute {name!r}")
