"""The pages with logins at an issuer of the test's own, and a browser that goes there and back."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from adapters.store.database import Engine
from console.http.web.openid_login import BACK
from domain.http_settings import HttpSettings
from tests.parts.console_part import a_browser, a_desk
from tests.parts.http_part import LOCAL, Clock, noted
from tests.parts.issuer_part import AT, Issuer
from tests.parts.judged_part import count
from tests.parts.receivers_part import receiving


def pages(
    engine: Engine,
    home: Path,
    issuer: Issuer,
    *,
    clock: Clock | None = None,
    address: tuple[str, int] = LOCAL,
    **changes: Any,
) -> TestClient:
    openid = issuer.settings(**changes.pop("openid", {}))
    settings = HttpSettings(openid=openid, per_minute=100_000, **changes)
    return a_browser(a_desk(engine, home, settings=settings, clock=clock or Clock(AT)), address)


def begin(client: TestClient, following: str = "/incidents") -> Any:
    return client.get("/login/openid", params={"next": following}, follow_redirects=False)


def end(client: TestClient, **said: str) -> Any:
    return client.get(f"{BACK}?{urlencode(said)}", follow_redirects=False)


def log_in(client: TestClient, issuer: Issuer, following: str = "/incidents") -> Any:
    """Press the button, log in at the issuer, and come back."""
    asked, code = issuer.authorize(begin(client, following).headers["location"])
    return end(client, code=code, state=asked.fields["state"])


def refused(engine: Engine, answer: Any, said: str, status: int = 403) -> None:
    """It is the login page, it says why, nobody is in, and the ledger has it."""
    assert status == answer.status_code
    assert f"Not logged in: {said}" in html.unescape(answer.text)
    assert 0 == count(engine, "logins")
    entry = noted(engine, "access.refused")[-1]
    assert entry["why"].startswith(said)
    assert "OpenID Connect" == entry["by"]


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with receiving(Issuer()) as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock(AT)


@pytest.fixture
def client(engine: Engine, tmp_path: Path, issuer: Issuer, clock: Clock) -> TestClient:
    return pages(engine, tmp_path, issuer, clock=clock)
