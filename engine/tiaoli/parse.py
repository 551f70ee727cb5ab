"""Text → syntax. Each declaration is parsed on its own, and after a mistake parsing goes on at the next clause, so all mistakes are found.

The work: make full-width signs half-width; cut the text before each word that begins a declaration (outside strings and comments);
run Lark's LALR parser over each piece; build the nodes of `syntax`. A declaration with a mistake is left out of the tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Transformer, Tree, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from tiaoli import syntax as s
from tiaoli.diagnostic import Diagnostic
from tiaoli.source import Source, Span, half_width
from tiaoli.values import Kind

MODIFIER_WORDS = ("YEARLY", "OUTPUT", "EXCEPTION", "AMEND", "REPEAL")
STARTERS = (
    "DOCUMENT",
    "CLAUSE_OF",
    "FACT",
    "PARAM",
    "TABLE",
    "SCALE",
    "RULE",
    "MANDATE",
    "QUESTION",
    "ENTITY",
    *MODIFIER_WORDS,
)
_SYNC = ("WHEN", "OTHERWISE", "ROW", "BAND", "OPTION", "BASIS", "COLUMNS")
_LIMIT_DEPTH = 60


def parse(source: Source) -> tuple[s.Document, list[Diagnostic]]:
    """Parse one file. Returns what could be read of it and every syntax error."""
    text = half_width(source.text)
    begin, cuts = pieces(text)
    found = list(_stray(text, begin, source))
    declarations: list[s.Declaration] = []
    broken: set[str] = set()
    for start, end in cuts:
        declaration = _parse_piece(source, text, start, end, found)
        if declaration is not None:
            declarations.append(declaration)
        else:
            broken.add(_defines(text[start:end]))
    header = next((d for d in declarations if isinstance(d, s.Header)), None)
    rest = [d for d in declarations if d is not header]
    found.extend(Diagnostic("E108", {"document": d.document}, d.span) for d in rest if isinstance(d, s.Header))
    kept = tuple(d for d in rest if not isinstance(d, s.Header))
    return s.Document(source, header, kept, frozenset(broken)), found


def _defines(piece: str) -> str:
    """The name that a declaration with a mistake means to define, so that later passes do not miss it; 文件 for a header."""
    names = [w for w in _WORD.findall(mask(piece)) if w not in keywords()]
    first = keywords()[_WORD.findall(mask(piece))[0]]
    return first.zh if first.terminal in ("DOCUMENT", "MANDATE", "CLAUSE_OF") else next(iter(names), "")


# ── keywords ─────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword's spellings: the first Chinese, the last English."""

    terminal: str
    spellings: tuple[str, ...]

    @property
    def zh(self) -> str:
        return self.spellings[0]

    @property
    def en(self) -> str:
        return self.spellings[-1]


def _grammar(name: str) -> str:
    return files("tiaoli.grammar").joinpath(name).read_text("utf-8")


@cache
def keywords() -> dict[str, Keyword]:
    """Return each spelling's keyword, as `keywords.lark` lists them."""
    text = _grammar("keywords.lark")
    table: dict[str, Keyword] = {}
    for match in re.finditer(r"^([A-Z_]+): (.+)$", text, re.MULTILINE):
        keyword = Keyword(match[1], tuple(re.findall(r'"([^"]+)"', match[2])))
        table.update(dict.fromkeys(keyword.spellings, keyword))
    return table


@cache
def _by_terminal() -> dict[str, Keyword]:
    return {keyword.terminal: keyword for keyword in keywords().values()}


# ── cutting into declarations ────────────────────────────────────────────────

_COMMENT = re.compile(r'(?:"[^"\n]*"|“[^”\n]*”|《[^》\n]*》)|#[^\n]*')
_MASK = re.compile(r'"[^"\n]*"|“[^”\n]*”|#[^\n]*|《[^》\n]*》')
_WORD = re.compile(r"[^\W\d]\w*")


def mask(text: str) -> str:
    """Return ``text`` of the same length with strings, titles and comments blanked out."""
    return _MASK.sub(lambda match: " " * len(match[0]), text)


def pieces(text: str) -> tuple[int, list[tuple[int, int]]]:
    """Return where the first declaration begins, and start and end of each, in a text made half-width."""
    masked = mask(text)
    visible = _COMMENT.sub(lambda m: " " * len(m[0]) if m[0].startswith("#") else m[0], text)
    starts: list[int] = []
    joined = False
    for match in _WORD.finditer(masked):
        keyword = keywords().get(match[0])
        terminal = keyword.terminal if keyword else ""
        listed = terminal == "MANDATE" and _before(visible, match.start()) == ","
        if terminal in STARTERS and not joined and not listed:
            starts.append(match.start())
        joined = terminal in MODIFIER_WORDS or terminal == "ENCODED"
    ends = [*starts[1:], len(text)]
    return (starts[0] if starts else len(text)), list(zip(starts, ends, strict=False))


def _stray(text: str, before: int, source: Source) -> Iterator[Diagnostic]:
    """What stands before the first declaration and is none."""
    masked = mask(text[:before])
    if masked.strip():
        begin = len(masked) - len(masked.lstrip())
        word = _WORD.match(masked, begin)
        yield _not_a_declaration(source, text, begin, word.end() if word else begin + 1)


def _before(text: str, at: int) -> str:
    """The last character before ``at`` that is no white space, or an empty text."""
    while at and text[at - 1].isspace():
        at -= 1
    return text[at - 1 : at]


def _not_a_declaration(source: Source, text: str, start: int, end: int) -> Diagnostic:
    glued = _glued(text[start:end])
    span = Span(source, start, end)
    if glued:
        return Diagnostic("E103", {"found": text[start:end], "keyword": glued[0], "rest": glued[1]}, span)
    return Diagnostic("E101", {"found": text[start:end]}, span)


def _glued(word: str) -> tuple[str, str] | None:
    """Return (keyword, rest) when ``word`` begins with a keyword that lacks a space behind it."""
    for spelling in sorted(keywords(), key=len, reverse=True):
        if len(spelling) > 1 and word.startswith(spelling) and len(word) > len(spelling):
            return spelling, word[len(spelling) :]
    single = [k for k in ("当", "得", "若", "则", "且", "或", "非", "有", "按", "自", "至") if word.startswith(k)]
    return (single[0], word[1:]) if single and len(word) > 1 else None


# ── parsing one piece ────────────────────────────────────────────────────────


class _AlwaysNames:
    """Tells Lark's contextual lexer to try names, and the common slips, in every state."""

    always_accept = ("NAME", "BAD_GROUPING", "BAD_STRING", "BAD_UNIT", "BAD_NUMBER")

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


def _reserve(token: Token) -> Token:
    keyword = keywords().get(token.value)
    return Token.new_borrow_pos(keyword.terminal, token.value, token) if keyword else token


@cache
def parser() -> Lark:
    """Return the parser of one declaration; its start is `declaration`."""
    return Lark(
        _grammar("tiaoli.lark") + _grammar("keywords.lark"),
        parser="lalr",
        lexer="contextual",
        start="declaration",
        propagate_positions=True,
        postlex=_AlwaysNames(),
        lexer_callbacks={"NAME": _reserve},
        maybe_placeholders=False,
    )


def _parse_piece(source: Source, text: str, start: int, end: int, found: list[Diagnostic]) -> s.Declaration | None:
    piece = text[start:end]
    opening = _WORD.match(piece)
    keyword = keywords().get(opening[0]) if opening else None
    if keyword and keyword.terminal == "ENTITY":
        found.append(Diagnostic("E110", {"found": keyword.zh}, Span(source, start, start + len(keyword.zh))))
        return None
    depth = _deepest(piece)
    if depth > _LIMIT_DEPTH:
        found.append(Diagnostic("E111", {"limit": _LIMIT_DEPTH}, Span(source, start, start + 1)))
        return None
    mistakes: list[Diagnostic] = []

    def on_error(error: UnexpectedInput) -> bool:
        diagnostic = _describe(error, source, piece, start)
        if not mistakes or mistakes[-1].span != diagnostic.span:
            mistakes.append(diagnostic)
        return _skip_to_clause(error)

    try:
        tree = parser().parse(piece, on_error=on_error)
    except UnexpectedInput:
        tree = None
    if mistakes:
        found.extend(mistakes)
        return None
    assert isinstance(tree, Tree)
    builder = _Builder(source, start, found)
    count = len(found)
    declaration = builder.transform(tree)
    return declaration if len(found) == count else None


def _deepest(piece: str) -> int:
    """Return how deeply expressions nest, so that no text can exhaust the stack."""
    masked = mask(piece)
    deepest = depth = 0
    for match in re.finditer(
        r"[()]|(?<!\w)(?:若|if|非|not|否则|otherwise|当|when|行|row)(?!\w)|-(?=\s*-)|-\s*\(", masked
    ):
        token = match[0]
        if token == ")":
            depth = max(0, depth - 1)
        elif token in ("当", "when", "行", "row"):
            depth = 0
        else:
            depth += 1
        deepest = max(deepest, depth)
    return deepest


def _skip_to_clause(error: UnexpectedInput) -> bool:
    """Move the parser behind the mistake: to the next word that begins a clause, with the stack cut to where it fits."""
    live: Any = error.interactive_parser
    token = error.token if isinstance(error, UnexpectedToken) else None
    if live is None or (token is not None and token.type == "$END"):
        return False
    if token is None:
        _skip_character(live)
    while token is None or token.type not in _SYNC or not _cut_stack(live, token):
        try:
            token = next(iter(live.lexer_thread.lex(live.parser_state)), None)
        except UnexpectedToken as again:
            token = again.token
        except UnexpectedCharacters:
            _skip_character(live)
            continue
        if token is None:
            return False
    live.feed_token(token)
    return True


def _skip_character(live: Any) -> None:
    state = live.lexer_thread.state
    at = state.line_ctr.char_pos
    state.line_ctr.feed(state.text.text[at : at + 1])


def _cut_stack(parser: Any, token: Token) -> bool:
    state = parser.parser_state
    depth = len(state.state_stack)
    for keep in range(depth, 0, -1):
        trial = parser.copy()
        del trial.parser_state.state_stack[keep:]
        del trial.parser_state.value_stack[keep - 1 :]
        if token.type in trial.accepts():
            del state.state_stack[keep:]
            del state.value_stack[keep - 1 :]
            return True
    return False


# ── saying what is wrong ─────────────────────────────────────────────────────

_KINDS_OF_TOKEN = {
    "NAME": "name",
    "STRING": "string",
    "MONEY": "value",
    "RATE": "value",
    "DECIMAL": "value",
    "INTEGER": "value",
    "YEARS": "value",
    "MONTHS": "value",
    "DAYS": "value",
    "YEAR": "year",
    "DATE": "date",
    "PLACE": "place",
    "NUMBERED": "document",
    "TITLED": "document",
    "CLAUSE": "clause",
    "CMP": "operator",
    "PLUS": "operator",
    "TIMES": "operator",
    "DIVIDE": "operator",
    "MINUS": "operator",
    "INCLUDED": "edge",
    "EXCLUDED": "edge",
    "$END": "end",
}
_SIGNS = {"COLON": ":", "EQUAL": "=", "LPAR": "(", "RPAR": ")", "COMMA": ",", "VBAR": "|", "__ANON_0": ".."}


def _describe(error: UnexpectedInput, source: Source, piece: str, offset: int) -> Diagnostic:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        end = len(mask(piece).rstrip())
        span = Span(source, offset + max(0, end - 1), offset + end)
        return Diagnostic("E104", {"after": _last_word(piece[:end]), "expected": _expected(error)}, span)
    if isinstance(error, UnexpectedToken):
        token = error.token
        start = offset + (token.start_pos or 0)
        span = Span(source, start, start + len(token))
        return _describe_token(token, error, span, piece)
    position = offset + (error.pos_in_stream or 0)
    span = Span(source, position, position + 1)
    return Diagnostic("E105", {"found": span.text}, span)


def _describe_token(token: Token, error: UnexpectedToken, span: Span, piece: str) -> Diagnostic:
    expected = _expected(error)
    before = piece[: token.start_pos or 0].rstrip()
    match token.type:
        case "BAD_GROUPING":
            return Diagnostic("E106", {"found": token.value, "better": token.value.replace(",", "")}, span)
        case "BAD_STRING":
            return Diagnostic("E107", {"found": token.value[:20]}, span)
        case "BAD_UNIT" | "BAD_NUMBER" if not _LITERAL.fullmatch(token.value):
            return Diagnostic("E109", {"found": token.value}, span)
        case "NAME":
            glued = _glued(token.value)
            if glued:
                return Diagnostic("E103", {"found": token.value, "keyword": glued[0], "rest": glued[1]}, span)
    last = _LAST_NAME.search(before)
    glued = _glued(last[0]) if last and last[0] not in keywords() else None
    if last and glued and (glued[0] in "若且或非" or glued[1] in _WORD.findall(before[: last.start()])):
        where = Span(
            span.source,
            span.start - (token.start_pos or 0) + last.start(),
            span.start - (token.start_pos or 0) + last.end(),
        )
        return Diagnostic("E103", {"found": last[0], "keyword": glued[0], "rest": glued[1]}, where)
    keyword = keywords().get(token.value)
    if keyword and "name" in expected:
        return Diagnostic("E112", {"found": token.value}, span)
    return Diagnostic("E102", {"found": token.value, "after": _last_word(before), "expected": expected}, span)


_LAST_NAME = re.compile(r"[^\W\d]\w*$")
_LITERAL = re.compile(
    r"\d+(\.\d+)?[ \t]*((万亿|亿|千万|百万|万|千|百)?(元|yuan)|个月|months?|天|日|days?|年|years?)|\d{4}[ \t]*年度|\d{4}年\d{1,2}月\d{1,2}日"
)


def _last_word(text: str) -> str:
    words = mask(text).split()
    return words[-1][-20:] if words else ""


def _expected(error: UnexpectedToken) -> tuple[str, ...]:
    """What could stand here: kinds (keys of `messages.LABELS`) and keywords, the most telling first."""
    accepted = set(error.accepts or error.expected)
    table = _by_terminal()
    kinds = dict.fromkeys(_KINDS_OF_TOKEN[t] for t in _KINDS_OF_TOKEN if t in accepted)
    words = [table[t].zh for t in table if t in accepted and t not in ("NOTE", "FROM", "UNTIL")]
    words += [_SIGNS[t] for t in _SIGNS if t in accepted]
    if "name" in kinds and "value" in kinds:
        return ("expression",)
    ordered = [k for k in kinds if k not in ("operator", "end", "edge")] + words
    return tuple(ordered[:8]) or ("end",)


# ── building nodes ───────────────────────────────────────────────────────────

_SCALES = {"": 1, "百": 100, "千": 1000, "万": 10**4, "百万": 10**6, "千万": 10**7, "亿": 10**8, "万亿": 10**12}
_COMPARISONS = {
    "<=": "≤", ">=": "≥", "<>": "≠", "!=": "≠", "==": "=", "=": "=", "<": "<", ">": ">", "≤": "≤", "≥": "≥", "≠": "≠",
    "IS": "=", "IS_NOT": "≠", "AT_LEAST": "≥", "AT_MOST": "≤", "ABOVE": ">", "BELOW": "<",
}  # fmt: skip


@v_args(meta=True)
class _Builder(Transformer[Token, Any]):
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

    def reference(self, meta: Any, items: list[Token]) -> s.Reference:
        return s.Reference(str(items[0]), False, self._span(meta))

    def previous(self, meta: Any, items: list[Token]) -> s.Reference:
        return s.Reference(str(items[1]), True, self._span(meta))

    def literal(self, _: Any, items: list[Token]) -> s.Literal:
        token = items[0]
        span = self._token_span(token)
        text = str(token)
        digits = re.match(r"\d+(\.\d+)?", text)
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
                return s.Literal(Kind.YEAR, Fraction(re.sub(r"\D", "", text)), span)
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
        return int(re.sub(r"\D", "", token))

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

    def call(self, meta: Any, items: list[Any]) -> s.Call:
        since = next((self._year(i) for i in items if isinstance(i, Token)), None)
        arguments = tuple(i for i in items[1:] if not isinstance(i, Token))
        return s.Call(items[0], arguments, since, self._span(meta))

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
        return "place", self._word(items[1])

    def effective(self, _: Any, items: list[Token]) -> tuple[str, Any]:
        return "effective", self._year(items[1])

    def computed_from(self, _: Any, items: list[Token]) -> tuple[str, Any]:
        return "computed_from", self._year(items[1])

    def parent(self, _: Any, items: list[Any]) -> tuple[str, Any]:
        return "parent", items[1][1]

    def header_field(self, _: Any, items: list[Any]) -> tuple[str, Any]:
        return items[0]  # type: ignore[no-any-return]

    def header(self, meta: Any, items: list[Any]) -> s.Header:
        fields = [i for i in items[2:] if not isinstance(i, Token)]
        parents = tuple(value for key, value in fields if key == "parent")
        once = {key: value for key, value in fields if key != "parent"}
        for key in {k for k, _ in fields if k != "parent" and [f[0] for f in fields].count(k) > 1}:
            self._found.append(Diagnostic("E115", {"field": key}, self._span(meta)))
        names = ("title", "issuer", "issued", "place", "effective", "computed_from", "website")
        return s.Header(
            document=str(items[1][1]),
            parents=parents,
            span=self._span(meta),
            **{name: once.get(name) for name in names},
        )

    def clause_of(self, meta: Any, items: list[Any]) -> s.Outline:
        clause = items[1][1]
        rest = items[2:]
        subject = self._string(rest[0]) if rest and _is(rest[0], "STRING") else None
        reason = self._string(rest[-1]) if len(rest) > 1 and _is(rest[-2], "UNCOMPUTABLE") else None
        words = tuple(i for i in rest if isinstance(i, s.Word))
        return s.Outline(clause, subject, words, reason, self._span(meta))

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
                self._found.append(Diagnostic("E115", {"field": key}, self._span(meta)))
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

    def param(self, meta: Any, items: list[Any]) -> s.Parameter:
        parts = self._parts(items, meta)
        rows = tuple(i for i in items if isinstance(i, s.ParameterRow))
        type_name = next((i for i in items if isinstance(i, s.TypeName)), None)
        key = parts.pop("key", None)
        return s.Parameter(_first(items, s.Word), type_name, key, rows, _modifiers(parts), self._span(meta))

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
        return s.RuleException(_first(items, s.Word), conditional, last, self._span(meta))

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
        value = last.items[0] if len(last.items) == 1 else None
        if value is None or isinstance(value, s.Compared | s.Interval):
            self._found.append(Diagnostic("E116", {}, last.span))
            value = None
        return s.Row(tuple(cells), value, _modifiers(self._parts(items, meta)), self._span(meta))

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
        return s.Repeal(_first(items, s.Word), _modifiers(self._parts(items, meta)), self._span(meta))

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
    return s.Modifiers(parts.get("first"), parts.get("last"), parts.get("citations", ()), parts.get("note"))
