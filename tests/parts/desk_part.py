"""Pages between a store and a receiver of the test's own, with a clock of the test's own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.store import mutes, outbox
from adapters.store.closing import resolve
from adapters.store.database import Engine, transaction
from adapters.store.incident_rows import insert_incidents, number
from adapters.store.outbox import QueuedPage
from adapters.store.tables import alerts, incidents
from domain.folded import stored_page_key
from domain.incidents import Incident, Resolution, Route
from domain.inventory import Inventory
from domain.muting import Mute
from domain.pages import PageReason
from domain.settings import Settings
from tasks.paging import Pager
from tests.contracts.fakes import RecordingChannel
from tests.parts.incidents_part import an_incident
from tests.parts.judged_part import rows
from tests.parts.logs_part import NOON


def store_incident(engine: Engine, *, now: datetime, reason: PageReason = PageReason.UNCOMMON, **changes: Any) -> int:
    """A confirmed uncommon incident with a queued page; its number."""
    fields = {"id": 0, "route": Route.HUMAN, "playbook": "", "opened_at": now, "last_at": now, "confirmed_at": now}
    incident = an_incident(**(fields | changes))
    with transaction(engine) as connection:
        number(connection, [incident])
        insert_incidents(connection, [incident], now=now)
    queue_page(engine, incident, now=now, reason=reason)
    return incident.id


def queue_page(engine: Engine, incident: Incident, *, now: datetime, reason: PageReason = PageReason.UNCOMMON) -> None:
    with transaction(engine) as connection:
        key = stored_page_key(incident, reason)
        outbox.queue(connection, incident, reason, key=key, channels=["email"], lines=[], now=now)


@dataclass
class Desk:
    """One store, one receiver, and a new pager each time that pages are delivered."""

    engine: Engine
    inventory: Inventory = field(default_factory=Inventory)
    receiver: RecordingChannel = field(default_factory=RecordingChannel)
    now: datetime = NOON

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def incident(self, service: str = "web", **changes: Any) -> int:
        return store_incident(self.engine, now=self.now, service=service, **changes)

    def again(self, number: int, reason: PageReason) -> None:
        """A further page about an incident."""
        queue_page(self.engine, self.read(number), now=self.now, reason=reason)

    def read(self, number: int) -> Incident:
        with transaction(self.engine) as connection:
            return outbox.as_incident(connection.execute(sa.select(incidents).where(incidents.c.id == number)).one())

    def change(self, number: int, **values: object) -> None:
        with transaction(self.engine) as connection:
            connection.execute(incidents.update().where(incidents.c.id == number).values(**values))

    def alert(self, number: int, service: str = "web", *, ago: float = 0, **changes: object) -> None:
        """One fault of one service that joined an incident so many seconds ago."""
        at = self.now - timedelta(seconds=ago)
        values: dict[str, object] = {
            "incident_id": number, "episode": 1, "service": service, "kind": "log", "template": "it broke",
            "metric": "", "direction": "", "detector": "rules", "route": "human", "playbook": "", "role": "plain",
            "relation": "words", "related_to": "web", "opened_at": at, "last_at": at, "recent": [], "severity": 3,
            "level": 4, "logs": 3, "evidence": [], "closed": False, "joined_at": at,
        }  # fmt: skip
        with transaction(self.engine) as connection:
            connection.execute(alerts.insert().values(values | changes))

    def mute(self, rule: Mute, *, seconds: float = 3600) -> Mute:
        """A rule from now on for so long."""
        ends = self.now + timedelta(seconds=seconds)
        return mutes.add(self.engine, replace(rule, starts_at=self.now, ends_at=ends), now=self.now)

    def close(self, number: int, resolution: Resolution = Resolution.QUIET) -> None:
        with transaction(self.engine) as connection:
            resolve(connection, number, resolution, now=self.now)

    @property
    def pager(self) -> Pager:
        """One that knows nothing but the store."""
        return Pager(Settings(), self.engine, self.inventory, lambda: self.now)

    def claim(self) -> list[QueuedPage]:
        return self.pager.claim(f"{self.now}")

    def deliver(self) -> list[str]:
        """Deliver what is due now; what became of each page that was claimed."""
        pager = self.pager
        return [pager.deliver(queued) for queued in pager.claim(f"{self.now}")]

    def told(self) -> list[tuple[int, PageReason]]:
        return [(page.incident_id, page.reason) for page in self.receiver.pages]

    def pages(self) -> list[dict[str, Any]]:
        return rows(self.engine, "SELECT state, attempts, muted_by, error FROM pages ORDER BY id")

    def held(self) -> list[str]:
        return [row["muted_by"] for row in self.pages()]

    def states(self) -> list[str]:
        return [row["state"] for row in self.pages()]

    def ledger(self, kind: str) -> int:
        return len(rows(self.engine, "SELECT 1 FROM ledger WHERE kind = :kind", kind=kind))
