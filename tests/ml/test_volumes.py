"""Silence: how long it takes to be missed, and how often a usual hour is taken for it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import nbinom

from ml.volumes import Volumes, at_most

ALARM = 1e-6
DAY = 1_440


def p_values(counts: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    volumes, one = Volumes(), np.array([0])
    state = volumes.begin()
    return np.array(
        [volumes.find(state, minute, one, np.array([float(many)])).p_value[0] for minute, many in enumerate(counts)]
    )


@pytest.mark.parametrize(
    ("usual", "soon", "late"),
    [
        pytest.param(np.full(DAY, 5.0), 2, 8, id="five logs a minute"),
        pytest.param(np.random.default_rng(0).poisson(100, DAY), 1, 1, id="a hundred logs a minute"),
        pytest.param(np.random.default_rng(1).poisson(1, DAY), 12, 40, id="a log a minute"),
    ],
)
def test_silence_is_missed_the_sooner_the_more_a_service_says(usual: np.ndarray, soon: int, late: int) -> None:  # type: ignore[type-arg]
    found = p_values(np.concatenate([usual, np.zeros(60)]))
    assert found[:DAY].min() > ALARM
    assert soon <= 1 + int(np.argmax(found[DAY:] < ALARM)) <= late


@pytest.mark.parametrize(
    "usual",
    [
        pytest.param([100.0 * (minute % 60 == 0) for minute in range(3 * DAY)], id="a job that runs every hour"),
        pytest.param(
            np.random.default_rng(2).poisson(30 * (1 + 0.9 * np.sin(np.arange(3 * DAY) / DAY * 2 * np.pi))),
            id="days and nights",
        ),
        pytest.param(np.zeros(DAY), id="nothing at all"),
    ],
)
def test_what_is_usual_is_not_missed(usual: np.ndarray) -> None:  # type: ignore[type-arg]
    assert p_values(np.asarray(usual, float)).min() > ALARM


def test_a_service_is_not_judged_before_it_is_known() -> None:
    assert [1.0] * 3 == p_values(np.array([5.0] * 20 + [0.0] * 3))[-3:].tolist()


def test_the_distribution_is_the_negative_binomial() -> None:
    mean, variance = np.array([12.0]), np.array([30.0])
    size = mean**2 / (variance - mean)
    for many in (0.0, 3.0, 12.0, 40.0):
        expected = nbinom.cdf(many, size, size / (size + mean))
        np.testing.assert_allclose(at_most(np.array([many]), mean, variance), expected)


def test_a_state_that_was_saved_goes_on_alike() -> None:
    volumes, one = Volumes(), np.array([0])
    state = volumes.begin()
    for minute in range(50):
        volumes.find(state, minute, one, np.array([7.0]))
    again = volumes.resume(state.arrays())
    for minute in range(50, 55):
        first, second = (volumes.find(each, minute, one, np.array([0.0])) for each in (state, again))
        assert first.p_value.tolist() == second.p_value.tolist()
