"""What the daily digest tells of: pages that were not sent, and incidents that were over without one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.store.outbox import NO_INCIDENT
from adapters.store.tables.chained import ledger
from adapters.store.tables.found import incidents
from adapters.store.tables.paging import pages
from domain.digest import NotPaged, why_noted, why_over
from domain.incidents import Kind, Resolution, State
from domain.ledger import LedgerKind
from domain.pages import NEWS, PageReason

NOTED = (LedgerKind.PAGE_SUPPRESSED, LedgerKind.PAGE_JOINED, LedgerKind.PAGE_MUTED)
MOST = 20_000
ABOUT = (incidents.c.service, incidents.c.playbook, incidents.c.template)


def is_queued(connection: sa.Connection, key: str) -> bool:
    """Whether this digest was made before, whatever became of it."""
    return connection.scalar(sa.select(pages.c.id).where(pages.c.key == key)) is not None


def not_paged(connection: sa.Connection, *, since: datetime, until: datetime) -> list[NotPaged]:
    """What nobody was paged for in that time, each once for each reason."""
    noted = _noted(connection, since, until)
    known = {one.incident for one in noted}
    over = _over(connection, since, until)
    return [*dict.fromkeys(noted), *(one for one in over if one.incident not in known)]


def _noted(connection: sa.Connection, since: datetime, until: datetime) -> list[NotPaged]:
    """What the ledger says of pages that were not sent; what was only held back for a while was sent."""
    within = (ledger.c.at >= since, ledger.c.at < until, ledger.c.kind.in_(NOTED), ledger.c.incident_id != NO_INCIDENT)
    query = sa.select(ledger.c.kind, ledger.c.incident_id, ledger.c.fields, *ABOUT)
    of_it = query.join(incidents, incidents.c.id == ledger.c.incident_id).where(*within)
    rows = connection.execute(of_it.order_by(ledger.c.id).limit(MOST)).all()
    told = _left_out(connection, {row.incident_id for row in rows})
    return [
        NotPaged(row.incident_id, row.service, _what(row), why_noted(LedgerKind(row.kind), row.fields))
        for row in rows
        if (row.fields.get("key", ""), row.kind) not in told
    ]


def _left_out(connection: sa.Connection, numbers: Iterable[int]) -> set[tuple[str, str]]:
    """Keys of pages, each with the kind of entry that says nothing of it: news, and what was sent in the end."""
    query = sa.select(pages.c.key, pages.c.reason, pages.c.state).where(pages.c.incident_id.in_(list(numbers)))
    found = connection.execute(query).all()
    news = {(row.key, kind) for row in found if PageReason(row.reason) in NEWS for kind in NOTED}
    return news | {(row.key, LedgerKind.PAGE_MUTED) for row in found if row.state != "queued"}


def _over(connection: sa.Connection, since: datetime, until: datetime) -> list[NotPaged]:
    query = sa.select(
        incidents.c.id, *ABOUT, incidents.c.resolution, incidents.c.confirmed_at, incidents.c.late_noted
    ).where(
        incidents.c.state == State.RESOLVED,
        incidents.c.resolved_at >= since,
        incidents.c.resolved_at < until,
        incidents.c.page_key == "",
        incidents.c.kind != Kind.OWN,
        incidents.c.resolution.is_not(None),
    )
    rows = connection.execute(query.order_by(incidents.c.id).limit(MOST)).all()
    return [NotPaged(row.id, row.service, _what(row), _why(row)) for row in rows]


def _what(row: sa.Row[Any]) -> str:
    return str(row.playbook or row.template)


def _why(row: sa.Row[Any]) -> str:
    return why_over(Resolution(row.resolution), confirmed=row.confirmed_at is not None, late=row.late_noted)
