"""The shop's own supervisord: its configuration, and bringing all of it up and down."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil

from adapters.supervisord_client import ProgramState, Supervisord
from deployments.shop import layout
from deployments.shop.layout import SERVICES, WORKERS, Shop, worker_name
from domain.errors import Unavailable

PROJECT = Path(__file__).resolve().parents[2]
UP_SECONDS = 30.0
ANSWER_SECONDS = 5.0
LOAD = "load:load"  # the program that makes the steady traffic
# What is being stopped still finishes the request in hand, so it has not ended.
ENDED = (ProgramState.STOPPED, ProgramState.EXITED, ProgramState.FATAL)

HEAD = """\
[unix_http_server]
file={socket}
chmod=0700

[supervisord]
nodaemon=false
directory={project}
logfile={folder}/supervisord.log
logfile_maxbytes=1MB
logfile_backups=1
pidfile={folder}/supervisord.pid
; fewer arenas, so that resident memory follows what a service really holds
environment=MALLOC_ARENA_MAX="2"
{user}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
PROGRAM = """
[program:{name}]
command="{python}" -m {module} {arguments} "{home}"
autostart={autostart}
autorestart=true
startsecs=1
startretries=3
stopsignal=TERM
stopwaitsecs=6
redirect_stderr=true
stdout_logfile={folder}/{name}.log
stdout_logfile_maxbytes=1MB
stdout_logfile_backups=1
"""


def configuration(home: Path) -> str:
    """Text of supervisord's configuration: one group per service, of which the first worker starts by itself."""
    folder = str(layout.folder(home)).replace("%", "%%")
    fixed = {"folder": folder, "home": str(home).replace("%", "%%"), "python": sys.executable.replace("%", "%%")}
    user = "user=root\n" if os.geteuid() == 0 else ""
    project = str(PROJECT).replace("%", "%%")
    parts = [HEAD.format(socket=f"{folder}/supervisord.sock", project=project, user=user, folder=folder)]
    for service in SERVICES:
        names = [worker_name(service, number) for number in range(WORKERS)]
        parts.append(f"\n[group:{service}]\nprograms={','.join(names)}\n")
        parts += [
            PROGRAM.format(
                name=name,
                module="deployments.shop.service",
                arguments=f"{service} {number}",
                autostart="false" if number else "true",
                **fixed,
            )
            for number, name in enumerate(names)
        ]
    parts.append(PROGRAM.format(name="load", module="deployments.shop.load", arguments="", autostart="true", **fixed))
    return "".join(parts)


def server(shop: Shop) -> Supervisord:
    """The shop's supervisord."""
    return Supervisord(shop.supervisord, ANSWER_SECONDS)


def answers(shop: Shop) -> bool:
    """Whether its supervisord is there."""
    try:
        server(shop).pid()
    except Unavailable:
        return False
    return True


def is_up(home: Path) -> bool:
    """Whether the shop of this home runs."""
    shop = layout.read(home)
    return shop is not None and answers(shop)


def up(home: Path, *, bootstrap: str, topic: str, rate: float) -> Shop:
    """Start the shop, or leave it alone when just this shop runs already. Raises Unavailable when it does not start."""
    home = home.resolve()
    if (shop := layout.read(home)) and answers(shop):
        if shop == replace(shop, bootstrap=bootstrap, topic=topic, rate=rate):
            wait_until_running(shop)
            return shop
        down(home)
    shop = layout.plan(home, bootstrap=bootstrap, topic=topic, rate=rate)
    layout.write(home, shop)
    layout.write_inventory(home)
    config = layout.folder(home) / "supervisord.conf"
    config.write_text(configuration(home))
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)]
    started = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=UP_SECONDS)
    if started.returncode:
        raise Unavailable(f"the shop's supervisord did not start: {started.stderr.strip() or started.stdout.strip()}")
    wait_until_running(shop)
    return shop


def wait_until_running(shop: Shop) -> None:
    """Return when the first worker of each service and the load generator run."""
    wanted = {f"{service}:{worker_name(service, 0)}" for service in SERVICES} | {LOAD}
    wait(lambda: wanted <= running(shop), f"the shop is not up; see the outputs beside {shop.supervisord}")


def running(shop: Shop) -> set[str]:
    """Names of the processes that run; empty while supervisord does not answer."""
    return _in_state(shop, ProgramState.RUNNING)


def _in_state(shop: Shop, *states: ProgramState) -> set[str]:
    try:
        return {info.name for info in server(shop).processes() if info.state in states}
    except Unavailable:
        return set()


def workers(shop: Shop, service: str) -> int:
    """How many processes of a service run right now."""
    return sum(name.startswith(f"{service}:") for name in running(shop))


def set_traffic(shop: Shop, *, on: bool) -> None:
    """Begin or end the steady traffic, and return when that is so."""
    change = server(shop).start if on else server(shop).stop
    change(LOAD)
    reached = (ProgramState.RUNNING,) if on else ENDED
    wait(lambda: LOAD in _in_state(shop, *reached), f"the traffic does not {'begin' if on else 'end'}")


def down(home: Path) -> None:
    """Stop the shop and wait until it is gone; fine when it does not run."""
    shop = layout.read(home)
    if shop is None or not is_up(home):
        return
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(server(shop).pid())
        # All at once: its own shutdown takes one group after the other.
        for name in running(shop):
            server(shop).stop(name)
        server(shop).shutdown()
        wait(lambda: not process.is_running(), f"supervisord {process.pid} of the shop does not end")


def wait(reached: Callable[[], bool], failure: str) -> None:
    """Poll until `reached`; Unavailable with `failure` when it takes too long."""
    deadline = time.monotonic() + UP_SECONDS
    while not reached():
        if time.monotonic() > deadline:
            raise Unavailable(failure)
        time.sleep(0.1)
