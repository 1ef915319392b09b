"""Incidents of one kind that are over, with what people wrote of them and what was carried out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from adapters.store import resolution_notes
from adapters.store.action_log import as_record
from adapters.store.database import transaction
from adapters.store.incident_rows import as_incident
from adapters.store.many_rows import among
from adapters.store.tables.acting import actions
from adapters.store.tables.decided import approvals
from adapters.store.tables.found import incidents
from domain.actions import ActionRecord
from domain.drafting import Case
from domain.errors import BadInput
from domain.incidents import Incident, Kind, State

NEWEST = 100


def cases_like(engine: sa.Engine, incident_id: int) -> tuple[Incident, list[Case]] | None:
    """An incident and the newest resolved ones of its kind, the oldest first; None where there is no such incident."""
    with transaction(engine) as connection:
        row = connection.execute(sa.select(incidents).where(incidents.c.id == incident_id)).first()
        if row is None:
            return None
        query = sa.select(incidents).where(incidents.c.state == State.RESOLVED, *_of_kind(row))
        found = connection.execute(query.order_by(incidents.c.id.desc()).limit(NEWEST)).all()
        return as_incident(row), _cases(connection, found[::-1])


def _of_kind(row: sa.Row[Any]) -> list[sa.ColumnElement[bool]]:
    if row.kind == Kind.METRIC:
        same = (incidents.c.metric == row.metric, incidents.c.direction == row.direction)
        return [incidents.c.kind == row.kind, *same]
    return [incidents.c.kind == row.kind, incidents.c.template == row.template]


def _cases(connection: sa.Connection, rows: Sequence[sa.Row[Any]]) -> list[Case]:
    episodes = {row.id: row.episode for row in rows}
    notes = resolution_notes.of_incidents(connection, episodes)
    done, allowed = _actions(connection, episodes), _allowed(connection, episodes)
    return [
        Case(as_incident(row), tuple(notes.get(row.id, ())), tuple(done.get(row.id, ())), row.id in allowed)
        for row in rows
    ]


def _actions(connection: sa.Connection, episodes: Mapping[int, int]) -> dict[int, list[ActionRecord]]:
    """The actions of each last episode; none of those of an incident of which one cannot be read."""
    mine = among(connection, actions.c.incident_id, episodes)
    query = sa.select(actions).where(mine).order_by(actions.c.incident_id, actions.c.ordinal)
    found: dict[int, list[ActionRecord]] = defaultdict(list)
    unreadable = set()
    for row in connection.execute(query):
        if row.episode != episodes[row.incident_id]:
            continue
        try:
            found[row.incident_id].append(as_record(row))
        except (BadInput, KeyError, TypeError, ValueError):  # of another version
            unreadable.add(row.incident_id)
    return {number: records for number, records in found.items() if number not in unreadable}


def _allowed(connection: sa.Connection, episodes: Mapping[int, int]) -> set[int]:
    """The incidents of which a person allowed a plan in the last episode."""
    mine = among(connection, approvals.c.incident_id, episodes)
    rows = connection.execute(sa.select(approvals).where(mine, approvals.c.granted))
    return {row.incident_id for row in rows if row.episode == episodes[row.incident_id]}
