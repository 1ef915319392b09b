"""From bytes to columns of logs; the native JSON shape.

A whole batch is decoded as one block of JSON lines. When anything in it is odd, that batch alone is
decoded row by row, and rows that cannot be read keep their place with a `fault`.
Both ways give the same columns for the same log, so that where a batch ends changes nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from domain.logs import SCHEMA, UTC_MICROSECONDS, Level, LogBatch, RawBatch, level_of

TEXT_FIELDS = ("timestamp", "service", "level", "message", "request_id")
LINES = pa.schema([(name, pa.string()) for name in TEXT_FIELDS])
# Escapes whose meaning differs between JSON readers (lone surrogates) or that no text column takes (NUL).
ODD_ESCAPES = (b"\\ud", b"\\uD", b"\\u0000")
ZONED = r"(?:Z|[+-]\d\d:?\d\d)$"
LONGEST_SERVICE = 200
# Decoded at once: keys that differ in every log make as many columns as rows, which must not be many.
SLICE_ROWS = 10_000
MOST_METRICS = 256
BRACES = b"{}"
# Deeper documents end the process inside Arrow; orjson refuses them. Each level takes two bytes at least.
DEEPEST = 1_000
SURELY_SHALLOW_BYTES = 2 * DEEPEST
# The first and the last moment that every reader of the columns can express.
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
LONGEST_INTEGER = 4_000  # digits; Python's own limit is a little above, and a float ends long before


class _OddBatchError(Exception):
    """The batch cannot be decoded as one block."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """The decoded text fields, times, faults and metrics of a batch, all of one length."""

    text: pa.Table
    timestamp: pa.Array
    fault: pa.Array
    metrics: pa.Table


def decode(raw: RawBatch, *, max_bytes: int, wanted: Collection[str] | None = None) -> LogBatch:
    """The batch as columns, one row per message, in the same order.

    Rows that cannot be read have a text in `fault`, and nulls elsewhere. `wanted` names the metrics to
    keep; without it all are kept, up to the MOST_METRICS that most logs carry.
    """
    slices = [
        _slice(raw.values[begin : begin + SLICE_ROWS], max_bytes, wanted)
        for begin in range(0, len(raw.values), SLICE_ROWS)
    ]
    columns = _joined(slices) if slices else _row_by_row([], max_bytes)
    return LogBatch(_frame(raw, columns), columns.metrics)


def _slice(values: list[bytes | None], max_bytes: int, wanted: Collection[str] | None) -> _Columns:
    try:
        columns = _as_block(values, max_bytes, _reading(wanted))
    except _OddBatchError:
        columns = _row_by_row(values, max_bytes)
    names = columns.metrics.column_names
    if wanted is not None:
        names = [name for name in names if name in wanted]
    elif len(names) > MOST_METRICS:
        names = sorted(sorted(names, key=lambda name: columns.metrics[name].null_count)[:MOST_METRICS])
    return replace(columns, metrics=columns.metrics.select(names))


def _joined(slices: list[_Columns]) -> _Columns:
    if len(slices) == 1:
        return slices[0]
    names = sorted({name for one in slices for name in one.metrics.column_names})
    metrics = {
        name: pa.chunked_array(
            [
                one.metrics[name].combine_chunks()
                if name in one.metrics.column_names
                else pa.nulls(len(one.fault), pa.float64())
                for one in slices
            ]
        ).combine_chunks()
        for name in names
    }
    return _Columns(
        pa.concat_tables([one.text for one in slices]),
        pa.concat_arrays([one.timestamp for one in slices]),
        pa.concat_arrays([one.fault for one in slices]),
        pa.table(metrics),
    )


def _frame(raw: RawBatch, columns: _Columns) -> pa.Table:
    fields = {
        "partition": pa.array(raw.partitions, pa.int32()),
        "offset": pa.array(raw.offsets, pa.int64()),
        "timestamp": columns.timestamp,
        "service": columns.text["service"],
        "level": _levels(columns.text["level"]),
        "message": columns.text["message"],
        "request_id": columns.text["request_id"],
        "body": _bodies(raw.values, columns.fault),
        "fault": columns.fault,
    }
    return pa.table([fields[name] for name in SCHEMA.names], schema=SCHEMA)


def _bodies(values: list[bytes | None], fault: pa.Array) -> pa.Array:
    """The logs verbatim; null where a fault may mean that they are not even text."""
    if fault.null_count == len(fault):
        return pa.array(values, pa.binary()).cast(pa.string())
    return pa.array(
        [None if faulty else value for value, faulty in zip(values, fault.is_valid().to_pylist(), strict=True)],
        pa.binary(),
    ).cast(pa.string())


def _levels(names: pa.ChunkedArray) -> pa.Array:
    encoded = names.combine_chunks().dictionary_encode()
    table = pa.array([level_of(name) for name in encoded.dictionary.to_pylist()], pa.int8())
    return table.take(encoded.indices).fill_null(int(Level.INFO))


# --- all rows at once -------------------------------------------------------------------------


def _reading(wanted: Collection[str] | None) -> pj.ParseOptions:
    """What to look for: known metrics alone, or whatever there is."""
    if wanted is None:
        return pj.ParseOptions(explicit_schema=LINES)
    metrics = pa.struct([(name, pa.float64()) for name in sorted(wanted)])
    return pj.ParseOptions(
        explicit_schema=LINES.append(pa.field("metrics", metrics)), unexpected_field_behavior="ignore"
    )


def _as_block(values: list[bytes | None], max_bytes: int, reading: pj.ParseOptions) -> _Columns:
    table = _parse_lines(values, max_bytes, reading)
    text = table.select(TEXT_FIELDS)
    if text["timestamp"].null_count or text["service"].null_count:
        raise _OddBatchError
    if any(_service_fault(service) for service in pc.unique(text["service"]).to_pylist()):
        raise _OddBatchError
    text = text.set_column(3, "message", pc.fill_null(text["message"], ""))
    return _Columns(text, _timestamps(text["timestamp"]), pa.nulls(len(values), pa.string()), _metrics(table))


def _parse_lines(values: list[bytes | None], max_bytes: int, reading: pj.ParseOptions) -> pa.Table:
    # Every line begins with { and ends with }, so each holds at least one document; as many documents
    # as lines then means exactly one each.
    if not values or not all(
        value
        and value[0] == BRACES[0]
        and value[-1] == BRACES[1]
        and len(value) <= max_bytes
        and (len(value) <= SURELY_SHALLOW_BYTES or value.count(b"{") + value.count(b"[") <= DEEPEST)
        for value in values
    ):
        raise _OddBatchError
    joined = b"\n".join(values)  # type: ignore[arg-type]  # None was excluded above
    if joined.count(b"\n") != len(values) - 1 or any(escape in joined for escape in ODD_ESCAPES):
        raise _OddBatchError
    try:
        joined.decode()
        table = pj.read_json(
            pa.BufferReader(joined),
            read_options=pj.ReadOptions(use_threads=False, block_size=max(len(joined), 1)),
            parse_options=reading,
        )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError) as error:
        raise _OddBatchError from error
    if table.num_rows != len(values):
        raise _OddBatchError
    return table


def _timestamps(text: pa.ChunkedArray) -> pa.Array:
    column = text.combine_chunks()
    zoned = pc.match_substring_regex(column, ZONED)
    try:
        if not pc.any(zoned).as_py():
            return _expressible(column.cast(pa.timestamp("us")).cast(pa.int64()).cast(UTC_MICROSECONDS))
        if pc.all(zoned).as_py():
            return _expressible(column.cast(UTC_MICROSECONDS))
    except pa.ArrowInvalid as error:
        raise _OddBatchError from error
    raise _OddBatchError


def _expressible(times: pa.Array) -> pa.Array:
    """`times`, unless one is before the year 1 or after 9999, which Arrow can hold and Python cannot."""
    found = pc.min_max(times)
    first, last = (pa.scalar(moment, UTC_MICROSECONDS) for moment in (FIRST, LAST))
    if not pc.and_(pc.greater_equal(found["min"], first), pc.less_equal(found["max"], last)).as_py():
        raise _OddBatchError
    return times


def _metrics(table: pa.Table) -> pa.Table:
    if "metrics" not in table.column_names or pa.types.is_null(table["metrics"].type):
        return pa.table({})
    column = table["metrics"].combine_chunks()
    if not pa.types.is_struct(column.type):
        raise _OddBatchError
    fields = {}
    for name, values in zip([field.name for field in column.type], column.flatten(), strict=True):
        if values.null_count == len(values):
            continue
        if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
            raise _OddBatchError
        fields[name] = numbers = values.cast(pa.float64(), safe=False)
        if not pc.all(pc.is_finite(numbers)).as_py():
            raise _OddBatchError
    # By name, so that the order in which a batch first met them does not matter.
    return pa.table({name: fields[name] for name in sorted(fields)})


# --- row by row -------------------------------------------------------------------------------


def _row_by_row(values: list[bytes | None], max_bytes: int) -> _Columns:
    rows = [_row(value, max_bytes) for value in values]
    text = pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in TEXT_FIELDS})
    timestamp = pa.array([row.get("time") for row in rows], UTC_MICROSECONDS)
    fault = pa.array([row.get("fault") for row in rows], pa.string())
    measured = [row.get("metrics", {}) for row in rows]
    names = sorted({name for metrics in measured for name, value in metrics.items() if value is not None})
    metrics = pa.table({name: pa.array([row.get(name) for row in measured], pa.float64()) for name in names})
    return _Columns(text, timestamp, fault, metrics)


def _row(value: bytes | None, max_bytes: int) -> dict[str, Any]:
    """One log's fields, or only its `fault`."""
    if value is None:
        return {"fault": "null value: nothing to read"}
    if len(value) > max_bytes:
        return {"fault": f"too long: {len(value)} bytes, at most {max_bytes} (kafka.max_log_bytes)"}
    try:
        document = _document(value)
        return _fields(document)
    except ValueError as error:
        return {"fault": str(error)[:300]}


def _document(value: bytes) -> dict[str, Any]:
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: byte {value[error.start]:#04x} at {error.start}") from error
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            # Takes NaN and Infinity, which Python's own writers emit, and integers of any length.
            document = json.loads(text, parse_int=_integer)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ValueError(f"not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ValueError(f"not a JSON object but {type(document).__name__}")  # noqa: TRY004 - a fault of the log
    return document


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= LONGEST_INTEGER else math.inf


def _fields(document: dict[str, Any]) -> dict[str, Any]:
    for name in ("timestamp", "service"):
        if document.get(name) is None:
            raise ValueError(f"{name} is missing")
    for name in ("timestamp", "service", "level", "message"):
        if not isinstance(document.get(name, ""), str | None):
            raise ValueError(f"{name} is {type(document[name]).__name__}, not text")  # noqa: TRY004 - a fault of the log
    if fault := _service_fault(document["service"]):
        raise ValueError(fault)
    return {
        "time": _time(document["timestamp"]),
        "service": document["service"],
        "level": _clean(document.get("level")),
        "message": _clean(document.get("message") or ""),
        "request_id": _clean(document.get("request_id")),
        "metrics": _numbers(document.get("metrics")),
    }


def _clean(value: object) -> str | None:
    """`value` as text that every store takes: no NUL, no half characters."""
    if value is None:
        return None
    return str(value).replace("\0", "").encode("utf-8", "replace").decode()


def _service_fault(service: str) -> str | None:
    if not service.strip() or len(service) > LONGEST_SERVICE or not service.isprintable():
        return f"service is empty, longer than {LONGEST_SERVICE} or not printable"
    return None


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"timestamp is not ISO 8601: {text[:40]!r}") from error


def _numbers(metrics: object) -> Mapping[str, float | None]:
    """The metrics that are numbers, or texts of numbers; others are absent."""
    if metrics is None:
        return {}
    if not isinstance(metrics, dict):
        raise ValueError(f"metrics is {type(metrics).__name__}, not an object")  # noqa: TRY004 - a fault of the log
    return {_clean(name) or "": _number(value) for name, value in metrics.items()}


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def from_bodies(bodies: Sequence[str]) -> LogBatch:
    """Stored logs as columns again; they were read once, so they can be read."""
    raw = RawBatch(0, [0] * len(bodies), list(range(len(bodies))), [body.encode() for body in bodies], {}, {})
    return decode(raw, max_bytes=max(map(len, raw.values), default=0))  # type: ignore[arg-type]  # no value is None


def metric_mean(bodies: Sequence[str], metric: str) -> float | None:
    """Mean of a metric over stored logs, None where none carries it."""
    metrics = from_bodies(bodies).metrics if bodies else pa.table({})
    if metric not in metrics.column_names:
        return None
    mean: float | None = pc.mean(metrics[metric]).as_py()
    return mean
