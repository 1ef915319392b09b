"""The embedded PostgreSQL while a block runs, for what is done before `sre up`."""

from __future__ import annotations

import pwd
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters import postgres
from domain.errors import Unavailable

START_SECONDS = 60.0
STOP_SECONDS = 60.0
LOOK_SECONDS = 0.05


@contextmanager
def new_server(home: Path) -> Iterator[postgres.Embedded]:
    """A new server in this home, with its databases, stopped at the end; where the block fails, it goes again.

    Raises Unavailable.
    """
    home.mkdir(parents=True, exist_ok=True)
    embedded = postgres.place(home)
    try:
        postgres.initialise(embedded)
        with running(embedded):
            postgres.create_databases(embedded)
            yield embedded
    except BaseException:
        postgres.remove(home)
        raise


@contextmanager
def running(embedded: postgres.Embedded) -> Iterator[None]:
    """An embedded server while the block runs. Raises Unavailable where it does not start."""
    account = pwd.getpwnam(embedded.user) if embedded.user else None
    server = subprocess.Popen(  # noqa: S603 - the wheel's program
        embedded.command(),
        cwd=embedded.folder,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(embedded, server)
        yield
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait(embedded: postgres.Embedded, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while problem := postgres.reachable(embedded.url("postgres")):
        if server.poll() is not None or time.monotonic() > deadline:
            raise Unavailable(f"PostgreSQL in {embedded.folder} does not start: {problem}")
        time.sleep(LOOK_SECONDS)
