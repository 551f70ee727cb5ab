"""An inventory for a reader: as lines of text, and as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, assert_never

from tiaoli import model as m
from tiaoli.inventory import (
    DocumentItem,
    EntityItem,
    Entry,
    FactItem,
    Inventory,
    Item,
    Line,
    MandateItem,
    ParameterItem,
    QuestionItem,
    RuleItem,
    entry,
    sections,
)
from tiaoli.inventory_words import (
    SHAPE_NAMES,
    WORDS,
    aspects,
    basis_text,
    fact_aspects,
    key_text,
    line_text,
    owned,
    say,
    years_text,
)
from tiaoli.show_value import show_value
from tiaoli.source import display_width

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table


def as_text(found: Inventory, lang: str = "zh", name: str | None = None) -> str:
    """Return what is in force as lines for a reader; with ``name`` that definition alone, with its history. Raises KeyError."""
    if name is not None:
        return "\n".join(_entry_lines(found, entry(found, name), lang))
    words = WORDS[lang]
    lines = [words["head"].format(place=found.place, year=found.year)]
    for section, items in sections(found):
        if section == "entities" and not items:
            continue
        lines += ["", f"{words[section]} ({len(items)})"]
        lines += [f"  {line}" for item in items for line in tell(item, lang)]
    if found.unencoded:
        lines += ["", f"{words['unencoded']} ({len(found.unencoded)})"]
        lines += [f"  {name}  {words['lacks'].format(words['join'].join(p))}" for name, p in found.unencoded.items()]
    return "\n".join(lines)


def tell(item: Item, lang: str) -> list[str]:
    """Return an item in full as lines, what belongs to it indented below its head."""
    match item:
        case DocumentItem():
            return _document_lines(item, lang)
        case EntityItem():
            return list(_entity_lines(item, lang))
        case FactItem():
            return _fact_lines(item.fact, lang)
        case ParameterItem():
            return _parameter_lines(item, lang)
        case RuleItem():
            return list(_rule_lines(item, lang))
        case QuestionItem():
            return _question_lines(item.question, lang)
        case MandateItem():
            return [_mandate_line(item, lang)]
        case _:
            assert_never(item)


def _document_lines(item: DocumentItem, lang: str) -> list[str]:
    words, document = WORDS[lang], item.document
    title = document.title if document.title and document.title not in document.number else None
    parts = [
        document.number, f"《{title}》" if title else None, document.issuer,
        document.issued.isoformat() if document.issued else None, words["effective"].format(document.effective),
        words["reliability"].format(document.reliability) if document.reliability else None,
        None if item.states else words["silent"],
    ]  # fmt: skip
    return ["  ".join(p for p in parts if p)]


def _entity_lines(item: EntityItem, lang: str) -> Iterator[str]:
    words, entity = WORDS[lang], item.entity
    yield "  ".join([entity.name, *([basis_text(entity.basis, lang)] if entity.basis else [])])
    if entity.note:
        yield "  " + words["note"].format(entity.note)
    for sort, names in _belonging(item):
        if names:
            yield f"  {words[sort]}{words['stop']}{words['join'].join(names)}"


def _belonging(item: EntityItem) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return ("facts", item.facts), ("rules", item.rules), ("links", item.links)


def _fact_lines(fact: m.Fact, lang: str) -> list[str]:
    words, said = WORDS[lang], fact_aspects(fact)
    parts = [f"{words['yearly'] if fact.yearly else ''}{owned(fact.name, fact.entity, lang)}: {fact.type.name(lang)}"]
    parts += [words["required"]] if fact.required else []
    shown = ((words[aspect], said[aspect]) for aspect in ("default", "required_when", "range"))
    parts += [form.format(say(one, lang)) for form, one in shown if one is not None]
    parts += [basis_text(fact.basis, lang)] if fact.basis else []
    below = [words["ask"].format(fact.question)] if fact.question else []
    below += [words["note"].format(fact.note)] if fact.note else []
    return ["  ".join(parts), *("  " + line for line in below)]


def _parameter_lines(item: ParameterItem, lang: str) -> list[str]:
    words = WORDS[lang]
    head = f"{item.name}: {item.type.name(lang)}"
    cited = [basis_text(item.basis, lang)] if item.basis else []
    below = ["  " + words["note"].format(item.note)] if item.note else []
    if not item.values:
        source = cited or [words["source"].format(item.document)]
        return ["  ".join([head, words["no_value"], *source]), *below]
    if item.key_type is None and len(item.values) == 1 and not cited:
        first, *more = _value_lines(item, item.values[0], lang)
        return [f"{head} {first}", *below, *more]
    values = ("  " + line for value in item.values for line in _value_lines(item, value, lang))
    return ["  ".join([head, *cited]), *below, *values]


def _value_lines(item: ParameterItem, value: m.ParameterValue, lang: str) -> list[str]:
    worth = f"{key_text(item, value, lang)} = {show_value(value.value, item.type, lang)}".strip()
    line = "  ".join((worth, years_text(value.first, value.last, lang), basis_text(value.basis, lang)))
    return [line, *(["  " + WORDS[lang]["note"].format(value.note)] if value.note else [])]


def _rule_head(rule: RuleItem, lang: str) -> str:
    words = WORDS[lang]
    shape = SHAPE_NAMES[rule.shape][0 if lang == "zh" else 1]
    parts = [
        f"{words['output'] if rule.output else ''}{shape} {owned(rule.name, rule.entity, lang)}: {rule.type.name(lang)}"
    ]
    if rule.has_initial:
        parts.append(words["initial"].format(show_value(rule.initial, rule.type, lang)))
    if rule.rounding is not None and rule.rounding.named:
        parts.append(words["rounding"].format(*say(rule.rounding, lang).split(" → ")))
    parts.append(years_text(rule.first, rule.last, lang))
    if rule.figure is not None:
        parts.append(words["figure"].format(say(rule.figure, lang)))
    return "  ".join(parts)


def _rule_lines(rule: RuleItem, lang: str) -> Iterator[str]:
    words = WORDS[lang]
    yield _rule_head(rule, lang)
    if rule.basis:
        yield "  " + basis_text(rule.basis, lang)
    if rule.note:
        yield "  " + words["note"].format(rule.note)
    if rule.shape == "scale":
        yield "  " + words["base"].format(rule.columns[0].text)
    if rule.first_hit:
        yield "  " + words["hit"]
    rows = [line for line in rule.lines if line.kind == "row"]
    widths = _widths([*([c.text for c in row.cells] for row in rows), [c.text for c in rule.columns]])
    if rule.shape == "table":
        yield "  " + words["columns"].format(_padded([c.text for c in rule.columns], widths))
    for line in rule.lines:
        padded = replace(line, heading=_padded([c.text for c in line.cells], widths)) if line.kind == "row" else line
        yield f"  {line_text(padded, lang)}  {basis_text(line.basis, lang)}"
        if line.note and line.note != rule.note:
            yield "    " + words["note"].format(line.note)


def _widths(rows: list[list[str]]) -> list[int]:
    return [max(map(display_width, column)) for column in zip(*rows, strict=True)] if rows else []


def _padded(texts: list[str], widths: list[int]) -> str:
    return " | ".join(text + " " * (width - display_width(text)) for text, width in zip(texts, widths, strict=True))


def _question_lines(question: m.Question, lang: str) -> list[str]:
    words = WORDS[lang]
    lines = [f"{question.name}  {question.text}  {basis_text(question.basis, lang)}"]
    for option, reason in question.options:
        mark = ""
        if option == question.default:
            mark = (
                words["is_settled"].format("、".join(map(str, question.settled)))
                if question.settled
                else words["is_default"]
            )
        lines.append(f"  {option}{mark}{words['stop'] + reason if reason else ''}")
    return lines


def _mandate_line(item: MandateItem, lang: str) -> str:
    parts = [
        item.condition.text,
        WORDS[lang]["in_principle"] if item.in_principle else "",
        years_text(item.first, item.last, lang),
    ]
    return "  ".join(p for p in (*parts, basis_text(item.basis, lang), _missing_text(item, lang)) if p)


def _missing_text(item: MandateItem, lang: str) -> str:
    words = WORDS[lang]
    return words["not_here"].format(words["join"].join(item.missing)) if item.missing else ""


def _has_history(one: Entry) -> bool:
    """Whether the history says more than the item as it stands."""
    item = replace(one.item, figure=None) if isinstance(one.item, RuleItem) else one.item
    return one.history != (item,)


def _entry_lines(found: Inventory, one: Entry, lang: str) -> list[str]:
    words = WORDS[lang]
    lines = [f"{found.place} {found.year}{'年度' if lang == 'zh' else ''}", ""]
    lines += tell(one.item, lang) if one.item is not None else [f"{one.name}  {words['absent']}"]
    if isinstance(one.item, DocumentItem) and one.item.states:
        lines.append("  " + words["states"].format(words["join"].join(one.item.states)))
    if _has_history(one):
        lines += ["", words["history"]]
        lines += [f"  {line}" for item in one.history for line in tell(item, lang)]
    return lines


# ── to Rich ──────────────────────────────────────────────────────────────────


def as_rich(found: Inventory, lang: str = "zh", name: str | None = None) -> Group:
    """Return the same as tables for a terminal. Raises KeyError for an unknown ``name``."""
    from rich.console import Group
    from rich.text import Text

    if name is not None:
        one = entry(found, name)
        shown = [*([one.item] if one.item is not None else []), *(one.history if _has_history(one) else ())]
        absent = [] if one.item is not None else [Text(f"{name}  {WORDS[lang]['absent']}", style="yellow")]
        return Group(*absent, *(table for item in shown for table in rich_tables([item], lang)))
    head = Text(WORDS[lang]["head"].format(place=found.place, year=found.year), style="bold")
    tables = [table for _, items in sections(found) for table in rich_tables(items, lang)]
    return Group(head, *tables, *_unencoded_table(found, lang))


def _unencoded_table(found: Inventory, lang: str) -> Iterator[Table]:
    from rich.table import Table

    words = WORDS[lang]
    if found.unencoded:
        table = Table(words["unencoded"], words["missing"], header_style="bold")
        for name, parameters in found.unencoded.items():
            table.add_row(name, words["join"].join(parameters))
        yield table


_HEADERS: dict[type[Item], tuple[tuple[str, str], ...]] = {
    DocumentItem: (
        ("文件", "document"),
        ("标题", "title"),
        ("机关", "issuer"),
        ("日期", "date"),
        ("施行", "effective"),
    ),
    EntityItem: (
        ("对象", "entity"),
        ("说明", "note"),
        ("事实", "facts"),
        ("规则", "rules"),
        ("指向它的链接", "links to it"),
        ("依据", "basis"),
    ),
    FactItem: (
        ("事实", "fact"),
        ("类型", "type"),
        ("填写", "given"),
        ("范围", "range"),
        ("问", "asks"),
        ("依据", "basis"),
    ),
    ParameterItem: (
        ("参数", "parameter"),
        ("按", "by"),
        ("值", "value"),
        ("年度", "years"),
        ("依据", "basis"),
        ("说明", "note"),
    ),
    QuestionItem: (("存疑", "open question"), ("选项", "option"), ("理由", "reason"), ("依据", "basis")),
    MandateItem: (
        ("要求", "mandate"),
        ("原则上", "in principle"),
        ("年度", "years"),
        ("依据", "basis"),
        ("说明", "note"),
    ),
}


def rich_tables(items: Iterable[Item], lang: str) -> Iterator[Any]:
    """Yield a Rich table for each sort of items, and one for each rule."""
    kept = list(items)
    for sort, headers in _HEADERS.items():
        own = [item for item in kept if isinstance(item, sort)]
        if own:
            yield grid("", [h[0 if lang == "zh" else 1] for h in headers], [r for i in own for r in _cells(i, lang)])
    for item in kept:
        if isinstance(item, RuleItem):
            yield _rule_table(item, lang)


def grid(title: str, headers: list[str], rows: list[list[str]]) -> Any:
    """Return a Rich table of plain texts."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title=escape(title) or None, title_justify="left", title_style="bold")
    for header in headers:
        table.add_column(escape(header), overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def fact_cells(item: FactItem, lang: str) -> list[str]:
    """Return name, type, what is given where nothing is said, range, question and basis of a fact."""
    return _cells(item, lang)[0]


def _cells(item: Item, lang: str) -> list[list[str]]:
    """The rows of an item in the table of its sort."""
    said = {aspect: say(one, lang) for aspect, one in aspects(item).items()}
    match item:
        case DocumentItem(document=d):
            return [[d.number, *(said.get(a, "") for a in ("title", "issuer", "issued", "effective"))]]
        case EntityItem():
            names = (WORDS[lang]["join"].join(own) for _, own in _belonging(item))
            return [[item.name, said.get("note", ""), *names, said.get("basis", "")]]
        case FactItem(fact=fact):
            return [
                [
                    owned(item.name, fact.entity, lang),
                    _fact_type(fact, lang),
                    _given(fact, lang),
                    *(said.get(a, "") for a in ("range", "question", "basis")),
                ]
            ]
        case ParameterItem():
            return _parameter_cells(item, lang)
        case QuestionItem(question=q):
            return _question_cells(q, lang)
        case MandateItem():
            principle = said["in_principle"] if item.in_principle else ""
            years = years_text(item.first, item.last, lang)
            return [[item.name, principle, years, said["basis"], _missing_text(item, lang)]]
        case RuleItem():
            return []
        case _:
            assert_never(item)


def _fact_type(fact: m.Fact, lang: str) -> str:
    return (WORDS[lang]["yearly"] if fact.yearly else "") + fact.type.name(lang)


def _given(fact: m.Fact, lang: str) -> str:
    words, said = WORDS[lang], fact_aspects(fact)
    if fact.required:
        return words["required"]
    for aspect in ("default", "required_when"):
        if said[aspect] is not None:
            return words[aspect].format(say(said[aspect], lang))
    return ""


def _parameter_cells(item: ParameterItem, lang: str) -> list[list[str]]:
    if not item.values:
        source = say(item.basis, lang) if item.basis else item.document
        return [[item.name, "", WORDS[lang]["no_value"], "", source, item.note or ""]]
    return [
        [
            item.name if index == 0 else "", key_text(item, v, lang), show_value(v.value, item.type, lang),
            years_text(v.first, v.last, lang), say(v.basis, lang), v.note or "",
        ]
        for index, v in enumerate(item.values)
    ]  # fmt: skip


def _question_cells(question: m.Question, lang: str) -> list[list[str]]:
    rows = [[f"{question.name}\n{question.text}", "", "", say(question.basis, lang)]]
    for option, reason in question.options:
        mark = WORDS[lang]["is_default"] if option == question.default else ""
        rows.append(["", option + mark, reason or "", ""])
    return rows


def _rule_table(rule: RuleItem, lang: str) -> Any:
    zh = lang == "zh"
    gives, basis, when = ("得", "依据", "当") if zh else ("give", "basis", "when")
    columns = (
        [c.text for c in rule.columns] if rule.shape == "table" else [rule.columns[0].text if rule.columns else when]
    )
    rows = [[*_asked(line, len(columns), lang), line.value.text, say(line.basis, lang)] for line in rule.lines]
    notes = dict.fromkeys(n for n in (rule.note, *(line.note for line in rule.lines)) if n)
    title = "\n".join([_rule_head(rule, lang), *(WORDS[lang]["note"].format(n) for n in notes)])
    return grid(title, [*columns, gives, basis], rows)


def _asked(line: Line, columns: int, lang: str) -> list[str]:
    """The left cells of a line in the table of its rule."""
    if line.kind == "row":
        return [c.text for c in line.cells]
    marks = {"otherwise": ("否则", "otherwise"), "formula": ("=", "="), "exception": ("例外 ", "exception ")}
    mark = marks.get(line.kind, ("", ""))[0 if lang == "zh" else 1]
    return [mark + line.heading] + [""] * (columns - 1)
