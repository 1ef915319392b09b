"""On a real Kafka: a partition is said to be idle when there is nothing to read, and only then."""

from __future__ import annotations

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

from adapters.kafka import idle
from adapters.kafka.consumer import LogConsumer
from adapters.kafka.idle import Idleness
from deployments.kafka_server import KafkaServer
from domain.logs import Place, RawBatch
from tests.adapters.kafka.test_consumer import Kept, consuming, take
from tests.parts.kafka_part import SECONDS, Topic, until

FIRST, SECOND = (1, 0), (1, 1)
ON_KAFKA = [pytest.mark.slow, pytest.mark.kafka]


@pytest.fixture
def topic(kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch) -> Topic:
    monkeypatch.setattr(idle, "IDLE_SECONDS", 0.5)
    return Topic(kafka.bootstrap_servers, 2)


def said_idle(consumer: LogConsumer, kept: Kept, wanted: Place) -> RawBatch:
    """Read and save until that place is said to be idle; the batch that says so."""
    found: list[RawBatch] = []

    def read() -> bool:
        raw = consumer.read()
        kept.save(raw)
        found[:] = [raw]
        return wanted in raw.idle

    until(read, f"{wanted} being idle")
    return found[0]


def never_idle(consumer: LogConsumer, kept: Kept, place: Place, reads: int = 8) -> bool:
    for _ in range(reads):
        raw = consumer.read()
        kept.save(raw)
        if place in raw.idle:
            return False
    return True


def transaction(topic: Topic) -> Producer:
    producer = Producer({"bootstrap.servers": topic.servers, "transactional.id": topic.name})
    producer.init_transactions(SECONDS)
    return producer


@pytest.mark.slow
@pytest.mark.kafka
def test_a_partition_that_says_nothing_is_idle_while_the_other_one_goes_on(topic: Topic) -> None:
    kept = Kept()
    with consuming(topic.settings(), kept) as consumer:
        topic.send([b"a"])
        take(consumer, kept, 1)
        raw = said_idle(consumer, kept, SECOND)
        assert {SECOND: 0}.items() <= raw.expected.items()
        assert raw.expected[SECOND] == raw.following[SECOND]
        assert {FIRST, SECOND} == raw.ours
        topic.send([b"b"], partition=1)
        assert [b"b"] == take(consumer, kept, 1)
        assert {SECOND: 1}.items() <= said_idle(consumer, kept, SECOND).expected.items()


@pytest.mark.slow
@pytest.mark.kafka
def test_transactions_that_end_and_those_that_were_given_up_hide_no_end(topic: Topic) -> None:
    kept = Kept()
    producer = transaction(topic)
    for wanted in ("commit_transaction", "abort_transaction", "abort_transaction", "commit_transaction"):
        producer.begin_transaction()
        for value in (b"a", b"b", b"c"):
            producer.produce(topic.name, value, partition=0)
        producer.flush(SECONDS)
        getattr(producer, wanted)(SECONDS)
    producer.begin_transaction()
    producer.produce(topic.name, b"given up", partition=0)
    producer.flush(SECONDS)
    producer.abort_transaction(SECONDS)
    with consuming(topic.settings(), kept) as consumer:
        assert 6 == len(take(consumer, kept, 6))
        said_idle(consumer, kept, FIRST)
        producer.begin_transaction()
        producer.produce(topic.name, b"late", partition=0)
        producer.flush(SECONDS)
        assert never_idle(consumer, kept, FIRST), "an open transaction has written what is about to be read"
        producer.commit_transaction(SECONDS)
        assert [b"late"] == take(consumer, kept, 1)
        said_idle(consumer, kept, FIRST)


@pytest.mark.slow
@pytest.mark.kafka
def test_who_goes_back_is_not_at_the_end_before_it_was_read_again(topic: Topic) -> None:
    kept = Kept()
    with consuming(topic.settings(batch_rows=1), kept) as consumer:
        topic.send([b"a", b"b", b"c"])
        take(consumer, kept, 3)
        said_idle(consumer, kept, FIRST)
        kept.offsets[FIRST] = 1
        consumer.rewind()
        until(lambda: consumer.idleness.ends.get(FIRST) is None, "the end forgotten")
        assert [b"b", b"c"] == take(consumer, kept, 2)
        assert 3 == said_idle(consumer, kept, FIRST).expected[FIRST]


class Gone(Consumer):
    """A client whose broker does not answer."""

    def get_watermark_offsets(self, *_: object, **__: object) -> tuple[int, int]:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))


def test_nothing_is_idle_while_the_broker_does_not_answer_and_for_a_while_after_that() -> None:
    times = [0.0]
    idleness = Idleness(lambda: times[-1])
    idleness.ends[FIRST] = 7
    gone = Gone({"group.id": "x"})
    for at in (0.0, 31.0, 60.0, 62.0):
        times.append(at)
        assert [] == idleness.among({FIRST: 7}, (), gone, {1: "logs"})
        assert idleness.heard[FIRST] in (0.0, 31.0, 62.0)
