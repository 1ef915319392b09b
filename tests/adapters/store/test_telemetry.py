"""What is read of the logs around an onset is bounded, even over the time, and has the incident's own logs in it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.log_telemetry import Part, telemetry
from adapters.store.database import Engine
from adapters.store.log_writer import BLOCK_FROM
from adapters.store.telemetry import part, quoted
from domain.logs import Level
from domain.telemetry import LogId, Span
from tests.parts.judged_part import Feed, count
from tests.parts.logs_part import NOON, SECOND, a_log, an_error

LOGS = 3_000
SPAN = Span(NOON, NOON + LOGS * SECOND)
AFTER = NOON + LOGS * SECOND
DRIFT = "ledger drift: failed to add up 17 entries"


def fed(store: Engine, at_once: int) -> int:
    """A log each second, in batches of so many, and an incident of five errors; its id."""
    feed = Feed(store)
    for first in range(0, LOGS, at_once):
        numbers = range(first, first + at_once)
        feed.take(*(a_log(timestamp=stamp(number), message=f"served {number}") for number in numbers), now=AFTER)
    errors = (an_error(number, timestamp=stamp(1_500 + number), message=DRIFT) for number in range(5))
    (incident,) = {one.id: one for one in feed.take(*errors, now=AFTER).of_row.values()}.values()
    return incident.id


def stamp(second: int) -> str:
    return (NOON + second * SECOND).isoformat()


def told(found: Part) -> dict[str, int]:
    """Texts with how many logs are said to have them."""
    seen = telemetry(SPAN.since, Part(SPAN, found.logs.slice(0, 0)), found)
    return {one.template: one.during for one in seen.phrases}


@pytest.mark.parametrize("at_once", [100, BLOCK_FROM])
def test_a_sample_is_even_over_the_time_and_stands_for_all(store: Engine, at_once: int) -> None:
    fed(store, at_once)
    found = part(store, SPAN, most=300)
    assert 150 <= len(found.logs) <= 600
    quarters = {int((at - NOON) / (LOGS * SECOND / 4)) for at in found.logs["timestamp"].to_pylist()}
    assert {0, 1, 2, 3} == quarters
    assert told(found)["served <*>"] == pytest.approx(LOGS, rel=0.1)


@pytest.mark.parametrize("at_once", [100, BLOCK_FROM])
def test_the_logs_of_an_incident_are_a_part_of_a_sample_and_count_once(store: Engine, at_once: int) -> None:
    number = fed(store, at_once)
    found = part(store, SPAN, incident_id=number, most=300)
    assert 5 == found.alone
    assert 5 == found.logs["message"].to_pylist().count(DRIFT)
    assert 5 == next(often for text, often in told(found).items() if text.startswith("ledger drift"))


def test_what_is_few_is_read_whole(store: Engine) -> None:
    number = fed(store, 100)
    found = part(store, SPAN, incident_id=number, most=10_000)
    assert (LOGS + 5, 1.0, 0) == (len(found.logs), found.weight, found.alone)


def test_logs_are_quoted_from_rows_by_one_question(store: Engine) -> None:
    fed(store, 100)
    logs = part(store, SPAN, most=10_000).logs.to_pylist()[:50]
    wanted: dict[LogId, datetime] = {_id(row): row["timestamp"] for row in logs}
    asked: list[str] = []
    sa.event.listen(store, "before_cursor_execute", lambda *given: asked.append(given[2]))
    found = quoted(store, wanted)
    assert wanted.keys() == found.keys()
    assert {Level.INFO} == {one.level for one in found.values()}
    assert 1 == sum("FROM logs" in query for query in asked)


def test_logs_are_quoted_from_blocks(store: Engine) -> None:
    fed(store, BLOCK_FROM)
    assert count(store, "log_blocks") or store.dialect.name == "sqlite"
    logs = part(store, SPAN, most=10_000).logs.to_pylist()[::500]
    wanted = {_id(row): row["timestamp"] for row in logs} | {LogId(1, 0, 999_999): NOON + timedelta(seconds=3)}
    assert [row["message"] for row in logs] == [one.message for one in quoted(store, wanted).values()]


def test_of_nothing_nothing_is_quoted(store: Engine) -> None:
    assert {} == quoted(store, {})


def _id(row: dict[str, Any]) -> LogId:
    return LogId(row["topic"], row["partition"], row["offset"], row["part"])
