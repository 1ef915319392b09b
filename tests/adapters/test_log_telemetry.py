"""Logs as columns in numbers: what a dossier is made from."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.log_blocks import STORED
from adapters.log_telemetry import READ, Part, nothing, series, telemetry, versions
from domain.logs import Level
from domain.telemetry import Follow, LogId, Phrase, Span, Telemetry
from tests.parts.logs_part import NOON, SECOND

MINUTE = timedelta(minutes=1)
BEFORE, DURING = Span(NOON - 10 * MINUTE, NOON), Span(NOON, NOON + 5 * MINUTE)


def a_row(at: datetime, service: str = "web", message: str = "served 17", **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(READ)
    offset = int((at - NOON).total_seconds() * 1_000) + 1_000_000
    row |= {"timestamp": at, "service": service, "message": message, "level": int(more.pop("level", Level.INFO))}
    row |= {"topic": 1, "partition": 0, "offset": offset, "part": 0, "measured": []}
    return row | more


def a_table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=pa.schema([STORED.field(name) for name in READ]))


def of(before: list[dict[str, Any]], during: list[dict[str, Any]], weight: float = 1.0) -> Telemetry:
    parts = Part(BEFORE, a_table(before)), Part(DURING, a_table(during), weight)
    return telemetry(NOON, *parts)


def test_texts_are_counted_before_and_during_with_the_first_of_them() -> None:
    first = NOON + 3 * SECOND
    seen = of(
        [a_row(NOON - one * MINUTE) for one in range(1, 4)],
        [a_row(first, message="served 99", level=Level.WARN), a_row(first + SECOND, message="db 7 is gone")],
    )
    served, gone = sorted(seen.phrases, key=lambda one: one.template, reverse=True)
    assert Phrase("web", "served <*>", Level.WARN, 3, 1, first, LogId(1, 0, 1_003_000), NOON - MINUTE) == served
    assert ("db <*> is gone", 0, 1, first + SECOND) == (gone.template, gone.before, gone.during, gone.first_at)


def test_a_text_that_vanished_shows_its_last_log() -> None:
    (gone,) = of([a_row(NOON - 2 * MINUTE), a_row(NOON - MINUTE)], []).phrases
    assert (2, 0, None, LogId(1, 0, 940_000)) == (gone.before, gone.during, gone.first_at, gone.example)


def test_a_sample_stands_for_all() -> None:
    (one,) = of([], [a_row(NOON)], weight=20.0).phrases
    assert one.during == 20


def test_lines_follow_each_other_within_a_trace_or_a_request_only() -> None:
    def asks(trace: str, at: datetime, later: float) -> list[dict[str, Any]]:
        return [
            a_row(at, "web", "asks", trace_id=trace),
            a_row(at + timedelta(seconds=later), "db", "answers", trace_id=trace, request_id="other"),
        ]

    seen = of(
        [*asks("a", NOON - MINUTE, 0.1), a_row(NOON - MINUTE, "web", "alone")],
        [*asks("b", NOON, 1), *asks("c", NOON, 3), *asks("d", NOON, 8)],
    )
    assert (Follow("web", "asks", "db", "answers", 1, 3, 0.1, 3.0),) == seen.follows


def test_metrics_are_means_minute_by_minute() -> None:
    rows = [
        a_row(NOON, measured=[("cpu", 10.0), ("memory", 3.0)]),
        a_row(NOON + 30 * SECOND, measured=[("cpu", 20.0)]),
        a_row(NOON + MINUTE, measured=[("cpu", 90.0)]),
        a_row(NOON + MINUTE, measured=[("cpu", float("nan"))]),
    ]
    cpu, memory = series([a_table(rows)], NOON)
    assert (cpu.metric, cpu.at, cpu.values) == ("cpu", (NOON, NOON + MINUTE), (15.0, 90.0))
    assert memory.values == (3.0,)
    assert cpu.mean(NOON, NOON + MINUTE) == 15.0
    assert cpu.mean(NOON + 5 * MINUTE, NOON + 6 * MINUTE) is None


def test_minutes_are_counted_from_the_onset_so_none_holds_what_was_before_and_after() -> None:
    onset = NOON + 20 * SECOND
    rows = [a_row(onset + one * SECOND, measured=[("cpu", value)]) for one, value in ((-61, 1.0), (-1, 2.0), (1, 9.0))]
    (cpu,) = series([a_table(rows)], onset)
    assert (cpu.at, cpu.values) == ((onset - 2 * MINUTE, onset - MINUTE, onset), (1.0, 2.0, 9.0))


def test_versions_stand_in_attributes() -> None:
    rows = [
        a_row(NOON, attributes='{"service.version":"1.4.1","a":1}'),
        a_row(NOON + SECOND, attributes='{"app": {"x": 1}, "version": "1.4.2"}'),
        a_row(NOON + 2 * SECOND, attributes='{"service.version":"1.4.1"}'),
        a_row(NOON + SECOND, attributes='{"version":"7","service.version":"1.4.1"}'),
        a_row(NOON, attributes='{"converted":"9"}'),
        a_row(NOON),
    ]
    assert {"web": {"1.4.1": NOON, "1.4.2": NOON + SECOND}} == versions(a_table(rows))


def test_what_was_to_come_since_a_services_last_line() -> None:
    steady = [a_row(NOON - MINUTE + 6 * one * SECOND, "db") for one in range(11)]  # until noon
    seen = of([*steady, a_row(NOON - MINUTE, "once")], [a_row(NOON + one * MINUTE, "web") for one in range(6)])
    assert {"db": pytest.approx(50.0), "web": pytest.approx(0.0)} == seen.missing


def test_of_nothing_there_is_nothing() -> None:
    seen = telemetry(NOON, Part(BEFORE, nothing()), Part(DURING, nothing()))
    assert (seen.phrases, seen.follows, seen.series) == ((), (), ())
    assert versions(nothing()) == {}


messages = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["x 1", "y", "z 22"])), max_size=30)


@given(before=messages, during=messages)
def test_every_log_is_counted_once(before: list[tuple[str, str]], during: list[tuple[str, str]]) -> None:
    early = [a_row(NOON - MINUTE, service, message) for service, message in before]
    late = [a_row(NOON + SECOND, service, message) for service, message in during]
    seen = of(early, late)
    assert len(before) == sum(one.before for one in seen.phrases)
    assert len(during) == sum(one.during for one in seen.phrases)
    assert len({(one.service, one.template) for one in seen.phrases}) == len(seen.phrases)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_logs_does_not_matter(seed: int) -> None:
    rows = [a_row(NOON + one * SECOND, "web", f"m {one % 3}", trace_id=str(one % 4)) for one in range(20)]
    mixed = rows[seed:] + rows[:seed]
    assert of(rows, rows).follows == of(mixed, mixed).follows


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1.7e308, -1.7e308])
def test_what_is_no_measurement_is_in_no_series(value: float) -> None:
    rows = [a_row(NOON + one * SECOND, measured=[("cpu", value)]) for one in range(3)]
    assert () == of([], rows).series
    (cpu,) = of([], [*rows, a_row(NOON, measured=[("cpu", 2.0)])]).series
    assert (2.0,) == cpu.values
