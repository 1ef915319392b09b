"""Changes that people and systems tell of, each once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from adapters.store.database import transaction
from adapters.store.tables.found import changes
from domain.changes import Change, ChangeKind, ChangeSource, key_of

AT_ONCE = 500  # rows of one statement; SQLite takes so many parameters and no more


def keep(engine: sa.Engine, told: Iterable[Change], *, now: datetime) -> int:
    """Store changes, all or none; how many were new."""
    by_key = {key_of(change): change for change in told}
    # In one order, so that two who tell of the same changes wait for each other and do not lock.
    ordered = [_row(by_key[key], now) for key in sorted(by_key)]
    with transaction(engine) as connection:
        some = (ordered[first : first + AT_ONCE] for first in range(0, len(ordered), AT_ONCE))
        return sum(_insert(connection, each) for each in some)


def _insert(connection: sa.Connection, rows: list[dict[str, object]]) -> int:
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    order = make(changes).values(rows).on_conflict_do_nothing(index_elements=["key"])
    return len(connection.execute(order.returning(changes.c.id)).all())


def _row(change: Change, now: datetime) -> dict[str, object]:
    return {
        "key": key_of(change),
        "at": change.at,
        "service": change.service,
        "kind": change.kind,
        "what": change.what,
        "by": change.by,
        "source": change.source,
        "received_at": now,
    }


def recent(
    connection: sa.Connection, services: Collection[str] | None, since: datetime, until: datetime, limit: int
) -> list[Change]:
    """Changes from one moment to another, both included, the newest first; of all services where None is named."""
    query = sa.select(changes).where(changes.c.at >= since, changes.c.at <= until)
    if services is not None:
        query = query.where(changes.c.service.in_(sorted(services)))
    rows = connection.execute(query.order_by(changes.c.at.desc(), changes.c.id.desc()).limit(limit))
    return [_change(row) for row in rows]


def _change(row: sa.Row[tuple[object, ...]]) -> Change:
    return Change(
        at=row.at,
        service=row.service,
        kind=ChangeKind(row.kind),
        what=row.what,
        by=row.by,
        source=ChangeSource(row.source),
        key=row.key,
    )


def count_changes(engine: sa.Engine, before: datetime) -> int:
    """How many `drop_changes` would drop."""
    with transaction(engine) as connection:
        old = sa.select(sa.func.count()).select_from(changes).where(changes.c.at < before)
        return int(connection.scalar(old) or 0)


def drop_changes(engine: sa.Engine, before: datetime) -> int:
    """Drop changes that were made before a moment; how many."""
    with transaction(engine) as connection:
        return connection.execute(changes.delete().where(changes.c.at < before)).rowcount
