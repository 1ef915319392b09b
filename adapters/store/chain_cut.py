"""Cutting the old end of the ledger off: the cut is an entry of the chain itself, where verifying begins."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from adapters.store.chain import alone
from adapters.store.database import transaction
from adapters.store.ledger_rows import note
from adapters.store.old_incidents import CLOSED
from adapters.store.tables.chained import ledger, seals
from adapters.store.tables.found import incidents
from domain.ledger import LedgerKind

LINKS_AT_ONCE = 50_000


def links_before(engine: sa.Engine, before: datetime) -> int:
    """How many links `cut` would drop."""
    with transaction(engine) as connection:
        first, last = _span(connection, before)
    return max(0, last - first + 1)


def cut(engine: sa.Engine, before: datetime, *, now: datetime) -> int:
    """Drop the oldest links with their entries, as long as they are older than `before`; how many.

    It stops before the first entry of an incident that is open, and leaves the newest link in any case.
    """
    dropped = 0
    while step := _cut_some(engine, before, now):
        dropped += step
    return dropped


def _span(connection: sa.Connection, before: datetime) -> tuple[int, int]:
    """The first link that is there, and the last that may go."""
    first, newest = connection.execute(sa.select(sa.func.min(seals.c.seq), sa.func.max(seals.c.seq))).one()
    if first is None:
        return 1, 0
    is_open = sa.select(incidents.c.id).where(incidents.c.state.not_in(CLOSED))
    stays = sa.or_(ledger.c.at >= before, ledger.c.incident_id.in_(is_open))
    kept = connection.scalar(
        sa.select(sa.func.min(seals.c.seq)).join(ledger, ledger.c.id == seals.c.ledger_id).where(stays)
    )
    return first, min(newest, kept or newest) - 1


def _cut_some(engine: sa.Engine, before: datetime, now: datetime) -> int:
    with transaction(engine) as connection:
        alone(connection)
        first, last = _span(connection, before)
        last = min(last, first + LINKS_AT_ONCE - 1)
        if last < first:
            return 0
        digest = connection.scalars(sa.select(seals.c.hash).where(seals.c.seq == last)).one()
        ids = sa.select(seals.c.ledger_id).where(seals.c.seq <= last)
        connection.execute(ledger.delete().where(ledger.c.id.in_(ids)))
        connection.execute(seals.delete().where(seals.c.seq <= last))
        note(connection, LedgerKind.CUT, None, {"seq": last, "hash": digest}, now=now)
    return last - first + 1
