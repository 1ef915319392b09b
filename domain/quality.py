"""Which logs of a batch may go on, and why the others may not; one bad log costs only itself."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from domain.batch_facts import out_of_range
from domain.logs import LogBatch, RawBatch, Rejected

LONGEST_MESSAGE = 256_000
TOO_LONG = f"message is longer than {LONGEST_MESSAGE} characters"
# What is kept of a rejected log; the whole of it stays in its topic, at its offset.
KEPT_BYTES = 64_000
NO_RANGES: Mapping[str, tuple[float, float]] = MappingProxyType({})


def check(
    raw: RawBatch, batch: LogBatch, ranges: Mapping[str, tuple[float, float]] = NO_RANGES
) -> tuple[LogBatch, list[Rejected]]:
    """The logs that may go on, in order, and for each message that holds another one the first reason.

    `ranges`: metrics with the values that they may have, where a log that has others is put aside.
    """
    reasons = _reasons(batch)
    for name, limits in ranges.items():
        if (outside := out_of_range(batch, name, limits)).any():
            told = f"quarantined: {name} is outside {limits[0]:g} to {limits[1]:g}"
            reasons = pc.coalesce(reasons, pc.if_else(pa.array(outside), told, pa.scalar(None, pa.string())))
    bad = reasons.is_valid()
    if not pc.any(bad).as_py():
        return batch, []
    lost = batch.frame.select(["topic", "partition", "offset"]).append_column("reason", reasons).filter(bad)
    good = pa.array(range(len(batch)), pa.int64()).filter(pc.invert(bad))
    return batch.take(good), _letters(raw, lost)


def _reasons(batch: LogBatch) -> pa.Array:
    faults = batch.frame["fault"].combine_chunks()
    # A text of so many characters has at least as many bytes.
    size = pc.max(pc.binary_length(batch.frame["message"])).as_py() or 0
    if size <= LONGEST_MESSAGE:
        return faults
    long = pc.greater(pc.utf8_length(batch.frame["message"]), LONGEST_MESSAGE).combine_chunks()
    return pc.coalesce(faults, pc.if_else(long, TOO_LONG, pa.scalar(None, pa.string())))


def _letters(raw: RawBatch, lost: pa.Table) -> list[Rejected]:
    places = zip(*(lost[name].to_pylist() for name in ("topic", "partition", "offset")), strict=True)
    found: dict[tuple[int, int, int], str] = {}
    for place, reason in zip(places, lost["reason"].to_pylist(), strict=True):
        found.setdefault(place, reason)
    held = zip(raw.topics, raw.partitions, raw.offsets, strict=True)
    values = {place: raw.values[row] for row, place in enumerate(held) if place in found}
    return [Rejected(*place, reason, (values[place] or b"")[:KEPT_BYTES]) for place, reason in found.items()]


def guilty(raw: RawBatch, why: str) -> Rejected:
    """The one message of a batch that the store refused."""
    (topic,), (partition,), (offset,), (value,) = raw.topics, raw.partitions, raw.offsets, raw.values
    return Rejected(topic, partition, offset, f"cannot be stored: {why[:300]}", (value or b"")[:KEPT_BYTES])
