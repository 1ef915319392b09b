"""Batches through the live steps into a store, for tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from adapters.formats.decoding import decode
from adapters.store.batches import BatchStore, Judged
from adapters.store.database import Engine, transaction
from adapters.store.positions import start_positions, topic_number
from domain.clocks import ahead, hold
from domain.folded import Folded
from domain.logs import RawBatch
from domain.settings import Settings
from ml import minute_counts
from ml.scoring import score
from tasks.judging import Knowledge, Stopwatch, judge
from tasks.minutes import MinuteMemory
from tasks.storing import store_batch
from tasks.templates import Templates
from tests.parts.logs_part import NOON, SECOND, a_batch, an_error

TREE = Settings()
# Wall time of tests: the logs of the first minutes after noon are fresh.
NOW = NOON + 10 * SECOND


def known(**branches: Any) -> Knowledge:
    """Decisions by rules alone and without a playbook; each branch replaces some of its settings."""
    changed = {name: getattr(TREE, name).model_copy(update=values) for name, values in branches.items()}
    return Knowledge(TREE.model_copy(update=changed), (), None)


@dataclass
class Feed:
    """One partition of one topic into one store, batch after batch."""

    engine: Engine
    knowledge: Knowledge = field(default_factory=known)
    partition: int = 0
    topic_id: int = 0
    next: int = 0
    templates: Templates | None = None
    memory: MinuteMemory = field(default_factory=MinuteMemory)

    def __post_init__(self) -> None:
        self.topic_id, _ = topic_number(self.engine, "logs", "incarnation-1", now=NOW)
        place = (self.topic_id, self.partition)
        self.next = start_positions(self.engine, {place: 0}, now=NOW)[place]

    def raw(self, values: Iterable[bytes | None]) -> RawBatch:
        return a_batch(values, begin=self.next, topic_id=self.topic_id, partition=self.partition)

    def judged(self, values: Iterable[bytes | None], *, now: datetime = NOW) -> Judged:
        raw = self.raw(values)
        batch = decode(raw, max_bytes=TREE.kafka.max_log_bytes)
        if batch.frame["fault"].null_count < len(batch):
            return judge(raw, self.knowledge, Stopwatch(), now=now)
        # Great Expectations takes 50 ms and finds nothing wrong with readable logs.
        detection = self.knowledge.settings.detection
        skewed, batch = ahead(batch, now), hold(batch, now)
        verdicts = score(
            batch, self.knowledge.champion, threshold=detection.confidence_threshold, enabled=detection.enabled
        )
        told = pa.nulls(len(batch), pa.int64()) if self.templates is None else self.templates.told(batch)
        counted, deciding = minute_counts.count(batch, told), self.knowledge
        return Judged(raw, batch, [], verdicts, counted, told, deciding.rules, deciding.texts, skewed)

    def save(self, judged: Judged, *, now: datetime = NOW) -> Folded:
        memory, self.memory = self.memory, MinuteMemory()
        found, self.memory = store_batch(
            BatchStore(self.engine), judged, self.knowledge, memory, now=now, templates=self.templates
        )
        self.next = judged.raw.following[self.topic_id, self.partition]
        return found

    def take(self, *values: bytes | None, now: datetime = NOW) -> Folded:
        return self.save(self.judged(values, now=now), now=now)

    def incident(self, **changes: object) -> int:
        """Store a confirmed incident with one page; its id."""
        folded = self.take(*(an_error(number, **changes) for number in range(3)))
        (incident,) = folded.touched.values()
        return incident.id


def rows(engine: Engine, query: str, **values: object) -> list[dict[str, Any]]:
    """What a query finds."""
    with transaction(engine) as connection:
        return [dict(row._mapping) for row in connection.execute(sa.text(query), values)]


def count(engine: Engine, table: str) -> int:
    return int(rows(engine, f"SELECT count(*) AS n FROM {table}")[0]["n"])
