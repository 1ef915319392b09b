"""Which logs carry a key, and which of a minute count."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.detection_settings import DetectionSettings
from domain.logs import SCHEMA
from domain.sessions import KEYED, columns_for, in_time, keyed, within
from tests.parts.logs_part import NOON, SECOND

MINUTE = int(NOON.timestamp()) // 60


def logs(*changes: dict[str, Any]) -> pa.Table:
    """Logs at offsets 0, 1, … a second apart, of one partition where nothing else is said."""
    base = {"topic": 1, "partition": 0, "part": 0, "service": "web", "message": "m"}
    rows = [
        base | {"offset": number, "timestamp": NOON + number * SECOND} | change for number, change in enumerate(changes)
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


@pytest.mark.parametrize("name", ["request_id", "trace_id", "span_id"])
def test_a_column_may_be_the_key(name: str) -> None:
    found = keyed(logs({name: "a"}, {name: ""}, {name: None}, {name: "b"}), name)
    assert ["a", "b"] == found["key"].to_pylist()
    assert KEYED == found.schema


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        pytest.param('{"order": "a7"}', ["a7"], id="text"),
        pytest.param('{"order": 17}', ["17"], id="whole number"),
        pytest.param('{"order": 1.5}', [], id="another number"),
        pytest.param('{"order": true}', [], id="yes or no"),
        pytest.param('{"order": ""}', [], id="empty"),
        pytest.param('{"order": "a\\u0000b"}', ["ab"], id="what no database takes"),
        pytest.param('{"order": {"id": 1}}', [], id="an object"),
        pytest.param('{"other": "order"}', [], id="the name as a value"),
        pytest.param('["order"]', [], id="no object"),
        pytest.param('{"order": ', [], id="no JSON"),
        pytest.param(None, [], id="no attributes"),
    ],
)
def test_an_attribute_may_be_the_key(attributes: str | None, expected: list[str]) -> None:
    assert expected == keyed(logs({"attributes": attributes}), "order")["key"].to_pylist()


def test_a_name_that_is_not_ascii_is_found_however_it_is_written() -> None:
    written = [{"attributes": json.dumps({"größe": "a"})}, {"attributes": '{"größe": "b"}'}]
    assert ["a", "b"] == keyed(logs(*written), "größe")["key"].to_pylist()


def test_only_columns_that_are_needed_are_read() -> None:
    assert "attributes" not in columns_for("trace_id")
    assert columns_for("order")[0] == "attributes"


@given(st.permutations(range(6)), st.tuples(st.integers(0, 7), st.integers(0, 2)))
def test_what_came_behind_the_end_of_its_minute_does_not_count(order: list[int], end: tuple[int, int]) -> None:
    rows = [{"request_id": f"r{at}", "offset": at // 2, "part": at % 2} for at in range(6)]
    table = keyed(logs(*rows), "request_id").take(pa.array(order))
    found = in_time(table, {(1, 0): end})
    expected = [f"r{at}" for at in range(6) if (at // 2, at % 2) < end]
    assert expected == found["key"].to_pylist()
    assert 0 == len(in_time(table, {(1, 1): end})), "nothing is known of that partition"
    assert 0 == len(in_time(table.slice(0, 0), {(1, 0): end}))


def test_a_minute_begins_with_its_first_moment() -> None:
    at = [NOON - timedelta(microseconds=1), NOON, NOON + timedelta(seconds=59.999999), NOON + timedelta(minutes=1)]
    found = within(logs(*({"timestamp": one} for one in at)), MINUTE)
    assert [1, 2] == found["offset"].to_pylist()


@pytest.mark.parametrize("key", ["", "request_id", "trace_id", "span_id", "transaction", "order.id", "http.request/id"])
def test_keys_that_may_be(key: str) -> None:
    assert key == DetectionSettings(session_key=key).session_key


@pytest.mark.parametrize(
    ("key", "told"),
    [
        pytest.param("level", "level tells no requests apart", id="every log has it"),
        pytest.param("message", "message tells no requests apart", id="the text"),
        pytest.param(" order", "without spaces around", id="spaces"),
        pytest.param("order\n", "without spaces around", id="no name"),
        pytest.param("x" * 101, "at most 100", id="too long"),
    ],
)
def test_keys_that_make_no_sense_are_refused(key: str, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        DetectionSettings(session_key=key)


@pytest.mark.parametrize("seconds", [0, 601])
def test_a_time_of_quiet_has_limits(seconds: float) -> None:
    with pytest.raises(ValidationError):
        DetectionSettings(session_quiet_seconds=seconds)
