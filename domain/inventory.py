"""The inventory: which service runs where, who may do what with it, and on what it depends.

A service that is not in it has no target, whatever a log calls itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.plans import ActionKind


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be done with a service at most."""

    workers: int | None = None  # most workers that a plan may ask for; None means what the platform allows
    actions: frozenset[ActionKind] = frozenset(ActionKind)  # kinds that are allowed at all


@dataclass(frozen=True, slots=True)
class Service:
    """One service as people wrote it down."""

    name: str
    executor: str  # key of `adapters.executors.EXECUTORS`
    target: str  # as that executor names it
    limits: Limits = Limits()
    dependencies: tuple[str, ...] = ()  # services that it calls
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """Every service that may be acted upon; empty by default."""

    services: Mapping[str, Service] = field(default_factory=dict)

    def depends(self, service: str, other: str) -> bool:
        """Whether `service` calls `other`, directly or through services between them."""
        seen: set[str] = set()
        waiting = [service]
        while waiting:
            known = self.services.get(waiting.pop())
            for name in known.dependencies if known else ():
                if name == other:
                    return True
                if name not in seen:
                    seen.add(name)
                    waiting.append(name)
        return False
