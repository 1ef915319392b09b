"""The pages of a time, each with what became of its incident."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from adapters.store.database import Engine, transaction
from adapters.store.stored_decisions import Openings
from adapters.store.tables import actions, alarm_verdicts, incidents, ledger, pages
from domain.actions import ActionState
from domain.incidents import Resolution, Severity
from domain.ledger import LedgerKind
from domain.noise_report import Told, acted
from domain.pages import NEWS, PageReason

TAKEN = (LedgerKind.ACKED, LedgerKind.SNOOZED)


def pages_told(engine: Engine, since: datetime, until: datetime) -> list[Told]:
    """Pages about incidents of logs that were made in a time, in order; news of them are left out."""
    with transaction(engine) as connection:
        query = (
            sa.select(
                pages.c.id,
                pages.c.created_at,
                pages.c.incident_id,
                pages.c.reason,
                pages.c.severity,
                incidents.c.resolution,
                alarm_verdicts.c.verdict,
                _exists(actions, actions.c.state != ActionState.DROPPED).label("action"),
                _exists(ledger, ledger.c.kind.in_(TAKEN)).label("taken"),
            )
            .join(incidents, incidents.c.id == pages.c.incident_id)
            .outerjoin(alarm_verdicts, alarm_verdicts.c.incident_id == pages.c.incident_id)
            .where(pages.c.created_at >= since, pages.c.created_at < until)
            .where(pages.c.reason.not_in([*NEWS, PageReason.DIGEST]))
        )
        rows = connection.execute(query.order_by(pages.c.id)).all()
        known = Openings(connection).look_up([row.incident_id for row in rows])
    return [
        Told(
            row.id,
            row.created_at,
            row.incident_id,
            known[row.incident_id],
            row.reason,
            row.severity >= Severity.CRITICAL,
            acted(
                row.verdict or "",
                action=bool(row.action),
                by_hand=row.resolution == Resolution.HUMAN,
                acknowledged=bool(row.taken),
            ),
        )
        for row in rows
        if row.incident_id in known
    ]


def _exists(table: sa.Table, condition: sa.ColumnElement[bool]) -> sa.Exists:
    return sa.exists().where(table.c.incident_id == pages.c.incident_id, condition)
