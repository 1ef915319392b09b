"""The promise over a month: one wrong alarm a day, over fifty services with days, weekends, growth and deploys."""

from __future__ import annotations

import pytest

from benchmarks.fleet_of_minutes import Fault, Fleet, alarms
from tests.soak.conftest import SOAK

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SOAK, reason="minutes of one core: `make soak` runs it"),
]
DAYS = 30


@pytest.mark.parametrize("seed", [11, 12])
def test_a_month_raises_no_more_alarms_than_promised(seed: int) -> None:
    found = list(alarms(Fleet(50, seed=seed), DAYS))
    print(f"{len(found)} alarms in {DAYS} days of 50 services with 5 metrics: {len(found) / DAYS:.2f} a day")  # noqa: T201 - for whoever runs it
    # One a day on average: of thirty, chance makes forty in one month of twenty.
    assert len(found) <= 40


def test_faults_of_a_week_are_found() -> None:
    kinds = ("silent", "failing", "slow")
    faults = tuple(Fault(number * 5 % 50, 1_500 + 97 * number, kinds[number % 3]) for number in range(60))
    fleet = Fleet(50, seed=13, faults=faults)
    found = list(alarms(fleet, 7))
    hit = sum(
        any(
            one.service == f"service-{fault.service:03d}" and 0 <= at - fault.minute <= fault.length
            for at, one in found
        )
        for fault in faults
    )
    print(f"{hit} of {len(faults)} faults found; {len(found)} alarms in all")  # noqa: T201 - as above
    assert hit >= 0.8 * len(faults)
