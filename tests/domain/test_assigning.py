"""A name alone is whoever has it, and one that several have is asked about."""

from __future__ import annotations

import pytest

from domain.assigning import known_target
from domain.errors import BadInput
from domain.roster import Roster, Schedule, User

ROSTER = Roster(
    users={"ann": User("ann", ()), "web": User("web", ()), "Bo Li": User("Bo Li", ())},
    teams={"web": (), "ops": ()},
    schedules={"primary": Schedule("primary", "UTC", ())},
)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("ann", "user ann"),
        (" ops ", "team ops"),
        ("primary", "schedule primary"),
        ("Bo Li", "user Bo Li"),
        ("user web", "user web"),
        ("team web", "team web"),
    ],
)
def test_whom_a_name_means(said: str, expected: str) -> None:
    assert expected == str(known_target(said, ROSTER))


def test_a_name_of_several_is_asked_about() -> None:
    with pytest.raises(BadInput, match="'web' is a user and a team: write `user web` or `team web`"):
        known_target("web", ROSTER)
