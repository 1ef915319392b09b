"""Connections to the agent's database: PostgreSQL for everything, SQLite for one process.

Time limits keep a stopped process from holding a row for ever: a lock is waited for 5 s, a
transaction may idle for 10 s.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, SQLAlchemyError

from domain.errors import BadSettings, Refused, Unavailable

# What others call the database, without knowing whose it is.
Engine = sa.Engine

LOCK_SECONDS = 5
IDLE_SECONDS = 10
CONNECT_SECONDS = 5
# PostgreSQL's serialization failure, deadlock, lock not available: the same transaction may succeed later.
AGAIN = {"40001", "40P01", "55P03"}


class Contended(Unavailable):
    """Another transaction got there first; the same work may succeed when it is done again."""


def connect(url: str) -> sa.Engine:
    """An engine for a `postgresql://` or `sqlite://` URL. Raises BadSettings for any other."""
    try:
        parsed = sa.make_url(url)
    except SQLAlchemyError as error:
        raise BadSettings(f"store.url: not a database URL: {error}") from error
    if parsed.get_backend_name() == "postgresql":
        options = f"-c lock_timeout={LOCK_SECONDS}s -c idle_in_transaction_session_timeout={IDLE_SECONDS}s"
        return sa.create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            pool_size=5,
            connect_args={"options": options, "connect_timeout": CONNECT_SECONDS, "application_name": "sre-agent"},
        )
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:":
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            return sa.create_engine(parsed, connect_args={"timeout": LOCK_SECONDS, "check_same_thread": False})
        return sa.create_engine(parsed, poolclass=sa.StaticPool, connect_args={"check_same_thread": False})
    raise BadSettings(f"store.url: {parsed.get_backend_name()} is not supported; use postgresql:// or sqlite://")


@contextmanager
def transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction. Raises Unavailable, Contended or Refused in place of the driver's errors."""
    with mapped(), engine.begin() as connection:
        yield connection


@contextmanager
def mapped() -> Iterator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except IntegrityError as error:
        raise Contended(f"store: {error.orig}") from error
    except (OperationalError, InterfaceError) as error:
        kind = Contended if getattr(error.orig, "sqlstate", None) in AGAIN else Unavailable
        raise kind(f"store: {error.orig}") from error
    except DBAPIError as error:
        if error.connection_invalidated or getattr(error.orig, "sqlstate", None) in {"57P01", "25P03"}:
            raise Unavailable(f"store: {error.orig}") from error
        raise Refused(f"store: {error.orig}") from error
