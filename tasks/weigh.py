"""How bad an incident is, once it is answered: fresh logs of its services say so, and who was told less is paged."""

from __future__ import annotations

from adapters.store import impact_rows
from adapters.store.database import Connection
from adapters.store.ledger_rows import note
from adapters.store.outbox import queue
from domain.correlation import stored_page_key
from domain.impact import severity
from domain.incidents import Incident, Kind, Severity
from domain.ledger import LedgerKind
from domain.pages import PageReason
from tasks.held import Held


def assess(held: Held, connection: Connection, incident: Incident) -> None:
    """Once for each episode; the incident is changed in place.

    A page that waits says then how bad it is. Where nobody is told because a playbook fits, whoever must know of
    what is critical is.
    """
    if incident.error_ratio is not None or incident.kind in (Kind.OWN, Kind.FLEET, Kind.ALERT, Kind.CANARY):
        return
    found = impact_rows.impact(connection, incident, now=held.now())
    if found.ratio is None:
        return
    incident.severity, incident.error_ratio = severity(incident.severity, found), found.ratio
    impact_rows.assess(connection, incident, found)
    fields = {"severity": incident.severity.name.lower(), "impact": str(found)}
    note(connection, LedgerKind.ASSESSED, incident.id, fields, now=held.now())
    if incident.severity >= Severity.CRITICAL and not incident.told:
        key = stored_page_key(incident, PageReason.CRITICAL)
        queue(
            connection,
            incident,
            PageReason.CRITICAL,
            key=key,
            lines=[f"Impact: {found}"],
            now=held.now(),
        )
