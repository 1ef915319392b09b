"""Actions on processes under supervisord: restart, and scaling by starting processes kept in reserve.

It acts on the one supervisord it was given. A group is restarted as a whole: everything that is meant
to run is stopped, then started, so that `finish` is the same second half whoever performs it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from adapters.supervisord_client import ProcessInfo, ProgramState, Supervisord
from domain.errors import BadSettings, Refused, Unavailable
from domain.execution import ProcessState, Snapshot, TargetState
from domain.plans import Action, ActionKind, Undo
from domain.settings import CallSettings, MitigationSettings

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
    """Acts on the supervisord at `settings.supervisord_url`; one action takes `calls.timeout_seconds` at most."""

    name = "supervisord"

    def __init__(self, settings: MitigationSettings, calls: CallSettings) -> None:
        url = settings.supervisord_url.get_secret_value()
        if not url:
            raise BadSettings("mitigation.supervisord_url is empty: there is no supervisord to act on")
        self.supervisord = Supervisord(url, min(ANSWER_SECONDS, calls.timeout_seconds))
        self.timeout = calls.timeout_seconds

    def snapshot(self, target: str) -> Snapshot:
        """The target as it is now; no processes when there is no such target."""
        return Snapshot(target, tuple(map(process_state, self._processes(target))))

    def carry_out(self, action: Action) -> None:
        """Do it, and return when all its processes run. Raises Refused where there is nothing to do."""
        if action.kind is ActionKind.SCALE:
            self._scale(action)
        else:
            self._restart(action.target)

    def finish(self, action: Action, before: Snapshot) -> None:
        """Start what `before` had running and is down now; nothing is stopped, nothing runs twice."""
        if action.kind is ActionKind.SCALE:
            self._bring_up(self._reserve(action), self._deadline())
            return
        known = {info.name for info in self._existing(action.target)}
        self._bring_up([process.name for process in before.wanted if process.name in known], self._deadline())

    def undo(self, action: Action, before: Snapshot) -> None:
        """Stop the processes that `before` had in reserve; nothing for an action without an undo."""
        if action.undo is not Undo.RESTORE:
            return
        wanted = {process.name for process in before.wanted}
        self._bring_down([info.name for info in self._processes(action.target) if info.name not in wanted])

    def _restart(self, target: str) -> None:
        processes = map(process_state, self._existing(target))
        names = [process.name for process in processes if process.state is not TargetState.STOPPED]
        if not names:
            raise Refused(f"restart {target}: somebody stopped it, so it is not started")
        deadline = self._deadline()
        self._bring_down(names, deadline)
        self._bring_up(names, deadline)

    def _scale(self, action: Action) -> None:
        reserve = self._reserve(action)
        if not reserve:
            raise Refused(f"scale {action.target}: already runs {action.parameters['workers']} workers or more")
        self._bring_up(reserve, self._deadline())

    def _reserve(self, action: Action) -> list[str]:
        """The stopped processes to start so that `workers` run; empty when they do."""
        infos = self._existing(action.target)
        workers = action.parameters["workers"]
        if workers > len(infos):
            raise Refused(f"scale {action.target}: {workers} workers wanted, it has {len(infos)}")
        up = [info for info in infos if info.state not in DOWN]
        return [info.name for info in infos if info.state in DOWN][: max(0, workers - len(up))]

    def _bring_down(self, names: Sequence[str], deadline: float | None = None) -> None:
        for name in names:
            self.supervisord.stop(name)
        self._wait(names, lambda info: info.state in DOWN, deadline or self._deadline(), "stop")

    def _bring_up(self, names: Sequence[str], deadline: float) -> None:
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

    def _wait(self, names: Iterable[str], reached: Callable[[ProcessInfo], bool], deadline: float, verb: str) -> None:
        """Poll until every named process reached its goal; Unavailable after the deadline."""
        waiting = set(names)
        while waiting:
            infos = [info for info in self.supervisord.processes() if info.name in waiting]
            if missing := waiting - {info.name for info in infos}:
                raise Refused(f"{verb}: supervisord no longer knows {sorted(missing)}")
            waiting -= {info.name for info in infos if reached(info)}
            if waiting and time.monotonic() > deadline:
                raise Unavailable(f"{verb}: not done after {self.timeout:g} s: {sorted(waiting)}")
            if waiting:
                time.sleep(POLL_SECONDS)

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

    def _deadline(self) -> float:
        return time.monotonic() + self.timeout


def process_state(info: ProcessInfo) -> ProcessState:
    """A process in the domain's words; one that ended by itself with code 0 counts as stopped."""
    ended = info.state is ProgramState.EXITED and info.exit_status == 0
    return ProcessState(
        name=info.name,
        state=TargetState.STOPPED if ended else STATES[info.state],
        pid=info.pid,
        started_at=datetime.fromtimestamp(info.start, UTC) if info.start else None,
    )
