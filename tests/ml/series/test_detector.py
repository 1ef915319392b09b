"""Points of metric series: what is found, what is not, and that neither company nor a restart changes it."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ml.series import Findings, SeriesDetector, SeriesState
from ml.series.findings import VIEWS

Floats = NDArray[np.float64]
MINUTE = 60.0
HOUR = 3600.0
DAY = 24 * HOUR
START = 20_000 * DAY
ONE = np.zeros(1, np.intp)


def run(values: Floats, step: float = MINUTE, state: SeriesState | None = None, begin: float = START) -> list[Findings]:
    """The findings about one series, point by point."""
    detector = SeriesDetector()
    state = detector.begin() if state is None else state
    found = []
    for number, value in enumerate(values):
        findings, state = detector.find(state, begin + number * step, ONE, np.array([value], np.float64))
        found.append(findings)
    return found


def noise(points: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(100.0, 5.0, points)


def daily(days: int, seed: int = 0, step: float = 300.0) -> Floats:
    """Low at night, high at day, five minutes apart."""
    at = np.arange(int(days * DAY / step)) * step
    swing = 50.0 + 40.0 * np.sin(2 * np.pi * at / DAY)
    return np.asarray(swing + np.random.default_rng(seed).normal(0, 1.0, len(at)))


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param([400.0], id="spike"),
        pytest.param([-200.0], id="dip"),
        pytest.param([150.0] * 30, id="level-shift"),
    ],
)
def test_the_first_abnormal_point_is_found_and_tells_what_was_expected(wrong: list[float]) -> None:
    found = run(np.concatenate([noise(600), wrong]))
    first = found[600]
    assert first.onset[0] == first.score[0] > 2.5
    assert first.p_value[0] == pytest.approx(10 ** -first.score[0])
    assert first.baseline[0] == pytest.approx(100.0, abs=5)
    assert first.spread[0] == pytest.approx(4.0, abs=1.5)
    assert first.direction[0] == np.sign(wrong[0] - 100.0)
    assert first.since[0] == START + 600 * MINUTE


def test_a_slow_leak_is_found_before_it_is_large() -> None:
    leak = 0.2 * np.arange(300)
    found = run(np.concatenate([noise(1000), noise(300, 1) + leak]))
    first = next(number for number, each in enumerate(found[1000:]) if each.onset[0] >= 2 and leak[number] > 10)
    assert leak[first] < 30


def test_only_the_first_of_a_run_is_news() -> None:
    rng = np.random.default_rng(5)
    found = run(np.concatenate([noise(600), rng.normal(400.0, 5.0, 40)]))
    news = [number for number, each in enumerate(found[600:]) if each.onset[0] >= 2]
    assert news[0] == 0
    assert len(news) <= 2
    assert all(each.since[0] == START + 600 * MINUTE for each in found[600:604])


def test_the_same_incident_again_is_found_again() -> None:
    incident = np.full(4, 300.0)
    found = run(np.concatenate([noise(600), incident, noise(400, 1), incident]))
    assert found[600].onset[0] > 2
    assert max(each.onset[0] for each in found[1004:]) > 2
    assert VIEWS[found[1004].view[0]] == "deviation"


def test_a_value_of_the_day_is_abnormal_at_night() -> None:
    usual = daily(6)
    night = int(5 * DAY / 300) + int(18 * HOUR / 300)
    strange = usual.copy()
    strange[night : night + 6] = 70.0
    assert max(each.onset[0] for each in run(usual, 300.0)[night : night + 6]) < 2
    found = run(strange, 300.0)[night]
    assert found.onset[0] > 2
    assert VIEWS[found.view[0]] in {"hour", "deviation"}


def test_the_baseline_follows_the_weekday_once_there_are_weeks() -> None:
    hours = np.arange(6 * 7 * 24)
    weekend = (hours // 24 + 20_000) % 7 >= 5
    found = run(np.where(weekend, 10.0, 100.0) + np.random.default_rng(0).normal(0, 1, len(hours)), HOUR)
    last = slice(5 * 7 * 24, 6 * 7 * 24)
    baselines = np.array([each.baseline[0] for each in found[last]])
    assert np.abs(baselines - np.where(weekend[last], 10.0, 100.0)).mean() < 5


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.full(500, 7.0), id="constant"),
        pytest.param(np.tile([0.0, 0.0, 1.0], 200), id="zeros-and-ones"),
        pytest.param(np.linspace(1e12, 1e12 + 1, 300), id="large-with-a-small-trend"),
    ],
)
def test_what_is_always_so_is_normal(values: Floats) -> None:
    assert sum(each.onset[0] >= 2 for each in run(values)) <= 1


def test_a_young_series_says_so_and_is_never_abnormal() -> None:
    found = run(np.array([*noise(10), 1e6]))
    assert all(each.cold[0] for each in found)
    assert all(each.p_value[0] == 1.0 for each in found)


def test_a_constant_that_changes_is_as_rare_as_it_is_long() -> None:
    assert run(np.array([5.0] * 999 + [6.0]))[-1].p_value[0] == pytest.approx(1 / 1000, rel=1.0)


def together(series: Floats, order: NDArray[np.intp]) -> list[Findings]:
    detector = SeriesDetector()
    state = detector.begin()
    found = []
    for number in range(series.shape[1]):
        findings, state = detector.find(state, START + number * MINUTE, order, series[order, number])
        found.append(findings)
    return found


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.permutations(range(5)))
def test_company_changes_nothing(seed: int, order: list[int]) -> None:
    rng = np.random.default_rng(seed)
    series = rng.normal(0, 1, (5, 90)) * np.array([[1e-6], [1], [1e3], [1], [0]]) + rng.integers(0, 9, (5, 1))
    codes = np.array(order, np.intp)
    for code in (order[0], order[-1]):
        place = order.index(code)
        for one, many in zip(run(series[code]), together(series, codes), strict=True):
            for name in (field.name for field in fields(Findings)):
                assert np.array_equal(getattr(one, name)[0], getattr(many, name)[place], equal_nan=True), name


def test_a_state_that_was_saved_goes_on_alike() -> None:
    detector = SeriesDetector()
    state = detector.begin()
    values = np.concatenate([noise(200), [300.0], noise(50, 3)])
    for number, value in enumerate(values[:150]):
        detector.find(state, START + number * MINUTE, ONE, np.array([value]))
    again = detector.resume(state.arrays())
    rest = [run(values[150:], state=each, begin=START + 150 * MINUTE) for each in (state, again)]
    assert [each.score[0] for each in rest[0]] == [each.score[0] for each in rest[1]]
    assert [each.onset[0] for each in rest[0]] == [each.onset[0] for each in rest[1]]


def test_memory_is_bounded() -> None:
    detector = SeriesDetector()
    assert detector.bytes_per_series <= 4096
    state = detector.begin()
    for number in range(300):
        detector.find(state, START + number * HOUR, np.arange(3), np.random.default_rng(number).normal(0, 1, 3))
    assert sum(array.nbytes for array in state.arrays().values()) <= 6 * 4096


def test_no_points_are_no_findings() -> None:
    detector = SeriesDetector()
    found, state = detector.find(detector.begin(), START, np.zeros(0, np.intp), np.zeros(0))
    assert len(found) == len(state.series) == 0


def test_what_comes_back_again_and_again_becomes_usual() -> None:
    """A job that runs every hour is told of at first only."""
    values = noise(3000)
    values[::60] = 400.0
    told = [number for number, each in enumerate(run(values)) if each.onset[0] >= 2]
    assert not [number for number in told if number > 600 and number % 60 == 0]


@pytest.mark.parametrize(
    ("codes", "values"),
    [
        pytest.param([0, 0], [1.0, 2.0], id="two-points-of-one-series"),
        pytest.param([0, 1], [1.0, np.nan], id="no-number"),
        pytest.param([0], [1.0, 2.0], id="lengths-differ"),
    ],
)
def test_what_cannot_be_judged_is_refused(codes: list[int], values: list[float]) -> None:
    detector = SeriesDetector()
    with pytest.raises(ValueError, match=r"finite|two points"):
        detector.find(detector.begin(), START, np.array(codes, np.intp), np.array(values))
