"""What holds a page back for a while beside rules of people: more that may join it, and what it came of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.incidents import Kind, Route, Severity, State
from domain.inventory import Inventory
from domain.pages import PageReason

# What a fault shows elsewhere may be seen before the fault itself.
SEEN_AFTER = timedelta(seconds=30)
# Pages about what was just found; the others are news about what somebody waits for.
GATHERING = frozenset({PageReason.UNCOMMON, PageReason.OBJECTED, PageReason.WIDESPREAD, PageReason.STORM})
_OURS = frozenset({Kind.OWN, Kind.FLEET, Kind.CANARY})


@dataclass(frozen=True, slots=True)
class Trouble:
    """An open incident, as far as it may be the cause or the effect of another one."""

    id: int
    services: tuple[str, ...]  # its own first
    what: str  # what it is, beside its service; untrusted text
    kind: Kind
    route: Route
    severity: Severity
    state: State
    opened_at: datetime
    told: bool  # a human was told of it, or is about to be

    @property
    def is_uncommon(self) -> bool:
        """Whether it may be an effect of something else: no playbook fits it, and it is not about ourselves."""
        return self.route is Route.HUMAN and self.kind not in _OURS


def inhibited_by(symptom: Trouble, others: Iterable[Trouble], inventory: Inventory) -> Trouble | None:
    """The incident that holds the page of what came of it back; the one that opened first where several do."""
    if not symptom.is_uncommon:
        return None
    found = [other for other in others if other.id != symptom.id and _holds_back(other, symptom, inventory)]
    return min(found, key=_age, default=None)


def _holds_back(origin: Trouble, symptom: Trouble, inventory: Inventory) -> bool:
    if origin.severity < Severity.CRITICAL <= symptom.severity:
        return False
    if not (origin.told or origin.state.in_hand) or origin.state.closed:
        return False
    if origin.opened_at > symptom.opened_at + SEEN_AFTER or not _stands_on(symptom, origin, inventory):
        return False
    # Of services that call each other the one that broke first is the cause.
    return _age(origin) < _age(symptom) or not _stands_on(origin, symptom, inventory)


def _age(trouble: Trouble) -> tuple[datetime, int]:
    return trouble.opened_at, trouble.id


def _stands_on(symptom: Trouble, origin: Trouble, inventory: Inventory) -> bool:
    """Whether each service of the one calls that of the other: what reaches further has a cause of its own."""
    below = origin.services[0]
    return below not in symptom.services and all(inventory.depends(one, below) for one in symptom.services)


def depended_on(services: Iterable[str], inventory: Inventory) -> frozenset[str]:
    """The services that each of these calls, directly or through services between them."""
    found = [inventory.below(service) for service in services]
    return frozenset.intersection(*found) if found else frozenset()


@dataclass(frozen=True, slots=True)
class Gathering:
    """How long a page waits while more joins its incident."""

    settle: timedelta  # without anything new for so long it goes out
    longest: timedelta  # so long after it was made it goes out in any case


def gathers_until(
    gathering: Gathering, *, made_at: datetime, joined_at: datetime | None, now: datetime
) -> datetime | None:
    """When a page is to be looked at again because more may join its incident; None when it need not wait."""
    if joined_at is None:
        return None
    until = min(joined_at + gathering.settle, made_at + gathering.longest)
    # What lies further ahead than the longest wait was dated by a clock that was ahead.
    return until if now < until <= now + gathering.longest else None
