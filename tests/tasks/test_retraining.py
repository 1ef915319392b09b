"""A training from the store to the registry: gate, fit, judgement, what is kept of it, and who is champion then."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.formats.decoding import decode
from adapters.store.alarm_verdicts import give
from adapters.store.database import connect
from domain.alarm_verdicts import AlarmVerdict
from domain.evidence_words import because
from domain.settings import Settings
from domain.verdicts import Reason
from ml.model_versions import versions
from ml.registry import Registry
from ml.scoring import Champion, score
from ml.training import Trained
from tasks import bootstrap
from tasks.retraining import data_objections, fit, judge_by_later, normal_logs, register, registry
from tests.parts.judged_part import Feed, rows
from tests.parts.logs_part import SECOND, a_batch, a_log

pytestmark = pytest.mark.slow
MINUTES = 60.0
LOGS = 600

Feeding = Callable[[range], None]


@pytest.fixture
def tree(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A store of SQLite and a registry in a file, without a server."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    servers = {"mlflow_tracking_uri": f"sqlite:///{tmp_path}/mlflow.db"}
    return Settings.model_validate({"store": {"url": sqlite_url}, "servers": servers})


def feed(tree: Settings, *, logs: int = LOGS, jump: bool = False) -> None:
    """A log a second of two services until now; with a jump their queues grow near the end."""
    begin = datetime.now(UTC) - timedelta(seconds=logs)
    values = [
        a_log(
            timestamp=(begin + second * SECOND).isoformat(),
            service=("web", "db")[second % 2],
            request_id=f"r{second}",
            metrics={"queue": second % 5 + (900 if jump and second > 0.8 * logs else 0)},
        )
        for second in range(logs)
    ]
    Feed(connect(tree.store.url.get_secret_value())).take(*values, now=datetime.now(UTC))


async def trained_on(tree: Settings) -> tuple[list[str], Trained | None, str]:
    logs = await normal_logs.fn(tree, MINUTES)
    against = await data_objections.fn(logs)
    if against:
        return against, None, ""
    found = await fit.fn(logs)
    judged = await judge_by_later.fn(tree, found, MINUTES)
    return [], found, await register.fn(tree, logs, found, judged)


def test_the_first_training_makes_a_champion_and_the_second_a_challenger(tree: Settings) -> None:
    feed(tree)
    _, found, outcome = asyncio.run(trained_on(tree))
    assert (
        "version 1 is champion: it had no incident to find, and would have paged nobody for nothing; "
        "there is no champion yet" == outcome
    )
    assert found is not None
    assert (420, 180) == (found.rows_fitted, found.rows_judged)
    _, _, outcome = asyncio.run(trained_on(tree))
    assert outcome.startswith("version 2 is challenger: it had no incident to find")
    assert outcome.endswith("it is no better")
    assert [("challenger",), ("champion",)] == [one.aliases for one in versions(registry(tree))]
    _what_is_kept(registry(tree))


def _what_is_kept(models: Registry) -> None:
    """Parameters, the champion's numbers beside its own, a fingerprint, a signature, a card and pictures."""
    client = models.client()
    version = client.get_model_version(models.name, "2")
    run = client.get_run(version.run_id)
    assert {
        "metrics__margin",
        "joint__least",
        "habits__usual_times",
        "data_sha256",
        "split_at",
        "compared_with",
    } <= run.data.params.keys()
    assert ("version 1", "600") == (run.data.params["compared_with"], run.data.params["data_rows"])
    assert {"false_pages", "present_false_pages", "found", "present_found"} <= run.data.metrics.keys()
    files = {one.path for one in client.list_artifacts(version.run_id)}
    assert {"card.md", "confidences.svg", "flagged.svg"} <= files
    card = Path(client.download_artifacts(version.run_id, "card.md")).read_text()
    assert "| pages for nothing | 0 | 0 |" in card
    assert "| incidents opened for nothing | 0 | 0 |" in card
    assert "champion (version 1)" in card
    assert "<svg" in Path(client.download_artifacts(version.run_id, "confidences.svg")).read_text()
    (model,) = client.search_logged_models([run.info.experiment_id], filter_string=f"source_run_id='{run.info.run_id}'")
    assert "queue" in (models.cache / models.name / "1" / "MLmodel").read_text()
    assert model.name == "detector"


def test_what_changed_near_the_end_is_refused_and_rules_stay(tree: Settings) -> None:
    feed(tree, jump=True)
    _, _, outcome = asyncio.run(trained_on(tree))
    assert outcome.startswith("version 1 is challenger: it would flag 66.")
    assert registry(tree).champion_version() is None


def test_too_little_is_told_of_and_trains_nothing(tree: Settings) -> None:
    feed(tree, logs=20)
    against, found, _ = asyncio.run(trained_on(tree))
    assert [
        "20 normal logs carry a number, at least 200 are needed",
        "they span 19 s, at least 20 s are needed",
        "100 % of the metrics of services have fewer than 30 values, at most 90 % may",
    ] == against
    assert found is None
    assert [] == versions(registry(tree))


def test_no_log_at_all_is_told_of(tree: Settings) -> None:
    connect(tree.store.url.get_secret_value())
    against, _, _ = asyncio.run(trained_on(tree))
    assert "0 normal logs carry a number, at least 200 are needed" in against
    assert bootstrap.home().name == "home"


REFUSED = "connection to peer {} refused"


def chronic(tree: Settings, *, every: int = 10) -> None:
    """A log a second of two services until now; web says at ERROR now and then that a peer refused."""
    begin = datetime.now(UTC) - timedelta(seconds=LOGS)
    values = []
    for second in range(LOGS):
        odd = second % every == 0
        said = {"level": "ERROR", "message": REFUSED.format(second)} if odd else {}
        when = (begin + second * SECOND).isoformat()
        service = "web" if odd else ("web", "db")[second % 2]
        values.append(
            a_log(timestamp=when, service=service, request_id=f"r{second}", metrics={"queue": second % 5}, **said)
        )
    Feed(connect(tree.store.url.get_secret_value())).take(*values, now=datetime.now(UTC))


def verdicts(model: Champion | None) -> list[tuple[bool, str]]:
    """On the chronic error, on the same text from another service, and on a level that web never comes to."""
    logs = (
        a_log(level="ERROR", message=REFUSED.format(12_345), metrics={"queue": 2}),
        a_log(level="ERROR", message=REFUSED.format(12_345), service="db", metrics={"queue": 2}),
        a_log(level="CRITICAL", message="the moon is full", metrics={"queue": 2}),
    )
    batch = decode(a_batch(logs), max_bytes=100_000)
    found = score(batch, model, threshold=0.7)
    assert "" == found.fallback
    return [
        (bool(odd), because(Reason(int(found.reason[row])).name, found.numbers(row)))
        for row, odd in enumerate(found.anomalous)
    ]


def test_what_people_call_a_false_alarm_is_usual_after_the_next_training(tree: Settings) -> None:
    """A service that logs an error all day was an anomaly for ever, whatever was said of it."""
    chronic(tree)
    assert [True, True, False] == [odd for odd, _ in verdicts(None)]
    _, before, _ = asyncio.run(trained_on(tree))
    assert before is not None
    assert before.candidate is not None
    assert [True, True, False] == [odd for odd, _ in verdicts(Champion(before.candidate, 1))]
    engine = connect(tree.store.url.get_secret_value())
    for number in [row["id"] for row in rows(engine, "SELECT id FROM incidents")]:
        give(engine, number, AlarmVerdict.FALSE_ALARM, by="ann", now=datetime.now(UTC))
    _, found, outcome = asyncio.run(trained_on(tree))
    assert found is not None
    assert found.told[0] > 0
    assert "version 2 is champion" in outcome
    usual, other, critical = verdicts(registry(tree).load(2))
    assert (False, True, True) == (usual[0], other[0], critical[0])
    assert re.fullmatch(r"called a false alarm before: \d+ times in training", usual[1])
    assert re.fullmatch(r"CRITICAL, which this service never logged in \d+ lines; its text is new", critical[1])
    card = _text(registry(tree), "2", "card.md")
    assert re.search(
        r"Habits were learned from \d+ lines, among them \d+ lines of false alarms and 0 of incidents", card
    )


def _text(models: Registry, version: str, name: str) -> str:
    client = models.client()
    return Path(client.download_artifacts(client.get_model_version(models.name, version).run_id, name)).read_text()
