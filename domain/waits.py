"""How long one line waits for the next within a trace: a slow network shows here and in no service's own metrics."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import datetime

from domain.movements import Movement, MovementKind
from domain.telemetry import Follow

# Shorter waits differ by how programs are scheduled, not by what is wrong.
JITTER = 0.005  # seconds
# A wait that grew by less than a factor of about 1.6 did not move.
CHANCE = 0.5


def wait_movements(follows: Iterable[Follow], onset: datetime) -> Iterator[Movement]:
    """Each pair of services of which the second is heard later after the first than before."""
    pairs: dict[tuple[str, str], list[Follow]] = {}
    for follow in follows:
        if _pairs(follow):
            pairs.setdefault((follow.service, follow.then_service), []).append(follow)
    for (service, heard), found in sorted(pairs.items()):
        weight = sum(map(_pairs, found))
        grown = sum(_pairs(one) * _grown(one) for one in found) / weight
        # One pair of lines says half of what many say.
        size = grown * weight / (weight + 1) - CHANCE
        if size > 0:
            before = sum(_pairs(one) * one.before_seconds for one in found) / weight
            after = sum(_pairs(one) * one.during_seconds for one in found) / weight
            yield Movement(service, MovementKind.WAITS_LONGER, heard, before, after, size, onset)


def _pairs(follow: Follow) -> int:
    """How many there are on the side that has fewer."""
    return min(follow.before, follow.during)


def _grown(follow: Follow) -> float:
    """By how many factors of e the wait grew."""
    return math.log((follow.during_seconds + JITTER) / (follow.before_seconds + JITTER))
