"""Minutes through the live steps: where batches end, who reads them and when they restart changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.store.database import Engine, connect
from adapters.store.tables.counted import minute_findings, minutes
from adapters.store.tables.found import incidents
from adapters.store.tables.schema import metadata
from domain.minutes import Measured
from tasks.minutes import MinuteMemory
from tests.parts.judged_part import Feed, known
from tests.parts.logs_part import NOON, a_log

MINUTE = timedelta(minutes=1)
# The fault comes when a series has been seen for as long as judging needs.
QUIET, LENGTH = 40, 46
LATER = NOON + (LENGTH + 5) * MINUTE


def line(minute: int, second: int, service: str, **changes: object) -> bytes:
    at = NOON + minute * MINUTE + timedelta(seconds=second)
    steady = {"queue_depth": 20 + (minute * 7) % 5 + second % 3}
    return a_log(**({"timestamp": at.isoformat(), "service": service, "metrics": steady} | changes))


def stream() -> list[bytes]:
    """Three services, of which from minute 40 on one is silent and one's queue is full."""
    logs = []
    for minute in range(LENGTH):
        for second in (1, 15, 29, 43, 57):
            logs.append(line(minute, second, "web"))
            full = {"metrics": {"queue_depth": 900}} if minute >= QUIET else {}
            logs.append(line(minute, second + 1, "db", **full))
            if minute < QUIET:
                logs.append(line(minute, second + 2, "cache"))
    return logs


STREAM = stream()


def a_store() -> Engine:
    engine = connect("sqlite:///:memory:")
    metadata.create_all(engine)
    return engine


def taken(batches: Sequence[Sequence[bytes]], restarts: frozenset[int] = frozenset()) -> Engine:
    feed = Feed(a_store(), known())
    for number, batch in enumerate(batches):
        if number in restarts:
            feed.memory = MinuteMemory()
        feed.take(*batch, now=LATER)
    return feed.engine


def found(engine: Engine) -> list[tuple[object, ...]]:
    columns = [column for column in minute_findings.c if column.name not in ("id", "incident_id")]
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.select(*columns).order_by(minute_findings.c.id))]


def opened(engine: Engine) -> list[tuple[object, ...]]:
    held = incidents.c
    query = sa.select(held.service, held.template, held.opened_at, held.confirmed_at, held.severity)
    with engine.connect() as connection:
        # Incidents of one transaction are numbered in another order than they opened.
        return sorted((tuple(row) for row in connection.execute(query)), key=lambda row: (row[2], row[0]))


def test_a_full_queue_and_a_silent_service_are_found_and_open_incidents() -> None:
    engine = taken([STREAM])
    with engine.connect() as connection:
        rows = connection.execute(sa.select(minute_findings)).all()
    what = {(row.service, row.measured, row.name, row.direction) for row in rows}
    queue, silence = ("db", Measured.METRIC, "queue_depth", "high"), ("cache", Measured.LOGS, "", "low")
    assert {queue, silence} <= what
    assert "web" not in {row.service for row in rows}
    assert {("db", "queue_depth high"), ("cache", "logs a minute low")} <= {one[:2] for one in opened(engine)}
    first = min(row.minute for row in rows if row.service == "db")
    assert first == int(NOON.timestamp()) // 60 + QUIET


@settings(max_examples=12)
@given(cuts=st.sets(st.integers(1, len(STREAM) - 1), max_size=8), restarts=st.frozensets(st.integers(0, 8)))
def test_where_batches_end_and_who_restarts_changes_nothing(cuts: set[int], restarts: frozenset[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    batches = [STREAM[begin:end] for begin, end in pairwise(edges)]
    whole, parts = taken([STREAM]), taken(batches, restarts)
    assert found(whole) == found(parts)
    assert opened(whole) == opened(parts)


def test_a_late_log_is_counted_apart_and_judges_nothing_anew() -> None:
    straggler = line(3, 5, "web", metrics={"queue_depth": 1e9})
    engine = taken([STREAM[:300], [straggler], STREAM[300:]])
    assert found(taken([STREAM])) == found(engine)
    with engine.connect() as connection:
        late = connection.execute(sa.select(minutes.c.minute).where(minutes.c.late)).scalars().all()
    assert [int(NOON.timestamp()) // 60 + 3] == late


def test_two_partitions_are_judged_as_one_fleet() -> None:
    engine = a_store()
    feeds = [Feed(engine, known(), partition=number) for number in (0, 1)]
    for begin in range(0, len(STREAM), 30):
        piece = STREAM[begin : begin + 30]
        for feed in feeds:
            feed.take(*piece[feed.partition :: 2], now=LATER)
    assert {one[0] for one in opened(engine)} >= {"db", "cache"}
    assert [row[:7] for row in found(taken([STREAM]))] == [row[:7] for row in found(engine)]


@pytest.mark.parametrize("budget", [0.0])
def test_who_puts_up_with_no_false_alarm_gets_no_minutes(budget: float) -> None:
    feed = Feed(a_store(), known(detection={"false_alarms_per_day": budget}))
    feed.take(*STREAM, now=LATER)
    assert [] == found(feed.engine)
