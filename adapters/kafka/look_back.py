"""What a topic holds, since a moment or the newest of it, read without committing anything."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, KafkaError, KafkaException, TopicPartition

from adapters.kafka.cluster import WAIT_SECONDS, client_settings, translate
from adapters.kafka.edges import edges
from domain.errors import Unavailable
from domain.kafka_settings import KafkaSettings
from domain.logs import RawBatch


def read_back(settings: KafkaSettings, since: datetime | None) -> Iterator[RawBatch]:
    """Everything from `since` (None: the oldest) up to what the topic holds now, in batches.

    Raises Unavailable or Refused.
    """
    with _looking(settings) as consumer:
        begins, ends = _edges(consumer, settings.topic, since)
        yield from _read(consumer, settings, begins, ends)


def newest(settings: KafkaSettings, messages: int) -> Iterator[RawBatch]:
    """The newest so many messages of the topic, of each partition its fair share, in batches.

    Raises Unavailable or Refused.
    """
    with _looking(settings) as consumer:
        begins, ends = _edges(consumer, settings.topic, None)
        shares = fair_shares({number: ends[number] - begin for number, begin in begins.items()}, messages)
        yield from _read(consumer, settings, {number: ends[number] - share for number, share in shares.items()}, ends)


def fair_shares(held: Mapping[int, int], wanted: int) -> dict[int, int]:
    """How many of `wanted` each partition gives: as many as the others, or all that it holds."""
    shares: dict[int, int] = {}
    for left, number in zip(range(len(held), 0, -1), sorted(held, key=lambda number: held[number]), strict=True):
        shares[number] = min(held[number], -(-(wanted - sum(shares.values())) // left))
    return shares


@contextmanager
def _looking(settings: KafkaSettings) -> Iterator[Consumer]:
    """A consumer of a group that nobody else has, which commits nothing."""
    consumer = Consumer(
        {
            "group.id": f"sre-look-back-{uuid.uuid4()}",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            # What was deleted or belongs to a transaction's end is an offset without a message.
            "enable.partition.eof": True,
            "error_cb": lambda _: None,
            "log_level": 0,
        }
        | client_settings(settings)
    )
    try:
        yield consumer
    except KafkaException as error:
        raise translate(error, f"{settings.bootstrap_servers}, topic {settings.topic}") from error
    finally:
        consumer.close()


def _edges(consumer: Consumer, name: str, since: datetime | None) -> tuple[dict[int, int], dict[int, int]]:
    found = edges(consumer, name, WAIT_SECONDS)
    begins, ends = ({number: both[side] for number, both in found.items()} for side in (0, 1))
    if since is not None:
        at = round(since.timestamp() * 1000)
        wanted = [TopicPartition(name, number, at) for number in begins]
        for at_time in consumer.offsets_for_times(wanted, timeout=WAIT_SECONDS):
            number, offset = at_time.partition, at_time.offset
            begins[number] = offset if offset >= 0 else ends[number]
    return begins, ends


def _read(
    consumer: Consumer, settings: KafkaSettings, begins: dict[int, int], ends: dict[int, int]
) -> Iterator[RawBatch]:
    left = {number: end for number, end in ends.items() if begins[number] < end}
    consumer.assign([TopicPartition(settings.topic, number, begins[number]) for number in left])
    heard = time.monotonic()
    while left:
        # It waits until the batch is full, which the last one never is.
        messages: list[Any] = consumer.consume(settings.batch_rows, timeout=settings.batch_seconds)
        if not messages:
            if time.monotonic() < heard + WAIT_SECONDS:
                continue
            raise Unavailable(f"kafka: nothing came from partitions {sorted(left)} for {WAIT_SECONDS:.0f} s")
        heard = time.monotonic()
        for message in messages:
            error, number = message.error(), message.partition()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - their public name
                raise KafkaException(error)
            if error is not None or message.offset() + 1 >= ends[number]:
                left.pop(number, None)
        # What came after the beginning of this look is left to the next one.
        held = [one for one in messages if one.error() is None and one.offset() < ends[one.partition()]]
        if held:
            yield _batch(settings.topic, held)


def _batch(topic: str, held: list[Any]) -> RawBatch:
    stamps = [message.timestamp() for message in held]
    return RawBatch(
        [0] * len(held),
        [message.partition() for message in held],
        [message.offset() for message in held],
        [message.value() for message in held],
        {},
        {},
        names={0: topic},
        keys=[message.key() for message in held],
        headers=[message.headers() for message in held],
        sent=[at if kind != TIMESTAMP_NOT_AVAILABLE else 0 for kind, at in stamps],
    )
