"""Logs as columns: what a micro-batch is before and after it was checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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


# Other names that producers use; an unknown one counts as INFO, its text stays in the log's body.
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


UTC_MICROSECONDS = pa.timestamp("us", tz="UTC")

# `fault` says why a row could not be read; such a row's other columns may be null.
SCHEMA = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("timestamp", UTC_MICROSECONDS),
        ("service", pa.string()),
        ("level", pa.int8()),
        ("message", pa.string()),
        ("request_id", pa.string()),
        ("body", pa.string()),
        ("fault", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Messages as they came off Kafka, in the order in which they were read."""

    topic_id: int  # our number of the topic's incarnation, see the table `topics`
    partitions: list[int]
    offsets: list[int]
    values: list[bytes | None]
    expected: Mapping[int, int]  # partition -> offset that the store must still hold
    following: Mapping[int, int]  # partition -> next offset to read after this batch
    generation: int = 0  # of the reading; a batch that was read before the last step back is void

    def __len__(self) -> int:
        return len(self.values)


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

    partition: int
    offset: int
    reason: str
    body: bytes

    @property
    def kind(self) -> str:
        """What is wrong, without the particulars of this one log: the reason up to its first colon."""
        return self.reason.partition(":")[0]
