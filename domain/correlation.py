"""From anomalous logs to incidents: a fold, log by log, over what is open.

Each log is decided from the logs before it and its own values alone, so that cutting the same logs
into other batches opens the same incidents and sends the same pages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from operator import itemgetter

from domain.incidents import (
    STORM,
    Evidence,
    Incident,
    Resolution,
    Route,
    Severity,
    State,
    page_reason,
)
from domain.pages import PageReason

EVIDENCE_KEPT = 5


class LedgerKind(StrEnum):
    """Every decision and effect that is kept for ever."""

    OPENED = "incident.opened"
    CONFIRMED = "incident.confirmed"
    MERGED = "incident.merged"
    RESOLVED = "incident.resolved"
    ACKED = "incident.acknowledged"
    ESCALATED = "incident.escalated"
    PAGE_QUEUED = "page.queued"
    PAGE_SUPPRESSED = "page.suppressed"
    PAGE_JOINED = "page.joined"  # an earlier page of the service covers it
    PAGE_SENT = "page.sent"
    PAGE_FAILED = "page.failed"
    PLAN = "plan.made"
    OBJECTED = "plan.objected"
    ACTION_STARTED = "action.started"
    ACTION_DONE = "action.done"
    ACTION_FAILED = "action.failed"
    ACTION_TAKEN_OVER = "action.taken-over"
    UNDONE = "action.undone"
    VERIFIED = "verification"
    PAUSED = "acting.paused"
    RESUMED = "acting.resumed"
    TOPIC_CHANGED = "topic.recreated"


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One anomalous log as the fold sees it."""

    row: int  # in its batch
    service: str
    signature: str
    metric: str
    direction: str
    at: datetime
    severity: Severity
    detector: str
    evidence: Callable[[], Evidence]  # made only for the few logs that are kept as evidence


@dataclass(frozen=True, slots=True)
class Correlation:
    """The settings of the fold."""

    quiet: timedelta
    confirm_logs: int
    storm_after: int
    late: timedelta
    group: timedelta  # one page tells of all uncommon incidents of a service that come within this time


@dataclass(frozen=True, slots=True)
class PageIntent:
    """A page that the fold decided on."""

    incident: Incident
    reason: PageReason
    key: str
    late: bool


@dataclass(frozen=True, slots=True)
class Note:
    """A decision about an incident, for the ledger."""

    kind: LedgerKind
    incident: Incident
    fields: Mapping[str, object]


@dataclass(slots=True)
class Folded:
    """What a batch did to the incidents."""

    of_row: dict[int, Incident] = field(default_factory=dict)  # row in the batch -> its incident
    touched: dict[int, Incident] = field(default_factory=dict)  # id(incident) -> opened or changed ones
    pages: list[PageIntent] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    resolutions: dict[int, Resolution] = field(default_factory=dict)  # id(incident) -> why closed


class Fold:
    """The open incidents, changed log by log.

    Parameters
    ----------
    open_incidents
        Every incident that is not closed, of at least the services that occur in the logs.
    classify
        The route of a new incident and the id of the playbook that fits it, or "".
    late_paged
        When a late page was last queued for a service, for services that had one.
    now
        Wall time, for lateness; None runs on the logs' own clock, on which nothing is late.
    """

    def __init__(
        self,
        open_incidents: Iterable[Incident],
        *,
        rules: Correlation,
        classify: Callable[[Incident], tuple[Route, str]],
        late_paged: Mapping[str, datetime],
        now: datetime | None,
    ) -> None:
        self.rules = rules
        self.classify = classify
        self.now = now
        self.late_paged = dict(late_paged)
        self.of_service: dict[str, dict[str, Incident]] = {}
        for incident in open_incidents:
            self.of_service.setdefault(incident.service, {})[incident.signature] = incident

    def run(self, anomalies: Iterable[Anomaly]) -> Folded:
        """Take the anomalies in order; incidents given at construction are changed in place."""
        folded = Folded()
        for anomaly in anomalies:
            incident = self._incident_of(anomaly, folded)
            self._add(incident, anomaly, folded)
            folded.of_row[anomaly.row] = incident
        return folded

    def _incident_of(self, anomaly: Anomaly, folded: Folded) -> Incident:
        mine = self.of_service.setdefault(anomaly.service, {})
        for signature in (anomaly.signature, STORM):
            incident = mine.get(signature)
            if incident is not None and not self._went_quiet(incident, anomaly.at, folded):
                return incident
        if len(mine) >= self.rules.storm_after:
            for _, incident in sorted(mine.items(), key=itemgetter(0)):
                self._went_quiet(incident, anomaly.at, folded)
        if len(mine) >= self.rules.storm_after:
            return self._open(anomaly, STORM, folded)
        return self._open(anomaly, anomaly.signature, folded)

    def _went_quiet(self, incident: Incident, at: datetime, folded: Folded) -> bool:
        """Whether it had been quiet for so long at `at` that it is over; then it is closed."""
        if at - incident.last_at <= self.rules.quiet:
            return False
        incident.state = State.RESOLVED
        del self.of_service[incident.service][incident.signature]
        folded.touched[id(incident)] = incident
        folded.resolutions[id(incident)] = Resolution.QUIET
        quiet_seconds = (at - incident.last_at).total_seconds()
        folded.notes.append(
            Note(LedgerKind.RESOLVED, incident, {"resolution": Resolution.QUIET, "quiet_seconds": quiet_seconds})
        )
        return True

    def _open(self, anomaly: Anomaly, signature: str, folded: Folded) -> Incident:
        storm = signature == STORM
        incident = Incident(
            id=0,
            service=anomaly.service,
            signature=signature,
            metric="" if storm else anomaly.metric,
            direction="" if storm else anomaly.direction,
            detector=anomaly.detector,
            route=Route.HUMAN,
            playbook="",
            opened_at=anomaly.at,
            last_at=anomaly.at,
        )
        if storm:
            self._merge(incident, anomaly.at, folded)
        else:
            incident.route, incident.playbook = self.classify(incident)
        self.of_service[anomaly.service][signature] = incident
        folded.notes.append(
            Note(
                LedgerKind.OPENED,
                incident,
                {"signature": signature, "detector": anomaly.detector, "route": incident.route},
            )
        )
        return incident

    def _merge(self, storm: Incident, at: datetime, folded: Folded) -> None:
        """What nobody was told of and nothing was done about becomes part of the storm, with all it weighs."""
        mine = self.of_service[storm.service]
        for signature, incident in sorted(mine.items(), key=itemgetter(0)):
            if incident.page_key or incident.state is not State.OPEN:
                continue
            storm.severity = max(storm.severity, incident.severity)
            storm.confirmed_at = storm.confirmed_at or (at if incident.confirmed_at else None)
            incident.state = State.MERGED
            del mine[signature]
            folded.touched[id(incident)] = incident
            folded.notes.append(Note(LedgerKind.MERGED, incident, {"open": self.rules.storm_after}))

    def _add(self, incident: Incident, anomaly: Anomaly, folded: Folded) -> None:
        incident.logs += 1
        # A log from a clock that is ahead must not keep an incident young for ever.
        incident.last_at = max(incident.last_at, anomaly.at if self.now is None else min(anomaly.at, self.now))
        worse = anomaly.severity > incident.severity
        if worse:
            incident.severity = anomaly.severity
        if worse or len(incident.evidence) < EVIDENCE_KEPT:
            incident.evidence = [*incident.evidence, anomaly.evidence()][-EVIDENCE_KEPT:]
        folded.touched[id(incident)] = incident
        if incident.confirmed_at is None and incident.logs >= self.rules.confirm_logs:
            incident.confirmed_at = anomaly.at
            folded.notes.append(Note(LedgerKind.CONFIRMED, incident, {"logs": incident.logs}))
        if reason := page_reason(incident):
            other = self._told_already(incident, reason, anomaly.at)
            if other is None:
                self._page(incident, reason, anomaly.at, folded)
            else:
                self._join(incident, other, folded)

    def _told_already(self, incident: Incident, reason: PageReason, at: datetime) -> Incident | None:
        """An incident of the same service, as bad or worse, of which a human was just told."""
        if reason is not PageReason.UNCOMMON:
            return None
        found = [
            (other.paged_at, other.signature, other)
            for other in self.of_service[incident.service].values()
            if other is not incident
            and other.paged_at is not None
            and other.acked_at is None
            and at - other.paged_at <= self.rules.group
            and other.severity >= incident.severity
        ]
        # The earliest, not whichever comes first: the store gives incidents in another order than they opened in.
        return min(found)[2] if found else None

    def _join(self, incident: Incident, other: Incident, folded: Folded) -> None:
        """One page is enough for what comes together."""
        incident.page_key = other.page_key
        folded.notes.append(Note(LedgerKind.PAGE_JOINED, incident, {"key": other.page_key, "with": other.signature}))

    def _page(self, incident: Incident, reason: PageReason, at: datetime, folded: Folded) -> None:
        late = self.now is not None and self.now - at > self.rules.late
        if late and self._late_already(incident.service):
            if not incident.late_noted:
                incident.late_noted = True
                folded.notes.append(Note(LedgerKind.PAGE_SUPPRESSED, incident, {"why": "late", "reason": reason}))
            return
        if late and self.now is not None:
            self.late_paged[incident.service] = self.now
        incident.page_key = page_key(incident, reason)
        incident.paged_at = at
        folded.pages.append(PageIntent(incident, reason, incident.page_key, late))
        folded.notes.append(
            Note(LedgerKind.PAGE_QUEUED, incident, {"reason": reason, "late": late, "key": incident.page_key})
        )

    def _late_already(self, service: str) -> bool:
        """Whether the service had its one late page; a backlog is one piece of news for an hour."""
        last = self.late_paged.get(service)
        return last is not None and self.now is not None and self.now - last < timedelta(hours=1)


def page_key(incident: Incident, reason: PageReason) -> str:
    """The key of a page within a fold: the same wherever batches end."""
    opened = incident.opened_at.isoformat()
    named = f"{incident.service}\0{incident.signature}\0{opened}\0{reason}"
    return hashlib.sha256(named.encode()).hexdigest()[:40]


def stored_page_key(incident: Incident, reason: PageReason) -> str:
    """The idempotency key of a page: the same for the same incident and reason, whoever makes it.

    It holds the incident's number, because a log that comes again may open an incident that looks the same.
    """
    named = f"{incident.id}\0{page_key(incident, reason)}"
    return hashlib.sha256(named.encode()).hexdigest()[:40]
