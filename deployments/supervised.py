"""The supervisord that runs the parts: its configuration, its start and its end."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil

from adapters.parts_file import write_private
from adapters.supervisord_client import ProcessInfo, ProgramState, Supervisord
from deployments.layout import Home, tail
from deployments.programs import Program, section
from domain.errors import Unavailable
from domain.masking import masked_urls

CONTROL = """\
[supervisord]
logfile={logs}/supervisord.log
logfile_maxbytes=10MB
logfile_backups=1
pidfile={run}/supervisord.pid
childlogdir={logs}
{user}
[unix_http_server]
file={socket}
chmod=0700

[supervisorctl]
serverurl=unix://{socket}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
CALL_SECONDS = 10


def address(home: Home) -> str:
    """unix:// address of the home's supervisord."""
    return f"unix://{home.socket('supervisor.sock')}"


def client(home: Home) -> Supervisord:
    """The home's supervisord, whether it runs or not."""
    return Supervisord(address(home), CALL_SECONDS)


def configuration(home: Home) -> Path:
    """File that supervisord reads."""
    return home.folder / "supervisord.conf"


def write(home: Home, programs: Iterable[Program], *, root: bool) -> None:
    """Write the configuration; the addresses in it may hold passwords."""
    control = CONTROL.format(
        logs=str(home.logs).replace("%", "%%"),
        run=str(home.run).replace("%", "%%"),
        socket=str(home.socket("supervisor.sock")).replace("%", "%%"),
        user="user=root\n" if root else "",  # said on purpose, so that it does not warn
    )
    text = "\n\n".join([control, *(section(program, home) for program in programs)]) + "\n"
    write_private(configuration(home), text)


def running(home: Home) -> bool:
    """Whether the home's supervisord answers."""
    try:
        client(home).pid()
    except Unavailable:
        return False
    return True


def start(home: Home, environ: Mapping[str, str]) -> None:
    """Start supervisord with nothing running in it, and wait until it answers. Raises Unavailable."""
    control(home, "supervisor.supervisord", environ)
    deadline = time.monotonic() + CALL_SECONDS
    while not running(home):
        if time.monotonic() > deadline:
            raise Unavailable(f"supervisord does not answer; its log says:\n{tail(home.logs / 'supervisord.log')}")
        time.sleep(0.05)


def update(home: Home, environ: Mapping[str, str]) -> None:
    """Make a running supervisord follow a changed configuration: changed and dropped programs are stopped."""
    control(home, "supervisor.supervisorctl", environ, "update")


def control(home: Home, module: str, environ: Mapping[str, str], *arguments: str) -> None:
    """Run one of supervisor's programs on our configuration."""
    command = [sys.executable, "-W", "ignore", "-m", module, "-c", str(configuration(home)), *arguments]
    done = subprocess.run(
        command,
        env=dict(environ),
        cwd=home.project,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Unavailable(f"{module}: {masked_urls(done.stderr.strip() or done.stdout.strip())}")


def processes(home: Home) -> dict[str, ProcessInfo]:
    """The programs by name; empty when no supervisord answers."""
    try:
        return {info.process: info for info in client(home).processes()}
    except Unavailable:
        return {}


def begin(home: Home, name: str) -> None:
    """Ask for a program's start."""
    client(home).start(name)


def end(home: Home, names: Iterable[str], seconds: float = 90) -> None:
    """Stop programs side by side and wait until they are gone."""
    names = [name for name in names if name in processes(home)]
    for name in names:
        client(home).stop(name)
    gone = {ProgramState.STOPPED, ProgramState.EXITED, ProgramState.FATAL, ProgramState.UNKNOWN}
    deadline = time.monotonic() + seconds
    while any(info.state not in gone for name, info in processes(home).items() if name in names):
        if time.monotonic() > deadline:
            raise Unavailable(f"{', '.join(names)} did not stop within {seconds:g} s")
        time.sleep(0.1)


def shut_down(home: Home) -> None:
    """End supervisord and wait until its process is gone."""
    pid = client(home).pid()
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return
    client(home).shutdown()
    try:
        process.wait(CALL_SECONDS)
    except psutil.TimeoutExpired:
        process.kill()
