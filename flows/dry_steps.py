"""The first steps of an answer without any effect: the same table, gate and plans, on nothing but the incident."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.gate import History, Objected, Question, beyond_limits, may_be_allowed, objections
from domain.incidents import Incident
from domain.plans import Plan
from domain.steps import Answer, Due, Step, StepKind, next_step
from tasks.escalate import in_words
from tasks.held import policy_of
from tasks.judging import Knowledge
from tasks.plan import plan_for

NOTHING_DONE = History({}, {}, 0)


def would_answer(knowledge: Knowledge, incident: Incident, *, now: datetime) -> str:
    """What `on-call` would come to at `now` if nothing was done before, in words."""
    answer = Answer(incident, None, (), None, Due(now, "an answer"))
    step = _next(knowledge, answer, now)
    if step.kind is not StepKind.PLAN:
        return f"a human: {step.why}"
    made = plan_for(knowledge, incident)
    if not isinstance(made, Plan):
        return _to_human([made] if made else [])
    if _next(knowledge, replace(answer, plan=made), now).kind is not StepKind.BEGIN:
        return f"a human: {step.why}"
    return _through_the_gate(knowledge, incident, made, now)


def _next(knowledge: Knowledge, answer: Answer, now: datetime) -> Step:
    return next_step(answer, tries=knowledge.settings.mitigation.step_tries, now=now)


def _through_the_gate(knowledge: Knowledge, incident: Incident, plan: Plan, now: datetime) -> str:
    what = " and ".join(f"{action.kind} {action.target}" for action in plan.actions)
    keys = tuple(action.target for action in plan.actions)
    policy = policy_of(knowledge.settings.mitigation, paused=False)
    found = beyond_limits(plan, knowledge.inventory.services[incident.service])
    found = found or objections(Question(plan, incident, keys, NOTHING_DONE), policy, now=now)
    if not found:
        return what
    if may_be_allowed(found):
        return f"{what}, if a person allows it: {'; '.join(in_words(found))}"
    return f"{_to_human(found)}, instead of {what}"


def _to_human(found: list[Objected]) -> str:
    return f"a human: {'; '.join(in_words(found)) or 'no playbook fits'}"
