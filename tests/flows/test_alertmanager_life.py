"""A real Alertmanager beside us: its alerts become incidents and pages of ours, and ours are alerts there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from adapters.store.database import Engine
from domain.outside_alerts import OURS
from domain.paging_settings import PagingSettings
from domain.settings import Settings
from tasks.delivering import run
from tasks.outside_alerts import take
from tasks.paging import Pager
from tests.parts.alertmanager_part import Alertmanager, alertmanager
from tests.parts.http_part import a_client, a_service, an_alert
from tests.parts.judged_part import rows
from tests.parts.kube_part import poll
from tests.parts.receivers_part import Receiver, Reply, Seen

pytestmark = pytest.mark.slow
QUIET = timedelta(minutes=10)


class Door(Receiver):
    """Our HTTP service as the receiver of webhooks: what comes in goes to it as it is."""

    def __init__(self, client: TestClient) -> None:
        super().__init__()
        self.client = client

    def take(self, seen: Seen) -> Reply:
        answer = self.client.post("/alertmanager", content=seen.body, headers={"Content-Type": "application/json"})
        return Reply(answer.status_code, answer.content)


@dataclass
class Beside:
    """One store with a service in front, an Alertmanager, and what goes on between them."""

    store: Engine
    running: Alertmanager

    def round(self) -> bool:
        """One of `on-call`: hear, expand, deliver."""
        now = datetime.now(UTC)
        take(self.store, quiet=QUIET, now=now)
        paging = PagingSettings(alertmanagers={"theirs": self.running.url}, settle_seconds=0, group_seconds=0)
        run(Pager(Settings(paging=paging), self.store), f"{now}")
        return True

    def named(self, name: str) -> list[dict[str, Any]]:
        return [one for one in self.running.alerts() if one["labels"]["alertname"] == name]

    def tell(self, *, over: bool = False) -> None:
        """As Prometheus does."""
        begun = datetime.now(UTC) - timedelta(minutes=1)
        ends = begun + timedelta(seconds=30) if over else begun + timedelta(hours=1)
        given = an_alert(labels={"severity": "critical"})
        kept = {name: given[name] for name in ("labels", "annotations")}
        self.running.send(kept | {"startsAt": begun.isoformat(), "endsAt": ends.isoformat()})

    def incidents(self) -> list[dict[str, Any]]:
        return rows(self.store, "SELECT service, severity, state FROM incidents ORDER BY id")

    def heard(self, status: str, name: str) -> list[Seen]:
        """The webhooks that told of it."""
        return [
            seen
            for seen in self.running.receiver.seen
            for one in seen.fields["alerts"]
            if (one["status"], one["labels"]["alertname"]) == (status, name)
        ]


@pytest.fixture
def beside(store: Engine, tmp_path: Path) -> Iterator[Beside]:
    service = a_service(store, tmp_path, clock=lambda: datetime.now(UTC))
    with a_client(service) as client, alertmanager(Door(client)) as running:
        yield Beside(store, running)


@pytest.mark.parametrize("store_url", ["postgres"], indirect=True)
def test_what_fires_there_is_an_incident_and_a_page_here_until_it_is_over(beside: Beside) -> None:
    beside.tell()
    poll(lambda: beside.round() and beside.named(OURS), "our alert about its alert is listed there", 60)
    (ours,) = beside.named(OURS)
    assert {"service": "web", "severity": "critical"}.items() <= ours["labels"].items()
    poll(lambda: beside.heard("firing", OURS), "our own alert comes back", 60)
    beside.round()
    assert [("web", 4)] == [(one["service"], one["severity"]) for one in beside.incidents()], "it is no second incident"
    beside.tell(over=True)
    poll(lambda: beside.round() and beside.heard("resolved", OURS), "its end is the end of ours", 60)
    assert [] == beside.running.alerts()
    (over,) = beside.incidents()
    assert "resolved" == over["state"]
