"""The families of scenarios, one file each: a table of situations with the rule for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from benchmarks.evals.families import (
    cascade,
    dual_fault,
    healthy,
    injected,
    missing_data,
    other_systems,
    recovered,
    red_herring,
    secrets,
    single_fault,
    storm,
)
from benchmarks.evals.scenarios import Scenario
from domain.errors import BadInput

FAMILIES: Mapping[str, Callable[[], Iterable[Scenario]]] = MappingProxyType(
    {
        "single fault": single_fault.scenarios,
        "other systems": other_systems.scenarios,
        "cascade": cascade.scenarios,
        "dual fault": dual_fault.scenarios,
        "red herring": red_herring.scenarios,
        "missing data": missing_data.scenarios,
        "already recovered": recovered.scenarios,
        "healthy control": healthy.scenarios,
        "spurious storm": storm.scenarios,
        "injected instructions": injected.scenarios,
        "planted secrets": secrets.scenarios,
    }
)


def chosen(names: Iterable[str] = ()) -> list[Scenario]:
    """The scenarios of these families, of all without a name. Raises BadInput that lists the families."""
    wanted = list(names) or list(FAMILIES)
    if unknown := sorted(set(wanted) - FAMILIES.keys()):
        raise BadInput(f"there is no family {', '.join(unknown)}; there are {', '.join(FAMILIES)}")
    return [scenario for name in wanted for scenario in FAMILIES[name]()]


def by_name(family: str, name: str) -> Scenario:
    """One scenario of a family."""
    return next(one for one in FAMILIES[family]() if one.name == name)
