"""The columns that every wire format is read into, and what they share: times, levels, metrics, clean texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.logs import LEVEL_NAMES, METRICS, SCHEMA, UTC_MICROSECONDS, Level, Wire

# What Kafka says of a message; a format gives the rest.
OF_KAFKA = frozenset({"topic", "partition", "offset", "key", "headers", "sent_at", "body"})
# What a format gives; `row` is the number of the message in its batch.
READ = pa.schema([pa.field("row", pa.int32()), *(one for one in SCHEMA if one.name not in OF_KAFKA)])
TEXTS = ("service", "message", "request_id", "trace_id", "span_id", "attributes")
LONGEST_SERVICE = 200
# What a store can hold and no clock can have shown is a fault of the log; one that was never set shows 1970.
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
# A number since 1970 is in the unit that makes it a time of computers with clocks.
FIRST_NUMBER = datetime(1990, 1, 1, tzinfo=UTC)
MICROSECONDS = 1_000_000
# Seconds, milliseconds, microseconds and nanoseconds since 1970 differ by so much that a time of ours has one unit.
UNITS = (1, 1_000, 1_000_000, 1_000_000_000)
NUL = "\0"
NO_TIME = "timestamp is missing"


@dataclass(frozen=True, slots=True)
class Reading:
    """How messages are to be read."""

    max_bytes: int  # a longer message is a fault
    zone: str = "UTC"  # of times that name none
    fields: Mapping[str, str] = field(default_factory=dict)  # of ours -> the path of a producer's


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages of one batch that a format is asked to read."""

    rows: pa.Array  # int32, their numbers in the batch
    texts: pa.Array  # their values as text
    topics: Sequence[str]  # names, by number in the batch
    sent: Sequence[int]  # milliseconds since 1970 by the broker's clock, by number in the batch; 0 where unknown

    def take(self, mask: pa.Array) -> Messages:
        """Those where the mask is true."""
        return Messages(self.rows.filter(mask), self.texts.filter(mask), self.topics, self.sent)

    def __len__(self) -> int:
        return len(self.rows)


def faults(rows: pa.Array, reasons: Sequence[str] | pa.Array) -> pa.Table:
    """Messages that cannot be read, each with its reason."""
    held = {"row": rows, "part": pa.array(np.zeros(len(rows), np.int32)), "fault": pa.array(reasons, pa.string())}
    return pa.table([held.get(name, pa.nulls(len(rows), kind)) for name, kind in _fields()], schema=READ)


def table(wire: Wire, columns: Mapping[str, pa.Array | pa.ChunkedArray]) -> pa.Table:
    """The columns of READ, clean and checked; those that are not given are null."""
    rows = len(columns["row"])
    held: dict[str, pa.Array] = {name: _flat(column) for name, column in columns.items()}
    held |= {name: clean(held[name]) for name in TEXTS if name in held}
    held["wire"] = pa.array(np.full(rows, int(wire), np.int8))
    held.setdefault("part", pa.array(np.zeros(rows, np.int32)))
    held["message"] = pc.fill_null(held["message"], "")
    held["fault"] = pc.coalesce(held.get("fault", pa.nulls(rows, pa.string())), service_fault(held["service"]))
    return pa.table([held.get(name, pa.nulls(rows, kind)) for name, kind in _fields()], schema=READ)


def _fields() -> list[tuple[str, pa.DataType]]:
    return [(one.name, one.type) for one in READ]


def _flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def clean(texts: pa.Array) -> pa.Array:
    """Texts as every store takes them: without NUL."""
    block = texts.buffers()[2]
    if block is None or b"\0" not in memoryview(block).tobytes():
        return texts
    return pc.replace_substring(texts, NUL, "")


def clean_text(text: str) -> str:
    """One text as every store takes it: no NUL, no half characters."""
    return text.replace(NUL, "").encode("utf-8", "replace").decode()


def service_fault(services: pa.Array) -> pa.Array:
    """What is wrong with each service's name, null where nothing is."""
    encoded = services.dictionary_encode()
    reasons = pa.array([_service_fault(name) for name in encoded.dictionary.to_pylist()], pa.string())
    return pc.coalesce(reasons.take(encoded.indices), pc.if_else(services.is_null(), "service is missing", None))


def _service_fault(name: str) -> str | None:
    if not name.strip() or len(name) > LONGEST_SERVICE or not name.isprintable():
        return f"service is empty, longer than {LONGEST_SERVICE} or not printable"
    return f"service is no text: {name[:40]}" if _is_nested(name) else None


def _is_nested(text: str) -> bool:
    """Whether it is an object or an array as the readers of JSON give it, not a name that begins like one."""
    if text[0] not in "{[":
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


# --- levels -----------------------------------------------------------------------------------


def levels(names: pa.Array, known: Mapping[str, Level] = LEVEL_NAMES) -> tuple[pa.Array, pa.Array]:
    """The level of each name, INFO for missing and unknown ones; and the names that are unknown, null elsewhere."""
    encoded = names.dictionary_encode()
    found = [known.get(name.strip().upper()) for name in encoded.dictionary.to_pylist()]
    codes = pa.array([Level.INFO if level is None else level for level in found], pa.int8())
    strange = pa.array(
        [
            name if level is None and name.strip() else None
            for name, level in zip(encoded.dictionary.to_pylist(), found, strict=True)
        ],
        pa.string(),
    )
    return codes.take(encoded.indices).fill_null(int(Level.INFO)), strange.take(encoded.indices)


def with_attribute(attributes: pa.Array, name: str, values: pa.Array) -> pa.Array:
    """The attributes with one more for each row that has a value."""
    rows = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
    if not len(rows):
        return attributes
    held = attributes.to_pylist()
    for row in rows.tolist():
        held[row] = _with_one(held[row] or "{}", name, values[row].as_py())
    return pa.array(held, pa.string())


def _with_one(attributes: str, name: str, value: str) -> str:
    one = {name: value}
    try:
        known: dict[str, Any] = orjson.loads(attributes)
        return orjson.dumps(one | known).decode()
    except (orjson.JSONDecodeError, TypeError):  # NaN, a number beyond a float, nested deeper than orjson writes
        return f"{orjson.dumps(one).decode()[:-1]},{attributes[1:]}"


# --- times ------------------------------------------------------------------------------------


def times(texts: pa.Array, cast: pa.Array, zone: str) -> tuple[pa.Array, pa.Array]:
    """Times and faults from texts and what a fast reader made of them.

    What it did not read, or read as something implausible, may be a number since 1970, or ISO 8601 in a form
    that only Python knows.
    """
    found = cast.cast(pa.int64()).to_numpy(zero_copy_only=False)
    good = plausible(cast)
    odd = np.flatnonzero(~good)
    if not len(odd):
        return cast, pa.nulls(len(texts), pa.string())
    micros = np.where(good, np.nan_to_num(found), 0).astype(np.int64)
    reasons: list[str | None] = [None] * len(texts)
    for row, text in zip(odd.tolist(), texts.take(pa.array(odd)).to_pylist(), strict=True):
        at = one_time(text, zone) if text is not None else NO_TIME
        if isinstance(at, str):
            reasons[row] = at
        else:
            micros[row] = at
    lost = np.array([reason is not None for reason in reasons], np.bool_)
    return pa.array(micros, mask=lost).cast(UTC_MICROSECONDS), pa.array(reasons, pa.string())


def plausible(moments: pa.Array) -> NDArray[np.bool_]:
    """Whether each time is one that a clock of our time can have shown."""
    first, last = (pa.scalar(moment, UTC_MICROSECONDS) for moment in (FIRST, LAST))
    within = pc.and_(pc.greater_equal(moments, first), pc.less(moments, last))
    good: NDArray[np.bool_] = pc.fill_null(within, fill_value=False).to_numpy(zero_copy_only=False)
    return good


def one_time(text: str, zone: str) -> int | str:
    """Microseconds since 1970, or what is wrong with the text."""
    try:
        number = since_epoch(text)
        if number is not None:
            return number
        moment = datetime.fromisoformat(text.strip())
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=_zone(zone))).astimezone(UTC)
    except (ValueError, OverflowError):
        return f"timestamp is not ISO 8601 nor a number since 1970: {text[:40]!r}"
    if not FIRST <= moment < LAST:
        return f"timestamp is implausible: {text[:40]!r} is not between {FIRST.year} and {LAST.year}"
    return round(moment.timestamp() * MICROSECONDS)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def since_epoch(text: str) -> int | None:
    """Microseconds since 1970 of a number of s, ms, µs or ns; None where no unit gives a time of ours."""
    try:
        whole = int(text)
    except ValueError:
        return _since_epoch_in_parts(text)
    first, last = round(FIRST_NUMBER.timestamp()), round(LAST.timestamp())
    return next((whole * MICROSECONDS // unit for unit in UNITS if first * unit <= whole < last * unit), None)


def _since_epoch_in_parts(text: str) -> int | None:
    number = float(text) if text[:1].isdigit() and "-" not in text and ":" not in text else float("nan")
    first, last = FIRST_NUMBER.timestamp(), LAST.timestamp()
    return next((round(number * MICROSECONDS / unit) for unit in UNITS if first * unit <= number < last * unit), None)


# --- metrics ----------------------------------------------------------------------------------


def metrics(names: pa.Array, values: pa.Array) -> pa.Array:
    """One map a row from lists of names and of numbers; what is no finite number is left out."""
    flat_names, flat = names.flatten(), values.flatten()
    ends = np.concatenate([[0], np.cumsum(pc.fill_null(pc.list_value_length(names), 0).to_numpy())])
    keep = pc.fill_null(pc.is_finite(flat), fill_value=False)
    kept = keep.to_numpy(zero_copy_only=False)
    if not kept.all():
        flat_names, flat = flat_names.filter(keep), flat.filter(keep)
        ends = np.concatenate([[0], np.cumsum(kept)])[ends]
    return pa.MapArray.from_arrays(pa.array(ends, pa.int32()), clean(flat_names), flat)


def metrics_of(rows: Sequence[Mapping[str, float]]) -> pa.Array:
    """One map a row from dicts."""
    return pa.array([list(row.items()) for row in rows], METRICS)
