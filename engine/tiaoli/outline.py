"""The outline of a document against its citations: each clause is encoded or explained, each citation points at something.

A clause covers its parts: 二(四)第1句 belongs to 二(四). What is cited must be in the outline; what the outline lists must cite it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass

from tiaoli import syntax as s
from tiaoli.consolidate import name_of
from tiaoli.diagnostic import Diagnostic, Related
from tiaoli.model import written_clause
from tiaoli.nearness import nearest
from tiaoli.source import Span

_MANDATE = "要求"


def check_headers(documents: Sequence[s.Document]) -> list[Diagnostic]:
    """Return what is wrong with the headers: missing fields, a document twice, an unknown document above."""
    found: list[Diagnostic] = []
    numbers: dict[str, s.Header] = {}
    for text in documents:
        header = text.header
        if header is None:
            if text.declarations and "文件" not in text.broken:
                found.append(Diagnostic("E412", {}, text.declarations[0].span))
            elif not text.declarations and not text.broken:
                found.append(Diagnostic("E412", {}, Span(text.source, 0, 0)))
            continue
        for name, value in (("地区", header.place), ("施行", header.effective)):
            if value is None:
                found.append(Diagnostic("E413", {"field": name}, header.span))
        if header.document in numbers:
            related = (Related(numbers[header.document].span, "first_defined"),)
            found.append(Diagnostic("E414", {"document": header.document}, header.span, related=related))
        numbers[header.document] = header
    return found


def check_outlines(documents: Sequence[s.Document], these: Sequence[s.Document] | None = None) -> list[Diagnostic]:
    """Return citations that point nowhere and clauses of outlines that are neither encoded nor explained, of all or of ``these``."""
    by_number = {t.header.document: t for t in documents if t.header}
    found: list[Diagnostic] = []
    for text in documents if these is None else these:
        if text.header is not None:
            found.extend(_check_citations(text, by_number))
            found.extend(_check_outline(text))
    return found


def outlines(text: s.Document) -> list[s.Outline]:
    """Return the outline of a document, in its order."""
    return [d for d in text.declarations if isinstance(d, s.Outline)]


def citations(node: object) -> Iterator[s.Citation]:
    """Yield every citation in a piece of syntax."""
    if isinstance(node, s.Citation):
        yield node
    elif isinstance(node, tuple):
        for item in node:
            yield from citations(item)
    else:
        for name in _parts(type(node)):
            yield from citations(getattr(node, name))


_PARTS: dict[type, tuple[str, ...]] = {Span: ()}


def _parts(kind: type) -> tuple[str, ...]:
    """The fields of a node of syntax that are part of its meaning; none of what is no node."""
    if kind not in _PARTS:
        _PARTS[kind] = tuple(item.name for item in fields(kind) if item.compare) if is_dataclass(kind) else ()
    return _PARTS[kind]


def covers(clause: str, cited: str) -> bool:
    """Whether ``cited`` is ``clause`` or a part of it."""
    if cited == clause:
        return True
    return cited.startswith(clause) and bool(re.match(r"[第(（.附]", cited[len(clause) :]))


def _check_citations(text: s.Document, by_number: Mapping[str, s.Document]) -> Iterator[Diagnostic]:
    assert text.header is not None
    own = text.header.document
    parents = {p.text for p in text.header.parents}
    for declaration in text.declarations:
        for citation in citations(declaration):
            target = citation.document or own
            if citation.document is not None and target not in by_number:
                if target not in parents:
                    near = nearest(target, by_number)
                    yield Diagnostic("E604", {"document": target, "near": near}, citation.span)
                continue
            cited = by_number[target] if citation.document is not None else text
            clauses = [o.clause.text for o in outlines(cited)]
            if (
                citation.clause
                and clauses
                and "条文" not in cited.broken
                and not any(covers(c, citation.clause) for c in clauses)
            ):
                near = _meant(cited, citation) or nearest(citation.clause, clauses)
                arguments = {"clause": citation.clause, "document": target, "near": near}
                yield Diagnostic("E603", arguments, citation.span)


def _meant(text: s.Document, citation: s.Citation) -> str | None:
    """The clause that lists what cites wrongly and is not cited by it, if there is one."""
    citing = _citing(text)
    name = next((n for n, cited in citing.items() if any(c is citation for c in cited)), None)
    if name is None:
        return None
    listing = (o.clause.text for o in outlines(text) if name in map(_listed, o.encoded))
    return next((clause for clause in listing if not _cites(citing[name], clause)), None)


def _check_outline(text: s.Document) -> Iterator[Diagnostic]:
    assert text.header is not None
    entries = outlines(text)
    if not entries:
        if "条文" in text.broken:
            return
        yield Diagnostic("W605", {"document": text.header.document}, text.header.span)
        return
    citing = _citing(text) | {name: [] for name in text.broken}
    seen: set[str] = set()
    for entry in entries:
        clause = entry.clause.text
        if clause in seen:
            yield Diagnostic("E606", {"clause": clause}, entry.clause.span)
        seen.add(clause)
        if not entry.encoded and entry.reason is None:
            yield Diagnostic("E605", {"clause": clause}, entry.span, clause)
        yield from _check_entry(entry, citing, entries, text.broken)


def _check_entry(
    entry: s.Outline, citing: Mapping[str, list[s.Citation]], entries: Sequence[s.Outline], broken: frozenset[str]
) -> Iterator[Diagnostic]:
    clause = entry.clause.text
    finer = [o.clause.text for o in entries if o.clause.text != clause and covers(clause, o.clause.text)]

    def belongs(cited: str) -> bool:
        return covers(clause, cited) and not any(covers(f, cited) for f in finer)

    listed = {_listed(word) for word in entry.encoded}
    for word in entry.encoded:
        if _listed(word) in broken:
            continue
        if _listed(word) not in citing:
            near = nearest(word.text, citing)
            hint = "；要求一律写“要求”\0; mandates are listed as 要求" if "要求" in citing else ""
            arguments = {"name": word.text, "clause": clause, "near": near, "reason": hint}
            yield Diagnostic("E607", arguments, word.span, clause)
        elif not _cites(citing[_listed(word)], clause) and not _astray(citing[_listed(word)], entries):
            yield Diagnostic("E608", {"name": word.text, "clause": written_clause(clause)}, word.span, clause)
    for name, cited in citing.items():
        here = next((c for c in cited if c.clause is not None and belongs(c.clause)), None)
        if here is not None and name not in listed:
            related = (Related(here.span, "cited_here"),)
            yield Diagnostic("E609", {"name": name, "clause": clause}, entry.span, clause, related)


def _cites(cited: Sequence[s.Citation], clause: str) -> bool:
    return any(c.clause is not None and covers(clause, c.clause) for c in cited)


def _astray(cited: Sequence[s.Citation], entries: Sequence[s.Outline]) -> bool:
    """Whether one of the clauses is in no outline; E603 says so, and that may be the one that lacks here."""
    return any(c.clause and not any(covers(o.clause.text, c.clause) for o in entries) for c in cited)


def _listed(word: s.Word) -> str:
    return _MANDATE if word.text == "mandate" else word.text


def _citing(text: s.Document) -> dict[str, list[s.Citation]]:
    """Return, for each definition of a document (要求 all together), the clauses of this document that it cites."""
    assert text.header is not None
    table: dict[str, list[s.Citation]] = {}
    for declaration in text.declarations:
        own = [c for c in citations(declaration) if c.document in (None, text.header.document)]
        match declaration:
            case s.Amendment(target):
                table.setdefault(name_of(target).text, []).extend(own)
            case s.Repeal(name) | s.RuleException(name) | s.Settlement(name):
                table.setdefault(name.text, []).extend(own)
            case s.Mandate():
                table.setdefault(_MANDATE, []).extend(own)
            case s.Outline() | s.Header():
                pass
            case _:
                table.setdefault(name_of(declaration).text, []).extend(own)
    return table
