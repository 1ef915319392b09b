"""How things stand when a page is about to go out: what it tells of, what else is open, what still waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.incident_rows import OPEN_STATES
from adapters.store.outbox import QueuedPage
from adapters.store.tables import incidents, pages
from domain.incidents import Resolution, Severity, State
from domain.pages import PageReason
from domain.told import Told

MOST_TOLD = 5_000
MOST_OPEN = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a claimed page right now."""

    told: tuple[Told, ...]  # every incident that it tells of, its own first
    sent_before: bool  # a page about them has reached somebody
    waits_before: bool  # another page about them waits to be sent


NAMES = ("id", "service", "template", "playbook", "state", "resolution", "acked_at", "opened_at", "last_at")
COLUMNS = [incidents.c[name] for name in NAMES]


def standing(engine: sa.Engine, page: QueuedPage) -> Standing:
    """What a claimed page tells of now, and what became of the pages before it."""
    shared = page.thread if page.reason is PageReason.RESOLVED else page.key
    of_it = sa.or_(incidents.c.id == page.incident.id, incidents.c.page_key == shared)
    own_first = sa.case((incidents.c.id == page.incident.id, 0), else_=1)
    query = sa.select(*COLUMNS).where(of_it).order_by(own_first, incidents.c.id).limit(MOST_TOLD)
    about = sa.or_(pages.c.incident_id == page.incident.id, pages.c.key == page.thread)
    others = sa.select(pages.c.state).where(about, pages.c.key != page.key).distinct()
    with transaction(engine) as connection:
        told = tuple(_told(row) for row in connection.execute(query))
        states = set(connection.scalars(others))
    return Standing(told, "sent" in states, "queued" in states)


def open_lately(engine: sa.Engine, *, since: datetime) -> list[Told]:
    """Open incidents with a log since then, the first to open first."""
    query = (
        sa.select(*COLUMNS)
        .where(incidents.c.state.in_(OPEN_STATES), incidents.c.last_at >= since)
        .order_by(incidents.c.opened_at)
        .limit(MOST_OPEN)
    )
    with transaction(engine) as connection:
        return [_told(row) for row in connection.execute(query)]


def _told(row: sa.Row[Any]) -> Told:
    resolution = Resolution(row.resolution) if row.resolution else None
    what = row.playbook or row.template or "storm of incidents"
    acked = row.acked_at is not None
    return Told(row.id, row.service, what, State(row.state), resolution, acked, row.opened_at, row.last_at)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Pages that nobody accepted yet."""

    pages: int
    critical: int  # of these
    oldest: datetime | None  # when it was made

    def __str__(self) -> str:
        if self.oldest is None:
            return "no page waits"
        critical = f", {self.critical} of them critical" if self.critical else ""
        waiting = "1 page waits" if self.pages == 1 else f"{self.pages:,} pages wait"
        return f"{waiting}{critical}, the oldest since {self.oldest:%Y-%m-%d %H:%M:%S} UTC"


def undelivered(engine: sa.Engine, *, made_before: datetime) -> Waiting:
    """The pages that still wait, of those made before a moment; they are tried for ever."""
    query = sa.select(
        sa.func.count(),
        sa.func.count().filter(pages.c.severity >= int(Severity.CRITICAL)),
        sa.func.min(pages.c.created_at),
    ).where(pages.c.state == "queued", pages.c.created_at < made_before)
    with transaction(engine) as connection:
        count, critical, oldest = connection.execute(query).one()
    return Waiting(count, critical, oldest)
