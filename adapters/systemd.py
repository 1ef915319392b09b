"""Actions on units of systemd: restart, scaling of a template's instances, and limits that can change while it runs.

A target is a unit (`web.service`) or a template (`web@.service`), whose instances web@1 … web@N are its workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from adapters.executing import Deadline, Given, must_know
from adapters.systemd_bus import SystemdBus, Unit
from domain.errors import Refused
from domain.execution import HOPELESS, Order, ProcessState, Progress, Snapshot, TargetState
from domain.parameters import Configure, Scale
from domain.plans import ActionKind, Undo

POLL_SECONDS = 0.1
STATES: Mapping[str, TargetState] = {
    "active": TargetState.RUNNING,
    "reloading": TargetState.RUNNING,
    "inactive": TargetState.STOPPED,
    "failed": TargetState.FAILED,
    "activating": TargetState.CHANGING,
    "deactivating": TargetState.CHANGING,
}
# Limits that systemd changes without a restart.
CONFIGURABLE = ("CPUWeight", "MemoryHigh", "MemoryMax", "TasksMax")
NO_LIMIT = "infinity"
GREATEST = 2**64 - 1


class SystemdExecutor:
    """Acts on the units of `settings.systemd_bus`: the system's, or a user's."""

    name = "systemd"
    kinds = frozenset({ActionKind.RESTART, ActionKind.SCALE, ActionKind.CONFIGURE})

    def __init__(self, given: Given) -> None:
        self.bus = given.settings.mitigation.systemd_bus
        self.limits = given.settings.mitigation.effect_seconds

    def snapshot(self, target: str) -> Snapshot:
        """The target as it is now; no processes when there is no such unit."""
        with SystemdBus(self.bus) as bus:
            return _snapshot(bus, target)

    def observe(self, order: Order) -> Snapshot:
        """The target as it is now; for a changed limit with its value."""
        must_know(self, order)
        with SystemdBus(self.bus) as bus:
            seen = _snapshot(bus, order.target)
            if not isinstance(order.action.parameters, Configure) or not seen.processes:
                return seen
            wanted = order.action.parameters
            mark = _value(bus, order.target, wanted.key)
            return replace(seen, mark=mark, goal=str(_number(wanted)))

    def preview(self, order: Order) -> str:
        """What would be done, in words. Raises Refused where there is nothing to do."""
        must_know(self, order)
        with SystemdBus(self.bus) as bus:
            return PREVIEWS[order.action.kind](bus, order)

    def carry_out(self, order: Order) -> None:
        """Do it, and return when all its units are active. Raises Refused where there is nothing to do."""
        must_know(self, order)
        deadline = self._deadline(order)
        with SystemdBus(self.bus) as bus:
            EFFECTS[order.action.kind](bus, order, deadline)

    def finish(self, order: Order, before: Snapshot) -> None:
        """Start what `before` had active and is down now; systemd itself completes what it was asked for."""
        parameters, deadline = order.action.parameters, self._deadline(order)
        with SystemdBus(self.bus) as bus:
            if isinstance(parameters, Configure):
                bus.set_property(order.target, parameters.key, _number(parameters))
            elif isinstance(parameters, Scale):
                _bring_up(bus, _missing(bus, order.target, parameters.workers), deadline)
            else:
                _bring_up(bus, [process.name for process in before.wanted], deadline)

    def undo(self, order: Order, before: Snapshot) -> None:
        """Stop the instances that were not active before, or set the limit back to what it was."""
        if order.action.undo is not Undo.RESTORE:
            return
        with SystemdBus(self.bus) as bus:
            if isinstance(order.action.parameters, Configure):
                _set_back(bus, order, before)
                return
            there = {process.name for process in _snapshot(bus, order.target).processes}
            extra = [name for name in _started(order, before) if name in there]
            for name in extra:
                bus.stop(name)
            _wait(bus, extra, lambda unit: STATES.get(unit.active) in DOWN, self._deadline(order), "stop")

    def _deadline(self, order: Order) -> Deadline:
        return Deadline(self.limits.of(order.action.kind))


DOWN = frozenset({TargetState.STOPPED, TargetState.FAILED})


def _snapshot(bus: SystemdBus, target: str) -> Snapshot:
    units = [unit for name in _names(bus, target) if (unit := bus.unit(name)) is not None]
    # A template stays one thing, however many instances it has; a unit has one name of its own among its aliases.
    resolved = target if "@." in target or not units else units[0].name
    return Snapshot(target, tuple(map(_process, units)), resolved=resolved)


def _names(bus: SystemdBus, target: str) -> list[str]:
    """The unit, or the instances of a template that systemd has loaded."""
    if "@." in target:
        return bus.matching(target.replace("@.", "@*."))
    return [target]


def _process(unit: Unit) -> ProcessState:
    started = datetime.fromtimestamp(unit.started, UTC) if unit.started and unit.pid else None
    return ProcessState(unit.name, STATES.get(unit.active, TargetState.UNKNOWN), unit.pid, started)


def _to_restart(bus: SystemdBus, order: Order) -> list[str]:
    seen = _snapshot(bus, order.target)
    if not seen.processes:
        raise Refused(f"restart {order.target}: systemd knows no such unit")
    if not seen.wanted:
        raise Refused(f"restart {order.target}: somebody stopped it, so it is not started")
    return [process.name for process in seen.wanted]


def _to_start(bus: SystemdBus, order: Order) -> list[str]:
    parameters = order.action.parameters
    assert isinstance(parameters, Scale)  # noqa: S101 - an action has its kind's parameters
    if "@." not in order.target:
        raise Refused(f"scale {order.target}: only a template (name@.service) has workers")
    if names := _missing(bus, order.target, parameters.workers):
        return names
    raise Refused(f"scale {order.target}: already runs {parameters.workers} workers or more")


def _restart(bus: SystemdBus, order: Order, deadline: Deadline) -> None:
    names = _to_restart(bus, order)
    for name in names:
        bus.restart(name)
    _wait(bus, names, _is_up, deadline, "restart")


def _scale(bus: SystemdBus, order: Order, deadline: Deadline) -> None:
    _bring_up(bus, _to_start(bus, order), deadline)


def _configure(bus: SystemdBus, order: Order, _deadline: Deadline) -> None:
    wanted = _to_set(bus, order)
    bus.set_property(order.target, wanted.key, _number(wanted))


def _told_restart(bus: SystemdBus, order: Order) -> str:
    return f"restart {' and '.join(_to_restart(bus, order))}"


def _told_scale(bus: SystemdBus, order: Order) -> str:
    return f"start {' and '.join(_to_start(bus, order))}"


def _told_configure(bus: SystemdBus, order: Order) -> str:
    wanted = _to_set(bus, order)
    return f"set {wanted.key} of {order.target} from {_value(bus, order.target, wanted.key)} to {_number(wanted)}"


def _missing(bus: SystemdBus, template: str, workers: int) -> list[str]:
    """Instances 1, 2, … to start so that so many run; empty when they do."""
    up = {process.name for process in _snapshot(bus, template).processes if process.state not in DOWN}
    if bus.unit(template.replace("@.", "@1.")) is None:
        raise Refused(f"scale {template}: systemd knows no such template")
    return _lacking(template, up, workers)


def _started(order: Order, before: Snapshot) -> list[str]:
    """The instances that scaling started; those that others start meanwhile are theirs to stop."""
    assert isinstance(order.action.parameters, Scale)  # noqa: S101 - nothing else has instances to take back
    workers = order.action.parameters.workers
    return _lacking(order.target, {one.name for one in before.processes if one.state not in DOWN}, workers)


def _lacking(template: str, up: set[str], workers: int) -> list[str]:
    numbered = [template.replace("@.", f"@{number}.") for number in range(1, workers + 1)]
    return [name for name in numbered if name not in up][: max(0, workers - len(up))]


def _set_back(bus: SystemdBus, order: Order, before: Snapshot) -> None:
    """The limit as it was. Raises Refused where somebody else changed it since."""
    assert isinstance(order.action.parameters, Configure)  # noqa: S101 - nothing else has a limit to set back
    key = order.action.parameters.key
    now = _value(bus, order.target, key)
    if now not in (before.mark, before.goal):
        raise Refused(f"configure {order.target}: {HOPELESS[Progress.OTHER]} ({key} is {now or 'not there'})")
    if now != before.mark:
        bus.set_property(order.target, key, int(before.mark))


def _to_set(bus: SystemdBus, order: Order) -> Configure:
    wanted = order.action.parameters
    assert isinstance(wanted, Configure)  # noqa: S101 - an action has its kind's parameters
    if bus.unit(order.target) is None:
        raise Refused(f"configure {order.target}: systemd knows no such unit")
    if _value(bus, order.target, wanted.key) == str(_number(wanted)):
        raise Refused(f"configure {order.target}: {wanted.key} is {wanted.value} already")
    return wanted


def _number(wanted: Configure) -> int:
    """The value as systemd takes it. Raises Refused for a key or value that cannot be set."""
    if wanted.key not in CONFIGURABLE:
        raise Refused(f"configure: systemd changes {', '.join(CONFIGURABLE)} of a running unit, not {wanted.key!r}")
    if wanted.value == NO_LIMIT:
        return GREATEST
    if not wanted.value.isdecimal():
        raise Refused(f"configure: {wanted.key} takes a whole number or {NO_LIMIT}, not {wanted.value!r}")
    return int(wanted.value)


def _value(bus: SystemdBus, target: str, key: str) -> str:
    unit = bus.unit(target)
    return str(unit.properties.get(key, "")) if unit else ""


def _bring_up(bus: SystemdBus, names: list[str], deadline: Deadline) -> None:
    for name in names:
        unit = bus.unit(name)
        if unit is not None and not unit.job and STATES.get(unit.active) in DOWN:
            bus.start(name)
    _wait(bus, names, _is_up, deadline, "start")


def _is_up(unit: Unit) -> bool:
    """Whether it is active and nothing is under way. Raises Refused when systemd gave it up."""
    if unit.active == "failed" and not unit.job:
        raise Refused(f"{unit.name} does not start: {unit.properties.get('Result', 'failed')}")
    return unit.active == "active" and not unit.job


def _wait(
    bus: SystemdBus, names: Iterable[str], reached: Callable[[Unit], bool], deadline: Deadline, verb: str
) -> None:
    """Poll until every unit reached its goal; Unavailable after the deadline."""
    waiting = set(names)
    while waiting:
        for name in sorted(waiting):
            unit = bus.unit(name)
            if unit is None:
                raise Refused(f"{verb}: systemd no longer knows {name}")
            if reached(unit):
                waiting.discard(name)
        if waiting:
            deadline.wait(POLL_SECONDS, f"{verb} of {' and '.join(sorted(waiting))}")


EFFECTS: Mapping[ActionKind, Callable[[SystemdBus, Order, Deadline], None]] = {
    ActionKind.RESTART: _restart,
    ActionKind.SCALE: _scale,
    ActionKind.CONFIGURE: _configure,
}
PREVIEWS: Mapping[ActionKind, Callable[[SystemdBus, Order], str]] = {
    ActionKind.RESTART: _told_restart,
    ActionKind.SCALE: _told_scale,
    ActionKind.CONFIGURE: _told_configure,
}
