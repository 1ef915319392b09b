"""What was found about a service in a minute: how sure, how large, since when, and against what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.minutes import MINUTE, Measured

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What people read where no metric's name says it.
SUBJECTS = {
    Measured.LOGS: "logs a minute",
    Measured.ERRORS: "errors in 100 logs",
    Measured.SESSIONS: "abnormal requests in 100",
}
AT_ONCE = (Measured.ERRORS, Measured.SESSIONS)


@dataclass(frozen=True, slots=True)
class MinuteFinding:
    """One measure of one service that was not as usual in one minute."""

    service: str
    measured: Measured
    name: str  # of the metric, empty for the others
    minute: int  # since 1970
    since: int  # the minute in which it began
    logs: int  # of the service in that minute
    direction: str  # "high" or "low"
    value: float
    normal: float  # what was expected
    spread: float  # how far from it is usual
    p_value: float  # how likely a usual minute is to be so far off
    fitted: bool  # that likelihood lies beyond what was seen, so it comes from a fitted tail
    confidence: float  # 0–1, from 0.7 on an anomaly

    @property
    def subject(self) -> str:
        """What is measured, in words."""
        return SUBJECTS.get(self.measured, self.name)

    def is_told(self, least: int) -> bool:
        """Whether it is told of, not only listed.

        A number that is high or low for one minute is a spike. Silence, errors and abnormal requests are told of at
        once; errors of a few logs speak for themselves.
        """
        if self.measured is Measured.LOGS:
            return self.direction == "low" or self.since < self.minute
        return self.logs >= least and (self.measured in AT_ONCE or self.since < self.minute)

    @property
    def begins_at(self) -> datetime:
        """When the minute began."""
        return minute_at(self.minute)


def minute_at(minute: int) -> datetime:
    """When a minute since 1970 begins."""
    return EPOCH + timedelta(microseconds=minute * MINUTE)
