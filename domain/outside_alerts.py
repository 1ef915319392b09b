"""Alerts of others that become incidents here: one incident for each of their groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.incidents import Evidence, Incident, Kind, Route, Severity, State
from domain.logs import Level
from domain.shown_texts import printable

# An alert that fires is said again by its source every few hours; one that is not said for so long means nothing.
SILENT_AFTER = timedelta(hours=24)
# Where the name of the service is looked for, in this order.
SERVICE_LABELS = ("service", "job", "app", "namespace", "instance", "alertname")
SEVERITIES: Mapping[str, Severity] = {
    "critical": Severity.CRITICAL,
    "page": Severity.CRITICAL,
    "error": Severity.HIGH,
    "high": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "medium": Severity.MEDIUM,
    "info": Severity.LOW,
    "low": Severity.LOW,
    "none": Severity.LOW,
}
UNKNOWN_SEVERITY = Severity.HIGH
LEVELS: Mapping[Severity, Level] = {
    Severity.CRITICAL: Level.CRITICAL,
    Severity.HIGH: Level.ERROR,
    Severity.MEDIUM: Level.WARN,
    Severity.LOW: Level.INFO,
}
LONGEST_TEMPLATE, LONGEST_SERVICE, LONGEST_EVIDENCE = 300, 200, 500
EVIDENCE_KEPT = 5
SOURCE = "Alertmanager"
# What our own alerts are called there: they come back from an Alertmanager that has us for a receiver, too.
OURS = "SREAgentIncident"


class Status(StrEnum):
    """What the source says of an alert."""

    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class OutsideAlert:
    """One alert of somebody else; the fingerprint is its identity. All text is untrusted."""

    fingerprint: str
    group_key: str
    status: Status
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime | None = None  # None while it fires
    url: str = ""
    received_at: datetime | None = None
    incident_id: int | None = None

    @property
    def fires(self) -> bool:
        """Whether it is not over."""
        return self.status is Status.FIRING

    @property
    def severity(self) -> Severity:
        """How bad its source says that it is."""
        return SEVERITIES.get(self.labels.get("severity", "").strip().lower(), UNKNOWN_SEVERITY)

    @property
    def service(self) -> str:
        """Whose it is."""
        named = (printable(self.labels.get(label, "")) for label in SERVICE_LABELS)
        return next(filter(None, named), SOURCE)[:LONGEST_SERVICE]

    @property
    def says(self) -> str:
        """What it says in one line."""
        name = printable(self.labels.get("alertname", ""))
        summary = printable(self.annotations.get("summary", "") or self.annotations.get("description", ""))
        return ": ".join(filter(None, (name, summary))) or f"alert {self.fingerprint}"


class Change(StrEnum):
    """What new words about a group mean for its incident."""

    OPEN = "open"
    UPDATE = "update"
    REOPEN = "reopen"
    CLOSE = "close"
    NOTHING = "nothing"


def change(alerts: Sequence[OutsideAlert], incident: Incident | None, *, quiet: timedelta) -> Change:
    """What to do, given every alert of a group and the newest incident that it had.

    `quiet`: what fires again within so long after it was resolved is the same incident.
    """
    firing = [alert for alert in alerts if alert.fires]
    is_open = incident is not None and not incident.state.closed
    if not firing:
        return Change.CLOSE if is_open else Change.NOTHING
    if incident is None:
        return Change.OPEN
    if is_open:
        return Change.UPDATE
    began = max(alert.starts_at for alert in firing)
    resolved = incident.resolved_at
    if incident.state is State.RESOLVED and resolved is not None and began <= resolved + quiet:
        return Change.REOPEN
    return Change.OPEN


def opened(alerts: Sequence[OutsideAlert], *, now: datetime) -> Incident:
    """The incident that a group's firing alerts make; they are at least one."""
    firing = _firing(alerts)
    worst = firing[0]
    return Incident(
        id=0,
        service=worst.service,
        kind=Kind.ALERT,
        template=worst.says[:LONGEST_TEMPLATE],
        metric="",
        direction="",
        detector=SOURCE,
        route=Route.HUMAN,
        playbook="",
        opened_at=min(now, *_starts(firing)),
        last_at=now,
        severity=worst.severity,
        level=int(LEVELS[worst.severity]),
        logs=len(firing),
        confirmed_at=now,
        services=len({alert.service for alert in firing}),
        evidence=[_evidence(alert) for alert in firing[:EVIDENCE_KEPT]],
    )


def updated(incident: Incident, alerts: Sequence[OutsideAlert], *, now: datetime) -> None:
    """Let an open incident know what its alerts say now; severity never falls while it is open."""
    fresh = opened(alerts, now=now)
    if fresh.severity > incident.severity:
        incident.service, incident.template = fresh.service, fresh.template
        incident.severity, incident.level = fresh.severity, fresh.level
    incident.last_at, incident.logs = now, fresh.logs
    incident.services, incident.evidence = fresh.services, fresh.evidence


def come_back(incident: Incident, alerts: Sequence[OutsideAlert], *, now: datetime) -> None:
    """A further episode of what was over: nothing of the last one holds."""
    fresh = opened(alerts, now=now)
    incident.service, incident.template = fresh.service, fresh.template
    incident.severity, incident.level, incident.evidence = fresh.severity, fresh.level, fresh.evidence
    incident.last_at, incident.logs, incident.services = now, fresh.logs, fresh.services
    incident.came_back_at, incident.confirmed_at = min(max(_starts(alerts)), now), now
    incident.returns, incident.episode = incident.returns + 1, incident.episode + 1
    incident.told, incident.page_key, incident.paged_at = 0, "", None
    incident.acked_at = incident.resolved_at = incident.resolution = None
    incident.state = State.REOPENED


def _firing(alerts: Iterable[OutsideAlert]) -> list[OutsideAlert]:
    """Those that fire, the worst first."""
    firing = [alert for alert in alerts if alert.fires]
    return sorted(firing, key=lambda alert: (-alert.severity, alert.starts_at, alert.fingerprint))


def _starts(alerts: Iterable[OutsideAlert]) -> list[datetime]:
    return [alert.starts_at for alert in alerts if alert.fires]


def _evidence(alert: OutsideAlert) -> Evidence:
    told = [alert.says, *(f"{name}: {value}" for name, value in sorted(alert.annotations.items()) if name != "summary")]
    message = printable("; ".join(told))[:LONGEST_EVIDENCE]
    return Evidence(alert.starts_at, int(LEVELS[alert.severity]), None, message, "ALERT", {}, alert.service)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the new words of others."""

    opened: int = 0
    reopened: int = 0
    closed: int = 0
    updated: int = 0
