"""Requests that were not as others are, as people ask for them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from datetime import datetime

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.minute_rows import SESSIONS
from adapters.store.tables.counted import judged_minutes, session_findings
from domain.findings import minute_at
from domain.sessions import AbnormalSession

MOST = 1_000


def stored_sessions(engine: sa.Engine, *, since: datetime, services: Collection[str] | None) -> list[AbnormalSession]:
    """Those that were over from `since` on, the newest first, at most a thousand; of all services for None."""
    held = session_findings.c
    query = sa.select(session_findings).where(held.minute >= int(since.timestamp()) // 60)
    if services is not None:
        query = query.where(held.service.in_(sorted(services)))
    return _found(engine, query.order_by(held.minute.desc(), held.score.desc(), held.id))


def sessions_of(engine: sa.Engine, key: str) -> list[AbnormalSession]:
    """Those with this key, the newest first."""
    held = session_findings.c
    return _found(engine, sa.select(session_findings).where(held.key == key).order_by(held.id.desc()))


def _found(engine: sa.Engine, query: sa.Select[tuple[object, ...]]) -> list[AbnormalSession]:
    names = [field.name for field in fields(AbnormalSession)]
    with transaction(engine) as connection:
        rows = connection.execute(query.limit(MOST)).all()
    return [
        AbnormalSession(**({name: getattr(row, name) for name in names} | {"reasons": tuple(row.reasons)}))
        for row in rows
    ]


def kept_memory(engine: sa.Engine) -> tuple[datetime, bytes] | None:
    """What judging requests remembered when it was kept last, and as of when."""
    query = sa.select(judged_minutes.c.minute, judged_minutes.c.packed).where(judged_minutes.c.name == SESSIONS)
    with transaction(engine) as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else (minute_at(int(row[0]) + 1), bytes(row[1]))
