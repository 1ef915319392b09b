"""What batches say about their producers and their model is told once, again while it lasts, and its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from adapters.store.batches import Judged
from domain.errors import Refused
from tasks.input_complaints import InputComplaints
from tasks.judging import NO_MODEL, Stopwatch, judge
from tests.parts.judged_part import known
from tests.parts.logs_part import NOON, SECOND, a_batch, a_log

FAST = timedelta(hours=2)  # a clock that is so far ahead


@dataclass
class Heard:
    """What people are told."""

    said: list[tuple[str, bool]] = field(default_factory=list)  # a part, and whether something ails it
    incidents: list[str] = field(default_factory=list)
    broken: bool = False  # whether nothing can be told

    def say(self, part: str, ailment: str) -> None:
        if self.broken:
            raise Refused("the store says no")
        self.said.append((part, bool(ailment)))

    def own_incident(self, template: str, _: str) -> None:
        self.incidents.append(template)

    def parts(self) -> list[tuple[str, bool]]:
        """What was said since the last call."""
        said, self.said = self.said, []
        return said


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def complaints(heard: Heard) -> InputComplaints:
    return InputComplaints("app-logs", heard.say, heard.own_incident)


def judged(*values: bytes, at: datetime) -> Judged:
    return judge(a_batch(values), known(), Stopwatch(), now=at)


def of_clock(ahead: timedelta, at: datetime) -> Judged:
    return judged(a_log(timestamp=(at + ahead).isoformat()), at=at)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        pytest.param([0], [("clocks", True)], id="a clock is ahead"),
        pytest.param([0, 10, 29], [("clocks", True)], id="it is told once"),
        pytest.param([0, 10, 31], [("clocks", True), ("clocks", True)], id="again while it lasts"),
        pytest.param([0, -59], [("clocks", True)], id="it may come again"),
        pytest.param([0, -61], [("clocks", True), ("clocks", False)], id="its end"),
        pytest.param([0, -61, -70], [("clocks", True), ("clocks", False)], id="its end once"),
    ],
)
def test_clocks(
    complaints: InputComplaints, heard: Heard, seconds: list[int], expected: list[tuple[str, bool]]
) -> None:
    """So many seconds after the first batch, one with a clock that is ahead; a negative one without."""
    for each in seconds:
        at = NOON + abs(each) * SECOND
        complaints.look(of_clock(FAST if each >= 0 else timedelta(), at), at)
    assert expected == [one for one in heard.said if one[0] == "clocks"]


def test_that_there_never_was_a_model_ails_nothing(complaints: InputComplaints, heard: Heard) -> None:
    found = judged(a_log(), at=NOON)
    assert found.verdicts.fallback.startswith(NO_MODEL)
    complaints.look(found, NOON)
    assert [] == heard.parts()


def test_logs_that_cannot_be_read_are_one_incident_until_they_can(complaints: InputComplaints, heard: Heard) -> None:
    for minute in range(4):
        at = NOON + minute * timedelta(minutes=1)
        complaints.look(judged(*[b"no json"] * 200, a_log(), at=at), at)
    assert ["most logs of topic app-logs cannot be read"] == heard.incidents


def test_what_cannot_be_told_stops_no_batch(complaints: InputComplaints, heard: Heard) -> None:
    heard.broken = True
    complaints.look(of_clock(FAST, NOON), NOON)
    heard.broken = False
    later = NOON + 31 * SECOND
    complaints.look(of_clock(FAST, later), later)
    assert [("clocks", True)] == heard.parts()
