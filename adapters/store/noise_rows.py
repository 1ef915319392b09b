"""The pages of a time, each with what became of its incident."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Row

from adapters.store.database import Connection, Engine, transaction
from adapters.store.many_rows import among
from adapters.store.stored_decisions import Openings
from adapters.store.tables.acting import actions
from adapters.store.tables.chained import ledger
from adapters.store.tables.found import alarm_verdicts, alerts, incidents
from adapters.store.tables.paging import pages
from domain.actions import ActionState
from domain.asking import Objection
from domain.incidents import Kind, Resolution, Severity
from domain.ledger import LedgerKind
from domain.pages import NEWS, PageReason
from domain.told_pages import Asked, Told, acted

TAKEN = (LedgerKind.ACKED, LedgerKind.SNOOZED)
ANSWERED = (LedgerKind.ASSIGNED, LedgerKind.COMMENTED, LedgerKind.NOTED, LedgerKind.APPROVED, LedgerKind.REJECTED)
ASKING = (LedgerKind.ASKED, LedgerKind.APPROVED, LedgerKind.REJECTED)


def pages_told(engine: Engine, since: datetime, until: datetime) -> list[Told]:
    """Pages that were made in a time and meant for people, in order; news of what others told of are left out."""
    with transaction(engine) as connection:
        rows = connection.execute(_pages_with_signs(since, until)).all()
        known = Openings(connection).look_up([row.incident_id for row in rows])
        answered = _asked(connection, [row.incident_id for row in rows if row.reason == PageReason.APPROVAL])
        services = _services(connection, [row.incident_id for row in rows])
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
                answered=bool(row.answered),
            ),
            _asked_of(row, answered),
            services[row.incident_id] - {known[row.incident_id].service},
        )
        for row in rows
        if row.incident_id in known
    ]


def _pages_with_signs(since: datetime, until: datetime) -> sa.Select[Any]:
    """Each page with the signs of what became of its incident."""
    return (
        sa.select(
            pages.c.id,
            pages.c.created_at,
            pages.c.incident_id,
            pages.c.reason,
            pages.c.severity,
            incidents.c.resolution,
            incidents.c.playbook,
            alarm_verdicts.c.verdict,
            _exists(actions, actions.c.state != ActionState.DROPPED).label("action"),
            _exists(ledger, ledger.c.kind.in_(TAKEN)).label("taken"),
            _exists(ledger, ledger.c.kind.in_(ANSWERED)).label("answered"),
        )
        .join(incidents, incidents.c.id == pages.c.incident_id)
        .outerjoin(alarm_verdicts, alarm_verdicts.c.incident_id == pages.c.incident_id)
        .where(pages.c.created_at >= since, pages.c.created_at < until)
        .where(pages.c.reason.not_in([*NEWS, PageReason.DIGEST]), pages.c.state != "suppressed")
        .where(incidents.c.kind != Kind.CANARY)
        .order_by(pages.c.id)
    )


def _services(connection: Connection, numbers: Sequence[int]) -> dict[int, frozenset[str]]:
    """Every service of each incident: that by which it goes now, and those of its alerts."""
    found: dict[int, set[str]] = defaultdict(set)
    of_incidents = sa.select(incidents.c.id, incidents.c.service).where(among(connection, incidents.c.id, numbers))
    of_alerts = sa.select(alerts.c.incident_id, alerts.c.service).where(
        among(connection, alerts.c.incident_id, numbers)
    )
    for query in (of_incidents, of_alerts):
        for number, service in connection.execute(query):
            found[int(number)].add(service)
    return {number: frozenset(names) for number, names in found.items()}


def _asked(connection: Connection, numbers: Sequence[int]) -> dict[int, list[Row[Any]]]:
    """What was asked about incidents, and what people said to it, oldest first."""
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    query = (
        sa.select(ledger.c.incident_id, ledger.c.at, ledger.c.kind, ledger.c.fields)
        .where(among(connection, ledger.c.incident_id, numbers), ledger.c.kind.in_(ASKING))
        .order_by(ledger.c.id)
    )
    for row in connection.execute(query):
        found[row.incident_id].append(row)
    return found


def _asked_of(page: Row[Any], answered: Mapping[int, Sequence[Row[Any]]]) -> Asked | None:
    """What became of the question of a page, which was noted in one transaction with it; None for another page."""
    said = [one for one in answered.get(page.incident_id, ()) if one.at >= page.created_at]
    if page.reason != PageReason.APPROVAL or not said or said[0].kind != LedgerKind.ASKED:
        return None
    answer = next((one.kind for one in said[1:]), "")
    return Asked(
        page.playbook,
        by_rank_alone=said[0].fields.get("met") == [Objection.ASKS.name.lower()],
        allowed=answer == LedgerKind.APPROVED,
        refused=answer == LedgerKind.REJECTED,
        helped=page.resolution == Resolution.VERIFIED,
    )


def _exists(table: sa.Table, condition: sa.ColumnElement[bool]) -> sa.Exists:
    return sa.exists().where(table.c.incident_id == pages.c.incident_id, condition)
