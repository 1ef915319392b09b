"""Bytes of Kafka messages become columns; whatever stands beside a log, its own columns are the same."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.formats.decoding import decode
from domain.logs import Level, LogBatch, RawBatch
from tests.parts.logs_part import NOON, a_batch, a_log

MOST_BYTES = 1_000_000
GOOD = a_log(message="the good one")


def decoded(*values: bytes | None) -> LogBatch:
    return decode(a_batch(values), max_bytes=MOST_BYTES)


def row(value: bytes | None) -> dict[str, Any]:
    """One log's columns with its metrics, decoded alone."""
    batch = decoded(value)
    measured = batch.metrics.to_pylist()[0] if batch.metrics.num_columns else {}
    found: dict[str, Any] = batch.frame.to_pylist()[0] | {"metrics": measured}
    return found


def raw_log(fields: str) -> bytes:
    """A log whose other fields are written out, for what `json.dumps` would not write."""
    return b'{"timestamp":"2026-01-05T12:00:00Z","service":"web",' + fields.encode() + b"}"


READ = [
    pytest.param(a_log(), {"service": "web", "message": "all is well", "timestamp": NOON}, id="plain"),
    pytest.param(a_log(timestamp="2026-01-05T12:00:00Z"), {"timestamp": NOON}, id="time-zulu"),
    pytest.param(a_log(timestamp="2026-01-05T14:00:00+02:00"), {"timestamp": NOON}, id="time-with-zone"),
    pytest.param(a_log(timestamp="2026-01-05T12:00:00"), {"timestamp": NOON}, id="time-naive-is-utc"),
    pytest.param(a_log(timestamp="2026-01-05 12:00"), {"timestamp": NOON}, id="time-short"),
    pytest.param(
        a_log(timestamp="2026-01-05T12:00:00.123456789"),
        {"timestamp": NOON.replace(microsecond=123456)},
        id="time-with-nanoseconds",
    ),
    pytest.param(a_log(level="WARNING"), {"level": Level.WARN}, id="level-by-other-name"),
    pytest.param(a_log(level="fatal "), {"level": Level.CRITICAL}, id="level-in-small-letters"),
    pytest.param(a_log(level="PURPLE"), {"level": Level.INFO}, id="level-unknown-counts-as-info"),
    pytest.param(a_log(level=None), {"level": Level.INFO}, id="level-missing"),
    pytest.param(raw_log('"level":null,"message":"m"'), {"level": Level.INFO, "message": "m"}, id="level-null"),
    pytest.param(a_log(message=None), {"message": ""}, id="message-missing"),
    pytest.param(a_log(request_id=None), {"request_id": None}, id="request-id-missing"),
    pytest.param(a_log(request_id=17), {"request_id": "17"}, id="request-id-number"),
    pytest.param(a_log(message="a\nb\tc\r"), {"message": "a\nb\tc\r"}, id="escaped-line-feed"),
    pytest.param(raw_log('"message":"a\\u0000b"'), {"message": "ab"}, id="nul"),
    pytest.param(raw_log('"message":"a\\ud800b"'), {"message": "a?b"}, id="lone-surrogate"),
    pytest.param(raw_log('"message":"\\ud83d\\ude00"'), {"message": "😀"}, id="surrogate-pair"),
    pytest.param(raw_log('"service":"api"'), {"service": "web"}, id="duplicate-key-first-wins"),
    pytest.param(b" " + a_log() + b" ", {"service": "web"}, id="spaces-around"),
    pytest.param(a_log(nested={"a": [1, {"b": "c"}]}, other=[]), {"service": "web"}, id="attributes"),
    pytest.param(raw_log('"a":' + "1" * 5_000), {"service": "web"}, id="endless-integer"),
    pytest.param(a_log(metrics={"cpu": 95.5, "n": 3}), {"metrics": {"cpu": 95.5, "n": 3.0}}, id="metrics"),
    pytest.param(a_log(metrics={}), {"metrics": {}}, id="metrics-empty"),
    pytest.param(raw_log('"metrics":null'), {"metrics": {}}, id="metrics-null"),
    pytest.param(a_log(metrics={"cpu": "95.5"}), {"metrics": {"cpu": 95.5}}, id="metric-as-text"),
    pytest.param(a_log(metrics={"cpu": math.nan, "n": 1}), {"metrics": {"n": 1.0}}, id="metric-nan"),
    pytest.param(a_log(metrics={"cpu": -math.inf, "n": 1}), {"metrics": {"n": 1.0}}, id="metric-infinite"),
    pytest.param(a_log(metrics={"cpu": 10**400, "n": 1}), {"metrics": {"n": 1.0}}, id="metric-beyond-a-float"),
    pytest.param(a_log(metrics={"cpu": 2**70}), {"metrics": {"cpu": float(2**70)}}, id="metric-beyond-64-bits"),
    pytest.param(a_log(metrics={"cpu": True, "n": 1}), {"metrics": {"n": 1.0}}, id="metric-boolean"),
    pytest.param(a_log(metrics={"cpu": {"user": 1}, "n": 1}), {"metrics": {"n": 1.0}}, id="metric-nested"),
    pytest.param(a_log(metrics={"cpu": None, "n": 1}), {"metrics": {"n": 1.0}}, id="metric-null"),
    pytest.param(a_log(metrics={"cpu": "much", "n": 1}), {"metrics": {"n": 1.0}}, id="metric-in-words"),
    pytest.param(a_log(metrics=[1, 2]), {"metrics": {}}, id="metrics-list"),
    pytest.param(a_log(metrics="cpu=1"), {"metrics": {}}, id="metrics-text"),
    pytest.param(a_log(level=3), {"level": Level.INFO, "attributes": '{"level":"3"}'}, id="level-number"),
    pytest.param(a_log(message={"text": "m"}), {"message": '{"text":"m"}'}, id="message-object"),
    pytest.param(a_log(message=17), {"message": "17"}, id="message-number"),
    pytest.param(a_log(timestamp=1_767_614_400), {"timestamp": NOON}, id="time-in-seconds"),
    pytest.param(a_log(timestamp=1_767_614_400_000), {"timestamp": NOON}, id="time-in-milliseconds"),
    pytest.param(a_log(timestamp=1_767_614_400_000_000), {"timestamp": NOON}, id="time-in-microseconds"),
    pytest.param(a_log(timestamp=1_767_614_400_000_000_000), {"timestamp": NOON}, id="time-in-nanoseconds"),
    pytest.param(a_log(timestamp="1767614400.5"), {"timestamp": NOON.replace(microsecond=500_000)}, id="time-in-parts"),
]
DEEP = b'{"timestamp":"2026-01-05T12:00:00Z","service":"web","a":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
UNREADABLE = [
    pytest.param(None, "null value", id="null-value"),
    pytest.param(b"", "empty: nothing to read", id="empty"),
    pytest.param(b" \n", "empty: nothing to read", id="blank"),
    pytest.param(b"no json at all", "no time: plain text has that of the broker", id="text-without-a-broker's-time"),
    pytest.param(GOOD[:-1], "not JSON", id="cut-off"),
    pytest.param(GOOD + GOOD, "not JSON", id="two-documents"),
    pytest.param(GOOD + b"\n" + GOOD, "not JSON", id="two-documents-in-two-lines"),
    pytest.param(GOOD + b"\0" + GOOD, "not JSON", id="two-documents-and-nul"),
    pytest.param(b"[" + GOOD + b"]", "not a JSON object but list", id="list"),
    pytest.param(b"17", "not a JSON object but int", id="number"),
    pytest.param(GOOD.replace(b"good", b"g\xfford"), "not UTF-8: byte 0xff", id="not-utf-8"),
    pytest.param(GOOD.replace(b"good", b"go\nod"), "not JSON", id="raw-line-feed-in-a-text"),
    pytest.param(DEEP, "not JSON", id="nested-beyond-measure"),
    pytest.param(a_log(message="x" * 2_000_000), "too long: 2000", id="two-megabytes"),
    pytest.param(a_log(timestamp=None), "timestamp is missing", id="no-time"),
    pytest.param(a_log(timestamp=17), "timestamp is not ISO 8601 nor a number since 1970: '17'", id="number-too-small"),
    pytest.param(a_log(timestamp="yesterday"), "nor a number since 1970: 'yesterday'", id="time-in-words"),
    pytest.param(a_log(timestamp="9999-12-31T23:59:59Z"), "timestamp is implausible", id="the-end-of-all-times"),
    pytest.param(a_log(timestamp="2100-01-01T00:00:00Z"), "timestamp is implausible", id="next-century"),
    pytest.param(a_log(timestamp="1969-12-31T23:59:59Z"), "timestamp is implausible", id="before-all-clocks"),
    pytest.param(a_log(timestamp=631_151_999), "timestamp is not ISO 8601 nor a number", id="number-before-1990"),
    pytest.param(a_log(timestamp=4_102_444_800), "timestamp is not ISO 8601 nor a number", id="number-from-2100-on"),
    pytest.param(a_log(timestamp="0000-01-01T00:00:00Z"), "timestamp is not ISO 8601", id="year-zero"),
    pytest.param(a_log(timestamp="9999-12-31T23:59:59-12:00"), "timestamp is not ISO 8601", id="year-ten-thousand"),
    pytest.param(a_log(service=None), "service is missing", id="no-service"),
    pytest.param(a_log(service=["web"]), "service is no text: [", id="service-list"),
    pytest.param(a_log(service=" "), "service is empty", id="service-blank"),
    pytest.param(a_log(service="we\nb"), "not printable", id="service-with-line-feed"),
    pytest.param(a_log(service="w" * 201), "longer than 200", id="service-too-long"),
]


@pytest.mark.parametrize(("value", "expected"), READ)
def test_a_readable_log_becomes_a_row(value: bytes, expected: dict[str, object]) -> None:
    found = row(value)
    assert found["fault"] is None
    assert expected == {name: found[name] for name in expected}


@pytest.mark.parametrize(("value", "expected"), READ)
def test_the_body_is_kept_verbatim(value: bytes, expected: dict[str, object]) -> None:
    assert value == row(value)["body"]


@pytest.mark.parametrize(("value", "reason"), UNREADABLE)
def test_an_unreadable_log_keeps_its_place_with_the_reason(value: bytes | None, reason: str) -> None:
    found = decoded(GOOD, value, GOOD).frame.to_pylist()
    assert reason in found[1]["fault"]
    assert found[1]["body"] is None
    assert [0, 1, 2] == [one["offset"] for one in found]
    assert [None, None] == [found[0]["fault"], found[2]["fault"]]


def shown(batch: LogBatch) -> list[dict[str, Any]]:
    """The readable rows of a batch with the metrics that they carry."""
    measured = batch.metrics.to_pylist() or [{}] * len(batch)
    return [
        one | {"offset": 0, "metrics": {name: value for name, value in metrics.items() if value is not None}}
        for one, metrics in zip(batch.frame.to_pylist(), measured, strict=True)
        if one["fault"] is None
    ]


# No values that are unequal to themselves, and no -0.0, which a text of digits does not keep.
NUMBERS = st.one_of(st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0))
METRICS = st.none() | st.dictionaries(
    st.sampled_from(["cpu", "memory", "latency", "größe"]), NUMBERS | st.none() | st.just("12.5"), max_size=3
)
TIMES = st.one_of(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(datetime.isoformat),  # noqa: DTZ001 - naive on purpose
    st.datetimes(datetime(1970, 1, 1), timezones=st.just(UTC)).map(datetime.isoformat),  # noqa: DTZ001
    st.sampled_from(["2026-01-05T12:00:00Z", "2026-01-05T12:00:00+0530", "2026-01-05", "20260105T12"]),
)
LOGS = st.builds(
    lambda extra, ascii_only, **fields: json.dumps(fields | extra, ensure_ascii=ascii_only).encode("utf-8", "replace"),
    extra=st.fixed_dictionaries(
        {},
        optional={
            "metrics": METRICS,
            "request_id": st.text(max_size=5) | st.integers() | st.none(),
            "attribute": st.text(max_size=3) | st.integers() | st.none() | st.lists(st.integers(), max_size=2),
        },
    ),
    ascii_only=st.booleans(),
    timestamp=TIMES,
    service=st.sampled_from(["web", "db-1", "größe"]),
    level=st.sampled_from(["INFO", "error", "WARNING", "odd"]) | st.none(),
    message=st.text(max_size=20) | st.none(),
)
BAD = st.sampled_from([None, b"{", b"\xff", GOOD + GOOD, a_log(service=None), a_log(timestamp="soon"), b"[]"])


@given(logs=st.lists(LOGS, min_size=1, max_size=8), bad=st.lists(st.tuples(st.integers(0, 8), BAD), max_size=3))
def test_bad_neighbours_change_nothing_about_a_good_log(logs: list[bytes], bad: list[tuple[int, bytes | None]]) -> None:
    """The block way and the row-by-row way give the same columns for the same log."""
    mixed: list[bytes | None] = list(logs)
    for place, value in bad:
        mixed.insert(place, value)
    assert shown(decoded(*logs)) == shown(decoded(*mixed))


@given(logs=st.lists(LOGS | BAD, min_size=1, max_size=8), cut=st.integers(0, 8))
def test_where_a_batch_ends_changes_nothing(logs: list[bytes | None], cut: int) -> None:
    parts = [shown(decoded(*part)) for part in (logs[:cut], logs[cut:]) if part]
    assert shown(decoded(*logs)) == [one for part in parts for one in part]


@given(log=LOGS, place=st.integers(1, 200), damage=st.binary(max_size=3), removed=st.integers(0, 3))
@settings(max_examples=300)
def test_damage_is_seen_alike_alone_and_beside_a_broken_log(
    log: bytes, place: int, damage: bytes, removed: int
) -> None:
    """Both JSON readers agree on what is a log."""
    broken = log[: place % len(log)] + damage + log[place % len(log) + removed :]
    assert shown(decoded(broken)) == shown(decoded(broken, b"{"))


@pytest.mark.parametrize("depth", [900, 1_100, 50_000])
def test_how_deep_a_log_may_nest_is_the_same_beside_a_bad_one(depth: int) -> None:
    """Arrow's reader takes any depth and ends the process with it."""
    deep = raw_log('"a":' + "[" * depth + "]" * depth)
    assert shown(decoded(deep, GOOD)) == shown(decoded(deep, GOOD, b"{"))


def test_metrics_are_named_in_order_of_their_names_whichever_came_first() -> None:
    one, other = a_log(metrics={"b": 1, "a": 2}), a_log(metrics={"c": 1})
    assert ["a", "b", "c"] == decoded(one, other).metrics.column_names == decoded(other, one).metrics.column_names


def test_zoned_and_naive_times_may_stand_in_one_batch() -> None:
    times = ["2026-01-05T12:00:00", "2026-01-05T12:00:00Z", "2026-01-05T13:00:00+01:00"]
    found = decoded(*(a_log(timestamp=time) for time in times)).frame["timestamp"].to_pylist()
    assert [NOON] * 3 == found


def test_nothing_decodes_to_nothing() -> None:
    assert 0 == len(decoded())


@pytest.mark.parametrize(
    "log",
    [
        pytest.param(b'{"ts": 1767225600, "app": "web", "a": {"b": {"cpu": 1.5}}, "lat": {"ms": 7}}', id="nested"),
        pytest.param(b'{"ts": 1767225600, "app": "web", "a.b": {"cpu": 1.5}, "lat.ms": 7}', id="a key with a dot"),
    ],
)
def test_numbers_of_a_producer_are_found_nested_and_under_a_key_that_holds_a_dot(log: bytes) -> None:
    fields = {"timestamp": "ts", "service": "app", "metrics": "a.b", "metrics.latency": "lat.ms"}
    raw = RawBatch([1], [0], [0], [log], {}, {})
    assert [("cpu", 1.5), ("latency", 7.0)] == decode(raw, max_bytes=1_000, fields=fields).frame["measured"][0].as_py()


def test_a_number_with_a_name_of_its_own_stays_an_attribute_as_well() -> None:
    fields = {"timestamp": "ts", "service": "app", "metrics.latency": "ms"}
    raw = RawBatch([1], [0], [0], [b'{"ts": 1767225600, "app": "web", "ms": 7}'], {}, {})
    frame = decode(raw, max_bytes=1_000, fields=fields).frame
    assert frame["measured"][0].as_py() == [("latency", 7.0)]
    assert frame["attributes"][0].as_py() == '{"ms":7}'


@pytest.mark.parametrize(
    ("metrics", "measured"),
    [
        (b'{"cpu": 1.5}', [("cpu", 1.5)]),
        (b'"{\\"cpu\\": 1.5}"', [("cpu", 1.5)]),  # an object that somebody wrote as text
        (b'"{not an object"', []),
        (b'"none"', []),
        (b"[1, 2]", []),
        (b"7", []),
        (b"null", []),
    ],
)
def test_metrics_that_are_no_object_cost_their_neighbours_nothing(
    metrics: bytes, measured: list[tuple[str, float]]
) -> None:
    strange = b'{"timestamp": 1767225600, "service": "web", "metrics": ' + metrics + b"}"
    good = b'{"timestamp": 1767225600, "service": "web", "metrics": {"errors": 2}}'
    found = decode(RawBatch([1, 1], [0, 0], [0, 1], [strange, good], {}, {}), max_bytes=1_000).frame["measured"]
    assert found.to_pylist() == [measured, [("errors", 2.0)]]
