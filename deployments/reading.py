"""From where the topic is read is settled before anything can be sent, and `watch` is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime

from adapters.kafka.cluster import Cluster
from adapters.kafka.edges import topic_edges
from adapters.store.database import Engine
from adapters.store.opening import open_database
from adapters.store.positions import is_placed, start_positions, topic_number
from adapters.store.watch_signs import readers
from domain.errors import Unavailable
from domain.kafka_settings import KafkaSettings, Start
from domain.members import members, shares_in_words
from domain.settings import Settings

FIRST_SECONDS = 120  # for a run of `watch` to be submitted, started and given its partitions
LOOK_SECONDS = 0.3


def settle(engine: Engine, kafka: KafkaSettings, identity: Callable[[], str], *, now: datetime) -> str:
    """Store where each partition of a topic that was never read begins, made here if it is missing; what to tell.

    With `kafka.start=latest` that is the present end: what is sent from now on is read. `identity` asks for the
    topic's incarnation. Raises Unavailable or Refused.
    """
    made = Cluster(kafka).make_if_missing()  # first, because it says when nobody answers
    if is_placed(engine, kafka.topic):
        return f"topic {kafka.topic} is read on from where it stopped"
    number, _ = topic_number(engine, kafka.topic, identity(), now=now)
    latest = kafka.start is Start.LATEST
    begins = {
        (number, partition): next_one if latest and partition not in made else oldest
        for partition, (oldest, next_one) in topic_edges(kafka).items()
    }
    start_positions(engine, begins, now=now)
    return f"topic {kafka.topic} is read from its {'end' if latest else 'beginning'} on"


def wait_for_watch(settings: Settings, *, since: datetime, count: int = 1, seconds: float = FIRST_SECONDS) -> str:
    """Wait until so many members of `watch` say, later than `since`, that they read the topic; who reads what.

    Members without a partition to read are not waited for; several have them all between them. Raises Unavailable.
    """
    topic = settings.kafka.topic
    partitions = topic_edges(settings.kafka).keys() if count > 1 else frozenset[int]()
    engine = open_database(settings.store.url.get_secret_value(), settings.encryption, settings.store.files)
    deadline = time.monotonic() + seconds
    try:
        while not is_shared(found := readers(engine, topic, since=since), count, partitions):
            if time.monotonic() > deadline:
                raise Unavailable(_not_read(topic, found, seconds))
            time.sleep(LOOK_SECONDS)
    finally:
        engine.dispose()
    return shares_in_words(topic, found)


def is_shared(found: Mapping[str, frozenset[int]], count: int, partitions: AbstractSet[int]) -> bool:
    """Whether these members, no others, have the partitions, and every one of them its share."""
    if not found or not found.keys() <= set(members(count)):
        return False
    enough = min(count, len(partitions))
    return len(found) >= enough and partitions <= frozenset().union(*found.values())


def _not_read(topic: str, found: Mapping[str, frozenset[int]], seconds: float) -> str:
    if not found:
        return f"`watch` has no partition of {topic} within {seconds:.0f} s: see `sre status`, and its run in Prefect"
    shares = f"{shares_in_words(topic, found)} read by {', '.join(sorted(found))}"
    return f"not every member of `watch` has its share within {seconds:.0f} s: see `sre status`; {shares}"
