"""Sealing files of compacted logs anew: a new file under a name of its own, then its row, then the old one goes.

Whoever dies in between leaves a file that no row names; `unnamed_files.sweep` removes it a day after it was written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from adapters.log_archive import Archive, Gone
from adapters.sealing import in_use
from adapters.store.compaction import LEVEL
from adapters.store.database import Engine, transaction
from adapters.store.tables.stored_logs import log_blocks, unnamed_files
from adapters.store.unnamed_files import drop, forget, note
from domain.rotation import Found


class SealedArchive:
    """The files that a row names."""

    name = "store.files"

    def __init__(self, engine: Engine, archive: Archive) -> None:
        self._engine = engine
        self._archive = archive

    def found(self) -> list[Found]:
        """How many files there are by key."""
        keys = Counter(key for row in self._rows() if (key := _key(self._archive, row.path)) is not None)
        return [Found(self.name, keys.total(), keys.pop("", 0), keys)] if keys else []

    def left(self) -> int:
        """Files that are not as they would be written now."""
        return sum(1 for _ in self._stale())

    def reseal(self) -> Iterator[int]:
        """One file after the other, each whole."""
        for row in self._stale():
            try:
                logs = self._archive.read(row.path, None)
            except Gone:
                continue  # retention was faster
            path = str(PurePosixPath(row.path).with_name(f"{_hour(row.path)}-{uuid4().hex}.parquet"))
            with transaction(self._engine) as connection:
                note(connection, [path])
            size = self._archive.write(path, logs, level=LEVEL)
            if self._swap(row, path, size):
                drop(self._engine, self._archive, [row.path])
                yield 1
            else:
                drop(self._engine, self._archive, [path])

    def _swap(self, row: sa.Row[Any], path: str, size: int) -> bool:
        """Let the row name the new file; False where the row went meanwhile."""
        this = (log_blocks.c.id == row.id, log_blocks.c.arrived_at == row.arrived_at, log_blocks.c.path == row.path)
        with transaction(self._engine) as connection:
            swapped = connection.execute(log_blocks.update().where(*this).values(path=path, size=size)).rowcount == 1
            if swapped:
                forget(connection, path)
                note(connection, [row.path])
            return swapped

    def _rows(self) -> list[sa.Row[Any]]:
        columns = (log_blocks.c.id, log_blocks.c.arrived_at, log_blocks.c.path)
        query = sa.select(*columns).where(log_blocks.c.path.is_not(None)).order_by(log_blocks.c.arrived_at)
        with transaction(self._engine) as connection:
            return list(connection.execute(query))

    def _stale(self) -> Iterator[sa.Row[Any]]:
        wanted = (in_use().sealing_id, None)
        return (row for row in self._rows() if _key(self._archive, row.path) not in wanted)


class UnnamedFiles:
    """Files that no row names: of a run that was killed, or of one that is about to name them."""

    name = "store.files without a row"
    until = "`sre compact` removes them a day after they were written"

    def __init__(self, engine: Engine, archive: Archive) -> None:
        self._engine = engine
        self._archive = archive

    def found(self) -> list[Found]:
        """How many files there are by key."""
        keys = self._keys()
        return [Found(self.name, keys.total(), keys.pop("", 0), keys)] if keys else []

    def left(self) -> int:
        """Files that are not as they would be written now."""
        keys = self._keys()
        return keys.total() - keys[in_use().sealing_id]

    def _keys(self) -> Counter[str]:
        with transaction(self._engine) as connection:
            there = list(connection.scalars(sa.select(unnamed_files.c.path)))
        keys = (_key(self._archive, path) for path in there)
        return Counter(key for key in keys if key is not None)


def _hour(path: str) -> str:
    """What the name begins with."""
    return PurePosixPath(path).name.partition("-")[0]


def _key(archive: Archive, path: str) -> str | None:
    """The id of the key that a file asks for; None where it is gone."""
    try:
        return archive.key_of(path)
    except Gone:
        return None
