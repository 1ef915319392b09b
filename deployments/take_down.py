"""Stop everything in the order in which nothing restarts anything: triggers, runs, workers, servers, database."""

from __future__ import annotations

import shutil

from adapters import postgres
from adapters.parts_file import Parts, change, lock, read
from deployments import ours, registration, supervised, wanted
from deployments.bring_up import Tell
from deployments.layout import Home
from deployments.prefect_api import connect
from deployments.programs import POOLS
from domain.errors import Refused, Unavailable

RUN_SECONDS = 15  # for a run to finish what it has in hand


def take_down(home: Home, tell: Tell) -> None:
    """Stop the parts of this home; fine when some or all are stopped. Raises Unavailable when one stays."""
    home.make()
    with lock(home.run / "lock"):
        parts = read(home.folder)
        stop_runs(home, parts, tell)
        stop_programs(home, tell)
        ours.end_all(home.folder, postgres.remembered(home.folder / "postgres.json"))
        wanted.forget(home)
        change(home.folder, postgres={}, kafka={}, prefect={}, mlflow={}, smtp={}, supervisord="")
    if staying := sorted(process.pid for process in ours.processes(home.folder)):
        raise Unavailable(f"still there after SIGKILL: pids {', '.join(map(str, staying))}")


def remove(home: Home) -> None:
    """Delete everything that the parts kept. Only after `take_down`."""
    postgres.remove(home.folder)
    shutil.rmtree(home.folder)


def stop_runs(home: Home, parts: Parts, tell: Tell) -> None:
    """Close the flow runs as cancelled and end their processes; without Prefect only the latter."""
    tell("runs", "")
    try:
        close_runs(parts.prefect.get("api_url", ""))
    except (Unavailable, Refused) as error:
        tell("runs", f"not marked as cancelled, the next start will do it ({error})")
    ours.end((one for found in ours.run_processes(home.folder).values() for one in found), RUN_SECONDS)
    tell("runs", "stopped")


def close_runs(api_url: str) -> None:
    """Pause the triggers, then cancel every active run of the pools, so that nothing comes back."""
    if not api_url:
        return
    with connect(api_url) as api:
        registration.pause_restarts(api)
        api.close([run.id for run in api.runs(POOLS)], "CANCELLED", "`sre down`")


def stop_programs(home: Home, tell: Tell) -> None:
    """Workers, then servers side by side, the database last, then supervisord."""
    names = list(supervised.processes(home))
    workers = [name for name in names if name.startswith("worker-")]
    servers = [name for name in names if name not in (*workers, "postgres")]
    for group in (workers, servers, ["postgres"]):
        there = [name for name in group if name in names]
        for name in there:
            tell(name, "")
        supervised.end(home, there)
        for name in there:
            tell(name, "stopped")
    if supervised.running(home):
        supervised.shut_down(home)
