"""Pages as rows before they are mails: queued, claimed under a lease, sent, recorded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.incident_queue import note
from adapters.store.incident_rows import as_incident
from adapters.store.tables import incidents, pages
from domain.correlation import LedgerKind
from domain.incidents import Incident
from domain.pages import PageReason, Receipt

AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class QueuedPage:
    """A page that was claimed for sending."""

    id: int
    token: str
    channel: str
    key: str
    reason: PageReason
    late: bool
    attempts: int  # tries before this one
    created_at: datetime
    lines: tuple[str, ...]  # what was found out since the incident opened
    incident: Incident


def queue(  # noqa: PLR0913 - what a page is made of
    connection: sa.Connection,
    incident: Incident,
    reason: PageReason,
    *,
    key: str,
    channels: Iterable[str],
    lines: Iterable[str],
    now: datetime,
    late: bool = False,
) -> bool:
    """Queue a page, once for each channel; False when the same page was queued before."""
    known = connection.scalar(sa.select(sa.func.count()).select_from(pages).where(pages.c.key == key))
    if known:
        return False
    for channel in channels:
        connection.execute(
            pages.insert().values(
                key=key,
                incident_id=incident.id,
                channel=channel,
                reason=reason,
                late=late,
                lines=list(lines),
                state="queued",
                attempts=0,
                created_at=now,
                due_at=now,
            )
        )
    connection.execute(
        incidents.update().where(incidents.c.id == incident.id, incidents.c.page_key == "").values(page_key=key)
    )
    note(connection, LedgerKind.PAGE_QUEUED, incident.id, {"reason": reason, "key": key, "late": late}, now=now)
    return True


def claim_pages(
    engine: sa.Engine,
    *,
    token: str,
    lease: timedelta,
    now: datetime,
    due_before: datetime,
    incident_id: int | None = None,
) -> list[QueuedPage]:
    """Claim pages due before a moment, the oldest first; those whose sender died too."""
    free = sa.or_(pages.c.lease_until.is_(None), pages.c.lease_until < now)
    wanted = [pages.c.state == "queued", pages.c.due_at <= due_before, free]
    if incident_id is not None:
        wanted.append(pages.c.incident_id == incident_id)
    query = sa.select(pages).where(*wanted).order_by(pages.c.id).limit(AT_ONCE).with_for_update(skip_locked=True)
    with transaction(engine) as connection:
        rows = connection.execute(query).all()
        for row in rows:
            connection.execute(
                pages.update()
                .where(pages.c.id == row.id)
                .values(lease_token=f"{token}:{row.id}", lease_until=now + lease)
            )
        about = _incidents(connection, {row.incident_id for row in rows})
    return [_queued(row, f"{token}:{row.id}", about[row.incident_id]) for row in rows]


def _incidents(connection: sa.Connection, ids: Iterable[int]) -> dict[int, Incident]:
    rows = connection.execute(sa.select(incidents).where(incidents.c.id.in_(sorted(ids))))
    return {row.id: as_incident(row) for row in rows}


def _queued(row: sa.Row[Any], token: str, incident: Incident) -> QueuedPage:
    return QueuedPage(
        row.id,
        token,
        row.channel,
        row.key,
        PageReason(row.reason),
        row.late,
        row.attempts,
        row.created_at,
        tuple(row.lines),
        incident,
    )


def hold(engine: sa.Engine, page: QueuedPage, *, until: datetime) -> bool:
    """Renew the lease just before the effect; False when somebody else claimed the page meanwhile."""
    with transaction(engine) as connection:
        held = connection.execute(
            pages.update()
            .where(pages.c.id == page.id, pages.c.lease_token == page.token, pages.c.state == "queued")
            .values(lease_until=until)
        )
        return held.rowcount == 1


def _settle(
    engine: sa.Engine, page: QueuedPage, values: dict[str, Any], kind: LedgerKind | None, *, now: datetime
) -> bool:
    """Record an outcome if the lease is still ours; False when somebody took the page over."""
    with transaction(engine) as connection:
        done = connection.execute(
            pages.update()
            .where(pages.c.id == page.id, pages.c.lease_token == page.token, pages.c.state == "queued")
            .values(lease_token=None, lease_until=None, attempts=page.attempts + 1, **values)
        )
        if done.rowcount == 1 and kind is not None:
            fields = {"key": page.key, "channel": page.channel, "attempt": page.attempts + 1}
            fields |= {name: str(value) for name, value in values.items() if name == "error" and value}
            note(connection, kind, page.incident.id, fields, now=now)
        return done.rowcount == 1


def mark_sent(engine: sa.Engine, page: QueuedPage, receipt: Receipt, *, now: datetime) -> bool:
    """The receiver accepted it."""
    kept = asdict(receipt) | {"accepted_at": receipt.accepted_at.isoformat()}
    values = {"state": "sent", "sent_at": now, "receipt": kept, "error": None}
    return _settle(engine, page, values, LedgerKind.PAGE_SENT, now=now)


def mark_retry(engine: sa.Engine, page: QueuedPage, error: str, *, due_at: datetime, now: datetime) -> bool:
    """It was not accepted, or nobody knows; it goes again under the same key."""
    return _settle(engine, page, {"due_at": due_at, "error": error}, None, now=now)


def mark_failed(engine: sa.Engine, page: QueuedPage, error: str, *, now: datetime) -> bool:
    """The receiver refused it for good."""
    return _settle(engine, page, {"state": "failed", "error": error}, LedgerKind.PAGE_FAILED, now=now)


def mark_suppressed(engine: sa.Engine, page: QueuedPage, why: str, *, now: datetime) -> bool:
    """It is not wanted any more: acknowledged, closed or paging switched off."""
    return _settle(engine, page, {"state": "suppressed", "error": why}, LedgerKind.PAGE_SUPPRESSED, now=now)
