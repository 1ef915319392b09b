"""What budgets count: rows of actions, read under a lock that no other reservation overlaps."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa

from adapters.store.tables.acting import actions
from adapters.store.tables.found import incidents
from domain.actions import COUNTED, ActionState
from domain.asking import Counted, History
from domain.budgets import DAY, HOUR
from domain.incidents import State
from domain.plans import ActionKind
from domain.verification import Outcome

ACTING_LOCK = 7303


def lock_budgets(connection: sa.Connection) -> None:
    """From here to the end of the transaction nobody else reserves a plan, so that budgets hold over all incidents."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": ACTING_LOCK})


def history(
    connection: sa.Connection, targets: Iterable[str], services: Iterable[str], *, back: timedelta, now: datetime
) -> History:
    """What was or may have been done: on anything in the last hour, on these targets in the last day.

    `back`: how far to look back on the targets where that is more. Actions dated in the future count, too.
    """
    keys, names = set(targets), set(services)
    theirs = sa.and_(actions.c.budget_key.in_(keys), actions.c.reserved_at > now - max(back, DAY))
    wanted = sa.or_(actions.c.reserved_at > now - HOUR, theirs)
    columns = [actions.c[name] for name in ("budget_key", "service", "kind", "reserved_at", "outcome")]
    rows = connection.execute(sa.select(*columns).where(actions.c.state.in_(COUNTED), wanted)).all()
    done = tuple(
        Counted(row.budget_key, row.service, ActionKind(row.kind), row.reserved_at, _outcome(row.outcome))
        for row in rows
    )
    going_on = _under_way(connection, keys, names)
    return History(done, frozenset(key for key, _ in going_on), frozenset(service for _, service in going_on))


def _outcome(kept: str | None) -> Outcome | None:
    return Outcome(kept) if kept else None


def _under_way(connection: sa.Connection, keys: set[str], services: set[str]) -> list[tuple[str, str]]:
    """Targets and services with an action whose plan has not come to its end, however long ago it was reserved."""
    unfinished = actions.c.state.in_([ActionState.RESERVED, ActionState.STARTED])
    answered = incidents.c.state.in_([State.ACTING, State.VERIFYING])
    query = (
        sa.select(actions.c.budget_key, actions.c.service)
        .join(incidents, incidents.c.id == actions.c.incident_id, isouter=True)
        .where(sa.or_(actions.c.budget_key.in_(keys), actions.c.service.in_(services)))
        .where(sa.or_(unfinished, sa.and_(answered, actions.c.episode == incidents.c.episode)))
    )
    return [(row.budget_key, row.service) for row in connection.execute(query)]
