"""Incidents about the agent itself: what it noticed about its own input and parts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from adapters.store.database import Contended, transaction
from adapters.store.incident_rows import insert_incidents, number, open_own, set_due
from adapters.store.ledger_rows import note
from adapters.store.outbox import queue
from domain.correlation import stored_page_key
from domain.incidents import Evidence, Incident, Kind, Route, Severity
from domain.ledger import LedgerKind
from domain.logs import Level
from domain.pages import PageReason

SERVICE = "sre-agent"


def open_own_incident(engine: sa.Engine, template: str, message: str, *, channels: Iterable[str], now: datetime) -> int:
    """Open and page an incident of our own, or take the one that is open; its id."""
    try:
        return _open(engine, template, message, channels=channels, now=now)
    except Contended:
        return _open(engine, template, message, channels=channels, now=now)  # another process noticed it first


def _open(engine: sa.Engine, template: str, message: str, *, channels: Iterable[str], now: datetime) -> int:
    with transaction(engine) as connection:
        if found := open_own(connection, template):
            return found.id
        incident = _incident(template, message, now)
        number(connection, [incident])
        insert_incidents(connection, [incident], now=now)
        set_due(connection, [incident], [], now=now)
        note(connection, LedgerKind.OPENED, incident.id, {"template": template, "message": message}, now=now)
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


def _incident(template: str, message: str, now: datetime) -> Incident:
    return Incident(
        id=0,
        service=SERVICE,
        kind=Kind.OWN,
        template=template,
        metric="",
        direction="",
        detector="the agent itself",
        route=Route.HUMAN,
        playbook="",
        opened_at=now,
        last_at=now,
        severity=Severity.HIGH,
        level=int(Level.ERROR),
        logs=1,
        confirmed_at=now,
        told=int(Severity.HIGH),
        evidence=[Evidence(now, int(Level.ERROR), None, message, "OWN", {})],
    )
