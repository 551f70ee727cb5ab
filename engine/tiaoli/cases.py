"""Cases: records with the results a document demands, run like any other record, and which clauses they reach.

A case has one record, or several that need each other: then results are expected by kind and id. A `*.cases.yaml` file stands beside the documents of a place. A failing case shows expected and actual and why the actual came out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

from tiaoli import model as m
from tiaoli.api import EvaluationError, Population, Result, Rules, UsageError
from tiaoli.consolidate import applies
from tiaoli.diagnostic import Diagnostic, Related
from tiaoli.errors import TiaoliError
from tiaoli.explain_text import as_text
from tiaoli.nearness import nearest
from tiaoli.outcome import not_encoded
from tiaoli.outline import covers, outlines
from tiaoli.people import stands_alone
from tiaoli.record_facts import ID_KEYS
from tiaoli.record_files import decode
from tiaoli.record_places import BrokenError, Entries, Node, Raw, from_node
from tiaoli.record_yaml import yaml_nodes
from tiaoli.records import Fault, RecordReader
from tiaoli.show_value import show_value
from tiaoli.source import half_width
from tiaoli.trace import Tracer, in_units
from tiaoli.values import INSURED, INSURED_NAMES

_ENGLISH = {
    "place": "地区", "cases": "用例", "name": "名称", "clauses": "条文", "readings": "读法", "opening": "期初", "record": "记录",
    "expect": "期望", "note": "说明", "year": "年度", "values": "值", "fault": "期望错误",
}  # fmt: skip


Expected: TypeAlias = Mapping[int, Mapping[str, tuple[Any, int, int]]]


@dataclass(frozen=True, slots=True)
class Case:
    """One case as read. ``expected`` holds, by year and rule, the plain value and its place; ``fault`` a code that must be reported.

    ``others`` holds the same by kind and id, for cases of several records.
    """

    name: str
    place: str
    readings: Mapping[str, str]
    opening: tuple[int, Mapping[str, Any]] | None
    record: Node
    expected: Expected
    clauses: tuple[Node, ...]
    fault: str | None
    path: Path
    line: int
    others: Mapping[tuple[str, str], Expected] = field(default_factory=dict)

    @property
    def years(self) -> set[int]:
        """The years of which something is expected."""
        return {year for expected in (self.expected, *self.others.values()) for year in expected}

    @property
    def together(self) -> bool:
        """Whether the case has several records, or one of another kind than the insured person."""
        return isinstance(self.record.value, list) or bool(self.others)


@dataclass(frozen=True, slots=True)
class Failure:
    """What a case shows to be otherwise, and the explanation of the value that came out."""

    case: Case
    diagnostic: Diagnostic
    explanation: str


@dataclass(slots=True)
class Coverage:
    """Which deciding places (clauses, rows, bands) of a place's rules the cases reached."""

    reached: set[tuple[str, int]] = field(default_factory=set)

    def of(self, program: m.Program) -> dict[str, tuple[int, int, list[m.Clause | m.Row | m.Band]]]:
        """Return by document: how many were reached, how many there are, and those not reached."""
        table: dict[str, tuple[int, int, list[m.Clause | m.Row | m.Band]]] = {}
        for document, places in _deciding(program).items():
            missed = [p for key, p in places.items() if key not in self.reached]
            table[document] = (len(places) - len(missed), len(places), missed)
        return table

    def take(self, tracer: Tracer) -> None:
        for step in tracer.steps.values():
            for decided in step.decision.decided if step.decision else ():
                self.reached.add(_key(decided))


def _key(place: m.Clause | m.Row | m.Band) -> tuple[str, int]:
    return place.span.source.path, place.span.start


def _deciding(program: m.Program) -> dict[str, dict[tuple[str, int], m.Clause | m.Row | m.Band]]:
    """The deciding places by the document that states them: an exception of a lower document is that document's."""
    table: dict[str, dict[tuple[str, int], m.Clause | m.Row | m.Band]] = {}
    for texts in program.rules.values():
        for rule in texts:
            if rule.hidden:
                continue
            places: list[m.Clause | m.Row | m.Band]
            match rule.body:
                case m.Cases(exceptions, clauses):
                    places = [*(c for g in exceptions for c in g), *clauses]
                case m.DecisionTable() as body:
                    places = [*body.rows, *([body.otherwise] if body.otherwise else [])]
                case m.MarginalScale() as body:
                    places = list(body.bands)
            for place in places:
                document = place.document if isinstance(place, m.Clause) else rule.document
                table.setdefault(document, {})[_key(place)] = place
    return table


# ── reading ──────────────────────────────────────────────────────────────────


class CaseError(TiaoliError):
    """A cases file that cannot be read."""


def read_cases(path: Path) -> tuple[list[Case], list[Diagnostic]]:
    """Return the cases of a file, and what is wrong with those that cannot be read. Raises CaseError where the file itself cannot."""
    try:
        nodes = yaml_nodes(decode(path.read_bytes()))
    except BrokenError as broken:
        trouble = broken.trouble
        reason = str(trouble.arguments.get("reason", ""))
        raise _mistake(path, trouble.line or 1, trouble.column or 1, reason) from None
    except OSError as error:
        raise CaseError([Diagnostic("E818", {"path": str(path), "reason": error.strerror or ""})]) from None
    if len(nodes) != 1:
        raise _mistake(path, 1, 1, "应是一个含 地区 和 用例 的映射 / must be one mapping with place and cases")
    top = _mapping(nodes[0], path, ("地区", "用例", "说明"))
    place = _text(_need(top, "地区", nodes[0], path), path)
    listed = _need(top, "用例", nodes[0], path)
    if not isinstance(listed.value, list):
        raise _mistake(path, listed.line, listed.column, "用例 应是列表 / cases must be a list")
    cases: list[Case] = []
    wrong: list[Diagnostic] = []
    for node in listed.value:
        try:
            cases.append(_case(node, place, path))
        except CaseError as error:
            wrong += error.diagnostics
    return cases, wrong


def _mistake(path: Path, line: int, column: int, reason: str) -> CaseError:
    return CaseError([Diagnostic("E830", {"reason": reason}, path=str(path), line=line, column=column)])


def _mapping(node: Node, path: Path, known: tuple[str, ...]) -> dict[str, Node]:
    if not isinstance(node.value, Entries):
        raise _mistake(path, node.line, node.column, "应是映射 / must be a mapping")
    found: dict[str, Node] = {}
    for key, value in node.value.pairs:
        name = _ENGLISH.get(str(key.value), str(key.value))
        if known and name not in known:
            near = nearest(name, known)
            hint = f"，是不是“{near}”？" if near else ""
            raise _mistake(path, key.line, key.column, f"未知的项“{key.value}” / unknown key{hint}")
        if name in found:
            raise _mistake(path, key.line, key.column, f"“{name}”重复 / given twice")
        found[name] = value
    return found


def _need(found: Mapping[str, Node], name: str, node: Node, path: Path) -> Node:
    if name not in found:
        raise _mistake(path, node.line, node.column, f"缺少“{name}” / missing '{name}'")
    return found[name]


def _text(node: Node, path: Path) -> str:
    if isinstance(node.value, Entries | list) or node.value is None:
        raise _mistake(path, node.line, node.column, "应是文字 / must be text")
    return str(node.value)


_KEYS = ("名称", "条文", "读法", "期初", "记录", "期望", "说明", "期望错误")


def _case(node: Node, place: str, path: Path) -> Case:
    top = _mapping(node, path, _KEYS)
    name = _text(_need(top, "名称", node, path), path)
    readings = {k: _text(v, path) for k, v in _mapping(top["读法"], path, ()).items()} if "读法" in top else {}
    clauses = top.get("条文")
    listed = clauses.value if clauses and isinstance(clauses.value, list) else [clauses] if clauses else []
    fault = _text(top["期望错误"], path) if "期望错误" in top else None
    if fault is None:
        _need(top, "期望", node, path)
    expected, others = _wanted(top["期望"], path) if "期望" in top else ({}, {})
    return Case(
        name, place, readings, _opening(top.get("期初"), path), _need(top, "记录", node, path),
        expected, tuple(c for c in listed if _text(c, path)), fault, path, node.line, others,
    )  # fmt: skip


def _wanted(node: Node, path: Path) -> tuple[Expected, dict[tuple[str, str], Expected]]:
    """What is expected of the one record by year, and of others by kind and id: {统筹地区: {360100: {2026: {…}}}}."""
    if not isinstance(node.value, Entries):
        return _expected(node, path), {}
    years = [pair for pair in node.value.pairs if str(pair[0].value).removesuffix("年度").isdigit()]
    others: dict[tuple[str, str], Expected] = {}
    for kind, listed in (pair for pair in node.value.pairs if pair not in years):
        if not isinstance(listed.value, Entries) or not all(
            isinstance(v.value, Entries) for _, v in listed.value.pairs
        ):
            _year(kind, path)
        for ident, value in _mapping(listed, path, ()).items():
            others[str(kind.value), ident] = _expected(value, path)
    if others and not years:
        return {}, others
    return _expected(Node(Entries(years), node.line, node.column), path), others


def _opening(node: Node | None, path: Path) -> tuple[int, Mapping[str, Any]] | None:
    if node is None:
        return None
    top = _mapping(node, path, ("年度", "值"))
    values = _mapping(_need(top, "值", node, path), path, ())
    return _year(_need(top, "年度", node, path), path), {k: v.value for k, v in values.items()}


def _year(node: Node, path: Path) -> int:
    text = str(node.value).removesuffix("年度")
    if not text.isdigit():
        raise _mistake(path, node.line, node.column, f"“{node.value}”不是年度 / not an insured year")
    return int(text)


def _expected(node: Node, path: Path) -> dict[int, dict[str, tuple[Any, int, int]]]:
    if not isinstance(node.value, Entries):
        raise _mistake(path, node.line, node.column, "期望 应按年度写 / expect must be keyed by year")
    found: dict[int, dict[str, tuple[Any, int, int]]] = {}
    for key, value in node.value.pairs:
        year = _year(key, path)
        if year in found:
            raise _mistake(path, key.line, key.column, f"年度 {year} 重复 / given twice")
        found[year] = {k: (v.value, v.line, v.column) for k, v in _mapping(value, path, ()).items()}
    if not found:
        raise _mistake(path, node.line, node.column, "期望 是空的 / expect is empty")
    return found


# ── running ──────────────────────────────────────────────────────────────────


def run_case(case: Case, rules: Rules, coverage: Coverage) -> list[Failure]:
    """Return what the case shows to be otherwise; nothing when it passes."""
    years = range(min(case.years, default=rules.first_year), max(case.years, default=rules.first_year) + 1)
    if case.fault is not None and not case.years:
        years = range(rules.first_year, rules.newest.last + 1)
    try:
        if case.together:
            return _run_together(case, rules, years, coverage)
        result = _evaluate(case, rules, years)
    except TiaoliError as error:
        return _refused(case, error)
    if isinstance(result, Fault):
        return _refused(case, TiaoliError(result.diagnostics))
    coverage.take(_touched(result))
    failures = [f for year, wanted in case.expected.items() for f in _compare(case, result, year, wanted)]
    if case.fault is not None:
        codes = [d.code for d in rules.breaches(result)]
        if case.fault not in codes:
            failures.append(_failure(case, f"应报告 {case.fault} / should report {case.fault}", case.line, 1))
    return failures


def _run_together(case: Case, rules: Rules, years: range, coverage: Coverage) -> list[Failure]:
    """A case of several records."""
    listed = case.record.value if isinstance(case.record.value, list) else [case.record]
    names = _asked(case, rules, years)
    raws = [from_node(node) for node in listed]
    reader = RecordReader(rules.reaching(years.stop - 1), range(0))
    kinds = {reader.kind(raw.value) for raw in raws}
    present = [kind for kind in (INSURED, *rules.reaching(years.stop - 1).entities) if kind in kinds]
    staged = rules.staged(years, names, case.readings, present)
    opening = {(INSURED, str(i)): case.opening for i in _ids(raws)} if case.opening is not None else None
    population = rules.populate(staged, rules.reader_of(staged, bool(opening)).read_raws(raws, case.path), opening)
    if population.faults:
        return _refused(case, TiaoliError([d for fault in population.faults for d in fault.diagnostics]))
    failures: list[Failure] = []
    breaches: list[Diagnostic] = []
    for result in population:
        coverage.take(_touched(result))
        breaches += rules.breaches(result)
    for (kind, ident), expected in _told(case, population).items():
        result = population.result(ident, kind)
        failures += [f for year, wanted in expected.items() for f in _compare(case, result, year, wanted)]
    if case.fault is not None and case.fault not in [d.code for d in (*breaches, *population.warnings)]:
        failures.append(_failure(case, f"应报告 {case.fault} / should report {case.fault}", case.line, 1))
    return failures


def _told(case: Case, population: Population) -> dict[tuple[str, str], Expected]:
    """What is expected of each record; what stands without kind and id is expected of the only person."""
    told = {(INSURED if k in INSURED_NAMES else k, i): expected for (k, i), expected in case.others.items()}
    if case.expected:
        people = [i for i in population.gathering.people[INSURED] if (INSURED, i) not in told]
        if len(people) != 1:
            reason = "记录中有几个人时，期望要写 参保人: {编号: {年度: …}} / several persons: say whose by kind and id"
            raise _mistake(case.path, case.line, 1, reason)
        told[INSURED, people[0]] = case.expected
    return told


def _ids(raws: list[Raw]) -> Iterator[object]:
    for raw in raws:
        if isinstance(raw.value, Mapping):
            yield next((raw.value[key] for key in ID_KEYS if key in raw.value), None)


def _asked(case: Case, rules: Rules, years: range) -> tuple[str, ...] | None:
    """The rules of which something is expected, None where that is nothing."""
    program = rules.reaching(max(years.stop, rules.newest_year + 1))
    every = (case.expected, *case.others.values())
    names = {n for expected in every for wanted in expected.values() for n in wanted}
    unknown = next((n for n in names if n not in program.rules), None)
    if unknown is not None and unknown in program.unencoded:
        raise UsageError([not_encoded(program, unknown)])
    if unknown is not None:
        near = nearest(unknown, program.rules)
        raise UsageError([Diagnostic("E811", {"place": case.place, "name": unknown, "near": near})])
    for (kind, _), expected in case.others.items():
        rules.kind_of(kind, years)
        for name in {n for wanted in expected.values() for n in wanted}:
            owner = program.rules[name][0].entity
            if owner != rules.kind_of(kind, years):
                raise UsageError([Diagnostic("E835", {"rule": name, "entity": owner, "kind": kind})])
    return tuple(n for n in program.rules if n in names) or None


def _touched(result: Result) -> Tracer:
    """Work a record out by the reference, for what decided."""
    tracer = result.tracer
    if result.population is None:
        person, compiled = result.person, result.compiled
        tracer = Tracer(compiled.program, person.facts, person.years, compiled.readings, result.opening, lean=True)
    for year in result.compiled.asked:
        tracer.step("", year)
    return tracer


def _evaluate(case: Case, rules: Rules, years: range) -> Result | Fault:
    program = rules.reaching(years.stop - 1)
    asked = _asked(case, rules, years)
    compiled = rules.compiled(years, asked, case.readings)
    stands_alone(compiled)
    person = rules.reader(compiled, case.opening is not None).one(from_node(case.record), case.path)
    if isinstance(person, Fault):
        return person
    return rules.run(compiled, person, rules.opened(case.opening, program))


def _refused(case: Case, error: TiaoliError) -> list[Failure]:
    if case.fault is not None and any(case.fault in (d.code, d.arguments.get("cause")) for d in error.diagnostics):
        return []
    if isinstance(error, EvaluationError | UsageError):
        return [Failure(case, _at(case, d), "") for d in error.diagnostics]
    return [Failure(case, d, "") for d in error.diagnostics]


def _at(case: Case, diagnostic: Diagnostic) -> Diagnostic:
    """What is said of a run, said of a case; the place of a rule comes second."""
    rule = () if diagnostic.span is None else (Related(diagnostic.span, "rule_here"),)
    related = (*rule, *diagnostic.related)
    place = {"path": str(case.path), "line": case.line, "column": 1}
    return Diagnostic(diagnostic.code, diagnostic.arguments, None, diagnostic.clause, related, **place)  # type: ignore[arg-type]


def _failure(case: Case, reason: str, line: int, column: int) -> Failure:
    diagnostic = Diagnostic("E830", {"reason": f"{case.name}: {reason}"}, path=str(case.path), line=line, column=column)
    return Failure(case, diagnostic, "")


def _compare(case: Case, result: Result, year: int, wanted: Mapping[str, tuple[Any, int, int]]) -> Iterator[Failure]:
    actual = result[year]
    for name, (expected, line, column) in wanted.items():
        if same(expected, actual[name]):
            continue
        kind = result.compiled.program.rules[name][0].type
        in_force = name in result.compiled.computed.get(year, ())
        shown = show_value(_units(result, name, year), kind) if in_force else "没有施行"
        arguments = {"case": case.name, "year": year, "rule": name, "expected": _written(expected), "actual": shown}
        diagnostic = Diagnostic("E831", arguments, path=str(case.path), line=line, column=column)
        yield Failure(case, diagnostic, as_text(result.explain(name, year)) if in_force else "")


def _units(result: Result, name: str, year: int) -> Any:
    rule = result.compiled.program.rules[name][0]
    return in_units(result.rows[year][result.compiled.slots[name]], rule.scale)


def _written(value: Any) -> str:
    match value:
        case None:
            return "无"
        case bool():
            return "是" if value else "否"
        case int() | Decimal():
            return f"{value:,}"
        case _:
            return str(value)


def same(expected: Any, actual: Any) -> bool:
    """Whether a value written in a case is the value computed: numbers by worth, dates by day, 是 as true."""
    if isinstance(actual, bool):
        return expected is actual or expected == ("是" if actual else "否")
    if isinstance(actual, date):
        return str(expected) == actual.isoformat()
    if actual is None:
        return expected is None or expected == "无"
    if isinstance(actual, int | Decimal):
        return isinstance(expected, int | Decimal) and not isinstance(expected, bool) and expected == actual
    return bool(expected == actual)


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a run of cases."""

    passed: int
    failures: tuple[Failure, ...]
    coverage: Mapping[str, tuple[int, int, list[m.Clause | m.Row | m.Band]]]


def run_cases(
    paths: list[Path], rules_of: Callable[[str], Rules], each: Callable[[Case], None] = lambda _: None
) -> Report:
    """Run every case of the files; ``rules_of`` gives the rules of a place, ``each`` hears of each case (for progress)."""
    failures: list[Failure] = []
    coverage = Coverage()
    used: dict[str, Rules] = {}
    passed = 0
    for path in paths:
        cases: list[Case] = []
        wrong: Sequence[Diagnostic] = ()
        try:
            cases, wrong = read_cases(path)
            for case in cases:
                used[case.place] = used.get(case.place) or rules_of(case.place)
        except TiaoliError as error:
            if cases and all(_refused(case, error) == [] for case in cases):
                passed += len(cases)
                continue
            cases, wrong = [], error.diagnostics
        failures.extend(Failure(_blank(path), d, "") for d in wrong)
        _reach(cases, used)
        for case in cases:
            rules = used[case.place]
            found = [*_unknown_clauses(case, rules), *run_case(case, rules, coverage)]
            failures.extend(found)
            passed += not found
            each(case)
        for place in {case.place for case in cases}:
            used[place].forget()
    tables: dict[str, tuple[int, int, list[m.Clause | m.Row | m.Band]]] = {}
    for rules in used.values():
        for document, entry in coverage.of(rules.newest).items():
            tables.setdefault(document, entry)
    return Report(passed, tuple(failures), tables)


def _reach(cases: list[Case], used: Mapping[str, Rules]) -> None:
    """Build the model of each place once, as far as its cases look, not further with each."""
    for place in {case.place for case in cases}:
        with suppress(TiaoliError):
            rules = used[place]
            rules.reaching(max([rules.newest_year, *(year for c in cases if c.place == place for year in c.years)]) + 1)


def _blank(path: Path) -> Case:
    """Stands for a case that could not be read."""
    return Case(path.name, "", {}, None, Node(None, 1, 1), {}, (), None, path, 1)


def _unknown_clauses(case: Case, rules: Rules) -> Iterator[Failure]:
    """条文 that no document of the place has in its outline: neither the clause, nor a part of it, nor what it is a part of."""
    documents = [d for d in rules.library.documents if applies(d, case.place)]
    if any("条文" in d.broken for d in documents):
        return
    known = {o.clause.text for d in documents for o in outlines(d)}
    for node in case.clauses if known else ():
        clause = half_width(str(node.value)).replace(" ", "")
        if not any(covers(one, clause) or covers(clause, one) for one in known):
            arguments = {"clause": str(node.value), "place": case.place, "near": nearest(clause, known)}
            yield Failure(
                case, Diagnostic("E846", arguments, path=str(case.path), line=node.line, column=node.column), ""
            )


__all__ = [
    "Case",
    "CaseError",
    "Coverage",
    "Failure",
    "Report",
    "read_cases",
    "run_case",
    "run_cases",
    "same",
]
