"""An incident and everything that answers it, on a real database, with an executor and a clock of the test's own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from adapters import parts_file
from adapters.playbook_files import load as load_playbooks
from adapters.store import answers, step_queue
from adapters.store.closing import reread
from adapters.store.database import Engine, transaction
from adapters.store.look_ups import one_incident
from domain.actions import ActionRecord
from domain.incidents import Incident
from domain.inventory import Inventory, Service
from domain.plans import Risk
from domain.playbooks import Playbook
from domain.steps import Answer, Step
from tasks.answer import run_steps
from tasks.held import Held, Means
from tasks.judging import Knowledge
from tests.contracts.fakes import RecordingExecutor
from tests.parts.judged_part import NOW, Feed, known, rows
from tests.parts.logs_part import a_log, an_error

PLAYBOOKS = load_playbooks(parts_file.PROJECT / "playbooks")
POOL = "connection pool exhausted"
BUSY = "worker queue full: request rejected, server is busy"


def inventory(*services: str) -> Inventory:
    return Inventory({name: Service(name, "supervisord", name) for name in services})


SERVICES = inventory("web", "db", "api")


def acting(
    *, playbooks: tuple[Playbook, ...] = PLAYBOOKS, services: Inventory = SERVICES, **mitigation: object
) -> Knowledge:
    settings = known(mitigation={"acting": True} | mitigation).settings
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

    def ledger(self) -> list[str]:
        return [row["kind"] for row in rows(self.engine, "SELECT kind FROM ledger ORDER BY id")]

    def stored(self, incident_id: int) -> dict[str, Any]:
        found = one_incident(self.engine, incident_id)
        assert found is not None
        return found

    @property
    def calls(self) -> list[str]:
        return [call for call, _ in self.executor.calls]
