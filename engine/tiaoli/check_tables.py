"""Decision tables and marginal scales as written → the model; `tables` looks for their gaps and overlaps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tiaoli import model as m
from tiaoli import syntax as s
from tiaoli.check_clauses import Slice, context_of, elaborate_clause, elaborate_result
from tiaoli.check_desk import Desk, bases, clause_text, require_basis
from tiaoli.diagnostic import Diagnostic
from tiaoli.elaborate import apply_all, combine, fits
from tiaoli.elaborate_context import Context
from tiaoli.model import ANY
from tiaoli.operators import BOOL
from tiaoli.resolve import Signature
from tiaoli.source import Span
from tiaoli.values import Kind, Type


def elaborate_table(desk: Desk, text: s.Table, signature: Signature, piece: Slice) -> m.DecisionTable | None:
    context = context_of(desk, text.head.modifiers, piece, signature)
    columns = [desk.elaborator.value(c, context, None, nullable=True) for c in text.columns]
    if any(c is None for c in columns):
        return None
    first_hit = _hit(desk, text, context)
    inherited = text.head.modifiers.citations
    rows = [
        _row(desk, row, text, [c for c in columns if c is not None], signature, context, inherited, piece)
        for row in piece.rows
    ]
    otherwise = None
    if piece.otherwise is not None:
        otherwise = elaborate_clause(desk, piece.otherwise, signature, context, piece.version.document, inherited)
    if any(r is None for r in rows) or (piece.otherwise is not None and otherwise is None):
        return None
    whole = tuple(c for c in columns if c is not None)
    return m.DecisionTable(whole, tuple(r for r in rows if r is not None), first_hit, otherwise)


def _hit(desk: Desk, text: s.Table, context: Context) -> bool:
    if text.hit is None or text.hit.text in ("唯一", "unique"):
        return False
    if text.hit.text in ("首个", "first"):
        return True
    desk.say("E503", text.hit.span, context.clause, found=text.hit.text)
    return False


def _row(
    desk: Desk,
    row: s.Row,
    text: s.Table,
    columns: list[m.Expression],
    signature: Signature,
    context: Context,
    inherited: tuple[s.Citation, ...],
    piece: Slice,
) -> m.Row | None:
    modifiers = row.modifiers if row.modifiers.citations else replace(row.modifiers, citations=inherited)
    context = replace(context, clause=clause_text(modifiers))
    require_basis(desk, modifiers, row.span, context)
    if len(row.cells) != len(columns):
        desk.say("E504", row.span, context.clause, found=len(row.cells), wanted=len(columns))
        return None
    conditions: list[m.Expression] = []
    tests: list[m.Test] = []
    inner = context
    for cell, column, written in zip(row.cells, columns, text.columns, strict=True):
        test = _test(desk, cell, column, context)
        if test is None:
            return None
        tests.append(test)
        conditions.extend(_asked(test, column, cell.span))
        if isinstance(written, s.Reference | s.Through) and not test.any and not test.absent:
            inner = replace(inner, present=inner.present | {written})
    if row.value is None:
        return None
    value = elaborate_result(desk, row.value, inner, signature)
    if value is None:
        return None
    condition = _all_of(conditions, row.span)
    basis = bases(modifiers, piece.version.document)
    return m.Row(tuple(tests), condition, value, basis, modifiers.note, row.span)


def _test(desk: Desk, cell: s.Cell, column: m.Expression, context: Context) -> m.Test | None:
    values: list[m.Expression] = []
    bounds: list[tuple[m.Expression | None, bool, m.Expression | None, bool]] = []
    absent = False
    wanted = column.type.present
    for item in cell.items:
        match item:
            case s.Interval():
                bound = _interval(desk, item, wanted, context)
                if bound is None:
                    return None
                bounds.append(bound)
            case s.Compared():
                node = _cell_value(desk, item.value, wanted, context)
                if node is None:
                    return None
                if item.operator == "=":
                    values.append(node)
                else:
                    _compared(desk, item, node, column, values, bounds)
            case s.Literal(None, None):
                absent = True
                if not column.type.nullable:
                    desk.say("E505", item.span, context.clause)
                    return None
            case _:
                node = _cell_value(desk, item, wanted, context)
                if node is None:
                    return None
                values.append(node)
    return m.Test(tuple(values), tuple(bounds), absent)


def _compared(
    desk: Desk,
    item: s.Compared,
    node: m.Expression,
    column: m.Expression,
    values: list[m.Expression],
    bounds: list[tuple[m.Expression | None, bool, m.Expression | None, bool]],
) -> None:
    match item.operator:
        case "<" | "≤":
            bounds.append((None, False, node, item.operator == "≤"))
        case ">" | "≥":
            bounds.append((node, item.operator == "≥", None, False))
        case _ if column.type.kind.is_ordered:
            bounds.extend(((None, False, node, False), (node, False, None, False)))
        case _:
            own = node.value if isinstance(node, m.Constant) else None
            others = column.type.members if column.type.kind is Kind.ENUM else (True, False)
            kind = column.type.present
            values.extend(m.Constant(kind, 0, ANY, item.span, v) for v in others if v != own)


def _cell_value(desk: Desk, expression: s.Expression, wanted: Type, context: Context) -> m.Expression | None:
    node = desk.elaborator.of_type(expression, context, wanted)
    if node is not None and any(isinstance(e, m.FactRef | m.RuleRef | m.Aggregate) for e in m.walk(node)):
        desk.say("E506", expression.span, context.clause)
        return None
    return node


def _interval(
    desk: Desk, interval: s.Interval, wanted: Type, context: Context
) -> tuple[m.Expression | None, bool, m.Expression | None, bool] | None:
    if not wanted.kind.is_ordered:
        desk.say("E507", interval.span, context.clause, type=wanted)
        return None
    low = _cell_value(desk, interval.low, wanted, context) if interval.low is not None else None
    high = _cell_value(desk, interval.high, wanted, context) if interval.high is not None else None
    if (interval.low is not None and low is None) or (interval.high is not None and high is None):
        return None
    for edge, included in ((interval.low, interval.low_included), (interval.high, interval.high_included)):
        if edge is not None and included is None:
            desk.say("E508", edge.span, context.clause, text=edge.span.text)
            return None
    return low, bool(interval.low_included), high, bool(interval.high_included)


def elaborate_scale(desk: Desk, text: s.Scale, signature: Signature, piece: Slice) -> m.MarginalScale | None:
    context = context_of(desk, text.head.modifiers, piece, signature)
    base = desk.elaborator.value(text.base, context)
    if base is None:
        return None
    if not base.type.kind.is_number:
        desk.say("E507", text.base.span, context.clause, type=base.type)
        return None
    bands = [_band(desk, b, base, context, piece, text.head.modifiers.citations) for b in piece.bands]
    if not bands:
        desk.say("E502", text.head.name.span, context.clause, name=text.head.name.text)
        return None
    if any(b is None for b in bands):
        return None
    whole = tuple(b for b in bands if b is not None)
    total = _total(desk, base, whole, text.span)
    if not fits(total.type, signature.type):
        arguments = {"wanted": signature.type, "found": total.type, "text": text.head.name.text}
        desk.found.append(Diagnostic("E305", arguments, text.base.span, context.clause))
        return None
    return m.MarginalScale(base, whole, total)


def _band(
    desk: Desk, band: s.Band, base: m.Expression, context: Context, piece: Slice, inherited: tuple[s.Citation, ...]
) -> m.Band | None:
    modifiers = band.modifiers if band.modifiers.citations else replace(band.modifiers, citations=inherited)
    context = replace(context, clause=clause_text(modifiers))
    require_basis(desk, modifiers, band.span, context)
    interval = _interval(desk, band.interval, base.type, context)
    rate = desk.elaborator.of_type(band.rate, context, Type(Kind.RATE))
    if interval is None or rate is None:
        return None
    basis = bases(modifiers, piece.version.document)
    return m.Band(interval[0], interval[2], rate, basis, modifiers.note, band.span)


def _total(desk: Desk, base: m.Expression, bands: Iterable[m.Band], span: Span) -> m.Expression:
    """Σ rate × (the part of the base inside the band)."""
    total: m.Expression | None = None
    for band in bands:
        part = _part(base, band)
        scale = None if part.scale is None or band.rate.scale is None else part.scale + band.rate.scale
        kind = base.type if base.type.kind in (Kind.MONEY, Kind.RATE) else Type(Kind.RATE)
        portion = m.Apply(kind, scale, ANY, band.span, "×", (part, band.rate))
        total = portion if total is None else combine("+", total, portion, span)
    assert total is not None
    return total


def _part(base: m.Expression, band: m.Band) -> m.Expression:
    """The part of the base between the edges of a band."""
    inside: m.Expression = base
    if band.high is not None:
        inside = apply_all("取小", (inside, band.high), band.span)
    if band.low is None:
        return inside
    return combine("-", apply_all("取大", (inside, band.low), band.span), band.low, band.span)


def _all_of(conditions: list[m.Expression], span: Span) -> m.Expression:
    if not conditions:
        return m.Constant(BOOL, 0, ANY, span, True)
    return conditions[0] if len(conditions) == 1 else m.Apply(BOOL, 0, ANY, span, "且", tuple(conditions))


def _asked(test: m.Test, column: m.Expression, span: Span) -> list[m.Expression]:
    """The question a cell asks, as an expression; a column that may be absent is asked for first."""
    if test.any:
        return []
    present = replace(column, type=column.type.present)
    parts: list[m.Expression] = [m.Apply(BOOL, 0, ANY, span, "=", (present, v)) for v in test.values]
    for low, with_low, high, with_high in test.bounds:
        sides: list[m.Expression] = []
        if low is not None:
            sides.append(m.Apply(BOOL, 0, ANY, span, "≥" if with_low else ">", (present, low)))
        if high is not None:
            sides.append(m.Apply(BOOL, 0, ANY, span, "≤" if with_high else "<", (present, high)))
        parts.append(_all_of(sides, span))
    there = m.Present(BOOL, 0, ANY, span, column)
    asked = _any_of(parts, span)
    if column.type.nullable and asked is not None:
        asked = m.Apply(BOOL, 0, ANY, span, "且", (there, asked))
    if test.absent:
        gone = m.Apply(BOOL, 0, ANY, span, "非", (there,))
        asked = gone if asked is None else m.Apply(BOOL, 0, ANY, span, "或", (gone, asked))
    return [asked] if asked is not None else []


def _any_of(parts: list[m.Expression], span: Span) -> m.Expression | None:
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else m.Apply(BOOL, 0, ANY, span, "或", tuple(parts))
