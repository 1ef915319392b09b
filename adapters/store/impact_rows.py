"""What the logs of an incident's services were like just before it was answered."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from adapters.store.tables import alerts, incidents, logs
from domain.impact import Impact
from domain.incidents import Incident
from domain.logs import Level

LOOKED_AT = timedelta(minutes=1)
# So many services tell how all of them are.
MOST_SERVICES = 100


def impact(connection: sa.Connection, incident: Incident, *, now: datetime) -> Impact:
    """The last minute of its services, of the first hundred where there are more."""
    of_it = sa.select(alerts.c.service).where(alerts.c.incident_id == incident.id).distinct()
    services = list(connection.scalars(of_it.order_by(alerts.c.service).limit(MOST_SERVICES))) or [incident.service]
    middle = now - LOOKED_AT / 2
    own = logs.c.incident_id == incident.id
    query = sa.select(
        sa.func.count(),
        sa.func.count().filter(logs.c.level >= int(Level.ERROR)),
        sa.func.count().filter(own, logs.c.timestamp < middle),
        sa.func.count().filter(own, logs.c.timestamp >= middle),
    ).where(
        logs.c.arrived_at >= now - LOOKED_AT,
        logs.c.timestamp >= now - LOOKED_AT,
        logs.c.timestamp <= now,
        logs.c.service.in_(services),
    )
    total, errors, earlier, lately = connection.execute(query).one()
    return Impact(incident.services, total, errors, earlier, lately)


def assess(connection: sa.Connection, incident: Incident, found: Impact) -> None:
    """Keep how bad it is."""
    connection.execute(
        incidents.update()
        .where(incidents.c.id == incident.id)
        .values(severity=int(incident.severity), error_ratio=found.ratio)
    )
