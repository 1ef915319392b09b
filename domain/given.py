"""What people and `on-call` did to incidents: a replay takes it as given and decides everything else again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from domain.incidents import Incident, Resolution, Route, Severity, State
from domain.ledger import Entry, LedgerKind
from domain.pages import NEWS, PageReason

Change = Callable[[Incident, Entry], None]


def _acknowledged(incident: Incident, entry: Entry) -> None:
    incident.acked_at = entry.at
    incident.told = max(incident.told, int(incident.severity))


def _nobody_has_it(incident: Incident, _entry: Entry) -> None:
    incident.acked_at = None


def _moved(state: State) -> Change:
    def change(incident: Incident, _entry: Entry) -> None:
        incident.state = state

    return change


def _allowed(incident: Incident, entry: Entry) -> None:
    """A plan that was only proposed becomes the incident's own, and whoever had it gave it back."""
    if incident.state is State.ESCALATED:
        _nobody_has_it(incident, entry)
    incident.state = State.WAITING


def _resolved(incident: Incident, entry: Entry) -> None:
    incident.state, incident.resolved_at = State.RESOLVED, entry.at
    incident.resolution = Resolution(str(entry.fields["resolution"]))
    for alert in incident.alerts:
        alert.closed = True


def _assessed(incident: Incident, entry: Entry) -> None:
    incident.severity = Severity[str(entry.fields["severity"]).upper()]


def _classified(incident: Incident, entry: Entry) -> None:
    if not entry.fields["common"]:
        incident.route = Route.HUMAN


def _told(incident: Incident, entry: Entry) -> None:
    if PageReason(str(entry.fields["reason"])) not in NEWS:
        incident.page_key = incident.page_key or str(entry.fields["key"])
        incident.told = max(incident.told, int(incident.severity))


CHANGES: Mapping[LedgerKind, Change] = {
    LedgerKind.ACKED: _acknowledged,
    LedgerKind.SNOOZED: _acknowledged,
    LedgerKind.ACK_EXPIRED: _nobody_has_it,
    LedgerKind.ASSIGNED: _nobody_has_it,
    LedgerKind.ASKED: _moved(State.WAITING),
    LedgerKind.APPROVED: _allowed,
    LedgerKind.ACTION_RESERVED: _moved(State.ACTING),
    LedgerKind.ESCALATED: _moved(State.ESCALATED),
    LedgerKind.RESOLVED: _resolved,
    LedgerKind.ASSESSED: _assessed,
    LedgerKind.CLASSIFIED: _classified,
    LedgerKind.PAGE_QUEUED: _told,
}


def apply(incident: Incident, entry: Entry) -> bool:
    """Do to an incident what the entry says; False where it was over by then, so that nothing is done."""
    if incident.state.closed:
        return False
    CHANGES[LedgerKind(entry.kind)](incident, entry)
    return True


def is_late_page(entry: Entry) -> bool:
    """Whether the entry queued a page about old evidence."""
    return entry.kind == LedgerKind.PAGE_QUEUED and bool(entry.fields.get("late"))


def by_then(entry: Entry, *, after_entry: int | None, now: datetime) -> bool:
    """Whether a batch saw what an entry says; `after_entry` is None where the batch does not say what it saw."""
    return entry.id <= after_entry if after_entry is not None else entry.at <= now
