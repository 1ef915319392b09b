"""`sre users`: who is added, listed, let in no more, and given a token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.passwords import matches
from adapters.store import users
from adapters.store.database import Engine, connect
from console.main import cli
from domain.access import Scope
from domain.people import Role
from tests.parts.console_part import PASSWORD
from tests.parts.judged_part import NOW


@pytest.fixture
def engine(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setenv("SRE_STORE__URL", sqlite_url)
    monkeypatch.setenv("SRE_HOME", str(tmp_path))
    made = connect(sqlite_url)
    yield made
    made.dispose()


def sre(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(cli, ["users", *words], input=typed)


def add(*words: str, password: str = PASSWORD) -> Result:
    return sre("add", "ann", "--role", "responder", "--password-stdin", *words, typed=f"{password}\n")


def test_the_password_is_asked_for_twice_and_not_shown(engine: Engine) -> None:
    done = sre("add", "ann", "--role", "approver", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert 0 == done.exit_code, done.output
    assert "user ann (approver) added" in done.output
    assert PASSWORD not in done.output
    user = users.user_named(engine, "ann")
    assert user is not None
    assert (Role.APPROVER, "ann") == (user.role, user.person)
    assert matches(user.password, PASSWORD)


def test_two_passwords_that_differ_add_nobody(engine: Engine) -> None:
    assert 0 != sre("add", "ann", "--role", "viewer", typed=f"{PASSWORD}\nanother one\n").exit_code
    assert not users.any_user(engine)


def test_a_user_has_another_role_and_person(engine: Engine) -> None:
    add()
    assert "changed, and logged out everywhere" in add("--role", "admin", "--person", "ann.archer").output
    (user,) = users.all_users(engine)
    assert (Role.ADMIN, "ann.archer") == (user.role, user.person)


@pytest.mark.parametrize(
    ("name", "password", "expected"),
    [
        pytest.param("ann", "short", "12 characters at least", id="a short password"),
        pytest.param("an n", PASSWORD, "is no name", id="a name with a space"),
        pytest.param("", PASSWORD, "is no name", id="no name"),
        pytest.param("<b>", PASSWORD, "is no name", id="markup"),
    ],
)
def test_what_is_refused_adds_nobody(engine: Engine, name: str, password: str, expected: str) -> None:
    done = sre("add", name, "--role", "viewer", "--password-stdin", typed=f"{password}\n")
    assert expected in str(done.exception)
    assert not users.any_user(engine)


def test_users_are_listed_without_their_hashes(engine: Engine) -> None:
    assert "no user: this machine sees the pages without a login" in sre("list").output
    add()
    listed = json.loads(sre("list", "--json").output)
    assert [("ann", "responder", None)] == [(one["user"], one["role"], one["disabled"]) for one in listed]
    assert "argon2" not in sre("list", "--json").output


def test_whoever_is_disabled_is_let_in_no_more(engine: Engine) -> None:
    add()
    assert "let in no more" in sre("disable", "ann").output
    (user,) = users.all_users(engine)
    assert user.disabled_at is not None
    assert "there is no user" in str(sre("disable", "ann").exception)


def test_a_token_is_shown_once_and_good_for_its_scopes(engine: Engine) -> None:
    add()
    made = json.loads(sre("token", "ann", "--scope", "read", "--scope", "answer", "--days", "30", "--json").output)
    found = users.token_of(engine, made["token"], now=NOW)
    assert found is not None
    assert frozenset(Scope) == found[0]
    assert "there is no user" in str(sre("token", "bob").exception)


def test_where_people_have_roles_only_an_admin_adds_users(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_PEOPLE", json.dumps({"ann": {"role": "responder"}, "bob": {"role": "admin"}}))
    assert "needs the role admin" in str(add("--as", "ann").exception)
    assert not users.any_user(engine)
    assert 0 == add("--as", "bob").exit_code


OPENID = {
    "SRE_HTTP__OPENID__ISSUER": "https://login.example.com",
    "SRE_HTTP__OPENID__CLIENT_ID": "pages",
    "SRE_HTTP__OPENID__ROLES": '{"sre": "approver"}',
}


@pytest.fixture
def _with_a_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in OPENID.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("_with_a_provider")
def test_a_user_is_linked_and_the_list_says_how_each_logs_in(engine: Engine) -> None:
    assert "whoever logs in by OpenID Connect first becomes one" in sre("list").output
    add()
    assert [("ann", "password", None)] == how_each_logs_in()
    done = sre("link", "ann", "s1", "--person", "ann.archer")
    assert "user ann logs in as s1 of https://login.example.com from now on" in done.output
    assert [("ann", "OpenID Connect", "s1")] == how_each_logs_in()
    user = users.user_named(engine, "ann")
    assert user is not None
    assert ("https://login.example.com", "ann.archer", "") == (user.issuer, user.person, user.password)
    assert "`sre users link ann s1` lets them in again" in sre("disable", "ann").output
    add()
    assert [("ann", "password", None)] == how_each_logs_in()
    assert "`sre users add ann` lets them in again" in sre("disable", "ann").output


def how_each_logs_in() -> list[tuple[str, str, str | None]]:
    return [(row["user"], row["login"], row["subject"]) for row in json.loads(sre("list", "--json").output)]


@pytest.mark.usefixtures("_with_a_provider")
def test_a_link_as_json(engine: Engine) -> None:
    add()
    expected = {"user": "ann", "issuer": "https://login.example.com", "subject": "s1"}
    assert expected == json.loads(sre("link", "ann", "s1", "--json").output)
    assert "no user 'bo'" in str(sre("link", "bo", "s2").exception)


def test_without_a_provider_nobody_is_linked(engine: Engine) -> None:
    add()
    assert "http.openid.issuer is not set" in str(sre("link", "ann", "s1").exception)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        pytest.param("CLIENT_ID", "", "client_id is missing", id="no client"),
        pytest.param("ROLES", "{}", "nobody could log in", id="no roles"),
        pytest.param("ISSUER", "http://login.example.com", "must begin with https://", id="an issuer without HTTPS"),
    ],
)
@pytest.mark.usefixtures("_with_a_provider")
def test_what_is_half_set_is_said_at_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"SRE_HTTP__OPENID__{name}", value)
    done = sre("list")
    assert 0 != done.exit_code
    assert said in str(done.exception)
    assert "http.openid" in str(done.exception)
