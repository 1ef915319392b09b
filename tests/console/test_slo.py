"""`sre slo` on a real store."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.store.database import Engine
from console.main import cli
from domain.pages import PageReason
from tests.parts.desk_part import Desk


@pytest.fixture
def desk(store: Engine, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SRE_STORE__URL", store_url)
    return Desk(store, now=datetime.now(UTC) - timedelta(hours=1))


def sre(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["slo", *arguments])


def critical(desk: Desk, *, after: float) -> int:
    number = desk.incident(severity=4, reason=PageReason.CRITICAL)
    desk.forward(after)
    desk.deliver()
    return number


def test_without_incidents_there_is_nothing_to_miss(desk: Desk) -> None:
    done = sre("--check")
    assert (0, "no incident was confirmed or paged\n") == (done.exit_code, done.stdout)


def test_a_table_in_words_and_the_same_as_json(desk: Desk) -> None:
    number = critical(desk, after=2)
    shown = sre().stdout
    assert all(word in shown for word in ("decision to page", "critical", "2.00 s", "5.00 s", "100 %", "met"))
    level = json.loads(sre("--json").stdout)[0]
    assert ("decision to page", "critical", 1, number) == tuple(
        level[name] for name in ("stage", "severity", "count", "worst_incident")
    )


def test_a_missed_target_is_exit_code_1_with_check_alone(desk: Desk) -> None:
    critical(desk, after=20)
    assert "MISSED" in sre().stdout
    assert [0, 1] == [sre(*options).exit_code for options in ((), ("--check",))]
    assert 0 == sre("--check", "--days", "0.01").exit_code
