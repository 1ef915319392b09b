"""Rows of analyses: claimed by one, never two of one fault at once, and found out again where they cannot be read."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.store import analyses
from adapters.store.analyses import Task
from adapters.store.closing import reread
from adapters.store.database import Engine, connect, transaction
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


def test_of_one_fault_one_is_claimed_at_a_time(store: Engine) -> None:
    first, _, other = queued(store), queued(store), queued(store, service="db")
    tasks = [claimed(store) for _ in range(3)]
    assert [first, other, None] == [task and task.incident_id for task in tasks]


def test_the_signature_repeats_nothing_of_the_log(store: Engine) -> None:
    queued(store, template="login with password=zebraandquagga")
    assert "zebra" not in str(rows(store, "SELECT * FROM analyses"))


def test_two_that_claim_at_once_do_not_get_the_same_fault(postgres: Engine) -> None:
    """The other one looks between our look and our commit."""
    queued(postgres)
    queued(postgres)
    other, found = connect(postgres.url.render_as_string(hide_password=False)), list[Task | None]()
    thread = threading.Thread(target=lambda: found.append(claimed(other)))

    def between(_c: object, _cur: object, text: str, *_: object) -> None:
        if text.startswith("UPDATE analyses") and thread.ident is None:
            thread.start()
            thread.join(1)  # it waits for us, or has claimed by then

    sa.event.listen(postgres, "before_cursor_execute", between)
    assert claimed(postgres) is not None
    thread.join()
    other.dispose()
    assert [None] == found


@pytest.mark.parametrize("back", [timedelta(hours=2), timedelta(days=30)])
def test_a_clock_that_was_set_back_keeps_nothing_waiting(store: Engine, back: timedelta) -> None:
    """What was claimed, put off or leased by a clock that was ahead."""
    number = queued(store)
    assert claimed(store) is not None
    found = claimed(store, DUE - back)
    assert found is not None
    assert number == found.incident_id


@pytest.mark.parametrize("column", ["dossier", "answer"])
def test_what_cannot_be_read_is_found_out_again(store: Engine, column: str) -> None:
    """A row of another version, or one with a number that JSON does not have, must not hold up all others."""
    queued(store)
    change(store, **{column: {"confidence": None, "of": "another version"}}, turns=[{"kind": "explored"}])
    task = claimed(store)
    assert task is not None
    assert (task.dossier, task.answer) == (None, None)
    assert task.turns == []


def test_an_answer_that_cannot_be_read_is_not_used_again(store: Engine) -> None:
    queued(store)
    change(store, source="llm:gpt-4", answer={"of": "another version"}, done_at=NOON, state="done")
    queued(store)
    task = claimed(store)
    assert task is not None
    with transaction(store) as connection:
        assert analyses.made_before(connection, task, since=NOON - LEASE) is None
