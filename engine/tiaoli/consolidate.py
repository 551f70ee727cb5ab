"""Documents → what is in force for a place and a run of years.

Documents of the place and of those above it are taken by rank (the nation first), then effective year, then date. Each definition is
a layer over years; 修改 lays another over it, 废止 takes it away; what is seen from above in each year is in force.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import TypeAlias, TypeVar

from tiaoli import syntax as s
from tiaoli.diagnostic import Diagnostic, Related
from tiaoli.model import Document
from tiaoli.nearness import nearest
from tiaoli.source import Span
from tiaoli.symbols import (
    EntitySymbol,
    ExceptionText,
    FactSymbol,
    InForce,
    MandateText,
    ParameterSymbol,
    QuestionSymbol,
    RuleSymbol,
    Symbol,
    ValueText,
    Version,
)
from tiaoli.values import INSURED, INSURED_NAMES, KIND_NAMES

BUILT_INS = ("本年度", "current_year", "地区", "place", "编号", "id")
T = TypeVar("T")
Layer: TypeAlias = tuple[int, int | None, T]
_Head: TypeAlias = s.Rule | s.Table | s.Scale


def consolidate(
    documents: Sequence[s.Document], place: str, first: int, last: int, elsewhere: frozenset[str] = frozenset()
) -> tuple[InForce, list[Diagnostic]]:
    """Return what is in force for ``place`` from ``first`` to ``last`` and what is wrong with it. ``elsewhere``: names that documents of
    other places define, besides those given."""
    found: list[Diagnostic] = []
    texts = sorted((t for t in documents if applies(t, place)), key=_order)
    broken = frozenset(name for text in documents for name in text.broken)
    work = _Work(found, broken)
    heads = {}
    for rank, text in enumerate(texts):
        head = _document(text)
        heads[head.number] = head
        work.read(text, head, rank)
    known = elsewhere | {name for text in documents for name in _defined(text)}
    symbols = work.finish()
    in_force = InForce(
        place, first, last, symbols, tuple(work.mandates), heads, known, broken | work.astray, fingerprint(texts),
        work.entities,
    )  # fmt: skip
    return in_force, found


def applies(text: s.Document, place: str) -> bool:
    """Whether the document is of ``place`` or of a place above it."""
    if text.header is None or text.header.place is None:
        return False
    own = text.header.place.text
    return place == own or place.startswith(own + "-")


def places(documents: Iterable[s.Document]) -> list[str]:
    """Return the places that have documents, higher ones first."""
    return by_rank({t.header.place.text for t in documents if t.header and t.header.place})


def by_rank(names: Iterable[str]) -> list[str]:
    """Return places in order, higher ones first."""
    return sorted(names, key=lambda name: (name.count("-"), name))


def fingerprint(texts: Iterable[s.Document]) -> str:
    """Return a short hash of the texts, the same wherever the files lie."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.source.text.replace("\r\n", "\n").encode())
        digest.update(b"\0")
    return digest.hexdigest()[:16]


def _order(text: s.Document) -> tuple[int, int, date, str]:
    header = text.header
    assert header and header.place
    return (
        header.place.text.count("-"),
        header.effective or 0,
        header.issued or date.min,
        header.document,
    )


def _document(text: s.Document) -> Document:
    header = text.header
    assert header and header.place
    return Document(
        header.document,
        header.title,
        header.issuer,
        header.issued,
        header.place.text,
        header.effective or 0,
        header.website,
        text.source.path,
        header.reliability,
    )


def _defined(text: s.Document) -> list[str]:
    return [
        d.name.text if not isinstance(d, _Head) else d.head.name.text
        for d in text.declarations
        if isinstance(d, s.Definition)
    ]


def name_of(declaration: s.Definition) -> s.Word:
    """Return the name a definition defines."""
    match declaration:
        case s.Rule() | s.Table() | s.Scale():
            return declaration.head.name
        case s.Entity() | s.Fact() | s.Parameter() | s.Question():
            return declaration.name


def owner_of(declaration: s.Declaration) -> s.Word | None:
    """Return the kind of record written before 的 in a declaration, or None."""
    match declaration:
        case s.Rule() | s.Table() | s.Scale():
            return declaration.head.owner
        case s.Fact() | s.RuleException() | s.Repeal():
            return declaration.owner
        case s.Amendment():
            return owner_of(declaration.target)
        case _:
            return None


def entity_named(word: str) -> str:
    """Return the kind of record that ``word`` names: 参保人 has an English name too."""
    return INSURED if word in INSURED_NAMES else word


class _Work:
    """The tables while documents are read in order."""

    def __init__(self, found: list[Diagnostic], broken: frozenset[str]) -> None:
        self.found = found
        self.broken = broken
        self.singles: dict[str, tuple[s.Fact | s.Question, Document]] = {}
        self.parameters: dict[str, tuple[s.Parameter, Document]] = {}
        self.values: dict[str, list[Layer[ValueText | None]]] = {}
        self.rules: dict[str, list[Layer[tuple[_Head, Document] | None]]] = {}
        self.exceptions: dict[str, list[ExceptionText]] = {}
        self.mandates: list[MandateText] = []
        self.spans: dict[str, Span] = {}
        self.settled: dict[str, tuple[s.Settlement, Document]] = {}
        self.framing: dict[str, str] = {}
        self.entities: dict[str, EntitySymbol] = {}
        self.owners: dict[str, s.Word | None] = {}
        self.astray: set[str] = set()

    def read(self, text: s.Document, head: Document, rank: int) -> None:
        assert text.header
        defining = [d for d in text.declarations if isinstance(d, s.Definition)]
        others = [d for d in text.declarations if not isinstance(d, s.Definition)]
        for declaration in (*defining, *others):
            match declaration:
                case s.Entity() | s.Fact() | s.Parameter() | s.Rule() | s.Table() | s.Scale() | s.Question():
                    self._define(declaration, head, text.header.framework)
                case s.Amendment():
                    self._amend(declaration, head)
                case s.Repeal():
                    self._repeal(declaration, head)
                case s.Settlement():
                    self._settle(declaration, head)
                case s.RuleException():
                    self._exception(declaration, head, rank)
                case s.Mandate():
                    first, last = self._years(declaration.modifiers, head, declaration.span)
                    self.mandates.append(MandateText(declaration, head, first, last))
                case s.Outline() | s.Header():
                    pass

    def _define(self, declaration: s.Definition, head: Document, framework: bool) -> None:
        word = name_of(declaration)
        if isinstance(declaration, s.Entity) and word.text in INSURED_NAMES:
            self.found.append(Diagnostic("E231", {"name": word.text}, word.span))
            return
        if word.text in BUILT_INS:
            self.found.append(Diagnostic("E203", {"name": word.text}, word.span))
            return
        same_owner = _entity(self.owners.get(word.text)) == _entity(owner_of(declaration))
        if same_owner and head.place.startswith(self.framing.get(word.text, head.place) + "-"):
            if self._goes_on(declaration, word.text):
                self._lay(declaration, head)
                return
            self._forget(word.text)
        if word.text in self.spans:
            related = (Related(self.spans[word.text], "first_defined"),)
            self.found.append(Diagnostic("E201", {"name": word.text}, word.span, related=related))
            return
        self.spans[word.text] = word.span
        if framework:
            self.framing[word.text] = head.place
        self.owners[word.text] = owner_of(declaration)
        self._lay(declaration, head)

    def _goes_on(self, declaration: s.Definition, name: str) -> bool:
        """Whether a lower place's own definition is of the same sort and type as the framework's, which then holds until it begins."""
        match declaration:
            case s.Parameter() if name in self.parameters:
                old = self.parameters[name][0]
                same = (old.optional, old.key is None) == (declaration.optional, declaration.key is None)
                return same and _written_type(old) == _written_type(declaration)
            case s.Rule() | s.Table() | s.Scale() if name in self.rules:
                texts = [item[0].head for _, _, item in self.rules[name] if item]
                own = declaration.head
                return all((_type_of(h.type), h.optional) == (_type_of(own.type), own.optional) for h in texts)
            case _:
                return False

    def _forget(self, name: str) -> None:
        """A lower place defines for itself what a framework above it defined."""
        del self.spans[name], self.framing[name], self.owners[name]
        for table in (
            self.entities,
            self.singles,
            self.parameters,
            self.values,
            self.rules,
            self.exceptions,
            self.settled,
        ):
            table.pop(name, None)

    def _lay(self, declaration: s.Definition, head: Document) -> None:
        name = name_of(declaration).text
        match declaration:
            case s.Entity():
                self.entities[name] = EntitySymbol(name, declaration, head)
            case s.Fact() | s.Question():
                self.singles[name] = (declaration, head)
            case s.Parameter():
                self.parameters.setdefault(name, (declaration, head))
                self.values.setdefault(name, []).extend(self._value_layers(declaration, head))
            case s.Rule() | s.Table() | s.Scale():
                first, last = self._years(declaration.head.modifiers, head, declaration.head.name.span)
                self.rules.setdefault(name, []).append((first, last, (declaration, head)))

    def _years(self, modifiers: s.Modifiers, head: Document, span: Span) -> tuple[int, int | None]:
        first = modifiers.first if modifiers.first is not None else head.effective
        self._check_years(first, modifiers.last, modifiers.note, head, span)
        return first, modifiers.last

    def _check_years(self, first: int, last: int | None, note: str | None, head: Document, span: Span) -> None:
        if first < head.effective and note is None:
            self.found.append(
                Diagnostic("E401", {"year": first, "document": head.number, "effective": head.effective}, span)
            )
        if last is not None and last < first:
            self.found.append(Diagnostic("E402", {"first": first, "last": last}, span))

    def _value_layers(self, declaration: s.Parameter, head: Document) -> list[Layer[ValueText | None]]:
        """Each row holds from its year until the next row of the same key."""
        by_key: dict[object, list[tuple[int, s.Expression | None, s.ParameterRow]]] = {}
        for written in declaration.rows:
            row = replace(written, modifiers=_inherited(written.modifiers, declaration.modifiers))
            modifiers = row.modifiers
            first = row.year if row.year is not None else modifiers.first
            first = head.effective if first is None else first
            self._check_years(first, modifiers.last, modifiers.note, head, row.span)
            if row.year is not None and written.modifiers.first is not None:
                self.found.append(Diagnostic("E403", {}, row.span))
            for key in row.keys or (None,):
                by_key.setdefault(key, []).append((first, key, row))
        layers: list[Layer[ValueText | None]] = []
        for rows in by_key.values():
            layers.extend(self._succession(sorted(rows, key=lambda r: r[0]), declaration, head))
        return layers

    def _succession(
        self, rows: list[tuple[int, s.Expression | None, s.ParameterRow]], declaration: s.Parameter, head: Document
    ) -> list[Layer[ValueText | None]]:
        layers: list[Layer[ValueText | None]] = []
        for index, (first, key, row) in enumerate(rows):
            last = row.modifiers.last
            if index + 1 < len(rows):
                following, _, later = rows[index + 1]
                if following == first or (last is not None and last >= following):
                    related = (Related(row.span, "first_defined"),)
                    arguments = {"name": declaration.name.text, "year": following}
                    self.found.append(Diagnostic("E404", arguments, later.span, related=related))
                last = following - 1 if last is None else min(last, following - 1)
            layers.append((first, last, ValueText(row, key, head, first, last)))
        return layers

    def _amend(self, amendment: s.Amendment, head: Document) -> None:
        target = amendment.target
        word = name_of(target)
        if word.text not in self.spans:
            self._unknown_target(word, "amend")
            return
        if not self._same_sort(target, word) or not self._same_owner(amendment, word):
            return
        if isinstance(target, s.Fact):
            old = self.singles[word.text][0]
            if not isinstance(old, s.Fact) or old.yearly != target.yearly or old.type != target.type:
                related = (Related(self.spans[word.text], "first_defined"),)
                self.found.append(Diagnostic("E415", {"name": word.text}, word.span, related=related))
                return
        if isinstance(target, s.Parameter):
            original = self.parameters[word.text][0]
            if (original.key is None) != (target.key is None):
                self.found.append(Diagnostic("E406", {"name": word.text}, word.span))
                return
        self._lay(target, head)

    def _same_sort(self, target: s.Definition, word: s.Word) -> bool:
        tables = (
            (s.Parameter, self.parameters),
            (s.Fact, self.singles),
            (s.Rule, self.rules),
            (s.Table, self.rules),
            (s.Scale, self.rules),
        )
        fits = any(isinstance(target, sort) and word.text in table for sort, table in tables)
        if not fits:
            related = (Related(self.spans[word.text], "first_defined"),)
            self.found.append(Diagnostic("E405", {"name": word.text}, word.span, related=related))
        return fits

    def _same_owner(self, declaration: s.Declaration, word: s.Word) -> bool:
        """Whether the 对象 written in a change, if any, is that of the name changed."""
        written, own = owner_of(declaration), self.owners.get(word.text)
        if written is None or entity_named(written.text) == _entity(own):
            return True
        related = (Related(self.spans[word.text], "first_defined"),)
        arguments = {"name": word.text, "found": written.text, "owner": _entity(own)}
        self.found.append(Diagnostic("E224", arguments, written.span, related=related))
        return False

    def _repeal(self, repeal: s.Repeal, head: Document) -> None:
        name = repeal.name.text
        if name in self.spans and not self._same_owner(repeal, repeal.name):
            return
        first, last = self._years(repeal.modifiers, head, repeal.span)
        if name in self.rules:
            self.rules[name].append((first, last, None))
        elif name in self.values:
            self.values[name].append((first, last, None))
        elif name in self.singles or name in self.entities:
            self.found.append(Diagnostic("E407", {"name": name}, repeal.name.span))
        else:
            self._unknown_target(repeal.name, "repeal")

    def _settle(self, settlement: s.Settlement, head: Document) -> None:
        name = settlement.name.text
        question = self.singles.get(name)
        if question is None or not isinstance(question[0], s.Question):
            self._unknown_target(settlement.name, "settle")
            return
        options = [o.name.text for o in question[0].options]
        if settlement.option.text not in options:
            near = nearest(settlement.option.text, options)
            arguments = {"name": settlement.option.text, "known": tuple(options), "near": near}
            self.found.append(Diagnostic("E216", arguments, settlement.option.span))
            return
        if settlement.modifiers.first is not None or settlement.modifiers.last is not None:
            self.found.append(Diagnostic("E418", {"name": name}, settlement.span))
            return
        self.settled[name] = (settlement, head)

    def _exception(self, declaration: s.RuleException, head: Document, rank: int) -> None:
        word = declaration.name
        if word.text not in self.rules:
            self._unknown_target(word, "exception")
            return
        if not self._same_owner(declaration, word):
            return
        if declaration.otherwise is not None:
            self.found.append(Diagnostic("E408", {"name": word.text}, declaration.otherwise.span))
        text = ExceptionText(declaration, head, rank, head.effective, None)
        self.exceptions.setdefault(word.text, []).append(text)

    def _unknown_target(self, word: s.Word, action: str) -> None:
        if word.text in self.broken:
            return
        if word.text in self.spans:
            related = (Related(self.spans[word.text], "first_defined"),)
            self.found.append(Diagnostic("E405", {"name": word.text}, word.span, related=related))
            return
        near = nearest(word.text, self.spans)
        self.found.append(Diagnostic("E202", {"name": word.text, "near": near, "action": action}, word.span))

    def finish(self) -> dict[str, Symbol]:
        self._check_owners()
        symbols: dict[str, Symbol] = {}
        for name, (declaration, head) in self.singles.items():
            symbols[name] = (
                FactSymbol(name, declaration, head, _entity(self.owners[name]))
                if isinstance(declaration, s.Fact)
                else QuestionSymbol(name, declaration, head, self.settled.get(name))
            )
        for name, (parameter, head) in self.parameters.items():
            symbols[name] = ParameterSymbol(name, parameter, head, tuple(self._flat_values(name)))
        for name, layers in self.rules.items():
            texts = [item[0] for _, _, item in layers if item]
            versions = tuple(Version(t[0], t[1], first, last) for first, last, t in flatten(layers) if t)
            output = any(text.head.output for text in texts)
            exceptions = tuple(self.exceptions.get(name, ()))
            symbols[name] = RuleSymbol(name, versions, exceptions, output, _entity(self.owners[name]))
        return {name: symbol for name, symbol in symbols.items() if name not in self.astray}

    def _check_owners(self) -> None:
        """Say which definitions belong to a 对象 that is not declared, and which seem to name one without blanks around 的."""
        for name, owner in self.owners.items():
            if owner is not None and not self._known_entity(entity_named(owner.text)):
                self.astray.add(name)
                if owner.text not in self.broken:
                    near = nearest(owner.text, [*self.entities, INSURED])
                    self.found.append(Diagnostic("E217", {"name": owner.text, "near": near}, owner.span))
            left, glued, right = name.partition("的")
            if glued and right and self._known_entity(left) and name not in self.entities:
                spaced = f"{left} 的 {right}"
                self.found.append(Diagnostic("E214", {"name": name, "spaced": spaced}, self.spans[name]))

    def _known_entity(self, name: str) -> bool:
        return name == INSURED or name in self.entities

    def _flat_values(self, name: str) -> list[ValueText]:
        layers = self.values[name]
        keys = dict.fromkeys(item.key for _, _, item in layers if item)
        flat: list[ValueText] = []
        for key in keys:
            own = [layer for layer in layers if layer[2] is None or layer[2].key == key]
            flat.extend(
                ValueText(item.row, key, item.document, first, last) for first, last, item in flatten(own) if item
            )
        return flat


def _type_of(written: s.TypeName) -> object:
    words = tuple(word.text for word in written.words)
    return KIND_NAMES.get(words[0], words)


def _written_type(parameter: s.Parameter) -> object:
    """The type of a parameter as its text shows it: written, or that of its first value."""
    if parameter.type is not None:
        return _type_of(parameter.type)
    value = parameter.rows[0].value if parameter.rows else None
    return value.kind if isinstance(value, s.Literal) else None


def _entity(owner: s.Word | None) -> str:
    return INSURED if owner is None else entity_named(owner.text)


def _inherited(row: s.Modifiers, head: s.Modifiers) -> s.Modifiers:
    """What a row does not say of its years, basis, note and reliability, the head of its parameter says."""
    return s.Modifiers(
        head.first if row.first is None else row.first,
        head.last if row.last is None else row.last,
        row.citations or head.citations,
        head.note if row.note is None else row.note,
        row.reliability or head.reliability,
    )


def flatten(layers: Sequence[Layer[T | None]]) -> list[Layer[T | None]]:
    """Return what is seen from above: pieces in order of years that do not overlap, later layers over earlier ones."""
    cuts = sorted({first for first, _, _ in layers} | {last + 1 for _, last, _ in layers if last is not None})
    pieces: list[Layer[T | None]] = []
    for index, start in enumerate(cuts):
        end = cuts[index + 1] - 1 if index + 1 < len(cuts) else None
        seen = next((i for low, high, i in reversed(layers) if low <= start and (high is None or start <= high)), None)
        if pieces and pieces[-1][2] is seen:
            pieces[-1] = (pieces[-1][0], end, seen)
        else:
            pieces.append((start, end, seen))
    return [piece for piece in pieces if piece[2] is not None]
