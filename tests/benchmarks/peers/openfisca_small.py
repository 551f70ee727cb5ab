"""The small rule in OpenFisca-Core, as its users write one: `python openfisca_small.py people.parquet out.json`.

A variable of last year's value calls itself for the year before, down to the first year. OpenFisca takes that for a quasi-circle and answers with the default
unless ``max_spiral_loops`` allows for as many years as there are. Parameters by province are looked up as its documentation teaches,
``law.raise_a_year[home]``; with ``switch`` as a third argument, by a choice between whole columns, which is written by hand for each parameter.
"""

# ruff: noqa: N801

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from openfisca_core.entities import Entity
from openfisca_core.indexed_enums import Enum
from openfisca_core.model_api import ETERNITY, YEAR, Variable, min_, switch, where
from openfisca_core.parameters import ParameterNode
from openfisca_core.simulation_builder import SimulationBuilder
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from small import HISTORY, PROVINCES, Array, main, parameters

SWITCH = sys.argv[3:] == ["switch"]

Person = Entity("person", "persons", "A person", "")
Province = Enum("Province", {code: code for code in PROVINCES})


def by_province(figures: Any, home: Any) -> Any:
    """The figure of each person's province."""
    return switch(home, {at: figures[at.name] for at in Province}) if SWITCH else figures[home]


class province(Variable):
    value_type = Enum
    possible_values = Province
    default_value = Province.JX
    entity = Person
    definition_period = ETERNITY
    label = "Province"


class ceiling(Variable):
    value_type = float
    entity = Person
    definition_period = ETERNITY
    label = "Ceiling of critical-illness insurance, in yuan"


class insured(Variable):
    value_type = bool
    entity = Person
    definition_period = YEAR
    label = "Insured in the year"


class consecutive_years(Variable):
    value_type = int
    entity = Person
    definition_period = YEAR
    label = "Years insured in a row"

    def formula_2016(person: Any, period: Any) -> Any:  # noqa: N805
        return where(person("insured", period), person("consecutive_years", period.last_year) + 1, 0)


class earned_raise(Variable):
    value_type = float
    entity = Person
    definition_period = YEAR
    label = "Raises earned so far, in yuan"

    def formula_2025(person: Any, period: Any, parameters: Any) -> Any:  # noqa: N805
        law = parameters(period)
        home = person("province", period)
        enough = person("consecutive_years", period) > by_province(law.threshold, home)
        return person("earned_raise", period.last_year) + enough * by_province(law.raise_a_year, home)


class total_raise(Variable):
    value_type = float
    entity = Person
    definition_period = YEAR
    label = "Raise of the ceiling, in yuan"

    def formula_2025(person: Any, period: Any, parameters: Any) -> Any:  # noqa: N805
        return min_(person("earned_raise", period), person("ceiling", period) * parameters(period).limit)


def system() -> TaxBenefitSystem:
    """The tax-benefit system of the small rule."""
    law = TaxBenefitSystem([Person])
    law.add_variables(province, ceiling, insured, consecutive_years, earned_raise, total_raise)
    law.parameters = ParameterNode("", data=parameters())
    return law


def simulate(people: Mapping[str, Array]) -> Callable[[int], Array]:
    """Build a simulation of ``people``; return what computes the raises of a year."""
    simulation = SimulationBuilder().build_default_simulation(system(), count=len(people["封顶线"]))
    simulation.max_spiral_loops = len(HISTORY) + 1
    simulation.set_input("province", ETERNITY, Province.encode(people["省"].astype(str)))
    simulation.set_input("ceiling", ETERNITY, people["封顶线"] / 100)
    for y in HISTORY:
        simulation.set_input("insured", str(y), people[f"参保@{y}"])
    return lambda y: simulation.calculate("total_raise", str(y))


if __name__ == "__main__":
    main(simulate)
