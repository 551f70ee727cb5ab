"""The columns of a table against what the rules know: every name is understood, or said to be unknown with the nearest one."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tiaoli import model as m
from tiaoli.batch.layout import ID, PLACE, YEAR, YEAR_SIGN, Shape, shape_of, year_of_column
from tiaoli.diagnostic import Diagnostic
from tiaoli.errors import UsageError
from tiaoli.nearness import nearest
from tiaoli.record_facts import ID_KEYS, KIND_KEYS, PLACE_KEYS, YEARS_KEYS
from tiaoli.values import INSURED

_YEAR_KEYS = (*YEARS_KEYS, "year")


@dataclass(frozen=True, slots=True)
class Given:
    """A column of a table: of a fact, or (``fact`` None) of the place of a year."""

    name: str
    fact: m.Fact | None
    year: int | None


@dataclass(frozen=True, slots=True)
class Headings:
    """The columns of one table of records of ``entity``. ``ident`` and ``year`` are the names of the columns of ids and years."""

    entity: str
    shape: Shape
    ident: str
    year: str | None
    columns: tuple[Given, ...]

    @property
    def facts(self) -> Mapping[str, Given]:
        """The columns of facts by name."""
        return {g.name: g for g in self.columns if g.fact is not None}

    @property
    def links(self) -> tuple[Given, ...]:
        """The columns that point to other records."""
        return tuple(g for g in self.columns if g.fact is not None and g.fact.is_link)

    @property
    def years(self) -> tuple[int, ...]:
        """The years of which a wide table has columns, in order."""
        return tuple(sorted({g.year for g in self.columns if g.year is not None}))


def read_headings(
    program: m.Program,
    entity: str,
    names: Sequence[str],
    path: str | None = None,
    beside: Iterable[str] = (),
    read: Callable[[], Container[str]] | None = None,
) -> Headings:
    """Return what the columns ``names`` are. Raises UsageError with all that is wrong.

    ``beside``: names given in a second table, or kept as they are; ``read`` tells which facts rules read: of those alone the required ones must be there.
    """
    reader = _Reader(program, entity, names, path, frozenset(beside), read)
    headings = reader.read()
    if reader.found:
        raise UsageError(reader.found)
    return headings


def read_second(program: m.Program, names: Sequence[str], path: str | None = None) -> Headings:
    """Return what the columns of a second table are, which has facts of whole records of insured persons. Raises UsageError."""
    facts = {f.name: replace(f, required=False) for f in program.facts_of(INSURED) if not f.yearly}
    return read_headings(replace(program, facts=facts), INSURED, names, path)


def read_beside(
    program: m.Program,
    names: Sequence[str],
    path: str | None,
    by: Sequence[str],
    read: Callable[[], Container[str]],
    second: Headings | None,
    where: str | None,
) -> Headings:
    """Return what the columns of a table of insured persons are, some of whose facts may stand in a ``second`` one, named ``where``; ``by``: columns
    to group by, ``read``: see `read_headings`. Raises UsageError, also where a fact stands in both, or the second has years."""
    beside = () if second is None else tuple(g.name for g in second.columns)
    own = read_headings(program, INSURED, names, path, (*beside, *by), read)
    both = {g.name for g in own.columns}.intersection(beside)
    if second is not None and (both or second.year is not None):
        name = sorted(both)[0] if both else str(second.year)
        raise UsageError([Diagnostic("E855", {"name": name}, path=where or "--persons", line=1, column=1)])
    return own


def no_ids_to_group_by(by: Sequence[str]) -> None:
    """Ids and years are no groups. Raises UsageError."""
    if own := [n for n in by if n in (*ID_KEYS, YEAR)]:
        raise UsageError([Diagnostic("E825", {"text": f"--by {own[0]}", "form": "--by 列名 / COLUMN"})])


def columns_kept(by: Sequence[str], names: Sequence[str], years: range, layout: Shape) -> tuple[str, ...]:
    """Return the columns, among ``names`` of a wide table, to group by: named as they are, or (of yearly facts) without the year, which is the only
    way for results laid out long. Raises UsageError."""
    found: list[str] = []
    for name in by:
        parts = year_of_column(name)
        if parts is not None and layout is Shape.LONG and name in names:
            raise UsageError([Diagnostic("E718", {"where": "--by", "name": name, "nearest": parts[0]})])
        yearly = [f"{name}{YEAR_SIGN}{year}" for year in years]
        some = [n for n in yearly if n in names]
        if name not in names and some and len(some) < len(yearly):
            lacking = next(n for n in yearly if n not in names)
            raise UsageError([Diagnostic("E718", {"where": "--by", "name": lacking, "nearest": "、".join(some)})])
        own = [name] if name in names else yearly if set(yearly) <= set(names) else []
        if not own:
            heads = sorted({n.partition(YEAR_SIGN)[0] for n in names if n.isprintable()})
            near = nearest(name, heads) or "、".join(heads[:8])
            raise UsageError([Diagnostic("E718", {"where": "--by", "name": name, "nearest": near})])
        found += own
    return tuple(dict.fromkeys(found))


class _Reader:
    def __init__(
        self,
        program: m.Program,
        entity: str,
        names: Sequence[str],
        path: str | None,
        beside: frozenset[str],
        read: Callable[[], Container[str]] | None,
    ) -> None:
        self.program, self.entity, self.names, self.path, self.beside = program, entity, names, path, beside
        self.facts = {f.name: f for f in program.facts_of(entity)}
        self.facts_read = read
        self.shape = shape_of(names)
        self.found: list[Diagnostic] = []
        self.misplaced: set[str] = set()

    def say(self, code: str, **arguments: object) -> None:
        self.found.append(Diagnostic(code, arguments, path=self.path, line=1, column=1))

    def read(self) -> Headings:
        columns = tuple(self._columns())
        ident = next((n for n in self.names if n in ID_KEYS), "")
        year = next((n for n in self.names if n in _YEAR_KEYS), None)
        self._lacking(ident, columns)
        return Headings(self.entity, self.shape, ident or ID, year, columns)

    def _columns(self) -> Iterator[Given]:
        kind_keys = KIND_KEYS if self.program.entities else ()
        again = {*[n for n in self.names if n in ID_KEYS][1:], *[n for n in self.names if n in _YEAR_KEYS][1:]}
        for name in self.names:
            head = self._apart(name)[0]
            if name in again:
                self._stranger(name, head, None)  # another column says that already
                continue
            if (
                name in ID_KEYS
                or name in _YEAR_KEYS
                or name in kind_keys
                or (head in self.beside and head not in self.facts)
            ):
                continue
            given = self._place(name) or self._fact(name)
            if given is not None:
                yield given

    def _place(self, name: str) -> Given | None:
        head, year = self._apart(name)
        if head not in PLACE_KEYS or (self.shape is Shape.WIDE) != (year is not None):
            return None
        return Given(name, None, year)

    def _apart(self, name: str) -> tuple[str, int | None]:
        parts = year_of_column(name) if self.shape is Shape.WIDE else None
        return (name, None) if parts is None else parts

    def _fact(self, name: str) -> Given | None:
        head, year = self._apart(name)
        fact = self.facts.get(head)
        if fact is None:
            self._stranger(name, head, year)
        elif self.shape is Shape.WIDE and fact.yearly and year is None:
            self.misplaced.add(name)
            self.say("E853", name=name, example=f"{name}{YEAR_SIGN}{max(2025, self.program.first)}")
        elif not fact.yearly and year is not None:
            self.misplaced.add(head)
            self.say("E854", name=head, found=name)
        elif year is not None and year < self.program.first:
            self.say("E724", where=name, year=year, start=self.program.first)
        else:
            return Given(name, fact, year)
        return None

    def _stranger(self, name: str, head: str, year: int | None) -> None:
        tidy = "".join(name.split())
        if tidy != name and (tidy in ID_KEYS or self._apart(tidy)[0] in self.facts):
            self.say("E718", where=f"“{name}”", name=name, nearest=tidy)
            return
        near = nearest(head, [*self.facts, ID, *((YEAR,) if self.shape is Shape.LONG else ()), PLACE])
        if near is not None:
            yearly = near in self.facts and self.facts[near].yearly and year is not None
            self.say("E718", where=name, name=name, nearest=f"{near}{YEAR_SIGN}{year}" if yearly else near)
        else:
            known = [f"{n}{YEAR_SIGN}…" if f.yearly and self.shape is Shape.WIDE else n for n, f in self.facts.items()]
            few = [ID, *known[:12], "…"] if len(known) > 12 else [ID, *known]
            self.say("E719", where=name, name=name, known="、".join(few))

    def _lacking(self, ident: str, columns: Sequence[Given]) -> None:
        there = {g.fact.name for g in columns if g.fact is not None} | self.beside | self.misplaced
        needed = [n for n, f in self.facts.items() if f.required and n not in there]
        if needed and self.facts_read is not None:
            read = self.facts_read()
            needed = [n for n in needed if n in read]
        needed = needed if ident else [ID, *needed]
        listed = "、".join(self.names[:40]) + ("…" if len(self.names) > 40 else "")
        for name in needed:
            self.say("E708", name=name, columns=listed)


def no_exact_ids(name: str, found: str) -> Diagnostic:
    """Return what is said of a column of ids that holds binary floats: long ones are not exact in it."""
    return Diagnostic("E852", {"name": name, "found": found, "type": "编号", "type_en": "ids"})


def known_years(headings: Headings) -> range:
    """Return the years that a wide table spans; empty where it has none."""
    years = headings.years
    return range(years[0], years[-1] + 1) if years else range(0)
