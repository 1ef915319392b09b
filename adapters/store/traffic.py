"""How many logs came when: what a verification compares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from adapters.store.tables import logs
from domain.incidents import Incident
from domain.logs import Level
from domain.verification import Traffic

# A log may arrive so much later than it was written and still be counted.
ARRIVES_WITHIN = timedelta(minutes=5)


def traffic(connection: sa.Connection, incident: Incident, *, since: datetime, until: datetime) -> Traffic:
    """The service's logs that were written in [since, until), and those of the incident among them."""
    mine = [*_within(since, until), logs.c.service == incident.service]
    query = sa.select(sa.func.count(), sa.func.count().filter(logs.c.incident_id == incident.id)).where(*mine)
    total, own = connection.execute(query).one()
    return Traffic(total, own, (until - since).total_seconds())


def others(connection: sa.Connection, service: str, *, since: datetime, until: datetime) -> int:
    """Logs of all other services that were written in [since, until)."""
    query = sa.select(sa.func.count()).where(*_within(since, until), logs.c.service != service)
    return int(connection.scalar(query) or 0)


def _within(since: datetime, until: datetime) -> list[sa.ColumnElement[bool]]:
    return [
        logs.c.arrived_at >= since - timedelta(seconds=1),  # the index; a clock may be a little ahead
        logs.c.arrived_at < until + ARRIVES_WITHIN,
        logs.c.timestamp >= since,
        logs.c.timestamp < until,
    ]


@dataclass(frozen=True, slots=True)
class Fresh:
    """What the service's fresh logs say beside their number."""

    anomalous: int
    errors: int
    bodies: tuple[str, ...]  # the newest, verbatim, where a metric is asked for


def fresh(connection: sa.Connection, service: str, *, since: datetime, bodies: int = 0) -> Fresh:
    """The service's logs written and arrived after `since`."""
    of_service = (logs.c.service == service, logs.c.timestamp >= since, logs.c.arrived_at >= since)
    counts = sa.select(
        sa.func.count().filter(logs.c.anomaly), sa.func.count().filter(logs.c.level >= int(Level.ERROR))
    ).where(*of_service)
    anomalous, errors = connection.execute(counts).one()
    texts: tuple[str, ...] = ()
    if bodies:
        newest = sa.select(logs.c.body).where(*of_service).order_by(logs.c.timestamp.desc()).limit(bodies)
        texts = tuple(connection.scalars(newest))
    return Fresh(anomalous, errors, texts)
