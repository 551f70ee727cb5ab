"""Syntax → typed nodes of the model: every operation fits its operands, every value that may be absent is asked for first.

What a condition establishes is carried along (`elaborate_context`): after `有 X` (or in a clause that follows `没有 X`) X is there; where
every part of the condition of `必填 当 C` is established, the fact is there too. What speaks of other records is in `elaborate_links`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction

from tiaoli import model as m
from tiaoli import syntax as s
from tiaoli.diagnostic import Diagnostic
from tiaoli.elaborate_context import Context, facts_of
from tiaoli.elaborate_links import elaborate_aggregate, elaborate_through
from tiaoli.model import ANY
from tiaoli.nearness import nearest
from tiaoli.operators import AGGREGATES_MEANT, BOOL, FUNCTION_NAMES, FUNCTIONS, MEMORY_NAMES, YEARS, row
from tiaoli.resolve import Scope, Signature, resolve_rounding, scale_of
from tiaoli.source import Span, half_width
from tiaoli.symbols import FactSymbol, ParameterSymbol, QuestionSymbol, RuleSymbol
from tiaoli.values import INSURED, Kind, Type, Value, decimal_text


@dataclass(slots=True)
class Memory:
    """A library form met in an expression: it becomes a hidden rule of this name."""

    name: str
    form: str
    argument: m.Expression
    since: int | None
    document: str
    span: Span
    entity: str


@dataclass(slots=True)
class Elaborator:
    """Turns expressions of one place into nodes; ``memories`` collects the hidden rules they need."""

    scope: Scope
    memories: dict[str, Memory] = field(default_factory=dict)

    # ── saying ───────────────────────────────────────────────────────────────
    def say(self, code: str, span: Span, context: Context, **arguments: object) -> None:
        self.scope.found.append(Diagnostic(code, arguments, span, context.clause))

    def _said(self, code: str, name: str) -> bool:
        return any(d.code == code and d.arguments.get("name") == name for d in self.scope.found)

    # ── entry points ─────────────────────────────────────────────────────────
    def value(
        self, expression: s.Expression, context: Context, expected: Type | None = None, nullable: bool = False
    ) -> m.Expression | None:
        """Return the node, or None when something in it is wrong (already said)."""
        node = self._node(expression, context, expected)
        if node is None or nullable or not node.type.nullable:
            return node
        absent = isinstance(node, m.Constant) and node.value is None
        code = "E336" if isinstance(node, m.Aggregate) else "E316" if absent else "E315"
        self.say(code, expression.span, context, name=_squeeze(expression.span.text))
        return None

    def condition(self, expression: s.Expression, context: Context) -> m.Expression | None:
        """Return a node of type 是否."""
        node = self.value(expression, context)
        if node is not None and node.type.kind is not Kind.BOOL:
            self.say("E317", expression.span, context, found=node.type.present)
            return None
        return node

    def of_type(self, expression: s.Expression, context: Context, wanted: Type) -> m.Expression | None:
        """Return a node that fits ``wanted``."""
        node = self.value(expression, context, wanted, wanted.nullable)
        if node is None or fits(node.type, wanted):
            return node
        self._mismatch(expression, node, wanted, context)
        return None

    def _mismatch(self, expression: s.Expression, node: m.Expression, wanted: Type, context: Context) -> None:
        code = _unit_slip(expression, wanted) or "E305"
        text = expression.span.text
        better = _with_unit(text, wanted)
        self.say(
            code, expression.span, context, wanted=wanted.present, found=node.type.present, text=text, better=better
        )

    # ── nodes ────────────────────────────────────────────────────────────────
    def _node(self, expression: s.Expression, context: Context, expected: Type | None) -> m.Expression | None:
        match expression:
            case s.Literal():
                return constant(expression)
            case s.Reference():
                return self._reference(expression, context, expected)
            case s.Through():
                return elaborate_through(self, expression, context)
            case s.Aggregate():
                return elaborate_aggregate(self, expression, context)
            case s.Has():
                return self._has(expression, context)
            case s.Operation():
                return self._operation(expression, context, expected)
            case s.Within():
                return self._within(expression, context)
            case s.Conditional():
                return self._conditional(expression, context, expected)
            case s.Rounded():
                return self._rounded(expression, context)
            case s.Call():
                return self._call(expression, context)

    def _reference(self, ref: s.Reference, context: Context, expected: Type | None) -> m.Expression | None:
        if expected is not None and ref.name in expected.options and not ref.previous:
            return m.Constant(expected.present, 0, ANY, ref.span, ref.name)
        if ref.name in ("本年度", "current_year") and not ref.previous:
            return m.CurrentYear(Type(Kind.YEAR), 0, ANY, ref.span)
        if ref.name in ("地区", "place") and not ref.previous:
            return m.Constant(Type(Kind.PLACE), 0, ANY, ref.span, self.scope.in_force.place)
        if ref.previous and ref.name in ("本年度", "current_year", "地区", "place"):
            self.say("E211", ref.span, context, name=ref.name)
            return None
        signature = self.scope.signatures.get(ref.name)
        if signature is None and expected is not None and expected.kind is Kind.PLACE:
            return m.Constant(Type(Kind.PLACE), 0, ANY, ref.span, ref.name)
        if signature is None and expected is not None and expected.options and not self._is_option(ref):
            if self.scope.joined(ref.name) is not None:
                self.scope.unknown(ref.name, ref.span, context.clause)
                return None
            near = nearest(ref.name, expected.options)
            self.say("E216", ref.span, context, name=ref.name, known=expected.options, near=near)
            return None
        if (
            signature is None
            and expected is not None
            and expected.kind is Kind.LINK
            and not self.scope.is_entity(ref.name)
        ):
            self.say("E233", ref.span, context, name=ref.name, owner=expected.target)
            return None
        if signature is None:
            if ref.name not in self.scope.in_force.symbols:
                self.scope.unknown(ref.name, ref.span, context.clause)
            return None
        if signature.owner is not None and signature.owner != context.entity:
            self._elsewhere(ref, signature.owner, context)
            return None
        return self.named(ref, signature, context)

    def _elsewhere(self, ref: s.Reference, owner: str, context: Context) -> None:
        """Say of a name of another kind of record whose it is and how to reach it from here."""
        way = self.scope.way(context.entity, owner, ref.name)
        code = "E218" if way is not None else "E229"
        self.say(code, ref.span, context, name=ref.name, owner=owner, here=context.entity, way=way)

    def named(self, ref: s.Reference, signature: Signature, context: Context) -> m.Expression | None:
        """Return the node of a name with this signature."""
        lag = int(ref.previous)
        kind = signature.type
        if context.knows(ref):
            kind = kind.present
        match signature.symbol:
            case FactSymbol(declaration=fact, entity=entity):
                if lag and not fact.yearly:
                    self.say("E211", ref.span, context, name=ref.name)
                    return None
                if not lag and kind.nullable and self._demanded(fact, context):
                    kind = kind.present
                return m.FactRef(kind, signature.scale, ANY, ref.span, ref.name, fact.yearly, lag, entity)
            case ParameterSymbol() as parameter:
                return self._parameter(ref, parameter, kind, signature.scale, context)
            case QuestionSymbol():
                if lag:
                    self.say("E211", ref.span, context, name=ref.name)
                return m.QuestionRef(kind, 0, ANY, ref.span, ref.name)
            case RuleSymbol(entity=entity):
                if lag and not signature.has_initial and self._said("E212", ref.name):
                    return None
                if lag and not signature.has_initial:
                    self.say("E212", ref.span, context, name=ref.name, type=kind)
                    return None
                return m.RuleRef(kind, signature.scale, ANY, ref.span, ref.name, lag, entity)

    def _demanded(self, fact: s.Fact, context: Context) -> bool:
        """Whether 必填 当 C guarantees the fact here: every part of C is established, in years in which it is demanded."""
        if fact.required_when is None or not facts_of(fact.required_when, True) <= context.truths:
            return False
        first, last = fact.modifiers.first, fact.modifiers.last
        return (first is None or first <= context.years[0]) and (last is None or context.years[1] <= last)

    def _parameter(
        self, ref: s.Reference, parameter: ParameterSymbol, kind: Type, scale: int, context: Context
    ) -> m.Expression | None:
        key: m.Expression | None = None
        word = parameter.declaration.key
        if word is not None and word.text not in ("地区", "place"):
            signed = self.scope.signatures.get(word.text)
            if signed is not None and signed.owner not in (None, context.entity):
                arguments = {"name": ref.name, "key": word.text, "owner": signed.owner, "here": context.entity}
                self.say("E228", ref.span, context, **arguments)
                return None
            key = self.value(s.Reference(word.text, ref.previous, word.span), context)
            if key is None:
                return None
        return m.ParameterRef(kind, scale, ANY, ref.span, ref.name, int(ref.previous), key)

    def _has(self, has: s.Has, context: Context) -> m.Expression | None:
        operand = self._node(has.reference, context.blank, None)
        if operand is None:
            return None
        if not operand.type.nullable and self._defined_here(has.reference, context):
            self.say("W302", has.span, context, name=_squeeze(has.reference.span.text))
        present = m.Present(BOOL, 0, ANY, has.span, operand)
        return present if has.present else m.Apply(BOOL, 0, ANY, has.span, "非", (present,))

    def _defined_here(self, path: s.Path, context: Context) -> bool:
        """Whether the text asks about what its own document defines; another document may have made it sure in one place alone."""
        while isinstance(path, s.Through):
            path = path.value
        signature = self.scope.signatures.get(path.name)
        symbol = signature.symbol if signature else None
        if isinstance(symbol, RuleSymbol):
            return all(v.document.number == context.document for v in symbol.versions)
        return symbol is None or symbol.document.number == context.document

    # ── operations ───────────────────────────────────────────────────────────
    def _operation(self, op: s.Operation, context: Context, expected: Type | None) -> m.Expression | None:
        match op.operator:
            case "且" | "或":
                return self._connective(op, context)
            case "=" | "≠" | "<" | ">" | "≤" | "≥":
                operands = self._pair(op.operands[0], op.operands[1], context)
            case _:
                operands = self._all(op.operands, context)
        if operands is None:
            return None
        return self.apply(op.operator, operands, op, context)

    def _all(self, expressions: Sequence[s.Expression], context: Context) -> tuple[m.Expression, ...] | None:
        nodes = [self.value(expression, context) for expression in expressions]
        found = tuple(node for node in nodes if node is not None)
        return found if len(found) == len(nodes) else None

    def _connective(self, op: s.Operation, context: Context) -> m.Expression | None:
        nodes: list[m.Expression | None] = []
        inner = context
        for operand in op.operands:
            nodes.append(self.condition(operand, inner))
            inner = inner.knowing(operand, op.operator == "且")
        operands = tuple(node for node in nodes if node is not None)
        if len(operands) < len(nodes):
            return None
        return m.Apply(BOOL, 0, ANY, op.span, op.operator, operands)

    def _pair(self, left: s.Expression, right: s.Expression, context: Context) -> tuple[m.Expression, ...] | None:
        """Both sides of a comparison; the name of an option takes its type from the other side."""
        for absent, other in ((left, right), (right, left)):
            if isinstance(absent, s.Literal) and absent.kind is None:
                self.say("E316", absent.span, context, name=other.span.text)
                return None
        if self._is_option(left) and not self._is_option(right):
            pair = self._pair(right, left, context)
            return pair and (pair[1], pair[0])
        first = self.value(left, context)
        second = self.value(right, context, first.type if first else None)
        return (first, second) if first is not None and second is not None else None

    def _is_option(self, expression: s.Expression) -> bool:
        return (
            isinstance(expression, s.Reference)
            and expression.name not in self.scope.signatures
            and any(expression.name in sig.type.options for sig in self.scope.signatures.values())
        )

    def apply(
        self, name: str, operands: tuple[m.Expression, ...], written: s.Operation | s.Call, context: Context
    ) -> m.Expression | None:
        """Return the operator applied, or None when its operands do not fit."""
        line = row(name)
        result = line.typing(tuple(o.type for o in operands))
        if result is None:
            self._misfit(name, operands, written, context)
            return None
        if isinstance(written, s.Operation) and written.carry:
            if operands[0].type.kind is not Kind.DATE:
                self.say("E318", written.span, context)
                return None
            name += "进位"
        scale = line.scale(tuple(o.scale for o in operands))
        return m.Apply(result.present, scale, ANY, written.span, name, operands)

    def _misfit(
        self, name: str, operands: tuple[m.Expression, ...], written: s.Operation | s.Call, context: Context
    ) -> None:
        types = [o.type.present for o in operands]
        if isinstance(written, s.Call):
            takes: object = row(name).takes[0] if row(name).takes else "same_ordered"
            self.say("E319", written.span, context, function=written.function.text, types=tuple(types), takes=takes)
            return
        if sum(kind.kind is Kind.LINK for kind in types) == 1 and len(types) == 2:
            index = int(types[0].kind is Kind.LINK)
            value = written.operands[index].span
            self.say("E233", value, context, name=value.text, owner=types[1 - index].target)
            return
        for literal, other in ((0, 1), (1, 0)):
            if len(operands) == 2 and (code := _unit_slip(written.operands[literal], types[other])):
                span = written.operands[literal].span
                better = _with_unit(span.text, types[other])
                self.say(code, span, context, wanted=types[other], found=types[literal], text=span.text, better=better)
                return
        code = "E301" if len(types) == 2 else "E320"
        left, right = types[0], types[-1]
        self.say(code, written.span, context, operator="-" if name == "负" else name, left=left, right=right)

    def _within(self, within: s.Within, context: Context) -> m.Expression | None:
        value = self.value(within.value, context)
        if value is None:
            return None
        parts: list[m.Expression] = []
        for choice in within.choices:
            node = self.value(choice, context, value.type)
            written = s.Operation("=", (within.value, choice), False, choice.span)
            part = self.apply("=", (value, node), written, context) if node is not None else None
            if part is not None:
                parts.append(part)
        if len(parts) < len(within.choices):
            return None
        return parts[0] if len(parts) == 1 else m.Apply(BOOL, 0, ANY, within.span, "或", tuple(parts))

    def _conditional(self, c: s.Conditional, context: Context, expected: Type | None) -> m.Expression | None:
        condition = self.condition(c.condition, context)
        nullable = expected is not None and expected.nullable
        then = self.value(c.then, context.knowing(c.condition, True), expected, nullable)
        hint = expected or (then.type if then is not None else None)
        otherwise = self.value(c.otherwise, context.knowing(c.condition, False), hint, nullable)
        if condition is None or then is None or otherwise is None:
            return None
        kind = union(then.type, otherwise.type)
        if kind is None and expected is not None and fits(then.type, expected) and fits(otherwise.type, expected):
            kind = expected
        if kind is None:
            self._mismatch(c.otherwise, otherwise, then.type, context)
            return None
        scale = None if then.scale is None or otherwise.scale is None else max(then.scale, otherwise.scale)
        return m.Choose(kind, scale, ANY, c.span, condition, then, otherwise)

    def _rounded(self, rounded: s.Rounded, context: Context) -> m.Expression | None:
        operand = self.value(rounded.value, context)
        if operand is None:
            return None
        if not operand.type.kind.is_number:
            self.say("E320", rounded.span, context, operator="舍入", left=operand.type, right=operand.type)
            return None
        unit_word = rounded.rounding.unit
        whole = isinstance(unit_word, s.Word) and unit_word.text in ("整数", "个", "whole")
        mode, unit, _ = resolve_rounding(rounded.rounding, operand.type, self.scope.found)
        kind = Type(Kind.INT) if whole and operand.type.kind is Kind.RATE else operand.type
        return m.Round(kind, scale_of(unit), ANY, rounded.span, operand, mode, unit)

    # ── functions ────────────────────────────────────────────────────────────
    def _call(self, call: s.Call, context: Context) -> m.Expression | None:
        name = call.function.text
        if name in MEMORY_NAMES:
            return self._memory(MEMORY_NAMES[name], call, context)
        zh = FUNCTION_NAMES.get(name)
        if zh is None:
            near = self._aggregate_meant(call) or nearest(name.lower(), [*FUNCTION_NAMES, *MEMORY_NAMES])
            self.say("E213", call.function.span, context, name=name, near=near)
            return None
        low, high = FUNCTIONS[zh].arity
        count = len(call.arguments)
        if call.since is not None or count < low or (high is not None and count > high):
            needs = str(low) if low == high else f"≥ {low}"
            self.say("E321", call.span, context, function=name, needs=needs, found=count)
            return None
        operands = self._all(call.arguments, context)
        if operands is None or (zh == "日期" and not self._calendar(operands, call, context)):
            return None
        return self.apply(zh, operands, call, context)

    def _aggregate_meant(self, call: s.Call) -> str | None:
        """The figure over records that is meant by a function such as 人数(参保人), or None."""
        first = call.arguments[0] if call.arguments else None
        of_records = isinstance(first, s.Reference) and self.scope.is_entity(first.name)
        return AGGREGATES_MEANT.get(call.function.text) if of_records else None

    def _calendar(self, operands: tuple[m.Expression, ...], call: s.Call, context: Context) -> bool:
        """Month and day of 日期(…) are written out, so that no date can fail to exist; a day past the month's end is its last."""
        for operand, limit in zip(operands[1:], (12, 31), strict=True):
            value = operand.value if isinstance(operand, m.Constant) else None
            if not isinstance(value, Fraction) or not 1 <= value <= limit:
                self.say("E322", operand.span, context, limit=limit)
                return False
        return True

    def _memory(self, form: str, call: s.Call, context: Context) -> m.Expression | None:
        glued = [a for a in call.arguments[1:] if isinstance(a, s.Reference) and self.scope.joined(a.name)]
        if glued:
            self.scope.unknown(glued[0].name, glued[0].span, context.clause)
            return None
        if len(call.arguments) != 1:
            count = len(call.arguments)
            self.say("E321", call.span, context, function=form, needs="1", found=count)
            return None
        blank = replace(context.blank, years=(0, 9999))
        written = call.arguments[0]
        argument = self.value(written, blank) if form == "累计" else self.condition(written, blank)
        if argument is None:
            return None
        if form == "累计" and (not argument.type.kind.is_number or argument.scale is None):
            self.say("E332", call.span, context)
            return None
        word = call.function.text
        since = "" if call.since is None else f", 自 {call.since}年度" if word == form else f", from Y{call.since}"
        owner = "" if context.entity == INSURED else f"{context.entity} 的 "
        name = f"{owner}{word}({_squeeze(written.span.text)}{since})"
        memory = Memory(name, form, argument, call.since, context.document, call.span, context.entity)
        self.memories.setdefault(name, memory)
        kind = {"连续年数": YEARS, "曾经": BOOL}.get(form, argument.type)
        scale = 0 if argument.scale is None else argument.scale
        return m.RuleRef(kind, scale, ANY, call.span, name, int(form == "曾经"), context.entity)


# ── types ────────────────────────────────────────────────────────────────────


def constant(literal: s.Literal) -> m.Constant:
    """Return the node of a literal; years are held as numbers of units, money in 分."""
    if literal.kind is None:
        return m.Constant(Type(Kind.ENUM, (), True), 0, ANY, literal.span, None)
    value: Value = literal.value
    scale = 0
    if isinstance(value, Fraction):
        scale = len(decimal_text(value).partition(".")[2])
    return m.Constant(Type(literal.kind), scale, ANY, literal.span, value)


def fits(found: Type, wanted: Type) -> bool:
    """Whether a value of type ``found`` may stand where ``wanted`` is asked for."""
    if found.nullable and not wanted.nullable:
        return False
    if found.kind is Kind.ENUM and not found.members and found.nullable:
        return wanted.nullable
    if found.kind is Kind.ENUM and wanted.kind is Kind.ENUM:
        return set(found.members) <= set(wanted.members)
    if found.kind is Kind.LINK and wanted.kind is Kind.LINK:
        return found.target == wanted.target
    return found.kind is wanted.kind


def union(left: Type, right: Type) -> Type | None:
    """Return the type that holds values of both, or None."""
    nullable = left.nullable or right.nullable
    for one, other in ((left, right), (right, left)):
        if fits(replace(one, nullable=False), replace(other, nullable=False)):
            return replace(other, nullable=nullable)
        if one.kind is Kind.ENUM and not one.members:
            return replace(other, nullable=True)
    return None


def _unit_slip(expression: s.Expression, wanted: Type) -> str | None:
    """The code for a bare number where a unit is needed: 3000 for 3000元, 20 for 20%, 4 for 4年."""
    if isinstance(expression, s.Literal) and expression.kind is Kind.YEARS and wanted.kind is Kind.YEAR:
        return "E304"
    if not (isinstance(expression, s.Literal) and expression.kind in (Kind.INT, Kind.RATE)):
        return None
    if expression.kind is Kind.RATE and (wanted.kind is not Kind.MONEY or "%" in half_width(expression.span.text)):
        return None
    if wanted.kind is Kind.MONEY:
        return "E302"
    if wanted.kind is Kind.RATE:
        return "E303"
    return "E304" if wanted.kind.is_duration or wanted.kind is Kind.YEAR else None


def _with_unit(text: str, wanted: Type) -> str:
    """A bare number with the unit of the type wanted."""
    digits = re.match(r"[\d.]*", half_width(text))
    if wanted.kind is Kind.RATE and digits:
        return f"{digits[0]}% 或 {digits[0]}00%" if digits[0] == "1" else f"{digits[0]}%"
    units = {Kind.YEARS: "年", Kind.MONTHS: "个月", Kind.DAYS: "天", Kind.YEAR: "年度"}
    return f"{digits[0] if digits else ''}{units.get(wanted.kind, '')}"


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"#[^\n]*", "", half_width(text))).strip()


def as_units(value: Value) -> Fraction | int | None:
    """Return a value's place on its number line (dates by ordinal), or None for what has none."""
    if isinstance(value, date):
        return value.toordinal()
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return None
    return value


def combine(operator: str, left: m.Expression, right: m.Expression, span: Span) -> m.Apply:
    """Return `left operator right` for operands of one type."""
    scale = None if left.scale is None or right.scale is None else max(left.scale, right.scale)
    return m.Apply(left.type.present, scale, ANY, span, operator, (left, right))


def apply_all(operator: str, operands: tuple[m.Expression, ...], span: Span) -> m.Apply:
    """Return an operator over operands of one type."""
    scales = [o.scale for o in operands]
    scale = None if None in scales else max(x for x in scales if x is not None)
    return m.Apply(operands[0].type.present, scale, ANY, span, operator, operands)
