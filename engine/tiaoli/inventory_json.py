"""An inventory as plain data, ready to be written as JSON: keys in Chinese, money in yuan and rates as Decimal, dates as ISO text."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any, assert_never

from tiaoli import model as m
from tiaoli.inventory import (
    DocumentItem,
    EntityItem,
    FactItem,
    Inventory,
    Item,
    Line,
    MandateItem,
    ParameterItem,
    QuestionItem,
    RuleItem,
    entry,
    sections,
)
from tiaoli.inventory_words import SHAPE_NAMES, WORDS, fact_aspects, say
from tiaoli.show_value import show_value
from tiaoli.trace import outward
from tiaoli.values import Type, Value


def as_json(found: Inventory, name: str | None = None) -> dict[str, Any]:
    """Return the same as plain data: money in yuan and rates as Decimal, dates as ISO text. Raises KeyError for an unknown ``name``."""
    head: dict[str, Any] = {"地区": found.place, "年度": found.year, "规则集": found.fingerprint}
    if name is not None:
        one = entry(found, name)
        current = None if one.item is None else item_json(one.item)
        return head | {"名称": name, "现行": current, "沿革": [item_json(i) for i in one.history]}
    parts = {WORDS["zh"][section]: [item_json(i) for i in items] for section, items in sections(found)}
    return head | parts | {"未编码": [{"名称": n, "缺少": list(p)} for n, p in found.unencoded.items()]}


def item_json(item: Item) -> dict[str, Any]:
    """Return an item as plain data."""
    match item:
        case DocumentItem(document=d):
            issued = d.issued.isoformat() if d.issued else None
            return {
                "文号": d.number, "标题": d.title, "机关": d.issuer, "日期": issued, "地区": d.place, "施行": d.effective,
                "网址": d.website, "可靠性": d.reliability, "规定": list(item.states),
            }  # fmt: skip
        case EntityItem(entity=entity):
            return {
                "名称": entity.name, "文件": entity.document, "依据": basis_json(entity.basis), "说明": entity.note,
                "事实": list(item.facts), "规则": list(item.rules), "链接": list(item.links),
            }  # fmt: skip
        case FactItem():
            return _fact_json(item)
        case ParameterItem():
            key = item.key_type.name("zh") if item.key_type else None
            values = [_value_json(item, v) for v in item.values]
            return {
                "名称": item.name,
                "类型": item.type.name("zh"),
                "按": key,
                "文件": item.document,
                "依据": basis_json(item.basis),
                "说明": item.note,
                "值": values,
            }
        case RuleItem():
            return _rule_json(item)
        case QuestionItem(question=q):
            options = [{"名称": n, "默认": n == q.default, "理由": reason} for n, reason in q.options]
            settled = {"确定": basis_json(q.settled)} if q.settled else {}
            return {
                "名称": q.name, "问题": q.text, "文件": item.document, "选项": options, "依据": basis_json(q.basis), **settled,
            }  # fmt: skip
        case MandateItem():
            return {
                "条件": item.condition.text, "原则上": item.in_principle, "自": item.first, "至": item.last,
                "文件": item.document, "依据": basis_json(item.basis),
                **({"本地没有": list(item.missing)} if item.missing else {}),
            }  # fmt: skip
        case _:
            assert_never(item)


def basis_json(basis: tuple[m.Basis, ...]) -> list[dict[str, Any]]:
    """Return citations as plain data; 可靠性 where it is stated."""
    return [
        {"文件": b.document, "条款": b.clause} | ({"可靠性": b.reliability} if b.reliability else {}) for b in basis
    ]


def plain(value: Value, kind: Type) -> Any:
    """Return a value of the model as JSON holds it."""
    outside = outward(Fraction(value) if isinstance(value, int) and not isinstance(value, bool) else value, kind.kind)
    return outside.isoformat() if isinstance(outside, date) else outside


def _fact_json(item: FactItem) -> dict[str, Any]:
    fact, said = item.fact, fact_aspects(item.fact)
    demand, reach = said["required_when"], said["range"]
    return {
        "名称": fact.name, "对象": fact.entity, "类型": fact.type.present.name("zh"), "每年": fact.yearly, "可空": fact.type.nullable,
        "有默认": fact.has_default, "默认": plain(fact.default, fact.type), "必填": fact.required,
        "必填条件": say(demand, "zh") if demand else None, "范围": say(reach, "zh") if reach else None,
        "问": fact.question, "说明": fact.note, "文件": item.document, "依据": basis_json(fact.basis),
    }  # fmt: skip


def _value_json(item: ParameterItem, value: m.ParameterValue) -> dict[str, Any]:
    return {
        "键": None if item.key_type is None else plain(value.key, item.key_type),
        "值": plain(value.value, item.type),
        "显示": show_value(value.value, item.type),
        "自": value.first,
        "至": value.last,
        "依据": basis_json(value.basis),
        "说明": value.note,
    }


def _rule_json(rule: RuleItem) -> dict[str, Any]:
    rounding = rule.rounding
    return {
        "名称": rule.name, "对象": rule.entity, "种类": SHAPE_NAMES[rule.shape][0], "类型": rule.type.name("zh"), "结果": rule.output,
        "自": rule.first, "至": rule.last, "文件": rule.document,
        "舍入": None if rounding is None else {
            "方式": rounding.mode.value[0], "单位": show_value(rounding.unit, rounding.type), "写明": rounding.named,
        },
        "有初值": rule.has_initial, "初值": plain(rule.initial, rule.type), "列": [c.text for c in rule.columns],
        "命中首个": rule.first_hit, "条目": [line_json(line) for line in rule.lines], "依据": basis_json(rule.basis), "说明": rule.note,
        "本年度的值": None if rule.figure is None else plain(rule.figure.value, rule.figure.type),
    }  # fmt: skip


_LINE_KINDS = {"exception": "例外", "when": "当", "otherwise": "否则", "formula": "式", "row": "行", "band": "段"}


def line_json(line: Line) -> dict[str, Any]:
    """Return a clause, row or band as plain data."""
    asked = [c.text for c in line.cells] if line.kind == "row" else [line.heading] if line.heading else []
    return {
        "种类": _LINE_KINDS[line.kind], "条件": asked, "得": line.value.text, "文件": line.document,
        "依据": basis_json(line.basis), "说明": line.note,
    }  # fmt: skip
