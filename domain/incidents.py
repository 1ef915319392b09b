"""An incident: anomalous logs of one service with one signature, close enough in time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from domain.pages import PageReason

# Signature of the incident into which a service's further ones merge.
STORM = "(storm)"


class Severity(IntEnum):
    """How bad; ordered."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


class State(StrEnum):
    """Where an incident is on its way; the table is the queue."""

    OPEN = "open"  # collecting evidence, or confirmed and waiting for an answer
    ACTING = "acting"  # a plan was accepted and is being carried out
    VERIFYING = "verifying"  # carried out; waiting for the verdict
    ESCALATED = "escalated"  # a human has it
    RESOLVED = "resolved"
    MERGED = "merged"  # part of a storm

    @property
    def closed(self) -> bool:
        """Whether nothing more will happen to it."""
        return self in (State.RESOLVED, State.MERGED)


class Route(StrEnum):
    """Who answers."""

    PLAYBOOK = "playbook"  # common
    HUMAN = "human"  # uncommon


class Resolution(StrEnum):
    """Why an incident was closed."""

    VERIFIED = "verified"  # an action helped, fresh healthy logs say so
    QUIET = "quiet"  # no anomalous log for long enough
    HUMAN = "human"  # closed by hand


@dataclass(frozen=True, slots=True)
class Evidence:
    """One log that speaks for an incident."""

    at: datetime
    level: int
    request_id: str | None
    message: str  # untrusted text, cut; escape it wherever it is shown
    reason: str  # name of a Reason
    numbers: dict[str, object]  # what the verdict compared


@dataclass(slots=True)
class Incident:
    """One incident as the decisions see it; the fold over logs changes it in place."""

    id: int  # 0 until it is stored
    service: str
    signature: str
    metric: str  # the deviating metric, or empty
    direction: str  # "high", "low" or empty
    detector: str  # "model 3", "rules", "rules, model unavailable"
    route: Route
    playbook: str  # id of the playbook that fits best, or empty
    opened_at: datetime  # event time of the first log
    last_at: datetime  # event time of the latest log
    severity: Severity = Severity.LOW
    state: State = State.OPEN
    logs: int = 0
    confirmed_at: datetime | None = None  # event time of the log that confirmed it
    page_key: str = ""  # key of the page that told a human of it, or empty
    paged_at: datetime | None = None  # event time of the log that caused that page
    acked_at: datetime | None = None
    late_noted: bool = False  # a late page was suppressed and that is in the ledger
    evidence: list[Evidence] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        """At most one incident with this key is open at a time."""
        return self.service, self.signature

    @property
    def confidence(self) -> float:
        """The confidence of its worst log that was kept as evidence, 0–1."""
        return max((float(str(kept.numbers.get("confidence", 0))) for kept in self.evidence), default=0.0)

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        if self.signature == STORM:
            return f"{self.service}: storm of incidents"
        return f"{self.service}: {self.playbook or self.signature[:80]}"


def page_reason(incident: Incident) -> PageReason | None:
    """Why to page a human for it at once, or None to stay quiet for now."""
    if incident.confirmed_at is None or incident.acked_at or incident.state.closed:
        return None
    # Told by another incident's page, or before it got this bad: that is not enough for a critical one.
    if incident.page_key and (incident.paged_at is not None or incident.severity < Severity.CRITICAL):
        return None
    if incident.signature == STORM:
        return PageReason.STORM
    if incident.severity >= Severity.CRITICAL:
        return PageReason.CRITICAL
    if incident.route is Route.HUMAN:
        return PageReason.UNCOMMON
    return None
