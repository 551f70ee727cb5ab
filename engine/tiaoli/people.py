"""Records of several kinds run together: who was left out and why, what figures lack, and the values behind explanations.

Below the API, which makes results of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from tiaoli import model as m
from tiaoli.backends.interpreter import Compiled
from tiaoli.backends.population import Failed, Opened, run_population
from tiaoli.backends.python_code import external
from tiaoli.backends.stages import Staged
from tiaoli.diagnostic import Diagnostic, Related
from tiaoli.errors import UsageError
from tiaoli.meaning import Trouble, Unknown
from tiaoli.record_facts import ID_KEYS, KIND_KEYS, kind_named, kinds_of
from tiaoli.records import Fault, Person, RecordError, RecordReader
from tiaoli.render import message
from tiaoli.values import INSURED
from tiaoli.world import World, needed


class Gathering:
    """Sound records of all kinds, by kind and id, and their values. ``states``: opening states by name, ``opened`` the same by slot.

    ``keep`` is the first year whose values are kept. ``faults`` are those that came with the records and those of the run.
    """

    def __init__(
        self,
        staged: Staged,
        people: Mapping[str, Mapping[str, Person]],
        faults: Iterable[Fault],
        states: Mapping[str, Mapping[str, tuple[int, Mapping[str, Any]]]],
        opened: Mapping[str, Mapping[str, Opened]],
        keep: int | None,
    ) -> None:
        self.staged, self.people, self.states = staged, people, states
        self.run = run_population(staged, {e: list(own.values()) for e, own in people.items()}, opened, keep)
        self.failed = {(f.entity, f.person): f for f in self._failures()}
        self.faults: tuple[Fault, ...] = (*faults, *self.failed.values())

    def rows(self, entity: str, n: int) -> dict[int, tuple[Any, ...]]:
        """Return the values of a record by year and slot; where one that nobody asked for cannot be computed stands its 初值."""
        table = self.run.tables[entity]
        rows = {year: table.rows[year][n] for year in self.staged.asked}
        if n not in table.tainted:
            return rows
        initial = table.compiled.initial
        return {
            year: tuple(i if isinstance(v, Failed) else v for v, i in zip(row, initial, strict=True))
            for year, row in rows.items()
        }

    def _failures(self) -> Iterator[Fault]:
        """A fault for each record with an output that cannot be computed."""
        for entity, table in self.run.tables.items():
            compiled = table.compiled
            for n in sorted(table.tainted):
                person = table.people[n]
                cells = (
                    (y, o, table.rows[y][n][compiled.slots[o]]) for y in self.staged.asked for o in compiled.outputs
                )
                for year, output, value in cells:
                    if isinstance(value, Failed):
                        yield Fault(person.id, (uncomputed(value.why, person.id, year, output),), entity)
                        break

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What figures lack: members that were not computed, and kinds of which there is no record at all."""
        figures: dict[str, list[str]] = {}
        for aggregate, readers in self.staged.aggregates:
            figures.setdefault(aggregate.members, []).extend(readers)
        said: list[Diagnostic] = []
        asked = needed(self.staged.program, {o for c in self.staged.kinds.values() for o in c.outputs})
        for members, owners in figures.items():
            short = sum(f.entity == members for f in self.faults) - sum(entity == members for entity, _ in self.failed)
            lacking = {rule: own for (rule, kind), own in self.run.left_out.items() if kind == members}
            count = short + len(set().union(*lacking.values()))
            if count:
                names = [n for n in (owners if short else lacking) if n in asked]
                if names:
                    said.append(Diagnostic("W806", {"count": count, "members": members, "rules": _listed(names)}))
            elif not self.people.get(members):
                said.append(Diagnostic("W807", {"members": members, "rules": _listed(owners)}))
        return tuple(said)

    @cached_property
    def world(self) -> World:
        """The records as explanations see them."""
        staged = self.staged
        return World(staged.program, self.people, staged.readings, self.states, known=self._known)

    def _known(self, entity: str, ident: str, name: str, year: int) -> tuple[Any] | None:
        table = self.run.tables[entity]
        if year not in table.rows or name not in table.compiled.computed.get(year, ()):
            return None
        value = table.rows[year][table.index[ident]][table.compiled.slots[name]]
        if isinstance(value, Failed):
            if isinstance(value.why, Trouble):
                raise value.why
            return (value.why,)
        return (external(value, self.staged.program.rules[name][0].scale),)


def _listed(rules: Iterable[str]) -> str:
    return "、".join(dict.fromkeys(rules))


def memberless(compiled: Compiled) -> list[Diagnostic]:
    """Return the warnings on figures over other records where there are only insured persons."""
    rules: dict[str, list[str]] = {}
    for rule, node in compiled.aggregates:
        rules.setdefault(node.members, []).append(rule)
    return [Diagnostic("W807", {"members": members, "rules": _listed(own)}) for members, own in rules.items()]


def stands_alone(compiled: Compiled) -> None:
    """Raise UsageError where a figure over other records is asked of one record."""
    for rule, node in compiled.aggregates:
        raise UsageError([Diagnostic("E832", {"rule": rule, "needs": node.members})])


def points_nowhere(compiled: Compiled, person: Person) -> None:
    """Raise UsageError where a rule goes through a link of the record to another one."""
    for rule, fact, slot in compiled.pointers:
        rows = (
            [row for year, row in person.years.items() if year < compiled.asked.stop] if fact.yearly else [person.facts]
        )
        ident = next((row[slot] for row in rows if row[slot] is not None), None)
        if ident is not None:
            needs = f"{person.id} · {fact.name} = {ident}"
            raise UsageError([Diagnostic("E832", {"rule": rule, "needs": needs})])


def says_kind(record: object) -> bool:
    """Whether a record of Python values says of which kind it is."""
    if record.__class__ is dict or isinstance(record, Mapping):
        return "对象" in record or "entity" in record
    return False


def present_kinds(program: m.Program, records: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The kinds of which there are records."""
    found = {kind_named(program, r[k]) for r in records for k in KIND_KEYS if isinstance(r, Mapping) and k in r}
    plain = any(isinstance(r, Mapping) and r.keys().isdisjoint(KIND_KEYS) for r in records)
    return tuple(e for e in kinds_of(program) if e in found or (plain and e == INSURED))


def converted(reader: RecordReader, records: Iterable[Mapping[str, Any]]) -> Iterator[Person | Fault]:
    """Yield each record of Python values, or its fault; a second one of the same kind and id is one."""
    seen: dict[tuple[str, str], int] = {}
    for number, record in enumerate(records, 1):
        try:
            person = reader.convert(record)
        except RecordError as error:
            name = next((record[k] for k in ID_KEYS if isinstance(record, Mapping) and k in record), None)
            yield Fault(None if name is None else str(name), error.diagnostics, reader.kind(record))
            continue
        first = seen.setdefault((person.entity, person.id), number)
        if first != number:
            arguments = {"person": person.id, "entity": person.entity, "first": f"#{first}"}
            yield Fault(person.id, (Diagnostic("E743", arguments),), person.entity)
            continue
        yield person


def no_state(ident: str) -> Diagnostic:
    """Return what is said where an opening state is needed and there is none of a record."""
    reason = f"期初文件里没有 {ident} 的状态，而计算要用到以前年度的结果\0there is no state of {ident}, and results of earlier years are needed"
    return Diagnostic("E822", {"reason": reason})


def uncomputed(why: Trouble | Unknown, person: str, year: int, rule: str) -> Diagnostic:
    """Return what is said of a result that cannot be computed."""
    if isinstance(why, Unknown):
        facts = "、".join(f"{name}（{of}年度）" if of else name for name, of in sorted(why.needs))
        reason = f"缺少 {facts}\0lacks {facts}"
        return Diagnostic("E804", {"person": person, "year": year, "rule": rule, "reason": reason})
    cause = Diagnostic(why.code, dict(why.arguments))
    reason = "\0".join(message(cause, lang) for lang in ("zh", "en"))
    arguments = {"person": person, "year": year, "rule": rule, "reason": reason, "cause": why.code}
    related = tuple(Related(span, "clashes") for span in why.others)
    return Diagnostic("E804", arguments, why.span, why.clause, related)
