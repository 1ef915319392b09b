"""The page of models: who decides and why, what playbooks earned and lost, and buttons by which another decides."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from adapters.store import experience
from adapters.store.database import Engine, transaction
from adapters.store.incident_rows import insert_incidents
from console.http.desk import Desk
from domain.autonomy import Autonomy, Word
from domain.people import Role
from domain.settings import ServerSettings, Settings
from ml.registry import Registry
from tests.parts.console_part import PASSWORD, a_browser, a_desk, add_user, csrf_of
from tests.parts.http_part import noted
from tests.parts.incidents_part import an_incident
from tests.parts.judged_part import NOW
from tests.parts.models_part import a_registry, put_two, uri_of

POOL = "connection-pool-exhausted"


@pytest.fixture(scope="module")
def two_versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a registry in which version 1 decides and version 2 challenges it, to copy."""
    made = tmp_path_factory.mktemp("registry")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        patch.setenv("MLFLOW_TRACKING_URI", "")
        put_two(a_registry(made))
    return made


@pytest.fixture
def registry(two_versions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A copy of its own; the models' files stay where they are, as nobody writes them."""
    monkeypatch.setenv("SRE_HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    shutil.copy(two_versions / "mlflow.db", tmp_path / "mlflow.db")
    return a_registry(tmp_path)


def a_client(engine: Engine, home: Path, uri: str) -> TestClient:
    tree = Settings(servers=ServerSettings(mlflow_tracking_uri=uri))
    return a_browser(a_desk(engine, home, desk=Desk(tree, {}, home)))


@pytest.fixture
def client(engine: Engine, registry: Registry, tmp_path: Path) -> TestClient:
    assert registry.champion_version() == 1
    return a_client(engine, tmp_path, uri_of(tmp_path))


def text_of(client: TestClient, path: str, expected: int = 200) -> str:
    shown = client.get(path)
    assert expected == shown.status_code, shown.text[-2000:]
    return html.unescape(shown.text)


def rows_of(text: str, title: str) -> list[list[str]]:
    """The cells of the table below a heading."""
    table = text[text.index(f"<h2>{title}</h2>") :].split("</table>", maxsplit=1)[0]
    return [
        [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)]
        for row in re.findall(r"<tr.*?</tr>", table)
    ]


@pytest.mark.slow
def test_champion_and_challenger_stand_side_by_side_in_numbers_and_units(client: TestClient) -> None:
    text = text_of(client, "/models")
    assert [
        ["over later logs", "version 1 (decided then)", "version 2 (candidate)"],
        ["incidents found", "3 of 4", "4 of 4"],
        ["pages for nothing", "1", "0"],
        ["opened for nothing", "1", "0"],
        ["median until confirmed", "40.5 s", "12 s"],
        ["flagged of usual logs", "0.2 % of 4,000", "0.05 % of 4,000"],
        ["metrics known", "8 of 10", "9 of 10"],
    ] == rows_of(text, "Version 2, challenger, beside version 1")
    of_rules = [row[1] for row in rows_of(text, "Version 1, champion, beside rules alone")]
    assert ["rules alone (decided then)", "0 of 4", "0", "0", "none found", "0 % of 4,000", "0 of 10"] == of_rules


# --- another version decides --------------------------------------------------------------------


def log_in(engine: Engine, client: TestClient, role: Role) -> str:
    """What the forms of that user carry."""
    add_user(engine, role=role)
    client.post("/login", data={"name": "ann", "password": PASSWORD})
    return csrf_of(client, "/incidents")


@pytest.mark.slow
def test_an_approver_promotes_after_a_page_that_asks(engine: Engine, client: TestClient, registry: Registry) -> None:
    log_in(engine, client, Role.APPROVER)
    assert 'action="/models/promote"' in text_of(client, "/models")
    asked = text_of(client, "/models/promote?version=2")
    assert "Version 2 will decide instead of version 1" in asked
    assert "it is no better" in asked
    assert "incidents found" in asked
    assert registry.champion_version() == 1  # asking changes nothing
    form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked.split('action="/models/promote"')[1]))
    assert {"csrf", "version", "champion"} == set(form)
    done = client.post("/models/promote", data=form, follow_redirects=False)
    assert (303, "/models") == (done.status_code, done.headers["location"])
    assert registry.champion_version() == 2
    assert [{"version": 2, "before": 1, "how": "promoted", "by": "ann"}] == noted(engine, "champion.changed")
    assert re.search(r'data-label="is">champion<.*?data-label="by">ann<', text_of(client, "/models"))


@pytest.mark.slow
def test_a_second_press_goes_no_further_back_than_was_shown(
    engine: Engine, client: TestClient, registry: Registry
) -> None:
    """Each rollback goes back further, so it is bound to the champion of the page."""
    csrf = log_in(engine, client, Role.APPROVER)
    promoting = {"csrf": csrf, "version": "2", "champion": "1"}
    assert 200 == client.post("/models/promote", data=promoting).status_code
    assert 400 == client.post("/models/promote", data=promoting).status_code
    assert "Go back to version 1?" in text_of(client, "/models/rollback")
    going_back = {"csrf": csrf, "champion": "2"}
    done = [client.post("/models/rollback", data=going_back) for _ in range(2)]
    assert [200, 400] == [one.status_code for one in done]
    assert "the champion is another one by now (version 1 is)" in done[1].text
    assert registry.champion_version() == 1
    assert ["promoted", "rolled back"] == [one["how"] for one in noted(engine, "champion.changed")]
    assert "no version was champion before" in text_of(client, "/models/rollback", 400)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("role", "path", "may"),
    [
        (Role.VIEWER, "promote", False),
        (Role.VIEWER, "rollback", False),
        (Role.RESPONDER, "promote", False),
        (Role.RESPONDER, "rollback", True),
        (Role.APPROVER, "promote", True),
        (Role.ADMIN, "promote", True),
    ],
)
def test_each_role_has_its_buttons(
    engine: Engine, client: TestClient, registry: Registry, role: Role, path: str, *, may: bool
) -> None:
    csrf = log_in(engine, client, role)
    registry.client().set_registered_model_tag(registry.name, "champions_before", "2")
    assert may == (f'action="/models/{path}"' in client.get("/models").text)
    assert (200 if may else 403) == client.get(f"/models/{path}?version=2").status_code
    form = {"csrf": csrf, "version": "2", "champion": "1"}
    assert (200 if may else 403) == client.post(f"/models/{path}", data=form).status_code
    assert (2 if may else 1) == registry.champion_version()
    refused = [(one["by"], one["via"], one["verb"]) for one in noted(engine, "response.refused")]
    deed = "promote a model" if path == "promote" else "roll a model back"
    assert ([] if may else [("ann", "console", deed)] * 2) == refused


@pytest.mark.slow
@pytest.mark.parametrize("path", ["promote", "rollback"])
@pytest.mark.parametrize(
    ("csrf", "headers"),
    [
        pytest.param("", {}, id="no word of the form"),
        pytest.param("wrong", {}, id="another word"),
        pytest.param(None, {"Origin": "https://evil.example"}, id="a form of elsewhere"),
    ],
)
def test_a_form_of_elsewhere_lets_no_other_version_decide(
    engine: Engine, client: TestClient, registry: Registry, path: str, csrf: str | None, headers: dict[str, str]
) -> None:
    ours = log_in(engine, client, Role.ADMIN)
    form = {"csrf": ours if csrf is None else csrf, "version": "2", "champion": "1"}
    assert 403 == client.post(f"/models/{path}", data=form, headers=headers).status_code
    assert registry.champion_version() == 1
    assert [] == noted(engine, "champion.changed")
    assert ["it is not signed by this agent"] == [one["why"] for one in noted(engine, "response.refused")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("version=9", "there is no version 9"),
        ("version=1", "version 1 decides already"),
        ("version=x", "version is a number, and 'x' is none"),
        ("version=-1", "version is a number"),
        ("version=²", "version is a number"),
        (f"version={'9' * 400}", "version is a number"),
        ("", "version is a number"),
    ],
)
def test_what_is_no_version_is_said(client: TestClient, query: str, says: str) -> None:
    assert says in text_of(client, f"/models/promote?{query}", 400)


@pytest.mark.parametrize(
    ("uri", "status", "says"),
    [
        pytest.param("http://127.0.0.1:1", 503, ("mlflow at http://127.0.0.1:1", "`sre status`"), id="does not answer"),
        pytest.param("", 400, ("no model registry", "`sre config`"), id="there is none"),
    ],
)
def test_a_registry_that_is_away_is_said_in_words(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str, status: int, says: tuple[str, str]
) -> None:
    for name, value in (("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0"), ("SRE_HOME", str(tmp_path))):
        monkeypatch.setenv(name, value)
    client = a_client(engine, tmp_path, uri)
    assert "the versions are not known" in text_of(client, "/models")
    for path in ("/models/promote?version=1", "/models/rollback"):
        text = text_of(client, path, status)
        assert [True, True] == [part in text for part in says]
    form = {"csrf": csrf_of(client, "/services"), "version": "1", "champion": "0"}
    for path in ("/models/promote", "/models/rollback"):
        assert status == client.post(path, data=form).status_code
    assert [] == noted(engine, "champion.changed")


# --- autonomy -----------------------------------------------------------------------------------


def test_what_was_earned_and_lost_is_told_newest_first_with_its_incident(engine: Engine, tmp_path: Path) -> None:
    client = a_client(engine, tmp_path, "")
    assert "nothing was earned or lost yet" in text_of(client, "/models")
    with transaction(engine) as connection:
        insert_incidents(connection, [an_incident(id=17)], now=NOW)
        up, down = (Autonomy.ASK, Autonomy.ACT), (Autonomy.ACT, Autonomy.ASK)
        experience.changed(connection, 17, (POOL, "web"), up, "3 proved recoveries in a row", now=NOW)
        experience.changed(connection, 18, (POOL, "web"), down, "worse (incident 18)", now=NOW)
        said = Word(Autonomy.SUGGEST, "bob", "<b>not trusted</b>", NOW)
        experience.say(connection, POOL, "db", said, before=Autonomy.ASK)
    shown = client.get("/models").text
    assert "<b>not trusted" not in shown
    changes = rows_of(html.unescape(shown), "Earned and lost, the newest first")[1:]
    assert [
        [POOL, "db", "lowered from ask to suggest", "bob: not trusted", ""],
        [POOL, "web", "lowered from act to ask", "worse (incident 18)", "18"],
        [POOL, "web", "raised from ask to act", "3 proved recoveries in a row", "17"],
    ] == [row[1:] for row in changes]
    assert '<a href="/incidents/17">17</a>' in shown
