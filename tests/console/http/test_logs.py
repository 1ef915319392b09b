"""Posted logs: all of a request are in the topic before it is told so, or none of it was sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from adapters.formats.decoding import decode
from adapters.formats_in.logs import read
from adapters.log_files import as_batch
from adapters.store.database import connect
from domain.errors import BadInput, Refused, Unavailable
from domain.kafka_settings import KafkaSettings
from domain.logs import Level
from tests.parts.http_part import Sent, a_client, a_service
from tests.parts.logs_part import NOON, a_log

KAFKA = KafkaSettings(max_log_bytes=10_000)
NANOSECONDS = str(int(NOON.timestamp()) * 10**9)


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def client(sqlite_url: str, tmp_path: Path, sent: Sent) -> TestClient:
    return a_client(a_service(connect(sqlite_url), tmp_path, logs=sent))


def otlp(*records: dict[str, Any], service: str = "web") -> dict[str, Any]:
    """An export request of OpenTelemetry."""
    about = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return {"resourceLogs": [{"resource": about, "scopeLogs": [{"scope": {}, "logRecords": list(records)}]}]}


def a_record(**changes: Any) -> dict[str, Any]:
    return {
        "timeUnixNano": NANOSECONDS,
        "severityNumber": 17,
        "severityText": "ERROR",
        "body": {"stringValue": "it broke"},
        "attributes": [{"key": "retries", "value": {"intValue": "3"}}],
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
    } | changes


LINE = a_log()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(LINE, 1, id="one object"),
        pytest.param(b"[" + LINE + b"," + LINE + b"]", 2, id="a list"),
        pytest.param(LINE + b"\n\n" + LINE + b"\r\n", 2, id="lines, empty ones left out"),
        pytest.param(json.dumps(otlp(a_record(), a_record())).encode(), 1, id="an export request of OpenTelemetry"),
        pytest.param(b"\n".join([json.dumps(otlp(a_record())).encode(), LINE]), 2, id="lines of both shapes"),
        pytest.param(a_log(metrics={"cpu_usage": float("nan")}), 1, id="NaN, which Python's writers emit"),
    ],
)
def test_logs_are_sent_keyed_by_their_service(client: TestClient, sent: Sent, body: bytes, expected: int) -> None:
    done = client.post("/logs", content=body)
    assert {"sent": expected} == done.json()
    assert [b"web"] * expected == [key for _, key in sent.logs]


def told(body: bytes) -> list[dict[str, Any]]:
    """Each log of what is sent, as the topic's reader takes it."""
    values: list[bytes | None] = [value for value, _ in read(body, KAFKA)]
    found: list[dict[str, Any]] = decode(as_batch(values, 0), max_bytes=10_000).frame.to_pylist()
    return found


def test_opentelemetry_is_sent_as_it_came_and_read_by_the_topics_reader() -> None:
    (row,) = told(json.dumps(otlp(a_record())).encode())
    names = ("timestamp", "service", "level", "message", "request_id", "span_id")
    expected = (NOON, "web", Level.ERROR, "it broke", "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174")
    assert expected == tuple(row[name] for name in names)
    assert {"retries": 3} == json.loads(row["attributes"])


@pytest.mark.parametrize(
    ("number", "expected"),
    [(1, "TRACE"), (5, "DEBUG"), (9, "INFO"), (12, "INFO"), (13, "WARN"), (17, "ERROR"), (21, "CRITICAL"), (0, "WARN")],
)
def test_levels_follow_the_severity_number(number: int, expected: str) -> None:
    (row,) = told(json.dumps(otlp(a_record(severityNumber=number, severityText="warning"))).encode())
    assert Level[expected] == row["level"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param({"stringValue": "a"}, "a", id="text"),
        pytest.param({"intValue": "7"}, "7", id="a whole number, which is sent as text"),
        pytest.param(
            {"kvlistValue": {"values": [{"key": "a", "value": {"boolValue": True}}]}}, '{"a":true}', id="keys"
        ),
        pytest.param({"arrayValue": {"values": [{"doubleValue": 1.5}]}}, "[1.5]", id="a list"),
        pytest.param({"bytesValue": "aGk="}, "hi", id="bytes"),
        pytest.param(None, "", id="nothing"),
    ],
)
def test_any_body_is_a_message(body: object, expected: str) -> None:
    (row,) = told(json.dumps(otlp(a_record(body=body))).encode())
    assert expected == row["message"]


def test_a_record_without_a_time_has_the_time_at_which_it_was_seen() -> None:
    record = a_record(timeUnixNano="0", observedTimeUnixNano=NANOSECONDS)
    (row,) = told(json.dumps(otlp(record)).encode())
    assert NOON == row["timestamp"]


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        pytest.param(b"", ["the body holds no log"], id="nothing"),
        pytest.param(b"{no JSON", ["line 1: not JSON"], id="no JSON"),
        pytest.param(LINE + b"\n{}\nx", ["line 2: no shape that is known", "line 3: no time"], id="each line at fault"),
        pytest.param(b"[" + LINE + b",7]", ["entry 2: not a JSON object but int"], id="each entry at fault"),
        pytest.param(
            json.dumps(otlp(a_record(), a_record(), service="")).encode() + b"\n" + json.dumps(otlp({})).encode(),
            ["line 2: timestamp is missing: neither timeUnixNano"],
            id="a record of OpenTelemetry without a time",
        ),
        pytest.param(
            b'{"resourceLogs": 7}', ["line 1: not OTLP: resourceLogs is no list of objects"], id="no OpenTelemetry"
        ),
        pytest.param(a_log(message="x" * 200_000), ["too long"], id="longer than the topic takes"),
        pytest.param(b"\xff\xff", ["line 1: not UTF-8"], id="no text"),
    ],
)
def test_what_cannot_be_read_is_told_line_by_line_and_nothing_is_sent(
    client: TestClient, sent: Sent, body: bytes, parts: list[str]
) -> None:
    done = client.post("/logs", content=body)
    assert 400 == done.status_code
    for part in ["nothing was sent", *parts]:
        assert part in done.json()["error"]
    assert [] == sent.logs


def test_of_many_faults_some_are_named_and_all_are_counted() -> None:
    with pytest.raises(BadInput, match=r"line 20: .*; and 30 more"):
        read(b"{}\n" * 50, KAFKA)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(Unavailable("kafka: 3 messages not acknowledged"), 503, id="the broker does not answer"),
        pytest.param(Refused("kafka: too large"), 400, id="the broker refuses"),
    ],
)
def test_what_was_not_acknowledged_is_not_told_as_sent(client: TestClient, sent: Sent, error: Any, status: int) -> None:
    sent.error = error
    done = client.post("/logs", content=LINE)
    assert status == done.status_code
    assert str(error) == done.json()["error"]


def test_names_of_a_producer_and_its_zone_are_those_of_the_topic() -> None:
    kafka = KafkaSettings(fields={"timestamp": "ts", "service": "app"}, zone="Europe/Berlin")
    body = b'{"ts": "2026-01-05T12:00:00", "app": "web"}'
    assert [(body, b"web")] == read(body, kafka)
    with pytest.raises(BadInput, match="no shape that is known"):
        read(body, KAFKA)
