"""Pages as rows before they are mails: queued, claimed under a lease, sent, recorded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.incident_rows import OPEN_STATES, as_incident
from adapters.store.ledger_rows import note
from adapters.store.step_queue import LONGEST
from adapters.store.tables import incidents, ledger, pages
from domain.incidents import Incident
from domain.ledger import LedgerKind
from domain.pages import PageReason, Receipt
from domain.told import answered_by_now

AT_ONCE = 20
AGAIN_AFTER = timedelta(minutes=1)
# What a row for one receiver has in common with the row for all of them.
COPIED = ("key", "incident_id", "reason", "severity", "late", "lines", "created_at")


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
    to: str = ""  # the one receiver that refused it before; empty: everybody
    muted_by: str = ""  # what held it back when somebody looked last, in words

    @property
    def thread(self) -> str:
        """Key of the first page about the incident."""
        return self.incident.page_key or self.key


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
    """Queue a page, once for each channel; False when the same page was queued before, and not found needless."""
    known = set(connection.scalars(sa.select(pages.c.state).where(pages.c.key == key)))
    if known - {"suppressed"}:
        return False
    said = list(lines)
    if known:  # found needless, so nobody has it: it goes out after all
        again = {"state": "queued", "lines": said, "error": None, "attempts": 0, "due_at": now}
        connection.execute(pages.update().where(pages.c.key == key).values(**again))
    for channel in () if known else channels:
        connection.execute(
            pages.insert().values(
                key=key,
                incident_id=incident.id,
                channel=channel,
                reason=reason,
                severity=int(incident.severity),
                late=late,
                lines=said,
                state="queued",
                attempts=0,
                muted_by="",
                created_at=now,
                due_at=now,
            )
        )
    mine = incidents.update().where(incidents.c.id == incident.id)
    connection.execute(mine.where(incidents.c.page_key == "").values(page_key=key))
    connection.execute(mine.where(incidents.c.told < int(incident.severity)).values(told=int(incident.severity)))
    note(connection, LedgerKind.PAGE_QUEUED, incident.id, {"reason": reason, "key": key, "late": late}, now=now)
    return True


def tells(connection: sa.Connection, key: str, incident: Incident) -> bool:
    """Whether the pages under the key tell somebody of the incident, or will once they go out.

    One that waits does not where it will be found needless, because a playbook fits by now.
    """
    rows = connection.execute(sa.select(pages.c.state, pages.c.reason).where(pages.c.key == key)).all()
    needless = (row.state == "queued" and answered_by_now(PageReason(row.reason), incident) for row in rows)
    return not rows or any(row.state != "suppressed" and not void for row, void in zip(rows, needless, strict=True))


def queue_resolved(connection: sa.Connection, incident: Incident, lines: Iterable[str], now: datetime) -> bool:
    """Queue the news that what a page told of is over; False when nobody needs it.

    Nobody was told, or is being told right now; a page that still waits says itself that it is over; or the
    page also told of other incidents, which are open: the last one to close says it for all of them.
    """
    kept = connection.execute(
        sa.select(incidents.c.page_key, incidents.c.episode).where(incidents.c.id == incident.id)
    ).first()
    thread, episode = (kept.page_key, kept.episode) if kept else ("", 1)
    if not thread:  # nobody was told in this episode, whatever an earlier one was paged for
        return False
    about = sa.or_(pages.c.incident_id == incident.id, pages.c.key == thread)
    # The lock puts those in order that close the last two incidents of a page at once.
    query = sa.select(pages).where(about, pages.c.reason != PageReason.RESOLVED).order_by(pages.c.id)
    told = [row for row in connection.execute(query.with_for_update()) if _reaches_somebody(row, now)]
    if not told or _others_open(connection, incident.id, thread):
        return False
    key = f"{thread} resolved {episode}"
    channels = dict.fromkeys(row.channel.partition(" ")[0] for row in told)
    return queue(connection, incident, PageReason.RESOLVED, key=key, channels=channels, lines=lines, now=now)


def _reaches_somebody(row: sa.Row[Any], now: datetime) -> bool:
    """Whether a page was sent, or is on its way in this moment."""
    return row.state == "sent" or (row.state == "queued" and row.lease_until is not None and row.lease_until > now)


def _others_open(connection: sa.Connection, incident_id: int, thread: str) -> bool:
    query = sa.select(sa.func.count()).where(
        incidents.c.id != incident_id, incidents.c.page_key == thread, incidents.c.state.in_(OPEN_STATES)
    )
    return bool(connection.scalar(query))


def claim_pages(
    engine: sa.Engine,
    *,
    token: str,
    lease: timedelta,
    now: datetime,
    due_before: datetime,
    incident_id: int | None = None,
) -> list[QueuedPage]:
    """Claim pages due before a moment, the oldest first; those whose sender died too.

    What was put off is due by the clock alone, and what is held back comes after what may go out.
    """
    # What lies further ahead than any pause or lease was written by a clock that was ahead.
    ahead, lease_until = now + LONGEST, pages.c.lease_until
    free = sa.or_(lease_until.is_(None), lease_until < now, lease_until > ahead)
    put_off = sa.and_(pages.c.due_at != pages.c.created_at, pages.c.due_at <= now)
    due = sa.or_(pages.c.due_at <= due_before, put_off, pages.c.due_at > ahead)
    wanted = [pages.c.state == "queued", due, free]
    if incident_id is not None:
        wanted.append(pages.c.incident_id == incident_id)
    order = (pages.c.muted_by != "", pages.c.id)
    query = sa.select(pages).where(*wanted).order_by(*order).limit(AT_ONCE).with_for_update(skip_locked=True)
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
    channel, _, to = row.channel.partition(" ")
    return QueuedPage(
        row.id,
        token,
        channel,
        row.key,
        PageReason(row.reason),
        row.late,
        row.attempts,
        row.created_at,
        tuple(row.lines),
        incident,
        to,
        row.muted_by,
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
    connection: sa.Connection, page: QueuedPage, values: dict[str, Any], kind: LedgerKind | None, *, now: datetime
) -> bool:
    """Record an outcome if the lease is still ours; False when somebody took the page over."""
    done = _give_back(connection, page, values | {"attempts": page.attempts + 1})
    if done and kind is not None:
        note(connection, kind, page.incident.id, _outcome(page, values.get("error")), now=now)
    return done


def _give_back(connection: sa.Connection, page: QueuedPage, values: dict[str, Any]) -> bool:
    """End the lease with these changes; False when somebody took the page over."""
    done = connection.execute(
        pages.update()
        .where(pages.c.id == page.id, pages.c.lease_token == page.token, pages.c.state == "queued")
        .values(lease_token=None, lease_until=None, **values)
    )
    return done.rowcount == 1


def put_off(engine: sa.Engine, page: QueuedPage, *, due_at: datetime, muted_by: str, now: datetime) -> bool:
    """It waits for something else than a receiver, so no attempt is counted; each rule is noted once."""
    with transaction(engine) as connection:
        if not _give_back(connection, page, {"due_at": due_at, "muted_by": muted_by}):
            return False
        if muted_by and muted_by not in held_by(connection, page):
            fields = {"key": page.key, "channel": page.channel, "rule": muted_by}
            note(connection, LedgerKind.PAGE_MUTED, page.incident.id, fields, now=now)
        return True


def held_by(connection: sa.Connection, page: QueuedPage) -> list[str]:
    """What has held this page back so far, in words, in order."""
    of_it = (ledger.c.incident_id == page.incident.id, ledger.c.kind == LedgerKind.PAGE_MUTED)
    noted = connection.scalars(sa.select(ledger.c.fields).where(*of_it).order_by(ledger.c.id))
    found = (fields["rule"] for fields in noted if (fields["key"], fields["channel"]) == (page.key, page.channel))
    return list(dict.fromkeys(found))


def _outcome(page: QueuedPage, error: str | None) -> dict[str, object]:
    """What the ledger keeps of one delivery."""
    fields: dict[str, object] = {"key": page.key, "channel": page.channel, "attempt": page.attempts + 1}
    given = {"receiver": page.to, "error": error}
    return fields | {name: value for name, value in given.items() if value}


def mark_sent(engine: sa.Engine, page: QueuedPage, receipt: Receipt, *, now: datetime) -> bool:
    """The receiver accepted it; whoever refused it gets a row of their own, due later."""
    kept = asdict(receipt) | {"accepted_at": receipt.accepted_at.isoformat()}
    values = {"state": "sent", "sent_at": now, "receipt": kept, "error": None}
    with transaction(engine) as connection:
        if not _settle(connection, page, values, LedgerKind.PAGE_SENT, now=now):
            return False
        for receiver, answer in receipt.refused.items():
            _queue_again(connection, page, receiver, answer, now + AGAIN_AFTER)
        return True


def _queue_again(connection: sa.Connection, page: QueuedPage, receiver: str, answer: str, due_at: datetime) -> None:
    """The same page, for one receiver who did not take it."""
    row = connection.execute(sa.select(pages).where(pages.c.id == page.id)).one()
    same = {name: row._mapping[name] for name in COPIED}  # noqa: SLF001 - SQLAlchemy's public name
    channel = f"{page.channel} {receiver}"
    values = same | {
        "channel": channel,
        "state": "queued",
        "attempts": 1,
        "due_at": due_at,
        "error": answer,
        "muted_by": "",
    }
    connection.execute(pages.insert().values(values))


def mark_retry(engine: sa.Engine, page: QueuedPage, error: str, *, due_at: datetime, now: datetime) -> bool:
    """It was not accepted, or nobody knows; it goes again under the same key."""
    with transaction(engine) as connection:
        # From here on it waits for its receiver, not for a rule.
        return _settle(connection, page, {"due_at": due_at, "error": error, "muted_by": ""}, None, now=now)


def mark_failed(engine: sa.Engine, page: QueuedPage, error: str, *, now: datetime) -> bool:
    """It is given up."""
    with transaction(engine) as connection:
        return _settle(connection, page, {"state": "failed", "error": error}, LedgerKind.PAGE_FAILED, now=now)


def mark_suppressed(engine: sa.Engine, page: QueuedPage, why: str, *, now: datetime) -> bool:
    """Nobody wants it any more."""
    with transaction(engine) as connection:
        return _settle(connection, page, {"state": "suppressed", "error": why}, LedgerKind.PAGE_SUPPRESSED, now=now)


def note_undelivered(engine: sa.Engine, page: QueuedPage, error: str, *, now: datetime) -> bool:
    """Record, once for each page, that nobody accepted it for long; False when that is known."""
    of_it = (ledger.c.incident_id == page.incident.id, ledger.c.kind == LedgerKind.PAGE_UNDELIVERED)
    with transaction(engine) as connection:
        known = [fields["key"] for fields in connection.scalars(sa.select(ledger.c.fields).where(*of_it))]
        if page.key in known:
            return False
        note(connection, LedgerKind.PAGE_UNDELIVERED, page.incident.id, _outcome(page, error), now=now)
        return True
