"""Logs counted by service, minute, incident and level, without reading them where a block says so already."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from adapters.log_blocks import unpack
from adapters.log_summaries import COUNTS, added, counts
from adapters.store.log_reader import Asked, blocks, of_block, packed
from adapters.store.many_rows import among
from adapters.store.tables.schema import UtcTime
from adapters.store.tables.stored_logs import logs
from domain.logs import Level

COUNTED = ("timestamp", "service", "level", "anomaly", "incident_id", "arrived_at")
TIMES = ("first_at", "last_at", "arrived_at")


def counted(connection: sa.Connection, asked: Asked) -> pa.Table:
    """The wanted logs with the columns of COUNTS."""
    found = [_single(connection, asked)]
    for block in blocks(connection, asked):
        if asked.covers(block):
            found.append(unpack(packed(connection, block, "counts")))
        else:
            found.append(counts(of_block(connection, block, asked, COUNTED)))
    whole = added(found, COUNTS) if len(found) > 1 else found[0]
    if asked.services is not None:
        whole = whole.filter(pc.is_in(whole["service"], value_set=pa.array(asked.services, pa.string())))
    return whole


def _single(connection: sa.Connection, asked: Asked) -> pa.Table:
    """Those that are rows, counted by the database; their minute is that of the first."""
    keys = (logs.c.service, sa.func.coalesce(logs.c.incident_id, 0).label("incident_id"), logs.c.level)
    query = sa.select(
        *keys,
        sa.func.count().label("logs"),
        sa.func.count().filter(logs.c.anomaly).label("anomalies"),
        sa.func.min(logs.c.timestamp).label("first_at"),
        sa.func.max(logs.c.timestamp).label("last_at"),
        sa.func.max(logs.c.arrived_at).label("arrived_at"),
    ).where(~logs.c.in_block, *asked.conditions(logs))
    if asked.services is not None:
        query = query.where(among(connection, logs.c.service, asked.services))
    rows = connection.execute(query.group_by(*keys)).all()
    held: dict[str, list[Any]] = {
        name: [getattr(row, name) for row in rows] for name in COUNTS.names if name != "minute"
    }
    held |= {name: [_time(at, connection) for at in held[name]] for name in TIMES}
    held["minute"] = [at - timedelta(seconds=at.second, microseconds=at.microsecond) for at in held["first_at"]]
    return pa.table([pa.array(held[one.name], one.type) for one in COUNTS], schema=COUNTS)


def _time(value: datetime | str, connection: sa.Connection) -> datetime | None:
    """An aggregate loses the column's own type, and with it, on SQLite, the zone."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return UtcTime().process_result_value(moment, connection.dialect)


@dataclass(frozen=True, slots=True)
class Tally:
    """Logs of one kind in numbers."""

    logs: int = 0
    anomalous: int = 0
    errors: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    arrived_at: datetime | None = None  # of the latest


def tally(
    found: pa.Table,
    *,
    services: Collection[str] | None = None,
    all_but: bool = False,
    incident: int | None = None,
    least: Level = Level.TRACE,
) -> Tally:
    """What was counted, of these services or of all others, of an incident, and from a level on."""
    if services is not None:
        mine = pc.is_in(found["service"], value_set=pa.array(sorted(services), pa.string()))
        found = found.filter(pc.invert(mine) if all_but else mine)
    if incident is not None:
        found = found.filter(pc.equal(found["incident_id"], incident))
    if least > Level.TRACE:
        found = found.filter(pc.greater_equal(found["level"], int(least)))
    if not len(found):
        return Tally()
    errors = found.filter(pc.greater_equal(found["level"], int(Level.ERROR)))
    return Tally(
        logs=_sum(found, "logs"),
        anomalous=_sum(found, "anomalies"),
        errors=_sum(errors, "logs"),
        first_at=pc.min(found["first_at"]).as_py(),
        last_at=pc.max(found["last_at"]).as_py(),
        arrived_at=pc.max(found["arrived_at"]).as_py(),
    )


def _sum(found: pa.Table, name: str) -> int:
    return int(pc.sum(found[name]).as_py() or 0)
