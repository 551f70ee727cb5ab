"""Gaps and overlaps of tables and scales, looked for in each year in which a bound changes."""

from __future__ import annotations

from fractions import Fraction

from tiaoli import model as m
from tiaoli import syntax as s
from tiaoli import tables
from tiaoli.check_desk import Constants, Desk
from tiaoli.diagnostic import Diagnostic, Related
from tiaoli.meaning import Environment, evaluate
from tiaoli.show_value import show_value
from tiaoli.symbols import (
    RuleSymbol,
)
from tiaoli.values import RATE_DIGITS


def check_tables(desk: Desk, segments: list[m.Segment]) -> None:
    if desk.spoiled:
        return
    seen: set[tuple[str, object]] = set()
    for segment in segments:
        for rule in segment.rules:
            if isinstance(rule.body, m.Cases) or id(rule) in desk.workshop.sound_tables:
                continue
            before = len(desk.found)
            for year in _changing_years(desk, rule, segment):
                _table_in(desk, rule, Constants(year, desk.parameters, desk.questions), seen)
            if len(desk.found) == before and not desk.workshop.reading(rule).parameters:
                desk.workshop.sound_tables[id(rule)] = rule


def _changing_years(desk: Desk, rule: m.Rule, segment: m.Segment) -> list[int]:
    """The first year, and each in which a parameter that bounds a cell changes."""
    names = {name for name, _ in desk.workshop.reading(rule).parameters}
    years = {v.first for name in names for v in desk.parameters[name].values}
    return sorted({segment.first} | {y for y in years if segment.first < y <= segment.last})


def _table_in(desk: Desk, rule: m.Rule, env: Environment, seen: set[tuple[str, object]]) -> None:
    match rule.body:
        case m.DecisionTable() as table:
            findings, idle = tables.examine(table, env)
            for finding in findings:
                _say_table(desk, rule, table, finding, env.year, seen)
            for index in idle:
                if ("idle", table.rows[index].span) not in seen:
                    seen.add(("idle", table.rows[index].span))
                    desk.found.append(Diagnostic("W501", {}, table.rows[index].span))
        case m.MarginalScale() as scale:
            _bands_in(desk, rule, scale, env, seen)
        case m.Cases():
            pass


def _say_table(
    desk: Desk, rule: m.Rule, table: m.DecisionTable, finding: tables.Finding, year: int, seen: set[tuple[str, object]]
) -> None:
    example = {c.span.text: show_value(v, c.type) for c, v in zip(table.columns, finding.example, strict=True)}
    text = "，".join(f"{name} = {value}" for name, value in example.items())
    spans = [table.rows[i].span for i in finding.rows]
    key = (rule.name, tuple(spans))
    if key in seen:
        return
    seen.add(key)
    if spans:
        related = (Related(spans[0], "other_row"),)
        desk.found.append(Diagnostic("E510", {"example": text, "year": year}, spans[1], None, related))
    else:
        desk.found.append(Diagnostic("E509", {"example": text, "name": rule.name, "year": year}, rule.span))


def _bands_in(
    desk: Desk, rule: m.Rule, scale: m.MarginalScale, env: Environment, seen: set[tuple[str, object]]
) -> None:
    texts = {b.span: b for b in _written_bands(desk, rule)}
    edges: tables.Edges = []
    for band in scale.bands:
        written = texts[band.span].interval
        low = None if band.low is None else Fraction(evaluate(band.low, env))  # type: ignore[arg-type]
        high = None if band.high is None else Fraction(evaluate(band.high, env))  # type: ignore[arg-type]
        edges.append((low, bool(written.low_included), high, bool(written.high_included)))
    step = Fraction(1, 10 ** (scale.base.scale if scale.base.scale is not None else RATE_DIGITS))
    for finding in tables.examine_bands(edges, scale.base.range, step):
        index = finding.second if finding.second is not None else finding.first
        span = scale.bands[index or 0].span
        if (rule.name, span) in seen:
            continue
        seen.add((rule.name, span))
        value = show_value(finding.value, scale.base.type)
        code = "E511" if finding.gap else "E512"
        desk.found.append(Diagnostic(code, {"value": value, "name": rule.name, "year": env.year}, span))


def _written_bands(desk: Desk, rule: m.Rule) -> tuple[s.Band, ...]:
    symbol = desk.in_force.symbols[rule.name]
    assert isinstance(symbol, RuleSymbol)
    return tuple(b for v in symbol.versions if isinstance(v.declaration, s.Scale) for b in v.declaration.bands)
