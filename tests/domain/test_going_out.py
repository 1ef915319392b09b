"""When an incident is one that people were told of while the store did not answer."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from domain.going_out import GoneOut, fault_key, told_already
from domain.incidents import Incident, Kind
from tests.parts.incidents_part import an_incident
from tests.parts.logs_part import NOON

MINUTE = timedelta(minutes=1)


def fault(**changes: object) -> Incident:
    fields = {"service": "pay", "kind": Kind.LOG, "template": "disk failed", "opened_at": NOON, "last_at": NOON}
    return an_incident(**(fields | changes))


def gone(*, at: datetime = NOON + MINUTE, service: str = "pay") -> GoneOut:
    return GoneOut("key", frozenset({(service, Kind.LOG, "disk failed")}), at)


@pytest.mark.parametrize(
    ("incident", "went", "told"),
    [
        pytest.param(fault(), [gone()], True, id="it began before the log that made it a page"),
        pytest.param(fault(), [gone(at=NOON)], True, id="its first log was that log"),
        pytest.param(fault(opened_at=NOON + 2 * MINUTE), [gone()], False, id="it began after that"),
        pytest.param(fault(came_back_at=NOON + 2 * MINUTE), [gone()], False, id="it was over and came back"),
        pytest.param(fault(template="fan stuck"), [gone()], False, id="it is another fault"),
        pytest.param(fault(), [gone(service="web")], False, id="it is another service"),
        pytest.param(fault(), [gone(service="web"), gone()], True, id="it is the second of two"),
        pytest.param(fault(), [], False, id="nothing went out"),
    ],
)
def test_what_people_were_told_already(incident: Incident, went: list[GoneOut], *, told: bool) -> None:
    assert told is (told_already(incident, went) is not None)


@pytest.mark.parametrize(
    ("other", "at", "same"),
    [
        pytest.param(fault(id=9), NOON, True, id="its number is not part of it"),
        pytest.param(fault(), NOON + timedelta(seconds=59), True, id="later in the minute"),
        pytest.param(fault(), NOON + MINUTE, False, id="in the next minute"),
        pytest.param(fault(service="web"), NOON, False, id="another service"),
        pytest.param(fault(kind=Kind.METRIC), NOON, False, id="another kind"),
        pytest.param(fault(template="fan stuck"), NOON, False, id="another text"),
        pytest.param(fault(direction="low"), NOON, False, id="another direction"),
    ],
)
def test_the_key_of_a_page_is_that_of_its_fault(other: Incident, at: datetime, *, same: bool) -> None:
    assert same is (fault_key(fault(), NOON) == fault_key(other, at))
