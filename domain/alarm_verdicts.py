"""What a person says of an incident when it is looked back upon."""

from __future__ import annotations

from enum import StrEnum


class AlarmVerdict(StrEnum):
    """Was there a fault?"""

    REAL = "real"
    FALSE_ALARM = "false-alarm"
