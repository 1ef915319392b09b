"""Logins that were begun are good once, in one browser, for ten minutes; and whose they are does not change."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adapters.store import openid_logins, users
from adapters.store.database import Engine
from domain.access import Scope
from domain.errors import BadInput, Refused
from domain.ledger import LedgerKind
from domain.ledger_sentences import sentence
from domain.openid import Begun, Identity
from domain.people import Role
from tests.parts.console_part import add_user
from tests.parts.http_part import noted
from tests.parts.judged_part import NOW, count, rows

ISSUER = "https://login.example.com"
BEGUN = Begun("a state", "a nonce", "a verifier", "https://sre.example/login/openid/callback", "/services")
ANN = Identity(ISSUER, "s1", "ann", Role.APPROVER)
SECOND = timedelta(seconds=1)
LONGEST = timedelta(days=7)


@pytest.mark.parametrize(
    ("state", "browser", "later", "expected"),
    [
        pytest.param("a state", "{secret}", timedelta(0), BEGUN, id="at once"),
        pytest.param("a state", "{secret}", openid_logins.GOOD_FOR - SECOND, BEGUN, id="just in time"),
        pytest.param("a state", "{secret}", openid_logins.GOOD_FOR, None, id="too late"),
        pytest.param("a state", "", timedelta(0), None, id="in a browser that began nothing"),
        pytest.param("a state", "another", timedelta(0), None, id="in another browser"),
        pytest.param("another", "{secret}", timedelta(0), None, id="another login"),
        pytest.param("", "{secret}", timedelta(0), None, id="no login"),
    ],
)
def test_a_login_is_ended_by_whoever_began_it(
    store: Engine, state: str, browser: str, later: timedelta, expected: Begun | None
) -> None:
    secret = openid_logins.begin(store, BEGUN, now=NOW)
    assert expected == openid_logins.take(store, state, browser.format(secret=secret), now=NOW + later)


def test_a_login_is_good_once_and_a_stranger_does_not_use_it_up(store: Engine) -> None:
    secret = openid_logins.begin(store, BEGUN, now=NOW)
    assert openid_logins.take(store, BEGUN.state, "another", now=NOW) is None
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: openid_logins.take(store, BEGUN.state, secret, now=NOW), range(4)))
    assert 1 == found.count(BEGUN)
    assert 0 == count(store, "openid_logins")


def test_neither_state_nor_cookie_is_kept(store: Engine) -> None:
    secret = openid_logins.begin(store, BEGUN, now=NOW)
    kept = str(rows(store, "SELECT * FROM openid_logins"))
    assert secret not in kept
    assert BEGUN.state not in kept


def test_what_nobody_ends_is_forgotten(store: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openid_logins, "MOST", 3)
    for number in range(10):
        openid_logins.begin(store, replace(BEGUN, state=f"state {number}"), now=NOW + number * SECOND)
    assert 3 == count(store, "openid_logins")
    openid_logins.begin(store, BEGUN, now=NOW + timedelta(hours=1))
    assert 1 == count(store, "openid_logins")


def test_the_first_login_makes_a_user_and_each_one_renews_the_role(store: Engine) -> None:
    added = openid_logins.user_of(store, ANN, now=NOW)
    assert [added] == users.all_users(store)
    assert (ISSUER, "s1", "ann", "ann", "") == (added.issuer, added.subject, added.name, added.person, added.password)
    renamed = replace(ANN, name="ann.archer", role=Role.VIEWER)
    assert replace(added, role=Role.VIEWER) == openid_logins.user_of(store, renamed, now=NOW)
    assert Role.VIEWER is users.all_users(store)[0].role
    openid_logins.user_of(store, renamed, now=NOW)
    assert [
        f"user ann added, approver by {ISSUER}",
        f"user ann changed, viewer by {ISSUER}",
    ] == [sentence(LedgerKind.USER_CHANGED, fields) for fields in noted(store, "access.user")]


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(ANN, id="the name"),
        pytest.param(replace(ANN, name="ANN"), id="the name in capitals"),
    ],
)
def test_somebody_elses_name_is_not_taken_over(store: Engine, found: Identity) -> None:
    add_user(store, "ann", Role.ADMIN)
    with pytest.raises(Refused, match=r"the name ann is somebody's already; .* `sre users link ann s1`"):
        openid_logins.user_of(store, found, now=NOW)
    (user,) = users.all_users(store)
    assert user.password
    assert user.subject is None


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"subject": "s2"}, id="somebody else of the provider, who has the address now"),
        pytest.param({"issuer": "https://other.example"}, id="the same number at another provider"),
    ],
)
def test_an_address_that_went_to_somebody_else_is_somebody_else(store: Engine, other: dict[str, Any]) -> None:
    openid_logins.user_of(store, ANN, now=NOW)
    with pytest.raises(Refused, match="is somebody's already"):
        openid_logins.user_of(store, replace(ANN, **other), now=NOW)


def test_what_a_shell_would_read_is_quoted_in_what_an_admin_is_told_to_run(store: Engine) -> None:
    add_user(store)
    with pytest.raises(Refused, match="`sre users link ann 's1; rm -rf x'`"):
        openid_logins.user_of(store, replace(ANN, subject="s1; rm -rf x"), now=NOW)


def test_whoever_is_disabled_stays_out(store: Engine) -> None:
    openid_logins.user_of(store, ANN, now=NOW)
    users.disable(store, "ann", by="root", now=NOW)
    with pytest.raises(Refused, match="ann is not let in any more"):
        openid_logins.user_of(store, ANN, now=NOW)
    assert 1 == count(store, "users")


def test_two_first_logins_at_once_are_one_user(store: Engine) -> None:
    several = 8
    for number in range(several):
        who = replace(ANN, name=f"ann{number}", subject=f"s{number}")
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda one: openid_logins.user_of(store, one, now=NOW), [who] * 4))
        assert {who.name} == {user.name for user in found}
    assert several == count(store, "users")


def test_a_user_who_is_linked_logs_in_there_and_by_password_no_more(store: Engine) -> None:
    user = add_user(store)
    secret = users.log_in(store, user, now=NOW, longest=LONGEST, address="::1")
    assert users.any_password(store)
    openid_logins.link(store, "ann", ISSUER, "s1", person="ann.archer", by="root", now=NOW)
    assert users.login_of(store, secret, now=NOW) is None
    assert not users.any_password(store)
    found = openid_logins.user_of(store, replace(ANN, name="another"), now=NOW)
    assert ("ann", "ann.archer", "", Role.APPROVER) == (found.name, found.person, found.password, found.role)
    add_user(store)
    with pytest.raises(Refused, match="the name ann is somebody's already"):
        openid_logins.user_of(store, ANN, now=NOW)


def test_a_link_lets_a_disabled_user_in_again_and_keeps_the_person(store: Engine) -> None:
    add_user(store, person="ann.archer")
    users.disable(store, "ann", by="root", now=NOW)
    openid_logins.link(store, "ann", ISSUER, "s1", person="", by="root", now=NOW)
    assert "ann.archer" == openid_logins.user_of(store, ANN, now=NOW).person
    users.add_token(store, "ann", [Scope.READ], by="root", now=NOW, expires_at=NOW + LONGEST)


def test_a_link_is_of_a_user_to_one_person(store: Engine) -> None:
    with pytest.raises(BadInput, match="no user 'ann'"):
        openid_logins.link(store, "ann", ISSUER, "s1", person="", by="root", now=NOW)
    openid_logins.user_of(store, ANN, now=NOW)
    add_user(store, "bo")
    with pytest.raises(BadInput, match="s1 is user 'ann' already; `sre users add ann` gives that one a password"):
        openid_logins.link(store, "bo", ISSUER, "s1", person="", by="root", now=NOW)
