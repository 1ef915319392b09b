"""What the real shippers send, recorded by their documented encodings."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.formats.decoding import decode
from domain.logs import Level, RawBatch, Wire
from tests.parts.logs_part import NOON

FOLDER = Path(__file__).parent / "shippers"
TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
MILLI, MICRO = NOON.replace(microsecond=123_000), NOON.replace(microsecond=123_456)
SENT = NOON + timedelta(seconds=1)


def read(name: str) -> list[dict[str, Any]]:
    """The logs of one message, as it comes off the topic `app-logs`."""
    value = (FOLDER / name).read_bytes()
    sent = round(SENT.timestamp() * 1000)
    raw = RawBatch([1], [0], [0], [value], {(1, 0): 0}, {(1, 0): 1}, names={1: "app-logs"}, sent=[sent])
    found: list[dict[str, Any]] = decode(raw, max_bytes=1_000_000).frame.to_pylist()
    return found


FILES = [
    pytest.param(
        "otel-collector-otlp_json.json", Wire.OTLP_JSON, MICRO, "r-1", id="OpenTelemetry collector, otlp_json"
    ),
    pytest.param(
        "otel-collector-otlp_proto.bin", Wire.OTLP_PROTOBUF, MICRO, "r-1", id="OpenTelemetry collector, otlp_proto"
    ),
    pytest.param("filebeat.json", Wire.ECS, MILLI, "r-1", id="Filebeat"),
    pytest.param("vector.json", Wire.NATIVE, MICRO, "r-1", id="Vector"),
    pytest.param("fluent-bit.json", Wire.ECS, NOON.replace(microsecond=123_457), "r-1", id="Fluent Bit"),
]


@pytest.mark.parametrize(("name", "wire", "at", "request_id"), FILES)
def test_what_a_shipper_sends_is_read(name: str, wire: Wire, at: datetime, request_id: str) -> None:
    log = read(name)[0]
    assert log["fault"] is None
    assert (wire, at, "checkout", Level.ERROR, "payment refused", request_id) == tuple(
        log[column] for column in ("wire", "timestamp", "service", "level", "message", "request_id")
    )
    assert (FOLDER / name).read_bytes() == log["body"]


@pytest.mark.parametrize("name", ["otel-collector-otlp_json.json", "otel-collector-otlp_proto.bin"])
def test_one_message_of_the_collector_holds_several_logs(name: str) -> None:
    first, second = read(name)
    assert (TRACE, SPAN) == (first["trace_id"], first["span_id"])
    assert ("retried", MICRO + timedelta(seconds=1), Level.INFO, 1) == tuple(
        second[column] for column in ("message", "timestamp", "level", "part")
    )
    assert second["body"] is None  # it is kept with the first


def test_both_encodings_of_the_collector_give_the_same_columns() -> None:
    json_logs, protobuf = read("otel-collector-otlp_json.json"), read("otel-collector-otlp_proto.bin")
    for one, other in zip(json_logs, protobuf, strict=True):
        assert one | {"wire": 0, "body": b""} == other | {"wire": 0, "body": b""}


def test_raw_bodies_of_the_collector_are_lines_of_text() -> None:
    (log,) = read("otel-collector-raw.txt")
    assert (Wire.PLAIN, SENT, "app-logs", Level.ERROR) == tuple(
        log[column] for column in ("wire", "timestamp", "service", "level")
    )
