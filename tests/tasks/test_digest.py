"""The daily digest, from what is stored to those who read it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.store.database import Engine
from domain.contacts import Contact, ContactKind
from domain.incidents import Resolution
from domain.pages import Page, PageReason
from domain.roster import Target, User
from domain.settings import Settings
from tasks.digest import queue_digest
from tests.parts.desk_part import Desk
from tests.parts.judged_part import rows
from tests.parts.mutes_part import a_silence
from tests.parts.roster_part import OPS, ROSTER, FixedRoster, channel, user

HOUR = 3600.0
EIGHT = datetime(2026, 1, 6, 8, tzinfo=UTC)


def read_by(*readers: Target, contacts: tuple[Contact, ...] = ()) -> FixedRoster:
    gus = {"gus": User("gus", contacts)} if contacts else {}
    return FixedRoster(replace(ROSTER, digest=readers, users={**ROSTER.users, **gus}))


@pytest.fixture
def desk(store: Engine) -> Desk:
    return Desk(store, rosters=read_by(channel(OPS)), now=EIGHT - timedelta(hours=2))


def unpaged(desk: Desk, resolution: Resolution, service: str = "web", **changes: object) -> int:
    """An incident that was over without a page."""
    number = desk.incident(service=service)
    desk.change(number, page_key="", **changes)
    with desk.engine.begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM pages WHERE incident_id = {number}")
    desk.close(number, resolution)
    return number


def digest(desk: Desk, *, at: datetime = EIGHT) -> list[Page]:
    """What is sent at that time."""
    desk.now = at
    desk.receiver.pages.clear()
    queue_digest(desk.pager)
    desk.deliver()
    return [page for page in desk.receiver.pages if page.reason is PageReason.DIGEST]


def test_what_deserved_no_page_is_told_with_its_reasons_once_a_day(desk: Desk) -> None:
    unpaged(desk, Resolution.VERIFIED, "cache")
    unpaged(desk, Resolution.QUIET, "mail", confirmed_at=None)
    (page,) = digest(desk)
    assert ("DIGEST of 2026-01-06: 2 incidents deserved no page", OPS, 0) == (page.summary, page.to, page.incident_id)
    assert {"1 incident: a playbook answered it", "1 incident: not confirmed: too few anomalous logs"} < set(page.lines)
    assert not any("sre ack" in line for line in (*page.lines, page.asked))
    assert [] == digest(desk, at=EIGHT + timedelta(minutes=1))
    assert [] == digest(desk, at=EIGHT + timedelta(days=1)), "all of it was told"


def test_pages_that_were_held_back_or_not_wanted_any_more_are_in_it(desk: Desk) -> None:
    desk.mute(a_silence(), seconds=4 * HOUR)
    muted = desk.incident(service="web")
    desk.deliver()
    taken = desk.incident(service="api")
    desk.close(taken, Resolution.HUMAN)
    desk.deliver()
    (page,) = digest(desk)
    text = "\n".join(page.lines)
    assert "held back by silence" in text
    assert f"(incident {muted})" in text
    assert f"(incident {taken})" in text


def test_what_was_held_back_for_a_while_and_sent_is_not_in_it(desk: Desk) -> None:
    desk.mute(a_silence(), seconds=60)
    desk.incident(service="web")
    desk.deliver()
    desk.forward(120)
    desk.deliver()
    assert [] == digest(desk)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        pytest.param(EIGHT - timedelta(minutes=1), 0, id="not before its time"),
        pytest.param(EIGHT + timedelta(minutes=30), 1, id="within the hour after it"),
        pytest.param(EIGHT + timedelta(minutes=61), 0, id="not later than that"),
    ],
)
def test_it_is_sent_at_its_time(desk: Desk, at: datetime, expected: int) -> None:
    unpaged(desk, Resolution.VERIFIED)
    assert expected == len(digest(desk, at=at))


def test_what_comes_after_its_time_waits_for_the_next_one(desk: Desk) -> None:
    assert [] == digest(desk)
    desk.forward(60)
    unpaged(desk, Resolution.VERIFIED)
    assert [] == digest(desk, at=EIGHT + timedelta(minutes=10))
    assert 1 == len(digest(desk, at=EIGHT + timedelta(days=1)))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"rosters": read_by()}, id="nobody reads it"),
        pytest.param({"rosters": None}, id="no file says who does"),
        pytest.param({"settings": Settings.model_validate({"paging": {"digest_at": ""}})}, id="switched off"),
    ],
)
def test_nobody_is_sent_one_where(desk: Desk, change: dict[str, object]) -> None:
    desk = replace(desk, **change)  # type: ignore[arg-type]
    unpaged(desk, Resolution.VERIFIED)
    assert [] == digest(desk)
    assert [] == rows(desk.engine, "SELECT 1 FROM pages WHERE reason = 'digest'")


PAGER = Contact(ContactKind.PAGERDUTY, "default")
MAIL = Contact(ContactKind.EMAIL, "gus@example.org")


@pytest.mark.parametrize(
    ("contacts", "expected"),
    [
        pytest.param((PAGER, MAIL), [MAIL], id="by mail, where PagerDuty is preferred"),
        pytest.param((PAGER,), [], id="not at all, where there is only PagerDuty"),
        pytest.param((Contact(ContactKind.ALERTMANAGER, "main"),), [], id="not as an alert of Alertmanager"),
    ],
)
def test_it_wakes_nobody(desk: Desk, contacts: tuple[Contact, ...], expected: list[Contact]) -> None:
    desk.rosters = read_by(user("gus"), contacts=contacts)
    unpaged(desk, Resolution.VERIFIED)
    assert expected == [page.to for page in digest(desk)]
    states = [row["state"] for row in rows(desk.engine, "SELECT state FROM pages WHERE reason = 'digest'")]
    assert ["sent" if expected else "suppressed"] == states
