"""Our alerts in a real Alertmanager, and what it makes of them for others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.channels.alertmanager import AlertmanagerChannel
from adapters.channels.alerts import webhook_document
from domain.contacts import Contact, ContactKind
from domain.pages import Page, PageKind
from domain.paging_settings import PagingSettings
from tests.contracts.pages_part import a_page
from tests.parts.alertmanager_part import Alertmanager
from tests.parts.kube_part import poll

pytestmark = pytest.mark.slow
OPS = Contact(ContactKind.ALERTMANAGER, "ops")


def now_page(**changes: Any) -> Page:
    now = datetime.now(UTC)
    return a_page(to=OPS, **{"created_at": now, "since": now - timedelta(minutes=1), **changes})


def channel(alertmanager: Alertmanager) -> AlertmanagerChannel:
    return AlertmanagerChannel(PagingSettings(alertmanagers={"ops": alertmanager.url}))


def told(alertmanager: Alertmanager, status: str) -> list[dict[str, Any]]:
    return [seen.fields for seen in alertmanager.receiver.seen if seen.fields["status"] == status]


def test_an_incident_fires_there_until_it_is_over(alertmanager: Alertmanager) -> None:
    sender = channel(alertmanager)
    first = sender.send(now_page())
    (alert,) = alertmanager.alerts()
    assert {"service": "web", "severity": "critical", "incident": "17", "episode": "1"}.items() <= alert[
        "labels"
    ].items()
    assert a_page().summary == alert["annotations"]["summary"]
    poll(lambda: told(alertmanager, "firing"), "its receiver is told of it", 30)
    sender.send(now_page(kind=PageKind.RESOLVE), first)
    poll(lambda: told(alertmanager, "resolved"), "its receiver is told that it is over", 30)
    assert [] == alertmanager.alerts()


def test_what_got_worse_is_one_alert(alertmanager: Alertmanager) -> None:
    sender = channel(alertmanager)
    first = sender.send(now_page(severity="medium"))
    sender.send(now_page(severity="high"), first)
    sender.send(now_page(severity="critical"), first)
    poll(lambda: ["critical"] == [one["labels"]["severity"] for one in alertmanager.alerts()], "one alert is left", 30)


@pytest.mark.parametrize("service", ["сервис ü", 'quote " and \\', "x" * 5_000, ""])
def test_it_takes_any_service(alertmanager: Alertmanager, service: str) -> None:
    assert channel(alertmanager).send(now_page(service=service))
    assert 1 == len(alertmanager.alerts())


def test_our_webhook_of_that_shape_has_what_a_real_one_has(alertmanager: Alertmanager) -> None:
    """Receivers of Alertmanager's webhooks read ours."""
    page = now_page()
    channel(alertmanager).send(page)
    poll(lambda: told(alertmanager, "firing"), "its receiver is told of it", 30)
    real, ours = told(alertmanager, "firing")[0], webhook_document(page)
    assert set(ours) <= set(real)
    assert set(ours["alerts"][0]) == set(real["alerts"][0])
    assert {name: type(value) for name, value in ours.items()} == {name: type(real[name]) for name in ours}
    assert real["alerts"][0]["labels"] == ours["alerts"][0]["labels"]
    # It writes no zeros at the end of a fraction.
    theirs, mine = (datetime.fromisoformat(one["alerts"][0]["startsAt"]) for one in (real, ours))
    assert theirs == mine
    assert real["version"] == ours["version"]
