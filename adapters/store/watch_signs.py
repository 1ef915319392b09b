"""What `watch` left in the store of itself: its words on how things are, and how far it came."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from adapters.store.database import Engine, transaction
from adapters.store.tables import conditions, offsets, topics
from domain.watch_health import Signs

WATCH = "watch"  # by this name its conditions are seen
KAFKA = "kafka"  # the condition by which it says whether Kafka can be read


def signs(engine: Engine, topic: str) -> Signs:
    """Every sign of `watch` that reads the topic. Raises Unavailable."""
    mine = conditions.c.seen_by == WATCH
    newest = sa.select(sa.func.max(topics.c.id)).where(topics.c.name == topic).scalar_subquery()
    stored = sa.select(offsets.c.partition, offsets.c.next_offset).where(offsets.c.topic_id == newest)
    with transaction(engine) as connection:
        alive_at: datetime | None = connection.scalar(sa.select(sa.func.max(conditions.c.at)).where(mine))
        kafka = connection.execute(sa.select(conditions).where(mine, conditions.c.part == KAFKA)).first()
        positions = {row.partition: row.next_offset for row in connection.execute(stored)}
    down = kafka is not None and not kafka.healthy
    return Signs(
        alive_at=alive_at,
        kafka_down_since=kafka.since if kafka and down else None,
        kafka_detail=kafka.detail if kafka and down else "",
        kafka_said_at=kafka.at if kafka else None,
        stored=positions,
    )
