"""Drift from the store and the registry: what a version was trained on, what is seen since, and what is kept."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from adapters.store.alarm_verdicts import give
from adapters.store.database import Engine, connect, transaction
from adapters.store.drift_rows import DriftCheck, add_check, in_storm, last_check, started_at, wrong_alarms
from adapters.store.tables.found import incidents
from adapters.store.tables.running import drift_checks
from console.main import cli
from deployments.answering_report import ask
from domain.alarm_verdicts import AlarmVerdict
from domain.drift import FLAGGED, Compared
from domain.errors import BadInput
from domain.settings import Settings
from ml.trained_on import read, trained_on, written
from tasks.drifting import check
from tasks.retraining import registry
from tests.parts.judged_part import Feed
from tests.parts.logs_part import SECOND, a_log
from tests.tasks.test_minutes import LATER, STREAM, taken
from tests.tasks.test_retraining import feed
from tests.tasks.test_retraining import trained_on as train

HOUR = timedelta(hours=1)


@pytest.fixture
def tree(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A store of SQLite and a registry in a file, without a server."""
    monkeypatch.chdir(tmp_path)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    for name, value in (("SRE_HOME", str(tmp_path / "home")), ("MLFLOW_TRACKING_URI", uri), ("COLUMNS", "220")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SRE_STORE__URL", sqlite_url)
    return Settings.model_validate({"store": {"url": sqlite_url}, "servers": {"mlflow_tracking_uri": uri}})


def engine_of(tree: Settings) -> Engine:
    return connect(tree.store.url.get_secret_value())


def moved(tree: Settings, logs: int = 1_500) -> None:
    """Later logs of both services whose queues are longer than any in the training."""
    begin = datetime.now(UTC) - timedelta(seconds=logs)
    values = [
        a_log(
            timestamp=(begin + second * SECOND).isoformat(),
            service=("web", "db")[second % 2],
            request_id=f"m{second}",
            metrics={"queue": 12 + second % 5},
        )
        for second in range(logs)
    ]
    Feed(engine_of(tree), partition=1).take(*values, now=datetime.now(UTC))


@pytest.mark.slow
def test_a_day_like_the_training_is_no_drift_and_another_one_is(tree: Settings) -> None:
    with pytest.raises(BadInput, match="no version is champion"):
        check(engine_of(tree), tree, registry(tree), now=datetime.now(UTC))
    feed(tree)
    asyncio.run(train(tree))
    kept = trained_on(registry(tree), 1)
    assert {("web", "queue"), ("db", "queue")} == kept.metrics.keys()
    assert 420 == sum(sum(sketch.values()) for sketch in kept.metrics.values())
    assert (180, 0) == (kept.logs, kept.flagged)
    found = check(engine_of(tree), tree, registry(tree), now=datetime.now(UTC))
    assert (1, False) == (found.version, found.started)
    assert found.reason.startswith("no drift in ")
    moved(tree)
    found = check(engine_of(tree), tree, registry(tree), now=datetime.now(UTC))
    assert found.started, found
    assert found.reason.startswith("2 of 2 metrics of services drifted, most of all ")
    _what_people_see(tree, found)


def _what_people_see(tree: Settings, found: DriftCheck) -> None:
    done = CliRunner().invoke(cli, ["models", "drift"], catch_exceptions=False)
    assert 0 == done.exit_code, done.output
    assert "web queue" in done.stdout
    assert "a training is due, which the deployment `drift` starts: 2 of 2 metrics" in done.stdout
    assert "{" not in done.stdout
    as_json = CliRunner().invoke(cli, ["models", "drift", "--json"], catch_exceptions=False)
    assert '"started": true' in as_json.stdout
    assert "" == ask(tree, now=found.at).drift
    add_check(engine_of(tree), found)
    told = ask(tree, now=found.at + HOUR).drift
    assert f"2 of {len(found.compared)} comparisons drifted from the training of version 1, seen 1 h ago" in told
    assert "; retrain was started: 2 of 2 metrics" in told


@pytest.mark.slow
def test_a_registry_without_a_champion_is_told_of(tree: Settings) -> None:
    engine_of(tree)
    done = CliRunner().invoke(cli, ["models", "drift"])
    assert 0 != done.exit_code
    assert isinstance(done.exception, BadInput)
    assert str(done.exception).startswith("no version is champion, so nothing can drift")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"logs": 1, "flagged": 0, "services": {"web": {"cpu": {"x": 1}}}}', '{"services": 1}']
)
def test_what_is_no_training_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"trained_on\.json"):
        read(text)


def test_what_was_written_is_read() -> None:
    text = '{"logs":7,"flagged":1,"services":{"web":{"cpu":{"-3":2,"5":9}}}}'
    assert text == written(read(text))


def a_check(at: datetime, *, started: bool) -> DriftCheck:
    rows = (
        Compared("web cpu", "about 1", "about 2", 0.3, True, "otherwise"),
        Compared(FLAGGED, "", "", None, False, ""),
    )
    return DriftCheck(at, 3, rows, started, "it drifted")


def test_checks_are_kept_with_their_reason_and_only_so_many(store: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (None, None) == (last_check(store), started_at(store))
    assert (0, False) == (wrong_alarms(store, since=LATER), in_storm(store, now=LATER, quiet=HOUR))
    first, second = a_check(LATER, started=True), a_check(LATER + HOUR, started=False)
    add_check(store, first)
    add_check(store, second)
    assert (second, first.at) == (last_check(store), started_at(store))
    monkeypatch.setattr("adapters.store.drift_rows.MOST", 1)
    add_check(store, second)
    with transaction(store) as connection:
        assert [False] == list(connection.scalars(sa.select(drift_checks.c.started)))


def test_alarms_are_wrong_by_a_word_or_where_they_went_away_and_nobody_cared() -> None:
    engine, since = taken([STREAM]), LATER - 2 * HOUR
    with transaction(engine) as connection:
        first, second = sorted(connection.scalars(sa.select(incidents.c.id)))[:2]
    assert 0 == wrong_alarms(engine, since=since), "both are open"
    give(engine, first, AlarmVerdict.FALSE_ALARM, by="alice", now=LATER)
    assert 1 == wrong_alarms(engine, since=since)
    closed = {"state": "resolved", "resolution": "quiet"}
    with transaction(engine) as connection:
        connection.execute(incidents.update().where(incidents.c.id == second).values(closed))
    assert 2 == wrong_alarms(engine, since=since)
    give(engine, second, AlarmVerdict.REAL, by="alice", now=LATER)
    assert 1 == wrong_alarms(engine, since=since)
    assert 0 == wrong_alarms(engine, since=LATER + HOUR)


def test_a_storm_is_open_as_long_as_its_incident_is() -> None:
    engine = taken([STREAM])
    assert not in_storm(engine, now=LATER, quiet=HOUR)
    with transaction(engine) as connection:
        one = connection.scalar(sa.select(sa.func.min(incidents.c.id)))
        connection.execute(incidents.update().where(incidents.c.id == one).values(kind="fleet"))
    assert in_storm(engine, now=LATER, quiet=HOUR)
    with transaction(engine) as connection:
        connection.execute(incidents.update().where(incidents.c.id == one).values(state="resolved"))
    assert not in_storm(engine, now=LATER, quiet=HOUR)
