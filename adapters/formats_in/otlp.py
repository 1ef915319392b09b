"""OTLP/JSON logs as the native shape of the topic."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from domain.errors import BadInput

MARK = "resourceLogs"
# The least severity number of each level.
LEVELS = ((21, "CRITICAL"), (17, "ERROR"), (13, "WARN"), (9, "INFO"), (5, "DEBUG"), (1, "TRACE"))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NANOSECONDS = 1_000
DEEPEST = 20
# Attributes with a place of their own, or a name that means something else in the native shape.
TAKEN = frozenset({"service.name", "metrics"})
IDS = {"trace_id": "traceId", "span_id": "spanId"}


def native(document: Mapping[str, Any]) -> Iterator[bytes]:
    """Each log record of an export request. Raises BadInput with what is wrong."""
    for resource in _list(document, MARK):
        about = _attributes(_object(resource.get("resource")))
        scopes = resource.get("scopeLogs") or resource.get("instrumentationLibraryLogs") or []
        for scope in _list({"scopeLogs": scopes}, "scopeLogs"):
            for record in _list(scope, "logRecords"):
                yield _record(record, about)


def _record(record: Mapping[str, Any], about: Mapping[str, Any]) -> bytes:
    own = _attributes(record)
    ids = {name: record[key] for name, key in IDS.items() if isinstance(record.get(key), str) and record[key]}
    attributes = {name: value for name, value in {**about, **own}.items() if name not in TAKEN}
    log = attributes | {
        "timestamp": _time(record),
        "service": str(own.get("service.name") or about.get("service.name") or "unknown_service"),
        "level": _level(record),
        "message": _as_text(_value(record.get("body"))),
    }
    request = {"request_id": ids["trace_id"]} if "trace_id" in ids and "request_id" not in log else {}
    try:
        return orjson.dumps(log | ids | request)
    except orjson.JSONEncodeError as error:
        raise BadInput(f"a record that no JSON carries: {error}") from error


def _time(record: Mapping[str, Any]) -> str:
    """When it was, else when it was seen."""
    for name in ("timeUnixNano", "observedTimeUnixNano"):
        try:
            nanoseconds = int(record.get(name) or 0)
            if nanoseconds > 0:
                return (EPOCH + timedelta(microseconds=nanoseconds // NANOSECONDS)).isoformat()
        except (TypeError, ValueError, OverflowError) as error:
            raise BadInput(f"{name} is {str(record.get(name))[:40]!r}, no nanoseconds since 1970") from error
    raise BadInput("timeUnixNano and observedTimeUnixNano are missing")


def _level(record: Mapping[str, Any]) -> str:
    found = record.get("severityNumber", 0)
    if isinstance(found, int):
        name = next((name for least, name in LEVELS if found >= least), "")
        if name:
            return name
    return str(record.get("severityText") or "INFO")


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


def _bytes(value: object, _depth: int) -> str:
    try:
        return base64.b64decode(str(value), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return str(value)


# How each kind of AnyValue is read.
VALUES: Mapping[str, Callable[[Any, int], Any]] = {
    "stringValue": _plain,
    "boolValue": _plain,
    "doubleValue": _plain,
    "intValue": _integer,
    "bytesValue": _bytes,
    "arrayValue": lambda value, depth: [_value(one, depth) for one in _list(_object(value), "values")],
    "kvlistValue": _pairs,
}


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else orjson.dumps(value).decode()


def _object(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _list(holder: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = holder.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise BadInput(f"{name} is no list of objects")
    return found
