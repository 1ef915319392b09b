"""Decisions on their way into the ledger; `chain.py` seals them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from adapters.store.tables.chained import ledger
from domain.ledger import LedgerKind


def note(
    connection: sa.Connection, kind: LedgerKind, incident_id: int | None, fields: Mapping[str, object], *, now: datetime
) -> None:
    """Append one decision to the ledger."""
    connection.execute(ledger.insert().values(at=now, kind=kind, incident_id=incident_id, fields=dict(fields)))
