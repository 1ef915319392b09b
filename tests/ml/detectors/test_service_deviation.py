"""How far from normal is abnormal."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.detectors.service_deviation import SERVICE, ServiceDeviation

SELDOM_ONE = [0.0] * 190 + [1.0] * 10


@pytest.mark.parametrize(
    ("seen", "value", "normal"),
    [
        pytest.param(SELDOM_ONE, 2, True, id="one-more-than-ever-of-a-count"),
        pytest.param(SELDOM_ONE, 10, False, id="far-more-than-ever-of-a-count"),
        pytest.param([one / 10 for one in SELDOM_ONE], 0.2, False, id="a-share-is-no-count"),
        pytest.param([3.0] * 200, 0, False, id="a-number-that-never-changed"),
        pytest.param([0.0] * 200, 1, False, id="what-never-happened"),
    ],
)
def test_a_count_may_go_farther_than_a_short_training_saw(seen: list[float], value: float, *, normal: bool) -> None:
    fitted = ServiceDeviation().fit(pd.DataFrame({SERVICE: "web", "queue": seen}))
    (found,) = fitted.predict(pd.DataFrame({SERVICE: ["web"], "queue": [float(value)]}))
    assert normal == (found == 1)


def test_logs_without_the_metric_do_not_make_it_a_share() -> None:
    seen = pd.DataFrame({SERVICE: "web", "queue": [*SELDOM_ONE, np.nan]})
    log = pd.DataFrame({SERVICE: ["web"], "queue": [2.0]})
    assert [1] == ServiceDeviation().fit(seen).predict(log).tolist()


@pytest.mark.parametrize(
    ("seen", "value", "normal"),
    [
        pytest.param(0.0, 1.0, True, id="what-never-happened-here-and-does-elsewhere"),
        pytest.param(0.0, 10.0, False, id="far-more-than-that"),
        pytest.param(3.0, 0.0, False, id="what-was-always-there-is-gone"),
    ],
)
def test_a_count_of_one_service_is_a_count_in_every_service(seen: float, value: float, *, normal: bool) -> None:
    elsewhere = pd.DataFrame({SERVICE: "db", "queue": SELDOM_ONE})
    here = pd.DataFrame({SERVICE: "web", "queue": [seen] * 200})
    fitted = ServiceDeviation().fit(pd.concat([elsewhere, here]))
    (found,) = fitted.predict(pd.DataFrame({SERVICE: ["web"], "queue": [value]}))
    assert normal == (found == 1)
