"""Who somebody is by a provider's word, as tables; and settings that are half set."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.errors import Refused
from domain.http_settings import HttpSettings
from domain.openid import ended, groups_in, identity, role_of, tells_too_little
from domain.openid_settings import OpenIdSettings
from domain.people import Role

WHOLE: dict[str, Any] = {
    "issuer": "https://login.example.com",
    "client_id": "pages",
    "roles": {"sre": "approver", "staff": "viewer"},
}
ANN: dict[str, Any] = {"sub": "s1", "email": "ann@example.com", "email_verified": True, "groups": ["sre"]}


def settings(**changes: Any) -> OpenIdSettings:
    return OpenIdSettings.model_validate(WHOLE | changes)


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in ANN.items() if name not in names}


@pytest.mark.parametrize(
    ("claims", "changes", "expected"),
    [
        pytest.param(ANN, {}, "ann@example.com", id="by address"),
        pytest.param(ANN | {"email_verified": "true"}, {}, "ann@example.com", id="verified, as text"),
        pytest.param(ANN | {"email": "ann+x@example.com"}, {}, "ann+x@example.com", id="an address with a plus"),
        pytest.param(without("email") | {"preferred_username": "ann"}, {}, "ann", id="without an address"),
        pytest.param(ANN | {"email": "", "preferred_username": "ann"}, {}, "ann", id="an empty address"),
        pytest.param(ANN | {"email": 7, "preferred_username": "ann"}, {}, "ann", id="an address that is a number"),
        pytest.param(without("email"), {}, "s1", id="nothing but the subject"),
        pytest.param(ANN | {"nick": "annie"}, {"name_claim": "nick"}, "annie", id="by another claim"),
        pytest.param(
            without("email_verified") | {"upn": "a@b"}, {"name_claim": "upn"}, "a@b", id="an address is not asked for"
        ),
    ],
)
def test_what_somebody_is_called(claims: dict[str, Any], changes: dict[str, Any], expected: str) -> None:
    assert expected == identity(claims, settings(**changes)).name


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        pytest.param(ANN | {"email_verified": False}, "was verified", id="an address that is not verified"),
        pytest.param(ANN | {"email_verified": "false"}, "was verified", id="not verified, as text"),
        pytest.param(ANN | {"email_verified": 1}, "was verified", id="neither true nor a text"),
        pytest.param(without("email_verified"), "was verified", id="nothing is said of it"),
        pytest.param(ANN | {"email": "ann archer"}, "is no name here", id="a space"),
        pytest.param(ANN | {"email": "<script>"}, "is no name here", id="a tag"),
        pytest.param(ANN | {"email": "a" * 65}, "is no name here", id="too long"),
        pytest.param(ANN | {"email": "аnn@example.com"}, "is no name here", id="a letter that looks like another"),  # noqa: RUF001 - that is the test
        pytest.param(ANN | {"email": "ann\n@example.com"}, "is no name here", id="two lines"),
        pytest.param(ANN | {"sub": ""}, "does not say who it is", id="an empty subject"),
        pytest.param(ANN | {"sub": 7}, "does not say who it is", id="a number as subject"),
        pytest.param(ANN | {"sub": "s" * 256}, "does not say who it is", id="a subject that is too long"),
        pytest.param(ANN | {"sub": "s\0"}, "does not say who it is", id="a subject that no text may hold"),
        pytest.param(without("sub"), "does not say who it is", id="no subject"),
        pytest.param(ANN | {"groups": ["others"]}, "in no group that has a role here", id="in other groups"),
        pytest.param(without("groups"), "in no group that has a role here", id="in no group"),
    ],
)
def test_who_is_not_let_in_and_why(claims: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        identity(claims, settings())


@pytest.mark.parametrize(
    ("claims", "path", "expected"),
    [
        pytest.param({"groups": ["a", "b"]}, "groups", {"a", "b"}, id="a list"),
        pytest.param({"groups": "a"}, "groups", {"a"}, id="one text"),
        pytest.param({"groups": ["a", 7, None, ["b"]]}, "groups", {"a"}, id="texts alone"),
        pytest.param({"roles": {"a": {"org": "x"}}}, "roles", {"a"}, id="keys of a table"),
        pytest.param({"realm_access": {"roles": ["a"]}}, "realm_access.roles", {"a"}, id="within another claim"),
        pytest.param({"https://x.example/r": ["a"]}, "https://x.example/r", {"a"}, id="a name with dots"),
        pytest.param({"groups": ["a"]}, "groups.more", set(), id="a path that ends before"),
        pytest.param({"groups": 7}, "groups", set(), id="a number"),
        pytest.param({}, "groups", set(), id="nothing"),
        pytest.param({"": ["a"]}, "realm.", set(), id="an empty name"),
    ],
)
def test_somebodys_groups(claims: dict[str, Any], path: str, expected: set[str]) -> None:
    assert expected == groups_in(claims, path)


@pytest.mark.parametrize(
    ("groups", "default", "expected"),
    [
        pytest.param({"sre", "staff"}, "", Role.APPROVER, id="the highest of several"),
        pytest.param({"staff"}, "", Role.VIEWER, id="one"),
        pytest.param({"staff"}, "responder", Role.VIEWER, id="a group comes before the default"),
        pytest.param({"others"}, "responder", Role.RESPONDER, id="the default"),
        pytest.param({"others"}, "", None, id="none"),
        pytest.param({"SRE"}, "", None, id="names are as they are written"),
    ],
)
def test_a_role_is_that_of_the_groups(groups: set[str], default: str, expected: Role | None) -> None:
    assert expected is role_of(frozenset(groups), settings(default_role=default))


@given(st.dictionaries(st.text(max_size=3), st.sampled_from(Role)), st.sets(st.text(max_size=3)))
def test_a_role_is_one_that_somebody_gave_to_a_group_of_theirs(roles: dict[str, Role], groups: set[str]) -> None:
    found = role_of(frozenset(groups), settings(roles=roles, default_role="viewer"))
    given_to_them = [role for group, role in roles.items() if group in groups]
    assert found in (given_to_them or [Role.VIEWER])
    assert all(found is not None and found.includes(role) for role in given_to_them)


@pytest.mark.parametrize(
    ("claims", "changes", "expected"),
    [
        pytest.param(ANN, {}, False, id="all is there"),
        pytest.param(without("email"), {}, True, id="no name"),
        pytest.param(without("email_verified"), {}, True, id="nothing on whether the address was verified"),
        pytest.param(without("groups"), {}, True, id="no groups"),
        pytest.param(without("groups"), {"roles": {}, "default_role": "viewer"}, False, id="no groups are wanted"),
        pytest.param(ANN | {"groups": []}, {}, False, id="in no group"),
        pytest.param(without("email_verified"), {"name_claim": "sub"}, False, id="another name is wanted"),
    ],
)
def test_more_is_asked_where_something_is_missing(
    claims: dict[str, Any],
    changes: dict[str, Any],
    expected: bool,  # noqa: FBT001 - a row of the table
) -> None:
    assert expected == tells_too_little(claims, settings(**changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"issuer": ""}, "issuer is missing", id="no issuer"),
        pytest.param({"client_id": ""}, "client_id is missing", id="no client"),
        pytest.param({"scopes": "email profile"}, "scopes must hold openid", id="without the scope that it is"),
        pytest.param({"groups_claim": ""}, "groups_claim is missing", id="no groups"),
        pytest.param({"roles": {}}, "nobody could log in", id="no roles"),
        pytest.param({"roles": {"sre": "boss"}}, "viewer", id="no such role"),
        pytest.param({"default_role": "boss"}, "pattern", id="no such default"),
        pytest.param({"issuer": "http://login.example.com"}, "must begin with https://", id="not by HTTPS"),
        pytest.param({"issuer": "ftp://login.example.com"}, "must begin with http", id="another scheme"),
        pytest.param({"issuer": "https://ann:x@login.example.com"}, "no user and no password", id="a password"),
        pytest.param({"issuer": "https://login.example.com?x=1"}, "without", id="a query"),
        pytest.param({"issuer": "https://"}, "names no host", id="no host"),
    ],
)
def test_what_is_half_set_says_so(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings(**changes)


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:5556/dex", "http://localhost", "http://[::1]:80", "https://a.b/"])
def test_on_this_machine_an_issuer_may_speak_http(issuer: str) -> None:
    assert issuer == settings(issuer=issuer).issuer


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="this machine alone"),
        pytest.param({"host": "0.0.0.0", "public_url": "https://sre.example"}, id="others, under one name"),  # noqa: S104
    ],
)
def test_where_logins_come_back_to_is_known(changes: dict[str, Any]) -> None:
    assert HttpSettings.model_validate({"openid": WHOLE, **changes}).openid.issuer


def test_under_any_name_nobody_knows_where_logins_come_back_to() -> None:
    with pytest.raises(ValidationError, match="openid needs public_url"):
        HttpSettings.model_validate({"openid": WHOLE, "host": "0.0.0.0"})  # noqa: S104 - as a setting


def test_what_a_provider_says_is_told_with_its_code_and_nothing_that_steers() -> None:
    assert "you or the provider did not allow it (access_denied)" == ended("access_denied")
    assert "the provider did not take the login (new \N{REPLACEMENT CHARACTER}[31m)" == ended("new \x1b[31m")
    assert len(ended("x" * 10_000)) < 200
