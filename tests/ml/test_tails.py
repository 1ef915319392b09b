"""How rare a size is, against distributions whose tail is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from ml.tables import Table
from ml.tails import Tails

Floats = NDArray[np.float64]
SERIES = 40


def counted(sizes: Floats, tails: Tails) -> Table:
    """The state after sizes of shape (n_series, n_points)."""
    state = tails.begin()
    state.reach(len(sizes))
    for column in sizes.T:
        tails.add(state, np.arange(len(sizes)), column)
    return state


@pytest.mark.parametrize(
    ("draw", "beyond"),
    [
        pytest.param(lambda rng, shape: rng.exponential(3.0, shape), lambda p: stats.expon.isf(p, scale=3), id="exp"),
        pytest.param(lambda rng, shape: np.abs(rng.normal(0, 1, shape)), stats.halfnorm.isf, id="normal"),
        pytest.param(lambda rng, shape: 1 + rng.pareto(4.0, shape), lambda p: stats.pareto.isf(p, 4.0), id="pareto"),
    ],
)
@pytest.mark.parametrize("p", [0.3, 0.01, 1e-3, 1e-4])
def test_known_tails(
    draw: Callable[[np.random.Generator, tuple[int, int]], Floats], beyond: Callable[[float], float], p: float
) -> None:
    """P-values are right or cautious, to a tenth of what 2,000 sizes resolve."""
    tails = Tails()
    state = counted(draw(np.random.default_rng(1), (SERIES, 2000)), tails)
    found = tails.rarity(state, np.arange(SERIES), np.full(SERIES, beyond(p)))
    error = np.median(found.log_p) - np.log10(p)
    assert -0.5 <= error <= (0.4 if p >= 0.01 else 1.2)
    assert found.fitted.all() == (p < 0.01) or p == 0.01


def test_counts_are_not_called_rare_where_they_are_usual() -> None:
    tails = Tails()
    state = counted(np.random.default_rng(2).poisson(3.0, (SERIES, 2000)).astype(float), tails)
    for size in (3.0, 6.0):
        found = tails.rarity(state, np.arange(SERIES), np.full(SERIES, size))
        assert np.median(10**found.log_p) >= 0.8 * stats.poisson.sf(size - 1, 3.0)


@pytest.mark.parametrize(
    ("seen", "size", "expected"),
    [
        pytest.param([0.0] * 99, 1.0, np.log10(1 / 100), id="the-first-of-its-kind-is-one-in-all"),
        pytest.param([0.0] * 99, 0.0, 0.0, id="zero-is-never-rare"),
        pytest.param([5.0] * 99, 5.0, 0.0, id="a-constant"),
        pytest.param([1.0] * 10, 1e9, 0.0, id="too-little-is-known"),
    ],
)
def test_corners(seen: list[float], size: float, expected: float) -> None:
    tails = Tails()
    found = tails.rarity(counted(np.array([seen]), tails), np.zeros(1, np.intp), np.array([size]))
    assert found.log_p[0] == pytest.approx(expected, abs=0.1)


def test_what_was_long_ago_fades() -> None:
    tails = Tails(horizon=1000)
    sizes = np.concatenate([np.full(500, 8.0), np.ones(6000)])
    state = counted(sizes[None, :], tails)
    assert state["seen"][0] < 1000
    assert tails.rarity(state, np.zeros(1, np.intp), np.array([8.0])).log_p[0] < np.log10(500 / 6500)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1e12), min_size=30, max_size=80), st.floats(0, 1e12), st.floats(1, 1e6))
def test_larger_is_never_less_rare_and_p_is_a_probability(seen: list[float], size: float, times: float) -> None:
    tails = Tails()
    state = counted(np.array([seen]), tails)
    rows = np.zeros(1, np.intp)
    less = tails.rarity(state, rows, np.array([size])).log_p[0]
    more = tails.rarity(state, rows, np.array([size * times])).log_p[0]
    assert -300 <= more <= less + 1e-9 <= 1e-9


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_a_series_does_not_depend_on_its_neighbours(seed: int, series: int) -> None:
    tails = Tails()
    sizes = np.random.default_rng(seed).lognormal(0, 3, (series, 60))
    together = tails.rarity(counted(sizes, tails), np.arange(series), sizes.max(axis=1) * 2)
    alone = tails.rarity(counted(sizes[-1:], tails), np.zeros(1, np.intp), sizes[-1:].max(axis=1) * 2)
    assert together.log_p[-1] == alone.log_p[0]


def test_it_is_saved_and_comes_back() -> None:
    tails = Tails()
    state = counted(np.random.default_rng(3).exponential(1, (2, 100)), tails)
    again = Table.of(tails.columns, state.arrays())
    for each in (state, again):
        tails.add(each, np.arange(2), np.array([9.0, 0.1]))
    assert all(np.array_equal(state[name], again[name]) for name in tails.columns)
    with pytest.raises(ValueError, match="count"):
        Table.of(Tails(buckets=32).columns, state.arrays())
