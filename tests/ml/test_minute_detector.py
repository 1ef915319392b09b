"""Minutes of a whole fleet: faults are found soon, and what works well is left alone."""

from __future__ import annotations

import pytest

from benchmarks.fleet_of_minutes import FIRST, Fault, Fleet, alarms
from domain.errors import Refused
from domain.minutes import Measured
from ml.minute_detector import MinuteDetector

AT = 700


@pytest.mark.parametrize(
    ("kind", "measured", "name", "direction"),
    [
        pytest.param("silent", Measured.LOGS, "", "low", id="a service that falls silent"),
        pytest.param("failing", Measured.ERRORS, "", "high", id="a service whose logs are errors"),
        pytest.param("slow", Measured.METRIC, "latency_ms", "high", id="a service that is slow"),
    ],
)
def test_a_fault_is_found_within_minutes(kind: str, measured: Measured, name: str, direction: str) -> None:
    fleet = Fleet(8, seed=3)
    busiest = int(fleet.rate.argmax())
    fleet.faults = (Fault(busiest, AT, kind),)
    found = [(at, one) for at, one in alarms(fleet, 0.5) if at >= AT]
    (at, first), *_ = found
    assert (f"service-{busiest:03d}", measured, name, direction) == (
        first.service,
        first.measured,
        first.name,
        first.direction,
    )
    assert AT <= at <= AT + 2
    assert 0.7 <= first.confidence <= 1


def test_a_day_of_a_fleet_that_works_well_raises_hardly_an_alarm() -> None:
    """The promise is one wrong alarm a day; `make soak` counts them over a month."""
    assert len(list(alarms(Fleet(12, seed=1), 1.0))) <= 2


def test_where_most_services_fall_silent_at_once_none_is_told_of() -> None:
    everybody = tuple(Fault(number, 400, "silent") for number in range(7))
    fleet = Fleet(8, seed=5, faults=everybody)
    assert [] == [one for _, one in alarms(fleet, 0.28) if one.direction == "low"]


def test_a_state_that_was_packed_goes_on_alike_and_series_are_limited() -> None:
    detector, fleet = MinuteDetector(1.0), Fleet(3, seed=2)
    state = detector.begin()
    for number in range(60):
        _, state = detector.find(state, FIRST + number, fleet.minute(number))
    again = detector.unpacked(detector.packed(state))
    fleet.faults = (Fault(0, 60, "failing"), Fault(1, 60, "silent"), Fault(2, 60, "slow"))
    for number in range(60, 66):
        minute = fleet.minute(number)
        one, state = detector.find(state, FIRST + number, minute)
        other, again = detector.find(again, FIRST + number, minute)
        assert one == other
    few = MinuteDetector(1.0, most_series=5)
    _, state = few.find(few.begin(), FIRST, Fleet(3).minute(0))
    assert 5 == len(state.codes)


def test_what_is_remembered_is_the_same_once_it_was_packed() -> None:
    detector, other = MinuteDetector(1.0), MinuteDetector(1.0)
    fleet, state = Fleet(4), detector.begin()
    for number in range(45):
        _, state = detector.find(state, FIRST + number, fleet.minute(number))
    again = other.unpacked(detector.packed(state))
    for number in range(45, 60):
        seen = fleet.minute(number)
        found, state = detector.find(state, FIRST + number, seen)
        same, again = other.find(again, FIRST + number, seen)
        assert found == same
    assert (state.codes, state.heard, state.latest) == (again.codes, again.heard, again.latest)


@pytest.mark.parametrize("cut", [0, 1, 40, 2_000])
def test_what_was_cut_or_is_of_another_version_is_refused(cut: int) -> None:
    detector = MinuteDetector(1.0)
    whole = detector.packed(detector.begin())
    with pytest.raises(Refused, match="what judging remembers"):
        detector.unpacked(whole[:cut])
