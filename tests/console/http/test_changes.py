"""Changes that systems post: all of a request are stored before it is told so, or none of it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from adapters.formats_in.changes import MOST_CHANGES
from adapters.store.changes import recent
from adapters.store.database import Engine, transaction
from domain.changes import Change, ChangeKind, ChangeSource
from tests.parts.http_part import HOUR, a_client, a_service
from tests.parts.judged_part import count
from tests.parts.logs_part import NOON

DEPLOY = {"service": "web", "kind": "deploy", "what": "v1.4.2", "by": "ci", "at": "2026-01-05T11:58:00+00:00"}


@pytest.fixture
def client(store: Engine, tmp_path: Path) -> TestClient:
    return a_client(a_service(store, tmp_path))


def stored(store: Engine) -> list[Change]:
    with transaction(store) as connection:
        return recent(connection, None, NOON - 24 * HOUR, NOON + HOUR, 10)


def test_a_change_is_stored_once(store: Engine, client: TestClient) -> None:
    assert {"stored": 1, "new": 1} == client.post("/changes", json=DEPLOY).json()
    assert {"stored": 1, "new": 0} == client.post("/changes", json=DEPLOY).json()
    (found,) = stored(store)
    assert ("web", ChangeKind.DEPLOY, "v1.4.2", "ci") == (found.service, found.kind, found.what, found.by)
    assert ChangeSource.HTTP is found.source
    assert "11:58" == f"{found.at:%H:%M}"


def test_a_list_is_stored_whole(store: Engine, client: TestClient) -> None:
    told = [DEPLOY, {"service": "db", "kind": "config", "what": "pool size 10 to 40"}]
    assert {"stored": 2, "new": 2} == client.post("/changes", json=told).json()
    assert [("db", NOON, ""), ("web", "11:58", "ci")] == [
        (one.service, one.at if one.service == "db" else f"{one.at:%H:%M}", one.by) for one in stored(store)
    ]


def test_without_a_kind_it_is_a_deploy_and_without_a_time_it_was_made_now(store: Engine, client: TestClient) -> None:
    client.post("/changes", json={"service": "web", "what": "v7", "at": None})
    assert [(ChangeKind.DEPLOY, NOON)] == [(one.kind, one.at) for one in stored(store)]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b"{", "not JSON", id="no JSON"),
        pytest.param("v7", "entry 1: is no object", id="a text"),
        pytest.param([], "the list holds no change", id="an empty list"),
        pytest.param([DEPLOY] * (MOST_CHANGES + 1), "1,001 changes at once, at most 1,000", id="too many"),
        pytest.param([DEPLOY, {"service": "web"}], "entry 2: what is empty", id="nothing changed"),
        pytest.param({"what": "v7"}, "entry 1: service is empty", id="no service"),
        pytest.param(DEPLOY | {"kind": "rollback"}, "kind is 'rollback', none of deploy, config", id="another kind"),
        pytest.param(DEPLOY | {"kind": ["deploy"]}, "kind is ['deploy'], none of", id="a list for a kind"),
        pytest.param(DEPLOY | {"servcie": "web"}, "unknown key 'servcie'; the nearest is service", id="a slip"),
        pytest.param(DEPLOY | {"what": 7}, "what is 7, no text", id="a number"),
        pytest.param(DEPLOY | {"at": "yesterday"}, "at is 'yesterday', no time of RFC 3339", id="no time"),
        pytest.param(DEPLOY | {"at": 7}, "at is 7, no time", id="a number for a time"),
        pytest.param(DEPLOY | {"at": "0001-01-01T00:00:00+14:00"}, "no time of RFC 3339", id="before time begins"),
        pytest.param(DEPLOY | {"at": "2026-01-06T12:00:00Z"}, "lies ahead of now", id="tomorrow"),
        pytest.param(DEPLOY | {"what": "x" * 501}, "what has 501 characters, at most 500", id="too long"),
    ],
)
def test_what_is_no_change_is_refused_with_its_place_and_nothing_is_stored(
    store: Engine, client: TestClient, body: Any, says: str
) -> None:
    done = client.post("/changes", content=body if isinstance(body, bytes) else json.dumps(body))
    assert 400 == done.status_code
    assert says in done.json()["error"]
    assert 0 == count(store, "changes")


def test_control_characters_are_kept_as_what_can_be_printed(store: Engine, client: TestClient) -> None:
    done = client.post("/changes", json=DEPLOY | {"what": "v1\x00\x1b[2J\nv2", "service": "web\u202e"})
    assert 200 == done.status_code
    (found,) = stored(store)
    assert ("web\N{REPLACEMENT CHARACTER}", True) == (found.service, found.what.isprintable())


def test_what_there_is_of_a_change_is_described(client: TestClient) -> None:
    extra = client.get("/openapi.json").json()["paths"]["/changes"]["post"]
    schema = extra["requestBody"]["content"]["application/json"]["schema"]
    assert ["service", "what"] == schema["anyOf"][0]["required"]
