"""Commands that the settings list, run in a bubblewrap sandbox: no shell, no network, a read-only root, limits.

A command leaves no trace that could be asked about, so it is written down before it begins and when it ends. Its
sandbox dies with us: what was begun and has no end is never run a second time by itself.
"""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from adapters.command_sandbox import limited, sandbox, shielded, writable
from adapters.executing import Deadline, Given, must_know
from adapters.store import effects
from adapters.store.database import Engine
from domain.errors import Refused, Unavailable
from domain.execution import BEGUN, ENDED, Order, Snapshot
from domain.nearest import nearest
from domain.parameters import RunCommand
from domain.plans import ActionKind, Undo
from domain.settings_acting import PLACE, CommandSettings, ParameterSettings

UNDO = "-undo"
POLL_SECONDS = 0.2
# From the end of a command to the row that says so.
ENDING = timedelta(seconds=5)
PIECE = 65_536
# What a command and its sandbox, whose environment it can read, get of ours: nothing but where programs are.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    output: str  # both streams, at most as much as the settings keep
    trouble: str = ""  # why we ended it, or nothing
    began: bool = True  # False where its sandbox did not come up

    @property
    def last(self) -> str:
        """The last line that it said."""
        return self.output.strip().rpartition("\n")[2][:200]


class CommandExecutor:
    """Runs commands of `mitigation.commands`, and no others."""

    name = "commands"
    kinds = frozenset({ActionKind.RUN_COMMAND})

    def __init__(self, given: Given) -> None:
        self.given = given
        self.commands = given.settings.mitigation.commands
        self.longest = given.settings.mitigation.effect_seconds.run_command

    @property
    def engine(self) -> Engine:
        """Our store. Raises Refused where there is none."""
        return self.given.store("a command is only run where it can be written down, in a database")

    def snapshot(self, target: str) -> Snapshot:
        """A command has no processes that outlast it."""
        return Snapshot(target)

    def observe(self, order: Order) -> Snapshot:
        """How far the order's command has come."""
        must_know(self, order)
        found = effects.read(self.engine, order.key) if order.key and self.given.engine else None
        if found is None:
            return Snapshot(order.target)
        return Snapshot(order.target, mark=found.end or BEGUN, settled=not self._goes_on(found))

    def preview(self, order: Order) -> str:
        """The exact command that would be run. Raises Refused where it would not."""
        command, argv = self._command(order)
        sandbox()
        limits = f"at most {command.seconds:g} s, {command.memory_mb} MiB, {command.cpu_seconds} s of processor time"
        return f"run {' '.join(argv)} in a sandbox without network ({limits})"

    def carry_out(self, order: Order) -> None:
        """Run it, and return when it ended well. Raises Refused with what it said when it did not."""
        command, argv = self._command(order)
        self._run(order, order.key, command, argv)

    def finish(self, order: Order, before: Snapshot) -> None:
        """Wait for a command that somebody else is still running. Raises Refused when it did not end well."""
        deadline = Deadline(self.longest)
        while (found := effects.read(self.engine, order.key)) is not None and self._goes_on(found):
            deadline.wait(POLL_SECONDS, f"run_command {order.target}")
        if found is None or found.end != ENDED:
            raise Refused(f"run_command {order.target}: {found.end if found and found.end else 'it has no end'}")

    def _goes_on(self, found: effects.Effect) -> bool:
        """Whether it may still run: whoever began it lives, as far as we know, and would end it after its time."""
        ends = found.begun_at + timedelta(seconds=self.longest) + ENDING
        return found.going_on and self.given.clock() < ends

    def undo(self, order: Order, before: Snapshot) -> None:
        """Run the command that the settings name as its undo, once."""
        if order.action.undo is not Undo.RESTORE:
            return
        command, _ = self._command(order)
        if not command.undo:
            raise Refused(f"run_command {_named(order).command}: the settings name no undo for it")
        back = RunCommand(command.undo, _named(order).arguments)
        key = order.key + UNDO
        if (found := effects.read(self.engine, key)) is not None and found.end == ENDED:
            return
        self._run(order, key, *self._bound(back))

    def _command(self, order: Order) -> tuple[CommandSettings, list[str]]:
        must_know(self, order)
        return self._bound(_named(order))

    def _bound(self, wanted: RunCommand) -> tuple[CommandSettings, list[str]]:
        """The command and its arguments, each checked. Raises Refused."""
        command = self.commands.get(wanted.command)
        if command is None:
            known = nearest(wanted.command, self.commands)
            raise Refused(f"mitigation.commands has no {wanted.command!r}; {known}. Nothing else is ever run")
        return command, bind(wanted.command, command, wanted.arguments)

    def _run(self, order: Order, key: str, command: CommandSettings, argv: list[str]) -> None:
        words = f"run_command {argv[0]} for {order.target}"
        inside = [*sandbox(), *shielded(self.given), *writable(command), "--", *limited(command), *argv]
        effects.begin(self.engine, key, " ".join(argv), now=self.given.clock())
        try:
            ended = run(inside, seconds=min(command.seconds, self.longest), most=command.output_kb * 1024)
        except OSError as error:
            effects.forget(self.engine, key)
            raise Unavailable(f"{words}: cannot be started: {error.strerror}") from error
        if not ended.began:
            effects.forget(self.engine, key)
            raise Unavailable(f"{words}: its sandbox did not come up: {ended.last}")
        how = ended.trouble or (f"ended with exit code {ended.code}" if ended.code else "")
        effects.end(self.engine, key, how or ENDED, output=ended.output, now=self.given.clock())
        if how:
            raise Refused(f"{words}: {how}{': ' + ended.last if ended.last else ''}")


def _named(order: Order) -> RunCommand:
    assert isinstance(order.action.parameters, RunCommand)  # noqa: S101 - an action has its kind's parameters
    return order.action.parameters


def bind(name: str, command: CommandSettings, given: Mapping[str, str]) -> list[str]:
    """The arguments as the program gets them. Raises Refused where a value is not what its parameter may be."""
    if unknown := sorted(set(given) - set(command.parameters)):
        takes = ", ".join(sorted(command.parameters)) or "none"
        raise Refused(f"command {name}: no parameter {unknown[0]!r}; it takes: {takes}")
    if missing := sorted(set(command.parameters) - set(given)):
        raise Refused(f"command {name}: parameter {missing[0]} is missing")
    for parameter, value in given.items():
        if problem := _problem(value, command.parameters[parameter]):
            raise Refused(f"command {name}: {parameter} {problem}, got {value!r}")
    return [PLACE.sub(lambda found: given[found[1]], part) for part in command.argv]


def _problem(value: str, wanted: ParameterSettings) -> str:
    if value.startswith("-"):
        return "begins with a hyphen, so it would be an option"
    if wanted.type == "integer":
        if not re.fullmatch(r"[0-9]{1,18}", value):
            return "is no whole number"
        if wanted.least is not None and int(value) < wanted.least:
            return f"is below {wanted.least}"
        return f"is above {wanted.most}" if wanted.most is not None and int(value) > wanted.most else ""
    return "" if re.fullmatch(wanted.pattern, value) else f"does not match /{wanted.pattern}/"


def run(argv: list[str], *, seconds: float, most: int) -> Ended:
    """Run it in its sandbox until it ends, or is ended after so many seconds or bytes.

    Raises OSError when it cannot be started.
    """
    status, told = os.pipe()
    with os.fdopen(status, "rb") as said:
        try:
            process = _start([argv[0], "--json-status-fd", str(told), *argv[1:]], told)
        finally:
            os.close(told)
        kept, trouble = _listen(process, seconds, most)
        # The sandbox tells of an exit code only where the command itself ran.
        began = bool(trouble) or b"exit-code" in said.read()
    return Ended(process.returncode, kept.decode(errors="replace"), trouble, began)


def _start(argv: list[str], told: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - the settings list it, and its parameters were checked
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=ENVIRONMENT,
        pass_fds=(told,),
    )


def _listen(process: subprocess.Popen[bytes], seconds: float, most: int) -> tuple[bytes, str]:
    """What it says until it ends, at most so much of it, and why we had to end it, or nothing."""
    ends, kept, trouble = time.monotonic() + seconds, bytearray(), ""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    with process, selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while not trouble:
            if ready.select(max(0.0, ends - time.monotonic())):
                piece = os.read(process.stdout.fileno(), PIECE)
                if not piece:
                    break
                kept += piece
                trouble = f"ended by us after more than {most // 1024} KiB of output" if len(kept) > most else ""
            if not trouble and time.monotonic() >= ends:
                trouble = f"ended by us after {seconds:g} s"
        trouble = trouble or _await(process, ends, seconds)
        if trouble:
            process.kill()
    return bytes(kept[:most]), trouble


def _await(process: subprocess.Popen[bytes], ends: float, seconds: float) -> str:
    """It closed its output; why we had to end it nevertheless, or nothing."""
    try:
        process.wait(max(0.0, ends - time.monotonic()))
    except subprocess.TimeoutExpired:
        return f"ended by us after {seconds:g} s"
    return ""
