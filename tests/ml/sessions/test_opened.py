"""Which logs make one session, and when it is over, against the plain rule log by log."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.sessions import opened
from ml.sessions.opened import LONGEST, MOST_EVENTS, OPEN, SECOND, UNKNOWN, followed, step

MINUTE, QUIET = 60 * SECOND, 60 * SECOND
Log = tuple[str, int]  # key, second


def table(logs: list[Log]) -> pa.Table:
    ordered = sorted(logs, key=lambda log: log[1])
    columns = [
        [key for key, _ in ordered],
        [f"s\x1fevent {at}" for _, at in ordered],
        [at * SECOND for _, at in ordered],
        [UNKNOWN] * len(ordered),
        [False] * len(ordered),
    ]
    return pa.table([pa.array(held, one.type) for held, one in zip(columns, OPEN, strict=True)], schema=OPEN)


def run(logs: list[Log], minutes: int) -> list[tuple[str, int, int, int, bool]]:
    """Every session that is over: key, first second, last one, logs, whether it went on."""
    held, found = OPEN.empty_table(), []
    for minute in range(minutes):
        new = table([log for log in logs if minute * 60 <= log[1] < (minute + 1) * 60])
        ended, held = step(held, new, (minute + 1) * MINUTE, QUIET)
        assert len(ended.at) == len(ended.events) == ended.starts[-1]
        for at, key in enumerate(ended.keys):
            many = int(ended.starts[at + 1] - ended.starts[at])
            began, last = int(ended.began[at]) // SECOND, int(ended.last[at]) // SECOND
            found.append((key, began, last, many, bool(ended.cut[at])))
    assert 0 == len(held), "nothing is open when all has been quiet for long"
    return sorted(found)


def plain(logs: list[Log]) -> list[tuple[str, int, int, int, bool]]:
    found = []
    for key in {key for key, _ in logs}:
        times = sorted(at for other, at in logs if other == key)
        groups: list[list[int]] = []
        for at in times:
            if not groups or at - groups[-1][-1] > QUIET // SECOND:
                groups.append([])
            groups[-1].append(at)
        for group in groups:
            inside = [at for at in group if at - group[0] <= LONGEST // SECOND]
            found.append((key, group[0], inside[-1], len(inside), len(inside) < len(group)))
    return sorted(found)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2_400)), max_size=120, unique=True))
def test_sessions_are_those_of_the_plain_rule(logs: list[Log]) -> None:
    found, expected = run(logs, 55), plain(logs)
    assert [one[:3] for one in expected] == [one[:3] for one in found]
    # A session is told when it has lasted ten minutes; whether it goes on then shows in the minute that told.
    assert all(a[3] == b[3] for a, b in zip(expected, found, strict=True))
    assert all(told[4] for plain_one, told in zip(expected, found, strict=True) if plain_one[4])


def test_a_session_that_never_ends_is_told_once_and_holds_one_log() -> None:
    held, told = OPEN.empty_table(), []
    for minute in range(30):
        new = table([("a", minute * 60 + second) for second in range(0, 60, 10)])
        ended, held = step(held, new, (minute + 1) * MINUTE, QUIET)
        told += [(minute, key) for key in ended.keys]
    assert [(10, "a")] == told
    assert 1 == len(held)


def test_of_a_flood_the_first_logs_and_the_last_are_held() -> None:
    held = OPEN.empty_table()
    logs = [("a", at // 20) for at in range(1_150)]
    ended, held = step(held, table(logs), MINUTE, QUIET)
    assert (0, MOST_EVENTS + 1) == (len(ended), len(held))
    ended, held = step(held, table([]), 3 * MINUTE, QUIET)
    assert (MOST_EVENTS + 1, 57 * SECOND, 0) == (len(ended.at), ended.last[0], len(held))


@given(st.integers(0, 4), st.lists(st.text(min_size=1, max_size=5), max_size=30))
def test_keys_that_are_followed_are_whole_and_the_same_wherever_they_come(halvings: int, keys: list[str]) -> None:
    logs = table([(key, at) for at, key in enumerate(keys * 2)])
    found = followed(logs, halvings)["key"].to_pylist()
    again = followed(table([(key, 0) for key in sorted(set(keys))]), halvings)["key"].to_pylist()
    assert set(found) == set(again)
    assert all(found.count(key) == 2 * keys.count(key) for key in set(found))
    assert set(followed(logs, halvings + 1)["key"].to_pylist()) <= set(found)


@pytest.mark.parametrize("halvings", [1, 3])
def test_about_so_many_keys_are_followed(halvings: int) -> None:
    logs = table([(f"request {number}", number) for number in range(4_000)])
    assert 0.8 < len(followed(logs, halvings)) * 2**halvings / 4_000 < 1.2


def test_the_longest_session_is_longer_than_the_longest_quiet() -> None:
    assert opened.LONGEST >= 600 * SECOND
