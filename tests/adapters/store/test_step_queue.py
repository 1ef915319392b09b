"""The table is the queue: what is due is claimed once, under a lease, the worst first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adapters.store import step_queue
from adapters.store.database import Engine, transaction
from adapters.store.step_queue import Claim, claim
from domain.errors import Refused
from domain.steps import Due
from tests.parts.judged_part import NOW, Feed, rows
from tests.parts.logs_part import an_error

LEASE = timedelta(seconds=45)
LATER = NOW + LEASE + timedelta(seconds=1)


def claimed(store: Engine, token: str = "first", *, now: Any = NOW, limit: int = 5) -> list[Claim]:
    return claim(store, token=token, lease=LEASE, now=now, limit=limit)


def test_a_confirmed_incident_is_claimed_once(store: Engine) -> None:
    number = Feed(store).incident()
    assert [number] == [one.incident_id for one in claimed(store)]
    assert [] == claimed(store, "second")


def test_an_incident_that_is_not_confirmed_is_not_in_the_queue(store: Engine) -> None:
    Feed(store).take(an_error())
    assert [] == rows(store, "SELECT * FROM steps")


def test_the_worst_comes_first(store: Engine) -> None:
    feed = Feed(store)
    numbers = {
        service: feed.incident(service=service, level=level, message=f"{service} broken: connection refused")
        for service, level in (("a", "ERROR"), ("b", "CRITICAL"), ("c", "ERROR"))
    }
    assert [numbers["b"], numbers["a"]] == [one.incident_id for one in claimed(store, limit=2)]
    assert [numbers["c"]] == [one.incident_id for one in claimed(store, "second")]


def test_the_lease_of_a_dead_owner_runs_out_and_its_incident_is_taken_over(store: Engine) -> None:
    """Fault 3: an action was "running" for ever after its runner died."""
    number = Feed(store).incident()
    claimed(store)
    assert [] == claimed(store, "second", now=NOW + LEASE)
    assert [number] == [one.incident_id for one in claimed(store, "second", now=LATER)]


def test_a_stuck_incident_blocks_only_itself(store: Engine) -> None:
    """Fault 3: one row stuck in progress, and no other was worked on."""
    feed = Feed(store)
    feed.incident(service="stuck")
    claimed(store)
    other = feed.incident(service="other", message="disk error")
    assert [other] == [one.incident_id for one in claimed(store, "second")]


def test_whoever_lost_the_lease_can_neither_renew_nor_release_nor_drop(store: Engine) -> None:
    number = Feed(store).incident()
    (dead,) = claimed(store)
    (alive,) = claimed(store, "second", now=LATER)
    with pytest.raises(Refused, match="the lease was lost"):
        step_queue.hold(store, dead, until=LATER + LEASE)
    step_queue.release(store, dead, None)
    with pytest.raises(Refused, match="the lease was lost"), transaction(store) as connection:
        step_queue.drop_when_held(connection, dead)
    step_queue.hold(store, alive, until=LATER + LEASE)
    assert [number] == [row["incident_id"] for row in rows(store, "SELECT incident_id FROM steps")]


def test_what_is_due_later_is_claimed_later(store: Engine) -> None:
    number = Feed(store).incident()
    (mine,) = claimed(store)
    waits = Due(NOW + timedelta(minutes=4), "approval", NOW + timedelta(minutes=30), tries=2, error="no route")
    step_queue.release(store, mine, waits)
    assert [] == claimed(store, now=NOW + timedelta(minutes=3))
    with transaction(store) as connection:
        assert waits == step_queue.due_of(connection, number)
    assert [number] == [one.incident_id for one in claimed(store, now=waits.at)]


def test_a_lease_that_is_renewed_is_kept(store: Engine) -> None:
    Feed(store).incident()
    (mine,) = claimed(store)
    step_queue.hold(store, mine, until=LATER + LEASE)
    assert [] == claimed(store, "second", now=LATER)


def test_an_incident_with_nothing_due_is_not_in_the_queue(store: Engine) -> None:
    Feed(store).incident()
    (mine,) = claimed(store)
    step_queue.release(store, mine, None)
    assert [] == claimed(store, "second", now=LATER)
