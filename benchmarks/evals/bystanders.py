"""Who carries out and who is told, in a world of the evals: both keep in memory what was asked of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from domain.execution import Order, ProcessState, Snapshot, TargetState
from domain.pages import Page, Receipt
from domain.plans import ActionKind

STARTED = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Bystander:
    """An executor of targets that all exist, with two processes each; what it carries out starts them anew."""

    done: list[str] = field(default_factory=list)  # in words
    name: str = "bystander"
    kinds: frozenset[ActionKind] = frozenset(ActionKind)

    def snapshot(self, target: str) -> Snapshot:
        """Two processes, started as often as something was done."""
        begun = STARTED + timedelta(seconds=len(self.done))
        names = (f"{target}:{target}_{number}" for number in range(2))
        pids = range(100 + 2 * len(self.done), 102 + 2 * len(self.done))
        both = zip(names, pids, strict=True)
        return Snapshot(target, tuple(ProcessState(name, TargetState.RUNNING, pid, begun) for name, pid in both))

    def observe(self, order: Order) -> Snapshot:
        """As `snapshot`."""
        return self.snapshot(order.target)

    def preview(self, order: Order) -> str:
        """What would be done."""
        return f"would {order.action.told}"

    def carry_out(self, order: Order) -> None:
        """Keep it."""
        self.done.append(order.action.told)

    def finish(self, order: Order, before: Snapshot) -> None:
        """Nothing is ever half done."""

    def undo(self, order: Order, before: Snapshot) -> None:
        """Keep it."""
        self.done.append(f"undo {order.action.told}")


@dataclass
class Mailbox:
    """A channel that accepts every page."""

    pages: list[Page] = field(default_factory=list)
    name: str = "mailbox"

    def send(self, page: Page, before: Receipt | None = None) -> Receipt:
        """Keep it."""
        self.pages.append(page)
        return Receipt(self.name, "memory", page.key, page.created_at)
