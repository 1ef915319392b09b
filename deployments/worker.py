"""A worker of one pool: `python -m deployments.worker watch|on-call`.

A run outlives a worker that was killed, and nobody watches it from then on. So before a worker starts, the runs
of its pool that are left over get a moment to end by themselves, are ended, and are marked as Crashed, upon
which Prefect's trigger starts their successors.
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
from domain.errors import Unavailable
from domain.masking import masked_urls

ALONE_SECONDS = 5  # for a run to notice that its worker is gone and to finish the batch in hand
END_SECONDS = 5
PATIENCE_SECONDS = 300
log = logging.getLogger("deployments.worker")


def wait_for(api: PrefectApi, seconds: float) -> None:
    """Wait until the API answers. Raises Unavailable."""
    deadline = time.monotonic() + seconds
    while not api.healthy():
        if time.monotonic() > deadline:
            raise Unavailable(f"Prefect {masked_urls(str(api.client.base_url))} did not answer within {seconds:g} s")
        time.sleep(0.2)


def left_over(api: PrefectApi, pool: str) -> list[Run]:
    """Runs of the pool that had a process: nobody watches them before the pool's worker starts."""
    return [run for run in api.runs([pool]) if run.state in ("RUNNING", "CANCELLING", "PENDING")]


def bury(api: PrefectApi, pool: str, home: Path) -> None:
    """End what is left of the pool's runs and mark them, and what ran inside them, as Crashed."""
    runs = left_over(api, pool)
    alive = ours.run_processes(home)
    orphans = [process for run in runs for process in alive.get(run.id, [])]
    _, staying = psutil.wait_procs(orphans, timeout=ALONE_SECONDS)
    ours.end(staying, END_SECONDS)
    silent = {run.id for run in left_over(api, pool)}  # the others ended in time to say so themselves
    for run in runs:
        if run.id in silent:
            log.warning("run %s (pid %s) was left by a dead worker: Crashed", run.name, run.pid or "unknown")
            api.close([run.id], "CRASHED", "its process was gone, or ended because its worker was gone")
        else:
            api.close_within([run.id], "CRASHED", "the run around it is over")


def main(pool: str) -> None:
    """Clear the pool, then become Prefect's worker."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    home = Path(os.environ["SRE_HOME"])
    settings = environment.load(home / environment.FOR_ALL)
    if pool == "on-call":
        settings |= environment.load(home / environment.FOR_ON_CALL)
    os.environ.update({name: value for name, value in settings.items() if name not in os.environ})
    with connect(os.environ["PREFECT_API_URL"]) as api:
        wait_for(api, PATIENCE_SECONDS)
        if os.environ.get("SRE_LOCAL_RUNS") == "yes":
            bury(api, pool, home)
    command = [sys.executable, "-m", "prefect", "worker", "start", "--type", "process", "--pool", pool]
    os.execv(sys.executable, [*command, "--name", f"{pool} on {os.uname().nodename}"])


if __name__ == "__main__":
    main(sys.argv[1])
