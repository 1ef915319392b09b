"""Incidents a page at a time: those that are open first, each part the newest first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.incident_rows import OPEN_STATES, snoozed_until
from adapters.store.tables.chained import ledger
from adapters.store.tables.found import incidents
from domain.errors import BadInput
from domain.incidents import State

PAGE = 50
# What a list shows; what else a row holds is sealed or long.
SHOWN = [
    incidents.c[name]
    for name in (
        *("id", "state", "severity", "service", "playbook", "template", "services", "logs"),
        *("opened_at", "last_at", "page_key", "acked_at", "resolved_at"),
    )
]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: behind this incident, among the open ones or among those that are over."""

    among_open: bool
    id: int

    def __str__(self) -> str:
        return f"{'open' if self.among_open else 'closed'}-{self.id}"


def place_of(text: str) -> Place | None:
    """The place that a link names, None for the beginning. Raises BadInput."""
    if not text:
        return None
    part, _, number = text.partition("-")
    if part not in ("open", "closed") or not number.isdecimal():
        raise BadInput(f"{text[:40]!r} is no place in the list; begin at /incidents")
    return Place(part == "open", int(number[:18]))


ALL_OPEN = "all-open"  # whatever is not over; `open` is one of those states


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which incidents are listed; what is empty or None does not matter."""

    state: str = ""  # all-open | closed | a state
    services: Collection[str] | None = None  # of their likely origin


def page_of_incidents(
    engine: sa.Engine, wanted: Wanted, begin: Place | None, *, limit: int = PAGE
) -> tuple[list[Row], Place | None]:
    """One page, and where the next one begins, None where there is none. Raises BadInput for no such state."""
    parts = [one for one in (True, False) if _states(wanted.state, among_open=one)]
    found: list[Row] = []
    with transaction(engine) as connection:
        for among_open in parts:
            if begin is not None and begin.among_open < among_open:
                continue
            before = begin.id if begin is not None and begin.among_open == among_open else None
            query = _query(_states(wanted.state, among_open=among_open), wanted.services, before)
            rows = connection.execute(query.limit(limit + 1 - len(found)))
            found += [dict(row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name
            if len(found) > limit:
                break
    last = found[limit - 1] if len(found) > limit else None
    return found[:limit], None if last is None else Place(not State(last["state"]).closed, last["id"])


def _states(wanted: str, *, among_open: bool) -> list[State]:
    """The states of one part of the list that are wanted."""
    part = [state for state in State if state.closed != among_open]
    if not wanted:
        return part
    if wanted in (ALL_OPEN, "closed"):
        return part if among_open == (wanted == ALL_OPEN) else []
    if wanted not in set(State):
        raise BadInput(f"{wanted[:40]!r} is no state; write {ALL_OPEN}, closed, or one of {', '.join(State)}")
    return [state for state in part if state == wanted]


def _query(states: list[State], services: Collection[str] | None, before: int | None) -> sa.Select[Any]:
    query = sa.select(*SHOWN, snoozed_until()).where(incidents.c.state.in_(states)).order_by(incidents.c.id.desc())
    if services is not None:
        query = query.where(incidents.c.service.in_(sorted(services)))
    return query if before is None else query.where(incidents.c.id < before)


def open_by_service(engine: sa.Engine) -> dict[str, int]:
    """How many incidents are open, by the service of their likely origin."""
    query = (
        sa.select(incidents.c.service, sa.func.count())
        .where(incidents.c.state.in_(OPEN_STATES))
        .group_by(incidents.c.service)
    )
    with transaction(engine) as connection:
        return {service: int(many) for service, many in connection.execute(query)}


def newest_entry(engine: sa.Engine) -> int:
    """The highest number of the ledger, 0 for an empty one."""
    with transaction(engine) as connection:
        return int(connection.scalar(sa.select(sa.func.max(ledger.c.id))) or 0)


def touched_since(engine: sa.Engine, entry: int, *, limit: int) -> list[tuple[int, int]]:
    """(entry, incident) of the ledger's later entries that are about an incident, the oldest first."""
    later = (ledger.c.id > entry, ledger.c.incident_id.is_not(None))
    query = sa.select(ledger.c.id, ledger.c.incident_id).where(*later).order_by(ledger.c.id).limit(limit)
    with transaction(engine) as connection:
        return [(int(row.id), int(row.incident_id)) for row in connection.execute(query)]
