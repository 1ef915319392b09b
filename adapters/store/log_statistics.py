"""Logs in numbers by service and hour, from what blocks say of themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from adapters.log_blocks import chosen, unpack
from adapters.log_summaries import COUNTS, MEASURES, TEXTS, Summary, added, measures, quantile, summarise
from adapters.store.database import snapshot
from adapters.store.log_metrics import MEASURED
from adapters.store.log_reader import ABOUT, Asked, blocks, of_block, read_again
from adapters.store.log_rows import pages
from adapters.store.tables.stored_logs import log_blocks
from domain.logs import UTC_MICROSECONDS, Level

# What summaries are made of.
READ = ("timestamp", "service", "level", "anomaly", "incident_id", "arrived_at", "measured", "message")
PACKED = ("counts", "measures", "texts")
AT_ONCE = 100  # blocks whose summaries are held at a time
Key = tuple[str, datetime]  # service and hour
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True, slots=True)
class Hour:
    """One service in one hour."""

    service: str
    hour: datetime
    logs: int
    levels: dict[str, int]  # of the levels that occurred
    anomalies: int
    metrics: dict[str, dict[str, float]]  # name -> values, mean and quantiles
    templates: list[tuple[str, int]]  # the most frequent first; estimated from a sample

    @property
    def anomaly_rate(self) -> float:
        """Anomalies a log, 0 to 1."""
        return self.anomalies / self.logs if self.logs else 0.0


@dataclass(frozen=True, slots=True)
class Spread:
    """Values of metrics by bucket (`adapters/log_summaries.py:value_of`), and logs."""

    metrics: dict[tuple[str, str], dict[int, int]]  # (service, metric) -> bucket -> values
    logs: int
    anomalies: int


def whole_hour(moment: datetime) -> datetime:
    """The beginning of its hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


@read_again
def statistics(
    engine: sa.Engine, *, since: datetime, services: Sequence[str] | None = None, templates: int = 5
) -> list[Hour]:
    """Each service and hour from the hour of `since` on, by service, the newest hour first."""
    asked = Asked(since=whole_hour(since), services=services)
    with snapshot(engine) as connection:
        found = _summed(_summaries(connection, asked))
    counts, values, texts = _split(found.counts), _split(found.measures), _split(found.texts)
    nothing = found.measures.slice(0, 0), found.texts.slice(0, 0)
    return [
        _hour(key, mine, values.get(key, nothing[0]), _frequent(texts.get(key, nothing[1]), templates))
        for key, mine in counts.items()
    ]


@read_again
def spread_since(engine: sa.Engine, since: datetime) -> Spread:
    """How the metrics of each service are spread from then on, over all hours, and how many logs were anomalies."""
    with snapshot(engine) as connection:
        found = _summed(_summaries(connection, Asked(since=since)))
    metrics: dict[tuple[str, str], dict[int, int]] = {}
    columns = (found.measures[name].to_pylist() for name in ("service", "metric", "bucket", "values"))
    for service, metric, bucket, values in zip(*columns, strict=True):
        mine = metrics.setdefault((service, metric), {})
        mine[bucket] = mine.get(bucket, 0) + values
    logs, anomalies = (int(pc.sum(found.counts[name]).as_py() or 0) for name in ("logs", "anomalies"))
    return Spread(metrics, logs, anomalies)


def _summed(summaries: Iterator[Summary]) -> Summary:
    held: list[Summary] = []
    for one in summaries:
        held.append(one)
        if len(held) == AT_ONCE:
            held = [_add(held)]
    whole = _add(held)
    hours = pc.floor_temporal(whole.counts["minute"], unit="hour").cast(UTC_MICROSECONDS)
    return Summary(whole.counts.append_column("hour", hours), whole.measures, whole.texts)


def _add(held: list[Summary]) -> Summary:
    return Summary(
        added([one.counts for one in held], COUNTS),
        added([one.measures for one in held], MEASURES),
        added([one.texts for one in held], TEXTS),
    )


def _summaries(connection: sa.Connection, asked: Asked) -> Iterator[Summary]:
    """Of single logs, of blocks that lie within the time, and of the wanted logs of those that do not."""
    for page in pages(connection, asked, READ):
        yield summarise(page)
    for block in blocks(connection, asked):
        if not asked.covers(block):
            yield summarise(of_block(connection, block, asked, READ))
    for row in _covered(connection, asked):
        counts, values, texts = (bytes(getattr(row, name)) for name in PACKED)
        told = unpack(values) if values else measures(of_block(connection, row, asked, MEASURED))
        yield Summary(*(chosen(one, asked.services) for one in (unpack(counts), told, unpack(texts))))


def _covered(connection: sa.Connection, asked: Asked) -> Iterator[sa.Row[Any]]:
    """Summaries of the blocks that lie within the time wholly, a few at a time."""
    within = [log_blocks.c.first_at >= asked.since] if asked.since is not None else []
    columns = (*ABOUT, *(log_blocks.c[name] for name in PACKED))
    query = sa.select(*columns).where(*within, *asked.conditions(log_blocks))
    with connection.execute(query, execution_options={"yield_per": AT_ONCE}) as rows:
        yield from rows


def _split(table: pa.Table) -> dict[Key, pa.Table]:
    """The rows of each service and hour."""
    ordered = table.sort_by([("service", "ascending"), ("hour", "descending")])
    sizes = ordered.group_by(["service", "hour"], use_threads=False).aggregate([([], "count_all")])
    found: dict[Key, pa.Table] = {}
    begin = 0
    for service, hour, size in zip(
        *(sizes[name].to_pylist() for name in ("service", "hour", "count_all")), strict=True
    ):
        found[service, hour] = ordered.slice(begin, size)
        begin += size
    return found


def _hour(key: Key, counts: pa.Table, values: pa.Table, frequent: pa.Table) -> Hour:
    levels: dict[str, int] = {}
    for level, logs in zip(counts["level"].to_pylist(), counts["logs"].to_pylist(), strict=True):
        levels[Level(level).name] = levels.get(Level(level).name, 0) + logs
    return Hour(
        *key,
        logs=sum(levels.values()),
        levels={level.name: levels[level.name] for level in reversed(Level) if level.name in levels},
        anomalies=int(pc.sum(counts["anomalies"]).as_py() or 0),
        metrics={name: _metric(values, name) for name in sorted(set(values["metric"].to_pylist()))},
        templates=list(zip(frequent["template"].to_pylist(), frequent["logs"].to_pylist(), strict=True)),
    )


def _frequent(texts: pa.Table, most: int) -> pa.Table:
    return texts.take(pc.sort_indices(texts, [("logs", "descending"), ("template", "ascending")])[:most])


def _metric(held: pa.Table, name: str) -> dict[str, Any]:
    mine = held.filter(pc.equal(held["metric"], name))
    buckets, values = mine["bucket"].to_numpy().astype(np.int64), mine["values"].to_numpy()
    many = int(values.sum())
    told: dict[str, Any] = {"values": many, "mean": float(pc.sum(mine["sum"]).as_py()) / many}
    return told | {share: quantile(buckets, values, at) for share, at in SHARES.items()}
