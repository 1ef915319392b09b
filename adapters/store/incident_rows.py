"""Incidents between their table and the noun."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.store.tables import incidents
from domain.incidents import Evidence, Incident, Resolution, Route, Severity, State

OPEN_STATES = [state for state in State if not state.closed]


def evidence_json(evidence: Evidence) -> dict[str, object]:
    """One piece of evidence as the table keeps it."""
    return {
        "at": evidence.at.isoformat(),
        "level": evidence.level,
        "request_id": evidence.request_id,
        "message": evidence.message.replace("\0", ""),
        "reason": evidence.reason,
        "numbers": evidence.numbers,
    }


def as_incident(row: sa.Row[Any]) -> Incident:
    """The incident that a row holds."""
    return Incident(
        id=row.id,
        service=row.service,
        signature=row.signature,
        metric=row.metric,
        direction=row.direction,
        detector=row.detector,
        route=Route(row.route),
        playbook=row.playbook,
        opened_at=row.opened_at,
        last_at=row.last_at,
        severity=Severity(row.severity),
        state=State(row.state),
        logs=row.logs,
        confirmed_at=row.confirmed_at,
        page_key=row.page_key,
        paged_at=row.paged_at,
        acked_at=row.acked_at,
        late_noted=row.late_noted,
        evidence=[Evidence(**(kept | {"at": datetime.fromisoformat(kept["at"])})) for kept in row.evidence],
    )


def open_incidents(connection: sa.Connection, services: Iterable[str]) -> list[Incident]:
    """Every open incident of these services, locked in order of id until the transaction ends."""
    query = (
        sa.select(incidents)
        .where(incidents.c.service.in_(sorted(services)), incidents.c.state.in_(OPEN_STATES))
        .order_by(incidents.c.id)
        .with_for_update()
    )
    return [as_incident(row) for row in connection.execute(query)]


def _written_by_watch(incident: Incident) -> dict[str, Any]:
    return {
        "last_at": incident.last_at,
        "severity": int(incident.severity),
        "state": incident.state,
        "logs": incident.logs,
        "confirmed_at": incident.confirmed_at,
        "page_key": incident.page_key,
        "paged_at": incident.paged_at,
        "late_noted": incident.late_noted,
        "evidence": [evidence_json(kept) for kept in incident.evidence],
    }


def insert_incident(connection: sa.Connection, incident: Incident, *, now: datetime) -> None:
    """Insert a new incident and give it its id. Raises Contended when another consumer opened it too."""
    row = _written_by_watch(incident) | {
        "service": incident.service,
        "signature": incident.signature,
        "metric": incident.metric,
        "direction": incident.direction,
        "detector": incident.detector,
        "route": incident.route,
        "playbook": incident.playbook,
        "opened_at": incident.opened_at,
        "stored_at": now,
        "handled": False,
        "objections": [],
        "resolved_at": now if incident.state.closed else None,
    }
    inserted = connection.execute(incidents.insert().values(row)).inserted_primary_key
    incident.id = inserted[0] if inserted is not None else 0


def update_incident(
    connection: sa.Connection, incident: Incident, resolution: Resolution | None, *, now: datetime
) -> None:
    """Write what a batch changed; the row is locked since it was read."""
    values = _written_by_watch(incident)
    if incident.state.closed:
        values |= {"resolved_at": now, "resolution": resolution, "lease_token": None, "lease_until": None}
    connection.execute(incidents.update().where(incidents.c.id == incident.id).values(values))
