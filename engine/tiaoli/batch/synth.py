"""Synthetic records: people who enrol, lapse and come back, pay around the window, and fall ill, drawn from the facts that rules read.

People come in chunks of `CHUNK`. Every number depends on the seed, the chunk, the name of the fact and the year alone (only enrolment
goes on from year to year): the first people of a larger draw are the same people, and a fact that is added leaves the others as they were.
Bits are taken raw from the generator and all arithmetic is on whole numbers, so the records are the same on every machine.

Drawn are whole columns, one number a person (`Drawn`); `synth_tables` makes tables of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias
from zlib import crc32

from tiaoli import model as m
from tiaoli.batch.synth_profile import WHOLE, Entry, Profile
from tiaoli.record_facts import default_of, limits_of
from tiaoli.values import INSURED, Kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Whole: TypeAlias = NDArray[np.int64]
    Truth: TypeAlias = NDArray[np.bool_]
    Either: TypeAlias = NDArray[Any]

CHUNK = 50_000
"""People drawn together. Another number is another population."""

EPOCH = date(1970, 1, 1).toordinal()
_STEEPEST = 1 << 42
_TURNS = (2006, 32)
"""The years from which, or up to which, someone belongs to a group: the first, and how many."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A column as drawn, one value a person: ``values`` in the units of the fact (truth values, numbers, days as ordinals; places in
    ``labels`` where the fact is text), ``there`` (None: all) where there is one."""

    values: Either
    there: Truth | None = None
    labels: Sequence[str] | None = None


@dataclass(frozen=True)
class Plan:
    """What is to be drawn: facts of records of ``entity``, each with the years of which rules read it (none for facts of the record)."""

    program: m.Program
    entity: str
    years: range
    facts: tuple[tuple[m.Fact, tuple[int, ...]], ...]
    profile: Profile
    seed: int
    kept: dict[str, Entry] = field(default_factory=dict, repr=False)

    def entry(self, fact: m.Fact) -> Entry:
        """Return how a fact is drawn: as the profile says, with what is usual for its kind filled in."""
        if fact.name not in self.kept:
            self.kept[fact.name] = _filled(fact, self.profile.entries.get(fact.name, Entry()), self.profile)
        return self.kept[fact.name]

    def role(self, name: str, kind: Kind) -> m.Fact | None:
        """Return the fact ``name`` where it is one of the records drawn and of the kind a role needs."""
        fact = self.program.facts.get(name)
        return fact if fact is not None and fact.entity == self.entity and fact.type.kind is kind else None


def plan_of(
    program: m.Program, entity: str, years: range, needed: Mapping[int, set[str]], profile: Profile, seed: int
) -> Plan:
    """Return the plan of records with the facts ``needed`` (by year, those of the record itself in any) in ``years``.

    Yearly facts without default that must be in a record are there in all its years, from the first year in which rules read one.
    """
    read = set().union(*needed.values())
    facts = [f for f in program.facts_of(entity) if f.name in read or (f.required and not f.yearly)]
    strict = {f.name for f in facts if f.yearly and f.required}
    years = range(min([years.start, *(y for y, names in needed.items() if names & strict)]), years.stop)

    def of(fact: m.Fact) -> tuple[int, ...]:
        return tuple(y for y in years if fact.yearly and (fact.required or fact.name in needed.get(y, ())))

    listed = [(fact, of(fact)) for fact in facts]
    return Plan(program, entity, years, tuple((f, ys) for f, ys in listed if ys or not f.yearly), profile, seed)


def ident_prefix(entity: str) -> str:
    """Return what the ids of synthetic records of a kind begin with; eight digits follow."""
    return "P" if entity == INSURED else entity


# ── dice ─────────────────────────────────────────────────────────────────────


class Dice:
    """A stream of random bits of its own for each key."""

    def __init__(self, *key: int) -> None:
        from numpy.random import SFC64, SeedSequence

        self.bits = SFC64(SeedSequence(key))

    def small(self, count: int) -> NDArray[np.uint16]:
        """Return numbers of 16 bits, shape (count,)."""
        import numpy as np

        return self._raw(-(-count // 4)).view(np.uint16)[:count]

    def large(self, count: int) -> NDArray[np.uint32]:
        """Return numbers of 32 bits, shape (count,)."""
        import numpy as np

        return self._raw(-(-count // 2)).view(np.uint32)[:count]

    def yes(self, share: int, count: int) -> Truth:
        """Return truth values, shape (count,), of which ``share`` in 65536 are true."""
        import numpy as np

        return self.small(count) < share if 0 < share < WHOLE else np.full(count, share >= WHOLE)

    def below(self, bound: int, count: int) -> Whole:
        """Return whole numbers from 0 to below ``bound`` (at most 2**31), shape (count,)."""
        import numpy as np

        return (self.large(count).astype(np.int64) * bound) >> 32

    def spread(self, knots: Sequence[int], count: int, whole: int = 1) -> Whole:
        """Return numbers, shape (count,), whose quantiles at equal distances are ``knots``; every second a multiple of ``whole``."""
        import numpy as np

        if len(knots) == 1:
            return np.full(count, knots[0], dtype=np.int64)
        marks = np.clip(np.array(knots, dtype=np.int64), -_STEEPEST, _STEEPEST)
        bits = self.large(count)
        place = bits.astype(np.uint64) * np.uint64(len(knots) - 1)
        index = (place >> np.uint64(32)).astype(np.int64)
        part = ((place >> np.uint64(12)) & np.uint64(0xFFFFF)).astype(np.int64)
        low = marks[index]
        found = low + (((marks[index + 1] - low) * part) >> 20)
        return found if whole == 1 else np.where(bits & 1, found, found - found % whole)

    def _raw(self, count: int) -> NDArray[np.uint64]:
        return self.bits.random_raw(count)  # type: ignore[no-any-return,call-overload,unused-ignore]


# ── a chunk ──────────────────────────────────────────────────────────────────


class Chunk:
    """The people of one chunk, `CHUNK` of them: columns are drawn when asked for."""

    def __init__(self, plan: Plan, number: int) -> None:
        self.plan = plan
        self.number = number
        self.first = number * CHUNK
        self._lasting: dict[str, Drawn] = {}
        self._groups: dict[str, tuple[Truth, Truth, Truth, Whole]] = {}
        self._enrolled: dict[int, Truth] = {}
        self._claiming: dict[int, Truth] = {}
        self._parts: dict[tuple[str, int], Either] = {}

    def dice(self, name: str, year: int = 0) -> Dice:
        return Dice(self.plan.seed, self.number, crc32(name.encode()), year)

    def column(self, fact: m.Fact, year: int) -> Drawn:
        """Return the values of a fact of the year, or (year 0) of the record."""
        import numpy as np

        profile = self.plan.profile
        if fact is self.plan.role(profile.enrolment, Kind.BOOL) and fact.yearly:
            return Drawn(self.enrolled(year))
        if fact is self.plan.role(profile.payment, Kind.DATE) and fact.yearly:
            return Drawn(np.clip(self._payment(year), *limits_of(fact)), self._paying(fact, year))
        if fact is self.plan.role(profile.birth, Kind.DATE) and not fact.yearly and self.plan.entry(fact).quantiles:
            return Drawn(self._birth, self._has(fact, year))
        if fact.type.kind is Kind.BOOL and not fact.type.nullable:
            return Drawn(self._truth(fact, year))
        if (whole := self._whole(fact, year)) is not None:
            return self._part(fact, whole, year)
        if not self.plan.entry(fact).constant:
            return self._drawn(fact, year)
        if fact.name not in self._lasting:
            self._lasting[fact.name] = self._drawn(fact, 0)
        return self._lasting[fact.name]

    # ── enrolment ──

    def enrolled(self, year: int) -> Truth:
        """Return who is enrolled in a year. Other records than persons always count as enrolled."""
        import numpy as np

        plan = self.plan
        if plan.entity != INSURED or plan.role(plan.profile.enrolment, Kind.BOOL) is None:
            return np.ones(CHUNK, dtype=np.bool_)
        if year not in self._enrolled:
            self._enrolled[year] = self._went_on(year)
        return self._enrolled[year]

    def _went_on(self, year: int) -> Truth:
        import numpy as np

        profile, dice = self.plan.profile, self.dice("\0enrolment", year).small(CHUNK)
        begins, stays, returns = dice < profile.enrolled, dice >= profile.lapse, dice < profile.back
        born = self._birth < date(year + 1, 1, 1).toordinal()
        if year <= self.plan.years.start:
            return born & begins
        known = self._birth < date(year, 1, 1).toordinal()
        return born & np.where(known, np.where(self.enrolled(year - 1), stays, returns), begins)

    @cached_property
    def _birth(self) -> Whole:
        """The days of birth, also of those whose record does not say it: a column of ordinals."""
        import numpy as np

        fact = self.plan.role(self.plan.profile.birth, Kind.DATE)
        knots = () if fact is None else self.plan.entry(fact).quantiles
        if fact is None or not knots:
            return np.zeros(CHUNK, dtype=np.int64)
        days: Whole = self._values(fact, 0, CHUNK)[0]
        return days

    def _paying(self, fact: m.Fact, year: int) -> Truth | None:
        """Whose record says when they paid, None where all do."""
        if fact.required_when is not None:
            return self._asked(fact, year)
        return None if fact.required else self.enrolled(year)

    def _payment(self, year: int) -> Whole:
        """The days of payment: in the window, the others from its end to the end of the year; nobody pays before birth."""
        import numpy as np

        (month, day), (last_month, last_day) = self.plan.profile.window
        first, last = date(year - 1, month, day).toordinal(), date(year, last_month, last_day).toordinal()
        end = max(date(year, 12, 31).toordinal(), last + 1)
        dice = self.dice(self.plan.profile.payment, year)
        within = dice.yes(self.plan.profile.in_window, CHUNK)
        start, length = np.where(within, first, last + 1), np.where(within, max(last - first + 1, 1), end - last)
        days: Whole = np.maximum(start + ((dice.small(CHUNK) * length) >> 16), self._birth)
        return days

    def claiming(self, year: int) -> Truth:
        """Return who has costs in a year: some of those enrolled."""
        if year not in self._claiming:
            self._claiming[year] = self.enrolled(year) & self.dice("\0claims", year).yes(
                self.plan.profile.claims, CHUNK
            )
        return self._claiming[year]

    def _among(self, entry: Entry, year: int) -> Truth | None:
        """Who may have a value, None where all may."""
        if year == 0 or entry.among in (None, "全部"):
            return None
        return self.enrolled(year) if entry.among == "参保" else self.claiming(year)

    # ── facts ──

    def _truth(self, fact: m.Fact, year: int) -> Truth:
        """Yes or no: who differs from the default, some of them only from or up to a year."""
        entry, usual = self.plan.entry(fact), bool(default_of(fact))
        rare = entry.share or 0
        rare = WHOLE - rare if usual else rare
        if not entry.constant or year == 0:
            odd = self.dice(fact.name, year).yes(rare, CHUNK)
        else:
            odd = self._belonging(fact, rare, year)
        among = self._among(entry, year)
        odd = odd if among is None else odd & among
        return ~odd if usual else odd

    def _belonging(self, fact: m.Fact, share: int, year: int) -> Truth:
        if fact.name not in self._groups:
            dice = self.dice(fact.name)
            member = dice.yes(share, CHUNK)
            turning = member & dice.yes(self.plan.profile.turnover, CHUNK)
            begins, turn = dice.yes(WHOLE // 2, CHUNK), _TURNS[0] + dice.below(_TURNS[1], CHUNK)
            self._groups[fact.name] = (member, turning, begins, turn)
        member, turning, begins, turn = self._groups[fact.name]
        belongs: Truth = member & (~turning | ((turn <= year) == begins))
        return belongs

    def _drawn(self, fact: m.Fact, year: int) -> Drawn:
        """A column of values: where there is none, the default, or nothing."""
        import numpy as np

        has = self._has(fact, year)
        if has is None:
            values, labels = self._values(fact, year, CHUNK)
            return Drawn(values, None, labels)
        some = np.flatnonzero(has)
        drawn, labels = self._values(fact, year, len(some))
        column: Either = np.full(CHUNK, _base(fact), dtype=drawn.dtype)
        column[some] = drawn
        return Drawn(column, None if fact.has_default else has, labels)

    def _whole(self, fact: m.Fact, year: int) -> m.Fact | None:
        """The fact that an amount is part of, where the profile says so and records of the year have it."""
        name = self.plan.entry(fact).of
        return None if not name else next((f for f, years in self.plan.facts if f.name == name and year in years), None)

    def _part(self, fact: m.Fact, whole: m.Fact, year: int) -> Drawn:
        """Amounts that are shares of others: nothing of nothing."""
        import numpy as np

        entry, dice = self.plan.entry(fact), self.dice(fact.name, year)
        if (whole.name, year) not in self._parts:
            self._parts[whole.name, year] = self.column(whole, year).values
        all_of = self._parts[whole.name, year]
        has = (all_of > 0) & self.dice("\0has " + fact.name, year).yes(entry.share or 0, CHUNK)
        some = np.flatnonzero(has)
        values = np.full(CHUNK, _base(fact), dtype=np.int64)
        values[some] = np.clip((all_of[some] * dice.spread(entry.quantiles, len(some))) >> 16, *limits_of(fact))
        return Drawn(values, None if fact.has_default else has)

    def _has(self, fact: m.Fact, year: int) -> Truth | None:
        """Who has a value of its own, None where all have: where it is required, those for whom it is."""
        if fact.required or (not fact.has_default and not fact.type.nullable):
            return None
        if fact.required_when is not None:
            return self._asked(fact, year)
        entry = self.plan.entry(fact)
        has = self.dice("\0has " + fact.name, year).yes(entry.share or 0, CHUNK)
        among = self._among(entry, year)
        return has if among is None else has & among

    def _asked(self, fact: m.Fact, year: int) -> Truth | None:
        """For whom a fact is required under a condition: where a single fact decides, those; else it is given for all."""
        import numpy as np

        match fact.required_when:
            case m.FactRef(name=name, lag=0, yearly=yearly):
                given = (
                    f for f, years in self.plan.facts if f.name == name and (year if yearly else 0) in (years or (0,))
                )
                decides = next(given, None)
                if decides is not None and decides.type.kind is Kind.BOOL and not decides.type.nullable:
                    truth: Truth = self.column(decides, year if yearly else 0).values.astype(np.bool_)
                    return truth
        return None

    def _values(self, fact: m.Fact, year: int, count: int) -> tuple[Either, Sequence[str] | None]:
        """Draw ``count`` values of a fact, with what they stand for where it is text."""
        import numpy as np

        entry, dice = self.plan.entry(fact), self.dice(fact.name, year)
        if fact.type.kind is Kind.BOOL:
            return dice.yes(entry.share or 0, count), None
        labels, (low, high) = _labels(fact, self.plan), limits_of(fact)
        if entry.values:
            return np.array(entry.values, dtype=np.int64)[dice.below(len(entry.values), count)], labels
        if knots := _usual_values(fact, self.plan.profile) if entry.of else entry.quantiles:
            yuan = 100 if fact.type.kind is Kind.MONEY and low % 100 == 0 else 1
            return dice.spread(knots, count, yuan), labels
        if labels is not None:
            return dice.below(len(labels), count), labels
        first = max(date(year, 1, 1).toordinal(), 1) if year else date(1950, 1, 1).toordinal()
        return np.clip(first + dice.below(365 if year else 20_000, count), low, high), None


# ── what is usual ────────────────────────────────────────────────────────────


def _filled(fact: m.Fact, entry: Entry, profile: Profile) -> Entry:
    """The entry of a fact with what the profile leaves open."""
    cost = fact.type.kind is Kind.MONEY and fact.yearly and fact.has_default and entry.among is None
    group = fact.type.kind is Kind.BOOL and not fact.type.nullable and entry.among is None and entry.share is None
    return Entry(
        _usual_share(fact, profile) if entry.share is None else entry.share,
        "就医" if cost else entry.among,
        entry.quantiles or (() if entry.values else _usual_values(fact, profile)),
        entry.values,
        entry.of,
        entry.constant or group or (fact.type.nullable and entry == Entry() and fact.type.kind is not Kind.DATE),
    )


def _usual_share(fact: m.Fact, profile: Profile) -> int:
    if fact.type.kind is Kind.LINK:
        return 0
    if fact.type.kind is Kind.BOOL and not fact.type.nullable:
        return WHOLE - profile.groups if default_of(fact) else profile.groups
    if fact.type.nullable:
        return profile.optional
    return WHOLE if fact.type.kind is Kind.ENUM else profile.costs


def _usual_values(fact: m.Fact, profile: Profile) -> tuple[int, ...]:
    """Quantiles, in units, for a fact of which the profile says nothing."""
    usual: Mapping[Kind, Callable[[], tuple[int, ...]]] = {
        Kind.MONEY: lambda: profile.amounts,
        Kind.RATE: lambda: (5 * 10**fact.digits // 10, 9 * 10**fact.digits // 10),
        Kind.INT: lambda: (1, 2, 3, 5, 10),
        Kind.YEARS: lambda: (1, 2, 3, 5),
        Kind.MONTHS: lambda: (1, 3, 6, 12),
        Kind.DAYS: lambda: (1, 7, 14, 30, 90),
        Kind.YEAR: lambda: (2016, 2030),
    }
    low, high = limits_of(fact)
    return tuple(min(max(v, low), high) for v in usual[fact.type.kind]()) if fact.type.kind in usual else ()


def _labels(fact: m.Fact, plan: Plan) -> Sequence[str] | None:
    """What the numbers drawn for a fact stand for: options, ids of other records, a place; None where they are the values."""
    match fact.type.kind:
        case Kind.ENUM:
            return fact.type.members
        case Kind.LINK:
            prefix = ident_prefix(fact.type.target)
            return [f"{prefix}{number:08d}" for number in range(1, plan.profile.targets + 1)]
        case Kind.PLACE:
            return (plan.program.place,)
        case Kind.TEXT:
            return ("示例",)
    return None


def _base(fact: m.Fact) -> int:
    """What stands where a fact has no value of its own: its default, in units, members of an enumeration by number."""
    default = default_of(fact)
    if isinstance(default, str):
        return fact.type.members.index(default) if fact.type.kind is Kind.ENUM else 0
    return default.toordinal() if isinstance(default, date) else int(default or 0)
