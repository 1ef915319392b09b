"""`sre peek` reads a real topic, leaves no trace there, and proposes names that it tried."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka.admin import AdminClient

from adapters.kafka.look_back import fair_shares
from adapters.kafka.producer import LogProducer, Outgoing
from adapters.located_yaml import read_yaml
from console.main import cli
from deployments.kafka_server import KafkaServer
from domain.kafka_settings import KafkaSettings
from tests.parts.kafka_part import Topic
from tests.parts.logs_part import a_log


@pytest.fixture
def topic(kafka: KafkaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Topic:
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    found = Topic(kafka.bootstrap_servers, partitions=2, name=f"peek-{uuid.uuid4().hex[:8]}")
    monkeypatch.setenv("SRE_KAFKA__BOOTSTRAP_SERVERS", kafka.bootstrap_servers)
    monkeypatch.setenv("SRE_KAFKA__TOPIC", found.name)
    return found


def send(topic: Topic, values: Iterable[bytes | None]) -> None:
    producer = LogProducer(KafkaSettings(bootstrap_servers=topic.servers))
    producer.send(topic.name, [Outgoing(value, key=str(n).encode()) for n, value in enumerate(values)])
    producer.flush()


def foreign(number: int) -> bytes:
    at = datetime.now(UTC) - timedelta(seconds=60 - number)
    document = {"ts": at.timestamp(), "app": "shop", "lvl": "error", "msg": f"order {number} failed", "m": {"cpu": 7.5}}
    return json.dumps(document).encode()


def sre(*arguments: str) -> Result:
    done = CliRunner().invoke(cli, arguments)
    assert 0 == done.exit_code, done.output or done.exception
    return done


def told(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sre("peek", "--json", *arguments).stdout)
    return found


@pytest.mark.slow
def test_what_is_read_and_what_is_not_and_why(topic: Topic) -> None:
    now = datetime.now(UTC)
    good = [a_log(timestamp=(now - timedelta(seconds=3)).isoformat(), metrics={"cpu_usage": n}) for n in range(8)]
    send(topic, [*good, b"ERROR disk full", b"[1]", b'{"timestamp": "now", "service": "web"}'])
    found = told()
    assert (11, 9, {"native": 8, "plain": 1}) == (found["messages"], found["read"], found["formats"])
    assert {"web": 8, topic.name: 1} == found["services"]
    assert {"ERROR": 1, "INFO": 8} == found["levels"]
    assert {"logs": 8, "least": 0.0, "most": 7.0} == found["metrics"]["cpu_usage"]
    assert found["lag_seconds"]["median"] > 2.9
    assert 2 == sum(fault["messages"] for fault in found["faults"])
    shown = sre("peek").stdout
    assert "11 messages looked at, 9 read as 9 logs, 2 not; nothing was committed" in shown
    assert "cannot be read: 1 message, not a JSON object but list" in shown
    assert "metric cpu_usage: 0 % to 7 %" in shown


@pytest.mark.slow
def test_names_are_proposed_as_yaml_that_makes_the_messages_readable(
    topic: Topic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(topic, [foreign(number) for number in range(20)])
    shown = sre("peek").stdout
    assert "With these lines in your settings 20 of 20 messages are read, instead of 0:" in shown
    (tmp_path / "sre.yaml").write_text(shown[shown.index("kafka:\n") :])
    fields = {"timestamp": "ts", "service": "app", "level": "lvl", "message": "msg", "metrics": "m"}
    assert {"kafka": {"fields": fields}} == read_yaml((tmp_path / "sre.yaml").read_text()).value
    monkeypatch.setenv("SRE_CONFIG_FILE", str(tmp_path / "sre.yaml"))
    found = told()
    assert (20, {"mapped": 20}, {"shop": 20}) == (found["read"], found["formats"], found["services"])
    assert found["proposal"] is None


@pytest.mark.slow
def test_only_the_newest_are_read_and_nothing_is_left_behind(topic: Topic) -> None:
    send(topic, [a_log(message=str(number)) for number in range(100)])
    assert 10 == told("--messages", "10")["messages"]
    groups = AdminClient({"bootstrap.servers": topic.servers}).list_consumer_groups().result(10).valid
    assert [] == [group.group_id for group in groups if group.group_id.startswith("sre-look-back")]


@pytest.mark.slow
def test_an_empty_topic_says_so(topic: Topic) -> None:
    assert f"topic {topic.name} holds no message; nothing was committed\n" == sre("peek").stdout


@pytest.mark.slow
def test_a_topic_that_is_not_there_names_what_to_set(topic: Topic) -> None:
    error = CliRunner().invoke(cli, ["peek", "--topic", "never-made"]).exception
    assert "topic never-made does not exist; `kafka.topic` or `--topic` names it" in str(error)


def test_without_a_cluster_it_says_how_to_name_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    assert "`sre init` writes settings with your brokers" in str(CliRunner().invoke(cli, ["peek"]).exception)


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        pytest.param({0: 100, 1: 100}, {0: 5, 1: 5}, id="alike"),
        pytest.param({0: 100, 1: 2, 2: 0}, {0: 8, 1: 2, 2: 0}, id="what one lacks the others give"),
        pytest.param({0: 1, 1: 1}, {0: 1, 1: 1}, id="all of few"),
        pytest.param({}, {}, id="none"),
    ],
)
def test_partitions_give_their_fair_share(held: dict[int, int], expected: dict[int, int]) -> None:
    assert expected == fair_shares(held, 10)
