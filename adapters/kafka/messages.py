"""Messages of a broker as columns, so many at once as a batch has room for, and in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from domain.errors import OffsetLost
from domain.logs import Place, RawBatch

if TYPE_CHECKING:
    from confluent_kafka import Message

LAST_SENT = 4_102_444_800_000  # 2100 in ms: later is no clock's time, and much later ones no database holds


class Sizes:
    """How large messages are lately, so that a batch takes no more of them than it has room for."""

    FIRST = 1_000  # messages that are asked for while nothing is known
    LEAST = 64  # bytes
    MOST = 4_000  # messages of one call, in which the client lets no other thread run

    def __init__(self) -> None:
        self.mean = 0.0

    def fitting(self, room: int) -> int:
        """How many messages may come at once."""
        return min(self.MOST, max(1, int(room / max(self.mean, self.LEAST)))) if self.mean else self.FIRST

    def learn(self, messages: Sequence[Message]) -> int:
        """The bytes of these messages; the larger of their mean and the one before counts from now on."""
        if not messages:
            return 0
        size = sum(map(len, messages))
        mean = size / len(messages)
        self.mean = max(mean, (self.mean + mean) / 2)
        return size


def raw_batch(
    messages: Sequence[Message],
    topics: list[int],
    partitions: list[int],
    begins: Mapping[Place, int],
    names: Mapping[int, str],
) -> RawBatch:
    """Messages of a broker as columns; `begins`: where each partition was read from, `names`: topics by our numbers."""
    offsets: list[int] = [message.offset() for message in messages]  # type: ignore[misc]  # it came from a broker
    # The latest message of a partition wins, so a dict of all of them holds the next offsets.
    last = dict(zip(zip(topics, partitions, strict=True), offsets, strict=True))
    return RawBatch(
        topics=topics,
        partitions=partitions,
        offsets=offsets,
        values=[message.value() for message in messages],
        expected={place: begins[place] for place in last},
        following={place: offset + 1 for place, offset in last.items()},
        names=names,
        keys=[message.key() for message in messages],
        headers=[message.headers() for message in messages],  # type: ignore[misc]  # as the values
        sent=[at if 0 < (at := message.timestamp()[1]) < LAST_SENT else 0 for message in messages],
    )


def error_of(message: Message) -> object:
    """What the broker says instead of a message, or None."""
    return message.error()


def require_order(batch: RawBatch) -> None:
    """Raises OffsetLost unless each partition's offsets rise from where the store is.

    They do not when a partition was taken away and given back within one call.
    """
    topics, partitions, offsets = np.asarray(batch.topics), np.asarray(batch.partitions), np.asarray(batch.offsets)
    for (topic, number), expected in batch.expected.items():
        mine = offsets[(partitions == number) & (topics == topic)]
        if mine[0] < expected or (np.diff(mine) <= 0).any():
            raise OffsetLost(f"partition {number}: logs out of order after a rebalance")
