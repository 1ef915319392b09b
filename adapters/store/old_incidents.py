"""Incidents that have been closed for long go, with everything that belongs to them; open ones never do."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.tables.acting import actions
from adapters.store.tables.analysed import analyses, llm_calls
from adapters.store.tables.decided import approvals, questions, steps, steps_taken
from adapters.store.tables.found import alerts, incidents, outside_alerts, resolution_notes
from adapters.store.tables.paging import deliveries, escalations, pages, responses

AT_ONCE = 500
CLOSED = ("resolved", "merged")
UNDER_WAY = ("queued", "sending")
OF_INCIDENTS = (
    *(alerts, steps_taken, approvals, actions, pages, deliveries, escalations, responses, outside_alerts),
    *(analyses, llm_calls, resolution_notes, questions),
)


def _old(before: datetime) -> list[sa.ColumnElement[bool]]:
    """Closed before a moment, and nothing of them waits."""
    ended = sa.func.coalesce(incidents.c.resolved_at, incidents.c.last_at, type_=incidents.c.last_at.type)
    waiting = [
        sa.exists().where(steps.c.incident_id == incidents.c.id),
        sa.exists().where(pages.c.incident_id == incidents.c.id, pages.c.state.in_(UNDER_WAY)),
        sa.exists().where(deliveries.c.incident_id == incidents.c.id, deliveries.c.state.in_(UNDER_WAY)),
    ]
    return [incidents.c.state.in_(CLOSED), ended < before, *(~one for one in waiting)]


def count_incidents(engine: sa.Engine, before: datetime) -> int:
    """How many `drop_incidents` would drop."""
    with transaction(engine) as connection:
        return int(connection.scalar(sa.select(sa.func.count()).select_from(incidents).where(*_old(before))) or 0)


def drop_incidents(engine: sa.Engine, before: datetime) -> int:
    """Drop what was closed before a moment, a few hundred in each transaction; how many."""
    dropped = 0
    while step := _drop_some(engine, before):
        dropped += step
    _drop_pages_about_none(engine, before)
    return dropped


def _drop_some(engine: sa.Engine, before: datetime) -> int:
    some = sa.select(incidents.c.id).where(*_old(before)).order_by(incidents.c.id).limit(AT_ONCE)
    with transaction(engine) as connection:
        # One that is reopened at this moment is locked by whoever does it, and stays.
        ids = list(connection.scalars(some.with_for_update(skip_locked=True)))
        if ids:
            for table in OF_INCIDENTS:
                connection.execute(table.delete().where(table.c.incident_id.in_(ids)))
            connection.execute(incidents.delete().where(incidents.c.id.in_(ids)))
    return len(ids)


def _drop_pages_about_none(engine: sa.Engine, before: datetime) -> None:
    old = (pages.c.incident_id == 0, pages.c.created_at < before, pages.c.state.not_in(UNDER_WAY))
    with transaction(engine) as connection:
        ids = sa.select(pages.c.id).where(*old)
        connection.execute(deliveries.delete().where(deliveries.c.page_id.in_(ids)))
        connection.execute(pages.delete().where(*old))
