"""Which topics are known, and from where each partition is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa

from adapters.store.database import Contended, transaction
from adapters.store.tables.chained import ledger
from adapters.store.tables.stored_logs import offsets, topics
from domain.ledger import LedgerKind
from domain.logs import Place


def topic_number(engine: sa.Engine, name: str, kafka_id: str, *, now: datetime) -> tuple[int, bool]:
    """Our number of this incarnation of a topic, and whether another incarnation was known before."""
    try:
        return _topic_number(engine, name, kafka_id, now=now)
    except Contended:
        return _topic_number(engine, name, kafka_id, now=now)  # another consumer met it first


def _topic_number(engine: sa.Engine, name: str, kafka_id: str, *, now: datetime) -> tuple[int, bool]:
    with transaction(engine) as connection:
        known = {row.kafka_id: row.id for row in connection.execute(sa.select(topics).where(topics.c.name == name))}
        if kafka_id in known:
            return known[kafka_id], False
        number = connection.execute(topics.insert().values(name=name, kafka_id=kafka_id)).inserted_primary_key
        if known:
            connection.execute(
                ledger.insert().values(
                    at=now,
                    kind=LedgerKind.TOPIC_CHANGED,
                    fields={"topic": name, "new": kafka_id, "known": sorted(known)},
                )
            )
        return (number[0] if number is not None else 0), bool(known)


def read_positions(engine: sa.Engine, places: Iterable[Place]) -> dict[Place, int]:
    """The next offset of each place that has one stored."""
    wanted = set(places)
    topic_ids = sorted({topic for topic, _ in wanted})
    query = sa.select(offsets.c.topic_id, offsets.c.partition, offsets.c.next_offset).where(
        offsets.c.topic_id.in_(topic_ids)
    )
    with transaction(engine) as connection:
        found = {(row.topic_id, row.partition): row.next_offset for row in connection.execute(query)}
    return {place: offset for place, offset in found.items() if place in wanted}


def has_positions(engine: sa.Engine, topic_id: int) -> bool:
    """Whether any partition of the topic, in whatever incarnation, was ever assigned."""
    return _placed(engine, sa.select(topics.c.name).where(topics.c.id == topic_id).scalar_subquery())


def is_placed(engine: sa.Engine, topic: str) -> bool:
    """The same, by the topic's name."""
    return _placed(engine, sa.literal(topic))


def _placed(engine: sa.Engine, name: sa.ColumnElement[str]) -> bool:
    of_name = sa.select(topics.c.id).where(topics.c.name == name)
    query = sa.select(sa.func.count()).select_from(offsets).where(offsets.c.topic_id.in_(of_name))
    with transaction(engine) as connection:
        return bool(connection.scalar(query))


def start_positions(engine: sa.Engine, starts: Mapping[Place, int], *, now: datetime) -> dict[Place, int]:
    """Store where places start that have no offset yet; what is stored afterwards, whoever was first."""
    for (topic, partition), offset in sorted(starts.items()):
        try:
            with transaction(engine) as connection:
                connection.execute(
                    offsets.insert().values(topic_id=topic, partition=partition, next_offset=offset, committed_at=now)
                )
        except Contended:
            continue  # another consumer was first; its offset counts
    return read_positions(engine, starts)


def skip_positions(connection: sa.Connection, lost: Mapping[Place, tuple[int, int]], *, now: datetime) -> None:
    """Go on behind logs that do not exist: place -> (stored offset, where reading goes on)."""
    for (topic, partition), (stored, following) in sorted(lost.items()):
        connection.execute(
            offsets.update()
            .where(
                offsets.c.topic_id == topic,
                offsets.c.partition == partition,
                offsets.c.next_offset == stored,
            )
            .values(next_offset=following, committed_at=now)
        )
