"""What a benchmark's store holds: its batches, which messages, and how many bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow.compute as pc
import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.log_reader import Asked, read
from adapters.store.tables.stored_logs import log_blocks, logs

BYTES = (
    "SELECT coalesce(sum(pg_total_relation_size(relid)), 0)"
    " FROM (SELECT relid FROM pg_partition_tree('log_blocks') UNION SELECT relid FROM pg_partition_tree('logs')) held"
)


@dataclass(frozen=True, slots=True)
class Arrived:
    """One committed batch."""

    at: datetime  # when its decoding began
    logs: int
    anomalies: int
    model: int


def batches(engine: sa.Engine) -> list[Arrived]:
    """Every batch, as they were committed."""
    loose = sa.select(
        logs.c.arrived_at,
        sa.func.count(),
        sa.func.count().filter(logs.c.anomaly),
        sa.func.max(logs.c.model),
    ).where(~logs.c.in_block)
    whole = sa.select(log_blocks.c.arrived_at, log_blocks.c.logs, log_blocks.c.anomalies, log_blocks.c.model)
    with transaction(engine) as connection:
        rows = [*connection.execute(whole), *connection.execute(loose.group_by(logs.c.arrived_at))]
    return sorted((Arrived(*row) for row in rows), key=lambda one: one.at)


def messages(engine: sa.Engine) -> tuple[int, int]:
    """How many messages are stored, and how many of these are stored again, by topic, partition and offset."""
    first = Asked(filters=(pc.field("part") == 0,))
    names = ("topic", "partition", "offset", "part")
    with transaction(engine) as connection:
        places = [np.column_stack([part[name].to_numpy() for name in names]) for part in read(connection, first, names)]
    whole = np.concatenate(places) if places else np.empty((0, len(names)), np.int64)
    return len(whole), len(whole) - len(np.unique(whole, axis=0))


def bytes_on_disk(engine: sa.Engine) -> int:
    """What blocks and rows take in the database, indices included."""
    with transaction(engine) as connection:
        return int(connection.scalar(sa.text(BYTES)) or 0)
