"""How logs come in, as far as the store can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.log_look_ups import came_since
from adapters.store.tables.decided import batches
from adapters.store.tables.running import conditions
from adapters.store.tables.stored_logs import dead_letters, offsets, topics

READING = "reading"  # the condition by which `watch` says that it has partitions


@dataclass(frozen=True, slots=True)
class Intake:
    """What the store knows about one topic."""

    incarnations: tuple[str, ...]  # the broker's ids of the topic, the newest last
    offsets: Mapping[int, int]  # partition -> next offset to read, of the newest incarnation
    last_at: datetime | None  # when the last batch was stored, None when none ever was
    logs: int  # stored since a moment
    rejected: int  # dead letters since then


def intake(engine: sa.Engine, topic: str, *, since: datetime) -> Intake:
    """What is stored of a topic, and how much of it since a moment."""
    query = sa.select(topics.c.id, topics.c.kafka_id).where(topics.c.name == topic).order_by(topics.c.id)
    with transaction(engine) as connection:
        known = connection.execute(query).all()
        numbers = [row.id for row in known]
        newest = offsets.c.topic_id == (numbers[-1] if numbers else -1)
        next_offsets = connection.execute(sa.select(offsets.c.partition, offsets.c.next_offset).where(newest)).all()
        last_at = sa.select(sa.func.max(offsets.c.committed_at)).where(offsets.c.topic_id.in_(numbers))
        mine = (dead_letters.c.topic_id.in_(numbers), dead_letters.c.arrived_at >= since)
        rejected = int(connection.scalar(sa.select(sa.func.count()).where(*mine)) or 0)
        began = connection.scalar(sa.select(sa.exists().where(batches.c.now.is_not(None))))
        return Intake(
            incarnations=tuple(row.kafka_id for row in known),
            offsets={row.partition: row.next_offset for row in next_offsets},
            last_at=connection.scalar(last_at) if began else None,
            logs=came_since(connection, numbers, since),
            rejected=rejected,
        )


def reading(engine: sa.Engine, topic: str, *, since: datetime) -> str:
    """What `watch` said since a moment about the partitions that it has; empty when it said nothing."""
    query = sa.select(conditions.c.detail).where(
        conditions.c.part == READING, conditions.c.healthy, conditions.c.at >= since
    )
    with transaction(engine) as connection:
        details = list(connection.scalars(query))
    return next((detail for detail in details if detail.startswith(f"{topic}: ")), "")
