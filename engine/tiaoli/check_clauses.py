"""Clauses: a condition and a value of the type of their rule, with the legal basis."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tiaoli import model as m
from tiaoli import syntax as s
from tiaoli.check_desk import Desk, bases, clause_text, require_basis
from tiaoli.elaborate import fits
from tiaoli.elaborate_context import Context
from tiaoli.resolve import Signature
from tiaoli.symbols import (
    ExceptionText,
    Version,
)
from tiaoli.values import INSURED, Kind


def context_of(
    desk: Desk, modifiers: s.Modifiers, piece: Slice, signature: Signature, document: m.Document | None = None
) -> Context:
    number = (document or piece.version.document).number
    entity = signature.owner or INSURED
    return Context(number, clause_text(modifiers), entity, years=(piece.first, piece.last))


def elaborate_clause(
    desk: Desk,
    written: s.Clause,
    signature: Signature,
    context: Context,
    document: m.Document,
    inherited: tuple[s.Citation, ...],
) -> m.Clause | None:
    modifiers = written.modifiers if written.modifiers.citations else replace(written.modifiers, citations=inherited)
    context = replace(context, clause=clause_text(modifiers), document=document.number)
    require_basis(desk, modifiers, written.span, context)
    condition = None
    inner = context
    if written.condition is not None:
        condition = desk.elaborator.condition(written.condition, context)
        inner = context.knowing(written.condition, True)
        if condition is None:
            desk.elaborator.of_type(written.value, inner, signature.type)
            return None
    value = elaborate_result(desk, written.value, inner, signature)
    if value is None:
        return None
    return m.Clause(condition, value, bases(modifiers, document), modifiers.note, document.number, written.span)


def elaborate_result(
    desk: Desk, expression: s.Expression, context: Context, signature: Signature
) -> m.Expression | None:
    """A value of the rule's type; a rule of whole numbers that names its rounding may be given a ratio."""
    whole = signature.names_rounding and signature.type.kind is Kind.INT
    if whole:
        node = desk.elaborator.value(expression, context, signature.type, signature.type.nullable)
        if node is None or node.type.kind is Kind.RATE or fits(node.type, signature.type):
            return node
    return desk.elaborator.of_type(expression, context, signature.type)


@dataclass(frozen=True, slots=True)
class Slice:
    """A text of a rule with the clauses and exceptions that hold in the years ``first``..``last``."""

    version: Version
    clauses: tuple[s.Clause, ...]
    otherwise: s.Clause | None
    rows: tuple[s.Row, ...]
    bands: tuple[s.Band, ...]
    exceptions: tuple[tuple[ExceptionText, s.Clause], ...]
    first: int
    last: int
