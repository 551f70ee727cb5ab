"""可靠性: which letter holds where, and where it is said."""

from __future__ import annotations

import tiaoli
from tiaoli import comparison_text, explain_text
from tiaoli import explain as explaining
from tiaoli.comparison import compare
from tiaoli.inventory import inventory
from tiaoli.inventory_json import as_json
from tiaoli.inventory_text import as_text

_LETTERS = """
文件 甲〔2025〕1号  地区 CN  施行 2025年度  可靠性 B
条文 一 编码 起付线, 比例, 甲额, 乙额, 要求
参数 起付线 = 500元  依据 一
参数 比例: 比例  可靠性 C  依据 一
  2025年度 = 50%
  2026年度 = 60%  可靠性 A
要求 起付线 ≥ 100元  依据 一  可靠性 C
结果 规则 甲额: 金额  可靠性 A  依据 一
  当 比例 > 50% 得 1元
  否则 2元  可靠性 C
结果 表 乙额: 金额  可靠性 A  依据 一
  列 起付线 | 得
  行 ≥ 500元 | 1元  可靠性 C
  否则 0元
"""


def test_reliability_is_that_of_the_row_else_of_the_head_else_of_the_document() -> None:
    found = inventory(tiaoli.loads(_LETTERS).program(2026), 2026)
    by_name = {p.name: [b.reliability for v in p.values for b in v.basis] for p in found.parameters}
    by_name |= {r.name: [b.reliability for line in r.lines for b in line.basis] for r in found.rules}
    by_name["要求"] = [b.reliability for g in found.mandates for b in g.basis]
    expected = {"起付线": ["B"], "比例": ["A"], "甲额": ["A", "C"], "乙额": ["C", "A"], "要求": ["C"]}
    assert by_name == expected
    assert found.documents[0].document.reliability == "B"
    assert tiaoli.loads(_LETTERS.replace("可靠性", "reliability")).program(2026) is not None


def test_reliability_is_said_where_it_is_not_official() -> None:
    found = inventory(tiaoli.loads(_LETTERS).program(2026), 2026)
    assert "依据 甲〔2025〕1号 一（可靠性 B）" in as_text(found, "zh", "起付线")
    assert "basis 甲〔2025〕1号 一 (reliability B)" in as_text(found, "en", "起付线")
    assert "= 60%  自2026年度起  依据 甲〔2025〕1号 一\n" in as_text(found, "zh", "比例") + "\n"
    assert as_json(found, "起付线")["现行"]["值"][0]["依据"][0]["可靠性"] == "B"


def test_a_change_of_reliability_alone_is_said() -> None:
    left, right = (
        inventory(tiaoli.loads(text).program(2026), 2025)
        for text in (_LETTERS, _LETTERS.replace("500元  依据 一", "500元  依据 一  可靠性 A"))
    )
    assert "    可靠性 由 B 改为 A" in comparison_text.as_text(compare(left, right))


def test_an_explanation_says_how_well_what_decided_is_known() -> None:
    result = tiaoli.loads(_LETTERS.replace("60%", "40%")).evaluate({"编号": "1"}, 2026)
    explanation = result.explain("甲额", 2026)
    assert explanation.asked.basis[0].reliability == "C"
    assert "依据: 甲〔2025〕1号 一（可靠性 C）" in explain_text.as_text(explanation, "zh")
    assert "basis: 甲〔2025〕1号 一 (reliability C)" in explain_text.as_text(explanation, "en")
    assert explaining.as_json(explanation)["结果"][0]["依据"] == [
        {"文件": "甲〔2025〕1号", "条款": "一", "可靠性": "C"}
    ]
