"""What systemd is asked for when something is taken back that others changed meanwhile, on a real one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.executing import Given
from adapters.systemd import SystemdExecutor
from domain.errors import Refused
from domain.execution import TargetState
from domain.parameters import Configure, Scale
from domain.plans import ActionKind
from domain.settings import MitigationSettings, Settings
from tests.contracts.executors_part import order
from tests.contracts.systemd_part import systemd

WORKERS = "worker@.service"


@pytest.fixture
def executor() -> Iterator[SystemdExecutor]:
    with systemd():
        yield SystemdExecutor(Given(Settings(mitigation=MitigationSettings(systemd_bus="user"))))


def running(executor: SystemdExecutor) -> list[str]:
    found = executor.snapshot(WORKERS).processes
    return [process.name for process in found if process.state is TargetState.RUNNING]


def test_an_instance_that_others_started_is_left(executor: SystemdExecutor) -> None:
    one, other = (order(ActionKind.SCALE, WORKERS, Scale(workers)) for workers in (2, 3))
    before = executor.observe(one)
    executor.carry_out(one)
    executor.carry_out(other)
    executor.undo(one, before)
    assert ["worker@1.service", "worker@3.service"] == running(executor)


def test_a_limit_that_others_changed_since_is_left_as_it_is(executor: SystemdExecutor) -> None:
    one, other = (order(ActionKind.CONFIGURE, "web.service", Configure("TasksMax", value)) for value in ("77", "78"))
    before = executor.observe(one)
    executor.carry_out(one)
    executor.carry_out(other)
    with pytest.raises(Refused, match="somebody else changed it meanwhile"):
        executor.undo(one, before)
    assert "78" == executor.observe(one).mark
