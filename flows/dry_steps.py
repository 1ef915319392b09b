"""The first steps of an answer without any effect: the same table, gate and plans, on nothing but the incident."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.asking import Objected, Purpose, Question, Seen
from domain.cases import Case
from domain.gate import may_be_allowed, objections
from domain.incidents import Incident
from domain.policies import policy_of
from domain.steps import Answer, Due, Step, StepKind, next_step
from tasks.escalate import in_words
from tasks.judging import Knowledge
from tasks.plan import Made, plan_for


def would_answer(knowledge: Knowledge, incident: Incident, *, now: datetime) -> str:
    """What `on-call` would come to at `now` if nothing was done before, in words."""
    answer = Answer(incident, None, (), None, Due(now, "an answer"))
    step = _next(knowledge, answer, now)
    if step.kind is not StepKind.PLAN:
        return f"a human: {step.why}"
    made = plan_for(knowledge, Case(incident))
    if made.plan is None:
        return _to_human([made.objected] if made.objected else [])
    if _next(knowledge, replace(answer, plan=made.plan), now).kind is not StepKind.BEGIN:
        return f"a human: {step.why}"
    return _through_the_gate(knowledge, incident, made, now)


def _next(knowledge: Knowledge, answer: Answer, now: datetime) -> Step:
    return next_step(answer, tries=knowledge.settings.mitigation.step_tries, now=now)


def _through_the_gate(knowledge: Knowledge, incident: Incident, made: Made, now: datetime) -> str:
    inventory, plan = knowledge.inventory, made.plan
    assert plan is not None  # noqa: S101 - nobody comes here without one
    # Nobody looks at the world here.
    seen = tuple(Seen(action, inventory.owner(plan.executor, action.target), None) for action in plan.actions)
    service = inventory.services.get(incident.service)
    asked = Question(Purpose.BEGIN, plan, incident, service, seen, trusted=made.trusted)
    found = objections(asked, policy_of(knowledge.settings.mitigation, stopped=False), now=now)
    if not found:
        return plan.told
    if may_be_allowed(found):
        return f"{plan.told}, if a person allows it: {'; '.join(in_words(found))}"
    return f"{_to_human(found)}, instead of {plan.told}"


def _to_human(found: list[Objected]) -> str:
    return f"a human: {'; '.join(in_words(found)) or 'no playbook fits'}"
