"""Who may say what: each role includes those below it."""

from __future__ import annotations

import pytest

from domain.errors import Refused
from domain.people import People, Person, Role
from domain.settings import Settings, people_of

PEOPLE = People({"vic": Role.VIEWER, "rob": Role.RESPONDER, "ann": Role.APPROVER, "ada": Role.ADMIN})


@pytest.mark.parametrize(
    ("least", "who"),
    [
        (Role.VIEWER, ["vic", "rob", "ann", "ada"]),
        (Role.RESPONDER, ["rob", "ann", "ada"]),
        (Role.APPROVER, ["ann", "ada"]),
        (Role.ADMIN, ["ada"]),
    ],
    ids=str,
)
def test_a_role_includes_those_below_it(least: Role, who: list[str]) -> None:
    assert who == [told.partition(" ")[0] for told in PEOPLE.who_may(least)]
    for name, role in PEOPLE.roles.items():
        if name in who:
            assert Person(name, role) == PEOPLE.person(name, least)
        else:
            with pytest.raises(Refused, match="who may"):
                PEOPLE.person(name, least)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("rob", "rob is responder, and this needs the role approver; who may: ann (approver), ada (admin)"),
        ("eve", "eve is not known, and this needs the role approver; who may: ann (approver), ada (admin)"),
    ],
)
def test_who_may_not_learns_who_may(name: str, says: str) -> None:
    with pytest.raises(Refused) as refused:
        PEOPLE.person(name, Role.APPROVER)
    assert says == str(refused.value)


def test_as_long_as_nobody_is_configured_whoever_is_here_is_admin_and_that_is_said() -> None:
    assert Person("eve", "admin, as no people are configured") == People().person("eve", Role.ADMIN)
    assert "whoever can run `sre` here, as no people are configured" == People().told(Role.APPROVER)
    assert "nobody: no admin is configured (people)" == People({"ann": Role.APPROVER}).told(Role.ADMIN)


def test_people_come_from_the_settings() -> None:
    tree = Settings.model_validate({"people": {"ann": {"role": "approver"}}})
    assert People({"ann": Role.APPROVER}) == people_of(tree)
    assert People() == people_of(Settings())
