"""What our service levels are reckoned from: one query for each stage, each linear in what is kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.store.database import Connection, Engine, transaction
from adapters.store.incident_rows import OPEN_STATES
from adapters.store.tables.chained import ledger
from adapters.store.tables.found import incidents
from adapters.store.tables.paging import pages
from adapters.store.tables.stored_logs import logs
from domain.incidents import Kind, Severity
from domain.ledger import LedgerKind
from domain.pages import NEWS
from domain.service_levels import Sample, Stage

QUERY_SECONDS = 30
# Only these began with a log of our own input.
OF_LOGS = (Kind.LOG, Kind.METRIC, Kind.STORM)
TAKEN = (LedgerKind.ACKED, LedgerKind.SNOOZED)


def samples(engine: Engine, *, since: datetime, now: datetime) -> list[Sample]:
    """Every passage through a stage that ended since a moment, or goes on. Raises Unavailable."""
    with transaction(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text(f"SET LOCAL statement_timeout = '{QUERY_SECONDS}s'"))
        return [*_decisions(connection, since), *_pages(connection, since), *_answers(connection, since, now)]


def _decisions(connection: Connection, since: datetime) -> Iterator[Sample]:
    """From when the broker had the log that confirmed: what it was late before that, nobody here can change.

    Leaving late logs out would hide those that waited for us; by the broker's time these count in full, and by our
    own time of arrival, which is that of the batch, nothing would.
    """
    decided = sa.func.max(ledger.c.at).label("decided")
    told = (
        sa.select(incidents.c.id, incidents.c.severity, incidents.c.confirmed_at, decided)
        .join(ledger, ledger.c.incident_id == incidents.c.id)
        .where(ledger.c.kind == LedgerKind.CONFIRMED, ledger.c.at >= since)
        .where(incidents.c.kind.in_(OF_LOGS), incidents.c.confirmed_at.is_not(None))
        .group_by(incidents.c.id, incidents.c.severity, incidents.c.confirmed_at)
        .subquery()
    )
    # A batch's logs arrive at the time that the ledger has for what they decided.
    confirming = (logs.c.incident_id == told.c.id, logs.c.anomaly, logs.c.timestamp == told.c.confirmed_at)
    of_batch = (logs.c.arrived_at == told.c.decided, logs.c.arrived_at >= since)
    query = (
        sa.select(told, sa.func.min(logs.c.sent_at).label("reached"))
        .outerjoin(logs, sa.and_(*confirming, *of_batch))
        .group_by(*told.c)
    )
    for row in connection.execute(query):
        # What a minute confirmed has no log of that moment, and not every source has a broker: their own time counts.
        yield _sample(Stage.DECISION, row, row.reached or row.confirmed_at, row.decided)


def _pages(connection: Connection, since: datetime) -> Iterator[Sample]:
    """Of what nobody muted: that waits as long as people want it to."""
    muted = sa.exists().where(ledger.c.incident_id == pages.c.incident_id, ledger.c.kind == LedgerKind.PAGE_MUTED)
    columns = (pages.c.incident_id.label("id"), pages.c.severity, pages.c.created_at, pages.c.sent_at)
    query = sa.select(*columns).where(
        pages.c.created_at >= since, pages.c.sent_at.is_not(None), pages.c.reason.not_in(NEWS), ~muted
    )
    for row in connection.execute(query):
        yield _sample(Stage.PAGE, row, row.created_at, row.sent_at)


def _answers(connection: Connection, since: datetime, now: datetime) -> Iterator[Sample]:
    """From the first page of an incident that somebody had; one that was over before anybody took it has no answer."""
    told = (
        sa.select(pages.c.incident_id, sa.func.min(pages.c.sent_at).label("sent"))
        .where(pages.c.sent_at >= since, pages.c.reason.not_in(NEWS))
        .group_by(pages.c.incident_id)
        .subquery()
    )
    after = (ledger.c.incident_id == told.c.incident_id, ledger.c.kind.in_(TAKEN), ledger.c.at >= told.c.sent)
    query = (
        sa.select(incidents.c.id, incidents.c.severity, incidents.c.state, told.c.sent)
        .add_columns(sa.func.min(ledger.c.at).label("taken"))
        .join(told, told.c.incident_id == incidents.c.id)
        .outerjoin(ledger, sa.and_(*after))
        .group_by(incidents.c.id, incidents.c.severity, incidents.c.state, told.c.sent)
    )
    for row in connection.execute(query):
        if row.taken is not None or row.state in OPEN_STATES:
            yield _sample(Stage.ACK, row, row.sent, row.taken or now, over=row.taken is not None)


def _sample(stage: Stage, row: sa.Row[Any], begun: datetime, ended: datetime, *, over: bool = True) -> Sample:
    seconds = max(0.0, (ended - begun).total_seconds())  # another clock may be ahead of ours
    return Sample(stage, Severity(row.severity), row.id, seconds, over)
