"""How things stand when a page is about to go out: what it tells of, what else is open, what still waits."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.store import outbox
from adapters.store.database import transaction
from adapters.store.incident_rows import OPEN_STATES
from adapters.store.many_rows import among
from adapters.store.outbox import QueuedPage
from adapters.store.tables.found import alerts, incidents
from adapters.store.tables.paging import pages
from domain.cascade import Part
from domain.holding import Trouble
from domain.incidents import Incident, Kind, Resolution, Route, Severity, State
from domain.pages import NEWS, PageReason
from domain.told import Told

MOST_TOLD = 5_000
MOST_OPEN = 500
# What is held back is looked at every few seconds; what nobody has looked at for so long is not held back by a rule.
LOOK_OVERDUE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a claimed page right now."""

    told: tuple[Told, ...]  # every incident that it tells of, its own first
    sent_before: bool  # a page about them has reached somebody
    waits_before: bool  # another page about them waits to be sent
    parts: tuple[Part, ...] = ()  # what its own incident is made of, the first to open first
    joined_at: datetime | None = None  # when the last of these joined, by the wall clock
    held_by: tuple[str, ...] = ()  # what held this page back so far, in words


NAMES = (
    *("id", "service", "kind", "severity", "playbook", "template", "metric", "state", "resolution", "acked_at"),
    *("opened_at", "last_at", "resolved_at"),
)
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
        found = connection.execute(query).all()
        services = _services(connection, [row.id for row in found])
        parts = connection.execute(_parts_of(page.incident)).all()
        states = set(connection.scalars(others))
        held_by = tuple(outbox.held_by(connection, page))
    return Standing(
        tuple(_told(row, services) for row in found),
        "sent" in states,
        bool(states & {"queued", "sending"}),
        tuple(_part(row, page.incident) for row in parts),
        max((row.joined_at for row in parts), default=None),
        held_by,
    )


def _services(connection: sa.Connection, ids: list[int]) -> Mapping[int, list[str]]:
    """The services of each incident, in order of their first log."""
    of_it = sa.and_(alerts.c.incident_id == incidents.c.id, alerts.c.episode == incidents.c.episode)
    query = (
        sa.select(alerts.c.incident_id, alerts.c.service)
        .join(incidents, of_it)
        .where(among(connection, alerts.c.incident_id, ids))
        .group_by(alerts.c.incident_id, alerts.c.service)
        .order_by(sa.func.min(alerts.c.opened_at), alerts.c.service)
    )
    found: dict[int, list[str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.incident_id, []).append(row.service)
    return found


def _parts_of(incident: Incident) -> sa.Select[Any]:
    of_it = (alerts.c.incident_id == incident.id, alerts.c.episode == incident.episode)
    names = ("service", "kind", "template", "playbook", "relation", "related_to", "opened_at", "joined_at")
    return sa.select(*(alerts.c[name] for name in names)).where(*of_it).order_by(alerts.c.opened_at, alerts.c.id)


def _part(row: sa.Row[Any], incident: Incident) -> Part:
    origin = (row.service, Kind(row.kind), row.template) == incident.key
    what = row.playbook or row.template or "storm of incidents"
    return Part(row.service, what, row.relation, row.related_to, row.opened_at, origin)


def open_lately(engine: sa.Engine, *, since: datetime) -> list[Told]:
    """Open incidents with a log since then, the first to open first."""
    query = (
        sa.select(*COLUMNS)
        .where(incidents.c.state.in_(OPEN_STATES), incidents.c.last_at >= since)
        .order_by(incidents.c.opened_at)
        .limit(MOST_OPEN)
    )
    with transaction(engine) as connection:
        return [_told(row, {}) for row in connection.execute(query)]


def open_troubles(engine: sa.Engine, services: Collection[str]) -> list[Trouble]:
    """The open, confirmed incidents whose likely origin is one of these services."""
    waits = pages.c.state.in_(["queued", "sending"])
    on_its_way = sa.or_(pages.c.state == "sent", sa.and_(waits, pages.c.muted_by == ""))
    told = sa.exists().where(pages.c.key == incidents.c.page_key, pages.c.reason.not_in(NEWS), on_its_way)
    with transaction(engine) as connection:
        query = sa.select(*COLUMNS, incidents.c.route, told.label("told")).where(
            among(connection, incidents.c.service, services),
            incidents.c.state.in_(OPEN_STATES),
            incidents.c.confirmed_at.is_not(None),
        )
        found = connection.execute(query.order_by(incidents.c.id).limit(MOST_OPEN)).all()
        touched = _services(connection, [row.id for row in found])
    return [_trouble(row, touched) for row in found]


def _trouble(row: sa.Row[Any], touched: Mapping[int, list[str]]) -> Trouble:
    told = _told(row, touched)
    return trouble_of(told, Route(row.route), told.services, is_told=row.told)


def trouble_of(told: Told, route: Route, services: tuple[str, ...], *, is_told: bool) -> Trouble:
    """An incident as a possible cause or effect of others."""
    return Trouble(told.id, services, told.what, told.kind, route, told.severity, told.state, told.opened_at, is_told)


def _told(row: sa.Row[Any], services: Mapping[int, list[str]]) -> Told:
    return Told(
        id=row.id,
        service=row.service,
        kind=Kind(row.kind),
        severity=Severity(row.severity),
        playbook=row.playbook,
        template=row.template,
        metric=row.metric,
        state=State(row.state),
        resolution=Resolution(row.resolution) if row.resolution else None,
        acked=row.acked_at is not None,
        opened_at=row.opened_at,
        last_at=row.last_at,
        resolved_at=row.resolved_at,
        others=tuple(name for name in services.get(row.id, ()) if name != row.service),
    )


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


def undelivered(engine: sa.Engine, *, made_before: datetime, now: datetime) -> Waiting:
    """The pages that still wait for a receiver, of those made before a moment; they are tried for ever.

    One that a rule holds back does not wait, as long as somebody looks whether it still does.
    """
    held = sa.and_(pages.c.muted_by != "", pages.c.due_at > now - LOOK_OVERDUE)
    query = sa.select(
        sa.func.count(),
        sa.func.count().filter(pages.c.severity >= int(Severity.CRITICAL)),
        sa.func.min(pages.c.created_at),
    ).where(pages.c.state.in_(["queued", "sending"]), pages.c.created_at < made_before, ~held)
    with transaction(engine) as connection:
        count, critical, oldest = connection.execute(query).one()
    return Waiting(count, critical, oldest)
