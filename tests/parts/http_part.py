"""The HTTP service over a store with one open incident, for tests."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.testclient import TestClient

from adapters import link_keys
from adapters.store.database import Engine, transaction
from adapters.store.incident_rows import insert_incidents
from adapters.store.own_figures import figures
from adapters.store.tables.found import incidents
from adapters.store.tables.schema import metadata
from console.http.app import create
from console.http.exposition import Exposition
from console.http.refusals import Refusals
from console.http.service import Log, Service
from domain.answer_links import AnswerLink
from domain.errors import SreError
from domain.http_settings import HttpSettings
from domain.incidents import Incident, State
from domain.kafka_settings import KafkaSettings
from domain.people import People
from domain.plan_documents import as_document, digest
from domain.responses import Verb
from domain.roster import Roster, User
from tests.parts.answers_part import a_plan
from tests.parts.incidents_part import an_incident
from tests.parts.judged_part import count, rows
from tests.parts.logs_part import NOON

HOUR = timedelta(hours=1)
SLACK_SECRET, PAGERDUTY_SECRET = "slack-signing-secret", "pagerduty-webhook-secret"
LOCAL = ("127.0.0.1", 50_000)
ANN = User("ann", (), full_name="Ann Archer", slack_id="U01ANN", email="ann@example.com")
PLAN = digest(a_plan())


@dataclass
class Sent:
    """Takes logs in the topic's place, or fails as it would."""

    logs: list[Log] = field(default_factory=list)
    error: SreError | None = None

    def send(self, logs: Sequence[Log]) -> None:
        if self.error:
            raise self.error
        self.logs += logs


@dataclass
class Clock:
    """A time that tests set."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


def a_service(store: Engine, home: Path, **changes: Any) -> Service:
    """A service that verifies with the home's key; roles are not given, and ann is a user."""
    link_keys.signer(home)
    made = Service(
        engine=store,
        settings=HttpSettings(per_minute=100_000),
        verifier=link_keys.verifier(home),
        people=People(),
        roster=lambda: Roster(users={"ann": ANN}),
        logs=Sent(),
        refusals=Refusals(store),
        clock=Clock(),
        mask=lambda text: text.replace("s3cret", "***"),
        kafka=KafkaSettings(max_log_bytes=100_000),
        exposition=Exposition(lambda: figures(store, "logs", now=NOON), dict, Clock(), promised=1.0),
        slack_secret=SLACK_SECRET,
        pagerduty_secret=PAGERDUTY_SECRET,
    )
    return replace(made, **changes)


def a_client(service: Service, client: tuple[str, int] = LOCAL) -> TestClient:
    return TestClient(create(service), "http://127.0.0.1", client=client)


def a_link(**changes: Any) -> AnswerLink:
    fields: dict[str, Any] = {
        "incident_id": 1,
        "episode": 1,
        "person": "ann",
        "verbs": tuple(Verb),
        "expires_at": NOON + HOUR,
        "nonce": "n1",
        "plan": PLAN,
    }
    return AnswerLink(**(fields | changes))


def a_token(home: Path, **changes: Any) -> str:
    return link_keys.signer(home).sign(a_link(**changes))


def put(store: Engine, incident: Incident | None = None, *, waiting: bool = False) -> None:
    """Store an incident; with `waiting` its plan waits for a person's word."""
    incident = incident or an_incident(state=State.WAITING if waiting else State.OPEN)
    with transaction(store) as connection:
        insert_incidents(connection, [incident], now=NOON)
        if waiting:
            connection.execute(incidents.update().values(plan=as_document(a_plan())))


def answers(store: Engine) -> list[tuple[object, ...]]:
    """What is stored of each answer."""
    names = ("incident_id", "episode", "verb", "person", "via", "argument", "nonce")
    found = rows(store, "SELECT * FROM responses ORDER BY id")
    return [tuple(row[name] for name in names) for row in found]


def noted(store: Engine, kind: str) -> list[dict[str, Any]]:
    """The fields of the ledger's entries of that kind."""
    found = [row["fields"] for row in rows(store, "SELECT fields FROM ledger WHERE kind = :k ORDER BY id", k=kind)]
    return [json.loads(one) if isinstance(one, str) else one for one in found]


def all_counts(store: Engine) -> dict[str, int]:
    """Rows of every table."""
    return {name: count(store, f'"{name}"') for name in metadata.tables}


def press(value: object = None, **changes: Any) -> bytes:
    """A form as Slack sends it when somebody presses a button."""
    about = {"incident": 1, "episode": 1, "plan": ""} if value is None else value
    payload = {
        "type": "block_actions",
        "user": {"id": "U01ANN", "username": "annie"},
        "trigger_id": "t1",
        "response_url": "https://hooks.slack.com/actions/T1/2/3",
        "actions": [{"action_id": "acknowledge", "action_ts": "1.2", "value": json.dumps(about)}],
    }
    return urlencode({"payload": json.dumps(payload | changes)}).encode()


def slack_headers(body: bytes, at: datetime = NOON, secret: str = SLACK_SECRET) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    digest_of_it = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={digest_of_it}",
        "Content-Type": "application/x-www-form-urlencoded",
    }


def pagerduty_headers(body: bytes, secret: str = PAGERDUTY_SECRET) -> dict[str, str]:
    return {"X-PagerDuty-Signature": f"v1={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"}


def pagerduty_event(kind: str = "incident.acknowledged", **changes: Any) -> bytes:
    """A webhook of version 3 about our incident 1."""
    event = {
        "id": "E1",
        "event_type": kind,
        "resource_type": "incident",
        "occurred_at": "2026-01-05T12:00:00Z",
        "agent": {"id": "P1", "type": "user_reference", "summary": "Ann Archer"},
        "client": None,
        "data": {"id": "Q1", "type": "incident", "incident_key": "sre-agent-1-1", "assignees": []},
    }
    return json.dumps({"event": event | changes}).encode()


def a_webhook(*alerts: dict[str, Any], group: str = '{}:{alertname="HighLatency"}', **changes: Any) -> dict[str, Any]:
    """Alertmanager's webhook v4."""
    document = {"version": "4", "groupKey": group, "status": "firing", "receiver": "sre", "alerts": list(alerts)}
    return document | {"notification_reason": "new", "truncatedAlerts": 0} | changes


def an_alert(fingerprint: str = "f1", *, status: str = "firing", **changes: Any) -> dict[str, Any]:
    """One of its alerts."""
    labels = {"alertname": "HighLatency", "service": "web", "severity": "warning"} | changes.pop("labels", {})
    return {
        "status": status,
        "labels": labels,
        "annotations": {"summary": "p99 is 2 s"},
        "startsAt": "2026-01-05T11:58:00.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z" if status == "firing" else "2026-01-05T12:05:00Z",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": fingerprint,
    } | changes
