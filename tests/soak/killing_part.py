"""Deaths: at any commit, at any call outside, before or after or in the middle of its effect."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa

from domain.errors import Unavailable
from domain.execution import Order, Snapshot, TargetState
from domain.plans import ActionKind
from tests.contracts.fakes import RecordingExecutor

# Death in the middle of an effect is what all of it is about, so it comes more often there.
IN_EFFECT = 4.0


class KilledError(BaseException):
    """The process ended here; nothing after it happened."""


@dataclass
class Fate:
    """Whether death comes at the next chance; `armed` only while a worker works."""

    chance: random.Random
    share: float = 0.15
    armed: bool = False
    meanwhile: Callable[[], None] = lambda: None  # what another worker does while this one is held up

    def strike(self, weight: float = 1.0) -> None:
        if self.armed and self.chance.random() < self.share * weight:
            raise KilledError

    def strike_or_stop(self) -> None:
        """Death, or a long stop between two transactions."""
        self.strike()
        if self.armed and self.chance.random() < self.share / 2:
            self.armed = False
            self.meanwhile()
            self.armed = True

    @contextmanager
    def watched(self) -> Iterator[None]:
        """A worker's life; it may end early."""
        self.armed = True
        try:
            yield
        except KilledError:
            pass
        finally:
            self.armed = False

    @contextmanager
    def spared(self) -> Iterator[None]:
        """Nobody dies of being watched by the test."""
        armed, self.armed = self.armed, False
        try:
            yield
        finally:
            self.armed = armed


def doom(engine: sa.Engine, fate: Fate) -> None:
    """Let death come before a commit (which is then undone) and right after one."""
    sa.event.listen(engine, "commit", lambda _connection: fate.strike())
    sa.event.listen(engine, "begin", lambda _connection: fate.strike_or_stop())


@dataclass
class MortalExecutor(RecordingExecutor):
    """An executor whose caller may die in it, and which is sometimes not to be reached."""

    fate: Fate
    chance: random.Random
    sizes: dict[str, int]  # target -> number of processes
    flaky: bool = True
    restarts: list[str] = field(default_factory=list)  # targets whose processes were all started anew

    def __post_init__(self) -> None:
        RecordingExecutor.__init__(self, self.sizes)

    def carry_out(self, order: Order) -> None:
        self._reach()
        self.fate.strike(IN_EFFECT)
        if order.action.kind is ActionKind.RESTART:
            for process in self.snapshot(order.target).wanted:
                self.stop(process.name)
                self.fate.strike(IN_EFFECT)
                self._start(process.name)
        else:
            super().carry_out(order)
        self.restarts.append(order.target)
        self.fate.strike(IN_EFFECT)

    def finish(self, order: Order, before: Snapshot) -> None:
        self._reach()
        self.fate.strike(IN_EFFECT)
        super().finish(order, before)
        self.fate.strike(IN_EFFECT)

    def undo(self, order: Order, before: Snapshot) -> None:
        self._reach()
        self.fate.strike(IN_EFFECT)
        super().undo(order, before)
        self.fate.strike(IN_EFFECT)

    def _reach(self) -> None:
        if self.flaky and self.chance.random() < 0.1:
            raise Unavailable("no route to host")

    def stopped(self) -> list[str]:
        """First processes, which always ran, that somebody left stopped."""
        return [
            name
            for name, process in self.processes.items()
            if name.endswith("_00") and process.state is TargetState.STOPPED
        ]
