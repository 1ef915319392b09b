"""The gate is asked: with what the executor sees, and what is stored at the moment that would begin something."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from adapters.store import budget_rows, experience
from adapters.store.database import Connection
from adapters.store.mutes import mutes_now
from adapters.store.question_rows import keep_question
from domain.actions import ActionState
from domain.asking import History, Objected, Objection, Policy, Purpose, Question, Seen
from domain.autonomy import Trust
from domain.budgets import pause_of
from domain.execution import Order
from domain.gate import objections
from domain.gate_documents import gate_answer, question_document
from domain.incidents import Incident
from domain.muting import in_maintenance, in_words, labels_of
from domain.plans import Plan
from domain.questions import Asked, Kind
from domain.steps import Answer
from tasks.held import Held
from tasks.trust import trust_of


def see(held: Held, platform: str, order: Order) -> Seen:
    """An action with what its target on that platform looks like now. Raises Unavailable or Refused."""
    executor = held.means.executor(order.action.executor(platform))
    owner = held.means.knowledge.inventory.owner(platform, order.target)
    snapshot = executor.observe(order)
    whole = snapshot
    if owner is not None and owner.target != order.target:
        whole = executor.snapshot(owner.target)
    return Seen(order.action, owner, snapshot, whole)


def ask(held: Held, connection: Connection, answer: Answer, purpose: Purpose, seen: tuple[Seen, ...]) -> list[Objected]:
    """What speaks against it, within the transaction that would begin it."""
    if answer.plan is None:
        return [Objected(Objection.VOID, {})]
    policy = held.means.policy(connection)
    asked = Question(
        purpose=purpose,
        plan=answer.plan,
        incident=answer.incident,
        service=held.means.knowledge.inventory.services.get(answer.incident.service),
        seen=seen,
        allowed_at=answer.approval.at if answer.approval is not None and answer.approval.granted else None,
        acted=bool(answer.of_episode(ActionState.DONE)),
        maintenance=maintenance(held, connection, answer.incident, seen),
    )
    if purpose is Purpose.BEGIN:
        trusted = _trusted(held, connection, answer.plan, answer.incident)
        asked = replace(asked, history=_reserved(held, connection, asked, policy), trusted=trusted)
    now = held.now()
    found = objections(asked, policy, now=now)
    kept = Asked(Kind.GATE, question_document(asked, paused=policy.paused), gate_answer(found))
    keep_question(connection, asked.incident.id, kept, knowledge=held.means.named(connection), now=now)
    return found


def _trusted(held: Held, connection: Connection, plan: Plan, incident: Incident) -> Trust | None:
    """How far the plan's playbook may go on the service by now; None for a plan of no playbook."""
    name = experience.playbook_of(plan.source)
    if not name:
        return None
    known = held.means.knowledge
    playbook = next((one for one in known.playbooks if one.id == name), None)
    service = known.inventory.services.get(incident.service)
    done = experience.runs(connection, name, incident, now=held.now())
    return trust_of(known, playbook, service, done, experience.word(connection, name, incident.service))


def maintenance(held: Held, connection: Connection, incident: Incident, seen: Iterable[Seen] = ()) -> str:
    """The maintenance window that the incident's service is in, or that of a target, in words, or nothing."""
    now, inventory = held.now(), held.means.knowledge.inventory
    mutes = mutes_now(connection, now)
    services = dict.fromkeys([incident.service, *(one.service for one in seen if one.service)])
    each = (in_maintenance(labels_of(incident, inventory, service=name), mutes, now=now) for name in services)
    return next((in_words(found, now) for found in each if found is not None), "")


def _reserved(held: Held, connection: Connection, asked: Question, policy: Policy) -> History:
    """What budgets count; nobody else reserves anything before this transaction ends."""
    budget_rows.lock_budgets(connection)
    keys = [one.key for one in asked.seen]
    services = [one.service for one in asked.seen if one.service]
    return budget_rows.history(connection, keys, services, back=pause_of(asked, policy), now=held.now())
