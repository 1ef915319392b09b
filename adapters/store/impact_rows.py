"""What the logs of an incident's services were like just before it was answered."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from adapters.store.log_counts import counted, tally
from adapters.store.log_reader import Asked
from adapters.store.tables.found import alerts, incidents
from domain.impact import Impact
from domain.incidents import Incident

LOOKED_AT = timedelta(minutes=1)
# So many services tell how all of them are.
MOST_SERVICES = 100


def impact(connection: sa.Connection, incident: Incident, *, now: datetime) -> Impact:
    """The last minute of its services, of the first hundred where there are more."""
    of_it = sa.select(alerts.c.service).where(alerts.c.incident_id == incident.id).distinct()
    services = list(connection.scalars(of_it.order_by(alerts.c.service).limit(MOST_SERVICES))) or [incident.service]
    since, middle = now - LOOKED_AT, now - LOOKED_AT / 2
    # A log of this very moment counts as well.
    until = now + timedelta(microseconds=1)
    halves = [
        counted(connection, Asked(begin, end, arrived_since=since, services=services))
        for begin, end in ((since, middle), (middle, until))
    ]
    both = [tally(half) for half in halves]
    earlier, lately = (tally(half, incident=incident.id).logs for half in halves)
    total, errors = sum(one.logs for one in both), sum(one.errors for one in both)
    return Impact(incident.services, total, errors, earlier, lately)


def assess(connection: sa.Connection, incident: Incident, found: Impact) -> None:
    """Keep how bad it is."""
    connection.execute(
        incidents.update()
        .where(incidents.c.id == incident.id)
        .values(severity=int(incident.severity), error_ratio=found.ratio)
    )
