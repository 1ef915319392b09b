"""What a topic holds: the oldest offset and the next one of each partition."""

from __future__ import annotations

from confluent_kafka import Consumer, KafkaException, TopicPartition

from adapters.kafka.cluster import client_settings, translate
from domain.errors import Refused
from domain.kafka_settings import KafkaSettings

Edges = dict[int, tuple[int, int]]  # partition -> (oldest offset, the next one to be written)

ANSWER_SECONDS = 5.0


class NoTopicError(Refused):
    """The broker answers, and does not know the topic."""


def edges(consumer: Consumer, topic: str, seconds: float) -> Edges:
    """The edges as a consumer sees them. Raises NoTopicError; KafkaException."""
    found = consumer.list_topics(timeout=seconds).topics.get(topic)
    if found is None:
        raise NoTopicError(f"kafka: topic {topic} does not exist; `kafka.topic` or `--topic` names it")
    return {
        number: consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=seconds)
        for number in sorted(found.partitions)
    }


def topic_edges(settings: KafkaSettings, seconds: float = ANSWER_SECONDS) -> Edges:
    """The edges of the topic that the settings name.

    Raises Unavailable when no broker answers, Refused when it refuses us, NoTopicError when there is no such topic.
    """
    # Without a callback for its errors the client would print them, once for each try.
    quiet = {"group.id": "sre-edges", "enable.auto.commit": False, "error_cb": lambda _: None, "log_level": 0}
    consumer = Consumer(quiet | client_settings(settings))
    try:
        return edges(consumer, settings.topic, seconds)
    except KafkaException as error:
        raise translate(error, f"{settings.bootstrap_servers}, topic {settings.topic}") from error
    finally:
        consumer.close()
