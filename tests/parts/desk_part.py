"""Pages between a store and a receiver of the test's own, with a clock of the test's own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.store import mutes, outbox
from adapters.store.closing import resolve
from adapters.store.database import Connection, Engine, transaction
from adapters.store.incident_rows import insert_incidents, number
from adapters.store.knowledge_rows import remember
from adapters.store.outbox import QueuedPage
from adapters.store.tables.found import alerts, incidents
from domain.folded import stored_page_key
from domain.incidents import Incident, Resolution, Route
from domain.inventory import Inventory
from domain.muting import Mute
from domain.pages import PageReason
from domain.settings import Settings
from tasks.delivering import run
from tasks.judging import Knowledge
from tasks.paging import Pager
from tasks.timers import fire_due
from tests.contracts.fakes import RecordingChannel
from tests.parts.incidents_part import an_incident
from tests.parts.judged_part import rows
from tests.parts.logs_part import NOON
from tests.parts.roster_part import FixedRoster


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
        outbox.queue(connection, incident, reason, key=key, lines=[], now=now)


def is_waiting(outcome: str) -> bool:
    """Whether a page was looked at and put off: nothing came of it."""
    return outcome.startswith(("held back", "waits for more", "the page before it waits"))


@dataclass
class Desk:
    """One store, one receiver, and a new pager each time that pages are delivered."""

    engine: Engine
    inventory: Inventory = field(default_factory=Inventory)
    receiver: RecordingChannel = field(default_factory=RecordingChannel)
    now: datetime = NOON
    rosters: FixedRoster | None = None
    settings: Settings = field(default_factory=Settings)

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
        clock, given = (lambda: self.now), self.receiver
        return Pager(self.settings, self.engine, self.inventory, clock, given, rosters=self.rosters, named=self._named)

    def _named(self, connection: Connection) -> str:
        return remember(connection, *Knowledge(self.settings, (), None, inventory=self.inventory).texts, now=self.now)

    def claim(self) -> list[QueuedPage]:
        return outbox.claim_pages(self.engine, token=f"{self.now}", lease=timedelta(seconds=30), now=self.now)

    def deliver(self) -> list[str]:
        """Expand and deliver what is due now; what became of each page that was sent or will not be."""
        return [outcome for _, outcome in run(self.pager, f"{self.now}") if not is_waiting(outcome)]

    def fire(self) -> list[str]:
        """Do what is due next where nobody acknowledged, and deliver what comes of it."""
        done = fire_due(self.pager, f"{self.now}")
        self.deliver()
        return done

    def reached(self) -> list[str]:
        """Everybody who was told since the last call, by name or channel."""
        told = [page.person or str(page.to) for page in self.receiver.pages]
        self.receiver.pages.clear()
        return told

    def told(self) -> list[tuple[int, PageReason]]:
        return [(page.incident_id, page.reason) for page in self.receiver.pages]

    def pages(self) -> list[dict[str, Any]]:
        return rows(self.engine, "SELECT state, muted_by, error FROM pages ORDER BY id")

    def attempts(self) -> list[int]:
        return [row["attempts"] for row in rows(self.engine, "SELECT attempts FROM deliveries ORDER BY id")]

    def held(self) -> list[str]:
        return [row["muted_by"] for row in self.pages()]

    def states(self) -> list[str]:
        return [row["state"] for row in self.pages()]

    def ledger(self, kind: str) -> int:
        return len(rows(self.engine, "SELECT 1 FROM ledger WHERE kind = :kind", kind=kind))
