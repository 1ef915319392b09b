"""Minutes of logs that are read from a file, kept in memory; the same steps run over them as over stored ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain

import pyarrow as pa

from domain.logs import SCHEMA, Place
from domain.minutes import NOTHING_CLOSED


class HeldMinutes:
    """What `adapters/store/minute_rows.py:MinuteRows` is in a store."""

    def __init__(self) -> None:
        self.places: dict[Place, int] = {}
        self.over: dict[int, list[pa.Table]] = {}
        self.last = NOTHING_CLOSED

    def closed(self, places: Iterable[Place]) -> dict[Place, int]:
        """The last minute of each partition that is over, where that was said."""
        return {place: self.places[place] for place in places if place in self.places}

    def logs_after(self, place: Place, minute: int) -> tuple[pa.Table, pa.Array]:
        """Nothing: whoever reads a file holds its open minutes."""
        return SCHEMA.empty_table(), pa.array([], pa.int64())

    def add(
        self, place: Place, timely: Iterable[Mapping[int, pa.Table]], late: Mapping[int, pa.Table], judged: int
    ) -> None:
        """What is told of a partition's minutes; what was late is nowhere."""
        for minute, table in chain.from_iterable(one.items() for one in timely):
            if minute > judged:
                self.over.setdefault(minute, []).append(table)

    def set_closed(self, place: Place, minute: int) -> None:
        """How far a partition is over."""
        self.places[place] = minute

    def fleet_closed(self) -> int:
        """The last minute that is over in every partition."""
        return min(self.places.values(), default=NOTHING_CLOSED)

    def judged(self) -> int:
        """The last minute that was judged."""
        return self.last

    def set_judged(self, minute: int) -> None:
        """Minutes up to this one were judged, and are not needed any more."""
        self.last = minute
        self.over = {at: parts for at, parts in self.over.items() if at > minute}

    def memory(self) -> None:
        """Nothing is kept beside what its reader holds."""

    def keep_memory(self, minute: int, kept: bytes) -> None:
        """Nothing is kept."""

    def between(self, after: int, upto: int) -> dict[int, list[pa.Table]]:
        """What partitions did in each minute after `after` and up to `upto`."""
        return {minute: parts for minute, parts in sorted(self.over.items()) if after < minute <= upto}

    def next_minute(self, after: int, upto: int) -> int | None:
        """The first minute after `after` and up to `upto` in which something was counted."""
        return min((minute for minute in self.over if after < minute <= upto), default=None)
