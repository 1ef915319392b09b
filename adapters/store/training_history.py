"""What a model learns from and is judged by: a sample of normal logs, and the later logs with their incidents."""

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
from adapters.store.log_reader import Asked, as_table, read, read_again
from adapters.store.many_rows import among
from adapters.store.mutes import all_mutes
from adapters.store.tables.found import alerts, incidents
from adapters.store.tables.stored_logs import log_blocks
from adapters.store.tables.stored_logs import logs as logs_table
from adapters.store.training_lines import EMPTY, LINES, SAID, Told, older, sayings
from domain.canary import SERVICE
from domain.grouping import codes_of, microseconds
from domain.incidents import Kind
from domain.logs import UTC_MICROSECONDS
from domain.muting import MuteKind
from domain.recurrence import Span
from domain.unusual import Unusual, of_alert, of_mutes

LEARNED = ("timestamp", "service", "measured", "level", "message", SAID)
ASKED = ("timestamp", "service", "measured", "level", "message", "anomaly", "reason", "incident_id")
JUDGED = ("timestamp", "service", "level", "message", "request_id", "measured", "incident_id")
# Of each block so many logs of each service are taken in any case, however few of its logs are.
SOME = 20


NOTHING_LEARNED = pa.schema(
    [EMPTY.schema.field(name) if name in LINES else STORED.field(name) for name in LEARNED]
).empty_table()


@dataclass(frozen=True, slots=True)
class History:
    """A sample of normal logs, and what it leaves out."""

    logs: pa.Table  # columns of LEARNED
    told: pa.Table  # lines of incidents beside that, columns of LINES
    seen: int  # logs of that time
    left_out: dict[str, int]  # why -> logs


@dataclass(frozen=True, slots=True)
class Later:
    """All logs of one stretch in order of event time, and what became of them; arrays of shape (n_logs,)."""

    logs: pa.Table  # columns of JUDGED
    usual: NDArray[np.bool_]  # neither around a confirmed incident nor silenced; also what was an anomaly by itself
    incident: NDArray[np.int64]  # id of the confirmed incident that a log is of, 0 for none


@read_again
def history(engine: sa.Engine, *, since: datetime, now: datetime, limit: int) -> History:
    """About `limit` logs that arrived since then, spread over all of that time, and lines of its incidents."""
    muted = [*all_mutes(engine, MuteKind.SILENCE), *all_mutes(engine, MuteKind.MAINTENANCE)]
    found: list[pa.Table] = []
    told = Told()
    left_out = {"anomaly": 0, "incident": 0, "silence": 0}
    seen = 0
    with snapshot(engine) as connection:
        stride = max(1, -(-_arrived(connection, since) // limit))
        said = sayings(connection, since=since)
        of_alerts = _alerts(connection, said.false, since=since, now=now)
        told.take(older(connection, said, until=since), sampled_all=False)
        for part in map(said.mark, map(_of_others, read(connection, Asked(arrived_since=since), ASKED))):
            services = part["service"].unique().to_pylist()
            whole = Span(pc.min(part["timestamp"]).as_py(), pc.max(part["timestamp"]).as_py())
            kept, why = usual(part, [*of_alerts, *of_mutes(muted, services, whole)], said.false)
            found.append(sampled(kept, stride))
            told.take(part, sampled_all=stride == 1)
            seen += len(part)
            left_out = {name: count + why.get(name, 0) for name, count in left_out.items()}
    return History(pa.concat_tables([NOTHING_LEARNED, *found]), told.newest(), seen, left_out)


@read_again
def later(engine: sa.Engine, *, arrived_since: datetime, since: datetime, now: datetime, limit: int) -> Later:
    """What was said from `since` on, by event time; of more than about `limit` logs the newest, and all incidents'.

    Nothing is sampled, as some logs in a row confirm an incident. Logs that the champion flagged count as usual where
    no confirmed incident is about them, or one that people call a false alarm: leaving them out would hide what it
    flags for nothing.
    """
    muted = [*all_mutes(engine, MuteKind.SILENCE), *all_mutes(engine, MuteKind.MAINTENANCE)]
    with snapshot(engine) as connection:
        logs = _newest(connection, Asked(arrived_since=arrived_since, since=since), limit)
        if not len(logs):
            return Later(logs, np.zeros(0, np.bool_), np.zeros(0, np.int64))
        whole = Span(pc.min(logs["timestamp"]).as_py(), pc.max(logs["timestamp"]).as_py())
        wrong = false_alarms(connection)
        times = _alerts(connection, wrong, since=since, now=now)
        times += of_mutes(muted, logs["service"].unique().to_pylist(), whole)
        confirmed = _confirmed(connection, wrong, since=since)
        before = _rows_of(connection, confirmed, until=whole.begins, limit=limit)
    odd = _mark(logs, times, np.zeros(len(logs), np.bool_), {})
    logs = pa.concat_tables([before, logs])
    of = logs["incident_id"].fill_null(0).to_numpy().astype(np.int64)
    usual = np.concatenate([np.zeros(len(before), np.bool_), ~odd])
    return Later(logs, usual, np.where(np.isin(of, confirmed), of, 0))


def _of_others(part: pa.Table) -> pa.Table:
    """Without the faults that the agent sends itself: nothing is learned from a test."""
    return part.filter(pc.not_equal(part["service"], SERVICE))


def _rows_of(connection: sa.Connection, confirmed: Sequence[int], *, until: datetime, limit: int) -> pa.Table:
    """The logs of incidents before the stretch that is read whole: the first thousand of each are rows as well."""
    query = sa.select(logs_table).where(
        among(connection, logs_table.c.incident_id, confirmed), logs_table.c.timestamp < until
    )
    found = connection.execute(query.order_by(logs_table.c.timestamp).limit(limit))
    return as_table([dict(row._mapping) for row in found], JUDGED)  # noqa: SLF001 - SQLAlchemy's public name


def _newest(connection: sa.Connection, asked: Asked, limit: int) -> pa.Table:
    """The newest logs, in order, from where all of them are there."""
    found: list[pa.Table] = []
    begins: datetime | None = None
    for part in map(_of_others, read(connection, asked, JUDGED, newest_first=True)):
        if len(found) > 1 and sum(map(len, found)) >= limit:
            # Single logs come first, however old: what lies before the last block that was read is not whole.
            begins = pc.min(found[-1]["timestamp"]).as_py()
            break
        found.append(part)
    schema = pa.schema([STORED.field(name) for name in JUDGED])
    logs = pa.concat_tables(found).sort_by("timestamp") if found else schema.empty_table()
    return (
        logs
        if begins is None
        else logs.filter(pc.greater_equal(logs["timestamp"], pa.scalar(begins, UTC_MICROSECONDS)))
    )


def _confirmed(connection: sa.Connection, wrong: Sequence[int], *, since: datetime) -> list[int]:
    """Confirmed incidents that opened since then, but false alarms; what was open before is not seen whole."""
    query = sa.select(incidents.c.id).where(incidents.c.confirmed_at.is_not(None), incidents.c.opened_at >= since)
    query = query.where(incidents.c.kind != Kind.CANARY)
    return list(connection.scalars(query.where(incidents.c.id.not_in(wrong))))


def _arrived(connection: sa.Connection, since: datetime) -> int:
    """About how many logs arrived since then."""
    in_blocks = sa.select(sa.func.sum(log_blocks.c.logs)).where(log_blocks.c.last_arrived_at >= since)
    single = (~logs_table.c.in_block, logs_table.c.arrived_at >= since)
    alone = sa.select(sa.func.count()).select_from(logs_table).where(*single)
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
    odd = _mark(part, times, odd, why)
    return part.filter(pa.array(~odd)).select(LEARNED), why


def _mark(part: pa.Table, times: Sequence[Unusual], odd: NDArray[np.bool_], why: dict[str, int]) -> NDArray[np.bool_]:
    """Which logs are odd already or of an unusual time of their service; what is added is counted in `why`."""
    codes, names = codes_of(part["service"])
    numbers = {name: at for at, name in enumerate(names.to_pylist())}
    at = microseconds(part["timestamp"])
    for one in times:
        begins, ends = (pa.scalar(edge, UTC_MICROSECONDS).value for edge in (one.span.begins, one.span.ends))
        within = (codes == numbers.get(one.service, -1)) & (at >= begins) & (at < ends) & ~odd
        why[one.why] = why.get(one.why, 0) + int(within.sum())
        odd = odd | within
    return odd


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
