"""Apache Kafka from Maven's jars: takes what a cluster takes, and says what is missing where it cannot run."""

from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer

from deployments import kafka_server
from deployments.kafka_server import KafkaServer
from domain.errors import Unavailable


@pytest.mark.slow
@pytest.mark.kafka
def test_a_log_longer_than_we_take_still_reaches_us(real_kafka: KafkaServer) -> None:
    """So that it can be told apart and put among the dead letters."""
    servers = {"bootstrap.servers": real_kafka.bootstrap_servers}
    failed: list[object] = []
    producer = Producer({**servers, "message.max.bytes": 4_000_000})
    producer.produce("long", b"x" * 2_000_000, on_delivery=lambda error, _: failed.append(error) if error else None)
    assert producer.flush(30) == 0
    assert not failed
    consumer = Consumer({**servers, "group.id": "test", "auto.offset.reset": "earliest"})
    consumer.subscribe(["long"])
    try:
        message = consumer.poll(30)
        assert message is not None
        assert len(message.value()) == 2_000_000
    finally:
        consumer.close()


@pytest.mark.slow
@pytest.mark.kafka
def test_starting_twice_is_one_server_and_stopping_ends_it(real_kafka: KafkaServer) -> None:
    assert kafka_server.start(real_kafka.folder) == real_kafka
    assert kafka_server.running(real_kafka.folder) == real_kafka
    assert real_kafka.process is not None


def test_nothing_runs_in_an_empty_folder(tmp_path: Path) -> None:
    assert kafka_server.running(tmp_path) is None
    assert kafka_server.stop(tmp_path) is False


def test_a_pid_that_is_anothers_by_now_is_not_kafka(tmp_path: Path) -> None:
    (tmp_path / "server.json").write_text(
        f'{{"folder": "{tmp_path}", "bootstrap_servers": "127.0.0.1:1", "pid": 1, "started": 1.0}}'
    )
    assert kafka_server.running(tmp_path) is None
    assert kafka_server.stop(tmp_path) is False


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param("", "Java 17 or newer, and there is none", id="no-java"),
        pytest.param("echo 'openjdk version \"11.0.2\"' >&2", "is openjdk version", id="old-java"),
    ],
)
def test_without_java_it_says_so_and_names_the_alternatives(
    script: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    if script:
        (tmp_path / "java").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "java").chmod(0o755)
    with pytest.raises(Unavailable, match=expected) as error:
        kafka_server.java()
    assert "SRE_KAFKA__BOOTSTRAP_SERVERS" in str(error.value)
