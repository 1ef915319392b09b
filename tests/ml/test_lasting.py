"""A fault that lasts is found for as long as it does, and what was always like that is not found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from ml.lasting import Lasting
from ml.series import SeriesDetector

RNG = np.random.default_rng(0)
DAY = 1_440
ONE = np.array([0])


def p_values(values: Sequence[float]) -> list[float]:
    series, lasting = SeriesDetector(), Lasting()
    points, known = series.begin(), lasting.begin()
    found = []
    for minute, value in enumerate(values):
        seen, points = series.find(points, minute * 60.0, ONE, np.array([value]))
        found.append(float(lasting.find(known, minute * 60.0, ONE, seen).p_value[0]))
    return found


@pytest.mark.parametrize(
    ("usual", "fault"),
    [
        pytest.param([0.0] * DAY, 10.0, id="a pool that was never in use"),
        pytest.param([20.0 + (minute * 7) % 5 for minute in range(DAY)], 900.0, id="a queue"),
        pytest.param(RNG.normal(100, 5, DAY).tolist(), 300.0, id="a latency"),
        pytest.param((100 + 40 * np.sin(np.arange(3 * DAY) / DAY * 6.283)).tolist(), 400.0, id="days and nights"),
    ],
)
def test_a_fault_is_found_from_its_first_minute_to_its_last(usual: list[float], fault: float) -> None:
    found = p_values([*usual, *[fault] * 10])
    assert max(found[-10:]) < 1e-4
    assert min(found[:-10]) > 1e-4


def test_spikes_that_come_every_hour_are_usual() -> None:
    rng = np.random.default_rng(1)
    values = [50 + rng.normal(0, 3) + (400 if minute % 60 == 7 else 0) for minute in range(2 * DAY)]
    assert min(p_values([*values])[DAY:]) > 1e-3


def test_what_lasts_for_hours_is_usual_from_then_on() -> None:
    rng = np.random.default_rng(2)
    values = [*rng.normal(50, 2, DAY), *rng.normal(200, 2, DAY)]
    found = p_values(values)
    assert found[DAY + 5] < 1e-4
    assert min(found[-200:]) > 1e-3


def test_little_more_than_usual_is_no_finding_and_neither_is_a_young_series() -> None:
    assert min(p_values([5.0] * 200 + [5.3] * 5)) > 1e-2
    assert [1.0] * 5 == p_values([5.0] * 10 + [500.0] * 5)[-5:]


def test_a_state_that_was_saved_goes_on_alike() -> None:
    series, lasting = SeriesDetector(), Lasting()
    points, known = series.begin(), lasting.begin()
    for minute in range(200):
        seen, points = series.find(points, minute * 60.0, ONE, np.array([float(minute % 7)]))
        lasting.find(known, minute * 60.0, ONE, seen)
    again = lasting.resume(known.arrays())
    seen, points = series.find(points, 200 * 60.0, ONE, np.array([90.0]))
    first, second = (lasting.find(each, 200 * 60.0, ONE, seen) for each in (known, again))
    assert first.p_value.tolist() == second.p_value.tolist()
