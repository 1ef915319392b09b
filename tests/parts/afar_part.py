"""An agent that commands are sent to: its HTTP service on loopback, over a store with something of everything."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from click.testing import CliRunner

from adapters.settings_files import load
from adapters.store import users
from adapters.store.database import Engine, connect
from console.http.app import create
from console.http.desk import Desk
from console.http.service import Service
from console.main import cli, told
from deployments.ports import unused
from domain.access import Scope
from domain.afar import SENT
from domain.errors import SreError
from domain.people import Role
from tests.parts.console_part import add_user
from tests.parts.http_part import a_service

LOCAL_NAME = "ann"  # who runs `sre` on the agent's machine


TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(\+00:00)?|\d{8}T\d{6}Z|UID:\w+|\d{9,}\.\d+")


def timeless(value: object) -> str:
    return TIME.sub("<time>", str(value))


def path_of(words: tuple[str, ...]) -> str:
    return max((name for name in SENT if " ".join(words).startswith(name)), key=len, default="")


@dataclass(frozen=True)
class Said:
    """What a call of `sre` printed, and its exit code."""

    out: str
    err: str
    exit: int


def sre(*words: str) -> Said:
    """A call as `console.main.main` ends it."""
    done = CliRunner().invoke(cli, words, prog_name="sre")
    if isinstance(done.exception, SreError):
        return Said(done.stdout, f"{done.stderr}{told(done.exception)}\n", 1)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Said(done.stdout, done.stderr, done.exit_code)


def wall_clock() -> datetime:
    return datetime.now(UTC)


def a_token(store: Engine, name: str, *scopes: Scope) -> str:
    now = wall_clock()
    return users.add_token(store, name, scopes or tuple(Scope), by="root", now=now, expires_at=now + timedelta(hours=1))


@contextmanager
def running(made: uvicorn.Server) -> Iterator[None]:
    """The server, until it is no longer needed."""
    thread = threading.Thread(target=made.run)
    thread.start()
    deadline = time.monotonic() + 30
    while not made.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    try:
        yield
    finally:
        made.should_exit = True
        thread.join(30)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The address of an application that listens on loopback."""
    port = unused()
    made = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, lifespan="off", log_level="critical"))
    with running(made):
        yield f"http://127.0.0.1:{port}"


@dataclass(frozen=True)
class Agent:
    """The agent's machine, as tests reach it from there and from afar."""

    url: str
    store: Engine
    service: Service
    environment: pytest.MonkeyPatch

    def token(self, name: str = LOCAL_NAME, role: Role = Role.ADMIN, *scopes: Scope, person: str = "") -> str:
        """A token of a user, who is added or gets that role."""
        add_user(self.store, name, role, person)
        return a_token(self.store, name, *scopes)

    def sent(self, token: str, *words: str) -> Said:
        """The same call from another machine."""
        with self.environment.context() as there:
            there.setenv("SRE_API_URL", self.url)
            there.setenv("SRE_API_TOKEN", token)
            there.delenv("SRE_STORE__URL")
            return sre(*words)


@contextmanager
def agent(url: str, home: Path, environment: pytest.MonkeyPatch, **changes: Any) -> Iterator[Agent]:
    """An agent with that database, whose settings are those of the environment."""
    environment.setenv("SRE_HOME", str(home))
    environment.setenv("SRE_STORE__URL", url)
    environment.setenv("LOGNAME", LOCAL_NAME)
    environment.delenv("SRE_USER", raising=False)
    store, found = connect(url), load()
    made = a_service(
        store, home, desk=Desk(found.settings, found.origins, home), clock=wall_clock, mask=_nothing_to_mask
    )
    made = replace(made, **changes)
    with served(create(made)) as address:
        yield Agent(address, store, made, environment)
    store.dispose()


def _nothing_to_mask(text: str) -> str:
    return text
