"""What was delivered before: to whom, when, and what the receiver said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.deliveries import Delivery
from adapters.store.tables.paging import deliveries, pages
from domain.contacts import Contact, ContactKind
from domain.noise import GROUPED, Before
from domain.pages import NEWS, Receipt


@dataclass(frozen=True, slots=True)
class Reached:
    """Somebody who was told of an incident before, or is being told."""

    person: str
    contact: Contact


def reached(connection: sa.Connection, thread: str) -> list[Reached]:
    """Everybody who was told in a thread, or is being told, in the order of the first time."""
    query = (
        sa.select(deliveries.c.person, deliveries.c.channel, deliveries.c.receiver)
        .where(deliveries.c.thread == thread, deliveries.c.state.in_(["sent", "queued"]))
        .group_by(deliveries.c.person, deliveries.c.channel, deliveries.c.receiver)
        .order_by(sa.func.min(deliveries.c.id))
    )
    return [Reached(row.person, Contact(ContactKind(row.channel), row.receiver)) for row in connection.execute(query)]


def taken_by(engine: sa.Engine, one: Delivery) -> str:
    """The other contact by which the same person has the same page by the same step, or nothing."""
    query = sa.select(deliveries.c.channel, deliveries.c.receiver).where(
        deliveries.c.page_id == one.page.id,
        deliveries.c.step == one.step,
        deliveries.c.person == one.person,
        deliveries.c.state == "sent",
        deliveries.c.id != one.id,
    )
    with transaction(engine) as connection:
        row = connection.execute(query.limit(1)).first()
    return str(Contact(ContactKind(row.channel), row.receiver)) if row else ""


def sent_before(engine: sa.Engine, one: Delivery, *, shift: timedelta, now: datetime) -> Before:
    """What whoever is told was sent lately; what belongs to nobody counts by its contact point."""
    contact = sa.and_(deliveries.c.channel == one.contact.kind, deliveries.c.receiver == one.contact.to)
    person = deliveries.c.person == one.person if one.person else contact
    # What lies ahead was sent by a clock that was ahead.
    sent = (deliveries.c.state == "sent", deliveries.c.merged_into.is_(None), deliveries.c.sent_at <= now)
    times = sa.select(deliveries.c.sent_at).where(*sent).order_by(deliveries.c.sent_at)
    pages_of = times.join(pages, pages.c.id == deliveries.c.page_id).where(pages.c.reason.not_in(NEWS))
    news = sa.select(sa.func.max(deliveries.c.id)).join(pages, pages.c.id == deliveries.c.page_id)
    thread = news.where(*sent, contact, deliveries.c.thread == one.page.thread, pages.c.reason.in_(GROUPED))
    with transaction(engine) as connection:
        lately = connection.scalars(times.where(contact, deliveries.c.sent_at > now - timedelta(minutes=1))).all()
        in_shift = connection.scalars(pages_of.where(person, deliveries.c.sent_at > now - shift)).all()
        last = connection.scalar(sa.select(deliveries.c.sent_at).where(deliveries.c.id == thread.scalar_subquery()))
    # One page to several contacts of a person is one page.
    return Before(lately, list(dict.fromkeys(in_shift)), last)


def first_receipt(engine: sa.Engine, one: Delivery) -> Receipt | None:
    """What the receiver said to the first page of this thread, where it took one."""
    query = (
        sa.select(deliveries.c.receipt)
        .where(
            deliveries.c.thread == one.page.thread,
            deliveries.c.channel == one.contact.kind,
            deliveries.c.receiver == one.contact.to,
            deliveries.c.state == "sent",
            deliveries.c.merged_into.is_(None),
        )
        .order_by(deliveries.c.id)
        .limit(1)
    )
    with transaction(engine) as connection:
        kept = connection.scalar(query)
    if not kept:
        return None
    return Receipt(**{**kept, "accepted_at": datetime.fromisoformat(kept["accepted_at"])})
