"""Incidents between their table and the noun."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.store.many_rows import among, insert_rows, next_ids, update_rows
from adapters.store.tables import actions, incidents, pages, steps
from domain.actions import ActionState
from domain.incidents import Evidence, Incident, Kind, Resolution, Route, Severity, State

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
        late_noted=row.late_noted,
        resolved_at=row.resolved_at,
        resolution=Resolution(row.resolution) if row.resolution else None,
        evidence=[_evidence(**kept) for kept in row.evidence],
    )


def _evidence(at: str, **kept: Any) -> Evidence:  # noqa: ANN401 - as `evidence_json` wrote it
    return Evidence(at=datetime.fromisoformat(at), **kept)


def _found(connection: sa.Connection, query: sa.Select[Any]) -> list[Incident]:
    return [as_incident(row) for row in connection.execute(query).all()]


# What decisions look at; what else a row holds costs time to read.
_READ = [column for column in incidents.c if column.name not in ("stored_at", "objections", "plan")]


def open_incidents(connection: sa.Connection, services: Iterable[str]) -> list[Incident]:
    """Every open incident of these services, locked in order of id until the transaction ends."""
    of_services = among(connection, incidents.c.service, services)
    query = sa.select(*_READ).where(of_services, incidents.c.state.in_(OPEN_STATES))
    return _found(connection, query.order_by(incidents.c.id).with_for_update())


def resolved_incidents(connection: sa.Connection, services: Iterable[str], *, since: datetime) -> list[Incident]:
    """What a person or verification resolved since a moment, the oldest first; locked as open ones are."""
    query = sa.select(*_READ).where(
        incidents.c.resolved_at >= since,
        incidents.c.state == State.RESOLVED,
        incidents.c.resolution.in_([Resolution.VERIFIED, Resolution.HUMAN]),
        among(connection, incidents.c.service, services),
    )
    found = _found(connection, query.order_by(incidents.c.id).with_for_update())
    return sorted(found, key=lambda one: (one.resolved_at, one.id))


def paged_incidents(connection: sa.Connection, *, since: datetime) -> list[Incident]:
    """Open incidents of any service that have a page of their own since then (event time) and nobody acknowledged.

    They are not locked: two consumers that see the same trouble at once may page twice.
    """
    own = sa.exists().where(pages.c.incident_id == incidents.c.id, pages.c.key == incidents.c.page_key)
    query = sa.select(*_READ).where(
        incidents.c.paged_at >= since, incidents.c.state.in_(OPEN_STATES), incidents.c.acked_at.is_(None), own
    )
    return _found(connection, query.order_by(incidents.c.id))


def page_times(connection: sa.Connection, *, newest: int) -> list[datetime]:
    """The newest event times at which an incident was worth a page, its own or one of the fleet's."""
    paged = incidents.c.paged_at
    query = sa.select(paged).where(paged.is_not(None)).order_by(paged.desc()).limit(newest)
    return list(connection.scalars(query))


def told_by(connection: sa.Connection, key: str) -> list[Incident]:
    """Every incident that the page with this key tells of: its own first, then those that joined it."""
    first = sa.select(pages.c.incident_id).where(pages.c.key == key).limit(1).scalar_subquery()
    found = _found(connection, sa.select(incidents).where(incidents.c.id == first))
    # A page that it got worse tells of all that the first page of the same incident told of.
    keys = {key} | {own.page_key for own in found if _is_own(connection, own)}
    joined = sa.select(incidents).where(incidents.c.page_key.in_(sorted(keys)), incidents.c.id != first)
    return found + _found(connection, joined.order_by(incidents.c.opened_at, incidents.c.id))


def _is_own(connection: sa.Connection, incident: Incident) -> bool:
    own = sa.exists().where(pages.c.incident_id == incident.id, pages.c.key == incident.page_key)
    return bool(connection.scalar(sa.select(own)))


def _as_row(incident: Incident, *, now: datetime) -> dict[str, Any]:
    """What `watch` writes of an incident each time that it changes it."""
    return {
        "id": incident.id,
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
            "service": incident.service,
            "kind": incident.kind,
            "template": incident.template,
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
    # What was closed leaves its place before a reopened one of that name takes it.
    update_rows(connection, incidents, [row for row in rows if row["resolved_at"]])
    update_rows(connection, incidents, [row for row in rows if not row["resolved_at"]])


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
