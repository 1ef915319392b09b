"""What every executor is built with, and how long one effect may take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from adapters.store.database import Engine
from domain.errors import Refused, Unavailable
from domain.execution import Executor, Order
from domain.settings import Settings


def wall_clock() -> datetime:
    """Now."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Given:
    """What an executor may need of us."""

    settings: Settings
    engine: Engine | None = None  # our own store; None where there is none, as in a command of a bare machine
    home: Path = Path(".sre")  # where what it writes down lies
    clock: Callable[[], datetime] = wall_clock

    def store(self, what: str) -> Engine:
        """Our store. Raises Refused with what needs it where there is none."""
        if self.engine is None:
            raise Refused(f"{what}; `sre up` starts one")
        return self.engine


class Deadline:
    """The end of the time that one effect may take."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.ends = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds until it ends, never below 0."""
        return max(0.0, self.ends - time.monotonic())

    def wait(self, seconds: float, what: str) -> None:
        """Sleep for so long before the next look. Raises Unavailable when the time is over."""
        if not self.left:
            raise Unavailable(f"{what}: not done after {self.seconds:g} s")
        time.sleep(min(seconds, self.left))


def must_know(executor: Executor, order: Order) -> None:
    """Raises Refused when it is not the executor's kind of action."""
    if order.action.kind not in executor.kinds:
        able = " and ".join(sorted(executor.kinds))
        raise Refused(f"{order.action.kind} {order.target}: {executor.name} can do {able} only")
