"""How long one line waits for the next within a trace: a slow network shows here and in no service's own metrics."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from domain.movements import Movement, MovementKind
from domain.telemetry import Follow

# Shorter waits differ by how programs are scheduled, not by what is wrong.
JITTER = 0.005  # seconds
# A wait that grew by less than a factor of about 1.6 did not move.
CHANCE = 0.5


@dataclass(frozen=True, slots=True)
class Wait:
    """How long the second line of a pair came after the first."""

    follow: Follow
    before_seconds: float  # the median
    during_seconds: float  # the median

    @property
    def weight(self) -> int:
        """How many pairs there are on the side that has fewer."""
        return min(self.follow.before, self.follow.during)

    @property
    def grown(self) -> float:
        """By how many factors of e it grew."""
        return math.log((self.during_seconds + JITTER) / (self.before_seconds + JITTER))


def wait_movements(waits: Iterable[Wait], onset: datetime) -> Iterator[Movement]:
    """Each pair of services of which the second is heard later after the first than before."""
    pairs: dict[tuple[str, str], list[Wait]] = {}
    for wait in waits:
        if wait.weight:
            pairs.setdefault((wait.follow.service, wait.follow.then_service), []).append(wait)
    for (service, heard), found in sorted(pairs.items()):
        weight = sum(wait.weight for wait in found)
        grown = sum(wait.weight * wait.grown for wait in found) / weight
        # One pair of lines says half of what many say.
        size = grown * weight / (weight + 1) - CHANCE
        if size > 0:
            before = sum(wait.weight * wait.before_seconds for wait in found) / weight
            after = sum(wait.weight * wait.during_seconds for wait in found) / weight
            yield Movement(service, MovementKind.WAITS_LONGER, heard, before, after, size, onset)
