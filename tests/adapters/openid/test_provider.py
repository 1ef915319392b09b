"""A provider as its document describes it: what is asked of it, how often, and what of it is not believed."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from adapters.openid import calls, provider
from adapters.openid.provider import Provider
from domain.errors import Refused, Unavailable, Unreadable
from domain.openid import Begun, Claims
from domain.openid_settings import OpenIdSettings
from tests.parts.issuer_part import AT, CLIENT, KEY, OTHER_KEY, SUBJECT, Issuer, public, signed
from tests.parts.receivers_part import Reply, as_json, hanging, receiving

BEGUN = Begun("s" * 43, "n" * 43, "v" * 64, "http://127.0.0.1/login/openid/callback", "/incidents")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with receiving(Issuer()) as running:
        yield running


def log_in(issuer: Issuer, asked: Provider, at: datetime = AT, said: str = "") -> Claims:
    """Begin a login, and end it with the code that the issuer gives."""
    _, code = issuer.authorize(asked.address(BEGUN, now=at))
    return asked.claims(BEGUN, code, said, now=at)


def test_a_browser_is_sent_with_all_that_the_answer_must_fit(issuer: Issuer) -> None:
    address = urlsplit(Provider(issuer.settings(scopes="openid  email")).address(BEGUN, now=AT))
    assert {
        "response_type": ["code"],
        "client_id": [CLIENT],
        "redirect_uri": [BEGUN.redirect],
        "scope": ["openid email"],
        "state": [BEGUN.state],
        "nonce": [BEGUN.nonce],
        "code_challenge": [urlsafe_b64encode(sha256(BEGUN.verifier.encode()).digest()).rstrip(b"=").decode()],
        "code_challenge_method": ["S256"],
    } == parse_qs(address.query)
    assert BEGUN.verifier not in address.query


def test_a_code_becomes_what_is_said_of_somebody(issuer: Issuer) -> None:
    claims = log_in(issuer, Provider(issuer.settings()))
    assert (SUBJECT, "ann@example.com", ["sre"]) == (claims["sub"], claims["email"], claims["groups"])


@pytest.mark.parametrize(
    ("document", "changes", "expected"),
    [
        pytest.param({}, {}, "header", id="nothing is said of it"),
        pytest.param({"token_endpoint_auth_methods_supported": ["client_secret_post"]}, {}, "body", id="in the body"),
        pytest.param(
            {"token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"]},
            {},
            "header",
            id="as we like",
        ),
        pytest.param({}, {"client_secret": ""}, "none", id="a public client"),
    ],
)
def test_we_say_who_we_are_as_the_provider_has_it(
    issuer: Issuer, document: dict[str, Any], changes: dict[str, str], expected: str
) -> None:
    issuer.document = document
    asked = Provider(issuer.settings(**changes))
    _, code = issuer.authorize(asked.address(BEGUN, now=AT))
    if expected == "none":
        with pytest.raises(Refused, match="it does not know these pages"):
            asked.claims(BEGUN, code, "", now=AT)
    else:
        asked.claims(BEGUN, code, "", now=AT)
    (seen,) = issuer.asked("/token")
    found = "header" if "authorization" in seen.headers else "body" if "client_secret" in seen.fields else "none"
    assert expected == found


def test_what_the_token_leaves_out_is_asked_for_beside_it(issuer: Issuer) -> None:
    issuer.claims, issuer.more = {}, {"email": "ann@example.com", "email_verified": True, "groups": ["sre"]}
    assert ["sre"] == log_in(issuer, Provider(issuer.settings()))["groups"]
    issuer.claims = dict(issuer.more)
    asked = len(issuer.asked("/more"))
    log_in(issuer, Provider(issuer.settings()))
    assert asked == len(issuer.asked("/more"))


def test_what_is_told_beside_the_token_changes_nothing_in_it_and_is_of_the_same_person(issuer: Issuer) -> None:
    issuer.claims, issuer.more = {"email": "ann@example.com"}, {"email": "root@example.com", "email_verified": True}
    assert "ann@example.com" == log_in(issuer, Provider(issuer.settings()))["email"]
    issuer.more["sub"] = "another"
    with pytest.raises(Refused, match="of somebody else"):
        log_in(issuer, Provider(issuer.settings()))


def test_a_document_and_keys_are_kept_for_an_hour(issuer: Issuer) -> None:
    asked = Provider(issuer.settings())
    for minutes in (0, 30, 59, 60):
        issuer.claims["iat"] = issuer.claims["exp"] = int((AT + minutes * MINUTE).timestamp())
        log_in(issuer, asked, AT + minutes * MINUTE)
    assert (2, 2) == (len(issuer.asked("/.well-known/openid-configuration")), len(issuer.asked("/keys")))


def test_a_new_key_is_found_and_made_up_ones_ask_once_a_minute(issuer: Issuer) -> None:
    asked = Provider(issuer.settings())
    log_in(issuer, asked)
    issuer.token = lambda claims: signed(claims, OTHER_KEY, "k2")
    counts = []
    for seconds in (1, 59, 61, 62, 90, 121):
        with pytest.raises(Refused, match="a key that the provider does not show"):
            log_in(issuer, asked, AT + timedelta(seconds=seconds))
        counts.append(len(issuer.asked("/keys")))
    assert [1, 1, 2, 2, 2, 3] == counts
    issuer.keys = [public(KEY), public(OTHER_KEY, "k2")]
    log_in(issuer, asked, AT + timedelta(seconds=181))


def test_a_code_is_good_once_and_with_what_began_it(issuer: Issuer) -> None:
    asked = Provider(issuer.settings())
    _, code = issuer.authorize(asked.address(BEGUN, now=AT))
    other = Begun(BEGUN.state, BEGUN.nonce, "w" * 64, BEGUN.redirect, BEGUN.following)
    with pytest.raises(Refused, match=r"used before or is too old, begin again \(invalid_grant\)") as refused:
        asked.claims(other, code, "", now=AT)
    assert "script" not in str(refused.value)
    _, code = issuer.authorize(asked.address(BEGUN, now=AT))
    asked.claims(BEGUN, code, "", now=AT)
    with pytest.raises(Refused, match="invalid_grant"):
        asked.claims(BEGUN, code, "", now=AT)


@pytest.mark.parametrize(
    ("says_it", "said", "is_taken"),
    [
        pytest.param(None, "", True, id="a provider that does not say it"),
        pytest.param(True, "{url}", True, id="the one that was asked"),
        pytest.param(None, "https://evil.example", False, id="another one"),
        pytest.param(True, "", False, id="nobody, where it would say so"),
    ],
)
def test_an_answer_is_of_the_provider_that_was_asked(
    issuer: Issuer,
    says_it: bool | None,  # noqa: FBT001 - a row of the table
    said: str,
    is_taken: bool,  # noqa: FBT001 - as above
) -> None:
    """Mix-up of providers (RFC 9207)."""
    issuer.document = {"authorization_response_iss_parameter_supported": says_it}
    asked, said = Provider(issuer.settings()), said.format(url=issuer.url)
    if is_taken:
        assert SUBJECT == log_in(issuer, asked, said=said)["sub"]
        return
    with pytest.raises(Refused, match="not of the provider that was asked"):
        log_in(issuer, asked, said=said)
    assert [] == issuer.asked("/token")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        pytest.param({"issuer": "https://evil.example"}, "it calls itself https://evil.example; set", id="another"),
        pytest.param({"issuer": None}, "it calls itself None", id="nobody"),
        pytest.param({"token_endpoint": None}, "its token_endpoint is not there", id="no place for tokens"),
        pytest.param(
            {"jwks_uri": "http://keys.example/k"}, "its jwks_uri must begin with https://", id="keys not by HTTPS"
        ),
        pytest.param({"authorization_endpoint": "javascript:alert(1)"}, "must begin with http", id="a script"),
        pytest.param({"token_endpoint": ["x"]}, "its token_endpoint is not there", id="a list"),
        pytest.param({"userinfo_endpoint": "file:///etc/passwd"}, "its userinfo_endpoint must", id="a file"),
    ],
)
def test_a_document_that_is_not_to_be_believed(issuer: Issuer, document: dict[str, Any], said: str) -> None:
    issuer.document = document
    with pytest.raises(Unreadable, match=said):
        Provider(issuer.settings()).address(BEGUN, now=AT)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        pytest.param(Reply(500), "HTTP status 500", id="it failed"),
        pytest.param(Reply(302, b"", {"Location": "http://127.0.0.1:1/"}), "HTTP status 302", id="it points elsewhere"),
        pytest.param(Reply(200, b"<html>"), "is no JSON object", id="a page"),
        pytest.param(Reply(200, b"[]"), "is no JSON object", id="a list"),
        pytest.param(Reply(200, b"[" * 100_000), "is no JSON object", id="a deep list"),
        pytest.param(Reply(200, b" " * (calls.LONGEST_ANSWER + 1)), "is longer than 262,144 bytes", id="too much"),
        pytest.param(Reply(200, b"x", {"Content-Encoding": "gzip"}), "it is compressed", id="a bomb"),
    ],
)
def test_an_answer_that_is_none_says_so(issuer: Issuer, reply: Reply, said: str) -> None:
    issuer.always = reply
    with pytest.raises((Unavailable, Unreadable), match=said) as failed:
        Provider(issuer.settings()).address(BEGUN, now=AT)
    assert str(failed.value).startswith(f"OpenID provider {issuer.url.removeprefix('http://')}: ")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        pytest.param(Reply(503), "HTTP status 503", id="it failed"),
        pytest.param(Reply(200, b"[]"), "what came back is no answer", id="a list"),
        pytest.param(Reply(404, b"nothing"), "HTTP status 404", id="it is not there"),
        pytest.param(as_json(200, {"access_token": "x"}), "sent no ID token", id="no ID token"),
        pytest.param(as_json(200, {"id_token": 7}), "sent no ID token", id="a number as ID token"),
        pytest.param(as_json(200, {"id_token": "a.b.c"}), "is not for this login", id="no token"),
        pytest.param(as_json(200, {"id_token": "x", "expires_in": ["x"]}), "is no answer", id="a strange time"),
        pytest.param(as_json(400, {"error": ["x"]}), "did not take the login", id="a strange error"),
    ],
)
def test_a_code_that_becomes_no_token_says_so(issuer: Issuer, reply: Reply, said: str) -> None:
    asked = Provider(issuer.settings())
    log_in(issuer, asked)
    _, code = issuer.authorize(asked.address(BEGUN, now=AT))
    issuer.once = [reply]
    with pytest.raises((Refused, Unavailable), match=said):
        asked.claims(BEGUN, code, "", now=AT)


def test_a_provider_that_shows_no_keys_logs_nobody_in(issuer: Issuer) -> None:
    issuer.keys = []
    with pytest.raises(Unreadable, match="shows no key by which it signs"):
        log_in(issuer, Provider(issuer.settings()))


def test_a_provider_that_is_away_or_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"client_id": CLIENT, "default_role": "viewer"}
    away = Provider(OpenIdSettings.model_validate({"issuer": "http://127.0.0.1:1", **fields}))
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1: cannot be reached \(see http\.openid\.issuer\)"):
        away.address(BEGUN, now=AT)
    monkeypatch.setattr(calls, "SECONDS", 0.2)
    with hanging() as server:
        hangs = Provider(OpenIdSettings.model_validate({"issuer": server.url, **fields}))
        with pytest.raises(Unavailable, match="no answer within"):
            hangs.address(BEGUN, now=AT)


def test_few_wait_for_a_provider_at_once(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are told so, and the pages have threads left."""
    monkeypatch.setattr(provider, "TURN_SECONDS", 0.01)
    asked = Provider(issuer.settings())
    for _ in range(provider.AT_ONCE):
        asked._turns.acquire()
    with pytest.raises(Unavailable, match="many log in at this moment"):
        asked.address(BEGUN, now=AT)
    asked._turns.release()
    assert asked.address(BEGUN, now=AT)
