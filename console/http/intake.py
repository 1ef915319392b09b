"""Posted logs on their way into the topic."""

from __future__ import annotations

from collections.abc import Sequence
from queue import Empty, SimpleQueue

from adapters.kafka.producer import LogProducer, Outgoing
from console.http.service import Log
from domain.errors import Unavailable
from domain.kafka_settings import KafkaSettings


class TopicIntake:
    """Sends to the topic; several threads at once have a producer each."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.settings = settings
        self.idle: SimpleQueue[LogProducer] = SimpleQueue()

    def send(self, logs: Sequence[Log]) -> None:
        """Returns once the broker has acknowledged all of them.

        Raises Unavailable or Refused; some of them may be in the topic by then, and come twice when they are sent
        again.
        """
        if not self.settings.bootstrap_servers:
            raise Unavailable("no Kafka is known (kafka.bootstrap_servers); nothing was sent")
        producer = self._producer()
        producer.send(self.settings.topic, [Outgoing(value, key) for value, key in logs])
        producer.flush()
        self.idle.put(producer)  # one that failed holds what it did not send, and is not used again

    def _producer(self) -> LogProducer:
        try:
            return self.idle.get_nowait()
        except Empty:
            return LogProducer(self.settings)
