"""Whether what is seen is still what the model was trained on, and when that starts a training."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.drift import FLAGGED, PROMISE, Compared, Seen, Trained, at_least, compare, due, index_of, median
from tests.parts.logs_part import NOON

LATENCY = dict.fromkeys(range(20), 100)
SKETCHES = st.dictionaries(st.integers(-50, 50), st.integers(1, 1_000), min_size=1, max_size=30)


@given(SKETCHES)
def test_what_is_the_same_is_not_apart(sketch: dict[int, int]) -> None:
    assert 0.0 == pytest.approx(index_of(sketch, sketch))


@given(SKETCHES, SKETCHES)
def test_the_index_is_never_negative(then: dict[int, int], now: dict[int, int]) -> None:
    assert index_of(then, now) >= -1e-12


@given(SKETCHES, st.integers(2, 50))
def test_more_logs_of_the_same_kind_are_no_drift(sketch: dict[int, int], times: int) -> None:
    whole = {bucket: values + 1_000 for bucket, values in sketch.items()}
    more = {bucket: values * times for bucket, values in whole.items()}
    assert index_of(whole, more) < 0.02


@pytest.mark.parametrize(
    ("now", "much"),
    [
        pytest.param({bucket: 90 + bucket % 3 * 10 for bucket in range(20)}, False, id="a little otherwise"),
        pytest.param({bucket + 1: 100 for bucket in range(20)}, False, id="one bucket higher"),
        pytest.param({bucket + 8: 100 for bucket in range(20)}, True, id="eight higher"),
        pytest.param({19: 2_000}, True, id="always the same"),
    ],
)
def test_an_index_tells_much_from_little(now: dict[int, int], *, much: bool) -> None:
    assert much == (index_of(LATENCY, now) >= 0.25)


@pytest.mark.parametrize(("now", "drifts"), [(7, False), (8, False), (9, True), (5, True), (70, True)])
def test_a_constant_drifts_where_it_is_another_one(now: int, *, drifts: bool) -> None:
    assert drifts == (index_of({7: 1_000}, {now: 1_000}) >= 0.25)


def test_a_rare_value_that_becomes_frequent_is_seen() -> None:
    assert index_of({0: 990, 10: 10}, {0: 700, 10: 300}) > 0.25


def test_a_distribution_without_a_value_has_no_index() -> None:
    with pytest.raises(ValueError, match="without a value"):
        index_of({}, LATENCY)
    with pytest.raises(ValueError, match="without a value"):
        median({})
    assert 9 == median(LATENCY)


@pytest.mark.parametrize(
    ("many", "mean", "expected"), [(0, 1, 1.0), (1, 1, 0.632), (5, 1, 0.00366), (4, 0.5, 0.00175), (900, 800, 0.0003)]
)
def test_a_poisson_count(many: int, mean: float, expected: float) -> None:
    assert expected == pytest.approx(at_least(many, mean), rel=0.05, abs=1e-4)


def compared(
    *, now: dict[int, int] = LATENCY, others: int = 0, flagged: int = 0, wrong: int = 0, promised: float = 1.0
) -> list[Compared]:
    """One metric of `web` as given, and so many further ones as they were."""
    same = {("db", f"metric_{number}"): LATENCY for number in range(others)}
    trained = Trained({("web", "latency_ms"): LATENCY} | same, 1_000, 0)
    return compare(trained, Seen({("web", "latency_ms"): now} | same, 1_000, flagged, wrong), promised, float)


MOVED = {bucket + 8: 100 for bucket in range(20)}


def test_what_drifted_most_is_told_first_in_words() -> None:
    promise, first, *_ = compared(now=MOVED, others=3)
    assert ("alarms that were wrong in a day", "1 promised", "0", False) == (
        promise.what,
        promise.then,
        promise.now,
        promise.drifted,
    )
    told = {"what": "web latency_ms", "then": "about 9", "now": "about 17", "": "spread otherwise than in the training"}
    assert told == {name: value for name, value in first.row.items() if name != "PSI"}
    assert first.drifted


def test_what_has_few_values_is_not_compared() -> None:
    assert [PROMISE, FLAGGED] == [one.what for one in compared(now={5: 199})]
    assert [FLAGGED] == [one.what for one in compared(now={5: 199}, promised=0)]


@pytest.mark.parametrize(
    ("rows", "hours", "in_storm", "starts", "reason"),
    [
        pytest.param(compared(), None, False, False, "no drift in 3 comparisons", id="no drift"),
        pytest.param(
            compared(now=MOVED),
            None,
            False,
            True,
            "1 of 1 metric of services drifted, most of all web latency_ms: about 17, about 9 in the training",
            id="drift",
        ),
        pytest.param(compared(now=MOVED, others=8), None, False, True, "1 of 9 metrics", id="one in nine"),
        pytest.param(compared(now=MOVED, others=10), None, False, False, "10 % are needed", id="one in eleven"),
        pytest.param(compared(flagged=300), None, False, True, f"{FLAGGED}: 30 %, 0 % in the training", id="flags"),
        pytest.param(compared(wrong=5), None, False, True, f"{PROMISE}: 5, 1 promised", id="promise"),
        pytest.param(compared(wrong=3), None, False, False, "no drift", id="chance"),
        pytest.param(compared(now=MOVED), 5, False, False, "5 h ago, at most one in 6 h", id="too soon"),
        pytest.param(compared(now=MOVED), 6, False, True, "1 of 1", id="soon enough"),
        pytest.param(compared(now=MOVED), None, True, False, "not while a storm of incidents is open", id="storm"),
    ],
)
def test_when_a_training_is_due(
    rows: list[Compared], hours: int | None, reason: str, *, in_storm: bool, starts: bool
) -> None:
    at = None if hours is None else NOON - timedelta(hours=hours)
    found = due(rows, started_at=at, in_storm=in_storm, now=NOON)
    assert starts == found.start
    assert reason in found.reason
