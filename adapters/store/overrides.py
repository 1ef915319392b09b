"""Who takes somebody else's time of a schedule, as it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.ledger_rows import note
from adapters.store.tables.paging import overrides
from domain.errors import BadInput
from domain.ledger import LedgerKind
from domain.lengths import must_be_short
from domain.muting_checks import LONGEST_AHEAD
from domain.roster import Override, Shift


def add(engine: sa.Engine, override: Override, *, now: datetime) -> Override:
    """Store an override; it comes back with its number. Raises BadInput when it could never count."""
    if override.ends <= max(override.begins, now):
        when = "not after it begins" if override.ends <= override.begins else "which is over"
        raise BadInput(f"override: it ends at {override.ends:%Y-%m-%d %H:%M} UTC, {when}")
    if override.ends > now + LONGEST_AHEAD:
        times = f"from {override.begins:%Y-%m-%d %H:%M} to {override.ends:%Y-%m-%d %H:%M} UTC"
        raise BadInput(f"override: it is {times}, and it may end at most {LONGEST_AHEAD.days} days ahead")
    must_be_short("override: the reason", override.why)
    values = {
        "schedule": override.schedule,
        "person": override.person,
        "begins": override.begins,
        "ends": override.ends,
        "by": override.by,
        "why": override.why,
        "created_at": now,
    }
    with transaction(engine) as connection:
        number = connection.scalar(overrides.insert().values(values).returning(overrides.c.id))
        added = replace(override, id=int(number or 0))
        note(connection, LedgerKind.OVERRIDE_ADDED, None, _told(added), now=now)
    return added


def remove(engine: sa.Engine, number: int, *, by: str, now: datetime) -> Override | None:
    """Take an override back; as it was, None where there is none that still counts."""
    with transaction(engine) as connection:
        counts = (overrides.c.id == number, overrides.c.removed_at.is_(None), overrides.c.ends > now)
        row = connection.execute(sa.select(overrides).where(*counts).with_for_update()).first()
        if row is None:
            return None
        found = _override(row)
        change = overrides.update().where(overrides.c.id == number)
        connection.execute(change.values(removed_at=now, removed_by=by))
        note(connection, LedgerKind.OVERRIDE_REMOVED, None, _told(found) | {"removed_by": by}, now=now)
    return found


def between(connection: sa.Connection, begins: datetime, ends: datetime) -> list[Override]:
    """The overrides that count at some time between two, the oldest first."""
    query = sa.select(overrides).where(
        overrides.c.removed_at.is_(None), overrides.c.begins < ends, overrides.c.ends > begins
    )
    return [_override(row) for row in connection.execute(query.order_by(overrides.c.id))]


def in_force(connection: sa.Connection, at: datetime) -> Mapping[str, tuple[Shift, ...]]:
    """What holds at one moment: schedule -> the shifts that people took, the oldest first."""
    return taken(connection, at, at + timedelta.resolution)


def taken(connection: sa.Connection, begins: datetime, ends: datetime) -> Mapping[str, tuple[Shift, ...]]:
    """What holds at some time between two, as each schedule sees it: schedule -> shifts, the oldest first."""
    found: dict[str, tuple[Shift, ...]] = {}
    for override in between(connection, begins, ends):
        found[override.schedule] = (*found.get(override.schedule, ()), override.shift)
    return found


def listed(engine: sa.Engine, begins: datetime, ends: datetime) -> list[Override]:
    """The overrides that count at some time between two, the oldest first."""
    with transaction(engine) as connection:
        return between(connection, begins, ends)


def _override(row: sa.Row[Any]) -> Override:
    return Override(row.schedule, row.person, row.begins, row.ends, row.by, row.why, row.id)


def _told(override: Override) -> dict[str, object]:
    """What the ledger keeps of an override."""
    return {
        "override": override.id,
        "schedule": override.schedule,
        "person": override.person,
        "from": f"{override.begins:%Y-%m-%d %H:%M} UTC",
        "until": f"{override.ends:%Y-%m-%d %H:%M} UTC",
        "by": override.by,
        "why": override.why,
    }
