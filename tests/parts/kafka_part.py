"""Topics of a real Kafka for tests."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from domain.kafka_settings import KafkaSettings, Start

SECONDS = 40.0


def until(done: Callable[[], object], what: str = "it") -> None:
    """Call `done` until it says so; within SECONDS."""
    deadline = time.monotonic() + SECONDS
    while not done():
        assert time.monotonic() < deadline, f"{what} did not happen within {SECONDS:.0f} s"
        time.sleep(0.02)


@dataclass
class Topic:
    """One topic of the test's own."""

    servers: str
    partitions: int = 1
    name: str = field(default_factory=lambda: f"logs-{uuid.uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.admin = AdminClient({"bootstrap.servers": self.servers})
        self.create()

    def create(self, other_than: str = "") -> None:
        """Make the topic; a consumer that still asks for it may have made it already."""

        def made() -> bool:
            try:
                self.admin.create_topics([NewTopic(self.name, self.partitions, 1)])[self.name].result(10)
            except KafkaException as error:
                if error.args[0].name() != "TOPIC_ALREADY_EXISTS":
                    raise
            return self.id() not in ("", other_than)

        until(made, "a new topic")
        until(lambda: self.admin.list_topics(self.name).topics[self.name].partitions, "its partitions")

    def id(self) -> str:
        """The broker's id of this incarnation, empty where there is none."""
        try:
            return str(self.admin.describe_topics(TopicCollection([self.name]))[self.name].result(10).topic_id)
        except KafkaException:
            return ""

    def recreate(self) -> None:
        known = self.id()
        self.admin.delete_topics([self.name])[self.name].result(10)
        self.create(other_than=known)

    def grow(self, partitions: int) -> None:
        self.admin.create_partitions([NewPartitions(self.name, partitions)])[self.name].result(10)
        self.partitions = partitions
        until(lambda: len(self.admin.list_topics(self.name).topics[self.name].partitions) == partitions)

    def ends(self) -> list[int]:
        """The next offset of each partition."""
        consumer = Consumer({"bootstrap.servers": self.servers, "group.id": "looks"})
        try:
            places = [TopicPartition(self.name, number) for number in range(self.partitions)]
            return [int(consumer.get_watermark_offsets(place, timeout=30)[1]) for place in places]
        finally:
            consumer.close()

    def forget_before(self, offset: int, partition: int = 0) -> None:
        """Delete the oldest logs, as retention does."""
        for deleted in self.admin.delete_records([TopicPartition(self.name, partition, offset)]).values():
            deleted.result(10)

    def send(self, values: Iterable[bytes | None], partition: int = 0) -> None:
        producer = Producer({"bootstrap.servers": self.servers, "message.max.bytes": 8_000_000})
        for value in values:
            producer.produce(self.name, value, partition=partition)
        assert producer.flush(SECONDS) == 0

    def settings(self, **changes: object) -> KafkaSettings:
        fields = {
            "bootstrap_servers": self.servers,
            "topic": self.name,
            "consumer_group": f"group-{self.name}",
            "batch_seconds": 0.2,
            "start": Start.EARLIEST,
        }
        return KafkaSettings(**(fields | changes))  # type: ignore[arg-type]

    def committed(self) -> dict[int, int]:
        """Offsets that Kafka itself keeps for our group."""
        consumer = Consumer({"bootstrap.servers": self.servers, "group.id": f"group-{self.name}"})
        try:
            wanted = [TopicPartition(self.name, number) for number in range(self.partitions)]
            return {one.partition: one.offset for one in consumer.committed(wanted, timeout=10)}
        finally:
            consumer.close()


def messages(servers: str, name: str, count: int) -> list[Message]:
    """The first `count` messages of a topic, whatever its partitions."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": uuid.uuid4().hex})
    found: list[Message] = []
    try:
        partitions = consumer.list_topics(name, timeout=10).topics[name].partitions
        consumer.assign([TopicPartition(name, number, 0) for number in partitions])

        def complete() -> bool:
            found.extend(consumer.consume(count, timeout=0.2))
            assert not any(message.error() for message in found)
            return len(found) >= count

        until(complete, f"{count} messages in {name}")
    finally:
        consumer.close()
    return found
