"""Which processes of this machine are ours: those whose environment names our home."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from signal import SIGINT

import psutil

from adapters.postgres import Embedded

END_SECONDS = 5


def environment(process: psutil.Process) -> Mapping[str, str]:
    """The environment that a process was started with; empty when it is gone or not to be read."""
    try:
        return process.environ()
    except (psutil.Error, OSError):
        return {}


def processes(folder: Path, part: str | None = None) -> Iterator[psutil.Process]:
    """Processes of the parts of this home, or of one part; never this process or one above it."""
    spared = {process.pid for process in (psutil.Process(), *psutil.Process().parents())}
    for process in psutil.process_iter():
        if process.pid in spared:
            continue
        found = environment(process)
        if found.get("SRE_HOME") == str(folder) and found.get("SRE_PART") and part in (None, found["SRE_PART"]):
            yield process


def run_processes(folder: Path) -> dict[str, list[psutil.Process]]:
    """Processes of the flow runs of this home, by the id of the run."""
    found: dict[str, list[psutil.Process]] = {}
    for process in processes(folder):
        if run := environment(process).get("PREFECT__FLOW_RUN_ID"):
            found.setdefault(run, []).append(process)
    return found


def end(processes: Iterable[psutil.Process], seconds: float) -> None:
    """SIGTERM, then SIGKILL for those that are still there after `seconds`."""
    ending = list(processes)
    for process in ending:
        signal(process, kill=False)
    _, alive = psutil.wait_procs(ending, timeout=seconds)
    for process in alive:
        signal(process, kill=True)
    psutil.wait_procs(alive, timeout=seconds)


def end_all(folder: Path, server: Embedded | None) -> None:
    """End what outlived its supervisord: PostgreSQL, which hides its environment, last and by its own pid file."""
    end(processes(folder), END_SECONDS)
    postmaster = server and server.process()
    if postmaster:
        postmaster.send_signal(SIGINT)
        psutil.wait_procs([postmaster], timeout=60)


def signal(process: psutil.Process, *, kill: bool) -> None:
    """End one process; psutil makes sure that its pid is not another's by now."""
    try:
        process.kill() if kill else process.terminate()
    except psutil.NoSuchProcess:
        return
