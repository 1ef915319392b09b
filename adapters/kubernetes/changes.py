"""What every kind of action on a workload can do: one file each, and one table in the executor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from adapters.kubernetes.cluster import Cluster
from adapters.kubernetes.rollouts import hindrance
from adapters.kubernetes.workloads import Workload
from domain.errors import Refused
from domain.execution import Order


@dataclass(frozen=True, slots=True)
class Placed:
    """An order, and the workload that it is about as it was read for it."""

    cluster: Cluster
    workload: Workload
    order: Order
    now: datetime

    def refused(self, why: str) -> Refused:
        """The error that says why it is not done."""
        return Refused(f"{self.order.action.kind} {self.order.target}: {why}")

    def must_roll_out(self) -> None:
        """Raises Refused where a new version would not be rolled out."""
        if why := hindrance(self.workload):
            raise self.refused(why)

    @property
    def version(self) -> dict[str, Any]:
        """The part of a patch that makes it fail when somebody else wrote meanwhile."""
        return {"resourceVersion": self.workload.version}


@dataclass(frozen=True, slots=True)
class Mark:
    """What an action changes."""

    now: str
    goal: str  # as the action leaves it; empty where it cannot be done


class Change(Protocol):
    """One kind of action. Every method raises Unavailable, and Refused where the API server says no."""

    def rolls_out(self, placed: Placed) -> bool:
        """Whether the pods are replaced, so that there is a rollout to wait for."""
        ...

    def mark(self, placed: Placed) -> Mark:
        """What it changes, as it is now and as it will be."""
        ...

    def plan(self, placed: Placed) -> str:
        """What it would do, in words. Raises Refused where it cannot or need not be done."""
        ...

    def apply(self, placed: Placed) -> None:
        """Do it with one write. Raises Conflict when what was read is no longer so."""
        ...

    def put_back(self, placed: Placed, mark: str) -> None:
        """Make the mark what it was, with one write. Raises Conflict when what was read is no longer so."""
        ...
