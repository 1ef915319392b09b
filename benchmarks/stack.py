"""The deployed agent for a benchmark: real Kafka, embedded PostgreSQL, Prefect and MLflow, in a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psutil
import sqlalchemy as sa
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # it is exported

from adapters import parts_file
from adapters.kafka.producer import LogProducer, Outgoing
from adapters.settings_files import load
from adapters.store.log_look_ups import log_totals
from adapters.store.opening import open_database
from deployments import kafka_server, ours, prefect_api, programs
from domain.settings import Settings

PARTITIONS = 4
PATIENCE_SECONDS = 300


class Stack:
    """A home with everything in it; `sre` runs the project's own command there."""

    def __init__(self, home: Path, bootstrap_servers: str, topic: str, extra: Mapping[str, str]) -> None:
        self.home = home
        self.topic = topic
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("SRE_", "PREFECT_", "MLFLOW_"))
        }
        self.environ = kept | {
            "SRE_HOME": str(home),
            "SRE_KAFKA__BOOTSTRAP_SERVERS": bootstrap_servers,
            "SRE_KAFKA__TOPIC": topic,
            "SRE_KAFKA__START": "earliest",
            "SRE_LOG_LEVEL": "DEBUG",
            "SRE_LOGGING__FILE": str(home / "agent.log"),
            # Whoever counts logs must not find a known fault of the agent's own among them.
            "SRE_CANARY__ENABLED": "false",
            **extra,
        }

    def sre(self, *arguments: str, check: bool = True) -> str:
        """Run one `sre` command and give its output."""
        call = [sys.executable, "-c", "from console.main import main; main()", *arguments]
        done = subprocess.run(
            call, env=self.environ, cwd=parts_file.PROJECT, capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            raise SystemExit(f"sre {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    @property
    def api_url(self) -> str:
        """Prefect's API."""
        return str(parts_file.read(self.home).prefect["api_url"])

    def hold(self, *pools: str, back: bool) -> None:
        """Keep the next long-lived runs of these pools from beginning, or let them begin."""
        with prefect_api.connect(self.api_url) as api:
            for pool in pools:
                api.pause_queue(pool, programs.QUEUE, paused=back)

    def supervisorctl(self, *arguments: str) -> None:
        """Tell the stack's supervisord to start or stop a part."""
        call = [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "supervisor.supervisorctl",
            "-c",
            str(self.home / "supervisord.conf"),
        ]
        subprocess.run([*call, *arguments], cwd=parts_file.PROJECT, capture_output=True, check=False)

    @property
    def settings(self) -> Settings:
        """What the deployed flows see."""
        return load(environ=self.environ, home=self.home).settings

    def engine(self) -> sa.Engine:
        """The agent's database."""
        settings = self.settings
        return open_database(settings.store.url.get_secret_value(), settings.encryption, settings.store.files)

    def prefect(self, *arguments: str) -> str:
        """Run one `prefect` command against the stack's server."""
        environ = self.environ | {"PREFECT_API_URL": self.api_url}
        call = [sys.executable, "-m", "prefect", *arguments]
        return subprocess.run(
            call, env=environ, cwd=parts_file.PROJECT, capture_output=True, text=True, check=True
        ).stdout

    def events(self, name: str) -> list[dict[str, Any]]:
        """The agent's own log entries of one name."""
        found = []
        for file in sorted(self.home.glob("agent.log*")):
            for line in file.read_text().splitlines():
                entry = json.loads(line)
                if name in entry.values():
                    found.append(entry)
        return found


@contextmanager
def running(name: str, *options: str, extra: Mapping[str, str] = MappingProxyType({})) -> Iterator[Stack]:
    """A stack that is up; it is taken down at the end, and Kafka with it."""
    home = parts_file.PROJECT / ".sre" / "bench" / f"{name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    home.mkdir(parents=True)
    kafka = kafka_server.start(home / "kafka")
    stack = Stack(home, kafka.bootstrap_servers, f"bench-{name}", extra)
    try:
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
        for created in admin.create_topics([NewTopic(stack.topic, PARTITIONS)]).values():
            created.result(30)
        stack.sre("up", *options)
        yield stack
    finally:
        stack.sre("down")
        kafka_server.stop(home / "kafka")


def wait_until(question: Callable[[], bool], what: str, *, seconds: float = PATIENCE_SECONDS) -> None:
    """Ask until it holds; give up after so long."""
    deadline = time.monotonic() + seconds
    while not question():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(0.5)


def watching(stack: Stack) -> list[psutil.Process]:
    """The processes of the runs of `watch`."""
    return [
        process
        for processes in ours.run_processes(stack.home).values()
        for process in processes
        if ours.environment(process).get("SRE_PART", "").startswith("worker-watch")
    ]


def stored(engine: sa.Engine) -> int:
    """Logs in the store, wherever they are."""
    return log_totals(engine)["logs"]


def send(settings: Settings, logs: Iterable[tuple[bytes, bytes]]) -> int:
    """Send (key, value) pairs and wait until all are acknowledged; how many."""
    producer = LogProducer(settings.kafka)
    held: list[Outgoing] = []
    for key, value in logs:
        held.append(Outgoing(value, key))
        if len(held) == 10_000:  # noqa: PLR2004 - so that the list stays small
            producer.send(settings.kafka.topic, held)
            held = []
    producer.send(settings.kafka.topic, held)
    producer.flush()
    return producer.acknowledged


def train(stack: Stack) -> int:
    """Run the deployment `retrain` and wait for its champion; the champion's version."""
    stack.prefect("deployment", "run", "retrain/retrain")
    taken: list[dict[str, Any]] = []

    def taken_up() -> bool:
        taken[:] = stack.events("champion.taken-up")
        return bool(taken)

    wait_until(taken_up, "a champion")
    return int(taken[-1]["version"])
