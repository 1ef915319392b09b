"""What a person reads when many services fail at once: mails as a real server gets them, from logs in a real store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from adapters.store.database import Engine
from domain.incidents import Route
from tasks.delivering import run
from tasks.paging import Pager
from tests.contracts.fakes import RecordingChannel
from tests.parts.judged_part import NOW, Feed, known, rows
from tests.parts.logs_part import an_error

SHARED = "could not resolve host auth.internal: error"
OTHER = "no space left on device: write failed with an error"


@pytest.fixture
def channel() -> RecordingChannel:
    return RecordingChannel()


def minute(feed: Feed, services: int, *, other: str = "") -> None:
    """Each service says so three times within one minute; one of them says something else."""
    for second in range(0, 60, 5):
        mine = [f"svc-{number:03}" for number in range(services) if number % 4 == second // 5 % 4]
        logs = [an_error(second, service=service, message=SHARED) for service in mine]
        if other and second >= 30:
            logs.append(an_error(second, service=other, message=OTHER))
        feed.take(*logs, now=NOW + timedelta(seconds=second - 10))


def delivered(store: Engine, channel: RecordingChannel) -> Iterator[str]:
    """The pages that went out within two minutes, as text."""
    for second in range(0, 180, 5):
        now = NOW + timedelta(seconds=50 + second)
        pager = Pager(known().settings, store, clock=lambda now=now: now, given=channel)
        run(pager, "t")
    return ("\n".join([page.summary, *page.lines]) for page in channel.pages)


def test_three_hundred_services_with_one_cause_are_one_page_that_names_them(
    store: Engine, channel: RecordingChannel
) -> None:
    """N6: 300 services that could not resolve a host made 300 mails in a minute."""
    minute(Feed(store), 300)
    (page,) = delivered(store, channel)
    assert "300 services" in page
    assert [] == [f"svc-{number:03}" for number in range(300) if f"svc-{number:03}" not in page]
    assert [{"services": 300, "route": Route.HUMAN}] == rows(store, "SELECT services, route FROM incidents")


@pytest.mark.parametrize("other", ["svc-017", "billing"], ids=["in-one-of-them", "in-another-one"])
def test_a_second_unrelated_fault_among_them_is_a_second_page(
    store: Engine, channel: RecordingChannel, other: str
) -> None:
    minute(Feed(store), 300, other=other)
    shared, second = sorted(delivered(store, channel), key=len, reverse=True)
    assert "300 services" in shared
    assert "no space left on device" in second
    assert other in second
    assert "could not resolve host" not in second


@pytest.mark.parametrize("seconds", [1, 20, 50])
def test_two_unrelated_faults_in_one_minute_are_two_pages(
    store: Engine, channel: RecordingChannel, seconds: int
) -> None:
    feed = Feed(store)
    feed.take(*(an_error(0, service="search", message="index is corrupt: error") for _ in range(3)))
    feed.take(*(an_error(seconds, service="billing", message=OTHER) for _ in range(3)), now=NOW + timedelta(seconds=50))
    first, second = delivered(store, channel)
    assert "index is corrupt" in first
    assert "no space left on device" in second
