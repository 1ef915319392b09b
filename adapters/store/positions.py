"""Which topics are known, and from where each partition is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa

from adapters.store.database import Contended, transaction
from adapters.store.tables import ledger, offsets, topics
from domain.ledger import LedgerKind


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


def read_positions(engine: sa.Engine, topic_id: int, partitions: Iterable[int]) -> dict[int, int]:
    """The next offset of each partition that has one stored."""
    query = sa.select(offsets.c.partition, offsets.c.next_offset).where(
        offsets.c.topic_id == topic_id, offsets.c.partition.in_(list(partitions))
    )
    with transaction(engine) as connection:
        return {row.partition: row.next_offset for row in connection.execute(query)}


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


def start_positions(engine: sa.Engine, topic_id: int, starts: Mapping[int, int], *, now: datetime) -> dict[int, int]:
    """Store where partitions start that have no offset yet; what is stored afterwards, whoever was first."""
    for partition, offset in sorted(starts.items()):
        try:
            with transaction(engine) as connection:
                connection.execute(
                    offsets.insert().values(
                        topic_id=topic_id, partition=partition, next_offset=offset, committed_at=now
                    )
                )
        except Contended:
            continue  # another consumer was first; its offset counts
    return read_positions(engine, topic_id, starts)


def skip_positions(
    engine: sa.Engine, topic_id: int, lost: Mapping[int, tuple[int, int]], *, now: datetime
) -> dict[int, int]:
    """Go on behind logs that no longer exist: partition -> (stored offset, oldest offset); what is stored now."""
    with transaction(engine) as connection:
        for partition, (stored, oldest) in sorted(lost.items()):
            connection.execute(
                offsets.update()
                .where(
                    offsets.c.topic_id == topic_id,
                    offsets.c.partition == partition,
                    offsets.c.next_offset == stored,
                )
                .values(next_offset=oldest, committed_at=now)
            )
    return read_positions(engine, topic_id, lost)
