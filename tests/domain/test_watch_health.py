"""How reading goes is told from what `watch` left in the store and what waits in Kafka."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.watch_health import Progress, Reading, Signs, look_on, progress, slowest, verdict, waiting
from tests.parts.logs_part import NOON

PATIENCE = timedelta(seconds=90)
HOUR_AGO = NOON - timedelta(hours=1)
WELL = Signs(alive_at=NOON - timedelta(seconds=5), kafka_said_at=NOON - timedelta(seconds=5), stored={0: 100})


def ago(seconds: float) -> object:
    return NOON - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("changes", "left", "stood_for", "begun", "expected"),
    [
        pytest.param({}, 0, 0, HOUR_AGO, Reading.WELL, id="it speaks and nothing waits"),
        pytest.param({}, 0, 3600, HOUR_AGO, Reading.WELL, id="a topic without logs is no fault"),
        pytest.param({}, 500, 30, HOUR_AGO, Reading.UNSURE, id="logs wait, but not for long"),
        pytest.param({}, 500, 90, HOUR_AGO, Reading.STUCK, id="a crash loop: it speaks and stores nothing"),
        pytest.param({"alive_at": ago(89)}, 0, 0, HOUR_AGO, Reading.WELL, id="quiet for less than its time"),
        pytest.param({"alive_at": ago(90)}, 0, 0, HOUR_AGO, Reading.SILENT, id="it died"),
        pytest.param({"alive_at": None}, 0, 0, ago(179), Reading.UNSURE, id="a fresh start waits for its first word"),
        pytest.param({"alive_at": None}, 0, 0, ago(180), Reading.SILENT, id="it never ran"),
        pytest.param({"alive_at": HOUR_AGO}, 0, 0, ago(100), Reading.UNSURE, id="up again after a night: it has time"),
        pytest.param({"alive_at": HOUR_AGO}, 0, 0, ago(200), Reading.SILENT, id="up again, and watch stays away"),
        pytest.param({"kafka_down_since": ago(89)}, 0, 0, HOUR_AGO, Reading.UNSURE, id="Kafka is away for a moment"),
        pytest.param({"kafka_down_since": ago(90)}, 0, 0, HOUR_AGO, Reading.NO_KAFKA, id="Kafka is gone"),
        pytest.param(
            {"kafka_down_since": HOUR_AGO, "kafka_said_at": ago(200), "alive_at": ago(200)},
            0, 0, HOUR_AGO, Reading.SILENT, id="what it said of Kafka before it died is old",
        ),
    ],
)  # fmt: skip
def test_verdict(changes: dict[str, object], left: int, stood_for: float, begun: object, expected: Reading) -> None:
    moved = Progress({0: 100}, NOON - timedelta(seconds=stood_for), left)
    signs = replace(WELL, **changes)  # type: ignore[arg-type]
    found = verdict(signs, moved, begun=begun, now=NOON, patience=PATIENCE)  # type: ignore[arg-type]
    assert expected is found.reading
    assert bool(found.why) is (expected not in (Reading.WELL, Reading.UNSURE))


@pytest.mark.parametrize(
    ("stored", "ends", "expected"),
    [
        pytest.param({0: 5, 1: 7}, {0: 15, 1: 27}, 30, id="every partition counts"),
        pytest.param({0: 5}, {0: 6}, 0, id="the end of a transaction is no log"),
        pytest.param({0: 5}, {}, 0, id="without an answer of Kafka nothing is known to wait"),
        pytest.param({0: 500}, {0: 3}, 0, id="a topic that was made anew is shorter"),
        pytest.param({}, {0: 100}, 0, id="a partition that was never read has no place yet"),
    ],
)
def test_waiting(stored: dict[int, int], ends: dict[int, int], expected: int) -> None:
    assert expected == waiting(stored, ends)


def test_progress_keeps_the_moment_since_which_nothing_was_stored() -> None:
    later = NOON + timedelta(seconds=60)
    begun = progress(None, {0: 5}, 10, now=NOON)
    assert NOON == progress(begun, {0: 5}, 12, now=later).since
    assert later == progress(begun, {0: 6}, 12, now=later).since
    assert later == progress(begun, {0: 5}, 0, now=later).since


TWO = {"watch": frozenset({0, 1}), "watch-2": frozenset({2, 3})}


@pytest.mark.parametrize(
    ("readers", "later", "expected"),
    [
        pytest.param(TWO, {0: 9, 1: 9, 2: 5, 3: 5}, "watch-2", id="one member stores nothing while the other does"),
        pytest.param(TWO, {0: 9, 1: 5, 2: 9, 3: 5}, "", id="each moves on one partition while the other one waits"),
        pytest.param({"watch": frozenset({0, 1, 2, 3})}, {0: 9, 1: 5, 2: 5, 3: 5}, "", id="one reads them in turn"),
        pytest.param({"watch": frozenset({0, 1, 2, 3})}, {0: 5, 1: 5, 2: 5, 3: 5}, "watch", id="one stores nothing"),
    ],
)
def test_a_member_that_stores_nothing_hides_behind_none_that_does(
    readers: dict[str, frozenset[int]], later: dict[int, int], expected: str
) -> None:
    ends = dict.fromkeys(range(4), 500)
    before = replace(WELL, stored=dict.fromkeys(range(4), 5), readers=readers)
    moved = look_on({}, before, ends, now=NOON - PATIENCE)
    after = look_on(moved, replace(before, stored=later), ends, now=NOON)
    found = verdict(before, slowest(after), begun=HOUR_AGO, now=NOON, patience=PATIENCE)
    assert (Reading.STUCK if expected else Reading.UNSURE) is found.reading
    assert found.why.startswith(f"{expected} lives, " if expected else "")


def test_what_another_member_took_over_has_its_time_there() -> None:
    """A member died; the other has its partitions, and has yet to store something of them."""
    ends = dict.fromkeys(range(4), 500)
    before = replace(WELL, stored=dict.fromkeys(range(4), 5), readers=TWO)
    moved = look_on({}, before, ends, now=NOON - PATIENCE)
    alone = replace(before, stored={0: 9, 1: 9, 2: 5, 3: 5}, readers={"watch": frozenset(range(4))})
    taken_over = slowest(look_on(moved, alone, ends, now=NOON))
    assert Reading.UNSURE is verdict(alone, taken_over, begun=HOUR_AGO, now=NOON, patience=PATIENCE).reading
