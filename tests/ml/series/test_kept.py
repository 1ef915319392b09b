"""Which values of a series are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.series.kept import KeptValues
from ml.tables import Table

ONE = np.zeros(1, np.intp)


def after(values: list[float], kept: KeptValues) -> Table:
    state = Table(kept.columns)
    state.reach(1)
    for value in values:
        kept.keep(state, ONE, np.array([value]))
    return state


@pytest.mark.parametrize(
    ("expected", "values", "value"),
    [
        pytest.param(0.0, [], 5.0, id="nothing-is-known"),
        pytest.param(2.0, [1.0, 3.0], 5.0, id="over-all"),
        pytest.param(0.5, [1.0, 3.0], 2.5, id="between"),
        pytest.param(1.0, [1.0, 3.0], 0.0, id="under-all"),
        pytest.param(0.0, [1.0, 3.0], 3.0, id="seen"),
    ],
)
def test_distance(expected: float, values: list[float], value: float) -> None:
    kept = KeptValues()
    assert kept.distance(after(values, kept), ONE, np.array([value]))[0] == expected


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-1000, 1000).map(float), min_size=1, max_size=60))
def test_few_values_stand_for_all(values: list[float]) -> None:
    """The ends stay known, and no value is farther from what is kept than the closest two kept are apart."""
    kept = KeptValues(capacity=8)
    state = after(values, kept)
    held = state["kept"][0][np.isfinite(state["kept"][0])]
    assert (held.min(), held.max()) == (min(values), max(values))
    assert (np.diff(held) > 0).all()
    if len(set(values)) <= 8:
        assert held.tolist() == sorted(set(values))
    else:
        most = max(kept.distance(state, ONE, np.array([value]))[0] for value in values)
        assert most <= 2 * np.diff(held).max()


def test_what_does_not_come_again_is_forgotten() -> None:
    kept = KeptValues(generation=50)
    assert kept.distance(after([900.0] + [1.0] * 60, kept), ONE, np.array([900.0]))[0] == 0
    assert kept.distance(after([900.0] + [1.0] * 120, kept), ONE, np.array([900.0]))[0] == 899
