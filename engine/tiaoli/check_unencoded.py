"""Rules that a place does not encode: those that need a parameter to which neither the place nor any above it gives a value.

The nation may declare a parameter and leave the figure to the provinces. Where a province's figure is not known, what rests on it is
no error and no zero: the rule is left out in those years, with all that rests on it, and asking for it says which figure is missing.
What asks whether there is a value ends the chain: for those that read it, a 可空 rule left out has none.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from tiaoli import model as m
from tiaoli.check_desk import Desk
from tiaoli.workshop import Reading

_Needs = dict[str, set[str]]


def leave_out(desk: Desk) -> None:
    """Cut the rules of ``desk`` down to the years in which every awaited parameter they read has a value."""
    years = range(desk.in_force.first, desk.in_force.last + 1)
    lacking = {name: _lacking(p, years) for name, p in desk.parameters.items() if p.awaited and not p.type.nullable}
    lacking = {name: missing for name, missing in lacking.items() if missing}
    if not lacking:
        return
    missing = _missing(desk, lacking, years)
    different = list({id(needs): needs for needs in missing.values()}.values())
    for name in list(desk.rules):
        wanting = {p for needs in different for p in needs.get(name, ())}
        if not wanting:
            continue
        desk.unencoded[name] = tuple(sorted(wanting))
        desk.rules[name] = [piece for text in desk.rules[name] for piece in _pieces(text, missing)]
        if not desk.rules[name]:
            del desk.rules[name]


def _lacking(parameter: m.Parameter, years: range) -> frozenset[int]:
    """The years without any value; a value for some keys alone is a gap, which is said elsewhere."""
    given = [range(v.first, years.stop if v.last is None else v.last + 1) for v in parameter.values]
    return frozenset(y for y in (years.start - 1, *years) if not any(y in run for run in given))


def _missing(desk: Desk, lacking: dict[str, frozenset[int]], years: range) -> dict[int, _Needs]:
    """By year and rule, the parameters without value on which the rule rests; years alike are worked out once."""
    texts = [desk.workshop.reading(text) for several in desk.rules.values() for text in several]
    done: dict[object, _Needs] = {}
    missing: dict[int, _Needs] = {}
    turns = {r.rule.first for r in texts} | {r.rule.last + 1 for r in texts}
    edges = {y for gaps in lacking.values() for y in gaps if y - 1 not in gaps}
    edges |= {y + 1 for gaps in lacking.values() for y in gaps if y + 1 not in gaps}
    turns |= edges | {y + 1 for y in edges}
    needs: _Needs = {}
    for year in years:
        if year not in turns and year != years.start:
            missing[year] = needs
            continue
        active = [r for r in texts if r.rule.first <= year <= r.rule.last]
        absent = frozenset((name, lag) for name, gaps in lacking.items() for lag in (0, 1) if year - lag in gaps)
        key = (absent, tuple(id(r) for r in active))
        if key not in done:
            done[key] = _spread(active, absent)
        needs = missing[year] = done[key]
    return missing


def _spread(active: list[Reading], absent: frozenset[tuple[str, int]]) -> _Needs:
    """What is missing, from the rules that read it on to those that read them."""
    needs = {r.rule.name: {name for name, _ in r.parameters & absent} for r in active if r.parameters & absent}
    asked = {r.rule.name for r in active if r.rule.type.nullable}
    pending = [name for name in needs if name not in asked]
    while pending:
        name = pending.pop()
        for reader in (r.rule.name for r in active if name in r.rules):
            known = needs.setdefault(reader, set())
            if not needs[name] <= known:
                known |= needs[name]
                pending += [reader] if reader not in asked else []
    return needs


def without_unencoded(desk: Desk, rule: m.Rule, active: Collection[str]) -> m.Rule:
    """Return the rule of a segment in which 可空 rules that are left out are 无, and the past of rules never encoded is their 初值."""

    def change(expression: m.Expression) -> m.Expression:
        if isinstance(expression, m.RuleRef) and expression.name in desk.unencoded:
            never = expression.name not in desk.rules
            if never if expression.lag else expression.name not in active:
                return m.Constant(expression.type, expression.scale, m.ANY, expression.span, None)
        below = tuple(change(o) for o in m.operands(expression))
        if isinstance(expression, m.Through) and isinstance(below[1], m.Constant):
            return m.Constant(expression.type, expression.scale, m.ANY, expression.span, None)
        return m.with_operands(expression, below)

    if desk.workshop.reading(rule).rules.isdisjoint(desk.unencoded):
        return rule
    return replace(rule, body=m.map_body(rule.body, change))


def _pieces(text: m.Rule, missing: dict[int, _Needs]) -> list[m.Rule]:
    """The runs of years of ``text`` in which nothing is missing."""
    pieces: list[m.Rule] = []
    for year in range(text.first, text.last + 1):
        if text.name in missing[year]:
            continue
        if pieces and pieces[-1].last == year - 1:
            pieces[-1] = replace(pieces[-1], last=year)
        else:
            pieces.append(replace(text, first=year, last=year))
    return pieces
