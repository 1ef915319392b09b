"""The ends of incidents: acknowledged, closed by hand and by silence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from adapters.store import answers, closing, outbox, step_queue
from adapters.store.closing import close_by_hand, close_quiet, reread
from adapters.store.database import Engine, transaction
from domain.errors import Refused
from domain.incidents import Resolution, State
from tests.parts.judged_part import NOW, Feed, rows
from tests.parts.logs_part import an_error

LEASE = timedelta(seconds=45)
LATER = NOW + LEASE + timedelta(seconds=1)


def state_of(store: Engine, number: int) -> tuple[object, object]:
    (row,) = rows(store, "SELECT state, resolution FROM incidents WHERE id = :id", id=number)
    return row["state"], row["resolution"]


def page_states(store: Engine) -> list[object]:
    return [row["state"] for row in rows(store, "SELECT state FROM pages ORDER BY id")]


def test_acknowledging_stops_the_pages_that_wait(store: Engine) -> None:
    """Fault 2: an acknowledged incident paged months later."""
    number = Feed(store).incident()
    assert closing.acknowledge(store, number, by="ann", now=NOW)
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
    (mine,) = step_queue.claim(store, token="first", lease=LEASE, now=NOW, limit=5)
    assert close_by_hand(store, number, by="ann", now=NOW)
    assert ("resolved", "human") == state_of(store, number)
    assert ["suppressed"] == page_states(store)
    with pytest.raises(Refused):
        step_queue.hold(store, mine, until=LATER)
    with pytest.raises(Refused), transaction(store) as connection:
        answers.move(connection, number, State.ACTING)


@pytest.mark.parametrize("order", [closing.acknowledge, close_by_hand])
def test_what_is_closed_or_unknown_is_said_to_be_so(store: Engine, order: object) -> None:
    number = Feed(store).incident()
    close_by_hand(store, number, by="ann", now=NOW)
    assert not order(store, number, by="bob", now=NOW)  # type: ignore[operator]
    assert not order(store, 4_711, by="bob", now=NOW)  # type: ignore[operator]


def test_a_person_who_closes_what_went_quiet_stops_no_page_of_it(store: Engine) -> None:
    number = Feed(store).incident()
    with transaction(store) as connection:
        closing.resolve(connection, number, Resolution.QUIET, now=NOW)
    assert not close_by_hand(store, number, by="ann", now=NOW)
    assert ["queued"] == page_states(store)


QUIET = timedelta(minutes=15)
LONG_AFTER = NOW + QUIET + timedelta(minutes=1)


def rest(store: Engine) -> None:
    """Whoever answered is done with it."""
    with transaction(store) as connection:
        connection.execute(sa.text("DELETE FROM steps"))


def test_silence_closes_an_incident(store: Engine) -> None:
    number = Feed(store).incident()
    rest(store)
    assert [] == close_quiet(store, quiet=QUIET, now=NOW + QUIET - timedelta(minutes=1))
    assert [number] == close_quiet(store, quiet=QUIET, now=LONG_AFTER)
    assert ("resolved", "quiet") == state_of(store, number)
    assert [] == close_quiet(store, quiet=QUIET, now=LONG_AFTER)


def test_an_incident_of_old_logs_that_was_just_stored_is_not_quiet(store: Engine) -> None:
    """Fault 23: event times of a backlog are long past when it arrives."""
    feed = Feed(store)
    feed.take(*(an_error(number) for number in range(3)), now=LONG_AFTER)
    assert [] == close_quiet(store, quiet=QUIET, now=LONG_AFTER)


def test_a3_an_incident_with_a_step_that_is_due_is_not_closed_by_silence(store: Engine) -> None:
    Feed(store).incident()
    assert [] == close_quiet(store, quiet=QUIET, now=LONG_AFTER)


def test_a_question_for_an_unknown_incident_is_answered_with_none(store: Engine) -> None:
    assert reread(store, 4_711) is None


def test_an_incident_comes_back_as_it_was_stored(store: Engine) -> None:
    folded = Feed(store).take(*(an_error(number, message='it\'s "broken" \\ error') for number in range(3)))
    (incident,) = folded.touched.values()
    assert replace(incident, alerts=[]) == reread(store, incident.id)


# --- outbox -----------------------------------------------------------------------------------


def test_pages_of_an_acknowledged_incident_are_not_claimed(store: Engine) -> None:
    number = Feed(store).incident()
    closing.acknowledge(store, number, by="ann", now=NOW)
    assert [] == outbox.claim_pages(store, token="first", lease=LEASE, now=NOW)
