"""Pages as rows: queued, claimed under a lease, expanded into deliveries, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.incident_rows import OPEN_STATES, as_incident
from adapters.store.ledger_rows import note
from adapters.store.step_queue import LONGEST
from adapters.store.tables.chained import ledger
from adapters.store.tables.found import incidents
from adapters.store.tables.paging import deliveries, pages
from domain.incidents import Incident, Kind, Route, Severity
from domain.ledger import LedgerKind
from domain.pages import NEWS, PageKind, PageReason
from domain.told import answered_by_now

AT_ONCE = 50
NO_INCIDENT = 0


@dataclass(frozen=True, slots=True)
class QueuedPage:
    """A page with its incident as it is now; one that was claimed for expanding has a token."""

    id: int
    token: str
    key: str
    reason: PageReason
    late: bool
    created_at: datetime
    lines: tuple[str, ...]  # what was found out since the incident opened
    incident: Incident
    about: Mapping[str, str] = field(default_factory=dict)  # whom it is for or from, where that is one person
    muted_by: str = ""  # what held it back when somebody looked last, in words
    state: str = "queued"  # queued | sending | sent | failed | suppressed

    @property
    def thread(self) -> str:
        """Key of the first page about the incident; an end is that of its own episode, also once it came back."""
        return self.about.get("thread") or self.incident.page_key or self.key

    @property
    def episode(self) -> int:
        """Of the incident, which it is about."""
        return int(self.about.get("episode", self.incident.episode))

    @property
    def is_news(self) -> bool:
        """Whether it asks nothing of anybody, and goes to those who were told before."""
        return self.reason in NEWS

    @property
    def is_critical(self) -> bool:
        """Whether every contact of whoever is told is tried at once."""
        return self.incident.severity >= Severity.CRITICAL and not self.is_news

    @property
    def kind(self) -> PageKind:
        """What it is for its incident."""
        return NEWS.get(self.reason) or (PageKind.TRIGGER if self.thread == self.key else PageKind.UPDATE)


def queue(  # noqa: PLR0913 - what a page is made of
    connection: sa.Connection,
    incident: Incident,
    reason: PageReason,
    *,
    key: str,
    lines: Iterable[str],
    now: datetime,
    late: bool = False,
    about: Mapping[str, str] | None = None,
) -> bool:
    """Queue a page; False when the same page was queued before, and not found needless."""
    state = connection.scalar(sa.select(pages.c.state).where(pages.c.key == key))
    if state not in (None, "suppressed"):
        return False
    said = list(lines)
    if state:  # found needless, so nobody has it: it goes out after all
        again = {"state": "queued", "lines": said, "error": None, "due_at": now, "expanded_at": None}
        connection.execute(pages.update().where(pages.c.key == key).values(**again))
    else:
        values = page_row(key, incident.id, reason, int(incident.severity), late=late, now=now)
        connection.execute(pages.insert().values(values | {"lines": said, "about": dict(about or {}) or sa.null()}))
    if reason not in NEWS:
        _is_told_of(connection, incident, key)
    note(connection, LedgerKind.PAGE_QUEUED, incident.id, {"reason": reason, "key": key, "late": late}, now=now)
    return True


def _is_told_of(connection: sa.Connection, incident: Incident, key: str) -> None:
    mine = incidents.update().where(incidents.c.id == incident.id)
    connection.execute(mine.where(incidents.c.page_key == "").values(page_key=key))
    connection.execute(mine.where(incidents.c.told < int(incident.severity)).values(told=int(incident.severity)))


def page_row(
    key: str, incident_id: int, reason: PageReason, severity: int, *, late: bool, now: datetime
) -> dict[str, Any]:
    """The row of a page that nobody has looked at yet."""
    return {
        "key": key,
        "incident_id": incident_id,
        "reason": reason,
        "severity": severity,
        "late": late,
        "lines": [],
        "state": "queued",
        "muted_by": "",
        "created_at": now,
        "due_at": now,
    }


def is_queued(engine: sa.Engine, key: str) -> bool:
    """Whether there is a page with that key. Raises Unavailable."""
    with transaction(engine) as connection:
        return connection.scalar(sa.select(pages.c.id).where(pages.c.key == key)) is not None


def tells(connection: sa.Connection, key: str, incident: Incident) -> bool:
    """Whether the pages under the key tell somebody of the incident, or will once they go out.

    One that waits does not where it will be found needless, because a playbook fits by now.
    """
    rows = connection.execute(sa.select(pages.c.state, pages.c.reason).where(pages.c.key == key)).all()
    waits = ("queued", "sending")
    needless = (row.state in waits and answered_by_now(PageReason(row.reason), incident) for row in rows)
    return not rows or any(row.state != "suppressed" and not void for row, void in zip(rows, needless, strict=True))


def queue_resolved(
    connection: sa.Connection, incident: Incident, lines: Iterable[str], now: datetime, *, only: str = ""
) -> bool:
    """Queue the news that what a page told of is over; False when nobody needs it.

    `only`: "alerts" for those alone who keep an alert of it.

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
    query = sa.select(pages).where(about, pages.c.reason.not_in(NEWS)).order_by(pages.c.id)
    told = [row for row in connection.execute(query.with_for_update()).all() if _reaches_somebody(connection, row, now)]
    if not told or _others_open(connection, incident.id, thread):
        return False
    key = f"{thread} resolved {episode}"
    of_it = {"thread": thread, "episode": str(episode)} | ({"only": only} if only else {})
    return queue(connection, incident, PageReason.RESOLVED, key=key, lines=lines, now=now, about=of_it)


def _reaches_somebody(connection: sa.Connection, row: sa.Row[Any], now: datetime) -> bool:
    """Whether a page was sent, or is on its way in this moment."""
    if row.state == "sent" or (row.lease_until is not None and row.lease_until > now):
        return True
    on_its_way = (deliveries.c.page_id == row.id, deliveries.c.state == "queued", deliveries.c.lease_until > now)
    return connection.execute(sa.select(deliveries.c.id).where(*on_its_way).limit(1)).first() is not None


def _others_open(connection: sa.Connection, incident_id: int, thread: str) -> bool:
    query = sa.select(sa.func.count()).where(
        incidents.c.id != incident_id, incidents.c.page_key == thread, incidents.c.state.in_(OPEN_STATES)
    )
    return bool(connection.scalar(query))


def queue_news(
    connection: sa.Connection, incident: Incident, reason: PageReason, said: str, *, by: str, now: datetime
) -> bool:
    """Queue what somebody did or said, for those who were told of the incident; False when nobody was."""
    told = (deliveries.c.thread == incident.page_key, deliveries.c.state == "sent")
    if not incident.page_key or connection.execute(sa.select(deliveries.c.id).where(*told).limit(1)).first() is None:
        return False
    key = f"{incident.page_key} {reason} {now.timestamp():.6f}"
    return queue(connection, incident, reason, key=key, lines=[said], now=now, about={"by": by})


class Awaited(StrEnum):
    """How far the page of an incident has come."""

    NONE = "none"  # nobody is told of it
    QUEUED = "queued"  # somebody will be
    DELIVERED = "delivered"


def awaited(connection: sa.Connection, incident: Incident) -> Awaited:
    """How far the first page of the incident's episode has come."""
    if not incident.page_key:
        return Awaited.NONE
    sent = (deliveries.c.thread == incident.page_key, deliveries.c.state == "sent")
    if connection.execute(sa.select(deliveries.c.id).where(*sent).limit(1)).first() is not None:
        return Awaited.DELIVERED
    waits = (pages.c.key == incident.page_key, pages.c.state.in_(["queued", "sending"]))
    waiting = connection.execute(sa.select(pages.c.id).where(*waits).limit(1)).first()
    return Awaited.QUEUED if waiting is not None else Awaited.NONE


def queue_analysis(connection: sa.Connection, incident: Incident, lines: Iterable[str], *, now: datetime) -> bool:
    """Queue what was found out, for those who were told of the incident; once for each episode."""
    key = f"{incident.page_key} analysed {incident.episode}"
    return queue(connection, incident, PageReason.ANALYSED, key=key, lines=lines, now=now)


def claim_pages(engine: sa.Engine, *, token: str, lease: timedelta, now: datetime) -> list[QueuedPage]:
    """Claim pages that are due, the worst first; those whose owner died too.

    What is held back comes after what may go out.
    """
    # What lies further ahead than any pause or lease was written by a clock that was ahead.
    ahead, lease_until = now + LONGEST, pages.c.lease_until
    free = sa.or_(lease_until.is_(None), lease_until < now, lease_until > ahead)
    due = sa.or_(pages.c.due_at <= now, pages.c.due_at > ahead)
    order = (pages.c.muted_by != "", pages.c.severity.desc(), pages.c.id)
    wanted = (pages.c.state == "queued", due, free)
    query = sa.select(pages.c.id).where(*wanted).order_by(*order).limit(AT_ONCE).with_for_update(skip_locked=True)
    with transaction(engine) as connection:
        ids = list(connection.scalars(query))
        if not ids:
            return []
        mine = pages.c.id.in_(ids)
        connection.execute(pages.update().where(mine).values(lease_token=token, lease_until=now + lease))
        return read_pages(connection, ids)


def read_pages(connection: sa.Connection, ids: Iterable[int]) -> list[QueuedPage]:
    """Pages with their incidents as these are now, in the order given."""
    wanted = list(dict.fromkeys(ids))
    rows = {row.id: row for row in connection.execute(sa.select(pages).where(pages.c.id.in_(wanted)))}
    numbers = sorted({row.incident_id for row in rows.values()})
    about = {row.id: as_incident(row) for row in connection.execute(_incidents(numbers))}
    found = (rows[number] for number in wanted if number in rows)
    return [_queued(row, about.get(row.incident_id) or no_incident(row.created_at)) for row in found]


def no_incident(at: datetime) -> Incident:
    """What a digest is about, and a page whose incident is gone: none that is stored."""
    return Incident(
        id=NO_INCIDENT,
        service="sre-agent",
        kind=Kind.OWN,
        template="",
        metric="",
        direction="",
        detector="",
        route=Route.HUMAN,
        playbook="",
        opened_at=at,
        last_at=at,
    )


def _incidents(numbers: list[int]) -> sa.Select[Any]:
    return sa.select(incidents).where(incidents.c.id.in_(numbers))


def _queued(row: sa.Row[Any], incident: Incident) -> QueuedPage:
    return QueuedPage(
        row.id,
        row.lease_token or "",
        row.key,
        PageReason(row.reason),
        row.late,
        row.created_at,
        tuple(row.lines),
        incident,
        row.about or {},
        row.muted_by,
        row.state,
    )


def settle(connection: sa.Connection, page: QueuedPage, **values: object) -> bool:
    """End the lease with these changes; False when somebody took the page over."""
    done = connection.execute(
        pages.update()
        .where(pages.c.id == page.id, pages.c.lease_token == page.token, pages.c.state == "queued")
        .values(lease_token=None, lease_until=None, **values)
    )
    return bool(done.rowcount == 1)


def put_off(engine: sa.Engine, page: QueuedPage, *, due_at: datetime, muted_by: str, now: datetime) -> bool:
    """It waits for something else than a receiver; each rule is noted once."""
    with transaction(engine) as connection:
        if not settle(connection, page, due_at=due_at, muted_by=muted_by, error=None):
            return False
        note_held(connection, page, muted_by, now=now)
        return True


def note_held(connection: sa.Connection, page: QueuedPage, rule: str, *, now: datetime) -> None:
    """Record, once for each page and rule, that it is held back."""
    if rule and rule not in held_by(connection, page):
        note(connection, LedgerKind.PAGE_MUTED, page.incident.id, {"key": page.key, "rule": rule}, now=now)


def nobody_found(engine: sa.Engine, page: QueuedPage, why: str, *, due_at: datetime) -> bool:
    """There is nobody whom it could be sent to; somebody looks again."""
    with transaction(engine) as connection:
        return settle(connection, page, due_at=due_at, error=why, muted_by="")


def held_by(connection: sa.Connection, page: QueuedPage) -> list[str]:
    """What has held this page back so far, in words, in order."""
    of_it = (ledger.c.incident_id == page.incident.id, ledger.c.kind == LedgerKind.PAGE_MUTED)
    noted = connection.scalars(sa.select(ledger.c.fields).where(*of_it).order_by(ledger.c.id))
    return list(dict.fromkeys(fields["rule"] for fields in noted if fields["key"] == page.key))


def mark_suppressed(engine: sa.Engine, page: QueuedPage, why: str, *, now: datetime) -> bool:
    """Nobody wants it any more: what was not delivered of it is not."""
    with transaction(engine) as connection:
        return suppress(connection, page, why, now=now)


def suppress(connection: sa.Connection, page: QueuedPage, why: str, *, now: datetime) -> bool:
    """As `mark_suppressed`; a page that somebody has stays sent. False when it was settled before."""
    waiting = (deliveries.c.page_id == page.id, deliveries.c.state == "queued")
    left = connection.execute(deliveries.update().where(*waiting).values(state="suppressed", error=why))
    done = connection.execute(
        pages.update()
        .where(pages.c.id == page.id, pages.c.state.in_(["queued", "sending"]))
        .values(state="suppressed", error=why, lease_token=None, lease_until=None)
    )
    if not (done.rowcount or left.rowcount):
        return False
    note(connection, LedgerKind.PAGE_SUPPRESSED, page.incident.id, {"key": page.key, "error": why}, now=now)
    return True


def reason_of(connection: sa.Connection, page_id: int) -> PageReason | None:
    """Why people were told by a page, or None where it is gone."""
    reason = connection.scalar(sa.select(pages.c.reason).where(pages.c.id == page_id))
    return PageReason(reason) if reason else None


def send_on(connection: sa.Connection, page: QueuedPage) -> None:
    """Further people are told of a page that nobody had until now."""
    again = (pages.c.id == page.id, pages.c.state.in_(["failed", "suppressed"]))
    connection.execute(pages.update().where(*again).values(state="sending", error=None))


def note_undelivered(engine: sa.Engine, page: QueuedPage, error: str, *, now: datetime) -> bool:
    """Record, once for each page, that nobody accepted it for long; False when that is known."""
    of_it = (ledger.c.incident_id == page.incident.id, ledger.c.kind == LedgerKind.PAGE_UNDELIVERED)
    with transaction(engine) as connection:
        known = [fields["key"] for fields in connection.scalars(sa.select(ledger.c.fields).where(*of_it))]
        if page.key in known:
            return False
        fields = {"key": page.key, "error": error}
        note(connection, LedgerKind.PAGE_UNDELIVERED, page.incident.id, fields, now=now)
        return True
