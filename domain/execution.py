"""What an executor can do and say: the seam between the gate and the world."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.plans import Action, ActionKind


class TargetState(StrEnum):
    """What the executor sees."""

    RUNNING = "running"
    STOPPED = "stopped"  # on purpose, or never started
    FAILED = "failed"  # exited by itself, or given up
    CHANGING = "changing"  # starting, stopping or backing off
    ABSENT = "absent"
    UNKNOWN = "unknown"  # it cannot say


@dataclass(frozen=True, slots=True)
class ProcessState:
    """One process as the executor sees it."""

    name: str  # group:process
    state: TargetState
    pid: int  # 0 when not running
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A target at one moment: committed before an action, compared by whoever takes over."""

    target: str
    processes: tuple[ProcessState, ...]  # sorted by name; empty when absent

    @property
    def pids(self) -> tuple[int, ...]:
        """Pids of the running processes, in order of name."""
        return tuple(process.pid for process in self.processes if process.pid)

    @property
    def budget_key(self) -> str:
        """What budgets count by: the groups that the target resolved to, so that one thing has one name."""
        groups = {process.name.partition(":")[0] for process in self.processes}
        return ",".join(sorted(groups)) or self.target

    @property
    def wanted(self) -> tuple[ProcessState, ...]:
        """The processes that are meant to run; a stopped one is kept in reserve, or was stopped by a person."""
        return tuple(process for process in self.processes if process.state is not TargetState.STOPPED)


class Progress(StrEnum):
    """How far an interrupted action had come, by looking at the world."""

    DONE = "done"  # every process that was wanted before has another pid or start time and runs
    HALF = "half"  # something is stopped or only part was restarted: finish it
    UNTOUCHED = "untouched"  # nothing has changed: the action was not done
    GONE = "gone"  # the target no longer exists


def progress(before: Snapshot, now: Snapshot) -> Progress:
    """How far a restart of `before` had come when the world looks like `now`.

    Start times may have whole seconds only, so the pid is compared too.
    """
    found = {process.name: process for process in now.processes}
    pairs = [(process, found[process.name]) for process in before.wanted if process.name in found]
    if not pairs:
        return Progress.GONE
    if all(old == new for old, new in pairs):
        return Progress.UNTOUCHED
    if any(new.state is not TargetState.RUNNING for _, new in pairs):
        return Progress.HALF
    changed = all((old.pid, old.started_at) != (new.pid, new.started_at) for old, new in pairs)
    return Progress.DONE if changed else Progress.HALF


def scale_progress(before: Snapshot, now: Snapshot, *, workers: int) -> Progress:
    """How far scaling `before` to `workers` had come when the world looks like `now`."""
    if not now.processes:
        return Progress.GONE
    if sum(process.state is TargetState.RUNNING for process in now.processes) >= workers:
        return Progress.DONE
    return Progress.UNTOUCHED if now.wanted == before.wanted else Progress.HALF


def how_far(action: Action, before: Snapshot, now: Snapshot) -> Progress:
    """How far an interrupted action had come, by looking at the world."""
    if action.kind is ActionKind.SCALE:
        return scale_progress(before, now, workers=action.parameters["workers"])
    return progress(before, now)


class Executor(Protocol):
    """Carries actions out. Raises Unavailable when it cannot be reached, Refused when it says no."""

    name: str

    def snapshot(self, target: str) -> Snapshot:
        """The target as it is now; no processes when there is no such target."""
        ...

    def carry_out(self, action: Action) -> None:
        """Do it and return when the executor says it is done (restart: all running again)."""
        ...

    def finish(self, action: Action, before: Snapshot) -> None:
        """Complete an interrupted action: start what `before` had running and is stopped, without stopping anything."""
        ...

    def undo(self, action: Action, before: Snapshot) -> None:
        """Take the action back, where its undo says so."""
        ...
