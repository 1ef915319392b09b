"""Incidents about the agent itself: what it noticed about its own input and parts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.incident_queue import note
from adapters.store.incident_rows import insert_incident, open_incidents
from adapters.store.outbox import queue
from domain.correlation import LedgerKind, stored_page_key
from domain.incidents import Evidence, Incident, Route, Severity
from domain.logs import Level
from domain.pages import PageReason

SERVICE = "sre-agent"


def open_own_incident(
    engine: sa.Engine, signature: str, message: str, *, channels: Iterable[str], now: datetime
) -> int:
    """Open and page an incident of our own, or take the one that is open; its id."""
    with transaction(engine) as connection:
        known = [found for found in open_incidents(connection, [SERVICE]) if found.signature == signature]
        if known:
            return known[0].id
        incident = Incident(
            id=0,
            service=SERVICE,
            signature=signature,
            metric="",
            direction="",
            detector="the agent itself",
            route=Route.HUMAN,
            playbook="",
            opened_at=now,
            last_at=now,
            severity=Severity.HIGH,
            logs=1,
            confirmed_at=now,
            evidence=[Evidence(now, int(Level.ERROR), None, message, "OWN", {})],
        )
        insert_incident(connection, incident, now=now)
        note(connection, LedgerKind.OPENED, incident.id, {"signature": signature, "message": message}, now=now)
        queue(
            connection,
            incident,
            PageReason.UNCOMMON,
            key=stored_page_key(incident, PageReason.UNCOMMON),
            channels=channels,
            lines=[message],
            now=now,
        )
        return incident.id
