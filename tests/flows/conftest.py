"""The deployed agent on real Kafka, under steady traffic."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import psutil
import pytest
import sqlalchemy as sa

from adapters.kafka.producer import LogProducer, Outgoing
from adapters.parts_file import PROJECT, read
from adapters.store.database import transaction
from adapters.store.log_look_ups import stored_positions
from adapters.store.look_ups import list_incidents, one_incident
from adapters.store.tables.running import conditions
from adapters.store.watch_signs import readers, signs
from benchmarks.evals.minds import honest
from benchmarks.evals.scripted import Server, serve
from benchmarks.stack import Stack, running
from deployments import supervised
from deployments.intake_report import Seen
from deployments.layout import Home
from deployments.prefect_api import PrefectApi, connect
from deployments.report import runs
from domain.incidents import State
from domain.kafka_settings import KafkaSettings

# Most promises are a matter of seconds on an idle machine; a test on a busy one decides by whether it happens.
PATIENCE_SECONDS = 240
RATE = 100
SECRET = "a-password-nobody-else-has"
SECRETS = {"SRE_PAGING__EMAIL__PASSWORD": SECRET, "SRE_LLM__API_KEY": SECRET}


def asking(model: Server) -> dict[str, str]:
    """Settings by which a model on this machine is asked, whatever key is set."""
    return {"SRE_LLM__BASE_URL": model.url, "SRE_LLM__MODEL": "scripted"}


class Traffic:
    """Sends logs at a steady rate until it is stopped, and counts them."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self.kafka = kafka
        self.producer = LogProducer(kafka)
        self.sent = 0
        self.extra: list[Outgoing] = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._send, daemon=True)
        self.thread.start()

    def _send(self) -> None:
        while not self.over.wait(10 / RATE):
            logs = [log(f"service-{number}", f"request {self.sent + number} done") for number in range(10)]
            extra, self.extra = self.extra, []
            self.producer.send(self.kafka.topic, [*logs, *extra])
            self.sent += len(logs) + len(extra)

    def say(self, *logs: Outgoing) -> None:
        self.extra = [*self.extra, *logs]

    def stop(self) -> int:
        self.over.set()
        self.thread.join()
        self.producer.flush()
        return self.sent


def log(service: str, message: str, level: str = "INFO") -> Outgoing:
    value = {
        "timestamp": datetime.now(UTC).isoformat(),
        "service": service,
        "level": level,
        "message": message,
        "request_id": f"{service}-{time.monotonic_ns()}",
        "metrics": {"cpu_usage": 40.0},
    }
    return Outgoing(orjson.dumps(value), service.encode())


def until(question: Callable[[], object], what: str) -> object:
    """What the question gives as soon as that is something."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := question()):
        assert time.monotonic() < deadline, f"{what} did not happen within {PATIENCE_SECONDS} s"
        time.sleep(0.3)
    return found


class Deployed:
    """The stack, as the tests ask it."""

    def __init__(self, stack: Stack, model: Server) -> None:
        self.stack = stack
        self.model = model  # that is asked about uncommon incidents
        self.home = Home(stack.home, PROJECT)
        self.engine = stack.engine()

    def pid(self, part: str) -> int:
        """Pid of a program, or of a run as `sre status` shows it; 0 while it has none."""
        if program := supervised.processes(self.home).get(part):
            return program.pid
        return next((row.pid for row in runs(read(self.home.folder), Seen()) if row.part == part), 0)

    def batches(self) -> list[dict[str, object]]:
        return self.stack.events("batch.committed")

    def committed_after(self, moment: datetime) -> bool:
        return any(datetime.fromisoformat(str(batch["time"])) > moment for batch in self.batches()[-50:])

    def down(self) -> set[str]:
        """What the agent's parts see as down."""
        with transaction(self.engine) as connection:
            return set(connection.scalars(sa.select(conditions.c.part).where(~conditions.c.healthy)))

    def positions(self) -> list[tuple[int, int]]:
        return stored_positions(self.engine, self.stack.topic)

    def shares(self) -> dict[str, frozenset[int]]:
        """Which partitions each member of `watch` lately said it has."""
        return readers(self.engine, self.stack.topic, since=datetime.now(UTC) - timedelta(seconds=15))

    def next_offsets(self, partitions: Iterable[int]) -> dict[int, int]:
        stored = signs(self.engine, self.stack.topic).stored
        return {number: stored[number] for number in partitions}

    def answered(self, service: str) -> dict[str, Any] | None:
        """The service's incident, once a human has it and its page was sent."""
        found = [
            row["id"] for row in list_incidents(self.engine, only_open=True, limit=50) if row["service"] == service
        ]
        whole = one_incident(self.engine, found[0]) if found else None
        sent = whole and whole["pages"] and all(page["state"] == "sent" for page in whole["pages"])
        return whole if sent and whole["state"] == State.ESCALATED else None

    def analysed(self, service: str) -> dict[str, Any] | None:
        """The service's incident, once somebody has the news of its analysis."""
        found = self.answered(service)
        told = found and any(page["reason"] == "analysed" for page in found["pages"])
        return found if told else None

    def supervisor(self, *arguments: str) -> None:
        self.stack.supervisorctl(*arguments)

    def prefect(self) -> Iterator[PrefectApi]:
        return connect(self.stack.api_url)

    def mails(self) -> list[bytes]:
        return [file.read_bytes() for file in sorted((self.stack.home / "mails").glob("*.eml"))]


def missing_tools() -> str:
    return ", ".join(tool for tool in ("java", "mvn") if not shutil.which(tool))


def deployed_agent(**extra: str) -> Iterator[Deployed]:
    """The agent with settings as variables beside the usual ones."""
    if tools := missing_tools():
        reason = f"real Kafka needs {tools}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    with serve(honest) as model, running("outages", "--sink", extra=SECRETS | asking(model) | extra) as stack:
        found = Deployed(stack, model)
        yield found
        found.engine.dispose()


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    yield from deployed_agent()


@pytest.fixture
def traffic(deployed: Deployed) -> Iterator[Traffic]:
    found = Traffic(deployed.stack.settings.kafka)
    yield found
    found.stop()


def kill(pid: int) -> None:
    """SIGKILL to one process."""
    psutil.Process(pid).kill()
