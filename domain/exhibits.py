"""What a claim may cite: stored logs and windows of metrics, each under a short name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.amounts import number
from domain.logs import Level
from domain.quoted import Mask
from domain.shown_texts import cut, printable
from domain.telemetry import LogId

LONGEST_NAME = 200  # characters of a metric's name; longer ones are shown cut


def told_metric(name: str, mask: Mask) -> str:
    """A metric's name as it may be shown: masked, then cut."""
    return cut(printable(mask(name)), LONGEST_NAME)


@dataclass(frozen=True, slots=True)
class LogExhibit:
    """One stored log."""

    log: LogId
    at: datetime
    service: str
    level: Level
    text: str  # masked, one line, cut; untrusted all the same

    @property
    def told(self) -> str:
        """As people read it."""
        return f'{self.at:%H:%M:%S} {self.service} {self.level.name}: "{self.text}" (log {self.log})'


@dataclass(frozen=True, slots=True)
class MetricExhibit:
    """The mean of one metric of one service over a time, and what it was before."""

    service: str
    metric: str  # its name as it may be shown
    since: datetime
    until: datetime
    value: float
    before: float | None = None  # None: nobody measured it before

    @property
    def at(self) -> datetime:
        """When it begins."""
        return self.since

    @property
    def told(self) -> str:
        """As people read it."""
        was = "" if self.before is None else f", before {number(self.before)}"
        span = f"{self.since:%H:%M} to {self.until:%H:%M}"
        return f"{self.service}: {self.metric} {number(self.value)}{was} ({span})"


Exhibit = LogExhibit | MetricExhibit


@dataclass
class Exhibits:
    """What was shown so far, by name: L1, L2 … are logs, M1, M2 … are metrics."""

    named: dict[str, Exhibit] = field(default_factory=dict)

    def add(self, exhibit: Exhibit) -> str:
        """Its name; the same exhibit has the same."""
        known = next((name for name, one in self.named.items() if one == exhibit), None)
        if known is not None:
            return known
        letter = "L" if isinstance(exhibit, LogExhibit) else "M"
        name = f"{letter}{1 + sum(one.startswith(letter) for one in self.named)}"
        self.named[name] = exhibit
        return name

    def of(self, names: Iterable[str]) -> Iterator[Exhibit]:
        """Those of these names that there are."""
        return (self.named[name] for name in names if name in self.named)

    @property
    def as_mapping(self) -> Mapping[str, Exhibit]:
        """By name."""
        return dict(self.named)
