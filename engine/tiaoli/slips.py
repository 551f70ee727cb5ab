"""Syntax errors in the words of those who make them: what cannot stand here, what was meant, what could stand here."""

from __future__ import annotations

import re
from functools import cache

from lark import Token
from lark.exceptions import UnexpectedInput, UnexpectedToken

from tiaoli import everyday
from tiaoli.diagnostic import Diagnostic, Related
from tiaoli.everyday import SIGNS, WORDS
from tiaoli.lexicon import WORD, by_terminal, glued_keyword, keywords, mask, parser
from tiaoli.operators import AGGREGATE_NAMES
from tiaoli.source import Source, Span

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


_RANGE = re.compile(r"\d+\.\.\d+(?:万元|万|元|%|年|个月|天)")
_SIGNS = {"COLON": ":", "EQUAL": "=", "LPAR": "(", "RPAR": ")", "COMMA": ",", "VBAR": "|", "__ANON_0": ".."}


def stray_word(source: Source, text: str, start: int, end: int) -> Diagnostic:
    glued = glued_keyword(text[start:end])
    span = Span(source, start, end)
    if glued:
        return Diagnostic("E103", {"found": text[start:end], "keyword": glued[0], "rest": glued[1]}, span)
    return Diagnostic("E101", {"found": text[start:end]}, span)


def describe(error: UnexpectedInput, source: Source, piece: str, offset: int) -> Diagnostic:
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
    if said := _phrase(piece, error.pos_in_stream or 0, span):
        return said
    better = SIGNS.get(span.text)
    return Diagnostic("E117" if better else "E105", {"found": span.text, "better": better}, span)


def _describe_token(token: Token, error: UnexpectedToken, span: Span, piece: str) -> Diagnostic:
    expected = _expected(error)
    line_start = piece.rfind("\n", 0, token.start_pos or 0) + 1
    line = piece[line_start:].split("\n", 1)[0].split("#", maxsplit=1)[0]
    if line.count('"') % 2:
        at = span.start - (token.start_pos or 0) + line_start + line.rfind('"')
        return Diagnostic("E107", {"found": line[line.rfind('"') + 1 :][:20]}, Span(span.source, at, at + 1))
    before = piece[: token.start_pos or 0].rstrip()
    if said := _second_otherwise(token, before, span) or _habit(token, piece, span):
        return said
    match token.type:
        case "BAD_GROUPING":
            return Diagnostic("E106", {"found": token.value, "better": token.value.replace(",", "")}, span)
        case "BAD_STRING":
            return Diagnostic("E107", {"found": token.value[1:20]}, span)
        case "BAD_UNIT" | "BAD_NUMBER" if not _LITERAL.fullmatch(token.value):
            whole = _literal().match(piece, token.start_pos or 0)
            if whole is None or len(whole[0]) < len(token):
                written = _RANGE.match(piece, token.start_pos or 0)
                found = token.value if written is None else written[0]
                span = span if written is None else Span(span.source, span.start, span.start + len(found))
                better = everyday.unit(found)
                return Diagnostic("E117" if better else "E109", {"found": found, "better": better}, span)
            span = Span(span.source, span.start, span.start + len(whole[0]))
            return Diagnostic("E102", {"found": whole[0], "after": _last_word(before), "expected": expected}, span)
        case "RPAR":
            return Diagnostic("E118", {"bracket": "extra_bracket"}, span)
        case "NAME":
            glued = None if token.value in WORDS else glued_keyword(token.value)
            if glued:
                return Diagnostic("E103", {"found": token.value, "keyword": glued[0], "rest": glued[1]}, span)
    last = _LAST_NAME.search(before)
    if last and len(last[0]) > 1 and last[0].endswith("的") and token.type in ("NAME", "PREVIOUS"):
        start = span.start - (token.start_pos or 0)
        where = Span(span.source, start + last.start(), start + last.end())
        return Diagnostic("E214", {"name": last[0], "spaced": f"{last[0][:-1]} 的 {token.value}"}, where)
    glued = glued_keyword(last[0]) if last and last[0] not in keywords() else None
    if last and glued and (glued[0] in "若且或非" or glued[1] in WORD.findall(before[: last.start()])):
        where = Span(
            span.source,
            span.start - (token.start_pos or 0) + last.start(),
            span.start - (token.start_pos or 0) + last.end(),
        )
        return Diagnostic("E103", {"found": last[0], "keyword": glued[0], "rest": glued[1]}, where)
    meant = _meant(token, before, span)
    if meant is not None:
        return meant
    keyword = keywords().get(token.value)
    if keyword and "name" in expected:
        return Diagnostic("E112", {"found": token.value}, span)
    return Diagnostic("E102", {"found": token.value, "after": _last_word(before), "expected": expected}, span)


def _habit(token: Token, piece: str, span: Span) -> Diagnostic | None:
    """An everyday phrase at a token that cannot stand where it does; a quoted option."""
    if token.type == "STRING" and re.search(r"([=≠]|为|不为)\s*$", piece[: token.start_pos or 0]):
        return Diagnostic("E117", {"found": token.value, "better": token.value[1:-1]}, span)
    return _phrase(piece, token.start_pos or 0, span)


def _phrase(piece: str, at: int, span: Span) -> Diagnostic | None:
    found = everyday.phrase(mask(piece), at)
    if found is None:
        return None
    offset = span.start - at
    where = Span(span.source, offset + found.start, offset + found.end)
    return Diagnostic("E117", {"found": found.found, "better": found.better}, where)


def _second_otherwise(token: Token, before: str, span: Span) -> Diagnostic | None:
    """否则 or 当 behind the 否则 that ends a rule."""
    first = re.search(r"^[ \t]*(?:否则|otherwise)(?!\w)", mask(before), re.MULTILINE)
    if token.type not in ("OTHERWISE", "WHEN") or first is None:
        return None
    start = span.start - (token.start_pos or 0)
    related = (
        Related(Span(span.source, start + first.end() - len(first[0].lstrip()), start + first.end()), "ends_here"),
    )
    return Diagnostic("E127", {"found": token.value}, span, None, related)


_LAST_NAME = re.compile(r"[^\W\d]\w*$")


_LITERAL = re.compile(
    r"\d+(\.\d+)?[ \t]*((万亿|亿|千万|百万|万|千|百)?(元|yuan)|个月|months?|天|日|days?|年|years?)|\d{4}[ \t]*年度|\d{4}年\d{1,2}月\d{1,2}日"
)


def _meant(token: Token, before: str, span: Span) -> Diagnostic | None:
    """A word or sign from elsewhere, a comparison back to front, 得 behind 否则, 若…则 without spaces, a bracket not closed."""
    wider = Span(span.source, span.start - 1, span.end)
    if token.type == "IF":
        better = "(若 … 则 … 否则 …)" if token.value == "若" else "(if … then … otherwise …)"
        return Diagnostic("E117", {"found": token.value, "better": better}, span)
    if token.type == "NAME" and token.value in WORDS:
        return Diagnostic("E117", {"found": token.value, "better": WORDS[token.value]}, span)
    called = re.search(r"([^\W\d]\w*)\s*\((?:[^()]*(,|\)))?$", before)
    if token.type in ("WHEN", "BY") and called and called[1] in AGGREGATE_NAMES:
        better = f"{called[1]}(参保人 当 …)" if AGGREGATE_NAMES[called[1]] == "计数" else f"{called[1]}(参保人 当 …, …)"
        return Diagnostic("E121" if called[2] else "E122", {"function": called[1], "better": better}, span)
    if token.value in ("<", ">") and wider.text[0] in "=＝":
        return Diagnostic("E117", {"found": wider.text, "better": {"<": "≤", ">": "≥"}[token.value]}, wider)
    if token.type == "THEN_GIVE" and before.endswith(("否则", "otherwise")):
        last = _last_word(before)
        return Diagnostic("E117", {"found": f"{last} {token.value}", "better": f"{last} …"}, span)
    if sandwich := re.search(r"(?<!\w)(若|当)(\w+)(则|得)$", before):
        keyword, middle, end = sandwich.groups()
        start = span.start - (token.start_pos or 0)
        glued = Span(span.source, start + sandwich.start(), start + sandwich.end())
        return Diagnostic("E103", {"found": sandwich[0], "keyword": keyword, "rest": f"{middle} {end}"}, glued)
    masked = mask(before)
    if keywords().get(token.value) and masked.count("(") > masked.count(")"):
        return Diagnostic("E118", {"bracket": "missing_bracket"}, span)
    return None


@cache
def _literal() -> re.Pattern[str]:
    """Matches a literal of any sort, also where the grammar does not take one."""
    sorts = ("DATE", "YEAR", "MONEY", "RATE", "MONTHS", "DAYS", "YEARS", "DECIMAL", "INTEGER")
    return re.compile("|".join(parser().get_terminal(sort).pattern.to_regexp() for sort in sorts))


def _last_word(text: str) -> str:
    words = mask(text).split()
    return words[-1][-20:] if words else ""


_ALWAYS = ("NOTE", "RELIABILITY", "FROM", "UNTIL", "OF")
"""What may stand behind nearly everything, and so says nothing."""


def _expected(error: UnexpectedToken) -> tuple[str, ...]:
    """What could stand here: kinds (keys of `messages.LABELS`) and keywords, the most telling first."""
    accepted = set(error.accepts or error.expected)
    table = by_terminal()
    kinds = dict.fromkeys(_KINDS_OF_TOKEN[t] for t in _KINDS_OF_TOKEN if t in accepted)
    words = [f"{table[t].zh}\0{table[t].en}" for t in table if t in accepted and t not in _ALWAYS]
    words += [_SIGNS[t] for t in _SIGNS if t in accepted]
    if "name" in kinds and "value" in kinds:
        return ("expression",)
    ordered = [k for k in kinds if k not in ("operator", "end", "edge")] + words
    return tuple(ordered[:8]) or ("end",)
