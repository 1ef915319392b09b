"""What the agent tells of itself in numbers, for whoever watches it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.canary import Trace

# What a member of `watch` counts since it began; a figure falls only when it begins anew.
COUNTED = ("logs", "rejected", "anomalous", "incidents", "pages", "batches", "dropped")


@dataclass(slots=True)
class Totals:
    """What one member of `watch` did since it began."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    seconds: dict[str, float] = field(default_factory=dict)  # per step

    def add(self, counts: Mapping[str, int], seconds: Mapping[str, float]) -> None:
        """Add what a window saw."""
        for name in COUNTED:
            self.counts[name] += counts.get(name, 0)
        for step, took in seconds.items():
            self.seconds[step] = self.seconds.get(step, 0.0) + took


@dataclass(frozen=True, slots=True)
class MemberTotals:
    """The same, as it is stored."""

    member: str
    at: datetime  # when it said so last
    counts: Mapping[str, int]
    seconds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a stage took lately, in seconds."""

    stage: str
    severity: str
    count: int
    quantiles: Mapping[float, float]  # 0.5, 0.95, 0.99 -> seconds


@dataclass(frozen=True, slots=True)
class Figures:
    """What the store says of the agent."""

    now: datetime
    members: Sequence[MemberTotals] = ()
    next_offsets: Mapping[int, int] = field(default_factory=dict)  # partition -> next offset to read
    stored_at: datetime | None = None  # when the last batch was stored
    incidents: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (state, severity) -> how many
    pages: Mapping[str, int] = field(default_factory=dict)  # state -> how many
    waiting: int = 0  # pages that nobody accepted for long
    waiting_critical: int = 0
    deliveries: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (channel, state) -> how many
    actions: Mapping[tuple[str, str, str], int] = field(default_factory=dict)  # (kind, state, outcome) -> how many
    overdue: int = 0  # steps of incidents
    latencies: Sequence[Latency] = ()
    alarms: int = 0  # about minutes, in 24 h
    wrong: int = 0  # of their incidents, called false
    conditions: Mapping[tuple[str, str], bool] = field(default_factory=dict)  # (part, seen by) -> healthy
    dead_letters: int = 0  # of the last hour
    paused: bool = False
    canary: Trace | None = None  # the last test of the whole way that ended
    model: str = ""  # what decided the last batch, "" for rules alone
