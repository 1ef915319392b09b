"""The ends of incidents: acknowledged, closed by a person, by proof, or because nothing more was seen."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa

from adapters.store import action_log, escalations, outbox
from adapters.store.alert_rows import close_alerts
from adapters.store.database import transaction
from adapters.store.incident_rows import OPEN_STATES, as_incident
from adapters.store.ledger_rows import note
from adapters.store.tables.acting import actions
from adapters.store.tables.decided import steps
from adapters.store.tables.found import incidents
from adapters.store.tables.paging import pages
from domain.actions import ActionState
from domain.canary import MISSED
from domain.incidents import Incident, Kind, Resolution, State
from domain.ledger import LedgerKind
from domain.ledger_sentences import sentence
from domain.pages import NEWS, PageReason


def reread(engine: sa.Engine, incident_id: int) -> Incident | None:
    """The incident as it is stored now."""
    with transaction(engine) as connection:
        row = connection.execute(sa.select(incidents).where(incidents.c.id == incident_id)).first()
        return as_incident(row) if row else None


def incident_in(connection: sa.Connection, incident_id: int) -> Incident | None:
    """The incident as the transaction sees it, locked."""
    row = connection.execute(sa.select(incidents).where(incidents.c.id == incident_id).with_for_update()).first()
    return as_incident(row) if row else None


def resolve(
    connection: sa.Connection,
    incident_id: int,
    resolution: Resolution,
    *,
    now: datetime,
    lines: Iterable[str] = (),
    **fields: object,
) -> bool:
    """Close an incident; False when it was closed already.

    `lines`: what those who were paged are told beside that. What of its plan was not begun is not carried
    out any more; what was begun stays due until its end is known.
    """
    found = connection.execute(
        incidents.update()
        .where(incidents.c.id == incident_id, incidents.c.state.in_(OPEN_STATES))
        .values(state=State.RESOLVED, resolved_at=now, resolution=resolution)
    )
    if found.rowcount != 1:
        return False
    close_alerts(connection, [incident_id])
    action_log.drop_reserved(connection, incident_id, "the incident was closed", now=now)
    begun = sa.exists().where(actions.c.incident_id == incident_id, actions.c.state == ActionState.STARTED)
    connection.execute(steps.delete().where(steps.c.incident_id == incident_id, ~begun))
    told = {"resolution": resolution} | fields
    note(connection, LedgerKind.RESOLVED, incident_id, told, now=now)
    row = connection.execute(sa.select(incidents).where(incidents.c.id == incident_id)).one()
    outbox.queue_resolved(connection, as_incident(row), [sentence(LedgerKind.RESOLVED, told), *lines], now=now)
    return True


def acknowledge(engine: sa.Engine, incident_id: int, *, by: str, now: datetime) -> bool:
    """Record that a human has it: queued pages are not sent any more. False when it is closed or unknown."""
    with transaction(engine) as connection:
        return acknowledge_in(connection, incident_id, by=by, now=now)


def acknowledge_in(
    connection: sa.Connection, incident_id: int, *, by: str, now: datetime, until: datetime | None = None
) -> bool:
    """As `acknowledge`, within a transaction; until a moment: nobody is told before."""
    known, severity = incidents.c.told, incidents.c.severity
    worst = sa.case((known < severity, severity), else_=known)  # only what gets worse than this pages again
    found = connection.execute(
        incidents.update()
        .where(incidents.c.id == incident_id, incidents.c.state.in_(OPEN_STATES))
        .values(acked_at=now, told=worst)
    )
    if found.rowcount != 1:
        return False
    # The escalation before its pages, as whoever expands a page locks them.
    escalations.acknowledged(connection, incident_id, by=by, now=now, snoozed_until=until)
    suppress_pages(connection, incident_id, f"acknowledged by {by}", now=now)
    kind, fields = (LedgerKind.ACKED, {"by": by})
    if until is not None:
        kind, fields = LedgerKind.SNOOZED, {"by": by, "until": until.isoformat(timespec="seconds")}
    note(connection, kind, incident_id, fields, now=now)
    row = connection.execute(sa.select(incidents).where(incidents.c.id == incident_id)).one()
    outbox.queue_news(connection, as_incident(row), PageReason.ACKNOWLEDGED, sentence(kind, fields), by=by, now=now)
    return True


def acknowledgement_ends(connection: sa.Connection, incident_id: int) -> None:
    """Nobody has it any more."""
    connection.execute(incidents.update().where(incidents.c.id == incident_id).values(acked_at=None))


def suppress_pages(connection: sa.Connection, incident_id: int, why: str, *, now: datetime) -> None:
    """What is not delivered yet about an incident is not any more, but for news."""
    query = sa.select(pages.c.id).where(
        pages.c.incident_id == incident_id,
        pages.c.state.in_(["queued", "sending", "sent"]),
        pages.c.reason.not_in(NEWS),
        pages.c.key.not_in(_told_by(incident_id)),
    )
    for page in outbox.read_pages(connection, connection.scalars(query.order_by(pages.c.id)).all()):
        outbox.suppress(connection, page, why, now=now)


def _told_by(incident_id: int) -> sa.Select[tuple[str]]:
    """Keys of pages on which other incidents rely, which nobody took and no proof ended (`domain/told.py`)."""
    return sa.select(incidents.c.page_key).where(
        incidents.c.id != incident_id,
        sa.or_(incidents.c.state.in_(OPEN_STATES), incidents.c.resolution == Resolution.QUIET),
        incidents.c.acked_at.is_(None),
    )


def close_by_hand(engine: sa.Engine, incident_id: int, *, by: str, now: datetime) -> bool:
    """Close an incident because a human says so; False when it was closed already or is unknown."""
    with transaction(engine) as connection:
        return close_by_hand_in(connection, incident_id, by=by, now=now)


def close_by_hand_in(connection: sa.Connection, incident_id: int, *, by: str, now: datetime) -> bool:
    """As `close_by_hand`, within a transaction."""
    # Locked first, so that whoever takes a step of it waits or finds it closed.
    mine = (incidents.c.id == incident_id, incidents.c.state.in_(OPEN_STATES))
    if connection.scalar(sa.select(incidents.c.id).where(*mine).with_for_update()) is None:
        return False
    suppress_pages(connection, incident_id, f"resolved by {by}", now=now)
    return resolve(connection, incident_id, Resolution.HUMAN, now=now, by=by)


def healed_alone(connection: sa.Connection, incident: Incident, *, newest: int = 20) -> tuple[float, ...]:
    """How many seconds the newest faults of this kind lasted that went quiet with nobody's doing."""
    acted = sa.exists().where(actions.c.incident_id == incidents.c.id, actions.c.state != ActionState.DROPPED)
    query = (
        sa.select(incidents.c.opened_at, incidents.c.last_at, incidents.c.came_back_at)
        .where(
            incidents.c.id != incident.id,
            incidents.c.service == incident.service,
            incidents.c.kind == incident.kind,
            incidents.c.template == incident.template,
            incidents.c.resolution == Resolution.QUIET,
            incidents.c.state == State.RESOLVED,
            incidents.c.acked_at.is_(None),
            ~acted,
        )
        .order_by(incidents.c.id.desc())
        .limit(newest)
    )
    return tuple(
        (row.last_at - (row.came_back_at or row.opened_at)).total_seconds() for row in connection.execute(query)
    )


def close_quiet(engine: sa.Engine, *, quiet: timedelta, now: datetime) -> list[int]:
    """Close incidents without an anomalous log for so long, by the wall clock; their ids.

    Only what nobody works on: not one with a step that is due, and not one whose action was not judged,
    because silence is not success.
    """
    undecided = sa.select(actions.c.incident_id).where(
        actions.c.outcome.is_(None), actions.c.state.in_([ActionState.STARTED, ActionState.DONE])
    )
    query = (
        sa.select(incidents.c.id, incidents.c.kind, incidents.c.template)
        .where(
            incidents.c.state.in_([State.OPEN, State.REOPENED, State.ESCALATED]),
            incidents.c.kind != Kind.ALERT,  # its source says when it is over
            incidents.c.last_at < now - quiet,
            incidents.c.stored_at < now - quiet,
            incidents.c.id.not_in(sa.select(steps.c.incident_id)),
            incidents.c.id.not_in(undecided),
        )
        .order_by(incidents.c.id)
        .with_for_update(skip_locked=True)
    )
    with transaction(engine) as connection:
        # The next test of the whole way ends what the last one found; quiet before that says nothing.
        ids = [row.id for row in connection.execute(query) if (row.kind, row.template) != (Kind.OWN, MISSED)]
        return [
            number
            for number in ids
            if resolve(connection, number, Resolution.QUIET, now=now, quiet_seconds=quiet.total_seconds())
        ]
