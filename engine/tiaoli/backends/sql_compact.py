"""A plan in fewer layers, for an engine that pays for each: what is read but once is written where it is read.

Spark resolves a query one layer at a time, over and over, and copies every row from layer to layer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from tiaoli.backends import columns as c


def compacted(plan: c.Plan) -> c.Plan:
    """Return the same plan without columns that are read once, by another definition; their citations go along."""
    uses, free = _uses(plan)
    inner: dict[str, c.Definition] = {}
    steps: list[c.Step] = []
    for step in plan.steps:
        if not isinstance(step, c.Compute):
            steps.append(step)
            continue
        kept = []
        for definition in (_opened(d, inner) for d in step.definitions):
            if uses[definition.column] == 1 and definition.column in free:
                inner[definition.column] = definition
            else:
                kept.append(definition)
        if kept:
            steps.append(replace(step, definitions=tuple(kept)))
    return replace(plan, steps=tuple(steps))


def _uses(plan: c.Plan) -> tuple[Counter[str], set[str]]:
    """How often each column is read by definitions, and those that nothing else reads."""
    uses: Counter[str] = Counter()
    free: set[str] = set()
    for step in plan.steps:
        if isinstance(step, c.Compute):
            free |= {d.column for d in step.definitions}
            for definition in step.definitions:
                uses.update(c.reads(definition.expression))
    return uses, free - set(_read_beside(plan))


def _read_beside(plan: c.Plan) -> Iterator[str]:
    """The columns that joins, figures and results read."""
    for step in plan.steps:
        match step:
            case c.Join():
                yield step.link
                yield from (theirs for theirs, _ in step.columns)
            case c.Gather():
                yield step.link
                for figure in step.figures:
                    yield from c.reads(figure.condition)
                    yield from () if figure.value is None else c.reads(figure.value)
            case c.Compute():
                pass
    for own in plan.kinds.values():
        for output in (*own.outputs, *own.reasons, *own.closing, *own.breaches):
            yield from c.reads(output.expression)
        for check in own.failures:
            yield from c.reads(check.fails)


def _opened(definition: c.Definition, inner: Mapping[str, c.Definition]) -> c.Definition:
    """A definition with others in place of reading their columns."""
    taken = [inner[name] for name in dict.fromkeys(c.reads(definition.expression)) if name in inner]
    if not taken:
        return definition
    citations = dict.fromkeys(d.citation for d in (definition, *taken) if d.citation)
    return replace(definition, expression=_replaced(definition.expression, inner), citation="；".join(citations))


def _replaced(expression: c.Expression, inner: Mapping[str, c.Definition]) -> c.Expression:
    match expression:
        case c.Read(name=name):
            return inner[name].expression if name in inner else expression
        case c.Call(operands=operands):
            return replace(expression, operands=tuple(_replaced(o, inner) for o in operands))
        case c.Lookup(key=key):
            return replace(expression, key=_replaced(key, inner))
        case c.Literal():
            return expression
