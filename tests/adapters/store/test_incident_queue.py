"""The table is the queue: claims under leases, acknowledging, closing by hand and by silence."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.store import incident_queue, outbox
from adapters.store.database import Engine, transaction
from adapters.store.incident_queue import Claim, claim, close_by_hand, close_quiet, extend, move, reread
from domain.errors import Refused
from domain.incidents import State
from tests.parts.judged_part import NOW, Feed, rows
from tests.parts.logs_part import an_error

LEASE = timedelta(seconds=45)
LATER = NOW + LEASE + timedelta(seconds=1)


def claimed(store: Engine, token: str = "first", *, now: object = NOW, limit: int = 5) -> list[Claim]:
    return claim(store, token=token, lease=LEASE, now=now, limit=limit)  # type: ignore[arg-type]


def state_of(store: Engine, number: int) -> tuple[object, object]:
    (row,) = rows(store, "SELECT state, resolution FROM incidents WHERE id = :id", id=number)
    return row["state"], row["resolution"]


def page_states(store: Engine) -> list[object]:
    return [row["state"] for row in rows(store, "SELECT state FROM pages ORDER BY id")]


def test_a_confirmed_incident_is_claimed_once(store: Engine) -> None:
    number = Feed(store).incident()
    assert [number] == [one.incident.id for one in claimed(store)]
    assert [] == claimed(store, "second")


def test_an_incident_that_is_not_confirmed_waits(store: Engine) -> None:
    Feed(store).take(an_error())
    assert [] == claimed(store)


def test_the_worst_comes_first(store: Engine) -> None:
    feed = Feed(store)
    for service, level in (("a", "ERROR"), ("b", "CRITICAL"), ("c", "ERROR")):
        feed.incident(service=service, level=level)
    assert ["b", "a"] == [one.incident.service for one in claimed(store, limit=2)]
    assert ["c"] == [one.incident.service for one in claimed(store, "second")]


def test_the_lease_of_a_dead_owner_runs_out_and_its_incident_is_taken_over(store: Engine) -> None:
    """Fault 3: an action was "running" for ever after its runner died."""
    number = Feed(store).incident()
    claimed(store)
    assert [] == claimed(store, "second", now=NOW + LEASE)
    assert [number] == [one.incident.id for one in claimed(store, "second", now=LATER)]


def test_a_stuck_incident_blocks_only_itself(store: Engine) -> None:
    """Fault 3: one row stuck in progress, and no other was worked on."""
    feed = Feed(store)
    feed.incident(service="stuck")
    claimed(store)
    feed.incident(service="other")
    assert ["other"] == [one.incident.service for one in claimed(store, "second")]


def test_whoever_lost_the_lease_cannot_write(store: Engine) -> None:
    Feed(store).incident()
    (dead,) = claimed(store)
    (alive,) = claimed(store, "second", now=LATER)
    assert not extend(store, dead, until=LATER + LEASE)
    with pytest.raises(Refused, match="the lease was lost"), transaction(store) as connection:
        move(connection, dead, State.ACTING)
    with transaction(store) as connection:
        move(connection, alive, State.ACTING)
    assert ("acting", None) == state_of(store, alive.incident.id)


def test_a_lease_that_is_renewed_is_kept(store: Engine) -> None:
    Feed(store).incident()
    (mine,) = claimed(store)
    assert extend(store, mine, until=LATER + LEASE)
    assert [] == claimed(store, "second", now=LATER)


def test_what_was_answered_is_not_claimed_again(store: Engine) -> None:
    Feed(store).incident()
    (mine,) = claimed(store)
    with transaction(store) as connection:
        move(connection, mine, State.ESCALATED, handled=True)
    assert [] == claimed(store, "second", now=LATER)


def test_acknowledging_stops_the_pages_that_wait(store: Engine) -> None:
    """Fault 2: an acknowledged incident paged months later."""
    number = Feed(store).incident()
    assert incident_queue.acknowledge(store, number, by="ann", now=NOW)
    assert ["suppressed"] == page_states(store)
    kept = reread(store, number)
    assert kept is not None
    assert NOW == kept.acked_at
    assert [{"fields": {"by": "ann"}}] == _fields(store, "incident.acknowledged")


def _fields(store: Engine, kind: str) -> list[dict[str, object]]:
    import json  # noqa: PLC0415 - SQLite gives text where PostgreSQL gives the document

    found = rows(store, "SELECT fields FROM ledger WHERE kind = :kind", kind=kind)
    return [{"fields": json.loads(row["fields"]) if isinstance(row["fields"], str) else row["fields"]} for row in found]


def test_closing_by_hand_stops_the_pages_and_takes_it_from_its_owner(store: Engine) -> None:
    number = Feed(store).incident()
    (mine,) = claimed(store)
    assert close_by_hand(store, number, by="ann", now=NOW)
    assert ("resolved", "human") == state_of(store, number)
    assert ["suppressed"] == page_states(store)
    assert not extend(store, mine, until=LATER)
    with pytest.raises(Refused), transaction(store) as connection:
        move(connection, mine, State.ACTING)


@pytest.mark.parametrize("order", [incident_queue.acknowledge, close_by_hand])
def test_what_is_closed_or_unknown_is_said_to_be_so(store: Engine, order: object) -> None:
    number = Feed(store).incident()
    close_by_hand(store, number, by="ann", now=NOW)
    assert not order(store, number, by="bob", now=NOW)  # type: ignore[operator]
    assert not order(store, 4_711, by="bob", now=NOW)  # type: ignore[operator]


QUIET = timedelta(minutes=15)
LONG_AFTER = NOW + QUIET + timedelta(minutes=1)


def test_silence_closes_an_incident(store: Engine) -> None:
    number = Feed(store).incident()
    assert [] == close_quiet(store, quiet=QUIET, now=NOW + QUIET - timedelta(minutes=1))
    assert [number] == close_quiet(store, quiet=QUIET, now=LONG_AFTER)
    assert ("resolved", "quiet") == state_of(store, number)
    assert [] == close_quiet(store, quiet=QUIET, now=LONG_AFTER)


def test_an_incident_of_old_logs_that_was_just_stored_is_not_quiet(store: Engine) -> None:
    """Fault 23: event times of a backlog are long past when it arrives."""
    feed = Feed(store)
    feed.take(*(an_error(number) for number in range(3)), now=LONG_AFTER)
    assert [] == close_quiet(store, quiet=QUIET, now=LONG_AFTER)


def test_an_incident_in_somebodys_hands_is_not_closed_by_silence(store: Engine) -> None:
    Feed(store).incident()
    claim(store, token="first", lease=QUIET * 2, now=NOW, limit=1)
    assert [] == close_quiet(store, quiet=QUIET, now=LONG_AFTER)


def test_a_question_for_an_unknown_incident_is_answered_with_none(store: Engine) -> None:
    assert reread(store, 4_711) is None


def test_an_incident_comes_back_as_it_was_stored(store: Engine) -> None:
    folded = Feed(store).take(*(an_error(number, message='it\'s "broken" \\ error') for number in range(3)))
    (incident,) = folded.touched.values()
    assert incident == reread(store, incident.id)


# --- outbox -----------------------------------------------------------------------------------


def test_pages_of_an_acknowledged_incident_are_not_claimed(store: Engine) -> None:
    number = Feed(store).incident()
    incident_queue.acknowledge(store, number, by="ann", now=NOW)
    assert [] == outbox.claim_pages(store, token="first", lease=LEASE, now=NOW, due_before=NOW)
