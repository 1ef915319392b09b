"""Runs of the canary as rows, and how far each of them came, as the tables say that everybody else fills."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from adapters.store.closing import resolve
from adapters.store.database import Connection, Engine, transaction
from adapters.store.tables.found import incidents
from adapters.store.tables.paging import deliveries, pages
from adapters.store.tables.running import canary_runs
from adapters.store.tables.stored_logs import logs
from domain.canary import Outcome, Stage, Trace, template_of
from domain.incidents import Kind, Resolution


def begin(engine: Engine, run: str, *, now: datetime) -> Trace:
    """Make a run known, before its logs are sent: else nobody takes them for its."""
    with transaction(engine) as connection:
        row = {"run": run, "sent_at": now, "outcome": Outcome.RUNNING, "why": "", "reached": {}}
        connection.execute(canary_runs.insert().values(row))
    return Trace(run, now)


def known_runs(connection: Connection, runs: Iterable[str]) -> frozenset[str]:
    """Which of these there are."""
    query = sa.select(canary_runs.c.run).where(canary_runs.c.run.in_(sorted(runs)))
    return frozenset(connection.scalars(query))


def look(engine: Engine, trace: Trace) -> Trace:
    """The run with the stages that its fault has come through by now."""
    mine = (incidents.c.kind == Kind.CANARY, incidents.c.template == template_of(trace.run))
    with transaction(engine) as connection:
        incident = connection.execute(sa.select(incidents.c.id, incidents.c.stored_at).where(*mine)).first()
        if incident is None:
            return trace
        confirmed = sa.select(incidents.c.confirmed_at).where(incidents.c.id == incident.id)
        found = {
            Stage.FOUND: connection.scalar(
                sa.select(sa.func.min(logs.c.arrived_at)).where(logs.c.incident_id == incident.id)
            ),
            Stage.CONFIRMED: incident.stored_at if connection.scalar(confirmed) is not None else None,
            Stage.QUEUED: connection.scalar(
                sa.select(sa.func.min(pages.c.created_at)).where(pages.c.incident_id == incident.id)
            ),
            Stage.DELIVERED: connection.scalar(
                sa.select(sa.func.min(deliveries.c.sent_at)).where(
                    deliveries.c.incident_id == incident.id, deliveries.c.state == "sent"
                )
            ),
        }
    reached = {stage: _aware(at) for stage, at in found.items() if at is not None}
    return replace(trace, reached={**trace.reached, **reached})


def end(engine: Engine, trace: Trace, *, now: datetime) -> None:
    """Keep how a run ended, and close its incident: nobody works on it."""
    said = {stage.value: at.isoformat() for stage, at in trace.reached.items()}
    values = {"outcome": trace.outcome, "why": trace.why, "reached": said, "ended_at": now}
    mine = (incidents.c.kind == Kind.CANARY, incidents.c.template == template_of(trace.run))
    with transaction(engine) as connection:
        connection.execute(canary_runs.update().where(canary_runs.c.run == trace.run).values(values))
        for number in connection.scalars(sa.select(incidents.c.id).where(*mine)).all():
            resolve(connection, number, Resolution.WORKS, now=now, why="the test is over")


def last_run(engine: Engine) -> Trace | None:
    """The run that ended last, None before the first one."""
    query = sa.select(canary_runs).where(canary_runs.c.outcome != Outcome.RUNNING)
    with transaction(engine) as connection:
        row = connection.execute(query.order_by(canary_runs.c.sent_at.desc()).limit(1)).first()
    return None if row is None else _trace(row)


def _trace(row: sa.Row[Any]) -> Trace:
    reached = {Stage(stage): datetime.fromisoformat(at) for stage, at in row.reached.items()}
    return Trace(row.run, row.sent_at, reached, Outcome(row.outcome), row.why, row.ended_at)


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
