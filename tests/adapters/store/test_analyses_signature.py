"""Rows of analyses: claimed by one, never two of one fault at once, and found out again where they cannot be read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from adapters.store import analyses
from adapters.store.analyses import Task
from adapters.store.closing import reread
from adapters.store.database import Engine, transaction
from domain.incidents import State
from tests.parts.desk_part import store_incident
from tests.parts.judged_part import rows
from tests.parts.logs_part import NOON

LEASE = timedelta(minutes=2)
DUE = NOON + analyses.SETTLING


def queued(engine: Engine, **changes: Any) -> int:
    """An analysis that is due at DUE; its incident."""
    number = store_incident(engine, now=NOON, state=State.ESCALATED, **changes)
    incident = reread(engine, number)
    assert incident is not None
    with transaction(engine) as connection:
        assert analyses.queue(connection, incident, now=NOON)
        assert not analyses.queue(connection, incident, now=NOON), "once for each episode"
    return number


def claimed(engine: Engine, now: datetime = DUE) -> Task | None:
    return analyses.claim(engine, token=f"t{now}", lease=LEASE, now=now)


def change(engine: Engine, **values: object) -> None:
    with transaction(engine) as connection:
        connection.execute(analyses.analyses.update().values(**values))


def test_the_signature_repeats_nothing_of_the_log(store: Engine) -> None:
    queued(store, template="login with password=zebraandquagga")
    assert "zebra" not in str(rows(store, "SELECT * FROM analyses"))


@pytest.mark.parametrize("back", [timedelta(hours=2), timedelta(days=30)])
def test_a_clock_that_was_set_back_keeps_nothing_waiting(store: Engine, back: timedelta) -> None:
    """What was claimed, put off or leased by a clock that was ahead."""
    number = queued(store)
    assert claimed(store) is not None
    found = claimed(store, DUE - back)
    assert found is not None
    assert number == found.incident_id
