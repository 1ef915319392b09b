"""How many logs came when, and what they said: what a verification compares."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from adapters.store.log_counts import Tally, counted, tally
from adapters.store.log_metrics import metric_mean
from adapters.store.log_reader import Asked
from adapters.store.tables.found import alerts
from domain.control import NO_PACE, Pace, Traffic
from domain.incidents import Incident, Kind
from domain.logs import Level

# A log may arrive so much later than it was written and still be counted.
ARRIVES_WITHIN = timedelta(minutes=5)
HALF_MINUTE = timedelta(seconds=30)
AHEAD = timedelta(seconds=1)  # a clock may be a little ahead


def traffic(connection: sa.Connection, incident: Incident, *, since: datetime, until: datetime) -> Traffic:
    """The service's logs that were written in [since, until), and those of the incident among them."""
    found = counted(connection, _within(since, until, [incident.service]))
    own = tally(found, services=[incident.service], incident=incident.id, least=_least(incident))
    return Traffic(tally(found).logs, own.logs, (until - since).total_seconds())


def first_seen(connection: sa.Connection, service: str, *, since: datetime, until: datetime) -> datetime | None:
    """When the service's first log in [since, until) was written; None where there is none."""
    return tally(counted(connection, _within(since, until, [service]))).first_at


def others(connection: sa.Connection, service: str, *, since: datetime, until: datetime) -> int:
    """Logs of all other services that were written in [since, until)."""
    found = counted(connection, _within(since, until))
    return tally(found, services=[service], all_but=True).logs


def _least(incident: Incident) -> Level:
    """The fault's own logs. One that warns or errs goes on as such: after a restart metrics waver on healthy logs."""
    complains = incident.kind is Kind.LOG and incident.level >= Level.WARN
    return Level.WARN if complains else Level.TRACE


def _within(since: datetime, until: datetime, services: Collection[str] | None = None) -> Asked:
    return Asked(
        since=since,
        until=until,
        arrived_since=since - AHEAD,
        arrived_until=until + ARRIVES_WITHIN,
        services=None if services is None else sorted(services),
    )


def pace(connection: sa.Connection, incident: Incident, *, since: datetime, until: datetime) -> Pace:
    """How the fault's own logs came in [since, until): whether it went on to the end."""
    whole = _own(connection, incident, _within(since, until))
    if not whole.logs or whole.first_at is None or whole.last_at is None:
        return NO_PACE
    # A host whose clock is behind seems silent for as long; our own clock says when its logs arrived.
    by_then = Asked(since, until, since - AHEAD, until + timedelta(microseconds=1))
    arrived = _own(connection, incident, by_then).arrived_at
    seen = max(whole.last_at, arrived or whole.last_at)
    middle = until - HALF_MINUTE
    early = _own(connection, incident, _within(max(since, middle - HALF_MINUTE), middle)).logs if middle > since else 0
    late = _own(connection, incident, _within(max(since, middle), until)).logs
    return Pace(
        whole.logs, (whole.last_at - whole.first_at).total_seconds(), (until - seen).total_seconds(), early, late
    )


def _own(connection: sa.Connection, incident: Incident, asked: Asked) -> Tally:
    of_service = Asked(asked.since, asked.until, asked.arrived_since, asked.arrived_until, [incident.service])
    return tally(counted(connection, of_service), incident=incident.id, least=_least(incident))


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
    values: int = 0  # of the metric that is asked for
    mean: float | None = None  # of them, None where there are none


def said(
    connection: sa.Connection,
    services: Collection[str],
    span: tuple[datetime, datetime],
    *,
    all_but: bool = False,
    metric: str = "",
) -> Said:
    """What these services, or all but these, said in [since, until), and the mean of a metric if one is named."""
    asked = _within(*span, None if all_but else services)
    found = tally(counted(connection, asked), services=services, all_but=all_but)
    values, mean = metric_mean(connection, asked, metric, but=services if all_but else ()) if metric else (0, None)
    return Said(found.logs, found.anomalous, found.errors, values, mean)


def fresh(connection: sa.Connection, service: str, *, since: datetime, metric: str = "") -> Said:
    """What the service's logs say that were written and arrived after `since`."""
    asked = Asked(since=since, arrived_since=since, services=[service])
    found = tally(counted(connection, asked))
    values, mean = metric_mean(connection, asked, metric) if metric else (0, None)
    return Said(found.logs, found.anomalous, found.errors, values, mean)
