"""The table is the queue: incidents that wait for an answer, claimed under a lease."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.incident_rows import OPEN_STATES, as_incident
from adapters.store.tables import actions, incidents, ledger, pages
from domain.correlation import LedgerKind
from domain.errors import Refused
from domain.incidents import Incident, Resolution, State


@dataclass(frozen=True, slots=True)
class Claim:
    """An incident under a lease; writes count only while the token is still its own."""

    incident: Incident
    token: str
    objections: tuple[str, ...]


def note(
    connection: sa.Connection, kind: LedgerKind, incident_id: int | None, fields: Mapping[str, object], *, now: datetime
) -> None:
    """Append one decision to the ledger."""
    connection.execute(ledger.insert().values(at=now, kind=kind, incident_id=incident_id, fields=dict(fields)))


def claim(
    engine: sa.Engine, *, token: str, lease: timedelta, now: datetime, limit: int, incident_id: int | None = None
) -> list[Claim]:
    """Claim confirmed incidents that nobody answers, worst first; those of dead owners too."""
    free = sa.or_(incidents.c.lease_until.is_(None), incidents.c.lease_until < now)
    query = (
        sa.select(incidents)
        .where(
            incidents.c.state.in_([State.OPEN, State.ACTING, State.VERIFYING]),
            incidents.c.confirmed_at.is_not(None),
            incidents.c.handled.is_(False),
            free,
        )
        .order_by(incidents.c.severity.desc(), incidents.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if incident_id is not None:
        query = query.where(incidents.c.id == incident_id, incidents.c.state == State.OPEN)
    with transaction(engine) as connection:
        rows = connection.execute(query).all()
        for row in rows:
            connection.execute(
                incidents.update()
                .where(incidents.c.id == row.id)
                .values(lease_token=f"{token}:{row.id}", lease_until=now + lease)
            )
        return [Claim(as_incident(row), f"{token}:{row.id}", tuple(row.objections)) for row in rows]


def extend(engine: sa.Engine, claimed: Claim, *, until: datetime) -> bool:
    """Whether the lease was still ours, and now runs until then."""
    with transaction(engine) as connection:
        found = connection.execute(incidents.update().where(*_held(claimed)).values(lease_until=until))
        return found.rowcount == 1


def _held(claimed: Claim) -> tuple[Any, Any]:
    return incidents.c.id == claimed.incident.id, incidents.c.lease_token == claimed.token


def move(connection: sa.Connection, claimed: Claim, state: State, *, handled: bool = False, **values: object) -> None:
    """Change a claimed incident's state. Raises Refused when the lease was lost or it was closed meanwhile."""
    if handled:
        values |= {"handled": True, "lease_token": None, "lease_until": None}
    found = connection.execute(
        incidents.update().where(*_held(claimed), incidents.c.state.in_(OPEN_STATES)).values(state=state, **values)
    )
    if found.rowcount != 1:
        raise Refused(f"incident {claimed.incident.id}: the lease was lost or it was closed meanwhile")


def reread(engine: sa.Engine, incident_id: int) -> Incident | None:
    """The incident as it is stored now."""
    with transaction(engine) as connection:
        row = connection.execute(sa.select(incidents).where(incidents.c.id == incident_id)).first()
        return as_incident(row) if row else None


def resolve(
    connection: sa.Connection, incident_id: int, resolution: Resolution, *, now: datetime, **fields: object
) -> bool:
    """Close an incident and stop its queued pages; False when it was closed already."""
    found = connection.execute(
        incidents.update()
        .where(incidents.c.id == incident_id, incidents.c.state.in_(OPEN_STATES))
        .values(
            state=State.RESOLVED,
            resolved_at=now,
            resolution=resolution,
            handled=True,
            lease_token=None,
            lease_until=None,
        )
    )
    if found.rowcount != 1:
        return False
    note(connection, LedgerKind.RESOLVED, incident_id, {"resolution": resolution} | fields, now=now)
    return True


def acknowledge(engine: sa.Engine, incident_id: int, *, by: str, now: datetime) -> bool:
    """Record that a human has it: queued pages are not sent any more. False when it is closed or unknown."""
    with transaction(engine) as connection:
        found = connection.execute(
            incidents.update()
            .where(incidents.c.id == incident_id, incidents.c.state.in_(OPEN_STATES))
            .values(acked_at=now)
        )
        if found.rowcount != 1:
            return False
        suppress_pages(connection, incident_id, f"acknowledged by {by}")
        note(connection, LedgerKind.ACKED, incident_id, {"by": by}, now=now)
        return True


def suppress_pages(connection: sa.Connection, incident_id: int, why: str) -> None:
    """Queued pages of an incident are not sent any more."""
    connection.execute(
        pages.update()
        .where(pages.c.incident_id == incident_id, pages.c.state == "queued", pages.c.key.not_in(_told_by(incident_id)))
        .values(state="suppressed", error=why)
    )


def _told_by(incident_id: int) -> sa.Select[tuple[str]]:
    """Keys of pages on which other open incidents, which nobody acknowledged, rely."""
    return sa.select(incidents.c.page_key).where(
        incidents.c.id != incident_id, incidents.c.state.in_(OPEN_STATES), incidents.c.acked_at.is_(None)
    )


def others_rely(engine: sa.Engine, incident_id: int, key: str) -> bool:
    """Whether a page tells of other open incidents too, so that it must go out in any case."""
    with transaction(engine) as connection:
        return key in set(connection.scalars(_told_by(incident_id)))


def close_by_hand(engine: sa.Engine, incident_id: int, *, by: str, now: datetime) -> bool:
    """Close an incident because a human says so; False when it was closed already or is unknown."""
    with transaction(engine) as connection:
        if not resolve(connection, incident_id, Resolution.HUMAN, now=now, by=by):
            return False
        suppress_pages(connection, incident_id, f"resolved by {by}")
        return True


def close_quiet(engine: sa.Engine, *, quiet: timedelta, now: datetime) -> list[int]:
    """Close incidents without an anomalous log for so long, by the wall clock; their ids.

    One with an action whose verdict is still out stays open: silence is not success.
    """
    undecided = sa.select(actions.c.incident_id).where(actions.c.verdict.is_(None), actions.c.state == "done")
    query = sa.select(incidents.c.id).where(
        incidents.c.state.in_([State.OPEN, State.ESCALATED]),
        incidents.c.last_at < now - quiet,
        incidents.c.stored_at < now - quiet,
        sa.or_(incidents.c.lease_until.is_(None), incidents.c.lease_until < now),
        incidents.c.id.not_in(undecided),
    )
    with transaction(engine) as connection:
        ids = list(connection.scalars(query))
        return [
            number
            for number in ids
            if resolve(connection, number, Resolution.QUIET, now=now, quiet_seconds=quiet.total_seconds())
        ]
