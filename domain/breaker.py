"""A circuit breaker: what failed often is left alone for a while, then tried once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Breaker:
    """How calls went lately."""

    after: int  # failures in a row that open it
    rest: timedelta  # how long it stays open
    failures: int = 0  # in a row
    opened_at: datetime | None = None

    def lets_through(self, now: datetime) -> bool:
        """Whether a call may be made now."""
        # A clock that was set back must not keep it open for ever.
        return self.opened_at is None or not timedelta() <= now - self.opened_at < self.rest

    def went(self, *, well: bool, now: datetime) -> Breaker:
        """After one more call."""
        if well:
            return Breaker(self.after, self.rest)
        failures = self.failures + 1
        return Breaker(self.after, self.rest, failures, now if failures >= self.after else None)
