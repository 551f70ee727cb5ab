"""Documents with their clauses, and the tree of places, as plain data ready to be written as JSON: keys in Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tiaoli import syntax as s
from tiaoli.clauses import ClauseItem, Coverage, OutlinedDocument
from tiaoli.divisions import place_name
from tiaoli.library_text import kind_text
from tiaoli.places import PlaceNode


def clauses_json(document: OutlinedDocument) -> dict[str, Any]:
    """Return a document with its clauses and what encodes them."""
    return _document_json(document) | {"条文": [_clause_json(document, clause) for clause in document.clauses]}


def documents_json(documents: Sequence[OutlinedDocument]) -> list[dict[str, Any]]:
    """Return every document with its coverage."""
    return [_document_json(d) for d in documents]


def _document_json(document: OutlinedDocument) -> dict[str, Any]:
    head = {"地区": document.place, "地区名称": place_name(document.place)}
    return head | header_json(document.header) | {"规则集": document.path, "覆盖": _coverage_json(document.coverage)}


def header_json(header: s.Header) -> dict[str, Any]:
    """Return what a header says of its document."""
    issued = header.issued.isoformat() if header.issued else None
    return {
        "文号": header.document, "标题": header.title, "日期": issued, "施行": header.effective, "可靠性": header.reliability,
    }  # fmt: skip


def _coverage_json(coverage: Coverage) -> dict[str, int]:
    return {
        "条文": coverage.every, "编码": coverage.encoded, "不可计算": coverage.uncomputable, "未说明": coverage.open,
    }  # fmt: skip


def _clause_json(document: OutlinedDocument, clause: ClauseItem) -> dict[str, Any]:
    encodings = [
        {"名称": e.name, "种类": kind_text(e, "zh"), "文件": document.path, "行": e.span.line} for e in clause.encodings
    ]
    return {"条款": clause.clause, "主题": clause.subject, "编码": encodings, "不可计算": clause.reason}


def places_json(nodes: Sequence[PlaceNode]) -> list[dict[str, Any]]:
    """Return the tree of places."""
    return [
        {
            "代码": node.code, "名称": place_name(node.code), "自": node.first, "至": node.newest,
            "文件": [header_json(h) for h in node.headers], "存疑": node.questions, "下级": places_json(node.below),
        }
        for node in nodes
    ]  # fmt: skip
