"""Connections to the agent's database: PostgreSQL for everything, SQLite for one process.

Time limits keep a stopped process from holding a row for ever: a lock is waited for 5 s, a
transaction may idle for 10 s. Limits of TCP end a connection to a server of which nothing comes any more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError

from adapters.store.patient_connection import PatientConnection
from domain.errors import BadSettings, Refused, SreError, Unavailable

# What others call the database, without knowing whose it is.
Engine = sa.Engine
Connection = sa.Connection

LOCK_SECONDS = 5
IDLE_SECONDS = 10
CONNECT_SECONDS = 5
LOOK_SECONDS = 60  # one question of a look at what is stored
ARCHIVE = "log_archive"  # by this name a connection's info holds how files of logs are reached
ANSWER_SECONDS = 600  # the longest that one statement of ours takes, but for those that rewrite tables
SILENT_SECONDS = 20
# How long a server or a network may say nothing, unless the URL says so itself; libpq leaves all but the first out
# for Unix sockets. What was sent and is not acknowledged, and a server that is waited for, end a connection alike.
SILENCE = {
    "connect_timeout": CONNECT_SECONDS,
    "tcp_user_timeout": SILENT_SECONDS * 1000,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}
# PostgreSQL's serialization failure, deadlock, lock not available: the same transaction may succeed later.
AGAIN = {"40001", "40P01", "55P03"}
# PostgreSQL's administrator shutdown, idle in transaction for too long.
CUT_OFF = {"57P01", "25P03"}

# What libpq says where the two sides do not agree on TLS.
OF_TLS = ("certificate", "does not support SSL", "SSL connection has been", "SSL error")


class Contended(Unavailable):
    """Another transaction got there first; the same work may succeed when it is done again."""


def connect(url: str, *, answer_seconds: float = ANSWER_SECONDS) -> sa.Engine:
    """An engine for a `postgresql://` or `sqlite://` URL. Raises BadSettings for any other.

    `answer_seconds`: how long a server may say nothing to one statement.
    """
    try:
        parsed = sa.make_url(url)
    except (SQLAlchemyError, ValueError) as error:  # whose text may be a piece of the URL, so of a password
        raise BadSettings("store.url: not a database URL; write postgresql://user:password@host:port/name") from error
    if parsed.get_backend_name() == "postgresql":
        patience = {name: value for name, value in SILENCE.items() if name not in parsed.query}
        # A server in Berlin would write the last hour of the year 9999 as one that Python does not know.
        options = (
            f"-c TimeZone=UTC -c lock_timeout={LOCK_SECONDS}s -c idle_in_transaction_session_timeout={IDLE_SECONDS}s"
        )
        engine = sa.create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            pool_size=5,
            max_overflow=35,  # as many as `on-call` has threads; each goes back when it is not needed
            connect_args={"options": options, "application_name": "sre-agent"} | patience,
            json_deserializer=orjson.loads,
            hide_parameters=True,  # which quote logs
        )
        return _patient(engine, answer_seconds)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:":
            _make_folder(Path(parsed.database).parent)
            connect_args = {"timeout": LOCK_SECONDS, "check_same_thread": False}
            return sa.create_engine(parsed, hide_parameters=True, connect_args=connect_args)
        return sa.create_engine(parsed, poolclass=sa.StaticPool, connect_args={"check_same_thread": False})
    raise BadSettings(f"store.url: {parsed.get_backend_name()} is not supported; use postgresql:// or sqlite://")


def _patient(engine: sa.Engine, answer_seconds: float) -> sa.Engine:
    """The engine, whose connections give a silent server up."""

    def opened(_dialect: Any, _record: Any, given: Any, named: dict[str, Any]) -> PatientConnection:  # noqa: ANN401
        made = PatientConnection.connect(*given, **named)
        made.answer_seconds = answer_seconds
        return made

    sa.event.listen(engine, "do_connect", opened)
    return engine


@contextmanager
def as_long_as_it_takes(connection: sa.Connection) -> Iterator[None]:
    """Inside, the connection waits as long as a statement takes."""
    held = connection.connection.driver_connection
    if not isinstance(held, PatientConnection):
        yield
        return
    before, held.answer_seconds = held.answer_seconds, 0
    try:
        yield
    finally:
        held.answer_seconds = before


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
def snapshot(engine: sa.Engine, *, seconds: int = LOOK_SECONDS) -> Iterator[sa.Connection]:
    """One transaction that sees one moment in all of its queries. Raises as `transaction` does.

    For what lists rows first and reads what they name then: under READ COMMITTED somebody may commit in between.
    A question that takes longer than `seconds` is ended; with 0 nothing is, and the transaction may idle.
    """
    # SQLite's only level.
    level = "REPEATABLE READ" if engine.dialect.name == "postgresql" else "SERIALIZABLE"
    with mapped(), engine.connect() as connection:
        one_moment = connection.execution_options(isolation_level=level)
        with one_moment.begin():
            if engine.dialect.name == "postgresql":
                one_moment.exec_driver_sql(f"SET LOCAL statement_timeout = '{seconds}s'")
                if not seconds:
                    one_moment.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            yield one_moment


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
    except StatementError as error:
        if isinstance(error.orig, SreError):  # a column said what is wrong with its value
            raise error.orig from error
        raise


def _ours(error: BaseException | None, *, gone: bool = False) -> SreError:
    state = getattr(error, "sqlstate", None)
    if state in AGAIN or isinstance(error, psycopg.IntegrityError | sqlite3.IntegrityError):
        return Contended(f"store: {error}")
    if any(words in str(error) for words in OF_TLS):
        return Unavailable(f"store: {error} (see sslmode and sslrootcert in store.url)")
    unreachable = (psycopg.OperationalError, psycopg.InterfaceError, sqlite3.OperationalError, sqlite3.InterfaceError)
    if gone or isinstance(error, unreachable) or state in CUT_OFF:
        return Unavailable(f"store: {error}")
    return Refused(f"store: {error}")
