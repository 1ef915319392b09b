"""What people switch, and what the agent's own parts say about the outside."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from adapters.store.database import transaction
from adapters.store.ledger_rows import note
from adapters.store.tables.running import conditions, switches
from domain.ledger import LedgerKind
from domain.members import role_of

PAUSE = "pause"
# A condition that nobody repeated for so long says nothing any more.
CONDITION_HOLDS = timedelta(minutes=3)


def is_paused(engine: sa.Engine) -> bool:
    """Whether `sre pause` is in force."""
    with transaction(engine) as connection:
        return paused(connection)


def paused(connection: sa.Connection) -> bool:
    """Whether it is, as the transaction sees it that would begin something."""
    return bool(connection.scalar(sa.select(switches.c.on).where(switches.c.name == PAUSE)))


def set_pause(engine: sa.Engine, *, on: bool, by: str, now: datetime) -> None:
    """Stop or allow every action from now on; kept over restarts."""
    with transaction(engine) as connection:
        changed = connection.execute(switches.update().where(switches.c.name == PAUSE).values(on=on, by=by, at=now))
        if not changed.rowcount:
            connection.execute(switches.insert().values(name=PAUSE, on=on, by=by, at=now))
        note(connection, LedgerKind.PAUSED if on else LedgerKind.RESUMED, None, {"by": by}, now=now)


def report_condition(engine: sa.Engine, part: str, *, seen_by: str, healthy: bool, detail: str, now: datetime) -> None:
    """Record how a part of the outside is, as one of our processes sees it; several threads may do so at once."""
    insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
    order = insert(conditions).values(part=part, seen_by=seen_by, healthy=healthy, detail=detail, since=now, at=now)
    changed = conditions.c.healthy != order.excluded.healthy
    values: dict[str, Any] = {name: order.excluded[name] for name in ("healthy", "detail", "at")}
    values["since"] = sa.case((changed, order.excluded.since), else_=conditions.c.since)
    with transaction(engine) as connection:
        connection.execute(order.on_conflict_do_update(index_elements=["part", "seen_by"], set_=values))


def degraded(engine: sa.Engine, *, now: datetime) -> list[str]:
    """What is down right now, in words; the same part is named once, and for whom where other members have it."""
    query = sa.select(conditions).where(conditions.c.at > now - CONDITION_HOLDS)
    with transaction(engine) as connection:
        rows = connection.execute(query.order_by(conditions.c.part, conditions.c.since)).all()
    well = {(row.part, role_of(row.seen_by)) for row in rows if row.healthy}
    down = [row for row in rows if not row.healthy]
    found: dict[str, str] = {}
    for row in down:
        members = sorted(other.seen_by for other in down if other.part == row.part)
        whom = f" for {', '.join(members)}" if (row.part, role_of(row.seen_by)) in well else ""
        found.setdefault(row.part, f"{row.part} is down{whom} since {row.since:%H:%M:%S} UTC: {row.detail}"[:300])
    return list(found.values())


def forget_conditions(engine: sa.Engine, seen_by: str) -> None:
    """Drop what a process said that will not come back."""
    with transaction(engine) as connection:
        connection.execute(conditions.delete().where(conditions.c.seen_by == seen_by))
