"""A real supervisord with small real processes, for one test."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from adapters.supervisord_client import Supervisord
from domain.errors import Unavailable

HEAD = """\
[unix_http_server]
file={folder}/s

[supervisord]
nodaemon=true
directory={folder}
logfile=/dev/null
logfile_maxbytes=0
pidfile={folder}/pid

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""


def program(name: str, command: str = "sleep 1000", **options: object) -> str:
    """One program that counts as running at once, unless told otherwise."""
    # A stop that comes before the program's exec is swallowed by the fork of supervisord, which then waits this long.
    options = {
        "stopwaitsecs": 1,
        "startsecs": 0,
        "autorestart": "true",
        "stdout_logfile": "NONE",
        "stderr_logfile": "NONE",
    } | options
    lines = "".join(f"{key}={value}\n" for key, value in options.items())
    return f"\n[program:{name}]\ncommand={command}\n{lines}"


def group(name: str, *programs: str) -> str:
    return f"\n[group:{name}]\nprograms={','.join(programs)}\n"


def poll(reached: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until it is so; fails the test when it never is."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, f"not reached within {seconds:g} s"
        time.sleep(0.02)


def answers(server: Supervisord) -> bool:
    try:
        return server.pid() > 0
    except Unavailable:
        return False


@contextmanager
def supervisord(programs: str) -> Iterator[str]:
    """Address of a supervisord that runs `programs`; all of it ends with the block."""
    with tempfile.TemporaryDirectory(prefix="sv") as folder:
        config = Path(folder) / "conf"
        config.write_text(HEAD.format(folder=folder) + programs)
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            address = f"unix://{folder}/s"
            poll(lambda: answers(Supervisord(address, 5)))
            yield address
        finally:
            started = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            process.kill()
            process.wait()
            for child in started:
                if child.is_running():
                    child.kill()
