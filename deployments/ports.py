"""Loopback ports: the usual one while it is free, else any."""

from __future__ import annotations

import json
import socket
from collections.abc import Collection, Mapping
from pathlib import Path

USUAL: Mapping[str, int] = {"kafka": 9092, "prefect": 4200, "mlflow": 5000, "smtp": 1025, "http": 8088}


def free(port: int) -> bool:
    """Whether a server could listen on this loopback port; 0 asks for any and is always free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def unused() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def choose(file: Path, running: Collection[str]) -> dict[str, int]:
    """A port for each server, kept in `file`: the one it had, unless another program took it while it did not run."""
    before: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    wanted = {name: before.get(name, usual) for name, usual in USUAL.items()}
    ports = {name: port if name in running or free(port) else unused() for name, port in wanted.items()}
    file.write_text(json.dumps(ports))
    return ports
