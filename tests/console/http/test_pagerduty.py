"""What people do at PagerDuty becomes answers here, once for each event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from adapters.store.database import Engine
from domain.incidents import State
from tests.parts.http_part import a_client, a_service, answers, noted, pagerduty_event, pagerduty_headers, put
from tests.parts.incidents_part import an_incident


@pytest.fixture
def client(store: Engine, tmp_path: Path) -> TestClient:
    put(store)
    return a_client(a_service(store, tmp_path))


def post(client: TestClient, body: bytes) -> Any:
    return client.post("/pagerduty/webhook", content=body, headers=pagerduty_headers(body))


OURS = {"id": "Q1", "incident_key": "sre-agent-1-1"}
BOB = {"summary": "Bob Baker", "type": "user_reference"}


@pytest.mark.parametrize(
    ("event", "verb", "argument"),
    [
        pytest.param(pagerduty_event(), "acknowledge", "", id="acknowledged"),
        pytest.param(pagerduty_event("incident.resolved"), "resolve", "", id="resolved"),
        pytest.param(
            pagerduty_event("incident.reassigned", data=OURS | {"assignees": [BOB]}),
            "comment",
            "given to Bob Baker at PagerDuty",
            id="reassigned, which is news and no order",
        ),
        pytest.param(
            pagerduty_event("incident.annotated", data=OURS | {"content": "disk\nis full"}),
            "comment",
            "disk is full",
            id="annotated",
        ),
    ],
)
def test_an_event_is_an_answer(store: Engine, client: TestClient, event: bytes, verb: str, argument: str) -> None:
    assert 202 == post(client, event).status_code
    assert [(1, 1, verb, "ann", "pagerduty", argument, "pagerduty Q1 E1")] == answers(store)


def test_the_same_event_again_changes_nothing(store: Engine, client: TestClient) -> None:
    """Webhooks come at least once."""
    assert [202, 202] == [post(client, pagerduty_event()).status_code for _ in range(2)]
    assert 1 == len(answers(store))


def test_a_note_names_its_incident_by_pagerdutys_id_alone(store: Engine, client: TestClient) -> None:
    post(client, pagerduty_event())
    note = {"id": "N1", "type": "incident_note", "content": "mine", "incident": {"id": "Q1"}}
    post(client, pagerduty_event("incident.annotated", id="E2", data=note))
    assert [(1, 1, "comment", "ann", "pagerduty", "mine", "pagerduty Q1 E2")] == answers(store)[1:]


@pytest.mark.parametrize(
    ("agent", "person"),
    [
        pytest.param({"type": "user_reference", "summary": "x", "email": "ANN@example.com"}, "ann", id="by mail"),
        pytest.param({"type": "user_reference", "summary": "Ann Archer"}, "ann", id="by the whole name"),
    ],
)
def test_who_it_was_is_a_user_of_ours(store: Engine, client: TestClient, agent: dict[str, str], person: str) -> None:
    post(client, pagerduty_event(agent=agent))
    assert [person] == [row[3] for row in answers(store)]


@pytest.mark.parametrize(
    ("event", "why"),
    [
        pytest.param(pagerduty_event("incident.triggered"), "is no answer of a person", id="not an answer"),
        pytest.param(pagerduty_event(agent=None), "is no answer of a person", id="what we told PagerDuty ourselves"),
        pytest.param(pagerduty_event(data={"id": "Q2", "incident_key": "x"}), "is not ours", id="somebody else's"),
        pytest.param(
            pagerduty_event(data=OURS | {"incident_key": "sre-agent-1-7"}), "an earlier time", id="another episode"
        ),
        pytest.param(pagerduty_event("pagey.ping", data={}), "not ours", id="a test of the subscription"),
    ],
)
def test_left_alone(store: Engine, client: TestClient, event: bytes, why: str) -> None:
    done = post(client, event)
    assert 202 == done.status_code
    assert why in done.json()["status"]
    assert [] == answers(store)


def test_that_we_closed_it_ourselves_is_no_refusal(store: Engine, tmp_path: Path) -> None:
    put(store, an_incident(state=State.RESOLVED))
    done = post(a_client(a_service(store, tmp_path)), pagerduty_event("incident.resolved"))
    assert "the incident is over" in done.json()["status"]
    assert [] == noted(store, "response.refused")


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("v1=00", id="a wrong signature"),
        pytest.param("", id="none"),
        pytest.param("v1=é".encode(), id="letters that no signature has"),
    ],
)
def test_what_pagerduty_did_not_sign_is_refused_and_noted(
    store: Engine, client: TestClient, header: str | bytes
) -> None:
    done = client.post("/pagerduty/webhook", content=pagerduty_event(), headers={"X-PagerDuty-Signature": header})
    assert 401 == done.status_code
    assert [] == answers(store)
    assert ["pagerduty"] == [entry["via"] for entry in noted(store, "response.refused")]


def test_one_of_several_signatures_is_enough(store: Engine, client: TestClient) -> None:
    """While a secret is replaced PagerDuty signs with both."""
    body = pagerduty_event()
    both = f"v1=00, {pagerduty_headers(body)['X-PagerDuty-Signature']}"
    done = client.post("/pagerduty/webhook", content=body, headers={"X-PagerDuty-Signature": both})
    assert 202 == done.status_code
    assert 1 == len(answers(store))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"event": {}}', b'{"event": {"data": {}}}', b"\xff"])
def test_what_cannot_be_read_is_400(client: TestClient, body: bytes) -> None:
    assert 400 == post(client, body).status_code
