"""PostgreSQL's own programs for dumps: those of the wheel, which know every server up to theirs, else the machine's."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from adapters import postgres
from domain.errors import Unavailable
from domain.masking import masked_urls

# Logs and models are packed already; more effort would take minutes and give nothing.
PACKED = "--compress=gzip:1"


def dump(url: str, target: Path, *, snapshot: str = "") -> None:
    """Write a database to a file that `load` reads, as it was at that snapshot or is now. Raises Unavailable."""
    moment = [f"--snapshot={snapshot}"] if snapshot else []
    _run("pg_dump", url, ["--format=custom", PACKED, "--no-owner", "--no-privileges", *moment, f"--file={target}"])


def load(url: str, source: Path) -> None:
    """Fill an empty database from such a file, all of it or nothing. Raises Unavailable."""
    _run("pg_restore", url, ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", str(source)])


def _run(program: str, url: str, arguments: list[str]) -> None:
    """The password goes through the environment: arguments of a command are seen by everybody."""
    from psycopg import ProgrammingError, conninfo  # noqa: PLC0415 - the command line must not wait for it

    try:
        parts = conninfo.conninfo_to_dict(url)
    except ProgrammingError as error:
        raise Unavailable("store.url: not an address that PostgreSQL's programs understand") from error
    password = parts.pop("password", None)
    environ = os.environ | ({"PGPASSWORD": str(password)} if password else {})
    database = f"--dbname={conninfo.make_conninfo('', **parts)}"
    done = subprocess.run(  # noqa: S603 - without a shell
        [_found(program), database, *arguments], env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Unavailable(f"{program}: {masked_urls(done.stderr.strip()) or f'exit code {done.returncode}'}")


def _found(program: str) -> str:
    try:
        wheels = postgres.wheel() / "pginstall" / "bin" / program
    except Unavailable:
        wheels = None
    if wheels is not None and wheels.exists():
        return str(wheels)
    if machines := shutil.which(program):
        return machines
    raise Unavailable(f"{program} is not installed: run `make setup`, or install PostgreSQL's client programs")
