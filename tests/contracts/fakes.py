"""Executors and channels without an outside; they keep the same contract as the real ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from domain.errors import Refused
from domain.execution import ProcessState, Snapshot, TargetState
from domain.pages import Page, Receipt
from domain.plans import Action, ActionKind, Undo

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


class RecordingExecutor:
    """Keeps processes in memory; `calls` says what it was asked to do."""

    name = "recording"

    def __init__(self, targets: dict[str, int]) -> None:
        """`targets`: target -> number of processes, of which the first runs and the others are in reserve."""
        self.number = count(1)
        self.calls: list[tuple[str, Action]] = []
        self.processes: dict[str, ProcessState] = {}
        for target, size in targets.items():
            for index in range(size):
                name = f"{target}:{target}_{index:02d}"
                self.processes[name] = ProcessState(name, TargetState.STOPPED, 0, None)
            self._start(f"{target}:{target}_00")

    def snapshot(self, target: str) -> Snapshot:
        members = [state for name, state in self.processes.items() if target in (name, name.split(":")[0])]
        return Snapshot(target, tuple(sorted(members, key=lambda state: state.name)))

    def carry_out(self, action: Action) -> None:
        self.calls.append(("carry_out", action))
        before = self._existing(action.target)
        if action.kind is ActionKind.SCALE:
            if not (reserve := self._reserve(action)):
                raise Refused(f"{action.target} runs enough workers")
            for name in reserve:
                self._start(name)
            return
        if not before.wanted:
            raise Refused(f"{action.target} is stopped")
        for process in before.wanted:
            self._start(process.name)

    def finish(self, action: Action, before: Snapshot) -> None:
        self.calls.append(("finish", action))
        now = self._existing(action.target)
        wanted = {process.name for process in before.wanted}
        names = [state.name for state in now.processes if state.name in wanted and state.pid == 0]
        for name in self._reserve(action) if action.kind is ActionKind.SCALE else names:
            self._start(name)

    def undo(self, action: Action, before: Snapshot) -> None:
        self.calls.append(("undo", action))
        wanted = {process.name for process in before.wanted}
        for process in self.snapshot(action.target).processes:
            if action.undo is Undo.RESTORE and process.name not in wanted:
                self.stop(process.name)

    def stop(self, name: str) -> None:
        """What happens to a process outside of any action."""
        self.processes[name] = replace(self.processes[name], state=TargetState.STOPPED, pid=0)

    def _start(self, name: str) -> None:
        pid = next(self.number)
        self.processes[name] = ProcessState(name, TargetState.RUNNING, pid, NOON + timedelta(seconds=pid))

    def _existing(self, target: str) -> Snapshot:
        found = self.snapshot(target)
        if not found.processes:
            raise Refused(f"no target {target}")
        return found

    def _reserve(self, action: Action) -> list[str]:
        processes = self._existing(action.target).processes
        if action.parameters["workers"] > len(processes):
            raise Refused(f"{action.target} has {len(processes)} processes")
        stopped = [process.name for process in processes if process.pid == 0]
        return stopped[: max(0, action.parameters["workers"] - (len(processes) - len(stopped)))]


class RecordingChannel:
    """Keeps pages in memory; `failure` is raised instead when it is set."""

    name = "recording"

    def __init__(self) -> None:
        self.pages: list[Page] = []
        self.failure: Exception | None = None

    def send(self, page: Page) -> Receipt:
        if self.failure is not None:
            raise self.failure
        self.pages.append(page)
        return Receipt(self.name, "memory", page.key, datetime.now(UTC))
