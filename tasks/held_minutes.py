"""Minutes of logs that are read from a file, kept in memory; the same steps run over them as over stored ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from domain.logs import SCHEMA, Place
from domain.minutes import MINUTE, NOTHING_CLOSED, Position, Turned
from domain.sessions import KEYED, columns_for, in_time, keyed, within


class HeldMinutes:
    """What `adapters/store/minute_rows.py:MinuteRows` is in a store."""

    def __init__(self) -> None:
        self.places: dict[Place, int] = {}
        self.over: dict[int, list[pa.Table]] = {}
        self.last = NOTHING_CLOSED
        self.ends: dict[int, dict[Place, Position]] = {}
        self.frames: list[pa.Table] = []

    def closed(self, places: Iterable[Place]) -> dict[Place, int]:
        """The last minute of each partition that is over, where that was said."""
        return {place: self.places[place] for place in places if place in self.places}

    def logs_after(self, place: Place, minute: int) -> tuple[pa.Table, pa.Array]:
        """Nothing: whoever reads a file holds its open minutes."""
        return SCHEMA.empty_table(), pa.array([], pa.int64())

    def hold(self, logs: pa.Table) -> None:
        """Hold the logs of a batch until their minutes are judged, for what looks at sessions."""
        self.frames.append(logs)

    def keyed_logs(self, minute: int, key: str) -> pa.Table:
        """What came in time of a minute's logs that carry the key, as KEYED."""
        parts = [keyed(within(one, minute).select(columns_for(key)), key) for one in self.frames]
        return in_time(pa.concat_tables(parts), self.ends.get(minute, {})) if parts else KEYED.empty_table()

    def add(self, place: Place, step: Turned, judged: int, ends: Mapping[int, Position]) -> None:
        """What is told of a partition's minutes; what was late is nowhere."""
        for minute, table in chain(step.over.items(), step.heard.items()):
            if minute > judged:
                self.over.setdefault(minute, []).append(table)
        for minute in step.over.keys() & ends.keys():
            if minute > judged:
                self.ends.setdefault(minute, {})[place] = ends[minute]

    def set_closed(self, place: Place, minute: int) -> None:
        """How far a partition is over."""
        self.places[place] = minute

    def left_behind(self, topic_ids: Iterable[int]) -> dict[Place, int]:
        """Nothing: a file is one topic."""
        return {}

    def end(self, place: Place, minute: int) -> None:
        """A partition is over for good."""
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
        self.ends = {at: ends for at, ends in self.ends.items() if at > minute}
        since = (minute + 1) * MINUTE
        self.frames = [one for one in self.frames if pc.max(one["timestamp"].cast(pa.int64())).as_py() >= since]

    def memory(self, name: str = "") -> None:
        """Nothing is kept beside what its reader holds."""

    def keep_memory(self, minute: int, kept: bytes, name: str = "") -> None:
        """Nothing is kept."""

    def between(self, after: int, upto: int) -> dict[int, list[pa.Table]]:
        """What partitions did in each minute after `after` and up to `upto`."""
        return {minute: parts for minute, parts in sorted(self.over.items()) if after < minute <= upto}

    def next_minute(self, after: int, upto: int) -> int | None:
        """The first minute after `after` and up to `upto` in which something was counted."""
        return min((minute for minute in self.over if after < minute <= upto), default=None)
