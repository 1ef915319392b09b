"""A shop that really runs, with its logs, for the tests of one file."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from confluent_kafka import Consumer, Producer

from adapters.executing import Given
from adapters.executors import EXECUTORS
from deployments.shop import layout, running
from domain.execution import Order
from domain.parameters import Restart
from domain.plans import Action, ActionKind, Risk, Undo
from domain.settings import MitigationSettings, Settings
from tests.contracts.supervisord_part import poll

TOPIC = "system-logs"


class Logs:
    """Everything the shop wrote so far, with the Kafka keys."""

    def __init__(self, bootstrap: str) -> None:
        self.rows: list[dict] = []
        self.keys: list[str] = []
        self.stopped = threading.Event()
        settings = {"bootstrap.servers": bootstrap, "group.id": "test", "auto.offset.reset": "earliest"}
        self.consumer = Consumer(settings)
        self.consumer.subscribe([TOPIC])
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self) -> None:
        while not self.stopped.is_set():
            for each in self.consumer.consume(1000, 0.1):
                if each.error() is None:
                    self.rows.append(json.loads(each.value()))
                    self.keys.append(each.key().decode())
        self.consumer.close()

    def mark(self) -> int:
        return len(self.rows)

    def since(self, mark: int, **fields: object) -> list[dict]:
        """Logs after the mark whose fields have these values."""
        return [row for row in self.rows[mark:] if fields.items() <= row.items()]

    def latest(self, service: str, metric: str) -> float:
        """The last value of a metric that every log carries."""
        return float(self.since(0, service=service)[-1]["metrics"][metric])

    def stop(self) -> None:
        self.stopped.set()
        self.thread.join()


class RunningShop:
    """The shop, its logs, and an executor on its supervisord."""

    def __init__(self, home: Path, bootstrap: str, logs: Logs) -> None:
        self.home = home
        self.bootstrap = bootstrap
        self.logs = logs
        self.start()

    def start(self) -> None:
        self.layout = running.up(self.home, bootstrap=self.bootstrap, topic=TOPIC, rate=20)
        acting = MitigationSettings(supervisord_url=self.layout.supervisord)
        self.executor = EXECUTORS["supervisord"](Given(Settings(mitigation=acting)))

    def pids(self, service: str) -> tuple[int, ...]:
        return self.executor.snapshot(service).pids

    def restart(self, service: str) -> None:
        self.executor.carry_out(Order(Action(ActionKind.RESTART, service, Risk.LOW, Undo.NONE, Restart())))

    def order(self) -> tuple[int, float]:
        """Status of an order (0 when there is no answer), and the seconds it took."""
        started = time.monotonic()
        connection = HTTPConnection("127.0.0.1", self.layout.ports["gateway"], timeout=10)
        try:
            connection.request("POST", "/orders")
            status = connection.getresponse().status
        except (OSError, HTTPException):
            status = 0
        finally:
            connection.close()
        return status, time.monotonic() - started

    def errors_since(self, mark: int, service: str) -> list[str]:
        return [row["message"] for row in self.logs.since(mark, service=service, level="ERROR")]

    def recovered(self, service: str) -> bool:
        """Whether the next ten logs of the service are free of trouble."""
        mark = self.logs.mark()
        poll(lambda: len(self.logs.since(mark, service=service)) >= 10)
        return {"INFO"} == {row["level"] for row in self.logs.since(mark, service=service)}


@contextmanager
def running_shop() -> Iterator[RunningShop]:
    """A shop on a broker of its own; everything ends with the block."""
    broker = Producer({"test.mock.num.brokers": 1, "log_level": 3})
    (address,) = broker.list_topics(timeout=10).brokers.values()
    bootstrap = f"{address.host}:{address.port}"
    with tempfile.TemporaryDirectory(prefix="shop") as folder:
        home = Path(folder)
        logs = Logs(bootstrap)
        try:
            yield RunningShop(home, bootstrap, logs)
        finally:
            running.down(home)
            logs.stop()
            assert layout.read(home) is not None
