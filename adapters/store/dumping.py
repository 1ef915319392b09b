"""The agent's database as one file, from one moment, while others write; and back.

PostgreSQL's dump reads the snapshot in which the rows are counted and the files of logs are listed. SQLite's copy
is one moment by itself, and is counted afterwards. Where reading goes on stands in the same moment (`offsets`), so
what came later is read again from Kafka.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from adapters import postgres_programs
from adapters.store.chain import chain_head
from adapters.store.database import connect, snapshot, transaction
from adapters.store.tables.stored_logs import log_blocks
from domain.backups import Database
from domain.errors import Refused, Unavailable
from domain.ledger import Head

VERSIONS = "alembic_version"


@dataclass(frozen=True, slots=True)
class Dumped:
    """What the database held at the moment of the dump."""

    revision: str
    rows: Mapping[str, int]  # by table
    paths: tuple[str, ...]  # files of logs that its rows name, relative to `store.files`
    head: Head | None  # where the ledger's chain ended


def kind(url: str) -> Database:
    """What the URL names."""
    return Database(connect(url).dialect.name)


def known_revisions() -> list[str]:
    """Every revision of the schema that this version knows."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]


def dump(url: str, target: Path) -> Dumped:
    """Write the database to a file; what it held. Raises Refused where it holds nothing of ours, or Unavailable."""
    return _dump_sqlite(url, target) if kind(url) is Database.SQLITE else _dump_postgres(url, target)


def _dump_postgres(url: str, target: Path) -> Dumped:
    engine = connect(url, answer_seconds=0)
    try:
        with snapshot(engine, seconds=0) as connection:
            moment = str(connection.scalar(sa.text("SELECT pg_export_snapshot()")))
            found = _seen(connection)
            postgres_programs.dump(url, target, snapshot=moment)
        return found
    finally:
        engine.dispose()


def _dump_sqlite(url: str, target: Path) -> Dumped:
    path = _sqlite_file(url)
    if not path.is_file():
        raise Refused(f"{path} does not exist: there is nothing to back up")
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
            # One file, whatever the journal of the original is.
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise Unavailable(f"{path}: {error}") from error
    engine = connect(f"sqlite:///{target}")
    try:
        with transaction(engine) as connection:
            return _seen(connection)
    finally:
        engine.dispose()


def load(url: str, source: Path) -> dict[str, int]:
    """Fill an empty database from what `dump` wrote; its rows by table. Raises Unavailable."""
    if kind(url) is Database.SQLITE:
        path = _sqlite_file(url)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.touch(0o600)  # as private as the backup; SQLite itself asks the umask alone
            with closing(sqlite3.connect(source)) as held, closing(sqlite3.connect(path)) as copy:
                held.backup(copy)
        except (sqlite3.Error, OSError) as error:
            raise Unavailable(f"{path}: {error}") from error
    else:
        postgres_programs.load(url, source)
    engine = connect(url, answer_seconds=0)
    try:
        with transaction(engine) as connection:
            return row_counts(connection)
    finally:
        engine.dispose()


def is_empty(url: str) -> bool:
    """Whether the database holds no table; a file of SQLite that is not there is empty. Raises Unavailable."""
    if kind(url) is Database.SQLITE and not _sqlite_file(url).exists():
        return True
    engine = connect(url)
    try:
        with transaction(engine) as connection:
            return not sa.inspect(connection).get_table_names()
    finally:
        engine.dispose()


def _sqlite_file(url: str) -> Path:
    path = sa.make_url(url).database
    if not path or path == ":memory:":
        raise Refused("a database in memory cannot be backed up: name a file in SRE_STORE__URL")
    return Path(path)


def _seen(connection: sa.Connection) -> Dumped:
    tables = sa.inspect(connection).get_table_names()
    if VERSIONS not in tables:
        raise Refused("the database holds nothing of the agent: there is nothing to back up")
    revision = str(connection.scalar(sa.text("SELECT version_num FROM alembic_version")))
    paths: list[str] = []
    if log_blocks.name in tables:
        paths = [str(one) for one in connection.scalars(sa.select(log_blocks.c.path).where(log_blocks.c.path != ""))]
    return Dumped(revision, row_counts(connection), tuple(sorted(set(paths))), chain_head(connection))


def row_counts(connection: sa.Connection) -> dict[str, int]:
    """Rows of each table; those of a partition count for the whole."""
    names = set(sa.inspect(connection).get_table_names()) - {VERSIONS}
    if connection.dialect.name == "postgresql":
        query = "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
        names -= set(connection.scalars(sa.text(query)))
    return {name: _rows(connection, name) for name in sorted(names)}


def _rows(connection: sa.Connection, name: str) -> int:
    return int(connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0)
