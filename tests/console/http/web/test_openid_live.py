"""Logins through the form of a real provider."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from selenium.webdriver import Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from starlette.testclient import TestClient

from adapters.store import users
from adapters.store.database import Engine
from console.http.service import Service
from console.http.starting import wall_clock
from deployments.ports import unused
from domain.http_settings import HttpSettings
from domain.people import Role
from tests.parts.browser_part import a_chromium, needs_browser, serving
from tests.parts.console_part import a_browser, a_desk
from tests.parts.http_part import noted
from tests.parts.openid_part import PASSWORD, PUBLIC, SECRET, WITH_SECRET, OpenIdProvider, openid_provider, somebody

pytestmark = pytest.mark.slow
CALLBACK = "http://127.0.0.1/login/openid/callback"
PEOPLE = (
    somebody("ann", groups=["staff", "sre"]),
    somebody("bo", groups=["staff"]),
    somebody("cy", groups=["sre"], verified=False),
    somebody("di"),
)


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    with openid_provider(CALLBACK, *PEOPLE) as running:
        yield running


def desk(engine: Engine, home: Path, provider: OpenIdProvider, **changes: Any) -> Service:
    fields = {
        "issuer": provider.issuer,
        "client_id": WITH_SECRET,
        "client_secret": SECRET,
        "roles": {"sre": "approver", "staff": "viewer"},
        **changes,
    }
    settings = HttpSettings.model_validate({"openid": fields, "per_minute": 100_000})
    return a_desk(engine, home, settings=settings, clock=wall_clock)


def browser(engine: Engine, home: Path, provider: OpenIdProvider, **changes: Any) -> TestClient:
    return a_browser(desk(engine, home, provider, **changes))


def log_in(client: TestClient, provider: OpenIdProvider, name: str, following: str = "/incidents") -> Any:
    """Press the button, log in at the provider, and come back."""
    sent = client.get("/login/openid", params={"next": following}, follow_redirects=False)
    back = provider.log_in(sent.headers["location"], name)
    address = back.headers["location"]
    assert address.startswith(CALLBACK)
    return client.get(f"{urlsplit(address).path}?{urlsplit(address).query}", follow_redirects=False)


@pytest.mark.parametrize(
    "client_of",
    [
        pytest.param({}, id="a client with a secret"),
        pytest.param({"client_id": PUBLIC, "client_secret": ""}, id="a public client"),
    ],
)
def test_somebody_logs_in_through_the_form_of_the_provider(
    engine: Engine, tmp_path: Path, provider: OpenIdProvider, client_of: dict[str, str]
) -> None:
    client = browser(engine, tmp_path, provider, **client_of)
    assert "/login" == urlsplit(client.get("/incidents", follow_redirects=False).headers["location"]).path
    done = log_in(client, provider, "ann", "/services")
    assert (303, "/services") == (done.status_code, done.headers["location"])
    assert "ann@example.com, approver" in client.get("/incidents").text
    (user,) = users.all_users(engine)
    assert (provider.issuer, "subject-ann", Role.APPROVER, "") == (user.issuer, user.subject, user.role, user.password)
    assert [{"user": "ann@example.com", "from": "127.0.0.1", "by": provider.issuer}] == noted(engine, "access.login")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param(
            "cy",
            "not say that the address cy@example.com was verified",
            id="an address that was not verified",
        ),
        pytest.param("di", "di@example.com is in no group that has a role here", id="in no group"),
    ],
)
def test_whoever_the_provider_knows_may_still_be_kept_out(
    engine: Engine, tmp_path: Path, provider: OpenIdProvider, name: str, said: str
) -> None:
    client = browser(engine, tmp_path, provider)
    done = log_in(client, provider, name)
    assert 403 == done.status_code
    assert said in html.unescape(done.text)
    assert [] == users.all_users(engine)
    assert said in noted(engine, "access.refused")[0]["why"]


def test_each_browser_is_its_own_person(engine: Engine, tmp_path: Path, provider: OpenIdProvider) -> None:
    first, second = (browser(engine, tmp_path, provider) for _ in range(2))
    log_in(first, provider, "ann")
    log_in(second, provider, "bo")
    assert "ann@example.com, approver" in first.get("/incidents").text
    assert "bo@example.com, viewer" in second.get("/incidents").text


def test_a_wrong_password_stays_at_the_provider(engine: Engine, tmp_path: Path, provider: OpenIdProvider) -> None:
    sent = browser(engine, tmp_path, provider).get("/login/openid", follow_redirects=False)
    answer = provider.log_in(sent.headers["location"], "ann", "not the password")
    assert "username or password wrong" in answer.text
    assert [] == users.all_users(engine)


def test_the_provider_takes_a_code_once_and_a_secret_that_is_ours(
    engine: Engine, tmp_path: Path, provider: OpenIdProvider
) -> None:
    client = browser(engine, tmp_path, provider, client_secret="another one")
    done = log_in(client, provider, "ann")
    assert 403 == done.status_code
    assert "it does not know these pages (http.openid.client_id and client_secret)" in html.unescape(done.text)


@needs_browser
def test_a_real_browser_goes_there_and_back_from_another_site(engine: Engine, tmp_path: Path) -> None:
    """The policy of our page lets it go, and the cookie of the login that was begun comes back from another site."""
    port = unused()
    with openid_provider(f"http://localhost:{port}/login/openid/callback", *PEOPLE) as provider:
        made = desk(engine, tmp_path, provider, label="Example Inc.")
        with serving(made, port), a_chromium(tmp_path) as chromium:
            chromium.get(f"http://localhost:{port}/services")
            chromium.find_element(By.LINK_TEXT, "Log in with Example Inc.").click()
            assert chromium.current_url.startswith(provider.issuer)
            chromium.find_element(By.NAME, "username").send_keys("ann")
            chromium.find_element(By.NAME, "password").send_keys(PASSWORD + Keys.ENTER)
            WebDriverWait(chromium, 30).until(lambda at: at.current_url == f"http://localhost:{port}/services")
            assert "ann@example.com, approver" in chromium.page_source
