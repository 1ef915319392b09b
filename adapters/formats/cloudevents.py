"""CloudEvents on Kafka: the log is the event's data; who sent it and when may stand beside it.

Structured: a header `content-type` that begins with `application/cloudevents`. Binary: headers `ce_…`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

STRUCTURED = "application/cloudevents"
BINARY_MARKS = ("ce_id", "ce_source", "ce_specversion", "ce_type")
# A document with one of these says by itself when it was and whose it is.
OWN_TIMES = ("timestamp", "@timestamp", "Timestamp", "ObservedTimestamp", "resourceLogs")


@dataclass(frozen=True, slots=True)
class Event:
    """An event's data as a message of another shape, and what stood around it."""

    value: bytes | None  # None: a tombstone
    around: Mapping[str, str]  # the event's own attributes, by their names with `ce_` before
    content_type: str = ""


def is_event(headers: Mapping[str, str]) -> bool:
    """Whether the headers say so."""
    return headers.get("content-type", "").startswith(STRUCTURED) or all(name in headers for name in BINARY_MARKS)


def unwrap(value: bytes | None, headers: Mapping[str, str]) -> Event | str:
    """The data with what it lacks from the event, or what is wrong."""
    if value is None:
        return Event(None, {})
    if headers.get("content-type", "").startswith(STRUCTURED):
        return _structured(value)
    around = {name: text for name, text in headers.items() if name.startswith("ce_")}
    content_type = headers.get("content-type", "")
    return Event(_completed(value, around), around, content_type)


def _structured(value: bytes) -> Event | str:
    try:
        event = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        return f"not a CloudEvent: not JSON: {error}"
    if not isinstance(event, dict):
        return "not a CloudEvent: no JSON object; batches of events are not read, send one event a message"
    if missing := [name for name in ("id", "source", "type") if not isinstance(event.get(name), str)]:
        return f"not a CloudEvent: {', '.join(missing)} missing"
    around = {f"ce_{name}": str(told) for name, told in event.items() if name not in ("data", "data_base64")}
    data = _data(event)
    return data if isinstance(data, str) else Event(_completed(data, around), around)


def _data(event: Mapping[str, Any]) -> bytes | str:
    if "data_base64" in event:
        try:
            return base64.b64decode(str(event["data_base64"]), validate=True)
        except (binascii.Error, ValueError):
            return "not a CloudEvent: data_base64 is no base64"
    data = event.get("data")
    if isinstance(data, str):
        return data.encode("utf-8", "replace")
    try:
        return b"{}" if data is None else orjson.dumps(data)
    except TypeError:
        return "not a CloudEvent: its data is nested too deep"


def _completed(value: bytes, around: Mapping[str, str]) -> bytes:
    """The data with the event's time and source where it has none of its own."""
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError:
        document = {"message": value.decode()} if _is_text(value) else None
    if not isinstance(document, dict) or any(name in document for name in OWN_TIMES[1:]):
        return value
    told = {
        "timestamp": around.get("ce_time"),
        "service": around.get("ce_source"),
        "message": around.get("ce_type"),
        "request_id": around.get("ce_id"),
    }
    lacking = {name: text for name, text in told.items() if text is not None and name not in document}
    try:
        return orjson.dumps(document | lacking) if lacking else value
    except TypeError:  # nested deeper than orjson writes
        return value


def _is_text(value: bytes) -> bool:
    try:
        return "\0" not in value.decode()
    except UnicodeDecodeError:
        return False
