"""Who is told next about an incident, and when: one row for each incident that somebody was paged for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.incident_rows import OPEN_STATES
from adapters.store.ledger_rows import note
from adapters.store.step_queue import LONGEST
from adapters.store.tables.found import incidents
from adapters.store.tables.paging import deliveries, escalations, pages
from domain.escalation import Progress, as_policy, document
from domain.incidents import Kind
from domain.ledger import LedgerKind
from domain.pages import NEWS


class Phase(StrEnum):
    """How far telling people of an incident has come."""

    RUNNING = "running"  # the next step comes when nobody acknowledges
    ACKNOWLEDGED = "acknowledged"  # somebody has it, for a time
    REMINDED = "reminded"  # whoever has it was asked whether that still holds
    SNOOZED = "snoozed"  # nobody is told until a time
    EXHAUSTED = "exhausted"  # everybody was told and nobody acknowledged
    OVER = "over"


TOO_FAR = "its next step lay further ahead than its policy ever waits"
# Somebody is told by itself after one of these.
TIMED = (Phase.RUNNING, Phase.ACKNOWLEDGED, Phase.REMINDED, Phase.SNOOZED, Phase.EXHAUSTED)


@dataclass(frozen=True, slots=True)
class Escalation:
    """One row."""

    incident_id: int
    episode: int
    page_id: int
    progress: Progress
    roster: str  # digest of the file as it was
    phase: Phase
    started_at: datetime
    due_at: datetime | None
    by: str = ""
    why: str = ""
    token: str = ""


def _escalation(row: sa.Row[Any]) -> Escalation:
    progress = Progress(as_policy(row.policy), row.step, row.round, row.fired)
    fixed = (row.incident_id, row.episode, row.page_id, progress, row.roster)
    return Escalation(*fixed, Phase(row.state), row.started_at, row.due_at, row.by, row.why, row.lease_token or "")


def read(connection: sa.Connection, incident_id: int, *, lock: bool = False) -> Escalation | None:
    """That of an incident."""
    query = sa.select(escalations).where(escalations.c.incident_id == incident_id)
    row = connection.execute(query.with_for_update() if lock else query).first()
    return _escalation(row) if row else None


def _values(one: Escalation) -> dict[str, Any]:
    return {
        "episode": one.episode,
        "page_id": one.page_id,
        "roster": one.roster,
        "policy": document(one.progress.policy),
        "step": one.progress.step,
        "round": one.progress.round,
        "fired": one.progress.fired,
        "state": one.phase,
        "why": one.why,
        "by": one.by,
        "started_at": one.started_at,
        "due_at": one.due_at,
        "lease_token": None,
        "lease_until": None,
    }


def save(connection: sa.Connection, one: Escalation) -> None:
    """Write it, whatever was there before; its lease ends."""
    values = _values(one)
    mine = escalations.c.incident_id == one.incident_id
    changed = connection.execute(escalations.update().where(mine).values(**values))
    if not changed.rowcount:
        connection.execute(escalations.insert().values(incident_id=one.incident_id, **values))


def claim(engine: sa.Engine, *, token: str, lease: timedelta, limit: int, now: datetime) -> list[Escalation]:
    """Claim those that are due, the worst incidents first."""
    ahead, lease_until = now + LONGEST, escalations.c.lease_until
    free = sa.or_(lease_until.is_(None), lease_until < now, lease_until > ahead)
    query = (
        sa.select(escalations)
        .join(incidents, incidents.c.id == escalations.c.incident_id)
        .where(escalations.c.due_at <= now, free)
        .order_by(incidents.c.severity.desc(), escalations.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=escalations)
    )
    with transaction(engine) as connection:
        rows = connection.execute(query).all()
        mine = escalations.c.incident_id.in_([row.incident_id for row in rows])
        connection.execute(escalations.update().where(mine).values(lease_token=token, lease_until=now + lease))
    return [replace(_escalation(row), token=token) for row in rows]


def still_ours(connection: sa.Connection, one: Escalation) -> bool:
    """Whether nobody changed it since it was claimed; locks it."""
    mine = (escalations.c.incident_id == one.incident_id, escalations.c.lease_token == one.token)
    return connection.scalar(sa.select(escalations.c.incident_id).where(*mine).with_for_update()) is not None


def put_off(engine: sa.Engine, one: Escalation, *, due_at: datetime, why: str) -> bool:
    """Something holds it back for a while."""
    with transaction(engine) as connection:
        if not still_ours(connection, one):
            return False
        save(connection, replace(one, due_at=due_at, why=why))
        return True


def end(engine: sa.Engine, one: Escalation, why: str, *, now: datetime) -> bool:
    """Nobody else is told."""
    with transaction(engine) as connection:
        if not still_ours(connection, one):
            return False
        save(connection, replace(one, phase=Phase.OVER, due_at=None, why=why))
        note(connection, LedgerKind.ESCALATION_OVER, one.incident_id, {"why": why}, now=now)
        return True


def acknowledged(
    connection: sa.Connection, incident_id: int, *, by: str, now: datetime, snoozed_until: datetime | None = None
) -> None:
    """Somebody has it: nobody else is told, until that expires or is over."""
    one = read(connection, incident_id, lock=True)
    if one is None:
        return
    if snoozed_until is not None:
        save(connection, replace(one, phase=Phase.SNOOZED, due_at=snoozed_until, by=by, why=f"snoozed by {by}"))
        return
    lasts = one.progress.policy.ack_lasts
    values = {"phase": Phase.ACKNOWLEDGED, "due_at": now + lasts, "by": by, "why": f"acknowledged by {by}"}
    save(connection, replace(one, **values))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Unattended:
    """An open incident that somebody was or is to be told of, and for which nothing more would happen."""

    incident_id: int
    page_id: int
    severity: int
    why: str  # what is missing, in words
    due_at: datetime | None = None  # of its row, where it has one


def unattended(engine: sa.Engine, *, overdue_since: datetime) -> list[Unattended]:
    """Open incidents with a page that nobody acknowledged, and no next step that is not overdue.

    `overdue_since`: what was due before this moment should have been done.
    """
    newest = sa.select(sa.func.max(pages.c.id)).where(
        pages.c.key == incidents.c.page_key, pages.c.reason.not_in(NEWS), pages.c.state != "suppressed"
    )
    query = (
        sa.select(incidents.c.id, incidents.c.severity, newest.scalar_subquery().label("page_id"), escalations.c.due_at)
        .join(escalations, escalations.c.incident_id == incidents.c.id, isouter=True)
        .where(incidents.c.state.in_(OPEN_STATES), incidents.c.page_key != "", incidents.c.acked_at.is_(None))
        .where(incidents.c.kind != Kind.CANARY)
        .where(~_next_is_coming(overdue_since))
        .order_by(incidents.c.severity.desc(), incidents.c.id)
    )
    with transaction(engine) as connection:
        found = [row for row in connection.execute(query) if row.page_id is not None]
    return [Unattended(row.id, row.page_id, row.severity, _missing(row.due_at), row.due_at) for row in found]


def too_far(engine: sa.Engine, *, now: datetime) -> list[Unattended]:
    """Those whose next step lies further ahead than their policy ever waits: a clock that was ahead said so."""
    running = (escalations.c.state == Phase.RUNNING, escalations.c.due_at > now + LONGEST)
    query = (
        sa.select(escalations, incidents.c.severity)
        .join(incidents, incidents.c.id == escalations.c.incident_id)
        .where(*running, incidents.c.state.in_(OPEN_STATES))
        .order_by(incidents.c.severity.desc(), incidents.c.id)
    )
    with transaction(engine) as connection:
        rows = connection.execute(query).all()
    far = [row for row in rows if row.due_at - now > max(step.wait for step in as_policy(row.policy).steps)]
    return [Unattended(row.incident_id, row.page_id, row.severity, TOO_FAR, row.due_at) for row in far]


def untaken(engine: sa.Engine, *, due_before: datetime) -> bool:
    """Whether something was due so long ago, and nobody took it: a page, or a next step."""
    page = sa.select(pages.c.id).where(pages.c.state == "queued", _nobody_took(pages, due_before))
    step = sa.select(escalations.c.incident_id).where(_nobody_took(escalations, due_before))
    with transaction(engine) as connection:
        return any(connection.execute(query.limit(1)).first() is not None for query in (page, step))


def _nobody_took(table: sa.Table, due_before: datetime) -> sa.ColumnElement[bool]:
    lease_until = table.c.lease_until
    return sa.and_(table.c.due_at < due_before, sa.or_(lease_until.is_(None), lease_until < due_before))


def _missing(due_at: datetime | None) -> str:
    return f"its next step was due at {due_at:%H:%M:%S} UTC" if due_at else "it has no next step"


def _next_is_coming(since: datetime) -> sa.ColumnElement[bool]:
    """A page that waits to be expanded, a delivery on its way, a timer, or an end that has a reason."""
    of_it = sa.or_(pages.c.incident_id == incidents.c.id, pages.c.key == incidents.c.page_key)
    waits = sa.exists().where(of_it, pages.c.state == "queued", pages.c.due_at >= since)
    sending = sa.exists().where(
        of_it,
        pages.c.state == "sending",
        deliveries.c.page_id == pages.c.id,
        deliveries.c.state == "queued",
        sa.or_(deliveries.c.due_at >= since, deliveries.c.lease_until >= since),
    )
    # Incidents that share a page share its timer.
    shared = sa.select(pages.c.incident_id).where(pages.c.key == incidents.c.page_key)
    own = shared.correlate(incidents).scalar_subquery()
    whose = escalations.alias("whose")
    timer = sa.exists().where(
        whose.c.incident_id.in_([incidents.c.id, own]),
        sa.or_(
            sa.and_(whose.c.state.in_(TIMED), sa.or_(whose.c.due_at >= since, whose.c.lease_until >= since)),
            sa.and_(whose.c.state == Phase.EXHAUSTED, whose.c.due_at.is_(None)),
            sa.and_(whose.c.state == Phase.OVER, whose.c.incident_id != incidents.c.id),
        ),
    )
    return sa.or_(waits, sending, timer)
