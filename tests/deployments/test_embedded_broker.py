"""The embedded broker keeps its address over a restart, so that clients find it again by themselves."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Consumer, Producer

from adapters.kafka.embedded import LIMITS, answers
from adapters.parts_file import PROJECT
from deployments.ports import unused

SECONDS = 30


@contextmanager
def broker(port: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "adapters.kafka.embedded", "--port", str(port)]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + SECONDS
        while problem := answers({"bootstrap.servers": f"127.0.0.1:{port}"}):
            assert time.monotonic() < deadline, problem
        yield process
    finally:
        process.kill()
        process.wait(SECONDS)
        assert process.stdout is not None
        process.stdout.close()


def test_clients_survive_a_restart_of_the_broker() -> None:
    port = unused()
    servers = {"bootstrap.servers": f"127.0.0.1:{port}", "log_level": 0}
    producer = Producer(servers)
    consumer = Consumer({**servers, "group.id": "test", "auto.offset.reset": "earliest"})
    consumer.subscribe(["logs"])
    try:
        for value in (b"before", b"after"):
            with broker(port):
                producer.produce("logs", value)
                assert producer.flush(SECONDS) == 0
                assert next_value(consumer) == value
    finally:
        consumer.close()


def next_value(consumer: Consumer) -> bytes:
    """The next message; while the broker is away the client reports errors instead."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        message = consumer.poll(1)
        if message is not None and message.error() is None:
            return bytes(message.value())
    raise AssertionError(f"no message within {SECONDS} s")


def test_it_says_what_it_is_not_and_ends_when_told() -> None:
    with broker(unused()) as process:
        assert process.stdout is not None
        assert LIMITS in process.stdout.readline()
        process.terminate()
        assert process.wait(SECONDS) == 0
