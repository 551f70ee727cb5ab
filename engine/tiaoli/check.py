"""What is in force → the model, or everything that is wrong with it.

In order: facts, parameters and questions; each text of each rule with the clauses that hold in the same years; the memory of library
forms; what is not encoded here for want of a value; segments of years with one set of rules, in dependency order; ranges and 64-bit overflow; gaps and overlaps of tables; mandates.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from tiaoli import model as m
from tiaoli.bounds import Reach, reach
from tiaoli.check_desk import Desk
from tiaoli.check_facts import define
from tiaoli.check_gaps import check_tables
from tiaoli.check_mandates import check_mandates
from tiaoli.check_rules import elaborate_rules
from tiaoli.check_segments import into_segments
from tiaoli.check_unencoded import leave_out
from tiaoli.diagnostic import Diagnostic, errors
from tiaoli.elaborate import Elaborator
from tiaoli.model import ANY
from tiaoli.operators import MOST_MEMBERS
from tiaoli.resolve import resolve
from tiaoli.show_value import show_value
from tiaoli.symbols import InForce, RuleSymbol
from tiaoli.workshop import Workshop

_LIMIT = 2**63 - 1


def check(in_force: InForce, workshop: Workshop, to_run: bool = True) -> tuple[m.Program | None, list[Diagnostic]]:
    """Return the program of a place, or None where errors leave none, and all diagnostics. ``workshop`` is that of the library; where
    the program is not ``to_run``, the ranges that back ends ask for are not written into it.
    """
    found: list[Diagnostic] = []
    scope = resolve(in_force, found)
    program = _program_of(Desk(in_force, scope, Elaborator(scope), found, workshop, to_run))
    return (None if errors(found) else program), found


def _program_of(desk: Desk) -> m.Program:
    define(desk)
    elaborate_rules(desk)
    leave_out(desk)
    segments = into_segments(desk)
    ranges, totals = reach(
        (desk.in_force.first, desk.in_force.last), segments, desk.facts, desk.parameters, desk.workshop
    )
    segments = _bounded(desk, segments, ranges, totals)
    check_tables(desk, segments)
    segments = check_mandates(desk, segments, ranges)
    return _program(desk, segments)


def _bounded(desk: Desk, segments: list[m.Segment], ranges: Reach, totals: dict[str, m.Range]) -> list[m.Segment]:
    done: dict[int, m.Rule] = {}
    said: set[str] = set()
    spoiled = desk.spoiled
    for segment in segments:
        for rule in segment.rules:
            if id(rule) not in done:
                total = totals.get(rule.name, ANY)
                plain = isinstance(rule.body, m.Cases) and not desk.to_run
                done[id(rule)] = rule if plain else ranges.with_ranges(rule, total)
                fresh = rule.name not in said and not spoiled
                if (
                    fresh
                    and not desk.workshop.reading(rule).rules & said - {rule.name}
                    and _overflows(desk, rule, total)
                ):
                    said.add(rule.name)
    return [replace(segment, rules=tuple(done[id(r)] for r in segment.rules)) for segment in segments]


def _overflows(desk: Desk, rule: m.Rule, total: m.Range) -> bool:
    if not rule.type.kind.is_number:
        return False
    low, high = total
    if low is None or high is None or not -_LIMIT <= low * 10**rule.scale <= high * 10**rule.scale <= _LIMIT:
        nodes = (n for e in m.expressions(rule.body) for n in m.walk(e))
        summed = next((n for n in nodes if isinstance(n, m.Aggregate) and n.form == "合计"), None)
        if summed is None or summed.value is None:
            desk.say("E307", rule.span, None, name=rule.name)
        else:
            limit = show_value(_each(summed), summed.type)
            desk.say("E337", summed.value.span, None, name=rule.name, value=summed.value.span.text, limit=limit)
        return True
    return False


def _each(aggregate: m.Aggregate) -> Fraction:
    """A round number up to which values may reach so that their sum over all members stays within 64 bits."""
    most = _LIMIT // MOST_MEMBERS // 10 ** (aggregate.scale or 0)
    return Fraction(10 ** (len(str(most)) - 1))


def _program(desk: Desk, segments: list[m.Segment]) -> m.Program:
    texts = {id(r): r for segment in segments for r in segment.rules}.values()
    read = {name for text in texts for name in desk.workshop.reading(text).facts}
    for mandate in {id(g): g for segment in segments for g in segment.mandates}.values():
        nodes = list(m.walk(mandate.condition))
        read |= {n.name for n in nodes if isinstance(n, m.FactRef)} | {
            n.link for n in nodes if isinstance(n, m.Aggregate)
        }
    facts = {
        name: replace(f, required=name in read and not f.has_default and not f.type.nullable)
        for name, f in desk.facts.items()
    }
    symbols = desk.in_force.symbols
    outputs = tuple(n for n in desk.unencoded if isinstance(symbol := symbols.get(n), RuleSymbol) and symbol.output)
    return m.Program(
        desk.in_force.place, desk.in_force.first, desk.in_force.last, tuple(segments), facts,
        desk.parameters, desk.questions, desk.in_force.documents, desk.in_force.fingerprint, desk.unencoded, outputs, desk.entities, tuple(desk.idle),
    )  # fmt: skip
