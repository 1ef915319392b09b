"""What an executor can do and say: the seam between the gate and the world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.parameters import Scale
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
    """A target at one moment: committed before an action, compared by whoever takes over.

    Where the platform itself can say what an action changes, the snapshot has it as `mark`: a restart's key,
    a number of replicas, a value, a release, how a command ended.
    """

    target: str
    processes: tuple[ProcessState, ...] = ()  # sorted by name; empty when absent
    mark: str = ""  # what the action changes, as it is now
    goal: str = ""  # the mark that the action ends in, where the executor knows it
    settled: bool = True  # whether the platform has brought about what the mark asks for
    resolved: str = ""  # the one name of what the target is; empty: the groups of its processes

    @property
    def pids(self) -> tuple[int, ...]:
        """Pids of the running processes, in order of name."""
        return tuple(process.pid for process in self.processes if process.pid)

    @property
    def budget_key(self) -> str:
        """What budgets count by: what the target resolved to, so that one thing has one name."""
        if self.resolved:
            return self.resolved
        groups = {process.name.partition(":")[0] for process in self.processes}
        return ",".join(sorted(groups)) or self.target

    @property
    def wanted(self) -> tuple[ProcessState, ...]:
        """The processes that are meant to run; a stopped one is kept in reserve, or was stopped by a person."""
        return tuple(process for process in self.processes if process.state is not TargetState.STOPPED)


@dataclass(frozen=True, slots=True)
class Order:
    """An action that is to be carried out once: its key stays the same over every try and every owner."""

    action: Action
    key: str = ""  # the only one of its kind, over all databases; empty where nothing is carried out, only looked at
    service: str = ""  # whose target it is

    @property
    def target(self) -> str:
        """As the executor names it."""
        return self.action.target


class Progress(StrEnum):
    """How far an interrupted action had come, by looking at the world."""

    DONE = "done"  # the world is as the action leaves it
    HALF = "half"  # it was begun and is not complete: finish it
    UNTOUCHED = "untouched"  # nothing has changed: the action was not done
    GONE = "gone"  # the target no longer exists
    OTHER = "other"  # somebody else changed the same thing meanwhile
    LOST = "lost"  # it was begun, and nobody can say how it ended
    FAILED = "failed"  # it was carried out, and did not end well


# What cannot be gone on with, in words.
HOPELESS: Mapping[Progress, str] = {
    Progress.GONE: "the target no longer exists",
    Progress.OTHER: "somebody else changed it meanwhile, so it is left as it is",
    Progress.LOST: "it was begun, and nobody can say how it ended",
    Progress.FAILED: "it was carried out before and did not end well",
}

BEGUN = "begun"  # the mark of what leaves no other trace, from its start to its end
ENDED = "ended"  # its mark when it ended well


def how_far(action: Action, before: Snapshot, now: Snapshot) -> Progress:
    """How far an interrupted action had come, by what was observed before it and now."""
    if action.kind in UNTRACED:
        return _by_record(now)
    if before.goal:
        return _by_mark(before, now)
    if isinstance(action.parameters, Scale):
        return _by_workers(before, now, action.parameters.workers)
    return _by_processes(before, now)


# Kinds whose effect shows nowhere but in the executor's own record of it.
UNTRACED: frozenset[ActionKind] = frozenset({ActionKind.RUN_COMMAND, ActionKind.CALL_WEBHOOK})


def _by_record(now: Snapshot) -> Progress:
    """By what the executor wrote down when it began and ended."""
    if now.mark == ENDED:
        return Progress.DONE
    if now.mark == BEGUN:
        return Progress.LOST if now.settled else Progress.HALF  # unsettled: it still goes on
    return Progress.FAILED if now.mark else Progress.UNTOUCHED


def _by_mark(before: Snapshot, now: Snapshot) -> Progress:
    """By what the platform itself says about the thing that the action changes."""
    if not now.mark and not now.processes:
        return Progress.GONE
    if now.mark == before.goal:
        return Progress.DONE if now.settled else Progress.HALF
    return Progress.UNTOUCHED if now.mark == before.mark else Progress.OTHER


def _by_processes(before: Snapshot, now: Snapshot) -> Progress:
    """A restart: every process that was meant to run has another pid or start time, and runs.

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


def _by_workers(before: Snapshot, now: Snapshot, workers: int) -> Progress:
    """Scaling, where workers are processes kept in reserve."""
    if not now.processes:
        return Progress.GONE
    if sum(process.state is TargetState.RUNNING for process in now.processes) >= workers:
        return Progress.DONE
    return Progress.UNTOUCHED if now.wanted == before.wanted else Progress.HALF


class Executor(Protocol):
    """Carries actions out on one platform.

    Every method raises Unavailable when the platform cannot be reached, Refused when it says no; an effect
    takes no longer than the settings allow its kind (`mitigation.effect_seconds`), then it is Unavailable.
    """

    name: str
    kinds: frozenset[ActionKind]  # what it can do; anything else is refused

    def snapshot(self, target: str) -> Snapshot:
        """The target as it is now; no processes when there is no such target."""
        ...

    def observe(self, order: Order) -> Snapshot:
        """The target as it is now, with the mark of what the order changes and the goal of that."""
        ...

    def preview(self, order: Order) -> str:
        """What carrying it out would do to the real target, in words, without doing it; Refused where it would be."""
        ...

    def carry_out(self, order: Order) -> None:
        """Do it, and return when the platform says it is done (restart: all running again)."""
        ...

    def finish(self, order: Order, before: Snapshot) -> None:
        """Complete what an owner before us had begun; what it did is not done a second time."""
        ...

    def undo(self, order: Order, before: Snapshot) -> None:
        """Take the action back, where its undo says so; taking it back twice does no harm."""
        ...
