"""N1: what was sent right after `sre up` was acknowledged and never stored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import Producer

from adapters.kafka.cluster import Cluster
from adapters.kafka.edges import topic_edges
from adapters.kafka.producer import LogProducer, Outgoing
from adapters.store.database import Engine
from adapters.store.intake import READING, intake
from adapters.store.positions import read_positions, topic_number
from adapters.store.switches import report_condition
from deployments.ports import unused
from deployments.reading import is_shared, settle, wait_for_watch
from domain.errors import Refused, Unavailable
from domain.kafka_settings import KafkaSettings, Start
from domain.settings import Settings, StoreSettings
from tests.parts.judged_part import Feed
from tests.parts.logs_part import a_log

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    cluster = Producer({"test.mock.num.brokers": 1, "log_level": 3})
    (address,) = cluster.list_topics(timeout=10).brokers.values()
    yield f"{address.host}:{address.port}"
    del cluster  # the broker lives as long as this producer


def topic(broker: str, name: str, start: Start = Start.LATEST) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=broker, topic=name, start=start)


def settled(store: Engine, kafka: KafkaSettings, identity: str = "one") -> dict[int, int]:
    settle(store, kafka, lambda: identity, now=NOW)
    number, _ = topic_number(store, kafka.topic, identity, now=NOW)
    found = read_positions(store, [(number, partition) for partition in range(100)])
    return {partition: offset for (_, partition), offset in found.items()}


def sent(kafka: KafkaSettings, logs: int) -> dict[int, int]:
    """Partition -> how many it holds."""
    producer = LogProducer(kafka)
    producer.send(kafka.topic, [Outgoing(b"log", str(number).encode()) for number in range(logs)])
    producer.flush()
    return {partition: next_one for partition, (_, next_one) in topic_edges(kafka).items()}


@pytest.mark.parametrize("start", list(Start))
def test_a_topic_begins_where_the_settings_say_before_anything_is_sent(
    start: Start, store: Engine, broker: str, request: pytest.FixtureRequest
) -> None:
    kafka = topic(broker, f"begins-{request.node.callspec.id}", start)
    before = sent(kafka, 20)
    assert 20 == sum(before.values())
    expected = before if start is Start.LATEST else dict.fromkeys(before, 0)
    assert expected == settled(store, kafka)
    sent(kafka, 20)
    assert expected == settled(store, kafka)  # a second `sre up` moves nothing


def test_a_missing_topic_is_made_and_read_whole(
    sqlite_url: str, store: Engine, broker: str, request: pytest.FixtureRequest
) -> None:
    found = settled(store, topic(broker, f"missing-{request.node.callspec.id}"))
    assert found
    assert {0} == set(found.values())


def test_another_incarnation_is_left_to_watch_who_tells_of_it(
    store: Engine, broker: str, request: pytest.FixtureRequest
) -> None:
    kafka = topic(broker, f"again-{request.node.callspec.id}")
    settled(store, kafka)
    settle(store, kafka, lambda: "two", now=NOW)
    assert ("one",) == intake(store, kafka.topic, since=NOW).incarnations


def test_n4_a_broker_that_is_not_there_says_nothing_about_topics() -> None:
    """N4: the log said "topic does not exist" though the broker was not there."""
    nowhere = topic(f"127.0.0.1:{unused()}", "logs")
    with pytest.raises(Unavailable) as found:
        Cluster(nowhere).make_if_missing()
    assert "does not exist" not in str(found.value)
    assert nowhere.bootstrap_servers in str(found.value)
    with pytest.raises(Unavailable, match="is the cluster reachable"):
        topic_edges(nowhere, 1)


def test_a_topic_that_is_not_there_is_named(broker: str) -> None:
    with pytest.raises(Refused, match="topic nobody-made-it does not exist"):
        topic_edges(topic(broker, "nobody-made-it"))


def test_up_waits_for_what_watch_says_since_then(store: Engine, store_url: str) -> None:
    tree = Settings(store=StoreSettings(url=store_url))
    for at, said in ((NOW, "system-logs: partitions 0"), (NOW + timedelta(seconds=2), "system-logs: partitions 0, 1")):
        report_condition(store, READING, seen_by="watch", healthy=True, detail=said, now=at)
    assert "system-logs: partitions 0, 1" == wait_for_watch(tree, since=NOW + timedelta(seconds=1))
    with pytest.raises(Unavailable, match="no partition of system-logs"):
        wait_for_watch(tree, since=NOW + timedelta(seconds=3), seconds=0)


@pytest.mark.parametrize(
    ("shares", "count", "done"),
    [
        pytest.param({"watch": {0, 1, 2, 3}}, 2, False, id="the second has nothing yet"),
        pytest.param({"watch": {0, 1}, "watch-2": {2}}, 2, False, id="nobody reads the last partition"),
        pytest.param({"watch": {0, 1}, "watch-2": {2, 3}}, 2, True, id="shared"),
        pytest.param({"watch": {0, 1}, "watch-2": {2, 3}}, 1, False, id="the second is still there"),
        pytest.param({f"watch-{n}": {n - 2} for n in range(2, 6)}, 6, True, id="more members than partitions"),
        pytest.param({}, 1, False, id="nobody reads"),
    ],
)
def test_when_the_members_have_shared_the_partitions(shares: dict[str, set[int]], count: int, *, done: bool) -> None:
    found = {name: frozenset(numbers) for name, numbers in shares.items()}
    assert done is is_shared(found, count, frozenset(range(4)))


def test_the_intake_is_counted_since_a_moment(store: Engine) -> None:
    feed = Feed(store)
    feed.take(a_log(), now=NOW - timedelta(minutes=2))
    feed.take(a_log(), b"unreadable", now=NOW)
    found = intake(store, "logs", since=NOW - timedelta(minutes=1))
    assert ({0: 3}, 1, 1, NOW) == (found.offsets, found.logs, found.rejected, found.last_at)
    assert intake(store, "others", since=NOW).last_at is None
