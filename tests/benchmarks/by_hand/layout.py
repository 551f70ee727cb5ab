"""The table of people that the hand-written opponents read and the table of results that they write.

One row a person. Yearly facts and results are columns named ``name@year``; money is whole 分, rates are millionths, spans are whole numbers,
and null says that the record leaves a fact out or that a result is 无. Only years from 2025 on have results; before them only 参保 matters.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

YEARS = range(2025, 2035)
HISTORY = range(2016, 2025)

Kind: TypeAlias = Literal["yes", "money", "rate", "count", "date"]

PERSON: dict[str, Kind] = {"出生日期": "date", "免等待人群": "yes", "原封顶线": "money"}

COSTS = (
    "政策范围内住院费用",
    "跨等待期住院费用",
    "政策范围外费用",
    "住院分娩费用",
    "政策范围内门诊费用",
    "产前检查费用",
    "两病用药费用",
)
PAID = ("住院基金实付", "大病保险实付", "医疗救助实付")
GROUPS = (
    "特困人员",
    "孤儿",
    "低保对象",
    "返贫致贫人口",
    "监测对象",
    "低保边缘家庭成员",
    "脱贫人口",
    "重度残疾人",
    "优抚对象",
    "计生特殊家庭成员",
    "低收入老年人和未成年人",
    "高校学生",
)
REGIONAL: dict[str, Kind] = {
    "统筹地区住院支付比例": "rate",
    "统筹地区基本医保封顶线": "money",
    "统筹地区上年人均收入": "money",
    "统筹地区大病保险起付线": "money",
    "统筹地区大病保险比例": "rate",
    "统筹地区门诊支付比例": "rate",
    "统筹地区门诊起付线": "money",
    "统筹地区门诊年度限额": "money",
    "统筹地区两病用药年度限额": "money",
    "统筹地区医疗救助比例": "rate",
    "统筹地区医疗救助起付线": "money",
    "统筹地区医疗救助年度限额": "money",
}
YEARLY: dict[str, Kind] = {
    "参保": "yes",
    "缴费日期": "date",
    "基金支付": "money",
    "使用奖励额度": "yes",
    "补缴年数": "count",
    **dict.fromkeys(COSTS, "money"),
    "住院起付标准合计": "money",
    **dict.fromkeys(PAID, "money"),
    "享受门诊慢特病待遇": "yes",
    "因病致贫重病患者": "yes",
    **dict.fromkeys(GROUPS, "yes"),
    **REGIONAL,
}
OPTIONAL = frozenset({"出生日期", "缴费日期", *PAID, *REGIONAL})

RESULTS: dict[str, Kind] = {
    "连续参保年数": "count",
    "连续参保激励额度": "money",
    "零报销激励额度": "money",
    "累计提高额度": "money",
    "断保年数": "count",
    "累计降低额度": "money",
    "大病保险最高支付限额": "money",
    "固定等待期": "count",
    "变动等待期": "count",
    "待遇等待期": "count",
    "补缴金额": "money",
    "待遇开始日": "date",
    "财政补助标准": "money",
    "个人缴费标准": "money",
    "基本医保住院支付": "money",
    "门诊统筹支付": "money",
    "两病用药支付": "money",
    "大病保险支付": "money",
    "医疗救助支付": "money",
    "个人负担费用": "money",
    "中央财政补助": "money",
    "个人应缴金额": "money",
}

STEP = 300_000
LEAST_WAIT, LONG_LAPSE = 3, 4
CONTRIBUTION = 40_000
SUBSIDY = {2025: 67_000, 2026: 70_000, **dict.fromkeys(range(2027, 2035), 72_400)}
CENTRAL = {2025: 40_200, 2026: 42_000, **dict.fromkeys(range(2027, 2035), 43_440)}
QUOTA_YEAR, QUOTA, STUDENT_QUOTA = 2026, 32_000, 20_000
FREE_FROM_BIRTH_YEAR, FREE_YEARS = 2024, 3


def input_columns() -> list[str]:
    """The columns of the table of people, in order."""
    return [
        "编号",
        *PERSON,
        *(f"参保@{y}" for y in HISTORY),
        *(f"{name}@{y}" for y in YEARS for name in YEARLY),
    ]


def result_columns() -> list[str]:
    """The columns of the table of results, in order."""
    return ["编号", *(f"{name}@{y}" for y in YEARS for name in RESULTS)]
