"""The parts come up, survive what is killed, say how they are, and go without a trace."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import TypeVar

import httpx
import psutil
import pytest

from adapters.kafka.embedded import answers
from adapters.settings_files import load
from deployments import ours, supervised
from deployments.prefect_api import PrefectApi, Run, connect
from deployments.programs import POOLS
from deployments.report import Health, PartReport, report
from domain.errors import Unavailable
from domain.settings import Settings
from tests.deployments.conftest import SECRETS, Running

pytestmark = [pytest.mark.slow, pytest.mark.prefect, pytest.mark.timeout(1_800)]
SECONDS = 240  # whether it happens decides, not how fast
Found = TypeVar("Found")


def until(look: Callable[[], Found | None], what: str) -> Found:
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(Unavailable):  # a busy or restarting server is asked again
            if found := look():
                return found
        time.sleep(0.2)
    raise AssertionError(f"not within {SECONDS} s: {what}")


def run_at_work(api: PrefectApi, deployment: str) -> Run | None:
    """The deployment's run, once it is inside its subflow's task."""
    wanted = api.deployments(POOLS)[deployment]
    runs = [run for run in api.runs(POOLS) if run.deployment == wanted and run.state == "RUNNING"]
    return next((run for run in runs if api.children([run.id])), None)


def reported(running: Running, part: str) -> PartReport:
    settings = load(environ={}, home=running.home.folder).settings
    return next(one for one in report(running.home, settings) if one.part == part)


def state_of(api: PrefectApi, run: str) -> str:
    return str(api.client.get(f"flow_runs/{run}").json()["state_type"])


def test_a_scheduled_run_starts_and_completes(running: Running) -> None:
    """Prefect's server, its scheduler and a worker go together in the pinned versions."""
    done = {"deployments": {"name": {"any_": ["tick"]}}, "flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
    with connect(running.parts.prefect["api_url"]) as api:
        found = until(lambda: api.client.post("flow_runs/filter", json=done).json(), "a completed run of tick")
    assert found[0]["auto_scheduled"]


@pytest.mark.parametrize("killed", [("run",), ("worker",), ("worker", "run")], ids=["run", "worker", "both"])
def test_a_killed_run_is_crashed_and_has_a_successor(running: Running, killed: tuple[str, ...]) -> None:
    with connect(running.parts.prefect["api_url"]) as api:
        before = until(lambda: run_at_work(api, "watch"), "a run of watch")
        inside = [child.id for child in api.children([before.id])]
        pids = {
            "run": [process.pid for process in ours.run_processes(running.home.folder)[before.id]],
            "worker": [supervised.processes(running.home)["worker-watch"].pid],
        }
        for pid in (pid for what in killed for pid in pids[what]):
            os.kill(pid, signal.SIGKILL)
        until(lambda: state_of(api, before.id) == "CRASHED", "the dead run is shown as Crashed")
        after = until(lambda: run_at_work(api, "watch"), "a successor")
        assert after.id != before.id
        if "worker" in killed:
            assert [state_of(api, child) for child in inside] == ["CRASHED"]
    assert not any(psutil.pid_exists(pid) for pid in pids["run"])


def test_i9_members_live_side_by_side_and_a_worker_that_starts_ends_only_what_it_started(running: Running) -> None:
    """I9: a worker that came back ended every run of its pool; here another member's goes on through it all."""
    running.up(members=2)
    with connect(running.parts.prefect["api_url"]) as api:
        first = until(lambda: run_at_work(api, "watch"), "a run of the first member")
        second = until(lambda: run_at_work(api, "watch-2"), "a run of the second member")
        for part in ("worker-watch", "worker-watch-2", "run of watch", "run of watch-2"):
            until(lambda part=part: reported(running, part).health is Health.UP, part)  # type: ignore[misc]
        (process,) = ours.run_processes(running.home.folder)[second.id]
        assert "watch-2" == ours.environment(process)["SRE_MEMBER"]
        killed = supervised.processes(running.home)["worker-watch"].pid
        for pid in [killed, *(one.pid for one in ours.run_processes(running.home.folder)[first.id])]:
            os.kill(pid, signal.SIGKILL)
        until(lambda: state_of(api, first.id) == "CRASHED", "the dead run is shown as Crashed")
        successor = until(lambda: run_at_work(api, "watch"), "a successor")
        assert ("RUNNING", True) == (state_of(api, second.id), process.is_running())
        running.up(members=1)
        assert ("RUNNING", "CANCELLED") == (state_of(api, successor.id), state_of(api, second.id))
        assert not process.is_running()
        assert "watch-2" not in api.deployments(POOLS)
        assert 2 == len(api.restarting(list(api.deployments(POOLS).values())))
    assert "worker-watch-2" not in supervised.processes(running.home)


def test_only_the_worker_of_on_call_and_its_runs_hold_credentials(running: Running) -> None:
    with connect(running.parts.prefect["api_url"]) as api:
        for deployment in ("watch", "on-call"):
            until(lambda deployment=deployment: run_at_work(api, deployment), f"a run of {deployment}")  # type: ignore[misc]
    holders, others = [], []
    for process in [*ours.processes(running.home.folder), psutil.Process(supervised.client(running.home).pid())]:
        environ = ours.environment(process)
        held = {name: value for name, value in environ.items() if value in SECRETS.values() or name in SECRETS}
        (holders if environ.get("SRE_PART") == "worker-on-call" else others).append(held)
    assert len(holders) == 2  # the worker and its run
    assert all(held == SECRETS for held in holders)
    assert not any(others)


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "https://evil.example"}, {"Prefect-Csrf-Token": "x", "Prefect-Csrf-Client": "y"}],
    ids=["a simple request", "another origin", "a token that is made up"],
)
def test_p6_a_foreign_page_starts_no_run_and_we_do(running: Running, headers: dict[str, str]) -> None:
    """P6: with CORS `*` and no protection any page that somebody looked at could start a run with credentials."""
    url = running.parts.prefect["api_url"]
    with connect(url) as api:
        watch = until(lambda: api.deployments(POOLS).get("tick"), "the deployment")
        path = f"{url}/deployments/{watch}/create_flow_run"
        text = {"Content-Type": "text/plain"}
        refused = httpx.post(path, content='{"state": {"type": "SCHEDULED"}}', headers=text | headers, trust_env=False)
        assert httpx.codes.FORBIDDEN == refused.status_code
        assert api.client.post(path, json={"state": {"type": "SCHEDULED"}}).is_success


def test_p6_only_prefects_own_pages_may_read_its_answers(running: Running) -> None:
    own = running.parts.prefect["ui_url"]
    for origin, allowed in ((own, True), ("https://evil.example", False)):
        answer = httpx.get(f"{own}/api/csrf-token?client=a", headers={"Origin": origin}, trust_env=False)
        assert allowed is (answer.headers.get("access-control-allow-origin") == origin)
        assert answer.headers.get("access-control-allow-origin") != "*"


def test_p6_prefect_listens_on_loopback_alone(running: Running) -> None:
    """Where it would be reached from elsewhere it would need a login; `sre up` makes no such server."""
    pid = supervised.processes(running.home)["prefect"].pid
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    hosts = {held.laddr.ip for one in family for held in one.net_connections("tcp") if held.status == "LISTEN"}
    assert {"127.0.0.1"} == hosts


def test_up_again_changes_nothing_that_runs(running: Running) -> None:
    with connect(running.parts.prefect["api_url"]) as api:
        run = until(lambda: run_at_work(api, "watch"), "a run of watch")
        before = {name: info.pid for name, info in supervised.processes(running.home).items()}
        parts = running.parts
        assert running.up() == parts
        assert {name: info.pid for name, info in supervised.processes(running.home).items()} == before
        assert [one.id for one in api.runs(POOLS) if one.deployment == run.deployment] == [run.id]


def test_up_after_an_edit_of_the_settings_starts_the_runs_with_them(running: Running) -> None:
    with connect(running.parts.prefect["api_url"]) as api:
        run = until(lambda: run_at_work(api, "watch"), "a run of watch")
        before = {name: info.pid for name, info in supervised.processes(running.home).items()}
        running.file.write_text("detection: {enabled: true, confidence_threshold: 0.8}\n")
        running.up()
        after = {name: info.pid for name, info in supervised.processes(running.home).items()}
        changed = {name for name in before if before[name] != after[name]}
        assert {"worker-watch", "worker-on-call"} == changed - {"http"}
        later = until(lambda: run_at_work(api, "watch"), "a run of watch with the new settings")
        assert later.id != run.id
        assert later.pid != run.pid


@pytest.mark.parametrize("part", ["mlflow", "kafka", "prefect"])
def test_a_killed_server_comes_back_at_its_address(running: Running, part: str) -> None:
    before = reported(running, part)
    os.kill(before.pid, signal.SIGKILL)
    until(lambda: reported(running, part).pid not in (0, before.pid), f"{part} started again")
    until(lambda: reported(running, part).health is Health.UP, f"{part} healthy again")
    assert reported(running, part).address == before.address


def test_status_names_a_stopped_part_and_up_repairs_it(running: Running) -> None:
    supervised.end(running.home, ["mlflow"])
    down = reported(running, "mlflow")
    assert down.health is Health.DOWN
    assert "sre up" in down.text
    running.up()
    assert reported(running, "mlflow").health is Health.UP


def test_n8_what_outlives_a_killed_supervisord_is_seen_and_up_starts_anew(running: Running) -> None:
    """N8: "nothing runs" was the answer, while twelve processes did."""
    left = {name: info.pid for name, info in supervised.processes(running.home).items() if info.pid}
    os.kill(supervised.client(running.home).pid(), signal.SIGKILL)
    first, *others = report(running.home, Settings())
    assert (Health.DOWN, "supervisord") == (first.health, first.part)
    assert "run on unwatched" in first.text
    assert left.keys() == {one.part for one in others}
    assert {Health.ABANDONED} == {one.health for one in others}
    running.up()
    assert not set(left.values()) & {info.pid for info in supervised.processes(running.home).values()}
    assert Health.UP is reported(running, "kafka").health
    assert reported(running, "kafka").text.startswith("a new broker since ")


def test_down_leaves_nothing_and_up_starts_the_runs_again(running: Running) -> None:
    with connect(running.parts.prefect["api_url"]) as api:
        run = until(lambda: run_at_work(api, "watch"), "a run of watch")
    pids = [process.pid for process in ours.processes(running.home.folder)]
    pids += [info.pid for info in supervised.processes(running.home).values()]
    pids.append(supervised.client(running.home).pid())
    running.down()
    running.down()
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    assert [one.health for one in report(running.home, Settings())] == [Health.DOWN]
    running.up()
    with connect(running.parts.prefect["api_url"]) as api:
        assert state_of(api, run.id) == "CANCELLED"
        until(lambda: run_at_work(api, "watch"), "a run of watch after the restart")
        restarting = api.restarting(list(api.deployments(POOLS).values()))
        assert len(restarting) == 2
        assert all(restarting.values())


def test_the_embedded_broker_answers(running: Running) -> None:
    assert answers({"bootstrap.servers": running.parts.kafka["bootstrap_servers"]}) == ""
    assert running.parts.kafka["kind"] == "embedded"
