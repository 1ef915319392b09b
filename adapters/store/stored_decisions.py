"""What was decided in a time, as it is stored: by batches, and by people and `on-call` in between."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.store.database import Connection
from adapters.store.many_rows import among
from adapters.store.tables.acting import actions, watches
from adapters.store.tables.chained import ledger
from adapters.store.tables.counted import minute_findings
from adapters.store.tables.found import incidents
from adapters.store.tables.paging import pages
from domain.decided import Decision, Found, Opening, Ran
from domain.given import CHANGES
from domain.incidents import Kind
from domain.ledger import Entry, LedgerKind
from domain.minutes import Measured

# Of an incident that was closed by hand or by proof logs may come back for so long, whatever the settings say.
RESTS = timedelta(hours=1)
# What batches decide about incidents.
FOLDED = (
    LedgerKind.OPENED,
    LedgerKind.CONFIRMED,
    LedgerKind.JOINED,
    LedgerKind.ORIGIN,
    LedgerKind.WIDESPREAD,
    LedgerKind.MERGED,
    LedgerKind.RESOLVED,
    LedgerKind.REOPENED,
    LedgerKind.PAGE_QUEUED,
    LedgerKind.PAGE_SUPPRESSED,
    LedgerKind.PAGE_JOINED,
)


def quiet_before(connection: Connection, since: datetime, earliest: datetime) -> datetime:
    """A moment at or before `since` when no incident was open or had just been closed; `earliest` where there is none.

    A replay that begins then needs to know of no incident.
    """
    query = (
        sa.select(incidents.c.stored_at, incidents.c.resolved_at)
        .where(incidents.c.kind.not_in([Kind.OWN, Kind.ALERT]), incidents.c.stored_at < since)
        .order_by(incidents.c.stored_at.desc())
    )
    began = since
    for row in connection.execute(query):
        if row.resolved_at is None or row.resolved_at + RESTS >= began:
            began = min(began, row.stored_at)
        if began <= earliest:
            return earliest
    return began


class Openings:
    """Incidents by what they were when they were opened: the same, whatever number a store gives them."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.known: dict[int, Opening] = {}

    def look_up(self, numbers: Collection[int]) -> Mapping[int, Opening]:
        """Those of these incidents that are stored."""
        if new := sorted(set(numbers) - self.known.keys()):
            self.known |= self._read(new)
        return self.known

    def _read(self, numbers: Sequence[int]) -> dict[int, Opening]:
        query = sa.select(incidents.c.id, incidents.c.service, incidents.c.opened_at)
        rows = self.connection.execute(query.where(among(self.connection, incidents.c.id, numbers))).all()
        told = sa.select(ledger).where(
            among(self.connection, ledger.c.incident_id, numbers),
            ledger.c.kind.in_([LedgerKind.OPENED, LedgerKind.ORIGIN]),
        )
        opened: dict[int, Mapping[str, Any]] = {}
        before: dict[int, str] = {}
        for row in self.connection.execute(told.order_by(ledger.c.id)):
            if row.kind == LedgerKind.OPENED:
                opened.setdefault(row.incident_id, row.fields)
            else:
                before.setdefault(row.incident_id, row.fields["before"])
        return {
            row.id: Opening(
                before.get(row.id, row.service),
                opened[row.id].get("kind", ""),
                opened[row.id].get("template", ""),
                row.opened_at,
            )
            for row in rows
            if row.id in opened
        }


def decisions(connection: Connection, nows: Collection[datetime]) -> list[Decision]:
    """What the batches of these moments decided about incidents, in order."""
    if not nows:
        return []
    moments = frozenset(nows)
    query = sa.select(ledger).where(ledger.c.at >= min(moments), ledger.c.at <= max(moments), ledger.c.kind.in_(FOLDED))
    rows = [row for row in connection.execute(query.order_by(ledger.c.id)) if row.at in moments]
    opened = Openings(connection)
    known = opened.look_up(
        [row.incident_id for row in rows] + [row.fields["into"] for row in rows if "into" in row.fields]
    )
    told = _pages(connection, [row.fields["key"] for row in rows if row.kind == LedgerKind.PAGE_QUEUED])
    return [
        Decision(
            row.at,
            LedgerKind(row.kind),
            known[row.incident_id],
            _said(row.fields, known),
            row.incident_id,
            *told.get(row.fields.get("key", ""), (0, 0)),
        )
        for row in rows
        if row.incident_id in known
    ]


def _said(fields: Mapping[str, Any], known: Mapping[int, Opening]) -> str:
    """The fields of an entry, without what is numbered anew in each store."""
    held = {name: value for name, value in fields.items() if name != "key"}
    if "into" in held:
        held["into"] = str(known.get(held["into"], ""))
    return json.dumps(held, sort_keys=True, default=str)


def _pages(connection: Connection, keys: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Number and severity of pages by their keys."""
    if not keys:
        return {}
    query = sa.select(pages.c.key, pages.c.id, pages.c.severity).where(among(connection, pages.c.key, set(keys)))
    return {row.key: (row.id, row.severity) for row in connection.execute(query)}


def given(connection: Connection, since: datetime, until: datetime, nows: Collection[datetime]) -> list[Entry]:
    """What others than batches did to incidents in a time, in order."""
    query = sa.select(ledger).where(
        ledger.c.at >= since, ledger.c.at < until, ledger.c.kind.in_(list(CHANGES)), ledger.c.incident_id.is_not(None)
    )
    moments = frozenset(nows)
    return [
        Entry(row.id, row.at, row.kind, row.incident_id, row.fields)
        for row in connection.execute(query.order_by(ledger.c.id))
        if row.at not in moments or row.kind not in FOLDED
    ]


def sharp_watches(connection: Connection, until: datetime) -> list[dict[str, Any]]:
    """Watches of services that began before a moment and are still known, the first first."""
    query = sa.select(watches).where(watches.c.since < until).order_by(watches.c.since)
    return [dict(row) for row in connection.execute(query).mappings()]


def findings(connection: Connection, first: int, last: int) -> list[Found]:
    """What was found about minutes from the first to the last one, in order."""
    held = minute_findings.c
    query = sa.select(minute_findings).where(held.minute >= first, held.minute <= last).order_by(held.id)
    return [
        Found(row.minute, row.service, Measured(row.measured), row.name, row.direction, row.value, row.confidence)
        for row in connection.execute(query)
    ]


def ran(connection: Connection, since: datetime, until: datetime) -> list[Ran]:
    """Actions that were begun in a time, each with its incident as it was opened."""
    query = sa.select(actions).where(actions.c.started_at >= since, actions.c.started_at < until)
    rows = connection.execute(query.order_by(actions.c.id)).all()
    known = Openings(connection).look_up([row.incident_id for row in rows])
    return [
        Ran(row.id, f"{row.kind} {row.target}", row.source, known[row.incident_id])
        for row in rows
        if row.incident_id in known
    ]
