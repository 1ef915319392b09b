"""Buttons of Slack's messages: signed, of a known user, and about exactly the plan of the message."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from adapters.channels.slack import answers as slack_answers
from adapters.store.database import Engine
from domain.errors import Unavailable
from tests.parts.http_part import (
    PLAN,
    a_client,
    a_service,
    answers,
    noted,
    press,
    put,
    slack_headers,
)
from tests.parts.logs_part import NOON


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What Slack is asked to tell whoever pressed."""
    found: list[tuple[str, str]] = []
    monkeypatch.setattr(slack_answers, "tell", lambda url, text: found.append((url, text)))
    return found


@pytest.fixture
def client(store: Engine, tmp_path: Path) -> TestClient:
    put(store, waiting=True)
    return a_client(a_service(store, tmp_path))


def post(client: TestClient, body: bytes, **headers: str) -> Any:
    return client.post("/slack/actions", content=body, headers=slack_headers(body) | headers)


def test_a_press_is_the_answer_of_the_user_with_that_slack_id(
    store: Engine, client: TestClient, told: list[tuple[str, str]]
) -> None:
    done = post(client, press())
    assert 200 == done.status_code
    assert "on-call will act on it" in done.json()["text"]
    assert [(1, 1, "acknowledge", "ann", "slack", "", "slack U01ANN t1")] == answers(store)
    assert ["https://hooks.slack.com/actions/T1/2/3"] == [url for url, _ in told]


def test_the_same_press_again_changes_nothing(store: Engine, client: TestClient, told: list[tuple[str, str]]) -> None:
    assert [200, 200] == [post(client, press()).status_code for _ in range(2)]
    assert 1 == len(answers(store))
    assert "used for this before" in told[-1][1]


def approve(plan: str) -> bytes:
    value = f'{{"incident": 1, "episode": 1, "plan": "{plan}"}}'
    return press(actions=[{"action_id": "approve", "action_ts": "1.2", "value": value}])


def test_a_stale_press_cannot_approve_a_changed_plan(
    store: Engine, client: TestClient, told: list[tuple[str, str]]
) -> None:
    post(client, approve("0123456789ab"))
    assert [] == answers(store)
    assert "the plan is another one by now" in told[0][1]
    post(client, approve(PLAN).replace(b"t1", b"t2"))
    assert [(1, 1, "approve", "ann", "slack", PLAN, "slack U01ANN t2")] == answers(store)


def test_an_unknown_user_is_told_alone_that_nothing_was_done(
    store: Engine, client: TestClient, told: list[tuple[str, str]]
) -> None:
    done = post(client, press(user={"id": "U66EVE", "username": "eve"}))
    assert "ephemeral" == done.json()["response_type"]
    assert "no user has the slack id U66EVE" in told[0][1]
    assert [] == answers(store)
    assert ["eve"] == [entry["by"] for entry in noted(store, "response.refused")]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(slack_headers(press(), NOON - timedelta(seconds=301)), id="older than five minutes"),
        pytest.param(slack_headers(press(), NOON + timedelta(seconds=301)), id="of a time to come"),
        pytest.param(slack_headers(press(), secret="another"), id="signed with another secret"),
        pytest.param(slack_headers(press(user={"id": "U66EVE"})), id="the signature of another body"),
        pytest.param({"X-Slack-Signature": "v0=00", "X-Slack-Request-Timestamp": "soon"}, id="a time that is none"),
        pytest.param({}, id="not signed"),
    ],
)
def test_what_slack_did_not_sign_is_refused_and_noted(
    store: Engine, client: TestClient, headers: dict[str, str]
) -> None:
    done = client.post("/slack/actions", content=press(), headers=headers)
    assert 401 == done.status_code
    assert [] == answers(store)
    assert ["slack"] == [entry["via"] for entry in noted(store, "response.refused")]


def test_without_a_secret_nothing_is_slacks(store: Engine, tmp_path: Path) -> None:
    body = press()
    client = a_client(a_service(store, tmp_path, slack_secret=""))
    done = client.post("/slack/actions", content=body, headers=slack_headers(body, secret=""))
    assert 401 == done.status_code
    assert "paging.slack.signing_secret" in done.json()["do"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"payload=nothing", id="no JSON"),
        pytest.param(press(actions=[{"action_id": "acknowledge", "value": "{}"}]), id="a button of another app"),
        pytest.param(press(actions=["x"]), id="an action that is none"),
        pytest.param(press({"incident": 10**30, "episode": 1}), id="a number that no database takes"),
        pytest.param(press(actions=[{"action_id": "comment", "value": '{"incident":1,"episode":1}'}]), id="no words"),
    ],
)
def test_what_cannot_be_read_is_400(client: TestClient, store: Engine, body: bytes) -> None:
    assert 400 == post(client, body).status_code
    assert [] == answers(store)


def test_other_interactions_are_left_alone(client: TestClient, store: Engine) -> None:
    assert 200 == post(client, press(type="view_closed")).status_code
    assert [] == answers(store)


def test_nobody_else_than_slack_is_called() -> None:
    with pytest.raises(Unavailable, match="nothing was sent"):
        slack_answers.tell("https://hooks.slack.com.example.com/x", "text")
