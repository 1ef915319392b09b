"""What the logs around the beginning of an incident say in numbers: what a dossier is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.logs import Level


@dataclass(frozen=True, slots=True)
class Span:
    """A time, from here to before there."""

    since: datetime
    until: datetime

    @property
    def minutes(self) -> float:
        """How long it is."""
        return (self.until - self.since).total_seconds() / 60


@dataclass(frozen=True, slots=True, order=True)
class LogId:
    """Where a stored log lies; what a claim cites."""

    topic: int
    partition: int
    offset: int
    part: int = 0

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}" + (f"/{self.part}" if self.part else "")


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of one service, or of one instance of it: the mean of each minute that has a value."""

    service: str
    metric: str
    at: tuple[datetime, ...]  # beginnings of minutes, ascending
    values: tuple[float, ...]  # as long as `at`
    instance: str = ""  # pod or host, where the logs name it

    def mean(self, since: datetime, until: datetime) -> float | None:
        """The mean of the minutes that begin in [since, until); None where there are none."""
        held = [value for at, value in zip(self.at, self.values, strict=True) if since <= at < until]
        return sum(held) / len(held) if held else None


@dataclass(frozen=True, slots=True)
class Phrase:
    """Logs of one service with one text, before and during."""

    service: str
    template: str
    level: Level  # the worst of them
    before: int
    during: int
    first_at: datetime | None = None  # of those during
    example: LogId | None = None  # the first of those during, or where there is none the last before
    last_at: datetime | None = None  # of those before


@dataclass(frozen=True, slots=True)
class Follow:
    """How often, within one trace, a line with one text was followed by one with another, and how much later."""

    service: str
    template: str
    then_service: str
    then_template: str
    before: int
    during: int
    before_seconds: float = 0.0  # the median of how much later; 0 where there were none
    during_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The time around an onset in numbers. Spans of logs and of series may differ; a series has its own times."""

    onset: datetime  # when the incident began
    before: Span  # the quiet time that logs are compared with
    during: Span  # from the onset on
    series: tuple[Series, ...] = ()
    phrases: tuple[Phrase, ...] = ()
    follows: tuple[Follow, ...] = ()
    calls: frozenset[tuple[str, str]] = frozenset()  # (caller, called), as far as anybody wrote it down
    missing: Mapping[str, float] = field(default_factory=dict)  # service -> lines that were to come since its last one

    @property
    def services(self) -> set[str]:
        """Every service of which a log or a metric is known."""
        return {one.service for one in self.series} | {one.service for one in self.phrases}
