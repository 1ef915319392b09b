"""Rows that are alike are one group, however far apart the numbers lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.grouping import grouped

FAR = 2**62 - 1
NUMBERS = st.integers(-3, 3) | st.integers(-FAR // 4, FAR // 4)


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=30))
def test_each_row_is_in_the_group_of_its_numbers(rows: list[tuple[int, int, int]]) -> None:
    found, group = grouped(*np.array(rows, np.int64).T)
    distinct = list(zip(*(part.tolist() for part in found), strict=True))
    assert sorted(set(rows)) == distinct
    assert rows == [distinct[one] for one in group.tolist()]


@pytest.mark.parametrize("parts", [1, 6])
def test_no_rows_have_no_groups(parts: int) -> None:
    found, group = grouped(*(np.empty(0, np.int64) for _ in range(parts)))
    assert [0] * (parts + 1) == [len(one) for one in (*found, group)]
