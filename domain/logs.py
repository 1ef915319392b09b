"""Logs as columns: what a micro-batch is before and after it was checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

import pyarrow as pa

from domain.errors import BadBatch


class Level(IntEnum):
    """Severity of a log line; ordered."""

    TRACE = 0
    DEBUG = 1
    INFO = 2
    WARN = 3
    ERROR = 4
    CRITICAL = 5


# Other names that producers use; an unknown one counts as INFO, its text stays in the log's attributes.
LEVEL_NAMES: Mapping[str, Level] = {level.name: level for level in Level} | {
    "WARNING": Level.WARN,
    "NOTICE": Level.INFO,
    "ERR": Level.ERROR,
    "FATAL": Level.CRITICAL,
    "EMERGENCY": Level.CRITICAL,
    "ALERT": Level.CRITICAL,
}


def level_of(name: str | None) -> Level:
    """The level that a producer's name means; INFO for unknown and missing ones."""
    return LEVEL_NAMES.get((name or "").strip().upper(), Level.INFO)


class Wire(IntEnum):
    """The shape in which a log came; kept with it."""

    NATIVE = 0
    OTEL = 1  # the data model of OpenTelemetry as one JSON object
    OTLP_JSON = 2
    OTLP_PROTOBUF = 3
    ECS = 4
    MAPPED = 5  # JSON with other names, as `kafka.fields` says
    PLAIN = 6


UTC_MICROSECONDS = pa.timestamp("us", tz="UTC")
METRICS = pa.map_(pa.string(), pa.float64())

# `fault` says why a row could not be read; such a row's other columns may be null.
SCHEMA = pa.schema(
    [
        ("topic", pa.int32()),  # our number of the topic's incarnation
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("part", pa.int32()),  # which log of its message, from 0 on
        ("timestamp", UTC_MICROSECONDS),
        ("service", pa.string()),
        ("level", pa.int8()),
        ("message", pa.string()),
        ("request_id", pa.string()),
        ("trace_id", pa.string()),
        ("span_id", pa.string()),
        ("attributes", pa.string()),  # a JSON object, null where there are none
        ("measured", METRICS),  # every number that the log carries, by name
        ("wire", pa.int8()),
        ("key", pa.binary()),
        ("headers", pa.string()),  # a JSON object of texts, null where there are none
        ("sent_at", UTC_MICROSECONDS),  # by the broker's clock
        ("body", pa.binary()),  # the message verbatim, with the first of its logs
        ("fault", pa.string()),
    ]
)

Place = tuple[int, int]  # our number of a topic's incarnation, and a partition of it
Headers = list[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Messages as they came off Kafka, in the order in which they were read."""

    topics: list[int]  # our number of the topic's incarnation, see the table `topics`
    partitions: list[int]
    offsets: list[int]
    values: list[bytes | None]
    expected: Mapping[Place, int]  # offset that the store must still hold
    following: Mapping[Place, int]  # next offset to read after this batch
    names: Mapping[int, str] = field(default_factory=dict)  # of the topics
    # One entry a message, or none at all where they did not come from a broker.
    keys: list[bytes | None] = field(default_factory=list)
    headers: list[Headers | None] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)  # milliseconds since 1970 by the broker's clock, 0 where it has none
    generation: int = 0  # of the reading; a batch that was read before the last step back is void
    # Places that were read to their end and of which nothing came for a while; their next offsets stay as they are.
    idle: frozenset[Place] = frozenset()
    ours: frozenset[Place] = frozenset()  # every place that is this reader's, also those of which nothing came

    def __len__(self) -> int:
        return len(self.values)

    def part(self, begin: int, end: int) -> RawBatch:
        """The messages from `begin` to before `end` as a batch of their own, to be stored in turn."""
        before, upto = self._reached(begin), self._reached(end)
        places = set(zip(self.topics[begin:end], self.partitions[begin:end], strict=True))
        # What was skipped behind the last message of a partition, such as a transaction's end, goes with it.
        whole = self._reached(len(self))
        return replace(
            self,
            topics=self.topics[begin:end],
            partitions=self.partitions[begin:end],
            offsets=self.offsets[begin:end],
            values=self.values[begin:end],
            expected={place: before.get(place, self.expected[place]) for place in places},
            following={
                place: self.following[place] if upto[place] == whole[place] else upto[place] for place in places
            },
            keys=self.keys[begin:end],
            headers=self.headers[begin:end],
            sent=self.sent[begin:end],
            idle=frozenset(),  # it is said again in time
        )

    def _reached(self, end: int) -> dict[Place, int]:
        """The offset behind the last of the first `end` messages, for each place that they are from."""
        rows = zip(self.topics[:end], self.partitions[:end], self.offsets[:end], strict=True)
        return {(topic, partition): offset + 1 for topic, partition, offset in rows}


@dataclass(frozen=True, slots=True)
class LogBatch:
    """One micro-batch of logs, held as columns, in Kafka order within each partition.

    `frame` has the columns of SCHEMA; `metrics` has one float64 column per metric name seen in
    the batch, null where a log does not carry it. Raises BadBatch when they do not fit together.
    """

    frame: pa.Table
    metrics: pa.Table

    def __post_init__(self) -> None:
        if missing := set(SCHEMA.names) - set(self.frame.column_names):
            raise BadBatch(f"columns missing: {sorted(missing)}")
        if self.metrics.num_columns and self.metrics.num_rows != self.frame.num_rows:
            raise BadBatch(f"{self.metrics.num_rows} rows of metrics for {self.frame.num_rows} logs")

    def __len__(self) -> int:
        return int(self.frame.num_rows)

    def take(self, rows: pa.Array) -> LogBatch:
        """The logs at these row numbers, in that order."""
        metrics = self.metrics.take(rows) if self.metrics.num_columns else self.metrics
        return LogBatch(self.frame.take(rows), metrics)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A log that could not be read or did not pass the checks; becomes a dead letter."""

    topic: int  # our number of the topic's incarnation
    partition: int
    offset: int
    reason: str
    body: bytes

    @property
    def kind(self) -> str:
        """What is wrong, without the particulars of this one log: the reason up to its first colon."""
        return self.reason.partition(":")[0]
