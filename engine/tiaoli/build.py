"""Lark's tree → nodes of `syntax`. Values that cannot be, such as 31 February, are said at once."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any

from lark import Token, Transformer, v_args

from tiaoli import syntax as s
from tiaoli.diagnostic import Diagnostic
from tiaoli.everyday import slashed_date
from tiaoli.operators import AGGREGATE_NAMES, AGGREGATES_MEANT
from tiaoli.source import Source, Span
from tiaoli.values import Kind

_SCALES = {"": 1, "百": 100, "千": 1000, "万": 10**4, "百万": 10**6, "千万": 10**7, "亿": 10**8, "万亿": 10**12}


_FIELD_WORDS = {
    "title": "标题", "issuer": "机关", "issued": "日期", "place": "地区", "effective": "施行", "computed_from": "计算自", "framework": "框架", "website": "网址",
    "optional": "可空", "required": "必填", "required_when": "必填", "default": "默认", "range": "范围", "question": "问", "first": "自",
    "last": "至", "note": "说明", "initial": "初值", "rounding": "舍入", "in_principle": "原则上",
    "reliability": "可靠性",
}  # fmt: skip


_COMPARISONS = {
    "<=": "≤", ">=": "≥", "<>": "≠", "!=": "≠", "==": "=", "=": "=", "<": "<", ">": ">", "≤": "≤", "≥": "≥", "≠": "≠",
    "IS": "=", "IS_NOT": "≠", "AT_LEAST": "≥", "AT_MOST": "≤", "ABOVE": ">", "BELOW": "<",
}  # fmt: skip


_PLACE = re.compile(r"[A-Z]{2}(-[^\W_]+)*")


RELIABILITIES = ("A", "B", "C")
"""官方发布; 官方文本的转载或媒体引述; 地方门户，待核实."""


@dataclass(frozen=True, slots=True)
class _Members:
    """The members of an aggregate with what narrows them, as written between the brackets."""

    name: s.Word
    link: s.Word | None
    condition: s.Expression | None
    span: Span


@v_args(meta=True)
class Builder(Transformer[Token, Any]):
    """Turns Lark's tree into nodes of `syntax`; values that cannot be (31 February) are said at once."""

    def __init__(self, source: Source, offset: int, found: list[Diagnostic]) -> None:
        super().__init__()
        self._source, self._offset, self._found = source, offset, found

    def _span(self, meta: Any) -> Span:
        return Span(self._source, self._offset + meta.start_pos, self._offset + meta.end_pos)

    def _token_span(self, token: Token) -> Span:
        return Span(self._source, self._offset + (token.start_pos or 0), self._offset + (token.end_pos or 0))

    def _word(self, token: Token) -> s.Word:
        return s.Word(str(token), self._token_span(token))

    def _string(self, token: Token) -> str:
        """The text between the quotes, as typed (full-width signs stay)."""
        return self._token_span(token).text[1:-1]

    # names and literals
    def name(self, _: Any, items: list[Token]) -> s.Word:
        return self._word(items[0])

    type_name = function = encoding = name

    def owner(self, _: Any, items: list[Token]) -> tuple[str, Any]:
        return "owner", self._word(items[0])

    def step(self, meta: Any, items: list[Token]) -> s.Reference:
        return s.Reference(str(items[0]), False, self._span(meta))

    def previous(self, meta: Any, items: list[Token]) -> s.Reference:
        return s.Reference(str(items[1]), True, self._span(meta))

    def through(self, meta: Any, items: list[Any]) -> s.Through:
        return s.Through(items[0], items[2], self._span(meta))

    def literal(self, _: Any, items: list[Token]) -> s.Literal:
        token = items[0]
        span = self._token_span(token)
        text = str(token)
        digits = re.match(r"\d+(\.\d+)?", text)
        if digits and len(digits[0]) > 30:
            self._found.append(Diagnostic("E109", {"found": text[:20] + "…"}, span))
            digits = None
        number = Fraction(digits[0]) if digits else Fraction(0)
        match token.type:
            case "MONEY":
                scale = text[len(digits[0]) if digits else 0 :].strip().removesuffix("元").removesuffix("yuan")
                value = number * _SCALES[scale] * 100
                if value.denominator != 1:
                    self._found.append(Diagnostic("E113", {"found": text}, span))
                return s.Literal(Kind.MONEY, value, span)
            case "RATE":
                return s.Literal(Kind.RATE, number / (1000 if text.endswith("‰") else 100), span)
            case "DECIMAL":
                return s.Literal(Kind.RATE, number, span)
            case "YEARS" | "MONTHS" | "DAYS":
                return s.Literal(Kind[token.type], number, span)
            case "INTEGER":
                return s.Literal(Kind.INT, number, span)
            case "YEAR":
                return s.Literal(Kind.YEAR, Fraction(self._year(token)), span)
            case "DATE":
                return s.Literal(Kind.DATE, self._date(token), span)
            case "PLACE":
                return s.Literal(Kind.PLACE, text, span)
            case "YES" | "NO":
                return s.Literal(Kind.BOOL, token.type == "YES", span)
        return s.Literal(None, None, span)

    def _date(self, token: Token) -> date:
        year, month, day = (int(part) for part in re.findall(r"\d+", token))
        try:
            return date(year, month, day)
        except ValueError:
            self._found.append(Diagnostic("E114", {"found": str(token)}, self._token_span(token)))
            return date(1, 1, 1)

    def _year(self, token: Token) -> int:
        year = int(re.sub(r"\D", "", token))
        if not 1900 <= year <= 2199:
            self._found.append(Diagnostic("E120", {"found": str(token)}, self._token_span(token)))
        return year

    def unit(self, _: Any, items: list[Any]) -> s.Word | s.Literal:
        return items[0] if isinstance(items[0], s.Word) else self.literal(_, items)

    # expressions
    def _operation(self, operator: str, meta: Any, items: list[Any], carry: bool = False) -> s.Operation:
        operands = tuple(item for item in items if not isinstance(item, Token))
        return s.Operation(operator, operands, carry, self._span(meta))

    def disjunction(self, meta: Any, items: list[Any]) -> s.Operation:
        return self._operation("或", meta, items)

    def conjunction(self, meta: Any, items: list[Any]) -> s.Operation:
        return self._operation("且", meta, items)

    def negated(self, meta: Any, items: list[Any]) -> s.Operation:
        return self._operation("非", meta, items)

    def compare(self, meta: Any, items: list[Any]) -> s.Expression:
        parts = [
            s.Operation(self._comparison(items[i]), (items[i - 1], items[i + 1]), False, self._span(meta))
            for i in range(1, len(items), 2)
        ]
        return parts[0] if len(parts) == 1 else s.Operation("且", tuple(parts), False, self._span(meta))

    def _comparison(self, token: Token) -> str:
        return _COMPARISONS.get(token.type) or _COMPARISONS[str(token)]

    def within(self, meta: Any, items: list[Any]) -> s.Within:
        operands = [item for item in items if not isinstance(item, Token)]
        return s.Within(operands[0], tuple(operands[1:]), self._span(meta))

    def conditional(self, meta: Any, items: list[Any]) -> s.Conditional:
        condition, then, otherwise = (i for i in items if not isinstance(i, Token))
        return s.Conditional(condition, then, otherwise, self._span(meta))

    def add(self, meta: Any, items: list[Any]) -> s.Operation:
        return self._operation("+", meta, items, _has(items, "CARRY"))

    def subtract(self, meta: Any, items: list[Any]) -> s.Operation:
        return self._operation("-", meta, items, _has(items, "CARRY"))

    def multiply(self, meta: Any, items: list[Any]) -> s.Operation:
        return self._operation("×", meta, items)

    def divide(self, meta: Any, items: list[Any]) -> s.Operation:
        if day := slashed_date(self._span(meta).text):
            said = {"found": self._span(meta).text, "better": day}
            self._found.append(Diagnostic("E117", said, self._span(meta)))
        return self._operation("÷", meta, items)

    def minus(self, meta: Any, items: list[Any]) -> s.Operation:
        return self._operation("负", meta, items)

    def parenthesised(self, _: Any, items: list[Any]) -> s.Expression:
        return items[0]  # type: ignore[no-any-return]

    def has(self, meta: Any, items: list[Any]) -> s.Has:
        return s.Has(items[1], True, self._span(meta))

    def lacks(self, meta: Any, items: list[Any]) -> s.Has:
        return s.Has(items[1], False, self._span(meta))

    def rounded(self, meta: Any, items: list[Any]) -> s.Rounded:
        value, mode, unit = (i for i in items if not isinstance(i, Token))
        return s.Rounded(value, s.Rounding(mode, unit, self._span(meta)), self._span(meta))

    def from_argument(self, _: Any, items: list[Token]) -> Token:
        return items[1]

    def members(self, meta: Any, items: list[Any]) -> _Members:
        link = self._word(items[2]) if _is(items[1], "BY") else None
        condition = None if isinstance(items[-1], Token) else items[-1]
        return _Members(self._word(items[0]), link, condition, self._span(meta))

    def call(self, meta: Any, items: list[Any]) -> s.Expression:
        since = next((self._year(i) for i in items if isinstance(i, Token)), None)
        arguments = tuple(i for i in items[1:] if not isinstance(i, Token))
        if items[0].text in AGGREGATE_NAMES:
            return self._aggregate(items[0], arguments, since, self._span(meta))
        for argument in arguments:
            if isinstance(argument, _Members):
                self._found.append(self._misplaced(items[0], argument.span))
        return s.Call(items[0], arguments, since, self._span(meta))

    def _misplaced(self, function: s.Word, span: Span) -> Diagnostic:
        """按 or 当 in a function that takes none; perhaps it is the name of a figure that is called otherwise here."""
        meant = AGGREGATES_MEANT.get(function.text)
        if meant is not None:
            return Diagnostic("E213", {"name": function.text, "near": meant}, function.span)
        return Diagnostic("E121", {"function": function.text}, span)

    def _aggregate(self, form: s.Word, arguments: tuple[Any, ...], since: int | None, span: Span) -> s.Aggregate:
        first, *rest = arguments or (None,)
        if since is not None:
            rest.append(s.Literal(Kind.YEAR, Fraction(since), span))
        if isinstance(first, s.Reference) and not first.previous:
            first = _Members(s.Word(first.name, first.span), None, None, first.span)
        if not isinstance(first, _Members):
            better = _better(form.text, first, bool(rest))
            self._found.append(
                Diagnostic("E122", {"function": form.text, "better": better}, getattr(first, "span", span))
            )
            first = _Members(form, None, None, span)
        for argument in rest:
            if isinstance(argument, _Members):
                self._found.append(Diagnostic("E121", {"function": form.text, "second": True}, argument.span))
        return s.Aggregate(form, first.name, first.link, first.condition, tuple(rest), span)

    # ranges and cells
    def edge(self, _: Any, items: list[Token]) -> Token:
        return items[0]

    def between(self, meta: Any, items: list[Any]) -> s.Interval:
        values = [i for i in items if not isinstance(i, Token)]
        index = next(i for i, item in enumerate(items) if item is values[1])
        return s.Interval(values[0], _included(items[:index]), values[1], _included(items[index:]), self._span(meta))

    def from_up(self, meta: Any, items: list[Any]) -> s.Interval:
        return s.Interval(items[0], _included(items), None, None, self._span(meta))

    def up_to(self, meta: Any, items: list[Any]) -> s.Interval:
        return s.Interval(None, None, items[0], _included(items), self._span(meta))

    def interval(self, _: Any, items: list[Any]) -> s.Interval:
        return items[0]  # type: ignore[no-any-return]

    def compared(self, meta: Any, items: list[Any]) -> s.Compared:
        return s.Compared(self._comparison(items[0]), items[1], self._span(meta))

    def any_cell(self, meta: Any, _: list[Any]) -> s.Cell:
        return s.Cell((), self._span(meta))

    def cell(self, meta: Any, items: list[Any]) -> s.Cell:
        return s.Cell(tuple(i for i in items if not isinstance(i, Token)), self._span(meta))

    # modifiers
    def from_year(self, _: Any, items: list[Token]) -> tuple[str, Any]:
        return "first", self._year(items[1])

    def until_year(self, _: Any, items: list[Token]) -> tuple[str, Any]:
        return "last", self._year(items[1])

    def note(self, _: Any, items: list[Token]) -> tuple[str, Any]:
        return "note", self._string(items[1])

    def reliability(self, _: Any, items: list[Token]) -> tuple[str, Any]:
        if items[1] not in RELIABILITIES:
            self._found.append(Diagnostic("E126", {"found": str(items[1])}, self._token_span(items[1])))
        return "reliability", str(items[1])

    known_as = reliability

    def basis(self, _: Any, items: list[Any]) -> tuple[str, Any]:
        return "citations", tuple(i for i in items if isinstance(i, s.Citation))

    def document_ref(self, _: Any, items: list[Token]) -> tuple[str, s.Word]:
        return "document", self._word(items[0])

    def clause(self, _: Any, items: list[Token]) -> tuple[str, s.Word]:
        token = items[0]
        text = self._string(token) if token.type == "STRING" else str(token)
        return "clause", s.Word(text, self._token_span(token))

    def citation(self, meta: Any, items: list[Any]) -> s.Citation:
        parts = dict(items)
        document, clause = parts.get("document"), parts.get("clause")
        return s.Citation(
            normal_document(str(document)) if document else None, str(clause) if clause else None, self._span(meta)
        )

    # header
    def document_id(self, _: Any, items: list[Token]) -> tuple[str, s.Word]:
        token = items[0]
        text = self._string(token) if token.type == "STRING" else normal_document(str(token))
        return "document", s.Word(text, self._token_span(token))

    def title(self, _: Any, items: list[Token]) -> tuple[str, Any]:
        return "title", self._string(items[1])

    def issuer(self, _: Any, items: list[Token]) -> tuple[str, Any]:
        return "issuer", self._string(items[1])

    def website(self, _: Any, items: list[Token]) -> tuple[str, Any]:
        return "website", self._string(items[1])

    def issued(self, _: Any, items: list[Token]) -> tuple[str, Any]:
        return "issued", self._date(items[1])

    def place(self, _: Any, items: list[Token]) -> tuple[str, Any]:
        if not _PLACE.fullmatch(items[1]):
            self._found.append(Diagnostic("E119", {"found": str(items[1])}, self._token_span(items[1])))
        return "place", self._word(items[1])

    def effective(self, _: Any, items: list[Token]) -> tuple[str, Any]:
        return "effective", self._year(items[1])

    def computed_from(self, _: Any, items: list[Token]) -> tuple[str, Any]:
        return "computed_from", self._year(items[1])

    def framework(self, _: Any, __: list[Any]) -> tuple[str, Any]:
        return "framework", True

    def parent(self, _: Any, items: list[Any]) -> tuple[str, Any]:
        return "parent", items[1][1]

    def header_field(self, _: Any, items: list[Any]) -> tuple[str, Any]:
        return items[0]  # type: ignore[no-any-return]

    def header(self, meta: Any, items: list[Any]) -> s.Header:
        fields = [i for i in items[2:] if not isinstance(i, Token)]
        parents = tuple(value for key, value in fields if key == "parent")
        once = {key: value for key, value in fields if key != "parent"}
        for key in once:
            if sum(k == key for k, _ in fields) > 1:
                self._found.append(Diagnostic("E115", {"field": _FIELD_WORDS[key]}, self._span(meta)))
        names = ("title", "issuer", "issued", "place", "effective", "computed_from", "website", "reliability")
        return s.Header(
            document=str(items[1][1]),
            parents=parents,
            span=self._span(meta),
            framework=once.get("framework", False),
            **{name: once.get(name) for name in names},
        )

    def clause_of(self, meta: Any, items: list[Any]) -> s.Outline:
        clause = items[1][1]
        rest = items[2:]
        subject = self._string(rest[0]) if rest and _is(rest[0], "STRING") else None
        reason = self._string(rest[-1]) if len(rest) > 1 and _is(rest[-2], "UNCOMPUTABLE") else None
        words = tuple(i for i in rest if isinstance(i, s.Word))
        return s.Outline(clause, subject, words, reason, self._span(meta))

    # kinds of record
    def entity(self, meta: Any, items: list[Any]) -> s.Entity:
        parts = self._parts(items, meta)
        return s.Entity(_first(items, s.Word), _modifiers(parts), self._span(meta))

    # facts
    def type(self, meta: Any, items: list[s.Word]) -> s.TypeName:
        return s.TypeName(tuple(items), self._span(meta))

    def optional(self, _: Any, __: list[Any]) -> tuple[str, Any]:
        return "optional", True

    def required(self, _: Any, items: list[Any]) -> tuple[str, Any]:
        return ("required_when", items[2]) if len(items) > 1 else ("required", True)

    def default(self, _: Any, items: list[Any]) -> tuple[str, Any]:
        return "default", items[1]

    def range(self, _: Any, items: list[Any]) -> tuple[str, Any]:
        return "range", items[1]

    def ask(self, _: Any, items: list[Token]) -> tuple[str, Any]:
        return "question", self._string(items[1])

    def fact(self, meta: Any, items: list[Any]) -> s.Fact:
        parts = self._parts(items, meta)
        return s.Fact(
            name=_first(items, s.Word),
            yearly=_has(items, "YEARLY"),
            type=_first(items, s.TypeName),
            optional=parts.get("optional", False),
            required=parts.get("required", False),
            required_when=parts.get("required_when"),
            default=parts.get("default"),
            range=parts.get("range"),
            question=parts.get("question"),
            modifiers=_modifiers(parts),
            span=self._span(meta),
            owner=parts.get("owner"),
        )

    def _parts(self, items: list[Any], meta: Any) -> dict[str, Any]:
        """The parts of a declaration by name; 依据 may come more than once, the others may not."""
        parts: dict[str, Any] = {}
        for item in items:
            if not isinstance(item, tuple):
                continue
            key, value = item
            if key == "citations":
                parts[key] = parts.get(key, ()) + value
            elif key in parts:
                self._found.append(Diagnostic("E115", {"field": _FIELD_WORDS[key]}, self._span(meta)))
            else:
                parts[key] = value
        return parts

    # parameters
    def _row(self, meta: Any, items: list[Any], keys: tuple[Any, ...], year: int | None) -> s.ParameterRow:
        values = [i for i in items if not isinstance(i, Token | tuple | list)]
        return s.ParameterRow(keys, year, values[-1], _modifiers(self._parts(items, meta)), self._span(meta))

    def param_value(self, meta: Any, items: list[Any]) -> s.ParameterRow:
        return self._row(meta, items, (), None)

    def param_year(self, meta: Any, items: list[Any]) -> s.ParameterRow:
        return self._row(meta, items, (), self._year(items[0]))

    def param_row(self, meta: Any, items: list[Any]) -> s.ParameterRow:
        keys = tuple(i[0] for i in items if isinstance(i, list))
        return self._row(meta, items, keys, None)

    def key(self, _: Any, items: list[Any]) -> list[s.Expression]:
        item = items[0]
        if isinstance(item, s.Word):
            return [s.Reference(item.text, False, item.span)]
        return [self.literal(_, items)]

    def param_key(self, _: Any, items: list[Token]) -> tuple[str, s.Word]:
        return "key", self._word(items[0])

    def param_mark(self, _: Any, __: list[Any]) -> tuple[str, bool]:
        return "optional", True

    def param(self, meta: Any, items: list[Any]) -> s.Parameter:
        parts = self._parts(items, meta)
        rows = tuple(i for i in items if isinstance(i, s.ParameterRow))
        type_name = next((i for i in items if isinstance(i, s.TypeName)), None)
        key = parts.pop("key", None)
        optional = parts.pop("optional", False)
        if "owner" in parts:
            arguments = {"owner": parts["owner"].text, "name": _first(items, s.Word).text}
            self._found.append(Diagnostic("E125", arguments, parts["owner"].span))
        return s.Parameter(_first(items, s.Word), type_name, optional, key, rows, _modifiers(parts), self._span(meta))

    # rules, tables, scales
    def initial(self, _: Any, items: list[Any]) -> tuple[str, Any]:
        return "initial", items[1]

    def rounding(self, meta: Any, items: list[Any]) -> tuple[str, Any]:
        mode, unit = (i for i in items if not isinstance(i, Token))
        return "rounding", s.Rounding(mode, unit, self._span(meta))

    def _head(self, meta: Any, items: list[Any]) -> s.Head:
        parts = self._parts(items, meta)
        return s.Head(
            name=_first(items, s.Word),
            output=_has(items, "OUTPUT"),
            type=_first(items, s.TypeName),
            optional=parts.get("optional", False),
            initial=parts.get("initial"),
            rounding=parts.get("rounding"),
            modifiers=_modifiers(parts),
            owner=parts.get("owner"),
        )

    def _clause(self, meta: Any, items: list[Any]) -> s.Clause:
        values = [i for i in items if not isinstance(i, Token | tuple)]
        condition = values[0] if len(values) > 1 else None
        return s.Clause(condition, values[-1], _modifiers(self._parts(items, meta)), self._span(meta))

    when = otherwise = _clause

    def formula(self, meta: Any, items: list[Any]) -> list[Any]:
        return ["formula", self._clause(meta, items)]

    def clauses(self, _: Any, items: list[Any]) -> list[Any]:
        return ["clauses", *items]

    def rule(self, meta: Any, items: list[Any]) -> s.Rule:
        shape, *clauses = next(i for i in items if isinstance(i, list))
        conditional = tuple(c for c in clauses if c.condition is not None)
        last = next((c for c in clauses if c.condition is None), None)
        head = self._head(meta, items)
        if shape == "formula" and last is not None:
            head = replace(head, modifiers=_years_of(last.modifiers, head.modifiers))
        return s.Rule(head, conditional, last, shape == "formula", self._span(meta))

    def exception(self, meta: Any, items: list[Any]) -> s.RuleException:
        _, *clauses = next(i for i in items if isinstance(i, list))
        conditional = tuple(c for c in clauses if c.condition is not None)
        last = next((c for c in clauses if c.condition is None), None)
        owner = self._parts(items, meta).get("owner")
        return s.RuleException(_first(items, s.Word), conditional, last, self._span(meta), owner)

    def column(self, _: Any, items: list[Any]) -> tuple[str, Any]:
        return "column", items[0]

    def table_hit(self, _: Any, items: list[Any]) -> tuple[str, Any]:
        return "hit", items[1]

    def table(self, meta: Any, items: list[Any]) -> s.Table:
        columns = tuple(i[1] for i in items if isinstance(i, tuple) and i[0] == "column")
        hit = next((i[1] for i in items if isinstance(i, tuple) and i[0] == "hit"), None)
        head = self._head(meta, [i for i in items if not (isinstance(i, tuple) and i[0] in ("column", "hit"))])
        rows = tuple(i for i in items if isinstance(i, s.Row))
        otherwise = next((i for i in items if isinstance(i, s.Clause)), None)
        return s.Table(head, columns, hit, rows, otherwise, self._span(meta))

    def row(self, meta: Any, items: list[Any]) -> s.Row:
        *cells, last = (i for i in items if isinstance(i, s.Cell))
        for cell in cells:
            self._check_dash(cell)
        value = last.items[0] if len(last.items) == 1 else None
        if value is None or isinstance(value, s.Compared | s.Interval):
            self._found.append(Diagnostic("E116", {}, last.span))
            value = None
        return s.Row(tuple(cells), value, _modifiers(self._parts(items, meta)), self._span(meta))

    def _check_dash(self, cell: s.Cell) -> None:
        """A dash between two amounts reads as minus; a range was meant."""
        for item in cell.items:
            difference = isinstance(item, s.Operation) and item.operator == "-" and not cell.span.text.startswith("(")
            if difference and all(isinstance(o, s.Literal) for o in item.operands):  # type: ignore[union-attr]
                low, high = (o.span.text for o in item.operands)  # type: ignore[union-attr]
                better = f"{low}(含)..{high}(不含)"
                self._found.append(Diagnostic("E117", {"found": item.span.text, "better": better}, item.span))

    def band(self, meta: Any, items: list[Any]) -> s.Band:
        interval, rate = (i for i in items if not isinstance(i, Token | tuple))
        return s.Band(interval, rate, _modifiers(self._parts(items, meta)), self._span(meta))

    def scale(self, meta: Any, items: list[Any]) -> s.Scale:
        bands = tuple(i for i in items if isinstance(i, s.Band))
        base = next(i for i in items if not isinstance(i, Token | tuple | s.Band | s.Word | s.TypeName))
        return s.Scale(self._head(meta, items), base, bands, self._span(meta))

    # other declarations
    def amendment(self, meta: Any, items: list[Any]) -> s.Amendment:
        return s.Amendment(items[1], self._span(meta))

    def repeal(self, meta: Any, items: list[Any]) -> s.Repeal:
        parts = self._parts(items, meta)
        return s.Repeal(_first(items, s.Word), _modifiers(parts), self._span(meta), parts.get("owner"))

    def settlement(self, meta: Any, items: list[Any]) -> s.Settlement:
        name, option = (i for i in items if isinstance(i, s.Word))
        return s.Settlement(name, option, _modifiers(self._parts(items, meta)), self._span(meta))

    def in_principle(self, _: Any, __: list[Any]) -> tuple[str, Any]:
        return "in_principle", True

    def mandate(self, meta: Any, items: list[Any]) -> s.Mandate:
        parts = self._parts(items, meta)
        return s.Mandate(items[1], parts.get("in_principle", False), _modifiers(parts), self._span(meta))

    def option(self, meta: Any, items: list[Any]) -> s.Option:
        reason = next((self._string(i) for i in items if _is(i, "STRING")), None)
        return s.Option(_first(items, s.Word), _has(items, "DEFAULT"), reason, self._span(meta))

    def question(self, meta: Any, items: list[Any]) -> s.Question:
        text = next(self._string(i) for i in items if _is(i, "STRING"))
        options = tuple(i for i in items if isinstance(i, s.Option))
        return s.Question(_first(items, s.Word), text, options, _modifiers(self._parts(items, meta)), self._span(meta))


def _better(form: str, first: Any, more: bool) -> str:
    """How a figure is written whose first part is no name of a kind of record."""
    counts = AGGREGATE_NAMES[form] == "计数"
    match first:
        case s.Through(s.Reference(name), value) if not more:
            return f"{form}({name} 当 {value.span.text})" if counts else f"{form}({name}, {value.span.text})"
        case s.Operation("且", (s.Reference(name), second, *_)):
            return f"{form}({name} 当 {second.span.text})" if counts else f"{form}({name} 当 {second.span.text}, …)"
    return f"{form}(参保人 当 …)" if counts else f"{form}(参保人, …)"


def normal_document(text: str) -> str:
    """Return a document's number with the brackets of official style: 〔2024〕."""
    return re.sub(r"[\[〔](\d{4})[\]〕]第?(\d+)号", r"〔\1〕\2号", text)


def _years_of(formula: s.Modifiers, head: s.Modifiers) -> s.Modifiers:
    """自 and 至 behind `= value` narrow the rule itself."""
    return replace(
        head,
        first=formula.first if head.first is None else head.first,
        last=formula.last if head.last is None else head.last,
        note=formula.note if head.note is None else head.note,
        reliability=formula.reliability if head.reliability is None else head.reliability,
    )


def _is(item: Any, terminal: str) -> bool:
    return isinstance(item, Token) and item.type == terminal


def _has(items: list[Any], terminal: str) -> bool:
    return any(_is(item, terminal) for item in items)


def _first(items: list[Any], kind: type) -> Any:
    return next(item for item in items if isinstance(item, kind))


def _included(items: list[Any]) -> bool | None:
    edge = next((i for i in items if isinstance(i, Token) and i.type in ("INCLUDED", "EXCLUDED")), None)
    return None if edge is None else edge.type == "INCLUDED"


def _modifiers(parts: dict[str, Any]) -> s.Modifiers:
    return s.Modifiers(
        parts.get("first"), parts.get("last"), parts.get("citations", ()), parts.get("note"), parts.get("reliability")
    )
