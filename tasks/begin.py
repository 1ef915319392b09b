"""The step `begin`: the gate is asked, and the whole plan is reserved, waits for a person, or goes to a human."""

from __future__ import annotations

from datetime import timedelta

from adapters.channels import CHANNELS
from adapters.store import action_log, answers, step_queue
from adapters.store.database import Connection
from adapters.store.ledger_rows import note
from adapters.store.outbox import queue
from domain.correlation import stored_page_key
from domain.errors import BadSettings, Refused, Unavailable
from domain.execution import Snapshot
from domain.gate import Objected, Objection, Question, beyond_limits, may_be_allowed, objections
from domain.incidents import State
from domain.ledger import LedgerKind
from domain.pages import PageReason
from domain.plan_documents import digest
from domain.plans import Plan
from domain.steps import LONGEST_WAIT, Answer, Due, Step
from tasks.escalate import in_words, to_human
from tasks.held import Held, planned


def begin(held: Held, step: Step) -> None:
    """Reserve the plan if nothing speaks against it.

    Budgets are asked and reserved in one transaction that no other reservation overlaps.
    """
    plan = planned(held.read())
    seen = _targets(held, plan)
    policy = held.means.policy()
    with held.writing(step) as (connection, answer):
        action_log.lock_budgets(connection)
        keys = tuple(one.budget_key for one in seen if isinstance(one, Snapshot))
        found = [one for one in seen if isinstance(one, Objected)] + _beyond_limits(held, answer, plan)
        if not found:
            history = action_log.history(connection, keys, now=held.now())
            approved = answer.approval is not None and answer.approval.granted
            found = objections(Question(plan, answer.incident, keys, history, approved), policy, now=held.now())
        if not found:
            answers.move(connection, answer.incident.id, State.ACTING, objections=[])
            action_log.reserve(connection, plan, keys, episode=answer.incident.episode, now=held.now())
        elif may_be_allowed(found):
            _ask(held, connection, answer, plan, found)
        else:
            to_human(held, connection, answer, PageReason.OBJECTED, objected=found)


def _targets(held: Held, plan: Plan) -> list[Snapshot | Objected]:
    """What each action's target looks like, or why there is nothing to act on."""
    found: list[Snapshot | Objected] = []
    for action in plan.actions:
        held.renew()
        try:
            seen = held.means.executor(plan.executor).snapshot(action.target)
        except (BadSettings, Refused, Unavailable) as error:
            found.append(Objected(Objection.NO_TARGET, {"target": action.target, plan.executor: str(error)}))
            continue
        found.append(seen if seen.processes else Objected(Objection.NO_TARGET, {"target": action.target}))
    return found


def _beyond_limits(held: Held, answer: Answer, plan: Plan) -> list[Objected]:
    service = held.means.knowledge.inventory.services.get(answer.incident.service)
    if service is None:
        return [Objected(Objection.NO_TARGET, {"service": answer.incident.service, "inventory": "no longer in it"})]
    return beyond_limits(plan, service)


def _ask(held: Held, connection: Connection, answer: Answer, plan: Plan, found: list[Objected]) -> None:
    """A person's word is all that is missing: page for it, and wait."""
    incident = answer.incident
    until = held.now() + timedelta(seconds=held.means.settings.mitigation.approval_seconds)
    told = in_words(found)
    answers.move(connection, incident.id, State.WAITING, objections=told)
    step_queue.schedule(connection, incident.id, Due(min(until, held.now() + LONGEST_WAIT), "approval", until))
    fields = {"objections": told, "plan": digest(plan), "until": until.isoformat()}
    note(connection, LedgerKind.ASKED, incident.id, fields, now=held.now())
    lines = [
        f"Plan: {' and '.join(f'{action.kind} {action.target}' for action in plan.actions)}, because {plan.why}",
        *(f"Needs your word: {objection}" for objection in told),
        f"Allow it until {until:%H:%M} UTC: sre approve {incident.id} {digest(plan)}",
        f"Refuse it: sre reject {incident.id} {digest(plan)}",
    ]
    key = stored_page_key(incident, PageReason.APPROVAL)
    queue(connection, incident, PageReason.APPROVAL, key=key, channels=CHANNELS, lines=lines, now=held.now())
