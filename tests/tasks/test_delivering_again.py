"""What is delivered again: after a failure, after it was found needless, while somebody acknowledges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adapters.store.closing import acknowledge
from adapters.store.database import Engine
from adapters.store.deliveries import channels_due
from domain.errors import Later, Unavailable
from domain.incidents import Resolution
from domain.pages import Page, PageReason, Receipt
from domain.paging_settings import PagingSettings
from domain.roster import Policy, PolicyStep
from domain.settings import Settings
from tests.contracts.fakes import RecordingChannel
from tests.parts.desk_part import Desk
from tests.parts.roster_part import MINUTES, ROSTER, FixedRoster, user

MINUTE, HOUR = 60.0, 3600.0


@pytest.fixture
def desk(store: Engine) -> Desk:
    return Desk(store, rosters=FixedRoster())


def paged(desk: Desk, **changes: Any) -> int:
    number = desk.incident(**changes)
    desk.deliver()
    return number


def test_who_had_the_first_round_is_told_by_the_next_one_though_it_fails_at_first(desk: Desk) -> None:
    policy = Policy("default", (PolicyStep((user("bob"),), 5 * MINUTES),), repeat=1)
    desk.rosters = FixedRoster(replace(ROSTER, policies={"default": policy}))
    paged(desk)
    assert ["bob"] == desk.reached()
    desk.receiver.failure = Unavailable("busy")
    desk.forward(5 * MINUTE)
    desk.fire()
    desk.receiver.failure = None
    desk.forward(2 * MINUTE)
    desk.deliver()
    assert ["bob"] == desk.reached()


def test_who_took_a_page_while_somebody_acknowledged_it_hears_that_it_is_over(desk: Desk) -> None:
    """A PagerDuty alert that was opened in that moment stayed open for good."""
    number = desk.incident()
    desk.receiver = Acknowledging(desk, number)
    desk.deliver()
    assert ["ann"] == desk.reached(), "the other one was found needless before it left"
    desk.forward(MINUTE)
    desk.close(number, Resolution.VERIFIED)
    desk.deliver()
    assert [("ann", PageReason.RESOLVED)] == [(page.person, page.reason) for page in desk.receiver.pages]


class Acknowledging(RecordingChannel):
    """A receiver during whose answer somebody acknowledges."""

    def __init__(self, desk: Desk, number: int) -> None:
        super().__init__()
        self.desk = desk
        self.number = number

    def send(self, page: Page, before: Receipt | None = None) -> Receipt:
        if page.reason is PageReason.UNCOMMON:
            acknowledge(self.desk.engine, self.number, by="bob", now=self.desk.now)
        return super().send(page, before)


def test_a_receiver_that_asks_to_come_again_in_an_hour_is_left_alone_until_then(desk: Desk) -> None:
    """What was due in more than ten minutes was tried again at once, as if a clock had been ahead."""
    desk.receiver.failure = Later("come again in 3600 s", HOUR)
    paged(desk, severity=4, reason=PageReason.CRITICAL)
    assert [1, 1, 1] == desk.attempts()
    desk.forward(HOUR - 1)
    desk.deliver()
    assert [1, 1, 1] == desk.attempts()
    desk.receiver.failure = None
    desk.forward(1)
    desk.deliver()
    assert ["ann", "ann", "slack #ops"] == desk.reached()


def test_what_waits_for_the_next_digest_of_a_shift_is_not_looked_at_all_the_time(desk: Desk) -> None:
    desk.settings = Settings(paging=PagingSettings(shift_budget=1, merged_minutes=60))
    paged(desk)
    paged(desk, service="api")
    desk.forward(HOUR - 1)
    assert set() == channels_due(desk.engine, now=desk.now)
    desk.forward(1)
    assert {"email", "slack"} == channels_due(desk.engine, now=desk.now)


def test_what_a_clock_that_was_ahead_put_off_is_due(desk: Desk) -> None:
    desk.receiver.failure = Unavailable("busy")
    desk.forward(2 * HOUR)
    paged(desk)
    desk.receiver.failure = None
    desk.forward(-2 * HOUR)
    desk.deliver()
    assert ["ann", "slack #ops"] == desk.reached()


def test_messages_of_a_clock_that_was_ahead_fill_no_rate(desk: Desk) -> None:
    """Nothing that is not critical went out until that time came."""
    desk.settings = Settings(paging=PagingSettings(receiver_per_minute=1, shift_budget=1))
    desk.forward(3 * HOUR)
    paged(desk)
    desk.reached()
    desk.forward(-3 * HOUR)
    paged(desk, service="api")
    assert ["ann", "slack #ops"] == desk.reached()
