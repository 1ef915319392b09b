"""The embedded PostgreSQL starts wherever its home is, and gives only what it must to the user that runs it."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from adapters import postgres
from domain.errors import Unavailable

SECONDS = 30


@contextmanager
def served(embedded: postgres.Embedded) -> Iterator[subprocess.Popen[bytes]]:
    """The server while the block runs."""
    account = pwd.getpwnam(embedded.user) if embedded.user else None
    server = subprocess.Popen(
        embedded.command(),
        cwd=embedded.folder,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + SECONDS
        while problem := postgres.reachable(embedded.url("postgres")):
            assert time.monotonic() < deadline, problem
            time.sleep(0.05)
        yield server
    finally:
        server.kill()
        server.wait(SECONDS)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "project" / ".sre"
    folder.mkdir(parents=True)
    yield folder
    postgres.remove(folder)


def test_databases_are_made_once_and_what_was_committed_survives_a_kill(home: Path) -> None:
    embedded = postgres.place(home)
    postgres.initialise(embedded)
    with served(embedded):
        postgres.create_databases(embedded)
        with psycopg.connect(embedded.url("agent")) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    postgres.initialise(embedded)
    with served(embedded):
        postgres.create_databases(embedded)
        with psycopg.connect(embedded.url("agent")) as connection:
            assert connection.execute("SELECT one FROM kept").fetchall() == [(1,)]
            assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
        with psycopg.connect(embedded.url("prefect")) as connection:
            assert connection.execute("SELECT similarity('page', 'pages') > 0").fetchone() == (True,)


def test_a_private_project_keeps_its_mode_and_still_gets_a_server(home: Path) -> None:
    home.parent.chmod(0o700)
    embedded = postgres.place(home)
    postgres.initialise(embedded)
    with served(embedded) as server:
        assert server.poll() is None
    assert stat.S_IMODE(home.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(embedded.folder.stat().st_mode) == 0o700
    assert postgres.place(home) == embedded


def test_programs_that_the_user_cannot_read_are_copied(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root hands the server to another user")
    site = home.parent / "private"
    site.mkdir(mode=0o700)
    installed = postgres.wheel()
    for name in (installed.name, f"{installed.name}.libs"):
        shutil.copytree(installed.parent / name, site / name, symlinks=True)
    monkeypatch.setattr(postgres, "wheel", lambda: site / installed.name)
    embedded = postgres.place(home)
    assert embedded.folder in embedded.programs.parents
    postgres.initialise(embedded)
    with served(embedded) as server:
        assert server.poll() is None


def test_a_path_too_long_for_a_socket_moves_the_socket_only(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 30) / ".sre"
    home.mkdir(parents=True)
    embedded = postgres.place(home)
    try:
        assert len(str(embedded.sockets / postgres.SOCKET)) <= postgres.LONGEST_SOCKET_PATH
        postgres.initialise(embedded)
        with served(embedded):
            assert postgres.reachable(embedded.url("postgres")) == ""
    finally:
        postgres.remove(home)


def test_an_interrupted_initialisation_is_made_anew(home: Path) -> None:
    embedded = postgres.place(home)
    (embedded.folder / "data.partial").mkdir()
    (embedded.folder / "data.partial" / "PG_VERSION").write_text("18\n")
    postgres.initialise(embedded)
    assert (embedded.data / "global" / "pg_control").exists()
    assert not (embedded.folder / "data.partial").exists()


def test_a_dead_servers_lock_is_removed_when_its_pid_is_anothers(home: Path) -> None:
    embedded = postgres.place(home)
    postgres.initialise(embedded)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        (embedded.data / "postmaster.pid").write_text(f"{other.pid}\n{embedded.data}\n")
        postgres.initialise(embedded)
        other.kill()
    with served(embedded) as server:
        assert server.poll() is None


def test_initdb_says_what_is_wrong_and_what_to_do_instead(home: Path) -> None:
    embedded = postgres.place(home)
    embedded.data.mkdir()
    with pytest.raises(Unavailable, match="SRE_STORE__URL"):
        postgres.run(embedded, ["initdb", "--no-such-option"])
