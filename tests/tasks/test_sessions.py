"""Requests through the live steps: what is found, and that batches, readers and restarts change nothing of it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from itertools import pairwise
from random import Random

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.store.database import Engine
from adapters.store.minute_rows import MinuteRows
from adapters.store.session_findings import kept_memory, stored_sessions
from adapters.store.tables.counted import judged_minutes, session_findings
from domain.minutes import Measured
from ml.session_detector import SessionDetector
from tasks.minutes import MinuteMemory
from tests.parts.judged_part import Feed, known, rows
from tests.parts.logs_part import NOON
from tests.parts.sessions_part import requests
from tests.tasks.test_minutes import a_store, found

MINUTE = timedelta(minutes=1)
# 200 requests by minute 25, then half an hour of usual shares; the fault comes after.
PER_MINUTE, FAULT, LENGTH = 8, 60, 66
LATER = NOON + (LENGTH + 5) * MINUTE
BY_REQUEST = {"session_key": "request_id"}
STREAM = requests(LENGTH, PER_MINUTE, {FAULT: "missing"})


def taken(batches: Sequence[Sequence[bytes]], restarts: frozenset[int] = frozenset(), **detection: object) -> Engine:
    feed = Feed(a_store(), known(detection=BY_REQUEST | detection))
    for number, batch in enumerate(batches):
        if number in restarts:
            feed.memory = MinuteMemory()
        feed.take(*batch, now=LATER)
    return feed.engine


def sessions(engine: Engine) -> list[tuple[object, ...]]:
    columns = [column for column in session_findings.c if column.name != "id"]
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.select(*columns).order_by(session_findings.c.id))]


@cache
def whole() -> Engine:
    """All of it in one batch."""
    return taken([STREAM])


def of_sessions(engine: Engine) -> list[tuple[object, ...]]:
    return [row for row in found(engine) if Measured.SESSIONS in row]


def test_a_step_that_is_left_out_is_named_in_one_incident_of_its_service() -> None:
    told = stored_sessions(whole(), since=NOON, services=None)
    assert {"db"} == {one.service for one in told}
    assert all(int(one.key[1:3]) >= FAULT and int(one.key.partition("-")[2]) % 2 for one in told)
    assert len(told) >= 4 * (LENGTH - FAULT - 2)
    assert any(one.reasons[0].startswith("“commit order <*>” is missing (in ") for one in told)
    (opened,) = rows(whole(), "SELECT service, template, evidence FROM incidents")
    assert ("db", "abnormal requests in 100 high") == (opened["service"], opened["template"])
    evidence = json.loads(opened["evidence"])[0]
    assert re.search(r"request r6\d-\d: “commit order <\*>” is missing \(in \d+ of \d+\)", evidence["message"])


@pytest.mark.parametrize(
    ("fault", "service", "words"),
    [
        pytest.param("slow", "db", "took 41 s, usually 0.2 s, 41 s of it before “commit order <*>”", id="too long"),
        pytest.param("cut", "db", "then stopped after “look up <*>” of cache", id="stopped half-way"),
        pytest.param("new", "db", "“pool is empty, retry” is new", id="says what no other one says"),
    ],
)
def test_other_faults_are_told_in_words(fault: str, service: str, words: str) -> None:
    engine = taken([requests(LENGTH, PER_MINUTE, {FAULT: fault})])
    told = stored_sessions(engine, since=NOON, services=None)
    assert {service} == {one.service for one in told}
    assert words in {reason for one in told for reason in one.reasons}
    assert {("db", Measured.SESSIONS)} == {(row[2], row[3]) for row in of_sessions(engine)}


def test_a_single_abnormal_request_is_listed_and_opens_nothing() -> None:
    logs = requests(LENGTH, PER_MINUTE)
    lost = next(log for log in logs if b"commit" in log and b'"r50-3"' in log)
    engine = taken([[log for log in logs if log is not lost]])
    assert ["r50-3"] == [one.key for one in stored_sessions(engine, since=NOON, services=["db"])]
    assert [] == rows(engine, "SELECT id FROM incidents")


def test_before_enough_requests_were_seen_none_is_judged() -> None:
    logs = requests(20, PER_MINUTE, {10: "missing"})
    assert [] == sessions(taken([logs]))


@settings(max_examples=6, deadline=None)
@given(cuts=st.sets(st.integers(1, len(STREAM) - 1), max_size=8), restarts=st.frozensets(st.integers(0, 8)))
def test_where_batches_end_and_who_restarts_changes_nothing(cuts: set[int], restarts: frozenset[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    parts = taken([STREAM[begin:end] for begin, end in pairwise(edges)], restarts)
    assert sessions(whole()) == sessions(parts)
    assert found(whole()) == found(parts)


@pytest.mark.parametrize("seed", [1, 2])
def test_which_partitions_logs_come_by_changes_nothing(seed: int) -> None:
    engine, random = a_store(), Random(seed)
    feeds = [Feed(engine, known(detection=BY_REQUEST), partition=number) for number in range(3)]
    of = [random.randrange(3) for _ in STREAM]
    restarts = {random.randrange(20) for _ in range(5)}
    for feed in feeds:
        feed.take(now=LATER)  # it has a reader, so that no minute is over without it
    for turn, begin in enumerate(range(0, len(STREAM), 120)):
        for feed in random.sample(feeds, 3):
            if turn in restarts:
                feed.memory = MinuteMemory()
            piece = zip(STREAM[begin : begin + 120], of[begin : begin + 120], strict=True)
            feed.take(*(log for log, number in piece if number == feed.partition), now=LATER)
    assert sessions(whole()) == sessions(engine)
    assert of_sessions(whole()) == of_sessions(engine)


def test_a_late_log_changes_nothing_also_when_its_minute_is_folded_again() -> None:
    late = next(log for log in STREAM if b'"r62-1"' in log).replace(b"request", b"strange request")
    at = 64 * PER_MINUTE * 5
    batches = [STREAM[:at], [late], STREAM[at : at + 40], STREAM[at + 40 :]]
    for restarts in (frozenset[int](), frozenset({2, 3})):
        assert sessions(whole()) == sessions(taken(batches, restarts))


def test_an_attribute_may_be_the_key() -> None:
    logs = requests(LENGTH, PER_MINUTE, {FAULT: "missing"}, name="transaction")
    engine = taken([logs], session_key="transaction")
    assert [row[:5] for row in sessions(whole())] == [row[:5] for row in sessions(engine)]


def test_another_key_begins_anew(caplog: pytest.LogCaptureFixture) -> None:
    feed = Feed(a_store(), known(detection=BY_REQUEST))
    half = len(STREAM) // 2
    feed.take(*STREAM[:half], now=LATER)
    feed.knowledge, feed.memory = known(detection={"session_key": "trace_id"}), MinuteMemory()
    feed.take(*STREAM[half:], now=LATER)
    assert [] == sessions(feed.engine)
    assert "sessions.learned-anew" in {record.message for record in caplog.records}


def test_what_was_learned_outlives_a_time_without_a_key() -> None:
    """For an hour and more nobody judged requests: what was open then is forgotten, and no minute of it is read."""
    feed = Feed(a_store(), known(detection=BY_REQUEST))
    later = [log for log in requests(160, 2) if log not in STREAM]
    at = FAULT * PER_MINUTE * 5
    feed.take(*STREAM[:at], now=LATER)
    feed.knowledge, feed.memory = known(), MinuteMemory()
    cut = next(place for place, log in enumerate(later) if b"T14:20" in log)
    feed.take(*(log for log in later[:cut] if b"T13" in log or b"T14" in log), now=LATER + 100 * MINUTE)
    feed.knowledge, feed.memory = known(detection=BY_REQUEST), MinuteMemory()
    feed.take(*later[cut:], now=LATER + 100 * MINUTE)
    assert [] == sessions(feed.engine)
    memory = kept_memory(feed.engine)
    assert memory is not None
    state = SessionDetector("request_id", 60, 0.5).unpacked(memory[1])
    assert state.fitted is not None
    assert state.fitted.minute < int(NOON.timestamp()) // 60 + FAULT
    assert NOON + 155 * MINUTE < memory[0]


def test_a_reader_that_judged_nothing_for_long_goes_on_from_what_is_stored() -> None:
    engine = a_store()
    feeds = [Feed(engine, known(detection=BY_REQUEST), partition=number) for number in range(2)]
    for feed in feeds:
        feed.take(now=LATER)
    for begin in range(0, len(STREAM), 200):
        for number, feed in enumerate(feeds):
            piece = STREAM[begin : begin + 200]
            # The second one is ahead, so that the first one closes all minutes until the last ones.
            feed.take(*(log for at, log in enumerate(piece) if at % 2 == number), now=LATER)
        if begin == 1_000:
            feeds.reverse()
    assert sessions(whole()) == sessions(engine)


def test_without_a_key_no_log_is_read_again_and_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("logs were read")

    monkeypatch.setattr(MinuteRows, "keyed_logs", never)
    engine = taken([STREAM], session_key="")
    assert [] == sessions(engine)
    with engine.connect() as connection:
        assert "sessions" not in set(connection.scalars(sa.select(judged_minutes.c.name)))
