"""What is stored about a decision: by what it was made."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.knowledge_rows import recall
from adapters.store.look_ups import one_incident
from adapters.store.minute_findings import as_finding
from adapters.store.tables import actions, batches, minute_findings, pages, steps_taken
from domain.findings import MinuteFinding
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


def decided(engine: sa.Engine, incident_id: int, at: datetime, otherwise: Rules) -> Decided:
    """By what something was decided then: a batch or a step, the last one not after it.

    `otherwise`: the rules where what decided is not kept any more.
    """
    with transaction(engine) as connection:
        batch = connection.execute(
            sa.select(batches.c.id, batches.c.now, batches.c.knowledge)
            .where(batches.c.now <= at)
            .order_by(batches.c.now.desc(), batches.c.id.desc())
            .limit(1)
        ).one_or_none()
        step = connection.execute(
            sa.select(steps_taken.c.step, steps_taken.c.now, steps_taken.c.knowledge)
            .where(steps_taken.c.incident_id == incident_id, steps_taken.c.now <= at)
            .order_by(steps_taken.c.id.desc())
            .limit(1)
        ).one_or_none()
        if step is not None and (batch is None or step.now >= batch.now):
            by, named = f"step {step.step}", step.knowledge
        elif batch is not None:
            by, named = f"batch {batch.id}", batch.knowledge
        else:
            return Decided(otherwise)
        texts = recall(connection, named)
    if texts is None:
        return Decided(otherwise)
    return Decided(rules_of(json.loads(texts.settings)), by, named, texts.model)
