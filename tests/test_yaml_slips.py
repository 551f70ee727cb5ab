"""Slips in YAML: each is said in both languages, at the sign that is wrong, in records and in cases."""

from __future__ import annotations

from pathlib import Path

import pytest

import tiaoli
from tiaoli.cases import run_cases
from tiaoli.record_places import BrokenError
from tiaoli.record_yaml import yaml_nodes
from tiaoli.render import message


@pytest.mark.parametrize(
    ("text", "line", "column", "zh", "en"),
    [
        ("编号: P1\n年度:\n\t2025: {费用: 1}\n", 3, 1, "制表符", "a tab"),
        ("编号: P1\n性别:\t男\n", 2, 4, "制表符", "a tab"),
        ("编号: P1\n原封顶线：250000\n年度: {}\n", 2, 5, "“：”是全角的", "'：' is full-width"),
        ("编号：P1\n年度: {}\n", 1, 3, "“：”是全角的", "'：' is full-width"),
        ("编号: P1\n费用:200\n年度: {}\n", 2, 3, "冒号后面要空一格：费用: …", "behind the colon: 费用: …"),
        ("- 编号:P1\n  费用: 200\n", 1, 5, "冒号后面要空一格：编号: …", "behind the colon"),
        ("编号: P1\n费用 200\n年度: {}\n", 2, 1, "没有“: ”", "has no ': '"),
        ("编号: P1\n 费用: 200\n", 2, 2, "缩进", "indentation"),
        ("- 编号: P1\n   费用: 3\n", 2, 4, "缩进", "indentation"),
        ("编号: P1\n年度:\n    2025: {}\n  2026: {}\n", 4, 3, "缩进", "indentation"),
        ("  编号: P1\n费用: 3\n", 2, 1, "缩进", "indentation"),
        ("说明: 见: 附件\n", 1, 6, "两个“: ”", "two ': '"),
        ('编号: "P1\n费用: 3\n', 1, 5, '补上 "', 'add "'),
        ("编号: 'P1\n费用: 3\n", 1, 5, "补上 '", "add '"),
        ('编号: "P1" x\n费用: 3\n', 1, 10, "引号后面还有文字", "behind the closing quote"),
        ("编号: P1\n年度: {2025: {费用: 1}\n", 2, 5, "第 2 行的“{”没有结束；补上“}”", "'{' of line 2"),
        ("编号: [1, 2\n费用: 3\n", 1, 5, "“[”没有结束；补上“]”", "add ']'"),
        ("年度: {2025: {费用: 1}}}\n", 1, 20, "多了一个“}”", "one '}' too many"),
        ("a: [1, 2}\n", 1, 9, "“[”要用“]”结束，不是“}”", "'[' ends with ']'"),
        ("a: {费用: 1，b: 2}\n", 1, 10, "“，”是全角的", "'，' is full-width"),
        ("a: {b: 1 c: 2}\n", 1, 11, "缺逗号", "a comma is missing"),
        ("a: {b: 1,, c: 2}\n", 1, 10, "两个逗号", "between two commas"),
        ("编号: @x\n", 1, 5, "不能以“@”开头", "begin with '@'"),
        ("编号: *\n", 1, 5, "不能以“*”开头", "begin with '*'"),
        ("编号: *x\n", 1, 5, "“*x”引用的内容没有定义", "*x refers to nothing"),
        ('编号: "C:\\Users"\n', 1, 10, "双引号里的“\\”", "between double quotes"),
        ("a: 1\n- b\n", 2, 1, "“- ”", "'- ' cannot stand"),
        ("a: \x01\n", 1, 4, "控制字符", "control character"),
        ("a: |x\n", 1, 5, "expected chomping", "expected chomping"),
    ],
)
def test_a_slip_is_said_at_its_place_in_both_languages(text: str, line: int, column: int, zh: str, en: str) -> None:
    with pytest.raises(BrokenError) as error:
        yaml_nodes(text)
    trouble = error.value.trouble
    reasons = str(trouble.arguments["reason"]).split("\0")
    assert (trouble.code, trouble.line, trouble.column) == ("E707", line, column)
    assert zh in reasons[0] and en in reasons[-1]


def test_records_and_cases_say_it_alike(tmp_path: Path) -> None:
    rules = tiaoli.loads("文件 甲 地区 CN 施行 2025年度\n结果 规则 乙: 整数 = 1\n")
    (tmp_path / "甲.yaml").write_text("编号: P1\n参保：是\n", encoding="utf-8")
    (tmp_path / "甲.cases.yaml").write_text("地区: CN\n用例：[]\n", encoding="utf-8")
    compiled = rules.compiled(2025)
    (fault,) = rules.reader(compiled).read(tmp_path / "甲.yaml")
    (failure,) = run_cases([tmp_path / "甲.cases.yaml"], lambda _: rules).failures
    for said in (*getattr(fault, "diagnostics", ()), failure.diagnostic):
        assert (said.line, said.column) == (2, 3)
        assert "“：”是全角的" in message(said, "zh") and "is full-width" not in message(said, "zh")
        assert "is full-width" in message(said, "en")
