"""Logs off Kafka, exactly where the database says that reading stopped.

Measured choices: the classic protocol with cooperative-sticky assignment and a 6 s session brings a
successor its first log 12 s after a `kill -9`; callbacks give offsets to `incremental_assign`,
because `seek` inside them fails; `auto.offset.reset=error`, because a silent reset would skip logs.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
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

from adapters.kafka.idle import Idleness
from domain.errors import OffsetLost, Refused, SreError, Unavailable
from domain.kafka_settings import KafkaSettings, Start
from domain.logs import Place, RawBatch

if TYPE_CHECKING:
    from confluent_kafka import Message

log = logging.getLogger(__name__)

WAIT_SECONDS = 10.0


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
        """The broker's id of our topic's present incarnation. Raises Refused when there is no such topic."""
        return self.topic_ids([self.topic])[self.topic]

    def topic_ids(self, names: Collection[str]) -> dict[str, str]:
        """The broker's id of each topic's present incarnation. Raises Refused when one is not there."""
        told = ", ".join(sorted(names))
        try:
            found = self.admin.describe_topics(TopicCollection(sorted(names)), request_timeout=WAIT_SECONDS)
            return {name: str(answer.result(WAIT_SECONDS).topic_id) for name, answer in found.items()}
        except KafkaException as error:
            raise translate(error, f"topic {told}") from error
        except TimeoutError as error:
            raise Unavailable(f"kafka: no answer about topic {told} in {WAIT_SECONDS:.0f} s") from error

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


# librdkafka says of a certificate that is not trusted only that no broker was reached.
OF_TRUST = "with TLS, is the broker's certificate trusted? (kafka.client: ssl.ca.location names the file of its CA)"


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
        return Unavailable(
            f"kafka: {what}: {cause.str()}; is the cluster reachable? (kafka.bootstrap_servers) {OF_TRUST}"
        )
    return Refused(f"kafka: {what}: {cause.str()}")


LAST_SENT = 4_102_444_800_000  # 2100 in ms: later is no clock's time, and much later ones no database holds


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
            if any(map(_error_of, found)):
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
        batch = _raw(messages, topics, partitions, self.next_offsets, self.names)
        _require_order(batch)
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


class Sizes:
    """How large messages are lately, so that a batch takes no more of them than it has room for."""

    FIRST = 1_000  # messages that are asked for while nothing is known
    LEAST = 64  # bytes
    MOST = 4_000  # messages of one call, in which the client lets no other thread run

    def __init__(self) -> None:
        self.mean = 0.0

    def fitting(self, room: int) -> int:
        """How many messages may come at once."""
        return min(self.MOST, max(1, int(room / max(self.mean, self.LEAST)))) if self.mean else self.FIRST

    def learn(self, messages: Sequence[Message]) -> int:
        """The bytes of these messages; the larger of their mean and the one before counts from now on."""
        if not messages:
            return 0
        size = sum(map(len, messages))
        mean = size / len(messages)
        self.mean = max(mean, (self.mean + mean) / 2)
        return size


def _raw(
    messages: Sequence[Message],
    topics: list[int],
    partitions: list[int],
    begins: Mapping[Place, int],
    names: Mapping[int, str],
) -> RawBatch:
    offsets: list[int] = [message.offset() for message in messages]  # type: ignore[misc]  # it came from a broker
    # The latest message of a partition wins, so a dict of all of them holds the next offsets.
    last = dict(zip(zip(topics, partitions, strict=True), offsets, strict=True))
    return RawBatch(
        topics=topics,
        partitions=partitions,
        offsets=offsets,
        values=[message.value() for message in messages],
        expected={place: begins[place] for place in last},
        following={place: offset + 1 for place, offset in last.items()},
        names=names,
        keys=[message.key() for message in messages],
        headers=[message.headers() for message in messages],  # type: ignore[misc]  # as the values
        sent=[at if 0 < (at := message.timestamp()[1]) < LAST_SENT else 0 for message in messages],
    )


def _error_of(message: Message) -> object:
    return message.error()


def _require_order(batch: RawBatch) -> None:
    """Raises OffsetLost unless each partition's offsets rise from where the store is.

    They do not when a partition was taken away and given back within one call.
    """
    topics, partitions, offsets = np.asarray(batch.topics), np.asarray(batch.partitions), np.asarray(batch.offsets)
    for (topic, number), expected in batch.expected.items():
        mine = offsets[(partitions == number) & (topics == topic)]
        if mine[0] < expected or (np.diff(mine) <= 0).any():
            raise OffsetLost(f"partition {number}: logs out of order after a rebalance")
