from __future__ import annotations

import pytest

from domain.nearest import nearest

KNOWN = ("kafka.topic", "kafka.start", "paging.enabled", "paging.email.host")


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        pytest.param("kafka.topc", "kafka.topic", id="slip"),
        pytest.param("kafak", "kafka", id="branch"),
        pytest.param("paging.emial.host", "paging.email.host", id="slip-in-the-middle"),
        pytest.param("pagin.enabled", "paging.enabled", id="slip-in-the-branch"),
        pytest.param("topic", "kafka.topic", id="branch-forgotten"),
        pytest.param("paging.host", "paging.email.host", id="level-forgotten"),
    ],
)
def test_nearest(wrong: str, expected: str) -> None:
    assert nearest(wrong, KNOWN) == f"the nearest is {expected}"


def test_something_is_named_even_when_nothing_is_alike() -> None:
    assert nearest("zzz", KNOWN).startswith("the nearest is ")


def test_nothing_known() -> None:
    assert nearest("x", ()) == "there is none"
