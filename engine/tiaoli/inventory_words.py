"""What can be said of an item of an inventory, aspect by aspect, and the words for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from typing import assert_never

from tiaoli import model as m
from tiaoli.inventory import (
    Amount,
    DocumentItem,
    EntityItem,
    FactItem,
    Item,
    Line,
    MandateItem,
    ParameterItem,
    QuestionItem,
    Reach,
    Rounding,
    RuleItem,
    Said,
    Shape,
)
from tiaoli.inventory_phrases import Phrase, squeeze
from tiaoli.resolve import DEFAULT_RANGES
from tiaoli.show_value import show_value
from tiaoli.values import INSURED, ROUNDING_UNITS, Kind, Type

_BOOL = Type(Kind.BOOL)
_DATE = Type(Kind.DATE)
WORDS = {
    "zh": {
        "head": "{place} {year}年度适用的规则", "documents": "文件", "entities": "对象", "facts": "事实", "parameters": "参数", "rules": "规则",
        "questions": "存疑", "mandates": "要求", "none": "（没有）", "basis": "依据 {}", "note": "说明: {}", "ask": "问: {}",
        "since": "自{first}年度起", "between": "{first}—{last}年度", "effective": "自{}年度施行", "silent": "本年度没有由它规定的内容",
        "yearly": "每年 ", "default": "默认 {}", "required": "必填", "required_when": "必填 当 {}", "range": "范围 {}",
        "no_value": "本年度没有值", "output": "结果 ", "rule": "规则", "initial": "初值 {}", "rounding": "舍入 {} 到 {}",
        "figure": "本年度的值 {}", "columns": "列 {} | 得", "hit": "命中 首个", "base": "按 {}", "exception": "例外 当 {} 得 {}", "when": "当 {} 得 {}",
        "otherwise": "否则 {}", "formula": "= {}", "row": "行 {} | {}", "band": "段 {} 得 {}", "is_default": "（默认）", "is_settled": "（已由 {} 确定）",
        "in_principle": "原则上", "not_here": "本地没有 {}，只在有它的地区检查", "absent": "本年度不适用", "history": "沿革", "source": "见 {}", "states": "规定: {}",
        "uncited": "没有注明", "doubtful": "（可靠性 {}）", "reliability": "可靠性 {}", "unencoded": "未编码", "lacks": "缺少 {}", "missing": "缺少的参数", "key": "按 {}", "owned": "{} 的 {}", "links": "指向它的链接", "join": "、", "stop": "：",
    },
    "en": {
        "head": "rules of {place} in {year}", "documents": "documents", "entities": "entities", "facts": "facts", "parameters": "parameters",
        "rules": "rules", "questions": "open questions", "mandates": "mandates", "none": "(none)", "basis": "basis {}", "note": "note: {}", "ask": "asks: {}",
        "since": "since {first}", "between": "{first}–{last}", "effective": "effective {}", "silent": "states nothing for this year",
        "yearly": "yearly ", "default": "default {}", "required": "required", "required_when": "required when {}", "range": "range {}",
        "no_value": "no value in this year", "output": "output ", "rule": "rule", "initial": "initial {}", "rounding": "round {} to {}",
        "figure": "value in this year {}", "columns": "columns {} | give", "hit": "hit first", "base": "by {}", "exception": "exception when {} give {}",
        "when": "when {} give {}", "otherwise": "otherwise {}", "formula": "= {}", "row": "row {} | {}", "band": "band {} give {}",
        "is_default": " (default)", "is_settled": " (settled by {})", "in_principle": "in principle", "not_here": "not defined here: {}; checked only in places that define it", "absent": "not in force in this year", "history": "history",
        "source": "in {}", "states": "states: {}", "uncited": "none stated", "doubtful": " (reliability {})", "reliability": "reliability {}", "unencoded": "not encoded", "lacks": "for want of {}", "missing": "parameters without a value", "key": "by {}", "owned": "{}.{}", "links": "links to it", "join": ", ", "stop": ": ",
    },
}  # fmt: skip
SHAPE_NAMES: dict[Shape, tuple[str, str]] = {
    "cases": ("规则", "rule"),
    "table": ("表", "table"),
    "scale": ("分段", "scale"),
}


def say(said: Said, lang: str) -> str:
    """Return the words for something said of an item."""
    words = WORDS[lang]
    match said:
        case None:
            return words["none"]
        case str():
            return said
        case Amount(value, kind):
            return show_value(value, kind, lang)
        case Reach():
            return _reach_text(said, lang)
        case Type():
            return said.name(lang)
        case Rounding():
            return f"{said.mode.value[0 if lang == 'zh' else 1]} → {_unit_text(said, lang)}"
        case Phrase():
            return said.text
        case Line():
            return f"{line_text(said, lang)}  {basis_text(said.basis, lang)}"
        case tuple():
            text = words["join"].join(_citations(said)) or words["uncited"]
            letters = words["join"].join(m.doubtful(said))
            return text + words["doubtful"].format(letters) if letters else text
        case _:
            assert_never(said)


def _citations(basis: tuple[m.Basis, ...]) -> Iterator[str]:
    """Citations in words; a document cited several times in a row is named once."""
    before = None
    for one in basis:
        yield m.written_clause(one.clause) if one.document == before and one.clause else str(one)
        before = one.document


def line_text(line: Line, lang: str) -> str:
    """Return a clause, row or band as a ruleset writes it, without its basis."""
    texts = (line.heading, line.value.text) if line.kind not in ("otherwise", "formula") else (line.value.text,)
    return WORDS[lang][line.kind].format(*texts)


def key_text(item: ParameterItem, value: m.ParameterValue, lang: str) -> str:
    """Return the key a value is for, or an empty text."""
    return "" if item.key_type is None else show_value(value.key, item.key_type, lang)


def _reach_text(reach: Reach, lang: str) -> str:
    def edge(place: Fraction | int | None) -> str:
        if place is None:
            return ""
        return show_value(
            date.fromordinal(int(place)) if reach.type.kind is Kind.DATE else Fraction(place), reach.type, lang
        )

    return f"{edge(reach.low)}..{edge(reach.high)}"


def _unit_text(rounding: Rounding, lang: str) -> str:
    names = [n for n, (kind, unit) in ROUNDING_UNITS.items() if kind is rounding.type.kind and unit == rounding.unit]
    own = [n for n in names if n.isascii() is (lang == "en")]
    return own[0] if own else show_value(rounding.unit, rounding.type, lang)


def basis_text(basis: tuple[m.Basis, ...], lang: str) -> str:
    """Return citations in words, with 依据 before them."""
    return WORDS[lang]["basis"].format(say(basis, lang))


def owned(name: str, entity: str, lang: str) -> str:
    """Return a name with the kind of record that has it in front, which insured persons need not be named for."""
    return name if entity == INSURED else WORDS[lang]["owned"].format(entity, name)


def years_text(first: int, last: int | None, lang: str) -> str:
    """Return the years ``first``..``last`` in words; ``last`` is None where no end is known."""
    if first == last:
        return f"{first}年度" if lang == "zh" else str(first)
    return WORDS[lang]["since" if last is None else "between"].format(first=first, last=last)


def aspects(item: Item) -> dict[str, Said]:
    """Return what can be said of an item apart from its values, lines and options, by aspect; absent aspects are left out."""
    match item:
        case DocumentItem(document=d):
            found: dict[str, Said] = {
                "title": d.title, "issuer": d.issuer, "issued": Amount(d.issued, _DATE) if d.issued else None,
                "place": d.place, "effective": Amount(Fraction(d.effective), Type(Kind.YEAR)), "website": d.website,
                "reliability": d.reliability,
            }  # fmt: skip
        case EntityItem(entity=entity):
            found = {"note": entity.note, "basis": entity.basis}
        case FactItem(fact=fact):
            found = fact_aspects(fact)
        case ParameterItem():
            found = {"type": item.type, "key": item.key_type, "basis": item.basis, "note": item.note}
        case RuleItem():
            found = _rule_aspects(item)
        case QuestionItem(question=q):
            found = {"question": q.text, "default": q.default, "basis": q.basis, "settled": q.settled or None}
        case MandateItem():
            missing = WORDS["zh"]["join"].join(item.missing) or None
            found = {"in_principle": Amount(item.in_principle, _BOOL), "missing": missing, "basis": item.basis}
        case _:
            assert_never(item)
    return {aspect: said for aspect, said in found.items() if said is not None}


def fact_aspects(fact: m.Fact) -> dict[str, Said]:
    """Return what can be said of a fact, by aspect, None where it says nothing."""
    demand = fact.required_when
    return {
        "entity": fact.entity,
        "yearly": Amount(fact.yearly, _BOOL),
        "type": fact.type,
        "default": Amount(fact.default, fact.type.present) if fact.has_default else None,
        "required": Amount(fact.required, _BOOL),
        "required_when": _demand(demand, fact) if demand is not None else None,
        "range": _range(fact),
        "question": fact.question,
        "note": fact.note,
        "basis": fact.basis,
    }


def _demand(condition: m.Expression, fact: m.Fact) -> Phrase:
    years = years_text(fact.required_first, fact.required_last, "zh") if fact.required_first is not None else ""
    return Phrase(
        f"{squeeze(condition.span.text)} {years}".strip(), (condition, fact.required_first, fact.required_last)
    )


def _range(fact: m.Fact) -> Reach | None:
    """The range of a fact where it was written."""
    usual = DEFAULT_RANGES.get(fact.type.kind, m.ANY)
    return None if fact.range == usual else Reach(*fact.range, fact.type.present)


def _rule_aspects(rule: RuleItem) -> dict[str, Said]:
    return {
        "entity": rule.entity,
        "type": rule.type,
        "output": Amount(rule.output, _BOOL),
        "rounding": rule.rounding,
        "initial": Amount(rule.initial, rule.type.present) if rule.has_initial else None,
        "base": rule.columns[0] if rule.shape == "scale" else None,
        "hit": Amount(rule.first_hit, _BOOL) if rule.shape == "table" else None,
        "basis": rule.basis,
        "note": rule.note,
    }
