"""Diagnostics → text and JSON: code, place, the line with a caret measured in display width, the clause, the next step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tiaoli.diagnostic import Diagnostic, Severity
from tiaoli.messages import LABELS, MESSAGES
from tiaoli.source import Span, display_width
from tiaoli.values import Kind, Type

_WORDS = {
    "zh": {"error": "错误", "warning": "警告", "clause": "条款", "help": "改法", "see": "见"},
    "en": {"error": "error", "warning": "warning", "clause": "clause", "help": "help", "see": "see"},
}


def message(diagnostic: Diagnostic, lang: str) -> str:
    """Return the sentence that says what is wrong."""
    entry = MESSAGES[diagnostic.code]
    template = entry.zh if lang == "zh" else entry.en
    return template.format_map(_Arguments(diagnostic.arguments, lang)).strip()


def help_text(diagnostic: Diagnostic, lang: str) -> str:
    """Return the next step, or an empty text."""
    entry = MESSAGES[diagnostic.code]
    template = entry.help_zh if lang == "zh" else entry.help_en
    if "{near}" in template and not diagnostic.arguments.get("near"):
        template = (
            template.replace("是不是“{near}”？", "")
            .replace("did you mean '{near}'? ", "")
            .replace("did you mean '{near}'?", "")
        )
        template = template.strip().removeprefix("或").removeprefix("or ").strip()
    return template.format_map(_Arguments(diagnostic.arguments, lang)).strip()


_LABELLED = ("expected", "action", "takes", "bracket", "reason")
"""Arguments that hold keys of `messages.LABELS`, or both languages; all others are shown as they are."""


class _Arguments(dict[str, str]):
    """Arguments shown in a language; types by their names, lists joined."""

    def __init__(self, arguments: Mapping[str, object], lang: str) -> None:
        super().__init__({key: _shown(value, lang, key in _LABELLED) for key, value in arguments.items()})

    def __missing__(self, key: str) -> str:
        return "?"


def _shown(value: object, lang: str, labelled: bool = False) -> str:
    match value:
        case Type():
            return value.name(lang)
        case Kind():
            return value.zh if lang == "zh" else value.en
        case tuple() | list():
            return ("、" if lang == "zh" else ", ").join(_shown(item, lang, labelled) for item in value)
        case str() if labelled and "\0" in value:
            return value.split("\0")[0 if lang == "zh" else 1]
        case str() if labelled and value in LABELS:
            return LABELS[value][0 if lang == "zh" else 1]
        case None:
            return ""
        case _:
            return str(value)


def render_text(diagnostic: Diagnostic, lang: str) -> str:
    """Return the diagnostic as lines of text."""
    words = _WORDS[lang]
    severity = words[diagnostic.severity.value]
    lines = [f"{severity}[{diagnostic.code}]: {message(diagnostic, lang)}"]
    path, line, column = diagnostic.place
    if path:
        named = f"{path} [{diagnostic.sheet}]" if diagnostic.sheet else path
        place = ":".join(str(part) for part in (named, line, column) if part)
        lines.append(f"  --> {place}")
    if diagnostic.span is not None:
        lines.extend(_excerpt(diagnostic.span))
    for related in diagnostic.related:
        lines.append(f"  = {LABELS[related.label][0 if lang == 'zh' else 1]}: {related.span}")
    if diagnostic.clause:
        lines.append(f"  = {words['clause']}: {diagnostic.clause}")
    text = help_text(diagnostic, lang)
    if text:
        lines.append(f"  = {words['help']}: {text}")
    return "\n".join(lines)


_WIDTH = 110
"""Columns of a source line that are shown; longer lines are cut around the place."""


def _excerpt(span: Span) -> list[str]:
    if not span.source.text:
        return []
    line, column = span.source.position(span.start)
    text = span.source.line(line).replace("\t", " ")
    before = text[: column - 1]
    marked = (span.text.split("\n")[0] or " ").rstrip() or " "
    if display_width(text) > _WIDTH:
        before, marked, text = _cut(before, marked, text[column - 1 :])
    gutter = " " * len(str(line))
    caret = " " * display_width(before) + "^" * max(1, display_width(marked))
    return [f"{gutter} |", f"{line} | {text}", f"{gutter} | {caret}"]


def _cut(before: str, marked: str, rest: str) -> tuple[str, str, str]:
    """The part of a long line around its marked piece."""
    before = before if len(before) <= _WIDTH // 3 else "…" + before[-_WIDTH // 3 :]
    room = _WIDTH // 2
    shown = rest if len(rest) <= room else rest[:room] + "…"
    return before, marked[:room], before + shown


def as_json(diagnostic: Diagnostic, lang: str) -> dict[str, Any]:
    """Return the diagnostic as plain data: code, severity, message, place, clause, help, related places, arguments."""
    path, line, column = diagnostic.place
    data: dict[str, Any] = {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": message(diagnostic, lang),
        "file": path,
        "line": line,
        "column": column,
        "clause": diagnostic.clause,
        "help": help_text(diagnostic, lang),
        "related": [
            {
                "label": LABELS[r.label][0 if lang == "zh" else 1],
                "file": r.span.source.path,
                "line": r.span.line,
                "column": r.span.column,
            }
            for r in diagnostic.related
        ],
        "arguments": {key: _shown(value, lang, key in _LABELLED) for key, value in diagnostic.arguments.items()},
    }
    if diagnostic.sheet:
        data["sheet"] = diagnostic.sheet
    if diagnostic.span is not None:
        end = diagnostic.span.source.position(max(diagnostic.span.start, diagnostic.span.end))
        data["end"] = {"line": end[0], "column": end[1]}
    return data


def summary(diagnostics: list[Diagnostic], lang: str) -> str:
    """Return one line that counts errors and warnings."""
    errors = sum(d.severity is Severity.ERROR for d in diagnostics)
    warnings = len(diagnostics) - errors
    if lang == "zh":
        return f"{errors} 个错误，{warnings} 个警告"
    return f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}"
