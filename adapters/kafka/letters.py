"""Dead letters into their topic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.kafka.producer import LogProducer, Outgoing
from domain.kafka_settings import KafkaSettings

Letter = dict[str, Any]  # topic, partition, offset and reason of the log, and its body


def publish_letters(producer: LogProducer, settings: KafkaSettings, letters: Sequence[Letter]) -> None:
    """Publish letters; the broker has all of them when this returns. Raises Unavailable or Refused."""
    if letters:
        producer.send(settings.letters, [_outgoing(letter) for letter in letters])
        producer.flush()


def _outgoing(letter: Letter) -> Outgoing:
    headers = {
        "topic": letter["topic"],
        "partition": letter["partition"],
        "offset": letter["offset"],
        "reason": letter["reason"],
    }
    return Outgoing(letter["body"], headers=tuple((name, str(value).encode()) for name, value in headers.items()))
