"""Texts of rules → the model: one rule for each run of years with the same clauses, and the hidden rules that library forms need."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import partial

from tiaoli import model as m
from tiaoli import syntax as s
from tiaoli.check_clauses import Slice, context_of, elaborate_clause
from tiaoli.check_desk import Desk, bases, constant_value
from tiaoli.check_tables import elaborate_scale, elaborate_table
from tiaoli.diagnostic import Related, errors
from tiaoli.elaborate import Memory, combine
from tiaoli.model import ANY, values_of
from tiaoli.operators import BOOL, YEARS
from tiaoli.resolve import Signature, resolve_rounding, resolve_type
from tiaoli.symbols import FactSymbol, ParameterSymbol, RuleSymbol, Version
from tiaoli.values import Kind, Mode, Type, Value
from tiaoli.workshop import Elaborated, Meaning


def elaborate_rules(desk: Desk) -> None:
    for signature in desk.scope.signatures.values():
        if isinstance(signature.symbol, RuleSymbol):
            _rule(desk, signature.symbol, signature)
    known = 0
    while known < len(desk.elaborator.memories):
        memories = list(desk.elaborator.memories.values())
        for memory in memories[known:]:
            _remember(desk, memory)
        known = len(memories)
    desk.broken |= {n for n in desk.in_force.symbols if n not in desk.scope.signatures} | desk.in_force.broken


def _rule(desk: Desk, symbol: RuleSymbol, signature: Signature) -> None:
    """Elaborate a rule, or take over what another place made of the same text."""
    years = (desk.in_force.first, desk.in_force.last)
    versions = tuple((id(v.declaration), v.document.number, v.first, v.last) for v in symbol.versions)
    exceptions = tuple((id(e.declaration), e.document.number, e.rank, e.first, e.last) for e in symbol.exceptions)
    text = (symbol.name, symbol.output, years, versions, exceptions)
    known = desk.workshop.known(text, partial(_meaning, desk))
    if known is not None:
        desk.rules[symbol.name] = list(known.rules)
        desk.elaborator.memories.update(known.memories)
        return
    names, before = desk.scope.signatures, len(desk.found)
    names.noted = set()
    _elaborate_all(desk, symbol, signature)
    noted, names.noted = names.noted, None
    made = desk.rules.get(symbol.name, [])
    if len(desk.found) == before and symbol.name not in desk.broken and "*" not in noted and not _local(made):
        read = {n.name for rule in made for n in desk.workshop.reading(rule).nodes if isinstance(n, m.RuleRef)}
        memories = {name: memory for name, memory in desk.elaborator.memories.items() if name in read}
        meanings = {name: _meaning(desk, name) for name in noted | {symbol.name}}
        desk.workshop.keep(text, Elaborated(meanings, tuple(made), memories))


def _local(rules: list[m.Rule]) -> bool:
    """Whether a text means something of its own in each place, which it names."""
    nodes = (n for rule in rules for e in m.expressions(rule.body) for n in m.walk(e))
    return any(n.type.kind is Kind.PLACE for n in nodes)


def _meaning(desk: Desk, name: str) -> Meaning | None:
    """All that elaboration may ask of a name, or None where the place has no such name; 的 stands for kinds of record and links."""
    if name == "的":
        links = tuple((n, sig.owner, sig.type) for n, sig in desk.scope.signatures.links())
        return (tuple(desk.in_force.entities), links)
    sign = desk.scope.signatures.get(name)
    if sign is None:
        return None
    detail: object = None
    match sign.symbol:
        case FactSymbol(declaration=declaration):
            detail = id(declaration)
        case ParameterSymbol(declaration=declaration):
            detail = declaration.key and declaration.key.text
        case _:
            pass
    return (type(sign.symbol), sign.type, sign.scale, sign.has_initial, sign.names_rounding, sign.owner, detail)


def _elaborate_all(desk: Desk, symbol: RuleSymbol, signature: Signature) -> None:
    for piece in _slices(desk, symbol):
        head = piece.version.declaration.head
        if resolve_type(head.type, head.optional, [], desk.in_force) != signature.type:
            desk.broken.add(symbol.name)
            continue
        rule = _elaborate(desk, symbol, signature, piece)
        if rule is None:
            desk.broken.add(symbol.name)
        else:
            desk.rules.setdefault(symbol.name, []).append(rule)


def _slices(desk: Desk, symbol: RuleSymbol) -> list[Slice]:
    pieces: list[Slice] = []
    turns = _turns(desk, symbol)
    for index, year in enumerate(turns):
        version = symbol.at(year)
        if version is None:
            continue
        last = turns[index + 1] - 1 if index + 1 < len(turns) else desk.in_force.last
        piece = replace(_slice(desk, symbol, version, year), last=last)
        before = pieces[-1] if pieces else None
        if before and before.last == year - 1 and replace(piece, first=before.first) == replace(before, last=last):
            pieces[-1] = replace(before, last=last)
        else:
            pieces.append(piece)
    return pieces


def _turns(desk: Desk, symbol: RuleSymbol) -> list[int]:
    """The years in which the text of a rule may change, the first year among them."""
    first, last = desk.in_force.first, desk.in_force.last
    spans = [(v.first, v.last) for v in symbol.versions] + [(e.first, e.last) for e in symbol.exceptions]
    parts: list[s.Clause | s.Row | s.Band] = [c for e in symbol.exceptions for c in e.declaration.clauses]
    for version in symbol.versions:
        match version.declaration:
            case s.Rule() as text:
                parts += [*text.clauses, *((text.otherwise,) if text.otherwise else ())]
            case s.Table() as text:
                parts += [*text.rows, *((text.otherwise,) if text.otherwise else ())]
            case s.Scale() as text:
                parts += text.bands
    spans += [(p.modifiers.first or first, p.modifiers.last) for p in parts]
    turns = {first} | {start for start, _ in spans} | {end + 1 for _, end in spans if end is not None}
    return sorted(year for year in turns if first <= year <= last)


def _slice(desk: Desk, symbol: RuleSymbol, version: Version, year: int) -> Slice:
    def holds(modifiers: s.Modifiers) -> bool:
        first, last = modifiers.first, modifiers.last
        return (first is None or first <= year) and (last is None or year <= last)

    text = version.declaration
    clauses = tuple(c for c in text.clauses if holds(c.modifiers)) if isinstance(text, s.Rule) else ()
    rows = tuple(r for r in text.rows if holds(r.modifiers)) if isinstance(text, s.Table) else ()
    bands = tuple(b for b in text.bands if holds(b.modifiers)) if isinstance(text, s.Scale) else ()
    otherwise = None if isinstance(text, s.Scale) else text.otherwise
    if otherwise is not None and not holds(otherwise.modifiers):
        otherwise = None
    exceptions = tuple(
        (e, c)
        for e in symbol.exceptions
        for c in e.declaration.clauses
        if year >= (c.modifiers.first if c.modifiers.first is not None else e.first) and holds(c.modifiers)
    )
    return Slice(version, clauses, otherwise, rows, bands, exceptions, year, year)


def _elaborate(desk: Desk, symbol: RuleSymbol, signature: Signature, piece: Slice) -> m.Rule | None:
    text = piece.version.declaration
    head = text.head
    before = len(errors(desk.found))
    body: m.Body | None
    match text:
        case s.Rule():
            body = _cases(desk, text, signature, piece)
        case s.Table():
            body = elaborate_table(desk, text, signature, piece)
        case s.Scale():
            body = elaborate_scale(desk, text, signature, piece)
    for exception, clause in () if isinstance(text, s.Rule) else piece.exceptions:
        related = Related(head.name.span, "defined_here")
        desk.say("E416", clause.span, None, related, name=exception.declaration.name.text)
    context = context_of(desk, head.modifiers, piece, signature)
    initial: Value = None
    stated = next((v.declaration.head.initial for v in reversed(symbol.versions) if v.declaration.head.initial), None)
    if stated is not None:
        initial = constant_value(desk, stated, context, signature.type)
    mode, unit, named = resolve_rounding(head.rounding, signature.type, [])
    if isinstance(initial, Fraction) and signature.type.kind.is_number and (initial / unit).denominator != 1:
        desk.say("E333", stated.span if stated else head.name.span, context.clause, name=symbol.name)
    if body is None or len(errors(desk.found)) > before:
        return None
    if not named and signature.type.kind.is_number:
        inexact = next((v for v in values_of(body) if v.scale is None), None)
        if inexact is not None:
            desk.say("E306", inexact.span, context.clause, name=symbol.name)
            return None
    document = piece.version.document
    return m.Rule(
        symbol.name, signature.type, signature.scale, symbol.output, False, piece.first, piece.last, body,
        mode, unit, named, initial, signature.has_initial, ANY,
        document.number, bases(head.modifiers, document), head.modifiers.note, head.name.span, symbol.entity,
    )  # fmt: skip


def _cases(desk: Desk, text: s.Rule, signature: Signature, piece: Slice) -> m.Cases | None:
    document = piece.version.document
    context = context_of(desk, text.head.modifiers, piece, signature)
    inherited = text.head.modifiers
    clauses: list[m.Clause] = []
    for written in piece.clauses:
        clause = elaborate_clause(desk, written, signature, context, document, inherited)
        if clause is not None:
            clauses.append(clause)
        assert written.condition is not None
        context = context.knowing(written.condition, False)
    if piece.otherwise is None:
        desk.say("E501" if text.clauses else "E502", text.head.name.span, context.clause, name=text.head.name.text)
        return None
    last = elaborate_clause(desk, piece.otherwise, signature, context, document, inherited)
    exceptions = _exceptions(desk, signature, piece)
    if last is None or len(clauses) < len(piece.clauses):
        return None
    return m.Cases(exceptions, (*clauses, last))


def _exceptions(desk: Desk, signature: Signature, piece: Slice) -> tuple[tuple[m.Clause, ...], ...]:
    groups: dict[int, list[m.Clause]] = {}
    for exception, written in piece.exceptions:
        context = context_of(desk, written.modifiers, piece, signature, exception.document)
        clause = elaborate_clause(desk, written, signature, context, exception.document, s.Modifiers())
        if clause is not None:
            groups.setdefault(exception.rank, []).append(clause)
    return tuple(tuple(groups[rank]) for rank in sorted(groups, reverse=True))


def _remember(desk: Desk, memory: Memory) -> None:
    """A library form as a hidden rule that reads itself through 上年, in force in every year."""
    span, argument = memory.span, memory.argument
    condition = argument
    if memory.since is not None:
        year = m.CurrentYear(Type(Kind.YEAR), 0, ANY, span)
        since = m.Constant(Type(Kind.YEAR), 0, ANY, span, Fraction(memory.since))
        begun = m.Apply(BOOL, 0, ANY, span, "≥", (year, since))
        condition = m.Apply(BOOL, 0, ANY, span, "且", (begun, argument)) if memory.form != "累计" else begun
    kind, scale, initial = YEARS, 0, Fraction(0)
    before: m.Expression
    clauses: tuple[tuple[m.Expression | None, m.Expression], ...]
    one = m.Constant(YEARS, 0, ANY, span, Fraction(1))
    zero = m.Constant(YEARS, 0, ANY, span, Fraction(0))
    start: Value = initial
    if memory.form == "连续年数":
        before = m.RuleRef(YEARS, 0, ANY, span, memory.name, 1, memory.entity)
        clauses = ((condition, combine("+", before, one, span)), (None, zero))
    elif memory.form == "曾经":
        kind, start = BOOL, False
        before = m.RuleRef(BOOL, 0, ANY, span, memory.name, 1, memory.entity)
        clauses = ((None, m.Apply(BOOL, 0, ANY, span, "或", (before, condition))),)
    else:
        kind, scale = argument.type, argument.scale or 0
        before = m.RuleRef(kind, scale, ANY, span, memory.name, 1, memory.entity)
        grown = combine("+", before, argument, span)
        clauses = ((None, grown),) if memory.since is None else ((condition, grown), (None, before))
    body = m.Cases((), tuple(m.Clause(c, v, (), None, memory.document, span) for c, v in clauses))
    unit = Fraction(1, 10**scale)
    rule = m.Rule(
        memory.name, kind, scale, False, True, desk.in_force.first, desk.in_force.last, body, Mode.HALF_UP, unit,
        True, start, True, ANY, memory.document, (), None, span, memory.entity,
    )  # fmt: skip
    desk.rules[memory.name] = [rule]
