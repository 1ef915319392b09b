"""What was decided around an incident: actions, plans that are offered, pages and who gets them; for comparisons."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.store.database import Engine
from benchmarks.evals.scripted import Recorded, Server
from domain.plans import Risk
from tasks.delivering import run
from tasks.paging import Pager
from tests.contracts.fakes import RecordingChannel, RecordingExecutor
from tests.parts.analyst_part import UNKNOWN, Desk, llm
from tests.parts.answering_part import SERVICES, World, acting, calling, risky
from tests.parts.judged_part import rows
from tests.parts.logs_part import a_log
from tests.parts.roster_part import FixedRoster

BLOCK = re.compile(r"<data>\n(.*?)\n</data>", re.DOTALL)
# Of each table, what is a decision; nothing that quotes.
DECIDED = {
    "pages": "SELECT incident_id, reason, severity, state, created_at, due_at, muted_by FROM pages ORDER BY id",
    "deliveries": (
        "SELECT page_id, incident_id, step, person, channel, receiver, state, why, sent_at FROM deliveries ORDER BY id"
    ),
    "incidents": "SELECT id, service, kind, state, severity, route, playbook, episode FROM incidents ORDER BY id",
    "actions": "SELECT incident_id, kind, target, state, outcome FROM actions ORDER BY id",
    "steps": "SELECT incident_id, waits_for, due_at, until FROM steps ORDER BY incident_id",
    "options": "SELECT incident_id, options FROM analyses ORDER BY id",
}


@dataclass
class Scene:
    """An analyst, a pager and an executor over one store."""

    desk: Desk

    @property
    def world(self) -> World:
        return self.desk.world

    def beside(self, texts: Iterable[str], level: str) -> None:
        """Logs of a service of the incident, one second before it."""
        stamp = self.world.now.isoformat()
        logs = [a_log(level=level, message=text, timestamp=stamp, request_id=None) for text in texts]
        self.world.feed.take(*logs, now=self.world.now)

    def page(self) -> None:
        """Deliver what is due."""
        world = self.world
        pager = Pager(
            world.knowledge.settings,
            world.engine,
            world.knowledge.inventory,
            lambda: world.now,
            RecordingChannel(),
            rosters=FixedRoster(),
        )
        run(pager, f"{world.now}")

    def settle(self) -> None:
        """Answer, page, look into it, and tell of it."""
        self.world.run()
        self.page()
        self.world.forward(20)
        self.world.run()
        self.page()
        self.desk.work()
        self.page()

    def decided(self) -> dict[str, Any]:
        found: dict[str, Any] = {name: rows(self.world.engine, query) for name, query in DECIDED.items()}
        found["options"] = [(row["incident_id"], as_document(row["options"])) for row in found["options"]]
        return found | {"calls": self.world.calls}


def as_document(stored: Any) -> Any:
    """A column of JSON, which raw SQL over SQLite gives as text."""
    return json.loads(stored) if isinstance(stored, str) else stored


def single(scene: Scene) -> None:
    """One uncommon fault."""
    scene.world.fault(UNKNOWN)


def cascade(scene: Scene) -> None:
    """A fault of the database, and whoever waits for it."""
    scene.world.fault("page checksums do not add up: failed to read relation 16384", service="db")
    scene.world.forward(2)
    scene.world.fault("gave up: no response from db after 3 tries", service="api")


def storm(scene: Scene) -> None:
    """Two dozen different faults of one service at once."""
    for letter in "abcdefghijklmnopqrstuvwx":
        scene.world._send(3, service="web", message=f"module {letter * 4} failed")


def approval(scene: Scene) -> None:
    """A plan that waits for a person's word, and an uncommon fault elsewhere."""
    scene.world.fault(service="db")
    scene.world.forward(1)
    scene.world.fault(UNKNOWN)


def repaired(scene: Scene) -> None:
    """A common fault that is repaired, and an uncommon one elsewhere."""
    scene.world.fault(service="api")
    scene.world.forward(1)
    scene.world.fault(UNKNOWN)


def offered(scene: Scene) -> None:
    """An uncommon fault that playbooks answer: plans are offered for it."""
    scene.world.fault("the kernel restarted workers that grew: failed job, nothing left of memory", service="api")


def again(scene: Scene) -> None:
    """The same fault twice: the second analysis is the first one's."""
    scene.world.fault(UNKNOWN, service="api")
    scene.settle()
    scene.world.forward(1_200)
    scene.world.fault(UNKNOWN, service="api")


SCENARIOS: dict[str, Callable[[Scene], None]] = {
    scenario.__name__: scenario for scenario in (single, cascade, storm, approval, repaired, offered, again)
}


def play(engine: Engine, server: Server, scenario: Callable[[Scene], None], texts: Sequence[str], level: str) -> Scene:
    """A scenario with these logs beside it, to its end."""
    playbooks = risky(Risk.HIGH, "connection-pool-exhausted") if scenario is approval else None
    services = calling(SERVICES, "api", "db")
    knowledge = acting(services=services, **({"playbooks": playbooks} if playbooks else {}))
    executor = RecordingExecutor({"web": 3, "db": 1, "api": 1})
    scene = Scene(Desk(World(engine, knowledge=knowledge, executor=executor), llm(server, incident={"calls": 4})))
    scene.world.traffic(30)
    scene.world.forward(1)
    scene.beside(texts, level)
    scene.world.forward(1)
    scenario(scene)
    scene.settle()
    return scene


def messages(recorded: Iterable[Recorded]) -> list[dict[str, Any]]:
    """Every message that was sent."""
    return [message for one in recorded for message in one.body["messages"]]


def blocks(text: str) -> list[Any]:
    """What stands between the marks, read as JSON."""
    return [json.loads(block) for block in BLOCK.findall(text)]
