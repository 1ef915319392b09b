"""Commands in their sandbox: really no network, no writing, no secrets, no shell, and limits that hold."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters import command_sandbox
from adapters.commands import CommandExecutor, bind
from adapters.executing import Given
from adapters.store import effects
from adapters.store.database import connect, transaction
from adapters.store.tables.acting import effects as effect_rows
from domain.errors import BadInput, Refused, Unavailable
from domain.execution import Order, Progress, how_far
from domain.parameters import RunCommand
from domain.plans import ActionKind, Undo
from domain.settings import MitigationSettings, Settings
from domain.settings_acting import CommandSettings, ParameterSettings
from tests.contracts.executors_part import order

Run = Callable[..., str]


@pytest.fixture
def run(sqlite_url: str, tmp_path: Path) -> Run:
    """Runs a shell script as a listed command; raises Refused with how it ended, else gives its output."""
    if shutil.which("bwrap") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("bubblewrap is not installed")
    home = tmp_path / "home"
    home.mkdir()
    (home / "secret").write_text("the key")

    def run(script: str, **limits: object) -> str:
        made = CommandSettings(argv=("/bin/sh", "-c", script), **limits)  # type: ignore[arg-type]
        engine = connect(sqlite_url)
        given = Given(Settings(mitigation=MitigationSettings(commands={"it": made})), engine, home)
        key = f"k{os.urandom(4).hex()}"
        try:
            CommandExecutor(given).carry_out(order(ActionKind.RUN_COMMAND, "web", RunCommand("it"), key))
        finally:
            with engine.connect() as connection:
                output = connection.exec_driver_sql(f"SELECT output FROM effects WHERE key = '{key}'").scalar()
        return str(output)

    return run


def test_it_runs_and_what_it_says_is_kept(run: Run) -> None:
    assert "hello\nto both\n" == run("echo hello; echo to both >&2")


@pytest.mark.parametrize(
    ("script", "says"),
    [
        pytest.param("echo x > /etc/hostile", "Read-only file system", id="writing-outside"),
        pytest.param("touch $PWD/../var/x", "Read-only file system", id="writing-by-a-way-around"),
        pytest.param("exec 3<>/dev/tcp/127.0.0.1/22", "cannot|not found|No such|Directory", id="a-socket-by-the-shell"),
        pytest.param("cat /nothing", "No such file", id="what-is-not-there"),
        pytest.param("exit 3", "ended with exit code 3", id="it-fails"),
        pytest.param("kill -9 $$", "ended with exit code", id="it-is-killed"),
    ],
)
def test_what_it_must_not_do_it_cannot(run: Run, script: str, says: str) -> None:
    with pytest.raises(Refused, match=says):
        run(script)


def test_it_has_no_network(run: Run) -> None:
    assert ["lo"] == sorted(line.split(":")[0].strip() for line in run("tail -n +3 /proc/net/dev").splitlines())


def test_it_sees_neither_our_home_nor_our_environment(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SRE_PAGING__EMAIL__PASSWORD", "hunter2")
    assert "" == run(f"ls -A {tmp_path / 'home'}; ls -A {Path.home()}")
    assert "hunter2" not in run("env; cat /proc/*/environ; ls /proc")


@pytest.fixture
def answering() -> Iterator[Callable[[Path], None]]:
    """Sockets that somebody listens on, at any path."""
    with ExitStack() as opened:

        def listen(path: Path) -> None:
            server = opened.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(str(path))
            server.listen()

        yield listen


CONNECT = (
    "perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0);"
    ' print connect(S, sockaddr_un("{}")) ? "connected" : "no: $!"\''
)


@pytest.mark.parametrize("folder", ["/var/tmp", "/run", "/opt"])  # noqa: S108 - one of its own in it
def test_no_socket_can_be_connected_to_wherever_it_lies(
    run: Run, answering: Callable[[Path], None], folder: str
) -> None:
    """A read-only root keeps nobody from connecting to supervisord, to D-Bus, or to our own database."""
    try:
        place = tempfile.mkdtemp(dir=folder)
    except OSError:
        pytest.skip(f"{folder} cannot be written to here")
    try:
        at = Path(place) / "it.sock"
        answering(at)
        assert run(CONNECT.format(at)).startswith("no: ")
    finally:
        shutil.rmtree(place)


def test_a_socket_in_a_folder_that_the_settings_name_can_be_reached(
    run: Run, answering: Callable[[Path], None]
) -> None:
    with tempfile.TemporaryDirectory() as place:
        at = Path(place) / "it.sock"
        answering(at)
        assert "connected" == run(CONNECT.format(at), writable=(place,))


def test_it_sees_neither_our_settings_nor_the_key_to_a_cluster(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [Path(tempfile.mkdtemp(dir="/opt" if os.access("/opt", os.W_OK) else "/var")) / name for name in "ab"]
    try:
        for key in keys:
            key.write_text("the key")
        monkeypatch.setenv("SRE_CONFIG_FILE", str(keys[0]))
        listed = {"it": CommandSettings(argv=("/bin/sh", "-c", f"cat {keys[0]} {keys[1]}; true"))}
        settings = Settings(mitigation=MitigationSettings(commands=listed, kubeconfig=str(keys[1])))
        CommandExecutor(Given(settings, connect(sqlite_url), tmp_path / "home")).carry_out(
            order(ActionKind.RUN_COMMAND, "web", RunCommand("it"))
        )
        with transaction(connect(sqlite_url)) as connection:
            assert "the key" not in connection.execute(effect_rows.select()).one().output
    finally:
        for key in keys:
            shutil.rmtree(key.parent)


def test_its_temporary_folder_is_its_own(run: Run) -> None:
    with tempfile.NamedTemporaryFile(dir="/tmp", prefix="ours") as ours:
        assert Path(ours.name).name not in run("echo x > /tmp/left; ls -A /tmp")
    assert "left" not in run("ls -A /tmp")


@pytest.mark.parametrize(
    ("script", "limits", "says"),
    [
        pytest.param("sleep 60", {"seconds": 0.3}, "ended by us after 0.3 s", id="time"),
        pytest.param("exec >&- 2>&-; sleep 60", {"seconds": 0.3}, "ended by us after 0.3 s", id="time-without-output"),
        pytest.param("yes", {"output_kb": 8}, "ended by us after more than 8 KiB of output", id="output"),
        pytest.param("while :; do :; done", {"cpu_seconds": 1, "seconds": 20}, "exit code", id="processor-time"),
        pytest.param("head -c 400M /dev/zero | tail", {"memory_mb": 64}, "ended with exit code", id="memory"),
        pytest.param("sleep 61 & sleep 61", {"seconds": 0.3}, "ended by us", id="children-too"),
    ],
)
def test_limits_hold(run: Run, script: str, limits: dict[str, object], says: str) -> None:
    if "memory_mb" in limits:  # the last of a pipe fails, which a shell tells by its exit code
        script = f"set -e; {script} > /dev/null; test $? = 0"
    with pytest.raises(Refused, match=says):
        run(script, **limits)


def test_without_bubblewrap_nothing_is_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_sandbox.shutil, "which", lambda _: None)
    with pytest.raises(Refused, match="bubblewrap"):
        run("true")


LISTED = CommandSettings(
    argv=("/usr/bin/psql", "--dbname={database}", "-c", "select pg_terminate_backend({pid})"),
    parameters={
        "database": ParameterSettings(pattern="[a-z]{1,20}"),
        "pid": ParameterSettings(type="integer", least=2, most=4_194_304),
    },
)


def test_values_stand_where_the_settings_say_and_nowhere_else() -> None:
    assert ["/usr/bin/psql", "--dbname=app", "-c", "select pg_terminate_backend(77)"] == bind(
        "end", LISTED, {"database": "app", "pid": "77"}
    )


ATTACKS = (
    "--file=/etc/passwd",
    "-h",
    "a b",
    "a;reboot",
    "$(reboot)",
    "`id`",
    "a\nb",
    "../x",
    "{pid}",
    "",
    "A" * 21,
    "é",
)


@pytest.mark.parametrize("value", ATTACKS)
def test_no_value_becomes_an_option_or_another_argument(value: str) -> None:
    with pytest.raises((Refused, BadInput)):
        bind("end", LISTED, RunCommand("end", {"database": value, "pid": "77"}).arguments)


@pytest.mark.parametrize("wanted", [ParameterSettings(pattern=".*"), ParameterSettings(type="integer")])
def test_what_begins_with_a_hyphen_is_no_value_whatever_the_settings_allow(wanted: ParameterSettings) -> None:
    with pytest.raises(Refused, match="begins with a hyphen"):
        bind("end", CommandSettings(argv=("/bin/echo", "{it}"), parameters={"it": wanted}), {"it": "-1"})


@pytest.mark.parametrize("value", ["-1", "1", "4194305", "0x10", "1e3", "١٢", "7 or true", "9" * 19])
def test_a_number_is_a_number_within_its_bounds(value: str) -> None:
    with pytest.raises((Refused, BadInput)):
        bind("end", LISTED, RunCommand("end", {"database": "app", "pid": value}).arguments)


def test_an_undo_is_the_command_that_the_settings_name_and_runs_once(sqlite_url: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    trace = tmp_path / "trace"
    writing = {"writable": (str(tmp_path),)}
    listed = {
        "on": CommandSettings(argv=("/bin/sh", "-c", f"echo on >> {trace}"), undo="off", **writing),
        "off": CommandSettings(argv=("/bin/sh", "-c", f"echo off >> {trace}"), **writing),
    }
    settings = Settings(mitigation=MitigationSettings(commands=listed))
    executor = CommandExecutor(Given(settings, connect(sqlite_url), tmp_path / "home"))
    one = order(ActionKind.RUN_COMMAND, "web", RunCommand("on"))
    before = executor.observe(one)
    executor.carry_out(one)
    executor.undo(one, before)
    executor.undo(one, before)
    assert "on\noff\n" == trace.read_text()


def test_an_undo_that_the_settings_do_not_name_is_refused_and_one_that_is_not_wanted_does_nothing(
    sqlite_url: str, tmp_path: Path
) -> None:
    settings = Settings(mitigation=MitigationSettings(commands={"on": CommandSettings(argv=("/bin/true",))}))
    executor = CommandExecutor(Given(settings, connect(sqlite_url), tmp_path))
    one = order(ActionKind.RUN_COMMAND, "web", RunCommand("on"))
    with pytest.raises(Refused, match="name no undo"):
        executor.undo(one, executor.observe(one))
    unwanted: Order = order(ActionKind.RUN_COMMAND, "web", RunCommand("on"), undo=Undo.NONE)
    executor.undo(unwanted, executor.observe(unwanted))


def failing(url: str, folder: Path, **changes: object) -> CommandExecutor:
    """An executor whose one command ends with exit code 3."""
    listed = {"on": CommandSettings(argv=("/bin/sh", "-c", "exit 3"))}
    settings = Settings(mitigation=MitigationSettings(commands=listed))
    return CommandExecutor(Given(settings, connect(url), folder / "home", **changes))  # type: ignore[arg-type]


ON = order(ActionKind.RUN_COMMAND, "web", RunCommand("on"))


def test_what_ran_and_failed_is_known_to_have_run_and_is_never_run_again(sqlite_url: str, tmp_path: Path) -> None:
    """Fault 3: the owner dies between the end of a command and the row of its action."""
    executor = failing(sqlite_url, tmp_path)
    before = executor.observe(ON)
    for says in ("exit code 3", "it was begun before"):
        with pytest.raises(Refused, match=says):
            executor.carry_out(ON)
    assert Progress.FAILED is how_far(ON.action, before, executor.observe(ON))
    with pytest.raises(Refused, match="exit code 3"):
        executor.finish(ON, before)


@pytest.mark.parametrize(
    ("host", "seconds", "found"),
    [
        pytest.param("elsewhere", 60, Progress.HALF, id="another-host-may-still-run-it"),
        pytest.param("elsewhere", 126, Progress.LOST, id="no-host-runs-it-beyond-its-time"),
        pytest.param("", 60, Progress.HALF, id="we-run-it"),
        pytest.param("", 126, Progress.LOST, id="we-did-not-write-down-its-end"),
    ],
)
def test_what_has_no_end_goes_on_for_no_longer_than_it_may_take(
    sqlite_url: str, tmp_path: Path, host: str, seconds: float, found: Progress
) -> None:
    begun = datetime(2026, 1, 5, 12, tzinfo=UTC)
    executor = failing(sqlite_url, tmp_path, clock=lambda: begun + timedelta(seconds=seconds))
    before = executor.observe(ON)
    effects.begin(connect(sqlite_url), ON.key, "it", now=begun)
    if host:
        with transaction(connect(sqlite_url)) as connection:
            connection.execute(effect_rows.update().values(host=host))
    assert found is how_far(ON.action, before, executor.observe(ON))


def test_a_sandbox_that_does_not_come_up_is_no_command_that_failed(sqlite_url: str, tmp_path: Path) -> None:
    nowhere = {"on": CommandSettings(argv=("/bin/true",), writable=("/nowhere/at/all",))}
    settings = Settings(mitigation=MitigationSettings(commands=nowhere))
    executor = CommandExecutor(Given(settings, connect(sqlite_url), tmp_path / "home"))
    before = executor.observe(ON)
    with pytest.raises(Unavailable, match="its sandbox did not come up"):
        executor.carry_out(ON)
    assert Progress.UNTOUCHED is how_far(ON.action, before, executor.observe(ON))


def test_a_command_that_says_something_all_the_time_is_ended_in_time(run: Run) -> None:
    with pytest.raises(Refused, match=r"ended by us after 0\.5 s"):
        run("while :; do echo x; sleep 0.01; done", seconds=0.5)
