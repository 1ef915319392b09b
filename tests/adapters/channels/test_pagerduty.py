"""The PagerDuty channel, against a server that keeps alerts as PagerDuty documents it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.channels.pagerduty import PagerDutyChannel
from domain.contacts import Contact, ContactKind
from domain.errors import Refused, Unavailable
from domain.pages import Page, PageKind, PageReason
from domain.paging_settings import PagerDutySettings, PagingSettings
from tests.contracts.pages_part import FULL, a_page, a_page_for
from tests.parts.receivers_part import PagerDuty, Reply, as_json, receiving

KEY = "0123456789abcdef0123456789abcdef"
TEAM = Contact(ContactKind.PAGERDUTY, "default")


@pytest.fixture
def pagerduty() -> Iterator[PagerDuty]:
    with receiving(PagerDuty()) as found:
        yield found


def channel(pagerduty: PagerDuty, key: str = KEY) -> PagerDutyChannel:
    return PagerDutyChannel(
        PagingSettings(pagerduty=PagerDutySettings(routing_key=key, url=f"{pagerduty.url}/v2/enqueue"))
    )


def send(pagerduty: PagerDuty, *kinds: PageKind, **changes: object) -> None:
    for kind in kinds:
        channel(pagerduty).send(a_page(to=TEAM, kind=kind, **changes))


def test_an_incident_is_one_alert_from_its_first_page_to_its_end(pagerduty: PagerDuty) -> None:
    send(pagerduty, PageKind.TRIGGER, PageKind.UPDATE, PageKind.ACKNOWLEDGE, PageKind.RESOLVE)
    (alert,) = pagerduty.alerts
    assert ("sre-agent-17-1", "resolved") == (alert.key, alert.state)
    assert ["trigger", "trigger", "acknowledge", "resolve"] == [event["event_action"] for event in alert.events]


def test_the_same_page_again_makes_no_second_alert(pagerduty: PagerDuty) -> None:
    """Fault 8: a retry is recognisable as one."""
    send(pagerduty, PageKind.TRIGGER, PageKind.TRIGGER)
    assert 1 == len(pagerduty.alerts)


def test_another_episode_is_another_alert_which_late_news_of_the_first_one_cannot_touch(pagerduty: PagerDuty) -> None:
    send(pagerduty, PageKind.TRIGGER, PageKind.RESOLVE)
    send(pagerduty, PageKind.TRIGGER, episode=2)
    send(pagerduty, PageKind.ACKNOWLEDGE)
    assert ["resolved", "triggered"] == [alert.state for alert in pagerduty.alerts]
    assert 1 == len(pagerduty.dropped)


def test_the_receipt_holds_the_key_that_pagerduty_answered(pagerduty: PagerDuty) -> None:
    receipt = channel(pagerduty).send(a_page(to=TEAM))
    assert "sre-agent-17-1" == receipt.message_id == receipt.details["dedup_key"]


@pytest.mark.parametrize(
    ("severity", "expected"), [("critical", "critical"), ("high", "error"), ("medium", "warning"), ("low", "info")]
)
def test_severities_are_pagerdutys(pagerduty: PagerDuty, severity: str, expected: str) -> None:
    send(pagerduty, PageKind.TRIGGER, severity=severity)
    assert expected == pagerduty.alerts[0].events[0]["payload"]["severity"]


def test_details_are_words_and_links_are_links(pagerduty: PagerDuty) -> None:
    channel(pagerduty).send(page_for_team(FULL))
    event = pagerduty.alerts[0].events[0]
    details = event["payload"]["custom_details"]
    assert FULL.origin == details["Likely origin"]
    assert FULL.evidence[0] in details["Evidence"]
    assert all(isinstance(text, str) for text in details.values())
    assert [link.url for link in FULL.links] == [link["href"] for link in event["links"]]


def page_for_team(page: Page) -> Page:
    return a_page(**{name: getattr(page, name) for name in page.__slots__} | {"to": TEAM})


def test_what_is_too_large_goes_without_details(pagerduty: PagerDuty) -> None:
    send(pagerduty, PageKind.TRIGGER, lines=("ü" * 2_000,) * 500)
    payload = pagerduty.alerts[0].events[0]["payload"]
    assert "custom_details" not in payload
    assert a_page().summary == payload["summary"]


def test_long_text_fits_pagerdutys_limits(pagerduty: PagerDuty) -> None:
    send(pagerduty, PageKind.TRIGGER, summary="x" * 5_000, key="k" * 5_000, service="s" * 5_000)
    assert 1 == len(pagerduty.alerts)


def test_a_digest_is_an_alert_of_its_own(pagerduty: PagerDuty) -> None:
    channel(pagerduty).send(page_for_team(a_page_for(PageReason.DIGEST)))
    assert "sre-agent-incident 17 digest" == pagerduty.alerts[0].key


def test_a_refused_event_says_why(pagerduty: PagerDuty) -> None:
    pagerduty.always = as_json(400, {"status": "invalid event", "errors": [f"'payload' is odd for {KEY}"]})
    with pytest.raises(Refused, match=r"HTTP status 400: 'payload' is odd for \*\*\*"):
        channel(pagerduty).send(a_page(to=TEAM))


def test_a_key_of_the_wrong_length_is_a_matter_of_settings(pagerduty: PagerDuty) -> None:
    with pytest.raises(Unavailable, match=r"should be 32 characters.*paging\.pagerduty\.routing_key"):
        channel(pagerduty, key="short").send(a_page(to=TEAM))


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1, 2]", b'{"errors": 7}', b'{"errors": [7, {}]}', b"\xff"])
@pytest.mark.parametrize("status", [202, 400])
def test_malformed_answers_change_no_outcome(pagerduty: PagerDuty, status: int, body: bytes) -> None:
    pagerduty.always = Reply(status, body)
    if status == 202:
        assert "sre-agent-17-1" == channel(pagerduty).send(a_page(to=TEAM)).message_id
    else:
        with pytest.raises(Refused):
            channel(pagerduty).send(a_page(to=TEAM))
