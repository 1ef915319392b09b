"""The plans that an analysis may choose among: those of playbooks, bound to the incident's own services."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from domain.autonomy import Autonomy
from domain.incidents import Incident
from domain.inventory import Inventory, Service
from domain.parameters import Scale
from domain.plan_documents import as_document, digest
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
    def as_document(self) -> dict[str, Any]:
        """As it is stored."""
        names = ("name", "playbook", "title", "service", "why")
        told = {name: getattr(self, name) for name in names}
        return told | {"told": self.plan.told, "plan": as_document(self.plan), "digest": digest(self.plan)}


def in_words(stored: Mapping[str, Any]) -> str:
    """A stored option as people and models read it."""
    return f"{stored['told']} (playbook {stored['playbook']}: {stored['title']}; {stored['why']})"


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
    meant = any(fnmatch.fnmatch(service.name, glob) for glob in playbook.matches.services)
    if not (playbook.actions and meant) or min(playbook.autonomy, limits.autonomy) < Autonomy.ASK:
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


def told(stored: Iterable[Mapping[str, Any]], incident_id: int) -> dict[str, str]:
    """Each stored option by name, in words, with what allows it."""
    return {one["name"]: f"{in_words(one)}; allow it: sre approve {incident_id} {one['digest']}" for one in stored}


def as_documents(options: Iterable[Option]) -> list[dict[str, Any]]:
    """As they are stored."""
    return [one.as_document for one in options]
