"""One parameter or rule in all places of a year: the figure or the text in force, where it stands, and what is not encoded and why.

A rule whose value the documents alone decide is shown with its value. Any other depends on records: then each place has the text in
force and the parameters that it needs, and, where records are given, the value of every person there, worked out as if all their years
had been lived in that place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias

from tiaoli import model as m
from tiaoli.api import EvaluationError, Rules, UsageError
from tiaoli.backends.interpreter import Compiled, compile_program
from tiaoli.diagnostic import Diagnostic
from tiaoli.inventory import Amount, deciding, figures
from tiaoli.nearness import nearest
from tiaoli.pipeline import Library
from tiaoli.records import Fault, Person
from tiaoli.trace import in_units
from tiaoli.values import Type, Value

MOST_PEOPLE = 100
"""People stand side by side; more are no comparison."""

Sort: TypeAlias = Literal["value", "place"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a place has nothing: ``undefined``, ``no_value``, ``lacks`` (parameters), ``later`` or ``ended`` (a year)."""

    kind: Literal["undefined", "no_value", "lacks", "later", "ended"]
    names: tuple[str, ...] = ()
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """A parameter that a rule reads, with its value there and the key it is for; ``value`` is None where it has none in the year."""

    name: str
    key: Amount | None
    value: Amount | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a person has in a place: a value, or the trouble that left none."""

    value: Amount | None
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What one place has, for one ``key`` where a parameter has keys; with a ``reason`` it has nothing.

    ``documents`` state the value or the text, ``above`` are those among them that are not the place's own. ``outcomes`` are by person.
    """

    place: str
    kind: Literal["parameter", "rule"] | None = None
    key: Amount | None = None
    value: Amount | None = None
    first: int | None = None
    last: int | None = None
    documents: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    basis: tuple[m.Basis, ...] = ()
    note: str | None = None
    needs: tuple[Need, ...] = ()
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    reason: Reason | None = None

    @property
    def own(self) -> bool:
        """Whether a document of the place itself states it, all or in part."""
        return len(self.above) < len(self.documents)


@dataclass(frozen=True, slots=True)
class Lineup:
    """One name in ``year``, over places, sorted. ``people`` are the persons evaluated, ``faults`` what kept some from having a value."""

    name: str
    year: int
    type: Type | None
    standings: tuple[Standing, ...]
    people: tuple[str, ...]
    faults: tuple[Diagnostic, ...]
    fingerprints: Mapping[str, str]

    @property
    def of_records(self) -> bool:
        """Whether the value depends on records in some place."""
        return any(s.kind == "rule" and s.value is None for s in self.standings)

    @property
    def keyed(self) -> bool:
        return any(s.key is not None for s in self.standings)


def line_up(
    library: Library,
    name: str,
    year: int,
    places: Sequence[str] | None = None,
    sort: Sort = "value",
    records: Path | None = None,
) -> Lineup:
    """Return ``name`` in ``year`` over ``places`` (all otherwise).

    Raises UsageError for an unknown place or name, a year before the first and records that cannot be compared; RulesetError.
    """
    rules = [Rules(library, place) for place in places or library.places]
    if year < library.first_year:
        raise UsageError([Diagnostic("E815", {"year": year, "first": library.first_year})])
    programs = {r.place: r.program(max(year, r.newest_year) + 1) for r in rules if r.first_year <= year}
    _known(name, programs.values(), sort_of_records=records is not None)
    standings = [s for r in rules for s in _standings(programs.get(r.place), r, name, year)]
    people: tuple[str, ...] = ()
    faults: tuple[Diagnostic, ...] = ()
    if records is not None:
        work = _Evaluation(name, year, records, programs)
        standings = [work.at(r, s) for s in standings for r in rules if r.place == s.place]
        people, faults = tuple(work.people), tuple(work.faults)
    kind = next((_type(p, name) for p in programs.values() if _type(p, name) is not None), None)
    fingerprints = {place: p.fingerprint for place, p in programs.items()}
    return Lineup(name, year, kind, tuple(_ordered(standings, sort, people)), people, faults, fingerprints)


def _known(name: str, programs: Collection[m.Program], sort_of_records: bool) -> None:
    parameters = {n for p in programs for n in p.parameters}
    rules = {n for p in programs for n in (*_visible(p), *p.unencoded)}
    others = [
        ("事实\0a fact", {n for p in programs for n in p.facts}),
        ("存疑\0an open question", {n for p in programs for n in p.questions}),
    ]
    for kind, names in others if name not in parameters | rules else ():
        if name in names:
            raise UsageError([Diagnostic("E847", {"name": name, "reason": kind})])
    if name not in parameters | rules:
        raise UsageError([Diagnostic("E842", {"name": name, "near": nearest(name, sorted(parameters | rules))})])
    if sort_of_records and name not in rules:
        raise UsageError([Diagnostic("E843", {"name": name})])


def _visible(program: m.Program) -> Iterator[str]:
    return (n for n, texts in program.rules.items() if not texts[0].hidden)


def _type(program: m.Program, name: str) -> Type | None:
    if name in program.parameters:
        return program.parameters[name].type
    return program.rules[name][0].type.present if name in program.rules else None


# ── what a place has ─────────────────────────────────────────────────────────


def _standings(program: m.Program | None, rules: Rules, name: str, year: int) -> Iterator[Standing]:
    if program is None:
        yield Standing(rules.place, reason=Reason("later", year=rules.first_year))
    elif name in program.parameters:
        yield from _of_parameter(program, program.parameters[name], year)
    elif name in program.rules or name in program.unencoded:
        yield _of_rule(program, name, year)
    else:
        yield Standing(rules.place, reason=Reason("undefined"))


def _of_parameter(program: m.Program, parameter: m.Parameter, year: int) -> Iterator[Standing]:
    values = [v for v in parameter.values if parameter.at(year, v.key) is v]
    for value in values:
        document = _document(program, value.span.source.path)
        yield Standing(
            program.place, "parameter", _key(parameter, value), Amount(value.value, parameter.type), value.first, value.last,
            (document,), _above(program, (document,)), value.basis, value.note or parameter.note,
        )  # fmt: skip
    if not values:
        yield Standing(program.place, "parameter", reason=_missing([(v.first, v.last) for v in parameter.values], year))


def _key(parameter: m.Parameter, value: m.ParameterValue) -> Amount | None:
    return None if parameter.key_type is None else Amount(value.key, parameter.key_type)


def _document(program: m.Program, path: str) -> str:
    return next(d.number for d in program.documents.values() if d.path == path)


def _above(program: m.Program, documents: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(d for d in documents if program.documents[d].place != program.place)


def _missing(years: Sequence[tuple[int, int | None]], year: int) -> Reason:
    """Why nothing is in force in ``year`` of what is in force in ``years``."""
    later = min((first for first, _ in years if first > year), default=None)
    ended = max((last for _, last in years if last is not None and last < year), default=None)
    if ended is not None:
        return Reason("ended", year=ended)
    return Reason("no_value") if later is None else Reason("later", year=later)


def _of_rule(program: m.Program, name: str, year: int) -> Standing:
    rule = program.rule_at(name, year)
    if rule is None and name in program.unencoded:
        return Standing(program.place, "rule", reason=Reason("lacks", program.unencoded[name]))
    if rule is None:
        return Standing(program.place, "rule", reason=_missing([(r.first, r.last) for r in program.rules[name]], year))
    value = figures(program, year, name).get(name)
    documents, basis, note = (
        (_stating(rule), _cited(rule), rule.note) if value is None else _decided(program, rule, year)
    )
    return Standing(
        program.place, "rule", None, value, rule.first, None if rule.last == program.last else rule.last,
        documents, _above(program, documents), basis, note, tuple(_needs(program, rule, year)),
    )  # fmt: skip


def _decided(program: m.Program, rule: m.Rule, year: int) -> tuple[tuple[str, ...], tuple[m.Basis, ...], str | None]:
    """The documents and clauses of the figures that decide a value, the clause of the rule where it reads no figure; and what is noted there."""
    stated, clauses = deciding(program, year, rule.name)
    if stated:
        documents = [_document(program, v.span.source.path) for v in stated]
    else:
        documents = [c.document if isinstance(c, m.Clause) else rule.document for c in clauses[:1]] or [rule.document]
    basis = [b for piece in stated or clauses for b in piece.basis] or [*_cited(rule)]
    note = next((piece.note for piece in (*stated, *clauses) if piece.note), rule.note)
    return tuple(dict.fromkeys(documents)), tuple(dict.fromkeys(basis)), note


def _pieces(body: m.Body) -> tuple[m.Clause | m.Row | m.Band, ...]:
    match body:
        case m.Cases(exceptions, clauses):
            return (*(c for group in exceptions for c in group), *clauses)
        case m.DecisionTable():
            return (*body.rows, *((body.otherwise,) if body.otherwise else ()))
        case m.MarginalScale():
            return body.bands


def _stating(rule: m.Rule) -> tuple[str, ...]:
    stated = (p.document for p in _pieces(rule.body) if isinstance(p, m.Clause))
    return tuple(dict.fromkeys((rule.document, *stated)))


def _cited(rule: m.Rule) -> tuple[m.Basis, ...]:
    return tuple(dict.fromkeys((*rule.basis, *(b for p in _pieces(rule.body) for b in p.basis))))


def _needs(program: m.Program, rule: m.Rule, year: int) -> Iterator[Need]:
    """The parameters that a rule reads in ``year``, by itself and through the rules directly below it; of those that may be absent only
    what is there."""
    below = [r for n in _read(rule) if isinstance(n, m.RuleRef) and (r := program.rule_at(n.name, year)) is not None]
    for name in dict.fromkeys(n.name for r in (rule, *below) for n in _read(r) if isinstance(n, m.ParameterRef)):
        parameter = program.parameters[name]
        values = [v for v in parameter.values if parameter.at(year, v.key) is v]
        yield from (Need(name, _key(parameter, v), Amount(v.value, parameter.type)) for v in values)
        if not values and not parameter.type.nullable:
            yield Need(name, None, None)


def _read(rule: m.Rule) -> Iterator[m.Expression]:
    return (n for e in m.expressions(rule.body) for n in m.walk(e))


# ── persons ──────────────────────────────────────────────────────────────────


class _Evaluation:
    """The persons of a file under the rules of each place. A fact that only other places know is no fault here."""

    def __init__(self, name: str, year: int, path: Path, programs: Mapping[str, m.Program]) -> None:
        self.name, self.year, self.path = name, year, path
        self.people: dict[str, None] = {}
        self.faults: list[Diagnostic] = []
        self._said: set[object] = set()
        self._facts = {n: f for p in programs.values() for n, f in p.facts.items()}

    def at(self, rules: Rules, standing: Standing) -> Standing:
        """Return what ``standing`` says with the outcomes of all persons."""
        if standing.reason is not None or standing.kind != "rule":
            return standing
        compiled = self._widened(rules.compiled(self.year, [self.name]))
        outcomes: dict[str, Outcome] = {}
        for found in rules.reader(compiled).read(self.path):
            if isinstance(found, Fault):
                self._say(found.diagnostics)
                if found.person is None:
                    continue
                outcomes[found.person] = Outcome(None, "fault")
            else:
                outcomes[found.id] = self._outcome(rules, compiled, found)
            if len(outcomes) > MOST_PEOPLE:
                raise UsageError([Diagnostic("E844", {"most": MOST_PEOPLE})])
        self.people.update(dict.fromkeys(outcomes))
        return replace(standing, outcomes=outcomes)

    def _widened(self, compiled: Compiled) -> Compiled:
        program = compiled.program
        others = {
            n: replace(f, required=False, required_when=None) for n, f in self._facts.items() if n not in program.facts
        }
        if not others:
            return compiled
        wide = replace(program, facts={**program.facts, **others})
        return compile_program(wide, compiled.asked, (self.name,), {}, (self.name,))

    def _outcome(self, rules: Rules, compiled: Compiled, person: Person) -> Outcome:
        try:
            row = rules.run(compiled, replace(person, places={})).rows[self.year]
        except EvaluationError as error:
            self._say(error.diagnostics)
            return Outcome(None, str(error.diagnostics[0].arguments.get("reason", "fault")))
        rule = compiled.program.rules[self.name][0]
        value = in_units(row[compiled.slots[self.name]], rule.scale)
        return Outcome(Amount(value, rule.type.present))

    def _say(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Keep what is wrong, what several places say alike once."""
        for diagnostic in diagnostics:
            key = (diagnostic.code, str(sorted(map(str, diagnostic.arguments.items()))), diagnostic.line)
            if key not in self._said:
                self._said.add(key)
                self.faults.append(diagnostic)


# ── order ────────────────────────────────────────────────────────────────────


def _ordered(standings: Sequence[Standing], sort: Sort, people: Sequence[str]) -> list[Standing]:
    """By value from high to low, key by key, the first person's where there are persons; what has none comes last, by place."""
    if sort == "place":
        return sorted(standings, key=lambda s: s.place)
    keys = {key: rank for rank, key in enumerate(dict.fromkeys(s.key.value for s in standings if s.key))}
    by_place = sorted(standings, key=lambda s: s.place)
    by_value = sorted(by_place, key=lambda s: _rank(_shown(s, people)), reverse=True)
    return sorted(by_value, key=lambda s: (s.reason is not None, keys.get(s.key.value, -1) if s.key else -1))


def _shown(standing: Standing, people: Sequence[str]) -> Value:
    if people and (outcome := standing.outcomes.get(people[0])) is not None:
        return None if outcome.value is None else outcome.value.value
    return None if standing.value is None else standing.value.value


def _rank(value: Value) -> tuple[int, Fraction, str]:
    match value:
        case None:
            return (0, Fraction(0), "")
        case str():
            return (1, Fraction(0), value)
        case date():
            return (2, Fraction(value.toordinal()), "")
        case _:
            return (2, Fraction(value), "")


__all__ = ["MOST_PEOPLE", "Lineup", "Need", "Outcome", "Reason", "Standing", "line_up"]
