"""A `Watching` on a real topic and store, and one turn of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adapters.kafka.cluster import Cluster
from adapters.page_spool import PageSpool
from adapters.store.database import connect
from domain.errors import SreError
from domain.settings import Settings
from tasks.champion import ChampionSource
from tasks.judging import Knowledge
from tasks.topics import TopicIdentity
from tasks.watching import Watching
from tests.parts.kafka_part import Topic


@contextmanager
def watching(topic: Topic, url: str, home: Path | None = None, **kafka: Any) -> Iterator[Watching]:
    """With a home it spools critical pages there while the store is down."""
    tree = Settings(kafka=topic.settings(**kafka))
    champion = ChampionSource(Knowledge(tree, (), None), None)
    identity = TopicIdentity(Cluster(tree.kafka).topic_ids, durable=True)
    opened = Watching(tree, connect(url), champion, identity, PageSpool(home) if home else None)
    try:
        yield opened
    finally:
        opened.close()


def turn(watch: Watching) -> None:
    """What the flow does once: read and take one batch; what fails is read again."""
    try:
        raw = watch.read()
        if len(raw) or raw.idle:
            watch.take(watch.weigh(raw))
    except SreError as error:
        watch.drop(error)
