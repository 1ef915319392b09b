"""Actions: committed before they are carried out, so that whoever takes over can look at the world."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.incident_queue import Claim, move, note
from adapters.store.tables import actions
from domain.correlation import LedgerKind
from domain.execution import ProcessState, Snapshot, TargetState
from domain.gate import History, Objected
from domain.incidents import State
from domain.plans import Action
from domain.verification import Outcome

ACTING_LOCK = 7303


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


@dataclass(frozen=True, slots=True)
class Intent:
    """An action that is about to be carried out."""

    action: Action
    before: Snapshot
    ordinal: int  # in its plan
    source: str


# What speaks against acting, asked with what was done lately while nobody else can begin.
Gate = Callable[[History], list[Objected]]


def begin(engine: sa.Engine, claimed: Claim, intent: Intent, gate: Gate, *, now: datetime) -> list[Objected]:
    """Ask the gate and, if nothing speaks against it, commit that the action is about to be carried out.

    One transaction that no other begin can overlap, so that budgets hold over any number of incidents.
    Raises Contended when this incident's action was begun before, Refused when the lease was lost.
    """
    with transaction(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": ACTING_LOCK})
        if found := gate(_history(connection, [intent.action.target], now=now)):
            return found
        move(connection, claimed, State.ACTING)
        connection.execute(
            actions.insert().values(
                incident_id=claimed.incident.id,
                ordinal=intent.ordinal,
                source=intent.source,
                kind=intent.action.kind,
                target=intent.action.target,
                state="started",
                before=snapshot_json(intent.before),
                started_at=now,
                undone=False,
            )
        )
        fields = {
            "kind": intent.action.kind,
            "target": intent.action.target,
            "pids": list(intent.before.pids),
            "source": intent.source,
        }
        note(connection, LedgerKind.ACTION_STARTED, claimed.incident.id, fields, now=now)
    return []


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


def judge(engine: sa.Engine, incident_id: int, outcome: Outcome, *, now: datetime) -> None:
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
    with transaction(engine) as connection:
        return _history(connection, targets, now=now)


def _history(connection: sa.Connection, targets: list[str], *, now: datetime) -> History:
    day, hour = now - timedelta(days=1), now - timedelta(hours=1)
    of_targets = (actions.c.target.in_(targets), actions.c.started_at > day)
    recent = connection.execute(sa.select(actions).where(*of_targets).order_by(actions.c.started_at)).all()
    helped_not = Counter(row.target for row in recent if row.verdict in ("ineffective", "unknown"))
    in_hour = sa.select(sa.func.count()).select_from(actions).where(actions.c.started_at > hour)
    return History(
        last_action={row.target: row.started_at for row in recent},
        ineffective=helped_not,
        in_last_hour=int(connection.scalar(in_hour) or 0),
    )
