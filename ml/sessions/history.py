"""Sessions of the past that are held to learn from: a sample in which the newer ones are more likely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.sessions.opened import SECOND, Whole, of_key

# Sessions held, and logs of them in all: what learning takes under a second for.
MOST, MOST_LOGS = 1_600, 24_000
# After so long a session is held a third as likely as one from now.
FADING = 86_400 * SECOND
TABLE = pa.schema([("priority", pa.float64()), ("seconds", pa.float64()), ("events", pa.list_(pa.string()))])
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Past:
    """One session that is over."""

    priority: float
    seconds: float
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class History:
    """Past sessions, the highest priority first."""

    sessions: tuple[Past, ...] = ()

    def __len__(self) -> int:
        return len(self.sessions)

    @property
    def least(self) -> float:
        """The priority that a further one must have."""
        return self.sessions[-1].priority if len(self.sessions) >= MOST else -np.inf

    def added(self, new: Sequence[Past]) -> History:
        """With further sessions, and without those of least priority where they are too many."""
        if not new:
            return self
        ordered = sorted([*self.sessions, *new], key=lambda one: (-one.priority, one.events, one.seconds))[:MOST]
        logs = np.cumsum([len(one.events) for one in ordered])
        return History(tuple(ordered[: max(1, int(np.searchsorted(logs, MOST_LOGS, side="right")))]))

    def table(self) -> pa.Table:
        """As columns."""
        columns = [
            [one.priority for one in self.sessions],
            [one.seconds for one in self.sessions],
            [list(one.events) for one in self.sessions],
        ]
        return pa.table([pa.array(held, one.type) for held, one in zip(columns, TABLE, strict=True)], schema=TABLE)

    @classmethod
    def of(cls, table: pa.Table) -> History:
        """The history whose `table` it was."""
        rows = zip(*(table[name].to_pylist() for name in TABLE.names), strict=True)
        return cls(tuple(Past(priority, seconds, tuple(events)) for priority, seconds, events in rows))


def priorities(keys: Sequence[str], began: Whole) -> Floats:
    """How likely each session is held, by its key and time alone; the highest ones are.

    Method: weighted sampling without replacement by the largest of time and a Gumbel variate, which gives weights
    that fade exponentially (Efraimidis and Spirakis, *Weighted random sampling with a reservoir*, 2006).
    """
    hashed = of_key(f"{key}\0{at}" for key, at in zip(keys, began.tolist(), strict=True))
    chance = (hashed + 0.5) / 2.0**32
    found: Floats = began / FADING - np.log(-np.log(chance))
    return found
