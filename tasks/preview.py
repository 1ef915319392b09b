"""What a plan would do to the real targets, without doing it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from domain.errors import BadInput, BadSettings, Refused, Unavailable
from domain.execution import Executor, Order
from domain.inventory import Inventory, Service
from domain.nearest import nearest
from domain.plans import Action, Plan
from domain.playbooks import Fit, Playbook, bind
from tasks.judging import Knowledge


@dataclass(frozen=True, slots=True)
class Previewed:
    """One action, and what its executor says about it."""

    action: Action
    executor: str
    would: str  # what would be done, in words; empty where nothing would
    problem: str  # why nothing would be done, in words; or empty


def preview(plan: Plan, inventory: Inventory, executor: Callable[[str], Executor]) -> list[Previewed]:
    """Every action of the plan, asked about at the real target."""
    return [_one(action, plan, inventory, executor) for action in plan.actions]


def _one(action: Action, plan: Plan, inventory: Inventory, executor: Callable[[str], Executor]) -> Previewed:
    name = action.executor(plan.executor)
    owner = inventory.owner(plan.executor, action.target)
    try:
        would = executor(name).preview(Order(action, service=owner.name if owner else ""))
    except (BadSettings, Refused, Unavailable) as error:
        return Previewed(action, name, "", str(error))
    return Previewed(action, name, would, "")


def in_lines(found: list[Previewed]) -> list[str]:
    """What would be done, one action a line."""
    return [f"Would do: {one.would}" if one.would else f"Would not: {one.problem}" for one in found]


def plan_of(knowledge: Knowledge, name: str, service_name: str) -> tuple[Plan, Playbook, Service]:
    """The plan of a playbook for a service, as an incident of it would have. Raises BadInput where there is none."""
    books = {book.id: book for book in knowledge.playbooks}
    if name not in books:
        raise BadInput(f"no playbook {name!r}; {nearest(name, books)} (`sre playbooks` lists them)")
    services = knowledge.inventory.services
    if service_name not in services:
        where = knowledge.settings.mitigation.inventory or "mitigation.inventory is not set"
        raise BadInput(f"no service {service_name!r} in the inventory ({where}); {nearest(service_name, services)}")
    book, service = books[name], services[service_name]
    if not book.actions:
        raise BadInput(f"playbook {name} is for people only: it has no action to carry out")
    return bind(book, 0, Fit(book, 1.0, "asked for by a person"), service), book, service
