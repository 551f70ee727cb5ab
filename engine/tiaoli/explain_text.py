"""An explanation said to a clerk (`as_text`), or drawn (`as_tree`): each rule once, what it rests on below it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from tiaoli import model as m
from tiaoli.explain import Account, Explanation, Input, Member, show_result
from tiaoli.meaning import Unknown
from tiaoli.show_value import show_value
from tiaoli.values import INSURED

_SAY = {
    "zh": {
        "year": "{year}年度", "years": "{first}—{last}年度", "basis": "依据", "formula": "算式", "because": "条件", "not": "不成立",
        "holds": "成立", "rounding": "舍入", "fact": "记录", "seen": "见上", "needs": "还缺少", "unknown": "不能确定",
        "reading": "存疑的读法", "since": "自{year}年度起", "none": "没有结果", "note": "说明", "open": "？", "history": "历年",
        "initial": "初值", "inside": "（{}）", "comma": "，", "doubtful": "（可靠性 {}）",
        "gathered": "{members} {count} 条，计入 {counted} 条", "held": "，其中 {held} 条成立", "sum": "，合计 {sum}", "counted": "计入",
        "out": "不计入", "uncomputed": "没有计算", "elsewhere": "{}年度见下面的“历年”", "left": "，没有计算 {left} 条", "deeper": "没有往下列",
        "cut": "只列到第 {depth} 层；--format json 有全部",
    },
    "en": {
        "year": "{year}", "years": "{first}-{last}", "basis": "basis", "formula": "formula", "because": "condition",
        "not": "does not hold", "holds": "holds", "rounding": "rounded", "fact": "record", "seen": "see above", "needs": "still needed",
        "unknown": "cannot be determined", "reading": "readings of open questions", "since": "since {year}", "none": "no result",
        "note": "note", "open": "?", "history": "over the years", "initial": "initial value", "inside": " ({})", "comma": ", ",
        "doubtful": " (reliability {})",
        "gathered": "{members}: {count} records, {counted} counted", "held": ", of which {held} hold", "sum": ", in all {sum}",
        "counted": "counted", "out": "not counted", "uncomputed": "not computed", "elsewhere": "{} is below, over the years", "left": ", {left} not computed", "deeper": "not followed further",
        "cut": "cut at level {depth}; --format json has all",
    },
}  # fmt: skip


@dataclass(slots=True)
class _Branch:
    """A line and what hangs below it; drawn as indented text or as a tree."""

    text: str
    below: list[_Branch]
    strong: bool = False
    cut: bool = False

    def is_cut(self) -> bool:
        """Whether something below was left out for depth."""
        return self.cut or any(below.is_cut() for below in self.below)


def as_text(explanation: Explanation, lang: str = "zh") -> str:
    """Return the explanation as indented lines: each rule once, at its latest year, its earlier years in a list below it."""
    return "\n".join(_lines(_grow(explanation, lang, False), 0))


def as_tree(explanation: Explanation, lang: str = "zh") -> Any:
    """Return the explanation as a `rich.tree.Tree`; it goes one step further than the text, to the rules of members of a figure."""
    from rich.text import Text
    from rich.tree import Tree

    def draw(branch: _Branch, parent: Any) -> Any:
        text = Text(branch.text, style="bold" if branch.strong else "")
        node = Tree(text) if parent is None else parent.add(text)
        for below in branch.below:
            draw(below, node)
        return node

    return draw(_grow(explanation, lang, True), None)


def _lines(branch: _Branch, depth: int) -> Iterator[str]:
    yield "  " * depth + branch.text
    for below in branch.below:
        yield from _lines(below, depth + 1)


def _grow(x: Explanation, lang: str, deep: bool) -> _Branch:
    if not deep:
        x = replace(x, accounts=tuple(a for a in x.accounts if not a.member))
    say = _SAY[lang]
    root = _rule_branch(x, x.asked.rule, None, set(), lang)
    root.text = ("" if x.entity == INSURED else f"{x.entity} ") + f"{x.person} " + root.text
    if x.readings:
        root.below.append(_Branch(f"{say['reading']}: " + say["comma"].join(f"{n} = {o}" for n, o in x.readings), []))
    if root.is_cut():
        root.below.append(_Branch(say["cut"].format(depth=_DEEPEST), []))
    return root


_DEEPEST = 60
"""Levels of a drawn explanation; what lies deeper is told by value alone (JSON holds it all)."""


_Told: TypeAlias = set[tuple[str, tuple[str, str] | None]]


def _rule_branch(
    x: Explanation, name: str, owner: tuple[str, str] | None, told: _Told, lang: str, depth: int = 0
) -> _Branch:
    """The latest year of a rule in full, then its earlier years a line each, then the rules it rests on."""
    told.add((name, owner))
    accounts = sorted((a for a in x.accounts if a.rule == name and a.owner == owner), key=lambda a: -a.year)
    latest = accounts[0]
    year = _SAY[lang]["year"].format(year=latest.year)
    branch = _Branch(f"{_of(owner)}{year} {name} = {_worth(latest, lang)}", [], strong=True)
    branch.below.extend(_Branch(line, []) for line in _body_lines(latest, lang))
    branch.below.extend(_input_branches(x, latest, told, lang, depth))
    if len(accounts) > 1:
        history = _Branch(f"{_SAY[lang]['history']}:", [])
        history.below.extend(_Branch(line, []) for line in _history(accounts[1:], lang))
        branch.below.append(history)
        for account in accounts[1:]:
            branch.below.extend(_input_branches(x, account, told, lang, depth, rules_only=True))
    return branch


def _input_branches(
    x: Explanation, account: Account, told: _Told, lang: str, depth: int, rules_only: bool = False
) -> Iterator[_Branch]:
    for entry in account.inputs:
        if entry.kind == "rule":
            owners = {a.owner for a in x.accounts if a.rule == entry.name}
            owner = account.owner if entry.owner is None else entry.owner if entry.owner in owners else None
            known = owner in owners
            fresh = known and (entry.name, owner) not in told
            if fresh and depth < _DEEPEST:
                branch = _rule_branch(x, entry.name, owner, told, lang, depth + 1)
                branch.text += _elsewhere(x, entry, owner, lang)
                yield branch
            elif (entry.name, owner) != (account.rule, account.owner) and not rules_only:
                why = "deeper" if fresh or (account.member and not known) else "seen" if known else "initial"
                yield _Branch(_repeated(entry, lang, why), [], cut=fresh)
        elif entry.kind != "question" and not rules_only:
            yield _Branch(_input_line(entry, lang), list(_member_branches(x, entry, told, lang, depth)))


def _elsewhere(x: Explanation, entry: Input, owner: tuple[str, str] | None, lang: str) -> str:
    """Where the year that was taken is to be found, for a rule that is told by a later one."""
    years = {a.year for a in x.accounts if a.rule == entry.name and a.owner == owner}
    if entry.year not in years or entry.year == max(years):
        return ""
    return _SAY[lang]["inside"].format(_SAY[lang]["elsewhere"].format(entry.year))


def _member_branches(x: Explanation, entry: Input, told: _Told, lang: str, depth: int) -> Iterator[_Branch]:
    """The members of a figure, each with the rule of its own that it brings in where that is accounted for."""
    for member in entry.listed:
        branch = _Branch(_member_line(entry, member, lang), [])
        owner = (entry.members, member.ident)
        for name in member.rules:
            if any(a.rule == name and a.owner == owner for a in x.accounts) and (name, owner) not in told:
                branch.below.append(_rule_branch(x, name, owner, told, lang, depth + 1))
        yield branch


def _member_line(entry: Input, member: Member, lang: str) -> str:
    say = _SAY[lang]
    if not member.counted:
        shown = say["uncomputed" if member.counted is None else "out"]
    elif entry.gathered is not None and entry.gathered.held is not None:
        shown = say["holds" if member.value is True else "not"]
    else:
        shown = say["counted"] if member.type is None else show_result(member.value, member.type, lang)
    return f"{entry.members} {member.ident}: {shown}"


def _repeated(entry: Input, lang: str, why: str) -> str:
    say = _SAY[lang]
    shown = say["unknown"] if isinstance(entry.value, Unknown) else show_value(entry.value, entry.type, lang)
    return f"{_of(entry.owner)}{say['year'].format(year=entry.year)} {entry.name} = {shown}{say['inside'].format(say[why])}"


def _of(owner: tuple[str, str] | None) -> str:
    return "" if owner is None else f"{owner[0]} {owner[1]} "


def _history(accounts: list[Account], lang: str) -> Iterator[str]:
    """One line a year, years that say the same together."""
    runs: list[tuple[int, int, str]] = []
    for account in accounts:
        text = _history_line(account, lang)
        if runs and runs[-1][2] == text and runs[-1][0] == account.year + 1:
            runs[-1] = (account.year, runs[-1][1], text)
        else:
            runs.append((account.year, account.year, text))
    say = _SAY[lang]
    for first, last, text in runs:
        yield (say["year"].format(year=first) if first == last else say["years"].format(first=first, last=last)) + text


def _history_line(account: Account, lang: str) -> str:
    say = _SAY[lang]
    text = f" = {_worth(account, lang)}"
    facts = say["comma"].join(
        f"{i.name} = {show_result(i.value, i.type, lang)}" for i in account.inputs if i.kind == "fact"
    )
    if account.hidden:
        return text + (say["inside"].format(facts) if facts else "")
    figures = account.figures(lang)
    if figures and figures != show_result(account.value, account.type, lang):
        text += f" = {figures}"
    return text + (f"  [{_cite(account.basis, lang)}]" if account.basis else "")


def _worth(account: Account, lang: str) -> str:
    if account.trouble:
        return _SAY[lang]["none"]
    return (
        _SAY[lang]["unknown"] if isinstance(account.value, Unknown) else show_value(account.value, account.type, lang)
    )


def _cite(basis: tuple[m.Basis, ...], lang: str) -> str:
    """Citations joined, each document named once, and how well they are known where they are not official."""
    by_document: dict[str, list[str]] = {}
    for entry in basis:
        by_document.setdefault(entry.document, []).append(m.written_clause(entry.clause) if entry.clause else "")
    letters = "、".join(m.doubtful(basis))
    return "；".join(
        f"{document} {'、'.join(c for c in clauses if c)}".strip() for document, clauses in by_document.items()
    ) + (_SAY[lang]["doubtful"].format(letters) if letters else "")


def _body_lines(account: Account, lang: str) -> Iterator[str]:
    say = _SAY[lang]
    if not account.hidden:
        if account.basis:
            yield f"{say['basis']}: {_cite(account.basis, lang)}"
        for reason in account.reasons:
            held = say["open"] if isinstance(reason.held, Unknown) else say["holds" if reason.held else "not"]
            yield f"{say['because']}: {reason.text} —— {held}"
        figures = account.figures(lang)
        if figures and figures != account.formula:
            yield f"{say['formula']}: {account.formula} = {figures}"
    if account.rounded and not isinstance(account.unrounded, Unknown):
        mode = account.mode.value[0 if lang == "zh" else 1]
        shown = show_result(account.value, account.type, lang)
        yield f"{say['rounding']}: {show_value(account.unrounded, account.type, lang)} {mode} → {shown}"
    if account.trouble:
        yield account.trouble
    if account.needs:
        names = "、".join(
            f"{name}（{say['year'].format(year=year)}）" if year else name for name, year in account.needs
        )
        yield f"{say['needs']}: {names}"
    if account.note:
        yield f"{say['note']}: {account.note}"


def _input_line(entry: Input, lang: str) -> str:
    say = _SAY[lang]
    shown = say["open"] if isinstance(entry.value, Unknown) else show_value(entry.value, entry.type, lang)
    if entry.gathered is not None:
        counts = {"members": entry.members, "count": entry.gathered.members, "counted": entry.gathered.counted}
        extra = "" if entry.gathered.held is None else say["held"].format(held=entry.gathered.held)
        if entry.gathered.sum is not None:
            extra += say["sum"].format(sum=show_value(entry.gathered.sum, entry.type, lang))
        extra += say["left"].format(left=entry.gathered.left_out) if entry.gathered.left_out else ""
        return f"{entry.name} = {shown}" + say["inside"].format(say["gathered"].format(**counts) + extra)
    if entry.kind == "fact":
        where = f" {say['year'].format(year=entry.year)}" if entry.year else ""
        return f"{_of(entry.owner) or say['fact']}{where if entry.owner is None else where.lstrip()}: {entry.name} = {shown}"
    since = say["since"].format(year=entry.since) + " " if entry.since is not None and entry.since != entry.year else ""
    return f"{entry.name} = {shown}  [{since}{_cite(entry.basis, lang)}]"


__all__ = ["as_text", "as_tree"]
