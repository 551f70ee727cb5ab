"""Names → what they stand for, and texts → the types they declare. What cannot be resolved is said once, with the nearest name."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tiaoli import model as m
from tiaoli import syntax as s
from tiaoli.consolidate import entity_named
from tiaoli.diagnostic import Diagnostic
from tiaoli.everyday import in_tenths
from tiaoli.nearness import nearest
from tiaoli.operators import DATE_RANGE
from tiaoli.source import Span
from tiaoli.symbols import FactSymbol, InForce, ParameterSymbol, QuestionSymbol, RuleSymbol, Symbol
from tiaoli.values import (
    INSURED,
    INSURED_NAMES,
    KIND_NAMES,
    MODE_NAMES,
    RATE_DIGITS,
    ROUNDING_UNITS,
    Kind,
    Mode,
    Type,
    decimal_text,
)

DEFAULT_RANGES: dict[Kind, m.Range] = {
    Kind.MONEY: (0, 10**12),
    Kind.INT: (-(10**9), 10**9),
    Kind.RATE: (0, 100),
    Kind.YEARS: (0, 9999),
    Kind.MONTHS: (0, 9999),
    Kind.DAYS: (0, 999_999),
    Kind.DATE: DATE_RANGE,
    Kind.YEAR: (1900, 2199),
}
"""What facts may be when 范围 does not say: money from 0 to 100亿元, rates from 0 to 10000%, dates from 1900 to 2199, and so on."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What is known of a name before any expression is looked at."""

    symbol: Symbol
    type: Type
    scale: int
    has_initial: bool = False
    names_rounding: bool = False

    @property
    def owner(self) -> str | None:
        """The kind of record whose fact or rule this is; parameters and questions belong to none."""
        return self.symbol.entity if isinstance(self.symbol, FactSymbol | RuleSymbol) else None


class Names(dict[str, Signature]):
    """Signatures by name. While ``noted`` is a set, each name that is asked for is put into it; reading all of them puts ``*``, asking
    for kinds of record and the links between them 的."""

    noted: set[str] | None = None

    def get(self, name: str, default: Any = None) -> Any:
        self._note(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Signature:
        self._note(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self._note(str(name))
        return super().__contains__(name)

    def values(self) -> Any:
        self._note("*")
        return super().values()

    def items(self) -> Any:
        self._note("*")
        return super().items()

    def __iter__(self) -> Iterator[str]:
        self._note("*")
        return super().__iter__()

    def links(self) -> list[tuple[str, Signature]]:
        """Return the facts that point to other records."""
        self._note("的")
        return [(name, sig) for name, sig in super().items() if sig.type.kind is Kind.LINK]

    def _note(self, name: str) -> None:
        if self.noted is not None:
            self.noted.add(name)


@dataclass(frozen=True, slots=True)
class Scope:
    """The names of a place, each with its signature."""

    in_force: InForce
    signatures: Names
    found: list[Diagnostic] = field(compare=False)

    def is_entity(self, name: str) -> bool:
        """Whether ``name`` is that of a kind of record."""
        self.signatures.links()
        return is_entity(name, self.in_force)

    def links(self, entity: str, target: str | None = None) -> list[str]:
        """Return the facts of ``entity`` that point to records (of the kind ``target``)."""
        links = self.signatures.links()
        return [name for name, sig in links if sig.owner == entity and target in (None, sig.type.target)]

    def way(self, here: str, owner: str, name: str) -> str | None:
        """Return how a rule of ``here`` reaches ``name`` of ``owner``: through links, or over the records that point here; else None."""
        paths = deque([("", here)])
        while paths:
            path, entity = paths.popleft()
            for link in self.links(entity):
                target = self.signatures[link].type.target
                steps = f"{path}{link} 的 "
                if target == owner:
                    return steps + name
                if steps.count(" 的 ") < 3:
                    paths.append((steps, target))
        links = self.links(owner, here)
        if not links:
            return None
        by = "" if len(links) == 1 else f" 按 {links[0]}"
        condition = self.signatures[name].type.kind is Kind.BOOL if name in self.signatures else False
        return f"计数({owner}{by} 当 {name})" if condition else f"合计({owner}{by}, {name})"

    def unknown(self, name: str, span: Span, clause: str | None) -> None:
        """Say that ``name`` is not known here, and which known name is nearest."""
        if name in self.in_force.broken:
            return
        members = [n for n, sig in self.signatures.items() if name in sig.type.options]
        if members:
            self.found.append(Diagnostic("E206", {"name": name, "owner": members[0]}, span, clause))
            return
        figure = in_figures(name)
        if figure is not None:
            self.found.append(Diagnostic("E117", {"found": name, "better": figure}, span, clause))
            return
        joined = self.joined(name)
        if joined is not None:
            self.found.append(Diagnostic("E214", {"name": name, "spaced": joined}, span, clause))
            return
        if self.is_entity(name):
            links = "、".join(self.links(INSURED, name))
            self.found.append(Diagnostic("E220", {"name": name, "links": links}, span, clause))
            return
        near = nearest(name, [*self.signatures, "本年度", "地区"])
        code = "E205" if name in self.in_force.known else "E204"
        arguments = {"name": name, "near": near, "place": self.in_force.place}
        self.found.append(Diagnostic(code, arguments, span, clause))

    def joined(self, name: str) -> str | None:
        """Return ``name`` with spaces where it is known names and a keyword written together."""
        known = {*self.signatures, *(member for sig in self.signatures.values() for member in sig.type.options)}
        if name[:1] in ("不", "未") and name[1:] in known:
            return f"非 {name[1:]}"
        if re.fullmatch(r"[自至]\d{4}年度", name):
            return f"{name[0]} {name[1:]}"
        for word in ("且", "或", "不为", "为", "非", "没有", "有", "上年", "若"):
            left, found, right = name.partition(word)
            if found and (left in known or not left) and right in known:
                return f"{left} {word} {right}".strip()
        parts = name.split("的")
        if len(parts) > 1 and all(part in known or (i == 0 and self.is_entity(part)) for i, part in enumerate(parts)):
            return " 的 ".join(parts)
        return None


_NUMERALS = {"零": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_TENS = {"十": 10, "百": 100, "千": 1000}


def in_figures(text: str) -> str | None:
    """Return an amount, a share or a duration in Chinese numerals as this language writes it, or None: 五百元 is 500元."""
    if (rate := in_tenths(text)) is not None:
        return rate
    share = text.startswith("百分之")
    found = re.fullmatch(r"([零一二两三四五六七八九十百千万]+)(元|年|个月|天|日|年度)?", text.removeprefix("百分之"))
    if found is None or (not share and not found[2]):
        return None
    total = section = digit = 0
    for sign in found[1]:
        if sign in _NUMERALS:
            digit = _NUMERALS[sign]
        elif sign == "万":
            total, section, digit = (total + section + digit) * 10_000, 0, 0
        else:
            section, digit = section + (digit or 1) * _TENS[sign], 0
    return f"{total + section + digit}{'%' if share else found[2]}"


def resolve(in_force: InForce, found: list[Diagnostic]) -> Scope:
    """Return the scope of a place: every name with its type."""
    signatures = Names()
    for name, symbol in in_force.symbols.items():
        signature = _signature(symbol, in_force, found)
        if signature is not None:
            signatures[name] = signature
    return Scope(in_force, signatures, found)


def is_entity(name: str, in_force: InForce) -> bool:
    """Whether ``name`` is that of a kind of record in force: 参保人 or one declared."""
    return name in INSURED_NAMES or name in in_force.entities


def _signature(symbol: Symbol, in_force: InForce, found: list[Diagnostic]) -> Signature | None:
    match symbol:
        case FactSymbol(declaration=declaration):
            kind = _link(declaration, in_force) or resolve_type(declaration.type, declaration.optional, found, in_force)
            digits = RATE_DIGITS if kind and kind.kind is Kind.RATE else 0
            return Signature(symbol, kind, digits) if kind else None
        case QuestionSymbol(_, declaration, _):
            return _question(symbol, declaration, found)
        case ParameterSymbol():
            return _parameter(symbol, in_force, found)
        case RuleSymbol():
            return _rule(symbol, in_force, found)


def _link(declaration: s.Fact, in_force: InForce) -> Type | None:
    """The type of a fact that points to records of another kind, or None."""
    words = declaration.type.words
    if len(words) > 1 or words[0].text in KIND_NAMES or not is_entity(words[0].text, in_force):
        return None
    return Type(Kind.LINK, (entity_named(words[0].text),), declaration.optional)


def resolve_type(written: s.TypeName, optional: bool, found: list[Diagnostic], in_force: InForce) -> Type | None:
    """Return the type written, or None and a diagnostic. Links are types of facts alone."""
    if len(written.words) > 1:
        names = tuple(word.text for word in written.words)
        doubled = next((w for i, w in enumerate(written.words) if w.text in names[:i]), None)
        if doubled:
            found.append(Diagnostic("E207", {"name": doubled.text}, doubled.span))
        return Type(Kind.ENUM, names, optional)
    word = written.words[0]
    kind = KIND_NAMES.get(word.text)
    if kind is None:
        if is_entity(word.text, in_force):
            found.append(Diagnostic("E225", {"name": word.text}, word.span))
        elif word.text not in in_force.broken:
            near = nearest(word.text, [*KIND_NAMES, *in_force.entities])
            found.append(Diagnostic("E208", {"name": word.text, "near": near}, word.span))
        return None
    return Type(kind, (), optional)


def _question(symbol: QuestionSymbol, declaration: s.Question, found: list[Diagnostic]) -> Signature:
    names = tuple(option.name.text for option in declaration.options)
    defaults = sum(option.default for option in declaration.options)
    if len(names) < 2 or len(set(names)) < len(names):
        found.append(Diagnostic("E209", {"name": symbol.name}, declaration.name.span))
    if defaults != 1:
        found.append(Diagnostic("E210", {"name": symbol.name, "count": defaults}, declaration.name.span))
    return Signature(symbol, Type(Kind.ENUM, names), 0)


def _parameter(symbol: ParameterSymbol, in_force: InForce, found: list[Diagnostic]) -> Signature | None:
    declaration = symbol.declaration
    if declaration.type is not None:
        kind = resolve_type(declaration.type, declaration.optional, found, in_force)
    else:
        kinds = [k for k in (_literal_kind(row.value) for row in declaration.rows) if k]
        kind = Type(kinds[0], (), declaration.optional) if kinds else None
        if kind is None and declaration.rows:
            found.append(Diagnostic("E309", {"name": symbol.name}, declaration.name.span))
    if kind is None:
        return None
    digits = [_digits(value.row.value) for value in symbol.values]
    return Signature(symbol, kind, max(digits, default=0) if kind.kind is Kind.RATE else 0)


def _literal_kind(value: s.Expression) -> Kind | None:
    match value:
        case s.Literal(kind, _):
            return kind
        case s.Operation(operator, operands) if operator in ("+", "-", "负"):
            return _literal_kind(operands[0])
        case s.Operation("×", operands):
            kinds = {k for o in operands if (k := _literal_kind(o))}
            rates = kinds - {Kind.INT, Kind.RATE}
            return next(iter(rates), Kind.RATE if Kind.RATE in kinds else Kind.INT)
        case _:
            return None


def _digits(value: s.Expression) -> int:
    """How many decimals the literals of a parameter's value may need, a product needing the sum."""
    match value:
        case s.Literal(_, Fraction() as number):
            return len(decimal_text(number).partition(".")[2])
        case s.Operation(operator, operands):
            digits = [_digits(o) for o in operands]
            return sum(digits) if operator == "×" else max(digits)
        case _:
            return 0


def _rule(symbol: RuleSymbol, in_force: InForce, found: list[Diagnostic]) -> Signature | None:
    head = symbol.versions[0].declaration.head if symbol.versions else None
    if head is None:
        return None
    kind = resolve_type(head.type, head.optional, found, in_force)
    if kind is None:
        return None
    for version in symbol.versions[1:]:
        later = version.declaration.head
        other = resolve_type(later.type, later.optional, found, in_force)
        if other is not None and other != kind:
            arguments = {"name": symbol.name, "old": kind, "new": other}
            found.append(Diagnostic("E311", arguments, later.type.span))
    roundings = [resolve_rounding(v.declaration.head.rounding, kind, found) for v in symbol.versions]
    has_initial = any(v.declaration.head.initial is not None for v in symbol.versions)
    scale = max(scale_of(unit) for _, unit, _ in roundings)
    return Signature(symbol, kind, scale, has_initial, any(named for _, _, named in roundings))


def resolve_rounding(written: s.Rounding | None, kind: Type, found: list[Diagnostic]) -> tuple[Mode, Fraction, bool]:
    """Return mode and unit for a value of ``kind`` and whether they were written; the default is half up to the unit of the type."""
    default = Fraction(1, 10**RATE_DIGITS) if kind.kind is Kind.RATE else Fraction(1)
    if written is None:
        return Mode.HALF_UP, default, False
    mode = MODE_NAMES.get(written.mode.text)
    if mode is None:
        near = nearest(written.mode.text, MODE_NAMES)
        arguments = {"name": written.mode.text, "near": near, "known": list(MODE_NAMES)[::2]}
        found.append(Diagnostic("E312", arguments, written.mode.span))
    unit = resolve_unit(written.unit, kind, found)
    return mode or Mode.HALF_UP, unit or default, True


def resolve_unit(written: s.Word | s.Literal, kind: Type, found: list[Diagnostic]) -> Fraction | None:
    """Return the rounding unit in units of ``kind``, or None and a diagnostic."""
    if isinstance(written, s.Word):
        entry = ROUNDING_UNITS.get(written.text)
        if entry is None:
            near = nearest(written.text, ROUNDING_UNITS)
            found.append(Diagnostic("E313", {"name": written.text, "near": near}, written.span))
            return None
        unit_kind, unit = entry
    else:
        unit_kind, unit = written.kind or Kind.INT, Fraction(written.value or 0)  # type: ignore[arg-type]
    fits = unit_kind is kind.kind or (kind.kind is Kind.RATE and unit_kind is Kind.INT)
    small = unit <= 0 or (kind.kind is not Kind.RATE and unit.denominator != 1) or scale_of(unit) > 12
    if not fits or small:
        arguments = {"unit": written.span.text, "type": kind.present}
        found.append(Diagnostic("E314", arguments, written.span))
        return None
    return unit


def scale_of(unit: Fraction) -> int:
    """Return the decimals of a rounding unit: 0.01 has two."""
    try:
        return len(decimal_text(unit).partition(".")[2])
    except ValueError:
        return 99
