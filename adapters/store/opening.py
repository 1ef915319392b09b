"""The agent's database with the keyring of this process: the one way by which our processes open it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache, partial
from threading import Lock
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from adapters.encryption_keys import keyring_of
from adapters.parts_file import PROJECT
from adapters.sealing import Keyring, use
from adapters.store.database import ANSWER_SECONDS, ARCHIVE, connect
from adapters.store.tables.chained import sealed_keys
from domain.encryption_settings import EncryptionSettings
from domain.errors import BadSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.log_archive import Archive
    from domain.settings import Settings

SIGNING = "signing"


def open_database(
    url: str, encryption: EncryptionSettings, files: str, *, answer_seconds: float = ANSWER_SECONDS
) -> sa.Engine:
    """As `connect`, and from now on this process seals and opens with the keys of `encryption`.

    `files`: where compacted logs lie, as `store.files` says it. Raises BadSettings for a wrong URL, or when keys are
    missing or wrong.
    """
    engine = with_keyring(connect(url, answer_seconds=answer_seconds), keyring_of(encryption))
    return _knowing(engine, cache(partial(archive_at, files)))


def url_of(tree: Settings) -> str:
    """Where the agent's database is. Raises BadSettings where none is set and none is embedded."""
    if url := tree.store.url.get_secret_value():
        return url
    raise BadSettings("no database: start the embedded one with `sre up`, or set SRE_STORE__URL")


def database_of(tree: Settings, *, answer_seconds: float = ANSWER_SECONDS) -> sa.Engine:
    """The agent's database. Raises BadSettings as `open_database`, and where none is set and none is embedded."""
    return open_database(url_of(tree), tree.encryption, tree.store.files, answer_seconds=answer_seconds)


def archive_at(files: str) -> Archive:
    """The archive at a URI, or in a folder; one that is not absolute lies in the project."""
    from adapters.log_archive import Archive  # noqa: PLC0415 - most questions read no file, and Arrow takes long to load

    return Archive(files if "://" in files else PROJECT / files)


def with_archive(engine: sa.Engine, archive: Archive) -> sa.Engine:
    """The engine, whose connections know where the files of compacted logs lie."""
    return _knowing(engine, lambda: archive)


def _knowing(engine: sa.Engine, archive: Callable[[], Archive]) -> sa.Engine:
    """The engine; the archive is asked for when a file is read."""

    def tell(_connection: Any, record: Any) -> None:  # noqa: ANN401 - the driver's and the pool's
        record.info[ARCHIVE] = archive

    sa.event.listen(engine, "connect", tell)
    return engine


def with_keyring(engine: sa.Engine, keyring: Keyring) -> sa.Engine:
    """The engine, which takes the store's signing key up, or makes it, when it connects first."""
    use(keyring)
    if keyring.ids:
        sa.event.listen(engine, "engine_connect", _Taking(keyring))
    return engine


class _Taking:
    """Takes the signing key up once; a store without its table, because it was not migrated yet, is asked again."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._done = False
        self._lock = Lock()

    def __call__(self, connection: sa.Connection) -> None:
        """Before the connection does anything else."""
        if self._done:
            return
        with self._lock:
            if not self._done and sa.inspect(connection).has_table(sealed_keys.name):
                if known := signing_key(connection, self._keyring):
                    self._keyring.take_signing_key(known)
                self._done = True
        connection.rollback()  # nothing of ours is left in a transaction of whoever connects


def signing_key(connection: sa.Connection, keyring: Keyring) -> bytes | None:
    """The store's signing key, sealed; made where there is none, unless nothing is to be sealed."""
    query = sa.select(sealed_keys.c.sealed).where(sealed_keys.c.name == SIGNING)
    if (known := connection.scalar(query)) is not None:
        return bytes(known)
    if not keyring.sealing_id:
        return None
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    made = {"name": SIGNING, "sealed": keyring.new_signing_key(), "made_at": datetime.now(UTC)}
    connection.execute(insert(sealed_keys).values(made).on_conflict_do_nothing())
    connection.commit()
    return bytes(connection.scalars(query).one())
