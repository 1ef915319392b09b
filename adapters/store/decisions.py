"""What is stored about a decision: by what it was made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.knowledge_rows import recall
from adapters.store.look_ups import one_incident
from adapters.store.minute_findings import as_finding
from adapters.store.tables.acting import actions
from adapters.store.tables.counted import minute_findings
from adapters.store.tables.decided import batches, steps_taken
from adapters.store.tables.paging import pages
from domain.findings import MinuteFinding
from domain.ledger import LedgerKind
from domain.why_page import Maker, confirmed_entry, made_at, makers, queued_entry
from domain.whys import Decided, Rules

Row = dict[str, Any]


def rules_of(settings: dict[str, Any]) -> Rules:
    """The settings that numbers are compared with, from the whole tree as JSON has it."""
    limits, sure = settings["incidents"], settings["mitigation"]
    return Rules(
        threshold=settings["detection"]["confidence_threshold"],
        confirm_logs=limits["confirm_logs"],
        confirm_seconds=limits["confirm_seconds"],
        max_risk=sure["max_risk"],
        least_confidence=sure["common_error_threshold"],
    )


def page_with_incident(engine: sa.Engine, number: int) -> tuple[Row, Row | None] | None:
    """A page and its incident, with `findings` about its minutes; the latter None for a page about no incident.

    None where there is no such page.
    """
    with transaction(engine) as connection:
        row = connection.execute(sa.select(pages).where(pages.c.id == number)).mappings().one_or_none()
        found = [] if row is None else _findings(connection, row["incident_id"], row["created_at"])
    incident = None if row is None else one_incident(engine, row["incident_id"])
    if row is None or incident is None:
        return None if row is None else (dict(row), None)
    return dict(row), incident | {"findings": found}


def _findings(connection: sa.Connection, incident_id: int, until: datetime) -> list[MinuteFinding]:
    """What was found about minutes of the incident in the hour before, the oldest first."""
    held, last = minute_findings.c, int(until.timestamp()) // 60
    mine = (held.minute > last - 60, held.minute <= last, held.incident_id == incident_id)
    query = sa.select(minute_findings).where(*mine).order_by(held.minute, held.id)
    return [as_finding(row).finding for row in connection.execute(query)]


def action_with_incident(engine: sa.Engine, number: int) -> tuple[Row, Row] | None:
    """An action and its incident; None where there is none, or its incident went."""
    with transaction(engine) as connection:
        row = connection.execute(sa.select(actions).where(actions.c.id == number)).mappings().one_or_none()
    incident = None if row is None else one_incident(engine, row["incident_id"])
    return None if row is None or incident is None else (dict(row), incident)


def page_decided(engine: sa.Engine, page: Row, incident: Row | None, otherwise: Rules) -> Decided:
    """By what a page was made: the batch or the step that queued it; nothing where a person or a timer did.

    `otherwise`: the rules where what decided is not kept any more.
    """
    if incident is None:
        return Decided(otherwise)
    noted = incident["ledger"]
    queued, confirmed, by = queued_entry(page, noted), confirmed_entry(page, noted), makers(page, noted)
    with transaction(engine) as connection:
        batch = _batch_of(connection, queued, otherwise) if Maker.BATCH in by else None
        if batch is not None or Maker.STEP not in by:
            return batch or Decided(otherwise)
        at = made_at(page, noted)
        return _step_of(connection, incident["id"], at, _batch_of(connection, confirmed, otherwise), otherwise)


def action_decided(engine: sa.Engine, action: Row, incident: Row, otherwise: Rules) -> Decided:
    """By what an action was decided: the step that began it; `otherwise` as for a page."""
    at = action["reserved_at"]
    confirmed = [row for row in incident["ledger"] if row["kind"] == LedgerKind.CONFIRMED and row["at"] <= at]
    with transaction(engine) as connection:
        judged = _batch_of(connection, confirmed[-1] if confirmed else None, otherwise)
        return _step_of(connection, incident["id"], at, judged, otherwise)


def judged_at(connection: sa.Connection, at: datetime, otherwise: Rules) -> Decided | None:
    """By what the logs of a batch were judged, the last one not after `at`; None where none or nothing is kept."""
    query = sa.select(batches.c.id, batches.c.knowledge).where(batches.c.now <= at)
    batch = connection.execute(query.order_by(batches.c.now.desc(), batches.c.id.desc()).limit(1)).one_or_none()
    found = None if batch is None else _recalled(connection, f"batch {batch.id}", batch.knowledge, otherwise)
    return found if found is not None and found.digest else None


def _batch_of(connection: sa.Connection, entry: Mapping[str, Any] | None, otherwise: Rules) -> Decided | None:
    """The batch that wrote an entry of the ledger, None where none did."""
    if entry is None:
        return None
    looked = sa.func.coalesce(batches.c.after_entry, 0)  # none: an empty ledger, or a batch of an older version
    query = sa.select(batches.c.id, batches.c.knowledge, batches.c.fallback).where(batches.c.now == entry["at"])
    query = query.where(looked < entry["id"]).order_by(looked.desc(), batches.c.id).limit(1)
    batch = connection.execute(query).one_or_none()
    if batch is None:
        return None
    return replace(_recalled(connection, f"batch {batch.id}", batch.knowledge, otherwise), fallback=batch.fallback)


def _step_of(
    connection: sa.Connection, incident_id: int, at: datetime, judged: Decided | None, otherwise: Rules
) -> Decided:
    """The last step of an incident that was taken until then."""
    query = (
        sa.select(steps_taken.c.step, steps_taken.c.knowledge)
        .where(steps_taken.c.incident_id == incident_id, steps_taken.c.now <= at)
        .order_by(steps_taken.c.id.desc())
        .limit(1)
    )
    step = connection.execute(query).one_or_none()
    if step is None:
        return Decided(otherwise, judged=judged)
    by = _recalled(connection, f"step {step.step}", step.knowledge, otherwise)
    return replace(by, is_step=True, judged=judged)


def _recalled(connection: sa.Connection, by: str, named: str, otherwise: Rules) -> Decided:
    texts = recall(connection, named)
    if texts is None:
        return Decided(otherwise, by)
    return Decided(rules_of(json.loads(texts.settings)), by, named, texts.model)
