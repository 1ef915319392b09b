"""Stored batches with their logs, in the order in which they were read: what is needed to decide them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from numpy.typing import NDArray

from adapters.store.database import Connection
from adapters.store.log_reader import Asked, whole
from adapters.store.tables.decided import batches
from domain.logs import Place
from domain.replay import run_of

TICK = timedelta(microseconds=1)
# What a replay needs of a log beside what it compares.
READ = ("topic", "partition", "offset", "part", "timestamp", "service", "level", "message", "request_id", "measured")
COMPARED = ("confidence", "reason", "model", "anomaly", "incident_id")


@dataclass(frozen=True)
class StoredBatch:
    """One batch with what it was decided from, but for its logs."""

    id: int
    now: datetime
    first: Mapping[Place, int]
    following: Mapping[Place, int]
    knowledge: str  # digest
    fallback: str  # why its model did not judge it
    runs: Sequence[Sequence[int]] | None  # in which order its partitions were read
    judged: int | None  # the last minute that was judged with it
    after_entry: int | None  # of the ledger, when it looked at incidents

    @cached_property
    def messages(self) -> int:
        """How many there were at most: some offsets hold none."""
        return sum(self.following[place] - first for place, first in self.first.items())

    @property
    def idle(self) -> frozenset[Place]:
        """Places that were read to their end and said nothing."""
        return frozenset(place for place, first in self.first.items() if self.following[place] == first)


def batches_between(connection: Connection, since: datetime, until: datetime) -> list[StoredBatch]:
    """Batches that were decided in a time, in the order in which they were stored."""
    query = sa.select(batches).where(batches.c.now >= since, batches.c.now < until).order_by(batches.c.id)
    return [_batch(row) for row in connection.execute(query)]


def _batch(row: sa.Row[Any]) -> StoredBatch:
    first, following = _places(row.first_offsets), _places(row.next_offsets)
    return StoredBatch(
        row.id, row.now, first, following, row.knowledge, row.fallback, row.runs, row.judged, row.after_entry
    )


def _places(named: Mapping[str, int]) -> dict[Place, int]:
    found = {}
    for name, offset in named.items():
        topic, _, partition = name.partition("/")
        found[int(topic), int(partition)] = int(offset)
    return found


def judged_before(connection: Connection, batch: int) -> int | None:
    """The last minute that had been judged before a batch; None where no batch says so."""
    found: int | None = connection.scalar(sa.select(sa.func.max(batches.c.judged)).where(batches.c.id < batch))
    return found


def logs_of(connection: Connection, wanted: Sequence[StoredBatch]) -> tuple[pa.Table, NDArray[np.int64]]:
    """The logs of some batches, in the order in which they were read, and which of the batches each is of.

    Columns are those of READ and COMPARED. Where a batch does not say in which order its partitions were read,
    they come one after the other.
    """
    asked = Asked(arrived_since=min(one.now for one in wanted), arrived_until=max(one.now for one in wanted) + TICK)
    found = whole(connection, asked, [*READ, *COMPARED]).combine_chunks()
    places = [(found[name].to_numpy().astype(np.int64)) for name in ("topic", "partition")]
    offsets, parts = found["offset"].to_numpy(), found["part"].to_numpy()
    of_batch, run = np.full(len(found), -1, np.int64), np.zeros(len(found), np.int64)
    for topic, partition in sorted({place for one in wanted for place in one.following}):
        here = np.flatnonzero((places[0] == topic) & (places[1] == partition))
        of_batch[here], run[here] = _assigned(wanted, (topic, partition), offsets[here])
    order = np.lexsort((parts, offsets, places[1], places[0], run, of_batch))
    order = order[of_batch[order] >= 0]
    if len(order) == len(found) and (np.diff(order) == 1).all():
        return found, of_batch
    return found.take(pa.array(order)), of_batch[order]


def _assigned(
    wanted: Sequence[StoredBatch], place: Place, offsets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For logs of one partition their batch, −1 for none of these, and the run within it."""
    mine = sorted(
        (one.first[place], one.following[place], number) for number, one in enumerate(wanted) if place in one.first
    )
    first, following, numbers = (np.array(column, np.int64) for column in zip(*mine, strict=True))
    at = np.searchsorted(first, offsets, side="right") - 1
    inside = (at >= 0) & (offsets < following[at])
    of_batch = np.where(inside, numbers[at], -1)
    run = np.zeros(len(offsets), np.int64)
    for number in np.unique(of_batch[inside]).tolist():
        order = wanted[number].runs
        if order is not None:
            here = of_batch == number
            run[here] = run_of(place, offsets[here], order)
    return of_batch, run
