"""`sre why page|action|not|minute` on a real store, from decisions that were really made."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from adapters.store.answers import allow
from adapters.store.closing import acknowledge, incident_in
from adapters.store.database import Engine, transaction
from adapters.store.minute_findings import STORED
from adapters.store.outbox import queue
from adapters.store.tables.counted import minute_findings
from console.main import cli
from domain.actions import Approval
from domain.errors import SreError
from domain.findings import MinuteFinding
from domain.minutes import Measured
from domain.pages import PageReason
from domain.plan_documents import digest
from domain.settings_acting import AutonomySettings
from tasks.templates import Templates
from tests.parts.answering_part import World, acting
from tests.parts.judged_part import Feed, known
from tests.parts.logs_part import a_log, an_error


@pytest.fixture
def home(store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SRE_STORE__URL", store_url)


def words(*arguments: str) -> str:
    found = CliRunner().invoke(cli, ("why", *arguments))
    assert found.exit_code == 0, (found.output, found.exception)
    return found.stdout


def document(*arguments: str) -> dict[str, Any]:
    return dict(json.loads(words(*arguments, "--json")))


@pytest.mark.usefixtures("home")
def test_a_page_names_its_log_its_batch_and_the_digest_of_what_decided(store: Engine) -> None:
    feed = Feed(store)
    now = datetime.now(UTC)
    stamp = now.isoformat()
    logs = [an_error(number, timestamp=stamp, level="CRITICAL", message="disk failed") for number in range(3)]
    feed.take(*logs, now=now)
    told = words("page", "1")
    assert "Page 1: critical, about incident 1, web, “disk failed”" in told
    assert "confirmed by 3 anomalous logs" in told
    assert "the word “failed” in its message" in told
    assert "Decided by batch 1 with rules alone" in told
    found = document("page", "1")
    assert (1, 1) == (found["page"]["id"], found["incident"]["id"])
    assert 64 == len(found["decided_by"])


@pytest.mark.usefixtures("home")
def test_a_page_is_told_by_the_batch_that_made_it_whatever_came_since(store: Engine) -> None:
    feed = Feed(store)
    now = datetime.now(UTC)
    feed.take(a_log(service="db", timestamp=now.isoformat()), now=now - timedelta(seconds=9))
    for number, (after, message) in enumerate([(0, "disk failed"), (5, "fatal: no worker")]):
        at = now + timedelta(seconds=after)
        changes = {"timestamp": at.isoformat(), "level": "CRITICAL", "message": message}
        feed.take(*(an_error(10 * number + each, **changes) for each in range(3)), now=at)
    told = words("page", "1")
    assert "Decided by batch 2 with rules alone" in told
    assert "no worker" not in told


@pytest.mark.usefixtures("home")
def test_who_acknowledged_made_the_page_about_it_and_no_batch_did(store: Engine) -> None:
    feed = Feed(store)
    now = datetime.now(UTC)
    changes = {"timestamp": now.isoformat(), "level": "CRITICAL", "message": "disk failed"}
    feed.take(*(an_error(number, **changes) for number in range(3)), now=now)
    assert acknowledge(store, 1, by="ann", now=now)
    with transaction(store) as connection:
        incident = incident_in(connection, 1)
        assert incident is not None
        about = {"key": "k", "lines": ["acknowledged by ann"], "about": {"by": "ann"}, "now": now}
        queue(connection, incident, PageReason.ACKNOWLEDGED, **about)
    told = words("page", "2")
    assert f"At {now:%H:%M:%S} UTC acknowledged by ann." in told
    assert "Decided by" not in told
    assert "Most telling" not in told


@pytest.mark.usefixtures("home")
def test_an_action_is_told_from_its_plan_to_its_proof(store: Engine) -> None:
    world = World(store, now=datetime.now(UTC))
    world.fault()
    world.run()
    world.forward(40)
    world.traffic()
    world.forward(25)
    world.run()
    told = words("action", "1")
    assert "Action 1: " in told
    assert "plan made" in told
    assert "verified" in told
    assert "Decided by step " in told


@pytest.mark.usefixtures("home")
def test_an_action_that_a_person_allowed_is_told_by_that_word(store: Engine) -> None:
    world = World(store, acting(autonomy=AutonomySettings(start="ask")), now=datetime.now(UTC))
    number = world.fault()
    world.run()
    plan = world.answer(number).plan
    assert plan is not None
    world.forward(1)
    with transaction(store) as connection:
        allow(connection, number, digest(plan), Approval(granted=True, by="ann", at=world.now, role="approver"))
    world.forward(1)
    world.run()
    told = words("action", "1")
    assert "plan allowed by ann, approver" in told
    assert "A person's word decided: without that of ann nothing was done." in told
    assert "at autonomy act (`sre autonomy`) the playbook would not have asked" in told
    assert "common_error_threshold" not in told
    assert "The logs were judged by batch 1 with rules alone." in told
    asked = words("page", "1")
    assert "a person is asked until" in asked
    assert "Decided by step begin; " in asked


@pytest.mark.usefixtures("home")
def test_why_nobody_was_paged_counts_what_is_stored(store: Engine) -> None:
    feed = Feed(store, known())
    now = datetime.now(UTC)
    stamp = (now - timedelta(minutes=1)).isoformat()
    feed.take(
        a_log(service="web", timestamp=stamp),
        a_log(service="web", timestamp=stamp, level="CRITICAL", message="all is well"),
        an_error(1, service="db", timestamp=stamp),
        now=now,
    )
    told = words("not", "web", "--at", "1m")
    assert "2 logs stored, no anomalous log" in told
    assert "the surest, “all is well” at CRITICAL, had 0.60 of 0.7" in told
    assert "detection.confidence_threshold 0.6 it would have been one" in told
    of_other = words("not", "db", "--at", "1m")
    assert "1 anomalous log within 5 min, and 3 are needed; incidents.confirm_logs 1 would have been enough" in of_other
    assert "No log of it is stored for then" in words("not", "nobody", "--at", "1m")
    assert (2, 0) == (document("not", "web", "--at", "1m")["logs"], document("not", "web", "--at", "1m")["anomalous"])


@pytest.mark.usefixtures("home")
def test_a_log_is_told_by_the_settings_that_judged_it_and_a_page_that_waits_is_no_page_that_was_sent(
    store: Engine,
) -> None:
    now = datetime.now(UTC)
    stamp = (now - timedelta(minutes=1)).isoformat()
    feed = Feed(store, known(detection={"confidence_threshold": 0.65}))
    said = {"timestamp": stamp, "level": "CRITICAL", "message": "all is well", "request_id": "req_then"}
    feed.take(a_log(service="web", **said), now=now)
    feed.knowledge = known()
    feed.take(a_log(service="other", timestamp=stamp), now=now + timedelta(seconds=1))
    told = words("not", "web", "--at", "1m")
    assert "had 0.60 of 0.65; with" in told
    of_log = words("req_then")
    assert "under the threshold of 0.65." in of_log
    assert "That was the threshold of batch 1; today it is 0.7." in of_log
    assert "It was judged by batch 1, with detection.confidence_threshold 0.65 (today 0.7)." in told
    changes = {"service": "db", "timestamp": stamp, "level": "CRITICAL", "message": "disk failed"}
    feed.take(*(an_error(number, **changes) for number in range(3)), now=now)
    assert "Nobody got page 1 about incident 1 (critical)" in words("not", "db", "--at", "1m")


@pytest.mark.usefixtures("home")
def test_a_text_that_was_not_as_usual_is_told_by_its_words(store: Engine) -> None:
    feed = Feed(store, known(), templates=Templates())
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    stamp = (now - timedelta(minutes=3)).isoformat()
    judged = feed.judged([a_log(service="web", timestamp=stamp, message="retry 1 of 9")], now=now)
    feed.save(judged, now=now)
    feed.take(a_log(service="web", timestamp=(now - timedelta(minutes=1)).isoformat()), now=now)
    (number,) = judged.templates.to_pylist()
    minute = int(now.timestamp()) // 60 - 3
    found = MinuteFinding("web", Measured.NEW, str(number), minute, minute, 9, "high", 40, 0, 1, 1e-7, True, 0.8)
    with transaction(store) as connection:
        connection.execute(minute_findings.insert().values({name: getattr(found, name) for name in STORED}))
    for told in (words("not", "web", "--at", stamp[:16]), words("minute", "web", stamp[:16])):
        assert "new: “retry" in told
        assert str(number) not in told


@pytest.mark.usefixtures("home")
def test_a_minute_is_compared_with_the_minutes_before_it(store: Engine) -> None:
    feed = Feed(store, known())
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for ago, load in ((6, 10.0), (5, 20.0), (4, 30.0), (3, 90.0), (1, 10.0)):
        at = now - timedelta(minutes=ago) + timedelta(seconds=30)
        feed.take(a_log(service="web", timestamp=at.isoformat(), metrics={"load": load}), now=now)
    at = f"{now - timedelta(minutes=3):%Y-%m-%dT%H:%M}"
    told = words("minute", "web", at)
    assert "load 90, 20 in the middle of 3 before" in told
    assert "logs a minute 1, 1 in the middle of 3 before" in told
    assert {"value": 90.0, "usual": 20.0} == document("minute", "web", at)["numbers"]["load"]


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("page", "9"), "there is no page 9"),
        (("action", "9"), "there is no action 9"),
        (("no-such-id",), "no stored log has the request id 'no-such-id'"),
        (("minute", "web", "soon"), "'soon' is no time"),
    ],
)
def test_what_does_not_exist_is_said_with_where_to_look(
    store: Engine, arguments: tuple[str, ...], message: str
) -> None:
    Feed(store)
    found = CliRunner().invoke(cli, ("why", *arguments))
    assert found.exit_code != 0
    said = str(found.exception) if isinstance(found.exception, SreError) else found.output
    assert message in said
