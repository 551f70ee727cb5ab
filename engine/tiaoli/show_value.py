"""Values as people write them: 421,000元, 20%, 3个月, 2030-09-01, 是, 无."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from tiaoli.values import Kind, Type, Value, decimal_text

_UNITS = {
    "zh": {Kind.YEARS: "年", Kind.MONTHS: "个月", Kind.DAYS: "天", Kind.YEAR: "年度", Kind.INT: ""},
    "en": {Kind.YEARS: " years", Kind.MONTHS: " months", Kind.DAYS: " days", Kind.YEAR: "", Kind.INT: ""},
}


def show_value(value: Value, kind: Type, lang: str = "zh") -> str:
    """Return ``value`` (numbers in the units of ``kind``) for a reader; money with thousands separated."""
    match value:
        case None:
            return "无" if lang == "zh" else "absent"
        case bool():
            return {"zh": ("否", "是"), "en": ("no", "yes")}[lang][value]
        case date():
            return value.isoformat()
        case str():
            return value
    return _number(Fraction(value), kind.kind, lang)


def _number(value: Fraction, kind: Kind, lang: str) -> str:
    if kind is Kind.MONEY:
        return _grouped(_finite(value / 100)) + ("元" if lang == "zh" else " yuan")
    if kind is Kind.RATE:
        percent = _finite(value * 100)
        return f"{value.numerator}/{value.denominator}" if "/" in percent else percent + "%"
    unit = _UNITS[lang].get(kind, "")
    return _finite(value) + (unit.removesuffix("s") if value == 1 else unit)


def _finite(value: Fraction) -> str:
    """Decimal text; a ratio without one is shown as it is."""
    try:
        return decimal_text(value)
    except ValueError:
        return f"{value.numerator}/{value.denominator}"


def _grouped(text: str) -> str:
    if "/" in text:
        return text
    whole, point, rest = text.partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return f"{sign}{int(digits):,}{point}{rest}"
