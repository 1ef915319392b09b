"""The only door to execution: what speaks against doing something now, by one table of checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.amounts import share
from domain.asking import Objected, Objection, Policy, Purpose, Question, Seen
from domain.autonomy import Autonomy
from domain.budgets import BUDGETS
from domain.execution import TargetState
from domain.parameters import Scale
from domain.plans import DESTRUCTIVE, OWN_EXECUTORS, Undo

# What a person may allow nevertheless.
APPROVABLE = frozenset({Objection.RISK, Objection.NO_UNDO, Objection.ASKS, Objection.PROPOSED})
LEVELS: Mapping[Autonomy, Objection] = {
    Autonomy.OBSERVE: Objection.OBSERVES,
    Autonomy.SUGGEST: Objection.SUGGESTS,
    Autonomy.ASK: Objection.ASKS,
}


def objections(asked: Question, policy: Policy, *, now: datetime) -> list[Objected]:
    """What speaks against it now; empty means do it."""
    found = [met for check in CHECKS if asked.purpose in check.when for met in check.find(asked, policy, now)]
    return [met for met in found if not (asked.approved and met.objection in APPROVABLE)]


def waits_for_maintenance(found: Iterable[Objected], *, held_off: bool) -> bool:
    """Whether to look again later: people are at work there, or what they held off is silent and may fire again."""
    met = {one.objection for one in found}
    return Objection.MAINTENANCE in met or (held_off and met == {Objection.OLD_EVIDENCE})


def waits_for_logs(found: Iterable[Objected]) -> bool:
    """Whether more logs of its likely origin, which may have been found a moment ago, are what is missing most."""
    met = {one.objection for one in found}
    return Objection.TOO_FEW_LOGS in met and met <= APPROVABLE | {Objection.TOO_FEW_LOGS, Objection.CONFIDENCE}


def may_be_allowed(found: Iterable[Objected]) -> bool:
    """Whether a person's word is all that is missing."""
    met = {one.objection for one in found}
    return bool(met) and met <= APPROVABLE


# --- the checks -------------------------------------------------------------------------------------


def switched_off(_asked: Question, policy: Policy, _now: datetime) -> Iterator[Objected]:
    """A person decides whether anything is done at all."""
    if not policy.acting:
        yield Objected(Objection.DRY_RUN, {})
    if policy.paused:
        yield Objected(Objection.PAUSED, {})


def maintained(asked: Question, _policy: Policy, _now: datetime) -> Iterator[Objected]:
    """People are at work there."""
    if asked.maintenance:
        yield Objected(Objection.MAINTENANCE, {"window": asked.maintenance})


def taken(asked: Question, _policy: Policy, _now: datetime) -> Iterator[Objected]:
    """The incident must be nobody's yet."""
    if asked.incident.state.closed:
        yield Objected(Objection.CLOSED, {"state": asked.incident.state})
    # Whoever has it may still allow the plan; who takes it after that wants it for himself.
    acked_at = asked.incident.acked_at
    if acked_at is not None and (asked.allowed_at is None or asked.allowed_at < acked_at):
        yield Objected(Objection.ACKNOWLEDGED, {"at": f"{acked_at:%H:%M:%S} UTC"})


def widespread(asked: Question, _policy: Policy, _now: datetime) -> Iterator[Objected]:
    """One fault in several services has its cause elsewhere."""
    if asked.incident.widespread:
        yield Objected(Objection.WIDESPREAD, {"services": asked.incident.services})


def stale(asked: Question, policy: Policy, now: datetime) -> Iterator[Objected]:
    """The incident must still fire, at the moment of the action."""
    if asked.acted:
        return  # what the plan's own earlier action has silenced must not stop its next one
    age = (now - (asked.incident.fires_at or asked.incident.last_at)).total_seconds()
    allowed = min(policy.max_evidence_age.total_seconds(), asked.plan.preconditions.max_age_seconds)
    if age > allowed:
        yield Objected(Objection.OLD_EVIDENCE, {"age": f"{age:.0f} s", "at most": f"{allowed:.0f} s"})


def risky(asked: Question, policy: Policy, _now: datetime) -> Iterator[Objected]:
    """Not more than allowed may go wrong, and nothing for ever."""
    risk = asked.plan.risk
    if risk > policy.max_risk:
        yield Objected(Objection.RISK, {"risk": risk.name.lower(), "at most": policy.max_risk.name.lower()})
    for action in asked.plan.actions:
        if action.kind in DESTRUCTIVE and action.undo is Undo.NONE:
            yield Objected(Objection.NO_UNDO, {"action": action.kind})


def distrusted(asked: Question, _policy: Policy, _now: datetime) -> Iterator[Objected]:
    """A playbook earns what it may do by itself; what an analysis proposes never earns it."""
    if asked.plan.proposed:
        yield Objected(Objection.PROPOSED, {})
    if asked.trusted is not None and asked.trusted.level in LEVELS:
        yield Objected(LEVELS[asked.trusted.level], {"because": asked.trusted.why})


def doubtful(asked: Question, policy: Policy, _now: datetime) -> Iterator[Objected]:
    """The plan must fit well, and rest on enough sure logs of the incident's origin."""
    plan, incident, needs = asked.plan, asked.incident, asked.plan.preconditions
    logs = incident.origin_logs or incident.logs
    # How well a proposed plan fits is for the person to say who allows it.
    if not plan.proposed and plan.confidence < policy.min_confidence:
        numbers = {"plan": share(plan.confidence), "at least": share(policy.min_confidence)}
        yield Objected(Objection.CONFIDENCE, numbers)
    if incident.confidence < needs.min_confidence:
        numbers = {"incident": share(incident.confidence), "at least": share(needs.min_confidence)}
        yield Objected(Objection.CONFIDENCE, numbers)
    if logs < needs.min_logs:
        yield Objected(Objection.TOO_FEW_LOGS, {"logs": logs, "at least": needs.min_logs})


def moved(asked: Question, _policy: Policy, _now: datetime) -> Iterator[Objected]:
    """The inventory must still say what it said when the plan was made, and know every target."""
    service, plan = asked.service, asked.plan
    if service is None:
        yield Objected(Objection.MOVED, {"service": asked.incident.service, "inventory": "no longer in it"})
        return
    planned, now = (plan.executor, plan.target or service.target), (service.executor, service.target)
    if planned != now:
        yield Objected(Objection.MOVED, {"planned": " ".join(planned), "inventory": " ".join(now)})
        return
    for one in asked.seen:
        if one.owner is None:
            yield Objected(Objection.MOVED, {"target": one.action.target, "inventory": "not in it"})


def beyond_limits(asked: Question, _policy: Policy, _now: datetime) -> Iterator[Objected]:
    """The inventory says what may be done with a service."""
    for one in asked.seen:
        if one.owner is None:
            continue
        limits, parameters = one.owner.limits, one.action.parameters
        workers = parameters.workers if isinstance(parameters, Scale) else 0
        if one.action.kind not in limits.actions:
            yield Objected(Objection.LIMIT, {"service": one.service, "action": one.action.kind})
        if limits.workers is not None and workers > limits.workers:
            yield Objected(Objection.LIMIT, {"service": one.service, "workers": workers, "at most": limits.workers})


def unseen(asked: Question, _policy: Policy, _now: datetime) -> Iterator[Objected]:
    """There must be something to act on, in a state that is known."""
    for one in asked.seen:
        who = one.action.executor(asked.plan.executor)
        if one.problem:
            yield Objected(Objection.NO_TARGET, {"target": one.action.target, who: one.problem})
        elif one.snapshot is not None and one.action.kind not in OWN_EXECUTORS:
            yield from _of_target(one)


def _of_target(one: Seen) -> Iterator[Objected]:
    processes = one.snapshot.processes if one.snapshot else ()
    if not processes:
        yield Objected(Objection.NO_TARGET, {"target": one.action.target})
    for process in processes:
        if process.state is TargetState.UNKNOWN:
            yield Objected(Objection.UNKNOWN_STATE, {"process": process.name})


# --- the table --------------------------------------------------------------------------------------

Find = Callable[[Question, Policy, datetime], Iterable[Objected]]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that may speak against it, and what it is asked for."""

    find: Find
    when: frozenset[Purpose]


ANY = frozenset(Purpose)
BEGIN = frozenset({Purpose.BEGIN})
# What is taken back is taken back although a human has the incident by now, or its evidence is old.
FORWARD = ANY - {Purpose.UNDO}

CHECKS: tuple[Check, ...] = (
    Check(switched_off, ANY),
    Check(maintained, ANY),
    Check(taken, FORWARD),
    Check(widespread, FORWARD),
    Check(stale, FORWARD),
    Check(risky, FORWARD),
    Check(distrusted, BEGIN),
    Check(doubtful, FORWARD),
    Check(moved, ANY),
    Check(beyond_limits, FORWARD),
    Check(unseen, ANY),
    *(Check(budget, BEGIN) for budget in BUDGETS),
)
