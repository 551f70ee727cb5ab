"""A comparison as plain data, as grammar/comparison.schema.json describes it; money in yuan and rates as Decimal."""

from __future__ import annotations

from typing import Any

from tiaoli.comparison import Change, Comparison, Difference, amount, delta
from tiaoli.comparison_text import ASPECTS, WORDS, at_text, delta_text, percent, shown
from tiaoli.inventory import Inventory, Said
from tiaoli.inventory_json import item_json, plain
from tiaoli.values import to_decimal


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as plain data, as grammar/comparison.schema.json describes it; money and rates as Decimal."""
    return {
        "左": _side_json(comparison.left),
        "右": _side_json(comparison.right),
        "相同": comparison.same,
        "含义相同": comparison.same_meaning,
        "差别": [_difference_json(d) for d in comparison.differences],
    }


def _side_json(side: Inventory) -> dict[str, Any]:
    return {"地区": side.place, "年度": side.year, "规则集": side.fingerprint}


def _difference_json(difference: Difference) -> dict[str, Any]:
    sides = [None if difference.changes or i is None else item_json(i) for i in (difference.left, difference.right)]
    return {
        "部分": WORDS["zh"][difference.section],
        "名称": difference.name,
        "种类": WORDS["zh"][difference.sort],
        "左": sides[0],
        "右": sides[1],
        "变化": [_change_json(c) for c in difference.changes],
    }


def _change_json(change: Change) -> dict[str, Any]:
    found = delta(change)
    sides = (change.old, change.new)
    said = [None if side is None else shown(change, side, "zh") for side in sides]
    old, new = (_plain(side) for side in sides)
    return {
        "方面": ASPECTS[change.aspect][0],
        "位置": None if change.at is None else at_text(change, "zh"),
        "列": change.column,
        "原": said[0],
        "新": said[1],
        "原值": old,
        "新值": new,
        "差额": None if found is None else plain(found.value, found.type),
        "差额显示": (delta_text(found, "zh") or None) if found is not None else None,
        "百分比": None if found is None or found.ratio is None else to_decimal(percent(found.ratio)),
        "仅依据": change.source_only,
    }


def _plain(said: Said) -> Any:
    worth = amount(said)
    return None if worth is None else plain(worth.value, worth.type)
