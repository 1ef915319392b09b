"""Which partitions were read to their end and say nothing: what there is no log of is over by the clock."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from domain.logs import Place

log = logging.getLogger(__name__)

IDLE_SECONDS = 30.0  # a partition of which nothing came for so long is as far as the clock
ANSWER_SECONDS = 1.0  # the broker is waited for so long when it is asked whether that is so


class Idleness:
    """When something came of each partition last, and where each of them had nothing more.

    Parameters
    ----------
    clock
        Seconds of a clock that only goes forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.heard: dict[Place, float] = {}  # when something came last, or it was said that nothing does
        self.ends: dict[Place, int] = {}  # the offset at which there was nothing more, whatever lies before it

    def ended(self, place: Place, message: Message) -> None:
        """The client says that a partition was read to its end."""
        if (at := message.offset()) is not None:
            self.ends[place] = at

    def forget(self, places: Iterable[Place]) -> None:
        """These are read from elsewhere, or by somebody else."""
        for place in places:
            self.ends.pop(place, None)

    def among(
        self, following: Mapping[Place, int], came: Collection[Place], consumer: Consumer, names: Mapping[int, str]
    ) -> list[Place]:
        """Places of which nothing came for long, and of which the broker says that there is nothing.

        `following`: the next offset of each place that is ours; `came`: those of which something came just now.
        """
        now = self.clock()
        self.heard = {place: now if place in came else self.heard.get(place, now) for place in following}
        waiting = sorted(place for place, at in self.heard.items() if now - at >= IDLE_SECONDS)
        found = []
        try:
            for place in waiting:
                end = self.ends.get(place, -1)
                if end >= following[place] and end >= _written(consumer, TopicPartition(names[place[0]], place[1])):
                    found.append(place)
        except KafkaException as error:
            # While it does not answer, logs may wait where it is not reached; they get their time when it is back.
            log.info("kafka.nothing-said-of-idle", extra={"error": str(error)})
            self.heard = dict.fromkeys(following, now)
            return []
        self.heard |= dict.fromkeys(found, now)
        return found


def _written(consumer: Consumer, there: TopicPartition) -> int:
    """How far a partition was written. Raises KafkaException where the broker does not answer."""
    _, readable = consumer.get_watermark_offsets(there, timeout=ANSWER_SECONDS)
    # The one of the last fetch counts, too, what a transaction that is open has written.
    _, written = consumer.get_watermark_offsets(there, cached=True)
    return max(int(readable), int(written))
