"""Spans that come again every day or week."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.recurrence import PERIODS, Span, Times
from tests.parts.logs_part import NOON

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIRST = Span(NOON, NOON + 2 * HOUR)
ONCE = Times(FIRST)
DAILY = Times(FIRST, "day", NOON + 2 * DAY)
WEEKLY = Times(FIRST, "week")


@pytest.mark.parametrize(
    ("times", "now", "begins", "following"),
    [
        pytest.param(ONCE, NOON - HOUR, None, NOON, id="once-before-it-begins"),
        pytest.param(ONCE, NOON, NOON, None, id="once-from-its-first-moment-on"),
        pytest.param(ONCE, NOON + 2 * HOUR, None, None, id="once-its-end-is-no-part-of-it"),
        pytest.param(DAILY, NOON + HOUR, NOON, NOON + DAY, id="daily-the-first-time"),
        pytest.param(DAILY, NOON + DAY - HOUR, None, NOON + DAY, id="daily-between-two"),
        pytest.param(DAILY, NOON + DAY + HOUR, NOON + DAY, NOON + 2 * DAY, id="daily-the-second-time"),
        pytest.param(DAILY, NOON + 2 * DAY + HOUR, NOON + 2 * DAY, None, id="daily-the-last-time-runs-to-its-end"),
        pytest.param(DAILY, NOON + 3 * DAY + HOUR, None, None, id="daily-none-begins-after-until"),
        pytest.param(WEEKLY, NOON + DAY, None, NOON + 7 * DAY, id="weekly-not-the-next-day"),
        pytest.param(WEEKLY, NOON + 7 * DAY, NOON + 7 * DAY, NOON + 14 * DAY, id="weekly-a-week-later"),
    ],
)
def test_the_span_of_a_moment_and_the_next_one(
    times: Times, now: datetime, begins: datetime | None, following: datetime | None
) -> None:
    found, later = times.at(now), times.after(now)
    assert (begins, following) == (found and found.begins, later and later.begins)


@given(
    st.integers(0, 40 * 24 * 60),
    st.integers(1, 24 * 60),
    st.sampled_from(["", *PERIODS]),
    st.none() | st.integers(0, 30 * 24 * 60),
)
def test_it_is_in_force_exactly_when_one_of_its_spans_is(
    minute: int, lasts: int, every: str, until: int | None
) -> None:
    """Spans are looked up by division; here they are all written down."""
    now, first = NOON + timedelta(minutes=minute), Span(NOON, NOON + timedelta(minutes=lasts))
    last = None if until is None else NOON + timedelta(minutes=until)
    period = PERIODS.get(every)
    spans = [first.later(period * number) for number in range(50)] if period else [first]
    allowed = [span for span in spans if not period or last is None or span.begins <= last]
    expected = next((span for span in allowed if span.begins <= now < span.ends), None)
    assert expected == Times(first, every, last if period else None).at(now)


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        pytest.param(FIRST, "14:00 UTC", id="the-same-day"),
        pytest.param(Span(NOON, NOON + DAY), "2026-01-06 12:00 UTC", id="another-day"),
    ],
)
def test_an_end_has_its_date_where_it_is_another_day(span: Span, expected: str) -> None:
    assert expected == span.end
