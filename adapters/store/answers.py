"""Everything that decides the next step of an incident: read in one piece, changed under its lock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.store import action_log, proposals, step_queue
from adapters.store.incident_rows import OPEN_STATES, as_incident
from adapters.store.ledger_rows import note
from adapters.store.tables.decided import approvals, steps_taken
from adapters.store.tables.found import incidents
from domain.actions import ActionRecord, ActionState, Approval
from domain.errors import BadInput, Refused
from domain.incidents import Incident, State
from domain.ledger import LedgerKind
from domain.plan_documents import as_plan, digest
from domain.plans import Plan
from domain.steps import Answer, Due, Step

# A symptom may be seen before its cause.
BESIDE = timedelta(seconds=30)


def read(connection: sa.Connection, incident_id: int, *, lock: bool = False) -> Answer | None:
    """The incident with its plan, actions, approval and timer; None where there is no such incident.

    With `lock` nobody else changes the incident until the transaction ends.
    """
    query = sa.select(incidents).where(incidents.c.id == incident_id)
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        return None
    plan, flaw = None, ""
    try:
        plan = as_plan(incident_id, row.plan) if row.plan else None
    except BadInput as error:
        flaw = str(error)
    return Answer(
        incident=as_incident(row),
        plan=plan,
        actions=_of_plan(plan, action_log.of_incident(connection, incident_id, episode=row.episode)),
        approval=_approval(connection, row, digest(plan)) if plan else None,
        due=step_queue.due_of(connection, incident_id) or Due(row.stored_at, "nothing"),
        flaw=flaw,
    )


def _of_plan(plan: Plan | None, found: tuple[ActionRecord, ...]) -> tuple[ActionRecord, ...]:
    """The actions of the plan: one that a person chose may follow another, which is over but for what has no end."""
    if plan is None or not plan.proposed:
        return found
    return tuple(one for one in found if one.source == plan.source or one.state is ActionState.STARTED)


def _approval(connection: sa.Connection, incident: sa.Row[Any], plan_digest: str) -> Approval | None:
    """What a person said in this episode: a word about the last one is none about what came back."""
    query = sa.select(approvals).where(
        approvals.c.incident_id == incident.id,
        approvals.c.episode == incident.episode,
        approvals.c.plan_digest == plan_digest,
    )
    row = connection.execute(query).first()
    return Approval(row.granted, row.by, row.at, row.role) if row else None


def open_beside(connection: sa.Connection, incident: Incident) -> list[Incident]:
    """Open incidents that began after this one or a little before, locked; those that others hold are left out."""
    query = (
        sa.select(incidents)
        .where(
            incidents.c.id != incident.id,
            incidents.c.state.in_(OPEN_STATES),
            incidents.c.opened_at >= incident.opened_at - BESIDE,
        )
        .order_by(incidents.c.id)
        .with_for_update(skip_locked=True)
    )
    return [as_incident(row) for row in connection.execute(query)]


def move(connection: sa.Connection, incident_id: int, state: State, **values: object) -> None:
    """Change the state of an incident that is locked. Raises Refused when it was closed meanwhile."""
    found = connection.execute(
        incidents.update()
        .where(incidents.c.id == incident_id, incidents.c.state.in_(OPEN_STATES))
        .values(state=state, **values)
    )
    if found.rowcount != 1:
        raise Refused(f"incident {incident_id} was closed meanwhile")


def record(connection: sa.Connection, answer: Answer, step: Step, *, knowledge: str, now: datetime) -> None:
    """Keep that a step was taken, and what it was decided from."""
    connection.execute(
        steps_taken.insert().values(
            incident_id=answer.incident.id,
            episode=answer.incident.episode,
            step=step.kind,
            reason=step.why,
            now=now,
            knowledge=knowledge,
        )
    )


def allow(connection: sa.Connection, incident_id: int, plan_digest: str, said: Approval) -> Plan:
    """Record what a person said about exactly this plan, and make the incident due; the plan.

    Without a digest it is said of the plan that waits at this moment, or that an analysis thinks best. Raises
    Refused when it waits for nobody, waits with another plan, waited too long, or was answered before.
    """
    answer = read(connection, incident_id, lock=True)
    if answer is not None and said.granted and proposals.take_up(connection, answer.incident, plan_digest, said):
        answer = read(connection, incident_id)
    if answer is None or answer.incident.state is not State.WAITING or answer.plan is None:
        raise Refused(f"incident {incident_id} does not wait for approval")
    waits = digest(answer.plan)
    if plan_digest and waits != plan_digest:
        raise Refused(f"incident {incident_id} waits with another plan: {waits}, not {plan_digest}")
    if answer.approval is not None:
        raise Refused(f"incident {incident_id}: {answer.approval.by} answered already")
    if answer.due.until is not None and said.at >= answer.due.until:
        raise Refused(f"incident {incident_id}: the plan waited until {answer.due.until:%H:%M} UTC; a human has it")
    values = {"granted": said.granted, "by": said.by, "role": said.role, "at": said.at}
    of_it = {"incident_id": incident_id, "episode": answer.incident.episode, "plan_digest": waits}
    connection.execute(approvals.insert().values(of_it | values))
    next_is = Due(said.at, "the approved plan" if said.granted else "a human", answer.due.until)
    step_queue.schedule(connection, incident_id, next_is)
    kind = LedgerKind.APPROVED if said.granted else LedgerKind.REJECTED
    note(connection, kind, incident_id, {"by": said.by, "role": said.role, "plan": waits}, now=said.at)
    return answer.plan
