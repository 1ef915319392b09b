"""A storm: 100,000 anomalous logs of 30 signatures in a minute, from columns to pages, on a virtual clock."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest

from adapters.store.database import Engine
from domain.pages import Page, PageKind, Receipt
from domain.settings import Settings
from tasks.delivering import run
from tasks.paging import Pager
from tests.parts.judged_part import Feed, known, rows
from tests.parts.logs_part import NOON, SECOND, an_error
from tests.parts.roster_part import FixedRoster

LOGS, SIGNATURES, CRITICAL, SECONDS = 100_000, 30, 5, 60
FIRST = ("disk", "socket", "lock", "index", "cache")
SECOND_WORD = ("alpha", "bravo", "delta", "gamma", "kappa", "sigma")
BUDGET = Settings().paging.shift_budget
# A batch, and the pause between two looks of `on-call`.
AT_ONCE = timedelta(seconds=1.25)


class Inbox:
    """Takes every page, and remembers when."""

    def __init__(self) -> None:
        self.now = NOON
        self.pages: list[tuple[datetime, Page]] = []

    def send(self, page: Page, before: Receipt | None = None) -> Receipt:
        self.pages.append((self.now, page))
        return Receipt("memory", "memory", page.key, self.now)


def signature(number: int) -> tuple[str, str, str]:
    """Service, message and level of one kind of failure; a few of them are critical."""
    words = f"{FIRST[number % 5]} {SECOND_WORD[number // 5]}"
    return f"svc-{number:02}", f"{words} failed", "CRITICAL" if number < CRITICAL else "ERROR"


def logs_of(second: int) -> list[bytes]:
    each = LOGS // SECONDS
    made = []
    for number in range(second * each, (second + 1) * each if second < SECONDS - 1 else LOGS):
        service, message, level = signature(number % SIGNATURES)
        stamp = (NOON + second * SECOND).isoformat()
        made.append(an_error(number, timestamp=stamp, service=service, message=message, level=level))
    return made


@pytest.mark.slow
@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_a_storm_is_a_few_incidents_and_pages_and_nothing_critical_is_late(store: Engine) -> None:
    """Fault 24."""
    feed, inbox = Feed(store, knowledge=known()), Inbox()
    pager = Pager(known().settings, store, clock=lambda: inbox.now, given=inbox, rosters=FixedRoster())
    for second in range(SECONDS + 120):
        inbox.now = NOON + (second + 1) * SECOND
        if second < SECONDS:
            feed.take(*logs_of(second), now=inbox.now)
        run(pager, f"second {second}")
    (found,) = rows(store, "SELECT count(*) AS incidents, sum(logs) AS logs FROM incidents")
    assert LOGS == found["logs"], "each anomaly is counted in an incident"
    assert found["incidents"] <= SIGNATURES
    triggers = {page.thread for _, page in inbox.pages if page.kind is PageKind.TRIGGER}
    assert 0 < len(triggers) <= SIGNATURES
    people = Counter(page.person or str(page.to) for _, page in inbox.pages if page.severity != "critical")
    assert max(people.values(), default=0) <= BUDGET
    assert [] == late(store, inbox)


def late(store: Engine, inbox: Inbox) -> list[str]:
    """Critical incidents of which nobody heard within a batch and a look of their being confirmed."""
    first: dict[int, datetime] = {}
    for at, page in inbox.pages:
        first.setdefault(page.incident_id, at)
    critical = rows(
        store, "SELECT incident_id, min(created_at) AS since FROM pages WHERE reason = 'critical' GROUP BY 1"
    )
    assert critical, "something was critical"
    waited = {one["incident_id"]: first.get(one["incident_id"]) for one in critical}
    since = {one["incident_id"]: datetime.fromisoformat(f"{one['since']}+00:00") for one in critical}
    return [f"incident {number}: {at}" for number, at in waited.items() if at is None or at - since[number] > AT_ONCE]
