"""The webhook channel: what is sent, signed how, in which shape."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.channels.webhook import WebhookChannel
from domain.contacts import Contact, ContactKind
from domain.pages import PageKind
from domain.paging_settings import PagingSettings
from tests.contracts.pages_part import FULL, a_page
from tests.parts.receivers_part import Receiver, receiving

OPS = Contact(ContactKind.WEBHOOK, "ops")
SECRET = "shared secret ü"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(Receiver()) as found:
        yield found


def channel(receiver: Receiver, **hook: Any) -> WebhookChannel:
    hooks = {"ops": {"url": f"{receiver.url}/T/B", **hook}}
    return WebhookChannel(PagingSettings.model_validate({"webhooks": hooks}))


def test_the_signature_is_over_the_time_and_the_raw_body(receiver: Receiver) -> None:
    channel(receiver, secret=SECRET).send(a_page(to=OPS))
    (seen,) = receiver.seen
    timestamp = seen.headers["x-sre-timestamp"]
    expected = hmac.new(SECRET.encode(), timestamp.encode() + b"." + seen.body, hashlib.sha256).hexdigest()
    assert f"v1={expected}" == seen.headers["x-sre-signature"]
    assert timestamp.isdigit()


def test_without_a_secret_nothing_is_signed(receiver: Receiver) -> None:
    channel(receiver).send(a_page(to=OPS))
    (seen,) = receiver.seen
    assert "x-sre-signature" not in seen.headers
    assert SECRET not in repr(seen)


def test_the_key_of_the_page_is_a_header_and_a_field(receiver: Receiver) -> None:
    """Fault 8: one idempotency key per page; a retry is recognisable as one."""
    for _ in range(2):
        channel(receiver).send(a_page(to=OPS))
    assert {"incident 17 page 1"} == {seen.headers["idempotency-key"] for seen in receiver.seen}
    assert {"incident 17 page 1"} == {seen.fields["key"] for seen in receiver.seen}


def test_the_reference_settings_name_the_receiver_default(receiver: Receiver) -> None:
    """The reference's `paging_webhook` works as a webhook."""
    paging = PagingSettings.model_validate({"webhook": f"{receiver.url}/hook", "webhook_secret": SECRET})
    WebhookChannel(paging).send(a_page(to=Contact(ContactKind.WEBHOOK, "default")))
    (seen,) = receiver.seen
    assert seen.path == "/hook"
    assert seen.headers["x-sre-signature"].startswith("v1=")


def test_a_page_has_every_fact_a_machine_wants(receiver: Receiver) -> None:
    channel(receiver).send(FULL_FOR_OPS)
    document = receiver.seen[0].fields
    assert "1" == document["version"]
    assert {"id": 17, "episode": 1, "service": "payments", "severity": "critical"}.items() <= document[
        "incident"
    ].items()
    assert list(FULL.evidence) == document["evidence"]
    assert list(FULL.done) == document["done"]
    assert [link.url for link in FULL.links] == [link["url"] for link in document["links"]]


FULL_FOR_OPS = a_page(**{name: getattr(FULL, name) for name in FULL.__slots__} | {"to": OPS})


def test_alertmanagers_shape_is_signed_too_and_its_identity_is_the_incident(receiver: Receiver) -> None:
    shaped = channel(receiver, secret=SECRET, shape="alertmanager")
    for changes in ({}, {"severity": "high"}, {"kind": PageKind.RESOLVE}, {"episode": 2}):
        shaped.send(a_page(to=OPS, **changes))
    firing, worse, over, again = (seen.fields["alerts"][0] for seen in receiver.seen)
    assert firing["fingerprint"] == worse["fingerprint"] == over["fingerprint"] != again["fingerprint"]
    assert ("firing", "0001-01-01T00:00:00Z") == (firing["status"], firing["endsAt"])
    assert ("resolved", "2026-01-05T12:00:00.000Z") == (over["status"], over["endsAt"])
    assert all(seen.headers["x-sre-signature"].startswith("v1=") for seen in receiver.seen)
    assert {"4"} == {seen.fields["version"] for seen in receiver.seen}


def test_text_is_sent_as_json_that_any_parser_reads(receiver: Receiver) -> None:
    channel(receiver).send(a_page(to=OPS, lines=("\ud800\x00\x1b[2J", 'quote " and \\')))
    lines = json.loads(receiver.seen[0].body)["lines"]
    assert ["[2J", 'quote " and \\'] == lines
