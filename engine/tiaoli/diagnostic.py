"""What is said to users, as data: a code, a place, the facts of the case. `messages` holds the words, `render` puts both together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from tiaoli.source import Span


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Related:
    """A second place that belongs to the diagnostic, with a key of `messages.LABELS`."""

    span: Span
    label: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake or doubt.

    ``code`` is a key of `messages.MESSAGES` and fixes the severity; ``arguments`` fill its text; ``clause`` is the legal clause in
    which the place stands; ``path``, ``line`` and ``column`` name a place in a file of records, which has no span, ``sheet`` that of a workbook.
    """

    code: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    span: Span | None = None
    clause: str | None = None
    related: tuple[Related, ...] = ()
    path: str | None = None
    line: int | None = None
    column: int | None = None
    sheet: str | None = None

    @property
    def severity(self) -> Severity:
        return Severity.WARNING if self.code.startswith("W") else Severity.ERROR

    @property
    def place(self) -> tuple[str, int, int]:
        """File, line and column; empty and zero where unknown."""
        if self.span is not None:
            return (self.span.source.path, self.span.line, self.span.column)
        return (self.path or "", self.line or 0, self.column or 0)


def errors(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return those that are errors."""
    return [diagnostic for diagnostic in diagnostics if diagnostic.severity is Severity.ERROR]
