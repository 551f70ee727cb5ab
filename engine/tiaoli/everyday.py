"""What people write out of habit, and how it is written here: words of everyday Chinese, of spreadsheets, of other languages.

A slip is looked up where parsing fails: `WORDS` and `SIGNS` by the word or sign alone, `phrase` in the text round it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

WORDS = {
    "输出": "结果", "不": "非", "大于": ">", "小于": "<", "大于等于": "≥", "小于等于": "≤", "不小于": "≥", "不大于": "≤", "不是": "不为",
    "并且": "且", "而且": "且", "同时": "且", "或者": "或", "如果": "若", "假如": "若", "那么": "则", "其他": "否则", "其余": "否则", "其它": "否则",
    "加": "+", "加上": "+", "减": "-", "减去": "-", "乘": "×", "乘以": "×", "除以": "÷", "x": "×", "X": "×", "percent": "%", "之": "的",
    "AND": "且", "OR": "或", "NOT": "非", "And": "且", "Or": "或", "Not": "非", "去年": "上年", "上一年": "上年", "备注": "说明", "注": "说明",
}  # fmt: skip
SIGNS = {
    "【": "(", "】": ")", "{": "(", "}": ")", "；": "、", ";": "、", "~": "..", "～": "..", "&": "且", "¥": "…元", "￥": "…元",
    "'": "“ ”", "‘": "“ ”", "’": "“ ”", "「": "“ ”", "」": "“ ”",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Phrase:
    """Something written in another way here, at ``start``..``end`` of the text."""

    start: int
    end: int
    found: str
    better: str


def phrase(text: str, at: int) -> Phrase | None:
    """Return the everyday phrase that holds or ends at a place of a declaration's text, or None."""
    for pattern, better in _PHRASES:
        for match in pattern.finditer(text):
            shown = match["shown"] if "shown" in pattern.groupindex else match[0]
            if match.start() <= at <= match.end() and (told := better(match)) not in (None, shown.strip()):
                start = match.start("shown") if "shown" in pattern.groupindex else match.start()
                return Phrase(
                    start, start + (len(shown.rstrip()) or len(shown)), " ".join(shown.split()) or "Tab", told
                )
    return None


def slashed_date(text: str) -> str | None:
    """Return 2025/2/28 or 2025.2.28 as a date is written here, or None."""
    match = _DATE.fullmatch(re.sub(r"\s", "", text))
    return _date(match) if match else None


def in_tenths(text: str) -> str | None:
    """Return a share in tenths as a rate, or None: 六成 and 6折 are 60%, 八五折 is 85%."""
    found = re.fullmatch(r"(\d(?:\.\d+)?|\d\d|[一二两三四五六七八九][一二三四五六七八九]?)(成半?|折)", text)
    if found is None:
        return None
    written = "".join(str(_DIGITS.index(sign)) if sign in _DIGITS else sign for sign in found[1].replace("两", "二"))
    tenths = Fraction(written) if "." in written or len(written) == 1 else Fraction(int(written), 10)
    percent = tenths * 10 + (5 if found[2] == "成半" else 0)
    return f"{percent}%" if percent.denominator == 1 else None


def unit(text: str) -> str | None:
    """Return an amount, a share, a duration or a range in everyday writing as it is written here, or None."""
    number = r"(\d+(?:\.\d+)?)"
    if found := re.fullmatch(r"(\d\w*?)(?:至|到)(\d\w*)", text):
        return f"{found[1]}(含)..{found[2]}(含)"
    if found := re.fullmatch(r"(\d\w*)(以上|以下)", text):
        return f"{found[1]}(含){found[2]} 或 {found[1]}(不含){found[2]}"
    if found := re.fullmatch(number + r"[ \t]?(万亿|亿|千万|百万|万|千|百)", text):
        return text + "元"
    if found := re.fullmatch(number + r"((?:万|千|百)?)(?:元整|块|块钱|人民币)", text):
        return f"{found[1]}{found[2]}元"
    if found := re.fullmatch(r"(\d+)\.\.(\d+)万", text):
        return f"{found[1]}..{int(found[2]) * 10_000}"
    if found := re.fullmatch(r"(\d+)\.\.(\d+(万?元|%|年|个月|天))", text):
        return f"{found[1]}{found[3]}..{found[2]}"
    if found := re.fullmatch(r"(\d+)月", text):
        return f"{found[1]}个月"
    return in_tenths(text)


_DIGITS = "零一二三四五六七八九"
_DATE = re.compile(r"(\d{4})([./])(\d{1,2})\2(\d{1,2})(?![\d.])")
_Telling = Callable[[re.Match[str]], str | None]


def _date(match: re.Match[str]) -> str:
    return f"{match[1]}-{int(match[3]):02}-{int(match[4]):02}"


def _kept(better: str) -> _Telling:
    return lambda _: better


def _without_comma(match: re.Match[str]) -> str | None:
    before = match.string[: match.start()]
    return match[1] if before.count("(") == before.count(")") else None


_PHRASES: tuple[tuple[re.Pattern[str], _Telling], ...] = (
    (re.compile(r"//[^\n]*"), lambda match: "# " + match[0].lstrip("/ ")),
    (_DATE, _date),
    (
        re.compile(r"([^\W\d]+)[ \t]*[(（【\[](\d{4})[)）】\]][ \t]*第?(\d+)[ \t]*号"),
        lambda match: f"{match[1]}〔{match[2]}〕{match[3]}号",
    ),
    (re.compile(r"(?<!\w)(?P<shown>AND|OR|NOT|And|Or|Not|去年|上一年)[ \t]+"), lambda match: WORDS[match["shown"]]),
    (re.compile(r"([^\W\d]\w*?)\s*的\s*(\d+(?:\.\d+)?%)"), lambda match: f"{match[1].strip()} × {match[2]}"),
    (re.compile(r"(?<!\w)([^\W\d][^\W\d]*)(\d+(?:\.\d+)?%)"), lambda match: f"{match[1]} × {match[2]}"),
    (re.compile(r"(?<=舍入)[ \t]+(?P<shown>到)[ \t]*\S"), _kept("四舍五入 到")),
    (re.compile(r"^参数[ \t]+\S+?[ \t]*(?P<shown>:)[ \t]*(?=\d)"), _kept("=")),
    (re.compile(r"[,，]\s*(得|否则|当)(?!\w)"), _without_comma),
    (re.compile(r"(?<=\S)(?P<shown>\t+)(?=\S)"), _kept("|")),
)
"""In the order in which they are tried; ``shown`` is the part that is wrong, where that is not the whole match."""
