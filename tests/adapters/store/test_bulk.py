"""Many rows at once: what a log says comes back as it was written, whatever characters it holds."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.store.database import Engine, connect
from adapters.store.look_ups import unpublished_letters
from tests.parts.databases_part import Server
from tests.parts.judged_part import NOW, Feed, rows
from tests.parts.logs_part import NOON, a_log

AWKWARD = ["\t", "\n", "\r", "\\", "\\N", "\\.", "\\t", '"', "'", "\r\n", "ü", "😀", "\x7f", "\u2028", "", " "]
TEXTS = st.text(max_size=12) | st.lists(st.sampled_from([*AWKWARD, "a"]), max_size=6).map("".join)
NAMES = st.text("ab\\N.ü😀 '\"", min_size=1, max_size=8).filter(lambda name: bool(name.strip()))


@pytest.fixture(scope="module")
def feed(postgres_server: Server) -> Iterator[Feed]:
    engine = connect(postgres_server.fresh())
    yield Feed(engine)
    engine.dispose()


def stored(engine: Engine, begin: int) -> list[tuple[object, ...]]:
    query = 'SELECT service, request_id, body FROM logs WHERE "offset" >= :begin ORDER BY "offset"'
    return [tuple(row.values()) for row in rows(engine, query, begin=begin)]


@pytest.mark.slow
@given(logs=st.lists(st.tuples(NAMES, TEXTS, TEXTS, st.booleans()), min_size=1, max_size=6))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_text_survives_copy_exactly(feed: Feed, logs: list[tuple[str, str, str, bool]]) -> None:
    values = [
        json.dumps(
            {"timestamp": NOON.isoformat(), "service": service, "request_id": request_id, "message": message},
            ensure_ascii=ascii_only,
        ).encode("utf-8", "replace")
        for service, request_id, message, ascii_only in logs
    ]
    begin = feed.next
    feed.take(*values)
    expected = [
        (service, request_id.replace("\0", ""), value.decode())
        for (service, request_id, _, _), value in zip(logs, values, strict=True)
    ]
    assert expected == stored(feed.engine, begin)


@pytest.mark.parametrize("text", AWKWARD)
def test_awkward_text_is_the_same_in_every_database(store: Engine, text: str) -> None:
    value = a_log(message=text, request_id=text)
    Feed(store).take(value, a_log(request_id=None))
    found = stored(store, 0)
    assert ("web", text, value.decode()) == found[0]
    assert found[1][1] is None


def test_times_keep_their_microseconds_and_their_zone(store: Engine) -> None:
    Feed(store).take(a_log(timestamp="2026-01-05T14:00:00.123456+02:00"), a_log(timestamp="0001-01-01T00:00:00"))
    found = [str(row["timestamp"])[:26] for row in rows(store, 'SELECT timestamp FROM logs ORDER BY "offset"')]
    assert "2026-01-05 12:00:00.123456" == found[0]


def test_a_dead_letter_keeps_its_bytes_and_its_reason(store: Engine) -> None:
    Feed(store).take(b"\xff\0\\N\t", None, b"x" * 100_000)
    found = unpublished_letters(store, limit=10)
    assert [b"\xff\0\\N\t", b"", b"x" * 64_000] == [bytes(letter["body"]) for letter in found]
    assert [0, 1, 2] == [letter["offset"] for letter in found]
    assert "not UTF-8" in found[0]["reason"]
    assert {NOW} == {letter["arrived_at"] for letter in found}
