"""The small rule in PolicyEngine-Core, as its users write one: `python policyengine_small.py people.parquet out.json`.

The people are a dataset by periods, as country packages load theirs. A variable of last year's value calls itself for the year before, down to the first year;
PolicyEngine stops such a chain after ten, so ``max_spiral_loops`` allows for as many years as there are.
"""

# ruff: noqa: N801

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from policyengine_core.data import Dataset
from policyengine_core.entities import build_entity
from policyengine_core.enums import Enum
from policyengine_core.model_api import ETERNITY, YEAR, Variable, min_, where
from policyengine_core.parameters import ParameterNode
from policyengine_core.simulations import Simulation
from policyengine_core.taxbenefitsystems import TaxBenefitSystem
from small import HISTORY, PROVINCES, Array, main, parameters

Person = build_entity(key="person", plural="persons", label="A person", is_person=True)
Province = Enum("Province", {code: code for code in PROVINCES})


class person_id(Variable):
    value_type = int
    entity = Person
    definition_period = ETERNITY
    label = "Number of the person"


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
        enough = person("consecutive_years", period) > law.threshold[home]
        return person("earned_raise", period.last_year) + enough * law.raise_a_year[home]


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
    law.add_variables(person_id, province, ceiling, insured, consecutive_years, earned_raise, total_raise)
    law.parameters = ParameterNode("", data=parameters())
    return law


def dataset(people: Mapping[str, Array]) -> type[Dataset]:
    """The people as a dataset of PolicyEngine."""

    class People(Dataset):
        name = "people"
        label = "People"
        file_path = "people"
        data_format = Dataset.TIME_PERIOD_ARRAYS
        time_period = str(HISTORY[-1])

        def load(self, *_: Any) -> dict[str, dict[Any, Array]]:
            return {
                "person_id": {ETERNITY: range(len(people["封顶线"]))},
                "province": {ETERNITY: people["省"].astype(str)},
                "ceiling": {ETERNITY: people["封顶线"] / 100},
                "insured": {str(y): people[f"参保@{y}"] for y in HISTORY},
            }

    return People


def simulate(people: Mapping[str, Array]) -> Callable[[int], Array]:
    """Build a simulation of ``people``; return what computes the raises of a year."""
    simulation = Simulation(tax_benefit_system=system(), dataset=dataset(people)())
    simulation.max_spiral_loops = len(HISTORY) + 1
    return lambda y: simulation.calculate("total_raise", y)


if __name__ == "__main__":
    main(simulate)
