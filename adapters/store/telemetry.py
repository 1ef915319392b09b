"""The logs around an onset, read where they lie: as many as a look may cost, evenly over the time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from adapters.log_telemetry import PLACE, READ, Part, nothing
from adapters.store.database import snapshot
from adapters.store.log_reader import Asked, as_table, blocks, of_block, read_again, single
from adapters.store.many_rows import among
from adapters.store.tables.stored_logs import logs
from adapters.store.traffic import AHEAD
from domain.logs import Level
from domain.telemetry import LogId, Span

MOST_LOGS = 100_000  # of one span, that a look reads
MOST_OF_INCIDENT = 1_000
SLICES = 20  # of a span, or blocks, that a sample is taken from
INSTANT = timedelta(microseconds=1)
# What is read to quote a log.
QUOTED = ("timestamp", "service", "level", "message", *PLACE)


@dataclass(frozen=True, slots=True)
class Quoted:
    """A stored log as somebody may quote it; not masked."""

    log: LogId
    at: datetime
    service: str
    level: Level
    message: str


@read_again
def part(
    engine: sa.Engine,
    span: Span,
    services: Collection[str] | None = None,
    *,
    incident_id: int | None = None,
    most: int = MOST_LOGS,
) -> Part:
    """The logs of a span, of all services or of these, or a sample of about `most` of them.

    Of a sample the logs of the incident are a part in any case, as far as they are kept as rows.
    """
    wanted = None if services is None else sorted(services)
    asked = Asked(span.since, span.until, arrived_since=span.since - AHEAD, services=wanted)
    with snapshot(engine) as connection:
        held = blocks(connection, asked)
        loose = _loose_count(connection, asked)
        share = min(1.0, most / max(1.0, loose + sum(_within(block, span) for block in held)))
        rows = _loose(connection, asked, span, share)
        packed, weight = _packed(connection, asked, held, share)
        own = _of_incident(connection, asked, incident_id) if share < 1 and incident_id is not None else nothing()
    sample = _without(pa.concat_tables([rows, packed]), own)
    stands_for = (loose + weight * len(packed) - len(own)) / len(sample) if len(sample) else 1.0
    return Part(span, pa.concat_tables([own, sample]), max(1.0, stands_for), alone=len(own))


def _loose_count(connection: sa.Connection, asked: Asked) -> int:
    query = sa.select(sa.func.count()).select_from(logs).where(~logs.c.in_block, *asked.conditions(logs))
    if asked.services is not None:
        query = query.where(among(connection, logs.c.service, asked.services))
    return int(connection.scalar(query) or 0)


def _within(block: sa.Row[Any], span: Span) -> float:
    """About how many of a block's logs were written in the span."""
    long = (block.last_at - block.first_at).total_seconds()
    common = (min(block.last_at, span.until) - max(block.first_at, span.since)).total_seconds()
    return float(block.logs) * (max(common, 0.0) / long if long else 1.0)


def _loose(connection: sa.Connection, asked: Asked, span: Span, share: float) -> pa.Table:
    """Logs that are rows: all of them, or the first of each slice of the span, so that traces stay together."""
    if share >= 1:
        return as_table(single(connection, asked), READ)
    width = (span.until - span.since) / SLICES
    found: list[dict[str, Any]] = []
    for since in (span.since + number * width for number in range(SLICES)):
        found += single(connection, replace(asked, since=since, until=since + share * width))
    return as_table(found, READ)


def _packed(
    connection: sa.Connection, asked: Asked, held: Sequence[sa.Row[Any]], share: float
) -> tuple[pa.Table, float]:
    """The logs of blocks, and how many each of these stands for."""
    every = max(1, round(1 / share))
    # Of many blocks each so-manieth, of few ones each so-manieth log.
    step = min(every, max(1, len(held) // SLICES))
    stride = -(-every // step)
    chosen, found, seen = held[::step], [nothing()], 0
    for block in chosen:
        whole = of_block(connection, block, asked, READ)
        seen += len(whole)
        found.append(whole.take(pa.array(range(0, len(whole), stride))) if stride > 1 else whole)
    kept = pa.concat_tables(found)
    return kept, len(held) / len(chosen) * seen / len(kept) if len(kept) else 1.0


def _of_incident(connection: sa.Connection, asked: Asked, incident_id: int) -> pa.Table:
    """The first logs of an incident: rows, whether a block holds them too or not."""
    query = sa.select(logs).where(logs.c.incident_id == incident_id, logs.c.anomaly, *asked.conditions(logs))
    rows = connection.execute(query.order_by(logs.c.timestamp).limit(MOST_OF_INCIDENT)).mappings()
    return asked.choose(as_table([dict(row) for row in rows])).select(list(READ))


def _without(whole: pa.Table, others: pa.Table) -> pa.Table:
    """Those of a table that are not in the other one."""
    known = set(zip(*(others[name].to_pylist() for name in PLACE), strict=True))
    if not known:
        return whole
    places = zip(*(whole[name].to_pylist() for name in PLACE), strict=True)
    return whole.filter(pa.array([place not in known for place in places]))


@read_again
def quoted(engine: sa.Engine, wanted: Mapping[LogId, datetime]) -> dict[LogId, Quoted]:
    """These logs, found by where and when they are; what is not there any more is left out."""
    if not wanted:
        return {}
    since, until = min(wanted.values()), max(wanted.values()) + INSTANT
    whole = Asked(since, until, arrived_since=since - AHEAD)
    with snapshot(engine) as connection:
        rows = single(connection, whole, logs.c.offset.in_(sorted({log.offset for log in wanted})))
        found = _of(as_table(rows, QUOTED), wanted)
        for at, ids in _by_time(wanted).items():
            asked = Asked(at, at + INSTANT, arrived_since=at - AHEAD)
            for block in blocks(connection, asked) if ids - found.keys() else ():
                if missing := ids - found.keys():
                    found |= _of(of_block(connection, block, asked, QUOTED), missing)
    return found


def _by_time(wanted: Mapping[LogId, datetime]) -> dict[datetime, set[LogId]]:
    times: dict[datetime, set[LogId]] = {}
    for log, at in wanted.items():
        times.setdefault(at, set()).add(log)
    return times


def _of(found: pa.Table, ids: Iterable[LogId]) -> dict[LogId, Quoted]:
    wanted = set(ids)
    return {log.log: log for log in map(as_quoted, found.to_pylist()) if log.log in wanted}


def as_quoted(row: dict[str, Any]) -> Quoted:
    """A row of a table with the columns of QUOTED."""
    log = LogId(*(row[name] or 0 for name in PLACE))
    return Quoted(log, row["timestamp"], row["service"], Level(row["level"]), row["message"] or "")


def first_of(found: pa.Table, wanted: Collection[LogId]) -> dict[LogId, Quoted]:
    """Those of these logs that a table with the columns of READ holds."""
    offsets = pa.array(sorted({log.offset for log in wanted}), pa.int64())
    return _of(found.filter(pc.is_in(found["offset"], value_set=offsets)).select(QUOTED), wanted)
