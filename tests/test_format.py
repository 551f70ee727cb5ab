"""Formatting: golden texts, and that no formatting ever changes what a text says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import tiaoli.format
from tiaoli.format import WIDTH, format_source, format_text
from tiaoli.operators import AGGREGATES, FUNCTIONS, MEMORY_FORMS
from tiaoli.parse import keywords, parse
from tiaoli.source import Source, display_width
from tiaoli.syntax import Document
from tiaoli.values import INSURED_NAMES, KIND_NAMES, MODE_NAMES, ROUNDING_UNITS

GOLDEN = sorted((Path(__file__).parent / "golden" / "format").glob("*.md"))
RULESETS = sorted((Path(__file__).parent.parent / "rulesets").rglob("*.tiaoli"))
_FENCE = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def source(text: str) -> Source:
    return Source("test.tiaoli", text)


def tree(text: str) -> Document:
    document, found = parse(source(text))
    assert not found, found
    return document


def formatted(text: str, language: str | None = None) -> str:
    result, found = format_source(source(text), language)
    assert not found, found
    return result


# ── golden texts ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden(path: Path, request: pytest.FixtureRequest) -> None:
    page = path.read_text("utf-8")
    text = next(match[3] for match in _FENCE.finditer(page) if match[1] == "input")

    def rewritten(match: re.Match[str]) -> str:
        if match[1] == "input":
            return match[0]
        return f"```{' '.join(filter(None, match.groups()[:2]))}\n{format_text(source(text), match[2])}```"

    result = _FENCE.sub(rewritten, page)
    if request.config.getoption("--force-regen", default=False):
        path.write_text(result, "utf-8")
    assert result == page


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_is_final_and_means_the_same(path: Path) -> None:
    fences = list(_FENCE.finditer(path.read_text("utf-8")))
    before, found = parse(source(next(match[3] for match in fences if match[1] == "input")))
    for fence in fences:
        if fence[1] == "output" and not found:
            assert formatted(fence[3]) == fence[3]
            assert neutral(tree(fence[3])) == neutral(before)


@pytest.mark.parametrize("path", RULESETS, ids=lambda path: path.stem)
def test_rulesets_mean_the_same(path: Path) -> None:
    text = path.read_text("utf-8")
    once = formatted(text)
    assert tree(once) == tree(text)
    assert formatted(once) == once


def test_mistakes_are_reported_and_the_text_stays() -> None:
    text = "参数 甲=3元\n规则   乙: 金额 =\n"
    result, found = format_source(source(text))
    assert result == text
    assert [diagnostic.code for diagnostic in found] == ["E104"]


@pytest.mark.parametrize("text", ["", "\n \n", "\ufeff", "　"])
def test_an_empty_text_stays_empty(text: str) -> None:
    assert formatted(text) == ""


def test_comments_alone_are_kept() -> None:
    assert formatted("\n\n# a\n\n\n  # b \n#\n\n") == "# a\n\n# b\n#\n"


@pytest.mark.parametrize("glued", ["OPTIONAL", "DEFAULT"])
def test_a_change_of_meaning_is_a_bug(glued: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiaoli.format, "_gap", lambda _, right: "" if right.type == glued else " ")
    with pytest.raises(RuntimeError, match=r"test\.tiaoli would change"):
        formatted("事实 甲 : 金额 可空 默认 3元")


def test_line_ends_of_other_systems() -> None:
    assert formatted("# a\r\n参数 甲 = 3元  # b\r\n\r\n\r\n参数 乙 = 3元\r\n") == (
        "# a\n参数 甲 = 3元  # b\n\n参数 乙 = 3元\n"
    )


# ── spellings ────────────────────────────────────────────────────────────────


def _spellings() -> dict[str, str]:
    """Every word with an English spelling, and the Chinese word it stands for."""
    pairs = {spelling: keyword.zh for spelling, keyword in keywords().items()}
    pairs |= {name: kind.zh for name, kind in KIND_NAMES.items()}
    pairs |= {name: mode.value[0] for name, mode in MODE_NAMES.items()}
    pairs |= {row.en: row.zh for row in FUNCTIONS.values()} | {en: zh for zh, en in MEMORY_FORMS.items()}
    pairs |= {form.en: form.zh for form in AGGREGATES.values()} | dict([INSURED_NAMES[::-1]])
    first = {unit: word for word, unit in reversed(ROUNDING_UNITS.items()) if not word.isascii()}
    return pairs | {word: first[unit] for word, unit in ROUNDING_UNITS.items() if word.isascii()}


def neutral(document: Document) -> str:
    """The tree as text, each word in its Chinese spelling."""
    names = _spellings()
    return re.sub(r"'(\w+)'", lambda match: f"'{names.get(match[1], match[1])}'", repr(document))


@pytest.mark.parametrize("spelling", sorted(set(KIND_NAMES)))
def test_types(spelling: str) -> None:
    kind = KIND_NAMES[spelling]
    for language, name in (("zh", kind.zh), ("en", kind.en)):
        assert f": {name}\n" in formatted(f"事实 甲: {spelling}", language)


def test_members_of_enumerations_are_names() -> None:
    assert formatted("事实 甲: 日期 | 金额", "en") == "fact 甲: 日期 | 金额\n"


@pytest.mark.parametrize(
    ("zh", "en"),
    [
        ("3000元", "3000yuan"),
        ("10万元", "10万yuan"),
        ("0.5元", "0.5yuan"),
        ("1年", "1year"),
        ("4年", "4years"),
        ("1个月", "1month"),
        ("3个月", "3months"),
        ("90天", "90days"),
        ("2025年度", "Y2025"),
        ("20%", "20%"),
        ("是", "true"),
        ("无", "absent"),
        ("CN-JX", "CN-JX"),
        ("2024-12-16", "2024-12-16"),
        ("连续年数(甲, 自 2025年度)", "consecutive_years(甲, from Y2025)"),
        ("舍入(甲, 四舍五入, 分)", "round(甲, half_up, cent)"),
        ("甲 的 上年 乙 + 上年 甲 的 乙 的 丙", "甲.previous 乙 + previous 甲.乙.丙"),
        ("计数(参保人)", "count(insured)"),
    ],
)
def test_expressions(zh: str, en: str) -> None:
    for text in (zh, en):
        assert formatted(f"参数 甲 = {text}", "zh") == f"参数 甲 = {zh}\n"
        assert formatted(f"参数 甲 = {text}", "en") == f"param 甲 = {en}\n"


@pytest.mark.parametrize(
    ("zh", "en"),
    [
        ("每年 事实 统筹地区 的 人口: 整数", "yearly fact 统筹地区.人口: int"),
        ("事实 申请 的 付款人: 参保人", "fact 申请.付款人: insured"),
        ("事实 insured: 是否", "fact insured: bool"),
        ("规则 参保人 的 额度: 整数\n  = insured + 1", "rule insured.额度: int\n  = insured + 1"),
        (
            "规则 省 的 合计: 整数\n  = 合计(参保人 按 甲 当 乙, 合计)",
            "rule 省.合计: int\n  = total(insured by 甲 when 乙, 合计)",
        ),
        ("例外 规则 省 的 额度\n  当 是 得 1", "exception rule 省.额度\n  when true give 1"),
        ("要求 省 的 额度 ≥ 1", "mandate 省.额度 ≥ 1"),
        ('对象 省 说明 "一级"  依据 一', 'entity 省 note "一级"  basis 一'),
    ],
)
def test_entities(zh: str, en: str) -> None:
    for text in (zh, en):
        assert formatted(text, "zh") == f"{zh}\n"
        assert formatted(text, "en") == f"{en}\n"


# ── any text ─────────────────────────────────────────────────────────────────

Words = list[str]


def words(*parts: str | st.SearchStrategy[Words]) -> st.SearchStrategy[Words]:
    """A strategy for the words of ``parts`` in order."""
    drawn = [st.just(part.split(" ")) if isinstance(part, str) else part for part in parts]
    return st.tuples(*drawn).map(lambda found: [word for part in found for word in part])


def some(part: st.SearchStrategy[Words], least: int = 0, between: str = "") -> st.SearchStrategy[Words]:
    def joined(found: list[Words]) -> Words:
        return [word for i, each in enumerate(found) for word in (between.split() if i else []) + each]

    return st.lists(part, min_size=least, max_size=3).map(joined)


def one(*spellings: str) -> st.SearchStrategy[Words]:
    return st.sampled_from(spellings).map(lambda spelling: spelling.split(" "))


def maybe(*parts: str | st.SearchStrategy[Words]) -> st.SearchStrategy[Words]:
    return words(*parts) | st.just([])


NAME = one("甲", "乙", "额度", "x1", "缴费日期")
VALUE = one("3000元", "5万yuan", "20%", "0.25", "7", "4年", "1year", "3个月", "90天", "2025年度", "Y2026", "2024-12-16",
            "CN-JX", "是", "false", "无")  # fmt: skip
COMPARISON = one("=", "≥", "<=", ">", "≠", "为", "不低于", "below")
EDGE = st.sampled_from([["( 含 )"], ["(excl)"], ["（不含）"], []])


def _deeper(inner: st.SearchStrategy[Words]) -> st.SearchStrategy[Words]:
    operand = NAME | VALUE | words("(", inner, ")")
    return st.one_of(
        words(operand, one("+", "-", "×", "÷", "*", "且", "or"), operand),
        words(operand, COMPARISON, operand),
        words("-", operand),
        words("not", operand),
        words("若", inner, "则", inner, "否则", inner),
        words("取小 (", inner, ",", inner, ")"),
        words("连续年数 (", inner, ", 自 2025年度 )"),
        words("舍入 (", inner, ", 四舍五入 ,", one("元", "0.01%"), ")"),
        words(operand, "属于 (", operand, ",", operand, ")"),
        words(one("有", "lacks"), NAME | PATH),
        words(one("计数 (", "count ("), MEMBERS, maybe("当", inner), ")"),
        words(one("合计 (", "greatest ("), MEMBERS, maybe("when", inner), ",", inner, ")"),
        words("日期 ( 2025年度 , 1 , 1 )"),
    )


PATH = words(NAME, one("的", "."), maybe("上年"), NAME)
MEMBERS = words(one("参保人", "insured", "统筹地区"), maybe("按", NAME))
OWNER = maybe(one("统筹地区", "insured"), one("的", "."))
EXPRESSION = st.recursive(NAME | VALUE | words("上年", NAME) | PATH, _deeper, max_leaves=4)
SUM = NAME | VALUE | words("(", EXPRESSION, ")")
CITATION = one("二(四)第1句", "国办发〔2024〕38号 二(五)", '"主题，一"', "《办法》 第三条")
MODIFIERS = words(
    maybe(one("自 2025年度", "until Y2027")), maybe("依据", some(CITATION, 1, ",")), maybe('说明 "因，果"')
)
INTERVAL = words(SUM, EDGE, "..", SUM, EDGE) | words(SUM, EDGE, one("以上", "and_down"))
TYPE = one("金额", "money", "日期", "日期 | 甲 | 乙")
HEAD = words(OWNER, NAME, ":", TYPE, maybe("可空"), maybe("初值", SUM), maybe("舍入 向下 到 元"))
WHEN = words("当", EXPRESSION, one("得", "give"), EXPRESSION, MODIFIERS)
CLAUSES = words(some(WHEN), "否则", EXPRESSION, MODIFIERS)
CELL = one("-") | some(SUM | words("≥", SUM) | INTERVAL, 1, "或")
BAR = one("|") | st.just([])
PARAMETER = words(
    one("参数", "修改 参数"), NAME, maybe(":", TYPE),
    words("=", SUM, MODIFIERS)
    | some(words("2025年度 =", SUM, MODIFIERS), 1)
    | MODIFIERS
    | words(one("按 类别", "按 地区"), some(words("行 甲 , 乙 =", SUM, MODIFIERS), 1)),
)  # fmt: skip
DECLARATION = st.one_of(
    words(one("规则", "结果 规则"), HEAD, words("=", EXPRESSION, MODIFIERS) | CLAUSES),
    words("对象", NAME, MODIFIERS),
    words("例外 规则", OWNER, NAME, CLAUSES),
    PARAMETER,
    PARAMETER,
    words(one("事实", "每年 fact"), OWNER, NAME, ":", TYPE, maybe("必填 当", EXPRESSION), maybe("范围", INTERVAL), MODIFIERS),
    words("表", HEAD, "列", BAR, NAME, "|", NAME, "| 得", BAR,
          some(words("行", BAR, CELL, "|", CELL, "|", SUM, BAR, MODIFIERS), 1), maybe("否则", EXPRESSION)),
    words("分段", HEAD, "按", SUM, some(words("段", INTERVAL, "得", SUM, MODIFIERS), 1)),
    words("要求", EXPRESSION, maybe("原则上"), MODIFIERS),
    words("存疑", NAME, '"为何？"', some(words("选项", NAME, maybe("默认"), maybe('"因，"')), 1), MODIFIERS),
    words("废止 规则", OWNER, NAME, MODIFIERS),
    words("条文", one("二(四)", '"主题"'), maybe('"主题"', maybe(one('不可计算 "否"', "编码 甲 , 乙")))),
    words("文件 甲", maybe('标题 "题：目"'), maybe("日期 2024-12-16"), maybe("地区 CN"), maybe("施行 2025年度"), some(words("上位 《上，》"))),
)  # fmt: skip
RULESET = st.lists(DECLARATION, min_size=1, max_size=4).filter(
    lambda found: sum(declaration[0] == "文件" for declaration in found) < 2
)
BLANK = st.sampled_from([" ", "  ", "\t", "\u3000", "\n", " \n\t", "\r\n", "\n\n"])
COMMENT = st.sampled_from([" # 当 一\n", '\n# 甲 = "3\n', "\n\n#二\n\n  # 三 \n", "\n＃《\n"])


def plain(ruleset: list[Words]) -> str:
    return "\n".join(" ".join(declaration) for declaration in ruleset)


def spread(data: st.DataObject, ruleset: list[Words], blanks: st.SearchStrategy[str]) -> str:
    """The words of ``ruleset`` with drawn blanks between them, each declaration on a line of its own."""
    return "\n".join("".join(word + data.draw(blanks) for word in declaration).rstrip() for declaration in ruleset)


@settings(max_examples=60, deadline=None)
@given(RULESET)
def test_formatting_is_final_and_keeps_the_meaning(ruleset: list[Words]) -> None:
    text = plain(ruleset)
    once = formatted(text)
    assert formatted(once) == once
    assert tree(once) == tree(text)


@settings(max_examples=60, deadline=None)
@given(RULESET, st.data())
def test_blanks_and_line_breaks_do_not_matter(ruleset: list[Words], data: st.DataObject) -> None:
    once = formatted(plain(ruleset))
    assume(all(display_width(line) <= WIDTH for line in once.split("\n")))
    assert formatted(spread(data, ruleset, BLANK)) == once


@settings(max_examples=60, deadline=None)
@given(RULESET, st.data())
def test_comments_are_kept(ruleset: list[Words], data: st.DataObject) -> None:
    text = spread(data, ruleset, st.one_of(BLANK, BLANK, COMMENT))
    once = formatted(text)
    assert formatted(once) == once
    assert tree(once) == tree(text)
    comments = [comment.rstrip().replace("＃", "#") for comment in re.findall(r"[#＃].*", text)]
    assert re.findall(r"#.*", once) == comments


@settings(max_examples=60, deadline=None)
@given(RULESET, st.sampled_from(["zh", "en"]))
def test_other_keywords_say_the_same(ruleset: list[Words], language: str) -> None:
    text = plain(ruleset)
    once = formatted(text, language)
    assert formatted(once, language) == once
    assert neutral(tree(once)) == neutral(tree(text))
