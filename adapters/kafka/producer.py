"""Messages into Kafka, each acknowledged by the broker before it counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from adapters.kafka.cluster import client_settings
from domain.errors import Refused, Unavailable
from domain.kafka_settings import KafkaSettings

FLUSH_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to send."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class LogProducer:
    """Sends to one cluster; `flush` raises when anything was not acknowledged."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.failed: list[KafkaError] = []
        self.acknowledged = 0
        self.last: dict[int, int] = {}  # partition -> highest offset that was acknowledged
        self.producer = Producer(
            {
                "enable.idempotence": True,
                "linger.ms": 20,
                "message.max.bytes": 8_388_608,
                "queue.buffering.max.messages": 200_000,
                "compression.type": "lz4",
                "message.timeout.ms": 30_000,
            }
            | client_settings(settings)
        )

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.acknowledged += 1
            partition, offset = message.partition(), message.offset()
            if partition is not None and offset is not None:
                self.last[partition] = max(offset, self.last.get(partition, -1))
        else:
            self.failed.append(error)

    def send(self, topic: str, messages: Iterable[Outgoing]) -> None:
        """Queue messages; waits while the queue is full."""
        for message in messages:
            while True:
                try:
                    self.producer.produce(
                        topic,
                        message.value,
                        message.key,
                        headers=list(message.headers),
                        on_delivery=self._delivered,
                    )
                    break
                except BufferError:
                    self.producer.poll(0.1)
                except KafkaException as error:
                    raise Refused(f"kafka: {topic}: {error.args[0].str()}") from error
        self.producer.poll(0)

    def flush(self) -> None:
        """Wait until everything is acknowledged. Raises Unavailable or Refused when something was not."""
        left = self.producer.flush(FLUSH_SECONDS)
        failed, self.failed = self.failed, []
        if left:
            raise Unavailable(f"kafka: {left} messages not acknowledged in {FLUSH_SECONDS:.0f} s")
        if failed:
            kind = Unavailable if failed[0].retriable() else Refused
            raise kind(f"kafka: {len(failed)} messages refused, the first: {failed[0].str()}")
