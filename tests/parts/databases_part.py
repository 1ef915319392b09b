"""Databases for tests: one PostgreSQL server for the session, a migrated database of its own for each test."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg

from adapters import postgres
from adapters.store.migrate import migrate

SECONDS = 30
TEMPLATE = "migrated"
# A test's data need not survive a power cut.
FAST = ("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off")


@dataclass
class Server:
    """One embedded PostgreSQL that can be stopped and started again."""

    embedded: postgres.Embedded
    process: subprocess.Popen[bytes] | None = None
    numbers: Iterator[int] = field(default_factory=count)

    def start(self) -> None:
        postgres.forget_dead_server(self.embedded)
        account = pwd.getpwnam(self.embedded.user) if self.embedded.user else None
        self.process = subprocess.Popen(
            [*self.embedded.command(), *FAST],
            cwd=self.embedded.folder,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + SECONDS
        while problem := postgres.reachable(self.embedded.url("postgres")):
            assert self.process.poll() is None, problem
            assert time.monotonic() < deadline, problem
            time.sleep(0.05)

    def stop(self) -> None:
        """A fast shutdown: open transactions are rolled back."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(SECONDS)
            self.process = None

    def administer(self, order: str) -> None:
        with psycopg.connect(self.embedded.url("postgres"), autocommit=True) as connection:
            connection.execute(order.encode())

    def empty(self) -> str:
        """URL of a new database without any table."""
        name = f"test_{os.getpid()}_{next(self.numbers)}"
        self.administer(f'CREATE DATABASE "{name}"')
        return self.embedded.url(name)

    def fresh(self) -> str:
        """URL of a new database with the newest schema."""
        name = f"test_{os.getpid()}_{next(self.numbers)}"
        # A copy of files takes a third of the time that one through the write-ahead log takes.
        self.administer(f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}" STRATEGY FILE_COPY')
        return self.embedded.url(name)


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    """A server with a template while the block runs."""
    embedded = postgres.place(home)
    postgres.initialise(embedded)
    server = Server(embedded)
    try:
        server.start()
        server.administer(f'CREATE DATABASE "{TEMPLATE}"')
        migrate(embedded.url(TEMPLATE))
        yield server
    finally:
        server.stop()
        postgres.remove(home)
