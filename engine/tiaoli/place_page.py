"""A page for each place, in Chinese, for policy staff: what its documents state, what it takes over, what is open and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tiaoli import model as m
from tiaoli.api import Rules
from tiaoli.clauses import Coverage, OutlinedDocument, outlined
from tiaoli.divisions import place_text
from tiaoli.inventory import Inventory, MandateItem, QuestionItem, RuleItem, inventory
from tiaoli.inventory_text import fact_cells
from tiaoli.inventory_words import SHAPE_NAMES, WORDS, say, years_text
from tiaoli.library_text import coverage_text
from tiaoli.pipeline import Library
from tiaoli.show_value import show_value

INDEX = "README.md"
LETTERS = "可靠性：A 官方发布；B 官方文本的转载，或媒体引述主管部门；C 地方门户或办事指南，待核实；“—”没有注明。"
_GENERATED = "本页由规则集生成（`TIAOLI_WRITE_DOCS=1 pytest tests/test_docs.py`），不要手改；要改的是规则集。"


def place_pages(library: Library) -> dict[str, str]:
    """Return the text of each page by its file name: one a place that has documents, and the index."""
    documents = outlined(library.documents)
    year = max(d.header.effective or 0 for d in documents)
    found = [_inventory(library, place, year) for place in library.places]
    return {INDEX: _index(found, year, documents), **{_file(i.place): _page(i, year, documents) for i in found}}


def _file(place: str) -> str:
    return f"{place}.md"


# ── the index ────────────────────────────────────────────────────────────────


def _index(found: Sequence[Inventory], year: int, documents: Sequence[OutlinedDocument]) -> str:
    rows = [_index_row(one, documents) for one in found]
    whole = sum((d.coverage for d in documents), Coverage(0, 0, 0))
    covered = [[d.number, place_text(d.place), *_figures(d.coverage)] for d in documents]
    parts = [
        "# 各地区的规则", _GENERATED,
        f"{len(found)} 个地区，{len(documents)} 份文件；{coverage_text(whole)}。数值为 {year} 年度。", LETTERS,
        _table(["地区", "文件", "年度", "本地参数", "本地规则", "存疑", "未编码的规则", "可靠性"], rows),
        "## 条文覆盖", "每份文件的条文：由规则集编码的、说明了为什么不可计算的、还没有说明的。"
        "逐条列出用 `tiaoli clauses 文号`。",
        _table(["文件", "地区", "条文", "编码", "不可计算", "未说明"], [*covered, ["合计", "", *_figures(whole)]]),
    ]  # fmt: skip
    return _joined(parts)


def _index_row(found: Inventory, documents: Sequence[OutlinedDocument]) -> list[str]:
    place = found.place
    own = [d for d in documents if d.place == place]
    numbers = {d.number for d in own}
    years = sorted({d.header.effective for d in own if d.header.effective})
    return [
        f"[{place_text(place)}]({_file(place)})", str(len(own)), "—".join(str(y) for y in dict.fromkeys((years[0], years[-1]))),
        str(len(_stated(found, numbers))), str(sum(_touches(r, numbers) for r in found.rules)),
        str(sum(q.document in numbers for q in found.questions)), str(len(found.program.unencoded)),
        "、".join(_letters(found, numbers)) or "—",
    ]  # fmt: skip


def _letters(found: Inventory, numbers: set[str]) -> list[str]:
    """The letters of all that documents of the place state."""
    values = [v.basis for _, v in _stated(found, numbers)]
    lines = [line.basis for r in found.rules for line in r.lines if line.document in numbers]
    return sorted({b.reliability for basis in (*values, *lines) for b in basis if b.reliability})


# ── a page ───────────────────────────────────────────────────────────────────


def _page(found: Inventory, year: int, documents: Sequence[OutlinedDocument]) -> str:
    own = {d.number: d for d in documents if d.place == found.place}
    parts = [f"# {place_text(found.place)}", f"[全部地区]({INDEX})　{_GENERATED}", LETTERS]
    parts += ["## 文件", *_documents(found, own)]
    parts += ["## 事实", *_facts(found, own)]
    parts += ["## 参数", *_parameters(found, own, year)]
    parts += ["## 规则", *_rules(found, own, year)]
    parts += ["## 存疑", *_questions(found, own)]
    parts += ["## 要求", *_mandates(found, own)]
    parts += ["## 没有编码的", *_missing(found, year)]
    return _joined(parts)


def _inventory(library: Library, place: str, year: int) -> Inventory:
    rules = Rules(library, place)
    return inventory(rules.program(max(year, rules.newest_year) + 1), year)


def _documents(found: Inventory, own: dict[str, OutlinedDocument]) -> Iterator[str]:
    rows = []
    for number, d in own.items():
        head = found.program.documents[number]
        issued = head.issued.isoformat() if head.issued else ""
        site = f"<{head.website}>" if head.website else ""
        rows.append([
            number, head.title or "", head.issuer or "", issued, f"{head.effective}年度", head.reliability or "—",
            coverage_text(d.coverage), site,
        ])  # fmt: skip
    yield _table(["文件", "标题", "机关", "日期", "施行", "可靠性", "覆盖", "网址"], rows)
    above = [d for d in found.program.documents.values() if d.number not in own]
    for place in dict.fromkeys(d.place for d in above):
        numbers = "、".join(d.number for d in above if d.place == place)
        yield f"同时适用 [{place_text(place)}]({_file(place)}) 的文件：{numbers}。"


def _facts(found: Inventory, own: dict[str, OutlinedDocument]) -> Iterator[str]:
    local = [f for f in found.facts if f.document in own]
    if local:
        yield "记录里可以写的；没有注明必填的可以不写。"
        yield _table(["事实", "类型", "填写", "范围", "问", "依据"], [fact_cells(f, "zh") for f in local])
    else:
        yield "本地文件没有规定事实。"
    others = [f for f in found.facts if f.document not in own]
    for place in dict.fromkeys(found.program.documents[f.document].place for f in others):
        count = sum(found.program.documents[f.document].place == place for f in others)
        yield f"同时适用 [{place_text(place)}]({_file(place)}) 的事实 {count} 项。"


def _stated(found: Inventory, own: Iterable[str]) -> list[tuple[m.Parameter, m.ParameterValue]]:
    """The values that documents of the place state, of all years, in the order of the documents."""
    paths = {found.program.documents[number].path for number in own}
    return [(p, v) for p in found.program.parameters.values() for v in p.values if v.span.source.path in paths]


def _parameters(found: Inventory, own: dict[str, OutlinedDocument], year: int) -> Iterator[str]:
    stated = _stated(found, own)
    named = {p.name for p, _ in stated}
    if stated:
        rows = [[*_value_cells(p, v), _letter(v.basis), v.note or p.note or ""] for p, v in stated]
        yield _table(["参数", "值", "年度", "依据", "可靠性", "说明"], rows)
    else:
        yield "本地文件没有规定参数。"
    taken = [
        [*_value_cells(p, v), _letter(v.basis)]
        for p in found.program.parameters.values()
        for v in p.values
        if p.name not in named and p.at(year, v.key) is v
    ]
    if taken:
        yield f"沿用上级文件的参数（{year}年度）："
        yield _table(["参数", "值", "年度", "依据", "可靠性"], taken)


def _value_cells(parameter: m.Parameter, value: m.ParameterValue) -> list[str]:
    key = "" if parameter.key_type is None else f"（{show_value(value.key, parameter.key_type)}）"
    return [
        parameter.name + key, show_value(value.value, parameter.type), years_text(value.first, value.last, "zh"), _cited(value.basis),
    ]  # fmt: skip


def _rules(found: Inventory, own: dict[str, OutlinedDocument], year: int) -> Iterator[str]:
    local = [r for r in found.rules if _touches(r, own)]
    if local:
        yield _table(["规则", "类型", "年度", "依据", "可靠性", "说明"], [_rule_row(r) for r in local])
    else:
        yield "本地文件没有规定规则。"
    other = [r for r in found.rules if r not in local]
    documents = dict.fromkeys(r.document for r in other)
    if documents:
        yield f"沿用上级文件的规则（{year}年度）："
        yield "\n".join(
            f"- {number}：{'、'.join(r.name for r in other if r.document == number)}" for number in documents
        )


def _touches(rule: RuleItem, own: Iterable[str]) -> bool:
    """Whether a document of the place states the rule or an exception to it."""
    return rule.document in own or any(line.document in own for line in rule.lines)


def _rule_row(rule: RuleItem) -> list[str]:
    basis = tuple(dict.fromkeys((*rule.basis, *(b for line in rule.lines for b in line.basis))))
    mark = "结果 " if rule.output else ""
    kind = f"{mark}{SHAPE_NAMES[rule.shape][0]}：{rule.type.name('zh')}"
    return [
        rule.name, kind, years_text(rule.first, rule.last, "zh"), _cited(basis), _letter(basis), rule.note or "",
    ]  # fmt: skip


def _questions(found: Inventory, own: dict[str, OutlinedDocument]) -> Iterator[str]:
    local = [q for q in found.questions if q.document in own]
    if local:
        yield _table(["存疑", "问题", "读法", "依据"], [_question_row(q) for q in local])
    else:
        yield "本地文件没有存疑。"
    settled = [q.question for q in found.questions if q.question.settled]
    if settled:
        yield (
            "已经确定读法的存疑：" + "、".join(f"{q.name}（{q.default}，{_cited(q.settled)}）" for q in settled) + "。"
        )
    other = [q for q in found.questions if q.document not in own and not q.question.settled]
    if other:
        yield "上级文件的存疑，及其默认读法：" + "、".join(f"{q.name}（{q.question.default}）" for q in other) + "。"


def _question_row(item: QuestionItem) -> list[str]:
    question = item.question
    readings = [
        f"**{name}**（默认）{'：' + reason if reason else ''}" if name == question.default else f"{name}{'：' + reason if reason else ''}"
        for name, reason in question.options
    ]  # fmt: skip
    return [question.name, question.text, "；".join(readings), _cited(question.basis)]


def _mandates(found: Inventory, own: dict[str, OutlinedDocument]) -> Iterator[str]:
    local = [g for g in found.mandates if g.document in own]
    other = [g for g in found.mandates if g.document not in own and not g.missing]
    if local:
        yield "对本地区和下级地区的要求："
        yield _table(["要求", "原则上", "年度", "依据", "可靠性", "说明"], [_mandate_row(g) for g in local])
    for place in dict.fromkeys(found.program.documents[g.document].place for g in other):
        count = sum(found.program.documents[g.document].place == place for g in other)
        yield f"须符合 [{place_text(place)}]({_file(place)}) 的要求 {count} 项。"
    if not local and not other:
        yield "没有。"


def _mandate_row(item: MandateItem) -> list[str]:
    return [
        item.name, "原则上" if item.in_principle else "", years_text(item.first, item.last, "zh"), _cited(item.basis),
        _letter(item.basis), WORDS["zh"]["not_here"].format("、".join(item.missing)) if item.missing else "",
    ]  # fmt: skip


def _missing(found: Inventory, year: int) -> Iterator[str]:
    program = found.program
    present = {r.name for r in found.rules}
    rows = [
        [name, "、".join(needs)] for name, needs in program.unencoded.items() if name not in present and "(" not in name
    ]
    if rows:
        yield f"{year}年度没有编码的规则，因为所需的参数在本地没有取值："
        yield _table(["规则", "缺少的参数"], rows)
    empty = [
        p.name for p in program.parameters.values() if not any(p.at(year, v.key) is v for v in p.values)
    ]  # fmt: skip
    if empty:
        yield f"{year}年度没有取值的参数：" + "、".join(empty) + "。"
    if not rows and not empty:
        yield "没有。"


# ── Markdown ─────────────────────────────────────────────────────────────────


def _figures(coverage: Coverage) -> list[str]:
    return [str(n) for n in (coverage.every, coverage.encoded, coverage.uncomputable, coverage.open)]


def _letter(basis: tuple[m.Basis, ...]) -> str:
    return "、".join(dict.fromkeys(b.reliability for b in basis if b.reliability)) or "—"


def _cited(basis: tuple[m.Basis, ...]) -> str:
    """Citations alone; the page has a column for their letters."""
    return say(tuple(m.Basis(b.document, b.clause) for b in basis), "zh") if basis else ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table without the columns that are empty in every row."""
    every = [list(row) for row in rows]
    kept = [i for i, _ in enumerate(heads) if any(row[i] for row in every)]
    lines = [[heads[i] for i in kept], ["---"] * len(kept), *([_cell(row[i]) for i in kept] for row in every)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(text: str) -> str:
    text = " ".join(text.split()).replace("|", "\\|")
    return text if text.startswith("<http") else text.replace("<", "&lt;")


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"
