"""Documents with their clauses, and the tree of places, for a reader: as lines of text, and as tables and trees for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tiaoli.clauses import ClauseItem, Coverage, Encoding, OutlinedDocument
from tiaoli.divisions import place_text
from tiaoli.inventory_text import grid
from tiaoli.places import PlaceNode
from tiaoli.source import display_width

if TYPE_CHECKING:
    from rich.table import Table
    from rich.tree import Tree

WORDS = {
    "zh": {
        "coverage": "条文 {every} 条：编码 {encoded}，不可计算 {uncomputable}", "open": "，未说明 {open}", "no_outline": "没有条文目录",
        "reason": "不可计算：{}", "unexplained": "未说明", "amended": "修改 ", "total": "合计", "effective": "自{}年度施行",
        "one_year": "{}年度", "years": "{}—{}年度", "documents": "文件 {}", "questions": "存疑 {}", "comma": "，", "none": "没有文件",
        "where": "位置", "documents_of": "：{}", "join": "、",
    },
    "en": {
        "coverage": "clauses {every}: encoded {encoded}, not computable {uncomputable}", "open": ", not explained {open}",
        "no_outline": "no outline of clauses", "reason": "not computable: {}", "unexplained": "not explained", "amended": "amended ",
        "total": "total", "effective": "effective {}", "one_year": "{}", "years": "{}–{}", "documents": "documents {}",
        "questions": "open questions {}", "comma": ", ", "none": "no documents", "where": "where", "documents_of": ": {}", "join": ", ",
    },
}  # fmt: skip
KINDS = {
    "entity": ("对象", "entity"), "fact": ("事实", "fact"), "parameter": ("参数", "parameter"), "rule": ("规则", "rule"), "table": ("表", "table"), "scale": ("分段", "scale"),
    "question": ("存疑", "open question"), "mandate": ("要求", "mandate"), "exception": ("例外", "exception"), "repeal": ("废止", "repeal"), "settlement": ("确定存疑", "settled question"),
}  # fmt: skip


def kind_text(found: Encoding, lang: str) -> str:
    """Return the kind of a definition in words; 修改 stands before what changes a definition of another document."""
    change = found.amended and found.kind not in ("exception", "repeal", "settlement")
    return (WORDS[lang]["amended"] if change else "") + KINDS[found.kind][0 if lang == "zh" else 1]


def coverage_text(coverage: Coverage, lang: str = "zh") -> str:
    """Return how far clauses are covered, in words."""
    words = WORDS[lang]
    if not coverage.every:
        return words["no_outline"]
    text = words["coverage"].format(
        every=coverage.every, encoded=coverage.encoded, uncomputable=coverage.uncomputable
    )  # fmt: skip
    return text + (words["open"].format(open=coverage.open) if coverage.open else "")


# ── one document ─────────────────────────────────────────────────────────────


def clauses_text(document: OutlinedDocument, lang: str = "zh") -> str:
    """Return the clauses of a document with what encodes them, as lines."""
    lines = [document_line(document, lang), coverage_text(document.coverage, lang)]
    for clause in document.clauses:
        lines += ["", "  ".join(t for t in (clause.clause, clause.subject) if t)]
        lines += ["  " + line for line in aligned([_row(document, e, lang) for e in clause.encodings])]
        lines += [] if clause.encoded else ["  " + _unencoded(clause, lang)]
    return "\n".join(lines)


def clauses_rich(document: OutlinedDocument, lang: str = "zh") -> Table:
    """Return the same as a table for a terminal."""
    zh = lang == "zh"
    rows = [row for clause in document.clauses for row in _rich_rows(document, clause, lang)]
    heads = ["条款", "主题", "种类", "名称", "位置"] if zh else ["clause", "subject", "kind", "name", "where"]
    title = f"{document_line(document, lang)}\n{coverage_text(document.coverage, lang)}"
    return grid(title, heads, rows)  # type: ignore[no-any-return]


def document_line(document: OutlinedDocument, lang: str) -> str:
    """Return a document in one line: number, title, place, first year."""
    header = document.header
    title = f"《{header.title}》" if header.title and header.title not in header.document else None
    effective = WORDS[lang]["effective"].format(header.effective)
    return "  ".join(t for t in (header.document, title, place_text(document.place, lang), effective) if t)


def _row(document: OutlinedDocument, found: Encoding, lang: str) -> list[str]:
    return [kind_text(found, lang), found.name, f"{document.path}:{found.span.line}"]


def _unencoded(clause: ClauseItem, lang: str) -> str:
    words = WORDS[lang]
    return words["unexplained"] if clause.reason is None else words["reason"].format(clause.reason)


def _rich_rows(document: OutlinedDocument, clause: ClauseItem, lang: str) -> Iterator[list[str]]:
    head = [clause.clause, clause.subject or ""]
    if not clause.encoded:
        yield [*head, "", _unencoded(clause, lang), ""]
    for index, found in enumerate(clause.encodings):
        yield [*(head if index == 0 else ["", ""]), *_row(document, found, lang)]


# ── all documents ────────────────────────────────────────────────────────────


def documents_text(documents: Sequence[OutlinedDocument], lang: str = "zh") -> str:
    """Return every document with its coverage, as aligned lines, and the sum."""
    heads, rows = _documents_table(documents, lang)
    return "\n".join(aligned([heads, *rows]))


def documents_rich(documents: Sequence[OutlinedDocument], lang: str = "zh") -> Table:
    """Return the same as a table for a terminal."""
    return grid("", *_documents_table(documents, lang))  # type: ignore[no-any-return]


def _documents_table(documents: Sequence[OutlinedDocument], lang: str) -> tuple[list[str], list[list[str]]]:
    heads = (
        ["地区", "文件", "条文", "编码", "不可计算", "未说明"]
        if lang == "zh"
        else ["place", "document", "clauses", "encoded", "not computable", "not explained"]
    )
    rows = [[place_text(d.place, lang), d.number, *_figures(d.coverage)] for d in documents]
    every = sum((d.coverage for d in documents), Coverage(0, 0, 0))
    return heads, [*rows, [WORDS[lang]["total"], str(len(documents)), *_figures(every)]]


def _figures(coverage: Coverage) -> list[str]:
    return [str(n) for n in (coverage.every, coverage.encoded, coverage.uncomputable, coverage.open)]


# ── places ───────────────────────────────────────────────────────────────────


def places_text(nodes: Sequence[PlaceNode], lang: str = "zh") -> str:
    """Return the tree of places as indented lines."""
    return "\n".join(line for node in nodes for line in _place_lines(node, lang, 0))


def places_rich(nodes: Sequence[PlaceNode], lang: str = "zh") -> Tree:
    """Return the tree of places for a terminal."""
    from rich.text import Text
    from rich.tree import Tree

    root = Tree("", hide_root=True)

    def grow(tree: Any, node: PlaceNode) -> None:
        code = place_text(node.code, lang)
        branch = tree.add(
            Text.assemble((code, "bold"), "  " + place_facts(node, lang), "\n" + _document_names(node, lang))
        )
        for below in node.below:
            grow(branch, below)

    for node in nodes:
        grow(root, node)
    return root


def place_facts(node: PlaceNode, lang: str) -> str:
    """Return the years a place covers, and how many documents and open questions it has."""
    words = WORDS[lang]
    if not node.headers:
        return words["none"]
    parts = [
        years_text(node, lang), words["documents"].format(len(node.headers)), words["questions"].format(node.questions),
    ]  # fmt: skip
    return words["comma"].join(parts)


def years_text(node: PlaceNode, lang: str) -> str:
    """Return the first and the newest year in which documents of a place take effect."""
    words = WORDS[lang]
    if node.first == node.newest:
        return words["one_year"].format(node.first)
    return words["years"].format(node.first, node.newest)


def _document_names(node: PlaceNode, lang: str) -> str:
    return WORDS[lang]["join"].join(h.document for h in node.headers)


def _place_lines(node: PlaceNode, lang: str, depth: int) -> Iterator[str]:
    names = _document_names(node, lang)
    text = f"{place_text(node.code, lang)}  {place_facts(node, lang)}"
    yield "  " * depth + text + (WORDS[lang]["documents_of"].format(names) if names else "")
    for below in node.below:
        yield from _place_lines(below, lang, depth + 1)


# ── lines in columns ─────────────────────────────────────────────────────────


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines whose columns begin below one another."""
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(c + " " * (w - display_width(c)) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


__all__ = [
    "aligned", "clauses_rich", "clauses_text", "coverage_text", "document_line", "documents_rich", "documents_text", "kind_text",
    "place_facts", "places_rich", "places_text", "years_text",
]  # fmt: skip
