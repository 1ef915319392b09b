"""Members of `watch`: their names, and what they say they read."""

from __future__ import annotations

import pytest

from domain.errors import BadSettings
from domain.members import members, partitions_in, present_member, role_of, shares_in_words


def test_names_and_their_role() -> None:
    assert ("watch", "watch-2", "watch-3") == members(3)
    assert ("watch",) == members(1)
    assert {"watch"} == {role_of(name) for name in (*members(3), "watch-7d9f")}
    assert ("on-call", "watcher") == (role_of("on-call"), role_of("watcher"))


def test_a_run_is_the_member_that_it_is_told_to_be() -> None:
    assert "watch" == present_member({})
    assert "watch-2" == present_member({"SRE_MEMBER": "watch-2"})
    with pytest.raises(BadSettings, match=r"SRE_MEMBER=second: .* begins with watch-"):
        present_member({"SRE_MEMBER": "second"})


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param("logs: partitions 0, 12", {0, 12}, id="what it reads"),
        pytest.param("other: partitions 0, 1", {}, id="of another topic"),
        pytest.param("", {}, id="nothing"),
    ],
)
def test_what_a_member_said(said: str, expected: set[int]) -> None:
    assert frozenset(expected) == partitions_in(said, "logs")


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        pytest.param({}, "", id="nobody reads"),
        pytest.param({"watch": {1, 0, 10}}, "logs: partitions 0, 1, 10", id="one needs no name"),
        pytest.param(
            {"watch-2": {1}, "watch": {0, 2}}, "logs: partitions 0, 2 (watch), 1 (watch-2)", id="two have names"
        ),
    ],
)
def test_who_reads_what_in_words(shares: dict[str, set[int]], expected: str) -> None:
    found = {name: frozenset(numbers) for name, numbers in shares.items()}
    assert expected == shares_in_words("logs", found)
    if len(found) == 1:
        assert found["watch"] == partitions_in(expected, "logs")
