"""Logs off Kafka, exactly where the database says that reading stopped.

Measured choices: the classic protocol with cooperative-sticky assignment and a 6 s session brings a
successor its first log 12 s after a `kill -9`; callbacks give offsets to `incremental_assign`,
because `seek` inside them fails; `auto.offset.reset=error`, because a silent reset would skip logs.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from confluent_kafka import (
    OFFSET_END,
    Consumer,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # it is exported

from domain.errors import OffsetLost, Refused, SreError, Unavailable
from domain.logs import RawBatch
from domain.settings import KafkaSettings, Start

if TYPE_CHECKING:
    from confluent_kafka import Message

log = logging.getLogger(__name__)

WAIT_SECONDS = 10.0


class Positions(Protocol):
    """Where reading goes on; kept by the store."""

    def known(self, partitions: list[int]) -> dict[int, int]:
        """Next offset of each partition that was read before."""
        ...

    def is_new(self) -> bool:
        """Whether no partition of this topic was ever read."""
        ...

    def begin(self, starts: Mapping[int, int]) -> dict[int, int]:
        """Store first offsets; what is stored afterwards, whoever was first."""
        ...


def client_settings(settings: KafkaSettings) -> dict[str, str]:
    """What every client of the cluster needs: its address, and the user's own librdkafka settings."""
    passed = {name: value.get_secret_value() for name, value in settings.client.items()}
    return {"bootstrap.servers": settings.bootstrap_servers} | passed


class Cluster:
    """Questions about a topic. Raises Unavailable when no broker answers."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.topic = settings.topic
        self.servers = settings.bootstrap_servers
        self.admin = AdminClient({**client_settings(settings)})

    def topic_id(self) -> str:
        """The broker's id of the topic's present incarnation. Raises Refused when there is no such topic."""
        try:
            found = self.admin.describe_topics(TopicCollection([self.topic]), request_timeout=WAIT_SECONDS)
            return str(found[self.topic].result(WAIT_SECONDS).topic_id)
        except KafkaException as error:
            raise translate(error, f"topic {self.topic}") from error
        except TimeoutError as error:
            raise Unavailable(f"kafka: no answer about topic {self.topic} in {WAIT_SECONDS:.0f} s") from error

    def make_if_missing(self) -> list[int]:
        """Partitions of the topic if it did not exist and was made now, else an empty list.

        Raises Unavailable when it cannot be made: until somebody does, there is nothing to watch.
        """
        try:
            if self.topic in self.admin.list_topics(timeout=WAIT_SECONDS).topics:
                return []
            # Asking for one topic by name makes it where the broker makes topics by itself.
            found = self.admin.list_topics(self.topic, timeout=WAIT_SECONDS).topics[self.topic]
            if found.error is not None:
                made = self.admin.create_topics([NewTopic(self.topic)], operation_timeout=WAIT_SECONDS)
                made[self.topic].result(WAIT_SECONDS)
                found = self.admin.list_topics(self.topic, timeout=WAIT_SECONDS).topics[self.topic]
            return sorted(found.partitions)
        except (KafkaException, TimeoutError) as error:
            raise self._not_made(error) from error

    def _not_made(self, error: KafkaException | TimeoutError) -> Unavailable:
        """A broker that is not there says nothing about its topics."""
        if isinstance(error, KafkaException) and isinstance(found := translate(error, self.servers), Unavailable):
            return found
        return Unavailable(
            f"kafka: topic {self.topic} does not exist and could not be made ({error}); make it, or set kafka.topic"
        )


def translate(error: KafkaException, what: str) -> Unavailable | Refused:
    """Our error for one of the client's."""
    cause: KafkaError = error.args[0]
    retriable = cause.retriable() or cause.code() in {
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001 - librdkafka's own names for local errors
        KafkaError._TRANSPORT,  # noqa: SLF001
        KafkaError._TIMED_OUT,  # noqa: SLF001
        KafkaError._RESOLVE,  # noqa: SLF001
    }
    if retriable:
        return Unavailable(f"kafka: {what}: {cause.str()}; is the cluster reachable? (kafka.bootstrap_servers)")
    return Refused(f"kafka: {what}: {cause.str()}")


class OutOfRange(OffsetLost):
    """The stored offset does not exist any more: logs were deleted before they were read."""


class LogConsumer:
    """Takes batches off one topic.

    `read` blocks, so call it in a thread; only `done` may be called meanwhile.
    """

    def __init__(self, settings: KafkaSettings, topic_id: int, positions: Positions) -> None:
        self.settings = settings
        self.topic_id = topic_id
        self.positions = positions
        self.next_offsets: dict[int, int] = {}
        self.stored: dict[int, int] = {}  # offsets behind what the store has, not told to Kafka yet
        self.complaint = ""  # what the cluster refuses us, until a log comes again
        self.unplaced: set[int] = set()  # assigned while the store could not say where to begin
        self.consumer = Consumer(
            {
                "group.id": settings.consumer_group,
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": 6000,
                "heartbeat.interval.ms": 2000,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "error",
                "topic.metadata.refresh.interval.ms": 10_000,
                "allow.auto.create.topics": True,
                "queued.max.messages.kbytes": 65_536,
                "fetch.message.max.bytes": 4_194_304,
                "fetch.wait.max.ms": 100,
            }
            | client_settings(settings)
        )
        self.consumer.subscribe([settings.topic], on_assign=self._assigned, on_revoke=self._revoked)

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        numbers = [partition.partition for partition in partitions]
        try:
            known = self._starts(numbers)
        except (SreError, KafkaException) as error:
            # An error raised in here would let the client go on from Kafka's own offsets, which are not ours.
            log.warning("kafka.waiting-for-offsets", extra={"partitions": numbers, "error": str(error)})
            self.unplaced |= set(numbers)
            consumer.incremental_assign([self._at(number, OFFSET_END) for number in numbers])
            return
        self.next_offsets |= known
        consumer.incremental_assign([self._at(number, known[number]) for number in numbers])
        log.info("kafka.assigned", extra={"partitions": known})

    def _starts(self, numbers: list[int]) -> dict[int, int]:
        known = self.positions.known(numbers)
        if missing := [number for number in numbers if number not in known]:
            # A topic met for the first time starts as configured; of partitions added later nothing is skipped.
            latest = self.settings.start is Start.LATEST and self.positions.is_new()
            known |= self.positions.begin({number: self._edge(number, latest=latest) for number in missing})
        return known

    def _at(self, number: int, offset: int) -> TopicPartition:
        return TopicPartition(self.settings.topic, number, offset)

    def _go(self, offsets: Mapping[int, int]) -> None:
        """Read on from these offsets; no `seek`, which fails where the last offset was out of range."""
        places = [self._at(number, offset) for number, offset in offsets.items()]
        if places:
            self.consumer.incremental_unassign(places)
            self.consumer.incremental_assign(places)
        self.next_offsets |= offsets

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for partition in partitions:
            self.next_offsets.pop(partition.partition, None)
            self.unplaced.discard(partition.partition)
        consumer.incremental_unassign(partitions)
        log.info("kafka.revoked", extra={"partitions": [partition.partition for partition in partitions]})

    def _edge(self, partition: int, *, latest: bool) -> int:
        low, high = self.consumer.get_watermark_offsets(
            TopicPartition(self.settings.topic, partition), timeout=WAIT_SECONDS
        )
        return int(high if latest else low)

    def read(self) -> RawBatch:
        """The next batch, empty after `kafka.batch_seconds` without a log.

        Raises OutOfRange, Unavailable or Refused.
        """
        self._show_lag()
        try:
            if self.unplaced:
                self._go(self._starts(sorted(self.unplaced)))
                self.unplaced.clear()
            messages = self.consumer.consume(self.settings.batch_rows, timeout=self.settings.batch_seconds)
        except KafkaException as error:
            raise translate(error, "reading") from error
        if any(map(_error_of, messages)):
            messages = self._without_errors(messages)
        return self._batch(messages)

    def _without_errors(self, messages: list[Message]) -> list[Message]:
        good = []
        for message in messages:
            error = message.error()
            if error is None:
                good.append(message)
            elif error.code() in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:  # noqa: SLF001
                raise OutOfRange(f"partition {message.partition()}: {error.str()}")
            else:
                self._refused(error)
        return good

    def _refused(self, error: KafkaError) -> None:
        """Rights that were withdrawn are told of once by the client, and then nothing comes any more."""
        log.warning("kafka.error", extra={"error": error.str()})
        if not error.retriable():
            self.complaint = f"kafka: topic {self.settings.topic}: {error.str()}"

    def _batch(self, messages: list[Any]) -> RawBatch:
        partitions = [message.partition() for message in messages]
        if not self.next_offsets.keys() >= set(partitions):
            # Read just before a partition was taken away: its next owner reads them.
            messages = [message for message in messages if message.partition() in self.next_offsets]
            partitions = [message.partition() for message in messages]
        offsets = [message.offset() for message in messages]
        # The latest message of a partition wins, so a dict of all of them holds the next offsets.
        last = dict(zip(partitions, offsets, strict=True))
        self.complaint = "" if messages else self.complaint
        batch = RawBatch(
            topic_id=self.topic_id,
            partitions=partitions,
            offsets=offsets,
            values=[message.value() for message in messages],
            expected={number: self.next_offsets[number] for number in last},
            following={number: offset + 1 for number, offset in last.items()},
        )
        _require_order(batch)
        self.next_offsets |= batch.following
        return batch

    def done(self, batch: RawBatch) -> None:
        """The batch is stored. May be called while `read` runs, whose next call tells Kafka."""
        self.stored = {**self.stored, **batch.following}

    def _show_lag(self) -> None:
        """Commit to Kafka what is stored, for tools that show the lag; the client would make other threads wait."""
        stored, self.stored = self.stored, {}
        mine = [
            TopicPartition(self.settings.topic, number, offset)
            for number, offset in stored.items()
            if number in self.next_offsets
        ]
        try:
            if mine:
                self.consumer.commit(offsets=mine, asynchronous=True)
        except KafkaException as error:
            log.info("kafka.commit-skipped", extra={"error": str(error)})  # only shows lag; the next one mends it

    def rewind(self) -> None:
        """Go back to where the store is; after another consumer was first or a batch was dropped."""
        try:
            self._go(self.positions.known(list(self.next_offsets)))
        except KafkaException as error:
            raise translate(error, "going back") from error

    def out_of_range(self) -> dict[int, tuple[int, int]]:
        """Partitions whose next offset does not exist: partition -> (that offset, oldest that does)."""
        lost = {}
        for number, offset in self.next_offsets.items():
            try:
                low, high = self.consumer.get_watermark_offsets(
                    TopicPartition(self.settings.topic, number), timeout=WAIT_SECONDS
                )
            except KafkaException as error:
                raise translate(error, f"partition {number}") from error
            if not low <= offset <= high:
                lost[number] = (offset, low)
        return lost

    def close(self) -> None:
        """Leave the group at once, so that others need not wait for the session to end."""
        self._show_lag()
        self.consumer.close()


def _error_of(message: Message) -> object:
    return message.error()


def _require_order(batch: RawBatch) -> None:
    """Raises OffsetLost unless each partition's offsets rise from where the store is.

    They do not when a partition was taken away and given back within one call.
    """
    partitions, offsets = np.asarray(batch.partitions), np.asarray(batch.offsets)
    for number, expected in batch.expected.items():
        mine = offsets[partitions == number]
        if mine[0] < expected or (np.diff(mine) <= 0).any():
            raise OffsetLost(f"partition {number}: logs out of order after a rebalance")
