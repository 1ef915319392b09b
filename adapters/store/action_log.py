"""Actions: committed before they are carried out, so that whoever takes over can look at the world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.incident_queue import Claim, move, note
from adapters.store.tables import actions
from domain.correlation import LedgerKind
from domain.execution import ProcessState, Snapshot, TargetState
from domain.gate import History
from domain.incidents import State
from domain.plans import Action
from domain.verification import Outcome


@dataclass(frozen=True, slots=True)
class StoredAction:
    """An action as it is recorded."""

    id: int
    incident_id: int
    ordinal: int
    source: str
    kind: str
    target: str
    state: str  # started | done | failed
    before: Snapshot
    after: Snapshot | None
    started_at: datetime
    finished_at: datetime | None
    verdict: str | None
    undone: bool


def snapshot_json(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as the table keeps it."""
    return {
        "target": snapshot.target,
        "processes": [
            {
                "name": process.name,
                "state": process.state,
                "pid": process.pid,
                "started_at": process.started_at.isoformat() if process.started_at else None,
            }
            for process in snapshot.processes
        ],
    }


def as_snapshot(kept: Mapping[str, Any]) -> Snapshot:
    """The snapshot that the table holds."""
    return Snapshot(
        kept["target"],
        tuple(
            ProcessState(
                process["name"],
                TargetState(process["state"]),
                process["pid"],
                datetime.fromisoformat(process["started_at"]) if process["started_at"] else None,
            )
            for process in kept["processes"]
        ),
    )


def _stored(row: sa.Row[Any]) -> StoredAction:
    return StoredAction(
        row.id,
        row.incident_id,
        row.ordinal,
        row.source,
        row.kind,
        row.target,
        row.state,
        as_snapshot(row.before),
        as_snapshot(row.after) if row.after else None,
        row.started_at,
        row.finished_at,
        row.verdict,
        row.undone,
    )


def of_incident(engine: sa.Engine, incident_id: int) -> list[StoredAction]:
    """The incident's actions, in order."""
    query = sa.select(actions).where(actions.c.incident_id == incident_id).order_by(actions.c.ordinal)
    with transaction(engine) as connection:
        return [_stored(row) for row in connection.execute(query)]


def begin(
    engine: sa.Engine, claimed: Claim, action: Action, before: Snapshot, *, ordinal: int, source: str, now: datetime
) -> StoredAction:
    """Commit that an action is about to be carried out, with the world as it was before.

    Raises Contended when this incident's action was begun before, Refused when the lease was lost.
    """
    with transaction(engine) as connection:
        move(connection, claimed, State.ACTING)
        connection.execute(
            actions.insert().values(
                incident_id=claimed.incident.id,
                ordinal=ordinal,
                source=source,
                kind=action.kind,
                target=action.target,
                state="started",
                before=snapshot_json(before),
                started_at=now,
                undone=False,
            )
        )
        fields = {"kind": action.kind, "target": action.target, "pids": list(before.pids), "source": source}
        note(connection, LedgerKind.ACTION_STARTED, claimed.incident.id, fields, now=now)
    return of_incident(engine, claimed.incident.id)[ordinal]


def finish(
    engine: sa.Engine, claimed: Claim, action: StoredAction, after: Snapshot, *, taken_over: str, now: datetime
) -> None:
    """The action is done; `taken_over` says what a successor found, or is empty."""
    with transaction(engine) as connection:
        move(connection, claimed, State.VERIFYING)
        connection.execute(
            actions.update()
            .where(actions.c.id == action.id)
            .values(state="done", after=snapshot_json(after), finished_at=now)
        )
        fields = {"target": action.target, "pids_before": list(action.before.pids), "pids_after": list(after.pids)}
        if taken_over:
            note(connection, LedgerKind.ACTION_TAKEN_OVER, claimed.incident.id, {"found": taken_over}, now=now)
        note(connection, LedgerKind.ACTION_DONE, claimed.incident.id, fields, now=now)


def fail(engine: sa.Engine, claimed: Claim, action: StoredAction, error: str, *, now: datetime) -> None:
    """The executor refused or could not be reached."""
    with transaction(engine) as connection:
        connection.execute(
            actions.update().where(actions.c.id == action.id).values(state="failed", error=error, finished_at=now)
        )
        note(connection, LedgerKind.ACTION_FAILED, claimed.incident.id, {"error": error}, now=now)


def judge(
    engine: sa.Engine, incident_id: int, outcome: Outcome, *, now: datetime
) -> None:
    """Record the verdict of the verification on all actions of the incident."""
    with transaction(engine) as connection:
        connection.execute(
            actions.update()
            .where(actions.c.incident_id == incident_id, actions.c.verdict.is_(None))
            .values(verdict=outcome.verdict, verdict_numbers=outcome.numbers())
        )
        note(connection, LedgerKind.VERIFIED, incident_id, {"verdict": outcome.verdict} | outcome.numbers(), now=now)


def mark_undone(engine: sa.Engine, action: StoredAction, *, now: datetime) -> None:
    """The action was taken back."""
    with transaction(engine) as connection:
        connection.execute(actions.update().where(actions.c.id == action.id).values(undone=True))
        note(connection, LedgerKind.UNDONE, action.incident_id, {"target": action.target}, now=now)


def history(engine: sa.Engine, targets: list[str], *, now: datetime) -> History:
    """What was done lately, as the gate wants to know it."""
    day, hour = now - timedelta(days=1), now - timedelta(hours=1)
    ineffective = actions.c.verdict.in_(["ineffective", "unknown"])
    with transaction(engine) as connection:
        last: dict[str, datetime] = {}
        failed: dict[str, int] = {}
        recent = sa.select(actions).where(actions.c.target.in_(targets), actions.c.started_at > day)
        for row in connection.execute(recent.order_by(actions.c.started_at)):
            last[row.target] = row.started_at
        counts = (
            sa.select(actions.c.target, sa.func.count())
            .where(actions.c.target.in_(targets), actions.c.started_at > day, ineffective)
            .group_by(actions.c.target)
        )
        for target, count in connection.execute(counts):
            failed[target] = count
        in_hour = connection.scalar(
            sa.select(sa.func.count()).select_from(actions).where(actions.c.started_at > hour)
        )
    return History(last_action=last, ineffective=failed, in_last_hour=int(in_hour or 0))
