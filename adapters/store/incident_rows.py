"""Incidents between their table and the noun."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.store.alert_rows import as_evidence, evidence_json, with_alerts
from adapters.store.many_rows import among, insert_rows, next_ids, update_rows
from adapters.store.tables.acting import actions
from adapters.store.tables.decided import steps
from adapters.store.tables.found import alerts, incidents
from adapters.store.tables.paging import escalations
from domain.actions import ActionState
from domain.incidents import Incident, Kind, Resolution, Route, Severity, State

OPEN_STATES = [state for state in State if not state.closed]


def snoozed_until() -> sa.Label[Any]:
    """A column beside those of incidents: until when somebody snoozed it; NULL where nobody did, or it is closed."""
    of_it = sa.and_(escalations.c.incident_id == incidents.c.id, escalations.c.state == "snoozed")
    until = sa.select(escalations.c.due_at).where(
        of_it, incidents.c.state.in_(OPEN_STATES), incidents.c.acked_at.is_not(None)
    )
    return until.scalar_subquery().label("snoozed_until")


def as_incident(row: sa.Row[Any]) -> Incident:
    """The incident that a row holds."""
    return Incident(
        id=row.id,
        service=row.service,
        kind=Kind(row.kind),
        template=row.template,
        metric=row.metric,
        direction=row.direction,
        detector=row.detector,
        route=Route(row.route),
        playbook=row.playbook,
        opened_at=row.opened_at,
        last_at=row.last_at,
        severity=Severity(row.severity),
        level=row.level,
        state=State(row.state),
        logs=row.logs,
        confirmed_at=row.confirmed_at,
        page_key=row.page_key,
        paged_at=row.paged_at,
        told=row.told,
        acked_at=row.acked_at,
        episode=row.episode,
        origin_logs=row.origin_logs,
        fires_at=row.fires_at,
        services=row.services,
        came_back_at=row.came_back_at,
        returns=row.returns,
        widespread=row.widespread,
        error_ratio=row.error_ratio,
        late_noted=row.late_noted,
        resolved_at=row.resolved_at,
        resolution=Resolution(row.resolution) if row.resolution else None,
        evidence=[as_evidence(**kept) for kept in row.evidence],
    )


def _found(connection: sa.Connection, query: sa.Select[Any]) -> list[Incident]:
    return [as_incident(row) for row in connection.execute(query).all()]


# What decisions look at; what else a row holds costs time to read.
_READ = [column for column in incidents.c if column.name not in ("stored_at", "objections", "plan")]


def open_incidents(connection: sa.Connection, services: Iterable[str], *, since: datetime) -> list[Incident]:
    """What logs of these services may belong to: see `domain.folded.Known.open`; locked until the transaction ends.

    `since`: event time from which on an alert of any other service counts.
    """
    of_services = among(connection, alerts.c.service, services)
    around = sa.select(alerts.c.incident_id).where(~alerts.c.closed, sa.or_(of_services, alerts.c.last_at >= since))
    fleet = sa.and_(incidents.c.kind == Kind.FLEET, incidents.c.state.in_(OPEN_STATES))
    query = sa.select(*_READ).where(sa.or_(incidents.c.id.in_(around), fleet))
    found = _found(connection, query.order_by(incidents.c.id).with_for_update())
    return with_alerts(connection, found, services, closed=False)


def open_own(connection: sa.Connection, template: str) -> Incident | None:
    """The open incident of our own with that text, locked."""
    mine = (incidents.c.kind == Kind.OWN, incidents.c.template == template, incidents.c.state.in_(OPEN_STATES))
    return next(iter(_found(connection, sa.select(*_READ).where(*mine).with_for_update())), None)


def resolved_incidents(connection: sa.Connection, services: Iterable[str], *, since: datetime) -> list[Incident]:
    """What a person or verification resolved since a moment, the oldest first; locked as open ones are."""
    services = list(services)
    query = sa.select(*_READ).where(
        incidents.c.resolved_at >= since,
        incidents.c.state == State.RESOLVED,
        incidents.c.resolution.in_([Resolution.VERIFIED, Resolution.HUMAN]),
        incidents.c.id.in_(
            sa.select(alerts.c.incident_id).where(alerts.c.closed, among(connection, alerts.c.service, services))
        ),
    )
    found = _found(connection, query.order_by(incidents.c.id).with_for_update())
    found = with_alerts(connection, found, services, closed=True)
    return sorted(found, key=lambda one: (one.resolved_at, one.id))


def page_times(connection: sa.Connection, *, newest: int) -> list[datetime]:
    """The newest event times at which an incident was worth a page, its own or one of the fleet's."""
    paged = incidents.c.paged_at
    query = (
        sa.select(paged).where(paged.is_not(None), incidents.c.kind != Kind.CANARY).order_by(paged.desc()).limit(newest)
    )
    return list(connection.scalars(query))


def _as_row(incident: Incident, *, now: datetime) -> dict[str, Any]:
    """What `watch` writes of an incident each time that it changes it."""
    return {
        "id": incident.id,
        "service": incident.service,
        "kind": incident.kind,
        "template": incident.template,
        "metric": incident.metric,
        "direction": incident.direction,
        "detector": incident.detector,
        "route": incident.route,
        "playbook": incident.playbook,
        "last_at": incident.last_at,
        "severity": int(incident.severity),
        "level": incident.level,
        "state": incident.state,
        "logs": incident.logs,
        "origin_logs": incident.origin_logs or incident.logs,
        "fires_at": incident.fires_at or incident.last_at,
        "services": incident.services,
        "came_back_at": incident.came_back_at,
        "returns": incident.returns,
        "widespread": incident.widespread,
        "error_ratio": incident.error_ratio,
        "confirmed_at": incident.confirmed_at,
        "page_key": incident.page_key,
        "paged_at": incident.paged_at,
        "told": int(incident.told),
        "acked_at": incident.acked_at,
        "episode": incident.episode,
        "late_noted": incident.late_noted,
        "evidence": [evidence_json(kept) for kept in incident.evidence],
        "resolved_at": (incident.resolved_at or now) if incident.state.closed else None,
        "resolution": incident.resolution,
    }


def number(connection: sa.Connection, new: Sequence[Incident]) -> None:
    """Give new incidents their ids, in order."""
    for incident, number_of_it in zip(new, next_ids(connection, incidents, len(new)), strict=True):
        incident.id = number_of_it


def insert_incidents(connection: sa.Connection, new: Sequence[Incident], *, now: datetime) -> None:
    """Insert numbered incidents. Raises Contended when another consumer opened one of them too."""
    rows = [
        _as_row(incident, now=now)
        | {
            "opened_at": incident.opened_at,
            "stored_at": now,
            "objections": [],
        }
        for incident in new
    ]
    insert_rows(connection, incidents, rows)


def update_incidents(connection: sa.Connection, changed: Sequence[Incident], *, now: datetime) -> None:
    """Write what a batch changed; the rows are locked since they were read."""
    rows = [_as_row(incident, now=now) for incident in changed]
    update_rows(connection, incidents, rows)


def forget_answers(connection: sa.Connection, reopened: Iterable[Incident]) -> None:
    """A further episode is answered anew: the plan of the last one and what spoke against it are void."""
    ids = [incident.id for incident in reopened]
    if ids:
        these = among(connection, incidents.c.id, ids)
        connection.execute(incidents.update().where(these).values(plan=sa.null(), objections=[]))


def set_due(connection: sa.Connection, due: Iterable[Incident], closed: Iterable[Incident], *, now: datetime) -> None:
    """Queue what is to be answered, at once; nobody waits for what is closed, unless something was begun for it."""
    wanted = [incident.id for incident in due]
    over = [incident.id for incident in closed]
    if wanted:
        connection.execute(steps.delete().where(among(connection, steps.c.incident_id, wanted)))
    if over:
        begun = sa.exists().where(actions.c.incident_id == steps.c.incident_id, actions.c.state == ActionState.STARTED)
        connection.execute(steps.delete().where(among(connection, steps.c.incident_id, over), ~begun))
    fields: Mapping[str, Any] = {"due_at": now, "waits_for": "an answer", "tries": 0}
    insert_rows(connection, steps, [{"incident_id": one, **fields} for one in wanted])
