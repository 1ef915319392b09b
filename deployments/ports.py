"""Loopback ports: the usual one while it is free, else any.

Between the choice of a port and the start of its server another process could choose the same one.
So whoever chooses one holds a sign on it until he ends: a UDP socket of the same number, which no server here uses.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Collection, Mapping
from pathlib import Path

HOST = "127.0.0.1"
USUAL: Mapping[str, int] = {"kafka": 9092, "prefect": 4200, "mlflow": 5000, "smtp": 1025, "http": 8088}
_signs: dict[int, socket.socket] = {}  # port -> our sign on it


def free(port: int) -> bool:
    """Whether a server could listen on this loopback port; 0 asks for any and is always free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def claim(port: int) -> bool:
    """Whether no other process has chosen this port; from then on none does, until this one ends."""
    if port in _signs:
        return True
    sign = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sign.bind((HOST, port))
    except OSError:
        sign.close()
        return False
    _signs[port] = sign
    return True


def unused() -> int:
    """A loopback port that nobody listens on now, and that nobody else here was given."""
    while True:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port: int = probe.getsockname()[1]
            if port not in _signs and claim(port):
                return port


def choose(file: Path, running: Collection[str]) -> dict[str, int]:
    """A port for each server, kept in `file`: the one it had, unless another program took it while it did not run."""
    before: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    wanted = {name: before.get(name, usual) for name, usual in USUAL.items()}
    ports = {
        name: port if name in running or (free(port) and claim(port)) else unused() for name, port in wanted.items()
    }
    file.write_text(json.dumps(ports))
    return ports
