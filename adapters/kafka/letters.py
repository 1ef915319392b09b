"""Dead letters from their table into their topic."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from adapters.kafka.producer import LogProducer, Outgoing
from adapters.store.database import Engine
from adapters.store.look_ups import mark_published, unpublished_letters
from domain.settings import KafkaSettings

AT_ONCE = 500


def dead_letter_topic(settings: KafkaSettings) -> str:
    """Where what could not be read goes."""
    return settings.dead_letter_topic or f"{settings.topic}.dead-letter"


def publish_letters(engine: Engine, producer: LogProducer, settings: KafkaSettings, *, now: datetime) -> int:
    """Publish what the topic does not have yet; how many. Raises Unavailable or Refused.

    A crash between the broker's acknowledgement and ours publishes a letter twice, never not at all.
    """
    letters = unpublished_letters(engine, limit=AT_ONCE)
    if letters:
        producer.send(dead_letter_topic(settings), [_outgoing(letter) for letter in letters])
        producer.flush()
        mark_published(engine, letters, now=now)
    return len(letters)


def _outgoing(letter: dict[str, Any]) -> Outgoing:
    headers = {
        "topic": letter["topic"],
        "partition": letter["partition"],
        "offset": letter["offset"],
        "reason": letter["reason"],
    }
    return Outgoing(letter["body"], headers=tuple((name, str(value).encode()) for name, value in headers.items()))
