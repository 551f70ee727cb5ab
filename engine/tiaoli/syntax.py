"""The syntax tree: a document as written. Names are strings; every node knows its span.

Spans do not count when trees are compared, so two trees are equal when they say the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import TypeAlias

from tiaoli.source import Source, Span
from tiaoli.values import Kind


def _span() -> Span:
    return field(compare=False, repr=False)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Word:
    """A name as written, where it stands."""

    text: str
    span: Span = _span()

    def __str__(self) -> str:
        return self.text


# ── expressions ──────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as written. Money is held in 分, rates as parts of one; ``None`` is 无."""

    kind: Kind | None
    value: Fraction | bool | date | str | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Reference:
    """A name used as a value; ``previous`` where 上年 stands before it."""

    name: str
    previous: bool
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Through:
    """所在统筹地区 的 起付线: a value of the record that a link points to."""

    link: Path
    value: Reference
    span: Span = _span()


Path: TypeAlias = Reference | Through


@dataclass(frozen=True, slots=True)
class Has:
    """有 X (``present``) or 没有 X."""

    reference: Path
    present: bool
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator of `tiaoli.operators` and its operands; ``carry`` where 进位 ends an addition of months."""

    operator: str
    operands: tuple[Expression, ...]
    carry: bool
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Within:
    """X 属于 (a, b, …)."""

    value: Expression
    choices: tuple[Expression, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Conditional:
    """若 condition 则 then 否则 otherwise."""

    condition: Expression
    then: Expression
    otherwise: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Rounding:
    """A rounding as written: the mode's name and the unit's (a word such as 元, or a literal)."""

    mode: Word
    unit: Word | Literal
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Rounded:
    """舍入(value, mode, unit)."""

    value: Expression
    rounding: Rounding
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the library; ``since`` is the year of `自 2025年度` among the arguments."""

    function: Word
    arguments: tuple[Expression, ...]
    since: int | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Aggregate:
    """计数(members 按 link 当 condition), 合计(members …, argument), and so on: a figure over records that point here."""

    form: Word
    members: Word
    link: Word | None
    condition: Expression | None
    arguments: tuple[Expression, ...]
    span: Span = _span()


Expression: TypeAlias = (
    Literal | Reference | Through | Has | Operation | Within | Conditional | Rounded | Call | Aggregate
)


@dataclass(frozen=True, slots=True)
class Interval:
    """A range; an edge is ``None`` where the range is open, its ``includes`` is ``None`` where neither 含 nor 不含 is written."""

    low: Expression | None
    low_included: bool | None
    high: Expression | None
    high_included: bool | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Compared:
    """A cell such as `≥ 5万元`."""

    operator: str
    value: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Cell:
    """A condition cell: any of its items must fit; no items is `-`, which fits all."""

    items: tuple[Expression | Compared | Interval, ...]
    span: Span = _span()


# ── what ends a declaration ──────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Citation:
    """依据: a clause of this document, or of ``document``."""

    document: str | None
    clause: str | None
    span: Span = _span()

    def __str__(self) -> str:
        return " ".join(part for part in (self.document, self.clause) if part)


@dataclass(frozen=True, slots=True)
class Modifiers:
    """Years in force (inclusive, ``None`` where open), legal basis, note, and how well it is known (A, B or C; see 可靠性)."""

    first: int | None = None
    last: int | None = None
    citations: tuple[Citation, ...] = ()
    note: str | None = None
    reliability: str | None = None


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type as written: one type name, or the members of an enumeration."""

    words: tuple[Word, ...]
    span: Span = _span()


# ── declarations ─────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Header:
    """文件: what the document is. ``document`` is its number, its title in 《》, or a name. What a ``framework`` (框架) defines holds where
    no document of a lower place defines the same name itself."""

    document: str
    title: str | None
    issuer: str | None
    issued: date | None
    place: Word | None
    effective: int | None
    parents: tuple[Word, ...]
    computed_from: int | None
    website: str | None
    span: Span = _span()
    reliability: str | None = None
    framework: bool = False


@dataclass(frozen=True, slots=True)
class Outline:
    """条文: one numbered clause, and what encodes it or why nothing can."""

    clause: Word
    subject: str | None
    encoded: tuple[Word, ...]
    reason: str | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Entity:
    """对象: a kind of record besides the insured person."""

    name: Word
    modifiers: Modifiers
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Fact:
    """事实 or 每年 事实. ``owner``, here and elsewhere: the kind of record before 的, ``None`` where none is written."""

    name: Word
    yearly: bool
    type: TypeName
    optional: bool
    required: bool
    required_when: Expression | None
    default: Expression | None
    range: Interval | None
    question: str | None
    modifiers: Modifiers
    span: Span = _span()
    owner: Word | None = None


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """One value: for the keys named (none where the parameter has no key), from ``year`` on where one is written."""

    keys: tuple[Expression, ...]
    year: int | None
    value: Expression
    modifiers: Modifiers
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Parameter:
    """参数; ``key`` is the name after 按. Without rows it is declared for lower places to give its value; ``optional`` (可空)
    where rules ask whether they did."""

    name: Word
    type: TypeName | None
    optional: bool
    key: Word | None
    rows: tuple[ParameterRow, ...]
    modifiers: Modifiers
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Head:
    """What rules, tables and scales have in common."""

    name: Word
    output: bool
    type: TypeName
    optional: bool
    initial: Expression | None
    rounding: Rounding | None
    modifiers: Modifiers
    owner: Word | None = None


@dataclass(frozen=True, slots=True)
class Clause:
    """当 condition 得 value; the condition is ``None`` for 否则 and for `= value`."""

    condition: Expression | None
    value: Expression
    modifiers: Modifiers
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Rule:
    """规则: clauses in order; ``formula`` where it is written `= value`."""

    head: Head
    clauses: tuple[Clause, ...]
    otherwise: Clause | None
    formula: bool
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Row:
    """行: one condition cell a column, then the result."""

    cells: tuple[Cell, ...]
    value: Expression | None
    modifiers: Modifiers
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Table:
    """表: a decision table."""

    head: Head
    columns: tuple[Expression, ...]
    hit: Word | None
    rows: tuple[Row, ...]
    otherwise: Clause | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Band:
    """段: the part of the base inside the interval counts at ``rate``."""

    interval: Interval
    rate: Expression
    modifiers: Modifiers
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Scale:
    """分段: a marginal scale over ``base``."""

    head: Head
    base: Expression
    bands: tuple[Band, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class RuleException:
    """例外 规则: clauses tried before those of the rule named."""

    name: Word
    clauses: tuple[Clause, ...]
    otherwise: Clause | None
    span: Span = _span()
    owner: Word | None = None


@dataclass(frozen=True, slots=True)
class Amendment:
    """修改: a new text of something an earlier or higher document defines."""

    target: Parameter | Table | Scale | Rule | Fact
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Settlement:
    """确定 存疑: the reading that this document gives to an open question of a higher or earlier one."""

    name: Word
    option: Word
    modifiers: Modifiers
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Repeal:
    """废止."""

    name: Word
    modifiers: Modifiers
    span: Span = _span()
    owner: Word | None = None


@dataclass(frozen=True, slots=True)
class Mandate:
    """要求: must hold here and in every place below; 原则上 (``in_principle``) makes a breach a warning."""

    condition: Expression
    in_principle: bool
    modifiers: Modifiers
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Option:
    """选项: one reading and its reason."""

    name: Word
    default: bool
    reason: str | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Question:
    """存疑: an ambiguity of the text."""

    name: Word
    text: str
    options: tuple[Option, ...]
    modifiers: Modifiers
    span: Span = _span()


Definition: TypeAlias = Entity | Fact | Parameter | Rule | Table | Scale | Question
Declaration: TypeAlias = Header | Outline | Definition | RuleException | Amendment | Repeal | Settlement | Mandate


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file. ``header`` is ``None`` where the file has none or its header does not parse.

    ``broken`` names what declarations with mistakes mean to define; 文件, 条文 and 要求 stand for themselves.
    """

    source: Source = field(compare=False, repr=False)
    header: Header | None
    declarations: tuple[Declaration, ...]
    broken: frozenset[str] = frozenset()
