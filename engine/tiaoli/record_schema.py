"""The JSON Schema (2020-12) of one record, made from the facts of a program."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

from tiaoli.model import Fact, Program
from tiaoli.record_facts import ID_KEYS, KIND_KEYS, PLACE_KEYS, YEARS_KEYS, default_of, kinds_of, limits_of, outward
from tiaoli.values import INSURED, INSURED_NAMES, Kind, Type, Value

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PLACE = {"type": "string", "pattern": "^[A-Z]{2}(-[^-\\s_]+)*$"}


def record_schema(program: Program, entity: str | None = None) -> dict[str, object]:
    """Return the schema of one record of the kind ``entity``, or of any kind. Numbers with decimals are `Decimal`; `schema_text` writes
    them as JSON numbers."""
    if entity is None and program.entities:
        kinds = [_named(_one_kind(program, kind), kind) for kind in kinds_of(program)]
        return {"$schema": DIALECT, "title": f"{program.place} 记录", "oneOf": kinds}
    return {"$schema": DIALECT} | _one_kind(program, entity or INSURED)


def _named(schema: dict[str, object], entity: str) -> dict[str, object]:
    """A record of another kind than the insured person must say so."""
    if entity == INSURED:
        return schema
    return schema | {"anyOf": [{"required": [key]} for key in KIND_KEYS]}


def _one_kind(program: Program, entity: str) -> dict[str, object]:
    facts = program.facts_of(entity)
    years = _years([fact for fact in facts if fact.yearly])
    identifier = {"type": ["string", "integer"], "title": "编号", "minLength": 1}
    properties: dict[str, object] = dict.fromkeys(ID_KEYS, identifier)
    properties |= {fact.name: _fact(fact) for fact in facts if not fact.yearly}
    properties |= dict.fromkeys(YEARS_KEYS, years)
    if program.entities:
        properties |= dict.fromkeys(KIND_KEYS, _kind(entity))
    schema: dict[str, object] = {
        "title": f"{program.place} {entity}记录",
        "type": "object",
        "properties": properties,
        "required": [fact.name for fact in facts if fact.required and not fact.yearly],
        "oneOf": [{"required": [key]} for key in ID_KEYS],
        "additionalProperties": False,
    }
    both: dict[str, object] = {"required": list(YEARS_KEYS)}
    if program.entities:
        both = {"anyOf": [both, {"required": list(KIND_KEYS)}]}
    needs_years = any(fact.required for fact in facts if fact.yearly)
    asked = [{"required": [key]} for key in YEARS_KEYS]
    demand: dict[str, object] = {"allOf": [{"anyOf": asked}]} if program.entities else {"anyOf": asked}
    return schema | (demand if needs_years else {}) | {"not": both}


def schema_text(program: Program, entity: str | None = None) -> str:
    """Return the schema as indented JSON text, decimals written exactly."""
    return "".join(_write(record_schema(program, entity), "")) + "\n"


def _kind(entity: str) -> dict[str, object]:
    return {"title": "对象", "enum": list(INSURED_NAMES) if entity == INSURED else [entity]}


def _years(facts: list[Fact]) -> dict[str, object]:
    year = {
        "type": "object",
        "properties": {fact.name: _fact(fact) for fact in facts}
        | dict.fromkeys(PLACE_KEYS, _PLACE | {"title": "地区"}),
        "required": [fact.name for fact in facts if fact.required],
        "not": {"required": list(PLACE_KEYS)},
        "additionalProperties": False,
    }
    return {
        "title": "年度",
        "type": "object",
        "propertyNames": {"pattern": "^[0-9]{4}(年度)?$"},
        "additionalProperties": year,
    }


def _fact(fact: Fact) -> dict[str, object]:
    shape = _shape(fact)
    if fact.type.nullable:
        shape = {"anyOf": [shape, {"type": "null"}]}
    description = " ".join(text for text in (fact.question, fact.note) if text)
    default = default_of(fact)
    return (
        {"title": fact.name}
        | ({"description": description} if description else {})
        | shape
        | ({"default": _default(fact.type, fact, default)} if default is not None else {})
    )


def _shape(fact: Fact) -> dict[str, object]:
    match fact.type.kind:
        case Kind.BOOL:
            return {"enum": [True, False, "是", "否"]}
        case Kind.MONEY | Kind.RATE:
            # No multipleOf: validators that read numbers as doubles would refuse 0.07. The reader itself counts the decimals.
            return {"type": "number"} | _bounds(fact)
        case Kind.DATE:
            return {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
        case Kind.ENUM:
            return {"enum": list(fact.type.members)}
        case Kind.PLACE:
            return dict(_PLACE)
        case Kind.TEXT:
            return {"type": "string"}
        case Kind.LINK:
            return {"type": ["string", "integer"], "minLength": 1, "description": f"{fact.type.target}的编号"}
        case Kind.YEAR:
            number = {"type": "integer", "minimum": 1000, "maximum": 9999} | _bounds(fact)
            return {"anyOf": [number, {"type": "string", "pattern": "^[0-9]{4}年度$"}]}
    return {"type": "integer"} | _bounds(fact)


def _bounds(fact: Fact) -> dict[str, object]:
    stated = zip(("minimum", "maximum"), fact.range, limits_of(fact), strict=True)
    return {name: _exact(Decimal(outward(fact, units))) for name, bound, units in stated if bound is not None}


def _default(of: Type, fact: Fact, value: Value) -> object:
    if of.kind in (Kind.MONEY, Kind.RATE) and isinstance(value, int | Fraction):
        return _exact(Decimal(outward(fact, value)))
    return value if isinstance(value, bool | int | str) else str(value)


def _exact(value: Decimal) -> Decimal | int:
    return int(value) if value == value.to_integral_value() else value


def _write(value: object, indent: str) -> Iterator[str]:
    match value:
        case Mapping() if value:
            deeper = indent + "  "
            for index, (key, item) in enumerate(value.items()):
                yield ("{\n" if index == 0 else ",\n") + deeper + json.dumps(key, ensure_ascii=False) + ": "
                yield from _write(item, deeper)
            yield f"\n{indent}}}"
        case Decimal():
            yield format(value, "f")
        case list():
            parts = ("".join(_write(item, indent)) for item in value)
            yield "[" + ", ".join(parts) + "]"
        case _:
            yield json.dumps(value, ensure_ascii=False)
