"""One corpus of nasty messages over all formats, mixed in one batch: no exception, no silent loss, no harm."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.formats import mending
from adapters.formats.decoding import decode
from domain.logs import Headers, RawBatch
from tests.parts.logs_part import a_log

SHIPPED = [(path.read_bytes(), None) for path in sorted((Path(__file__).parent / "shippers").iterdir())]
BINARY = [("ce_id", b"1"), ("ce_source", b"web"), ("ce_specversion", b"1.0"), ("ce_type", b"t")]
STRUCTURED = [("content-type", b"application/cloudevents+json")]
PROTOBUF = [("content-type", b"application/x-protobuf")]
EVENT = json.dumps(
    {"id": "1", "source": "web", "type": "t", "specversion": "1.0", "data": json.loads(a_log())}, ensure_ascii=True
).encode()
Message = tuple[bytes | None, Headers | None]
GOOD: list[Message] = [
    *SHIPPED,
    (a_log(metrics={"cpu": 1}), None),
    (b'{"ts": 1767614400, "app": "web", "msg": "foreign"}', None),
    (json.dumps({"Timestamp": "2026-01-05T12:00:00Z", "SeverityNumber": 17, "Body": "b"}).encode(), None),
    (a_log(), BINARY),
    (EVENT, STRUCTURED),
    (b"ERROR a line", [("service", b"web")]),
]
DEEP = b"[" * 3_000 + b"]" * 3_000
NASTY: list[Message] = [
    (None, None),
    (None, BINARY),
    (b"", None),
    (b"\0", None),
    (b"\n", PROTOBUF),
    (b"\n\xff\xff", PROTOBUF),
    (b'{"timestamp":"2026-01-05T12:00:00Z","service":"w","a":' + DEEP + b"}", None),
    (b'{"@timestamp":' + DEEP + b"}", None),
    (b'{"resourceLogs":' + DEEP + b"}", None),
    (b'{"resourceLogs":17}', None),
    (b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":1e400}]}]}]}', None),
    (b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"-1","attributes":[1]}]}]}]}', None),
    (b'{"resourceLogs":[]}', None),
    (b'{"timestamp":{"a":1},"service":{},"metrics":{"\\u0000":1e999}}', None),
    (b'{"@timestamp":[],"service":[{"name":"x"}]}', None),
    (b'{"\\ud800":"\\udfff","timestamp":"2026-01-05T12:00:00Z","service":"\\ud800"}', None),
    (b"\xef\xbb\xbf" + a_log(), None),
    (b'{"id":1}', STRUCTURED),
    (b'{"id":"1","source":"s","type":"t","data_base64":"!"}', STRUCTURED),
    (b'{"id":"1","source":"s","type":"t","data":' + DEEP + b"}", STRUCTURED),
    (b"true", None),
    (b"NaN", None),
    (b'"text"', None),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["timestamp", "@timestamp", "Timestamp", "service", "level", "message", "metrics", "a.b"])
            | st.sampled_from(
                ["resourceLogs", "scopeLogs", "logRecords", "timeUnixNano", "attributes", "key", "value", "body"]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
HEADERS = st.sampled_from([None, BINARY, STRUCTURED, PROTOBUF, [("service", b"\xff")], [("content-type", None)]])
DAMAGED = st.builds(
    lambda whole, place, junk, gone: (
        whole[: place % (len(whole) + 1)] + junk + whole[place % (len(whole) + 1) + gone :]
    ),
    st.sampled_from([value for value, _ in GOOD if value]),
    st.integers(0, 2_000),
    st.binary(max_size=3),
    st.integers(0, 4),
)
VALUES = st.binary(max_size=40) | DAMAGED | JSON.map(lambda one: json.dumps(one).encode()) | st.none()
MESSAGES = st.lists(st.sampled_from([*GOOD, *NASTY]) | st.tuples(VALUES, HEADERS), min_size=1, max_size=8)
FIELDS = {"timestamp": "ts", "service": "app", "message": "msg"}


def batch(messages: Sequence[Message], begin: int = 0) -> RawBatch:
    many = len(messages)
    return RawBatch(
        [1] * many,
        [0] * many,
        list(range(begin, begin + many)),
        [value for value, _ in messages],
        {(1, 0): begin},
        {(1, 0): begin + many},
        names={1: "app-logs"},
        headers=[headers for _, headers in messages],
        sent=[1_767_614_400_000] * many,
    )


def rows(messages: Sequence[Message], begin: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = decode(batch(messages, begin), max_bytes=100_000, fields=FIELDS).frame.to_pylist()
    return found


def is_tombstone(message: Message) -> bool:
    """A null value that an event's headers stand beside deletes, and is no log."""
    value, headers = message
    names = {name for name, _ in headers or []}
    is_event = {"ce_id", "ce_source", "ce_specversion", "ce_type"} <= names or headers == STRUCTURED
    return value is None and is_event


def check(messages: Sequence[Message]) -> None:
    """Every message gives rows or a fault, in order; each row is as it is alone."""
    found = rows(messages)
    expected = [number for number, message in enumerate(messages) if not is_tombstone(message)]
    assert expected == sorted({row["offset"] for row in found})
    assert found == sorted(found, key=lambda row: (row["offset"], row["part"]))
    alone = [row for number, message in enumerate(messages) for row in rows([message], number)]
    assert alone == found
    for row in found:
        assert row["fault"] or None not in (row["timestamp"], row["service"], row["level"], row["message"])


def test_the_corpus_as_one_batch() -> None:
    check([message for pair in zip(GOOD * 2, NASTY, strict=False) for message in pair])
    check(NASTY)


def test_every_good_one_is_read() -> None:
    assert [None] * len(rows(GOOD)) == [row["fault"] for row in rows(GOOD)]


@given(MESSAGES)
@settings(max_examples=150)
def test_no_message_harms_itself_unseen_or_another(messages: list[Message]) -> None:
    check(messages)


@given(MESSAGES, st.integers(0, 8))
@settings(max_examples=60)
def test_where_a_batch_ends_changes_nothing(messages: list[Message], cut: int) -> None:
    parts = [rows(part, begin) for part, begin in ((messages[:cut], 0), (messages[cut:], min(cut, len(messages))))]
    assert rows(messages) == [row for part in parts for row in part]


@pytest.mark.parametrize("odd", [1, 7, 40])
def test_only_the_odd_rows_are_looked_at_singly(odd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row I6: one odd log in a batch made its whole slice slow."""
    mended: list[str] = []
    mend = mending.mend
    monkeypatch.setattr(mending, "mend", lambda text: mended.append(text) or mend(text))
    half = b'{"timestamp":"2026-01-05T12:00:00Z","service":"web","message":"\\ud800"}'
    messages: list[Message] = [(a_log(), None)] * 2_000
    for place in range(odd):
        messages[place * 50] = (half if place % 2 else b"{", None)
    found = rows(messages)
    assert (2_000, odd) == (len(found), len(mended))
