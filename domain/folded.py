"""What the fold over anomalous logs takes and gives."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.findings import MinuteFinding
from domain.going_out import GoneOut
from domain.incidents import Alert, Evidence, Incident, Kind, Severity
from domain.ledger import LedgerKind
from domain.pages import PageReason


@dataclass(frozen=True, slots=True)
class Name:
    """What an incident may be called."""

    kind: Kind
    template: str
    metric: str = ""  # that which names it, or beside a log's text the surest abnormal one; or empty
    direction: str = ""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One anomalous log, or minute of a service, as the fold sees it."""

    row: int  # in its batch; of a minute the log that it comes before
    service: str
    names: tuple[Name, ...]  # its text and each abnormal metric, in the order in which playbooks are asked
    called: Name  # the one that it has when no playbook fits any of them
    level: int  # a value of Level
    at: datetime  # not later than the clock: see `clocks`
    severity: Severity
    detector: str
    confidence: float  # 0–1
    evidence: Callable[[], Evidence]  # made only for the few logs that are kept as evidence
    minute: MinuteFinding | None = None  # what it is about where it is no log

    @property
    def logs(self) -> int:
        """How many logs it is."""
        return int(self.minute is None)


@dataclass(frozen=True, slots=True)
class Correlation:
    """The settings of the fold."""

    quiet: timedelta  # without a log for so long an incident is over
    confirm_logs: int  # of one alert within `confirm_within`, or one more of several
    confirm_within: timedelta
    join: timedelta  # alerts within this time of each other may be of one fault
    storm_after: int  # alerts of a service beyond which further ones are one
    fleet_after: int  # pages within `group` beyond which further ones share one of the fleet
    late: timedelta
    group: timedelta


@dataclass(frozen=True, slots=True)
class Known:
    """What was stored before the logs: all that decisions about them look at."""

    # Open ones of the services that occur in the logs, those of any service that a log may still join, that of the
    # fleet; each with its alerts: all of those services, some of the others.
    open: Sequence[Incident] = ()
    resolved: Sequence[Incident] = ()  # lately, by a person or as verified, with alerts of these services; oldest first
    page_times: Sequence[datetime] = ()  # the newest `paged_at` of all incidents, `fleet_after` of them
    late_paged: Mapping[str, datetime] = field(default_factory=dict)  # service -> when its last late page was queued
    watched: frozenset[str] = frozenset()  # services of which one anomalous log is enough
    gone_out: Sequence[GoneOut] = ()  # pages that people got while the store did not answer, and it has not yet


@dataclass(frozen=True, slots=True)
class PageIntent:
    """A page that the fold decided on."""

    incident: Incident
    reason: PageReason
    severity: Severity  # of the incident at that moment, as is the episode
    episode: int
    key: str  # as in `stored_page_key`, and before the incident has a number one that holds within the fold
    late: bool
    gone_out: bool = False  # people have it already, under this key


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
    of_minute: list[tuple[MinuteFinding, Incident]] = field(default_factory=list)
    touched: dict[int, Incident] = field(default_factory=dict)  # id(incident) -> opened or changed ones
    alerts: dict[int, tuple[Alert, Incident]] = field(default_factory=dict)  # id(alert) -> opened or changed ones
    pages: list[PageIntent] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    due: dict[int, Incident] = field(default_factory=dict)  # id(incident) -> confirmed or reopened: to be answered
    reopened: dict[int, Incident] = field(default_factory=dict)  # id(incident) -> what of the last episode is void

    into: dict[int, Incident] = field(default_factory=dict)  # id(incident) -> the one that took it in

    def touch_alert(self, alert: Alert, incident: Incident) -> None:
        """Record that an alert of an incident is new or changed."""
        self.alerts[id(alert)] = alert, incident

    def touch(self, incident: Incident, kind: LedgerKind | None = None, /, **fields: object) -> None:
        """Record that it changed and, where that is a decision, the decision."""
        self.touched[id(incident)] = incident
        if kind is not None:
            self.notes.append(Note(kind, incident, fields))


def stored_page_key(
    incident: Incident, reason: PageReason, severity: Severity | None = None, episode: int | None = None
) -> str:
    """The idempotency key of a page: the same for the same episode, reason and severity, whoever makes it.

    It holds the incident's number, because a log that comes again may open an incident that looks the same.
    """
    named = f"{incident.id}\0{episode or incident.episode}\0{reason}\0{int(severity or incident.severity)}"
    return hashlib.sha256(named.encode()).hexdigest()[:40]


def final_keys(folded: Folded) -> dict[str, str]:
    """The stored keys of pages by those of the fold, now that all incidents have numbers; incidents get them too."""
    keys = {made.key: _stored_key(made) for made in folded.pages}
    for incident in folded.touched.values():
        incident.page_key = keys.get(incident.page_key, incident.page_key)
    return keys


def _stored_key(made: PageIntent) -> str:
    if made.gone_out:
        return made.key
    return stored_page_key(made.incident, made.reason, made.severity, made.episode)
