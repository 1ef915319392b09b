"""What would have been without the action: other services, the fault's earlier pace, how long such faults last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

# So much of the usual traffic, less what all others lost too, must be there to be judged; and others whose
# measure was at least so much of the fault's own had the same fault.
ALIKE_SHARE = 0.5
# The day may have become so much quieter; with still less nothing can be proved.
LESS_EVERYWHERE = 0.5
# Without an own log for so long, although so many were to be expected, a fault has ended. By chance that happens
# to fewer than one in a hundred: exp(-5).
SILENT_SECONDS, EXPECTED_LOGS = 10.0, 5.0
# A fault's pace is not judged by a shorter time: its first logs come in a burst.
SHORTEST_SECONDS = 30.0
# From one half of the minute before the action to the next, a fault that goes on does not fall to so little.
FADING_SHARE, FADING_FROM = 0.25, 10
# From so few earlier faults nothing follows.
ENOUGH_EARLIER = 3


@dataclass(frozen=True, slots=True)
class Traffic:
    """What was seen within some time."""

    logs: int  # of the service
    own: int  # of them, logs of the incident itself
    seconds: float
    others: int = 0  # logs of all other services: what happens to everybody

    @property
    def rate(self) -> float:
        """The service's logs per second."""
        return self.logs / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """The measure over some logs."""

    logs: int
    value: float | None  # a share 0–1, or the mean of a metric; None where no log says anything
    seconds: float = 0.0  # that they cover


@dataclass(frozen=True, slots=True)
class Pace:
    """The fault's own logs before the action."""

    own: int  # since the fault began
    seconds: float  # from its first log to its last one before the action
    silent: float  # seconds from that last one to the action
    earlier: int = 0  # in the last minute before the action, its first half
    lately: int = 0  # … and its second half


@dataclass(frozen=True, slots=True)
class Control:
    """The same measure, of services that the fault does not touch, before the action and after it."""

    before: Reading
    after: Reading

    def recovered_alike(self, ours: Reading, at_most: float, *, enough: int) -> bool:
        """Whether they had the same fault as `ours`, and lost it at the same time."""
        had, have = self.before.value, self.after.value
        if had is None or have is None or min(self.before.logs, self.after.logs) < enough:
            return False
        alike = ours.value is None or had >= ours.value * ALIKE_SHARE
        return alike and had > at_most >= have


NOTHING = Traffic(0, 0, 0.0)
UNREAD = Reading(0, None)
NO_PACE = Pace(0, 0.0, 0.0)
NO_CONTROL = Control(UNREAD, UNREAD)


def ended_before(pace: Pace) -> bool:
    """Whether the fault had ended before the action: silent for longer than chance explains at its pace."""
    expected = pace.own / max(pace.seconds, SHORTEST_SECONDS) * pace.silent
    return pace.silent >= SILENT_SECONDS and expected >= EXPECTED_LOGS


def fading(pace: Pace) -> bool:
    """Whether the fault was coming to its end before the action."""
    return pace.earlier >= FADING_FROM and pace.lately <= pace.earlier * FADING_SHARE


def heals_by_then(lasted: Sequence[float], passed: float) -> bool:
    """Whether half of such faults were over within the time that has passed, without any action."""
    return len(lasted) >= ENOUGH_EARLIER and median(lasted) <= passed


def traffic_is_gone(after: Traffic, usual: Traffic) -> bool:
    """Whether far fewer logs come than usual, more than is missing everywhere; where all is still, nothing is known."""
    if not usual.logs or usual.seconds <= 0 or after.seconds <= 0:
        return False
    expected = usual.rate
    if usual.others and after.others >= 0:
        elsewhere = (after.others / after.seconds) / (usual.others / usual.seconds)
        expected *= min(1.0, max(elsewhere, LESS_EVERYWHERE))
    return after.rate < expected * ALIKE_SHARE
