"""A promise about false alarms becomes a limit on the p-value."""

from __future__ import annotations

import numpy as np
import pytest

from ml.promise import alarm_p, alarm_p_of_fleet


@pytest.mark.parametrize(
    ("expected", "false_alarms", "tests"),
    [
        pytest.param(0.01, 10, 1000, id="ten-of-a-thousand"),
        pytest.param(1 / 1440, 1, 1440, id="one-a-day-of-one-series"),
        pytest.param(1.0, 10, 5, id="more-allowed-than-there-are-tests"),
    ],
)
def test_the_limit_is_the_share_of_tests_that_may_be_wrong(expected: float, false_alarms: float, tests: float) -> None:
    assert expected == pytest.approx(alarm_p(false_alarms, tests))


def test_a_larger_fleet_has_the_same_number_of_false_alarms() -> None:
    rng = np.random.default_rng(0)
    for series in (10, 1000):
        uniform = rng.random((series, 1440))
        assert 30 <= int((uniform <= alarm_p_of_fleet(series, false_alarms_per_day=50)).sum()) <= 70


@pytest.mark.parametrize(("false_alarms", "tests"), [(0, 10), (1, 0), (-1, 10)])
def test_a_promise_of_nothing_is_refused(false_alarms: float, tests: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        alarm_p(false_alarms, tests)
