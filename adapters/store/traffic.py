"""How many logs came when, and what they said: what a verification compares."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from adapters.store.tables import alerts, logs
from domain.control import NO_PACE, Pace, Traffic
from domain.incidents import Incident, Kind
from domain.logs import Level

# A log may arrive so much later than it was written and still be counted.
ARRIVES_WITHIN = timedelta(minutes=5)
HALF_MINUTE = timedelta(seconds=30)


def traffic(connection: sa.Connection, incident: Incident, *, since: datetime, until: datetime) -> Traffic:
    """The service's logs that were written in [since, until), and those of the incident among them."""
    mine = [*_within(since, until), logs.c.service == incident.service]
    query = sa.select(sa.func.count(), sa.func.count().filter(*_own(incident))).where(*mine)
    total, own = connection.execute(query).one()
    return Traffic(total, own, (until - since).total_seconds())


def first_seen(connection: sa.Connection, service: str, *, since: datetime, until: datetime) -> datetime | None:
    """When the service's first log in [since, until) was written; None where there is none."""
    query = sa.select(sa.func.min(logs.c.timestamp)).where(*_within(since, until), logs.c.service == service)
    first: datetime | None = connection.scalar(query)
    return first


def others(connection: sa.Connection, service: str, *, since: datetime, until: datetime) -> int:
    """Logs of all other services that were written in [since, until)."""
    query = sa.select(sa.func.count()).where(*_within(since, until), logs.c.service != service)
    return int(connection.scalar(query) or 0)


def _own(incident: Incident) -> list[sa.ColumnElement[bool]]:
    """The fault's own logs. One that warns or errs goes on as such: after a restart metrics waver on healthy logs."""
    own = [logs.c.service == incident.service, logs.c.incident_id == incident.id]
    complains = incident.kind is Kind.LOG and incident.level >= Level.WARN
    return [*own, logs.c.level >= int(Level.WARN)] if complains else own


def _within(since: datetime, until: datetime) -> list[sa.ColumnElement[bool]]:
    return [
        logs.c.arrived_at >= since - timedelta(seconds=1),  # the index; a clock may be a little ahead
        logs.c.arrived_at < until + ARRIVES_WITHIN,
        logs.c.timestamp >= since,
        logs.c.timestamp < until,
    ]


def pace(connection: sa.Connection, incident: Incident, *, since: datetime, until: datetime) -> Pace:
    """How the fault's own logs came in [since, until): whether it went on to the end."""
    early, late = logs.c.timestamp < until - HALF_MINUTE, logs.c.timestamp >= until - HALF_MINUTE
    query = sa.select(
        sa.func.count(),
        sa.func.min(logs.c.timestamp),
        sa.func.max(logs.c.timestamp),
        # A host whose clock is behind seems silent for as long; our own clock says when its logs arrived.
        sa.func.max(logs.c.arrived_at).filter(logs.c.arrived_at <= until),
        sa.func.count().filter(early, logs.c.timestamp >= until - 2 * HALF_MINUTE),
        sa.func.count().filter(late),
    ).where(*_within(since, until), *_own(incident))
    own, first, last, arrived, earlier, lately = connection.execute(query).one()
    if not own:
        return NO_PACE
    seen = max(last, arrived or last)
    return Pace(own, (last - first).total_seconds(), (until - seen).total_seconds(), earlier, lately)


def touched(connection: sa.Connection, incident: Incident) -> set[str]:
    """The services in which the incident has an alert."""
    query = sa.select(alerts.c.service).where(alerts.c.incident_id == incident.id)
    return {incident.service, *connection.scalars(query)}


@dataclass(frozen=True, slots=True)
class Said:
    """What logs say beside their number."""

    logs: int
    anomalous: int
    errors: int
    bodies: tuple[str, ...] = ()  # the newest, verbatim, where a metric is asked for


def said(
    connection: sa.Connection,
    services: Collection[str],
    span: tuple[datetime, datetime],
    *,
    all_but: bool = False,
    bodies: int = 0,
) -> Said:
    """What these services, or all but these, said in [since, until); `bodies`: how many logs are given whole."""
    those = logs.c.service.not_in(services) if all_but else logs.c.service.in_(services)
    where = [*_within(*span), those]
    total, anomalous, errors = connection.execute(sa.select(sa.func.count(), *_COUNTS).where(*where)).one()
    newest = sa.select(logs.c.body).where(*where).order_by(logs.c.timestamp.desc()).limit(bodies)
    return Said(total, anomalous, errors, tuple(connection.scalars(newest)) if bodies else ())


_COUNTS = (
    sa.func.count().filter(logs.c.anomaly),
    sa.func.count().filter(logs.c.level >= int(Level.ERROR)),
)


@dataclass(frozen=True, slots=True)
class Fresh:
    """What the service's fresh logs say beside their number."""

    anomalous: int
    errors: int
    bodies: tuple[str, ...]  # the newest, verbatim, where a metric is asked for


def fresh(connection: sa.Connection, service: str, *, since: datetime, bodies: int = 0) -> Fresh:
    """The service's logs written and arrived after `since`."""
    of_service = (logs.c.service == service, logs.c.timestamp >= since, logs.c.arrived_at >= since)
    anomalous, errors = connection.execute(sa.select(*_COUNTS).where(*of_service)).one()
    texts: tuple[str, ...] = ()
    if bodies:
        newest = sa.select(logs.c.body).where(*of_service).order_by(logs.c.timestamp.desc()).limit(bodies)
        texts = tuple(connection.scalars(newest))
    return Fresh(anomalous, errors, texts)
