"""What a model learns from: normal logs of the whole time, of every service some, without what was not usual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from numpy.typing import NDArray

from adapters.log_blocks import STORED
from adapters.store.alarm_verdicts import false_alarms
from adapters.store.database import snapshot
from adapters.store.log_reader import Asked, read, read_again
from adapters.store.mutes import all_mutes
from adapters.store.tables import alerts, incidents, log_blocks, logs
from domain.grouping import codes_of, microseconds
from domain.logs import UTC_MICROSECONDS
from domain.muting import MuteKind
from domain.recurrence import Span
from domain.unusual import Unusual, of_alert, of_mutes

LEARNED = ("timestamp", "service", "measured")
ASKED = (*LEARNED, "anomaly", "incident_id")
# Of each block so many logs of each service are taken in any case, however few of its logs are.
SOME = 20


@dataclass(frozen=True, slots=True)
class History:
    """A sample of normal logs, and what it leaves out."""

    logs: pa.Table  # columns of LEARNED
    seen: int  # logs of that time
    left_out: dict[str, int]  # why -> logs


@read_again
def history(engine: sa.Engine, *, since: datetime, now: datetime, limit: int) -> History:
    """Time, service and metrics of about `limit` logs that arrived since then, spread over all of that time."""
    muted = [*all_mutes(engine, MuteKind.SILENCE), *all_mutes(engine, MuteKind.MAINTENANCE)]
    found: list[pa.Table] = []
    left_out = {"anomaly": 0, "incident": 0, "silence": 0}
    seen = 0
    with snapshot(engine) as connection:
        stride = max(1, -(-_arrived(connection, since) // limit))
        wrong = false_alarms(connection)
        of_alerts = _alerts(connection, wrong, since=since, now=now)
        for part in read(connection, Asked(arrived_since=since), ASKED):
            services = part["service"].unique().to_pylist()
            whole = Span(pc.min(part["timestamp"]).as_py(), pc.max(part["timestamp"]).as_py())
            kept, why = usual(part, [*of_alerts, *of_mutes(muted, services, whole)], wrong)
            found.append(sampled(kept, stride))
            seen += len(part)
            left_out = {name: count + why.get(name, 0) for name, count in left_out.items()}
    empty = pa.schema([STORED.field(name) for name in LEARNED]).empty_table()
    return History(pa.concat_tables(found) if found else empty, seen, left_out)


def _arrived(connection: sa.Connection, since: datetime) -> int:
    """About how many logs arrived since then."""
    in_blocks = sa.select(sa.func.sum(log_blocks.c.logs)).where(log_blocks.c.last_arrived_at >= since)
    alone = sa.select(sa.func.count()).select_from(logs).where(~logs.c.in_block, logs.c.arrived_at >= since)
    return sum(int(connection.scalar(query) or 0) for query in (in_blocks, alone))


def _alerts(connection: sa.Connection, wrong: Sequence[int], *, since: datetime, now: datetime) -> list[Unusual]:
    """When which service had an alert of an incident that was confirmed and is not called a false alarm."""
    query = (
        sa.select(alerts.c.service, alerts.c.opened_at, alerts.c.last_at, alerts.c.closed)
        .join(incidents, incidents.c.id == alerts.c.incident_id)
        .where(incidents.c.confirmed_at.is_not(None), alerts.c.last_at >= since)
        .where(incidents.c.id.not_in(wrong))
    )
    rows = connection.execute(query)
    return [of_alert(service, begun, last, is_open=not closed, now=now) for service, begun, last, closed in rows]


def usual(part: pa.Table, times: Sequence[Unusual], wrong: Sequence[int] = ()) -> tuple[pa.Table, dict[str, int]]:
    """The logs that are no anomaly and of no unusual time, with the columns LEARNED; and why others are left out.

    Logs of the incidents `wrong` are usual: people said so.
    """
    odd = pc.or_(part["anomaly"], pc.is_valid(part["incident_id"]))
    called = pc.is_in(part["incident_id"], value_set=pa.array(wrong, pa.int64()))
    odd = pc.and_(odd, pc.invert(called)).to_numpy(zero_copy_only=False)
    why = {"anomaly": int(odd.sum())}
    codes, names = codes_of(part["service"])
    numbers = {name: at for at, name in enumerate(names.to_pylist())}
    at = microseconds(part["timestamp"])
    for one in times:
        begins, ends = (pa.scalar(edge, UTC_MICROSECONDS).value for edge in (one.span.begins, one.span.ends))
        within = (codes == numbers.get(one.service, -1)) & (at >= begins) & (at < ends) & ~odd
        why[one.why] = why.get(one.why, 0) + int(within.sum())
        odd |= within
    return part.filter(pa.array(~odd)).select(LEARNED), why


def sampled(part: pa.Table, stride: int) -> pa.Table:
    """Every so many-th log of each service, and its first few."""
    if stride == 1 or not len(part):
        return part
    codes, _ = codes_of(part["service"])
    order = np.argsort(codes, kind="stable")
    begins = np.searchsorted(codes[order], codes[order])
    rank: NDArray[np.int64] = np.empty(len(part), np.int64)
    rank[order] = np.arange(len(part)) - begins
    return part.filter(pa.array((rank % stride == 0) | (rank < SOME)))
