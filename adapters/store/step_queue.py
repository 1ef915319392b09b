"""The queue of `on-call`: what is due for an incident, claimed under a lease."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.tables.decided import steps
from adapters.store.tables.found import incidents
from domain.errors import Refused
from domain.steps import Due

# No lease is longer, and no wait is without a look in between; what looks longer comes from a clock that was ahead.
LONGEST = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Claim:
    """An incident whose next step is ours; writes count only while the token is still its own."""

    incident_id: int
    token: str


@dataclass(frozen=True, slots=True)
class Overdue:
    """Steps that nobody takes."""

    steps: int
    oldest: datetime | None  # when the first of them was due


def schedule(connection: sa.Connection, incident_id: int, due: Due) -> None:
    """Put an incident into the queue, or change when it is due; nobody's lease is touched."""
    values = {"due_at": due.at, "waits_for": due.waits_for, "until": due.until, "tries": due.tries, "error": due.error}
    known = connection.execute(steps.update().where(steps.c.incident_id == incident_id).values(values))
    if not known.rowcount:
        connection.execute(steps.insert().values(incident_id=incident_id, **values))


def drop(connection: sa.Connection, incident_id: int) -> None:
    """Nothing is due for it any more."""
    connection.execute(steps.delete().where(steps.c.incident_id == incident_id))


def _claimable(now: datetime) -> list[sa.ColumnElement[bool]]:
    return [sa.or_(steps.c.due_at <= now, steps.c.due_at > now + LONGEST), _free(now)]


def _free(now: datetime) -> sa.ColumnElement[bool]:
    lease = steps.c.lease_until
    return sa.or_(lease.is_(None), lease < now, lease > now + LONGEST)


def overdue(engine: sa.Engine, *, due_before: datetime, now: datetime) -> Overdue:
    """The steps that were due before a moment and are in nobody's hands at `now`."""
    query = sa.select(sa.func.count(), sa.func.min(steps.c.due_at))
    with transaction(engine) as connection:
        count, oldest = connection.execute(query.where(steps.c.due_at < due_before, _free(now))).one()
    return Overdue(count, oldest)


def claim(
    engine: sa.Engine, *, token: str, lease: timedelta, now: datetime, limit: int, incident_id: int | None = None
) -> list[Claim]:
    """Claim due incidents that nobody works on, the worst first; those of dead owners too."""
    query = (
        sa.select(steps.c.incident_id)
        .join(incidents, incidents.c.id == steps.c.incident_id)
        .where(*_claimable(now))
        .order_by(incidents.c.severity.desc(), steps.c.due_at, steps.c.incident_id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=steps)
    )
    if incident_id is not None:
        query = query.where(steps.c.incident_id == incident_id)
    with transaction(engine) as connection:
        ids = list(connection.scalars(query))
        for number in ids:
            connection.execute(
                steps.update()
                .where(steps.c.incident_id == number)
                .values(lease_token=f"{token}:{number}", lease_until=now + lease)
            )
    return [Claim(number, f"{token}:{number}") for number in ids]


def _held(claimed: Claim) -> tuple[Any, Any]:
    return steps.c.incident_id == claimed.incident_id, steps.c.lease_token == claimed.token


def hold(engine: sa.Engine, claimed: Claim, *, until: datetime) -> None:
    """Renew the lease. Raises Refused when somebody else has the incident by now."""
    with transaction(engine) as connection:
        keep(connection, claimed, until=until)


def keep(connection: sa.Connection, claimed: Claim, *, until: datetime) -> None:
    """Renew the lease within a transaction, so that it and what it guards commit together."""
    found = connection.execute(steps.update().where(*_held(claimed)).values(lease_until=until))
    if found.rowcount != 1:
        raise Refused(f"incident {claimed.incident_id}: the lease was lost")


def drop_when_held(connection: sa.Connection, claimed: Claim) -> None:
    """Nothing more is due for the incident. Raises Refused when the lease was lost."""
    if connection.execute(steps.delete().where(*_held(claimed))).rowcount != 1:
        raise Refused(f"incident {claimed.incident_id}: the lease was lost")


def release(engine: sa.Engine, claimed: Claim, due: Due | None) -> None:
    """Let go: due again then, or not at all. Nothing happens when the lease was lost."""
    with transaction(engine) as connection:
        held = steps.update().where(*_held(claimed))
        if due is None:
            connection.execute(steps.delete().where(*_held(claimed)))
            return
        connection.execute(
            held.values(
                due_at=due.at,
                waits_for=due.waits_for,
                until=due.until,
                tries=due.tries,
                error=due.error,
                lease_token=None,
                lease_until=None,
            )
        )


def due_of(connection: sa.Connection, incident_id: int) -> Due | None:
    """When the incident is due, None when nothing is."""
    row = connection.execute(sa.select(steps).where(steps.c.incident_id == incident_id)).first()
    return Due(row.due_at, row.waits_for, row.until, row.tries, row.error or "") if row else None
