"""What every executor promises, the fake included."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from adapters.executors import EXECUTORS
from adapters.supervisord_client import ProgramState, Supervisord
from domain.errors import Refused
from domain.execution import Executor, Progress, TargetState, progress, scale_progress
from domain.plans import Action, ActionKind, Risk, Undo
from domain.settings import CallSettings, MitigationSettings
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
RESTART = Action(ActionKind.RESTART, "web", Risk.LOW, Undo.NONE, {})


def scale(workers: int) -> Action:
    return Action(ActionKind.SCALE, "web", Risk.LOW, Undo.RESTORE, {"workers": workers})


def recording() -> Iterator[World]:
    executor = RecordingExecutor({"web": 3})
    yield executor, executor.stop


def on_supervisord() -> Iterator[World]:
    with supervisord(PROGRAMS) as address:
        executor = EXECUTORS["supervisord"](MitigationSettings(supervisord_url=address), CallSettings())
        yield executor, lambda name: stop_and_wait(Supervisord(address, 5), name)


def stop_and_wait(server: Supervisord, name: str) -> None:
    """supervisord answers before a process is down."""
    server.stop(name)
    poll(lambda: all(info.state is ProgramState.STOPPED for info in server.processes() if info.name == name))


MEMBERS = {"recording": recording, "supervisord": on_supervisord}


def test_every_executor_keeps_the_contract() -> None:
    assert set(EXECUTORS) <= set(MEMBERS)


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


def test_looking_twice_gives_the_same_snapshot(executor: Executor) -> None:
    assert executor.snapshot("web") == executor.snapshot("web")


def test_a_restart_gives_a_new_process_and_leaves_the_reserve(executor: Executor) -> None:
    before = executor.snapshot("web")
    executor.carry_out(RESTART)
    after = executor.snapshot("web")
    assert before.pids != after.pids
    assert states(executor) == [RUNS, WAITS, WAITS]
    assert progress(before, after) == Progress.DONE


def test_one_process_of_a_group_can_be_the_target(executor: Executor) -> None:
    executor.carry_out(scale(2))
    before = executor.snapshot("web")
    executor.carry_out(Action(ActionKind.RESTART, "web:web_01", Risk.LOW, Undo.NONE, {}))
    after = executor.snapshot("web")
    assert before.pids[0] == after.pids[0]
    assert before.pids[1] != after.pids[1]


def test_an_interrupted_restart_is_seen_and_finished_once(executor: Executor, stop: Stop) -> None:
    before = executor.snapshot("web")
    stop("web:web_00")
    assert progress(before, executor.snapshot("web")) == Progress.HALF
    executor.finish(RESTART, before)
    after = executor.snapshot("web")
    assert progress(before, after) == Progress.DONE
    executor.finish(RESTART, before)
    assert after == executor.snapshot("web")


def test_finishing_what_was_not_begun_stops_nothing(executor: Executor) -> None:
    before = executor.snapshot("web")
    executor.finish(RESTART, before)
    assert before == executor.snapshot("web")
    assert progress(before, executor.snapshot("web")) == Progress.UNTOUCHED


def test_what_somebody_stopped_is_not_restarted(executor: Executor, stop: Stop) -> None:
    stop("web:web_00")
    with pytest.raises(Refused):
        executor.carry_out(RESTART)
    assert states(executor) == [WAITS, WAITS, WAITS]


def test_scaling_starts_the_reserve_and_its_undo_stops_just_that(executor: Executor) -> None:
    before = executor.snapshot("web")
    executor.carry_out(scale(2))
    assert states(executor) == [RUNS, RUNS, WAITS]
    assert scale_progress(before, executor.snapshot("web"), workers=2) == Progress.DONE
    executor.undo(scale(2), before)
    assert states(executor) == [RUNS, WAITS, WAITS]
    assert before.pids == executor.snapshot("web").pids


def test_interrupted_scaling_is_finished_once(executor: Executor) -> None:
    before = executor.snapshot("web")
    executor.carry_out(scale(2))
    executor.finish(scale(3), before)
    assert states(executor) == [RUNS, RUNS, RUNS]
    after = executor.snapshot("web")
    executor.finish(scale(3), before)
    assert after == executor.snapshot("web")


@pytest.mark.parametrize(
    "action",
    [
        pytest.param(Action(ActionKind.RESTART, "nobody", Risk.LOW, Undo.NONE, {}), id="restart-unknown"),
        pytest.param(Action(ActionKind.SCALE, "nobody", Risk.LOW, Undo.RESTORE, {"workers": 2}), id="scale-unknown"),
        pytest.param(scale(4), id="more-workers-than-there-are"),
        pytest.param(scale(1), id="as-many-as-run"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(executor: Executor, action: Action) -> None:
    before = executor.snapshot("web")
    with pytest.raises(Refused):
        executor.carry_out(action)
    assert before == executor.snapshot("web")


def test_an_action_without_undo_is_not_taken_back(executor: Executor) -> None:
    before = executor.snapshot("web")
    executor.carry_out(RESTART)
    after = executor.snapshot("web")
    executor.undo(RESTART, before)
    assert after == executor.snapshot("web")
