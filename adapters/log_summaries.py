"""What a block says in numbers: logs by service, minute, incident and level; metrics and texts by service and hour.

Each can be added to its like, so that an hour of blocks is read without a single log. Quantiles come from counts
in buckets whose edges grow by four hundredths, so they are within two hundredths of the true value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.grouping import codes_of, entries, grouped, microseconds
from domain.logs import UTC_MICROSECONDS
from domain.templates import template

MINUTE, HOUR = 60_000_000, 3_600_000_000  # microseconds
GROWTH = 1.04
ZERO = 0  # the bucket of what is nearly nothing
NEARLY_NOTHING = 1e-9
SAMPLED = 2_000  # logs of a block whose texts are counted; each stands for its neighbours

COUNTS = pa.schema(
    [
        ("service", pa.string()),
        ("minute", UTC_MICROSECONDS),
        ("incident_id", pa.int64()),  # 0 for none
        ("level", pa.int8()),
        ("logs", pa.int64()),
        ("anomalies", pa.int64()),
        ("first_at", UTC_MICROSECONDS),
        ("last_at", UTC_MICROSECONDS),
        ("arrived_at", UTC_MICROSECONDS),
    ]
)
MEASURES = pa.schema(
    [
        ("service", pa.string()),
        ("hour", UTC_MICROSECONDS),
        ("metric", pa.string()),
        ("bucket", pa.int32()),
        ("values", pa.int64()),
        ("sum", pa.float64()),
    ]
)
TEXTS = pa.schema(
    [("service", pa.string()), ("hour", UTC_MICROSECONDS), ("template", pa.string()), ("logs", pa.int64())]
)


@dataclass(frozen=True, slots=True)
class Summary:
    """A block in numbers."""

    counts: pa.Table
    measures: pa.Table
    texts: pa.Table


def summarise(logs: pa.Table) -> Summary:
    """The numbers of logs that have the columns of STORED."""
    return Summary(counts(logs), measures(logs), texts(logs))


def counts(logs: pa.Table) -> pa.Table:
    """Logs by service, minute, incident and level."""
    if not len(logs):
        return COUNTS.empty_table()
    services, names = codes_of(logs["service"])
    at, arrived = microseconds(logs["timestamp"]), microseconds(logs["arrived_at"])
    incidents = pc.fill_null(logs["incident_id"], 0).to_numpy().astype(np.int64)
    numbers, of_incident = np.unique(incidents, return_inverse=True)
    level = logs["level"].to_numpy().astype(np.int64)
    (service, minute, incident, grade), group = grouped(services, at // MINUTE, of_incident.astype(np.int64), level)
    many = len(service)
    first, last, came = (np.full(many, edge) for edge in (np.iinfo(np.int64).max, 0, 0))
    np.minimum.at(first, group, at)
    np.maximum.at(last, group, at)
    np.maximum.at(came, group, arrived)
    anomalies = np.bincount(group, logs["anomaly"].to_numpy(zero_copy_only=False), many).astype(np.int64)
    columns = [
        names.take(pa.array(service)),
        pa.array(minute * MINUTE).cast(UTC_MICROSECONDS),
        pa.array(numbers[incident]),
        pa.array(grade, pa.int8()),
        pa.array(np.bincount(group, minlength=many).astype(np.int64)),
        pa.array(anomalies),
        *(pa.array(times).cast(UTC_MICROSECONDS) for times in (first, last, came)),
    ]
    return pa.table(columns, schema=COUNTS)


# Larger values share a bucket, whose middle is still a number.
LARGEST = 1e290


def bucket_of(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bucket of each value: rising with it, the bucket of 0 in the middle."""
    size = np.minimum(np.abs(values), LARGEST)
    small = size < NEARLY_NOTHING
    exponent = np.ceil(np.log(np.where(small, 1.0, size) / NEARLY_NOTHING) / np.log(GROWTH)).astype(np.int64) + 1
    return np.where(small, ZERO, np.where(values < 0, -exponent, exponent))


def value_of(bucket: int) -> float:
    """The value in the middle of a bucket."""
    if bucket == ZERO:
        return 0.0
    size = NEARLY_NOTHING * GROWTH ** (abs(bucket) - 1) * 2 / (1 + GROWTH)
    return float(np.copysign(size, bucket))


def measures(logs: pa.Table) -> pa.Table:
    """Values of each metric by service and hour, in buckets."""
    of_row, keys, values = entries(logs["measured"])
    if not len(values):
        return MEASURES.empty_table()
    metrics, names = codes_of(keys)
    services, service_names = codes_of(logs["service"])
    hours = microseconds(logs["timestamp"]) // HOUR
    (service, hour, metric, bucket), group = grouped(services[of_row], hours[of_row], metrics, bucket_of(values))
    columns = [
        service_names.take(pa.array(service)),
        pa.array(hour * HOUR).cast(UTC_MICROSECONDS),
        names.take(pa.array(metric)),
        pa.array(bucket, pa.int32()),
        pa.array(np.bincount(group, minlength=len(service)).astype(np.int64)),
        pa.array(np.bincount(group, values, len(service))),
    ]
    return pa.table(columns, schema=MEASURES)


def texts(logs: pa.Table) -> pa.Table:
    """Templates of messages by service and hour, estimated from every so-manieth log."""
    if not len(logs):
        return TEXTS.empty_table()
    every = -(-len(logs) // SAMPLED)
    # One of each stretch, not always the same one: services may take turns.
    begins = np.arange(0, len(logs), every)
    rows = np.minimum(begins + (begins * 2_654_435_761 % 2**32) % every, len(logs) - 1)
    some = logs.select(["service", "timestamp", "message"]).take(pa.array(rows))
    kinds, names = codes_of(pc.replace_substring_regex(some["message"], r"\d+", "0"))
    services, service_names = codes_of(some["service"])
    (service, hour, kind), group = grouped(services, microseconds(some["timestamp"]) // HOUR, kinds)
    templates = [template(text) for text in names.to_pylist()]
    columns = [
        service_names.take(pa.array(service)),
        pa.array(hour * HOUR).cast(UTC_MICROSECONDS),
        pa.array([templates[one] for one in kind.tolist()], pa.string()),
        pa.array(np.bincount(group, minlength=len(service)).astype(np.int64) * every),
    ]
    return pa.table(columns, schema=TEXTS)


KEYS = frozenset({"service", "minute", "hour", "incident_id", "level", "metric", "bucket", "template"})
AGGREGATES = {"first_at": "min", "last_at": "max", "arrived_at": "max"}


def added(tables: list[pa.Table], schema: pa.Schema) -> pa.Table:
    """Summaries of several blocks as one of all of them."""
    whole = pa.concat_tables([one.cast(schema) for one in tables]) if tables else schema.empty_table()
    keys = [name for name in schema.names if name in KEYS]
    rest = [name for name in schema.names if name not in keys]
    found = whole.group_by(keys).aggregate([(name, AGGREGATES.get(name, "sum")) for name in rest])
    renamed = {f"{name}_{AGGREGATES.get(name, 'sum')}": name for name in rest}
    return (
        found.rename_columns([renamed.get(name, name) for name in found.column_names]).select(schema.names).cast(schema)
    )


def quantile(buckets: NDArray[np.int64], values: NDArray[np.int64], share: float) -> float:
    """The value under which that share of the values lies."""
    order = np.argsort(buckets)
    reached = np.cumsum(values[order])
    place = int(np.searchsorted(reached, share * reached[-1]))
    return value_of(int(buckets[order][min(place, len(order) - 1)]))
