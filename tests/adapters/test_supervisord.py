"""The supervisord executor, against a real supervisord."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pytest

from adapters.executing import Given
from adapters.supervisord import STATES, SupervisordExecutor
from adapters.supervisord_client import ProgramState, Supervisord
from domain.errors import BadSettings, Refused, SreError, Unavailable
from domain.execution import Order, Progress, TargetState, how_far
from domain.parameters import Restart
from domain.plans import Action, ActionKind, Risk, Undo
from domain.settings import MitigationSettings, Settings
from domain.settings_acting import EffectSettings
from tests.contracts.supervisord_part import group, poll, program, supervisord

PROJECT = Path(__file__).resolve().parents[2]
SLOW_TO_STOP = "sh -c \"trap 'sleep 1.5; exit 0' TERM; while :; do sleep 0.05; done\""
DEAF = "sh -c \"trap '' TERM; while :; do sleep 0.05; done\""


def executor_on(address: str, timeout: float = 30.0) -> SupervisordExecutor:
    acting = MitigationSettings(supervisord_url=address, effect_seconds=EffectSettings(restart=timeout, scale=timeout))
    return SupervisordExecutor(Given(Settings(mitigation=acting)))


def restart(target: str) -> Order:
    return Order(Action(ActionKind.RESTART, target, Risk.LOW, Undo.NONE, Restart()))


CALLER = """
from tests.adapters.test_supervisord import executor_on, restart
import sys
executor_on(sys.argv[1]).carry_out(restart("app"))
"""


def state_of(address: str) -> ProgramState:
    return Supervisord(address, 5).processes()[0].state


@pytest.mark.parametrize("interrupted_in", [ProgramState.STOPPING, ProgramState.STOPPED])
def test_a_caller_killed_between_stop_and_start_is_finished_by_the_next(interrupted_in: ProgramState) -> None:
    """supervisord leaves the process stopped, whatever its autorestart says."""
    with supervisord(program("app", SLOW_TO_STOP, stopwaitsecs=10)) as address:
        executor = executor_on(address)
        before = executor.snapshot("app")
        caller = subprocess.Popen([sys.executable, "-c", CALLER, address], cwd=PROJECT)
        poll(lambda: state_of(address) is ProgramState.STOPPING)
        caller.kill()
        caller.wait()
        poll(lambda: state_of(address) is interrupted_in)
        assert how_far(restart("app").action, before, executor.snapshot("app")) == Progress.HALF
        executor.finish(restart("app"), before)
        assert how_far(restart("app").action, before, executor.snapshot("app")) == Progress.DONE


def test_two_that_finish_at_once_start_it_once() -> None:
    with supervisord(program("app")) as address:
        before = executor_on(address).snapshot("app")
        Supervisord(address, 5).stop("app:app")
        poll(lambda: state_of(address) is ProgramState.STOPPED)
        finishers = [
            threading.Thread(target=executor_on(address).finish, args=(restart("app"), before)) for _ in range(4)
        ]
        for each in finishers:
            each.start()
        for each in finishers:
            each.join()
        first = executor_on(address).snapshot("app")
        assert len(first.pids) == 1
        assert first == executor_on(address).snapshot("app")


def test_what_runs_already_and_what_is_stopped_already_are_fine() -> None:
    with supervisord(program("app")) as address:
        server = Supervisord(address, 5)
        server.start("app:app")
        server.stop("app:app")
        poll(lambda: state_of(address) is ProgramState.STOPPED)
        server.stop("app:app")


def test_a_group_is_restarted_as_a_whole() -> None:
    with supervisord(program("a") + program("b") + group("both", "a", "b")) as address:
        executor = executor_on(address)
        before = executor.snapshot("both")
        executor.carry_out(restart("both"))
        assert how_far(restart("app").action, before, executor.snapshot("both")) == Progress.DONE
        assert len(executor.snapshot("both").pids) == 2


def test_a_process_of_a_group_is_found_by_its_own_name_when_that_is_unique() -> None:
    with supervisord(program("a") + program("b") + group("both", "a", "b")) as address:
        assert [process.name for process in executor_on(address).snapshot("a").processes] == ["both:a"]


def test_an_ambiguous_name_is_refused() -> None:
    twins = "".join(
        f"\n[program:{name}]\ncommand=sleep 1000\nnumprocs=1\nprocess_name=twin\nstartsecs=0\n"
        for name in ("one", "two")
    )
    with supervisord(twins) as address, pytest.raises(Refused, match="ambiguous"):
        executor_on(address).carry_out(restart("twin"))


def test_a_process_that_crashes_again_and_again_can_be_restarted() -> None:
    """It is not running when the restart comes, and it is not in reserve either."""
    with tempfile.TemporaryDirectory() as folder:
        cure = Path(folder) / "cured"
        command = f'sh -c "test -e {cure} && exec sleep 1000; exit 1"'
        with supervisord(program("app", command, startsecs=1, startretries=0)) as address:
            executor = executor_on(address)
            poll(lambda: state_of(address) is ProgramState.FATAL)
            before = executor.snapshot("app")
            assert before.processes[0].state == TargetState.FAILED
            cure.touch()
            executor.carry_out(restart("app"))
            assert how_far(restart("app").action, before, executor.snapshot("app")) == Progress.DONE


def test_a_process_that_does_not_come_up_is_refused() -> None:
    with supervisord(program("app", "false", startsecs=1, startretries=0)) as address:
        poll(lambda: state_of(address) is ProgramState.FATAL)
        with pytest.raises(Refused, match="app:app"):
            executor_on(address).carry_out(restart("app"))


def test_a_program_that_does_not_exist_is_refused() -> None:
    with supervisord(program("app", "/nowhere/program", startretries=0)) as address:
        poll(lambda: state_of(address) is ProgramState.FATAL)
        with pytest.raises(Refused):
            executor_on(address).carry_out(restart("app"))


def test_a_stop_that_takes_too_long_is_unavailable_and_left_to_the_next() -> None:
    with supervisord(program("app", DEAF, stopwaitsecs=3)) as address:
        before = executor_on(address).snapshot("app")
        poll(lambda: psutil.Process(before.pids[0]).children())  # its first sleep comes after its trap
        with pytest.raises(Unavailable, match="stop"):
            executor_on(address, timeout=0.3).carry_out(restart("app"))
        executor_on(address).finish(restart("app"), before)
        assert how_far(restart("app").action, before, executor_on(address).snapshot("app")) == Progress.DONE


def test_no_supervisord_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        executor_on(f"unix://{tmp_path}/nobody").snapshot("app")


def test_a_supervisord_that_never_answers_is_unavailable_in_time() -> None:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/s")
        listener.listen()
        started = time.monotonic()
        with pytest.raises(Unavailable):
            executor_on(f"unix://{folder}/s", timeout=0.3).snapshot("app")
        assert time.monotonic() - started < 10


def answering_once(answer: bytes) -> int:
    """Port of an HTTP server that gives one answer, whatever it is asked."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener, listener.accept()[0] as connection:
            connection.recv(65536)
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):  # what is left unread would reset the connection
                pass

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(b"HTTP/1.0 401 Unauthorized\r\n\r\n", Refused, id="login-refused"),
        pytest.param(b"HTTP/1.0 500 Error\r\n\r\n", Unavailable, id="server-error"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\n<html>", Unavailable, id="not-xml"),
        pytest.param(b"no http", Unavailable, id="not-http"),
        pytest.param(b"", Unavailable, id="hung-up"),
    ],
)
def test_foreign_errors_become_ours_and_name_no_password(answer: bytes, expected: type[SreError]) -> None:
    port = answering_once(answer)
    with pytest.raises(expected) as caught:
        executor_on(f"http://me:hidden@127.0.0.1:{port}").snapshot("app")
    assert "hidden" not in str(caught.value)


def test_no_address_is_an_error_of_settings() -> None:
    """One that cannot be is refused when settings are read."""
    with pytest.raises(BadSettings):
        executor_on("")


def test_every_state_that_supervisord_knows_is_one_of_ours_and_unknown_stays_unknown() -> None:
    """What it cannot say must not look like something that a restart cures."""
    assert set(ProgramState) == set(STATES)
    assert TargetState.UNKNOWN is STATES[ProgramState.UNKNOWN]
