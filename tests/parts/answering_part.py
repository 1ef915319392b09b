"""An incident and everything that answers it, on a real database, with an executor and a clock of the test's own."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from adapters import parts_file
from adapters.playbook_files import load as load_playbooks
from adapters.store import answers, step_queue
from adapters.store.closing import close_by_hand, reread
from adapters.store.database import Engine, transaction
from adapters.store.look_ups import one_incident
from domain.actions import ActionRecord
from domain.incidents import Incident
from domain.inventory import Inventory, Service
from domain.plans import Risk
from domain.playbooks import Playbook
from domain.settings_acting import AutonomySettings
from domain.steps import Answer, Step
from tasks.answer import due_step, run_steps, take
from tasks.escalate import tried
from tasks.held import Held, Means
from tasks.judging import Knowledge
from tests.contracts.fakes import RecordingExecutor
from tests.parts.judged_part import NOW, Feed, known, rows
from tests.parts.logs_part import a_log, an_error

SHIPPED = load_playbooks(parts_file.PROJECT / "playbooks")
# Every one may run unattended here, whatever risk its author saw.
PLAYBOOKS = tuple(
    replace(book, risk=Risk.LOW, actions=tuple(replace(action, risk=Risk.LOW) for action in book.actions))
    for book in SHIPPED
)
POOL = "connection pool exhausted"
BUSY = "worker queue full: request rejected, server is busy"


def inventory(*services: str) -> Inventory:
    return Inventory({name: Service(name, "supervisord", name) for name in services})


def calling(services: Inventory, caller: str, called: str) -> Inventory:
    """The same services, of which one calls another."""
    known = dict(services.services)
    return Inventory(known | {caller: replace(known[caller], dependencies=(called,))})


SERVICES = inventory("web", "db", "api")


def acting(
    *, playbooks: tuple[Playbook, ...] = PLAYBOOKS, services: Inventory = SERVICES, **mitigation: object
) -> Knowledge:
    trusted = {"acting": True, "autonomy": AutonomySettings(start="act")}
    settings = known(mitigation=trusted | mitigation).settings
    return Knowledge(settings, playbooks, None, services)


def risky(risk: Risk, playbook_id: str) -> tuple[Playbook, ...]:
    """The playbooks, one of them with another risk."""
    found = []
    for playbook in PLAYBOOKS:
        actions = tuple(replace(action, risk=risk) for action in playbook.actions)
        found.append(replace(playbook, actions=actions, risk=risk) if playbook.id == playbook_id else playbook)
    return tuple(found)


@dataclass
class World:
    """One store, one executor, one clock that stands still until it is moved."""

    engine: Engine
    knowledge: Knowledge = field(default_factory=acting)
    executor: RecordingExecutor = field(default_factory=lambda: RecordingExecutor({"web": 3, "db": 1, "api": 1}))
    now: datetime = NOW
    number: int = 0

    def __post_init__(self) -> None:
        self.feed = Feed(self.engine, knowledge=self.knowledge)

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def fault(self, message: str = POOL, *, service: str = "web", logs: int = 3) -> int:
        """A confirmed incident; its id."""
        folded = self._send(logs, service=service, message=message)
        (incident,) = {found.id: found for found in folded.of_row.values()}.values()
        return incident.id

    def _send(self, logs: int, **changes: Any) -> Any:
        stamp = self.now.isoformat()
        self.number += logs
        entries = [an_error(self.number + n, timestamp=stamp, **changes) for n in range(logs)]
        return self.feed.take(*entries, now=self.now)

    def traffic(self, logs: int = 50, *, service: str = "web", **changes: Any) -> None:
        """Healthy logs of this moment."""
        stamp = self.now.isoformat()
        self.number += logs
        entries = [
            a_log(request_id=f"t{self.number + n}", timestamp=stamp, service=service, **changes) for n in range(logs)
        ]
        self.feed.take(*entries, now=self.now)

    def means(self, **changes: Any) -> Means:
        return replace(Means(self.engine, self.knowledge, self.executor, lambda: self.now), **changes)

    def claim(self, incident_id: int | None = None) -> Held | None:
        means = self.means()
        claims = step_queue.claim(
            self.engine, token=f"{self.now}", lease=means.lease, now=self.now, limit=1, incident_id=incident_id
        )
        return Held(means, claims[0]) if claims else None

    def held(self, incident_id: int | None = None) -> Held:
        found = self.claim(incident_id)
        assert found is not None
        return found

    def run(self, incident_id: int | None = None) -> list[str]:
        """Every step that is due now, one claim after the other; their names."""
        names: list[str] = []
        while (held := self.claim(incident_id)) is not None:
            steps: list[Step] = run_steps(held)
            names += [step.name for step in steps]
            if not steps:
                break
        return names

    def answer(self, incident_id: int) -> Answer:
        with transaction(self.engine) as connection:
            found = answers.read(connection, incident_id)
        assert found is not None
        return found

    def incident(self, incident_id: int) -> Incident:
        found = reread(self.engine, incident_id)
        assert found is not None
        return found

    def records(self, incident_id: int) -> tuple[ActionRecord, ...]:
        return self.answer(incident_id).actions

    def pages(self) -> list[str]:
        return [row["reason"] for row in rows(self.engine, "SELECT reason FROM pages ORDER BY id")]

    def lines(self) -> list[str]:
        """What the newest page says."""
        (row,) = rows(self.engine, "SELECT lines FROM pages ORDER BY id DESC LIMIT 1")
        found = row["lines"]
        return list(json.loads(found) if isinstance(found, str) else found)

    def tried(self, incident_id: int) -> list[str]:
        """What people are told of what was done."""
        with transaction(self.engine) as connection:
            found = answers.read(connection, incident_id)
            assert found is not None
            return tried(connection, found)

    def ledger(self) -> list[str]:
        return [row["kind"] for row in rows(self.engine, "SELECT kind FROM ledger ORDER BY id")]

    def stored(self, incident_id: int) -> dict[str, Any]:
        found = one_incident(self.engine, incident_id)
        assert found is not None
        return found

    @property
    def calls(self) -> list[str]:
        return [call for call, _ in self.executor.calls]


class DiedError(BaseException):
    """What ends a process ends everything."""


class Dying(RecordingExecutor):
    """Whoever carries something out with it dies of it."""

    def carry_out(self, _action: object) -> None:
        raise DiedError


def began(world: World) -> int:
    """An owner that committed the action and died; its lease has run out."""
    number = world.fault()
    dying = Dying({})
    dying.processes = world.executor.processes
    try:
        run_steps(replace(world.held(), means=world.means(given=dying)))
    except DiedError:
        world.forward(60)
    return number


def step_by_step(world: World, steps: int) -> Held:
    """So many steps are taken, and whoever holds the incident goes on later."""
    held = world.held()
    for _ in range(steps):
        assert take(held, due_step(held))
    return held


def two_actions() -> tuple[Playbook, ...]:
    """The playbooks; the one for connection pools restarts and then scales."""
    scaling = next(book for book in PLAYBOOKS if book.id == "overload").actions
    return tuple(
        replace(book, actions=(*book.actions, *scaling)) if book.id == "connection-pool-exhausted" else book
        for book in PLAYBOOKS
    )


def tried_in_vain(engine: Engine) -> World:
    """A playbook that may act on, although it did not help three times."""
    patient = AutonomySettings(start="act", failures=99)
    limits = {"target_seconds": 0.001, "target_per_day": 99, "max_ineffective": 99, "kind_per_hour": 99}
    world = World(engine, knowledge=acting(autonomy=patient, **limits))
    for _ in range(3):
        number = world.fault()
        world.run()
        world.forward(70)
        world.run()
        close_by_hand(engine, number, by="ann", now=world.now)
        world.forward(7_200)
    return world
