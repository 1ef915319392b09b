"""OTLP logs, as JSON and as protobuf: one message holds many logs, each with the resource that it came from."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from adapters.formats.columns import FIRST, LAST, clean_text, faults, levels, metrics_of, table
from adapters.formats.otel import BY_NUMBER, BY_SHORT_NAME, UNKNOWN_SERVICE
from domain.errors import BadInput
from domain.logs import LEVEL_NAMES, UTC_MICROSECONDS, Wire

MARK = "resourceLogs"
LEVELS = {**LEVEL_NAMES, **BY_NUMBER, **BY_SHORT_NAME}
DEEPEST = 20
REQUEST_IDS = ("request_id", "request.id", "http.request.id")
NANOSECONDS = 1_000
PROTOBUF_TYPES = ("application/x-protobuf", "application/protobuf")


class Record(NamedTuple):
    """One log of a message."""

    row: int
    part: int
    at: int | None  # microseconds since 1970
    service: str
    level: str
    message: str
    request_id: str | None
    trace_id: str | None
    span_id: str | None
    attributes: str | None
    measured: dict[str, float]
    fault: str | None = None


def read_json(rows: Sequence[int], texts: Sequence[str]) -> pa.Table:
    """Messages of OTLP/JSON as columns; one that does not hold together is one fault."""
    return _table(Wire.OTLP_JSON, rows, (partial(orjson.loads, text) for text in texts))


def read_protobuf(rows: Sequence[int], values: Sequence[bytes]) -> pa.Table:
    """Messages of OTLP's protobuf as columns."""
    return _table(Wire.OTLP_PROTOBUF, rows, (partial(_document, value) for value in values))


def is_protobuf(value: bytes) -> bool:
    """Whether the bytes are an export request with at least one resource."""
    try:
        return bool(ExportLogsServiceRequest.FromString(value).resource_logs)
    except DecodeError:
        return False


def _document(value: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = MessageToDict(ExportLogsServiceRequest.FromString(value))
    except DecodeError as error:
        raise BadInput(f"not OTLP: {error}") from error
    return found


def _table(wire: Wire, rows: Sequence[int], documents: Iterator[Callable[[], Any]]) -> pa.Table:
    records: list[Record] = []
    lost: dict[int, str] = {}
    for row, document in zip(rows, documents, strict=True):
        try:
            held = [_record(row, part, found, about) for part, (found, about) in enumerate(_each(document()))]
        except (BadInput, ValueError, OverflowError, TypeError, RecursionError) as error:
            lost[row] = f"not OTLP: {str(error)[:300]}"
            continue
        records += held
        if not held:
            lost[row] = "OTLP without a log in it"
    read = _columns(wire, records)
    if not lost:
        return read
    return pa.concat_tables([read, faults(pa.array(list(lost), pa.int32()), list(lost.values()))])


def _columns(wire: Wire, records: Sequence[Record]) -> pa.Table:
    columns = (
        dict(zip(Record._fields, zip(*records, strict=True), strict=True))
        if records
        else dict.fromkeys(Record._fields, ())
    )
    level, _ = levels(pa.array(columns["level"], pa.string()), LEVELS)
    texts = ("service", "message", "request_id", "trace_id", "span_id", "attributes", "fault")
    return table(
        wire,
        {name: pa.array(columns[name], pa.string()) for name in texts}
        | {
            "row": pa.array(columns["row"], pa.int32()),
            "part": pa.array(columns["part"], pa.int32()),
            "timestamp": pa.array(columns["at"], pa.int64()).cast(UTC_MICROSECONDS),
            "level": level,
            "measured": metrics_of(columns["measured"]),
        },
    )


def _each(document: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for resource in _list(document, MARK):
        about = _attributes(_object(resource.get("resource")))
        scopes = resource.get("scopeLogs") or resource.get("instrumentationLibraryLogs") or []
        for scope in _list({"scopeLogs": scopes}, "scopeLogs"):
            for record in _list(scope, "logRecords"):
                yield record, about


def _record(row: int, part: int, record: Mapping[str, Any], about: Mapping[str, Any]) -> Record:
    own = _attributes(record)
    at, fault = _time(record)
    named = {**about, **own}
    measured = {name: float(value) for name, value in _object(named.pop("metrics", None)).items() if _is_number(value)}
    service = named.pop("service.name", None) or UNKNOWN_SERVICE
    trace = _id(record.get("traceId"))
    request = next((str(named.pop(name)) for name in REQUEST_IDS if name in named), trace)
    return Record(
        row=row,
        part=part,
        at=at,
        service=clean_text(str(service)),
        level=_level(record),
        message=clean_text(_as_text(_value(record.get("body")))),
        request_id=clean_text(request) if request else None,
        trace_id=trace,
        span_id=_id(record.get("spanId")),
        attributes=clean_text(orjson.dumps(_strict(named)).decode()) if named else None,
        measured=measured,
        fault=fault,
    )


def _strict(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """As JSON takes it: texts without half characters, integers of 64 bits."""
    if isinstance(value, dict):
        return {clean_text(name): _strict(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_strict(one) for one in value]
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
        return str(value)
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(float(value))


def _id(found: object) -> str | None:
    """An id in hexadecimal; protobuf's JSON has it in base64."""
    if not isinstance(found, str) or not found:
        return None
    if len(found) in (16, 32):
        return clean_text(found)
    try:
        return base64.b64decode(found, validate=True).hex() or None
    except (binascii.Error, ValueError):
        return clean_text(found)


def _time(record: Mapping[str, Any]) -> tuple[int | None, str | None]:
    """When it was, else when it was seen."""
    for name in ("timeUnixNano", "observedTimeUnixNano"):
        try:
            nanoseconds = int(record.get(name) or 0)
        except (TypeError, ValueError, OverflowError):
            return None, f"{name} is {str(record.get(name))[:40]!r}, no nanoseconds since 1970"
        if nanoseconds > 0:
            micros = nanoseconds // NANOSECONDS
            if not FIRST.timestamp() <= micros / 1e6 < LAST.timestamp():
                return None, f"timestamp is implausible: {name} is {nanoseconds}"
            return micros, None
    return None, "timestamp is missing: neither timeUnixNano nor observedTimeUnixNano"


def _level(record: Mapping[str, Any]) -> str:
    found = record.get("severityNumber", 0)
    if isinstance(found, str):  # protobuf's JSON names the number: SEVERITY_NUMBER_ERROR2
        return found.removeprefix("SEVERITY_NUMBER_") if found.startswith("SEVERITY_NUMBER_") else found
    return str(found) if str(found) in BY_NUMBER else str(record.get("severityText") or "INFO")


def _attributes(holder: Mapping[str, Any]) -> dict[str, Any]:
    found = _list(holder, "attributes") if holder.get("attributes") else []
    return {str(one.get("key", "")): _value(one.get("value")) for one in found}


def _value(found: object, depth: int = 0) -> Any:  # noqa: ANN401 - any JSON
    """An AnyValue as plain JSON."""
    if not isinstance(found, Mapping) or depth > DEEPEST:
        return None
    known = ((name, value) for name, value in found.items() if name in VALUES)
    return next((VALUES[name](value, depth + 1) for name, value in known), None)


def _pairs(value: object, depth: int) -> dict[str, Any]:
    return {str(one.get("key", "")): _value(one.get("value"), depth) for one in _list(_object(value), "values")}


def _plain(value: object, _depth: int) -> object:
    return value


def _integer(value: object, _depth: int) -> object:
    """64 bits are sent as text."""
    try:
        return int(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _number(value: object, _depth: int) -> object:
    """NaN and the infinities are sent as text, which JSON's numbers do not have."""
    return value if isinstance(value, int | float) and math.isfinite(value) else str(value)


def _bytes(value: object, _depth: int) -> str:
    try:
        return base64.b64decode(str(value), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return str(value)


# How each kind of AnyValue is read.
VALUES: Mapping[str, Callable[[Any, int], Any]] = {
    "stringValue": _plain,
    "boolValue": _plain,
    "doubleValue": _number,
    "intValue": _integer,
    "bytesValue": _bytes,
    "arrayValue": lambda value, depth: [_value(one, depth) for one in _list(_object(value), "values")],
    "kvlistValue": _pairs,
}


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else orjson.dumps(_strict(value)).decode()


def _object(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _list(holder: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = holder.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise BadInput(f"{name} is no list of objects")
    return found
