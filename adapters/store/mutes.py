"""Silences and maintenance windows as they are stored; whether one is in force is asked anew each time."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.ledger_rows import note
from adapters.store.tables.paging import mutes, pages
from domain.errors import BadInput
from domain.ledger import LedgerKind
from domain.muting import NAMES, Matcher, Mute, MuteKind, Phase, ends, phase
from domain.muting_checks import bounded, flaws


def add(engine: sa.Engine, mute: Mute, *, now: datetime, everything: bool = False) -> Mute:
    """Store a rule; it comes back with its number, and with an end where it recurs without one.

    Raises BadInput when it cannot apply, would to everything, or is longer than a rule may be.
    """
    mute = bounded(mute, now=now)
    if found := flaws(mute, everything=everything, now=now):
        raise BadInput(f"{NAMES[mute.kind]}: {'; '.join(found)}")
    values = {
        "kind": mute.kind,
        "matchers": [asdict(matcher) for matcher in mute.matchers],
        "starts_at": mute.starts_at,
        "ends_at": mute.ends_at,
        "every": mute.every,
        "until": mute.until,
        "author": mute.author,
        "comment": mute.comment,
        "created_at": now,
    }
    with transaction(engine) as connection:
        number = connection.scalar(mutes.insert().values(values).returning(mutes.c.id))
        added = replace(mute, id=int(number or 0))
        note(connection, LedgerKind.MUTE_ADDED, None, _told(added), now=now)
    return added


def _told(mute: Mute) -> dict[str, object]:
    """What the ledger keeps of a rule."""
    fields: dict[str, object] = {
        "rule": mute.name,
        "by": mute.author,
        "matchers": [str(matcher) for matcher in mute.matchers],
        "from": f"{mute.starts_at:%Y-%m-%d %H:%M} UTC",
        "until": f"{mute.ends_at:%Y-%m-%d %H:%M} UTC",
        "comment": mute.comment,
    }
    if mute.every:
        fields |= {"every": mute.every, "ends": f"{mute.until:%Y-%m-%d %H:%M} UTC" if mute.until else "never"}
    return fields


def expire(engine: sa.Engine, number: int, kind: MuteKind, *, by: str, now: datetime) -> Mute | None:
    """End a rule of this kind now; the rule as it is then, None where there is none that could still apply."""
    with transaction(engine) as connection:
        of_it = (mutes.c.id == number, mutes.c.kind == kind)
        row = connection.execute(sa.select(mutes).where(*of_it).with_for_update()).first()
        if row is None or phase(found := _mute(row), now) is Phase.ENDED:
            return None
        connection.execute(mutes.update().where(*of_it).values(expired_at=now, expired_by=by))
        note(connection, LedgerKind.MUTE_EXPIRED, None, {"rule": found.name, "by": by}, now=now)
    return replace(found, expired_at=now)


def all_mutes(engine: sa.Engine, kind: MuteKind) -> list[Mute]:
    """Every rule of a kind, the newest first."""
    query = sa.select(mutes).where(mutes.c.kind == kind).order_by(mutes.c.id.desc())
    with transaction(engine) as connection:
        return [_mute(row) for row in connection.execute(query)]


def mutes_now(connection: sa.Connection, now: datetime) -> list[Mute]:
    """The rules that are in force at `now`, the oldest first."""
    query = sa.select(mutes).where(
        mutes.c.starts_at <= now,
        sa.or_(mutes.c.every != "", mutes.c.ends_at > now),
        sa.or_(mutes.c.expired_at.is_(None), mutes.c.expired_at > now),
    )
    rows = connection.execute(query.order_by(mutes.c.id))
    return [mute for mute in map(_mute, rows) if ends(mute, now) is not None]


def held_back(engine: sa.Engine) -> Counter[str]:
    """What holds queued pages back, in words, and how many of them."""
    query = sa.select(pages.c.muted_by).where(pages.c.state == "queued", pages.c.muted_by != "")
    with transaction(engine) as connection:
        return Counter(connection.scalars(query))


def _mute(row: sa.Row[Any]) -> Mute:
    return Mute(
        row.id,
        MuteKind(row.kind),
        tuple(Matcher(**matcher) for matcher in row.matchers),
        row.starts_at,
        row.ends_at,
        row.every,
        row.until,
        row.author,
        row.comment,
        row.expired_at,
    )
