"""Why a figure came out: the clause that decided, the numbers put in, the rounding, the citation, back through rules and years.

An Explanation is data (`as_json`, published as grammar/explanation.schema.json); `as_text` says it to a clerk, `as_tree` draws it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tiaoli import model as m
from tiaoli.meaning import Result, Unknown
from tiaoli.operators import MEMORY_FORMS
from tiaoli.show_value import show_value
from tiaoli.trace import Step, Tracer, outward
from tiaoli.values import Kind, Mode, Type


@dataclass(frozen=True, slots=True)
class Input:
    """A value that went in. ``kind``: fact, parameter, rule, question or year. ``year`` is 0 for facts of the person."""

    kind: str
    name: str
    year: int
    value: Result
    type: Type
    basis: tuple[m.Basis, ...] = ()
    since: int | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """A condition that was tried on the way to the decision, and whether it held."""

    text: str
    held: Result
    basis: tuple[m.Basis, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """One rule in one year, accounted for. ``formula`` is the deciding text, ``figures`` the same with values put in.

    ``unrounded`` differs from ``value`` where the rounding (``mode``, ``unit``) did something. ``needs`` names facts still missing.
    """

    rule: str
    year: int
    value: Result
    type: Type
    formula: str
    figures: str
    basis: tuple[m.Basis, ...]
    reasons: tuple[Reason, ...]
    inputs: tuple[Input, ...]
    unrounded: Result
    mode: Mode
    unit: Fraction
    trouble: str | None
    needs: tuple[tuple[str, int], ...]
    note: str | None
    hidden: bool

    @property
    def rounded(self) -> bool:
        return self.unrounded != self.value


@dataclass(frozen=True, slots=True)
class Explanation:
    """The account of a result and of every rule it rests on, the asked one first."""

    program: m.Program
    person: str
    readings: tuple[tuple[str, str], ...]
    accounts: tuple[Account, ...]

    @property
    def asked(self) -> Account:
        return self.accounts[0]

    def account(self, rule: str, year: int) -> Account | None:
        return next((a for a in self.accounts if a.rule == rule and a.year == year), None)


def explain(tracer: Tracer, person: str, name: str, year: int) -> Explanation:
    """Return why ``name`` has its value in ``year``. Raises KeyError where the rule is not in force then."""
    first = tracer.step(name, year)
    if first is None:
        raise KeyError(name)
    accounts: dict[tuple[str, int], Account] = {}
    pending = [first]
    while pending:
        step = pending.pop(0)
        key = (step.rule.name, step.year)
        if key in accounts:
            continue
        accounts[key] = account = _account(step, tracer)
        for entry in account.inputs:
            below = tracer.steps.get((entry.name, entry.year)) if entry.kind == "rule" else None
            if below is not None:
                pending.append(below)
    readings = tuple((n, tracer.readings.get(n, q.default)) for n, q in tracer.program.questions.items())
    used = {i.name for a in accounts.values() for i in a.inputs if i.kind == "question"}
    return Explanation(tracer.program, person, tuple(r for r in readings if r[0] in used), tuple(accounts.values()))


# ── one account ──────────────────────────────────────────────────────────────


def _account(step: Step, tracer: Tracer) -> Account:
    rule = step.rule
    decision = step.decision
    value = decision.value if decision else None
    unrounded = decision.unrounded if decision else None
    decided = decision.decided if decision else ()
    basis = tuple(dict.fromkeys(b for d in decided for b in d.basis)) or rule.basis
    formula, figures = _texts(step, decided)
    trouble = None
    if step.trouble is not None:
        from tiaoli.diagnostic import Diagnostic
        from tiaoli.render import message

        trouble = message(Diagnostic(step.trouble.code, dict(step.trouble.arguments)), "zh")
    needs = tuple(sorted(value.needs)) if isinstance(value, Unknown) else ()
    return Account(
        rule.name, step.year, value, rule.type, formula, figures, basis, tuple(_reasons(step, decided)),
        tuple(_inputs(step, tracer)), unrounded, rule.mode, rule.unit, trouble, needs, rule.note, rule.hidden,
    )  # fmt: skip


def _texts(step: Step, decided: tuple[m.Clause | m.Row | m.Band, ...]) -> tuple[str, str]:
    match step.rule.body:
        case m.MarginalScale() as scale:
            return _squeeze(scale.base.span.text), _band_figures(step, scale, decided)
        case _ if decided and isinstance(decided[0], m.Clause | m.Row):
            value = decided[0].value
            return _squeeze(value.span.text), _substituted(value, step)
        case _:
            return "", ""


def _band_figures(step: Step, scale: m.MarginalScale, decided: tuple[m.Clause | m.Row | m.Band, ...]) -> str:
    base = step.nodes.get(id(scale.base))
    if base is None or isinstance(base[1], Unknown):
        return ""
    parts = []
    for band in decided:
        assert isinstance(band, m.Band)
        rate = step.nodes.get(id(band.rate))
        shown = _show(rate[1], band.rate.type) if rate else "?"
        parts.append(f"{_squeeze(band.span.text).split('得')[0].removeprefix('段').strip()} × {shown}")
    return f"{_show(base[1], scale.base.type)}：" + "；".join(parts)


def _substituted(expression: m.Expression, step: Step) -> str:
    """The text of an expression with each name replaced by the value it had."""
    text = expression.span.text
    start = expression.span.start
    pieces: list[tuple[int, int, str]] = []
    for node in m.walk(expression):
        named = isinstance(node, m.FactRef | m.RuleRef | m.ParameterRef | m.CurrentYear | m.QuestionRef)
        known = step.nodes.get(id(node))
        if named and known is not None and node.span.source is expression.span.source:
            pieces.append((node.span.start - start, node.span.end - start, _show(known[1], node.type)))
    for begin, end, shown in sorted(set(pieces), reverse=True):
        text = text[:begin] + shown + text[end:]
    return _squeeze(text)


def _reasons(step: Step, decided: tuple[m.Clause | m.Row | m.Band, ...]) -> Iterator[Reason]:
    clauses: tuple[m.Clause | m.Row, ...]
    match step.rule.body:
        case m.Cases(exceptions, own):
            clauses = (*(c for g in exceptions for c in g), *own)
        case m.DecisionTable() as table:
            clauses = tuple(r for r in table.rows if r in decided) or table.rows
        case m.MarginalScale():
            return
    for clause in clauses:
        known = step.nodes.get(id(clause.condition)) if clause.condition is not None else None
        if known is None or clause.condition is None:
            continue
        text = _squeeze(clause.condition.span.text)
        if isinstance(clause, m.Row):
            text = text.split("依据")[0].strip()
        yield Reason(text, known[1], clause.basis)


def _inputs(step: Step, tracer: Tracer) -> Iterator[Input]:
    seen: set[tuple[str, int]] = set()
    for node, value in step.nodes.values():
        entry = _input(node, value, step, tracer)
        if entry is not None and (entry.name, entry.year) not in seen and entry.name != "本年度":
            seen.add((entry.name, entry.year))
            yield entry


def _input(node: m.Expression, value: Result, step: Step, tracer: Tracer) -> Input | None:
    program = tracer.program
    match node:
        case m.FactRef(name=name, yearly=yearly, lag=lag):
            return Input("fact", name, step.year - lag if yearly else 0, value, node.type)
        case m.RuleRef(name=name, lag=lag):
            return Input("rule", name, step.year - lag, value, node.type)
        case m.QuestionRef(name=name):
            return Input("question", name, 0, value, node.type, program.questions[name].basis)
        case m.ParameterRef(name=name, lag=lag, key=key):
            known = step.nodes.get(id(key))[1] if key is not None else None  # type: ignore[index]
            if isinstance(known, Unknown):
                return None
            entry = program.parameters[name].at(step.year - lag, known)
            if entry is None:
                return None
            return Input("parameter", name, step.year - lag, value, node.type, entry.basis, entry.first, entry.note)
        case _:
            return None


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"#[^\n]*", "", text)).strip()


def _show(value: Result, kind: Type, lang: str = "zh") -> str:
    if isinstance(value, Unknown):
        return "？"
    return show_value(value, kind, lang)


# ── to JSON ──────────────────────────────────────────────────────────────────


def as_json(explanation: Explanation) -> dict[str, Any]:
    """Return the explanation as plain data, as grammar/explanation.schema.json describes it."""
    return {
        "地区": explanation.program.place,
        "编号": explanation.person,
        "规则集": explanation.program.fingerprint,
        "读法": dict(explanation.readings),
        "结果": [_account_json(a) for a in explanation.accounts],
    }


def _account_json(account: Account) -> dict[str, Any]:
    kind = account.type.kind
    return {
        "规则": account.rule,
        "年度": account.year,
        "类型": account.type.present.name("zh"),
        "值": _plain(account.value, kind),
        "显示": _show(account.value, account.type),
        "公式": account.formula,
        "代入": account.figures,
        "依据": [_basis_json(b) for b in account.basis],
        "条件": [
            {"条件": r.text, "成立": _plain(r.held, Kind.BOOL), "依据": [_basis_json(b) for b in r.basis]}
            for r in account.reasons
        ],
        "取用": [_input_json(i) for i in account.inputs],
        "舍入": _rounding_json(account),
        "缺少": [{"事实": name, "年度": year or None} for name, year in account.needs],
        "问题": account.trouble,
        "说明": account.note,
    }


def _rounding_json(account: Account) -> dict[str, Any] | None:
    if not account.rounded or isinstance(account.unrounded, Unknown):
        return None
    return {"前": _show(account.unrounded, account.type), "方式": account.mode.value[0], "单位": _show(account.unit, account.type)}


def _basis_json(basis: m.Basis) -> dict[str, Any]:
    return {"文件": basis.document, "条款": basis.clause}


_KINDS = {"fact": "事实", "parameter": "参数", "rule": "规则", "question": "存疑"}


def _input_json(entry: Input) -> dict[str, Any]:
    return {
        "种类": _KINDS[entry.kind],
        "名称": entry.name,
        "年度": entry.year or None,
        "值": _plain(entry.value, entry.type.kind),
        "显示": _show(entry.value, entry.type),
        "依据": [_basis_json(b) for b in entry.basis],
        "自年度": entry.since,
    }


def _plain(value: Result, kind: Kind) -> Any:
    if isinstance(value, Unknown):
        return None
    plain = outward(value, kind)
    return plain.isoformat() if hasattr(plain, "isoformat") else plain


# ── to text ──────────────────────────────────────────────────────────────────

_SAY = {
    "zh": {
        "head": "{person} {year}年度 {rule} = {value}", "basis": "依据", "formula": "算式", "because": "因为", "not": "不成立",
        "holds": "成立", "rounding": "舍入", "from": "其中", "facts": "记录", "seen": "（见上）", "needs": "还缺少",
        "unknown": "不能确定", "reading": "存疑的读法", "since": "自{year}年度起", "none": "没有结果", "person": "本人", "note": "说明",
        "open": "？",
    },
    "en": {
        "head": "{person} {year} {rule} = {value}", "basis": "basis", "formula": "formula", "because": "because", "not": "does not hold",
        "holds": "holds", "rounding": "rounded", "from": "where", "facts": "record", "seen": "(see above)", "needs": "still needed",
        "unknown": "cannot be determined", "reading": "reading of open questions", "since": "since {year}", "none": "no result",
        "person": "person", "note": "note", "open": "?",
    },
}  # fmt: skip


def as_text(explanation: Explanation, lang: str = "zh") -> str:
    """Return the explanation as indented lines: each rule and year once, what it rests on below it."""
    say = _SAY[lang]
    lines: list[str] = []
    _tell(explanation, explanation.asked, 0, set(), lines, lang)
    if explanation.readings:
        lines.append(f"{say['reading']}: " + "；".join(f"{n} = {o}" for n, o in explanation.readings))
    return "\n".join(lines)


def _tell(x: Explanation, account: Account, depth: int, told: set[tuple[str, int]], lines: list[str], lang: str) -> None:
    pad = "  " * depth
    say = _SAY[lang]
    person = f"{x.person} " if depth == 0 else ""
    head = say["head"].format(person=person, year=account.year, rule=account.rule, value=_worth(account, lang)).strip()
    if (account.rule, account.year) in told:
        lines.append(f"{pad}{head}{say['seen']}")
        return
    told.add((account.rule, account.year))
    lines.append(pad + head)
    lines.extend(f"{pad}  {line}" for line in _body_lines(account, lang))
    for entry in account.inputs:
        below = x.account(entry.name, entry.year) if entry.kind == "rule" else None
        if below is not None and (account.rule, account.year) != (entry.name, entry.year):
            _tell(x, below, depth + 1, told, lines, lang)
        elif entry.kind != "question":
            lines.append(f"{pad}  {_input_line(entry, lang)}")


def _worth(account: Account, lang: str) -> str:
    if account.trouble:
        return _SAY[lang]["none"]
    return _SAY[lang]["unknown"] if isinstance(account.value, Unknown) else show_value(account.value, account.type, lang)


def _body_lines(account: Account, lang: str) -> Iterator[str]:
    say = _SAY[lang]
    if account.hidden:
        return
    if account.basis:
        yield f"{say['basis']}: " + "、".join(map(str, account.basis))
    tried = [r for r in account.reasons if not isinstance(r.held, Unknown)]
    for reason in tried:
        yield f"{say['because']}: {reason.text} {say['holds'] if reason.held else say['not']}"
    if account.figures and account.figures != account.formula:
        yield f"{say['formula']}: {account.formula} = {account.figures}"
    if account.rounded and not isinstance(account.unrounded, Unknown):
        before = show_value(account.unrounded, account.type, lang)
        mode = account.mode.value[0 if lang == "zh" else 1]
        yield f"{say['rounding']}: {before} {mode} → {show_value(account.value, account.type, lang)}"  # type: ignore[arg-type]
    if account.trouble:
        yield account.trouble
    if account.needs:
        names = "、".join(f"{name}（{year}年度）" if year else name for name, year in account.needs)
        yield f"{say['needs']}: {names}"
    if account.note:
        yield f"{say['note']}: {account.note}"


def _input_line(entry: Input, lang: str) -> str:
    say = _SAY[lang]
    shown = say["open"] if isinstance(entry.value, Unknown) else show_value(entry.value, entry.type, lang)
    if entry.kind == "fact":
        where = f"{entry.year}年度" if entry.year else say["person"]
        return f"{say['facts']}（{where}）: {entry.name} = {shown}"
    where = "、".join(map(str, entry.basis))
    since = say["since"].format(year=entry.since) + " " if entry.since is not None and entry.since != entry.year else ""
    return f"{entry.name} = {shown}  [{since}{where}]"


def as_tree(explanation: Explanation, lang: str = "zh") -> Any:
    """Return the explanation as a `rich.tree.Tree`."""
    from rich.tree import Tree

    told: set[tuple[str, int]] = set()

    def grow(account: Account, parent: Any) -> Any:
        head = f"[bold]{account.rule}[/bold] {account.year} = [cyan]{_worth(account, lang)}[/cyan]"
        if (account.rule, account.year) in told:
            return parent.add(head + f" [dim]{_SAY[lang]['seen']}[/dim]") if parent is not None else Tree(head)
        told.add((account.rule, account.year))
        node = parent.add(head) if parent is not None else Tree(head)
        for line in _body_lines(account, lang):
            node.add(f"[dim]{_escape(line)}[/dim]")
        for entry in account.inputs:
            below = explanation.account(entry.name, entry.year) if entry.kind == "rule" else None
            if below is not None:
                grow(below, node)
            elif entry.kind != "question":
                node.add(_escape(_input_line(entry, lang)))
        return node

    return grow(explanation.asked, None)


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)


__all__ = ["MEMORY_FORMS", "Account", "Explanation", "Input", "as_json", "as_text", "as_tree", "explain"]
