"""Files of logs that no row of a block names, yet or any more.

Each is written down before it can be without a row, so that what a killed process leaves is known and removed. Files
that stand nowhere here are another store's, and are never touched.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from adapters.log_archive import Archive
from adapters.store.database import transaction
from adapters.store.tables.stored_logs import log_blocks, unnamed_files

LEFT_BEHIND = timedelta(days=1)  # whoever wrote it down is not at work on it any more


def note(connection: sa.Connection, paths: Iterable[str]) -> None:
    """These files are about to be written, or to lose their rows."""
    now = datetime.now(UTC)
    for path in paths:
        forget(connection, path)  # whoever noted it before us was killed
        connection.execute(unnamed_files.insert().values(path=path, noted_at=now))


def forget(connection: sa.Connection, path: str) -> None:
    """The file has a row, or is gone."""
    connection.execute(unnamed_files.delete().where(unnamed_files.c.path == path))


def drop(engine: sa.Engine, archive: Archive, paths: Iterable[str]) -> list[str]:
    """Remove files that were written down and have no row; which ones."""
    gone = []
    for path in paths:
        with transaction(engine) as connection:
            named = connection.scalar(sa.select(log_blocks.c.id).where(log_blocks.c.path == path).limit(1)) is not None
        if not named:
            archive.remove(path)
            gone.append(path)
        with transaction(engine) as connection:
            forget(connection, path)
    return gone


def sweep(engine: sa.Engine, archive: Archive, *, now: datetime) -> list[str]:
    """Remove what was left behind more than a day ago; which files."""
    old = sa.select(unnamed_files.c.path).where(unnamed_files.c.noted_at < now - LEFT_BEHIND)
    with transaction(engine) as connection:
        paths = sorted(connection.scalars(old))
    return drop(engine, archive, paths)
