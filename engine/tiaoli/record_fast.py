"""The quick way from a plain record to a `Person`: Python source written for one shape of record and compiled once.

It accepts only what is beyond doubt and returns None for everything else, without saying why; `record_judge` then finds out. Whatever
passes here means the same there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Clamped, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, Underflow
from typing import TypeAlias, cast

from tiaoli.model import Fact
from tiaoli.record_facts import BOOLS, PLACE, Person, Shape, default_of, digits_of, limits_of
from tiaoli.values import INSURED, INSURED_NAMES, Kind

Quick: TypeAlias = Callable[[object], Person | None]

# Sums of money and rates that do not fit are left to the slow way, before they could be rounded or grow without bound.
_EXACT = Context(
    prec=28, Emin=-40, Emax=40, traps=[Inexact, Overflow, Underflow, InvalidOperation, DivisionByZero, Clamped]
)
_FAR_YEARS = 200


def compile_quick(shape: Shape) -> Quick:
    """Return the quick reader of records of ``shape``."""
    names: dict[str, object] = {
        "ABSENT": object(),
        "BOOLS": BOOLS,
        "Decimal": Decimal,
        "Person": Person,
        "date": date,
        "from_iso": date.fromisoformat,
        "place_fits": PLACE.fullmatch,
        "scaled": _EXACT.multiply,
        "YEARS": _year_keys(shape),
        "NEEDED": frozenset(shape.years) if shape.required_yearly else frozenset(),
    }
    source = "\n".join(_source(shape, names))
    exec(compile(source, "<records>", "exec"), names)
    return cast("Quick", names["quick"])


def _year_keys(shape: Shape) -> dict[object, int]:
    first = shape.program.first
    years = range(max(first, 1000), min(max(shape.program.last, first) + _FAR_YEARS, 10_000))
    return {key: year for year in years for key in (year, str(year), f"{year}年度")}


def _source(shape: Shape, names: dict[str, object]) -> Iterator[str]:
    yield "def quick(record):"
    yield "    try:"
    yield from _indent(8, _person(shape, names))
    yield "    except (TypeError, ValueError, ArithmeticError, KeyError, AttributeError):"
    yield "        return None"


def _person(shape: Shape, names: dict[str, object]) -> Iterator[str]:
    yield from (
        "if record.__class__ is not dict: return None",
        "get = record.get",
        "left = len(record) - 1",
        "ident = get('编号')",
        "if ident is None: ident = get('id')",
        "if ident.__class__ is int: ident = str(ident)",
        "elif ident.__class__ is not str or not ident.strip() or not ident.isprintable(): return None",
    )
    if shape.kind_keys:
        names["KINDS"] = INSURED_NAMES if shape.entity == INSURED else (shape.entity,)
        yield "kind = get('对象')"
        yield "if kind is None: kind = get('entity')"
        yield "if kind is not None:"
        yield "    if kind not in KINDS: return None"
        yield "    left -= 1"
    for index, fact in enumerate(shape.person):
        yield from _fact(fact, f"p{index}", names)
    yield from (
        f"person = {_row('p', len(shape.person))}",
        "years = {}",
        "places = {}",
        "listed = get('年度')",
        "if listed is None: listed = get('years')",
        "if listed is not None:",
        "    left -= 1",
        "    if listed.__class__ is not dict: return None",
        "    for key, data in listed.items():",
    )
    yield from _indent(8, _year(shape, names))
    yield "if left or not NEEDED <= years.keys(): return None"
    kind = "" if shape.entity == INSURED else f", {shape.entity!r}"
    yield f"return Person(ident, person, years, places{kind})"


def _year(shape: Shape, names: dict[str, object]) -> Iterator[str]:
    yield from (
        "year = YEARS[key]",
        "if year in years or data.__class__ is not dict: return None",
        "get = data.get",
        "left += len(data)",
    )
    for index, fact in enumerate(shape.yearly):
        yield from _fact(fact, f"y{index}", names)
    yield f"row = {_row('y', len(shape.yearly))}"
    yield from (
        "place = get('地区')",
        "if place is None: place = get('place')",
        "if place is not None:",
        "    if not place_fits(place): return None",
        "    left -= 1",
        "    places[year] = place",
    )
    for fact, index, condition in shape.conditional():
        name = f"{'y' if fact.yearly else 'p'}{index}"
        names[f"need_{name}"] = condition
        yield f"if {name} is None and {_between(fact)}need_{name}(year, person, row): return None"
    yield "years[year] = row"


def _between(fact: Fact) -> str:
    first = f"{fact.required_first} <= year and " if fact.required_first is not None else ""
    last = f"year <= {fact.required_last} and " if fact.required_last is not None else ""
    return first + last


def _fact(fact: Fact, name: str, names: dict[str, object]) -> Iterator[str]:
    """Yield lines that leave the value of ``fact`` in the variable ``name``, having counted it off ``left``."""
    names[f"default_{name}"] = default_of(fact)
    yield f"{name} = get({fact.name!r}, ABSENT)"
    yield f"if {name} is ABSENT: " + ("return None" if fact.required else f"{name} = default_{name}")
    yield "else:"
    yield "    left -= 1"
    if fact.type.nullable:
        yield f"    if {name} is not None:"
        yield from _indent(8, _value(fact, name, names))
    else:
        yield from _indent(4, _value(fact, name, names))


def _value(fact: Fact, name: str, names: dict[str, object]) -> Iterator[str]:
    low, high = limits_of(fact)
    match fact.type.kind:
        case Kind.BOOL:
            yield f"if {name} is not True and {name} is not False: {name} = BOOLS[{name}]"
        case Kind.MONEY | Kind.RATE:
            yield from _decimal(name, 10 ** digits_of(fact))
            yield f"if not {low} <= {name} <= {high}: return None"
        case Kind.DATE:
            yield f"if {name}.__class__ is not date:"
            # Of the ISO forms with ten characters only YYYY-MM-DD has a hyphen there.
            yield f"    if len({name}) != 10 or {name}[7] != '-': return None"
            yield f"    {name} = from_iso({name})"
            if fact.range != (None, None):
                yield f"if not {low} <= {name}.toordinal() <= {high}: return None"
        case Kind.ENUM:
            names[f"members_{name}"] = frozenset(fact.type.members)
            yield f"if {name} not in members_{name}: return None"
        case Kind.PLACE:
            yield f"if not place_fits({name}): return None"
        case Kind.LINK:
            yield f"if {name}.__class__ is int: {name} = str({name})"
            yield f"elif {name}.__class__ is not str or not {name}.strip() or not {name}.isprintable(): return None"
        case Kind.TEXT:
            yield f"if {name}.__class__ is not str: return None"
        case Kind.YEAR:
            yield f"if {name}.__class__ is not int or not {max(low, 1000)} <= {name} <= {min(high, 9999)}: return None"
        case _:
            yield f"if {name}.__class__ is not int or not {low} <= {name} <= {high}: return None"


def _decimal(name: str, factor: int) -> Iterator[str]:
    yield f"if {name}.__class__ is int: {name} *= {factor}"
    yield f"elif {name}.__class__ is Decimal:"
    yield f"    exact = scaled({name}, {factor})"
    yield f"    {name} = int(exact)"
    yield f"    if {name} != exact: return None"
    yield "else: return None"


def _row(prefix: str, count: int) -> str:
    return "(" + "".join(f"{prefix}{index}, " for index in range(count)) + ")"


def _indent(width: int, lines: Iterator[str]) -> Iterator[str]:
    return (" " * width + line for line in lines)
