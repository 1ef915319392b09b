"""The deployed agent for a benchmark: real Kafka, embedded PostgreSQL, Prefect and MLflow, in a home of its own."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psutil
import sqlalchemy as sa
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # it is exported

from adapters import parts_file
from adapters.kafka.producer import LogProducer, Outgoing
from adapters.settings_files import load
from adapters.store.database import connect
from deployments import kafka_server, prefect_api, registration
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
                api.pause_queue(pool, registration.QUEUE, paused=back)

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
        return connect(self.settings.store.url.get_secret_value())

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


def wait_until(question: Callable[[], bool], what: str) -> None:
    """Ask until it holds; give up after five minutes."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not question():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} did not happen within {PATIENCE_SECONDS} s")
        time.sleep(0.5)


def stored(engine: sa.Engine) -> int:
    """Rows in `logs`."""
    with engine.begin() as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM logs")).scalar_one())


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


def machine() -> dict[str, object]:
    """Where this was measured."""
    commit = subprocess.run(
        [shutil.which("git") or "git", "rev-parse", "--short", "HEAD"],
        cwd=parts_file.PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    packages = ("prefect", "confluent-kafka", "pyarrow", "pandas", "great-expectations", "psycopg", "scikit-learn")
    return {
        "cpu": platform.processor() or platform.machine(),
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
        "commit": commit.stdout.strip(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
