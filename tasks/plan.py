"""The step `plan`: the playbook's plan is made, bound to the inventory, and stored whole."""

from __future__ import annotations

from adapters.store import answers
from adapters.store.database import Connection
from adapters.store.ledger_rows import note
from domain.asking import Objected, Objection
from domain.incidents import Incident, Route
from domain.ledger import LedgerKind
from domain.pages import PageReason
from domain.plan_documents import as_document, digest
from domain.plans import Plan
from domain.playbooks import bind, fit
from domain.steps import Answer, Step
from tasks.escalate import to_human
from tasks.held import Held
from tasks.judging import Knowledge
from tasks.weigh import assess


def plan_for(knowledge: Knowledge, incident: Incident) -> Plan | Objected | None:
    """The plan of the playbook that fits; None when none does any more, an objection when there is no target."""
    playbook = next((known for known in knowledge.playbooks if known.id == incident.playbook), None)
    found = fit(playbook, incident) if playbook else None
    if playbook is None or found is None or not knowledge.settings.mitigation.enabled:
        return None
    service = knowledge.inventory.services.get(incident.service)
    if service is None:
        return Objected(Objection.NO_TARGET, {"service": incident.service, "inventory": "not in it"})
    return bind(playbook, incident, found, service)


def make_plan(held: Held, step: Step) -> None:
    """Store the plan, or give the incident to a human where there is none to be made."""
    with held.writing(step) as (connection, answer):
        assess(held, connection, answer.incident)
        made = plan_for(held.means.knowledge, answer.incident)
        if isinstance(made, Plan):
            _keep(connection, held, answer, made)
        elif made is None:
            answers.move(connection, answer.incident.id, answer.incident.state, route=Route.HUMAN)
        else:
            to_human(held, connection, answer, PageReason.OBJECTED, objected=[made])


def _keep(connection: Connection, held: Held, answer: Answer, plan: Plan) -> None:
    answers.move(connection, answer.incident.id, answer.incident.state, plan=as_document(plan))
    told = {
        "source": plan.source,
        "why": plan.why,
        "confidence": plan.confidence,
        "risk": plan.risk.name.lower(),
        "actions": [action.told for action in plan.actions],
        "plan": digest(plan),
    }
    note(connection, LedgerKind.PLAN, answer.incident.id, told, now=held.now())
