"""Services that are watched more sharply for a while."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from adapters.store.database import Connection, Engine, transaction
from adapters.store.tables.acting import watches


def add(engine: Engine, key: str, service: str, *, since: datetime, until: datetime) -> None:
    """Watch the service until then; adding it twice under one key does no harm."""
    with transaction(engine) as connection:
        connection.execute(watches.delete().where(watches.c.key == key))
        row = {"key": key, "service": service, "since": since, "until": until}
        connection.execute(watches.insert(), row)


def end(engine: Engine, key: str) -> None:
    """Watch it as any other again, as far as this watch goes."""
    with transaction(engine) as connection:
        connection.execute(watches.delete().where(watches.c.key == key))


def until(engine: Engine, key: str) -> datetime | None:
    """When the watch of that key ends; None where there is none."""
    with transaction(engine) as connection:
        found: datetime | None = connection.scalar(sa.select(watches.c.until).where(watches.c.key == key))
    return found


def watched(connection: Connection, services: Iterable[str], *, now: datetime) -> frozenset[str]:
    """Which of the services are watched sharply now."""
    query = sa.select(watches.c.service).where(watches.c.service.in_(list(services)), watches.c.until > now)
    return frozenset(connection.scalars(query.distinct()))
