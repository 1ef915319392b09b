"""The only door to execution: what speaks against carrying a plan out unattended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.incidents import Incident
from domain.plans import DESTRUCTIVE, Action, Plan, Risk, Undo
from domain.playbooks import Preconditions


class Objection(StrEnum):
    """What can speak against a plan."""

    DRY_RUN = "acting is off"
    PAUSED = "acting is paused"
    CLOSED = "the incident is closed"
    ACKNOWLEDGED = "a human has acknowledged it"
    OLD_EVIDENCE = "the evidence is old"
    RISK = "the risk is too high"
    CONFIDENCE = "the confidence is too low"
    NO_UNDO = "a destructive action has no undo"
    TOO_FEW_LOGS = "too few logs"
    NO_TARGET = "there is nothing of that name to act on"
    TARGET_BUSY = "the target was acted on lately"
    HOURLY_BUDGET = "too many actions in the last hour"
    INEFFECTIVE = "actions on the target did not help"


@dataclass(frozen=True, slots=True)
class Objected:
    """One objection with the numbers that it compared."""

    objection: Objection
    numbers: Mapping[str, object]

    def __str__(self) -> str:
        told = ", ".join(f"{name} {value}" for name, value in self.numbers.items())
        return f"{self.objection}: {told}" if told else str(self.objection)


@dataclass(frozen=True, slots=True)
class Policy:
    """What may run unattended."""

    acting: bool
    paused: bool
    max_risk: Risk
    min_confidence: float
    target_pause: timedelta  # least time between two actions on one target
    actions_per_hour: int
    max_ineffective: int  # ineffective actions on a target in a day after which no further one runs
    max_evidence_age: timedelta


@dataclass(frozen=True, slots=True)
class History:
    """What was done lately."""

    last_action: Mapping[str, datetime]  # target -> start of its latest action
    ineffective: Mapping[str, int]  # target -> actions in the last day that did not help
    in_last_hour: int  # actions on any target


def objections(
    plan: Plan, incident: Incident, needs: Preconditions, policy: Policy, history: History, *, now: datetime
) -> list[Objected]:
    """What speaks against running the plan unattended; empty means run it."""
    return [
        *switched_off(policy),
        *stale(incident, needs, policy, now=now),
        *doubtful(plan, incident, needs, policy),
        *(objected for action in plan.actions for objected in over_budget(plan, action, policy, history, now=now)),
    ]


def switched_off(policy: Policy) -> list[Objected]:
    """A person decides whether anything is done at all."""
    found = []
    if not policy.acting:
        found.append(Objected(Objection.DRY_RUN, {}))
    if policy.paused:
        found.append(Objected(Objection.PAUSED, {}))
    return found


def stale(incident: Incident, needs: Preconditions, policy: Policy, *, now: datetime) -> list[Objected]:
    """The incident must still fire, and be nobody's yet."""
    found = []
    if incident.state.closed:
        found.append(Objected(Objection.CLOSED, {"state": incident.state}))
    if incident.acked_at is not None:
        found.append(Objected(Objection.ACKNOWLEDGED, {"at": incident.acked_at.isoformat()}))
    age = (now - incident.last_at).total_seconds()
    allowed = min(policy.max_evidence_age.total_seconds(), needs.max_age_seconds)
    if age > allowed:
        found.append(Objected(Objection.OLD_EVIDENCE, {"seconds": round(age), "at_most": round(allowed)}))
    return found


def doubtful(plan: Plan, incident: Incident, needs: Preconditions, policy: Policy) -> list[Objected]:
    """The plan must fit well, rest on enough logs and not risk more than allowed."""
    found = []
    if plan.risk > policy.max_risk:
        found.append(
            Objected(Objection.RISK, {"risk": plan.risk.name.lower(), "at_most": policy.max_risk.name.lower()})
        )
    if plan.confidence < policy.min_confidence:
        found.append(
            Objected(Objection.CONFIDENCE, {"plan": round(plan.confidence, 2), "at_least": policy.min_confidence})
        )
    if incident.confidence < needs.min_confidence:
        found.append(
            Objected(
                Objection.CONFIDENCE, {"incident": round(incident.confidence, 2), "at_least": needs.min_confidence}
            )
        )
    if incident.logs < needs.min_logs:
        found.append(Objected(Objection.TOO_FEW_LOGS, {"logs": incident.logs, "at_least": needs.min_logs}))
    found += [
        Objected(Objection.NO_UNDO, {"action": action.kind})
        for action in plan.actions
        if action.kind in DESTRUCTIVE and action.undo is Undo.NONE
    ]
    return found


def over_budget(plan: Plan, action: Action, policy: Policy, history: History, *, now: datetime) -> list[Objected]:
    """Durable limits per target and in all, so that automation cannot mask a fault by repeating itself."""
    found = []
    last = history.last_action.get(action.target)
    pause = max(policy.target_pause, plan.cool_down)
    if last is not None and now - last < pause:
        ago = round((now - last).total_seconds())
        found.append(
            Objected(
                Objection.TARGET_BUSY,
                {"target": action.target, "seconds_ago": ago, "at_least": round(pause.total_seconds())},
            )
        )
    if history.in_last_hour + len(plan.actions) > policy.actions_per_hour:
        found.append(
            Objected(Objection.HOURLY_BUDGET, {"actions": history.in_last_hour, "at_most": policy.actions_per_hour})
        )
    if history.ineffective.get(action.target, 0) >= policy.max_ineffective:
        found.append(
            Objected(Objection.INEFFECTIVE, {"target": action.target, "times": history.ineffective[action.target]})
        )
    return found
