"""`read_library` and `check_library` never raise, whatever the text; every diagnostic can be said and lies in its text.

Texts are built-in documents with tokens dropped, doubled, swapped, replaced or glued; random rulesets so treated; cut files; runs of the language's signs; and bytes.
"""

from __future__ import annotations

import re
from functools import cache, partial
from importlib.resources import files

from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from strategies import rulesets, sampled
from strategies_entities import worlds
from tiaoli.diagnostic import Diagnostic
from tiaoli.parse import keywords
from tiaoli.pipeline import check_library, read_library
from tiaoli.render import as_json, render_text
from tiaoli.source import Source

TOKEN = re.compile(r'"[^"\n]*"|“[^”\n]*”|#[^\n]*|\w+|\s+|.', re.DOTALL)
SIGNS = [
    *"=:：，,|()（）〔〕[]《》“”\"'#%％‰.。；、·…—-－+＋×*÷/<>≤≥≠＝＞\\\t\r\n \u3000\ufeff\u00a0\0é𠀀😀",
    "..",
    "=>",
    "==",
    "\r\n",
    "=-",
    "--",
]
PIECES = [
    "3000元", "10万元", "20%", "0.5", "4年", "3个月", "90天", "2025年度", "2024-02-30", "2024年13月1日", "99999999999999999999元", "0", "无", "是", "CN", "CN-JX",
    "二(四)第1句", "第三条", "s.12(3)", "(含)", "(不含)", "以上", "甲", "参保", "本年度", "地区", "累计", "连续年数", "曾经", "取小", "日期", "舍入", "编号", "规则规则", "若甲则",
    "参保人", "insured", "计数(参保人)", "合计", "占比", "最大", "区", "所在区",
]  # fmt: skip

examples = partial(
    sampled, suppressed=(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)
)


@cache
def built_in() -> tuple[str, ...]:
    """The built-in documents, cut into declarations' worth of text so that examples stay small."""
    folders = sorted((f for f in files("tiaoli.rulesets").iterdir() if f.is_dir()), key=str)
    texts = [
        f.read_text("utf-8")
        for folder in folders
        for f in sorted(folder.iterdir(), key=str)
        if f.name.endswith(".tiaoli")
    ]
    return tuple(texts)


@cache
def words() -> list[str]:
    return [*keywords(), *PIECES, *SIGNS]


def check(*texts: str) -> None:
    """Check the texts and say everything that is found, in all forms."""
    found = check_library(read_library(Source(f"{i}.tiaoli", text) for i, text in enumerate(texts)))
    for diagnostic in found:
        sound(diagnostic)


def sound(diagnostic: Diagnostic) -> None:
    for lang in ("zh", "en"):
        assert render_text(diagnostic, lang)
        assert as_json(diagnostic, lang)["code"] == diagnostic.code
    spans = [diagnostic.span, *(r.span for r in diagnostic.related)]
    for span in spans:
        if span is not None:
            assert 0 <= span.start <= span.end <= len(span.source.text)
            assert span.line >= 1 and span.column >= 1


@st.composite
def slices(draw: st.DrawFn) -> str:
    """A header and some following declarations of a built-in document."""
    text = draw(st.sampled_from(built_in()))
    blocks = re.split(r"\n\n+", text)
    start = draw(st.integers(0, len(blocks) - 1))
    chosen = blocks[start : start + draw(st.integers(1, 6))]
    return "\n\n".join(chosen if start == 0 else [blocks[0], *chosen]) + "\n"


@st.composite
def mutations(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> str:
    """A text with one to six tokens dropped, doubled, swapped, replaced, inserted or glued to the next."""
    tokens = TOKEN.findall(draw(texts))
    for _ in range(draw(st.integers(1, 6))):
        if len(tokens) < 2:
            break
        at = draw(st.integers(0, len(tokens) - 2))
        match draw(st.integers(0, 5)):
            case 0:
                del tokens[at]
            case 1:
                tokens.insert(at, tokens[at])
            case 2:
                tokens[at], tokens[at + 1] = tokens[at + 1], tokens[at]
            case 3:
                tokens[at] = draw(st.sampled_from(words()))
            case 4:
                tokens.insert(at, draw(st.sampled_from(words())))
            case _:
                other = draw(st.integers(0, len(tokens) - 1))
                tokens[at] = tokens[at] + tokens[other]
    return "".join(tokens)


@examples(150)
@given(mutations(slices()))
def test_mutated_built_in_documents(text: str) -> None:
    check(text)


@examples(60)
@given(st.data())
def test_mutated_random_rulesets(data: st.DataObject) -> None:
    first, *rest = data.draw(rulesets()).texts
    check(data.draw(mutations(st.just(first))), *rest)


@examples(90)
@given(st.data())
def test_mutated_rulesets_with_entities(data: st.DataObject) -> None:
    (text,) = data.draw(worlds()).texts
    check(data.draw(mutations(st.just(text))))


@examples(60)
@given(slices(), st.data())
def test_cut_documents(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    check(text[start:], text[:start])


@examples(150)
@given(st.lists(st.one_of(st.sampled_from(words()), st.just(" "), st.just("\n")), max_size=60))
def test_runs_of_words_and_signs(tokens: list[str]) -> None:
    check("文件 甲  地区 CN  施行 2025年度\n" + " ".join(tokens))
    check("".join(tokens))


@examples(100)
@given(st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda raw: raw.decode("utf-8", errors="replace"))))
def test_any_text(text: str) -> None:
    check(text)
    check("文件 甲  地区 CN  施行 2025年度\n规则 乙: 金额 = " + text)


def test_deep_and_long_texts() -> None:
    """Texts that nest or repeat a thousand times are refused, not a stack overflow."""
    head = "文件 甲  地区 CN  施行 2025年度\n规则 乙: 是否 = "
    for text in (
        "(" * 1500,
        "非 " * 1500 + "是",
        "-" * 1500 + "1",
        "若 是 则 " * 1000,
        "若 是 则 是 否则 " * 1000 + "是",
        "1 + " * 1000 + "1 > 0",
        "是 且 " * 1500 + "是",
        "甲 的 " * 1500 + "乙",
        "甲." * 1500 + "乙",
        "计数(参保人 当 " * 1000,
        "计数(参保人 按 甲 when " * 1000 + "是" + ")" * 1000,
    ):
        check(head + text)
    check("[" * 5_000)
    check("参数 " * 1500)
