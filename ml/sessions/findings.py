"""What is found out about one session, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """In which way a template departs from the nearest session that is normal."""

    NEW = "new"  # the history has no such template
    EXTRA = "extra"  # the nearest normal session is without it
    MISSING = "missing"
    MORE = "more"
    FEWER = "fewer"
    ORDER = "order"  # it does not follow what is before it
    TELLS = "tells"  # it is rare and tells of a failure


@dataclass(frozen=True, slots=True)
class Reason:
    """One departure from what is normal."""

    fault: Fault
    template: str  # empty for the end of the session
    count: int  # in this session
    usual: int  # in the nearest normal session; the least of its octave where a template's count varies widely
    weight: float  # nats: how rare the departure is in the history
    after: str = ""  # the template before, where the order is wrong; empty for the start of the session


@dataclass(frozen=True, slots=True)
class SessionFinding:
    """What a session's events say."""

    score: float  # from 0; 1 is where normal ends
    p_value: float  # the share of the history's sessions that score as high when they are held out, over 0 up to 1
    anomaly: bool
    reasons: tuple[Reason, ...]  # heaviest first; empty where nothing departs

    @property
    def confidence(self) -> float:
        """That the session is not of the history's kind, 0–1."""
        return 1 - self.p_value
