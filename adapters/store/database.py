"""Connections to the agent's database: PostgreSQL for everything, SQLite for one process.

Time limits keep a stopped process from holding a row for ever: a lock is waited for 5 s, a
transaction may idle for 10 s.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from domain.errors import BadSettings, Refused, SreError, Unavailable

# What others call the database, without knowing whose it is.
Engine = sa.Engine
Connection = sa.Connection

LOCK_SECONDS = 5
IDLE_SECONDS = 10
CONNECT_SECONDS = 5
# PostgreSQL's serialization failure, deadlock, lock not available: the same transaction may succeed later.
AGAIN = {"40001", "40P01", "55P03"}
# PostgreSQL's administrator shutdown, idle in transaction for too long.
CUT_OFF = {"57P01", "25P03"}


class Contended(Unavailable):
    """Another transaction got there first; the same work may succeed when it is done again."""


def connect(url: str) -> sa.Engine:
    """An engine for a `postgresql://` or `sqlite://` URL. Raises BadSettings for any other."""
    try:
        parsed = sa.make_url(url)
    except (SQLAlchemyError, ValueError) as error:  # whose text may be a piece of the URL, so of a password
        raise BadSettings("store.url: not a database URL; write postgresql://user:password@host:port/name") from error
    if parsed.get_backend_name() == "postgresql":
        options = f"-c lock_timeout={LOCK_SECONDS}s -c idle_in_transaction_session_timeout={IDLE_SECONDS}s"
        return sa.create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            pool_size=5,
            max_overflow=35,  # as many as `on-call` has threads; each goes back when it is not needed
            connect_args={"options": options, "connect_timeout": CONNECT_SECONDS, "application_name": "sre-agent"},
            json_deserializer=orjson.loads,
        )
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:":
            _make_folder(Path(parsed.database).parent)
            return sa.create_engine(parsed, connect_args={"timeout": LOCK_SECONDS, "check_same_thread": False})
        return sa.create_engine(parsed, poolclass=sa.StaticPool, connect_args={"check_same_thread": False})
    raise BadSettings(f"store.url: {parsed.get_backend_name()} is not supported; use postgresql:// or sqlite://")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"store: {folder} cannot be made: {error.strerror}") from error


@contextmanager
def transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction. Raises Unavailable, Contended or Refused in place of the driver's errors."""
    with mapped(), engine.begin() as connection:
        yield connection


@contextmanager
def mapped() -> Iterator[None]:
    """Turn the driver's errors into ours, also those of COPY, which SQLAlchemy does not see."""
    try:
        yield
    except DBAPIError as error:
        gone = error.connection_invalidated
        raise _ours(error.orig, gone=gone) from error
    except psycopg.Error as error:
        raise _ours(error) from error


def _ours(error: BaseException | None, *, gone: bool = False) -> SreError:
    state = getattr(error, "sqlstate", None)
    if state in AGAIN or isinstance(error, psycopg.IntegrityError | sqlite3.IntegrityError):
        return Contended(f"store: {error}")
    unreachable = (psycopg.OperationalError, psycopg.InterfaceError, sqlite3.OperationalError, sqlite3.InterfaceError)
    if gone or isinstance(error, unreachable) or state in CUT_OFF:
        return Unavailable(f"store: {error}")
    return Refused(f"store: {error}")
