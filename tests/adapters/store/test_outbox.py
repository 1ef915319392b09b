"""Pages as rows: claimed, expanded into deliveries, sent, sent again under the same key when nobody knows."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from adapters.store import delivered, deliveries, outbox
from adapters.store.closing import acknowledge, reread
from adapters.store.database import Engine, transaction
from adapters.store.deliveries import Delivery
from adapters.store.outbox import QueuedPage
from adapters.store.tables.found import incidents
from domain.contacts import Contact, ContactKind
from domain.escalation import Notice
from domain.pages import PageKind, PageReason, Receipt
from tests.parts.judged_part import NOW, Feed, rows

LEASE = timedelta(seconds=45)
LATER = NOW + LEASE + timedelta(seconds=1)
RECEIPT = Receipt("email", "mail.example", "<k@example>", NOW)
MAIL, SLACK = Contact(ContactKind.EMAIL, "ann@example.org"), Contact(ContactKind.SLACK, "#ops")
ANN = Notice("ann", (MAIL, SLACK), "on call")


def claimed(store: Engine, token: str = "first", *, now: object = NOW) -> list[QueuedPage]:
    return outbox.claim_pages(store, token=token, lease=LEASE, now=now)  # type: ignore[arg-type]


def due(store: Engine, token: str = "first", *, now: object = NOW, channel: str = "email") -> list[Delivery]:
    return deliveries.claim(store, channel, token=token, lease=LEASE, limit=10, now=now)  # type: ignore[arg-type]


def expanded(store: Engine, *notices: Notice, at_once: bool = False) -> QueuedPage:
    """The page that waits, on its way to these."""
    (page,) = claimed(store)
    with transaction(store) as connection:
        assert outbox.settle(connection, page, state="sending")
        deliveries.insert(connection, page, notices or (ANN,), step=1, at_once=at_once, now=NOW)
    return page


def the_delivery(store: Engine, *notices: Notice) -> Delivery:
    expanded(store, *notices)
    (one,) = due(store)
    return one


def states(store: Engine) -> tuple[list[str], list[str]]:
    """Of pages, and of deliveries."""
    found = (rows(store, f"SELECT state FROM {table} ORDER BY id") for table in ("pages", "deliveries"))
    pages, sent = ([row["state"] for row in one] for one in found)
    return pages, sent


def test_a_page_is_claimed_once_with_its_incident(store: Engine) -> None:
    number = Feed(store).incident()
    (page,) = claimed(store)
    assert (number, PageReason.UNCOMMON, PageKind.TRIGGER) == (page.incident.id, page.reason, page.kind)
    assert [] == claimed(store, "second")


def test_a_page_that_was_claimed_and_never_expanded_is_claimed_again(store: Engine) -> None:
    Feed(store).incident()
    (dead,), (again,) = claimed(store), claimed(store, "second", now=LATER)
    assert dead.key == again.key
    with transaction(store) as connection:
        assert not outbox.settle(connection, dead, state="sending")
        assert outbox.settle(connection, again, state="sending")


def test_a_delivery_that_was_claimed_and_never_settled_goes_again_under_the_same_key(store: Engine) -> None:
    """Fault 8: a retry must be recognisable as one."""
    Feed(store).incident()
    dead = the_delivery(store)
    (again,) = due(store, "second", now=LATER)
    assert (dead.id, dead.page.key) == (again.id, again.page.key)
    assert not deliveries.mark_sent(store, dead, RECEIPT, now=LATER)
    assert not deliveries.mark_failed(store, dead, "too late", now=LATER)
    assert deliveries.mark_sent(store, again, RECEIPT, now=LATER)
    assert 1 == len(rows(store, "SELECT 1 FROM ledger WHERE kind = 'page.sent'"))


def test_a_stuck_delivery_blocks_only_itself(store: Engine) -> None:
    """Fault 3: one row stuck in progress held up everything behind it."""
    feed = Feed(store)
    feed.incident(service="stuck")
    the_delivery(store)
    feed.incident(service="other", message="disk error")
    expanded(store)
    assert ["other"] == [one.page.incident.service for one in due(store, "second")]


def test_sent_is_sent(store: Engine) -> None:
    Feed(store).incident()
    assert deliveries.mark_sent(store, the_delivery(store), RECEIPT, now=NOW)
    assert (["sent"], ["sent"]) == states(store)
    assert [] == due(store, "second", now=LATER)


def test_what_was_not_accepted_goes_again_when_it_is_due_and_at_once_to_the_next_contact(store: Engine) -> None:
    Feed(store).incident()
    one = the_delivery(store)
    assert deliveries.mark_retry(store, one, "mailbox busy", due_at=NOW + LEASE, now=NOW)
    assert [] == due(store, "second", now=NOW + LEASE / 2)
    (by_slack,) = due(store, channel="slack")
    assert ("ann", SLACK, one.page.key) == (by_slack.person, by_slack.contact, by_slack.page.key)
    assert deliveries.mark_sent(store, by_slack, RECEIPT, now=NOW)
    (again,) = due(store, "second", now=NOW + LEASE)
    assert (1, str(SLACK)) == (again.attempts, delivered.taken_by(store, again))


def test_every_contact_is_tried_at_once_where_it_is_said_so(store: Engine) -> None:
    Feed(store).incident()
    expanded(store, at_once=True)
    assert [MAIL, SLACK] == [one.contact for name in ("email", "slack") for one in due(store, channel=name)]


def test_a_page_fails_with_the_last_contact(store: Engine) -> None:
    Feed(store).incident()
    assert deliveries.mark_failed(store, the_delivery(store), "no such mailbox", now=NOW)
    assert (["sending"], ["failed", "queued"]) == states(store)
    (last,) = due(store, channel="slack")
    deliveries.mark_failed(store, last, "no such channel", now=NOW)
    assert (["failed"], ["failed", "failed"]) == states(store)


def test_what_nobody_wants_any_more_is_delivered_to_nobody(store: Engine) -> None:
    number = Feed(store).incident()
    expanded(store)
    assert acknowledge(store, number, by="ann", now=NOW)
    assert (["suppressed"], ["suppressed"]) == states(store)
    assert [] == due(store)


def test_the_same_page_is_queued_once(store: Engine) -> None:
    incident = reread(store, Feed(store).incident())
    assert incident is not None

    def queue(key: str) -> bool:
        with transaction(store) as connection:
            return outbox.queue(connection, incident, PageReason.INEFFECTIVE, key=key, lines=["tried"], now=NOW)

    assert [True, False, False] == [queue("new"), queue("new"), queue(incident.page_key)]
    assert [PageKind.TRIGGER, PageKind.UPDATE] == [page.kind for page in claimed(store)]


def test_the_worst_goes_first(store: Engine) -> None:
    feed = Feed(store)
    feed.incident(service="a")
    feed.incident(service="b", message="disk error", severity=4)
    for page in claimed(store):
        with transaction(store) as connection:
            outbox.settle(connection, page, state="sending")
            deliveries.insert(connection, page, [ANN], step=1, at_once=False, now=NOW)
    assert sorted((one.page.incident.severity for one in due(store)), reverse=True) == [
        one.page.incident.severity for one in due(store, now=LATER)
    ]


def test_news_waits_for_what_was_queued_before_it_for_the_same_receiver(store: Engine) -> None:
    """A resolve that comes before its trigger leaves an alert open for ever."""
    number = Feed(store).incident()
    page = expanded(store)
    with transaction(store) as connection:
        outbox.queue(connection, page.incident, PageReason.COMMENTED, key="said", lines=["ann: looking"], now=NOW)
    expanded(store)
    (first,) = due(store)
    assert (page.key, number) == (first.page.key, first.page.incident.id)
    deliveries.mark_sent(store, first, RECEIPT, now=NOW)
    (second,) = due(store)
    assert PageReason.COMMENTED is second.page.reason


@pytest.mark.slow
def test_of_two_that_end_at_once_the_last_one_says_that_all_is_over(postgres: Engine) -> None:
    """N6: each saw the other one open, and nobody was told; or both told it."""
    feed = Feed(postgres)
    first, second = feed.incident(service="web"), feed.incident(service="api", message="disk error")
    key = reread(postgres, first).page_key  # type: ignore[union-attr]  # it was stored just now
    with transaction(postgres) as connection:
        connection.execute(incidents.update().values(page_key=key))
        connection.execute(outbox.pages.update().values(state="sent"))
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


def test_a_clock_that_was_ahead_keeps_no_page_waiting(store: Engine) -> None:
    """Its lease and its next try were dated a day ahead, and the clock was set back."""
    Feed(store).incident()
    tomorrow = NOW + timedelta(days=1)
    claimed(store, "ahead", now=tomorrow)
    expanded(store)
    (one,) = due(store, "ahead", now=tomorrow)
    assert [one.id] == [other.id for other in due(store)]
    deliveries.mark_retry(store, due(store, now=tomorrow)[0], "busy", due_at=tomorrow + LEASE, now=tomorrow)
    assert [one.id] == [other.id for other in due(store)]
