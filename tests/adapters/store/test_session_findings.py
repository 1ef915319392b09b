"""Abnormal requests are stored sealed, found by their key, and dropped in time; logs in blocks and rows are one."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from adapters.sealing import PLAIN, SIGNED, Keyring, use
from adapters.store.database import Engine, transaction
from adapters.store.minute_rows import MinuteRows, drop_minutes
from adapters.store.opening import with_keyring
from adapters.store.session_findings import kept_memory, sessions_of, stored_sessions
from domain.minutes import NOTHING_CLOSED
from domain.sessions import AbnormalSession
from ml.session_detector import SessionDetector
from tests.parts.judged_part import Feed, known, rows
from tests.parts.keys_part import FIRST
from tests.parts.logs_part import NOON, SECOND
from tests.parts.sessions_part import requests
from tests.tasks.test_sessions import BY_REQUEST, LATER, STREAM, of_sessions, sessions, whole

MINUTE = int(NOON.timestamp()) // 60


def a_session(**changes: object) -> AbnormalSession:
    said = {"key": "r1", "service": "web", "began": NOON, "ended": NOON + 2 * SECOND, "minute": MINUTE, "logs": 3}
    told = {"score": 2.0, "p_value": 0.01, "confidence": 0.99, "reasons": ("“paid by Ann” is missing", "took 2 s")}
    return AbnormalSession(**(said | told | changes))  # type: ignore[arg-type]


def add(engine: Engine, *found: AbnormalSession) -> None:
    with transaction(engine) as connection:
        MinuteRows(connection, NOON).add_sessions(found)


def test_what_is_stored_is_read_as_it_was(store: Engine) -> None:
    older, other = a_session(), a_session(key="r2", service="db", minute=MINUTE + 1)
    add(store, older, other)
    assert [other, older] == stored_sessions(store, since=NOON, services=None)
    assert [other] == stored_sessions(store, since=NOON, services=["db"])
    assert [other] == stored_sessions(store, since=NOON + timedelta(minutes=1), services=None)
    assert [older] == sessions_of(store, "r1")
    assert [] == sessions_of(store, "r3")


def test_keys_and_words_are_stored_sealed_and_found_again(store: Engine) -> None:
    sealed = with_keyring(store, Keyring([FIRST]))
    try:
        add(sealed, a_session())
        (row,) = rows(sealed, "SELECT key, CAST(reasons AS text) AS reasons FROM session_findings")
        assert row["key"].startswith(SIGNED)
        assert "Ann" not in row["reasons"]
        assert [a_session()] == sessions_of(sealed, "r1")
    finally:
        use(PLAIN)


def test_they_go_with_their_minutes(store: Engine) -> None:
    add(store, a_session(), a_session(key="r2", minute=MINUTE + 2))
    with transaction(store) as connection:
        drop_minutes(connection, NOON + timedelta(minutes=1))
    assert ["r2"] == [one.key for one in stored_sessions(store, since=NOON, services=None)]


def test_a_key_of_any_length_is_stored(store: Engine) -> None:
    add(store, a_session(key="k" * 20_000))
    assert 1 == len(sessions_of(store, "k" * 20_000))


@pytest.mark.parametrize("encrypted", [False, True])
def test_logs_in_blocks_and_in_rows_give_what_a_whole_batch_gives(store: Engine, *, encrypted: bool) -> None:
    """With PostgreSQL every other batch is a block; what is remembered is read from the store each time."""
    engine = with_keyring(store, Keyring([FIRST])) if encrypted else store
    try:
        edges = [0, 600, 700, 1_400, 1_500, 2_200, 2_300, len(STREAM)]
        for begin, end in pairwise(edges):
            feed = Feed(engine, known(detection=BY_REQUEST))
            feed.take(*STREAM[begin:end], now=LATER)
        assert sessions(whole()) == sessions(engine)
        assert of_sessions(whole()) == of_sessions(engine)
        memory = kept_memory(engine)
        assert memory is not None
        assert SessionDetector("request_id", 60, 1.0).unpacked(memory[1]).learned > 200
    finally:
        use(PLAIN)


def test_logs_of_a_minute_are_those_in_time_of_every_partition_and_of_the_batch_in_hand(store: Engine) -> None:
    logs = requests(3, 4)
    feed = Feed(store, known(detection=BY_REQUEST))
    feed.take(*logs, now=LATER)
    late = [log for log in logs if b'"r0-' in log][:3]
    feed.take(*late, now=LATER)
    with transaction(store) as connection:
        counted = MinuteRows(connection, NOON).keyed_logs(MINUTE, "request_id")
        open_one = MinuteRows(connection, NOON).keyed_logs(MINUTE + 2, "request_id")
        never = MinuteRows(connection, NOON).keyed_logs(NOTHING_CLOSED, "request_id")
    assert {f"r0-{number}" for number in range(4)} == set(counted["key"].to_pylist())
    # A request that began in the minute may have gone on in the next one.
    offsets = counted["offset"].to_pylist()
    assert sorted(set(offsets)) == sorted(offsets)
    assert max(offsets) < len(logs), "what came late is left out"
    assert (0, 0) == (len(open_one), len(never))
