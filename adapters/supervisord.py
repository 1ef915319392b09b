"""Actions on processes under supervisord: restart, and scaling by starting processes kept in reserve.

It acts on the one supervisord it was given. A group is restarted as a whole: everything that is meant
to run is stopped, then started, so that `finish` is the same second half whoever performs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from adapters.executing import Deadline, Given, must_know
from adapters.supervisord_client import ProcessInfo, ProgramState, Supervisord
from domain.errors import BadSettings, Refused
from domain.execution import Order, ProcessState, Snapshot, TargetState
from domain.parameters import Scale
from domain.plans import Action, ActionKind, Undo

POLL_SECONDS = 0.1
ANSWER_SECONDS = 5.0  # supervisord answers every call at once, as we never ask it to wait

STATES: Mapping[ProgramState, TargetState] = {
    ProgramState.STOPPED: TargetState.STOPPED,
    ProgramState.STARTING: TargetState.CHANGING,
    ProgramState.RUNNING: TargetState.RUNNING,
    ProgramState.BACKOFF: TargetState.CHANGING,
    ProgramState.STOPPING: TargetState.CHANGING,
    ProgramState.EXITED: TargetState.FAILED,
    ProgramState.FATAL: TargetState.FAILED,
    ProgramState.UNKNOWN: TargetState.UNKNOWN,
}
DOWN = frozenset({ProgramState.STOPPED, ProgramState.EXITED, ProgramState.FATAL})


class SupervisordExecutor:
    """Acts on the supervisord at `settings.supervisord_url`."""

    name = "supervisord"
    kinds = frozenset({ActionKind.RESTART, ActionKind.SCALE})

    def __init__(self, given: Given) -> None:
        settings = given.settings.mitigation
        url = settings.supervisord_url.get_secret_value()
        if not url:
            raise BadSettings("mitigation.supervisord_url is empty: there is no supervisord to act on")
        self.supervisord = Supervisord(url, min(ANSWER_SECONDS, given.settings.calls.timeout_seconds))
        self.limits = settings.effect_seconds

    def snapshot(self, target: str) -> Snapshot:
        """The target as it is now; no processes when there is no such target."""
        return Snapshot(target, tuple(map(process_state, self._processes(target))))

    def observe(self, order: Order) -> Snapshot:
        """The target as it is now: its processes say what an action changed."""
        return self.snapshot(order.target)

    def preview(self, order: Order) -> str:
        """What would be done, in words. Raises Refused where there is nothing to do."""
        action = order.action
        must_know(self, order)
        if isinstance(action.parameters, Scale):
            return f"start {' and '.join(self._to_start(action, action.parameters.workers))}"
        return f"stop and start {' and '.join(self._to_restart(action))}"

    def carry_out(self, order: Order) -> None:
        """Do it, and return when all its processes run. Raises Refused where there is nothing to do."""
        action, deadline = order.action, self._deadline(order)
        must_know(self, order)
        if isinstance(action.parameters, Scale):
            self._bring_up(self._to_start(action, action.parameters.workers), deadline)
            return
        names = self._to_restart(action)
        self._bring_down(names, deadline)
        self._bring_up(names, deadline)

    def finish(self, order: Order, before: Snapshot) -> None:
        """Start what `before` had running and is down now; nothing is stopped, nothing runs twice."""
        action, deadline = order.action, self._deadline(order)
        if isinstance(action.parameters, Scale):
            self._bring_up(self._reserve(action, action.parameters.workers), deadline)
            return
        known = {info.name for info in self._existing(action.target)}
        self._bring_up([process.name for process in before.wanted if process.name in known], deadline)

    def undo(self, order: Order, before: Snapshot) -> None:
        """Stop the processes of the reserve that it started; those that others started meanwhile are theirs to stop."""
        if order.action.undo is not Undo.RESTORE:
            return
        ours = _started(order.action, before)
        extra = [info.name for info in self._processes(order.target) if info.name in ours]
        self._bring_down(extra, self._deadline(order))

    def _to_restart(self, action: Action) -> list[str]:
        """The processes of the target that are meant to run."""
        processes = map(process_state, self._existing(action.target))
        names = [process.name for process in processes if process.state is not TargetState.STOPPED]
        if not names:
            raise Refused(f"restart {action.target}: somebody stopped it, so it is not started")
        return names

    def _to_start(self, action: Action, workers: int) -> list[str]:
        """The processes of the target that are kept in reserve and wanted now."""
        if reserve := self._reserve(action, workers):
            return reserve
        raise Refused(f"scale {action.target}: already runs {workers} workers or more")

    def _reserve(self, action: Action, workers: int) -> list[str]:
        """The stopped processes to start so that `workers` run; empty when they do."""
        infos = self._existing(action.target)
        if workers > len(infos):
            raise Refused(f"scale {action.target}: {workers} workers wanted, it has {len(infos)}")
        up = [info for info in infos if info.state not in DOWN]
        return [info.name for info in infos if info.state in DOWN][: max(0, workers - len(up))]

    def _bring_down(self, names: Sequence[str], deadline: Deadline) -> None:
        for name in names:
            self.supervisord.stop(name)
        self._wait(names, lambda info: info.state in DOWN, deadline, "stop")

    def _bring_up(self, names: Sequence[str], deadline: Deadline) -> None:
        asked: set[str] = set()

        def start_when_down(info: ProcessInfo) -> bool:
            # A process still STOPPING ignores a start, so each is asked once it is down.
            if info.state in DOWN and info.name not in asked:
                asked.add(info.name)
                self.supervisord.start(info.name)
            elif info.state is ProgramState.FATAL:
                raise Refused(f"{info.name} does not start: {info.trouble or f'exit code {info.exit_status}'}")
            return info.state is ProgramState.RUNNING

        self._wait(names, start_when_down, deadline, "start")

    def _wait(
        self, names: Iterable[str], reached: Callable[[ProcessInfo], bool], deadline: Deadline, verb: str
    ) -> None:
        """Poll until every named process reached its goal; Unavailable after the deadline."""
        waiting = set(names)
        while waiting:
            infos = [info for info in self.supervisord.processes() if info.name in waiting]
            if missing := waiting - {info.name for info in infos}:
                raise Refused(f"{verb}: supervisord no longer knows {sorted(missing)}")
            waiting -= {info.name for info in infos if reached(info)}
            if waiting:
                deadline.wait(POLL_SECONDS, f"{verb} of {' and '.join(sorted(waiting))}")

    def _processes(self, target: str) -> list[ProcessInfo]:
        """Members of the group `target`, or the process of that name (`group:process`, or alone when unique)."""
        infos = self.supervisord.processes()
        if members := [info for info in infos if target in (info.group, info.name)]:
            return members
        alone = [info for info in infos if info.process == target]
        if len(alone) > 1:
            raise Refused(f"{target} is ambiguous: {', '.join(info.name for info in alone)}")
        return alone

    def _existing(self, target: str) -> list[ProcessInfo]:
        if infos := self._processes(target):
            return infos
        raise Refused(f"supervisord {self.supervisord.address} knows no {target!r}")

    def _deadline(self, order: Order) -> Deadline:
        return Deadline(self.limits.of(order.action.kind))


def _started(action: Action, before: Snapshot) -> set[str]:
    """The stopped processes that scaling started, by what was there before it."""
    assert isinstance(action.parameters, Scale)  # noqa: S101 - nothing else is taken back here
    down = [process for process in before.processes if process.state in (TargetState.STOPPED, TargetState.FAILED)]
    begun = down[: max(0, action.parameters.workers - len(before.processes) + len(down))]
    return {process.name for process in begun if process.state is TargetState.STOPPED}


def process_state(info: ProcessInfo) -> ProcessState:
    """A process in the domain's words; one that ended by itself with code 0 counts as stopped."""
    ended = info.state is ProgramState.EXITED and info.exit_status == 0
    return ProcessState(
        name=info.name,
        state=TargetState.STOPPED if ended else STATES[info.state],
        pid=info.pid,
        started_at=datetime.fromtimestamp(info.start, UTC) if info.start else None,
    )
