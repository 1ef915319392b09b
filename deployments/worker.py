"""The worker of one member: `python -m deployments.worker watch|watch-2|on-call`.

A run outlives a worker that was killed, and nobody watches it from then on. So before a worker starts, the runs
that it left get a moment to end by themselves, are ended, and are marked as Crashed, upon which Prefect's trigger
starts their successors. Runs of another worker of the same pool are left to it; only where their process is gone
are they marked, because they would hold their slot for ever.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path

import psutil

from deployments import environment, ours
from deployments.prefect_api import PrefectApi, Run, connect
from deployments.programs import QUEUE
from domain.errors import Unavailable
from domain.masking import masked_urls
from domain.members import role_of

ALONE_SECONDS = 5  # for a run to notice that its worker is gone and to finish the batch in hand
END_SECONDS = 5
PATIENCE_SECONDS = 300
NAMED_ON = " on "  # between a member and its machine, which may be given another name
TAKEN = ("RUNNING", "CANCELLING", "PENDING")
log = logging.getLogger("deployments.worker")


def wait_for(api: PrefectApi, seconds: float) -> None:
    """Wait until the API answers. Raises Unavailable."""
    deadline = time.monotonic() + seconds
    while not api.healthy():
        if time.monotonic() > deadline:
            raise Unavailable(f"Prefect {masked_urls(str(api.client.base_url))} did not answer within {seconds:g} s")
        time.sleep(0.2)


def queues_of(member: str) -> tuple[str, ...]:
    """The queues that a member's worker takes runs from; the later members of a role do nothing else."""
    return ("default", QUEUE) if member == role_of(member) else (member,)


def is_left(run: Run, member: str, *, process_lives: bool) -> bool:
    """Whether nobody watches a run when this member's worker starts: its own, or one without a process.

    Prefect labels a run with its worker after taking it off the queue.
    """
    if run.state not in TAKEN:
        return False
    if not run.worker:
        return run.queue in queues_of(member)
    own = run.worker.partition(NAMED_ON)[0] == member
    return own or (run.pid > 0 and not process_lives)


def left_over(api: PrefectApi, member: str) -> list[Run]:
    """Runs that nobody watches before this member's worker starts."""
    runs = api.runs([role_of(member)])
    return [run for run in runs if is_left(run, member, process_lives=psutil.pid_exists(run.pid))]


def bury(api: PrefectApi, member: str, home: Path) -> None:
    """End what this member's worker left and mark it, and what ran inside it, as Crashed."""
    runs = left_over(api, member)
    if any(not run.worker for run in runs):
        time.sleep(ALONE_SECONDS)  # another worker may be about to put its name to it
    alive = ours.run_processes(home)
    orphans = [process for run in runs for process in alive.get(run.id, [])]
    _, staying = psutil.wait_procs(orphans, timeout=ALONE_SECONDS)
    ours.end(staying, END_SECONDS)
    silent = {run.id for run in left_over(api, member)}  # the others ended in time to say so themselves
    for run in runs:
        if run.id in silent:
            log.warning("run %s (pid %s) was left by a dead worker: Crashed", run.name, run.pid or "unknown")
            api.close([run.id], "CRASHED", "its process was gone, or ended because its worker was gone")
        elif run.worker:
            api.close_within([run.id], "CRASHED", "the run around it is over")


def command_of(member: str, *, probe: bool) -> list[str]:
    """Prefect's worker of a member; with `probe` it answers `/health`, where PREFECT_WORKER_WEBSERVER_PORT says."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--type", "process", "--pool", role_of(member)]
    queues = [part for queue in queues_of(member) for part in ("--work-queue", queue)]
    name = f"{member}{NAMED_ON}{os.uname().nodename}"
    return [*command, *queues, "--name", name, *(["--with-healthcheck"] if probe else [])]


def main(member: str) -> None:
    """Clear what this member left, then become Prefect's worker."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    pool = role_of(member)
    home = Path(os.environ["SRE_HOME"])
    settings = environment.load(home / environment.FOR_ALL)
    if pool == "on-call":
        settings |= environment.load(home / environment.FOR_ON_CALL)
    os.environ.update({name: value for name, value in settings.items() if name not in os.environ})
    with connect(os.environ["PREFECT_API_URL"]) as api:
        wait_for(api, PATIENCE_SECONDS)
        if os.environ.get("SRE_LOCAL_RUNS") == "yes":
            bury(api, member, home)
    command = command_of(member, probe=os.environ.get("SRE_WORKER_PROBE") == "yes")
    os.execv(sys.executable, command)


if __name__ == "__main__":
    main(sys.argv[1])
