"""Definitions in which no arithmetic is done twice: what several of them compute is a column of its own, and so is what would be written twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from tiaoli.backends import columns as c
from tiaoli.backends.columns import Sort

EXTREMES = ("取小", "取大")
"""Operations whose operands a back end may have to write twice."""

_PREFIX = "\0共"


def sharing(plan: c.Plan) -> c.Plan:
    """Return the plan with neighbouring computations of one kind of record as one, in which no arithmetic is done twice."""
    steps = (
        replace(s, definitions=tuple(shared(s.definitions))) if isinstance(s, c.Compute) else s
        for s in _merged(plan.steps)
    )
    return replace(plan, steps=tuple(steps))


def _merged(steps: Iterable[c.Step]) -> Iterator[c.Step]:
    waiting: c.Compute | None = None
    for step in steps:
        if isinstance(step, c.Compute) and waiting is not None and waiting.entity == step.entity:
            waiting = replace(waiting, definitions=(*waiting.definitions, *step.definitions))
            continue
        if waiting is not None:
            yield waiting
        waiting = step if isinstance(step, c.Compute) else None
        if waiting is None:
            yield step
    if waiting is not None:
        yield waiting


def shared(definitions: Iterable[c.Definition]) -> Iterator[c.Definition]:
    """Yield the same columns, before each those that it shares with others or would write twice over; each reads only what is before it."""
    every = tuple(definitions)
    different = {n for d in every for n in _nodes(d.expression)}
    uses = Counter([d.expression for d in every])  # by different nodes: what stands in one alone is done with that
    uses.update(part for node in different for part in set(_operands(node)))
    names: dict[c.Expression, str] = {}

    def worth_a_name(node: c.Expression, within: str) -> bool:
        return uses[node] > 1 or (within in EXTREMES and any(map(_is_extreme, _nodes(node))))

    def named(node: c.Expression, within: str) -> Iterator[c.Definition]:
        """The columns that a node needs before it, itself among them where it is worth a name."""
        for part in _operands(node):
            yield from named(part, node.operation if isinstance(node, c.Call) else "查")
        if _costs(node) and within and node not in names and worth_a_name(node, within):
            written = _written(node, names)
            names[node] = f"{_PREFIX}{len(names)}"
            yield c.Definition(names[node], written, "", 0)

    for definition in every:
        yield from named(definition.expression, "")
        written = _written(definition.expression, names)
        yield definition if written is definition.expression else replace(definition, expression=written)
        if _costs(definition.expression):
            names.setdefault(definition.expression, definition.column)


def _operands(node: c.Expression) -> tuple[c.Expression, ...]:
    match node:
        case c.Call(operands=operands):
            return operands
        case c.Lookup(key=key):
            return (key,)
    return ()


def _nodes(node: c.Expression) -> Iterator[c.Expression]:
    yield node
    for part in _operands(node):
        yield from _nodes(part)


def _costs(node: c.Expression) -> bool:
    """Whether a node is work that is worth doing once: arithmetic and look-ups; conditions take next to nothing."""
    return isinstance(node, c.Lookup) or (isinstance(node, c.Call) and node.sort in (Sort.WHOLE, Sort.DAY))


def _is_extreme(node: c.Expression) -> bool:
    return isinstance(node, c.Call) and node.operation in EXTREMES


def _written(node: c.Expression, names: dict[c.Expression, str]) -> c.Expression:
    """The node, reading the columns that have names; not itself, where it has none yet."""
    if node in names:
        return c.Read(node.sort, node.low, node.high, node.nullable, names[node])
    written = tuple(_written(o, names) for o in _operands(node))
    if all(a is b for a, b in zip(_operands(node), written, strict=True)):
        return node
    if isinstance(node, c.Call):
        return replace(node, operands=written)
    assert isinstance(node, c.Lookup), node
    return replace(node, key=written[0])


__all__ = ["EXTREMES", "shared", "sharing"]
