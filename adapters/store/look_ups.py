"""Questions that people and later steps ask of what is stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.incident_rows import OPEN_STATES, snoozed_until
from adapters.store.tables.acting import actions
from adapters.store.tables.analysed import analyses
from adapters.store.tables.chained import ledger
from adapters.store.tables.decided import steps
from adapters.store.tables.found import alerts, incidents, resolution_notes
from adapters.store.tables.paging import deliveries, escalations, pages
from adapters.store.tables.stored_logs import dead_letters, topics
from domain.incidents import Kind
from domain.who_has_it import as_it_stands

Row = dict[str, Any]
# Of an analysis, what people look at.
ANALYSED = [
    analyses.c[name]
    for name in ("episode", "state", "queued_at", "done_at", "reused_from", "dossier", "options", "answer")
]


def _rows(engine: sa.Engine, query: sa.Select[Any]) -> list[Row]:
    with transaction(engine) as connection:
        return [dict(row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's public name


def list_incidents(engine: sa.Engine, *, only_open: bool, limit: int) -> list[Row]:
    """Incidents, newest first; without those of the agent's tests of itself."""
    query = (
        sa.select(incidents, snoozed_until())
        .where(incidents.c.kind != Kind.CANARY)
        .order_by(incidents.c.id.desc())
        .limit(limit)
    )
    if only_open:
        query = query.where(incidents.c.state.in_(OPEN_STATES))
    return _rows(engine, query)


def one_incident(engine: sa.Engine, incident_id: int) -> Row | None:
    """An incident with its alerts, actions, pages with their deliveries, escalation, notes and ledger entries.

    As it stands: of a closed one nothing is due, and who snoozed it until when is said apart from who has it.
    """
    found = _rows(engine, sa.select(incidents).where(incidents.c.id == incident_id))
    if not found:
        return None
    of_it = {
        "actions": sa.select(actions)
        .where(actions.c.incident_id == incident_id)
        .order_by(actions.c.episode, actions.c.ordinal),
        "analyses": sa.select(*ANALYSED).where(analyses.c.incident_id == incident_id).order_by(analyses.c.episode),
        "alerts": sa.select(alerts).where(alerts.c.incident_id == incident_id).order_by(alerts.c.id),
        "due": sa.select(steps).where(steps.c.incident_id == incident_id),
        "pages": sa.select(pages).where(pages.c.incident_id == incident_id).order_by(pages.c.id),
        "deliveries": sa.select(deliveries).where(deliveries.c.incident_id == incident_id).order_by(deliveries.c.id),
        "escalation": sa.select(escalations).where(escalations.c.incident_id == incident_id),
        "notes": sa.select(resolution_notes)
        .where(resolution_notes.c.incident_id == incident_id)
        .order_by(resolution_notes.c.id),
        "ledger": sa.select(ledger).where(ledger.c.incident_id == incident_id).order_by(ledger.c.id),
    }
    return as_it_stands(found[0] | {name: _rows(engine, query) for name, query in of_it.items()})


def totals(engine: sa.Engine) -> dict[str, int]:
    """Counts of everything stored, for `stats()` and `sre status`."""
    queries = {
        "dead_letters": sa.select(sa.func.count()).select_from(dead_letters),
        "incidents": sa.select(sa.func.count()).select_from(incidents),
        "actions": sa.select(sa.func.count()).select_from(actions),
        "pages_sent": sa.select(sa.func.count()).select_from(pages).where(pages.c.state == "sent"),
    }
    with transaction(engine) as connection:
        others = {name: int(connection.scalar(query) or 0) for name, query in queries.items()}
    from adapters.store.log_look_ups import log_totals  # noqa: PLC0415 - Arrow takes long to load, and only this needs it

    return log_totals(engine) | others


def ledger_since(engine: sa.Engine, after: int, *, limit: int, newest: bool = False) -> list[Row]:
    """Ledger entries with a higher id, the oldest first unless `newest`."""
    order = ledger.c.id.desc() if newest else ledger.c.id
    return _rows(engine, sa.select(ledger).where(ledger.c.id > after).order_by(order).limit(limit))


def _kind(engine: sa.Engine) -> sa.ColumnElement[str]:
    """A dead letter's reason up to its first colon, as `domain.logs.Rejected.kind` has it."""
    reason = dead_letters.c.reason
    if engine.dialect.name == "postgresql":
        return sa.func.split_part(reason, ":", 1)
    return sa.func.substr(reason, 1, sa.func.instr(reason + ":", ":") - 1)


def letter_reasons(engine: sa.Engine, *, since: datetime, examples: int) -> list[Row]:
    """Why logs that came since then could not be read, the most frequent first, each with its newest letters."""
    kind = _kind(engine)
    counts = (
        sa.select(
            kind.label("reason"),
            sa.func.count().label("logs"),
            sa.func.min(dead_letters.c.arrived_at).label("first"),
            sa.func.max(dead_letters.c.arrived_at).label("last"),
        )
        .where(dead_letters.c.arrived_at >= since)
        .group_by(kind)
        .order_by(sa.func.count().desc(), kind)
    )
    newest = (
        sa.select(dead_letters, topics.c.name.label("topic"))
        .join(topics, topics.c.id == dead_letters.c.topic_id, isouter=True)
        .where(dead_letters.c.arrived_at >= since)
        .order_by(dead_letters.c.arrived_at.desc(), dead_letters.c.offset.desc())
        .limit(examples)
    )
    found = _rows(engine, counts)
    return [row | {"examples": _rows(engine, newest.where(kind == row["reason"]))} for row in found]


def unpublished_letters(engine: sa.Engine, *, limit: int) -> list[Row]:
    """Dead letters that the dead-letter topic does not have yet."""
    query = (
        sa.select(dead_letters, topics.c.name.label("topic"))
        .join(topics, topics.c.id == dead_letters.c.topic_id)
        .where(dead_letters.c.published_at.is_(None))
        .order_by(dead_letters.c.arrived_at, dead_letters.c.partition, dead_letters.c.offset)
        .limit(limit)
    )
    return _rows(engine, query)


def mark_published(engine: sa.Engine, letters: list[Row], *, now: datetime) -> None:
    """The dead-letter topic has them."""
    if not letters:
        return
    places = [(letter["topic_id"], letter["partition"], letter["offset"]) for letter in letters]
    place = sa.tuple_(dead_letters.c.topic_id, dead_letters.c.partition, dead_letters.c.offset)
    arrived = [letter["arrived_at"] for letter in letters]
    those = (dead_letters.c.published_at.is_(None), dead_letters.c.arrived_at.between(min(arrived), max(arrived)))
    with transaction(engine) as connection:
        connection.execute(dead_letters.update().where(*those, place.in_(places)).values(published_at=now))
