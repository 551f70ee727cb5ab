"""Text → syntax. Each declaration is parsed on its own, and after a mistake parsing goes on at the next clause, so all mistakes are found.

The work: make full-width signs half-width; cut the text before each word that begins a declaration (outside strings and comments);
run Lark's LALR parser over each piece; build the nodes of `syntax`. A declaration with a mistake is left out of the tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lark import Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from tiaoli import syntax as s
from tiaoli.build import Builder
from tiaoli.diagnostic import Diagnostic
from tiaoli.lexicon import WORD, glued_keyword, keywords, mask, parser, pieces
from tiaoli.slips import describe, stray_word
from tiaoli.source import Source, Span, half_width

_SYNC = ("WHEN", "OTHERWISE", "ROW", "BAND", "OPTION", "BASIS", "COLUMNS")


_LIMIT_DEPTH = 100


def parse(source: Source) -> tuple[s.Document, list[Diagnostic]]:
    """Parse one file. Returns what could be read of it and every syntax error."""
    text = half_width(source.text)
    begin, cuts = pieces(text)
    found = list(_stray(text, begin, source))
    declarations: list[s.Declaration] = []
    broken = _glued_names(text[:begin])
    for start, end in cuts:
        declaration = _parse_piece(source, text, start, end, found)
        if declaration is not None:
            declarations.append(declaration)
        else:
            broken |= {_defines(text[start:end])} | _glued_names(text[start:end])
    header = next((d for d in declarations if isinstance(d, s.Header)), None)
    rest = [d for d in declarations if d is not header]
    found.extend(Diagnostic("E108", {"document": d.document}, d.span) for d in rest if isinstance(d, s.Header))
    kept = tuple(d for d in rest if not isinstance(d, s.Header))
    return s.Document(source, header, kept, frozenset(broken)), found


_OWNER = re.compile(r"(?:[^\W\d]\w*\s+){1,3}[^\W\d]\w*\s*(?:(?<!\w)的(?!\w)|\.(?!\.))")


def _defines(piece: str) -> str:
    """The name that a declaration with a mistake means to define, so that later passes do not miss it; 文件 for a header."""
    masked = mask(piece)
    owner = _OWNER.match(masked)
    names = [w for w in WORD.findall(masked[owner.end() if owner else 0 :]) if w not in keywords()]
    first = keywords()[WORD.findall(masked)[0]]
    return first.zh if first.terminal in ("DOCUMENT", "MANDATE", "CLAUSE_OF") else next(iter(names), "")


def _glued_names(piece: str) -> set[str]:
    """What stands behind a keyword without a space: 规则报销 means to define 报销, 文件… to be a header."""
    pairs = [pair for word in WORD.findall(mask(piece)) if word not in keywords() and (pair := glued_keyword(word))]
    return {rest for _, rest in pairs} | {keyword for keyword, _ in pairs if keyword in ("文件", "条文", "要求")}


def _stray(text: str, before: int, source: Source) -> Iterator[Diagnostic]:
    """What stands before the first declaration and is none."""
    masked = mask(text[:before])
    if masked.strip():
        begin = len(masked) - len(masked.lstrip())
        word = WORD.match(masked, begin)
        yield stray_word(source, text, begin, word.end() if word else begin + 1)


def _parse_piece(source: Source, text: str, start: int, end: int, found: list[Diagnostic]) -> s.Declaration | None:
    piece = text[start:end]
    depth = _deepest(piece)
    if depth > _LIMIT_DEPTH:
        found.append(Diagnostic("E111", {"limit": _LIMIT_DEPTH}, Span(source, start, start + 1)))
        return None
    mistakes: list[Diagnostic] = []

    def on_error(error: UnexpectedInput) -> bool:
        diagnostic = describe(error, source, piece, start)
        if not mistakes or mistakes[-1].span != diagnostic.span:
            mistakes.append(diagnostic)
        return diagnostic.code not in ("E121", "E122") and _skip_to_clause(error)

    try:
        tree = parser().parse(piece, on_error=on_error)
    except UnexpectedInput:
        tree = None
    if mistakes:
        found.extend(mistakes)
        return None
    assert isinstance(tree, Tree)
    builder = Builder(source, start, found)
    count = len(found)
    declaration = builder.transform(tree)
    return declaration if len(found) == count else None


_NESTING = re.compile(
    r"\(\s*[^\W\d]\w*\s+(?:(?:按|by)\s+[^\W\d]\w*\s+)?(?:当|when)(?!\w)|[()+×÷*/,]|-|(?<![.\d])\.(?![.\d])|(?<!\w)的(?!\w)|(?<!\w)(?:若|if|非|not|否则|otherwise|当|when|行|row|得|give|则|then|依据|basis)(?!\w)"
)


def _deepest(piece: str) -> int:
    """Return how deeply expressions nest, so that no text can exhaust the stack; a chain of +, × or 的 nests to the left."""
    deepest = chain = 0
    around: list[int] = []
    for match in _NESTING.finditer(mask(piece)):
        token = "(" if match[0].startswith("(") else match[0]
        if token in "+-×÷*/.的":
            chain += 1
        elif token == ")":
            chain = around.pop() if around else 0
        elif token in ("当", "when", "行", "row"):
            chain = 0
            around.clear()
        elif token in ("(", "若", "if", "非", "not", "否则", "otherwise"):
            around.append(chain)
            chain = 0
        else:
            chain = 0
        deepest = max(deepest, len(around) + chain + (sum(around) if len(around) < 200 else 0))
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
    openers = [
        i for i, v in enumerate(state.value_stack) if isinstance(v, Token) and v.type in _SYNC and v.type != "BASIS"
    ]
    floor = openers[-1] + 1 if token.type == "BASIS" and openers else 0
    for keep in range(depth, floor, -1):
        trial = parser.copy()
        del trial.parser_state.state_stack[keep:]
        del trial.parser_state.value_stack[keep - 1 :]
        if token.type in trial.accepts():
            del state.state_stack[keep:]
            del state.value_stack[keep - 1 :]
            return True
    return False
