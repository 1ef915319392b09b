"""Teams, Alertmanager and apprise: what they are sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.channels.alertmanager import AlertmanagerChannel
from adapters.channels.alertmanager.channel import alerts
from adapters.channels.alerts import webhook_document
from adapters.channels.apprise import AppriseChannel
from adapters.channels.apprise.channel import without
from adapters.channels.apprise.text import body, harmless, title
from adapters.channels.teams import TeamsChannel
from adapters.channels.teams.card import message
from domain.contacts import Contact, ContactKind
from domain.errors import Unavailable
from domain.pages import PageKind, Receipt
from domain.paging_settings import PagingSettings
from tests.contracts.pages_part import FULL, NOON, a_page
from tests.parts.receivers_part import Accepting, Receiver, Reply, receiving

EVIL = "**bold** [click](http://evil.example) <at>Ann</at> @everyone <!channel> `code` # head"
TEXTS = st.text(max_size=60) | st.sampled_from([EVIL, *EVIL.split()])


def objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for entry in value.values():
            yield from objects(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from objects(entry)


def test_teams_gets_a_card() -> None:
    with receiving(Accepting()) as teams:
        paging = PagingSettings.model_validate({"teams": {"ops": f"{teams.url}/workflow?sig=x"}})
        TeamsChannel(paging).send(a_page(to=Contact(ContactKind.TEAMS, "ops")))
        (seen,) = teams.seen
    (attachment,) = seen.fields["attachments"]
    assert "application/vnd.microsoft.card.adaptive" == attachment["contentType"]
    assert ("AdaptiveCard", "1.5") == (attachment["content"]["type"], attachment["content"]["version"])


@given(TEXTS)
def test_no_log_text_is_markdown_for_teams(text: str) -> None:
    """A text block reads Markdown, a text run does not; a mention would need an entity of its own."""
    card = message(a_page(summary=text, evidence=(text,), lines=(text,), origin=text))
    kinds = {found["type"] for found in objects(card) if "text" in found}
    assert {"TextRun"} == kinds
    assert "entities" not in json.dumps(card)


def test_a_card_is_within_what_teams_takes() -> None:
    long = ("x" * 5_000,) * 500
    assert len(json.dumps(message(a_page(lines=long, evidence=long[:3], done=long[:50])))) < 28_000


def test_links_are_buttons_of_the_card() -> None:
    actions = message(FULL)["attachments"][0]["content"]["actions"]
    assert [link.url for link in FULL.links] == [action["url"] for action in actions]


def test_alertmanager_gets_an_alert_that_lasts_until_it_is_over() -> None:
    """Without an end Alertmanager would take it for resolved after five minutes."""
    (firing,) = alerts(a_page())
    (over,) = alerts(a_page(kind=PageKind.RESOLVE))
    assert firing["labels"] == over["labels"]
    assert ("2026-01-05T11:59:00.000Z", "2026-01-12T12:00:00.000Z") == (firing["startsAt"], firing["endsAt"])
    assert "2026-01-05T12:00:00.000Z" == over["endsAt"]
    named = {
        "alertname": "SREAgentIncident",
        "service": "web",
        "severity": "critical",
        "incident": "17",
        "episode": "1",
    }
    assert named == firing["labels"]


@pytest.mark.parametrize(
    ("first", "severity", "ended"),
    [
        pytest.param("", "critical", [], id="the-first-page"),
        pytest.param("critical", "critical", [], id="as-bad-as-at-first"),
        pytest.param("medium", "critical", ["medium", "high"], id="worse-than-at-first"),
        pytest.param("odd", "critical", [], id="an-unknown-severity"),
    ],
)
def test_what_got_worse_leaves_no_alert_of_its_former_severity(first: str, severity: str, ended: list[str]) -> None:
    _, *others = alerts(a_page(severity=severity), first)
    assert ended == [alert["labels"]["severity"] for alert in others]
    assert all("2026-01-05T12:00:00.000Z" == alert["endsAt"] for alert in others)


def test_alertmanagers_receipt_remembers_how_bad_it_was() -> None:
    with receiving(Receiver()) as receiver:
        channel = AlertmanagerChannel(PagingSettings(alertmanagers={"ops": f"{receiver.url}/"}))
        page = a_page(to=Contact(ContactKind.ALERTMANAGER, "ops"), severity="high")
        first = channel.send(page)
        channel.send(a_page(to=page.to, kind=PageKind.RESOLVE), first)
    assert ["/api/v2/alerts"] * 2 == [seen.path for seen in receiver.seen]
    assert [1, 2] == [len(seen.fields) for seen in receiver.seen]


def test_what_turns_out_to_have_begun_elsewhere_leaves_no_alert_of_the_former_service() -> None:
    """The origin of an incident may move to another service: the alert that Alertmanager has must end all the same."""
    with receiving(Receiver()) as receiver:
        channel = AlertmanagerChannel(PagingSettings(alertmanagers={"ops": receiver.url}))
        page = a_page(to=Contact(ContactKind.ALERTMANAGER, "ops"), service="web")
        first = channel.send(page)
        channel.send(replace(page, service="db", kind=PageKind.RESOLVE), first)
    (firing,), (over,) = (seen.fields for seen in receiver.seen)
    assert firing["labels"] == over["labels"]
    assert "2026-01-05T12:00:00.000Z" == over["endsAt"]


def test_a_webhook_names_an_alert_alike_whatever_its_service() -> None:
    first, later = (webhook_document(a_page(service=service))["alerts"][0] for service in ("web", "db"))
    assert first["fingerprint"] == later["fingerprint"]


def test_apprise_tells_services_of_the_page() -> None:
    with receiving(Receiver()) as receiver:
        paging = PagingSettings.model_validate({"apprise": {"ops": receiver.url.replace("http", "json") + "/hook"}})
        receipt = AppriseChannel(paging).send(a_page(to=Contact(ContactKind.APPRISE, "ops")))
        (seen,) = receiver.seen
    assert a_page().summary == seen.fields["title"]
    assert "sre ack 17" in seen.fields["message"]
    assert "ops" == receipt.receiver


def test_apprises_reason_is_told_without_any_piece_of_the_address() -> None:
    with receiving(Receiver()) as receiver:
        receiver.always = Reply(500, b"no")
        url = receiver.url.replace("http://", "json://user:passw0rd@") + "/tokentoken"
        paging = PagingSettings.model_validate({"apprise": {"ops": url}})
        with pytest.raises(Unavailable, match=r"500.*paging\.apprise\.ops") as caught:
            AppriseChannel(paging).send(a_page(to=Contact(ContactKind.APPRISE, "ops")))
    assert "passw0rd" not in str(caught.value)
    assert "tokentoken" not in str(caught.value)


def test_an_address_that_apprise_does_not_know_names_the_setting() -> None:
    paging = PagingSettings.model_validate({"apprise": {"ops": "no-such-service://secretsecret"}})
    with pytest.raises(Unavailable, match=r"paging\.apprise\.ops") as caught:
        AppriseChannel(paging).send(a_page(to=Contact(ContactKind.APPRISE, "ops")))
    assert "secretsecret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "text", "expected"),
    [
        ("tgram://123456:ABCDEF/77777", "refused 123456:ABCDEF for 77777", "refused ***:*** for ***"),
        ("ntfy://topic@host.example", "host.example said no to topic", "*** said no to ***"),
        ("json://h/abc", "abc is short", "abc is short"),
    ],
)
def test_pieces_of_an_address_are_masked(url: str, text: str, expected: str) -> None:
    assert expected == without(url, text)


@given(TEXTS)
def test_what_apprise_sends_is_harmless_wherever_it_goes(text: str) -> None:
    page = a_page(summary=text, evidence=(text,), done=(text,), origin=text)
    for written in (title(page), body(page)):
        assert not set("@<>*`~[]|") & set(written)
        assert "://" not in written


def test_what_is_harmless_can_still_be_read() -> None:
    assert "pool_in_use 40, normally 6" == harmless("pool_in_use 40, normally 6")


def test_a_short_message_is_short() -> None:
    assert len(body(a_page(evidence=("x" * 5_000,) * 3))) <= 1_200


def test_a_receipt_needs_no_thread() -> None:
    """Channels that keep no thread take any receipt of before."""
    with receiving(Accepting()) as teams:
        channel = TeamsChannel(PagingSettings.model_validate({"teams": {"ops": teams.url}}))
        before = Receipt("teams", "h", "first", NOON)
        assert channel.send(a_page(to=Contact(ContactKind.TEAMS, "ops"), key="second"), before).message_id == "second"
