"""Whose clock is right: logs are dated by their hosts, and some of those are ahead.

A log from the future would keep its incident young for ever and its page the newest, so nothing is
later than the clock: ours where logs are live, else one that the logs agree on.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.logs import UTC_MICROSECONDS, LogBatch

# Clocks differ by a second here and there; a minute is a fault that people should see.
SKEW = timedelta(minutes=1)
# In a file, time may pass between two logs, but one log alone does not make it pass by more than this.
LEAP = timedelta(days=1)
# So many logs in a row that agree on another time are right.
AGREEING = 10
NAMED = 3

_LEAP = int(LEAP / timedelta(microseconds=1))


def hold(batch: LogBatch, latest: datetime) -> LogBatch:
    """The same logs, none of them later than `latest`; what they said themselves stays in their bodies."""
    times, limit = batch.frame["timestamp"], pa.scalar(latest, UTC_MICROSECONDS)
    return _dated(batch, pc.if_else(pc.greater(times, limit), limit, times))


def _dated(batch: LogBatch, times: pa.Array | pa.ChunkedArray) -> LogBatch:
    index = batch.frame.column_names.index("timestamp")
    return LogBatch(batch.frame.set_column(index, batch.frame.schema.field(index), times), batch.metrics)


def ahead(batch: LogBatch, now: datetime) -> dict[str, timedelta]:
    """By how much the clocks of services are ahead, for those where it is more than a minute."""
    late = batch.frame.select(["service", "timestamp"]).filter(
        pc.greater(batch.frame["timestamp"], pa.scalar(now + SKEW, UTC_MICROSECONDS))
    )
    if not late.num_rows:
        return {}
    found = late.group_by("service").aggregate([("timestamp", "max")]).to_pylist()
    return {row["service"]: row["timestamp_max"] - now for row in found}


def skew_in_words(skewed: Mapping[str, timedelta]) -> str:
    """Which clocks are ahead and by how much, the worst first."""
    worst = sorted(skewed.items(), key=lambda one: (-one[1], one[0]))
    told = [f"the clock of {service} is {_in_words(by)} ahead" for service, by in worst[:NAMED]]
    more = len(worst) - NAMED
    return ", ".join(told) + (f", and {more:,} more" if more > 0 else "")


def _in_words(by: timedelta) -> str:
    minutes = round(by / timedelta(minutes=1))
    if by >= LEAP:
        return f"{by.days:,} days"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"  # noqa: PLR2004 - an hour


class OwnClock:
    """The clock of logs that are read from a file: their running maximum, which no single log can carry away.

    A log that is more than a day ahead counts as of the clock's time, until ten in a row agree; as many
    that are as far behind put the clock back. It goes log by log, so where batches end changes nothing.
    """

    def __init__(self) -> None:
        self.at: int | None = None  # microseconds since 1970
        self.astray = 0  # logs in a row that agree on another time

    def hold(self, batch: LogBatch) -> LogBatch:
        """The same logs, none of them later than the clock."""
        times = batch.frame["timestamp"].cast(pa.int64()).to_numpy()
        if not len(times):
            return batch
        if self.at is None:
            self.at = int(times[0])
        if self._is_steady(times):
            self.at, self.astray = max(self.at, int(times.max())), 0
            return batch
        held = np.fromiter((self._step(int(time)) for time in times), np.int64, len(times))
        return _dated(batch, pa.array(held).cast(UTC_MICROSECONDS))

    def _is_steady(self, times: NDArray[np.int64]) -> bool:
        """Whether no log of a batch is far from the clock at that moment."""
        before = np.maximum.accumulate(np.concatenate([[self.at or 0], times[:-1]]))
        return bool((np.abs(times - before) <= _LEAP).all())

    def _step(self, time: int) -> int:
        at = self.at if self.at is not None else time
        if abs(time - at) <= _LEAP:
            self.at, self.astray = max(at, time), 0
            return time
        self.astray += 1
        if self.astray >= AGREEING:
            self.at, self.astray = time, 0
        return min(time, self.at if self.at is not None else time)
