"""Users, logins and tokens: what is kept is no secret, and who is out is out by every way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.passwords import hashed, matches
from adapters.store import users
from adapters.store.database import Engine
from domain.access import Scope
from domain.errors import BadInput
from domain.ledger import LedgerKind
from domain.ledger_sentences import sentence
from domain.people import Role
from tests.parts.console_part import HASHED, PASSWORD, add_user
from tests.parts.http_part import noted
from tests.parts.judged_part import NOW, count, rows

DAY = timedelta(days=1)
LONGEST = timedelta(days=7)


def log_in(store: Engine, name: str = "ann", *, days: int = 0) -> str:
    user = users.user_named(store, name)
    assert user is not None
    return users.log_in(store, user, now=NOW + days * DAY, longest=LONGEST, address="::1")


def test_a_user_is_read_as_it_was_added(store: Engine) -> None:
    assert not users.any_user(store)
    added = add_user(store, "ann", Role.APPROVER, person="ann.archer")
    assert added == users.user_named(store, "ann")
    assert [added] == users.all_users(store)
    assert users.any_user(store)
    assert users.user_named(store, "Ann") is None


def test_another_password_ends_every_login_and_lets_a_disabled_user_in_again(store: Engine) -> None:
    add_user(store)
    secret = log_in(store)
    users.disable(store, "ann", by="root", now=NOW)
    assert users.login_of(store, secret, now=NOW) is None
    add_user(store)
    assert users.login_of(store, secret, now=NOW) is None
    assert users.login_of(store, log_in(store), now=NOW) is not None
    with pytest.raises(BadInput, match="no user 'bob'"):
        users.disable(store, "bob", by="root", now=NOW)


def test_no_secret_is_kept(store: Engine) -> None:
    add_user(store)
    secret = log_in(store)
    token = users.add_token(store, "ann", [Scope.READ], by="root", now=NOW, expires_at=NOW + DAY)
    kept = "".join(str(rows(store, f"SELECT * FROM {name}")) for name in ("users", "logins", "api_tokens", "ledger"))
    for one in (PASSWORD, secret, token):
        assert one not in kept


def test_a_login_is_seen_once_a_minute_and_forgotten_when_it_is_over(store: Engine) -> None:
    add_user(store)
    secret = log_in(store)
    seen = []
    for seconds in (59, 60, 61):
        found = users.login_of(store, secret, now=NOW + timedelta(seconds=seconds))
        assert found is not None
        seen.append((found[0].seen_at - NOW).total_seconds())
    assert [0, 0, 60] == seen
    log_in(store, days=8)
    assert 1 == count(store, "logins")
    users.log_out(store, secret)
    assert 1 == count(store, "logins")


def test_a_token_is_that_of_its_user_with_its_scopes(store: Engine) -> None:
    user = add_user(store)
    token = users.add_token(store, "ann", [Scope.READ, Scope.READ], by="root", now=NOW, expires_at=NOW + DAY)
    assert (frozenset({Scope.READ}), user) == users.token_of(store, token, now=NOW)
    assert users.token_of(store, token, now=NOW + DAY) is None
    users.add_token(store, "ann", [Scope.READ], by="root", now=NOW + DAY, expires_at=NOW + 2 * DAY)
    assert 1 == count(store, "api_tokens")
    with pytest.raises(BadInput, match="no user 'bob'"):
        users.add_token(store, "bob", [Scope.READ], by="root", now=NOW, expires_at=NOW + DAY)


def test_the_ledger_says_it_in_words(store: Engine) -> None:
    add_user(store, "ann", person="ann.archer")
    log_in(store)
    users.refuse_login(store, {"user": "eve", "from": "192.0.2.7", "why": "it is wrong", "unsaid": 3}, now=NOW)
    users.disable(store, "ann", by="root", now=NOW)
    kinds = (LedgerKind.USER_CHANGED, LedgerKind.LOGGED_IN, LedgerKind.LOGIN_REFUSED)
    assert [
        "user ann (on call as ann.archer) added, responder by root",
        "user ann disabled by root",
        "ann logged in from ::1",
        "a login as eve from 192.0.2.7 was refused, because it is wrong; 3 more like it since the last one",
    ] == [sentence(kind, fields) for kind in kinds for fields in noted(store, kind)]


@pytest.mark.parametrize(
    ("stored", "given", "expected"),
    [
        pytest.param(HASHED, PASSWORD, True, id="the password"),
        pytest.param(HASHED, PASSWORD + " ", False, id="another one"),
        pytest.param(HASHED, "", False, id="none"),
        pytest.param("", "nobody has this password", False, id="no user"),
        pytest.param("nonsense", PASSWORD, False, id="a hash that is none"),
    ],
)
def test_a_password_matches(stored: str, given: str, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    assert expected == matches(stored, given)


def test_the_same_password_has_another_hash_each_time() -> None:
    assert hashed(PASSWORD).startswith("$argon2id$")
    assert hashed(PASSWORD) != hashed(PASSWORD)
