"""Spans of time that come again every day or every week, by the clock of UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

PERIODS: Mapping[str, timedelta] = {"day": timedelta(days=1), "week": timedelta(weeks=1)}


@dataclass(frozen=True, slots=True)
class Span:
    """From `begins` on, up to but without `ends`."""

    begins: datetime
    ends: datetime

    def later(self, by: timedelta) -> Span:
        """The same span so much later."""
        return Span(self.begins + by, self.ends + by)

    @property
    def end(self) -> str:
        """When it ends, in words; with the date where that is another day than it began on."""
        form = "%H:%M UTC" if self.begins.date() == self.ends.date() else "%Y-%m-%d %H:%M UTC"
        return f"{self.ends:{form}}"


@dataclass(frozen=True, slots=True)
class Times:
    """One span, or spans that come again; none is longer than the time until the next one begins."""

    first: Span
    every: str = ""  # key of PERIODS, or "" for once
    until: datetime | None = None  # none begins after this

    def at(self, now: datetime) -> Span | None:
        """The span that `now` is in."""
        found = self._begun(now)
        return found if found is not None and now < found.ends else None

    def after(self, now: datetime) -> Span | None:
        """The next span to begin after `now`."""
        if now < self.first.begins:
            return self._allowed(self.first)
        period = PERIODS.get(self.every)
        return self._allowed(self.first.later(period * (self._past(now, period) + 1))) if period else None

    def _begun(self, now: datetime) -> Span | None:
        """The span that began last."""
        if now < self.first.begins:
            return None
        period = PERIODS.get(self.every)
        return self._allowed(self.first.later(period * self._past(now, period))) if period else self.first

    def _past(self, now: datetime, period: timedelta) -> int:
        return (now - self.first.begins) // period

    def _allowed(self, span: Span) -> Span | None:
        return None if self.until is not None and span.begins > self.until else span
