"""Actions: committed before they are carried out, so that whoever takes over can look at the world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.store.ledger_rows import note
from adapters.store.tables.acting import actions
from domain.actions import ActionRecord, ActionState, UndoState
from domain.asking import Seen
from domain.execution import ProcessState, Snapshot, TargetState
from domain.ledger import LedgerKind
from domain.plan_documents import action_document
from domain.plan_documents import as_action as planned_action
from domain.plans import Plan
from domain.proof_words import proof_words
from domain.verification import Outcome, Proof


def snapshot_json(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as the table keeps it."""
    return {
        "target": snapshot.target,
        "mark": snapshot.mark,
        "goal": snapshot.goal,
        "settled": snapshot.settled,
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
        kept.get("mark", ""),
        kept.get("goal", ""),
        kept.get("settled", True),
    )


def as_record(row: sa.Row[Any]) -> ActionRecord:
    """The action that a row holds."""
    return ActionRecord(
        id=row.id,
        incident_id=row.incident_id,
        episode=row.episode,
        ordinal=row.ordinal,
        source=row.source,
        action=planned_action(row.planned),
        executor=row.executor,
        budget_key=row.budget_key,
        state=ActionState(row.state),
        before=as_snapshot(row.before) if row.before else None,
        after=as_snapshot(row.after) if row.after else None,
        reserved_at=row.reserved_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        error=row.error,
        outcome=Outcome(row.outcome) if row.outcome else None,
        undo=UndoState(row.undo),
        undo_error=row.undo_error or "",
        service=row.service,
    )


def of_incident(connection: sa.Connection, incident_id: int, *, episode: int) -> tuple[ActionRecord, ...]:
    """The actions of an episode, in order, and those of earlier ones whose end is not known."""
    wanted = sa.or_(actions.c.episode == episode, actions.c.state == ActionState.STARTED)
    query = sa.select(actions).where(actions.c.incident_id == incident_id, wanted)
    return tuple(map(as_record, connection.execute(query.order_by(actions.c.episode, actions.c.ordinal))))


def reserve(connection: sa.Connection, plan: Plan, seen: Sequence[Seen], *, episode: int, now: datetime) -> None:
    """The whole plan's actions at once. Raises Contended when the plan was begun before in this episode."""
    earlier = sa.select(sa.func.count()).where(
        actions.c.incident_id == plan.incident_id, actions.c.episode == episode, actions.c.source != plan.source
    )
    first = connection.scalar(earlier) or 0
    rows = [
        {
            "incident_id": plan.incident_id,
            "episode": episode,
            "ordinal": ordinal,
            "source": plan.source,
            "kind": one.action.kind,
            "target": one.action.target,
            "planned": action_document(one.action),
            "executor": one.action.executor(plan.executor),
            "service": one.service,
            "budget_key": one.key,
            "state": ActionState.RESERVED,
            "reserved_at": now,
            "undo": UndoState.NOT,
        }
        for ordinal, one in enumerate(seen, first)
    ]
    connection.execute(actions.insert(), rows)
    for row in rows:
        note(connection, LedgerKind.ACTION_RESERVED, plan.incident_id, _told(row), now=now)


def _told(row: Mapping[str, Any]) -> dict[str, object]:
    return {name: row[name] for name in ("kind", "target", "source")}


def start(connection: sa.Connection, action: ActionRecord, before: Snapshot, *, now: datetime) -> None:
    """Commit what the target looks like, before anything is done to it."""
    _change(connection, action, state=ActionState.STARTED, before=snapshot_json(before), started_at=now)
    fields = {"kind": action.kind, "target": action.target, "pids": list(before.pids), "source": action.source}
    note(connection, LedgerKind.ACTION_STARTED, action.incident_id, fields, now=now)


def finish(connection: sa.Connection, action: ActionRecord, after: Snapshot, *, taken_over: str, now: datetime) -> None:
    """The action is done; `taken_over` says what a successor found, or is empty."""
    _change(connection, action, state=ActionState.DONE, after=snapshot_json(after), finished_at=now)
    if taken_over:
        fields = {"target": action.target, "found": taken_over}
        note(connection, LedgerKind.ACTION_TAKEN_OVER, action.incident_id, fields, now=now)
    before = list(action.before.pids) if action.before else []
    pids = {"pids_before": before, "pids_after": list(after.pids)}
    told = {"kind": action.kind, "target": action.target, **pids}
    note(connection, LedgerKind.ACTION_DONE, action.incident_id, told, now=now)


def restamp(connection: sa.Connection, action: ActionRecord, *, now: datetime) -> None:
    """Its end lies in the future, because the clock was set back: from now on it counts from now."""
    _change(connection, action, finished_at=now)


def fail(connection: sa.Connection, action: ActionRecord, error: str, *, now: datetime) -> None:
    """The executor refused, or could not be reached for too long."""
    _change(connection, action, state=ActionState.FAILED, error=error, finished_at=now)
    fields = {"kind": action.kind, "target": action.target, "error": error}
    note(connection, LedgerKind.ACTION_FAILED, action.incident_id, fields, now=now)


def drop_reserved(connection: sa.Connection, incident_id: int, why: str, *, now: datetime) -> None:
    """Actions whose turn has not come are not carried out any more; their budget is free again."""
    waiting = sa.select(actions).where(actions.c.incident_id == incident_id, actions.c.state == ActionState.RESERVED)
    for row in connection.execute(waiting.order_by(actions.c.id)).all():
        drop(connection, as_record(row), why, now=now)


def drop(connection: sa.Connection, action: ActionRecord, why: str, *, now: datetime) -> None:
    """Something spoke against the action before it was carried out."""
    _change(connection, action, state=ActionState.DROPPED, error=why, finished_at=now)
    fields = {"kind": action.kind, "target": action.target, "why": why}
    note(connection, LedgerKind.ACTION_DROPPED, action.incident_id, fields, now=now)


def judge(
    connection: sa.Connection, incident_id: int, found: Sequence[ActionRecord], proof: Proof, *, now: datetime
) -> None:
    """Record what the verification found on all these actions."""
    for action in found:
        _change(connection, action, outcome=proof.outcome, outcome_numbers=proof.numbers())
    fields = {"outcome": proof.outcome} | proof.numbers()
    note(connection, LedgerKind.VERIFIED, incident_id, fields, now=now)


def undoing(connection: sa.Connection, action: ActionRecord, *, now: datetime) -> None:
    """Commit that the action is about to be taken back; asking twice for that does no harm."""
    _change(connection, action, undo=UndoState.STARTED)
    fields = {"kind": action.kind, "target": action.target}
    note(connection, LedgerKind.UNDO_STARTED, action.incident_id, fields, now=now)


def undone(connection: sa.Connection, action: ActionRecord, error: str, *, now: datetime) -> None:
    """The action was taken back; `error` says why it could not be, or is empty."""
    _change(connection, action, undo=UndoState.FAILED if error else UndoState.DONE, undo_error=error or None)
    fields = {"kind": action.kind, "target": action.target} | ({"error": error} if error else {})
    note(connection, LedgerKind.UNDO_FAILED if error else LedgerKind.UNDONE, action.incident_id, fields, now=now)


def proof_lines(connection: sa.Connection, incident_id: int, episode: int) -> list[str]:
    """What the verification of an episode's actions found, in words."""
    query = sa.select(actions.c.outcome, actions.c.outcome_numbers).where(
        actions.c.incident_id == incident_id, actions.c.episode == episode, actions.c.outcome_numbers.is_not(None)
    )
    found = [
        f"Verification: {row.outcome}, {proof_words(row.outcome_numbers)}"
        for row in connection.execute(query.order_by(actions.c.ordinal))
    ]
    return list(dict.fromkeys(found))


def _change(connection: sa.Connection, action: ActionRecord, **values: object) -> None:
    connection.execute(actions.update().where(actions.c.id == action.id).values(values))
