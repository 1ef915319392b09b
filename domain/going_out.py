"""Pages that must go out while the store does not answer: what they are known again by when it does."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from domain.incidents import Incident, Kind, Severity
from domain.pages import PageKind, PageReason

Fault = tuple[str, Kind, str]  # the key of an alert: service, kind and text


@dataclass(frozen=True, slots=True)
class GoneOut:
    """A page that went out, or may at any moment, as the store will see it when the same logs are read again."""

    key: str
    faults: frozenset[Fault]
    at: datetime  # event time of the log that made it a page


@dataclass(frozen=True, slots=True)
class SpooledPage:
    """One critical page on its way beside the store, with its incident as it was then, without alerts."""

    key: str
    thread: str
    reason: PageReason
    late: bool
    since: datetime  # wall time: the store did not answer from then on
    made_at: datetime  # wall time
    at: datetime  # as in `GoneOut`
    faults: frozenset[Fault]
    incident: Incident

    @property
    def kind(self) -> PageKind:
        """What it is for its incident."""
        return PageKind.TRIGGER if self.thread == self.key else PageKind.UPDATE

    @property
    def gone_out(self) -> GoneOut:
        """What it is known again by."""
        return GoneOut(self.key, self.faults, self.at)


def faults_of(incident: Incident) -> frozenset[Fault]:
    """Everything by which an incident shows."""
    return frozenset({incident.key, *(alert.key for alert in incident.alerts)})


def fault_key(incident: Incident, at: datetime) -> str:
    """The key of a page that is made without the store: the same for the same fault in the same minute."""
    named = (incident.service, incident.kind, incident.template, incident.direction, f"{at:%Y-%m-%dT%H:%M}")
    return hashlib.sha256("\0".join(named).encode(errors="surrogatepass")).hexdigest()[:40]


def told_already(incident: Incident, gone_out: list[GoneOut]) -> GoneOut | None:
    """The page that people have of this incident, or None; what began after it is another one."""
    faults = faults_of(incident)
    return next((one for one in gone_out if incident.begun_at <= one.at and faults & one.faults), None)


TOLD_AS = int(Severity.CRITICAL)  # nothing less goes out beside the store
