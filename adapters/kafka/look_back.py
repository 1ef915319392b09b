"""What a topic holds since a moment, read without committing anything."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from adapters.kafka.consumer import WAIT_SECONDS, client_settings, translate
from adapters.kafka.edges import edges
from domain.errors import Unavailable
from domain.logs import RawBatch
from domain.settings import KafkaSettings


def read_back(settings: KafkaSettings, since: datetime | None) -> Iterator[RawBatch]:
    """Everything from `since` (None: the oldest) up to what the topic holds now, in batches.

    Raises Unavailable or Refused.
    """
    consumer = Consumer(
        {"group.id": f"sre-look-back-{uuid.uuid4()}", "enable.auto.commit": False, "auto.offset.reset": "error"}
        | client_settings(settings)
    )
    try:
        begins, ends = _edges(consumer, settings.topic, since)
        yield from _read(consumer, settings, begins, ends)
    except KafkaException as error:
        raise translate(error, f"topic {settings.topic}") from error
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
        if failed := next((message.error() for message in messages if message.error()), None):
            raise KafkaException(failed)
        # What came after the beginning of this look is left to the next one.
        held = [message for message in messages if message.offset() < ends[message.partition()]]
        for message in held:
            if message.offset() + 1 >= ends[message.partition()]:
                left.pop(message.partition(), None)
        yield RawBatch(
            0,
            [message.partition() for message in held],
            [message.offset() for message in held],
            [message.value() for message in held],
            {},
            {},
        )
