"""A fixed made-up population: the same thousand people for every place and year.

Each value is drawn from the name of the fact, the person and the year alone, so that a new fact leaves all others as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any
from zlib import crc32

from tiaoli.model import Fact, Program
from tiaoli.values import INSURED, Kind

PEOPLE = 1000
YEARS = range(2016, 2028)

CEILINGS = (200_000, 250_000, 300_000, 400_000, 600_000)
USUALLY = {"参保": 85, "使用奖励额度": 3, "免等待人群": 5}
"""Percentages of yes; other yes-or-no facts are yes for every eighth."""
SELDOM_ZERO = {"基金支付": 55}
"""Percentages of zero for amounts; other amounts are zero for a third."""


def number(name: str, person: int, year: int) -> int:
    """Return a number of 32 bits that depends on nothing else."""
    return crc32(f"{name}|{person}|{year}".encode())


def records(program: Program) -> Iterator[dict[str, Any]]:
    """Yield the records of the population with the facts of ``program``; most places have the same facts, which are drawn once."""
    said = {f.name: _said_by_all(f) for f in program.facts_of(INSURED)}
    for person in range(PEOPLE):
        yield _record(program, person, lambda fact, year: said[fact.name][person][_index(fact, year)])  # noqa: B023 called at once


def record(program: Program, person: int) -> dict[str, Any]:
    """Return one record; any number is a person."""
    return _record(program, person, lambda fact, year: drawn(fact, person, year))


def _record(program: Program, person: int, said: Callable[[Fact, int], Any]) -> dict[str, Any]:
    facts = program.facts_of(INSURED)
    made: dict[str, Any] = {"编号": f"P{person:04d}"}
    made |= {f.name: v for f in facts if not f.yearly and (v := said(f, 0)) is not None}
    first = YEARS.start + number("起始", person, 0) % 10
    made["年度"] = {
        year: {f.name: v for f in facts if f.yearly and (v := said(f, year)) is not None}
        for year in YEARS
        if year >= first
    }
    for year, own in made["年度"].items():
        _pay(own, person, year)
    return made


def _index(fact: Fact, year: int) -> int:
    return year - YEARS.start if fact.yearly else 0


@cache
def _said_by_all(fact: Fact) -> list[list[Any]]:
    years = YEARS if fact.yearly else [0]
    return [[drawn(fact, person, year) for year in years] for person in range(PEOPLE)]


def _pay(facts: dict[str, Any], person: int, year: int) -> None:
    """Whoever is enrolled has paid: most in the window of the year before, some late."""
    if facts.get("参保"):
        days = number("缴费", person, year) % (120 if number("按期", person, year) % 10 else 430)
        facts["缴费日期"] = date(year - 1, 9, 15) + timedelta(days)
    else:
        facts.pop("缴费日期", None)
        facts.pop("补缴年数", None)


def drawn(fact: Fact, person: int, year: int) -> Any:
    """Return the value of a fact, None where the record says nothing."""
    dice = number(fact.name, person, year)
    if fact.type.nullable and fact.required_when is None and dice % 3 == 0:
        return None
    dice //= 3
    match fact.type.kind:
        case Kind.BOOL:
            return dice % 100 < USUALLY.get(fact.name, 12)
        case Kind.ENUM:
            return fact.type.members[dice % len(fact.type.members)]
        case Kind.MONEY:
            return _amount(fact, dice)
        case Kind.RATE:
            return Decimal(_within(fact, dice % 1001)) / 1000
        case Kind.DATE:
            return date(1940, 1, 1) + timedelta(dice % 30_000)
        case Kind.YEAR:
            return 2016 + dice % 12
        case Kind.PLACE | Kind.TEXT | Kind.LINK:
            return None
        case _:
            return _within(fact, dice % 5)


def _amount(fact: Fact, dice: int) -> Decimal:
    if fact.name == "原封顶线":
        return Decimal(CEILINGS[dice % len(CEILINGS)])
    if dice % 100 < SELDOM_ZERO.get(fact.name, 33):
        return Decimal(_within(fact, 0)) / 100
    cents = dice // 100 % 10 ** (3 + dice % 6)
    return Decimal(_within(fact, cents)) / 100


def _within(fact: Fact, value: int) -> int:
    low, high = (None if edge is None else Fraction(edge) for edge in fact.range)
    scale = 1000 if fact.type.kind is Kind.RATE else 1
    value = value if low is None else max(value, -(-low * scale // 1))
    return value if high is None else int(min(value, high * scale // 1))


def summary(values: Mapping[str, list[Any]]) -> dict[str, str]:
    """Return for each name how many have a value, the sum, and a checksum of every single value."""
    return {name: _line(column) for name, column in values.items()}


def _line(column: list[Any]) -> str:
    there = [v for v in column if v is not None]
    total = sum(v.toordinal() if isinstance(v, date) else v for v in there if not isinstance(v, str))
    return f"{len(there)},{total},{crc32('|'.join(map(str, column)).encode()):08x}"
