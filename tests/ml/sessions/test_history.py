"""What of the past is held to learn from."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ml.sessions import history
from ml.sessions.history import FADING, MOST, MOST_LOGS, History, Past, priorities


def past(number: int, rank: float, logs: int = 3) -> Past:
    return Past(rank, 0.1, tuple(f"s\x1fevent {number} {at}" for at in range(logs)))


@given(st.lists(st.floats(0, 1), max_size=60), st.integers(1, 7))
def test_how_sessions_are_added_changes_nothing(ranks: list[float], size: int) -> None:
    whole = [past(number, rank) for number, rank in enumerate(ranks)]
    parts = History()
    for begin in range(0, len(whole), size):
        parts = parts.added(whole[begin : begin + size])
    assert History().added(whole) == parts
    assert History.of(parts.table()) == parts


def test_what_is_held_is_bounded_by_sessions_and_by_logs() -> None:
    few = History().added([past(number, float(number)) for number in range(MOST + 100)])
    assert (MOST, 100.0) == (len(few), few.least)
    long = History().added([past(number, float(number), logs=500) for number in range(200)])
    assert MOST_LOGS // 500 == len(long)
    assert 1 == len(History().added([past(0, 0.0, logs=MOST_LOGS + 1)]))


def test_newer_sessions_are_held_more_often_and_older_ones_not_never() -> None:
    keys = [f"r{number}" for number in range(20_000)]
    began = np.arange(20_000, dtype=np.int64) * (2 * FADING // 20_000)  # over two days
    held = np.argsort(-priorities(keys, began))[:MOST]
    old, new = int((held < 10_000).sum()), int((held >= 10_000).sum())
    assert 0.25 < old / new < 0.5  # about 1 / e
    assert history.priorities(keys[:3], began[:3]).tolist() == priorities(keys, began)[:3].tolist()
