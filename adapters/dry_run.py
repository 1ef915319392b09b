"""The dry run: looks at the real target and says what would be done, and does nothing."""

from __future__ import annotations

from domain.errors import Refused
from domain.execution import Executor, Order, Snapshot

OFF = "acting is off"


class DryRun:
    """Stands before an executor while acting is off; nothing that changes anything gets past it."""

    def __init__(self, real: Executor) -> None:
        self.real = real
        self.name = real.name
        self.kinds = real.kinds

    def snapshot(self, target: str) -> Snapshot:
        """As the real one sees it."""
        return self.real.snapshot(target)

    def observe(self, order: Order) -> Snapshot:
        """As the real one sees it."""
        return self.real.observe(order)

    def preview(self, order: Order) -> str:
        """What the real one would do."""
        return self.real.preview(order)

    def carry_out(self, order: Order) -> None:
        """Raises Refused with what would be done: nothing is, so nothing may be on record as done."""
        raise Refused(f"{OFF}; it would {self.preview(order)}")

    def finish(self, order: Order, before: Snapshot) -> None:
        """Raises Refused: whoever finishes what was begun while acting was on must ask the real one."""
        raise Refused(f"{OFF}, so what was begun is not finished: {order.action.told}")

    def undo(self, order: Order, before: Snapshot) -> None:
        """Raises Refused: what was done while acting was on stays as it is."""
        raise Refused(f"{OFF}, so nothing is taken back: {order.action.told}")
