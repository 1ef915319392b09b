"""Sealing the ledger, and checking the seals."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.tables import ledger, seals
from domain.errors import Unavailable
from domain.ledger import Anchor, Entry, Seal, extend, faults

SEALER_LOCK = 7302
AT_ONCE = 5_000


def seal(engine: sa.Engine, anchor_file: Path, *, now: datetime) -> int:
    """Chain the entries that have no seal yet and anchor the new head; how many there were.

    One sealer at a time: on PostgreSQL by an advisory lock, on SQLite by its own writer lock.
    """
    with transaction(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": SEALER_LOCK})
        last = connection.execute(sa.select(seals).order_by(seals.c.seq.desc()).limit(1)).first()
        head = Seal(last.seq, last.ledger_id, last.hash) if last else None
        sealed = sa.select(seals.c.ledger_id)
        query = sa.select(ledger).where(ledger.c.id.not_in(sealed)).order_by(ledger.c.id).limit(AT_ONCE)
        found = extend(head, [_entry(row) for row in connection.execute(query)])
        if found:
            rows = [{"seq": link.seq, "ledger_id": link.ledger_id, "hash": link.hash} for link in found]
            connection.execute(seals.insert(), rows)
    if found:
        _anchor(anchor_file, found[-1], now)
    return len(found)


def _entry(row: sa.Row[tuple[object, ...]]) -> Entry:
    return Entry(row.id, row.at.astimezone(UTC), row.kind, row.incident_id, row.fields)


def _anchor(file: Path, head: Seal, now: datetime) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as out:
            out.write(f"{head.seq} {head.hash} {now.isoformat()}\n")
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise Unavailable(f"the ledger's anchor {file} cannot be written: {error}") from error


def anchors(file: Path) -> list[Anchor]:
    """The heads that were anchored; empty when nothing was yet."""
    if not file.exists():
        return []
    found = []
    for line in file.read_text().splitlines():
        parts = line.split()
        if len(parts) == 3 and parts[0].isdigit():  # a crash may leave half a last line  # noqa: PLR2004
            found.append(Anchor(int(parts[0]), parts[1]))
    return found


def verify(engine: sa.Engine, anchor_file: Path) -> tuple[int, int, list[str]]:
    """Entries sealed, entries not sealed yet, and what is wrong with the chain."""
    with transaction(engine) as connection:
        entries = {row.id: _entry(row) for row in connection.execute(sa.select(ledger))}
        chain = [
            Seal(row.seq, row.ledger_id, row.hash) for row in connection.execute(sa.select(seals).order_by(seals.c.seq))
        ]
    return len(chain), len(entries) - len(chain), faults(entries, chain, anchors(anchor_file))
