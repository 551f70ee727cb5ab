"""What is in force → the model, or everything that is wrong with it.

In order: facts, parameters and questions; each text of each rule with the clauses that hold in the same years; the memory of library
forms; segments of years with one set of rules, in dependency order; ranges and 64-bit overflow; gaps and overlaps of tables; mandates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction

from tiaoli import model as m
from tiaoli import syntax as s
from tiaoli import tables
from tiaoli.bounds import Reach, point, reach
from tiaoli.diagnostic import Diagnostic, Related, errors
from tiaoli.elaborate import Context, Elaborator, Memory, constant, fits
from tiaoli.meaning import Environment, Result, Trouble, evaluate
from tiaoli.model import ANY
from tiaoli.operators import BOOL, DATE_RANGE, YEARS
from tiaoli.resolve import DEFAULT_RANGES, Scope, Signature, resolve, resolve_rounding
from tiaoli.source import Span
from tiaoli.symbols import (
    ExceptionText,
    FactSymbol,
    InForce,
    MandateText,
    ParameterSymbol,
    QuestionSymbol,
    RuleSymbol,
    ValueText,
    Version,
)
from tiaoli.values import RATE_DIGITS, Kind, Mode, Type, Value

_LIMIT = 2**63 - 1


def check(in_force: InForce) -> tuple[m.Program | None, list[Diagnostic]]:
    """Return the program of a place, or None where errors leave none, and all diagnostics."""
    found: list[Diagnostic] = []
    scope = resolve(in_force, found)
    work = _Check(in_force, scope, Elaborator(scope), found)
    program = work.run()
    return (None if errors(found) else program), found


@dataclass(frozen=True, slots=True)
class _Slice:
    """A text of a rule with the clauses and exceptions that hold in the years ``first``..``last``."""

    version: Version
    clauses: tuple[s.Clause, ...]
    otherwise: s.Clause | None
    rows: tuple[s.Row, ...]
    bands: tuple[s.Band, ...]
    exceptions: tuple[tuple[ExceptionText, s.Clause], ...]
    first: int
    last: int


@dataclass(slots=True)
class _Constants:
    """An environment in which only parameters, questions and the year have values."""

    year: int
    parameters: dict[str, m.Parameter]
    questions: dict[str, m.Question]

    def parameter(self, ref: m.ParameterRef, key: Value) -> Result:
        value = self.parameters[ref.name].at(self.year - ref.lag, key)
        if value is None:
            raise Trouble("E411", (("name", ref.name), ("year", self.year - ref.lag)))
        return value.value

    def question(self, ref: m.QuestionRef) -> Result:
        return self.questions[ref.name].default

    def fact(self, ref: m.FactRef) -> Result:
        raise AssertionError(ref)

    def rule(self, ref: m.RuleRef) -> Result:
        raise AssertionError(ref)


@dataclass(slots=True)
class _Check:
    in_force: InForce
    scope: Scope
    elaborator: Elaborator
    found: list[Diagnostic]
    facts: dict[str, m.Fact] = field(default_factory=dict)
    parameters: dict[str, m.Parameter] = field(default_factory=dict)
    questions: dict[str, m.Question] = field(default_factory=dict)
    rules: dict[str, list[m.Rule]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def run(self) -> m.Program:
        self._definitions()
        self._rules()
        segments = self._segments()
        ranges, totals = reach((self.in_force.first, self.in_force.last), segments, self.facts, self.parameters)
        segments = self._bounded(segments, ranges, totals)
        self._tables(segments)
        segments = self._mandates(segments, ranges)
        return self._program(segments)

    def say(self, code: str, span: Span, clause: str | None = None, *related: Related, **arguments: object) -> None:
        self.found.append(Diagnostic(code, arguments, span, clause, related))

    # ── facts, parameters, questions ─────────────────────────────────────────
    def _definitions(self) -> None:
        for name, signature in self.scope.signatures.items():
            match signature.symbol:
                case FactSymbol() as symbol:
                    self.facts[name] = self._fact(symbol, signature)
                case ParameterSymbol() as symbol:
                    self.parameters[name] = self._parameter(symbol, signature)
                case QuestionSymbol() as symbol:
                    self.questions[name] = self._question(symbol)
                case RuleSymbol():
                    pass
        for name, fact in self.facts.items():
            self.facts[name] = replace(fact, required_when=self._demand(name))

    def _fact(self, symbol: FactSymbol, signature: Signature) -> m.Fact:
        written = symbol.declaration
        context = Context(symbol.document.number, self._clause(written.modifiers))
        default: Value = None
        has_default = written.default is not None
        if written.default is not None:
            default = self._constant(written.default, context, signature.type.present)
        marks = (has_default, written.optional, written.required)
        if sum(marks) > 1 or (written.required_when is not None and not written.optional):
            self.say("E323" if sum(marks) <= 1 else "E324", written.span, context.clause, name=symbol.name)
        bounds = self._fact_range(written, signature, context)
        place = point(default)
        if has_default and place[0] is not None and not _within(place[0], bounds):
            self.say(
                "E325", written.default.span if written.default else written.span, context.clause, name=symbol.name
            )
        return m.Fact(
            symbol.name, written.yearly, signature.type, default, has_default, False, None,
            written.modifiers.first, written.modifiers.last, bounds, signature.scale,
            written.question, written.modifiers.note, self._basis(written.modifiers, symbol.document), written.span,
        )  # fmt: skip

    def _fact_range(self, written: s.Fact, signature: Signature, context: Context) -> m.Range:
        default = DEFAULT_RANGES.get(signature.type.kind, ANY)
        if written.range is None:
            return default
        if not signature.type.kind.is_ordered:
            self.say("E326", written.range.span, context.clause, type=signature.type.present)
            return default
        low = self._edge(written.range.low, context, signature.type.present)
        high = self._edge(written.range.high, context, signature.type.present)
        step = Fraction(1, 10**signature.scale)
        if low is not None and written.range.low_included is False:
            low += step
        if high is not None and written.range.high_included is False:
            high -= step
        bounds = (default[0] if low is None else low, default[1] if high is None else high)
        if bounds[0] is not None and bounds[1] is not None and bounds[0] > bounds[1]:
            self.say("E327", written.range.span, context.clause)
        return bounds

    def _edge(self, edge: s.Expression | None, context: Context, wanted: Type) -> Fraction | int | None:
        return None if edge is None else point(self._constant(edge, context, wanted))[0]

    def _demand(self, name: str) -> m.Expression | None:
        symbol = self.in_force.symbols[name]
        assert isinstance(symbol, FactSymbol)
        written = symbol.declaration
        if written.required_when is None:
            return None
        context = Context(symbol.document.number, self._clause(written.modifiers))
        node = self.elaborator.condition(written.required_when, context)
        if node is not None and any(_beyond_facts(e) for e in m.walk(node)):
            self.say("E328", written.required_when.span, context.clause)
        return node

    def _constant(self, expression: s.Expression, context: Context, wanted: Type) -> Value:
        """Return the value of an expression over literals alone."""
        node = self.elaborator.of_type(expression, context, wanted)
        if node is None:
            return None
        if any(not isinstance(e, m.Constant | m.Apply | m.Round | m.Choose) for e in m.walk(node)):
            self.say("E329", expression.span, context.clause)
            return None
        if node.scale is None:
            self.say("E306", expression.span, context.clause, name=expression.span.text)
            return None
        try:
            value = evaluate(node, _Constants(self.in_force.first, {}, {}))
        except Trouble as trouble:
            self.say(trouble.code, expression.span, context.clause, **dict(trouble.arguments))
            return None
        whole = wanted.kind.is_number and wanted.kind is not Kind.RATE
        if whole and isinstance(value, Fraction) and value.denominator != 1:
            self.say("E330", expression.span, context.clause, type=wanted)
        return value  # type: ignore[return-value]

    def _parameter(self, symbol: ParameterSymbol, signature: Signature) -> m.Parameter:
        written = symbol.declaration
        key_type = self._key_type(written)
        texts: Sequence[ValueText] = symbol.values
        if key_type is not None and key_type.kind is Kind.PLACE:
            texts = self._of_place(texts)
        values = [self._value(text, signature, key_type) for text in texts]
        by_place = key_type is not None and key_type.kind is Kind.PLACE
        return m.Parameter(
            symbol.name, signature.type, signature.scale, None if by_place else key_type,
            tuple(replace(v, key=None) if by_place else v for v in values),
            self._basis(written.modifiers, symbol.document), written.modifiers.note, written.span,
        )  # fmt: skip

    def _key_type(self, written: s.Parameter) -> Type | None:
        if written.key is None:
            return None
        if written.key.text in ("地区", "place"):
            return Type(Kind.PLACE)
        signature = self.scope.signatures.get(written.key.text)
        if signature is None:
            self.scope.unknown(written.key.text, written.key.span, None)
            return None
        if signature.type.kind not in (Kind.ENUM, Kind.BOOL, Kind.INT) or signature.type.nullable:
            self.say("E331", written.key.span, None, name=written.key.text, type=signature.type)
            return None
        return signature.type

    def _of_place(self, texts: Sequence[ValueText]) -> list[ValueText]:
        """Return the rows of the nearest of this place and the places above it that has any."""
        place = self.in_force.place
        while place:
            own = [t for t in texts if isinstance(t.key, s.Literal) and t.key.value == place]
            if own:
                return own
            place = place.rpartition("-")[0]
        return []

    def _value(self, text: ValueText, signature: Signature, key_type: Type | None) -> m.ParameterValue:
        row = text.row
        context = Context(text.document.number, self._clause(row.modifiers))
        self._require_basis(row.modifiers, row.span, context)
        key: Value = None
        if text.key is not None and key_type is not None:
            key = self._constant(text.key, context, key_type)
        value = self._constant(row.value, context, signature.type)
        return m.ParameterValue(
            key, text.first, text.last, value, self._basis(row.modifiers, text.document), row.modifiers.note, row.span
        )

    def _question(self, symbol: QuestionSymbol) -> m.Question:
        written = symbol.declaration
        options = tuple((o.name.text, o.reason) for o in written.options)
        default = next((o.name.text for o in written.options if o.default), options[0][0])
        return m.Question(
            symbol.name, written.text, options, default, self._basis(written.modifiers, symbol.document), written.span
        )

    # ── citations ────────────────────────────────────────────────────────────
    def _basis(self, modifiers: s.Modifiers, document: m.Document) -> tuple[m.Basis, ...]:
        return tuple(m.Basis(c.document or document.number, c.clause) for c in modifiers.citations)

    @staticmethod
    def _clause(modifiers: s.Modifiers) -> str | None:
        return str(modifiers.citations[0]) if modifiers.citations else None

    def _require_basis(self, modifiers: s.Modifiers, span: Span, context: Context) -> None:
        if not modifiers.citations:
            self.found.append(Diagnostic("W601", {}, span, context.clause))

    # ── rules ────────────────────────────────────────────────────────────────
    def _rules(self) -> None:
        for signature in self.scope.signatures.values():
            if isinstance(signature.symbol, RuleSymbol):
                self._rule(signature.symbol, signature)
        known = 0
        while known < len(self.elaborator.memories):
            memories = list(self.elaborator.memories.values())
            for memory in memories[known:]:
                self._remember(memory)
            known = len(memories)
        self.broken |= {n for n in self.in_force.symbols if n not in self.scope.signatures} | self.in_force.broken

    def _rule(self, symbol: RuleSymbol, signature: Signature) -> None:
        for piece in self._slices(symbol):
            rule = self._elaborate(symbol, signature, piece)
            if rule is None:
                self.broken.add(symbol.name)
            else:
                self.rules.setdefault(symbol.name, []).append(rule)

    def _slices(self, symbol: RuleSymbol) -> list[_Slice]:
        pieces: list[_Slice] = []
        for year in range(self.in_force.first, self.in_force.last + 1):
            version = symbol.at(year)
            if version is None:
                continue
            piece = self._slice(symbol, version, year)
            if (
                pieces
                and pieces[-1].last == year - 1
                and replace(piece, first=pieces[-1].first) == replace(pieces[-1], last=year)
            ):
                pieces[-1] = replace(pieces[-1], last=year)
            else:
                pieces.append(piece)
        return pieces

    def _slice(self, symbol: RuleSymbol, version: Version, year: int) -> _Slice:
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
        return _Slice(version, clauses, otherwise, rows, bands, exceptions, year, year)

    def _elaborate(self, symbol: RuleSymbol, signature: Signature, piece: _Slice) -> m.Rule | None:
        text = piece.version.declaration
        head = text.head
        before = len(errors(self.found))
        body: m.Body | None
        match text:
            case s.Rule():
                body = self._cases(text, signature, piece)
            case s.Table():
                body = self._table(text, signature, piece)
            case s.Scale():
                body = self._scale(text, signature, piece)
        context = self._context(head.modifiers, piece)
        initial: Value = None
        stated = next(
            (v.declaration.head.initial for v in reversed(symbol.versions) if v.declaration.head.initial), None
        )
        if stated is not None:
            initial = self._constant(stated, context, signature.type)
        mode, unit, named = resolve_rounding(head.rounding, signature.type, [])
        if body is None or len(errors(self.found)) > before:
            return None
        if not named and signature.type.kind.is_number:
            inexact = next((v for v in _values(body) if v.scale is None), None)
            if inexact is not None:
                self.say("E306", inexact.span, context.clause, name=symbol.name)
                return None
        document = piece.version.document
        return m.Rule(
            symbol.name, signature.type, signature.scale, symbol.output, False, piece.first, piece.last, body,
            mode, unit, named, initial, signature.has_initial, ANY,
            document.number, self._basis(head.modifiers, document), head.modifiers.note, head.name.span,
        )  # fmt: skip

    def _context(self, modifiers: s.Modifiers, piece: _Slice, document: m.Document | None = None) -> Context:
        number = (document or piece.version.document).number
        return Context(number, self._clause(modifiers), years=(piece.first, piece.last))

    def _cases(self, text: s.Rule, signature: Signature, piece: _Slice) -> m.Cases | None:
        document = piece.version.document
        context = self._context(text.head.modifiers, piece)
        inherited = text.head.modifiers.citations
        clauses: list[m.Clause] = []
        for written in piece.clauses:
            clause = self._one_clause(written, signature, context, document, inherited)
            if clause is not None:
                clauses.append(clause)
            assert written.condition is not None
            context = context.knowing(written.condition, False)
        if piece.otherwise is None:
            self.say("E501" if text.clauses else "E502", text.head.name.span, context.clause, name=text.head.name.text)
            return None
        last = self._one_clause(piece.otherwise, signature, context, document, inherited)
        exceptions = self._exceptions(signature, piece)
        if last is None or len(clauses) < len(piece.clauses):
            return None
        return m.Cases(exceptions, (*clauses, last))

    def _one_clause(
        self,
        written: s.Clause,
        signature: Signature,
        context: Context,
        document: m.Document,
        inherited: tuple[s.Citation, ...],
    ) -> m.Clause | None:
        modifiers = (
            written.modifiers if written.modifiers.citations else replace(written.modifiers, citations=inherited)
        )
        context = replace(context, clause=self._clause(modifiers), document=document.number)
        self._require_basis(modifiers, written.span, context)
        condition = None
        inner = context
        if written.condition is not None:
            condition = self.elaborator.condition(written.condition, context)
            inner = context.knowing(written.condition, True)
            if condition is None:
                self.elaborator.of_type(written.value, inner, signature.type)
                return None
        value = self._result(written.value, inner, signature)
        if value is None:
            return None
        return m.Clause(
            condition, value, self._basis(modifiers, document), modifiers.note, document.number, written.span
        )

    def _result(self, expression: s.Expression, context: Context, signature: Signature) -> m.Expression | None:
        """A value of the rule's type; a rule of whole numbers that names its rounding may be given a ratio."""
        whole = signature.names_rounding and signature.type.kind is Kind.INT
        if whole:
            node = self.elaborator.value(expression, context, signature.type)
            if node is None or node.type.kind is Kind.RATE or fits(node.type, signature.type):
                return node
        return self.elaborator.of_type(expression, context, signature.type)

    def _exceptions(self, signature: Signature, piece: _Slice) -> tuple[tuple[m.Clause, ...], ...]:
        groups: dict[int, list[m.Clause]] = {}
        for exception, written in piece.exceptions:
            context = self._context(written.modifiers, piece, exception.document)
            clause = self._one_clause(written, signature, context, exception.document, ())
            if clause is not None:
                groups.setdefault(exception.rank, []).append(clause)
        return tuple(tuple(groups[rank]) for rank in sorted(groups, reverse=True))

    # ── tables and scales ────────────────────────────────────────────────────
    def _table(self, text: s.Table, signature: Signature, piece: _Slice) -> m.DecisionTable | None:
        context = self._context(text.head.modifiers, piece)
        columns = [self.elaborator.value(c, context, None, nullable=True) for c in text.columns]
        if any(c is None for c in columns):
            return None
        first_hit = self._hit(text, context)
        inherited = text.head.modifiers.citations
        rows = [
            self._row(row, text, [c for c in columns if c is not None], signature, context, inherited, piece)
            for row in piece.rows
        ]
        otherwise = None
        if piece.otherwise is not None:
            otherwise = self._one_clause(piece.otherwise, signature, context, piece.version.document, inherited)
        if any(r is None for r in rows) or (piece.otherwise is not None and otherwise is None):
            return None
        whole = tuple(c for c in columns if c is not None)
        return m.DecisionTable(whole, tuple(r for r in rows if r is not None), first_hit, otherwise)

    def _hit(self, text: s.Table, context: Context) -> bool:
        if text.hit is None or text.hit.text in ("唯一", "unique"):
            return False
        if text.hit.text in ("首个", "first"):
            return True
        self.say("E503", text.hit.span, context.clause, found=text.hit.text)
        return False

    def _row(
        self,
        row: s.Row,
        text: s.Table,
        columns: list[m.Expression],
        signature: Signature,
        context: Context,
        inherited: tuple[s.Citation, ...],
        piece: _Slice,
    ) -> m.Row | None:
        modifiers = row.modifiers if row.modifiers.citations else replace(row.modifiers, citations=inherited)
        context = replace(context, clause=self._clause(modifiers))
        self._require_basis(modifiers, row.span, context)
        if len(row.cells) != len(columns):
            self.say("E504", row.span, context.clause, found=len(row.cells), wanted=len(columns))
            return None
        conditions: list[m.Expression] = []
        tests: list[m.Test] = []
        inner = context
        for cell, column, written in zip(row.cells, columns, text.columns, strict=True):
            test = self._test(cell, column, context)
            if test is None:
                return None
            tests.append(test)
            conditions.extend(_asked(test, column, cell.span))
            if isinstance(written, s.Reference) and not test.any and not test.absent:
                inner = replace(inner, present=inner.present | {(written.name, written.previous)})
        if row.value is None:
            return None
        value = self._result(row.value, inner, signature)
        if value is None:
            return None
        condition = _all_of(conditions, row.span)
        basis = self._basis(modifiers, piece.version.document)
        return m.Row(tuple(tests), condition, value, basis, modifiers.note, row.span)

    def _test(self, cell: s.Cell, column: m.Expression, context: Context) -> m.Test | None:
        values: list[m.Expression] = []
        bounds: list[tuple[m.Expression | None, bool, m.Expression | None, bool]] = []
        absent = False
        wanted = column.type.present
        for item in cell.items:
            match item:
                case s.Interval():
                    bound = self._interval(item, wanted, context)
                    if bound is None:
                        return None
                    bounds.append(bound)
                case s.Compared():
                    node = self._cell_value(item.value, wanted, context)
                    if node is None:
                        return None
                    if item.operator == "=":
                        values.append(node)
                    else:
                        self._compared(item, node, column, values, bounds)
                case s.Literal(None, None):
                    absent = True
                    if not column.type.nullable:
                        self.say("E505", item.span, context.clause)
                        return None
                case _:
                    node = self._cell_value(item, wanted, context)
                    if node is None:
                        return None
                    values.append(node)
        return m.Test(tuple(values), tuple(bounds), absent)

    def _compared(
        self,
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

    def _cell_value(self, expression: s.Expression, wanted: Type, context: Context) -> m.Expression | None:
        node = self.elaborator.of_type(expression, context, wanted)
        if node is not None and any(isinstance(e, m.FactRef | m.RuleRef) for e in m.walk(node)):
            self.say("E506", expression.span, context.clause)
            return None
        return node

    def _interval(
        self, interval: s.Interval, wanted: Type, context: Context
    ) -> tuple[m.Expression | None, bool, m.Expression | None, bool] | None:
        if not wanted.kind.is_ordered:
            self.say("E507", interval.span, context.clause, type=wanted)
            return None
        low = self._cell_value(interval.low, wanted, context) if interval.low is not None else None
        high = self._cell_value(interval.high, wanted, context) if interval.high is not None else None
        if (interval.low is not None and low is None) or (interval.high is not None and high is None):
            return None
        for edge, included in ((interval.low, interval.low_included), (interval.high, interval.high_included)):
            if edge is not None and included is None:
                self.say("E508", edge.span, context.clause, text=edge.span.text)
                return None
        return low, bool(interval.low_included), high, bool(interval.high_included)

    def _scale(self, text: s.Scale, signature: Signature, piece: _Slice) -> m.MarginalScale | None:
        context = self._context(text.head.modifiers, piece)
        base = self.elaborator.value(text.base, context)
        if base is None:
            return None
        if not base.type.kind.is_number:
            self.say("E507", text.base.span, context.clause, type=base.type)
            return None
        bands = [self._band(b, base, context, piece, text.head.modifiers.citations) for b in piece.bands]
        if not bands:
            self.say("E502", text.head.name.span, context.clause, name=text.head.name.text)
            return None
        if any(b is None for b in bands):
            return None
        whole = tuple(b for b in bands if b is not None)
        total = self._total(base, whole, text.span)
        if not fits(total.type, signature.type):
            arguments = {"wanted": signature.type, "found": total.type, "text": text.head.name.text}
            self.found.append(Diagnostic("E305", arguments, text.base.span, context.clause))
            return None
        return m.MarginalScale(base, whole, total)

    def _band(
        self, band: s.Band, base: m.Expression, context: Context, piece: _Slice, inherited: tuple[s.Citation, ...]
    ) -> m.Band | None:
        modifiers = band.modifiers if band.modifiers.citations else replace(band.modifiers, citations=inherited)
        context = replace(context, clause=self._clause(modifiers))
        self._require_basis(modifiers, band.span, context)
        interval = self._interval(band.interval, base.type, context)
        rate = self.elaborator.of_type(band.rate, context, Type(Kind.RATE))
        if interval is None or rate is None:
            return None
        basis = self._basis(modifiers, piece.version.document)
        return m.Band(interval[0], interval[2], rate, basis, modifiers.note, band.span)

    def _total(self, base: m.Expression, bands: Iterable[m.Band], span: Span) -> m.Expression:
        """Σ rate × (the part of the base inside the band)."""
        total: m.Expression | None = None
        for band in bands:
            part = _part(base, band)
            scale = None if part.scale is None or band.rate.scale is None else part.scale + band.rate.scale
            kind = base.type if base.type.kind in (Kind.MONEY, Kind.RATE) else Type(Kind.RATE)
            portion = m.Apply(kind, scale, ANY, band.span, "×", (part, band.rate))
            total = portion if total is None else _combine("+", total, portion, span)
        assert total is not None
        return total

    # ── memory ───────────────────────────────────────────────────────────────
    def _remember(self, memory: Memory) -> None:
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
            before = m.RuleRef(YEARS, 0, ANY, span, memory.name, 1)
            clauses = ((condition, _combine("+", before, one, span)), (None, zero))
        elif memory.form == "曾经":
            kind, start = BOOL, False
            before = m.RuleRef(BOOL, 0, ANY, span, memory.name, 1)
            clauses = ((None, m.Apply(BOOL, 0, ANY, span, "或", (before, condition))),)
        else:
            kind, scale = argument.type, argument.scale or 0
            before = m.RuleRef(kind, scale, ANY, span, memory.name, 1)
            grown = _combine("+", before, argument, span)
            clauses = ((None, grown),) if memory.since is None else ((condition, grown), (None, before))
        body = m.Cases((), tuple(m.Clause(c, v, (), None, memory.document, span) for c, v in clauses))
        unit = Fraction(1, 10**scale)
        rule = m.Rule(
            memory.name, kind, scale, False, True, self.in_force.first, self.in_force.last, body, Mode.HALF_UP, unit,
            True, start, True, ANY, memory.document, (), None, span,
        )  # fmt: skip
        self.rules[memory.name] = [rule]

    # ── segments ─────────────────────────────────────────────────────────────
    def _segments(self) -> list[m.Segment]:
        first, last = self.in_force.first, self.in_force.last
        cuts = {first} | {r.first for rs in self.rules.values() for r in rs}
        cuts |= {r.last + 1 for rs in self.rules.values() for r in rs}
        starts = sorted(c for c in cuts if first <= c <= last)
        segments: list[m.Segment] = []
        said: set[tuple[str, int, str]] = set()
        for index, start in enumerate(starts):
            end = starts[index + 1] - 1 if index + 1 < len(starts) else last
            active = {n: r for n, rs in self.rules.items() for r in rs if r.first <= start <= r.last}
            active = {n: self._in_years(r, active, said) if r.hidden else r for n, r in active.items()}
            for rule in active.values():
                self._check_references(rule, active, start, end, said)
            segments.append(m.Segment(start, end, tuple(self._ordered(active)), ()))
        return segments

    def _in_years(self, rule: m.Rule, active: dict[str, m.Rule], said: set[tuple[str, int, str]]) -> m.Rule:
        """A hidden rule reads the 初值 of rules that are not in force."""

        def change(expression: m.Expression) -> m.Expression:
            if isinstance(expression, m.RuleRef) and not expression.lag and expression.name not in active:
                return self._initial_of(expression, said)
            return m.with_operands(expression, tuple(change(o) for o in m.operands(expression)))

        return replace(rule, body=m.map_body(rule.body, change))

    def _initial_of(self, ref: m.RuleRef, said: set[tuple[str, int, str]]) -> m.Expression:
        texts = self.rules.get(ref.name)
        if texts and not texts[0].has_initial and (ref.name, 0, "initial") not in said:
            said.add((ref.name, 0, "initial"))
            self.say("E212", ref.span, None, name=ref.name, type=ref.type)
        initial = texts[0].initial if texts else None
        return m.Constant(ref.type, ref.scale, ANY, ref.span, initial)

    def _check_references(
        self, rule: m.Rule, active: dict[str, m.Rule], start: int, end: int, said: set[tuple[str, int, str]]
    ) -> None:
        for expression in m.expressions(rule.body):
            for node in m.walk(expression):
                if isinstance(node, m.RuleRef) and not node.lag and node.name not in active:
                    self._not_in_force(rule, node, start, said)
                elif isinstance(node, m.ParameterRef):
                    self._has_values(rule, node, start, end, said)

    def _not_in_force(self, rule: m.Rule, node: m.RuleRef, start: int, said: set[tuple[str, int, str]]) -> None:
        key = (node.name, node.span.start, rule.name)
        if node.name in self.broken or key in said:
            return
        said.add(key)
        texts = self.rules.get(node.name, ())
        years = "、".join(f"{t.first}—{t.last}" for t in texts)
        self.say("E410", node.span, None, name=node.name, year=start, years=years)

    def _has_values(
        self, rule: m.Rule, node: m.ParameterRef, start: int, end: int, said: set[tuple[str, int, str]]
    ) -> None:
        parameter = self.parameters.get(node.name)
        key = (node.name, node.span.start, rule.name)
        if parameter is None or key in said:
            return
        for year in range(start - node.lag, end - node.lag + 1):
            missing = [k for k in _keys(parameter.key_type) if parameter.at(year, k) is None]
            if missing:
                said.add(key)
                related = (Related(parameter.span, "defined_here"),)
                shown = "" if missing[0] is None else str(missing[0])
                arguments = {"name": node.name, "year": year, "key": shown, "place": self.in_force.place}
                self.found.append(Diagnostic("E411", arguments, node.span, None, related))
                return

    def _ordered(self, active: dict[str, m.Rule]) -> list[m.Rule]:
        """Rules so that each stands behind those it reads in the same year; a cycle is said with its path."""
        order: list[m.Rule] = []
        state: dict[str, int] = {}
        needs = {n: _reads(r, active) for n, r in active.items()}
        for name in active:
            if name not in state:
                self._visit(name, active, needs, state, order)
        return order

    def _visit(
        self,
        root: str,
        active: dict[str, m.Rule],
        needs: dict[str, list[str]],
        state: dict[str, int],
        order: list[m.Rule],
    ) -> None:
        path: list[str] = [root]
        pending = [iter(needs[root])]
        state[root] = 1
        while pending:
            following = next(pending[-1], None)
            if following is None:
                pending.pop()
                done = path.pop()
                state[done] = 2
                order.append(active[done])
            elif following not in state:
                state[following] = 1
                path.append(following)
                pending.append(iter(needs[following]))
            elif state[following] == 1:
                self._cycle([*path[path.index(following) :], following], active)

    def _cycle(self, path: list[str], active: dict[str, m.Rule]) -> None:
        rules = [active[name] for name in path[:-1]]
        head = min(rules, key=lambda r: (r.span.source.path, r.span.start))
        if any(d.code == "E409" and d.span == head.span for d in self.found):
            return
        related = tuple(Related(r.span, "on_the_way") for r in rules if r is not head)
        self.found.append(Diagnostic("E409", {"path": " → ".join(path)}, head.span, None, related))

    # ── ranges ───────────────────────────────────────────────────────────────
    def _bounded(self, segments: list[m.Segment], ranges: Reach, totals: dict[str, m.Range]) -> list[m.Segment]:
        done: dict[int, m.Rule] = {}
        said: set[str] = set()
        spoiled = bool(errors(self.found))
        for segment in segments:
            for rule in segment.rules:
                if id(rule) not in done:
                    body = m.map_body(rule.body, ranges.marked)
                    total = totals.get(rule.name, ANY)
                    done[id(rule)] = replace(rule, body=body, range=total)
                    if rule.name not in said and not spoiled and self._overflows(rule, total):
                        said.add(rule.name)
        return [replace(segment, rules=tuple(done[id(r)] for r in segment.rules)) for segment in segments]

    def _overflows(self, rule: m.Rule, total: m.Range) -> bool:
        if not rule.type.kind.is_number:
            return False
        low, high = total
        if low is None or high is None or max(Fraction(abs(low)), Fraction(abs(high))) * 10**rule.scale > _LIMIT:
            self.say("E307", rule.span, None, name=rule.name)
            return True
        return False

    # ── gaps and overlaps ────────────────────────────────────────────────────
    def _tables(self, segments: list[m.Segment]) -> None:
        if errors(self.found):
            return
        seen: set[tuple[str, object]] = set()
        for segment in segments:
            for rule in segment.rules:
                for year in self._changing_years(rule, segment):
                    self._table_in(rule, _Constants(year, self.parameters, self.questions), seen)

    def _changing_years(self, rule: m.Rule, segment: m.Segment) -> list[int]:
        """The first year, and each in which a parameter that bounds a cell changes."""
        if isinstance(rule.body, m.Cases):
            return []
        names = {n.name for e in m.expressions(rule.body) for n in m.walk(e) if isinstance(n, m.ParameterRef)}
        years = {v.first for name in names for v in self.parameters[name].values}
        return sorted({segment.first} | {y for y in years if segment.first < y <= segment.last})

    def _table_in(self, rule: m.Rule, env: Environment, seen: set[tuple[str, object]]) -> None:
        match rule.body:
            case m.DecisionTable() as table:
                findings, idle = tables.examine(table, env)
                for finding in findings:
                    self._say_table(rule, table, finding, env.year, seen)
                for index in idle:
                    if ("idle", table.rows[index].span) not in seen:
                        seen.add(("idle", table.rows[index].span))
                        self.found.append(Diagnostic("W501", {}, table.rows[index].span))
            case m.MarginalScale() as scale:
                self._bands_in(rule, scale, env, seen)
            case m.Cases():
                pass

    def _say_table(
        self, rule: m.Rule, table: m.DecisionTable, finding: tables.Finding, year: int, seen: set[tuple[str, object]]
    ) -> None:
        example = {c.span.text: shown(v, c.type) for c, v in zip(table.columns, finding.example, strict=True)}
        text = "，".join(f"{name} = {value}" for name, value in example.items())
        spans = [table.rows[i].span for i in finding.rows]
        key = (rule.name, tuple(spans))
        if key in seen:
            return
        seen.add(key)
        if spans:
            related = (Related(spans[0], "other_row"),)
            self.found.append(Diagnostic("E510", {"example": text, "year": year}, spans[1], None, related))
        else:
            self.found.append(Diagnostic("E509", {"example": text, "name": rule.name, "year": year}, rule.span))

    def _bands_in(self, rule: m.Rule, scale: m.MarginalScale, env: Environment, seen: set[tuple[str, object]]) -> None:
        texts = {b.span: b for b in self._written_bands(rule)}
        edges: tables.Edges = []
        for band in scale.bands:
            written = texts[band.span].interval
            low = None if band.low is None else Fraction(evaluate(band.low, env))  # type: ignore[arg-type]
            high = None if band.high is None else Fraction(evaluate(band.high, env))  # type: ignore[arg-type]
            edges.append((low, bool(written.low_included), high, bool(written.high_included)))
        step = Fraction(1, 10 ** (scale.base.scale if scale.base.scale is not None else RATE_DIGITS))
        for finding in tables.examine_bands(edges, scale.base.range, step):
            index = finding.second if finding.second is not None else finding.first
            span = scale.bands[index or 0].span
            if (rule.name, span) in seen:
                continue
            seen.add((rule.name, span))
            value = shown(finding.value, scale.base.type)
            code = "E511" if finding.gap else "E512"
            self.found.append(Diagnostic(code, {"value": value, "name": rule.name, "year": env.year}, span))

    def _written_bands(self, rule: m.Rule) -> tuple[s.Band, ...]:
        symbol = self.in_force.symbols[rule.name]
        assert isinstance(symbol, RuleSymbol)
        return tuple(b for v in symbol.versions if isinstance(v.declaration, s.Scale) for b in v.declaration.bands)

    # ── mandates ─────────────────────────────────────────────────────────────
    def _mandates(self, segments: list[m.Segment], ranges: Reach) -> list[m.Segment]:
        live = [mandate for text in self.in_force.mandates for mandate in self._mandate(text, ranges)]
        names = [{r.name for r in segment.rules} for segment in segments]
        result: list[m.Segment] = []
        for segment, active in zip(segments, names, strict=True):
            own = tuple(
                mandate
                for mandate in live
                if mandate.first <= segment.last and mandate.last >= segment.first
                and all(n.name in active for n in m.walk(mandate.condition) if isinstance(n, m.RuleRef) and not n.lag)
            )  # fmt: skip
            result.append(replace(segment, mandates=own))
        return result

    def _mandate(self, text: MandateText, ranges: Reach) -> list[m.Mandate]:
        written = text.declaration
        context = Context(text.document.number, self._clause(written.modifiers))
        if text.document.place == self.in_force.place:
            self._require_basis(written.modifiers, written.span, context)
        if self._elsewhere(written.condition):
            return []
        node = self.elaborator.condition(written.condition, context)
        if node is None:
            return []
        first = max(text.first, self.in_force.first)
        last = self.in_force.last if text.last is None else min(text.last, self.in_force.last)
        decided = not any(isinstance(n, m.FactRef | m.RuleRef) for n in m.walk(node))
        basis = self._basis(written.modifiers, text.document)
        mandate = m.Mandate(
            ranges.marked(node), written.in_principle, decided, first, last, basis, text.document.number, written.span
        )
        if decided and not errors(self.found):
            self._decide(mandate)
        return [mandate]

    def _elsewhere(self, condition: s.Expression) -> bool:
        """Whether the condition names something that other places define and this one does not."""
        names = _names(condition)
        return any(n not in self.in_force.symbols and n in self.in_force.known for n in names)

    def _decide(self, mandate: m.Mandate) -> None:
        for year in range(mandate.first, mandate.last + 1):
            try:
                holds = evaluate(mandate.condition, _Constants(year, self.parameters, self.questions))
            except Trouble:
                continue
            if holds is False:
                self._say_mandate(mandate, year)
                return

    def _say_mandate(self, mandate: m.Mandate, year: int) -> None:
        refs = [n for n in m.walk(mandate.condition) if isinstance(n, m.ParameterRef)]
        values = [(n, v) for n in refs if (v := self.parameters[n.name].at(year - n.lag)) is not None]
        culprit = max(values, key=lambda v: v[1].span.source is not mandate.span.source, default=None)
        span = culprit[1].span if culprit else mandate.span
        figures = "，".join(f"{n.name} = {shown(v.value, n.type)}" for n, v in values)
        arguments = {
            "mandate": mandate.condition.span.text,
            "basis": "、".join(map(str, mandate.basis)),
            "figures": figures,
            "year": year,
            "place": self.in_force.place,
        }
        code = "W602" if mandate.in_principle else "E602"
        clause = str(culprit[1].basis[0]) if culprit and culprit[1].basis else None
        self.found.append(Diagnostic(code, arguments, span, clause, (Related(mandate.span, "mandate"),)))

    # ── the program ──────────────────────────────────────────────────────────
    def _program(self, segments: list[m.Segment]) -> m.Program:
        read = {
            n.name
            for segment in segments
            for e in (
                *(x for r in segment.rules for x in m.expressions(r.body)),
                *(g.condition for g in segment.mandates),
            )
            for n in m.walk(e)
            if isinstance(n, m.FactRef)
        }
        facts = {
            name: replace(f, required=name in read and not f.has_default and not f.type.nullable)
            for name, f in self.facts.items()
        }
        return m.Program(
            self.in_force.place, self.in_force.first, self.in_force.last, tuple(segments), facts,
            self.parameters, self.questions, self.in_force.documents, self.in_force.fingerprint,
        )  # fmt: skip


# ── helpers on nodes ─────────────────────────────────────────────────────────


def _beyond_facts(node: m.Expression) -> bool:
    return isinstance(node, m.RuleRef | m.ParameterRef | m.QuestionRef) or (
        isinstance(node, m.FactRef) and node.lag == 1
    )


def _within(place: Fraction | int, bounds: m.Range) -> bool:
    return (bounds[0] is None or place >= bounds[0]) and (bounds[1] is None or place <= bounds[1])


def _values(body: m.Body) -> list[m.Expression]:
    match body:
        case m.Cases(exceptions, clauses):
            return [c.value for g in exceptions for c in g] + [c.value for c in clauses]
        case m.DecisionTable() as table:
            return [r.value for r in table.rows] + ([table.otherwise.value] if table.otherwise else [])
        case m.MarginalScale() as scale:
            return [scale.total]


def _reads(rule: m.Rule, active: dict[str, m.Rule]) -> list[str]:
    names = (n.name for e in m.expressions(rule.body) for n in m.walk(e) if isinstance(n, m.RuleRef) and not n.lag)
    return list(dict.fromkeys(n for n in names if n in active))


def _keys(key_type: Type | None) -> tuple[Value, ...]:
    if key_type is None:
        return (None,)
    if key_type.kind is Kind.ENUM:
        return key_type.members
    return (True, False) if key_type.kind is Kind.BOOL else ()


def _names(expression: s.Expression) -> set[str]:
    match expression:
        case s.Reference(name, _):
            return {name}
        case s.Has(reference, _):
            return {reference.name}
        case s.Operation(_, operands):
            return set().union(*(_names(o) for o in operands))
        case s.Within(value, choices):
            return set().union(_names(value), *(_names(c) for c in choices))
        case s.Conditional(condition, then, otherwise):
            return _names(condition) | _names(then) | _names(otherwise)
        case s.Rounded(value, _):
            return _names(value)
        case s.Call(_, arguments, _):
            return set().union(*(_names(a) for a in arguments)) if arguments else set()
        case s.Literal():
            return set()


def _combine(operator: str, left: m.Expression, right: m.Expression, span: Span) -> m.Apply:
    scale = None if left.scale is None or right.scale is None else max(left.scale, right.scale)
    return m.Apply(left.type.present, scale, ANY, span, operator, (left, right))


def _part(base: m.Expression, band: m.Band) -> m.Expression:
    """The part of the base between the edges of a band."""
    inside: m.Expression = base
    if band.high is not None:
        inside = _apply_all("取小", (inside, band.high), band.span)
    if band.low is None:
        return inside
    return _combine("-", _apply_all("取大", (inside, band.low), band.span), band.low, band.span)


def _apply_all(operator: str, operands: tuple[m.Expression, ...], span: Span) -> m.Apply:
    scales = [o.scale for o in operands]
    scale = None if None in scales else max(x for x in scales if x is not None)
    return m.Apply(operands[0].type.present, scale, ANY, span, operator, operands)


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


def shown(value: Value, kind: Type) -> str:
    """Return a value as a ruleset would write it."""
    from tiaoli.show_value import show_value

    return show_value(value, kind)


__all__ = ["DATE_RANGE", "check", "constant", "date"]
