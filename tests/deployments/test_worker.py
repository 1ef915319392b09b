"""What a worker ends and marks before it starts: what the same member left, and nothing of a worker that lives."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.prefect_api import WORKER_LABEL, PrefectApi
from deployments.worker import bury, command_of, is_left

GONE = 2**22 + 1  # above what Linux gives out


def a_run(
    state: str = "RUNNING", *, worker: str = "watch on host", pid: int = GONE, queue: str = "long-lived"
) -> dict[str, Any]:
    return {
        "id": f"{state} of {worker or queue} with {'a dead' if pid == GONE else 'its'} process",
        "name": "a run",
        "state_type": state,
        "state_name": state.capitalize(),
        "infrastructure_pid": str(pid) if pid else None,
        "deployment_id": "one",
        "auto_scheduled": False,
        "work_queue_name": queue,
        "labels": {WORKER_LABEL: worker} if worker else {},
    }


class Server:
    """Prefect's answers about these top-level runs, and what it was asked to close."""

    def __init__(self, *runs: dict[str, Any]) -> None:
        self.runs = list(runs)
        self.closed: list[str] = []
        self.api = PrefectApi(httpx.Client(base_url="http://prefect/api/", transport=httpx.MockTransport(self.answer)))

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/")
        if path == "flow_runs/filter":
            inside = "parent_flow_run_id" in json.loads(request.content).get("flow_runs", {})
            return httpx.Response(200, json=[] if inside else self.runs)
        if path.endswith("set_state"):
            self.closed.append(path.split("/")[1])
        return httpx.Response(200, json=[])


def test_i9_a_worker_that_starts_leaves_the_runs_of_another_worker_of_its_pool_alone(tmp_path: Path) -> None:
    """I9: it ended every run of its pool, also another worker's."""
    ours, another = a_run(), a_run(worker="by hand", pid=os.getpid(), queue="default")
    server = Server(ours, another)
    bury(server.api, "watch", tmp_path)
    assert [ours["id"]] == server.closed


@pytest.mark.parametrize(
    ("found", "member", "left"),
    [
        pytest.param(a_run(pid=1), "watch", True, id="what the same member started, though its process lives"),
        pytest.param(a_run(worker="watch on another-name"), "watch", True, id="the machine was given another name"),
        pytest.param(a_run("PENDING", pid=0), "watch", True, id="the same member died before it had a process"),
        pytest.param(a_run(pid=1), "watch-2", False, id="the first member's, seen by the second"),
        pytest.param(a_run(worker="watch-2 on host", pid=1), "watch", False, id="the second member's, by the first"),
        pytest.param(
            a_run("PENDING", worker="watch-2 on host", pid=0), "watch", False, id="another worker is starting it"
        ),
        pytest.param(a_run(worker="by hand"), "watch", True, id="another's, whose process is gone: it holds a slot"),
        pytest.param(a_run("PENDING", worker="", pid=0), "watch", True, id="taken off the own queue, and not labelled"),
        pytest.param(
            a_run("PENDING", worker="", pid=0, queue="watch-2"), "watch", False, id="taken off another member's queue"
        ),
        pytest.param(a_run("SCHEDULED", worker="", pid=0), "watch", False, id="it waits and nobody has taken it"),
    ],
)
def test_whose_a_run_is(found: dict[str, Any], member: str, *, left: bool) -> None:
    (run,) = Server(found).api.runs(["watch"])
    assert left is is_left(run, member, process_lives=run.pid == 1)


def test_a_run_names_its_worker_and_its_queue() -> None:
    (run,) = Server(a_run(queue="watch-2", worker="watch-2 on host")).api.runs(["watch"])
    assert ("watch-2 on host", "watch-2") == (run.worker, run.queue)


BOTH = ["default", "long-lived"]


@pytest.mark.parametrize(
    ("member", "pool", "queues"),
    [("watch", "watch", BOTH), ("watch-2", "watch", ["watch-2"]), ("on-call", "on-call", BOTH)],
)
@pytest.mark.parametrize("probe", [True, False])
def test_its_command_names_pool_and_queues_and_answers_probes_where_asked(
    member: str,
    pool: str,
    queues: list[str],
    probe: bool,  # noqa: FBT001 - a case
) -> None:
    command = command_of(member, probe=probe)
    assert pool == command[command.index("--pool") + 1]
    assert queues == [after for before, after in pairwise(command) if before == "--work-queue"]
    assert command[command.index("--name") + 1].startswith(f"{member} on ")
    assert probe is ("--with-healthcheck" in command)
