"""What checks of the input found, stretch by stretch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.tables.stored_logs import quality_results


def add_result(engine: sa.Engine, summary: Mapping[str, float], failures: Sequence[str], *, now: datetime) -> None:
    """Keep one stretch's summary and what it did not meet, in words."""
    row = {"at": now, "messages": int(summary["messages"]), "summary": dict(summary), "failures": list(failures)}
    with transaction(engine) as connection:
        connection.execute(quality_results.insert().values(row))


def results(
    engine: sa.Engine, *, since: datetime, failed_only: bool = False, limit: int = 1_000
) -> list[dict[str, Any]]:
    """Stretches since a moment, the newest first."""
    query = sa.select(quality_results).where(quality_results.c.at >= since).order_by(quality_results.c.id.desc())
    with transaction(engine) as connection:
        rows = [dict(row._mapping) for row in connection.execute(query.limit(limit))]  # noqa: SLF001 - public name
    return [row for row in rows if row["failures"] or not failed_only]


def drop_results_before(connection: sa.Connection, before: datetime) -> int:
    """Drop what is older; how many."""
    return connection.execute(quality_results.delete().where(quality_results.c.at < before)).rowcount
