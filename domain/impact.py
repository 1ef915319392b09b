"""How bad an incident is for those who use its services: by level, and by what fresh logs say of their share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from domain.amounts import counted, share
from domain.incidents import Severity

# From this share of errors on nearly nothing works; from that on people notice; under the last one hardly anybody does.
BROKEN, FELT, UNFELT = 0.5, 0.1, 0.01
MANY_SERVICES = 3
# Twice as many of its logs as in the time before, and not just a few.
TWICE, FEW = 2, 10


@dataclass(frozen=True, slots=True)
class Impact:
    """What the logs of an incident's services were like in the minute before it was answered."""

    services: int
    logs: int  # of these services
    errors: int  # of them, at ERROR or above
    earlier: int  # of the incident's own, in the first half of the minute
    lately: int  # in its second half

    @property
    def ratio(self) -> float | None:
        """Share of errors, 0–1; None where there were no logs."""
        return self.errors / self.logs if self.logs else None

    @property
    def rising(self) -> bool:
        """Whether it gets more."""
        return self.lately >= FEW and self.lately >= TWICE * self.earlier

    def __str__(self) -> str:
        trend = ", and its own logs get more" if self.rising else ""
        of_what = f"{counted(self.logs, 'log')} of {counted(self.services, 'service')}"
        return f"{share(self.ratio or 0.0)} of {of_what} are errors{trend}"


# What holds first says how bad it is at least and at most.
BOUNDS: tuple[tuple[Callable[[Impact, float], bool], Severity, Severity], ...] = (
    (lambda seen, ratio: ratio >= BROKEN and seen.services >= MANY_SERVICES, Severity.CRITICAL, Severity.CRITICAL),
    (lambda seen, ratio: ratio >= FELT or seen.services >= MANY_SERVICES, Severity.HIGH, Severity.CRITICAL),
    (lambda seen, _: seen.rising, Severity.HIGH, Severity.CRITICAL),
    (lambda _, ratio: ratio < UNFELT, Severity.LOW, Severity.MEDIUM),
)


def severity(by_level: Severity, impact: Impact) -> Severity:
    """How bad it is; what says itself that it is critical is."""
    if by_level >= Severity.CRITICAL or impact.ratio is None:
        return by_level
    for holds, least, most in BOUNDS:
        if holds(impact, impact.ratio):
            return min(max(by_level, least), most)
    return by_level
