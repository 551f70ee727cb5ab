"""A plan without what nobody reads: columns, joins, figures and inputs that no result rests on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tiaoli.backends import columns as c


def pruned(plan: c.Plan) -> c.Plan:
    """Return the plan without columns, joins, figures and inputs that nothing given out rests on."""
    needed = {kind: set(_given_out(own)) for kind, own in plan.kinds.items()}
    steps: list[c.Step] = []
    for step in reversed(plan.steps):
        kept = _kept(step, needed)
        if kept is not None:
            steps.append(kept)
    kinds = {kind: _with_inputs(own, needed[kind]) for kind, own in plan.kinds.items()}
    return replace(plan, kinds=kinds, steps=tuple(reversed(steps)))


def _given_out(own: c.KindPlan) -> Iterator[str]:
    for given in (*own.outputs, *own.reasons, *own.closing, *own.breaches):
        yield from c.reads(given.expression)
    for check in own.failures:
        yield from c.reads(check.fails)


def _kept(step: c.Step, needed: dict[str, set[str]]) -> c.Step | None:
    """What of a step is needed; what that reads is needed in turn."""
    match step:
        case c.Compute():
            definitions = tuple(d for d in step.definitions if d.column in needed[step.entity])
            for definition in definitions:
                needed[step.entity].update(c.reads(definition.expression))
            return replace(step, definitions=definitions) if definitions else None
        case c.Join():
            columns = tuple((theirs, ours) for theirs, ours in step.columns if ours in needed[step.entity])
            needed[step.target].update(theirs for theirs, _ in columns)
            needed[step.entity].update([step.link] if columns else [])
            return replace(step, columns=columns) if columns else None
        case c.Gather():
            figures = tuple(f for f in step.figures if f.column.name in needed[step.entity])
            for figure in figures:
                needed[step.members].update(c.reads(figure.condition))
                needed[step.members].update(c.reads(figure.value) if figure.value is not None else ())
            needed[step.members].update([step.link] if figures else [])
            return replace(step, figures=figures) if figures else None


def _with_inputs(own: c.KindPlan, needed: set[str]) -> c.KindPlan:
    """The inputs that are read, also by a check whose fact is; and the checks and links among those."""
    read = set(needed)
    facts = {i.name for i in own.inputs if i.column in needed}
    checks = tuple(x for x in own.checks if x.name in facts or x.code in ("E726", "E727"))
    for check in checks:
        read.update(c.reads(check.fails))
    inputs = tuple(i for i in own.inputs if i.column in read)
    there = {i.column for i in inputs}
    checks = tuple(x for x in checks if set(c.reads(x.fails)) <= there)
    return replace(own, inputs=inputs, links=tuple(x for x in own.links if x.column in there), checks=checks)
