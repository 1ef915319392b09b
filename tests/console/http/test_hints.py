"""What an answer says to do fits what was asked; what the store says of itself is for our own log."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from adapters.store.database import Engine, connect
from domain.access import Scope
from domain.http_settings import HttpSettings
from domain.people import Role
from tests.parts.afar_part import a_token, wall_clock
from tests.parts.console_part import a_desk, add_user
from tests.parts.http_part import a_client

USERS_OWN, OURS = "sre users token", "http.token"
JSON = {"Accept": "application/json"}


@pytest.fixture
def client(engine: Engine, tmp_path: Path) -> TestClient:
    add_user(engine, "ann", Role.VIEWER)
    token = HttpSettings(token=SecretStr("secret-token"), per_minute=100_000)
    return a_client(a_desk(engine, tmp_path, settings=token, clock=wall_clock))


@pytest.mark.parametrize(
    ("method", "path", "says", "never"),
    [
        ("GET", "/incidents", USERS_OWN, OURS),
        ("GET", "/logs", USERS_OWN, OURS),
        ("GET", "/api/commands", USERS_OWN, OURS),
        ("POST", "/api/commands", USERS_OWN, OURS),
        ("GET", "/metrics", OURS, USERS_OWN),
        ("POST", "/logs", OURS, USERS_OWN),
        ("POST", "/alertmanager", OURS, USERS_OWN),
    ],
)
def test_who_is_not_known_is_told_of_the_token_that_is_good_there(
    client: TestClient, method: str, path: str, says: str, never: str
) -> None:
    found = client.request(method, path, headers=JSON)
    assert 401 == found.status_code
    assert says in found.json()["do"]
    assert never not in found.text


def test_who_may_not_is_not_sent_to_a_description(client: TestClient, engine: Engine) -> None:
    token = {"Authorization": f"Bearer {a_token(engine, 'ann', Scope.READ)}"}
    for found in (
        client.post("/api/commands", json={"words": ["ack", "1"]}, headers=token),
        client.get("/settings", headers=token | JSON),
    ):
        assert 403 == found.status_code
        assert "ask somebody who may, or send the token of somebody who may" == found.json()["do"]


@pytest.mark.parametrize(
    ("path", "guide"),
    [("/logs?since=soon", "docs/guides/console.md"), ("/logs?incident=abc", "docs/guides/console.md")],
)
def test_what_a_page_does_not_take_is_in_the_guide_of_the_pages(
    client: TestClient, engine: Engine, path: str, guide: str
) -> None:
    token = {"Authorization": f"Bearer {a_token(engine, 'ann', Scope.READ)}"}
    found = client.get(path, headers=token | JSON)
    assert 400 == found.status_code
    assert guide in found.json()["do"]


@pytest.mark.parametrize("path", ["/readyz", "/incidents", "/api/commands"])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_where_the_store_is_is_not_told_to_anybody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, path: str, accept: str
) -> None:
    away = connect(f"postgresql://ann@/sre?host={tmp_path}/socket&port=5432")
    with caplog.at_level(logging.WARNING):
        found = a_client(a_desk(away, tmp_path)).get(path, headers={"Accept": accept})
    away.dispose()
    assert 503 == found.status_code
    assert "the database does not answer" in found.text
    for inside in ("socket", "5432", str(tmp_path), "connection"):
        assert inside not in found.text
    assert any("socket" in str(getattr(one, "error", "")) for one in caplog.records)
