"""A real systemd: a user's instance in a mount namespace of its own, where the machine was not booted with one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from adapters.systemd_bus import SystemdBus
from domain.errors import Unavailable
from tests.contracts.supervisord_part import poll

SYSTEMD = "/lib/systemd/systemd"
UNITS = {
    "web.service": "[Service]\nExecStart=/bin/sleep 1000\n",
    "slow.service": "[Service]\nExecStart=/bin/sleep 1000\nExecStop=/bin/sleep 1\n",
    "broken.service": "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/false\n",
    "worker@.service": "[Service]\nExecStart=/bin/sleep 1000\n",
}


STARTED = ("web.service", "slow.service", "worker@1.service")


def missing() -> str:
    """Why there can be no systemd here, or nothing."""
    if not Path(SYSTEMD).exists():
        return f"{SYSTEMD} is not there"
    for program in ("bwrap", "dbus-daemon"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    return ""


def need() -> None:
    """Without systemd: skipped, in CI a failure."""
    if why := missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no systemd to test against: {why}")


@contextmanager
def systemd() -> Iterator[None]:
    """A user's instance with our units while the block runs; what is in the environment points at it."""
    need()
    kept = {name: os.environ.get(name) for name in ("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DBUS_SESSION_BUS_ADDRESS")}
    with tempfile.TemporaryDirectory(prefix="sd") as folder:
        runtime, config = Path(folder) / "run", Path(folder) / "config"
        runtime.mkdir(mode=0o700)
        (config / "systemd/user").mkdir(parents=True)
        for name, text in UNITS.items():
            (config / "systemd/user" / name).write_text(text)
        os.environ |= {"XDG_RUNTIME_DIR": str(runtime), "XDG_CONFIG_HOME": str(config)}
        os.environ.pop("DBUS_SESSION_BUS_ADDRESS", None)
        # It only starts where it believes that the machine was booted by it, which is so in a /run of its own.
        command = [
            "bwrap",
            "--dev-bind",
            "/",
            "/",
            "--tmpfs",
            "/run",
            "--dir",
            "/run/systemd/system",
            SYSTEMD,
            "--user",
        ]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            poll(lambda: process.poll() is not None or _answers())
            assert process.poll() is None, "systemd ended at once"
            with SystemdBus("user") as bus:
                for name in STARTED:
                    bus.start(name)
                poll(
                    lambda: all((bus.unit(name) or bus).active == "active" for name in ("web.service", "slow.service"))
                )
            yield
        finally:
            _stop(process)
            for name, value in kept.items():
                os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)


def _is_active(bus: SystemdBus, name: str) -> bool:
    unit = bus.unit(name)
    return unit is not None and unit.active == "active"


def _answers() -> bool:
    try:
        with SystemdBus("user") as bus:
            return bool(bus.matching("-.slice"))
    except Unavailable:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Its units end with it."""
    try:
        started = psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        started = []
    for child in started[:1]:
        child.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for left in started:
        try:
            left.kill()
        except psutil.Error:
            continue
