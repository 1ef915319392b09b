"""What must go on whatever dies: faults 16, 18 and 19, on the deployed agent and real Kafka."""

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.channels.email.mail import message_id
from domain.ledger import LedgerKind
from tests.flows.conftest import SECRET, Deployed, Traffic, kill, log, until
from tests.parts.brake_part import Brake, kill_standing, on_call_runs

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.prefect, pytest.mark.timeout(600)]

# The promise is 30 s on an idle machine; a test on a busy one decides by whether it happens, not by how fast.
SUCCESSOR_SECONDS = 90
RUN = "run of watch"
WORKER = "worker-watch"


def state_of(deployed: Deployed, pid: int) -> str:
    with deployed.prefect() as api:
        runs = api._call("POST", "flow_runs/filter", {"limit": 200, "sort": "START_TIME_DESC"})
    return next((run["state_type"] for run in runs if run["infrastructure_pid"] == str(pid)), "")


def everything_is_stored_once(deployed: Deployed, sent: int) -> None:
    until(lambda: len(deployed.positions()) >= sent, 90, "the storage of everything")
    positions = deployed.positions()
    assert (sent, sent) == (len(positions), len(set(positions)))


def test_fault_16_and_19_kill_9_of_run_worker_and_both_loses_nothing(deployed: Deployed, traffic: Traffic) -> None:
    rng = random.Random(7)
    until(deployed.batches, 90, "the first batch")
    for victims in ([RUN], [WORKER], [RUN, WORKER]):
        pids = [int(until(lambda name=name: deployed.pid(name), 60, f"a pid of {name}")) for name in victims]
        run = int(until(lambda: deployed.pid(RUN), 60, "a run"))
        until(lambda: rng.random() < 0.1, 30, "a random moment")
        for pid in pids:
            kill(pid)
        until(lambda: deployed.pid(RUN) not in (0, run), SUCCESSOR_SECONDS, f"a successor after {victims}")  # noqa: B023
        moment = datetime.now(UTC)
        until(lambda: deployed.committed_after(moment), SUCCESSOR_SECONDS, f"a batch of the successor after {victims}")  # noqa: B023
        until(lambda: state_of(deployed, run) == "CRASHED", 60, f"run {run} shown as Crashed")  # noqa: B023
    everything_is_stored_once(deployed, traffic.stop())


def test_fault_18_batches_commit_and_a_critical_page_leaves_while_prefect_is_gone(deployed: Deployed) -> None:
    before = len(deployed.positions())
    traffic = Traffic(deployed.stack.settings.kafka)
    until(lambda: deployed.pid(RUN), 90, "a run")
    deployed.supervisor("stop", "prefect")
    try:
        moment = datetime.now(UTC)
        until(lambda: deployed.committed_after(moment), 30, "a batch without Prefect")
        traffic.say(*(log("billing", "disk failed: cannot write", "CRITICAL") for _ in range(4)))
        mail = until(lambda: [mail for mail in deployed.mails() if b"disk failed" in mail], 30, "the page")
        assert b"prefect is down" in mail[0].replace(b"=\n", b"").replace(b"=\r\n", b"")
        later = datetime.now(UTC)
        until(lambda: deployed.committed_after(later), 30, "batches go on")
        assert "prefect" in deployed.stack.sre("status", check=False)
    finally:
        deployed.supervisor("start", "prefect")
    run = int(until(lambda: deployed.pid(RUN), 90, "the run is seen again"))
    back = datetime.now(UTC)
    until(lambda: deployed.committed_after(back), 60, "batches after Prefect's return")
    assert run == deployed.pid(RUN), "the run outlived Prefect's server"
    sent = traffic.stop()
    until(lambda: len(deployed.positions()) >= before + sent, 90, "the storage of everything")
    positions = deployed.positions()
    assert (before + sent, before + sent) == (len(positions), len(set(positions)))


def test_on_call_killed_in_the_middle_of_a_step_has_its_successor_take_it_once(
    deployed: Deployed, traffic: Traffic
) -> None:
    brake = Brake(deployed.engine)
    until(lambda: on_call_runs(deployed.stack.home), 90, "a run of on-call")
    with brake.on("escalate"):
        traffic.say(*(log("returns", "label printer jammed: cannot print", "ERROR") for _ in range(4)))
        kill_standing(deployed.stack.home, brake, "escalate", seconds=90)
    found = until(lambda: deployed.answered("returns"), 180, "the answer of the successor")
    assert [] == found["due"]
    assert 1 == [entry["kind"] for entry in found["ledger"]].count(LedgerKind.ESCALATED)
    (page,) = found["pages"]
    name = message_id(page["key"]).encode()
    assert any(name in mail for mail in deployed.mails())


def test_a_critical_page_leaves_while_mlflow_is_gone(deployed: Deployed, traffic: Traffic) -> None:
    deployed.supervisor("stop", "mlflow")
    try:
        until(lambda: deployed.stack.events("champion.not-refreshed"), 90, "the registry is missed")
        traffic.say(*(log("shipping", "queue failed: cannot write", "CRITICAL") for _ in range(4)))
        mail = until(lambda: [mail for mail in deployed.mails() if b"queue failed" in mail], 30, "the page")
        assert b"mlflow is down" in mail[0].replace(b"=\n", b"").replace(b"=\r\n", b"")
    finally:
        deployed.supervisor("start", "mlflow")


def test_the_environment_of_watch_holds_no_credential(deployed: Deployed) -> None:
    for part in (RUN, WORKER):
        pid = int(until(lambda name=part: deployed.pid(name), 90, part))
        environ = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
        assert SECRET not in environ
