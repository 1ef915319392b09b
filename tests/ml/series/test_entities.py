"""What the metrics of one entity say together."""

from __future__ import annotations

import numpy as np
import pytest

from ml.series import Entities, EntityFindings, limit_of

NAMES = ("cpu_usage", "requests", "hit_ratio")
LIMITS = np.array([limit_of(name) for name in NAMES])
START = 1.7e9


@pytest.mark.parametrize(
    ("expected", "name"),
    [
        pytest.param(100.0, "cpu_usage", id="usage-is-in-percent"),
        pytest.param(1.0, "error_ratio", id="a-ratio-is-up-to-one"),
        pytest.param(np.nan, "requests", id="unbounded"),
        pytest.param(np.nan, "node_cpu_usage", id="of-the-machine"),
    ],
)
def test_limits(expected: float, name: str) -> None:
    assert limit_of(name) == pytest.approx(expected, nan_ok=True)


def minutes(last: list[float], after: int = 0) -> list[EntityFindings]:
    """An hour of two quiet entities, then one minute with `last` in the second, then quiet ones again."""
    judge, rng = Entities(), np.random.default_rng(0)
    state = judge.begin()
    owner, codes = np.repeat([0, 1], 3), np.arange(6)
    found = []
    for number in range(61 + after):
        values = np.tile([10.0, 200.0, 0.5], 2) + rng.normal(0, 1, 6) * np.tile([1.0, 5.0, 0.01], 2)
        if number == 60:
            values[3:] = last
        one, state = judge.find(state, START + 60.0 * number, owner, (codes, values), np.tile(LIMITS, 2))
        found.append(one)
    return found


def test_an_entity_at_its_limit_is_strained_for_minutes() -> None:
    found = minutes([98.0, 200.0, 0.5], after=5)
    assert found[60].strain[1] == pytest.approx(0.93, abs=0.03)
    assert found[60].worst[1] == 3
    held = [each.strain[1] for each in found[60:]]
    assert held == sorted(held, reverse=True)
    assert held[2] == pytest.approx(held[0] / 2)
    assert all(each.strain[0] < 0.1 for each in found)


def test_what_has_no_limit_is_unusual_but_no_strain() -> None:
    last = minutes([10.0, 900.0, 0.5])[-1]
    assert last.strain[1] < 0.1
    assert last.onset[1] > 1
    assert last.p_value[1] < last.p_value[0]
    assert last.score[1] > last.score[0]


def test_the_p_value_pays_for_each_metric() -> None:
    last = minutes([10.0, 900.0, 0.5])[-1]
    assert last.p_value[1] == pytest.approx(3 * last.points.p_value[4])


def test_a_state_that_was_saved_goes_on_alike() -> None:
    judge = Entities()
    state = judge.begin()
    owner, codes, limits = np.zeros(1, np.intp), np.zeros(1, np.intp), np.array([100.0])
    for number in range(30):
        judge.find(state, START + 60.0 * number, owner, (codes, np.array([float(number % 7)])), limits)
    again = judge.resume(state.arrays())
    one, _ = judge.find(state, START + 1800, owner, (codes, np.array([90.0])), limits)
    two, _ = judge.find(again, START + 1800, owner, (codes, np.array([90.0])), limits)
    assert one.score.tolist() == two.score.tolist()
