"""Where an expression stands and what is known there: after `有 X` X is there, in a clause behind `没有 X` too."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tiaoli import syntax as s
from tiaoli.values import INSURED


@dataclass(frozen=True, slots=True)
class Context:
    """Where an expression stands and what is established there.

    ``entity`` is the kind of record computed; ``member`` where the expression is of the members of an aggregate.
    """

    document: str
    clause: str | None = None
    entity: str = INSURED
    present: frozenset[s.Path] = frozenset()
    truths: frozenset[s.Expression] = frozenset()
    years: tuple[int, int] = (0, 9999)
    member: bool = False

    def knowing(self, condition: s.Expression, holds: bool) -> Context:
        """The context where ``condition`` is known to hold, or known not to."""
        return replace(
            self,
            present=self.present | established(condition, holds),
            truths=self.truths | facts_of(condition, holds),
        )

    def knows(self, path: s.Path) -> bool:
        """Whether what ``path`` names is known to be there."""
        if path in self.present:
            return True
        return (
            isinstance(path, s.Reference)
            and s.Through(s.Reference(self.entity, False, path.span), path, path.span) in self.present
        )

    @property
    def blank(self) -> Context:
        """The same place with nothing established."""
        return replace(self, present=frozenset(), truths=frozenset())

    def of(self, entity: str) -> Context:
        """The same place, but about a record of ``entity`` of which nothing is known."""
        return replace(self.blank, entity=entity)


def established(condition: s.Expression, holds: bool) -> frozenset[s.Path]:
    """Return the names known to have a value where ``condition`` has the truth ``holds``."""
    match condition:
        case s.Has(reference, present) if present is holds:
            return frozenset(_steps(reference))
        case s.Operation("非", operands):
            return established(operands[0], not holds)
        case s.Operation("且", operands) if holds:
            return frozenset().union(*(established(o, True) for o in operands))
        case s.Operation("或", operands) if not holds:
            return frozenset().union(*(established(o, False) for o in operands))
        case _:
            return frozenset()


def _steps(path: s.Path) -> tuple[s.Path, ...]:
    """The path and the links on the way: where 所在统筹地区 的 起付线 is there, 所在统筹地区 is too."""
    return (path, *_steps(path.link)) if isinstance(path, s.Through) else (path,)


def facts_of(condition: s.Expression, holds: bool) -> frozenset[s.Expression]:
    """Return the parts of ``condition`` that hold, negations spelt out, where it has the truth ``holds``."""
    match condition:
        case s.Operation("非", operands):
            return facts_of(operands[0], not holds)
        case s.Operation("且", operands) if holds:
            return frozenset().union(*(facts_of(o, True) for o in operands))
        case s.Operation("或", operands) if not holds:
            return frozenset().union(*(facts_of(o, False) for o in operands))
        case _:
            return frozenset({condition if holds else s.Operation("非", (condition,), False, condition.span)})
