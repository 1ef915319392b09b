"""A6: `sre inventory` shows what may be acted upon and what the executors see of it right now."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.executors import EXECUTORS
from console.main import cli
from domain.errors import Unavailable
from domain.execution import Executor
from tests.contracts.fakes import RecordingExecutor

FILE = """\
services:
  payments: {executor: recording, target: pay, limits: {workers: 4, actions: [scale]}, dependencies: [database]}
  database: {executor: recording, owner: team data}
"""
Write = Callable[[str], None]


@pytest.fixture
def executor(monkeypatch: pytest.MonkeyPatch) -> RecordingExecutor:
    """An executor with a group `pay` of three processes and `database` of one."""
    made = RecordingExecutor({"pay": 3, "database": 1})
    monkeypatch.setitem(EXECUTORS, "recording", lambda *_: made)  # type: ignore[arg-type]
    return made


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.setenv("SRE_HOME", str(tmp_path))
    path = tmp_path / "inventory.yaml"
    monkeypatch.setenv("SRE_MITIGATION__INVENTORY", str(path))
    return lambda text: (path.write_text(text), None)[1]


def sre(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["inventory", *arguments])


def test_an_inventory_is_shown_with_what_is_seen_of_it(executor: RecordingExecutor, write: Write) -> None:
    write(FILE)
    done = sre("--json")
    assert 0 == done.exit_code
    payments, database = json.loads(done.stdout)
    assert {
        "service": "payments",
        "executor": "recording",
        "target": "pay",
        "actions": ["scale"],
        "most_workers": 4,
        "at_a_time": None,
        "dependencies": ["database"],
        "owner": "",
        "seen_now": f"1 running, 2 stopped (pid {executor.processes['pay:pay_00'].pid})",
    } == payments
    assert "team data" == database["owner"]
    assert "payments" in sre().stdout


def test_a_target_that_does_not_exist_is_a_failure(executor: RecordingExecutor, write: Write) -> None:
    write(FILE.replace("target: pay", "target: gone"))
    done = sre("--json")
    assert 1 == done.exit_code
    assert "there is no such target" == json.loads(done.stdout)[0]["seen_now"]


def test_an_executor_that_does_not_answer_is_said_in_its_row(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> Executor:
        raise Unavailable("nobody listens")

    monkeypatch.setitem(EXECUTORS, "recording", unreachable)  # type: ignore[arg-type]
    write(FILE)
    done = sre("--json")
    assert 1 == done.exit_code
    assert ["cannot be seen: nobody listens"] * 2 == [row["seen_now"] for row in json.loads(done.stdout)]


def test_an_empty_inventory_says_what_that_means(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_HOME", str(tmp_path))
    monkeypatch.delenv("SRE_MITIGATION__INVENTORY", raising=False)
    done = sre()
    assert 0 == done.exit_code
    assert "nothing may be acted upon" in done.stdout
    assert "mitigation.inventory" in done.stdout
    assert [] == json.loads(sre("--json").stdout)
