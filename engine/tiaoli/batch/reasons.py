"""Which clause decided: the codes that a run with reasons writes, and what each of them stands for.

The code of a result in a year is the number of the clause in the rule's text of that year: exceptions first, then the clauses (or rows of
a table, or bands of a scale: the highest that counts) in order; 0 where the rule is not in force, or nothing is divided among the bands.
A year under the rules of another place has no code here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiaoli import model as m
from tiaoli.results import whole_file

if TYPE_CHECKING:
    from tiaoli.outcome import Result


@dataclass(frozen=True, slots=True)
class Reason:
    """One code: the rule, the number of the clause, its condition as written, its citation, document and place in the file."""

    rule: str
    code: int
    kind: str
    condition: str
    citation: str
    document: str
    place: str


def reasons_of(program: m.Program, year: int, rules: tuple[str, ...]) -> Iterator[Reason]:
    """Yield the codes of ``rules`` in ``year``, rule by rule."""
    for name in rules:
        rule = program.rule_at(name, year)
        if rule is not None:
            yield from _of_rule(rule)


def _of_rule(rule: m.Rule) -> Iterator[Reason]:
    exceptions = len([c for g in rule.body.exceptions for c in g]) if isinstance(rule.body, m.Cases) else 0
    for number, decider in enumerate(m.deciders(rule.body), 1):
        basis = decider.basis or rule.basis
        document = decider.document if isinstance(decider, m.Clause) else rule.document
        yield Reason(
            rule.name, number, _kind(decider, number <= exceptions), _condition(decider), "；".join(map(str, basis)),
            document, str(decider.span),
        )  # fmt: skip


def _kind(decider: m.Clause | m.Row | m.Band, exception: bool) -> str:
    match decider:
        case m.Row():
            return "row"
        case m.Band():
            return "band"
    return "exception" if exception else "clause" if decider.condition is not None else "otherwise"


def _condition(decider: m.Clause | m.Row | m.Band) -> str:
    """The condition as it stands in the ruleset, on one line."""
    if isinstance(decider, m.Clause):
        return "否则" if decider.condition is None else " ".join(decider.condition.span.text.split())
    return " ".join(decider.span.text.split())


def code_of(result: Result, rule: str, year: int) -> int:
    """Return the code of a result that the interpreter worked out."""
    step = result.tracer.step(rule, year)
    if step is None or step.decision is None or not step.decision.decided:
        return 0
    spans = [decider.span for decider in m.deciders(step.rule.body)]
    numbers = [spans.index(one.span) + 1 for one in step.decision.decided]
    return max(numbers) if isinstance(step.rule.body, m.MarginalScale) else numbers[0]


# ── as text ──────────────────────────────────────────────────────────────────

_HEADINGS = {
    "zh": ("年度", "规则", "代码", "条件", "依据", "位置"),
    "en": ("year", "rule", "code", "condition", "citation", "where"),
}
Found = tuple[int, Reason]


def _cells(year: int, reason: Reason, lang: str) -> tuple[str, ...]:
    condition = "otherwise" if lang == "en" and reason.kind == "otherwise" else reason.condition
    return str(year), reason.rule, str(reason.code), condition, reason.citation, reason.place


def as_text(found: Sequence[Found], lang: str) -> str:
    """Return the codes as lines, cells parted by tabs."""
    return "\n".join("\t".join(row) for row in (_HEADINGS[lang], *(_cells(*one, lang) for one in found)))


def as_rich(found: Sequence[Found], lang: str) -> Any:
    """Return the codes as a table for a terminal."""
    from rich.table import Table

    table = Table(*_HEADINGS[lang], header_style="bold")
    for one in found:
        table.add_row(*_cells(*one, lang))
    return table


def as_json(found: Sequence[Found]) -> list[dict[str, Any]]:
    """Return the codes as JSON values, one object a code and year."""
    return [
        {
            "年度": y,
            "规则": r.rule,
            "代码": r.code,
            "种类": r.kind,
            "条件": r.condition,
            "依据": r.citation,
            "文件": r.document,
            "位置": r.place,
        }
        for y, r in found
    ]


def write_csv(found: Sequence[Found], path: Path) -> None:
    """Write the codes as CSV, whole."""
    import csv

    with whole_file(path) as partial, partial.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows([_HEADINGS["zh"], *(_cells(*one, "zh") for one in found)])
