"""The inventory: which service runs where, who may do what with it, and on what it depends.

A service that is not in it has no target, whatever a log calls itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from domain.autonomy import Autonomy
from domain.plans import ActionKind


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be done with a service at most."""

    workers: int | None = None  # most workers that a plan may ask for; None means what the platform allows
    actions: frozenset[ActionKind] = frozenset(ActionKind)  # kinds that are allowed at all
    autonomy: Autonomy = Autonomy.ACT  # the most that any playbook may do by itself here
    share: float | None = None  # of its running processes, interrupted at a time, 0–1; None means what policy allows


@dataclass(frozen=True, slots=True)
class Service:
    """One service as people wrote it down."""

    name: str
    executor: str  # key of `adapters.executors.EXECUTORS`
    target: str  # as that executor names it
    limits: Limits = Limits()
    dependencies: tuple[str, ...] = ()  # services that it calls
    owner: str = ""


@dataclass(frozen=True)
class Inventory:
    """Every service that may be acted upon; empty by default."""

    services: Mapping[str, Service] = field(default_factory=dict)

    def owner(self, executor: str, target: str) -> Service | None:
        """The service whose target this is, or of whose target it is a process; None where there is none."""
        mine = [service for service in self.services.values() if service.executor == executor]
        exact = (service for service in mine if service.target == target)
        within = (service for service in mine if target.startswith(f"{service.target}:"))
        return next(exact, None) or next(within, None)

    @cached_property
    def _below(self) -> dict[str, frozenset[str]]:
        """Service -> all that it calls, directly or through services between them."""
        return {name: self._reached(name) for name in self.services}

    @cached_property
    def _above(self) -> dict[str, frozenset[str]]:
        """Service -> all that call it."""
        found: dict[str, set[str]] = {}
        for name, below in self._below.items():
            for other in below:
                found.setdefault(other, set()).add(name)
        return {name: frozenset(callers) for name, callers in found.items()}

    def _reached(self, service: str) -> frozenset[str]:
        seen: set[str] = set()
        waiting = [service]
        while waiting:
            known = self.services.get(waiting.pop())
            for name in known.dependencies if known else ():
                if name not in seen:
                    seen.add(name)
                    waiting.append(name)
        return frozenset(seen)

    def below(self, service: str) -> frozenset[str]:
        """All that it calls, directly or through services between them."""
        return self._below.get(service, frozenset())

    def depends(self, service: str, other: str) -> bool:
        """Whether `service` calls `other`, directly or through services between them."""
        return other in self.below(service)

    def around(self, service: str) -> frozenset[str]:
        """All that it calls and all that call it."""
        return self.below(service) | self._above.get(service, frozenset())

    def touched(self, service: str) -> frozenset[str]:
        """Whoever notices when it comes back: all around it, and what its callers call beside it."""
        beside = (self.below(caller) for caller in self._above.get(service, ()))
        return self.around(service).union(*beside) - {service}

    def lists(self, service: str) -> bool:
        """Whether it is known, as a service or as what one of them calls."""
        return service in self.services or service in self._above

    def apart(self, service: str, other: str) -> bool:
        """Whether both are known and neither calls the other."""
        return self.lists(service) and self.lists(other) and other not in self.around(service)
