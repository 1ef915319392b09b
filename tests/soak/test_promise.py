"""The promise over a month: one wrong alarm a day, over fifty services with days, weekends, growth and deploys.

They have templates, too: habits with days, jobs of one hour a night, bursts, and new texts with each deploy.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from benchmarks.fleet_of_minutes import Alarm, Fault, Fleet, alarms
from tests.soak.conftest import SOAK

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SOAK, reason="minutes of one core: `make soak` runs it"),
]
DAYS = 30
BUSY = 30  # logs a minute


@pytest.mark.parametrize("seed", [11, 12])
def test_a_month_raises_no_more_alarms_than_promised(seed: int) -> None:
    found = list(alarms(Fleet(50, seed=seed, texts=True), DAYS))
    print(f"{len(found)} alarms in {DAYS} days of 50 services with 5 metrics: {len(found) / DAYS:.2f} a day")  # noqa: T201 - for whoever runs it
    # One a day on average: of thirty, chance makes forty in one month of twenty.
    assert len(found) <= 40


def test_other_texts_than_usual_are_found_where_there_are_enough_of_them() -> None:
    """A text that hardly came takes over four of ten logs, or the most usual one is missing while others take over."""
    fleet = Fleet(50, seed=13, texts=True)
    busy = [one for one in range(50) if fleet.rate[one] >= BUSY]
    kinds = ("fallback", "vanished")
    faults = tuple(Fault(busy[at % len(busy)], 1_500 + 97 * at, kinds[at % 2]) for at in range(40))
    fleet.faults = faults
    found = list(alarms(fleet, 4))
    hit = [fault for fault in faults if _found(fault, found)]
    print(f"{len(hit)} of {len(faults)} faults of texts found; {len(found)} alarms in all")  # noqa: T201 - as above
    assert len(hit) >= 0.8 * len(faults)


def _found(fault: Fault, found: Sequence[Alarm]) -> bool:
    mine = [at for at, one in found if one.service == f"service-{fault.service:03d}"]
    return any(0 <= at - fault.minute <= fault.length for at in mine)


def test_faults_of_a_week_are_found() -> None:
    kinds = ("silent", "failing", "slow")
    faults = tuple(Fault(number * 5 % 50, 1_500 + 97 * number, kinds[number % 3]) for number in range(60))
    fleet = Fleet(50, seed=13, faults=faults)
    found = list(alarms(fleet, 7))
    hit = sum(_found(fault, found) for fault in faults)
    print(f"{hit} of {len(faults)} faults found; {len(found)} alarms in all")  # noqa: T201 - as above
    assert hit >= 0.8 * len(faults)
