"""The exceptions of the public API: each carries its diagnostics and says them as text."""

from __future__ import annotations

from collections.abc import Iterable

from tiaoli.diagnostic import Diagnostic
from tiaoli.render import render_text


class TiaoliError(Exception):
    """Base of what the public API raises for mistakes of users; carries the diagnostics."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        return "\n".join(render_text(diagnostic, "zh") for diagnostic in self.diagnostics)


class RulesetError(TiaoliError):
    """The rulesets have errors; no result can be computed from them."""


class EvaluationError(TiaoliError):
    """A person's result cannot be computed: a division by zero, exceptions in conflict."""


class UsageError(TiaoliError):
    """A name, place, year or reading that does not exist was asked for."""
