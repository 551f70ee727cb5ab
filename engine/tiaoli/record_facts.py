"""What a record may hold, read off a program: the facts in order, their units and limits, and the reserved keys.

Person and file forms meet here: every reader hands on plain values (`Odd` for what is no plain value), every check works on them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import TypeAlias

from tiaoli.model import Fact, Program
from tiaoli.values import INSURED, INSURED_NAMES, Kind, Value, decimal_text

ID_KEYS = ("编号", "id")
KIND_KEYS = ("对象", "entity")
YEARS_KEYS = ("年度", "years")
PLACE_KEYS = ("地区", "place")
BOOLS = {"是": True, "否": False}
PLACE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?(-[^\W_]+)*")
YEAR_KEY = re.compile(r"([0-9]{4})(?:年度)?")
NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(\.[0-9]+)?")
ODD_NUMBER = re.compile(
    r"[-+]?(?:\.?\d+\.?\d*(?:e[-+]?\d+)?|0x[0-9a-f]+|0o[0-7]+|\.?(?:inf|nan|infinity))", re.IGNORECASE | re.ASCII
)
LARGEST = 2**63 - 1
LONGEST_NUMBER = 40

Condition: TypeAlias = Callable[[int, tuple[Value, ...], tuple[Value, ...]], bool]


@dataclass(frozen=True, slots=True)
class Person:
    """A record as the rules read it.

    ``facts`` are the person's, ``years`` those of each year in the record, both in the order of ``program.facts``. Money is in 分, a
    rate in units of 10**-digits of its fact, durations in whole years, months or days; what is absent is ``None``. ``places`` holds
    the years that name a place of their own. ``entity`` is the kind of record: the insured person, or another 对象.
    """

    id: str
    facts: tuple[Value, ...]
    years: dict[int, tuple[Value, ...]]
    places: dict[int, str]
    entity: str = INSURED


@dataclass(frozen=True, slots=True)
class Odd:
    """A number not written plainly: NaN, 1e5, 007, 0x1F, or too long."""

    text: str


def number(text: str) -> int | Decimal | Odd | None:
    """Read ``text`` as a number, or None where it is none."""
    if match := NUMBER.fullmatch(text):
        if len(text) > LONGEST_NUMBER:
            return Odd(text)
        return Decimal(text) if match[1] else int(text)
    return Odd(text) if ODD_NUMBER.fullmatch(text) else None


def digits_of(fact: Fact) -> int:
    """Return the decimals a value of ``fact`` may have."""
    match fact.type.kind:
        case Kind.MONEY:
            return 2
        case Kind.RATE:
            return fact.digits
    return 0


def limits_of(fact: Fact) -> tuple[int, int]:
    """Return the least and the greatest value of ``fact``, in units (dates as ordinals)."""
    factor = 10**fact.digits if fact.type.kind is Kind.RATE else 1
    low, high = fact.range
    lowest, highest = (1, date.max.toordinal()) if fact.type.kind is Kind.DATE else (-LARGEST, LARGEST)
    return (
        lowest if low is None else max(lowest, ceil(Fraction(low) * factor)),
        highest if high is None else min(highest, floor(Fraction(high) * factor)),
    )


def default_of(fact: Fact) -> Value:
    """Return the value of ``fact`` where the record does not give it, in units; None where it has no default."""
    if not fact.has_default or fact.default is None:
        return None
    if fact.type.kind is Kind.RATE and isinstance(fact.default, int | Fraction):
        return int(fact.default * 10**fact.digits)
    return int(fact.default) if isinstance(fact.default, Fraction) else fact.default


def outward(fact: Fact, units: Fraction | int) -> str:
    """Return a bound or value of ``fact`` given in units as a record writes it."""
    if fact.type.kind is Kind.DATE:
        return date.fromordinal(int(units)).isoformat()
    return decimal_text(Fraction(units) / 10 ** digits_of(fact))


def range_text(fact: Fact) -> str:
    """Return the range of ``fact`` for messages, such as ``≥ 0`` or ``0..1``."""
    low, high = limits_of(fact)
    if fact.range[0] is None and fact.range[1] is not None:
        return f"≤ {outward(fact, high)}"
    if fact.range[0] is not None and fact.range[1] is None:
        return f"≥ {outward(fact, low)}"
    return f"{outward(fact, low)}..{outward(fact, high)}"


def year_of(key: object) -> int | None:
    """Return the insured year that ``key`` names (2025, "2025" or "2025年度"), or None."""
    if isinstance(key, int) and not isinstance(key, bool):
        return key if 1000 <= key <= 9999 else None
    if isinstance(key, str) and (match := YEAR_KEY.fullmatch(key)) and match[1] >= "1000":
        return int(match[1])
    return None


def kinds_of(program: Program) -> tuple[str, ...]:
    """Return the kinds of records there are, the insured person first."""
    return (INSURED, *program.entities)


def kind_named(program: Program, name: object) -> str | None:
    """Return the kind of record that ``name`` names, or None."""
    if name in INSURED_NAMES:
        return INSURED
    return name if isinstance(name, str) and name in program.entities else None


@dataclass(frozen=True)
class Shape:
    """The shape of the records of one kind, ``entity``, of ``program`` when ``years`` are to be evaluated."""

    program: Program
    years: range
    conditions: Mapping[str, Condition]
    entity: str = INSURED
    person: tuple[Fact, ...] = field(init=False)
    yearly: tuple[Fact, ...] = field(init=False)

    def __post_init__(self) -> None:
        facts = self.program.facts_of(self.entity)
        object.__setattr__(self, "person", tuple(fact for fact in facts if not fact.yearly))
        object.__setattr__(self, "yearly", tuple(fact for fact in facts if fact.yearly))

    @property
    def kind_keys(self) -> tuple[str, ...]:
        """The keys under which a record may say its kind: none where there is but one kind."""
        return KIND_KEYS if self.program.entities else ()

    @property
    def required_yearly(self) -> tuple[Fact, ...]:
        return tuple(fact for fact in self.yearly if fact.required)

    @property
    def default_year(self) -> tuple[Value, ...] | None:
        """The facts of a year that is not in the record; None where such a year cannot be."""
        return None if self.required_yearly else tuple(default_of(fact) for fact in self.yearly)

    def conditional(self) -> Iterable[tuple[Fact, int, Condition]]:
        """Yield the facts that are required under a condition, with their places among the person's or the year's facts."""
        for facts in (self.person, self.yearly):
            for index, fact in enumerate(facts):
                if fact.required_when is not None and fact.name in self.conditions:
                    yield fact, index, self.conditions[fact.name]
