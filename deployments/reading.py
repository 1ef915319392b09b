"""From where the topic is read is settled before anything can be sent, and `watch` is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from adapters.kafka.consumer import Cluster
from adapters.kafka.edges import topic_edges
from adapters.store.database import Engine, connect
from adapters.store.intake import reading
from adapters.store.positions import is_placed, start_positions, topic_number
from domain.errors import Unavailable
from domain.settings import KafkaSettings, Settings, Start

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
        partition: next_one if latest and partition not in made else oldest
        for partition, (oldest, next_one) in topic_edges(kafka).items()
    }
    start_positions(engine, number, begins, now=now)
    return f"topic {kafka.topic} is read from its {'end' if latest else 'beginning'} on"


def wait_for_watch(settings: Settings, *, since: datetime, seconds: float = FIRST_SECONDS) -> str:
    """Wait until `watch` says, later than `since`, that it has partitions of the topic; what it says.

    Raises Unavailable.
    """
    engine = connect(settings.store.url.get_secret_value())
    deadline = time.monotonic() + seconds
    try:
        while not (found := reading(engine, settings.kafka.topic, since=since)):
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"`watch` has no partition of {settings.kafka.topic} within {seconds:.0f} s: see `sre status`, "
                    "and its run in Prefect"
                )
            time.sleep(LOOK_SECONDS)
    finally:
        engine.dispose()
    return found
