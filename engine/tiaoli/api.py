"""The Python API: load rules, evaluate records, ask why.

    >>> import tiaoli
    >>> rules = tiaoli.load("CN-JX")
    >>> record = {"编号": "P001", "原封顶线": 400000,
    ...           "年度": {2025: {"参保": True, "缴费日期": "2024-11-02"}, 2026: {"参保": True, "缴费日期": "2025-11-02"}}}
    >>> result = rules.evaluate(record, years=range(2025, 2027))
    >>> result[2026]["大病保险最高支付限额"]
    Decimal('403000')

Values come out as Decimal (money in yuan, rates as parts of one), int (whole numbers and durations), date, bool, str, or None.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from tiaoli import model as m
from tiaoli.backends.interpreter import Compiled, compile_program, condition_function
from tiaoli.backends.python_code import internal
from tiaoli.backends.stages import Staged, stage_program
from tiaoli.consolidate import applies
from tiaoli.diagnostic import Diagnostic, errors
from tiaoli.divisions import division_of, is_code, place_named
from tiaoli.errors import EvaluationError, RulesetError, TiaoliError, UsageError
from tiaoli.meaning import Trouble, Unknown, evaluate
from tiaoli.moves import Stay, at_home, handed_over, stays, taken_along
from tiaoli.nearness import nearest
from tiaoli.outcome import Opening, Population, Result, explain_rule, not_encoded
from tiaoli.people import (
    Gathering,
    converted,
    no_state,
    points_nowhere,
    present_kinds,
    says_kind,
    stands_alone,
    uncomputed,
)
from tiaoli.pipeline import Library, first_year_of, program_of, read_library
from tiaoli.pipeline import load as load_library
from tiaoli.record_facts import KIND_KEYS, kind_named, kinds_of
from tiaoli.record_links import check_links
from tiaoli.records import Fault, Person, RecordReader
from tiaoli.source import Source
from tiaoli.trace import Tracer, inward
from tiaoli.values import INSURED, Kind


def load(place: str, rulesets: Path | str | Sequence[Path | str] = (), *, built_in: bool = True) -> Rules:
    """Return the rules of ``place`` (such as ``CN-JX``).

    ``rulesets`` are files or folders of one's own beside the built-in rulesets. Raises UsageError for an unknown place and
    RulesetError when the rules of the place have errors.
    """
    paths = [Path(rulesets)] if isinstance(rulesets, str | Path) else [Path(p) for p in rulesets]
    return Rules(load_library(paths, built_in, place), place)


def loads(*texts: str, place: str | None = None) -> Rules:
    """Return the rules written in ``texts`` alone, one document each; the place is that of the last document unless given."""
    library = read_library(Source(f"<text {i}>" if i else "<text>", text) for i, text in enumerate(texts))
    if not library.places:
        raise RulesetError(errors(library.diagnostics))
    return Rules(library, place or library.places[-1])


@dataclass(frozen=True)
class Rules:
    """The rules of one place. Programs are built for the years asked and kept."""

    library: Library
    place: str
    _programs: dict[int, tuple[m.Program | None, tuple[Diagnostic, ...]]] = field(default_factory=dict, repr=False)
    _compiled: dict[object, Compiled] = field(default_factory=dict, repr=False)
    _readers: dict[object, RecordReader] = field(default_factory=dict, repr=False)
    _staged: dict[object, Staged] = field(default_factory=dict, repr=False)
    _places: dict[str, Rules] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        above = [p for p in self.library.places if self.place == p or self.place.startswith(p + "-")]
        if not any("-" in p or p == self.place for p in above) and not (above and division_of(self.place)):
            broken = errors(self.library.diagnostics)
            if broken:
                raise RulesetError(broken)
            raise UsageError([no_place(self.place, self.library.places)])

    # ── what is in force ─────────────────────────────────────────────────────
    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything the checks say of the documents of this place, in years up to the newest document."""
        return (*self.library.diagnostics, *self._build(self.newest_year)[1])

    def program(self, last: int) -> m.Program:
        """Return the checked model up to the year ``last``. Raises RulesetError."""
        program, found = self._build(last)
        fatal = errors([*self.library.diagnostics, *found])
        if program is None or fatal:
            raise RulesetError(fatal)
        return program

    def forget(self) -> None:
        """Let go of what was compiled; it is made again when it is asked for."""
        for kept in (self._compiled, self._readers, self._staged):
            kept.clear()

    def reaching(self, last: int) -> m.Program:
        """Return a model that reaches up to the year ``last`` at least, one built before if there is one. Raises RulesetError."""
        return self._sound(last) or self.program(last)

    def _build(self, last: int) -> tuple[m.Program | None, tuple[Diagnostic, ...]]:
        if last not in self._programs:
            self._programs[last] = program_of(self.library, self.place, last)
        return self._programs[last]

    def _sound(self, last: int) -> m.Program | None:
        """The model up to ``last`` or beyond, whichever was built; None where it has errors."""
        for known in sorted(self._programs):
            program, found = self._programs[known]
            if known >= last and program is not None and not errors(found):
                return program if not errors(self.library.diagnostics) else None
        program, found = self._build(last)
        return None if errors([*self.library.diagnostics, *found]) else program

    @property
    def first_year(self) -> int:
        """The year computation starts from (计算自)."""
        return first_year_of(self.library, self.place)

    @cached_property
    def newest_year(self) -> int:
        """The latest year in which a document of the place (or of one above it) takes effect, or states a value."""
        own = [d.header.effective or 0 for d in self.library.documents if applies(d, self.place) and d.header]
        return max(own)

    @cached_property
    def newest(self) -> m.Program:
        """The model up to the newest document of the place."""
        return self.program(self.newest_year)

    @property
    def facts(self) -> Mapping[str, m.Fact]:
        """The facts that records may hold, by name."""
        return self.newest.facts

    @property
    def parameters(self) -> Mapping[str, m.Parameter]:
        """The parameters, by name."""
        return self.newest.parameters

    @property
    def questions(self) -> Mapping[str, m.Question]:
        """The open questions (存疑) that bear on results here, by name."""
        return self.newest.open_questions

    @property
    def rules(self) -> Mapping[str, tuple[m.Rule, ...]]:
        """The rules by name, each with its texts in order of years; hidden ones left out."""
        return {n: texts for n, texts in self.newest.rules.items() if not texts[0].hidden}

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the 结果 rules."""
        return self.newest.outputs

    # ── evaluating ───────────────────────────────────────────────────────────
    def evaluate(
        self,
        record: Mapping[str, Any],
        years: int | range,
        *,
        rules: Sequence[str] | None = None,
        readings: Mapping[str, str] | None = None,
        opening: Opening | None = None,
    ) -> Result:
        """Return the values of one record in ``years``.

        ``rules`` names the rules wanted (all 结果 rules otherwise), ``readings`` options of open questions by name, ``opening`` the
        (year, values by name) at the end of a year from which to go on. Raises RecordError for a faulty record, EvaluationError where
        a value cannot be computed, UsageError (also where rules need other records, see `population`) and RulesetError.
        """
        if (record.__class__ is not dict or "对象" in record or "entity" in record) and says_kind(record):
            return self._lone(record, years, rules, readings, opening)
        compiled = self.compiled(years, rules, readings)
        if compiled.beyond:
            stands_alone(compiled)
        person = self.reader(compiled, opening is not None).convert(record)
        return self.run(compiled, person, self.opened(opening, compiled.program))

    def evaluate_many(
        self,
        records: Iterable[Mapping[str, Any]],
        years: int | range,
        *,
        rules: Sequence[str] | None = None,
        readings: Mapping[str, str] | None = None,
    ) -> Iterator[Result | Fault]:
        """Yield a Result, or a Fault with its diagnostics, for each record, in order. The faulty do not stop the others."""
        compiled = self.compiled(years, rules, readings)
        reader = self.reader(compiled)
        for record in records:
            try:
                if compiled.beyond or says_kind(record):
                    yield self.evaluate(record, years, rules=rules, readings=readings)
                else:
                    yield self.run(compiled, reader.convert(record))
            except (EvaluationError, TiaoliError) as error:
                name = record.get("编号", record.get("id")) if isinstance(record, Mapping) else None
                yield Fault(None if name is None else str(name), error.diagnostics)

    def population(
        self,
        records: Iterable[Mapping[str, Any]],
        years: int | range,
        *,
        rules: Sequence[str] | None = None,
        readings: Mapping[str, str] | None = None,
        openings: Mapping[tuple[str, str], Opening] | None = None,
    ) -> Population:
        """Return the values of records of several kinds that need each other: persons, and other 对象 as their key 对象 (entity) says.

        ``rules`` names the rules wanted (all 结果 rules of the kinds given otherwise); ``openings`` the states to go on from, by
        (kind, id). Faulty records are left out: see `Population.faults`. Raises UsageError and RulesetError.
        """
        listed = list(records)
        program = self._ahead(_asked(years).stop)
        staged = self.staged(years, rules, readings, present_kinds(program, listed))
        return self.populate(staged, converted(self.reader_of(staged, bool(openings)), listed), openings)

    def populate(
        self,
        staged: Staged,
        items: Iterable[Person | Fault],
        openings: Mapping[tuple[str, str], Opening] | None = None,
        keep: int | None = None,
    ) -> Population:
        """Return the values of validated records (and the faults among ``items``); ``keep``: the first year whose values are kept."""
        people: dict[str, dict[str, Person]] = {entity: {} for entity in staged.kinds}
        faults: list[Fault] = []
        for item in items:
            if isinstance(item, Person):
                people[item.entity][item.id] = item
            else:
                faults.append(item)
        states = self._states(staged, people, openings or {}, faults) if openings else {}
        for entity, listed in people.items():
            for person in [p for p in listed.values() if p.places]:
                years = range(staged.begin, staged.asked.stop)
                moved = [y for y, place in person.places.items() if y in years and not self.same_rules(place)]
                if moved:
                    del listed[person.id]
                    reason = "与其他记录一起计算的人不能转移 / who is computed with other records cannot move"
                    arguments = {"person": person.id, "year": moved[0], "own": self.place, "reason": reason}
                    arguments["place"] = person.places[moved[0]]
                    faults.append(Fault(person.id, (Diagnostic("E806", arguments),), entity))
        years = range(staged.begin - 1, staged.asked.stop)
        faults += check_links(staged.program, staged.links, people, years, faults)
        opened = {
            entity: {i: self._open(staged.kinds[entity], opening) for i, opening in own.items()}
            for entity, own in states.items()
        }
        return Population(self.place, Gathering(staged, people, faults, states, opened, keep))

    def _states(
        self,
        staged: Staged,
        people: dict[str, dict[str, Person]],
        openings: Mapping[tuple[str, str], Opening],
        faults: list[Fault],
    ) -> dict[str, dict[str, Opening]]:
        """The opening states by kind and id as the interpreter holds them; who needs one and has none is left out."""
        states: dict[str, dict[str, Opening]] = {entity: {} for entity in people}
        for entity, listed in people.items():
            compiled = staged.kinds[entity]
            for ident in list(listed):
                try:
                    if (entity, ident) in openings:
                        states[entity][ident] = self.state(openings[entity, ident], staged.program)
                        self._open(compiled, states[entity][ident])
                    elif compiled.memory or compiled.memory_facts:
                        raise UsageError([no_state(ident)])
                except UsageError as error:
                    del listed[ident]
                    faults.append(Fault(ident, error.diagnostics, entity))
        ends = {opening[0] for kind in states.values() for opening in kind.values()}
        if len(ends) > 1:
            found = "、".join(map(str, sorted(ends)))
            reason = f"各条记录的状态是不同年度末的（{found}），须是同一年度末的\0the states are of the end of several years ({found}); they must be of one"
            raise UsageError([Diagnostic("E822", {"reason": reason})])
        return states

    def _lone(
        self,
        record: Mapping[str, Any],
        years: int | range,
        rules: Sequence[str] | None,
        readings: Mapping[str, str] | None,
        opening: Opening | None,
    ) -> Result:
        """One record that says its kind."""
        kind = self.kind_of(str(next(record[key] for key in KIND_KEYS if key in record)), years)
        staged = self.staged(years, rules, readings, (kind,))
        for compiled in staged.kinds.values():
            stands_alone(compiled)
        person = self.reader_of(staged, opening is not None).convert(record)
        points_nowhere(staged.kinds[kind], person)
        openings = None if opening is None else {(kind, person.id): opening}
        population = self.populate(staged, [person], openings)
        for fault in population.faults:
            raise EvaluationError(fault.diagnostics)
        return population.result(person.id, kind)

    def compiled(
        self, years: int | range, rules: Sequence[str] | None = None, readings: Mapping[str, str] | None = None
    ) -> Compiled:
        """Return the program compiled for insured persons, each by itself; kept for the next call with the same wishes."""
        asked = _asked(years)
        key = (asked, tuple(rules) if rules is not None else None, tuple(sorted((readings or {}).items())))
        if key not in self._compiled:
            self._compiled[key] = self._compile(asked, rules, readings or {})
        return self._compiled[key]

    def kind(self, name: str, years: int | range) -> str | None:
        """Return the kind of record that ``name`` names in ``years``, or None."""
        return kind_named(self._ahead(_asked(years).stop), name)

    def kind_of(self, name: str | None, years: int | range) -> str:
        """Return the kind of record that ``name`` names, the insured person where it is None. Raises UsageError."""
        if name is None:
            return INSURED
        if (kind := self.kind(name, years)) is None:
            known = kinds_of(self._ahead(_asked(years).stop))
            raise UsageError(
                [Diagnostic("E834", {"name": name, "known": "、".join(known), "near": nearest(name, known)})]
            )
        return kind

    def prepared(
        self,
        files: Sequence[tuple[str | None, Path]],
        years: int | range,
        rules: Sequence[str] | None,
        readings: Mapping[str, str] | None,
        kind: str = INSURED,
    ) -> tuple[Compiled | None, Staged | None]:
        """Return what computes the records of ``files`` (and of ``kind``): for persons who need no other records `compiled`, else `staged`."""
        program = self._ahead(_asked(years).stop)
        reader = RecordReader(program, range(0)) if program.entities else None
        found = {INSURED} if reader is None else {k for own, path in files for k in reader.kinds_in(path, own)} | {kind}
        if found == {INSURED}:
            compiled = self.compiled(years, rules, readings)
            if not compiled.joined:
                return compiled, None
        return None, self.staged(years, rules, readings, [k for k in kinds_of(program) if k in found])

    def staged(
        self,
        years: int | range,
        rules: Sequence[str] | None,
        readings: Mapping[str, str] | None,
        present: Sequence[str],
    ) -> Staged:
        """Return the program compiled for records of the kinds ``present`` together; kept like `compiled`."""
        asked = _asked(years)
        wishes = tuple(sorted((readings or {}).items()))
        key = (asked, tuple(rules) if rules is not None else None, wishes, tuple(present))
        if key not in self._staged:
            program, names, lasting = self.wanted(asked, rules, readings or {}, present)
            self._staged[key] = stage_program(program, asked, names, dict(readings or {}), lasting, present)
        return self._staged[key]

    def _compile(self, asked: range, rules: Sequence[str] | None, readings: Mapping[str, str]) -> Compiled:
        program, names, lasting = self.wanted(asked, rules, readings, (INSURED,))
        return compile_program(program, asked, names, readings, lasting)

    def wanted(
        self, asked: range, rules: Sequence[str] | None, readings: Mapping[str, str], present: Sequence[str]
    ) -> tuple[m.Program, tuple[str, ...], tuple[str, ...]]:
        """Return the program, the rules asked for (of the kinds ``present``), and those that later years will ask for. Raises UsageError."""
        if asked.start < self.first_year:
            raise UsageError([Diagnostic("E815", {"year": asked.start, "first": self.first_year})])
        program = self._ahead(asked.stop)
        in_force = {r.name for y in asked for r in program.segment(y).rules}
        outputs = tuple(n for n in program.outputs if program.rules[n][0].entity in present)
        names = tuple(n for n in outputs if n in in_force) if rules is None else tuple(rules)
        for name in names:
            if name not in in_force and name in program.unencoded:
                raise UsageError([not_encoded(program, name)])
            if name not in in_force and name in program.rules:
                raise UsageError([Diagnostic("E820", {"rule": name, "year": asked.stop - 1})])
            if name not in in_force:
                near = nearest(name, program.rules)
                raise UsageError([Diagnostic("E811", {"place": self.place, "name": name, "near": near})])
            if (entity := program.rules[name][0].entity) not in present:
                raise UsageError([Diagnostic("E833", {"rule": name, "entity": entity})])
        self._check_readings(program, readings)
        return program, names, (outputs if rules is None else names)

    def _ahead(self, following: int) -> m.Program:
        """The model up to a year in which the newest document holds, so that a closing state keeps what that year will read."""
        for last in (max(following, self.newest_year + 1), following):
            program = self._sound(last)
            if program is not None:
                return program
        return self.program(following - 1)

    def _check_readings(self, program: m.Program, readings: Mapping[str, str]) -> None:
        for name, option in readings.items():
            question = program.questions.get(name)
            if question is None:
                near = nearest(name, program.questions)
                raise UsageError([Diagnostic("E812", {"name": name, "near": near})])
            known = [o for o, _ in question.options]
            if option not in known:
                raise UsageError([Diagnostic("E813", {"name": name, "option": option, "known": known})])
            if question.settled and option != question.default:
                basis = "、".join(map(str, question.settled))
                arguments = {"name": name, "place": self.place, "option": question.default, "basis": basis}
                raise UsageError([Diagnostic("E845", arguments)])

    def reader(self, compiled: Compiled, opened: bool = False, partial: bool = False) -> RecordReader:
        """Return the reader of records for a compiled program; ``partial`` asks for no fact, ``opened`` for none of past years."""
        key = (id(compiled), opened, partial)
        if key not in self._readers:
            program = compiled.program
            years = _demanding(compiled, compiled.asked.start if opened else compiled.begin)
            read = set() if partial else set().union(*compiled.needed_facts.values())
            conditions = {f.name: condition_function(program, f) for f in program.facts.values() if f.required_when}
            program = _demanding_only(program, read)
            if partial:
                years, conditions = range(0), {}
            self._readers[key] = RecordReader(program, years, conditions)
        return self._readers[key]

    def reader_of(self, staged: Staged, opened: bool = False, partial: bool = False) -> RecordReader:
        """Return the reader of records of all kinds for a staged program; as `reader`."""
        key = (id(staged), opened, partial)
        if key not in self._readers:
            program = staged.program
            start = staged.asked.start if opened else staged.begin
            years = {entity: _demanding(compiled, start) for entity, compiled in staged.kinds.items()}
            needed = [names for kind in staged.kinds.values() for names in kind.needed_facts.values()]
            read = set() if partial else set().union(*needed)
            conditions = {f.name: condition_function(program, f) for f in program.facts.values() if f.required_when}
            program = _demanding_only(program, read)
            if partial:
                years, conditions = dict.fromkeys(years, range(0)), {}
            self._readers[key] = RecordReader(program, years[INSURED], conditions, years)
        return self._readers[key]

    def opened(self, opening: Opening | None, program: m.Program) -> Opening | None:
        """Return an opening state as `state` does, None where there is none."""
        return None if opening is None else self.state(opening, program)

    def state(self, opening: Opening, program: m.Program) -> Opening:
        """Return an opening state, its values as records write them, in the form the interpreter holds. Raises UsageError."""
        year, values = opening
        held: dict[str, Any] = {}
        for name, value in values.items():
            if name in program.rules:
                kind, digits = program.rules[name][0].type, program.rules[name][0].scale
            elif name in program.facts:
                kind, digits = program.facts[name].type, program.facts[name].digits
            else:
                near = nearest(name, [*program.rules, *program.facts])
                hints = (f"，是不是“{near}”？", f"; did you mean '{near}'?") if near else ("", "")
                reason = f"没有名为“{name}”的规则或事实{hints[0]}\0there is no rule or fact named '{name}'{hints[1]}"
                raise UsageError([Diagnostic("E822", {"reason": reason})])
            try:
                held[name] = inward(value, kind, digits)
            except ValueError:
                named = [kind.present.name(lang) for lang in ("zh", "en")]
                reason = f"“{name}”的值应是{named[0]}，却是 {value}\0the value of '{name}' must be of type {named[1]}, found {value}"
                raise UsageError([Diagnostic("E822", {"reason": reason})]) from None
        return year, held

    def run(self, compiled: Compiled, person: Person, opening: Opening | None = None) -> Result:
        """Return the values of a validated person; ``opening`` comes from `state`. A person who moves is computed with the rules of each
        year's place. Raises EvaluationError, and UsageError where a rule goes through a link of the person."""
        if compiled.pointers:
            points_nowhere(compiled, person)
        if person.places and not all(map(self.same_rules, person.places.values())):
            journey = self._journey(compiled, person, opening)
            if len(journey) > 1 or journey[0].place != self.place:
                return self._travel(compiled, person, opening, journey)
        return self._stay(compiled, person, opening)

    def _stay(self, compiled: Compiled, person: Person, opening: Opening | None) -> Result:
        """The values of a person all of whose years are under these rules."""
        start = self._open(compiled, opening) if opening is not None else None
        try:
            values = compiled.run(person.facts, person.years, start)
        except (ArithmeticError, LookupError, ValueError, TypeError):
            values = self._slowly(compiled, person, opening)
        return Result(self.place, compiled, person, values, opening)

    # ── moving ───────────────────────────────────────────────────────────────
    def _journey(self, compiled: Compiled, person: Person, opening: Opening | None) -> list[Stay]:
        start = compiled.begin if opening is None else opening[0] + 1
        return stays(person, range(start, compiled.asked.stop), self.place, self.same_rules)

    def _travel(self, compiled: Compiled, person: Person, opening: Opening | None, journey: list[Stay]) -> Result:
        """The values of a person who moves; each stay goes on from the state that the one before leaves."""
        plans: list[tuple[Rules, Compiled]] = []
        for stay in reversed(journey):
            needed = plans[0][1].memory if plans else ()
            rules = self._elsewhere(stay.place)
            plans.insert(0, (rules, rules._for_stay(stay, (*compiled.outputs, *needed), compiled.readings)))
        state, parts, by_year = opening, list[Result](), dict[int, Result]()
        for index, (stay, (rules, kept)) in enumerate(zip(journey, plans, strict=True)):
            here = taken_along(person, compiled.program, kept, stay)
            result = rules._stay(kept, here, state)
            parts.append(result)
            by_year |= dict.fromkeys(range(stay.first, stay.last + 1), result)
            if index + 1 < len(journey):
                following, wanted = plans[index + 1]
                there = taken_along(person, compiled.program, wanted, journey[index + 1])
                state = handed_over(result, stay.last, there, wanted, partial(following._past, there, stay.last))
        rows = at_home(compiled, by_year)
        return Result(self.place, compiled, person, rows, opening, stays=tuple(parts))

    def _elsewhere(self, place: str) -> Rules:
        """The rules of another place of the same library."""
        if place == self.place:
            return self
        if place not in self._places:
            self._places[place] = Rules(self.library.about(place), place)
        return self._places[place]

    def _for_stay(self, stay: Stay, wanted: Sequence[str], readings: Mapping[str, str]) -> Compiled:
        """The program compiled for a stay: those of the rules wanted that this place has, with the readings that it knows."""
        asked = range(stay.first, stay.last + 1)
        key = (stay, tuple(wanted), tuple(sorted(readings.items())))
        if key not in self._compiled:
            program = self._ahead(asked.stop)
            in_force = {r.name for y in asked for r in program.segment(y).rules if r.entity == INSURED}
            names = [n for n in dict.fromkeys(wanted) if n in in_force]
            known = {n: o for n, o in readings.items() if n in program.open_questions}
            self._compiled[key] = compile_program(program, asked, names, known, names)
        return self._compiled[key]

    def _past(self, person: Person, year: int, name: str) -> Any:
        """What a library form of these rules remembers at the end of ``year``, for someone always under them."""
        kept = self._for_stay(Stay(self.place, year, year), (name,), {})
        if name not in kept.computed.get(year, ()):
            rule = kept.program.rules[name][0] if name in kept.program.rules else self.program(year + 1).rules[name][0]
            return internal(rule.initial, rule.scale)
        return self._stay(kept, person, None).rows[year][kept.slots[name]]

    def same_rules(self, place: str) -> bool:
        """Return whether a place has no documents but those of the place of these rules."""
        return self.library.concerning(place) == self.library.concerning(self.place)

    def _open(self, compiled: Compiled, opening: Opening) -> tuple[int, tuple[Any, ...], tuple[Any, ...]]:
        year, values = opening
        if not max(compiled.program.first, compiled.begin - 1) <= year < compiled.asked.start:
            wanted = compiled.asked.start - 1
            reason = f"状态是{year}年度末的，这次计算要的是{wanted}年度末的\0the state is of the end of {year}; this run needs that of {wanted}"
            raise UsageError([Diagnostic("E822", {"reason": reason})])
        needed = [n for n in (*compiled.memory, *compiled.memory_facts) if n not in values]
        if needed:
            reason = f"状态里缺少 {'、'.join(needed)}\0the state lacks {', '.join(needed)}"
            raise UsageError([Diagnostic("E822", {"reason": reason})])
        state = tuple(values.get(n, i) for n, i in zip(compiled.names, compiled.initial, strict=True))
        yearly = [f.name for f in compiled.program.facts_of(compiled.entity) if f.yearly]
        facts = tuple(values.get(n, d) for n, d in zip(yearly, compiled.default_year, strict=True))
        return year, state, facts

    def _slowly(self, compiled: Compiled, person: Person, opening: Opening | None) -> dict[int, tuple[Any, ...]]:
        """Work the person out with every step kept: what can be computed is, and the first thing that cannot is said."""
        tracer = Tracer(compiled.program, person.facts, person.years, compiled.readings, opening)
        values: dict[int, tuple[Any, ...]] = {}
        for year in compiled.asked:
            row = []
            for name, initial in zip(compiled.names, compiled.initial, strict=True):
                step = tracer.step(name, year)
                if step is None:
                    row.append(_mandated(compiled, name, year, tracer) if name.startswith("要求 ") else initial)
                    continue
                needs = step.decision.value if step.decision else None
                if isinstance(needs, Unknown) and name in compiled.outputs:
                    raise EvaluationError([uncomputed(needs, person.id, year, name)])
                if step.trouble is not None and name in compiled.outputs:
                    raise EvaluationError([uncomputed(step.trouble, person.id, year, name)])
                row.append(_held(step, initial))
            values[year] = tuple(row)
        return values

    def breaches(self, result: Result) -> list[Diagnostic]:
        """Return the mandates that this person's values break, for mandates that parameters alone do not decide."""
        return result.breaches


def no_place(place: str, known: Sequence[str]) -> Diagnostic:
    """Return what is said of a place that there is not: a few are listed, of many only their number.

    Among codes of two letters any other is near, so none is guessed.
    """
    few = len(known) <= 8
    listed = "、".join(known)
    reason = f"现有 {listed}\0there are {listed}" if few else f"现有 {len(known)} 个\0there are {len(known)}"
    near = place_named(place, known) or (None if is_code(place) else nearest(place, known))
    return Diagnostic("E810", {"place": place, "reason": reason, "near": near})


def _asked(years: int | range) -> range:
    asked = range(years, years + 1) if isinstance(years, int) else years
    if not isinstance(asked, range) or len(asked) == 0 or asked.step != 1:
        raise UsageError([Diagnostic("E814", {"text": str(years)})])
    return asked


def _demanding_only(program: m.Program, read: set[str]) -> m.Program:
    """The program with only those facts required that are read."""
    idle = {n: replace(f, required=False) for n, f in program.facts.items() if f.required and n not in read}
    return replace(program, facts={**program.facts, **idle}) if idle else program


def _demanding(compiled: Compiled, start: int) -> range:
    """The years from ``start`` on in which rules read facts that have neither default nor 可空."""
    strict = {f.name for f in compiled.program.facts.values() if f.yearly and f.required}
    years = [y for y, names in compiled.needed_facts.items() if y >= start and names & strict]
    return range(min(years), max(years) + 1) if years else range(0)


def _held(step: Any, initial: Any) -> Any:
    if step.decision is None or isinstance(step.decision.value, Unknown):
        return initial
    return internal(step.decision.value, step.rule.scale)


def _mandated(compiled: Compiled, name: str, year: int, tracer: Tracer) -> bool | None:
    """Whether a watched mandate holds, None where it is not known."""
    mandate = next((g for slot, g in compiled.watched.get(year, ()) if compiled.names[slot] == name), None)
    if mandate is None:
        return None
    try:
        holds = evaluate(mandate.condition, tracer.at(year))
    except Trouble:
        return None
    return holds if isinstance(holds, bool) else None


__all__ = [
    "EvaluationError",
    "Kind",
    "Population",
    "Result",
    "Rules",
    "RulesetError",
    "UsageError",
    "explain_rule",
    "load",
    "loads",
]
