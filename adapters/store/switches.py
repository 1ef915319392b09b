"""What people switch, and what the agent's own parts say about the outside."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.incident_queue import note
from adapters.store.tables import conditions, switches
from domain.correlation import LedgerKind

PAUSE = "pause"
# A condition that nobody repeated for so long says nothing any more.
CONDITION_HOLDS = timedelta(minutes=3)


def is_paused(engine: sa.Engine) -> bool:
    """Whether `sre pause` is in force."""
    with transaction(engine) as connection:
        return bool(connection.scalar(sa.select(switches.c.on).where(switches.c.name == PAUSE)))


def set_pause(engine: sa.Engine, *, on: bool, by: str, now: datetime) -> None:
    """Stop or allow every action from now on; kept over restarts."""
    with transaction(engine) as connection:
        changed = connection.execute(switches.update().where(switches.c.name == PAUSE).values(on=on, by=by, at=now))
        if not changed.rowcount:
            connection.execute(switches.insert().values(name=PAUSE, on=on, by=by, at=now))
        note(connection, LedgerKind.PAUSED if on else LedgerKind.RESUMED, None, {"by": by}, now=now)


def report_condition(engine: sa.Engine, part: str, *, seen_by: str, healthy: bool, detail: str, now: datetime) -> None:
    """Record how a part of the outside is, as one of our processes sees it."""
    mine = (conditions.c.part == part) & (conditions.c.seen_by == seen_by)
    with transaction(engine) as connection:
        known = connection.execute(sa.select(conditions).where(mine)).first()
        values = {"healthy": healthy, "detail": detail, "at": now}
        if known is None:
            connection.execute(conditions.insert().values(part=part, seen_by=seen_by, since=now, **values))
            return
        if known.healthy != healthy:
            values["since"] = now
        connection.execute(conditions.update().where(mine).values(**values))


def degraded(engine: sa.Engine, *, now: datetime) -> list[str]:
    """What is down right now, in words; the same part is named once."""
    query = sa.select(conditions).where(conditions.c.healthy.is_(False), conditions.c.at > now - CONDITION_HOLDS)
    with transaction(engine) as connection:
        rows = connection.execute(query.order_by(conditions.c.part, conditions.c.since)).all()
    found: dict[str, str] = {}
    for row in rows:
        found.setdefault(row.part, f"{row.part} is down since {row.since:%H:%M:%S} UTC: {row.detail}"[:300])
    return list(found.values())
