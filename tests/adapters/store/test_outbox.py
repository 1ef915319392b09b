"""Pages as rows: claimed, sent, sent again under the same key when nobody knows."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from adapters.store import outbox
from adapters.store.database import Engine, transaction
from adapters.store.incident_queue import reread
from adapters.store.outbox import QueuedPage
from domain.pages import PageReason, Receipt
from tests.parts.judged_part import NOW, Feed, rows

LEASE = timedelta(seconds=45)
LATER = NOW + LEASE + timedelta(seconds=1)
RECEIPT = Receipt("email", "mail.example", "<k@example>", NOW)


def claimed(
    store: Engine, token: str = "first", *, now: datetime = NOW, incident_id: int | None = None
) -> list[QueuedPage]:
    return outbox.claim_pages(store, token=token, lease=LEASE, now=now, due_before=now, incident_id=incident_id)


def the_row(store: Engine) -> dict[str, object]:
    (row,) = rows(store, "SELECT state, attempts, error, lease_token FROM pages")
    return row


def test_a_page_is_claimed_once_with_its_incident(store: Engine) -> None:
    number = Feed(store).incident()
    (page,) = claimed(store)
    assert (number, PageReason.UNCOMMON, "email", 0, False) == (
        page.incident.id,
        page.reason,
        page.channel,
        page.attempts,
        page.late,
    )
    assert [] == claimed(store, "second")


def test_a_page_that_was_claimed_and_never_settled_goes_again_under_the_same_key(store: Engine) -> None:
    """Fault 8: a retry must be recognisable as one."""
    Feed(store).incident()
    (dead,) = claimed(store)
    (again,) = claimed(store, "second", now=LATER)
    assert dead.key == again.key
    assert dead.token != again.token


def test_a_stuck_page_blocks_only_itself(store: Engine) -> None:
    """Fault 3: one row stuck in progress held up everything behind it."""
    feed = Feed(store)
    feed.incident(service="stuck")
    claimed(store)
    feed.incident(service="other")
    assert ["other"] == [page.incident.service for page in claimed(store, "second")]


def test_sent_is_sent(store: Engine) -> None:
    Feed(store).incident()
    (page,) = claimed(store)
    assert outbox.mark_sent(store, page, RECEIPT, now=NOW)
    assert {"state": "sent", "attempts": 1, "error": None, "lease_token": None} == the_row(store)
    assert [] == claimed(store, "second", now=LATER)
    assert 1 == len(rows(store, "SELECT 1 FROM ledger WHERE kind = 'page.sent'"))


def test_what_was_not_accepted_goes_again_when_it_is_due(store: Engine) -> None:
    Feed(store).incident()
    (page,) = claimed(store)
    assert outbox.mark_retry(store, page, "mailbox busy", due_at=NOW + LEASE, now=NOW)
    assert [] == claimed(store, "second", now=NOW + LEASE / 2)
    (again,) = claimed(store, "second", now=NOW + LEASE)
    assert (page.key, 1) == (again.key, again.attempts)


@pytest.mark.parametrize(("settle", "state"), [(outbox.mark_failed, "failed"), (outbox.mark_suppressed, "suppressed")])
def test_what_is_over_is_over(store: Engine, settle: object, state: str) -> None:
    Feed(store).incident()
    (page,) = claimed(store)
    assert settle(store, page, "no such mailbox", now=NOW)  # type: ignore[operator]
    assert (state, "no such mailbox") == (the_row(store)["state"], the_row(store)["error"])
    assert [] == claimed(store, "second", now=LATER)


def test_whoever_lost_the_lease_cannot_settle(store: Engine) -> None:
    Feed(store).incident()
    (dead,) = claimed(store)
    (alive,) = claimed(store, "second", now=LATER)
    assert not outbox.mark_failed(store, dead, "too late", now=LATER)
    assert not outbox.mark_sent(store, dead, RECEIPT, now=LATER)
    assert outbox.mark_sent(store, alive, RECEIPT, now=LATER)
    assert 1 == len(rows(store, "SELECT 1 FROM ledger WHERE kind = 'page.sent'"))


def test_pages_of_one_incident_are_claimed_by_its_run(store: Engine) -> None:
    feed = Feed(store)
    feed.incident(service="a")
    number = feed.incident(service="b")
    assert ["b"] == [page.incident.service for page in claimed(store, incident_id=number)]


def test_the_same_page_is_queued_once(store: Engine) -> None:
    incident = reread(store, Feed(store).incident())
    assert incident is not None

    def queue(key: str) -> bool:
        with transaction(store) as connection:
            return outbox.queue(
                connection, incident, PageReason.INEFFECTIVE, key=key, channels=["a", "b"], lines=["tried"], now=NOW
            )

    assert [True, False, False] == [queue("new"), queue("new"), queue(incident.page_key)]
    assert ["email", "a", "b"] == [page.channel for page in claimed(store)]
