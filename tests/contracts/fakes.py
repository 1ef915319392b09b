"""Executors and channels without an outside; they keep the same contract as the real ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from domain.errors import Refused
from domain.execution import Order, ProcessState, Snapshot, TargetState
from domain.pages import Page, Receipt
from domain.parameters import Scale
from domain.plans import Action, ActionKind, Undo

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


class RecordingExecutor:
    """Keeps processes in memory; `calls` says what it was asked to do."""

    name = "recording"
    kinds = frozenset({ActionKind.RESTART, ActionKind.SCALE})

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

    def observe(self, order: Order) -> Snapshot:
        return self.snapshot(order.target)

    def preview(self, order: Order) -> str:
        return f"would {order.action.kind} {' and '.join(self._to_start(order))}"

    def carry_out(self, order: Order) -> None:
        self.calls.append(("carry_out", order.action))
        for name in self._to_start(order):
            self._start(name)

    def finish(self, order: Order, before: Snapshot) -> None:
        self.calls.append(("finish", order.action))
        now = self._existing(order.target)
        wanted = {process.name for process in before.wanted}
        names = [state.name for state in now.processes if state.name in wanted and state.pid == 0]
        parameters = order.action.parameters
        for name in self._reserve(order.target, parameters.workers) if isinstance(parameters, Scale) else names:
            self._start(name)

    def undo(self, order: Order, before: Snapshot) -> None:
        self.calls.append(("undo", order.action))
        parameters = order.action.parameters
        if order.action.undo is Undo.RESTORE and isinstance(parameters, Scale):
            stopped = [process.name for process in before.processes if process.pid == 0]
            for name in stopped[: max(0, parameters.workers - len(before.pids))]:
                self.stop(name)

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

    def _to_start(self, order: Order) -> list[str]:
        before, parameters = self._existing(order.target), order.action.parameters
        if order.action.kind not in self.kinds:
            raise Refused(f"recording cannot {order.action.kind}")
        if isinstance(parameters, Scale):
            names = self._reserve(order.target, parameters.workers)
        else:
            names = [process.name for process in before.wanted]
        if not names:
            raise Refused(f"{order.target}: there is nothing to start")
        return names

    def _reserve(self, target: str, workers: int) -> list[str]:
        processes = self._existing(target).processes
        if workers > len(processes):
            raise Refused(f"{target} has {len(processes)} processes")
        stopped = [process.name for process in processes if process.pid == 0]
        return stopped[: max(0, workers - (len(processes) - len(stopped)))]


class RecordingChannel:
    """Keeps pages in memory; `failure` is raised instead when it is set."""

    name = "recording"

    def __init__(self) -> None:
        self.pages: list[Page] = []
        self.before: list[Receipt | None] = []  # of each page the receipt that came with it
        self.failure: Exception | None = None

    def send(self, page: Page, before: Receipt | None = None) -> Receipt:
        if self.failure is not None:
            raise self.failure
        self.pages.append(page)
        self.before.append(before)
        return Receipt(self.name, "memory", page.key, datetime.now(UTC))
