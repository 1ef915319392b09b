"""Logs that are too old or too many go: rows first, then the files that they named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from adapters.log_archive import Archive
from adapters.store.database import transaction
from adapters.store.days import drop_days_before
from adapters.store.minute_rows import drop_minutes
from adapters.store.tables.stored_logs import dead_letters, log_blocks, logs
from adapters.store.unnamed_files import drop, note
from domain.retention import Piece

ROW_BYTES = 200  # of a single log, beside its texts
GIGABYTE = 1_000_000_000


@dataclass(frozen=True)
class Going:
    """Logs that arrived before the cut."""

    before: datetime
    logs: int
    size: int  # bytes of blocks and files
    files: int
    letters: int  # dead letters

    def __str__(self) -> str:
        held = f"{self.logs:,} logs and {self.letters:,} dead letters that arrived before {self.before:%Y-%m-%d %H:%M}"
        return f"{held} UTC ({self.size / GIGABYTE:,.2f} GB of blocks and files; {self.files:,} files)"


def pieces(engine: sa.Engine) -> list[Piece]:
    """What is stored of logs, by arrival."""
    texts = (logs.c.body, logs.c.bytes, logs.c.message)
    sizes = [sa.func.coalesce(sa.func.length(sa.type_coerce(one, sa.LargeBinary())), 0) for one in texts]
    of_rows = sa.select(logs.c.arrived_at, sa.func.sum(sum(sizes, sa.literal(ROW_BYTES)))).group_by(logs.c.arrived_at)
    of_blocks = sa.select(log_blocks.c.arrived_at, log_blocks.c.size)
    with transaction(engine) as connection:
        return [Piece(at, int(size)) for query in (of_rows, of_blocks) for at, size in connection.execute(query)]


def going(engine: sa.Engine, before: datetime) -> Going:
    """What `drop_logs` would drop."""
    old = log_blocks.c.arrived_at < before
    blocks = sa.select(
        sa.func.coalesce(sa.func.sum(log_blocks.c.logs), 0),
        sa.func.coalesce(sa.func.sum(log_blocks.c.size), 0),
        sa.func.count(log_blocks.c.path),
    ).where(old)
    single = sa.select(sa.func.count()).select_from(logs).where(logs.c.arrived_at < before, ~logs.c.in_block)
    letters = sa.select(sa.func.count()).select_from(dead_letters).where(dead_letters.c.arrived_at < before)
    with transaction(engine) as connection:
        held, size, files = connection.execute(blocks).one()
        alone, dead = connection.scalar(single) or 0, connection.scalar(letters) or 0
    return Going(before, int(held) + int(alone), int(size), int(files), int(dead))


def drop_logs(engine: sa.Engine, archive: Archive, before: datetime) -> list[str]:
    """Drop logs and dead letters that arrived before a moment; the names of dropped partitions.

    Files go after the rows that name them; whoever dies in between leaves them to `unnamed_files.sweep`.
    """
    # Rows and their names in one statement: whoever gathers or seals anew meanwhile finds its row gone.
    old = log_blocks.delete().where(log_blocks.c.arrived_at < before).returning(log_blocks.c.path)
    with transaction(engine) as connection:
        paths = [path for path in connection.scalars(old) if path is not None]
        note(connection, paths)
    days = drop_days_before(engine, before.date())
    with transaction(engine) as connection:
        for table in (logs, dead_letters):
            connection.execute(table.delete().where(table.c.arrived_at < before))
        drop_minutes(connection, before)
    drop(engine, archive, paths)
    return days
