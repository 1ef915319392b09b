"""What people write of incidents that are over: kept as a note, and in the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from adapters.store import resolution_notes
from adapters.store.closing import incident_in
from adapters.store.database import Connection, Engine, transaction
from adapters.store.ledger_rows import note
from domain.errors import BadInput, Refused
from domain.incidents import Incident, State
from domain.ledger import LedgerKind
from domain.people import People, Role
from domain.resolution_notes import Findings


def note_closed(engine: Engine, incident_id: int, findings: Findings, *, by: str, people: People, now: datetime) -> str:
    """Keep what somebody found out about an incident that is over; what came of it, in words.

    Raises Refused and BadInput, with what to do instead.
    """
    person = people.person(by, Role.RESPONDER)
    if findings.is_empty:
        raise BadInput("the note says nothing: give --cause, --helped, --origin or --analysis")
    with transaction(engine) as connection:
        incident = incident_in(connection, incident_id)
        if why := _hindrance(incident_id, incident):
            raise Refused(why)
        if incident is not None:
            keep_in(connection, incident, findings, by=person.name, now=now)
    return f"note on incident {incident_id} kept"


def _hindrance(incident_id: int, incident: Incident | None) -> str:
    """Why it takes no note, and what to do instead; empty where it does."""
    if incident is None:
        return f"incident {incident_id} does not exist; `sre incidents` lists them"
    if incident.state is State.MERGED:
        told = f"`sre incident {incident_id}` names it; note it there"
        return f"incident {incident_id} became part of another one: {told}"
    if not incident.state.closed:
        return f"incident {incident_id} is open; `sre resolve {incident_id} --cause …` closes it with a note"
    return ""


def keep_in(connection: Connection, incident: Incident, findings: Findings, *, by: str, now: datetime) -> None:
    """As `note_closed`, within a transaction, for somebody who may; what they said last is not kept a second time."""
    made = findings.note(incident.id, incident.episode, by=by, at=now)
    before = [one for one in resolution_notes.of_incident(connection, incident.id) if one.by == by]
    if before and replace(before[-1], at=now) == made:
        return
    resolution_notes.add(connection, made)
    note(connection, LedgerKind.NOTED, incident.id, {"by": by, **findings.said}, now=now)
