"""Why a figure came out: the clause that decided, the numbers put in, the rounding, the citation, back through rules and years.

An Explanation is data (`as_json`, published as grammar/explanation.schema.json); `explain_text` has the words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from tiaoli import model as m
from tiaoli.meaning import Gathered, Result, Unknown, number, taken_in
from tiaoli.show_value import show_value
from tiaoli.trace import Step, Tracer, outward
from tiaoli.values import INSURED, Kind, Mode, Type, decimal_text

MOST_MEMBERS = 10
"""Members of a figure are listed one by one up to this number."""


@dataclass(frozen=True, slots=True)
class Member:
    """One record that a figure was taken over. ``counted``: whether its condition holds; None where it cannot be computed.

    ``value`` is what it brings in (of a 占比 whether it holds, of a 计数 nothing), ``rules`` those of its own that the value reads.
    """

    ident: str
    counted: bool | None
    value: Result
    type: Type | None
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Input:
    """A value that went in. ``kind``: fact, parameter, rule, question or aggregate. ``year`` is 0 for facts of the person.

    ``owner`` is the (kind, id) of the record of a fact or rule where it is another one; ``gathered`` what an aggregate was taken over,
    ``members`` of which kind, and ``listed`` the members themselves where they are few.
    """

    kind: str
    name: str
    year: int
    value: Result
    type: Type
    basis: tuple[m.Basis, ...] = ()
    since: int | None = None
    note: str | None = None
    owner: tuple[str, str] | None = None
    gathered: Gathered | None = None
    members: str = ""
    listed: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """A condition that was tried on the way to the decision, and whether it held."""

    text: str
    held: Result
    basis: tuple[m.Basis, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A value standing in a text."""

    value: Result
    type: Type


@dataclass(frozen=True, slots=True)
class Account:
    """One rule in one year, accounted for. ``formula`` is the deciding text, ``parts`` the same with values put in.

    ``unrounded`` differs from ``value`` where the rounding (``mode``, ``unit``) did something. ``needs`` names facts still missing.
    ``owner``: the (kind, id) of the record, where it is another than the one asked about. ``member``: it is the account of a member of a
    figure, whose own rules are not followed further.
    """

    rule: str
    year: int
    value: Result
    type: Type
    formula: str
    parts: tuple[str | Shown, ...]
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
    owner: tuple[str, str] | None = None
    member: bool = False

    def figures(self, lang: str = "zh") -> str:
        """Return the deciding text with values put in."""
        shown = (p if isinstance(p, str) else show_result(p.value, p.type, lang) for p in self.parts)
        return _squeeze("".join(shown))

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
    entity: str = INSURED

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
    accounts: dict[tuple[str, int, tuple[str, str] | None], Account] = {}
    members: dict[tuple[str, int, tuple[str, str] | None], tuple[Tracer, Step]] = {}
    pending: list[tuple[Tracer, Step, tuple[str, str] | None]] = [(tracer, first, None)]
    while pending:
        at, step, owner = pending.pop(0)
        key = (step.rule.name, step.year, owner)
        if key in accounts:
            continue
        accounts[key] = account = replace(_account(step, at), owner=owner)
        for entry in account.inputs:
            below = at if entry.owner is None else _other(at, entry.owner)
            found = below.steps.get((entry.name, entry.year)) if entry.kind == "rule" and below is not None else None
            if found is not None and below is not None:
                asked = (tracer.entity, tracer.ident)
                home = owner if entry.owner is None else None if entry.owner == asked else entry.owner
                pending.append((below, found, home))
            if year == step.year:
                members |= {(s.rule.name, year, (t.entity, t.ident)): (t, s) for t, s in _members_steps(at, entry)}
    for key, (at, step) in members.items():
        if key not in accounts:
            accounts[key] = replace(_account(step, at), owner=key[2], member=True)
    readings = tuple((n, tracer.readings.get(n, q.default)) for n, q in tracer.program.questions.items())
    used = {i.name for a in accounts.values() for i in a.inputs if i.kind == "question"}
    kept = tuple(r for r in readings if r[0] in used)
    return Explanation(tracer.program, person, kept, tuple(accounts.values()), tracer.entity)


def _other(tracer: Tracer, owner: tuple[str, str]) -> Tracer | None:
    """The tracer of another record."""
    return None if tracer.world is None else tracer.world.tracer(*owner)


def _members_steps(tracer: Tracer, entry: Input) -> Iterator[tuple[Tracer, Step]]:
    """The steps of the members' own rules that a figure reads, in its year."""
    for member in entry.listed:
        below = _other(tracer, (entry.members, member.ident)) if member.rules else None
        for name in member.rules if below is not None else ():
            step = below.step(name, entry.year)  # type: ignore[union-attr]
            if step is not None:
                yield below, step  # type: ignore[misc]


# ── one account ──────────────────────────────────────────────────────────────


def _account(step: Step, tracer: Tracer) -> Account:
    rule = step.rule
    decision = step.decision
    value = decision.value if decision else None
    unrounded = decision.unrounded if decision else None
    decided = decision.decided if decision else ()
    basis = tuple(dict.fromkeys(b for d in decided for b in d.basis)) or rule.basis
    formula, parts = _texts(step, decided)
    trouble = None
    if step.trouble is not None:
        from tiaoli.diagnostic import Diagnostic
        from tiaoli.render import message

        trouble = message(Diagnostic(step.trouble.code, dict(step.trouble.arguments)), "zh")
    needs = tuple(sorted(value.needs)) if isinstance(value, Unknown) else ()
    return Account(
        rule.name, step.year, value, rule.type, formula, parts, basis, tuple(_reasons(step, decided)),
        tuple(_inputs(step, tracer)), unrounded, rule.mode, rule.unit, trouble, needs, _note(rule, decided), rule.hidden,
    )  # fmt: skip


def _note(rule: m.Rule, decided: tuple[m.Clause | m.Row | m.Band, ...]) -> str | None:
    """What is noted at the clause that decided, or at the rule where the rule's own text decided."""
    own = next((d.note for d in decided if d.note), None)
    excepted = isinstance(rule.body, m.Cases) and any(d in group for d in decided for group in rule.body.exceptions)
    return own or (None if excepted else rule.note)


def _texts(step: Step, decided: tuple[m.Clause | m.Row | m.Band, ...]) -> tuple[str, tuple[str | Shown, ...]]:
    match step.rule.body:
        case m.MarginalScale() as scale:
            return _squeeze(scale.base.span.text), tuple(_band_parts(step, scale, decided))
        case _ if decided and isinstance(decided[0], m.Clause | m.Row):
            value = decided[0].value
            return _squeeze(value.span.text), tuple(_substituted(value, step))
        case _:
            return "", ()


def _band_parts(
    step: Step, scale: m.MarginalScale, decided: tuple[m.Clause | m.Row | m.Band, ...]
) -> Iterator[str | Shown]:
    base = step.nodes.get(id(scale.base))
    if base is None or isinstance(base[1], Unknown):
        return
    yield Shown(base[1], scale.base.type)
    for index, band in enumerate(decided):
        assert isinstance(band, m.Band)
        rate = step.nodes.get(id(band.rate))
        yield ": " if index == 0 else " + "
        yield Shown(_portion(step, band, base[1]), scale.base.type)
        yield " × "
        if rate is not None:
            yield Shown(rate[1], band.rate.type)


def _portion(step: Step, band: m.Band, base: Result) -> Result:
    """The part of the base inside a band."""
    edges = [step.nodes[id(edge)][1] if edge is not None else None for edge in (band.low, band.high)]
    low, high = (None if isinstance(e, Unknown) or e is None else number(e) for e in edges)
    top = number(base) if high is None else min(number(base), high)  # type: ignore[arg-type]
    return top if low is None else top - low


def _substituted(expression: m.Expression, step: Step) -> Iterator[str | Shown]:
    """The text of an expression with each name replaced by the value it had."""
    text = expression.span.text
    start = expression.span.start
    pieces: dict[tuple[int, int], Shown] = {}
    for node in m.walk_own(expression):
        named = not isinstance(node, m.Constant | m.Present | m.Apply | m.Choose | m.Round)
        known = step.nodes.get(id(node))
        inside = (
            node.span.source is expression.span.source
            and start <= node.span.start <= node.span.end <= expression.span.end
        )
        if named and known is not None and inside:
            pieces[node.span.start - start, node.span.end - start] = Shown(known[1], node.type)
    done = 0
    for begin, end in sorted(pieces, key=lambda piece: (piece[0], -piece[1])):
        if begin >= done:
            yield text[done:begin]
            yield pieces[begin, end]
            done = end
    yield text[done:]


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
        if isinstance(clause, m.Row) and isinstance(step.rule.body, m.DecisionTable):
            text = _row_text(clause, step.rule.body)
        yield Reason(text, known[1], clause.basis)


def _row_text(row: m.Row, table: m.DecisionTable) -> str:
    """What a row asks, its columns named; columns for which anything fits are left out."""
    words = re.sub(r"^(行|row)\s*\|?", "", row.span.text.replace("｜", "|"))
    cells = [_squeeze(cell) for cell in words.split("|")]
    asked = zip(table.columns, cells, row.tests, strict=False)
    return "，".join(f"{_squeeze(c.span.text)}: {cell}" for c, cell, test in asked if not test.any)


def _inputs(step: Step, tracer: Tracer) -> Iterator[Input]:
    seen: set[tuple[str, int, tuple[str, str] | None]] = set()
    for node, value in step.nodes.values():
        entry = _input(node, value, step, tracer)
        if entry is not None and (entry.name, entry.year, entry.owner) not in seen and entry.name != "本年度":
            seen.add((entry.name, entry.year, entry.owner))
            yield entry


def _input(node: m.Expression, value: Result, step: Step, tracer: Tracer) -> Input | None:
    program = tracer.program
    match node:
        case m.FactRef(name=name, yearly=yearly, lag=lag):
            return Input("fact", name, step.year - lag if yearly else 0, value, node.type)
        case m.RuleRef(name=name, lag=lag):
            return Input("rule", name, step.year - lag, value, node.type)
        case m.Through(link=link, value=taken):
            ident = step.nodes[id(link)][1]
            if not isinstance(ident, str):
                return None
            kind = "fact" if isinstance(taken, m.FactRef) else "rule"
            year = 0 if isinstance(taken, m.FactRef) and not taken.yearly else step.year - taken.lag
            return Input(kind, taken.name, year, value, node.type, owner=(taken.entity, ident))
        case m.Aggregate():
            gathered = tracer.at(step.year).gathered(node)
            text = _squeeze(node.span.text)
            listed = tuple(_members(node, step.year, tracer)) if gathered.members <= MOST_MEMBERS else ()
            return Input(
                "aggregate", text, step.year, value, node.type, gathered=gathered, members=node.members, listed=listed
            )
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


def _members(aggregate: m.Aggregate, year: int, tracer: Tracer) -> Iterator[Member]:
    """The members of a figure with what each brings in."""
    measure = aggregate.value
    rules = (
        () if measure is None else tuple(n.name for n in m.walk_own(measure) if isinstance(n, m.RuleRef) and not n.lag)
    )
    for moment in () if tracer.world is None else tracer.world.members(aggregate, tracer.ident, year):
        counted, value = taken_in(aggregate, moment)
        known = None if isinstance(counted, Unknown) or isinstance(value, Unknown) else bool(counted)
        yield Member(
            moment.tracer.ident, known, value, None if measure is None else measure.type, rules if known else ()
        )


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"#[^\n]*", "", text)).strip()


def show_result(value: Result, kind: Type, lang: str = "zh") -> str:
    if isinstance(value, Unknown):
        return "？"
    return show_value(value, kind, lang)


# ── to JSON ──────────────────────────────────────────────────────────────────


def as_json(explanation: Explanation) -> dict[str, Any]:
    """Return the explanation as plain data, as grammar/explanation.schema.json describes it."""
    from tiaoli import __version__

    return {
        "引擎": f"tiaoli {__version__}",
        "地区": explanation.program.place,
        **({"对象": explanation.entity} if explanation.entity != INSURED else {}),
        "编号": explanation.person,
        "规则集": explanation.program.fingerprint,
        "读法": dict(explanation.readings),
        "结果": [_account_json(a) for a in explanation.accounts],
    }


def _account_json(account: Account) -> dict[str, Any]:
    kind = account.type.kind
    return {
        **_owner_json(account.owner),
        "规则": account.rule,
        "年度": account.year,
        "类型": account.type.present.name("zh"),
        "值": _plain(account.value, kind),
        "显示": show_result(account.value, account.type),
        "公式": account.formula,
        "代入": account.figures(),
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
    return {
        "前": show_result(account.unrounded, account.type),
        "方式": account.mode.value[0],
        "单位": show_result(account.unit, account.type),
    }


def _finite(value: Fraction) -> bool:
    try:
        decimal_text(value)
    except ValueError:
        return False
    return True


def _basis_json(basis: m.Basis) -> dict[str, Any]:
    return {"文件": basis.document, "条款": basis.clause} | ({"可靠性": basis.reliability} if basis.reliability else {})


_KINDS = {"fact": "事实", "parameter": "参数", "rule": "规则", "question": "存疑", "aggregate": "汇总"}


def _owner_json(owner: tuple[str, str] | None) -> dict[str, Any]:
    """The record of what is not the asked one's."""
    return {} if owner is None else {"对象": owner[0], "编号": owner[1]}


def _gathered_json(entry: Input) -> dict[str, Any]:
    g = entry.gathered
    if g is None:
        return {}
    data = {"成员": entry.members, "条数": g.members, "计入": g.counted, "没有计算": g.left_out}
    held = {} if g.held is None else {"成立": g.held}
    return {**data, **held, "各成员": [_member_json(one) for one in entry.listed]}


def _member_json(member: Member) -> dict[str, Any]:
    data: dict[str, Any] = {"编号": member.ident, "计入": member.counted}
    if member.counted and member.type is not None:
        data |= {"值": _plain(member.value, member.type.kind), "显示": show_result(member.value, member.type)}
    return data


def _input_json(entry: Input) -> dict[str, Any]:
    return {
        "种类": _KINDS[entry.kind],
        **_owner_json(entry.owner),
        **_gathered_json(entry),
        "名称": entry.name,
        "年度": entry.year or None,
        "值": _plain(entry.value, entry.type.kind),
        "显示": show_result(entry.value, entry.type),
        "依据": [_basis_json(b) for b in entry.basis],
        "自年度": entry.since,
    }


def _plain(value: Result, kind: Kind) -> Any:
    if isinstance(value, Unknown):
        return None
    if isinstance(value, Fraction) and kind is Kind.RATE and not _finite(value):
        return None  # a share before rounding has no decimals to be written with
    plain = outward(value, kind)
    return plain.isoformat() if hasattr(plain, "isoformat") else plain


__all__ = ["Account", "Explanation", "Input", "Member", "Reason", "as_json", "explain", "show_result"]
