"""A plan over columns: what records bring, the steps that compute, what is given out. Polars and SQL are written from this alone.

The expressions of which it is made are those of `tiaoli.backends.expressions`, and are had from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from tiaoli.backends.expressions import (
    _BUILD,
    _COMPUTE,
    FALSE,
    OPERATIONS,
    TRUE,
    Call,
    Expression,
    Literal,
    Lookup,
    Node,
    Read,
    Scalar,
    Sort,
    absent,
    absolute,
    add,
    both,
    by_leaf,
    choose,
    compare,
    day_of,
    days_between,
    either,
    floor_divide,
    greatest,
    is_absent,
    is_there,
    knowing,
    least,
    leaves,
    literal,
    lookup,
    make_date,
    month_first,
    month_last,
    month_of,
    multiply,
    negate,
    negative,
    plus_days,
    plus_months,
    present,
    reads,
    substitute,
    subtract,
    weekday,
    with_default,
    year_of,
)


@dataclass(frozen=True, slots=True)
class Input:
    """A column that records bring: a fact (of a year, or of the record where ``year`` is None), or a value of an opening state.

    ``column`` is its name in the table, ``name`` that of the fact or rule; where the table has no value ``default`` stands. ``low``..``high``: how
    far the plan takes a number or a day (by its ordinal) of an opening state to reach; what is beyond must not come to it.
    """

    column: str
    name: str
    year: int | None
    default: Scalar = None
    opening: bool = False
    low: int = 0
    high: int = 0


@dataclass(frozen=True, slots=True)
class Definition:
    """A column to compute; ``rule`` and ``year`` say what it is, ``citation`` on what it rests."""

    column: str
    expression: Expression
    rule: str
    year: int
    citation: str = ""


@dataclass(frozen=True, slots=True)
class Compute:
    """Columns of one kind of record, each over columns that are there before this step."""

    entity: str
    year: int
    definitions: tuple[Definition, ...]


@dataclass(frozen=True, slots=True)
class Join:
    """Columns that records of ``entity`` take from the record of ``target`` that ``link`` (a column of ids) names: (theirs, ours)."""

    entity: str
    link: str
    target: str
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a group-by, to be read as ``column``. ``form``: 计数 合计 最大 最小; ``value`` is None for 计数.

    Only members for which ``condition`` holds count; the figure is null where none does.
    """

    column: Read
    form: str
    condition: Expression
    value: Expression | None


@dataclass(frozen=True, slots=True)
class Gather:
    """Figures over the records of ``members`` by the record of ``entity`` that their column ``link`` names; null where there is none."""

    entity: str
    members: str
    link: str
    figures: tuple[Figure, ...]


Step: TypeAlias = Compute | Join | Gather


@dataclass(frozen=True, slots=True)
class Output:
    """A value asked for: ``expression`` over columns of the plan. ``year`` is that of the value, ``rule`` its rule (or fact, in a state).

    ``citation``: on what it rests, where no column of the plan is the rule itself.
    """

    column: str
    expression: Expression
    rule: str
    year: int
    citation: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """Rows of which ``fails`` holds cannot be computed; ``code`` is the diagnostic's. ``name``: the fact, or the rule that fails."""

    code: str
    name: str
    year: int | None
    fails: Expression
    shown: Expression | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A column of ids (of the fact ``name``, of ``year`` where it is yearly) that must name records of ``target`` wherever it is not null."""

    column: str
    name: str
    year: int | None
    target: str


@dataclass(frozen=True, slots=True)
class KindPlan:
    """What one kind of record brings and gives.

    ``links`` are those that the steps go through. ``checks`` are over ``inputs``, before anything is computed; ``failures`` over what was computed. ``reasons`` are the columns of
    clause codes, ``closing`` the state after the last year, ``breaches`` the mandates (true where broken) by column.
    """

    entity: str
    inputs: tuple[Input, ...]
    links: tuple[Link, ...]
    checks: tuple[Check, ...]
    outputs: tuple[Output, ...]
    reasons: tuple[Output, ...]
    closing: tuple[Output, ...]
    failures: tuple[Check, ...]
    breaches: tuple[Output, ...]

    @property
    def opened(self) -> tuple[Input, ...]:
        """The values of an opening state that the plan goes on from."""
        return tuple(i for i in self.inputs if i.opening)


@dataclass(frozen=True, slots=True)
class Plan:
    """A program for some years as steps over columns, in order; ``kinds`` by name of the kind of record."""

    place: str
    years: range
    begin: int
    kinds: Mapping[str, KindPlan]
    steps: tuple[Step, ...] = field(default=())

    @property
    def alone(self) -> bool:
        """Whether each record is computed by itself, without values or figures of others."""
        return all(isinstance(step, Compute) for step in self.steps)


__all__ = [
    "FALSE",
    "OPERATIONS",
    "TRUE",
    "_BUILD",
    "_COMPUTE",
    "Call",
    "Check",
    "Compute",
    "Definition",
    "Expression",
    "Figure",
    "Gather",
    "Input",
    "Join",
    "KindPlan",
    "Link",
    "Literal",
    "Lookup",
    "Node",
    "Output",
    "Plan",
    "Read",
    "Scalar",
    "Sort",
    "Step",
    "absent",
    "absolute",
    "add",
    "both",
    "by_leaf",
    "choose",
    "compare",
    "day_of",
    "days_between",
    "either",
    "floor_divide",
    "greatest",
    "is_absent",
    "is_there",
    "knowing",
    "least",
    "leaves",
    "literal",
    "lookup",
    "make_date",
    "month_first",
    "month_last",
    "month_of",
    "multiply",
    "negate",
    "negative",
    "plus_days",
    "plus_months",
    "present",
    "reads",
    "substitute",
    "subtract",
    "weekday",
    "with_default",
    "year_of",
]
