"""The same log in every format gives the same columns; a format file without a case here fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

import adapters.formats
from adapters.formats.decoding import decode
from domain.logs import Headers, Level, RawBatch
from tests.parts.logs_part import NOON

SECONDS = round(NOON.timestamp())
TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
EXPECTED: dict[str, Any] = {
    "timestamp": NOON,
    "service": "web",
    "level": Level.ERROR,
    "message": "payment refused",
    "request_id": "r-1",
    "trace_id": TRACE,
    "span_id": SPAN,
    "measured": [("cpu_usage", 7.5)],
    "fault": None,
}
FIELDS = {"timestamp": "ts", "service": "app.name", "level": "lvl", "message": "msg", "request_id": "req"} | {
    "trace_id": "tr",
    "span_id": "sp",
    "metrics": "m",
}
NATIVE: dict[str, Any] = {
    "timestamp": "2026-01-05T12:00:00Z",
    "service": "web",
    "level": "error",
    "message": "payment refused",
    "request_id": "r-1",
    "trace_id": TRACE,
    "span_id": SPAN,
    "metrics": {"cpu_usage": 7.5},
}
OTEL = {
    "Timestamp": SECONDS * 1_000_000_000,
    "SeverityNumber": 17,
    "Body": "payment refused",
    "TraceId": TRACE,
    "SpanId": SPAN,
    "Resource": {"service.name": "web"},
    "Attributes": {"http.request.id": "r-1", "metrics": {"cpu_usage": 7.5}},
}
ECS_FLAT = {
    "@timestamp": "2026-01-05T12:00:00.000Z",
    "service.name": "web",
    "log.level": "error",
    "message": "payment refused",
    "http.request.id": "r-1",
    "trace.id": TRACE,
    "span.id": SPAN,
    "system.cpu.total.norm.pct": 0.075,
}
ECS_NESTED = {
    "@timestamp": "2026-01-05T12:00:00.000Z",
    "service": {"name": "web"},
    "log": {"level": "error"},
    "message": "payment refused",
    "http": {"request": {"id": "r-1"}},
    "trace": {"id": TRACE},
    "span": {"id": SPAN},
    "host": {"cpu": {"usage": 0.075}},
}
MAPPED = {"ts": SECONDS * 1000, "app": {"name": "web"}, "lvl": "ERR", "msg": "payment refused", "req": "r-1"} | {
    "tr": TRACE,
    "sp": SPAN,
    "m": {"cpu_usage": "7.5"},
}
OTLP = {
    "resourceLogs": [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "web"}}]},
            "scopeLogs": [
                {
                    "logRecords": [
                        {
                            "timeUnixNano": str(SECONDS * 1_000_000_000),
                            "severityNumber": 18,
                            "body": {"stringValue": "payment refused"},
                            "traceId": TRACE,
                            "spanId": SPAN,
                            "attributes": [
                                {"key": "request_id", "value": {"stringValue": "r-1"}},
                                {
                                    "key": "metrics",
                                    "value": {
                                        "kvlistValue": {"values": [{"key": "cpu_usage", "value": {"doubleValue": 7.5}}]}
                                    },
                                },
                            ],
                        }
                    ]
                }
            ],
        }
    ]
}


def protobuf() -> bytes:
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    name = resource.resource.attributes.add()
    name.key, name.value.string_value = "service.name", "web"
    record = resource.scope_logs.add().log_records.add()
    record.time_unix_nano, record.severity_number = SECONDS * 1_000_000_000, 17
    record.body.string_value = "payment refused"
    record.trace_id, record.span_id = bytes.fromhex(TRACE), bytes.fromhex(SPAN)
    about = record.attributes.add()
    about.key, about.value.string_value = "request_id", "r-1"
    measured = record.attributes.add()
    measured.key = "metrics"
    one = measured.value.kvlist_value.values.add()
    one.key, one.value.double_value = "cpu_usage", 7.5
    return request.SerializeToString()


def event() -> bytes:
    return json.dumps({"specversion": "1.0", "id": "e-1", "source": "shop", "type": "log", "data": NATIVE}).encode()


STRUCTURED: Headers = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
BINARY: Headers = [("ce_id", b"e-1"), ("ce_source", b"shop"), ("ce_specversion", b"1.0"), ("ce_type", b"log")]


def as_json(document: dict[str, Any]) -> Callable[[], bytes]:
    return lambda: json.dumps(document).encode()


# Format file -> its messages and headers.
FORMATS: dict[str, list[tuple[Callable[[], bytes], Headers | None]]] = {
    "native": [(as_json(NATIVE), None)],
    "otel": [(as_json(OTEL), None)],
    "otlp": [(as_json(OTLP), None), (protobuf, None), (protobuf, [("content-type", b"application/x-protobuf")])],
    "ecs": [(as_json(ECS_FLAT), None), (as_json(ECS_NESTED), None)],
    "mapped": [(as_json(MAPPED), None)],
    "cloudevents": [(event, STRUCTURED), (as_json(NATIVE), BINARY)],
}
LINE = b"[2026-01-05 12:00:00] ERROR payment refused"
# What is shared by formats, and the lines of text, which have no names to compare.
OTHERS = {"columns", "decoding", "json_columns", "mending", "spread", "plain", "guessing", "seen", "__init__"}
CASES = [
    pytest.param(make, headers, id=f"{name} {number}")
    for name, made in FORMATS.items()
    for number, (make, headers) in enumerate(made, 1)
]


def read(value: bytes, headers: Headers | None) -> list[dict[str, Any]]:
    raw = RawBatch(
        [1],
        [0],
        [5],
        [value],
        {(1, 0): 5},
        {(1, 0): 6},
        names={1: "app-logs"},
        keys=[b"k"],
        headers=[headers],
        sent=[SECONDS * 1000],
    )
    found: list[dict[str, Any]] = decode(raw, max_bytes=100_000, fields=FIELDS).frame.to_pylist()
    return found


def test_every_format_has_a_case() -> None:
    folder = Path(str(adapters.formats.__file__)).parent
    assert {path.stem for path in folder.glob("*.py")} == FORMATS.keys() | OTHERS


@pytest.mark.parametrize(("make", "headers"), CASES)
def test_the_same_log_gives_the_same_columns(make: Callable[[], bytes], headers: Headers | None) -> None:
    (log,) = read(make(), headers)
    assert EXPECTED == {name: log[name] for name in EXPECTED}


@pytest.mark.parametrize(("make", "headers"), CASES)
def test_what_kafka_says_is_kept(make: Callable[[], bytes], headers: Headers | None) -> None:
    (log,) = read(make(), headers)
    told = {name: (value or b"").decode() for name, value in headers or []}
    assert (make(), b"k", NOON, 5, told or None) == (
        log["body"],
        log["key"],
        log["sent_at"],
        log["offset"],
        json.loads(log["headers"]) if log["headers"] else None,
    )


def test_a_line_of_text_has_what_it_can_have() -> None:
    (log,) = read(LINE, [("service", b"web")])
    assert ("web", Level.ERROR, NOON, LINE.decode(), None) == tuple(
        log[name] for name in ("service", "level", "timestamp", "message", "fault")
    )
