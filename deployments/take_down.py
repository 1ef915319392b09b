"""Stop everything so that nothing restarts anything: keeper, triggers, runs, workers, servers, database."""

from __future__ import annotations

import shutil

from adapters import postgres
from adapters.parts_file import Parts, change, lock, read
from deployments import ours, registration, supervised, wanted
from deployments.bring_up import Tell
from deployments.layout import Home
from deployments.prefect_api import PrefectApi, connect
from deployments.programs import POOLS
from deployments.shop import running as shop
from domain.errors import Refused, Unavailable

RUN_SECONDS = 15  # for a run to finish what it has in hand
WHY = "stopped by `sre down`"
NOWHERE = "http://127.0.0.1:1/api"  # refuses at once: no server was ever started


def take_down(home: Home, tell: Tell) -> None:
    """Stop the parts of this home; fine when some or all are stopped. Raises Unavailable when one stays."""
    home.make()
    with lock(home.run / "lock"):
        parts = read(home.folder)
        if "keeper" in supervised.processes(home):
            supervised.end(home, ["keeper"])  # first, or it starts what is stopped
        stop_runs(home, parts, tell)
        stop_programs(home, tell)
        stop_shop(home, tell)
        ours.end_all(home.folder, postgres.remembered(home.folder / "postgres.json"))
        wanted.forget(home)
        change(home.folder, postgres={}, kafka={}, prefect={}, mlflow={}, smtp={}, http={}, supervisord="")
    if staying := sorted(process.pid for process in ours.processes(home.folder)):
        raise Unavailable(f"still there after SIGKILL: pids {', '.join(map(str, staying))}")


def demonstration(home: Home) -> Home:
    """The home inside this one in which demonstrations run, one after the other."""
    return Home(home.folder / "demo", home.project)


def is_alive(home: Home) -> bool:
    """Whether anything of this home runs."""
    home.make()
    return supervised.running(home) or any(ours.processes(home.folder)) or shop.is_up(home.folder)


def remove(home: Home) -> str:
    """Delete everything that the parts kept; what is left, and why. Only after `take_down`.

    Raises Refused when something cannot be deleted.
    """
    postgres.remove(home.folder)
    try:
        for path in home.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        if home.folder.is_mount():
            return f"{home.folder} is a mount point: it was emptied, and stays"
        home.folder.rmdir()
    except OSError as error:
        raise Refused(f"{error.filename} cannot be deleted: {error.strerror}; the rest of it may be gone") from error
    return ""


def stop_shop(home: Home, tell: Tell) -> None:
    """End the system that a demonstration watched, where one runs."""
    if shop.is_up(home.folder):
        tell("shop", "")
        shop.down(home.folder)
        tell("shop", "stopped")


def stop_runs(home: Home, parts: Parts, tell: Tell) -> None:
    """Close the flow runs as cancelled and end their processes; without Prefect only the latter."""
    tell("runs", "")
    remark = ""
    with connect(parts.prefect.get("api_url") or NOWHERE) as api:
        try:
            active = nothing_comes_after(api)
        except (Unavailable, Refused) as error:
            active = []
            remark = f", not marked: the next start will do that ({error})" if parts.prefect else ""
        ours.end((one for found in ours.run_processes(home.folder).values() for one in found), RUN_SECONDS)
        # Afterwards, because a run that is ended says that it crashed.
        api.close(active, "CANCELLED", WHY)
    tell("runs", f"stopped{remark}")


def nothing_comes_after(api: PrefectApi) -> list[str]:
    """Pause the triggers and cancel what waits for a slot; the runs at work. What a schedule made stays."""
    registration.pause_restarts(api)
    runs = [run for run in api.runs(POOLS) if run.state != "SCHEDULED" or not run.scheduled]
    api.close([run.id for run in runs if run.state == "SCHEDULED"], "CANCELLED", WHY)
    return [run.id for run in runs if run.state != "SCHEDULED"]


def stop_programs(home: Home, tell: Tell) -> None:
    """Workers, then servers side by side, the database last, then supervisord."""
    names = list(supervised.processes(home))
    workers = [name for name in names if name.startswith("worker-") or name == "keeper"]
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
