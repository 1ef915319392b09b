"""Who looks after the escalations: a clock that was ahead, paging that stands still, two who look at once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from adapters.store import escalations
from adapters.store.database import Engine, transaction
from adapters.store.tables.paging import escalations as table
from tasks.auditing import audit, mend
from tests.parts.desk_part import Desk
from tests.parts.roster_part import FixedRoster

MINUTE, HOUR = 60.0, 3600.0


class Beats:
    """A heartbeat that is counted."""

    def __init__(self) -> None:
        self.at: list[datetime] = []

    def beat(self, at: datetime) -> None:
        self.at.append(at)


@pytest.fixture
def desk(store: Engine) -> Desk:
    return Desk(store, rosters=FixedRoster())


def minutes(desk: Desk, number: int) -> int:
    """How many signs of life came in so many minutes in which nobody pages."""
    beats = Beats()
    for _ in range(number):
        desk.forward(MINUTE)
        audit(desk.pager, beats)
    return len(beats.at)


def test_there_is_no_sign_of_life_while_nobody_takes_what_is_due(desk: Desk) -> None:
    """Each look gave a forgotten step a new time, so it was never overdue for long."""
    desk.incident()
    desk.deliver()
    assert 5 == minutes(desk, 5), "nothing is due yet"
    assert minutes(desk, 10) <= 1
    assert 0 == minutes(desk, 10)
    desk.fire()
    assert 1 == minutes(desk, 1)


def test_there_is_no_sign_of_life_while_nobody_looks_at_pages(desk: Desk) -> None:
    desk.incident()
    assert 0 == minutes(desk, 10)


def test_a_step_that_a_clock_put_too_far_ahead_comes_now(desk: Desk) -> None:
    desk.forward(3 * HOUR)
    number = desk.incident()
    desk.deliver()
    desk.reached()
    desk.forward(-3 * HOUR)
    assert [(number, escalations.TOO_FAR)] == [(one.incident_id, one.why) for one in audit(desk.pager, None)]
    desk.fire()
    assert number in {page.incident_id for page in desk.receiver.pages}


def test_what_two_find_at_once_is_mended_once(desk: Desk) -> None:
    desk.incident()
    desk.deliver()
    with transaction(desk.engine) as connection:
        connection.execute(table.delete())
    (one,) = escalations.unattended(desk.engine, overdue_since=desk.now - timedelta(seconds=90))
    assert mend(desk.pager, one)
    desk.fire()
    assert not mend(desk.pager, one)
