"""A1: whatever the hosts' clocks say, no log is later than ours, and none carries the clock of a file away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.formats.decoding import decode
from domain.clocks import OwnClock, ahead, hold, skew_in_words
from domain.logs import LogBatch
from tests.parts.logs_part import NOON, SECOND, a_batch, a_log

FAR = datetime(2099, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def dated(*times: datetime, service: str = "web") -> LogBatch:
    values = [a_log(timestamp=at.isoformat(), service=service) for at in times]
    return decode(a_batch(values), max_bytes=1_000_000)


def times_of(batch: LogBatch) -> list[datetime]:
    found: list[datetime] = batch.frame["timestamp"].to_pylist()
    return found


def test_no_log_is_later_than_now_and_older_ones_stay_as_they_are() -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert [epoch, NOON - SECOND, NOON, NOON] == times_of(hold(dated(epoch, NOON - SECOND, NOON + HOUR, FAR), NOON))


def test_clocks_that_are_ahead_are_named() -> None:
    assert {} == ahead(dated(NOON + 60 * SECOND, NOON - HOUR), NOON)
    assert {"web": HOUR} == ahead(dated(NOON, NOON + HOUR, NOON + 61 * SECOND), NOON)


@pytest.mark.parametrize(
    ("skewed", "expected"),
    [
        ({"web": timedelta(minutes=2)}, "the clock of web is 2 min ahead"),
        ({"web": HOUR, "db": FAR - NOON}, "the clock of db is 26,658 days ahead, the clock of web is 1 h 0 min ahead"),
        (
            {f"s{number}": HOUR for number in range(5)},
            ", ".join(f"the clock of s{number} is 1 h 0 min ahead" for number in range(3)) + ", and 2 more",
        ),
    ],
)
def test_skew_in_words(skewed: dict[str, timedelta], expected: str) -> None:
    assert expected == skew_in_words(skewed)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        pytest.param([NOON, FAR, NOON + SECOND], [NOON, NOON, NOON + SECOND], id="one-from-2099"),
        pytest.param([NOON, NOON + 20 * HOUR], [NOON, NOON + 20 * HOUR], id="a-quiet-night-passes"),
        pytest.param([NOON, *[FAR] * 10], [NOON] * 10 + [FAR], id="ten-that-agree-are-right"),
        pytest.param([NOON, *[FAR, NOON] * 20], [NOON] * 41, id="a-host-from-2099-is-not"),
        pytest.param(
            [FAR, *[NOON] * 10, FAR, NOON], [FAR, *[NOON] * 10, NOON, NOON], id="a-first-log-from-2099-is-outvoted"
        ),
    ],
)
def test_a_file_has_a_clock_of_its_own(times: list[datetime], expected: list[datetime]) -> None:
    assert expected == times_of(OwnClock().hold(dated(*times)))


TIMES = st.lists(st.sampled_from([NOON, NOON + HOUR, NOON + 23 * HOUR, NOON + 30 * HOUR, FAR]), max_size=40)


@given(times=TIMES, cut=st.integers(0, 40))
def test_where_a_batch_ends_changes_no_time(times: list[datetime], cut: int) -> None:
    clock = OwnClock()
    parts = [times_of(clock.hold(dated(*part))) for part in (times[:cut], times[cut:])]
    assert times_of(OwnClock().hold(dated(*times))) == parts[0] + parts[1]
