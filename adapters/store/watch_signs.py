"""What `watch` left in the store of itself: its words on how things are, and how far it came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.store.database import Engine, transaction
from adapters.store.intake import READING
from adapters.store.tables.running import conditions
from adapters.store.tables.stored_logs import offsets, topics
from domain.members import WATCH, partitions_in
from domain.watch_health import Signs

KAFKA = "kafka"  # the condition by which it says whether Kafka can be read


# A member says every few seconds how it is; what is so much older than the newest word of any is of one that is gone.
LATELY = timedelta(minutes=1)


def of_watch() -> sa.ColumnElement[bool]:
    """Conditions that a member of `watch` sees."""
    return sa.or_(conditions.c.seen_by == WATCH, conditions.c.seen_by.startswith(f"{WATCH}-", autoescape=True))


def readers(engine: Engine, topic: str, *, since: datetime) -> dict[str, frozenset[int]]:
    """Which partitions of a topic each member said that it has, since a moment. Raises Unavailable."""
    said = (conditions.c.part == READING, conditions.c.healthy, conditions.c.at >= since)
    with transaction(engine) as connection:
        rows = connection.execute(sa.select(conditions).where(of_watch(), *said)).all()
    return _shares(rows, topic)


def signs(engine: Engine, topic: str) -> Signs:
    """Every sign of `watch` that reads the topic. Raises Unavailable."""
    newest = sa.select(sa.func.max(topics.c.id)).where(topics.c.name == topic).scalar_subquery()
    stored = sa.select(offsets.c.partition, offsets.c.next_offset).where(offsets.c.topic_id == newest)
    with transaction(engine) as connection:
        said = connection.execute(sa.select(conditions).where(of_watch())).all()
        positions = {row.partition: row.next_offset for row in connection.execute(stored)}
    alive_at: datetime | None = max((row.at for row in said), default=None)
    lately = [row for row in said if alive_at and row.at > alive_at - LATELY]
    kafka = _kafka_of([row for row in lately if row.part == KAFKA] or [row for row in said if row.part == KAFKA])
    down = kafka is not None and not kafka.healthy
    return Signs(
        alive_at=alive_at,
        kafka_down_since=kafka.since if kafka and down else None,
        kafka_detail=kafka.detail if kafka and down else "",
        kafka_said_at=kafka.at if kafka else None,
        stored=positions,
        readers=_shares([row for row in lately if row.part == READING and row.healthy], topic),
    )


def _shares(rows: Iterable[sa.Row[Any]], topic: str) -> dict[str, frozenset[int]]:
    found = {row.seen_by: partitions_in(row.detail, topic) for row in rows}
    return {member: partitions for member, partitions in found.items() if partitions}


def _kafka_of(said: Sequence[sa.Row[Any]]) -> sa.Row[Any] | None:
    """How Kafka is for `watch` as a whole: a member that reads it makes it well, else since the last one lost it."""
    return max(said, key=lambda row: (row.healthy, row.since), default=None)


def said_of(engine: Engine, part: str, *, since: datetime) -> dict[str, str]:
    """What each member of `watch` said of a part since a moment: its name -> its words. Raises Unavailable."""
    query = sa.select(conditions).where(of_watch(), conditions.c.part == part, conditions.c.at >= since)
    with transaction(engine) as connection:
        return {row.seen_by: row.detail for row in connection.execute(query.order_by(conditions.c.seen_by))}
