"""Names of foreign JSON are guessed by what they are called and by what their values look like, and then tried."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.formats.decoding import decode
from adapters.formats.guessing import guess, objects
from domain.kafka_settings import KafkaSettings
from tests.parts.logs_part import a_batch

AT = 1_767_614_400


def documents(**fields: Any) -> list[dict[str, Any]]:
    """Ten; a function is called with the number."""
    return [{name: one(n) if callable(one) else one for name, one in fields.items()} for n in range(10)]


CASES = [
    pytest.param(
        documents(ts=lambda n: AT + n, app="web", lvl="warn", msg=lambda n: f"said {n}"),
        {"timestamp": "ts", "service": "app", "level": "lvl", "message": "msg"},
        id="short names with seconds since 1970",
    ),
    pytest.param(
        documents(time=lambda n: (AT + n) * 1000, meta={"service": {"name": "web"}}, severity="ERROR", text="oh no"),
        {"timestamp": "time", "service": "meta.service.name", "level": "severity", "message": "text"},
        id="nested names with milliseconds",
    ),
    pytest.param(
        documents(when="2026-01-05T12:00:00Z", svc="web", rank="INFO", what="all is well", corr="x"),
        {"timestamp": "when", "service": "svc", "level": "rank", "message": "what"},
        id="by the values where names say nothing",
    ),
    pytest.param(
        documents(timestamp="2026-01-05T12:00:00Z", application="web", level="INFO", message="m", requestId="r1"),
        {"service": "application", "request_id": "requestId"},
        id="what has our name is left out",
    ),
    pytest.param(
        documents(ts=AT, app="web", msg="m n", stats={"cpu": 1.5, "queue": 3}, latency_ms=12),
        {
            "timestamp": "ts",
            "service": "app",
            "message": "msg",
            "metrics": "stats",
            "metrics.request_latency_ms": "latency_ms",
        },
        id="an object of numbers, and a number whose name has its unit",
    ),
    pytest.param(
        documents(time="soon", timestamp_ms=AT * 1000, app="web", msg="m n"),
        {"timestamp": "timestamp_ms", "service": "app", "message": "msg"},
        id="a name whose values speak against it",
    ),
]


@pytest.mark.parametrize(("given", "expected"), CASES)
def test_names_are_guessed(given: list[dict[str, Any]], expected: dict[str, str]) -> None:
    assert expected == guess(given)


@pytest.mark.parametrize(("given", "_expected"), CASES)
def test_what_is_guessed_reads_the_very_messages(given: list[dict[str, Any]], _expected: dict[str, str]) -> None:
    fields = KafkaSettings(fields=guess(given)).fields
    found = decode(a_batch([json.dumps(one).encode() for one in given]), max_bytes=10_000, fields=fields).frame
    assert [None] * len(given) == found["fault"].to_pylist()
    assert {"web"} == set(found["service"].to_pylist())


def test_what_is_no_object_says_nothing() -> None:
    assert [{"a": 1}] == objects([b"text", b"[1]", None, b'{"a":1}', b"{"])
    assert {} == guess([])
