"""Alerts of others as rows, and the incidents that they become."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from adapters.store.closing import acknowledgement_ends, resolve
from adapters.store.database import transaction
from adapters.store.incident_rows import (
    as_incident,
    forget_answers,
    insert_incidents,
    number,
    set_due,
    update_incidents,
)
from adapters.store.ledger_rows import note
from adapters.store.many_rows import among
from adapters.store.outbox import queue
from adapters.store.tables.found import incidents, outside_alerts
from domain.correlation import stored_page_key
from domain.incidents import Incident, Resolution, page_reason
from domain.ledger import LedgerKind
from domain.outside_alerts import (
    SILENT_AFTER,
    Change,
    OutsideAlert,
    Status,
    Taken,
    change,
    come_back,
    opened,
    updated,
)

# Two that take at once would open two incidents for one group.
TAKERS = 7302
GROUPS_AT_ONCE = 200


def keep(engine: sa.Engine, alerts: Iterable[OutsideAlert], *, now: datetime) -> int:
    """Store what a source says of its alerts, all or nothing; how many were news."""
    each = {alert.fingerprint: alert for alert in alerts}
    with transaction(engine) as connection:
        # In one order, so that two deliveries of the same alerts wait for each other and do not lock.
        return sum(_keep(connection, each[name], now) for name in sorted(each))


def _keep(connection: sa.Connection, alert: OutsideAlert, now: datetime) -> int:
    """Whether it was news. What fires stays in the group in which it began to, whoever repeats it."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    said = {"status": alert.status, "labels": dict(alert.labels), "annotations": dict(alert.annotations)}
    values = said | {"starts_at": alert.starts_at, "ends_at": alert.ends_at, "url": alert.url, "received_at": now}
    first = values | {"fingerprint": alert.fingerprint, "group_key": alert.group_key, "taken_at": None}
    new = make(outside_alerts).values(first).on_conflict_do_nothing(index_elements=["fingerprint"])
    if connection.execute(new.returning(outside_alerts.c.fingerprint)).first() is not None:
        return 1
    mine = outside_alerts.c.fingerprint == alert.fingerprint
    row = connection.execute(sa.select(outside_alerts).where(mine).with_for_update()).one()
    # Its former group must have heard that it is over: else nobody would ever end the incident there.
    is_over = row.status == Status.RESOLVED and row.taken_at is not None
    if is_over and row.group_key != alert.group_key and alert.fires:
        values |= {"group_key": alert.group_key, "incident_id": None}
    news = any(getattr(row, name) != said[name] for name in said) or row.starts_at != alert.starts_at
    connection.execute(outside_alerts.update().where(mine).values(values | ({"taken_at": None} if news else {})))
    return int(news)


def take(engine: sa.Engine, *, quiet: timedelta, now: datetime) -> Taken:
    """Let incidents follow what was said since the last time, each group in a transaction of its own."""
    groups = _groups_with_news(engine, now)
    done = [_take(engine, group, quiet=quiet, now=now) for group in groups]
    counts = {name: done.count(name) for name in Change}
    return Taken(counts[Change.OPEN], counts[Change.REOPEN], counts[Change.CLOSE], counts[Change.UPDATE])


def _groups_with_news(engine: sa.Engine, now: datetime) -> list[str]:
    with transaction(engine) as connection:
        return list(connection.scalars(with_news(now)))


def with_news(now: datetime) -> sa.Select[Any]:
    """The groups of which something was said, or nothing for long, the longest waiting first."""
    silent = sa.and_(outside_alerts.c.status == Status.FIRING, outside_alerts.c.received_at < now - SILENT_AFTER)
    news = sa.or_(outside_alerts.c.taken_at.is_(None), silent)
    query = sa.select(outside_alerts.c.group_key).where(news).group_by(outside_alerts.c.group_key)
    return query.order_by(sa.func.min(outside_alerts.c.received_at)).limit(GROUPS_AT_ONCE)


def _take(engine: sa.Engine, group: str, *, quiet: timedelta, now: datetime) -> Change:
    of_it = outside_alerts.c.group_key == group
    with transaction(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(TAKERS)))
        query = sa.select(outside_alerts).where(of_it, _counts(quiet, now)).order_by(outside_alerts.c.fingerprint)
        rows = connection.execute(query.with_for_update()).all()
        silent = _end_silent(connection, [row for row in rows if _is_silent(row, now)], now)
        if not silent and all(row.taken_at for row in rows):
            return Change.NOTHING  # somebody else took them meanwhile
        alerts = [_alert(row) for row in rows if row.fingerprint not in silent]
        incident = _newest(connection, [row.incident_id for row in rows if row.incident_id])
        verdict = change(alerts, incident, quiet=quiet)
        followed = _follow(connection, verdict, incident, alerts, silent=bool(silent), now=now)
        # Not the whole group: what came in while it was looked at has not been looked at.
        seen = [row.fingerprint for row in rows if row.taken_at is None or row.status == Status.FIRING]
        known = {"taken_at": now} | ({"incident_id": followed} if followed else {})
        mine = among(connection, outside_alerts.c.fingerprint, seen)
        connection.execute(outside_alerts.update().where(mine).values(known))
        return verdict


def _counts(quiet: timedelta, now: datetime) -> sa.ColumnElement[bool]:
    """Of a group with ever new alerts, those that still say something: what was over long ago does not."""
    lately = outside_alerts.c.taken_at >= now - max(quiet, SILENT_AFTER)
    return sa.or_(outside_alerts.c.status == Status.FIRING, outside_alerts.c.taken_at.is_(None), lately)


def _is_silent(row: sa.Row[Any], now: datetime) -> bool:
    return bool(row.status == Status.FIRING and row.received_at < now - SILENT_AFTER)


def _end_silent(connection: sa.Connection, rows: list[sa.Row[Any]], now: datetime) -> set[str]:
    """What its source said nothing of for so long is over; the fingerprints."""
    names = {row.fingerprint for row in rows}
    if names:
        over = outside_alerts.update().where(outside_alerts.c.fingerprint.in_(sorted(names)))
        connection.execute(over.values(status=Status.RESOLVED, ends_at=now))
    return names


def _newest(connection: sa.Connection, ids: list[int]) -> Incident | None:
    """The newest incident of a group, locked."""
    if not ids:
        return None
    query = sa.select(incidents).where(incidents.c.id == max(ids)).with_for_update()
    row = connection.execute(query).first()
    return as_incident(row) if row else None


def _follow(
    connection: sa.Connection,
    verdict: Change,
    incident: Incident | None,
    alerts: list[OutsideAlert],
    *,
    silent: bool,
    now: datetime,
) -> int | None:
    """Carry the verdict out; the group's incident."""
    if verdict is Change.OPEN:
        return _open(connection, alerts, now)
    if incident is None:
        return None
    if verdict is Change.CLOSE:
        _close(connection, incident, silent=silent, now=now)
    elif verdict is Change.UPDATE:
        updated(incident, alerts, now=now)
        update_incidents(connection, [incident], now=now)
        _page(connection, incident, now)
    elif verdict is Change.REOPEN:
        _reopen(connection, incident, alerts, now)
    return incident.id


def _open(connection: sa.Connection, alerts: list[OutsideAlert], now: datetime) -> int:
    incident = opened(alerts, now=now)
    number(connection, [incident])
    insert_incidents(connection, [incident], now=now)
    set_due(connection, [incident], [], now=now)
    told = {"detector": incident.detector, "template": incident.template, "kind": incident.kind, "alerts": len(alerts)}
    note(connection, LedgerKind.OPENED, incident.id, told, now=now)
    _page(connection, incident, now)
    return incident.id


def _reopen(connection: sa.Connection, incident: Incident, alerts: list[OutsideAlert], now: datetime) -> None:
    after = (now - incident.resolved_at).total_seconds() if incident.resolved_at else 0.0
    come_back(incident, alerts, now=now)
    update_incidents(connection, [incident], now=now)
    forget_answers(connection, [incident])
    set_due(connection, [incident], [], now=now)
    note(connection, LedgerKind.REOPENED, incident.id, {"episode": incident.episode, "after_seconds": after}, now=now)
    _page(connection, incident, now)


def _close(connection: sa.Connection, incident: Incident, *, silent: bool, now: datetime) -> None:
    if silent:
        seconds = SILENT_AFTER.total_seconds()
        resolve(connection, incident.id, Resolution.SILENT, now=now, silent_seconds=seconds)
    else:
        resolve(connection, incident.id, Resolution.SOURCE, now=now)


def _page(connection: sa.Connection, incident: Incident, now: datetime) -> None:
    """Page for it where it is new, or worse than whoever was told knows."""
    reason = page_reason(incident)
    if reason is not None:
        acknowledgement_ends(connection, incident.id)  # whoever acknowledged it knew it less bad
        lines = [f"Raised by {incident.detector}, which also says when it is over"]
        queue(connection, incident, reason, key=stored_page_key(incident, reason), lines=lines, now=now)


def _alert(row: sa.Row[Any]) -> OutsideAlert:
    return OutsideAlert(
        fingerprint=row.fingerprint,
        group_key=row.group_key,
        status=Status(row.status),
        labels=row.labels,
        annotations=row.annotations,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        url=row.url,
        received_at=row.received_at,
        incident_id=row.incident_id,
    )
