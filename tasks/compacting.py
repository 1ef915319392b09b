"""Closed hours of logs into files, hour by hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.store.compaction import Hour, closed_hours, compact
from adapters.store.database import Engine
from adapters.store.opening import archive_at
from adapters.store.unnamed_files import sweep
from domain.settings import StoreSettings


@dataclass(frozen=True)
class Compacted:
    """What a run did, or would do."""

    hours: int = 0
    blocks: int = 0
    rows: int = 0  # logs that no block held
    logs: int = 0
    files: int = 0  # written
    swept: int = 0  # files that no row named

    def __str__(self) -> str:
        of = f"{self.logs:,} logs of {self.hours:,} hours ({self.blocks:,} blocks and {self.rows:,} single logs)"
        return f"{of} in {self.files:,} files; {self.swept:,} files without a row removed"

    def plus(self, hour: Hour, files: int) -> Compacted:
        """One hour more."""
        return Compacted(
            self.hours + 1,
            self.blocks + len(hour.blocks),
            self.rows + hour.rows,
            self.logs + hour.logs,
            self.files + files,
            self.swept,
        )


def closed_by(store: StoreSettings, now: datetime) -> datetime:
    """Hours that ended by then are gathered."""
    return now - timedelta(minutes=store.compact_after_minutes)


def preview(engine: Engine, store: StoreSettings, *, now: datetime) -> Compacted:
    """What a run would gather; nothing is changed."""
    found = Compacted()
    for hour in closed_hours(engine, closed_by(store, now)):
        found = found.plus(hour, 0)
    return found


def run(engine: Engine, store: StoreSettings, *, now: datetime) -> Compacted:
    """Gather every closed hour. Raises Unavailable or Refused; what was gathered by then stays gathered."""
    archive, done = archive_at(store.files), Compacted()
    for hour in closed_hours(engine, closed_by(store, now)):
        done = done.plus(hour, sum(1 for _ in compact(engine, archive, hour)))
    return Compacted(done.hours, done.blocks, done.rows, done.logs, done.files, len(sweep(engine, archive, now=now)))
