"""What places share: most texts of rules are those of the nation, and mean in one place what they mean in the next.

A library is checked place by place. A text that was elaborated for one place is taken over in another where every name it reads has the
same meaning, and so are what it reads and how far it reaches. Nothing here changes a result; it saves doing the same work again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tiaoli import model as m
from tiaoli.model import Range

Meaning = tuple[object, ...]
"""All that elaboration asks of a name."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one text of a rule reads: its nodes, parameters with their lag, rules of the same year (also in the order of the text) and of
    the year before, and the names of facts."""

    rule: m.Rule
    nodes: tuple[m.Expression, ...]
    parameters: frozenset[tuple[str, int]]
    in_order: tuple[str, ...]
    now: frozenset[str]
    before: frozenset[str]
    facts: frozenset[str]

    @property
    def rules(self) -> frozenset[str]:
        return self.now | self.before


@dataclass(frozen=True, slots=True)
class Elaborated:
    """The rules made of a text, the library forms they need, and what the names in it meant."""

    meanings: Mapping[str, Meaning | None]
    rules: tuple[m.Rule, ...]
    memories: Mapping[str, Any]


@dataclass(slots=True)
class Workshop:
    """Kept for the life of a library; everything is found again by the identity of what it was made from, which is kept as well."""

    sound_tables: dict[int, m.Rule] = field(default_factory=dict)
    figures: dict[tuple[object, ...], tuple[tuple[object, ...], m.ParameterValue]] = field(default_factory=dict)
    _texts: dict[object, list[Elaborated]] = field(default_factory=dict)
    _readings: dict[int, Reading] = field(default_factory=dict)
    _reached: dict[tuple[object, ...], Range] = field(default_factory=dict)
    _marked: dict[tuple[object, ...], m.Rule] = field(default_factory=dict)
    _shared: set[int] = field(default_factory=set)

    def known(self, text: object, meaning: Callable[[str], Meaning | None]) -> Elaborated | None:
        """Return what was made of ``text`` where all names in it meant the same."""
        for made in self._texts.get(text, ()):
            if all(meaning(name) == meant for name, meant in made.meanings.items()):
                return made
        return None

    def keep(self, text: object, made: Elaborated) -> None:
        """Keep what was made of ``text`` for other places."""
        self._texts.setdefault(text, []).append(made)
        self._shared.update(map(id, made.rules))

    def reading(self, rule: m.Rule) -> Reading:
        """Return what a rule reads."""
        known = self._readings.get(id(rule))
        if known is None:
            known = self._readings[id(rule)] = _reading(rule)
        return known

    def reached(self, rule: m.Rule, inputs: Callable[[Reading], Iterator[Range]], work: Callable[[], Range]) -> Range:
        """Return the range of a rule whose inputs have these ranges; ``work`` finds it."""
        if id(rule) not in self._shared:
            return work()
        key = (id(rule), *inputs(self.reading(rule)))
        known = self._reached.get(key)
        if known is None:
            known = self._reached[key] = work()
        return known

    def marked(self, rule: m.Rule, inputs: Callable[[Reading], Iterator[Range]], work: Callable[[], m.Rule]) -> m.Rule:
        """Return a rule with ranges written in, the same object where its inputs have the same ranges."""
        if id(rule) not in self._shared:
            return work()
        key = (id(rule), *inputs(self.reading(rule)))
        known = self._marked.get(key)
        if known is None:
            known = self._marked[key] = work()
        return known


def _reading(rule: m.Rule) -> Reading:
    nodes = tuple(n for e in m.expressions(rule.body) for n in m.walk(e))
    rules = [n for n in nodes if isinstance(n, m.RuleRef)]
    return Reading(
        rule,
        nodes,
        frozenset((n.name, n.lag) for n in nodes if isinstance(n, m.ParameterRef)),
        tuple(dict.fromkeys(n.name for n in rules if not n.lag)),
        frozenset(n.name for n in rules if not n.lag),
        frozenset(n.name for n in rules if n.lag),
        frozenset(n.name for n in nodes if isinstance(n, m.FactRef))
        | {n.link for n in nodes if isinstance(n, m.Aggregate)},
    )
