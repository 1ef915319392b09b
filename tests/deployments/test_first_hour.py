"""What anybody meets in the first hour, on the deployed agent: N1, N4, N5, N8."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters import postgres
from adapters.parts_file import PROJECT
from adapters.settings_files import load
from deployments.layout import Home
from deployments.ports import unused
from deployments.report import Health, PartReport, report
from tests.parts.logs_part import a_log, an_error, write_lines

pytestmark = [pytest.mark.slow, pytest.mark.prefect, pytest.mark.timeout(1_800)]
SECONDS = 240


@dataclass(frozen=True)
class Agent:
    """A home of its own; `sre` is the command as a user types it."""

    home: Path

    def sre(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SRE_", "PREFECT_"))}
        call = [sys.executable, "-c", "from console.main import main; main()", *arguments]
        with (self.home.parent / "output").open("w+") as out, (self.home.parent / "errors").open("w+") as err:
            done = subprocess.run(
                call,
                env={**kept, "SRE_HOME": str(self.home), **environ},
                cwd=PROJECT,
                stdout=out,
                stderr=err,
                check=False,
            )
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(call, done.returncode, out.read(), err.read())

    def told(self, *arguments: str) -> Any:
        done = self.sre(*arguments, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def part(self, name: str) -> PartReport:
        settings = load(environ={}, home=self.home).settings
        return next(row for row in report(Home(self.home, PROJECT), settings) if row.part == name)


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    found = Agent(tmp_path_factory.mktemp("first-hour") / ".sre")
    try:
        up = found.sre("up")
        assert 0 == up.returncode, up.stderr
        yield found
    finally:
        assert 0 == found.sre("down").returncode
        postgres.remove(found.home)
        shutil.rmtree(found.home)


def until(agent: Agent, part: str, reached: Callable[[PartReport], bool]) -> PartReport:
    deadline = time.monotonic() + SECONDS
    while not reached(found := agent.part(part)):
        assert time.monotonic() < deadline, found
        time.sleep(0.3)
    return found


def test_n1_what_is_sent_right_after_up_is_stored_and_its_incident_is_there(agent: Agent, tmp_path: Path) -> None:
    """N1: `sre up && sre send FILE --now && sre incidents`: 2,042 logs acknowledged, 0 stored, no incident."""
    lines = [a_log(request_id=f"fine-{number}") for number in range(2_000)]
    file = write_lines(tmp_path / "logs.jsonl", [*lines, *(an_error(number) for number in range(42))])
    sent = agent.sre("send", str(file), "--now")
    incidents = agent.told("incidents")
    assert "2,042 logs sent" in sent.stdout
    assert "and stored" in sent.stdout
    assert ["web"] == [row["service"] for row in incidents]
    assert 42 == incidents[0]["logs"]
    assert "no log behind" in agent.part("logs").text


def test_what_was_decided_comes_out_again(agent: Agent) -> None:
    """By the settings of then, of which secrets are not kept."""
    found = agent.told("replay", "--since", "1h")
    assert found["logs"] >= 2_042
    assert found["decisions_alike"]["incident.opened"] >= 1
    assert ([], [], True) == (found["doubts"], found["differences"], found["same"])


def test_n5_what_cannot_be_read_is_told_by_reason(agent: Agent, tmp_path: Path) -> None:
    agent.sre("send", str(write_lines(tmp_path / "bad.jsonl", [b"{broken", b"[]"] * 50)))
    found = {row["reason"]: row["logs"] for row in agent.told("dead-letters")}
    assert 50 == found["not a JSON object but list"]
    assert "unreadable" in agent.part("logs").text


def test_n7_the_long_lived_run_is_called_after_its_beginning(agent: Agent) -> None:
    run = until(agent, "run of watch", lambda found: found.health is Health.UP)
    assert run.address.startswith("watch since ")
    assert "Finished in state Completed()" not in (agent.home / "logs" / "worker-watch.log").read_text()
    assert (agent.home / "logs" / "sre_agent.log").exists()


def test_n8_a_replaced_broker_is_told_of(agent: Agent) -> None:
    before = agent.part("kafka")
    assert "" == before.text
    os.kill(before.pid, signal.SIGKILL)
    after = until(agent, "kafka", lambda found: found.health is Health.UP and found.pid != before.pid)
    assert f"a new broker since {datetime.now(UTC):%Y-%m-%d}" in after.text


def test_n4_an_unreachable_cluster_fails_up_with_the_reason_and_status_says_so(agent: Agent) -> None:
    """N4: `up` ended with 0, and status said `up`."""
    log = agent.home / "logs" / "sre_agent.log"
    before = log.stat().st_size  # a broker that was just replaced has no topic for a moment, which is said
    elsewhere = {"SRE_KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{unused()}"}
    up = agent.sre("up", **elsewhere)
    assert 1 == up.returncode
    assert elsewhere["SRE_KAFKA__BOOTSTRAP_SERVERS"] in up.stderr
    assert "is the cluster reachable" in up.stderr
    status = agent.sre("status", "--json", **elsewhere)
    assert 1 == status.returncode
    rows = {row["part"]: row for row in json.loads(status.stdout)}
    assert ("down", "down") == (rows["kafka"]["health"], rows["logs"]["health"])
    assert "does not exist" not in log.read_bytes()[before:].decode()
