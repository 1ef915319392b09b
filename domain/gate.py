"""The only door to execution: what speaks against carrying a plan out unattended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.incidents import Incident
from domain.inventory import Service
from domain.plans import DESTRUCTIVE, Plan, Risk, Undo


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
    LIMIT = "the inventory does not allow it"
    UNDER_WAY = "another plan for the target is under way"
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


# What a person may allow nevertheless.
APPROVABLE = frozenset({Objection.RISK})


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
    """What was or may have been done lately; what was reserved counts."""

    last_action: Mapping[str, datetime]  # budget key -> latest action
    ineffective: Mapping[str, int]  # budget key -> actions in the last day that did not help
    in_last_hour: int  # actions on anything
    under_way: frozenset[str] = frozenset()  # budget keys on which some plan is being carried out or verified


@dataclass(frozen=True, slots=True)
class Question:
    """A plan that asks to be carried out, with what is known at that moment."""

    plan: Plan
    incident: Incident
    budget_keys: tuple[str, ...]  # of the plan's actions, as the executor resolved their targets
    history: History
    approved: bool = False  # by a person, for exactly this plan


def objections(asked: Question, policy: Policy, *, now: datetime) -> list[Objected]:
    """What speaks against carrying the whole plan out now; empty means begin."""
    found = [
        *switched_off(policy),
        *taken(asked.incident),
        *stale(asked.plan, asked.incident, policy, now=now),
        *doubtful(asked.plan, asked.incident, policy),
        *over_budget(asked, policy, now=now),
    ]
    return [met for met in found if not (asked.approved and met.objection in APPROVABLE)]


def last_check(incident: Incident, policy: Policy) -> list[Objected]:
    """What speaks against carrying on with a plan that was begun: a person said so meanwhile.

    Risk, confidence, age and budgets were asked for the whole plan when it was reserved.
    """
    return [*switched_off(policy), *taken(incident)]


def may_be_allowed(found: list[Objected]) -> bool:
    """Whether a person's word is all that is missing."""
    return bool(found) and all(met.objection in APPROVABLE for met in found)


def switched_off(policy: Policy) -> list[Objected]:
    """A person decides whether anything is done at all."""
    found = []
    if not policy.acting:
        found.append(Objected(Objection.DRY_RUN, {}))
    if policy.paused:
        found.append(Objected(Objection.PAUSED, {}))
    return found


def taken(incident: Incident) -> list[Objected]:
    """The incident must be nobody's yet."""
    found = []
    if incident.state.closed:
        found.append(Objected(Objection.CLOSED, {"state": incident.state}))
    if incident.acked_at is not None:
        found.append(Objected(Objection.ACKNOWLEDGED, {"at": f"{incident.acked_at:%H:%M:%S} UTC"}))
    return found


def stale(plan: Plan, incident: Incident, policy: Policy, *, now: datetime) -> list[Objected]:
    """The incident must still fire."""
    age = (now - incident.last_at).total_seconds()
    allowed = min(policy.max_evidence_age.total_seconds(), plan.preconditions.max_age_seconds)
    if age > allowed:
        return [Objected(Objection.OLD_EVIDENCE, {"age": f"{age:.0f} s", "at most": f"{allowed:.0f} s"})]
    return []


def doubtful(plan: Plan, incident: Incident, policy: Policy) -> list[Objected]:
    """The plan must fit well, rest on enough logs and not risk more than allowed."""
    needs = plan.preconditions
    found = []
    if plan.risk > policy.max_risk:
        found.append(
            Objected(Objection.RISK, {"risk": plan.risk.name.lower(), "at most": policy.max_risk.name.lower()})
        )
    if plan.confidence < policy.min_confidence:
        found.append(
            Objected(Objection.CONFIDENCE, {"plan": round(plan.confidence, 2), "at least": policy.min_confidence})
        )
    if incident.confidence < needs.min_confidence:
        found.append(
            Objected(
                Objection.CONFIDENCE, {"incident": round(incident.confidence, 2), "at least": needs.min_confidence}
            )
        )
    if incident.logs < needs.min_logs:
        found.append(Objected(Objection.TOO_FEW_LOGS, {"logs": incident.logs, "at least": needs.min_logs}))
    found += [
        Objected(Objection.NO_UNDO, {"action": action.kind})
        for action in plan.actions
        if action.kind in DESTRUCTIVE and action.undo is Undo.NONE
    ]
    return found


def beyond_limits(plan: Plan, service: Service) -> list[Objected]:
    """What the inventory does not allow for the service."""
    allowed = service.limits
    found = [
        Objected(Objection.LIMIT, {"service": service.name, "action": action.kind})
        for action in plan.actions
        if action.kind not in allowed.actions
    ]
    wanted = [action.parameters["workers"] for action in plan.actions if "workers" in action.parameters]
    found += [
        Objected(Objection.LIMIT, {"service": service.name, "workers": workers, "at most": allowed.workers})
        for workers in wanted
        if allowed.workers is not None and workers > allowed.workers
    ]
    return found


def over_budget(asked: Question, policy: Policy, *, now: datetime) -> list[Objected]:
    """Durable limits per target and in all, so that automation cannot mask a fault by repeating itself."""
    history = asked.history
    found = []
    if history.in_last_hour + len(asked.plan.actions) > policy.actions_per_hour:
        found.append(
            Objected(Objection.HOURLY_BUDGET, {"actions": history.in_last_hour, "at most": policy.actions_per_hour})
        )
    pause = max(policy.target_pause, asked.plan.cool_down)
    for key in dict.fromkeys(asked.budget_keys):
        if key in history.under_way:
            found.append(Objected(Objection.UNDER_WAY, {"target": key}))
            continue
        last = history.last_action.get(key)
        # A clock that was set back must not free a target: an action in the future counts as just done.
        if last is not None and now - last < pause:
            ago = max(0.0, (now - last).total_seconds())
            numbers = {"target": key, "last": f"{ago:.0f} s ago", "at least": f"{pause.total_seconds():.0f} s"}
            found.append(Objected(Objection.TARGET_BUSY, numbers))
        if history.ineffective.get(key, 0) >= policy.max_ineffective:
            found.append(Objected(Objection.INEFFECTIVE, {"target": key, "times": history.ineffective[key]}))
    return found
