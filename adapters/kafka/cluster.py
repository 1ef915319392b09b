"""The cluster itself: how its clients are set up, what it says of topics, and its errors as ours."""

from __future__ import annotations

from collections.abc import Collection

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # it is exported

from domain.errors import Refused, Unavailable
from domain.kafka_settings import KafkaSettings

WAIT_SECONDS = 10.0


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
