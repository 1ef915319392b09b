"""Plans, actions and answers for tests of the steps."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from domain.actions import ActionRecord, ActionState
from domain.execution import ProcessState, Snapshot, TargetState
from domain.parameters import Restart, Scale
from domain.plans import Action, ActionKind, Measure, Plan, Risk, Undo, Verification
from domain.steps import Answer, Due
from tests.parts.incidents_part import an_incident
from tests.parts.logs_part import NOON, SECOND

WITHIN = timedelta(seconds=60)
RESTART = Action(ActionKind.RESTART, "web", Risk.LOW, Undo.NONE, Restart())
SCALE = Action(ActionKind.SCALE, "web", Risk.LOW, Undo.RESTORE, Scale(2))


def a_plan(*actions: Action, **changes: Any) -> Plan:
    fields: dict[str, Any] = {
        "incident_id": 1,
        "source": "playbook:mend-it",
        "actions": actions or (RESTART,),
        "verification": Verification(Measure.ERROR_RATE, 0.05, WITHIN, min_samples=5),
        "confidence": 0.95,
        "cool_down": timedelta(minutes=15),
        "why": "the template matches",
    }
    return Plan(**(fields | changes))


def seen(target: str = "web", pid: int = 100) -> Snapshot:
    return Snapshot(target, (ProcessState(f"{target}:{target}_00", TargetState.RUNNING, pid, NOON),))


def a_record(state: ActionState = ActionState.DONE, **changes: Any) -> ActionRecord:
    begun = state not in (ActionState.RESERVED, ActionState.DROPPED)
    ended = state in (ActionState.DONE, ActionState.FAILED)
    fields: dict[str, Any] = {
        "id": 1,
        "incident_id": 1,
        "episode": 1,
        "ordinal": 0,
        "source": "playbook:mend-it",
        "action": RESTART,
        "executor": "supervisord",
        "budget_key": "web",
        "state": state,
        "before": seen() if begun else None,
        "after": seen(pid=101) if ended else None,
        "reserved_at": NOON,
        "started_at": NOON if begun else None,
        "finished_at": NOON if ended else None,
        "error": None,
        "outcome": None,
    }
    return ActionRecord(**(fields | changes))


def an_answer(*records: ActionRecord, **changes: Any) -> Answer:
    """A confirmed common incident; keywords of the incident are handed on to it."""
    own = {name: changes.pop(name) for name in ("plan", "approval", "due", "flaw") if name in changes}
    fields: dict[str, Any] = {"plan": None, "approval": None, "due": Due(NOON, "an answer")}
    return Answer(incident=an_incident(**changes), actions=records, **(fields | own))


def later(seconds: float) -> datetime:
    return NOON + seconds * SECOND
