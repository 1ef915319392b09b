"""How long sessions take: of those that say the same, and of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# So many sessions tell how long those of their kind take.
KIND_FROM = 30
# One that takes longer than both is too long: so many times what all but a hundredth take, and so far beyond the
# middle in spreads of the logarithm. Nobody minds what is over within a second.
TIMES, SPREADS, LEAST_SECONDS = 3.0, 6.0, 1.0
MOST_BUT_A_HUNDREDTH = 0.99
LEAST_SPREAD = 0.1
SHORTEST = 0.001  # seconds
OF_NORMAL = 1.4826  # from a median deviation to a standard deviation

Kind = frozenset[str]


@dataclass(frozen=True, slots=True)
class Usual:
    """How long sessions of one kind take."""

    middle: float  # seconds
    limit: float  # seconds beyond which one takes too long
    sessions: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Usual:
        """From at least one session."""
        taken = np.maximum(np.asarray(seconds, np.float64), SHORTEST)
        logs = np.log(taken)
        middle = float(np.median(logs))
        spread = max(LEAST_SPREAD, OF_NORMAL * float(np.median(np.abs(logs - middle))))
        long = TIMES * float(np.quantile(taken, MOST_BUT_A_HUNDREDTH))
        limit = max(LEAST_SECONDS, long, float(np.exp(middle + SPREADS * spread)))
        return cls(float(np.exp(middle)), limit, len(taken))

    def score(self, seconds: float) -> float:
        """From 0; over 1 it takes too long."""
        beyond = np.log(max(seconds, SHORTEST) / self.middle) / np.log(self.limit / self.middle)
        return max(0.0, float(beyond))


@dataclass(frozen=True, slots=True)
class Durations:
    """How long sessions of a history took."""

    kinds: Mapping[Kind, Usual]
    all: Usual

    @classmethod
    def of(cls, sessions: Iterable[tuple[Kind, float]]) -> Durations:
        """From at least one session: what is in it, and how many seconds it took."""
        held: dict[Kind, list[float]] = {}
        for kind, seconds in sessions:
            held.setdefault(kind, []).append(seconds)
        everything = Usual.of([one for taken in held.values() for one in taken])
        return cls({kind: Usual.of(taken) for kind, taken in held.items() if len(taken) >= KIND_FROM}, everything)

    def usual(self, kind: Kind) -> Usual:
        """Of this kind where enough of it are known, else of all."""
        return self.kinds.get(kind, self.all)
