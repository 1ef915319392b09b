"""What executors promise beyond the contract whose workers are processes kept in reserve, the fake included."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from adapters.executing import Given
from adapters.executors import EXECUTORS
from adapters.supervisord_client import ProgramState, Supervisord
from domain.errors import Refused
from domain.execution import Executor, Order, Progress, TargetState, how_far
from domain.parameters import Restart, Scale
from domain.plans import Action, ActionKind, Risk, Undo
from domain.settings import MitigationSettings, Settings
from tests.contracts.fakes import RecordingExecutor
from tests.contracts.supervisord_part import group, poll, program, supervisord

PROGRAMS = (
    program("web_00")
    + program("web_01", autostart="false")
    + program("web_02", autostart="false")
    + group("web", "web_00", "web_01", "web_02")
)
Stop = Callable[[str], None]
World = tuple[Executor, Stop]
RESTART = Action(ActionKind.RESTART, "web", Risk.LOW, Undo.NONE, Restart())


def scale(workers: int) -> Action:
    return Action(ActionKind.SCALE, "web", Risk.LOW, Undo.RESTORE, Scale(workers))


def recording() -> Iterator[World]:
    executor = RecordingExecutor({"web": 3})
    yield executor, executor.stop


def on_supervisord() -> Iterator[World]:
    with supervisord(PROGRAMS) as address:
        executor = EXECUTORS["supervisord"](Given(Settings(mitigation=MitigationSettings(supervisord_url=address))))
        yield executor, lambda name: stop_and_wait(Supervisord(address, 5), name)


def stop_and_wait(server: Supervisord, name: str) -> None:
    """supervisord answers before a process is down."""
    server.stop(name)
    poll(lambda: all(info.state is ProgramState.STOPPED for info in server.processes() if info.name == name))


MEMBERS = {"recording": recording, "supervisord": on_supervisord}


@pytest.fixture(params=MEMBERS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """An executor with the target `web` (one process runs, two are in reserve), and a way to stop one."""
    yield from MEMBERS[request.param]()


@pytest.fixture
def executor(world: World) -> Executor:
    return world[0]


@pytest.fixture
def stop(world: World) -> Stop:
    return world[1]


def states(executor: Executor) -> list[TargetState]:
    return [process.state for process in executor.snapshot("web").processes]


RUNS, WAITS = TargetState.RUNNING, TargetState.STOPPED


def test_a_snapshot_names_every_process_in_order(executor: Executor) -> None:
    found = executor.snapshot("web")
    assert [process.name for process in found.processes] == ["web:web_00", "web:web_01", "web:web_02"]
    assert [process.state for process in found.processes] == [RUNS, WAITS, WAITS]
    assert len(found.pids) == 1
    assert found.processes[0].started_at.tzinfo is not None


def test_a_target_that_is_not_there_has_no_processes(executor: Executor) -> None:
    assert executor.snapshot("nobody").processes == ()


def test_a_restart_gives_a_new_process_and_leaves_the_reserve(executor: Executor) -> None:
    before = executor.snapshot("web")
    executor.carry_out(Order(RESTART))
    after = executor.snapshot("web")
    assert before.pids != after.pids
    assert states(executor) == [RUNS, WAITS, WAITS]
    assert how_far(RESTART, before, after) == Progress.DONE


def test_one_process_of_a_group_can_be_the_target(executor: Executor) -> None:
    executor.carry_out(Order(scale(2)))
    before = executor.snapshot("web")
    executor.carry_out(Order(Action(ActionKind.RESTART, "web:web_01", Risk.LOW, Undo.NONE, Restart())))
    after = executor.snapshot("web")
    assert before.pids[0] == after.pids[0]
    assert before.pids[1] != after.pids[1]


def test_an_interrupted_restart_is_seen_and_finished_once(executor: Executor, stop: Stop) -> None:
    before = executor.snapshot("web")
    stop("web:web_00")
    assert how_far(RESTART, before, executor.snapshot("web")) == Progress.HALF
    executor.finish(Order(RESTART), before)
    after = executor.snapshot("web")
    assert how_far(RESTART, before, after) == Progress.DONE
    executor.finish(Order(RESTART), before)
    assert after == executor.snapshot("web")


def test_finishing_what_was_not_begun_stops_nothing(executor: Executor) -> None:
    before = executor.snapshot("web")
    executor.finish(Order(RESTART), before)
    assert before == executor.snapshot("web")
    assert how_far(RESTART, before, executor.snapshot("web")) == Progress.UNTOUCHED


def test_what_somebody_stopped_is_not_restarted(executor: Executor, stop: Stop) -> None:
    stop("web:web_00")
    with pytest.raises(Refused):
        executor.carry_out(Order(RESTART))
    assert states(executor) == [WAITS, WAITS, WAITS]


def test_scaling_starts_the_reserve_and_its_undo_stops_just_that(executor: Executor) -> None:
    before = executor.snapshot("web")
    executor.carry_out(Order(scale(2)))
    assert states(executor) == [RUNS, RUNS, WAITS]
    assert how_far(scale(2), before, executor.snapshot("web")) == Progress.DONE
    executor.undo(Order(scale(2)), before)
    assert states(executor) == [RUNS, WAITS, WAITS]
    assert before.pids == executor.snapshot("web").pids


def test_interrupted_scaling_is_finished_once(executor: Executor) -> None:
    before = executor.snapshot("web")
    executor.carry_out(Order(scale(2)))
    executor.finish(Order(scale(3)), before)
    assert states(executor) == [RUNS, RUNS, RUNS]
    after = executor.snapshot("web")
    executor.finish(Order(scale(3)), before)
    assert after == executor.snapshot("web")


def test_what_others_started_meanwhile_is_left_when_it_is_taken_back(executor: Executor) -> None:
    before = executor.snapshot("web")
    executor.carry_out(Order(scale(2)))
    executor.carry_out(Order(scale(3), "of somebody else"))
    executor.undo(Order(scale(2)), before)
    assert states(executor) == [RUNS, WAITS, RUNS]
