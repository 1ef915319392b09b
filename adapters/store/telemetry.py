"""The logs around an onset, read where they lie: as many as a look may cost, evenly over the time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from adapters.log_telemetry import PLACE, READ, Part, nothing
from adapters.store.database import snapshot
from adapters.store.log_reader import Asked, as_table, blocks, of_block, read_again, single
from domain.logs import UTC_MICROSECONDS, Level
from domain.telemetry import LogId, Span

MOST_LOGS = 100_000  # of one span, that a look reads
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
def part(engine: sa.Engine, span: Span, services: Collection[str] | None = None, *, most: int = MOST_LOGS) -> Part:
    """The logs of a span, of all services or of these, or a sample of about `most` of them."""
    asked = Asked(span.since, span.until, services=None if services is None else sorted(services))
    with snapshot(engine) as connection:
        loose = as_table(single(connection, asked, limit=most), READ)
        held = blocks(connection, asked)
        every = max(1, -(-sum(block.logs for block in held) // max(most, 1)))
        # Of many blocks each so-manieth, of few ones each so-manieth log.
        step = min(every, max(1, len(held) // 20))
        chosen = held[::step]
        found = [of_block(connection, block, asked, READ) for block in chosen]
    weight = len(held) / len(chosen) if chosen else 1.0
    whole = pa.concat_tables(found) if found else nothing()
    thinned = whole.take(pa.array(range(0, len(whole), stride))) if (stride := -(-every // step)) > 1 else whole
    weight *= len(whole) / len(thinned) if len(thinned) else 1.0
    if not len(loose):
        return Part(span, thinned, weight)
    return Part(span, pa.concat_tables([loose, thinned]), weight if len(thinned) > len(loose) else 1.0)


@read_again
def quoted(engine: sa.Engine, wanted: Mapping[LogId, datetime]) -> dict[LogId, Quoted]:
    """These logs, found by where and when they are; what is not there any more is left out."""
    found: dict[LogId, Quoted] = {}
    with snapshot(engine) as connection:
        for at, ids in _by_time(wanted).items():
            asked = Asked(at, at + timedelta(microseconds=1))
            found |= _of(as_table(single(connection, asked), QUOTED), ids)
            for block in blocks(connection, asked):
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


def first_of(logs: pa.Table, wanted: Collection[LogId]) -> dict[LogId, Quoted]:
    """Those of these logs that a table with the columns of READ holds."""
    offsets = pa.array(sorted({log.offset for log in wanted}), pa.int64())
    return _of(logs.filter(pc.is_in(logs["offset"], value_set=offsets)).select(QUOTED), wanted)


def within(logs: pa.Table, span: Span) -> pa.Table:
    """Those of a table that were written in the span."""
    since, until = (pa.scalar(at, UTC_MICROSECONDS) for at in (span.since, span.until))
    return logs.filter(pc.and_(pc.greater_equal(logs["timestamp"], since), pc.less(logs["timestamp"], until)))
