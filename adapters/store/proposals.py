"""Plans that an analysis proposes: taken up once a person allows one of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from adapters.store import action_log, analyses, step_queue
from adapters.store.ledger_rows import note
from adapters.store.tables.found import incidents
from domain.actions import Approval
from domain.errors import Refused
from domain.incidents import Incident, State
from domain.ledger import LedgerKind
from domain.plan_documents import as_plan, digest
from domain.steps import Due

# So long the person's word may take to be followed.
FOLLOWED_WITHIN = timedelta(minutes=5)


def take_up(connection: sa.Connection, incident: Incident, plan_digest: str, said: Approval) -> bool:
    """Make a proposed plan the incident's own, waiting for exactly this word; False where none is proposed.

    Whoever allows it gives the incident back: it is nobody's any more. Raises Refused for a plan that is not among
    those that are proposed, or that was begun before in this episode.
    """
    if incident.state is not State.ESCALATED:
        return False
    stored = analyses.of_incident(connection, incident.id)
    if stored is None or stored.episode != incident.episode or stored.answer is None:
        return False
    chosen = _chosen(stored, plan_digest)
    if chosen is None:
        if plan_digest:
            raise Refused(f"incident {incident.id}: no plan {plan_digest} is proposed; `sre incident` lists them")
        return False
    plan = as_plan(incident.id, chosen["plan"])
    done = action_log.of_incident(connection, incident.id, episode=incident.episode)
    if any(one.source == plan.source for one in done):
        raise Refused(
            f"incident {incident.id}: that was begun before; `sre incident {incident.id}` says what came of it"
        )
    mine = incidents.update().where(incidents.c.id == incident.id, incidents.c.state == State.ESCALATED)
    connection.execute(mine.values(state=State.WAITING, plan=chosen["plan"], objections=[], acked_at=None))
    step_queue.schedule(connection, incident.id, Due(said.at, "the approved plan", said.at + FOLLOWED_WITHIN))
    told = {
        "source": plan.source,
        "why": plan.why,
        "confidence": plan.confidence,
        "risk": plan.risk.name.lower(),
        "actions": [action.told for action in plan.actions],
        "plan": digest(plan),
    }
    note(connection, LedgerKind.PLAN, incident.id, told, now=said.at)
    return True


def _chosen(stored: analyses.Stored, plan_digest: str) -> dict[str, Any] | None:
    """The option of that digest, or without one the first of those that the analysis named."""
    if plan_digest:
        return next((one for one in stored.options if one["digest"] == plan_digest), None)
    best = stored.answer.plans[:1] if stored.answer else ()
    return next((one for one in stored.options if one["name"] in best), None)
