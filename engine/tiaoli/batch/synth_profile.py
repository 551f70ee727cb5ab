"""The profile of synthetic records: how many enrol, lapse, come back, fall ill, and what amounts are usual; a small YAML file.

The built-in profile is `PROFILE`, a commented file. A file of one's own names only what differs: its keys go over those of the built-in
one, its facts too, each as a whole. Shares are held in 1/65536, values in the units of their fact (分, 10**-digits, days as ordinals,
members of an enumeration by number), so that drawing computes with whole numbers alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, NoReturn, TypeAlias

from tiaoli import model as m
from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import UsageError
from tiaoli.nearness import nearest
from tiaoli.record_facts import digits_of, limits_of, outward, range_text
from tiaoli.record_places import BrokenError, Entries, Node, calendar_date
from tiaoli.record_yaml import yaml_nodes
from tiaoli.values import Kind

WHOLE = 1 << 16
"""All of a share."""

PROFILE = """\
# 合成记录的概况 / the profile of synthetic records      tiaoli synth 地区 --profile 本文件
# 只写要改的项；没有写的照内置的概况。Write only what differs. 比例写 0 到 1；键可用英文（括号里的）。
# 数字为大致的量级，只供测试用，不是统计数据。 Orders of magnitude for tests, no statistics.

# ── 参保和缴费 enrolment and payment ──
参保事实: 参保            # (enrolment_fact) 哪个事实是“该年度参保” / which fact says who is enrolled
参保率: 0.93              # (enrolment_rate) 第一个年度（或出生那年）的参保率 / in the first year
断保率: 0.03              # (lapse_rate) 上年参保、本年不参保 / a lapse begins
返回率: 0.4               # (return_rate) 上年不参保、本年又参保 / a lapse ends
缴费事实: 缴费日期        # (payment_fact) 哪个事实是缴费的日期 / which fact is the date of payment
集中参保期: [09-01, 02-28]  # (window) 从上年到本年 / from the year before into the year
集中期缴费: 0.94          # (window_rate) 在集中参保期内缴费的比例；其余在此后到年底 / paid in the window, the others after it
出生事实: 出生日期        # (birth_fact) 出生以前不参保 / nobody is enrolled before birth

# ── 就医和其他 claims and the rest ──
就医率: 0.35              # (claim_rate) 参保的人一年中有医疗费用的比例 / of those enrolled, with costs in a year
费用比例: 0.25            # (cost_rate) 有费用的人中，有某一项费用的比例 / of those, with costs of one kind
特殊群体: 0.03            # (group_rate) 默认“否”的是否类事实为“是”的比例 / yes where the default is no
群体变动: 0.2             # (group_turnover) 其中从某年起或到某年止的 / of those, from or up to some year only
可空比例: 0.5             # (optional_rate) 可空的事实有值的比例 / values there, of facts that may be absent
金额: [50, 300, 800, 1500, 3000, 6000, 20000, 120000]  # (amounts) 等距的分位数，元 / quantiles at equal distances, in yuan

# ── 对象 other kinds of record ──
对象个数: 100             # (targets) 链接指向多少条记录 / how many records links point to

# ── 事实 facts ──
# 每个事实可写：
#   比例 (share)      为“是”的、有金额（不同于默认值）的、或有值的比例
#   其中 (among)      只在这些人中：全部 | 参保 | 就医 (all | enrolled | claiming)
#   分位 (quantiles)  等距的分位数，从最小到最大；金额写元，日期写 1990-01-31
#   取值 (values)     几个同样常见的值
#   按 (of)           这一项是另一项（金额）的一部分，分位写比例 / a part of another amount, quantiles are shares of it
#   不变 (constant)   是：各年度相同
事实:                     # (facts)
  出生日期: {比例: 0.98, 分位: [1931-01-01, 1952-01-01, 1963-01-01, 1970-01-01, 1978-01-01, 1988-01-01, 1999-01-01, 2009-01-01, 2015-01-01, 2025-12-31]}
  免等待人群: {比例: 0.05}
  原封顶线: {取值: [250000, 300000, 400000, 500000, 600000]}
  补缴年数: {比例: 0.02, 其中: 参保, 取值: [1, 1, 2, 3]}
  使用奖励额度: {比例: 0.03, 其中: 就医}
  使用零报销额度: {比例: 0.1, 其中: 就医}
  农村居民: {比例: 0.6, 不变: 是}
  参加职工医保: {比例: 0.02}
  职工医保停保日期: {比例: 0.01}
  退役日期: {比例: 0.005}
  情形变化日期: {比例: 0.01}
  缴费到账日期: {比例: 0.02, 其中: 参保}
  领取失业保险金月数: {比例: 0.01, 取值: [1, 3, 6, 12]}
  职工医保和生育保险月缴费额: {取值: [350, 420, 480.5, 560]}
  基金支付: {比例: 0.8, 其中: 就医, 分位: [20, 120, 300, 800, 2000, 5000, 12000, 300000]}
  政策范围内门诊费用: {比例: 0.8, 其中: 就医, 分位: [15, 60, 120, 240, 500, 1200, 20000]}
  政策范围内住院费用: {比例: 0.4, 其中: 就医, 分位: [600, 2200, 3600, 5200, 8500, 16000, 45000, 600000]}
  跨等待期住院费用: {比例: 0.01, 其中: 就医, 分位: [600, 3000, 6000, 12000, 60000]}
  政策范围外费用: {比例: 0.4, 其中: 就医, 分位: [20, 200, 600, 1500, 4000, 120000]}
  住院起付标准合计: {比例: 1, 按: 政策范围内住院费用, 分位: [0.03, 0.06, 0.1, 0.15, 0.3]}
  住院分娩费用: {比例: 0.01, 其中: 就医, 分位: [2500, 3500, 4500, 6000, 15000]}
  产前检查费用: {比例: 0.01, 其中: 就医, 分位: [200, 600, 1000, 1800, 4000]}
  两病用药费用: {比例: 0.15, 其中: 就医, 分位: [30, 120, 240, 360, 900]}
  住院基金实付: {比例: 0.8, 按: 政策范围内住院费用, 分位: [0.4, 0.55, 0.62, 0.68, 0.8]}
  大病保险实付: {比例: 0.05, 按: 政策范围内住院费用, 分位: [0.02, 0.05, 0.12]}
  医疗救助实付: {比例: 0.05, 按: 政策范围内住院费用, 分位: [0.01, 0.04, 0.08]}
  个人自付费用: {比例: 0.3, 其中: 就医, 分位: [50, 300, 900, 2500, 8000, 150000]}
  个人账户可用余额: {比例: 0.2, 其中: 全部, 分位: [100, 800, 2000, 5000, 30000]}
  享受门诊慢特病待遇: {比例: 0.06, 其中: 参保}
  统筹地区住院支付比例: {比例: 0.5, 取值: [0.6, 0.7, 0.75, 0.8, 0.85, 0.9], 不变: 是}
  统筹地区基本医保封顶线: {比例: 0.5, 取值: [80000, 100000, 120000, 150000], 不变: 是}
  统筹地区上年人均收入: {比例: 0.5, 取值: [28500, 32100, 36800, 41000, 48250.5, 55900], 不变: 是}
  统筹地区大病保险起付线: {比例: 0.5, 取值: [10000, 12000, 14000, 15500, 18000], 不变: 是}
  统筹地区大病保险比例: {比例: 0.5, 取值: [0.6, 0.65, 0.7], 不变: 是}
  统筹地区门诊支付比例: {比例: 0.5, 取值: [0.5, 0.55, 0.6, 0.65], 不变: 是}
  统筹地区门诊起付线: {比例: 0.5, 取值: [0, 50, 100, 200], 不变: 是}
  统筹地区门诊年度限额: {比例: 0.5, 取值: [300, 400, 420, 600, 1500], 不变: 是}
  统筹地区两病用药年度限额: {比例: 0.5, 取值: [300, 480, 600, 800], 不变: 是}
  统筹地区医疗救助比例: {比例: 0.5, 取值: [0.7, 0.75, 0.8], 不变: 是}
  统筹地区医疗救助起付线: {比例: 0.5, 取值: [0, 1500, 3000, 8000], 不变: 是}
  统筹地区医疗救助年度限额: {比例: 0.5, 取值: [20000, 30000, 50000, 100000], 不变: 是}
  高额费用预警线: {比例: 0.9, 取值: [10000, 15000, 20000, 30000], 不变: 是}
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """How the values of one fact are drawn; None and empty where the profile does not say. ``among``: 全部, 参保 or 就医.

    ``of``: the fact of which the values are parts; ``quantiles`` are shares of it then.
    """

    share: int | None = None
    among: str | None = None
    quantiles: tuple[int, ...] = ()
    values: tuple[int, ...] = ()
    of: str = ""
    constant: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """What is drawn how often. Shares in 1/65536; ``window``: (month, day) in the year before and in the year; ``amounts`` in 分."""

    enrolment: str = ""
    enrolled: int = 0
    lapse: int = 0
    back: int = 0
    payment: str = ""
    window: tuple[tuple[int, int], tuple[int, int]] = ((9, 1), (2, 28))
    in_window: int = 0
    birth: str = ""
    claims: int = 0
    costs: int = 0
    groups: int = 0
    turnover: int = 0
    optional: int = 0
    amounts: tuple[int, ...] = ()
    targets: int = 1
    entries: Mapping[str, Entry] = field(default_factory=dict)


def profile_of(program: m.Program, text: str | None = None, path: str = "") -> Profile:
    """Return the profile for the facts of ``program``: the built-in one, under the ``text`` of the file ``path``. Raises UsageError."""
    built_in = _Reader(program, "", own=False)
    profile = built_in.read(PROFILE, Profile())
    return profile if text is None else _Reader(program, path, own=True).read(text, profile)


_Read: TypeAlias = "Callable[[_Reader, Node], object]"


class _Reader:
    """Reads one file. In the built-in one (``own`` false), entries of facts that the program lacks or has otherwise are passed over."""

    def __init__(self, program: m.Program, path: str, *, own: bool) -> None:
        self.program = program
        self.path = path
        self.own = own

    def read(self, text: str, under: Profile) -> Profile:
        try:
            nodes = yaml_nodes(text)
        except BrokenError as broken:
            trouble = broken.trouble
            raise _mistake(self.path, trouble.line, trouble.column, str(trouble.arguments.get("reason", ""))) from None
        if len(nodes) > 1:
            self.wrong(nodes[1], "只能有一个映射", "must be one mapping")
        changed: dict[str, Any] = {}
        for key, node in self.pairs(nodes[0], _KEYS) if nodes else ():
            _, attribute, read = _KEYS[key]
            changed[attribute] = read(self, node)
        entries = changed["entries"] = {**under.entries, **changed.get("entries", {})}
        for name, entry in entries.items():
            if entry.of in entries and entries[entry.of].of:
                self.wrong(
                    nodes[0],
                    f"“{name}”按的“{entry.of}”自己也是一部分",
                    f"'{entry.of}', of which '{name}' is, is a part itself",
                )
        return replace(under, **changed)

    def wrong(self, node: Node, zh: str, en: str) -> NoReturn:
        raise _mistake(self.path, node.line, node.column, f"{zh}\0{en}")

    def pairs(self, node: Node, known: Mapping[str, tuple[str, str, _Read]]) -> Iterable[tuple[str, Node]]:
        """Return the keys (in Chinese) and values of a mapping; unknown and doubled keys are mistakes."""
        if not isinstance(node.value, Entries):
            self.wrong(node, "应是映射（键: 值）", "must be a mapping (key: value)")
        english = {en: zh for zh, (en, _, _) in known.items()}
        found: dict[str, Node] = {}
        for key, value in node.value.pairs:
            name = english.get(str(key.value), str(key.value))
            if name not in known:
                self.unknown(key, [*known, *english])
            if name in found:
                self.wrong(key, f"“{name}”写了两次", f"'{name}' stands twice")
            found[name] = value
        return found.items()

    def unknown(
        self, key: Node, known: Iterable[str], zh: str = "没有这一项", en: str = "there is no such key"
    ) -> NoReturn:
        near = nearest(str(key.value), known)
        hints = (f"；是不是“{near}”？", f"; did you mean '{near}'?") if near else ("", "")
        self.wrong(key, f"{zh}“{key.value}”{hints[0]}", f"{en}: '{key.value}'{hints[1]}")

    # ── values ──

    def share(self, node: Node) -> int:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value <= 1:
            self.wrong(node, "应是 0 到 1 的比例", "must be a share from 0 to 1")
        return min(WHOLE, max(int(value > 0), int(value * WHOLE + Decimal("0.5"))))

    def name(self, node: Node) -> str:
        if not isinstance(node.value, str):
            self.wrong(node, "应是事实的名称", "must be the name of a fact")
        if self.own and node.value not in self.known_facts():
            self.unknown(node, self.known_facts(), "没有这个事实", "there is no such fact")
        return node.value

    def known_facts(self) -> list[str]:
        """The facts of the program, and those of the built-in profile, which places may lack."""
        return [*self.program.facts, *_BUILT_IN_FACTS]

    def count(self, node: Node) -> int:
        if not isinstance(node.value, int) or isinstance(node.value, bool) or not 0 < node.value <= 99_999_999:
            self.wrong(node, "应是 1 以上的整数", "must be a whole number from 1 up")
        return node.value

    def listed(self, node: Node) -> list[Node]:
        if not isinstance(node.value, list) or not 0 < len(node.value) <= 200:
            self.wrong(
                node, "应是列表，如 [1, 2, 3]，最多 200 个值", "must be a list such as [1, 2, 3] of at most 200 values"
            )
        return node.value

    def window(self, node: Node) -> tuple[tuple[int, int], ...]:
        days = self.listed(node)
        found = [re.fullmatch(r"(\d\d?)-(\d\d?)", str(day.value)) for day in days]
        dates = [calendar_date(f"2023-{day[1]}-{day[2]}") for day in found if day]
        if len(days) != 2 or len(dates) != 2 or None in dates:
            self.wrong(node, "应写成 [09-01, 02-28]", "must be written [09-01, 02-28]")
        return tuple((day.month, day.day) for day in dates if day)

    def amounts(self, node: Node) -> tuple[int, ...]:
        return self.rising(node, tuple(self.money(part) for part in self.listed(node)))

    def money(self, node: Node) -> int:
        if isinstance(node.value, bool) or not isinstance(node.value, int | Decimal) or node.value * 100 % 1:
            self.wrong(node, "应是金额（元，最多两位小数）", "must be an amount in yuan with at most two decimals")
        return int(node.value * 100)

    def rising(self, node: Node, values: tuple[int, ...]) -> tuple[int, ...]:
        if list(values) != sorted(values):
            self.wrong(node, "分位数要从小到大", "quantiles must rise")
        return values

    # ── facts ──

    def entries(self, node: Node) -> dict[str, Entry]:
        if not isinstance(node.value, Entries):
            self.wrong(node, "应是映射（事实: {…}）", "must be a mapping (fact: {…})")
        found: dict[str, Entry] = {}
        for key, value in node.value.pairs:
            name = str(key.value)
            fact = self.program.facts.get(name)
            if self.own and name not in self.known_facts():
                self.unknown(key, self.known_facts(), "没有这个事实", "there is no such fact")
            if fact is not None and (entry := self.entry(fact, value)):
                found[name] = entry
        return found

    def entry(self, fact: m.Fact, node: Node) -> Entry | None:
        """Return the entry of a fact; None where the built-in one does not fit the fact as this program has it."""
        try:
            return self.written(fact, dict(self.pairs(node, _ENTRY_KEYS)))
        except UsageError:
            if self.own:
                raise
            return None

    def written(self, fact: m.Fact, found: Mapping[str, Node]) -> Entry:
        made: dict[str, Any] = {}
        for key, node in found.items():
            _, attribute, read = _ENTRY_KEYS[key]
            if attribute not in ("values", "quantiles"):
                made[attribute] = read(self, node)
            elif "按" in found:
                made[attribute] = tuple(self.share(part) for part in self.listed(node))
            else:
                made[attribute] = tuple(self.value(fact, part) for part in self.listed(node))
        self.fits(fact, found, made)
        return Entry(**made)

    def fits(self, fact: m.Fact, found: Mapping[str, Node], made: Mapping[str, Any]) -> None:
        """Refuse what does not go together in an entry."""
        if "quantiles" in made and fact.type.kind is Kind.ENUM:
            self.wrong(found["分位"], f"“{fact.name}”没有大小，只能写“取值”", f"'{fact.name}' has no order; use values")
        if "quantiles" in made:
            self.rising(found["分位"], made["quantiles"])
        if "of" in made and (fact.type.kind is not Kind.MONEY or not fact.yearly or "quantiles" not in made):
            reason = ("“按”只用于每年的金额，并写“分位”（比例）", "'of' is for yearly amounts, with quantiles (shares)")
            self.wrong(found["按"], *reason)
        if "of" in made and made["of"] == fact.name:
            self.wrong(found["按"], "不能按自己", "a fact is no part of itself")

    def among(self, node: Node) -> str:
        if (chosen := _AMONG.get(str(node.value))) is None:
            self.wrong(node, "应是 全部、参保 或 就医", "must be all, enrolled or claiming")
        return chosen

    def constant(self, node: Node) -> bool:
        if not isinstance(node.value, bool) and node.value not in ("是", "否"):
            self.wrong(node, "应是 是 或 否", "must be true or false")
        return node.value in (True, "是")

    def value(self, fact: m.Fact, node: Node) -> int:
        """Return a value of a fact in its units, members of an enumeration by number."""
        found = _units(fact, node.value)
        if found is None:
            kind = fact.type.present
            self.wrong(
                node,
                f"“{fact.name}”的值应是{kind.name('zh')}",
                f"values of '{fact.name}' must be of type {kind.name('en')}",
            )
        low, high = (0, len(fact.type.members) - 1) if fact.type.kind is Kind.ENUM else limits_of(fact)
        if not low <= found <= high:
            shown = outward(fact, found)
            self.wrong(
                node,
                f"“{fact.name}”的值 {shown} 超出范围 {range_text(fact)}",
                f"{shown} is outside the range of '{fact.name}': {range_text(fact)}",
            )
        return found


def _units(fact: m.Fact, written: object) -> int | None:
    match fact.type.kind:
        case Kind.ENUM:
            return fact.type.members.index(written) if written in fact.type.members else None
        case Kind.DATE:
            day = calendar_date(written) if isinstance(written, str) else written
            return day.toordinal() if isinstance(day, date) else None
        case Kind.BOOL | Kind.LINK | Kind.TEXT | Kind.PLACE:
            return None
    if isinstance(written, bool) or not isinstance(written, int | Decimal):
        return None
    units = written * 10 ** digits_of(fact)
    return int(units) if units % 1 == 0 else None


def _mistake(path: str, line: int | None, column: int | None, reason: str) -> UsageError:
    return UsageError([Diagnostic("E863", {"reason": reason}, path=path, line=line, column=column)])


_AMONG = {
    word: group
    for group, english in (("全部", "all"), ("参保", "enrolled"), ("就医", "claiming"))
    for word in (group, english)
}

_KEYS: dict[str, tuple[str, str, _Read]] = {
    "参保事实": ("enrolment_fact", "enrolment", _Reader.name),
    "参保率": ("enrolment_rate", "enrolled", _Reader.share),
    "断保率": ("lapse_rate", "lapse", _Reader.share),
    "返回率": ("return_rate", "back", _Reader.share),
    "缴费事实": ("payment_fact", "payment", _Reader.name),
    "集中参保期": ("window", "window", _Reader.window),
    "集中期缴费": ("window_rate", "in_window", _Reader.share),
    "出生事实": ("birth_fact", "birth", _Reader.name),
    "就医率": ("claim_rate", "claims", _Reader.share),
    "费用比例": ("cost_rate", "costs", _Reader.share),
    "特殊群体": ("group_rate", "groups", _Reader.share),
    "群体变动": ("group_turnover", "turnover", _Reader.share),
    "可空比例": ("optional_rate", "optional", _Reader.share),
    "金额": ("amounts", "amounts", _Reader.amounts),
    "对象个数": ("targets", "targets", _Reader.count),
    "事实": ("facts", "entries", _Reader.entries),
}
"""The keys of a profile: in English, where they go, and how they are read."""

_ENTRY_KEYS: dict[str, tuple[str, str, _Read]] = {
    "比例": ("share", "share", _Reader.share),
    "其中": ("among", "among", _Reader.among),
    "分位": ("quantiles", "quantiles", _Reader.listed),
    "取值": ("values", "values", _Reader.listed),
    "按": ("of", "of", _Reader.name),
    "不变": ("constant", "constant", _Reader.constant),
}

_BUILT_IN_FACTS = re.findall(r"^(?:  (?=\w+: \{)|\w+事实: )(\w+)", PROFILE, re.MULTILINE)
"""The facts that the built-in profile names."""
