"""`sre report` on a store that was filled live, with replays in real processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.store.database import connect
from console.main import cli
from tests.tasks.test_reporting import filled

SPAN = ("--since", "2026-01-05T11:00", "--until", "2026-01-05T18:00")


@pytest.fixture
def environ(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = connect(sqlite_url)
    filled(engine)
    engine.dispose()
    monkeypatch.setenv("SRE_STORE__URL", sqlite_url)
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))


def called(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["report", *arguments])


@pytest.mark.slow
@pytest.mark.usefixtures("environ")
def test_pages_are_counted_and_changes_tried() -> None:
    found = called(*SPAN, "--workers", "1")
    assert 0 == found.exit_code, found.output
    assert "| cache | 2 | 0 |" in found.output
    assert "`incidents.confirm_logs: 6` would have saved 2 pages and missed nothing: recommended" in found.output
    assert "tries incidents.confirm_logs: 6" in found.stderr


@pytest.mark.usefixtures("environ")
def test_a_time_without_pages_takes_no_replay() -> None:
    found = json.loads(called("--since", "2026-01-05T09:00", "--until", "2026-01-05T10:00", "--json").output)
    assert ([], []) == (found["pages"], found["tried"])


def test_a_time_that_ends_before_it_begins_is_refused() -> None:
    assert 2 == called("--since", "1h", "--until", "2h").exit_code
