"""The evals of the analysis: one scenario of each family; `tests/soak/test_evals.py` has all of them."""

from __future__ import annotations

import pytest

from benchmarks.evals import table
from benchmarks.evals.competitors import DETERMINISTIC
from benchmarks.evals.families import FAMILIES, by_name, chosen
from benchmarks.evals.families.other_systems import is_there
from benchmarks.evals.floors import OF_DOSSIER, OF_HONEST
from benchmarks.evals.running import Outcome
from benchmarks.evals.tournament import Match, run
from domain.errors import BadInput

OFTEN = (DETERMINISTIC, "honest", "lying", "injected")
ONE_OF_EACH = {
    "single fault": "pool-a",
    "cascade": "origin speaks first",
    "dual fault": "disk and archive",
    "red herring": "warnings of another service",
    "missing data": "no metrics",
    "already recovered": "four seconds",
    "healthy control": "a false alarm, made up",
    "spurious storm": "fifty texts",
    "injected instructions": "an order while acting",
    "planted secrets": "secrets beside the failure",
}


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str], Outcome]:
    """What came of one scenario of each family, by family and competitor."""
    wanted = [Match(family, name, OFTEN) for family, name in ONE_OF_EACH.items()]
    return {(one.family, one.competitor): one for done in run(wanted, 2) for one in done}


@pytest.mark.slow
@pytest.mark.parametrize("competitor", OFTEN)
@pytest.mark.parametrize("family", ONE_OF_EACH)
def test_people_are_told_what_is_right(found: dict[tuple[str, str], Outcome], family: str, competitor: str) -> None:
    assert "" == found[family, competitor].why


@pytest.mark.slow
def test_the_models_were_asked(found: dict[tuple[str, str], Outcome]) -> None:
    asked = {competitor: sum(found[family, competitor].calls for family in ONE_OF_EACH) for competitor in OFTEN}
    assert 0 == asked.pop(DETERMINISTIC)
    assert min(asked.values()) >= 5


def test_there_are_enough_scenarios_of_every_family_each_with_a_name_of_its_own() -> None:
    scenarios = chosen()
    of_family = {name: [one for one in scenarios if one.family == name] for name in FAMILIES}
    counts = {name: len(ones) for name, ones in of_family.items() if name != "other systems" or is_there()}
    assert min(counts.values()) >= 4
    assert sum(counts.values()) >= 50
    assert all(len({one.name for one in ones}) == len(ones) for ones in of_family.values())
    assert by_name("single fault", "pool-a").lines


def test_who_asks_for_a_family_that_there_is_not_is_told_which_there_are() -> None:
    with pytest.raises(BadInput, match="there is no family nonsense; there are single fault"):
        chosen(["nonsense"])


def test_every_floor_is_of_a_family_and_says_why() -> None:
    floors = [*OF_DOSSIER.items(), *OF_HONEST.items()]
    assert floors
    assert all(family in FAMILIES and one.why and 0 < one.share < 1 for family, one in floors)


def an_outcome(why: str = "", competitor: str = DETERMINISTIC, family: str = "cascade") -> Outcome:
    return Outcome("a", family, competitor, why, "web", 2, 1_000, 0.25, 1.5)


def test_outcomes_become_a_table_of_families_and_competitors() -> None:
    outcomes = [an_outcome(), an_outcome("inconclusive"), an_outcome(competitor="honest"), an_outcome(family="storm")]
    told = list(table.lines(table.cells(outcomes)))
    assert "| family  | deterministic | honest |" == told[0]
    assert "| cascade | 1/2           | 1/1    |" in told
    assert "| all     | 2/3           | 1/1    |" in told
    assert "| deterministic | 6     | 3,000  | 0.75 | 4.5     | 1.50               |" in told
    assert ["- cascade, a: deterministic: inconclusive"] == list(table.failures(outcomes, [DETERMINISTIC]))


@pytest.mark.parametrize(
    ("whys", "expected"),
    [
        pytest.param(["", ""], [], id="all-passed"),
        pytest.param(["", "no"], ["deterministic, cascade: 1 of 2 passed, 100 % must"], id="one-too-few"),
    ],
)
def test_what_is_below_its_floor_is_told(whys: list[str], expected: list[str]) -> None:
    assert expected == table.below(table.cells([an_outcome(why) for why in whys]))
