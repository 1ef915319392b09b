"""On a service's page an admin says how far a playbook may go there; nobody else does, and the ledger says who."""

from __future__ import annotations

import html
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from adapters.store.database import Engine
from console.http.desk import Desk
from domain.people import Role
from domain.settings import MitigationSettings, Settings
from tests.parts.console_part import PASSWORD, a_browser, a_desk, add_user, csrf_of
from tests.parts.http_part import noted
from tests.parts.judged_part import rows

POOL = "connection-pool-exhausted"
FORM = {"playbook": POOL, "service": "web", "level": "act", "why": "tried by hand for years"}


@pytest.fixture
def client(engine: Engine, tmp_path: Path) -> TestClient:
    """The pages of an agent that may act on `web`."""
    inventory = tmp_path / "inventory.yaml"
    inventory.write_text("services:\n  web: {executor: supervisord, target: web}\n")
    tree = Settings(mitigation=MitigationSettings(inventory=str(inventory)))
    return a_browser(a_desk(engine, tmp_path, desk=Desk(tree, {}, tmp_path)))


def log_in(engine: Engine, client: TestClient, role: Role) -> str:
    add_user(engine, role=role)
    client.post("/login", data={"name": "ann", "password": PASSWORD})
    return csrf_of(client, "/incidents")


def test_an_admin_sets_it_with_a_reason_and_the_page_tells(engine: Engine, client: TestClient) -> None:
    csrf = log_in(engine, client, Role.ADMIN)
    assert 'action="/autonomy"' in client.get("/services/web").text
    done = client.post("/autonomy", data=FORM | {"csrf": csrf}, follow_redirects=False)
    assert (303, "/services/web#trust") == (done.status_code, done.headers["location"])
    (entry,) = noted(engine, "autonomy.changed")
    assert (POOL, "web", "ask", "act", "ann: tried by hand for years") == tuple(entry.values())
    text = html.unescape(client.get("/services/web").text)
    assert "ann said so on 2026-01-05: tried by hand for years" in text
    assert "raised from ask to act" in client.get("/models").text


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESPONDER, Role.APPROVER])
def test_nobody_below_admin_sets_it(engine: Engine, client: TestClient, role: Role) -> None:
    csrf = log_in(engine, client, role)
    assert 'action="/autonomy"' not in client.get("/services/web").text
    assert 403 == client.post("/autonomy", data=FORM | {"csrf": csrf}).status_code
    assert [] == rows(engine, "SELECT * FROM autonomy_words")
    assert [("ann", "set autonomy")] == [(one["by"], one["verb"]) for one in noted(engine, "response.refused")]


@pytest.mark.parametrize(
    ("csrf", "headers"),
    [
        pytest.param("", {}, id="no word of the form"),
        pytest.param("wrong", {}, id="another word"),
        pytest.param(None, {"Origin": "https://evil.example"}, id="a form of elsewhere"),
    ],
)
def test_a_form_of_elsewhere_sets_nothing(
    engine: Engine, client: TestClient, csrf: str | None, headers: dict[str, str]
) -> None:
    ours = log_in(engine, client, Role.ADMIN)
    form = FORM | {"csrf": ours if csrf is None else csrf}
    assert 403 == client.post("/autonomy", data=form, headers=headers).status_code
    assert [] == rows(engine, "SELECT * FROM autonomy_words")
    assert ["it is not signed by this agent"] == [one["why"] for one in noted(engine, "response.refused")]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"why": " "}, "say why", id="no reason"),
        pytest.param({"why": "x" * 1_001}, "1,001 characters, at most 1,000", id="a novel"),
        pytest.param({"level": "rule the world"}, "is none of observe, suggest, ask, act", id="no level"),
        pytest.param({"playbook": "connection-pool"}, f"the nearest is {POOL}", id="no playbook"),
        pytest.param({"service": "webb"}, "the nearest is web", id="no service"),
    ],
)
def test_what_cannot_be_set_is_said_and_not_kept(
    engine: Engine, client: TestClient, changes: dict[str, str], says: str
) -> None:
    csrf = csrf_of(client, "/services/web")
    done = client.post("/autonomy", data=FORM | changes | {"csrf": csrf})
    assert (400, True) == (done.status_code, says in html.unescape(done.text))
    assert [] == rows(engine, "SELECT * FROM autonomy_words")
