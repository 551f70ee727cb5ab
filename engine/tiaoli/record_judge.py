"""The slow way from a plain record to a `Person`: every fault of the record, each at its place.

A record comes as plain values with a `Located` map of where they stand; paths are keys from the record down, as written. The published
JSON Schema has the last word: nothing it refuses passes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING

from tiaoli.diagnostic import Diagnostic
from tiaoli.model import Fact
from tiaoli.nearness import nearest
from tiaoli.record_facts import (
    BOOLS,
    ID_KEYS,
    KIND_KEYS,
    NUMBER,
    PLACE,
    PLACE_KEYS,
    YEARS_KEYS,
    Odd,
    Person,
    Shape,
    default_of,
    digits_of,
    limits_of,
    range_text,
    year_of,
)
from tiaoli.record_places import DATE, Located, Path, Spot, calendar_date, printable, shown
from tiaoli.source import half_width
from tiaoli.values import Kind, Value

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator


_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_EXAMPLE_YEAR = 2025
# Beyond these powers of ten a decimal is refused by its exponent alone, since writing it out could take all memory.
_FAR = 40


class Judge:
    """Finds the faults of records of one shape."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.person = {fact.name: fact for fact in shape.person}
        self.yearly = {fact.name: fact for fact in shape.yearly}
        self._validator: Draft202012Validator | None = None

    def judge(
        self, record: Located, path: str | None = None, number: int = 1, seen: Mapping[str, int | None] | None = None
    ) -> tuple[Person | None, str | None, list[Diagnostic]]:
        """Return the person, or None with the faults; the id in between is given wherever it can be told.

        ``number`` counts the records of a file from 1 and names a record without an id; ``seen`` are the ids before it, with lines.
        """
        hearing = _Hearing(self, record, path, number, seen or {})
        person = hearing.hear()
        if not hearing.faults:
            hearing.ask_schema()
        faults = sorted(hearing.faults, key=lambda fault: (fault.line or 0, fault.column or 0))
        return (None if faults else person), hearing.ident, faults

    def validator(self) -> Draft202012Validator:
        """Return the validator of the published schema, made at its first use."""
        if self._validator is None:
            from jsonschema import Draft202012Validator

            from tiaoli.record_schema import record_schema

            checker = Draft202012Validator.FORMAT_CHECKER
            self._validator = Draft202012Validator(
                record_schema(self.shape.program, self.shape.entity), format_checker=checker
            )
        return self._validator


class _Hearing:
    """One record before the judge."""

    def __init__(
        self, judge: Judge, record: Located, path: str | None, number: int, seen: Mapping[str, int | None]
    ) -> None:
        self.of = judge
        self.shape = judge.shape
        self.record = record
        self.path = path
        self.number = number
        self.seen = seen
        self.person_sound = True
        self.ident: str | None = None
        self.faults: list[Diagnostic] = []

    # ── saying ──

    def fault(self, code: str, at: Path, spot: Spot | None = None, **arguments: object) -> None:
        """Note a fault of what stands at ``at``; ``spot`` where it should be shown elsewhere."""
        line, column = spot or self.record.at(at)
        whole = self._whereabouts(at) | arguments
        whole = {name: printable(value) if isinstance(value, str) else value for name, value in whole.items()}
        self.faults.append(Diagnostic(code, whole, path=self.path, line=line, column=column))

    def _whereabouts(self, at: Path) -> dict[str, object]:
        in_years = bool(at) and at[0] in YEARS_KEYS
        year = year_of(at[1]) if in_years and len(at) > 1 else None
        fact = at[-1] if at and (not in_years or len(at) > 2) else None
        parts = [self.ident or f"#{self.number}"]
        if in_years:
            parts.append(str(year or (at[1] if len(at) > 1 else at[0])))
        parts += [fact] if fact is not None else []
        return {"where": " · ".join(parts), "person": self.ident, "year": year, "fact": fact}

    # ── hearing ──

    def hear(self) -> Person | None:
        record = self.record.value
        if not isinstance(record, Mapping):
            self.fault("E713", (), found=shown(record))
            return None
        self.ident = _identifier(record)
        for trouble in self.record.troubles:
            self.fault(trouble.code, trouble.path, (trouble.line, trouble.column), **trouble.arguments)
        self._check_id(record)
        keys = {*ID_KEYS, *YEARS_KEYS, *self.shape.kind_keys}
        if self.shape.kind_keys:
            self._one_of(record, (), KIND_KEYS)
        before = len(self.faults)
        facts = self._facts(record, (), self.shape.person)
        self.person_sound = len(self.faults) == before
        self._strangers(record, (), keys, self.of.person)
        years, places = self._years(record, facts)
        if self.faults or self.ident is None:
            return None
        return Person(self.ident, facts, years, places, self.shape.entity)

    def _check_id(self, record: Mapping[object, object]) -> None:
        key = self._one_of(record, (), ID_KEYS)
        if key is None:
            self.fault("E715", ())
        elif self.ident is None:
            raw = record[key]
            blank = raw is None or (isinstance(raw, str) and not raw.strip())
            self.fault("E715" if blank else "E716", (key,), name=key, found=shown(raw))
        elif self.ident in self.seen:
            self.fault("E717", (key,), first=self.seen[self.ident])

    def _one_of(self, record: Mapping[object, object], at: Path, keys: tuple[str, str]) -> str | None:
        """Return the spelling of a reserved key in use, or None; both at once are a fault."""
        used = [key for key in record if key in keys]
        if len(used) > 1:
            first = self.record.key((*at, str(used[0])))
            second = (*at, str(used[1]))
            self.fault("E725", second, self.record.key(second), name=used[1], first=first[0])
        return str(used[0]) if used else None

    def _facts(self, data: Mapping[object, object], at: Path, facts: tuple[Fact, ...]) -> tuple[Value, ...]:
        return tuple(self._fact(data, at, fact) for fact in facts)

    def _fact(self, data: Mapping[object, object], at: Path, fact: Fact) -> Value:
        path = (*at, fact.name)
        if fact.name in data:
            return self._value(fact, data[fact.name], path)
        if fact.required:
            self._missing("E726", fact, path)
        return default_of(fact)

    def _missing(self, code: str, fact: Fact, path: Path) -> None:
        spot = self.record.key(path[:-1]) if len(path) > 1 else self.record.at(())
        self.fault(code, path, spot, type=fact.type.present.name("zh"), type_en=fact.type.present.name("en"))

    def _strangers(
        self, data: Mapping[object, object], at: Path, reserved: set[str], known: Mapping[str, Fact]
    ) -> None:
        for key in data:
            if key not in reserved and key not in known:
                self._stranger(str(key), (*at, str(key)), known, reserved)

    def _stranger(self, name: str, path: Path, known: Mapping[str, Fact], reserved: set[str]) -> None:
        spot = self.record.key(path)
        in_year = len(path) > 1
        if not in_year and (name in self.of.yearly or name in PLACE_KEYS):
            self.fault("E720", path, spot, name=name, example=self._example_year())
        elif in_year and (name in self.of.person or name in ID_KEYS):
            self.fault("E721", path, spot, name=name)
        elif close := nearest(name, [*known, *reserved]) or nearest(name, [*self.of.person, *self.of.yearly]):
            self.fault("E718", path, spot, name=name, nearest=close)
        else:
            self.fault(
                "E719",
                path,
                spot,
                name=name,
                known="、".join([*sorted(reserved - {"id", "years", "place", "entity"}), *known]),
            )

    def _example_year(self) -> int:
        return self.shape.years[0] if self.shape.years else max(_EXAMPLE_YEAR, self.shape.program.first)

    # ── years ──

    def _years(
        self, record: Mapping[object, object], facts: tuple[Value, ...]
    ) -> tuple[dict[int, tuple[Value, ...]], dict[int, str]]:
        years: dict[int, tuple[Value, ...]] = {}
        places: dict[int, str] = {}
        lines: dict[int, int | None] = {}
        key = self._one_of(record, (), YEARS_KEYS)
        listed = record[key] if key is not None else {}
        if not isinstance(listed, Mapping):
            self.fault("E713", (str(key),), found=shown(listed))
            return years, places
        for written, data in listed.items():
            path = (str(key), str(written))
            year = self._year(written, path, lines)
            if year is not None and isinstance(data, Mapping):
                years[year] = self._year_facts(year, data, path, facts)
                if (place := self._place(data, path)) is not None:
                    places[year] = place
            elif year is not None:
                self.fault("E713", path, found=shown(data))
        self._missing_years(key or YEARS_KEYS[0], lines)
        return years, places

    def _year(self, written: object, path: Path, lines: dict[int, int | None]) -> int | None:
        """Return the year of a key of 年度, or None where it is a fault."""
        year = year_of(written)
        spot = self.record.key(path)
        if year is None:
            self.fault("E722", path, spot, found=shown(written))
            return None
        if year in lines:
            self.fault("E723", path, spot, first=lines[year])
            return None
        lines[year] = spot[0]
        if year < self.shape.program.first:
            self.fault("E724", path, spot, start=self.shape.program.first)
            return None
        return year

    def _missing_years(self, key: str, given: Mapping[int, object]) -> None:
        for year in self.shape.years:
            if year not in given:
                for fact in self.shape.required_yearly:
                    path = (key, str(year), fact.name)
                    self._missing("E726", fact, path)

    def _year_facts(
        self, year: int, data: Mapping[object, object], path: Path, person: tuple[Value, ...]
    ) -> tuple[Value, ...]:
        before = len(self.faults)
        row = self._facts(data, path, self.shape.yearly)
        self._strangers(data, path, set(PLACE_KEYS), self.of.yearly)
        if len(self.faults) > before or not self.person_sound:
            return row
        for fact, index, condition in self.shape.conditional():
            absent = (row if fact.yearly else person)[index] is None
            if absent and _in_force(fact, year) and condition(year, person, row):
                self._missing("E727", fact, (*path, fact.name))
        return row

    def _place(self, data: Mapping[object, object], at: Path) -> str | None:
        key = self._one_of(data, at, PLACE_KEYS)
        return None if key is None else self._place_value(data[key], (*at, key))

    # ── values ──

    def _value(self, fact: Fact, raw: object, at: Path) -> Value:
        """Return the value that ``raw`` gives ``fact``, in units; None where it is a fault."""
        if raw is None:
            if not fact.type.nullable:
                self.fault("E728", at)
            return None
        if isinstance(raw, float):
            self.fault("E712", at, found=shown(raw))
            return None
        match fact.type.kind:
            case Kind.BOOL:
                return self._bool(raw, at)
            case Kind.DATE:
                return self._date(fact, raw, at)
            case Kind.ENUM:
                return self._member(fact, raw, at)
            case Kind.PLACE:
                return self._place_value(raw, at)
            case Kind.TEXT:
                return self._text(raw, at)
            case Kind.LINK:
                return self._link(fact, raw, at)
            case Kind.YEAR:
                return self._year_value(fact, raw, at)
        return self._number(fact, raw, at)

    def _bool(self, raw: object, at: Path) -> bool | None:
        if isinstance(raw, bool):
            return raw
        if isinstance(raw, str) and raw in BOOLS:
            return BOOLS[raw]
        self.fault("E736", at, found=shown(raw))
        return None

    def _number(self, fact: Fact, raw: object, at: Path) -> int | None:
        if isinstance(raw, Odd) or (isinstance(raw, Decimal) and not raw.is_finite()):
            self.fault("E732", at, found=shown(raw))
        elif isinstance(raw, str) and NUMBER.fullmatch(raw.strip()):
            self.fault("E729", at, found=shown(raw), plain=raw.strip())
        elif isinstance(raw, bool) or not isinstance(raw, int | Decimal):
            self.fault("E730", at, found=shown(raw))
        elif isinstance(raw, Decimal) and raw and raw.adjusted() > _FAR:
            self._outside(fact, raw, at)
        elif isinstance(raw, Decimal) and raw and raw.adjusted() < -_FAR:
            self._fraction(fact, raw, at)
        else:
            return self._units(fact, raw, at)
        return None

    def _units(self, fact: Fact, raw: int | Decimal, at: Path) -> int | None:
        numerator, denominator = raw.as_integer_ratio()
        factor: int = 10 ** digits_of(fact)
        units, rest = divmod(numerator * factor, denominator)
        if rest:
            self._fraction(fact, raw, at)
            return None
        low, high = limits_of(fact)
        if not low <= units <= high:
            self._outside(fact, raw, at)
            return None
        return units

    def _fraction(self, fact: Fact, raw: object, at: Path) -> None:
        digits = digits_of(fact)
        self.fault("E733" if digits else "E734", at, found=shown(raw), digits=digits)

    def _outside(self, fact: Fact, raw: object, at: Path) -> None:
        self.fault("E735", at, found=shown(raw), range=range_text(fact))

    def _date(self, fact: Fact, raw: object, at: Path) -> date | None:
        day = raw if isinstance(raw, date) and not isinstance(raw, datetime) else self._date_text(raw, at)
        if day is None:
            return None
        low, high = limits_of(fact)
        if not low <= day.toordinal() <= high:
            self._outside(fact, day, at)
            return None
        return day

    def _date_text(self, raw: object, at: Path) -> date | None:
        text = raw if isinstance(raw, str) else ""
        day = calendar_date(text)
        if day is not None and _ISO.fullmatch(text):
            return day
        impossible = day is None and DATE.fullmatch(text)
        self.fault("E737" if impossible else "E738", at, found=shown(raw))
        return None

    def _member(self, fact: Fact, raw: object, at: Path) -> str | None:
        members = fact.type.members
        if isinstance(raw, str) and raw in members:
            return raw
        text = raw if isinstance(raw, str) else shown(raw)
        close = (get_close_matches(half_width(text).strip(), members, 1, 0.0) or [*members, ""])[0]
        self.fault("E739", at, found=shown(raw), choices="、".join(members), nearest=close)
        return None

    def _place_value(self, raw: object, at: Path) -> str | None:
        if isinstance(raw, str) and PLACE.fullmatch(raw):
            return raw
        self.fault("E714", at, found=shown(raw))
        return None

    def _text(self, raw: object, at: Path) -> str | None:
        if isinstance(raw, str):
            return raw
        self.fault("E716", at, name=at[-1], found=shown(raw))
        return None

    def _link(self, fact: Fact, raw: object, at: Path) -> str | None:
        if isinstance(raw, list):
            self.fault(
                "E744",
                at,
                name=fact.name,
                entity=fact.type.target,
                found="、".join(shown(one) for one in raw),
                other="",
            )
            return None
        ident = _as_id(raw)
        if ident is None:
            self.fault("E716", at, name=at[-1], found=shown(raw))
        return ident

    def _year_value(self, fact: Fact, raw: object, at: Path) -> int | None:
        year = year_of(raw) if not (isinstance(raw, str) and NUMBER.fullmatch(raw)) else None
        if year is None:
            self.fault("E722", at, found=shown(raw))
            return None
        low, high = limits_of(fact)
        if not low <= year <= high:
            self._outside(fact, year, at)
        return year

    # ── the schema ──

    def ask_schema(self) -> None:
        """Let the published schema judge; what it says is English and comes only where the rules above had nothing to say."""
        for error in self.of.validator().iter_errors(as_json(self.record.value)):
            self.fault("E711", tuple(str(part) for part in error.absolute_path), reason=error.message)


def _identifier(record: Mapping[object, object]) -> str | None:
    return _as_id(next((record[key] for key in record if key in ID_KEYS), None))


def _as_id(raw: object) -> str | None:
    """Return what a record is called by, which may be written as a number; None where it is no such thing."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        return str(raw)
    if isinstance(raw, Odd):
        return raw.text if raw.text.isdigit() else None
    return raw if isinstance(raw, str) and raw.strip() and not _LONE_SURROGATE.search(raw) else None


def _in_force(fact: Fact, year: int) -> bool:
    first, last = fact.required_first, fact.required_last
    return (first is None or first <= year) and (last is None or year <= last)


def as_json(raw: object) -> object:
    """Return a record as JSON has it: keys are text, dates are text, whole decimals are integers."""
    match raw:
        case Mapping():
            return {str(key): as_json(value) for key, value in raw.items()}
        case date():
            return raw.isoformat()
        case Decimal() if raw == raw.to_integral_value():
            return int(raw)
        case Odd():
            return raw.text
    return raw
