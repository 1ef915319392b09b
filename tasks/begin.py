"""The step `begin`: the gate is asked, and the whole plan is reserved, waits for a person, or goes to a human."""

from __future__ import annotations

from datetime import datetime, timedelta

from adapters.store import action_log, answers, step_queue
from adapters.store.closing import resolve as close
from adapters.store.database import Connection, transaction
from adapters.store.ledger_rows import note
from adapters.store.outbox import queue
from domain.asking import Objected, Purpose, Seen
from domain.correlation import stored_page_key
from domain.errors import BadSettings, Refused, Unavailable
from domain.execution import Order
from domain.gate import may_be_allowed, waits_for_logs, waits_for_maintenance
from domain.incidents import Resolution, State
from domain.ledger import LedgerKind
from domain.pages import PageReason
from domain.people import Role
from domain.plan_documents import digest
from domain.plans import Action, Plan
from domain.settings import people_of
from domain.steps import GATHERING, HELD_OFF, LONGEST_WAIT, LOOK_AGAIN, Answer, Due, Step
from tasks.escalate import in_words, to_human
from tasks.gate import ask, maintenance, see
from tasks.held import Held, planned
from tasks.preview import in_lines, preview

# How soon the end of maintenance is seen.
HELD_OFF_LOOK = timedelta(seconds=15)
# How long a likely origin may take to show as many logs as its playbook wants.
GATHERING_ENDS = timedelta(seconds=15)


def begin(held: Held, step: Step) -> None:
    """Reserve the plan if nothing speaks against it.

    Budgets are asked and reserved in one transaction that no other reservation overlaps.
    """
    plan = planned(held.read())
    seen = tuple(_look_at(held, plan, action) for action in plan.actions)
    would = _would(held, plan)
    with held.writing(step) as (connection, answer):
        found = ask(held, connection, answer, Purpose.BEGIN, seen)
        if not found:
            answers.move(connection, answer.incident.id, State.ACTING, objections=[])
            action_log.reserve(connection, plan, seen, episode=answer.incident.episode, now=held.now())
        elif waits_for_maintenance(found, held_off=answer.due.waits_for == HELD_OFF):
            _hold_off(held, connection, answer, found)
        elif waits_for_logs(found) and held.now() < (ends := _gathers_until(held, answer)):
            step_queue.schedule(connection, answer.incident.id, Due(held.now() + LOOK_AGAIN, GATHERING, ends))
        elif may_be_allowed(found):
            _ask_people(held, connection, answer, plan, found)
        else:
            to_human(held, connection, answer, PageReason.OBJECTED, objected=found, lines=would)


def _would(held: Held, plan: Plan) -> list[str]:
    """While acting is off, whoever is told of the plan learns what it would do to the real targets."""
    if held.means.settings.mitigation.acting:
        return []
    return in_lines(preview(plan, held.means.knowledge.inventory, held.means.executor))


def _gathers_until(held: Held, answer: Answer) -> datetime:
    """When nobody waits any longer for more logs of the likely origin."""
    known = answer.due.until if answer.due.waits_for == GATHERING else None
    return known or held.now() + GATHERING_ENDS


def _hold_off(held: Held, connection: Connection, answer: Answer, found: list[Objected]) -> None:
    """People are at work there: the plan waits, and begins if the incident fires then; what is quiet is over."""
    told, now = in_words(found), held.now()
    number = answer.incident.id
    if _is_quiet(held, answer):
        seconds = (now - answer.incident.last_at).total_seconds()
        close(connection, number, Resolution.QUIET, now=now, quiet_seconds=seconds)
        return
    step_queue.schedule(connection, number, Due(now + HELD_OFF_LOOK, HELD_OFF, answer.due.until))
    answers.move(connection, number, answer.incident.state, objections=told)
    if answer.due.waits_for != HELD_OFF:
        note(connection, LedgerKind.HELD_OFF, number, {"objections": told}, now=now)


def still_held_off(held: Held, answer: Answer) -> Due | None:
    """When to look again at an incident that maintenance held off and still does; None where it does not."""
    now, incident = held.now(), answer.incident
    if answer.due.waits_for != HELD_OFF or _is_quiet(held, answer):
        return None
    with transaction(held.means.engine) as connection:
        if not maintenance(held, connection, incident):
            return None
    return Due(now + HELD_OFF_LOOK, HELD_OFF, answer.due.until)


def _is_quiet(held: Held, answer: Answer) -> bool:
    return held.now() - answer.incident.last_at > held.means.knowledge.rules.quiet


def _look_at(held: Held, plan: Plan, action: Action) -> Seen:
    """What the action's target looks like, or why nothing can be seen of it."""
    held.renew()
    try:
        return see(held, plan.executor, Order(action))
    except (BadSettings, Refused, Unavailable) as error:
        owner = held.means.knowledge.inventory.owner(plan.executor, action.target)
        return Seen(action, owner, None, problem=str(error))


def _ask_people(held: Held, connection: Connection, answer: Answer, plan: Plan, found: list[Objected]) -> None:
    """A person's word is all that is missing: page for it, and wait."""
    incident = answer.incident
    until = held.now() + timedelta(seconds=held.means.settings.mitigation.approval_seconds)
    told, who = in_words(found), people_of(held.means.settings).told(Role.APPROVER)
    answers.move(connection, incident.id, State.WAITING, objections=told)
    step_queue.schedule(connection, incident.id, Due(min(until, held.now() + LONGEST_WAIT), "approval", until))
    met = sorted({one.objection.name.lower() for one in found})
    fields = {"objections": told, "met": met, "plan": digest(plan), "until": until.isoformat(), "who": who}
    note(connection, LedgerKind.ASKED, incident.id, fields, now=held.now())
    lines = [
        f"Plan: {plan.told}, because {plan.why}",
        *(f"Needs your word: {objection}" for objection in told),
        f"Who may answer: {who}",
        f"Allow it until {until:%H:%M} UTC: sre approve {incident.id} {digest(plan)}",
        f"Refuse it: sre reject {incident.id} {digest(plan)}",
    ]
    key = stored_page_key(incident, PageReason.APPROVAL)
    about = {"plan": digest(plan)}
    queue(connection, incident, PageReason.APPROVAL, key=key, lines=lines, about=about, now=held.now())
