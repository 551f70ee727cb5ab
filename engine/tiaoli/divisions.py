"""The names of places: the divisions of ISO 3166-2:CN by code; places below a division carry their name in the code (CN-HB-武汉)."""

from __future__ import annotations

import re
from collections.abc import Iterable

DIVISIONS = {
    "CN": ("全国", "China"),
    "CN-AH": ("安徽", "Anhui"), "CN-BJ": ("北京", "Beijing"), "CN-CQ": ("重庆", "Chongqing"), "CN-FJ": ("福建", "Fujian"),
    "CN-GD": ("广东", "Guangdong"), "CN-GS": ("甘肃", "Gansu"), "CN-GX": ("广西", "Guangxi"), "CN-GZ": ("贵州", "Guizhou"),
    "CN-HA": ("河南", "Henan"), "CN-HB": ("湖北", "Hubei"), "CN-HE": ("河北", "Hebei"), "CN-HI": ("海南", "Hainan"),
    "CN-HK": ("香港", "Hong Kong"), "CN-HL": ("黑龙江", "Heilongjiang"), "CN-HN": ("湖南", "Hunan"), "CN-JL": ("吉林", "Jilin"),
    "CN-JS": ("江苏", "Jiangsu"), "CN-JX": ("江西", "Jiangxi"), "CN-LN": ("辽宁", "Liaoning"), "CN-MO": ("澳门", "Macao"),
    "CN-NM": ("内蒙古", "Inner Mongolia"), "CN-NX": ("宁夏", "Ningxia"), "CN-QH": ("青海", "Qinghai"), "CN-SC": ("四川", "Sichuan"),
    "CN-SD": ("山东", "Shandong"), "CN-SH": ("上海", "Shanghai"), "CN-SN": ("陕西", "Shaanxi"), "CN-SX": ("山西", "Shanxi"),
    "CN-TJ": ("天津", "Tianjin"), "CN-TW": ("台湾", "Taiwan"), "CN-XJ": ("新疆", "Xinjiang"), "CN-XZ": ("西藏", "Tibet"),
    "CN-YN": ("云南", "Yunnan"), "CN-ZJ": ("浙江", "Zhejiang"),
}  # fmt: skip
"""Code → Chinese and English name: the nation and its 34 divisions."""


def place_name(code: str, lang: str = "zh") -> str | None:
    """Return the name of a place, or None where it is not known: 江西 of CN-JX, 武汉 of CN-HB-武汉."""
    if code in DIVISIONS:
        return DIVISIONS[code][0 if lang == "zh" else 1]
    last = code.rpartition("-")[2]
    return None if last.isascii() else last


def division_of(code: str) -> str | None:
    """Return the division that a place is or lies in (CN-HB of CN-HB-武汉), or None."""
    division = "-".join(code.split("-")[:2])
    return division if division in DIVISIONS and division != "CN" else None


_SUFFIX = re.compile(r"(?:省|市|特别行政区|(?:壮族|回族|维吾尔)?自治区)$")
_CODE = re.compile(r"[A-Z]{2}(?:-[A-Z]{2})?")


def place_named(text: str, known: Iterable[str]) -> str | None:
    """Return the code of a place given by its name (湖北, 武汉市, Hubei), among those known and the divisions, or None."""
    asked = {text.strip().casefold(), _SUFFIX.sub("", text.strip()).casefold()}
    for code in dict.fromkeys([*known, *DIVISIONS]):
        if asked & {name.casefold() for name in (code, place_name(code), place_name(code, "en")) if name}:
            return code
    return None


def is_code(text: str) -> bool:
    """Whether a text has the form of a code of a nation or a division."""
    return _CODE.fullmatch(text) is not None


def place_text(code: str, lang: str = "zh") -> str:
    """Return a place for a reader: its code, and its name where that is known and not in the code."""
    name = place_name(code, lang)
    return code if name is None or name in code else f"{code} {name}"
