"""Pages as rows: claimed, sent, sent again under the same key when nobody knows."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from adapters.store import outbox
from adapters.store.closing import reread
from adapters.store.database import Engine, transaction
from adapters.store.outbox import QueuedPage
from adapters.store.tables import incidents
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
    feed.incident(service="other", message="disk error")
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
    number = feed.incident(service="b", message="disk error")
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


@pytest.mark.slow
def test_of_two_that_end_at_once_the_last_one_says_that_all_is_over(postgres: Engine) -> None:
    """N6: each saw the other one open, and nobody was told; or both told it."""
    feed = Feed(postgres)
    first, second = feed.incident(service="web"), feed.incident(service="api", message="disk error")
    key = reread(postgres, first).page_key  # type: ignore[union-attr]  # it was stored just now
    with transaction(postgres) as connection:
        connection.execute(incidents.update().values(page_key=key))
    for page in claimed(postgres):
        assert outbox.mark_sent(postgres, page, RECEIPT, now=NOW)
    together = threading.Barrier(2)

    def close(number: int) -> bool:
        incident = reread(postgres, number)
        assert incident is not None
        with transaction(postgres) as connection:
            connection.execute(incidents.update().where(incidents.c.id == number).values(state="resolved"))
            together.wait(10)
            return outbox.queue_resolved(connection, incident, ["over"], NOW)

    with ThreadPoolExecutor(2) as pool:
        assert [False, True] == sorted(pool.map(close, (first, second)))
    assert 1 == len(rows(postgres, "SELECT 1 FROM pages WHERE reason = 'resolved'"))


def test_a_receiver_who_refused_is_a_row_of_its_own(store: Engine) -> None:
    """P4."""
    Feed(store).incident()
    (page,) = claimed(store)
    receipt = Receipt("email", "mail.example", "<k@example>", NOW, {"b@example.org": "550 nobody"})
    assert outbox.mark_sent(store, page, receipt, now=NOW)
    assert [] == claimed(store, "second")
    (again,) = claimed(store, "second", now=NOW + outbox.AGAIN_AFTER)
    assert (page.key, "email", "b@example.org") == (again.key, again.channel, again.to)
    assert outbox.mark_sent(store, again, RECEIPT, now=NOW)
    (_, last) = rows(store, "SELECT kind FROM ledger WHERE kind = 'page.sent'")
    assert {"kind": "page.sent"} == last


def test_a_page_that_was_lost_to_somebody_else_makes_no_row_for_who_refused_it(store: Engine) -> None:
    Feed(store).incident()
    (dead,) = claimed(store)
    claimed(store, "second", now=LATER)
    receipt = Receipt("email", "mail.example", "<k@example>", NOW, {"b@example.org": "550 nobody"})
    assert not outbox.mark_sent(store, dead, receipt, now=LATER)
    assert 1 == len(rows(store, "SELECT 1 FROM pages"))


def test_a_clock_that_was_ahead_keeps_no_page_waiting(store: Engine) -> None:
    """Its lease and its next try were dated a day ahead, and the clock was set back."""
    Feed(store).incident()
    tomorrow = NOW + timedelta(days=1)
    (page,) = outbox.claim_pages(store, token="ahead", lease=LEASE, now=tomorrow, due_before=tomorrow)
    assert [page.id] == [one.id for one in claimed(store)]
    (page,) = outbox.claim_pages(store, token="ahead", lease=LEASE, now=tomorrow, due_before=tomorrow)
    outbox.mark_retry(store, page, "busy", due_at=tomorrow + LEASE, now=tomorrow)
    assert [page.id] == [one.id for one in claimed(store)]
