"""The embedded broker keeps its address over a restart, so that clients find it again by themselves."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

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


def test_a_client_survives_a_restart_of_the_broker() -> None:
    """What the broker held is gone; its address is not."""
    port = unused()
    producer = Producer({"bootstrap.servers": f"127.0.0.1:{port}", "log_level": 0})
    for value in (b"before", b"after"):
        with broker(port):
            producer.produce("logs", value, partition=0)
            assert producer.flush(SECONDS) == 0
            assert first_value(port) == value


def first_value(port: int) -> bytes:
    """The oldest message that the broker holds."""
    consumer = Consumer({"bootstrap.servers": f"127.0.0.1:{port}", "group.id": "test"})
    consumer.assign([TopicPartition("logs", 0, OFFSET_BEGINNING)])
    try:
        message = consumer.poll(SECONDS)
        assert message is not None
        return bytes(message.value())
    finally:
        consumer.close()


def test_it_says_what_it_is_not_and_ends_when_told() -> None:
    with broker(unused()) as process:
        assert process.stdout is not None
        assert LIMITS in process.stdout.readline()
        process.terminate()
        assert process.wait(SECONDS) == 0
