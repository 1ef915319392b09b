"""Logs that belong together by a key, such as a request's: which of a minute count, and what is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from domain.grouping import grouped
from domain.logs import SCHEMA, Place
from domain.minutes import MINUTE, Position

# Columns that may be a key; any other key is the name of an attribute.
COLUMN_KEYS = ("request_id", "trace_id", "span_id")
NOTHING: Position = (-1, 0)  # before every log
POSITION = ("topic", "partition", "offset", "part")
# One log of a session; `key` is empty of none.
KEYED = pa.schema(
    [
        ("key", pa.string()),
        *(SCHEMA.field(name) for name in ("service", "message", "timestamp", *POSITION)),
    ]
)


@dataclass(frozen=True, slots=True)
class AbnormalSession:
    """One session that was not as others are."""

    key: str
    service: str  # of its heaviest reason
    began: datetime
    ended: datetime  # its last log
    minute: int  # since 1970, in which it was over
    logs: int
    score: float  # 1 is where normal ends
    p_value: float  # how often a usual session scores as high
    confidence: float  # 0–1
    reasons: tuple[str, ...]  # in words, heaviest first; they quote templates

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.ended - self.began).total_seconds()

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def columns_for(key: str) -> tuple[str, ...]:
    """The columns of stored logs that sessions by a key need."""
    return (key if key in COLUMN_KEYS else "attributes", *KEYED.names[1:])


def keyed(logs: pa.Table, key: str) -> pa.Table:
    """The logs that carry the key, as KEYED; `logs` has at least the columns for it."""
    if key in COLUMN_KEYS:
        keys = logs[key]
        there = pc.and_(pc.is_valid(keys), pc.not_equal(keys, ""))
        logs, keys = logs.filter(there), keys.filter(there)
    else:
        # Reading JSON is slow; a name that is not ASCII may be written in several ways.
        looked_for = orjson.dumps(key).decode() if key.isascii() else ""
        logs = logs.filter(pc.match_substring(logs["attributes"], looked_for))
        keys = pa.array([_value(text, key) for text in logs["attributes"].to_pylist()], pa.string())
        there = pc.is_valid(keys)
        logs, keys = logs.filter(there), keys.filter(there)
    return pa.table([keys, *(logs[name] for name in KEYED.names[1:])], schema=KEYED)


def within(logs: pa.Table, minute: int) -> pa.Table:
    """The logs of one minute."""
    at = logs["timestamp"].cast(pa.int64())
    here = pc.and_(pc.greater_equal(at, minute * MINUTE), pc.less(at, (minute + 1) * MINUTE))
    return logs.filter(here)


def _value(attributes: str, key: str) -> str | None:
    """The attribute, where it is a text or a whole number."""
    try:
        found = orjson.loads(attributes).get(key)
    except (orjson.JSONDecodeError, AttributeError):
        return None
    if not isinstance(found, str | int) or isinstance(found, bool):
        return None
    return str(found).replace("\0", "") or None


def in_time(logs: pa.Table, ends: Mapping[Place, Position]) -> pa.Table:
    """KEYED without what came when its partition's minute was over, by event time, then by place.

    `ends`: the position of the log by which the minute was over in each partition; of others nothing counts.
    """
    if not len(logs):
        return logs
    topic, partition, offset, part = (logs[name].to_numpy().astype(np.int64) for name in POSITION)
    (topics, partitions), of = grouped(topic, partition)
    places = zip(topics.tolist(), partitions.tolist(), strict=True)
    upto, upto_part = np.array([ends.get(place, NOTHING) for place in places], np.int64).T
    keep = (offset < upto[of]) | ((offset == upto[of]) & (part < upto_part[of]))
    order = [(name, "ascending") for name in ("timestamp", *POSITION)]
    return logs.filter(pa.array(keep)).sort_by(order)
