"""Incidents about the agent itself: what it noticed about its own input and parts."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from adapters.store.closing import resolve
from adapters.store.database import Connection, Contended, transaction
from adapters.store.incident_rows import insert_incidents, number, open_own, set_due
from adapters.store.ledger_rows import note
from adapters.store.outbox import queue
from adapters.store.tables.found import incidents
from domain.correlation import stored_page_key
from domain.incidents import Evidence, Incident, Kind, Resolution, Route, Severity
from domain.ledger import LedgerKind
from domain.logs import Level
from domain.pages import PageReason

SERVICE = "sre-agent"


def open_own_incident(
    engine: sa.Engine,
    template: str,
    message: str,
    *,
    now: datetime,
    tell: bool = True,
    severity: Severity = Severity.HIGH,
) -> int:
    """Open and page an incident of our own, or take the one that is open; its id.

    Without `tell` nobody is paged: an incident about paging never pages about itself.
    """
    try:
        return _open(engine, template, message, now=now, tell=tell, severity=severity)
    except Contended:  # another process noticed it first
        return _open(engine, template, message, now=now, tell=tell, severity=severity)


def _open(engine: sa.Engine, template: str, message: str, *, now: datetime, tell: bool, severity: Severity) -> int:
    with transaction(engine) as connection:
        return open_within(connection, template, message, now=now, tell=tell, severity=severity)


def open_within(
    connection: Connection,
    template: str,
    message: str,
    *,
    now: datetime,
    tell: bool = True,
    severity: Severity = Severity.HIGH,
) -> int:
    """The same within a transaction of somebody else's, with what it is about."""
    if found := open_own(connection, template):
        _goes_on(connection, found.id, now)
        return found.id
    incident = _incident(template, message, now, severity)
    number(connection, [incident])
    insert_incidents(connection, [incident], now=now)
    note(connection, LedgerKind.OPENED, incident.id, {"template": template, "message": message}, now=now)
    if tell:
        set_due(connection, [incident], [], now=now)
        key = stored_page_key(incident, PageReason.UNCOMMON)
        queue(connection, incident, PageReason.UNCOMMON, key=key, lines=[message], now=now)
    return incident.id


def _goes_on(connection: Connection, number: int, now: datetime) -> None:
    """It was noticed again, so it is not quiet."""
    mine = (incidents.c.id == number, incidents.c.last_at < now)
    connection.execute(incidents.update().where(*mine).values(last_at=now))


def close_own_incident(engine: sa.Engine, template: str, why: str, *, now: datetime) -> bool:
    """Close the open incident of our own with that text, and tell those who were paged; False when there is none."""
    with transaction(engine) as connection:
        found = open_own(connection, template)
        return found is not None and resolve(connection, found.id, Resolution.WORKS, now=now, why=why)


def _incident(template: str, message: str, now: datetime, severity: Severity) -> Incident:
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
        severity=severity,
        level=int(Level.ERROR),
        logs=1,
        confirmed_at=now,
        told=int(severity),
        evidence=[Evidence(now, int(Level.ERROR), None, message, "OWN", {})],
    )
