"""Alerts and the evidence of them between their table and the nouns."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.store.many_rows import among, insert_rows, next_ids, update_rows
from adapters.store.tables.found import alerts, incidents
from domain.incidents import Alert, AlertRole, Evidence, Incident, Kind, Relation, Route, Severity

# Of an incident that a thousand services show, decisions look at so many of its first and of its newest alerts.
SOME_ALERTS = 50


def evidence_json(evidence: Evidence) -> dict[str, object]:
    """One piece of evidence as the table keeps it."""
    return {
        "at": evidence.at.isoformat(),
        "level": evidence.level,
        "request_id": evidence.request_id,
        "message": evidence.message.replace("\0", ""),
        "reason": evidence.reason,
        "numbers": evidence.numbers,
        "service": evidence.service,
    }


def as_evidence(at: str, **kept: Any) -> Evidence:  # noqa: ANN401 - as `evidence_json` wrote it
    """The piece of evidence that was kept."""
    return Evidence(at=datetime.fromisoformat(at), **kept)


def with_alerts(
    connection: sa.Connection, found: list[Incident], services: Iterable[str], *, closed: bool
) -> list[Incident]:
    """The same with their alerts: all of those services, and of the others those that decide."""
    known = {one.id: one for one in found}
    if not known:
        return found
    mine = (among(connection, alerts.c.incident_id, known), alerts.c.closed.is_(closed))
    ranked = sa.select(alerts.c.id, *_places()).where(*mine).subquery()
    query = (
        sa.select(alerts)
        .join(ranked, ranked.c.id == alerts.c.id)
        .join(incidents, incidents.c.id == alerts.c.incident_id)
        .where(sa.or_(_decides(ranked), among(connection, alerts.c.service, services)))
    )
    for row in connection.execute(query.order_by(alerts.c.id)):
        known[row.incident_id].alerts.append(as_alert(row))
    return found


def some_alerts(connection: sa.Connection, incident_id: int) -> list[Alert]:
    """The first alerts of an incident, open or closed."""
    query = sa.select(alerts).where(alerts.c.incident_id == incident_id).order_by(alerts.c.id).limit(SOME_ALERTS)
    return [as_alert(row) for row in connection.execute(query)]


def _places() -> list[sa.Label[int]]:
    """The place of each alert in its incident, by what decisions look at."""
    order = {"joined": (alerts.c.id,), "fired": (alerts.c.last_at.desc(),), "began": (alerts.c.opened_at.desc(),)}
    of_incident = [
        sa.func.row_number().over(partition_by=alerts.c.incident_id, order_by=by).label(name)
        for name, by in order.items()
    ]
    alike = (alerts.c.incident_id, alerts.c.role, alerts.c.relation)
    return [*of_incident, sa.func.row_number().over(partition_by=alike, order_by=alerts.c.id).label("of_its_kind")]


def _decides(ranked: sa.Subquery) -> sa.ColumnElement[bool]:
    """The origin, the first and the newest ones, the one that began last, and one of each role and relation."""
    is_origin = (alerts.c[name] == incidents.c[name] for name in ("service", "kind", "template"))
    return sa.or_(
        sa.and_(*is_origin),
        ranked.c.joined <= SOME_ALERTS,
        ranked.c.fired <= SOME_ALERTS,
        ranked.c.began == 1,
        ranked.c.of_its_kind == 1,
    )


def save_alerts(connection: sa.Connection, changed: Iterable[tuple[Alert, Incident]], *, now: datetime) -> None:
    """Write alerts that a batch opened or changed. Raises Contended when another consumer opened one of them too."""
    rows = [_alert_row(alert, incident) for alert, incident in changed]
    known = sorted((row for row in rows if row["id"]), key=lambda row: row["id"])
    # What was closed leaves its place before another one of that name takes it.
    update_rows(connection, alerts, [row for row in known if row["closed"]])
    update_rows(connection, alerts, [row for row in known if not row["closed"]])
    new = sorted((row for row in rows if not row["id"]), key=lambda row: (not row["closed"], row["opened_at"]))
    numbers = next_ids(connection, alerts, len(new))
    insert_rows(
        connection, alerts, [row | {"id": one, "joined_at": now} for row, one in zip(new, numbers, strict=True)]
    )


def close_alerts(connection: sa.Connection, incident_ids: Iterable[int]) -> None:
    """An incident that is closed has no open alert."""
    connection.execute(alerts.update().where(alerts.c.incident_id.in_(list(incident_ids))).values(closed=True))


def as_alert(row: sa.Row[Any]) -> Alert:
    """The alert that a row holds."""
    return Alert(
        id=row.id,
        service=row.service,
        kind=Kind(row.kind),
        template=row.template,
        metric=row.metric,
        direction=row.direction,
        detector=row.detector,
        opened_at=row.opened_at,
        last_at=row.last_at,
        route=Route(row.route),
        playbook=row.playbook,
        role=AlertRole(row.role),
        relation=Relation(row.relation),
        related_to=row.related_to,
        severity=Severity(row.severity),
        level=row.level,
        logs=row.logs,
        episode=row.episode,
        recent=[datetime.fromisoformat(at) for at in row.recent],
        evidence=[as_evidence(**kept) for kept in row.evidence],
        closed=row.closed,
        incident_id=row.incident_id,
    )


def _alert_row(alert: Alert, incident: Incident) -> dict[str, Any]:
    return {
        "id": alert.id,
        "incident_id": incident.id,
        "episode": alert.episode,
        "service": alert.service,
        "kind": alert.kind,
        "template": alert.template,
        "metric": alert.metric,
        "direction": alert.direction,
        "detector": alert.detector,
        "route": alert.route,
        "playbook": alert.playbook,
        "role": alert.role,
        "relation": alert.relation,
        "related_to": alert.related_to,
        "opened_at": alert.opened_at,
        "last_at": alert.last_at,
        "recent": [at.isoformat() for at in alert.recent],
        "severity": int(alert.severity),
        "level": alert.level,
        "logs": alert.logs,
        "evidence": [evidence_json(kept) for kept in alert.evidence],
        "closed": alert.closed or incident.state.closed,
    }
