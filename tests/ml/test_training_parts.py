"""A detector that is fitted in parts is the one that is fitted at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.detectors.service_deviation import SERVICE, ServiceDeviation
from ml.training import train
from ml.training_parts import LEARNED, divided, facts_of, fit_part, merged, of_all
from tests.ml.test_training import normal


def in_parts(frame: pd.DataFrame, many: int) -> ServiceDeviation:
    parts = divided(frame, many)
    facts = of_all([facts_of(part) for part in parts])
    return merged([fit_part(part, facts) for part in parts])


def traffic(seed: int, services: int) -> pd.DataFrame:
    """Services with a smooth metric, one that is absent in some, counts that waver in some, and constants."""
    rng = np.random.default_rng(seed)
    of = rng.integers(0, services, 60 * services)
    counts = np.where(of % 3 == 0, rng.integers(0, 3, len(of)), 0)
    return pd.DataFrame(
        {
            SERVICE: [f"s-{one}" for one in of],
            "cpu": rng.normal(40, 3, len(of)),
            "latency": np.where(of % 2 == 0, rng.lognormal(3, 0.5, len(of)), np.nan),
            "retries": counts.astype(float),
            "version": np.full(len(of), 7.0),
            "half": counts / 2,
        }
    )


def same(one: ServiceDeviation, other: ServiceDeviation) -> None:
    assert (one.services_, one.metrics_, one.n_features_in_) == (other.services_, other.metrics_, other.n_features_in_)
    assert one.get_params() == other.get_params()
    assert type(one) is type(other)
    for name in LEARNED:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16), services=st.integers(1, 9), many=st.integers(1, 12))
def test_fitted_in_parts_is_fitted_at_once(seed: int, services: int, many: int) -> None:
    frame = traffic(seed, services)
    same(ServiceDeviation().fit(frame), in_parts(frame, many))


def test_a_count_that_wavers_in_another_part_may_waver_here() -> None:
    """It is the one thing that services tell of each other."""
    frame = traffic(1, 6)
    quiet = frame[frame[SERVICE] == "s-1"]
    alone = ServiceDeviation().fit(quiet)
    whole = in_parts(frame, 6)
    row, column = whole.services_.index("s-1"), whole.metrics_.index("retries")
    assert alone.spread_[0, column] < whole.spread_[row, column] == 0.5


@pytest.mark.parametrize(("many", "sizes"), [(1, [6]), (2, [3, 3]), (3, [3, 2, 1]), (9, [3, 2, 1])])
def test_parts_have_whole_services_and_about_as_many_rows(many: int, sizes: list[int]) -> None:
    frame = pd.DataFrame({SERVICE: list("aaabbc"), "cpu": range(6)})
    parts = divided(frame, many)
    assert sizes == sorted(map(len, parts), reverse=True)
    seen = [set(part[SERVICE]) for part in parts]
    assert 3 == sum(map(len, seen))
    assert 6 == sum(map(len, parts))


def test_a_training_in_parts_is_the_training_at_once() -> None:
    one, other = train(normal()), train(normal(), fit=lambda frame: in_parts(frame, 2))
    assert one.candidate is not None
    assert other.candidate is not None
    same(one.candidate.deviation_, other.candidate.deviation_)
    assert (one.flagged_ratio, one.unsteady, one.thin) == (other.flagged_ratio, other.unsteady, other.thin)
