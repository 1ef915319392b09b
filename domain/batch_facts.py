"""A stretch of batches in a few numbers: what expectations about the input are checked against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.logs import UTC_MICROSECONDS, LogBatch, RawBatch

SECOND = 1_000_000  # microseconds
# A service's usual volume is a mean in which a stretch counts so much, once it was seen so often.
WEIGHT, SEEN_BEFORE = 0.1, 6
# A service with fewer logs a stretch comes and goes by chance.
FEWEST = 20


@dataclass(frozen=True, slots=True)
class Facts:
    """What one or more batches were like."""

    messages: int = 0
    logs: int = 0
    rejected: int = 0  # messages that could not be read
    without_message: int = 0
    unknown_levels: int = 0
    disordered: int = 0
    late_seconds: tuple[float, ...] = ()  # of each batch the median age of its logs
    services: Mapping[str, int] = field(default_factory=dict)  # logs of each
    outside: Mapping[str, int] = field(default_factory=dict)  # metric -> values outside its range

    def __add__(self, other: Facts) -> Facts:
        services = {
            name: self.services.get(name, 0) + other.services.get(name, 0) for name in {*self.services, *other.services}
        }
        outside = {
            name: self.outside.get(name, 0) + other.outside.get(name, 0) for name in {*self.outside, *other.outside}
        }
        return Facts(
            self.messages + other.messages,
            self.logs + other.logs,
            self.rejected + other.rejected,
            self.without_message + other.without_message,
            self.unknown_levels + other.unknown_levels,
            self.disordered + other.disordered,
            self.late_seconds + other.late_seconds,
            services,
            outside,
        )


def facts(
    raw: RawBatch, batch: LogBatch, rejected: int, ranges: Mapping[str, tuple[float, float]], *, now: datetime
) -> Facts:
    """The facts of one batch."""
    if not len(batch):
        return Facts(messages=len(raw), rejected=rejected)
    frame = batch.frame
    counted = frame["service"].combine_chunks().value_counts()
    return Facts(
        messages=len(raw),
        logs=len(batch),
        rejected=rejected,
        without_message=_sum(pc.equal(pc.binary_length(frame["message"]), 0)),
        unknown_levels=_sum(pc.starts_with(pc.fill_null(frame["attributes"], ""), pattern='{"level":')),
        disordered=_disordered(frame),
        late_seconds=(_late(frame["timestamp"], now),),
        services=dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)),
        outside={name: number for name in ranges if (number := int(out_of_range(batch, name, ranges[name]).sum()))},
    )


def out_of_range(batch: LogBatch, metric: str, limits: tuple[float, float]) -> NDArray[np.bool_]:
    """Whether each log has a value of the metric outside its range; shape (n_logs,)."""
    if metric not in batch.metrics.column_names:
        return np.zeros(len(batch), np.bool_)
    values = batch.metrics[metric].combine_chunks().to_numpy(zero_copy_only=False)
    found: NDArray[np.bool_] = (values < limits[0]) | (values > limits[1])
    return found


def _sum(mask: pa.ChunkedArray) -> int:
    return int(pc.sum(mask).as_py() or 0)


def _disordered(frame: pa.Table) -> int:
    """Logs older than the one before them in their partition; logs of a partition mostly stand together."""
    at = frame["timestamp"].cast(pa.int64()).to_numpy()
    place = frame["partition"].to_numpy().astype(np.int64) + frame["topic"].to_numpy().astype(np.int64) * 2**32
    return int(((np.diff(at) < 0) & (np.diff(place) == 0)).sum())


def _late(times: pa.ChunkedArray, now: datetime) -> float:
    at = times.cast(pa.int64()).to_numpy()
    return float((pa.scalar(now, UTC_MICROSECONDS).cast(pa.int64()).as_py() - np.median(at)) / SECOND)


@dataclass(frozen=True, slots=True)
class Usual:
    """How many logs a service usually sends in a stretch."""

    mean: float
    seen: int  # stretches


@dataclass(frozen=True, slots=True)
class Volume:
    """A stretch's volume against what is usual."""

    new: tuple[str, ...]  # services that were never seen
    quiet: tuple[str, ...]  # send much less than usual
    loud: tuple[str, ...]
    known: int  # services whose usual volume is known


def volume(found: Facts, usual: Mapping[str, Usual], *, least: float, most: float) -> Volume:
    """Who sends more or less than usual; a service counts as known once it was seen often enough."""
    known = {name: one for name, one in usual.items() if one.seen >= SEEN_BEFORE and one.mean >= FEWEST}
    sent = {name: found.services.get(name, 0) for name in known}
    return Volume(
        new=tuple(sorted(found.services.keys() - usual.keys())) if usual else (),
        quiet=tuple(sorted(name for name, one in known.items() if sent[name] < one.mean * least)),
        loud=tuple(sorted(name for name, one in known.items() if sent[name] > one.mean * most)),
        known=len(known),
    )


def learned(usual: Mapping[str, Usual], found: Facts) -> dict[str, Usual]:
    """What is usual after this stretch."""
    after = {name: Usual(one.mean * (1 - WEIGHT), one.seen + 1) for name, one in usual.items()}
    for name, logs in found.services.items():
        before = usual.get(name)
        if before is None:
            after[name] = Usual(float(logs), 1)
        else:
            share = max(WEIGHT, 1 / (before.seen + 1))
            after[name] = Usual(before.mean + (logs - before.mean) * share, before.seen + 1)
    return after
