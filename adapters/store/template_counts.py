"""How often each template came, by minute, as far as minutes are kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from adapters.store.database import snapshot
from adapters.store.minute_rows import unpacked
from adapters.store.tables.counted import minutes
from domain.findings import minute_at
from domain.minutes import ROWS, Measured


@dataclass(frozen=True, slots=True)
class TemplateCount:
    """One template in numbers."""

    id: int
    services: tuple[str, ...]
    logs: int
    first_at: datetime  # the minute, within the time that was asked for
    last_at: datetime


def template_counts(engine: sa.Engine, *, since: datetime, services: Collection[str] | None) -> list[TemplateCount]:
    """Templates of minutes from `since` on that are over, the most frequent first."""
    query = sa.select(minutes.c.minute, minutes.c.packed).where(minutes.c.minute >= int(since.timestamp()) // 60)
    parts: list[pa.Table] = []
    with snapshot(engine) as connection:
        for minute, held in connection.execute(query):
            part = unpacked(bytes(held))
            part = part.filter(pc.equal(part["measured"], int(Measured.TEMPLATE))).select(["service", "name", "values"])
            parts.append(part.append_column("minute", pa.array([minute] * len(part), pa.int64())))
    whole = pa.concat_tables(parts) if parts else ROWS.append(pa.field("minute", pa.int64())).empty_table()
    if services is not None:
        whole = whole.filter(pc.is_in(whole["service"], value_set=pa.array(sorted(services), pa.string())))
    return _counted(whole)


def _counted(whole: pa.Table) -> list[TemplateCount]:
    if not len(whole):
        return []
    found = whole.group_by("name").aggregate(
        [("service", "distinct"), ("values", "sum"), ("minute", "min"), ("minute", "max")]
    )
    rows = (
        TemplateCount(
            id=int(row["name"]),
            services=tuple(sorted(row["service_distinct"])),
            logs=row["values_sum"],
            first_at=minute_at(row["minute_min"]),
            last_at=minute_at(row["minute_max"]),
        )
        for row in found.to_pylist()
    )
    return sorted(rows, key=lambda one: (-one.logs, one.id))
