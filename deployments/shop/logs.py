"""Native JSON logs to Kafka: all that a service needs to be watched."""

from __future__ import annotations

import json
import os
import socket
import sys
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from confluent_kafka import KafkaError, KafkaException, Producer

FLUSH_SECONDS = 3.0


class LogWriter:
    """Writes one service's logs; never blocks the service and never fails a request."""

    def __init__(self, bootstrap: str, topic: str, service: str, worker: str) -> None:
        self.topic = topic
        self.service = service
        self.dropped = 0  # logs that did not fit into the buffer while Kafka was away
        self.origin = {"worker": worker, "host": socket.gethostname(), "pid": os.getpid()}
        self.producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "client.id": worker,
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 20,
                "error_cb": complain,
                "log_level": 3,
            }
        )

    def write(self, level: str, message: str, metrics: Mapping[str, float], **attributes: object) -> None:
        """Hand one log to the producer, which sends it in the background."""
        document = {
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "service": self.service,
            "level": level,
            "message": message,
            "metrics": metrics,
            "request_id": uuid.uuid4().hex,
            **self.origin,
            **attributes,
        }
        try:
            self.producer.produce(self.topic, key=self.service, value=json.dumps(document))
        except (BufferError, KafkaException):
            self.dropped += 1
        self.producer.poll(0)

    def close(self) -> None:
        """Send what is still in the buffer."""
        self.producer.flush(FLUSH_SECONDS)


def complain(error: KafkaError) -> None:
    """Say on stderr, which supervisord keeps, what Kafka's client reports."""
    print(f"kafka: {error}", file=sys.stderr, flush=True)  # noqa: T201 - a service's own output
