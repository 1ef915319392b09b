"""In which order partitions were read is kept in a few numbers, and found again."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.logs import RawBatch
from domain.replay import MOST_RUNS, run_of, runs


def batch(partitions: list[int]) -> RawBatch:
    offsets, after = [], {0: 3, 1: 70, 2: 0}
    for one in partitions:
        after[one] += 2  # offsets may leave some out
        offsets.append(after[one])
    many = len(partitions)
    following = {(1, one): after[one] + 1 for one in partitions}
    return RawBatch([1] * many, partitions, offsets, [None] * many, {}, following)


@given(st.lists(st.integers(0, 2), max_size=60))
def test_the_order_of_reading_comes_back(partitions: list[int]) -> None:
    raw = batch(partitions)
    order = runs(raw)
    if order is None:
        assert len(set(partitions)) < 2
        return
    run = np.zeros(len(raw), np.int64)
    for place in {(1, one) for one in partitions}:
        here = np.array([one == place[1] for one in partitions])
        run[here] = run_of(place, np.array(raw.offsets)[here], order)
    shuffled = np.random.default_rng(1).permutation(len(raw))
    again = shuffled[np.lexsort((np.array(raw.offsets)[shuffled], run[shuffled]))]
    assert list(range(len(raw))) == again.tolist()


def test_what_goes_to_and_fro_too_often_is_not_kept() -> None:
    assert runs(batch([0, 1] * (MOST_RUNS // 2))) is not None
    assert runs(batch([0, 1] * MOST_RUNS)) is None
