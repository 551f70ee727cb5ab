"""Source → the same text in the house layout. Only white space, full-width signs and the spelling of keywords change.

The work: read every declaration as tokens, each with its role in the grammar and the comments beside it; give each token its
spelling; cut the tokens into lines (a clause, a row, a field, else the whole declaration); set the blanks in a line and align
neighbouring rows. Line breaks of the author count only where a line would be too long. At the end the result is read again
and must hold the same tokens and comments.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice, pairwise, zip_longest
from typing import Any, Literal, TypeAlias

from lark import Token, Tree
from lark.exceptions import UnexpectedInput

from tiaoli.diagnostic import Diagnostic, errors
from tiaoli.lexicon import keywords, parser, pieces
from tiaoli.operators import AGGREGATE_NAMES, AGGREGATES, FUNCTIONS, MEMORY_FORMS
from tiaoli.parse import parse
from tiaoli.source import Source, display_width, half_width
from tiaoli.values import INSURED_NAMES, KIND_NAMES, MODE_NAMES, ROUNDING_UNITS

Language: TypeAlias = Literal["zh", "en"]

WIDTH = 100
"""Columns a line should not exceed; wide characters count two."""

_INDENT = 2
_RESULT_INDENT = 4
_CONTINUATION_INDENT = 6


def format_text(source: Source, keywords: Language | None = None) -> str:
    """Return the text of ``source`` in the house layout, or unchanged where it has syntax errors.

    With ``keywords`` every keyword, unit and name of the library gets its Chinese or English spelling.
    """
    return format_source(source, keywords)[0]


def format_source(source: Source, keywords: Language | None = None) -> tuple[str, list[Diagnostic]]:
    """Return what `format_text` returns, and the syntax errors that keep a text unchanged."""
    _, found = parse(source)
    if errors(found):
        return source.text, found
    document = _read(source, keywords)
    text = _write(document)
    _guard(document, Source(source.path, text))
    return text, found


def _guard(document: _Document, result: Source) -> None:
    """Raise RuntimeError when ``result`` does not hold the tokens and comments of ``document``: a bug of this module."""
    try:
        same = _read(result, None).content == document.content
    except UnexpectedInput:
        same = False
    if not same:
        raise RuntimeError(f"formatting {result.path} would change what it says")


# ── reading ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Comment:
    """A comment on lines of its own; ``blank`` where an empty line stood above it."""

    text: str
    blank: bool


@dataclass(frozen=True, slots=True)
class _Token:
    """A token as it will be written.

    ``role`` is the part of the grammar it opens or names, empty for most; ``broken`` and ``blank`` say that a line break or
    an empty line stood before it; ``above`` and ``behind`` are its comments.
    """

    type: str
    text: str
    role: str
    broken: bool
    blank: bool
    above: tuple[_Comment, ...]
    behind: str


_Tokens: TypeAlias = tuple[_Token, ...]


@dataclass(frozen=True, slots=True)
class _Document:
    declarations: tuple[_Tokens, ...]
    end: tuple[_Comment, ...]

    @property
    def content(self) -> list[Any]:
        """What must outlive formatting: tokens by declaration, each with its comments."""
        tokens = [
            [(t.type, t.text, [c.text for c in t.above], t.behind) for t in declaration]
            for declaration in self.declarations
        ]
        return [tokens, [comment.text for comment in self.end]]


@dataclass(frozen=True, slots=True)
class _Spelled:
    """A token of the parser: its place in the text, its role, and how it is to be spelled."""

    type: str
    start: int
    stop: int
    role: str
    text: str


def _read(source: Source, language: Language | None) -> _Document:
    text = half_width(source.text)
    lexed = [list(_lex(source, text, piece, language)) for piece in pieces(text)[1]]
    tokens = [token for piece in lexed for token in piece]
    comments = _comments(text, tokens)
    breaks = _line_breaks(text, [(t.start, t.stop) for t in tokens] + [m.span() for m in comments])
    above, behind = _attach(source, text, comments, breaks, [t.start for t in tokens])
    placed = iter(
        [
            _Token(t.type, t.text, t.role, breaks[t.start] > 0, breaks[t.start] > 1, tuple(above[i]), behind.get(i, ""))
            for i, t in enumerate(tokens)
        ]
    )
    return _Document(tuple(tuple(islice(placed, len(piece))) for piece in lexed), tuple(above[len(tokens)]))


def _lex(source: Source, text: str, piece: tuple[int, int], language: Language | None) -> Iterator[_Spelled]:
    offset = piece[0]
    live = parser().parse_interactive(text[slice(*piece)])
    tokens = list(live.iter_parse())
    roles = _roles(live.feed_eof()) | _roles_beside(tokens)  # type: ignore[no-untyped-call]
    for token in tokens:
        start, stop = offset + (token.start_pos or 0), offset + (token.end_pos or 0)
        role = roles.get(token.start_pos or 0, "")
        yield _Spelled(token.type, start, stop, role, _spell(token, role, source.text[start:stop], language))


def _comments(text: str, tokens: Sequence[_Spelled]) -> list[re.Match[str]]:
    ends = [0, *(token.stop for token in tokens)]
    starts = [*(token.start for token in tokens), len(text)]
    comment = re.compile(r"#[^\n]*")
    return [match for end, start in zip(ends, starts, strict=True) for match in comment.finditer(text, end, start)]


def _line_breaks(text: str, spans: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Return for the start of each of ``spans`` the line breaks since the one before, and check that they leave out nothing."""
    breaks: dict[int, int] = {}
    end = 0
    for start, stop in [*sorted(spans), (len(text), len(text))]:
        gap = text[end:start]
        if gap.strip():
            raise RuntimeError(f"formatting would lose {gap.strip()!r}")
        breaks[start] = gap.count("\n")
        end = stop
    return breaks


def _attach(
    source: Source, text: str, comments: Iterable[re.Match[str]], breaks: Mapping[int, int], starts: Sequence[int]
) -> tuple[Mapping[int, list[_Comment]], Mapping[int, str]]:
    """Return the comments above and behind each token, by its number; those above the end have the number of tokens."""
    above: dict[int, list[_Comment]] = defaultdict(list)
    behind: dict[int, str] = {}
    for match in comments:
        following = bisect_right(starts, match.start())
        words = "#" + source.text[match.start() + 1 : match.end()].rstrip()
        if text[text.rfind("\n", 0, match.start()) + 1 : match.start()].strip():
            behind[following - 1] = words
        else:
            above[following].append(_Comment(words, breaks[match.start()] > 1))
    return above, behind


# ── roles: what a token is in the grammar ────────────────────────────────────

_FIELDS = frozenset(
    {"title", "issuer", "issued", "place", "effective", "parent", "computed_from", "website", "known_as", "framework"}
)
_MODIFIERS = frozenset({"from_year", "until_year", "basis", "note", "reliability"})
_INDENTED = _FIELDS | {
    "param_year", "param_row", "table_hit", "row", "otherwise", "band", "formula", "when", "option", "modifiers", "columns",
}  # fmt: skip
_PARTS = _MODIFIERS | {"optional", "required", "default", "range", "ask", "initial", "rounding", "in_principle"}
_OPENING = _INDENTED - {"modifiers", "columns"} | _PARTS | {"minus", "param_value"}


def _roles(tree: Tree[Token]) -> dict[int, str]:
    """Return the roles of tokens by where they start in their declaration."""
    roles: dict[int, str] = {}
    for part in tree.iter_subtrees():
        if part.data in _OPENING:
            roles[part.meta.start_pos] = part.data
        roles.update({token.start_pos or 0: role for token, role in _named(part)})
    return roles


def _roles_beside(tokens: Sequence[Token]) -> dict[int, str]:
    """Roles that hang on the neighbours: signs between citations, and dots that a whole number before them would swallow."""
    roles: dict[int, str] = {}
    for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if token == "," and before.type in ("CLAUSE", "STRING", "NUMBERED", "TITLED"):
            roles[token.start_pos or 0] = "citations"
        if token == ".." and before.type == "INTEGER" and after.type != "INTEGER":
            roles[token.start_pos or 0] = "apart"
    return roles


def _named(part: Tree[Token]) -> Iterator[tuple[Token, str]]:
    match part.data:
        case "type":
            role = "type" if len(part.children) == 1 else "member"
            yield from ((_first_token(child), role) for child in part.children)
        case "function":
            yield _first_token(part), "function"
        case "owner" | "members":
            yield _first_token(part), "kind"
        case "call" if (
            _first_token(part) in AGGREGATE_NAMES and len(part.children) > 1 and _is(part.children[1], {"step"})
        ):
            yield _first_token(part.children[1]), "kind"
        case "rounding" | "rounded":
            names = [_first_token(c) for c in part.children if isinstance(c, Tree) and c.data == "name"]
            yield from ((token, "mode") for token in names[:1])
        case "unit":
            yield _first_token(part), "unit"
        case "table":
            columns = next(c for c in part.children if isinstance(c, Token) and c.type == "COLUMNS")
            yield columns, "columns"
        case "question":
            for before, child in pairwise(part.children):
                if _is(before, {"option"}) and _is(child, _MODIFIERS):
                    yield _first_token(child), "modifiers"


def _first_token(part: Tree[Token] | Token) -> Token:
    while isinstance(part, Tree):
        part = part.children[0]
    return part


def _is(part: Tree[Token] | Token, data: Iterable[str]) -> bool:
    return isinstance(part, Tree) and part.data in data


# ── spelling ─────────────────────────────────────────────────────────────────


def _spell(token: Token, role: str, typed: str, language: Language | None) -> str:
    """Return how to write ``token``, whose text in the source is ``typed``."""
    text = str(token)
    if token.type == "STRING":
        return text[0] + typed[1:-1] + text[-1]
    if token.type == "TITLED":
        return typed
    if typed == "、" and role == "citations" and language != "en":
        return typed
    if token.type in _LITERALS:
        text = re.sub(r"[ \t]+", "", text)
    return _translate(token.type, text, role, language) if language else text


def _translate(terminal: str, text: str, role: str, language: Language) -> str:
    keyword = keywords().get(text)
    if keyword and keyword.terminal == terminal:
        return text if role == "member" else getattr(keyword, language)
    if terminal in _LITERALS:
        return _literal(terminal, text, language)
    names = _library_names().get(role, {})
    return names[text][language] if text in names else text


@cache
def _library_names() -> dict[str, dict[str, dict[Language, str]]]:
    """For each role the spellings of its names; a name that has no other spelling is left out."""
    zh, en = INSURED_NAMES
    insured: dict[str, dict[Language, str]] = {name: {"zh": zh, "en": en} for name in INSURED_NAMES}
    return {
        "type": insured | {name: {"zh": kind.zh, "en": kind.en} for name, kind in KIND_NAMES.items()},
        "kind": insured,
        "mode": {name: {"zh": mode.value[0], "en": mode.value[1]} for name, mode in MODE_NAMES.items()},
        "unit": _unit_names(),
        "function": {name: {"zh": zh, "en": en} for zh, en in _functions() for name in (zh, en)},
    }


def _unit_names() -> dict[str, dict[Language, str]]:
    """Words for one unit, the first Chinese and the first English standing for the rest."""
    units = defaultdict(list)
    for word, unit in ROUNDING_UNITS.items():
        units[unit].append(word)
    names: dict[str, dict[Language, str]] = {}
    for words in units.values():
        zh, en = ([word for word in words if word.isascii() is english] for english in (False, True))
        if zh and en:
            names |= {word: {"zh": zh[0], "en": en[0]} for word in words}
    return names


def _functions() -> Iterator[tuple[str, str]]:
    """The names of the library's functions, Chinese and English."""
    yield from ((row.zh, row.en) for row in FUNCTIONS.values())
    yield from ((form.zh, form.en) for form in AGGREGATES.values())
    yield from MEMORY_FORMS.items()


_LITERALS = frozenset({"MONEY", "RATE", "YEARS", "MONTHS", "DAYS", "YEAR", "INCLUDED", "EXCLUDED"})
_UNITS: dict[str, tuple[str, str, str]] = {
    "MONEY": (r"(元|yuan)$", "元", "yuan"),
    "YEARS": (r"(年|years?)$", "年", "year"),
    "MONTHS": (r"(个月|months?)$", "个月", "month"),
    "DAYS": (r"(天|日|days?)$", "天", "day"),
}
_EDGES = {"INCLUDED": ("(含)", "(incl)"), "EXCLUDED": ("(不含)", "(excl)")}


def _literal(terminal: str, text: str, language: Language) -> str:
    if terminal in _EDGES:
        return _EDGES[terminal][language == "en"]
    if terminal == "YEAR":
        year = re.sub(r"\D", "", text)
        return f"Y{year}" if language == "en" else f"{year}年度"
    if terminal not in _UNITS:
        return text
    pattern, zh, en = _UNITS[terminal]
    number = re.sub(pattern, "", text)
    if language == "zh":
        return number + (zh if text[-1].isascii() else text[len(number) :])
    return number + en + ("s" if terminal != "MONEY" and number != "1" else "")


# ── lines ────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Line:
    """Tokens to be written on one line if they fit. Neighbours of one ``run`` have their columns aligned."""

    indent: int
    role: str
    tokens: _Tokens
    run: tuple[int, str] | None = None


def _lines(declaration: _Tokens) -> list[_Line]:
    opening, *rest = _cut(declaration, lambda i: declaration[i].role in _INDENTED)
    value = next((token.role for token in opening if token.role == "param_value"), "")
    first = _Line(0, f"{opening[0].type} {value}".rstrip(), opening)
    if opening[0].type == "AMEND" and [tokens[0].role for tokens in rest] == ["param_year"]:
        whole = _Line(0, "AMEND param_year", declaration)
        if _fits(whole):
            return [whole]
    lines = [_Line(_INDENT, tokens[0].role, tokens) for tokens in rest]
    return [first, *(part for line in lines for part in _parted(line))]


def _parted(line: _Line) -> list[_Line]:
    """Return a clause as one line, or with its result on a second line where one is too short."""
    if line.role != "when" or _fits(line):
        return [line]
    condition, result = _cut(line.tokens, lambda i: line.tokens[i].type == "THEN_GIVE")
    return [_Line(_INDENT, "when", condition), _Line(_RESULT_INDENT, "give", result)]


def _fits(line: _Line) -> bool:
    commented = any(_must_break(line.tokens, i) for i in range(1, len(line.tokens)))
    return not commented and line.indent + display_width(_joined(line.tokens)) <= WIDTH


def _must_break(tokens: _Tokens, index: int) -> bool:
    return bool(tokens[index].above or tokens[index - 1].behind)


def _split(line: _Line) -> list[_Line]:
    """Return the lines that ``line`` takes: more than one for comments within, and for breaks of the author where it is too long."""
    parts = _continued(line, lambda i: _must_break(line.tokens, i))
    return [piece for part in parts for piece in ([part] if _fits(part) else _broken(part))]


def _broken(line: _Line) -> list[_Line]:
    return _continued(line, lambda i: line.tokens[i].broken)


def _continued(line: _Line, before: Callable[[int], bool]) -> list[_Line]:
    first, *rest = _cut(line.tokens, before)
    following = [replace(line, indent=_continuation(line, tokens[0]), tokens=tokens) for tokens in rest]
    return [replace(line, tokens=first), *following]


def _continuation(line: _Line, token: _Token) -> int:
    """Return the indent of a line that goes on from ``line``: a part of the declaration stands under it, all else further in."""
    whole = line.indent == 0 or line.role == "formula"
    return _INDENT if whole and token.role in _PARTS else _CONTINUATION_INDENT


def _cut(tokens: _Tokens, before: Callable[[int], bool]) -> list[_Tokens]:
    """Return ``tokens`` cut before each index, but the first, that ``before`` accepts."""
    cuts = [0, *(i for i in range(1, len(tokens)) if before(i)), len(tokens)]
    return [tokens[start:end] for start, end in pairwise(cuts)]


# ── blanks within a line ─────────────────────────────────────────────────────


def _joined(tokens: Sequence[_Token]) -> str:
    gaps = [*(_gap(left, right) for left, right in pairwise(tokens)), ""]
    return "".join(token.text + gap for token, gap in zip(tokens, gaps, strict=False))


def _gap(left: _Token, right: _Token) -> str:
    """Return the blanks between two tokens."""
    if right.type in ("BASIS", "INITIAL"):
        return "  "
    if left.type == "LPAR" or left.text == "、" or left.role == "minus":
        return ""
    if right.type in ("RPAR", "COMMA", "COLON", *_EDGES):
        return ""
    if right.type == "LPAR":
        return "" if left.type in ("NAME", "DATE_OF", "ROUND") else " "
    if "." in (left.text, right.text):
        return ""
    if ".." in (left.text, right.text):
        return " " if "apart" in (left.role, right.role) else ""
    after_edge = left.type in _EDGES and right.type in ("AND_UP", "AND_DOWN")
    return "" if after_edge and not right.text.isascii() else " "


# ── aligning ─────────────────────────────────────────────────────────────────

_FAMILIES = {
    "PARAM": "parameter",
    "PARAM param_value": "parameter",
    "AMEND param_value": "amendment",
    "AMEND param_year": "amendment",
    "CLAUSE_OF": "outline",
    "MANDATE": "mandate",
    "SETTLE": "settlement",
    "param_year": "value",
    "param_row": "value",
    "columns": "row",
    "row": "row",
    "band": "band",
    "option": "option",
    "when": "clause",
    "give": "clause",
    "otherwise": "clause",
}
"""What is aligned with what."""


@dataclass(frozen=True, slots=True)
class _Cells:
    """The columns of an aligned line, and the 依据 at its end."""

    indent: int
    columns: tuple[str, ...]
    basis: str

    def body(self, widths: Iterable[int]) -> str:
        columns = zip(self.columns, widths, strict=False)
        text = " ".join(_padded(column, width) for column, width in columns if width)
        return (" " * self.indent + text).rstrip()

    def text(self, widths: Sequence[int], basis: int) -> str:
        body = self.body(widths)
        return f"{_padded(body, basis)}  {self.basis}" if self.basis else body


def _cells(line: _Line) -> _Cells:
    basis = _first(line.tokens, "BASIS")
    cuts = [0, *_cuts(line, basis), basis]
    columns = [_joined(line.tokens[start:end]) for start, end in pairwise(cuts)]
    return _Cells(line.indent, tuple(columns), _joined(line.tokens[basis:]))


def _cuts(line: _Line, end: int) -> list[int]:
    """Return where columns begin, the first apart."""
    tokens = line.tokens[:end]
    match _FAMILIES[line.role]:
        case "parameter" | "value":
            return [_first(tokens, "EQUAL")]
        case "amendment":
            equal = _first(tokens, "EQUAL")
            return [equal - (tokens[equal - 1].role == "param_year"), equal]
        case "row":
            return [1, *(i for i, token in enumerate(tokens) if i > 1 and token.type == "VBAR")]
        case "band":
            return [_first(tokens, "THEN_GIVE")]
        case "option":
            return [_first(tokens, "STRING")]
        case "settlement":
            return [_first(tokens, "IS")]
        case "mandate":
            return [_first(tokens, "IN_PRINCIPLE")]
        case "outline":
            return [2, _first(tokens, "ENCODED", "UNCOMPUTABLE")]
    return []


def _first(tokens: _Tokens, *types: str) -> int:
    return next((i for i, token in enumerate(tokens) if token.type in types), len(tokens))


def _padded(text: str, width: int) -> str:
    return text + " " * (width - display_width(text))


def _aligned(cells: Sequence[_Cells]) -> list[str]:
    """Return the lines; their 依据 stand in one column unless that makes a line too long."""
    columns = zip_longest(*(c.columns for c in cells), fillvalue="")
    widths = [max(map(display_width, column)) for column in columns]
    basis = max((display_width(c.body(widths)) for c in cells if c.basis), default=0)
    ragged = [c.text(widths, 0) for c in cells]
    even = [c.text(widths, basis) for c in cells]
    too_long = any(display_width(a) <= WIDTH < display_width(b) for a, b in zip(ragged, even, strict=True))
    return ragged if too_long else even


# ── writing ──────────────────────────────────────────────────────────────────


def _write(document: _Document) -> str:
    blocks = [_lines(declaration) for declaration in document.declarations]
    blanks = _blank_lines(blocks)
    blocks = _with_runs(blocks, blanks)
    texts = _texts([line for block in blocks for line in block])
    out: list[str] = []
    for block, blank in zip(blocks, blanks, strict=True):
        out += [""] * blank
        out += [text for line in block for text in _written(line, texts)]
    for comment in document.end:
        out += [""] * (comment.blank and bool(out)) + [comment.text]
    return "".join(line + "\n" for line in out)


def _blank_lines(blocks: Sequence[list[_Line]]) -> list[bool]:
    """Whether an empty line comes before each declaration and the comments above it."""
    tall = [sum(len(_split(line)) for line in block) > 1 for block in blocks]
    blanks = [False]
    for i in range(1, len(blocks)):
        blanks.append(tall[i - 1] or tall[i] or _leading(blocks[i])[0])
    return blanks[: len(blocks)]


def _leading(block: list[_Line]) -> list[bool]:
    """Whether an empty line stands before each comment above a declaration, and before itself."""
    token = block[0].tokens[0]
    return [*(comment.blank for comment in token.above), token.blank]


def _with_runs(blocks: Sequence[list[_Line]], blanks: Sequence[bool]) -> list[list[_Line]]:
    """Return the lines with what aligns them: rows of one declaration, and declarations of a kind with no empty line between."""
    out: list[list[_Line]] = []
    section = 0
    kind = None
    for block, blank in zip(blocks, blanks, strict=True):
        before, kind = kind, _FAMILIES.get(block[0].role)
        section += blank or kind != before or any(_leading(block)[1:])
        out.append([_with_run(line, section) for line in block])
    return out


def _with_run(line: _Line, section: int) -> _Line:
    family = _FAMILIES.get(line.role)
    if family is None or len(_split(line)) > 1:
        return line
    return replace(line, run=(section, family))


def _texts(lines: Iterable[_Line]) -> dict[_Line, str]:
    """Return the text of each aligned line; equal lines of one run have equal texts."""
    runs: dict[tuple[int, str], list[_Line]] = defaultdict(list)
    for line in lines:
        if line.run:
            runs[line.run].append(line)
    return {
        line: text
        for run in runs.values()
        for line, text in zip(run, _aligned([_cells(line) for line in run]), strict=True)
    }


def _written(line: _Line, texts: Mapping[_Line, str]) -> Iterator[str]:
    """Yield ``line`` as it stands in the file, with its comments."""
    for part in _split(line):
        indent = " " * part.indent
        blanks = part.indent == 0
        for i, comment in enumerate(part.tokens[0].above):
            yield from [""] * (blanks and i > 0 and comment.blank)
            yield indent + comment.text
        yield from [""] * (blanks and bool(part.tokens[0].above) and part.tokens[0].blank)
        behind = part.tokens[-1].behind
        yield (texts.get(line) or indent + _joined(part.tokens)) + (f"  {behind}" if behind else "")
