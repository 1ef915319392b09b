"""Questions to the gate for tests: a good plan against which nothing speaks, and whatever is changed about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from domain.asking import NOTHING_DONE, Budgets, Counted, History, Policy, Purpose, Question, Seen
from domain.execution import ProcessState, Snapshot, TargetState
from domain.inventory import Service
from domain.parameters import Restart, Scale
from domain.plans import Action, ActionKind, Measure, Plan, Risk, Undo, Verification
from tests.parts.incidents_part import an_incident
from tests.parts.logs_part import NOON, SECOND

MINUTE = timedelta(minutes=1)
NOW = NOON + SECOND
RESTART = Action(ActionKind.RESTART, "web", Risk.LOW, Undo.NONE, Restart())
SCALE = Action(ActionKind.SCALE, "web", Risk.LOW, Undo.RESTORE, Scale(2))
PLAN = Plan(
    1,
    "playbook:mend-it",
    (RESTART,),
    Verification(Measure.ERROR_RATE, 0.05, MINUTE),
    0.95,
    15 * MINUTE,
    target="web",
)
BUDGETS = Budgets(
    target_pause=15 * MINUTE,
    actions_per_hour=6,
    kind_per_hour=5,
    service_per_hour=4,
    target_per_day=4,
    max_share=1.0,
    max_ineffective=2,
)
POLICY = Policy(
    acting=True,
    paused=False,
    max_risk=Risk.LOW,
    min_confidence=0.8,
    max_evidence_age=2 * MINUTE,
    budgets=BUDGETS,
)
WEB = Service("web", "supervisord", "web")
DB = Service("db", "supervisord", "db")


def processes(target: str = "web", running: int = 4, state: TargetState = TargetState.RUNNING) -> Snapshot:
    """A target that runs so many processes."""
    base = 100 * len(target)
    return Snapshot(
        target, tuple(ProcessState(f"{target}:{n:02d}", state, base + n, NOON) for n in range(1, running + 1))
    )


def one_seen(action: Action = RESTART, owner: Service | None = WEB, **changes: Any) -> Seen:
    """An action on a target that is there."""
    snapshot = changes.pop("snapshot", processes(action.target))
    return Seen(action, owner, snapshot, changes.pop("whole", snapshot), **changes)


def done(ago: timedelta = 2 * 60 * MINUTE, **changes: Any) -> Counted:
    """An action of so long ago, on another target of another service."""
    known = {"budget_key": "cache", "service": "cache", "kind": ActionKind.SCALE, "at": NOW - ago, "outcome": None}
    return Counted(**(known | changes))


def history(*actions: Counted, **under_way: Any) -> History:
    return replace(NOTHING_DONE, actions=actions, **under_way)


def a_question(purpose: Purpose = Purpose.BEGIN, **changes: Any) -> Question:
    """May the good plan be begun?"""
    plan: Plan = changes.pop("plan", PLAN)
    fields: dict[str, Any] = {
        "incident": an_incident(),
        "service": WEB,
        "seen": tuple(one_seen(action) for action in plan.actions),
    }
    return Question(purpose, plan, **(fields | changes))


def before(ago: timedelta) -> datetime:
    return NOW - ago
