"""The starter that `tiaoli new` writes: a small ruleset with comments that checks clean and can be run at once."""

from __future__ import annotations

import re

_TEXT = """\
# {name}
# 一个 .tiaoli 文件对应一份文件。# 号后面是注释。写好后运行：tiaoli check 本文件
# 先写文件头：文件的编号（没有编号的写《标题》）、标题、机关、日期、地区、从哪个年度施行。
文件 《{name}》
  标题 "{name}"
  机关 "（发文机关）"
  日期 {date}-12-01
  地区 {place}
  施行 {year}年度

# 条文提纲：每一条写明由哪些名称编码；不能计算的写明理由。
条文 一(一) "筹资标准" 编码 示例缴费标准, 示例应缴金额
条文 一(二) "困难群众" 编码 示例困难群众, 示例资助比例, 示例应缴金额
条文 二     "组织实施" 不可计算 "工作要求"

# 事实：记录里要填什么。每人一次的写“事实”，每年一次的写“每年 事实”。
每年 事实 示例困难群众: 是否 默认 否 问 "该年度是否属于资助参保的困难群众？"  依据 一(二)

# 参数：文件里的数字，带单位，写明依据。以后年度有变化时，另写一个文件“修改 参数 …”。
参数 示例缴费标准 = 400元  依据 一(一)
参数 示例资助比例 = 60%    依据 一(二)

# 规则：怎样算。写“结果”的会出现在计算结果里。“否则”不能省。
结果 规则 示例应缴金额: 金额
  当 示例困难群众 得 示例缴费标准 × (100% - 示例资助比例)  依据 一(二)
  否则 示例缴费标准                                        依据 一(一)

# 文件里说得不清楚的地方写成“存疑”，给出各种读法和默认的理由，例如：
#   存疑 某处读法 "问题是什么？"
#     选项 甲 默认 "理由"
#     选项 乙 "理由"
#     依据 一(二)
"""


def starter(name: str, place: str, year: int) -> str:
    """Return the starter for a document of ``place`` that takes effect in ``year``."""
    plain = re.sub(r"[》\n\"]", "", name) or "新文件"
    return _TEXT.format(name=plain, place=place, year=f"{year:04d}", date=f"{max(1, year - 1):04d}")
