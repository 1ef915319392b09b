"""The step `resolve`: it helped, so the incident is over, and with it what came of it elsewhere."""

from __future__ import annotations

from adapters.store.answers import open_beside
from adapters.store.closing import resolve as close
from domain.incidents import Incident, Resolution
from domain.steps import Step, finished_at
from domain.symptoms import symptoms
from domain.verification import SETTLING
from tasks.escalate import tried
from tasks.held import Held


def resolve(held: Held, step: Step) -> None:
    """Close the incident as verified, and those that were its symptoms and have been silent since."""
    with held.writing(step) as (connection, answer):
        incident, now = answer.incident, held.now()
        ended = finished_at(answer)
        close(connection, incident.id, Resolution.VERIFIED, now=now, lines=tried(connection, answer))
        inventory = held.means.knowledge.inventory
        others = open_beside(connection, incident)
        for symptom in symptoms(incident, others, inventory, silent_since=ended + SETTLING):
            close(connection, symptom.id, Resolution.ORIGIN, now=now, origin=_told(incident))


def _told(incident: Incident) -> str:
    return f"incident {incident.id}, {incident.title}"
