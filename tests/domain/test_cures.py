"""Whether texts of people name one cure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cures import grouped, same_cure


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("Restarted the pool.", "restarted pool", True, id="but for fillers"),
        pytest.param("set the pool size of db to 40", "pool size of db set to 40", True, id="in another order"),
        pytest.param("swapped the disk of db-1", "swapped disk of db-2", True, id="nearly"),
        pytest.param("restart helped", "restart did not help", False, id="not"),
        pytest.param("the restart of web helped us", "the restart of web didn't help us", False, id="n't"),
        pytest.param("scaled up the payments workers", "scaled down the payments workers", False, id="the opposite"),
        pytest.param("restarted web", "rolled web back", False, id="another one"),
        pytest.param("the", "the", False, id="nothing is said"),
        pytest.param("", "", False, id="empty"),
    ],
)
def test_same_cure(one: str, other: str, same: bool) -> None:  # noqa: FBT001 - the expected value
    assert same == same_cure(one, other) == same_cure(other, one)


@given(st.text(), st.text())
def test_it_does_not_matter_who_said_it_first(one: str, other: str) -> None:
    assert same_cure(one, other) == same_cure(other, one)


def test_the_largest_group_comes_first() -> None:
    found = grouped([1, 2, 4, 6, 3], lambda one, other: one % 2 == other % 2)
    assert [[2, 4, 6], [1, 3]] == found
