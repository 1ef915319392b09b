"""What speaks for and against an alert before anybody said which lines are some."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signs:
    """Each from 0 on, in nats where it is a surprise."""

    level: float  # how rare it is that the service comes to this level
    severity: float  # the level itself: INFO and below 0, the highest 1; half of it where it is usual for the service
    failed: float  # 1 where the message tells of a failure
    healed: float  # 1 where it tells of one that was put right, or of none
    reading: float  # 1 where it tells a value and not what happened
    severe_words: float  # how much more often its words stand at high levels than words do, −1 to 1
    usual: float  # how often its template came anew after an hour, as a logarithm; 0 where it tells of a failure
    burst: float  # lines of its kind of late, as a logarithm; the less, the more usual the level is


# How much each counts. A line at the highest level counts as one that tells of a failure twice over; that a value is
# told, or that all is well again, takes away what the words of failure give.
WEIGHTS = Signs(
    level=0.3, severity=2.0, failed=0.75, healed=-1.0, reading=-1.0, severe_words=0.75, usual=-0.3, burst=0.2
)
NAMES = tuple(Signs.__dataclass_fields__)
# A line at the highest level where the service comes to it once in four times, or one that tells of a failure at ERROR.
ALERT = 2.0


def total(signs: Signs) -> float:
    """What the signs come to."""
    return float(sum(getattr(WEIGHTS, name) * getattr(signs, name) for name in NAMES))
