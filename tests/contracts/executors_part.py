"""The members of the family of executors, each on the real thing, with orders that it can carry out."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from adapters.executing import Given
from adapters.executors import EXECUTORS
from adapters.store.database import connect
from domain.execution import Executor, Order
from domain.parameters import CallWebhook, Configure, Monitor, Parameters, Restart, RollbackDeploy, RunCommand, Scale
from domain.plans import LEAST_RISK, UNDOS, Action, ActionKind, Undo
from domain.settings import MitigationSettings, Settings
from domain.settings_acting import CommandSettings, ParameterSettings, WebhookSettings
from tests.contracts.fakes import RecordingExecutor
from tests.contracts.supervisord_part import group, program, supervisord
from tests.contracts.systemd_part import systemd
from tests.parts.kube_part import KubeApi, poll
from tests.parts.kube_world import World

PROGRAMS = (
    program("web_00")
    + program("web_01", autostart="false")
    + program("web_02", autostart="false")
    + group("web", "web_00", "web_01", "web_02")
)


def order(kind: ActionKind, target: str, parameters: Parameters, key: str = "one", **changes: Undo) -> Order:
    """An order for the service web, taken back where its kind can be."""
    undo = Undo.RESTORE if Undo.RESTORE in UNDOS[kind] else Undo.NONE
    return Order(Action(kind, target, LEAST_RISK[kind], changes.get("undo", undo), parameters), key, "web")


Fixture = Callable[[str], Any]  # name -> what pytest has by it


@dataclass(frozen=True)
class Member:
    """One executor, what it can be asked for, and how often anything happened outside."""

    make: Callable[[], Executor]  # anew, as another process would
    orders: tuple[Order, ...]  # one for each of its kinds
    unknown: tuple[Order, ...]  # about what does not exist
    effects: Callable[[], int] = field(default=lambda: 0)  # how often something began outside, where that is counted
    survives: bool = True  # whether another process sees the same world


def again(given: Order, key: str) -> Order:
    """The same order, as another one."""
    return replace(given, key=key)


@contextmanager
def recording(_folder: Path, _fixture: Fixture) -> Iterator[Member]:
    fake = RecordingExecutor({"web": 3})
    orders = (order(ActionKind.RESTART, "web", Restart()), order(ActionKind.SCALE, "web", Scale(2)))
    unknown = (order(ActionKind.RESTART, "nobody", Restart()), order(ActionKind.SCALE, "web", Scale(4)))
    yield Member(lambda: fake, orders, unknown, survives=False)


@contextmanager
def on_supervisord(_folder: Path, _fixture: Fixture) -> Iterator[Member]:
    with supervisord(PROGRAMS) as address:
        given = Given(Settings(mitigation=MitigationSettings(supervisord_url=address)))
        orders = (order(ActionKind.RESTART, "web", Restart()), order(ActionKind.SCALE, "web", Scale(2)))
        unknown = (
            order(ActionKind.RESTART, "nobody", Restart()),
            order(ActionKind.SCALE, "nobody", Scale(2)),
            order(ActionKind.SCALE, "web", Scale(4)),
            order(ActionKind.SCALE, "web", Scale(1)),
        )
        yield Member(lambda: EXECUTORS["supervisord"](given), orders, unknown)


@contextmanager
def on_systemd(_folder: Path, _fixture: Fixture) -> Iterator[Member]:
    with systemd():
        given = Given(Settings(mitigation=MitigationSettings(systemd_bus="user")))
        orders = (
            order(ActionKind.RESTART, "slow.service", Restart()),
            order(ActionKind.SCALE, "worker@.service", Scale(2)),
            order(ActionKind.CONFIGURE, "web.service", Configure("TasksMax", "77")),
        )
        unknown = (
            order(ActionKind.RESTART, "nobody.service", Restart()),
            order(ActionKind.SCALE, "nobody@.service", Scale(2)),
            order(ActionKind.SCALE, "web.service", Scale(2)),
            order(ActionKind.SCALE, "worker@.service", Scale(1)),
            order(ActionKind.CONFIGURE, "web.service", Configure("ExecStart", "77")),
            order(ActionKind.CONFIGURE, "web.service", Configure("TasksMax", "many")),
        )
        yield Member(lambda: EXECUTORS["systemd"](given), orders, unknown)


@contextmanager
def commands(folder: Path, fixture: Fixture) -> Iterator[Member]:
    url = fixture("sqlite_url")
    folder.chmod(0o777)
    trace = folder / "ran"
    trace.write_text("")
    script = f"echo {{name}} >> {trace}; sleep 0.5"
    listed = {
        "note": CommandSettings(
            argv=("/bin/sh", "-c", script, "note"),
            parameters={"name": ParameterSettings()},
            undo="unnote",
            writable=(str(folder),),
        ),
        "unnote": CommandSettings(
            argv=("/bin/sh", "-c", f"echo undo {{name}} >> {trace}"),
            parameters={"name": ParameterSettings()},
            writable=(str(folder),),
        ),
    }
    settings = Settings(mitigation=MitigationSettings(commands=listed))
    orders = (order(ActionKind.RUN_COMMAND, "web", RunCommand("note", {"name": "pg"})),)
    unknown = (
        order(ActionKind.RUN_COMMAND, "web", RunCommand("reboot", {})),
        order(ActionKind.RUN_COMMAND, "web", RunCommand("note", {"name": "a b"})),
        order(ActionKind.RUN_COMMAND, "web", RunCommand("note", {})),
        order(ActionKind.RUN_COMMAND, "web", RunCommand("note", {"name": "a", "other": "b"})),
    )

    def make() -> Executor:
        return EXECUTORS["commands"](Given(settings, connect(url), folder / "home"))

    yield Member(make, orders, unknown, lambda: trace.read_text().count("\npg") + trace.read_text().startswith("pg"))


@dataclass
class Receiver:
    """A server that takes webhooks, and knows a call that comes again."""

    bodies: list[bytes] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    answers: list[int] = field(default_factory=list)  # statuses to give first
    text: bytes = b""  # of every answer

    def take(self, headers: Mapping[str, str], body: bytes) -> int:
        self.bodies.append(body)
        self.headers.append(headers)
        if self.answers:
            return self.answers.pop(0)
        self.keys.add(headers.get("Idempotency-Key", ""))
        return 200


@contextmanager
def receiving() -> Iterator[tuple[Receiver, str]]:
    """A receiver and its address."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(receiver.take(dict(self.headers), body))
            self.end_headers()
            self.wfile.write(receiver.text)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield receiver, f"http://127.0.0.1:{server.server_address[1]}/hook"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def webhook(folder: Path, fixture: Fixture) -> Iterator[Member]:
    url = fixture("sqlite_url")
    with receiving() as (receiver, address):
        listed = {"tell": WebhookSettings(url=address, secret="s3cret")}
        settings = Settings(mitigation=MitigationSettings(webhooks=listed))
        orders = (order(ActionKind.CALL_WEBHOOK, "web", CallWebhook("tell")),)
        unknown = (order(ActionKind.CALL_WEBHOOK, "web", CallWebhook("nobody")),)
        given = lambda: Given(settings, connect(url), folder / "home")  # noqa: E731 - a new engine for each process
        yield Member(lambda: EXECUTORS["webhook"](given()), orders, unknown, lambda: len(receiver.keys))


@contextmanager
def watching(folder: Path, fixture: Fixture) -> Iterator[Member]:
    url = fixture("sqlite_url")
    orders = (order(ActionKind.MONITOR, "web", Monitor(30)),)
    yield Member(lambda: EXECUTORS["watching"](Given(Settings(), connect(url), folder)), orders, ())


@contextmanager
def on_kubernetes(folder: Path, fixture: Fixture) -> Iterator[Member]:
    kube: KubeApi = fixture("kube")
    with kube.client() as client:
        world = World(kube, client, folder)
        world.allow()
        target, other = world.start(replicas=2), world.start("other")
        world.deploy("shop:2")
        poll(lambda: world.is_whole("web"), "the second release runs")
        nobody = f"{world.namespace}/deployment/nobody"
        orders = (
            order(ActionKind.RESTART, target, Restart()),
            order(ActionKind.SCALE, target, Scale(3)),
            order(ActionKind.CONFIGURE, target, Configure("env/POOL_SIZE", "25")),
            order(ActionKind.ROLLBACK_DEPLOY, target, RollbackDeploy()),
            order(ActionKind.MONITOR, target, Monitor(30)),
        )
        unknown = (
            *(order(one.action.kind, nobody, one.action.parameters) for one in orders),
            order(ActionKind.RESTART, "web", Restart()),
            order(ActionKind.SCALE, target, Scale(1)),
            order(ActionKind.CONFIGURE, target, Configure("env/NOBODY", "25")),
            order(ActionKind.ROLLBACK_DEPLOY, other, RollbackDeploy()),
        )
        with world.prometheus_rules():
            yield Member(world.executor, orders, unknown)


MEMBERS: Mapping[str, Callable[[Path, Fixture], AbstractContextManager[Member]]] = {
    "recording": recording,
    "supervisord": on_supervisord,
    "systemd": on_systemd,
    "kubernetes": on_kubernetes,
    "commands": commands,
    "webhook": webhook,
    "watching": watching,
}


def said(body: bytes) -> dict[str, object]:
    """A webhook's body as the receiver reads it."""
    found: dict[str, object] = json.loads(body)
    return found
