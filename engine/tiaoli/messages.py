"""The words of every diagnostic, in Chinese and English: what is wrong, and the edit that mends it.

Texts are templates over a diagnostic's arguments; `{near}` lines are dropped where nothing is near. One page in docs/errors explains each code.
"""

from __future__ import annotations

from tiaoli.entity_messages import ENTITY_MESSAGES
from tiaoli.message import Message
from tiaoli.record_messages import RECORD_MESSAGES
from tiaoli.ruleset_messages import RULESET_MESSAGES
from tiaoli.run_messages import RUN_MESSAGES

LABELS: dict[str, tuple[str, str]] = {
    "first_defined": ("先在这里定义", "first defined here"),
    "defined_here": ("定义在这里", "defined here"),
    "on_the_way": ("循环经过这里", "the cycle passes here"),
    "other_row": ("与这一行重叠", "overlaps with this row"),
    "mandate": ("上位要求在这里", "the mandate stands here"),
    "ends_here": ("规则在这里结束", "the rule ends here"),
    "clashes": ("与这一例外冲突", "clashes with this exception"),
    "rule_here": ("规则在这里", "the rule stands here"),
    "cited_here": ("引用在这里", "cited here"),
    "name": ("名称", "a name"),
    "string": ("引号中的文字", "a quoted text"),
    "value": ("数值", "a value"),
    "year": ("年度（如 2025年度）", "an insured year (such as 2025年度)"),
    "date": ("日期（如 2025-01-01）", "a date (such as 2025-01-01)"),
    "place": ("地区代码（如 CN-JX）", "a place code (such as CN-JX)"),
    "document": ("文件编号", "a document number"),
    "clause": ("条款号", "a clause"),
    "extra_bracket": ("这里多了一个“)”", "one ‘)’ too many here"),
    "missing_bracket": ("这里之前缺一个“)”", "a ‘)’ is missing before this"),
    "operator": ("运算符", "an operator"),
    "edge": ("(含) 或 (不含)", "(incl) or (excl)"),
    "end": ("结束", "the end"),
    "expression": ("表达式（名称、数值或括号）", "an expression (a name, a value or brackets)"),
    "same_ordered": ("同一类型的数值、日期或年度", "numbers, dates or years of one type"),
    "amend": ("修改", "amend"),
    "repeal": ("废止", "repeal"),
    "exception": ("作例外", "make an exception to"),
    "settle": ("确定", "settle"),
}

MESSAGES: dict[str, Message] = RULESET_MESSAGES | ENTITY_MESSAGES | RECORD_MESSAGES | RUN_MESSAGES
