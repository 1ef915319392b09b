"""What was found about a service in a minute: how sure, how large, since when, and against what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.amounts import measured, number
from domain.minutes import MINUTE, Measured
from domain.shown_texts import cut, printable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What people read where no metric's name says it.
SUBJECTS = {
    Measured.LOGS: "logs a minute",
    Measured.ERRORS: "errors in 100 logs",
    Measured.SESSIONS: "abnormal requests in 100",
}
AT_ONCE = (Measured.ERRORS, Measured.SESSIONS)
OF_TEXTS = (Measured.TEMPLATE, Measured.NEW)
TEXTS_LAST = 3  # minutes after the first
LONGEST = 80  # of a text that is told of
LOOKED_UP = frozenset({"text", "of_failure"})  # fields that are not stored: a text is sealed where it is kept


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
    text: str = ""  # of the template that is `name`; looked up, not stored
    of_failure: bool = False  # whether that has a word of failure

    @property
    def subject(self) -> str:
        """What is measured, in words."""
        if self.measured not in OF_TEXTS:
            return SUBJECTS.get(self.measured, self.name)
        said = f"“{cut(printable(self.text), LONGEST)}”" if self.text else f"template {self.name}"
        return said if self.measured is Measured.TEMPLATE else f"new: {said}"

    @property
    def told(self) -> str:
        """It in words: `“retry N of M” 34 in 100 logs, normally 0.2 ± 0.1`."""
        spread = f" ± {measured(self.subject, self.spread)}"
        if self.measured in OF_TEXTS:
            return f"{self.subject} {number(self.value)} in 100 logs, normally {number(self.normal)}{spread}"
        normal = measured(self.subject, self.normal)
        return f"{self.subject} {measured(self.subject, self.value)}, normally {normal}{spread}"

    def is_told(self, least: int) -> bool:
        """Whether it is told of, not only listed.

        A number that is high or low for one minute is a spike. Silence, errors and abnormal requests are told of at
        once; errors of a few logs speak for themselves. Other texts than usual are told of when they go on for four
        minutes, as texts come in bursts; new ones where they tell of a failure, as each deployment brings some.
        """
        if self.measured is Measured.LOGS:
            return self.direction == "low" or self.since < self.minute
        if self.measured in OF_TEXTS:
            enough = max(self.value, self.normal) / 100 * self.logs >= least
            wanted = self.measured is Measured.TEMPLATE or self.of_failure
            return enough and wanted and self.minute - self.since >= TEXTS_LAST
        return self.logs >= least and (self.measured in AT_ONCE or self.since < self.minute)

    @property
    def begins_at(self) -> datetime:
        """When the minute began."""
        return minute_at(self.minute)


def minute_at(minute: int) -> datetime:
    """When a minute since 1970 begins."""
    return EPOCH + timedelta(microseconds=minute * MINUTE)
