"""Pieces of a rule as they are written and as they are meant.

The meaning of a piece is a model node freed of spelling, types and scales: 3000元 and 3,000元, a > b and b < a mean the same. Hidden
rules, the memory of forms such as 连续年数(…), appear only inside the meaning of what reads them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from tiaoli import model as m
from tiaoli.values import Kind, Type


@dataclass(frozen=True, slots=True)
class Phrase:
    """A piece of a rule as written. Two are equal when they mean the same, however they are written."""

    text: str = field(compare=False)
    meaning: object


class Phrases:
    """Reads expressions of a program, as they stand in a year, as phrases."""

    def __init__(self, program: m.Program) -> None:
        self._program = program

    def of(self, expression: m.Expression, year: int) -> Phrase:
        return Phrase(squeeze(expression.span.text), self._meaning(expression, year))

    def cell(self, test: m.Test, year: int) -> Phrase:
        def edge(expression: m.Expression | None) -> object:
            return None if expression is None else self._meaning(expression, year)

        values = frozenset(self._meaning(v, year) for v in test.values)
        bounds = frozenset(
            (edge(low), with_low, edge(high), with_high) for low, with_low, high, with_high in test.bounds
        )
        return Phrase(_cell_text(test), (values, bounds, test.absent))

    def edges(self, band: m.Band, year: int) -> tuple[Phrase, ...]:
        """The lower and the upper edge; an open one means nothing."""
        return tuple(Phrase("", None) if e is None else self.of(e, year) for e in (band.low, band.high))

    def _meaning(self, expression: m.Expression, year: int, inside: tuple[str, ...] = ()) -> m.Expression:
        """The expression without types, scales and the order of operands where it does not matter; memory forms spelt out."""
        if isinstance(expression, m.RuleRef) and self._hidden(expression.name):
            return self._memory(expression, year, inside)
        below = tuple(self._meaning(o, year, inside) for o in m.operands(expression))
        node = m.with_operands(expression, below)
        match node:
            case m.Constant():
                return replace(node, type=Type(node.type.kind), scale=None, range=m.ANY)
            case (
                m.FactRef(name=name, lag=lag)
                | m.RuleRef(name=name, lag=lag)
                | m.ParameterRef(name=name, lag=lag, key=None)
            ):
                return m.RuleRef(_PLAIN, None, m.ANY, node.span, name, lag)
            case m.Apply():
                return _straightened(replace(node, type=_PLAIN, scale=None, range=m.ANY))
            case _:
                return replace(node, type=_PLAIN, scale=None, range=m.ANY)

    def _hidden(self, name: str) -> bool:
        texts = self._program.rules.get(name)
        return texts is not None and texts[0].hidden

    def _memory(self, ref: m.RuleRef, year: int, inside: tuple[str, ...]) -> m.Expression:
        """What a library form such as 连续年数(…) remembers, as one node; where it reads itself it has no name."""
        rule = self._program.rule_at(ref.name, year)
        if ref.name in inside or rule is None:
            return m.RuleRef(_PLAIN, None, m.ANY, ref.span, "" if ref.name in inside else ref.name, ref.lag)
        texts = tuple(self._meaning(e, year, (*inside, ref.name)) for e in m.expressions(rule.body))
        return m.Apply(_PLAIN, None, m.ANY, ref.span, f"记忆{ref.lag}", texts)


_PLAIN = Type(Kind.BOOL)
_COMMUTATIVE = ("且", "或", "+", "×", "=", "≠", "取小", "取大")
_MIRRORED = {">": "<", "≥": "≤"}


def _straightened(node: m.Apply) -> m.Apply:
    """The same with > and ≥ turned round, and operands sorted where their order does not matter."""
    if node.operator in _MIRRORED:
        return replace(node, operator=_MIRRORED[node.operator], operands=node.operands[::-1])
    if node.operator in _COMMUTATIVE:
        return replace(node, operands=tuple(sorted(node.operands, key=repr)))
    return node


# ── texts as written ─────────────────────────────────────────────────────────


def squeeze(text: str) -> str:
    """Return ``text`` on one line, without comments."""
    return re.sub(r"\s+", " ", re.sub(r"#[^\n]*", "", text)).strip()


def _cell_text(test: m.Test) -> str:
    if test.any:
        return "-"
    texts = ["无"] if test.absent else []
    texts += [squeeze(v.span.text) for v in test.values]
    texts += [_bound_text(*bound) for bound in test.bounds]
    return " 或 ".join(dict.fromkeys(texts))


def _bound_text(low: m.Expression | None, with_low: bool, high: m.Expression | None, with_high: bool) -> str:
    if low is not None and high is not None:
        marks = ["(含)" if included else "(不含)" for included in (with_low, with_high)]
        return f"{squeeze(low.span.text)}{marks[0]}..{squeeze(high.span.text)}{marks[1]}"
    if low is not None:
        return f"{'≥' if with_low else '>'} {squeeze(low.span.text)}"
    return f"{'≤' if with_high else '<'} {squeeze(high.span.text) if high is not None else ''}".strip()


def interval_text(band: m.Band) -> str:
    """Return the interval of a band as written, between 段 and 得."""
    written = squeeze(band.span.source.text[band.span.start : band.rate.span.start])
    return re.sub(r"^(段|band)\s*|\s*(得|give)[\s（(]*$", "", written)
