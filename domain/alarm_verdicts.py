"""What a person says of an incident when it is looked back upon."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class AlarmVerdict(StrEnum):
    """Was there a fault?"""

    REAL = "real"
    FALSE_ALARM = "false-alarm"


class Said(IntEnum):
    """What is known of a stored log's incident when a model learns from it."""

    NOTHING = -1  # it is of none that was confirmed, or its text is not what made it an anomaly
    FALSE = 0  # people call it a false alarm
    CONFIRMED = 1  # several logs confirmed it, and nobody said anything
    REAL = 2  # people call it a real one
