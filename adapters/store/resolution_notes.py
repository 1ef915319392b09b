"""Notes that people wrote about incidents that are over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from adapters.store.many_rows import among
from adapters.store.tables.found import resolution_notes
from domain.resolution_notes import ResolutionNote, Verdict


def add(connection: sa.Connection, note: ResolutionNote) -> None:
    """Keep one more note."""
    values = {name: getattr(note, name) for name in ("incident_id", "episode", "at", "by", "cause", "helped", "origin")}
    connection.execute(resolution_notes.insert().values(values | {"verdict": note.verdict or ""}))


def of_incident(connection: sa.Connection, incident_id: int) -> list[ResolutionNote]:
    """The notes of an incident, of all its episodes, the oldest first."""
    return of_incidents(connection, [incident_id]).get(incident_id, [])


def of_incidents(connection: sa.Connection, ids: Iterable[int]) -> dict[int, list[ResolutionNote]]:
    """The notes of many incidents by incident, the oldest first; one statement."""
    mine = among(connection, resolution_notes.c.incident_id, ids)
    found: dict[int, list[ResolutionNote]] = defaultdict(list)
    for row in connection.execute(sa.select(resolution_notes).where(mine).order_by(resolution_notes.c.id)):
        found[row.incident_id].append(_note(row))
    return dict(found)


def _note(row: sa.Row[Any]) -> ResolutionNote:
    return ResolutionNote(
        incident_id=row.incident_id,
        episode=row.episode,
        at=row.at,
        by=row.by,
        cause=row.cause,
        helped=row.helped,
        origin=row.origin,
        verdict=Verdict(row.verdict) if row.verdict else None,
    )
