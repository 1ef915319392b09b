"""Logins at a provider as a browser goes through them, and what a stranger may try on the way."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from adapters.store.database import Engine
from console.http.web.openid_login import BEGUN_COOKIE
from tests.parts.console_part import PASSWORD, add_user
from tests.parts.http_part import Clock, noted
from tests.parts.issuer_part import OTHER_KEY, Issuer, signed, unsigned
from tests.parts.judged_part import count
from tests.parts.openid_pages_part import begin, client, clock, end, issuer, log_in, pages, refused
from tests.parts.receivers_part import Reply, as_json

AWAY = ("192.0.2.7", 50_000)

__all__ = ["client", "clock", "issuer"]  # fixtures


def test_the_button_leads_to_the_provider_and_back_to_the_page_that_was_asked_for(
    engine: Engine, client: TestClient, issuer: Issuer
) -> None:
    shown = client.get("/login?next=/services").text
    assert "Log in with OpenID Connect" in shown
    assert 'href="/login/openid?next=/services"' in shown
    done = log_in(client, issuer, "/services")
    assert (303, "/services") == (done.status_code, done.headers["location"])
    assert "ann@example.com, approver" in client.get("/incidents").text
    assert f'{BEGUN_COOKIE}=""' in str(done.headers.get_list("set-cookie"))
    assert [{"user": "ann@example.com", "from": "127.0.0.1", "by": issuer.url}] == noted(engine, "access.login")


def test_the_cookie_of_a_login_that_was_begun_is_its_own(client: TestClient) -> None:
    cookie = begin(client).headers["set-cookie"]
    parts = ("HttpOnly", "SameSite=lax", "Path=/login/openid", "Max-Age=600", f"{BEGUN_COOKIE}=")
    assert all(part in cookie for part in parts)
    assert "Secure" not in cookie


def test_behind_https_everything_goes_by_https_and_back_to_the_public_address(
    engine: Engine, tmp_path: Path, issuer: Issuer
) -> None:
    client = pages(engine, tmp_path, issuer, public_url="https://sre.example/", token=SecretStr("x"))
    sent = begin(client)
    assert "Secure" in sent.headers["set-cookie"]
    query = parse_qs(urlsplit(sent.headers["location"]).query)
    assert ["https://sre.example/login/openid/callback"] == query["redirect_uri"]


@pytest.mark.parametrize("host", ["evil.example", "192.0.2.1:8088", "127.0.0.1.evil.example", "["])
def test_a_name_that_a_stranger_chose_is_nowhere_to_come_back_to(engine: Engine, client: TestClient, host: str) -> None:
    sent = client.get("/login/openid", headers={"Host": host}, follow_redirects=False)
    assert 403 == sent.status_code
    assert "an admin sets http.public_url" in sent.text
    assert 0 == count(engine, "openid_logins")


@pytest.mark.parametrize(
    "following", ["//evil.example", "https://evil.example/x", "/\\evil.example", "evil", "javascript:x", "/\tevil"]
)
def test_a_login_leads_nowhere_else(client: TestClient, issuer: Issuer, following: str) -> None:
    assert "/incidents" == log_in(client, issuer, following).headers["location"]


def test_a_login_of_another_browser_is_not_ended_here(
    engine: Engine, tmp_path: Path, client: TestClient, issuer: Issuer
) -> None:
    """Somebody sends a link that would log others in as themselves, so that they work under a foreign name."""
    attacker = pages(engine, tmp_path, issuer, address=AWAY)
    asked, code = issuer.authorize(begin(attacker).headers["location"])
    refused(engine, end(client, code=code, state=asked.fields["state"]), "this login was not begun in this browser")
    begin(client)
    refused(engine, end(client, code=code, state=asked.fields["state"]), "this login was not begun in this browser")
    assert [] == issuer.asked("/token")
    assert 303 == end(attacker, code=code, state=asked.fields["state"]).status_code


def test_a_code_of_another_login_is_refused(engine: Engine, tmp_path: Path, client: TestClient, issuer: Issuer) -> None:
    """A code that was stolen is of no use where its login was not begun: the verifier is another one."""
    _, stolen = issuer.authorize(begin(pages(engine, tmp_path, issuer)).headers["location"])
    mine, _ = issuer.authorize(begin(client).headers["location"])
    answer = end(client, code=stolen, state=mine.fields["state"])
    assert 403 == answer.status_code
    assert "used before or is too old" in answer.text
    assert 0 == count(engine, "logins")


def test_an_answer_counts_once(engine: Engine, client: TestClient, issuer: Issuer) -> None:
    asked, code = issuer.authorize(begin(client).headers["location"])
    kept = client.cookies[BEGUN_COOKIE]
    assert 303 == end(client, code=code, state=asked.fields["state"]).status_code
    client.cookies.set(BEGUN_COOKIE, kept)
    again = end(client, code=code, state=asked.fields["state"])
    assert 403 == again.status_code
    assert "this login was not begun in this browser" in again.text
    assert 1 == len(issuer.asked("/token"))


def test_an_answer_comes_within_ten_minutes(engine: Engine, client: TestClient, issuer: Issuer, clock: Clock) -> None:
    asked, code = issuer.authorize(begin(client).headers["location"])
    clock.now += timedelta(minutes=10)
    refused(engine, end(client, code=code, state=asked.fields["state"]), "this login was not begun in this browser")


@pytest.mark.parametrize("said", [{}, {"state": "x"}, {"code": "x"}, {"code": "x", "state": "x"}, {"error": "x"}])
def test_whoever_makes_up_an_answer_learns_nothing(
    engine: Engine, client: TestClient, issuer: Issuer, said: dict[str, str]
) -> None:
    client.cookies.set(BEGUN_COOKIE, "planted")
    refused(engine, end(client, **said), "this login was not begun in this browser")
    assert [] == issuer.seen


@pytest.mark.parametrize(
    ("token", "said"),
    [
        pytest.param(lambda claims: unsigned(claims, {"alg": "none"}), "the ID token is not for", id="not signed"),
        pytest.param(lambda claims: signed(claims, OTHER_KEY), "the ID token is not for", id="by another key"),
        pytest.param(lambda claims: signed(claims, OTHER_KEY, "k9"), "the ID token is signed by a key", id="by none"),
    ],
)
def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(
    engine: Engine, client: TestClient, issuer: Issuer, token: Any, said: str
) -> None:
    issuer.token = token
    refused(engine, log_in(client, issuer), said)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param("access_denied", "you or the provider did not allow it (access_denied)", id="not allowed"),
        pytest.param("login_required", "the provider wants you to log in there first", id="not logged in there"),
        pytest.param("<script>", "the provider did not take the login (<script>)", id="made up"),
        pytest.param("", "the provider did not take the login (no code)", id="neither a code nor an error"),
    ],
)
def test_what_ends_at_the_provider_is_a_sentence(
    engine: Engine, client: TestClient, issuer: Issuer, error: str, said: str
) -> None:
    asked, _ = issuer.authorize(begin(client, "/services").headers["location"])
    answer = end(client, error=error, error_description="<b>x</b>", state=asked.fields["state"])
    refused(engine, answer, said)
    assert "<script>" not in answer.text
    assert "next=/services" in answer.text


def test_while_the_provider_is_away_passwords_work(engine: Engine, client: TestClient, issuer: Issuer) -> None:
    add_user(engine)
    issuer.always = Reply(502)
    refused(engine, begin(client), "OpenID provider", 503)
    done = client.post("/login", data={"name": "ann", "password": PASSWORD}, follow_redirects=False)
    assert 303 == done.status_code


def test_a_provider_that_goes_away_in_between_is_a_sentence(engine: Engine, client: TestClient, issuer: Issuer) -> None:
    asked, code = issuer.authorize(begin(client).headers["location"])
    issuer.once = [as_json(503, {})]
    refused(engine, end(client, code=code, state=asked.fields["state"]), "OpenID provider", 503)
