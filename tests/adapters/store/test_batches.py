"""One transaction per micro-batch: offsets, logs, incidents, pages and ledger together or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from adapters.store import batches, log_writer
from adapters.store.batches import Judged
from adapters.store.database import Contended, Engine, connect
from adapters.store.log_look_ups import stored_positions
from adapters.store.tables.found import incidents
from domain.errors import OffsetLost, Refused, Unavailable
from domain.folded import Folded
from domain.incidents import Resolution, State
from tests.parts.judged_part import NOW, Feed, count, rows
from tests.parts.logs_part import a_log, an_error

TABLES = ("logs", "dead_letters", "incidents", "steps", "pages", "ledger", "batches")


def held(engine: Engine) -> dict[str, Any]:
    """How many rows each table has, and the stored offset."""
    return {table: count(engine, table) for table in TABLES} | {
        "offset": rows(engine, "SELECT next_offset FROM offsets")[0]["next_offset"]
    }


def test_a_batch_is_stored_whole(store: Engine) -> None:
    Feed(store).take(a_log(), b"no log", *(an_error(number) for number in range(3)))
    expected = {"logs": 4, "dead_letters": 1, "incidents": 1, "steps": 1, "pages": 1, "ledger": 3, "batches": 1}
    assert expected | {"offset": 5} == held(store)
    assert [(0, number) for number in range(5)] == sorted(stored_positions(store, "logs"))


def test_each_log_knows_its_verdict_and_its_incident(store: Engine) -> None:
    folded = Feed(store).take(a_log(), *(an_error(number) for number in range(3)))
    (incident,) = folded.touched.values()
    found = rows(store, 'SELECT anomaly, confidence, incident_id FROM logs ORDER BY "offset"')
    assert [None, incident.id, incident.id, incident.id] == [row["incident_id"] for row in found]
    assert [False, True, True, True] == [bool(row["anomaly"]) for row in found]
    assert [0.0, 0.9, 0.9, 0.9] == [pytest.approx(row["confidence"]) for row in found]


def test_the_next_batch_finds_the_incident_that_is_open(store: Engine) -> None:
    feed = Feed(store)
    for number in range(5):
        feed.take(an_error(number))
    assert [{"logs": 5, "state": "open"}] == rows(store, "SELECT logs, state FROM incidents")
    assert 1 == count(store, "pages")


def test_a_batch_queues_a_page_and_knows_no_channel(store: Engine) -> None:
    """A page was queued for every kind of channel in the code, set up or not."""
    Feed(store).take(*(an_error(number) for number in range(3)))
    assert [{"state": "queued"}] == rows(store, "SELECT state FROM pages")
    assert 0 == count(store, "deliveries")


def test_one_incident_may_end_and_its_like_begin_in_one_batch(store: Engine) -> None:
    """At most one of a kind is open, and the old one leaves its place before the new one takes it."""
    feed = Feed(store)
    feed.take(an_error(0))
    feed.take(an_error(3_600), now=NOW + timedelta(hours=1))
    found = rows(store, "SELECT state, resolution FROM incidents ORDER BY id")
    assert [("resolved", "quiet"), ("open", None)] == [(row["state"], row["resolution"]) for row in found]


def test_a_late_page_is_remembered_over_batches(store: Engine) -> None:
    """Fault 23: a backlog pages at most once per service."""
    feed, much_later = Feed(store), NOW + timedelta(hours=1)
    for minute, message in enumerate(("connection refused", "disk is full: error", "out of memory")):
        feed.take(*(an_error(150 * minute, message=message) for _ in range(3)), now=much_later)
    assert [True] == [bool(row["late"]) for row in rows(store, "SELECT late FROM pages")]
    assert 2 == len(rows(store, "SELECT 1 FROM ledger WHERE kind = 'page.suppressed'"))


def test_an_empty_partition_of_good_logs_is_no_transaction_of_its_own(store: Engine) -> None:
    Feed(store).take(b"no log", None)
    assert {"logs": 0, "dead_letters": 2, "offset": 2} == {
        name: held(store)[name] for name in ("logs", "dead_letters", "offset")
    }


# --- all or nothing ---------------------------------------------------------------------------


class Broken(Exception):
    """What a test breaks."""


def breaks(*_arguments: object, **_named: object) -> Any:
    raise Broken


STEPS = [
    pytest.param(batches, "update_incidents", id="in-the-fold"),
    pytest.param(batches, "set_due", id="at-the-queue"),
    pytest.param(batches, "insert_pages", id="at-the-pages"),
    pytest.param(batches, "insert_notes", id="at-the-ledger"),
    pytest.param(batches, "insert_logs", id="before-the-logs"),
    pytest.param(log_writer, "as_rows", id="while-the-logs-are-written"),
    pytest.param(batches, "insert_dead_letters", id="after-the-logs"),
    pytest.param(batches, "knowledge_digest", id="after-everything-else"),
]


@pytest.mark.parametrize(("module", "name"), STEPS)
def test_whatever_fails_nothing_is_stored(
    module: Any, name: str, store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 16: offsets committed apart from the work."""
    feed = Feed(store)
    feed.take(an_error(0), b"no log")
    before = held(store)
    values = [a_log(), b"no log", *(an_error(number) for number in range(1, 4))]
    with monkeypatch.context() as broken, pytest.raises(Broken):
        broken.setattr(module, name, breaks)
        feed.take(*values)
    assert before == held(store)
    assert [{"logs": 1}] == rows(store, "SELECT logs FROM incidents")
    feed.take(*values)
    assert [{"logs": 4}] == rows(store, "SELECT logs FROM incidents")
    assert 7 == held(store)["offset"]


def test_a_statement_that_the_database_refuses_leaves_nothing(store: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Feed(store)
    before = held(store)

    def refused(connection: Any, *_: object) -> None:
        connection.execute(sa.text("INSERT INTO logs (no_such_column) VALUES (1)"))

    with monkeypatch.context() as broken, pytest.raises((Refused, Unavailable)):
        broken.setattr(batches, "insert_logs", refused)
        feed.take(*(an_error(number) for number in range(3)))
    assert before == held(store)


def test_whoever_comes_second_stores_nothing(store: Engine) -> None:
    """Fault 16: the same logs from two consumers are stored once."""
    feed = Feed(store)
    judged = feed.judged([an_error(number) for number in range(3)])
    feed.save(judged)
    before = held(store)
    with pytest.raises(OffsetLost, match="partition 0 is no longer at 0"):
        feed.save(judged)
    assert before == held(store)


def test_a_batch_that_began_further_on_is_not_stored_either(store: Engine) -> None:
    feed = Feed(store)
    feed.next = 17
    with pytest.raises(OffsetLost):
        feed.take(a_log())
    assert 0 == count(store, "logs")


# --- two at once ------------------------------------------------------------------------------


@contextmanager
def two_feeds(url: str) -> Iterator[tuple[Feed, Feed]]:
    """Two consumers with a partition each, over connections of their own."""
    engines = connect(url), connect(url)
    yield Feed(engines[0]), Feed(engines[1], partition=1)
    for engine in engines:
        engine.dispose()


def until_stored(save: Callable[[], Folded]) -> int:
    """How often the transaction met another one before it was committed."""
    for tries in range(10):
        try:
            save()
        except Contended as error:
            if "deadlock" in str(error):
                raise
        else:
            return tries
    raise AssertionError


@pytest.mark.slow
def test_two_consumers_that_open_the_same_incident_at_once_make_one(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 4: two alerts two seconds apart made two tickets."""
    both = threading.Barrier(2)
    lock = batches.lock_correlation

    def lock_together(connection: sa.Connection) -> None:
        both.wait(timeout=20)
        lock(connection)

    monkeypatch.setattr(batches, "lock_correlation", lock_together)
    logs = [an_error(number) for number in range(3)]
    with two_feeds(postgres_url) as feeds, ThreadPoolExecutor(2) as pool:
        saves = [partial(feed.save, feed.judged(logs)) for feed in feeds]
        assert [0, 0] == list(pool.map(until_stored, saves))
        engine = feeds[0].engine
        assert [{"logs": 6}] == rows(engine, "SELECT logs FROM incidents")
        assert [1, 6] == [count(engine, "pages"), count(engine, "logs")]


@pytest.mark.slow
def test_writers_that_touch_the_same_incidents_wait_for_each_other(postgres_url: str) -> None:
    """Rows that several writers touch are locked in key order: no deadlocks."""
    names = ("a", "b", "c", "d")

    def store_many(feed: Feed, judged: Judged) -> None:
        for _ in range(15):
            raw = feed.raw(judged.raw.values)
            until_stored(partial(feed.save, replace(judged, raw=raw)))

    with two_feeds(postgres_url) as feeds, ThreadPoolExecutor(2) as pool:
        orders = names, tuple(reversed(names))
        judged = [
            feed.judged([an_error(service=service) for service in order])
            for feed, order in zip(feeds, orders, strict=True)
        ]
        list(pool.map(store_many, feeds, judged))
        assert [30] * 4 == [row["logs"] for row in rows(feeds[0].engine, "SELECT logs FROM alerts")]
        assert [{"logs": 120, "services": 4}] == rows(feeds[0].engine, "SELECT logs, services FROM incidents")


ZOMBIE = """
import sys, time
import psycopg
with psycopg.connect(sys.argv[1], options=sys.argv[2]) as connection:
    connection.execute("UPDATE offsets SET next_offset = next_offset + 1")
    print("held", flush=True)
    sys.stdin.readline()
    try:
        connection.commit()
        print("committed", flush=True)
    except psycopg.Error:
        print("failed", flush=True)
"""


@pytest.mark.slow
def test_a_stopped_consumer_blocks_the_owner_for_seconds_only_and_its_batch_is_dropped(postgres_url: str) -> None:
    """Fault 20: a consumer stopped in its transaction held the offset row, and the owner waited for ever."""
    feed = Feed(connect(postgres_url))
    with feed.engine.connect() as connection:
        options = {
            name: connection.exec_driver_sql(f"SHOW {name}").scalar_one()
            for name in ("lock_timeout", "idle_in_transaction_session_timeout")
        }
    assert {"lock_timeout": "5s", "idle_in_transaction_session_timeout": "10s"} == options
    limits = " ".join(f"-c {name}={value}" for name, value in options.items())
    zombie = subprocess.Popen(
        [sys.executable, "-c", ZOMBIE, postgres_url, limits], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert zombie.stdout is not None
        assert "held\n" == zombie.stdout.readline()
        os.kill(zombie.pid, signal.SIGSTOP)
        stored = False
        deadline = time.monotonic() + 20
        while not stored and time.monotonic() < deadline:
            try:
                feed.take(an_error())
                stored = True
            except Unavailable:
                continue
        assert stored
        os.kill(zombie.pid, signal.SIGCONT)
        assert ("failed\n", None) == zombie.communicate("go on\n", timeout=20)
    finally:
        zombie.kill()
        zombie.wait()
    assert [{"next_offset": 1}] == rows(feed.engine, "SELECT next_offset FROM offsets")
    feed.engine.dispose()


@pytest.mark.slow
def test_a_lock_that_is_held_for_long_is_contention_and_not_an_end(postgres_url: str) -> None:
    feed = Feed(connect(postgres_url))
    with psycopg.connect(postgres_url) as holder:
        holder.execute("UPDATE offsets SET next_offset = next_offset")
        with pytest.raises(Contended, match="lock timeout"):
            feed.take(a_log())
    feed.take(a_log())
    assert 1 == count(feed.engine, "logs")
    feed.engine.dispose()


def test_an_incident_that_a_person_closed_meanwhile_stays_closed(store: Engine) -> None:
    feed = Feed(store)
    number = feed.incident()
    with store.begin() as connection:
        connection.execute(
            incidents.update()
            .where(incidents.c.id == number)
            .values(state=State.RESOLVED, resolution=Resolution.HUMAN, resolved_at=NOW)
        )
    feed.take(an_error(5))
    found = rows(store, "SELECT state, logs FROM incidents ORDER BY id")
    assert [(State.RESOLVED, 4)] == [(row["state"], row["logs"]) for row in found]
