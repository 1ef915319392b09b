"""Logs off Kafka, exactly where the database says that reading stopped.

Measured choices: the classic protocol with cooperative-sticky assignment and a 6 s session brings a
successor its first log 12 s after a `kill -9`; callbacks give offsets to `incremental_assign`,
because `seek` inside them fails; `auto.offset.reset=error`, because a silent reset would skip logs.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from confluent_kafka import (
    OFFSET_END,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)

from adapters.kafka.cluster import WAIT_SECONDS, client_settings, translate
from adapters.kafka.idle import Idleness
from adapters.kafka.messages import Sizes, error_of, raw_batch, require_order
from domain.errors import OffsetLost, SreError, Unavailable
from domain.kafka_settings import KafkaSettings, Start
from domain.logs import Place, RawBatch

if TYPE_CHECKING:
    from confluent_kafka import Message

log = logging.getLogger(__name__)


class Positions(Protocol):
    """Where reading goes on; kept by the store."""

    def number(self, topic: str) -> int:
        """Our number of the topic's present incarnation."""
        ...

    def known(self, places: list[Place]) -> dict[Place, int]:
        """Next offset of each partition that was read before."""
        ...

    def is_new(self, topic: int) -> bool:
        """Whether no partition of the topic with that number was ever read."""
        ...

    def begin(self, starts: Mapping[Place, int]) -> dict[Place, int]:
        """Store first offsets; what is stored afterwards, whoever was first."""
        ...


class OutOfRange(OffsetLost):
    """The stored offset does not exist any more: logs were deleted before they were read."""


class LogConsumer:
    """Takes batches off the topics of the settings.

    `read` blocks, so call it in a thread; only `done` may be called meanwhile.
    """

    def __init__(self, settings: KafkaSettings, positions: Positions) -> None:
        self.settings = settings
        self.positions = positions
        self.numbers: dict[str, int] = {}  # topic -> our number of its incarnation
        self.next_offsets: dict[Place, int] = {}
        self.stored: dict[Place, int] = {}  # offsets behind what the store has, not told to Kafka yet
        self.complaint = ""  # what the cluster refuses us, until a log comes again
        self.unplaced: set[tuple[str, int]] = set()  # assigned while the store could not say where to begin
        self.sizes = Sizes()
        self.idleness = Idleness()
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
                # The end of a transaction, and one that was given up, have offsets and are never read.
                "enable.partition.eof": True,
                "queued.max.messages.kbytes": 16_384,
                "queued.min.messages": 40_000,
                # Else it asks for more a second after its queue was full, when that is long empty.
                "fetch.queue.backoff.ms": 10,
                "fetch.message.max.bytes": 1_048_576,
                "fetch.wait.max.ms": 100,
            }
            | client_settings(settings)
            | {"topic.blacklist": _unread(settings)}
        )
        self.consumer.subscribe(list(settings.topics), on_assign=self._assigned, on_revoke=self._revoked)

    @property
    def names(self) -> dict[int, str]:
        """Our numbers of topics with their names."""
        return {number: name for name, number in self.numbers.items()}

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        wanted = [(partition.topic, partition.partition) for partition in partitions]
        try:
            begins = self._starts(wanted)
        except (SreError, KafkaException) as error:
            # An error raised in here would let the client go on from Kafka's own offsets, which are not ours.
            log.warning("kafka.waiting-for-offsets", extra={"partitions": wanted, "error": str(error)})
            self.unplaced |= set(wanted)
            consumer.incremental_assign([TopicPartition(*each, OFFSET_END) for each in wanted])
            return
        self.next_offsets |= {(self.numbers[name], number): begins[name, number] for name, number in wanted}
        consumer.incremental_assign([TopicPartition(*each, begins[each]) for each in wanted])
        log.info("kafka.assigned", extra={"partitions": {f"{name}/{at}": begins[name, at] for name, at in wanted}})

    def _starts(self, wanted: list[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """From where each partition is read; of topics that are met now, their numbers are learned."""
        for name in sorted({name for name, _ in wanted} - self.numbers.keys()):
            self.numbers[name] = self.positions.number(name)
        places = {(self.numbers[name], number): (name, number) for name, number in wanted}
        known = self.positions.known(list(places))
        if missing := [place for place in places if place not in known]:
            # A topic met for the first time starts as configured; of partitions added later nothing is skipped.
            start = self.settings.start is Start.LATEST
            new = {topic: start and self.positions.is_new(topic) for topic, _ in missing}
            edges = {place: self._edge(*places[place], latest=new[place[0]]) for place in missing}
            known |= self.positions.begin(edges)
        return {places[place]: offset for place, offset in known.items()}

    def _go(self, offsets: Mapping[Place, int]) -> None:
        """Read on from these offsets; no `seek`, which fails where the last offset was out of range."""
        names = self.names
        places = [TopicPartition(names[topic], number, offset) for (topic, number), offset in offsets.items()]
        if places:
            self.consumer.incremental_unassign(places)
            self.consumer.incremental_assign(places)
        self.next_offsets |= offsets
        self.idleness.forget(offsets)

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for partition in partitions:
            place = self.numbers.get(partition.topic, 0), partition.partition
            self.next_offsets.pop(place, None)
            self.idleness.forget([place])
            self.unplaced.discard((partition.topic, partition.partition))
        consumer.incremental_unassign(partitions)
        log.info("kafka.revoked", extra={"partitions": [f"{one.topic}/{one.partition}" for one in partitions]})

    def _edge(self, topic: str, partition: int, *, latest: bool) -> int:
        low, high = self.consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=WAIT_SECONDS)
        return int(high if latest else low)

    def read(self) -> RawBatch:
        """The next batch, empty after `kafka.batch_seconds` without a log.

        Raises OutOfRange, Unavailable or Refused.
        """
        self._show_lag()
        try:
            if self.unplaced:
                self._place()
            messages = self._consume()
        except KafkaException as error:
            raise translate(error, "reading") from error
        return self._batch(messages)

    def _place(self) -> None:
        """Begin with partitions for which the store did not answer; others that we have need not wait for them."""
        try:
            begins = self._starts(sorted(self.unplaced))
        except (SreError, KafkaException) as error:
            if isinstance(error, Unavailable) and not self.next_offsets:
                self.consumer.poll(0)  # a rebalance reaches us all the same; what else comes is read again once placed
                raise
            self.complaint = f"kafka: {error}"
            log.warning("kafka.waiting-for-offsets", extra={"error": str(error)})
            return
        self._go({(self.numbers[name], number): begins[name, number] for name, number in self.unplaced})
        self.unplaced.clear()

    def _consume(self) -> list[Message]:
        """Messages until there are as many as a batch takes, or as many bytes, or the time is over."""
        settings = self.settings
        until = time.monotonic() + settings.batch_seconds
        held: list[Message] = []
        size = 0
        while (left := until - time.monotonic()) > 0 and size < settings.batch_bytes:
            wanted = min(settings.batch_rows - len(held), self.sizes.fitting(settings.batch_bytes - size))
            if wanted <= 0:
                break
            # What waits here already, which is bounded by bytes; a call that waits for more is not.
            found = self.consumer.consume(wanted, timeout=0) or self.consumer.consume(1, timeout=left)
            if any(map(error_of, found)):
                found = self._without_errors(found)
            held += found
            size += self.sizes.learn(found)
        return held

    def _without_errors(self, messages: list[Message]) -> list[Message]:
        good = []
        for message in messages:
            error = message.error()
            if error is None:
                good.append(message)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                place = self.numbers.get(message.topic() or "", 0), message.partition() or 0
                self.idleness.ended(place, message)
            elif error.code() in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:  # noqa: SLF001
                raise OutOfRange(f"{message.topic()}, partition {message.partition()}: {error.str()}")
            else:
                self._refused(error)
        return good

    def _refused(self, error: KafkaError) -> None:
        """Rights that were withdrawn are told of once by the client, and then nothing comes any more."""
        log.warning("kafka.error", extra={"error": error.str()})
        if not error.retriable():
            self.complaint = f"kafka: topic {', '.join(self.settings.topics)}: {error.str()}"

    def _batch(self, messages: list[Any]) -> RawBatch:
        numbers = self.numbers
        topics = [numbers.get(message.topic(), 0) for message in messages]
        partitions = [message.partition() for message in messages]
        places = set(zip(topics, partitions, strict=True))
        if not self.next_offsets.keys() >= places:
            # Read just before a partition was taken away: its next owner reads them.
            mine = [
                (topic, partition) in self.next_offsets for topic, partition in zip(topics, partitions, strict=True)
            ]
            messages, topics, partitions = (
                [one for one, held in zip(each, mine, strict=True) if held] for each in (messages, topics, partitions)
            )
        self.complaint = "" if messages else self.complaint
        batch = raw_batch(messages, topics, partitions, self.next_offsets, self.names)
        require_order(batch)
        self.next_offsets |= batch.following
        return self._with_idle(batch)

    def _with_idle(self, batch: RawBatch) -> RawBatch:
        """The batch with all places that are ours, and which of them were read to their end and say nothing."""
        idle = self.idleness.among(self.next_offsets, batch.following.keys(), self.consumer, self.names)
        stay = {place: self.next_offsets[place] for place in idle}
        return replace(
            batch,
            expected={**batch.expected, **stay},
            following={**batch.following, **stay},
            idle=frozenset(idle),
            ours=frozenset(self.next_offsets),
        )

    def done(self, batch: RawBatch) -> None:
        """The batch is stored. May be called while `read` runs, whose next call tells Kafka."""
        self.stored = {**self.stored, **batch.following}

    def _show_lag(self) -> None:
        """Commit to Kafka what is stored, for tools that show the lag; the client would make other threads wait."""
        stored, self.stored = self.stored, {}
        names = self.names
        mine = [
            TopicPartition(names[topic], number, offset)
            for (topic, number), offset in stored.items()
            if (topic, number) in self.next_offsets
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

    def out_of_range(self) -> dict[Place, tuple[int, int]]:
        """Partitions whose next offset does not exist, each with that offset and where reading goes on.

        Behind the end, because the topic was cut: at the end, as what is left was read. Before the oldest: there.
        """
        lost = {}
        names = self.names
        for (topic, number), offset in self.next_offsets.items():
            try:
                low, high = self.consumer.get_watermark_offsets(
                    TopicPartition(names[topic], number), timeout=WAIT_SECONDS
                )
            except KafkaException as error:
                raise translate(error, f"{names[topic]}, partition {number}") from error
            if not low <= offset <= high:
                lost[topic, number] = (offset, low if offset < low else high)
        return lost

    def close(self) -> None:
        """Leave the group at once, so that others need not wait for the session to end."""
        self._show_lag()
        self.consumer.close()


def _unread(settings: KafkaSettings) -> str:
    """Patterns of topics that are never read: our dead letters, each of which would become another one, and theirs."""
    theirs = client_settings(settings).get("topic.blacklist", "")
    return ",".join(filter(None, [str(theirs), "^" + settings.letters.replace(".", r"\.") + "$"]))
