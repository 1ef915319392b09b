"""Whom a login at a provider lets in, as what, and who stays out."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from adapters.store import users
from adapters.store.database import Engine
from console.http.desk import Desk
from console.http.web.openid_login import BACK
from domain.http_settings import HttpSettings
from domain.people import Role
from domain.settings import Settings
from tests.parts.console_part import PASSWORD, a_browser, a_desk, add_user
from tests.parts.http_part import LOCAL, Clock, noted
from tests.parts.issuer_part import AT, SUBJECT, Issuer
from tests.parts.openid_pages_part import client, clock, issuer, log_in, pages, refused

AWAY = ("192.0.2.7", 50_000)

__all__ = ["client", "clock", "issuer"]  # fixtures


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        pytest.param({"iss": "https://evil.example"}, "the ID token is not for this login", id="of another issuer"),
        pytest.param({"aud": "others"}, "the ID token is not for this login", id="for others"),
        pytest.param({"nonce": "another"}, "the ID token is not for this login", id="of another login"),
        pytest.param({"exp": int(AT.timestamp()) - 61}, "the ID token is not for this login", id="expired"),
        pytest.param({"email_verified": False}, "the provider does not say that the address", id="not verified"),
        pytest.param({"groups": []}, "ann@example.com is in no group that has a role here", id="in no group"),
        pytest.param({"email": "<b>ann</b>"}, "'<b>ann</b>' (claim email) is no name here", id="markup as a name"),
        pytest.param({"sub": ""}, "the ID token is not for this login", id="nobody"),
    ],
)
def test_what_is_said_of_somebody_must_fit(
    engine: Engine, client: TestClient, issuer: Issuer, claims: dict[str, Any], said: str
) -> None:
    issuer.claims |= claims
    answer = log_in(client, issuer)
    refused(engine, answer, said)
    assert "<b>" not in answer.text
    assert [] == users.all_users(engine)


def test_each_login_renews_the_role_and_keeps_the_name(engine: Engine, tmp_path: Path, issuer: Issuer) -> None:
    client = pages(engine, tmp_path, issuer, openid={"roles": {"sre": "approver", "staff": "viewer"}})
    log_in(client, issuer)
    issuer.claims |= {"groups": ["staff"], "email": "ann.archer@example.com"}
    assert 303 == log_in(client, issuer).status_code
    assert "ann@example.com, viewer" in client.get("/incidents").text
    (user,) = users.all_users(engine)
    assert ("ann@example.com", SUBJECT, Role.VIEWER) == (user.name, user.subject, user.role)


def test_whoever_is_in_no_group_any_more_or_disabled_stays_out(
    engine: Engine, client: TestClient, issuer: Issuer
) -> None:
    users_of_today = dict(issuer.claims)
    log_in(client, issuer)
    issuer.claims |= {"groups": []}
    assert 403 == log_in(client, issuer).status_code
    issuer.claims = users_of_today
    users.disable(engine, "ann@example.com", by="root", now=AT)
    refused(engine, log_in(client, issuer), "ann@example.com is not let in any more")


def test_a_user_with_a_password_is_not_taken_over(engine: Engine, client: TestClient, issuer: Issuer) -> None:
    add_user(engine, "ann@example.com", Role.ADMIN)
    refused(engine, log_in(client, issuer), "the name ann@example.com is somebody's already")
    assert "sre users link ann@example.com subject-1" in noted(engine, "access.refused")[0]["why"]


@pytest.mark.parametrize("password", ["", "nobody has this password", PASSWORD])
def test_a_user_without_a_password_logs_in_by_none(
    engine: Engine, client: TestClient, issuer: Issuer, password: str
) -> None:
    log_in(client, issuer)
    add_user(engine, "bo")
    client.cookies.clear()
    form = {"name": "ann@example.com", "password": password}
    assert 403 == client.post("/login", data=form, follow_redirects=False).status_code


@pytest.mark.parametrize("address", [LOCAL, AWAY])
@pytest.mark.parametrize("path", ["/incidents", "/settings", "/events"])
def test_with_a_provider_nobody_sees_a_page_without_a_login(
    engine: Engine, tmp_path: Path, issuer: Issuer, address: tuple[str, int], path: str
) -> None:
    shown = pages(engine, tmp_path, issuer, address=address).get(path, follow_redirects=False)
    assert (303, "/login") == (shown.status_code, urlsplit(shown.headers["location"]).path)


def test_the_login_page_asks_for_what_there_is(engine: Engine, client: TestClient, tmp_path: Path) -> None:
    shown = client.get("/login").text
    assert "Log in with OpenID Connect" in shown
    assert "Password" not in shown
    add_user(engine)
    assert "Password" in client.get("/login").text
    without = a_browser(a_desk(engine, tmp_path))
    assert "OpenID" not in without.get("/login").text
    assert 404 == without.get("/login/openid", follow_redirects=False).status_code
    assert 404 == without.get(BACK, follow_redirects=False).status_code


def test_the_secret_of_the_client_is_shown_to_nobody(engine: Engine, tmp_path: Path, issuer: Issuer) -> None:
    secret = "a secret that nobody sees"
    tree = Settings(http=HttpSettings(openid=issuer.settings(client_secret=secret, roles={"sre": "admin"})))
    desk = a_desk(engine, tmp_path, settings=tree.http, clock=Clock(AT), desk=Desk(tree))
    issuer.secret = secret
    client = a_browser(desk)
    log_in(client, issuer)
    shown = html.unescape(client.get("/settings").text)
    assert "http.openid.client_secret" in shown
    assert issuer.url in shown
    assert secret not in shown
