"""What must go on whatever dies: faults 16, 18 and 19, on the deployed agent and real Kafka."""

import random
from datetime import UTC, datetime
from pathlib import Path

import mlflow
import pytest

from adapters.channels.email.mail import message_id
from benchmarks.stack import PARTITIONS
from deployments.reading import is_shared
from domain.ledger import LedgerKind
from ml.tracing import EXPERIMENT
from tests.flows.conftest import PATIENCE_SECONDS, SECRET, Deployed, Traffic, kill, log, until
from tests.parts.brake_part import Brake, kill_standing, on_call_runs

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.prefect, pytest.mark.timeout(1_800)]

EVERY = frozenset(range(PARTITIONS))
RUN, SECOND_RUN = "run of watch", "run of watch-2"
WORKER, SECOND_WORKER = "worker-watch", "worker-watch-2"


def state_of(deployed: Deployed, pid: int) -> str:
    with deployed.prefect() as api:
        runs = api._call("POST", "flow_runs/filter", {"limit": 200, "sort": "START_TIME_DESC"})
    return next((run["state_type"] for run in runs if run["infrastructure_pid"] == str(pid)), "")


def everything_is_stored_once(deployed: Deployed, sent: int) -> None:
    until(lambda: len(deployed.positions()) >= sent, "the storage of everything")
    positions = deployed.positions()
    assert (sent, sent) == (len(positions), len(set(positions)))


def test_fault_16_and_19_kill_9_of_run_worker_and_both_loses_nothing(deployed: Deployed, traffic: Traffic) -> None:
    rng = random.Random(7)
    until(deployed.batches, "the first batch")
    for victims in ([RUN], [WORKER], [RUN, WORKER]):
        pids = [int(until(lambda name=name: deployed.pid(name), f"a pid of {name}")) for name in victims]
        run = int(until(lambda: deployed.pid(RUN), "a run"))
        until(lambda: rng.random() < 0.1, "a random moment")
        for pid in pids:
            kill(pid)
        until(lambda: deployed.pid(RUN) not in (0, run), f"a successor after {victims}")  # noqa: B023
        moment = datetime.now(UTC)
        until(lambda: deployed.committed_after(moment), f"a batch of the successor after {victims}")  # noqa: B023
        until(lambda: state_of(deployed, run) == "CRASHED", f"run {run} shown as Crashed")  # noqa: B023
    everything_is_stored_once(deployed, traffic.stop())


def shared_by_two(deployed: Deployed) -> bool:
    """Each of two members has some partitions, and none is of both."""
    shares = deployed.shares()
    return is_shared(shares, 2, EVERY) and len(EVERY) == sum(map(len, shares.values()))


def test_two_members_share_the_topic_and_one_that_dies_or_goes_loses_nothing(deployed: Deployed) -> None:
    """Fault 16 with two consumers: killed with -9, taken over from, back again, and sent away."""
    before = len(deployed.positions())
    traffic = Traffic(deployed.stack.settings.kafka)
    deployed.stack.sre("scale", "watch", "2", "--no-wait")
    until(lambda: shared_by_two(deployed), "each has its share")
    shared = deployed.shares()
    first, second = deployed.pid(RUN), deployed.pid(SECOND_RUN)
    kill(deployed.pid(SECOND_WORKER))
    kill(second)
    marks = deployed.next_offsets(shared["watch-2"])
    until(
        lambda: all(at > marks[number] for number, at in deployed.next_offsets(shared["watch-2"]).items()),
        "the killed one's partitions go on",
    )
    until(lambda: deployed.pid(SECOND_RUN) not in (0, second), "its successor")
    until(lambda: shared_by_two(deployed), "they share again")
    assert first == deployed.pid(RUN), "the other member's run was left alone"
    deployed.stack.sre("scale", "watch", "1", "--no-wait")
    until(lambda: is_shared(deployed.shares(), 1, EVERY), "the first one has all again")
    assert (first, 0) == (deployed.pid(RUN), deployed.pid(SECOND_WORKER))
    assert SECOND_RUN not in deployed.stack.sre("status", check=False)
    everything_is_stored_once(deployed, before + traffic.stop())


def test_fault_18_batches_commit_and_a_critical_page_leaves_while_prefect_is_gone(deployed: Deployed) -> None:
    before = len(deployed.positions())
    traffic = Traffic(deployed.stack.settings.kafka)
    until(lambda: deployed.pid(RUN), "a run")
    deployed.supervisor("stop", "prefect")
    try:
        moment = datetime.now(UTC)
        until(lambda: deployed.committed_after(moment), "a batch without Prefect")
        until(lambda: "prefect" in deployed.down(), "it is known that Prefect is down")
        traffic.say(*(log("billing", "disk failed: cannot write", "CRITICAL") for _ in range(4)))
        mail = until(lambda: [mail for mail in deployed.mails() if b"disk failed" in mail], "the page")
        assert b"prefect is down" in mail[0].replace(b"=\n", b"").replace(b"=\r\n", b"")
        later = datetime.now(UTC)
        until(lambda: deployed.committed_after(later), "batches go on")
        assert "prefect" in deployed.stack.sre("status", check=False)
    finally:
        deployed.supervisor("start", "prefect")
    run = int(until(lambda: deployed.pid(RUN), "the run is seen again"))
    back = datetime.now(UTC)
    until(lambda: deployed.committed_after(back), "batches after Prefect's return")
    assert run == deployed.pid(RUN), "the run outlived Prefect's server"
    sent = traffic.stop()
    until(lambda: len(deployed.positions()) >= before + sent, "the storage of everything")
    positions = deployed.positions()
    assert (before + sent, before + sent) == (len(positions), len(set(positions)))


def test_on_call_killed_in_the_middle_of_a_step_has_its_successor_take_it_once(
    deployed: Deployed, traffic: Traffic
) -> None:
    brake = Brake(deployed.engine)
    until(lambda: on_call_runs(deployed.stack.home), "a run of on-call")
    with brake.on("escalate"):
        traffic.say(*(log("returns", "label printer jammed: cannot print", "ERROR") for _ in range(4)))
        kill_standing(deployed.stack.home, brake, "escalate", seconds=PATIENCE_SECONDS)
    found = until(lambda: deployed.answered("returns"), "the answer of the successor")
    assert [] == found["due"]
    assert 1 == [entry["kind"] for entry in found["ledger"]].count(LedgerKind.ESCALATED)
    (page,) = (one for one in found["pages"] if one["reason"] != "analysed")
    name = message_id(page["key"]).encode()
    assert any(name in mail for mail in deployed.mails())


def test_a_critical_page_leaves_while_mlflow_is_gone(deployed: Deployed, traffic: Traffic) -> None:
    deployed.supervisor("stop", "mlflow")
    try:
        until(lambda: deployed.stack.events("champion.not-refreshed"), "the registry is missed")
        traffic.say(*(log("shipping", "queue failed: cannot write", "CRITICAL") for _ in range(4)))
        mail = until(lambda: [mail for mail in deployed.mails() if b"queue failed" in mail], "the page")
        assert b"mlflow is down" in mail[0].replace(b"=\n", b"").replace(b"=\r\n", b"")
    finally:
        deployed.supervisor("start", "mlflow")


def test_an_uncommon_incident_is_looked_into_by_a_model_after_its_page(deployed: Deployed, traffic: Traffic) -> None:
    traffic.say(*(log("books", "failed to balance account 9", "ERROR") for _ in range(5)))
    found = until(lambda: deployed.analysed("books"), "the news of an analysis")
    page, news = (next(one for one in found["pages"] if one["reason"] == reason) for reason in ("uncommon", "analysed"))
    assert page["sent_at"] < news["sent_at"]
    (analysis,) = found["analyses"]
    assert ("llm:scripted", []) == (analysis["answer"]["source"], analysis["answer"]["struck"])
    assert "books" == analysis["answer"]["root_cause"]["service"]
    told = [mail.replace(b"=\n", b"").replace(b"=\r\n", b"") for mail in deployed.mails()]
    thread = message_id(page["key"]).encode()
    assert 1 == sum(thread in mail and b"Analysis by scripted" in mail for mail in told)
    assert all(SECRET not in request.text for request in deployed.model.requests)
    with deployed.prefect() as api:
        runs = api._call("POST", "flow_runs/filter", {"limit": 200, "sort": "START_TIME_DESC"})
    assert f"analysis of incident {found['id']}" in [run["name"] for run in runs]
    until(lambda: traced(deployed, found["id"]), "a trace in MLflow")


def traced(deployed: Deployed, number: int) -> bool:
    client = mlflow.MlflowClient(deployed.stack.settings.servers.mlflow_tracking_uri)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    found = client.search_traces(locations=[experiment.experiment_id]) if experiment else []
    return str(number) in [trace.info.tags.get("incident") for trace in found]


def test_the_environment_of_watch_holds_no_credential(deployed: Deployed) -> None:
    for part in (RUN, WORKER):
        pid = int(until(lambda name=part: deployed.pid(name), part))
        environ = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
        assert SECRET not in environ
