"""The step `plan`: the playbook's plan is made, bound to the inventory, and stored whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from adapters.store import answers, experience
from adapters.store.database import Connection
from adapters.store.ledger_rows import note
from adapters.store.question_rows import keep_question
from domain.asking import Objected, Objection
from domain.autonomy import Autonomy, Trust
from domain.cases import Case, case_document
from domain.classification import Classified, classify
from domain.incidents import Incident, Route
from domain.ledger import LedgerKind
from domain.pages import PageReason
from domain.plan_documents import as_document, digest
from domain.plans import Plan
from domain.playbooks import bind, fit
from domain.questions import Answered, Asked, Kind
from domain.steps import Answer, Step
from tasks.escalate import to_human
from tasks.held import Held
from tasks.judging import Knowledge
from tasks.trust import trust_of
from tasks.weigh import assess


@dataclass(frozen=True, slots=True)
class Made:
    """What the step came to: a plan, or an objection to making one; neither where no playbook applies any more."""

    plan: Plan | None = None
    objected: Objected | None = None
    classified: Classified | None = None  # None where no playbook fits
    trusted: Trust | None = None


def plan_for(knowledge: Knowledge, case: Case) -> Made:
    """The plan of the playbook that fits, if it is sure enough and trusted at all, after the runs of it."""
    incident = case.incident
    playbook = next((known for known in knowledge.playbooks if known.id == incident.playbook), None)
    found = fit(playbook, incident) if playbook else None
    limits = knowledge.settings.mitigation
    if playbook is None or found is None or not limits.enabled or not playbook.actions:
        return Made()
    sure = classify(found.confidence, found.reason, case.runs, case.past, threshold=limits.common_error_threshold)
    service = knowledge.inventory.services.get(incident.service)
    trusted = trust_of(knowledge, playbook, service, case.runs, case.said)
    if not sure.common:
        return Made(classified=sure, trusted=trusted)
    if service is None:
        objected = Objected(Objection.NO_TARGET, {"service": incident.service, "inventory": "not in it"})
        return Made(None, objected, sure, trusted)
    if trusted.level is Autonomy.OBSERVE:
        return Made(None, Objected(Objection.OBSERVES, {"because": trusted.why}), sure, trusted)
    plan = bind(playbook, incident.id, replace(found, confidence=sure.confidence), service)
    return Made(replace(plan, why="; ".join(sure.reasons)), None, sure, trusted)


def classified(case: Case, made: Made) -> Answered:
    """What the step came to, as it is kept and compared."""
    found, plan = made.classified, made.plan
    details: dict[str, object] = {
        "playbook": case.incident.playbook,
        "confidence": found.confidence if found else 0.0,
        "objection": str(made.objected) if made.objected else "",
        # Why it was made names the limits of then, which may change without the plan.
        "plan": digest(replace(plan, why="")) if plan else "",
        "told": plan.told if plan else "",
    }
    if found is None:
        return Answered("without a playbook", details)
    return Answered("common" if found.common else "uncommon", details, found.reasons[-1])


def make_plan(held: Held, step: Step) -> None:
    """Store the plan, or give the incident to a human where there is none to be made."""
    with held.writing(step) as (connection, answer):
        assess(held, connection, answer.incident)
        incident, now = answer.incident, held.now()
        case = _case(connection, incident, now=now)
        made = plan_for(held.means.knowledge, case)
        asked = Asked(Kind.CLASSIFICATION, case_document(case), classified(case, made))
        keep_question(connection, incident.id, asked, knowledge=held.means.named(connection), now=now)
        if made.classified is not None:
            _tell(connection, held, incident, made.classified)
        if made.plan is not None:
            _keep(connection, held, answer, made.plan)
        elif made.objected is not None:
            to_human(held, connection, answer, PageReason.OBJECTED, objected=[made.objected])
        elif made.classified is not None:
            # A page that no playbook is followed is not needless because one would fit.
            answers.move(connection, incident.id, incident.state, route=Route.HUMAN)
            to_human(held, connection, answer, PageReason.UNCOMMON, lines=_doubts(incident, made.classified))
        else:
            answers.move(connection, incident.id, incident.state, route=Route.HUMAN)


def _case(connection: Connection, incident: Incident, *, now: datetime) -> Case:
    return Case(
        incident,
        experience.runs(connection, incident.playbook, incident, now=now),
        experience.past(connection, incident, now=now),
        experience.word(connection, incident.playbook, incident.service),
    )


def _doubts(incident: Incident, found: Classified) -> list[str]:
    """Why the playbook that fits is not followed, one fact a line."""
    return [f"Playbook {incident.playbook} is not sure enough to be followed:", *(f"- {one}" for one in found.reasons)]


def _tell(connection: Connection, held: Held, incident: Incident, found: Classified) -> None:
    fields = {"common": found.common, "confidence": found.confidence, "reasons": list(found.reasons)}
    note(connection, LedgerKind.CLASSIFIED, incident.id, fields | {"playbook": incident.playbook}, now=held.now())


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
