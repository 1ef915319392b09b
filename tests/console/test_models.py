"""`sre models`: which versions there are and which one decides; a person may promote one, or go back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from adapters.store.database import connect
from adapters.store.switches import report_condition
from console.main import cli
from domain.errors import BadInput, BadSettings, Refused
from ml.model_runs import Submission, register
from ml.promotion import Decision
from ml.registry import Registry
from ml.training import train
from tasks.shadow import CHALLENGER
from tests.ml.test_training import normal
from tests.parts.http_part import noted
from tests.parts.logs_part import NOON
from tests.parts.models_part import put_two

pytestmark = pytest.mark.slow


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry in a file, which the commands use; ann calls them."""
    monkeypatch.chdir(tmp_path)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("SRE_USER", "ann")
    monkeypatch.setenv("COLUMNS", "240")
    return Registry(uri, "sre-agent-detector", tmp_path / "home" / "models")


def sre(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["models", *arguments])


def listed() -> list[dict[str, Any]]:
    done = sre("--json")
    assert 0 == done.exit_code, done.output
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_a_person_promotes_a_challenger_and_goes_back(registry: Registry) -> None:
    assert "no version yet" in sre().stdout
    candidate = train(normal()).candidate
    assert candidate is not None
    for promoted, why in ((True, "there is no champion yet"), (False, "it is no better")):
        register(registry, Submission(candidate, Decision(promoted, why)), now=NOON)
    table = sre().stdout
    assert "it is no better" in table
    assert "2026-01-05 12:00" in table
    assert [["challenger"], ["champion"]] == [one["aliases"] for one in listed()]
    assert "version 2 is champion, instead of 1\n" == sre("promote", "2").stdout
    assert [["champion"], []] == [one["aliases"] for one in listed()]
    assert "ann" == listed()[0]["champion_by"]
    assert {"done": "version 1 is champion again, instead of 2", "by": "ann"} == json.loads(
        sre("rollback", "--json").stdout
    )
    assert isinstance(sre("rollback").exception, BadInput)
    assert isinstance(sre("promote", "7").exception, BadInput)


def test_who_may_only_look_changes_nothing(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_PEOPLE", '{"ann": {"role": "viewer"}, "rob": {"role": "responder"}}')
    assert isinstance(sre("promote", "1").exception, Refused)
    assert isinstance(sre("rollback").exception, Refused)
    # A responder may go back, which is safe at night, and not choose.
    assert isinstance(sre("promote", "1", "--as", "rob").exception, Refused)
    assert isinstance(sre("rollback", "--as", "rob").exception, BadInput)
    assert registry.champion_version() is None


def test_without_a_registry_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    failed = sre().exception
    assert isinstance(failed, BadSettings)
    assert "no model registry" in str(failed)


def test_champion_and_challenger_stand_side_by_side(registry: Registry) -> None:
    put_two(registry)
    shown = sre().stdout
    for part in (
        "Version 2, challenger, beside version 1",
        "Version 1, champion, beside rules alone",
        "0.05 % of 4,000",
    ):
        assert part in shown
    newest, first = listed()
    assert (4, 3) == (newest["judged"]["candidate"]["found"], newest["judged"]["present"]["found"])
    assert "rules alone" == first["judged"]["against"]


def test_the_ledger_says_who_lets_another_version_decide(
    registry: Registry, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_two(registry)
    monkeypatch.setenv("SRE_STORE__URL", sqlite_url)
    assert [0, 0] == [sre("promote", "2").exit_code, sre("rollback").exit_code]
    assert [
        {"version": 2, "before": 1, "how": "promoted", "by": "ann"},
        {"version": 1, "before": 2, "how": "rolled back", "by": "ann"},
    ] == noted(connect(sqlite_url), "champion.changed")


def test_what_the_challenger_sees_live_is_told(
    registry: Registry, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SRE_STORE__URL", sqlite_url)
    candidate = train(normal()).candidate
    assert candidate is not None
    register(registry, Submission(candidate, Decision(False, "it is no better")), now=NOON)
    now, seen = datetime.now(UTC), "version 1: would flag 3 of 10 logs"
    engine = connect(sqlite_url)
    report_condition(engine, CHALLENGER, seen_by="watch", healthy=True, detail=seen, now=now)
    report_condition(engine, CHALLENGER, seen_by="watch-2", healthy=True, detail="version 9: another one", now=now)
    assert f"watch: {seen}\n" in sre().stdout
    assert "version 9" not in sre().stdout
    assert {"watch": seen} == listed()[0]["seen_live"]
