"""Deliveries: one page to one contact point; made by expanding, claimed by channel, sent under a lease."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.ledger_rows import note
from adapters.store.outbox import QueuedPage, note_held, read_pages
from adapters.store.step_queue import LONGEST
from adapters.store.tables.paging import deliveries, pages
from domain.contacts import Contact, ContactKind
from domain.escalation import Notice
from domain.ledger import LedgerKind
from domain.noise import MERGED
from domain.pages import NEWS, Receipt

MOST_MERGED = 50
# What waits by a rule, or because its receiver says so, waits no longer.
LONGEST_WAIT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One that was claimed for sending."""

    id: int
    token: str
    page: QueuedPage  # with its incident as it is now
    step: int
    person: str
    contact: Contact
    attempts: int  # tries before this one
    created_at: datetime
    fallbacks: tuple[Contact, ...] = ()
    waits: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a contact accepted while the store did not answer."""

    person: str
    contact: Contact
    receipt: Receipt


def as_contact(kept: Mapping[str, str]) -> Contact:
    """A contact as JSON keeps it."""
    return Contact(ContactKind(kept["kind"]), kept["to"])


def insert(
    connection: sa.Connection,
    page: QueuedPage,
    notices: Iterable[Notice],
    *,
    step: int,
    at_once: bool,
    now: datetime,
) -> None:
    """Queue a page for each contact that is tried first, of the others when that refuses.

    `at_once`: all contacts of a person are tried at once.
    """
    for notice in notices:
        first = notice.contacts if at_once else notice.contacts[:1]
        rest = () if at_once else notice.contacts[1:]
        for contact in first:
            _insert_once(connection, _row(page, notice, contact, rest, step=step, now=now))


def _row(
    page: QueuedPage, notice: Notice, contact: Contact, rest: Iterable[Contact], *, step: int, now: datetime
) -> dict[str, Any]:
    return {
        "page_id": page.id,
        "incident_id": page.incident.id,
        "thread": page.thread,
        "step": step,
        "person": notice.person,
        "channel": contact.kind,
        "receiver": contact.to,
        "why": notice.why,
        "fallbacks": [asdict(one) for one in rest],
        "state": "queued",
        "attempts": 0,
        "created_at": now,
        "due_at": now,
        "waits": "",
    }


SAME = ("page_id", "step", "person", "channel", "receiver")


AFRESH = {"error": None, "lease_token": None, "lease_until": None}


def _insert_once(connection: sa.Connection, values: dict[str, Any]) -> None:
    """What was found needless before goes out after all."""
    same = (deliveries.c[name] == values[name] for name in SAME)
    known = connection.execute(sa.select(deliveries.c.id, deliveries.c.state).where(*same)).first()
    if known is None:
        connection.execute(deliveries.insert().values(values))
    elif known.state == "suppressed":
        connection.execute(deliveries.update().where(deliveries.c.id == known.id).values(values | AFRESH))


def insert_sent(connection: sa.Connection, page: QueuedPage, to: Sent, *, step: int, now: datetime) -> None:
    """Record that a contact has the page by another way than ours; no attempt of ours is needed any more."""
    notice = Notice(to.person, (to.contact,), "it went out while the store did not answer")
    values = _row(page, notice, to.contact, (), step=step, now=now)
    sent = {"state": "sent", "sent_at": to.receipt.accepted_at, "receipt": _kept(to.receipt), "attempts": 1}
    same = (deliveries.c[name] == values[name] for name in SAME)
    if connection.execute(deliveries.update().where(*same).values(sent)).rowcount == 0:
        connection.execute(deliveries.insert().values(values | sent))
    known = pages.c.id == page.id
    connection.execute(pages.update().where(known).values(state="sent", sent_at=to.receipt.accepted_at))
    told = {"key": page.key, "channel": to.contact.kind, "receiver": to.contact.to, "person": to.person}
    note(connection, LedgerKind.PAGE_SENT, page.incident.id, told | {"attempt": 1, "beside": "the store"}, now=now)


def _kept(receipt: Receipt) -> dict[str, Any]:
    return asdict(receipt) | {"accepted_at": receipt.accepted_at.isoformat()}


def claim(
    engine: sa.Engine, channel: str, *, token: str, lease: timedelta, limit: int, now: datetime
) -> list[Delivery]:
    """Claim due deliveries of one channel, the worst first; those whose sender died too."""
    return _lease(engine, _due(channel, now).limit(limit), token, until=now + lease)


def _lease(engine: sa.Engine, wanted: sa.Select[Any], token: str, *, until: datetime) -> list[Delivery]:
    """Claim what a query finds and nobody else has in hand, each with its page as it is now."""
    with transaction(engine) as connection:
        rows = connection.execute(wanted.with_for_update(skip_locked=True, of=deliveries)).all()
        if not rows:
            return []
        mine = deliveries.c.id.in_([row.id for row in rows])
        connection.execute(deliveries.update().where(mine).values(lease_token=token, lease_until=until))
        told = {page.id: page for page in read_pages(connection, [row.page_id for row in rows])}
    return [_delivery(row, token, told[row.page_id]) for row in rows]


def channels_due(engine: sa.Engine, *, now: datetime) -> set[str]:
    """The channels by which something is due."""
    query = sa.select(deliveries.c.channel).where(deliveries.c.state == "queued", _is_due(now)).distinct()
    with transaction(engine) as connection:
        return set(connection.scalars(query))


def _due(channel: str, now: datetime) -> sa.Select[Any]:
    """Of what comes together the first; news after what was queued before it for the same receiver.

    So an end never comes before its begin.
    """
    ahead, lease_until = now + LONGEST, deliveries.c.lease_until
    free = sa.or_(lease_until.is_(None), lease_until < now, lease_until > ahead)
    other = deliveries.alias("earlier")
    same = (other.c[name] == deliveries.c[name] for name in ("thread", "channel", "receiver"))
    earlier = sa.exists().where(*same, other.c.id < deliveries.c.id, other.c.state == "queued")
    in_order = sa.or_(pages.c.reason.not_in(NEWS), ~earlier)
    first = sa.or_(~_comes_together(deliveries), ~_comes_together_with_an_earlier_one())
    return (
        sa.select(deliveries)
        .join(pages, pages.c.id == deliveries.c.page_id)
        .where(deliveries.c.channel == channel, deliveries.c.state == "queued", _is_due(now), free, in_order, first)
        .order_by(deliveries.c.waits != "", pages.c.severity.desc(), deliveries.c.id)
    )


def _is_due(now: datetime) -> sa.ColumnElement[bool]:
    """Whether its time came. What lies further ahead than it ever waits was written by a clock that was ahead."""
    due_at, waits = deliveries.c.due_at, deliveries.c.waits
    return sa.or_(due_at <= now, sa.and_(waits == "", due_at > now + LONGEST), due_at > now + LONGEST_WAIT)


def _comes_together(table: sa.FromClause) -> sa.ColumnElement[bool]:
    return table.c.waits.startswith(MERGED, autoescape=True)


def _comes_together_with_an_earlier_one() -> sa.ColumnElement[bool]:
    other = deliveries.alias("together")
    same = (other.c[name] == deliveries.c[name] for name in ("person", "channel", "receiver"))
    return sa.exists().where(*same, other.c.id < deliveries.c.id, other.c.state == "queued", _comes_together(other))


def _delivery(row: sa.Row[Any], token: str, page: QueuedPage) -> Delivery:
    contact = Contact(ContactKind(row.channel), row.receiver)
    fallbacks = tuple(map(as_contact, row.fallbacks))
    return Delivery(
        row.id, token, page, row.step, row.person, contact, row.attempts, row.created_at, fallbacks, row.waits
    )


def _mine(one: Delivery, *states: str) -> tuple[sa.ColumnElement[bool], ...]:
    known = deliveries.c.state.in_(states or ("queued",))
    return deliveries.c.id == one.id, deliveries.c.lease_token == one.token, known


def hold(engine: sa.Engine, one: Delivery, *, until: datetime) -> bool:
    """Renew the lease just before the effect; False when somebody else claimed it meanwhile, or nobody wants it."""
    with transaction(engine) as connection:
        held = connection.execute(deliveries.update().where(*_mine(one)).values(lease_until=until))
        return bool(held.rowcount == 1)


def _settle(connection: sa.Connection, one: Delivery, **values: object) -> bool:
    done = connection.execute(
        deliveries.update().where(*_mine(one)).values(lease_token=None, lease_until=None, **values)
    )
    return bool(done.rowcount == 1)


def put_off(engine: sa.Engine, one: Delivery, *, due_at: datetime, waits: str, now: datetime) -> bool:
    """It waits for something else than its receiver, so no attempt is counted; a day at most, then somebody looks."""
    with transaction(engine) as connection:
        return _settle(connection, one, due_at=min(due_at, now + LONGEST_WAIT), waits=waits)


def hold_back(engine: sa.Engine, one: Delivery, rule: str, *, due_at: datetime, now: datetime) -> bool:
    """A rule holds its page back by now."""
    with transaction(engine) as connection:
        if not _settle(connection, one, due_at=due_at, waits=rule):
            return False
        connection.execute(pages.update().where(pages.c.id == one.page.id).values(muted_by=rule, due_at=due_at))
        note_held(connection, one.page, rule, now=now)
        return True


def mark_suppressed(engine: sa.Engine, one: Delivery, why: str) -> bool:
    """This way is not needed any more."""
    with transaction(engine) as connection:
        return _settle(connection, one, state="suppressed", error=why)


def let_go(engine: sa.Engine, one: Delivery) -> bool:
    """Whoever looks next takes it; nothing was tried."""
    with transaction(engine) as connection:
        return _settle(connection, one)


def mark_sent(engine: sa.Engine, one: Delivery, receipt: Receipt, *, merged: Iterable[int] = (), now: datetime) -> bool:
    """The receiver accepted it, and with it what was merged into it: its page reached somebody.

    So it did where it was found needless on its way: whoever has it must hear that it is over.
    """
    sent = {"state": "sent", "sent_at": now, "receipt": _kept(receipt), "error": None, "waits": ""}
    also = list(merged)
    with transaction(engine) as connection:
        mine = _mine(one, "queued", "suppressed")
        values = sent | {"attempts": one.attempts + 1, "lease_token": None, "lease_until": None}
        if connection.execute(deliveries.update().where(*mine).values(values)).rowcount != 1:
            return False
        if also:
            those = (deliveries.c.id.in_(also), deliveries.c.state == "queued")
            connection.execute(deliveries.update().where(*those).values(merged_into=one.id, **sent))
        ids = sa.select(deliveries.c.page_id).where(deliveries.c.id.in_([one.id, *also]))
        reached_now = (pages.c.id.in_(ids), pages.c.state.in_(["sending", "suppressed"]))
        now_sent = {"state": "sent", "sent_at": now, "muted_by": "", "error": None}
        connection.execute(pages.update().where(*reached_now).values(now_sent))
        note(connection, LedgerKind.PAGE_SENT, one.page.incident.id, outcome(one) | _with(also), now=now)
        return True


def _with(merged: list[int]) -> dict[str, object]:
    return {"merged": len(merged)} if merged else {}


def outcome(one: Delivery, error: str = "") -> dict[str, object]:
    """What the ledger keeps of one delivery."""
    fields: dict[str, object] = {"key": one.page.key, "channel": one.contact.kind, "receiver": one.contact.to}
    given = {"person": one.person, "error": error}
    return fields | {"attempt": one.attempts + 1} | {name: value for name, value in given.items() if value}


def mark_retry(
    engine: sa.Engine, one: Delivery, error: str, *, due_at: datetime, waits: str = "", now: datetime
) -> bool:
    """It was not accepted, or nobody knows; it goes again under the same key, and at once to the next contact.

    `waits`: what says when it goes again, where that is not we.
    """
    with transaction(engine) as connection:
        values = {"due_at": due_at, "error": error, "attempts": one.attempts + 1, "waits": waits, "fallbacks": []}
        if not _settle(connection, one, **values):
            return False
        _fall_back(connection, one, now)
        return True


def mark_failed(engine: sa.Engine, one: Delivery, error: str, *, now: datetime) -> bool:
    """This receiver is given up; the next contact of the person is tried, and the page fails with its last one."""
    with transaction(engine) as connection:
        values = {"state": "failed", "error": error, "attempts": one.attempts + 1, "fallbacks": []}
        if not _settle(connection, one, **values):
            return False
        note(connection, LedgerKind.PAGE_FAILED, one.page.incident.id, outcome(one, error), now=now)
        _fall_back(connection, one, now)
        left = sa.exists().where(deliveries.c.page_id == one.page.id, deliveries.c.state == "queued")
        over = (pages.c.id == one.page.id, pages.c.state == "sending", ~left)
        connection.execute(pages.update().where(*over).values(state="failed", error=error))
        return True


def _fall_back(connection: sa.Connection, one: Delivery, now: datetime) -> None:
    if one.fallbacks:
        why = f"{one.contact} did not take it"
        insert(connection, one.page, [Notice(one.person, one.fallbacks, why)], step=one.step, at_once=False, now=now)


def gather(engine: sa.Engine, one: Delivery, *, lease: timedelta, now: datetime) -> list[Delivery]:
    """What else waits to be sent together to the same contact of the same person, claimed with this one."""
    query = (
        sa.select(deliveries)
        .where(
            deliveries.c.channel == one.contact.kind,
            deliveries.c.receiver == one.contact.to,
            deliveries.c.person == one.person,
            deliveries.c.state == "queued",
            _comes_together(deliveries),
            deliveries.c.id != one.id,
            sa.or_(deliveries.c.lease_until.is_(None), deliveries.c.lease_until < now),
        )
        .order_by(deliveries.c.id)
        .limit(MOST_MERGED)
    )
    return _lease(engine, query, one.token, until=now + lease)
