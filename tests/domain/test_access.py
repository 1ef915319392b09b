"""Who may do what on the pages, and when a login has ended: tables."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access import (
    LONGEST_WAIT,
    LOOKING,
    Caller,
    Deed,
    Login,
    Scope,
    Way,
    is_over,
    password_flaw,
    refusal,
    wait_after,
)
from domain.people import People, Role
from domain.responses import Verb
from tests.parts.logs_part import NOON

HOUR = timedelta(hours=1)
DEEDS: list[Deed | Verb] = [*Deed, *Verb]


def a_caller(role: Role = Role.RESPONDER, **changes: object) -> Caller:
    fields: dict[str, object] = {"name": "ann", "person": "ann", "role": role, "way": Way.LOGIN}
    return Caller(**(fields | changes))  # type: ignore[arg-type]


MAY: dict[Role, set[Deed | Verb]] = {
    Role.VIEWER: {Deed.LOOK},
    Role.RESPONDER: set(DEEDS) - {Verb.APPROVE, Verb.REJECT, Deed.PROMOTE, Deed.SET_AUTONOMY},
    Role.APPROVER: set(DEEDS) - {Deed.SET_AUTONOMY},
    Role.ADMIN: set(DEEDS),
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("deed", DEEDS)
def test_what_a_role_may(role: Role, deed: Deed | Verb) -> None:
    assert (deed in MAY[role]) == (refusal(a_caller(role), deed, People()) == "")


@pytest.mark.parametrize("deed", DEEDS)
def test_a_token_to_read_answers_nothing(deed: Deed | Verb) -> None:
    caller = a_caller(Role.ADMIN, way=Way.TOKEN, scopes=frozenset({Scope.READ}))
    assert (deed in LOOKING) == (refusal(caller, deed, People()) == "")


@pytest.mark.parametrize(
    ("roles", "deed", "expected"),
    [
        pytest.param({"ann": Role.APPROVER}, Verb.APPROVE, "", id="whoever may by both"),
        pytest.param(
            {"ann": Role.RESPONDER}, Verb.APPROVE, "ann is responder there", id="whom `people` gives another role"
        ),
        pytest.param({"bob": Role.ADMIN}, Verb.ACKNOWLEDGE, "ann is not there", id="whom `people` does not know"),
        pytest.param({"bob": Role.ADMIN}, Deed.LOOK, "", id="looking needs nobody's word"),
    ],
)
def test_where_people_have_roles_both_must_allow(roles: dict[str, Role], deed: Deed | Verb, expected: str) -> None:
    said = refusal(a_caller(Role.ADMIN), deed, People(roles))
    assert bool(expected) == bool(said)
    assert expected in said


@pytest.mark.parametrize(
    ("seen", "created", "expected"),
    [
        pytest.param(NOON, NOON, False, id="new"),
        pytest.param(NOON - HOUR, NOON - HOUR, True, id="nobody used it for an hour"),
        pytest.param(NOON - HOUR + timedelta(seconds=1), NOON - HOUR, False, id="used within the hour"),
        pytest.param(NOON, NOON - 8 * HOUR, True, id="old, however much it is used"),
    ],
)
def test_a_login_ends(seen: object, created: object, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    login = Login("ann", "x", created, seen)  # type: ignore[arg-type]
    assert expected == is_over(login, NOON, idle=HOUR, longest=8 * HOUR)


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        pytest.param("correct horse battery", "", id="a good one"),
        pytest.param("short", "12 characters at least", id="short"),
        pytest.param("x" * 1_001, "characters at most", id="too long to hash"),
        pytest.param("annette-annette", "", id="the name is a part of much more"),
        pytest.param("12345678annX", "more than the name", id="little but the name"),
        pytest.param("aaaaaaaaaaaaaa", "again and again", id="one letter"),
    ],
)
def test_a_password(password: str, expected: str) -> None:
    said = password_flaw("ann", password)
    assert bool(expected) == bool(said)
    assert expected in said


@given(st.integers(0, 10_000))
def test_each_wrong_password_waits_as_long_as_the_one_before_or_longer(failures: int) -> None:
    assert timedelta(0) <= wait_after(failures) <= wait_after(failures + 1) <= LONGEST_WAIT


def test_a_few_wrong_passwords_cost_nothing_and_then_the_wait_doubles() -> None:
    assert [0, 0, 0, 0, 1, 2, 4, 8] == [wait_after(many).total_seconds() for many in range(8)]
    assert LONGEST_WAIT == wait_after(40)
