"""The plans that an analysis may choose among: those of playbooks, bound to the incident's own services."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from domain.autonomy import Autonomy
from domain.incidents import Incident
from domain.inventory import Inventory, Service
from domain.parameters import Scale
from domain.plan_documents import as_document, as_plan, digest
from domain.plans import PROPOSED, Plan
from domain.playbooks import Fit, Playbook, bind

MOST = 6


@dataclass(frozen=True, slots=True)
class Candidate:
    """A playbook that may help, and why."""

    playbook: Playbook
    score: float  # 0–1
    why: str  # in words


@dataclass(frozen=True, slots=True)
class Option:
    """One plan that may be chosen."""

    name: str  # P1, P2 …
    playbook: str
    title: str
    service: str
    plan: Plan
    why: str

    @property
    def told(self) -> str:
        """As people and models read it."""
        return f"{self.plan.told} (playbook {self.playbook}: {self.title}; {self.why})"


def offered(incident: Incident, candidates: Iterable[Candidate], inventory: Inventory) -> list[Option]:
    """What may be chosen, the likeliest first: each plan is permitted by the inventory and the playbook as it stands.

    Targets are the incident's own service and nothing else; nothing that a log or a model says adds to them.
    """
    service = inventory.services.get(incident.service)
    if service is None:
        return []
    best: dict[str, Candidate] = {}
    for one in sorted(candidates, key=lambda one: (-one.score, one.playbook.id)):
        best.setdefault(one.playbook.id, one)
    allowed = [one for one in best.values() if _permitted(one.playbook, service)]
    return [_option(f"P{number}", one, incident, service) for number, one in enumerate(allowed[:MOST], 1)]


def _permitted(playbook: Playbook, service: Service) -> bool:
    limits = service.limits
    if not playbook.actions or Autonomy.OBSERVE in (playbook.autonomy, limits.autonomy):
        return False
    return all(
        action.kind in limits.actions
        and not (
            isinstance(action.parameters, Scale)
            and limits.workers is not None
            and action.parameters.workers > limits.workers
        )
        for action in playbook.actions
    )


def _option(name: str, one: Candidate, incident: Incident, service: Service) -> Option:
    plan = bind(one.playbook, incident.id, Fit(one.playbook, round(one.score, 2), one.why), service)
    plan = replace(plan, source=PROPOSED + one.playbook.id, why=one.why)
    return Option(name, one.playbook.id, one.playbook.title, service.name, plan, one.why)


def as_documents(options: Iterable[Option]) -> list[dict[str, Any]]:
    """As they are stored."""
    return [
        {
            "name": one.name,
            "playbook": one.playbook,
            "title": one.title,
            "service": one.service,
            "why": one.why,
            "plan": as_document(one.plan),
            "digest": digest(one.plan),
        }
        for one in options
    ]


def from_documents(incident_id: int, stored: Iterable[Mapping[str, Any]]) -> list[Option]:
    """As they were stored. Raises BadInput where one cannot be read."""
    names = ("name", "playbook", "title", "service")
    return [Option(*(one[name] for name in names), as_plan(incident_id, one["plan"]), one["why"]) for one in stored]
