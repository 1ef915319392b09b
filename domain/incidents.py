"""An incident: one fault, with every alert that it shows as; an alert: one service's logs with one text or metric."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from domain.pages import PageReason

# What comes back so often, each time soon after it was resolved, flaps.
FLAPS = 2


class Severity(IntEnum):
    """How bad; ordered."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


class Kind(StrEnum):
    """What an incident is told apart by, beside its service and template."""

    LOG = "log"  # the template is a masked message
    METRIC = "metric"  # the template names metric and direction
    STORM = "storm"  # what comes beyond the limit of a service's open incidents
    FLEET = "fleet"  # what comes beyond the limit of pages over all services
    OWN = "own"  # about the agent itself; the template is a text of ours
    CANARY = "canary"  # a known fault that the agent sent itself
    ALERT = "alert"  # a group of alerts of somebody else, who also says when it is over


class AlertRole(StrEnum):
    """What an alert can be in a fault that several services show."""

    CAUSE = "cause"  # it says what is broken: a playbook is for it, or its words name a resource
    EFFECT = "effect"  # it waits for somebody else
    PLAIN = "plain"  # it may be either


class Relation(StrEnum):
    """Why an alert belongs to its incident."""

    FIRST = "first"  # it opened the incident
    SERVICE = "service"  # its service has another alert there
    WORDS = "words"  # another service says the same
    PLAYBOOK = "playbook"  # the same playbook is for several services at once
    DEPENDENCY = "dependency"  # one of the services calls the other, says the inventory
    ORDER = "order"  # it waits for somebody, shortly after another service failed; the inventory knows neither


class State(StrEnum):
    """Where an incident is on its way."""

    OPEN = "open"  # collecting evidence, or confirmed and waiting for an answer
    WAITING = "waiting for approval"  # a plan was made that a person must allow
    ACTING = "acting"  # a plan was accepted and is being carried out
    VERIFYING = "verifying"  # carried out; waiting for the verdict
    ESCALATED = "escalated"  # a human has it
    RESOLVED = "resolved"
    REOPENED = "reopened"  # was resolved, and came back; answered anew as a further episode
    MERGED = "merged"  # its alerts belong to another incident by now

    @property
    def closed(self) -> bool:
        """Whether nothing more will happen to it."""
        return self in (State.RESOLVED, State.MERGED)

    @property
    def in_hand(self) -> bool:
        """Whether somebody works on it, who would lose it if it were closed."""
        return self in (State.WAITING, State.ACTING, State.VERIFYING)


class Route(StrEnum):
    """Who answers."""

    PLAYBOOK = "playbook"  # common
    HUMAN = "human"  # uncommon


class Resolution(StrEnum):
    """Why an incident was closed."""

    VERIFIED = "verified"  # an action helped, fresh healthy logs say so
    QUIET = "quiet"  # no anomalous log for long enough
    HUMAN = "human"  # closed by hand
    ORIGIN = "origin repaired"  # a symptom of another incident, silent since that one was verified
    SOURCE = "source"  # whoever raised its alerts says that they are over
    WORKS = "works again"  # what of ours had failed
    SILENT = "source silent"  # whoever raised its alerts said nothing for so long that they mean nothing any more


@dataclass(frozen=True, slots=True)
class Evidence:
    """One log that speaks for an incident."""

    at: datetime
    level: int
    request_id: str | None
    message: str  # untrusted text, cut; escape it wherever it is shown
    reason: str  # name of a Reason
    numbers: dict[str, object]  # what the verdict compared
    service: str = ""  # empty: that of its incident


@dataclass(slots=True)
class Alert:
    """What one service shows of a fault, by one text or metric; the fold over logs changes it in place."""

    id: int  # 0 until it is stored
    service: str
    kind: Kind
    template: str
    metric: str
    direction: str
    detector: str
    opened_at: datetime  # event time of the first log of this episode
    last_at: datetime
    route: Route = Route.HUMAN
    playbook: str = ""
    role: AlertRole = AlertRole.PLAIN
    relation: Relation = Relation.FIRST
    related_to: str = ""  # the service whose alert it was found to belong with, or empty
    severity: Severity = Severity.LOW
    level: int = 0
    logs: int = 0  # of this episode
    episode: int = 1  # of its incident, when it was seen last
    recent: list[datetime] = field(default_factory=list)  # event times of its newest logs, ascending
    evidence: list[Evidence] = field(default_factory=list)  # its worst log
    closed: bool = False  # as its incident is
    incident_id: int = 0

    @property
    def key(self) -> tuple[str, Kind, str]:
        """At most one alert with this key is open at a time."""
        return self.service, self.kind, self.template


@dataclass(slots=True)
class Incident:
    """One incident as the decisions see it; the fold over logs changes it in place.

    Service, template and what follows from them are those of the alert that is its likely origin.
    """

    id: int  # 0 until it is stored
    service: str
    kind: Kind
    template: str
    metric: str  # the abnormal metric: that which names it, or one that came beside its text; or empty
    direction: str  # "high", "low" or empty
    detector: str  # "model 3", "rules", "rules, no model is registered"
    route: Route
    playbook: str  # id of the playbook that fits best, or empty
    opened_at: datetime  # event time of the first log
    last_at: datetime  # event time of the latest log
    severity: Severity = Severity.LOW
    level: int = 0  # the worst level of its origin's logs, a value of Level
    state: State = State.OPEN
    logs: int = 0  # of this episode
    confirmed_at: datetime | None = None  # event time of the log that confirmed it
    page_key: str = ""  # key of the first page of this episode that told a human of it, or empty
    paged_at: datetime | None = None  # event time of the log that made it a page of its own, or one of the fleet's
    told: int = 0  # the highest severity that a page told of, 0 for none
    acked_at: datetime | None = None
    episode: int = 1  # one more each time it is reopened
    origin_logs: int = 0  # of the alert that is its likely origin, in this episode
    fires_at: datetime | None = None  # event time of that alert's latest log; None as long as there is no alert
    services: int = 1  # how many it touches
    came_back_at: datetime | None = None  # event time of the first log since it was resolved last
    returns: int = 0  # how often it came back after it was resolved
    widespread: bool = False  # one playbook's fault in several services at once: nothing is done about it
    error_ratio: float | None = None  # share of errors in the logs of its services when it was answered, 0–1
    late_noted: bool = False  # a late page was suppressed and that is in the ledger
    resolved_at: datetime | None = None  # wall time
    resolution: Resolution | None = None
    evidence: list[Evidence] = field(default_factory=list)
    # Those that decisions look at: of a fault that a thousand services show not all. Of closed ones the last episode's.
    alerts: list[Alert] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, Kind, str]:
        """That of its likely origin."""
        return self.service, self.kind, self.template

    @property
    def begun_at(self) -> datetime:
        """When what is answered now began: it may have come back since it was opened."""
        return self.came_back_at or self.opened_at

    @property
    def confidence(self) -> float:
        """The confidence of its origin's worst log that was kept as evidence, 0–1."""
        own = (kept for kept in self.evidence if kept.service in ("", self.service))
        return max((float(str(kept.numbers.get("confidence", 0))) for kept in own), default=0.0)

    @property
    def flaps(self) -> bool:
        """Whether it came back so often that mending it once more is no answer."""
        return self.returns >= FLAPS

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        if self.kind is Kind.FLEET:
            return "all services: storm of incidents"
        if self.kind is Kind.STORM:
            return f"{self.service}: storm of incidents"
        return f"{self.service}: {self.playbook or self.template[:80]}"


def page_reason(incident: Incident) -> PageReason | None:
    """Why to page a human for it at once, or None to stay quiet for now.

    One page for each rise in severity: whoever was told of it, or acknowledged it, knew it less bad.
    """
    if incident.confirmed_at is None or incident.state.closed or incident.severity <= incident.told:
        return None
    if incident.told:
        return _worse(incident.severity)
    return next((reason for holds, reason in REASONS if holds(incident)), None)


def _worse(severity: Severity) -> PageReason | None:
    if severity < Severity.HIGH:
        return None
    return PageReason.CRITICAL if severity >= Severity.CRITICAL else PageReason.WORSE


# Why a human is told first; in this order.
REASONS: tuple[tuple[Callable[[Incident], bool], PageReason], ...] = (
    (lambda incident: incident.kind in (Kind.STORM, Kind.FLEET), PageReason.STORM),
    (lambda incident: incident.severity >= Severity.CRITICAL, PageReason.CRITICAL),
    (lambda incident: incident.flaps, PageReason.FLAPPING),
    (lambda incident: incident.widespread, PageReason.WIDESPREAD),
    (lambda incident: incident.route is Route.HUMAN, PageReason.UNCOMMON),
)
